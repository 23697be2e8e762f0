package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/specialist"
	"countersign/schema"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// Rule: ORG-39, ORG-44, ORG-43, PGM-05, PGM-06
func TestGivenBoundMembers_WhenTheirSpecialistsAreKept_ThenTheCommandsSayWhatHolds(t *testing.T) {
	url := programme(t)
	invitation := open(t, url) // any case stands for the invitation here
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	for _, insert := range []string{
		`INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('A1', 'qian.yu', 'Qian Yu'), ('A2', 'sun.bo', 'Sun Bo')`,
		`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ('A1', 'P1001', '` + invitation + `', '1', '2025-02-10T01:00:00Z')`,
	} {
		db.MustExec(insert)
	}
	file := filepath.Join(t.TempDir(), "specialists.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
people:
  - {id: ops, name: Ou, email: ou@vendor.example, roles: [vendor-operations]}
project_specialist_policy:
  {review_role: vendor-operations, escalation_role: ecosystem-manager, review_term: P5WD, cancel_term: P5WD, decide_by_signal: true}
`), 0o600))
	loaded := ask(t, url, "load", file)
	require.Equal(t, 0, loaded.code, loaded.err)
	policy := ask(t, url, "policy", "show", specialist.Kind)
	require.Equal(t, 0, policy.code, policy.err)
	require.Contains(t, policy.out, "vendor-operations")

	stranger := ask(t, url, "specialist", "locate", "A2", "--as", "alice", "--partner", "P1001", "--location", "Shenzhen")
	require.Equal(t, 1, stranger.code)
	require.Contains(t, stranger.out, "SPC_NOT_BOUND")
	located := ask(t, url, "specialist", "locate", "A1", "--as", "alice", "--partner", "P1001", "--location", "Shenzhen")
	require.Equal(t, 0, located.code, located.err+located.out)

	acts := &activities.ProjectSpecialists{DB: db}
	a := specialist.Application{RequestKey: "k1", PartnerID: "P1001", Submitter: "alice", Account: "A1", Path: "SVC", Materials: []string{strings.Repeat("ab", 32)}}
	s, err := acts.ApplyForSpecialist(t.Context(), activities.ApplyForSpecialistInput{Application: a, WorkflowID: "w", RunID: "r", At: time.Now()})
	require.NoError(t, err)
	list := ask(t, url, "specialist", "list", "P1001")
	require.Equal(t, 0, list.code, list.err)
	require.Contains(t, list.out, "P1001 has 1 bound, 0 specialists, 1 under review.")
	require.Contains(t, list.out, "A1      Q***  Shenzhen  SVC   SPECIALIST_REVIEW  PS000001") // Rule: PGM-05
	shown := ask(t, url, "specialist", "list", "P1001", "--show", "name", "--as", "alice")
	require.Equal(t, 0, shown.code, shown.err+shown.out)
	require.Contains(t, shown.out, "A1      Qian Yu  Shenzhen")
	require.Equal(t, 1, ask(t, url, "specialist", "list", "P1001", "--show", "name", "--as", "ops").code)
	require.Contains(t, ask(t, url, "organisation", "audit", "P1001", "--as", "alice").out, "alice   name    specialists")

	_, err = (&activities.Cases{DB: db}).Decide(t.Context(), activities.DecideInput{At: time.Now(), Decision: approval.Decision{
		Task: approval.TaskID(s.Case, specialist.ReviewMatter.Name, 1), Person: "ops", Outcome: approval.Approve, Key: "d1",
	}})
	require.NoError(t, err)
	_, err = acts.RevokeSpecialist(t.Context(), activities.SpecialistStepInput{Case: s.Case, Key: "r1", Person: "ops", Reason: "no project", At: time.Now()})
	require.NoError(t, err)
	late := ask(t, url, "specialist", "withdraw", s.Case, "--as", "alice") // ended: no run is there any more
	require.Equal(t, 1, late.code, late.err)
	require.Contains(t, late.out, "SPC_STATE")
	show := ask(t, url, "specialist", "show", s.Case)
	require.Equal(t, 0, show.code, show.err)
	require.Contains(t, show.out, "CANCELLED_BY_VENDOR")
	require.Equal(t, 2, ask(t, url, "specialist", "apply", "--as", "alice").code)
	for _, command := range []string{"show", "explain"} {
		got := ask(t, url, "case", command, s.Case)
		require.Equal(t, 0, got.code, got.err)
		require.Contains(t, got.out, "CANCELLED_BY_VENDOR", command)
	}
	require.Contains(t, ask(t, url, "case", "list", "--kind", specialist.Kind).out, "specialist A1 on path SVC")
}

// Rule: ORG-38
func TestGivenSeveralApplications_WhenTheyAreReported_ThenEachHasItsLineAndTheExitCodeIsTheWorst(t *testing.T) {
	refused := refusal.List{refusal.New("ORG-39", "SPC_NOT_BOUND", "member A2", "Link the member first."), refusal.New("ORG-39", "SPC_LOCATION", "member A2", "Fill in the location.")}
	got := []workflows.AppliedFor{
		{Account: "A1", Key: "k-1", Standing: activities.Standing{Case: "PS000001", State: specialist.Review, About: "specialist A1 on path SVC"}},
		{Account: "A2", Key: "k-2", Err: activities.Final(refused)},
		{Account: "A3", Key: "k-3", Err: errors.New("no answer")},
	}
	for n, code := range map[int]error{1: nil, 2: stopped(1), 3: stopped(2)} {
		var out bytes.Buffer
		h := &house{out: &out}
		require.Equal(t, code, h.appliedFor(got[:n], "k"))
		require.Contains(t, out.String(), "A1      PS000001  SPECIALIST_REVIEW  specialist A1 on path SVC")
		require.Equal(t, n > 1, strings.Contains(out.String(), "SPC_LOCATION (ORG-39): Fill in the location."))
		require.Equal(t, n > 2, strings.Contains(out.String(), "No answer."))
	}
}

// Rule: ORG-45, ORG-46
func TestGivenAMember_WhenQualificationIsKept_ThenTheCommandsWriteAndCountIt(t *testing.T) {
	url := programme(t)
	invitation := open(t, url)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('A1', 'qian.yu', 'Qian Yu')`)
	db.MustExec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ('A1', 'P1001', $1, '1', '2025-02-10T01:00:00Z')`, invitation)

	added := ask(t, url, "qualification", "add", "A1", "--member", "A1", "--kind", "certificate", "--title", "Cloud architect", "--level", "HCIP", "--from", "2024-03-01")
	require.Equal(t, 0, added.code, added.err+added.out)
	require.Contains(t, added.out, `Q000001, certificate "Cloud architect" of A1, is kept (version 1, made by the member).`)
	edited := ask(t, url, "qualification", "edit", "Q000001", "--member", "A1", "--level", "HCIE")
	require.Equal(t, 0, edited.code, edited.err+edited.out)
	foreign := ask(t, url, "qualification", "edit", "Q000001", "--as", "alice", "--level", "HCIA")
	require.Equal(t, 1, foreign.code)
	require.Contains(t, foreign.out, "ORG-45")
	list := ask(t, url, "qualification", "list", "A1", "--as", "alice")
	require.Equal(t, 0, list.code, list.err+list.out)
	require.Contains(t, list.out, "Q000001  certificate  Cloud architect  -             HCIE   2024-03-01  -      member")
	require.Contains(t, ask(t, url, "qualification", "count", "P1001").out, "HCIE         1")
	require.Equal(t, 2, ask(t, url, "qualification", "list", "A1").code, "nobody speaks")
	removed := ask(t, url, "qualification", "remove", "Q000001", "--member", "A1")
	require.Equal(t, 0, removed.code, removed.err)
	require.Contains(t, ask(t, url, "qualification", "count", "P1001").out, "No bound member")
}
