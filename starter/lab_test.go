package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/lab"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// Rule: LAB-01, LAB-06, LAB-10
func TestLAB01GivenAPartnerOnTheSoftwarePath_WhenTheLabIsLookedAt_ThenTheCommandsSayWhatHolds(t *testing.T) {
	url := programme(t)
	file := filepath.Join(t.TempDir(), "lab.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
people:
  - {id: ops, name: Ou, email: ou@vendor.example, roles: [vendor-operations]}
lab_policy:
  {review_role: vendor-operations, issue_role: vendor-operations, report_role: vendor-operations, escalation_role: finance-manager, remind_term: P3WD, validity: P12M,
   address: "https://lab.vendor.example", decide_by_signal: true}
`), 0o600))
	require.Equal(t, 0, ask(t, url, "load", file).code)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()

	none := ask(t, url, "lab", "benefit", "P1001")
	require.Equal(t, 0, none.code, none.err)
	require.Contains(t, none.out, "No lab credits can be applied for: they go with the paths SW and SVC.")
	for _, insert := range []string{
		`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('P1001', 'SW', 'SELECTED', '2024-01-01T00:00:00Z'), ('P1001', 'LRN', 'ROLE_CERTIFIED', '2024-01-01T00:00:00Z')`,
		`INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('A-1', 'qian', 'Qian Yu')`,
		`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('dedicated-staff', 1, '{}', 'li', now()) ON CONFLICT DO NOTHING`,
		`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		 VALUES ('I000001', 'dedicated-staff', 'P1001', 'alice', 'k', '', 'PRELIMINARY_REVIEW', 1, 'w', '', now())`, // the invitation: of any kind
		`INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state) SELECT case_number, 'submit', opened_at, 'alice', 'request', 'submit', '', state FROM cases`,
		`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ('A-1', 'P1001', 'I000001', '1', '2024-01-01T00:00:00Z')`,
	} {
		db.MustExec(insert)
	}
	benefit := ask(t, url, "lab", "benefit", "P1001")
	require.Contains(t, benefit.out, "Lab 云实验: services are tried and verified hands-on, by manual. https://lab.vendor.example")
	require.Regexp(t, `SW +SELECTED +can be applied for`, benefit.out)
	require.Regexp(t, `LRN +ROLE_CERTIFIED +not open`, benefit.out)
	require.Contains(t, benefit.out, "10, 20, 50, 100, 250, 500 points can be applied for, for each of 1 linked member(s)")

	at := func(s string) time.Time {
		instant, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
		require.NoError(t, err)
		return instant
	}
	labs := &activities.LabCredits{DB: db}
	opened, err := labs.OpenLabCredit(t.Context(), activities.OpenLabCreditInput{WorkflowID: "w1", RunID: "r1", At: at("2026-03-05 10:00"), Application: lab.Application{
		RequestKey: "k", PartnerID: "P1001", Submitter: "alice", Path: "SW", Account: "A-1", Points: 100, Purpose: "verify a migration",
	}})
	require.NoError(t, err)
	for i, d := range []approval.Decision{{Task: opened.Case + "/review", Outcome: "approve"}, {Task: opened.Case + "/issue", Outcome: "issued", Reference: "CP-1"}} {
		d.Person, d.Key = "ops", d.Task
		_, err := (&activities.Cases{DB: db}).Decide(t.Context(), activities.DecideInput{Decision: d, At: at([]string{"2026-03-06 09:00", "2026-03-07 15:00"}[i])})
		require.NoError(t, err)
	}
	_, err = labs.UseLabCredit(t.Context(), activities.UseLabCreditInput{Case: opened.Case, Use: lab.Use{Person: "ops", Points: 30, Key: "u"}, At: at("2026-03-08 10:00")})
	require.NoError(t, err)

	listed := ask(t, url, "lab", "list", "P1001")
	require.Regexp(t, `L000001 +ISSUED +1 +100 +70 +SW +A-1 `, listed.out)
	shown := ask(t, url, "lab", "show", "L000001")
	require.Contains(t, shown.out, "100 points issued: 30 used, 0 lapsed, 70 remain.")
	require.Regexp(t, `coupon +CP-1`, shown.out)
	balance := ask(t, url, "lab", "balance", "A-1")
	require.Contains(t, balance.out, "A-1, console > billing centre > discounts > coupons")
	require.Regexp(t, `CP-1 +100 +`, balance.out)
	require.Contains(t, ask(t, url, "lab", "balance", "A-1", "--json").out, `"coupon_no": "CP-1"`)
	require.NotContains(t, ask(t, url, "account", "balances", "P1001").out, "CREDIT", "none in the partner's account")
	require.Equal(t, 0, ask(t, url, "ledger", "verify").code)
	require.Regexp(t, `L000001 +P1001 +ISSUED +- `, ask(t, url, "case", "list", "--kind", "lab-credit").out)
	require.NotRegexp(t, `amount|\b0\.00`, ask(t, url, "case", "show", "L000001").out, "points are no money")
	require.Contains(t, ask(t, url, "policy", "show", "lab-credit").out, "remind_term")

	require.Equal(t, 2, ask(t, url, "lab", "show", "L999999").code)
	require.Equal(t, 2, ask(t, url, "lab", "balance", "nobody").code)
	require.Equal(t, 2, ask(t, url, "lab", "list", "P9").code)
	require.Contains(t, ask(t, url, "lab", "apply", "--as", "alice").err, "--partner, --path, --member, --points, --purpose are missing")
}

// Rule: LAB-04
func TestLAB04GivenAnApplication_WhenItHasArrived_ThenTheScreenSaysSo(t *testing.T) {
	var out bytes.Buffer
	h := &house{out: &out}
	require.NoError(t, h.submitted(activities.Standing{Case: "L000001", State: lab.UnderReview, About: "100 lab points under SW for member A-1"}, "k1", nil))
	require.Equal(t, "申请已提交 The application was submitted.\nL000001 is UNDER_REVIEW: 100 lab points under SW for member A-1\nRequest key k1\n", out.String())
	out.Reset()
	require.ErrorContains(t, h.submitted(activities.Standing{}, "k1", os.ErrNotExist), "file does not exist")
	require.Empty(t, out.String())
}
