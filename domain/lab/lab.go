// Package lab says how partners get credits for the vendor's hands-on lab (LAB): who may apply for how many points, who uses
// them, and until when.
package lab

import (
	"slices"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "lab-credit"

// State is where an application stands.
type State = domain.State

// The states. An issued credit lives until its points are used up, or until they lapse; the case ends then and stays ISSUED.
const (
	UnderReview State = "UNDER_REVIEW"
	Rejected    State = "REJECTED" // is edited and sent again (LAB-07)
	Approved    State = "APPROVED" // the review is over, the member has nothing yet (LAB-09)
	Issued      State = "ISSUED"   // the points are in the member's personal account
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it.
var Moves = []Move{{"", UnderReview}, {UnderReview, Rejected}, {Rejected, UnderReview}, {UnderReview, Approved}, {Approved, Issued}}

// Sizes are the points that can be applied for (LAB-03).
var Sizes = []int{10, 20, 50, 100, 250, 500}

// OwnPaths are those under which lab credits are applied for whatever the policy says: software and service (LAB-02).
var OwnPaths = []string{"SW", "SVC"}

// Paths are all development paths.
var Paths = []string{"SW", "SVC", "SI", "LRN", "DST", "OTH"}

// Applicants apply for their own partner.
var Applicants = []person.Role{person.PartnerAdministrator}

// MayAct tells whether a person may act for a partner (COM-16): its administrators.
func MayAct(p person.Person, partnerID string) bool {
	return !p.OfVendor() && p.PartnerID == partnerID && p.Holds(Applicants...)
}

// The matters that an application puts to people.
var (
	Review = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject}
	Issue  = approval.Matter{Name: "issue", Approve: "issued", Reject: "fail"} // operations issue by hand and report it (LAB-09)
)

// Matters lists them.
var Matters = []approval.Matter{Review, Issue}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if i := slices.IndexFunc(Matters, func(m approval.Matter) bool { return m.Name == name }); i >= 0 {
		return Matters[i]
	}
	return approval.Matter{Name: name}
}

// Amount is points as the ledger keeps them: whole, in a unit of their own.
func Amount(points int) money.Amount { return money.Fen(100 * int64(points)) }

// Credit is an application with the credit that it yields, as locked in the deciding transaction.
type Credit struct {
	Case      string
	Partner   string
	State     State
	Account   string // the member who uses it
	Points    int
	Retry     bool // issuing failed and is tried again
	IssuedAt  *time.Time
	ExpiresAt *time.Time // from then on nothing of it is left (PGM-02)
	Remaining money.Amount
}
