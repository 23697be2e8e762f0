package views

import (
	"context"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/tier"

	"github.com/lib/pq"
)

// PartnerLine is a partner as the vendor's list shows it.
type PartnerLine struct {
	ID      string    `db:"partner_id" json:"partner"`
	Name    string    `db:"name"       json:"name"`
	Kind    string    `db:"kind"       json:"kind"`
	State   string    `db:"state"      json:"state"`
	Entity  string    `db:"entity"     json:"entity"`
	Manager string    `db:"manager"    json:"ecosystem_manager,omitempty"` // the vendor's person; empty: nobody
	Tier    tier.Tier `db:"tier"       json:"tier,omitempty"`              // empty: no membership
	Open    int64     `db:"open"       json:"open"`                        // cases
}

// PartnerSearch narrows the list of partners; what is empty does not.
type PartnerSearch struct {
	Text  string // part of the number, the name or the verified name
	Kind  string
	State string
	After string // the Next of the page before
	Limit int    // 0: 50; at most 200
}

// PartnerPage is some partners by number.
type PartnerPage struct {
	Partners []PartnerLine `json:"partners"`
	Next     string        `json:"next,omitempty"` // where the next page begins; empty: there is none
}

// Partners lists partners by number, with what is open of each.
func (r Reader) Partners(ctx context.Context, f PartnerSearch, at time.Time) (PartnerPage, error) {
	limit := limited(f.Limit)
	q := &query{}
	q.add(`WITH found AS (SELECT partner_id, name, kind, state, entity, ecosystem_manager FROM partners WHERE partner_id > $%d`, f.After)
	if f.Text != "" {
		q.add(` AND (partner_id ILIKE $%[1]d OR name ILIKE $%[1]d OR verified_name ILIKE $%[1]d)`, part(f.Text))
	}
	if f.Kind != "" {
		q.add(` AND kind = $%d`, f.Kind)
	}
	if f.State != "" {
		q.add(` AND state = $%d`, f.State)
	}
	q.add(` ORDER BY partner_id LIMIT $%d),
		opened AS (SELECT partner_id, count(*) AS open FROM cases WHERE closed_at IS NULL AND partner_id IN (SELECT partner_id FROM found) GROUP BY partner_id)`, limit+1)
	q.add(` SELECT p.partner_id, p.name, p.kind, p.state, p.entity, coalesce(m.name, '') AS manager, coalesce(tier_of(p.partner_id, $%d), '') AS tier, coalesce(o.open, 0) AS open
		  FROM found p LEFT JOIN people m ON m.person_id = p.ecosystem_manager LEFT JOIN opened o ON o.partner_id = p.partner_id ORDER BY p.partner_id`, at)
	found, err := rows[PartnerLine](ctx, r.DB, "partners", q.text.String(), q.args...)
	page := PartnerPage{Partners: found}
	if len(found) > limit {
		page.Partners = found[:limit]
		page.Next = found[limit-1].ID
	}
	return page, err
}

// PartnerRecord is one partner as the vendor looks at it.
type PartnerRecord struct {
	PartnerLine
	Verified string     `db:"verified_name" json:"verified_name,omitempty"`
	Company  string     `db:"company"       json:"company,omitempty"`
	Plans    []PlanSpan `db:"-"             json:"plans"`
}

// PlanSpan is a plan that a partner is or was in.
type PlanSpan struct {
	Plan  string     `db:"plan"     json:"plan"`
	From  time.Time  `db:"from_at"  json:"from"`
	Until *time.Time `db:"until_at" json:"until,omitempty"` // this instant out; nil: it holds
	Holds bool       `db:"holds"    json:"holds"`
}

