package workflows

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How people reach a running withdrawal.
const (
	WithdrawalType = "Withdrawal"
	SubmitUpdate   = "submit" // update-with-start: answers whether the case opened
	DecideUpdate   = "decide" // answers once the decision is recorded
	DecideSignal   = "decide" // the same for those who need no answer; a refusal becomes an event
	CancelUpdate   = "cancel"
	ResubmitUpdate = "resubmit" // after a return for changes
	MigrateUpdate  = "migrate"  // to the newest policy
)

// TypeSubmitAgain is the error of an application that met a run which was just refused for another one.
const TypeSubmitAgain = "submit-again"

// WithdrawalInput starts one withdrawal, or carries on one whose workflow is gone.
type WithdrawalInput struct {
	Application withdrawal.Application `json:"application"`
	Resume      string                 `json:"resume,omitempty"` // case number
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
	w := &withdrawalCase{digest: in.Application.Storable().Digest()}
	if err := w.listen(ctx); err != nil { // first, or an early message is lost
		return WithdrawalResult{}, err
	}
	if err := w.open(ctx, in); err != nil {
		return w.end(ctx, err)
	}

	// UNDER_REVIEW: the policy's chain decides, step by step (WDR-02); AWAITING_CHANGES: it was returned, and the partner
	// resubmits it (PGM-11). In both the partner may take the application back.
	w.serve(ctx, "review term", withdrawal.UnderReview, withdrawal.Awaiting)

	// APPROVED, then PAYING: vendor finance sends, then reports the bank's answer (WDL-16, WDL-22, WDR-03).
	w.serve(ctx, "term of arrival (WDL-16)", withdrawal.Approved, withdrawal.Paying)

	return w.end(ctx, nil)
}

// withdrawalCase is one run. Only the main line runs steps, one after the other; handlers hand over a request and wait.
type withdrawalCase struct {
	digest    []byte // of the application (COM-20)
	settled   bool   // it is known whether the case opened
	refused   error  // why it did not
	now       activities.WithdrawalStanding
	requests  []*request
	cancelled bool // the run's cancellation was dealt with
	stopped   bool // and it ended the case
	mail      workflow.ReceiveChannel
	signals   int // received
	answering int // signals whose decision waits for its turn
}

// request is one message to the case, waiting for its turn.
type request struct {
	summary  string
	at       time.Time // of the request
	activity any
	in       any
	done     bool
	standing activities.WithdrawalStanding
	err      error
}

// acts only names the methods; the worker has the real one.
var acts *activities.Withdrawals

// open asks the database to open the case; whoever submitted learns the answer at once.
func (w *withdrawalCase) open(ctx workflow.Context, in WithdrawalInput) error {
	info := workflow.GetInfo(ctx).WorkflowExecution
	var err error
	if in.Resume == "" {
		w.now, err = answer[activities.WithdrawalStanding](ctx, "submit", acts.OpenWithdrawal, activities.OpenWithdrawalInput{
			Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
		})
	} else {
		var taken activities.ResumedWithdrawal
		taken, err = answer[activities.ResumedWithdrawal](ctx, "resume "+in.Resume, acts.ResumeWithdrawal, activities.ResumeWithdrawalInput{Case: in.Resume, RunID: info.RunID})
		w.now, w.digest = taken.WithdrawalStanding, taken.RequestDigest
	}
	w.settled, w.refused = true, err
	if err != nil {
		return err
	}
	attributes := []temporal.SearchAttributeUpdate{caseNumber.ValueSet(w.now.Case), caseState.ValueSet(stateOpen)}
	if w.now.DueAt != nil {
		attributes = append(attributes, caseDue.ValueSet(*w.now.DueAt))
	}
	return workflow.UpsertTypedSearchAttributes(ctx, attributes...)
}

// serve answers requests while the case is in one of the states, and does what the clock asks for when a term closes
// (half-open: at the closing instant it is over; a request of before it goes first). Cancellation of the run stops the case, unless its payment is under way.
func (w *withdrawalCase) serve(ctx workflow.Context, term string, states ...withdrawal.State) {
	for slices.Contains(states, w.now.State) {
		w.describe(ctx)
		waiting := ctx
		if w.cancelled { // and the payment goes on
			waiting, _ = workflow.NewDisconnectedContext(ctx)
		}
		options := workflow.AwaitOptions{TimerOptions: workflow.TimerOptions{Summary: term + " of " + w.now.Case}}
		called := func() bool { return len(w.requests) > 0 }
		wake, err := w.wake(), error(nil)
		if wake == nil {
			err = workflow.Await(waiting, called)
		} else if options.Timeout = wake.Sub(workflow.Now(ctx)); options.Timeout > 0 {
			_, err = workflow.AwaitWithOptions(waiting, options, called)
		}
		switch {
		case err != nil: // cancelled: the only error that waiting has
			w.stop(ctx)
		case w.inTime():
			w.answerNext(ctx)
		case wake != nil && calendar.Late(workflow.Now(ctx), *wake): // by the instant, not by which came first
			w.escalate(ctx, w.until(ctx))
		default:
			w.answerNext(ctx)
		}
	}
}

