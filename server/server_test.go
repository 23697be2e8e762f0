package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/codec"
	"countersign/internal/config"
	"countersign/internal/health"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/client"
)

// journal is what a process writes to its log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(text []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(text)
}

// lines are those with a message, each valid JSON.
func (j *journal) lines(t *testing.T, message string) (found []map[string]any) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for text := range strings.Lines(j.text.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		if line["msg"] == message {
			found = append(found, line)
		}
	}
	return found
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// written has the test's process log as the server does.
func written(t *testing.T) *journal {
	t.Helper()
	j, before := &journal{}, slog.Default()
	slog.SetDefault(newLogger(j, slog.LevelInfo))
	t.Cleanup(func() { slog.SetDefault(before) })
	return j
}

func watched(t *testing.T) *observed {
	t.Helper()
	process, err := config.Config{}.Observe(t.Context(), "test")
	require.NoError(t, err)
	return observe(process)
}

// whole is the console as it is served, over a database of its own.
func whole(t *testing.T) (handler http.Handler, seen *observed, status *health.Health) {
	t.Helper()
	return over(t, pgtest.New(t))
}

// over is the console as it is served, over a database and a Temporal that is not there.
func over(t *testing.T, db *sqlx.DB) (handler http.Handler, seen *observed, status *health.Health) {
	t.Helper()
	key, err := codec.NewKey("2026")
	require.NoError(t, err)
	cfg, err := config.Load(map[string]string{"CONSOLE_URL": "https://console.example", "PAYLOAD_KEYS": key})
	require.NoError(t, err)
	temporal, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	seen, status = watched(t), health.New("server")
	handler, err = site(cfg, db, temporal, "default", status, seen)
	require.NoError(t, err)
	return handler, seen, status
}

func ask(h http.Handler, method, path string, form url.Values) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "https://console.example"+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestGivenTheConsole_WhenAnybodyAsksForAnything_ThenItRunsNothingOfOthersIsKeptByNobodyAndTellsNobodyWhatFails(t *testing.T) {
	log := written(t)
	handler, seen, status := whole(t)
	for path, want := range map[string]int{
		"/": 303, "/inbox": 303, "/cases/W000001": 303, "/partner/account": 303, "/sign-in": 200, "/nowhere": 404, "/account": 303, "/%ff": 400, "/static/no.css": 404, "/cases/../inbox": 307,
	} {
		got := ask(handler, http.MethodGet, path, nil)
		require.Equal(t, want, got.Code, path)
		require.Equal(t, "no-store", got.Header().Get("Cache-Control"), path)
		require.Equal(t, "nosniff", got.Header().Get("X-Content-Type-Options"), path)
		require.Contains(t, got.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'", path)
		require.Contains(t, got.Header().Get("Content-Security-Policy"), "frame-ancestors 'self'", path)
		require.NotEmpty(t, got.Header().Get("Strict-Transport-Security"), path)
	}
	status.Works(health.Check{Name: "database", Ask: func(context.Context) error { return fmt.Errorf("no password for countersign at 10.0.0.7") }})
	for path, want := range map[string]string{"/livez": "ok\n", "/readyz": "not ready\n", "/healthz": "not ready\n"} {
		require.Equal(t, want, ask(handler, http.MethodGet, path, nil).Body.String())
	}
	require.Equal(t, http.StatusNotFound, ask(handler, http.MethodGet, "/metrics", nil).Code)

	const name, secret = "li.lei@partner.example", "Hunter 2 hunter"
	require.Equal(t, http.StatusUnprocessableEntity, ask(handler, http.MethodPost, "/sign-in?next=/inbox?q=13800138000", url.Values{"account": {name}, "password": {secret}}).Code)
	lines := log.lines(t, "request")
	last := lines[len(lines)-1]
	require.Equal(t, []any{"POST", "POST /sign-in", float64(422)}, []any{last["method"], last["route"], last["status"]})
	require.Positive(t, last["took"])
	scraped := httptest.NewRecorder()
	seen.Handler().ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, scraped.Body.String(), `countersign_http_request_duration_seconds_count{route="POST /sign-in",status="4xx"} 1`)
	require.Contains(t, scraped.Body.String(), `countersign_http_request_duration_seconds_count{route="GET /cases/{case}",status="3xx"} 1`)
	require.Contains(t, scraped.Body.String(), `countersign_sign_ins_total{outcome="refused"} 1`)
	require.Contains(t, scraped.Body.String(), `countersign_sign_ins_total{outcome="locked"} 0`)
	for _, told := range []string{log.String(), scraped.Body.String()} {
		for _, no := range []string{name, secret, "13800138000", "W000001", "192.0.2.1"} { // the last is whence httptest asks
			require.NotContains(t, told, no)
		}
	}
}

