package views

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/withdrawal"

	"github.com/lib/pq"
)

// CaseSearch narrows a partner's list of its cases; what is empty does not.
type CaseSearch struct {
	Kind  string
	Kinds []string     // only these; nil: all
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

	Searched int `json:"searched,omitempty"` // a text was looked for among so many only, and Next goes on with older ones; 0: among all
}

// searched is how many cases a look for a text goes through at once.
const searched = 2000

// place is where a list by age goes on after a case.
func (c Case) place() string { return c.OpenedAt.UTC().Format(time.RFC3339Nano) + "_" + c.Number }

// searchEdge finds the last of the cases that one search looks at.
func (r Reader) searchEdge(ctx context.Context, among *query) (Case, error) {
	q := &query{args: slices.Clone(among.args)}
	q.text.WriteString(`SELECT c.opened_at, c.case_number FROM cases c` + among.text.String())
	q.add(` ORDER BY c.opened_at DESC, c.case_number DESC OFFSET $%d LIMIT 1`, searched-1)
	edge, err := rows[Case](ctx, r.q(), "cases", q.text.String(), q.args...)
	if len(edge) == 0 {
		return Case{}, err
	}
	return edge[0], err
}

// CasePage lists a partner's cases. It reads as many rows of the partner's as the page needs, the newest first, however many there are.
func (r Reader) CasePage(ctx context.Context, partner string, f CaseSearch) (CasePage, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return CasePage{}, err
	}
	if f.Text != "" && f.After == "" {
		// Whoever enters a whole number means that case, however old it is.
		found, err := rows[Case](ctx, r.q(), "cases", caseSQL+` WHERE c.case_number = $1 AND c.partner_id = $2 AND c.state <> $3 AND ($4::text[] IS NULL OR c.kind = ANY ($4)) AND $5 IN ('', c.kind) AND $6 IN ('', c.state)
			AND (NOT $7 OR c.closed_at IS NULL)`,
			strings.ToUpper(strings.TrimSpace(f.Text)), partner, withdrawal.Deleted, pq.Array(f.Kinds), f.Kind, f.State, f.Open)
		if err != nil || len(found) > 0 {
			return CasePage{Cases: found}, err
		}
	}
	limit := limited(f.Limit)
	q := &query{}
	q.add(` WHERE c.partner_id = $%d`, partner)
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
	if f.Kinds != nil {
		q.add(` AND c.kind = ANY ($%d)`, pq.Array(f.Kinds))
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
	var edge Case // the last one that a search looks at; without a number it looks at all that are left
	if f.Text != "" {
		var err error
		if edge, err = r.searchEdge(ctx, q); err != nil {
			return CasePage{}, err
		}
		if edge.Number != "" {
			q.add(` AND (c.opened_at, c.case_number) >= ($%d, $%d)`, edge.OpenedAt, edge.Number)
		}
		q.add(` AND (c.case_number ILIKE $%[1]d OR c.about ILIKE $%[1]d OR w.holder ILIKE $%[1]d)`, part(f.Text))
	}
	q.add(` ORDER BY c.opened_at DESC, c.case_number DESC LIMIT $%d`, limit+1)
	found, err := rows[Case](ctx, r.q(), "cases", caseSQL+q.text.String(), q.args...)
	page := CasePage{Cases: found}
	if len(found) > limit {
		page.Cases = found[:limit]
		last := page.Cases[limit-1]
		page.Next = last.place()
	} else if edge.Number != "" {
		page.Next, page.Searched = edge.place(), searched
	}
	return page, err
}

// ReturnedCases lists the open cases of some kinds that wait for their partner: to be corrected, or to be applied for again. What
// is due first comes first.
func (r Reader) ReturnedCases(ctx context.Context, partner string, kinds []string, limit int) ([]Case, error) {
	return rows[Case](ctx, r.q(), "cases", caseSQL+`
		 WHERE c.partner_id = $1 AND c.closed_at IS NULL AND c.kind = ANY ($2)
		   AND c.state IN ('AWAITING_CHANGES', 'REJECTED', 'PROJECT_REJECTED', 'RELEASE_REJECTED', 'SPECIALIST_REJECTED')
		 ORDER BY c.due_at, c.opened_at, c.case_number LIMIT $3`, partner, pq.Array(kinds), limit)
}
