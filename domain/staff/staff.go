// Package staff says how a partner's dedicated specialists are supported month by month (FHM): who may be named, when a month
// can be requested, and what becomes of it.
package staff

import (
	"fmt"
	"slices"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "dedicated-staff"

// State is where one month of one partner stands.
type State = domain.State

// The states. A month without a request is no case yet: it is open, or to confirm where the system listed it, until it lapses.
const (
	Open      State = "OPEN"
	ToConfirm State = "TO_CONFIRM" // listed by the system, waits for the partner's documents (FHM-08)
	Lapsed    State = "LAPSED"
	InReview  State = "PRELIMINARY_REVIEW"
	Passed    State = "PASSED"
	Failed    State = "FAILED" // can be sent again until its month ends (FHM-03)
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step of a request (ENG-03); the table "moves" repeats it.
var Moves = []Move{{"", InReview}, {InReview, Passed}, {InReview, Failed}, {Failed, InReview}}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Scenario is the scheme that a request is made under.
type Scenario string

// The schemes. They exclude each other: one person, one scheme (FHM-06).
const (
	PreSales         Scenario = "pre-sales"
	Expert           Scenario = "expert"
	CapabilityCentre Scenario = "capability-centre"
)

// Scenarios in the order they are shown.
var Scenarios = []Scenario{PreSales, Expert, CapabilityCentre}

// SolutionArchitect is the role that a pre-sales specialist has (FHM-05).
const SolutionArchitect = "solution-architect"

// ExpertRole is the role of those whom the system lists each month (FHM-08).
const ExpertRole = "expert"

// Month is a calendar month in UTC+8 (ENG-04), written 2024-05.
type Month struct {
	Year  int
	Month time.Month
}

// ParseMonth reads 2024-05 and nothing else.
func ParseMonth(text string) (Month, error) {
	d, err := calendar.ParseDate(text + "-01")
	if err != nil {
		return Month{}, fmt.Errorf("%q is not a month: write year and month as in 2024-05", text)
	}
	return Month{d.Year, d.Month}, nil
}

// MonthOf is the month of an instant.
func MonthOf(at time.Time) Month {
	d := calendar.DateOf(at)
	return Month{d.Year, d.Month}
}

// First is its first day.
func (m Month) First() calendar.Date { return calendar.Date{Year: m.Year, Month: m.Month, Day: 1} }

// Starts is its first instant.
func (m Month) Starts() time.Time { return m.First().Start() }

// Ends is the first instant after it.
func (m Month) Ends() time.Time { return m.First().AddMonths(1).Start() }

// Running tells whether an instant lies in it.
func (m Month) Running(at time.Time) bool { return calendar.InWindow(at, m.Starts(), m.Ends()) }

// Over tells whether it has ended.
func (m Month) Over(at time.Time) bool { return calendar.Late(at, m.Ends()) }

// Previous is the month before.
func (m Month) Previous() Month {
	d := m.First().AddMonths(-1)
	return Month{d.Year, d.Month}
}

// Quarter is the quarter that it lies in.
func (m Month) Quarter() calendar.Quarter { return calendar.QuarterOf(m.First()) }

// String is 2024-05.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, m.Month) }

// MarshalText is String.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *Month) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMonth(string(text))
	return err
}

// Record is what is known of one month of one partner; the zero Record: nothing.
type Record struct {
	Case         string       // its request; empty: none
	CaseState    State        // of the request
	Amount       money.Amount // applied for
	Listed       []string     // the specialists whom the system listed (FHM-08)
	ConfirmUntil *time.Time   // until when the list can be confirmed, this instant out; nil: not listed
}

// StateAt is where a month stands at an instant. Nobody has to wait for a clock: what was not requested has lapsed from the
// very instant on (FHM-08, PGM-02).
func (r Record) StateAt(m Month, at time.Time) State {
	switch {
	case r.Case != "":
		return r.CaseState
	case r.ConfirmUntil != nil && calendar.Open(at, *r.ConfirmUntil):
		return ToConfirm
	case r.ConfirmUntil != nil || m.Over(at):
		return Lapsed
	}
	return Open
}

// Applicants may request for their own partner; OnBehalf are the vendor's people who may for any. Operators keep the
// records of qualification.
var (
	Applicants = []person.Role{person.PartnerAdministrator, person.PartnerIncentives}
	OnBehalf   = []person.Role{person.EcosystemManager}
	Operators  = []person.Role{person.VendorOperations}
)

// MayAct tells whether a person may act for a partner (COM-16, PGM-07).
func MayAct(p person.Person, partnerID string) bool {
	if p.OfVendor() {
		return p.Holds(OnBehalf...)
	}
	return p.PartnerID == partnerID && p.Holds(Applicants...)
}
