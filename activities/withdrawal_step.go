package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// DecideWithdrawal is Decide of a withdrawal.
func (w *Withdrawals) DecideWithdrawal(ctx context.Context, in DecideInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	if list := in.Decision.WellFormed(); len(list) > 0 {
		return WithdrawalStanding{}, Final(list)
	}
	step := decideStep(w.DB, in)
	return w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		return decide(ctx, tx, withdrawals{w, &c}, c.caseRow, in, step.event())
	})
}

// withdrawals is the process of withdrawals, as the machinery of cases asks it.
type withdrawals struct {
	*Withdrawals
	now *lockedCase // the case as its step read it, where nothing changes it before conclude; nil: it is read when it is asked for
}

func (w withdrawals) read(ctx context.Context, tx *sqlx.Tx, row caseRow) (lockedCase, error) {
	if w.now != nil {
		return *w.now, nil
	}
	return readWithdrawal(ctx, tx, row)
}

func (withdrawals) matter(name string) approval.Matter { return withdrawal.MatterOf(name) }

func (w withdrawals) facts(ctx context.Context, tx *sqlx.Tx, row caseRow) (caseFacts, error) {
	c, err := w.read(ctx, tx, row)
	if err != nil {
		return caseFacts{}, err
	}
	policy, err := c.pinned(ctx, tx)
	if err != nil {
		return caseFacts{}, err
	}
	if w.now != nil {
		w.now.policy = c.policy
	}
	lines, err := linesOf(ctx, tx, c.Number)
	if err != nil {
		return caseFacts{}, err
	}
	f := caseFacts{
		Amount: c.Amount, Lines: map[string]money.Amount{}, Signals: policy.DecideBySignal,
		OwnSide: func(p person.Person) bool { return withdrawal.MayAct(p, c.Partner) && !p.OfVendor() },
	}
	for _, l := range lines {
		f.Lines[l.Lot.String()] = l.Amount
	}
	return f, nil
}

func (w withdrawals) guard(ctx context.Context, tx *sqlx.Tx, row caseRow, r *round, task taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	if m.Act != approval.Approve || r.matter.Name != withdrawal.Confirm.Name && r.matter.Name != withdrawal.LateReturn.Name {
		return nil, nil
	}
	c, err := w.read(ctx, tx, row)
	if err != nil {
		return nil, err
	}
	amount := c.Amount
	if task.Amount != nil {
		amount = *task.Amount
	}
	return withdrawal.JudgeArrival(d, c.Route, amount, task.Reference), nil
}

func (w withdrawals) overdueRule(ctx context.Context, tx *sqlx.Tx, row caseRow, m approval.Matter) (string, error) {
	c, err := w.read(ctx, tx, row)
	return withdrawal.OverdueRule(m, c.Route, c.ApprovedByRule), err
}

func (w withdrawals) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var s WithdrawalStanding
	err := tx.QueryRowContext(ctx, `SELECT amount, route, holder FROM withdrawals WHERE case_number = $1`, number).Scan(&s.Amount, &s.Route, &s.Holder)
	return s.Amount, s.Now().About, err
}

