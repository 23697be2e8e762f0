package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/stacktest"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// collector receives spans as any backend does.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []span
	text  strings.Builder // all that was received
}

type span struct{ service, name, trace, id, parent string }

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.receive(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) receive(r *http.Request) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unpacked
	}
	octets, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var sent collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(octets, &sent); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(protojson.Format(&sent))
	for _, of := range sent.GetResourceSpans() {
		service := ""
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span{service, s.GetName(), hex.EncodeToString(s.GetTraceId()), hex.EncodeToString(s.GetSpanId()), hex.EncodeToString(s.GetParentSpanId())})
			}
		}
	}
	return nil
}

// find answers the spans of a service and name; of one trace, when that is given.
func (c *collector) find(service, name, trace string) []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []span
	for _, s := range c.spans {
		if s.service == service && s.name == name && (trace == "" || s.trace == trace) {
			found = append(found, s)
		}
	}
	return found
}

func (c *collector) received() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

const (
	starterService = "countersign-starter"
	workerService  = "countersign-worker"
	consoleService = "countersign-server"
)

func TestGivenACollector_WhenAWithdrawalIsAppliedForAndApproved_ThenEachCommandIsOneTraceDownToSQLAndLogsAndMetricsTellOfIt(t *testing.T) {
	p := newPartner(t, "PTRACE", lot{withdrawal.EbankCorporate, "1000.00"})
	backend, metrics := newCollector(t), freeAddress(t)
	p.s.killWorker()
	traced := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
	p.s.startWorker(t, append(traced, "METRICS_ADDRESS="+metrics)...)
	t.Cleanup(p.s.killWorker) // the next test starts its own

	run := func(args ...string) {
		t.Helper()
		said := p.s.starter(t.Context(), traced, args...)
		require.Equal(t, 0, said.code, "%s%s", said.out, said.err)
	}
	app := p.toBank("traced", "100.00")
	app.Payee.AccountNo = "6222026006705354217"
	run(p.applyArgs(app)...)
	var number string
	require.NoError(t, p.s.views.DB.Get(&number, `SELECT case_number FROM cases WHERE partner_id = $1`, p.id))

	applied := backend.tells(t, "starter withdrawal apply", "UpdateWithStartWorkflow:submit", "RunWorkflow:Withdrawal", "RunActivity:OpenWithdrawal")

	// The shared exposition is looked at while the case is open and a task waits.
	exported := scrape(t, metrics)
	require.Contains(t, exported, `countersign_cases_open{kind="withdrawal",state="UNDER_REVIEW"}`)

	p.s.killWorker() // whoever decides meets a worker that has to read the history again
	p.s.startWorker(t, append(traced, "METRICS_ADDRESS="+metrics)...)
	run("task", "decide", approval.TaskID(number, withdrawal.Review.Name, 1), "approve", "--as", "lina", "--reason", "checked with Frau Holle")
	decided := backend.tells(t, "starter task decide", "UpdateWorkflow:decide", "HandleUpdate:decide", "RunActivity:DecideWithdrawal")
	require.NotEqual(t, applied, decided, "each command is a trace of its own")
	require.Len(t, backend.find(workerService, "RunWorkflow:Withdrawal", ""), 1, "a replay makes no span again")
	require.Len(t, backend.find(workerService, "RunActivity:OpenWithdrawal", ""), 1)

	sent := backend.received()
	require.Contains(t, sent, "INSERT INTO", "SQL has its text")
	for _, secret := range []string{app.Payee.AccountNo, app.Payee.Holder, `"` + app.Code + `"`, "Frau Holle"} {
		require.NotContains(t, sent, secret)
	}

	lines := logLines(t, p.s.worker)
	require.NotContains(t, fmt.Sprint(lines), app.Payee.AccountNo)
	i := slices.IndexFunc(lines, func(l map[string]any) bool { return l["step"] == "DecideWithdrawal" })
	require.GreaterOrEqual(t, i, 0, "%v", lines)
	require.Equal(t, "step done", lines[i]["msg"])
	refused := p.s.starter(t.Context(), traced, p.applyArgs(p.toBank("traced-2", "999999.00"))...)
	require.Equal(t, 1, refused.code, "%s%s", refused.out, refused.err)
	lines = append(lines, logLines(t, p.s.worker)...)
	no := slices.IndexFunc(lines, func(l map[string]any) bool { return l["msg"] == "step refused" })
	require.GreaterOrEqual(t, no, 0, "%v", lines)
	require.Equal(t, []any{p.id, withdrawal.Kind}, []any{lines[no]["partner"], lines[no]["kind"]}, "there is no case, but whose it would be is known")
	require.Equal(t, []any{number, p.id, withdrawal.Kind, "APPROVED", decided}, []any{lines[i]["case"], lines[i]["partner"], lines[i]["kind"], lines[i]["state"], lines[i]["trace_id"]})

	exported += backend.seesConsole(t, p.s, traced)

	run("ledger", "verify")
	exported += scrape(t, metrics)
	require.Contains(t, exported, `le="0.1"`, "latencies are told in seconds")
	for _, asked := range asksFor(t) {
		if !slices.Contains(onlyAfterAnError, asked[0]) {
			require.True(t, exports(exported, asked[0], asked[1:]), "no worker and no console exports %s, which a dashboard or an alert asks for", asked)
		}
	}
}

