package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/domain/refusal"
	"countersign/domain/solution"

	"github.com/jmoiron/sqlx"
)

// Solutions records what happens to solutions that are certified (CERT); decisions and the clock are those of Cases.
type Solutions struct{ DB *sqlx.DB }

// solutionPolicy reads one version of the policy for solutions; version 0 is the newest.
func solutionPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p solution.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, solution.Kind, version, &p)
	return p, err
}

// draftRow is a draft as the database has it.
type draftRow struct {
	ID        string        `db:"draft_id"`
	Partner   string        `db:"partner_id"`
	Case      string        `db:"case_number"`
	Type      solution.Type `db:"kind"`
	Name      string        `db:"name"`
	Version   string        `db:"version"`
	Materials []byte        `db:"materials"`
	Contact   string        `db:"contact_name"`
	Mobile    string        `db:"contact_mobile"`
	Email     string        `db:"contact_email"`
	Revision  int           `db:"revision"`
	Sent      bool          `db:"sent"`
}

const draftSQL = `
	SELECT draft_id, partner_id, coalesce(case_number, '') AS case_number, kind, name, version, materials, contact_name, contact_mobile, contact_email, revision, sent_at IS NOT NULL AS sent
	  FROM solution_drafts`

func (r draftRow) draft() (solution.Draft, error) {
	d := solution.Draft{ID: r.ID, Partner: r.Partner, Case: r.Case, Revision: r.Revision, Sent: r.Sent, Entry: solution.Entry{
		Type: r.Type, Name: r.Name, Version: r.Version, Contact: solution.Contact{Name: r.Contact, Mobile: r.Mobile, Email: r.Email},
	}}
	if err := json.Unmarshal(r.Materials, &d.Materials); err != nil {
		return d, fmt.Errorf("%w: materials of draft %s: %w", errDefect, r.ID, err)
	}
	return d, nil
}

// findDraft reads a draft and keeps every other step on it waiting; nil when there is none.
func findDraft(ctx context.Context, tx *sqlx.Tx, where string, args ...any) (*solution.Draft, error) {
	var row draftRow
	err := tx.GetContext(ctx, &row, draftSQL+` WHERE `+where+` FOR UPDATE`, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read draft: %w", err)
	}
	d, err := row.draft()
	return &d, err
}

// solutionRow is what is kept of a solution beside its case.
type solutionRow struct {
	Type      solution.Type   `db:"kind"`
	Origin    solution.Origin `db:"origin"`
	Draft     string          `db:"draft_id"`
	CertRound int             `db:"cert_round"`
	Reminded  *time.Time      `db:"reminded_until"`
	Pending   bool            `db:"pending"`
	Certified *string         `db:"certified_draft"`
	From      *time.Time      `db:"certified_at"`
	WindowAt  *time.Time      `db:"window_opens_at"`
	Until     *time.Time      `db:"valid_until"`
}

// validity is that of the present certificate; nil: never certified.
func (r solutionRow) validity() *solution.Validity {
	if r.From == nil {
		return nil
	}
	return &solution.Validity{CertifiedAt: *r.From, WindowAt: *r.WindowAt, Until: *r.Until}
}

func readSolution(ctx context.Context, tx *sqlx.Tx, number string) (solutionRow, error) {
	var r solutionRow
	if err := tx.GetContext(ctx, &r, `
		SELECT d.kind, s.origin, s.draft_id, s.cert_round, s.reminded_until, v.draft_id AS certified_draft, v.certified_at, v.window_opens_at, v.valid_until,
		       EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = s.case_number AND a.outcome = '') AS pending
		  FROM solutions s LEFT JOIN solution_certifications v USING (case_number, cert_round) JOIN solution_drafts d ON d.draft_id = s.draft_id WHERE s.case_number = $1`, number); err != nil {
		return r, fmt.Errorf("read solution %s: %w", number, err)
	}
	return r, nil
}

// solutionAt is a solution as a request of an instant finds it: where the clock stands then, whether it ran or not (PGM-02).
func solutionAt(ctx context.Context, tx *sqlx.Tx, c caseRow, at time.Time) (*solution.Solution, error) {
	r, err := readSolution(ctx, tx, c.Number)
	if err != nil {
		return nil, err
	}
	s := &solution.Solution{Case: c.Number, State: solution.State(c.State), Origin: r.Origin, Pending: r.Pending, CertRound: r.CertRound, Validity: r.validity()}
	if s.Validity == nil {
		return s, nil
	}
	s.State = s.Validity.StateAt(at)
	var row draftRow
	if err := tx.GetContext(ctx, &row, draftSQL+` WHERE draft_id = $1`, *r.Certified); err != nil {
		return nil, fmt.Errorf("read what of %s is certified: %w", c.Number, err)
	}
	d, err := row.draft()
	s.Certified = &d.Entry
	return s, err
}

