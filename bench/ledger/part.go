// Package ledger measures entries a second: the programme's own way through lib/pq beside pgbench with the same call of the same schema.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"countersign/activities"
	"countersign/bench/frame"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
)

const (
	connections = 8
	rate        = "entries/s"
	client      = "client CPU-ms"
	deadlocks   = "deadlocks"
)

// load is which accounts an entry moves.
type load struct {
	name     string
	partners int // an entry moves money from one of these to another; 0: between the vendor's own accounts
}

var loads = []load{{"1,000 partner accounts", 1000}, {"ten hot partner accounts", 10}, {"vendor accounts", 0}}

// Part is entries a second under three loads.
func Part() frame.Part {
	return frame.Part{ID: "c", Title: "Ledger entries", Run: run}
}

type bench struct {
	servers *frame.Servers
	db      *sqlx.DB
	pgbench string
	dir     string
	entries int
}

func run(ctx context.Context, h *frame.House) (frame.Section, error) {
	servers, err := h.Servers(ctx, frame.SQLite)
	if err != nil {
		return frame.Section{}, err
	}
	b := &bench{servers: servers, dir: h.Dir, entries: h.Size(3200, 400)}
	if b.pgbench, err = find(servers.PostgresPID); err != nil {
		return frame.Section{}, err
	}
	if b.db, err = schema.Open(servers.DatabaseURL); err != nil {
		return frame.Section{}, err
	}
	defer b.db.Close()
	b.db.SetMaxOpenConns(connections)
	b.db.SetMaxIdleConns(connections)
	if _, err := b.db.ExecContext(ctx, `SELECT ledger_lock(array_agg('V.INCENT:' || n)) FROM generate_series(1, 1000) n`); err != nil {
		return frame.Section{}, err
	}
	series, err := h.Interleave(ctx, b.contenders()...)
	if err != nil {
		return frame.Section{}, err
	}
	section := frame.Section{
		About: "One entry debits one account and credits another: `SELECT post_entry(…)`, with every trigger and constraint of the schema. Ours goes through the programme's own code and lib/pq, " +
			fmt.Sprintf("%d goroutines on %d connections, once as a statement by itself and once between BEGIN and COMMIT, as a step of a case does. pgbench sends the same call as prepared statement (`-M prepared`), each in a transaction of its own, ", connections, connections) +
			"over as many connections with the same settings. Partner accounts have a stored balance that each entry locks and changes; the vendor's are summed when somebody asks.",
		Columns: []frame.Column{{Name: rate, Plot: true, Weak: true}, {Name: client, Digits: 3}, {Name: frame.PostgresCPU, Digits: 3}, {Name: frame.WAL, Digits: 2}, {Name: frame.Transactions, Digits: 2}, {Name: deadlocks}},
		Series:  series,
	}
	for _, l := range loads {
		section.Goals = append(section.Goals, frame.AtLeast("ours / pgbench, "+l.name, series.Ratio(rate, ours(l), theirs(l)), 0.5, "×").
			Because(fmt.Sprintf("An entry takes %.3f CPU-ms of the client (database/sql and lib/pq, which shares the machine with Postgres) beside pgbench's %.3f, and %.3f of Postgres beside %.3f.",
				series.Median(client, ours(l)), series.Median(client, theirs(l)), series.Median(frame.PostgresCPU, ours(l)), series.Median(frame.PostgresCPU, theirs(l)))))
		section.Notes = append(section.Notes, fmt.Sprintf("Between BEGIN and COMMIT ours makes %.2f of pgbench's entries a second with %s: three round trips where pgbench has one.", series.Ratio(rate, inTransaction(l), theirs(l)), l.name))
	}
	hot, partner, vendor := loads[1], loads[0], loads[2]
	most := 0.0
	for _, n := range series.Of(deadlocks, ours(hot)) {
		most = max(most, n)
	}
	section.Goals = append(section.Goals,
		frame.AtMost("deadlocks with "+hot.name, most, 0, ""),
		frame.AtLeast("vendor accounts / partner accounts", series.Ratio(rate, ours(vendor), ours(partner)), 1, "×").
			Because(fmt.Sprintf("Two rows take all the foreign keys' shared locks, and Postgres keeps a list of the holders of each: %.3f CPU-ms of Postgres an entry beside %.3f.",
				series.Median(frame.PostgresCPU, ours(vendor)), series.Median(frame.PostgresCPU, ours(partner)))))
	return section, nil
}

// contenders are three for each load.
func (b *bench) contenders() (contenders []frame.Contender) {
	for _, l := range loads {
		contenders = append(contenders,
			frame.Contender{Name: ours(l), Round: func(ctx context.Context, round int) (frame.Figures, error) {
				return b.measure(ctx, func() (time.Duration, error) { return b.post(ctx, l, round, false) })
			}},
			frame.Contender{Name: inTransaction(l), Round: func(ctx context.Context, round int) (frame.Figures, error) {
				return b.measure(ctx, func() (time.Duration, error) { return b.post(ctx, l, round, true) })
			}},
			frame.Contender{Name: theirs(l), Round: func(ctx context.Context, round int) (frame.Figures, error) {
				return b.measure(ctx, func() (time.Duration, error) { return b.reference(ctx, l, round) })
			}})
	}
	return contenders
}

