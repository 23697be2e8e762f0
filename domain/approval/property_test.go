package approval_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// crowd is everybody whom the properties know: four holders each of the roles a, b and c, two of the owner's role, one of
// no role and one who has left.
var crowd = func() map[string]person.Person {
	all := map[string]person.Person{}
	for i := range 12 {
		id := fmt.Sprintf("P%d", i+1)
		all[id] = person.Person{ID: id, Name: id, Active: true, Roles: []person.Role{person.Role("aaaabbbbcccc"[i : i+1])}}
	}
	all["O1"] = person.Person{ID: "O1", Name: "O1", Active: true, Roles: []person.Role{"owner-role"}}
	all["O2"] = person.Person{ID: "O2", Name: "O2", Active: true, Roles: []person.Role{"owner-role", "a"}}
	all["X1"] = person.Person{ID: "X1", Name: "X1", Active: true}
	all["G1"] = person.Person{ID: "G1", Name: "G1", Roles: []person.Role{"a"}}
	return all
}()

var (
	crowdIDs = func() []string {
		var ids []string
		for id := range crowd {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		return ids
	}()
	anyID = rapid.SampledFrom(crowdIDs)
)

// anyChain has one to four steps of every mode with one to four candidates, one behind or beside the other. Three bands
// hold 100.00, 1000.00 and any amount; a case is about 500.00.
func anyChain(t *rapid.T) approval.Chain {
	c := chain()
	c.Bands = []approval.Band{{Role: "a", UpTo: amount("100")}, {Role: "b", UpTo: amount("1000")}, {Role: "c"}}
	c.RepeatSigners = rapid.Bool().Draw(t, "repeat signers")
	for i := range rapid.IntRange(1, 4).Draw(t, "steps") {
		s := approval.Step{
			Name: string(rune('p' + i)), Parallel: i > 0 && rapid.Bool().Draw(t, "parallel"),
			Mode: rapid.SampledFrom([]approval.Mode{approval.Any, approval.All, approval.Votes, approval.Sequence}).Draw(t, "mode"),
		}
		for range rapid.IntRange(1, 4).Draw(t, "candidates") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0, 1:
				s.Who = append(s.Who, approval.Candidate{Role: rapid.SampledFrom([]person.Role{"a", "b", "c"}).Draw(t, "role")})
			case 2, 3:
				s.Who = append(s.Who, approval.Candidate{Person: anyID.Draw(t, "person")})
			default:
				s.Who = append(s.Who, approval.Candidate{Band: true})
			}
		}
		if s.Mode == approval.Votes {
			s.Need = rapid.IntRange(1, len(s.Who)).Draw(t, "need")
		}
		c.Steps = append(c.Steps, s)
	}
	require.NoError(t, c.Check(fields))
	return c
}

// game is a round that is played move by move through Judge.
type game struct {
	round    approval.Round
	standing approval.Standing
	accepted int
}

func anyGame(t *rapid.T) *game {
	g := &game{round: approval.Round{
		Matter: review, CaseState: "UNDER_REVIEW", Number: 1, Latest: 1, Submitter: anyID.Draw(t, "submitter"), OpenedBy: anyID.Draw(t, "opened by"),
		Plan: planned(t, anyChain(t), approval.Facts{Amount: money.Must("500")}), Amount: money.Must("500"),
		Lines: map[string]money.Amount{"A": money.Must("300"), "B": money.Must("200")},
	}}
	g.play(t)
	return g
}

// play replays the moves: what was accepted has to fit, and something is open exactly while nothing is decided.
func (g *game) play(t *rapid.T) {
	s, err := g.round.Plan.Standing(g.round.Moves)
	if err != nil {
		t.Fatalf("accepted, but does not fit: %v", err)
	}
	g.standing = s
	if open := g.open(); (s.Outcome == "") != (len(open) > 0) {
		t.Fatalf("outcome %q with %d open seats: %s", s.Outcome, len(open), shown(s))
	}
	inTurn := map[string]string{}
	for _, x := range s.Seats {
		mode := g.round.Plan.Step(x.Step).Mode
		switch {
		case x.State == approval.Waiting && s.Outcome != "":
			t.Fatalf("decided, but %s waits: %s", x.Name, shown(s))
		case x.State == approval.Rejected && !x.Void && s.Outcome == "" && (mode != approval.Votes || x.AddedBy != ""):
			t.Fatalf("%s rejected, but the round goes on: %s", x.Name, shown(s))
		case x.State == approval.Open && mode == approval.Sequence && x.AddedBy == "":
			if other := inTurn[x.Step]; other != "" {
				t.Fatalf("%s is asked beside %s: %s", x.Name, other, shown(s))
			}
			inTurn[x.Step] = x.Name
		}
	}
}

