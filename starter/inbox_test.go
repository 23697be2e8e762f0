package main

import (
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"

	"github.com/stretchr/testify/require"
)

func TestGivenACaseUnderReviewWhenInboxesAreAskedForThenTasksAndCountsAreShownAsTextAndAsJSON(t *testing.T) {
	url := programme(t)
	number := open(t, url)
	got := ask(t, url, "inbox", "--as", "li")
	require.Equal(t, 0, got.code, got.err)
	require.Regexp(t, `(?m)^TASK +MATTER +PARTNER +NAME +AMOUNT +PAYEE +DUE +WHY$`, got.out)
	require.Regexp(t, `(?m)^`+number+`/review +review +P1001 +Alpha Cloud +1200\.00 +Alpha Cloud Ltd +\d{4}-\d\d-\d\d 00:00 \+08:00 +role vendor-finance$`, got.out)
	require.Contains(t, got.out, "1 open, 0 of them overdue, ")
	require.Contains(t, got.out, "0 wait for others.")

	answer := decoded(t, ask(t, url, "inbox", "--as", "li", "--json", "--search", "alpha", "--limit", "1").out)
	tasks := answer["tasks"].([]any)
	require.Len(t, tasks, 1)
	task := tasks[0].(map[string]any)
	require.Equal(t, number+"/review", task["task"])
	require.Equal(t, map[string]any{"role": "vendor-finance"}, task["why"])
	require.Equal(t, "Alpha Cloud", task["partner_name"])
	require.Equal(t, 1.0, answer["counts"].(map[string]any)["open"])
	require.NotContains(t, answer, "next", "there is no other page")

	require.Contains(t, ask(t, url, "inbox", "--as", "zhao").out, "Nothing waits for you.")
	got = ask(t, url, "inbox", "--as", "alice", "--waiting")
	require.Regexp(t, number+`/review .* vendor-finance\n`, got.out)
	require.Contains(t, got.out, "1 wait for others.")
	require.Contains(t, ask(t, url, "inbox", "--as", "li", "--partner", "P1002").out, "Nothing waits for you.")
	require.Contains(t, ask(t, url, "inbox", "--as", "li", "--amount-from", "1200.01").out, "Nothing waits for you.")

	_, err := withdrawals(t, url).DecideWithdrawal(t.Context(), activities.DecideInput{At: time.Now(), Decision: approval.Decision{
		Task: number + "/review", Outcome: approval.Reject, Reason: "papers are missing", Person: "li", Key: "k",
	}})
	require.NoError(t, err)
	require.Regexp(t, number+`/review +reject +- +P1001 +REFUSED +papers are missing\n`, ask(t, url, "inbox", "--as", "li", "--decided").out)

	for line, want := range map[string]struct {
		code int
		text string
	}{
		"--as li --decided --waiting":   {2, "--decided and --waiting are two lists; ask for one."},
		"--as li --amount-from much":    {2, `--amount-from: amount "much" is not a number`},
		"--as li --due-before tomorrow": {2, `--due-before: "tomorrow" is not a date`},
		"--as li --after somewhere":     {1, `"somewhere" is not where a page ends`},
		"--as nobody":                   {2, `Person "nobody": not found.`},
		"":                              {2, "--as is missing."},
	} {
		got := ask(t, url, append([]string{"inbox"}, strings.Fields(line)...)...)
		require.Equal(t, want.code, got.code, line)
		require.Contains(t, got.out+got.err, want.text, line)
	}
}

func TestGivenAnApplicationWhenItIsPreviewedThenBothCommandsSayTheSameAndSubmitNothing(t *testing.T) {
	url := programme(t)
	flags := strings.Fields("--as wang --partner P1001 --route BANK_CARD --amount 1200.00 --holder HOLDER --account-no 6222 --bank ICBC --branch West")
	flags[9] = "Alpha Cloud Ltd"
	got := ask(t, url, append([]string{"approval", "preview"}, flags...)...)
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, "1200.00 CNY of P1001 by BANK_CARD to Alpha Cloud Ltd, submitted now by wang, policy version 1:")
	require.Regexp(t, `(?m)^review\nasked +role vendor-finance\npolicy +version 1, line 1\. review: vendor-finance; overdue after 2 working days, then finance-manager may decide as well\nopens +now\ndue +.* 00:00 \+08:00 at the latest\ncounted +2 working days from .* closes .*\ncould decide +1 now: Li Na$`, got.out)
	require.Regexp(t, `(?m)^confirm\n`, got.out)
	require.Equal(t, got.out, ask(t, url, append([]string{"withdrawal", "apply", "--preview"}, flags...)...).out)
	require.Equal(t, "No cases.\n", ask(t, url, "case", "list").out)

	flags[7] = "99999"
	got = ask(t, url, append([]string{"approval", "preview"}, flags...)...)
	require.Equal(t, 1, got.code)
	require.Regexp(t, `(?s)^Refused:.*WDL-18 +WDR_AMOUNT`, got.out)
	answer := decoded(t, ask(t, url, append([]string{"approval", "preview", "--json"}, flags...)...).out)
	require.Len(t, answer["refused"], 1)
	require.Equal(t, 2, ask(t, url, "approval", "preview", "--as", "wang").code)
}

func TestGivenACaseWhenItIsExplainedThenWhoWhatAndWhenAreSaid(t *testing.T) {
	url := programme(t)
	number := open(t, url)
	got := ask(t, url, "case", "explain", number)
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, number+" is UNDER_REVIEW: 1200.00 CNY of P1001 by BANK_CARD; it waits for "+number+"/review (Li Na, Wang Wei).")
	require.Regexp(t, `(?m)^may decide +Li Na \(li\) +role vendor-finance$`, got.out)
	require.Regexp(t, `(?m)^then +\d{4}-\d\d-\d\d 00:00 \+08:00 +it is overdue, and role finance-manager may decide as well \(Zhao Min\)$`, got.out)
	require.Regexp(t, `(?m)^counted +due +2 working days from .* closes `, got.out)
	require.Regexp(t, `(?m)^review +open +role vendor-finance +- +overdue after 2 working days`, got.out)
	require.Contains(t, got.out, "Then, if all goes well:")
	require.Equal(t, number, decoded(t, ask(t, url, "case", "explain", number, "--json").out)["case"])
	require.Equal(t, 2, ask(t, url, "case", "explain", "W999999").code)
}
