package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/lab"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// LabCredits records what happens to lab credits (LAB) beside what Cases does.
type LabCredits struct{ DB *sqlx.DB }

// labPolicy reads one version of the policy for lab credits; version 0 is the newest.
func labPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p lab.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, lab.Kind, version, &p)
	return p, err
}

// readLabCredit reads an application with its credit; the case is locked.
func readLabCredit(ctx context.Context, tx *sqlx.Tx, c caseRow) (lab.Credit, error) {
	var row struct {
		Account   string        `db:"account_id"`
		Points    int           `db:"points"`
		Retry     bool          `db:"retry"`
		IssuedAt  *time.Time    `db:"issued_at"`
		ExpiresAt *time.Time    `db:"expires_at"`
		Remaining *money.Amount `db:"balance"`
	}
	err := tx.GetContext(ctx, &row, `
		SELECT l.account_id, l.points, l.retry_at IS NOT NULL AS retry, l.issued_at, l.expires_at, a.balance
		  FROM lab_credits l LEFT JOIN accounts a ON a.account = $2 WHERE l.case_number = $1`, c.Number, ledger.LabCredit(c.Number))
	if errors.Is(err, sql.ErrNoRows) {
		return lab.Credit{}, unknown("lab credit", c.Number)
	}
	if err != nil {
		return lab.Credit{}, fmt.Errorf("read lab credit %s: %w", c.Number, err)
	}
	credit := lab.Credit{
		Case: c.Number, Partner: c.Partner, State: lab.State(c.State), Account: row.Account, Points: row.Points, Retry: row.Retry, IssuedAt: row.IssuedAt, ExpiresAt: row.ExpiresAt,
	}
	if row.Remaining != nil {
		credit.Remaining = *row.Remaining
	}
	return credit, nil
}

// lockLink tells whether a member was linked to a partner at an instant, and keeps the link as it is, and other applications
// for the member waiting, until the end of the transaction (LAB-05).
func lockLink(ctx context.Context, tx *sqlx.Tx, partner, account string, at time.Time) (bool, error) {
	var links []int64
	if err := tx.SelectContext(ctx, &links, `
		SELECT link_id FROM member_links WHERE account_id = $1 AND partner_id = $2 AND linked_at <= $3 AND (unlinked_at IS NULL OR unlinked_at > $3)
		 ORDER BY link_id FOR NO KEY UPDATE`, account, partner, at); err != nil {
		return false, fmt.Errorf("lock link of %s: %w", account, err)
	}
	return len(links) > 0, nil
}

// otherApplication finds what people have to do with for a member already (PGM-09), under the lock of the link; empty: nothing.
func otherApplication(ctx context.Context, tx *sqlx.Tx, partner, account, number string) (string, error) {
	var other string
	err := tx.GetContext(ctx, &other, `
		SELECT case_number FROM lab_credits l JOIN cases c USING (case_number)
		 WHERE l.partner_id = $1 AND l.account_id = $2 AND c.state = ANY (ARRAY['UNDER_REVIEW', 'APPROVED']) AND case_number <> $3 ORDER BY case_number LIMIT 1`, partner, account, number)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for applications for %s: %w", account, err)
	}
	return other, nil
}

// OpenLabCreditInput asks to open an application.
type OpenLabCreditInput struct {
	Application lab.Application
	WorkflowID  string
	RunID       string
	At          time.Time
}

