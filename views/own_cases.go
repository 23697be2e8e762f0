package views

import (
	"context"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/withdrawal"
)

// CaseSearch narrows a partner's list of its cases; what is empty does not.
type CaseSearch struct {
	Kind  string
	State domain.State // deleted ones are hidden unless asked for (WDL-27)
	Open  bool         // only those that wait for something
	From  calendar.Date
	To    calendar.Date // opened on days from From to To, both included
	Text  string        // part of the number, of what it is about, or of the payee
	After string        // the Next of the page before
	Limit int           // 0: 50; at most 200
}

// CasePage is some cases, the newest first.
type CasePage struct {
	Cases []Case `json:"cases"`
	Next  string `json:"next,omitempty"` // where the next page begins; empty: there is none
}

// CasePage lists a partner's cases. It reads as many rows of the partner's as the page needs, the newest first, however many there are.
func (r Reader) CasePage(ctx context.Context, partner string, f CaseSearch) (CasePage, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return CasePage{}, err
	}
	limit := limited(f.Limit)
	q := &query{}
	q.add(caseSQL+` WHERE c.partner_id = $%d`, partner)
	if f.After != "" {
		opened, number, ok := strings.Cut(f.After, "_")
		if _, err := time.Parse(time.RFC3339Nano, opened); !ok || err != nil {
			return CasePage{}, badCursor(f.After)
		}
		q.add(` AND (c.opened_at, c.case_number) < ($%d::timestamptz, $%d)`, opened, number)
	}
	if f.Kind != "" {
		q.add(` AND c.kind = $%d`, f.Kind)
	}
	if f.State != "" {
		q.add(` AND c.state = $%d`, f.State)
	} else {
		q.add(` AND c.state <> $%d`, withdrawal.Deleted)
	}
	if f.Open {
		q.add(` AND c.closed_at IS NULL`)
	}
	if !f.From.IsZero() {
		q.add(` AND c.opened_at >= $%d`, f.From.Start())
	}
	if !f.To.IsZero() {
		q.add(` AND c.opened_at < $%d`, f.To.AddDays(1).Start())
	}
	if f.Text != "" {
		q.add(` AND (c.case_number ILIKE $%[1]d OR c.about ILIKE $%[1]d OR w.holder ILIKE $%[1]d)`, part(f.Text))
	}
	q.add(` ORDER BY c.opened_at DESC, c.case_number DESC LIMIT $%d`, limit+1)
	found, err := rows[Case](ctx, r.q(), "cases", q.text.String(), q.args...)
	page := CasePage{Cases: found}
	if len(found) > limit {
		page.Cases = found[:limit]
		last := page.Cases[limit-1]
		page.Next = last.OpenedAt.UTC().Format(time.RFC3339Nano) + "_" + last.Number
	}
	return page, err
}
