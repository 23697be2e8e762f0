package views

import (
	"context"
	"strings"
	"time"

	"countersign/domain/withdrawal"

	"github.com/lib/pq"
)

// mostFound is how many partners a search for cases goes on with.
const mostFound = 20

// AnyCases lists cases of all partners, the newest first; a text is part of a partner's number or name. Each page is read from an
// index: of the partners found, of what is open in a state, or of all cases.
func (r Reader) AnyCases(ctx context.Context, f CaseSearch) (CasePage, error) {
	limit := limited(f.Limit)
	where := &query{}
	if f.After != "" {
		opened, number, ok := strings.Cut(f.After, "_")
		if _, err := time.Parse(time.RFC3339Nano, opened); !ok || err != nil {
			return CasePage{}, badCursor(f.After)
		}
		where.add(` AND (c.opened_at, c.case_number) < ($%d::timestamptz, $%d)`, opened, number)
	}
	if f.Kind != "" {
		where.add(` AND c.kind = $%d`, f.Kind)
	}
	if f.State != "" {
		where.add(` AND c.state = $%d`, f.State)
	} else {
		where.add(` AND c.state <> $%d`, withdrawal.Deleted) // WDL-27
	}
	if f.Open {
		where.add(` AND c.closed_at IS NULL`)
	}
	if !f.From.IsZero() {
		where.add(` AND c.opened_at >= $%d`, f.From.Start())
	}
	if !f.To.IsZero() {
		where.add(` AND c.opened_at < $%d`, f.To.AddDays(1).Start())
	}
	where.add(` ORDER BY c.opened_at DESC, c.case_number DESC LIMIT $%d`, limit+1)
	page := `SELECT case_number FROM cases c WHERE true` + where.text.String()
	if f.Text != "" {
		partners, err := rows[string](ctx, r.q(), "partners", `
			SELECT partner_id FROM partners WHERE partner_id ILIKE $1 OR name ILIKE $1 OR verified_name ILIKE $1 ORDER BY partner_id LIMIT $2`, part(f.Text), mostFound)
		if err != nil || len(partners) == 0 {
			return CasePage{Cases: []Case{}}, err
		}
		q := &query{args: where.args}
		q.add(`SELECT n.case_number FROM unnest($%d::text[]) AS p(id), LATERAL (`, pq.Array(partners))
		page = q.text.String() + `SELECT case_number FROM cases c WHERE c.partner_id = p.id` + where.text.String() + `) n`
		where.args = q.args
	}
	q := &query{args: where.args}
	q.add(caseSQL+` WHERE c.case_number IN (`+page+`) ORDER BY c.opened_at DESC, c.case_number DESC LIMIT $%d`, limit+1)
	found, err := rows[Case](ctx, r.q(), "cases", q.text.String(), q.args...)
	out := CasePage{Cases: found}
	if len(found) > limit {
		out.Cases = found[:limit]
		last := out.Cases[limit-1]
		out.Next = last.OpenedAt.UTC().Format(time.RFC3339Nano) + "_" + last.Number
	}
	return out, err
}