// OpenLabCredit judges an application and opens its case with the review asked, in one step. The same request key answers the
// first case; a refusal opens nothing.
func (l *LabCredits) OpenLabCredit(ctx context.Context, in OpenLabCreditInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	n := newCase{
		Kind: lab.Kind, Prefix: "L", Partner: a.PartnerID, Submitter: a.Submitter, RequestKey: a.RequestKey, Digest: a.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, l.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		policy, stage, list, err := judgeLab(ctx, tx, a, nil, at)
		if err != nil || len(list) > 0 {
			return "", list, err
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(lab.UnderReview)}, policy.Version)
		if err != nil {
			return "", nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO lab_credits (case_number, partner_id, path, stage, account_id, points, purpose) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			c.Number, a.PartnerID, a.Path, stage, a.Account, a.Points, a.Purpose); err != nil {
			return "", nil, fmt.Errorf("keep application: %w", err)
		}
		points := lab.Amount(a.Points)
		e := event{Case: c.Number, Key: "submit", At: at, Actor: a.Submitter, Via: viaRequest, Action: "submit", To: string(lab.UnderReview), Rule: "LAB-04", Amount: &points}
		if err := appendEvent(ctx, tx, e); err != nil {
			return "", nil, err
		}
		list, err = askLabReview(ctx, tx, c, policy, a, at)
		return c.Number, list, err
	})
}

// judgeLab collects the facts, as locked, and judges an application by them; edits is the one that is sent again. It answers the
// stage of the path as well.
func judgeLab(ctx context.Context, tx *sqlx.Tx, a lab.Application, edits *lab.Credit, at time.Time) (lab.Policy, string, refusal.List, error) {
	f := lab.Facts{Edits: edits}
	var err error
	if f.Policy, err = labPolicy(ctx, tx, 0); err != nil {
		return f.Policy, "", nil, err
	}
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM partners WHERE partner_id = $1), coalesce(path_stage($1, $2, $3), '')`, a.PartnerID, a.Path, at).Scan(&f.Known, &f.Stage); err != nil {
		return f.Policy, "", nil, fmt.Errorf("read path of %s: %w", a.PartnerID, err)
	}
	if f.Submitter, err = findPerson(ctx, tx, a.Submitter); err != nil {
		return f.Policy, "", nil, err
	}
	if f.Linked, err = lockLink(ctx, tx, a.PartnerID, a.Account, at); err != nil {
		return f.Policy, "", nil, err
	}
	number := ""
	if edits != nil {
		number = edits.Case
	}
	if f.Other, err = otherApplication(ctx, tx, a.PartnerID, a.Account, number); err != nil {
		return f.Policy, "", nil, err
	}
	return f.Policy, f.Stage, lab.Judge(a, f), nil
}

// askLabReview asks whether the points are granted.
func askLabReview(ctx context.Context, tx *sqlx.Tx, c caseRow, policy lab.Policy, a lab.Application, at time.Time) (refusal.List, error) {
	application, err := sent(a, a.Digest())
	if err != nil {
		return nil, err
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: lab.Review, Chain: policy.Chain(lab.Review), OpenedBy: a.Submitter, At: at, From: at, Application: application,
		Facts:    approval.Facts{Fields: lab.Fields, Values: lab.Values(a)},
		Question: fmt.Sprintf("Are %d lab points granted to %s under %s for member %s: %s?", a.Points, a.PartnerID, a.Path, a.Account, a.Purpose),
	})
	return list, err
}

// ResubmitLabCreditInput is an application that was edited after it was rejected.
type ResubmitLabCreditInput struct {
	Case        string
	Application lab.Application // its request key is the resubmission's own
	At          time.Time
}

// ResubmitLabCredit sends a rejected application again (LAB-07): judged like a new one, reviewed in the next round. The same
// request key with the same body changes nothing.
func (l *LabCredits) ResubmitLabCredit(ctx context.Context, in ResubmitLabCreditInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	step := resubmitStep(l.DB, in.Case, a.RequestKey, a.Submitter, at)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if done, list, err := sentBefore(ctx, tx, c.Number, lab.Review, a.RequestKey, a.Digest()); done || err != nil || len(list) > 0 {
			return list, err
		}
		credit, err := readLabCredit(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		policy, stage, list, err := judgeLab(ctx, tx, a, &credit, at)
		if err != nil || len(list) > 0 {
			return list, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE lab_credits SET path = $2, stage = $3, account_id = $4, points = $5, purpose = $6 WHERE case_number = $1`,
			c.Number, a.Path, stage, a.Account, a.Points, a.Purpose); err != nil {
			return nil, fmt.Errorf("change application: %w", err)
		}
		e, points := step.event(), lab.Amount(a.Points)
		e.Key, e.Rule = "resubmit/"+a.RequestKey, "LAB-07"
		if err := moveCase(ctx, tx, &c, moveTo{State: string(lab.UnderReview), Amount: &points}, e); err != nil {
			return nil, err
		}
		return askLabReview(ctx, tx, c, policy, a, at)
	})
}

