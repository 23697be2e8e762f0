package workflows

import (
	"bytes"
	"context"
	"errors"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/member"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// MemberInvitationType is the workflow of one invitation.
const MemberInvitationType = "MemberInvitation"

// AcceptUpdate is the member who followed the link; answers once the account is linked.
const AcceptUpdate = "accept"

// MemberInvitationInput starts one invitation, or carries on one whose workflow is gone.
type MemberInvitationInput struct {
	Invitation member.Invitation `json:"invitation"`
	Resume     string            `json:"resume,omitempty"` // case number
}

// MemberInvitation carries the invitation of a natural person until the account is linked or the link has lapsed (ORG-27).
//
//	         ┌─ REFUSED        no case opened: every failed condition at once (ORG-30)
//	invite ──┴─ INVITED ─┬─ BOUND    the member accepted; unbinding later is a step of its own (ORG-37)
//	            ▲   │    └─ LAPSED   seven days after the newest message
//	            └───┘ invited again: a new link, a new term (ORG-33)
//
// It sleeps on one timer at a time: until the reminder, then until the link lapses. Many do so at once.
func MemberInvitation(ctx workflow.Context, in MemberInvitationInput) (CaseResult, error) {
	s := &invitationRun{newCaseRun(in.Invitation.Storable().Digest())}
	s.follows = true
	if err := s.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &s.caseRun, in.Resume, invitationActs.OpenInvitation, activities.OpenInvitationInput{
		Invitation: in.Invitation, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return s.result(ctx, err)
	}

	// INVITED: the member accepts, the administrator sends the link again, the clock reminds and lets it lapse.
	s.serve(ctx, "invitation", member.Invited)

	return s.result(ctx, nil)
}

// invitationRun is one run.
type invitationRun struct{ caseRun[activities.Standing] }

// invitationActs only names the methods; the worker has the real one.
var invitationActs *activities.Invitations

func (s *invitationRun) listen(ctx workflow.Context) error {
	s.waits = func(activities.Standing) string { return "the member" }
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SubmitUpdate, s.submit, workflow.UpdateHandlerOptions{
		Description: "Invite, or send the link again; answers whether it was sent",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, AcceptUpdate, s.accept, workflow.UpdateHandlerOptions{
		Description: "Link the member who followed the link",
		Validator:   func(_ workflow.Context, a member.Acceptance) error { return activities.Final(a.WellFormed().Err()) },
	}); err != nil {
		return err
	}
	return s.caseRun.listen(ctx)
}

// submit answers the run's own invitation; another one for the same member is sent again, and starts a new run where this one's
// has lapsed (ORG-33).
func (s *invitationRun) submit(ctx workflow.Context, i member.Invitation) (activities.Standing, error) {
	at := workflow.Now(ctx)
	detached, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(detached, func() bool { return s.settled }); err != nil {
		return activities.Standing{}, err
	}
	own := bytes.Equal(i.Storable().Digest(), s.digest)
	if due := s.stands.DueAt; !own && due != nil && calendar.Late(at, *due) { // the clock lets it lapse first
		if err := workflow.Await(detached, func() bool { return s.stands.Ended }); err != nil {
			return activities.Standing{}, err
		}
	}
	if !own && s.stands.State == member.Lapsed {
		return activities.Standing{}, temporal.NewNonRetryableApplicationError("the invitation has lapsed; submit again", TypeSubmitAgain, nil)
	}
	return oneLive(ctx, &s.caseRun, i.Storable().Digest(), i.RequestKey, func(_ string, at time.Time) (any, any) {
		return invitationActs.SendAgain, activities.SendAgainInput{Case: s.stands.Case, Invitation: i, At: at}
	})
}

// accept hands an acceptance to the main line.
func (s *invitationRun) accept(ctx workflow.Context, a member.Acceptance) (activities.Standing, error) {
	at := workflow.Now(ctx)
	if a.Key == "" {
		a.Key = workflow.GetCurrentUpdateInfo(ctx).ID
	}
	return s.hand(ctx, at, func() (string, any, any, error) {
		return "accept", invitationActs.Accept, activities.AcceptInput{Acceptance: a, At: at}, nil
	})
}

// InvitationID names the run of a partner's invitation of an account: one at a time.
func InvitationID(i member.Invitation) string {
	return oneLiveID(member.Kind, i.PartnerID, i.AccountID)
}

// Invite starts an invitation, or sends the link of a running one again, and answers where it stands. The same again answers the
// first result. A refusal is found by activities.RefusalOf.
func Invite(ctx context.Context, c client.Client, i member.Invitation) (activities.Standing, error) {
	if i.RequestKey == "" {
		return activities.Standing{}, errors.New("an invitation needs a request key")
	}
	options := caseOptions(member.Kind, InvitationID(i), clip(i.PartnerID), clip(i.PartnerID)+" invites "+clip(i.AccountID))
	return submitCase[activities.Standing](ctx, c, options, MemberInvitationType, MemberInvitationInput{Invitation: i}, contentID(i.RequestKey, i.Digest()), i)
}

// AcceptInvitation sends an acceptance to the run of its invitation.
func AcceptInvitation(ctx context.Context, c client.Client, workflowID string, a member.Acceptance) (activities.Standing, error) {
	a.Key = keyOr(a.Key)
	return update[activities.Standing](ctx, c, workflowID, AcceptUpdate, contentID(a.Key, []byte(a.Account+" "+a.Proof+" "+a.Notice)), a)
}
