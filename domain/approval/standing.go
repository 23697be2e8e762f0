package approval

import (
	"cmp"
	"fmt"
	"slices"

	"countersign/domain/money"
	"countersign/domain/person"
)

// Outcome is an answer to a task, and what a round comes to.
type Outcome string

// The answers that the engine knows. A matter may call approve and reject by names of its own (Matter).
const (
	Approve      Outcome = "approve"       // also a lower amount, or some lines
	Reject       Outcome = "reject"        //
	Return       Outcome = "return"        // to the submitter, for changes (退回修改)
	Back         Outcome = "back"          // to an earlier step
	Ask          Outcome = "ask"           // for information, without deciding
	Transfer     Outcome = "transfer"      // to somebody else (转办)
	Delegate     Outcome = "delegate"      // have somebody look at it, and get it back (委派)
	AddSigner    Outcome = "add-signer"    // before or after oneself (加签)
	RemoveSigner Outcome = "remove-signer" // who is not asked after all (减签)
	Urge         Outcome = "urge"          // by the submitter's side (催办)
	Comment      Outcome = "comment"       //
	Copy         Outcome = "copy"          // to somebody who should know (抄送)
	Involve      Outcome = "involve"       // somebody may decide as well: the owner when nobody can, a role when it is overdue
	HandOver     Outcome = "hand-over"     // from a person who leaves
	Remind       Outcome = "remind"        // by the clock
)

// IsMove tells whether an act changes who is asked or what was decided; the others are only said.
func (o Outcome) IsMove() bool {
	return !slices.Contains([]Outcome{Ask, Urge, Comment, Copy, Remind}, o)
}

// Move is one accepted act on a round, in the order of recording.
type Move struct {
	Act      Outcome
	Seat     string        // the seat it is about
	Person   string        // who acted; empty: the clock or a rule
	OnBehalf string        // for whom a substitute acted
	Amount   *money.Amount // approve: what is approved at most; nil: all
	Lines    []string      // approve: the lines that are approved; empty: all
	To       string        // the person it goes to, or the step of Back
	Who      Who           // of Involve
	Before   bool          // AddSigner: before oneself
}

// SeatState is where a seat stands.
type SeatState string

// The states of a seat.
const (
	Waiting  SeatState = "waiting" // its turn has not come
	Open     SeatState = "open"
	Approved SeatState = "approved"
	Rejected SeatState = "rejected"
	Sent     SeatState = "sent-back" // it returned the round, or sent it back to an earlier step
	Closed   SeatState = "closed"    // it went away undecided
)

// Seat is one task of a round: somebody is asked once.
type Seat struct {
	Name       string // unique in the round: the step's name, numbered from the second on: review, review.2
	Step       string
	Visit      int // how often the step was begun, from 1: Back begins it again
	State      SeatState
	Who        []Who
	Roles      []person.Role // one of which a person has to hold to decide; empty: any person whom Who names
	Void       bool          // decided, but a later Back made it void
	Person     string        // who decided; empty: nobody, or the clock
	OnBehalf   string
	Delegators []string // to whom it comes back, the last first
	AddedBy    string   // who added it; empty: it is the plan's
	Amount     *money.Amount
	Lines      []string
	involved   []Who  // who may decide as well, to whomever the seat goes
	after      string // seat after whose approval it opens
	suspended  string // seat that has to be decided first
}

// goesTo puts a seat to one person; who was involved stays so.
func (s *Seat) goesTo(id string) { s.Who = append([]Who{PersonWho(id)}, s.involved...) }

// opinion tells whether a person's answer only goes back to who delegated the seat. Who is involved beside them decides.
func (s Seat) opinion(id string) bool {
	return len(s.Delegators) > 0 && s.Who[0] == PersonWho(id)
}

// Standing is what a plan and its moves come to.
type Standing struct {
	Seats   []Seat        // in the order they came up
	Outcome Outcome       // approve, reject or return; empty: undecided
	Amount  *money.Amount // the least that was approved; nil: all
	Lines   []string      // those that everybody approved, sorted; nil: all
	At      string        // the step that decided a reject or return

	carried []Carried // approvals of former rounds that stand
}

