package views

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/money"

	"github.com/lib/pq"
	"github.com/shopspring/decimal"
)

// Sheet is a partner's performance of a month (PERF-14).
type Sheet struct {
	Partner      string               `db:"partner_id"    json:"partner"`
	Month        calendar.Date        `db:"period"        json:"-"`
	Period       incentive.Period     `db:"-"             json:"period"`
	State        incentive.SheetState `db:"state"         json:"state"`
	Gross        decimal.Decimal      `db:"gross"         json:"gross"`
	Counted      decimal.Decimal      `db:"counted"       json:"performance"`
	NonCash      decimal.Decimal      `db:"non_cash"      json:"non_cash"`
	NoIncentive  decimal.Decimal      `db:"no_incentive"  json:"no_incentive"`
	NextPeriod   decimal.Decimal      `db:"next_period"   json:"next_period"`
	Amount       money.Amount         `db:"amount"        json:"incentive"`
	CalculatedAt time.Time            `db:"calculated_at" json:"calculated_at"`
	ReviewedBy   *string              `db:"reviewed_by"   json:"reviewed_by,omitempty"`
	ReviewedAt   *time.Time           `db:"reviewed_at"   json:"reviewed_at,omitempty"`
	Parts        []SheetPart          `db:"-"             json:"parts"`
	Questions    []SheetQuestion      `db:"-"             json:"questions"`
}

// SheetPart is what one product and reason come to.
type SheetPart struct {
	Product     string          `db:"product"      json:"product"`
	Association string          `db:"association"  json:"association"`
	Reason      string          `db:"reason"       json:"reason,omitempty"`
	Detail      string          `db:"detail"       json:"detail,omitempty"`
	Lines       int             `db:"lines"        json:"lines"`
	Gross       decimal.Decimal `db:"gross"        json:"gross"`
	Counted     decimal.Decimal `db:"counted"      json:"performance"`
	Amount      money.Amount    `db:"amount"       json:"incentive"`
}

// SheetQuestion is what the partner asked.
type SheetQuestion struct {
	By       string     `db:"asked_by"  json:"by"`
	At       time.Time  `db:"asked_at"  json:"at"`
	Question string     `db:"question"  json:"question"`
	ClosedAt *time.Time `db:"closed_at" json:"closed_at,omitempty"`
}

// Sheet reads the sheet of a partner and month.
func (r Reader) Sheet(ctx context.Context, partner string, p incentive.Period) (Sheet, error) {
	s, err := row[Sheet](ctx, r.q(), "performance sheet", partner+" "+p.String(), `
		SELECT partner_id, period, state, gross, counted, non_cash, no_incentive, next_period, amount, calculated_at, reviewed_by, reviewed_at
		  FROM performance_sheets WHERE partner_id = $1 AND period = $2`, partner, p.First)
	if err != nil {
		return s, err
	}
	s.Period = p
	if s.Parts, err = rows[SheetPart](ctx, r.q(), "lines", `
		SELECT product, association, reason, detail, count(*) AS lines, sum(gross) AS gross, sum(counted) AS counted, sum(amount) AS amount
		  FROM incentive_lines WHERE partner_id = $1 AND period = $2 AND kind = 'performance'
		 GROUP BY product, association, reason, detail ORDER BY sum(amount) DESC, product, association, reason, detail`, partner, p.First); err != nil {
		return s, err
	}
	s.Questions, err = rows[SheetQuestion](ctx, r.q(), "questions", `
		SELECT asked_by, asked_at, question, closed_at FROM performance_questions WHERE partner_id = $1 AND period = $2 ORDER BY question_id`, partner, p.First)
	return s, err
}

// incentivePolicies reads all versions.
func (r Reader) incentivePolicies(ctx context.Context) ([]incentive.Policy, error) {
	type version struct {
		Version int    `db:"version"`
		Body    []byte `db:"body"`
	}
	found, err := rows[version](ctx, r.q(), "policies", `SELECT version, body FROM policies WHERE kind = $1 ORDER BY version`, incentive.Kind)
	if err != nil {
		return nil, err
	}
	all := make([]incentive.Policy, len(found))
	for i, v := range found {
		if err := json.Unmarshal(v.Body, &all[i]); err != nil {
			return nil, fmt.Errorf("policy %s version %d: %w", incentive.Kind, v.Version, err)
		}
		all[i].Version = v.Version
	}
	return all, nil
}

// incentiveFacts reads what decides whether a customer's income counts for a partner.
func (r Reader) incentiveFacts(ctx context.Context, partner, customer string) (incentive.Facts, error) {
	f, err := r.partnerFacts(ctx, partner)
	if err != nil {
		return f, err
	}
	f.Moves, err = rows[incentive.Span](ctx, r.q(), "bindings", `
		SELECT bound_from AS from_at, bound_until AS until_at FROM customer_bindings WHERE partner_id = $1 AND customer_id = $2 AND rebound`, partner, customer)
	return f, err
}

// partnerFacts are those that do not depend on the customer.
func (r Reader) partnerFacts(ctx context.Context, partner string) (f incentive.Facts, err error) {
	if f.Reseller, err = row[bool](ctx, r.q(), "partner", partner, `SELECT kind = 'reseller' FROM partners WHERE partner_id = $1`, partner); err != nil {
		return f, err
	}
	if f.Identities, err = rows[incentive.Span](ctx, r.q(), "plans", `SELECT from_at, until_at FROM plan_identities WHERE partner_id = $1 AND plan = ANY ($2)`, partner, pq.Array(incentive.Plans)); err != nil {
		return f, err
	}
	if f.Qualifications, err = rows[incentive.Days](ctx, r.q(), "qualifications", `SELECT valid_from AS first, valid_until AS last FROM qualifications WHERE partner_id = $1`, partner); err != nil {
		return f, err
	}
	if f.Terms, err = rows[incentive.Term](ctx, r.q(), "terms", `SELECT effect, starts AS first, ends AS last FROM partner_terms WHERE partner_id = $1`, partner); err != nil {
		return f, err
	}
	f.Levels, err = rows[incentive.Level](ctx, r.q(), "levels", `SELECT level, starts FROM partner_levels WHERE partner_id = $1 ORDER BY starts`, partner)
	return f, err
}

// factsOf reads what is known of a partner for all its customers at once, and answers it for one of them; moved are the customers
// for whom it is not the same as for the others.
func (r Reader) factsOf(ctx context.Context, partner string) (of func(customer string) incentive.Facts, moved []string, err error) {
	all, err := r.partnerFacts(ctx, partner)
	if err != nil {
		return nil, nil, err
	}
	type moveRow struct {
		Customer string `db:"customer_id"`
		incentive.Span
	}
	moves, err := rows[moveRow](ctx, r.q(), "bindings", `
		SELECT customer_id, bound_from AS from_at, bound_until AS until_at FROM customer_bindings WHERE partner_id = $1 AND rebound`, partner)
	spans := map[string][]incentive.Span{}
	for _, m := range moves {
		spans[m.Customer] = append(spans[m.Customer], m.Span)
	}
	return func(customer string) incentive.Facts {
		f := all
		f.Moves = spans[customer]
		return f
	}, slices.Sorted(maps.Keys(spans)), err
}
