package consumption_test

import (
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/consumption"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// now is later than everything in these tests.
var now = at("2026-01-01T00:00:00+08:00")

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// line is one row of the programme's own format; what a test does not name has a usual value.
func line(t *testing.T, values map[string]string) (*consumption.Row, []consumption.Fault) {
	t.Helper()
	all := map[string]string{
		"customer": "C1", "partner": "P-100", "product": "ecs", "charge": "usage", "amount": "900.00", "currency": "CNY",
		"used_at": "2024-05-20T10:00:00+08:00", "posted_at": "2024-05-20T11:00:00+08:00",
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
	return layout.Read(fields, 7, now)
}

// good is a row without faults.
func good(t *testing.T, values map[string]string) consumption.Row {
	t.Helper()
	row, faults := line(t, values)
	require.Empty(t, faults)
	return *row
}

// parts shows how an amount was paid: cash, stored-value card, voucher, excluded coupon.
func parts(p consumption.Parts) []string {
	return []string{p.Cash.StringFixed(2), p.StoredValueCard.StringFixed(2), p.Voucher.StringFixed(2), p.ExcludedCoupon.StringFixed(2)}
}

// Rule: PERF-09, ENG-04
func TestGivenUseAndPosting_WhenTheMonthIsAsked_ThenItIsThatOfUseInUTC8AndForMonthlySettledProductsThatOfPosting(t *testing.T) {
	for _, c := range []struct{ mode, used, posted, month string }{
		{"monthly-settled", "2024-05-31T12:00:00+08:00", "2024-06-03T09:00:00+08:00", "2024-06"}, // a CDN, used in May, settled on 3 June
		{"pay-per-use", "2024-05-31T12:00:00+08:00", "2024-06-03T09:00:00+08:00", "2024-05"},
		{"subscription", "2024-06-30T15:59:59Z", "2024-07-03T09:00:00+08:00", "2024-06"},
		{"pay-per-use", "2024-06-30T16:30:00Z", "2024-06-30T17:00:00Z", "2024-07"},
	} {
		row := good(t, map[string]string{"billing_mode": c.mode, "used_at": c.used, "posted_at": c.posted})
		require.Equal(t, c.month, consumption.MonthText(consumption.Period(row.Mode, row.Used, row.Posted)))
	}
}

// Rule: PERF-02, PERF-03, PERF-04, PERF-05
func TestGivenHowARowWasPaid_WhenItIsRead_ThenItsPartsAreKeptApart(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		want   []string
	}{
		"nothing said: cash":                        {nil, []string{"900.00", "0.00", "0.00", "0.00"}},
		"PERF-02: topped up, a charge of its own":   {map[string]string{"charge": "top-up", "amount": "5000.00"}, []string{"5000.00", "0.00", "0.00", "0.00"}},
		"PERF-03: 900 cash and 300 voucher":         {map[string]string{"amount": "1200", "cash": "900", "voucher": "300"}, []string{"900.00", "0.00", "300.00", "0.00"}},
		"PERF-04: a coupon that is no performance":  {map[string]string{"amount": "500", "excluded_coupon": "500"}, []string{"0.00", "0.00", "0.00", "500.00"}},
		"PERF-04: a credit is the vendor's voucher": {map[string]string{"charge": "credit", "amount": "-20"}, []string{"0.00", "0.00", "-20.00", "0.00"}},
		"PERF-05: a card is bought":                 {map[string]string{"charge": "card-purchase", "amount": "1000"}, []string{"1000.00", "0.00", "0.00", "0.00"}},
		"PERF-05: a card is spent":                  {map[string]string{"amount": "400", "stored_value_card": "400"}, []string{"0.00", "400.00", "0.00", "0.00"}},
		"a refund of both":                          {map[string]string{"charge": "refund", "amount": "-3", "cash": "-1", "voucher": "-2"}, []string{"-1.00", "0.00", "-2.00", "0.00"}},
		"PERF-07: goods of a marketplace":           {map[string]string{"amount": "300", "marketplace": "true"}, []string{"300.00", "0.00", "0.00", "0.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			row := good(t, c.values)
			require.Equal(t, c.want, parts(row.Parts))
			require.True(t, row.Amount.Equal(row.Parts.Sum()))
			require.Equal(t, c.values["marketplace"] == "true", row.Marketplace)
		})
	}
}

// Rule: COM-03, COM-08, ENG-06
func TestGivenARowWithFaults_WhenItIsRead_ThenEachIsToldWithColumnAndReason(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, c := range []struct{ column, value, reason string }{
		{"customer", "", "it is empty"},
		{"customer", long, "it has 65 characters, at most 64 are allowed"},
		{"partner", " ", "it is empty"},
		{"order", long, "it has 65 characters, at most 64 are allowed"},
		{"product", "", "it is empty"},
		{"charge", "", `"" is not one of usage, refund, purchase, top-up, card-purchase, tax, credit, adjustment`},
		{"charge", "Usage", `"Usage" is not one of usage, refund, purchase, top-up, card-purchase, tax, credit, adjustment`},
		{"billing_mode", "daily", `"daily" is not one of subscription, pay-per-use, monthly-settled`},
		{"association", "none", `"none" is not one of resale, advisory`},
		{"marketplace", "yes", `"yes" is neither true nor false`},
		{"currency", "yuan", `"yuan" is not a currency, write it like CNY or USD`},
		{"amount", "", `"" is not an amount, write it like 1234.56: at most 15 digits before the point and 18 after it`},
		{"amount", "1,000", `"1,000" is not an amount, write it like 1234.56: at most 15 digits before the point and 18 after it`},
		{"amount", "-1", "usage is not negative; what is given back is a refund"},
		{"cash", "1 000", `"1 000" is not an amount, write it like 1234.56: at most 15 digits before the point and 18 after it`},
		{"cash", "899.99", "cash, stored_value_card, voucher and excluded_coupon make 899.99, not 900"},
		{"voucher", "-900", "-900 has another sign than the amount, 900"},
		{"used_at", "20.5.2024", `"20.5.2024" is not a time, write it like 2024-09-30T22:00:00Z or 2024-09-30 22:00:00`},
		{"used_at", "2024-05-20T11:00:01+08:00", "2024-05-20 11:00:00 +08:00 is before the use, 2024-05-20 11:00:01 +08:00"},
		{"used_at", "2026-01-01T00:00:01+08:00", "2026-01-01 00:00:01 +08:00 is in the future"},
		{"used_at", "1999-12-31 23:59:59", "1999-12-31 23:59:59 +08:00 is before 2000-01-01 00:00:00 +08:00: no consumption is kept from then"},
	} {
		_, faults := line(t, map[string]string{c.column: c.value})
		require.Len(t, faults, 1, c)
		require.Equal(t, 7, faults[0].Line)
		require.Equal(t, c.reason, faults[0].Reason)
	}
	_, faults := line(t, map[string]string{"charge": "refund"})
	require.Equal(t, []consumption.Fault{{Line: 7, Column: "amount", Reason: "a refund is not positive; what is paid for use is usage"}}, faults)
	_, faults = line(t, map[string]string{"amount": "0", "cash": "5", "voucher": "-5"})
	require.Equal(t, []consumption.Fault{{Line: 7, Column: "amount", Reason: "the amount is 0 and its parts are not"}}, faults)
	_, faults = line(t, map[string]string{"billing_mode": "monthly-settled", "posted_at": "2026-01-02"})
	require.Equal(t, []consumption.Fault{{Line: 7, Column: "posted_at", Reason: "2026-01-02 00:00:00 +08:00 is in the future"}}, faults)
	_, faults = line(t, map[string]string{"customer": "", "charge": "gift", "amount": "much"})
	require.Len(t, faults, 3)
}

func TestGivenAFirstLine_WhenColumnsAreMissingOrUnknown_ThenAllOfThemAreTold(t *testing.T) {
	_, err := consumption.NewLayout([]string{"customer", "colour", "amount", "shape"})
	require.ErrorContains(t, err, "the first line has no column partner, product, charge, currency, used_at, posted_at and names the unknown column colour, shape. A file in the programme's format has the columns customer,")
	_, err = consumption.NewLayout([]string{"ChargeCategory", "BilledCost"})
	require.ErrorContains(t, err, "the first line has no column BillingAccountId, BillingCurrency, ChargePeriodEnd, ChargePeriodStart, EffectiveCost, ProviderName, ServiceName, SubAccountId.")
}

func TestGivenTheSameRowWrittenAnotherWay_WhenItsKeyIsMade_ThenItIsTheSameKey(t *testing.T) {
	key := good(t, nil).Key
	for range 5 { // the order of the columns is another one each time
		require.Equal(t, key, good(t, map[string]string{"amount": "900", "used_at": "2024-05-20T02:00:00Z", "cash": "900.000", "billing_mode": "pay-per-use", "association": "resale"}).Key)
	}
	seen := map[[16]byte]string{key: ""}
	for column, v := range map[string]string{
		"customer": "C2", "product": "obs", "amount": "900.01", "currency": "USD", "used_at": "2024-05-20T10:00:01+08:00", "posted_at": "2024-05-20T11:00:01+08:00",
		"order": "O1", "region": "cn", "marketplace": "true", "charge": "purchase", "voucher": "900", "billing_mode": "subscription", "row_id": "1",
	} {
		k := good(t, map[string]string{column: v}).Key
		require.NotContains(t, seen, k, column)
		seen[k] = column
	}
	named := good(t, map[string]string{"row_id": "1"}).Key
	require.Equal(t, named, good(t, map[string]string{"row_id": "1", "amount": "1"}).Key, "a row_id is the name of a row")
}

func TestGivenTextsOfAmounts_WhenTheyAreRead_ThenTheyAreExactOrRefused(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0.5": "-0.5", "0.00000080000": "0.0000008", "8E-7": "0.0000008", "1.5e+3": "1500", "999999999999999.999999999999999999": "999999999999999.999999999999999999",
		"0.1000000000000000000000": "0.1",
	} {
		d, ok := consumption.ParseAmount(text)
		require.True(t, ok, text)
		require.Equal(t, want, consumption.AmountText(d))
	}
	for _, text := range []string{"", " ", "+1", ".5", "1.", "1e999999999", "1E16", "1000000000000000", "0.0000000000000000001", "NaN", "Inf", "0x10", "1_000", "１", "--1", "1e", "e5", "1.2.3"} {
		_, ok := consumption.ParseAmount(text)
		require.False(t, ok, text)
	}
}

