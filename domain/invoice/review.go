package invoice

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/business"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Review is the matter that an arrived package puts to the vendor's finance.
var Review = approval.Matter{Name: "invoice-review", Approve: Pass, Reject: Fail}

// The words by which it is answered.
const (
	Pass approval.Outcome = "pass"
	Fail approval.Outcome = "fail"
)

// Chain is who reviews, and until when.
func Chain(reviewer, owner person.Role) approval.Chain {
	return approval.Chain{Owner: owner, Steps: []approval.Step{{
		Name: Review.Name, Who: []approval.Candidate{{Role: reviewer}}, Due: ReviewTerm, Escalate: owner, // INV-14: an alarm, no gate
	}}}
}

// Items are what an invoice states beside number, date, amounts, rate and buyer (INV-20).
type Items struct {
	Company     string `json:"company"            yaml:"company"`
	Licence     string `json:"licence"            yaml:"licence"` // business licence
	Account     string `json:"account"            yaml:"account"`
	Bank        string `json:"bank"               yaml:"bank"`
	BankAddress string `json:"bank_address"       yaml:"bank_address"`
	Address     string `json:"registered_address" yaml:"registered_address"`
	TaxNumber   string `json:"tax_number"         yaml:"tax_number"`
	Requisition string `json:"requisition_no"     yaml:"requisition_no"` // the number of the case
	Service     string `json:"service_item"       yaml:"service_item"`
	Period      string `json:"settlement_period"  yaml:"settlement_period"`
	UnitPrice   string `json:"unit_price"         yaml:"unit_price"` // without tax
	Subtotal    string `json:"subtotal"           yaml:"subtotal"`   // without tax
}

// Value keeps the items as JSON.
func (i Items) Value() (driver.Value, error) {
	text, err := json.Marshal(i)
	return string(text), err
}

// Scan reads what Value wrote.
func (i *Items) Scan(src any) error {
	text, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("scan items: unexpected %T", src)
	}
	return json.Unmarshal(text, i)
}

func (i Items) texts() []string {
	return []string{i.Company, i.Licence, i.Account, i.Bank, i.BankAddress, i.Address, i.TaxNumber, i.Requisition, i.Service, i.Period, i.UnitPrice, i.Subtotal}
}

// ItemsOf is what an invoice that keeps to its list states; unit price and subtotal are its amount without tax.
func ItemsOf(l List, net string) Items {
	s := l.Supplier
	return Items{
		Company: s.Name, Licence: s.Licence, Account: s.AccountNo, Bank: strings.TrimSpace(s.Bank + " " + s.Branch), BankAddress: s.BankAddress, Address: s.Address,
		TaxNumber: s.TaxNumber, Requisition: l.Case, Service: l.ServiceItem, Period: l.Period, UnitPrice: net, Subtotal: net,
	}
}

// Finding is one reason for which a review fails.
type Finding struct {
	Rule    string `json:"rule"`
	Reason  string `json:"reason"` // "MISSING_REQUISITION_NO"; stable, for machines
	Invoice string `json:"invoice"`
	Words   string `json:"words"`
}

// Findings compares the invoices of a package with their list: what is required and missing (INV-20), and what differs. An
// item that the list itself does not know is not asked for.
func Findings(l List, invoices []Invoice) []Finding {
	var out []Finding
	like := ItemsOf(l, "-")
	for _, i := range invoices {
		find := func(rule, reason, format string, args ...any) {
			out = append(out, Finding{Rule: rule, Reason: reason, Invoice: i.Name(), Words: fmt.Sprintf(format, args...)})
		}
		for n, item := range items {
			if have, want := item.of(i.Items), item.of(like); blank(have) && !blank(want) {
				find("INV-20", "MISSING_"+items[n].reason, "the %s is missing", item.words)
			}
		}
		switch {
		case blank(i.Buyer):
			find("INV-20", "MISSING_BUYER", "the buyer is missing")
		case i.Buyer != l.Buyer: // INV-13
			find("INV-13", "WRONG_BUYER", "the buyer is %q, it has to be %q", i.Buyer, l.Buyer)
		}
		switch {
		case i.Currency == "":
			find("INV-20", "MISSING_CURRENCY", "the currency is missing")
		case i.Currency != l.Currency: // INV-21
			find("INV-21", "WRONG_CURRENCY", "the currency is %s, the settlement currency is %s", i.Currency, l.Currency)
		}
		if i.Rate != l.Rate {
			find("INV-18", "WRONG_RATE", "the tax rate is %s, the list says %s", i.Rate.Percent(), l.Rate.Percent())
		}
		if have := i.Items.Requisition; !blank(have) && have != l.Case {
			find("INV-20", "WRONG_REQUISITION_NO", "the requisition number is %q, it has to be %s", have, l.Case)
		}
	}
	return out
}

