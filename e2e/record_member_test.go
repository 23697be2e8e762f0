package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/specialist"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
)

// memberEndings are the ways in which everything ends that goes on with a partner's people: each plays one and answers its run.
var memberEndings = map[string]func(p *partner) (workflowID string){
	"member_invitation_bound": func(p *partner) string {
		i := p.invites("k", p.persons(1)[0])
		i.accepts(1)
		i.is("BOUND")
		return i.workflowID
	},
	"member_invitation_sent_again_then_bound": func(p *partner) string { // the old link is void
		li := p.persons(1)[0]
		i := p.invites("k", li)
		p.invites("again", li)
		i.accepts(1, "INV_USED")
		i.accepts(2)
		i.is("BOUND")
		return i.workflowID
	},
	"member_invitation_reminded_then_lapsed": func(p *partner) string {
		p.s.tunes(p.t, member.Kind, map[string]any{"term": "2s", "remind_after": "1s"})
		i := p.invites("k", p.persons(1)[0])
		i.lapses()
		require.Equal(p.t, []string{p.mei + " request invite >INVITED ORG-29", "clock clock remind INVITED>INVITED ORG-27", "clock clock lapse INVITED>LAPSED ORG-27"}, i.history())
		return i.workflowID
	},
	"member_invitation_resumed_then_lapsed": func(p *partner) string { // its run was terminated
		p.s.tunes(p.t, member.Kind, map[string]any{"term": "3s", "remind_after": ""})
		i := p.invites("k", p.persons(1)[0])
		i.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		i.lapses()
		return i.workflowID
	},
	"member_invitation_stop_refused_then_bound": func(p *partner) string {
		i := p.invites("k", p.persons(1)[0])
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), i.workflowID, ""))
		eventually(p.t, "the refused stop", func() (bool, error) { return len(i.history()) == 2, nil })
		i.accepts(1)
		i.is("BOUND")
		return i.workflowID
	},
	"member_invitation_refused_opening": func(p *partner) string {
		li := p.persons(1)[0]
		p.s.views.DB.MustExec(`UPDATE personal_accounts SET real_name = 'enterprise' WHERE account_id = $1`, li.account)
		_, err := workflows.Invite(p.t.Context(), p.s.client, p.invitation("k", li))
		require.Equal(p.t, []string{"INV_ENTERPRISE"}, typed(p.t, err).Codes())
		return workflows.InvitationID(p.invitation("k", li))
	},

	"project_specialist_applied_again_then_revoked": func(p *partner) string {
		c := p.specialist("k", p.members(1)[0])
		c.says("review", "otto", approval.Decision{Outcome: approval.Reject, Reason: "the contract is missing"})
		c.is("SPECIALIST_REJECTED")
		c.applies("k2")
		c.says("review@2", "olga", approval.Decision{Outcome: approval.Approve})
		c.asks(workflows.RevokeSpecialistUpdate, "otto", "no project for a year")
		c.is("CANCELLED_BY_VENDOR")
		return c.workflowID
	},
	"project_specialist_withdrawn_then_cancelled": func(p *partner) string { // the second cancellation is rejected, the third approved
		c := p.specialist("k", p.members(1)[0])
		c.says("review", "otto", approval.Decision{Outcome: approval.Approve})
		c.cancels("left the company")
		c.asks(workflows.WithdrawCancellationUpdate, p.mei, "")
		c.is("SPECIALIST")
		c.cancels("left the company")
		c.says("cancellation@2", "olga", approval.Decision{Outcome: approval.Reject, Reason: "a project runs"})
		c.cancels("the project is over")
		c.says("cancellation@3", "olga", approval.Decision{Outcome: approval.Approve})
		c.is("CANCEL_APPROVED")
		return c.workflowID
	},
	"project_specialist_resumed_then_revoked": func(p *partner) string { // its run was terminated
		c := p.specialist("k", p.members(1)[0])
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		c.says("review", "otto", approval.Decision{Outcome: approval.Approve})
		c.asks(workflows.RevokeSpecialistUpdate, "otto", "no project for a year")
		c.is("CANCELLED_BY_VENDOR")
		return c.workflowID
	},
	"project_specialist_refused_opening": func(p *partner) string {
		a := p.asSpecialist("k", p.persons(1)[0])
		_, err := workflows.ApplyForSpecialist(p.t.Context(), p.s.client, a)
		require.Equal(p.t, []string{"SPC_NOT_BOUND", "SPC_LOCATION"}, typed(p.t, err).Codes())
		return workflows.ProjectSpecialistID(a)
	},

	"lab_credit_rejected_then_used_and_lapsed": func(p *partner) string {
		p.s.tunes(p.t, lab.Kind, map[string]any{"validity": "5s"})
		c := p.applies(p.members(1)[0], 500)
		c.says("review", "otto", approval.Decision{Outcome: approval.Reject, Reason: "too many points"})
		a := p.forLab("k2", c.whom, 100)
		_, err := workflows.ResubmitLabCredit(p.t.Context(), p.s.client, c.workflowID, a)
		require.NoError(p.t, err)
		c.says("review@2", "olga", approval.Decision{Outcome: approval.Approve})
		c.says("issue", "otto", approval.Decision{Outcome: "issued", Reference: "CP-" + c.number})
		c.uses(30)
		c.ended()
		require.Equal(p.t, 1, p.s.count(p.t, `SELECT count(*) FROM events JOIN lab_credits USING (case_number) WHERE case_number = $1 AND action = 'lapse' AND at = expires_at AND amount = 70`, c.number))
		return c.workflowID
	},
	"lab_credit_issue_failed_then_used_up": func(p *partner) string { // another member was named
		two := p.members(2)
		c := p.applies(two[0], 10)
		c.says("review", "otto", approval.Decision{Outcome: approval.Approve})
		p.s.ask(p.t, 0, nil, "member", "unbind", p.id, two[0].account, "--as", p.mei)
		c.says("issue", "olga", approval.Decision{Outcome: "issued", Reference: "CP-0-" + c.number})
		c.is("APPROVED")
		_, err := workflows.NameLabUser(p.t.Context(), p.s.client, c.workflowID, lab.Naming{Person: p.mei, Account: two[1].account, Key: "n"})
		require.NoError(p.t, err)
		c.says("issue@2", "olga", approval.Decision{Outcome: "issued", Reference: "CP-" + c.number})
		c.uses(4)
		c.uses(6)
		c.ended()
		return c.workflowID
	},
	"lab_credit_resumed_then_used_up": func(p *partner) string { // its run was terminated; and it is not stopped
		c := p.applies(p.members(1)[0], 10)
		c.says("review", "otto", approval.Decision{Outcome: approval.Approve})
		c.says("issue", "olga", approval.Decision{Outcome: "issued", Reference: "CP-" + c.number})
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		eventually(p.t, "the refused stop", func() (bool, error) { return len(c.history()) == 4, nil })
		c.uses(10)
		c.ended()
		return c.workflowID
	},
	"lab_credit_refused_opening": func(p *partner) string {
		a := p.forLab("k", p.members(1)[0], 30)
		_, err := workflows.ApplyForLabCredit(p.t.Context(), p.s.client, a)
		require.Equal(p.t, []string{"LAB_SIZE"}, typed(p.t, err).Codes())
		return workflows.LabCreditID(a)
	},
}

