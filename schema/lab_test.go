package schema_test

import (
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// labProgramme is programme with two members of P1001, one of them unlinked since 5 March 2025, and two applications.
func labProgramme(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('lab-credit', 1, '{}', 'M1', '2024-01-01T00:00:00Z')`)
	for _, n := range []string{"L000001", "L000002"} {
		require.NoError(t, exec(db, openKindSQL, n, "lab-credit", "UNDER_REVIEW"))
	}
	db.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name) VALUES ('A-1', 'a1', 'A'), ('A-2', 'a2', 'B'), ('A-3', 'a3', 'C')`)
	db.MustExec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES
		('A-1', 'P1001', 'L000001', '1', '2024-01-01T00:00:00Z'), ('A-2', 'P1001', 'L000001', '1', '2024-01-01T00:00:00Z')`)
	db.MustExec(`UPDATE member_links SET unlinked_at = '2025-03-05T00:00:00Z', unlinked_by = 'U1' WHERE account_id = 'A-2'`)
	return db
}

const labSQL = `INSERT INTO lab_credits (case_number, partner_id, path, stage, account_id, points, purpose) VALUES ($1, 'P1001', 'SW', 'SELECTED', $2, $3, 'p')`

const issueSQL = `UPDATE lab_credits SET coupon_no = $2, issued_at = $3, expires_at = $3::timestamptz + interval '1 year' WHERE case_number = $1`

// Rule: LAB-03, LAB-05
func TestLAB03GivenAnApplication_WhenItIsStored_ThenOnlyWithASizeAndForALinkedMember(t *testing.T) {
	db := labProgramme(t)
	refusedBy(t, exec(db, labSQL, "L000001", "A-1", 30), "lab_03_size")
	refusedBy(t, exec(db, labSQL, "L000001", "A-3", 100), "lab_05_linked")
	require.NoError(t, exec(db, labSQL, "L000001", "A-1", 250))
	require.NoError(t, exec(db, labSQL, "L000002", "A-2", 100), "linked when it was opened, in 2024")
	refusedBy(t, post(t, db, "half", "L.SRC -0.50", "L:L000001 0.50"), "lab_03_whole_points")
	refusedBy(t, post(t, db, "mixed", "V.PROMO -10.00", "L:L000001 10.00"), "ledger_balanced") // points are no money
}

// Rule: LAB-08
func TestLAB08GivenAnApplicationUnderReview_WhenItIsChanged_ThenTheDatabaseRefusesUntilItIsRejected(t *testing.T) {
	db := labProgramme(t)
	require.NoError(t, exec(db, labSQL, "L000001", "A-1", 500))
	edit := `UPDATE lab_credits SET points = 100 WHERE case_number = 'L000001'`
	refusedBy(t, exec(db, edit), "lab_08_rejected_only")
	refusedBy(t, exec(db, `UPDATE lab_credits SET account_id = 'A-2' WHERE case_number = 'L000001'`), "lab_08_rejected_only")
	db.MustExec(`UPDATE cases SET state = 'REJECTED' WHERE case_number = 'L000001'`)
	require.NoError(t, exec(db, edit))
	denied(t, exec(db, `UPDATE lab_credits SET partner_id = 'P1002'`))
	denied(t, exec(db, `DELETE FROM lab_credits`))
}

// Rule: LAB-11, LAB-12
func TestLAB11GivenAnApprovedApplication_WhenItIsIssued_ThenOnceExactlyAsPostedForAMemberWhoIsLinked(t *testing.T) {
	db := labProgramme(t)
	require.NoError(t, exec(db, labSQL, "L000001", "A-1", 250))
	require.NoError(t, exec(db, labSQL, "L000002", "A-2", 100))
	require.NoError(t, post(t, db, "lab-credit/L000001/issue", "L.SRC -250.00", "L:L000001 250.00"))
	refusedBy(t, exec(db, issueSQL, "L000001", "CP-1", "2025-03-07T07:00:00Z"), "lab_11_issued") // not approved
	db.MustExec(`UPDATE cases SET state = 'APPROVED'`)
	refusedBy(t, exec(db, `UPDATE lab_credits SET points = 500 WHERE case_number = 'L000001'`), "lab_08_rejected_only")
	refusedBy(t, exec(db, issueSQL, "L000002", "CP-2", "2025-03-07T07:00:00Z"), "lab_05_linked")
	refusedBy(t, exec(db, issueSQL, "L000002", "CP-2", "2025-03-05T00:00:00Z"), "lab_05_linked")
	refusedBy(t, exec(db, issueSQL, "L000002", "CP-2", "2025-03-04T23:59:59Z"), "lab_11_amount") // linked then, but nothing is posted
	require.NoError(t, exec(db, issueSQL, "L000001", "CP-1", "2025-03-07T07:00:00Z"))
	refusedBy(t, exec(db, issueSQL, "L000001", "CP-3", "2025-03-08T07:00:00Z"), "lab_11_issued")
	require.NoError(t, post(t, db, "lab-credit/L000002/issue", "L.SRC -100.00", "L:L000002 100.00"))
	refusedBy(t, exec(db, issueSQL, "L000002", "CP-1", "2025-03-04T23:59:59Z"), "lab_11_one_coupon")
}
