package activities

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/refusal"
	"countersign/internal/codec"
	"countersign/internal/password"
	"countersign/internal/totp"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
)

// Accounts is what signing in knows beside passwords: second factors, identity providers, accounts of the vendor's people.
type Accounts struct {
	DB   *sqlx.DB
	Keys *codec.Codec // seals the secrets of authenticators
}

// recoveryCodes is how many there are, of how many signs: 80 bits each, so that a plain hash keeps them.
const (
	recoveryCodes = 10
	recoverySigns = 16
)

// Factor is the secret of an authenticator that is not set yet.
type Factor struct {
	Secret []byte // shown to the person
	Sealed []byte // good for this person only; comes back with a code
}

// DrawFactor draws a secret for a person's authenticator. Nothing is kept of it.
func (a *Accounts) DrawFactor(person string) (Factor, error) {
	secret, err := totp.NewSecret()
	if err != nil {
		return Factor{}, fmt.Errorf("draw secret: %w", err)
	}
	sealed, err := a.seal(person, secret)
	return Factor{Secret: secret, Sealed: sealed}, err
}

// personField binds a sealed secret to whose it is: another person's does not open.
const personField = "person"

func (a *Accounts) seal(person string, secret []byte) ([]byte, error) {
	sealed, err := a.Keys.Encode([]*commonpb.Payload{{Metadata: map[string][]byte{personField: []byte(person)}, Data: secret}})
	if err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	return proto.Marshal(sealed[0])
}

// Open is the secret that was sealed for a person.
func (a *Accounts) Open(person string, sealed []byte) ([]byte, error) {
	var p commonpb.Payload
	if err := proto.Unmarshal(sealed, &p); err != nil {
		return nil, fmt.Errorf("read secret of %s: %w", person, err)
	}
	opened, err := a.Keys.Decode([]*commonpb.Payload{&p})
	if err != nil {
		return nil, fmt.Errorf("open secret of %s: %w", person, err)
	}
	if string(opened[0].GetMetadata()[personField]) != person {
		return nil, fmt.Errorf("%w: the secret is not that of %s", errDefect, person)
	}
	return opened[0].GetData(), nil
}

// SetFactorInput sets a second factor, known by the password and by a code of the authenticator.
type SetFactorInput struct {
	Person, Password string
	Sealed           []byte // of DrawFactor
	Code             string
	Network          string // as in SignInInput
	Key              string
	At               time.Time
}

