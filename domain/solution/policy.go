package solution

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/person"
)

// Policy is the programme's parameters for certifying solutions. A case takes the newest version with each submission.
type Policy struct {
	Version        int           `json:"version"             yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"         yaml:"review_role"`      // the first node, where Approval has no steps
	ArchitectRole  person.Role   `json:"architect_role"      yaml:"architect_role"`   // the second
	EscalationRole person.Role   `json:"escalation_role"     yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term `json:"review_term"         yaml:"review_term"`      // of each node
	Months         int           `json:"months"              yaml:"months"`           // that a certificate holds (CERT-06, CERT-07)
	WindowDays     int           `json:"window_days"         yaml:"window_days"`      // before its end in which it can be renewed (CERT-08, CERT-09)
	ReminderDays   []int         `json:"reminder_days"       yaml:"reminder_days"`    // before the day of expiry, the earliest reminder first (CERT-22)
	Materials      []string      `json:"materials,omitempty" yaml:"materials"`        // types that a submission cannot lack
	DecideBySignal bool          `json:"decide_by_signal"    yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the nodes; without steps ReviewRole, then ArchitectRole
}

// Certification is the one matter of a solution: is it fit to be certified, for the first time or again?
var Certification = approval.Matter{Name: "certification", Approve: approval.Approve, Reject: approval.Reject}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if name == Certification.Name {
		return Certification
	}
	return approval.Matter{Name: name}
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "type", Type: condition.Text, Words: "the solution's type", Values: []string{string(Cloud), string(Advanced)}},
	{Name: "renewal", Type: condition.Text, Words: "whether it is certified anew", Values: []string{"yes", "no"}},
}

// Values are a submission's data for the conditions.
func Values(t Type, renewal bool) condition.Values {
	again := "no"
	if renewal {
		again = "yes"
	}
	return condition.Values{"type": string(t), "renewal": again}
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent: who reviews, how long, and which materials are
// asked for.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: "certification-reviewer", ArchitectRole: "solution-architect", EscalationRole: person.VendorOperations, ReviewTerm: calendar.MustTerm("P14D"),
		Months: 12, WindowDays: 60, ReminderDays: []int{60, 30, 7, 0}, Materials: []string{Description, Deployment}, DecideBySignal: true,
	}
}

// Chain is who approves: each step is a node (CERT-04, CERT-05).
func (p Policy) Chain() approval.Chain {
	c := p.Approval
	if len(c.Steps) == 0 {
		node := func(name string, role person.Role) approval.Step {
			return approval.Step{Name: name, Who: []approval.Candidate{{Role: role}}, Due: p.ReviewTerm, Escalate: p.EscalationRole}
		}
		c.Steps = []approval.Step{node("certification-review", p.ReviewRole), node("architecture-review", p.ArchitectRole)}
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
	named := len(p.Approval.Steps) > 0
	fault((p.ReviewRole == "" || p.ArchitectRole == "") && !named, "review_role and architect_role name a role each, or approval has steps")
	fault(p.EscalationRole == "", "escalation_role names a role")
	fault(p.ReviewTerm.IsZero() && !named, "review_term is a term such as P14D")
	fault(p.Months < 1, "months is at least 1")
	fault(p.WindowDays < 1 || p.WindowDays > 28*max(p.Months, 1), "window_days is at least 1, and the window is not longer than the certificate holds")
	for i, days := range p.ReminderDays {
		fault(days < 0 || days > p.WindowDays || i > 0 && days >= p.ReminderDays[i-1], "reminder_days go down from at most window_days to at least 0; %d does not fit", days)
	}
	for _, m := range p.Materials {
		fault(!slices.Contains(MaterialTypes, m), "materials names %q; the types are %s", m, strings.Join(MaterialTypes, ", "))
	}
	if err := p.Chain().Check(Fields, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