// conclude does what the end of a round leads to: the case's next state.
func (w withdrawals) conclude(ctx context.Context, tx *sqlx.Tx, row caseRow, r *round, end conclusion) (refusal.List, error) {
	c, err := w.read(ctx, tx, row)
	if err != nil {
		return nil, err
	}
	e := end.e
	verdict := withdrawal.VerdictOf(r.matter, end.outcome, c.Route)
	e.Rule = verdict.Rule
	if r.matter.Name == withdrawal.LateReturn.Name {
		return nil, w.lateReturned(ctx, tx, &c, r, r.task(end.line.Seat), end.outcome, e)
	}
	if verdict.To == withdrawal.Approved {
		if err := w.grant(ctx, tx, &c, r.standing, e.At); err != nil {
			return nil, err
		}
	}
	if verdict.To == withdrawal.Paying { // WDL-04
		failed, err := c.mayNotPay(ctx, tx)
		if err != nil {
			return nil, err
		}
		if failed != "" {
			verdict.To, e.Rule, e.Note = withdrawal.Failed, "WDL-04", failed
		} else if list, err := releasePayment(ctx, tx, c.Number, end.reference, e.At); err != nil || len(list) > 0 {
			return list, err
		}
	}
	end.e = e
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	if end.reference != "" {
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET reference = $2 WHERE case_number = $1`, c.Number, end.reference); err != nil {
			return nil, fmt.Errorf("keep reference: %w", err)
		}
	}
	return w.move(ctx, tx, &c, verdict.To, e)
}

// linesOf reads which lots a withdrawal takes, the last in first (WDL-13).
func linesOf(ctx context.Context, tx *sqlx.Tx, number string) ([]withdrawal.Line, error) {
	var rows []struct {
		Lot    int64        `db:"lot_no"`
		Amount money.Amount `db:"amount"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT lot_no, l.amount FROM withdrawal_lines l JOIN lots USING (lot_no) WHERE case_number = $1 ORDER BY arrived_at DESC, lot_no DESC`, number); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	lines := make([]withdrawal.Line, len(rows))
	for i, l := range rows {
		lines[i] = withdrawal.Line{Lot: withdrawal.LotNo(l.Lot), Amount: l.Amount}
	}
	return lines, nil
}

// grant gives back what was not approved: the rest of the hold and of the lots.
func (w *Withdrawals) grant(ctx context.Context, tx *sqlx.Tx, c *lockedCase, s approval.Standing, at time.Time) error {
	if s.Amount == nil && s.Lines == nil {
		return nil
	}
	lines, err := linesOf(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	amounts := map[string]money.Amount{}
	for _, l := range lines {
		amounts[l.Lot.String()] = l.Amount
	}
	granted := s.Granted(c.Amount, amounts)
	less := c.Amount.Sub(granted)
	if less.Sign() == 0 {
		return nil
	}
	if err := post(ctx, tx, ledger.Entry{
		Key: entryKey(c.Number, "not-approved"), Case: c.Number, Memo: "not approved in withdrawal " + c.Number, At: at,
		Postings: ledger.Move(less, ledger.Hold(c.Partner), ledger.Cash(c.Partner)),
	}); err != nil {
		return err
	}
	kept := withdrawal.Cut(lines, s.Lines, granted)
	lotNos, parts := lotArrays(kept)
	if _, err := tx.ExecContext(ctx, `
		WITH kept AS (SELECT * FROM unnest($2::bigint[], $3::numeric[]) AS k (lot_no, amount)),
		     back AS (SELECT l.lot_no, l.amount - coalesce(k.amount, 0) AS amount FROM withdrawal_lines l LEFT JOIN kept k USING (lot_no) WHERE l.case_number = $1)
		UPDATE lots SET remaining = remaining + b.amount FROM back b WHERE lots.lot_no = b.lot_no AND b.amount > 0`,
		c.Number, pq.Array(lotNos), pq.Array(parts)); err != nil {
		return fmt.Errorf("give back to lots: %w", err)
	}
	if err := replaceLines(ctx, tx, c.Number, kept); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET amount = $2 WHERE case_number = $1`, c.Number, granted); err != nil {
		return fmt.Errorf("keep approved amount: %w", err)
	}
	c.Amount = granted
	return nil
}

func lotArrays(lines []withdrawal.Line) ([]int64, []string) {
	lotNos, amounts := make([]int64, len(lines)), make([]string, len(lines))
	for i, l := range lines {
		lotNos[i], amounts[i] = int64(l.Lot), l.Amount.String()
	}
	return lotNos, amounts
}

// replaceLines makes these the lines of a withdrawal.
func replaceLines(ctx context.Context, tx *sqlx.Tx, number string, lines []withdrawal.Line) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM withdrawal_lines WHERE case_number = $1`, number); err != nil {
		return fmt.Errorf("replace lines: %w", err)
	}
	return insertLines(ctx, tx, number, lines)
}

func insertLines(ctx context.Context, tx *sqlx.Tx, number string, lines []withdrawal.Line) error {
	lotNos, amounts := lotArrays(lines)
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO withdrawal_lines (case_number, lot_no, amount) SELECT $1, * FROM unnest($2::bigint[], $3::numeric[])`, number, pq.Array(lotNos), pq.Array(amounts)); err != nil {
		return fmt.Errorf("insert lines: %w", err)
	}
	return nil
}

