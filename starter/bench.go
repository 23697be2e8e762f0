package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/member"
	"countersign/domain/solution"
	"countersign/internal/parkbench"
	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"github.com/spf13/cobra"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

func (h *house) benchCommand() *cobra.Command {
	return group("bench", "Measures on a stack of its own", h.benchParkCommand())
}

// park is how much is put to sleep, and how.
type park struct {
	invitations int           // that sleep their seven days
	from        int           // so many of these sleep already
	solutions   int           // that were certified during the last year
	lapse       int           // invitations that all lapse in one minute
	lapseIn     time.Duration // from the start of the first of these
	side        int           // how many start side by side
	worker      string        // its binary; empty: one runs

	partners int // laid in

	db       *sqlx.DB
	temporal client.Client
	own      *ownWorker
}

func (h *house) benchParkCommand() *cobra.Command {
	p := park{}
	c := &cobra.Command{
		Use: "park --invitations N [--solutions N] [--lapse N --lapse-in D] [--worker PATH]", Short: "Put many cases to sleep, and let many lapse at once", Args: exactly(),
		Long: `Put many cases to sleep, and let many lapse at once.

Every invitation goes the way that an administrator's does: submit, judge, message, timer. Solutions are taken over as certified
before, and carried on by a workflow each. It works in an empty programme only and lays in
partners of its own, 100 invitations each. Started again after an interruption it goes on where it stopped. Those that lapse get a term that
ends with the same minute for all; then it waits, tells how long it took until all were recorded, and compares each recorded instant with
the deadline.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if p.from < 0 || p.invitations < p.from || p.solutions < 0 || p.lapse < 0 || p.side < 1 || p.lapse > 0 && p.lapseIn < time.Minute {
				return usageError{errors.New("numbers are not negative, --side is at least 1, --lapse-in at least 1m")}
			}
			return h.park(c.Context(), &p)
		},
	}
	f := c.Flags()
	f.IntVar(&p.invitations, "invitations", 1000, "how many sleep their seven days")
	f.IntVar(&p.from, "from", 0, "so many of them sleep since an earlier run: go on behind these")
	f.IntVar(&p.solutions, "solutions", 0, "how many certified solutions sleep until their window opens")
	f.IntVar(&p.lapse, "lapse", 0, "how many lapse within one minute")
	f.DurationVar(&p.lapseIn, "lapse-in", 10*time.Minute, "when they do, from their first start: long enough to start them all")
	f.IntVar(&p.side, "side", 32, "how many are started side by side")
	f.StringVar(&p.worker, "worker", "", "the worker's binary, when none runs: it is started, and stopped at the end")
	return c
}

// parked is what one stage came to.
type parked struct {
	Stage    string  `json:"stage"`
	Cases    int     `json:"cases"`
	Seconds  float64 `json:"seconds"`
	PerS     float64 `json:"per_second"`
	Sleeping int64   `json:"sleeping"`                   // as Temporal counts
	Memory   int64   `json:"worker_memory_mb,omitempty"` // resident, of the own worker; 0: not known
}

func (h *house) park(ctx context.Context, p *park) error {
	if err := h.parkReady(ctx, p); err != nil {
		return err
	}
	if p.own != nil {
		defer p.own.kill()
	}
	var stages []parked
	stage := func(name string, cases int, began time.Time) error {
		s := parked{Stage: name, Cases: cases, Seconds: time.Since(began).Seconds(), Memory: p.own.memory()}
		s.PerS = float64(cases) / s.Seconds
		count, err := p.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: h.namespace, Query: "ExecutionStatus = 'Running'"})
		s.Sleeping = count.GetCount()
		stages = append(stages, s)
		return err
	}
	began := time.Now()
	if err := h.putToSleep(ctx, p, member.DefaultPolicy(), p.from, p.invitations); err != nil {
		return err
	}
	if err := stage("invitations parked", p.invitations-p.from, began); err != nil {
		return err
	}
	if p.solutions > 0 {
		began := time.Now()
		if err := h.parkSolutions(ctx, p); err != nil {
			return err
		}
		if err := stage("solutions parked", p.solutions, began); err != nil {
			return err
		}
	}
	if p.lapse > 0 {
		due, err := h.parkToLapse(ctx, p, stage)
		if err != nil {
			return err
		}
		if err := h.awaitLapse(ctx, p, due, stage); err != nil {
			return err
		}
	}
	return h.show(map[string]any{"stages": stages}, func() {
		t := newTable("STAGE", "CASES>", "SECONDS>", "PER SECOND>", "SLEEPING>", "WORKER MB>")
		for _, s := range stages {
			t.add(s.Stage, s.Cases, fmt.Sprintf("%.1f", s.Seconds), fmt.Sprintf("%.0f", s.PerS), s.Sleeping, s.Memory)
		}
		t.print(h.out)
	})
}

// parkReady connects, makes sure that nobody else's programme is touched, and lays in who invites whom.
func (h *house) parkReady(ctx context.Context, p *park) (err error) {
	if p.worker != "" {
		quiet := &house{environ: h.environ, out: discard{}, err: h.err}
		defer quiet.close()
		if err := quiet.migrate(ctx, false); err != nil {
			return err
		}
	}
	if p.db, err = h.database(ctx); err != nil {
		return err
	}
	if p.temporal, err = h.cluster(ctx); err != nil {
		return err
	}
	switch other, err := parkbench.Occupied(ctx, p.db); {
	case err != nil:
		return err
	case other != "":
		return fmt.Errorf("this programme has partners, %s among them; park on a stack of its own: bin/local bench", other)
	}
	all := p.invitations + p.lapse
	p.partners = all/parkbench.PerPartner + 1
	if err := parkbench.Fill(ctx, p.db, p.partners, all); err != nil {
		return err
	}
	if p.worker != "" {
		p.own = &ownWorker{path: p.worker, environ: h.environ}
		return p.own.start()
	}
	return nil
}

// putToSleep invites the natural persons from one number up to another, several side by side.
func (h *house) putToSleep(ctx context.Context, p *park, policy member.Policy, from, to int) error {
	if _, err := (&activities.Programme{DB: p.db}).SetPolicy(ctx, member.Kind, policy, "system", time.Now()); err != nil {
		return err
	}
	return h.sideBySide(ctx, to-from, p.side, func(ctx context.Context, n int) error {
		n += from
		i := member.Invitation{
			RequestKey: fmt.Sprintf("park-%d", n), PartnerID: parkbench.Partner(n / parkbench.PerPartner), Submitter: parkbench.Admin(n / parkbench.PerPartner),
			AccountID: parkbench.Account(n), By: member.ByName,
		}
		_, err := workflows.Invite(ctx, p.temporal, i)
		for try := 1; err != nil && activities.RefusalOf(err) == nil && try < patience && ctx.Err() == nil; try++ { // a busy machine: the same request again
			_, err = workflows.Invite(ctx, p.temporal, i)
		}
		if err != nil {
			return fmt.Errorf("invitation of %s: %w", i.AccountID, err)
		}
		return nil
	})
}

// patience is how often an invitation is tried that a busy machine did not answer in time.
const patience = 5

// parkSolutions takes over solutions that were certified on days of the last ten months, and starts a workflow for each.
func (h *house) parkSolutions(ctx context.Context, p *park) error {
	file := activities.ProgrammeFile{SolutionPolicy: new(solution.DefaultPolicy())}
	for n := range p.solutions {
		file.Solutions = append(file.Solutions, activities.SolutionRecord{
			Key: fmt.Sprintf("park-%d", n), Partner: parkbench.Partner(n % p.partners), Submitter: parkbench.Admin(n % p.partners), Type: solution.Cloud,
			Name: fmt.Sprintf("Parked solution %d", n), Version: "1.0", Contact: activities.ContactRecord{Name: "Li Lei", Mobile: "13800138000", Email: "li.lei@example.com"},
			CertifiedAt: time.Now().AddDate(0, 0, -n%300).Truncate(time.Second),
		})
	}
	if _, err := (&activities.Programme{DB: p.db}).Load(ctx, file, "system", time.Now()); err != nil {
		return err
	}
	if _, err := h.carryOn(ctx, p.side); err != nil {
		return err
	}
	// Started is not asleep: the server still hands their first tasks out, and what starts next would queue up behind them.
	for bound := 0; bound < p.solutions; {
		if err := p.db.GetContext(ctx, &bound, `SELECT count(*) FROM cases WHERE kind = $1 AND run_id <> ''`, solution.Kind); err != nil {
			return fmt.Errorf("count solutions that sleep: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return nil
}

// lapseChunk is how many invitations get the same term, in whole seconds: their deadlines lie as far apart as their starts.
const lapseChunk = 250

// parkToLapse puts to sleep what lapses at one instant, give or take how long a chunk takes to start.
func (h *house) parkToLapse(ctx context.Context, p *park, stage func(string, int, time.Time) error) (time.Time, error) {
	began := time.Now()
	due := began.Add(p.lapseIn)
	for from := p.invitations; from < p.invitations+p.lapse; from += lapseChunk {
		policy := member.DefaultPolicy()
		left := time.Until(due).Truncate(time.Second)
		if left < 10*time.Second {
			return due, fmt.Errorf("only %d of %d were started %s before they lapse; give --lapse-in more time", from-p.invitations, p.lapse, left)
		}
		policy.Term, policy.RemindAfter = calendar.MustTerm(strconv.Itoa(int(left.Seconds()))+"s"), calendar.Term{}
		if err := h.putToSleep(ctx, p, policy, from, min(from+lapseChunk, p.invitations+p.lapse)); err != nil {
			return due, err
		}
	}
	return due, stage("parked to lapse", p.lapse, began)
}

// awaitLapse waits until all have lapsed, and compares what was recorded with the deadlines.
func (h *house) awaitLapse(ctx context.Context, p *park, due time.Time, stage func(string, int, time.Time) error) error {
	var first, last time.Time
	if err := p.db.QueryRowxContext(ctx, `SELECT min(due_at), max(due_at) FROM cases WHERE state = $1 AND due_at < $2`, member.Invited, due.Add(time.Minute)).Scan(&first, &last); err != nil {
		return fmt.Errorf("read deadlines: %w", err)
	}
	h.say("%d invitations lapse between %s and %s, within %.0f s.", p.lapse, shownToTheSecond(first), shownToTheSecond(last), last.Sub(first).Seconds())
	told, done := h.progress()
	defer done()
	for n := 0; n < p.lapse; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(time.Until(first), time.Second)):
		}
		if err := p.db.GetContext(ctx, &n, `SELECT count(*) FROM cases WHERE state = $1`, member.Lapsed); err != nil {
			return fmt.Errorf("count: %w", err)
		}
		if told != nil {
			told(int64(n), int64(p.lapse))
		}
	}
	if err := stage("lapsed, from the first deadline on", p.lapse, first); err != nil {
		return err
	}
	var wrong int
	if err := p.db.GetContext(ctx, &wrong, `
		SELECT count(*) FROM invitations JOIN cases USING (case_number)
		  LEFT JOIN events e ON e.case_number = cases.case_number AND e.to_state = 'LAPSED' AND e.from_state = 'INVITED'
		 WHERE state = 'LAPSED' AND (e.at IS NULL OR e.at <> (SELECT max(expires_at) FROM invitation_tokens t WHERE t.case_number = cases.case_number))`); err != nil {
		return fmt.Errorf("compare instants: %w", err)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d lapsed with another instant than their deadline", wrong, p.lapse)
	}
	h.say("Each is recorded with its deadline as the effective time.")
	return nil
}

// memory is the resident memory of the own worker in megabytes, where the system tells it; 0: it does not.
func (w *ownWorker) memory() int64 {
	if w == nil || w.command == nil {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64) // the kernel's own format
			return kb / 1024
		}
	}
	return 0
}
