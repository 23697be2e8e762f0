package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// Process is how a process that serves is seen from outside: its metrics and its traces.
type Process struct {
	*prometheus.Registry
	*Traces
	Driver string // of database/sql

	temporal     client.MetricsHandler
	interceptors []interceptor.ClientInterceptor
}

// Observe begins the metrics of a process that has these traces.
func Observe(traces *Traces) (*Process, error) {
	p := &Process{Registry: prometheus.NewRegistry(), Traces: traces}
	p.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(p.Registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	p.temporal = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(latencies)).Meter("countersign"), UseMonotonicCounters: true,
		OnError: func(err error) { slog.Warn("metric dropped", "error", err) },
	})
	if p.interceptors, err = traces.Interceptors(); err != nil {
		return nil, err
	}
	p.Driver, err = traces.Driver()
	return p, err
}

// Latencies are the bounds by which they are told, in seconds, for which the usual ones are too coarse.
var Latencies = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

var latencies = metric.NewView(metric.Instrument{Kind: metric.InstrumentKindHistogram}, metric.Stream{
	Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: Latencies},
})

// Client has the Temporal client and its workers measured and traced.
func (p *Process) Client(options *client.Options) {
	options.MetricsHandler = p.temporal
	options.Interceptors = append(options.Interceptors, p.interceptors...)
}

// Handler answers GET /metrics.
func (p *Process) Handler() http.Handler {
	return promhttp.HandlerFor(p.Registry, promhttp.HandlerOpts{})
}

// Close sends the last spans.
func (p *Process) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.Traces.Close(ctx); err != nil {
		slog.Warn("traces not delivered", "error", err)
	}
}
