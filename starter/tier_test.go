package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/tier"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

const tierFile = `
companies: [{id: C-A, name: A Ltd}]
people:
  - {id: tina, name: Tina, email: tina@vendor.example, roles: [tier-reviewer]}
paths: [{partner: P1001, path: SW, stage: %s, from: 2025-04-01T09:00:00+08:00}]
business:
  - {partner: P1001, plans: [{plan: solution-provider, from: 2025-03-06T10:00:00+08:00}]}
tier_upgrade_policy:
  review_role: tier-reviewer
  escalation_role: vendor-operations
  review_term: P7D
  requirements:
    PREFERRED: [{code: path, zh: 角色认证, en: certified path, source: certified-path, target: "1.00"}]
    LEADING: [{code: plan, zh: 业务计划, en: business plan, source: evidence, target: "1.00"}]
    CORE: [{code: performance, zh: 业绩, en: performance, source: performance, months: 12, target: "500000.00"}]
`

// Rule: TIER-07, TIER-08
func TestTIER07GivenAPartner_WhenItsTierIsLookedAtAndAppliedFor_ThenTheCommandsSayWhereItStands(t *testing.T) {
	url := programme(t)
	file := filepath.Join(t.TempDir(), "tiers.yaml")
	load := func(stage string) {
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(tierFile, "%s", stage, 1)), 0o600))
		got := ask(t, url, "load", file)
		require.Equal(t, 0, got.code, got.err+got.out)
	}
	load("SELECTED")
	blocked := ask(t, url, "tier", "preview", "P1001")
	require.Equal(t, 0, blocked.code, blocked.err)
	require.Contains(t, blocked.out, "TIER_NO_CERTIFIED_PATH (TIER-03)")
	require.Contains(t, blocked.out, `Two ways, of which "switch account" is advised`)
	require.Contains(t, blocked.out, "P1001 (SW SELECTED)")
	require.Contains(t, blocked.out, "register new account: starter tier register")

	load("ROLE_CERTIFIED")
	page := ask(t, url, "tier", "preview", "P1001")
	require.Contains(t, page.out, "P1001 is a solution provider of the tier 标准 Standard")
	require.Contains(t, page.out, "Possible: starter tier apply --as PERSON --partner P1001 --target PREFERRED")
	require.Contains(t, page.out, "attach it")
	require.Contains(t, page.out, "TIER_CORE_BY_MANAGER (TIER-06)")

	require.Contains(t, ask(t, url, "tier", "list", "P1001").out, "No upgrade was applied for.")
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	_, err = (&activities.Tiers{DB: db}).OpenTierUpgrade(t.Context(), activities.OpenTierUpgradeInput{
		Application: tier.Application{RequestKey: "k", PartnerID: "P1001", Submitter: "alice", Target: tier.Preferred}, WorkflowID: "w", RunID: "r", At: time.Now(),
	})
	require.NoError(t, err)
	list := ask(t, url, "tier", "list", "P1001")
	require.Regexp(t, `T000001 +STANDARD +PREFERRED +UNDER_REVIEW .* review +role:tier-reviewer`, list.out)
	shown := ask(t, url, "tier", "show", "T000001")
	require.Equal(t, 0, shown.code, shown.err)
	require.Regexp(t, `path +角色认证 certified path +1 +1 +-`, shown.out)
	require.Contains(t, shown.out, "Round 1, submitted by alice")

	policy := ask(t, url, "policy", "show", "tier-upgrade")
	require.Contains(t, policy.out, "CORE asks for performance: 500000.00 CNY")
	require.Contains(t, policy.out, "The review is overdue after")
	require.NotContains(t, policy.out, "map[", "requirements are said in words")
	require.Equal(t, 2, ask(t, url, "tier", "apply", "--partner", "P1001").code)
	require.Equal(t, 1, ask(t, url, "tier", "register", "codes", "P1001", "--as", "alice").code, "alice holds no master account")
	require.Equal(t, 1, ask(t, url, "tier", "register", "finish", "x", "--account", "a", "--name", "A", "--mobile", "13700000001", "--email", "a@a.example").code)
	for link, said := range map[string]string{"x\n": "PLN_LINK_EXPIRED", "": "Link is missing"} {
		got := tell(t, url, link, "tier", "register", "finish", "-", "--account", "a", "--name", "A", "--mobile", "13700000001", "--email", "a@a.example")
		require.NotEqual(t, 0, got.code)
		require.Contains(t, got.out+got.err, said)
	}
}
