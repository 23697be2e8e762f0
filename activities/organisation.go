package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/password"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Organisation keeps the people of partners and what they share. Everything is instant: one transaction under the partner's lock,
// once for a request key. Nothing of it goes through Temporal, passwords least of all.
type Organisation struct{ DB *sqlx.DB }

// Asked is who asks for something, when, and under which key: a repeat with the same content does nothing twice (COM-20).
type Asked struct {
	By  string
	Key string
	At  time.Time `json:"-"` // no part of the content: a repeat comes later
}

// organisationCommand is one command about a partner's organisation.
type organisationCommand struct {
	Asked
	Action  string
	Partner string
	Object  string                  // what it is done to; a repeat finds it again
	Content any                     // what is compared with a repeat; no password
	Network string                  // of a command about an account: where it came from; empty: the command line
	Refused func(tx *sqlx.Tx) error // what a refusal costs; nil: nothing
}

var keyMissing = refusal.New("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")

// command runs f, unless an earlier run did, and writes the command down; a refusal is recorded. By is nil when there is no such
// person in any organisation.
func (o *Organisation) command(ctx context.Context, c *organisationCommand, f func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error)) error {
	c.At = stored(c.At)
	text, err := json.Marshal([]any{c.Action, c.By, c.Content})
	if err != nil {
		return err
	}
	digest := sha256.Sum256(text)
	return Final(judged(ctx, o.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		var partner string
		err := tx.GetContext(ctx, &partner, `SELECT partner_id FROM partners WHERE partner_id = $1 FOR NO KEY UPDATE`, c.Partner)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, unknown("partner", c.Partner)
		}
		if err != nil {
			return nil, fmt.Errorf("lock partner %s: %w", c.Partner, err)
		}
		if n := utf8.RuneCountInString(c.Key); n < 1 || n > 64 {
			return refusal.List{keyMissing}, nil
		}
		var first struct {
			Digest []byte `db:"request_digest"`
			Object string `db:"object"`
		}
		err = tx.GetContext(ctx, &first, `SELECT request_digest, object FROM organisation_commands WHERE partner_id = $1 AND request_key = $2`, c.Partner, c.Key)
		switch {
		case err == nil && bytes.Equal(first.Digest, digest[:]):
			c.Object = first.Object
			return nil, nil
		case err == nil:
			return refusal.List{organisationRules["com_20_organisation_key"]}, nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("look for request %s: %w", c.Key, err)
		}
		by, err := readOrganisationPerson(ctx, tx, c.By)
		if err != nil {
			return nil, err
		}
		if list, err := f(tx, by); err != nil || len(list) > 0 {
			return list, err
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO organisation_commands (partner_id, request_key, request_digest, action, object, by_person, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			c.Partner, c.Key, digest[:], c.Action, c.Object, c.By, c.At); err != nil {
			return nil, fmt.Errorf("write command down: %w", err)
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		if _, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("organisation/%s/%s/%s/%s", c.Partner, c.Action, c.Key, c.At.Format(time.RFC3339Nano)), At: c.At, Kind: "organisation", Action: c.Action,
			Person: c.By, Partner: c.Partner, RequestKey: c.Key,
		}, list); err != nil || c.Refused == nil {
			return err
		}
		return c.Refused(tx)
	}))
}

// about is command for one that is done to a person of an organisation; the person is locked.
func (o *Organisation) about(ctx context.Context, c *organisationCommand, id string, f func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error)) error {
	p, err := readOrganisationPerson(ctx, o.DB, id)
	if err == nil && p == nil {
		err = unknown("person", id)
	}
	if err != nil {
		return Final(err)
	}
	c.Partner, c.Object = p.Partner, id
	return o.command(ctx, c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM people WHERE person_id = $1 FOR NO KEY UPDATE`, id); err != nil {
			return nil, fmt.Errorf("lock person %s: %w", id, err)
		}
		p, err := readOrganisationPerson(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		return f(tx, by, *p)
	})
}

// readOrganisationPerson reads a person of an organisation as they are now; nil when there is none.
func readOrganisationPerson(ctx context.Context, q sqlx.QueryerContext, id string) (*organisation.Person, error) {
	var text []byte
	err := sqlx.GetContext(ctx, q, &text, `SELECT to_jsonb(o) FROM organisation_persons o WHERE person_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read person %s: %w", id, err)
	}
	var p organisation.Person
	return &p, json.Unmarshal(text, &p)
}

