package specialist

import (
	"cmp"
	"errors"
	"slices"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/person"
)

// Policy is the programme's parameters for project specialists. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"      yaml:"review_role"`      // decides where a chain has no steps
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term `json:"review_term"      yaml:"review_term"`      // of an application
	CancelTerm     calendar.Term `json:"cancel_term"      yaml:"cancel_term"`      // of a cancellation
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval     approval.Chain `json:"approval,omitzero"     yaml:"approval"`     // of an application
	Cancellation approval.Chain `json:"cancellation,omitzero" yaml:"cancellation"` // of a cancellation
}

// The matters that a case puts to the vendor.
var (
	ReviewMatter = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject}
	CancelMatter = approval.Matter{Name: "cancellation", Approve: approval.Approve, Reject: approval.Reject}
)

// Matters lists them.
var Matters = []approval.Matter{ReviewMatter, CancelMatter}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if i := slices.IndexFunc(Matters, func(m approval.Matter) bool { return m.Name == name }); i >= 0 {
		return Matters[i]
	}
	return approval.Matter{Name: name}
}

// Verdict is what a matter's outcome leads to.
type Verdict struct {
	To   State
	Rule string
}

// VerdictOf says what an outcome of a matter means for the case.
func VerdictOf(m approval.Matter, outcome approval.Outcome) Verdict {
	approved := outcome == approval.Approve
	switch {
	case m.Name == CancelMatter.Name && approved:
		return Verdict{CancelApproved, "ORG-42"}
	case m.Name == CancelMatter.Name:
		return Verdict{CancelRejected, "ORG-42"}
	case approved:
		return Verdict{Recognised, "ORG-38"}
	}
	return Verdict{Rejected, "ORG-38"}
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{{Name: "path", Type: condition.Text, Words: "the path", Values: []string{"SVC", "SI", "LRN"}}}

// Values are a case's data for the conditions.
func Values(p Path) condition.Values { return condition.Values{"path": string(p)} }

// DefaultPolicy is our own: the rule book has no terms.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: Operators[0], EscalationRole: person.EcosystemManager, ReviewTerm: calendar.MustTerm("P5WD"), CancelTerm: calendar.MustTerm("P5WD"), DecideBySignal: true,
	}
}

// Chain is the chain of a matter.
func (p Policy) Chain(m approval.Matter) approval.Chain {
	c, term := p.Approval, p.ReviewTerm
	if m.Name == CancelMatter.Name {
		c, term = p.Cancellation, p.CancelTerm
	}
	if len(c.Steps) == 0 {
		c.Steps = []approval.Step{{Name: m.Name, Who: []approval.Candidate{{Role: p.ReviewRole}}, Due: term, Escalate: p.EscalationRole}}
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	if (p.ReviewRole == "" && (len(p.Approval.Steps) == 0 || len(p.Cancellation.Steps) == 0)) || p.EscalationRole == "" {
		faults = append(faults, errors.New("review_role and escalation_role name a role each"))
	}
	if p.ReviewTerm.IsZero() || p.CancelTerm.IsZero() {
		faults = append(faults, errors.New("review_term and cancel_term are terms such as P5WD or P7D"))
	}
	for i, m := range Matters { // tasks are named after their steps, so that no step of one matter bears the name of one of the other
		var taken []string
		for _, step := range p.Chain(Matters[1-i]).Steps {
			taken = append(taken, step.Name)
		}
		if err := p.Chain(m).Check(Fields, taken...); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
