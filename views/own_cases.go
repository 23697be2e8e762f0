package views

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
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

// newest reads the numbers and subjects of a partner's newest cases of some kinds that pass a filter: of each kind as many as may be needed, from the
// index, and of all these the newest; 0 is no limit.
func newest(partner string, of []string, limit int, narrow func(*query)) *query {
	q := &query{}
	q.add(`SELECT n.case_number, n.opened_at, n.about FROM unnest($%d::text[]) AS k (kind), LATERAL (
		SELECT c.case_number, c.opened_at, c.about FROM cases c WHERE c.partner_id = $%d AND c.kind = k.kind`, pq.Array(of), partner)
	narrow(q)
	q.add(` ORDER BY c.opened_at DESC, c.case_number DESC LIMIT $%[1]d) n ORDER BY n.opened_at DESC, n.case_number DESC LIMIT $%[1]d`, sql.NullInt64{Int64: int64(limit), Valid: limit > 0})
	return q
}

// in reads more about cases c that the query q numbers, the newest first.
func (q *query) in(cases string) *query {
	all := &query{args: q.args}
	all.text.WriteString(cases + ` WHERE c.case_number = ANY (ARRAY(SELECT case_number FROM (` + q.text.String() + `) found)) ORDER BY c.opened_at DESC, c.case_number DESC`)
	return all
}

// after leaves out what was opened since a case, and that one.
func (q *query) after(number string) {
	if number != "" {
		q.add(` AND (c.opened_at, c.case_number) < ((SELECT opened_at FROM cases WHERE case_number = $%[1]d), $%[1]d)`, number)
	}
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
	narrow, err := f.narrow()
	if err != nil {
		return CasePage{}, err
	}
	limit := limited(f.Limit)
	if f.Text != "" {
		return r.searchedCases(ctx, newest(partner, f.kinds(), searched, narrow), f.Text, limit)
	}
	q := newest(partner, f.kinds(), limit+1, narrow).in(caseSQL)
	found, err := rows[Case](ctx, r.q(), "cases", q.text.String(), q.args...)
	page := CasePage{Cases: found}
	if len(found) > limit {
		page.Cases = found[:limit]
		page.Next = page.Cases[limit-1].place()
	}
	return page, err
}

// searchedCases are those among some cases that have a text. A page ends with the last that it shows, or with the last that it looked at.
func (r Reader) searchedCases(ctx context.Context, among *query, text string, limit int) (CasePage, error) {
	q := &query{args: among.args}
	q.text.WriteString(`WITH looked AS MATERIALIZED (` + among.text.String() + `)`)
	q.add(` (SELECT l.case_number, l.opened_at, false AS edge FROM looked l LEFT JOIN withdrawals w USING (case_number)
		 WHERE l.case_number ILIKE $%[1]d OR l.about ILIKE $%[1]d OR w.holder ILIKE $%[1]d ORDER BY l.opened_at DESC, l.case_number DESC LIMIT $%[2]d)`, part(text), limit+1)
	q.add(` UNION ALL (SELECT case_number, opened_at, true FROM looked ORDER BY opened_at DESC, case_number DESC OFFSET $%d LIMIT 1)`, searched-1)
	type seen struct {
		Case
		Edge bool `db:"edge"`
	}
	found, err := rows[seen](ctx, r.q(), "cases", q.text.String(), q.args...)
	if err != nil {
		return CasePage{}, err
	}
	var page CasePage
	var matches []Case
	for _, c := range found {
		if c.Edge {
			page.Next, page.Searched = c.place(), searched
		} else {
			matches = append(matches, c.Case)
		}
	}
	if len(matches) > limit {
		matches = matches[:limit]
		page.Next, page.Searched = matches[limit-1].place(), 0
	}
	numbers := make([]string, len(matches))
	for i, c := range matches {
		numbers[i] = c.Number
	}
	page.Cases, err = rows[Case](ctx, r.q(), "cases", caseSQL+` WHERE c.case_number = ANY ($1) ORDER BY c.opened_at DESC, c.case_number DESC`, pq.Array(numbers))
	return page, err
}

// kinds are those that are listed.
func (f CaseSearch) kinds() []string {
	of := f.Kinds
	if of == nil {
		for _, k := range kinds.All {
			of = append(of, k.Name)
		}
	}
	if f.Kind != "" {
		of = slices.DeleteFunc(slices.Clone(of), func(k string) bool { return k != f.Kind })
	}
	return of
}

// narrow is what of the filter each case has to pass by itself.
func (f CaseSearch) narrow() (func(*query), error) {
	var opened, number string
	if f.After != "" {
		var err error
		if opened, number, err = placed(f.After); err != nil {
			return nil, err
		}
	}
	return func(q *query) {
		if f.After != "" {
			q.add(` AND (c.opened_at, c.case_number) < ($%d::timestamptz, $%d)`, opened, number)
		}
		if f.State != "" {
			q.add(` AND c.state = $%d`, f.State)
		} else {
			q.add(` AND c.state <> $%d`, withdrawal.Deleted) // WDL-27
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
	}, nil
}

// ReturnedCases lists the open cases of some kinds that wait for their partner: to be corrected, or to be applied for again. What
// is due first comes first.
func (r Reader) ReturnedCases(ctx context.Context, partner string, of []string, limit int) ([]Case, error) {
	return rows[Case](ctx, r.q(), "cases", caseSQL+`
		 WHERE c.partner_id = $1 AND c.closed_at IS NULL AND c.kind = ANY ($2)
		   AND c.state IN ('AWAITING_CHANGES', 'REJECTED', 'PROJECT_REJECTED', 'RELEASE_REJECTED', 'SPECIALIST_REJECTED')
		 ORDER BY c.due_at, c.opened_at, c.case_number LIMIT $3`, partner, pq.Array(of), limit)
}
