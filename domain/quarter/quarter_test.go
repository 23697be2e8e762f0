package quarter_test

import (
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone)
	require.NoError(t, err)
	return when
}

var q2 = calendar.Quarter{Year: 2024, Q: 2}

// months are April, May and June 2024 in these states at an instant: a month without a request is open until it lapses.
func months(t *testing.T, when string, states ...staff.State) []quarter.Month {
	t.Helper()
	var out []quarter.Month
	for i, m := range quarter.Months(q2) {
		record := staff.Record{Case: "S", CaseState: states[i]}
		if states[i] == staff.Open {
			record = staff.Record{}
		}
		out = append(out, quarter.Month{Month: m, State: record.StateAt(m, at(t, when)), Amount: money.Must("20000.00")})
	}
	return out
}

func blocks(t *testing.T, when string, states ...staff.State) []string {
	t.Helper()
	return quarter.Blocks(q2, months(t, when, states...), at(t, when)).Codes()
}

func facts(t *testing.T, when string, states ...staff.State) quarter.Facts {
	t.Helper()
	return quarter.Facts{
		At: at(t, when), Known: true, Months: months(t, when, states...),
		Submitter: &person.Person{ID: "pa", Name: "Pa", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}},
	}
}

func application() quarter.Application {
	return quarter.Application{RequestKey: "k1", PartnerID: "P-100", Submitter: "pa", Quarter: "2024Q2"}
}

func refused(t *testing.T, f quarter.Facts) []string {
	t.Helper()
	_, list := quarter.Judge(application(), f)
	return list.Codes()
}

// Rule: QPY-01
func TestGivenAMonthThatIsNotFinal_WhenTheQuarterIsRequested_ThenRefused(t *testing.T) {
	require.Equal(t, []string{"QPY_PRELIM_PENDING"}, blocks(t, "2024-06-20 10:00:00", staff.Passed, staff.InReview, staff.Passed), "May is not final")

	list := months(t, "2024-07-03 10:00:00", staff.Passed, staff.Passed, staff.Open)
	until := at(t, "2024-07-20 00:00:00")
	list[2].State, list[2].ConfirmUntil = staff.ToConfirm, &until // June was listed for its experts and is not final
	refusals := quarter.Blocks(q2, list, at(t, "2024-07-03 10:00:00"))
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, refusals.Codes())
	require.Contains(t, refusals.Error(), "2024-07-20 00:00:00 UTC+8")
	first, ok := quarter.FirstAllowed(q2, list, at(t, "2024-07-03 10:00:00"))
	require.True(t, ok)
	require.Equal(t, until, first)
}

// Rule: QPY-02
func TestGivenAMonthThatCanStillBeRequested_WhenTheQuarterRuns_ThenRefusedUntilDayOneOfTheNext(t *testing.T) {
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, blocks(t, "2024-05-20 10:00:00", staff.Passed, staff.Passed, staff.Open))
	f := facts(t, "2024-07-01 00:00:00", staff.Passed, staff.Passed, staff.Open)
	plan, list := quarter.Judge(application(), f)
	require.Empty(t, list)
	require.Equal(t, "40000.00", plan.Total.String(), "April and May")
	require.Equal(t, staff.Lapsed, plan.Months[2].State)
}

// Rule: QPY-03
func TestGivenAMonthInPreliminaryReview_WhenTheQuarterIsRequested_ThenRefused(t *testing.T) {
	require.Equal(t, []string{"QPY_PRELIM_PENDING"}, blocks(t, "2024-07-03 10:00:00", staff.Passed, staff.Passed, staff.InReview))
}

// Rule: QPY-04
func TestGivenEveryMonthFailedOrNoneWasRequested_WhenTheQuarterIsRequested_ThenRefused(t *testing.T) {
	require.Equal(t, []string{"QPY_NONE_PASSED"}, blocks(t, "2024-07-03 10:00:00", staff.Failed, staff.Failed, staff.Failed))
	require.Equal(t, []string{"QPY_NONE_PASSED"}, blocks(t, "2024-07-03 10:00:00", staff.Open, staff.Open, staff.Open))
	require.Equal(t, []string{"QPY_NONE_PASSED"}, blocks(t, "2024-07-03 10:00:00", staff.Failed, staff.Open, staff.Failed))
}

// Rule: QPY-05
func TestGivenAMonthIsSkipped_WhenTheQuarterEnds_ThenTheVeryInstantCounts(t *testing.T) {
	states := []staff.State{staff.Passed, staff.Passed, staff.Open}
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, refused(t, facts(t, "2024-06-30 23:59:59", states...)))
	require.Empty(t, refused(t, facts(t, "2024-07-01 00:00:00", states...)))
	require.Equal(t, at(t, "2024-07-01 00:00:00"), quarter.FirstDay(q2))
	first, ok := quarter.FirstAllowed(q2, months(t, "2024-06-30 23:59:59", states...), at(t, "2024-06-30 23:59:59"))
	require.True(t, ok)
	require.Equal(t, at(t, "2024-07-01 00:00:00"), first)
}

