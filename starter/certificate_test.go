package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"countersign/internal/pdftest"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// Rule: CERT-20
func TestCERT20GivenACertificate_WhenItIsShownVerifiedAndPrinted_ThenTheFileLeadsToItsVerification(t *testing.T) {
	url := programme(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	for _, insert := range []string{
		`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		 VALUES ('W000001', 'withdrawal', 'P1001', 'alice', 'k', '', 'UNDER_REVIEW', 1, 'w', '', now())`,
		`INSERT INTO certificates (certificate_no, kind, partner_id, subject, holder, name, grade, version, issuer, case_number, cycle, valid_from, valid_until, issued_at, code)
		 VALUES ('CERT-2024-000001', 'solution', 'P1001', 'SOL000001', '上海云帆', '云帆智能排产', 'CLOUD', '2.1', '华云', 'W000001', 1,
		         '2024-03-15T10:20:00+08:00', '2025-03-15T10:20:00+08:00', '2024-03-15T10:20:00+08:00', 'Zm9vYmFyYmF6cXV4MTIzNA')`,
	} {
		db.MustExec(insert)
	}
	list := ask(t, url, "certificate", "list", "--partner", "P1001")
	require.Contains(t, list.out, "CERT-2024-000001", list.err)
	shown := ask(t, url, "certificate", "show", "CERT-2024-000001")
	require.Contains(t, shown.out, "CERT-2024-000001, 解决方案认证证书 Solution Certificate, of 上海云帆: 证书已过期 The certificate has expired.", shown.err)
	require.NotContains(t, shown.out, "Zm9v", "the code is on the paper only")

	verified := ask(t, url, "certificate", "verify", "CERT-2024-000001", "Zm9vYmFyYmF6cXV4MTIzNA", "--at", "2025-03-15T10:19:59+08:00")
	require.Contains(t, verified.out, "证书有效 The certificate is valid.", verified.err)
	require.Contains(t, verified.out, "2025-03-15 10:20:00 UTC+8（不含 exclusive）")
	wrong := ask(t, url, "certificate", "verify", "CERT-2024-000001", "wrong")
	require.Equal(t, 0, wrong.code)
	require.Regexp(t, regexp.MustCompile(`^CERT-2024-000001: 查无此证书 .*\n$`), wrong.out, "nothing more")
	require.Equal(t, 2, ask(t, url, "certificate", "verify", "CERT-2024-000001", "x", "--at", "soon").code)
	require.Equal(t, 2, ask(t, url, "certificate", "show", "CERT-2024-000009").code)

	file := filepath.Join(t.TempDir(), "certificate.pdf")
	printed := ask(t, url, "certificate", "print", "CERT-2024-000001", "--pdf", file)
	require.Equal(t, 0, printed.code, printed.err)
	require.Contains(t, printed.out, "CERTIFICATE_URL is not set")
	out, err := os.ReadFile(file)
	require.NoError(t, err)
	page := pdftest.Texts(t, out)[0]
	require.Contains(t, page, "云帆智能排产")
	require.Contains(t, page, "/certificates/CERT-2024-000001/Zm9vYmFyYmF6cXV4MTIzNA")
}
