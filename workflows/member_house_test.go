package workflows

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/member"
	"countersign/domain/refusal"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// club is a house with natural persons: A1 and A2 have passed personal real-name authentication and share an email, E is
// authenticated as an enterprise, N not at all, Q is itself a partner's account. Mei administers P1001, pia P2, P3 and P4.
type club struct {
	*house
	acts    *activities.Invitations
	members *activities.Members
	cases   *activities.Cases
}

const clubRecords = `
partners:
  - {id: P2, name: B Ltd, kind: solution-provider, verified_name: B Ltd, entity: cloud}
  - {id: P3, name: C Ltd, kind: solution-provider, verified_name: C Ltd, entity: cloud}
  - {id: P4, name: D Ltd, kind: solution-provider, verified_name: D Ltd, entity: cloud}
people:
  - {id: p2, name: Second, partner: P2, email: p2@b.example, roles: [partner-administrator]}
  - {id: p3, name: Third, partner: P3, email: p3@c.example, roles: [partner-administrator]}
  - {id: p4, name: Fourth, partner: P4, email: p4@d.example, roles: [partner-administrator]}
  - {id: clerk, name: Clerk, partner: P1001, email: clerk@a.example, roles: [partner-incentives]}
personal_accounts:
  - {id: A1, account_name: li.lei, name: Li Lei, mobile: "138 0013-8000", email: Li@home.example, real_name: personal}
  - {id: A2, account_name: li.lei.2, name: Li Lei, mobile: "13900139000", email: li@home.example, real_name: personal}
  - {id: A3, account_name: han.mei, name: Han Mei, mobile: "13700137000", real_name: personal}
  - {id: E, account_name: firm, name: Firm, mobile: "13600136000", real_name: enterprise}
  - {id: N, account_name: nobody, name: Nobody, mobile: "13500135000"}
  - {id: Q, account_name: partner.q, name: Q, mobile: "13400134000", real_name: personal, partner: P2}
invitation_policy:
  {term: P7D, remind_after: P5D, daily_limit: 100, lookback_months: 12, most_partners: 3, link: "https://partners.example/invitations/"}
`

func newClub(t *testing.T, at string) *club {
	c := &club{house: newHouse(t, second(at), clubRecords)}
	c.acts, c.members, c.cases = &activities.Invitations{DB: c.db}, &activities.Members{DB: c.db}, &activities.Cases{DB: c.db}
	t.Cleanup(func() {
		found, err := views.Reader{DB: c.db}.Verify(context.Background(), nil)
		require.NoError(t, err)
		require.Empty(t, found.Findings)
	})
	return c
}

