// Command faults has hundreds of cases of all kinds carried on while it kills, pauses and parts what they run on, and checks after
// each round that nothing was lost, doubled or said falsely. See docs/faults.md; `make faults` runs it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"countersign/schema"
	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 3 && os.Args[1] == "caller" {
		err = call(ctx, os.Args[2], os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	size
	worker string // the harness's own build
	delay  time.Duration
	json   string
	keep   string
	plan   bool
}

func parse(args []string, help io.Writer) (options, error) {
	o := options{}
	f := flag.NewFlagSet("faults", flag.ContinueOnError)
	f.SetOutput(help)
	f.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()%1_000_000_000), "the same seed is the same plan")
	f.IntVar(&o.Rounds, "rounds", 10, "rounds")
	f.IntVar(&o.InFlight, "cases", 500, "cases in flight")
	f.IntVar(&o.Requests, "requests", 250, "requests of each round after the first, which opens all cases")
	f.IntVar(&o.Faults, "faults", 3, "faults in each round")
	f.IntVar(&o.Callers, "callers", 3, "processes that ask")
	only := f.String("plays", "", "only these plays, parted by semicolons")
	deal := f.String("only", "", "only these faults, parted by semicolons")
	f.StringVar(&o.worker, "worker", "", "a worker built with -tags faults (required)")
	f.DurationVar(&o.delay, "delay", 300*time.Millisecond, "how long an answer waits after COMMIT, at most")
	f.StringVar(&o.json, "json", "", "write the report to this file as well")
	f.StringVar(&o.keep, "keep", "", "keep logs and journals in this folder")
	f.BoolVar(&o.plan, "plan", false, "print the plan and end")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for text, list := range map[*string]*[]string{only: &o.Plays, deal: &o.Deck} {
		for name := range strings.SplitSeq(*text, ";") {
			if name = strings.TrimSpace(name); name != "" {
				*list = append(*list, name)
			}
		}
	}
	for _, name := range o.Plays {
		if len(plays[name].steps) == 0 {
			return o, fmt.Errorf("there is no play %q; there are: %s", name, strings.Join(playNames(), "; "))
		}
	}
	if f.NArg() > 0 || o.Rounds < 1 || o.InFlight < 1 || o.Callers < 1 || o.Faults < 0 {
		return o, errors.New("there are rounds, cases and callers, and no other arguments than flags")
	}
	return o, nil
}

// errFindings ends a run in which something was not as it has to be; all of it was printed.
var errFindings = errors.New("checks failed")

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	p := draw(o.size)
	fmt.Fprintf(out, "Seed %d: the same plan again with --seed %d and the same flags.\n", o.Seed, o.Seed)
	if o.plan {
		p.print(out)
		return nil
	}
	r, err := fightOut(ctx, o, p, progress)
	if r != nil {
		r.print(out)
	}
	if o.json != "" && r != nil {
		text, failed := json.MarshalIndent(r, "", "  ")
		err = errors.Join(err, failed, os.WriteFile(o.json, append(text, '\n'), 0o644))
	}
	if err != nil {
		return fmt.Errorf("%w; replay it with --seed %d", err, o.Seed)
	}
	if len(r.Findings) > 0 {
		return fmt.Errorf("%w: %d findings above. Replay the plan with --seed %d and the same flags; docs/faults.md says how to read them", errFindings, len(r.Findings), o.Seed)
	}
	fmt.Fprintln(out, "Nothing was lost, nothing happened twice, every answer was true.")
	return nil
}

