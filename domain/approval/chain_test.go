package approval_test

import (
	"strings"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

func TestGivenAChain_WhenItIsChecked_ThenEveryFaultIsNamed(t *testing.T) {
	type change = func(*approval.Chain)
	on := func(change func(*approval.Step)) func(*approval.Chain) {
		return func(c *approval.Chain) { change(&c.Steps[0]) }
	}
	who := func(candidates ...approval.Candidate) func(*approval.Chain) {
		return on(func(s *approval.Step) { s.Mode, s.Who = approval.All, candidates })
	}
	term := calendar.MustTerm("P2WD")
	for name, tc := range map[string]struct {
		change
		faults []string
	}{
		"sound":                        {func(*approval.Chain) {}, nil},
		"no owner":                     {func(c *approval.Chain) { c.Owner = "" }, []string{"approval.owner names the role that is asked when nobody else may decide"}},
		"no steps":                     {func(c *approval.Chain) { c.Steps = nil }, []string{"approval.steps has at least one step"}},
		"a band without a role":        {func(c *approval.Chain) { c.Bands = []approval.Band{{}} }, []string{"band 1 names a role"}},
		"a band after one without end": {func(c *approval.Chain) { c.Bands = []approval.Band{{Role: "a"}, {Role: "b"}} }, []string{"band 1 (a) has no limit, so no band may follow it"}},
		"a band of nothing":            {func(c *approval.Chain) { c.Bands = []approval.Band{{Role: "a", UpTo: amount("0")}} }, []string{"band 1 (a) has a limit above 0 and above the band before it"}},
		"bands that do not rise": {func(c *approval.Chain) {
			c.Bands = []approval.Band{{Role: "a", UpTo: amount("5")}, {Role: "b", UpTo: amount("5")}}
		}, []string{"band 2 (b) has a limit above 0 and above the band before it"}},
		"no name":                       {on(func(s *approval.Step) { s.Name = "" }), []string{`step 1 needs a name of small letters, digits and hyphens, not send, owner, ""`}},
		"a name in capitals":            {on(func(s *approval.Step) { s.Name = "Review" }), []string{`step 1 needs a name`}},
		"a name with a point":           {on(func(s *approval.Step) { s.Name = "review.2" }), []string{`step 1 needs a name`}},
		"a long name":                   {on(func(s *approval.Step) { s.Name = strings.Repeat("a", 33) }), []string{`step 1 needs a name`}},
		"a reserved name":               {on(func(s *approval.Step) { s.Name = "send" }), []string{`step 1 needs a name`}},
		"the name of the owner's step":  {on(func(s *approval.Step) { s.Name = "owner" }), []string{`step 1 needs a name`}},
		"a name twice":                  {func(c *approval.Chain) { c.Steps = append(c.Steps, c.Steps[0]) }, []string{`step "review" is there twice`}},
		"a first step in parallel":      {on(func(s *approval.Step) { s.Parallel = true }), []string{`step "review": the first step has no step before it to be parallel with`}},
		"a condition on nothing we ask": {on(func(s *approval.Step) { s.When = "colour = red" }), []string{`step "review": when: `}},
		"nobody":                        {on(func(s *approval.Step) { s.Who = nil }), []string{`step "review": who names at least one candidate`}},
		"a candidate of no kind":        {who(approval.Candidate{}), []string{`step "review": candidate 1 is one of role, person, relation or band`}},
		"a candidate of two kinds":      {who(approval.Candidate{Role: "a"}, approval.Candidate{Role: "a", Person: "F1"}), []string{`candidate 2 is one of role, person, relation or band`}},
		"each without a role":           {who(approval.Candidate{Person: "F1", Each: true}), []string{`candidate 1: each goes with a role`}},
		"an unknown relation":           {who(approval.Candidate{Relation: "cousin"}), []string{`candidate 1: the relations are ecosystem-manager and superior`}},
		"a band where there is none":    {who(approval.Candidate{Band: true}), []string{`candidate 1 asks for a band, but there are no bands`}},
		"an unknown mode":               {on(func(s *approval.Step) { s.Mode = "most" }), []string{`the modes are any, all, votes and sequence`}},
		"each of any":                   {on(func(s *approval.Step) { s.Who[0].Each = true }), []string{`each goes with the modes all, votes and sequence`}},
		"votes without a number":        {on(func(s *approval.Step) { s.Mode = approval.Votes }), []string{`mode votes needs a number of approvals in need`}},
		"more votes than people":        {on(func(s *approval.Step) { s.Mode, s.Need = approval.Votes, 2 }), []string{`2 approvals of 1 candidates cannot be reached`}},
		"a number without votes":        {on(func(s *approval.Step) { s.Need = 1 }), []string{`need goes with mode votes`}},
		"escalate without due":          {on(func(s *approval.Step) { s.Escalate = "manager" }), []string{`escalate goes with due`}},
		"a default without a term":      {on(func(s *approval.Step) { s.Default = &approval.Default{Outcome: approval.Reject} }), []string{`default.after is a term such as P5WD`}},
		"a default that decides not":    {on(func(s *approval.Step) { s.Default = &approval.Default{After: term, Outcome: approval.Return} }), []string{`default.outcome is approve or reject`}},
		"several":                       {func(c *approval.Chain) { c.Owner, c.Steps[0].Who, c.Steps[0].Need = "", nil, 3 }, []string{"approval.owner", "who names", "need goes"}},
		"votes of everybody with a role": {
			func(c *approval.Chain) {
				c.Steps[0] = approval.Step{Name: "a", Mode: approval.Votes, Need: 9, Who: []approval.Candidate{{Role: "a", Each: true}}}
			}, nil,
		},
		"an escalation to who could not approve": {
			func(c *approval.Chain) {
				c.Bands = []approval.Band{{Role: "a"}}
				c.Steps[0].Who, c.Steps[0].Due, c.Steps[0].Escalate = []approval.Candidate{{Band: true}}, term, "b"
			}, []string{`step "review": escalate names a role of the bands or the owner: b could not approve`},
		},
		"all that a step can have": {
			func(c *approval.Chain) {
				c.Bands = []approval.Band{{Role: "a", UpTo: amount("5")}, {Role: "b"}}
				c.Steps = append(c.Steps, approval.Step{
					Name: "second", Parallel: true, When: "amount >= 50_000", Mode: approval.Sequence, Remind: term, Due: term, Escalate: "b",
					Who:     []approval.Candidate{{Band: true}, {Relation: approval.Superior}, {Relation: approval.EcosystemManager}, {Person: "F1"}},
					Default: &approval.Default{After: term, Outcome: approval.Reject},
				})
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := chain(step("review", "", "finance"))
			tc.change(&c)
			err := c.Check(fields, "send")
			if len(tc.faults) == 0 {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Len(t, strings.Split(err.Error(), "\n"), len(tc.faults), err)
			for _, fault := range tc.faults {
				require.ErrorContains(t, err, fault)
			}
		})
	}
}

func TestGivenAChain_WhenAClerkReadsIt_ThenEachStepIsASentence(t *testing.T) {
	c := chain(
		step("review", approval.Any, "finance", "L1"),
		beside(step("board", approval.All, "F1", "F2")),
		votes("vote", 2, "F1", "F2", "F3"),
		step("row", approval.Sequence, "finance", "L1"),
		approval.Step{Name: "amount", When: "amount > 100", Who: []approval.Candidate{{Band: true}, {Relation: approval.Superior}, {Relation: approval.EcosystemManager}}},
		approval.Step{
			Name: "everybody", When: "urgent", Mode: approval.All, Who: []approval.Candidate{{Role: "manager", Each: true}},
			Remind: calendar.MustTerm("P1WD"), Due: calendar.MustTerm("P2WD"), Escalate: "board", Default: &approval.Default{After: calendar.MustTerm("P5WD"), Outcome: approval.Reject},
		},
	)
	c.Bands = []approval.Band{{Role: "finance", UpTo: amount("1000")}, {Role: "manager"}}
	require.NoError(t, c.Check(fields))
	require.Equal(t, []string{
		"1. review: finance or L1",
		"2. board: all of F1, F2, together with the step before",
		"3. vote: 2 of F1, F2, F3",
		"4. row: finance, then L1",
		"5. amount: by amount (finance up to 1000.00; manager above that) or the submitter's superior or the partner's ecosystem manager, if the amount is more than 100.00",
		"6. everybody: all of everybody who holds manager, if the urgent mark is set; reminded after 1 working day; overdue after 2 working days, then board may decide as well; after 5 working days the deadline decides: reject",
	}, c.Words(fields))
}

// seats writes whom the steps of a plan ask: "F1 + finance|L1", or why nobody.
func seats(p approval.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		var seats []string
		for _, who := range s.Seats {
			var names []string
			for _, w := range who {
				names = append(names, w.Person()+string(w.Role()))
			}
			seats = append(seats, strings.Join(names, "|"))
		}
		text := s.Name + ": " + strings.Join(seats, " + ")
		if s.Skipped != "" {
			text += "skipped, " + s.Skipped
		}
		out = append(out, text)
	}
	return out
}

func TestGivenACase_WhenItsChainIsPlanned_ThenThePlanSaysWhoIsAskedAndWhyNobodyIs(t *testing.T) {
	passed := func(seat, step string) approval.Seat {
		return approval.Seat{Name: seat, Step: step, State: approval.Approved, Person: "P-" + seat}
	}
	former := approval.Standing{Seats: []approval.Seat{passed("review", "review"), passed("legal", "legal"), passed("risk", "risk")}}
	part := money.Must("300.00")
	lowered := approval.Standing{Seats: []approval.Seat{{Name: "review", Step: "review", State: approval.Approved, Person: "F1", Amount: &part}, passed("legal", "legal"), passed("risk", "risk")}}
	if1 := func(s approval.Step, when string) approval.Step { s.When = when; return s }
	by := func(name string, mode approval.Mode, who ...approval.Candidate) approval.Step {
		return approval.Step{Name: name, Mode: mode, Who: who}
	}
	superior, ecosystem := approval.Candidate{Relation: approval.Superior}, approval.Candidate{Relation: approval.EcosystemManager}
	everybody := approval.Candidate{Role: "finance", Each: true}
	holders := approval.Facts{Holders: map[person.Role][]string{"finance": {"F1", "F2"}}}
	related := approval.Facts{Relations: map[approval.Relation]string{approval.Superior: "X1"}}
	resumed := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"), beside(step("risk", approval.Any, "risk")), step("manager", approval.Any, "manager"))
	resumed.Resume = true
	unfinished := resumed
	unfinished.Resume = false
	vote := by("vote", approval.Votes, everybody)
	vote.Need = 3
	for _, tc := range []struct {
		name  string
		chain approval.Chain
		facts approval.Facts
		want  []string
	}{
		{"given one step, when it is planned, then its candidates are asked", chain(step("review", "", "finance", "L1")), approval.Facts{}, []string{"review: finance|L1"}},
		{"given a condition that holds, when it is planned, then its step is asked", chain(if1(step("review", "", "finance"), "amount >= 50000")), approval.Facts{}, []string{"review: finance"}},
		{"given a condition that does not hold, when it is planned, then its step is skipped in words", chain(step("review", "", "finance"), if1(step("legal", "", "legal"), "amount > 50000")), approval.Facts{}, []string{"review: finance", "legal: skipped, it is not so that the amount is more than 50000.00"}},
		{"given no condition that holds, when it is planned, then the owner is asked", chain(if1(step("legal", "", "legal"), "not urgent")), approval.Facts{}, []string{"legal: skipped, it is not so that the urgent mark is not set", "owner: owner-role"}},
		{"given a relation, when there is somebody, then they are asked", chain(by("review", "", superior)), related, []string{"review: X1"}},
		{"given a relation, when there is nobody, then the owner is asked", chain(by("review", "", superior)), approval.Facts{}, []string{"review: owner-role"}},
		{"given any of two relations, when one is missing, then the other is enough", chain(by("review", "", ecosystem, superior)), related, []string{"review: X1"}},
		{"given all of two relations, when one is missing, then the owner is asked in its place", chain(by("review", approval.All, ecosystem, superior)), related, []string{"review: owner-role + X1"}},
		{"given all of two relations, when both are missing, then the owner is asked once", chain(by("review", approval.All, ecosystem, superior)), approval.Facts{}, []string{"review: owner-role"}},
		{"given one relation after the other, when the first is missing, then the owner is asked first", chain(by("review", approval.Sequence, ecosystem, superior)), related, []string{"review: owner-role + X1"}},
		{"given everybody with a role, when it is planned, then each has a task", chain(by("review", approval.All, everybody)), holders, []string{"review: F1 + F2"}},
		{"given everybody with a role, when nobody holds it, then the owner is asked", chain(by("review", approval.All, everybody)), approval.Facts{}, []string{"review: owner-role"}},
		{"given everybody and one of them by name, when it is planned, then nobody is asked twice", chain(by("review", approval.All, everybody, approval.Candidate{Person: "F2"}, superior)), approval.Facts{Holders: holders.Holders, Relations: map[approval.Relation]string{approval.Superior: "F1"}}, []string{"review: F1 + F2"}},
		{"given a role twice, when all are asked, then two of the role are", chain(step("review", approval.All, "finance", "finance")), approval.Facts{}, []string{"review: finance + finance"}},
		{"given three votes of two people, when it is planned, then the owner fills up", chain(vote), holders, []string{"vote: F1 + F2 + owner-role"}},
		{"given three votes of nobody, when it is planned, then the owner's people vote", chain(vote), approval.Facts{}, []string{"vote: owner-role + owner-role + owner-role"}},
		{"given a step that returned the round, when the policy resumes, then the ones before are skipped", resumed, approval.Facts{Returned: "manager", Former: former}, []string{
			"review: skipped, the round goes on at step manager, which returned it", "legal: skipped, the round goes on at step manager, which returned it",
			"risk: skipped, the round goes on at step manager, which returned it", "manager: manager",
		}},
		{"given a parallel step that returned the round, when the policy resumes, then its sibling is asked too", resumed, approval.Facts{Returned: "risk", Former: former}, []string{
			"review: skipped, the round goes on at step risk, which returned it", "legal: legal", "risk: risk", "manager: manager",
		}},
		{"given a step before that let only a part through, when the policy resumes, then it is asked again", resumed, approval.Facts{Returned: "manager", Former: lowered}, []string{
			"review: finance", "legal: skipped, the round goes on at step manager, which returned it", "risk: skipped, the round goes on at step manager, which returned it", "manager: manager",
		}},
		{"given a step before that nobody was asked in, when the policy resumes, then it is asked", resumed, approval.Facts{Returned: "manager"}, []string{"review: finance", "legal: legal", "risk: risk", "manager: manager"}},
		{"given a first step that returned the round, when the policy resumes, then all are asked", resumed, approval.Facts{Returned: "review"}, []string{"review: finance", "legal: legal", "risk: risk", "manager: manager"}},
		{"given a step that is not there any more, when the policy resumes, then all are asked", resumed, approval.Facts{Returned: "gone"}, []string{"review: finance", "legal: legal", "risk: risk", "manager: manager"}},
		{"given a step that returned the round, when the policy does not resume, then all are asked", unfinished, approval.Facts{Returned: "manager"}, []string{"review: finance", "legal: legal", "risk: risk", "manager: manager"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, seats(planned(t, tc.chain, tc.facts)))
		})
	}
}

