package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func policyOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

const chainPolicy = `payment_role: vendor-finance
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
      due: &soon P2WD
    - name: finance
      when: amount >= 5_000 and route in (BANK_CARD, INCENTIVE)
      who: [{ role: vendor-finance, each: true }]
      mode: votes
      need: 2
      due: *soon
      default: { after: P5WD, outcome: reject }
`

func TestGivenAPolicyFileInOrderWhenItIsCheckedThenItIsSaidInWordsAndNoServerIsAsked(t *testing.T) {
	noTemporal(t)
	file := policyOf(t, chainPolicy)
	got := ask(t, "", "policy", "check", file)
	require.Equal(t, 0, got.code, got.out+got.err)
	require.True(t, strings.HasPrefix(got.out, file+" is in order.\n\nWho is asked, in this order:\n  1. manager: the partner's ecosystem manager; overdue after "), got.out)
	require.Contains(t, got.out, "\n  2. finance: 2 of everybody who holds vendor-finance, if the amount is at least 5000.00 and the route is BANK_CARD or INCENTIVE; overdue after ")
	require.True(t, strings.HasSuffix(got.out, `
Deadlines:
  Who applied has 14 days for changes to a returned application.
  Money arrives within 7 working days of its approval, of wallets within 1 working day; then finance-manager may decide as well.
  A late return is overdue after 2 working days; then finance-manager may decide as well.
  A verification code holds for 5 minutes and 5 tries.
`), got.out)
	shown := decoded(t, ask(t, "", "policy", "check", file, "--json").out)
	require.Equal(t, true, shown["ok"])
	require.Len(t, shown["chain"], 2)

	url := programme(t)
	require.Equal(t, 0, ask(t, url, "policy", "set", "withdrawal", file, "--as", "zhao").code)
	text := ask(t, url, "policy", "show").out
	require.Contains(t, text, "version           2\n")
	require.Contains(t, text, "\nWho is asked, in this order:\n  1. manager: ")
	require.NotContains(t, text, "map[", "the chain is said in words")
	require.Contains(t, ask(t, url, "policy", "show", "--version", "1").out, "\n  1. review: vendor-finance; overdue after ", "a chain that no policy names is shown too")
	require.Len(t, decoded(t, ask(t, url, "policy", "show", "--json").out)["chain"], 2)
}

func TestGivenAPolicyFileWithManyFaultsWhenItIsCheckedThenAllOfThemAreToldWithTheirLines(t *testing.T) {
	file := policyOf(t, `payment_role: vendor-finance
escalation_role: finance-manager
review_term: P2WD
arrival_term: seven
wallet_term: P1WD
risk_amount: -1
code_term: 5m
code_tries: many
colour: red
decide_by_signal: perhaps
code_term: 6m
approval:
  owner: finance-manager
  bands:
    - { role: vendor-finance, up_to: "1000.00" }
    - { role: finance-manager, up_to: "500.00" }
  steps:
    - name: manager
      parallel: true
      who: [{ relation: friend }]
    - name: finance
      when: amont >= 5
      who:
        - { role: vendor-finance, each: true }
        - { person: li, band: true }
      mode: votes
      default: { after: soon, outcome: approve }
    - name: manager
      who: li
`)
	got := ask(t, "", "policy", "check", file, "--json")
	require.Equal(t, 2, got.code)
	require.Empty(t, got.err)
	answer := decoded(t, got.out)
	require.Equal(t, false, answer["ok"])
	type found struct {
		line float64
		says string
	}
	want := []found{
		{4, `arrival_term: "seven" is not a term`},
		{6, "risk_amount is an amount greater than 0"},
		{8, `code_tries: "many" is not a whole number`},
		{9, "there is no colour; there are: review_role, "},
		{10, `decide_by_signal: "perhaps" is neither true nor false`},
		{11, "code_term is there twice"},
		{16, "band 2 (finance-manager) has a limit above 0"},
		{19, "the first step has no step before it"},
		{20, "the relations are "},
		{22, `there is no field "amont"`},
		{25, "candidate 2 is one of role"},
		{26, "mode votes needs a number of approvals"},
		{27, `approval.steps[1].default.after: "soon" is not a term`},
		{28, `step "manager" is there twice`},
		{29, "approval.steps[2].who is a list"},
	}
	faults := answer["faults"].([]any)
	for i, w := range want {
		require.Greater(t, len(faults), i)
		f := faults[i].(map[string]any)
		require.Equal(t, w.line, f["line"], f)
		require.Contains(t, f["fault"], w.says)
	}
	require.Len(t, faults, len(want), "nothing that only follows from something else: %v", faults[len(want):])
	require.Equal(t, "arrival_term: seven", faults[0].(map[string]any)["yaml"])

	text := ask(t, "", "policy", "check", file).out
	require.Contains(t, text, file+" is NOT in order; found 15:\n\nLINE  YAML ")
	require.Contains(t, text, "\n   8  code_tries: many ")

	url := programme(t)
	set := ask(t, url, "policy", "set", "withdrawal", file, "--as", "zhao")
	require.Equal(t, 2, set.code)
	require.Contains(t, set.err, "line 8, code_tries: many: code_tries: \"many\" is not a whole number\n")
	require.Equal(t, 16, strings.Count(set.err, "\n"), "a line each")
}

func TestGivenAFileThatIsNoPolicyWhenItIsCheckedThenTheAnswerSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "payment_role and escalation_role name a role each",
		"- a\n- b\n":                  "a policy holds named values",
		"review_role: [a\ncode: }":    "must be specified",
		chainPolicy + "---\na: b\n":   "more than one document",
		"review_term: {a: b}\n":       "review_term is one value",
		"approval: P2WD\n":            "approval holds named values",
		"approval: {steps: [{who: ]}": "",
		"\x00\x01":                    "",
		"a: *nowhere\n":               "",
	} {
		got := ask(t, "", "policy", "check", policyOf(t, text))
		require.Equal(t, 2, got.code, text)
		require.Contains(t, got.out, want, text)
	}
	require.Equal(t, answer{2, "", "Open nowhere.yaml: no such file or directory.\n"}, ask(t, "", "policy", "check", "nowhere.yaml"))
}
