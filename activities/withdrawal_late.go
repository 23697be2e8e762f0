package activities

import (
	"context"
	"fmt"
	"time"

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

// ReportLateReturn asks vendor finance to confirm that a bank returned money of a withdrawal that is PAID, which stays
// final; the confirmed amount becomes a new lot. The same reference again returns the same task.
func (w *Withdrawals) ReportLateReturn(ctx context.Context, in ReportLateReturnInput) (withdrawal.Task, error) {
	in.At = stored(in.At)
	var task withdrawal.Task
	step := caseStep{w: w, number: in.Case, key: "report/" + in.Reference + "/" + in.At.Format(time.RFC3339Nano), actor: in.Person, via: viaRequest, action: "report late return", note: "reference " + in.Reference, at: in.At}
	_, err := step.do(ctx, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		policy, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		var known []withdrawal.Task
		if err := tx.SelectContext(ctx, &known, taskSQL+` WHERE case_number = $1 AND kind = $2 ORDER BY opened_at, task_id`, in.Case, withdrawal.LateReturn); err != nil {
			return nil, fmt.Errorf("read tasks: %w", err)
		}
		id := fmt.Sprintf("%s-%d", withdrawal.TaskID(in.Case, withdrawal.LateReturn), len(known)+1)
		amount, first, list := withdrawal.JudgeLateReturn(p, in.Person, policy, in.Amount, in.Reference, c.Number, c.State, c.Amount, known)
		if len(list) > 0 {
			return list, nil
		}
		if first != nil {
			task = *first
			return nil, nil
		}
		due, list, err := closes(ctx, tx, policy.ReviewTerm, in.At)
		if err != nil || len(list) > 0 {
			return list, err
		}
		question := fmt.Sprintf("%s reports that the bank returned %s %s of withdrawal %s under reference %s. Check the statement, then decide: confirm with amount and reference, or refuse with a reason.",
			p.Name, amount, money.CNY, c.Number, in.Reference)
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO tasks (task_id, case_number, kind, question, role, opened_by, opened_at, due_at, amount, reference) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			id, c.Number, withdrawal.LateReturn, question, policy.PaymentRole, in.Person, in.At, due, amount, in.Reference); err != nil {
			return nil, fmt.Errorf("open task: %w", err)
		}
		e := step.event()
		e.Key, e.From, e.To, e.Amount = "report/"+id, c.State, c.State, &amount
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		if err := notifyRole(ctx, tx, policy.PaymentRole, "withdrawal/"+id, "银行退款待确认 / A late return waits: "+c.Number, question, in.At); err != nil {
			return nil, err
		}
		task, err = findTask(ctx, tx, id)
		return nil, err
	})
	return task, err
}

// creditLateReturn books returned money as a new lot of the partner.
func (c *lockedCase) creditLateReturn(ctx context.Context, tx *sqlx.Tx, task withdrawal.Task, at time.Time) error {
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
