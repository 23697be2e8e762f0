package views

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/internal/pgtest"

	"github.com/goccy/go-yaml"
	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// sales is a database with P-100, a solution provider, whose ECS gives 10 %.
func sales(t *testing.T, year string, lines string) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO people (person_id, name) VALUES ('ops', 'Ops')`)
	db.MustExec(`INSERT INTO person_roles VALUES ('ops', 'vendor-operations')`)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P-100', 'A', 'solution-provider', 'cloud')`)
	db.MustExec(`INSERT INTO customers (customer_id, partner_id) VALUES ('C1', 'P-100')`)
	db.MustExec(`INSERT INTO plan_identities (partner_id, plan, from_at) VALUES ('P-100', 'solution-provider', '2020-01-01T00:00:00Z')`)
	var p incentive.Policy
	require.NoError(t, yaml.Unmarshal([]byte(fmt.Sprintf(`{name: A, plan_name: A, document: A, cadence: monthly, valid_from: %s-01-01, valid_to: %s-12-31, published_days: 5, output_tax_rate: 6,
		lines: [{line: ecs, products: [ECS], rate: 10}%s]}`, year, year, lines)), &p))
	_, err := (&activities.Programme{DB: db}).SetPolicy(t.Context(), incentive.Kind, p, "ops", at8(year+"-01-01 09:00"))
	require.NoError(t, err)
	return db
}

