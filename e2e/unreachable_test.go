package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// mute is an address where somebody listens and never says a word.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestGivenAServerThatIsNotThere_WhenACommandNeedsIt_ThenOneSentenceSaysSoWithinSecondsAndNothingHappens(t *testing.T) {
	p := newPartner(t, "PAWAY", lot{withdrawal.EbankCorporate, "1000.00"})
	c := p.underReview("k1")
	app := p.toBank("k2", "50.00")
	traces := func() [5]int {
		var n [5]int
		for i, table := range []string{"cases", "events", "entries", "refusals", "outbox"} {
			n[i] = p.s.count(t, `SELECT count(*) FROM `+table)
		}
		return n
	}
	before := traces()
	apply := p.applyArgs(app)
	decide := []string{"task", "decide", c.number + "/review", "approve", "--as", "lina"}

	t.Run("all", func(t *testing.T) {
		for name, one := range map[string]struct {
			env  string
			args []string
			says string
		}{
			"no Temporal, apply":    {"TEMPORAL_ADDRESS=" + closed(t), apply, "Temporal is not reachable at 127.0.0.1:"},
			"no Temporal, decide":   {"TEMPORAL_ADDRESS=" + closed(t), decide, "Temporal is not reachable at 127.0.0.1:"},
			"mute Temporal, decide": {"TEMPORAL_ADDRESS=" + mute(t), decide, "Temporal is not reachable at 127.0.0.1:"},
			"no Postgres, decide":   {"DATABASE_URL=postgres://a:b@" + closed(t) + "/c?sslmode=disable", decide, "The Postgres server at 127.0.0.1:"},
			"no Postgres, verify":   {"DATABASE_URL=postgres://a:b@" + closed(t) + "/c?sslmode=disable", []string{"ledger", "verify"}, "The Postgres server at 127.0.0.1:"},
			"mute Postgres, decide": {"DATABASE_URL=postgres://a:b@" + mute(t) + "/c?sslmode=disable", decide, "The Postgres server at 127.0.0.1:"},
			"no Postgres at all":    {"DATABASE_URL=", decide, "DATABASE_URL is not set"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				said := p.s.starter(t.Context(), []string{one.env}, one.args...)
				require.Equal(t, 2, said.code)
				require.Empty(t, said.out)
				require.Contains(t, said.err, one.says)
				require.Equal(t, 1, strings.Count(said.err, "\n"), "one line: %s", said.err)
				require.Less(t, said.took, 30*time.Second, "it does not hang")
			})
		}
	})
	require.Equal(t, before, traces(), "nothing half done")
	require.Equal(t, withdrawal.UnderReview, c.state())
	p.s.ask(t, 0, nil, apply...) // and everything is as before
	p.s.ask(t, 0, nil, decide...)
}
