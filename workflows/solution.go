package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/solution"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// SolutionType is the workflow of one solution, for as long as it lives.
const SolutionType = "Solution"

// DeleteUpdate deletes what was rejected.
const DeleteUpdate = "delete"

// SolutionInput starts one solution, or carries on one: in its next cycle, or because its workflow is gone.
type SolutionInput struct {
	Submission solution.Submission `json:"submission,omitzero"`
	Resume     string              `json:"resume,omitempty"` // case number
}

// Solution carries one solution from its first submission through every certificate it gets (CERT). A run serves one certificate;
// the next one is a new run, so that no history grows with the years.
//
//	            ┌─ REFUSED              no case opened: every failed guard at once (ENG-06)
//	submission ─┴─ UNDER_REVIEW ─┬─ REJECTED       corrected and sent again, or DELETED
//	                             └─ CERTIFIED      for 12 months
//	                                 └─ EXPIRING   60 days before their end, by the clock ─┐ certified anew:
//	                                     └─ EXPIRED   at their end, by the clock ──────────┴─ CERTIFIED, the next cycle
//
// A review of a re-certification runs beside EXPIRING and EXPIRED and holds up neither (CERT-17).
func Solution(ctx workflow.Context, in SolutionInput) (CaseResult, error) {
	s := &solutionRun{newCaseRun(in.Submission.Storable().Digest())}
	s.follows = true                      // operators look for what expires
	if err := s.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &s.caseRun, in.Resume, solutionActs.OpenSolution, activities.OpenSolutionInput{
		Submission: in.Submission, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return s.result(ctx, err)
	}

	// The nodes approve or reject; then the clock: the window opens, reminders go, the certificate ends. Until the next one.
	s.serveCycle(ctx, "certificate")

	if s.stands.Ended { // deleted: nothing was ever certified
		return s.result(ctx, nil)
	}
	return CaseResult{}, s.again(ctx, SolutionType, SolutionInput{Resume: s.stands.Case})
}

// solutionRun is one run.
type solutionRun struct{ caseRun[activities.Standing] }

// solutionActs only names the methods; the worker has the real one.
var solutionActs *activities.Solutions

func (s *solutionRun) listen(ctx workflow.Context) error {
	s.waits = func(now activities.Standing) string {
		switch now.State {
		case solution.Rejected:
			return "the partner's correction"
		case solution.Certified:
			return "the window for re-certification"
		case solution.Expiring, solution.Expired:
			return "re-certification"
		}
		return "the approval nodes"
	}
	for _, handler := range []struct {
		name, description string
		run               any
	}{
		{SubmitUpdate, "Submit a draft; answers whether the case opened", s.submit},
		{ResubmitUpdate, "Send the next round: a rejected solution again, or an application for re-certification", s.send},
		{DeleteUpdate, "Delete a rejected solution", s.delete},
	} {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, handler.name, handler.run, workflow.UpdateHandlerOptions{Description: handler.description}); err != nil {
			return err
		}
	}
	return s.caseRun.listen(ctx)
}

func (s *solutionRun) submit(ctx workflow.Context, sub solution.Submission) (activities.Standing, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	return oneLive(ctx, &s.caseRun, sub.Storable().Digest(), sub.RequestKey, func(runID string, at time.Time) (any, any) {
		return solutionActs.OpenSolution, activities.OpenSolutionInput{Submission: sub, WorkflowID: id, RunID: runID, At: at}
	})
}

// send hands the next round to the main line.
func (s *solutionRun) send(ctx workflow.Context, sub solution.Submission) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return s.hand(ctx, at, func() (string, any, any, error) {
		return "submit by " + clip(sub.Submitter), solutionActs.SendSolution, activities.SendSolutionInput{Case: s.stands.Case, Submission: sub, At: at}, nil
	})
}

// delete hands a deletion to the main line.
func (s *solutionRun) delete(ctx workflow.Context, in activities.DeleteSolutionInput) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return s.hand(ctx, at, func() (string, any, any, error) {
		in.Case, in.At = s.stands.Case, at
		return "delete by " + clip(in.Person), solutionActs.DeleteSolution, in, nil
	})
}

// SubmitSolution starts the run of a draft and answers whether its case opened. The same submission again answers the first
// result. A refusal is found by activities.RefusalOf.
func SubmitSolution(ctx context.Context, c client.Client, sub solution.Submission) (activities.Standing, error) {
	if sub.RequestKey == "" {
		return activities.Standing{}, errors.New("a submission needs a request key")
	}
	options := caseOptions(solution.Kind, oneLiveID(solution.Kind, sub.PartnerID, sub.Draft), clip(sub.PartnerID), fmt.Sprintf("%s submits %s", clip(sub.PartnerID), clip(sub.Draft)))
	return submitCase[activities.Standing](ctx, c, options, SolutionType, SolutionInput{Submission: sub}, contentID(sub.RequestKey, sub.Digest()), sub)
}

// SendSolution sends a case's next round to its run. The same again answers the first result.
func SendSolution(ctx context.Context, c client.Client, workflowID string, sub solution.Submission) (activities.Standing, error) {
	if sub.RequestKey == "" {
		return activities.Standing{}, errors.New("a submission needs a request key")
	}
	return update[activities.Standing](ctx, c, workflowID, ResubmitUpdate, contentID(sub.RequestKey, sub.Digest()), sub)
}

// DeleteSolution asks the run of a rejected solution to delete it.
func DeleteSolution(ctx context.Context, c client.Client, workflowID string, in activities.DeleteSolutionInput) (activities.Standing, error) {
	in.Key = keyOr(in.Key)
	return update[activities.Standing](ctx, c, workflowID, DeleteUpdate, in.Key, in)
}
