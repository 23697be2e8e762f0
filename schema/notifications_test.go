package schema_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Rules: PGM-01, PGM-02
func TestGivenMessagesForSomebodyWhoWantsADigest_WhenTheyAreWritten_ThenEachWaitsForTheNextNineOClock(t *testing.T) {
	db := programme(t)
	db.MustExec(`UPDATE people SET notify = 'digest' WHERE person_id = 'U1'`)
	insert := `INSERT INTO outbox (key, person_id, subject, body, secret, written_at, next_at) VALUES ($1, $2, 's', 'b', $3, $4, $4) RETURNING digest_at, next_at`
	for written, due := range map[string]string{
		"2025-11-03T00:00:00+08:00":        "2025-11-03T09:00:00+08:00",
		"2025-11-03T08:59:59.999999+08:00": "2025-11-03T09:00:00+08:00",
		"2025-11-03T09:00:00+08:00":        "2025-11-04T09:00:00+08:00",
		"2025-12-31T23:59:59+08:00":        "2026-01-01T09:00:00+08:00",
		"2025-11-03T16:00:00Z":             "2025-11-04T09:00:00+08:00", // midnight in UTC+8
	} {
		var digest, next time.Time
		require.NoError(t, db.QueryRow(insert, written, "U1", false, written).Scan(&digest, &next))
		want, err := time.Parse(time.RFC3339, due)
		require.NoError(t, err)
		require.True(t, digest.Equal(want), "%s: %s", written, digest)
		require.True(t, next.Equal(want), written)
	}
	for name, m := range map[string]struct {
		person string
		secret bool
	}{"a code": {"U1", true}, "who wants each": {"U2", false}} {
		var digest *time.Time
		var next time.Time
		written := time.Date(2025, 11, 3, 2, 0, 0, 0, time.UTC)
		require.NoError(t, db.QueryRow(insert, name, m.person, m.secret, written).Scan(&digest, &next))
		require.Nil(t, digest, name)
		require.True(t, next.Equal(written), name)
	}
}

func TestGivenADelivery_WhenTheProgrammeForgesOrChangesIt_ThenItMayNot(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", "UNDER_REVIEW")
	db.MustExec(`INSERT INTO webhooks (url, secret, created_by, created_at) VALUES ('https://receiver.example', 'whsec_AAAA', 'M1', now())`)
	event(t, db, "told", nil, "")
	require.Equal(t, 1, count(t, db, "webhook_deliveries"))
	denied(t, exec(db, `INSERT INTO webhook_deliveries (delivery_id, webhook_id, case_number, seq, type, body, written_at, next_at)
		VALUES ('msg_1', 1, 'W000001', 9, 't', '{}', now(), now())`))
	denied(t, exec(db, `UPDATE webhook_deliveries SET body = '{}'`))
	denied(t, exec(db, `DELETE FROM webhook_deliveries`))
	denied(t, exec(db, `UPDATE webhooks SET url = 'https://elsewhere.example'`))
	denied(t, exec(db, `DELETE FROM webhooks`))
	refusedBy(t, exec(db, `UPDATE webhooks SET state = 'removed'`), "webhooks_check")
	require.NoError(t, exec(db, `UPDATE webhooks SET state = 'removed', secret = ''`))
}
