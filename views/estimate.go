package views

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/money"

	"github.com/lib/pq"
	"github.com/shopspring/decimal"
)

// Estimate is what a partner may read of a running month: nothing of it is settled, and vouchers used later lower it (PERF-15).
type Estimate struct {
	Partner string           `json:"partner"`
	Period  incentive.Period `json:"period"`
	Orders  []OrderEstimate  `json:"orders"` // prepaid ones
	Days    []DayPerformance `json:"days"`
	Later   []string         `json:"later"` // what is there and may be read later, and when (PERF-10)
}

// OrderEstimate is what a prepaid order would give if all of it is used and nothing of it paid by voucher.
type OrderEstimate struct {
	Order   string            `json:"order"`
	Product string            `json:"product"`
	PaidAt  time.Time         `json:"paid_at"`
	Price   decimal.Decimal   `json:"price"`
	Rate    incentive.Percent `json:"rate"`
	Amount  money.Amount      `json:"estimate"`
}

// DayPerformance is the performance of one day.
type DayPerformance struct {
	Day     calendar.Date   `json:"day"`
	Counted decimal.Decimal `json:"performance"`
	Amount  money.Amount    `json:"estimate"`
}

// Estimate reads what may be read of a partner's month at an instant.
func (r Reader) Estimate(ctx context.Context, partner string, p incentive.Period, at time.Time) (Estimate, error) {
	e := Estimate{Partner: partner, Period: p, Orders: []OrderEstimate{}, Days: []DayPerformance{}, Later: []string{}}
	policies, err := r.incentivePolicies(ctx)
	if err != nil {
		return e, err
	}
	days, err := look{q: r.q(), at: at}.calendar(ctx)
	if err != nil {
		return e, err
	}
	facts, moved, err := r.factsOf(ctx, partner)
	if err != nil {
		return e, err
	}
	found, err := rows[estimateRow](ctx, r.q(), "consumption", fmt.Sprintf(estimateSQL, r.consumption()), partner, p.First, p.After(), pq.Array(moved))
	if err != nil {
		return e, err
	}
	for _, c := range found {
		if err := e.add(c, facts(c.Customer), policies, days, at); err != nil {
			return e, err
		}
	}
	return e, nil
}

// estimateRow is a sum of rows about which the same is said: those of an order or a day.
type estimateRow struct {
	Customer    string          `db:"customer_id"`
	Order       string          `db:"order_id"`
	Product     string          `db:"product"`
	Association string          `db:"association"`
	BillingMode string          `db:"billing_mode"`
	Region      string          `db:"region"`
	Marketplace bool            `db:"marketplace"`
	Charge      string          `db:"charge"`
	At          time.Time       `db:"at"` // one of its rows, the latest
	Gross       decimal.Decimal `db:"gross"`
	Cash        decimal.Decimal `db:"cash"`
}

// Only of customers that were bound anew does it matter who they are, and only prepaid orders stand by themselves.
const estimateSQL = `
	SELECT CASE WHEN customer_id = ANY ($4) THEN customer_id ELSE '' END AS customer_id, CASE charge WHEN 'purchase' THEN order_id ELSE '' END AS order_id,
	       product, association, billing_mode, region, marketplace, charge, max(used_at) AS at, sum(gross) AS gross, sum(cash + stored_value_card) AS cash
	  FROM %s
	 WHERE partner_id = $1 AND period = $2 AND used_at < $3::timestamp AT TIME ZONE interval '8 hours'
	 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, (used_at AT TIME ZONE interval '8 hours')::date, CASE charge WHEN 'purchase' THEN used_at END, CASE charge WHEN 'purchase' THEN customer_id END
	 ORDER BY at, order_id, product`

func (e *Estimate) add(c estimateRow, f incentive.Facts, policies []incentive.Policy, days *calendar.Calendar, at time.Time) error {
	income := incentive.Income{Product: c.Product, Association: c.Association, BillingMode: c.BillingMode, Region: c.Region, Marketplace: c.Marketplace}
	if c.Charge == "purchase" {
		if readable := incentive.OrderReadable(c.At); at.Before(readable) {
			e.later("Order "+c.Order, readable)
			return nil
		}
		if v := incentive.Judge(f, policies, "usage", income, c.At); v.Detail == "" {
			e.Orders = append(e.Orders, OrderEstimate{Order: c.Order, Product: c.Product, PaidAt: c.At, Price: c.Gross, Rate: v.Line.Rate, Amount: v.Line.Rate.Of(c.Gross)})
		}
		return nil
	}
	v := incentive.Judge(f, policies, c.Charge, income, c.At)
	if v.Detail != "" {
		return nil
	}
	day := calendar.DateOf(c.At)
	readable, err := incentive.DayReadable(days, day)
	if err != nil {
		return err
	}
	if at.Before(readable) {
		e.later("The performance of "+day.String(), readable)
		return nil
	}
	if n := len(e.Days); n == 0 || e.Days[n-1].Day != day {
		e.Days = append(e.Days, DayPerformance{Day: day})
	}
	d := &e.Days[len(e.Days)-1]
	d.Counted, d.Amount = d.Counted.Add(c.Cash), d.Amount.Add(v.Line.Rate.Of(c.Cash))
	return nil
}

func (e *Estimate) later(what string, readable time.Time) {
	sentence := what + " may be read from " + clock(readable) + " on (PERF-10)."
	if n := len(e.Later); n == 0 || e.Later[n-1] != sentence {
		e.Later = append(e.Later, sentence)
	}
}
