package tier

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/refusal"
	"countersign/domain/verification"
)

// LinkLife is how long the link of a quick registration lives, from the verification (TIER-09).
const LinkLife = 24 * time.Hour

// Link is the secret of a registration's link: 256 random bits.
type Link [32]byte

// String is the link as it is sent.
func (l Link) String() string { return base64.RawURLEncoding.EncodeToString(l[:]) }

// Hash is what is kept of it.
func (l Link) Hash() []byte {
	sum := sha256.Sum256(l[:])
	return sum[:]
}

// ParseLink reads a link as it was sent.
func ParseLink(text string) (l Link, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(text))
	return l, err == nil && copy(l[:], raw) == len(l) && len(raw) == len(l)
}

// LinkVoid is the code of a link that is unknown, used or too old.
const LinkVoid = "PLN_LINK_EXPIRED"

// JudgeMaster checks that somebody holds the master account of a partner, who alone registers another account (TIER-09).
func JudgeMaster(p *organisation.Person, id, partner string) refusal.List {
	if p == nil || !p.Master || !p.Works() || p.Partner != partner {
		return refusal.List{refusal.New("TIER-09", "CBC.0151", "person "+id, "%q does not hold the master account of partner %s; its holder registers another account.", id, partner)}
	}
	return nil
}

// JudgeCodes checks the two codes by which a master account is verified: both have to be right.
func JudgeCodes(email, mobile verification.Verdict) refusal.List {
	var list refusal.List
	wrong := func(object, where string, v verification.Verdict) {
		if v != verification.Right {
			list = append(list, refusal.New("TIER-09", "PRG.SEC.01", object, "The master account is not verified by its %s: %s.", where, v.Advice()))
		}
	}
	wrong("email code", "email", email)
	wrong("mobile code", "mobile", mobile)
	return list
}

// Registration is a link as it is known when it is followed; the zero one is known to nobody.
type Registration struct {
	VerifiedAt time.Time
	ExpiresAt  time.Time // out
	Used       bool
	MobileUsed bool // the number that was entered belongs to an account
	Company    bool // whose account it becomes is known
}

// JudgeRegistration checks that a link is followed in time, once, and with a number that is not used (TIER-09). Who has no good link
// learns no more: not which numbers belong to an account.
func JudgeRegistration(r Registration, at time.Time) refusal.List {
	var list refusal.List
	refuse := func(code, object, sentence string) {
		list = append(list, refusal.New("TIER-09", code, object, "%s", sentence))
	}
	switch {
	case r.ExpiresAt.IsZero():
		refuse(LinkVoid, "link", "This is no registration link; request a new one.")
	case r.Used:
		refuse(LinkVoid, "link", "The registration link was used already; request a new one.")
	case calendar.Late(at, r.ExpiresAt):
		refuse(LinkVoid, "link", "The registration link is older than 24 hours; request a new one.")
	}
	if len(list) > 0 {
		return list
	}
	if r.MobileUsed {
		refuse("PLN_MOBILE_USED", "mobile", "This mobile number already belongs to an account; use another one.")
	}
	if !r.Company {
		refuse("CBC.0100", "company", "The company of the master account is not kept; ask vendor operations to lay it in first.")
	}
	return list
}

// LinkNotice is the message that brings the link.
func LinkNotice(partner string, l Link, until time.Time) (subject, body string) {
	subject = "快速注册链接 / Quick registration link"
	return subject, fmt.Sprintf("%s\n\n伙伴 partner: %s\n链接 link: %s\n有效期至 valid until: %s\n", subject, partner, l, calendar.Shown(until))
}
