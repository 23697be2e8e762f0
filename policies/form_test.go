package policies_test

import (
	"encoding/json"
	"testing"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/incentive"
	"countersign/domain/lab"
	"countersign/domain/requisition"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/policies"

	"github.com/stretchr/testify/require"
)

// examples has a policy of many kinds, two of them with lists.
func examples(t *testing.T) map[string]policies.Policy {
	t.Helper()
	plan, faults := policies.Read[incentive.Policy](demo.IncentivePolicy)
	require.Empty(t, faults)
	chained, faults := policies.Read[withdrawal.Policy]([]byte(`
payment_role: vendor-finance
escalation_role: finance-manager
review_term: P2WD
arrival_term: P7WD
wallet_term: P1WD
risk_amount: 50000.00
code_term: 5m
code_tries: 5
approval:
  owner: finance-manager
  changes_term: P14D
  steps:
    - name: manager
      who: [{ relation: ecosystem-manager }]
      due: P2WD
    - name: finance
      when: amount >= 5_000 and route in (BANK_CARD, INCENTIVE)
      who: [{ role: vendor-finance, each: true }]
      mode: votes
      need: 2
      default: { after: P5WD, outcome: reject }
`))
	require.Empty(t, faults)
	return map[string]policies.Policy{
		withdrawal.Kind: chained, incentive.Kind: plan, bill.Kind: bill.DefaultPolicy(), requisition.Kind: requisition.DefaultPolicy(),
		tier.Kind: tier.DefaultPolicy(), baseline.Kind: baseline.DefaultPolicy(), lab.Kind: lab.DefaultPolicy(),
	}
}

func TestGivenAPolicyWhenItsFormIsSentAsItWasShownThenItIsTheSamePolicy(t *testing.T) {
	for kind, p := range examples(t) {
		t.Run(kind, func(t *testing.T) {
			fields, err := policies.Fields(kind, p)
			require.NoError(t, err)
			shown := map[string]string{}
			for _, f := range fields {
				shown[f.Name] = f.Value
			}
			again, err := policies.Enter(kind, func(name string) string { return shown[name] })
			require.NoError(t, err)
			require.Empty(t, again.Faults)
			before, err := json.Marshal(p)
			require.NoError(t, err)
			after, err := json.Marshal(again.Policy)
			require.NoError(t, err)
			require.JSONEq(t, string(before), string(after))
			changes, err := policies.Changes(kind, p, again.Policy)
			require.NoError(t, err)
			require.Empty(t, changes)
		})
	}
}

func TestGivenAFormWithFaultsWhenItIsReadThenEachStandsWithItsField(t *testing.T) {
	entered := map[string]string{
		"payment_role": "vendor-finance", "escalation_role": "x\ncode_tries: 9", "review_term": "soon", "arrival_term": "P7WD", "risk_amount": "-1", "code_term": "5m",
		"code_tries": "many", "decide_by_signal": "true",
		"approval": "owner: finance-manager\nsteps:\n  - name: manager\n    who: [{ relation: friend }]\n  - name: Finance\n    who: [{ role: vendor-finance }]",
	}
	e, err := policies.Enter(withdrawal.Kind, func(name string) string { return entered[name] })
	require.NoError(t, err)
	for _, field := range []string{"review_term", "risk_amount", "code_tries", "approval"} {
		require.NotEmpty(t, e.Faults[field], field)
	}
	require.Empty(t, e.Faults["payment_role"])
	require.Contains(t, e.Faults["review_term"][0].Fault, `"soon" is not a term`)
	require.Equal(t, "x\ncode_tries: 9", string(e.Policy.(withdrawal.Policy).EscalationRole), "a line is a value and sets nothing else")
	for _, f := range e.Fields {
		require.Equal(t, entered[f.Name], f.Value, "what was entered is not lost")
	}
}

func TestGivenTwoPoliciesWhenTheyAreComparedThenWhatDiffersIsSaid(t *testing.T) {
	before := examples(t)[withdrawal.Kind].(withdrawal.Policy)
	after := before
	after.CodeTries = 3
	changes, err := policies.Changes(withdrawal.Kind, before, after)
	require.NoError(t, err)
	require.Equal(t, []policies.Change{{Name: "code_tries", Before: "5", After: "3"}}, changes)
	all, err := policies.Changes(withdrawal.Kind, nil, after)
	require.NoError(t, err)
	require.Greater(t, len(all), 8)
}

func TestGivenTheKindsThatCanBeSetWhenTheyAreListedThenEachCanBeRead(t *testing.T) {
	require.ElementsMatch(t, activities.PolicyKinds(), policies.Kinds())
}
