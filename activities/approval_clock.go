package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// EscalateWithdrawal does what deadlines ask for up to an instant, in the order of these, each once: it reminds, escalates,
// decides by default, and cancels what nobody resubmitted. What happens has the deadline's instant, however late the job is.
func (w *Withdrawals) EscalateWithdrawal(ctx context.Context, in ClockInput) (WithdrawalStanding, error) {
	in.At = stored(in.At)
	step := clockStep(w.DB, in.Case, in.At)
	return w.step(ctx, step, func(tx *sqlx.Tx, c lockedCase) (refusal.List, error) {
		e := step.event()
		e.From, e.To = c.State, c.State
		if c.state() == withdrawal.Awaiting {
			return withdrawals{Withdrawals: w}.clock(ctx, tx, c.caseRow, e, in.At)
		}
		rounds, err := openRounds(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		for _, r := range rounds {
			if r.matter.Name == withdrawal.LateReturn.Name {
				continue
			}
			if list, err := tick(ctx, tx, withdrawals{Withdrawals: w}, c.caseRow, r, e, in.At); err != nil || len(list) > 0 {
				return list, err
			}
		}
		return nil, nil
	})
}

// clock cancels what nobody resubmitted in time.
func (w withdrawals) clock(ctx context.Context, tx *sqlx.Tx, row caseRow, e event, now time.Time) (refusal.List, error) {
	c, err := readWithdrawal(ctx, tx, row)
	if err != nil || c.DueAt == nil || now.Before(*c.DueAt) {
		return nil, err
	}
	if err := w.recountChanges(ctx, tx, &c); err != nil || now.Before(*c.DueAt) {
		return nil, err
	}
	e.Key, e.At, e.Action, e.Rule, e.Note = "lapse/"+c.DueAt.Format(time.RFC3339Nano), *c.DueAt, "cancel", "PGM-02", "nobody resubmitted it in time"
	return w.move(ctx, tx, &c, withdrawal.Cancelled, e)
}

// recountChanges takes the calendar as it is now for the term of changes, as recount does for tasks.
func (w *Withdrawals) recountChanges(ctx context.Context, tx *sqlx.Tx, c *lockedCase) error {
	policy, err := c.pinned(ctx, tx)
	if err != nil {
		return err
	}
	var returned time.Time
	if err := tx.GetContext(ctx, &returned, `
		SELECT closed_at FROM approvals WHERE case_number = $1 AND matter = $2 AND outcome = 'return' ORDER BY round DESC LIMIT 1`, c.Number, withdrawal.Review.Name); err != nil {
		return fmt.Errorf("read return: %w", err)
	}
	until, list, err := closes(ctx, tx, policy.Chain(withdrawal.Review.Name).ChangesTerm, returned)
	if err != nil || len(list) > 0 || until.Equal(*c.DueAt) {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET due_at = $2 WHERE case_number = $1`, c.Number, until); err != nil {
		return fmt.Errorf("recount term: %w", err)
	}
	c.DueAt = &until
	return nil
}

// tick fires what is due in a round, the earliest first, until nothing is or a deadline has ended the round.
func tick(ctx context.Context, tx *sqlx.Tx, p process, c caseRow, r *round, e event, now time.Time) (refusal.List, error) {
	for i := range r.tasks { // a calendar that changed meanwhile moves the instants
		if err := r.recount(ctx, tx, &r.tasks[i], now); err != nil {
			return nil, err
		}
	}
	for r.standing.Outcome == "" {
		t, act, at := r.next()
		if t == nil || at.After(now) {
			return nil, nil
		}
		e := e
		e.At = at
		fire := byDefault
		if act == approval.Remind {
			fire = remind
		}
		if act == approval.Involve {
			fire = overdue
		}
		if list, err := fire(ctx, tx, p, c, r, t, e); err != nil || len(list) > 0 {
			return list, err
		}
	}
	return nil, nil
}

// next finds what the clock does next in a round; ties in the order remind, escalate, decide, and by task.
func (r *round) next() (first *taskRow, act approval.Outcome, at time.Time) {
	sooner := func(t *taskRow, what approval.Outcome, when *time.Time, done bool) {
		if when != nil && !done && (first == nil || when.Before(at)) {
			first, act, at = t, what, *when
		}
	}
	for i := range r.tasks {
		t := &r.tasks[i]
		if t.State != approval.TaskOpen {
			continue
		}
		sooner(t, approval.Remind, t.RemindAt, t.RemindedAt != nil)
		sooner(t, approval.Involve, t.DueAt, t.Escalated != nil)
		sooner(t, "", t.DefaultAt, false)
	}
	return first, act, at
}

// recount takes the operator's calendar as it is now for what has not fired and would: a holiday declared meanwhile gives
// more time. A calendar that lost the year gives none.
func (r *round) recount(ctx context.Context, tx *sqlx.Tx, t *taskRow, now time.Time) error {
	due := func(at *time.Time, done bool) bool { return at != nil && !done && !at.After(now) }
	if t.State != approval.TaskOpen || !due(t.RemindAt, t.RemindedAt != nil) && !due(t.DueAt, t.Escalated != nil) && !due(t.DefaultAt, false) {
		return nil
	}
	counted := *t
	if list, err := counted.terms(ctx, tx, r.plan.Step(t.Step)); err != nil || len(list) > 0 {
		return err
	}
	*t = counted
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET remind_at = $2, due_at = $3, default_at = $4 WHERE task_id = $1`, t.ID, t.RemindAt, t.DueAt, t.DefaultAt); err != nil {
		return fmt.Errorf("recount terms: %w", err)
	}
	return nil
}

func remind(ctx context.Context, tx *sqlx.Tx, _ process, _ caseRow, r *round, t *taskRow, e event) (refusal.List, error) {
	t.RemindedAt = &e.At
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET reminded_at = $2 WHERE task_id = $1`, t.ID, e.At); err != nil {
		return nil, fmt.Errorf("remind: %w", err)
	}
	e.Key, e.Action, e.Note = "remind/"+t.ID, "remind", t.ID+" still waits"
	if err := appendEvent(ctx, tx, e); err != nil {
		return nil, err
	}
	told, err := r.deciders(ctx, tx, *r.standing.Seat(t.Seat), e.At)
	if err != nil {
		return nil, err
	}
	return nil, notifyTask(ctx, tx, r.c, *t, approval.TaskRemind, "", "", told, t.ID+"/reminder", e.At)
}

// overdue lets the escalation role decide as well.
func overdue(ctx context.Context, tx *sqlx.Tx, p process, c caseRow, r *round, t *taskRow, e event) (refusal.List, error) {
	t.Escalated = &e.At
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET escalated_at = $2 WHERE task_id = $1`, t.ID, e.At); err != nil {
		return nil, fmt.Errorf("escalate: %w", err)
	}
	rule, err := p.overdueRule(ctx, tx, c, r.matter)
	if err != nil {
		return nil, err
	}
	e.Key, e.Rule, e.Note = "escalate/"+t.ID, rule, t.ID+" is overdue"
	if role := r.plan.Step(t.Step).Escalate; role != "" {
		e.Note += "; " + string(role) + " may decide"
		if err := r.involve(ctx, tx, t.Seat, approval.RoleWho(role), byDeadline, e.At); err != nil {
			return nil, err
		}
	}
	if err := appendEvent(ctx, tx, e); err != nil {
		return nil, err
	}
	told, err := r.deciders(ctx, tx, *r.standing.Seat(t.Seat), e.At)
	if err != nil {
		return nil, err
	}
	return nil, notifyTask(ctx, tx, r.c, *t, approval.TaskOverdue, "", "", told, t.ID+"/escalated", e.At)
}

// byDefault lets the deadline decide.
func byDefault(ctx context.Context, tx *sqlx.Tx, p process, c caseRow, r *round, t *taskRow, e event) (refusal.List, error) {
	outcome := r.plan.Step(t.Step).Default.Outcome
	reason := "nobody decided until " + e.At.UTC().Format(time.RFC3339) + "; the policy says: " + string(outcome)
	if r.changed && outcome == approval.Approve { // as void as a person's approval would be
		outcome, reason = approval.Reject, reason+", but what is applied for has changed since the round was opened"
	}
	line := said{Move: approval.Move{Act: outcome, Seat: t.Seat}, Word: r.matter.Word(outcome), How: byDeadline, At: e.At, Reason: reason}
	if _, err := r.say(ctx, tx, line); err != nil {
		return nil, err
	}
	if err := r.answered(ctx, tx, line, ""); err != nil {
		return nil, err
	}
	e.Key, e.Action, e.Note = "deadline/"+t.ID, string(line.Word), line.Reason
	return follow(ctx, tx, p, c, r, line, "", e)
}
