package frame

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// Store is where Temporal keeps its state.
type Store string

// The stores of a stack.
const (
	SQLite       Store = "sqlite"        // the dev server, lean indexes
	Postgres     Store = "postgres"      // databases of its own in the programme's cluster, lean indexes
	PostgresFull Store = "postgres-full" // the same with every index that Temporal's schema has
)

// Servers are one Postgres and one Temporal, with the programme's schema in a database of its own.
type Servers struct {
	Store           Store
	DatabaseURL     string
	TemporalAddress string
	PostgresPID     int
	TemporalPID     int

	Admin  *sqlx.DB // the owner's connections: figures of the whole cluster
	Client client.Client
	Dir    string // of the servers' logs
}

// Servers starts the stack of a store when it is asked for first.
func (h *House) Servers(ctx context.Context, store Store) (*Servers, error) {
	if s := h.servers[store]; s != nil {
		return s, nil
	}
	h.Say("starting Postgres and Temporal (%s)", store)
	s := &Servers{Store: store, Dir: filepath.Join(h.Dir, string(store))}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	args := []string{"stack", "--dir", s.Dir}
	switch store {
	case Postgres:
		args = append(args, "--temporal-store", "postgres")
	case PostgresFull:
		args = append(args, "--temporal-store", "postgres", "--all-indexes")
	case SQLite:
	}
	cmd := exec.Command(filepath.Join(h.Bin, "local"), args...)
	cmd.Env = environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours: it ends when we do
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.Dir, "stack.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; `make bench` builds it", err)
	}
	h.Defer(func() error {
		stdin.Close() // it stops
		return cmd.Wait()
	})
	line := struct {
		DatabaseURL     string `json:"database_url"`
		TemporalAddress string `json:"temporal_address"`
		PostgresPID     int    `json:"postgres_pid"`
		TemporalPID     int    `json:"temporal_pid"`
	}{}
	lines := bufio.NewReader(out)
	for line.TemporalPID == 0 {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			said, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("the stack did not start: %w\n%s", err, said)
		}
		_ = json.Unmarshal(text, &line) // anything else on the way is no address
	}
	go io.Copy(io.Discard, lines) //nolint:errcheck // servers that come back
	s.DatabaseURL, s.TemporalAddress, s.PostgresPID, s.TemporalPID = line.DatabaseURL, line.TemporalAddress, line.PostgresPID, line.TemporalPID

	if s.Admin, err = schema.OpenOwner(s.DatabaseURL); err != nil {
		return nil, err
	}
	h.Defer(s.Admin.Close)
	if err := h.Run(ctx, s, "starter", "migrate"); err != nil {
		return nil, err
	}
	if s.Client, err = Dial(s.TemporalAddress); err != nil {
		return nil, err
	}
	h.Defer(func() error { s.Client.Close(); return nil })
	if h.servers == nil {
		h.servers = map[Store]*Servers{}
	}
	h.servers[store] = s
	return s, nil
}

// Dial connects to Temporal without a word in the log.
func Dial(address string) (client.Client, error) {
	return client.Dial(client.Options{HostPort: address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
}

// environ is ours without what leads to other servers.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "TEMPORAL_") || strings.HasPrefix(e, "DATABASE_") || strings.HasPrefix(e, "SMTP_")
	})
}

// Env is what a process of the programme is given, and what is set beside it.
func (s *Servers) Env(set ...string) []string {
	return append(environ(), append([]string{
		"DATABASE_URL=" + s.DatabaseURL, "TEMPORAL_ADDRESS=" + s.TemporalAddress, "TEMPORAL_NAMESPACE=default", "METRICS_ADDRESS=off",
	}, set...)...)
}

// Run runs one of the programme's commands to its end.
func (h *House) Run(ctx context.Context, s *Servers, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(h.Bin, program), args...)
	cmd.Env = s.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// Process is a worker of ours or of a reference.
type Process struct {
	PID int

	cmd   *exec.Cmd
	ended chan struct{}
	err   error
}

// Start starts a program and returns when its output has a line that contains ready; the rest goes to a file in Dir.
func (h *House) Start(ctx context.Context, name, ready string, env []string, program string, args ...string) (*Process, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(h.Dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p := &Process{PID: cmd.Process.Pid, cmd: cmd, ended: make(chan struct{})}
	is := make(chan struct{})
	go func() {
		defer log.Close()
		said := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(log, lines.Text())
			if !said && strings.Contains(lines.Text(), ready) {
				said = true
				close(is)
			}
		}
		p.err = cmd.Wait()
		close(p.ended)
	}()
	select {
	case <-is:
		return p, nil
	case <-p.ended:
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s did not start: %w\n%s", name, p.err, text)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), p.Kill())
	case <-time.After(time.Minute):
		return nil, errors.Join(fmt.Errorf("%s does not say %q", name, ready), p.Kill())
	}
}

// Stop ends the process cleanly.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(30 * time.Second):
		return p.Kill()
	}
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() error {
	_ = p.cmd.Process.Kill()
	<-p.ended
	return nil
}
