package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"countersign/domain/withdrawal"
	"countersign/internal/stacktest"
	"countersign/schema"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// The steps are those of docs/operations.md, "Back up and restore".
func TestGivenABackup_WhenItIsRestoredInAnotherClusterBesideAnEmptyTemporal_ThenItAddsUpAndCasesGoOnThere(t *testing.T) {
	p := newPartner(t, "PBACKUP", lot{withdrawal.EbankCorporate, "1000.00"})
	done, review, paying := p.paying("k1"), p.underReview("k2"), p.paying("k3")
	done.confirm("100.00")
	p.has("700.00", "200.00")
	dump := filepath.Join(t.TempDir(), "countersign.dump")
	p.s.postgres(t, "pg_dump", "--format=custom", "--file="+dump, p.s.Now.DatabaseURL)

	there := elsewhere(t)
	for _, statement := range []string{
		"CREATE ROLE countersign_owner NOLOGIN", "CREATE ROLE countersign_programme NOLOGIN NOINHERIT", "CREATE ROLE countersign_partner NOLOGIN ROLE countersign_programme",
	} {
		there.postgres(t, "psql", "--quiet", "--command", statement, there.Now.DatabaseURL)
	}
	there.postgres(t, "pg_restore", "--exit-on-error", "--single-transaction", "--dbname", there.Now.DatabaseURL, dump)
	var migrated struct {
		Applied          []int64 `json:"applied"`
		SearchAttributes bool    `json:"search_attributes"`
	}
	there.ask(t, 0, &migrated, "migrate")
	require.Empty(t, migrated.Applied, "the dump is at the newest version")
	require.True(t, migrated.SearchAttributes)
	there.addsUp(t)

	there.startWorker(t)
	said := there.starter(t.Context(), nil, "case", "repair", "--apply")
	require.Equal(t, 2, said.code, "a Temporal that knows none of the cases is a mistake, unless one says otherwise")
	var repaired repairs
	there.ask(t, 0, &repaired, "case", "repair", "--apply", "--force")
	for _, r := range repaired.Repairs {
		require.Empty(t, r.Error, r.Case)
	}
	moved := *p
	moved.s = there
	for _, c := range []*theCase{done, review, paying} {
		c.p = &moved
	}
	require.Equal(t, withdrawal.Cancelled, review.state(), "nobody decided it: the partner applies again")
	paying.confirm("100.00")
	require.Equal(t, withdrawal.Paid, done.state())
	require.NoError(t, there.views.ForPartner(t.Context(), "PBACKUP", func(r views.Reader) error {
		_, err := r.Case(t.Context(), done.number)
		return err
	}), "its people read there as before")
	moved.has("800.00", "0.00")
	again := moved.underReview("k4")
	again.p.has("700.00", "100.00")
	there.addsUp(t)
}

// postgres runs a program of the server's own version.
func (s *stack) postgres(t *testing.T, program string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(s.Now.PostgresBin, program), args...)
	c.Env = stacktest.Environ()
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s: %s", program, out)
}

// elsewhere is a stack of its own, empty, that ends with the test.
func elsewhere(t *testing.T) *stack {
	t.Helper()
	s := &stack{}
	t.Cleanup(s.stop)
	require.NoError(t, s.Start("countersign-elsewhere-", "--memory"))
	db, err := schema.Open(s.Now.DatabaseURL)
	require.NoError(t, err)
	s.views.DB = db
	s.client, err = s.Dial("e2e")
	require.NoError(t, err)
	return s
}