func (g *game) open() []approval.Seat {
	return slices.DeleteFunc(slices.Clone(g.standing.Seats), func(x approval.Seat) bool { return x.State != approval.Open })
}

// tries puts a decision to Judge; what is accepted is played.
func (g *game) tries(t *rapid.T, seat, by, absent string, d approval.Decision) bool {
	r := g.round
	r.Seat, d.Person, d.Task = seat, by, approval.TaskID("W000001", seat, 1)
	who := approval.People{By: member(by), To: member(d.To), OwnSide: by == r.Submitter, Signals: true}
	if who.By != nil && absent != "" {
		who.By.StandsInFor = append(who.By.StandsInFor, crowd[absent])
	}
	before := g.standing.Seat(seat)
	m, list := approval.Judge(d, monday, r, who)
	if len(list) > 0 {
		return false
	}
	g.accepted++
	if !m.Act.IsMove() && m.Act != approval.Ask {
		return true
	}
	for _, id := range []string{m.Person, m.OnBehalf} {
		if id == r.Submitter || id == r.OpenedBy {
			t.Fatalf("%s may %s for %q on their own request", m.Person, m.Act, m.OnBehalf)
		}
	}
	if !crowd[m.Person].Active || m.OnBehalf != "" && !crowd[m.OnBehalf].Active {
		t.Fatalf("%s has left and may %s for %q", m.Person, m.Act, m.OnBehalf)
	}
	if m.Act.IsMove() {
		asked := *before
		g.round.Moves = append(g.round.Moves, m)
		g.play(t)
		g.authority(t, asked, m)
	}
	return true
}

func member(id string) *approval.Party {
	p, ok := crowd[id]
	if !ok {
		return nil
	}
	return &approval.Party{Person: p}
}

// authority looks at an answer that counts: whose it is holds a role that the seat was put to, or is asked by name.
func (g *game) authority(t *rapid.T, asked approval.Seat, m approval.Move) {
	now := g.standing.Seat(m.Seat)
	if now.State != approval.Approved && now.State != approval.Rejected || m.Act != approval.Approve && m.Act != approval.Reject {
		return
	}
	principal := crowd[cmp.Or(m.OnBehalf, m.Person)]
	byRole := slices.ContainsFunc(asked.Who, func(w approval.Who) bool { return principal.Holds(w.Role()) })
	byName := slices.Contains(asked.Who, approval.PersonWho(principal.ID)) && (len(asked.Roles) == 0 || principal.Holds(asked.Roles...))
	if !byRole && !byName {
		t.Fatalf("%s decided %s, which was put to %v of %v", principal.ID, m.Seat, asked.Who, asked.Roles)
	}
	lower := g.round.Amount
	if m.Amount != nil {
		lower = *m.Amount
	}
	lower = money.Min(lower, g.standing.Granted(g.round.Amount, g.round.Lines))
	if m.Act == approval.Approve && g.round.Plan.Step(asked.Step).Banded && !principal.Holds("c", "owner-role") &&
		(lower.Cmp(money.Must("1000")) > 0 || lower.Cmp(money.Must("100")) > 0 && !principal.Holds("b") || !principal.Holds("a", "b")) {
		t.Fatalf("%s approved %s in step %s", principal.ID, lower, asked.Step)
	}
}

