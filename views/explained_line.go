package views

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/money"

	"github.com/shopspring/decimal"
)

// ExplainedLine is one line with what it came from.
type ExplainedLine struct {
	ID          int64             `db:"data_id"        json:"line"`
	Kind        string            `db:"kind"           json:"kind"`
	Partner     string            `db:"partner_id"     json:"partner"`
	Month       calendar.Date     `db:"period"         json:"first_day"` // of its period
	UsageMonth  calendar.Date     `db:"usage_month"    json:"usage_month"`
	Calculation *int64            `db:"calculation_id" json:"calculation,omitempty"`
	Customer    string            `db:"customer_id"    json:"customer,omitempty"`
	Order       string            `db:"order_id"       json:"order,omitempty"`
	Product     string            `db:"product"        json:"product,omitempty"`
	Association string            `db:"association"    json:"association"`
	BillingMode string            `db:"billing_mode"   json:"billing_mode,omitempty"`
	Region      string            `db:"region"         json:"region,omitempty"`
	Marketplace bool              `db:"marketplace"    json:"marketplace"`
	Tier2       string            `db:"tier2"          json:"tier2,omitempty"`
	Charge      string            `db:"charge"         json:"charge,omitempty"`
	Gross       decimal.Decimal   `db:"gross"          json:"gross"`
	Counted     decimal.Decimal   `db:"counted"        json:"counted"`
	NonCash     decimal.Decimal   `db:"non_cash"       json:"non_cash"`
	NoIncentive decimal.Decimal   `db:"no_incentive"   json:"no_incentive"`
	NextPeriod  decimal.Decimal   `db:"next_period"    json:"next_period"`
	Reason      string            `db:"reason"         json:"reason,omitempty"`
	Detail      string            `db:"detail"         json:"detail,omitempty"`
	Version     int               `db:"policy_version" json:"policy_version,omitempty"`
	PolicyLine  string            `db:"policy_line"    json:"policy_line,omitempty"`
	Rate        incentive.Percent `db:"rate"           json:"rate"`
	Base        decimal.Decimal   `db:"base"           json:"base"`
	Amount      money.Amount      `db:"amount"         json:"amount"`
	Bill        *string           `db:"bill_id"        json:"bill,omitempty"`

	Rule       string           `db:"-" json:"rule"`             // that decided
	Why        string           `db:"-" json:"why"`              // in a sentence
	Policy     string           `db:"-" json:"policy,omitempty"` // in words
	Arithmetic []string         `db:"-" json:"arithmetic"`
	Earlier    []EarlierLine    `db:"-" json:"earlier"` // of the same thing, from earlier runs
	Rows       []ConsumptionRow `db:"-" json:"rows"`    // a page of them
	RowCount   int              `db:"-" json:"row_count"`
}

// EarlierLine is what an earlier run gave for the same thing.
type EarlierLine struct {
	ID          int64           `db:"data_id"        json:"line"`
	Calculation int64           `db:"calculation_id" json:"calculation"`
	At          time.Time       `db:"at"             json:"at"`
	Gross       decimal.Decimal `db:"gross"          json:"gross"`
	Counted     decimal.Decimal `db:"counted"        json:"counted"`
	Amount      money.Amount    `db:"amount"         json:"amount"`
}

// ConsumptionRow is one row behind a line.
type ConsumptionRow struct {
	Import          int64           `db:"import_id"         json:"import"`
	Line            int             `db:"line"              json:"line"`
	UsedAt          time.Time       `db:"used_at"           json:"used_at"`
	PostedAt        time.Time       `db:"posted_at"         json:"posted_at"`
	Gross           decimal.Decimal `db:"gross"             json:"gross"`
	Cash            decimal.Decimal `db:"cash"              json:"cash"`
	StoredValueCard decimal.Decimal `db:"stored_value_card" json:"stored_value_card"`
	Voucher         decimal.Decimal `db:"voucher"           json:"voucher"`
	ExcludedCoupon  decimal.Decimal `db:"excluded_coupon"   json:"excluded_coupon"`
}

// ExplainLine says which rows, which policy line, which rule and which arithmetic made a line; page counts from 1.
func (r Reader) ExplainLine(ctx context.Context, id int64, page, size int) (ExplainedLine, error) {
	l, err := row[ExplainedLine](ctx, r.q(), "incentive line", fmt.Sprint(id), lineSQL, id)
	if err != nil {
		return l, err
	}
	policies, err := r.incentivePolicies(ctx)
	if err != nil {
		return l, err
	}
	l.inWords(policies)
	if l.Kind != "performance" {
		l.Earlier, l.Rows = []EarlierLine{}, []ConsumptionRow{}
		return l, nil
	}
	if l.Earlier, err = rows[EarlierLine](ctx, r.q(), "earlier lines", earlierSQL, id); err != nil {
		return l, err
	}
	all, err := r.rowsOf(ctx, l, policies)
	if err != nil {
		return l, err
	}
	l.sumUp(all)
	l.RowCount = len(all)
	from := min(max(page-1, 0)*size, len(all))
	l.Rows = all[from:min(from+size, len(all))]
	return l, nil
}

const lineSQL = `
	SELECT data_id, kind, partner_id, period, usage_month, calculation_id, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge,
	       gross, counted, non_cash, no_incentive, next_period, reason, detail, policy_version, policy_line, rate, base, amount, bill_id
	  FROM incentive_lines WHERE data_id = $1`

