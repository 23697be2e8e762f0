package activities

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// DecideWithdrawalInput is one person's answer to one task.
type DecideWithdrawalInput struct {
	Decision withdrawal.Decision // its Key is the decision's business key
	BySignal bool
	At       time.Time
}

// DecideWithdrawal judges an answer and does what follows from it: state, money, next question, notice, in one step.
//
// The same key again returns where the case stands and changes nothing. A refusal is an event of the case.
func (w *Withdrawals) DecideWithdrawal(ctx context.Context, in DecideWithdrawalInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	if list := in.Decision.WellFormed(); len(list) > 0 {
		return WithdrawalStanding{}, Final(list)
	}
	number, _, _ := strings.Cut(in.Decision.Task, "/")
	step := caseStep{w: w, number: number, key: "decide/" + in.Decision.Key, actor: in.Decision.Person, via: viaRequest, action: string(in.Decision.Outcome), at: in.At}
	if in.BySignal {
		step.via = viaSignal
	}
	return step.do(ctx, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) { return w.decide(ctx, tx, c, in, step.event()) })
}

func (w *Withdrawals) decide(ctx context.Context, tx *sqlx.Tx, c lockedCase, in DecideWithdrawalInput, e event) (refusal.List, error) {
	d, at := in.Decision, in.At
	task, err := findTask(ctx, tx, d.Task)
	if err != nil {
		return nil, err
	}
	if task.DecisionKey != nil && *task.DecisionKey == d.Key {
		if !bytes.Equal(task.DecisionDigest, d.Digest()) {
			return refusal.List{rules["com_20_decision_key"]}, nil
		}
		return nil, nil // decided by this very request
	}
	facts := withdrawal.DecisionFacts{Submitter: c.Submitter, Route: c.Route, Task: task, CaseState: c.State, Amount: c.Amount, BySignal: in.BySignal}
	if task.Amount != nil {
		facts.Amount = *task.Amount
	}
	if facts.Policy, err = withdrawalPolicy(ctx, tx, c.PolicyVersion); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR SHARE`, c.Partner); err != nil { // partners before people, as load does
		return nil, fmt.Errorf("lock partner: %w", err)
	}
	if facts.Person, err = findPerson(ctx, tx, d.Person); err != nil {
		return nil, err
	}
	verdict, list := withdrawal.JudgeDecision(d, facts)
	if len(list) > 0 {
		return list, nil
	}
	if task.Kind == withdrawal.Send && verdict.To == withdrawal.Paying { // WDL-04
		if verdict, err = c.nameAtPayment(ctx, tx, verdict); err != nil {
			return nil, err
		}
	}
	due := c.DueAt
	if verdict.To == withdrawal.Approved { // WDL-16, WDL-22, WDR-03
		approvedDue, list, err := closes(ctx, tx, facts.Policy.ArrivalTerm, at)
		if err != nil || len(list) > 0 {
			return list, err
		}
		due = &approvedDue
	}
	res, err := tx.ExecContext(ctx, decideTaskSQL, task.ID, d.Key, d.Digest(), d.Person, at, d.Outcome, d.Reason, d.Reference)
	if err != nil {
		return nil, fmt.Errorf("decide task %s: %w", task.ID, err)
	}
	if err := one(res, fmt.Errorf("%w: task %s is not open", errDefect, task.ID)); err != nil {
		return nil, err
	}
	e.Key, e.Rule, e.Note = "task/"+task.ID, verdict.Rule, verdict.Note // never a key that a caller could choose
	if task.Kind == withdrawal.LateReturn {
		e.From, e.To, e.Amount = c.State, c.State, task.Amount
		if err := appendEvent(ctx, tx, e); err != nil || d.Outcome != withdrawal.Arrived {
			return nil, err
		}
		return nil, c.creditLateReturn(ctx, tx, task, at)
	}
	if d.Reference != "" {
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET reference = $2 WHERE case_number = $1`, c.Number, d.Reference); err != nil {
			return nil, fmt.Errorf("keep reference: %w", err)
		}
		e.Note = strings.TrimSpace(e.Note + " reference " + d.Reference)
	}
	return nil, w.move(ctx, tx, &c, verdict.To, due, e)
}

