package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/internal/password"

	"github.com/jmoiron/sqlx"
)

// SignInInput is somebody at the door.
type SignInInput struct {
	Account  string
	Password string
	Network  string // where they come from, like 192.0.2.0/24; empty: the command line
	At       time.Time
}

// SignedIn is who came in, and what is open to them.
type SignedIn struct {
	Person      string                    `json:"person"`
	NeedsCode   bool                      `json:"needs_code"`  // the password was right, and nothing opens before the second factor's code
	MustChange  bool                      `json:"must_change"` // nothing opens before the person set a password of their own (ORG-14)
	Pages       []organisation.Permission `json:"pages"`       // of the partner centre
	LockedUntil *time.Time                `json:"-"`           // of a refused sign-in: no password is looked at before
	Locked      bool                      `json:"-"`           // this very try locked the account
}

// SignIn lets a person with an account in (ORG-14): one of a partner, or of the vendor. Wrong passwords are counted: after
// organisation.Tries of them the account is locked, see organisation.LockFor; and they are counted by network, whatever the account.
// Everything is recorded; the password stands nowhere.
func (o *Organisation) SignIn(ctx context.Context, in SignInInput) (SignedIn, error) {
	in.At = stored(in.At)
	if err := networkMay(ctx, o.DB, in.Network, in.At); err != nil {
		return SignedIn{}, Final(err)
	}
	var came SignedIn
	var d door
	err := judged(ctx, o.DB, func(tx *sqlx.Tx) (list refusal.List, err error) {
		if d, list, err = enter(ctx, tx, in); err != nil || len(list) > 0 {
			return list, err
		}
		if d.Factor != nil { // what was wrong before stays counted until the code is right as well
			came = SignedIn{Person: d.Person, NeedsCode: true, Pages: []organisation.Permission{}}
			return nil, writeAccountEvent(ctx, tx, accountEvent{At: in.At, Person: d.Person, Event: rightPassword, Network: in.Network})
		}
		came, err = d.opens(ctx, tx, signIn, in.Network, in.At)
		return nil, err
	}, func(tx *sqlx.Tx, list refusal.List) error {
		came.LockedUntil = d.Bound
		err := d.refused(ctx, tx, list, wrongPassword, in.Network, in.At)
		came.Locked = d.Locked
		return err
	})
	return came, Final(err)
}

// enter judges an account name and a password. Tries of one name are looked at one by one, so that they are counted; names that nobody has
// wait as well, or whoever tries twice at once could tell them by the time.
func enter(ctx context.Context, tx *sqlx.Tx, in SignInInput) (d door, list refusal.List, err error) {
	a := organisation.Attempt{At: in.At}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('sign-in/' || $1, 0))`, in.Account); err != nil {
		return d, nil, fmt.Errorf("wait for other tries: %w", err)
	}
	err = tx.GetContext(ctx, &d, doorSQL+` WHERE account_name = $1 FOR UPDATE OF o`, in.Account)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		password.Spend(in.Password)
		err = nil
	case err == nil:
		d.Right = password.Matches(d.Hash, in.Password)
		if err = d.bind(ctx, tx, in.Network, in.At); err == nil {
			a.Person, err = readAccount(ctx, tx, d.Person)
		}
	}
	if err != nil {
		return d, nil, fmt.Errorf("read account: %w", err)
	}
	a.Right, a.LockedUntil = d.Right, d.Bound
	return d, organisation.JudgeSignIn(a), nil
}

// ChangePasswordInput sets a person's own password, known by the present one.
type ChangePasswordInput struct {
	Account  string
	Old, New string
	Network  string // as in SignInInput
	Key      string
	At       time.Time
}

// ChangePassword replaces a password by the person's own; from then on everything opens (ORG-14).
func (o *Organisation) ChangePassword(ctx context.Context, in ChangePasswordInput) error {
	id, err := o.accountOf(ctx, in.Account)
	if err != nil {
		return Final(err)
	}
	present := SignInInput{Account: in.Account, Password: in.Old, Network: in.Network, At: stored(in.At)}
	if id == "" { // as refused and recorded as any sign-in
		_, err := o.SignIn(ctx, present)
		return err
	}
	hash, err := password.Hash(in.New)
	if err != nil {
		return err
	}
	var d door
	c := organisationCommand{Asked: Asked{By: id, Key: in.Key, At: in.At}, Action: changePassword, Content: in.Account, Network: in.Network}
	c.Refused = func(tx *sqlx.Tx) error { return d.wrong(ctx, tx, wrongPassword, in.Network, c.At) }
	return o.account(ctx, &c, id, func(tx *sqlx.Tx, p organisation.Person) (list refusal.List, err error) {
		if d, list, err = enter(ctx, tx, present); err != nil || len(list) > 0 {
			return list, err
		}
		if list := organisation.JudgePassword(p, in.New, in.New == in.Old); len(list) > 0 {
			return list, nil
		}
		return nil, setPassword(ctx, tx, id, hash, false, c.At)
	})
}

func (o *Organisation) accountOf(ctx context.Context, account string) (string, error) {
	var id string
	err := o.DB.GetContext(ctx, &id, `SELECT person_id FROM organisation_people WHERE account_name = $1`, account)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// setPassword writes a hash; it is valid at once, sessions from before are over, and the account is open for tries again.
func setPassword(ctx context.Context, tx *sqlx.Tx, id, hash string, mustChange bool, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE organisation_people SET password = $2, must_change = $3, password_set_at = $4, wrong_tries = 0, locked_until = NULL, locks = 0 WHERE person_id = $1`,
		id, hash, mustChange, at); err != nil {
		return fmt.Errorf("set password of %s: %w", id, err)
	}
	return nil
}

