package activities

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// ResubmitWithdrawalInput is an application that was changed after it was returned.
type ResubmitWithdrawalInput struct {
	Case        string
	Application withdrawal.Application // its request key is the resubmission's own
	RunID       string
	At          time.Time
}

// ResubmitWithdrawal opens the next round of a case that was returned for changes (PGM-11): judged like a new application,
// with a code of its own; what was held is held anew. Number, comments and former rounds stay.
//
// The same request key with the same body returns where the case stands, with another body it is refused (COM-20).
func (w *Withdrawals) ResubmitWithdrawal(ctx context.Context, in ResubmitWithdrawalInput) (WithdrawalStanding, error) {
	in.At, in.Application = stored(in.At), in.Application.Storable()
	app := in.Application
	o := opening{in: OpenWithdrawalInput{Application: app, RunID: in.RunID, At: in.At}, w: w}
	step := caseStep{
		number: in.Case, key: "resubmit/" + app.RequestKey + "/" + in.At.Format(time.RFC3339Nano), // each try is refused by itself; rounds know their request key
		actor: app.Submitter, via: viaRequest, action: "resubmit", at: in.At, cost: o.countTry,
	}
	return w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		switch digest, err := resubmittedBefore(ctx, tx, c.Number, app.RequestKey); {
		case err != nil:
			return nil, err
		case digest != nil && bytes.Equal(digest, app.Digest()):
			return nil, nil
		case digest != nil:
			return refusal.List{rules["com_20_request_key"]}, nil
		}
		return o.again(ctx, tx, &c, step.event())
	})
}

