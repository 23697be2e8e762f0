package activities

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

func init() { processes[bill.Kind] = reconciliation{} }

// reconciliation is how the machinery of cases serves bills presented together.
type reconciliation struct{}

// set is a reconciliation as rules look at it.
type set struct {
	bill.Set
	bills []presented
	total money.Amount
	row   reconciliationRow
}

type reconciliationRow struct {
	Period      string        `db:"period"`
	Deadline    calendar.Date `db:"deadline"`
	RemindAt    *time.Time    `db:"remind_at"`
	RemindedAt  *time.Time    `db:"reminded_at"`
	Returned    string        `db:"returned"`
	ConfirmedBy *string       `db:"confirmed_by"`
	Rounds      int           `db:"rounds"` // how often it came back
}

// readSet reads a reconciliation, whose case is locked, with its bills.
func readSet(ctx context.Context, tx *sqlx.Tx, c caseRow) (set, error) {
	var s set
	if err := tx.GetContext(ctx, &s.row, `
		SELECT period, deadline, remind_at, reminded_at, returned, confirmed_by,
		       (SELECT count(*) FROM approvals a WHERE a.case_number = r.case_number AND a.matter = $2) AS rounds
		  FROM reconciliations r WHERE case_number = $1`, c.Number, bill.Present.Name); err != nil {
		return s, fmt.Errorf("read reconciliation %s: %w", c.Number, err)
	}
	if err := tx.SelectContext(ctx, &s.bills, presentedSQL+` WHERE case_number = $1 AND state = ANY ('{TO_CONFIRM,RELEASING,RELEASED}') ORDER BY bill_id`, c.Number); err != nil {
		return s, fmt.Errorf("read bills of %s: %w", c.Number, err)
	}
	s.Set = bill.Set{Case: c.Number, Partner: c.Partner, Period: s.row.Period, State: bill.State(c.State), Deadline: s.row.Deadline}
	for _, b := range s.bills {
		s.Bills = append(s.Bills, b.Bill)
	}
	s.total = sum(s.bills)
	return s, nil
}

// AnswerInput is what a person says about bills that were presented, or about a question on them.
type AnswerInput struct {
	Case     string
	Key      string // request key
	Person   string
	Bills    []string
	Text     string // reason, question or answer
	Question int64  // that is answered
	At       time.Time
}

// step is the step of an answer under its request key; the bills named are part of what the key stands for (COM-20).
func (r *Reconciliations) step(in *AnswerInput, action string) caseStep {
	in.At = stored(in.At)
	note := strings.TrimSpace(in.Text)
	if len(in.Bills) > 0 {
		note = strings.TrimSpace(strings.Join(in.Bills, ", ") + ": " + note)
	}
	return caseStep{db: r.DB, number: in.Case, key: action + "/" + in.Key, actor: in.Person, via: viaRequest, action: action, note: note, at: in.At}
}

// says reads who speaks and about what.
func says(ctx context.Context, tx *sqlx.Tx, c caseRow, in AnswerInput) (set, bill.Answer, error) {
	s, err := readSet(ctx, tx, c)
	if err != nil {
		return s, bill.Answer{}, err
	}
	p, err := findPerson(ctx, tx, in.Person)
	return s, bill.Answer{Person: p, Name: in.Person, At: in.At, Bills: in.Bills, Text: in.Text}, err
}

// ConfirmBills confirms all bills presented together, whichever was named (INC-10).
func (r *Reconciliations) ConfirmBills(ctx context.Context, in AnswerInput) (Standing, error) {
	in.Bills = nil
	step := r.step(&in, "confirm")
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		s, a, err := says(ctx, tx, c, in)
		if err != nil {
			return nil, err
		}
		if list := bill.JudgeConfirm(s.Set, a); len(list) > 0 {
			return list, nil
		}
		e := step.event()
		e.Rule = "INC-10"
		return confirmed(ctx, tx, c, s, in.Person, e)
	})
}

