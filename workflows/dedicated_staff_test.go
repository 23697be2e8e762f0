package workflows

import (
	"context"
	"sync"
	"testing"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/staff"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Rule: FHM-02, PGM-09, PGM-10, COM-20
func TestFHM02GivenAMonthsRequest_WhenItPasses_ThenItEndedAndASecondOneIsRefusedWithEveryGuard(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	r := preSales("k1", "2024-05", "S-1", "PR-9")
	run := f.starts("2024-05-20 10:00", r)
	again := run.update("2024-05-20 11:00", SubmitUpdate, func() any { return r })
	second := run.update("2024-05-20 12:00", SubmitUpdate, func() any { return preSales("k2", "2024-05", "S-2", "PR-10") })
	other := run.update("2024-05-20 12:30", SubmitUpdate, func() any { return preSales("k1", "2024-05", "S-2", "PR-10") })
	own := run.decides("2024-05-20 13:00", staff.Review, 1, approval.Decision{Person: "mei", Outcome: "pass"})
	passed := run.decides("2024-05-22 10:00", staff.Review, 1, approval.Decision{Person: "ou", Outcome: "pass"})
	run.toEnd(r)

	require.Equal(t, CaseResult{Case: "S000001", State: staff.Passed}, run.result)
	require.Equal(t, run.opened.standing, again.standing)
	require.Equal(t, []string{"FHM_ONE_PER_MONTH"}, second.refused().Codes())
	require.Equal(t, []string{"COM_REQUEST_KEY"}, other.refused().Codes(), "the same key with another body")
	require.NotEmpty(t, own.refused())
	require.NoError(t, passed.err)
	require.Equal(t, []string{"mei submit >PRELIMINARY_REVIEW FHM-02", "mei pass refused PRELIMINARY_REVIEW>PRELIMINARY_REVIEW COM-16", "ou pass PRELIMINARY_REVIEW>PASSED"}, f.history("S000001"))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM cases WHERE kind = 'dedicated-staff'`))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM cases WHERE closed_at IS NOT NULL`))
	require.Equal(t, 2, f.count(`SELECT count(*) FROM outbox WHERE person_id = 'inc' AND subject LIKE '%2024-05%'`), "submitted and passed")

	_, err := f.request(preSales("k3", "2024-05", "S-2", "PR-10"), "2024-05-23 10:00")
	require.Equal(t, []string{"FHM_ONE_PER_MONTH"}, codes(err), "no run is there any more")
	repeat, err := f.request(r, "2024-05-23 10:00")
	require.NoError(t, err)
	require.Equal(t, "S000001", repeat.Case)
}

// Rule: FHM-03, FHM-07, PGM-11
func TestFHM03GivenAFailedMonth_WhenItIsSentAgainInTheSameMonth_ThenItIsReviewedAgain(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	r := preSales("k1", "2024-05", "S-1", "PR-9")
	corrected := preSales("k2", "2024-05", "S-2", "PR-9") // the project is free again
	run := f.starts("2024-05-20 10:00", r)
	failed := run.decides("2024-05-28 10:00", staff.Review, 1, approval.Decision{Person: "ou", Outcome: "fail", Reason: "the extract is missing"})
	resubmitted := run.update("2024-05-31 23:59", ResubmitUpdate, func() any { return corrected })
	repeated := run.update("2024-06-02 10:00", ResubmitUpdate, func() any { return corrected })
	early := run.update("2024-06-02 11:00", ResubmitUpdate, func() any { return preSales("k3", "2024-05", "S-3", "") })
	run.decides("2024-06-03 10:00", staff.Review, 2, approval.Decision{Person: "pan", Outcome: "pass"})
	run.toEnd(r)

	require.Equal(t, staff.Failed, failed.standing.State)
	require.Equal(t, cst("2024-06-01 00:00").UTC(), failed.standing.WakeAt.UTC())
	require.Equal(t, staff.InReview, resubmitted.standing.State)
	require.NoError(t, repeated.err)
	require.Equal(t, []string{"ENG_STATE"}, early.refused().Codes())
	require.Equal(t, CaseResult{Case: "S000001", State: staff.Passed}, run.result)
	require.Equal(t, 2, f.count(`SELECT count(*) FROM approvals WHERE case_number = 'S000001'`))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM staff_projects WHERE project_id = 'PR-9' AND specialist_id = 'S-2'`))
}

// Rule: FHM-03, ENG-02
func TestFHM03GivenAFailedMonth_WhenItsMonthEnds_ThenItStaysFailed(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	r := preSales("k1", "2024-05", "S-1", "PR-9")
	run := f.starts("2024-05-24 10:00", r)
	run.decides("2024-05-28 10:00", staff.Review, 1, approval.Decision{Person: "ou", Outcome: "fail", Reason: "the extract is missing"})
	run.toEnd(r)
	require.Equal(t, CaseResult{Case: "S000001", State: staff.Failed}, run.result)
	require.Equal(t, []string{"mei submit >PRELIMINARY_REVIEW FHM-02", "ou fail PRELIMINARY_REVIEW>FAILED FHM-03", "clock close FAILED>FAILED FHM-03"}, f.history("S000001"))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM cases WHERE closed_at = '2024-06-01T00:00:00+08:00'`))

	_, err := f.staff.ResubmitStaffMonth(context.Background(), activities.ResubmitStaffMonthInput{Case: "S000001", Request: preSales("k2", "2024-05", "S-1", "PR-9"), At: cst("2024-06-01 00:00")})
	require.Equal(t, []string{"FHM_MONTH_OVER"}, codes(err))
	_, err = f.request(preSales("k3", "2024-05", "S-1", "PR-9"), "2024-06-01 00:00")
	require.Equal(t, []string{"FHM_MONTH_OVER"}, codes(err))
}

