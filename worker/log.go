package main

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"countersign/activities"
	"countersign/internal/telemetry"
)

// newLogger writes JSON lines, of this process and of the SDK, without what somebody entered.
func newLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(telemetry.Logs{Handler: once{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: activities.Discreet})}})
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