func TestGivenBands_WhenACaseIsPlanned_ThenTheLowestRoleWhoseLimitHoldsTheAmountIsAsked(t *testing.T) {
	for asked, role := range map[string]string{
		"0.00": "finance", "999.99": "finance", "1000.00": "finance", "1000.01": "legal", "50000.00": "legal", "50000.01": "manager", "9999999.00": "manager",
	} {
		p := planned(t, banded(), approval.Facts{Amount: money.Must(asked)})
		require.Equal(t, []string{"review: " + role + "|finance"}, seats(p), asked)
		require.True(t, p.Steps[0].Banded)
	}
	limited := chain(approval.Step{Name: "review", Who: []approval.Candidate{{Band: true}}})
	limited.Bands = []approval.Band{{Role: "finance", UpTo: amount("1000")}}
	require.Equal(t, []string{"review: owner-role"}, seats(planned(t, limited, approval.Facts{Amount: money.Must("1000.01")})), "above every band the owner is asked")
}

func TestGivenAChain_WhenItIsPlanned_ThenEverythingOfTheStepIsPinned(t *testing.T) {
	c := chain(approval.Step{
		Name: "board", Mode: approval.Votes, Need: 2, When: "urgent", Who: []approval.Candidate{{Person: "F1"}, {Person: "F2"}, {Person: "F3"}},
		Remind: calendar.MustTerm("P1D"), Due: calendar.MustTerm("P2D"), Escalate: "manager", Default: &approval.Default{After: calendar.MustTerm("P3D"), Outcome: approval.Reject},
	}, step("review", approval.All, "F1", "F2"))
	c.RepeatSigners, c.Resume, c.ChangesTerm = true, true, calendar.MustTerm("P30D")
	p := planned(t, c, approval.Facts{})
	require.Equal(t, approval.Plan{
		Owner: "owner-role", RepeatSigners: true, Resume: true, ChangesTerm: c.ChangesTerm,
		Steps: []approval.PlannedStep{
			{
				Name: "board", Why: "the urgent mark is set", Mode: approval.Votes, Need: 2, Remind: c.Steps[0].Remind, Due: c.Steps[0].Due, Escalate: "manager", Default: c.Steps[0].Default,
				Seats: [][]approval.Who{{approval.PersonWho("F1")}, {approval.PersonWho("F2")}, {approval.PersonWho("F3")}},
			},
			{Name: "review", Mode: approval.All, Need: 2, Seats: [][]approval.Who{{approval.PersonWho("F1")}, {approval.PersonWho("F2")}}},
		},
	}, p)
	require.Equal(t, approval.Votes, p.Step("board").Mode)
	require.Zero(t, p.Step("nowhere").Mode)
}