// Rule: FHM-03
func TestFHM03GivenARequestInReview_WhenItFailsAfterItsMonth_ThenItHasEnded(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	s, err := f.request(preSales("k1", "2024-05", "S-1", ""), "2024-05-31 23:59")
	require.NoError(t, err)
	now, err := f.answer(s.Case, staff.Review, 1, approval.Decision{Person: "ou", Outcome: "fail", Reason: "no"}, "2024-06-01 00:00")
	require.NoError(t, err)
	require.True(t, now.Ended)
	require.Equal(t, staff.Failed, now.State)
}

// Rule: FHM-01, ENG-06
func TestFHM01GivenNoQualification_WhenAMonthIsRequested_ThenNothingOpens(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	r := preSales("k1", "2024-05", "S-1", "PR-9")
	r.PartnerID, r.Submitter = "P2002", "bo"
	f.load("people:\n  - {id: bo, name: Bo, partner: P2002, email: bo@b.example, roles: [partner-incentives]}\n")
	run := f.starts("2024-05-20 10:00", r).toEnd(r)
	require.Equal(t, []string{"AUT_REAL_NAME", "AUT_QUALIFICATION", "AUT_BUSINESS_INFO", "FHM_QUALIFICATION", "FHM_PERSON_LIMIT"}, run.opened.refused().Codes())
	require.Equal(t, run.opened.refused(), run.result.Refused)
	require.Zero(t, f.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM refusals WHERE kind = 'dedicated-staff' AND request_key = 'k1'`))
}

// Rule: FHM-01, ENG-02
func TestFHM01GivenAnApplicationForQualification_WhenItIsApproved_ThenOnlyByOperationsWithTheSignedAgreement(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	ctx := context.Background()
	approve := activities.QualifyInput{Partner: "P2002", Person: "ou", Approve: true, Agreement: "FH-2", SignedOn: day("2024-05-01"), At: cst("2024-05-02 10:00")}
	_, err := f.staff.Qualify(ctx, approve)
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "nobody has applied")
	_, err = f.staff.Qualify(ctx, activities.QualifyInput{Partner: "P2002", Person: "mei", At: f.now})
	require.Equal(t, []string{"CBC.0151"}, codes(err))
	_, err = f.staff.Qualify(ctx, activities.QualifyInput{Partner: "P2002", Person: "wang", At: f.now})
	require.NoError(t, err)
	unsigned := approve
	unsigned.Agreement = ""
	_, err = f.staff.Qualify(ctx, unsigned)
	require.Equal(t, []string{"CBC.0100"}, codes(err))
	first, err := f.staff.Qualify(ctx, approve)
	require.NoError(t, err)
	require.Equal(t, "FH-2", first.Agreement)
	again, err := f.staff.Qualify(ctx, approve)
	require.NoError(t, err)
	require.Equal(t, first, again, "the same again changes nothing")
	approve.Agreement = "FH-3"
	_, err = f.staff.Qualify(ctx, approve)
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	require.Equal(t, []string{"FHM_PERSON_LIMIT"}, codes(f.staff.RegisterSpecialist(ctx, activities.SpecialistInput{
		ID: "S-1", Partner: "P2002", Name: "S", CloudSince: day("2022-01-01"), Since: day("2023-12-01"), Person: "wang", At: f.now,
	})), "S-1 is bound to P1001")
}

// Rule: FHM-05, FHM-06, FHM-07
func TestFHM05GivenUsesInTheDatabase_WhenASpecialistIsNamedAgain_ThenTheLimitsHold(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	f.month("2024-07", "S-1", true)
	failed := f.month("2024-08", "S-1", false) // does not count as a use
	f.month("2024-09", "S-1", true)
	_, err := f.request(preSales("k", "2024-11", "S-1", "PR-11"), "2024-11-10 10:00")
	require.Equal(t, []string{"FHM_PERSON_LIMIT"}, codes(err), "the third in the funding year from 2023-12-01")
	_, err = f.request(preSales("k2", "2024-11", "S-2", "PR-2024-07"), "2024-11-10 10:00")
	require.Equal(t, []string{"FHM_PROJECT_USED"}, codes(err))
	centre := preSales("k3", "2024-11", "S-1", "PR-2024-08")
	centre.Scenario = staff.CapabilityCentre
	_, err = f.request(centre, "2024-11-10 10:00")
	require.Equal(t, []string{"FHM_EXCLUSIVE"}, codes(err))
	s, err := f.request(preSales("k4", "2024-12", "S-1", "PR-2024-08"), "2024-12-01 00:00")
	require.NoError(t, err, "the next funding year; the failed request's project is free")
	require.NotEqual(t, failed, s.Case)
}

// Rule: FHM-07, FHM-02, ENG-01
func TestFHM07GivenTwoRequestsAtOnce_WhenTheyWantOneMonthOrOneProject_ThenOneWins(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = f.staff.OpenStaffMonth(context.Background(), activities.OpenStaffMonthInput{
				Request: preSales(string(rune('a'+i)), "2024-05", "S-1", "PR-9"), WorkflowID: "w", RunID: string(rune('a' + i)), At: cst("2024-05-20 10:00"),
			})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"FHM_ONE_PER_MONTH"}, codes(err))
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, f.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM staff_month_persons`))
}

