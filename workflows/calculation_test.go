package workflows

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/incentive"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

func period(t *testing.T, text string) incentive.Period {
	t.Helper()
	p, err := incentive.ParsePeriod(text)
	require.NoError(t, err)
	return p
}

// consumed is a database in which P1 to P40 used 1000.00 of ECS each on 2024-05-06, at 10 %.
func consumed(t *testing.T) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	for _, q := range []string{
		`INSERT INTO people (person_id, name) VALUES ('ops', 'Ops')`,
		`INSERT INTO partners (partner_id, name, kind, entity) SELECT 'P' || n, 'P' || n, 'solution-provider', 'cloud' FROM generate_series(1, 40) n`,
		`INSERT INTO plan_identities (partner_id, plan, from_at) SELECT partner_id, 'solution-provider', '2020-01-01T00:00:00Z' FROM partners`,
		`INSERT INTO policies (kind, version, set_by, set_at, body) VALUES ('incentive', 1, 'ops', now(), '{"name": "A", "plan_name": "A", "cadence": "monthly", "valid_from": "2024-01-01",
			"valid_to": "2024-12-31", "published_days": 5, "output_tax_rate": "6", "lines": [{"line": "ecs", "products": ["ECS"], "associations": [], "billing_modes": [], "regions": [],
			"tiers": [], "marketplace": false, "rate": "10"}]}')`,
		`SELECT consumption_month('2024-05-01')`,
		`INSERT INTO consumption (used_at, posted_at, import_id, period, line, row_key, partner_id, customer_id, product, billing_mode, charge, association, original, cash)
		 SELECT '2024-05-06T02:00:00Z', '2024-05-06T02:00:00Z', 1, '2024-05-01', 1, decode(md5(partner_id), 'hex'), partner_id, 'C' || partner_id, 'ECS', 'pay-per-use', 'usage', 'resale', 1000, 1000 FROM partners`,
	} {
		db.MustExec(q)
	}
	return db
}

// calculating runs a calculation in the test environment and counts what a history would hold of it.
func calculating(t *testing.T, db *sqlx.DB, at time.Time, in CalculationInput) (result CalculationProgress, ordinary, local, beside int) {
	t.Helper()
	env := environment(at)
	env.RegisterWorkflowWithOptions(Calculation, workflow.RegisterOptions{Name: CalculationType})
	env.RegisterActivity(&activities.Calculations{DB: db})
	running := 0
	env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) {
		ordinary, running = ordinary+1, running+1
		beside = max(beside, running)
	})
	env.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) { running-- })
	env.SetOnLocalActivityStartedListener(func(*activity.Info, context.Context, []any) { local++ })
	env.ExecuteWorkflow(CalculationType, in)
	require.NoError(t, env.GetWorkflowError())
	require.NoError(t, env.GetWorkflowResult(&result))
	answer, err := env.QueryWorkflow(ProgressQuery)
	require.NoError(t, err)
	var asked CalculationProgress
	require.NoError(t, answer.Get(&asked))
	require.Equal(t, result, asked)
	return result, ordinary, local, beside
}

// Rule: INC-21
func TestGivenASchedulesRun_WhenItStartsOn3June_ThenMayIsCalculatedAndARepeatAddsNothing(t *testing.T) {
	db := consumed(t)
	result, ordinary, local, beside := calculating(t, db, cst("2024-06-03 09:00"), CalculationInput{})
	require.Equal(t, CalculationProgress{Period: period(t, "2024-05"), Parts: 8, Partners: 40, Lines: 40}, result)
	require.Equal(t, 8, ordinary, "one for each part, however many rows there are")
	require.Equal(t, 2, local)
	require.LessOrEqual(t, beside, 2)
	// An ordinary activity is three events and at most one workflow task of three more; a local one is a marker; start, end and two tasks are around them.
	require.Less(t, 6*ordinary+local+8, 200, "events of the run")

	var state, by string
	var total string
	require.NoError(t, db.QueryRow(`SELECT string_agg(DISTINCT state, ','), sum(amount) FROM performance_sheets`).Scan(&state, &total))
	require.Equal(t, "first-draft 4000.00", state+" "+total)
	require.NoError(t, db.Get(&by, `SELECT asked_by FROM calculations WHERE finished_at IS NOT NULL`))
	require.Equal(t, "clock", by)

	again, _, _, _ := calculating(t, db, cst("2024-06-04 09:00"), CalculationInput{})
	require.Equal(t, CalculationProgress{Period: period(t, "2024-05"), Parts: 8, Partners: 40}, again)
}

// Rule: PERF-14
func TestGivenAPersonWhoAsksForTheRunningMonth_WhenItIsCalculated_ThenItsSheetsAreEstimates(t *testing.T) {
	db := consumed(t)
	_, _, _, _ = calculating(t, db, cst("2024-05-20 09:00"), CalculationInput{Period: period(t, "2024-05"), By: "ops"})
	var states []string
	require.NoError(t, db.Select(&states, `SELECT DISTINCT state || ' ' || asked_by FROM performance_sheets JOIN calculations USING (calculation_id)`))
	require.Equal(t, "estimated ops", strings.Join(states, ","))
}
