package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/member"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

const naturalPersons = `
personal_accounts:
  - {id: A1, account_name: li.lei, name: Li Lei, mobile: "13800138000", email: li@home.example, real_name: personal}
  - {id: A2, account_name: li.lei.2, name: Li Lei, mobile: "13900139000", email: li@home.example, real_name: personal}
invitation_policy:
  {term: P7D, remind_after: P5D, daily_limit: 100, lookback_months: 12, most_partners: 3, link: "https://partners.example/invitations/"}
`

var anyLink = regexp.MustCompile(`https://partners.example/invitations/\S+`)

// Rule: PGM-05, PGM-06, ORG-29, ORG-30, ORG-32, ORG-33, ORG-34, ORG-35, ORG-37
func TestGivenNaturalPersons_WhenThePartnersAdministratorLooksAfterThem_ThenTheCommandsSayWhatHolds(t *testing.T) {
	url := programme(t)
	file := filepath.Join(t.TempDir(), "persons.yaml")
	require.NoError(t, os.WriteFile(file, []byte(naturalPersons), 0o600))
	for range 2 {
		got := ask(t, url, "load", file)
		require.Equal(t, 0, got.code, got.err+got.out)
	}
	policy := ask(t, url, "policy", "show", "invitation")
	require.Contains(t, policy.out, "term             P7D")

	require.Contains(t, ask(t, url, "invitation", "list", "P1001").out, "No invitations.")
	choose := ask(t, url, "invitation", "send", "P1001", "--as", "alice", "--email", "li@home.example")
	require.Equal(t, 1, choose.code, choose.err)
	require.Contains(t, choose.out, "ORG-29  INV_CHOOSE")
	require.Contains(t, choose.out, "A1 (l***), A2 (l***); choose one of them with --account.")
	unknown := ask(t, url, "invitation", "send", "P1001", "--as", "alice", "--mobile", "13000130000")
	require.Equal(t, 1, unknown.code)
	require.Contains(t, unknown.out, "INV_NOT_FOUND")
	require.Equal(t, 2, ask(t, url, "invitation", "send", "P1001", "--as", "alice").code, "whom?")
	require.Equal(t, 2, ask(t, url, "invitation", "send", "P1001", "--as", "alice", "--mobile", "1", "--email", "x").code)
	found := ask(t, url, "invitation", "send", "P1001", "--as", "alice", "--mobile", "13800138000")
	require.Equal(t, 2, found.code, "found; there is no Temporal to send it")
	require.NotContains(t, found.err, "13800138000")

	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	acts, at := &activities.Invitations{DB: db}, time.Now().Add(-time.Hour)
	i := member.Invitation{RequestKey: "k1", PartnerID: "P1001", Submitter: "alice", AccountID: "A1", By: member.ByMobile}
	opened, err := acts.OpenInvitation(context.Background(), activities.OpenInvitationInput{Invitation: i, WorkflowID: "w", RunID: "r", At: at})
	require.NoError(t, err)
	shown := ask(t, url, "invitation", "show", opened.Case)
	require.Contains(t, shown.out, "I000001 is INVITED: account A1, found by mobile 138****8000, invited to P1001")
	require.Contains(t, shown.out, "Sent 1 time(s), last by alice on ")
	require.Contains(t, ask(t, url, "invitation", "list", "P1001").out, "I000001  A1       mobile    138****8000  INVITED")
	require.Contains(t, ask(t, url, "member", "list", "P1001").out, "No members.")

	notice := ask(t, url, "invitation", "notice")
	require.Contains(t, notice.out, "Version 2025-01")
	link := anyLink.FindString(ask(t, url, "outbox", "--person", "A1").out)
	require.NotEmpty(t, link, "the member reads the link in the message")
	require.Equal(t, 1, ask(t, url, "invitation", "accept", "https://partners.example/invitations/x", "--account", "A1").code)
	m := &activities.Members{DB: db}
	followed, err := m.FollowLink(context.Background(), link)
	require.NoError(t, err)
	_, err = acts.Accept(context.Background(), activities.AcceptInput{At: time.Now(), Acceptance: member.Acceptance{
		Key: "a", Case: followed.Case, Account: "A1", Proof: member.Proof(followed.Hash, followed.Case, "A1"), Notice: "2025-01",
	}})
	require.NoError(t, err)
	again := ask(t, url, "invitation", "accept", link, "--account", "A1", "--notice", "2025-01")
	require.Equal(t, 1, again.code, again.err)
	require.Contains(t, again.out, "INV_USED")

	members := ask(t, url, "member", "list", "P1001")
	require.Contains(t, members.out, "A1       l***          L***  138****8000  l***@home.example")
	require.NotContains(t, members.out, "13800138000")
	uncovered := ask(t, url, "member", "list", "P1001", "--show", "mobile", "--as", "alice")
	require.Equal(t, 0, uncovered.code, uncovered.err+uncovered.out)
	require.Contains(t, uncovered.out, "A1       l***          L***  13800138000  l***@home.example")
	require.Equal(t, 1, count(t, url, `SELECT count(*) FROM audit_log WHERE person_id = 'alice' AND list = 'members' AND column_name = 'mobile'`))
	require.Equal(t, 1, ask(t, url, "member", "list", "P1001", "--show", "mobile", "--as", "li").code)
	require.Equal(t, 1, ask(t, url, "member", "unbind", "P1001", "A1", "--as", "li").code, "not the partner's administrator")
	unbound := ask(t, url, "member", "unbind", "P1001", "A1", "--as", "alice", "--reason", "left the company")
	require.Equal(t, 0, unbound.code, unbound.err+unbound.out)
	require.Contains(t, unbound.out, "I000001 is UNBOUND")
	require.Contains(t, ask(t, url, "member", "list", "P1001").out, "No members.")
	require.Contains(t, ask(t, url, "invitation", "show", "I000001").out, "Linked from ")
	require.Contains(t, ask(t, url, "case", "show", "I000001").out, "left the company")
	require.Equal(t, 0, ask(t, url, "case", "explain", "I000001").code)
	require.Equal(t, 0, ask(t, url, "ledger", "verify").code)
	missing := ask(t, url, "member", "unbind", "P1001", "A9", "--as", "alice")
	require.Equal(t, 2, missing.code)
	require.Contains(t, missing.err, "A9")
}
