// Package approval says who is asked about a matter, in which order, and what their decisions come to. A chain is a list of
// steps, data of a policy; a plan is the chain as it applies to one round of one case, pinned when the round opens; a
// standing is what the plan and the decisions so far come to. All of it is a pure function: no clock, no database.
package approval

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Chain is what a policy says about one matter.
type Chain struct {
	Owner         person.Role   `json:"owner"                    yaml:"owner"`          // the process owner: asked at once when nobody else may decide
	Steps         []Step        `json:"steps,omitempty"          yaml:"steps"`          // in order
	Bands         []Band        `json:"bands,omitempty"          yaml:"bands"`          // who may approve up to which amount, lowest first
	RepeatSigners bool          `json:"repeat_signers,omitempty" yaml:"repeat_signers"` // one person may decide in several steps
	Resume        bool          `json:"resume,omitempty"         yaml:"resume"`         // a resubmission goes straight to the step that returned it
	ChangesTerm   calendar.Term `json:"changes_term,omitzero"    yaml:"changes_term"`   // how long the submitter has for changes; none: without end
}

// Band is one line of the delegation of authority: who holds Role may approve up to UpTo.
type Band struct {
	Role person.Role   `json:"role"            yaml:"role"`
	UpTo *money.Amount `json:"up_to,omitempty" yaml:"up_to"` // that amount is in; nil: any amount
}

// Step is one question of a chain.
type Step struct {
	Name     string        `json:"name"               yaml:"name"`
	Parallel bool          `json:"parallel,omitempty" yaml:"parallel"` // opens together with the step before it
	When     string        `json:"when,omitempty"     yaml:"when"`     // a condition on the case's data; empty: always
	Who      []Candidate   `json:"who"                yaml:"who"`
	Mode     Mode          `json:"mode,omitempty"     yaml:"mode"`
	Need     int           `json:"need,omitempty"     yaml:"need"`     // approvals that mode votes needs
	Remind   calendar.Term `json:"remind,omitzero"    yaml:"remind"`   // from opening to a reminder; none: no reminder
	Due      calendar.Term `json:"due,omitzero"       yaml:"due"`      // from opening to overdue
	Escalate person.Role   `json:"escalate,omitempty" yaml:"escalate"` // may decide as well once it is overdue
	Default  *Default      `json:"default,omitempty"  yaml:"default"`  // decides by itself in the end; nil: never
}

// Default is the decision that a deadline takes.
type Default struct {
	After   calendar.Term `json:"after"   yaml:"after"`   // from opening
	Outcome Outcome       `json:"outcome" yaml:"outcome"` // approve or reject
}

// Mode says how the answers to one step count.
type Mode string

// The modes.
const (
	Any      Mode = "any"      // one task that any candidate answers (或签); the zero mode
	All      Mode = "all"      // a task for each candidate, all approve (会签)
	Votes    Mode = "votes"    // a task for each candidate, Step.Need of them approve (票签)
	Sequence Mode = "sequence" // a task for each candidate, one after the other (依次)
)

// Candidate is one line of who is asked: exactly one of Role, Person, Relation and Band.
type Candidate struct {
	Role     person.Role `json:"role,omitempty"     yaml:"role"`
	Each     bool        `json:"each,omitempty"     yaml:"each"` // everybody who holds Role when the round opens, a task each
	Person   string      `json:"person,omitempty"   yaml:"person"`
	Relation Relation    `json:"relation,omitempty" yaml:"relation"`
	Band     bool        `json:"band,omitempty"     yaml:"band"` // the lowest role of the bands whose limit holds the amount
}

// Relation finds a person by the case.
type Relation string

// The relations.
const (
	EcosystemManager Relation = "ecosystem-manager" // of the case's partner
	Superior         Relation = "superior"          // of the submitter
)

// ownerStep is the step of a plan to which no step of its chain applies.
const ownerStep = "owner"