// Rule: FHM-05
func TestFHM05GivenASpecialistWhoWasRequested_WhenThePartnerMovesTheDayOfTheStart_ThenTheFundingYearStays(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	start := func(since, certificate string) error {
		return f.staff.RegisterSpecialist(context.Background(), activities.SpecialistInput{
			ID: "S-1", Partner: "P1001", Name: "S-1", Role: staff.SolutionArchitect, Certificates: []string{certificate}, CloudSince: day("2022-01-01"), Since: day(since), Person: "mei", At: f.now,
		})
	}
	require.NoError(t, start("2023-11-01", "HCIP"))
	require.NoError(t, start("2023-12-01", "HCIP"))
	f.month("2024-05", "S-1", false)
	require.NoError(t, start("2023-12-01", "HCIE"))
	f.month("2024-06", "S-1", true)
	require.Equal(t, []string{"FHM_PERSON_LIMIT"}, codes(start("2024-06-15", "HCIE")))
	require.NoError(t, start("2023-12-01", "HCIP"), "everything else may change")
}

// expert makes S-3 an expert.
func (f *fund) expert() {
	f.t.Helper()
	require.NoError(f.t, f.staff.RegisterSpecialist(context.Background(), activities.SpecialistInput{
		ID: "S-3", Partner: "P1001", Name: "S-3", Role: staff.ExpertRole, CloudSince: day("2022-01-01"), Since: day("2023-12-01"), Person: "mei", At: f.now,
	}))
}

// Rule: FHM-08, ENG-05
func TestFHM08GivenATermIntoAYearWithoutCalendar_WhenExpertsAreListed_ThenOnlyWhatWouldBeListedIsRefused(t *testing.T) {
	f := newFund(t, "2026-05-01 09:00")
	list := func(at string) (int, error) {
		return f.staff.ListExperts(context.Background(), activities.DailyInput{At: cst(at)})
	}
	none, err := list("2026-12-15 00:00") // its term ends in 2027, but nobody is to be listed
	require.NoError(t, err)
	require.Zero(t, none)
	f.expert()
	_, err = list("2026-12-15 00:00")
	require.Equal(t, []string{"PRG.ENG.05"}, codes(err))
	require.Zero(t, f.count(`SELECT count(*) FROM staff_months`))
	one, err := list("2026-12-01 00:00")
	require.NoError(t, err)
	require.Equal(t, 1, one)
	none, err = list("2026-12-15 00:00")
	require.NoError(t, err)
	require.Zero(t, none, "the month is listed")
}

