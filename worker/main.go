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
	"runtime/debug"
	"sync"
	"time"

	"countersign/activities"
	"countersign/internal/config"
	"countersign/internal/mail"
	"countersign/internal/process"
	"countersign/schema"
	"countersign/views"
	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
)

func main() { process.Main("worker", run) }

// run works until the context ends, then lets running steps finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	migrate := flags.Bool("migrate", false, "bring the database and the search attributes up to date first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p, err := process.Begin(ctx, "worker", newLogger, out)
	if err != nil {
		return err
	}
	defer p.Close()
	deployment, err := deployment(p.Config)
	if err != nil {
		return err
	}
	seen := observe(p.Process)
	if err := p.Listen(ctx, "METRICS_ADDRESS", p.Config.MetricsAddress); err != nil {
		return err
	}
	if err := p.Connect(ctx); err != nil {
		return err
	}
	if *migrate {
		if err := bringUpToDate(ctx, p.Config, p.Temporal, p.Namespace); err != nil {
			return err
		}
	}
	switch missing, err := workflows.MissingSearchAttributes(ctx, p.Temporal, p.Namespace); {
	case err != nil: // a cluster may keep that to its operators
		p.Log.Warn("search attributes not checked", "error", err)
	case len(missing) > 0:
		return fmt.Errorf("namespace %s lacks the search attributes %v; run `starter migrate` first", p.Namespace, missing)
	}
	if err := p.Open(schema.OpenBy); err != nil {
		return err
	}
	p.MustRegister(newFigures(views.Reader{DB: p.DB}))

	worker.SetStickyWorkflowCacheSize(p.Config.WorkflowCache) // of the process
	fatal := make(chan error, 1)
	w := newWorker(p.Temporal, p.DB, deployment, seen, func(err error) { fatal <- err })
	if err := w.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	attended := make(chan struct{})
	go func() {
		defer close(attended)
		attend(ctx, p.Config, p.DB)
	}()
	p.Works()
	p.Log.Info("worker runs", "queue", workflows.TaskQueue, "namespace", p.Namespace, "metrics", p.Config.MetricsAddress, "build", deployment.Version.BuildID)
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-fatal: // the SDK has stopped by itself; whoever started the process starts it again
		cancel()
	}
	p.Status.Drains()
	p.Log.Info("worker drains", "limit", drainLimit)
	w.Stop()
	<-attended
	p.Log.Info("worker stopped")
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

// newWorker runs as many steps side by side as it may have connections.
func newWorker(c client.Client, db *sqlx.DB, deployment worker.DeploymentOptions, seen *observed, fatal func(error)) worker.Worker {
	w := worker.New(c, workflows.TaskQueue, worker.Options{
		MaxConcurrentLocalActivityExecutionSize: process.Connections,
		MaxConcurrentActivityExecutionSize:      process.Connections,
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
