package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"go.temporal.io/sdk/activity"
)

// Calculations turns consumption into incentive lines. Rows are never handled one by one: a bucket of partners is summed up in one pass over its rows,
// the few sums are laid against the policies, and each partner's lines are written in one transaction of its own.
type Calculations struct{ DB *sqlx.DB }

// OpenCalculationInput starts a run over a month.
type OpenCalculationInput struct {
	Key    string // the run's business key
	Period incentive.Period
	By     string // a person, or "clock"
	At     time.Time
}

// Calculation is a run: what its parts have in common.
type Calculation struct {
	ID            int64            `json:"id"             db:"calculation_id"`
	Period        incentive.Period `json:"period"         db:"-"`
	At            time.Time        `json:"at"             db:"at"`
	PolicyVersion int              `json:"policy_version" db:"policy_version"` // the newest that it looks at (INC-02)
}

// OpenCalculation registers a run and pins the newest policy, so that all its parts see the same ones. The same key again is the same run.
func (c *Calculations) OpenCalculation(ctx context.Context, in OpenCalculationInput) (Calculation, error) {
	opened := Calculation{Period: in.Period}
	err := inTx(ctx, c.DB, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO calculations (key, period, at, asked_by, policy_version)
			SELECT $1, $2, $3, $4, coalesce(max(version), 0) FROM policies WHERE kind = $5
			ON CONFLICT (key) DO NOTHING`, in.Key, in.Period.First, stored(in.At), in.By, incentive.Kind); err != nil {
			return fmt.Errorf("open calculation: %w", err)
		}
		return tx.GetContext(ctx, &opened, `SELECT calculation_id, at, policy_version FROM calculations WHERE key = $1`, in.Key)
	})
	return opened, Final(err)
}

// CloseCalculation records that all parts of a run are through.
func (c *Calculations) CloseCalculation(ctx context.Context, in Calculation) error {
	_, err := c.DB.ExecContext(ctx, `UPDATE calculations SET finished_at = $2 WHERE calculation_id = $1 AND finished_at IS NULL`, in.ID, stored(in.At))
	return Final(err)
}

// CalculateBucketInput is one part of a run.
type CalculateBucketInput struct {
	Calculation Calculation
	Bucket      int // 0 to 7
}

// BucketReport is what a part did, or has done so far.
type BucketReport struct {
	Bucket   int   `json:"bucket"`
	Partners int   `json:"partners"`
	Done     int   `json:"done"` // partners of these
	Lines    int64 `json:"lines"`
}

// CalculateBucket calculates the partners of a bucket: one pass over their rows, then for each partner one transaction
// that adds what its lines differ by from those of earlier runs, which is nothing when nothing changed. It may be run again at any time, and beside itself.
func (c *Calculations) CalculateBucket(ctx context.Context, in CalculateBucketInput) (BucketReport, error) {
	p := bucketPass{CalculateBucketInput: in, report: BucketReport{Bucket: in.Bucket}}
	beat := func() {}
	if activity.IsActivity(ctx) {
		beat = func() { activity.RecordHeartbeat(ctx, p.report) }
		stop := beating(ctx)
		defer stop()
	}
	err := onOneConnection(ctx, c.DB, func(conn *sqlx.Conn) error {
		sheets, err := p.sumUp(ctx, conn)
		if err != nil || len(sheets) == 0 {
			return err
		}
		p.report.Partners = len(sheets)
		write, err := conn.PreparexContext(ctx, writeSQL)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		defer write.Close()
		for i, s := range sheets {
			beat()
			if i == len(sheets)-1 { // the part is done once this is on disk (ENG-01)
				if _, err := conn.ExecContext(ctx, `SET synchronous_commit TO DEFAULT`); err != nil {
					return fmt.Errorf("wait for the disk: %w", err)
				}
			}
			if err := p.write(ctx, write, s); err != nil {
				return fmt.Errorf("partner %s: %w", s.Partner, err)
			}
			p.report.Done++
			p.report.Lines += s.Lines
		}
		return nil
	})
	beat()
	return p.report, Final(err)
}

// beating tells Temporal that a pass over many rows is alive, which takes long and says nothing, until it is stopped.
func beating(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Second):
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(done) }
}

// onOneConnection runs f on a connection of its own, where working tables live for as long as it takes. Commits need not
// reach the disk one by one: the last one of a part waits, and takes those before it with it. What a crash takes away before
// that, the part's next attempt adds again.
func onOneConnection(ctx context.Context, db *sqlx.DB, f func(*sqlx.Conn) error) (err error) {
	conn, err := db.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `DISCARD TEMP; SET work_mem = '256MB'; SET default_statistics_target = 10; SET plan_cache_mode = force_generic_plan; SET enable_mergejoin = off; SET synchronous_commit = off`); err != nil {
		return fmt.Errorf("prepare connection: %w", err)
	}
	defer func() {
		if _, reset := conn.ExecContext(context.WithoutCancel(ctx), `RESET work_mem; RESET default_statistics_target; RESET plan_cache_mode; RESET enable_mergejoin; RESET synchronous_commit; DISCARD TEMP`); err == nil {
			err = reset
		}
	}()
	return f(conn)
}

// bucketPass is one part of a run at work.
type bucketPass struct {
	CalculateBucketInput
	report BucketReport
}

// sheetPass is a partner's sheet as the pass read it.
type sheetPass struct {
	Partner string `db:"partner_id"`
	Version int64  `db:"version"` // 0: there was none
	Lines   int64  `db:"lines"`   // to be added
}

// sumUp makes the working tables out of one snapshot and names the sheets to write.
func (p *bucketPass) sumUp(ctx context.Context, conn *sqlx.Conn) ([]sheetPass, error) {
	own, later, err := p.tables(ctx, conn)
	if err != nil || own == "" && len(later) == 0 {
		return nil, err
	}
	tx, err := conn.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `SET LOCAL plan_cache_mode = force_custom_plan; `+workTablesSQL); err != nil {
		return nil, fmt.Errorf("make working tables: %w", err)
	}
	first, after := p.Calculation.Period.First, p.Calculation.Period.After()
	type step struct {
		what, query string
		args        []any
	}
	var steps []step
	if own != "" {
		steps = []step{
			{"cut windows", cutsSQL, []any{own, p.Bucket, first, after, incentive.Kind, p.Calculation.PolicyVersion}},
			{"sum up", `ANALYZE calc_cut; ` + fmt.Sprintf(sumSQL, pq.QuoteIdentifier(own)) + `; ANALYZE calc_sum (partner_id, span)`, nil},
			{"look up facts", factsSQL, []any{incentive.Kind, p.Calculation.PolicyVersion, pq.Array(incentive.Plans)}},
			{"count", `ANALYZE calc_fact`, nil},
			{"match policies", matchSQL, []any{incentive.Kind, p.Calculation.PolicyVersion}},
		}
	}
	for _, table := range later {
		steps = append(steps, step{"carry over", fmt.Sprintf(laterSQL, pq.QuoteIdentifier(table)), []any{first, after}})
	}
	steps = append(steps,
		step{"list partners", `INSERT INTO calc_partner SELECT partner_id FROM calc_sum UNION SELECT partner_id FROM calc_later; ANALYZE calc_match; ANALYZE calc_later (partner_id); ANALYZE calc_partner`, nil},
		step{"compare", differenceSQL, []any{first}},
		step{"add up", totalsSQL, []any{first}},
		step{"index", `CREATE INDEX ON calc_line (partner_id); CREATE INDEX ON calc_sheet (partner_id)`, nil})
	for _, s := range steps {
		if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return nil, fmt.Errorf("%s: %w", s.what, err)
		}
	}
	var sheets []sheetPass
	if err := tx.SelectContext(ctx, &sheets, `SELECT partner_id, version, lines FROM calc_sheet ORDER BY partner_id`); err != nil {
		return nil, fmt.Errorf("list sheets: %w", err)
	}
	return sheets, tx.Commit()
}

// tables names the bucket's part of consumption in the month and in later ones; "" where there is none.
func (p *bucketPass) tables(ctx context.Context, conn *sqlx.Conn) (own string, later []string, err error) {
	var found []struct {
		Month calendar.Date `db:"month"`
		Name  string        `db:"name"`
	}
	if err := conn.SelectContext(ctx, &found, bucketsSQL, p.Calculation.Period.First, p.Bucket); err != nil {
		return "", nil, fmt.Errorf("find consumption: %w", err)
	}
	for _, t := range found {
		if t.Month == p.Calculation.Period.First {
			own = t.Name
		} else {
			later = append(later, t.Name)
		}
	}
	return own, later, nil
}

// bucketsSQL reads the partitions' months from their names. Materialised: else a plan may read the names of all other tables first, which have no month.
const bucketsSQL = `
	WITH part AS MATERIALIZED (SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'consumption'::regclass)
	SELECT month, name
	  FROM part, LATERAL to_date(substr(relname, 13, 7), 'YYYY_MM') AS month, LATERAL consumption_bucket(month, $2) AS name
	 WHERE month >= $1 AND name IS NOT NULL ORDER BY month`

const workTablesSQL = `
	CREATE TEMP TABLE calc_cut   (partner_id text, cuts timestamptz[], since timestamptz, cut_since boolean);
	CREATE TEMP TABLE calc_sum   (partner_id text, customer_id text, order_id text, product text, association text, billing_mode text, region text, marketplace boolean,
	                              tier2 text, charge text, span int, at timestamptz, gross numeric, cash numeric);
	CREATE TEMP TABLE calc_fact  (partner_id text, span int, versions int[], level text, detail text);
	CREATE TEMP TABLE calc_match (versions int[], level text, product text, association text, billing_mode text, region text, marketplace boolean,
	                              version int, line text, rate numeric);
	CREATE TEMP TABLE calc_later (LIKE calc_sum);
	CREATE TEMP TABLE calc_partner (partner_id text);
	CREATE TEMP TABLE calc_line  (partner_id text, usage_month date, customer_id text, order_id text, product text, association text, billing_mode text, region text,
	                              marketplace boolean, tier2 text, charge text, reason text, detail text, version int, line text, rate numeric,
	                              gross numeric, counted numeric, non_cash numeric, no_incentive numeric, next_period numeric, amount numeric);
	CREATE TEMP TABLE calc_sheet (partner_id text, version bigint, lines bigint, gross numeric, counted numeric, non_cash numeric, no_incentive numeric, next_period numeric,
	                              amount numeric)`

// cutsSQL finds for each partner the instants at which something changes that decides what counts: the month itself, policies, its plans, qualification, terms
// and level, and its customers' moves. Between two of them every row is judged alike, so rows can be summed up first and judged afterwards.
const cutsSQL = `
	WITH member AS (SELECT partner_id FROM partners WHERE satisfies_hash_partition(regexp_replace($1, '_[0-9]$', '')::regclass, 8, $2, partner_id)),
	shared AS (
		SELECT generate_series($3::date - interval '11 months', $3::date, '1 month')::date AS day
		UNION SELECT (body ->> 'valid_from')::date FROM policies WHERE kind = $5 AND version <= $6
		UNION SELECT (body ->> 'valid_to')::date + 1 FROM policies WHERE kind = $5 AND version <= $6),
	own AS (
		SELECT partner_id, unnest(ARRAY[starts, ends + 1]) AS day FROM partner_terms
		UNION ALL SELECT partner_id, starts FROM partner_levels
		UNION ALL SELECT partner_id, unnest(ARRAY[valid_from, valid_until + 1]) FROM qualifications),
	at AS (
		SELECT partner_id, day::timestamp AT TIME ZONE interval '8 hours' AS at, true AS shared FROM member, shared
		UNION ALL SELECT partner_id, day::timestamp AT TIME ZONE interval '8 hours', false FROM member JOIN own USING (partner_id)
		UNION ALL SELECT partner_id, unnest(ARRAY[from_at, until_at]), false FROM member JOIN plan_identities USING (partner_id)
		UNION ALL SELECT partner_id, unnest(ARRAY[starts, ends]), false FROM member JOIN (` + reboundSQL + `) r USING (partner_id))
	INSERT INTO calc_cut
	SELECT partner_id, array_agg(DISTINCT at ORDER BY at), max(at) FILTER (WHERE shared), max(at) > max(at) FILTER (WHERE shared) FROM at WHERE at < $4::timestamp AT TIME ZONE interval '8 hours' GROUP BY partner_id`

// reboundSQL is PERF-13: since 2026 a mid- or long-tail customer gives its new partner nothing for six months.
const reboundSQL = `
	SELECT partner_id, customer_id, bound_from AS starts,
	       least(bound_until, (bound_from AT TIME ZONE interval '8 hours' + interval '6 months') AT TIME ZONE interval '8 hours') AS ends
	  FROM customer_bindings WHERE rebound AND bound_from >= '2026-01-01T00:00:00+08:00'`

// sumSQL is the one pass over the rows. What was paid in cash or from a stored-value card is one sum (PERF-03, PERF-05). After the last cut that all partners share,
// most of them have no other, and so most rows need not be asked for their window: it is the last one, -1.
const sumSQL = `
	INSERT INTO calc_sum
	SELECT partner_id, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge,
	       -1, (SELECT max(since) FROM calc_cut), sum(gross), sum(cash + stored_value_card)
	  FROM %[1]s
	 WHERE used_at >= coalesce((SELECT max(since) FROM calc_cut), 'infinity') AND partner_id NOT IN (SELECT partner_id FROM calc_cut WHERE cut_since)
	 GROUP BY partner_id, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge
	UNION ALL
	SELECT c.partner_id, c.customer_id, c.order_id, c.product, c.association, c.billing_mode, c.region, c.marketplace, c.tier2, c.charge,
	       width_bucket(c.used_at, k.cuts) AS span, min(c.used_at), sum(c.gross), sum(c.cash + c.stored_value_card)
	  FROM %[1]s c LEFT JOIN calc_cut k USING (partner_id)
	 WHERE c.used_at < coalesce((SELECT max(since) FROM calc_cut), 'infinity') OR c.partner_id IN (SELECT partner_id FROM calc_cut WHERE cut_since)
	 GROUP BY c.partner_id, c.customer_id, c.order_id, c.product, c.association, c.billing_mode, c.region, c.marketplace, c.tier2, c.charge, span`

// factsSQL judges each partner and window: the policies in force (INC-02: the newest version of each plan that covers the day) and whether the partner
// has performance at all (PERF-11, PERF-12).
const factsSQL = `
	WITH span AS MATERIALIZED (SELECT partner_id, span, min(at) AS at, (min(at) AT TIME ZONE interval '8 hours')::date AS day FROM calc_sum GROUP BY partner_id, span),
	force AS (
		SELECT day, array_agg(version ORDER BY version) AS versions FROM (
			SELECT DISTINCT ON (d.day, p.body ->> 'plan_name') d.day, p.version
			  FROM (SELECT DISTINCT day FROM span) d
			  JOIN policies p ON p.kind = $1 AND p.version <= $2 AND NOT p.body ? 'ladder'
			   AND d.day BETWEEN (p.body ->> 'valid_from')::date AND (p.body ->> 'valid_to')::date
			 ORDER BY d.day, p.body ->> 'plan_name', p.version DESC) v
		 GROUP BY day)
	INSERT INTO calc_fact
	SELECT s.partner_id, s.span, coalesce(f.versions, '{}'),
	       coalesce((SELECT level FROM partner_levels l WHERE l.partner_id = s.partner_id AND l.starts <= s.day ORDER BY l.starts DESC LIMIT 1), ''),
	       CASE WHEN p.kind = 'reseller' THEN 'TIER2'
	            WHEN NOT EXISTS (SELECT 1 FROM plan_identities i WHERE i.partner_id = s.partner_id AND i.plan = ANY ($3)
	                               AND i.from_at <= s.at AND (i.until_at IS NULL OR s.at < i.until_at)) THEN 'NOT_IN_PLAN'
	            WHEN EXISTS (SELECT 1 FROM qualifications q WHERE q.partner_id = s.partner_id AND q.valid_until < s.day)
	             AND NOT EXISTS (SELECT 1 FROM qualifications q WHERE q.partner_id = s.partner_id AND q.valid_from <= s.day
	                               AND (q.valid_until IS NULL OR s.day <= q.valid_until)) THEN 'QUALIFICATION_EXPIRED'
	            ELSE coalesce((SELECT max(effect) FROM partner_terms t WHERE t.partner_id = s.partner_id AND t.starts <= s.day
	                              AND (t.ends IS NULL OR s.day <= t.ends)), '') END
	  FROM span s LEFT JOIN partners p USING (partner_id) LEFT JOIN force f USING (day)`

// matchSQL finds for each kind of income the policy line that decides: the first that fits, of the newest version (INC-02). Marketplace goods
// need a line that lists them (PERF-07).
const matchSQL = `
	WITH rule AS MATERIALIZED (
		SELECT p.version, l.* FROM policies p
		 CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(p.body -> 'lines') AS (line text, products text[], associations text[], billing_modes text[], regions text[],
			tiers text[], marketplace boolean, rate numeric)) WITH ORDINALITY AS l(line, products, associations, billing_modes, regions, tiers, marketplace, rate, no)
		 WHERE p.kind = $1 AND p.version <= $2),
	income AS (
		SELECT DISTINCT f.versions, f.level, s.product, s.association, s.billing_mode, s.region, s.marketplace
		  FROM calc_sum s JOIN calc_fact f USING (partner_id, span) WHERE f.detail = '')
	INSERT INTO calc_match
	SELECT i.*, l.version, l.line, l.rate FROM income i
	 CROSS JOIN LATERAL (
		SELECT r.* FROM rule r
		 WHERE r.version = ANY (i.versions) AND r.marketplace = i.marketplace
		   AND (r.products = '{*}' OR i.product = ANY (r.products))
		   AND (r.associations = '{}' OR i.association = ANY (r.associations))
		   AND (r.billing_modes = '{}' OR i.billing_mode = ANY (r.billing_modes))
		   AND (r.regions = '{}' OR i.region = ANY (r.regions))
		   AND (r.tiers = '{}' OR i.level = ANY (r.tiers))
		 ORDER BY r.version DESC, r.no LIMIT 1) l`

// linesSQL judges each sum: whether its cash counts (PERF-01) or why it does not. What is no use of a resource counts nothing
// (PERF-02, PERF-05); credits and adjustments change what a use cost and count with their sign, and so do refunds (INC-12).
const linesSQL = `
	SELECT partner_id, usage_month, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge,
	       CASE WHEN detail = 'CARD_PURCHASE' THEN 'NON_CASH' WHEN detail <> '' THEN 'NO_INCENTIVE' ELSE '' END AS reason, detail, version, line, rate, gross, cash
	  FROM (
		SELECT s.*, date_trunc('month', s.at AT TIME ZONE interval '8 hours')::date AS usage_month, d.detail,
		       CASE WHEN d.detail = '' THEN m.version ELSE 0 END AS version, CASE WHEN d.detail = '' THEN m.line ELSE '' END AS line, CASE WHEN d.detail = '' THEN m.rate ELSE 0 END AS rate
		  FROM calc_sum s
		  LEFT JOIN calc_fact f USING (partner_id, span)
		  LEFT JOIN calc_match m USING (versions, level, product, association, billing_mode, region, marketplace)
		  LEFT JOIN (` + reboundSQL + `) r ON r.partner_id = s.partner_id AND r.customer_id = s.customer_id AND r.starts <= s.at AND s.at < r.ends
		 CROSS JOIN LATERAL (SELECT CASE
				WHEN s.charge = 'top-up'        THEN 'TOP_UP'
				WHEN s.charge = 'purchase'      THEN 'PREPAYMENT'
				WHEN s.charge = 'tax'           THEN 'TAX'
				WHEN s.charge = 'card-purchase' THEN 'CARD_PURCHASE'
				WHEN f.detail <> ''             THEN f.detail
				WHEN r.customer_id IS NOT NULL  THEN 'REBOUND'
				WHEN m.version IS NULL          THEN 'OUTSIDE_POLICY'
				ELSE '' END AS detail) d) t`

// laterSQL takes what was used in the month and counts in a later one (INC-03, PERF-09): here it is only explained.
const laterSQL = `
	INSERT INTO calc_later
	SELECT c.partner_id, c.customer_id, c.order_id, c.product, c.association, c.billing_mode, c.region, c.marketplace, c.tier2, c.charge, 0, min(c.used_at), sum(c.gross), 0
	  FROM %s c
	 WHERE c.period <> date_trunc('month', c.used_at AT TIME ZONE interval '8 hours')
	   AND c.used_at >= $1::timestamp AT TIME ZONE interval '8 hours' AND c.used_at < $2::timestamp AT TIME ZONE interval '8 hours'
	 GROUP BY c.partner_id, c.customer_id, c.order_id, c.product, c.association, c.billing_mode, c.region, c.marketplace, c.tier2, c.charge`

const lineKey = `usage_month, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge, reason, detail, version, line, rate`

// differenceSQL is what the lines come to now, less what earlier runs gave. Each line is split (INC-01, INC-04): what was not cash (PERF-04), and of the rest what
// counts, gives nothing or counts later. The amount is rounded for the whole line (INC-05).
const differenceSQL = `
	WITH now AS (
		SELECT partner_id, ` + lineKey + `, sum(gross) AS gross, sum(cash) AS cash
		  FROM (
			SELECT * FROM (` + linesSQL + `) l
			UNION ALL
			SELECT partner_id, $1::date, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge, 'NEXT_PERIOD', '', 0, '', 0, gross, 0 FROM calc_later) t
		 GROUP BY partner_id, ` + lineKey + `),
	given AS (
		SELECT partner_id, usage_month, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge, reason, detail, policy_version AS version,
		       policy_line AS line, rate, sum(l.gross) AS gross, sum(counted) AS counted, sum(non_cash) AS non_cash, sum(no_incentive) AS no_incentive, sum(next_period) AS next_period,
		       sum(amount) AS amount
		  FROM calc_partner JOIN incentive_lines l USING (partner_id) WHERE period = $1 AND kind = 'performance'
		 GROUP BY partner_id, usage_month, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge, reason, detail, policy_version, policy_line, rate)
	INSERT INTO calc_line (partner_id, ` + lineKey + `, gross, counted, non_cash, no_incentive, next_period, amount)
	SELECT * FROM (
		SELECT partner_id, ` + lineKey + `, coalesce(n.gross, 0) - coalesce(g.gross, 0) AS gross,
		       CASE WHEN reason = '' AND n.cash IS NOT NULL THEN n.cash ELSE 0 END - coalesce(g.counted, 0) AS counted,
		       CASE reason WHEN 'NON_CASH' THEN coalesce(n.gross, 0) WHEN 'NEXT_PERIOD' THEN 0 ELSE coalesce(n.gross - n.cash, 0) END - coalesce(g.non_cash, 0) AS non_cash,
		       CASE WHEN reason = 'NO_INCENTIVE' THEN coalesce(n.cash, 0) ELSE 0 END - coalesce(g.no_incentive, 0) AS no_incentive,
		       CASE WHEN reason = 'NEXT_PERIOD' THEN coalesce(n.gross, 0) ELSE 0 END - coalesce(g.next_period, 0) AS next_period,
		       CASE WHEN reason = '' THEN round(coalesce(n.cash, 0) * rate / 100, 2) ELSE 0 END - coalesce(g.amount, 0) AS amount
		  FROM now n FULL JOIN given g USING (partner_id, ` + lineKey + `)) d
	 WHERE counted <> 0 OR non_cash <> 0 OR no_incentive <> 0 OR next_period <> 0 OR amount <> 0
	 ORDER BY partner_id`

// totalsSQL is what each sheet changes by, which may be nothing.
const totalsSQL = `
	INSERT INTO calc_sheet
	SELECT p.partner_id, coalesce(s.version, 0), coalesce(lines, 0), coalesce(l.gross, 0), coalesce(l.counted, 0), coalesce(l.non_cash, 0), coalesce(l.no_incentive, 0),
	       coalesce(l.next_period, 0), coalesce(l.amount, 0)
	  FROM calc_partner p
	  LEFT JOIN (SELECT partner_id, count(*) AS lines, sum(gross) AS gross, sum(counted) AS counted, sum(non_cash) AS non_cash, sum(no_incentive) AS no_incentive,
	                    sum(next_period) AS next_period, sum(amount) AS amount
	               FROM calc_line GROUP BY partner_id) l USING (partner_id)
	  LEFT JOIN performance_sheets s ON s.partner_id = p.partner_id AND s.period = $1`

// write adds a partner's lines and brings its sheet up to date, in one statement, which is one transaction. Who wrote the sheet since it was read knew other rows or
// other lines: then nothing is written, and the whole bucket begins anew.
func (p *bucketPass) write(ctx context.Context, write *sqlx.Stmt, s sheetPass) error {
	state := incentive.Estimated
	if !p.Calculation.At.Before(p.Calculation.Period.End()) {
		state = incentive.FirstDraft // the month is over (PERF-14)
	}
	var written bool
	if err := write.GetContext(ctx, &written, s.Partner, p.Calculation.Period.First, state, p.Calculation.ID, p.Calculation.At, s.Version); err != nil {
		return fmt.Errorf("write sheet and lines: %w", err)
	}
	if !written {
		return errors.New("another run calculated it meanwhile")
	}
	return nil
}

const writeSQL = `
	WITH sheet AS (
		INSERT INTO performance_sheets AS s (partner_id, period, state, calculation_id, calculated_at, gross, counted, non_cash, no_incentive, next_period, amount)
		SELECT $1, $2, $3, $4, $5, gross, counted, non_cash, no_incentive, next_period, amount FROM calc_sheet WHERE partner_id = $1
		ON CONFLICT (partner_id, period) DO UPDATE
		   SET calculation_id = excluded.calculation_id, version = s.version + 1, calculated_at = excluded.calculated_at,
		       state = CASE s.state WHEN 'estimated' THEN excluded.state ELSE s.state END,
		       gross = s.gross + excluded.gross, counted = s.counted + excluded.counted, non_cash = s.non_cash + excluded.non_cash,
		       no_incentive = s.no_incentive + excluded.no_incentive, next_period = s.next_period + excluded.next_period, amount = s.amount + excluded.amount
		 WHERE s.version = $6
		RETURNING 1),
	added AS (
		INSERT INTO incentive_lines (partner_id, period, usage_month, calculation_id, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2,
			charge, gross, counted, non_cash, no_incentive, next_period, reason, detail, policy_version, policy_line, rate, amount)
		SELECT $1, $2, usage_month, $4, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2,
		       charge, gross, counted, non_cash, no_incentive, next_period, reason, detail, version, line, rate, amount
		  FROM calc_line WHERE partner_id = $1 AND EXISTS (SELECT FROM sheet))
	SELECT EXISTS (SELECT FROM sheet)`

// MayCalculate refuses who does not hold the role: a run itself is started by the clock, too.
func (c *Calculations) MayCalculate(ctx context.Context, by string) error {
	return inTx(ctx, c.DB, func(tx *sqlx.Tx) error {
		who, err := findPerson(ctx, tx, by)
		if err != nil {
			return err
		}
		return Final(mustOperate(who, by).Err())
	})
}
