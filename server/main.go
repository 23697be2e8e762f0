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
	"os"
	"os/signal"
	"syscall"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/internal/config"
	"countersign/internal/health"
	"countersign/internal/telemetry"
	"countersign/schema"
	"countersign/web"
	"countersign/web/signin"

	"github.com/caarlos0/env/v11"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(2)
	}
}

// connections bounds what one server takes of Postgres.
const connections = 32

// run serves until the context ends, then lets requests finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	if err := flag.NewFlagSet("server", flag.ContinueOnError).Parse(args); err != nil {
		return err
	}
	cfg, err := config.Load(env.ToMap(os.Environ()))
	if err != nil {
		return err
	}
	if err := cfg.NeedDatabase(); err != nil {
		return err
	}
	logger := slog.New(telemetry.Logs{Handler: slog.NewJSONHandler(out, &slog.HandlerOptions{Level: cfg.LogLevel, ReplaceAttr: activities.Discreet})})
	slog.SetDefault(logger)
	if !cfg.ConsoleSafe() {
		logger.Warn("passwords go over the network in clear: put TLS in front, and name its https address in CONSOLE_URL", "url", cfg.ConsoleURL)
	}

	seen, err := observe(ctx, cfg)
	if err != nil {
		return err
	}
	defer seen.Close()
	db, err := schema.OpenForPages(seen.Driver, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	seen.database(db)
	status := health.New("server")
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx)) // while it drains, too
	defer stopServing()
	if err := status.Listen(serving, cfg.ConsoleMetrics, seen.Handler()); err != nil {
		return fmt.Errorf("CONSOLE_METRICS_ADDRESS: %w", err)
	}
	temporal, namespace, err := config.Temporal(ctx, logger, seen.Client, 30*time.Second)
	if err != nil {
		return err
	}
	defer temporal.Close()

	answers, closeCheck, err := health.Database(cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer closeCheck() //nolint:errcheck // the process ends
	handler, err := site(cfg, db, temporal, namespace, status, seen)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.ConsoleAddress)
	if err != nil {
		return fmt.Errorf("CONSOLE_ADDRESS: %w", err)
	}
	status.Works(answers, health.Temporal(temporal, namespace))
	logger.Info("server runs", "address", listener.Addr().String(), "namespace", namespace)
	return serve(ctx, listener, handler, status)
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
		DB: db, Documents: store, Keys: keys, Certificate: cfg.CertificateURL,
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
