package activities

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"time"

	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// Codes sends verification codes. They need no workflow: sending is instant, and whoever asks for a code uses it.
type Codes struct{ DB *sqlx.DB }

// SendCodeInput asks for a code.
type SendCodeInput struct {
	Person string
	Scene  string // what it is for: verification.Withdrawal
	Target string // what it is about: the partner whose money leaves
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
		if list := judgeCode(p, known, in); len(list) > 0 {
			return list
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
		body := fmt.Sprintf("验证码 %s，用于伙伴 %s 提现。\nVerification code %s for a withdrawal of partner %s.\n\n有效期至 valid until %s。\n",
			code, in.Target, code, in.Target, sent.ExpiresAt.Format(time.RFC3339))
		_, err = tx.ExecContext(ctx, `
			INSERT INTO outbox (key, person_id, subject, body, secret, written_at, next_at) VALUES ($1, $2, $3, $4, true, $5, $5)`,
			fmt.Sprintf("code/%d", id), in.Person, "验证码 / Verification code", body, in.At)
		return err
	})
	return sent, Final(err)
}

func judgeCode(p *person.Person, partnerKnown bool, in SendCodeInput) refusal.List {
	switch {
	case p == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+in.Person, "There is no person %q; speak as somebody who is registered.", in.Person)}
	case in.Scene != verification.Withdrawal:
		return refusal.List{refusal.New("COM-08", "CBC.0100", "scene", "There is no scene %q; a code is sent for: %s.", in.Scene, verification.Withdrawal)}
	case !partnerKnown:
		return refusal.List{refusal.New("COM-17", "CBC.5001", "partner "+in.Target, "There is no partner %q; check the partner's number.", in.Target)}
	case !withdrawal.MayAct(*p, in.Target):
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+in.Person, "%s may not withdraw for partner %s; ask the partner's administrator for the permission.", p.Name, in.Target)}
	}
	return nil
}
