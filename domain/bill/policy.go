package bill

import (
	"cmp"
	"errors"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Policy is the programme's parameters for reconciliations. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	OperationsRole person.Role   `json:"operations_role"  yaml:"operations_role"`  // reviews the release where Approval has no steps, presents anew, moves bills between accounts
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReleaseTerm    calendar.Term `json:"release_term"     yaml:"release_term"`     // from confirmation to escalation, where Approval has no steps
	PresentTerm    calendar.Term `json:"present_term"     yaml:"present_term"`     // from rejection to escalation: time to recalculate
	CheckDays      int           `json:"check_days"       yaml:"check_days"`       // calendar days that the partner has at least when bills come late or anew
	RemindDays     int           `json:"remind_days"      yaml:"remind_days"`      // calendar days before the deadline of the reminder; 0: none
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the review of the release; without steps one step by OperationsRole
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "amount", Type: condition.Amount, Words: "the sum of the bills"},
	{Name: "period", Type: condition.Text, Words: "the period"},
	{Name: "partner_kind", Type: condition.Text, Words: "the kind of partner", Values: []string{"solution-provider", "distributor", "reseller"}},
	{Name: "entity", Type: condition.Text, Words: "the contracting entity"},
	{Name: "by_system", Type: condition.Flag, Words: "the confirmation by the deadline"},
}

// Values are a reconciliation's data for the conditions.
func Values(amount money.Amount, period, partnerKind, entity string, bySystem bool) condition.Values {
	v := condition.Values{"amount": amount.NotBelowZero().String(), "period": period, "partner_kind": partnerKind, "entity": entity, "by_system": "false"}
	if bySystem {
		v["by_system"] = "true"
	}
	return v
}

// Chain is the chain of a matter.
func (p Policy) Chain(matter string) approval.Chain {
	one := func(due calendar.Term) approval.Chain {
		return approval.Chain{Owner: p.EscalationRole, Steps: []approval.Step{{
			Name: matter, Who: []approval.Candidate{{Role: p.OperationsRole}}, Due: due, Escalate: p.EscalationRole,
		}}}
	}
	if matter == Present.Name {
		return one(p.PresentTerm)
	}
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = one(p.ReleaseTerm).Steps
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent.
func DefaultPolicy() Policy {
	return Policy{
		OperationsRole: person.VendorOperations, EscalationRole: person.FinanceManager,
		ReleaseTerm: calendar.MustTerm("P2WD"), PresentTerm: calendar.MustTerm("P5WD"),
		CheckDays: 7, RemindDays: 3,
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
	fault(p.OperationsRole == "" || p.EscalationRole == "", "operations_role and escalation_role name a role each")
	fault(p.ReleaseTerm.IsZero() || p.PresentTerm.IsZero(), "release_term and present_term are terms such as P2WD")
	fault(p.CheckDays < 1, "check_days is at least 1")
	fault(p.RemindDays < 0, "remind_days is 0 or more")
	if err := p.Chain(Release.Name).Check(Fields, Present.Name, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
