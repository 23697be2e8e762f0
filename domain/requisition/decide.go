package requisition

import (
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain/approval"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// The matters that a requisition puts to people, beside invoice.Review, which every case with invoices has.
var (
	RequisitionReview = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject}  // may it be paid?
	Send              = approval.Matter{Name: "send", Approve: Sent, Reject: Fail}                           // the transfer leaves (PAY-24)
	Confirm           = approval.Matter{Name: "confirm", Approve: Arrived, Reject: Bounced}                  // what the bank answered
	Mend              = approval.Matter{Name: "mend", Approve: Retry, Reject: approval.Reject}               // what failed is paid again, once (PAY-22)
	SpecialCase       = approval.Matter{Name: "special", Approve: approval.Approve, Reject: approval.Reject} // another method, or taken back (PAY-15)
)

// The words by which payments are answered; those of a bank transfer are a withdrawal's.
const (
	Sent    approval.Outcome = "send"
	Fail    approval.Outcome = "fail"
	Arrived approval.Outcome = "confirm"
	Bounced approval.Outcome = "return"
	Retry   approval.Outcome = "retry"
)

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	matters := []approval.Matter{invoice.Review, RequisitionReview, Send, Confirm, Mend, SpecialCase}
	if i := slices.IndexFunc(matters, func(m approval.Matter) bool { return m.Name == name }); i >= 0 {
		return matters[i]
	}
	return approval.Matter{Name: name}
}

// JudgeArrival checks what a confirmation says of the bank's answer: its reference, and the amount to the fen.
func JudgeArrival(d approval.Decision, settlement money.Amount) refusal.List {
	var list refusal.List
	if strings.TrimSpace(d.Reference) == "" {
		list = append(list, refusal.New("ENG-06", "CBC.0100", "task "+d.Task, "A confirmation carries the bank's reference; enter it."))
	}
	entered, err := money.ParseEntered(d.Amount)
	switch {
	case err != nil:
		list = append(list, refusal.New("COM-02", "CBC.0100", "amount", "%s.", err.Error()))
	case !entered.Equal(settlement):
		list = append(list, refusal.New("INV-18", "CBC.0100", "task "+d.Task, "The bank confirms %s, the settlement amount is %s; nothing is deducted from it, settle the difference first.", entered, settlement))
	}
	return list
}

// Special asks for another method, or to take the request back, after submission (PAY-15).
type Special struct {
	Method Method `json:"method"` // empty: take the request back
	Reason string `json:"reason"` // the special reason; without one nothing changes (PAY-14)
}

// Words says what is asked for.
func (s Special) Words(now Method) string {
	if s.Method == "" {
		return "take the request back"
	}
	return "change " + string(now) + " to " + string(s.Method)
}

// Submitted is a requisition as a special case finds it.
type Submitted struct {
	Case    string
	Partner string
	State   State
	Method  Method
	Gross   money.Amount
	Groups  []Group // of its bills
	Moved   bool    // money is on its way: a transfer was sent
	Asked   bool    // a special case waits for its answer
}

// JudgeSpecial checks whether a special case may be asked for. After submission the method is fixed and the request cannot
// be withdrawn (PAY-14), but for a special reason, while no money has moved (PAY-15).
func JudgeSpecial(by *person.Person, id string, s Special, r Submitted, p Policy) refusal.List {
	var list refusal.List
	object := "case " + r.Case
	refuse := func(rule, code, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch {
	case by == nil:
		refuse("COM-16", "CBC.0151", "There is no person %q; speak as somebody who is registered.", id)
	case !MayAct(*by, r.Partner):
		refuse("COM-16", "CBC.0151", "%s may not act for partner %s; ask the partner's administrator or the ecosystem manager.", by.Name, r.Partner)
	}
	if utf8.RuneCountInString(s.Reason) > 500 || strings.Contains(s.Reason, "\x00") {
		refuse("ENG-06", "CBC.0100", "The reason has at most 500 characters.")
	}
	if strings.TrimSpace(s.Reason) == "" {
		refuse("PAY-14", "PAY_METHOD_FIXED", "The method cannot be changed and the request cannot be withdrawn after submission; for a special reason ask the vendor with --reason.")
	}
	if r.Asked {
		refuse("PAY-15", "ENG_STATE", "A special case of this request waits for its answer; wait for it.")
	}
	return append(list, JudgeChange(s, r, p)...)
}

// JudgeChange checks whether what a special case asks for is possible now: when it is asked, and when it is granted.
func JudgeChange(s Special, r Submitted, p Policy) refusal.List {
	var list refusal.List
	object := "case " + r.Case
	refuse := func(rule, code, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	if s.Method != "" {
		fits := !slices.ContainsFunc(r.Groups, func(g Group) bool { return !g.Allows(s.Method) })
		switch {
		case !slices.Contains(Methods, s.Method) || s.Method == r.Method:
			refuse("PAY-01", "CBC.0100", "%q is not another method; choose one of %s.", s.Method, join(Methods))
		case !fits:
			refuse("PAY-07", "PAY_METHOD_NOT_ALLOWED", "%s is not available for every bill of the request.", s.Method)
		case s.Method.NeedsInvoice() && !r.Method.NeedsInvoice():
			refuse("PAY-15", "ENG_STATE", "The request has no invoice list, which %s needs; take it back and apply anew.", s.Method)
		}
	}
	switch {
	case r.State == Completed || r.Moved: // PAY-15
		refuse("PAY-15", "PAY_ALREADY_PAID", "Money has already moved; see the standing ways: withdraw it, or top up from the bank (PAY-16).")
	case r.State == Rejected:
		refuse("ENG-03", "ENG_STATE", "The request was rejected; its bills are free, apply anew.")
	}
	if s.Method.HasMinimum() && r.Gross.Cmp(p.Minimum) < 0 {
		refuse("PAY-21", "PAY_MINIMUM", "The total is %s, %s asks for at least %s.", r.Gross, s.Method, p.Minimum)
	}
	return list
}

// JudgeAutomatic checks whether the automatic release of a row group may be switched: by the partner, to a method of the group
// (PAY-23).
func JudgeAutomatic(by *person.Person, id, partner string, g Group, m Method) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch {
	case by == nil:
		refuse("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)
	case by.OfVendor() || !MayAct(*by, partner):
		refuse("PAY-23", "CBC.0151", "person "+id, "The automatic release is switched by the partner itself; ask its administrator.")
	}
	switch {
	case !slices.Contains(Groups, g):
		refuse("PAY-23", "CBC.0100", "row group", "There is no row group %q; choose new-resale or others.", g)
	case m != "" && !g.Allows(m):
		refuse("PAY-23", "PAY_METHOD_NOT_ALLOWED", "row group "+string(g), "%q is not available for %s; choose one of %s.", m, g, join(g.Allowed()))
	}
	return list
}
