// Package incentive measures the calculation of a month against the plain statement that only sums the same rows up, one after the other. It makes a
// database of its own, fills it with rows that look like a month's consumption, and drops it. The calculation runs in several sessions and the plain
// statement in one: on a machine that others use, the processor time says more than the clock. It is read from /proc, so the server must run here.
package incentive

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
)

// Main is the measurement by itself, in sizes of one's choice, on the Postgres server that DATABASE_URL names.
func Main(ctx context.Context, args []string) (err error) {
	s := size{}
	flags := flag.NewFlagSet("incentive", flag.ContinueOnError)
	flags.IntVar(&s.rows, "rows", 10_000_000, "rows of consumption")
	flags.IntVar(&s.partners, "partners", 2_000, "partners")
	flags.IntVar(&s.perLine, "per-line", 30, "rows of one order: refunds and terms within the month make two lines or three of them")
	flags.IntVar(&s.beside, "beside", 2, "parts that run side by side, as in the workflow")
	rounds := flags.Int("rounds", 3, "how often both are measured; each time after the other")
	keep := flags.Bool("keep", false, "leave the database there, for -use")
	use := flags.String("use", "", "measure this database, which an earlier run kept")
	if err := flags.Parse(args); err != nil {
		return err
	}
	m, err := open(ctx, os.Getenv("DATABASE_URL"), s, *use)
	if err != nil {
		return err
	}
	if *keep || *use != "" {
		fmt.Fprintf(os.Stderr, "the database %s stays\n", m.name)
	} else {
		defer func() { err = errors.Join(err, m.close(context.WithoutCancel(ctx))) }()
	}
	var wall, cpu []float64
	for round := range max(1, *rounds) {
		plain, err := m.plain(ctx)
		if err != nil {
			return err
		}
		ours, err := m.ours(ctx, round)
		if err != nil {
			return err
		}
		if err := m.again(ctx, round); err != nil {
			return err
		}
		ratio := cost{wall: ours.wall / plain.wall, cpu: ours.cpu / plain.cpu}
		fmt.Printf("%8.2f    %8.2f      times the plain statement\n\n", ratio.wall, ratio.cpu)
		wall, cpu = append(wall, ratio.wall), append(cpu, ratio.cpu)
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	fmt.Printf("the first run takes %.2f times the plain statement, %.2f times its processor time (medians of %d)\n", wall[(len(wall)-1)/2], cpu[(len(cpu)-1)/2], len(wall))
	return nil
}

// month is a database with a month in it.
type month struct {
	size
	name             string
	admin, owner, db *sqlx.DB
}

// open makes and fills a database on a server, or uses one that is there.
func open(ctx context.Context, server string, s size, use string) (*month, error) {
	own, err := url.Parse(server)
	if err != nil || own.Host == "" {
		return nil, fmt.Errorf("DATABASE_URL names the Postgres server, like postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	}
	m := &month{size: s, name: use}
	if m.admin, err = schema.OpenOwner(server); err != nil {
		return nil, err
	}
	if use == "" {
		m.name = fmt.Sprintf("countersign_month_%d", os.Getpid())
		if _, err := m.admin.ExecContext(ctx, `CREATE DATABASE `+m.name); err != nil {
			return nil, err
		}
	}
	own.Path = "/" + m.name
	if m.owner, err = schema.OpenOwner(own.String()); err != nil {
		return nil, err
	}
	m.owner.SetMaxIdleConns(1)
	if m.db, err = schema.Open(own.String()); err != nil {
		return nil, err
	}
	m.db.SetMaxIdleConns(s.beside) // so that a session lives until its time was read
	if use != "" {
		return m, nil
	}
	if _, err := schema.Migrate(ctx, m.owner.DB); err != nil {
		return nil, err
	}
	return m, fill(ctx, m.owner, s)
}

func (m *month) close(ctx context.Context) error {
	err := errors.Join(m.db.Close(), m.owner.Close())
	_, dropped := m.admin.ExecContext(ctx, `DROP DATABASE `+m.name+` WITH (FORCE)`)
	return errors.Join(err, dropped, m.admin.Close())
}

type size struct{ rows, partners, perLine, beside int }

var may = incentive.Period{First: calendar.Date{Year: 2024, Month: 5, Day: 1}, Months: 1}

// cost is what one thing took: seconds on the clock, and of the processors by Postgres, which others on the machine change less.
type cost struct{ wall, cpu float64 }

// timed runs one thing and says what it took.
func timed(ctx context.Context, owner *sqlx.DB, what string, f func() error) (cost, error) {
	before, err := backendCPU(ctx, owner)
	if err != nil {
		return cost{}, err
	}
	began := time.Now()
	if err := f(); err != nil {
		return cost{}, fmt.Errorf("%s: %w", what, err)
	}
	c := cost{wall: time.Since(began).Seconds()}
	after, err := backendCPU(ctx, owner)
	c.cpu = after - before
	fmt.Fprintf(os.Stderr, "%8.1f s  %8.1f s CPU  %s\n", c.wall, c.cpu, what)
	return c, err
}

// backendCPU is the processor time that the sessions of this database have used so far. The server must be on this machine, else it is 0.
func backendCPU(ctx context.Context, owner *sqlx.DB) (seconds float64, err error) {
	var pids []int
	if err := owner.SelectContext(ctx, &pids, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'`); err != nil {
		return 0, err
	}
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, fields, _ := strings.Cut(string(stat), ") ") // the third field and on
		var user, system float64
		if _, err := fmt.Sscanf(strings.Join(strings.Fields(fields)[11:13], " "), "%g %g", &user, &system); err != nil {
			return 0, err
		}
		seconds += (user + system) / 100 // ticks of Linux
	}
	return seconds, nil
}

func fill(ctx context.Context, owner *sqlx.DB, s size) error {
	policy, err := json.Marshal(policy())
	if err != nil {
		return err
	}
	_, err = timed(ctx, owner, fmt.Sprintf("filled with %d rows of %d partners", s.rows, s.partners), func() error {
		for _, q := range []struct {
			sql  string
			args []any
		}{
			{`INSERT INTO people (person_id, name) VALUES ('wang', 'Wang')`, nil},
			{`INSERT INTO partners (partner_id, name, kind, entity) SELECT 'P' || n, 'Partner ' || n, 'solution-provider', 'cloud' FROM generate_series(1, $1::int) n`, []any{s.partners}},
			{`INSERT INTO plan_identities (partner_id, plan, from_at) SELECT partner_id, 'solution-provider', '2020-01-01T00:00:00Z' FROM partners`, nil},
			{`INSERT INTO qualifications (partner_id, valid_from) SELECT partner_id, '2020-01-01' FROM partners`, nil},
			{`INSERT INTO partner_terms (key, partner_id, effect, starts, set_by, set_at) SELECT partner_id, partner_id, 'TERMS_ZERO', '2024-05-16', 'wang', now() FROM partners WHERE hashtext(partner_id) % 50 = 0`, nil},
			{`INSERT INTO partner_levels (partner_id, starts, level, set_by, set_at) SELECT partner_id, '2024-01-01', CASE hashtext(partner_id) % 3 WHEN 0 THEN 'basic' ELSE 'advanced' END, 'wang', now() FROM partners`, nil},
			{`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('incentive', 1, $1, 'wang', now())`, []any{policy}},
			{`SELECT consumption_month('2024-05-01'), consumption_month('2024-06-01')`, nil},
			{fillSQL, []any{s.rows, s.perLine, s.partners}},
			{`VACUUM ANALYZE consumption`, nil},
		} {
			if _, err := owner.ExecContext(ctx, q.sql, q.args...); err != nil {
				return fmt.Errorf("%.60s: %w", q.sql, err)
			}
		}
		return nil
	})
	return err
}

// fillSQL makes orders whose resources are billed day by day: one of ten is settled in the next month, one row of twenty is paid by voucher in part, one of fifty is a
// refund, one order of fourteen is of a product that no policy lists.
const fillSQL = `
	INSERT INTO consumption (used_at, posted_at, import_id, period, line, marketplace, row_key, partner_id, customer_id, order_id, product, billing_mode, charge,
	                         association, region, currency, original, rate, cash, stored_value_card, voucher, excluded_coupon)
	SELECT used_at, CASE WHEN o % 10 = 0 THEN timestamptz '2024-06-03T02:00:00Z' ELSE used_at END, 1,
	       CASE WHEN o % 10 = 0 THEN date '2024-06-01' ELSE date '2024-05-01' END, n, o % 25 = 0, decode(md5(n::text), 'hex'),
	       'P' || o % $3 + 1, 'C' || o % ($3 * 10), 'O' || o, 'product-' || o % 14, CASE WHEN o % 10 = 0 THEN 'monthly-settled' WHEN o % 3 = 0 THEN 'subscription' ELSE 'pay-per-use' END,
	       CASE WHEN n % 50 = 0 THEN 'refund' ELSE 'usage' END, CASE WHEN o % 4 = 0 THEN 'advisory' ELSE 'resale' END, 'region-' || o % 5, 'CNY',
	       sign * price, 1, sign * (price - paid), 0, sign * paid, 0
	  FROM (SELECT n, n / $2 AS o, timestamptz '2024-04-30T16:00:00Z' + (n % $2) * interval '24 hours' * 30 / $2 + interval '1 hour' AS used_at,
	               (n % 9973)::numeric / 100 + 0.01 AS price, CASE WHEN n % 20 = 0 THEN (n % 7)::numeric / 700 ELSE 0 END AS paid,
	               CASE WHEN n % 50 = 0 THEN -1 ELSE 1 END AS sign
	          FROM generate_series(1, $1::int) n) t`

// policy has thirteen products in two regions each, by level.
func policy() incentive.Policy {
	rate := func(s string) (p incentive.Percent) {
		if err := p.UnmarshalText([]byte(s)); err != nil {
			panic(err)
		}
		return p
	}
	p := incentive.Policy{
		Name: "Bench", PlanName: "Cloud resale", Document: "none", Cadence: incentive.Monthly, PublishedDays: 10, OutputTaxRate: rate("6"),
		ValidFrom: calendar.Date{Year: 2024, Month: 4, Day: 1}, ValidTo: calendar.Date{Year: 2024, Month: 6, Day: 30},
	}
	for i := range 13 {
		product := fmt.Sprintf("product-%d", i)
		p.Lines = append(p.Lines,
			incentive.Line{Line: product + "-advanced", Products: []string{product}, Tiers: []string{"advanced"}, Rate: rate("12.5")},
			incentive.Line{Line: product + "-near", Products: []string{product}, Regions: []string{"region-1", "region-2"}, Rate: rate("8")},
			incentive.Line{Line: product, Products: []string{product}, Rate: rate("5")},
			incentive.Line{Line: product + "-market", Products: []string{product}, Marketplace: true, Rate: rate("3")})
	}
	if err := p.Check(); err != nil {
		panic(err)
	}
	return p
}

// plain sums by the same columns into a table without index or constraint, with as much memory. It reads the month only;
// ours reads besides what counts in the next one, to explain it (INC-04).
func (m *month) plain(ctx context.Context) (cost, error) {
	return timed(ctx, m.owner, "plain INSERT ... SELECT ... GROUP BY", func() error {
		_, err := m.owner.ExecContext(ctx, `
			SET work_mem = '256MB'; DROP TABLE IF EXISTS plain;
			CREATE TABLE plain (partner_id text, customer_id text, order_id text, product text, association text, billing_mode text, region text, marketplace boolean, tier2 text,
				charge text, gross numeric, cash numeric);
			INSERT INTO plain SELECT partner_id, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge, sum(gross), sum(cash + stored_value_card)
			  FROM consumption WHERE period IN ('2024-05-01', '2024-06-01') GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10`)
		return err
	})
}

// ours is the calculation with nothing written yet; every line it writes is explained by the consumption.
func (m *month) ours(ctx context.Context, round int) (cost, error) {
	if _, err := m.owner.ExecContext(ctx, `ALTER TABLE incentive_lines DISABLE TRIGGER USER; TRUNCATE incentive_lines, performance_sheets CASCADE; ALTER TABLE incentive_lines ENABLE TRIGGER USER`); err != nil {
		return cost{}, err
	}
	c := &activities.Calculations{DB: m.db}
	took, err := timed(ctx, m.owner, "calculation, first run", func() error { return calculate(ctx, c, m.beside, fmt.Sprintf("first/%d/%d", round, os.Getpid())) })
	if err != nil {
		return cost{}, err
	}
	var explained bool
	if err := m.db.GetContext(ctx, &explained, `SELECT (SELECT sum(gross) FROM consumption WHERE used_at < '2024-05-31T16:00:00Z') = sum(gross) FROM incentive_lines`); err != nil {
		return cost{}, err
	}
	if !explained {
		return cost{}, errors.New("the lines do not add up to the consumption")
	}
	return took, nil
}

// again is a second calculation, which finds that nothing changed.
func (m *month) again(ctx context.Context, round int) error {
	var before, after int
	const lines = `SELECT count(*) FROM incentive_lines`
	if err := m.db.GetContext(ctx, &before, lines); err != nil {
		return err
	}
	c := &activities.Calculations{DB: m.db}
	if _, err := timed(ctx, m.owner, "calculation, again", func() error { return calculate(ctx, c, m.beside, fmt.Sprintf("again/%d/%d", round, os.Getpid())) }); err != nil {
		return err
	}
	if err := m.db.GetContext(ctx, &after, lines); err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("the second calculation made %d lines of %d, though nothing changed", after, before)
	}
	return nil
}

func calculate(ctx context.Context, c *activities.Calculations, beside int, key string) error {
	run, err := c.OpenCalculation(ctx, activities.OpenCalculationInput{Key: key, Period: may, By: "bench", At: may.End()})
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	slots, errs := make(chan struct{}, beside), make([]error, incentive.Buckets)
	for bucket := range incentive.Buckets {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			_, errs[bucket] = c.CalculateBucket(ctx, activities.CalculateBucketInput{Calculation: run, Bucket: bucket})
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return c.CloseCalculation(ctx, run)
}