// known reads what an organisation holds that a person could clash with. The email is locked, so that nobody else takes it meanwhile.
func known(ctx context.Context, tx *sqlx.Tx, partner, account, email, except string) (k organisation.Known, err error) {
	if err := tx.SelectContext(ctx, &k.Custom, `SELECT role_id FROM custom_roles WHERE partner_id = $1 AND deleted_at IS NULL`, partner); err != nil {
		return k, fmt.Errorf("read roles: %w", err)
	}
	if err := tx.GetContext(ctx, &k.AccountTaken, `SELECT EXISTS (SELECT 1 FROM organisation_people WHERE account_name = $1)`, account); err != nil {
		return k, fmt.Errorf("look for account: %w", err)
	}
	if email == "" {
		return k, nil
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('email/' || lower($1)))`, email); err != nil {
		return k, fmt.Errorf("lock email: %w", err)
	}
	if err := tx.GetContext(ctx, &k.EmailOf, emailOfSQL, email, except); err != nil {
		return k, fmt.Errorf("look for email: %w", err)
	}
	return k, nil
}

// An email of a deleted person is free again (ORG-07).
const emailOfSQL = `
	SELECT CASE WHEN EXISTS (SELECT 1 FROM identity_users WHERE lower(email) = lower($1) AND deleted_at IS NULL) THEN 'identity user'
	            WHEN EXISTS (SELECT 1 FROM people p LEFT JOIN organisation_people o USING (person_id)
	                          WHERE lower(p.email) = lower($1) AND p.person_id <> $2 AND p.left_at IS NULL AND coalesce(o.status, '') <> 'DELETED') THEN 'person'
	            ELSE '' END`

// CreatePersonInput is a new person of a partner's organisation.
type CreatePersonInput struct {
	Partner string
	Entry   organisation.Entry
	Asked
}

// GivenPassword is a person with the initial password that the administrator hands over. It is answered once and stands nowhere:
// a repeat of the command has none, and the administrator resets it.
type GivenPassword struct {
	organisation.Person
	Initial string `json:"initial_password,omitempty"`
}

// CreatePerson creates a person with roles (ORG-03 to ORG-07), whose initial password must be changed at the first sign-in (ORG-14).
func (o *Organisation) CreatePerson(ctx context.Context, in CreatePersonInput) (GivenPassword, error) {
	var given GivenPassword
	initial, hash, err := drawPassword()
	if err != nil {
		return given, err
	}
	e := in.Entry
	c := organisationCommand{Asked: in.Asked, Action: "create person", Partner: in.Partner, Content: e}
	if err := o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		k, err := known(ctx, tx, in.Partner, e.Account, e.Email, "")
		if err != nil {
			return nil, err
		}
		if list := organisation.JudgeCreate(by, in.By, in.Partner, e, k); len(list) > 0 {
			return list, nil
		}
		if err := tx.GetContext(ctx, &c.Object, createPersonSQL, e.Name, in.Partner, e.Email, e.Account, e.Mobile, hash, c.At); err != nil {
			return nil, fmt.Errorf("create person: %w", err)
		}
		given.Initial = initial
		return nil, writeRoles(ctx, tx, c.Object, e.Roles)
	}); err != nil {
		return GivenPassword{}, err
	}
	return o.given(ctx, c.Object, in.By, given.Initial)
}

const createPersonSQL = `
	WITH p AS (
		INSERT INTO people (person_id, name, partner_id, email) VALUES (numbered('U', nextval('organisation_numbers')), $1, $2, $3) RETURNING person_id)
	INSERT INTO organisation_people (person_id, account_name, mobile, password, password_set_at, must_change)
	SELECT person_id, $4, $5, $6, $7, true FROM p RETURNING person_id`

func drawPassword() (initial, hash string, err error) {
	if initial, err = password.Initial(); err != nil {
		return "", "", err
	}
	hash, err = password.Hash(initial)
	return initial, hash, err
}

// given answers a person as a command left them: to others than themself with mobile and email masked (PGM-05).
func (o *Organisation) given(ctx context.Context, id, by, initial string) (GivenPassword, error) {
	p, err := readOrganisationPerson(ctx, o.DB, id)
	if err != nil {
		return GivenPassword{}, Final(err)
	}
	if by != id {
		p.Mobile, p.Email = organisation.Masked("mobile", p.Mobile, nil), organisation.Masked("email", p.Email, nil)
	}
	return GivenPassword{Person: *p, Initial: initial}, nil
}

// writeRoles gives a person these roles and no others.
func writeRoles(ctx context.Context, tx *sqlx.Tx, id string, roles []person.Role) error {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM person_roles WHERE person_id = $1 AND role <> ALL ($2)`, id, pq.Array(names)); err != nil {
		return fmt.Errorf("take roles of %s: %w", id, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO person_roles (person_id, role) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`, id, pq.Array(names)); err != nil {
		return fmt.Errorf("give roles to %s: %w", id, err)
	}
	return nil
}

// ChangePersonInput changes a person's data: by themself or by the administrator.
type ChangePersonInput struct {
	Person string
	Change organisation.Change
	Asked
}

// ChangePerson changes name, mobile and email (ORG-02, ORG-15); the account name stays (ORG-03).
func (o *Organisation) ChangePerson(ctx context.Context, in ChangePersonInput) (organisation.Person, error) {
	c := organisationCommand{Asked: in.Asked, Action: "change person", Content: in}
	if err := o.about(ctx, &c, in.Person, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		now := in.Change.Applied(p)
		k, err := known(ctx, tx, p.Partner, p.Account, now.Email, p.ID)
		if err != nil {
			return nil, err
		}
		if now.Email == p.Email {
			k.EmailOf = organisation.Nobody // what stays is not judged anew
		}
		if list := organisation.JudgeChange(by, in.By, p, in.Change, k.EmailOf); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET name = $2, email = $3 WHERE person_id = $1`, p.ID, now.Name, now.Email); err != nil {
			return nil, fmt.Errorf("change person %s: %w", p.ID, err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE organisation_people SET mobile = $2 WHERE person_id = $1`, p.ID, now.Mobile)
		return nil, err
	}); err != nil {
		return organisation.Person{}, err
	}
	given, err := o.given(ctx, in.Person, in.By, "")
	return given.Person, err
}

// SetRolesInput gives a person a new set of roles.
type SetRolesInput struct {
	Person string
	Roles  []person.Role // all of them; what is not named is taken away
	Asked
}

// SetRoles changes a person's roles. Open tasks that the person may decide no more go to whoever may; an account manager director
// who loses the role leaves their account managers without one (ORG-10).
func (o *Organisation) SetRoles(ctx context.Context, in SetRolesInput) (organisation.Person, error) {
	c := organisationCommand{Asked: in.Asked, Action: "set roles", Content: in}
	return o.lessening(ctx, &c, in.Person, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		k, err := known(ctx, tx, p.Partner, p.Account, "", p.ID)
		if err != nil {
			return nil, err
		}
		if list := organisation.JudgeRoles(by, in.By, p, in.Roles, k); len(list) > 0 {
			return list, nil
		}
		return nil, writeRoles(ctx, tx, p.ID, in.Roles)
	})
}

// SetStatusInput disables, enables or deletes an account.
type SetStatusInput struct {
	Person string
	Status organisation.Status
	Asked
}

// SetStatus disables, enables or deletes a person's account; what was asked of them goes to whoever may decide it. A deleted person
// has no roles and stays as a row.
func (o *Organisation) SetStatus(ctx context.Context, in SetStatusInput) (organisation.Person, error) {
	c := organisationCommand{Asked: in.Asked, Action: "set status " + string(in.Status), Content: in}
	return o.lessening(ctx, &c, in.Person, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		if list := organisation.JudgeStatus(by, in.By, p, in.Status); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE organisation_people SET status = $2, director = CASE WHEN $2 = 'DELETED' THEN NULL ELSE director END WHERE person_id = $1`, p.ID, in.Status); err != nil {
			return nil, fmt.Errorf("set status of %s: %w", p.ID, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET active = $2, left_at = CASE WHEN $3 THEN $4::timestamptz END WHERE person_id = $1`,
			p.ID, in.Status == organisation.Active, in.Status == organisation.Deleted, c.At); err != nil {
			return nil, fmt.Errorf("set status of %s: %w", p.ID, err)
		}
		if in.Status == organisation.Deleted {
			return nil, writeRoles(ctx, tx, p.ID, nil)
		}
		return nil, nil
	})
}

// lessening is about for what may leave somebody with less authority than before: their open tasks are handed over afterwards, a
// transaction for each case. A repeat of the command hands over what is left of what was put to the person by name.
func (o *Organisation) lessening(ctx context.Context, c *organisationCommand, id string, f func(*sqlx.Tx, *organisation.Person, organisation.Person) (refusal.List, error)) (organisation.Person, error) {
	var held []string // before
	if err := o.about(ctx, c, id, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		for _, r := range p.Roles {
			held = append(held, string(r))
		}
		return f(tx, by, p)
	}); err != nil {
		return organisation.Person{}, err
	}
	var cases []string
	err := inTx(ctx, o.DB, func(tx *sqlx.Tx) (err error) {
		cases, err = casesAsking(ctx, tx, id, held, c.At)
		return err
	})
	if err == nil {
		err = handOverAll(ctx, o.DB, cases, LeaveInput{By: c.By, At: c.At}, &LeaveReport{})
	}
	if err != nil {
		return organisation.Person{}, Final(err)
	}
	given, err := o.given(ctx, id, c.By, "")
	return given.Person, err
}