func TestGivenTextsOfTimes_WhenTheyAreRead_ThenTheyAreInTheirZoneOrRefused(t *testing.T) {
	for text, want := range map[string]string{
		"2024-09-30 22:00:00": "2024-09-30T14:00:00Z", "2024-09-30T22:00:00": "2024-09-30T14:00:00Z", "2024-09-30T22:00:00Z": "2024-09-30T22:00:00Z", "2024-09-30 22:00:00+08:00": "2024-09-30T14:00:00Z",
		"2024-09-30": "2024-09-29T16:00:00Z", "2024-09-30T22:00:00.1234567Z": "2024-09-30T22:00:00.123456Z", "2024-09-30 22:00:00.5": "2024-09-30T14:00:00.5Z",
	} {
		got, ok := consumption.ParseInstant(text, calendar.Zone)
		require.True(t, ok, text)
		require.Equal(t, want, got.Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"", "2024", "2024-13-01", "2024-02-30 00:00:00", "30/09/2024", "2024-09-30 22:00", "0000-01-01T00:00:00Z", "2024-09-30T22:00:00+8"} {
		_, ok := consumption.ParseInstant(text, calendar.Zone)
		require.False(t, ok, text)
	}
}

// house is what is known: C1 was P-100's from May, by resale, and P-200's from 10 June, as reseller T2's, by advice.
var house = consumption.Known{
	Bindings: map[string][]consumption.Binding{"C1": {
		{Partner: "P-100", Association: consumption.Resale, From: at("2024-05-01T00:00:00+08:00"), Until: at("2024-06-10T00:00:00+08:00")},
		{Partner: "P-200", Association: consumption.Advisory, Tier2: "T2", From: at("2024-06-10T00:00:00+08:00")},
	}, "C9": nil},
	Rates: map[consumption.Rate]decimal.Decimal{{Currency: "USD", Month: calendar.Date{Year: 2024, Month: time.May, Day: 1}}: decimal.RequireFromString("7.05")},
}

// Rule: PERF-01, PERF-11, PGM-02
func TestGivenACustomerWhoChangedPartners_WhenARowIsPlaced_ThenItCountsForThePartnerAtThatInstant(t *testing.T) {
	for _, c := range []struct{ used, partner, association, tier2 string }{
		{"2024-05-01T00:00:00+08:00", "P-100", "resale", ""},
		{"2024-06-09T23:59:59+08:00", "P-100", "resale", ""},
		{"2024-06-10T00:00:00+08:00", "P-200", "advisory", "T2"},
	} {
		row := good(t, map[string]string{"partner": c.partner, "amount": "600.00", "used_at": c.used, "posted_at": "2024-07-01"})
		placed, faults := house.Place(&row, consumption.Programme)
		require.Empty(t, faults)
		require.Equal(t, []string{c.partner, c.association, c.tier2}, []string{placed.Binding.Partner, string(placed.Binding.Association), placed.Binding.Tier2})
		require.Equal(t, "600.00", placed.Parts.Cash.StringFixed(2))
	}
}

func TestGivenARowThatContradictsWhatIsKnown_WhenItIsPlaced_ThenEachContradictionIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		want   []consumption.Fault
	}{
		"unknown customer":   {map[string]string{"customer": "C7"}, []consumption.Fault{{7, "customer", `there is no customer "C7"`}}},
		"bound to nobody":    {map[string]string{"customer": "C9"}, []consumption.Fault{{7, "customer", "customer C9 belonged to no partner on 2024-05-20 10:00:00 +08:00; say to which with: starter consumption map"}}},
		"before the binding": {map[string]string{"used_at": "2024-04-30 23:59:59"}, []consumption.Fault{{7, "customer", "customer C1 belonged to no partner on 2024-04-30 23:59:59 +08:00; say to which with: starter consumption map"}}},
		"another partner, association, reseller": {map[string]string{"partner": "P-200", "association": "advisory", "tier2": "T2"}, []consumption.Fault{
			{7, "partner", "customer C1 belonged to P-100 on 2024-05-20 10:00:00 +08:00, not to P-200"},
			{7, "association", "customer C1 was associated by resale on 2024-05-20 10:00:00 +08:00, not by advisory"},
			{7, "tier2", "customer C1 was not a customer of reseller T2 on 2024-05-20 10:00:00 +08:00"},
		}},
		"no rate, twice wrong": {map[string]string{"currency": "EUR", "partner": "P-1"}, []consumption.Fault{
			{7, "partner", "customer C1 belonged to P-100 on 2024-05-20 10:00:00 +08:00, not to P-1"},
			{7, "currency", "no rate of EUR is known for 2024-05; set it with: starter consumption rate set EUR 2024-05 RATE"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			row := good(t, c.values)
			_, faults := house.Place(&row, consumption.Programme)
			require.Equal(t, c.want, faults)
		})
	}
}

// Rule: PERF-03
func TestGivenARowInAnotherCurrency_WhenItIsPlaced_ThenItsPartsAreExactInCNY(t *testing.T) {
	row := good(t, map[string]string{"currency": "USD", "amount": "0.00000080001", "cash": "0.00000080000", "voucher": "0.00000000001"})
	placed, faults := house.Place(&row, consumption.Programme)
	require.Empty(t, faults)
	require.Equal(t, "0.00000564", consumption.AmountText(placed.Parts.Cash))
	require.Equal(t, "0.0000000000705", consumption.AmountText(placed.Parts.Voucher))
	require.Equal(t, "7.05", placed.Rate.String())
}
