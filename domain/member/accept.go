package member

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/refusal"
)

// TokenSize is how many random bytes a token has.
const TokenSize = 32

// Token is what the link in a message ends with. It is stored nowhere but in that message.
type Token [TokenSize]byte

// String is the token as it stands in a link.
func (t Token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// ParseToken reads a token, or the link that ends with it.
func ParseToken(text string) (t Token, ok bool) {
	text = strings.TrimSpace(text)
	text = text[strings.LastIndexByte(text, '/')+1:]
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != TokenSize {
		return t, false
	}
	copy(t[:], raw)
	return t, true
}

// Hash is what the database keeps of a token.
func (t Token) Hash() []byte {
	sum := sha256.Sum256(t[:])
	return sum[:]
}

// Proof shows that somebody who signed in with an account had the token of a case, without the token: only who knows its hash
// can make it, and it is worth nothing for another case or account.
func Proof(hash []byte, caseNumber, account string) string {
	text := append(append([]byte{}, hash...), caseNumber+account...)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Acceptance is what a member sends who followed the link (ORG-34).
type Acceptance struct {
	Key     string `json:"key"`
	Case    string `json:"case"`
	Account string `json:"account"` // with which the member signed in
	Proof   string `json:"proof"`
	Notice  string `json:"notice"` // the version that was ticked; empty: none was (ORG-35)
}

// WellFormed checks what a run refuses to take at all.
func (a Acceptance) WellFormed() refusal.List {
	raw, err := hex.DecodeString(a.Proof)
	if err != nil || len(raw) != sha256.Size || a.Account == "" || len(a.Account) > 256 || len(a.Key) > 256 || len(a.Notice) > 256 {
		return refusal.List{refusal.New("COM-08", "CBC.0100", "acceptance", "An acceptance names the account and carries the proof that was made from the link.")}
	}
	return nil
}

// Sent is one token of a case as the database knows it.
type Sent struct {
	Hash     []byte
	Used     bool
	Replaced bool
}

// Proven finds the token by which an acceptance was made; nil: by none of the case.
func (a Acceptance) Proven(sent []Sent) *Sent {
	for i := range sent {
		if subtle.ConstantTimeCompare([]byte(a.Proof), []byte(Proof(sent[i].Hash, a.Case, a.Account))) == 1 {
			return &sent[i]
		}
	}
	return nil
}

// AcceptFacts is what an acceptance is judged by: everything as locked in the deciding transaction.
type AcceptFacts struct {
	At        time.Time
	Policy    Policy
	Partner   string
	Site      string
	State     State
	ExpiresAt time.Time // of the newest link
	Invited   Account
	Token     *Sent
}

// JudgeAccept checks an acceptance: the conditions of the invitation once more (ORG-36), then the link, the account and the
// notice. What is known of the invited account is told to nobody else.
func JudgeAccept(a Acceptance, f AcceptFacts) (list refusal.List) {
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	own := a.Account == f.Invited.ID
	if own {
		list = Conditions(f.Invited, f.Partner, f.Site, f.Policy, f.At) // ORG-36
	}
	if f.State == Lapsed || f.State == Invited && !f.At.Before(f.ExpiresAt) { // ORG-27
		refuse("ORG-27", "INV_EXPIRED", "case "+a.Case, "The invitation has lapsed after %s; ask the administrator for a new one.", f.Policy.Term.Words())
	}
	if f.Token == nil || f.Token.Used || f.Token.Replaced || f.State == Bound || f.State == Unbound { // ORG-33
		list = append(list, UsedLink("case "+a.Case))
	}
	if !own { // ORG-34
		refuse("ORG-34", "INV_WRONG_ACCOUNT", "account "+a.Account, "Sign in with the account that was invited.")
	}
	if a.Notice != CurrentNotice().Version { // ORG-35
		refuse("ORG-35", "INV_CONSENT", "notice", "Accept the notice (version %s) before linking.", CurrentNotice().Version)
	}
	return list
}

// UsedLink is the refusal of a link that is not good, or no more.
func UsedLink(object string) refusal.Refusal {
	return refusal.New("ORG-33", "INV_USED", object, "The link has been used or replaced by a newer one; follow the one in the newest message, whole.")
}

// Holding are the states of a project specialist that hold the link: the vendor recognises the member, or has to decide about it. In
// all others, an approved cancellation first of all, the member is bound and nothing more.
var Holding = []string{"SPECIALIST_REVIEW", "SPECIALIST", "CANCEL_REVIEW", "CANCEL_REJECTED"}

// JudgeUnbind checks that a member may be unbound (ORG-37). Specialist is the member's state as a project specialist; empty: is
// none.
func JudgeUnbind(p *organisation.Person, id, partnerID, account, caseNumber string, state State, specialist string) refusal.List {
	list := organisation.JudgeAdministrator(p, id, partnerID)
	if len(list) > 0 { // who learns nothing about the member
		return list
	}
	if state != Bound {
		list = append(list, refusal.New("ORG-37", "ENG_STATE", "case "+caseNumber, "The invitation is %s; only a member who is linked is unbound.", state))
	}
	if slices.Contains(Holding, specialist) { // ORG-37
		list = append(list, refusal.New("ORG-37", "SPC_STATE", "account "+account,
			"The member's state does not allow this step: as a project specialist the member is %s; have the cancellation approved first.", specialist))
	}
	return list
}
