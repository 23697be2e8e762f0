// Package parked measures what cases at rest hold: memory of worker and Temporal, disk in Postgres and in Temporal's store.
package parked

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"countersign/bench/frame"
	"countersign/internal/stacktest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	workerMB   = "worker MB"
	temporalMB = "Temporal MB"
	postgresKB = "Postgres kB per case"
	storeKB    = "Temporal's store kB per case"
)

// Part is many invitations at rest, and some that end.
func Part() frame.Part {
	return frame.Part{ID: "e", Title: "Cases at rest", Run: run}
}

type bench struct {
	house   *frame.House
	servers *frame.Servers
	env     []string
	db      *sqlx.DB
	worker  *stacktest.Worker
}

// held is what cases hold at one moment.
type held struct{ worker, temporal, postgres, store float64 }

func run(ctx context.Context, h *frame.House) (frame.Section, error) {
	b, err := begin(ctx, h)
	if err != nil {
		return frame.Section{}, err
	}
	cache, parts := h.Size(500, 10), []int{1, 2, 10}
	if b.worker, err = h.Start("parked", "worker runs", append(b.env, fmt.Sprintf("WORKFLOW_CACHE=%d", cache)), filepath.Join(h.Bin, "worker")); err != nil {
		return frame.Section{}, err
	}
	defer b.worker.Stop()
	most := cache * parts[len(parts)-1]
	closed := h.Size(300, 10)
	if err := b.park(ctx, most+closed, most+closed); err != nil { // only those who invite and are invited are laid in
		return frame.Section{}, err
	}
	first, err := b.look(ctx)
	if err != nil {
		return frame.Section{}, err
	}
	section := frame.Section{
		About: fmt.Sprintf("Invitations that wait for their answer, and a worker that keeps %d workflows in its memory (`WORKFLOW_CACHE`). One stage after the other, each measured once: memory is resident memory at its end, "+
			"disk is the growth since nothing was parked, of the programme's database and of Temporal's SQLite file, after a CHECKPOINT. Closed: invitations that lapsed, with all their history, which Temporal deletes after its retention.", cache),
		Columns: []frame.Column{{Name: workerMB, Plot: true}, {Name: temporalMB}, {Name: postgresKB, Digits: 1}, {Name: storeKB, Digits: 1}},
	}
	series := func(name string, now, before held, cases int) {
		section.Series = append(section.Series, frame.Series{Name: name, Rounds: []frame.Figures{{
			workerMB: now.worker, temporalMB: now.temporal,
			postgresKB: (now.postgres - before.postgres) / float64(cases) / 1024, storeKB: (now.store - before.store) / float64(cases) / 1024,
		}}})
	}
	section.Series = append(section.Series, frame.Series{Name: "nothing parked", Rounds: []frame.Figures{{workerMB: first.worker, temporalMB: first.temporal}}})
	var full, last held // at its cache's size, and beyond
	for i, times := range parts {
		from := 0
		if i > 0 {
			from = cache * parts[i-1]
		}
		if err := b.park(ctx, from, cache*times); err != nil {
			return frame.Section{}, err
		}
		if last, err = b.look(ctx); err != nil {
			return frame.Section{}, err
		}
		if i == 0 {
			full = last
		}
		series(fmt.Sprintf("%s parked", frame.Number(float64(cache*times), 0)), last, first, cache*times)
	}
	if err := b.lapse(ctx, most, closed); err != nil {
		return frame.Section{}, err
	}
	ended, err := b.look(ctx)
	if err != nil {
		return frame.Section{}, err
	}
	series(fmt.Sprintf("%d more, opened and lapsed", closed), ended, last, closed)
	section.Goals = []frame.Goal{frame.AtMost(fmt.Sprintf("worker's memory with %d times its cache parked / with as many as its cache", parts[len(parts)-1]), last.worker/full.worker, 1.25, "×").
		Because(fmt.Sprintf("It was %.0f MB with nothing parked, %.0f with its cache full and %.0f in the end: Go's heap grows to about twice what is alive before it is collected, and how much of that is resident differs from run to run.",
			first.worker, full.worker, last.worker))}
	section.Notes = []string{fmt.Sprintf("For 10,000 more cases at rest beyond its cache a worker takes %.0f MB more, the Temporal server %.0f MB more (SQLite's cache among it, which has a bound of its own).",
		(last.worker-full.worker)/float64(most-cache)*10_000, (last.temporal-full.temporal)/float64(most-cache)*10_000)}
	return section, nil
}

// begin makes a database and a namespace of its own: parking works in an empty programme, and no other part's runs may come in between.
func begin(ctx context.Context, h *frame.House) (*bench, error) {
	servers, err := h.Servers(ctx, frame.SQLite)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("countersign_parked_%d", os.Getpid())
	if _, err := servers.Admin.ExecContext(ctx, `CREATE DATABASE `+name); err != nil {
		return nil, err
	}
	own, err := url.Parse(servers.DatabaseURL)
	if err != nil {
		return nil, err
	}
	own.Path = "/" + name
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: servers.TemporalAddress})
	if err != nil {
		return nil, err
	}
	defer namespaces.Close()
	if err := namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour)}); err != nil {
		return nil, err
	}
	b := &bench{house: h, servers: servers, env: servers.Env("DATABASE_URL="+own.String(), "TEMPORAL_NAMESPACE="+name)}
	if b.db, err = schema.OpenOwner(own.String()); err != nil {
		return nil, err
	}
	h.Defer(func() error {
		err := b.db.Close()
		_, dropped := servers.Admin.ExecContext(context.WithoutCancel(ctx), `DROP DATABASE `+name+` WITH (FORCE)`)
		return errors.Join(err, dropped)
	})
	for try := 1; ; try++ { // a namespace that was just made is known everywhere a few seconds later
		err := b.starter(ctx, "migrate")
		if err == nil || try == 30 {
			return b, err
		}
		time.Sleep(time.Second)
	}
}

func (b *bench) starter(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.house.Bin, "starter"), args...)
	cmd.Env = b.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("starter %v: %w\n%s", args, err, out)
	}
	return nil
}

// park puts invitations to sleep from one number to another.
func (b *bench) park(ctx context.Context, from, to int) error {
	return b.starter(ctx, "bench", "park", "--from", strconv.Itoa(from), "--invitations", strconv.Itoa(to))
}

// lapse parks some more, which end after their term of a minute.
func (b *bench) lapse(ctx context.Context, parked, n int) error {
	return b.starter(ctx, "bench", "park", "--from", strconv.Itoa(parked), "--invitations", strconv.Itoa(parked), "--lapse", strconv.Itoa(n), "--lapse-in", "1m")
}

// look measures once what was written is in the files.
func (b *bench) look(ctx context.Context) (h held, err error) {
	for _, q := range []string{`VACUUM`, `CHECKPOINT`} {
		if _, err := b.db.ExecContext(ctx, q); err != nil {
			return h, err
		}
	}
	if err := b.db.GetContext(ctx, &h.postgres, `SELECT pg_database_size(current_database())`); err != nil {
		return h, err
	}
	h.store = b.servers.StoreBytes()
	if h.worker, err = frame.MemoryOf(b.worker.PID()); err != nil {
		return h, err
	}
	h.temporal, err = frame.MemoryOf(b.servers.TemporalPID)
	return h, err
}
