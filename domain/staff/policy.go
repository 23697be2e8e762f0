package staff

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Policy is the programme's parameters for dedicated staff. A case keeps the version it was opened under.
type Policy struct {
	Version        int                       `json:"version"                yaml:"-"`                // set by the database
	ReviewRole     person.Role               `json:"review_role"            yaml:"review_role"`      // the preliminary review, where Approval has no steps
	EscalationRole person.Role               `json:"escalation_role"        yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term             `json:"review_term"            yaml:"review_term"`      // of the preliminary review
	ConfirmTerm    calendar.Term             `json:"confirm_term"           yaml:"confirm_term"`     // of a listed month (FHM-08)
	CloudMonths    int                       `json:"cloud_months"           yaml:"cloud_months"`     // that a pre-sales specialist has more than in cloud work (FHM-05)
	UsesPerYear    int                       `json:"uses_per_year"          yaml:"uses_per_year"`    // of a pre-sales specialist in a funding year (FHM-05)
	Certificates   []string                  `json:"certificates,omitempty" yaml:"certificates"`     // that qualify a pre-sales specialist; none named: any does
	Rates          map[Scenario]money.Amount `json:"rates,omitempty"        yaml:"rates"`            // for a specialist and month; a scheme without one cannot be requested
	DecideBySignal bool                      `json:"decide_by_signal"       yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the preliminary review; without steps one step by ReviewRole
}

// Review is the one matter of a request: do the month's specialists and proofs hold?
var Review = approval.Matter{Name: "preliminary-review", Approve: "pass", Reject: "fail"}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if name == Review.Name {
		return Review
	}
	return approval.Matter{Name: name}
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "amount", Type: condition.Amount, Words: "the month's amount"},
	{Name: "scenario", Type: condition.Text, Words: "the scheme", Values: []string{string(PreSales), string(Expert), string(CapabilityCentre)}},
}

// Values are a request's data for the conditions.
func Values(amount money.Amount, scenario Scenario) condition.Values {
	return condition.Values{"amount": amount.String(), "scenario": string(scenario)}
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent. The rates are nobody's to guess: a programme sets
// them before its partners can request.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: Operators[0], EscalationRole: person.FinanceManager, ReviewTerm: calendar.MustTerm("P5WD"), ConfirmTerm: calendar.MustTerm("P14WD"),
		CloudMonths: 6, UsesPerYear: 2, DecideBySignal: true,
	}
}

// Chain is the chain of the preliminary review.
func (p Policy) Chain() approval.Chain {
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = []approval.Step{{Name: Review.Name, Who: []approval.Candidate{{Role: p.ReviewRole}}, Due: p.ReviewTerm, Escalate: p.EscalationRole}}
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault((p.ReviewRole == "" && len(p.Approval.Steps) == 0) || p.EscalationRole == "", "review_role and escalation_role name a role each")
	fault(p.ReviewTerm.IsZero() || p.ConfirmTerm.IsZero(), "review_term and confirm_term are terms such as P14WD or P7D")
	fault(p.CloudMonths < 0 || p.UsesPerYear < 1, "cloud_months is at least 0, uses_per_year at least 1")
	for _, s := range sortedScenarios(p.Rates) {
		fault(!slices.Contains(Scenarios, s), "rates names %q; the schemes are %s", s, scenarioWords)
		fault(p.Rates[s].Sign() <= 0, "the rate of %s is greater than 0", s)
	}
	if err := p.Chain().Check(Fields, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func sortedScenarios(rates map[Scenario]money.Amount) []Scenario {
	var all []Scenario
	for s := range rates {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}
