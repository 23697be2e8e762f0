package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"countersign/bench/frame"
	"countersign/internal/stacktest"
)

const (
	we           = "Countersign"
	bareOrdinary = "bare workflow, ordinary activities"
	bareLocal    = "bare workflow, local activities"
)

// costs are the columns of a whole case.
var costs = []frame.Column{
	{Name: frame.CPU, Digits: 1, Plot: true},
	{Name: frame.WorkerCPU, Digits: 1},
	{Name: frame.TemporalCPU, Digits: 1},
	{Name: frame.PostgresCPU, Digits: 1},
	{Name: historyEvents, Digits: 0, Plot: true},
	{Name: historySize, Digits: 1},
	{Name: frame.WAL, Digits: 1},
	{Name: frame.StoreGrowth, Digits: 1},
	{Name: frame.Transactions, Digits: 1},
	{Name: frame.RowWrites, Digits: 0},
	{Name: frame.Rate, Digits: 1, Weak: true},
}

const aboutCase = "One case: apply, approve, send, confirm; four requests that are answered when their transaction has committed. " +
	"The references write the same facts (case, payee, code, lot, entries with postings and balances, events, rounds, tasks, inbox, decisions, payment, messages) in four transactions, row for row as many, " +
	"with prepared statements, and judge nothing: no roles, no four eyes, no amounts, no deadline's calendar, no hash chain. %s"

// both are ours and the references on one stack.
func both(ctx context.Context, h *frame.House, store frame.Store) (*programme, *references, error) {
	s, err := h.Servers(ctx, store)
	if err != nil {
		return nil, nil, err
	}
	p, err := programmeOf(ctx, h, s)
	if err != nil {
		return nil, nil, err
	}
	r, err := referencesOf(ctx, h, s)
	return p, r, err
}

// againstBare is part (a) on one store.
func againstBare(id string, store frame.Store) frame.Part {
	return frame.Part{ID: id, Title: "A withdrawal beside a bare Temporal workflow, Temporal on " + string(store), Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		n := h.Size(40, 6)
		p, r, err := both(ctx, h, store)
		if err != nil {
			return frame.Section{}, err
		}
		series, err := h.Interleave(ctx, ours(p, we, n), r.bare(bareOrdinary, "BareOrdinary", n), r.bare(bareLocal, "BareLocal", n))
		if err != nil {
			return frame.Section{}, err
		}
		level, err := p.furtherLevel(ctx, series.Median(historyEvents, we))
		if err != nil {
			return frame.Section{}, err
		}
		on := ", Temporal on " + string(store)
		profile := fmt.Sprintf("Of our %.1f CPU-ms a case the worker takes %.1f, Temporal %.1f and Postgres %.1f; the reference's are %.1f, %.1f and %.1f. "+
			"The bare workflow with local activities, which is nothing but the steps, is itself at %.2f of that with ordinary ones. Who takes it: [profile.md](profile.md).",
			series.Median(frame.CPU, we), series.Median(frame.WorkerCPU, we), series.Median(frame.TemporalCPU, we), series.Median(frame.PostgresCPU, we),
			series.Median(frame.WorkerCPU, bareOrdinary), series.Median(frame.TemporalCPU, bareOrdinary), series.Median(frame.PostgresCPU, bareOrdinary),
			series.Ratio(frame.CPU, bareLocal, bareOrdinary))
		return frame.Section{
			About:   fmt.Sprintf(aboutCase, fmt.Sprintf("The bare workflow has no timer, no search attributes and no summaries; it encrypts what Temporal keeps, as ours does. %d cases a round, %d side by side.", n, min(n, sideBySide))),
			Columns: costs, Base: bareOrdinary, Series: series,
			Goals: []frame.Goal{
				frame.AtMost("CPU of a case / bare workflow with ordinary activities"+on, series.Ratio(frame.CPU, we, bareOrdinary), 0.6, "").Because(profile),
				frame.AtMost("history events beyond the bare workflow with local activities"+on, series.Median(historyEvents, we)-series.Median(historyEvents, bareLocal), 3, ""),
				frame.AtMost("history events of a further approval level"+on, level, 7, ""),
			},
		}, nil
	}}
}

