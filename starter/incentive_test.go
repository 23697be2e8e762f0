package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/policies"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

const incentivePolicy = `name: Cloud resale 2024
plan_name: Cloud resale
document: https://library.example/cloud-resale
cadence: monthly
valid_from: 2024-01-01
valid_to: 2024-12-31
published_days: 5
output_tax_rate: 6
lines:
  - {line: ecs, products: [ECS], associations: [resale], rate: 5}
  - {line: rest, products: ["*"], regions: [cn-north-1], tiers: [gold], marketplace: true, rate: 0.5}
`

// Rule: INC-02
func TestGivenAPolicyOfIncentivesWhenItIsCheckedSetAndShownThenEveryMistakeIsNamedAndRatesAreSaidInWords(t *testing.T) {
	noTemporal(t)
	good := policyOf(t, incentivePolicy)
	got := ask(t, "", "policy", "check", "--kind", "incentive", good)
	require.Equal(t, 0, got.code, got.out+got.err)
	require.Equal(t, good+` is in order.

Cloud resale 2024: plan "Cloud resale", from 2024-01-01 to 2024-12-31, billed monthly; partners have 5 days to check a bill, output tax 6 %. Text: https://library.example/cloud-resale
  ecs: 5 % of ECS, resale
  rest: 0.5 % of all products of the marketplace, region cn-north-1, partners of level gold
`, got.out)

	bad := policyOf(t, `name: X
plan_name: Cloud resale
document: x
cadence: weekly
valid_from: 2024-06-01
valid_to: 2024-05-31
published_days: 0
output_tax_rate: 600
colour: red
lines:
  - {line: a, products: [], rate: 5}
  - line: a
    products: ["*", ECS]
    associations: [rental]
    rate: 10.12345
ladder:
  base: performance
  threshold: shoe-size
  steps: [{from: 10, rate: 1}, {from: 5, rate: many}]
`)
	got = ask(t, "", "policy", "check", "--kind", "incentive", bad)
	require.Equal(t, 2, got.code)
	for _, sentence := range []string{
		"4  cadence: weekly", "cadence is monthly, quarterly or yearly (INC-21)",
		"6  valid_to: 2024-05-31", "7  published_days: 0", "8  output_tax_rate: 600", "9  colour: red", "there is no colour; there are: ",
		"11  - {line: a, products: [], rate: 5}", `lines[0].products lists products, or ["*"] for all`,
		`lines[1].line: "a" is there twice`, `lines[1].products: "*" stands alone`, `lines[1].associations: "rental" is none of resale, advisory`, "lines[1].rate is 0 to 100 percent with at most four decimals",
		"18  threshold: shoe-size", "ladder.steps[1].from is greater than that of the step before", `"many" is not a number`, "in a threshold plan the ladder has the rates",
	} {
		require.Contains(t, got.out, sentence)
	}

	url := programme(t)
	got = ask(t, url, "policy", "set", "incentive", bad, "--as", "zhao")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "is not in order:")
	require.Equal(t, 0, ask(t, url, "policy", "set", "incentive", good, "--as", "zhao").code)
	shown := ask(t, url, "policy", "show", "incentive")
	require.Contains(t, shown.out, "plan_name        Cloud resale\n")
	require.Contains(t, shown.out, "\n  ecs: 5 % of ECS, resale\n")
	require.Contains(t, ask(t, url, "policy", "set", "shoes", good, "--as", "zhao").err, `There is no kind of policy "shoes"; there are: `+strings.Join(policies.Kinds(), ", ")+`.`)
}

// calculated calculates a month as the workflow does.
func calculated(t *testing.T, url, period string) {
	t.Helper()
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	c := &activities.Calculations{DB: db}
	p, err := incentive.ParsePeriod(period)
	require.NoError(t, err)
	run, err := c.OpenCalculation(context.Background(), activities.OpenCalculationInput{Key: fmt.Sprint(time.Now().UnixNano()), Period: p, By: "clock", At: p.End()})
	require.NoError(t, err)
	for bucket := range incentive.Buckets {
		_, err := c.CalculateBucket(context.Background(), activities.CalculateBucketInput{Calculation: run, Bucket: bucket})
		require.NoError(t, err)
	}
	require.NoError(t, c.CloseCalculation(context.Background(), run))
}

