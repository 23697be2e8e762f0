package workflows

import (
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/requisition"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// AutomaticReleaseType is the run that looks for incentive data that is old enough, and requests it.
const AutomaticReleaseType = "AutomaticRelease"

// AutomaticReleaseInput is when it looks; the zero instant is now.
type AutomaticReleaseInput struct {
	At time.Time `json:"at,omitzero"`
}

// AutomaticReleaseResult is what it requested.
type AutomaticReleaseResult struct {
	Requested []string `json:"requested"` // workflow IDs, each a requisition of its own
}

// AutomaticRelease looks once and starts the requisitions that are due (PAY-19, PAY-20, PAY-23). They live on by themselves. The
// daily run has it done at 00:00; an operator may have it done at any time, it requests nothing twice.
func AutomaticRelease(ctx workflow.Context, in AutomaticReleaseInput) (AutomaticReleaseResult, error) {
	at := in.At
	if at.IsZero() {
		at = workflow.Now(ctx)
	}
	workflow.SetCurrentDetails(ctx, "Looks for incentive that is old enough on "+at.UTC().Format(time.RFC3339)+".")
	started, err := releaseAutomatically(ctx, at)
	if err == nil {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("Done: %d requisitions started.", len(started)))
	}
	return AutomaticReleaseResult{Requested: started}, err
}

// releaseAutomatically does one look of the automatic release, as a part of any run.
func releaseAutomatically(ctx workflow.Context, at time.Time) ([]string, error) {
	due, err := answer[[]requisition.Application](ctx, "automatic release", reqs.AutomaticRelease, activities.AutomaticInput{At: at})
	if err != nil {
		return nil, err
	}
	started := []string{}
	for _, app := range due {
		id := RequisitionID(app)
		options := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: id, TaskQueue: TaskQueue, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, WorkflowTaskTimeout: 5 * time.Second,
			TypedSearchAttributes: temporal.NewSearchAttributes(caseKind.ValueSet(requisition.Kind), casePartner.ValueSet(app.PartnerID)),
			StaticSummary:         requisitionSummary(app),
		})
		var run workflow.Execution
		err := workflow.ExecuteChildWorkflow(options, RequisitionType, RequisitionInput{Application: app}).GetChildWorkflowExecution().Get(ctx, &run)
		if temporal.IsWorkflowExecutionAlreadyStartedError(err) { // by a look before this one
			continue
		}
		if err != nil {
			return started, err
		}
		started = append(started, id)
	}
	return started, nil
}
