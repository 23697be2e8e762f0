package specialist

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Application asks the vendor to recognise one member on one path, as entered: nothing in it is trusted yet.
type Application struct {
	RequestKey string   `json:"request_key"`
	PartnerID  string   `json:"partner_id"`
	Submitter  string   `json:"submitter"`
	Account    string   `json:"account"` // the member
	Path       Path     `json:"path"`
	Materials  []string `json:"materials"` // IDs of documents: SHA-256 in hexadecimal
}

// most is how many documents one application may name.
const most = 20

// Digest identifies what is asked for under a request key (COM-20).
func (a Application) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q", a.RequestKey, a.PartnerID, a.Submitter, a.Account, a.Path, a.Materials))
	return sum[:]
}

// Storable is the application with what cannot be kept marked; Judge refuses the mark.
func (a Application) Storable() Application {
	a.Materials = slices.Clone(a.Materials[:min(len(a.Materials), most+1)])
	texts := []*string{&a.RequestKey, &a.PartnerID, &a.Submitter, &a.Account, (*string)(&a.Path)}
	for i := range a.Materials {
		texts = append(texts, &a.Materials[i])
	}
	for _, s := range texts {
		*s = domain.Marked(*s, 64, 64)
	}
	return a
}

// Caller is who acts, as the database knows them now.
type Caller struct {
	ID     string               // as given
	Of     *organisation.Person // in a partner's organisation; nil: in none
	Person *person.Person       // nil: unknown
}

// Facts is what an application is judged by: everything as locked in the deciding transaction.
type Facts struct {
	Caller   Caller
	Known    bool // the partner is
	Linked   bool // the member is bound to the partner now
	Location string
	Live     string // the member's live case on this path; empty: none
	State    State  // of it
	Other    string // a case of the member on another path that the vendor has to decide; empty: none
}

// Judge checks an application. The list says every guard that failed: caller and parameters first, then the member, where the
// member works, the path, and the state (ENG-06, PGM-08).
func Judge(a Application, f Facts) refusal.List {
	list := f.Caller.administrator(a.PartnerID, f.Known)
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	list = append(list, keyed(a.RequestKey)...)
	if len(a.Materials) == 0 || len(a.Materials) > most || slices.ContainsFunc(a.Materials, func(id string) bool { return !documentID.MatchString(id) }) {
		refuse("ORG-38", "CBC.0100", "materials", "An application comes with its materials: 1 to %d files.", most)
	}
	if len(f.Caller.administrator(a.PartnerID, f.Known)) > 0 { // who learns nothing about the member
		return list
	}
	member := "member " + a.Account
	if !f.Linked {
		refuse("ORG-39", "SPC_NOT_BOUND", member, "Link the member first: %q is not bound to partner %s.", a.Account, a.PartnerID)
	}
	if f.Location == "" {
		refuse("ORG-39", "SPC_LOCATION", member, "Fill in the base location of member %s first.", a.Account)
	}
	if !slices.Contains(Paths, a.Path) {
		refuse("ORG-40", "SPC_PATH", "path "+string(a.Path), "Specialists exist for the service, integration and learning paths only: SVC, SI and LRN.")
	}
	switch {
	case f.Live != "" && f.State != Rejected:
		refuse("ORG-41", "SPC_STATE", "case "+f.Live, "The member's state does not allow this step: case %s is %s; apply again after a rejection or once it is cancelled.", f.Live, f.State)
	case f.Other != "":
		refuse("ORG-39", "SPC_STATE", "case "+f.Other, "The member's state does not allow this step: case %s on another path waits for the vendor's decision.", f.Other)
	}
	return list
}

var documentID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// administrator checks that somebody administers the partner (COM-16).
func (c Caller) administrator(partner string, known bool) refusal.List {
	if !known {
		return refusal.List{refusal.New("COM-17", "CBC.5001", "partner "+partner, "There is no partner %q; check the partner's number.", partner)}
	}
	return organisation.JudgeAdministrator(c.Of, c.ID, partner)
}

