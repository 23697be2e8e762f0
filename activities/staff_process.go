package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/jmoiron/sqlx"
)

// staffProcess is what the machinery of cases asks about a month's request.
type staffProcess struct{}

func (staffProcess) matter(name string) approval.Matter { return staff.MatterOf(name) }

func (p staffProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := staffPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return caseFacts{}, err
	}
	amount, _, err := p.about(ctx, tx, c.Number)
	return caseFacts{Amount: amount, Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return staff.MayAct(p, c.Partner) && !p.OfVendor() }}, err
}

func (staffProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, task taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	return notOwn(ctx, tx, c, r, d, m)
}

// notOwn refuses who applied in whichever round of a matter, where approval.Judge does not know them yet (ENG-02).
func notOwn(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, d approval.Decision, m approval.Move) (refusal.List, error) {
	if !m.Act.IsMove() || d.Person == c.Submitter || d.Person == r.openedBy || slices.Contains(r.applied, d.Person) {
		return nil, nil
	}
	var own bool
	if err := tx.GetContext(ctx, &own, `SELECT EXISTS (SELECT 1 FROM approvals WHERE case_number = $1 AND application IS NOT NULL AND opened_by IN ($2, nullif($3, '')))`,
		c.Number, d.Person, m.OnBehalf); err != nil {
		return nil, fmt.Errorf("look for applicants: %w", err)
	}
	if !own {
		return nil, nil
	}
	return refusal.List{refusal.New("ENG-02", "ENG_SELF_APPROVAL", "task "+d.Task, "You cannot decide on what you applied for in a former round; ask a colleague (PGM-07).")}, nil
}

// conclude ends the preliminary review: a month that passed is final, a failed one can be sent again until it ends (FHM-03).
func (staffProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if err := lockStaff(ctx, tx, c.Partner); err != nil { // nobody names its people and projects, or applies for its quarter, meanwhile
		return nil, err
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	month, err := monthOfCase(ctx, tx, c.Number)
	if err != nil {
		return nil, err
	}
	e, to := end.e, moveTo{State: string(staff.Passed), Ended: true}
	if end.outcome != approval.Approve {
		ends := stored(month.Ends())
		e.Rule, to = "FHM-03", moveTo{State: string(staff.Failed), Ended: month.Over(e.At)}
		if !to.Ended {
			to.DueAt, to.WakeAt = &ends, &ends
		}
		if err := freeProjects(ctx, tx, c.Number); err != nil {
			return nil, err
		}
	}
	if err := moveCase(ctx, tx, &c, to, e); err != nil {
		return nil, err
	}
	return nil, tellStaff(ctx, tx, c, staff.NoticeOf(staff.State(c.State)), fmt.Sprintf("%s@%d", c.State, r.number), end.line.Reason, e.At)
}

// freeProjects gives back the projects of a failed request that no other request names (FHM-07).
func freeProjects(ctx context.Context, tx *sqlx.Tx, number string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE staff_month_persons SET project_id = NULL WHERE case_number = $1 AND project_id IS NOT NULL`, number); err != nil {
		return fmt.Errorf("free projects: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		DELETE FROM staff_projects p WHERE NOT EXISTS (SELECT 1 FROM staff_month_persons m WHERE m.project_id = p.project_id)
		   AND p.specialist_id IN (SELECT specialist_id FROM staff_month_persons WHERE case_number = $1)`, number); err != nil {
		return fmt.Errorf("free projects: %w", err)
	}
	return nil
}

func monthOfCase(ctx context.Context, tx *sqlx.Tx, number string) (staff.Month, error) {
	var first calendar.Date
	if err := tx.GetContext(ctx, &first, `SELECT month FROM staff_months WHERE case_number = $1`, number); err != nil {
		return staff.Month{}, fmt.Errorf("read month of %s: %w", number, err)
	}
	return staff.MonthOf(first.Start()), nil
}

func (staffProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock ends a failed request with its month: from then on it stays failed (FHM-03).
func (staffProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, _ time.Time) (refusal.List, error) {
	e.Key, e.At, e.Action, e.Rule, e.Note = "month-over", *c.WakeAt, "close", "FHM-03", "the month has ended; the request stays failed"
	return nil, moveCase(ctx, tx, &c, moveTo{State: c.State, Ended: true}, e)
}

// stop: nothing is held that would have to be given back, and a month is requested once; so the case goes on.
func (staffProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The month is requested once, so its case is not stopped; the preliminary review passes or fails it.")}, nil
}

func (staffProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var row struct {
		Month    calendar.Date  `db:"month"`
		Scenario staff.Scenario `db:"scenario"`
		Amount   money.Amount   `db:"amount"`
	}
	if err := tx.GetContext(ctx, &row, `SELECT month, scenario, amount FROM staff_months WHERE case_number = $1`, number); err != nil {
		return row.Amount, "", fmt.Errorf("read month of %s: %w", number, err)
	}
	return row.Amount, fmt.Sprintf("%s of %s, %s %s", row.Scenario, staff.MonthOf(row.Month.Start()), row.Amount, money.CNY), nil
}

// tellStaff tells the partner's people what became of a request.
func tellStaff(ctx context.Context, tx *sqlx.Tx, c caseRow, n staff.Notice, step, note string, at time.Time) error {
	month, err := monthOfCase(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	amount, _, err := staffProcess{}.about(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	subject, body := n.Text(staff.NoticeData{Case: c.Number, Partner: c.Partner, Month: month.String(), Amount: amount, Note: note})
	return notifyPartner(ctx, tx, c, staff.Applicants, subject, body, fmt.Sprintf("%s/%s/%s", staff.Kind, c.Number, step), at)
}
