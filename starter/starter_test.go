package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// answer is what a command said.
type answer struct {
	code     int
	out, err string
}

// ask runs one command line against a database; an empty URL names none.
func ask(t *testing.T, databaseURL string, args ...string) answer {
	t.Helper()
	var out, errs bytes.Buffer
	environ := map[string]string{"TEMPORAL_UI_URL": "http://ui.example:8233"}
	if databaseURL != "" {
		environ["DATABASE_URL"] = databaseURL
	}
	code := run(t.Context(), args, &out, &errs, environ)
	return answer{code, out.String(), errs.String()}
}

// noTemporal names a Temporal that is not there: a command that needs none must not notice.
func noTemporal(t *testing.T) {
	t.Helper()
	t.Setenv("TEMPORAL_ADDRESS", nobodyListens(t))
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_NAMESPACE", "back office")
	t.Setenv("PAYLOAD_KEYS", "off")
}

func nobodyListens(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// programme is a database with the demo programme in it.
func programme(t *testing.T) string {
	t.Helper()
	noTemporal(t)
	url := pgtest.URL(t)
	got := ask(t, url, "load", "../demo/programme.yaml")
	require.Equal(t, 0, got.code, got.err)
	return url
}

func withdrawals(t *testing.T, url string) *activities.Withdrawals {
	t.Helper()
	db, err := schema.Open(url)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return &activities.Withdrawals{DB: db, Channel: activities.ByHand{}}
}

// open applies as the workflow would.
func open(t *testing.T, url string) string {
	t.Helper()
	return openAs(t, url, "key 1")
}

// openAs applies under a request key.
func openAs(t *testing.T, url, key string) string {
	t.Helper()
	app := withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: "alice", Route: withdrawal.BankCard, Amount: "1200.00", Code: code(t, url),
		Payee: withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222", Bank: "ICBC", Branch: "Beijing West"},
	}
	opened, err := withdrawals(t, url).OpenWithdrawal(context.Background(), activities.OpenWithdrawalInput{
		Application: app, WorkflowID: "withdrawal/P1001/" + key, RunID: "run-1", At: time.Now(),
	})
	require.NoError(t, err)
	return opened.Case
}

// code is a new verification code of alice's.
func code(t *testing.T, url string) string {
	t.Helper()
	require.Equal(t, 0, ask(t, url, "code", "send", "--as", "alice", "--target", "P1001").code)
	codes := regexp.MustCompile(`code ([0-9]{6})`).FindAllStringSubmatch(ask(t, url, "outbox", "--person", "alice").out, -1)
	require.NotEmpty(t, codes, "the code is readable in the outbox")
	return codes[len(codes)-1][1]
}

// paid carries the case to its end, as the workflow would.
func paid(t *testing.T, url string) string {
	t.Helper()
	return paidAs(t, url, "key 1")
}

func paidAs(t *testing.T, url, key string) string {
	t.Helper()
	number := openAs(t, url, key)
	for _, d := range []approval.Decision{
		{Task: number + "/review", Outcome: approval.Approve},
		{Task: number + "/send", Outcome: withdrawal.Sent},
		{Task: number + "/confirm", Outcome: withdrawal.Arrived, Amount: "1200.00", Reference: "B-1"},
	} {
		d.Person, d.Key = "li", d.Task
		_, err := withdrawals(t, url).DecideWithdrawal(context.Background(), activities.DecideInput{Decision: d, At: time.Now()})
		require.NoError(t, err)
	}
	return number
}