func keyed(key string) refusal.List {
	if n := utf8.RuneCountInString(key); n == 0 || n > 64 || strings.Contains(key, domain.Mark) {
		return refusal.List{refusal.New("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")}
	}
	return nil
}

// MaxReason is how many characters a reason may have.
const MaxReason = 500

// Reason is a reason as it is kept; what cannot be kept is marked.
func Reason(entered string) string {
	return domain.Marked(strings.TrimSpace(entered), MaxReason, MaxReason)
}

func good(reason string) bool { return reason != "" && !strings.Contains(reason, domain.Mark) }

// Step is one step that somebody asks for in a case.
type Step struct {
	Key       string
	Caller    Caller
	Case      string
	PartnerID string
	State     State
	Reason    string // as kept
	Document  string // the reason file
	Enclosed  bool   // it lies with the case
}

// JudgeCancel checks an application to cancel (ORG-42).
func JudgeCancel(s Step) refusal.List {
	list := append(s.Caller.administrator(s.PartnerID, true), keyed(s.Key)...)
	if s.State != Recognised && s.State != CancelRejected {
		list = append(list, s.state("ORG-42", "only a specialist in normal state is cancelled, or one whose cancellation was refused"))
	}
	if !good(s.Reason) || !documentID.MatchString(s.Document) || !s.Enclosed {
		list = append(list, refusal.New("ORG-42", "SPC_REASON_FILE", "case "+s.Case, "A reason of at most %d characters and a file are required; enclose the file with the case.", MaxReason))
	}
	return list
}

// JudgeWithdraw checks that a cancellation is taken back before it is decided (ORG-43).
func JudgeWithdraw(s Step) refusal.List {
	list := append(s.Caller.administrator(s.PartnerID, true), keyed(s.Key)...)
	if s.State != CancelReview {
		list = append(list, s.state("ORG-43", "a cancellation is withdrawn as long as it is not decided"))
	}
	return list
}

// JudgeRevoke checks that the vendor strikes a specialist off by itself. Nobody applied for it, so there is no application that
// a second person would have to decide (PGM-07): it is the vendor's own act, with a reason.
func JudgeRevoke(s Step) refusal.List {
	var list refusal.List
	switch p := s.Caller.Person; {
	case p == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+s.Caller.ID, "There is no person %q; speak as somebody who is registered.", s.Caller.ID))
	case !p.OfVendor() || !p.Holds(Operators...):
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+s.Caller.ID, "%s does not hold the role %s; somebody of the vendor with that role does this.", p.Name, Operators[0]))
	}
	list = append(list, keyed(s.Key)...)
	if s.State != Recognised {
		list = append(list, s.state("ORG-41", "the vendor cancels a specialist in normal state"))
	}
	if !good(s.Reason) {
		list = append(list, refusal.New("ORG-41", "SPC_REASON_FILE", "case "+s.Case, "A reason of at most %d characters is required.", MaxReason))
	}
	return list
}

func (s Step) state(rule, when string) refusal.Refusal {
	return refusal.New(rule, "SPC_STATE", "case "+s.Case, "The member's state does not allow this step: case %s is %s; %s.", s.Case, s.State, when)
}

// JudgeLocation checks that somebody fills in where a member works from (ORG-39).
func JudgeLocation(a Application, location string, f Facts) refusal.List {
	list := f.Caller.administrator(a.PartnerID, f.Known)
	if len(list) > 0 {
		return list
	}
	if !f.Linked {
		list = append(list, refusal.New("ORG-39", "SPC_NOT_BOUND", "member "+a.Account, "Link the member first: %q is not bound to partner %s.", a.Account, a.PartnerID))
	}
	if !good(location) {
		list = append(list, refusal.New("ORG-39", "SPC_LOCATION", "member "+a.Account, "Enter the base location in 1 to 64 characters."))
	}
	return list
}
