package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/tier"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// clocked is a house in which cases of every kind that lives long are opened at one instant, each for a partner of its own.
type clocked struct {
	*lives
	n int
}

// clockedKinds are cases that wait for the clock, and until when it is looked at.
var clockedKinds = map[string]struct {
	opens func(*clocked, string) string
	days  int
}{
	"invitation":           {(*clocked).invitation, 9},
	"specialist's review":  {(*clocked).application, 40},
	"solution's review":    {func(k *clocked, p string) string { return k.solution(p, false) }, 60},
	"certificate":          {func(k *clocked, p string) string { return k.solution(p, true) }, 400},
	"joint project":        {(*clocked).project, 60},
	"upgrade's review":     {func(k *clocked, p string) string { return k.upgrade(p, false) }, 60},
	"rejected upgrade":     {func(k *clocked, p string) string { return k.upgrade(p, true) }, 400},
	"lab credit's review":  {func(k *clocked, p string) string { return k.credit(p, false) }, 60},
	"lab credit that ends": {func(k *clocked, p string) string { return k.credit(p, true) }, 400},
}

// Whenever, in whichever order and however often the clock is asked: what it does is what it does when it is asked at each deadline, once,
// in their order, with the deadlines as instants.
//
// Rule: PGM-02, ORG-27, CERT-12, CERT-22, LAB-09, TIER-15
func TestGivenAClockThatComesAtAnyTime_WhenTheDeadlinesHavePassed_ThenItsEventsAreThoseOfAPunctualOne(t *testing.T) {
	k := &clocked{lives: newLives(t)}
	k.now = sec("2024-02-27 16:00:07")
	punctual := map[string][]string{}
	kinds := []string{}
	for name, kind := range clockedKinds {
		kinds = append(kinds, name)
		number := kind.opens(k, k.partner())
		for now := k.clock(number, k.now); now.WakeAt != nil && !now.WakeAt.After(k.now.AddDate(0, 0, kind.days)); now = k.clock(number, *now.WakeAt) {
		}
		punctual[name] = k.byClock(number)
		require.NotEmpty(t, punctual[name], name)
	}
	slices.Sort(kinds)
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(kinds).Draw(rt, "kind")
		kind := clockedKinds[name]
		number := kind.opens(k, k.partner())
		second := rapid.IntRange(0, kind.days*24*3600)
		if ends := k.deadlines(number); len(ends) > 0 { // also exactly at deadlines and beside them
			near := make([]int, 0, 3*len(ends))
			for _, at := range ends {
				s := int(at.Sub(k.now) / time.Second)
				near = append(near, max(0, s-1), s, s+1)
			}
			second = rapid.OneOf(second, rapid.SampledFrom(near))
		}
		asked := rapid.SliceOfN(second, 0, 6).Draw(rt, "seconds")
		for _, s := range append(asked, kind.days*24*3600) {
			for range rapid.IntRange(1, 2).Draw(rt, "times") {
				k.clock(number, k.now.Add(time.Duration(s)*time.Second))
			}
		}
		want := punctual[name]
		if reached := k.late(number, asked); name == "invitation" && reached { // nobody is reminded of what has lapsed
			want = slices.DeleteFunc(slices.Clone(want), func(line string) bool { return strings.Contains(line, "remind") })
		}
		require.Equal(rt, want, k.byClock(number), "%s asked at %v", name, asked)
	})
	k.addsUp()
}

// late tells whether the clock was first asked after the reminder's time when the link had lapsed already.
func (k *clocked) late(number string, asked []int) bool {
	for _, s := range asked {
		switch at := time.Duration(s) * time.Second; {
		case at >= 7*24*time.Hour:
			return true
		case at >= 5*24*time.Hour:
			return false
		}
	}
	return true
}

// byClock is what the clock did, and whom it told.
func (k *clocked) byClock(number string) []string {
	k.t.Helper()
	lines := selects[string](k.year, `
		SELECT concat_ws(' ', to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS.US'), action, key, from_state || '>' || to_state, rule) FROM events WHERE case_number = $1 AND actor = 'clock' ORDER BY seq`, number)
	told := selects[string](k.year, `SELECT split_part(key, '/', 3) || '/' || CASE WHEN split_part(key, '/', 5) <> '' THEN split_part(key, '/', 4) ELSE '' END FROM outbox WHERE split_part(key, '/', 2) = $1 ORDER BY 1, key`, number)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], number, "CASE")
	}
	return append(lines, told...)
}

// deadlines are the instants of which the case, its tasks and its certificate know now.
func (k *clocked) deadlines(number string) []time.Time {
	return selects[time.Time](k.year, `
		SELECT at FROM (SELECT wake_at AS at FROM cases WHERE case_number = $1 UNION SELECT due_at FROM cases WHERE case_number = $1 UNION SELECT due_at FROM tasks WHERE case_number = $1
		   UNION SELECT valid_until FROM solution_certifications WHERE case_number = $1) x WHERE at IS NOT NULL ORDER BY at`, number)
}

func (k *clocked) clock(number string, at time.Time) activities.Standing {
	k.t.Helper()
	now, err := k.cases.Clock(context.Background(), activities.ClockInput{Case: number, At: at})
	require.NoError(k.t, err)
	return now
}

