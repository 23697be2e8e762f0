package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Who is somebody a task is put to: "role:" and a role of the vendor, or "person:" and a person's ID.
type Who string

// RoleWho and PersonWho name one.
func RoleWho(r person.Role) Who { return Who("role:" + string(r)) }

// PersonWho is a person by name.
func PersonWho(id string) Who { return Who("person:" + id) }

// Role is the role that is meant, or empty.
func (w Who) Role() person.Role { return person.Role(cutWho(w, "role:")) }

// Person is the person's ID that is meant, or empty.
func (w Who) Person() string { return cutWho(w, "person:") }

func cutWho(w Who, prefix string) string {
	if named, ok := strings.CutPrefix(string(w), prefix); ok {
		return named
	}
	return ""
}

// Facts are what a chain is planned with: the case's data when the round opens.
type Facts struct {
	Fields    []condition.Field
	Values    condition.Values
	Amount    money.Amount             // for the bands; zero: the lowest
	Relations map[Relation]string      // person IDs; missing: there is nobody
	Holders   map[person.Role][]string // active people of the vendor by role, for Each
	Returned  string                   // the step that returned the round before; empty: a first round, or one that begins anew
	Former    Standing                 // what the round before came to
}

// Plan is a chain as it applies to one round: pinned when the round opens, and never looked up again.
type Plan struct {
	Owner         person.Role   `json:"owner"`
	RepeatSigners bool          `json:"repeat_signers,omitempty"`
	Resume        bool          `json:"resume,omitempty"`
	ChangesTerm   calendar.Term `json:"changes_term,omitzero"`
	Bands         []Band        `json:"bands,omitempty"`
	Carried       []Carried     `json:"carried,omitempty"`
	Steps         []PlannedStep `json:"steps"`
}

// Carried is an approval of a former round that a resumed round does not ask again: who gave it decides nothing else.
type Carried struct {
	Step     string `json:"step"`
	Person   string `json:"person,omitempty"` // empty: the deadline
	OnBehalf string `json:"on_behalf,omitempty"`
}

// PlannedStep is one step of a plan.
type PlannedStep struct {
	Name     string        `json:"name"`
	Why      string        `json:"why,omitempty"`     // the condition that asks for it, in words
	Skipped  string        `json:"skipped,omitempty"` // why nobody is asked; a skip is no approval
	Parallel bool          `json:"parallel,omitempty"`
	Mode     Mode          `json:"mode"`
	Need     int           `json:"need"` // approvals that let it pass
	Seats    [][]Who       `json:"seats,omitempty"`
	Banded   bool          `json:"banded,omitempty"` // who approves needs a band that holds the amount
	Remind   calendar.Term `json:"remind,omitzero"`
	Due      calendar.Term `json:"due,omitzero"`
	Escalate person.Role   `json:"escalate,omitempty"`
	Default  *Default      `json:"default,omitempty"`
}

// Plan applies a chain to a case. A step for which there is nobody is put to the owner, and so is a case for which every
// condition is false: a case is never approved because nobody was asked.
func (c Chain) Plan(f Facts) (Plan, error) {
	p := Plan{Owner: c.Owner, RepeatSigners: c.RepeatSigners, Resume: c.Resume, ChangesTerm: c.ChangesTerm, Bands: c.Bands}
	asked := false
	from := c.resumesAt(f.Returned)
	for i, s := range c.Steps {
		when, err := condition.Parse(s.When, f.Fields)
		if err != nil {
			return Plan{}, fmt.Errorf("step %s: %w", s.Name, err)
		}
		holds, err := when.Holds(f.Values)
		if err != nil {
			return Plan{}, fmt.Errorf("step %s: %w", s.Name, err)
		}
		planned := PlannedStep{
			Name: s.Name, Parallel: s.Parallel, Mode: cmp.Or(s.Mode, Any), Remind: s.Remind, Due: s.Due, Escalate: s.Escalate, Default: s.Default,
		}
		if !when.IsZero() {
			planned.Why = when.Words()
		}
		switch {
		case !holds:
			planned.Skipped = "it is not so that " + when.Words()
		case i < from && len(f.Former.passed(s.Name)) > 0: // in whole; who let only a part through is asked again
			planned.Skipped = "the round goes on at step " + f.Returned + ", which returned it"
			p.Carried = append(p.Carried, f.Former.passed(s.Name)...)
		default:
			asked = true
			planned.seat(s, c, f)
		}
		p.Steps = append(p.Steps, planned)
	}
	if !asked {
		p.Steps = append(p.Steps, PlannedStep{Name: ownerStep, Why: "no step of the chain applies", Mode: Any, Need: 1, Seats: [][]Who{{RoleWho(c.Owner)}}})
	}
	return p, nil
}

