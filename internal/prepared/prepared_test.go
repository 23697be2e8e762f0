package prepared_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"countersign/internal/pgtest"
	"countersign/internal/prepared"

	"github.com/stretchr/testify/require"
)

// open gives one connection, and another one's view of the database.
func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(prepared.Driver, pgtest.URL(t))
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// kept counts the session's prepared statements.
func kept(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_prepared_statements`).Scan(&n))
	return n
}

func TestAStatementIsPreparedOnceAndKept(t *testing.T) {
	db := open(t)
	for i := range 10 {
		var n int
		require.NoError(t, db.QueryRow(`SELECT $1::int + 1`, i).Scan(&n))
		require.Equal(t, i+1, n)
		_, err := db.Exec(`SELECT $1::text`, "x")
		require.NoError(t, err)
	}
	require.Equal(t, 2, kept(t, db), "what has no parameter is not prepared")
	var text sql.NullString
	require.NoError(t, db.QueryRow(`SELECT convert_from($1::bytea, 'UTF8') || $2::timestamptz`, []byte("at "), time.Unix(0, 0)).Scan(&text))
	require.Contains(t, text.String, "at 1970-01-01")
	require.NoError(t, db.QueryRow(`SELECT $1::text`, nil).Scan(&text))
	require.False(t, text.Valid)
}

func TestAMigrationInBetweenCostsOneError(t *testing.T) {
	db := open(t)
	_, err := db.Exec(`CREATE TABLE changing (a int)`)
	require.NoError(t, err)
	read := func() error {
		rows, err := db.Query(`SELECT * FROM changing WHERE a > $1`, 0)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() { // none
		}
		return rows.Err()
	}
	require.NoError(t, read())
	_, err = db.Exec(`ALTER TABLE changing ADD COLUMN b int`)
	require.NoError(t, err)
	require.ErrorContains(t, read(), "cached plan must not change result type")
	require.NoError(t, read())
	_, err = db.Exec(`DEALLOCATE ALL`)
	require.NoError(t, err)
	require.ErrorContains(t, read(), "does not exist")
	require.NoError(t, read())
}

func TestAnErrorInATransactionLeavesTheConnectionInOrder(t *testing.T) {
	db := open(t)
	for range 3 {
		tx, err := db.Begin()
		require.NoError(t, err)
		_, err = tx.Exec(`SELECT 1 / $1::int`, 0)
		require.ErrorContains(t, err, "division by zero")
		_, err = tx.Exec(`SELECT $1::int, 'another'`, 0)
		require.ErrorContains(t, err, "aborted")
		require.NoError(t, tx.Rollback())
		require.NoError(t, db.QueryRow(`SELECT $1::int`, 1).Scan(new(int)))
	}
}

func TestTheOldestStatementsGoFirst(t *testing.T) {
	db := open(t)
	for i := range 300 {
		require.NoError(t, db.QueryRow(`SELECT $1::int`, 1).Scan(new(int)))
		require.NoError(t, db.QueryRow(fmt.Sprintf(`SELECT %d + $1::int`, i), 1).Scan(new(int)))
	}
	require.Equal(t, 256, kept(t, db))
	var n int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_prepared_statements WHERE statement IN ('SELECT $1::int', 'SELECT 299 + $1::int')`).Scan(&n))
	require.Equal(t, 2, n)
}

func TestAStatementThatIsToldToStopDoesNotStopTheNextOne(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := db.ExecContext(ctx, `SELECT pg_sleep($1)`, 60)
	require.Error(t, err)
	require.NoError(t, db.QueryRow(`SELECT $1::int`, 1).Scan(new(int)))
	require.Equal(t, 1, kept(t, db), "in a new session")
}

// A request ends, and its context with it; the connection that it used is another's by then.
func TestAConnectionOutlivesItsFormerUsers(t *testing.T) {
	db := open(t)
	for name, use := range map[string]func(context.Context) error{
		"a statement with parameters": func(ctx context.Context) error { return db.QueryRowContext(ctx, `SELECT $1::int`, 1).Scan(new(int)) },
		"one without":                 func(ctx context.Context) error { return db.QueryRowContext(ctx, `SELECT 1`).Scan(new(int)) },
		"an order without":            func(ctx context.Context) error { _, err := db.ExecContext(ctx, `SELECT 1`); return err },
		"a look whether it is there":  db.PingContext,
		"a transaction of nothing": func(ctx context.Context) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			return tx.Commit()
		},
	} {
		ctx, over := context.WithCancel(t.Context())
		require.NoError(t, db.QueryRowContext(ctx, `SELECT $1::int`, 1).Scan(new(int)))
		over()
		ctx, over = context.WithCancel(t.Context())
		require.NoError(t, use(ctx), name)
		over()
		require.Equal(t, 1, kept(t, db), name)
	}
	require.Zero(t, db.Stats().MaxIdleClosed)
}