// Standing replays the moves of a round. It fails on a move that does not fit, which Judge never lets pass.
func (p Plan) Standing(moves []Move) (Standing, error) {
	r := round{plan: p, groups: p.groups(), visits: map[string]int{}, names: map[string]int{}}
	r.carried = p.Carried
	r.open()
	for i, m := range moves {
		if err := r.apply(m); err != nil {
			return Standing{}, fmt.Errorf("move %d, %s of %s: %w", i+1, m.Act, m.Seat, err)
		}
	}
	for _, s := range r.Seats {
		if s.State != Approved || s.Void {
			continue
		}
		if s.Amount != nil && (r.Amount == nil || s.Amount.Cmp(*r.Amount) < 0) {
			r.Amount = s.Amount
		}
		if len(s.Lines) > 0 {
			r.Lines = common(r.Lines, s.Lines)
		}
	}
	return r.Standing, nil
}

// passed lists the approvals by which a step has passed in whole; none when it was not asked or let only a part through.
func (s Standing) passed(step string) []Carried {
	var by []Carried
	for _, x := range s.Seats {
		switch {
		case x.Step != step || x.Void:
		case x.State == Approved && x.Amount == nil && len(x.Lines) == 0:
			by = append(by, Carried{Step: step, Person: x.Person, OnBehalf: x.OnBehalf})
		case x.State != Closed:
			return nil
		}
	}
	for _, c := range s.carried {
		if c.Step == step {
			by = append(by, c)
		}
	}
	return by
}

// Granted is how much of what was asked for everybody who has approved so far lets through.
func (s Standing) Granted(asked money.Amount, lines map[string]money.Amount) money.Amount {
	if s.Lines != nil {
		sum := money.Zero
		for _, l := range s.Lines {
			sum = sum.Add(lines[l])
		}
		asked = money.Min(asked, sum)
	}
	if s.Amount != nil {
		asked = money.Min(asked, *s.Amount)
	}
	return asked
}

// Seat finds a seat by name; nil when there is none.
func (s Standing) Seat(name string) *Seat {
	if i := slices.IndexFunc(s.Seats, func(x Seat) bool { return x.Name == name }); i >= 0 {
		return &s.Seats[i]
	}
	return nil
}

type round struct {
	Standing
	plan   Plan
	groups [][]int
	at     int // the group that is open
	visits map[string]int
	names  map[string]int
}

// open begins every step of the present group that has not begun, and the next group when all of it has passed.
func (r *round) open() {
	for r.Outcome == "" && r.at < len(r.groups) {
		passed := true
		for _, i := range r.groups[r.at] {
			step := r.plan.Steps[i]
			if r.visits[step.Name] == 0 {
				r.begin(step)
			}
			if !r.settled(step) { // its parallel siblings are looked at all the same
				passed = false
			}
			if r.Outcome != "" {
				return
			}
		}
		if !passed {
			return
		}
		r.at++
	}
	if r.Outcome == "" {
		r.end(Approve, "")
	}
}

// begin seats a step's candidates.
func (r *round) begin(step PlannedStep) {
	visit := 1
	for _, s := range r.Seats {
		if s.Step == step.Name {
			visit = max(visit, s.Visit+1)
		}
	}
	r.visits[step.Name] = visit
	for i, who := range step.Seats {
		state := Open
		if step.Mode == Sequence && i > 0 {
			state = Waiting
		}
		roles := rolesOf(who)
		if step.Banded && len(roles) > 0 { // it may be handed on to another band that holds the amount
			for _, b := range r.plan.Bands {
				if !slices.Contains(roles, b.Role) {
					roles = append(roles, b.Role)
				}
			}
		}
		r.seat(Seat{Step: step.Name, Visit: visit, State: state, Who: who, Roles: roles})
	}
}

