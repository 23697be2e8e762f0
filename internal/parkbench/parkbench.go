// Package parkbench lays in the partners, administrators and natural persons of a programme of any size, so that many cases can
// be put to sleep in it.
package parkbench

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Prefix begins the name of everything that is laid in.
const Prefix = "BENCH"

// PerPartner is how many members a partner invites: as many as it may in a day.
const PerPartner = 100

// Partner names the n-th partner, counted from 0, Admin its administrator.
func Partner(n int) string { return fmt.Sprintf("%s-P%05d", Prefix, n) }

// Admin names the administrator of the n-th partner.
func Admin(n int) string { return fmt.Sprintf("%s-U%05d", Prefix, n) }

// Account names the n-th natural person, counted from 0.
func Account(n int) string { return fmt.Sprintf("%s-A%07d", Prefix, n) }

// Occupied names a partner that is not ours; empty: there is none, the programme is ours alone.
func Occupied(ctx context.Context, db *sqlx.DB) (string, error) {
	var other string
	err := db.GetContext(ctx, &other, `SELECT coalesce(min(partner_id), '') FROM partners WHERE partner_id NOT LIKE $1`, Prefix+"-%")
	return other, err
}

// Fill lays in so many partners on the software path, each with an administrator, and so many natural persons. What is there stays.
func Fill(ctx context.Context, db *sqlx.DB, partners, accounts int) error {
	for _, step := range []struct {
		name, sql string
		n         int
	}{
		{"partners", `
			INSERT INTO partners (partner_id, name, kind, verified_name, entity)
			SELECT $1 || '-P' || lpad(n::text, 5, '0'), 'Parked ' || n || ' Ltd', 'solution-provider', 'Parked ' || n || ' Ltd', 'cloud' FROM generate_series(0, $2::int - 1) n
			ON CONFLICT DO NOTHING`, partners},
		{"administrators", `
			INSERT INTO people (person_id, name, partner_id)
			SELECT $1 || '-U' || lpad(n::text, 5, '0'), 'Administrator ' || n, $1 || '-P' || lpad(n::text, 5, '0') FROM generate_series(0, $2::int - 1) n
			ON CONFLICT DO NOTHING`, partners},
		{"their accounts", `
			INSERT INTO organisation_people (person_id, account_name)
			SELECT $1 || '-U' || lpad(n::text, 5, '0'), $1 || '-U' || lpad(n::text, 5, '0') FROM generate_series(0, $2::int - 1) n
			ON CONFLICT DO NOTHING`, partners},
		{"their role", `
			INSERT INTO person_roles (person_id, role)
			SELECT $1 || '-U' || lpad(n::text, 5, '0'), 'partner-administrator' FROM generate_series(0, $2::int - 1) n
			ON CONFLICT DO NOTHING`, partners},
		{"paths", `
			INSERT INTO partner_paths (partner_id, path, stage, from_at)
			SELECT $1 || '-P' || lpad(n::text, 5, '0'), 'SW', 'SELECTED', '2020-01-01T00:00:00Z' FROM generate_series(0, $2::int - 1) n
			ON CONFLICT DO NOTHING`, partners},
		{"natural persons", `
			INSERT INTO personal_accounts (account_id, account_name, name, real_name)
			SELECT $1 || '-A' || lpad(n::text, 7, '0'), 'parked_' || n, 'Person ' || n, 'personal' FROM generate_series(0, $2::int - 1) n
			ON CONFLICT DO NOTHING`, accounts},
	} {
		if _, err := db.ExecContext(ctx, step.sql, Prefix, step.n); err != nil {
			return fmt.Errorf("lay in %s: %w", step.name, err)
		}
	}
	return nil
}
