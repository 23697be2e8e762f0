// Package withdrawal says how a partner's unused money leaves: routes, pools, states and guards (WDL, WDR).
package withdrawal

import (
	"slices"

	"countersign/domain"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "withdrawal"

// State is where a withdrawal stands.
type State = domain.State

// The states. Paid, Refused, Cancelled and Failed are endings: the partner applies anew. Deleted hides a refused one.
const (
	UnderReview State = "UNDER_REVIEW"     // the money is held, the chain of the policy decides
	Awaiting    State = "AWAITING_CHANGES" // returned for changes: the money stays held, the partner resubmits or cancels
	Approved    State = "APPROVED"         // waits to be sent
	Paying      State = "PAYING"           // sent, waits for the bank's or channel's confirmation
	Paid        State = "PAID"
	Refused     State = "REFUSED"
	Cancelled   State = "CANCELLED"
	Failed      State = "FAILED" // returned by bank or channel, or could not be sent
	Deleted     State = "DELETED"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it. Wallet money is opened as approved (WDL-17).
var Moves = []Move{
	{"", UnderReview},
	{"", Approved},
	{UnderReview, Approved},
	{UnderReview, Refused},
	{UnderReview, Cancelled},
	{UnderReview, Awaiting},
	{Awaiting, UnderReview},
	{Awaiting, Cancelled},
	{Approved, Paying},
	{Approved, Failed},
	{Paying, Paid},
	{Paying, Failed},
	{Refused, Deleted},
}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Ended tells whether nothing is waited for any more.
func Ended(s State) bool {
	switch s {
	case Paid, Refused, Cancelled, Failed, Deleted:
		return true
	case UnderReview, Awaiting, Approved, Paying:
	}
	return false
}

// Holding tells whether the amount lies in P.HOLD in this state.
func Holding(s State) bool {
	return s == UnderReview || s == Awaiting || s == Approved || s == Paying
}

// Route is how money leaves. Each lot is in the pool of one route.
type Route string

// The routes.
const (
	Original  Route = "ORIGINAL"  // back the way it came
	BankCard  Route = "BANK_CARD" // to a bank account that the partner names
	Incentive Route = "INCENTIVE" // incentive rebates, by bank transfer
)

// Routes in the order they are shown.
var Routes = []Route{Original, BankCard, Incentive}

// CloudCompany is the contracting entity to which WDL-10 applies; to every other one WDL-11 does.
const CloudCompany = "cloud"

// PartnerKind and the account state, as far as withdrawals look at them.
const (
	Reseller      = "reseller"
	AccountActive = "ACTIVE"
)

// Partner is whose money it is, as the database knows it now.
type Partner struct {
	ID           string `db:"partner_id"`
	Kind         string `db:"kind"`
	State        string `db:"state"`
	VerifiedName string `db:"verified_name"` // empty: not verified
	Entity       string `db:"entity"`        // the vendor's contracting entity
}

// Payee is where the money goes.
type Payee struct {
	Holder    string `json:"holder"`
	AccountNo string `json:"account_no"`
	Bank      string `json:"bank"`
	Branch    string `json:"branch"` // may be left out once the partner's account is known with its branch (WDL-14)
}

// LotChoice is one lot that the partner names, with the part to take, as entered.
type LotChoice struct {
	Lot    string `json:"lot"`
	Amount string `json:"amount"`
}

// Application is what a partner asks for, as entered: nothing in it is trusted yet.
type Application struct {
	RequestKey string      `json:"request_key"`
	PartnerID  string      `json:"partner_id"`
	Submitter  string      `json:"submitter"`
	Route      Route       `json:"route"`
	Amount     string      `json:"amount"`
	Lots       []LotChoice `json:"lots,omitempty"` // empty: last in, first out (WDL-13)
	Payee      Payee       `json:"payee"`
	Code       string      `json:"code,omitempty"` // the verification code
}

// Line is the part of one lot that a withdrawal takes.
type Line struct {
	Lot    LotNo        `json:"lot"`
	Amount money.Amount `json:"amount"`
}

// Applicants may submit and cancel for their own partner; OnBehalf are the vendor's people who may for any.
var (
	Applicants = []person.Role{person.PartnerAdministrator, person.PartnerWithdrawals}
	OnBehalf   = []person.Role{person.EcosystemManager}
)

// MayAct tells whether a person may submit or cancel for a partner (COM-16, PGM-07).
func MayAct(p person.Person, partnerID string) bool {
	if p.OfVendor() {
		return p.Holds(OnBehalf...)
	}
	return p.PartnerID == partnerID && p.Holds(Applicants...)
}
