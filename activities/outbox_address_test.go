package activities

import (
	"testing"
	"time"

	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// Rule: PGM-13
func TestPGM13GivenReadersWithoutAnAddress_WhenTheyGetOne_ThenWhatWaitedLeavesAndNothingWaitedBehindIt(t *testing.T) {
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO people (person_id, name, notify) VALUES ('li', 'Li', 'each'), ('wu', 'Wu', 'digest'), ('N1', 'a person whose ID is an account''s too', 'each')`)
	db.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('N1', 'n1', 'N1')`)
	for i, reader := range []string{"li", "wu", "N1"} {
		db.MustExec(`INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) VALUES ($1, $2, 's', 'b', '2025-03-03T10:00:00+08:00', '2025-03-03T10:00:00+08:00')`, i, reader)
	}
	db.MustExec(`INSERT INTO outbox (key, account_id, subject, body, written_at, next_at) VALUES ('n', 'N1', 's', 'b', '2025-03-03T10:00:00+08:00', '2025-03-03T10:00:00+08:00')`)
	due := func() (n int) {
		require.NoError(t, db.Get(&n, `SELECT count(*) FROM outbox WHERE sent_at IS NULL AND NOT without_address AND next_at <= '2025-03-05T10:00:00+08:00'`))
		return n
	}
	require.Zero(t, due(), "what has nowhere to go does not stand in the queue")
	var mail deliveries
	outbox := Outbox{DB: db, Mail: &mail}
	deliver := func(at string) {
		for range 3 {
			_, err := outbox.DeliverNext(t.Context(), at8(at))
			require.NoError(t, err)
		}
	}
	deliver("2025-03-03 10:00:01")
	require.Empty(t, mail)
	db.MustExec(`UPDATE people SET email = person_id || '@a.example' WHERE person_id <> 'N1'`)
	deliver("2025-03-03 10:00:01")
	require.Equal(t, deliveries{"li@a.example"}, mail, "the digest waits for its hour")
	db.MustExec(`UPDATE personal_accounts SET email = 'n1@n.example'`)
	require.Equal(t, 2, due(), "the account's, not that of the person of the same name")
	deliver("2025-03-04 09:00:00")
	require.ElementsMatch(t, deliveries{"li@a.example", "n1@n.example", "wu@a.example"}, mail)
}

// Rule: PGM-13
func TestPGM13GivenAnAddressThatIsEnteredJustNow_WhenAMessageIsWritten_ThenItIsNotLeftBehind(t *testing.T) {
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO people (person_id, name) VALUES ('li', 'Li')`)
	const message = `INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) VALUES ($1, 'li', 's', 'b', now(), now())`
	writing := db.MustBegin()
	writing.MustExec(message, "first")
	done := make(chan error, 1)
	go func() {
		_, err := db.Exec(`UPDATE people SET email = 'li@a.example'`)
		done <- err
	}()
	owner := pgtest.Owner(t, db) // who sees what sessions wait for
	require.Eventually(t, func() bool {
		var waits bool
		err := owner.Get(&waits, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
		return err == nil && waits
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, writing.Commit())
	require.NoError(t, <-done)
	require.Zero(t, count(t, db, `SELECT count(*) FROM outbox WHERE without_address`))
}