// resumesAt is the first step that a resubmission asks: with the step that returned the round its parallel siblings, which
// the return closed undecided.
func (c Chain) resumesAt(returned string) int {
	if !c.Resume {
		return 0
	}
	i := max(0, slices.IndexFunc(c.Steps, func(s Step) bool { return s.Name == returned }))
	for i > 0 && c.Steps[i].Parallel {
		i--
	}
	return i
}

// seat finds who is asked in a step: one seat for all candidates, or one for each. Where all are asked, the owner is in the
// place of who is not there; nobody is asked twice by name.
func (p *PlannedStep) seat(s Step, c Chain, f Facts) {
	seated := func(who Who) bool {
		return slices.ContainsFunc(p.Seats, func(x []Who) bool { return x[0] == who })
	}
	for _, w := range s.Who {
		var who []Who // a seat each
		switch {
		case w.Each:
			for _, id := range f.Holders[w.Role] {
				who = append(who, PersonWho(id))
			}
		case w.Role != "":
			who = []Who{RoleWho(w.Role)}
		case w.Person != "":
			who = []Who{PersonWho(w.Person)}
		case w.Relation != "" && f.Relations[w.Relation] != "":
			who = []Who{PersonWho(f.Relations[w.Relation])}
		case w.Band:
			p.Banded = true
			for _, b := range c.Bands {
				if b.holds(f.Amount) {
					who = []Who{RoleWho(b.Role)}
					break
				}
			}
		}
		if owner := RoleWho(c.Owner); len(who) == 0 && (p.Mode == All || p.Mode == Sequence) && !seated(owner) {
			who = []Who{owner}
		}
		for _, x := range who {
			if x.Person() == "" || !seated(x) {
				p.Seats = append(p.Seats, []Who{x})
			}
		}
	}
	for len(p.Seats) < max(1, s.Need) { // nobody, or fewer people than votes: the owner's people fill up
		p.Seats = append(p.Seats, []Who{RoleWho(c.Owner)})
	}
	switch p.Mode {
	case Any:
		p.Seats = [][]Who{slices.Concat(p.Seats...)}
		p.Need = 1
	case Votes:
		p.Need = s.Need
	case All, Sequence:
		p.Need = len(p.Seats)
	}
}

func (b Band) holds(amount money.Amount) bool { return b.UpTo == nil || amount.Cmp(*b.UpTo) <= 0 }

// step finds a step by name; nil when there is none.
func (p Plan) step(name string) *PlannedStep {
	if i := slices.IndexFunc(p.Steps, func(s PlannedStep) bool { return s.Name == name }); i >= 0 {
		return &p.Steps[i]
	}
	return nil
}

// Step finds a step by name; the zero step when there is none.
func (p Plan) Step(name string) PlannedStep {
	if s := p.step(name); s != nil {
		return *s
	}
	return PlannedStep{}
}

// groups lists the steps that open together, in order; skipped ones are left out.
func (p Plan) groups() [][]int {
	var groups [][]int
	for i, s := range p.Steps {
		if s.Skipped != "" {
			if !s.Parallel {
				groups = append(groups, nil) // those parallel with it stay among themselves
			}
			continue
		}
		if s.Parallel && len(groups) > 0 {
			groups[len(groups)-1] = append(groups[len(groups)-1], i)
			continue
		}
		groups = append(groups, []int{i})
	}
	return slices.DeleteFunc(groups, func(g []int) bool { return len(g) == 0 })
}
