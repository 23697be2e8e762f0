package activities

import (
	"bytes"
	"context"
	"fmt"
	"strings"
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

// DecideWithdrawalInput is one person's answer to one task.
type DecideWithdrawalInput struct {
	Decision approval.Decision // its Key is the decision's business key
	BySignal bool
	At       time.Time
}

// DecideWithdrawal judges an answer and does what follows from it: tasks, state, money, next question, notice, in one step.
//
// The same key again returns where the case stands and changes nothing. A refusal is an event of the case.
func (w *Withdrawals) DecideWithdrawal(ctx context.Context, in DecideWithdrawalInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	if list := in.Decision.WellFormed(); len(list) > 0 {
		return WithdrawalStanding{}, Final(list)
	}
	step := caseStep{w: w, number: approval.CaseOf(in.Decision.Task), key: "decide/" + in.Decision.Key, actor: in.Decision.Person, via: viaRequest, action: string(in.Decision.Outcome), at: in.At}
	if in.BySignal {
		step.via = viaSignal
	}
	return step.do(ctx, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) { return w.decide(ctx, tx, c, in, step.event()) })
}

func (w *Withdrawals) decide(ctx context.Context, tx *sqlx.Tx, c lockedCase, in DecideWithdrawalInput, e event) (refusal.List, error) {
	d, at := in.Decision, in.At
	switch digest, err := decidedBefore(ctx, tx, d.Key); {
	case err != nil:
		return nil, err
	case bytes.Equal(digest, d.Digest()):
		return nil, nil // decided by this very request
	case digest != nil:
		return refusal.List{rules["com_20_decision_key"]}, nil
	}
	task, err := findTask(ctx, tx, d.Task)
	if err != nil {
		return nil, err
	}
	r, err := loadRound(ctx, tx, c.caseRow, withdrawal.MatterOf(task.Matter), task.Round)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR SHARE`, c.Partner); err != nil { // partners before people, as load does
		return nil, fmt.Errorf("lock partner: %w", err)
	}
	move, who, list, err := w.judge(ctx, tx, c, r, task, in)
	if err != nil || len(list) > 0 {
		return list, err
	}
	line := said{Move: move, Word: d.Outcome, How: byPerson, Reason: strings.TrimSpace(d.Reason), At: at, Key: d.Key, Digest: d.Digest()}
	if move.OnBehalf != "" {
		line.How = bySubstitute
	}
	seq, err := r.say(ctx, tx, line)
	if err != nil {
		return nil, err
	}
	e.Key, e.From, e.To, e.Note = fmt.Sprintf("decision/%d", seq), c.State, c.State, decisionNote(d, move) // never a key that a caller could choose
	if !move.Act.IsMove() {
		return nil, w.said(ctx, tx, c, r, task, who, line, e)
	}
	if err := r.answered(ctx, tx, line, d.Reference); err != nil {
		return nil, err
	}
	return w.follow(ctx, tx, &c, r, line, d.Reference, e)
}

// decisionNote says in the history what a decision was about.
func decisionNote(d approval.Decision, m approval.Move) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if m.OnBehalf != "" {
		add("for %s:", m.OnBehalf)
	}
	if m.To != "" {
		add("to %s:", m.To)
	}
	if m.Amount != nil {
		add("%s at most:", m.Amount)
	}
	if len(m.Lines) > 0 {
		add("only %s:", strings.Join(m.Lines, ", "))
	}
	if reason := strings.TrimSpace(d.Reason); reason != "" {
		add("%s", reason)
	}
	if d.Reference != "" {
		add("reference %s", d.Reference)
	}
	return strings.TrimSuffix(strings.Join(parts, " "), ":")
}

// judge collects the facts, as locked, and judges a decision by them.
func (w *Withdrawals) judge(ctx context.Context, tx *sqlx.Tx, c lockedCase, r *round, task taskRow, in DecideWithdrawalInput) (approval.Move, approval.People, refusal.List, error) {
	d := in.Decision
	var who approval.People
	policy, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return approval.Move{}, who, nil, err
	}
	who.BySignal, who.Signals = in.BySignal, policy.DecideBySignal
	if who.By, err = findParty(ctx, tx, d.Person, in.At); err != nil {
		return approval.Move{}, who, nil, err
	}
	who.OwnSide = who.By != nil && (d.Person == c.Submitter || withdrawal.MayAct(who.By.Person, c.Partner) && !who.By.OfVendor())
	if d.To != "" {
		if who.To, err = findParty(ctx, tx, d.To, in.At); err != nil {
			return approval.Move{}, who, nil, err
		}
	}
	facts := approval.Round{
		Matter: r.matter, Seat: task.Seat, CaseState: string(c.State), Number: r.number, Latest: r.latest, Plan: r.plan, Moves: r.moves,
		Partner: c.Partner, Submitter: c.Submitter, OpenedBy: r.openedBy, Applied: r.applied, Amount: c.Amount, Ended: r.ended, Changed: r.changed, DefaultAt: task.DefaultAt,
		History: func(string) string { return task.history() },
	}
	if r.matter.Worked {
		lines, err := linesOf(ctx, tx, c.Number)
		if err != nil {
			return approval.Move{}, who, nil, err
		}
		facts.Lines = map[string]money.Amount{}
		for _, l := range lines {
			facts.Lines[l.Lot.String()] = l.Amount
		}
	}
	move, list := approval.Judge(d, in.At, facts, who)
	if move.Act == approval.Urge {
		again, err := urgedAgain(ctx, tx, c.Number, task, in.At)
		if err != nil {
			return move, who, nil, err
		}
		list = append(list, again...)
	}
	if move.Act == approval.Approve && (r.matter.Name == withdrawal.Confirm.Name || r.matter.Name == withdrawal.LateReturn.Name) {
		amount := c.Amount
		if task.Amount != nil {
			amount = *task.Amount
		}
		list = append(list, withdrawal.JudgeArrival(d, c.Route, amount, task.Reference)...)
	}
	return move, who, list, nil
}

// urgedAgain refuses to urge a task twice within an hour.
func urgedAgain(ctx context.Context, tx *sqlx.Tx, number string, task taskRow, at time.Time) (refusal.List, error) {
	var last *time.Time
	if err := tx.GetContext(ctx, &last, `
		SELECT max(at) FROM decisions WHERE case_number = $1 AND matter = $2 AND round = $3 AND seat = $4 AND act = $5`,
		number, task.Matter, task.Round, task.Seat, approval.Urge); err != nil {
		return nil, fmt.Errorf("look for urges: %w", err)
	}
	if last == nil || !at.Before(last.Add(time.Hour)) {
		return nil, nil
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "task "+task.ID, "The task was urged at %s; it can be urged again an hour later.", shownAt(*last))}, nil
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

// said records what was only said, and tells those it is meant for.
func (w *Withdrawals) said(ctx context.Context, tx *sqlx.Tx, c lockedCase, r *round, task taskRow, who approval.People, line said, e event) error {
	if err := appendEvent(ctx, tx, e); err != nil {
		return err
	}
	notice, people := approval.TaskSaid, []string{}
	var err error
	seat := r.standing.Seat(task.Seat)
	switch {
	case line.Act == approval.Copy:
		notice, people = approval.TaskCopied, []string{line.To}
	case line.Act == approval.Ask:
		notice, people = approval.TaskAsked, []string{c.Submitter}
	case !who.OwnSide: // the other side is told: who applied, or who decides
		people = []string{c.Submitter}
	case seat != nil && seat.State == approval.Open:
		people, err = r.deciders(ctx, tx, *seat, e.At)
	}
	if err != nil {
		return err
	}
	if line.Act == approval.Urge {
		notice = approval.TaskUrged
	}
	return notifyTask(ctx, tx, c.caseRow, task, notice, e.Actor, line.Reason, people, e.Key+"/"+c.Number, e.At)
}

// follow does what a move leads to: other tasks, or the end of the round and the case's next state.
func (w *Withdrawals) follow(ctx context.Context, tx *sqlx.Tx, c *lockedCase, r *round, line said, reference string, e event) (refusal.List, error) {
	if list, err := r.sync(ctx, tx, *r.task(line.Seat), e.At); err != nil || len(list) > 0 {
		return list, err
	}
	outcome := r.standing.Outcome
	if outcome == "" {
		return nil, appendEvent(ctx, tx, e)
	}
	if outcome == approval.Approve && r.changed && r.matter.Worked { // also where nobody's approval ended the round
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "What is applied for has changed since the round was opened, so its approvals are void; return it for changes or refuse it.")}, nil
	}
	verdict := withdrawal.VerdictOf(r.matter, outcome, c.Route)
	e.Rule = verdict.Rule
	if r.matter.Name == withdrawal.LateReturn.Name {
		return nil, w.lateReturned(ctx, tx, c, r, r.task(line.Seat), outcome, e)
	}
	if verdict.To == withdrawal.Approved {
		if err := w.grant(ctx, tx, c, r.standing, e.At); err != nil {
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
		}
	}
	if err := r.closeRound(ctx, tx, outcome, e.At); err != nil {
		return nil, err
	}
	if err := r.tellOutcome(ctx, tx, line, outcome, e); err != nil {
		return nil, err
	}
	if reference != "" {
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET reference = $2 WHERE case_number = $1`, c.Number, reference); err != nil {
			return nil, fmt.Errorf("keep reference: %w", err)
		}
	}
	return w.move(ctx, tx, c, verdict.To, e)
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
	lotNos, amounts := lotArrays(lines)
	if _, err := tx.ExecContext(ctx, `DELETE FROM withdrawal_lines WHERE case_number = $1`, number); err != nil {
		return fmt.Errorf("replace lines: %w", err)
	}
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
	if !withdrawal.CanMove(c.State, to) {
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The withdrawal is %s; it cannot become %s.", c.State, to)}, nil
	}
	from := c.State
	var closedAt, due *time.Time
	if to.Ended() {
		closedAt = &e.At
	}
	if to == withdrawal.Awaiting {
		policy, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
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
	c.State, c.DueAt = to, due
	e.From, e.To, e.Amount = from, to, &c.Amount
	if err := appendEvent(ctx, tx, e); err != nil {
		return nil, err
	}
	if err := w.settle(ctx, tx, c, from, e.At); err != nil {
		return nil, err
	}
	if to.Ended() {
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
	switch c.State {
	case withdrawal.Approved:
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET approved_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
			return fmt.Errorf("keep approval: %w", err)
		}
		c.ApprovedAt = &at
	case withdrawal.Paid:
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET paid_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
			return fmt.Errorf("keep payment: %w", err)
		}
		return post(ctx, tx, ledger.Entry{
			Key: entryKey(c.Number, "paid"), Case: c.Number, Memo: "paid out by withdrawal " + c.Number, At: at,
			Postings: ledger.Move(c.Amount, ledger.Hold(c.Partner), c.PaidFrom),
		})
	case withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed: // WDR-11: released completely
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
	policy, err := withdrawalPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return nil, err
	}
	order := PaymentOrder{Case: c.Number, Route: c.Route, Amount: c.Amount, Currency: money.CNY, Payee: c.payee(), PayingEntity: c.PayingEntity, PaidFrom: c.PaidFrom}
	o := matterOpening{OpenedBy: sub.by, At: at, From: at, Application: sub.application}
	switch c.State {
	case withdrawal.UnderReview:
		o.Matter = withdrawal.Review
		o.Question = fmt.Sprintf("May partner %s withdraw %s %s by %s to %s? Decide: approve, reject or return with a reason.", c.Partner, c.Amount, money.CNY, c.Route, payeeText(c.payee()))
	case withdrawal.Approved:
		o.Matter, o.Question, o.From = withdrawal.Send, w.Channel.SendQuestion(order), *c.ApprovedAt
	case withdrawal.Paying:
		o.Matter, o.Question, o.From = withdrawal.Confirm, w.Channel.ConfirmQuestion(order), *c.ApprovedAt // the term of sending and confirming is one
	case withdrawal.Awaiting, withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
		return nil, nil
	}
	o.Chain = policy.Chain(o.Matter.Name)
	if c.ApprovedByRule && c.State != withdrawal.UnderReview {
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
		return w.move(ctx, tx, &c, to, e)
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