func TestGivenSkippedSteps_WhenARoundIsOpened_ThenParallelOnesStayTogetherAndASkipIsNoApproval(t *testing.T) {
	skipped := step("legal", approval.Any, "legal")
	skipped.When = "amount > 50000"
	c := chain(step("review", approval.Any, "finance"), skipped, beside(step("risk", approval.Any, "risk")), beside(step("manager", approval.Any, "manager")))
	p := planned(t, c, approval.Facts{})
	s, err := p.Standing(nil)
	require.NoError(t, err)
	require.Equal(t, "review open finance", shown(s), "risk is parallel with legal, not with the review")
	s, err = p.Standing(moves("F1 approve review"))
	require.NoError(t, err)
	require.Equal(t, "review approved; risk open risk; manager open manager", shown(s))
	require.Nil(t, s.Seat("legal"), "nobody approved what was skipped")

	_, list, _ := asked{chain: c, moves: "F1 approve review", seat: "manager", by: "M1", d: approval.Decision{Outcome: "back", To: "legal", Reason: "y"}}.judge(t)
	refuses(t, list, "W000001/manager", said{"COM-08", "CBC.0100", `"legal" is no earlier step of the round; name one of: review.`})
}

func TestGivenACaseWithoutTheDataOfACondition_WhenItIsPlanned_ThenItIsAnErrorAndNothingIsSkipped(t *testing.T) {
	s := step("review", approval.Any, "finance")
	s.When = "urgent"
	_, err := chain(s).Plan(approval.Facts{Fields: fields, Values: condition.Values{"amount": "1.00"}})
	require.ErrorContains(t, err, "step review")
	_, err = chain(s).Plan(approval.Facts{})
	require.ErrorContains(t, err, "step review", "a condition on a field that is gone")
}

