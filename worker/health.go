package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"countersign/schema"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// checkTimeout bounds each question of /readyz; a probe should wait a little longer.
const checkTimeout = 2 * time.Second

// Where a worker stands before and after it works.
const (
	starting = "worker: starting"
	draining = "worker: draining"
)

// health answers whether the worker lives and whether it takes work.
type health struct {
	mu     sync.Mutex
	not    string // why it takes no work, whatever else answers; empty: it does
	checks []check
}

// check asks something without which no case moves.
type check struct {
	name string
	ask  func(context.Context) error
}

func newHealth() *health { return &health{not: starting} }

// works says that the worker runs, and what it needs for it.
func (h *health) works(checks ...check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not, h.checks = "", checks
}

// drains says that the worker takes no new work.
func (h *health) drains() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not = draining
}

// serve answers GET /livez and /readyz; /healthz is the latter's other name.
func (h *health) serve(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", h.lives)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /healthz", h.ready)
}

// lives needs no other server: a restart of this process would not bring one back.
func (h *health) lives(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintln(w, "ok")
}

// ready says ok, or a line for everything that is not: "database: connection refused".
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	not, checks := h.not, h.checks
	h.mu.Unlock()
	lines := failing(r.Context(), checks)
	if not != "" {
		lines = append([]string{not}, lines...)
	}
	if len(lines) > 0 {
		http.Error(w, strings.Join(lines, "\n"), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// failing asks all at once, and names those that fail or do not answer in time.
func failing(ctx context.Context, checks []check) []string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	said := make([]chan error, len(checks))
	for i, c := range checks {
		said[i] = make(chan error, 1)
		go func() { said[i] <- c.ask(ctx) }()
	}
	var lines []string
	for i, c := range checks {
		select {
		case err := <-said[i]:
			if err != nil {
				lines = append(lines, c.name+": "+strings.ReplaceAll(err.Error(), "\n", " "))
			}
		case <-ctx.Done(): // a driver that does not look at its context is not waited for
			lines = append(lines, fmt.Sprintf("%s: no answer within %s", c.name, checkTimeout))
		}
	}
	return lines
}

// databaseCheck asks by a connection of its own: while cases use all others the worker is busy, not broken. The function
// closes it.
func databaseCheck(databaseURL string) (check, func() error, error) {
	db, err := schema.Open(databaseURL)
	if err != nil {
		return check{}, nil, err
	}
	db.SetMaxOpenConns(1)
	return check{"database", func(ctx context.Context) error {
		var one int
		return db.GetContext(ctx, &one, `SELECT 1`)
	}}, db.Close, nil
}

// temporalCheck asks for the namespace: the answer needs the credentials to be good as well.
func temporalCheck(c client.Client, namespace string) check {
	return check{"Temporal", func(ctx context.Context) error {
		_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		return err
	}}
}
