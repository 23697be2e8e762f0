package tier

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Reviewer is the role that reviews upgrades where the policy names no other.
const Reviewer person.Role = "tier-reviewer"

// Policy is the programme's parameters for tier upgrades. A case keeps the version it was opened under.
type Policy struct {
	Version        int             `json:"version"          yaml:"-"`                // set by the database
	ReviewRole     person.Role     `json:"review_role"      yaml:"review_role"`      // where Approval has no steps
	EscalationRole person.Role     `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term   `json:"review_term"      yaml:"review_term"`      // of the review
	DecideBySignal bool            `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal
	Requirements   map[Tier][]Item `json:"requirements"     yaml:"requirements"`     // what each tier above Standard asks for (TIER-01)

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the review; without steps one step by ReviewRole
}

// Review is the one matter of an upgrade: do the qualifications hold?
var Review = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if name == Review.Name {
		return Review
	}
	return approval.Matter{Name: name}
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{
	{Name: "target", Type: condition.Text, Words: "the target tier", Values: []string{string(Preferred), string(Leading), string(Core)}},
}

// Values are an upgrade's data for the conditions.
func Values(target Tier) condition.Values { return condition.Values{"target": string(target)} }

// DefaultPolicy has our own numbers: what a tier asks for is the programme's to say.
func DefaultPolicy() Policy {
	path := Item{Code: "path", Chinese: "角色认证", English: "certified path", Source: CertifiedPath, Target: money.Must("1.00")}
	performance := func(cny string) Item {
		return Item{Code: "performance", Chinese: "近十二个月业绩", English: "performance of 12 months", Source: Performance, Target: money.Must(cny), Months: 12}
	}
	staff := func(n string) Item {
		return Item{Code: "staff", Chinese: "认证人员", English: "certified staff", Source: CertifiedStaff, Target: money.Must(n), Of: []string{"professional"}}
	}
	labels := func(n string) Item {
		return Item{Code: "labels", Chinese: "能力标签", English: "capability labels", Source: CapabilityLabels, Target: money.Must(n)}
	}
	plan := Item{Code: "plan", Chinese: "业务计划", English: "business plan", Source: Evidence, Target: money.Must("1.00")}
	return Policy{
		ReviewRole: Reviewer, EscalationRole: person.VendorOperations, ReviewTerm: calendar.MustTerm("P10WD"), DecideBySignal: true,
		Requirements: map[Tier][]Item{
			Preferred: {path, performance("500000.00")},
			Leading:   {path, performance("2000000.00"), staff("4.00"), labels("1.00")},
			Core:      {path, performance("10000000.00"), staff("10.00"), labels("2.00"), plan},
		},
	}
}

// Chain is the chain of the review.
func (p Policy) Chain() approval.Chain {
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = []approval.Step{{Name: Review.Name, Who: []approval.Candidate{{Role: p.ReviewRole}}, Due: p.ReviewTerm, Escalate: p.EscalationRole}}
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

// Words says what each tier asks for, a line a requirement.
func (p Policy) Words() []string {
	var lines []string
	for _, t := range Tiers[1:] {
		for _, i := range p.Requirements[t] {
			lines = append(lines, fmt.Sprintf("%s asks for %s: %s", t, i.English, i.Shown(i.Target)))
		}
	}
	return lines
}

var itemCode = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault((p.ReviewRole == "" && len(p.Approval.Steps) == 0) || p.EscalationRole == "", "review_role and escalation_role name a role each")
	fault(p.ReviewTerm.IsZero(), "review_term is a term such as P10WD")
	for t := range p.Requirements {
		fault(t == Standard || t.Rank() == 0, "requirements names %q; the tiers that ask for something are PREFERRED, LEADING and CORE", t)
	}
	for n, t := range Tiers[1:] {
		items := p.Requirements[t]
		fault(len(items) == 0 || len(items) > most, "requirements of %s are 1 to %d items", t, most)
		for _, other := range Tiers[1 : n+1] { // TIER-01
			fault(len(items) > 0 && sameItems(items, p.Requirements[other]), "%s asks for the same as %s; each tier has requirements of its own", t, other)
		}
		seen := map[string]bool{}
		for _, i := range items {
			fault(!itemCode.MatchString(i.Code) || seen[i.Code], "the item %q of %s needs a code of its own of small letters, digits and hyphens", i.Code, t)
			seen[i.Code] = true
			if err := i.check(); err != nil {
				faults = append(faults, fmt.Errorf("item %s of %s: %w", i.Code, t, err))
			}
		}
	}
	chain := p.Chain()
	fault(slices.ContainsFunc(chain.Steps, func(s approval.Step) bool { return s.Default != nil }), "a tier is decided by people: no step of the approval has a default")
	if err := chain.Check(Fields, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func sameItems(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(x, y Item) bool {
		return x.Code == y.Code && x.Source == y.Source && x.Target.Equal(y.Target) && x.Months == y.Months && slices.Equal(x.Of, y.Of)
	})
}

// check tells what is wrong with one requirement.
func (i Item) check() error {
	var faults []error
	fault := func(wrong bool, sentence string) {
		if wrong {
			faults = append(faults, errors.New(sentence))
		}
	}
	fault(!slices.Contains(Sources, i.Source), fmt.Sprintf("%q is no source; the sources are %v", i.Source, Sources))
	fault(i.Chinese == "" || i.English == "", "zh and en say what is required")
	fault(i.Target.Sign() <= 0, "the target is greater than 0")
	fault(i.Source != Performance && i.Target.String()[len(i.Target.String())-3:] != ".00", "the target is a whole number")
	fault(i.Source == Evidence && i.Target.String() != "1.00", "the target of evidence is 1: one document")
	fault((i.Source == Performance) != (i.Months > 0), "months, at least 1, belong to a performance and to nothing else")
	fault(len(i.Of) > 0 && !slices.Contains([]Source{CertifiedPath, CapabilityLabels, CertifiedStaff}, i.Source), "of names paths, labels or a level, and belongs to these")
	fault(i.Source == CertifiedStaff && len(i.Of) != 1, "of names the one level of certificate by which staff are counted")
	for _, name := range i.Of {
		fault(i.Source == CertifiedPath && !slices.Contains(Qualifying, name), fmt.Sprintf("%q is no path that counts; these do: %v", name, Qualifying))
	}
	return errors.Join(faults...)
}
