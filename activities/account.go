package activities

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"countersign/domain/organisation"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// What happens to accounts, as account_events has it.
const (
	signIn           = "sign in"
	rightPassword    = "right password" // a code is asked for
	wrongPassword    = "wrong password"
	wrongCode        = "wrong code"
	unknownAccount   = "unknown account"
	lockedAccount    = "locked"
	inactiveAccount  = "not active"
	changePassword   = "change password"
	giveAccount      = "give account"
	setSecondFactor  = "set second factor"
	usedRecoveryCode = "use recovery code"
	signOut          = "sign out"
	signOutAll       = "sign out everywhere"
	signInByIdentity = "sign in by identity"
	unknownIdentity  = "unknown identity"
)

// accountEvent is one line of an account's history.
type accountEvent struct {
	At      time.Time
	Person  string // empty: nobody has what was entered
	Event   string
	Failed  bool   // somebody tried and did not get in
	By      string // who did it to the account; empty: whoever signed in, or tried to
	Network string // empty: the command line
	Key     string // of the request, where a repeat must be recognised
}

func writeAccountEvent(ctx context.Context, tx sqlx.ExecerContext, e accountEvent) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO account_events (at, person_id, event, failed, by_person, network, request_key)
		VALUES ($1, nullif($2, ''), $3, $4, nullif($5, ''), nullif($6, '')::inet, nullif($7, ''))`,
		e.At, e.Person, e.Event, e.Failed, e.By, e.Network, e.Key); err != nil {
		return fmt.Errorf("write down %s: %w", e.Event, err)
	}
	return nil
}

// networkMay refuses a network from which too many sign-ins failed; the command line has none. What it refuses is not written
// down: the lines it counted are.
func networkMay(ctx context.Context, db *sqlx.DB, network string, at time.Time) error {
	if network == "" {
		return nil
	}
	var failed int
	if err := db.GetContext(ctx, &failed, `SELECT count(*) FROM account_events WHERE network = $1::inet AND failed AND at > $2`,
		network, at.Add(-organisation.NetworkWindow)); err != nil {
		return fmt.Errorf("count failed sign-ins: %w", err)
	}
	return organisation.JudgeNetwork(failed).Err()
}

// readAccount reads who has an account, of a partner or of the vendor; nil when they have none.
func readAccount(ctx context.Context, q sqlx.QueryerContext, id string) (*organisation.Person, error) {
	if p, err := readOrganisationPerson(ctx, q, id); p != nil || err != nil {
		return p, err
	}
	var text []byte
	err := sqlx.GetContext(ctx, q, &text, `
		SELECT to_jsonb(a) FROM (
			SELECT person_id, p.name, p.email, p.active, p.language, p.time_zone, o.account_name, o.mobile, o.status, o.must_change, o.password_set_at
			  FROM organisation_people o JOIN people p USING (person_id) WHERE p.partner_id IS NULL AND person_id = $1) a`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read account of %s: %w", id, err)
	}
	var p organisation.Person
	return &p, json.Unmarshal(text, &p)
}

// door is an account as sign-ins see it.
type door struct {
	Person      string     `db:"person_id"`
	Partner     string     `db:"partner_id"` // empty: the vendor's
	Hash        string     `db:"password"`
	SetAt       *time.Time `db:"password_set_at"`
	LockedUntil *time.Time `db:"locked_until"`
	Locks       int        `db:"locks"`
	Factor      []byte     `db:"second_factor"` // sealed; nil: a password is enough
	LastStep    int64      `db:"last_step"`

	Right  bool       // what was entered
	Bound  *time.Time // until then no try from there is looked at; nil: it is
	Locked bool       // by this try
}

const doorSQL = `
	SELECT o.person_id, coalesce(p.partner_id, '') AS partner_id, o.password, o.password_set_at, o.locked_until, o.locks, o.second_factor, o.last_step
	  FROM organisation_people o JOIN people p USING (person_id)`

// lock is until when the account is locked; nil: it is not.
func (d door) lock(at time.Time) *time.Time {
	if d.LockedUntil != nil && at.Before(*d.LockedUntil) {
		return d.LockedUntil
	}
	return nil
}

// bind says whether the lock binds a network: not one from which the person came in lately and from where no more wrong tries followed than
// an account is allowed. Or whoever knows a name could keep its person out.
func (d *door) bind(ctx context.Context, tx *sqlx.Tx, network string, at time.Time) error {
	if d.Bound = d.lock(at); d.Bound == nil || network == "" {
		return nil
	}
	var tries int
	err := tx.GetContext(ctx, &tries, `
		WITH came AS (
			SELECT max(event_id) AS last FROM account_events
			 WHERE person_id = $1 AND network = $2::inet AND NOT failed AND event = ANY ($3) AND at > $4)
		SELECT count(e.event_id) FROM came LEFT JOIN account_events e ON e.person_id = $1 AND e.network = $2::inet AND e.failed AND e.event_id > last
		HAVING max(last) IS NOT NULL`,
		d.Person, network, pq.Array([]string{signIn, usedRecoveryCode, signInByIdentity}), at.Add(-organisation.KnownNetwork))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("count tries of a known network: %w", err)
	}
	if tries < organisation.Tries {
		d.Bound = nil
	}
	return nil
}

// opens lets the person in: what was tried before is forgotten, but for a lock that others caused and that binds them.
func (d door) opens(ctx context.Context, tx *sqlx.Tx, event, network string, at time.Time) (SignedIn, error) {
	if _, err := tx.ExecContext(ctx, `
		UPDATE organisation_people SET wrong_tries = 0, locked_until = NULL, locks = 0
		 WHERE person_id = $1 AND (wrong_tries > 0 OR locked_until IS NOT NULL OR locks > 0) AND (locked_until IS NULL OR locked_until <= $2)`, d.Person, at); err != nil {
		return SignedIn{}, fmt.Errorf("open account: %w", err)
	}
	p, err := readAccount(ctx, tx, d.Person)
	if err != nil {
		return SignedIn{}, err
	}
	came := SignedIn{Person: p.ID, MustChange: p.MustChange, Pages: []organisation.Permission{}}
	if !p.MustChange { // ORG-14
		came.Pages = append(came.Pages, p.Permissions()...)
	}
	return came, writeAccountEvent(ctx, tx, accountEvent{At: at, Person: d.Person, Event: event, Network: network})
}

// refused records that somebody was not let in, and what it costs.
func (d *door) refused(ctx context.Context, tx *sqlx.Tx, list refusal.List, event, network string, at time.Time) error {
	who := cmp.Or(d.Person, "nobody") // what was entered may be a password in the wrong place
	if _, err := recordRefusal(ctx, tx, refusedRequest{
		Key: fmt.Sprintf("organisation/sign-in/%s/%s", who, at.Format(time.RFC3339Nano)), At: at, Kind: "organisation", Action: signIn, Person: who, Partner: d.Partner,
	}, list); err != nil {
		return err
	}
	switch {
	case d.Person == "":
		event = unknownAccount
	case d.Bound != nil:
		event = lockedAccount
	case d.Right:
		event = inactiveAccount
	default:
		return d.wrong(ctx, tx, event, network, at)
	}
	return writeAccountEvent(ctx, tx, accountEvent{At: at, Person: d.Person, Event: event, Failed: true, Network: network})
}

// wrong writes down a wrong password or code, unless none was looked at, and counts it, unless the account is locked. Each lock is longer
// than the one before, and its person is told: whoever tries is not.
func (d *door) wrong(ctx context.Context, tx *sqlx.Tx, event, network string, at time.Time) error {
	if d.Person == "" || d.Right || d.Bound != nil {
		return nil
	}
	if d.lock(at) == nil {
		if err := d.tried(ctx, tx, network, at); err != nil {
			return err
		}
	}
	return writeAccountEvent(ctx, tx, accountEvent{At: at, Person: d.Person, Event: event, Failed: true, Network: network})
}

// tried counts a wrong try, and locks the account when it is one too many.
func (d *door) tried(ctx context.Context, tx *sqlx.Tx, network string, at time.Time) error {
	var now struct {
		Account string     `db:"account_name"`
		Until   *time.Time `db:"locked_until"`
	}
	if err := tx.GetContext(ctx, &now, `
		UPDATE organisation_people
		   SET wrong_tries = CASE WHEN wrong_tries + 1 >= $2 THEN 0 ELSE wrong_tries + 1 END,
		       locked_until = CASE WHEN wrong_tries + 1 >= $2 THEN $3::timestamptz END,
		       locks = locks + (wrong_tries + 1 >= $2)::int
		 WHERE person_id = $1 RETURNING account_name, locked_until`, d.Person, organisation.Tries, at.Add(organisation.LockFor(d.Locks))); err != nil {
		return fmt.Errorf("count try: %w", err)
	}
	if d.Locked = now.Until != nil; d.Locked {
		subject, body := organisation.LockedOut(now.Account, network, at, *now.Until)
		return tellHolder(ctx, tx, d.Person, "locked/"+at.Format(time.RFC3339Nano), subject, body, at)
	}
	return nil
}

// tellHolder writes to a person about their account, once for what it is about.
func tellHolder(ctx context.Context, tx *sqlx.Tx, person, about, subject, body string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key) DO NOTHING`,
		"organisation/"+person+"/"+about, person, subject, body, at); err != nil {
		return fmt.Errorf("tell %s: %w", person, err)
	}
	return nil
}

