package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/person"

	"github.com/lib/pq"
)

// Holder is the person of a session, as they are now.
type Holder struct {
	person.Person
	Language, Zone string
	Account        string     // name to sign in with; empty: none was given
	MustChange     bool       // the password is the initial one: nothing opens before the person sets their own (ORG-14)
	HasPassword    bool       // otherwise an identity provider lets them in
	SecondFactor   bool       // a code is asked for beside the password
	RecoveryCodes  int        // left
	Since          *time.Time // sessions that began before it are over; nil: none are
}

// SessionHolder reads who has a session; nil when the person may have none any more.
func (r Reader) SessionHolder(ctx context.Context, id string) (*Holder, error) {
	h := Holder{Person: person.Person{ID: id}}
	var roles []string
	err := r.DB.QueryRowxContext(ctx, holderSQL, id).Scan(&h.Name, &h.PartnerID, &h.Email, &h.Active, pq.Array(&roles), &h.Language, &h.Zone,
		&h.Account, &h.MustChange, &h.HasPassword, &h.SecondFactor, &h.RecoveryCodes, &h.Since)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !h.Active {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read person %s: %w", id, err)
	}
	for _, role := range roles {
		h.Roles = append(h.Roles, person.Role(role))
	}
	return &h, nil
}

// With an initial password nobody acts (ORG-14). A partner's account that is disabled makes its person inactive.
const holderSQL = `
	SELECT p.name, coalesce(p.partner_id, ''), p.email, p.active, CASE WHEN o.must_change THEN '{}' ELSE held_roles(p.person_id) END, p.language, p.time_zone,
	       coalesce(o.account_name, ''), coalesce(o.must_change, false), coalesce(o.password, '') <> '', o.second_factor IS NOT NULL,
	       coalesce(cardinality(o.recovery_codes), 0), greatest(o.password_set_at, p.signed_out_at)
	  FROM people p LEFT JOIN organisation_people o USING (person_id) WHERE p.person_id = $1`

// AccountEvent is one line of an account's history.
type AccountEvent struct {
	At      time.Time `json:"at"      db:"at"`
	Event   string    `json:"event"   db:"event"`
	Failed  bool      `json:"failed"  db:"failed"`
	By      string    `json:"by"      db:"by"`      // who did it to the account; empty: whoever signed in, or tried to
	Network string    `json:"network" db:"network"` // as much as is kept of the address; empty: the command line
}

// AccountHistory is what happened to a person's account, the newest first, at most so many lines.
func (r Reader) AccountHistory(ctx context.Context, id string, limit int) ([]AccountEvent, error) {
	if err := r.mustExist(ctx, "person", id, personExistsSQL); err != nil {
		return nil, err
	}
	return rows[AccountEvent](ctx, r.DB, "account history", `
		SELECT at, event, failed, coalesce(by_person, '') AS by, coalesce(network::text, '') AS network
		  FROM account_events WHERE person_id = $1 ORDER BY event_id DESC LIMIT $2`, id, limit)
}