// Rule: QPY-06
func TestGivenAFailedMonth_WhenTheQuarterIsRequested_ThenOnlyPassedMonthsArePaid(t *testing.T) {
	f := facts(t, "2024-07-01 10:00:00", staff.Passed, staff.Failed, staff.Passed)
	f.Months[1].Amount = money.Must("15000.00")
	plan, list := quarter.Judge(application(), f)
	require.Empty(t, list)
	require.Equal(t, "40000.00", plan.Total.String())
}

// Rule: QPY-07
func TestGivenAllThreeMonthsPassed_WhenTheQuarterStillRuns_ThenItCanBeRequestedAtOnce(t *testing.T) {
	require.Empty(t, refused(t, facts(t, "2024-06-25 10:00:00", staff.Passed, staff.Passed, staff.Passed)))
	first, ok := quarter.FirstAllowed(q2, months(t, "2024-06-25 10:00:00", staff.Passed, staff.Passed, staff.Passed), at(t, "2024-06-25 10:00:00"))
	require.True(t, ok)
	require.Equal(t, at(t, "2024-06-25 10:00:00"), first)
}

// Rule: QPY-08
func TestGivenAFailedMonth_WhenItsMonthStillRuns_ThenItCountsAsOpen(t *testing.T) {
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, blocks(t, "2024-06-20 10:00:00", staff.Passed, staff.Passed, staff.Failed))
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, blocks(t, "2024-06-30 23:59:59", staff.Passed, staff.Passed, staff.Failed))
	require.Empty(t, blocks(t, "2024-07-01 00:00:00", staff.Passed, staff.Passed, staff.Failed))
	require.Empty(t, blocks(t, "2024-06-20 10:00:00", staff.Passed, staff.Failed, staff.Passed), "May has ended")
}

func TestGivenSeveralConditions_WhenTheQuarterIsRequested_ThenAllAreReportedInOrder(t *testing.T) {
	require.Equal(t, []string{"QPY_MONTH_OPEN", "QPY_PRELIM_PENDING"}, blocks(t, "2024-05-20 10:00:00", staff.Failed, staff.InReview, staff.Open))
	require.Equal(t, []string{"QPY_MONTH_OPEN", "QPY_NONE_PASSED"}, blocks(t, "2024-05-20 10:00:00", staff.Failed, staff.Failed, staff.Open))
	for _, states := range [][]staff.State{{staff.Failed, staff.InReview, staff.Open}, {staff.Failed, staff.Failed, staff.Open}} {
		_, ok := quarter.FirstAllowed(q2, months(t, "2024-05-20 10:00:00", states...), at(t, "2024-05-20 10:00:00"))
		require.False(t, ok, "waiting alone does not help")
	}
}

// Rule: QPY-09
// Rule: PGM-09
func TestGivenAQuarterThatIsRequestedOrPaid_WhenItIsRequestedAgain_ThenItIsADuplicate(t *testing.T) {
	for _, state := range []quarter.State{quarter.Review, quarter.Approved, quarter.Waiting, quarter.Paid, quarter.Rejected} {
		f := facts(t, "2024-07-02 10:00:00", staff.Passed, staff.Passed, staff.Passed)
		f.Existing, f.ExistingState = "Q000001", state
		require.Equal(t, []string{"QPY_DUPLICATE"}, refused(t, f), state)
	}
}

// Rule: QPY-10
func TestGivenArrears_WhenTheQuarterIsRequested_ThenItIsFrozenUntilTheyArePaid(t *testing.T) {
	f := facts(t, "2024-07-01 10:00:00", staff.Passed, staff.Passed, staff.Passed)
	f.Arrears = money.Must("10.00")
	require.Equal(t, []string{"AUT_ARREARS"}, refused(t, f))
	f.Certification = refusal.List{refusal.New("AUT-01", "AUT_BUSINESS_INFO", "partner P-100", "Complete it.")}
	require.Equal(t, []string{"AUT_BUSINESS_INFO", "AUT_ARREARS"}, refused(t, f))
	f.Certification, f.Arrears = nil, money.Zero
	require.Empty(t, refused(t, f))
}

// Rule: QPY-11
func TestGivenARejectedApplication_WhenItIsSentAgain_ThenItIsReviewedAgainAndNoOtherStateIs(t *testing.T) {
	f := facts(t, "2024-07-10 10:00:00", staff.Passed, staff.Passed, staff.Passed)
	f.Existing, f.Resubmits = "Q000001", true
	for _, state := range []quarter.State{quarter.Review, quarter.Approved, quarter.Waiting, quarter.Paid} {
		f.ExistingState = state
		require.Equal(t, []string{"ENG_STATE"}, refused(t, f), state)
	}
	f.ExistingState = quarter.Rejected
	require.Empty(t, refused(t, f))
	require.True(t, quarter.CanMove(quarter.Rejected, quarter.Review))
}