// items are the required ones that a person could leave out.
var items = []struct {
	reason, words string
	of            func(Items) string
}{
	{"COMPANY", "company name", func(i Items) string { return i.Company }},
	{"LICENCE", "business licence", func(i Items) string { return i.Licence }},
	{"ACCOUNT", "account", func(i Items) string { return i.Account }},
	{"BANK", "bank name", func(i Items) string { return i.Bank }},
	{"BANK_ADDRESS", "bank's address", func(i Items) string { return i.BankAddress }},
	{"REGISTERED_ADDRESS", "registered address", func(i Items) string { return i.Address }},
	{"TAX_NUMBER", "tax number", func(i Items) string { return i.TaxNumber }},
	{"REQUISITION_NO", "requisition number", func(i Items) string { return i.Requisition }},
	{"SERVICE_ITEM", "service item", func(i Items) string { return i.Service }},
	{"SETTLEMENT_PERIOD", "settlement period", func(i Items) string { return i.Period }},
	{"UNIT_PRICE", "unit price without tax", func(i Items) string { return i.UnitPrice }},
	{"SUBTOTAL", "subtotal without tax", func(i Items) string { return i.Subtotal }},
}

// Reasons lists what was found, each once.
func Reasons(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		if !slices.Contains(out, f.Reason) {
			out = append(out, f.Reason)
		}
	}
	return out
}

// JudgeReview checks a review before its result is kept: a package with findings cannot pass.
func JudgeReview(l List, pass bool, findings []Finding) refusal.List {
	var list refusal.List
	if l.State != InReview {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "list "+l.No, "The invoices of the list are %s; only those that arrived are reviewed.", l.State))
	}
	if !pass {
		return list
	}
	for _, f := range findings {
		list = append(list, refusal.New(f.Rule, "PRG.INV."+strings.TrimPrefix(f.Rule, "INV-"), "invoice "+f.Invoice,
			"Invoice %s cannot pass, %s; answer fail with the reason %s.", f.Invoice, f.Words, f.Reason))
	}
	return list
}

// JudgeRate checks whether the rate of a list fits the taxpayer type of the certified business information as it is now. If it
// does not, nothing is paid: the request is rejected, the partner corrects its taxpayer type and applies anew (INV-19).
func JudgeRate(l List, now business.Taxpayer) refusal.List {
	if fits(now, l.Rate) {
		return nil
	}
	return refusal.List{refusal.New("INV-19", "PRG.INV.19", "list "+l.No,
		"The invoices are at %s, which does not fit a %s taxpayer; reject the request, the partner corrects its taxpayer type and applies anew.", l.Rate.Percent(), now)}
}

// JudgeArrival checks whether somebody may record that a package arrived.
func JudgeArrival(by *person.Person, id string, l List) refusal.List {
	list := receiver(by, id, "case "+l.Case)
	if l.State != InTransit {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "list "+l.No, "The invoices of the list are %s; only those in transit arrive.", l.State))
	}
	return list
}

func receiver(by *person.Person, id, object string) refusal.List {
	switch {
	case by == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)}
	case !by.OfVendor() || !by.Holds(Receivers...):
		return refusal.List{refusal.New("COM-16", "CBC.0151", object, "%s does not hold the role %s; somebody with that role does this.", by.Name, Receivers[0])}
	}
	return nil
}

// Ticket asks for an ordinary invoice back that was sent by mistake.
type Ticket struct {
	Case          string `json:"case"`
	Person        string `json:"person"`
	Key           string `json:"key"`
	Number        string `json:"number"`
	ReturnAddress string `json:"return_address"`
	Recipient     string `json:"recipient"`
}

// JudgeTicket checks a ticket: it names the invoice, the return address and the recipient (INV-06).
func JudgeTicket(t Ticket, by *person.Person, partner string) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch {
	case by == nil:
		refuse("COM-16", "CBC.0151", "person "+t.Person, "There is no person %q; speak as somebody who is registered.", t.Person)
	case !MaySend(*by, partner):
		refuse("COM-16", "CBC.0151", "case "+t.Case, "%s may not ask for invoices of partner %s; ask the partner's administrator for the permission.", by.Name, partner)
	}
	if !approval.Fits(64, t.Case, t.Person, t.Key, t.Number) || !approval.Fits(500, t.ReturnAddress, t.Recipient) {
		refuse("COM-03", "CBC.0100", "ticket", "The texts of a ticket are too long, or hold NUL characters; shorten them.")
	}
	if Number(t.Number) == "" {
		refuse("INV-06", "INV_NUMBER_MISSING", "ticket", "Name the number of the ordinary invoice that is to come back.")
	}
	if blank(t.ReturnAddress) || blank(t.Recipient) { // INV-06
		refuse("INV-06", "INV_RETURN_ADDRESS", "ticket", "The ticket lacks the return address or the recipient; enter both, the invoice is sent back there.")
	}
	return list
}

// Words are a ticket in one line, for the case's history.
func (t Ticket) Words() string {
	return fmt.Sprintf("invoice %s back to %s, %s", Number(t.Number), strings.TrimSpace(t.Recipient), strings.TrimSpace(t.ReturnAddress))
}

// JudgeReturned checks whether somebody may record that an ordinary invoice was sent back.
func JudgeReturned(by *person.Person, id, ticket, trackingNo string) refusal.List {
	list := receiver(by, id, "ticket "+ticket)
	if blank(trackingNo) || !approval.Fits(64, trackingNo) {
		list = append(list, refusal.New("INV-06", "CBC.0100", "ticket "+ticket, "Enter the carrier's tracking number under which the invoice goes back, in 64 characters at most."))
	}
	return list
}
