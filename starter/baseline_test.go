package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// Rule: CERT-25, CERT-26, CERT-29, CERT-30, CERT-31
func TestGivenAJointSolution_WhenItIsEnteredCheckedAndPrepared_ThenTheCommandsSayWhatHolds(t *testing.T) {
	url := programme(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	policy, err := json.Marshal(baseline.DefaultPolicy())
	require.NoError(t, err)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('baseline-solution', 1, $1, 'li', now())`, policy)
	db.MustExec(`INSERT INTO people (person_id, name, active) VALUES ('cora', 'Cora', true)`)
	db.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ('cora', 'certification-reviewer')`)
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	run := func(code int, says string, args ...string) string {
		t.Helper()
		got := ask(t, url, append([]string{"baseline"}, args...)...)
		require.Equal(t, code, got.code, got.out+got.err)
		require.Contains(t, got.out+got.err, says)
		return got.out
	}

	run(0, "BD000001, Atlas, of P1001", "save", "--as", "alice", "--partner", "P1001", "--name", "Atlas", "--version", "1.0", "--summary", "plans")
	run(1, "CERT_NAME_FROZEN", "save", "BD000001", "--as", "alice", "--name", "Boreas")
	run(0, "BD000001", "save", "BD000001", "--as", "alice", "--contact", "Kim", "--contact-mobile", "13800138000", "--contact-email", "kim@a.example")
	header := run(0, "feature,description,cloud_service,status,remark\n", "template")
	run(0, "feature-list: f.csv, not checked", "upload", "BD000001", write("f.csv", header+"plan,plans,ECS,soon,\n"), "--item", "feature-list", "--as", "alice")
	run(0, `did not pass the check:`, "check", "BD000001", "--as", "alice")
	run(0, "not checked", "upload", "BD000001", write("f.csv", header+"plan,plans,ECS,planned,\n"), "--item", "feature-list", "--as", "alice")
	run(0, "passed the check", "check", "BD000001", "--as", "alice")
	run(1, "CERT_FORBIDDEN_FILE", "upload", "BD000001", write("tool.exe", "MZ\x90\x00"), "--item", "presentation", "--as", "alice")
	run(0, "presentation: deck.pdf", "upload", "BD000001", write("deck.pdf", scan), "--item", "presentation", "--as", "alice")
	require.Regexp(t, `(?m)^BD000001\s+-\s+P1001\s+Atlas\s+1.0\s+DRAFT`, run(0, "", "list", "--partner", "P1001"))
	run(0, "BD000002", "save", "--as", "alice", "--partner", "P1001", "--name", "Cetus")
	run(0, "BD000002 is deleted.", "delete", "BD000002", "--as", "alice")

	acts := &activities.BaselineSolutions{DB: db}
	opened, err := acts.OpenBaseline(context.Background(), activities.OpenBaselineInput{
		Submission: baseline.Submission{RequestKey: "k", PartnerID: "P1001", Submitter: "alice", Project: "BD000001"}, WorkflowID: "w", RunID: "r", At: time.Now(),
	})
	require.NoError(t, err)
	run(1, "CERT_PROJECT_OPEN", "material", opened.Case)
	_, err = (&activities.Cases{DB: db}).Decide(context.Background(), activities.DecideInput{At: time.Now(), Decision: approval.Decision{
		Task: approval.TaskID(opened.Case, "project", 1), Key: "d", Person: "cora", Outcome: "pass",
	}})
	require.NoError(t, err)
	run(0, "introduction,方案介绍，面向客户,", "material", opened.Case)
	run(0, "", "upload", "BD000001", write("intro.pdf", scan), "--item", "release:introduction", "--as", "alice")
	require.Regexp(t, `(?m)^release:introduction\s+intro.pdf\s+not saved$`, run(0, "", "show", opened.Case))
	run(0, "", "release", "cancel", "BD000001", "--as", "alice")
	require.NotContains(t, run(0, "PROJECT_DONE", "show", opened.Case), "intro.pdf")
	run(0, "", "upload", "BD000001", write("intro.pdf", scan), "--item", "release:introduction", "--as", "alice")
	run(0, "release:introduction: intro.pdf", "release", "save", "BD000001", "--as", "alice", "--note", "first")
	run(0, "Release saved by alice", "show", "BD000001")
	run(0, "", "release", "delete", "BD000001", "--as", "alice")
	run(0, "No joint solution is released.", "released")
	run(0, "No offerings.", "offerings", "P1001")
	run(2, "not found", "offerings", "P9999")
	run(2, "not found", "show", "BL000009")
}