// confirmed puts the release of confirmed bills to operations.
func confirmed(ctx context.Context, tx *sqlx.Tx, c caseRow, s set, by string, e event) (refusal.List, error) {
	if err := moveBillsOf(ctx, tx, s, bill.Releasing, nil); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE reconciliations SET confirmed_by = $2, confirmed_at = $3 WHERE case_number = $1`, c.Number, by, e.At); err != nil {
		return nil, fmt.Errorf("keep confirmation: %w", err)
	}
	if err := moveCase(ctx, tx, &c, moveTo{State: string(bill.Releasing), Amount: &s.total}, e); err != nil {
		return nil, err
	}
	return askOperations(ctx, tx, c, s, bill.Release, by, "", e.At)
}

// moveBillsOf carries all bills of a set with its case.
func moveBillsOf(ctx context.Context, tx *sqlx.Tx, s set, to bill.State, announced *time.Time) error {
	res, err := tx.ExecContext(ctx, `UPDATE bills SET state = $3, announced_at = coalesce($4, announced_at) WHERE case_number = $1 AND state = $2`, s.Case, s.State, to, announced)
	if err != nil {
		return fmt.Errorf("move bills of %s: %w", s.Case, err)
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(len(s.bills)) {
		return errors.Join(err, fmt.Errorf("%w: %d bills of %s moved, it has %d", errDefect, n, s.Case, len(s.bills)))
	}
	return nil
}

// askOperations puts a matter to the policy's chain.
func askOperations(ctx context.Context, tx *sqlx.Tx, c caseRow, s set, m approval.Matter, by, reason string, at time.Time) (refusal.List, error) {
	policy, err := reconciliationPolicy(ctx, tx, c.PolicyVersion, at)
	if err != nil {
		return nil, err
	}
	var p struct {
		Kind   string `db:"kind"`
		Entity string `db:"entity"`
	}
	if err := tx.GetContext(ctx, &p, `SELECT kind, entity FROM partners WHERE partner_id = $1`, c.Partner); err != nil {
		return nil, fmt.Errorf("read partner: %w", err)
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: m, Chain: policy.Chain(m.Name), OpenedBy: by, At: at, From: at,
		Question: s.Question(m, s.total.String()+" "+string(money.CNY), reason),
		Facts:    approval.Facts{Fields: bill.Fields, Values: bill.Values(s.total, s.Period, p.Kind, p.Entity, by == bySystem), Amount: s.total.NotBelowZero()},
	})
	return list, err
}

// RejectBills gives bills back to operations, in pairs where there are two association models (INC-09). The deadline stops.
func (r *Reconciliations) RejectBills(ctx context.Context, in AnswerInput) (Standing, error) {
	step := r.step(&in, "reject")
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		s, a, err := says(ctx, tx, c, in)
		if err != nil {
			return nil, err
		}
		if list := bill.JudgeReject(s.Set, a); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE bills SET rejected_at = $3 WHERE case_number = $1 AND bill_id = ANY ($2)`, c.Number, pq.Array(in.Bills), in.At); err != nil {
			return nil, fmt.Errorf("mark bills: %w", err)
		}
		e := step.event()
		e.Rule, e.From, e.To, e.Amount = "INC-09", c.State, c.State, &s.total
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		return giveBack(ctx, tx, c, s, in.Person, e.Note, in.At)
	})
}

