package workflows

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/refusal"
	"countersign/internal/telemetry"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How people reach a running case, whatever its kind.
const (
	SubmitUpdate = "submit" // update-with-start: answers whether the case opened
	DecideUpdate = "decide" // answers once the decision is recorded
	DecideSignal = "decide" // the same for those who need no answer; a refusal becomes an event
)

// TypeSubmitAgain is the error of an application that met a run which was just refused for another one.
const TypeSubmitAgain = "submit-again"

// caseStanding is where a case of some kind stands after a step.
type caseStanding interface{ Now() activities.Standing }

// caseRun is one run of one case. Only the main line runs steps, one after the other; handlers hand over a request and wait.
type caseRun[S caseStanding] struct {
	decideStep, clockStep, stopStep any // the kind's activities: DecideInput, ClockInput, StopInput

	waits func(activities.Standing) string // what the case waits for, for the Temporal UI; nil: the vendor's people
	byDue bool                             // histories of before cases had a clock of their own know only when the step is overdue

	// oneTimer keeps a timer that was set for an earlier instant, and looks again when it fires; other runs set one at each wait,
	// an event each.
	oneTimer bool
	timer    workflow.Future // the latest
	rings    time.Time       // when it fires

	// follows keeps the search attributes at the case's state and due time, where operators look for these in the Temporal UI:
	// one more event at each change. Other runs say OPEN until they end.
	follows bool
	shown   activities.Standing // by the search attributes

	digest    []byte // of the application (COM-20)
	settled   bool   // it is known whether the case opened
	refused   error  // why it did not
	now       S
	stands    activities.Standing // now, with the clock as this run knows it
	requests  []*request[S]
	cancelled bool // the run's cancellation was dealt with
	stopped   bool // and it ended the case
	mail      workflow.ReceiveChannel
	signals   int // received
	answering int // signals whose decision waits for its turn
}

// request is one message to the case, waiting for its turn.
type request[S any] struct {
	summary  string
	at       time.Time        // of the request
	from     workflow.Context // of its handler
	activity any
	in       any
	done     bool
	standing S
	err      error
}

func (r *caseRun[S]) is(now S) { r.now, r.stands = now, now.Now() }

// log names the case in each line of its run.
func (r *caseRun[S]) log(ctx workflow.Context) log.Logger {
	return log.With(workflow.GetLogger(ctx), "case", r.stands.Case, "partner", r.stands.Partner, "kind", r.stands.Kind)
}

// rulesOf is what a log says of a refusal: its sentence may quote what somebody entered.
func rulesOf(err error) []string {
	rules := []string{}
	for _, refused := range activities.RefusalOf(err) {
		rules = append(rules, refused.Rule)
	}
	return rules
}

// opened keeps what opening the case came to, and tells the Temporal UI.
func (r *caseRun[S]) opened(ctx workflow.Context, now S, err error) error {
	r.settled, r.refused = true, err
	if err != nil {
		return err
	}
	r.is(now)
	state := stateOpen
	if r.follows {
		state = string(r.stands.State)
	}
	attributes := []temporal.SearchAttributeUpdate{caseNumber.ValueSet(r.stands.Case), caseState.ValueSet(state)}
	if r.stands.DueAt != nil {
		attributes = append(attributes, caseDue.ValueSet(*r.stands.DueAt))
	}
	r.shown = r.stands
	return workflow.UpsertTypedSearchAttributes(ctx, attributes...)
}

// follow tells the Temporal UI where a case stands that operators look for there.
func (r *caseRun[S]) follow(ctx workflow.Context) {
	var changed []temporal.SearchAttributeUpdate
	if r.stands.State != r.shown.State {
		changed = append(changed, caseState.ValueSet(string(r.stands.State)))
	}
	switch now, before := r.stands.DueAt, r.shown.DueAt; {
	case now != nil && (before == nil || !now.Equal(*before)):
		changed = append(changed, caseDue.ValueSet(*now))
	case now == nil && before != nil:
		changed = append(changed, caseDue.ValueUnset())
	}
	if !r.follows || len(changed) == 0 {
		return
	}
	r.shown = r.stands
	if err := workflow.UpsertTypedSearchAttributes(ctx, changed...); err != nil {
		r.log(ctx).Error("search attributes not kept", "error", err)
	}
}

// serve answers requests while the case is in one of the states, and does what the clock asks for when a term closes
// (half-open: at the closing instant it is over; a request of before it goes first). Cancellation of the run stops the case,
// unless its process refuses that.
func (r *caseRun[S]) serve(ctx workflow.Context, term string, states ...domain.State) {
	r.serveWhile(ctx, term, func() bool { return slices.Contains(states, r.stands.State) })
}

