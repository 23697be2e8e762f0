package activities

import (
	"context"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

const accountsOfC1 = `
companies: [{id: C1, name: A Ltd, address: 1 Road}]
partners: [{id: A1, name: A Ltd 1, kind: solution-provider, entity: cloud, company: C1, master: mei}, {id: A2, name: A Ltd 2, kind: solution-provider, entity: cloud, company: C1, site: international}]
people: [{id: mei, name: Mei, partner: A1, roles: [partner-administrator]}]
paths:
  - {partner: A2, path: SW, stage: ROLE_CERTIFIED, from: 2025-04-01T09:00:00+08:00}
  - {partner: A2, path: SW, stage: SELECTED, from: 2025-03-01T09:00:00+08:00}
  - {partner: A1, path: SVC, stage: SELECTED, from: 2025-03-01T09:00:00+08:00, until: 2025-03-10T09:00:00+08:00}
`

// Rule: PGM-14
func TestPGM14GivenACompanyWithTwoAccounts_WhenItIsLoadedTwice_ThenItIsThereOnceAndBothAccountsAreItsOwn(t *testing.T) {
	ctx, p := context.Background(), Programme{DB: pgtest.New(t)}
	load := func(text string) int {
		file, err := ParseProgramme([]byte(text))
		require.NoError(t, err)
		report, err := p.Load(ctx, file, "op", time.Date(2025, 5, 1, 9, 0, 0, 0, calendar.Zone))
		require.NoError(t, err)
		return report.Records
	}
	stage := func(partner, path, at string) string {
		var s string
		require.NoError(t, p.DB.Get(&s, `SELECT coalesce(path_stage($1, $2, $3), '')`, partner, path, at+"+08:00"))
		return s
	}
	require.Positive(t, load(accountsOfC1))
	require.Zero(t, load(accountsOfC1), "again nothing differs")

	require.Equal(t, "", stage("A2", "SW", "2025-03-01 08:59:59"))
	require.Equal(t, "SELECTED", stage("A2", "SW", "2025-03-01 09:00:00"))
	require.Equal(t, "SELECTED", stage("A2", "SW", "2025-04-01 08:59:59"))
	require.Equal(t, "ROLE_CERTIFIED", stage("A2", "SW", "2025-04-01 09:00:00"))
	require.Equal(t, "SELECTED", stage("A1", "SVC", "2025-03-10 08:59:59"))
	require.Equal(t, "", stage("A1", "SVC", "2025-03-10 09:00:00"))

	require.Equal(t, 2, load("paths: [{partner: A2, path: SW, stage: DIFFERENTIATED, from: 2025-06-01T09:00:00+08:00}]"), "the stage before it ends")
	require.Zero(t, load(accountsOfC1), "an older file opens no stage again")
	require.Equal(t, "DIFFERENTIATED", stage("A2", "SW", "2025-06-01 09:00:00"))

	require.Equal(t, 1, load("companies: [{id: C1, name: A Ltd, address: 2 Road}]"))
	var shown []string
	require.NoError(t, p.DB.Select(&shown, `
		SELECT concat_ws(' ', partner_id, coalesce(master, '-'), site, address) FROM partners JOIN companies USING (company_id) ORDER BY 1`))
	require.Equal(t, []string{"A1 mei china 2 Road", "A2 - international 2 Road"}, shown, "the company's address is that of both")
	require.Zero(t, load("partners: [{id: A1, name: A Ltd 1, kind: solution-provider, entity: cloud}]"), "what a file leaves out stays")
}
