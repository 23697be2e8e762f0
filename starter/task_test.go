package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGivenALateReturnWhenSomethingElseIsDoneAboutItThenTheShortFormsAreTheSameDecisions(t *testing.T) {
	url := programme(t)
	number := paid(t, url)
	task := lateReturn(t, url, number, "li", "R-1")
	stands := number + " is PAID: 1200.00 CNY of P1001 by BANK_CARD to Alpha Cloud Ltd\n"
	for _, line := range []string{
		"task ask TASK --as wang --reason really?",
		"task comment TASK --as wang --reason looking",
		"task copy TASK --as wang --to zhao",
		"task urge TASK --as alice",
		"task delegate TASK --as wang --to zhao",
		"task decide TASK reject --as zhao --reason opinion", // which goes back to wang
		"task decide TASK transfer --to wang --as wang",
	} {
		got := ask(t, url, strings.Fields(strings.Replace(line, "TASK", task, 1))...)
		if strings.HasSuffix(line, "--to wang --as wang") {
			require.Equal(t, 1, got.code, "Rule: COM-08")
			require.Contains(t, got.out, "The task is with you already")
			continue
		}
		require.Equal(t, answer{0, stands, ""}, got, line)
	}
	got := ask(t, url, "task", "transfer", task, "--as", "wang", "--to", "li")
	require.Equal(t, 1, got.code, "Rule: ENG-02")
	require.Contains(t, got.out, "Li Na cannot decide on a request of their own")
	for _, line := range []string{"return TASK --reason no", "back TASK --to review --reason no", "add-signer TASK --to zhao --before", "remove-signer TASK"} {
		got := ask(t, url, append([]string{"task", "--as", "wang"}, strings.Fields(strings.Replace(line, "TASK", task, 1))...)...)
		require.Equal(t, 1, got.code, "Rule: COM-08")
		require.Contains(t, got.out, "The task late-return takes confirm, reject, ask, transfer, delegate, comment, copy, not", line)
	}
	require.Equal(t, 6, count(t, url, `SELECT count(*) FROM decisions WHERE matter = 'late-return'`))

	text := ask(t, url, "task", "show", task).out
	require.Regexp(t, `(?m)^`+task+` +P1001 +100\.00 +wang +\d{4}-\d\d-\d\d 00:00 \+08:00  open   confirm\|reject$`, text)
	require.Contains(t, text, "\nReference: R-1\nIt takes: confirm, reject, ask, transfer, delegate, comment, copy.\n")
	takes := decoded(t, ask(t, url, "task", "show", task, "--json").out)["takes"].([]any)
	require.Equal(t, "confirm", takes[0])
	require.NotContains(t, ask(t, url, "task", "show", number+"/review").out, "It takes:", "it is decided")

	got = ask(t, url, "task", "decide", task, "confirm", "--as", "wang", "--line", strings.Repeat("L", 65))
	require.Equal(t, 1, got.code, "Rule: ENG-06")
}

func TestGivenAShortFormWithoutWhatItNeedsThenOneSentenceSaysSo(t *testing.T) {
	for line, want := range map[string]string{
		"task transfer T --as li":                               "--to is missing.",
		"task delegate T":                                       "--as, --to are missing.",
		"task back T --as li":                                   "--to, --reason are missing.",
		"task comment T --as li":                                "--reason is missing.",
		"task urge":                                             "TASK is missing.",
		"task transfer T --as li --to wang --amount 1":          "Unknown flag: --amount.",
		"withdrawal resubmit W1 --as a":                         "--route, --amount are missing.",
		"policy migrate W1":                                     "--as is missing.",
		"policy check":                                          "FILE.yaml is missing.",
		"absence set li --as li":                                "--substitute, --from, --to are missing.",
		"person leave li":                                       "--as is missing.",
		"case list --kind withdrawal --state OPEN":              `There is no state "OPEN"; there are: UNDER_REVIEW, APPROVED, REFUSED, CANCELLED, AWAITING_CHANGES, PAYING, FAILED, PAID, DELETED.`,
		"absence set li --substitute w --from 1 --to 2 --as li": `--from: "1" is not a time; write a day as 2026-11-23 or an instant as 2026-11-23T09:00, in UTC+8.`,
	} {
		got := ask(t, "", strings.Fields(line)...)
		require.Equal(t, 2, got.code, line)
		require.True(t, strings.HasPrefix(got.err, want), got.err)
	}
}

func TestGivenARoleThatNobodyHoldsWhenItsTasksAreListedThenTheKnownOnesAreNamed(t *testing.T) {
	url := programme(t)
	got := ask(t, url, "task", "list", "--role", "vendor-finances")
	require.Equal(t, 2, got.code)
	require.Empty(t, got.out)
	require.True(t, strings.HasPrefix(got.err, `There is no role "vendor-finances"; there are: ecosystem-manager, finance-manager, partner-administrator, partner-withdrawals, vendor-finance.`+"\n"), got.err)
	require.Equal(t, answer{0, "No tasks.\n", ""}, ask(t, url, "task", "list", "--role", "vendor-finance"))
	number := open(t, url)
	require.Contains(t, ask(t, url, "task", "list", "--role", "vendor-finance").out, number+"/review")
	require.Contains(t, ask(t, url, "case", "list", "--state", "UNDER_REVIEW").out, number)
	require.Equal(t, answer{0, "No cases.\n", ""}, ask(t, url, "case", "list", "--state", "AWAITING_CHANGES"))
}

// Rules: ENG-03, COM-16
func TestGivenACaseThatHasEndedWhenItIsResubmittedOrMigratedThenTheRulesRefuse(t *testing.T) {
	url := programme(t)
	number := paid(t, url)
	got := ask(t, url, "withdrawal", "resubmit", number, "--as", "alice", "--route", "BANK_CARD", "--amount", "900.00", "--code", "123456")
	require.Equal(t, 1, got.code, got.err)
	require.Contains(t, got.out, "The withdrawal is PAID; only one that was returned for changes is resubmitted.")
	require.NotContains(t, got.out, "COM-08", "the partner is the case's")
	got = ask(t, url, "withdrawal", "resubmit", number, "--as", "alice", "--partner", "P1002", "--route", "BANK_CARD", "--amount", "900.00")
	require.Contains(t, got.out, "The case is partner P1001's, not P1002's")
	got = ask(t, url, "policy", "migrate", number, "--as", "li", "--json")
	require.Equal(t, 1, got.code, got.err)
	require.Contains(t, got.out, "Li Na does not hold the role finance-manager")
	require.Contains(t, got.out, "only one under review can take another policy")
	for _, line := range []string{"withdrawal resubmit W9 --as alice --route BANK_CARD --amount 1", "policy migrate W9 --as zhao"} {
		require.Equal(t, answer{2, "", "Case \"W9\": not found.\n"}, ask(t, url, strings.Fields(line)...))
	}
}
