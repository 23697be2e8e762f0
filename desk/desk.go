// Package desk brings what people ask of a case to where the case is dealt with: its run, or Postgres when it has ended.
// The command line and the console are two faces of it.
package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// Patience is how long somebody waits for the answer of a run.
const Patience = 20 * time.Second

// ErrLate is an answer that did not come in time. The request is on its way, or waits for a worker; to send it again under
// its key is safe.
var ErrLate = errors.New("no answer")

// GoneError is a case that is open and has no run; an operator settles it.
type GoneError struct {
	Case  string
	State domain.State
}

func (e GoneError) Error() string {
	return fmt.Sprintf("case %s is %s, but its workflow is gone; an operator settles it with: starter case repair", e.Case, e.State)
}

// Desk reaches cases.
type Desk struct {
	DB       *sqlx.DB
	Temporal func(context.Context) (client.Client, error) // asked when a run is
}

// Send hands a request to the run of a case of any kind; one that has ended has no run and is asked directly.
func Send[S any](ctx context.Context, d Desk, number string,
	running func(ctx context.Context, c client.Client, workflowID string) (S, error), ended func(ctx context.Context, kind string) (S, error),
) (S, error) {
	var nothing S
	r := views.Reader{DB: d.DB}
	c, err := r.Case(ctx, number)
	if err != nil {
		return nothing, err
	}
	if c.ClosedAt == nil {
		temporal, err := d.Temporal(ctx) // before the clock of the request runs: nothing is on its way yet
		if err != nil {
			return nothing, err
		}
		now, err := InTime(ctx, func(ctx context.Context) (S, error) { return running(ctx, temporal, c.WorkflowID) })
		if !Gone(err) {
			return now, err
		}
		if c, err = r.Case(ctx, number); err != nil { // it may have ended meanwhile
			return nothing, err
		}
	}
	if c.ClosedAt == nil {
		return nothing, GoneError{number, c.State}
	}
	return ended(ctx, c.Kind)
}

// InTime bounds a request to a run and tells its timeout as ErrLate.
func InTime[T any](ctx context.Context, send func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	got, err := send(bounded)
	var late *client.WorkflowUpdateServiceTimeoutOrCanceledError
	var deadline *serviceerror.DeadlineExceeded
	if ctx.Err() == nil && err != nil && (errors.As(err, &late) || errors.As(err, &deadline) || errors.Is(err, context.DeadlineExceeded)) {
		return got, fmt.Errorf("%w within %s", ErrLate, Patience)
	}
	return got, err
}

// Gone tells that Temporal knows no open run for a message.
func Gone(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}

// Decide answers a task of a case of any kind. The decision's key is its own: the same again answers the first result.
func (d Desk) Decide(ctx context.Context, in approval.Decision) (activities.Standing, error) {
	task, err := views.Reader{DB: d.DB}.Task(ctx, in.Task)
	if err != nil {
		return activities.Standing{}, err
	}
	return Send(ctx, d, task.Case, func(ctx context.Context, c client.Client, workflowID string) (activities.Standing, error) {
		return workflows.Decide(ctx, c, workflowID, in)
	}, func(ctx context.Context, kind string) (activities.Standing, error) {
		step := activities.DecideInput{Decision: in, At: time.Now()}
		if kind != withdrawal.Kind {
			return (&activities.Cases{DB: d.DB}).Decide(ctx, step)
		}
		now, err := (&activities.Withdrawals{DB: d.DB, Channel: activities.ByHand{}}).DecideWithdrawal(ctx, step)
		return now.Now(), err
	})
}
