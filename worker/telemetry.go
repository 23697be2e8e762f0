package main

import (
	"countersign/internal/telemetry"

	"github.com/prometheus/client_golang/prometheus"
)

// observed is how this worker is seen from outside.
type observed struct {
	*telemetry.Process
	refusals *prometheus.CounterVec // by rule
}

func observe(process *telemetry.Process) *observed {
	o := &observed{process, prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "countersign_refusals_total", Help: "Steps that a rule refused, by each rule that spoke, since this worker started."}, []string{"rule"})}
	o.MustRegister(o.refusals)
	return o
}
