// Command server is the console: the pages on which people sign in, look at cases and decide. It keeps nothing itself, so
// any number of it may run side by side.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/internal/config"
	"countersign/internal/health"
	"countersign/internal/process"
	"countersign/internal/telemetry"
	"countersign/schema"
	"countersign/web"
	"countersign/web/signin"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
)

func main() { process.Main("server", run) }

// run serves until the context ends, then lets requests finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	if err := flag.NewFlagSet("server", flag.ContinueOnError).Parse(args); err != nil {
		return err
	}
	p, err := process.Begin(ctx, "server", newLogger, out)
	if err != nil {
		return err
	}
	defer p.Close()
	if !p.Config.ConsoleSafe() {
		p.Log.Warn("passwords go over the network in clear: put TLS in front, and name its https address in CONSOLE_URL", "url", p.Config.ConsoleURL)
	}
	seen := observe(p.Process)
	if err := p.Listen(ctx, "CONSOLE_METRICS_ADDRESS", p.Config.ConsoleMetrics); err != nil {
		return err
	}
	if err := p.Open(schema.OpenForPages); err != nil {
		return err
	}
	if err := p.Connect(ctx); err != nil {
		return err
	}
	handler, err := site(p.Config, p.DB, p.Temporal, p.Namespace, p.Status, seen)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", p.Config.ConsoleAddress)
	if err != nil {
		return fmt.Errorf("CONSOLE_ADDRESS: %w", err)
	}
	p.Works()
	p.Log.Info("server runs", "address", listener.Addr().String(), "namespace", p.Namespace)
	return serve(ctx, listener, handler, p.Status)
}

// newLogger writes JSON lines without what somebody entered.
func newLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(telemetry.Logs{Handler: slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: activities.Discreet})})
}

// site is the console with its probes, each request watched.
func site(cfg config.Config, db *sqlx.DB, temporal client.Client, namespace string, status *health.Health, seen *observed) (http.Handler, error) {
	store, err := cfg.DocumentStore(db)
	if err != nil {
		return nil, err
	}
	keys, err := cfg.PayloadCodec()
	if err != nil {
		return nil, err
	}
	proxies, err := cfg.Proxies()
	if err != nil {
		return nil, err
	}
	pages, err := web.New(web.Parts{
		DB: db, Documents: store, Keys: keys, Certificate: cfg.CertificateURL, Notice: cfg.ConsoleNotice,
		Desk: desk.Desk{DB: db, Temporal: func(context.Context) (client.Client, error) { return temporal, nil }},
		SignIn: signin.Options{
			URL: cfg.ConsoleURL, Proxies: proxies, Count: seen.signedIn,
			Provider: signin.Provider{Issuer: cfg.ConsoleIssuer, ClientID: cfg.ConsoleClientID, Secret: cfg.ConsoleClientSecret, Name: cfg.ConsoleProvider},
		},
		TemporalUI: func(workflowID, runID string) string { return cfg.CaseInTemporal(namespace, workflowID, runID) },
	})
	if err != nil {
		return nil, err
	}
	probes := http.NewServeMux()
	status.ServePublic(probes)
	watched := seen.watch(seen.Tracer(), pages.Routes, pages, pages.Pages.Fail)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, probe := probes.Handler(r); probe != "" {
			probes.ServeHTTP(w, r)
			return
		}
		watched.ServeHTTP(w, r)
	}), nil
}

// grace is how long requests that have begun may take after SIGTERM; a decision waits for its run at most desk.Patience.
const grace = desk.Patience + 5*time.Second

// Times and sizes of a request: who is slower or says more than any browser is let go. Files have longer (page.Upload, page.File).
const (
	headerTime, bodyTime, answerTime, idleTime = 5 * time.Second, 30 * time.Second, 2 * time.Minute, 2 * time.Minute
	headerSize                                 = 32 << 10
)

// serve answers until the context ends.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, status *health.Health) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerSize,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	status.Drains()
	slog.Info("server drains", "limit", grace)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	slog.Info("server stopped")
	return nil
}
