package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Logs adds to each line the trace and the span in which it was written, as trace_id and span_id.
type Logs struct{ slog.Handler }

func (l Logs) Handle(ctx context.Context, line slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return l.Handler.Handle(ctx, line)
}

func (l Logs) WithAttrs(attrs []slog.Attr) slog.Handler { return Logs{l.Handler.WithAttrs(attrs)} }

func (l Logs) WithGroup(name string) slog.Handler { return Logs{l.Handler.WithGroup(name)} }
