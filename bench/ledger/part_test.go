package ledger

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"countersign/bench/frame"
	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestBothWaysPostEveryEntryUnderEveryLoadWithoutADeadlock(t *testing.T) {
	db := pgtest.New(t)
	owner := pgtest.Owner(t, db)
	var url, pid string
	require.NoError(t, owner.QueryRow(`SELECT current_database(), split_part(pg_read_file('postmaster.pid'), E'\n', 1)`).Scan(&url, &pid))
	base, query, _ := strings.Cut(os.Getenv("DATABASE_URL"), "?")
	postmaster, err := strconv.Atoi(pid)
	require.NoError(t, err)
	b := &bench{
		servers: &frame.Servers{Store: frame.Postgres, DatabaseURL: base[:strings.LastIndex(base, "/")+1] + url + "?" + query, Admin: owner, PostgresPID: postmaster, TemporalPID: os.Getpid()},
		db:      db, dir: filepath.Join(t.TempDir()), entries: 80,
	}
	b.pgbench, err = find(postmaster)
	require.NoError(t, err)
	for _, contender := range b.contenders() {
		figures, err := contender.Round(t.Context(), 1)
		require.NoError(t, err, contender.Name)
		require.Positive(t, figures[rate])
		require.Zero(t, figures[deadlocks], contender.Name)
	}
	var entries, unbalanced int
	require.NoError(t, db.QueryRow(`SELECT count(*), (SELECT count(*) FROM (SELECT FROM postings GROUP BY entry_id HAVING sum(amount) <> 0 OR count(*) <> 2) p) FROM entries`).Scan(&entries, &unbalanced))
	require.Equal(t, 9*80, entries)
	require.Zero(t, unbalanced)
}