// Partner reads one partner.
func (r Reader) Partner(ctx context.Context, id string, at time.Time) (PartnerRecord, error) {
	p, err := row[PartnerRecord](ctx, r.DB, "partner", id, `
		SELECT p.partner_id, p.name, p.kind, p.state, p.entity, p.verified_name, coalesce(p.company_id, '') AS company, coalesce(m.name, '') AS manager, coalesce(tier_of(p.partner_id, $2), '') AS tier,
		       (SELECT count(*) FROM cases c WHERE c.partner_id = p.partner_id AND c.closed_at IS NULL) AS open
		  FROM partners p LEFT JOIN people m ON m.person_id = p.ecosystem_manager WHERE p.partner_id = $1`, id, at)
	if err != nil {
		return p, err
	}
	p.Plans, err = rows[PlanSpan](ctx, r.DB, "plans", `
		SELECT plan, from_at, until_at, from_at <= $2 AND (until_at IS NULL OR $2 < until_at) AS holds FROM plan_identities WHERE partner_id = $1 ORDER BY from_at DESC, plan`, id, at)
	return p, err
}

// PartnerPerson is one of a partner's people as the vendor sees them.
type PartnerPerson struct {
	ID      string         `db:"person_id"    json:"person"`
	Name    string         `db:"name"         json:"name"`
	Account string         `db:"account_name" json:"account,omitempty"`
	Mobile  string         `db:"mobile"       json:"mobile,omitempty"`
	Email   string         `db:"email"        json:"email,omitempty"`
	Active  bool           `db:"active"       json:"active"`
	Roles   pq.StringArray `db:"roles"        json:"roles"`
}

// MostShown is how many people and customers of a partner are listed at most.
const MostShown = 200

// PartnerPeople lists a partner's people. Mobile and email are masked, but for columns that were uncovered (COM-09, COM-11).
func (r Reader) PartnerPeople(ctx context.Context, partner string, uncovered []string) ([]PartnerPerson, error) {
	found, err := rows[PartnerPerson](ctx, r.DB, "people", `
		SELECT p.person_id, p.name, coalesce(o.account_name, '') AS account_name, coalesce(o.mobile, '') AS mobile, p.email, p.active,
		       ARRAY(SELECT role FROM person_roles r WHERE r.person_id = p.person_id ORDER BY role) AS roles
		  FROM people p LEFT JOIN organisation_people o USING (person_id) WHERE p.partner_id = $1 ORDER BY p.person_id LIMIT $2`, partner, MostShown)
	for i, p := range found {
		found[i].Mobile, found[i].Email = organisation.Masked("mobile", p.Mobile, uncovered), organisation.Masked("email", p.Email, uncovered)
	}
	return found, err
}

// PartnerCustomers lists a partner's customers. Name and account are masked, but for columns that were uncovered (COM-09, COM-11).
func (r Reader) PartnerCustomers(ctx context.Context, partner string, uncovered []string) ([]ManagedCustomer, error) {
	found, err := rows[ManagedCustomer](ctx, r.DB, "customers", `
		SELECT customer_id, name, account, account_manager FROM customers WHERE partner_id = $1 ORDER BY customer_id LIMIT $2`, partner, MostShown)
	for i, c := range found {
		found[i].Name, found[i].Account = organisation.Masked("name", c.Name, uncovered), organisation.Masked("account", c.Account, uncovered)
	}
	return found, err
}

// CalendarYears lists the years whose holidays are known (ENG-05).
func (r Reader) CalendarYears(ctx context.Context) ([]int, error) {
	return rows[int](ctx, r.DB, "calendar", `SELECT year FROM calendar_years ORDER BY year`)
}

// CalendarDays lists the holidays and make-up workdays of a year.
func (r Reader) CalendarDays(ctx context.Context, year int) ([]calendar.Day, error) {
	type dayRow struct {
		Date    calendar.Date `db:"day"`
		Working bool          `db:"working"`
		Name    string        `db:"name"`
	}
	found, err := rows[dayRow](ctx, r.DB, "calendar", `SELECT day, working, name FROM calendar_days WHERE year = $1 ORDER BY day`, year)
	days := make([]calendar.Day, len(found))
	for i, d := range found {
		days[i] = calendar.Day(d)
	}
	return days, err
}
