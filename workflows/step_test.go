package workflows

import (
	"context"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// database is a step's database that is away for some rounds of tries. A delay behind the end of the round makes each
// round one try long.
type database struct {
	away  int // rounds
	tries int
	then  error
}

func (d *database) Step(context.Context, string) (string, error) {
	d.tries++
	if d.tries <= d.away {
		return "", temporal.NewApplicationErrorWithOptions("connection refused", "OpError", temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
	}
	return "done", d.then
}

// outcome of one step through record or answer, and how long it took on the run's clock.
type outcome struct {
	Text string
	Took time.Duration
}

func TestGivenADatabaseThatIsAway_WhenARoundOfTriesIsOver_ThenTheStepSleepsAndTriesOn(t *testing.T) {
	for _, c := range []struct {
		name     string
		db       database
		asked    bool // on behalf of a caller
		took     time.Duration
		wantType string // of the error; empty: done
	}{
		{"no outage", database{}, true, 0, ""},
		{"an outage, the clock asks", database{away: 3}, false, 7 * time.Minute, ""},
		{"an outage, a caller asks: an infrastructure error is never the answer", database{away: 6}, true, (1 + 2 + 4 + 8 + 15 + 15) * time.Minute, ""},
		{"a refusal is the answer at once", database{then: activities.Final(refusal.List{refusal.New("WDL-18", "WDR_AMOUNT", "x", "No.")})}, false, 0, activities.TypeRefused},
		{"not found is the answer at once", database{then: activities.Final(domain.ErrNotFound)}, false, 0, activities.TypeNotFound},
		{"a caller is told of a defect at once", database{then: temporal.NewApplicationError("bad SQL", activities.TypeDefect)}, true, 0, activities.TypeDefect},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := environment(cst("2024-06-03 09:00"))
			env.RegisterActivity(&c.db)
			env.ExecuteWorkflow(func(ctx workflow.Context) (outcome, error) {
				began, step := workflow.Now(ctx), record[string]
				if c.asked {
					step = func(ctx workflow.Context, summary string, activity, in any, _ ...string) (string, error) {
						return answer[string](ctx, summary, activity, in)
					}
				}
				text, err := step(ctx, "step", (*database)(nil).Step, "")
				return outcome{text, workflow.Now(ctx).Sub(began)}, err
			})
			var app *temporal.ApplicationError
			if err := env.GetWorkflowError(); c.wantType != "" {
				require.ErrorAs(t, err, &app)
				require.Equal(t, c.wantType, app.Type())
				require.True(t, app.NonRetryable())
				return
			} else {
				require.NoError(t, err)
			}
			var got outcome
			require.NoError(t, env.GetWorkflowResult(&got))
			require.Equal(t, "done", got.Text)
			require.Equal(t, c.took, got.Took.Truncate(time.Second))
			require.Equal(t, c.db.away+1, c.db.tries)
		})
	}
}
