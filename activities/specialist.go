package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/specialist"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// ProjectSpecialists records which members a partner has recognised as project specialists, and how that ends (ORG-38 to ORG-43).
type ProjectSpecialists struct{ DB *sqlx.DB }

// LocateMemberInput fills in where a member works from.
type LocateMemberInput struct {
	Partner  string
	Account  string
	Location string
	Person   string
	At       time.Time
}

// LocateMember keeps a linked member's base location (ORG-39). The same again changes nothing; the last one holds.
func (s *ProjectSpecialists) LocateMember(ctx context.Context, in LocateMemberInput) error {
	in.At, in.Location = stored(in.At), strings.TrimSpace(domain.Marked(in.Location, 64, 64))
	return Final(judged(ctx, s.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		a := specialist.Application{PartnerID: in.Partner, Submitter: in.Person, Account: in.Account}
		f, err := specialistFacts(ctx, tx, a)
		if err != nil {
			return nil, err
		}
		if list := specialist.JudgeLocation(a, in.Location, f); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO member_locations (partner_id, account_id, base_location, set_by, set_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (partner_id, account_id) DO UPDATE SET base_location = excluded.base_location, set_by = excluded.set_by, set_at = excluded.set_at
			 WHERE member_locations.base_location <> excluded.base_location`, in.Partner, in.Account, in.Location, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("keep location of %s: %w", in.Account, err)
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("specialist/locate/%s/%s/%s", in.Partner, in.Account, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: specialist.Kind, Action: "locate", Person: in.Person, Partner: in.Partner,
		}, list)
		return err
	}))
}

// ApplyForSpecialistInput asks the vendor to recognise a member.
type ApplyForSpecialistInput struct {
	Application specialist.Application
	WorkflowID  string
	RunID       string // the run; with / and the message's ID where a run took it that was there before
	At          time.Time
}

// ApplyForSpecialist judges an application and asks the vendor. The member's first one on a path, or the first after the former
// case has ended, opens a case; after a rejection it is the next round of the same case (ORG-41, PGM-11). The same request key
// answers where its case stands.
func (s *ProjectSpecialists) ApplyForSpecialist(ctx context.Context, in ApplyForSpecialistInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	var number string
	if err := s.DB.GetContext(ctx, &number, laterRoundSQL, a.PartnerID, a.Account, a.Path, a.RequestKey, specialist.Kind, specialist.ReviewMatter.Name); err == nil {
		return s.applyAgain(ctx, number, a, in.RunID, at)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return Standing{}, Final(fmt.Errorf("look for case: %w", err))
	}
	n := newCase{
		Kind: specialist.Kind, Prefix: "PS", Partner: a.PartnerID, Submitter: a.Submitter, RequestKey: a.RequestKey, Digest: a.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, s.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		f, err := specialistFacts(ctx, tx, a)
		if err != nil {
			return "", nil, err
		}
		if list := specialist.Judge(a, f); len(list) > 0 {
			return "", list, nil
		}
		policy, err := specialistPolicy(ctx, tx, 0)
		if err != nil {
			return "", nil, err
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(specialist.Review)}, policy.Version)
		if err != nil {
			return "", nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO project_specialists (case_number, partner_id, account_id, path, base_location, materials) VALUES ($1, $2, $3, $4, $5, $6)`,
			c.Number, a.PartnerID, a.Account, a.Path, f.Location, pq.Array(a.Materials)); err != nil {
			return "", nil, fmt.Errorf("keep application: %w", err)
		}
		e := event{Case: c.Number, Key: "submit", At: at, Actor: a.Submitter, Via: viaRequest, Action: "submit", To: string(specialist.Review), Rule: "ORG-38"}
		if err := appendEvent(ctx, tx, e); err != nil {
			return "", nil, err
		}
		list, err := askSpecialistReview(ctx, tx, c, policy, a, at)
		return c.Number, list, err
	})
}

// laterRoundSQL finds the case in which an application is a later round: the one to which its request key was sent, or the
// member's live one. A key that opened a case is that case's.
const laterRoundSQL = `
	SELECT case_number FROM (
		SELECT s.case_number, EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = s.case_number AND a.matter = $6 AND a.application ->> 'request_key' = $4) AS sent, s.ended_at IS NULL AS live
		  FROM project_specialists s WHERE s.partner_id = $1 AND s.account_id = $2 AND s.path = $3
		   AND NOT EXISTS (SELECT 1 FROM cases WHERE kind = $5 AND partner_id = $1 AND request_key = $4)) c
	 WHERE sent OR live ORDER BY sent DESC LIMIT 1`

