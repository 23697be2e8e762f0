package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"countersign/activities"
	"countersign/domain/refusal"

	"github.com/lib/pq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

// stepLines plays one step that ends with the error, on a worker's interceptor and log.
func stepLines(t *testing.T, refusals *prometheus.CounterVec, ends error) (lines []map[string]any) {
	t.Helper()
	var out bytes.Buffer
	logger := newLogger(&out, slog.LevelDebug)
	before := slog.Default()
	slog.SetDefault(logger)
	t.Cleanup(func() { slog.SetDefault(before) })
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(logger))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&steps{refusals: refusals}}})
	env.RegisterActivityWithOptions(func(context.Context, activities.ClockInput) error { return activities.Final(ends) }, activity.RegisterOptions{Name: "Step"})
	_, err := env.ExecuteActivity("Step", activities.ClockInput{Case: "W000017"})
	require.Equal(t, ends == nil, err == nil)
	logger.Warn("a day's step failed", "error", err) // as workflows do
	for line := range bytes.Lines(out.Bytes()) {
		var said map[string]any
		require.NoError(t, json.Unmarshal(line, &said))
		lines = append(lines, said)
	}
	require.NotContains(t, out.String(), "张三")
	return lines
}

func TestGivenAStepThatFails_WhenItsLineIsWritten_ThenItSaysWhyAndNoLineQuotesWhatWasEntered(t *testing.T) {
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "refusals"}, []string{"rule"})
	said := func(msg string, ends error) map[string]any {
		t.Helper()
		for _, line := range stepLines(t, refusals, ends) {
			if line["msg"] == msg {
				require.Equal(t, "Step", line["step"])
				require.Equal(t, "W000017", line["case"])
				return line
			}
		}
		t.Fatalf("no line %q", msg)
		return nil
	}
	require.NotContains(t, said("step done", nil), "cause")
	failed := said("step failed", fmt.Errorf("insert 张三: %w", &pq.Error{Code: "23514", Constraint: "c", Message: "violates c"}))
	require.Equal(t, "WARN", failed["level"])
	require.Equal(t, map[string]any{"type": "defect", "sqlstate": "23514", "constraint": "c", "text": "violates c"}, failed["cause"])
	require.Equal(t, map[string]any{"type": "*errors.errorString"}, said("step failed", errors.New("张三"))["cause"])

	refused := said("step refused", refusal.List{refusal.New("R1", "NAME", "张三", "张三 is not the subject."), refusal.New("R2", "AMOUNT", "张三", "Too much.")})
	require.Equal(t, []any{"R1", "R2"}, refused["rules"])
	registry := prometheus.NewRegistry()
	registry.MustRegister(refusals)
	counted, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, counted[0].GetMetric(), 2, "each rule that spoke counts")
}