// tells waits for the trace of a command and asserts that it reaches from the command down to SQL. It answers the trace's ID.
func (c *collector) tells(t *testing.T, command, called, handled, step string) string {
	t.Helper()
	eventually(t, "the span of "+command, func() (bool, error) { return len(c.find(starterService, command, "")) == 1, nil })
	trace := c.find(starterService, command, "")[0].trace
	for _, s := range []struct{ service, name string }{{starterService, called}, {workerService, handled}, {workerService, step}, {workerService, "INSERT"}} {
		eventually(t, "the span "+s.name+" of "+command, func() (bool, error) { return len(c.find(s.service, s.name, trace)) > 0, nil })
	}
	parent := c.find(workerService, step, trace)[0].id
	for _, s := range c.find(workerService, "INSERT", trace) {
		require.Equal(t, parent, s.parent, "SQL belongs to its step")
	}
	return trace
}

// seesConsole has somebody fail to sign in to a console and asserts that their request is a trace and a line of the log without what they
// entered. It answers the console's metrics.
func (c *collector) seesConsole(t *testing.T, s *stack, traced []string) string {
	t.Helper()
	metrics := freeAddress(t)
	server, origin, err := s.StartConsole(append(traced, "CONSOLE_METRICS_ADDRESS="+metrics)...)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	said, err := http.PostForm(origin+"/sign-in", url.Values{"account": {"holle@partner.example"}, "password": {"Frau Holle"}})
	require.NoError(t, err)
	require.NoError(t, said.Body.Close())
	require.Equal(t, http.StatusUnprocessableEntity, said.StatusCode)
	const route = "POST /sign-in"
	eventually(t, "the span of "+route, func() (bool, error) { return len(c.find(consoleService, route, "")) == 1, nil })
	trace := c.find(consoleService, route, "")[0].trace
	eventually(t, "its SQL", func() (bool, error) { return len(c.find(consoleService, "SELECT", trace)) > 0, nil })
	lines := logLines(t, server)
	i := slices.IndexFunc(lines, func(l map[string]any) bool { return l["msg"] == "request" && l["route"] == route })
	require.GreaterOrEqual(t, i, 0, "%v", lines)
	require.Equal(t, []any{"POST", 422.0, trace}, []any{lines[i]["method"], lines[i]["status"], lines[i]["trace_id"]})
	exported := scrape(t, metrics)
	for _, told := range []string{fmt.Sprint(lines), exported, c.received()} {
		require.NotContains(t, strings.ToLower(told), "holle")
	}
	for _, address := range []string{origin, "http://" + metrics} {
		ready, err := http.Get(address + "/readyz")
		require.NoError(t, err)
		require.NoError(t, ready.Body.Close())
		require.Equal(t, http.StatusOK, ready.StatusCode, address)
	}
	return exported
}

// onlyAfterAnError are counters that the SDK exports once they have counted something, those of steps that run elsewhere than in
// the test's case, and Prometheus's own.
var onlyAfterAnError = []string{
	"up", "temporal_workflow_task_execution_failed_total", "temporal_request_failure_total",
	"temporal_local_activity_execution_failed_total", "temporal_activity_execution_failed_total", "temporal_activity_execution_latency_seconds_bucket", "temporal_activity_execution_latency_seconds_count",
}

// asksFor reads the metrics of dashboard and rules, each with the labels it is asked by; a test over Prometheus' parser keeps the list.
func asksFor(t *testing.T) (asked [][]string) {
	t.Helper()
	text, err := os.ReadFile("../deploy/prometheus/used.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			asked = append(asked, strings.Fields(line))
		}
	}
	require.NotEmpty(t, asked)
	return asked
}

// exports tells whether a series of the name has all the labels.
func exports(exported, name string, labels []string) bool {
	for _, series := range regexp.MustCompile(`(?m)^`+name+`[ {].*$`).FindAllString(exported, -1) {
		if !slices.ContainsFunc(labels, func(label string) bool {
			return label != "job" && !regexp.MustCompile(`[{,]`+label+`="`).MatchString(series)
		}) { // Prometheus adds the job
			return true
		}
	}
	return false
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(text))
	return string(text)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// lines is the worker's log; every line of it is JSON.
func logLines(t *testing.T, w *stacktest.Worker) (lines []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(w.Log))
	require.NoError(t, err)
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var line map[string]any
		require.NoError(t, json.Unmarshal(s.Bytes(), &line), s.Text())
		lines = append(lines, line)
	}
	return lines
}
