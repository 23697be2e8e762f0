package schema_test

import (
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// staffProgramme is programme with policies for the two kinds, two specialists and two requests of P1001.
func staffProgramme(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('dedicated-staff', 1, '{}', 'M1', '2024-01-01T00:00:00Z'), ('payment-application', 1, '{}', 'M1', '2024-01-01T00:00:00Z')`)
	db.MustExec(`INSERT INTO specialists (specialist_id, partner_id, name, role, cloud_since, since_date) VALUES ('S-1', 'P1001', 'A', '', '2022-01-01', '2023-12-01'), ('S-2', 'P1001', 'B', '', '2022-01-01', '2023-12-01')`)
	for _, n := range []string{"S000001", "S000002"} {
		require.NoError(t, exec(db, openKindSQL, n, "dedicated-staff", "PRELIMINARY_REVIEW"))
	}
	for _, n := range []string{"Q000001", "Q000002"} {
		require.NoError(t, exec(db, openKindSQL, n, "payment-application", "PAYMENT_REVIEW"))
	}
	db.MustExec(`INSERT INTO business_information (partner_id, version, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch, account_no,
		settlement_currency, status, submitted_by, submitted_at, request_key, request_digest, decided_by, decided_at, certified_at)
		VALUES ('P1001', 1, 'A', 'USCI', '9', 'general', 6, '9', 'A', 'ICBC', 'B', '6222', 'CNY', 'passed', 'U1', '2024-01-01T00:00:00Z', 'k', '', 'F1', '2024-01-02T00:00:00Z', '2024-01-02T00:00:00Z')`)
	return db
}

const openKindSQL = `INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
	VALUES ($1, $2, 'P1001', 'U1', $1, '', $3, 1, $1, '', '2024-05-03T02:00:00Z')`

const monthSQL = `INSERT INTO staff_months (partner_id, month, scenario, amount, case_number) VALUES ('P1001', $1, 'pre-sales', 20000, $2)`

// Rule: FHM-02
func TestFHM02GivenAMonthWithARequest_WhenAnotherIsStored_ThenTheDatabaseRefuses(t *testing.T) {
	db := staffProgramme(t)
	require.NoError(t, exec(db, monthSQL, "2024-05-01", "S000001"))
	refusedBy(t, exec(db, monthSQL, "2024-05-01", "S000002"), "fhm_02_one_request")
	require.NoError(t, exec(db, monthSQL, "2024-06-01", "S000002"))
}

// Rule: FHM-07
func TestFHM07GivenAProjectOfS1_WhenS2IsStoredWithIt_ThenTheDatabaseRefuses(t *testing.T) {
	db := staffProgramme(t)
	db.MustExec(`INSERT INTO staff_projects (project_id, specialist_id) VALUES ('PR-9', 'S-1')`)
	require.NoError(t, exec(db, `INSERT INTO staff_month_persons (case_number, specialist_id, project_id) VALUES ('S000001', 'S-1', 'PR-9')`))
	refusedBy(t, exec(db, `INSERT INTO staff_month_persons (case_number, specialist_id, project_id) VALUES ('S000002', 'S-2', 'PR-9')`), "fhm_07_project")
	refusedBy(t, exec(db, `DELETE FROM staff_projects`), "fhm_07_project")
	denied(t, exec(db, `UPDATE staff_projects SET specialist_id = 'S-2'`))
}

// Rule: QPY-09, AUT-08
func TestQPY09GivenAQuartersApplication_WhenAnotherIsStored_ThenTheDatabaseRefuses(t *testing.T) {
	db := staffProgramme(t)
	apply := func(number string) error {
		return exec(db, `INSERT INTO payment_applications (case_number, partner_id, quarter, months, total, business_version, currency, holder, account_no, bank, branch, paying_entity)
			VALUES ($1, 'P1001', '2024Q2', '[1, 2, 3]', 40000, 1, 'CNY', 'A', '6222', 'ICBC', 'B', 'cloud')`, number)
	}
	require.NoError(t, apply("Q000001"))
	refusedBy(t, apply("Q000002"), "qpy_09_one_request")
	refusedBy(t, exec(db, `UPDATE payment_applications SET account_no = '6223'`), "aut_08_payee") // what is certified, nothing else
	denied(t, exec(db, `UPDATE payment_applications SET quarter = '2024Q3'`))
	denied(t, exec(db, `DELETE FROM payment_applications`))
}

// Rule: FHM-01, ENG-02, FHM-09
func TestFHM01GivenAQualification_WhenItIsApproved_ThenByAnotherWithTheAgreement(t *testing.T) {
	db := staffProgramme(t)
	require.NoError(t, exec(db, `INSERT INTO staff_qualifications (partner_id, applied_by, applied_at) VALUES ('P1001', 'U1', '2024-01-01T00:00:00Z')`))
	approve := `UPDATE staff_qualifications SET approved_by = $1, approved_at = '2024-01-02T00:00:00Z', agreement = $2, signed_on = '2024-01-01'`
	refusedBy(t, exec(db, approve, "U1", "FH-1"), "eng_02_staff_qualification")
	refusedBy(t, exec(db, approve, "F1", ""), "fhm_01_agreement")
	require.NoError(t, exec(db, approve, "F1", "FH-1"))

	require.NoError(t, exec(db, `INSERT INTO staff_proofs (case_number, round, kind, document_id, added_by, added_at) VALUES ('S000001', 1, 'employment', repeat('ab', 32), 'U1', now())`))
	require.Error(t, exec(db, `DELETE FROM staff_proofs`), "proofs stay")
}

// Rule: ENG-04, QPY-05
func TestQPY05GivenAQuarterOfOpenMonths_WhenItIsReadAtItsBoundary_ThenUTCPlus8Decides(t *testing.T) {
	db := staffProgramme(t)
	require.NoError(t, exec(db, monthSQL, "2024-05-01", "S000001"))
	states := func(at string) (out []string) {
		require.NoError(t, db.Select(&out, `SELECT state FROM staff_quarter('P1001', '2024-04-01', $1) ORDER BY month`, at))
		return out
	}
	require.Equal(t, []string{"OPEN", "PRELIMINARY_REVIEW", "OPEN"}, states("2024-04-30T23:59:59+08:00"))
	require.Equal(t, []string{"LAPSED", "PRELIMINARY_REVIEW", "OPEN"}, states("2024-05-01T00:00:00+08:00"))
	require.Equal(t, []string{"LAPSED", "PRELIMINARY_REVIEW", "OPEN"}, states("2024-06-30T15:59:59Z"))
	require.Equal(t, []string{"LAPSED", "PRELIMINARY_REVIEW", "LAPSED"}, states("2024-06-30T16:00:00Z"))
	db.MustExec(`INSERT INTO staff_months (partner_id, month, scenario, amount, listed_at, confirm_until, listed) VALUES ('P1001', '2024-06-01', 'expert', 1, '2024-07-01T00:00:00Z', '2024-07-19T16:00:00Z', '{S-1}')`)
	require.Equal(t, "TO_CONFIRM", states("2024-07-19T15:59:59Z")[2])
	require.Equal(t, "LAPSED", states("2024-07-19T16:00:00Z")[2])
}