// wake is when the clock does something next. Histories of before chains know only when the step is overdue.
func (w *withdrawalCase) wake() *time.Time {
	if w.now.WakeAt != nil {
		return w.now.WakeAt
	}
	return w.now.DueAt
}

// inTime tells whether the oldest request came before the clock's next instant, however late its turn is.
func (w *withdrawalCase) inTime() bool {
	return w.now.WakeAt != nil && len(w.requests) > 0 && w.requests[0].at.Before(*w.now.WakeAt)
}

// until is up to when the clock may go: not beyond the oldest request, which came before what closes after it.
func (w *withdrawalCase) until(ctx workflow.Context) time.Time {
	if w.now.WakeAt != nil && len(w.requests) > 0 {
		return w.requests[0].at
	}
	return workflow.Now(ctx)
}

// answerNext runs the oldest request; the transaction judges it, whatever state the case is in by now.
func (w *withdrawalCase) answerNext(ctx workflow.Context) {
	r := w.requests[0]
	w.requests = w.requests[1:]
	if r.standing, r.err = answer[activities.WithdrawalStanding](ctx, r.summary, r.activity, r.in); r.err == nil {
		w.now = r.standing
	}
	r.done = true // now the handler answers
}

// escalate does what deadlines ask for: remind, escalate, decide. What could not be done, because the calendar lacks a year,
// is tried again later; nothing goes round in a circle.
func (w *withdrawalCase) escalate(ctx workflow.Context, at time.Time) {
	now, err := record[activities.WithdrawalStanding](ctx, "escalate", acts.EscalateWithdrawal,
		activities.EscalateWithdrawalInput{Case: w.now.Case, State: w.now.State, At: at})
	switch {
	case err != nil:
		workflow.GetLogger(ctx).Error("nothing escalated", "case", w.now.Case, "error", err)
		later := workflow.Now(ctx).Add(time.Hour)
		w.now.DueAt, w.now.WakeAt = nil, &later
		return
	case now.WakeAt != nil && !now.WakeAt.After(at):
		workflow.GetLogger(ctx).Error("the clock stands still", "case", w.now.Case, "at", *now.WakeAt)
		later := workflow.Now(ctx).Add(time.Minute)
		now.WakeAt = &later
	}
	w.now = now
}

// stop settles the case for an operator who cancelled its run. The transaction refuses while money is under way; then the
// case goes on waiting for the bank's answer.
func (w *withdrawalCase) stop(ctx workflow.Context) {
	w.cancelled = true
	now, err := record[activities.WithdrawalStanding](ctx, "stop", acts.StopWithdrawal, activities.StopWithdrawalInput{
		Case: w.now.Case,
		Key:  workflow.GetInfo(ctx).WorkflowExecution.RunID, Reason: "the run was cancelled in Temporal", At: workflow.Now(ctx),
	})
	if err != nil {
		workflow.GetLogger(ctx).Warn("cancellation refused", "case", w.now.Case, "error", err)
		return
	}
	w.now, w.stopped = now, true
}

// end lets every waiting caller have an answer, then closes the run.
func (w *withdrawalCase) end(ctx workflow.Context, failed error) (WithdrawalResult, error) {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	quiet := func() bool { return workflow.AllHandlersFinished(ctx) && w.answering == 0 }
	for w.receive(detached); !quiet() || len(w.requests) > 0; w.receive(detached) {
		if len(w.requests) > 0 {
			w.answerNext(detached) // refused by the state, and recorded
			continue
		}
		if err := workflow.Await(detached, func() bool { return len(w.requests) > 0 || quiet() }); err != nil {
			return WithdrawalResult{}, err
		}
	}
	if list := activities.RefusalOf(failed); list != nil {
		workflow.SetCurrentDetails(ctx, "Refused: "+list.Error())
		return WithdrawalResult{Refused: list}, nil
	}
	if failed != nil {
		return WithdrawalResult{}, failed
	}
	w.describe(ctx)
	if err := workflow.UpsertTypedSearchAttributes(ctx, caseState.ValueSet(string(w.now.State))); err != nil {
		return WithdrawalResult{}, err
	}
	if w.stopped {
		return WithdrawalResult{Case: w.now.Case, State: w.now.State}, ctx.Err() // Temporal shows it as cancelled
	}
	return WithdrawalResult{Case: w.now.Case, State: w.now.State}, nil
}

// describe keeps one sentence in the Temporal UI: where the case stands and what it waits for.
func (w *withdrawalCase) describe(ctx workflow.Context) {
	text := fmt.Sprintf("**%s** is %s: %s CNY by %s to %s.", w.now.Case, w.now.State, w.now.Amount, w.now.Route, w.now.Holder)
	switch {
	case w.now.State.Ended():
	case w.now.State == withdrawal.Awaiting && w.now.DueAt != nil:
		text += " Waits for the partner's changes until " + w.now.DueAt.UTC().Format(time.RFC3339) + ", then it is cancelled."
	case w.now.DueAt != nil:
		text += " Waits for the vendor's people until " + w.now.DueAt.UTC().Format(time.RFC3339) + ", then it is overdue."
	default:
		text += " Waits for the vendor's people; no deadline is ahead."
	}
	workflow.SetCurrentDetails(ctx, text)
}

