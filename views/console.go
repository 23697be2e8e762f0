package views

import (
	"context"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"

	"github.com/lib/pq"
)

// CaseEntry is one posting of a case, on its account's normal side.
type CaseEntry struct {
	Entry    int64          `db:"entry_id" json:"entry"`
	At       time.Time      `db:"at"       json:"at"`
	Memo     string         `db:"memo"     json:"memo"`
	Account  ledger.Account `db:"account"  json:"account"`
	Title    string         `db:"title"    json:"title"`
	Currency money.Currency `db:"currency" json:"currency"`
	Amount   money.Amount   `db:"amount"   json:"amount"`
	First    bool           `db:"first"    json:"-"` // of its entry
}

// CaseEntries lists what a case has moved, in order.
func (r Reader) CaseEntries(ctx context.Context, number string) ([]CaseEntry, error) {
	return rows[CaseEntry](ctx, r.q(), "entries", `
		SELECT e.entry_id, e.at, e.memo, p.account, c.title, a.currency, a.normal * p.amount AS amount,
		       row_number() OVER (PARTITION BY e.entry_id ORDER BY p.amount, p.account) = 1 AS first
		  FROM entries e JOIN postings p USING (entry_id) JOIN accounts a USING (account) JOIN chart c USING (code)
		 WHERE e.case_number = $1 ORDER BY e.entry_id, p.amount, p.account`, number)
}

// Named is a record with the name by which people know it.
type Named struct {
	ID   string `db:"id"   json:"id"`
	Name string `db:"name" json:"name"`
}

// Colleagues lists the vendor's active people, to whom a task may be given.
func (r Reader) Colleagues(ctx context.Context) ([]Named, error) {
	return rows[Named](ctx, r.q(), "people", `
		SELECT person_id AS id, name FROM people WHERE partner_id IS NULL AND active AND EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = people.person_id)
		 ORDER BY name, person_id`)
}

// PeopleOf names everybody who did something in a case, by ID.
func (r Reader) PeopleOf(ctx context.Context, number string) (map[string]string, error) {
	found, err := rows[Named](ctx, r.q(), "people", `
		SELECT person_id AS id, name FROM people WHERE person_id IN (SELECT actor FROM events WHERE case_number = $1 UNION SELECT submitter FROM cases WHERE case_number = $1)`, number)
	return byID(found), err
}

// byID is the names of records by their ID.
func byID(found []Named) map[string]string {
	names := map[string]string{}
	for _, n := range found {
		names[n.ID] = n.Name
	}
	return names
}

// PeopleNames are what people are called, by ID.
func (r Reader) PeopleNames(ctx context.Context, ids []string) (map[string]string, error) {
	found, err := rows[Named](ctx, r.q(), "people", `SELECT person_id AS id, name FROM people WHERE person_id = ANY ($1)`, pq.Array(ids))
	return byID(found), err
}

// PartnerNames are what partners are called, by their number.
func (r Reader) PartnerNames(ctx context.Context, ids []string) (map[string]string, error) {
	found, err := rows[Named](ctx, r.q(), "partners", `SELECT partner_id AS id, name FROM partners WHERE partner_id = ANY ($1)`, pq.Array(ids))
	return byID(found), err
}

// PartnerName is what a partner is called.
func (r Reader) PartnerName(ctx context.Context, id string) (string, error) {
	return row[string](ctx, r.q(), "partner", id, `SELECT name FROM partners WHERE partner_id = $1`, id)
}

// DecidedUnder tells whether a decision was recorded under a key.
func (r Reader) DecidedUnder(ctx context.Context, key string) (bool, error) {
	return row[bool](ctx, r.q(), "decision", key, `SELECT EXISTS (SELECT 1 FROM decisions WHERE key = $1)`, key)
}

// SavedView is a filter of the inbox that somebody keeps under a name.
type SavedView struct {
	Name  string `db:"name"  json:"name"`
	Query string `db:"query" json:"query"` // as in the inbox's address
}

// SavedViews lists those of a person by name.
func (r Reader) SavedViews(ctx context.Context, personID string) ([]SavedView, error) {
	return rows[SavedView](ctx, r.q(), "saved views", `SELECT name, query FROM saved_views WHERE person_id = $1 ORDER BY name`, personID)
}

// Person reads somebody with the roles they hold now.
func (r Reader) Person(ctx context.Context, id string) (person.Person, error) {
	p, err := row[personRow](ctx, r.q(), "person", id, `
		SELECT p.person_id, p.name, coalesce(p.partner_id, '') AS partner_id, p.email, p.active,
		       ARRAY(SELECT role FROM person_roles r WHERE r.person_id = p.person_id ORDER BY role) AS roles
		  FROM people p WHERE p.person_id = $1`, id)
	return p.person(), err
}