// lateReturn reports money back of a paid case, and is the task that asks about it: the case has ended, so no workflow is needed.
func lateReturn(t *testing.T, url, number, by, reference string) string {
	t.Helper()
	got := ask(t, url, "withdrawal", "return-late", number, "--as", by, "--amount", "100.00", "--reference", reference, "--json")
	require.Equal(t, 0, got.code, got.err+got.out)
	return decoded(t, got.out)["task"].(string)
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// Rules: WDL-16, PGM-04
func TestGivenNoServerAtAllWhenWorkingDaysAreCountedThenTheCalendarAnswers(t *testing.T) {
	noTemporal(t)
	got := ask(t, "", "calendar", "due", "--from", "2025-11-03", "--workdays", "7")
	require.Equal(t, 0, got.code)
	require.Contains(t, got.out, "last counted day  2025-11-12 (Wednesday)")
	require.Contains(t, got.out, "closes            2025-11-13 00:00 +08:00")

	got = ask(t, "", "calendar", "due", "--from", "2025-11-03", "--workdays", "7", "--json")
	require.Equal(t, map[string]any{"from": "2025-11-03", "workdays": 7.0, "last": "2025-11-12", "closes": "2025-11-13T00:00:00+08:00"}, decoded(t, got.out))

	got = ask(t, "", "calendar", "due", "--from", "2031-11-03", "--workdays", "7") // Rule: ENG-05
	require.Equal(t, 1, got.code, "refused, not guessed")
	require.Contains(t, got.out, "The working-day calendar has no data for 2031. Enter the public holidays and make-up workdays of 2031, then try again.")
	require.Contains(t, got.out, "PRG.ENG.05")
}

func TestGivenACommandLineThatCannotBeUnderstoodThenOneSentenceSaysSoAndTheExitCodeIs2(t *testing.T) {
	noTemporal(t)
	for line, want := range map[string]string{
		"":                             "A command is missing; there are: absence, account, approval, bank, ",
		"fly":                          `There is no command "fly"; there are: absence, account, approval, bank, `,
		"withdrawal":                   "A command is missing; there are: apply, available, cancel, delete, resubmit, return-late.",
		"withdrawal fly":               `There is no command "fly"; there are: apply,`,
		"withdrawal apply":             "--as, --partner, --route, --amount are missing.",
		"withdrawal apply --as":        "Flag needs an argument: --as.",
		"withdrawal apply --fly":       "Unknown flag: --fly.",
		"withdrawal cancel":            "CASE is missing.",
		"withdrawal cancel W1 W2 --as": "Flag needs an argument: --as.",
		"withdrawal cancel W1 W2":      `"W2" is one argument too many.`,
		"withdrawal cancel W1":         "--as is missing.",
		"task decide --as li":          "TASK is missing.",
		"task decide T --as li":        "OUTCOME is missing.",
		"task decide T approve --as li --outcome reject":                                 "Two outcomes are named: approve and reject.",
		"calendar due --from 3.11.2025 --workdays 7":                                     `--from: "3.11.2025" is not a date: write year, month and day as in 2025-11-03.`,
		"calendar due --from 2025-11-03 --workdays 0":                                    "--workdays is a number above zero.",
		"calendar due --from 2025-11-03 --workdays x":                                    `Invalid argument "x" for "--workdays" flag`,
		"withdrawal apply --as a --partner P --route BANK_CARD --amount 1 --lot L000001": `--lot "L000001" is not written like L000001=500.00.`,
		"replay --running --sample 0":                                                    "--sample is a number above zero, and goes with --running.",
		"deployment promote":                                                             "Name the build, or --unversioned for workers without WORKER_VERSIONING.",
		"deployment promote b --ramp 101":                                                "--ramp is a number from 0 to 100.",
		"deployment drained":                                                             "BUILD_ID is missing.",
		"replay --none-is-fine x.json":                                                   "--none-is-fine goes with --running.",
		"replay":                                                                         "Name recorded histories or folders of them, or replay what runs with --running.",
		"policy set travel f.yaml --as li":                                               `There is no kind of policy "travel"; there are: `,
	} {
		t.Run(line, func(t *testing.T) {
			got := ask(t, "", strings.Fields(line)...)
			require.Equal(t, 2, got.code)
			require.Empty(t, got.out)
			require.True(t, strings.HasPrefix(got.err, want), got.err)
			require.Contains(t, got.err, "\nUsage: starter")
			require.Len(t, strings.Split(strings.TrimSpace(got.err), "\n"), 3, "a sentence, the usage line, where to read more")
		})
	}
}

func TestGivenHelpOrVersionIsAskedForThenItIsNoError(t *testing.T) {
	for _, line := range []string{"--help", "withdrawal --help", "withdrawal apply --help", "--version"} {
		got := ask(t, "", strings.Fields(line)...)
		require.Equal(t, 0, got.code, line)
		require.Empty(t, got.err)
		require.NotEmpty(t, got.out)
	}
}

func TestGivenPostgresThatCannotBeUsedThenOneSentenceSaysWhyAndWhatToDo(t *testing.T) {
	noTemporal(t)
	nowhere := nobodyListens(t)
	base, err := url.Parse(os.Getenv("DATABASE_URL"))
	require.NoError(t, err)
	at := func(database string) string {
		u := *base
		u.Path = "/" + database
		return u.String()
	}
	for name, test := range map[string]struct{ url, want string }{
		"none named":       {"", "DATABASE_URL is not set; name the Postgres database, like postgres://user:password@host:5432/countersign.\n"},
		"nobody listens":   {"postgres://li:secret@" + nowhere + "/x?sslmode=disable", "The Postgres server at " + nowhere + "/x cannot be reached (connection refused); start it or correct DATABASE_URL.\n"},
		"no such database": {at("countersign_nowhere"), "The Postgres server at " + base.Host + "/countersign_nowhere refuses the connection (database \"countersign_nowhere\" does not exist); correct DATABASE_URL.\n"},
		"not migrated":     {at("template1"), "The database is not migrated; run: starter migrate.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			got := ask(t, test.url, "case", "list")
			require.Equal(t, answer{2, "", test.want}, got)
			require.Less(t, time.Since(began), 10*time.Second)
			require.NotContains(t, got.err, "secret")
		})
	}
}