// otherEngines is part (b).
func otherEngines() frame.Part {
	return frame.Part{ID: "b", Title: "The same process on other engines", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		n := h.Size(40, 6)
		p, r, err := both(ctx, h, frame.SQLite)
		if err != nil {
			return frame.Section{}, err
		}
		jobs, machine := "River v0.51 jobs", "state machine in SQL by hand"
		series, err := h.Interleave(ctx, ours(p, we, n), r.contender(jobs, "river", n, r.httpCase), r.contender(machine, "sql", n, r.httpCase))
		return frame.Section{
			About:   fmt.Sprintf(aboutCase, "A request to River inserts a job and waits for it; each open task has its deadline as a scheduled job. The state machine runs the transaction in the request; a poller looks for what is overdue."),
			Columns: costs, Base: machine, Series: series,
			Notes: []string{"For the choice: the other two keep no history that can be replayed, and what happens next stands in code that reads a state column; their idle Temporal is counted, too, as it runs beside them."},
		}, err
	}}
}

// leanIndexes compares the visibility indexes.
func leanIndexes() frame.Part {
	return frame.Part{ID: "a-indexes", Title: "The lean set of visibility indexes beside all 74, Temporal on Postgres", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		n := h.Size(40, 6)
		names := map[frame.Store]string{frame.Postgres: "lean set", frame.PostgresFull: "all indexes"}
		var contenders []frame.Contender
		for _, store := range []frame.Store{frame.Postgres, frame.PostgresFull} {
			p, _, err := both(ctx, h, store)
			if err != nil {
				return frame.Section{}, err
			}
			contenders = append(contenders, ours(p, names[store], n))
		}
		series, err := h.Interleave(ctx, contenders...)
		return frame.Section{
			About:   "The same worker and the same cases; `dev/visibility/lean.sql` was run on one of the two clusters.",
			Columns: costs, Base: names[frame.PostgresFull], Series: series,
		}, err
	}}
}

// Columns of what a caller waits.
const (
	p50   = "p50 ms"
	p99   = "p99 ms"
	perS  = "decisions/s"
	asked = "decisions"
)

// decisionLatency is part (d).
func decisionLatency() frame.Part {
	return frame.Part{ID: "d", Title: "How long a decision takes, from the update's call to the committed answer", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		p, r, err := both(ctx, h, frame.SQLite)
		if err != nil {
			return frame.Section{}, err
		}
		timed := func(name string, n, side int, prepare func(context.Context, int) error, start func(context.Context) (*stacktest.Worker, error),
			whole func(context.Context, *latencies) (string, error),
		) frame.Contender {
			return frame.Contender{Name: name, Round: func(ctx context.Context, _ int) (frame.Figures, error) {
				if err := prepare(ctx, n+warmUp); err != nil {
					return nil, err
				}
				worker, err := start(ctx)
				if err != nil {
					return nil, err
				}
				defer worker.Stop()
				waits := &latencies{}
				if _, err := inTurns(ctx, warmUp, sideBySide, func(ctx context.Context) (string, error) { return whole(ctx, &latencies{}) }); err != nil {
					return nil, err
				}
				began := time.Now()
				if _, err := inTurns(ctx, n, side, func(ctx context.Context) (string, error) { return whole(ctx, waits) }); err != nil {
					return nil, err
				}
				return frame.Figures{
					p50: frame.Percentile(waits.all, 50), p99: frame.Percentile(waits.all, 99),
					asked: float64(len(waits.all)), perS: float64(len(waits.all)) / time.Since(began).Seconds(),
				}, nil
			}}
		}
		const crowd = 4 * sideBySide // more do not get more done: saturation
		alone, full, over := we+", one caller", fmt.Sprintf("%s, %d callers", we, sideBySide), fmt.Sprintf("%s, %d callers", we, crowd)
		bare := bareLocal + ", one caller"
		series, err := h.Interleave(ctx,
			timed(alone, h.Size(40, 4), 1, p.partners, p.work, p.whole),
			timed(bare, h.Size(40, 4), 1, r.lots, r.start("bare"), func(ctx context.Context, l *latencies) (string, error) { return r.bareCase(ctx, "BareLocal", l) }),
			timed(full, h.Size(48, 8), sideBySide, p.partners, p.work, p.whole),
			timed(over, h.Size(64, crowd), crowd, p.partners, p.work, p.whole),
		)
		if err != nil {
			return frame.Section{}, err
		}
		return frame.Section{
			About:   "The dev server (SQLite). One caller, one case after the other; as many as keep both cores busy, where applications are on their way as well; and four times as many, which wait longer and get no more done. p99 of a round is of its decisions.",
			Columns: []frame.Column{{Name: p50, Digits: 1, Plot: true, Weak: true}, {Name: p99, Digits: 1, Weak: true}, {Name: perS, Digits: 0, Weak: true}, {Name: asked, Digits: 0}},
			Base:    bare, Series: series,
			Goals: []frame.Goal{frame.AtMost("decision, p50, one caller", series.Median(p50, alone), 25, "ms").Because(fmt.Sprintf(
				"The bare workflow's p50 is %.1f ms on the same machine in the same run, %.2f of ours. Where the rest goes: [profile.md](profile.md).", series.Median(p50, bare), series.Ratio(p50, bare, alone)))},
		}, nil
	}}
}

