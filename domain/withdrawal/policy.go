package withdrawal

import (
	"cmp"
	"errors"
	"strconv"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Policy is the programme's parameters for withdrawals. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"      yaml:"review_role"`      // approves or rejects, where Approval has no steps
	PaymentRole    person.Role   `json:"payment_role"     yaml:"payment_role"`     // sends and confirms
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term `json:"review_term"      yaml:"review_term"`      // from submission to escalation, where Approval has no steps
	ArrivalTerm    calendar.Term `json:"arrival_term"     yaml:"arrival_term"`     // from approval to escalation (WDL-16, WDL-22)
	WalletTerm     calendar.Term `json:"wallet_term"      yaml:"wallet_term"`      // the same for wallets on the original route (WDL-17)
	RiskAmount     money.Amount  `json:"risk_amount"      yaml:"risk_amount"`      // wallet money from this amount up is reviewed by people
	CodeTerm       calendar.Term `json:"code_term"        yaml:"code_term"`        // life of a verification code
	CodeTries      int           `json:"code_tries"       yaml:"code_tries"`       // tries that a code allows: after so many wrong ones even the right one is refused
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the review; without steps one step by ReviewRole
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "amount", Type: condition.Amount, Words: "the amount"},
	{Name: "route", Type: condition.Text, Words: "the route", Values: []string{string(Original), string(BankCard), string(Incentive)}},
	{Name: "partner_kind", Type: condition.Text, Words: "the kind of partner", Values: []string{"solution-provider", "distributor", Reseller}},
	{Name: "entity", Type: condition.Text, Words: "the contracting entity"},
	{Name: "on_behalf", Type: condition.Flag, Words: "the application by the vendor on the partner's behalf"},
}

// Values are a withdrawal's data for the conditions.
func Values(amount money.Amount, route Route, partnerKind, entity string, onBehalf bool) condition.Values {
	return condition.Values{
		"amount": amount.String(), "route": string(route), "partner_kind": partnerKind, "entity": entity, "on_behalf": strconv.FormatBool(onBehalf),
	}
}

// Chain is the chain of a matter. Send, confirm and late return are one step each, by the payment role.
func (p Policy) Chain(matter string) approval.Chain {
	one := func(role person.Role, due calendar.Term, escalate person.Role) approval.Chain {
		return approval.Chain{Owner: p.EscalationRole, Steps: []approval.Step{{Name: matter, Who: []approval.Candidate{{Role: role}}, Due: due, Escalate: escalate}}}
	}
	switch matter {
	case Send.Name, Confirm.Name:
		return one(p.PaymentRole, p.ArrivalTerm, p.EscalationRole)
	case LateReturn.Name:
		return one(p.PaymentRole, p.ReviewTerm, p.EscalationRole)
	}
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = one(p.ReviewRole, p.ReviewTerm, p.EscalationRole).Steps
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	if c.ChangesTerm.IsZero() {
		c.ChangesTerm = calendar.MustTerm("P30D") // nothing waits for ever
	}
	return c
}

// ApprovesByRule tells whether nobody reviews it: wallet money on the original route without a risk flag (WDL-17).
func (p Policy) ApprovesByRule(route Route, source Source, amount money.Amount) bool {
	return route == Original && source.wallet() && amount.Cmp(p.RiskAmount) < 0
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: person.VendorFinance, PaymentRole: person.VendorFinance, EscalationRole: person.FinanceManager,
		ReviewTerm: calendar.MustTerm("P2WD"), ArrivalTerm: calendar.MustTerm("P7WD"), WalletTerm: calendar.MustTerm("P1WD"),
		RiskAmount: money.Must("50000.00"),
		CodeTerm:   calendar.MustTerm("5m"), CodeTries: 5,
		DecideBySignal: true,
	}
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, sentence string) {
		if wrong {
			faults = append(faults, errors.New(sentence))
		}
	}
	fault((p.ReviewRole == "" && len(p.Approval.Steps) == 0) || p.PaymentRole == "" || p.EscalationRole == "", "review_role, payment_role and escalation_role name a role each")
	fault(p.ReviewTerm.IsZero() || p.ArrivalTerm.IsZero() || p.WalletTerm.IsZero() || p.CodeTerm.IsZero(),
		"review_term, arrival_term, wallet_term and code_term are terms such as P7WD, P7D or 90s")
	fault(p.RiskAmount.Sign() <= 0, "risk_amount is an amount greater than 0")
	fault(p.CodeTries < 1, "code_tries is at least 1")
	if err := p.Chain(Review.Name).Check(Fields, Send.Name, Confirm.Name, LateReturn.Name, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
