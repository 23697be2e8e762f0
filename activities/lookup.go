package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// findPerson reads a person with roles, as they are now; nil when there is none.
func findPerson(ctx context.Context, tx sqlx.QueryerContext, id string) (*person.Person, error) {
	p := person.Person{ID: id}
	var roles []string
	err := tx.QueryRowxContext(ctx, personSQL, id).Scan(&p.Name, &p.PartnerID, &p.Email, &p.Active, pq.Array(&roles))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read person %s: %w", id, err)
	}
	for _, r := range roles {
		p.Roles = append(p.Roles, person.Role(r))
	}
	return &p, nil
}

// findParty reads a person with those for whom they stand in at an instant; nil when there is none.
func findParty(ctx context.Context, tx sqlx.QueryerContext, id string, at time.Time) (*approval.Party, error) {
	p, err := findPerson(ctx, tx, id)
	if p == nil || err != nil {
		return nil, err
	}
	party := &approval.Party{Person: *p}
	var absent []string
	if err := sqlx.SelectContext(ctx, tx, &absent, `
		SELECT DISTINCT person_id FROM absences WHERE substitute = $1 AND from_at <= $2 AND $2 < to_at ORDER BY person_id`, id, at); err != nil {
		return nil, fmt.Errorf("read absences: %w", err)
	}
	for _, other := range absent {
		principal, err := findPerson(ctx, tx, other)
		if err != nil {
			return nil, err
		}
		party.StandsInFor = append(party.StandsInFor, *principal)
	}
	return party, nil
}

// A custom role is worth the roles that its permissions stand for (ORG-12); with an initial password nobody acts (ORG-14).
const personSQL = `
	SELECT name, coalesce(partner_id, ''), email, active,
	       CASE WHEN EXISTS (SELECT 1 FROM organisation_people o WHERE o.person_id = p.person_id AND o.must_change) THEN '{}' ELSE held_roles(person_id) END
	  FROM people p WHERE person_id = $1 FOR SHARE OF p`

// newestCalendar is the calendar that was read last, whose version no other calendar has.
var newestCalendar atomic.Pointer[struct {
	version  string
	calendar *calendar.Calendar
}]

// readCalendar reads the operator's working days, or finds that they are as they were.
func readCalendar(ctx context.Context, tx sqlx.QueryerContext) (*calendar.Calendar, error) {
	var version string
	if err := sqlx.GetContext(ctx, tx, &version, `SELECT version FROM calendar_version WHERE one = $1`, true); err != nil {
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	if kept := newestCalendar.Load(); kept != nil && kept.version == version {
		return kept.calendar, nil
	}
	var rows []struct {
		Version string         `db:"version"` // once more: it may have changed meanwhile
		Year    int            `db:"year"`
		Day     *calendar.Date `db:"day"`
		Working *bool          `db:"working"`
		Name    *string        `db:"name"`
	}
	if err := sqlx.SelectContext(ctx, tx, &rows, `
		SELECT version, year, day, working, name FROM calendar_version, calendar_years LEFT JOIN calendar_days USING (year) ORDER BY year, day`); err != nil {
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	var years []int
	var days []calendar.Day
	for _, r := range rows {
		version = r.Version
		if len(years) == 0 || years[len(years)-1] != r.Year {
			years = append(years, r.Year)
		}
		if r.Day != nil {
			days = append(days, calendar.Day{Date: *r.Day, Working: *r.Working, Name: *r.Name})
		}
	}
	c, err := calendar.New(years, days)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDefect, err)
	}
	newestCalendar.Store(&struct {
		version  string
		calendar *calendar.Calendar
	}{version, c})
	return c, nil
}

// policyBody reads one version of the policy of a kind of case; version 0 is the newest.
func policyBody(ctx context.Context, tx sqlx.QueryerContext, kind string, version int) (int, []byte, error) {
	var row struct {
		Version int    `db:"version"`
		Body    []byte `db:"body"`
	}
	err := sqlx.GetContext(ctx, tx, &row,
		`SELECT version, body FROM policies WHERE kind = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1`, kind, version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, fmt.Errorf("policy for %s: %w; load a programme or set one", kind, domain.ErrNotFound)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("read policy: %w", err)
	}
	return row.Version, row.Body, nil
}

// withdrawalPolicy reads one version of the policy for withdrawals; version 0 is the newest.
func withdrawalPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p withdrawal.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, withdrawal.Kind, version, &p)
	return p, err
}