const recovery = "seconds"

// afterKill is part (f).
func afterKill() frame.Part {
	return frame.Part{ID: "f", Title: "From SIGKILL of the worker to the next completed step", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		p, _, err := both(ctx, h, frame.SQLite)
		if err != nil {
			return frame.Section{}, err
		}
		between, within := "killed between two steps", "killed in a step"
		killed := func(name string, inStep bool) frame.Contender {
			return frame.Contender{Name: name, Round: func(ctx context.Context, _ int) (frame.Figures, error) {
				for {
					took, met, err := killOnce(ctx, p, inStep)
					if err != nil || met {
						return frame.Figures{recovery: took.Seconds()}, err
					}
				}
			}}
		}
		series, err := h.Interleave(ctx, killed(between, false), killed(within, true))
		if err != nil {
			return frame.Section{}, err
		}
		worst := slices.Max(append(series.Of(recovery, between), series.Of(recovery, within)...))
		return frame.Section{
			About: "An open case in the worker's memory; the worker is killed and at once started again, as a supervisor does. Between two steps the decision is sent with the kill; in a step it was sent some milliseconds before, " +
				"and its workflow task is given to nobody else for its timeout of 5 s.",
			Columns: []frame.Column{{Name: recovery, Digits: 2, Plot: true}}, Series: series,
			Goals: []frame.Goal{frame.AtMost("SIGKILL to the next completed step, the longest of all rounds", worst, 10, "s").
				Because("the workflow task's timeout of 5 s, the worker's start and the step itself follow each other")},
		}, nil
	}}
}

// killOnce kills a worker that has an open case; met tells whether it was where it should be.
func killOnce(ctx context.Context, p *programme, inStep bool) (took time.Duration, met bool, err error) {
	if err := p.partners(ctx, 1); err != nil {
		return 0, false, err
	}
	worker, err := p.work(ctx)
	if err != nil {
		return 0, false, err
	}
	defer func() { // the one that runs by then
		if worker != nil {
			worker.Stop()
		}
	}()
	c, err := p.apply(ctx)
	if err != nil {
		return 0, false, err
	}
	answered := make(chan error, 1)
	decide := func() {
		_, err := p.decide(ctx, c, decisions[0])
		answered <- err
	}
	if inStep {
		go decide()
		time.Sleep(time.Duration(2+rand.IntN(12)) * time.Millisecond)
	}
	killed := time.Now()
	worker.Kill()
	if !inStep {
		go decide()
	}
	select {
	case err := <-answered: // before the kill, which met no step
		if worker, _ = p.work(ctx); worker == nil {
			err = fmt.Errorf("the worker did not start again")
		}
		return 0, false, err
	default:
	}
	if worker, err = p.work(ctx); err != nil {
		return 0, false, err
	}
	if err := <-answered; err != nil {
		return 0, false, err
	}
	return time.Since(killed), true, nil
}
