package views

import (
	"context"
	"time"
)

// OverdueFilter narrows the list of what is overdue; what is empty does not.
type OverdueFilter struct {
	Kind      string // of case
	Escalated bool   // only what others may decide as well by now
	After     string // the Next of the page before
	Limit     int    // 0: 50; at most 200
}

// OverdueTask is an open task whose time is over.
type OverdueTask struct {
	Task
	PartnerName string `db:"partner_name" json:"partner_name"`
}

// OverduePage is some of them, the longest overdue first.
type OverduePage struct {
	Tasks     []OverdueTask `json:"tasks"`
	Next      string        `json:"next,omitempty"` // where the next page begins; empty: there is none
	All       int64         `json:"all"`            // however narrow the list
	Escalated int64         `json:"escalated"`
}

// Overdue lists the open tasks whose time is over, whoever is asked.
func (r Reader) Overdue(ctx context.Context, f OverdueFilter, at time.Time) (OverduePage, error) {
	limit := limited(f.Limit)
	q := &query{}
	q.add(`WITH page AS MATERIALIZED (SELECT task_id FROM inbox WHERE before = '{}' AND due_at <= $%d`, at)
	if f.Kind != "" {
		q.add(` AND kind = $%d`, f.Kind)
	}
	if f.Escalated {
		q.add(` AND escalated`)
	}
	if f.After != "" {
		due, task, err := placed(f.After)
		if err != nil {
			return OverduePage{}, err
		}
		q.add(` AND (due_at, task_id) > ($%d::timestamptz, $%d)`, due, task)
	}
	q.add(` ORDER BY due_at, task_id LIMIT $%d)
	SELECT t.task_id, t.case_number, c.kind, c.partner_id, p.name AS partner_name, t.matter, t.round, t.step, t.question, t.candidates, t.opened_by, t.opened_at, t.remind_at, t.due_at,
	       t.escalated_at, t.default_at, t.state, coalesce(t.amount, w.amount, c.amount) AS amount
	  FROM page JOIN tasks t USING (task_id)`+caseJoins+` ORDER BY t.due_at, t.task_id`, limit+1)
	found, err := rows[OverdueTask](ctx, r.DB, "overdue tasks", q.text.String(), q.args...)
	if err != nil {
		return OverduePage{}, err
	}
	page := OverduePage{Tasks: found}
	if len(found) > limit {
		page.Tasks = found[:limit]
		last := page.Tasks[limit-1]
		page.Next = last.DueAt.UTC().Format(time.RFC3339Nano) + "_" + last.ID
	}
	type counts struct {
		All       int64 `db:"all"`
		Escalated int64 `db:"escalated"`
	}
	n, err := row[counts](ctx, r.DB, "overdue tasks", "", `SELECT count(*) AS all, count(*) FILTER (WHERE escalated) AS escalated FROM inbox WHERE before = '{}' AND due_at <= $1`, at)
	page.All, page.Escalated = n.All, n.Escalated
	return page, err
}
