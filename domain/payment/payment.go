// Package payment says how an approved payment leaves through a bank, and what a bank's line means for it.
package payment

import (
	"slices"

	"countersign/domain/money"
)

// State is where a payment stands; the text is what the database stores.
type State string

// The states. A payment is paid from a bank file or by hand, never both: one write takes it out of Ready.
const (
	Ready     State = "READY"     // its case asks for the release
	Exported  State = "EXPORTED"  // released into a bank file
	ByHand    State = "BY_HAND"   // released to people, who instruct the bank
	Accepted  State = "ACCEPTED"  // the bank has said that it will pay
	Confirmed State = "CONFIRMED" // paid
	Returned  State = "RETURNED"  // the bank gave it back
	Rejected  State = "REJECTED"  // the bank did not pay it
	Dropped   State = "DROPPED"   // never released
)

// States lists them in the order of a payment's life.
var States = []State{Ready, Exported, ByHand, Accepted, Confirmed, Returned, Rejected, Dropped}

// Move is one lawful step.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the database repeats it.
var Moves = []Move{
	{Ready, Exported},
	{Ready, ByHand},
	{Ready, Dropped},
	{Exported, Accepted},
	{Exported, Confirmed},
	{Exported, Returned},
	{Exported, Rejected},
	{Accepted, Confirmed},
	{Accepted, Returned},
	{Accepted, Rejected},
	{ByHand, Confirmed},
	{ByHand, Returned},
}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// UnderWay tells whether the bank's last word is waited for.
func (s State) UnderWay() bool { return s == Exported || s == Accepted || s == ByHand }

// Payment is one payment as a bank's line is judged by it.
type Payment struct {
	ID        string // end-to-end
	Amount    money.Amount
	Currency  money.Currency
	State     State
	Order     string   // the message ID of the file it left in; empty: by hand, or not yet
	Accounts  []string // those of the entity that pays it
	TakesBack bool     // its case can take back money after it was paid
}
