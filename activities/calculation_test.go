package activities

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/internal/pgtest"

	"github.com/goccy/go-yaml"
	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// desk is a programme whose incentives are calculated: P-100 and P-101 are solution providers, T-200 is a tier-2 reseller of P-100. Ops is vendor operations.
type desk struct {
	*Calculations
	t    *testing.T
	rows int
	runs int
}

const deskPeople = `
partners:
  - {id: P-100, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}
  - {id: P-101, name: B Ltd, kind: distributor, verified_name: B Ltd, entity: cloud}
  - {id: T-200, name: T Ltd, kind: reseller, verified_name: T Ltd, entity: cloud}
customers: [{id: C1, partner: P-100}, {id: C2, partner: P-100}]
people:
  - {id: ops, name: Ops, roles: [vendor-operations]}
  - {id: lina, name: Li Na, roles: [vendor-finance]}
  - {id: mei, name: Mei, partner: P-100, roles: [partner-administrator]}
`

func newDesk(t *testing.T) *desk {
	d := &desk{Calculations: &Calculations{DB: pgtest.New(t)}, t: t}
	file, err := ParseProgramme([]byte(deskPeople))
	require.NoError(t, err)
	_, err = (&Programme{DB: d.DB}).Load(t.Context(), file, "test", clock8("2024-01-01 09:00"))
	require.NoError(t, err)
	d.exec(`INSERT INTO plan_identities (partner_id, plan, from_at) SELECT partner_id, CASE kind WHEN 'distributor' THEN 'distribution' ELSE 'solution-provider' END, '2020-01-01T00:00:00Z' FROM partners`)
	return d
}

func clock8(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func periodOf(s string) incentive.Period {
	p, err := incentive.ParsePeriod(s)
	if err != nil {
		panic(err)
	}
	return p
}

func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	_, err := d.DB.ExecContext(context.Background(), query, args...)
	require.NoError(d.t, err)
}

// cloudPlan is a monthly plan of 2024 with ECS at 10 %; more lines follow.
const cloudPlan = `
name: Cloud resale 2024
plan_name: Cloud resale
document: https://library.example/cloud-resale
cadence: monthly
valid_from: 2024-01-01
valid_to: 2024-12-31
published_days: 5
output_tax_rate: 6
lines:
  - {line: ecs, products: [ECS], rate: 10}
`

func (d *desk) policy(text string) int {
	d.t.Helper()
	var p incentive.Policy
	require.NoError(d.t, yaml.UnmarshalWithOptions([]byte(text), &p, yaml.Strict()))
	version, err := (&Programme{DB: d.DB}).SetPolicy(d.t.Context(), incentive.Kind, p, "ops", clock8("2024-01-01 09:00"))
	require.NoError(d.t, err)
	return version
}