func TestGivenPostgresThatNeverAnswersThenThePersonWaitsSecondsOnly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts by the kernel, says nothing
	require.NoError(t, err)
	defer l.Close()
	began := time.Now()
	got := ask(t, "postgres://li@"+l.Addr().String()+"/x?sslmode=disable", "case", "list")
	require.Equal(t, 2, got.code)
	require.Equal(t, "The Postgres server at "+l.Addr().String()+"/x does not answer within 5s; start it or correct DATABASE_URL.\n", got.err)
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestGivenTemporalThatIsNotReachableThenOneSentenceSaysSoAndNothingIsHalfDone(t *testing.T) {
	url := programme(t)
	began := time.Now()
	got := ask(t, url, "withdrawal", "apply", "--as", "alice", "--partner", "P1001", "--route", "BANK_CARD", "--amount", "1e9")
	require.Equal(t, 2, got.code)
	require.Empty(t, got.out)
	require.True(t, strings.HasPrefix(got.err, "Temporal is not reachable at "+os.Getenv("TEMPORAL_ADDRESS")+" (TEMPORAL_ADDRESS); start it or correct the address"), got.err)
	require.Equal(t, 1, strings.Count(got.err, "\n"))
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, "No cases.\n", ask(t, url, "case", "list").out)

	number := open(t, url)
	for _, line := range []string{"task decide " + number + "/review approve --as li", "withdrawal cancel " + number + " --as alice"} {
		got = ask(t, url, strings.Fields(line)...)
		require.Equal(t, 2, got.code)
		require.True(t, strings.HasPrefix(got.err, "Temporal is not reachable at "), got.err)
	}

	got = ask(t, url, "migrate")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "--database-only")
	require.Equal(t, 0, ask(t, url, "migrate", "--database-only").code)
}

// Rule: ENG-06
func TestGivenARefusalThenItIsOnStdoutAndTheExitCodeIs1(t *testing.T) {
	url := programme(t)
	got := ask(t, url, "code", "send", "--as", "bob", "--target", "P1001", "--json")
	require.Equal(t, 1, got.code)
	require.Empty(t, got.err)
	require.Equal(t, map[string]any{"refused": []any{map[string]any{
		"rule": "COM-16", "code": "CBC.0151", "object": "person bob",
		"message": "Bob Xu may not withdraw for partner P1001; ask the partner's administrator for the permission.",
		"chinese": "Bob Xu 无权为伙伴 P1001 提现；请向该伙伴的管理员申请权限。",
	}}}, decoded(t, got.out))

	got = ask(t, url, "code", "send", "--as", "bob", "--target", "P1001")
	require.Equal(t, 1, got.code)
	require.Equal(t, "Refused:\n"+
		"RULE    CODE      OBJECT      MESSAGE\n"+
		"COM-16  CBC.0151  person bob  Bob Xu may not withdraw for partner P1001; ask the partner's administrator for the permission.\n", got.out)
}