var stepName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Check tells everything that is wrong with a chain before it is saved. The fields are what its conditions may ask for;
// reserved are names that steps cannot have.
func (c Chain) Check(fields []condition.Field, reserved ...string) error {
	if !slices.Contains(reserved, ownerStep) {
		reserved = append(slices.Clone(reserved), ownerStep)
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Owner == "" {
		fault("approval.owner names the role that is asked when nobody else may decide")
	}
	if len(c.Steps) == 0 {
		fault("approval.steps has at least one step")
	}
	for i, b := range c.Bands {
		switch {
		case b.Role == "":
			fault("band %d names a role", i+1)
		case b.UpTo == nil && i < len(c.Bands)-1:
			fault("band %d (%s) has no limit, so no band may follow it", i+1, b.Role)
		case b.UpTo != nil && (b.UpTo.Sign() <= 0 || i > 0 && c.Bands[i-1].UpTo != nil && b.UpTo.Cmp(*c.Bands[i-1].UpTo) <= 0):
			fault("band %d (%s) has a limit above 0 and above the band before it", i+1, b.Role)
		}
	}
	seen := map[string]bool{}
	for i, s := range c.Steps {
		if !stepName.MatchString(s.Name) || slices.Contains(reserved, s.Name) {
			fault("step %d needs a name of small letters, digits and hyphens, not %s", i+1, strings.Join(append(slices.Clone(reserved), fmt.Sprintf("%q", s.Name)), ", "))
		}
		if seen[s.Name] {
			fault("step %q is there twice", s.Name)
		}
		seen[s.Name] = true
		for _, err := range s.check(c, fields, i == 0) {
			fault("step %q: %w", s.Name, err)
		}
	}
	return errors.Join(faults...)
}

func (s Step) check(c Chain, fields []condition.Field, first bool) []error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(first && s.Parallel, "the first step has no step before it to be parallel with")
	if _, err := condition.Parse(s.When, fields); err != nil {
		faults = append(faults, fmt.Errorf("when: %w", err))
	}
	fault(len(s.Who) == 0, "who names at least one candidate")
	each := false
	for i, w := range s.Who {
		kinds := 0
		for _, is := range []bool{w.Role != "", w.Person != "", w.Relation != "", w.Band} {
			if is {
				kinds++
			}
		}
		fault(kinds != 1, "candidate %d is one of role, person, relation or band", i+1)
		fault(w.Each && w.Role == "", "candidate %d: each goes with a role", i+1)
		fault(w.Relation != "" && w.Relation != EcosystemManager && w.Relation != Superior, "candidate %d: the relations are %s and %s", i+1, EcosystemManager, Superior)
		fault(w.Band && len(c.Bands) == 0, "candidate %d asks for a band, but there are no bands", i+1)
		each = each || w.Each
	}
	fault(!slices.Contains([]Mode{"", Any, All, Votes, Sequence}, s.Mode), "the modes are any, all, votes and sequence")
	fault(each && (s.Mode == "" || s.Mode == Any), "each goes with the modes all, votes and sequence")
	fault(s.Mode == Votes && s.Need < 1, "mode votes needs a number of approvals in need")
	fault(s.Mode == Votes && !each && s.Need > len(s.Who), "%d approvals of %d candidates cannot be reached", s.Need, len(s.Who))
	fault(s.Mode != Votes && s.Need != 0, "need goes with mode votes")
	fault(s.Escalate != "" && s.Due.IsZero(), "escalate goes with due")
	banded := slices.ContainsFunc(s.Who, func(w Candidate) bool { return w.Band })
	fault(banded && s.Escalate != "" && s.Escalate != c.Owner && !slices.ContainsFunc(c.Bands, func(b Band) bool { return b.Role == s.Escalate }),
		"escalate names a role of the bands or the owner: %s could not approve", s.Escalate)
	if d := s.Default; d != nil {
		fault(d.After.IsZero(), "default.after is a term such as P5WD")
		fault(d.Outcome != Approve && d.Outcome != Reject, "default.outcome is approve or reject")
	}
	return faults
}

// Words says a chain in sentences, a line a step, as a clerk reads it. The chain has passed Check.
func (c Chain) Words(fields []condition.Field) []string {
	var lines []string
	for i, s := range c.Steps {
		when, _ := condition.Parse(s.When, fields)
		line := fmt.Sprintf("%d. %s: %s", i+1, s.Name, s.words(c))
		if !when.IsZero() {
			line += ", if " + when.Words()
		}
		if s.Parallel {
			line += ", together with the step before"
		}
		lines = append(lines, line+s.clockWords())
	}
	return lines
}

func (s Step) words(c Chain) string {
	var who []string
	for _, w := range s.Who {
		who = append(who, w.words(c))
	}
	switch s.Mode {
	case All:
		return "all of " + strings.Join(who, ", ")
	case Votes:
		return fmt.Sprintf("%d of %s", s.Need, strings.Join(who, ", "))
	case Sequence:
		return strings.Join(who, ", then ")
	case Any:
	}
	return strings.Join(who, " or ")
}

func (w Candidate) words(c Chain) string {
	switch {
	case w.Each:
		return "everybody who holds " + string(w.Role)
	case w.Role != "":
		return string(w.Role)
	case w.Person != "":
		return w.Person
	case w.Relation == Superior:
		return "the submitter's superior"
	case w.Relation == EcosystemManager:
		return "the partner's ecosystem manager"
	}
	var bands []string
	for _, b := range c.Bands {
		if b.UpTo == nil {
			bands = append(bands, string(b.Role)+" above that")
			continue
		}
		bands = append(bands, fmt.Sprintf("%s up to %s", b.Role, b.UpTo))
	}
	return "by amount (" + strings.Join(bands, "; ") + ")"
}

func (s Step) clockWords() string {
	var words string
	if !s.Remind.IsZero() {
		words += fmt.Sprintf("; reminded after %s", s.Remind.Words())
	}
	if !s.Due.IsZero() {
		words += fmt.Sprintf("; overdue after %s", s.Due.Words())
	}
	if s.Escalate != "" {
		words += fmt.Sprintf(", then %s may decide as well", s.Escalate)
	}
	if s.Default != nil {
		words += fmt.Sprintf("; after %s the deadline decides: %s", s.Default.After.Words(), s.Default.Outcome)
	}
	return words
}
