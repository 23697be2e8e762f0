package views

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// look reads several things as of one instant, so that a page does not contradict itself.
type look struct {
	q  sqlx.QueryerContext
	at time.Time // for absences and deadlines
	as string    // as whose people; they are not told who of the vendor's people is there
}

func (r Reader) look(ctx context.Context, at time.Time, f func(look) error) error {
	return r.atOnce(ctx, func(tx *sqlx.Tx) error { return f(look{tx, at, r.as}) })
}

// personRow is a person with roles.
type personRow struct {
	ID        string         `db:"person_id"`
	Name      string         `db:"name"`
	PartnerID string         `db:"partner_id"`
	Email     string         `db:"email"`
	Active    bool           `db:"active"`
	Roles     pq.StringArray `db:"roles"`
}

func (p personRow) person() person.Person {
	out := person.Person{ID: p.ID, Name: p.Name, PartnerID: p.PartnerID, Email: p.Email, Active: p.Active}
	for _, r := range p.Roles {
		out.Roles = append(out.Roles, person.Role(r))
	}
	return out
}

// party reads a person with those for whom they stand in, as a deciding transaction does.
func (l look) party(ctx context.Context, id string) (approval.Party, error) {
	found, err := rows[personRow](ctx, l.q, "people", partySQL, id, l.at)
	if err != nil {
		return approval.Party{}, err
	}
	if len(found) == 0 || found[0].ID != id {
		return approval.Party{}, fmt.Errorf("person %q: %w", id, domain.ErrNotFound)
	}
	party := approval.Party{Person: found[0].person()}
	for _, p := range found[1:] {
		party.StandsInFor = append(party.StandsInFor, p.person())
	}
	return party, nil
}

const partySQL = `
	WITH party AS (SELECT $1 AS person_id UNION SELECT person_id FROM absences WHERE substitute = $1 AND from_at <= $2 AND $2 < to_at)
	SELECT p.person_id, p.name, coalesce(p.partner_id, '') AS partner_id, p.email, p.active,
	       ARRAY(SELECT role FROM person_roles r WHERE r.person_id = p.person_id ORDER BY role) AS roles
	  FROM party JOIN people p USING (person_id) ORDER BY p.person_id <> $1, p.person_id`

// roundKey names one round of one matter of a case.
type roundKey struct {
	Case   string `db:"case_number"`
	Matter string `db:"matter"`
	Round  int    `db:"round"`
}

// pinned is a round as the engine sees it: its plan, and what it has come to.
type pinned struct {
	plan     approval.Plan
	standing approval.Standing
}

// rounds replays what was decided over the plans of these rounds.
func (l look) rounds(ctx context.Context, keys []roundKey) (map[roundKey]pinned, error) {
	cases, matters, numbers := make([]string, len(keys)), make([]string, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		cases[i], matters[i], numbers[i] = k.Case, k.Matter, int64(k.Round)
	}
	type planRow struct {
		roundKey
		Plan []byte `db:"plan"`
	}
	plans, err := rows[planRow](ctx, l.q, "rounds", `
		SELECT DISTINCT case_number, matter, round, plan::text AS plan
		  FROM approvals JOIN unnest($1::text[], $2::text[], $3::int[]) AS k (case_number, matter, round) USING (case_number, matter, round)`,
		pq.Array(cases), pq.Array(matters), pq.Array(numbers))
	if err != nil {
		return nil, err
	}
	said, err := rows[moveRow](ctx, l.q, "decisions", movesSQL, pq.Array(cases), pq.Array(matters), pq.Array(numbers))
	if err != nil {
		return nil, err
	}
	moves := map[roundKey][]approval.Move{}
	for _, d := range said {
		if d.Act.IsMove() {
			moves[d.roundKey] = append(moves[d.roundKey], d.move())
		}
	}
	found := map[roundKey]pinned{}
	for _, p := range plans {
		var round pinned
		if err := json.Unmarshal(p.Plan, &round.plan); err != nil {
			return nil, fmt.Errorf("plan of %s, %s, round %d: %w", p.Case, p.Matter, p.Round, err)
		}
		if round.standing, err = round.plan.Standing(moves[p.roundKey]); err != nil {
			return nil, fmt.Errorf("%s, %s, round %d: %w", p.Case, p.Matter, p.Round, err)
		}
		found[p.roundKey] = round
	}
	return found, nil
}

type moveRow struct {
	roundKey
	Act      approval.Outcome `db:"act"`
	Seat     string           `db:"seat"`
	Person   string           `db:"person"`
	OnBehalf string           `db:"on_behalf"`
	Target   string           `db:"target"`
	Before   bool             `db:"before"`
	Amount   *money.Amount    `db:"amount"`
	Lines    pq.StringArray   `db:"lines"`
}

const movesSQL = `
	SELECT d.case_number, d.matter, d.round, d.act, d.seat, coalesce(d.person_id, '') AS person, coalesce(d.on_behalf, '') AS on_behalf, d.target, d.before, d.amount, d.lines
	  FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::int[]) AS k (case_number, matter, round)) AS k
	  JOIN decisions d USING (case_number, matter, round) ORDER BY d.case_number, d.seq`