// Rule: FHM-08
func TestFHM08GivenExperts_WhenTheMonthBegins_ThenLastMonthIsListedAndLapsesAfterFourteenWorkingDays(t *testing.T) {
	ctx := context.Background()
	f := newFund(t, "2024-05-01 09:00")
	f.expert()
	for range 2 { // a second run of the day, or of the next, changes nothing
		_, err := f.staff.ListExperts(ctx, activities.DailyInput{At: cst("2024-11-04 09:00")})
		require.NoError(t, err)
	}
	require.Equal(t, 1, f.count(`SELECT count(*) FROM staff_months WHERE month = '2024-10-01' AND confirm_until = '2024-11-23T00:00:00+08:00' AND amount = 15000 AND listed = '{S-3}'`))
	require.Equal(t, 2, f.count(`SELECT count(*) FROM outbox WHERE key LIKE 'dedicated-staff/P1001/2024-10/ready/%'`), "mei and inc")

	confirm := preSales("k1", "2024-10", "S-3", "")
	confirm.Scenario = staff.Expert
	_, err := f.request(preSales("k0", "2024-10", "S-1", ""), "2024-11-05 10:00")
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "the month waits for its list")

	lapsed, err := f.staff.LapseMonths(ctx, activities.DailyInput{At: cst("2024-11-22 23:59")})
	require.NoError(t, err)
	require.Zero(t, lapsed)
	run := f.starts("2024-11-22 23:59", confirm)
	run.decides("2024-11-26 10:00", staff.Review, 1, approval.Decision{Person: "ou", Outcome: "pass"})
	run.toEnd(confirm)
	require.Equal(t, CaseResult{Case: "S000001", State: staff.Passed}, run.result)
	require.Equal(t, "15000.00", run.opened.standing.Amount.String())

	_, err = f.staff.ListExperts(ctx, activities.DailyInput{At: cst("2024-12-02 09:00")}) // November
	require.NoError(t, err)
	confirm.RequestKey, confirm.Month = "k2", "2024-11"
	late := f.starts("2024-12-21 00:00", confirm).toEnd(confirm)
	require.Equal(t, []string{"ENG_STATE"}, late.opened.refused().Codes(), "14 working days after 2024-12-02 it has lapsed, whether the clock has run or not")
	for _, want := range []int{1, 0} {
		lapsed, err = f.staff.LapseMonths(ctx, activities.DailyInput{At: cst("2024-12-21 00:00")})
		require.NoError(t, err)
		require.Equal(t, want, lapsed)
	}
	require.Equal(t, 2, f.count(`SELECT count(*) FROM outbox WHERE key LIKE 'dedicated-staff/P1001/2024-11/lapsed/%'`))
	confirm.RequestKey = "k3"
	inTime, err := f.request(confirm, "2024-12-20 23:59") // its step was late, its instant was not
	require.NoError(t, err)
	require.Equal(t, staff.InReview, inTime.State)
}