// serveCycle serves a case until its present cycle is over, whatever its states are meanwhile, or until the run's history has
// become long: then it is carried on by again.
func (r *caseRun[S]) serveCycle(ctx workflow.Context, term string) {
	cycle := r.stands.Cycle
	r.serveWhile(ctx, term, func() bool { return r.stands.Cycle == cycle && !workflow.GetInfo(ctx).GetContinueAsNewSuggested() })
}

func (r *caseRun[S]) serveWhile(ctx workflow.Context, term string, goesOn func() bool) {
	for goesOn() && !r.stands.Ended {
		r.describe(ctx)
		r.follow(ctx)
		waiting := ctx
		if r.cancelled { // and the payment goes on
			waiting, _ = workflow.NewDisconnectedContext(ctx)
		}
		options := workflow.AwaitOptions{TimerOptions: workflow.TimerOptions{Summary: term + " of " + r.stands.Case}}
		called := func() bool { return len(r.requests) > 0 }
		wake, err := r.wake(), error(nil)
		if wake == nil {
			err = workflow.Await(waiting, called)
		} else if r.oneTimer {
			err = r.awaitCall(ctx, waiting, *wake, options.TimerOptions, called)
		} else if options.Timeout = wake.Sub(workflow.Now(ctx)); options.Timeout > 0 {
			_, err = workflow.AwaitWithOptions(waiting, options, called)
		}
		switch {
		case err != nil: // cancelled: the only error that waiting has
			r.stop(ctx)
		case r.inTime():
			r.answerNext(ctx)
		case wake != nil && calendar.Late(workflow.Now(ctx), *wake): // by the instant, not by which came first
			r.clock(ctx, r.until(ctx))
		case len(r.requests) == 0: // the timer was an earlier instant's
		default:
			r.answerNext(ctx)
		}
	}
}

// awaitCall waits for a request until an instant, or until a timer fires that was set for an earlier one.
func (r *caseRun[S]) awaitCall(ctx, waiting workflow.Context, until time.Time, options workflow.TimerOptions, called func() bool) error {
	wait := until.Sub(workflow.Now(ctx))
	if wait <= 0 {
		return nil
	}
	if r.timer == nil || r.timer.IsReady() || r.rings.After(until) {
		detached, _ := workflow.NewDisconnectedContext(ctx) // a cancelled run's payment goes on
		r.timer, r.rings = workflow.NewTimerWithOptions(detached, wait, options), until
	}
	return workflow.Await(waiting, func() bool { return called() || r.timer.IsReady() })
}

// wake is when the clock does something next.
func (r *caseRun[S]) wake() *time.Time {
	if r.stands.WakeAt == nil && r.byDue {
		return r.stands.DueAt
	}
	return r.stands.WakeAt
}

// inTime tells whether the oldest request came before the clock's next instant, however late its turn is.
func (r *caseRun[S]) inTime() bool {
	return r.stands.WakeAt != nil && len(r.requests) > 0 && r.requests[0].at.Before(*r.stands.WakeAt)
}

// until is up to when the clock may go: not beyond the oldest request, which came before what closes after it.
func (r *caseRun[S]) until(ctx workflow.Context) time.Time {
	if r.stands.WakeAt != nil && len(r.requests) > 0 {
		return r.requests[0].at
	}
	return workflow.Now(ctx)
}

// answerNext runs the oldest request; the transaction judges it, whatever state the case is in by now.
func (r *caseRun[S]) answerNext(ctx workflow.Context) {
	q := r.requests[0]
	r.requests = r.requests[1:]
	if q.standing, q.err = answer[S](telemetry.Within(ctx, q.from), q.summary, q.activity, q.in); q.err == nil {
		r.is(q.standing)
	}
	q.done = true // now the handler answers
}

// clock does what deadlines ask for. What could not be done, because the calendar lacks a year, is tried again later;
// nothing goes round in a circle.
func (r *caseRun[S]) clock(ctx workflow.Context, at time.Time) {
	now, err := record[S](ctx, "escalate", r.clockStep, activities.ClockInput{Case: r.stands.Case, At: at})
	if err != nil {
		r.log(ctx).Error("nothing escalated", "error", err)
		later := workflow.Now(ctx).Add(time.Hour)
		r.stands.DueAt, r.stands.WakeAt = nil, &later
		return
	}
	r.is(now)
	if r.stands.WakeAt != nil && !r.stands.WakeAt.After(at) {
		r.log(ctx).Error("the clock stands still", "at", *r.stands.WakeAt)
		later := workflow.Now(ctx).Add(time.Minute)
		r.stands.WakeAt = &later
	}
}