// mayNotPay runs the last checks before money moves: the payee is still the verified subject (WDL-04), and what is paid is
// what was approved.
func (c *lockedCase) mayNotPay(ctx context.Context, tx *sqlx.Tx) (string, error) {
	var now struct {
		Verified string `db:"verified_name"`
		Changed  bool   `db:"changed"`
	}
	if err := tx.GetContext(ctx, &now, `
		SELECT verified_name, NOT EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = $2 AND a.matter = 'review' AND a.granted = withdrawal_content($2)) AS changed
		  FROM partners WHERE partner_id = $1`, c.Partner, c.Number); err != nil {
		return "", fmt.Errorf("read partner: %w", err)
	}
	if now.Changed {
		return "not sent: what was approved has changed since, so its approval is void; apply anew", nil
	}
	var sources []withdrawal.Source
	if err := tx.SelectContext(ctx, &sources, `
		SELECT source FROM withdrawal_lines JOIN lots USING (lot_no) WHERE case_number = $1 ORDER BY lot_no`, c.Number); err != nil {
		return "", fmt.Errorf("read lines: %w", err)
	}
	if withdrawal.NameAtPayment(c.Route, sources, c.Holder, now.Verified) {
		return "", nil
	}
	return fmt.Sprintf("not sent: the payee %q is no longer the verified name %q; apply anew with the present name", c.Holder, now.Verified), nil
}

// move carries the case to its next state: the state with its guard, the event, the money, the questions, the notice. Only
// lawful steps exist (ENG-03): a step that another one overtook is refused.
func (w *Withdrawals) move(ctx context.Context, tx *sqlx.Tx, c *lockedCase, to withdrawal.State, e event) (refusal.List, error) {
	return w.enter(ctx, tx, c, to, e, submission{by: c.Submitter})
}

// submission is what a round is opened with.
type submission struct {
	by          string            // who applies in this round
	application any               // as entered; nil: as before
	returned    string            // the step that returned the round before; empty: the round begins anew
	former      approval.Standing // what that round came to
}

// enter is move for a state whose question is about a submission.
func (w *Withdrawals) enter(ctx context.Context, tx *sqlx.Tx, c *lockedCase, to withdrawal.State, e event, sub submission) (refusal.List, error) {
	if !withdrawal.CanMove(c.state(), to) {
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The withdrawal is %s; it cannot become %s.", c.State, to)}, nil
	}
	from := c.state()
	due := c.DueAt // standing keeps it in step with the tasks
	var closedAt *time.Time
	if withdrawal.Ended(to) {
		closedAt, due = &e.At, nil
	}
	if to == withdrawal.Awaiting {
		policy, err := c.pinned(ctx, tx)
		if err != nil {
			return nil, err
		}
		until, list, err := closes(ctx, tx, policy.Chain(withdrawal.Review.Name).ChangesTerm, e.At)
		if err != nil || len(list) > 0 {
			return list, err
		}
		due = &until
	}
	res, err := tx.ExecContext(ctx, `UPDATE cases SET state = $3, due_at = $4, closed_at = $5 WHERE case_number = $1 AND state = $2`, c.Number, from, to, due, closedAt)
	if err != nil {
		return nil, fmt.Errorf("move case %s: %w", c.Number, err)
	}
	if err := one(res, fmt.Errorf("%w: case %s left %s under its lock", errDefect, c.Number, from)); err != nil {
		return nil, err
	}
	c.State, c.DueAt = string(to), due
	e.From, e.To, e.Amount = string(from), string(to), &c.Amount
	if err := appendEvent(ctx, tx, e); err != nil {
		return nil, err
	}
	if err := w.settle(ctx, tx, c, from, e.At); err != nil {
		return nil, err
	}
	if withdrawal.Ended(to) {
		if err := abandon(ctx, tx, c.Number, e.At); err != nil {
			return nil, err
		}
	} else if list, err := w.ask(ctx, tx, c, sub, e.At); err != nil || len(list) > 0 {
		return list, err
	}
	n := withdrawal.NoticeOf(to)
	step, err := c.noticeStep(ctx, tx, n)
	if err != nil {
		return nil, err
	}
	return nil, c.notify(ctx, tx, n, step, e.Note, e.At)
}

