package views

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// Figures is the work as metrics show it: sums over what is open, and over what was decided lately.
type Figures struct {
	Cases    []CaseFigure
	Tasks    []TaskFigure
	Decided  []DecidedFigure
	Payments []PaymentFigure
	Outbox   WaitingFigure // messages that are due
	Webhooks WaitingFigure // deliveries that are not given up
	Dead     int64         // deliveries that are
	Check    LedgerCheck
}

// CaseFigure counts open cases.
type CaseFigure struct {
	Kind  string `db:"kind"`
	State string `db:"state"`
	Open  int64  `db:"open"`
	Late  int64  `db:"late"` // whose clock should have done something ten minutes ago: their run is gone, or no worker runs
}

// TaskFigure counts open tasks.
type TaskFigure struct {
	Kind    string  `db:"kind"`
	Matter  string  `db:"matter"`
	Open    int64   `db:"open"`
	Overdue int64   `db:"overdue"`
	Oldest  float64 `db:"oldest"` // seconds by which the oldest is overdue; 0: none is
}

// DecidedFigure is how long people took for the tasks that they decided in the last seven days.
type DecidedFigure struct {
	Kind    string  `db:"kind"`
	Matter  string  `db:"matter"`
	LastDay int64   `db:"last_day"` // decided in the last 24 hours
	Median  float64 `db:"median"`   // seconds from when a task's terms are counted to its answer
	P90     float64 `db:"p90"`      // nine of ten took at most so long
}

// PaymentFigure counts payments that the bank has not settled.
type PaymentFigure struct {
	State    string          `db:"state"`
	Currency string          `db:"currency"`
	Payments int64           `db:"payments"`
	Amount   decimal.Decimal `db:"amount"`
}

// WaitingFigure counts what waits for delivery.
type WaitingFigure struct {
	Waiting int64   `db:"waiting"`
	Oldest  float64 `db:"oldest"` // seconds since the oldest was written
}

// LedgerCheck is the last time that the ledger was recomputed as a whole.
type LedgerCheck struct {
	At       time.Time `db:"at"` // zero: never
	Findings int64     `db:"findings"`
}

// Figures reads them as of one instant. It looks at what is open and at a week's decisions only, whatever the age of the programme.
func (r Reader) Figures(ctx context.Context) (Figures, error) {
	var f Figures
	err := r.atOnce(ctx, func(tx *sqlx.Tx) (err error) {
		if f.Cases, err = rows[CaseFigure](ctx, tx, "open cases", caseFiguresSQL); err != nil {
			return err
		}
		if f.Tasks, err = rows[TaskFigure](ctx, tx, "open tasks", taskFiguresSQL); err != nil {
			return err
		}
		if f.Decided, err = rows[DecidedFigure](ctx, tx, "decided tasks", decidedFiguresSQL); err != nil {
			return err
		}
		if f.Payments, err = rows[PaymentFigure](ctx, tx, "unsettled payments", paymentFiguresSQL); err != nil {
			return err
		}
		if f.Outbox, err = row[WaitingFigure](ctx, tx, "outbox", "", outboxFigureSQL); err != nil {
			return err
		}
		if f.Webhooks, err = row[WaitingFigure](ctx, tx, "webhook deliveries", "", webhookFigureSQL); err != nil {
			return err
		}
		if err = tx.GetContext(ctx, &f.Dead, `SELECT count(*) FROM webhook_deliveries WHERE dead_at IS NOT NULL`); err != nil {
			return fmt.Errorf("read dead deliveries: %w", err)
		}
		checks, err := rows[LedgerCheck](ctx, tx, "ledger checks", `SELECT at, findings FROM ledger_checks ORDER BY check_id DESC LIMIT 1`)
		if len(checks) > 0 {
			f.Check = checks[0]
		}
		return err
	})
	return f, err
}

