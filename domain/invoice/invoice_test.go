package invoice

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/tax"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// Rule: INV-07
func TestGivenAnIncentive_WhenItIsInvoiced_ThenTheOutputTaxIsReplacedByTheServiceFeesAndRoundedOnceHalfUp(t *testing.T) {
	for _, c := range []struct {
		parts   []Granted
		service tax.Rate
		want    string
	}{
		{[]Granted{{money.Must("10600.00"), 600}}, 300, "10300.00"},
		{[]Granted{{money.Must("1000.00"), 600}}, 100, "952.83"},
		{[]Granted{{money.Must("10600.00"), 600}}, 600, "10600.00"},
		{[]Granted{{money.Must("1.06"), 600}, {money.Must("1.13"), 1300}}, 300, "2.06"},
		{[]Granted{{money.Must("1000.00"), 600}, {money.Must("-400.00"), 600}}, 100, "571.70"},                    // together: 571.698
		{[]Granted{{money.Must("0.10"), 600}, {money.Must("0.10"), 600}, {money.Must("0.10"), 600}}, 300, "0.29"}, // 3 × 0.0971… = 0.2915, not 3 × 0.10
		{[]Granted{{money.Must("0.01"), 0}, {money.Must("0.01"), 0}}, 2500, "0.03"},                               // 0.025 is rounded up
		{[]Granted{{money.Must("999999999999999999.99"), 600}}, 600, "999999999999999999.99"},                     // exact at any size
	} {
		require.Equal(t, c.want, Amount(c.parts, c.service).String(), "%v", c.parts)
	}
}

// Rule: INV-07
func TestGivenAnyGrantAndRates_WhenItIsInvoiced_ThenTheAmountIsWithinHalfAFenOfTheFormula(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		g, out, service := money.Fen(1+r.Int64N(1e9)), tax.Rate(r.IntN(2000)), tax.Rate(r.IntN(2000))
		got := decimal.RequireFromString(Amount([]Granted{{g, out}}, service).String())
		exact := decimal.RequireFromString(g.String()).Mul(decimal.New(10000+int64(service), 0)).DivRound(decimal.New(10000+int64(out), 0), 20)
		require.True(t, got.Sub(exact).Abs().LessThanOrEqual(decimal.New(5, -3)), "%s at %s and %s: %s, exactly %s", g, out, service, got, exact)
	}
}

// Rule: INV-08, INV-20
func TestGivenAList_WhenOneInvoiceKeepsToIt_ThenItIsAcceptedAndItsReviewFindsNothing(t *testing.T) {
	l := list(ToIssue)
	for _, amount := range []string{"10300.00", "952.83", "0.01"} {
		l.Amount = money.Must(amount)
		p := parcel(Whole(l, Paper, "A1", "", "2024-06-20"))
		s := sent("2024-06-21 10:00:00", ToIssue)
		s.List = l
		require.Empty(t, Findings(l, accepted(t, p, s)))
	}
	require.Equal(t, "925.08 27.75", Whole(func() List { l.Amount = money.Must("952.83"); return l }(), Paper, "A1", "", "").Net+" "+Whole(l, Paper, "A1", "", "").Tax)
}

// Rule: INV-04
func TestGivenACertificationOnTheDayOfTheRequest_WhenTheListShows_ThenItIsTheNextDayAt0000(t *testing.T) {
	visible := VisibleAt(cst("2024-06-10 09:00:00"), cst("2024-06-10 15:00:00"))
	require.Equal(t, cst("2024-06-11 00:00:00"), visible)
	require.Equal(t, cst("2024-06-10 15:00:00"), VisibleAt(cst("2024-06-09 23:59:59"), cst("2024-06-10 15:00:00")), "certified before: at once")

	l := list(ToIssue)
	l.VisibleAt = visible
	require.Equal(t, []string{"INV-04 INV_LIST_NOT_READY"}, codes(l.Visible(cst("2024-06-10 23:59:59"))))
	require.Empty(t, l.Visible(cst("2024-06-11 00:00:00")))
	s := sent("2024-06-10 23:59:59", ToIssue)
	s.List.VisibleAt = visible
	p := parcel(whole())
	p.Invoices[0].Date = "2024-06-10"
	_, refused := JudgeSending(p, s)
	require.Equal(t, []string{"INV-04 INV_LIST_NOT_READY"}, codes(refused), "and nothing can be sent before")
}

// Rule: INV-12
func TestGivenADueDate_WhenInvoicesAreSentAfterIt_ThenTheyAreLateAndAcceptedAllTheSame(t *testing.T) {
	due := day("2024-07-05")
	require.False(t, Late(due, cst("2024-07-05 23:59:59")), "the last day counts in full")
	require.True(t, Late(due, cst("2024-07-06 00:00:00")))
	require.True(t, Late(due, cst("2024-07-08 10:00:00")))
	require.Len(t, accepted(t, parcel(whole()), sent("2024-07-08 10:00:00", ToIssue)), 1)

	require.Equal(t, cst("2024-07-06 00:00:00"), RemindAt(due, nil))
	failed := cst("2024-07-04 10:00:00")
	require.Equal(t, cst("2024-07-12 00:00:00"), RemindAt(due, &failed), "after a failed review there is time for new invoices")
	early := cst("2024-06-10 10:00:00")
	require.Equal(t, cst("2024-07-06 00:00:00"), RemindAt(due, &early))
}

