// Command worker hosts the programme's workflows and activities, delivers its messages, and sees to it that no task is left
// to nobody.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"countersign/activities"
	"countersign/internal/config"
	"countersign/internal/health"
	"countersign/internal/mail"
	"countersign/schema"
	"countersign/views"
	"countersign/workflows"

	"github.com/caarlos0/env/v11"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
}

// run works until the context ends, then lets running steps finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	migrate := flags.Bool("migrate", false, "bring the database and the search attributes up to date first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg, err := config.Load(env.ToMap(os.Environ()))
	if err != nil {
		return err
	}
	if err := cfg.NeedDatabase(); err != nil {
		return err
	}
	deployment, err := deployment(cfg)
	if err != nil {
		return err
	}
	logger := newLogger(out, cfg.LogLevel)
	slog.SetDefault(logger)

	seen, err := observe(ctx, cfg)
	if err != nil {
		return err
	}
	defer seen.Close()
	status := health.New("worker")
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx)) // while it drains, too
	defer stopServing()
	if err := status.Listen(serving, cfg.MetricsAddress, seen.Handler()); err != nil {
		return fmt.Errorf("METRICS_ADDRESS: %w", err)
	}
	temporal, namespace, err := config.Temporal(ctx, logger, seen.Client, 30*time.Second)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if *migrate {
		if err := bringUpToDate(ctx, cfg, temporal, namespace); err != nil {
			return err
		}
	}
	switch missing, err := workflows.MissingSearchAttributes(ctx, temporal, namespace); {
	case err != nil: // a cluster may keep that to its operators
		logger.Warn("search attributes not checked", "error", err)
	case len(missing) > 0:
		return fmt.Errorf("namespace %s lacks the search attributes %v; run `starter migrate` first", namespace, missing)
	}
	db, err := schema.OpenBy(seen.Driver, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	seen.database(db)

	answers, closeCheck, err := health.Database(cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer closeCheck() //nolint:errcheck // the process ends

	worker.SetStickyWorkflowCacheSize(cfg.WorkflowCache) // of the process
	fatal := make(chan error, 1)
	w := newWorker(temporal, db, deployment, seen, func(err error) { fatal <- err })
	if err := w.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	attended := make(chan struct{})
	go func() {
		defer close(attended)
		attend(ctx, cfg, db)
	}()
	status.Works(answers, health.Temporal(temporal, namespace))
	logger.Info("worker runs", "queue", workflows.TaskQueue, "namespace", namespace, "metrics", cfg.MetricsAddress, "build", deployment.Version.BuildID)
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-fatal: // the SDK has stopped by itself; whoever started the process starts it again
		cancel()
	}
	status.Drains()
	logger.Info("worker drains", "limit", drainLimit)
	w.Stop()
	<-attended
	logger.Info("worker stopped")
	return broken
}

// drainLimit is how long steps that have begun may take after SIGTERM: most end in milliseconds, and one that is cut off is
// run again elsewhere under its key.
const drainLimit = 15 * time.Second

// deployment makes this worker a version of the deployment, when that is asked for.
func deployment(cfg config.Config) (worker.DeploymentOptions, error) {
	if !cfg.WorkerVersioning {
		return worker.DeploymentOptions{}, nil
	}
	info, _ := debug.ReadBuildInfo() // nil: not known
	id, err := cfg.BuildID(info)
	return worker.DeploymentOptions{UseVersioning: true, Version: worker.WorkerDeploymentVersion{DeploymentName: workflows.Deployment, BuildID: id}}, err
}

// connections bounds what one worker takes of Postgres: as many as it runs steps side by side.
const connections = 32

func newWorker(c client.Client, db *sqlx.DB, deployment worker.DeploymentOptions, seen *observed, fatal func(error)) worker.Worker {
	w := worker.New(c, workflows.TaskQueue, worker.Options{
		MaxConcurrentLocalActivityExecutionSize: connections,
		MaxConcurrentActivityExecutionSize:      connections,
		MaxConcurrentWorkflowTaskPollers:        8, // 2 cost 17 % CPU on a small machine
		WorkerStopTimeout:                       drainLimit,
		DeploymentOptions:                       deployment,
		OnFatalError:                            fatal,
		DisableRegistrationAliasing:             true,
		Interceptors:                            []interceptor.WorkerInterceptor{&steps{refusals: seen.refusals}},
	})
	workflows.Register(w)
	w.RegisterActivity(&activities.Withdrawals{DB: db, Channel: activities.ByHand{}})
	w.RegisterActivity(&activities.Cases{DB: db})
	w.RegisterActivity(&activities.BaselineSolutions{DB: db})
	w.RegisterActivity(&activities.DedicatedStaff{DB: db})
	w.RegisterActivity(&activities.PaymentApplications{DB: db})
	w.RegisterActivity(&activities.ProjectSpecialists{DB: db})
	w.RegisterActivity(&activities.Tiers{DB: db})
	w.RegisterActivity(&activities.Solutions{DB: db})
	w.RegisterActivity(&activities.Invitations{DB: db})
	w.RegisterActivity(&activities.LabCredits{DB: db})
	w.RegisterActivity(&activities.Requisitions{DB: db})
	w.RegisterActivity(&activities.Bills{DB: db})
	w.RegisterActivity(&activities.Reconciliations{DB: db, Run: func(ctx context.Context, p activities.Presentation) error {
		return workflows.StartReconciliation(ctx, c, p)
	}})
	w.RegisterActivity(&activities.Calculations{DB: db})
	w.RegisterActivity(&activities.Exports{DB: db, Lines: views.Reader{DB: db}.WriteLines})
	return w
}

// bringUpToDate migrates as the owner and registers the search attributes.
func bringUpToDate(ctx context.Context, cfg config.Config, c client.Client, namespace string) error {
	owner, err := schema.OpenOwner(cfg.DatabaseOwnerURL)
	if err != nil {
		return err
	}
	defer owner.Close()
	if _, err := schema.Migrate(ctx, owner.DB); err != nil {
		return err
	}
	err = workflows.RegisterSearchAttributes(ctx, c, namespace)
	if errors.As(err, &workflows.AttributesElsewhereError{}) {
		slog.Warn("search attributes not registered", "error", err)
		return nil
	}
	return err
}

// attend sweeps up tasks that nobody may decide, tells webhooks of events and sends the outbox by mail, until the context
// ends and what is under way is through. Without a mail server the messages stay readable with `starter outbox`.
func attend(ctx context.Context, cfg config.Config, db *sqlx.DB) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { (&activities.Sweep{DB: db}).Run(ctx, time.Minute) })
	running.Go(func() { (&activities.Webhooks{DB: db}).Run(ctx, time.Second) })
	if cfg.SMTPURL == "" {
		return
	}
	smtp, err := mail.NewSMTP(cfg.SMTPURL)
	if err != nil {
		slog.Error("messages stay in the outbox", "error", err)
		return
	}
	running.Go(func() { (&activities.Outbox{DB: db, Mail: smtp, TextGateway: cfg.TextGateway}).Run(ctx, time.Second) })
}
