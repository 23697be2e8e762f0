package views_test

import (
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

var card = withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"}

func (v vendor) preview(by string, amount string) views.Preview {
	v.t.Helper()
	p, err := v.Preview(v.t.Context(), withdrawal.Application{PartnerID: "P1001", Submitter: by, Route: withdrawal.BankCard, Amount: amount, Payee: card}, opened)
	require.NoError(v.t, err)
	return p
}

// plan says what would be asked, a line a step.
func plan(p views.Preview) []string {
	lines := []string{}
	for _, s := range p.Steps {
		due := "never due"
		if s.DueAt != nil {
			due = "due " + s.DueAt.In(calendar.Zone).Format("2 Jan 15:04")
		}
		if s.Skipped != "" {
			lines = append(lines, s.Step+" skipped: "+s.Skipped)
			continue
		}
		who := ""
		for _, d := range s.Deciders {
			who += " " + d.Person
		}
		lines = append(lines, s.Step+" opens "+s.Opens+", "+due+": "+s.Asked+":"+who)
	}
	return lines
}

func TestGivenAnApplicationWhenItIsPreviewedThenTheStepsFollowEachOtherByTheCalendarAndNothingIsWritten(t *testing.T) {
	v := chained(t)
	p := v.preview("wang", "1200.00")
	require.Empty(t, p.Refused)
	require.Equal(t, []string{
		"check opens now, due 6 Nov 00:00: role vendor-finance: li", // wang submits it
		"manager opens after check, due 12 Nov 00:00: role finance-manager: zhao",
		"send opens after approval, due 24 Nov 00:00: role vendor-finance: li",
		"confirm opens after send, due 24 Nov 00:00: role vendor-finance: li",
	}, plan(p))
	manager := p.Steps[1]
	require.Equal(t, "the amount is at least 1000.00", manager.Why)
	require.Equal(t, 2, p.PolicyVersion)
	require.Equal(t, 2, manager.Line)
	require.Equal(t, "2. manager: finance-manager, if the amount is at least 1000.00; overdue after 3 working days; after 5 working days the deadline decides: reject", manager.PolicyLine)
	require.Equal(t, "3 working days from Fri 6 Nov: Mon 9, Tue 10, Wed 11 → closes Thu 12 Nov 00:00", manager.Counted)
	require.Empty(t, p.Warnings)
	require.Equal(t, "manager skipped: it is not so that the amount is at least 1000.00", plan(v.preview("alice", "999.99"))[1])

	var cases int
	require.NoError(t, v.db.Get(&cases, `SELECT count(*) FROM cases`))
	require.Zero(t, cases)
	number := v.open("wang", withdrawal.BankCard, "1200.00", "a")
	require.Equal(t, *p.Steps[0].DueAt, v.explain(number, opened).Waits[0].DueAt.UTC(), "what was said is what happens")
}

// Rule: WDL-17
func TestGivenWalletMoneyByItsOriginalRouteWhenItIsPreviewedThenTheRuleApprovesItAndSendingIsNext(t *testing.T) {
	v := chained(t)
	app := withdrawal.Application{PartnerID: "P1002", Submitter: "bob", Route: withdrawal.Original, Amount: "1000.00"}
	p, err := v.Preview(t.Context(), app, opened)
	require.NoError(t, err)
	require.Empty(t, p.Refused)
	require.True(t, p.ByRule)
	require.Equal(t, "WDL-17", p.Rule)
	require.Equal(t, []string{"send opens now, due 5 Nov 00:00: role vendor-finance: li wang", "confirm opens after send, due 5 Nov 00:00: role vendor-finance: li wang"}, plan(p))
}

func TestGivenAnApplicationThatTheRulesRefuseWhenItIsPreviewedThenAllRefusalsAreThereAndNoCodeIsAskedFor(t *testing.T) {
	v := chained(t)
	p := v.preview("li", "99999.00")
	require.Equal(t, []string{"CBC.0151", "WDR_AMOUNT"}, p.Refused.Codes())
	require.Empty(t, p.Steps)
	p, err := v.Preview(t.Context(), withdrawal.Application{PartnerID: "P9999", Submitter: "nobody", Route: withdrawal.BankCard, Amount: "x"}, opened)
	require.NoError(t, err)
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "CBC.5001"}, p.Refused.Codes())
}

// Rule: ENG-02
func TestGivenStepsForWhichThereAreTooFewPeopleWhenTheyArePreviewedThenAWarningSaysThatTheOwnerIsAsked(t *testing.T) {
	v := newVendor(t)
	v.policy(approval.Chain{Owner: person.FinanceManager, Steps: []approval.Step{
		{Name: "law", Who: []approval.Candidate{{Role: "law"}}, Due: calendar.MustTerm("P1D")},
		{Name: "one", Who: []approval.Candidate{{Role: person.VendorFinance}}, Parallel: true, Due: calendar.MustTerm("P2D")},
		{Name: "two", Who: []approval.Candidate{{Role: person.VendorFinance}}},
	}})
	p := v.preview("wang", "100.00")
	require.Equal(t, []string{
		"step law: nobody of role law could decide now; it goes to the owner, role finance-manager (Zhao Min)",
		"2 approvals are needed, and nobody decides twice in a round (ENG-02): the people who are there now can give 1; the rest goes to the owner, role finance-manager",
	}, p.Warnings)
	require.Equal(t, []string{
		"law opens now, due 4 Nov 10:00: role law:",
		"one opens now, due 5 Nov 10:00: role vendor-finance: li",
		"two opens after law and one, never due: role vendor-finance: li",
		"send opens after approval, never due: role vendor-finance: li",
		"confirm opens after send, never due: role vendor-finance: li",
	}, plan(p))
	require.Equal(t, opened.Add(48*time.Hour), *p.Steps[2].OpensBy, "when the later of the two is due")

	require.Len(t, v.preview("alice", "100.00").Warnings, 1, "li and wang are enough for two steps")
}

func TestGivenASequenceAndEverybodyWhenItIsPreviewedThenEachTurnHasItsTermAndTheSubmitterIsNotAsked(t *testing.T) {
	v := newVendor(t)
	v.hire("chen", "law")
	v.hire("gu", "law")
	v.policy(approval.Chain{Owner: person.FinanceManager, Steps: []approval.Step{
		{Name: "turns", Who: []approval.Candidate{{Role: "law", Each: true}}, Mode: approval.Sequence, Due: calendar.MustTerm("P1WD")},
		{Name: "votes", Who: []approval.Candidate{{Role: "law"}, {Role: person.VendorFinance}, {Role: person.FinanceManager}}, Mode: approval.Votes, Need: 2},
	}})
	p := v.preview("alice", "100.00")
	require.Equal(t, "turns opens now, due 7 Nov 00:00: chen, then gu: chen gu", plan(p)[0])
	require.Equal(t, "1 working day from Tue 3 Nov: Wed 4 → closes Thu 5 Nov 00:00; then 1 working day from Thu 5 Nov: Fri 6 → closes Sat 7 Nov 00:00", p.Steps[0].Counted)
	require.Equal(t, "votes opens after turns, never due: 2 of role law, role vendor-finance, role finance-manager: chen gu li wang zhao", plan(p)[1])
}
