package temporal

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"countersign/dev/internal/ports"
)

func startServer(t *testing.T) (s *Server, back <-chan struct{}) {
	t.Helper()
	binary, err := filepath.Abs("../../../bin/temporal")
	require.NoError(t, err)
	require.FileExists(t, binary, "make build makes it")
	dir := t.TempDir()
	kept, err := ports.Keep(filepath.Join(dir, "ports.json"), ports.Want{Name: "frontend"}, ports.Want{Name: "ui"})
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(dir, "temporal.log"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })

	again := make(chan struct{}, 1)
	s = &Server{
		Binary: binary, Dir: dir, Log: log, Port: kept["frontend"], UIPort: kept["ui"],
		Codec: "http://127.0.0.1:8234", Say: t.Logf, Back: func() { again <- struct{}{} },
	}
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(s.Stop)
	return s, again
}

func dial(t *testing.T, s *Server) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

var state = temporal.NewSearchAttributeKeyKeyword("TestState")

// waits ends when it is told to.
func waits(ctx workflow.Context) (string, error) {
	var told string
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, &told)
	return told, nil
}

func TestCasesSurviveAKillAndGoOn(t *testing.T) {
	s, back := startServer(t)
	c := dial(t, s)

	described, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	require.NoError(t, err)
	assert.Equal(t, 90*24*time.Hour, described.Config.WorkflowExecutionRetentionTtl.AsDuration())

	settings, err := http.Get(s.UIURL() + "/api/v1/settings") //nolint:noctx // it is on this machine
	require.NoError(t, err)
	defer settings.Body.Close()
	text, err := io.ReadAll(settings.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"Codec":{"Endpoint":"http://127.0.0.1:8234","PassAccessToken":false,"IncludeCredentials":true`)

	_, err = c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace:        "default",
		SearchAttributes: map[string]enums.IndexedValueType{state.GetName(): enums.INDEXED_VALUE_TYPE_KEYWORD},
	})
	require.NoError(t, err)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "case", TaskQueue: "test", TypedSearchAttributes: temporal.NewSearchAttributes(state.ValueSet("open")),
	}, waits)
	require.NoError(t, err, "the attribute is usable in the next call")

	w := worker.New(c, "test", worker.Options{})
	w.RegisterWorkflow(waits)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	require.NoError(t, c.SignalWorkflow(t.Context(), "case", "", "ignored", nil))

	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
	select {
	case <-back:
	case <-time.After(time.Minute):
		t.Fatal("Temporal did not come back")
	}
	require.NoError(t, c.SignalWorkflow(t.Context(), "case", "", "go", "on"))
	var told string
	require.NoError(t, run.Get(t.Context(), &told))
	assert.Equal(t, "on", told)
	assert.Eventually(t, func() bool {
		found, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: "default", Query: "TestState = 'open'"})
		return err == nil && found.Count == 1
	}, time.Minute, 50*time.Millisecond)
}

func TestABorrowedNamespaceIsUsableAndGivenBack(t *testing.T) {
	s, _ := startServer(t)
	giveBack, err := Borrow(t.Context(), s.Address(), "demo-1")
	require.NoError(t, err)
	c := dial(t, s)
	_, err = c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "demo-1"})
	require.NoError(t, err)

	require.NoError(t, giveBack(t.Context()))
	_, err = c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "demo-1"})
	require.Error(t, err)
}
