package workflows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/specialist"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// ProjectSpecialistType is the workflow of one member on one path.
const ProjectSpecialistType = "ProjectSpecialist"

// What is asked for of a specialist beside decisions.
const (
	CancelSpecialistUpdate     = "cancel-specialist"
	WithdrawCancellationUpdate = "withdraw-cancellation"
	RevokeSpecialistUpdate     = "revoke-specialist"
)

// ProjectSpecialistInput starts a case, or carries on one whose run is gone or has become long.
type ProjectSpecialistInput struct {
	Application specialist.Application `json:"application"`
	Resume      string                 `json:"resume,omitempty"` // case number
}

// ProjectSpecialist carries one member of a partner on one path from the application to the end of being a specialist (ORG-38
// to ORG-43). Between decisions it waits for months, without a timer: nothing about a specialist ends by the clock.
//
//	        ┌─ REFUSED                                         no case opened: every failed guard at once (ENG-06)
//	apply ──┴─ SPECIALIST_REVIEW ─┬─ SPECIALIST ─┬─ CANCELLED_BY_VENDOR
//	               ▲              ▼        ▲     ▼
//	               └─ SPECIALIST_REJECTED  └─ CANCEL_REVIEW ─── CANCEL_APPROVED
//	                                             ▲ ▼
//	                                        CANCEL_REJECTED    withdrawn, a cancellation goes back to where it was filed
func ProjectSpecialist(ctx workflow.Context, in ProjectSpecialistInput) (CaseResult, error) {
	s := &specialistRun{newCaseRun(in.Application.Storable().Digest())}
	s.follows = true                      // cases rest for months, and operators look for them by their state
	if err := s.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &s.caseRun, in.Resume, specialistActs.ApplyForSpecialist, activities.ApplyForSpecialistInput{
		Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return s.result(ctx, err)
	}
	s.serveCycle(ctx, "the vendor's decision")
	if !s.stands.Ended { // a specialist's life may be longer than a history
		return CaseResult{}, s.again(ctx, ProjectSpecialistType, ProjectSpecialistInput{Resume: s.stands.Case})
	}
	return s.result(ctx, nil)
}

// specialistRun is one run.
type specialistRun struct{ caseRun[activities.Standing] }

// specialistActs only names the methods; the worker has the real one.
var specialistActs *activities.ProjectSpecialists

func (s *specialistRun) listen(ctx workflow.Context) error {
	waits := map[domain.State]string{
		specialist.Rejected: "another application", specialist.Recognised: "a cancellation, by the partner or by the vendor", specialist.CancelRejected: "another cancellation",
	}
	s.waits = func(now activities.Standing) string {
		if what, ok := waits[now.State]; ok {
			return what
		}
		return "the vendor's decision"
	}
	for _, u := range []struct {
		name, description string
		handler           any
	}{
		{SubmitUpdate, "Apply for a member, or apply again after a rejection; answers where the case stands", s.submit},
		{CancelSpecialistUpdate, "Apply to cancel the specialist, by reason and file", s.cancelled},
		{WithdrawCancellationUpdate, "Take a cancellation back before it is decided", s.withdrawn},
		{RevokeSpecialistUpdate, "Strike the specialist off, for the vendor", s.revoked},
	} {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handler, workflow.UpdateHandlerOptions{Description: u.description}); err != nil {
			return err
		}
	}
	return s.caseRun.listen(ctx)
}

// submit hands every application but the run's own to the main line: after a rejection it is the next round, else it is refused.
func (s *specialistRun) submit(ctx workflow.Context, a specialist.Application) (activities.Standing, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	return oneLive(ctx, &s.caseRun, a.Storable().Digest(), a.RequestKey, func(runID string, at time.Time) (any, any) {
		return specialistActs.ApplyForSpecialist, activities.ApplyForSpecialistInput{Application: a, WorkflowID: id, RunID: runID, At: at}
	})
}

func (s *specialistRun) cancelled(ctx workflow.Context, in activities.SpecialistStepInput) (activities.Standing, error) {
	return s.step(ctx, "cancel", specialistActs.CancelSpecialist, in)
}

func (s *specialistRun) withdrawn(ctx workflow.Context, in activities.SpecialistStepInput) (activities.Standing, error) {
	return s.step(ctx, "withdraw", specialistActs.WithdrawCancellation, in)
}

func (s *specialistRun) revoked(ctx workflow.Context, in activities.SpecialistStepInput) (activities.Standing, error) {
	return s.step(ctx, "revoke", specialistActs.RevokeSpecialist, in)
}

// step hands one thing that somebody asks for to the main line.
func (s *specialistRun) step(ctx workflow.Context, what string, activity any, in activities.SpecialistStepInput) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return s.hand(ctx, at, func() (string, any, any, error) {
		in.Case, in.At = s.stands.Case, at
		return what + " by " + clip(in.Person), activity, in, nil
	})
}

// ProjectSpecialistID names the one run of a member of a partner on a path.
func ProjectSpecialistID(a specialist.Application) string {
	return oneLiveID(specialist.Kind, a.PartnerID, a.Account) + "/" + url.PathEscape(clip(string(a.Path)))
}

// ApplyForSpecialist applies for one member and answers where the case stands. The same application again answers the first
// result. A refusal is found by activities.RefusalOf.
func ApplyForSpecialist(ctx context.Context, c client.Client, a specialist.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("an application needs a request key")
	}
	options := caseOptions(specialist.Kind, ProjectSpecialistID(a), clip(a.PartnerID), fmt.Sprintf("%s applies for a specialist on path %s", clip(a.PartnerID), clip(string(a.Path))))
	return submitCase[activities.Standing](ctx, c, options, ProjectSpecialistType, ProjectSpecialistInput{Application: a}, contentID(a.RequestKey, a.Digest()), a)
}

// AppliedFor is what became of the application for one member of several.
type AppliedFor struct {
	Account  string
	Key      string // its own request key
	Standing activities.Standing
	Err      error
}

// ApplyForSpecialists applies for several members at once (ORG-38): one application each, under a request key of its own that
// follows from the common one, so that a repeat applies for nobody twice. What is refused for one holds up no other.
func ApplyForSpecialists(ctx context.Context, a specialist.Application, members []string, apply func(context.Context, specialist.Application) (activities.Standing, error)) []AppliedFor {
	var out []AppliedFor
	for _, m := range members {
		one := a
		one.Account, one.RequestKey = m, uuid.NewSHA1(uuid.NameSpaceOID, []byte(a.RequestKey+"/"+m)).String()
		now, err := apply(ctx, one)
		out = append(out, AppliedFor{Account: m, Key: one.RequestKey, Standing: now, Err: err})
	}
	return out
}

// AskOfSpecialist sends one of the specialist's updates to the run of a case. The same key again answers the first result.
func AskOfSpecialist(ctx context.Context, c client.Client, workflowID, updateName string, in activities.SpecialistStepInput) (activities.Standing, error) {
	if in.Key == "" {
		return activities.Standing{}, errors.New("a request needs a key")
	}
	return update[activities.Standing](ctx, c, workflowID, updateName, contentID(in.Key, fmt.Appendf(nil, "%q %q %q", in.Person, in.Reason, in.Document)), in)
}
