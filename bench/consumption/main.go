// Package consumption measures what taking in a file of consumption costs beside a bare COPY of the same rows into the same empty table. It makes a
// database of its own, and drops it.
package consumption

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"countersign/schema"

	"github.com/jmoiron/sqlx"
)

// Main is the measurement by itself, in sizes and formats of one's choice, on the server that DATABASE_URL names; its login creates databases
// and is a superuser. The programme is the starter in bin.
func Main(ctx context.Context, bin string, args []string) (err error) {
	sizes, rounds, format := "200000,1000000", 3, "programme"
	flags := flag.NewFlagSet("consumption", flag.ContinueOnError)
	flags.StringVar(&sizes, "rows", sizes, "sizes of the files, separated by commas")
	flags.IntVar(&rounds, "rounds", rounds, "how often each is measured; the median counts")
	flags.StringVar(&format, "format", format, "programme or focus")
	if err := flags.Parse(args); err != nil {
		return err
	}
	write, ok := map[string]func(string, int) error{"programme": writeProgramme, "focus": writeFocus}[format]
	if !ok {
		return fmt.Errorf("-format is programme or focus, not %q", format)
	}
	b, err := open(ctx, os.Getenv("DATABASE_URL"), filepath.Join(bin, "starter"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close(context.WithoutCancel(ctx))) }()
	fmt.Printf("%-10s %9s %9s %10s %10s %7s %9s %9s %11s %11s\n", "format", "rows", "file", "bare COPY", "import", "ratio", "CPU", "memory", "known file", "known rows")
	for text := range strings.SplitSeq(sizes, ",") {
		rows, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		if err := write(b.file, rows); err != nil {
			return err
		}
		if err := b.measure(ctx, format, rows, rounds); err != nil {
			return err
		}
	}
	return nil
}

// open makes a database of its own on a server, and a folder for the files.
func open(ctx context.Context, server, starter string) (*bench, error) {
	own, err := url.Parse(server)
	if err != nil || own.Host == "" {
		return nil, fmt.Errorf("DATABASE_URL names the Postgres server, like postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	}
	folder, err := os.MkdirTemp("", "consumption")
	if err != nil {
		return nil, err
	}
	b := &bench{folder: folder, starter: starter, file: filepath.Join(folder, "consumption.csv"), lines: filepath.Join(folder, "rows.txt")}
	if b.admin, err = schema.OpenOwner(server); err != nil {
		return nil, err
	}
	b.name = fmt.Sprintf("countersign_import_%d", os.Getpid())
	if _, err := b.admin.ExecContext(ctx, `CREATE DATABASE `+b.name); err != nil {
		return nil, err
	}
	own.Path = "/" + b.name
	b.url = own.String()
	if b.db, err = schema.OpenOwner(b.url); err != nil {
		return nil, err
	}
	return b, b.prepare(ctx)
}

func (b *bench) close(ctx context.Context) error {
	err := b.db.Close()
	_, dropped := b.admin.ExecContext(ctx, `DROP DATABASE `+b.name+` WITH (FORCE)`)
	return errors.Join(err, dropped, b.admin.Close(), os.RemoveAll(b.folder))
}

type bench struct {
	folder, starter, url string
	file, lines          string // the CSV file, and its rows as COPY takes them
	name                 string // of the database
	admin, db            *sqlx.DB
}

// prepare lays in the programme: as many partners, customers and rates as the files name.
func (b *bench) prepare(ctx context.Context) error {
	if _, err := schema.Migrate(ctx, b.db.DB); err != nil {
		return err
	}
	_, err := b.db.ExecContext(ctx, fmt.Sprintf(`
		INSERT INTO partners (partner_id, name, kind, entity) SELECT 'P' || i, 'Partner ' || i, 'distributor', 'cloud' FROM generate_series(0, %[1]d - 1) i;
		INSERT INTO customers (customer_id, partner_id) SELECT 'C' || i, 'P' || i %% %[1]d FROM generate_series(0, %[2]d - 1) i;
		INSERT INTO customer_bindings (customer_id, partner_id, association, bound_from, set_by, set_at)
			SELECT customer_id, partner_id, 'resale', '2020-01-01', 'bench', '2020-01-01' FROM customers;
		INSERT INTO billing_accounts (provider, billing_account, sub_account, customer_id, set_by, set_at)
			SELECT 'AWS', '1234567890123', customer_id, customer_id, 'bench', '2020-01-01' FROM customers;
		INSERT INTO exchange_rates (currency, month, rate, set_by, set_at)
			SELECT 'USD', m, 7.05, 'bench', '2020-01-01' FROM generate_series('2024-07-01'::date, '2024-12-01', '1 month') m;
		INSERT INTO people (person_id, name) VALUES ('ops', 'Ops');
		INSERT INTO person_roles VALUES ('ops', 'vendor-operations');
		ALTER TABLE consumption DISABLE TRIGGER pgm_12_append_only;
		ALTER TABLE consumption_imports DISABLE TRIGGER pgm_12_append_only`, partners, customers))
	return err
}

func (b *bench) measure(ctx context.Context, format string, rows, rounds int) error {
	info, err := os.Stat(b.file)
	if err != nil {
		return err
	}
	var bare, taken, used []float64
	var memory int64
	for n := range rounds + 1 {
		if err := b.empty(ctx); err != nil {
			return err
		}
		if n > 0 { // the rows are those of the first import, which is not counted
			took, err := copyLines(ctx, b.url, b.lines)
			if err != nil {
				return err
			}
			bare = append(bare, took)
			if err := b.empty(ctx); err != nil {
				return err
			}
		}
		took, usage, err := b.take(ctx, b.file, fmt.Sprintf("%d rows added", rows))
		if err != nil {
			return err
		}
		if n == 0 {
			if err := writeLines(ctx, b.db, b.lines); err != nil {
				return err
			}
			continue
		}
		taken, used = append(taken, took), append(used, cpu(usage))
		memory = max(memory, usage.Maxrss)
	}
	again, _, err := b.take(ctx, b.file, "is known")
	if err != nil {
		return err
	}
	if err := appendLine(b.file); err != nil { // another file, with the same rows: each is looked for
		return err
	}
	sifted, _, err := b.take(ctx, b.file, fmt.Sprintf("0 rows added, %d known", rows))
	if err != nil {
		return err
	}
	fmt.Printf("%-10s %9d %6d MB %8.1f s %8.1f s %7.2f %7.1f s %6.0f MB %9.2f s %9.1f s\n", format, rows, info.Size()>>20, median(bare), median(taken),
		median(taken)/median(bare), median(used), float64(memory)/1024, again, sifted)
	return nil
}

// empty takes everything out and writes what waits to the disk, so that each measurement begins alike.
func (b *bench) empty(ctx context.Context) error {
	for _, q := range []string{`TRUNCATE consumption, consumption_imports`, `CHECKPOINT`} {
		if _, err := b.db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// take runs the command and gives its time and what it used.
func (b *bench) take(ctx context.Context, file, says string) (float64, *syscall.Rusage, error) {
	c := exec.CommandContext(ctx, b.starter, "consumption", "import", file, "--as", "ops")
	c.Env = append(os.Environ(), "DATABASE_URL="+b.url)
	began := time.Now()
	out, err := c.CombinedOutput()
	took := time.Since(began).Seconds()
	if err != nil || !strings.Contains(string(out), says) {
		return 0, nil, fmt.Errorf("import %s: %w: %s", file, err, out)
	}
	return took, c.ProcessState.SysUsage().(*syscall.Rusage), nil
}

func cpu(u *syscall.Rusage) float64 {
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
