package workflows

import (
	"context"
	"fmt"
	"net/url"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/refusal"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// How people reach a running reconciliation.
const (
	ReconciliationType = "Reconciliation"
	ConfirmUpdate      = "confirm"
	RejectUpdate       = "reject"
	QuestionUpdate     = "question"
	ReplyUpdate        = "reply" // to a question
)

// ReconciliationInput presents the bills of a partner and period, or carries on a case whose workflow is gone.
type ReconciliationInput struct {
	Presentation activities.Presentation `json:"presentation"`
	Resume       string                  `json:"resume,omitempty"` // case number
}

// BillRequest is what a person says about bills that were presented.
type BillRequest struct {
	Person   string   `json:"person"`
	Bills    []string `json:"bills,omitempty"`
	Text     string   `json:"text,omitempty"`     // reason, question or answer
	Question int64    `json:"question,omitempty"` // that is answered
	Key      string   `json:"key,omitempty"`
}

func (b BillRequest) wellFormed() refusal.List {
	if b.Person == "" || !approval.Fits(64, append([]string{b.Person}, b.Bills...)...) || !approval.Fits(128, b.Key) || !approval.Fits(500, b.Text) || len(b.Bills) > 100 {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", "request", "A request about bills names the person who speaks, at most 100 bills, and gives at most 500 of text, without NUL characters.")}
	}
	return nil
}

// Reconciliation carries the bills that are presented together from the partner's check to their release.
//
//	             ┌────────────────── refused ───────────────────┐
//	             ▼                                              │
//	present ── TO_CONFIRM ── confirmed, or the deadline ── RELEASING ── RELEASED
//	             │     ▲         (INC-08, INC-10)                      (INC-07)
//	    rejected │     │ presented anew, or upheld
//	    (INC-09) └─────┘
//
// What was rejected or refused stays TO_CONFIRM without a deadline: operations recalculates, then the partner checks again.
func Reconciliation(ctx workflow.Context, in ReconciliationInput) (CaseResult, error) {
	r := &reconciliation{newCaseRun(in.Presentation.Digest())}
	r.waits = reconciliationWaits
	if err := r.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	if err := r.open(ctx, in); err != nil {
		return r.result(ctx, err)
	}
	r.serve(ctx, "check and release of bills (INC-08)", bill.ToConfirm, bill.Releasing)
	return r.result(ctx, nil)
}

// reconciliation is one run.
type reconciliation struct {
	caseRun[activities.Standing]
}

// recs only names the methods; the worker has the real one.
var recs *activities.Reconciliations

func (r *reconciliation) open(ctx workflow.Context, in ReconciliationInput) error {
	info := workflow.GetInfo(ctx).WorkflowExecution
	if in.Resume != "" {
		taken, err := answer[activities.Resumed](ctx, "resume "+in.Resume, cases.Resume, activities.ResumeInput{Case: in.Resume, RunID: info.RunID})
		return r.opened(ctx, taken.Standing, err)
	}
	now, err := answer[activities.Standing](ctx, "present", recs.OpenReconciliation, activities.OpenReconciliationInput{
		Presentation: in.Presentation, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	})
	return r.opened(ctx, now, err)
}

// reconciliationWaits says whose turn it is.
func reconciliationWaits(s activities.Standing) string {
	if s.State == bill.ToConfirm {
		return "the partner's check, or operations' recalculation"
	}
	return "the release by operations"
}

func (r *reconciliation) listen(ctx workflow.Context) error {
	for _, u := range []struct {
		name, does string
		step       any
	}{
		{ConfirmUpdate, "Confirm the bills, all of them", recs.ConfirmBills},
		{RejectUpdate, "Reject bills: which, and why", recs.RejectBills},
		{QuestionUpdate, "Ask about bills", recs.AskAboutBills},
		{ReplyUpdate, "Answer a question", recs.ReplyAboutBills},
	} {
		handle := func(ctx workflow.Context, b BillRequest) (activities.Standing, error) {
			if b.Key == "" {
				b.Key = workflow.GetCurrentUpdateInfo(ctx).ID
			}
			at := workflow.Now(ctx)
			return r.hand(ctx, at, func() (string, any, any, error) {
				return u.name + " by " + b.Person, u.step, activities.AnswerInput{
					Case: r.stands.Case, Key: b.Key, Person: b.Person, Bills: b.Bills, Text: b.Text, Question: b.Question, At: at,
				}, nil
			})
		}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, handle, workflow.UpdateHandlerOptions{
			Description: u.does,
			Validator:   func(_ workflow.Context, b BillRequest) error { return activities.Final(b.wellFormed().Err()) },
		}); err != nil {
			return err
		}
	}
	return r.caseRun.listen(ctx)
}

// ReconciliationID names the run of a set: reconciliation/P1001/2024-05, then .../2024-05/2.
func ReconciliationID(p activities.Presentation) string {
	id := fmt.Sprintf("%s/%s/%s", bill.Kind, url.PathEscape(p.Partner), p.Period)
	if p.Set > 1 {
		id = fmt.Sprintf("%s/%d", id, p.Set)
	}
	return id
}

// StartReconciliation starts the run of a set. One that runs already is left alone.
func StartReconciliation(ctx context.Context, c client.Client, p activities.Presentation) error {
	options := caseOptions(bill.Kind, ReconciliationID(p), p.Partner, fmt.Sprintf("%d bills of %s for %s", p.Bills, clip(p.Partner), p.Period))
	_, err := c.ExecuteWorkflow(ctx, options, ReconciliationType, ReconciliationInput{Presentation: p})
	return err
}

// AboutBills sends what a person says about presented bills to their run: the update is one of those above, the key is
// the request's.
func AboutBills(ctx context.Context, c client.Client, workflowID, name string, b BillRequest) (activities.Standing, error) {
	return update[activities.Standing](ctx, c, workflowID, name, name+"/"+b.Key, b)
}