// stop settles the case for an operator who cancelled its run. The transaction refuses while money is under way; then the
// case goes on waiting for the bank's answer.
func (r *caseRun[S]) stop(ctx workflow.Context) {
	r.cancelled = true
	now, err := record[S](ctx, "stop", r.stopStep, activities.StopInput{
		Case: r.stands.Case,
		Key:  workflow.GetInfo(ctx).WorkflowExecution.RunID, Reason: "the run was cancelled in Temporal", At: workflow.Now(ctx),
	})
	if err != nil {
		r.log(ctx).Warn("cancellation refused", "error", err)
		return
	}
	r.is(now)
	r.stopped = true
}

// end lets every waiting caller have an answer. It answers the refusals with which no case opened, or how the run closes.
func (r *caseRun[S]) end(ctx workflow.Context, failed error) (refusal.List, error) {
	if err := r.answerAll(ctx); err != nil {
		return nil, err
	}
	if list := activities.RefusalOf(failed); list != nil {
		workflow.SetCurrentDetails(ctx, "Refused: "+list.Error())
		return list, nil
	}
	if failed != nil {
		return nil, failed
	}
	r.describe(ctx)
	if err := workflow.UpsertTypedSearchAttributes(ctx, caseState.ValueSet(string(r.stands.State))); err != nil {
		return nil, err
	}
	if r.stopped {
		return nil, ctx.Err() // Temporal shows it as cancelled
	}
	return nil, nil
}

// again carries a case that lives on into a run with a fresh history, which takes it over by its number: everything else
// stands in the database. Every waiting caller has an answer first.
func (r *caseRun[S]) again(ctx workflow.Context, workflowType string, in any) error {
	if err := r.answerAll(ctx); err != nil {
		return err
	}
	r.describe(ctx)
	return workflow.NewContinueAsNewError(ctx, workflowType, in)
}

// answerAll lets every waiting caller have an answer: what comes too late is refused by the state, and recorded.
func (r *caseRun[S]) answerAll(ctx workflow.Context) error {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	quiet := func() bool { return workflow.AllHandlersFinished(ctx) && r.answering == 0 }
	for r.receive(detached); !quiet() || len(r.requests) > 0; r.receive(detached) {
		if len(r.requests) > 0 {
			r.answerNext(detached)
			continue
		}
		if err := workflow.Await(detached, func() bool { return len(r.requests) > 0 || quiet() }); err != nil {
			return err
		}
	}
	return nil
}

// describe keeps one sentence in the Temporal UI: where the case stands and what it waits for.
func (r *caseRun[S]) describe(ctx workflow.Context) {
	s := r.stands
	text := fmt.Sprintf("**%s** is %s: %s.", s.Case, s.State, s.About)
	waits := "the vendor's people"
	if r.waits != nil {
		waits = r.waits(s)
	}
	switch {
	case s.Ended:
	case s.DueAt != nil:
		text += " Waits for " + waits + " until " + s.DueAt.UTC().Format(time.RFC3339) + ", then it is overdue."
	default:
		text += " Waits for " + waits + "; no deadline is ahead."
	}
	workflow.SetCurrentDetails(ctx, text)
}

// listen takes decisions by update and by signal. It comes first in a run, or an early message is lost.
func (r *caseRun[S]) listen(ctx workflow.Context) error {
	if err := workflow.SetUpdateHandlerWithOptions(ctx, DecideUpdate, r.decide, workflow.UpdateHandlerOptions{
		Description: "Decide one task: task, person, outcome, and what the outcome needs",
		Validator:   func(_ workflow.Context, d approval.Decision) error { return activities.Final(d.WellFormed().Err()) },
	}); err != nil {
		return err
	}
	r.mail = workflow.GetSignalChannelWithOptions(ctx, DecideSignal, workflow.SignalChannelOptions{Description: "Decide one task without an answer"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		for {
			var d approval.Decision
			r.mail.Receive(ctx, &d)
			r.bySignal(ctx, d)
		}
	})
	return nil
}

// receive takes the signals that came behind the last step: they are judged and recorded like the others.
func (r *caseRun[S]) receive(ctx workflow.Context) {
	for {
		var d approval.Decision
		if !r.mail.ReceiveAsync(&d) {
			return
		}
		r.bySignal(ctx, d)
	}
}

// submitted answers whether the case opened, for the handler of submit. A run has one application: another body under its
// key is refused (COM-20).
func (r *caseRun[S]) submitted(ctx workflow.Context, digest []byte, requestKey string) (S, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(ctx, func() bool { return r.settled }); err != nil {
		return r.now, err
	}
	switch same := bytes.Equal(digest, r.digest); {
	case r.refused != nil && !same:
		return r.now, temporal.NewNonRetryableApplicationError("the run was refused for another application; submit again", TypeSubmitAgain, nil)
	case r.refused == nil && !same:
		return r.now, activities.Final(refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "case "+r.stands.Case,
			"The request key %q was used for case %s with other content; use a new key for a new application.", requestKey, r.stands.Case)})
	}
	return r.now, r.refused
}

