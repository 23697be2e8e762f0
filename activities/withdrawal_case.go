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

// lockedCase is a withdrawal under its lock.
type lockedCase struct {
	caseRow
	Route          withdrawal.Route `db:"route"`
	Amount         money.Amount     `db:"amount"`
	Holder         string           `db:"holder"`
	AccountNo      string           `db:"account_no"`
	Bank           string           `db:"bank"`
	Branch         string           `db:"branch"`
	PayingEntity   string           `db:"paying_entity"`
	PaidFrom       ledger.Account   `db:"paid_from"`
	ApprovedByRule bool             `db:"approved_by_rule"`
	ApprovedAt     *time.Time       `db:"approved_at"`

	policy *withdrawal.Policy // nil: not read yet
}

// pinned is the version of the policy that the case is pinned to, read once.
func (c *lockedCase) pinned(ctx context.Context, tx *sqlx.Tx) (withdrawal.Policy, error) {
	if c.policy == nil || c.policy.Version != c.PolicyVersion {
		p, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return p, err
		}
		c.policy = &p
	}
	return *c.policy, nil
}

// readWithdrawal reads what a withdrawal has beside a case.
func readWithdrawal(ctx context.Context, tx *sqlx.Tx, c caseRow) (lockedCase, error) {
	w := lockedCase{caseRow: c}
	if err := tx.GetContext(ctx, &w, withdrawalSQL, c.Number); err != nil {
		return w, fmt.Errorf("read case %s: %w", c.Number, err)
	}
	return w, nil
}

const withdrawalSQL = `
	SELECT route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule, approved_at
	  FROM withdrawals WHERE case_number = $1`

func (c lockedCase) state() withdrawal.State { return withdrawal.State(c.State) }

func (c lockedCase) payee() withdrawal.Payee {
	return withdrawal.Payee{Holder: c.Holder, AccountNo: c.AccountNo, Bank: c.Bank, Branch: c.Branch}
}

// standing answers where a case stands as this transaction sees it, and keeps what lists show of its clock.
func standing(ctx context.Context, tx *sqlx.Tx, number string) (WithdrawalStanding, error) {
	var c struct {
		lockedCase
		FirstDue *time.Time `db:"first_due"`
		NextDue  *time.Time `db:"next_due"`
		NextWake *time.Time `db:"next_wake"`
	}
	if err := tx.GetContext(ctx, &c, standingSQL, number); err != nil {
		return WithdrawalStanding{}, fmt.Errorf("read case %s: %w", number, err)
	}
	ended := withdrawal.Ended(c.state())
	if !ended && c.state() != withdrawal.Awaiting && !sameInstant(c.DueAt, c.FirstDue) { // a case is due when the first of its open tasks is
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET due_at = $2 WHERE case_number = $1`, number, c.FirstDue); err != nil {
			return WithdrawalStanding{}, fmt.Errorf("keep due time of %s: %w", number, err)
		}
	}
	s := WithdrawalStanding{Case: c.Number, Partner: c.Partner, Route: c.Route, Amount: c.Amount, Holder: c.Holder, State: c.state(), WakeAt: c.NextWake}
	if ended {
		s.WakeAt = nil
		return s, nil
	}
	s.DueAt = c.NextDue
	if c.state() == withdrawal.Awaiting {
		s.DueAt, s.WakeAt = c.DueAt, c.DueAt
	}
	return s, nil
}

func sameInstant(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

const standingSQL = `
	SELECT c.case_number, c.kind, c.partner_id, c.submitter, c.state, c.due_at, c.policy_version, c.opened_at,
	       w.route, w.amount, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, w.paid_from, w.approved_by_rule, w.approved_at,
	       t.first_due, t.next_due, t.next_wake
	  FROM cases c JOIN withdrawals w USING (case_number), (
		SELECT min(due_at) AS first_due, min(due_at) FILTER (WHERE escalated_at IS NULL) AS next_due,
		       min(least(CASE WHEN reminded_at IS NULL THEN remind_at END, CASE WHEN escalated_at IS NULL THEN due_at END, default_at)) AS next_wake
		  FROM tasks WHERE case_number = $1 AND state = 'open' AND matter <> 'late-return') t
	 WHERE c.case_number = $1`

// step runs one step of a withdrawal and answers where the case stands after it.
func (w *Withdrawals) step(ctx context.Context, s caseStep, f func(*sqlx.Tx, lockedCase) (refusal.List, error)) (WithdrawalStanding, error) {
	var now WithdrawalStanding
	s.db = w.DB
	err := s.run(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		locked, err := readWithdrawal(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		return f(tx, locked)
	}, func(tx *sqlx.Tx) (err error) {
		now, err = standing(ctx, tx, s.number)
		return err
	})
	return now, err
}

// notify tells the partner's people who may act for it what became of their application.
func (c *lockedCase) notify(ctx context.Context, tx *sqlx.Tx, n withdrawal.Notice, step, note string, at time.Time) error {
	subject, body := n.Text(c.notice(note))
	return notifyPartner(ctx, tx, c.caseRow, withdrawal.Applicants, subject, body, entryKey(c.Number, step), at)
}

func (c *lockedCase) notice(note string) withdrawal.NoticeData {
	return withdrawal.NoticeData{Case: c.Number, Partner: c.Partner, Amount: c.Amount, Holder: c.Holder, State: c.state(), Note: note}
}
