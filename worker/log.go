package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"countersign/activities"
	"countersign/internal/telemetry"

	"github.com/lib/pq"
	"go.temporal.io/sdk/temporal"
)

// newLogger writes JSON lines, of this process and of the SDK, without what somebody entered.
func newLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(telemetry.Logs{Handler: once{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: discreet})}})
}

// discreet has a line say an error's cause in place of its words, where these may quote. Errors of Temporal and of connections stay as they are:
// they know nothing of cases.
func discreet(_ []string, a slog.Attr) slog.Attr {
	err, ok := a.Value.Any().(error)
	var shaped *temporal.ApplicationError
	var answer *pq.Error
	if ok && (errors.As(err, &shaped) || errors.As(err, &answer)) {
		a.Value = slog.AnyValue(activities.CauseOf(err))
	}
	return a
}

// once leaves out what the SDK says of an activity that failed or was late: result and error as they are, which steps has told
// already in its own way.
type once struct{ slog.Handler }

var toldBySteps = []string{"Activity error.", "Activity complete after timeout."}

func (o once) Handle(ctx context.Context, line slog.Record) error {
	if slices.Contains(toldBySteps, line.Message) {
		return nil
	}
	return o.Handler.Handle(ctx, line)
}

func (o once) WithAttrs(attrs []slog.Attr) slog.Handler { return once{o.Handler.WithAttrs(attrs)} }

func (o once) WithGroup(name string) slog.Handler { return once{o.Handler.WithGroup(name)} }