func at8(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func use(db *sqlx.DB, used time.Time, order, product, charge, cash, voucher string) {
	db.MustExec(`SELECT consumption_month($1)`, calendar.DateOf(used))
	db.MustExec(`
		INSERT INTO consumption (used_at, posted_at, import_id, period, line, row_key, partner_id, customer_id, order_id, product, billing_mode, charge, association, original, cash, voucher)
		SELECT $1, $1, 1, date_trunc('month', $1::timestamptz AT TIME ZONE interval '8 hours'), 1, decode(md5(count(*)::text), 'hex'), 'P-100', 'C1', $2, $3, 'subscription', $4, 'resale',
		       $5::numeric + $6::numeric, $5, $6 FROM consumption`, used, order, product, charge, cash, voucher)
}

func calculateMonth(t *testing.T, db *sqlx.DB, p incentive.Period) {
	t.Helper()
	c := &activities.Calculations{DB: db}
	run, err := c.OpenCalculation(t.Context(), activities.OpenCalculationInput{Key: fmt.Sprint(rand.Uint64()), Period: p, By: "clock", At: p.End()})
	require.NoError(t, err)
	for bucket := range incentive.Buckets {
		_, err := c.CalculateBucket(t.Context(), activities.CalculateBucketInput{Calculation: run, Bucket: bucket})
		require.NoError(t, err)
	}
}

// Rule: PERF-10
func TestGivenAnOrderPaidOnFriday1November2024_WhenItIsReadTooEarly_ThenItIsHiddenForTwoHoursAndTheDayUntilMonday(t *testing.T) {
	db := sales(t, "2024", "")
	use(db, at8("2024-11-01 10:00"), "O1", "ECS", "purchase", "1000.00", "0")
	use(db, at8("2024-11-01 10:00"), "O1", "ECS", "usage", "30.00", "0")
	november := incentive.MonthOf(at8("2024-11-01 10:00"))
	for _, tc := range []struct {
		at           string
		orders, days int
	}{{"2024-11-01 11:59", 0, 0}, {"2024-11-01 12:00", 1, 0}, {"2024-11-03 23:59", 1, 0}, {"2024-11-04 00:00", 1, 1}} {
		e, err := Reader{DB: db}.Estimate(t.Context(), "P-100", november, at8(tc.at))
		require.NoError(t, err)
		require.Len(t, e.Orders, tc.orders, tc.at)
		require.Len(t, e.Days, tc.days, tc.at)
		require.Len(t, e.Later, 2-tc.orders-tc.days, tc.at)
	}
}

// Rule: PERF-15
func TestGivenAnEstimateOfAnOrder_WhenAPartIsPaidByVoucher_ThenTheRealIncentiveIsLower(t *testing.T) {
	db := sales(t, "2024", "")
	may := incentive.MonthOf(at8("2024-05-06 10:00"))
	use(db, at8("2024-05-06 10:00"), "O1", "ECS", "purchase", "1000.00", "0")
	e, err := Reader{DB: db}.Estimate(t.Context(), "P-100", may, at8("2024-05-06 12:00"))
	require.NoError(t, err)
	require.Equal(t, "100.00", e.Orders[0].Amount.String())
	use(db, at8("2024-05-20 10:00"), "O1", "ECS", "usage", "600.00", "400.00")
	calculateMonth(t, db, may)
	s, err := Reader{DB: db}.Sheet(t.Context(), "P-100", may)
	require.NoError(t, err)
	require.Equal(t, "60.00", s.Amount.String())
	var estimated string
	require.NoError(t, db.Get(&estimated, `SELECT state || ' ' || association || ' ' || amount FROM estimated_bills`))
	require.Equal(t, "ESTIMATED resale 60.00", estimated, "no bill yet, PERF-14")
}

// What a line is explained by is judged row by row; the calculation judges sums. Both say the same of any row.
// Rule: PERF-12, PERF-13, INC-02
func TestGivenRandomFactsAndRows_WhenEveryLineIsExplained_ThenItsRowsComeToTheLine(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 2026))
	day := func() string { return fmt.Sprintf("2026-05-%02d", 1+draw.IntN(31)) }
	pick := func(from ...string) string { return from[draw.IntN(len(from))] }
	db := sales(t, "2026", `, {line: gold, products: ["*"], tiers: [gold], rate: 1.5}, {line: five, products: [FIVE], rate: 5}`)
	db.MustExec(`UPDATE plan_identities SET until_at = '2026-05-29T02:00:00Z'`)
	db.MustExec(`INSERT INTO qualifications VALUES ('P-100', '2025-01-01', '2026-05-03'), ('P-100', '2026-05-06', NULL)`)
	db.MustExec(`INSERT INTO partner_terms (key, partner_id, effect, starts, ends, set_by, set_at) VALUES ('a', 'P-100', 'TERMS_ZERO', '2026-05-10', '2026-05-12', 'ops', now())`)
	db.MustExec(`INSERT INTO partner_levels VALUES ('P-100', '2026-05-15', 'gold', 'ops', now()), ('P-100', '2026-05-25', 'none', 'ops', now())`)
	db.MustExec(`INSERT INTO customer_bindings (customer_id, partner_id, association, rebound, bound_from, set_by, set_at) VALUES ('C1', 'P-100', 'resale', true, '2026-05-19T02:00:00Z', 'ops', now())`)
	db.MustExec(`INSERT INTO policies SELECT kind, 2, jsonb_set(jsonb_set(body, '{valid_from}', '"2026-05-08"'), '{lines,0,rate}', '"20"'), set_by, set_at FROM policies`)
	for range 120 {
		use(db, at8(day()+pick(" 00:00", " 10:00", " 23:59")), pick("O1", "O2"), pick("ECS", "FIVE", "XYZ"), pick("usage", "usage", "purchase", "tax"), fmt.Sprintf("%d.%03d", draw.IntN(99), draw.IntN(999)), "1.00")
	}
	may := incentive.MonthOf(at8("2026-05-06 10:00"))
	calculateMonth(t, db, may)
	var ids []int64
	require.NoError(t, db.Select(&ids, `SELECT data_id FROM incentive_lines`))
	rows := 0
	seen := map[string]bool{}
	for _, id := range ids {
		l, err := Reader{DB: db}.ExplainLine(t.Context(), id, 1, 1000)
		require.NoError(t, err)
		require.NotEmpty(t, l.Rows)
		gross := l.Gross
		for _, r := range l.Rows {
			gross = gross.Sub(r.Gross)
		}
		require.True(t, gross.IsZero(), "line %d: %s %s is off by %s", id, l.Product, l.Detail, gross)
		rows += l.RowCount
		seen[l.Detail] = true
	}
	require.Equal(t, 120, rows, "each row is in one line")
	require.Len(t, seen, 8, "%v", seen) // counted, NOT_IN_PLAN, QUALIFICATION_EXPIRED, TERMS_ZERO, REBOUND, OUTSIDE_POLICY, PREPAYMENT, TAX
}
