package withdrawal_test

import (
	"testing"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

func TestGivenAPolicy_WhenItIsChecked_ThenEveryFaultIsNamedAtOnce(t *testing.T) {
	require.NoError(t, withdrawal.DefaultPolicy().Check())
	require.Equal(t, "5m", withdrawal.DefaultPolicy().CodeTerm.String())
	require.Equal(t, 5, withdrawal.DefaultPolicy().CodeTries)

	err := withdrawal.Policy{}.Check()
	for _, named := range []string{"review_role", "arrival_term", "risk_amount", "code_tries", "approval.owner"} {
		require.ErrorContains(t, err, named)
	}

	p := withdrawal.DefaultPolicy()
	p.ReviewRole = "" // the steps say who reviews
	p.Approval.Steps = []approval.Step{{Name: "finance", Who: []approval.Candidate{{Role: person.VendorFinance}}}}
	require.NoError(t, p.Check())
	for _, taken := range []string{"send", "confirm", "late-return", "owner"} {
		p.Approval.Steps[0].Name = taken
		require.ErrorContains(t, p.Check(), "step 1 needs a name", "%s is another matter's", taken)
	}
	p.Approval.Steps[0].Name, p.Approval.Steps[0].When = "finance", "colour = red"
	require.ErrorContains(t, p.Check(), `step "finance": when:`)
}

func TestGivenAPolicyWithoutSteps_WhenAMattersChainIsAskedFor_ThenItIsOneStepByTheMattersRole(t *testing.T) {
	p := withdrawal.DefaultPolicy()
	p.PaymentRole = "cashier"
	for matter, want := range map[string]approval.Step{
		"review":      {Name: "review", Who: []approval.Candidate{{Role: person.VendorFinance}}, Due: calendar.MustTerm("P2WD"), Escalate: person.FinanceManager},
		"send":        {Name: "send", Who: []approval.Candidate{{Role: "cashier"}}, Due: calendar.MustTerm("P7WD"), Escalate: person.FinanceManager},
		"confirm":     {Name: "confirm", Who: []approval.Candidate{{Role: "cashier"}}, Due: calendar.MustTerm("P7WD"), Escalate: person.FinanceManager},
		"late-return": {Name: "late-return", Who: []approval.Candidate{{Role: "cashier"}}, Due: calendar.MustTerm("P2WD"), Escalate: person.FinanceManager},
	} {
		c := p.Chain(matter)
		require.Equal(t, []approval.Step{want}, c.Steps, matter)
		require.Equal(t, person.FinanceManager, c.Owner, matter)
		require.NoError(t, c.Check(withdrawal.Fields), matter)
	}
}

func TestGivenAPolicyWithAChain_WhenTheReviewIsPlanned_ThenTheChainSaysWhoAndNothingWaitsForEver(t *testing.T) {
	p := withdrawal.DefaultPolicy()
	require.Equal(t, "P30D", p.Chain("review").ChangesTerm.String(), "the submitter has a month, where the policy is silent")
	p.Approval = approval.Chain{Steps: []approval.Step{{Name: "legal", Who: []approval.Candidate{{Role: "legal"}}}}, ChangesTerm: calendar.MustTerm("P5D")}
	c := p.Chain("review")
	require.Equal(t, "legal", c.Steps[0].Name)
	require.Equal(t, person.FinanceManager, c.Owner, "the escalation role owns what names no owner")
	require.Equal(t, "P5D", c.ChangesTerm.String())
	p.Approval.Owner = "board"
	require.Equal(t, person.Role("board"), p.Chain("review").Owner)
	require.Equal(t, "send", p.Chain("send").Steps[0].Name, "the chain is the review's alone")
}

func TestGivenACase_WhenAConditionAsksForItsData_ThenEveryFieldIsThere(t *testing.T) {
	v := withdrawal.Values(money.Must("50000"), withdrawal.BankCard, withdrawal.Reseller, "cloud", true)
	require.Len(t, v, len(withdrawal.Fields))
	for text, holds := range map[string]bool{
		"amount >= 50_000": true, "amount > 50000": false, "route in (ORIGINAL, BANK_CARD)": true, "route = INCENTIVE": false,
		"partner_kind = reseller": true, "entity != cloud": false, "on_behalf": true, "not on_behalf": false,
	} {
		c, err := condition.Parse(text, withdrawal.Fields)
		require.NoError(t, err, text)
		got, err := c.Holds(v)
		require.NoError(t, err, text)
		require.Equal(t, holds, got, text)
	}
	_, err := condition.Parse("route = CASH", withdrawal.Fields)
	require.Error(t, err, "there is no such route")
}
