package workflows

import (
	"context"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// absent lets a substitute act for a person in a period, as the person says.
func (h *house) absent(who, substitute string, from, to time.Time) {
	h.t.Helper()
	require.NoError(h.t, h.people().SetAbsence(context.Background(), activities.AbsenceInput{Person: who, Substitute: substitute, From: from, To: to, By: who, At: h.now}))
}

func (h *house) people() *activities.People { return &activities.People{DB: h.db} }

// Rule: PGM-02, PGM-07
func TestGivenAnAbsence_WhenTheSubstituteDecides_ThenOnlyInsideThePeriodAndForThePerson(t *testing.T) {
	from, to := cst("2025-11-03 12:00"), cst("2025-11-03 14:00")
	h := chained(t, steps(step("finance", "person:lina")))
	h.absent("lina", "tan", from, to)
	for _, c := range []struct {
		name string
		at   time.Time
		may  bool
	}{
		{"a second before it begins", from.Add(-time.Second), false},
		{"when it begins", from, true},
		{"a second before it ends", to.Add(-time.Second), true},
		{"when it ends", to, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.now = c.at
			number := h.opens(h.toBank(c.name, "100.00")).Case
			_, err := h.decideOn(number+"/finance", approval.Decision{Person: "tan", Outcome: approval.Approve})
			if !c.may {
				require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(activities.RefusalOf(err)))
				require.Equal(t, []string{"finance open"}, h.tasks(number))
				return
			}
			require.NoError(t, err)
			require.Equal(t, []string{"finance decided approve tan for lina"}, h.tasks(number))
			require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE case_number = $1 AND how = 'substitute' AND person_id = 'tan' AND on_behalf = 'lina'`, number))
			require.Equal(t, 1, h.count(`SELECT count(*) FROM events WHERE case_number = $1 AND actor = 'tan' AND action = 'approve' AND note = 'on behalf of lina'`, number))
			h.addsUp()
		})
	}
}

func TestGivenAnAbsentCandidate_WhenATaskOpens_ThenTheSubstituteIsTold(t *testing.T) {
	h := chained(t, steps(step("finance", "person:lina"), step("second", "person:lina", "person:tan")))
	h.absent("lina", "tan", h.now, h.now.Add(time.Hour))
	number := h.opens(h.toBank("k1", "100.00")).Case
	require.Equal(t, []string{"finance waits for you"}, h.told(number, "tan"))
	require.Empty(t, h.told(number, "lina"))
	h.must(h.decideOn(number+"/finance", approval.Decision{Person: "tan", Outcome: approval.Approve}))
	for who, says := range map[string]string{"tan": "tan has decided step finance", "lina": "lina has decided step finance"} { // one person, one step: the answer was both of theirs
		_, err := h.decideOn(number+"/second", approval.Decision{Person: who, Outcome: approval.Approve})
		require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, codesOf(activities.RefusalOf(err)), who)
		require.Contains(t, activities.RefusalOf(err).Error(), says)
	}
}

func TestGivenARoleLostBetweenOpeningAndDecision_WhenItsFormerHolderDecides_ThenItIsRefused(t *testing.T) {
	h := chained(t, twoSteps())
	h.absent("lina", "tan", h.now, h.now.Add(time.Hour))
	number := h.opens(h.toBank("k1", "100.00")).Case
	h.load("people: [{id: lina, name: Li Na, email: lina@vendor.example, roles: [compliance]}]")
	for _, who := range []string{"lina", "tan"} { // nor does who stands in for her
		_, err := h.decideOn(number+"/finance", approval.Decision{Person: who, Outcome: approval.Approve})
		require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(activities.RefusalOf(err)), who)
	}
	require.Equal(t, []string{"finance open"}, h.tasks(number))
}

func TestGivenNobodyWhoMayDecide_WhenATaskOpens_ThenTheProcessOwnerIsAskedAtOnce(t *testing.T) {
	h := chained(t, steps(step("legal", "role:legal")))
	r := h.plays("100.00",
		meanwhile(func(r *run) {
			number := r.opened.standing.Case
			require.Equal(t, "role:legal role:finance-manager", h.asked(number+"/legal"))
			require.Equal(t, 1, h.count(`SELECT count(*) FROM events WHERE action = 'ask owner' AND actor = 'rule' AND note = $1`, "nobody of role:legal may decide "+number+"/legal; finance-manager may"))
			require.Equal(t, []string{"legal waits for you"}, h.told(number, "chen"))
			require.Equal(t, []string{"legal waits for you"}, h.told(number, "gao"))
		}),
		says("legal", "chen", approval.Reject, "no"),
	)
	require.Equal(t, []string{"legal decided reject chen"}, h.tasks(r.result.Case))
	h.released()
}

// Rule: PGM-07, ENG-02, COM-16
func TestGivenAPersonWhoLeaves_WhenItIsRecorded_ThenOpenTasksGoToTheSuccessorOrTheOwner(t *testing.T) {
	leave := func(h *house, successor, by string) (activities.LeaveReport, error) {
		return h.people().Leave(context.Background(), activities.LeaveInput{Person: "lina", Successor: successor, By: by, At: h.now})
	}
	decide := func(h *house, task, who string) []string {
		_, err := h.decideOn(task, approval.Decision{Person: who, Outcome: approval.Approve})
		return codesOf(activities.RefusalOf(err))
	}
	t.Run("the successor has what was put to the person", func(t *testing.T) {
		h := chained(t, steps(step("finance", "person:lina")))
		number := h.opens(h.toBank("k1", "100.00")).Case
		for range 2 { // it may be repeated
			report, err := leave(h, "tan", "chen")
			require.NoError(t, err)
			if h.count(`SELECT count(*) FROM decisions WHERE act = 'hand-over'`) != 1 {
				t.Fatal("handed over once")
			}
			require.Zero(t, report.ToOwner)
		}
		require.Equal(t, "person:tan", h.asked(number+"/finance"))
		require.Equal(t, []string{"finance waits for you"}, h.told(number, "tan"))
		require.Contains(t, h.history(number), "chen hand over UNDER_REVIEW>UNDER_REVIEW")
		require.Equal(t, []string{"COM-16 CBC.0151"}, decide(h, number+"/finance", "lina"), "authority ends at once")
		require.Empty(t, decide(h, number+"/finance", "tan"))
		h.addsUp()
	})
	t.Run("who else was asked still is", func(t *testing.T) {
		h := chained(t, steps(step("finance", "person:lina", "person:zhao")))
		number := h.opens(h.toBank("k1", "100.00")).Case
		report, err := leave(h, "tan", "chen")
		require.NoError(t, err)
		require.Equal(t, activities.LeaveReport{HandedOver: 1}, report)
		require.Empty(t, decide(h, number+"/finance", "zhao"))
	})
	t.Run("a successor without the role, and the owner", func(t *testing.T) {
		h := chained(t, steps(step("finance", "role:vendor-finance")))
		number := h.opens(h.toBank("k1", "100.00")).Case
		h.must(h.decideOn(number+"/finance", approval.Decision{Person: "zhao", Outcome: approval.Transfer, To: "lina"}))
		report, err := leave(h, "tan", "chen")
		require.NoError(t, err)
		require.Equal(t, activities.LeaveReport{HandedOver: 1, ToOwner: 1}, report)
		require.Equal(t, "person:tan role:finance-manager", h.asked(number+"/finance"))
		require.Equal(t, []string{"COM-16 CBC.0151"}, decide(h, number+"/finance", "tan"))
		require.Empty(t, decide(h, number+"/finance", "gao"))
	})
	t.Run("nobody takes over: the owner", func(t *testing.T) {
		h := chained(t, steps(step("finance", "person:lina")))
		number := h.opens(h.toBank("k1", "100.00")).Case
		report, err := leave(h, "", "chen")
		require.NoError(t, err)
		require.Equal(t, activities.LeaveReport{ToOwner: 1}, report)
		require.Equal(t, "person:lina role:finance-manager", h.asked(number+"/finance"))
		require.Equal(t, []string{"finance waits for you"}, h.told(number, "chen"))
	})
	t.Run("the submitter as successor does not decide: the owner", func(t *testing.T) {
		h := chained(t, steps(step("finance", "person:lina")))
		app := h.toBankBy("wang", "k1", "100.00", h.now)
		number := h.opens(app).Case
		report, err := leave(h, "wang", "chen")
		require.NoError(t, err)
		require.Equal(t, activities.LeaveReport{ToOwner: 1}, report)
		require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, decide(h, number+"/finance", "wang")[1:])
	})
	t.Run("a task of a role stays with the others who hold it", func(t *testing.T) {
		h := chained(t, twoSteps())
		number := h.opens(h.toBank("k1", "100.00")).Case
		report, err := leave(h, "tan", "gao")
		require.NoError(t, err)
		require.Equal(t, activities.LeaveReport{}, report)
		require.Equal(t, "role:vendor-finance", h.asked(number+"/finance"))
		require.Equal(t, []string{"COM-16 CBC.0151"}, decide(h, number+"/finance", "lina"))
	})
	t.Run("refusals change nothing", func(t *testing.T) {
		h := chained(t, steps(step("finance", "person:lina")))
		h.opens(h.toBank("k1", "100.00"))
		for _, c := range []struct {
			successor, by string
			want          []string
		}{
			{"tan", "lina", []string{"ENG-02 ENG_SELF_APPROVAL"}},
			{"tan", "zhao", []string{"COM-16 CBC.0151"}},
			{"tan", "nobody", []string{"COM-16 CBC.0151"}},
			{"nobody", "chen", []string{"COM-16 CBC.0151"}},
			{"mei", "chen", []string{"COM-16 CBC.0151"}},
			{"lina", "chen", []string{"COM-16 CBC.0151"}},
		} {
			_, err := leave(h, c.successor, c.by)
			require.Equal(t, c.want, codesOf(activities.RefusalOf(err)), "%s %s", c.successor, c.by)
		}
		require.Equal(t, 1, h.count(`SELECT count(*) FROM people WHERE person_id = 'lina' AND active`))
		require.Zero(t, h.count(`SELECT count(*) FROM decisions`))
	})
}

// Rule: PGM-02, PGM-07, COM-16
func TestGivenAnAbsence_WhenItIsSet_ThenBySomebodyWhoMayAndForAnotherOfTheVendor(t *testing.T) {
	h := chained(t, twoSteps())
	set := func(who, substitute, by string, from, to time.Time) []string {
		return codesOf(activities.RefusalOf(h.people().SetAbsence(context.Background(), activities.AbsenceInput{Person: who, Substitute: substitute, From: from, To: to, By: by, At: h.now})))
	}
	from, to := h.now, h.now.Add(time.Hour)
	for _, c := range []struct {
		who, substitute, by string
		from, to            time.Time
		want                []string
	}{
		{"lina", "zhao", "tan", from, to, []string{"COM-16 CBC.0151"}},           // neither herself nor her superior nor the owner
		{"lina", "chen", "chen", from, to, []string{"ENG-02 ENG_SELF_APPROVAL"}}, // nobody takes somebody else's place by themself
		{"lina", "zhao", "nobody", from, to, []string{"COM-16 CBC.0151"}},
		{"nobody", "zhao", "chen", from, to, []string{"COM-16 CBC.0151"}},
		{"mei", "zhao", "chen", from, to, []string{"COM-16 CBC.0151"}}, // not of the vendor
		{"lina", "nobody", "lina", from, to, []string{"COM-16 CBC.0151"}},
		{"lina", "mei", "lina", from, to, []string{"COM-16 CBC.0151"}},
		{"lina", "lina", "lina", from, to, []string{"COM-16 CBC.0151"}},
		{"lina", "zhao", "lina", from, from, []string{"PGM-02 CBC.0100"}},
	} {
		require.Equal(t, c.want, set(c.who, c.substitute, c.by, c.from, c.to), "%s %s %s", c.who, c.substitute, c.by)
	}
	require.Zero(t, h.count(`SELECT count(*) FROM absences`))

	require.Empty(t, set("wang", "zhao", "gao", from, to), "the superior")
	require.Empty(t, set("lina", "zhao", "chen", from, to), "the process owner")
	require.Empty(t, set("lina", "zhao", "lina", from, to.Add(time.Hour)), "the same beginning moves the end")
	require.Equal(t, 2, h.count(`SELECT count(*) FROM absences`))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM absences WHERE person_id = 'lina' AND to_at = $1`, to.Add(time.Hour)))
}