func (d moveRow) move() approval.Move {
	m := approval.Move{Act: d.Act, Seat: d.Seat, Person: d.Person, OnBehalf: d.OnBehalf, Amount: d.Amount, Lines: d.Lines, Before: d.Before, To: d.Target}
	if d.Act == approval.Involve {
		m.Who, m.To = approval.Who(d.Target), ""
	}
	return m
}

// Decider is somebody who may decide, or why they may not.
type Decider struct {
	Person   string      `json:"person"`
	Name     string      `json:"name"`
	Role     person.Role `json:"role,omitempty"`      // by which they are asked; empty: by name
	OnBehalf string      `json:"on_behalf,omitempty"` // for whom they stand in
	Reason   string      `json:"reason"`              // in words
}

// deciders lists who of the candidates is there, with those who stand in for the absent. Whom barred names is in the second
// list, with its words for the reason. Where somebody would be asked twice, they act for themselves first, as in the engine.
// A partner's people are not told.
func (l look) deciders(ctx context.Context, who []approval.Who, roles []person.Role, barred map[string]string) (able, not []Decider, err error) {
	if l.as != "" {
		return []Decider{}, []Decider{}, nil
	}
	type row struct {
		Person   string         `db:"person_id"`
		Name     string         `db:"name"`
		OnBehalf string         `db:"on_behalf"`
		Until    *time.Time     `db:"until"`
		Roles    pq.StringArray `db:"roles"`
	}
	found, err := rows[row](ctx, l.q, "deciders", decidersSQL, pq.Array(texts(who)), pq.Array(texts(roles)), l.at)
	able, not = []Decider{}, []Decider{}
	seen := map[string]bool{}
	for _, f := range found {
		if seen[f.Person] {
			continue
		}
		seen[f.Person] = true
		d := Decider{Person: f.Person, Name: f.Name, OnBehalf: f.OnBehalf, Reason: "by name"}
		principal := f.Person
		if f.OnBehalf != "" {
			principal = f.OnBehalf
		}
		if !slices.Contains(who, approval.PersonWho(principal)) {
			for _, w := range who {
				if slices.Contains(f.Roles, string(w.Role())) {
					d.Role = w.Role()
					d.Reason = "role " + string(d.Role)
					break
				}
			}
		}
		if d.OnBehalf != "" {
			d.Reason = fmt.Sprintf("stands in for %s (%s) until %s", d.OnBehalf, d.Reason, clock(*f.Until))
		}
		for _, id := range []string{d.Person, d.OnBehalf} {
			if why, ok := barred[id]; ok && id != "" {
				d.Reason = why
				if id == d.OnBehalf {
					d.Reason = fmt.Sprintf("stands in for %s, who %s", id, why)
				}
				break
			}
		}
		if _, ok := barred[d.Person]; ok {
			not = append(not, d)
		} else if _, ok := barred[d.OnBehalf]; ok && d.OnBehalf != "" {
			not = append(not, d)
		} else {
			able = append(able, d)
		}
	}
	return able, not, err
}

const decidersSQL = `
	SELECT d.person_id, p.name, coalesce(d.on_behalf, '') AS on_behalf,
	       (SELECT max(to_at) FROM absences a WHERE a.person_id = d.on_behalf AND a.substitute = d.person_id AND a.from_at <= $3 AND $3 < a.to_at) AS until,
	       ARRAY(SELECT role FROM person_roles r WHERE r.person_id = coalesce(d.on_behalf, d.person_id)) AS roles
	  FROM deciders($1, $2, $3) d JOIN people p USING (person_id) ORDER BY d.on_behalf NULLS FIRST, d.person_id`

// texts is a list of named strings as plain ones; never nil, which Postgres would read as NULL.
func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// policy reads one version of the policy for withdrawals; 0 is the newest.
func (l look) policy(ctx context.Context, version int) (withdrawal.Policy, error) {
	var p withdrawal.Policy
	type policyRow struct {
		Version int    `db:"version"`
		Body    []byte `db:"body"`
	}
	found, err := row[policyRow](ctx, l.q, "policy", withdrawal.Kind, `
		SELECT version, body FROM policies WHERE kind = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1`, withdrawal.Kind, version)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(found.Body, &p); err != nil {
		return p, fmt.Errorf("policy %s version %d: %w", withdrawal.Kind, found.Version, err)
	}
	p.Version = found.Version
	return p, nil
}

// calendar reads the operator's working days.
func (l look) calendar(ctx context.Context) (*calendar.Calendar, error) {
	years, err := rows[int](ctx, l.q, "calendar", `SELECT year FROM calendar_years ORDER BY year`)
	if err != nil {
		return nil, err
	}
	type dayRow struct {
		Day     calendar.Date `db:"day"`
		Working bool          `db:"working"`
		Name    string        `db:"name"`
	}
	found, err := rows[dayRow](ctx, l.q, "calendar", `SELECT day, working, name FROM calendar_days ORDER BY day`)
	if err != nil {
		return nil, err
	}
	days := make([]calendar.Day, len(found))
	for i, d := range found {
		days[i] = calendar.Day{Date: d.Day, Working: d.Working, Name: d.Name}
	}
	return calendar.New(years, days)
}

// clock is an instant as sentences name it.
func clock(t time.Time) string { return t.In(calendar.Zone).Format("2006-01-02 15:04 -07:00") }
