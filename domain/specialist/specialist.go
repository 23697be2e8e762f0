// Package specialist says how a linked member becomes a partner's project specialist on a path, and how that ends (ORG-38 to ORG-44).
package specialist

import (
	"slices"

	"countersign/domain"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "project-specialist"

// State is where one member of one partner stands on one path. A member without a case is only bound.
type State = domain.State

// The states. CancelApproved and Revoked end a case; who is applied for after them gets a new one (ORG-41).
const (
	Review         State = "SPECIALIST_REVIEW"
	Rejected       State = "SPECIALIST_REJECTED" // can be applied for again: the next round of the case
	Recognised     State = "SPECIALIST"
	CancelReview   State = "CANCEL_REVIEW"
	CancelRejected State = "CANCEL_REJECTED" // still a specialist
	CancelApproved State = "CANCEL_APPROVED"
	Revoked        State = "CANCELLED_BY_VENDOR"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it. A cancellation that is withdrawn goes back to where it
// was applied for (ORG-43).
var Moves = []Move{
	{"", Review},
	{Review, Rejected},
	{Rejected, Review},
	{Review, Recognised},
	{Recognised, CancelReview},
	{CancelReview, Recognised},
	{CancelReview, CancelRejected},
	{CancelRejected, CancelReview},
	{CancelReview, CancelApproved},
	{Recognised, Revoked},
}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Ended tells whether a case in this state is over.
func Ended(s State) bool { return s == CancelApproved || s == Revoked }

// Decides tells whether the vendor is asked about the case.
func Decides(s State) bool { return s == Review || s == CancelReview }

// IsSpecialist tells whether the member is a specialist: also while a cancellation is under review, and after it was refused.
func IsSpecialist(s State) bool {
	return s == Recognised || s == CancelReview || s == CancelRejected
}

// Unbindable tells whether a member's link may end (ORG-37): of whom the vendor made no specialist, or no longer. Whose
// application was rejected is bound and nothing more; whom the vendor itself struck off has nothing left to cancel.
func Unbindable(s State) bool { return !Decides(s) && !IsSpecialist(s) }

// Path is a development path.
type Path string

// Paths are those that know specialists (ORG-40).
var Paths = []Path{"SVC", "SI", "LRN"}

// Applicants administer a partner; Operators act for the vendor.
var (
	Applicants = []person.Role{person.PartnerAdministrator}
	Operators  = []person.Role{person.VendorOperations}
)

// MayAct tells whether a person may act for a partner (COM-16).
func MayAct(p person.Person, partnerID string) bool {
	return p.PartnerID == partnerID && p.Holds(Applicants...)
}
