package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/bill"
	"countersign/schema"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// withBills is programme with two bills of P1001 for May 2024 and their lines, of which B1 is released.
func withBills(t *testing.T) string {
	t.Helper()
	url := programme(t)
	file := filepath.Join(t.TempDir(), "ops.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
people: [{id: otto, name: Otto, email: otto@vendor.example, roles: [vendor-operations]}]
customers: [{id: C9, partner: P1001, name: "=Acme", account: acme01, account_manager: Zhou}]
`), 0o600))
	require.Equal(t, 0, ask(t, url, "load", file).code)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`INSERT INTO calculations (key, period, at, asked_by, policy_version) VALUES ('k', '2024-05-01', now(), 'otto', 1)`)
	db.MustExec(`INSERT INTO performance_sheets (partner_id, period, state, calculation_id, calculated_at) VALUES ('P1001', '2024-05-01', 'first-draft', 1, now())`)
	db.MustExec(`UPDATE performance_sheets SET state = 'final', reviewed_by = 'otto', reviewed_at = now()`)
	db.MustExec(`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at) VALUES
		('B1', 'P1001', 'Cloud', 'monthly', '2024-05', 'resale', '2024-06-03T00:00:00+08', 30, 6, '2024-06-15', 'RELEASED', '2024-06-17T00:00:00+08'),
		('B2', 'P1001', 'Cloud', 'monthly', '2024-05', 'advisory', '2024-06-03T00:00:00+08', -5, 6, '2099-06-15', 'TO_CONFIRM', NULL)`)
	db.MustExec(`INSERT INTO incentive_lines (partner_id, period, usage_month, calculation_id, customer_id, order_id, product, association, billing_mode, charge, gross, counted, policy_version, policy_line, rate, amount) VALUES
		('P1001', '2024-05-01', '2024-05-01', 1, 'C9', 'O1', 'ECS', 'resale', 'subscription', 'usage', 300, 300, 1, 'a', 10, 30.00),
		('P1001', '2024-05-01', '2024-05-01', 1, 'C9', 'O1', 'ECS', 'advisory', 'subscription', 'refund', -50, -50, 1, 'a', 10, -5.00)`)
	db.MustExec(`UPDATE incentive_lines SET bill_id = CASE association WHEN 'resale' THEN 'B1' ELSE 'B2' END`)
	return url
}

func TestGivenBills_WhenTheyAreListedAndShown_ThenAClerkReadsAmountAndWhatCanBeRequested(t *testing.T) {
	url := withBills(t)
	got := ask(t, url, "bill", "list", "--partner", "P1001", "--period", "2024-05")
	require.Equal(t, 0, got.code, got.err)
	require.Regexp(t, `B1\s+P1001\s+Cloud\s+2024-05\s+resale\s+30\.00\s+30\.00\s+RELEASED`, got.out)
	require.Regexp(t, `B2\s+P1001\s+Cloud\s+2024-05\s+advisory\s+-5\.00\s+0\.00\s+TO_CONFIRM\s+not presented yet`, got.out)
	shown := ask(t, url, "bill", "show", "B1")
	require.Equal(t, 0, shown.code, shown.err)
	require.Contains(t, shown.out, "1, 30.00 CNY; see: starter incentive lines --bill B1")
	require.Equal(t, 2, ask(t, url, "bill", "show", "B9").code)
	var listed []map[string]any
	require.NoError(t, json.Unmarshal([]byte(ask(t, url, "bill", "list", "--json", "--state", "released").out), &listed))
	require.Len(t, listed, 1)
	require.Equal(t, "30.00", listed[0]["payable"])
}

// Rule: INC-11
func TestGivenLines_WhenTheyAreSearchedAndExported_ThenTheTotalIsShownAndTheFileHoldsThem(t *testing.T) {
	url := withBills(t)
	got := ask(t, url, "incentive", "lines", "--product", "ECS", "--year", "2024", "--limit", "1")
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, "2 lines in all, 25.00 CNY.")
	dir := t.TempDir()
	csv := filepath.Join(dir, "lines.csv")
	got = ask(t, url, "incentive", "lines", "--customer-account", "acme01", "--export", csv)
	require.Equal(t, 0, got.code, got.err)
	require.Equal(t, csv+" holds 2 lines, 25.00 CNY.\n", got.out)
	text, err := os.ReadFile(csv)
	require.NoError(t, err)
	require.Contains(t, string(text), "1,P1001,2024-05,Cloud,B1,RELEASED,O1,C9,'=***,a***,Zhou,ECS,resale,subscription,,,300,10,,1,30.00\n")
	require.Contains(t, string(text), ",-50,10,,1,-5.00\n")

	xlsx := filepath.Join(dir, "lines.xlsx")
	require.Equal(t, 0, ask(t, url, "incentive", "lines", "--status", "TO_CONFIRM", "--export", xlsx).code)
	f, err := excelize.OpenFile(xlsx)
	require.NoError(t, err)
	defer f.Close()
	rows, err := f.GetRows("Sheet1")
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, "-5.00", rows[1][20])
	require.Equal(t, 2, ask(t, url, "incentive", "lines", "--export", filepath.Join(dir, "lines.pdf")).code)
}

// Rule: INC-11
func TestGivenAnExportInTheBackground_WhenItIsDone_ThenItIsListedAndSavedAsTheDirectExportWouldBe(t *testing.T) {
	url := withBills(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	got := ask(t, url, "incentive", "lines", "--background", "--format", "csv", "--as", "alice")
	require.Equal(t, 2, got.code, "without Temporal nothing is asked for")
	require.Equal(t, "Nothing was exported.\n", ask(t, url, "incentive", "exports").out)
	for _, line := range [][]string{{"--background"}, {"--as", "alice"}, {"--background", "--export", "x.csv"}} {
		require.Equal(t, 2, ask(t, url, append([]string{"incentive", "lines"}, line...)...).code)
	}

	act := &activities.Exports{DB: db, Lines: views.Reader{DB: db}.WriteLines}
	_, err = act.AskExport(t.Context(), activities.AskExportInput{Key: "k", Person: "alice", Filter: bill.LineFilter{Bill: "B1"}, Format: bill.CSV, At: time.Now()})
	require.NoError(t, err)
	dir := t.TempDir()
	out, direct := filepath.Join(dir, "out.csv"), filepath.Join(dir, "direct.csv")
	got = ask(t, url, "incentive", "export", "1", "--out", out, "--as", "alice")
	require.Equal(t, 1, got.code, got.err)
	require.Contains(t, got.out, "It is still being written")
	_, err = act.WriteExport(t.Context(), "k")
	require.NoError(t, err)
	_, err = act.CloseExport(t.Context(), activities.CloseExportInput{Key: "k", At: time.Now()})
	require.NoError(t, err)

	require.Regexp(t, `(?m)^ +1 +alice .*"bill": ?"B1".* csv +DONE +1 +30\.00 +\d+ bytes`, ask(t, url, "incentive", "exports", "--as", "alice").out)
	require.Equal(t, answer{0, out + " holds 1 lines, 30.00 CNY.\n", ""}, ask(t, url, "incentive", "export", "1", "--out", out, "--as", "alice"))
	require.Equal(t, 0, ask(t, url, "incentive", "lines", "--bill", "B1", "--partner", "P1001", "--export", direct).code)
	saved, err := os.ReadFile(out)
	require.NoError(t, err)
	want, err := os.ReadFile(direct)
	require.NoError(t, err)
	require.Equal(t, string(want), string(saved))
	require.Contains(t, ask(t, url, "incentive", "export", "1", "--out", out, "--as", "alice").err, "exists and is not overwritten")
	require.Equal(t, 1, ask(t, url, "incentive", "export", "1", "--out", out+"2", "--as", "bob").code, "a stranger")
	require.NoFileExists(t, out+"2")
	require.Equal(t, 2, ask(t, url, "incentive", "export", "9", "--out", out+"2", "--as", "otto").code)
	require.Contains(t, ask(t, url, "outbox", "--person", "alice").out, "Export 1 is done")
}

// Rule: INC-22
func TestGivenTwoPartners_WhenABillIsMovedBetweenThem_ThenTheRefusalSaysWhy(t *testing.T) {
	url := withBills(t)
	got := ask(t, url, "bill", "transfer", "B1", "--from", "P1001", "--to", "P1002", "--as", "otto", "--reason", "letter", "--json")
	require.Equal(t, 1, got.code, got.err)
	require.Contains(t, got.out, "INC_TRANSFER_ENTITY")
}

// Rule: INC-10
func TestGivenAReconciliationThatEnded_WhenItIsConfirmedAtTheCommandLine_ThenTheRefusalIsKept(t *testing.T) {
	url := withBills(t)
	require.Contains(t, ask(t, url, "bill", "confirm", "B2", "--as", "alice").err, "not found", "it was never presented")
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	ctx, now := context.Background(), time.Now()
	r := &activities.Reconciliations{DB: db}
	in := activities.Presentation{Partner: "P1001", Period: "2024-05", Set: 1, By: "otto"}
	_, err = r.OpenReconciliation(ctx, activities.OpenReconciliationInput{Presentation: in, WorkflowID: "w", RunID: "r", At: now})
	require.NoError(t, err)
	listed := ask(t, url, "bill", "list", "--period", "2024-05")
	require.Contains(t, listed.out, "confirm by 2099-06-15")
	_, err = r.ConfirmBills(ctx, activities.AnswerInput{Case: "N000001", Key: "k", Person: "alice", At: now})
	require.NoError(t, err)
	db.MustExec(`UPDATE bills SET state = 'RELEASED', announced_at = now() WHERE bill_id = 'B2'`)
	db.MustExec(`UPDATE cases SET state = 'RELEASED', closed_at = now()`)
	got := ask(t, url, "bill", "reject", "B2", "--as", "alice", "--reason", "too low")
	require.Equal(t, 1, got.code, got.err)
	require.Contains(t, got.out, "ENG_STATE")
	shown := ask(t, url, "bill", "show", "B2")
	require.Contains(t, shown.out, "reject refused")
}

func TestGivenAPolicyOfReconciliations_WhenItIsSetAndShown_ThenWhoReleasesIsSaidInWords(t *testing.T) {
	url := withBills(t)
	file := filepath.Join(t.TempDir(), "reconciliation.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
operations_role: vendor-operations
escalation_role: finance-manager
release_term: P2WD
present_term: P5WD
check_days: 10
remind_days: 3
decide_by_signal: false
approval:
  steps:
    - {name: operations, who: [{role: vendor-operations}], due: P2WD}
    - {name: finance, when: "amount >= 100000", who: [{role: vendor-finance}], due: P2WD}
`), 0o600))
	got := ask(t, url, "policy", "set", "reconciliation", file, "--as", "otto")
	require.Equal(t, 0, got.code, got.err)
	shown := ask(t, url, "policy", "show", "reconciliation")
	require.Equal(t, 0, shown.code, shown.err)
	require.Contains(t, shown.out, "2. finance: vendor-finance, if the sum of the bills is at least 100000")
	require.Contains(t, shown.out, "can be checked for 10 days; the partner is reminded 3 days before the deadline")
	require.NoError(t, os.WriteFile(file, []byte("operations_role: vendor-operations\ncheck_days: 0\n"), 0o600))
	require.Equal(t, 2, ask(t, url, "policy", "set", "reconciliation", file, "--as", "otto").code)
}
