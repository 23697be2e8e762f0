package frame

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"countersign/internal/stacktest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
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
	stacktest.Servers

	Store           Store
	DatabaseURL     string
	TemporalAddress string
	PostgresPID     int
	TemporalPID     int

	Admin  *sqlx.DB // the owner's connections: figures of the whole cluster
	Client client.Client
}

// Servers starts the stack of a store when it is asked for first.
func (h *House) Servers(ctx context.Context, store Store) (*Servers, error) {
	if s := h.servers[store]; s != nil {
		return s, nil
	}
	h.Say("starting Postgres and Temporal (%s)", store)
	s := &Servers{Servers: stacktest.Servers{Bin: h.Bin}, Store: store}
	var more []string
	switch store {
	case Postgres:
		more = []string{"--temporal-store", "postgres"}
	case PostgresFull:
		more = []string{"--temporal-store", "postgres", "--all-indexes"}
	case SQLite:
	}
	h.Defer(func() error { s.Stop(); return nil })
	err := s.Start("countersign-bench-", more...)
	if err != nil {
		return nil, err
	}
	s.DatabaseURL, s.TemporalAddress, s.PostgresPID, s.TemporalPID = s.Now.DatabaseURL, s.Now.TemporalAddress, s.Now.PostgresPID, s.Now.TemporalPID
	if s.Admin, err = schema.OpenOwner(s.DatabaseURL); err != nil {
		return nil, err
	}
	h.Defer(s.Admin.Close)
	if err := h.Run(ctx, s, "starter", "migrate"); err != nil {
		return nil, err
	}
	if store != SQLite { // a server built before it could do so says nothing
		var there bool
		if err := s.Admin.GetContext(ctx, &there, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'temporal_visibility')`); err != nil || !there {
			return nil, errors.Join(err, errors.New("bin/temporal is old and keeps its state elsewhere; build it anew"))
		}
	}
	if s.Client, err = s.Dial("bench"); err != nil {
		return nil, err
	}
	h.Defer(func() error { s.Client.Close(); return nil })
	if h.servers == nil {
		h.servers = map[Store]*Servers{}
	}
	h.servers[store] = s
	return s, nil
}

// Env is what a process of the programme or of a reference is given, and what is set beside it. All encrypt what Temporal keeps.
func (s *Servers) Env(set ...string) []string {
	return s.Environ(append([]string{"TEMPORAL_NAMESPACE=default"}, set...)...)
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

// Start starts a worker of ours or of a reference, and returns when it says ready; all it says goes to a file in Dir.
func (h *House) Start(name, ready string, env []string, command ...string) (*stacktest.Worker, error) {
	h.started++
	return stacktest.StartProcess(command, env, filepath.Join(h.Dir, fmt.Sprintf("%s-%d.log", name, h.started)), ready)
}
