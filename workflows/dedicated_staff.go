package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/staff"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// DedicatedStaffType is the workflow of one month's request.
const DedicatedStaffType = "DedicatedStaff"

// DedicatedStaffInput starts one request, or carries on one whose workflow is gone.
type DedicatedStaffInput struct {
	Request staff.Request `json:"request"`
	Resume  string        `json:"resume,omitempty"` // case number
}

// DedicatedStaff carries one month of a partner's specialists from the request to its final result (FHM).
//
//	          ┌─ REFUSED                         no case opened: every failed guard at once (ENG-06)
//	request ──┴─ PRELIMINARY_REVIEW ─┬─ PASSED   counts for its quarter's payment
//	                  ▲              ▼
//	                  └─ resubmitted ─ FAILED    until the month ends (FHM-03); then it stays failed
func DedicatedStaff(ctx workflow.Context, in DedicatedStaffInput) (CaseResult, error) {
	s := &staffRun{newCaseRun(in.Request.Storable().Digest())}
	if err := s.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &s.caseRun, in.Resume, staffActs.OpenStaffMonth, activities.OpenStaffMonthInput{
		Request: in.Request, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return s.result(ctx, err)
	}

	// PRELIMINARY_REVIEW: vendor operations pass or fail the month; FAILED: the partner sends it again while the month runs.
	s.serve(ctx, "preliminary review", staff.InReview, staff.Failed)

	return s.result(ctx, nil)
}

// staffRun is one run.
type staffRun struct{ caseRun[activities.Standing] }

// staffActs only names the methods; the worker has the real one.
var staffActs *activities.DedicatedStaff

func (s *staffRun) listen(ctx workflow.Context) error {
	s.waits = func(now activities.Standing) string {
		if now.State == staff.Failed {
			return "the partner's correction"
		}
		return "the preliminary review"
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SubmitUpdate, s.submit, workflow.UpdateHandlerOptions{
		Description: "Request a month; answers whether the case opened",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, ResubmitUpdate, s.resubmit, workflow.UpdateHandlerOptions{
		Description: "Send a failed request again, corrected, within its month",
	}); err != nil {
		return err
	}
	return s.caseRun.listen(ctx)
}

func (s *staffRun) submit(ctx workflow.Context, r staff.Request) (activities.Standing, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	return oneLive(ctx, &s.caseRun, r.Storable().Digest(), r.RequestKey, func(runID string, at time.Time) (any, any) {
		return staffActs.OpenStaffMonth, activities.OpenStaffMonthInput{Request: r, WorkflowID: id, RunID: runID, At: at}
	})
}

// resubmit hands a corrected request to the main line.
func (s *staffRun) resubmit(ctx workflow.Context, r staff.Request) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return s.hand(ctx, at, func() (string, any, any, error) {
		return "resubmit by " + clip(r.Submitter), staffActs.ResubmitStaffMonth, activities.ResubmitStaffMonthInput{Case: s.stands.Case, Request: r, At: at}, nil
	})
}

// RequestStaffMonth starts a month's request and answers whether its case opened. The same request again answers the first
// result. A refusal is found by activities.RefusalOf.
func RequestStaffMonth(ctx context.Context, c client.Client, r staff.Request) (activities.Standing, error) {
	if r.RequestKey == "" {
		return activities.Standing{}, errors.New("a request needs a request key")
	}
	options := caseOptions(staff.Kind, oneLiveID(staff.Kind, r.PartnerID, r.Month), clip(r.PartnerID), fmt.Sprintf("%s requests %s of %s", clip(r.PartnerID), clip(string(r.Scenario)), clip(r.Month)))
	return submitCase[activities.Standing](ctx, c, options, DedicatedStaffType, DedicatedStaffInput{Request: r}, contentID(r.RequestKey, r.Digest()), r)
}

// ResubmitStaffMonth sends a corrected request to the run of a failed one. The same again answers the first result.
func ResubmitStaffMonth(ctx context.Context, c client.Client, workflowID string, r staff.Request) (activities.Standing, error) {
	if r.RequestKey == "" {
		return activities.Standing{}, errors.New("a resubmission needs a request key")
	}
	return update[activities.Standing](ctx, c, workflowID, ResubmitUpdate, contentID(r.RequestKey, r.Digest()), r)
}