// giveBack hands a set to operations, which recalculates it: the partner's check stops until it is presented anew.
func giveBack(ctx context.Context, tx *sqlx.Tx, c caseRow, s set, by, reason string, at time.Time) (refusal.List, error) {
	if _, err := tx.ExecContext(ctx, `
		UPDATE reconciliations SET deadline = NULL, remind_at = NULL, returned = $2, confirmed_by = NULL, confirmed_at = NULL WHERE case_number = $1`, c.Number, reason); err != nil {
		return nil, fmt.Errorf("give back %s: %w", c.Number, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET due_at = NULL, wake_at = NULL WHERE case_number = $1`, c.Number); err != nil {
		return nil, fmt.Errorf("stop clock of %s: %w", c.Number, err)
	}
	return askOperations(ctx, tx, c, s, bill.Present, by, reason, at)
}

// AskAboutBills keeps a question of the partner about bills; it stops nothing.
func (r *Reconciliations) AskAboutBills(ctx context.Context, in AnswerInput) (Standing, error) {
	step := r.step(&in, "question")
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		s, a, err := says(ctx, tx, c, in)
		if err != nil {
			return nil, err
		}
		if list := bill.JudgeQuestion(s.Set, a); len(list) > 0 {
			return list, nil
		}
		var id int64
		if err := tx.GetContext(ctx, &id, `
			INSERT INTO bill_questions (case_number, key, bills, question, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING question_id`,
			c.Number, in.Key, pq.Array(in.Bills), in.Text, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("keep question: %w", err)
		}
		e := step.event()
		e.From, e.To = c.State, c.State
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		policy, err := reconciliationPolicy(ctx, tx, c.PolicyVersion, in.At)
		if err != nil {
			return nil, err
		}
		d := noticeOf(c, s.Period, s.bills, s.Deadline, fmt.Sprintf("question %d: %s", id, e.Note))
		return nil, tell(ctx, tx, bill.IsQuestioned, d, fmt.Sprintf("%s/question/%d", c.Number, id), in.At, "", []person.Role{policy.OperationsRole})
	})
}

// ReplyAboutBills answers a partner's question.
func (r *Reconciliations) ReplyAboutBills(ctx context.Context, in AnswerInput) (Standing, error) {
	step := r.step(&in, "answer")
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		s, a, err := says(ctx, tx, c, in)
		if err != nil {
			return nil, err
		}
		var answered bool
		err = tx.GetContext(ctx, &answered, `SELECT answered_at IS NOT NULL FROM bill_questions WHERE question_id = $1 AND case_number = $2`, in.Question, c.Number)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, unknown("question of "+c.Number, fmt.Sprint(in.Question))
		}
		if err != nil {
			return nil, fmt.Errorf("read question: %w", err)
		}
		policy, err := reconciliationPolicy(ctx, tx, c.PolicyVersion, in.At)
		if err != nil {
			return nil, err
		}
		if list := bill.JudgeReply(s.Set, policy, a, answered); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE bill_questions SET answer = $2, answered_by = $3, answered_at = $4 WHERE question_id = $1 AND answered_at IS NULL`,
			in.Question, in.Text, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("keep answer: %w", err)
		}
		e := step.event()
		e.From, e.To = c.State, c.State
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		return nil, tellPartner(ctx, tx, bill.WasAnswered, noticeOf(c, s.Period, s.bills, s.Deadline, in.Text), fmt.Sprintf("%s/answer/%d", c.Number, in.Question), in.At)
	})
}

func (reconciliation) matter(name string) approval.Matter { return bill.MatterOf(name) }

func (reconciliation) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	s, err := readSet(ctx, tx, c)
	if err != nil {
		return caseFacts{}, err
	}
	policy, err := reconciliationPolicy(ctx, tx, c.PolicyVersion, c.OpenedAt)
	return caseFacts{Amount: s.total, Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return bill.MayAct(p, c.Partner) }}, err
}

