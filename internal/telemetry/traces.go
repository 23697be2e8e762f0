// Package telemetry makes what the programme does visible from outside: traces from a command through workflow and
// activity down to SQL, and log lines that name their trace.
//
// A span says what was done, how long it took and whether it failed. It never carries a value that a person entered: no
// parameter of a statement, no argument of a command, no message of an error.
package telemetry

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"countersign/internal/prepared"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/interceptor"
)

// Traces sends spans to a collector by OTLP over HTTP; where to, how many and under which name say the standard OTEL_*
// variables. Nil is off, as is the zero value, and costs nothing.
type Traces struct {
	provider *sdktrace.TracerProvider
	driver   func() (string, error)
}

// Start connects to nothing yet: spans are sent in the background, and a collector that is away loses them. Each failure to
// deliver is told to failed. The service is the name under which a backend shows the process, unless OTEL_SERVICE_NAME has
// another.
func Start(ctx context.Context, service, version string, failed func(error)) (*Traces, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces (OTEL_EXPORTER_OTLP_*): %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version), attribute.Int("process.pid", os.Getpid())),
		resource.WithFromEnv()) // last: it wins
	if err != nil {
		return nil, fmt.Errorf("traces (OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(failed))
	t := &Traces{provider: sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(discreet{exporter}), sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}))}
	t.driver = sync.OnceValues(t.register)
	return t, nil
}

// Tracer makes spans.
func (t *Traces) Tracer() trace.Tracer {
	if t == nil || t.provider == nil {
		return noop.Tracer{}
	}
	return t.provider.Tracer("countersign")
}

// Interceptors are for the options of a Temporal client; workers of the client have them, too.
func (t *Traces) Interceptors() ([]interceptor.ClientInterceptor, error) {
	if t == nil || t.provider == nil {
		return nil, nil
	}
	i, err := newTracing(t.Tracer())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return []interceptor.ClientInterceptor{i}, nil
}

// Driver names the driver of database/sql that makes a span of each statement: the bare one when traces are off.
func (t *Traces) Driver() (string, error) {
	if t == nil || t.provider == nil {
		return prepared.Driver, nil
	}
	return t.driver()
}

// Close sends what is left, for as long as the context allows.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil || t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// discreet leaves out what errors say: a refusal names what was applied for, and Postgres quotes values. The error's type stays.
type discreet struct{ sdktrace.SpanExporter }

func (d discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	told := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		told[i] = wordless{s}
	}
	return d.SpanExporter.ExportSpans(ctx, told)
}

type wordless struct{ sdktrace.ReadOnlySpan }

func (wordless) Events() []sdktrace.Event { return nil }

func (w wordless) Status() sdktrace.Status {
	return sdktrace.Status{Code: w.ReadOnlySpan.Status().Code}
}

func (w wordless) Attributes() []attribute.KeyValue {
	attributes := w.ReadOnlySpan.Attributes()
	for _, e := range w.ReadOnlySpan.Events() {
		for _, a := range e.Attributes {
			if a.Key == "exception.type" {
				attributes = append(attributes[:len(attributes):len(attributes)], attribute.String("error.type", strings.TrimPrefix(a.Value.AsString(), "*")))
			}
		}
	}
	return attributes
}
