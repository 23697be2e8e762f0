package postgres

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/dev/internal/ports"
)

// newCluster is a cluster not yet started, in a folder that the server's account may enter (t.TempDir is not).
func newCluster(t *testing.T) *Cluster {
	t.Helper()
	bin, err := Find(t.Context())
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "countersign-postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	kept, err := ports.Keep(filepath.Join(dir, "ports.json"), ports.Want{Name: "postgres"})
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(dir, "postgres.log"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	return &Cluster{Bin: bin, Dir: filepath.Join(dir, "postgres"), Log: log, Port: kept["postgres"], Say: t.Logf}
}

func ask(t *testing.T, c *Cluster, query string) (answer string) {
	t.Helper()
	require.NoError(t, withDB(c.URL(), func(db *sql.DB) error { return db.QueryRow(query).Scan(&answer) }), query)
	return answer
}

func TestCommittedRowsSurviveKillAndRestart(t *testing.T) {
	c := newCluster(t)
	back := make(chan struct{}, 1)
	c.Back = func() { back <- struct{}{} }
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(c.Stop)
	assert.Equal(t, "C.UTF-8", ask(t, c, "SHOW lc_collate"))
	require.NoError(t, execute(t.Context(), c.URL(), "CREATE TABLE kept AS SELECT 'row' AS value"))

	require.NoError(t, syscall.Kill(c.PID(), syscall.SIGKILL))
	select {
	case <-back:
	case <-time.After(time.Minute):
		t.Fatal("Postgres did not come back")
	}
	assert.Equal(t, "row", ask(t, c, "SELECT value FROM kept"))

	c.Stop()
	again := &Cluster{Bin: c.Bin, Dir: c.Dir, Log: c.Log, Port: c.Port, Say: t.Logf}
	require.NoError(t, again.Start(t.Context()))
	t.Cleanup(again.Stop)
	assert.Equal(t, "row", ask(t, again, "SELECT value FROM kept"))
}

func TestAPidFileWithTheNumberOfAnotherProcessDoesNotStopTheStart(t *testing.T) {
	c := newCluster(t)
	c.Throwaway = true
	require.NoError(t, c.Start(t.Context()))
	c.Stop()
	// As after a power cut: this number is a living process' now, and Postgres would take it for a postmaster.
	stale := fmt.Sprintf("%d\n%s\n1700000000\n%d\n\n127.0.0.1\n", os.Getppid(), c.data(), c.Port)
	require.NoError(t, os.WriteFile(filepath.Join(c.data(), "postmaster.pid"), []byte(stale), 0o600))

	require.NoError(t, c.Start(t.Context()))
	c.Stop()
}

func TestCreateAndDropMayBeRepeated(t *testing.T) {
	c := newCluster(t)
	c.Throwaway = true
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(c.Stop)
	for range 2 {
		require.NoError(t, Create(t.Context(), c.URL(), `odd "name"`))
	}
	assert.Equal(t, "1", ask(t, c, `SELECT count(*) FROM pg_database WHERE datname = 'odd "name"'`))
	for range 2 {
		require.NoError(t, Drop(t.Context(), c.URL(), `odd "name"`))
	}
	assert.Equal(t, "0", ask(t, c, `SELECT count(*) FROM pg_database WHERE datname = 'odd "name"'`))
}

func TestVersionOf(t *testing.T) {
	assert.Equal(t, "15.18", versionOf("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"))
	assert.Equal(t, "17beta1", versionOf("postgres (PostgreSQL) 17beta1\n"))
	assert.Equal(t, 17, number("/usr/lib/postgresql/17/bin"))
}
