package schema_test

import (
	"testing"

	"countersign/domain/requisition"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// Rule: ENG-03
func TestGivenTheMovesOfRequisitions_WhenTheyAreRead_ThenTheyAreThoseOfTheDomain(t *testing.T) {
	var stored []requisition.Move
	rows, err := pgtest.New(t).Query(`SELECT from_state, to_state FROM moves WHERE kind = 'requisition'`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var m requisition.Move
		require.NoError(t, rows.Scan(&m.From, &m.To))
		stored = append(stored, m)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, requisition.Moves, stored)
}

// requested is a database with P1001's business information, a bill of 1,500.00, and a requisition of it.
func requested(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('requisition', 1, '{}', 'M1', '2024-01-01T00:00:00Z')`)
	db.MustExec(`
		INSERT INTO business_information (partner_id, version, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch, account_no,
		       settlement_currency, status, submitted_by, submitted_at, request_key, request_digest, decided_by, decided_at, certified_at)
		VALUES ('P1001', 1, 'A Ltd', 'USCI', '91A', 'small-scale', 3, '91A', 'A Ltd', 'ICBC', 'Shenzhen', '6222-1', 'CNY', 'passed', 'U1', '2024-01-01T00:00:00Z', 'k1', '', 'F1',
		       '2024-01-02T00:00:00Z', '2024-01-02T00:00:00Z')`)
	db.MustExec(`
		INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
		VALUES ('B1', 'P1001', 'A', 'monthly', '2024-05', 'advisory', '2024-06-03T00:00:00Z', 1500, 6, '2024-06-15', 'RELEASED', '2024-06-15T00:00:00Z')`)
	require.NoError(t, request(t, db, "R000001", `'VOUCHER', 'selected', 1500, 1500`, ""))
	return db
}

// request opens a requisition of bill B1 with these values of method, scope, gross and settlement, and its account.
func request(t *testing.T, db *sqlx.DB, number, values, account string) error {
	return inTx(t, db, func(tx *sqlx.Tx) error {
		for _, statement := range []string{
			`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
			 VALUES ('` + number + `', 'requisition', 'P1001', 'U1', '` + number + `', '', 'PROCESSING', 1, '` + number + `', '', '2024-06-20T00:00:00Z')`,
			`INSERT INTO requisitions (case_number, method, scope, gross, settlement, service_fee_tax_rate, currency, signing_entity, partner_id, business_version, settlement_period, invoice_due_date, account_no)
			 VALUES ('` + number + `', ` + values + `, 3, 'CNY', 'cloud', 'P1001', 1, '2024-05', '2024-07-20', '` + account + `')`,
			`INSERT INTO requisition_parts (case_number, output_tax_rate, amount) VALUES ('` + number + `', 6, 1500)`,
			`INSERT INTO requisition_bills (case_number, bill_id, amount) VALUES ('` + number + `', 'B1', 1500)`,
		} {
			if err := exec(tx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rule: PAY-01, PAY-26, PAY-27, PAY-28, INV-07, AUT-08
func TestGivenARequisition_WhenWhatContradictsTheRulesIsWritten_ThenTheDatabaseRefuses(t *testing.T) {
	db := requested(t)
	refusedBy(t, request(t, db, "R000002", `'VOUCHER', 'selected', 1500, 1500`, ""), "pay_26_one_live")
	reject(t, db)
	refusedBy(t, request(t, db, "R000002", `'CHEQUE', 'selected', 1500, 1500`, ""), "pay_01_method")
	refusedBy(t, request(t, db, "R000002", `'CLOUD_ACCOUNT', 'selected', 0, 1457.55`, ""), "pay_27_positive")
	refusedBy(t, request(t, db, "R000002", `'VOUCHER', 'selected', 1400, 1400`, ""), "pay_27_net")
	refusedBy(t, request(t, db, "R000002", `'VOUCHER', 'selected', 1500, 1457`, ""), "inv_07_settlement")
	refusedBy(t, request(t, db, "R000002", `'BANK', 'selected', 1500, 1457.55`, ""), "aut_08_account")
	require.NoError(t, request(t, db, "R000002", `'BANK', 'selected', 1500, 1457.55`, "6222-1"))
	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(`UPDATE cases SET state = 'PAYING' WHERE case_number = 'R000002'`)
		return exec(tx, `UPDATE cases SET state = 'COMPLETED' WHERE case_number = 'R000002'`)
	}), "pay_28_completed")
	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(`INSERT INTO accounts (account) VALUES ('V.INCENT:P1001'), ('V.PROMO') ON CONFLICT DO NOTHING`)
		return exec(tx, `WITH e AS (INSERT INTO entries (key, digest, case_number, memo, at) VALUES ('requisition/R000002/complete', '', 'R000002', 'm', '2024-06-20T00:00:00Z') RETURNING entry_id)
			INSERT INTO postings SELECT entry_id, a, n FROM e, (VALUES ('V.INCENT:P1001', -1500), ('V.PROMO', 1500)) v (a, n)`)
	}), "pay_28_completed")
	denied(t, exec(db, `UPDATE requisitions SET gross = 1`))
	denied(t, exec(db, `DELETE FROM requisition_bills`))
}

// reject ends requisition R000001 without payment; its bill is free again.
func reject(t *testing.T, db *sqlx.DB) {
	t.Helper()
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(`UPDATE requisition_bills SET live = false`)
		tx.MustExec(`UPDATE cases SET state = 'PAYING' WHERE case_number = 'R000001'`)
		return exec(tx, `UPDATE cases SET state = 'REJECTED', closed_at = '2024-06-21T00:00:00Z' WHERE case_number = 'R000001'`)
	}))
}

// Rule: PAY-01, PAY-26, ENG-07, INC-14, INC-22. Whatever writes, what a requisition has cannot be paid a second time.
func TestGivenARequisition_WhenItsBillIsFreedVoidedOrMovedByHand_ThenTheDatabaseRefuses(t *testing.T) {
	db := requested(t)
	refusedBy(t, exec(db, `UPDATE requisition_bills SET live = false`), "pay_26_free")
	refusedBy(t, exec(db, `UPDATE bills SET state = 'VOID', voided_at = '2024-06-20T00:00:00Z'`), "eng_07_requested")
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, verified_name, entity) VALUES ('P1009', 'A 2', 'solution-provider', 'A Ltd', 'cloud')`)
	db.MustExec(`INSERT INTO bill_transfers (key, bill_id, from_partner, to_partner, amount, reason, moved_by, moved_at) VALUES ('k', 'B1', 'P1001', 'P1009', 1500, 'r', 'M1', '2024-06-20T00:00:00Z')`)
	refusedBy(t, exec(db, `UPDATE bills SET partner_id = 'P1009'`), "eng_07_requested")

	reject(t, db)
	refusedBy(t, exec(db, `UPDATE requisition_bills SET live = true`), "pay_26_free")
	require.NoError(t, exec(db, `UPDATE bills SET partner_id = 'P1009'`))
	refusedBy(t, request(t, db, "R000002", `'VOUCHER', 'selected', 1500, 1500`, ""), "pay_01_released") // another partner's
	db.MustExec(`INSERT INTO bill_transfers (key, bill_id, from_partner, to_partner, amount, reason, moved_by, moved_at) VALUES ('l', 'B1', 'P1009', 'P1001', 1500, 'r', 'M1', '2024-06-20T00:00:00Z')`)
	require.NoError(t, exec(db, `UPDATE bills SET partner_id = 'P1001'`))
	require.NoError(t, exec(db, `UPDATE bills SET state = 'VOID', voided_at = '2024-06-20T00:00:00Z'`))
	refusedBy(t, request(t, db, "R000002", `'VOUCHER', 'selected', 1500, 1500`, ""), "pay_01_released")
}

