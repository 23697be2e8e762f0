// Command inbox measures what an inbox page costs in a house with a million tasks. It makes a database of its own on the
// server that DATABASE_URL names (its login creates databases and is a superuser), fills it, asks as the programme does, and drops it.
//
//	DATABASE_URL=postgres://… go run -C bench ./inbox
package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"time"

	"countersign/internal/inboxbench"
	"countersign/schema"
	"countersign/views"

	"github.com/jmoiron/sqlx"
)

func main() {
	size, runs, keep, use := inboxbench.Full, 0, false, ""
	flag.IntVar(&size.Tasks, "tasks", size.Tasks, "tasks of all states")
	flag.IntVar(&size.Open, "open", size.Open, "open ones of these")
	flag.IntVar(&size.People, "people", size.People, "people")
	flag.IntVar(&runs, "runs", 300, "how often each question is asked")
	flag.BoolVar(&keep, "keep", false, "leave the database there, for -use")
	flag.StringVar(&use, "use", "", "measure this database, which an earlier run kept")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, size, runs, keep, use); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, size inboxbench.Size, runs int, keep bool, use string) error {
	server, err := url.Parse(os.Getenv("DATABASE_URL"))
	if err != nil || server.Host == "" {
		return fmt.Errorf("DATABASE_URL names the Postgres server, like postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	}
	at := time.Now().UTC().Truncate(time.Second)
	own := *server
	own.Path = "/" + use
	if use == "" {
		admin, err := schema.OpenOwner(server.String())
		if err != nil {
			return err
		}
		defer admin.Close()
		name := fmt.Sprintf("countersign_bench_%d", os.Getpid())
		if _, err := admin.ExecContext(ctx, `CREATE DATABASE `+name); err != nil {
			return err
		}
		if keep {
			fmt.Fprintf(os.Stderr, "the database is %s\n", name)
		} else {
			defer admin.ExecContext(context.WithoutCancel(ctx), `DROP DATABASE `+name+` WITH (FORCE)`) //nolint:errcheck // left behind at worst
		}
		own.Path = "/" + name
		if err := fill(ctx, own.String(), size, at); err != nil {
			return err
		}
	}
	db, err := schema.Open(own.String())
	if err != nil {
		return err
	}
	defer db.Close()
	return measure(ctx, db, runs, at)
}

func fill(ctx context.Context, url string, size inboxbench.Size, at time.Time) error {
	owner, err := schema.OpenOwner(url)
	if err != nil {
		return err
	}
	defer owner.Close()
	if _, err := schema.Migrate(ctx, owner.DB); err != nil {
		return err
	}
	began := time.Now()
	err = inboxbench.Fill(ctx, owner, size, at, func(step string) {
		fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(began).Seconds(), step)
	})
	fmt.Fprintf(os.Stderr, "%6.1f s  filled\n", time.Since(began).Seconds())
	return err
}

func measure(ctx context.Context, db *sqlx.DB, runs int, at time.Time) error {
	r := views.Reader{DB: db}
	heavy, light, err := inboxbench.Personas(ctx, db)
	if err != nil {
		return err
	}
	for _, p := range []struct{ name, id string }{{"heavy", heavy}, {"light", light}} {
		n, err := r.InboxCounts(ctx, p.id, at)
		if err != nil {
			return err
		}
		var roles int
		if err := db.GetContext(ctx, &roles, `SELECT count(*) FROM person_roles WHERE person_id = $1`, p.id); err != nil {
			return err
		}
		fmt.Fprintf(os.Stdout, "%-6s %s holds %d roles: %d open, %d overdue, %d due today, %d wait for others\n", p.name, p.id, roles, n.Open, n.Overdue, n.DueToday, n.Waiting)
	}
	first, err := r.Inbox(ctx, heavy, views.InboxFilter{}, at)
	if err != nil {
		return err
	}
	inbox := func(id string, f views.InboxFilter) func() error {
		return func() error { _, err := r.Inbox(ctx, id, f, at); return err }
	}
	fmt.Fprintf(os.Stdout, "\n%-44s %10s %10s   (%d runs each, after a warm-up)\n", "", "median", "p95", runs)
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"SELECT 1, to compare", func() error { var n int; return db.GetContext(ctx, &n, `SELECT $1::int`, 1) }},
		{"first page, heavy", inbox(heavy, views.InboxFilter{})},
		{"second page, heavy", inbox(heavy, views.InboxFilter{After: first.Next})},
		{"first page, light", inbox(light, views.InboxFilter{})},
		{"search that many match, heavy", inbox(heavy, views.InboxFilter{Text: "alpha"})},
		{"search that one matches, heavy", inbox(heavy, views.InboxFilter{Text: first.Tasks[0].Case})},
		{"search that nothing matches, heavy", inbox(heavy, views.InboxFilter{Text: "nowhere"})},
		{"overdue, heavy", inbox(heavy, views.InboxFilter{Overdue: true})},
		{"counts, heavy", func() error { _, err := r.InboxCounts(ctx, heavy, at); return err }},
		{"counts, light", func() error { _, err := r.InboxCounts(ctx, light, at); return err }},
		{"decided, heavy", func() error { _, err := r.Decided(ctx, heavy, "", 0); return err }},
		{"waiting for others, heavy", func() error { _, err := r.WaitingForOthers(ctx, heavy, views.InboxFilter{}, at); return err }},
	} {
		median, p95, err := ask(runs, q.ask)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		fmt.Fprintf(os.Stdout, "%-44s %7.2f ms %7.2f ms\n", q.name, median, p95)
	}
	plan, err := r.InboxQueryPlan(ctx, heavy, views.InboxFilter{}, at)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "\nEXPLAIN (ANALYZE, BUFFERS) of the first page, heavy:\n\n%s\n", plan)
	return nil
}

func ask(runs int, question func() error) (median, p95 float64, err error) {
	for range 10 {
		if err := question(); err != nil {
			return 0, 0, err
		}
	}
	took := make([]float64, runs)
	for i := range took {
		began := time.Now()
		if err := question(); err != nil {
			return 0, 0, err
		}
		took[i] = float64(time.Since(began).Microseconds()) / 1000
	}
	slices.Sort(took)
	return took[runs/2], took[runs*95/100], nil
}
