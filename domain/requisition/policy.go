package requisition

import (
	"cmp"
	"errors"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Policy is the programme's parameters for requisitions. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	CutOver        time.Time     `json:"cut_over"         yaml:"cut_over"`         // resale incentive generated since then is new (PAY-04)
	Minimum        money.Amount  `json:"minimum"          yaml:"minimum"`          // of a request by bank or cloud account (PAY-20, PAY-21)
	AutomaticDays  int           `json:"automatic_days"   yaml:"automatic_days"`   // from the generation of a bill to the automatic request (PAY-19)
	InvoiceTerm    calendar.Term `json:"invoice_term"     yaml:"invoice_term"`     // from submission to the date shown for the invoice (INV-12)
	ReviewRole     person.Role   `json:"review_role"      yaml:"review_role"`      // reviews invoices and requisitions, where Approval has no steps
	PaymentRole    person.Role   `json:"payment_role"     yaml:"payment_role"`     // sends and confirms
	ServiceRole    person.Role   `json:"service_role"     yaml:"service_role"`     // mends what failed, decides special cases (PAY-15, PAY-22)
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue
	ReviewTerm     calendar.Term `json:"review_term"      yaml:"review_term"`      // from acceptance of the invoice to escalation, where Approval has no steps
	StartTerm      calendar.Term `json:"start_term"       yaml:"start_term"`       // from the review to the start of the payment (PAY-24)
	ArrivalTerm    calendar.Term `json:"arrival_term"     yaml:"arrival_term"`     // from the start of the payment to the bank's answer
	AlarmDays      int           `json:"alarm_days"       yaml:"alarm_days"`       // from the receipt of a correct invoice (PAY-25)
	AnswerTerm     calendar.Term `json:"answer_term"      yaml:"answer_term"`      // of a special case (PAY-15)
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the requisition review; without steps one step by ReviewRole
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent.
func DefaultPolicy() Policy {
	return Policy{
		CutOver: time.Date(2023, time.October, 1, 0, 0, 0, 0, calendar.Zone), // PAY-04
		Minimum: money.Must("1000.00"), AutomaticDays: 5, InvoiceTerm: calendar.MustTerm("P30D"),
		ReviewRole: person.VendorFinance, PaymentRole: person.VendorFinance, ServiceRole: person.VendorOperations, EscalationRole: person.FinanceManager,
		ReviewTerm: calendar.MustTerm("P2WD"), StartTerm: calendar.MustTerm("P2WD"), ArrivalTerm: calendar.MustTerm("P7WD"),
		AlarmDays: 30, AnswerTerm: calendar.MustTerm("P2WD"), DecideBySignal: true,
	}
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "amount", Type: condition.Amount, Words: "the amount to be settled"},
	{Name: "method", Type: condition.Text, Words: "the method", Values: []string{string(Voucher), string(Bank), string(Cloud), string(CloudOwed)}},
	{Name: "scope", Type: condition.Text, Words: "how the bills were chosen", Values: []string{string(MergedAll), string(Selected), string(Automatic)}},
	{Name: "partner_kind", Type: condition.Text, Words: "the kind of partner", Values: []string{"solution-provider", "distributor", "reseller"}},
	{Name: "entity", Type: condition.Text, Words: "the signing entity"},
}

// Values are a requisition's data for the conditions.
func Values(amount money.Amount, m Method, s Scope, partnerKind, entity string) condition.Values {
	return condition.Values{"amount": amount.String(), "method": string(m), "scope": string(s), "partner_kind": partnerKind, "entity": entity}
}

// Chain is the chain of a matter. All but the review are one step each.
func (p Policy) Chain(matter string) approval.Chain {
	one := func(role person.Role, due calendar.Term) approval.Chain {
		return approval.Chain{Owner: p.EscalationRole, Steps: []approval.Step{{Name: matter, Who: []approval.Candidate{{Role: role}}, Due: due, Escalate: p.EscalationRole}}}
	}
	switch matter {
	case Send.Name: // PAY-24
		return one(p.PaymentRole, p.StartTerm)
	case Confirm.Name:
		return one(p.PaymentRole, p.ArrivalTerm)
	case Mend.Name:
		return one(p.ServiceRole, p.StartTerm)
	case SpecialCase.Name: // PAY-15
		return one(p.ServiceRole, p.AnswerTerm)
	}
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = one(p.ReviewRole, p.ReviewTerm).Steps
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, sentence string) {
		if wrong {
			faults = append(faults, errors.New(sentence))
		}
	}
	fault((p.ReviewRole == "" && len(p.Approval.Steps) == 0) || p.PaymentRole == "" || p.ServiceRole == "" || p.EscalationRole == "",
		"review_role, payment_role, service_role and escalation_role name a role each")
	fault(p.InvoiceTerm.IsZero() || p.ReviewTerm.IsZero() || p.StartTerm.IsZero() || p.ArrivalTerm.IsZero() || p.AnswerTerm.IsZero(),
		"invoice_term, review_term, start_term, arrival_term and answer_term are terms such as P7WD, P7D or 90s")
	fault(p.CutOver.IsZero(), "cut_over is an instant")
	fault(p.Minimum.Sign() < 0, "minimum is an amount, or 0.00 for none")
	fault(p.AutomaticDays < 0 || p.AlarmDays < 1, "automatic_days is at least 0, alarm_days at least 1")
	if err := p.Chain(RequisitionReview.Name).Check(Fields, Send.Name, Confirm.Name, Mend.Name, "invoice-review", "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// InvoiceDue is the date shown for the invoice: what is sent later is late, and accepted (INV-12).
func (p Policy) InvoiceDue(submitted time.Time, days *calendar.Calendar) (calendar.Date, error) {
	closes, err := p.InvoiceTerm.Closes(submitted, days)
	return calendar.DateOf(closes), err
}

// AlarmAt is when a payment is overdue as a whole: the last of the days after the receipt of a correct invoice counts in
// full (PAY-25).
func (p Policy) AlarmAt(received time.Time) time.Time {
	return calendar.DateOf(received).AddDays(p.AlarmDays + 1).Start()
}

// AutomaticAt is when bills that were generated at an instant are requested: at 00:00 of the fifth day after (PAY-19).
func (p Policy) AutomaticAt(generated time.Time) time.Time {
	return calendar.DateOf(generated).AddDays(p.AutomaticDays).Start()
}