// guard: who made a special bill does not release it (ENG-02); what came back is presented anew with corrections, or upheld.
func (reconciliation) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, task taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	if r.matter.Name == bill.Release.Name && m.Act.IsMove() {
		var own []string
		if err := tx.SelectContext(ctx, &own, `
			SELECT bill_id FROM special_incentives JOIN bills USING (bill_id) WHERE case_number = $1 AND set_by IN ($2, nullif($3, '')) ORDER BY bill_id`,
			c.Number, d.Person, m.OnBehalf); err != nil {
			return nil, fmt.Errorf("look for who made the bills: %w", err)
		}
		if len(own) > 0 {
			return refusal.List{refusal.New("ENG-02", "ENG_SELF_APPROVAL", "task "+task.ID, "You cannot decide on your own special incentive, bill %s; ask a colleague (PGM-07).", strings.Join(own, ", "))}, nil
		}
	}
	if r.matter.Name != bill.Present.Name || m.Act != approval.Approve {
		return nil, nil
	}
	s, err := readSet(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	fresh, err := freshBills(ctx, tx, c.Partner, s.Period, c.OpenedAt)
	return bill.JudgePresent(s.Set, m.Act, len(fresh)), err
}

func (reconciliation) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	s, err := readSet(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	e := end.e
	verdict := bill.VerdictOf(r.matter, end.outcome)
	e.Rule = verdict.Rule
	switch {
	case verdict.To == bill.Released: // INC-07, and valid from this instant on (INC-14)
		if err := moveBillsOf(ctx, tx, s, bill.Released, &e.At); err != nil {
			return nil, err
		}
		if err := moveCase(ctx, tx, &c, moveTo{State: string(bill.Released), Ended: true, Amount: &s.total}, e); err != nil {
			return nil, err
		}
		return nil, tellPartner(ctx, tx, bill.WasReleased, noticeOf(c, s.Period, s.bills, calendar.Date{}, ""), c.Number+"/released", e.At)
	case r.matter.Name == bill.Release.Name: // refused
		if err := moveBillsOf(ctx, tx, s, bill.ToConfirm, nil); err != nil {
			return nil, err
		}
		if err := moveCase(ctx, tx, &c, moveTo{State: string(bill.ToConfirm), Amount: &s.total}, e); err != nil {
			return nil, err
		}
		reason := strings.TrimSpace("not released: " + end.line.Reason)
		if err := tellPartner(ctx, tx, bill.IsWithVendor, noticeOf(c, s.Period, s.bills, calendar.Date{}, reason), fmt.Sprintf("%s/returned/%d", c.Number, s.row.Rounds), e.At); err != nil {
			return nil, err
		}
		return giveBack(ctx, tx, c, s, bySystem, reason, e.At)
	}
	return nil, presentAnew(ctx, tx, c, s, end.line.Reason, e)
}

