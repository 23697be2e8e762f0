package views

import (
	"context"
	"slices"

	"countersign/domain/kinds"
	"countersign/domain/withdrawal"

	"github.com/lib/pq"
)

// mostFound is how many partners a search for cases goes on with.
const mostFound = 20

// AnyCases lists cases of all partners, the newest first; a text is part of a partner's number or name. A page is put together from the
// newest cases of each partner found, or of each kind in each state, as far as one needs them: an index has them in this order, so
// that what there is little of is found as fast as what there is much of.
func (r Reader) AnyCases(ctx context.Context, f CaseSearch) (CasePage, error) {
	limit := limited(f.Limit)
	q := &query{}
	q.add(caseSQL + ` WHERE c.case_number IN (SELECT n.case_number FROM `)
	switch {
	case f.Text != "":
		partners, err := rows[string](ctx, r.q(), "partners", `
			SELECT partner_id FROM partners WHERE partner_id ILIKE $1 OR name ILIKE $1 OR verified_name ILIKE $1 ORDER BY partner_id LIMIT $2`, part(f.Text), mostFound)
		if err != nil || len(partners) == 0 {
			return CasePage{Cases: []Case{}}, err
		}
		q.add(`unnest($%d::text[]) AS p (id)`, pq.Array(partners))
		mine := `c.partner_id = p.id`
		if f.Kind != "" || f.State != "" {
			names, _ := f.stages()
			q.add(`, unnest($%d::text[]) AS k (kind)`, pq.Array(slices.Compact(names)))
			mine += ` AND c.kind = k.kind`
		}
		q.add(`, LATERAL (SELECT opened_at, case_number FROM cases c WHERE ` + mine)
		if f.State != "" {
			q.add(` AND c.state = $%d`, f.State)
		} else {
			q.add(` AND c.state <> $%d`, withdrawal.Deleted) // WDL-27
		}
	case f.Kind != "" || f.State != "" || f.Open:
		names, states := f.stages()
		q.add(`unnest($%d::text[], $%d::text[]) AS p (kind, state), LATERAL (SELECT opened_at, case_number FROM cases c WHERE (c.kind, c.state) = (p.kind, p.state)`, pq.Array(names), pq.Array(states))
	default:
		q.add(`(SELECT opened_at, case_number FROM cases c WHERE c.state <> $%d`, withdrawal.Deleted) // WDL-27
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
	if f.After != "" {
		opened, number, err := placed(f.After)
		if err != nil {
			return CasePage{}, err
		}
		q.add(` AND (c.opened_at, c.case_number) < ($%d::timestamptz, $%d)`, opened, number)
	}
	q.add(` ORDER BY c.opened_at DESC, c.case_number DESC LIMIT $%[1]d) n ORDER BY n.opened_at DESC, n.case_number DESC LIMIT $%[1]d) ORDER BY c.opened_at DESC, c.case_number DESC`, limit+1)
	found, err := rows[Case](ctx, r.q(), "cases", q.text.String(), q.args...)
	out := CasePage{Cases: found}
	if len(found) > limit {
		out.Cases = found[:limit]
		out.Next = found[limit-1].place()
	}
	return out, err
}

// stages are the kinds of cases in the states that are looked for, side by side: the moves of each kind lead to all that there are (ENG-03).
func (f CaseSearch) stages() (names, states []string) {
	for _, k := range kinds.All {
		for _, state := range k.States {
			if (f.Kind == "" || f.Kind == k.Name) && (f.State == state || f.State == "" && state != withdrawal.Deleted) { // WDL-27
				names, states = append(names, k.Name), append(states, string(state))
			}
		}
	}
	return names, states
}