const decideTaskSQL = `
	UPDATE tasks SET state = 'decided', decision_key = $2, decision_digest = $3, decided_by = $4, decided_at = $5, outcome = $6, reason = $7,
	       reference = coalesce(nullif($8, ''), reference)
	 WHERE task_id = $1 AND state = 'open'`

// nameAtPayment turns a sending into a failure when the payee is no longer the verified subject (WDL-04).
func (c *lockedCase) nameAtPayment(ctx context.Context, tx *sqlx.Tx, v withdrawal.Verdict) (withdrawal.Verdict, error) {
	var verified string
	if err := tx.GetContext(ctx, &verified, `SELECT verified_name FROM partners WHERE partner_id = $1`, c.Partner); err != nil {
		return v, fmt.Errorf("read partner: %w", err)
	}
	var sources []withdrawal.Source
	if err := tx.SelectContext(ctx, &sources, `
		SELECT source FROM withdrawal_lines JOIN lots USING (lot_no) WHERE case_number = $1 ORDER BY lot_no`, c.Number); err != nil {
		return v, fmt.Errorf("read lines: %w", err)
	}
	if withdrawal.NameAtPayment(c.Route, sources, c.Holder, verified) {
		return v, nil
	}
	return withdrawal.Verdict{
		To: withdrawal.Failed, Rule: "WDL-04",
		Note: fmt.Sprintf("not sent: the payee %q is no longer the verified name %q; apply anew with the present name", c.Holder, verified),
	}, nil
}