func consume(t *testing.T, url string, used time.Time, charge, cash, voucher string) {
	t.Helper()
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	sqlx.MustExec(db, `SELECT consumption_month($1)`, calendar.DateOf(used))
	sqlx.MustExec(db, `
		INSERT INTO consumption (used_at, posted_at, import_id, period, line, row_key, partner_id, customer_id, order_id, product, billing_mode, charge, association, original, cash, voucher)
		SELECT $1, $1, 1, date_trunc('month', $1::timestamptz AT TIME ZONE interval '8 hours'), 1 + count(*), decode(md5(count(*)::text), 'hex'), 'P1001', 'C1', 'O1', 'ECS', 'subscription', $2, 'resale',
		       $3::numeric + $4::numeric, $3, $4 FROM consumption`, used, charge, cash, voucher)
}

// Rule: PERF-14, INC-05
func TestGivenACorrectedMonthWhenItsLinesAreExplainedThenRowsPolicyRuleAndArithmeticAreThere(t *testing.T) {
	url := programme(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	sqlx.MustExec(db, `INSERT INTO people (person_id, name) VALUES ('ops', 'Ops')`)
	sqlx.MustExec(db, `INSERT INTO person_roles VALUES ('ops', 'vendor-operations')`)
	sqlx.MustExec(db, `INSERT INTO plan_identities (partner_id, plan, from_at) VALUES ('P1001', 'solution-provider', '2020-01-01T00:00:00Z')`)
	require.Equal(t, 0, ask(t, url, "policy", "set", "incentive", policyOf(t, incentivePolicy), "--as", "ops").code)
	day := time.Date(2024, 5, 6, 10, 0, 0, 0, calendar.Zone)
	consume(t, url, day, "usage", "333.33", "0")
	calculated(t, url, "2024-05")
	consume(t, url, day.Add(time.Hour), "usage", "333.33", "100")
	calculated(t, url, "2024-05")

	got := ask(t, url, "incentive", "explain", "2")
	require.Equal(t, 0, got.code, got.err)
	for _, sentence := range []string{
		"Used and paid: its cash counts, and so does a stored-value card that was spent. (PERF-02)",
		`Policy: version 1, Cloud resale 2024, plan "Cloud resale", in force from 2024-01-01 to 2024-12-31; read it at https://library.example/cloud-resale. Line ecs: 5 % of ECS, resale`,
		"666.66 x 5 % = 33.333, rounded half up once: 33.33 (INC-05).",
		"Earlier lines gave 16.67 of 333.33; this one is the difference: 16.66.",
		"Rows 1 to 2 of 2:",
	} {
		require.Contains(t, got.out, sentence)
	}
	require.Contains(t, ask(t, url, "incentive", "explain", "1", "--page", "2", "--size", "1").out, "Rows 2 to 2 of 2:")

	shown := ask(t, url, "performance", "show", "P1001", "2024-05").out
	require.Contains(t, shown, "first-draft")
	require.Contains(t, shown, "33.33")
	require.Equal(t, 1, ask(t, url, "performance", "approve", "2024-05", "--as", "zhao").code)
	require.Contains(t, ask(t, url, "performance", "question", "P1001", "2024-05", "--text", " ", "--as", "alice").out, "PERF-14")
	require.Equal(t, 0, ask(t, url, "performance", "question", "P1001", "2024-05", "--text", "Where is O7?", "--as", "alice").code)
	approved := ask(t, url, "performance", "approve", "2024-05", "--as", "ops")
	require.Equal(t, 0, approved.code, approved.out+approved.err)
	require.Contains(t, approved.out, "B000001")
	require.Contains(t, ask(t, url, "performance", "show", "P1001", "2024-05").out, "alice asked on ")
	special := ask(t, url, "incentive", "special", "--as", "ops", "--partner", "P1001", "--name", "Opportunity incentive", "--period", "2024-05", "--amount", "50000.00", "--deadline", "2024-06-15", "--reason", "OP-7", "--key", "k")
	require.Contains(t, special.out, "Bill B000002 over 50000.00 CNY is made for P1001.", special.err)
	require.Contains(t, ask(t, url, "incentive", "calculate", "2024-05", "--as", "zhao").out, "vendor-operations")
}
