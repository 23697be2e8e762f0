package views_test

import (
	"fmt"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func (v vendor) explain(number string, at time.Time) views.Explanation {
	v.t.Helper()
	e, err := v.Explain(v.t.Context(), number, at)
	require.NoError(v.t, err)
	return e
}

// people says who and why, a line each.
func people(list []views.Decider) []string {
	lines := []string{}
	for _, d := range list {
		lines = append(lines, d.Name+": "+d.Reason)
	}
	return lines
}

func steps(r views.Round) []string {
	lines := []string{}
	for _, s := range r.Steps {
		lines = append(lines, fmt.Sprintf("%s %s: %s%s%s", s.Step, s.State, s.Asked, s.Skipped, s.Why))
	}
	return lines
}

func said(r views.Round) []string {
	lines := []string{}
	for _, d := range r.Decided {
		lines = append(lines, fmt.Sprintf("%s %s by %s", d.Seat, d.Outcome, d.Whose()))
	}
	return lines
}

func ticks(w views.Wait) []string {
	lines := []string{}
	for _, n := range w.Next {
		lines = append(lines, n.At.In(calendar.Zone).Format("2 Jan 15:04 ")+n.Text)
	}
	return lines
}

// Rules: ENG-02, PGM-02, PGM-04
func TestGivenACaseUnderReviewWhenItIsExplainedThenItSaysWhoMayActAndWhatHappensByItself(t *testing.T) {
	v := chained(t)
	v.hire("chen")
	v.absent("li", "chen", opened, opened.Add(48*time.Hour))
	number := v.open("wang", withdrawal.BankCard, "1200.00", "a")
	e := v.explain(number, opened.Add(time.Minute))
	require.Equal(t, "W000001 is UNDER_REVIEW: 1200.00 CNY of P1001 by BANK_CARD; it waits for W000001/check (Person chen).", e.Summary)
	require.Len(t, e.Waits, 1)
	w := e.Waits[0]
	require.Equal(t, []string{"Person chen: stands in for li (role vendor-finance) until 2026-11-05 10:00 +08:00"}, people(w.Deciders))
	require.Equal(t, []string{"Wang Wei: submitted the application (ENG-02)"}, people(w.Barred))
	require.Equal(t, []string{
		"5 Nov 00:00 who may decide is reminded", "6 Nov 00:00 it is overdue, and role finance-manager may decide as well (Zhao Min)",
	}, ticks(w))
	require.Equal(t, []string{
		"reminder: 1 working day from Tue 3 Nov: Wed 4 → closes Thu 5 Nov 00:00",
		"due: 2 working days from Tue 3 Nov: Wed 4, Thu 5 → closes Fri 6 Nov 00:00",
	}, w.Counted)
	require.Equal(t, []string{"check open: role vendor-finance", "manager to come: role finance-managerthe amount is at least 1000.00"}, steps(e.Rounds[0]))
	require.Equal(t, []views.PlannedMatter{
		{Matter: "send", Asked: "role vendor-finance", Clock: "overdue after 7 working days, then role finance-manager may decide as well, from approval"},
		{Matter: "confirm", Asked: "role vendor-finance", Clock: "overdue after 7 working days, then role finance-manager may decide as well, from approval"},
	}, e.Ahead)

	v.db.MustExec(`INSERT INTO person_roles VALUES ('li', 'finance-manager')`)
	v.answer(number+"/check", "chen", approval.Approve, opened.Add(24*time.Hour))
	e = v.explain(number, opened.Add(72*time.Hour)) // li is back
	w = e.Waits[0]
	require.Equal(t, []string{"Zhao Min: role finance-manager"}, people(w.Deciders))
	require.Equal(t, []string{"Li Na: has decided in this round already (ENG-02)"}, people(w.Barred), "through a substitute")
	require.Equal(t, []string{"10 Nov 00:00 it is overdue", "12 Nov 00:00 the deadline decides: reject"}, ticks(w))
	require.Equal(t, []string{"check approve by chen for li"}, said(e.Rounds[0]))
	require.Equal(t, []string{"check decided: role vendor-finance", "manager open: role finance-managerthe amount is at least 1000.00"}, steps(e.Rounds[0]))

	closes := time.Date(2026, 11, 11, 16, 0, 0, 0, time.UTC)
	e = v.explain(number, closes)
	require.True(t, e.Waits[0].Overdue)
	require.Equal(t, "12 Nov 00:00 the deadline decides: reject (at any moment now)", ticks(e.Waits[0])[1])
	_, err := v.EscalateWithdrawal(t.Context(), activities.ClockInput{Case: number, At: closes})
	require.NoError(t, err)
	e = v.explain(number, closes)
	require.Equal(t, "W000001 is REFUSED: 1200.00 CNY of P1001 by BANK_CARD; reject by the deadline at 2026-11-12 00:00 +08:00: "+
		"nobody decided until 2026-11-11T16:00:00Z; the policy says: reject (WDR-11).", e.Summary)
	require.Equal(t, []string{"check approve by chen for li", "manager reject by the deadline"}, said(e.Rounds[0]))
	require.Equal(t, "reject", e.Rounds[0].Outcome)
	require.Empty(t, e.Waits)
	require.Empty(t, e.Ahead)
}

// Rule: PGM-11
func TestGivenAReturnedCaseWhenItIsExplainedThenItWaitsForThePartnerUntilItsTermAndIsCancelledThen(t *testing.T) {
	v := chained(t)
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	v.answer(number+"/check", "li", approval.Return, opened.Add(time.Hour), approval.Decision{Reason: "name the branch"})
	e := v.explain(number, opened.Add(2*time.Hour))
	require.Equal(t, "W000001 is AWAITING_CHANGES: 100.00 CNY of P1001 by BANK_CARD; li returned it for changes, and it waits for Alice Chen until 2026-11-11 00:00 +08:00, then it is cancelled.", e.Summary)
	require.Empty(t, e.Waits)
	require.Equal(t, []string{"Alice Chen: submitted the application"}, people(e.Changes.People))
	require.Equal(t, "name the branch", e.Changes.Reason)
	require.Equal(t, "5 working days from Tue 3 Nov: Wed 4, Thu 5, Fri 6, Mon 9, Tue 10 → closes Wed 11 Nov 00:00", e.Changes.Counted)
	require.Equal(t, []string{"check decided: role vendor-finance", "manager skipped: it is not so that the amount is at least 1000.00"}, steps(e.Rounds[0]))

	closes := time.Date(2026, 11, 10, 16, 0, 0, 0, time.UTC)
	_, err := v.EscalateWithdrawal(t.Context(), activities.ClockInput{Case: number, At: closes})
	require.NoError(t, err)
	require.Equal(t, "W000001 is CANCELLED: 100.00 CNY of P1001 by BANK_CARD; cancel by the deadline at 2026-11-11 00:00 +08:00: nobody resubmitted it in time (PGM-02).",
		v.explain(number, closes).Summary)
}

func TestGivenCasesInTheirOtherStatesWhenTheyAreExplainedThenTheSentenceSaysWhatIsWaitedForOrHowItEnded(t *testing.T) {
	v := lived(t)
	at := opened.Add(48 * time.Hour)
	for number, want := range map[string]string{
		"W000001": "W000001 is PAID: 2000.00 CNY of P1001 by INCENTIVE; confirm by li at 2026-11-04 10:00 +08:00: with reference B-1 (WDL-22).",
		"W000002": "W000002 is FAILED: 3000.00 CNY of P1001 by ORIGINAL; return by li at 2026-11-03 10:03 +08:00: account closed (WDR-11).",
		"W000003": "W000003 is REFUSED: 100.00 CNY of P1001 by BANK_CARD; reject by li at 2026-11-03 10:01 +08:00: papers are missing (WDR-11).",
		"W000004": "W000004 is UNDER_REVIEW: 1000.00 CNY of P1001 by BANK_CARD; it waits for W000004/review (Li Na).",
		"W000005": "W000005 is APPROVED: 700.00 CNY of P1001 by BANK_CARD; it waits for W000005/send (Li Na, Wang Wei).",
	} {
		require.Equal(t, want, v.explain(number, at).Summary)
	}
	rounds := v.explain("W000001", at).Rounds
	require.Len(t, rounds, 4)
	require.Equal(t, []string{"confirm confirm by li"}, said(rounds[2]))

	_, err := v.ReportLateReturn(t.Context(), activities.ReportLateReturnInput{Case: "W000001", Person: "li", Amount: "100.00", Reference: "R-2", At: at})
	require.NoError(t, err)
	e := v.explain("W000001", at)
	require.Contains(t, e.Summary, "; a late return waits for Wang Wei.")
	require.Equal(t, []string{"Li Na: asked the question (ENG-02)"}, people(e.Waits[0].Barred))
	_, err = v.Explain(t.Context(), "W999999", at)
	require.True(t, activities.IsNotFound(err))
}

func TestGivenASignerPutBeforeADelegationAndNobodyThereWhenACaseIsExplainedThenEachIsNoted(t *testing.T) {
	v := chained(t, approval.Step{Name: "check", Who: []approval.Candidate{{Role: person.VendorFinance}}})
	v.hire("chen")
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	v.answer(number+"/check", "li", approval.AddSigner, opened.Add(time.Minute), approval.Decision{To: "chen", Before: true})
	notes := map[string]string{}
	for _, w := range v.explain(number, opened.Add(time.Hour)).Waits {
		notes[w.Task] = w.Note
	}
	require.Equal(t, map[string]string{number + "/check": "a signer was put before it; it opens after them", number + "/check.2": ""}, notes)

	v.answer(number+"/check.2", "chen", approval.Delegate, opened.Add(2*time.Minute), approval.Decision{To: "zhao"})
	for _, w := range v.explain(number, opened.Add(time.Hour)).Waits {
		if w.Task == number+"/check.2" {
			require.Equal(t, "delegated for an opinion; then it goes back to chen", w.Note)
			require.Equal(t, []string{"Zhao Min: by name"}, people(w.Deciders))
		}
	}
	v.db.MustExec(`UPDATE people SET active = false WHERE person_id = 'zhao'`)
	e := v.explain(number, opened.Add(time.Hour))
	require.Contains(t, e.Summary, number+"/check.2 (nobody is there)")
}

// Rules: PGM-04, ENG-05
func TestGivenAHolidayDeclaredSinceWhenATermIsCountedOutThenTheHolidayIsNamedAndTheOldInstantToo(t *testing.T) {
	v := chained(t)
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	v.db.MustExec(`INSERT INTO calendar_days (day, year, working, name) VALUES ('2026-11-05', 2026, false, 'Founding Day')`)
	e := v.explain(number, opened.Add(time.Hour))
	require.Equal(t, "due: 2 working days from Tue 3 Nov: Wed 4, Fri 6 (not Thu 5 Nov, Founding Day) → closes Sat 7 Nov 00:00 (kept as Fri 6 Nov 00:00; the calendar has changed since)",
		e.Waits[0].Counted[1])
}
