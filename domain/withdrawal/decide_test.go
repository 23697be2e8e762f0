package withdrawal_test

import (
	"testing"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// Rule: WDR-02
// Rule: WDR-11
// Rule: PGM-11
// Rule: WDL-28
func TestGivenAMatter_WhenItIsDecided_ThenTheOutcomeDecidesWhereTheCaseGoes(t *testing.T) {
	for _, tc := range []struct {
		matter  approval.Matter
		from    withdrawal.State
		outcome approval.Outcome
		to      withdrawal.State
		rule    string
	}{
		{withdrawal.Review, withdrawal.UnderReview, approval.Approve, withdrawal.Approved, "WDR-02"},
		{withdrawal.Review, withdrawal.UnderReview, approval.Reject, withdrawal.Refused, "WDR-11"},
		{withdrawal.Review, withdrawal.UnderReview, approval.Return, withdrawal.Awaiting, "PGM-11"},
		{withdrawal.Send, withdrawal.Approved, approval.Approve, withdrawal.Paying, "WDR-02"},
		{withdrawal.Send, withdrawal.Approved, approval.Reject, withdrawal.Failed, "WDR-11"},
		{withdrawal.Confirm, withdrawal.Paying, approval.Approve, withdrawal.Paid, "WDL-16"},
		{withdrawal.Confirm, withdrawal.Paying, approval.Reject, withdrawal.Failed, "WDR-11"},
		{withdrawal.LateReturn, withdrawal.Paid, approval.Approve, "", "WDL-28"},
		{withdrawal.LateReturn, withdrawal.Paid, approval.Reject, "", "ENG-06"},
	} {
		t.Run(tc.matter.Name+" "+string(tc.outcome), func(t *testing.T) {
			require.Equal(t, withdrawal.Verdict{To: tc.to, Rule: tc.rule}, withdrawal.VerdictOf(tc.matter, tc.outcome, withdrawal.BankCard))
			require.True(t, tc.to == "" || withdrawal.CanMove(tc.from, tc.to), "ENG-03: only listed moves exist")
		})
	}
	require.Equal(t, "WDL-17", withdrawal.VerdictOf(withdrawal.Confirm, approval.Approve, withdrawal.Original).Rule)
	require.Equal(t, "WDL-22", withdrawal.VerdictOf(withdrawal.Confirm, approval.Approve, withdrawal.Incentive).Rule)
}

func TestGivenAMatter_WhenPeopleAnswerIt_ThenItTakesItsOwnWordsAndOnlyAReviewIsWorkedOn(t *testing.T) {
	for name, words := range map[string][2]approval.Outcome{
		"review": {"approve", "reject"}, "send": {"send", "fail"}, "confirm": {"confirm", "return"}, "late-return": {"confirm", "reject"},
	} {
		m := withdrawal.MatterOf(name)
		require.Equal(t, name, m.Name)
		require.Equal(t, words[:], m.Outcomes()[:2], name)
		require.Equal(t, words[0], m.Word(approval.Approve))
		require.Equal(t, words[1], m.Word(approval.Reject))
		require.Equal(t, approval.Transfer, m.Word(approval.Transfer), "what is not approve or reject has one word everywhere")
		require.Equal(t, name == "review", m.Worked, name)
		require.NotContains(t, m.Outcomes()[2:], m.Reject, "%s: a word has one meaning", name)
	}
	require.Len(t, withdrawal.Matters, 4)
	require.Equal(t, approval.Matter{Name: "nothing"}, withdrawal.MatterOf("nothing"), "an unknown matter takes no answer")
}

func TestGivenAConfirmation_WhenItIsNotWhatTheCaseIsAbout_ThenEveryGapIsNamed(t *testing.T) {
	const task = "task W000001/confirm"
	amount := money.Must("500.00")
	answer := approval.Decision{Task: "W000001/confirm", Person: "F1", Outcome: withdrawal.Arrived, Amount: "500", Reference: "B-77"}
	require.Empty(t, withdrawal.JudgeArrival(answer, withdrawal.BankCard, amount, ""))
	require.Empty(t, withdrawal.JudgeArrival(answer, withdrawal.BankCard, amount, "B-77"))
	refuses(t, withdrawal.JudgeArrival(answer, withdrawal.BankCard, amount, "B-78"),
		said{"ENG-06", "CBC.0100", task, `The task is about the bank's reference "B-78", not "B-77"; look at the statement again.`})

	for route, rule := range map[withdrawal.Route]string{withdrawal.Original: "WDL-17", withdrawal.BankCard: "WDL-16", withdrawal.Incentive: "WDL-22"} {
		for _, other := range []string{"499.99", "500.01"} {
			d := answer
			d.Amount = other
			refuses(t, withdrawal.JudgeArrival(d, route, amount, ""),
				said{rule, "WDR_AMOUNT", task, "The bank confirms " + other + ", the case is about 500.00; the amounts have to match, settle the difference first."})
		}
	}

	empty := approval.Decision{Task: "W000001/confirm", Reference: "  ", Amount: "500.005"}
	refuses(t, withdrawal.JudgeArrival(empty, withdrawal.BankCard, amount, "B-77"),
		said{"ENG-06", "CBC.0100", task, "A confirmation carries the bank's reference; enter it."},
		said{"COM-02", "CBC.0100", "amount", "write it like 1234.50."})
}

// Rule: WDL-16
// Rule: WDL-17
// Rule: WDL-22
func TestGivenAnOverdueMatter_WhenTheHistorySaysIt_ThenItNamesTheRuleThatSetTheTerm(t *testing.T) {
	for _, tc := range []struct {
		matter approval.Matter
		route  withdrawal.Route
		byRule bool
		rule   string
	}{
		{withdrawal.Review, withdrawal.BankCard, false, ""},
		{withdrawal.LateReturn, withdrawal.Incentive, false, ""},
		{withdrawal.Send, withdrawal.BankCard, false, "WDL-16"},
		{withdrawal.Confirm, withdrawal.Original, false, "WDL-16"},
		{withdrawal.Confirm, withdrawal.Original, true, "WDL-17"},
		{withdrawal.Send, withdrawal.Incentive, false, "WDL-22"},
	} {
		require.Equal(t, tc.rule, withdrawal.OverdueRule(tc.matter, tc.route, tc.byRule), "%s by %s", tc.matter.Name, tc.route)
	}
}

func TestGivenLessApprovedThanAskedFor_WhenTheLinesAreCut_ThenTheFirstOnesAreKeptUpToTheAmount(t *testing.T) {
	all := []withdrawal.Line{{Lot: 1, Amount: money.Must("300.00")}, {Lot: 2, Amount: money.Must("200.00")}, {Lot: 3, Amount: money.Must("100.00")}}
	for _, tc := range []struct {
		name   string
		chosen []string
		amount string
		kept   []string
	}{
		{"all of it", nil, "600.00", []string{"L000001 300.00", "L000002 200.00", "L000003 100.00"}},
		{"a lower amount ends within a line", nil, "300.01", []string{"L000001 300.00", "L000002 0.01"}},
		{"a lower amount ends with a line", nil, "300.00", []string{"L000001 300.00"}},
		{"some lines", []string{"L000001", "L000003"}, "400.00", []string{"L000001 300.00", "L000003 100.00"}},
		{"some lines and less than they hold", []string{"L000002", "L000003"}, "250.00", []string{"L000002 200.00", "L000003 50.00"}},
		{"no line", []string{}, "600.00", nil},
		{"nothing", nil, "0.00", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.kept, lines(withdrawal.Plan{Lines: withdrawal.Cut(all, tc.chosen, money.Must(tc.amount))}))
			require.Equal(t, "300.00", all[0].Amount.String(), "what was asked for stays as it is")
		})
	}
}