// again judges and writes the next round. Whatever it finds out late is undone by the step.
func (o *opening) again(ctx context.Context, tx *sqlx.Tx, c *lockedCase, e event) (refusal.List, error) {
	app := o.in.Application
	if list := withdrawal.JudgeRound(c.Number, c.Partner, c.state(), c.DueAt, app, o.in.At); len(list) > 0 {
		return list, nil
	}
	var last struct {
		Round    int    `db:"round"`
		Returned string `db:"step"`
	}
	if err := tx.GetContext(ctx, &last, lastReturnSQL, c.Number); err != nil {
		return nil, fmt.Errorf("read last round: %w", err)
	}
	former, err := loadRound(ctx, tx, c.caseRow, withdrawal.Review, last.Round)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR SHARE`, c.Partner); err != nil { // partners before balances, as load does
		return nil, fmt.Errorf("lock partner: %w", err)
	}
	if _, err := o.lockMoney(ctx, tx); err != nil {
		return nil, err
	}
	if err := c.release(ctx, tx, fmt.Sprintf("release@%d", last.Round), false, e.At); err != nil { // what was held counts as there again
		return nil, err
	}
	if err := o.read(ctx, tx); err != nil {
		return nil, err
	}
	plan, list := withdrawal.Judge(app, o.facts)
	if len(list) > 0 {
		return list, nil
	}
	if err := spendCode(ctx, tx, o.codeID, e.At); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, resubmitSQL, c.Number, app.Route, plan.Amount, plan.Payee.Holder, plan.Payee.AccountNo, plan.Payee.Bank, plan.Payee.Branch,
		plan.PayingEntity, plan.PaidFrom); err != nil {
		return nil, fmt.Errorf("change withdrawal: %w", err)
	}
	if err := replaceLines(ctx, tx, c.Number, plan.Lines); err != nil {
		return nil, err
	}
	if err := hold(ctx, tx, c.Number, c.Partner, fmt.Sprintf("hold@%d", last.Round+1), plan.Amount, e.At); err != nil { // WDL-19
		return nil, err
	}
	if err := tx.GetContext(ctx, c, withdrawalSQL, c.Number); err != nil {
		return nil, fmt.Errorf("read case %s: %w", c.Number, err)
	}
	app.Code = ""
	e.Key, e.Rule, e.Note = fmt.Sprintf("round/%d", last.Round+1), "PGM-11", fmt.Sprintf("round %d", last.Round+1) // never a key that a caller could choose
	sub := submission{by: app.Submitter, application: resubmission{app, o.in.Application.Digest()}}
	var same bool
	if err := tx.GetContext(ctx, &same, `SELECT content = withdrawal_content($1) FROM approvals WHERE case_number = $1 AND matter = 'review' AND round = $2`, c.Number, last.Round); err != nil {
		return nil, fmt.Errorf("compare content: %w", err)
	}
	if same { // who approved something else has not approved this
		sub.returned, sub.former = last.Returned, former.standing
	}
	return o.w.enter(ctx, tx, c, withdrawal.UnderReview, e, sub)
}

// resubmission is kept with its round: the application, and its digest by which a repeat is recognised.
type resubmission struct {
	withdrawal.Application
	Digest []byte `json:"digest"`
}

const lastReturnSQL = `
	SELECT round, split_part(d.seat, '.', 1) AS step FROM decisions d
	 WHERE case_number = $1 AND matter = 'review' AND act = 'return' ORDER BY round DESC LIMIT 1`

const resubmitSQL = `
	UPDATE withdrawals SET route = $2, amount = $3, holder = $4, account_no = $5, bank = $6, branch = $7, paying_entity = $8, paid_from = $9
	 WHERE case_number = $1`

// resubmittedBefore is the digest of what a request key resubmitted; nil when it is new. The key of the first application
// cannot be used again either.
func resubmittedBefore(ctx context.Context, tx *sqlx.Tx, number, key string) ([]byte, error) {
	var digest []byte
	err := tx.GetContext(ctx, &digest, `
		SELECT CASE WHEN a.round = 1 THEN c.request_digest ELSE decode(a.application ->> 'digest', 'base64') END
		  FROM approvals a JOIN cases c USING (case_number)
		 WHERE a.case_number = $1 AND a.matter = 'review' AND a.application ->> 'request_key' = $2 ORDER BY a.round DESC LIMIT 1`, number, key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for resubmission: %w", err)
	}
	return digest, nil
}

// MigratePolicyInput moves a case to the newest policy.
type MigratePolicyInput struct {
	Case   string
	Key    string // request key
	Person string
	At     time.Time
}

// MigratePolicy moves a case that is under review to the newest version of its policy, on purpose: the round closes and the
// next one opens under the new chain, with the comments kept. It takes the process owner.
func (w *Withdrawals) MigratePolicy(ctx context.Context, in MigratePolicyInput) (WithdrawalStanding, error) {
	step := caseStep{number: in.Case, key: "migrate/" + in.Key, actor: in.Person, via: viaRequest, action: "migrate policy", noted: true, at: stored(in.At)}
	return w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		newest, err := withdrawalPolicy(ctx, tx, 0)
		if err != nil {
			return nil, err
		}
		pinned, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		var latest int
		if err := tx.GetContext(ctx, &latest, `SELECT coalesce(max(round), 0) FROM approvals WHERE case_number = $1 AND matter = $2`, c.Number, withdrawal.Review.Name); err != nil {
			return nil, fmt.Errorf("read last round: %w", err)
		}
		r, err := loadRound(ctx, tx, c.caseRow, withdrawal.Review, latest)
		if err != nil {
			return nil, err
		}
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		owner := pinned.Chain(withdrawal.Review.Name).Owner // of the chain that is given up
		var list refusal.List
		switch {
		case p == nil:
			list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Person, "There is no person %q; speak as somebody who is registered.", in.Person))
		case !p.OfVendor() || !p.Holds(owner):
			list = append(list, refusal.New("COM-16", "CBC.0151", "case "+c.Number, "%s does not hold the role %s; somebody with that role migrates a case.", p.Name, owner))
		}
		if in.Person == c.Submitter || slices.Contains(r.applied, in.Person) {
			list = append(list, refusal.New("ENG-02", "ENG_SELF_APPROVAL", "case "+c.Number, "You cannot choose the chain for your own request; ask somebody else with the role %s (PGM-07).", owner))
		}
		switch {
		case c.state() != withdrawal.UnderReview:
			list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The withdrawal is %s; only one under review can take another policy.", c.State))
		case newest.Version == c.PolicyVersion:
			list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The case has the newest policy already, version %d.", c.PolicyVersion))
		case r.changed:
			list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "What is applied for has changed since the round was opened; a new chain would be about something else. Return it for changes or reject it."))
		}
		if len(list) > 0 {
			return list, nil
		}
		e := step.event()
		e.From, e.To, e.Note = c.State, c.State, fmt.Sprintf("from version %d to %d; a new round begins", c.PolicyVersion, newest.Version)
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		if err := abandon(ctx, tx, c.Number, e.At); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET policy_version = $2 WHERE case_number = $1`, c.Number, newest.Version); err != nil {
			return nil, fmt.Errorf("pin policy: %w", err)
		}
		c.PolicyVersion = newest.Version
		return w.ask(ctx, tx, &c, submission{by: r.openedBy}, e.At)
	})
}
