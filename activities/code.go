package activities

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tier"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// Codes sends verification codes. They need no workflow: sending is instant, and whoever asks for a code uses it.
type Codes struct{ DB *sqlx.DB }

// SendCodeInput asks for a code.
type SendCodeInput struct {
	Person string
	Scene  string // what it is for, see verification
	Target string // what it is about: the partner whose money leaves, or whose master account it is
	At     time.Time
}

// SentCode says to whom a code went and until when it holds.
type SentCode struct {
	Person    string    `json:"person"`
	ExpiresAt time.Time `json:"expires_at"` // the closing instant: out
}

// SendCode makes a code of six digits and puts it into the person's outbox; the one before it no longer counts. Only its
// hash is kept.
func (c *Codes) SendCode(ctx context.Context, in SendCodeInput) (SentCode, error) {
	in.At = stored(in.At)
	sent := SentCode{Person: in.Person}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return sent, fmt.Errorf("draw code: %w", err)
	}
	code, salt := fmt.Sprintf("%06d", n), make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return sent, fmt.Errorf("draw salt: %w", err)
	}
	err = inTx(ctx, c.DB, func(tx *sqlx.Tx) error {
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return err
		}
		var known bool
		if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM partners WHERE partner_id = $1)`, in.Target); err != nil {
			return fmt.Errorf("look for partner: %w", err)
		}
		list := judgeCode(p, known, in)
		if in.Scene == verification.Password {
			who, err := readOrganisationPerson(ctx, tx, in.Person)
			if err != nil {
				return err
			}
			if list = organisation.JudgeMaster(who, in.Person); len(list) == 0 && who.Partner != in.Target {
				list = refusal.List{refusal.New("ORG-18", "CBC.0151", "partner "+in.Target, "%s holds the master account of another partner.", who.Name)}
			}
		}
		mobile := "" // a mail, unless the code is for the mobile
		if registers(in.Scene) {
			who, err := readOrganisationPerson(ctx, tx, in.Person)
			if err != nil {
				return err
			}
			list = tier.JudgeMaster(who, in.Person, in.Target)
			if in.Scene == verification.RegistrationMobile && who != nil {
				if mobile = who.Mobile; mobile == "" {
					list = append(list, refusal.New("TIER-09", "CBC.0100", "person "+in.Person, "The master account has no mobile number to verify; enter one first."))
				}
			}
		}
		if len(list) > 0 {
			return list
		}
		if err := mayHaveAnother(ctx, tx, in); err != nil {
			return err
		}
		policy, err := withdrawalPolicy(ctx, tx, 0)
		if err != nil {
			return err
		}
		if sent.ExpiresAt, err = policy.CodeTerm.Closes(in.At, nil); err != nil {
			return err
		}
		sent.ExpiresAt = stored(sent.ExpiresAt)
		var id int64
		if err := tx.GetContext(ctx, &id, `
			INSERT INTO verification_codes (person_id, scene, target, salt, hash, sent_at, expires_at, tries_left) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			RETURNING code_id`, in.Person, in.Scene, in.Target, salt, verification.Hash(salt, code), in.At, sent.ExpiresAt, policy.CodeTries); err != nil {
			return fmt.Errorf("insert code: %w", err)
		}
		w := sceneWords[in.Scene]
		body := fmt.Sprintf("验证码 %s，用于伙伴 %s %s。\nVerification code %s for %s of partner %s.\n\n有效期至 valid until %s。\n",
			code, in.Target, w.chinese, code, w.english, in.Target, calendar.Shown(sent.ExpiresAt))
		_, err = tx.ExecContext(ctx, `
			INSERT INTO outbox (key, person_id, subject, body, secret, written_at, next_at, mobile) VALUES ($1, $2, $3, $4, true, $5, $5, $6)`,
			fmt.Sprintf("code/%d", id), in.Person, "验证码 / Verification code", body, in.At, mobile)
		return err
	})
	return sent, Final(err)
}

// mayHaveAnother refuses a person who was sent too many codes and used none of them. The lock holds until the code is written, so
// that codes which are asked for at once are counted too.
func mayHaveAnother(ctx context.Context, tx *sqlx.Tx, in SendCodeInput) error {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, fmt.Sprintf("code %q %q %q", in.Person, in.Scene, in.Target)); err != nil {
		return fmt.Errorf("lock codes: %w", err)
	}
	var unused int
	if err := tx.GetContext(ctx, &unused, `
		SELECT count(*) FROM verification_codes WHERE person_id = $1 AND scene = $2 AND target = $3 AND used_at IS NULL AND sent_at > $4`,
		in.Person, in.Scene, in.Target, in.At.Add(-verification.Window)); err != nil {
		return fmt.Errorf("count codes: %w", err)
	}
	if unused < verification.MostUnused {
		return nil
	}
	return refusal.List{refusal.New(sceneWords[in.Scene].rule, "CBC.0151", "person "+in.Person,
		"%d codes were sent within an hour and none of them was used; look for them where messages come, or ask for another one later.", unused)}
}

// sceneWords say what a code is for, and by which rule.
var sceneWords = map[string]struct{ chinese, english, rule string }{
	verification.Withdrawal: {"提现", "a withdrawal", "WDL-15"},
	verification.Password:   {"重置主账号密码", "a new password of the master account", "ORG-18"},

	verification.RegistrationEmail:  {"快速注册（邮箱验证）", "the quick registration of an account, by email,", "TIER-09"},
	verification.RegistrationMobile: {"快速注册（手机验证）", "the quick registration of an account, by mobile,", "TIER-09"},
}

func registers(scene string) bool {
	return scene == verification.RegistrationEmail || scene == verification.RegistrationMobile
}

func judgeCode(p *person.Person, partnerKnown bool, in SendCodeInput) refusal.List {
	switch {
	case p == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+in.Person, "There is no person %q; speak as somebody who is registered.", in.Person)}
	case sceneWords[in.Scene].english == "":
		return refusal.List{refusal.New("COM-08", "CBC.0100", "scene", "There is no scene %q; a code is sent for: %s.", in.Scene, strings.Join(slices.Sorted(maps.Keys(sceneWords)), ", "))}
	case !partnerKnown:
		return refusal.List{refusal.New("COM-17", "CBC.5001", "partner "+in.Target, "There is no partner %q; check the partner's number.", in.Target)}
	case in.Scene == verification.Withdrawal && !withdrawal.MayAct(*p, in.Target):
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+in.Person, "%s may not withdraw for partner %s; ask the partner's administrator for the permission.", p.Name, in.Target)}
	}
	return nil
}

// enteredCode judges what a person entered against the newest code that was sent to them for a scene and target, and locks that
// one; its ID is 0 when none was sent.
func enteredCode(ctx context.Context, tx *sqlx.Tx, person, scene, target, entered string, at time.Time) (int64, verification.Verdict, error) {
	var sent struct {
		ID int64 `db:"code_id"`
		verification.Code
	}
	err := tx.GetContext(ctx, &sent, `
		SELECT code_id, salt, hash, expires_at, tries_left, used_at FROM verification_codes
		 WHERE person_id = $1 AND scene = $2 AND target = $3 ORDER BY code_id DESC LIMIT 1 FOR UPDATE`, person, scene, target)
	switch {
	case err == nil:
		return sent.ID, verification.Check(&sent.Code, entered, at), nil
	case errors.Is(err, sql.ErrNoRows):
		return 0, verification.Check(nil, entered, at), nil
	}
	return 0, "", fmt.Errorf("read verification code: %w", err)
}

// countTry lets a wrong code cost a try.
func countTry(ctx context.Context, tx *sqlx.Tx, id int64, v verification.Verdict) error {
	if v != verification.Wrong {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE verification_codes SET tries_left = tries_left - 1 WHERE code_id = $1 AND tries_left > 0`, id); err != nil {
		return fmt.Errorf("count try: %w", err)
	}
	return nil
}

// spendCode marks a right code as used; the caller holds its lock.
func spendCode(ctx context.Context, tx *sqlx.Tx, id int64, at time.Time) error {
	res, err := tx.ExecContext(ctx, `UPDATE verification_codes SET used_at = $2 WHERE code_id = $1 AND used_at IS NULL`, id, at)
	if err != nil {
		return fmt.Errorf("spend code: %w", err)
	}
	return one(res, fmt.Errorf("%w: code %d is spent", errDefect, id))
}