// presentAnew gives a set that came back to the partner again, with the corrections calculated since and a new deadline.
func presentAnew(ctx context.Context, tx *sqlx.Tx, c caseRow, s set, reason string, e event) error {
	fresh, err := freshBills(ctx, tx, c.Partner, s.Period, e.At)
	if err != nil {
		return err
	}
	if err := takeIn(ctx, tx, c.Number, fresh); err != nil {
		return err
	}
	policy, err := reconciliationPolicy(ctx, tx, c.PolicyVersion, e.At)
	if err != nil {
		return err
	}
	w := windowOf(fresh, policy, e.At)
	if _, err := tx.ExecContext(ctx, `
		UPDATE reconciliations SET presented_at = $2, deadline = $3, remind_at = $4, reminded_at = NULL, returned = '' WHERE case_number = $1`,
		c.Number, e.At, w.deadline, w.remind); err != nil {
		return fmt.Errorf("present %s anew: %w", c.Number, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE bills SET rejected_at = NULL WHERE case_number = $1 AND rejected_at IS NOT NULL`, c.Number); err != nil {
		return fmt.Errorf("unmark bills: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET due_at = $2, wake_at = $3 WHERE case_number = $1`, c.Number, w.closes, w.wake()); err != nil {
		return fmt.Errorf("set clock of %s: %w", c.Number, err)
	}
	bills := append(s.bills, fresh...)
	total := sum(bills)
	e.Case, e.From, e.To, e.Amount = c.Number, c.State, c.State, &total
	e.Note = strings.TrimSpace(fmt.Sprintf("%s until %s. %s", idsOf(bills), w.deadline, reason))
	if err := appendEvent(ctx, tx, e); err != nil {
		return err
	}
	return tellPartner(ctx, tx, bill.IsPresented, noticeOf(c, s.Period, bills, w.deadline, reason), fmt.Sprintf("%s/presented/%d", c.Number, s.row.Rounds+1), e.At)
}

func (reconciliation) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock reminds the partner, and confirms what nobody confirmed when the deadline is over (INC-08).
func (reconciliation) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, now time.Time) (refusal.List, error) {
	s, err := readSet(ctx, tx, c)
	if err != nil || s.State != bill.ToConfirm || s.Deadline.IsZero() {
		return nil, err
	}
	closes := stored(bill.Closes(s.Deadline))
	if s.row.RemindAt != nil && s.row.RemindedAt == nil && !now.Before(*s.row.RemindAt) {
		if err := remindPartner(ctx, tx, c, s, closes, e); err != nil {
			return nil, err
		}
	}
	if now.Before(closes) {
		return nil, nil
	}
	e.Key, e.At, e.Actor, e.Action, e.Rule = "deadline/"+s.Deadline.String(), closes, bySystem, "confirm", "INC-08"
	e.Note = "nobody confirmed it by the end of " + s.Deadline.String()
	if list, err := confirmed(ctx, tx, c, s, bySystem, e); err != nil || len(list) > 0 {
		return list, err
	}
	return nil, tellPartner(ctx, tx, bill.WasConfirmed, noticeOf(c, s.Period, s.bills, s.Deadline, ""), c.Number+"/deadline/"+s.Deadline.String(), closes)
}

func remindPartner(ctx context.Context, tx *sqlx.Tx, c caseRow, s set, closes time.Time, e event) error {
	e.Key, e.At, e.Action = "remind/"+s.Deadline.String(), *s.row.RemindAt, "remind"
	e.Note = "the deadline " + s.Deadline.String() + " is near"
	if err := appendEvent(ctx, tx, e); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE reconciliations SET reminded_at = $2 WHERE case_number = $1`, c.Number, e.At); err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET wake_at = $2 WHERE case_number = $1`, c.Number, closes); err != nil {
		return fmt.Errorf("set clock of %s: %w", c.Number, err)
	}
	return tellPartner(ctx, tx, bill.IsReminder, noticeOf(c, s.Period, s.bills, s.Deadline, ""), c.Number+"/reminder/"+s.Deadline.String(), e.At)
}

// stop: bills that were presented come to their end by the partner, the deadline or operations.
func (reconciliation) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	if bill.Ended(bill.State(c.State)) {
		return nil, nil
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "Bills that were presented cannot be left unreconciled: the partner, the deadline or operations brings the case to its end.")}, nil
}

func (reconciliation) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var a struct {
		Bills  int          `db:"bills"`
		Amount money.Amount `db:"amount"`
		Period string       `db:"period"`
	}
	if err := tx.GetContext(ctx, &a, `
		SELECT r.period, count(b.*) AS bills, coalesce(sum(b.amount), 0)::numeric(20,2) AS amount FROM reconciliations r LEFT JOIN bills b USING (case_number)
		 WHERE r.case_number = $1 GROUP BY r.period`, number); err != nil {
		return money.Zero, "", fmt.Errorf("read reconciliation %s: %w", number, err)
	}
	noun := "bills"
	if a.Bills == 1 {
		noun = "bill"
	}
	return a.Amount, fmt.Sprintf("%d %s of %s, %s %s", a.Bills, noun, a.Period, a.Amount, money.CNY), nil
}

// asJSON hands a value to a jsonb column.
type asJSON struct{ v any }

// Value writes it.
func (j asJSON) Value() (driver.Value, error) {
	text, err := json.Marshal(j.v)
	return string(text), err
}
