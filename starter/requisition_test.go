package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/requisition"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// certified is the demo programme with P1001's real name and qualification, an operations person, and two released bills.
func certified(t *testing.T) (url string) {
	t.Helper()
	url = programme(t)
	file := filepath.Join(t.TempDir(), "more.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
people: [{id: ou, name: Ou Ting, email: ou@vendor.example, roles: [vendor-operations]}]
business: [{partner: P1001, real_name: {}, qualifications: [{from: 2020-01-01}]}]
`), 0o600))
	require.Equal(t, 0, ask(t, url, "load", file).code)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`
		INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at) VALUES
		('B000001', 'P1001', 'solution-provider', 'monthly', '2024-05', 'resale',   '2024-06-03T02:00:00Z', 1500, 6, '2024-06-15', 'RELEASED', '2024-06-15T00:00:00Z'),
		('B000002', 'P1001', 'solution-provider', 'monthly', '2024-05', 'advisory', '2024-06-03T02:00:00Z', -600, 6, '2024-06-15', 'RELEASED', '2024-06-15T00:00:00Z')`)
	return url
}

// passed has P1001's business information certified by command.
func passed(t *testing.T, url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "info.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
company_name: Alpha Cloud Ltd
code_type: USCI
code: 91440300MA5EQXAA
taxpayer_type: small-scale
tax_number: 91440300MA5EQXAA
bank_account_name: Alpha Cloud Ltd
bank_name: ICBC
branch: Shenzhen Nanshan
account_no: "6222020200112233"
settlement_currency: CNY
`), 0o600))
	got := ask(t, url, "business", "submit", "--as", "alice", "--partner", "P1001", "--file", file)
	require.Equal(t, answer{0, "The business information of P1001 is in-review, version 1.\n", ""}, got)
	require.Contains(t, ask(t, url, "business", "decide", "P1001", "--as", "ou").err, "Give either --pass or --fail REASON")
	require.Equal(t, answer{0, "The business information of P1001 is passed.\n", ""}, ask(t, url, "business", "decide", "P1001", "--as", "ou", "--pass"))
}

// Rule: AUT-01, AUT-07
func TestGivenAPartnerWithoutBusinessInformationWhenItIsCertifiedByCommandThenNothingIsMissing(t *testing.T) {
	url := certified(t)
	require.Contains(t, ask(t, url, "business", "show", "P1001").out, "AUT_BUSINESS_INFO")
	passed(t, url)
	got := ask(t, url, "business", "show", "P1001")
	for _, part := range []string{"certified", "small-scale, service-fee tax rate 3.00 %", "6222020200112233"} {
		require.Contains(t, got.out, part)
	}
	require.NotContains(t, got.out, "AUT_")
	require.Empty(t, decoded(t, ask(t, url, "business", "show", "P1001", "--json").out)["missing"])
	require.Equal(t, 1, ask(t, url, "business", "decide", "P1001", "--as", "ou", "--fail", "late").code, "nothing is in review")
	require.Equal(t, 1, ask(t, url, "business", "ticket", "P1001", "--as", "alice", "--question", "why?").code, "nothing failed")
	require.Equal(t, 2, ask(t, url, "business", "show", "P9999").code)
}

// Rule: PAY-06, PAY-23, PAY-27
func TestGivenReleasedBillsWhenTheyAreLookedAtThenPreviewListAndSwitchSayWhatHolds(t *testing.T) {
	url := certified(t)
	passed(t, url)
	preview := ask(t, url, "requisition", "preview", "--as", "alice", "--partner", "P1001", "--method", "voucher").out
	for _, part := range []string{"B000001", "VOUCHER CLOUD_ACCOUNT_OWED", "taken in with the next request", "merged-all of 1 bill by VOUCHER: 900.00, settled with 900.00, 600.00 of negative incentive taken in."} {
		require.Contains(t, preview, part)
	}
	require.Contains(t, ask(t, url, "requisition", "preview", "--as", "alice", "--partner", "P1001", "--method", "BANK").out, "PAY_METHOD_NOT_ALLOWED")

	require.Contains(t, ask(t, url, "requisition", "automatic", "on", "--as", "alice", "--partner", "P1001", "--group", "new-resale", "--method", "VOUCHER").out, "new-resale  VOUCHER")
	require.Equal(t, 1, ask(t, url, "requisition", "automatic", "on", "--as", "alice", "--partner", "P1001", "--group", "new-resale", "--method", "BANK").code)
	require.Contains(t, ask(t, url, "requisition", "automatic", "off", "--as", "alice", "--partner", "P1001", "--group", "new-resale").out, "is off")

	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	_, err = (&activities.Requisitions{DB: db}).OpenRequisition(context.Background(), activities.OpenRequisitionInput{
		Application: requisition.Application{RequestKey: "k", PartnerID: "P1001", Submitter: "alice", Methods: []requisition.Method{requisition.Voucher}},
		WorkflowID:  "requisition/P1001/k", RunID: "run-k", At: time.Now(),
	})
	require.NoError(t, err)
	require.Contains(t, ask(t, url, "requisition", "list", "--partner", "P1001").out, "已完成")
	shown := ask(t, url, "requisition", "show", "R000001").out
	for _, part := range []string{"COMPLETED 已完成", "900.00 CNY", "QV000001", "-600.00"} {
		require.Contains(t, shown, part)
	}
	require.Contains(t, ask(t, url, "case", "show", "R000001").out, "900.00")
	got := ask(t, url, "requisition", "method", "R000001", "--as", "alice", "--to", "CLOUD_ACCOUNT_OWED", "--reason", "changed our mind")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "PAY_ALREADY_PAID")
	require.Equal(t, 2, ask(t, url, "requisition", "list", "--state", "PAID").code)
}
