package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"syscall"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/member"
	"countersign/internal/stacktest"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// Rules: ORG-27, ORG-29, ORG-33, ORG-34, ORG-35
func TestGivenAnInvitation_WhenItIsSentAgainAndAccepted_ThenOnlyTheNewestLinkLinksAndTemporalKnowsNothingOfThePerson(t *testing.T) {
	p := newPartner(t, "PINVITE")
	li := p.persons(1)[0]
	var now activities.Standing
	p.s.ask(t, 0, &now, "invitation", "send", p.id, "--as", p.mei, "--mobile", li.mobile, "--request-key", "k1")
	require.Equal(t, member.Invited, now.State)
	i := invitation{&theCase{p: p, number: now.Case, workflowID: "invitation/" + p.id + "/" + li.account}, li}
	p.s.ask(t, 0, nil, "invitation", "send", p.id, "--as", p.mei, "--mobile", li.mobile, "--request-key", "k1") // nothing is sent twice
	first := i.link(1)
	p.s.ask(t, 0, &now, "invitation", "resend", i.number, "--as", p.mei)
	require.Equal(t, i.number, now.Case)
	second := i.link(2)
	require.NotEqual(t, first, second)
	require.Equal(t, 2, p.s.count(t, `SELECT count(*) FROM invitation_tokens WHERE case_number = $1`, i.number))

	accept := func(link, account, notice string) []string {
		return []string{"invitation", "accept", link, "--account", account, "--notice", notice}
	}
	version := member.CurrentNotice().Version
	require.Equal(t, []string{"ORG-33 INV_USED case " + i.number}, p.s.refuses(t, accept(first, li.account, version)...), "void at once")
	require.Equal(t, []string{"ORG-34 INV_WRONG_ACCOUNT account somebody"}, p.s.refuses(t, accept(second, "somebody", version)...))
	require.Equal(t, []string{"ORG-35 INV_CONSENT notice"}, p.s.refuses(t, accept(second, li.account, "")...))
	p.s.ask(t, 0, &now, accept(second, li.account, version)...)
	require.Equal(t, member.Bound, now.State)
	require.Equal(t, []string{"ORG-33 INV_USED case " + i.number}, p.s.refuses(t, accept(second, li.account, version)...), "used, and its run has closed")
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM member_links WHERE account_id = $1 AND partner_id = $2 AND unlinked_at IS NULL`, li.account, p.id))

	p.s.ask(t, 0, &now, "member", "unbind", p.id, li.account, "--as", p.mei)
	require.Equal(t, member.Unbound, now.State)
	p.invites("k3", li) // a new case, under the same workflow ID
	temporalKnowsNobody(t, p.s)
	p.s.addsUp(t)
}

// temporalKnowsNobody searches all that Temporal keeps of members and solutions for tokens, their hashes, names, mobiles and emails.
func temporalKnowsNobody(t *testing.T, s *stack) {
	t.Helper()
	var secrets [][]byte
	var texts []string
	require.NoError(t, s.views.DB.Select(&texts, `
		SELECT regexp_replace(substring(body FROM 'https://\S+'), '.*/', '') FROM outbox WHERE key LIKE 'invitation/%/sent@%' AND body <> ''
		UNION ALL SELECT unnest(array[name, mobile, email, account_name]) FROM personal_accounts
		UNION ALL SELECT unnest(array[contact_mobile, contact_email]) FROM solution_drafts WHERE contact_mobile <> ''`))
	for _, text := range texts {
		secrets = append(secrets, []byte(text))
		if token, ok := member.ParseToken(text); ok {
			hash := token.Hash()
			secrets = append(secrets, token[:], hash, []byte(hex.EncodeToString(hash)), []byte(base64.StdEncoding.EncodeToString(hash)))
		}
	}
	require.NotEmpty(t, secrets)
	runs := 0
	for _, e := range s.executions(t, "CaseKind IN ('invitation', 'project-specialist', 'lab-credit', 'solution', 'baseline-solution', 'tier-upgrade')") {
		run := e.GetExecution()
		described, err := s.client.DescribeWorkflowExecution(t.Context(), run.GetWorkflowId(), run.GetRunId())
		require.NoError(t, err)
		history := downloadRun(t, s, run.GetWorkflowId(), run.GetRunId())
		for _, kept := range []proto.Message{e, described, history} { // payloads are plain bytes in them
			raw, err := proto.Marshal(kept)
			require.NoError(t, err)
			for _, secret := range secrets {
				require.False(t, bytes.Contains(raw, secret), "%q is in %s", secret, run)
			}
		}
		runs++
	}
	require.Positive(t, runs)
}

// executions are the runs that a query of the Temporal UI finds.
func (s *stack) executions(t *testing.T, query string) []*workflowpb.WorkflowExecutionInfo {
	t.Helper()
	var found []*workflowpb.WorkflowExecutionInfo
	var page []byte
	for {
		got, err := s.client.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		require.NoError(t, err)
		found = append(found, got.GetExecutions()...)
		if page = got.GetNextPageToken(); len(page) == 0 {
			return found
		}
	}
}

// Rules: ORG-27, ENG-01
func TestGivenInvitationsThatWait_WhenOneLapses_ThenTheCommandLineAndTheSearchAttributesFindTheSame(t *testing.T) {
	p := newPartner(t, "PSEARCH")
	people := p.persons(3)
	long := p.invites("k", people[0])
	p.s.tunes(t, member.Kind, map[string]any{"term": "1h", "remind_after": ""})
	short := p.invites("k", people[1])
	bound := p.invites("k", people[2])
	before := short.expires().Add(time.Hour).UTC().Format(time.RFC3339)

	same := func(want ...string) {
		t.Helper()
		want = append([]string{}, want...) // none is an empty list
		var list struct {
			Cases []struct {
				Case string `json:"case"`
			} `json:"cases"`
		}
		p.s.ask(t, 0, &list, "case", "list", "--partner", p.id, "--kind", "invitation", "--state", "invited", "--due-before", before)
		got := []string{}
		for _, c := range list.Cases {
			got = append(got, c.Case)
		}
		slices.Sort(got)
		require.Equal(t, want, got)
		eventually(t, "the same cases by search attributes", func() (bool, error) { // the index follows
			found := []string{}
			for _, e := range p.s.executions(t, "CasePartner = '"+p.id+"' AND CaseKind = 'invitation' AND CaseState = 'INVITED' AND CaseDue < '"+before+"'") {
				found = append(found, attribute(t, e.GetSearchAttributes(), "CaseNumber"))
			}
			slices.Sort(found)
			return slices.Equal(want, found), nil
		})
	}
	same(short.number, bound.number)
	bound.accepts(1)
	same(short.number)
	p.s.tunes(t, member.Kind, map[string]any{"term": "1s", "remind_after": ""})
	p.invites("again", people[1])
	short.lapses()
	same()
	require.Equal(t, member.Invited, long.state())
	p.s.addsUp(t)
}

func attribute(t *testing.T, attributes *commonpb.SearchAttributes, name string) (text string) {
	t.Helper()
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(attributes.GetIndexedFields()[name], &text))
	return text
}

// Rules: ORG-27, ENG-01, PGM-10
func TestGivenAnInvitationThatLapses_WhenWorkerOrTemporalIsDownAtThatInstant_ThenTheDeadlineIsRecordedAllTheSame(t *testing.T) {
	p := newPartner(t, "PDOWN")
	people := p.persons(2)
	p.s.tunes(t, member.Kind, map[string]any{"term": "4s", "remind_after": ""})

	without := p.invites("k", people[0])
	p.s.killWorker()
	time.Sleep(time.Until(without.expires().Add(500 * time.Millisecond)))
	require.Equal(t, member.Invited, without.state(), "nobody was there")
	p.s.startWorker(t)
	late := []string{"invitation", "accept", without.link(1), "--account", people[0].account, "--notice", member.CurrentNotice().Version}
	require.Equal(t, []string{"ORG-27 INV_EXPIRED case " + without.number}, p.s.refuses(t, late...), "the clock goes first")
	without.lapses()

	paused := p.invites("k", people[1])
	time.Sleep(time.Until(paused.expires().Add(-300 * time.Millisecond)))
	pid := p.s.Now.TemporalPID
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL)) // killTemporal waits until the next one answers
	time.Sleep(time.Until(paused.expires().Add(100 * time.Millisecond)))
	require.Equal(t, member.Invited, paused.state(), "no timer fired")
	require.NoError(t, p.s.Await(func(a stacktest.Addresses) bool { return a.TemporalPID != pid }))
	paused.lapses()

	for _, i := range []invitation{without, paused} {
		require.Equal(t, []string{p.mei + " request invite >INVITED ORG-29", "clock clock lapse INVITED>LAPSED ORG-27"}, i.history()[:2])
		require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM outbox WHERE key LIKE 'invitation/' || $1 || '/lapsed/%'`, i.number), "the administrator is told once")
	}
	p.s.addsUp(t)
}