// A case is late by its own clock or by that of its tasks, as its run would wake.
const caseFiguresSQL = `
	WITH tardy AS (
		SELECT case_number FROM tasks
		 WHERE state = 'open' AND least(CASE WHEN reminded_at IS NULL THEN remind_at END, CASE WHEN escalated_at IS NULL THEN due_at END, default_at) < now() - interval '10 minutes'
		UNION
		SELECT case_number FROM cases WHERE closed_at IS NULL AND wake_at < now() - interval '10 minutes')
	SELECT c.kind, c.state, count(*) AS open, count(t.case_number) AS late
	  FROM cases c LEFT JOIN tardy t USING (case_number)
	 WHERE c.closed_at IS NULL
	 GROUP BY c.kind, c.state`

const taskFiguresSQL = `
	SELECT c.kind, t.matter, count(*) AS open, count(*) FILTER (WHERE t.due_at < now()) AS overdue,
	       coalesce(extract(epoch FROM now() - min(t.due_at) FILTER (WHERE t.due_at < now())), 0)::float8 AS oldest
	  FROM tasks t JOIN cases c USING (case_number)
	 WHERE t.state = 'open'
	 GROUP BY c.kind, t.matter`

// Kinds are looked up one by one: the planner would rather read all cases in the order of their numbers.
const decidedFiguresSQL = `
	SELECT kind, matter, count(*) FILTER (WHERE decided_at > now() - interval '1 day') AS last_day,
	       percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS median, percentile_cont(0.9) WITHIN GROUP (ORDER BY took) AS p90
	  FROM (SELECT (SELECT kind FROM cases c WHERE c.case_number = t.case_number) AS kind, matter, decided_at, extract(epoch FROM decided_at - coalesce(counted_from, opened_at))::float8 AS took
	          FROM tasks t WHERE state = 'decided' AND how IN ('person', 'substitute') AND decided_at > now() - interval '7 days') AS decided
	 GROUP BY kind, matter`

const paymentFiguresSQL = `
	SELECT state, currency, count(*) AS payments, sum(amount) AS amount
	  FROM payments WHERE state IN ('READY', 'EXPORTED', 'BY_HAND', 'ACCEPTED')
	 GROUP BY state, currency`

// What is kept for a digest is not late before the digest is due.
const outboxFigureSQL = `
	SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(written_at)), 0)::float8 AS oldest
	  FROM outbox WHERE sent_at IS NULL AND NOT without_address AND (next_at <= now() OR attempts > 0)`

const webhookFigureSQL = `
	SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(written_at)), 0)::float8 AS oldest
	  FROM webhook_deliveries WHERE delivered_at IS NULL AND dead_at IS NULL`

// AccountFigure is what stands on an account between two others: money that has left one place and not arrived in the next.
type AccountFigure struct {
	Account  string          `db:"account"` // its code: of P.HOLD all partners' together
	Currency string          `db:"currency"`
	Balance  decimal.Decimal `db:"balance"` // on the account's normal side
}

// Clearing reads the accounts of money in clearing: the vendor's bank and payment channels, remittances not attributed, and what is
// held for withdrawals. It sums up postings since the beginning, so it is asked seldom.
func (r Reader) Clearing(ctx context.Context) ([]AccountFigure, error) {
	return rows[AccountFigure](ctx, r.q(), "clearing accounts", `
		SELECT c.code AS account, c.currency, coalesce(c.normal * sum(p.amount), 0.00) AS balance
		  FROM chart c LEFT JOIN postings p ON p.account = c.code
		 WHERE c.code IN ('V.BANK', 'V.SUSP') OR c.code LIKE 'V.CHAN.%'
		 GROUP BY c.code, c.currency, c.normal
		UNION ALL
		SELECT c.code, c.currency, coalesce(c.normal * sum(a.balance), 0.00)
		  FROM chart c LEFT JOIN accounts a ON a.code = c.code
		 WHERE c.code = 'P.HOLD'
		 GROUP BY c.code, c.currency, c.normal`)
}
