package consumption_test

import (
	"testing"

	"countersign/domain/consumption"

	"github.com/stretchr/testify/require"
)

// export is one row of a FOCUS export; what a test does not name has a usual value.
func export(t *testing.T, values map[string]string) (*consumption.Row, []consumption.Fault) {
	t.Helper()
	all := map[string]string{
		"BilledCost": "2.50", "EffectiveCost": "1.50", "BillingAccountId": "B1", "BillingCurrency": "USD", "ChargeCategory": "Usage", "ChargeClass": "NULL",
		"ChargeFrequency": "Usage-Based", "ChargePeriodStart": "2024-05-20 10:00:00", "ChargePeriodEnd": "2024-05-20 11:00:00", "CommitmentDiscountStatus": "NULL",
		"ProviderName": "AWS", "PublisherName": "Amazon", "InvoiceIssuerName": "Amazon", "RegionId": "us-west-2", "ServiceName": "SQS", "SubAccountId": "S1", "Tags": "{}",
	}
	for column, v := range values {
		all[column] = v
	}
	var header, fields []string
	for column, v := range all {
		header, fields = append(header, column), append(fields, v)
	}
	layout, err := consumption.NewLayout(header)
	require.NoError(t, err)
	require.Equal(t, consumption.Focus, layout.Format)
	return layout.Read(fields, 3, now)
}

// Rule: PERF-02, PERF-04
func TestGivenTheChargesOfAnExport_WhenTheyAreRead_ThenEachIsTheChargeThatItMeansWithItsCost(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		charge consumption.Charge
		want   []string
	}{
		"usage":                               {nil, consumption.Usage, []string{"2.50", "0.00", "0.00", "0.00"}},
		"usage of a commitment, paid before":  {map[string]string{"CommitmentDiscountStatus": "Used", "BilledCost": "0"}, consumption.Usage, []string{"1.50", "0.00", "0.00", "0.00"}},
		"a commitment that stays unused":      {map[string]string{"CommitmentDiscountStatus": "Unused", "BilledCost": "0"}, consumption.Usage, []string{"0.00", "0.00", "0.00", "0.00"}},
		"a commitment is bought":              {map[string]string{"ChargeCategory": "Purchase"}, consumption.Purchase, []string{"2.50", "0.00", "0.00", "0.00"}},
		"a purchase is corrected":             {map[string]string{"ChargeCategory": "Purchase", "ChargeClass": "Correction", "BilledCost": "-2.50"}, consumption.Purchase, []string{"-2.50", "0.00", "0.00", "0.00"}},
		"tax":                                 {map[string]string{"ChargeCategory": "Tax"}, consumption.Tax, []string{"2.50", "0.00", "0.00", "0.00"}},
		"a credit is a voucher of the vendor": {map[string]string{"ChargeCategory": "Credit", "BilledCost": "-2.50"}, consumption.Credit, []string{"0.00", "0.00", "-2.50", "0.00"}},
		"an adjustment":                       {map[string]string{"ChargeCategory": "Adjustment", "BilledCost": "-2.50"}, consumption.Adjustment, []string{"-2.50", "0.00", "0.00", "0.00"}},
		"an adjustment that gives back":       {map[string]string{"ChargeCategory": "Adjustment", "ChargeClass": "Correction", "BilledCost": "-2.50"}, consumption.Refund, []string{"-2.50", "0.00", "0.00", "0.00"}},
		"usage that is given back":            {map[string]string{"ChargeClass": "Correction", "BilledCost": "-2.50"}, consumption.Refund, []string{"-2.50", "0.00", "0.00", "0.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			row, faults := export(t, c.values)
			require.Empty(t, faults)
			require.Equal(t, c.charge, row.Charge)
			require.Equal(t, c.want, parts(row.Parts))
		})
	}
}

// Rule: PERF-07, PERF-09
func TestGivenARowOfAnExport_WhenItIsRead_ThenItsTimesAreUTCAndItNamesAnAccount(t *testing.T) {
	row, faults := export(t, map[string]string{"ChargePeriodStart": "2024-05-31 16:00:00", "ChargePeriodEnd": "2024-05-31 17:00:00"})
	require.Empty(t, faults)
	require.Equal(t, consumption.Account{Provider: "AWS", BillingAccount: "B1", SubAccount: "S1"}, row.Account)
	require.Equal(t, "2024-06", consumption.MonthText(consumption.Period(row.Mode, row.Used, row.Posted)))
	require.Equal(t, []any{"SQS", "us-west-2", "USD", consumption.PayPerUse, false}, []any{row.Product, row.Region, row.Currency, row.Mode, row.Marketplace})

	row, faults = export(t, map[string]string{"PublisherName": "Red Hat Inc.", "ChargeFrequency": "Recurring", "SubAccountId": "NULL", "RegionId": "NULL"})
	require.Empty(t, faults)
	require.True(t, row.Marketplace)
	require.Equal(t, []any{"", "", consumption.Subscription}, []any{row.Account.SubAccount, row.Region, row.Mode})
}

func TestGivenARowOfAnExportWithFaults_WhenItIsRead_ThenAllAreTold(t *testing.T) {
	_, faults := export(t, map[string]string{"BilledCost": "NULL", "ChargeCategory": "Gift", "ChargeClass": "Wrong", "ChargeFrequency": "Often", "ServiceName": "", "ChargePeriodEnd": "2024-05-20 09:00:00", "BillingCurrency": "NULL"})
	require.Equal(t, []consumption.Fault{
		{3, "ServiceName", "it is empty"},
		{3, "ChargeFrequency", `"Often" is not one of Usage-Based, Recurring, One-Time`},
		{3, "BillingCurrency", `"" is not a currency, write it like CNY or USD`},
		{3, "BilledCost", `"" is not an amount, write it like 1234.56: at most 15 digits before the point and 18 after it`},
		{3, "ChargeClass", `"Wrong" is not Correction`},
		{3, "ChargeCategory", `"Gift" is not one of Usage, Purchase, Tax, Credit, Adjustment`},
		{3, "ChargePeriodEnd", "2024-05-20 17:00:00 +08:00 is before the use, 2024-05-20 18:00:00 +08:00"},
	}, faults)

	row, faults := export(t, nil)
	require.Empty(t, faults)
	_, faults = consumption.Known{}.Place(row, consumption.Focus)
	require.Equal(t, []consumption.Fault{
		{3, "SubAccountId", "no customer is known for AWS, billing account B1, sub account S1; name one with: starter consumption map"},
		{3, "BillingCurrency", "no rate of USD is known for 2024-05; set it with: starter consumption rate set USD 2024-05 RATE"},
	}, faults)
}

func TestGivenTwoRowsOfAnExport_WhenOnlyAColumnDiffersThatNobodyReads_ThenTheyAreTwoRows(t *testing.T) {
	row, _ := export(t, nil)
	other, _ := export(t, map[string]string{"Tags": `{"application": "x"}`})
	more, _ := export(t, map[string]string{"x_LineItem": "1"})
	none, _ := export(t, map[string]string{"x_LineItem": "NULL"})
	require.NotEqual(t, row.Key, other.Key)
	require.NotEqual(t, row.Key, more.Key)
	require.Equal(t, row.Key, none.Key, "a column without a value says nothing")
}