// decide hands one decision to the main line and answers once it is recorded.
func (r *caseRun[S]) decide(ctx workflow.Context, d approval.Decision) (S, error) {
	if d.Key == "" {
		d.Key = workflow.GetCurrentUpdateInfo(ctx).ID
	}
	return r.handDecision(ctx, d, false)
}

func (r *caseRun[S]) bySignal(ctx workflow.Context, d approval.Decision) {
	r.signals++
	if d.Key == "" { // the sender gave none: its place in the run is one
		d.Key = fmt.Sprintf("signal/%s/%d", workflow.GetInfo(ctx).WorkflowExecution.RunID, r.signals)
	}
	r.answering++
	workflow.Go(ctx, func(ctx workflow.Context) { // the next signal need not wait for this one's turn
		err := d.WellFormed().Err() // the signal has no validator
		if err == nil {
			_, err = r.handDecision(ctx, d, true)
		}
		if err != nil { // nobody waits for the answer; a refusal is an event of the case
			r.log(ctx).Warn("decision by signal refused", "task", d.Task, "by", d.Person, "rules", rulesOf(err))
		}
		r.answering--
	})
}

func (r *caseRun[S]) handDecision(ctx workflow.Context, d approval.Decision, bySignal bool) (S, error) {
	at := workflow.Now(ctx)
	return r.hand(ctx, at, func() (string, any, any, error) {
		if !strings.HasPrefix(d.Task, r.stands.Case+"/") {
			return "", nil, nil, temporal.NewApplicationErrorWithOptions(fmt.Sprintf("case %s has no task %q", r.stands.Case, d.Task), activities.TypeNotFound,
				temporal.ApplicationErrorOptions{NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign})
		}
		return string(d.Outcome) + " by " + d.Person, r.decideStep, activities.DecideInput{Decision: d, BySignal: bySignal, At: at}, nil
	})
}

// hand queues a step for the main line and waits for its answer. The instant of a request is when its handler started.
func (r *caseRun[S]) hand(ctx workflow.Context, at time.Time, step func() (summary string, activity, in any, err error)) (S, error) {
	var none S
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(ctx, func() bool { return r.settled }); err != nil {
		return none, err
	}
	if r.refused != nil {
		return none, r.refused
	}
	summary, activity, in, err := step()
	if err != nil {
		return none, err
	}
	q := &request[S]{summary: summary, at: at, from: ctx, activity: activity, in: in}
	r.requests = append(r.requests, q)
	if err := workflow.Await(ctx, func() bool { return q.done }); err != nil {
		return none, err
	}
	return q.standing, q.err
}

// cases only names the methods; the worker has the real one.
var cases *activities.Cases

// newCaseRun is the run of a case that Cases serves.
func newCaseRun(digest []byte) caseRun[activities.Standing] {
	return caseRun[activities.Standing]{decideStep: cases.Decide, clockStep: cases.Clock, stopStep: cases.Stop, digest: digest}
}

// CaseResult is how a case that Cases serves ended.
type CaseResult struct {
	Case    string       `json:"case,omitempty"` // empty when refused
	State   domain.State `json:"state,omitempty"`
	Refused refusal.List `json:"refused,omitempty"` // why no case opened
}

// result closes the run.
func (r *caseRun[S]) result(ctx workflow.Context, failed error) (CaseResult, error) {
	refused, err := r.end(ctx, failed)
	if refused != nil || r.stands.Case == "" {
		return CaseResult{Refused: refused}, err
	}
	return CaseResult{Case: r.stands.Case, State: r.stands.State}, err
}

// submitCase starts the run of an application and answers whether its case opened. The same application again answers the
// first result. A refusal is found by activities.RefusalOf.
func submitCase[S any](ctx context.Context, c client.Client, options client.StartWorkflowOptions, workflowType string, in any, updateID string, application any) (S, error) {
	var opened S
	var err error
	for range 3 { // a run that just ended with a refusal may still hold the ID
		var handle client.WorkflowUpdateHandle
		handle, err = c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: c.NewWithStartWorkflowOperation(options, workflowType, in),
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateName:   SubmitUpdate,
				UpdateID:     updateID,
				WaitForStage: client.WorkflowUpdateStageCompleted,
				Args:         []any{application},
			},
		})
		if err == nil {
			err = handle.Get(ctx, &opened)
		}
		if !metEndedRun(err) {
			break
		}
	}
	return opened, err
}