func (w *withdrawalCase) listen(ctx workflow.Context) error {
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SubmitUpdate, w.submit, workflow.UpdateHandlerOptions{
		Description: "Apply for a withdrawal; answers whether the case opened",
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, DecideUpdate, w.decide, workflow.UpdateHandlerOptions{
		Description: "Decide one task: task, person, outcome, and what the outcome needs",
		Validator:   func(_ workflow.Context, d approval.Decision) error { return activities.Final(d.WellFormed().Err()) },
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
	w.mail = workflow.GetSignalChannelWithOptions(ctx, DecideSignal, workflow.SignalChannelOptions{Description: "Decide one task without an answer"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		for {
			var d approval.Decision
			w.mail.Receive(ctx, &d)
			w.bySignal(ctx, d)
		}
	})
	return nil
}

// receive takes the signals that came behind the last step: they are judged and recorded like the others.
func (w *withdrawalCase) receive(ctx workflow.Context) {
	for {
		var d approval.Decision
		if !w.mail.ReceiveAsync(&d) {
			return
		}
		w.bySignal(ctx, d)
	}
}

// submit answers whether the case opened. A run has one application: another body under its key is refused (COM-20).
func (w *withdrawalCase) submit(ctx workflow.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(ctx, func() bool { return w.settled }); err != nil {
		return w.now, err
	}
	switch same := bytes.Equal(app.Storable().Digest(), w.digest); {
	case w.refused != nil && !same:
		return w.now, temporal.NewNonRetryableApplicationError("the run was refused for another application; submit again", TypeSubmitAgain, nil)
	case w.refused == nil && !same:
		return w.now, activities.Final(refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "case "+w.now.Case,
			"The request key %q was used for case %s with other content; use a new key for a new application.", app.RequestKey, w.now.Case)})
	}
	return w.now, w.refused
}

// decide hands one decision to the main line and answers once it is recorded.
func (w *withdrawalCase) decide(ctx workflow.Context, d approval.Decision) (activities.WithdrawalStanding, error) {
	if d.Key == "" {
		d.Key = workflow.GetCurrentUpdateInfo(ctx).ID
	}
	return w.handDecision(ctx, d, false)
}

func (w *withdrawalCase) bySignal(ctx workflow.Context, d approval.Decision) {
	w.signals++
	if d.Key == "" { // the sender gave none: its place in the run is one
		d.Key = fmt.Sprintf("signal/%s/%d", workflow.GetInfo(ctx).WorkflowExecution.RunID, w.signals)
	}
	w.answering++
	workflow.Go(ctx, func(ctx workflow.Context) { // the next signal need not wait for this one's turn
		err := d.WellFormed().Err() // the signal has no validator
		if err == nil {
			_, err = w.handDecision(ctx, d, true)
		}
		if err != nil { // nobody waits for the answer; a refusal is an event of the case
			workflow.GetLogger(ctx).Warn("decision by signal refused", "task", d.Task, "by", d.Person, "error", err)
		}
		w.answering--
	})
}

func (w *withdrawalCase) handDecision(ctx workflow.Context, d approval.Decision, bySignal bool) (activities.WithdrawalStanding, error) {
	at := workflow.Now(ctx)
	return w.hand(ctx, at, func() (string, any, any, error) {
		if !strings.HasPrefix(d.Task, w.now.Case+"/") {
			return "", nil, nil, temporal.NewApplicationErrorWithOptions(fmt.Sprintf("case %s has no task %q", w.now.Case, d.Task), activities.TypeNotFound,
				temporal.ApplicationErrorOptions{NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign})
		}
		return string(d.Outcome) + " by " + d.Person, acts.DecideWithdrawal, activities.DecideWithdrawalInput{Decision: d, BySignal: bySignal, At: at}, nil
	})
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

// hand queues a step for the main line and waits for its answer. The instant of a request is when its handler started.
func (w *withdrawalCase) hand(ctx workflow.Context, at time.Time, step func() (summary string, activity, in any, err error)) (activities.WithdrawalStanding, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(ctx, func() bool { return w.settled }); err != nil {
		return activities.WithdrawalStanding{}, err
	}
	if w.refused != nil {
		return activities.WithdrawalStanding{}, w.refused
	}
	summary, activity, in, err := step()
	if err != nil {
		return activities.WithdrawalStanding{}, err
	}
	r := &request{summary: summary, at: at, activity: activity, in: in}
	w.requests = append(w.requests, r)
	if err := workflow.Await(ctx, func() bool { return r.done }); err != nil {
		return activities.WithdrawalStanding{}, err
	}
	return r.standing, r.err
}
