package console

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"countersign/internal/inboxbench"
	"countersign/schema"
)

// Main is the measurement by itself, of some pages or all, on the servers that DATABASE_URL, TEMPORAL_ADDRESS and PAYLOAD_KEYS name, as
// `local stack` says; the database's login creates databases and is a superuser. The programme is the server in bin.
func Main(ctx context.Context, bin string, args []string) (err error) {
	var keep bool
	var use, only string
	times, part := 20, 1
	flags := flag.NewFlagSet("console", flag.ContinueOnError)
	flags.BoolVar(&keep, "keep", false, "leave the database there, for -use")
	flags.StringVar(&use, "use", "", "measure on this database, which an earlier run kept")
	flags.StringVar(&only, "only", "", "only pages with this in their name")
	flags.IntVar(&times, "times", times, "how often each page is asked for, after as many that do not count")
	flags.IntVar(&part, "part", part, "fill in only one of so many cases")
	if err := flags.Parse(args); err != nil {
		return err
	}
	say := func(text string) { fmt.Fprintln(os.Stderr, text) }
	own, err := url.Parse(os.Getenv("DATABASE_URL"))
	if err != nil || own.Host == "" {
		return errors.New("DATABASE_URL names the Postgres server, like postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	}
	name := use
	if use == "" {
		admin, err := schema.OpenOwner(own.String())
		if err != nil {
			return err
		}
		defer admin.Close()
		name = fmt.Sprintf("countersign_console_%d", os.Getpid())
		if _, err := admin.ExecContext(ctx, `CREATE DATABASE `+name); err != nil {
			return err
		}
		say("the database is " + name)
		if !keep {
			defer func() {
				_, dropped := admin.ExecContext(context.WithoutCancel(ctx), `DROP DATABASE `+name+` WITH (FORCE)`)
				err = errors.Join(err, dropped)
			}()
		}
	}
	own.Path = "/" + name
	b := bench{url: own.String(), env: func(set ...string) []string { return append(os.Environ(), set...) }}
	if b.bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "console"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.db, err = schema.OpenOwner(b.url); err != nil {
		return err
	}
	defer b.db.Close()
	if use == "" {
		house := inboxbench.Million
		house.Tasks, house.Open, house.ByRule = house.Tasks/part, house.Open/part, house.ByRule/part
		began := time.Now()
		if err := b.fill(ctx, house, func(step string) { say(fmt.Sprintf("%6.1f s  %s", time.Since(began).Seconds(), step)) }); err != nil {
			return err
		}
	}
	if err := b.serve(); err != nil {
		return err
	}
	defer b.process.Stop()
	return b.print(ctx, only, times)
}

// print measures the pages and prints a line for each.
func (b *bench) print(ctx context.Context, only string, times int) error {
	pages, err := b.pages(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%-44s %10s %10s %10s %8s\n", "", median, p95, server, size)
	for _, p := range pages {
		if !strings.Contains(p.name, only) {
			continue
		}
		if _, err := b.ask(ctx, p, 0, times); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		f, err := b.ask(ctx, p, times, times)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("%-44s %10.1f %10.1f %10.1f %8.0f\n", p.name, f[median], f[p95], f[server], f[size])
	}
	return nil
}
