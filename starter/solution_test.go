package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/internal/pdftest"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// Rule: CERT-01, CERT-02, CERT-03, CERT-20, PGM-05, PGM-06
func TestGivenSolutions_WhenTheyAreEnteredListedAndDownloaded_ThenTheCommandsSayWhatHolds(t *testing.T) {
	url := programme(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "solutions.yaml")
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.RFC3339) }
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
people:
  - {id: cora, name: Cora, email: cora@vendor.example, roles: [certification-reviewer]}
solution_policy:
  {review_role: certification-reviewer, architect_role: solution-architect, escalation_role: vendor-operations, review_term: P14D, months: 12, window_days: 60,
   reminder_days: [60, 30, 7, 0], materials: [description], decide_by_signal: true}
solutions:
  - {key: a, partner: P1001, type: CLOUD, name: Atlas, version: "2.1", certified_at: %s, submitter: alice}
  - {key: b, partner: P1001, type: ADV, name: Boreas, version: "1", certified_at: %s, submitter: alice}
`, day(-100), day(-500)), 0o600))
	loaded := ask(t, url, "load", file)
	require.Equal(t, 0, loaded.code, loaded.err)
	require.Contains(t, ask(t, url, "load", file).out, "Loaded: 0 records")

	entered := ask(t, url, "solution", "draft", "--as", "alice", "--partner", "P1001", "--type", "CLOUD", "--name", "Cetus", "--version", "1.0")
	require.Equal(t, 1, entered.code)
	require.Contains(t, entered.out, "CERT_NO_SW_PATH")
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('P1001', 'SW', 'SELECTED', '2024-01-01')`)

	paper := filepath.Join(dir, "cetus.pdf")
	require.NoError(t, os.WriteFile(paper, []byte(scan), 0o600))
	entered = ask(t, url, "solution", "draft", "--as", "alice", "--partner", "P1001", "--type", "CLOUD", "--name", "Cetus", "--version", "1.0", "--material", "description="+paper)
	require.Equal(t, 0, entered.code, entered.out+entered.err)
	require.Contains(t, entered.out, "Still missing: contact")
	require.Contains(t, ask(t, url, "solution", "draft", "--as", "alice", "--partner", "P1001", "--type", "SONG").out, "CBC.0100")
	entered = ask(t, url, "solution", "draft", "SD000003", "--as", "alice", "--partner", "P1001", "--contact", "Kim", "--contact-mobile", "13800138000", "--contact-email", "kim@a.example")
	require.Contains(t, entered.out, "Complete; submit it with: starter solution submit SD000003", entered.err)

	list := ask(t, url, "solution", "list", "--partner", "P1001")
	require.Regexp(t, `(?m)^-\s+P1001\s+CLOUD\s+Cetus\s+1.0\s+DRAFT`, list.out, list.err)
	require.Regexp(t, `(?m)^SOL000001\s+P1001\s+CLOUD\s+Atlas\s+2.1\s+CERTIFIED`, list.out)
	require.Regexp(t, `(?m)^SOL000002\s+P1001\s+ADV\s+Boreas\s+1\s+EXPIRED`, list.out)
	require.Equal(t, 2, ask(t, url, "solution", "list", "--state", "LOST").code)
	require.Contains(t, ask(t, url, "solution", "list", "--state", "EXPIRING").out, "No solutions.")
	show := ask(t, url, "solution", "show", "SD000003")
	require.Contains(t, show.out, "Description: cetus.pdf", show.err)
	require.Contains(t, show.out, "K*** 138****8000 k***@a.example")
	full := ask(t, url, "solution", "show", "SD000003", "--show", "mobile", "--as", "alice")
	require.Contains(t, full.out, "K*** 13800138000 k***@a.example", full.err)
	stranger := ask(t, url, "solution", "show", "SD000003", "--show", "mobile", "--as", "cora")
	require.Equal(t, 1, stranger.code)
	require.NotContains(t, stranger.out, "13800138000")
	var looks []string
	require.NoError(t, db.Select(&looks, `SELECT concat_ws(' ', person_id, column_name, list) FROM audit_log`))
	require.Equal(t, []string{"alice mobile solutions"}, looks)
	require.Contains(t, ask(t, url, "solution", "show", "SOL000001").out, "It was certified before; no round of review here.")

	out := filepath.Join(dir, "certificate.pdf")
	got := ask(t, url, "solution", "certificate", "SOL000001", "-o", out)
	require.Equal(t, 0, got.code, got.out+got.err)
	printed, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, pdftest.Texts(t, printed)[0], "Atlas")
	require.Equal(t, 2, ask(t, url, "solution", "certificate", "SOL000001", "-o", out).code, "a file is not overwritten")
	expired := ask(t, url, "solution", "certificate", "SOL000002", "-o", filepath.Join(dir, "none.pdf"))
	require.Equal(t, 1, expired.code)
	require.Contains(t, expired.out, "CERT_NO_CERTIFICATE")

	require.Contains(t, ask(t, url, "solution", "delete", "SD000003", "--as", "alice").out, "The draft SD000003 is deleted.")
	require.Equal(t, 2, ask(t, url, "solution", "show", "SD000003").code)
	require.Contains(t, ask(t, url, "policy", "show", "solution").out, "certification-reviewer")
}