func TestGivenANameThatNobodyBearsThenItIsNotFound(t *testing.T) {
	url := programme(t)
	for line, want := range map[string]string{
		"task show W9/review":                   "Task \"W9/review\": not found.\n",
		"task list --as nobody":                 "Person \"nobody\": not found.\n",
		"task decide W9/review approve --as li": "Task \"W9/review\": not found.\n",
		"case show W9":                          "Case \"W9\": not found.\n",
		"withdrawal cancel W9 --as alice":       "Case \"W9\": not found.\n",
		"withdrawal delete W9 --as alice":       "Case \"W9\": not found.\n",
		"withdrawal available P9":               "Partner \"P9\": not found.\n",
		"account statement P.CASH:P9":           "Account \"P.CASH:P9\": not found.\n",
		"policy show withdrawal --version 7":    "Policy \"withdrawal, version 7\": not found.\n",
	} {
		require.Equal(t, answer{2, "", want}, ask(t, url, strings.Fields(line)...), line)
	}
}

func TestGivenAProgrammeWhenItIsLoadedAgainThenNothingChanges(t *testing.T) {
	url := programme(t)
	got := ask(t, url, "load", "../demo/programme.yaml", "--json")
	require.Equal(t, 0, got.code, got.err)
	require.Equal(t, map[string]any{"records": 0.0, "policy_version": 1.0, "entries": 0.0}, decoded(t, got.out))

	got = ask(t, url, "load", "starter_test.go")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "The programme file is not in order:")
	require.Equal(t, answer{2, "", "Open nowhere.yaml: no such file or directory.\n"}, ask(t, url, "load", "nowhere.yaml"))
}