func TestGivenAnOpenTask_WhenItsOnlyCandidateIsAbsentWithASubstituteWhoMayNot_ThenTheOwnerIsAsked(t *testing.T) {
	h := chained(t, steps(step("finance", "person:lina")))
	app := h.toBankBy("wang", "k1", "100.00", h.now)
	number := h.opens(app).Case
	h.absent("lina", "wang", h.now, h.now.Add(time.Hour))
	require.Equal(t, "person:lina role:finance-manager", h.asked(number+"/finance"))
	require.Contains(t, h.history(number), "rule ask owner UNDER_REVIEW>UNDER_REVIEW")
}

// timed is one step with a whole clock: reminded on Tuesday, overdue on Wednesday, decided by itself on Friday, each when
// the day is over.
func timed(outcome approval.Outcome) approval.Chain {
	s := step("finance", "role:vendor-finance")
	s.Remind, s.Due, s.Escalate = calendar.MustTerm("P1WD"), calendar.MustTerm("P2WD"), "finance-manager"
	s.Default = &approval.Default{After: calendar.MustTerm("P4WD"), Outcome: outcome}
	return steps(s)
}

// The instants of timed for a round that opens on Monday 2025-11-03.
var reminded, overdue, defaulted = cst("2025-11-05 00:00"), cst("2025-11-06 00:00"), cst("2025-11-08 00:00")