// applyAgain applies in a case that is there: judged like a first application, decided in the next round.
func (s *ProjectSpecialists) applyAgain(ctx context.Context, number string, a specialist.Application, runID string, at time.Time) (Standing, error) {
	step := resubmitStep(s.DB, number, a.RequestKey, a.Submitter, at)
	step.action = "apply again"
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if done, list, err := sentBefore(ctx, tx, c.Number, specialist.ReviewMatter, a.RequestKey, a.Digest()); done || err != nil || len(list) > 0 {
			return list, err
		}
		f, err := specialistFacts(ctx, tx, a)
		if err != nil {
			return nil, err
		}
		f.Live, f.State = c.Number, specialist.State(c.State) // it may have ended meanwhile
		if list := specialist.Judge(a, f); len(list) > 0 {
			return list, nil
		}
		policy, err := specialistPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE project_specialists SET base_location = $2, materials = $3 WHERE case_number = $1`, c.Number, f.Location, pq.Array(a.Materials)); err != nil {
			return nil, fmt.Errorf("keep application: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET run_id = split_part($2, '/', 1) WHERE case_number = $1`, c.Number, runID); err != nil {
			return nil, fmt.Errorf("bind run: %w", err)
		}
		e := step.event()
		e.Key, e.Rule = "resubmit/"+a.RequestKey, "ORG-41"
		if err := moveCase(ctx, tx, &c, moveTo{State: string(specialist.Review)}, e); err != nil {
			return nil, err
		}
		return askSpecialistReview(ctx, tx, c, policy, a, at)
	})
}

// specialistFacts collects what is known of a member, and holds the link: it does not end, and nobody else applies, meanwhile.
func specialistFacts(ctx context.Context, tx *sqlx.Tx, a specialist.Application) (specialist.Facts, error) {
	var f specialist.Facts
	var err error
	if f.Caller, f.Known, err = findCaller(ctx, tx, a.Submitter, a.PartnerID); err != nil {
		return f, err
	}
	res, err := tx.ExecContext(ctx, `SELECT 1 FROM member_links WHERE account_id = $1 AND partner_id = $2 AND unlinked_at IS NULL FOR NO KEY UPDATE`, a.Account, a.PartnerID)
	if err != nil {
		return f, fmt.Errorf("lock link of %s: %w", a.Account, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return f, err
	}
	f.Linked = n == 1
	err = tx.GetContext(ctx, &f.Location, `SELECT base_location FROM member_locations WHERE partner_id = $1 AND account_id = $2`, a.PartnerID, a.Account)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return f, fmt.Errorf("read location of %s: %w", a.Account, err)
	}
	var running []struct {
		Case  string           `db:"case_number"`
		Path  specialist.Path  `db:"path"`
		State specialist.State `db:"state"`
	}
	if err := tx.SelectContext(ctx, &running, `
		SELECT s.case_number, s.path, c.state FROM project_specialists s JOIN cases c USING (case_number)
		 WHERE s.partner_id = $1 AND s.account_id = $2 AND s.ended_at IS NULL ORDER BY s.case_number`, a.PartnerID, a.Account); err != nil {
		return f, fmt.Errorf("read cases of %s: %w", a.Account, err)
	}
	for _, r := range running {
		switch {
		case r.Path == a.Path:
			f.Live, f.State = r.Case, r.State
		case specialist.Decides(r.State) && f.Other == "":
			f.Other = r.Case
		}
	}
	return f, nil
}