// onPath tells whether a partner is on the software path at an instant (CERT-01), and whether there is such a partner.
func onPath(ctx context.Context, tx *sqlx.Tx, partner string, at time.Time) (known, on bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT true, path_stage(partner_id, 'SW', $2) IS NOT NULL FROM partners WHERE partner_id = $1`, partner, at).Scan(&known, &on)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("read path of %s: %w", partner, err)
	}
	return known, on, nil
}

// OpenSolutionInput sends a draft to its first review.
type OpenSolutionInput struct {
	Submission solution.Submission
	WorkflowID string
	RunID      string
	At         time.Time
}

// OpenSolution judges a submission and opens the solution's case: the draft sealed, the first node asked, in one step. The same
// request key answers the first case; a refusal opens nothing.
func (s *Solutions) OpenSolution(ctx context.Context, in OpenSolutionInput) (Standing, error) {
	sub, at := in.Submission.Storable(), stored(in.At)
	n := newCase{
		Kind: solution.Kind, Prefix: "SOL", Partner: sub.PartnerID, Submitter: sub.Submitter, RequestKey: sub.RequestKey, Digest: sub.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, s.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		d, err := findDraft(ctx, tx, `draft_id = $1`, sub.Draft)
		if err != nil {
			return "", nil, err
		}
		f := solution.Facts{At: at, Draft: d}
		if d != nil && d.Case != "" { // it was submitted already: the case says what can be done (CERT-16)
			c, err := lockCase(ctx, tx, d.Case)
			if err != nil {
				return "", nil, err
			}
			if f.Case, err = solutionAt(ctx, tx, c, at); err != nil {
				return "", nil, err
			}
		}
		if list, err := judgeSubmission(ctx, tx, sub, &f); err != nil || len(list) > 0 {
			return "", list, err
		}
		if f.Case != nil {
			return "", refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+f.Case.Case, "The draft is one of the solution %s; submit it there.", f.Case.Case)}, nil
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(solution.UnderReview)}, f.Policy.Version)
		if err != nil {
			return "", nil, err
		}
		if err := sealDraft(ctx, tx, d.ID, c.Number, at); err != nil {
			return "", nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO solutions (case_number, origin, draft_id) VALUES ($1, $2, $3)`, c.Number, solution.New, d.ID); err != nil {
			return "", nil, fmt.Errorf("keep solution: %w", err)
		}
		e := event{Case: c.Number, Key: "submit", At: at, Actor: sub.Submitter, Via: viaRequest, Action: "submit", To: string(solution.UnderReview), Rule: "CERT-02", Note: d.Version}
		if err := appendEvent(ctx, tx, e); err != nil {
			return "", nil, err
		}
		list, err := askCertification(ctx, tx, c, f, sub, 1)
		return c.Number, list, err
	})
}

// judgeSubmission collects the other facts, as locked, and judges a submission by them.
func judgeSubmission(ctx context.Context, tx *sqlx.Tx, sub solution.Submission, f *solution.Facts) (refusal.List, error) {
	var err error
	if f.Policy, err = solutionPolicy(ctx, tx, 0); err != nil {
		return nil, err
	}
	if f.Submitter, err = findPerson(ctx, tx, sub.Submitter); err != nil {
		return nil, err
	}
	if f.Known, f.Path, err = onPath(ctx, tx, sub.PartnerID, f.At); err != nil {
		return nil, err
	}
	return solution.Judge(sub, *f), nil
}

func sealDraft(ctx context.Context, tx *sqlx.Tx, id, number string, at time.Time) error {
	res, err := tx.ExecContext(ctx, `UPDATE solution_drafts SET case_number = $2, sent_at = $3 WHERE draft_id = $1 AND sent_at IS NULL`, id, number, at)
	if err != nil {
		return fmt.Errorf("seal draft %s: %w", id, err)
	}
	return one(res, refusal.List{solutionRules["pgm_11_sent_draft"]})
}

// SendSolutionInput sends a case's next draft to review.
type SendSolutionInput struct {
	Case       string
	Submission solution.Submission // its request key is this round's own
	At         time.Time
}

