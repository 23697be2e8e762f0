// Package verification is one-time codes: for one person, scene and target, used once, within minutes, with few tries (WDL-15, WDR-10).
package verification

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"countersign/domain/calendar"
)

// Withdrawal is the scene of a withdrawal's submission; its target is the partner whose money leaves.
const Withdrawal = "withdrawal"

// Password is the scene of a reset of the master account's own password; its target is the partner (ORG-18).
const Password = "account-password"

// The scenes of a quick registration: its master account is verified by email and by mobile; the target is the partner (TIER-09).
const (
	RegistrationEmail  = "registration-email"
	RegistrationMobile = "registration-mobile" // the code goes to the number as a text message
)

// Within Window no more than MostUnused codes that served nothing are sent to one person for one scene and target: each brings new
// tries, and without end to them a code of six digits is found by trying.
const (
	Window     = time.Hour
	MostUnused = 10
)

// Code is the newest code of one person, scene and target. What was sent is known only by its hash.
type Code struct {
	Salt      []byte     `db:"salt"`
	Hash      []byte     `db:"hash"`
	ExpiresAt time.Time  `db:"expires_at"` // the closing instant: out
	TriesLeft int        `db:"tries_left"`
	UsedAt    *time.Time `db:"used_at"`
}

// Verdict is how an entered code fares.
type Verdict string

// The verdicts. Only Wrong costs a try; only an accepted request spends a Right code.
const (
	Right     Verdict = "right"
	Missing   Verdict = "missing"   // none was entered
	NotSent   Verdict = "not sent"  // none was sent for this person, scene and target
	Used      Verdict = "used"      // it served another request
	Expired   Verdict = "expired"   // its time is over
	Exhausted Verdict = "exhausted" // too many wrong tries
	Wrong     Verdict = "wrong"
)

// Hash is what is stored of a code.
func Hash(salt []byte, code string) []byte {
	h := sha256.Sum256(append(append([]byte{}, salt...), code...))
	return h[:]
}

// Check judges what a person entered at an instant; sent is nil when no code was ever sent.
func Check(sent *Code, entered string, at time.Time) Verdict {
	switch {
	case entered == "":
		return Missing
	case sent == nil:
		return NotSent
	case sent.UsedAt != nil:
		return Used
	case calendar.Late(at, sent.ExpiresAt): // half-open: the closing instant is out (PGM-02)
		return Expired
	case sent.TriesLeft <= 0:
		return Exhausted
	case subtle.ConstantTimeCompare(Hash(sent.Salt, entered), sent.Hash) != 1:
		return Wrong
	}
	return Right
}

// Advice is what to do about a verdict, as the end of a sentence.
func (v Verdict) Advice() string {
	switch v {
	case Missing, "": // the zero verdict: nothing was looked at
		return "the verification code is missing; ask for one and enter it"
	case NotSent:
		return "no verification code was sent to this person for this; ask for one"
	case Used:
		return "the verification code was already used; ask for a new one"
	case Expired:
		return "the verification code has expired; ask for a new one"
	case Exhausted:
		return "the verification code was tried too often; ask for a new one"
	case Wrong:
		return "the verification code is wrong; check it and try again"
	case Right:
	}
	return ""
}