func TestRecordMembers(t *testing.T) {
	maps.Copy(memberEndings, solutionEndings)
	maps.Copy(memberEndings, jointEndings)
	maps.Copy(memberEndings, tierEndings)
	for ending, play := range memberEndings {
		t.Run(ending, func(t *testing.T) {
			p := newPartner(t, "P-"+ending)
			for i, history := range p.s.chain(t, play(p)) {
				name := ending
				if i > 0 { // the run that carries it on
					name = fmt.Sprintf("%s_%d", ending, i+1)
				}
				keep(t, name, history)
			}
		})
	}
	if the.err == nil && the.views.DB != nil {
		temporalKnowsNobody(t, &the)
		the.addsUp(t)
	}
}

// chain is the history of the newest run of a workflow ID, and of those that it carries on, the first one first. A run that goes
// on lies still: it waits for months.
func (s *stack) chain(t *testing.T, workflowID string) (all []*historypb.History) {
	t.Helper()
	eventually(t, "the run's rest", func() (bool, error) {
		now, err := s.client.DescribeWorkflowExecution(t.Context(), workflowID, "")
		return now.GetPendingWorkflowTask() == nil && now.GetWorkflowExecutionInfo().GetHistoryLength() > 3, err // a new run has its first task in a moment
	})
	newest := downloadRun(t, s, workflowID, "")
	for run := newest.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetFirstExecutionRunId(); run != ""; {
		all = append(all, downloadRun(t, s, workflowID, run))
		events := all[len(all)-1].GetEvents()
		run = events[len(events)-1].GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	}
	return all
}

