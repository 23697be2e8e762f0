package schema_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// consumed is a programme with a row of consumption in May 2024.
func consumed(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO customer_bindings (customer_id, partner_id, association, bound_from, set_by, set_at) VALUES ('C1', 'P1001', 'resale', '2024-01-01Z', 'M1', '2024-01-01Z')`)
	db.MustExec(`SELECT consumption_month('2024-05-20')`)
	require.NoError(t, consume(db, 1, nil))
	return db
}

// consume inserts a use of 900.00 on 20 May 2024 with other values where the test says so.
func consume(db interface {
	NamedExec(query string, arg any) (sql.Result, error)
}, n int, other map[string]any,
) error {
	v := map[string]any{
		"period": "2024-05-01", "used_at": "2024-05-20T02:00:00Z", "posted_at": "2024-05-20T03:00:00Z", "mode": "pay-per-use", "charge": "usage",
		"original": "900", "rate": "1", "cash": "900", "voucher": "0", "tier2": "", "n": fmt.Sprint(n),
	}
	for k, x := range other {
		v[k] = x
	}
	_, err := db.NamedExec(`
		INSERT INTO consumption (period, used_at, posted_at, import_id, line, row_key, partner_id, customer_id, product, billing_mode, charge, association, tier2, original, rate, cash, voucher)
		VALUES (:period, :used_at, :posted_at, 1, 2, substr(sha256(convert_to(:n, 'UTF8')), 1, 16), 'P1001', 'C1', 'ecs', :mode, :charge, 'resale', :tier2, :original, :rate, :cash, :voucher)`, v)
	return err
}

// Rule: PERF-02, PERF-03, PERF-09, PERF-11
func TestGivenARowOfConsumptionThatContradictsItself_WhenItIsInserted_ThenTheDatabaseRefuses(t *testing.T) {
	db := consumed(t)
	db.MustExec(`SELECT consumption_month('2024-06-01')`)
	refusedBy(t, consume(db, 1, nil), "consumption_2024_05_"+leaf(t, db)+"_pkey")
	for constraint, other := range map[string]map[string]any{
		"perf_09_month":  {"used_at": "2024-05-31T16:00:00Z", "posted_at": "2024-06-01Z"}, // 1 June in UTC+8
		"perf_09_posted": {"posted_at": "2024-05-20T01:59:59Z"},
		"perf_03_whole":  {"rate": "7.05"},
		"perf_02_sign":   {"charge": "refund"},
		"perf_11_tier_1": {"tier2": "P1001"},
	} {
		refusedBy(t, consume(db, 2, other), constraint)
	}
	refusedBy(t, consume(db, 2, map[string]any{"cash": "1000", "voucher": "-100"}), "perf_02_sign")
	require.NoError(t, consume(db, 2, map[string]any{"mode": "monthly-settled", "period": "2024-06-01", "used_at": "2024-05-31T04:00:00Z", "posted_at": "2024-06-03T01:00:00Z"}),
		"a product settled monthly, used in May and settled on 3 June, counts in June")
	var late int
	require.NoError(t, db.Get(&late, `SELECT count(*) FROM consumption WHERE period <> date_trunc('month', used_at AT TIME ZONE interval '8 hours')`))
	require.Equal(t, 1, late)
}

// leaf is the partition by partner that holds the first row.
func leaf(t *testing.T, db *sqlx.DB) (n string) {
	t.Helper()
	require.NoError(t, db.Get(&n, `SELECT right(tableoid::regclass::text, 1) FROM consumption LIMIT 1`))
	return n
}

// Rule: PGM-12
func TestGivenConsumption_WhenItIsChangedOrDeleted_ThenNobodyMay(t *testing.T) {
	db := consumed(t)
	for _, query := range []string{
		`UPDATE consumption SET cash = 0`, `DELETE FROM consumption`, `TRUNCATE consumption`, `UPDATE consumption_imports SET rows_bad = 0`,
		`INSERT INTO consumption_2024_05 (period) VALUES ('2024-05-01')`, `CREATE TABLE consumption_2024_07 PARTITION OF consumption FOR VALUES FROM ('2024-07-01') TO ('2024-08-01')`,
	} {
		denied(t, exec(db, query))
	}
	for _, query := range []string{`UPDATE consumption SET line = 3`, `DELETE FROM consumption`, `TRUNCATE consumption`, `DELETE FROM consumption_imports`} {
		refusedBy(t, asOwner(t, db, query), "pgm_12_append_only")
	}
}

func TestGivenAMonth_WhenManyMakeItAtOnceWhileSomebodyWrites_ThenItIsThereOnceAndNobodyWaits(t *testing.T) {
	db := consumed(t)
	writer, err := db.Beginx()
	require.NoError(t, err)
	defer writer.Rollback() //nolint:errcheck // the test is over
	require.NoError(t, consume(writer, 2, nil))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := exec(db, `SELECT consumption_month('2024-07-31'), consumption_month('2024-06-30')`); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var months, leaves int
	require.NoError(t, db.Get(&months, `SELECT count(*) FROM pg_inherits WHERE inhparent = 'consumption'::regclass`))
	require.NoError(t, db.Get(&leaves, `SELECT count(*) FROM pg_class WHERE relname ~ '^consumption_2024_0[567]_[0-7]$' AND relowner = 'countersign_owner'::regrole`))
	require.Equal(t, []int{3, 24}, []int{months, leaves})
	require.Error(t, exec(db, `SELECT consumption_month('2100-01-01')`))
	require.Error(t, exec(db, `SELECT consumption_month('1999-12-31')`))
}

// Rule: PERF-01
func TestGivenACustomersBindings_WhenTheyOverlapOrWereCountedBy_ThenTheDatabaseRefuses(t *testing.T) {
	db := consumed(t)
	bind := func(partner, from string, until any) error {
		return exec(db, `INSERT INTO customer_bindings (customer_id, partner_id, association, bound_from, bound_until, set_by, set_at) VALUES ('C1', $1, 'resale', $2, $3, 'M1', '2024-01-01Z')`, partner, from, until)
	}
	refusedBy(t, bind("P1002", "2024-06-01Z", nil), "perf_01_one_partner")
	refusedBy(t, bind("P1002", "2023-06-01Z", "2024-01-01T00:00:01Z"), "perf_01_one_partner")
	refusedBy(t, bind("P1002", "2023-06-01Z", "2023-06-01Z"), "perf_01_binding_window")
	require.NoError(t, bind("P1002", "2023-06-01Z", "2024-01-01Z"))

	refusedBy(t, exec(db, `UPDATE customer_bindings SET bound_until = '2024-05-20T02:00:00Z' WHERE partner_id = 'P1001'`), "perf_01_binding_used")
	refusedBy(t, exec(db, `UPDATE customer_bindings SET rebound = true WHERE partner_id = 'P1001'`), "perf_01_binding_used")
	require.NoError(t, exec(db, `UPDATE customer_bindings SET bound_until = '2024-05-20T02:00:00.000001Z' WHERE partner_id = 'P1001'`))
	require.NoError(t, exec(db, `UPDATE customer_bindings SET bound_until = NULL WHERE partner_id = 'P1001'`))
	require.NoError(t, exec(db, `UPDATE customer_bindings SET rebound = true WHERE partner_id = 'P1002'`))
	denied(t, exec(db, `UPDATE customer_bindings SET bound_from = '2023-12-01Z' WHERE partner_id = 'P1001'`))
	denied(t, exec(pgtest.Owner(t, db), `SET ROLE countersign_programme; DELETE FROM customer_bindings`))
}