// usage is one row of consumption as an import writes it; what is left out is ECS of C1, used and paid in cash under resale.
type usage struct {
	partner, customer, order, product, mode, charge, association, region, tier2, used, posted string
	cash, card, voucher, coupon                                                               string
	market                                                                                    bool
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (d *desk) consume(rows ...usage) {
	d.t.Helper()
	for _, r := range rows {
		d.rows++
		used := clock8(orElse(r.used, "2024-05-06 10:00"))
		posted := used
		if r.posted != "" {
			posted = clock8(r.posted)
		}
		mode, period := orElse(r.mode, "pay-per-use"), incentive.MonthOf(used)
		if mode == "monthly-settled" {
			period = incentive.MonthOf(posted)
		}
		d.exec(`SELECT consumption_month($1)`, period.First)
		d.exec(`
			INSERT INTO consumption (used_at, posted_at, import_id, period, line, marketplace, row_key, partner_id, customer_id, order_id, product, billing_mode, charge, association,
				region, tier2, original, cash, stored_value_card, voucher, excluded_coupon)
			VALUES ($1, $2, 1, $3, 1, $4, decode(md5($5), 'hex'), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::numeric + $16 + $17 + $18, $15, $16, $17, $18)`,
			used, posted, period.First, r.market, fmt.Sprint(d.rows), orElse(r.partner, "P-100"), orElse(r.customer, "C1"), r.order, orElse(r.product, "ECS"), mode, orElse(r.charge, "usage"),
			orElse(r.association, "resale"), r.region, r.tier2, orElse(r.cash, "0"), orElse(r.card, "0"), orElse(r.voucher, "0"), orElse(r.coupon, "0"))
	}
}

// calculate runs over a month as the workflow does, at its end unless said.
func (d *desk) calculate(period string, at ...time.Time) (lines int64) {
	d.t.Helper()
	d.runs++
	p := periodOf(period)
	in := OpenCalculationInput{Key: fmt.Sprintf("calculation/%s/%d", period, d.runs), Period: p, By: "clock", At: p.End().Add(time.Hour)}
	if len(at) > 0 {
		in.At = at[0]
	}
	run, err := d.OpenCalculation(d.t.Context(), in)
	require.NoError(d.t, err)
	for bucket := range incentive.Buckets {
		report, err := d.CalculateBucket(d.t.Context(), CalculateBucketInput{Calculation: run, Bucket: bucket})
		require.NoError(d.t, err)
		require.Equal(d.t, report.Partners, report.Done)
		lines += report.Lines
	}
	require.NoError(d.t, d.CloseCalculation(d.t.Context(), run))
	return lines
}

// sheet is "state gross counted non-cash no-incentive next-period amount", to two decimals.
func (d *desk) sheet(partner, period string) string {
	d.t.Helper()
	var text string
	err := d.DB.Get(&text, `
		SELECT concat_ws(' ', state, round(gross, 2), round(counted, 2), round(non_cash, 2), round(no_incentive, 2), round(next_period, 2), amount)
		  FROM performance_sheets WHERE partner_id = $1 AND period = $2`, partner, periodOf(period).First)
	if err != nil {
		return err.Error()
	}
	return text
}

// lines is each line as "product charge counted amount reason detail version/line".
func (d *desk) lines(partner, period string) []string {
	d.t.Helper()
	var found []string
	require.NoError(d.t, d.DB.Select(&found, `
		SELECT concat_ws(' ', product, charge, round(counted, 2), amount, nullif(reason, ''), nullif(detail, ''), CASE WHEN policy_version > 0 THEN 'v' || policy_version || '/' || policy_line END)
		  FROM incentive_lines WHERE partner_id = $1 AND period = $2 AND kind = 'performance' ORDER BY calculation_id, product, charge, counted, reason, detail`, partner, periodOf(period).First))
	return found
}

// Every rule of which income counts, by its own example.
func TestGivenARuleOfPerformance_WhenItsExampleIsCalculated_ThenPerformanceAndReasonAreTheRules(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan + `  - {line: market, products: ["*"], marketplace: true, regions: [market], rate: 3}
  - {line: overseas, products: [EIP], regions: [ap-southeast-3], rate: 4}
  - {line: cdn, products: [CDN], rate: 10}
  - {line: obs, products: [OBS], rate: 0}
  - {line: five, products: [FIVE], rate: 5}
`)
	cases := []struct {
		rule   string
		facts  []string // of a partner $1
		rows   []usage
		period string // 2024-05 when empty
		sheet  string // after the month
		lines  []string
	}{
		{
			rule: "PERF-01: what it resells and what it brings about", rows: []usage{{cash: "800.00"}, {cash: "200.00", association: "advisory"}},
			sheet: "first-draft 1000.00 1000.00 0.00 0.00 0.00 100.00",
		},
		{
			rule: "PERF-02: a top-up is nothing used", rows: []usage{{cash: "5000.00", charge: "top-up", product: "TOPUP", used: "2024-05-02 09:00"}, {cash: "1200.00"}},
			sheet: "first-draft 6200.00 1200.00 0.00 5000.00 0.00 120.00", lines: []string{"ECS usage 1200.00 120.00 v1/ecs", "TOPUP top-up 0.00 0.00 NO_INCENTIVE TOP_UP"},
		},
		{
			rule: "PERF-02: neither is what was paid in advance, nor a tax", rows: []usage{{cash: "12000.00", charge: "purchase"}, {cash: "1000.00"}, {cash: "60.00", charge: "tax"}},
			lines: []string{"ECS purchase 0.00 0.00 NO_INCENTIVE PREPAYMENT", "ECS tax 0.00 0.00 NO_INCENTIVE TAX", "ECS usage 1000.00 100.00 v1/ecs"},
		},
		{rule: "PERF-03: only cash", rows: []usage{{cash: "900.00", voucher: "300.00"}}, sheet: "first-draft 1200.00 900.00 300.00 0.00 0.00 90.00"},
		{rule: "PERF-04: a coupon that is no performance", rows: []usage{{coupon: "500.00"}}, sheet: "first-draft 500.00 0.00 500.00 0.00 0.00 0.00"},
		{
			rule: "PERF-05: buying a card", rows: []usage{{cash: "1000.00", charge: "card-purchase", product: "CARD", used: "2024-05-03 09:00"}},
			sheet: "first-draft 1000.00 0.00 1000.00 0.00 0.00 0.00", lines: []string{"CARD card-purchase 0.00 0.00 NON_CASH CARD_PURCHASE"},
		},
		{rule: "PERF-05: spending it", period: "2024-06", rows: []usage{{card: "400.00", used: "2024-06-10 09:00"}}, sheet: "first-draft 400.00 400.00 0.00 0.00 0.00 40.00"},
		{
			rule: "PERF-06: performance is not payable", rows: []usage{{cash: "900.00", product: "OBS"}},
			sheet: "first-draft 900.00 900.00 0.00 0.00 0.00 0.00", lines: []string{"OBS usage 900.00 0.00 v1/obs"},
		},
		{
			rule: "PERF-07: marketplace goods that are listed", rows: []usage{{cash: "300.00", product: "M1", market: true, region: "market"}},
			sheet: "first-draft 300.00 300.00 0.00 0.00 0.00 9.00",
		},
		{rule: "PERF-07: and those that are not", rows: []usage{{cash: "300.00", market: true}}, lines: []string{"ECS usage 0.00 0.00 NO_INCENTIVE OUTSIDE_POLICY"}},
		{
			rule: "PERF-08: an overseas region", rows: []usage{{cash: "1000.00", product: "EIP", region: "ap-southeast-3"}},
			sheet: "first-draft 1000.00 1000.00 0.00 0.00 0.00 40.00",
		},
		{
			rule: "PERF-09: settled monthly, the month of use", rows: []usage{{cash: "200.00", product: "CDN", mode: "monthly-settled", used: "2024-05-20 10:00", posted: "2024-06-03 10:00"}},
			sheet: "first-draft 200.00 0.00 0.00 0.00 200.00 0.00", lines: []string{"CDN usage 0.00 0.00 NEXT_PERIOD"},
		},
		{
			rule: "PERF-09: settled monthly, the month of settlement", period: "2024-06", rows: []usage{{cash: "200.00", product: "CDN", mode: "monthly-settled", used: "2024-05-20 10:00", posted: "2024-06-03 10:00"}},
			sheet: "first-draft 200.00 200.00 0.00 0.00 0.00 20.00",
		},
		{rule: "PERF-09: the month is that of UTC+8", period: "2024-06", rows: []usage{{cash: "10.00", used: "2024-06-01 00:00"}, {cash: "7.00", used: "2024-05-31 23:59"}}, sheet: "first-draft 10.00 10.00 0.00 0.00 0.00 1.00"},
		{rule: "PERF-11: a tier-2's customers are its tier-1's", rows: []usage{{cash: "600.00", tier2: "T-200"}}, sheet: "first-draft 600.00 600.00 0.00 0.00 0.00 60.00"},
		{rule: "PERF-12: outside the policy", rows: []usage{{cash: "300.00", product: "XYZ"}}, lines: []string{"XYZ usage 0.00 0.00 NO_INCENTIVE OUTSIDE_POLICY"}},
		{
			rule: "PERF-12: qualification expired", facts: []string{`INSERT INTO qualifications VALUES ($1, '2022-01-01', '2024-04-30')`}, rows: []usage{{cash: "500.00", used: "2024-05-06 10:00"}},
			sheet: "first-draft 500.00 0.00 0.00 500.00 0.00 0.00", lines: []string{"ECS usage 0.00 0.00 NO_INCENTIVE QUALIFICATION_EXPIRED"},
		},
		{
			rule: "PERF-12: qualification expires in the month, its last day counts", facts: []string{`INSERT INTO qualifications VALUES ($1, '2022-01-01', '2024-05-06')`},
			rows: []usage{{cash: "500.00", used: "2024-05-06 23:59"}, {cash: "40.00", used: "2024-05-07 00:00"}}, sheet: "first-draft 540.00 500.00 0.00 40.00 0.00 50.00",
		},
		{
			rule: "PERF-12: renewed in time", facts: []string{`INSERT INTO qualifications VALUES ($1, '2022-01-01', '2024-04-30'), ($1, '2024-05-01', NULL)`}, rows: []usage{{cash: "500.00"}},
			sheet: "first-draft 500.00 500.00 0.00 0.00 0.00 50.00",
		},
		{
			rule: "PERF-12: business terms", facts: []string{`INSERT INTO partner_terms (key, partner_id, effect, starts, ends, set_by, set_at) VALUES ($1, $1, 'TERMS_ZERO', '2024-05-01', '2024-05-15', 'ops', now())`},
			rows: []usage{{cash: "500.00", used: "2024-05-15 23:59"}, {cash: "70.00", used: "2024-05-16 00:00"}}, lines: []string{"ECS usage 0.00 0.00 NO_INCENTIVE TERMS_ZERO", "ECS usage 70.00 7.00 v1/ecs"},
		},
		{
			rule: "PERF-12: moved to another account", facts: []string{`INSERT INTO partner_terms (key, partner_id, effect, moved_to, starts, set_by, set_at) VALUES ($1, $1, 'PERFORMANCE_MOVED', 'P-101', '2024-05-01', 'ops', now())`},
			rows: []usage{{cash: "500.00"}}, lines: []string{"ECS usage 0.00 0.00 NO_INCENTIVE PERFORMANCE_MOVED"},
		},
		{
			rule: "PERF-12: not in a plan", facts: []string{`UPDATE plan_identities SET until_at = '2024-05-05T16:00:00Z' WHERE partner_id = $1`},
			rows: []usage{{cash: "500.00", used: "2024-05-06 00:00"}, {cash: "20.00", used: "2024-05-05 23:59"}}, lines: []string{"ECS usage 0.00 0.00 NO_INCENTIVE NOT_IN_PLAN", "ECS usage 20.00 2.00 v1/ecs"},
		},
		{rule: "INC-01: the detail is less than the consumption", rows: []usage{{cash: "700.00"}, {cash: "300.00", product: "XYZ"}}, sheet: "first-draft 1000.00 700.00 0.00 300.00 0.00 70.00"},
		{rule: "INC-03: a part counts in the next month", rows: []usage{{cash: "800.00"}, {cash: "200.00", product: "CDN", mode: "monthly-settled", used: "2024-05-31 10:00", posted: "2024-06-03 10:00"}}, sheet: "first-draft 1000.00 800.00 0.00 0.00 200.00 80.00"},
		{rule: "INC-04: consumption is explained", rows: []usage{{cash: "500.00"}, {cash: "300.00", product: "XYZ"}, {cash: "200.00", product: "CDN", mode: "monthly-settled", used: "2024-05-31 10:00", posted: "2024-06-03 10:00"}}, sheet: "first-draft 1000.00 500.00 0.00 300.00 200.00 50.00"},
		{
			rule: "INC-05: rounded half up for each line", rows: []usage{{cash: "333.33", product: "FIVE"}, {cash: "333.33", product: "FIVE", order: "O2"}},
			sheet: "first-draft 666.66 666.66 0.00 0.00 0.00 33.34", lines: []string{"FIVE usage 333.33 16.67 v1/five", "FIVE usage 333.33 16.67 v1/five"},
		},
		{rule: "INC-12: a refund is negative", period: "2024-06", rows: []usage{{cash: "-2000.00", charge: "refund", used: "2024-06-12 10:00"}}, sheet: "first-draft -2000.00 -2000.00 0.00 0.00 0.00 -200.00"},
	}
	for i := range cases { // a partner each, so that one run calculates all
		tc := &cases[i]
		partner := fmt.Sprintf("P-%d", 1000+i)
		d.exec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ($1, $1, 'solution-provider', 'cloud')`, partner)
		d.exec(`INSERT INTO plan_identities (partner_id, plan, from_at) VALUES ($1, 'solution-provider', '2020-01-01T00:00:00Z')`, partner)
		for _, f := range tc.facts {
			d.exec(f, partner)
		}
		for j := range tc.rows {
			tc.rows[j].partner = partner
		}
		d.consume(tc.rows...)
	}
	d.calculate("2024-05")
	d.calculate("2024-06")
	for i, tc := range cases {
		t.Run(tc.rule, func(t *testing.T) {
			partner := fmt.Sprintf("P-%d", 1000+i)
			if tc.sheet != "" {
				require.Equal(t, tc.sheet, d.sheet(partner, orElse(tc.period, "2024-05")))
			}
			if tc.lines != nil {
				require.Equal(t, tc.lines, d.lines(partner, orElse(tc.period, "2024-05")))
			}
		})
	}
	require.Contains(t, d.sheet("T-200", "2024-05"), "no rows", "PERF-11, INC-19: a tier-2 has none of its own")
	require.Zero(t, d.calculate("2024-05")+d.calculate("2024-06"), "a repeat adds nothing")
}

// Rule: PERF-13
func TestGivenACustomerThatMovedIn2026_WhenItConsumesWithinSixMonths_ThenItGivesTheNewPartnerNothing(t *testing.T) {
	for _, tc := range []struct{ used, bound, sheet string }{
		{"2026-05-01 10:00", "2026-02-10 10:00", "first-draft 100.00 0.00 0.00 100.00 0.00 0.00"},
		{"2026-08-10 09:59", "2026-02-10 10:00", "first-draft 100.00 0.00 0.00 100.00 0.00 0.00"},
		{"2026-08-10 10:00", "2026-02-10 10:00", "first-draft 100.00 100.00 0.00 0.00 0.00 10.00"},
		{"2026-08-11 10:00", "2026-02-10 10:00", "first-draft 100.00 100.00 0.00 0.00 0.00 10.00"},
		{"2026-01-05 10:00", "2025-12-31 23:59", "first-draft 100.00 100.00 0.00 0.00 0.00 10.00"},
	} {
		t.Run(tc.used, func(t *testing.T) {
			d := newDesk(t)
			d.policy(strings.ReplaceAll(cloudPlan, "2024", "2026"))
			d.exec(`INSERT INTO customer_bindings (customer_id, partner_id, association, rebound, bound_from, set_by, set_at) VALUES ('C1', 'P-100', 'resale', true, $1, 'ops', now())`, clock8(tc.bound))
			d.consume(usage{cash: "100.00", used: tc.used})
			d.calculate(tc.used[:7])
			require.Equal(t, tc.sheet, d.sheet("P-100", tc.used[:7]))
		})
	}
}

// Rule: INC-02
func TestGivenSeveralVersionsOfAPlan_WhenAMonthIsCalculated_ThenEachRowGoesByTheNewestOneThatCoversItsDay(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.policy(strings.NewReplacer("rate: 10", "rate: 20").Replace(cloudPlan))
	v3 := strings.NewReplacer("2024-01-01", "2024-04-01", "2024-12-31", "2024-06-30", "rate: 10", "rate: 30").Replace(cloudPlan)
	require.Equal(t, 3, d.policy(v3))
	require.Equal(t, 4, d.policy(strings.NewReplacer("plan_name: Cloud resale", "plan_name: Storage", "ECS", "OBS", "rate: 10", "rate: 1").Replace(cloudPlan)), "another plan takes no other's place")
	require.Equal(t, 3, d.policy(v3), "the same again is no new version of the plan")
	d.consume(usage{cash: "100.00", used: "2024-05-15 10:00"}, usage{cash: "100.00", used: "2024-05-15 11:00", product: "OBS"})
	d.consume(usage{cash: "100.00", used: "2024-07-01 00:00"})
	d.calculate("2024-05")
	d.calculate("2024-07")
	require.Equal(t, []string{"ECS usage 100.00 30.00 v3/ecs", "OBS usage 100.00 1.00 v4/ecs"}, d.lines("P-100", "2024-05"))
	require.Equal(t, []string{"ECS usage 100.00 20.00 v2/ecs"}, d.lines("P-100", "2024-07"))
}

// Rule: INC-02, PERF-09, PERF-12
func TestGivenPartnersForWhomSomethingChangesAtDifferentTimes_WhenAMonthIsCalculated_ThenEachRowIsJudgedByItsOwnDay(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.policy(strings.NewReplacer("valid_from: 2024-01-01", "valid_from: 2024-05-16", "rate: 10", "rate: 20").Replace(cloudPlan))
	d.exec(`INSERT INTO partner_terms (key, partner_id, effect, starts, set_by, set_at) VALUES ('k', 'P-101', 'TERMS_ZERO', '2024-05-20', 'ops', now())`)
	for _, partner := range []string{"P-100", "P-101"} {
		d.consume(usage{partner: partner, cash: "1.00", mode: "monthly-settled", used: "2024-04-20 10:00", posted: "2024-05-03 10:00"},
			usage{partner: partner, cash: "10.00", used: "2024-05-15 23:59"}, usage{partner: partner, cash: "100.00", used: "2024-05-16 00:00"},
			usage{partner: partner, cash: "1000.00", used: "2024-05-20 00:00"}, usage{partner: partner, cash: "10000.00", used: "2024-05-31 23:59"})
	}
	d.calculate("2024-05")
	require.ElementsMatch(t, []string{"ECS usage 1.00 0.10 v1/ecs", "ECS usage 10.00 1.00 v1/ecs", "ECS usage 11100.00 2220.00 v2/ecs"}, d.lines("P-100", "2024-05"))
	require.ElementsMatch(t, []string{"ECS usage 1.00 0.10 v1/ecs", "ECS usage 10.00 1.00 v1/ecs", "ECS usage 100.00 20.00 v2/ecs", "ECS usage 0.00 0.00 NO_INCENTIVE TERMS_ZERO"},
		d.lines("P-101", "2024-05"))
}

// Rule: INC-02, PERF-08
func TestGivenLinesForLevelsAssociationsAndModes_WhenAMonthIsCalculated_ThenTheFirstThatFitsDecides(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan[:strings.Index(cloudPlan, "lines:")] + `lines:
  - {line: gold, products: [ECS], tiers: [gold], rate: 12.5}
  - {line: advisory, products: [ECS], associations: [advisory], rate: 4}
  - {line: yearly, products: [ECS], billing_modes: [subscription], rate: 8}
  - {line: rest, products: ["*"], rate: 1}
`)
	d.exec(`INSERT INTO partner_levels (partner_id, starts, level, set_by, set_at) VALUES ('P-100', '2024-05-20', 'gold', 'ops', now())`)
	d.consume(usage{cash: "100.00", used: "2024-05-20 00:00"}, usage{cash: "100.00", used: "2024-05-19 23:59"},
		usage{cash: "100.00", association: "advisory"}, usage{cash: "100.00", mode: "subscription"}, usage{cash: "100.00", product: "EIP"})
	d.calculate("2024-05")
	require.ElementsMatch(t, []string{
		"ECS usage 100.00 12.50 v1/gold", "ECS usage 100.00 1.00 v1/rest", "ECS usage 100.00 4.00 v1/advisory", "ECS usage 100.00 8.00 v1/yearly",
		"EIP usage 100.00 1.00 v1/rest",
	}, d.lines("P-100", "2024-05"))
}

// Rule: INC-05, PGM-12
func TestGivenACalculatedMonth_WhenRowsComeLate_ThenTheNextRunPostsTheDifferenceAndEditsNothing(t *testing.T) {
	d := newDesk(t)
	d.policy(strings.Replace(cloudPlan, "rate: 10", "rate: 5", 1))
	d.consume(usage{cash: "333.33"})
	require.EqualValues(t, 1, d.calculate("2024-05"))
	d.consume(usage{cash: "333.33"})
	require.EqualValues(t, 1, d.calculate("2024-05"))
	require.Equal(t, []string{"ECS usage 333.33 16.67 v1/ecs", "ECS usage 333.33 16.66 v1/ecs"}, d.lines("P-100", "2024-05"), "666.66 × 5 % = 33.333, as in one run")
	require.Equal(t, "first-draft 666.66 666.66 0.00 0.00 0.00 33.33", d.sheet("P-100", "2024-05"))

	d.policy(cloudPlan) // a new version for days that were calculated by the old one
	require.EqualValues(t, 2, d.calculate("2024-05"))
	require.Equal(t, []string{"ECS usage -666.66 -33.33 v1/ecs", "ECS usage 666.66 66.67 v2/ecs"}, d.lines("P-100", "2024-05")[2:])
	require.Equal(t, "first-draft 666.66 666.66 0.00 0.00 0.00 66.67", d.sheet("P-100", "2024-05"))

	_, err := d.DB.Exec(`UPDATE incentive_lines SET amount = 1`)
	require.ErrorContains(t, err, "permission denied")
}

// Rule: INC-04
func TestGivenALineThatIsNotExplained_WhenItIsWritten_ThenTheDatabaseRefusesItAsAnErrorOfTheEngine(t *testing.T) {
	d := newDesk(t)
	_, err := d.DB.Exec(`INSERT INTO incentive_lines (partner_id, period, usage_month, association, gross, counted, policy_version, amount) VALUES ('P-100', '2024-05-01', '2024-05-01', 'resale', 100, 99, 1, 0)`)
	require.ErrorContains(t, err, "inc_04_explained")
}

// Rule: INC-05
func TestGivenALine_WhenItIsGivenToABillThatIsNoneOrAnothersPartner_ThenTheDatabaseRefuses(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.consume(usage{cash: "100.00"})
	d.calculate("2024-05")
	d.exec(`UPDATE performance_sheets SET state = 'final', reviewed_by = 'ops', reviewed_at = now()`)
	var bill string
	require.NoError(t, d.DB.Get(&bill, `INSERT INTO bills (partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state)
		VALUES ('P-101', 'Cloud resale', 'monthly', '2024-05', 'resale', now(), 10, 6, '2024-06-30', 'TO_CONFIRM') RETURNING bill_id`))
	for _, id := range []string{"B999999", bill} {
		_, err := d.DB.Exec(`UPDATE incentive_lines SET bill_id = $1`, id)
		require.ErrorContains(t, err, "a bill holds lines of its own partner only")
	}
}

// Rule: PERF-14
func TestGivenARunningMonth_WhenItIsCalculatedAndEnds_ThenItsSheetIsAnEstimateAndThenAFirstDraft(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.consume(usage{cash: "100.00"})
	d.calculate("2024-05", clock8("2024-05-31 23:59"))
	require.Equal(t, "estimated 100.00 100.00 0.00 0.00 0.00 10.00", d.sheet("P-100", "2024-05"))
	d.calculate("2024-05", clock8("2024-06-01 00:00"))
	require.Equal(t, "first-draft 100.00 100.00 0.00 0.00 0.00 10.00", d.sheet("P-100", "2024-05"))
}

// Rule: ENG-01
func TestGivenARunThatMeetsAnother_WhenItWrites_ThenItBeginsAnewAndNothingIsAddedTwice(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.consume(usage{cash: "100.00"})
	run, err := d.OpenCalculation(t.Context(), OpenCalculationInput{Key: "k", Period: periodOf("2024-05"), By: "clock", At: clock8("2024-06-03 10:00")})
	require.NoError(t, err)
	same, err := d.OpenCalculation(t.Context(), OpenCalculationInput{Key: "k", Period: periodOf("2024-05"), By: "clock", At: clock8("2024-06-03 11:00")})
	require.NoError(t, err)
	require.Equal(t, run.ID, same.ID)

	for bucket := range incentive.Buckets {
		p := bucketPass{CalculateBucketInput: CalculateBucketInput{Calculation: run, Bucket: bucket}}
		require.NoError(t, onOneConnection(t.Context(), d.DB, func(conn *sqlx.Conn) error {
			sheets, err := p.sumUp(t.Context(), conn)
			if err != nil || len(sheets) == 0 {
				return err
			}
			d.calculate("2024-05") // between its reading and its writing
			write, err := conn.PreparexContext(t.Context(), writeSQL)
			require.NoError(t, err)
			defer write.Close()
			require.ErrorContains(t, p.write(t.Context(), write, sheets[0]), "another run calculated it meanwhile")
			return nil
		}))
	}
	require.Equal(t, []string{"ECS usage 100.00 10.00 v1/ecs"}, d.lines("P-100", "2024-05"))
}

// Rule: ENG-01
func TestGivenPartnersOfOneBucket_WhenTheyAreWritten_ThenTheLastCommitWaitsForTheDisk(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	d.exec(`SELECT consumption_month('2024-05-01')`)
	d.exec(`INSERT INTO partners (partner_id, name, kind, entity) SELECT 'P' || n, 'P' || n, 'solution-provider', 'cloud' FROM generate_series(1, 40) n`)
	d.exec(`INSERT INTO consumption (used_at, posted_at, import_id, period, line, row_key, partner_id, customer_id, product, billing_mode, charge, association, original, cash)
		SELECT '2024-05-06T02:00:00Z', '2024-05-06T02:00:00Z', 1, '2024-05-01', 1, decode(md5('P' || n), 'hex'), 'P' || n, 'C', 'ECS', 'pay-per-use', 'usage', 'resale', 1, 1 FROM generate_series(1, 40) n`)
	pgtest.Owner(t, d.DB).MustExec(`
		CREATE TABLE waits (number bigint GENERATED ALWAYS AS IDENTITY, setting text);
		GRANT INSERT ON waits TO countersign_programme;
		GRANT SELECT ON waits TO countersign_programme;
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO waits (setting) VALUES (current_setting('synchronous_commit')); RETURN NULL; END$$;
		CREATE TRIGGER note AFTER INSERT ON performance_sheets FOR EACH ROW EXECUTE FUNCTION note();
		DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = local', current_database()); END$$`)
	d.DB.SetMaxIdleConns(0) // connections of before have the setting of before
	run, err := d.OpenCalculation(t.Context(), OpenCalculationInput{Key: "k", Period: periodOf("2024-05"), By: "clock", At: clock8("2024-06-03 10:00")})
	require.NoError(t, err)
	for bucket := range incentive.Buckets {
		report, err := d.CalculateBucket(t.Context(), CalculateBucketInput{Calculation: run, Bucket: bucket})
		require.NoError(t, err)
		var settings []string
		require.NoError(t, d.DB.Select(&settings, `SELECT setting FROM waits ORDER BY number DESC LIMIT $1`, report.Partners))
		require.Greater(t, report.Partners, 1)
		require.Equal(t, "local", settings[0], "as the database has it")
		require.Equal(t, "off", settings[1])
	}
}

// A plan is chosen by statistics, which another day has others of: months are read from the names of consumption's parts only.
func TestGivenAnyPlan_WhenABucketsPartsAreLookedUp_ThenNoOtherTablesNameIsReadAsAMonth(t *testing.T) {
	d := newDesk(t)
	d.exec(`SELECT consumption_month('2024-05-01')`)
	for _, setting := range []string{"enable_nestloop", "enable_hashjoin", "enable_mergejoin"} {
		tx := d.DB.MustBegin()
		tx.MustExec(`SET LOCAL ` + setting + ` = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off`)
		var found []struct{ Month, Name string }
		require.NoError(t, tx.Select(&found, bucketsSQL, "2024-05-01", 3), setting)
		require.Len(t, found, 1)
		require.Equal(t, "consumption_2024_05_3", found[0].Name)
		require.NoError(t, tx.Rollback())
	}
}