// seat gives a seat its name.
func (r *round) seat(s Seat) string {
	r.names[s.Step]++
	s.Name = s.Step
	if n := r.names[s.Step]; n > 1 {
		s.Name = fmt.Sprintf("%s.%d", s.Step, n)
	}
	r.Seats = append(r.Seats, s)
	return s.Name
}

// rolesOf lists the roles that the candidates were chosen by; none when one is chosen as a person.
func rolesOf(who []Who) []person.Role {
	var roles []person.Role
	for _, w := range who {
		if w.Role() == "" {
			return nil
		}
		roles = append(roles, w.Role())
	}
	return roles
}

func (r *round) apply(m Move) error {
	s := r.Seat(m.Seat)
	switch {
	case r.Outcome != "":
		return fmt.Errorf("the round has ended: %s", r.Outcome)
	case s == nil:
		return fmt.Errorf("there is no such seat")
	case s.State != Open && (m.Act != RemoveSigner && m.Act != HandOver && m.Act != Involve || s.State != Waiting):
		return fmt.Errorf("it is %s", s.State)
	}
	switch m.Act {
	case Approve, Reject:
		if s.opinion(cmp.Or(m.OnBehalf, m.Person)) { // it comes back
			last := len(s.Delegators) - 1
			s.goesTo(s.Delegators[last])
			s.Delegators = s.Delegators[:last]
			return nil
		}
		return r.decide(s, m)
	case Return:
		s.State, s.Person, s.OnBehalf = Sent, m.Person, m.OnBehalf
		r.end(Return, s.Step)
	case Back:
		return r.back(s, m)
	case Transfer, HandOver:
		s.goesTo(m.To)
	case Delegate:
		s.goesTo(m.To)
		s.Delegators = append(slices.Clone(s.Delegators), cmp.Or(m.OnBehalf, m.Person))
	case Involve:
		if !slices.Contains(s.Who, m.Who) {
			s.Who, s.involved = append(slices.Clone(s.Who), m.Who), append(slices.Clone(s.involved), m.Who)
		}
		if role := m.Who.Role(); role != "" && len(s.Roles) > 0 && !slices.Contains(s.Roles, role) {
			s.Roles = append(slices.Clone(s.Roles), role)
		}
	case AddSigner:
		added := Seat{Step: s.Step, Visit: s.Visit, State: Open, Who: []Who{PersonWho(m.To)}, AddedBy: m.Person}
		at := s.Name
		if !m.Before {
			added.State, added.after = Waiting, at
			r.seat(added)
			return nil
		}
		name := r.seat(added) // may move the seats: s is not used after it
		before := r.Seat(at)
		before.State, before.suspended = Waiting, name
	case RemoveSigner:
		return r.remove(s)
	case Ask, Urge, Comment, Copy, Remind:
		fallthrough
	default:
		return fmt.Errorf("it is no move")
	}
	return nil
}

// decide takes an answer that counts.
func (r *round) decide(s *Seat, m Move) error {
	s.State, s.Person, s.OnBehalf = Approved, m.Person, m.OnBehalf
	if m.Act == Reject {
		s.State = Rejected
	}
	s.Amount, s.Lines = m.Amount, m.Lines
	r.release(s.Name, s.State == Approved)
	r.open()
	return nil
}

// common is what two choices of lines share; nil means all.
func common(a, b []string) []string {
	if a == nil {
		b = slices.Clone(b)
		slices.Sort(b)
		return slices.Compact(b)
	}
	return slices.DeleteFunc(slices.Clone(a), func(l string) bool { return !slices.Contains(b, l) })
}

// release opens what waited for a seat: signers after it, and the seat it came before.
func (r *round) release(name string, approved bool) {
	for i := range r.Seats {
		s := &r.Seats[i]
		switch {
		case s.State != Waiting:
		case s.after == name:
			s.State = Open
			if !approved {
				s.State = Closed
			}
		case s.suspended == name:
			s.State, s.suspended = Open, ""
		}
	}
}

