package telemetry

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

func TestGivenAnErrorThatQuotesAName_WhenItsSpanIsSent_ThenItsTypeIsThereAndNoneOfItsWords(t *testing.T) {
	var mu sync.Mutex
	var sent []byte
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if sent = append(sent, body...); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	traces, err := Start(t.Context(), "some-service", "v1", func(err error) { t.Error(err) })
	require.NoError(t, err)

	_, span := traces.Tracer().Start(t.Context(), "some-step")
	span.RecordError(errors.New("Frau Holle is not the subject"), trace.WithStackTrace(true))
	span.AddEvent("Frau Holle called")
	span.SetStatus(codes.Error, "Frau Holle again")
	span.End()
	require.NoError(t, traces.Close(t.Context()))

	mu.Lock()
	defer mu.Unlock()
	for _, there := range []string{"some-service", "some-step", "error.type", "errors.errorString"} {
		require.Contains(t, string(sent), there)
	}
	require.NotContains(t, string(sent), "Holle")
}
