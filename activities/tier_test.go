package activities

import (
	"testing"

	"countersign/domain/money"
	"countersign/domain/tier"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// value reads the present value of a requirement of P-100.
func (d *desk) value(i tier.Item, at string) string {
	d.t.Helper()
	var value money.Amount
	require.NoError(d.t, inTx(d.t.Context(), d.DB, func(tx *sqlx.Tx) error {
		accounts, err := companyPaths(d.t.Context(), tx, "P-100", clock8(at))
		if err != nil {
			return err
		}
		value, err = tierValue(d.t.Context(), tx, "P-100", i, accounts, clock8(at))
		return err
	}))
	return value.String()
}

// Rule: TIER-13
func TestTIER13GivenConsumptionPartlyPaidByCoupon_WhenPerformanceIsARequirement_ThenOnlySettledCashOfTheCompanyCounts(t *testing.T) {
	d := newDesk(t)
	d.policy(cloudPlan)
	performance := tier.Item{Code: "performance", Source: tier.Performance, Target: money.Must("6000.00"), Months: 3}
	d.consume(usage{cash: "6000.00", voucher: "4000.00", used: "2024-05-06 10:00"}) // 10,000.00 of which 4,000.00 by vendor coupon
	d.calculate("2024-05", clock8("2024-05-20 10:00"))
	require.Equal(t, "0.00", d.value(performance, "2024-05-31 23:59"), "an estimate of the month that runs is not settled")
	d.calculate("2024-05")
	require.Equal(t, "6000.00", d.value(performance, "2024-06-20 10:00"))

	d.consume(usage{charge: "top-up", cash: "5000.00"}, usage{cash: "1000.00", association: "advisory"}, usage{cash: "-500.00", charge: "refund"})
	d.calculate("2024-05")
	require.Equal(t, "6500.00", d.value(performance, "2024-06-20 10:00"), "a top-up is nothing used; what was brought about counts; a refund takes back")

	require.Equal(t, "6500.00", d.value(performance, "2024-08-31 23:59"), "May to July")
	require.Equal(t, "0.00", d.value(performance, "2024-09-01 00:00"), "June to August")

	d.exec(`INSERT INTO companies (company_id, name) VALUES ('C', 'A Ltd')`)
	d.exec(`UPDATE partners SET company_id = 'C' WHERE partner_id IN ('P-100', 'P-101')`)
	d.consume(usage{partner: "P-101", cash: "0.009"})
	d.consume(usage{partner: "P-101", cash: "200.00"})
	d.calculate("2024-05")
	require.Equal(t, "6700.00", d.value(performance, "2024-06-20 10:00"), "all accounts of the company; nothing is rounded up to a target")
}

// Rule: TIER-03, TIER-05
func TestTIER05GivenPathsLabelsAndStaffOfACompany_WhenTheirValuesAreRead_ThenTheyAreThoseOfTheInstant(t *testing.T) {
	d := newDesk(t)
	d.exec(`INSERT INTO companies (company_id, name) VALUES ('C', 'A Ltd')`)
	d.exec(`UPDATE partners SET company_id = 'C' WHERE partner_id IN ('P-100', 'P-101')`)
	file, err := ParseProgramme([]byte(`
paths:
  - {partner: P-101, path: SW, stage: ROLE_CERTIFIED, from: 2024-04-01T09:00:00+08:00}
  - {partner: P-100, path: SW, stage: ROLE_CERTIFIED, from: 2024-05-01T09:00:00+08:00}
  - {partner: P-100, path: LRN, stage: ROLE_CERTIFIED, from: 2024-04-01T09:00:00+08:00}
capability_labels:
  - {partner: P-101, label: database, obtained: 2024-04-01, valid_until: 2024-05-31}
  - {partner: P-100, label: ai, obtained: 2024-04-15}
`))
	require.NoError(t, err)
	for _, changed := range []int{5, 0} {
		report, err := (&Programme{DB: d.DB}).Load(t.Context(), file, "ops", clock8("2024-05-01 09:00"))
		require.NoError(t, err)
		require.Equal(t, changed, report.Records)
	}
	paths, labels := tier.Item{Source: tier.CertifiedPath}, tier.Item{Source: tier.CapabilityLabels}
	require.Equal(t, "0.00", d.value(paths, "2024-04-01 08:59"))
	require.Equal(t, "1.00", d.value(paths, "2024-04-01 09:00"), "of the sister account; LRN does not count")
	require.Equal(t, "1.00", d.value(paths, "2024-05-01 09:00"), "one path, whichever account is on it")
	require.Equal(t, "1.00", d.value(labels, "2024-04-14 23:59"))
	require.Equal(t, "2.00", d.value(labels, "2024-05-31 23:59"), "the last day counts in full")
	require.Equal(t, "1.00", d.value(labels, "2024-06-01 00:00"))
	labels.Of = []string{"database"}
	require.Equal(t, "0.00", d.value(labels, "2024-06-01 00:00"))

	d.exec(`INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('N1', 'n1', 'N1'), ('N2', 'n2', 'N2')`)
	d.exec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('tier-upgrade', 1, '{}', 'ops', now())`)
	for n, partner := range []string{"P-100", "P-101"} {
		d.exec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
			VALUES ($1, 'tier-upgrade', $2, 'mei', $1, '', 'UNDER_REVIEW', 1, $1, $1, '2024-04-01T00:00:00Z')`, []string{"I1", "I2"}[n], partner)
		d.exec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ($1, $2, $3, 'v1', '2024-04-02T00:00:00Z')`, []string{"N1", "N2"}[n], partner, []string{"I1", "I2"}[n])
		d.exec(`INSERT INTO member_qualifications (record_no, version, account_id, kind, title, organisation, level, from_on, origin, made_at, request_key, digest)
			VALUES ($1, 1, $1, 'certificate', 'HCIP', 'vendor', 'professional', $2, 'member', '2024-04-02T00:00:00Z', 'k', '')`, []string{"N1", "N2"}[n], "2024-04-10")
	}
	staff := tier.Item{Source: tier.CertifiedStaff, Of: []string{"professional"}}
	require.Equal(t, "0.00", d.value(staff, "2024-04-09 23:59"))
	require.Equal(t, "2.00", d.value(staff, "2024-04-10 00:00"), "one of each account")
	require.Equal(t, "0.00", d.value(tier.Item{Source: tier.Evidence}, "2024-04-10 00:00"), "it is attached")
}

// Rule: TIER-01, TIER-11
func TestTIER11GivenTiersInAFile_WhenTheyAreLoaded_ThenEachMembershipHasItsOwn(t *testing.T) {
	d := newDesk(t)
	load := func(text string) error {
		file, err := ParseProgramme([]byte(text))
		require.NoError(t, err)
		_, err = (&Programme{DB: d.DB}).Load(t.Context(), file, "ops", clock8("2024-05-01 09:00"))
		return err
	}
	tierAt := func(at string) (text string) {
		require.NoError(t, d.DB.Get(&text, `SELECT coalesce(tier_of('P-100', $1), '-')`, at+"+08"))
		return text
	}
	d.exec(`UPDATE plan_identities SET until_at = '2025-01-31T16:00:00Z' WHERE partner_id = 'P-100'`)
	leading := "tiers: [{partner: P-100, tier: LEADING, from: 2024-03-01T10:00:00+08:00}]"
	require.NoError(t, load(leading))
	require.NoError(t, load(leading), "again nothing differs")
	require.Equal(t, "STANDARD", tierAt("2024-03-01 09:59:59"))
	require.Equal(t, "LEADING", tierAt("2024-03-01 10:00:00"))
	require.Equal(t, "LEADING", tierAt("2025-01-31 23:59:59"))
	require.Equal(t, "-", tierAt("2025-02-01 00:00:00"), "the tier lasts as long as the membership")
	d.exec(`INSERT INTO plan_identities (partner_id, plan, from_at) VALUES ('P-100', 'solution-provider', '2025-03-01T00:00:00Z')`)
	require.Equal(t, "STANDARD", tierAt("2025-03-01 08:00:00"), "a new membership begins at Standard")

	require.Equal(t, []string{"ENG_STATE"}, RefusalOf(load("tiers: [{partner: P-100, tier: CORE, from: 2024-03-01T10:00:00+08:00}]")).Codes())
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, RefusalOf(load("tiers: [{partner: P-100, tier: CORE, from: 2025-02-15T10:00:00+08:00}]")).Codes())
	require.Equal(t, []string{"CBC.0100"}, RefusalOf(load("tiers: [{partner: P-100, tier: GOLD, from: 2025-04-15T10:00:00+08:00}]")).Codes())
	_, err := d.DB.Exec(`UPDATE partner_tiers SET tier = 'CORE'`)
	require.Error(t, err, "append-only")
}
