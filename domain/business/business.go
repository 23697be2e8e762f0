// Package business says what has to be known about a partner before money leaves the vendor: who it is, that it may deal,
// where it is paid and how it is taxed (AUT).
package business

import (
	"slices"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Status is where business information stands; the text is what the database stores.
type Status string

// The states of one version of business information. None is that of a partner who never submitted any.
const (
	None     Status = "none"
	InReview Status = "in-review"
	Passed   Status = "passed"
	Failed   Status = "failed"
)

// Move is one lawful step.
type Move struct{ From, To Status }

// Moves lists every lawful step (ENG-03). A resubmission and a change are versions of their own, so that what passed before
// stays known.
var Moves = []Move{{None, InReview}, {InReview, Passed}, {InReview, Failed}, {Failed, InReview}, {Passed, InReview}}

// Taxpayer is how a company is taxed.
type Taxpayer string

// The kinds of taxpayer.
const (
	General    Taxpayer = "general"
	SmallScale Taxpayer = "small-scale"
)

// Taxpayers in the order they are shown.
var Taxpayers = []Taxpayer{General, SmallScale}

// ServiceFeeRate is the usual rate in percent of a kind of taxpayer (INV-18): what is not entered is this.
func (t Taxpayer) ServiceFeeRate() money.Amount {
	if t == SmallScale {
		return money.Must("3.00")
	}
	return money.Must("6.00")
}

// RealName is the state of the enterprise real-name authentication.
type RealName struct {
	Status string        `db:"status"` // valid, expired or revoked; empty: never authenticated
	Until  calendar.Date `db:"valid_until"`
}

// valid tells whether it holds on a day; the last day counts in full.
func (r RealName) valid(on calendar.Date) bool {
	return r.Status == "valid" && (r.Until.IsZero() || !on.After(r.Until))
}

// Qualification is one dealer qualification. It holds no bank and no tax data (AUT-02).
type Qualification struct {
	From  calendar.Date `db:"valid_from"`
	Until calendar.Date `db:"valid_until"` // zero: no end
}

func (q Qualification) valid(on calendar.Date) bool {
	return !on.Before(q.From) && (q.Until.IsZero() || !on.After(q.Until))
}

// Information is one version of business information.
type Information struct {
	Version           int          `db:"version"              json:"version"`
	Company           string       `db:"company_name"         json:"company_name"`
	CodeType          string       `db:"code_type"            json:"code_type"`
	Code              string       `db:"code"                 json:"code"` // with CodeType the company's identity
	RegisteredAddress string       `db:"registered_address"   json:"registered_address"`
	Contact           string       `db:"contact"              json:"contact"`
	Taxpayer          Taxpayer     `db:"taxpayer_type"        json:"taxpayer_type"`
	ServiceFeeRate    money.Amount `db:"service_fee_tax_rate" json:"service_fee_tax_rate"` // percent
	TaxNumber         string       `db:"tax_number"           json:"tax_number"`
	AccountName       string       `db:"bank_account_name"    json:"bank_account_name"`
	Bank              string       `db:"bank_name"            json:"bank_name"`
	Branch            string       `db:"branch"               json:"branch"`
	AccountNo         string       `db:"account_no"           json:"account_no"`
	Currency          string       `db:"settlement_currency"  json:"settlement_currency"`
	Letter            string       `db:"bank_letter"          json:"bank_letter,omitempty"`
	Status            Status       `db:"status"               json:"status"`
	FailureReason     string       `db:"failure_reason"       json:"failure_reason,omitempty"`
	SubmittedBy       string       `db:"submitted_by"         json:"submitted_by"`
	SubmittedAt       time.Time    `db:"submitted_at"         json:"submitted_at"`
	CertifiedAt       *time.Time   `db:"certified_at"         json:"certified_at,omitempty"`
}

// Facts is what is known about a partner at an instant.
type Facts struct {
	Partner        string
	VerifiedName   string // the real-name subject; empty: none
	RealName       RealName
	Qualifications []Qualification
	Certified      *Information // the newest version that passed; nil: none
	Latest         *Information // the newest version; nil: none
	Entity         string       // the vendor's entity that signs for the partner on the day (INV-13)
}

// Status is where the partner's business information stands. A change that failed leaves what passed before.
func (f Facts) Status() Status {
	switch {
	case f.Latest == nil:
		return None
	case f.Latest.Status == InReview:
		return InReview
	case f.Certified != nil:
		return Passed
	}
	return f.Latest.Status
}

// Changing tells whether a change of certified business information is in review: no settlement step may run (AUT-05).
func (f Facts) Changing() bool { return f.Status() == InReview && f.Certified != nil }

// Certified checks everything that a request for money asks of a partner: the real name, the dealer qualification and the
// business information, none of which replaces another (AUT-01, AUT-04, AUT-09).
func Certified(f Facts, at time.Time) refusal.List {
	var list refusal.List
	refuse := func(rule, code, format string, args ...any) {
		list = append(list, refusal.New(rule, code, "partner "+f.Partner, format, args...))
	}
	on := calendar.DateOf(at)
	if f.VerifiedName == "" || !f.RealName.valid(on) { // AUT-04
		refuse("AUT-04", "AUT_REAL_NAME", "The enterprise real-name authentication is missing or no longer valid; complete it in the account centre.")
	}
	if !slices.ContainsFunc(f.Qualifications, func(q Qualification) bool { return q.valid(on) }) { // AUT-01
		refuse("AUT-01", "AUT_QUALIFICATION", "The dealer qualification certification is not complete; complete it on the partner site.")
	}
	switch status := f.Status(); {
	case f.Changing(): // AUT-05
		refuse("AUT-05", "AUT_IN_REVIEW", "The business information is being changed; settlement waits for the result.")
	case status != Passed: // AUT-01
		refuse("AUT-01", "AUT_BUSINESS_INFO", "The business information is %s, it has to be certified first; look at the company information and complete it.", status)
	}
	return list
}

// Applicants may submit business information for their own partner; OnBehalf are the vendor's people who may for any;
// Deciders pass or fail it.
var (
	Applicants = []person.Role{person.PartnerAdministrator}
	OnBehalf   = []person.Role{person.EcosystemManager}
	Deciders   = []person.Role{person.VendorOperations}
)

// MayAct tells whether a person may submit for a partner (COM-16).
func MayAct(p person.Person, partner string) bool {
	if p.OfVendor() {
		return p.Holds(OnBehalf...)
	}
	return p.PartnerID == partner && p.Holds(Applicants...)
}

// TicketTerm is how long the vendor has to answer a ticket about a failed certification (AUT-07).
var TicketTerm = calendar.MustTerm("P3WD")

func blank(s string) bool { return strings.TrimSpace(s) == "" }