var anyOutcome = rapid.SampledFrom([]approval.Outcome{
	approval.Approve, approval.Approve, approval.Approve, approval.Approve, approval.Reject, approval.Return, approval.Back, approval.Back, approval.Ask, approval.Transfer,
	approval.Delegate, approval.AddSigner, approval.AddSigner, approval.RemoveSigner, approval.Urge, approval.Comment, approval.Copy, approval.Involve, "perhaps",
})

// anyMove tries one decision: nine of ten on an open seat by somebody who is asked there, or by a substitute of theirs. Now
// and then the clock decides, or lets somebody decide as well.
func (g *game) anyMove(t *rapid.T) {
	open := g.open()
	if len(open) == 0 {
		return
	}
	seat := rapid.SampledFrom(open).Draw(t, "seat")
	switch rapid.IntRange(0, 19).Draw(t, "who moves") {
	case 0:
		g.clock(t, approval.Move{Act: rapid.SampledFrom([]approval.Outcome{approval.Approve, approval.Reject}).Draw(t, "default"), Seat: seat.Name})
		return
	case 1:
		g.clock(t, approval.Move{Act: approval.Involve, Seat: seat.Name, Who: rapid.SampledFrom([]approval.Who{"role:owner-role", "role:b"}).Draw(t, "involved")})
		return
	case 2:
		g.clock(t, approval.Move{Act: approval.HandOver, Seat: seat.Name, To: anyID.Draw(t, "successor")})
		return
	}
	d := approval.Decision{Outcome: anyOutcome.Draw(t, "outcome"), Reason: "because", To: anyID.Draw(t, "to"), Before: rapid.Bool().Draw(t, "before")}
	if d.Outcome == approval.Back {
		d.To = rapid.SampledFrom([]string{"p", "q", "r", "s", "owner"}).Draw(t, "step")
	}
	if d.Outcome == approval.Approve && rapid.Bool().Draw(t, "less") {
		d.Amount = rapid.SampledFrom([]string{"", "500", "250", "100", "99.99", "0.001"}).Draw(t, "amount")
		d.Lines = rapid.SampledFrom([][]string{nil, {"A"}, {"B"}, {"A", "B"}, {"C"}}).Draw(t, "lines")
	}
	name, by, absent := seat.Name, anyID.Draw(t, "by"), ""
	if rapid.IntRange(0, 9).Draw(t, "aimed") > 0 {
		principal := g.somebody(t, seat)
		if d.Outcome == approval.RemoveSigner { // of the owner's, or of who added it
			name = rapid.SampledFrom(g.standing.Seats).Draw(t, "removed").Name
			principal = cmp.Or(g.standing.Seat(name).AddedBy, rapid.SampledFrom([]string{"O1", "O2"}).Draw(t, "owner"))
		}
		if absent = principal; rapid.IntRange(0, 3).Draw(t, "substitute") > 0 {
			by, absent = principal, ""
		}
	} else if rapid.Bool().Draw(t, "stray") {
		name, absent = rapid.SampledFrom([]string{"p", "q.2", "r", "nowhere"}).Draw(t, "stray seat"), anyID.Draw(t, "absent")
		by = rapid.SampledFrom([]string{by, "Z9"}).Draw(t, "stray person")
	}
	g.tries(t, name, by, absent, d)
}

// somebody is one of those whom a seat is put to.
func (g *game) somebody(t *rapid.T, seat approval.Seat) string {
	w := rapid.SampledFrom(seat.Who).Draw(t, "asked")
	if w.Role() == "" {
		return w.Person()
	}
	return rapid.SampledFrom(slices.DeleteFunc(slices.Clone(crowdIDs), func(id string) bool { return !slices.Contains(crowd[id].Roles, w.Role()) })).Draw(t, "holder")
}

func (g *game) clock(t *rapid.T, m approval.Move) {
	g.round.Moves = append(g.round.Moves, m)
	g.play(t)
}

