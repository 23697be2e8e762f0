package activities

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/ledger"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

func (d *desk) approve(period string, at time.Time) []BillReport {
	d.t.Helper()
	reports, err := d.ApprovePerformance(d.t.Context(), ReviewInput{Period: periodOf(period), Person: "ops", At: at})
	require.NoError(d.t, err)
	return reports
}

// bills is each bill as "id partner plan cadence period association amount rate deadline state".
func (d *desk) bills() []string {
	d.t.Helper()
	var found []string
	require.NoError(d.t, d.DB.Select(&found, `
		SELECT concat_ws(' ', bill_id, partner_id, plan_name, cadence, period, association, amount, output_tax_rate, published_deadline, state) FROM bills ORDER BY bill_id`))
	return found
}

func (d *desk) payable(partner string) string {
	d.t.Helper()
	var balance string
	require.NoError(d.t, d.DB.Get(&balance, `SELECT coalesce(sum(amount), 0)::numeric(20,2) FROM postings WHERE account = $1`, ledger.Incentive(partner)))
	return balance
}

func codesIn(err error) []string {
	var codes []string
	for _, r := range RefusalOf(err) {
		codes = append(codes, r.Rule+" "+r.Code)
	}
	return codes
}

// Rule: PERF-14, INC-05, INC-21
func TestGivenAFirstDraft_WhenItIsNotReviewedAndThenIs_ThenOnlyTheFinalSheetIsBilledForEachPlanAndModel(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan + `  - {line: five, products: [FIVE], rate: 5}` + "\n")
	d.consume(usage{cash: "800.00"}, usage{cash: "333.33", product: "FIVE"}, usage{cash: "333.33", product: "FIVE", order: "O2"}, usage{cash: "200.00", association: "advisory"}, usage{cash: "9.00", product: "XYZ"})
	_, err := d.ApprovePerformance(t.Context(), ReviewInput{Period: periodOf("2024-05"), Person: "ops", At: clock8("2024-06-10 09:00")})
	require.Equal(t, []string{"PERF-14 ENG_STATE"}, codesIn(err), "nothing is calculated")
	d.calculate("2024-05", clock8("2024-05-31 10:00"))
	_, err = d.ApprovePerformance(t.Context(), ReviewInput{Period: periodOf("2024-05"), Person: "ops", At: clock8("2024-06-10 09:00")})
	require.Equal(t, []string{"PERF-14 ENG_STATE"}, codesIn(err), "an estimate")
	d.calculate("2024-05")
	require.Contains(t, d.sheet("P-100", "2024-05"), "first-draft ")
	require.Empty(t, d.bills(), "2024-06-10, May not reviewed: first draft, no May bill")
	_, err = d.DB.Exec(`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state) VALUES
		('X', 'P-100', 'p', 'monthly', '2024-05', 'resale', now(), 1, 6, '2024-06-15', 'TO_CONFIRM')`)
	require.NoError(t, err)
	_, err = d.DB.Exec(`UPDATE incentive_lines SET bill_id = 'X'`)
	require.ErrorContains(t, err, "not final")
	require.Equal(t, []string{"PERF-14 ENG_STATE"}, codesIn(byConstraint(err)))

	_, err = d.ApprovePerformance(t.Context(), ReviewInput{Period: periodOf("2024-05"), Person: "lina", At: clock8("2024-06-10 09:00")})
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesIn(err), "only vendor operations review")
	reports := d.approve("2024-05", clock8("2024-06-10 09:00"))
	require.Equal(t, []BillReport{{Partner: "P-100", Bills: []string{"B000001", "B000002"}}}, reports)
	require.Equal(t, []string{
		"B000001 P-100 Cloud resale monthly 2024-05 advisory 20.00 6.00 2024-06-15 TO_CONFIRM",
		"B000002 P-100 Cloud resale monthly 2024-05 resale 113.34 6.00 2024-06-15 TO_CONFIRM",
	}, d.bills()[:2], "80.00 + 2 × 16.67; published for five days")
	require.Equal(t, "133.34", d.payable("P-100"))
	require.Contains(t, d.sheet("P-100", "2024-05"), "final ")

	require.Equal(t, []BillReport{{Partner: "P-100", Bills: []string{}}}, d.approve("2024-05", clock8("2024-06-11 09:00")), "a repeat bills nothing")
	d.consume(usage{cash: "-100.00", charge: "refund", used: "2024-05-30 10:00"})
	d.calculate("2024-05")
	require.Equal(t, []BillReport{{Partner: "P-100", Bills: []string{"B000003"}}}, d.approve("2024-05", clock8("2024-06-12 09:00")), "a correction makes a further bill of the same period")
	require.Equal(t, "B000003 P-100 Cloud resale monthly 2024-05 resale -10.00 6.00 2024-06-17 TO_CONFIRM", d.bills()[2])
	require.Equal(t, "123.34", d.payable("P-100"), "a negative bill accrues the other way")
}

