package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/baseline"
	"countersign/domain/solution"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// BaselineSolutionType is the workflow of one joint solution.
const BaselineSolutionType = "BaselineSolution"

// ActUpdate asks something of a joint solution beside decisions.
const ActUpdate = "act"

// BaselineSolutionInput starts one joint solution, or carries on one: with a fresh history, or because its workflow is gone.
type BaselineSolutionInput struct {
	Submission baseline.Submission `json:"submission,omitzero"`
	Resume     string              `json:"resume,omitempty"` // case number
}

// BaselineSolution carries one joint solution from its project to its release (CERT-25 to CERT-31). Beside the main line run tracks
// of their own, in the database:
//
//	         ┌─ REFUSED                 no case opened: every failed guard at once (ENG-06)
//	draft ───┴─ PROJECT_REVIEW ─┬─ PROJECT_DONE ─── RELEASE_REVIEW ─┬─ RELEASED   public, an offering, a certified solution (CERT-21)
//	                 ▲          ▼                        ▲          ▼
//	                 └─ PROJECT_REJECTED                 └─ RELEASE_REJECTED
//
//	DESIGN        DESIGNING ── VERIFYING ── VERIFIED            whatever the project's state (CERT-28)
//	GOODS         GOODS_LISTING ── GOODS_LISTED                 once the project is done (CERT-29)
//	CONFIGURATOR  CONFIGURATOR_IN_PROGRESS ── CONFIGURATOR_DONE likewise, also beyond the release
func BaselineSolution(ctx workflow.Context, in BaselineSolutionInput) (CaseResult, error) {
	s := &baselineRun{newCaseRun(in.Submission.Storable().Digest())}
	s.follows = true
	if err := s.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &s.caseRun, in.Resume, baselineActs.OpenBaseline, activities.OpenBaselineInput{
		Submission: in.Submission, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return s.result(ctx, err)
	}

	// Project, tracks and release, in whichever order people come; a long history is carried on by a fresh one.
	s.serveWhile(ctx, "review", func() bool {
		return s.stands.State != baseline.Released && !workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	})
	if s.stands.State != baseline.Released {
		return CaseResult{}, s.again(ctx, BaselineSolutionType, BaselineSolutionInput{Resume: s.stands.Case})
	}

	// RELEASED: the certified solution that it became lives on in a run of its own (CERT-21).
	if err := s.startSolution(ctx); err != nil {
		return CaseResult{}, err
	}
	s.serve(ctx, "configurator", baseline.Released)

	return s.result(ctx, nil)
}

// baselineRun is one run.
type baselineRun struct{ caseRun[activities.Standing] }

// baselineActs only names the methods; the worker has the real one.
var baselineActs *activities.BaselineSolutions

func (s *baselineRun) listen(ctx workflow.Context) error {
	s.waits = func(now activities.Standing) string {
		switch now.State {
		case baseline.ProjectRejected, baseline.ReleaseRejected:
			return "the partner's correction"
		case baseline.ProjectDone:
			return "design, goods and the release application"
		case baseline.Released:
			return "the configurator"
		}
		return "the vendor's review"
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SubmitUpdate, s.submit, workflow.UpdateHandlerOptions{
		Description: "Submit a joint project; answers whether the case opened",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, ActUpdate, s.act, workflow.UpdateHandlerOptions{
		Description: "Submit again, carry a track on, or submit the release",
	}); err != nil {
		return err
	}
	return s.caseRun.listen(ctx)
}

func (s *baselineRun) submit(ctx workflow.Context, sub baseline.Submission) (activities.Standing, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	return oneLive(ctx, &s.caseRun, sub.Storable().Digest(), sub.RequestKey, func(runID string, at time.Time) (any, any) {
		return baselineActs.OpenBaseline, activities.OpenBaselineInput{Submission: sub, WorkflowID: id, RunID: runID, At: at}
	})
}

// act hands a request to the main line.
func (s *baselineRun) act(ctx workflow.Context, a baseline.Act) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return s.hand(ctx, at, func() (string, any, any, error) {
		return clip(string(a.Action)) + " by " + clip(a.Person), baselineActs.ActBaseline, activities.ActBaselineInput{Case: s.stands.Case, Act: a, At: at}, nil
	})
}

// startSolution starts the run of the certified solution that a release became, and does not wait for its end; one that runs goes on.
func (s *baselineRun) startSolution(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	synced, err := record[activities.SyncedSolution](ctx, "look for the certified solution", baselineActs.Synced, s.stands.Case)
	if err != nil || synced.Number == "" {
		return err
	}
	options := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: synced.WorkflowID, TaskQueue: TaskQueue, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, WorkflowTaskTimeout: 5 * time.Second,
		TypedSearchAttributes: temporal.NewSearchAttributes(caseKind.ValueSet(solution.Kind), casePartner.ValueSet(synced.Partner)),
		StaticSummary:         fmt.Sprintf("%s of %s, released as %s", synced.Number, synced.Partner, s.stands.Case),
	})
	err = workflow.ExecuteChildWorkflow(options, SolutionType, SolutionInput{Resume: synced.Number}).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) { // by a run before this one
		return nil
	}
	return err
}

// SubmitBaseline starts the run of a joint project and answers whether its case opened. The same submission again answers the first
// result. A refusal is found by activities.RefusalOf.
func SubmitBaseline(ctx context.Context, c client.Client, sub baseline.Submission) (activities.Standing, error) {
	if sub.RequestKey == "" {
		return activities.Standing{}, errors.New("a submission needs a request key")
	}
	options := caseOptions(baseline.Kind, oneLiveID(baseline.Kind, sub.PartnerID, sub.Project), clip(sub.PartnerID), fmt.Sprintf("%s submits %s", clip(sub.PartnerID), clip(sub.Project)))
	return submitCase[activities.Standing](ctx, c, options, BaselineSolutionType, BaselineSolutionInput{Submission: sub}, contentID(sub.RequestKey, sub.Digest()), sub)
}

// ActBaseline sends a request to the run of a joint solution. The same again answers the first result.
func ActBaseline(ctx context.Context, c client.Client, workflowID string, a baseline.Act) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("a request needs a request key")
	}
	return update[activities.Standing](ctx, c, workflowID, ActUpdate, contentID(a.RequestKey, a.Digest()), a)
}
