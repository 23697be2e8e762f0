package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"countersign/internal/config"
	"countersign/internal/telemetry"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// observed is how this worker is seen from outside: its metrics and its traces.
type observed struct {
	registry     *prometheus.Registry
	refusals     *prometheus.CounterVec // by rule
	temporal     client.MetricsHandler
	interceptors []interceptor.ClientInterceptor
	driver       string // of database/sql
	traces       *telemetry.Traces
}

func observe(ctx context.Context, cfg config.Config) (*observed, error) {
	o := &observed{registry: prometheus.NewRegistry(), refusals: prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "countersign_refusals_total", Help: "Steps that a rule refused, by each rule that spoke, since this worker started."}, []string{"rule"})}
	build, _ := debug.ReadBuildInfo() // nil: not known
	version := "unknown"
	if build != nil {
		version = build.Main.Version
	}
	o.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), o.refusals)

	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(o.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	o.temporal = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(latencies)).Meter("countersign"), UseMonotonicCounters: true,
		OnError: func(err error) { slog.Warn("metric dropped", "error", err) },
	})

	if o.traces, err = cfg.Traces(ctx, "countersign-worker", version, func(err error) { slog.Warn("traces not delivered", "error", err) }); err != nil {
		return nil, err
	}
	if o.interceptors, err = o.traces.Interceptors(); err != nil {
		return nil, err
	}
	o.driver, err = o.traces.Driver()
	return o, err
}

// latencies are told in seconds, for which the default buckets are too coarse.
var latencies = metric.NewView(metric.Instrument{Kind: metric.InstrumentKindHistogram}, metric.Stream{
	Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}},
})

// client has the Temporal client and its workers measured and traced.
func (o *observed) client(options *client.Options) {
	options.MetricsHandler = o.temporal
	options.Interceptors = append(options.Interceptors, o.interceptors...)
}

// database adds what is told of the pool and what is read from the database itself.
func (o *observed) database(db *sqlx.DB) {
	o.registry.MustRegister(collectors.NewDBStatsCollector(db.DB, "countersign"), newFigures(views.Reader{DB: db}))
}

func (o *observed) handler() http.Handler {
	return promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{})
}

// close sends the last spans.
func (o *observed) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := o.traces.Close(ctx); err != nil {
		slog.Warn("traces not delivered", "error", err)
	}
}