// finish lets everybody approve what they may, the owner what nobody may, and the clock what the owner may not either. It
// tells what can get stuck: every round ends.
func (g *game) finish(t *rapid.T) {
	approve := func(seat string) bool {
		return slices.ContainsFunc(crowdIDs, func(id string) bool { return g.tries(t, seat, id, "", approval.Decision{Outcome: approval.Approve}) })
	}
	for range 200 {
		if g.standing.Outcome != "" {
			return
		}
		seat := g.open()[0].Name
		if approve(seat) {
			continue
		}
		g.clock(t, approval.Move{Act: approval.Involve, Seat: seat, Who: "role:owner-role"})
		if !approve(seat) {
			g.clock(t, approval.Move{Act: approval.Approve, Seat: seat})
		}
	}
	t.Fatalf("the round does not end: %s", shown(g.standing))
}

// approvedRightly: every step that was not skipped has in its last visit the approvals it needs, none of them void, and
// nothing in it is left to be answered.
func (g *game) approvedRightly(t *rapid.T) {
	removed, behind := map[string]bool{}, map[string]string{}
	for i, m := range g.round.Moves {
		switch {
		case m.Act == approval.RemoveSigner:
			removed[m.Seat] = true
		case m.Act == approval.AddSigner && !m.Before:
			s, err := g.round.Plan.Standing(g.round.Moves[:i+1])
			if err != nil {
				t.Fatal(err)
			}
			behind[s.Seats[len(s.Seats)-1].Name] = m.Seat
		}
	}
	answered := func(x approval.Seat) bool { // an added one: who comes after nobody who approved is not asked
		if x.State == approval.Approved || removed[x.Name] {
			return true
		}
		before := g.standing.Seat(behind[x.Name])
		return before != nil && x.State == approval.Closed && before.State != approval.Approved
	}
	for _, step := range g.round.Plan.Steps {
		if step.Skipped != "" {
			continue
		}
		visit, approved, need := 0, 0, len(step.Seats)
		for _, x := range g.standing.Seats {
			if x.Step == step.Name {
				visit = max(visit, x.Visit)
			}
		}
		for _, x := range g.standing.Seats {
			if x.Step != step.Name || x.Visit != visit {
				continue
			}
			switch {
			case x.Void:
				t.Fatalf("%s counts, but is void: %s", x.Name, shown(g.standing))
			case x.AddedBy != "" && !answered(x):
				t.Fatalf("the added signer %s did not approve: %s", x.Name, shown(g.standing))
			case x.AddedBy != "":
			case x.State == approval.Approved:
				approved++
			case removed[x.Name]:
				need--
			}
		}
		if step.Mode == approval.Any || step.Mode == approval.Votes {
			need = step.Need
		}
		if visit == 0 || need < 1 || approved < need {
			t.Fatalf("step %s has %d approvals and needs %d: %s", step.Name, approved, need, shown(g.standing))
		}
	}
}

// everyOneOnce: nobody has decided twice, by themselves or through a substitute; in one step not even where that may be.
func (g *game) everyOneOnce(t *rapid.T) {
	signed := map[string]string{}
	for _, x := range g.standing.Seats {
		if x.Void || x.State != approval.Approved && x.State != approval.Rejected {
			continue
		}
		for _, id := range []string{x.Person, x.OnBehalf} {
			if id == "" {
				continue
			}
			if g.round.Plan.RepeatSigners {
				id += " in " + x.Step
			}
			if other := signed[id]; other != "" {
				t.Fatalf("%s decided %s and %s: %s", id, other, x.Name, shown(g.standing))
			}
			signed[id] = x.Name
		}
	}
}

// checkUntil tries a property until it has shown enough; what is enough counts what was really tried.
func checkUntil(t *testing.T, property func(*rapid.T), enough func() bool) {
	t.Helper()
	for range 30 {
		if rapid.Check(t, property); enough() {
			return
		}
	}
	t.Fatal("the property was not tried")
}

// Rule: ENG-02
// Rule: PGM-07
func TestGivenAnyChain_WhenAnybodyDecidesAnything_ThenOnlyWhoMayDoesAndSomethingIsOpenUntilTheOutcome(t *testing.T) {
	accepted, ends := 0, map[approval.Outcome]int{}
	checkUntil(t, func(t *rapid.T) {
		g := anyGame(t)
		for range rapid.IntRange(0, 14).Draw(t, "moves") {
			g.anyMove(t)
			g.everyOneOnce(t)
		}
		if rapid.Bool().Draw(t, "finished") {
			g.finish(t)
			g.everyOneOnce(t)
		}
		if g.standing.Outcome == approval.Approve {
			g.approvedRightly(t)
		}
		accepted += g.accepted
		ends[g.standing.Outcome]++
	}, func() bool {
		return accepted >= 500 && ends[approval.Approve] >= 30 && ends[approval.Reject] >= 10 && ends[approval.Return] >= 5 && ends[""] >= 5
	})
}

