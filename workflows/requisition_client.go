package workflows

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/domain/requisition"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// RequisitionID names the run of an application: a partner's request key is used once.
func RequisitionID(app requisition.Application) string {
	return fmt.Sprintf("%s/%s/%s", requisition.Kind, url.PathEscape(app.PartnerID), url.PathEscape(app.RequestKey))
}

// SubmitRequisition starts a requisition and answers whether its case opened. The same application again answers the first
// result. A refusal is found by activities.RefusalOf.
func SubmitRequisition(ctx context.Context, c client.Client, app requisition.Application) (activities.Standing, error) {
	if app.RequestKey == "" {
		return activities.Standing{}, errors.New("an application needs a request key")
	}
	id := clip(app.RequestKey) + "/" + hex.EncodeToString(app.Digest()[:8])
	return submitCase[activities.Standing](ctx, c, caseOptions(requisition.Kind, RequisitionID(app), app.PartnerID, requisitionSummary(app)), RequisitionType, RequisitionInput{Application: app}, id, app)
}

func requisitionSummary(app requisition.Application) string {
	method := ""
	if len(app.Methods) == 1 {
		method = string(app.Methods[0])
	}
	return fmt.Sprintf("%s requests incentive by %s, %s", clip(app.PartnerID), clip(method), app.Scope())
}

// AskSpecial asks for another method, or to take a requisition back.
func AskSpecial(ctx context.Context, c client.Client, workflowID string, r CaseRequest) (activities.Standing, error) {
	r.Key = keyOr(r.Key)
	return update[activities.Standing](ctx, c, workflowID, SpecialUpdate, r.Key, r)
}

// GoOn tells a requisition that a person decided a change of business information (AUT-05).
func GoOn(ctx context.Context, c client.Client, workflowID, person string) (activities.Standing, error) {
	return update[activities.Standing](ctx, c, workflowID, GoOnUpdate, uuid.NewString(), CaseRequest{Person: person})
}

// StartAutomaticRelease has the automatic release look at an instant; the answer is what it requested.
func StartAutomaticRelease(ctx context.Context, c client.Client, at time.Time) (AutomaticReleaseResult, error) {
	var result AutomaticReleaseResult
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "automatic-release/" + at.UTC().Format(time.RFC3339), TaskQueue: TaskQueue, StaticSummary: "looks for incentive that is requested automatically",
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, AutomaticReleaseType, AutomaticReleaseInput{At: at})
	if err != nil {
		return result, err
	}
	return result, run.Get(ctx, &result)
}
