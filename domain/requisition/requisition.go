// Package requisition says how a partner asks for its released incentive: which methods, for which bills, how much, in which
// steps (PAY).
package requisition

import (
	"slices"
	"time"

	"countersign/domain"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "requisition"

// State is where a requisition stands; the text is what the database stores.
type State = domain.State

// The states. Completed and Rejected are endings.
const (
	Processing     State = "PROCESSING"         // submitted; left in the step that opens the case
	WaitingInvoice State = "WAITING_INVOICE"    // the partner issues and sends its invoices
	InvoiceReview  State = "INVOICE_REVIEW"     // the invoices arrived
	Review         State = "REQUISITION_REVIEW" // the invoices are accepted
	Paying         State = "PAYING"
	Completed      State = "COMPLETED"
	Rejected       State = "REJECTED" // the bills and what was netted are free again (PAY-26, PAY-27)
	Failed         State = "FAILED"   // the vendor's people mend it, and it is paid once (PAY-22)
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it. The last six are the special case of PAY-15, which
// leads to another method or takes the request back while no money has moved.
var Moves = []Move{
	{"", Processing},
	{Processing, WaitingInvoice},
	{Processing, Paying},
	{WaitingInvoice, InvoiceReview},
	{InvoiceReview, WaitingInvoice},
	{InvoiceReview, Review},
	{Review, Paying},
	{Review, Rejected},
	{Paying, Completed},
	{Paying, Failed},
	{Failed, Paying},
	{WaitingInvoice, Paying},
	{InvoiceReview, Paying},
	{WaitingInvoice, Rejected},
	{InvoiceReview, Rejected},
	{Paying, Rejected},
	{Failed, Rejected},
}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Ended tells whether nothing is waited for any more.
func Ended(s State) bool { return s == Completed || s == Rejected }

// Chinese is what the partner reads; states without a name are the vendor's own.
func Chinese(s State) string {
	return map[State]string{
		Processing: "申请处理中", WaitingInvoice: "待伙伴开票", InvoiceReview: "发票审核", Review: "申付审核", Paying: "支付中", Completed: "已完成",
		Rejected: "申付被拒绝", Failed: "发放异常",
	}[s]
}

// Method is how an incentive is disbursed. There are four, and a requisition has one (PAY-01).
type Method string

// The methods.
const (
	Voucher   Method = "VOUCHER"            // voucher quota
	Bank      Method = "BANK"               // bank transfer
	Cloud     Method = "CLOUD_ACCOUNT"      // cash on the top-up account
	CloudOwed Method = "CLOUD_ACCOUNT_OWED" // the same, and the invoice is owed
)

// Methods in the order they are shown.
var Methods = []Method{Voucher, Bank, Cloud, CloudOwed}

// NeedsInvoice tells whether the partner invoices the vendor before it is paid; without, the system grants at once (PAY-09, PAY-10).
func (m Method) NeedsInvoice() bool { return m == Bank || m == Cloud }

// HasMinimum tells whether the policy's minimum holds for it (PAY-20, PAY-21).
func (m Method) HasMinimum() bool { return m.NeedsInvoice() }

// Association is the association model of the customers that a bill is about.
type Association string

// The associations.
const (
	Resale   Association = "resale"
	Advisory Association = "advisory"
	NoModel  Association = "none" // a special incentive
)

// Group is a set of rows of the method table that allow the same methods: the automatic release has one method for each (PAY-23).
type Group string

// The groups.
const (
	NewResale Group = "new-resale" // resale generated since the cut-over
	Others    Group = "others"     // resale of before, advisory sale, and what has no model
)

// Groups in the order they are shown.
var Groups = []Group{NewResale, Others}

// table is who may use what, and since when: of each association, the rows of before and since the cut-over.
var table = []struct {
	Association Association
	Since       bool // generated since the cut-over
	Group       Group
	Methods     []Method
}{
	{Resale, true, NewResale, []Method{Voucher, CloudOwed}},   // PAY-02
	{Resale, false, Others, []Method{Voucher, Bank, Cloud}},   // PAY-03
	{Advisory, true, Others, []Method{Voucher, Bank, Cloud}},  // PAY-03
	{Advisory, false, Others, []Method{Voucher, Bank, Cloud}}, // PAY-03
	{NoModel, true, Others, []Method{Voucher, Bank, Cloud}},   // PAY-05
	{NoModel, false, Others, []Method{Voucher, Bank, Cloud}},  // PAY-05
}

// GroupOf finds the row group of a bill: the cut-over instant itself is new (PAY-04).
func GroupOf(a Association, generated, cutOver time.Time) Group {
	for _, row := range table {
		if row.Association == a && row.Since == !generated.Before(cutOver) {
			return row.Group
		}
	}
	return ""
}

// Allowed lists the methods of a row group.
func (g Group) Allowed() []Method {
	for _, row := range table {
		if row.Group == g {
			return row.Methods
		}
	}
	return nil
}

// Allows tells whether bills of the group may be disbursed by a method.
func (g Group) Allows(m Method) bool { return slices.Contains(g.Allowed(), m) }

// Scope is how the bills were chosen (PAY-06).
type Scope string

// The scopes.
const (
	MergedAll Scope = "merged-all" // everything that can be requested, which is what the form proposes
	Selected  Scope = "selected"   // one or some
	Automatic Scope = "automatic"
)

// System is the person that submits what nobody submits.
const System = "system"

// Applicants may apply for their own partner; OnBehalf are the vendor's people who may for any.
var (
	Applicants = []person.Role{person.PartnerAdministrator, person.PartnerIncentives}
	OnBehalf   = []person.Role{person.EcosystemManager}
)

// MayAct tells whether a person may apply for a partner (COM-16, PGM-07).
func MayAct(p person.Person, partner string) bool {
	if p.OfVendor() {
		return p.Active && p.ID == System || p.Holds(OnBehalf...)
	}
	return p.PartnerID == partner && p.Holds(Applicants...)
}
