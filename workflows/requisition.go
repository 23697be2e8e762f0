package workflows

import (
	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/requisition"

	"go.temporal.io/sdk/workflow"
)

// How people reach a running requisition, beside submit and decide.
const (
	RequisitionType = "Requisition"
	SpecialUpdate   = "special" // another method, or taken back, for a special reason (PAY-15)
	GoOnUpdate      = "go-on"   // a change of business information was decided (AUT-05)
)

// RequisitionInput starts one requisition, or carries on one whose workflow is gone.
type RequisitionInput struct {
	Application requisition.Application `json:"application"`
	Resume      string                  `json:"resume,omitempty"` // case number
}

// CaseRequest is a request about a case by a person.
type CaseRequest struct {
	Person  string              `json:"person"`
	Key     string              `json:"key,omitempty"`
	Special requisition.Special `json:"special,omitzero"` // of a special case
}

func (r CaseRequest) wellFormed() error {
	if r.Person == "" || !approval.Fits(64, r.Person, string(r.Special.Method)) || !approval.Fits(128, r.Key) || !approval.Fits(500, r.Special.Reason) {
		return activities.Final(refusal.List{refusal.New("ENG-06", "CBC.0100", "request", "A request names its person in at most 64 characters, and gives at most 500 of reason, without NUL characters.")})
	}
	return nil
}

// Requisition carries one request for incentive from submission to the money.
//
//	         ┌─ nothing opens                      every failed guard at once (ENG-06)
//	submit ──┤
//	         ├─ PAYING ──────────────────────────┐ quota, or cash with an owed invoice: granted at once (PAY-09)
//	         └─ WAITING_INVOICE ◄──┐             │ bank or cloud account
//	                 ▼             │ failed      │
//	            INVOICE_REVIEW ────┘ (INV-15)    │
//	                 ▼                           ▼
//	           REQUISITION_REVIEW ───────────► PAYING ─┬─ COMPLETED
//	                 ▼                           ▲     ▼
//	              REJECTED                       └── FAILED   mended by customer service, paid once (PAY-22)
//
// A payment waits while business information is changed (AUT-05). A special case may change the method, or take the request
// back, until money moves (PAY-15). A "no" from a person or a rule is a result; an error means the process failed.
func Requisition(ctx workflow.Context, in RequisitionInput) (CaseResult, error) {
	r := &requisitionRun{newCaseRun(in.Application.Storable().Digest())}
	r.waits = requisitionWaits
	if err := r.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	if err := r.open(ctx, in); err != nil {
		return r.result(ctx, err)
	}

	// The partner invoices and the vendor's finance reviews that, in as many rounds as it takes (INV-15).
	r.serve(ctx, "invoices", requisition.WaitingInvoice, requisition.InvoiceReview)

	// It is reviewed and paid; what failed is mended and paid again.
	r.serve(ctx, "review and payment", requisition.Review, requisition.Paying, requisition.Failed)

	return r.result(ctx, nil)
}

// requisitionRun is one run.
type requisitionRun struct {
	caseRun[activities.Standing]
}

// reqs only names the methods; the worker has the real one.
var reqs *activities.Requisitions

// open asks the database to open the case; whoever submitted learns the answer at once.
func (r *requisitionRun) open(ctx workflow.Context, in RequisitionInput) error {
	info := workflow.GetInfo(ctx).WorkflowExecution
	if in.Resume != "" {
		taken, err := answer[activities.Resumed](ctx, "resume "+in.Resume, cases.Resume, activities.ResumeInput{Case: in.Resume, RunID: info.RunID})
		r.digest = taken.RequestDigest
		return r.opened(ctx, taken.Standing, err)
	}
	now, err := answer[activities.Standing](ctx, "submit", reqs.OpenRequisition, activities.OpenRequisitionInput{
		Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	})
	return r.opened(ctx, now, err)
}

// requisitionWaits says whose turn it is.
func requisitionWaits(s activities.Standing) string {
	if s.State == requisition.WaitingInvoice {
		return "the partner's invoices"
	}
	return "the vendor's people"
}

func (r *requisitionRun) listen(ctx workflow.Context) error {
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SubmitUpdate, r.submit, workflow.UpdateHandlerOptions{
		Description: "Apply for the disbursement of incentive; answers whether the case opened",
	}); err != nil {
		return err
	}
	if err := listenForInvoices(ctx, &r.caseRun); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SpecialUpdate, r.special, workflow.UpdateHandlerOptions{
		Description: "Ask for another method, or to take the request back, for a special reason",
		Validator:   func(_ workflow.Context, c CaseRequest) error { return c.wellFormed() },
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, GoOnUpdate, r.goOn, workflow.UpdateHandlerOptions{
		Description: "A change of business information was decided: go on if that was waited for",
	}); err != nil {
		return err
	}
	return r.caseRun.listen(ctx)
}

// submit answers whether the case opened. A run has one application: another body under its key is refused (COM-20).
func (r *requisitionRun) submit(ctx workflow.Context, app requisition.Application) (activities.Standing, error) {
	return r.submitted(ctx, app.Storable().Digest(), app.RequestKey)
}

func (r *requisitionRun) special(ctx workflow.Context, c CaseRequest) (activities.Standing, error) {
	c.Key = r.keyOf(ctx, c.Key)
	at := workflow.Now(ctx)
	return r.hand(ctx, at, func() (string, any, any, error) {
		return "special case by " + c.Person, reqs.AskSpecial, activities.AskSpecialInput{Case: r.stands.Case, Person: c.Person, Key: c.Key, Special: c.Special, At: at}, nil
	})
}

func (r *requisitionRun) goOn(ctx workflow.Context, c CaseRequest) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return r.hand(ctx, at, func() (string, any, any, error) {
		return "go on, decided by " + c.Person, reqs.GoOn, activities.GoOnInput{Case: r.stands.Case, At: at}, nil
	})
}

// keyOf is a request's key; who gave none has that of the update.
func (r *requisitionRun) keyOf(ctx workflow.Context, key string) string {
	if key != "" {
		return key
	}
	return workflow.GetCurrentUpdateInfo(ctx).ID
}