// Rule: FHM-09
func TestFHM09GivenAPassedMonth_WhenAProofIsAdded_ThenTheStateStays(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	number := f.month("2024-05", "S-1", true)
	in := activities.AddStaffProofInput{Case: number, Key: "p1", Person: "mei", Specialist: "S-1", Proof: staff.Proof{Kind: staff.Employment, Document: document}, At: cst("2024-06-10 10:00")}
	for range 2 {
		now, err := f.staff.AddStaffProof(context.Background(), in)
		require.NoError(t, err)
		require.Equal(t, staff.Passed, now.State)
	}
	require.Equal(t, 1, f.count(`SELECT count(*) FROM staff_proofs WHERE round = 0 AND specialist_id = 'S-1' AND added_at = '2024-06-10T10:00:00+08:00'`))
	in.Key, in.Person = "p2", "bo"
	_, err := f.staff.AddStaffProof(context.Background(), in)
	require.Equal(t, []string{"CBC.0151"}, codes(err))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM events WHERE case_number = $1 AND rule = 'FHM-09'`, number))

	detail, err := views.Reader{DB: f.db}.CaseDetail(context.Background(), number) // as every kind of case
	require.NoError(t, err)
	require.Len(t, detail.Timeline, 4, "submit, pass, proof, refused proof")
	_, err = views.Reader{DB: f.db}.Explain(context.Background(), number, cst("2024-06-11 10:00"))
	require.NoError(t, err)
}

// Rule: ENG-02, ENG-03
func TestENG02GivenTwoRounds_WhenWhoAppliedInTheFirstDecidesInTheSecond_ThenRefused(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	f.load("people:\n  - {id: both, name: Both, roles: [ecosystem-manager, vendor-operations]}\n  - {id: em, name: Em, roles: [ecosystem-manager, vendor-operations]}\n")
	s, err := f.request(preSales("k1", "2024-05", "S-1", ""), "2024-05-10 10:00")
	require.NoError(t, err)
	_, err = f.answer(s.Case, staff.Review, 1, approval.Decision{Person: "ou", Outcome: "fail", Reason: "no"}, "2024-05-11 10:00")
	require.NoError(t, err)
	for i, who := range []string{"both", "em"} {
		r := preSales("again-"+who, "2024-05", "S-1", "")
		r.Submitter = who
		_, err = f.staff.ResubmitStaffMonth(context.Background(), activities.ResubmitStaffMonthInput{Case: s.Case, Request: r, At: cst("2024-05-12 10:00")})
		require.NoError(t, err)
		if i == 0 {
			_, err = f.answer(s.Case, staff.Review, 2, approval.Decision{Person: "ou", Outcome: "fail", Reason: "no"}, "2024-05-13 10:00")
			require.NoError(t, err)
		}
	}
	_, err = f.answer(s.Case, staff.Review, 3, approval.Decision{Person: "both", Outcome: "pass"}, "2024-05-14 10:00")
	require.Equal(t, []string{"ENG_SELF_APPROVAL"}, codes(err))
	_, err = f.cases.Stop(context.Background(), activities.StopInput{Case: s.Case, Key: "x", Reason: "cancelled", At: cst("2024-05-14 10:00")})
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
}

func TestTheMovesOfDedicatedStaffAreThoseOfTheDatabase(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	var stored []staff.Move
	rows, err := f.db.Query(`SELECT from_state, to_state FROM moves WHERE kind = $1`, staff.Kind)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var m staff.Move
		require.NoError(t, rows.Scan(&m.From, &m.To))
		stored = append(stored, m)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, staff.Moves, stored)
}

// Rule: ENG-03
func TestENG03GivenARunThatAnOperatorCancels_WhenTheMonthIsInReview_ThenTheCaseGoesOnToItsEnd(t *testing.T) {
	f := newFund(t, "2024-05-01 09:00")
	r := preSales("k1", "2024-05", "S-1", "PR-9")
	run := f.starts("2024-05-20 10:00", r)
	run.env.RegisterDelayedCallback(run.env.CancelWorkflow, cst("2024-05-21 10:00").Sub(run.start))
	run.decides("2024-05-22 10:00", staff.Review, 1, approval.Decision{Person: "ou", Outcome: "pass"})
	run.toEnd(r)
	require.Equal(t, CaseResult{Case: "S000001", State: staff.Passed}, run.result)
	require.Equal(t, []string{
		"mei submit >PRELIMINARY_REVIEW FHM-02", "operator stop refused PRELIMINARY_REVIEW>PRELIMINARY_REVIEW ENG-03", "ou pass PRELIMINARY_REVIEW>PASSED",
	}, f.history("S000001"))
}

// The conditions of a chain ask for the data of a request.
func TestGivenChainsWithConditions_WhenAMonthAndAQuarterAreRequested_ThenTheirDataSaysWhoIsAsked(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	chain := func(first, large, never string) approval.Chain {
		one := func(name, when, role string) approval.Step {
			return approval.Step{Name: name, When: when, Who: []approval.Candidate{{Role: person.Role(role)}}}
		}
		return approval.Chain{Steps: []approval.Step{one(first, "", "vendor-operations"), one("large", large, "finance-manager"), one("never", never, "finance-manager")}}
	}
	set := func(kind string, policy interface{ Check() error }) {
		_, err := (&activities.Programme{DB: f.db}).SetPolicy(context.Background(), kind, policy, "lina", f.now)
		require.NoError(t, err)
	}
	steps := func(number string) string {
		var names string
		require.NoError(t, f.db.Get(&names, `SELECT string_agg(s ->> 'name', ' ') FROM approvals, jsonb_array_elements(plan -> 'steps') s WHERE case_number = $1 AND NOT s ? 'skipped'`, number))
		return names
	}
	months, quarters := staff.DefaultPolicy(), quarter.DefaultPolicy()
	months.Rates = map[staff.Scenario]money.Amount{staff.PreSales: money.Must("20000.00")}
	months.Approval = chain("preliminary-review", "amount >= 20000", `scenario = "expert"`)
	quarters.Approval = chain("review", "amount >= 60000", "amount > 60000")
	set(staff.Kind, months)
	set(quarter.Kind, quarters)

	paid, err := f.apply(q2("k1"), cst("2024-07-01 10:00"))
	require.NoError(t, err)
	require.Equal(t, "review large", steps(paid.Case))
	july, err := f.request(preSales("k-7", "2024-07", "S-3", "PR-7"), "2024-07-10 10:00")
	require.NoError(t, err)
	require.Equal(t, "preliminary-review large", steps(july.Case))
}