// Rule: QPY-12
// Rule: INV-15
// Rule: ENG-03
func TestGivenAMatter_WhenItIsDecided_ThenTheOutcomeDecidesWhereTheCaseGoes(t *testing.T) {
	for _, tc := range []struct {
		matter  approval.Matter
		from    quarter.State
		outcome approval.Outcome
		want    quarter.Verdict
	}{
		{quarter.PaymentReview, quarter.Review, approval.Approve, quarter.Verdict{To: quarter.Approved, Rule: "QPY-12"}},
		{quarter.PaymentReview, quarter.Review, approval.Reject, quarter.Verdict{To: quarter.Rejected, Rule: "QPY-11"}},
		{invoice.Review, quarter.Approved, approval.Approve, quarter.Verdict{To: quarter.Waiting, Rule: "QPY-12"}},
		{invoice.Review, quarter.Approved, approval.Reject, quarter.Verdict{Rule: "INV-15"}},
		{quarter.Send, quarter.Waiting, approval.Approve, quarter.Verdict{Rule: "QPY-13"}},
		{quarter.Send, quarter.Waiting, approval.Reject, quarter.Verdict{Rule: "QPY-13"}},
		{quarter.Confirm, quarter.Waiting, approval.Approve, quarter.Verdict{To: quarter.Paid, Rule: "QPY-13"}},
		{quarter.Confirm, quarter.Waiting, approval.Reject, quarter.Verdict{Rule: "QPY-13"}},
	} {
		got := quarter.VerdictOf(quarter.MatterOf(tc.matter.Name), tc.outcome)
		require.Equal(t, tc.want, got, tc.matter.Name)
		require.True(t, got.To == "" || quarter.CanMove(tc.from, got.To))
	}
	require.False(t, quarter.CanMove(quarter.Review, quarter.Waiting), "not paid before acceptance")
	require.False(t, quarter.CanMove(quarter.Review, quarter.Paid), "pay a quarter still in review")
	require.Equal(t, approval.Matter{Name: "nothing"}, quarter.MatterOf("nothing"))
}

func TestGivenAnApplicationWithEverythingWrong_WhenJudged_ThenCallerParametersObjectState(t *testing.T) {
	f := facts(t, "2024-05-20 10:00:00", staff.Open, staff.Open, staff.Open)
	f.Submitter.Roles, f.Arrears = nil, money.Must("10.00")
	_, list := quarter.Judge(quarter.Application{PartnerID: "P-100", Submitter: "pa", Quarter: "2024-Q2"}, f)
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "AUT_ARREARS", "QPY_MONTH_OPEN", "QPY_NONE_PASSED"}, list.Codes())
	_, list = quarter.Judge(quarter.Application{RequestKey: "k\x00", PartnerID: "P-100", Submitter: "pa", Quarter: "second"}.Storable(), f)
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "CBC.0100", "AUT_ARREARS"}, list.Codes())
	f.Known, f.Submitter = false, nil
	require.Equal(t, []string{"CBC.0151", "CBC.5001"}, refused(t, f))
}

func TestAQuarterIsReadInBothWaysOfWritingIt(t *testing.T) {
	for _, text := range []string{"2024Q2", "2024-Q2"} {
		q, err := quarter.ParseQuarter(text)
		require.NoError(t, err)
		require.Equal(t, q2, q)
	}
	_, err := quarter.ParseQuarter("2024-Q5")
	require.ErrorContains(t, err, "2024-Q5")
	a, b := application(), application()
	b.Quarter = "2024-Q2"
	require.Equal(t, a.Digest(), b.Digest(), "COM-20: the same application")
}

func TestThePolicyOfPaymentApplicationsChecksItself(t *testing.T) {
	require.NoError(t, quarter.DefaultPolicy().Check())
	for _, sentence := range []string{"review_role", "invoice_term"} {
		require.ErrorContains(t, quarter.Policy{}.Check(), sentence)
	}
	for _, m := range quarter.Matters {
		require.NotEmpty(t, quarter.DefaultPolicy().Chain(m.Name).Steps, m.Name)
	}
}

func TestEveryStateThatAnApplicationReachesHasANotice(t *testing.T) {
	for _, m := range quarter.Moves {
		subject, body := quarter.NoticeOf(m.To).Text(quarter.NoticeData{Case: "Q000001", Partner: "P-100", Quarter: "2024Q2", Amount: money.Must("40000.00"), Note: "why"})
		require.Contains(t, subject, "2024Q2")
		require.Contains(t, body, "40000.00 CNY")
	}
	require.True(t, quarter.Ended(quarter.Paid))
	require.False(t, quarter.Ended(quarter.Rejected))
}