// ResetPasswordInput gives a person a new initial password.
type ResetPasswordInput struct {
	Person string
	Asked
}

// ResetPassword replaces a person's password by a new initial one, which the administrator hands over and the person must change at
// the next sign-in; the old one is refused from now on (ORG-02). The person is told.
func (o *Organisation) ResetPassword(ctx context.Context, in ResetPasswordInput) (GivenPassword, error) {
	initial, hash, err := drawPassword()
	if err != nil {
		return GivenPassword{}, err
	}
	given := ""
	c := organisationCommand{Asked: in.Asked, Action: "reset password", Content: in}
	if err := o.about(ctx, &c, in.Person, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		if list := organisation.JudgeReset(by, in.By, p); len(list) > 0 {
			return list, nil
		}
		given = initial
		if err := setPassword(ctx, tx, p.ID, hash, true, c.At); err != nil {
			return nil, err
		}
		subject, body := organisation.NewPassword(p.Account, c.At)
		return nil, tellHolder(ctx, tx, p.ID, "reset/"+in.Key, subject, body, c.At)
	}); err != nil {
		return GivenPassword{}, err
	}
	return o.given(ctx, in.Person, in.By, given)
}

// ResetMasterInput resets the master account's own password.
type ResetMasterInput struct {
	Code string // sent by SendCode for the scene verification.Password
	New  string
	Asked
}

// ResetMaster sets a new password of the master account once its holder is verified by a code (ORG-18); it is valid at once. A wrong
// code costs a try.
func (o *Organisation) ResetMaster(ctx context.Context, in ResetMasterInput) error {
	hash, err := password.Hash(in.New)
	if err != nil {
		return err
	}
	var code int64
	var verdict verification.Verdict
	c := organisationCommand{Asked: in.Asked, Action: "reset master password", Content: in.By}
	c.Refused = func(tx *sqlx.Tx) error { return countTry(ctx, tx, code, verdict) }
	return o.about(ctx, &c, in.By, func(tx *sqlx.Tx, _ *organisation.Person, p organisation.Person) (refusal.List, error) {
		list := organisation.JudgeMaster(&p, in.By)
		if len(list) > 0 {
			return list, nil
		}
		var err error
		if code, verdict, err = enteredCode(ctx, tx, in.By, verification.Password, p.Partner, in.Code, c.At); err != nil {
			return nil, err
		}
		if verdict != verification.Right { // ORG-18: no form before the identity is verified
			return refusal.List{refusal.New("ORG-18", "CBC.0151", "person "+p.ID, "The identity is not verified: %s.", verdict.Advice())}, nil
		}
		var present string
		if err := tx.GetContext(ctx, &present, `SELECT password FROM organisation_people WHERE person_id = $1`, p.ID); err != nil {
			return nil, fmt.Errorf("read password: %w", err)
		}
		if list := organisation.JudgePassword(p, in.New, password.Matches(present, in.New)); len(list) > 0 {
			return list, nil
		}
		if err := spendCode(ctx, tx, code, c.At); err != nil {
			return nil, err
		}
		return nil, setPassword(ctx, tx, p.ID, hash, false, c.At)
	})
}
