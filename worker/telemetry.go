package main

import (
	"context"

	"countersign/internal/config"
	"countersign/internal/telemetry"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// observed is how this worker is seen from outside.
type observed struct {
	*telemetry.Process
	refusals *prometheus.CounterVec // by rule
}

func observe(ctx context.Context, cfg config.Config) (*observed, error) {
	process, err := cfg.Observe(ctx, "countersign-worker")
	if err != nil {
		return nil, err
	}
	o := &observed{process, prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "countersign_refusals_total", Help: "Steps that a rule refused, by each rule that spoke, since this worker started."}, []string{"rule"})}
	o.MustRegister(o.refusals)
	return o, nil
}

// database adds what is told of the pool and what is read from the database itself.
func (o *observed) database(db *sqlx.DB) {
	o.MustRegister(collectors.NewDBStatsCollector(db.DB, "countersign"), newFigures(views.Reader{DB: db}))
}