func TestGivenWhoIsAsked_WhenItIsRead_ThenItIsARoleOrAPerson(t *testing.T) {
	require.Equal(t, person.Role("finance"), approval.RoleWho("finance").Role())
	require.Empty(t, approval.RoleWho("finance").Person())
	require.Equal(t, "F1", approval.PersonWho("F1").Person())
	require.Empty(t, approval.PersonWho("F1").Role())
	require.Empty(t, approval.PersonWho("").Person())
	require.Empty(t, approval.Who("finance").Role())
}

func TestGivenANotice_WhenItIsWritten_ThenItTellsTheTaskInBothLanguagesAndTheTimeInUTC8(t *testing.T) {
	due := time.Date(2025, 11, 4, 16, 0, 0, 0, time.UTC)
	data := approval.NoticeData{Task: "W000001/review", Case: "W000001", Partner: "P1001", Question: "May 640.00 CNY leave?", DueAt: &due, By: "F1", Note: "invoice 7"}
	for notice, words := range map[approval.Notice][2]string{
		approval.TaskOpened: {"待您处理", "waits for you"}, approval.TaskRemind: {"提醒：尚待您处理", "still waits for you"}, approval.TaskOverdue: {"已超期", "is overdue"},
		approval.TaskAsked: {"需要补充信息", "needs information"}, approval.TaskSaid: {"有新评论", "has a new comment"}, approval.TaskUrged: {"催办", "is urged"},
		approval.TaskCopied: {"抄送", "for your information"},
	} {
		subject, body := notice.Text(data)
		require.Equal(t, "任务 W000001/review "+words[0]+" / Task W000001/review "+words[1], subject)
		for _, told := range []string{subject, "事项 case: W000001\n", "伙伴 partner: P1001\n", "到期 due: 2025-11-05 00:00:00 (UTC+8)\n", "来自 by: F1\n", "说明 note: invoice 7\n", "\nMay 640.00 CNY leave?\n"} {
			require.Contains(t, body, told, notice)
		}
	}
	_, body := approval.TaskOpened.Text(approval.NoticeData{Task: "W000001/review", Case: "W000001", Partner: "P1001"})
	for _, empty := range []string{"due:", "by:", "note:"} {
		require.NotContains(t, body, empty)
	}
	require.True(t, strings.HasSuffix(body, "\n请处理。 Please decide it.\n"), body)
	require.Equal(t, "2025-11-04 16:00:00", due.Format("2006-01-02 15:04:05"), "the instant is told at UTC+8, a day later")
}