// Rule: INC-12, INC-13
func TestGivenARefundInTheReleasePeriod_WhenItsMonthIsBilled_ThenTheBillIsNegative(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.consume(usage{cash: "-2000.00", charge: "refund", used: "2024-06-12 10:00"})
	d.calculate("2024-06")
	d.approve("2024-06", clock8("2024-07-03 09:00"))
	require.Equal(t, []string{"B000001 P-100 Cloud resale monthly 2024-06 resale -200.00 6.00 2024-07-08 TO_CONFIRM"}, d.bills())
	require.Equal(t, "-200.00", d.payable("P-100"))
}

// Rule: PERF-14
func TestGivenAQuestionAboutAFirstDraft_WhenItIsAsked_ThenItNeedsTextAndStaysOpenUntilTheReview(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.consume(usage{cash: "100.00"})
	ask := func(key, person, text string) error {
		return d.AskAboutPerformance(t.Context(), PerformanceQuestion{Key: key, Partner: "P-100", Period: periodOf("2024-05"), Person: person, Question: text, At: clock8("2024-06-04 09:00")})
	}
	require.Equal(t, []string{"COM-16 CBC.0151", "PERF-14 CBC.0100", "PERF-14 ENG_STATE"}, codesIn(ask("q0", "lina", "")))
	d.calculate("2024-05")
	require.Equal(t, []string{"PERF-14 CBC.0100"}, codesIn(ask("q1", "mei", "")))
	require.NoError(t, ask("q2", "mei", "Where is order O7?"))
	require.NoError(t, ask("q2", "mei", "Where is order O7?"))
	var open int
	require.NoError(t, d.DB.Get(&open, `SELECT count(*) FROM performance_questions WHERE closed_at IS NULL`))
	require.Equal(t, 1, open)
	require.Contains(t, d.sheet("P-100", "2024-05"), "first-draft ")
	d.approve("2024-05", clock8("2024-06-05 09:00"))
	require.NoError(t, d.DB.Get(&open, `SELECT count(*) FROM performance_questions WHERE closed_at IS NULL`))
	require.Zero(t, open)
	require.Equal(t, []string{"PERF-14 ENG_STATE"}, codesIn(ask("q3", "mei", "And O8?")), "a final sheet")
}

const growthPlan = `
name: Quarterly attainment 2024
plan_name: Attainment
document: https://library.example/attainment
cadence: quarterly
valid_from: 2024-01-01
valid_to: 2024-12-31
published_days: 5
output_tax_rate: 6
lines:
  - {line: all, products: ["*"], rate: 0}
ladder:
  base: performance
  threshold: performance
  steps:
    - {from: 1000000, rate: 2}
    - {from: 2000000, rate: 3}
`