// partner is a new one, with an administrator, a membership of 300 days, two paths and a natural person beside it.
func (k *clocked) partner() string {
	k.n++
	p := fmt.Sprintf("X%d", k.n)
	k.load(fmt.Sprintf(`
companies: [{id: C-%[1]s, name: %[1]s Ltd}]
partners: [{id: %[1]s, name: %[1]s Ltd, kind: solution-provider, verified_name: %[1]s Ltd, entity: cloud, company: C-%[1]s, ecosystem_manager: wang}]
people: [{id: %[2]s, name: Clerk, partner: %[1]s, email: %[2]s@example.com, roles: [partner-administrator]}]
personal_accounts: [{id: N-%[1]s, account_name: name.%[1]s, name: Person, mobile: "138%08[3]d", real_name: personal}]
paths: [{partner: %[1]s, path: SW, stage: ROLE_CERTIFIED, from: 2024-01-01T00:00:00+08:00}]
business: [{partner: %[1]s, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2024-12-23T00:00:00+08:00}]}]
`, p, clerk(p), k.n))
	return p
}

func (k *clocked) invitation(p string) string {
	k.runs++
	i := member.Invitation{RequestKey: "k", PartnerID: p, Submitter: clerk(p), AccountID: "N-" + p, By: member.ByMobile}
	now, err := k.invitations.OpenInvitation(context.Background(), activities.OpenInvitationInput{Invitation: i, WorkflowID: InvitationID(i), RunID: fmt.Sprintf("run-%d", k.runs), At: k.now})
	require.NoError(k.t, err)
	return now.Case
}

// member is the natural person beside a partner, linked.
func (k *clocked) member(p string) string {
	c := &club{house: k.house, members: k.members}
	number := k.invitation(p)
	_, err := k.invitations.Accept(context.Background(), activities.AcceptInput{Acceptance: c.ticks("a", c.link(number, 1), "N-"+p), At: k.now})
	require.NoError(k.t, err)
	return "N-" + p
}

func (k *clocked) application(p string) string {
	account := k.member(p)
	require.NoError(k.t, k.specialists.LocateMember(context.Background(), activities.LocateMemberInput{Partner: p, Account: account, Location: "Shenzhen", Person: clerk(p), At: k.now}))
	k.runs++
	a := specialist.Application{RequestKey: "k", PartnerID: p, Submitter: clerk(p), Account: account, Path: "SVC", Materials: []string{contract}}
	now, err := k.specialists.ApplyForSpecialist(context.Background(), activities.ApplyForSpecialistInput{Application: a, WorkflowID: ProjectSpecialistID(a), RunID: fmt.Sprintf("run-%d", k.runs), At: k.now})
	require.NoError(k.t, err)
	return now.Case
}

func (k *clocked) solution(p string, certified bool) string {
	d, err := k.joint.drafts.Save(context.Background(), activities.SolutionDraftInput{Partner: p, Key: "k", Change: k.joint.whole(solution.Cloud, "1.0"), Person: clerk(p), At: k.now})
	require.NoError(k.t, err)
	sub := submission(d)
	sub.Submitter = clerk(p)
	now, err := k.joint.studio.submits(k.stamp(), sub)
	require.NoError(k.t, err)
	if certified {
		k.joint.approves(k.stamp(), now.Case, 1)
	}
	return now.Case
}

func (k *clocked) project(p string) string {
	now, err := k.joint.submits(k.stamp(), k.joint.ready(k.stamp(), entry("Joint "+p)))
	require.NoError(k.t, err)
	return now.Case
}

func (k *clocked) upgrade(p string, rejected bool) string {
	k.runs++
	a := tier.Application{RequestKey: "k", PartnerID: p, Submitter: clerk(p), Target: tier.Preferred}
	now, err := k.tiers.OpenTierUpgrade(context.Background(), activities.OpenTierUpgradeInput{Application: a, WorkflowID: TierUpgradeID(a), RunID: fmt.Sprintf("run-%d", k.runs), At: k.now})
	require.NoError(k.t, err)
	if rejected {
		k.decides(now.Case, tier.Review, approval.Decision{Person: "tina", Outcome: approval.Reject, Reason: "no"})
	}
	return now.Case
}

func (k *clocked) credit(p string, issued bool) string {
	a := lab.Application{RequestKey: "k", PartnerID: p, Submitter: clerk(p), Path: "SW", Account: k.member(p), Points: 100, Purpose: "verify"}
	k.runs++
	now, err := k.labs.OpenLabCredit(context.Background(), activities.OpenLabCreditInput{Application: a, WorkflowID: LabCreditID(a), RunID: fmt.Sprintf("run-%d", k.runs), At: k.now})
	require.NoError(k.t, err)
	if issued {
		k.decides(now.Case, lab.Review, approval.Decision{Person: "otto", Outcome: approval.Approve})
		k.decides(now.Case, lab.Issue, approval.Decision{Person: "olga", Outcome: "issued", Reference: "CP-" + now.Case})
	}
	return now.Case
}

func (k *clocked) decides(number string, m approval.Matter, d approval.Decision) {
	k.t.Helper()
	d.Task, d.Key = approval.TaskID(number, m.Name, 1), number+m.Name
	_, err := k.cases.Decide(context.Background(), activities.DecideInput{Decision: d, At: k.now})
	require.NoError(k.t, err)
}
