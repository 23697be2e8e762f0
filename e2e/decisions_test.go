package e2e

import (
	"context"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/withdrawal"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// approvalEndings play what a chain can do, each to an ending of its own.
var approvalEndings = map[string]func(p *partner) *theCase{
	"every_decision_then_paid": func(p *partner) *theCase {
		p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}}, approval.Step{Name: "check", Who: []approval.Candidate{{Role: "finance-manager"}}})
		c := p.underReview("k")
		c.says("review", "lina", approval.Decision{Outcome: approval.Ask, Reason: "which invoice?"})
		c.says("review", p.mei, approval.Decision{Outcome: approval.Comment, Reason: "INV-7"})
		c.says("review", p.mei, approval.Decision{Outcome: approval.Urge})
		c.says("review", "lina", approval.Decision{Outcome: approval.Copy, To: "wang"})
		c.says("review", "lina", approval.Decision{Outcome: approval.Transfer, To: "zhao"})
		c.says("review", "zhao", approval.Decision{Outcome: approval.Delegate, To: "wang"})
		c.says("review", "wang", approval.Decision{Outcome: approval.Approve, Reason: "looks right"}) // an opinion: it goes back
		c.says("review", "zhao", approval.Decision{Outcome: approval.AddSigner, To: "lina", Before: true})
		c.says("review.2", "lina", approval.Decision{Outcome: approval.Approve})
		c.says("review", "zhao", approval.Decision{Outcome: approval.Approve})
		c.says("check", "chen", approval.Decision{Outcome: approval.Back, To: "review", Reason: "once more"})
		c.says("review.3", "lina", approval.Decision{Outcome: approval.Approve, Amount: "60.00", Reason: "the rest is not due"})
		c.says("check.2", "chen", approval.Decision{Outcome: approval.AddSigner, To: "zhao"})
		c.says("check.3", "chen", approval.Decision{Outcome: approval.RemoveSigner})
		require.Equal(p.t, withdrawal.Approved, c.says("check.2", "chen", approval.Decision{Outcome: approval.Approve}).State)
		p.has("1440.00", "60.00")
		c.must(withdrawal.Send, sent, withdrawal.Paying)
		c.confirm("60.00")
		p.has("1440.00", "0.00")
		return c
	},
	"resubmitted_then_paid": func(p *partner) *theCase {
		c := p.returned("k")
		c.resubmits("70.00")
		p.has("1430.00", "70.00")
		c.says("review@2", "lina", approval.Decision{Outcome: approval.Approve})
		c.must(withdrawal.Send, sent, withdrawal.Paying)
		c.confirm("70.00")
		return c
	},
	"cancelled_after_return": func(p *partner) *theCase {
		c := p.returned("k")
		_, err := workflows.Cancel(p.t.Context(), p.s.client, c.workflowID, workflows.CancelRequest{Person: p.mei, Reason: "not worth it"})
		require.NoError(p.t, err)
		p.has("1500.00", "0.00")
		return c
	},
	"lapsed_after_return": func(p *partner) *theCase {
		p.s.setPolicy(p.t, func(policy *withdrawal.Policy) { policy.Approval.ChangesTerm = calendar.MustTerm("1s") })
		c := p.returned("k")
		eventually(p.t, "the term for changes", func() (bool, error) { return c.state() == withdrawal.Cancelled, nil })
		p.has("1500.00", "0.00")
		return c
	},
	"refused_by_deadline": func(p *partner) *theCase { // after a reminder and an escalation
		p.chain(approval.Step{
			Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}, Remind: calendar.MustTerm("500ms"), Due: calendar.MustTerm("1s"), Escalate: "finance-manager",
			Default: &approval.Default{After: calendar.MustTerm("1500ms"), Outcome: approval.Reject},
		})
		c := p.underReview("k")
		eventually(p.t, "the deadline", func() (bool, error) { return c.state() == withdrawal.Refused, nil })
		require.Equal(p.t, []string{
			p.mei + " request submit >UNDER_REVIEW WDR-02", "clock clock remind UNDER_REVIEW>UNDER_REVIEW", "clock clock escalate UNDER_REVIEW>UNDER_REVIEW",
			"clock clock reject UNDER_REVIEW>REFUSED WDR-11",
		}, c.history())
		return c
	},
	"approved_by_deadline_then_failed": func(p *partner) *theCase {
		p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}, Default: &approval.Default{After: calendar.MustTerm("1s"), Outcome: approval.Approve}})
		c := p.underReview("k")
		eventually(p.t, "the deadline", func() (bool, error) { return c.state() == withdrawal.Approved, nil })
		c.must(withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Fail, Reason: "bank unknown"}, withdrawal.Failed)
		return c
	},
	"parallel_then_refused": func(p *partner) *theCase { // by one of two who were asked at once
		p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}},
			approval.Step{Name: "check", Parallel: true, Mode: approval.All, Who: []approval.Candidate{{Role: "finance-manager"}, {Person: "wang"}}})
		c := p.underReview("k")
		c.says("check.2", "wang", approval.Decision{Outcome: approval.Approve})
		c.says("review", "lina", approval.Decision{Outcome: approval.Approve})
		require.Equal(p.t, withdrawal.Refused, c.says("check", "chen", approval.Decision{Outcome: approval.Reject, Reason: "no"}).State)
		return c
	},
	"migrated_then_refused": func(p *partner) *theCase {
		c := p.underReview("k")
		p.chain(approval.Step{Name: "check", Who: []approval.Candidate{{Role: "finance-manager"}}})
		_, err := workflows.MigratePolicy(p.t.Context(), p.s.client, c.workflowID, workflows.CancelRequest{Person: "chen"})
		require.NoError(p.t, err)
		require.Equal(p.t, withdrawal.Refused, c.says("check@2", "chen", approval.Decision{Outcome: approval.Reject, Reason: "no"}).State)
		return c
	},
}

// chain makes these the steps of the review until the test ends.
func (p *partner) chain(steps ...approval.Step) {
	p.t.Helper()
	p.s.setPolicy(p.t, func(policy *withdrawal.Policy) {
		policy.Approval = approval.Chain{Owner: "finance-manager", Steps: steps}
	})
}

// says sends one decision on a seat's task and has to be accepted.
func (c *theCase) says(seat, person string, d approval.Decision) activities.Standing {
	c.p.t.Helper()
	d.Task, d.Person = c.number+"/"+seat, person
	d.Key = d.Task + "/" + person + "/" + string(d.Outcome)
	now, err := insist(func(ctx context.Context) (activities.Standing, error) {
		return workflows.Decide(ctx, c.p.s.client, c.workflowID, d)
	})
	require.NoError(c.p.t, err)
	return now
}

// returned is a case that waits for its partner's changes.
func (p *partner) returned(key string) *theCase {
	c := p.underReview(key)
	require.Equal(p.t, withdrawal.Awaiting, c.says("review", "lina", approval.Decision{Outcome: approval.Return, Reason: "the branch is missing"}).State)
	return c
}

// resubmits changes the amount and puts the case up again.
func (c *theCase) resubmits(amount string) {
	c.p.t.Helper()
	now, err := workflows.Resubmit(c.p.t.Context(), c.p.s.client, c.workflowID, c.p.toBank(c.number+"-2", amount))
	require.NoError(c.p.t, err)
	require.Equal(c.p.t, withdrawal.UnderReview, now.State)
}
