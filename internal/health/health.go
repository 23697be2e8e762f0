// Package health answers whether a process lives and whether it takes work: /livez, /readyz, and /healthz for the latter.
package health

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

// Health is where one process stands.
type Health struct {
	who string // worker, server

	mu     sync.Mutex
	not    string // why it takes no work, whatever else answers; empty: it does
	checks []Check
}

// Check asks something without which the process is of no use.
type Check struct {
	Name string
	Ask  func(context.Context) error
}

// New is a process that starts.
func New(who string) *Health { return &Health{who: who, not: who + ": starting"} }

// Works says that the process runs, and what it needs for it.
func (h *Health) Works(checks ...Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not, h.checks = "", checks
}

// Drains says that the process takes no new work.
func (h *Health) Drains() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not = h.who + ": draining"
}

// Serve answers GET /livez and /readyz; /healthz is the latter's other name.
func (h *Health) Serve(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", h.lives)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /healthz", h.ready)
}

// lives needs no other server: a restart of this process would not bring one back.
func (h *Health) lives(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintln(w, "ok")
}

// ready says ok, or a line for everything that is not: "database: connection refused".
func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
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
func failing(ctx context.Context, checks []Check) []string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	said := make([]chan error, len(checks))
	for i, c := range checks {
		said[i] = make(chan error, 1)
		go func() { said[i] <- c.Ask(ctx) }()
	}
	var lines []string
	for i, c := range checks {
		select {
		case err := <-said[i]:
			if err != nil {
				lines = append(lines, c.Name+": "+strings.ReplaceAll(err.Error(), "\n", " "))
			}
		case <-ctx.Done(): // a driver that does not look at its context is not waited for
			lines = append(lines, fmt.Sprintf("%s: no answer within %s", c.Name, checkTimeout))
		}
	}
	return lines
}

// Database asks by a connection of its own: while cases use all others the process is busy, not broken. The function
// closes it.
func Database(databaseURL string) (Check, func() error, error) {
	db, err := schema.Open(databaseURL)
	if err != nil {
		return Check{}, nil, err
	}
	db.SetMaxOpenConns(1)
	return Check{"database", func(ctx context.Context) error {
		var one int
		return db.GetContext(ctx, &one, `SELECT 1`)
	}}, db.Close, nil
}

// Temporal asks for the namespace: the answer needs the credentials to be good as well.
func Temporal(c client.Client, namespace string) Check {
	return Check{"Temporal", func(ctx context.Context) error {
		_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		return err
	}}
}
