package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"countersign/internal/stacktest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"go.temporal.io/sdk/worker"
)

// connections, pollers: what the programme's own worker has.
const (
	connections = 32
	pollers     = 8
)

// host runs a reference's worker in a process of its own, so that its CPU is its own: bare, river or sql. REFERENCE_URL is its
// database; river and sql listen on LISTEN for the driver's requests.
func host(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) != 1 {
		return errors.New("host bare, river or sql")
	}
	cfg, err := pgxpool.ParseConfig(os.Getenv("REFERENCE_URL"))
	if err != nil {
		return err
	}
	cfg.MaxConns = connections
	cfg.ConnConfig.RuntimeParams["options"] = "-c random_page_cost=1.1" // as the programme's sessions
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	f := facts{pool: pool}
	switch args[0] {
	case "bare":
		return hostBare(ctx, f)
	case "river":
		return hostRiver(ctx, f)
	case "sql":
		return hostSQL(ctx, f)
	}
	return fmt.Errorf("unknown reference %q", args[0])
}

const hostReady = "reference runs"

func hostBare(ctx context.Context, f facts) error {
	c, err := stacktest.Dial(os.Getenv("TEMPORAL_ADDRESS"), os.Getenv("PAYLOAD_KEYS"), "bench")
	if err != nil {
		return err
	}
	defer c.Close()
	worker.SetStickyWorkflowCacheSize(4000)
	w := worker.New(c, bareQueue, worker.Options{
		MaxConcurrentLocalActivityExecutionSize: connections,
		MaxConcurrentActivityExecutionSize:      connections,
		MaxConcurrentWorkflowTaskPollers:        pollers,
		DisableRegistrationAliasing:             true,
	})
	w.RegisterWorkflow(BareOrdinary)
	w.RegisterWorkflow(BareLocal)
	w.RegisterActivity(&bareSteps{facts: f})
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	fmt.Println(hostReady)
	<-ctx.Done()
	return nil
}

// serve answers the driver: an application with its case's number, a decision with nothing.
func serve(ctx context.Context, open func(context.Context, application) (int64, error), decide func(context.Context, answer) error) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apply", func(w http.ResponseWriter, r *http.Request) {
		var app application
		err := json.NewDecoder(r.Body).Decode(&app)
		var number int64
		if err == nil {
			number, err = open(r.Context(), app)
		}
		reply(w, number, err)
	})
	mux.HandleFunc("POST /decide", func(w http.ResponseWriter, r *http.Request) {
		var a answer
		err := json.NewDecoder(r.Body).Decode(&a)
		if err == nil {
			err = decide(r.Context(), a)
		}
		reply(w, a.Case, err)
	})
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() }) //nolint:errcheck // the process ends
	fmt.Println(hostReady)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func reply(w http.ResponseWriter, number int64, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, strconv.FormatInt(number, 10))
}

// hostSQL is the state machine by hand: a request is its transaction, and a poller looks for what is overdue.
func hostSQL(ctx context.Context, f facts) error {
	go func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if _, err := f.pool.Exec(ctx, `UPDATE tasks SET escalated_at = now() WHERE task_id IN (
				SELECT task_id FROM tasks WHERE state = 'open' AND escalated_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 100 FOR UPDATE SKIP LOCKED)`); err != nil {
				fmt.Fprintln(os.Stderr, "escalate:", err)
			}
		}
	}()
	return serve(ctx, func(ctx context.Context, app application) (number int64, err error) {
		err = f.do(ctx, func(tx pgx.Tx) (err error) { number, err = f.open(ctx, tx, app); return err })
		return number, err
	}, func(ctx context.Context, a answer) error {
		return f.do(ctx, func(tx pgx.Tx) error { return f.decide(ctx, tx, a) })
	})
}

// openJob, decideJob and deadlineJob are the process as River jobs: each request is a job, each open task has its deadline as a
// job that is scheduled, and cancelled with the answer.
type openJob struct{ application }

func (openJob) Kind() string { return "open" }

type decideJob struct{ answer }

func (decideJob) Kind() string { return "decide" }

type deadlineJob struct {
	Task string `json:"task"`
}

func (deadlineJob) Kind() string { return "deadline" }

