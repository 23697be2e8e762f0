// Package e2e plays withdrawals on the real thing: Postgres and Temporal of their own, worker and command line as
// processes, which the tests kill. Run it with `make test`; one test alone with
//
//	bin/local test -- go test ./e2e -run TestName
package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/stacktest"
	"countersign/schema"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// patience is how long a test waits for what has to come; a healthy machine needs a small part of it.
const patience = stacktest.Patience

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	the.stop()
	os.Exit(code)
}

// stack is the one Postgres and Temporal of this run, with the worker that serves it.
type stack struct {
	stacktest.Servers
	once sync.Once
	err  error

	views   views.Reader
	client  client.Client
	worker  *stacktest.Worker // nil: none runs
	console theConsole
}

var the stack

// running is the stack with a worker, started by the first test that asks.
func running(t *testing.T) *stack {
	t.Helper()
	the.once.Do(func() { the.err = the.start() })
	require.NoError(t, the.err)
	if the.worker == nil {
		the.startWorker(t)
	}
	return &the
}

func (s *stack) start() error {
	if err := s.Start("countersign-e2e-", "--memory"); err != nil {
		return err
	}
	db, err := schema.Open(s.Now.DatabaseURL)
	if err != nil {
		return err
	}
	s.views = views.Reader{DB: db}
	if s.client, err = s.Dial("e2e"); err != nil {
		return err
	}
	for _, args := range [][]string{{"migrate"}, {"load", "testdata/programme.yaml"}} {
		if said := s.starter(context.Background(), nil, args...); said.code != 0 {
			return fmt.Errorf("starter %s: %s%s", strings.Join(args, " "), said.out, said.err)
		}
	}
	return nil
}

// killPostgres and killTemporal end a server as a crash would. They return when it answers again.
func (s *stack) killPostgres(t *testing.T) {
	t.Helper()
	require.NoError(t, s.KillPostgres())
}

func (s *stack) killTemporal(t *testing.T) {
	t.Helper()
	require.NoError(t, s.KillTemporal())
}

func (s *stack) stop() {
	s.console.stop()
	if s.worker != nil {
		s.worker.Kill()
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.views.DB != nil {
		_ = s.views.DB.Close() // the run is over
	}
	s.Stop()
}

// startWorker starts the worker that every test finds, and waits until it says that it runs.
func (s *stack) startWorker(t *testing.T, more ...string) {
	t.Helper()
	s.worker = s.anotherWorker(t, more...)
}

func (s *stack) anotherWorker(t *testing.T, more ...string) *stacktest.Worker {
	t.Helper()
	w, err := s.StartWorker([]string{filepath.Join(s.Bin, "worker")}, more...)
	require.NoError(t, err)
	return w
}

func (s *stack) killWorker() {
	s.worker.Kill()
	s.worker = nil
}

// answer is what a command line got.
type answer struct {
	code     int
	out, err string
	took     time.Duration
}

// starter runs the command line as a process; env is added to the stack's.
func (s *stack) starter(ctx context.Context, env []string, args ...string) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, errs strings.Builder
	c := exec.CommandContext(ctx, filepath.Join(s.Bin, "starter"), args...)
	c.Env, c.Stdout, c.Stderr = s.Environ(env...), &out, &errs
	began := time.Now()
	err := c.Run()
	said := answer{c.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
	if c.ProcessState == nil {
		said.err = err.Error()
	}
	return said
}

// ask runs a command that has to end with the code, and reads its JSON into the answer, if there is one.
func (s *stack) ask(t *testing.T, code int, into any, args ...string) {
	t.Helper()
	said := s.starter(t.Context(), nil, append(args, "--json")...)
	require.Equal(t, code, said.code, "starter %s: %s%s", strings.Join(args, " "), said.out, said.err)
	require.Empty(t, said.err)
	if into != nil {
		require.NoError(t, json.Unmarshal([]byte(said.out), into), said.out)
	}
}

// addsUp verifies the ledger by the command line.
func (s *stack) addsUp(t *testing.T) {
	t.Helper()
	var v struct {
		OK       bool            `json:"ok"`
		Findings []views.Finding `json:"findings"`
	}
	s.ask(t, 0, &v, "ledger", "verify")
	require.True(t, v.OK)
	require.Empty(t, v.Findings)
}

func (s *stack) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, s.views.DB.GetContext(t.Context(), &n, query, args...))
	return n
}

// eventually waits for what another process brings about.
func eventually(t *testing.T, what string, come func() (bool, error)) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		done, err := come()
		if done && err == nil {
			return
		}
		require.True(t, time.Now().Before(end), "%s does not come: %v", what, err)
	}
}

// insist repeats a request under its key until it has an answer, as a caller does whose connection broke.
func insist[T any](ask func(context.Context) (T, error)) (T, error) {
	end := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		got, err := ask(ctx)
		cancel()
		var final *temporal.ApplicationError
		if err == nil || errors.As(err, &final) || time.Now().After(end) {
			return got, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}
