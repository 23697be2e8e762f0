// Package invoice says how a partner invoices the vendor for what it will be paid (INV): the list that says what to invoice,
// the invoices, the rounds in which they are sent, arrive and are reviewed. Cases of any kind use it.
package invoice

import (
	"slices"
	"strings"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/tax"
)

// Kind is what moves of a list are kept under in the table "moves"; a list is a part of a case, not a case.
const Kind = "invoice-list"

// State is where the invoices of one list stand; the text is what the database stores.
type State string

// The states. Only Accepted ends it: there is no limit of rounds (INV-15).
const (
	ToIssue   State = "TO_ISSUE"   // the partner issues, prints and sends
	InTransit State = "IN_TRANSIT" // sent
	InReview  State = "IN_REVIEW"  // arrived
	Accepted  State = "ACCEPTED"
	ToReissue State = "TO_REISSUE" // failed: new invoices, sent again
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it.
var Moves = []Move{{"", ToIssue}, {ToIssue, InTransit}, {InTransit, InReview}, {InReview, Accepted}, {InReview, ToReissue}, {ToReissue, InTransit}}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// ToSend tells whether the partner is to send invoices.
func (s State) ToSend() bool { return s == ToIssue || s == ToReissue }

// Words is how far the invoices of a case are, as its partner reads it (INV-22): after they arrived nothing is left to do
// but to wait for the payment.
func (s State) Words() string {
	switch s {
	case ToIssue:
		return "待伙伴开票 / waiting for your invoice"
	case InTransit:
		return "已寄出 / sent, waiting for its arrival"
	case InReview:
		return "待华为付款(发票审核中) / waiting for payment (invoice in review)"
	case Accepted:
		return "待华为付款 / waiting for payment"
	case ToReissue:
		return "发票审核不通过，待重新开票 / failed, waiting for a new invoice"
	}
	return ""
}

// Type is the kind of an invoice.
type Type string

// The types that are accepted (INV-05), and the one that is sent by mistake (INV-06).
const (
	Paper      Type = "SPECIAL_PAPER"      // special VAT invoice on paper, posted
	Electronic Type = "SPECIAL_ELECTRONIC" // electronic special VAT invoice, mailed to the public mailbox
	Ordinary   Type = "ORDINARY"
)

// Types lists those that are accepted.
var Types = []Type{Paper, Electronic}

// SmallScaleRate is the highest service-fee rate of a small-scale taxpayer; a general one invoices above it (INV-19).
const SmallScaleRate tax.Rate = 300

// fits tells whether a taxpayer of a kind may invoice at a rate.
func fits(t business.Taxpayer, rate tax.Rate) bool {
	return (t == business.SmallScale) == (rate <= SmallScaleRate)
}

// Supplier is the partner as the invoice names it, from its business information.
type Supplier struct {
	Name        string            `db:"supplier_name"       json:"name"`
	Licence     string            `db:"supplier_licence"    json:"licence"`
	TaxNumber   string            `db:"supplier_tax_number" json:"tax_number"`
	Address     string            `db:"supplier_address"    json:"registered_address"`
	AccountName string            `db:"bank_account_name"   json:"account_name"`
	Bank        string            `db:"bank_name"           json:"bank"`
	Branch      string            `db:"bank_branch"         json:"branch"`
	BankAddress string            `db:"bank_address"        json:"bank_address"` // where the branch is
	AccountNo   string            `db:"account_no"          json:"account_no"`
	Taxpayer    business.Taxpayer `db:"taxpayer"            json:"taxpayer"`
}

// SupplierOf is how business information names a partner on an invoice. A bank's branch says where it is.
func SupplierOf(i business.Information) Supplier {
	return Supplier{
		Name: i.Company, Licence: i.Code, TaxNumber: i.TaxNumber, Address: i.RegisteredAddress,
		AccountName: i.AccountName, Bank: i.Bank, Branch: i.Branch, BankAddress: i.Branch, AccountNo: i.AccountNo, Taxpayer: i.Taxpayer,
	}
}

// List is what a partner is asked to invoice, and how far that is.
type List struct {
	No             string `db:"list_no"           json:"list_no"`
	Case           string `db:"case_number"       json:"case"`
	State          State  `db:"state"             json:"state"`
	Supplier       `json:"supplier"`
	BuyerEntity    string         `db:"buyer_entity"      json:"buyer_entity"`
	Buyer          string         `db:"buyer_name"        json:"buyer"`
	ServiceItem    string         `db:"service_item"      json:"service_item"`
	Period         string         `db:"settlement_period" json:"settlement_period"`
	Amount         money.Amount   `db:"amount"            json:"amount"` // tax included
	Currency       money.Currency `db:"currency"          json:"currency"`
	Rate           tax.Rate       `db:"service_rate"      json:"service_rate"`
	MailingAddress string         `db:"mailing_address"   json:"mailing_address"`
	PublicMailbox  string         `db:"public_mailbox"    json:"public_mailbox"`
	Contacts       string         `db:"contacts"          json:"contacts"`
	OpenedAt       time.Time      `db:"opened_at"         json:"opened_at"`
	VisibleAt      time.Time      `db:"visible_at"        json:"visible_at"`
	DueDate        calendar.Date  `db:"due_date"          json:"due_date"`
}

// VisibleAt is when a list shows: with the request, or on the next day when the business information was certified on the
// day of the request (INV-04).
func VisibleAt(certified, requested time.Time) time.Time {
	if day := calendar.DateOf(requested); calendar.DateOf(certified) == day {
		return day.AddDays(1).Start()
	}
	return requested
}

// Late tells whether something sent at an instant is late: the due date counts in full. It is accepted all the same (INV-12).
func Late(due calendar.Date, sent time.Time) bool { return calendar.DateOf(sent).After(due) }

// reissueDays is how many days a partner has for new invoices before it is reminded; the rules name no date for them.
const reissueDays = 7

// RemindAt is when a partner that has sent nothing is reminded: when the due date is over, after a failed review not before
// it had time for new invoices. Nothing is cancelled (INV-12).
func RemindAt(due calendar.Date, failed *time.Time) time.Time {
	day := due.AddDays(1)
	if failed != nil {
		if later := calendar.DateOf(*failed).AddDays(reissueDays + 1); later.After(day) {
			day = later
		}
	}
	return day.Start()
}

// ReviewTerm is how long a review may take from the arrival: it is due on the second working day, and an alarm is raised when
// that day is over (INV-14).
var ReviewTerm = calendar.MustTerm("P2WD")

// ReviewOn is the day on which a review is due: the second working day after the arrival (INV-14).
func ReviewOn(arrived time.Time, days *calendar.Calendar) (calendar.Date, error) {
	day, _, err := days.WorkingDays(calendar.DateOf(arrived), 2)
	return day, err
}

// Senders may send for their own partner; OnBehalf are the vendor's people who may for any. Receivers record arrivals and
// review.
var (
	Senders   = []person.Role{person.PartnerAdministrator, person.PartnerIncentives}
	OnBehalf  = []person.Role{person.EcosystemManager}
	Receivers = []person.Role{person.VendorFinance}
)

// MaySend tells whether a person may send invoices, and ask for them back, for a partner (COM-16).
func MaySend(p person.Person, partner string) bool {
	if p.OfVendor() {
		return p.Holds(OnBehalf...)
	}
	return p.PartnerID == partner && p.Holds(Senders...)
}

// Number writes an invoice number or code in its one way.
func Number(entered string) string { return strings.ToUpper(strings.TrimSpace(entered)) }