// riverHost waits in the request until its job is through, as a web server would.
type riverHost struct {
	facts
	client  *river.Client[pgx.Tx]
	waiting sync.Map // request key: chan int64
}

type openWorker struct {
	river.WorkerDefaults[openJob]
	h *riverHost
}

type decideWorker struct {
	river.WorkerDefaults[decideJob]
	h *riverHost
}

type deadlineWorker struct {
	river.WorkerDefaults[deadlineJob]
	h *riverHost
}

func (w *openWorker) Work(ctx context.Context, job *river.Job[openJob]) error {
	var number int64
	err := w.h.do(ctx, func(tx pgx.Tx) (err error) {
		if number, err = w.h.open(ctx, tx, job.Args.application); err != nil {
			return err
		}
		if err := w.h.deadline(ctx, tx, number, "review"); err != nil {
			return err
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
	w.h.done(job.Args.Key, number, err)
	return err
}

func (w *decideWorker) Work(ctx context.Context, job *river.Job[decideJob]) error {
	a := job.Args.answer
	err := w.h.do(ctx, func(tx pgx.Tx) error {
		if err := w.h.decide(ctx, tx, a); err != nil {
			return err
		}
		var deadline *int64
		if err := tx.QueryRow(ctx, `SELECT job FROM tasks WHERE task_id = $1`, taskID(a.Case, a.Step)).Scan(&deadline); err != nil {
			return err
		}
		if deadline != nil {
			if _, err := w.h.client.JobCancelTx(ctx, tx, *deadline); err != nil {
				return err
			}
		}
		if asks := next[a.Step].asks; asks != "" {
			if err := w.h.deadline(ctx, tx, a.Case, asks); err != nil {
				return err
			}
		}
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
	w.h.done(a.Key, a.Case, err)
	return err
}

func (w *deadlineWorker) Work(ctx context.Context, job *river.Job[deadlineJob]) error {
	_, err := w.h.pool.Exec(ctx, `UPDATE tasks SET escalated_at = now() WHERE task_id = $1 AND state = 'open'`, job.Args.Task)
	return err
}

// deadline schedules what happens when a task is overdue.
func (h *riverHost) deadline(ctx context.Context, tx pgx.Tx, number int64, matter string) error {
	inserted, err := h.client.InsertTx(ctx, tx, deadlineJob{Task: taskID(number, matter)}, &river.InsertOpts{ScheduledAt: time.Now().Add(48 * time.Hour)})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE tasks SET job = $2 WHERE task_id = $1`, taskID(number, matter), inserted.Job.ID)
	return err
}

func (h *riverHost) done(key string, number int64, err error) {
	if c, ok := h.waiting.Load(key); ok && err == nil {
		c.(chan int64) <- number
	}
}

func (h *riverHost) request(ctx context.Context, key string, job river.JobArgs) (int64, error) {
	c := make(chan int64, 8) // a job that runs again answers again
	h.waiting.Store(key, c)
	defer h.waiting.Delete(key)
	if _, err := h.client.Insert(ctx, job, nil); err != nil {
		return 0, err
	}
	select {
	case number := <-c:
		return number, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func hostRiver(ctx context.Context, f facts) error {
	h := &riverHost{facts: f}
	workers := river.NewWorkers()
	river.AddWorker(workers, &openWorker{h: h})
	river.AddWorker(workers, &decideWorker{h: h})
	river.AddWorker(workers, &deadlineWorker{h: h})
	var err error
	h.client, err = river.NewClient(riverpgxv5.New(f.pool), &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: connections - 8}}, // a request needs a connection, too
		FetchCooldown:     5 * time.Millisecond,                                                            // its default of 100 ms would make every answer wait
		FetchPollInterval: time.Second,
		Workers:           workers,
	})
	if err != nil {
		return err
	}
	if err := h.client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer h.client.Stop(context.WithoutCancel(ctx)) //nolint:errcheck // the process ends
	return serve(ctx, func(ctx context.Context, app application) (int64, error) {
		return h.request(ctx, app.Key, openJob{app})
	}, func(ctx context.Context, a answer) error {
		_, err := h.request(ctx, a.Key, decideJob{a})
		return err
	})
}