// Rule: INC-06, INC-21
func TestGivenALadder_WhenAQuarterIsAttained_ThenTheStepReachedGivesTheRateOfTheWholeBase(t *testing.T) {
	for _, tc := range []struct{ performance, amount string }{{"1200000.00", "24000.00"}, {"999999.99", ""}, {"1000000.00", "20000.00"}, {"2000000.00", "60000.00"}} {
		t.Run(tc.performance, func(t *testing.T) {
			d := newDesk(t)
			d.policy(cloudPlan)
			d.policy(growthPlan)
			d.consume(usage{cash: "0.00", used: "2024-04-06 10:00"}, usage{cash: tc.performance, product: "XYZ"}, usage{cash: "0.01", charge: "top-up", used: "2024-06-06 10:00"})
			attain := func(period string) ([]BillReport, error) {
				return d.AttainPlan(t.Context(), AttainInput{Plan: "Attainment", Period: periodOf(period), Partner: "P-100", Person: "ops", At: clock8("2024-07-05 09:00")})
			}
			for _, m := range []string{"2024-04", "2024-05", "2024-06"} {
				d.calculate(m)
			}
			_, err := attain("2024-Q2")
			require.Equal(t, []string{"PERF-14 ENG_STATE"}, codesIn(err), "its sheets are not final")
			for _, m := range []string{"2024-04", "2024-05", "2024-06"} {
				d.approveIfAny(m, clock8("2024-07-05 08:00"))
			}
			_, err = attain("2024-05")
			require.Equal(t, []string{"INC-21 CBC.0100"}, codesIn(err))
			reports, err := attain("2024-Q2")
			require.NoError(t, err)
			if tc.amount == "" {
				require.Empty(t, reports[0].Bills)
				return
			}
			require.Equal(t, []string{"B000001 P-100 Attainment quarterly 2024-Q2 resale " + tc.amount + " 6.00 2024-07-10 TO_CONFIRM"}, d.bills())
			again, err := attain("2024-Q2")
			require.NoError(t, err)
			require.Empty(t, again[0].Bills)

			d.consume(usage{cash: "-1500000.00", product: "XYZ", charge: "refund", used: "2024-05-30 10:00"})
			d.calculate("2024-05")
			less, err := attain("2024-Q2")
			require.NoError(t, err)
			require.Equal(t, []string{"B000002"}, less[0].Bills)
			require.Equal(t, "0.00", d.payable("P-100"), "less than the first step: all of it is taken back")
		})
	}
}

func (d *desk) approveIfAny(period string, at time.Time) {
	d.t.Helper()
	if !strings.Contains(d.sheet("P-100", period), "no rows") {
		d.approve(period, at)
	}
}

// Rule: INC-21
func TestGivenAQuarterlyPlanOfLines_WhenItsMonthsAreReviewed_ThenTheLastReviewBillsTheQuarter(t *testing.T) {
	d := newDesk(t)
	d.policy(strings.Replace(cloudPlan, "monthly", "quarterly", 1))
	d.consume(usage{cash: "100.00", used: "2024-04-06 10:00"}, usage{cash: "100.00"})
	for _, m := range []string{"2024-04", "2024-05"} {
		d.calculate(m)
		d.approve(m, clock8("2024-07-02 09:00"))
	}
	require.Empty(t, d.bills(), "June was not calculated after its end")
	d.calculate("2024-06")
	d.approve("2024-05", clock8("2024-07-03 09:00"))
	require.Equal(t, []string{"B000001 P-100 Cloud resale quarterly 2024-Q2 resale 20.00 6.00 2024-07-08 TO_CONFIRM"}, d.bills())
}

// Rule: INC-19, INC-20
func TestGivenASpecialIncentive_WhenItIsBilled_ThenItHasNoModelAndATier2GetsNone(t *testing.T) {
	d := newDesk(t)
	special := func(key, partner, amount string) (BillReport, error) {
		return d.SpecialBill(t.Context(), SpecialInput{
			Key: key, Partner: partner, Plan: "Opportunity incentive", Period: periodOf("2024-05"), Amount: amount, OutputTaxRate: "6",
			Deadline: calendar.Date{Year: 2024, Month: 6, Day: 15}, Reason: "opportunity OP-7", Person: "ops", At: clock8("2024-06-01 09:00"),
		})
	}
	first, err := special("k1", "P-100", "50000.00")
	require.NoError(t, err)
	again, err := special("k1", "P-100", "50000.00")
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = special("k1", "P-100", "1.00")
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesIn(err))
	_, err = special("k2", "T-200", "100.00")
	require.Equal(t, []string{"INC-19 INC_TIER2"}, codesIn(err))
	_, err = special("k3", "P-100", "-5")
	require.Equal(t, []string{"COM-02 CBC.0100"}, codesIn(err))
	_, err = d.SpecialBill(t.Context(), SpecialInput{
		Key: "k4", Partner: "P-404", Plan: strings.Repeat("x", 129), Period: periodOf("2024-05"), Amount: "0", OutputTaxRate: "101", Reason: "r", Person: "ops",
		At: clock8("2024-06-01 09:00"),
	})
	require.Equal(t, []string{"COM-02 CBC.0100", "INC-20 CBC.0100", "COM-08 CBC.0100", "COM-17 CBC.5001"}, codesIn(err), "all guards that fail, and no defect")
	require.Equal(t, []string{"B000001 P-100 Opportunity incentive one-off 2024-05 none 50000.00 6.00 2024-06-15 TO_CONFIRM"}, d.bills())
	require.Equal(t, "50000.00", d.payable("P-100"))
}

