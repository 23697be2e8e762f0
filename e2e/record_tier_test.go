package e2e

import (
	"fmt"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/tier"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// tierEndings are the ways in which an upgrade ends.
var tierEndings = map[string]func(p *partner) (workflowID string){
	"tier_upgrade_approved": func(p *partner) string {
		p.joinsPlan(time.Now().AddDate(1, 0, 0))
		c := p.upgrades("k")
		c.says("review", "tina", approval.Decision{Outcome: approval.Approve})
		c.is("APPROVED")
		return c.workflowID
	},
	"tier_upgrade_rejected_then_approved": func(p *partner) string {
		p.joinsPlan(time.Now().AddDate(1, 0, 0))
		c := p.upgrades("k")
		c.says("review", "tina", approval.Decision{Outcome: approval.Reject, Reason: "the plan is unsigned"})
		_, err := workflows.ResubmitTier(p.t.Context(), p.s.client, c.workflowID, p.upgrade("k2"))
		require.NoError(p.t, err)
		c.says("review@2", "theo", approval.Decision{Outcome: approval.Approve})
		c.is("APPROVED")
		return c.workflowID
	},
	"tier_upgrade_rejected_until_the_end": func(p *partner) string { // of the membership
		p.joinsPlan(time.Now().Add(4 * time.Second))
		c := p.upgrades("k")
		c.says("review", "tina", approval.Decision{Outcome: approval.Reject, Reason: "the plan is unsigned"})
		c.closes()
		c.is("REJECTED")
		return c.workflowID
	},
	"tier_upgrade_withdrawn": func(p *partner) string {
		p.joinsPlan(time.Now().AddDate(1, 0, 0))
		c := p.upgrades("k")
		_, err := workflows.WithdrawTier(p.t.Context(), p.s.client, c.workflowID, workflows.CancelRequest{Person: p.mei})
		require.NoError(p.t, err)
		c.is("WITHDRAWN")
		return c.workflowID
	},
	"tier_upgrade_stopped": func(p *partner) string { // by an operator in Temporal
		p.joinsPlan(time.Now().AddDate(1, 0, 0))
		c := p.upgrades("k")
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		c.closes()
		c.is("WITHDRAWN")
		return c.workflowID
	},
	"tier_upgrade_resumed_then_approved": func(p *partner) string { // its run was terminated
		p.joinsPlan(time.Now().AddDate(1, 0, 0))
		c := p.upgrades("k")
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		c.says("review", "tina", approval.Decision{Outcome: approval.Approve})
		c.is("APPROVED")
		return c.workflowID
	},
	"tier_upgrade_refused_opening": func(p *partner) string { // without a membership
		_, err := workflows.ApplyForTier(p.t.Context(), p.s.client, p.upgrade("k"))
		require.Equal(p.t, []string{"TIER_NO_MEMBERSHIP", "TIER_NO_CERTIFIED_PATH"}, typed(p.t, err).Codes())
		return workflows.TierUpgradeID(p.upgrade("k"))
	},
}

// joinsPlan has the partner in the plan, on a path.
func (p *partner) joinsPlan(until time.Time) {
	p.t.Helper()
	p.onPath("SVC", "ROLE_CERTIFIED")
	p.load(fmt.Sprintf("business: [{partner: %s, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: %s}]}]\n", p.id, until.UTC().Format(time.RFC3339)))
}

func (p *partner) upgrade(key string) tier.Application {
	return tier.Application{RequestKey: key, PartnerID: p.id, Submitter: p.mei, Target: tier.Preferred, Evidence: []tier.Attached{{Item: "plan", Document: strings.Repeat("ab", 32)}}}
}

// upgrades is an upgrade under review.
func (p *partner) upgrades(key string) *theCase {
	p.t.Helper()
	opened, err := workflows.ApplyForTier(p.t.Context(), p.s.client, p.upgrade(key))
	require.NoError(p.t, err)
	return &theCase{p: p, number: opened.Case, workflowID: workflows.TierUpgradeID(p.upgrade(key))}
}

// closes waits until a case is over.
func (c *theCase) closes() {
	c.p.t.Helper()
	eventually(c.p.t, "the end", func() (bool, error) {
		now, err := c.p.s.views.Case(c.p.t.Context(), c.number)
		return now.ClosedAt != nil, err
	})
}