// tick has the clock look at a case at an instant.
func (h *house) tick(number string, at time.Time) activities.WithdrawalStanding {
	h.t.Helper()
	return h.must(h.act.EscalateWithdrawal(context.Background(), activities.ClockInput{Case: number, At: at}))
}

// clock lists what the clock did, as "time action from>to".
func (h *house) clock(number string) []string {
	h.t.Helper()
	var out []string
	require.NoError(h.t, h.db.Select(&out, `
		SELECT to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS') || ' ' || action || ' ' || from_state || '>' || to_state
		  FROM events WHERE case_number = $1 AND actor = 'clock' ORDER BY seq`, number))
	return out
}

func TestGivenTermsOfAStep_WhenTheyClose_ThenEachFiresOnceAtItsInstantHoweverLateTheWorkerIs(t *testing.T) {
	want := []string{
		"2025-11-05 00:00:00 remind UNDER_REVIEW>UNDER_REVIEW", "2025-11-06 00:00:00 escalate UNDER_REVIEW>UNDER_REVIEW", "2025-11-08 00:00:00 reject UNDER_REVIEW>REFUSED",
	}
	t.Run("in the workflow", func(t *testing.T) {
		h := chained(t, timed(approval.Reject))
		r := h.plays("800.00",
			says("finance", "chen", approval.Approve).at(overdue.Sub(h.now)-time.Second).refused("does not hold", "COM-16 CBC.0151"),
			meanwhile(func(r *run) {
				require.Equal(t, "role:vendor-finance role:finance-manager", h.asked(r.opened.standing.Case+"/finance"))
			}).at(overdue.Sub(h.now)+time.Second),
		)
		require.Equal(t, withdrawal.Refused, r.result.State)
		require.Equal(t, want, h.clock(r.result.Case))
		require.Equal(t, []string{"finance decided reject deadline"}, h.tasks(r.result.Case))
		require.Equal(t, []string{"finance waits for you", "finance still waits for you", "finance is overdue"}, h.told(r.result.Case, "zhao"))
		require.Equal(t, []string{"finance is overdue"}, h.told(r.result.Case, "chen"))
		require.Equal(t, 1, h.count(`SELECT count(*) FROM events WHERE action = 'reject' AND note = 'nobody decided until 2025-11-07T16:00:00Z; the policy says: reject'`))
		h.released()
	})
	h := chained(t, timed(approval.Reject))
	t.Run("by a worker that was away", func(t *testing.T) {
		number := h.opens(h.toBank("k1", "800.00")).Case
		for range 2 {
			require.Equal(t, withdrawal.Refused, h.tick(number, defaulted.Add(72*time.Hour)).State)
		}
		require.Equal(t, want, h.clock(number))
		h.released()
	})
	t.Run("one by one", func(t *testing.T) {
		number := h.opens(h.toBank("k2", "800.00")).Case
		for i, at := range []time.Time{reminded, overdue, defaulted} {
			before := h.tick(number, at.Add(-time.Microsecond))
			require.True(t, at.Equal(*before.WakeAt), "it wakes at %s", before.WakeAt)
			require.Len(t, h.clock(number), i)
			h.tick(number, at)
			h.tick(number, at)
			require.Equal(t, want[:i+1], h.clock(number))
		}
		h.released()
	})
}