// SetFactor asks for a code at each sign-in by password from now on. The answer is the recovery codes, which are told once and
// kept as hashes; a repeat answers none. Sessions from before are over.
func (a *Accounts) SetFactor(ctx context.Context, in SetFactorInput) ([]string, error) {
	secret, err := a.Open(in.Person, in.Sealed)
	if err != nil {
		return nil, Final(err)
	}
	var codes []string
	err = a.guarded(ctx, setSecondFactor, in, func(tx *sqlx.Tx, at time.Time) (refusal.List, error) {
		step, right := totp.Check(secret, in.Code, at, 0)
		if !right {
			return organisation.JudgeFactor(false), nil
		}
		var hashes pq.ByteaArray
		codes, hashes = drawRecoveryCodes()
		if _, err := tx.ExecContext(ctx, `UPDATE organisation_people SET second_factor = $2, last_step = $3, recovery_codes = $4 WHERE person_id = $1`,
			in.Person, in.Sealed, step, hashes); err != nil {
			return nil, fmt.Errorf("set second factor: %w", err)
		}
		if err := endSessions(ctx, tx, in.Person, at); err != nil { // those that a password was enough for
			return nil, err
		}
		return nil, tellOfFactor(ctx, tx, in, true, at)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// DropFactor lets a person do without the second factor again, known by the password; Sealed and Code are empty.
func (a *Accounts) DropFactor(ctx context.Context, in SetFactorInput) error {
	return a.guarded(ctx, forgetSecondFactor, in, func(tx *sqlx.Tx, at time.Time) (refusal.List, error) {
		if err := forgetFactor(ctx, tx, in.Person); err != nil {
			return nil, err
		}
		return nil, tellOfFactor(ctx, tx, in, false, at)
	})
}

func tellOfFactor(ctx context.Context, tx *sqlx.Tx, in SetFactorInput, on bool, at time.Time) error {
	subject, body := organisation.FactorChanged(on, in.Network, at)
	return tellHolder(ctx, tx, in.Person, "factor/"+in.Key, subject, body, at)
}

// guarded is a command of a person about their own second factor, once the password was right.
func (a *Accounts) guarded(ctx context.Context, action string, in SetFactorInput, f func(tx *sqlx.Tx, at time.Time) (refusal.List, error)) error {
	var d door
	c := organisationCommand{Asked: Asked{By: in.Person, Key: in.Key, At: in.At}, Action: action, Network: in.Network}
	c.Refused = func(tx *sqlx.Tx) error { return d.wrong(ctx, tx, wrongPassword, in.Network, c.At) }
	return accountCommand(ctx, a.DB, &c, in.Person, func(tx *sqlx.Tx) (refusal.List, error) {
		if err := tx.GetContext(ctx, &d, doorSQL+` WHERE person_id = $1 FOR UPDATE OF o`, in.Person); err != nil {
			return nil, fmt.Errorf("read account: %w", err)
		}
		p, err := readAccount(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		d.Right = password.Matches(d.Hash, in.Password)
		if err := d.bind(ctx, tx, in.Network, c.At); err != nil {
			return nil, err
		}
		if list := organisation.JudgeSignIn(organisation.Attempt{Person: p, Right: d.Right, LockedUntil: d.Bound, At: c.At}); len(list) > 0 {
			return list, nil
		}
		return f(tx, c.At)
	})
}

func forgetFactor(ctx context.Context, tx *sqlx.Tx, person string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE organisation_people SET second_factor = NULL, recovery_codes = '{}' WHERE person_id = $1`, person); err != nil {
		return fmt.Errorf("forget second factor: %w", err)
	}
	return nil
}

func drawRecoveryCodes() (codes []string, hashes pq.ByteaArray) {
	for range recoveryCodes {
		code := rand.Text()[:recoverySigns] // base32: 5 bits a sign
		codes = append(codes, strings.ToLower(code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:]))
		hashes = append(hashes, hashOfRecovery(code))
	}
	return codes, hashes
}

// hashOfRecovery is what is kept of a recovery code, however it was typed.
func hashOfRecovery(code string) []byte {
	sum := sha256.Sum256([]byte(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))))
	return sum[:]
}

// EnterCodeInput is the second step of a sign-in.
type EnterCodeInput struct {
	Person  string
	Code    string    // of the authenticator, or a recovery code
	Since   time.Time // when the password was right
	Network string    // as in SignInInput
	At      time.Time
}

// EnterCode lets a person in whose password was right. Wrong codes are counted like wrong passwords; each code is good once.
func (a *Accounts) EnterCode(ctx context.Context, in EnterCodeInput) (SignedIn, error) {
	in.At, in.Since = stored(in.At), stored(in.Since)
	if err := networkMay(ctx, a.DB, in.Network, in.At); err != nil {
		return SignedIn{}, Final(err)
	}
	var came SignedIn
	var d door
	err := judged(ctx, a.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		err := tx.GetContext(ctx, &d, doorSQL+` WHERE person_id = $1 FOR UPDATE OF o`, in.Person)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, unknown("account of person", in.Person)
		}
		if err != nil {
			return nil, fmt.Errorf("read account: %w", err)
		}
		if err := d.bind(ctx, tx, in.Network, in.At); err != nil {
			return nil, err
		}
		attempt := organisation.Attempt{LockedUntil: d.Bound, At: in.At}
		if attempt.Person, err = readAccount(ctx, tx, in.Person); err != nil {
			return nil, err
		}
		if d.SetAt != nil && in.Since.Before(*d.SetAt) { // that password is not the person's any more
			attempt.Person = nil
		}
		event := signIn
		if attempt.Person != nil && d.Bound == nil {
			if event, err = a.rightCode(ctx, tx, &d, in); err != nil {
				return nil, err
			}
		}
		attempt.Right = d.Right
		if list := organisation.JudgeCode(attempt); len(list) > 0 {
			return list, nil
		}
		came, err = d.opens(ctx, tx, event, in.Network, in.At)
		return nil, err
	}, func(tx *sqlx.Tx, list refusal.List) error {
		came.LockedUntil = d.Bound
		err := d.refused(ctx, tx, list, wrongCode, in.Network, in.At)
		came.Locked = d.Locked
		return err
	})
	return came, Final(err)
}

// rightCode looks at a code and spends it.
func (a *Accounts) rightCode(ctx context.Context, tx *sqlx.Tx, d *door, in EnterCodeInput) (event string, err error) {
	if d.Factor == nil { // it was forgotten meanwhile: the password is enough
		d.Right = true
		return signIn, nil
	}
	secret, err := a.Open(in.Person, d.Factor)
	if err != nil {
		return "", err
	}
	step, right := totp.Check(secret, strings.ReplaceAll(in.Code, " ", ""), in.At, d.LastStep)
	if d.Right = right; right {
		_, err = tx.ExecContext(ctx, `UPDATE organisation_people SET last_step = $2 WHERE person_id = $1`, in.Person, step)
		return signIn, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE organisation_people SET recovery_codes = array_remove(recovery_codes, $2) WHERE person_id = $1 AND $2 = ANY (recovery_codes)`,
		in.Person, hashOfRecovery(in.Code))
	if err != nil {
		return "", fmt.Errorf("look for recovery code: %w", err)
	}
	n, err := res.RowsAffected()
	d.Right = n == 1
	return usedRecoveryCode, err
}
