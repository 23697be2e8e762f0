package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/domain/incentive"
	"countersign/domain/staff"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// Rules: ENG-01, INC-05
func TestGivenACalculation_WhenPostgresIsKilledBehindMostOfItsParts_ThenNoLineIsLostAndNoneIsDouble(t *testing.T) {
	p := newCertified(t, "PCALC")
	p.consumes("10.00")
	const others = 40
	var programme, usage strings.Builder
	day := staff.MonthOf(time.Now()).Previous().First().AddDays(6)
	usage.WriteString("customer,partner,product,charge,amount,currency,used_at,posted_at\n")
	list := func(key, format string) {
		programme.WriteString(key + ":\n")
		for i := range others {
			fmt.Fprintf(&programme, "  - "+format+"\n", i)
		}
	}
	list("partners", "{id: PCALC%[1]d, name: N, kind: solution-provider, verified_name: N, entity: cloud}")
	list("customers", "{id: CCALC%[1]d, partner: PCALC%[1]d}")
	list("bindings", "{customer: CCALC%[1]d, partner: PCALC%[1]d, association: resale, from: 2023-01-01T00:00:00+08:00}")
	list("business", "{partner: PCALC%[1]d, plans: [{plan: solution-provider, from: 2020-01-01T00:00:00+08:00}]}")
	for i := range others {
		fmt.Fprintf(&usage, "CCALC%[1]d,PCALC%[1]d,ECS,usage,100.00,CNY,%[2]s 10:00:00,%[2]s 11:00:00\n", i, day)
	}
	p.load(programme.String())
	p.s.ask(t, 0, nil, "consumption", "import", written(t, "usage.csv", usage.String()), "--as", "otto")

	holder, err := p.s.views.DB.Beginx()
	require.NoError(t, err)
	defer holder.Rollback()
	_, err = holder.Exec(`SELECT 1 FROM partners WHERE partner_id = 'PCALC' FOR UPDATE`)
	require.NoError(t, err)
	month, err := incentive.ParsePeriod(lastMonth())
	require.NoError(t, err)
	run, err := workflows.StartCalculation(t.Context(), p.s.client, workflows.CalculationInput{Period: month, By: "otto"})
	require.NoError(t, err)
	eventually(t, "all parts but one", func() (bool, error) {
		now, _, err := workflows.LookAtCalculation(t.Context(), p.s.client, run)
		return now.Parts == incentive.Buckets-1, err
	})
	p.s.killPostgres(t)
	_ = holder.Rollback() // its connection is gone
	require.NoError(t, run.Get(t.Context(), nil))
	require.Equal(t, others, p.s.count(t, `SELECT count(*) FROM incentive_lines WHERE partner_id LIKE 'PCALC_%' AND amount = 10`))
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM incentive_lines WHERE partner_id = 'PCALC' AND amount = 1`))
	p.s.addsUp(t)
}