// Rule: PAY-14, PAY-15, PAY-22, PAY-23
func TestGivenARequisition_WhenSpecialCasesQuotasAndSwitchesAreWritten_ThenOnlyLawfulOnesStay(t *testing.T) {
	db := requested(t)
	ask := func(key, reason string) error {
		return exec(db, `INSERT INTO method_requests (case_number, key, wanted_method, reason, asked_by, asked_at) VALUES ('R000001', $1, '', $2, 'U1', '2024-06-20T00:00:00Z')`, key, reason)
	}
	refusedBy(t, ask("a", " "), "pay_14_reason")
	require.NoError(t, ask("a", "r"))
	refusedBy(t, ask("b", "r"), "pay_15_one_asked")
	grant := func(id string) error {
		return exec(db, `INSERT INTO quotas (quota_id, partner_id, case_number, amount, granted_at) VALUES ($1, 'P1001', 'R000001', 1500, '2024-06-20T00:00:00Z')`, id)
	}
	require.NoError(t, grant("QV1"))
	refusedBy(t, grant("QV2"), "pay_22_one_grant")
	on := func(group, method, since string) error {
		return exec(db, `INSERT INTO automatic_release (partner_id, row_group, method, since, set_by) VALUES ('P1001', $1, $2, $3, 'U1')`, group, method, since)
	}
	refusedBy(t, on("new-resale", "BANK", "2024-06-01T00:00:00Z"), "pay_23_method")
	require.NoError(t, on("others", "BANK", "2024-06-01T00:00:00Z"))
	refusedBy(t, on("others", "VOUCHER", "2024-06-02T00:00:00Z"), "pay_23_one_method")
}

// Rule: AUT-03, AUT-05, AUT-07, ENG-02
func TestGivenBusinessInformation_WhenWhatContradictsTheRulesIsWritten_ThenTheDatabaseRefuses(t *testing.T) {
	db := requested(t)
	submit := func(version int, tax, key string) error {
		return exec(db, `
			INSERT INTO business_information (partner_id, version, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch, account_no,
			       settlement_currency, status, submitted_by, submitted_at, request_key, request_digest)
			VALUES ('P1001', $1, 'A Ltd', 'USCI', '91A', 'small-scale', 3, $2, 'A Ltd', 'ICBC', 'Shenzhen', '6222-1', 'CNY', 'in-review', 'F1', '2024-06-10T00:00:00Z', $3, '')`, version, tax, key)
	}
	refusedBy(t, submit(2, "", "k2"), "aut_03_fields")
	require.NoError(t, submit(2, "91A", "k2"))
	refusedBy(t, submit(3, "91A", "k3"), "aut_05_one_in_review")
	decide := func(status, reason, by string) error {
		return exec(db, `UPDATE business_information SET status = $1, failure_reason = $2, decided_by = $3, decided_at = '2024-06-13T00:00:00Z',
			certified_at = CASE WHEN $1 = 'passed' THEN timestamptz '2024-06-13T00:00:00Z' END WHERE partner_id = 'P1001' AND version = 2`, status, reason, by)
	}
	refusedBy(t, decide("failed", "", "F2"), "aut_07_reason")
	refusedBy(t, decide("passed", "", "F1"), "eng_02_business")
	require.NoError(t, decide("passed", "", "F2"))
	refusedBy(t, decide("failed", "late", "F2"), "eng_03_business")
	denied(t, exec(db, `UPDATE business_information SET account_no = 'x'`))
}