// Rule: INV-14, ENG-05
func TestGivenAnArrival_WhenItsReviewIsDue_ThenItIsTheSecondWorkingDayAndTheAlarmIsWhenThatIsOver(t *testing.T) {
	days := calendar.China()
	for arrived, want := range map[string]string{
		"2024-11-06 09:30:00": "2024-11-08", // Wednesday
		"2024-11-13 09:30:00": "2024-11-15", // INV-15's second round
		"2024-11-08 18:00:00": "2024-11-12", // over the weekend
		"2024-09-30 10:00:00": "2024-10-09", // over 1 to 7 October
		"2024-10-11 10:00:00": "2024-10-14", // Saturday 12 October is worked
	} {
		on, err := ReviewOn(cst(arrived), days)
		require.NoError(t, err)
		require.Equal(t, want, on.String(), arrived)
		alarm, err := ReviewTerm.Closes(cst(arrived), days)
		require.NoError(t, err)
		require.Equal(t, on.AddDays(1).Start(), alarm.In(calendar.Zone))
	}
	_, err := ReviewOn(cst("2019-01-02 10:00:00"), days)
	require.ErrorAs(t, err, &calendar.NoDataError{})
}

// Rule: INV-14
func TestGivenTheChainOfAReview_WhenItIsRead_ThenOneOfFinanceIsAskedAndOverdueMeansAlarmOnly(t *testing.T) {
	c := Chain("vendor-finance", "finance-manager")
	require.NoError(t, c.Check(nil, "owner"))
	require.Equal(t, []string{"1. invoice-review: vendor-finance; overdue after 2 working days, then finance-manager may decide as well"}, c.Words(nil))
	require.Nil(t, c.Steps[0].Default, "no deadline decides")
}

// Rule: ENG-03, INV-15
func TestGivenTheStatesOfAList_WhenStepsAreTried_ThenOnlyTheListedOnesExistAndRoundsHaveNoLimit(t *testing.T) {
	states := []State{"", ToIssue, InTransit, InReview, Accepted, ToReissue}
	lawful := 0
	for _, from := range states {
		for _, to := range states {
			if CanMove(from, to) {
				lawful++
			}
		}
	}
	require.Equal(t, len(Moves), lawful)
	for _, step := range [][2]State{{InReview, ToReissue}, {ToReissue, InTransit}, {InTransit, InReview}} {
		require.True(t, CanMove(step[0], step[1]), "the circle of failed rounds")
	}
	for _, to := range states {
		require.False(t, CanMove(Accepted, to), "accepted is the end")
	}
}

// Rule: INV-22
func TestGivenInvoicesThatArrived_WhenThePartnerReadsItsRecord_ThenItSaysWaitingForPayment(t *testing.T) {
	require.Contains(t, InReview.Words(), "waiting for payment")
	require.Contains(t, Accepted.Words(), "waiting for payment")
	require.Contains(t, ToIssue.Words(), "waiting for your invoice")
	require.Contains(t, InTransit.Words(), "sent")
	require.Contains(t, ToReissue.Words(), "new invoice")
	require.Empty(t, State("?").Words())
}

// Rule: INV-01, INV-03
func TestGivenANotice_WhenItIsWritten_ThenItNamesTheListWhereItOpensAndBothAddresses(t *testing.T) {
	for _, n := range []Notice{Invoicing, Passed, Failed, Overdue, Returned} {
		subject, body := n.Text(list(ToIssue), "WRONG_BUYER")
		require.Contains(t, subject, "R000001")
		for _, part := range []string{"IL000001", "case R000001", "2 Vendor Street, Guiyang", "invoices@vendor.example", "10300.00 CNY", "2024-07-05", "WRONG_BUYER"} {
			require.Contains(t, body, part, string(n))
		}
	}
}

// Rule: INV-21
func TestGivenASettlementCurrency_WhenTheNoticeIsWritten_ThenTheAmountIsInIt(t *testing.T) {
	l := list(ToIssue)
	l.Currency = "USD"
	_, body := Invoicing.Text(l, "")
	require.Contains(t, body, "10300.00 USD")
	_, refused := JudgeSending(parcel(whole()), Sending{By: &mei, Partner: "P-100", List: l, At: cst("2024-06-21 10:00:00")})
	require.Empty(t, refused, "what the invoice says is looked at in its review")
	findings := Findings(l, accepted(t, parcel(whole()), sent("2024-06-21 10:00:00", ToIssue)))
	require.Equal(t, []string{"WRONG_CURRENCY"}, Reasons(findings))
	require.Equal(t, []string{"INV-21 PRG.INV.21"}, codes(JudgeReview(inReview(l), true, findings)))
}

func inReview(l List) List {
	l.State = InReview
	return l
}

func ExampleNumber() {
	fmt.Println(Number(" a1 "), Number("011002400111"))
	// Output: A1 011002400111
}
