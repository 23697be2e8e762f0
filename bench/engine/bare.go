package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const bareQueue = "bare"

// bareSteps are the reference's activities.
type bareSteps struct{ facts facts }

// OpenCase opens a case.
func (b *bareSteps) OpenCase(ctx context.Context, app application) (number int64, err error) {
	err = b.facts.do(ctx, func(tx pgx.Tx) (err error) { number, err = b.facts.open(ctx, tx, app); return err })
	return number, err
}

// DecideCase records one decision.
func (b *bareSteps) DecideCase(ctx context.Context, a answer) error {
	return b.facts.do(ctx, func(tx pgx.Tx) error { return b.facts.decide(ctx, tx, a) })
}

// BareOrdinary and BareLocal are what is left of a case when everything but its steps is gone: no clock, no search attributes,
// no summaries, no cancellation; an application and three decisions by update, a transaction each.
func BareOrdinary(ctx workflow.Context, app application) error { return bare(ctx, app, false) }

// BareLocal does the same by local activities.
func BareLocal(ctx workflow.Context, app application) error { return bare(ctx, app, true) }

func bare(ctx workflow.Context, app application, local bool) error {
	retry := &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Minute}
	var steps *bareSteps
	run := func(activity, in any) workflow.Future {
		if local {
			ctx := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 5 * time.Second, ScheduleToCloseTimeout: 5 * time.Minute, RetryPolicy: retry})
			return workflow.ExecuteLocalActivity(ctx, activity, in)
		}
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second, RetryPolicy: retry})
		return workflow.ExecuteActivity(ctx, activity, in)
	}
	var number int64
	var queue []answer
	answered := map[string]bool{}
	if err := workflow.SetUpdateHandler(ctx, "apply", func(ctx workflow.Context, _ application) (int64, error) {
		err := workflow.Await(ctx, func() bool { return number != 0 })
		return number, err
	}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandler(ctx, "decide", func(ctx workflow.Context, a answer) error {
		queue = append(queue, a)
		return workflow.Await(ctx, func() bool { return answered[a.Key] })
	}); err != nil {
		return err
	}
	if err := run(steps.OpenCase, app).Get(ctx, &number); err != nil {
		return err
	}
	for range next {
		if err := workflow.Await(ctx, func() bool { return len(queue) > 0 }); err != nil {
			return err
		}
		a := queue[0]
		queue = queue[1:]
		if err := run(steps.DecideCase, a).Get(ctx, nil); err != nil {
			return err
		}
		answered[a.Key] = true
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}