// move carries the case to its next state: the state with its guard, the event, the money, the questions, the notice. Only
// lawful steps exist (ENG-03): a step that another one overtook is refused.
func (w *Withdrawals) move(ctx context.Context, tx *sqlx.Tx, c *lockedCase, to withdrawal.State, due *time.Time, e event) error {
	if !withdrawal.CanMove(c.State, to) {
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The withdrawal is %s; it cannot become %s.", c.State, to)}
	}
	from := c.State
	var closedAt *time.Time
	if to.Ended() {
		due, closedAt = nil, &e.At
	}
	res, err := tx.ExecContext(ctx, `UPDATE cases SET state = $3, due_at = $4, closed_at = $5 WHERE case_number = $1 AND state = $2`, c.Number, from, to, due, closedAt)
	if err != nil {
		return fmt.Errorf("move case %s: %w", c.Number, err)
	}
	if err := one(res, fmt.Errorf("%w: case %s left %s under its lock", errDefect, c.Number, from)); err != nil {
		return err
	}
	c.State, c.DueAt = to, due
	e.From, e.To, e.Amount = from, to, &c.Amount
	if err := appendEvent(ctx, tx, e); err != nil {
		return err
	}
	if err := w.settle(ctx, tx, c, from, e.At); err != nil {
		return err
	}
	if to.Ended() {
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET state = 'closed' WHERE case_number = $1 AND state = 'open'`, c.Number); err != nil {
			return fmt.Errorf("close tasks: %w", err)
		}
	} else if err := w.ask(ctx, tx, *c, *due, e.At); err != nil {
		return err
	}
	n := withdrawal.NoticeOf(to)
	return c.notify(ctx, tx, n, string(n), e.Note, e.At)
}

// settle moves the held money as the new state wants it.
func (w *Withdrawals) settle(ctx context.Context, tx *sqlx.Tx, c *lockedCase, from withdrawal.State, at time.Time) error {
	switch c.State {
	case withdrawal.Approved:
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET approved_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
			return fmt.Errorf("keep approval: %w", err)
		}
	case withdrawal.Paid:
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET paid_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
			return fmt.Errorf("keep payment: %w", err)
		}
		return post(ctx, tx, ledger.Entry{
			Key: entryKey(c.Number, "paid"), Case: c.Number, Memo: "paid out by withdrawal " + c.Number, At: at,
			Postings: ledger.Move(c.Amount, ledger.Hold(c.Partner), c.PaidFrom),
		})
	case withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed: // WDR-11: released completely
		if err := post(ctx, tx, ledger.Entry{
			Key: entryKey(c.Number, "release"), Case: c.Number, Memo: "released by withdrawal " + c.Number, At: at,
			Postings: ledger.Move(c.Amount, ledger.Hold(c.Partner), ledger.Cash(c.Partner)),
		}); err != nil {
			return err
		}
		bankCardOnly := from == withdrawal.Paying && c.Route == withdrawal.Original // WDL-28
		if _, err := tx.ExecContext(ctx, `
			UPDATE lots SET remaining = remaining + l.amount, bank_card_only = bank_card_only OR $2
			  FROM withdrawal_lines l WHERE l.case_number = $1 AND lots.lot_no = l.lot_no`, c.Number, bankCardOnly); err != nil {
			return fmt.Errorf("give back to lots: %w", err)
		}
	case withdrawal.UnderReview, withdrawal.Paying, withdrawal.Deleted:
	}
	return nil
}

// ask opens the question of the case's state.
func (w *Withdrawals) ask(ctx context.Context, tx *sqlx.Tx, c lockedCase, due, at time.Time) error {
	policy, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return err
	}
	order := PaymentOrder{Case: c.Number, Route: c.Route, Amount: c.Amount, Currency: money.CNY, Payee: c.payee(), PayingEntity: c.PayingEntity, PaidFrom: c.PaidFrom}
	kind, role, question := withdrawal.Review, policy.ReviewRole,
		fmt.Sprintf("May partner %s withdraw %s %s by %s to %s? Decide: approve, or refuse with a reason.", c.Partner, c.Amount, money.CNY, c.Route, payeeText(c.payee()))
	switch c.State {
	case withdrawal.Approved:
		kind, role, question = withdrawal.Send, policy.PaymentRole, w.Channel.SendQuestion(order)
	case withdrawal.Paying:
		kind, role, question = withdrawal.Confirm, policy.PaymentRole, w.Channel.ConfirmQuestion(order)
	case withdrawal.UnderReview, withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
	}
	escalatedTo := person.Role("")
	if c.Escalated && c.State == withdrawal.Paying { // the term of sending and confirming is one
		escalatedTo = policy.EscalationRole
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO tasks (task_id, case_number, kind, question, role, opened_by, opened_at, due_at, escalated_to) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		withdrawal.TaskID(c.Number, kind), c.Number, kind, question, role, c.Submitter, at, due, escalatedTo); err != nil {
		return fmt.Errorf("open task: %w", err)
	}
	return nil
}

// CancelWithdrawalInput takes an application back, or hides a refused one.
type CancelWithdrawalInput struct {
	Case   string
	Key    string // request key
	Person string
	Reason string
	At     time.Time
}

// CancelWithdrawal takes back an application that nobody has decided yet; the hold is released.
func (w *Withdrawals) CancelWithdrawal(ctx context.Context, in CancelWithdrawalInput) (WithdrawalStanding, error) {
	return w.byPartner(ctx, in, "cancel", withdrawal.Cancelled, "", withdrawal.JudgeCancel)
}

// DeleteWithdrawal hides a refused application (WDL-27); everything about it is kept. Its workflow has ended, so this is
// called directly.
func (w *Withdrawals) DeleteWithdrawal(ctx context.Context, in CancelWithdrawalInput) (WithdrawalStanding, error) {
	return w.byPartner(ctx, in, "delete", withdrawal.Deleted, "WDL-27", withdrawal.JudgeDelete)
}

// byPartner carries a case where somebody who acts for its partner wants it, if judge lets them.
func (w *Withdrawals) byPartner(ctx context.Context, in CancelWithdrawalInput, action string, to withdrawal.State, rule string,
	judge func(p *person.Person, id, partnerID, caseNumber string, state withdrawal.State) refusal.List,
) (WithdrawalStanding, error) {
	step := caseStep{w: w, number: in.Case, key: action + "/" + in.Key, actor: in.Person, via: viaRequest, action: action, note: in.Reason, at: stored(in.At)}
	return step.do(ctx, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := judge(p, in.Person, c.Partner, c.Number, c.State); len(list) > 0 {
			return list, nil
		}
		e := step.event()
		e.Rule = rule
		return nil, w.move(ctx, tx, &c, to, nil, e)
	})
}

// StopWithdrawalInput ends a case for an operator.
type StopWithdrawalInput struct {
	Case   string
	Key    string
	Reason string
	At     time.Time
}

// StopWithdrawal settles a case whose workflow was cancelled or is gone: under review it is cancelled, approved it fails,
// and the hold is released. While PAYING the money may have left, so only the bank's answer ends the case: refused.
func (w *Withdrawals) StopWithdrawal(ctx context.Context, in StopWithdrawalInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	step := caseStep{w: w, number: in.Case, key: "stop/" + in.Key, actor: "operator", via: viaOperator, action: "stop", note: in.Reason, at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		e := step.event()
		switch c.State {
		case withdrawal.UnderReview:
			return nil, w.move(ctx, tx, &c, withdrawal.Cancelled, nil, e)
		case withdrawal.Approved:
			return nil, w.move(ctx, tx, &c, withdrawal.Failed, nil, e)
		case withdrawal.Paying:
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number,
				"The payment is under way; only the bank's answer ends the case: confirm or return it.")}, nil
		case withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
		}
		return nil, nil // has ended meanwhile
	})
}

// EscalateWithdrawalInput says which step's term is over.
type EscalateWithdrawalInput struct {
	Case  string
	State withdrawal.State // the step that was waited in
	At    time.Time
}

// EscalateWithdrawal makes an overdue step known: its tasks open to the escalation role, whose people are told. It happens
// once a term. If the calendar was changed meanwhile and the term is not over, the new instant is answered instead.
func (w *Withdrawals) EscalateWithdrawal(ctx context.Context, in EscalateWithdrawalInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	step := caseStep{w: w, number: in.Case, key: "escalate/" + string(in.State), actor: "clock", via: viaClock, action: "escalate", at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		if c.State != in.State || c.Escalated || c.DueAt == nil {
			return nil, nil
		}
		policy, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		from, term, rule, note := c.OpenedAt, policy.ReviewTerm, "", "review is overdue"
		if c.ApprovedAt != nil {
			from, term, rule, note = *c.ApprovedAt, policy.ArrivalTerm, "WDL-16", "no confirmation when the term of arrival closed"
			switch {
			case c.ApprovedByRule:
				term, rule = policy.WalletTerm, "WDL-17"
			case c.Route == withdrawal.Incentive:
				rule = "WDL-22"
			}
		}
		due, unknown, err := closes(ctx, tx, term, from)
		if err != nil {
			return nil, err
		}
		if len(unknown) == 0 && due.After(in.At) { // the calendar gave more time; one that lost the year gives none
			_, err := tx.ExecContext(ctx, `
				WITH t AS (UPDATE tasks SET due_at = $2 WHERE case_number = $1 AND state = 'open')
				UPDATE cases SET due_at = $2 WHERE case_number = $1`, c.Number, due)
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET escalated_to = $2 WHERE case_number = $1 AND state = 'open'`, c.Number, policy.EscalationRole); err != nil {
			return nil, fmt.Errorf("escalate tasks: %w", err)
		}
		e := step.event()
		e.From, e.To, e.Rule, e.Note = c.State, c.State, rule, note+"; "+string(policy.EscalationRole)+" may decide"
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		subject, body := withdrawal.Overdue.Text(c.notice(note))
		return nil, notifyRole(ctx, tx, policy.EscalationRole, entryKey(c.Number, step.key), subject, body, in.At)
	})
}

// ResumeWithdrawalInput binds a case to the run that carries it on.
type ResumeWithdrawalInput struct {
	Case  string
	RunID string
}

// ResumedWithdrawal is a case as a new run takes it over.
type ResumedWithdrawal struct {
	WithdrawalStanding
	RequestDigest []byte `json:"request_digest"` // by which the applicant's own repeat is recognised (COM-20)
}

// ResumeWithdrawal lets a new run carry on a case whose workflow is gone.
func (w *Withdrawals) ResumeWithdrawal(ctx context.Context, in ResumeWithdrawalInput) (ResumedWithdrawal, error) {
	var now ResumedWithdrawal
	err := inTx(ctx, w.DB, func(tx *sqlx.Tx) (err error) {
		if _, err := lockCase(ctx, tx, in.Case); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &now.RequestDigest, `UPDATE cases SET run_id = $2 WHERE case_number = $1 RETURNING request_digest`, in.Case, in.RunID); err != nil {
			return fmt.Errorf("bind run: %w", err)
		}
		now.WithdrawalStanding, err = standing(ctx, tx, in.Case)
		return err
	})
	return now, Final(err)
}
