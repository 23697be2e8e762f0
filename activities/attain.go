package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/domain"
	"countersign/domain/incentive"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// AttainInput bills a threshold plan for a quarter or a year.
type AttainInput struct {
	Plan    string
	Period  incentive.Period
	Partner string // empty: all that have performance in it
	Person  string
	At      time.Time
}

// AttainPlan computes a threshold plan from the final sheets of its period (INC-06, INC-21), each partner in a transaction of its own. What an earlier
// computation gave is taken off: a repeat bills nothing, after a correction it bills the difference.
func (c *Calculations) AttainPlan(ctx context.Context, in AttainInput) ([]BillReport, error) {
	in.At = stored(in.At)
	policy, err := c.threshold(ctx, in)
	if err != nil {
		return nil, Final(err)
	}
	partners := []string{in.Partner}
	if in.Partner == "" {
		if err := c.DB.SelectContext(ctx, &partners, `SELECT DISTINCT partner_id FROM performance_sheets WHERE period >= $1 AND period < $2 ORDER BY partner_id`,
			in.Period.First, in.Period.After()); err != nil {
			return nil, fmt.Errorf("list partners: %w", err)
		}
	}
	reports := []BillReport{}
	for _, partner := range partners {
		report, err := c.attain(ctx, in, partner, policy)
		if err != nil {
			return reports, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// threshold finds the newest version of the plan that covers the period's last day.
func (c *Calculations) threshold(ctx context.Context, in AttainInput) (p incentive.Policy, err error) {
	var found struct {
		Version int    `db:"version"`
		Body    []byte `db:"body"`
	}
	last := in.Period.After().AddDays(-1)
	err = c.DB.GetContext(ctx, &found, `
		SELECT version, body FROM policies
		 WHERE kind = $1 AND body ? 'ladder' AND body ->> 'plan_name' = $2 AND $3 BETWEEN (body ->> 'valid_from')::date AND (body ->> 'valid_to')::date
		 ORDER BY version DESC LIMIT 1`, incentive.Kind, in.Plan, last)
	if errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("threshold plan %q in force on %s: %w", in.Plan, last, domain.ErrNotFound)
	}
	if err != nil {
		return p, fmt.Errorf("read policy: %w", err)
	}
	if err := json.Unmarshal(found.Body, &p); err != nil {
		return p, fmt.Errorf("%w: policy %s version %d: %w", errDefect, incentive.Kind, found.Version, err)
	}
	p.Version = found.Version
	return p, nil
}

func (c *Calculations) attain(ctx context.Context, in AttainInput, partner string, policy incentive.Policy) (BillReport, error) {
	report := BillReport{Partner: partner, Bills: []string{}}
	err := c.command(ctx, incentiveCommand{Action: "attain " + in.Plan, Person: in.Person, Partner: partner, At: in.At}, func(tx *sqlx.Tx, who *person.Person) (refusal.List, error) {
		list := mustOperate(who, in.Person)
		if in.Period.Of(policy.Cadence) != in.Period {
			list = append(list, refusal.New("INC-21", "CBC.0100", "period "+in.Period.String(), "The plan %s is %s: name such a period, like %s.", in.Plan, policy.Cadence, in.Period.Of(policy.Cadence)))
		}
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM performance_sheets WHERE partner_id = $1 AND period >= $2 AND period < $3 ORDER BY period FOR UPDATE`,
			partner, in.Period.First, in.Period.After()); err != nil {
			return nil, fmt.Errorf("lock sheets: %w", err)
		}
		waits, err := unfinished(ctx, tx, partner, in.Period, in.At)
		if err != nil {
			return nil, err
		}
		if waits != "" && in.Partner != "" {
			list = append(list, refusal.New("PERF-14", "ENG_STATE", "partner "+partner, "%s Only final sheets feed a bill.", waits))
		}
		if len(list) > 0 || waits != "" {
			report.Waits = waits
			return list, nil
		}
		reached, err := reachedBy(ctx, tx, partner, policy, in.Period)
		if err != nil {
			return nil, err
		}
		for _, line := range attained(policy, reached) {
			id, err := writeAttained(ctx, tx, partner, policy, in, line)
			if err != nil {
				return nil, err
			}
			if id != "" {
				report.Bills = append(report.Bills, id)
			}
		}
		return nil, nil
	})
	return report, err
}

// reachedPart is what one association model comes to under a plan, and what was computed of it before.
type reachedPart struct {
	Association string          `db:"association"`
	Now         decimal.Decimal `db:"now"`
	YearBefore  decimal.Decimal `db:"year_before"`
	Base        decimal.Decimal `db:"base"`
	Given       money.Amount    `db:"given"`
}

// reachedBy sums up the cash that the plan's lines list. What is outside all other policies is listed as well: its cash stands as no incentive there.
func reachedBy(ctx context.Context, tx *sqlx.Tx, partner string, policy incentive.Policy, p incentive.Period) ([]reachedPart, error) {
	lines, err := json.Marshal(policy.Lines)
	if err != nil {
		return nil, err
	}
	var parts []reachedPart
	if err := tx.SelectContext(ctx, &parts, reachedSQL, partner, p.First, p.After(), p.YearBefore().First, p.YearBefore().After(), lines, p.After().AddDays(-1),
		policy.PlanName, incentive.Kind); err != nil {
		return nil, fmt.Errorf("sum performance: %w", err)
	}
	return parts, nil
}

const reachedSQL = `
	WITH rule AS (
		SELECT * FROM jsonb_to_recordset($6) AS r(products text[], associations text[], billing_modes text[], regions text[], tiers text[], marketplace boolean)),
	level AS (SELECT coalesce((SELECT level FROM partner_levels WHERE partner_id = $1 AND starts <= $7 ORDER BY starts DESC LIMIT 1), '') AS level),
	sums AS (
		SELECT l.association,
		       coalesce(sum(c.cash) FILTER (WHERE l.period >= $2), 0) AS now, coalesce(sum(c.cash) FILTER (WHERE l.period < $2), 0) AS year_before
		  FROM incentive_lines l, LATERAL (SELECT l.counted + CASE l.detail WHEN 'OUTSIDE_POLICY' THEN l.no_incentive ELSE 0 END AS cash) c, level
		 WHERE l.partner_id = $1 AND l.kind = 'performance' AND (l.period >= $2 AND l.period < $3 OR l.period >= $4 AND l.period < $5)
		   AND EXISTS (SELECT 1 FROM rule r
			 WHERE r.marketplace = l.marketplace AND (r.products = '{*}' OR l.product = ANY (r.products))
			   AND (r.associations = '{}' OR l.association = ANY (r.associations)) AND (r.billing_modes = '{}' OR l.billing_mode = ANY (r.billing_modes))
			   AND (r.regions = '{}' OR l.region = ANY (r.regions)) AND (r.tiers = '{}' OR level.level = ANY (r.tiers)))
		 GROUP BY l.association),
	given AS (
		SELECT l.association, sum(l.base) AS base, sum(l.amount) AS given
		  FROM incentive_lines l JOIN policies p ON p.kind = $9 AND p.version = l.policy_version AND p.body ->> 'plan_name' = $8
		 WHERE l.partner_id = $1 AND l.kind = 'threshold' AND l.period = $2 AND l.usage_month = $3::date - interval '1 month' GROUP BY l.association)
	SELECT association, coalesce(now, 0) AS now, coalesce(year_before, 0) AS year_before, coalesce(base, 0) AS base, coalesce(given, 0)::numeric(20,2) AS given
	  FROM sums FULL JOIN given USING (association) ORDER BY association`

// attainedPart is what a plan adds for one association model.
type attainedPart struct {
	Association string
	Rate        incentive.Percent
	Base        decimal.Decimal // less what was computed before
	Amount      money.Amount    // the same
}

// attained lays the sums against the ladder (INC-06): the threshold is that of all models together, each line is rounded by itself (INC-05).
func attained(policy incentive.Policy, parts []reachedPart) []attainedPart {
	var now, before decimal.Decimal
	for _, p := range parts {
		now, before = now.Add(p.Now), before.Add(p.YearBefore)
	}
	rate := policy.Ladder.Rate(policy.Ladder.Threshold.Indicate(now, before))
	var lines []attainedPart
	for _, p := range parts {
		base := policy.Ladder.Base.Indicate(p.Now, p.YearBefore)
		if rate.IsZero() {
			base = decimal.Zero
		}
		line := attainedPart{Association: p.Association, Rate: rate, Base: base.Sub(p.Base), Amount: rate.Of(base).Sub(p.Given)}
		if !line.Base.IsZero() || line.Amount.Sign() != 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// writeAttained writes one line and, unless it adds nothing, its bill.
func writeAttained(ctx context.Context, tx *sqlx.Tx, partner string, policy incentive.Policy, in AttainInput, l attainedPart) (string, error) {
	var line int64
	if err := tx.GetContext(ctx, &line, `
		INSERT INTO incentive_lines (kind, partner_id, period, usage_month, association, detail, policy_version, policy_line, rate, base, amount)
		VALUES ('threshold', $1, $2, $3, $4, $5, $6, 'ladder', $7, $8, $9) RETURNING data_id`,
		partner, in.Period.First, in.Period.After().AddMonths(-1), l.Association, policy.PlanName, policy.Version, l.Rate, l.Base, l.Amount); err != nil {
		return "", fmt.Errorf("write line: %w", err)
	}
	if l.Amount.Sign() == 0 {
		return "", nil
	}
	id, err := writeBill(ctx, tx, newBill{
		Partner: partner, Plan: policy.PlanName, Cadence: policy.Cadence, Period: in.Period, Association: l.Association, Amount: l.Amount,
		OutputTaxRate: policy.OutputTaxRate.String(), PublishedDays: policy.PublishedDays, At: in.At,
	})
	if err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE incentive_lines SET bill_id = $2 WHERE data_id = $1`, line, id); err != nil {
		return "", fmt.Errorf("bill line: %w", err)
	}
	return id, nil
}