// Rule: COM-16
// Rule: ENG-03
func TestGivenAnApplication_WhenItIsCancelled_ThenOnlyItsPartnerMayAndOnlyUntilItIsDecided(t *testing.T) {
	stranger := person.Person{ID: "U2", Name: "Chen Jie", PartnerID: "P2002", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	for _, state := range states {
		list := withdrawal.JudgeCancel(&administrator, "U1", "P1001", "W000001", state)
		if state == withdrawal.UnderReview || state == withdrawal.Awaiting {
			require.Empty(t, list, state)
			continue
		}
		refuses(t, list, said{"ENG-03", "ENG_STATE", "case W000001", "The withdrawal is " + string(state) + "; it can be cancelled only until it is decided."})
	}
	refuses(t, withdrawal.JudgeCancel(nil, "U9", "P1001", "W000001", withdrawal.Awaiting),
		said{"COM-16", "CBC.0151", "person U9", `There is no person "U9"; speak as somebody who is registered.`})
	refuses(t, withdrawal.JudgeCancel(&stranger, "U2", "P1001", "W000001", withdrawal.Approved),
		said{"COM-16", "CBC.0151", "case W000001", "Chen Jie may not act for partner P1001; ask the partner's administrator for the permission."},
		said{"ENG-03", "ENG_STATE", "case W000001", "The withdrawal is APPROVED; it can be cancelled only until it is decided."})
}

// Rule: WDL-27
func TestGivenAnApplication_WhenItIsDeleted_ThenOnlyARefusedOneCanBe(t *testing.T) {
	require.Empty(t, withdrawal.JudgeDelete(&administrator, "U1", "P1001", "W000001", withdrawal.Refused))
	for _, state := range states {
		if state == withdrawal.Refused {
			continue
		}
		refuses(t, withdrawal.JudgeDelete(&administrator, "U1", "P1001", "W000001", state),
			said{"WDL-27", "ACCT.WDL.27", "case W000001", "The withdrawal is " + string(state) + "; only a refused one can be deleted."})
	}
	refuses(t, withdrawal.JudgeDelete(&finance, "F1", "P1001", "W000001", withdrawal.Refused),
		said{"COM-16", "CBC.0151", "case W000001", "Li Na may not act for partner P1001"})
}

func TestGivenAPaidWithdrawal_WhenTheBankGivesMoneyBackLater_ThenEachReferenceIsReportedOnceAndNeverMoreThanWasPaid(t *testing.T) {
	report := func(p *person.Person, amount, reference string, state withdrawal.State, known ...withdrawal.Return) (money.Amount, *withdrawal.Return, []said) {
		got, first, list := withdrawal.JudgeLateReturn(p, "F1", withdrawal.DefaultPolicy(), amount, reference, "W000001", state, money.Must("500.00"), known)
		var texts []said
		for _, r := range list {
			texts = append(texts, said{r.Rule, r.Code, r.Object, r.Message})
		}
		return got, first, texts
	}
	known := withdrawal.Return{Task: "W000001/late-return", Amount: money.Must("300.00"), Reference: "R-1"}

	amount, first, list := report(&finance, "500.00", "R-1", withdrawal.Paid)
	require.Empty(t, list)
	require.Nil(t, first)
	require.Equal(t, "500.00", amount.String())

	_, first, list = report(&finance, "300", "R-1", withdrawal.Paid, known)
	require.Empty(t, list)
	require.Equal(t, known.Task, first.Task, "the same again answers the first")

	_, _, list = report(&finance, "200.00", "R-2", withdrawal.Paid, known)
	require.Empty(t, list, "the rest")
	_, _, list = report(&finance, "200.01", "R-2", withdrawal.Paid, known)
	require.Equal(t, []said{{"WDL-18", "WDR_AMOUNT", "case W000001", "The returns add up to 500.01, only 500.00 was paid; check the amount."}}, list)
	_, _, list = report(&finance, "100.00", "R-1", withdrawal.Paid, known)
	require.Equal(t, []said{{"COM-20", "COM_REQUEST_KEY", "case W000001", `The reference "R-1" was reported with 300.00 before; a return of another amount has another reference.`}}, list)

	known.Rejected = true
	_, _, list = report(&finance, "500.00", "R-2", withdrawal.Paid, known)
	require.Empty(t, list, "what turned out to be no return does not count")
	_, first, list = report(&finance, "400.00", "R-1", withdrawal.Paid, known)
	require.Empty(t, list, "and may be reported again as it should have been")
	require.Nil(t, first)

	_, _, list = report(&administrator, "x", " ", withdrawal.Paying)
	require.Equal(t, []said{
		{"COM-16", "CBC.0151", "case W000001", "Wang Wei does not hold the role vendor-finance; somebody with that role reports a return."},
		{"COM-02", "CBC.0100", "case W000001", `The amount "x" is not written as digits with at most two decimals; write it like 1234.50.`},
		{"ENG-06", "CBC.0100", "case W000001", "A return carries the bank's reference; enter it."},
		{"ENG-03", "ENG_STATE", "case W000001", "The withdrawal is PAYING; only money of a PAID one can come back late."},
	}, list)
	_, _, list = report(nil, "1", "R", withdrawal.Paid)
	require.Equal(t, []said{{"COM-16", "CBC.0151", "case W000001", `There is no person "F1"; speak as somebody who is registered.`}}, list)
}
