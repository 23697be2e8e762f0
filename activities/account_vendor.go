package activities

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// What an account can be relieved of, when the person lost it.
const (
	forgetSecondFactor = "forget second factor"
	forgetIdentity     = "forget identity"
)

// GiveAccountInput gives a person an account, or one of the vendor's a new initial password.
type GiveAccountInput struct {
	Person  string
	Account string // name to sign in with; empty: the present one, at first the person's ID
	Asked
}

// GivenAccount is an account with the initial password that is handed over: it is answered once and stands nowhere.
type GivenAccount struct {
	Person  string `json:"person"`
	Account string `json:"account_name"`
	Initial string `json:"initial_password,omitempty"`
}

// Give gives a person an account with an initial password, which must be changed at the first sign-in (ORG-14);
// until then the person holds no role in any process. Who has an account gets a new initial password, the old one is refused from now on,
// and the person is told (ORG-02). A repeat of the command answers no password.
func (a *Accounts) Give(ctx context.Context, in GiveAccountInput) (GivenAccount, error) {
	initial, hash, err := drawPassword()
	if err != nil {
		return GivenAccount{}, err
	}
	given := GivenAccount{Person: in.Person}
	c := organisationCommand{Asked: in.Asked, Action: giveAccount}
	err = accountCommand(ctx, a.DB, &c, in.Person, func(tx *sqlx.Tx) (refusal.List, error) {
		by, p, err := pair(ctx, tx, in.By, in.Person)
		if err != nil {
			return nil, err
		}
		present, err := readAccount(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		set := present != nil && present.PasswordSetAt != nil
		if list := organisation.JudgeAccount(by, in.By, p, in.Person, set); len(list) > 0 {
			return list, nil
		}
		if present == nil {
			present = &organisation.Person{Account: cmp.Or(in.Account, in.Person)}
			if _, err := tx.ExecContext(ctx, `INSERT INTO organisation_people (person_id, account_name) VALUES ($1, $2)`, in.Person, present.Account); err != nil {
				return nil, fmt.Errorf("give account: %w", err)
			}
		}
		if given.Account = present.Account; in.Account != "" && in.Account != given.Account {
			return refusal.List{organisationRules["org_03_name_fixed"]}, nil
		}
		if err := setPassword(ctx, tx, in.Person, hash, true, c.At); err != nil {
			return nil, err
		}
		given.Initial = initial
		if !set {
			return nil, nil
		}
		subject, body := organisation.NewPassword(given.Account, c.At)
		return nil, tellHolder(ctx, tx, in.Person, "reset/"+in.By+"/"+in.Key, subject, body, c.At)
	})
	if err != nil {
		return GivenAccount{}, err
	}
	return given, nil
}

// pair reads who acts, and on whom; nil who there is not.
func pair(ctx context.Context, tx *sqlx.Tx, by, on string) (actor, p *person.Person, err error) {
	if actor, err = findPerson(ctx, tx, by); err != nil {
		return nil, nil, err
	}
	p, err = findPerson(ctx, tx, on)
	return actor, p, err
}

// ForgetInput relieves an account of what the person lost.
type ForgetInput struct {
	Person   string
	Identity bool // the identity provider's; otherwise the second factor
	Asked
}

// Forget lets a person whose authenticator is lost sign in by password alone, or somebody whose identity at the provider
// was replaced sign in by the new one. Whoever is signed in as the person is signed out.
func (a *Accounts) Forget(ctx context.Context, in ForgetInput) error {
	c := organisationCommand{Asked: in.Asked, Action: forgetSecondFactor}
	if in.Identity {
		c.Action = forgetIdentity
	}
	return accountCommand(ctx, a.DB, &c, in.Person, func(tx *sqlx.Tx) (refusal.List, error) {
		by, p, err := pair(ctx, tx, in.By, in.Person)
		if err != nil {
			return nil, err
		}
		if list := organisation.JudgeForget(by, in.By, p, in.Person); len(list) > 0 {
			return list, nil
		}
		if in.Identity {
			if _, err := tx.ExecContext(ctx, `DELETE FROM account_identities WHERE person_id = $1`, in.Person); err != nil {
				return nil, fmt.Errorf("forget identity: %w", err)
			}
		} else if err := forgetFactor(ctx, tx, in.Person); err != nil {
			return nil, err
		}
		return nil, endSessions(ctx, tx, in.Person, c.At)
	})
}

// endSessions ends those that began before an instant.
func endSessions(ctx context.Context, tx *sqlx.Tx, person string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE people SET signed_out_at = greatest(signed_out_at, $2) WHERE person_id = $1`, person, at); err != nil {
		return fmt.Errorf("end sessions of %s: %w", person, err)
	}
	return nil
}

// SignOutInput ends one session, or all of a person's.
type SignOutInput struct {
	Person     string
	Everywhere bool
	Network    string // as in SignInInput
	At         time.Time
}

// SignOut writes down that somebody signed out; everywhere, it ends every session that began before.
func (a *Accounts) SignOut(ctx context.Context, in SignOutInput) error {
	in.At = stored(in.At)
	return Final(inTx(ctx, a.DB, func(tx *sqlx.Tx) error {
		event := signOut
		if in.Everywhere {
			event = signOutAll
			if err := endSessions(ctx, tx, in.Person, in.At); err != nil {
				return err
			}
		}
		return writeAccountEvent(ctx, tx, accountEvent{At: in.At, Person: in.Person, Event: event, Network: in.Network})
	}))
}

// Identity is somebody whom an identity provider vouches for.
type Identity struct {
	Issuer, Subject string
	Email           string
	Verified        bool   // the provider says that the email is the person's
	Network         string // as in SignInInput
	At              time.Time
}

// SignInByIdentity lets in one of the vendor's people. At first they are found by a verified email that nobody else of the vendor has;
// from then on by the provider's identity alone, so that an email that changes hands opens nothing.
func (a *Accounts) SignInByIdentity(ctx context.Context, in Identity) (SignedIn, error) {
	in.At = stored(in.At)
	var came SignedIn
	err := judged(ctx, a.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		p, err := a.identified(ctx, tx, in)
		if err != nil {
			return nil, err
		}
		if list := organisation.JudgeIdentity(p); len(list) > 0 {
			return list, nil
		}
		came = SignedIn{Person: p.ID, Pages: []organisation.Permission{}}
		return nil, writeAccountEvent(ctx, tx, accountEvent{At: in.At, Person: p.ID, Event: signInByIdentity, Network: in.Network})
	}, func(tx *sqlx.Tx, list refusal.List) error {
		if _, err := recordRefusal(ctx, tx, refusedRequest{
			Key: "organisation/sign-in/identity/" + in.At.Format(time.RFC3339Nano), At: in.At, Kind: "organisation", Action: signInByIdentity, Person: "nobody",
		}, list); err != nil {
			return err
		}
		return writeAccountEvent(ctx, tx, accountEvent{At: in.At, Event: unknownIdentity, Failed: true, Network: in.Network})
	})
	return came, Final(err)
}

// identified finds whom an identity is of, and remembers it; nil: nobody.
func (a *Accounts) identified(ctx context.Context, tx *sqlx.Tx, in Identity) (*person.Person, error) {
	var id string
	err := tx.GetContext(ctx, &id, `SELECT person_id FROM account_identities WHERE issuer = $1 AND subject = $2`, in.Issuer, in.Subject)
	if err == nil {
		return findPerson(ctx, tx, id)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("look for identity: %w", err)
	}
	if !in.Verified || in.Email == "" {
		return nil, nil
	}
	var known []string
	if err := tx.SelectContext(ctx, &known, `SELECT person_id FROM people WHERE lower(email) = lower($1) AND partner_id IS NULL AND active`, in.Email); err != nil {
		return nil, fmt.Errorf("look for email: %w", err)
	}
	if len(known) != 1 {
		return nil, nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO account_identities (issuer, subject, person_id, linked_at) VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, subject) DO NOTHING`,
		in.Issuer, in.Subject, known[0], in.At); err != nil {
		return nil, fmt.Errorf("remember identity: %w", err)
	}
	return findPerson(ctx, tx, known[0])
}