func ours(l load) string          { return "ours, " + l.name }
func inTransaction(l load) string { return "ours in BEGIN … COMMIT, " + l.name }
func theirs(l load) string        { return "pgbench, " + l.name }

// find looks beside the server's own binary, then in PATH.
func find(postmaster int) (string, error) {
	if server, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", postmaster)); err == nil {
		if beside := filepath.Join(filepath.Dir(server), "pgbench"); exec.Command(beside, "--version").Run() == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		return "", fmt.Errorf("pgbench is the reference of part c; it comes with Postgres' client or contrib package: %w", err)
	}
	return path, nil
}

// measure tells what b.entries cost that f posts; f answers how long it took without what it began with.
func (b *bench) measure(ctx context.Context, f func() (time.Duration, error)) (frame.Figures, error) {
	stuck := func() (n float64, err error) {
		return n, b.servers.Admin.GetContext(ctx, &n, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
	}
	// Sessions that live on would keep the plans they made when the tables were empty, until autovacuum comes by.
	if _, err := b.servers.Admin.ExecContext(ctx, `ANALYZE entries, postings, accounts`); err != nil {
		return nil, err
	}
	before, err := stuck()
	if err != nil {
		return nil, err
	}
	used := clientCPU()
	var took time.Duration
	figures, err := b.servers.Measure(ctx, frame.Job{N: b.entries, Work: func(context.Context, int, int) (err error) {
		took, err = f()
		return err
	}})
	if err != nil {
		return nil, err
	}
	figures[client] = (clientCPU() - used) / float64(b.entries)
	figures[rate] = float64(b.entries) / took.Seconds()
	after, err := stuck()
	figures[deadlocks] = after - before
	return figures, err
}

// clientCPU is what this process and the children that it waited for have used, in milliseconds.
func clientCPU() (ms float64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			ms += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
		}
	}
	return ms
}

// post is the programme's way.
func (b *bench) post(ctx context.Context, l load, round int, inTx bool) (time.Duration, error) {
	began := time.Now()
	var side sync.WaitGroup
	errs := make([]error, connections)
	for c := range connections {
		side.Go(func() {
			for n := range b.entries / connections {
				debit, credit := ledger.Bank, ledger.Sales
				if l.partners > 0 {
					from := rand.IntN(l.partners)
					to := (from + 1 + rand.IntN(l.partners-1)) % l.partners
					debit, credit = ledger.Incentive(fmt.Sprint(from+1)), ledger.Incentive(fmt.Sprint(to+1))
				}
				e := ledger.Entry{
					Key: fmt.Sprintf("bench/%d/%s/%d/%t/%d/%d", os.Getpid(), l.name, round, inTx, c, n), Memo: "transfer", At: time.Now(),
					Postings: ledger.Move(money.Must("1.00"), debit, credit),
				}
				if errs[c] = b.one(ctx, e, inTx); errs[c] != nil {
					return
				}
			}
		})
	}
	side.Wait()
	return time.Since(began), errors.Join(errs...)
}

func (b *bench) one(ctx context.Context, e ledger.Entry, inTx bool) error {
	if !inTx {
		return activities.Post(ctx, b.db, e)
	}
	tx, err := b.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after COMMIT it has nothing to do
	if err := activities.Post(ctx, tx, e); err != nil {
		return err
	}
	return tx.Commit()
}

// script is pgbench's: the same call, with parameters that pgbench makes. (A colon before a letter would be a parameter even within quotes.)
func script(l load, round int) string {
	accounts, draw := `'V.BANK', 'V.SALES'`, ""
	if l.partners > 0 {
		accounts = `'V.INCENT:' || :a::text, 'V.INCENT:' || :b::text`
		draw = fmt.Sprintf("\\set a random(1, %[1]d)\n\\set b 1 + (:a + random(0, %[1]d - 2)) %% %[1]d\n", l.partners)
	}
	return draw + fmt.Sprintf(`\set n :n + 1
SELECT post_entry('pgbench/%d/%s/%d/' || :client_id::text || '/' || :n::text, '\x%s'::bytea, '', 'transfer', now(), ARRAY[%s], ARRAY[-1.00, 1.00]);
`, os.Getpid(), l.name, round, strings.Repeat("5a", 32), accounts)
}

// reference is pgbench's way.
func (b *bench) reference(ctx context.Context, l load, round int) (time.Duration, error) {
	file := filepath.Join(b.dir, "transfer.pgbench")
	if err := os.WriteFile(file, []byte(script(l, round)), 0o644); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, b.pgbench, "--no-vacuum", "--file", file, "--protocol", "prepared", "--define", "n=0",
		"--client", fmt.Sprint(connections), "--jobs", "2", "--transactions", fmt.Sprint(b.entries/connections), b.servers.DatabaseURL)
	cmd.Env = append(os.Environ(), "PGOPTIONS="+schema.Session)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	if done := fmt.Sprintf("actually processed: %d/%d", b.entries, b.entries); !strings.Contains(string(out), done) {
		return 0, fmt.Errorf("pgbench did not post %d entries:\n%s", b.entries, out)
	}
	_, after, _ := strings.Cut(string(out), "\ntps = ")
	var tps float64
	if _, err := fmt.Sscan(after, &tps); err != nil || tps <= 0 {
		return 0, fmt.Errorf("pgbench does not say how fast it was:\n%s", out)
	}
	return time.Duration(float64(b.entries) / tps * float64(time.Second)), nil // without the time to connect
}
