package views_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/domain/bill"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// withLines is three lines of product ECS on bill B1 and one of CDN without a bill, of two customers of partner P1.
func withLines(t *testing.T) views.Reader {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1', 'A', 'distributor', 'cloud'), ('T2', 'Reseller 50%', 'reseller', 'cloud')`)
	db.MustExec(`INSERT INTO customers (customer_id, partner_id, name, account, account_manager) VALUES ('C1', 'P1', 'Acme_Co', 'acme01', 'Zhou'), ('C2', 'P1', 'Beta', 'beta01', 'Lin')`)
	db.MustExec(`INSERT INTO people (person_id, name) VALUES ('o', 'Otto')`)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('incentive', 3, '{"plan_name": "Cloud 2024", "cadence": "monthly"}', 'o', now())`)
	db.MustExec(`INSERT INTO calculations (key, period, at, asked_by, policy_version) VALUES ('k', '2024-05-01', now(), 'o', 3)`)
	db.MustExec(`INSERT INTO performance_sheets (partner_id, period, state, calculation_id, calculated_at) VALUES ('P1', '2024-05-01', 'first-draft', 1, now()), ('P1', '2024-06-01', 'first-draft', 1, now())`)
	db.MustExec(`UPDATE performance_sheets SET state = 'final', reviewed_by = 'o', reviewed_at = now() WHERE period = '2024-05-01'`)
	db.MustExec(`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
		VALUES ('B1', 'P1', 'Cloud 2024', 'monthly', '2024-05', 'resale', '2024-06-03T00:00:00+08', 60, 6, '2024-06-15', 'RELEASED', '2024-06-17T00:00:00+08')`)
	db.MustExec(`INSERT INTO incentive_lines (partner_id, period, usage_month, calculation_id, customer_id, order_id, product, association, billing_mode, tier2, charge, gross, counted, policy_version, policy_line, rate, amount)
		VALUES ('P1', '2024-05-01', '2024-05-01', 1, 'C1', 'O1', 'ECS', 'resale', 'pay-per-use', '', 'usage', 100, 100, 3, 'a', 10, 10.00),
		       ('P1', '2024-05-01', '2024-05-01', 1, 'C1', 'O2', 'ECS', 'resale', 'subscription', 'T2', 'usage', 200, 200, 3, 'a', 10, 20.00),
		       ('P1', '2024-05-01', '2024-05-01', 1, 'C2', 'O3', 'ECS', 'resale', 'subscription', '', 'usage', 300, 300, 3, 'a', 10, 30.00),
		       ('P1', '2024-06-01', '2024-06-01', 1, 'C2', 'O4', 'CDN', 'advisory', 'monthly-settled', '', 'usage', 50, 50, 3, 'a', 10, 5.00)`)
	db.MustExec(`UPDATE incentive_lines SET bill_id = 'B1' WHERE product = 'ECS'`)
	return views.Reader{DB: db}
}

// Rule: INC-11
func TestGivenLines_WhenTheyAreSearchedByEachKey_ThenTheMatchingOnesAndTheirTotalAreShown(t *testing.T) {
	r := withLines(t)
	ctx := context.Background()
	for name, c := range map[string]struct {
		filter views.LineFilter
		lines  int64
		total  string
	}{
		"product type":     {views.LineFilter{Product: "ECS"}, 3, "60.00"}, // 10.00, 20.00 and 30.00
		"partner":          {views.LineFilter{Partner: "P1"}, 4, "65.00"},
		"year":             {views.LineFilter{Year: 2024}, 4, "65.00"},
		"another year":     {views.LineFilter{Year: 2023}, 0, "0.00"},
		"period":           {views.LineFilter{Period: "2024-05"}, 3, "60.00"},
		"plan":             {views.LineFilter{Plan: "cloud"}, 4, "65.00"},
		"order":            {views.LineFilter{Order: "O2"}, 1, "20.00"},
		"customer name":    {views.LineFilter{CustomerName: "acme_"}, 2, "30.00"},
		"a wildcard":       {views.LineFilter{CustomerName: "%"}, 0, "0.00"},
		"customer account": {views.LineFilter{CustomerAccount: "beta01"}, 2, "35.00"},
		"account manager":  {views.LineFilter{AccountManager: "zhou"}, 2, "30.00"},
		"association":      {views.LineFilter{Association: bill.Advisory}, 1, "5.00"},
		"billing mode":     {views.LineFilter{BillingMode: "subscription"}, 2, "50.00"},
		"status":           {views.LineFilter{Status: bill.Released}, 3, "60.00"},
		"not billed":       {views.LineFilter{Status: bill.Estimated}, 1, "5.00"},
		"bill":             {views.LineFilter{Bill: "B1"}, 3, "60.00"},
		"data ID":          {views.LineFilter{DataID: 1}, 1, "10.00"},
		"tier-2 name":      {views.LineFilter{Tier2: "50%"}, 1, "20.00"},
		"several":          {views.LineFilter{Product: "ECS", BillingMode: "subscription", CustomerName: "Beta"}, 1, "30.00"},
	} {
		total, err := r.LineTotal(ctx, c.filter)
		require.NoError(t, err, name)
		require.Equal(t, c.lines, total.Lines, name)
		require.Equal(t, c.total, total.Amount.String(), name)
		listed, err := r.Lines(ctx, c.filter, 100)
		require.NoError(t, err, name)
		require.Len(t, listed, int(c.lines), name)
		streamed := []views.DetailLine{}
		require.NoError(t, r.EachLine(ctx, c.filter, func(l views.DetailLine) error { streamed = append(streamed, l); return nil }))
		require.Equal(t, listed, streamed, name)
	}
	first, err := r.Lines(ctx, views.LineFilter{}, 2)
	require.NoError(t, err)
	require.Len(t, first, 2)
	require.Equal(t, "Cloud 2024 100 10 RELEASED", first[0].Plan+" "+first[0].Counted+" "+first[0].Rate+" "+string(first[0].Status))
}

// Rule: INC-13
// Rule: PAY-17
func TestGivenAReleasedBill_WhenItIsLookedAt_ThenItsAmountAndWhatCanBeRequestedAreShownApart(t *testing.T) {
	r := withLines(t)
	ctx, at := context.Background(), time.Date(2024, 6, 20, 2, 0, 0, 0, time.UTC)
	d, err := r.Bill(ctx, "B1", at)
	require.NoError(t, err)
	require.Equal(t, "60.00 60.00", d.Amount.String()+" "+d.Payable.String())
	require.Equal(t, "60.00", d.Lines.Amount.String())
	require.Nil(t, d.LapsesAt)

	r.DB.MustExec(`INSERT INTO unpaid_cycles (partner_id, period, association, since, amount) VALUES ('P1', '2024-05', 'resale', '2024-06-18T00:00:00+08', 50)`)
	r.DB.MustExec(`INSERT INTO plan_identities VALUES ('P1', 'distribution', '2020-01-01T00:00:00Z', '2024-06-19T09:00:00+08')`)
	found, err := r.Bills(ctx, views.BillFilter{Partner: "P1", Period: "2024-05", State: bill.Released}, at)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "0.00 UNPAID_CYCLE", found[0].Payable.String()+" "+found[0].FreezeReason)
	require.True(t, time.Date(2025, 6, 19, 16, 0, 0, 0, time.UTC).Equal(*found[0].LapsesAt))

	_, err = r.Bill(ctx, "B9", at)
	require.ErrorContains(t, err, "not found")
	_, err = r.Bills(ctx, views.BillFilter{Partner: "P9"}, at)
	require.ErrorContains(t, err, "not found")
}

// Rule: INC-16
func TestGivenABillWithoutItsAccrual_WhenTheLedgerIsVerified_ThenItIsFound(t *testing.T) {
	r := withLines(t)
	found, err := r.Verify(context.Background(), nil)
	require.NoError(t, err)
	require.Len(t, found.Findings, 2)
	require.Equal(t, views.Finding{Check: "bills", Object: "bill B1", Message: "it stands for 60.00 on the account of P1, its entries moved 0.00 there"}, found.Findings[0])
}

// Rule: COM-12
func TestGivenLinesWithNames_WhenTheyAreExported_ThenTheFileHoldsThemMaskedWhateverTheScreenShows(t *testing.T) {
	r := withLines(t)
	screen, err := r.Lines(t.Context(), views.LineFilter{Order: "O2"}, 1)
	require.NoError(t, err)
	require.Equal(t, "Acme_Co, acme01, Reseller 50%", screen[0].CustomerName+", "+screen[0].CustomerAccount+", "+screen[0].Tier2)
	file := filepath.Join(t.TempDir(), "lines.csv")
	total, err := r.WriteLines(t.Context(), views.LineFilter{}, file, func(int64) error { return nil })
	require.NoError(t, err)
	require.EqualValues(t, 4, total.Lines)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), ",O2,C1,A***,a***,Zhou,ECS,resale,subscription,,R***,200,10,")
	for _, name := range []string{"Acme", "acme", "Beta", "beta", "Reseller"} {
		require.NotContains(t, string(text), name)
	}
}