// account is a command about the account of a person, of a partner or of the vendor, done once for a request key and written down in the
// account's history.
func (o *Organisation) account(ctx context.Context, c *organisationCommand, id string, f func(tx *sqlx.Tx, p organisation.Person) (refusal.List, error)) error {
	p, err := readAccount(ctx, o.DB, id)
	if err == nil && p == nil {
		err = unknown("account of person", id)
	}
	if err != nil {
		return Final(err)
	}
	if p.Partner != "" {
		return o.about(ctx, c, id, func(tx *sqlx.Tx, _ *organisation.Person, p organisation.Person) (refusal.List, error) {
			if list, err := f(tx, p); err != nil || len(list) > 0 {
				return list, err
			}
			return nil, writeAccountEvent(ctx, tx, accountEvent{At: c.At, Person: id, Event: c.Action, By: c.By, Network: c.Network})
		})
	}
	return accountCommand(ctx, o.DB, c, id, func(tx *sqlx.Tx) (refusal.List, error) {
		p, err := readAccount(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		return f(tx, *p)
	})
}

// accountCommand runs f about a person's account under the person's lock, unless an earlier run with the key did; a refusal is recorded.
func accountCommand(ctx context.Context, db *sqlx.DB, c *organisationCommand, id string, f func(tx *sqlx.Tx) (refusal.List, error)) error {
	c.At = stored(c.At)
	return Final(judged(ctx, db, func(tx *sqlx.Tx) (refusal.List, error) {
		if n := utf8.RuneCountInString(c.Key); n < 1 || n > 64 {
			return refusal.List{keyMissing}, nil
		}
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM people WHERE person_id = $1 FOR NO KEY UPDATE`, id); err != nil {
			return nil, fmt.Errorf("lock person %s: %w", id, err)
		}
		var first struct {
			Person string `db:"person_id"`
			Event  string `db:"event"`
		}
		err := tx.GetContext(ctx, &first, `SELECT person_id, event FROM account_events WHERE by_person = $1 AND request_key = $2`, c.By, c.Key)
		switch {
		case err == nil && first.Person == id && first.Event == c.Action:
			return nil, nil
		case err == nil:
			return refusal.List{organisationRules["com_20_account_key"]}, nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("look for request %s: %w", c.Key, err)
		}
		if list, err := f(tx); err != nil || len(list) > 0 {
			return list, err
		}
		return nil, writeAccountEvent(ctx, tx, accountEvent{At: c.At, Person: id, Event: c.Action, By: c.By, Network: c.Network, Key: c.Key})
	}, func(tx *sqlx.Tx, list refusal.List) error {
		if _, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("account/%s/%s/%s/%s", id, c.Action, c.Key, c.At.Format(time.RFC3339Nano)), At: c.At, Kind: "organisation", Action: c.Action, Person: c.By, RequestKey: c.Key,
		}, list); err != nil || c.Refused == nil {
			return err
		}
		return c.Refused(tx)
	}))
}