// fightOut runs a plan on servers of its own.
func fightOut(ctx context.Context, o options, p plan, progress io.Writer) (*report, error) {
	if o.worker == "" {
		return nil, errors.New("--worker is missing: name a worker built with `go build -tags faults`; `make faults` does it")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &field{self: self, binary: o.worker, delay: o.delay}
	defer f.Stop()
	tell := teller(progress)
	tell("starting servers")
	if err := f.Start("countersign-faults-"); err != nil {
		return nil, err
	}
	dir := f.Dir
	if o.keep != "" {
		if err := os.MkdirAll(o.keep, 0o755); err != nil {
			return nil, err
		}
		dir = o.keep
		defer copyLogs(f.Dir, o.keep)
	}
	began := time.Now()
	w, admin, err := f.prepare(ctx, p, began, tell)
	if err != nil {
		return nil, err
	}
	defer w.temporal.Close()
	defer w.db.Close()
	defer admin.Close()
	if f.link, err = newLink(f.Now.DatabaseURL, f.Now.TemporalAddress, fmt.Sprintf("csf%d", os.Getpid()%100000)); err != nil {
		return nil, err
	}
	defer f.link.close()
	f.keepWorker()
	defer f.retire()
	return f.rounds(ctx, dir, p, w, admin, began, tell)
}

// prepare migrates, and lays the ground.
func (f *field) prepare(ctx context.Context, p plan, now time.Time, tell func(string)) (*world, *sqlx.DB, error) {
	for name, value := range map[string]string{
		"DATABASE_URL": f.Now.DatabaseURL, "TEMPORAL_ADDRESS": f.Now.TemporalAddress, "TEMPORAL_CONFIG_FILE": filepath.Join(f.Dir, "none.toml"), "PAYLOAD_KEYS": f.Now.PayloadKeys,
	} {
		if err := os.Setenv(name, value); err != nil { // as every process of the programme finds them
			return nil, nil, err
		}
	}
	owner, err := schema.OpenOwner(f.Now.DatabaseURL)
	if err != nil {
		return nil, nil, err
	}
	defer owner.Close()
	tell("migrating")
	if _, err := schema.Migrate(ctx, owner.DB); err != nil {
		return nil, nil, err
	}
	w, err := newWorld(ctx, now)
	if err != nil {
		return nil, nil, err
	}
	if err := workflows.RegisterSearchAttributes(ctx, w.temporal, "default"); err != nil {
		return nil, nil, err
	}
	tell(fmt.Sprintf("laying the ground of %d cases", len(p.Cases)))
	if err := layGround(ctx, w.db, p, now); err != nil {
		return nil, nil, err
	}
	joined := "?"
	if strings.Contains(f.Now.DatabaseURL, "?") {
		joined = "&"
	}
	admin, err := schema.OpenOwner(f.Now.DatabaseURL + joined + "application_name=faults")
	if err == nil {
		admin.SetMaxIdleConns(-1) // none outlives a Postgres that is killed
	}
	return w, admin, err
}

// rounds plays the plan's rounds, and looks after each.
func (f *field) rounds(ctx context.Context, dir string, p plan, w *world, admin *sqlx.DB, began time.Time, tell func(string)) (*report, error) {
	r := &report{Seed: p.Seed, Worker: f.link.how(), Cases: map[string]int{}}
	q := &inquiry{world: w, laid: map[string]bool{}}
	var laid []string
	if err := w.db.SelectContext(ctx, &laid, `SELECT key FROM entries`); err != nil {
		return nil, fmt.Errorf("read the ground's entries: %w", err)
	}
	for _, key := range laid {
		q.laid[key] = true
	}
	taken := map[string]int{} // the place of each case in q.shares
	for n := range p.Rounds {
		start := time.Now()
		fired, err := f.fight(ctx, dir, n, p, began, admin, tell)
		one := roundReport{Requests: p.Rounds[n].Requests, Faults: fired}
		if err != nil {
			r.Rounds = append(r.Rounds, one)
			return r, fmt.Errorf("round %d: %w", n+1, err)
		}
		for _, s := range p.Rounds[n].Shares {
			if i, known := taken[s.Case]; known {
				q.shares[i].To = s.To
				continue
			}
			taken[s.Case] = len(q.shares)
			q.shares = append(q.shares, s)
		}
		if q.notes, err = journals(dir, p.Callers); err != nil {
			return r, err
		}
		tell(fmt.Sprintf("round %d: checking", n+1))
		found, err := q.settled(ctx, time.Minute)
		if err != nil {
			return r, fmt.Errorf("round %d: checks: %w", n+1, err)
		}
		for _, c := range q.cases {
			if !c.Closed {
				one.InFlight++
			}
		}
		one.Seconds, one.Findings = time.Since(start).Seconds(), len(found)
		r.Rounds, r.Findings, r.Seconds = append(r.Rounds, one), found, time.Since(began).Seconds()
		if len(found) > 0 {
			break // what comes after would only repeat them
		}
	}
	for _, s := range q.shares {
		if c, err := find(ctx, w.db, s); err == nil {
			r.Cases[s.Play+"\t"+c.State]++
		}
	}
	r.recover()
	return r, nil
}

// journals reads what all callers know.
func journals(dir string, callers int) (map[asked][]note, error) {
	all := map[asked][]note{}
	for i := range callers {
		notes, err := readJournal(journalOf(dir, i))
		if err != nil {
			return nil, err
		}
		for k, list := range notes {
			all[k] = append(all[k], list...)
		}
	}
	return all, nil
}

// teller shows what goes on: one line that changes on a terminal, else each fault on a line of its own.
func teller(out io.Writer) func(string) {
	file, ok := out.(*os.File)
	if ok && isatty.IsTerminal(file.Fd()) {
		return func(s string) { fmt.Fprintf(out, "\r\033[K%s", s) }
	}
	last := ""
	return func(s string) {
		if s != last && !strings.HasSuffix(s, " answered") {
			fmt.Fprintln(out, time.Now().UTC().Format(time.TimeOnly), s)
			last = s
		}
	}
}

// copyLogs keeps what the processes said.
func copyLogs(from, to string) {
	files, _ := filepath.Glob(filepath.Join(from, "*.log")) // the pattern is in order
	more, _ := filepath.Glob(filepath.Join(from, "servers", "*.log"))
	for _, file := range append(files, more...) {
		if text, err := os.ReadFile(file); err == nil {
			_ = os.WriteFile(filepath.Join(to, filepath.Base(file)), text, 0o644)
		}
	}
}