// second reads an instant to the second in the programme's zone.
func second(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// invites is mei's invitation of an account to P1001.
func invites(key, account string) member.Invitation {
	return member.Invitation{RequestKey: key, PartnerID: "P1001", Submitter: "mei", AccountID: account, By: member.ByMobile}
}

// by is the same of another partner.
func by(partner, person string, i member.Invitation) member.Invitation {
	i.PartnerID, i.Submitter = partner, person
	return i
}

// invite asks the opening activity directly, as a run of its own.
func (c *club) invite(i member.Invitation, at string) (activities.Standing, error) {
	c.runs++
	return c.acts.OpenInvitation(context.Background(), activities.OpenInvitationInput{
		Invitation: i, WorkflowID: InvitationID(i), RunID: fmt.Sprintf("run-%d", c.runs), At: second(at),
	})
}

// invited is invite for an invitation that has to be sent; it answers its case.
func (c *club) invited(i member.Invitation, at string) string {
	c.t.Helper()
	s, err := c.invite(i, at)
	require.NoError(c.t, err)
	return s.Case
}

func (c *club) again(number string, i member.Invitation, at string) (activities.Standing, error) {
	return c.acts.SendAgain(context.Background(), activities.SendAgainInput{Case: number, Invitation: i, At: second(at)})
}

var linkInBody = regexp.MustCompile(`https://\S+`)

// link is the link of a sending, as the member reads it.
func (c *club) link(number string, sending int) string {
	c.t.Helper()
	var body string
	require.NoError(c.t, c.db.Get(&body, `SELECT body FROM outbox WHERE key LIKE 'invitation/' || $1 || '/sent@' || $2 || '/%' AND secret`, number, sending))
	return linkInBody.FindString(body)
}

// ticks is the acceptance of somebody who follows a link, signed in with an account.
func (c *club) ticks(key, link, account string) member.Acceptance {
	c.t.Helper()
	f, err := c.members.FollowLink(context.Background(), link)
	require.NoError(c.t, err)
	return member.Acceptance{Key: key, Case: f.Case, Account: account, Proof: member.Proof(f.Hash, f.Case, account), Notice: member.CurrentNotice().Version}
}

func (c *club) accept(a member.Acceptance, at string) (activities.Standing, error) {
	return c.acts.Accept(context.Background(), activities.AcceptInput{Acceptance: a, At: second(at)})
}

// joins invites an account to a partner and has it accept at once.
func (c *club) joins(partner, person, account, at string) string {
	c.t.Helper()
	c.runs++
	number := c.invited(by(partner, person, invites(fmt.Sprintf("join-%d", c.runs), account)), at)
	_, err := c.accept(c.ticks("a", c.link(number, 1), account), at)
	require.NoError(c.t, err)
	return number
}

func (c *club) unbind(partner, person, account, at string) (activities.Standing, error) {
	c.runs++
	return c.members.Unbind(context.Background(), activities.UnbindInput{Key: fmt.Sprintf("u-%d", c.runs), Partner: partner, Account: account, Person: person, At: second(at)})
}

// linkOf writes a link of the past, which was unbound a day later.
func (c *club) linkOf(account, partner, at string) {
	c.t.Helper()
	number := c.joins(partner, map[string]string{"P1001": "mei", "P2": "p2", "P3": "p3", "P4": "p4"}[partner], account, at)
	_, err := c.members.Unbind(context.Background(), activities.UnbindInput{
		Key: "u" + number, Partner: partner, Account: account, Person: map[string]string{"P1001": "mei", "P2": "p2", "P3": "p3", "P4": "p4"}[partner], At: second(at).Add(24 * time.Hour),
	})
	require.NoError(c.t, err)
}

func (c *club) clock(number, at string) (activities.Standing, error) {
	return c.cases.Clock(context.Background(), activities.ClockInput{Case: number, At: second(at)})
}

// clubRun is one run of an invitation in the test environment; times are instants.
type clubRun struct {
	c      *club
	env    *testsuite.TestWorkflowEnvironment
	start  time.Time
	opened clubAnswer
	result CaseResult
	n      int
}

// clubAnswer is what an update's caller got.
type clubAnswer struct {
	came     bool
	standing activities.Standing
	err      error
}

func (a clubAnswer) refused() refusal.List { return activities.RefusalOf(a.err) }

func (c *club) starts(at string, i member.Invitation) *clubRun {
	r := &clubRun{c: c, env: environment(second(at)), start: second(at)}
	r.env.RegisterWorkflowWithOptions(MemberInvitation, workflow.RegisterOptions{Name: MemberInvitationType})
	r.env.RegisterActivity(c.acts)
	r.env.RegisterActivity(c.cases)
	r.asks(at, SubmitUpdate, &r.opened, func() any { return i })
	return r
}

// asks sends an update at an instant.
func (r *clubRun) asks(at, name string, into *clubAnswer, arg func() any) *clubAnswer {
	r.n++
	id := fmt.Sprintf("%s-%d", name, r.n)
	r.env.RegisterDelayedCallback(func() {
		r.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnReject: func(err error) { *into = clubAnswer{came: true, err: err} },
			OnAccept: func() {},
			OnComplete: func(v any, err error) {
				s, _ := v.(activities.Standing)
				*into = clubAnswer{came: true, standing: s, err: err}
			},
		}, arg())
	}, second(at).Sub(r.start))
	return into
}

// sends is the same partner's invitation of the same member once more.
func (r *clubRun) sends(at string, i member.Invitation) *clubAnswer {
	return r.asks(at, SubmitUpdate, &clubAnswer{}, func() any { return i })
}

// accepts follows the link of a sending, signed in with an account.
func (r *clubRun) accepts(at string, sending int, account string) *clubAnswer {
	return r.asks(at, AcceptUpdate, &clubAnswer{}, func() any {
		return r.c.ticks("", r.c.link(r.opened.standing.Case, sending), account)
	})
}

func (r *clubRun) toEnd(i member.Invitation) *clubRun {
	r.c.t.Helper()
	r.env.ExecuteWorkflow(MemberInvitation, MemberInvitationInput{Invitation: i})
	require.True(r.c.t, r.env.IsWorkflowCompleted(), "the run ends")
	require.NoError(r.c.t, r.env.GetWorkflowError())
	require.NoError(r.c.t, r.env.GetWorkflowResult(&r.result))
	return r
}

// told lists what a natural person was told, in order.
func (c *club) told(account string) []string {
	c.t.Helper()
	var steps []string
	require.NoError(c.t, c.db.Select(&steps, `SELECT split_part(key, '/', 3) FROM outbox WHERE account_id = $1 ORDER BY message_id`, account))
	return steps
}