func TestGivenSeatsThatAreOpenAtTheSameTime_WhenTheirAnswersComeInAnyOrder_ThenOutcomeAndAmountAreTheSame(t *testing.T) {
	tried, ends := 0, map[approval.Outcome]int{}
	checkUntil(t, func(t *rapid.T) {
		g := anyGame(t)
		for range rapid.IntRange(0, 5).Draw(t, "moves") {
			g.anyMove(t)
		}
		answers := g.anyAnswers(t)
		if len(answers) < 2 {
			return
		}
		tried++
		one := g.answered(t, answers)
		other := g.answered(t, rapid.Permutation(answers).Draw(t, "another order"))
		ends[one.Outcome]++
		if one.Outcome != other.Outcome {
			t.Fatalf("%q or %q by the order of %v", one.Outcome, other.Outcome, answers)
		}
		if one.Outcome == approval.Reject {
			return // nothing is granted
		}
		if a, b := one.Granted(g.round.Amount, g.round.Lines), other.Granted(g.round.Amount, g.round.Lines); !a.Equal(b) || !slices.Equal(one.Lines, other.Lines) {
			t.Fatalf("%s of %v or %s of %v by the order of %v", a, one.Lines, b, other.Lines, answers)
		}
		if a, b := opened(one), opened(other); !slices.Equal(a, b) {
			t.Fatalf("%v or %v is open by the order of %v", a, b, answers)
		}
	}, func() bool { return tried >= 100 && ends[approval.Approve] >= 10 && ends[approval.Reject] >= 20 })
}

// anyAnswers approves or rejects every open seat. Who votes for less names the same amount: the first votes that are enough
// count, whichever they are.
func (g *game) anyAnswers(t *rapid.T) []approval.Move {
	anyLess := rapid.SampledFrom([]string{"500", "400", "250", "100"})
	voted := map[string]string{}
	rejects := rapid.SampledFrom([]int{0, 0, 5, 2}).Draw(t, "one of so many rejects")
	var answers []approval.Move
	for i, seat := range g.open() {
		m := approval.Move{Act: approval.Approve, Seat: seat.Name, Person: fmt.Sprintf("A%d", i)}
		if len(seat.Delegators) > 0 {
			m.Person = seat.Who[0].Person()
		}
		if rejects > 0 && rapid.IntRange(1, rejects).Draw(t, "rejects") == 1 {
			m.Act = approval.Reject
			answers = append(answers, m)
			continue
		}
		if g.round.Plan.Step(seat.Step).Mode == approval.Votes {
			if voted[seat.Step] == "" {
				voted[seat.Step] = anyLess.Draw(t, "votes for")
			}
			m.Amount = amount(voted[seat.Step])
		} else if rapid.Bool().Draw(t, "less") {
			m.Amount = amount(anyLess.Draw(t, "amount"))
			m.Lines = rapid.SampledFrom([][]string{nil, {"A"}, {"B", "A"}}).Draw(t, "lines")
		}
		answers = append(answers, m)
	}
	return answers
}

// answered replays answers in an order; one whose seat has closed meanwhile comes too late.
func (g *game) answered(t *rapid.T, answers []approval.Move) approval.Standing {
	all := slices.Clone(g.round.Moves)
	s := g.standing
	for _, m := range answers {
		if s.Seat(m.Seat).State != approval.Open {
			continue
		}
		all = append(all, m)
		var err error
		if s, err = g.round.Plan.Standing(all); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return s
}

func opened(s approval.Standing) []string {
	var names []string
	for _, x := range s.Seats {
		if x.State == approval.Open {
			names = append(names, x.Name)
		}
	}
	slices.Sort(names)
	return names
}
