package lab

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/person"
)

// Policy is the programme's parameters for lab credits. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"               yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"           yaml:"review_role"`      // decides, where Approval has no steps
	IssueRole      person.Role   `json:"issue_role"            yaml:"issue_role"`       // issues by hand (LAB-09)
	ReportRole     person.Role   `json:"report_role"           yaml:"report_role"`      // reports for the lab what is used
	EscalationRole person.Role   `json:"escalation_role"       yaml:"escalation_role"`  // is asked when nobody else may
	RemindTerm     calendar.Term `json:"remind_term"           yaml:"remind_term"`      // after which reviewers and issuers are reminded
	Validity       calendar.Term `json:"validity"              yaml:"validity"`         // of a credit from its issue; what is left lapses then
	OtherPaths     []string      `json:"other_paths,omitempty" yaml:"other_paths"`      // under which lab credits may be applied for beside SW and SVC (LAB-13)
	Address        string        `json:"address,omitempty"     yaml:"address"`          // of the lab (LAB-01)
	DecideBySignal bool          `json:"decide_by_signal"      yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the review; without steps one step by ReviewRole
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "points", Type: condition.Amount, Words: "the points"},
	{Name: "path", Type: condition.Text, Words: "the path", Values: Paths},
}

// Values are an application's data for the conditions.
func Values(a Application) condition.Values {
	return condition.Values{"points": Amount(a.Points).String(), "path": a.Path}
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent. The lab's address is the programme's to say.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: person.VendorOperations, IssueRole: person.VendorOperations, ReportRole: person.VendorOperations, EscalationRole: person.FinanceManager,
		RemindTerm: calendar.MustTerm("P3WD"), Validity: calendar.MustTerm("P12M"), DecideBySignal: true,
	}
}

// Paths are those under which lab credits may be applied for (LAB-02, LAB-13).
func (p Policy) Paths() []string { return append(slices.Clone(OwnPaths), p.OtherPaths...) }

// Chain is the chain of a matter. Nothing is overdue by itself: who is asked is reminded.
func (p Policy) Chain(m approval.Matter) approval.Chain {
	one := func(role person.Role) []approval.Step {
		return []approval.Step{{Name: m.Name, Who: []approval.Candidate{{Role: role}}, Remind: p.RemindTerm}}
	}
	if m.Name == Issue.Name {
		return approval.Chain{Owner: p.EscalationRole, Steps: one(p.IssueRole)}
	}
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = one(p.ReviewRole)
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
	fault((p.ReviewRole == "" && len(p.Approval.Steps) == 0) || p.IssueRole == "" || p.ReportRole == "" || p.EscalationRole == "",
		"review_role, issue_role, report_role and escalation_role name a role each")
	fault(p.RemindTerm.IsZero() || p.Validity.IsZero(), "remind_term and validity are terms such as P3WD or P12M")
	for i, path := range p.OtherPaths {
		fault(!slices.Contains(Paths, path) || slices.Contains(append(slices.Clone(OwnPaths), p.OtherPaths[:i]...), path),
			"other_paths names %s; it names each of %s at most once", strconv.Quote(path), strings.Join(Paths[len(OwnPaths):], ", "))
	}
	address, err := url.Parse(p.Address)
	fault(p.Address != "" && (err != nil || address.Scheme != "https" || address.Host == ""), "address is where the lab is, like https://lab.vendor.example")
	if err := p.Chain(Review).Check(Fields, Issue.Name, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
