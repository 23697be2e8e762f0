// Package process is how a process that serves begins and ends: its settings and its log, how it is seen from outside, and
// what it is connected to.
package process

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"countersign/internal/config"
	"countersign/internal/health"
	"countersign/internal/telemetry"

	"github.com/caarlos0/env/v11"
	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.temporal.io/sdk/client"
)

// Main runs a process until it ends by itself or SIGINT or SIGTERM ends its context; a second signal ends it at once. One that
// fails says why, after its name, and ends with exit code 2.
func Main(name string, run func(ctx context.Context, args []string, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(2)
	}
}

// Connections bounds what one process takes of Postgres.
const Connections = 32

// Process is one that serves. What is told of it is registered with its metrics.
type Process struct {
	*telemetry.Process

	Config    config.Config
	Log       *slog.Logger
	Status    *health.Health
	Temporal  client.Client // by Connect
	Namespace string        // the same
	DB        *sqlx.DB      // by Open

	answers health.Check // whether Postgres does
	ends    []func()
}

// Begin reads the environment, makes the log that everything writes to, and begins metrics and traces. Close ends it all.
func Begin(ctx context.Context, name string, log func(io.Writer, slog.Level) *slog.Logger, out io.Writer) (*Process, error) {
	cfg, err := config.Load(env.ToMap(os.Environ()))
	if err != nil {
		return nil, err
	}
	if err := cfg.NeedDatabase(); err != nil {
		return nil, err
	}
	logger := log(out, cfg.LogLevel)
	slog.SetDefault(logger)
	seen, err := cfg.Observe(ctx, "countersign-"+name)
	if err != nil {
		return nil, err
	}
	return &Process{Process: seen, Config: cfg, Log: logger, Status: health.New(name), ends: []func(){seen.Close}}, nil
}

// Close ends what was begun, the last first.
func (p *Process) Close() {
	for _, end := range slices.Backward(p.ends) {
		end()
	}
}

// Listen tells those who run the process its metrics and what is not ready, at the address that a variable named, until Close:
// while it drains, too.
func (p *Process) Listen(ctx context.Context, variable, address string) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.ends = append(p.ends, stop)
	if err := p.Status.Listen(ctx, address, p.Handler()); err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	return nil
}

// Connect connects to Temporal.
func (p *Process) Connect(ctx context.Context) (err error) {
	p.Temporal, p.Namespace, err = config.Temporal(ctx, p.Log, p.Client, 30*time.Second)
	if err == nil {
		p.ends = append(p.ends, p.Temporal.Close)
	}
	return err
}

// Open connects to the database as open does, by a driver whose statements are traced.
func (p *Process) Open(open func(driver, databaseURL string) (*sqlx.DB, error)) (err error) {
	if p.DB, err = open(p.Driver, p.Config.DatabaseURL); err != nil {
		return err
	}
	p.ends = append(p.ends, func() { p.DB.Close() }) //nolint:errcheck // the process ends
	p.DB.SetMaxOpenConns(Connections)
	p.DB.SetMaxIdleConns(Connections)
	p.MustRegister(collectors.NewDBStatsCollector(p.DB.DB, "countersign"))
	answers, end, err := health.Database(p.Config.DatabaseURL)
	if err != nil {
		return err
	}
	p.answers, p.ends = answers, append(p.ends, func() { end() }) //nolint:errcheck // the process ends
	return nil
}

// Works says that the process takes work, as long as Postgres and Temporal answer.
func (p *Process) Works() {
	p.Status.Works(p.answers, health.Temporal(p.Temporal, p.Namespace))
}
