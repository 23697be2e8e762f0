// Package member says how natural persons are linked to a partner (ORG): whom an administrator may invite, how long a link in a
// message holds, what has to be true when it is followed, and when a member may be unbound.
package member

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "invitation"

// State is where an invitation stands.
type State = domain.State

// The states. Bound ends the invitation and begins the link, which ends as Unbound.
const (
	Invited State = "INVITED"
	Bound   State = "BOUND"
	Lapsed  State = "LAPSED" // seven days have passed (ORG-27)
	Unbound State = "UNBOUND"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step of an invitation (ENG-03); the table "moves" repeats it.
var Moves = []Move{{"", Invited}, {Invited, Bound}, {Invited, Lapsed}, {Bound, Unbound}}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// MatterOf finds no matter: nobody decides about an invitation but the member.
func MatterOf(name string) approval.Matter { return approval.Matter{Name: name} }

// MayAct tells whether a person administers a partner (COM-16).
func MayAct(p person.Person, partnerID string) bool {
	return p.PartnerID == partnerID && p.Holds(person.PartnerAdministrator)
}

// International is the site on which ORG-23 does not hold.
const International = "international"

// RealName is the real-name authentication that an account has passed.
type RealName string

// What an account may have passed.
const (
	NoRealName RealName = "none"
	Personal   RealName = "personal"
	Enterprise RealName = "enterprise"
)

// Account is a natural person's account as the database knows it.
type Account struct {
	ID       string
	RealName RealName
	Partner  string // the account is itself this partner's (ORG-24); empty: nobody's
	Links    []Link // those that hold, and those of the past year
}

// Link is one link of an account to a partner.
type Link struct {
	Partner string
	At      time.Time
	Holds   bool // it was not unbound
}

// linkedTo finds the partner to whom the account is linked now; empty: to none.
func (a Account) linkedTo() string {
	if i := slices.IndexFunc(a.Links, func(l Link) bool { return l.Holds }); i >= 0 {
		return a.Links[i].Partner
	}
	return ""
}

// partnersSince counts the partners to whom the account was linked from an instant on, that instant in; a partner counts once
// (ORG-26).
func (a Account) partnersSince(from time.Time) int {
	seen := map[string]bool{}
	for _, l := range a.Links {
		if !l.At.Before(from) {
			seen[l.Partner] = true
		}
	}
	return len(seen)
}

// Policy is the programme's parameters for invitations. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"         yaml:"-"`               // set by the database
	Term           calendar.Term `json:"term"            yaml:"term"`            // how long a link in a message holds (ORG-27)
	RemindAfter    calendar.Term `json:"remind_after"    yaml:"remind_after"`    // when the member is reminded; none: never
	DailyLimit     int           `json:"daily_limit"     yaml:"daily_limit"`     // sendings of a partner and day (ORG-31)
	LookBackMonths int           `json:"lookback_months" yaml:"lookback_months"` // in which former links count (ORG-26)
	MostPartners   int           `json:"most_partners"   yaml:"most_partners"`   // to whom an account may have been linked in them, this many out (ORG-25)
	Link           string        `json:"link"            yaml:"link"`            // the address in front of a token
}

// DefaultPolicy is the rule book's numbers; the address is the programme's own to set.
func DefaultPolicy() Policy {
	return Policy{
		Term: calendar.MustTerm("P7D"), RemindAfter: calendar.MustTerm("P5D"), DailyLimit: 100, LookBackMonths: 12, MostPartners: 3,
		Link: "https://partners.example/invitations/",
	}
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, errors.New(text))
		}
	}
	instant := time.Date(2025, 1, 1, 0, 0, 0, 0, calendar.Zone)
	expires, termErr := closes(p.Term, instant)
	fault(termErr != nil, "term is how long a link holds, such as P7D or 90s; working days are not among them")
	if !p.RemindAfter.IsZero() {
		remind, err := closes(p.RemindAfter, instant)
		fault(err != nil || termErr == nil && !remind.Before(expires), "remind_after is a term such as P5D that is over before term is; leave it out to remind nobody")
	}
	fault(p.DailyLimit < 1 || p.MostPartners < 1 || p.LookBackMonths < 1, "daily_limit, most_partners and lookback_months are at least 1")
	address, err := url.Parse(p.Link)
	fault(err != nil || address.Host == "" || !strings.HasSuffix(p.Link, "/"), "link is the address to which a token is appended, such as https://partners.example/invitations/")
	return errors.Join(faults...)
}

// closes is a term's end without the working-day calendar.
func closes(t calendar.Term, from time.Time) (time.Time, error) {
	none, err := calendar.New(nil, nil)
	if err != nil {
		return time.Time{}, err
	}
	return t.Closes(from, none)
}

// Sending is one message with a link: the instants that follow from the one in which it was written (ORG-28).
type Sending struct {
	SentAt    time.Time
	ExpiresAt time.Time  // that instant is out
	RemindAt  *time.Time // nil: nobody is reminded
}

// Sending is what a message of an instant comes to.
func (p Policy) Sending(at time.Time) (Sending, error) {
	s := Sending{SentAt: at}
	var err error
	if s.ExpiresAt, err = closes(p.Term, at); err != nil { // ORG-27
		return s, fmt.Errorf("term of an invitation: %w", err)
	}
	if p.RemindAfter.IsZero() {
		return s, nil
	}
	remind, err := closes(p.RemindAfter, at)
	s.RemindAt = &remind
	return s, err
}

// WakeAt is when the clock does something first.
func (s Sending) WakeAt() time.Time {
	if s.RemindAt != nil {
		return *s.RemindAt
	}
	return s.ExpiresAt
}
