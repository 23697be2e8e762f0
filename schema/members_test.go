package schema_test

import (
	"testing"

	"countersign/domain/member"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// Rule: ENG-03
func TestGivenTheMovesOfInvitations_WhenTheyAreCompared_ThenTheyAreTheDomains(t *testing.T) {
	rows, err := pgtest.New(t).Query(`SELECT from_state, to_state FROM moves WHERE kind = 'invitation'`)
	require.NoError(t, err)
	defer rows.Close()
	var stored []member.Move
	for rows.Next() {
		var m member.Move
		require.NoError(t, rows.Scan(&m.From, &m.To))
		stored = append(stored, m)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, member.Moves, stored)
}

const (
	invitationCase = `INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		VALUES ($1, 'invitation', $2, 'U1', $1, '', 'INVITED', 1, $1, '', '2025-03-03T02:00:00Z')`
	invitationRow = `INSERT INTO invitations (case_number, partner_id, account_id, found_by) VALUES ($1, $2, 'A1', 'mobile')`
	tokenRow      = `INSERT INTO invitation_tokens (token_hash, case_number, sending, request_key, sent_by, sent_at, expires_at)
		VALUES (sha256($3::bytea), $1, $2, 'k', 'U1', '2025-03-03T02:00:00Z', '2025-03-10T02:00:00Z')`
)

// inviting is a database with two natural persons and the invitation I1 of A1 by P1001, sent once.
func inviting(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('invitation', 1, '{}', 'M1', '2025-01-01T00:00:00Z')`)
	db.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name, mobile, real_name) VALUES ('A1', 'li.lei', 'Li Lei', '13800138000', 'personal'), ('A2', 'han', 'Han', '', 'personal')`)
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(invitationCase, "I1", "P1001")
		tx.MustExec(invitationRow, "I1", "P1001")
		tx.MustExec(tokenRow, "I1", 1, "one")
		return nil
	}))
	return db
}

// Rule: ORG-22, ORG-27, ORG-29, ORG-31, ORG-33
func TestGivenInvitations_WhenAnybodyWritesPastTheSteps_ThenTheDatabaseRefuses(t *testing.T) {
	db := inviting(t)
	refusedBy(t, exec(db, `INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('A3', 'li.lei', 'X')`), "org_29_account_name")
	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(invitationCase, "I2", "P1001")
		return exec(tx, invitationRow, "I2", "P1001")
	}), "org_33_one_live")
	refusedBy(t, exec(db, `UPDATE invitations SET live = false`), "org_33_live")
	refusedBy(t, exec(db, tokenRow, "I1", 2, "two"), "org_33_one_link")
	refusedBy(t, exec(db, `UPDATE invitation_tokens SET used_at = expires_at`), "org_27_in_time")
	refusedBy(t, exec(db, `UPDATE invitation_tokens SET used_at = sent_at, replaced_at = sent_at`), "org_33_used")
	require.NoError(t, exec(db, `UPDATE invitation_tokens SET replaced_at = '2025-03-10T01:59:59Z'`))
	refusedBy(t, exec(db, `UPDATE invitation_tokens SET replaced_at = NULL`), "org_33_closed_link")
	denied(t, exec(db, `UPDATE invitation_tokens SET expires_at = '2026-01-01'`))
	denied(t, exec(db, `DELETE FROM invitation_tokens`))
	require.NoError(t, exec(db, `INSERT INTO invitation_counters (partner_id, day, sent, most) VALUES ('P1001', '2025-03-03', 100, 100)`))
	refusedBy(t, exec(db, `UPDATE invitation_counters SET sent = 101`), "org_31_daily_limit")

	const link = `INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ('A1', $1, 'I1', $2, '2025-03-04T02:00:00Z')`
	refusedBy(t, exec(db, link, "P1001", ""), "org_35_notice")
	require.NoError(t, exec(db, link, "P1001", "2025-01"))
	refusedBy(t, exec(db, link, "P1002", "2025-01"), "org_22_one_partner")
	require.NoError(t, exec(db, `UPDATE member_links SET unlinked_at = '2025-03-05T02:00:00Z', unlinked_by = 'U1'`))
	refusedBy(t, exec(db, `UPDATE member_links SET unlinked_at = NULL, unlinked_by = NULL`), "pgm_12_closed_link")
	require.NoError(t, exec(db, link, "P1002", "2025-01"), "after the other unbound")
}