// NameLabUserInput names another member.
type NameLabUserInput struct {
	Case   string
	Naming lab.Naming
	At     time.Time
}

// NameLabUser names another member for a credit that could not be issued, and has it issued again (LAB-12).
func (l *LabCredits) NameLabUser(ctx context.Context, in NameLabUserInput) (Standing, error) {
	n, at := in.Naming.Storable(), stored(in.At)
	step := caseStep{db: l.DB, number: in.Case, key: "name-user/" + n.Key, actor: n.Person, via: viaRequest, action: "name user", note: "account " + n.Account, at: at}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		credit, err := readLabCredit(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		by, err := findPerson(ctx, tx, n.Person)
		if err != nil {
			return nil, err
		}
		still, err := lockLink(ctx, tx, c.Partner, credit.Account, at)
		if err != nil {
			return nil, err
		}
		linked, err := lockLink(ctx, tx, c.Partner, n.Account, at)
		if err != nil {
			return nil, err
		}
		other, err := otherApplication(ctx, tx, c.Partner, n.Account, c.Number)
		if err != nil {
			return nil, err
		}
		if list := lab.JudgeNaming(n, by, credit, still, linked, other); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE lab_credits SET account_id = $2 WHERE case_number = $1`, c.Number, n.Account); err != nil {
			return nil, fmt.Errorf("name user: %w", err)
		}
		if err := abandon(ctx, tx, c.Number, at); err != nil { // operations were asked about the former user
			return nil, err
		}
		e := step.event()
		e.From, e.To, e.Rule = c.State, c.State, "LAB-12"
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		return askLabIssue(ctx, tx, c, n.Person, at)
	})
}

// UseLabCreditInput is what the lab reports.
type UseLabCreditInput struct {
	Case string
	Use  lab.Use
	At   time.Time
}

// UseLabCredit takes used points off a credit: once for each key, never more than there are. Who uses the last ones up ends the case.
func (l *LabCredits) UseLabCredit(ctx context.Context, in UseLabCreditInput) (Standing, error) {
	u, at := in.Use.Storable(), stored(in.At)
	u.Key = useKey(u.Key)
	step := caseStep{db: l.DB, number: in.Case, key: "use/" + u.Key, actor: u.Person, via: viaRequest, action: "use", note: fmt.Sprintf("%d points", u.Points), at: at}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		credit, err := readLabCredit(ctx, tx, c) // its balance is moved under the case's lock only
		if err != nil {
			return nil, err
		}
		policy, err := labPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		by, err := findPerson(ctx, tx, u.Person)
		if err != nil {
			return nil, err
		}
		if list := lab.JudgeUse(u, at, by, policy, credit); len(list) > 0 {
			return list, nil
		}
		points := lab.Amount(u.Points)
		if err := post(ctx, tx, ledger.Entry{
			Key: lab.Kind + "/" + c.Number + "/use/" + u.Key, Case: c.Number, Memo: "lab points used", At: at, Postings: ledger.Move(points, ledger.LabCredit(c.Number), ledger.LabUsed),
		}); err != nil {
			return nil, err
		}
		e := step.event()
		e.From, e.To, e.Amount = c.State, c.State, &points
		if points.Equal(credit.Remaining) {
			return nil, moveCase(ctx, tx, &c, moveTo{State: c.State, Ended: true, Amount: &points}, e)
		}
		return nil, appendEvent(ctx, tx, e)
	})
}
