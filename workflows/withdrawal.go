package workflows

import (
	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"go.temporal.io/sdk/workflow"
)

// How people reach a running withdrawal.
const (
	WithdrawalType = "Withdrawal"
	CancelUpdate   = "cancel"
	ResubmitUpdate = "resubmit" // after a return for changes
	MigrateUpdate  = "migrate"  // to the newest policy
)

// WithdrawalInput starts one withdrawal, or carries on one whose workflow is gone.
type WithdrawalInput struct {
	Application withdrawal.Application `json:"application"`
	Resume      string                 `json:"resume,omitempty"`    // case number
	OneTimer    bool                   `json:"one_timer,omitempty"` // false in runs of before: they set a timer at each wait
}

// WithdrawalResult is how it ended.
type WithdrawalResult struct {
	Case    string           `json:"case,omitempty"`    // empty when refused
	State   withdrawal.State `json:"state,omitempty"`   // PAID, REFUSED, CANCELLED or FAILED
	Refused refusal.List     `json:"refused,omitempty"` // why no case opened
}

// CancelRequest takes an application back.
type CancelRequest struct {
	Person string `json:"person"`
	Reason string `json:"reason,omitempty"`
	Key    string `json:"key,omitempty"`
}

func (c CancelRequest) wellFormed() refusal.List {
	if c.Person == "" || !approval.Fits(64, c.Person) || !approval.Fits(128, c.Key) || !approval.Fits(500, c.Reason) {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", "cancellation", "A cancellation names the person who cancels, in at most 64 characters, and gives at most 500 of reason, without NUL characters.")}
	}
	return nil
}

// Withdrawal carries one application from submission to the bank's answer.
//
//	          ┌─ REFUSED                          no case opened: every failed guard at once (ENG-06)
//	submit ───┤
//	          ├─ UNDER_REVIEW ─┬─ REFUSED         hold released (WDR-11)
//	          │      ▲         ├─ CANCELLED       hold released
//	          │      │         ├─ AWAITING_CHANGES ── CANCELLED, or
//	          │      └─────────│───── resubmitted, as the next round (PGM-11)
//	          │                ▼
//	          └─ APPROVED ─────┬─ FAILED          could not be sent, names came apart (WDL-04)
//	   by rule (WDL-17)        ▼
//	                        PAYING ────┬─ FAILED  returned by the bank, hold released
//	                                   └─ PAID
//
// A "no" from a person or a rule is a result; an error means the process failed.
func Withdrawal(ctx workflow.Context, in WithdrawalInput) (WithdrawalResult, error) {
	w := &withdrawalCase{caseRun[activities.WithdrawalStanding]{
		decideStep: acts.DecideWithdrawal, clockStep: acts.EscalateWithdrawal, stopStep: acts.StopWithdrawal, waits: withdrawalWaits, byDue: true, oneTimer: in.OneTimer,
		digest: in.Application.Storable().Digest(),
	}}
	if err := w.listen(ctx); err != nil { // first, or an early message is lost
		return WithdrawalResult{}, err
	}
	if err := w.open(ctx, in); err != nil {
		return w.close(ctx, err)
	}

	// UNDER_REVIEW: the policy's chain decides, step by step (WDR-02); AWAITING_CHANGES: it was returned, and the partner
	// resubmits it (PGM-11). In both the partner may take the application back.
	w.serve(ctx, "review term", withdrawal.UnderReview, withdrawal.Awaiting)

	// APPROVED, then PAYING: vendor finance sends, then reports the bank's answer (WDL-16, WDL-22, WDR-03).
	w.serve(ctx, "term of arrival (WDL-16)", withdrawal.Approved, withdrawal.Paying)

	return w.close(ctx, nil)
}

// withdrawalCase is one run.
type withdrawalCase struct {
	caseRun[activities.WithdrawalStanding]
}

// acts only names the methods; the worker has the real one.
var acts *activities.Withdrawals

