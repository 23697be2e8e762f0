package main

import (
	"os"
	"path/filepath"
	"testing"

	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// Rule: FHM-09
func TestGivenAMonthsRequest_WhenAProofIsUploadedAsAFile_ThenItIsKeptOnceByItsContentAndLiesWithTheCase(t *testing.T) {
	url := programme(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	for _, insert := range []string{
		`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('dedicated-staff', 1, '{}', 'li', now()) ON CONFLICT DO NOTHING`,
		`INSERT INTO specialists (specialist_id, partner_id, name, role, cloud_since, since_date) VALUES ('S-1', 'P1001', 'A', '', '2022-01-01', '2023-12-01')`,
		`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		 VALUES ('S000001', 'dedicated-staff', 'P1001', 'alice', 'k', '', 'PRELIMINARY_REVIEW', 1, 'w', '', now())`,
		`INSERT INTO staff_months (partner_id, month, scenario, amount, case_number) VALUES ('P1001', '2024-05-01', 'pre-sales', 20000, 'S000001')`,
		`INSERT INTO staff_month_persons (case_number, specialist_id) VALUES ('S000001', 'S-1')`,
	} {
		db.MustExec(insert)
	}
	file := filepath.Join(t.TempDir(), "extract.pdf")
	require.NoError(t, os.WriteFile(file, []byte(scan), 0o600))
	for _, key := range []string{"k1", "k2"} {
		got := ask(t, url, "staff", "proof", "S000001", "--as", "alice", "--specialist", "S-1", "--proof", "social-security="+file, "--request-key", key)
		require.Equal(t, 0, got.code, got.err+got.out)
	}
	var proofs, documents int
	require.NoError(t, db.QueryRow(`SELECT (SELECT count(*) FROM staff_proofs JOIN case_documents USING (case_number, document_id)), (SELECT count(*) FROM documents)`).Scan(&proofs, &documents))
	require.Equal(t, [2]int{2, 1}, [2]int{proofs, documents}, "proved twice, kept once")
	require.NoError(t, os.WriteFile(file, []byte("no scan"), 0o600))
	require.NotEqual(t, 0, ask(t, url, "staff", "proof", "S000001", "--as", "alice", "--specialist", "S-1", "--proof", "employment="+file).code)
}

// Rule: FHM-01, QPY-04, QPY-13
func TestGivenAPartner_WhenItsDedicatedStaffAreKept_ThenTheCommandsSayWhatHolds(t *testing.T) {
	url := programme(t)
	file := filepath.Join(t.TempDir(), "operations.yaml")
	require.NoError(t, os.WriteFile(file, []byte("people:\n  - {id: ops, name: Ou, email: ou@vendor.example, roles: [vendor-operations]}\n"), 0o600))
	require.Equal(t, 0, ask(t, url, "load", file).code)

	nothing := ask(t, url, "staff", "show", "P1001")
	require.Equal(t, 0, nothing.code, nothing.err)
	require.Contains(t, nothing.out, "P1001 has not applied for the qualification; do it with: starter staff qualify P1001 --as PERSON")
	early := ask(t, url, "staff", "qualify", "P1001", "--as", "ops", "--approve", "--agreement", "FH-1", "--signed", "2024-03-01")
	require.Equal(t, 1, early.code, "nobody has applied")
	require.Contains(t, early.out, "FHM-01")
	require.Equal(t, 0, ask(t, url, "staff", "qualify", "P1001", "--as", "alice").code)
	approved := ask(t, url, "staff", "qualify", "P1001", "--as", "ops", "--approve", "--agreement", "FH-1", "--signed", "2024-03-01")
	require.Equal(t, 0, approved.code, approved.out)
	require.Contains(t, approved.out, "P1001 is qualified by agreement FH-1, signed on 2024-03-01.")

	specialist := ask(t, url, "staff", "specialist", "S-1", "--as", "alice", "--partner", "P1001", "--name", "Qian Yu", "--role", "solution-architect", "--certificate", "HCIP",
		"--cloud-since", "2022-01-01", "--since", "2023-12-01")
	require.Equal(t, 0, specialist.code, specialist.err+specialist.out)
	wrong := ask(t, url, "staff", "specialist", "S-1", "--as", "alice", "--partner", "P1001", "--name", "Qian Yu", "--cloud-since", "soon", "--since", "2023-12-01")
	require.Equal(t, 2, wrong.code)
	shown := ask(t, url, "staff", "show", "P1001")
	require.Contains(t, shown.out, "S-1         Qian Yu  solution-architect  HCIP          2022-01-01   2023-12-01  -          0")

	status := ask(t, url, "quarter", "status", "P1001", "2024-Q2")
	require.Equal(t, 0, status.code, status.err)
	require.Contains(t, status.out, "2024-04  LAPSED")
	require.Contains(t, status.out, "QPY_NONE_PASSED (QPY-04): No month of the quarter passed the preliminary review, so there is nothing to pay.")
	require.Contains(t, status.out, "Waiting alone does not open the request.")
	require.Equal(t, 2, ask(t, url, "quarter", "status", "P1001", "spring").code)
	for _, command := range []string{"show", "payment"} {
		missing := ask(t, url, "quarter", command, "Q000001")
		require.Equal(t, 2, missing.code)
		require.Contains(t, missing.err, "Q000001")
	}
}
