package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// ReportLateReturnInput tells that the bank gave back money of a paid withdrawal.
type ReportLateReturnInput struct {
	Case      string
	Person    string
	Amount    string // as entered
	Reference string // the bank's reference of the return; one task for each
	At        time.Time
}

// LateReturnReport names the task that asks whether it is so.
type LateReturnReport struct {
	Task string `json:"task"`
}

// ReportLateReturn asks vendor finance to confirm that a bank returned money of a withdrawal that is PAID, which stays
// final; the confirmed amount becomes a new lot. The same reference again returns the same task.
func (w *Withdrawals) ReportLateReturn(ctx context.Context, in ReportLateReturnInput) (LateReturnReport, error) {
	in.At = stored(in.At)
	var reported LateReturnReport
	step := caseStep{number: in.Case, key: "report/" + in.Reference + "/" + in.At.Format(time.RFC3339Nano), actor: in.Person, via: viaRequest, action: "report late return", note: "reference " + in.Reference, at: in.At}
	_, err := w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		policy, err := c.pinned(ctx, tx)
		if err != nil {
			return nil, err
		}
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		var known []withdrawal.Return
		if err := tx.SelectContext(ctx, &known, `
			SELECT task_id, amount, reference, outcome = 'reject' AS rejected FROM tasks WHERE case_number = $1 AND matter = $2 ORDER BY round`, in.Case, withdrawal.LateReturn.Name); err != nil {
			return nil, fmt.Errorf("read tasks: %w", err)
		}
		amount, first, list := withdrawal.JudgeLateReturn(p, in.Person, policy, in.Amount, in.Reference, c.Number, c.state(), c.Amount, known)
		if len(list) > 0 {
			return list, nil
		}
		if first != nil {
			reported.Task = first.Task
			return nil, nil
		}
		o := matterOpening{
			Matter: withdrawal.LateReturn, Chain: policy.Chain(withdrawal.LateReturn.Name), OpenedBy: in.Person, At: in.At, From: in.At, Amount: &amount, Reference: in.Reference,
			Question: fmt.Sprintf("%s reports that the bank returned %s %s of withdrawal %s under reference %s. Check the statement, then decide: confirm with amount and reference, or reject with a reason.",
				p.Name, amount, money.CNY, c.Number, in.Reference),
		}
		if o.Facts, err = planFacts(ctx, tx, c, c.Submitter); err != nil {
			return nil, err
		}
		r, list, err := openRound(ctx, tx, c.caseRow, o)
		if err != nil || len(list) > 0 {
			return list, err
		}
		reported.Task = r.tasks[0].ID
		e := step.event()
		e.Key, e.From, e.To, e.Amount = "report/"+reported.Task, c.State, c.State, &amount
		return nil, appendEvent(ctx, tx, e)
	})
	return reported, err
}

// clockLateReturns does what deadlines ask for about a case's late returns: its run has ended, so a worker's sweep looks.
func (w *Withdrawals) clockLateReturns(ctx context.Context, number string, at time.Time) error {
	step := caseStep{number: number, key: "clock/late-return/" + calendar.DateOf(at).String(), actor: "clock", via: viaClock, action: "escalate", at: at}
	_, err := w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		rounds, err := openRounds(ctx, tx, number)
		if err != nil {
			return nil, err
		}
		e := step.event()
		e.From, e.To = c.State, c.State
		for _, r := range rounds {
			if r.matter.Name != withdrawal.LateReturn.Name {
				continue
			}
			if list, err := tick(ctx, tx, withdrawals{Withdrawals: w}, c.caseRow, r, e, at); err != nil || len(list) > 0 {
				return list, err
			}
		}
		return nil, nil
	})
	return err
}

// lateReturned books what was confirmed, and closes the matter.
func (w *Withdrawals) lateReturned(ctx context.Context, tx *sqlx.Tx, c *lockedCase, r *round, t *taskRow, outcome approval.Outcome, e event) error {
	e.Amount = t.Amount
	if err := r.closeRound(ctx, tx, outcome, e.At); err != nil {
		return err
	}
	if err := appendEvent(ctx, tx, e); err != nil || outcome != approval.Approve {
		return err
	}
	return c.creditLateReturn(ctx, tx, *t, e.At)
}

// creditLateReturn books returned money as a new lot of the partner.
func (c *lockedCase) creditLateReturn(ctx context.Context, tx *sqlx.Tx, task taskRow, at time.Time) error {
	key := "withdrawal/" + task.ID
	if err := post(ctx, tx, ledger.Entry{
		Key: key, Case: c.Number, Memo: "returned by the bank after withdrawal " + c.Number, At: at,
		Postings: ledger.Move(*task.Amount, c.PaidFrom, ledger.Cash(c.Partner)),
	}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, returnedLotSQL, key, c.Partner, c.PayingEntity, at, *task.Amount, c.Number); err != nil {
		return fmt.Errorf("new lot: %w", err)
	}
	return c.notify(ctx, tx, withdrawal.ReturnedLate, task.ID, task.Amount.String(), at)
}

// returnedLotSQL makes the new lot of the kind that the withdrawal took most of, so that its pool and its name rule stay;
// the way it came is closed (WDL-28).
const returnedLotSQL = `
	INSERT INTO lots (key, partner_id, source, payer, payer_account, entity, arrived_at, amount, remaining, bank_card_only)
	SELECT $1, $2, CASE source WHEN 'INCENTIVE_OWED' THEN 'INCENTIVE' ELSE source END, payer, payer_account, $3, $4, $5, $5, true
	  FROM withdrawal_lines l JOIN lots USING (lot_no) WHERE l.case_number = $6 ORDER BY l.amount DESC, lot_no LIMIT 1`
