package views

import (
	"context"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/kinds"
	"countersign/domain/money"

	"github.com/lib/pq"
)

// Task is one question, with the case it is about.
type Task struct {
	ID         string             `db:"task_id"      json:"task"`
	Case       string             `db:"case_number"  json:"case"`
	Kind       string             `db:"kind"         json:"kind"` // of the case
	Partner    string             `db:"partner_id"   json:"partner"`
	Matter     string             `db:"matter"       json:"matter"`
	Round      int                `db:"round"        json:"round"`
	Step       string             `db:"step"         json:"step"`
	Question   string             `db:"question"     json:"question"`
	Candidates pq.StringArray     `db:"candidates"   json:"candidates"` // "role:R" or "person:P", one of which is enough
	OpenedBy   string             `db:"opened_by"    json:"opened_by"`
	OpenedAt   time.Time          `db:"opened_at"    json:"opened_at"`
	RemindAt   *time.Time         `db:"remind_at"    json:"remind_at,omitempty"`
	DueAt      *time.Time         `db:"due_at"       json:"due_at,omitempty"`
	Escalated  *time.Time         `db:"escalated_at" json:"escalated_at,omitempty"`
	DefaultAt  *time.Time         `db:"default_at"   json:"default_at,omitempty"` // when the deadline decides
	State      approval.TaskState `db:"state"        json:"state"`
	Amount     *money.Amount      `db:"amount"       json:"amount,omitempty"` // what it is about
	How        string             `db:"how"          json:"how,omitempty"`    // whose the answer is: person, substitute, deadline
	DecidedBy  *string            `db:"decided_by"   json:"decided_by,omitempty"`
	OnBehalf   *string            `db:"on_behalf"    json:"on_behalf,omitempty"`
	DecidedAt  *time.Time         `db:"decided_at"   json:"decided_at,omitempty"`
	Outcome    approval.Outcome   `db:"outcome"      json:"outcome,omitempty"`
	Reason     string             `db:"reason"       json:"reason,omitempty"`
	Reference  string             `db:"reference"    json:"reference,omitempty"`
}

// Outcomes lists the answers that the question takes.
func (t Task) Outcomes() []approval.Outcome { return kinds.MatterOf(t.Kind, t.Matter).Outcomes() }

// Asked says who may decide, as people read it: "vendor-finance or li".
func (t Task) Asked() string {
	who := make([]string, len(t.Candidates))
	for i, c := range t.Candidates {
		_, who[i], _ = strings.Cut(c, ":")
	}
	return strings.Join(who, " or ")
}

// TaskFilter narrows a list of tasks; what is empty does not.
type TaskFilter struct {
	Person string // those that the person may decide
	Role   string
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
	return rows[Task](ctx, r.q(), "tasks", taskSQL+tasksWhereSQL, f.All, f.Case, f.Role, f.Person)
}

// Task reads one question.
func (r Reader) Task(ctx context.Context, id string) (Task, error) {
	return row[Task](ctx, r.q(), "task", id, taskSQL+` WHERE t.task_id = $1`, id)
}

const taskSQL = `
	SELECT t.task_id, t.case_number, c.kind, c.partner_id, t.matter, t.round, t.step, t.question, t.candidates, t.opened_by, t.opened_at, t.remind_at, t.due_at, t.escalated_at,
	       t.default_at, t.state, coalesce(t.amount, w.amount, c.amount) AS amount, t.how, t.decided_by, t.on_behalf, t.decided_at, t.outcome, t.reason, t.reference
	  FROM tasks t JOIN cases c USING (case_number) LEFT JOIN withdrawals w USING (case_number)`

// Who may decide: one of the candidates, but neither the submitter nor who asked (ENG-02).
const tasksWhereSQL = `
	 WHERE ($1 OR t.state = 'open') AND ($2 = '' OR t.case_number = $2) AND ($3 = '' OR 'role:' || $3 = ANY (t.candidates))
	   AND ($4 = '' OR ($4 NOT IN (t.opened_by, c.submitter) AND t.candidates && who_is($4)))
	 ORDER BY t.due_at NULLS LAST, t.opened_at, t.task_id`

// tasksOf lists all questions of one case in the order they were asked.
func (r Reader) tasksOf(ctx context.Context, number string) ([]Task, error) {
	return rows[Task](ctx, r.q(), "tasks", taskSQL+` WHERE t.case_number = $1 ORDER BY t.opened_at, t.task_id`, number)
}