// settled tells whether a step has passed; one that cannot pass any more ends the round.
func (r *round) settled(step PlannedStep) bool {
	approved, possible, pending, refused := 0, 0, false, false
	var next *Seat
	for i := range r.Seats {
		s := &r.Seats[i]
		if s.Step != step.Name || s.Visit != r.visits[step.Name] {
			continue
		}
		undecided := s.State == Open || s.State == Waiting
		if s.AddedBy != "" {
			pending = pending || undecided
			refused = refused || s.State == Rejected
			continue
		}
		switch {
		case s.State == Approved:
			approved++
		case undecided:
			possible++
			if next == nil {
				next = s
			}
		}
	}
	need := r.need(step)
	switch {
	case refused || approved+possible < need:
		r.end(Reject, step.Name)
		return false
	case approved < need || pending:
		if step.Mode == Sequence && !pending && next != nil && next.State == Waiting {
			next.State = Open
		}
		return false
	}
	r.close(func(s *Seat) bool { return s.Step == step.Name })
	return true
}

// need is how many approvals let a step pass: removing a signer of all or of a sequence asks for one less.
func (r *round) need(step PlannedStep) int {
	if step.Mode == Any || step.Mode == Votes {
		return step.Need
	}
	n := 0
	for _, s := range r.Seats {
		if s.Step == step.Name && s.Visit == r.visits[step.Name] && s.AddedBy == "" && s.State != Closed {
			n++
		}
	}
	return n
}

// back begins an earlier step again. What is open closes, parallel siblings included, and what was decided from that step
// on is void.
func (r *round) back(s *Seat, m Move) error {
	target := r.groupOf(m.To)
	if target < 0 || target >= r.groupOf(s.Step) {
		return fmt.Errorf("%q is no earlier step", m.To)
	}
	s.State, s.Person, s.OnBehalf = Sent, m.Person, m.OnBehalf
	r.close(func(*Seat) bool { return true })
	for _, group := range r.groups[target:] {
		for _, i := range group {
			name := r.plan.Steps[i].Name
			if r.groupOf(name) == target && name != m.To {
				continue // a parallel sibling that has passed stays so
			}
			delete(r.visits, name)
			for k := range r.Seats {
				if r.Seats[k].Step == name {
					r.Seats[k].Void = true
				}
			}
		}
	}
	r.at = target
	r.open()
	return nil
}

func (r *round) groupOf(name string) int {
	return slices.IndexFunc(r.groups, func(g []int) bool {
		return slices.ContainsFunc(g, func(i int) bool { return r.plan.Steps[i].Name == name })
	})
}

// remove takes a signer away who has not decided. A step keeps at least one seat of the plan.
func (r *round) remove(s *Seat) error {
	if !r.Removable(r.plan, s.Name) {
		return fmt.Errorf("the step would have nobody left to ask")
	}
	s.State = Closed
	r.release(s.Name, false)
	r.open()
	return nil
}

// Removable tells whether a seat may go: an added one always, one of the plan while enough of its step stay.
func (s Standing) Removable(p Plan, name string) bool {
	seat := s.Seat(name)
	if seat == nil || seat.State != Open && seat.State != Waiting {
		return false
	}
	if seat.AddedBy != "" {
		return true
	}
	step := p.Step(seat.Step)
	others := 0
	for _, x := range s.Seats {
		if x.Step == seat.Step && x.Visit == seat.Visit && x.AddedBy == "" && x.Name != name && x.State != Closed && x.State != Rejected {
			others++
		}
	}
	least := 1
	if step.Mode == Votes {
		least = step.Need
	}
	return others >= least
}

// Close is what is left of a round that was closed from outside: nothing is asked any more.
func (s *Standing) Close() {
	r := round{Standing: *s}
	r.close(func(*Seat) bool { return true })
}

func (r *round) end(outcome Outcome, at string) {
	r.Outcome, r.At = outcome, at
	r.close(func(*Seat) bool { return true })
}

func (r *round) close(which func(*Seat) bool) {
	for i := range r.Seats {
		if s := &r.Seats[i]; (s.State == Open || s.State == Waiting) && which(s) {
			s.State = Closed
		}
	}
}