func TestGivenAPolicyFileWhenItIsSetThenTheNewestVersionIsShown(t *testing.T) {
	url := programme(t)
	write := func(text string) string {
		name := filepath.Join(t.TempDir(), "policy.yaml")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	const good = "review_role: vendor-finance\npayment_role: vendor-finance\nescalation_role: finance-manager\nreview_term: 90s\narrival_term: P7WD\n" +
		"wallet_term: P1WD\nrisk_amount: 100.50\ncode_term: 5m\ncode_tries: 3\ndecide_by_signal: false\n"
	got := ask(t, url, "policy", "set", "withdrawal", write(good), "--as", "zhao")
	require.Equal(t, answer{0, "The policy for withdrawal has version 2 now; open cases keep theirs.\n", ""}, got)
	got = ask(t, url, "policy", "show", "--json")
	shown := decoded(t, got.out)
	require.Equal(t, 2.0, shown["version"])
	require.Equal(t, "zhao", shown["set_by"])
	require.Equal(t, map[string]any{
		"review_role": "vendor-finance", "payment_role": "vendor-finance", "escalation_role": "finance-manager", "review_term": "1m30s",
		"arrival_term": "P7WD", "wallet_term": "P1WD", "risk_amount": "100.50", "code_term": "5m", "code_tries": 3.0, "decide_by_signal": false,
	}, shown["policy"])
	require.Contains(t, ask(t, url, "policy", "show", "--version", "1").out, "review_term       P2WD\n")

	for wrong, want := range map[string]string{
		good + "color: red\n":                                      "color",
		strings.Replace(good, "P7WD", "seven", 1):                  "seven",
		strings.Replace(good, "code_tries: 3", "code_tries: 0", 1): "code_tries is at least 1",
	} {
		got := ask(t, url, "policy", "set", "withdrawal", write(wrong), "--as", "zhao")
		require.Equal(t, 2, got.code)
		require.Contains(t, got.err, want)
	}
	require.Contains(t, ask(t, url, "policy", "show").out, "version           2\n")
}

func TestGivenAnOpenCaseWhenItIsShownThenTheTablesAreAlignedAndTheJSONIsWhole(t *testing.T) {
	url := programme(t)
	number := open(t, url)

	lines := strings.Split(ask(t, url, "withdrawal", "available", "P1001").out, "\n")
	require.Equal(t, "PARTNER P1001                 CNY", lines[0])
	require.Equal(t, "cash                     14800.00", lines[1])
	require.Equal(t, "  by BANK_CARD            6800.00", lines[7])
	for _, l := range lines[:9] {
		require.Len(t, l, len(lines[0]), "amounts end in one column")
	}

	got := ask(t, url, "task", "list", "--as", "li")
	require.Equal(t, 0, got.code, got.err)
	require.Regexp(t, `(?m)^TASK            PARTNER   AMOUNT  WHO             DUE                      STATE  ANSWER$`, got.out)
	require.Regexp(t, `(?m)^W000001/review  P1001    1200\.00  vendor-finance  \d{4}-\d\d-\d\d 00:00 \+08:00  open   approve\|reject\|return$`, got.out)
	require.Equal(t, "No tasks.\n", ask(t, url, "task", "list", "--as", "zhao").out)

	got = ask(t, url, "task", "list", "--case", number, "--json")
	tasks := decoded(t, got.out)["tasks"].([]any)
	require.Len(t, tasks, 1)
	task := tasks[0].(map[string]any)
	require.Equal(t, "W000001/review", task["task"])
	require.Equal(t, "1200.00", task["amount"])
	require.Equal(t, "open", task["state"])
	require.Equal(t, 0, ask(t, url, "task", "show", "W000001/review").code)

	shown := decoded(t, ask(t, url, "case", "show", number, "--json").out)
	require.Equal(t, "UNDER_REVIEW", shown["state"])
	require.Equal(t, "http://ui.example:8233/namespaces/back%20office/workflows/withdrawal%2FP1001%2Fkey%201/run-1/history", shown["temporal_ui"])
	event := shown["timeline"].([]any)[0].(map[string]any)
	require.Equal(t, "submit", event["action"])
	require.Len(t, event["hash"], 64)

	text := ask(t, url, "case", "show", number).out
	require.Contains(t, text, "Temporal UI     http://ui.example:8233/")
	require.Contains(t, text, "payee           Alpha Cloud Ltd\n")
	require.Regexp(t, `(?m)^1  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00  alice  request  submit  UNDER_REVIEW  WDR-02  1200\.00  [0-9a-f]{8}  waits for review$`, text)

	require.Equal(t, "[]", mustJSON(t, decoded(t, ask(t, url, "case", "list", "--partner", "P1002", "--json").out)["cases"]), "an empty list is a list")
	require.Regexp(t, `(?m)^W000001  P1001    UNDER_REVIEW  1200\.00  BANK_CARD to Alpha Cloud Ltd  `, ask(t, url, "case", "list").out)

	statement := ask(t, url, "account", "statement", "P.CASH:P1001").out
	require.Regexp(t, `(?m)withdrawal/W000001/hold +held for withdrawal W000001 +-1200\.00 +14800\.00$`, statement)
	balances := ask(t, url, "account", "balances", "P1001")
	require.Contains(t, balances.out, "Withdrawable now: 14800.00 CNY")
	require.Regexp(t, `(?m)^P\.HOLD:P1001 +partner's cash held for a withdrawal +1200\.00  CNY$`, balances.out)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// The case has ended and with it its workflow: nothing here needs Temporal.
func TestGivenAPaidCaseWhenItsLateReturnIsReportedAndConfirmedThenNoWorkflowIsAsked(t *testing.T) {
	url := programme(t)
	number := paid(t, url)
	got := ask(t, url, "withdrawal", "return-late", number, "--as", "li", "--amount", "200.00", "--reference", "R-1", "--json")
	require.Equal(t, 0, got.code, got.err)
	require.Equal(t, number+"/late-return", decoded(t, got.out)["task"])

	got = ask(t, url, "task", "decide", number+"/late-return", "confirm", "--as", "li", "--amount", "200.00", "--reference", "R-1")
	require.Equal(t, 1, got.code, "Rule: ENG-02")
	require.Contains(t, got.out, "ENG_SELF_APPROVAL")
	got = ask(t, url, "task", "decide", number+"/late-return", "--outcome", "confirm", "--as", "wang", "--amount", "200.00", "--reference", "R-1", "--key", "k", "--json")
	require.Equal(t, 0, got.code, got.err+got.out)
	require.Equal(t, "k", decoded(t, got.out)["key"])
	require.Contains(t, ask(t, url, "account", "balances", "P1001").out, "Withdrawable now: 15000.00 CNY")

	got = ask(t, url, "task", "decide", number+"/review", "approve", "--as", "wang")
	require.Equal(t, 1, got.code, "Rule: ENG-03")
	require.Contains(t, got.out, "was decided already: approve by li")
	got = ask(t, url, "withdrawal", "cancel", number, "--as", "alice")
	require.Equal(t, 1, got.code, "Rule: ENG-03")
	got = ask(t, url, "withdrawal", "delete", number, "--as", "alice", "--json")
	require.Equal(t, 1, got.code, "Rule: WDL-27")
	require.Contains(t, got.out, `"ACCT.WDL.27"`)
	require.Equal(t, 0, ask(t, url, "ledger", "verify").code)
}

func TestGivenALedgerThatWasTamperedWithWhenItIsVerifiedThenTheExitCodeIs2(t *testing.T) {
	url := programme(t)
	got := ask(t, url, "ledger", "verify")
	require.Equal(t, 0, got.code, got.err)
	require.Regexp(t, `^The ledger is in order: \d+ accounts, 7 entries with 14 postings, 5 lots, 0 cases with 0 events\.\n$`, got.out)

	owner, err := sqlx.Open("postgres", url)
	require.NoError(t, err)
	defer owner.Close()
	tx := owner.MustBegin()
	tx.MustExec(`SET LOCAL session_replication_role = replica`)
	tx.MustExec(`UPDATE accounts SET balance = balance + 100 WHERE account = 'P.CASH:P1001'`)
	require.NoError(t, tx.Commit())

	got = ask(t, url, "ledger", "verify")
	require.Equal(t, 2, got.code)
	require.Empty(t, got.err)
	require.Contains(t, got.out, "The ledger is NOT in order.")
	require.Contains(t, got.out, "\nbalance  account P.CASH:P1001  stored balance 16100.00, its postings add up to 16000.00 (credit positive)\n")
	got = ask(t, url, "ledger", "verify", "--json")
	require.Equal(t, 2, got.code)
	require.Equal(t, false, decoded(t, got.out)["ok"])
	require.Len(t, decoded(t, got.out)["findings"], 1)
}

func TestGivenRecordedHistoriesOfEveryWorkflowWhenTheyAreReplayedThenNoneFails(t *testing.T) {
	noTemporal(t)
	got := ask(t, "", "replay", filepath.Join("..", "workflows", "testdata", "histories"), "--json")
	require.Equal(t, 0, got.code, got.out)
	require.Equal(t, 0.0, decoded(t, got.out)["failed"])
}

func TestGivenAFileThatIsNoHistoryWhenItIsReplayedThenTheExitCodeIs2(t *testing.T) {
	noTemporal(t)
	name := filepath.Join(t.TempDir(), "broken.json")
	require.NoError(t, os.WriteFile(name, []byte(`{"events": [{"eventId": "1"}]}`), 0o600))
	got := ask(t, "", "replay", filepath.Dir(name), "--json")
	require.Equal(t, 2, got.code)
	require.Equal(t, 1.0, decoded(t, got.out)["failed"])
	got = ask(t, "", "replay", t.TempDir())
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "No history (*.json) in ")
}

func TestGivenTextThatMovesACursorWhenItIsShownThenTheTerminalIsSafe(t *testing.T) {
	require.Equal(t, "a [2J b", oneLine("a\x1b[2J\nb\n"))
}
