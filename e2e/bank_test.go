package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// killed runs a command and kills it once something has come.
func (s *stack) killed(t *testing.T, come func() bool, args ...string) {
	t.Helper()
	c := exec.Command(filepath.Join(s.Bin, "starter"), args...)
	c.Env = s.Environ()
	require.NoError(t, c.Start())
	eventually(t, "the moment to kill the command", func() (bool, error) { return come(), nil })
	require.NoError(t, c.Process.Kill())
	require.Error(t, c.Wait(), "it was killed")
}

// Rules: ENG-01, COM-20, PGM-10, WDL-16
func TestGivenBankCommandsThatAreKilled_WhenTheyAreRepeated_ThenEachPaymentIsInOneFileAndSettledOnce(t *testing.T) {
	p := newPartner(t, "PBANK", lot{withdrawal.EbankCorporate, "1000.00"})
	p.s.calendar(t)
	c := p.approved("k1")
	out := filepath.Join(t.TempDir(), "order.xml")
	p.s.killWorker() // nobody answers: the command waits for its decisions
	p.s.killed(t, func() bool {
		return p.s.count(t, `SELECT count(*) FROM payment_batches WHERE key = 'killed'`) == 1
	},
		"bank", "export", "--as", "zhao", "--out", out, "--key", "killed")
	require.NoFileExists(t, out)
	p.s.startWorker(t)
	c.exportedBy("zhao", out, "--key", "killed")
	first, err := os.ReadFile(out)
	require.NoError(t, err)
	again := filepath.Join(t.TempDir(), "again.xml")
	c.exportedBy("zhao", again, "--key", "killed")
	second, err := os.ReadFile(again)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
	require.Equal(t, withdrawal.Paying, c.state())

	statement := c.statement("100.00")
	p.s.killWorker()
	p.s.killed(t, func() bool {
		return p.s.count(t, `SELECT count(*) FROM statement_lines WHERE end_to_end_id = $1`, c.number+"-1") == 1
	},
		"bank", "import", statement, "--as", "lina")
	p.s.startWorker(t)
	for range 2 {
		p.s.ask(t, 0, nil, "bank", "import", statement, "--as", "lina")
	}
	require.Equal(t, withdrawal.Paid, c.state())
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM payments WHERE case_number = $1 AND state = 'CONFIRMED'`, c.number))
	require.Len(t, c.history(), 4, "%v", c.history())
	p.has("900.00", "0.00")
	p.s.addsUp(t)
}