// specialistCase is a member on a path.
type specialistCase struct {
	*theCase
	whom natural
}

func (p *partner) asSpecialist(key string, whom natural) specialist.Application {
	return specialist.Application{RequestKey: key, PartnerID: p.id, Submitter: p.mei, Account: whom.account, Path: "SVC", Materials: []string{strings.Repeat("ab", 32)}}
}

// specialist is an application for a member whose base location is known.
func (p *partner) specialist(key string, whom natural) specialistCase {
	p.t.Helper()
	p.s.ask(p.t, 0, nil, "specialist", "locate", whom.account, "--as", p.mei, "--partner", p.id, "--location", "Shenzhen")
	c := specialistCase{&theCase{p: p, workflowID: workflows.ProjectSpecialistID(p.asSpecialist(key, whom))}, whom}
	c.applies(key)
	return c
}

func (c specialistCase) applies(key string) {
	c.p.t.Helper()
	now, err := workflows.ApplyForSpecialist(c.p.t.Context(), c.p.s.client, c.p.asSpecialist(key, c.whom))
	require.NoError(c.p.t, err)
	c.number = now.Case
	c.is("SPECIALIST_REVIEW")
}

func (c specialistCase) asks(update, person, reason string) {
	c.p.t.Helper()
	_, err := workflows.AskOfSpecialist(c.p.t.Context(), c.p.s.client, c.workflowID, update, activities.SpecialistStepInput{Key: update, Person: person, Reason: reason})
	require.NoError(c.p.t, err)
}

// cancels applies to cancel, with a file.
func (c specialistCase) cancels(reason string) {
	c.p.t.Helper()
	c.p.s.ask(c.p.t, 0, nil, "specialist", "cancel", c.number, "--as", c.p.mei, "--reason", reason, "--file", written(c.p.t, "reason.pdf", "%PDF-1.4\nreason\n%%EOF\n"))
	c.is("CANCEL_REVIEW")
}

// labCredit is an application for a member.
type labCredit struct {
	*theCase
	whom natural
}

func (p *partner) forLab(key string, whom natural, points int) lab.Application {
	p.onPath("SW", "SELECTED")
	return lab.Application{RequestKey: key, PartnerID: p.id, Submitter: p.mei, Path: "SW", Account: whom.account, Points: points, Purpose: "verify a migration"}
}

// applies is an application that opened.
func (p *partner) applies(whom natural, points int) labCredit {
	p.t.Helper()
	a := p.forLab("k", whom, points)
	opened, err := insist(func(ctx context.Context) (activities.Standing, error) {
		return workflows.ApplyForLabCredit(ctx, p.s.client, a)
	})
	require.NoError(p.t, err)
	return labCredit{&theCase{p: p, number: opened.Case, workflowID: workflows.LabCreditID(a)}, whom}
}

func (c labCredit) uses(points int) {
	c.p.t.Helper()
	_, err := workflows.UseLabCredit(c.p.t.Context(), c.p.s.client, c.workflowID, lab.Use{Person: "otto", Points: points, Key: time.Now().String()})
	require.NoError(c.p.t, err)
}

// ended waits until nothing is left of a credit.
func (c labCredit) ended() {
	c.p.t.Helper()
	c.closes()
	c.is("ISSUED")
}
