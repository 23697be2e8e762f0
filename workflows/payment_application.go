package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/quarter"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// PaymentApplicationType is the workflow of one quarter's application.
const PaymentApplicationType = "PaymentApplication"

// PaymentApplicationInput starts one application, or carries on one whose workflow is gone.
type PaymentApplicationInput struct {
	Application quarter.Application `json:"application"`
	Resume      string              `json:"resume,omitempty"` // case number
}

// PaymentApplication carries the payment of one quarter from the application to the bank's answer (QPY).
//
//	        ┌─ REFUSED                              no case opened: every failed guard at once (ENG-06)
//	apply ──┴─ PAYMENT_REVIEW ─┬─ PAYMENT_APPROVED  the fund is owed; invoices, round by round (QPY-12)
//	                ▲          ▼          ▼
//	                └─── REJECTED   WAITING_PAYMENT ── PAID
func PaymentApplication(ctx workflow.Context, in PaymentApplicationInput) (CaseResult, error) {
	q := &quarterRun{newCaseRun(in.Application.Storable().Digest())}
	if err := q.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &q.caseRun, in.Resume, quarterActs.OpenPaymentApplication, activities.OpenPaymentApplicationInput{
		Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return q.result(ctx, err)
	}

	// PAYMENT_REVIEW: vendor operations decide; REJECTED: the partner corrects and submits again (QPY-11).
	q.serve(ctx, "payment review", quarter.Review, quarter.Rejected)

	// PAYMENT_APPROVED: the partner invoices, vendor finance reviews, as often as it takes (QPY-12, INV-15).
	q.serve(ctx, "invoices (INV-12)", quarter.Approved)

	// WAITING_PAYMENT: vendor finance sends, then reports the bank's answer (QPY-13).
	q.serve(ctx, "payment", quarter.Waiting)

	return q.result(ctx, nil)
}

// quarterRun is one run.
type quarterRun struct{ caseRun[activities.Standing] }

// quarterActs only names the methods; the worker has the real one.
var quarterActs *activities.PaymentApplications

func (q *quarterRun) listen(ctx workflow.Context) error {
	partners := map[domain.State]string{quarter.Rejected: "the partner's correction", quarter.Approved: "the partner's invoices and their review"}
	q.waits = func(now activities.Standing) string {
		if whose, ok := partners[now.State]; ok {
			return whose
		}
		return "the vendor's people"
	}
	for _, u := range []struct {
		name, description string
		handler           any
	}{
		{SubmitUpdate, "Request a quarter's payment; answers whether the case opened", q.submit},
		{ResubmitUpdate, "Submit a rejected application again, corrected", q.resubmit},
	} {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handler, workflow.UpdateHandlerOptions{Description: u.description}); err != nil {
			return err
		}
	}
	if err := listenForInvoices(ctx, &q.caseRun); err != nil {
		return err
	}
	return q.caseRun.listen(ctx)
}

func (q *quarterRun) submit(ctx workflow.Context, a quarter.Application) (activities.Standing, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	return oneLive(ctx, &q.caseRun, a.Storable().Digest(), a.RequestKey, func(runID string, at time.Time) (any, any) {
		return quarterActs.OpenPaymentApplication, activities.OpenPaymentApplicationInput{Application: a, WorkflowID: id, RunID: runID, At: at}
	})
}

// resubmit hands a corrected application to the main line.
func (q *quarterRun) resubmit(ctx workflow.Context, a quarter.Application) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return q.hand(ctx, at, func() (string, any, any, error) {
		return "resubmit by " + clip(a.Submitter), quarterActs.ResubmitPaymentApplication, activities.ResubmitPaymentApplicationInput{Case: q.stands.Case, Application: a, At: at}, nil
	})
}

// ApplyForQuarter starts a quarter's application and answers whether its case opened. The same application again answers the
// first result. A refusal is found by activities.RefusalOf.
func ApplyForQuarter(ctx context.Context, c client.Client, a quarter.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("an application needs a request key")
	}
	label := a.Quarter
	if q, err := quarter.ParseQuarter(label); err == nil {
		label = q.String()
	}
	options := caseOptions(quarter.Kind, oneLiveID(quarter.Kind, a.PartnerID, label), clip(a.PartnerID), fmt.Sprintf("%s requests the payment of %s", clip(a.PartnerID), clip(label)))
	return submitCase[activities.Standing](ctx, c, options, PaymentApplicationType, PaymentApplicationInput{Application: a}, contentID(a.RequestKey, a.Digest()), a)
}

// ResubmitQuarter sends a corrected application to the run of a rejected one. The same again answers the first result.
func ResubmitQuarter(ctx context.Context, c client.Client, workflowID string, a quarter.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("a resubmission needs a request key")
	}
	return update[activities.Standing](ctx, c, workflowID, ResubmitUpdate, contentID(a.RequestKey, a.Digest()), a)
}