// settle moves the held money as the new state wants it.
func (w *Withdrawals) settle(ctx context.Context, tx *sqlx.Tx, c *lockedCase, from withdrawal.State, at time.Time) error {
	switch c.state() {
	case withdrawal.Approved:
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET approved_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
			return fmt.Errorf("keep approval: %w", err)
		}
		c.ApprovedAt = &at
		if c.PaidFrom != ledger.Bank {
			return nil // its channel pays it
		}
		return orderPayment(ctx, tx, paymentOrder{Case: c.Number, Amount: c.Amount, Currency: money.CNY, Payee: c.payee(), PayingEntity: c.PayingEntity, At: at})
	case withdrawal.Paid:
		if err := endPayment(ctx, tx, c.Number, true, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET paid_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
			return fmt.Errorf("keep payment: %w", err)
		}
		return post(ctx, tx, ledger.Entry{
			Key: entryKey(c.Number, "paid"), Case: c.Number, Memo: "paid out by withdrawal " + c.Number, At: at,
			Postings: ledger.Move(c.Amount, ledger.Hold(c.Partner), c.PaidFrom),
		})
	case withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed: // WDR-11: released completely
		if err := endPayment(ctx, tx, c.Number, false, at); err != nil {
			return err
		}
		return c.release(ctx, tx, "release", from == withdrawal.Paying && c.Route == withdrawal.Original, at) // WDL-28
	case withdrawal.UnderReview, withdrawal.Awaiting, withdrawal.Paying, withdrawal.Deleted:
	}
	return nil
}