// open asks the database to open the case; whoever submitted learns the answer at once.
func (w *withdrawalCase) open(ctx workflow.Context, in WithdrawalInput) error {
	info := workflow.GetInfo(ctx).WorkflowExecution
	if in.Resume != "" {
		taken, err := answer[activities.ResumedWithdrawal](ctx, "resume "+in.Resume, acts.ResumeWithdrawal, activities.ResumeInput{Case: in.Resume, RunID: info.RunID})
		w.digest = taken.RequestDigest
		return w.opened(ctx, taken.WithdrawalStanding, err)
	}
	now, err := answer[activities.WithdrawalStanding](ctx, "submit", acts.OpenWithdrawal, activities.OpenWithdrawalInput{
		Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	})
	return w.opened(ctx, now, err)
}

// close ends the run.
func (w *withdrawalCase) close(ctx workflow.Context, failed error) (WithdrawalResult, error) {
	refused, err := w.end(ctx, failed)
	if refused != nil || w.now.Case == "" {
		return WithdrawalResult{Refused: refused}, err
	}
	return WithdrawalResult{Case: w.now.Case, State: w.now.State}, err
}

// withdrawalWaits says whose turn it is.
func withdrawalWaits(s activities.Standing) string {
	if s.State == withdrawal.Awaiting {
		return "the partner's changes"
	}
	return "the vendor's people"
}

func (w *withdrawalCase) listen(ctx workflow.Context) error {
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SubmitUpdate, w.submit, workflow.UpdateHandlerOptions{
		Description: "Apply for a withdrawal; answers whether the case opened",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, CancelUpdate, w.cancel, workflow.UpdateHandlerOptions{
		Description: "Take the application back while nobody has decided it",
		Validator:   func(_ workflow.Context, c CancelRequest) error { return activities.Final(c.wellFormed().Err()) },
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, ResubmitUpdate, w.resubmit, workflow.UpdateHandlerOptions{
		Description: "Resubmit an application that was returned for changes",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, MigrateUpdate, w.migrate, workflow.UpdateHandlerOptions{
		Description: "Move the case to the newest policy, on purpose",
		Validator:   func(_ workflow.Context, c CancelRequest) error { return activities.Final(c.wellFormed().Err()) },
	}); err != nil {
		return err
	}
	return w.caseRun.listen(ctx)
}

// submit answers whether the case opened. A run has one application: another body under its key is refused (COM-20).
func (w *withdrawalCase) submit(ctx workflow.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	return w.submitted(ctx, app.Storable().Digest(), app.RequestKey)
}

// cancel hands a cancellation to the main line.
func (w *withdrawalCase) cancel(ctx workflow.Context, c CancelRequest) (activities.WithdrawalStanding, error) {
	if c.Key == "" {
		c.Key = workflow.GetCurrentUpdateInfo(ctx).ID
	}
	at := workflow.Now(ctx)
	return w.hand(ctx, at, func() (string, any, any, error) {
		return "cancel by " + c.Person, acts.CancelWithdrawal,
			activities.CancelWithdrawalInput{Case: w.now.Case, Key: c.Key, Person: c.Person, Reason: c.Reason, At: at}, nil
	})
}

// resubmit hands a changed application to the main line.
func (w *withdrawalCase) resubmit(ctx workflow.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	at, run := workflow.Now(ctx), workflow.GetInfo(ctx).WorkflowExecution.RunID
	return w.hand(ctx, at, func() (string, any, any, error) {
		return "resubmit by " + app.Submitter, acts.ResubmitWithdrawal, activities.ResubmitWithdrawalInput{Case: w.now.Case, Application: app, RunID: run, At: at}, nil
	})
}

// migrate hands a change of policy to the main line.
func (w *withdrawalCase) migrate(ctx workflow.Context, c CancelRequest) (activities.WithdrawalStanding, error) {
	if c.Key == "" {
		c.Key = workflow.GetCurrentUpdateInfo(ctx).ID
	}
	at := workflow.Now(ctx)
	return w.hand(ctx, at, func() (string, any, any, error) {
		return "migrate policy by " + c.Person, acts.MigratePolicy, activities.MigratePolicyInput{Case: w.now.Case, Key: c.Key, Person: c.Person, At: at}, nil
	})
}