func TestGivenADefaultOfApprove_WhenNobodyDecides_ThenTheChainGoesOnAndTheNextStepHasItsOwnTerms(t *testing.T) {
	chain := timed(approval.Approve)
	chain.Steps = append(chain.Steps, step("manager", "role:finance-manager"))
	chain.Steps[1].Due = calendar.MustTerm("P2WD")
	h := chained(t, chain)
	number := h.opens(h.toBank("k1", "800.00")).Case
	now := h.tick(number, defaulted.Add(time.Hour))
	require.Equal(t, []string{"finance decided approve deadline", "manager open"}, h.tasks(number))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE act = 'approve' AND how = 'deadline' AND person_id IS NULL AND at = $1`, defaulted))
	require.True(t, cst("2025-11-12 00:00").Equal(*now.DueAt), "two working days after Saturday: %s", now.DueAt)

	second := h.opens(h.toBank("k2", "200.00")).Case
	h.now = cst("2025-11-05 10:00")
	now = h.must(h.decideOn(second+"/finance", approval.Decision{Person: "lina", Outcome: approval.Approve}))
	require.True(t, cst("2025-11-08 00:00").Equal(*now.DueAt), "two working days after Wednesday, when it opened: %s", now.DueAt)
	h.addsUp()
}

func TestGivenATaskThatIsOverdueWithoutARole_WhenItsTermCloses_ThenItsPeopleAreToldOnly(t *testing.T) {
	chain := timed(approval.Approve)
	chain.Steps[0].Escalate = ""
	h := chained(t, chain)
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.tick(number, overdue)
	require.Equal(t, "role:vendor-finance", h.asked(number+"/finance"))
	require.Equal(t, "finance is overdue", h.told(number, "lina")[2])
	require.Empty(t, h.told(number, "chen"))
}

// Rule: PGM-02
func TestPGM02ADecisionAtTheInstantOfTheDefaultIsLate(t *testing.T) {
	t.Run("a second before it counts", func(t *testing.T) {
		h := chained(t, timed(approval.Reject))
		r := h.plays("800.00", says("finance", "lina", approval.Approve).at(defaulted.Sub(h.now)-time.Second), says("send", "lina", withdrawal.Fail, "end"))
		require.Equal(t, []string{"finance decided approve lina"}, h.tasks(r.result.Case))
		h.released()
	})
	t.Run("at the instant and after it, although the clock has not looked yet", func(t *testing.T) {
		h := chained(t, timed(approval.Reject))
		number := h.opens(h.toBank("k1", "800.00")).Case
		for who, after := range map[string]time.Duration{"lina": 0, "zhao": time.Second} {
			h.now = defaulted.Add(after)
			_, err := h.decideOn(number+"/finance", approval.Decision{Person: who, Outcome: approval.Approve})
			require.Equal(t, []string{"PGM-02 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
		}
		h.tick(number, h.now)
		h.stale(number+"/finance", "sun", approval.Approve, "was decided already: reject by the deadline at 2025-11-07T16:00:00Z; the case is REFUSED")
		h.released()
	})
	t.Run("at the instant, in the workflow", func(t *testing.T) {
		chain := timed(approval.Approve)
		chain.Steps = append(chain.Steps, step("manager", "role:finance-manager"))
		h := chained(t, chain)
		r := h.plays("800.00",
			says("finance", "lina", approval.Reject, "too late").at(defaulted.Sub(h.now)).refused("was decided already: approve by the deadline", "ENG-03 ENG_STATE"),
			says("manager", "chen", approval.Reject, "end"),
		)
		require.Equal(t, []string{"finance decided approve deadline", "manager decided reject chen"}, h.tasks(r.result.Case))
		h.released()
	})
}

// The database takes no decision for a while, and requests wait for their turn.
func TestGivenARequestOfBeforeTheDeadline_WhenItsTurnComesAfterIt_ThenItCounts(t *testing.T) {
	chain := timed(approval.Reject)
	s := &chain.Steps[0]
	s.Remind, s.Due, s.Default.After = calendar.MustTerm("10m"), calendar.MustTerm("20m"), calendar.MustTerm("40m")
	h := chained(t, chain)
	owner := pgtest.Owner(t, h.db)
	owner.MustExec(`CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'away' USING ERRCODE = '57P03'; END $$`)
	r := h.plays("800.00",
		meanwhile(func(*run) {
			owner.MustExec(`CREATE TRIGGER away BEFORE INSERT ON decisions FOR EACH STATEMENT EXECUTE FUNCTION away()`)
		}),
		says("finance", "lina", approval.Comment, "looking").at(5*minute),
		says("finance", "lina", approval.Approve).at(40*minute-time.Second), // after reminder and escalation, before the default
		meanwhile(func(*run) { owner.MustExec(`DROP TRIGGER away ON decisions`) }).at(50*minute),
		says("send", "lina", withdrawal.Fail, "end").at(24*time.Hour),
	)
	require.Equal(t, []string{"finance decided approve lina"}, h.tasks(r.result.Case))
	require.Equal(t, []string{"2025-11-03 10:10:00 remind UNDER_REVIEW>UNDER_REVIEW", "2025-11-03 10:20:00 escalate UNDER_REVIEW>UNDER_REVIEW"}, h.clock(r.result.Case))
	h.released()
}

func TestGivenATaskThatWaitsForASigner_WhenItsDeadlineCloses_ThenItsClockStartsAnewAfterTheSigner(t *testing.T) {
	h := chained(t, timed(approval.Reject))
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.now = defaulted.Add(-time.Hour)
	h.tick(number, h.now)
	h.must(h.decideOn(number+"/finance", approval.Decision{Person: "lina", Outcome: approval.AddSigner, To: "tan", Before: true}))
	h.tick(number, defaulted.Add(time.Hour))
	require.Equal(t, []string{"finance waiting", "finance.2 open"}, h.tasks(number))
	h.now = defaulted.Add(2 * time.Hour)
	h.must(h.decideOn(number+"/finance.2", approval.Decision{Person: "tan", Outcome: approval.Approve}))
	require.Equal(t, withdrawal.UnderReview, h.tick(number, h.now).State, "the task's clock starts anew: lina has her time")
	require.Equal(t, withdrawal.Refused, h.tick(number, cst("2025-11-14 00:00")).State)
	require.Equal(t, []string{"finance decided reject deadline", "finance.2 decided approve tan"}, h.tasks(number))
	h.released()
}

func TestGivenAHolidayDeclaredMeanwhile_WhenTermsClose_ThenTheyMove(t *testing.T) {
	h := chained(t, timed(approval.Reject))
	r := h.plays("800.00",
		meanwhile(func(*run) {
			_, err := h.db.Exec(`INSERT INTO calendar_days (day, year, working, name) VALUES ('2025-11-04', 2025, false, 'declared')`)
			require.NoError(t, err)
		}),
		says("finance", "lina", approval.Comment, "still here").at(defaulted.Sub(h.now)),
	)
	require.Equal(t, []string{
		"2025-11-06 00:00:00 remind UNDER_REVIEW>UNDER_REVIEW", "2025-11-07 00:00:00 escalate UNDER_REVIEW>UNDER_REVIEW", "2025-11-11 00:00:00 reject UNDER_REVIEW>REFUSED",
	}, h.clock(r.result.Case))
	h.released()
}

// Rule: PGM-02, PGM-11
func TestGivenAReturnedApplication_WhenItsTermForChangesCloses_ThenItLapses(t *testing.T) {
	chain := twoSteps()
	chain.ChangesTerm = calendar.MustTerm("P3WD")
	lapses := cst("2025-11-07 00:00")
	returned := says("finance", "lina", approval.Return, "typo")
	t.Run("nobody resubmits", func(t *testing.T) {
		h := chained(t, chain)
		r := h.plays("800.00", returned, resubmits("k2", "700.00").at(lapses.Sub(h.now)).refused("is CANCELLED", "ENG-03 ENG_STATE")) // the instant is out
		require.Equal(t, withdrawal.Cancelled, r.result.State)
		require.Equal(t, []string{"2025-11-07 00:00:00 cancel AWAITING_CHANGES>CANCELLED"}, h.clock(r.result.Case))
		require.Equal(t, []string{"submitted", "returned", "cancelled"}, h.notices(r.result.Case))
		h.released()
	})
	t.Run("a second before, it is resubmitted", func(t *testing.T) {
		h := chained(t, chain)
		r := h.plays("800.00", returned, resubmits("k2", "700.00").at(lapses.Sub(h.now)-time.Second), says("finance@2", "lina", approval.Reject, "end"))
		require.Equal(t, withdrawal.Refused, r.result.State)
		h.released()
	})
	t.Run("the clock has not looked yet", func(t *testing.T) {
		h := chained(t, chain)
		number := h.opens(h.toBank("k1", "800.00")).Case
		h.must(h.decideOn(number+"/finance", approval.Decision{Person: "lina", Outcome: approval.Return, Reason: "typo"}))
		h.now = lapses
		_, err := h.act.ResubmitWithdrawal(context.Background(), activities.ResubmitWithdrawalInput{Case: number, Application: h.toBank("k2", "700.00"), At: lapses})
		require.Equal(t, []string{"PGM-02 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
		require.Equal(t, withdrawal.Awaiting, h.tick(number, lapses.Add(-time.Microsecond)).State)
		for range 2 {
			require.Equal(t, withdrawal.Cancelled, h.tick(number, lapses.Add(100*time.Hour)).State)
		}
		require.Equal(t, []string{"2025-11-07 00:00:00 cancel AWAITING_CHANGES>CANCELLED"}, h.clock(number))
		h.released()
	})
	t.Run("a holiday declared meanwhile gives more time", func(t *testing.T) {
		h := chained(t, chain)
		r := h.plays("800.00", returned,
			meanwhile(func(*run) {
				_, err := h.db.Exec(`INSERT INTO calendar_days (day, year, working, name) VALUES ('2025-11-06', 2025, false, 'declared')`)
				require.NoError(t, err)
			}),
			resubmits("k2", "700.00").at(lapses.Sub(h.now)+time.Hour),
			says("finance@2", "lina", approval.Reject, "end"),
		)
		require.Equal(t, withdrawal.Refused, r.result.State)
		h.released()
	})
}

// A policy change never alters a case in flight; only who owns the process moves it, on purpose.
func TestGivenAnotherPolicy_WhenACaseIsInFlight_ThenOnlyTheOwnerMovesIt(t *testing.T) {
	h := chained(t, twoSteps())
	var number string
	r := h.plays("800.00",
		migrates("chen").refused("has the newest policy already, version 2", "ENG-03 ENG_STATE"),
		says("finance", "lina", approval.Comment, "keep me"),
		says("finance", "lina", approval.Approve),
		meanwhile(func(*run) { h.review(steps(step("audit", "role:auditor"))) }),
		says("compliance", "han", approval.Approve), // the case has its own chain
		migrates("lina").refused("does not hold the role finance-manager", "COM-16 CBC.0151"),
		migrates("nobody").refused("no person", "COM-16 CBC.0151"),
		meanwhile(func(r *run) {
			number = r.opened.standing.Case
			require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE policy_version = 2`))
			require.Equal(t, []string{"finance decided approve lina", "compliance decided approve han", "manager open"}, h.tasks(number))
		}),
		migrates("chen"),
		says("manager", "chen", approval.Approve).refused("It belongs to round 1, the case is in round 2.", "ENG-03 ENG_STATE"),
		says("audit@2", "ann", approval.Approve),
		migrates("chen").refused("is APPROVED; only one under review", "ENG-03 ENG_STATE"),
		says("send", "lina", withdrawal.Fail, "end"),
	)
	require.Equal(t, withdrawal.Failed, r.result.State)
	require.Equal(t, []string{"finance decided approve lina", "compliance decided approve han", "manager closed", "audit@2 decided approve ann"}, h.tasks(number))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM events WHERE action = 'migrate policy' AND actor = 'chen' AND note = 'from version 2 to 3; a new round begins'`))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE round = 1 AND act = 'comment' AND reason = 'keep me'`))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE policy_version = 3`))
	h.released()
}

// Rule: ENG-01, COM-20
func TestGivenAMigration_WhenItComesTwiceUnderItsKey_ThenItIsOne(t *testing.T) {
	h := chained(t, twoSteps())
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.review(steps(step("audit", "role:auditor")))
	migrate := func(who string) (activities.WithdrawalStanding, error) {
		return h.act.MigratePolicy(context.Background(), activities.MigratePolicyInput{Case: number, Key: "m1", Person: who, At: h.now})
	}
	first := h.must(migrate("chen"))
	require.Equal(t, first, h.must(migrate("chen")))
	_, err := migrate("gao")
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))
	require.Equal(t, []string{"finance closed", "audit@2 open"}, h.tasks(number))
	require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")))
	h.addsUp()
}

// Resubmitting keeps the policy under which the case was opened.
func TestGivenAnotherPolicy_WhenACaseIsResubmitted_ThenItKeepsItsOwn(t *testing.T) {
	h := chained(t, twoSteps())
	r := h.plays("800.00",
		says("finance", "lina", approval.Return, "typo"),
		meanwhile(func(*run) { h.review(steps(step("audit", "role:auditor"))) }),
		migrates("chen").refused("is AWAITING_CHANGES; only one under review", "ENG-03 ENG_STATE"),
		resubmits("k2", "700.00"),
		says("finance@2", "lina", approval.Reject, "end"),
	)
	require.Equal(t, withdrawal.Refused, r.result.State)
	h.released()
}

// A step without terms beside one that is overdue: the clock has nothing more to do, and does not go round in a circle.
func TestGivenAnOverdueStepBesideOneWithoutTerms_WhenItHasEscalated_ThenTheRunWaits(t *testing.T) {
	finance := step("finance", "role:vendor-finance")
	finance.Due, finance.Escalate = calendar.MustTerm("1h"), "finance-manager"
	h := chained(t, steps(finance, beside(step("compliance", "role:compliance"))))
	r := h.plays("800.00",
		says("finance", "chen", approval.Approve).at(2*time.Hour),
		says("compliance", "han", approval.Reject, "no").at(3*time.Hour),
	)
	require.Equal(t, withdrawal.Refused, r.result.State)
	require.Equal(t, []string{"2025-11-03 11:00:00 escalate UNDER_REVIEW>UNDER_REVIEW"}, h.clock(r.result.Case))
	h.released()
}

// Rule: ENG-05
func TestENG05ADefaultThatTheCalendarStopsIsTriedAgainUntilTheYearIsLoaded(t *testing.T) {
	first := step("finance", "role:vendor-finance")
	first.Default = &approval.Default{After: calendar.MustTerm("1h"), Outcome: approval.Approve}
	second := step("manager", "role:finance-manager")
	second.Due = calendar.MustTerm("P5WD")
	h := chained(t, steps(first, second))
	h.now = cst("2026-12-30 10:00") // the data ends with 2026
	app := h.toBank("k1", "800.00")
	app.Route = withdrawal.BankCard
	load := meanwhile(func(r *run) {
		require.Equal(t, withdrawal.UnderReview, r.opened.standing.State)
		require.Equal(t, []string{"finance open"}, h.tasks(r.opened.standing.Case))
		h.load("calendar: [{year: 2027, days: []}]\n")
	})
	r := h.playsApplication(app, load.at(150*time.Minute), says("manager", "chen", approval.Reject, "no").at(6*time.Hour))
	require.Equal(t, withdrawal.Refused, r.result.State)
	require.Equal(t, []string{"finance decided approve deadline", "manager decided reject chen"}, h.tasks(r.result.Case))
}
