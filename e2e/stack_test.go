// Package e2e plays withdrawals on the real thing: Postgres and Temporal of their own, worker and command line as
// processes, which the tests kill. Run it with `make test`; one test alone with
//
//	bin/local test -- go test ./e2e -run TestName
package e2e

import (
	"bufio"
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
	"syscall"
	"testing"
	"time"

	"countersign/schema"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

// patience is how long a test waits for what has to come; a healthy machine needs a small part of it.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	the.stop()
	os.Exit(code)
}

// addresses is the line that the stack prints each time both servers answer.
type addresses struct {
	DatabaseURL     string `json:"database_url"`
	TemporalAddress string `json:"temporal_address"`
	PostgresPID     int    `json:"postgres_pid"`
	TemporalPID     int    `json:"temporal_pid"`
}

// stack is the one Postgres and Temporal of this run, with the worker that serves it.
type stack struct {
	once sync.Once
	err  error

	dir     string
	bin     string
	process *exec.Cmd
	hold    func() error // closes the stack's stdin: it stops
	ended   chan struct{}
	lines   chan addresses
	now     addresses
	views   views.Reader
	client  client.Client
	worker  *workerProcess // nil: none runs
	workers int
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
	if s.bin = os.Getenv("COUNTERSIGN_BIN"); s.bin == "" {
		return errors.New("COUNTERSIGN_BIN is not set: end-to-end tests run the built programme on servers of their own; `make test` sets everything up")
	}
	var err error
	if s.dir, err = os.MkdirTemp("", "countersign-e2e-"); err != nil {
		return err
	}
	if err := s.startServers(); err != nil {
		return err
	}
	db, err := schema.Open(s.now.DatabaseURL)
	if err != nil {
		return err
	}
	s.views = views.Reader{DB: db}
	if s.client, err = client.Dial(client.Options{HostPort: s.now.TemporalAddress, Identity: "e2e", Logger: quiet}); err != nil {
		return err
	}
	for _, args := range [][]string{{"migrate"}, {"load", "testdata/programme.yaml"}} {
		if said := s.starter(context.Background(), nil, args...); said.code != 0 {
			return fmt.Errorf("starter %s: %s%s", strings.Join(args, " "), said.out, said.err)
		}
	}
	return nil
}

func (s *stack) startServers() error {
	log, err := os.Create(filepath.Join(s.dir, "stack.log"))
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	s.process = exec.Command(filepath.Join(s.bin, "local"), "stack", "--dir", filepath.Join(s.dir, "servers"))
	s.process.Env, s.process.Stderr = environ(), log
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours: it ends when we do
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("%w; `make test` builds it", err)
	}
	s.hold, s.ended, s.lines = stdin.Close, make(chan struct{}), make(chan addresses, 100)
	go func() {
		defer close(s.ended)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			var line addresses
			if json.Unmarshal(scanner.Bytes(), &line) == nil {
				s.lines <- line
			}
		}
		_ = s.process.Wait() // how it ended is in its log
	}()
	return s.await(func(addresses) bool { return true })
}

// await waits for a line of the stack.
func (s *stack) await(wanted func(addresses) bool) error {
	end := time.After(patience)
	for {
		select {
		case s.now = <-s.lines:
			if wanted(s.now) {
				return nil
			}
		case <-s.ended:
			return fmt.Errorf("the servers ended; %s", tail(filepath.Join(s.dir, "stack.log")))
		case <-end:
			return fmt.Errorf("the servers do not answer; %s", tail(filepath.Join(s.dir, "stack.log")))
		}
	}
}

// killPostgres and killTemporal end a server as a crash would. They return when it answers again.
func (s *stack) killPostgres(t *testing.T) {
	t.Helper()
	pid := s.now.PostgresPID
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.NoError(t, s.await(func(a addresses) bool { return a.PostgresPID != pid }))
}

func (s *stack) killTemporal(t *testing.T) {
	t.Helper()
	pid := s.now.TemporalPID
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.NoError(t, s.await(func(a addresses) bool { return a.TemporalPID != pid }))
}

func (s *stack) stop() {
	if s.worker != nil {
		s.worker.kill()
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.views.DB != nil {
		_ = s.views.DB.Close() // the run is over
	}
	if s.hold != nil {
		_ = s.hold() // and so are the servers
		select {
		case <-s.ended:
		case <-time.After(patience):
			_ = s.process.Process.Kill()
		}
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // it lies in the temporary folder
	}
}

// environ is this process's environment without what would lead elsewhere.
func environ(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "DATABASE_") || strings.HasPrefix(name, "TEMPORAL_") || name == "SMTP_URL" || name == "METRICS_ADDRESS" || name == "LOG_LEVEL" {
			continue
		}
		env = append(env, e)
	}
	return append(env, more...)
}

func (s *stack) environ(more ...string) []string {
	return environ(append([]string{
		"DATABASE_URL=" + s.now.DatabaseURL, "TEMPORAL_ADDRESS=" + s.now.TemporalAddress, "METRICS_ADDRESS=off",
		"TEMPORAL_CONFIG_FILE=" + filepath.Join(s.dir, "none.toml"),
	}, more...)...)
}

// workerProcess is one worker.
type workerProcess struct {
	process *exec.Cmd
	log     string
	ended   chan struct{}
}

// startWorker starts the worker that every test finds, and waits until it says that it runs.
func (s *stack) startWorker(t *testing.T, more ...string) {
	t.Helper()
	s.worker = s.anotherWorker(t, more...)
}

func (s *stack) anotherWorker(t *testing.T, more ...string) *workerProcess {
	t.Helper()
	s.workers++
	w := &workerProcess{process: exec.Command(filepath.Join(s.bin, "worker")), log: filepath.Join(s.dir, fmt.Sprintf("worker-%d.log", s.workers)), ended: make(chan struct{})}
	out, err := os.Create(w.log)
	require.NoError(t, err)
	defer out.Close() // the process has its own
	w.process.Env, w.process.Stdout, w.process.Stderr = s.environ(more...), out, out
	w.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, w.process.Start())
	go func() {
		defer close(w.ended)
		_ = w.process.Wait() // how it ended is in its log
	}()
	require.Eventually(t, func() bool {
		select {
		case <-w.ended:
			t.Errorf("the worker ended at once; %s", tail(w.log))
			return true
		default:
		}
		text, err := os.ReadFile(w.log)
		return err == nil && strings.Contains(string(text), "worker runs")
	}, patience, 20*time.Millisecond)
	return w
}

// kill ends the worker as a crash would.
func (w *workerProcess) kill() {
	_ = syscall.Kill(-w.process.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	<-w.ended
}

func (s *stack) killWorker() {
	s.worker.kill()
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
	c := exec.CommandContext(ctx, filepath.Join(s.bin, "starter"), args...)
	c.Env, c.Stdout, c.Stderr = s.environ(env...), &out, &errs
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

// tail is the end of a log, for an error's sake.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Sprintf("its log ends with:\n%s", strings.Join(lines[max(0, len(lines)-10):], "\n"))
}

// silent keeps the client's own log out of the tests' output.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

var quiet log.Logger = silent{}
