package bill

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// The matters that a reconciliation puts to people.
var (
	Release = approval.Matter{Name: "release", Approve: approval.Approve, Reject: Refuse} // may the confirmed bills be released?
	Present = approval.Matter{Name: "present", Approve: Presented, Reject: Upheld}        // recalculate what came back, and present it anew; or uphold it as it is
)

// Matters lists them.
var Matters = []approval.Matter{Release, Present}

// The words by which they are answered.
const (
	Refuse    approval.Outcome = "refuse"
	Presented approval.Outcome = "present"
	Upheld    approval.Outcome = "uphold"
)

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
	switch {
	case m.Name == Release.Name && outcome == approval.Approve:
		return Verdict{To: Released, Rule: "INC-07"}
	case m.Name == Release.Name:
		return Verdict{To: ToConfirm, Rule: "INC-07"}
	}
	return Verdict{To: ToConfirm, Rule: "INC-09"} // presented anew
}

// Closes is the instant at which a published deadline is over: the day counts in full (INC-08).
func Closes(deadline calendar.Date) time.Time { return deadline.AddDays(1).Start() }

// RemindAt is when the partner is reminded: days before the deadline, at 00:00. Zero: no reminder, since the bills were
// presented after that or the policy wants none.
func RemindAt(deadline calendar.Date, days int, presented time.Time) time.Time {
	at := deadline.AddDays(-days).Start()
	if days == 0 || !at.After(presented) {
		return time.Time{}
	}
	return at
}

// Deadline is the day until which the partner may check bills presented at an instant: the latest that was published for
// one of them. One that leaves less than the policy's days of check, since the bills come late or anew, is put off.
func Deadline(published []calendar.Date, presented time.Time, checkDays int) calendar.Date {
	latest := calendar.DateOf(presented).AddDays(checkDays)
	least := latest
	late := true
	for _, d := range published {
		if calendar.Open(presented, Closes(d)) && (late || d.After(latest)) {
			latest, late = d, false
		}
	}
	if late {
		return least
	}
	return latest
}

// Answer is what a partner says about the bills presented to it.
type Answer struct {
	Person *person.Person // nil: unknown
	Name   string         // as given
	At     time.Time
	Bills  []string // of a rejection and a question: the bills it names
	Text   string   // reason or question
}

// Set is a reconciliation: what was presented together.
type Set struct {
	Case     string
	Partner  string
	Period   string
	State    State
	Deadline calendar.Date // zero in TO_CONFIRM: it was rejected or not released, and operations has it
	Bills    []Bill
}

// object names the set in refusals.
func (s Set) object() string { return "case " + s.Case }

// JudgeConfirm checks a confirmation. It is of the whole set, whichever bill was named (INC-10).
func JudgeConfirm(s Set, a Answer) refusal.List {
	return append(s.caller(a), s.open(a, "confirmed")...)
}

// JudgeReject checks a rejection of some bills: of one plan and period the bills of all association models go together
// (INC-09), and the reason is what operations recalculates by.
func JudgeReject(s Set, a Answer) refusal.List {
	list := s.caller(a)
	list = append(list, s.text(a, "A rejection says what is wrong; enter a reason.")...)
	list = append(list, s.named(a)...)
	for _, id := range a.Bills {
		b, ok := s.bill(id)
		for _, other := range s.Bills {
			if ok && other.Plan == b.Plan && other.Period == b.Period && other.Association != b.Association && !slices.Contains(a.Bills, other.ID) { // INC-09
				list = append(list, refusal.New("INC-09", "INC_REJECT_PAIR", "bill "+b.ID,
					"Bill %s (%s) and bill %s (%s) of plan %s and period %s are rejected together; name both.", b.ID, b.Association, other.ID, other.Association, b.Plan, b.Period))
			}
		}
	}
	return append(list, s.open(a, "rejected")...)
}

// JudgeQuestion checks a question about bills; it stops nothing.
func JudgeQuestion(s Set, a Answer) refusal.List {
	list := s.caller(a)
	list = append(list, s.text(a, "A question needs a text; enter what is unclear.")...)
	list = append(list, s.named(a)...)
	if s.State != ToConfirm {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", s.object(), "The bills are %s; a question is asked while they wait for the partner's check.", s.State))
	}
	return list
}

