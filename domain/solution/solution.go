// Package solution says how a partner's cloud software is certified for a year at a time (CERT): what is submitted, how long a
// certificate holds, when it can be renewed, and who is reminded.
package solution

import (
	"slices"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "solution"

// State is where a solution stands. One that was never submitted is a draft and no case.
type State = domain.State

// The states. A review of a re-certification is no state: the solution is expiring or expired meanwhile (CERT-17).
const (
	UnderReview State = "UNDER_REVIEW"
	Rejected    State = "REJECTED"  // never certified; can be corrected or deleted
	Certified   State = "CERTIFIED" //
	Expiring    State = "EXPIRING"  // still certified, and can be certified anew (CERT-08, CERT-09)
	Expired     State = "EXPIRED"   // certified no more (CERT-12), and can be certified anew without a latest day (CERT-19)
	Deleted     State = "DELETED"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it. The last three openings are of solutions that were
// certified elsewhere.
var Moves = []Move{
	{"", UnderReview},
	{UnderReview, Rejected},
	{Rejected, UnderReview},
	{UnderReview, Certified},
	{Certified, Expiring},
	{Expiring, Expired},
	{Expiring, Certified},
	{Expired, Certified},
	{Rejected, Deleted},
	{"", Certified},
	{"", Expiring},
	{"", Expired},
}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Type is what a solution is certified as.
type Type string

// The types; joint (baseline) solutions are another process.
const (
	Cloud    Type = "CLOUD" // cloud software
	Advanced Type = "ADV"   // advanced cloud software
)

// Types in the order they are shown.
var Types = []Type{Cloud, Advanced}

// Of chooses the rule that says of a type what the other's says of the other.
func (t Type) Of(cloud, advanced string) string {
	if t == Advanced {
		return advanced
	}
	return cloud
}

// Origin is how a solution came about.
type Origin string

// The origins.
const (
	New    Origin = "NEW"    // entered here
	Synced Origin = "SYNCED" // from a released joint solution (CERT-21)
)

// Validity is how long one certificate holds.
type Validity struct {
	CertifiedAt time.Time `json:"certified_at"`    // the last node's approval
	WindowAt    time.Time `json:"window_opens_at"` // from then on it can be certified anew, this instant in
	Until       time.Time `json:"valid_until"`     // this instant out
}

// ValidFrom is the validity of what passed at an instant: whole months by the calendar, whatever was left of a former
// certificate (CERT-06, CERT-07, CERT-10), and the window so many days of 24 hours before its end (CERT-08, CERT-09). The end is a
// whole second, so that what is printed is what holds.
func (p Policy) ValidFrom(passed time.Time) Validity {
	until := calendar.AddMonths(passed, p.Months).Truncate(time.Second)
	return Validity{CertifiedAt: passed, WindowAt: until.Add(-time.Duration(p.WindowDays) * 24 * time.Hour), Until: until}
}

// StateAt is where a certified solution stands at an instant. Nobody has to wait for a clock (PGM-02).
func (v Validity) StateAt(at time.Time) State {
	switch {
	case calendar.Late(at, v.Until):
		return Expired
	case calendar.Late(at, v.WindowAt):
		return Expiring
	}
	return Certified
}

// Next is when its state changes by the clock after an instant, and to what; false: not any more.
func (v Validity) Next(s State) (time.Time, State, bool) {
	switch s {
	case Certified:
		return v.WindowAt, Expiring, true
	case Expiring:
		return v.Until, Expired, true
	}
	return time.Time{}, "", false
}

// Reminder is one message before the end of a validity.
type Reminder struct {
	Days int // before the day of expiry; 0: on it
	At   time.Time
}

// reminderHour is when reminders go, in UTC+8 (CERT-22).
const reminderHour = 9 * time.Hour

// Reminder is the first reminder after an instant, up to which all were sent or have passed (CERT-23); false: none is left. One
// goes at 09:00 so many days before the day of expiry, and never before the window has opened (CERT-22).
func (p Policy) Reminder(v Validity, after time.Time) (Reminder, bool) {
	for _, days := range p.ReminderDays {
		at := calendar.DateOf(v.Until).AddDays(-days).Start().Add(reminderHour)
		if at.Before(v.WindowAt) {
			at = v.WindowAt
		}
		if at.After(after) {
			return Reminder{days, at}, true
		}
	}
	return Reminder{}, false
}

// Operator is the partner's people who enter solutions; Applicants may act for their own partner, OnBehalf are the vendor's
// people who may for any.
const Operator person.Role = "partner-solutions"

// Who acts for a partner.
var (
	Applicants = []person.Role{person.PartnerAdministrator, Operator}
	OnBehalf   = []person.Role{person.EcosystemManager}
)

// MayAct tells whether a person may act for a partner (COM-16, PGM-07).
func MayAct(p person.Person, partnerID string) bool {
	if p.OfVendor() {
		return p.Holds(OnBehalf...)
	}
	return p.PartnerID == partnerID && p.Holds(Applicants...)
}
