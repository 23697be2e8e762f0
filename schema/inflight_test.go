package schema_test

import (
	"database/sql"
	"io/fs"
	"os"
	"testing"

	"countersign/internal/pgtest"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
)

// Cases that were open when approvals became chains keep their questions: each becomes a round of one step, and what people
// and the clock did about it stays.
func TestGivenCasesInFlight_WhenApprovalsBecomeChains_ThenTheirQuestionsStayOpen(t *testing.T) {
	db := pgtest.Empty(t)
	migrateTo(t, db.DB, 1)
	db.MustExec(`SET session_replication_role = replica`) // the money behind these cases does not matter here
	for _, statement := range []string{
		`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1001', 'A', 'solution-provider', 'cloud')`,
		`INSERT INTO people (person_id, name, partner_id) VALUES ('U1', 'Mei', 'P1001'), ('F1', 'Li Na', NULL), ('F2', 'Zhao', NULL)`,
		`INSERT INTO policies VALUES ('withdrawal', 1, '{"review_role": "vendor-finance", "payment_role": "vendor-finance", "escalation_role": "finance-manager"}', 'F1', now())`,
		`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		 SELECT n, 'withdrawal', 'P1001', 'U1', n, '', s, 1, n, n, '2025-11-03T02:00:00Z' FROM (VALUES ('W1', 'UNDER_REVIEW'), ('W2', 'PAYING'), ('W3', 'PAID')) v(n, s)`,
		`INSERT INTO withdrawals SELECT case_number, 'BANK_CARD', 500, 'CNY', 'A Ltd', '6222', 'ICBC', 'X', 'cloud', 'V.BANK', false, '2025-11-04T02:00:00Z', '', NULL FROM cases`,
		`INSERT INTO tasks (task_id, case_number, kind, question, role, opened_by, opened_at, due_at, escalated_to, state, decision_key, decision_digest, decided_by, decided_at, outcome, reason) VALUES
			('W1/review', 'W1', 'review', '?', 'vendor-finance', 'U1', '2025-11-03T02:00:00Z', '2025-11-05T16:00:00Z', 'finance-manager', 'open', NULL, NULL, NULL, NULL, '', ''),
			('W2/review', 'W2', 'review', '?', 'vendor-finance', 'U1', '2025-11-03T02:00:00Z', NULL, '', 'decided', 'd1', '\x01', 'F1', '2025-11-04T02:00:00Z', 'approve', 'fine'),
			('W2/send', 'W2', 'send', '?', 'vendor-finance', 'U1', '2025-11-04T02:00:00Z', NULL, '', 'decided', 'd2', '\x02', 'F1', '2025-11-04T03:00:00Z', 'send', ''),
			('W2/confirm', 'W2', 'confirm', '?', 'vendor-finance', 'U1', '2025-11-04T03:00:00Z', '2025-11-13T16:00:00Z', '', 'open', NULL, NULL, NULL, NULL, '', ''),
			('W3/late-return-1', 'W3', 'late-return', '?', 'vendor-finance', 'F1', '2025-11-09T02:00:00Z', NULL, '', 'decided', 'd3', '\x03', 'F2', '2025-11-10T02:00:00Z', 'refuse', 'no'),
			('W3/late-return-2', 'W3', 'late-return', '?', 'vendor-finance', 'F1', '2025-11-11T02:00:00Z', NULL, '', 'open', NULL, NULL, NULL, NULL, '', '')`,
	} {
		db.MustExec(statement)
	}
	db.MustExec(`SET session_replication_role = origin`)
	migrateTo(t, db.DB, 2)

	var rounds []string
	require.NoError(t, db.Select(&rounds, `
		SELECT concat_ws(' ', case_number, matter, round, outcome, (granted IS NOT NULL)::text, plan #>> '{steps,0,name}', plan #>> '{steps,0,seats,0,0}')
		  FROM approvals ORDER BY case_number, matter, round`))
	require.Equal(t, []string{
		"W1 review 1  false review role:vendor-finance",
		"W2 confirm 1  false confirm role:vendor-finance", "W2 review 1 approve true review role:vendor-finance", "W2 send 1 approve true send role:vendor-finance",
		"W3 late-return 1 reject false late-return-1 role:vendor-finance", "W3 late-return 2  false late-return-2 role:vendor-finance",
	}, rounds)
	var said []string
	require.NoError(t, db.Select(&said, `SELECT concat_ws(' ', case_number, seq, seat, act, word, how, person_id, nullif(target, ''), key) FROM decisions ORDER BY case_number, seq`))
	require.Equal(t, []string{
		"W1 1 review involve involve deadline role:finance-manager", "W2 1 review approve approve person F1 d1", "W2 2 send approve send person F1 d2",
		"W3 1 late-return-1 reject refuse person F2 d3",
	}, said)
	var open []string
	require.NoError(t, db.Select(&open, `SELECT who || ' ' || task_id FROM inbox ORDER BY task_id, who`))
	require.Equal(t, []string{"role:finance-manager W1/review", "role:vendor-finance W1/review", "role:vendor-finance W2/confirm", "role:vendor-finance W3/late-return-2"}, open)
	var from []string
	require.NoError(t, db.Select(&from, `SELECT to_char(counted_from AT TIME ZONE 'UTC', 'MM-DD HH24') FROM tasks ORDER BY task_id`))
	require.Equal(t, []string{"11-03 02", "11-04 02", "11-03 02", "11-04 02", "11-09 02", "11-11 02"}, from, "sending and confirming share the term from approval")
}

// migrateTo brings a database to a version of the schema.
func migrateTo(t *testing.T, db *sql.DB, version int64) {
	t.Helper()
	migrations, err := fs.Sub(os.DirFS("."), "migrations")
	require.NoError(t, err)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations)
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), version)
	require.NoError(t, err)
}
