package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"countersign/views"

	"github.com/prometheus/client_golang/prometheus"
)

// How old figures may get before a scrape has them read again, how long one reading may take, and how long a scrape waits for
// it. A scrape that does not see the end of a reading shows the figures before it.
const (
	figuresAge, figuresLimit   = 15 * time.Second, 10 * time.Second
	clearingAge, clearingLimit = 5 * time.Minute, time.Minute
	scrapePatience             = 2 * time.Second
)

// figures exports what the database knows of the work. Every worker exports the same: dashboards take the maximum.
type figures struct {
	work  reading[views.Figures]
	money reading[[]views.AccountFigure]
}

func newFigures(r views.Reader) *figures {
	return &figures{
		work:  reading[views.Figures]{name: "work", age: figuresAge, limit: figuresLimit, read: r.Figures},
		money: reading[[]views.AccountFigure]{name: "clearing", age: clearingAge, limit: clearingLimit, read: r.Clearing},
	}
}

func figure(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("countersign_"+name, help, labels, nil)
}

var (
	casesOpen      = figure("cases_open", "Open cases.", "kind", "state")
	casesLate      = figure("cases_late", "Open cases whose clock should have done something ten minutes ago: their run is gone, or no worker runs.", "kind", "state")
	tasksOpen      = figure("tasks_open", "Tasks that wait for a person.", "kind", "matter")
	tasksOverdue   = figure("tasks_overdue", "Open tasks past their due time.", "kind", "matter")
	taskOldest     = figure("task_overdue_oldest_seconds", "By how much the oldest overdue task is overdue.", "kind", "matter")
	tasksDecided   = figure("tasks_decided_last_day", "Tasks that people decided in the last 24 hours.", "kind", "matter")
	decisionMedian = figure("decision_time_median_seconds", "Median of the time people took for tasks decided in the last 7 days.", "kind", "matter")
	decisionP90    = figure("decision_time_p90_seconds", "Within this time people decided nine of ten tasks in the last 7 days.", "kind", "matter")
	payments       = figure("payments_unsettled", "Payments that the bank has not settled.", "state", "currency")
	paymentsAmount = figure("payments_unsettled_amount", "What they come to; a float, for looking at only.", "state", "currency")
	outbox         = figure("outbox_waiting", "Messages that are due and not delivered.")
	outboxOldest   = figure("outbox_oldest_seconds", "Since when the oldest of them waits.")
	webhooks       = figure("webhook_deliveries_waiting", "Webhook deliveries that are tried again.")
	webhookOldest  = figure("webhook_deliveries_oldest_seconds", "Since when the oldest of them waits.")
	webhooksDead   = figure("webhook_deliveries_dead", "Webhook deliveries that were given up.")
	ledgerChecked  = figure("ledger_verified_timestamp_seconds", "When the ledger was last recomputed as a whole; 0: never.")
	ledgerFindings = figure("ledger_findings", "What did not add up then.")
	clearing       = figure("clearing_balance", "Balance of an account of money in clearing, on its normal side; a float, for looking at only.", "account", "currency")
	figuresUp      = figure("figures_up", "1: the last reading of these figures from the database succeeded.", "figures")
	figuresAt      = figure("figures_timestamp_seconds", "When these figures were read; 0: never.", "figures")
	figuresTook    = figure("figures_duration_seconds", "How long the last reading took.", "figures")
)

func (f *figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		casesOpen, casesLate, tasksOpen, tasksOverdue, taskOldest, tasksDecided, decisionMedian, decisionP90, payments, paymentsAmount, outbox, outboxOldest,
		webhooks, webhookOldest, webhooksDead, ledgerChecked, ledgerFindings, clearing, figuresUp, figuresAt, figuresTook,
	} {
		out <- d
	}
}

func (f *figures) Collect(out chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	if work, known := f.work.newest(tell); known {
		tellWork(tell, work)
	}
	if accounts, known := f.money.newest(tell); known {
		for _, a := range accounts {
			tell(clearing, a.Balance.InexactFloat64(), a.Account, a.Currency) //nolint:forbidigo // Prometheus has nothing else, and nothing is decided by it
		}
	}
}

func tellWork(tell func(*prometheus.Desc, float64, ...string), work views.Figures) {
	for _, c := range work.Cases {
		tell(casesOpen, float64(c.Open), c.Kind, c.State)
		tell(casesLate, float64(c.Late), c.Kind, c.State)
	}
	for _, t := range work.Tasks {
		tell(tasksOpen, float64(t.Open), t.Kind, t.Matter)
		tell(tasksOverdue, float64(t.Overdue), t.Kind, t.Matter)
		tell(taskOldest, t.Oldest, t.Kind, t.Matter)
	}
	for _, d := range work.Decided {
		tell(tasksDecided, float64(d.LastDay), d.Kind, d.Matter)
		tell(decisionMedian, d.Median, d.Kind, d.Matter)
		tell(decisionP90, d.P90, d.Kind, d.Matter)
	}
	for _, p := range work.Payments {
		tell(payments, float64(p.Payments), p.State, p.Currency)
		tell(paymentsAmount, p.Amount.InexactFloat64(), p.State, p.Currency) //nolint:forbidigo // the same
	}
	tell(outbox, float64(work.Outbox.Waiting))
	tell(outboxOldest, work.Outbox.Oldest)
	tell(webhooks, float64(work.Webhooks.Waiting))
	tell(webhookOldest, work.Webhooks.Oldest)
	tell(webhooksDead, float64(work.Dead))
	tell(ledgerChecked, seconds(work.Check.At))
	tell(ledgerFindings, float64(work.Check.Findings))
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// reading is one group of figures, read at most so often and by one scrape at a time.
type reading[T any] struct {
	name       string
	age, limit time.Duration
	read       func(context.Context) (T, error)

	mu     sync.Mutex
	done   chan struct{} // of the reading that is under way; nil: none is
	asked  time.Time     // when the last one began
	value  T
	readAt time.Time // zero: never
	up     bool
	took   time.Duration
}

// newest answers what is known, after a reading if that is due and ends soon.
func (r *reading[T]) newest(tell func(*prometheus.Desc, float64, ...string)) (T, bool) {
	r.mu.Lock()
	if r.done == nil && time.Since(r.asked) >= r.age {
		r.asked, r.done = time.Now(), make(chan struct{})
		go r.again(r.done)
	}
	done := r.done
	r.mu.Unlock()
	if done != nil {
		select {
		case <-done:
		case <-time.After(scrapePatience):
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	up := 0.0
	if r.up {
		up = 1
	}
	tell(figuresUp, up, r.name)
	tell(figuresAt, seconds(r.readAt), r.name)
	tell(figuresTook, r.took.Seconds(), r.name)
	return r.value, !r.readAt.IsZero()
}

func (r *reading[T]) again(done chan struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), r.limit)
	defer cancel()
	began := time.Now()
	value, err := r.read(ctx)
	if err != nil {
		slog.Warn("figures not read", "figures", r.name, "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done, r.took, r.up = nil, time.Since(began), err == nil
	if err == nil {
		r.value, r.readAt = value, time.Now()
	}
}