// release gives all that is held back to the account and its lots.
func (c *lockedCase) release(ctx context.Context, tx *sqlx.Tx, step string, bankCardOnly bool, at time.Time) error {
	if err := post(ctx, tx, ledger.Entry{
		Key: entryKey(c.Number, step), Case: c.Number, Memo: "released by withdrawal " + c.Number, At: at,
		Postings: ledger.Move(c.Amount, ledger.Hold(c.Partner), ledger.Cash(c.Partner)),
	}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE lots SET remaining = remaining + l.amount, bank_card_only = bank_card_only OR $2
		  FROM withdrawal_lines l WHERE l.case_number = $1 AND lots.lot_no = l.lot_no`, c.Number, bankCardOnly); err != nil {
		return fmt.Errorf("give back to lots: %w", err)
	}
	return nil
}

// ask puts the question of the case's state to people.
func (w *Withdrawals) ask(ctx context.Context, tx *sqlx.Tx, c *lockedCase, sub submission, at time.Time) (refusal.List, error) {
	policy, err := c.pinned(ctx, tx)
	if err != nil {
		return nil, err
	}
	order := PaymentOrder{Case: c.Number, Route: c.Route, Amount: c.Amount, Currency: money.CNY, Payee: c.payee(), PayingEntity: c.PayingEntity, PaidFrom: c.PaidFrom}
	o := matterOpening{OpenedBy: sub.by, At: at, From: at, Application: sub.application}
	switch c.state() {
	case withdrawal.UnderReview:
		o.Matter = withdrawal.Review
		o.Question = fmt.Sprintf("May partner %s withdraw %s %s by %s to %s? Decide: approve, reject or return with a reason.", c.Partner, c.Amount, money.CNY, c.Route, payeeText(c.payee()))
	case withdrawal.Approved:
		o.Matter, o.Question, o.From = withdrawal.Send, w.Channel.SendQuestion(order), *c.ApprovedAt
	case withdrawal.Paying:
		if order.File, err = leftIn(ctx, tx, c.Number); err != nil {
			return nil, err
		}
		o.Matter, o.Question, o.From = withdrawal.Confirm, w.Channel.ConfirmQuestion(order), *c.ApprovedAt // the term of sending and confirming is one
	case withdrawal.Awaiting, withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
		return nil, nil
	}
	o.Chain = policy.Chain(o.Matter.Name)
	if c.ApprovedByRule && c.state() != withdrawal.UnderReview {
		o.Chain.Steps[0].Due = policy.WalletTerm // WDL-17
	}
	if o.Facts, err = planFacts(ctx, tx, *c, sub.by); err != nil {
		return nil, err
	}
	o.Facts.Returned, o.Facts.Former = sub.returned, sub.former
	_, list, err := openRound(ctx, tx, c.caseRow, o)
	return list, err
}

// planFacts is what a withdrawal's chain is planned with, when somebody applies.
func planFacts(ctx context.Context, tx *sqlx.Tx, c lockedCase, by string) (approval.Facts, error) {
	var p struct {
		Kind     string `db:"kind"`
		Entity   string `db:"entity"`
		OnBehalf bool   `db:"on_behalf"`
	}
	if err := tx.GetContext(ctx, &p, `
		SELECT p.kind, p.entity, s.partner_id IS NULL AS on_behalf FROM partners p, people s WHERE p.partner_id = $1 AND s.person_id = $2`, c.Partner, by); err != nil {
		return approval.Facts{}, fmt.Errorf("read partner: %w", err)
	}
	return approval.Facts{Fields: withdrawal.Fields, Values: withdrawal.Values(c.Amount, c.Route, p.Kind, p.Entity, p.OnBehalf), Amount: c.Amount}, nil
}

// noticeStep names a notice's step in its key: what is told again in a later round is another notice.
func (c *lockedCase) noticeStep(ctx context.Context, tx *sqlx.Tx, n withdrawal.Notice) (string, error) {
	if n != withdrawal.Submitted && n != withdrawal.WasReturned {
		return string(n), nil
	}
	var rounds int
	if err := tx.GetContext(ctx, &rounds, `SELECT count(*) FROM approvals WHERE case_number = $1 AND matter = $2`, c.Number, withdrawal.Review.Name); err != nil {
		return "", fmt.Errorf("count rounds: %w", err)
	}
	if rounds > 1 {
		return fmt.Sprintf("%s@%d", n, rounds), nil
	}
	return string(n), nil
}

// CancelWithdrawalInput takes an application back, or hides a refused one.
type CancelWithdrawalInput struct {
	Case   string
	Key    string // request key
	Person string
	Reason string
	At     time.Time
}

// CancelWithdrawal takes back an application that nobody has decided yet, or that was returned for changes; the hold is released.
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
	step := caseStep{number: in.Case, key: action + "/" + in.Key, actor: in.Person, via: viaRequest, action: action, note: in.Reason, at: stored(in.At)}
	return w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := judge(p, in.Person, c.Partner, c.Number, c.state()); len(list) > 0 {
			return list, nil
		}
		e := step.event()
		e.Rule = rule
		return w.move(ctx, tx, &c, to, e)
	})
}

// StopWithdrawal settles a case whose workflow was cancelled or is gone: under review it is cancelled, approved it fails,
// and the hold is released. While PAYING the money may have left, so only the bank's answer ends the case: refused.
func (w *Withdrawals) StopWithdrawal(ctx context.Context, in StopInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	step := caseStep{number: in.Case, key: "stop/" + in.Key, actor: "operator", via: viaOperator, action: "stop", note: in.Reason, at: in.At}
	return w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		return withdrawals{w, &c}.stop(ctx, tx, c.caseRow, step.event())
	})
}

func (w withdrawals) stop(ctx context.Context, tx *sqlx.Tx, row caseRow, e event) (refusal.List, error) {
	c, err := w.read(ctx, tx, row)
	if err != nil {
		return nil, err
	}
	switch c.state() {
	case withdrawal.UnderReview, withdrawal.Awaiting:
		return w.move(ctx, tx, &c, withdrawal.Cancelled, e)
	case withdrawal.Approved:
		return w.move(ctx, tx, &c, withdrawal.Failed, e)
	case withdrawal.Paying:
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number,
			"The payment is under way; only the bank's answer ends the case: confirm or return it.")}, nil
	case withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
	}
	return nil, nil // has ended meanwhile
}

// ResumedWithdrawal is a case as a new run takes it over.
type ResumedWithdrawal struct {
	WithdrawalStanding
	RequestDigest []byte `json:"request_digest"` // by which the applicant's own repeat is recognised (COM-20)
}

// ResumeWithdrawal lets a new run carry on a case whose workflow is gone.
func (w *Withdrawals) ResumeWithdrawal(ctx context.Context, in ResumeInput) (ResumedWithdrawal, error) {
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
