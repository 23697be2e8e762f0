package views

import (
	"context"
	"time"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
)

// Task is one question, with the case it is about.
type Task struct {
	ID          string               `db:"task_id"      json:"task"`
	Case        string               `db:"case_number"  json:"case"`
	Partner     string               `db:"partner_id"   json:"partner"`
	Kind        withdrawal.TaskKind  `db:"kind"         json:"kind"`
	Question    string               `db:"question"     json:"question"`
	Role        person.Role          `db:"role"         json:"role"`
	EscalatedTo person.Role          `db:"escalated_to" json:"escalated_to,omitempty"`
	OpenedBy    string               `db:"opened_by"    json:"opened_by"`
	OpenedAt    time.Time            `db:"opened_at"    json:"opened_at"`
	DueAt       *time.Time           `db:"due_at"       json:"due_at,omitempty"`
	State       withdrawal.TaskState `db:"state"        json:"state"`
	Amount      *money.Amount        `db:"amount"       json:"amount,omitempty"` // what it is about
	DecidedBy   *string              `db:"decided_by"   json:"decided_by,omitempty"`
	DecidedAt   *time.Time           `db:"decided_at"   json:"decided_at,omitempty"`
	Outcome     withdrawal.Outcome   `db:"outcome"      json:"outcome,omitempty"`
	Reason      string               `db:"reason"       json:"reason,omitempty"`
	Reference   string               `db:"reference"    json:"reference,omitempty"`
}

// Outcomes lists the answers that the question takes.
func (t Task) Outcomes() []withdrawal.Outcome { return withdrawal.Outcomes(t.Kind) }

// TaskFilter narrows a list of tasks; what is empty does not.
type TaskFilter struct {
	Person string // those that the person may decide
	Role   person.Role
	Case   string
	All    bool // decided and closed ones too
}

// Tasks lists questions, the most urgent first.
func (r Reader) Tasks(ctx context.Context, f TaskFilter) ([]Task, error) {
	if f.Person != "" {
		if err := r.mustExist(ctx, "person", f.Person, personExistsSQL); err != nil {
			return nil, err
		}
	}
	if f.Case != "" {
		if err := r.mustExist(ctx, "case", f.Case, caseExistsSQL); err != nil {
			return nil, err
		}
	}
	return rows[Task](ctx, r.DB, "tasks", taskSQL+tasksWhereSQL, f.All, f.Case, f.Role, f.Person)
}

// Task reads one question.
func (r Reader) Task(ctx context.Context, id string) (Task, error) {
	return row[Task](ctx, r.DB, "task", id, taskSQL+` WHERE t.task_id = $1`, id)
}

const taskSQL = `
	SELECT t.task_id, t.case_number, c.partner_id, t.kind, t.question, t.role, t.escalated_to, t.opened_by, t.opened_at, t.due_at, t.state,
	       coalesce(t.amount, w.amount) AS amount, t.decided_by, t.decided_at, t.outcome, t.reason, t.reference
	  FROM tasks t JOIN cases c USING (case_number) LEFT JOIN withdrawals w USING (case_number)`

// Who may decide: an active person of the vendor with the role, but neither the submitter nor who asked (ENG-02).
const tasksWhereSQL = `
	 WHERE ($1 OR t.state = 'open') AND ($2 = '' OR t.case_number = $2) AND ($3 = '' OR $3 IN (t.role, t.escalated_to))
	   AND ($4 = '' OR ($4 NOT IN (t.opened_by, c.submitter) AND EXISTS (
			SELECT 1 FROM people p JOIN person_roles pr USING (person_id)
			 WHERE p.person_id = $4 AND p.active AND p.partner_id IS NULL AND pr.role IN (t.role, t.escalated_to))))
	 ORDER BY t.due_at NULLS LAST, t.opened_at, t.task_id`

// tasksOf lists all questions of one case in the order they were asked.
func (r Reader) tasksOf(ctx context.Context, number string) ([]Task, error) {
	return rows[Task](ctx, r.DB, "tasks", taskSQL+` WHERE t.case_number = $1 ORDER BY t.opened_at, t.task_id`, number)
}