// SendSolution sends a rejected solution again, or applies for the re-certification of one that is expiring or has expired: the
// next round (CERT-11, CERT-18). The same request key with the same body changes nothing.
func (s *Solutions) SendSolution(ctx context.Context, in SendSolutionInput) (Standing, error) {
	sub, at := in.Submission.Storable(), stored(in.At)
	step := resubmitStep(s.DB, in.Case, sub.RequestKey, sub.Submitter, at)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if done, list, err := sentBefore(ctx, tx, c.Number, solution.Certification, sub.RequestKey, sub.Digest()); done || err != nil || len(list) > 0 {
			return list, err
		}
		if sub.PartnerID != c.Partner {
			return nil, unknown("solution of partner "+sub.PartnerID, c.Number)
		}
		if err := solutionClock(ctx, tx, &c, at); err != nil { // what the clock had to do before comes first
			return nil, err
		}
		f := solution.Facts{At: at}
		var err error
		if f.Draft, err = findDraft(ctx, tx, `draft_id = $1`, sub.Draft); err != nil {
			return nil, err
		}
		if f.Case, err = solutionAt(ctx, tx, c, at); err != nil {
			return nil, err
		}
		if list, err := judgeSubmission(ctx, tx, sub, &f); err != nil || len(list) > 0 {
			return list, err
		}
		if err := sealDraft(ctx, tx, f.Draft.ID, c.Number, at); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE solutions SET draft_id = $2 WHERE case_number = $1`, c.Number, f.Draft.ID); err != nil {
			return nil, fmt.Errorf("keep solution: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET policy_version = $2 WHERE case_number = $1`, c.Number, f.Policy.Version); err != nil { // a solution outlives many policies
			return nil, fmt.Errorf("keep policy: %w", err)
		}
		c.PolicyVersion = f.Policy.Version
		e := step.event()
		e.Key, e.Rule, e.Note = "resubmit/"+sub.RequestKey, "CERT-02", f.Draft.Version
		to := moveTo{State: string(solution.UnderReview)}
		if f.Case.Certified != nil { // the state goes on by itself (CERT-17)
			e.Action, e.Rule = "apply for re-certification", "CERT-11"
			to = moveTo{State: c.State, DueAt: c.DueAt, WakeAt: c.WakeAt}
		}
		if err := moveCase(ctx, tx, &c, to, e); err != nil {
			return nil, err
		}
		return askCertification(ctx, tx, c, f, sub, f.Case.CertRound+1)
	})
}

// askCertification opens the next round: the chain's steps are the nodes (CERT-04, CERT-05).
func askCertification(ctx context.Context, tx *sqlx.Tx, c caseRow, f solution.Facts, sub solution.Submission, certRound int) (refusal.List, error) {
	application, err := sent(sub, sub.Digest())
	if err != nil {
		return nil, err
	}
	what := "certified"
	if certRound > 1 {
		what = "certified anew"
	}
	round, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: solution.Certification, Chain: f.Policy.Chain(), OpenedBy: sub.Submitter, At: f.At, From: f.At, Application: application,
		Facts:    approvalFacts(f.Draft.Type, certRound),
		Question: fmt.Sprintf("Can the solution %s %s (%s) be %s?", f.Draft.Name, f.Draft.Version, f.Draft.Type, what),
	})
	if err != nil || len(list) > 0 {
		return list, err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO solution_rounds (case_number, round, cert_round, cert_try, draft_id)
		SELECT $1, $2, $3, 1 + coalesce((SELECT max(cert_try) FROM solution_rounds WHERE case_number = $1 AND cert_round = $3), 0), $4`,
		c.Number, round.number, certRound, f.Draft.ID); err != nil {
		return nil, fmt.Errorf("keep round: %w", err)
	}
	return nil, tellSolution(ctx, tx, c, solution.Submitted, fmt.Sprintf("submitted@%d", round.number), toPartner, "", f.At)
}

// DeleteSolutionInput deletes a rejected solution.
type DeleteSolutionInput struct {
	Case   string
	Key    string
	Person string
	At     time.Time
}

// DeleteSolution deletes a solution that was rejected and never certified: the case ends, and everything about it is kept.
func (s *Solutions) DeleteSolution(ctx context.Context, in DeleteSolutionInput) (Standing, error) {
	in.At = stored(in.At)
	step := caseStep{db: s.DB, number: in.Case, key: "delete/" + in.Key, actor: in.Person, via: viaRequest, action: "delete", at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		now, err := solutionAt(ctx, tx, c, in.At)
		if err != nil {
			return nil, err
		}
		if list := solution.JudgeDelete(p, in.Person, c.Partner, *now); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM solution_drafts WHERE case_number = $1 AND sent_at IS NULL`, c.Number); err != nil { // its next round will not come
			return nil, fmt.Errorf("delete draft of %s: %w", c.Number, err)
		}
		return nil, moveCase(ctx, tx, &c, moveTo{State: string(solution.Deleted), Ended: true}, step.event())
	})
}
