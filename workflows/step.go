// Package workflows says what happens, in which order: one file per process, read from top to bottom.
package workflows

import (
	"errors"
	"slices"
	"time"

	"countersign/activities"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// TaskQueue is where the programme's workers listen.
const TaskQueue = "countersign"

// record runs a step that is one short transaction in our own database, and retries it without end: the database may be
// away for days. It is a local activity, which costs half of an ordinary one, and it is never interrupted: a cancelled
// case would not know whether it committed. The answer is always a fresh value: decoding into an old one would keep what
// the new one leaves out. This is the only place that names activity options.
func record[Out any](ctx workflow.Context, summary string, activity, in any, noRetry ...string) (Out, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    5 * time.Second, // one attempt
		ScheduleToCloseTimeout: 5 * time.Minute, // without it, start-to-close would be the total
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Minute,
			NonRetryableErrorTypes: noRetry,
		},
		Summary: summary,
	})
	for patience := time.Minute; ; patience = min(2*patience, 15*time.Minute) {
		var out Out
		err := workflow.ExecuteLocalActivity(ctx, activity, in).Get(ctx, &out)
		if err == nil || decided(err, noRetry) {
			return out, shaped(err)
		}
		// While a local activity retries, its workflow task is kept open by heartbeats, events each; sleeping between the
		// rounds lets a run outlast an outage of weeks.
		workflow.GetLogger(ctx).Error("step waits for the database", "step", summary, "again in", patience, "error", err)
		pause := workflow.NewTimerWithOptions(ctx, patience, workflow.TimerOptions{Summary: "the database does not answer: " + summary})
		if err := pause.Get(ctx, nil); err != nil {
			return out, err
		}
	}
}

// job runs a step over many records, which may take minutes and looks for itself what is left to do: an ordinary activity,
// tried again for most of a day.
func job(ctx workflow.Context, summary string, activity, in any) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    time.Hour,
		ScheduleToCloseTimeout: 20 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 15 * time.Minute},
		Summary:                summary,
	})
	return workflow.ExecuteActivity(ctx, activity, in).Get(ctx, nil)
}

// part runs a long step that heartbeats, as an ordinary activity: one that a dead worker held is taken up by another within a minute, and it is retried without end.
func part[Out any](ctx workflow.Context, summary string, activity, in any) (Out, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 12 * time.Hour, HeartbeatTimeout: time.Minute, Summary: summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
	})
	var out Out
	err := workflow.ExecuteActivity(ctx, activity, in).Get(ctx, &out)
	return out, err
}

// decided tells an error that another try would repeat from one that only used up its time: a local activity hands that on
// as its last attempt's error, not as a timeout.
func decided(err error, noRetry []string) bool {
	var app *temporal.ApplicationError
	var panicked *temporal.PanicError
	switch {
	case errors.As(err, &app):
		return app.NonRetryable() || slices.Contains(noRetry, app.Type())
	case errors.As(err, &panicked):
		return slices.Contains(noRetry, panicType)
	}
	return false
}

const panicType = "PanicError" // as Temporal calls it in NonRetryableErrorTypes

// answer runs a step on behalf of a caller, who is told of a defect or a panic at once.
func answer[Out any](ctx workflow.Context, summary string, activity, in any) (Out, error) {
	return record[Out](ctx, summary, activity, in, activities.TypeDefect, panicType)
}

// shaped gives an activity's error the one form in which it reaches an update's caller, whichever kind of activity made it.
func shaped(err error) error {
	if list := activities.RefusalOf(err); list != nil {
		return activities.Final(list)
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return temporal.NewApplicationErrorWithOptions(app.Message(), app.Type(),
			temporal.ApplicationErrorOptions{NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign})
	}
	return err
}

// The search attributes of every case. Two upserts a case: each costs more than all our own writes.
var (
	caseKind    = temporal.NewSearchAttributeKeyKeyword("CaseKind")
	casePartner = temporal.NewSearchAttributeKeyKeyword("CasePartner")
	caseNumber  = temporal.NewSearchAttributeKeyKeyword("CaseNumber")
	caseState   = temporal.NewSearchAttributeKeyKeyword("CaseState") // OPEN, and at the end how it ended
	caseDue     = temporal.NewSearchAttributeKeyTime("CaseDue")      // of the first step
)

const stateOpen = "OPEN"