// JudgeReply checks the answer to a question: by the vendor's people who look after bills, once.
func JudgeReply(s Set, p Policy, a Answer, answered bool) refusal.List {
	var list refusal.List
	switch {
	case a.Person == nil:
		list = append(list, unknownPerson(a.Name))
	case !a.Person.OfVendor() || !a.Person.Holds(p.OperationsRole, p.EscalationRole):
		list = append(list, refusal.New("COM-16", "CBC.0151", s.object(), "%s does not hold the role %s; somebody with that role answers.", a.Person.Name, p.OperationsRole))
	}
	list = append(list, s.text(a, "An answer needs a text; enter one.")...)
	if answered {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", s.object(), "The question was answered already; look at the case."))
	}
	return list
}

// JudgePresent checks that something was calculated since the bills came back; without it they can only be upheld.
func JudgePresent(s Set, outcome approval.Outcome, fresh int) refusal.List {
	if outcome != approval.Approve || fresh > 0 {
		return nil
	}
	return refusal.List{refusal.New("INC-09", "ENG_STATE", s.object(), "No correction of the bills was calculated since they came back; recalculate them, or uphold them with a reason for the partner.")}
}

func unknownPerson(name string) refusal.Refusal {
	return refusal.New("COM-16", "CBC.0151", "person "+name, "There is no person %q; speak as somebody who is registered.", name)
}

func (s Set) caller(a Answer) refusal.List {
	switch {
	case a.Person == nil:
		return refusal.List{unknownPerson(a.Name)}
	case !MayAct(*a.Person, s.Partner):
		return refusal.List{refusal.New("COM-16", "CBC.0151", s.object(), "%s may not speak for partner %s about its bills; the partner's administrator may, and who has the permission for incentives.", a.Person.Name, s.Partner)}
	}
	return nil
}

func (s Set) text(a Answer, sentence string) refusal.List {
	if strings.TrimSpace(a.Text) == "" {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", s.object(), "%s", sentence)}
	}
	return nil
}

// named checks that the bills named are of the set, at least one.
func (s Set) named(a Answer) refusal.List {
	var list refusal.List
	if len(a.Bills) == 0 {
		list = append(list, refusal.New("ENG-06", "CBC.0100", s.object(), "Name at least one of the bills %s.", s.ids()))
	}
	for _, id := range a.Bills {
		if _, ok := s.bill(id); !ok {
			list = append(list, refusal.New("COM-17", "CBC.5001", "bill "+id, "Case %s has no bill %q; it has %s.", s.Case, id, s.ids()))
		}
	}
	return list
}

// open checks that the partner's check is under way: the deadline's instant itself is late (INC-08).
func (s Set) open(a Answer, done string) refusal.List {
	switch {
	case s.State != ToConfirm:
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", s.object(), "The bills are %s; only bills that wait for the partner's check can be %s.", s.State, done)}
	case s.Deadline.IsZero():
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", s.object(), "Operations recalculates the bills; wait until they are presented anew.")}
	case calendar.Late(a.At, Closes(s.Deadline)): // INC-08
		return refusal.List{refusal.New("INC-08", "ENG_STATE", s.object(), "The deadline %s is over, and the system confirms the bills; ask the vendor's operations for a correction.", s.Deadline)}
	}
	return nil
}

func (s Set) bill(id string) (Bill, bool) {
	if i := slices.IndexFunc(s.Bills, func(b Bill) bool { return b.ID == id }); i >= 0 {
		return s.Bills[i], true
	}
	return Bill{}, false
}

func (s Set) ids() string {
	ids := make([]string, len(s.Bills))
	for i, b := range s.Bills {
		ids[i] = b.ID
	}
	return strings.Join(ids, ", ")
}

// Question is what operations is asked about a set.
func (s Set) Question(m approval.Matter, total, reason string) string {
	if m.Name == Present.Name {
		return fmt.Sprintf("The bills %s of partner %s for %s came back: %s. Recalculate, then decide: present (with the corrections that the calculation gave), or uphold the bills as they are with a reason for the partner.", s.ids(), s.Partner, s.Period, reason)
	}
	return fmt.Sprintf("May the bills %s of partner %s for %s, %s in all, be released? Decide: approve, or refuse with a reason.", s.ids(), s.Partner, s.Period, total)
}
