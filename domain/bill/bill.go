// Package bill says how an incentive bill lives after it was generated: the partner checks it, operations releases it, it may
// be requested while it is valid, it voids, it moves to another account of the same company (INC-07 to INC-22, PAY-17, PAY-18).
package bill

import (
	"slices"

	"countersign/domain"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Kind is the reconciliation's name in cases, policies, workflow IDs and keys: the bills of one partner and period that are
// presented together are one case.
const Kind = "reconciliation"

// State is where a bill, or a reconciliation, stands.
type State = domain.State

// The states of a bill. A reconciliation has those from ToConfirm to Released.
const (
	Estimated State = "ESTIMATED"
	ToConfirm State = "TO_CONFIRM" // the partner checks it, or rejected it and operations has it
	Releasing State = "RELEASING"  // confirmed, by the partner or the deadline; operations reviews the release
	Released  State = "RELEASED"   // may be requested
	Void      State = "VOID"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step of a reconciliation (ENG-03); the table "moves" repeats it. Rejecting leaves it TO_CONFIRM.
var Moves = []Move{
	{"", ToConfirm},
	{ToConfirm, Releasing},
	{Releasing, Released},
	{Releasing, ToConfirm},
}

// BillMoves lists every lawful step of a bill (ENG-03); the table "bill_moves" repeats it. A bill that takes the place of
// voided negatives is opened as released (INC-16).
var BillMoves = []Move{
	{"", Estimated},
	{"", ToConfirm},
	{"", Released},
	{Estimated, ToConfirm},
	{ToConfirm, Releasing},
	{Releasing, Released},
	{Releasing, ToConfirm},
	{Released, Void},
}

// CanMove tells whether a bill may go from one state to another.
func CanMove(from, to State) bool { return slices.Contains(BillMoves, Move{from, to}) }

// Ended tells whether nothing is waited for any more.
func Ended(s State) bool { return s == Released || s == Void }

// Association is how the customer was associated with the partner when it consumed (section 0.3 of the rules).
type Association string

// The association models. None is a special incentive that does not come from performance.
const (
	Resale   Association = "resale"
	Advisory Association = "advisory"
	None     Association = "none"
)

// Bill is one incentive bill as rules look at it.
type Bill struct {
	ID          string       `db:"bill_id"        json:"bill"`
	Partner     string       `db:"partner_id"     json:"partner"`
	Plan        string       `db:"plan_name"      json:"plan"`
	Period      string       `db:"period"         json:"period"`
	Association Association  `db:"association"    json:"association"`
	Amount      money.Amount `db:"amount"         json:"amount"` // signed
	State       State        `db:"state"          json:"state"`
	Requested   bool         `db:"requested"      json:"requested"` // a requisition has it, running or paid
}

// Deciders of the partner's side may confirm, reject and question its bills. Nobody does it on the partner's behalf: what is
// presented to the partner is checked by the partner, or by the deadline.
var Deciders = []person.Role{person.PartnerAdministrator, person.PartnerIncentives}

// MayAct tells whether a person may speak for a partner about its bills (COM-16).
func MayAct(p person.Person, partner string) bool {
	return !p.OfVendor() && p.PartnerID == partner && p.Holds(Deciders...)
}