const sameLine = `(e.usage_month, e.customer_id, e.order_id, e.product, e.association, e.billing_mode, e.region, e.marketplace, e.tier2, e.charge, e.reason, e.detail, e.policy_version, e.policy_line, e.rate)
	= (l.usage_month, l.customer_id, l.order_id, l.product, l.association, l.billing_mode, l.region, l.marketplace, l.tier2, l.charge, l.reason, l.detail, l.policy_version, l.policy_line, l.rate)`

const earlierSQL = `
	SELECT e.data_id, e.calculation_id, c.at, e.gross, e.counted, e.amount
	  FROM incentive_lines l JOIN incentive_lines e ON e.partner_id = l.partner_id AND e.period = l.period AND e.kind = l.kind AND e.data_id < l.data_id AND ` + sameLine + `
	  JOIN calculations c ON c.calculation_id = e.calculation_id
	 WHERE l.data_id = $1 ORDER BY e.data_id`

// inWords finds the rule and the policy.
func (l *ExplainedLine) inWords(policies []incentive.Policy) {
	switch l.Kind {
	case "threshold":
		l.Rule, l.Why = "INC-06", "A threshold plan: the ladder's step that was reached, applied to the base."
		l.Arithmetic = []string{fmt.Sprintf("%s x %s %% comes to %s, what was billed before taken off.", l.Base, l.Rate, l.Amount)}
	case "special":
		l.Rule, l.Why, l.Arithmetic = "INC-20", "A special incentive, not from performance: "+l.Detail+".", []string{}
	default:
		l.Rule, l.Why = incentive.Why(l.Reason, l.Detail)
		if l.UsageMonth.Before(l.Month) && l.Reason == "" {
			l.Rule, l.Why = "INC-03", fmt.Sprintf("Used in %s and settled in this month, where it counts.", incentive.Period{First: l.UsageMonth, Months: 1})
		}
	}
	for _, p := range policies {
		if p.Version != l.Version {
			continue
		}
		l.Policy = fmt.Sprintf("version %d, %s, plan %q, in force from %s to %s; read it at %s", p.Version, p.Name, p.PlanName, p.ValidFrom, p.ValidTo, p.Document)
		for _, line := range p.Lines {
			if line.Line == l.PolicyLine {
				l.Policy += ". Line " + line.Words()
			}
		}
	}
}

// rowsOf finds the rows that make up the line and its earlier ones: those of the same thing about which the same is said.
func (r Reader) rowsOf(ctx context.Context, l ExplainedLine, policies []incentive.Policy) ([]ConsumptionRow, error) {
	found, err := rows[ConsumptionRow](ctx, r.q(), "consumption", fmt.Sprintf(rowsSQL, r.consumption()), l.ID)
	if err != nil || l.Reason == incentive.NextPeriod {
		return found, err
	}
	facts, err := r.incentiveFacts(ctx, l.Partner, l.Customer)
	if err != nil {
		return nil, err
	}
	income := incentive.Income{Product: l.Product, Association: l.Association, BillingMode: l.BillingMode, Region: l.Region, Marketplace: l.Marketplace}
	same := []ConsumptionRow{}
	for _, c := range found {
		v := incentive.Judge(facts, policies, l.Charge, income, c.UsedAt)
		if v.Detail == l.Detail && v.Policy.Version == l.Version && v.Line.Line == l.PolicyLine {
			same = append(same, c)
		}
	}
	return same, nil
}

const rowsSQL = `
	SELECT c.import_id, c.line, c.used_at, c.posted_at, c.gross, c.cash, c.stored_value_card, c.voucher, c.excluded_coupon
	  FROM incentive_lines l
	  JOIN %s c ON c.partner_id = l.partner_id AND CASE l.reason WHEN 'NEXT_PERIOD' THEN c.period > l.period ELSE c.period = l.period END
	   AND date_trunc('month', c.used_at AT TIME ZONE interval '8 hours') = l.usage_month
	   AND (c.customer_id, c.order_id, c.product, c.association, c.billing_mode, c.region, c.marketplace, c.tier2, c.charge)
	     = (l.customer_id, l.order_id, l.product, l.association, l.billing_mode, l.region, l.marketplace, l.tier2, l.charge)
	 WHERE l.data_id = $1 ORDER BY c.used_at, c.import_id, c.line`

// sumUp writes the arithmetic from the rows to the line.
func (l *ExplainedLine) sumUp(all []ConsumptionRow) {
	var gross, counted decimal.Decimal
	for _, c := range all {
		gross, counted = gross.Add(c.Gross), counted.Add(c.Cash).Add(c.StoredValueCard)
	}
	if l.Reason != "" {
		counted = decimal.Zero
	}
	before, given := decimal.Zero, money.Zero
	for _, e := range l.Earlier {
		before, given = before.Add(e.Gross), given.Add(e.Amount)
	}
	l.Arithmetic = append(l.Arithmetic,
		fmt.Sprintf("Rows %d, together %s; of it count %s (cash and stored-value card), were not cash %s, give no incentive %s, count in a later month %s (INC-04).",
			len(all), gross, counted, l.NonCash, l.NoIncentive, l.NextPeriod))
	if l.Reason == "" {
		l.Arithmetic = append(l.Arithmetic, fmt.Sprintf("%s x %s %% = %s, rounded half up once: %s (INC-05).", counted, l.Rate, counted.Mul(l.Rate.Decimal).Shift(-2), l.Rate.Of(counted)))
	}
	if len(l.Earlier) > 0 {
		l.Arithmetic = append(l.Arithmetic, fmt.Sprintf("Earlier lines gave %s of %s; this one is the difference: %s.", given, before, l.Amount))
	}
	if !gross.Equal(before.Add(l.Gross)) {
		l.Arithmetic = append(l.Arithmetic, "Later lines bring the rest, or the next calculation will: rows came, or policies changed, after this line.")
	}
}
