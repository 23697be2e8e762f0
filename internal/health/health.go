// Package health answers whether a process lives and whether it takes work: /livez, /readyz, and /healthz for the latter.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"countersign/schema"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// checkTimeout bounds each question of /readyz; a probe should wait a little longer. An answer is good for a moment: however
// often somebody asks, databases are asked at most so often.
const (
	checkTimeout = 2 * time.Second
	moment       = time.Second
)

// Health is where one process stands.
type Health struct {
	who string // worker, server

	mu     sync.Mutex
	not    string // why it takes no work, whatever else answers; empty: it does
	checks []Check

	asking sync.Mutex // whoever comes meanwhile waits for the answer
	asked  time.Time  // when the checks answered last; zero: these have not
	lines  []string   // what failed then
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
	h.asking.Lock()
	defer h.asking.Unlock()
	h.asked = time.Time{}
}

// Drains says that the process takes no new work.
func (h *Health) Drains() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not = h.who + ": draining"
}

// Serve answers GET /livez and /readyz; /healthz is the latter's other name. It says what fails: for those who run the process.
func (h *Health) Serve(mux *http.ServeMux) { h.serve(mux, strings.Join) }

// ServePublic is Serve where anybody asks: that it is not ready, and nothing of why.
func (h *Health) ServePublic(mux *http.ServeMux) {
	h.serve(mux, func([]string, string) string { return "not ready" })
}

func (h *Health) serve(mux *http.ServeMux, say func(lines []string, separator string) string) {
	ready := func(w http.ResponseWriter, r *http.Request) {
		if lines := h.fails(r.Context()); len(lines) > 0 {
			http.Error(w, say(lines, "\n"), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
	mux.HandleFunc("GET /livez", h.lives)
	mux.HandleFunc("GET /readyz", ready)
	mux.HandleFunc("GET /healthz", ready)
}

// Listen serves metrics and what is not ready at an address for those who run the process, until the context ends; "off" does
// not.
func (h *Health) Listen(ctx context.Context, address string, metrics http.Handler) error {
	if address == "off" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	h.Serve(mux)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("metrics stopped", "error", err)
		}
	}()
	context.AfterFunc(ctx, func() { server.Close() }) //nolint:errcheck // the process ends
	return nil
}

// lives needs no other server: a restart of this process would not bring one back.
func (h *Health) lives(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintln(w, "ok")
}

// fails has a line for everything that is not as it should be: "database: connection refused".
func (h *Health) fails(ctx context.Context) []string {
	h.mu.Lock()
	not, checks := h.not, h.checks
	h.mu.Unlock()
	h.asking.Lock()
	defer h.asking.Unlock()
	if h.asked.IsZero() || time.Since(h.asked) > moment {
		h.lines = failing(context.WithoutCancel(ctx), checks) // for all who ask
		h.asked = time.Now()
	}
	if not != "" {
		return append([]string{not}, h.lines...)
	}
	return h.lines
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