// findCaller reads who acts, and whether there is the partner.
func findCaller(ctx context.Context, tx *sqlx.Tx, id, partner string) (c specialist.Caller, known bool, err error) {
	c.ID = id
	if c.Person, err = findPerson(ctx, tx, id); err != nil {
		return c, false, err
	}
	if c.Of, err = readOrganisationPerson(ctx, tx, id); err != nil {
		return c, false, err
	}
	if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM partners WHERE partner_id = $1)`, partner); err != nil {
		return c, false, fmt.Errorf("look for partner %s: %w", partner, err)
	}
	return c, known, nil
}

// askSpecialistReview puts an application to the vendor.
func askSpecialistReview(ctx context.Context, tx *sqlx.Tx, c caseRow, policy specialist.Policy, a specialist.Application, at time.Time) (refusal.List, error) {
	application, err := sent(a, a.Digest())
	if err != nil {
		return nil, err
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: specialist.ReviewMatter, Chain: policy.Chain(specialist.ReviewMatter), Facts: approval.Facts{Values: specialist.Values(a.Path)},
		Question: fmt.Sprintf("Is member %s of %s recognised as a specialist on path %s (%d file(s))?", a.Account, a.PartnerID, a.Path, len(a.Materials)),
		OpenedBy: a.Submitter, At: at, From: at, Application: application,
	})
	return list, err
}

// SpecialistStepInput is one thing that somebody asks for in a case.
type SpecialistStepInput struct {
	Case     string
	Key      string
	Person   string
	Reason   string // of a cancellation
	Document string // its file, which lies with the case already
	At       time.Time
}

// step runs one such thing: judged, then done, once under its key.
func (s *ProjectSpecialists) step(ctx context.Context, in SpecialistStepInput, action string, judge func(specialist.Step) refusal.List,
	do func(tx *sqlx.Tx, c caseRow, in SpecialistStepInput, e event) (refusal.List, error),
) (Standing, error) {
	in.At, in.Reason, in.Key, in.Document = stored(in.At), specialist.Reason(in.Reason), domain.Marked(in.Key, 64, 64), domain.Marked(in.Document, 64, 64)
	step := caseStep{db: s.DB, number: in.Case, key: action + "/" + in.Key, actor: in.Person, via: viaRequest, action: action, note: in.Reason, at: in.At}
	if in.Document != "" {
		step.note += " (document " + in.Document + ")"
	}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if c.Kind != specialist.Kind {
			return nil, unknown("case of a specialist", c.Number)
		}
		f := specialist.Step{Key: in.Key, Case: c.Number, PartnerID: c.Partner, State: specialist.State(c.State), Reason: in.Reason, Document: in.Document}
		var err error
		if f.Caller, _, err = findCaller(ctx, tx, in.Person, c.Partner); err != nil {
			return nil, err
		}
		if err := tx.GetContext(ctx, &f.Enclosed, `SELECT EXISTS (SELECT 1 FROM case_documents WHERE case_number = $1 AND document_id = $2)`, c.Number, in.Document); err != nil {
			return nil, fmt.Errorf("look for document: %w", err)
		}
		if list := judge(f); len(list) > 0 {
			return list, nil
		}
		return do(tx, c, in, step.event())
	})
}

// CancelSpecialist applies to cancel a specialist, by reason and file (ORG-42); the vendor decides.
func (s *ProjectSpecialists) CancelSpecialist(ctx context.Context, in SpecialistStepInput) (Standing, error) {
	return s.step(ctx, in, "cancel", specialist.JudgeCancel, func(tx *sqlx.Tx, c caseRow, in SpecialistStepInput, e event) (refusal.List, error) {
		policy, err := specialistPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		row, err := readSpecialist(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE project_specialists SET cancel_reason = $2, cancel_document = $3, before_cancel = $4 WHERE case_number = $1`,
			c.Number, in.Reason, in.Document, c.State); err != nil {
			return nil, fmt.Errorf("keep cancellation: %w", err)
		}
		e.Rule = "ORG-42"
		if err := moveCase(ctx, tx, &c, moveTo{State: string(specialist.CancelReview)}, e); err != nil {
			return nil, err
		}
		_, list, err := openRound(ctx, tx, c, matterOpening{
			Matter: specialist.CancelMatter, Chain: policy.Chain(specialist.CancelMatter), Facts: approval.Facts{Values: specialist.Values(row.Path)},
			Question: fmt.Sprintf("Is the specialist %s of %s on path %s cancelled? %s", row.Account, c.Partner, row.Path, in.Reason),
			OpenedBy: in.Person, At: in.At, From: in.At, Application: map[string]string{"request_key": in.Key, "reason": in.Reason, "document": in.Document},
		})
		return list, err
	})
}

// WithdrawCancellation takes a cancellation back as long as it is not decided: the specialist stands where it was filed (ORG-43).
func (s *ProjectSpecialists) WithdrawCancellation(ctx context.Context, in SpecialistStepInput) (Standing, error) {
	return s.step(ctx, in, "withdraw", specialist.JudgeWithdraw, func(tx *sqlx.Tx, c caseRow, in SpecialistStepInput, e event) (refusal.List, error) {
		row, err := readSpecialist(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		if err := abandon(ctx, tx, c.Number, in.At); err != nil {
			return nil, err
		}
		e.Rule = "ORG-43"
		return nil, moveCase(ctx, tx, &c, moveTo{State: string(row.Before)}, e)
	})
}

// RevokeSpecialist strikes a specialist off for the vendor. It is the vendor's own act: nobody submits it for a decision, so
// four eyes (PGM-07) has nothing to keep apart.
func (s *ProjectSpecialists) RevokeSpecialist(ctx context.Context, in SpecialistStepInput) (Standing, error) {
	return s.step(ctx, in, "revoke", specialist.JudgeRevoke, func(tx *sqlx.Tx, c caseRow, in SpecialistStepInput, e event) (refusal.List, error) {
		e.Rule = "ORG-41"
		return nil, moveSpecialist(ctx, tx, c, specialist.Revoked, e, in.Reason)
	})
}