func TestGivenADatabaseThatFails_WhenAPageIsAsked_ThenTheLogSaysWhyAndQuotesNothingThatWasEntered(t *testing.T) {
	log := written(t)
	const name = "li.lei@partner.example"
	db := pgtest.New(t)
	owner := pgtest.Owner(t, db)
	owner.MustExec(`CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'duplicate key value' USING ERRCODE = '23505', CONSTRAINT = 'one_each', DETAIL = 'Key (name)=(` + name + `) already exists.'; END $$`)
	owner.MustExec(`CREATE TRIGGER odd BEFORE INSERT ON account_events FOR EACH ROW EXECUTE FUNCTION odd()`)
	handler, _, _ := over(t, db)
	fails := func() map[string]any {
		t.Helper()
		got := ask(handler, http.MethodPost, "/sign-in", url.Values{"account": {name}, "password": {"Hunter 2 hunter"}})
		require.Equal(t, http.StatusInternalServerError, got.Code)
		lines := log.lines(t, "request failed")
		last := lines[len(lines)-1]
		require.Contains(t, got.Body.String(), last["number"], "by its number the page's line is found")
		require.NotContains(t, got.Body.String(), "duplicate")
		require.NotContains(t, log.String(), name)
		return last["error"].(map[string]any)
	}
	require.Equal(t, map[string]any{"type": "defect", "sqlstate": "23505", "constraint": "one_each", "text": "duplicate key value"}, fails())
	owner.MustExec(`CREATE OR REPLACE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no number: "` + name + `"' USING ERRCODE = '22P02'; END $$`)
	require.Equal(t, map[string]any{"type": "defect", "sqlstate": "22P02"}, fails(), "a message that quotes a value is left out")
}

func TestGivenAHandlerThatPanics_WhenItIsAsked_ThenAPageSaysSoAndTheLogHasWhereAndNotWhat(t *testing.T) {
	log, seen := written(t), watched(t)
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cases/{case}", func(http.ResponseWriter, *http.Request) { panic("account 6222026006705354217") })
	mux.HandleFunc("GET /half", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("late")
	})
	mux.HandleFunc("GET /fine", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(seen.watch(provider.Tracer("test"), mux, mux, func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)

	answer, err := http.Get(server.URL + "/cases/W1")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	panicked := log.lines(t, "handler panicked")
	require.Len(t, panicked, 1)
	require.Equal(t, "GET /cases/{case}", panicked[0]["route"])
	require.Contains(t, panicked[0]["stack"], "server_test.go")
	require.NotContains(t, log.String(), "6222026006705354217")

	answer, err = http.Get(server.URL + "/half")
	require.NoError(t, err)
	_, err = io.ReadAll(answer.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "half an answer does not look like a whole one")
	require.NoError(t, answer.Body.Close())
	asked, err := http.NewRequestWithContext(t.Context(), "BREW", server.URL+"/fine", nil)
	require.NoError(t, err)
	asked.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	answer, err = http.DefaultClient.Do(asked)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())

	require.Eventually(t, func() bool { return len(spans.Ended()) == 3 }, time.Minute, 10*time.Millisecond)
	first := spans.Ended()[0]
	require.Equal(t, "GET /cases/{case}", first.Name())
	require.ElementsMatch(t, []attribute.KeyValue{
		attribute.String("http.route", "GET /cases/{case}"), attribute.String("http.request.method", "GET"), attribute.Int("http.response.status_code", 500),
	}, first.Attributes(), "and nothing else of the request")
	require.NotEqual(t, "0af7651916cd43dd8448eb211c80319c", spans.Ended()[2].SpanContext().TraceID().String(), "a caller does not choose its trace")
	require.Contains(t, spans.Ended()[2].Attributes(), attribute.String("http.request.method", "other"))
}

func TestGivenARequestThatHasBegun_WhenTheServerDrains_ThenItIsAnsweredAndNoOtherIsTaken(t *testing.T) {
	written(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	begun, goOn := make(chan struct{}), make(chan struct{})
	status := health.New("server")
	status.Works()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-goOn
			_, _ = io.WriteString(w, "done")
		}), status)
	}()
	said := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			said <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		said <- string(text)
	}()
	<-begun
	stop()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, time.Minute, 10*time.Millisecond, "it takes no other")
	mux := http.NewServeMux()
	status.Serve(mux)
	require.Equal(t, "server: draining\n", ask(mux, http.MethodGet, "/readyz", nil).Body.String())
	close(goOn)
	require.Equal(t, "done", <-said)
	require.NoError(t, <-ended)
}

func TestGivenAHeaderThatNoBrowserSends_WhenItIsTooLong_ThenItIsRefused(t *testing.T) {
	written(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, http.NotFoundHandler(), health.New("server")) }()
	c, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	_, err = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: console\r\nCookie: x=%s\r\n\r\n", strings.Repeat("x", 2*headerSize))
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, answer.StatusCode)
	require.NoError(t, answer.Body.Close())
	require.NoError(t, c.Close())
	stop()
	require.NoError(t, <-ended)
}