// Rule: INC-04, INC-05
func TestGivenRandomRows_WhenTheyAreCalculatedInTwoRunsOrInOne_ThenAllIsExplainedAndBothComeToTheSame(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan + `  - {line: five, products: [FIVE], rate: 5.5555}` + "\n")
	d.exec(`INSERT INTO partner_terms (key, partner_id, effect, starts, ends, set_by, set_at) VALUES ('a', 'P-100', 'TERMS_ZERO', '2024-05-10', '2024-05-12', 'ops', now()), ('b', 'P-101', 'TERMS_ZERO', '2024-05-10', '2024-05-12', 'ops', now())`)
	draw := rand.New(rand.NewPCG(4, 2024)) // the same rows each time, so that a failure can be looked at
	amount := func() string { return fmt.Sprintf("%d.%03d", draw.IntN(90), draw.IntN(1000)) }
	pick := func(from ...string) string { return from[draw.IntN(len(from))] }
	var rows []usage
	for range 150 {
		r := usage{
			order: pick("O1", "O2"), product: pick("ECS", "FIVE", "XYZ"), charge: pick("usage", "usage", "purchase", "tax", "card-purchase", "top-up"), mode: pick("pay-per-use", "monthly-settled"),
			used: fmt.Sprintf("2024-05-%02d 10:00", 8+draw.IntN(7)), cash: amount(), card: amount(), voucher: amount(), coupon: amount(),
		}
		if r.mode == "monthly-settled" {
			r.posted = pick("2024-05-31 12:00", "2024-06-03 12:00")
		}
		rows = append(rows, r)
	}
	for i, r := range rows { // of P-100 in four runs, of P-101 in one
		r.partner = "P-100"
		d.consume(r)
		if i == 60 || i == 61 || i == 120 {
			d.calculate("2024-05")
		}
	}
	for _, r := range rows {
		r.partner = "P-101"
		d.consume(r)
	}
	d.calculate("2024-05")
	require.Equal(t, d.sheet("P-101", "2024-05"), d.sheet("P-100", "2024-05"))
	var unexplained int
	require.NoError(t, d.DB.Get(&unexplained, `
		SELECT count(*)
		  FROM (SELECT partner_id, customer_id, sum(gross) AS gross FROM consumption WHERE used_at < '2024-05-31T16:00:00Z' GROUP BY 1, 2) c
		  FULL JOIN (SELECT partner_id, customer_id, sum(counted + non_cash + no_incentive + next_period) AS gross FROM incentive_lines WHERE period = '2024-05-01' GROUP BY 1, 2) l
		 USING (partner_id, customer_id) WHERE c.gross IS DISTINCT FROM l.gross`))
	require.Zero(t, unexplained)
	require.Zero(t, d.calculate("2024-05"))
}

// Rule: PERF-14
func TestGivenTheMovesOfASheet_WhenTheDatabaseListsThem_ThenTheyAreThoseOfTheDomain(t *testing.T) {
	d := newDesk(t)
	var listed, known []string
	require.NoError(t, d.DB.Select(&listed, `SELECT from_state || '>' || to_state FROM moves WHERE kind = 'performance-sheet'`))
	for _, m := range incentive.SheetMoves {
		known = append(known, fmt.Sprintf("%s>%s", m.From, m.To))
	}
	require.ElementsMatch(t, known, listed)
}

// Rule: COM-16, INC-02
func TestGivenARateTable_WhenSomebodyWithoutTheRoleSetsIt_ThenItStays(t *testing.T) {
	d := newDesk(t)
	version := d.policy(cloudPlan)
	var higher incentive.Policy
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(strings.Replace(cloudPlan, "rate: 10", "rate: 100", 1)), &higher, yaml.Strict()))
	for _, who := range []string{"lina", "mei", "nobody"} {
		_, err := (&Programme{DB: d.DB}).SetPolicy(t.Context(), incentive.Kind, higher, who, clock8("2024-01-02 09:00"))
		require.Equal(t, []string{"COM-16 CBC.0151"}, codesIn(err), who)
	}
	require.Equal(t, version, count(t, d.DB, `SELECT max(version) FROM policies WHERE kind = 'incentive'`))
}
