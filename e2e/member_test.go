package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/member"
	"countersign/workflows"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// tunes changes single parameters of a kind's policy until the test ends.
func (s *stack) tunes(t *testing.T, kind string, parameters map[string]any) {
	t.Helper()
	before, err := s.views.Policy(t.Context(), kind, 0)
	require.NoError(t, err)
	set := func(parameters map[string]any) {
		var body map[string]any
		require.NoError(t, json.Unmarshal(before.Body, &body))
		delete(body, "version") // the database says it
		for name, value := range parameters {
			body[name] = value
		}
		text, err := yaml.Marshal(body)
		require.NoError(t, err)
		file := filepath.Join(s.Dir, "tuned.yaml")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		said := s.starter(context.Background(), nil, "policy", "set", kind, file, "--as", "chen")
		require.Equal(t, 0, said.code, said.err)
	}
	t.Cleanup(func() { set(nil) })
	set(parameters)
}

// natural is a natural person with an account of the partner's own, whom no other test knows.
type natural struct{ account, mobile, email string }

// persons makes accounts known that fulfil every condition.
func (p *partner) persons(n int) []natural {
	p.t.Helper()
	list, text := make([]natural, n), "personal_accounts:\n"
	for i := range list {
		a := fmt.Sprintf("A-%s-%d", p.id, i+1)
		list[i] = natural{a, fmt.Sprintf("+86 139-%s-%d", p.id, i+1), fmt.Sprintf("li-%s-%d@home.example", p.id, i+1)}
		text += fmt.Sprintf("  - {id: %s, account_name: name-%s, name: Li %s, mobile: %q, email: %q, real_name: personal}\n", a, a, a, list[i].mobile, list[i].email)
	}
	p.load(text)
	return list
}

// invitation is one invitation of a natural person.
type invitation struct {
	*theCase
	whom natural
}

func (p *partner) invitation(key string, whom natural) member.Invitation {
	return member.Invitation{RequestKey: key + whom.account, PartnerID: p.id, Submitter: p.mei, AccountID: whom.account, By: member.ByMobile}
}

// invites sends an invitation, or a running one again under another key.
func (p *partner) invites(key string, whom natural) invitation {
	p.t.Helper()
	i := p.invitation(key, whom)
	now, err := insist(func(ctx context.Context) (activities.Standing, error) { return workflows.Invite(ctx, p.s.client, i) })
	require.NoError(p.t, err)
	return invitation{&theCase{p: p, number: now.Case, workflowID: workflows.InvitationID(i)}, whom}
}

var linkInMessage = regexp.MustCompile(`https://\S+`)

// link is the link of a sending, as the member reads it.
func (i invitation) link(sending int) string {
	i.p.t.Helper()
	messages, err := i.p.s.views.Outbox(i.p.t.Context(), i.whom.account, false)
	require.NoError(i.p.t, err)
	var links []string
	for _, m := range messages {
		links = append(links, linkInMessage.FindAllString(m.Body, -1)...)
	}
	require.GreaterOrEqual(i.p.t, len(links), sending, "messages with a link")
	return links[sending-1]
}

// accepts follows the link of a sending, signed in with the account that was invited; with codes it has to be refused.
func (i invitation) accepts(sending int, codes ...string) {
	i.p.t.Helper()
	followed, err := (&activities.Members{DB: i.p.s.views.DB}).FollowLink(i.p.t.Context(), i.link(sending))
	require.NoError(i.p.t, err)
	_, err = workflows.AcceptInvitation(i.p.t.Context(), i.p.s.client, i.workflowID, member.Acceptance{
		Case: i.number, Account: i.whom.account, Proof: member.Proof(followed.Hash, i.number, i.whom.account), Notice: member.CurrentNotice().Version,
	})
	refusedOrNot(i.p.t, err, codes)
}

// expires is when the newest link does.
func (i invitation) expires() time.Time {
	i.p.t.Helper()
	v, err := i.p.s.views.Invitation(i.p.t.Context(), i.number)
	require.NoError(i.p.t, err)
	return v.ExpiresAt
}

// lapses waits until the invitation has lapsed, which is recorded with the deadline (ORG-27).
func (i invitation) lapses() {
	t, s := i.p.t, i.p.s
	t.Helper()
	eventually(t, "the lapse", func() (bool, error) { return i.state() == member.Lapsed, nil })
	require.Equal(t, 1, s.count(t, `SELECT count(*) FROM events WHERE case_number = $1 AND action = 'lapse' AND at = $2`, i.number, i.expires()), "effective at the deadline")
	require.Equal(t, 1, s.count(t, `SELECT count(*) FROM cases WHERE case_number = $1 AND closed_at = $2`, i.number, i.expires()))
}

// members are natural persons who are linked to the partner.
func (p *partner) members(n int) []natural {
	p.t.Helper()
	list := p.persons(n)
	for _, whom := range list {
		p.invites("join", whom).accepts(1)
	}
	return list
}
