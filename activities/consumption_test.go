package activities

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/consumption"
	"countersign/internal/pgtest"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// importers are two partners with a customer each, and a customer who is nobody's; He takes in consumption, Li Na does not.
const importers = `
partners:
  - {id: P1001, name: A, kind: distributor, entity: cloud}
  - {id: P1002, name: B, kind: solution-provider, entity: cloud}
  - {id: P1003, name: C, kind: reseller, entity: cloud}
customers: [{id: C1, partner: P1001}, {id: C2, partner: P1002}, {id: C3, partner: P1002}]
people:
  - {id: he, name: He, roles: [vendor-operations]}
  - {id: lina, name: Li Na, roles: [vendor-finance]}
  - {id: mei, name: Mei, partner: P1001, roles: [vendor-operations]}
bindings:
  - {customer: C1, partner: P1001, association: resale, tier2: P1003, from: 2024-01-01T00:00:00+08:00}
  - {customer: C2, partner: P1002, association: advisory, from: 2024-01-01T00:00:00+08:00}
billing_accounts: [{provider: AWS, billing_account: B1, sub_account: S1, customer: C1}]
`

// intakes is a house that takes in consumption.
type intakes struct {
	*Consumption
	t testing.TB
}

func takesIn(t testing.TB) intakes {
	t.Helper()
	i := intakes{&Consumption{DB: pgtest.New(t)}, t}
	i.load(importers)
	return i
}

func (i intakes) load(text string) {
	i.t.Helper()
	file, err := ParseProgramme([]byte(text))
	require.NoError(i.t, err)
	_, err = (&Programme{DB: i.DB}).Load(context.Background(), file, "operator", monday)
	require.NoError(i.t, err)
}

func (i intakes) try(text string, partial bool) (ImportReport, error) {
	return i.Import(context.Background(), ImportInput{Name: "f.csv", Content: strings.NewReader(text), Person: "he", At: monday, Partial: partial, Limit: 10})
}

// take takes in a file and gives the rows added, known, repeated and bad.
func (i intakes) take(text string) [4]int64 {
	i.t.Helper()
	r, err := i.try(text, false)
	require.NoError(i.t, err)
	return [4]int64{r.Added, r.Old, r.Repeated, r.Bad}
}

func (i intakes) rate(currency, month, rate string) error {
	m, err := calendar.ParseDate(month + "-01")
	require.NoError(i.t, err)
	return i.SetRate(context.Background(), SetRateInput{Currency: currency, Month: m, Rate: decimal.RequireFromString(rate), Person: "he", At: monday})
}

func (i intakes) one(query string, args ...any) string {
	i.t.Helper()
	var v string
	require.NoError(i.t, i.DB.Get(&v, `SELECT (`+query+`)::text`, args...))
	return v
}

const head = "customer,partner,product,charge,amount,currency,used_at,posted_at,row_id\n"

// row is a line of a file: a use of C1 that day.
func row(day int, amount string) string {
	return fmt.Sprintf("C1,P1001,ecs,usage,%s,CNY,2024-05-%02d,2024-05-%02d,\n", amount, day, day)
}

// sample is the FinOps Foundation's, with every account of it mapped and with its rates.
func sample(t *testing.T, i intakes) (text string, rows [][]string) {
	t.Helper()
	content, err := os.ReadFile("../demo/focus_sample.csv")
	require.NoError(t, err)
	rows, err = csv.NewReader(bytes.NewReader(content)).ReadAll()
	require.NoError(t, err)
	at := map[string]int{}
	for n, name := range rows[0] {
		at[name] = n
	}
	accounts := "provider,billing_account,sub_account,customer\n"
	for n, r := range rows[1:] {
		accounts += fmt.Sprintf("%s,%s,%s,C%d\n", r[at["ProviderName"]], r[at["BillingAccountId"]], strings.Replace(r[at["SubAccountId"]], "NULL", "", 1), 1+n%2)
	}
	got, err := i.Map(context.Background(), MapInput{Name: "m.csv", Content: strings.NewReader(accounts), Person: "he", At: monday})
	require.NoError(t, err)
	require.Empty(t, got.Faults)
	require.NoError(t, i.rate("USD", "2024-09", "7.05"))
	require.NoError(t, i.rate("USD", "2024-10", "7.1"))
	return string(content), rows
}

// Rule: PERF-09, ENG-01
func TestGivenARealFOCUSExport_WhenItIsTakenIn_ThenItsThousandRowsAndTheirSumAreThereAndASecondTimeNothingIsAdded(t *testing.T) {
	i := takesIn(t)
	text, rows := sample(t, i)
	r, err := i.try(text, false)
	require.NoError(t, err)
	require.Equal(t, ImportReport{Import: r.Import, File: "f.csv", Format: consumption.Focus, Added: 1000, Faults: []consumption.Fault{}}, r)

	require.Equal(t, "1000 20.52022672899", i.one(`SELECT count(*) || ' ' || trim_scale(sum(original)) FROM consumption`))
	want := decimal.Zero
	for _, row := range rows[1:] { // BilledCost is the second column, EffectiveCost the 23rd, the status of the commitment the 17th
		cost := row[1]
		if row[16] == "Used" {
			cost = row[22]
		}
		want = want.Add(decimal.RequireFromString(cost))
	}
	require.Equal(t, want.String(), i.one(`SELECT trim_scale(sum(original)) FROM consumption`))
	require.Equal(t, "true", i.one(`SELECT bool_and(gross = original * CASE period WHEN '2024-09-01' THEN 7.05 ELSE 7.1 END) FROM consumption`))
	require.Equal(t, "2024-09-01 adjustment 2, 2024-09-01 credit 1, 2024-09-01 refund 12, 2024-09-01 usage 970, 2024-10-01 usage 15", i.one(`
		SELECT string_agg(period || ' ' || charge || ' ' || n, ', ' ORDER BY period, charge) FROM (SELECT period, charge, count(*) AS n FROM consumption GROUP BY 1, 2) c`))
	require.Equal(t, "-18.426585", i.one(`SELECT trim_scale(sum(voucher)) FROM consumption WHERE charge = 'credit' AND cash = 0`))

	again, err := i.try(text, false)
	require.NoError(t, err)
	require.Equal(t, ImportReport{Import: r.Import, File: "f.csv", Format: consumption.Focus, Known: true, Faults: []consumption.Fault{}}, again)
	require.Equal(t, [4]int64{0, 1000, 0, 0}, i.take(text+"\n"), "other octets, the same rows")
	require.Equal(t, "1000", i.one(`SELECT count(*) FROM consumption`))
}

// Rule: ENG-01
func TestGivenFilesThatOverlap_WhenBothAreTakenIn_ThenEachRowIsThereOnce(t *testing.T) {
	i := takesIn(t)
	require.Equal(t, [4]int64{2, 0, 0, 0}, i.take(head+row(1, "1")+row(2, "2")))
	require.Equal(t, [4]int64{1, 1, 0, 0}, i.take(head+row(2, "2")+row(3, "3")))
	require.Equal(t, [4]int64{1, 1, 1, 0}, i.take(head+row(4, "4")+row(3, "3")+row(4, "4.00")), "the same row twice in one file is one row")
	require.Equal(t, [4]int64{1, 0, 1, 0}, i.take(head+row(5, "5")+row(5, "5")))
	require.Equal(t, "15", i.one(`SELECT sum(gross) FROM consumption`))
	require.Equal(t, [4]int64{2, 0, 0, 0}, i.take(head+strings.Replace(row(6, "6")+row(6, "6"), ",\n", ",a\n", 1)), "a row_id tells them apart")
}

func TestGivenARowIDThatStandsForSomethingElse_WhenItIsTakenIn_ThenTheRowIsBad(t *testing.T) {
	i := takesIn(t)
	named := func(day int, amount, id string) string { return strings.TrimSuffix(row(day, amount), "\n") + id + "\n" }
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(head+named(1, "1", "a")))
	text := head + named(1, "1.00", "a") + named(2, "2", "b") + named(1, "9", "a") + named(3, "3", "b")
	r, err := i.try(text, false)
	require.NoError(t, err)
	number := i.one(`SELECT max(import_id) FROM consumption_imports`)
	require.Equal(t, ImportReport{File: "f.csv", Format: consumption.Programme, Bad: 2, Faults: []consumption.Fault{
		{Line: 4, Column: "row_id", Reason: "the same row_id stands for another row, line 2 of import " + number},
		{Line: 5, Column: "row_id", Reason: "the same row_id stands for another row, line 3"},
	}}, r)
	require.Equal(t, "1", i.one(`SELECT count(*) FROM consumption`))
	r, err = i.try(text, true)
	require.NoError(t, err)
	require.Equal(t, [4]int64{1, 1, 0, 2}, [4]int64{r.Added, r.Old, r.Repeated, r.Bad})
	require.Equal(t, "3", i.one(`SELECT sum(gross) FROM consumption`))
}

func TestGivenAFileWithBadRows_WhenItIsTakenIn_ThenAllAreCountedSomeAreToldAndNothingIsThereUnlessPartial(t *testing.T) {
	i := takesIn(t)
	text := head + row(1, "1") + "C1,P1002,ecs,usage,x,CNY,2024-05-01,2024-05-01,\n" + "C7,P1001,ecs,usage,1,CNY,2024-05-01,2024-05-01,\n" +
		"C3,P1002,ecs,usage,1,CNY,2024-05-01,2024-05-01,\n" + "C1,P1002,ecs,usage,1,USD,2024-05-01,2024-05-01,\n" + "too,few\n" +
		"C1,P1001,\"e\"cs,usage,1,CNY,2024-05-01,2024-05-01,\n" + "C1,P1001,\xff,usage,1,CNY,2024-05-01,2024-05-01,\n" + row(2, "2") + strings.Repeat(row(3, "-3"), 5)
	r, err := i.try(text, false)
	require.NoError(t, err)
	require.Equal(t, int64(12), r.Bad)
	require.Zero(t, r.Import)
	reasons := make([]string, len(r.Faults))
	for n, f := range r.Faults {
		reasons[n] = fmt.Sprintf("%d %s: %s", f.Line, f.Column, f.Reason)
	}
	require.Equal(t, []string{
		`3 amount: "x" is not an amount, write it like 1234.56: at most 15 digits before the point and 18 after it`,
		`4 customer: there is no customer "C7"`,
		`5 customer: customer C3 belonged to no partner on 2024-05-01 00:00:00 +08:00; say to which with: starter consumption map`,
		`6 partner: customer C1 belonged to P1001 on 2024-05-01 00:00:00 +08:00, not to P1002`,
		`6 currency: no rate of USD is known for 2024-05; set it with: starter consumption rate set USD 2024-05 RATE`,
		`7 : the row has 2 fields, the first line names 9`,
		`8 : a quotation mark is missing, or one too many`,
		`9 product: the field is not valid UTF-8`,
		`11 amount: usage is not negative; what is given back is a refund`,
		`12 amount: usage is not negative; what is given back is a refund`,
	}, reasons)
	require.Equal(t, "0", i.one(`SELECT count(*) FROM consumption`))
	require.Equal(t, "0", i.one(`SELECT count(*) FROM consumption_imports`))

	r, err = i.try(text, true)
	require.NoError(t, err)
	require.Equal(t, [3]int64{2, 0, 12}, [3]int64{r.Added, r.Old, r.Bad})
	require.Equal(t, "2 3", i.one(`SELECT count(*) || ' ' || sum(gross) FROM consumption`))
	r, err = i.try(text, true) // what is bad may have been mended meanwhile: the file is looked at again
	require.NoError(t, err)
	require.Equal(t, [3]int64{0, 2, 12}, [3]int64{r.Added, r.Old, r.Bad})
	require.False(t, r.Known)
	r, err = i.try(head+row(3, "-3"), true)
	require.NoError(t, err)
	require.Zero(t, r.Import, "a file without a good row is no import")
}

func TestGivenAFileThatIsNone_WhenItIsTakenIn_ThenASentenceSaysWhy(t *testing.T) {
	i := takesIn(t)
	for text, sentence := range map[string]string{
		"":                        "f.csv: the file is empty; its first line names the columns",
		head:                      "f.csv has no rows below its first line",
		"customer,amount\nC1,1\n": "f.csv: the first line has no column partner,",
		head + `C1,"P` + strings.Repeat("x\n", 1<<20): "f.csv: a row after line 1 has more than 1048576 octets; a quotation mark may be missing there",
	} {
		_, err := i.try(text, true)
		require.ErrorContains(t, err, sentence)
	}
	require.Equal(t, "0", i.one(`SELECT count(*) FROM consumption_imports`))
}

// Rule: COM-16
func TestGivenSomebodyWithoutTheRole_WhenTheyTakeInConsumptionMapOrSetARate_ThenTheyAreRefused(t *testing.T) {
	i := takesIn(t)
	for _, person := range []string{"lina", "mei", "nobody"} {
		_, err := i.Import(t.Context(), ImportInput{Name: "f.csv", Content: strings.NewReader(head + row(1, "1")), Person: person, At: monday})
		require.Equal(t, []string{"CBC.0151"}, RefusalOf(err).Codes())
		_, err = i.Map(t.Context(), MapInput{Content: strings.NewReader("customer,partner,association,bound_from\nC3,P1001,resale,2024-01-01\n"), Person: person, At: monday})
		require.Equal(t, []string{"CBC.0151"}, RefusalOf(err).Codes())
		err = i.SetRate(t.Context(), SetRateInput{Currency: "USD", Month: calendar.Date{Year: 2024, Month: 9, Day: 1}, Rate: decimal.NewFromInt(7), Person: person, At: monday})
		require.Equal(t, []string{"CBC.0151"}, RefusalOf(err).Codes())
	}
	require.Equal(t, "0 0 2", i.one(`SELECT (SELECT count(*) FROM consumption_imports) || ' ' || (SELECT count(*) FROM exchange_rates) || ' ' || (SELECT count(*) FROM customer_bindings)`))
}

// Rule: PERF-11
func TestGivenACustomerOfATier2_WhenItsConsumptionIsTakenIn_ThenItIsTheTier1s(t *testing.T) {
	i := takesIn(t)
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(head+row(1, "600.00")))
	require.Equal(t, "P1001 P1003 resale 600", i.one(`SELECT concat_ws(' ', partner_id, tier2, association, gross) FROM consumption`))
}

// Rule: PERF-03
func TestGivenARate_WhenItWasUsed_ThenItStaysAndBeforeItMayBeMended(t *testing.T) {
	i := takesIn(t)
	require.NoError(t, i.rate("USD", "2024-05", "70.5"))
	require.NoError(t, i.rate("USD", "2024-05", "7.05"))
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(head+"C1,P1001,ecs,usage,2,USD,2024-05-01,2024-05-01,\n"))
	require.Equal(t, "14.1", i.one(`SELECT gross FROM consumption`))
	require.NoError(t, i.rate("USD", "2024-05", "7.05"), "the same again changes nothing")
	list := RefusalOf(i.rate("USD", "2024-05", "7"))
	require.Equal(t, []string{"ENG_STATE"}, list.Codes())
	require.Equal(t, "rate of USD for 2024-05", list[0].Object)
	require.Equal(t, "7.05", i.one(`SELECT rate FROM exchange_rates`))
	require.Equal(t, []string{"CBC.0100", "CBC.0100"}, RefusalOf(i.rate("CNY", "2024-05", "-1")).Codes())
}

// Rule: PERF-01
func TestGivenABinding_WhenConsumptionWasCountedByIt_ThenItEndsAfterThatOrNotAtAll(t *testing.T) {
	i := takesIn(t)
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(head+row(20, "1")))
	mapped := func(rows string) (MapReport, error) {
		return i.Map(t.Context(), MapInput{Name: "m.csv", Content: strings.NewReader("customer,partner,association,tier2,bound_from,bound_until\n" + rows), Person: "he", At: monday})
	}
	for _, rows := range []string{
		"C1,P1001,resale,P1003,2024-01-01,2024-05-20\n",     // ends at the instant of the use
		"C1,P1001,advisory,P1003,2024-01-01,\n",             // would have been another association
		"C1,P1002,resale,,2024-05-01,\n",                    // two partners at once
		"C2,P1001,resale,,2023-01-01,2024-01-01T00:00:01\n", // for a second
	} {
		_, err := mapped(rows)
		require.Equal(t, []string{"ENG_STATE"}, RefusalOf(err).Codes(), rows)
		require.Contains(t, RefusalOf(err)[0].Object, "customer C")
	}
	r, err := mapped("C1,P1002,advisory,,2024-05-21,\nC1,P1001,resale,P1003,2024-01-01,2024-05-21\n")
	require.NoError(t, err)
	require.Equal(t, int64(2), r.Bindings)
	r, err = mapped("C1,P1001,resale,P1003,2024-01-01,2024-05-21\nC1,P1002,advisory,,2024-05-21,\n")
	require.NoError(t, err)
	require.Zero(t, r.Bindings, "a second time nothing changes")
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(head+"C1,P1002,ecs,usage,3,CNY,2024-05-21,2024-05-21,\n"))

	_, err = i.Map(t.Context(), MapInput{Name: "m.csv", Content: strings.NewReader("customer,provider,billing_account,sub_account\nC2,AWS,B1,S1\n"), Person: "he", At: monday})
	require.Equal(t, "account AWS B1 S1", RefusalOf(err)[0].Object, "its consumption was counted as that of C1")
}

func TestGivenAMapWithFaults_WhenItIsTakenIn_ThenAllAreToldAndNothingChanges(t *testing.T) {
	i := takesIn(t)
	r, err := i.Map(t.Context(), MapInput{Name: "m.csv", Person: "he", At: monday, Content: strings.NewReader("customer,provider,billing_account,sub_account,partner,association,tier2,rebound,bound_from,bound_until\n" +
		"C3,AWS,B2,,P1001,resale,,true,2024-01-01,\n" + "C7,AWS,,,P7,sale,P8,no,May,2024\n" + "C3,,,,,resale,,,,\n" + ",,,,P1001,resale,P1001,,2024-01-02,2024-01-01\n" + "C3\n")})
	require.NoError(t, err)
	var told []string
	for _, f := range r.Faults {
		told = append(told, fmt.Sprintf("%d %s: %s", f.Line, f.Column, f.Reason))
	}
	require.Equal(t, []string{
		"3 billing_account: it is empty", `3 association: "sale" is not one of resale, advisory`, `3 rebound: "no" is neither true nor false`,
		`3 bound_from: "May" is not a time, write it like 2024-09-01 or 2024-09-01T00:00:00+08:00`, `3 bound_until: "2024" is not a time, write it like 2024-09-01 or 2024-09-01T00:00:00+08:00`,
		`3 customer: "C7" is not registered`, `3 partner: "P7" is not registered`, `3 tier2: "P8" is not registered`,
		"4 : the row names neither an account nor a partner", "4 association: the row names no partner",
		"5 customer: it is empty", "5 tier2: the reseller is the partner itself", "5 bound_until: it is not after bound_from",
		"6 : the row has 1 fields, the first line names 10",
	}, told)
	require.Equal(t, "1 2", i.one(`SELECT (SELECT count(*) FROM billing_accounts) || ' ' || (SELECT count(*) FROM customer_bindings)`))
	_, err = i.Map(t.Context(), MapInput{Name: "m.csv", Person: "he", At: monday, Content: strings.NewReader("customer,colour\n")})
	require.ErrorContains(t, err, "m.csv: the first line names the unknown column colour")
}

// Rule: PERF-09
func TestGivenAFileOfManyMonths_WhenItIsTakenIn_ThenEachHasItsPartitionAndReadersNeedNotWait(t *testing.T) {
	i := takesIn(t)
	text := "billing_mode," + head + "monthly-settled,C1,P1001,cdn,usage,1,CNY,2024-05-31 12:00:00,2024-06-03,\n"
	for month := range 12 {
		text += fmt.Sprintf("pay-per-use,C1,P1001,ecs,usage,1,CNY,2024-%02d-15,2024-%02[1]d-15,\n", 1+month)
	}
	reader, err := i.DB.Beginx() // looks at the table while its months are made
	require.NoError(t, err)
	defer reader.Rollback()
	_, err = reader.Exec(`SELECT count(*) FROM consumption`)
	require.NoError(t, err)
	require.Equal(t, [4]int64{13, 0, 0, 0}, i.take(text))
	require.Equal(t, "2024-06-01", i.one(`SELECT period FROM consumption WHERE product = 'cdn'`))
	require.Equal(t, "12 13", i.one(`SELECT count(DISTINCT period) || ' ' || count(*) FROM consumption`))
	require.Equal(t, "12", i.one(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'consumption'::regclass`))
}

func TestGivenTwoImportsAtOnce_WhenTheyHaveRowsInCommon_ThenNeitherFailsAndEachRowIsThereOnce(t *testing.T) {
	i := takesIn(t)
	var both sync.WaitGroup
	added := make([]int64, 4)
	for n := range added {
		both.Go(func() {
			text := head
			for day := range 20 { // in opposite orders, two of the files the same
				d := day
				if n%2 == 1 {
					d = 19 - day
				}
				text += row(1+d, "1")
			}
			r, err := i.try(text, false)
			if err != nil {
				t.Error(err)
			}
			added[n] = r.Added
		})
	}
	both.Wait()
	require.Equal(t, int64(20), added[0]+added[1]+added[2]+added[3])
	require.Equal(t, "20 2", i.one(`SELECT (SELECT count(*) FROM consumption) || ' ' || (SELECT count(*) FROM consumption_imports)`))
}

// changing is a file that is another one when it is read again.
type changing struct {
	*strings.Reader
	second string
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if c.Len() == 0 && whence == io.SeekStart && offset == 0 && c.second != "" {
		c.Reader, c.second = strings.NewReader(c.second), ""
	}
	return c.Reader.Seek(offset, whence)
}

// Rule: ENG-01
func TestGivenAFileThatChangesWhileItIsLookedFor_WhenItIsTakenIn_ThenWhatWasReadIsWhatIsRemembered(t *testing.T) {
	i := takesIn(t)
	first, second := head+row(1, "1"), head+row(1, "2")
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(head+row(2, "2"))) // of the same size
	r, err := i.Import(t.Context(), ImportInput{Name: "f.csv", Content: &changing{strings.NewReader(first), second}, Person: "he", At: monday})
	require.NoError(t, err)
	require.Equal(t, int64(1), r.Added)
	r, err = i.try(second, false)
	require.NoError(t, err)
	require.True(t, r.Known)
	require.Equal(t, "4", i.one(`SELECT sum(gross) FROM consumption`))
	r, err = i.Import(t.Context(), ImportInput{Name: "f.csv", Content: &changing{strings.NewReader(first), second}, Person: "he", At: monday})
	require.NoError(t, err)
	require.True(t, r.Known, "what was read turned out to be known")
}

func TestGivenTextsThatCOPYTakesForItsOwn_WhenTheyAreTakenIn_ThenTheyAreKept(t *testing.T) {
	i := takesIn(t)
	odd := "a\\N\tb\\\nc\r\\.\v\"ü"
	require.Equal(t, [4]int64{1, 0, 0, 0}, i.take(strings.Replace(head, "row_id", "order", 1)+strings.ReplaceAll(strings.Replace(row(1, "1"), "ecs", `"`+strings.ReplaceAll(odd, `"`, `""`)+`"`, 1), ",\n", ",\\.\n")))
	require.Equal(t, strings.ReplaceAll(odd, "\r\n", "\n"), i.one(`SELECT product FROM consumption`))
	require.Equal(t, `\.`, i.one(`SELECT order_id FROM consumption`))
}

// Rule: ENG-01
func TestGivenAnyFile_WhenItIsTakenInWholeOrInPiecesThatOverlap_ThenTheRowsAndTheirSumAreTheSame(t *testing.T) {
	i := takesIn(t)
	require.NoError(t, i.rate("USD", "2024-05", "7.05"))
	var runs int
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		n := rapid.IntRange(1, 30).Draw(rt, "rows")
		rows, want := make([]string, n), decimal.Zero
		for k := range rows { // the order's name makes each run's rows its own
			cents, currency := rapid.Int64Range(0, 1e12).Draw(rt, "amount"), rapid.SampledFrom([]string{"CNY", "USD"}).Draw(rt, "currency")
			amount := decimal.New(cents, -int32(rapid.IntRange(0, 12).Draw(rt, "places")))
			voucher := decimal.New(rapid.Int64Range(0, cents).Draw(rt, "voucher"), amount.Exponent())
			rows[k] = fmt.Sprintf("C1,P1001,ecs,usage,%s,%s,2024-05-%02d,2024-05-31,%s,%s,%d/%d\n", amount, currency, 1+k, amount.Sub(voucher), voucher, runs, k)
			if currency == "USD" {
				amount = amount.Mul(decimal.RequireFromString("7.05"))
			}
			want = want.Add(amount)
		}
		const head = "customer,partner,product,charge,amount,currency,used_at,posted_at,cash,voucher,order\n"
		from, to := rapid.IntRange(0, n).Draw(rt, "from"), rapid.IntRange(0, n).Draw(rt, "to")
		var added int64
		for _, piece := range [][]string{rows[:max(from, to)], rows[min(from, to):], rows} {
			if len(piece) == 0 {
				continue
			}
			r, err := i.try(head+strings.Join(piece, ""), false)
			require.NoError(rt, err)
			added += r.Added
		}
		require.Equal(rt, int64(n), added)
		var got decimal.Decimal
		require.NoError(rt, i.DB.Get(&got, `SELECT coalesce(sum(gross), 0) FROM consumption WHERE order_id LIKE $1`, fmt.Sprintf("%d/%%", runs)))
		require.Equal(rt, want.String(), got.String())
	})
}

func TestGivenAProgressBar_WhenAFileIsTakenIn_ThenItIsToldEveryOctet(t *testing.T) {
	i := takesIn(t)
	var last, all int64
	text := head + row(1, "1")
	_, err := i.Import(t.Context(), ImportInput{Name: "f.csv", Content: strings.NewReader(text), Person: "he", At: time.Now(), Progress: func(d, a int64) { last, all = d, a }})
	require.NoError(t, err)
	require.Equal(t, []int64{int64(len(text)), int64(len(text))}, []int64{last, all})
}

func TestGivenAnImportThatIsInterrupted_WhenItEnds_ThenNothingIsThereAndTheNextOneGoesThrough(t *testing.T) {
	i := takesIn(t)
	var text strings.Builder
	text.WriteString(strings.Replace(head, "row_id", "order", 1))
	for n := range 20_000 {
		fmt.Fprintf(&text, "C1,P1001,ecs,usage,1,CNY,2024-05-01,2024-05-01,%d\n", n)
	}
	for _, at := range []int64{0, 1, 2} { // thirds of the file
		ctx, cancel := context.WithCancel(t.Context())
		_, err := i.Import(ctx, ImportInput{Name: "f.csv", Content: strings.NewReader(text.String()), Person: "he", At: monday, Progress: func(done, all int64) {
			if done > at*all/3 {
				cancel()
			}
		}})
		cancel()
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, "0", i.one(`SELECT count(*) FROM consumption`))
	}
	require.Equal(t, [4]int64{20_000, 0, 0, 0}, i.take(text.String()))
}

func TestGivenAnyRows_WhenTheyAreTakenIn_ThenWhatIsFoundGoodIsWhatTheDatabaseTakes(t *testing.T) {
	i := takesIn(t)
	require.NoError(t, i.rate("USD", "2024-05", "7.05"))
	text := rapid.SampledFrom([]string{"", "C1", "C2", "P1001", "ecs", "a\tb", `\.`, "\\", "ü", "x\ny", strings.Repeat("y", 64), strings.Repeat("z", 65), `"q"`, "NULL", "\u2028"})
	amount := rapid.SampledFrom([]string{"", "0", "-0", "1", "-1", "0.5", "1E-18", "999999999999999.999999999999999999", "1e5", "x", "-999999999999999"})
	instant := rapid.SampledFrom([]string{"", "2024-05-01", "2024-04-30T16:00:00Z", "2024-04-30T15:59:59.9999999Z", "2024-05-31 23:59:59.999999", "2000-01-01", "1999-12-31T16:00:00Z", "2025-11-03T10:00:00+08:00", "2024-02-29"})
	word := func(of ...string) *rapid.Generator[string] { return rapid.SampledFrom(append(of, of...)) }
	columns := []struct {
		name   string
		values *rapid.Generator[string]
	}{
		{"customer", word("C1", "C2", "C3", "C4")},
		{"partner", word("P1001", "P1002", "P1003")},
		{"product", text},
		{"charge", word("usage", "refund", "purchase", "top-up", "card-purchase", "tax", "credit", "adjustment", "gift")},
		{"amount", amount},
		{"currency", word("CNY", "USD", "EUR")},
		{"used_at", instant},
		{"posted_at", instant},
		{"order", text},
		{"billing_mode", word("", "monthly-settled", "subscription", "pay-per-use")},
		{"association", word("", "resale", "advisory")},
		{"region", text},
		{"marketplace", word("", "true", "false")},
		{"tier2", word("", "P1003", "P1001")},
		{"cash", amount},
		{"voucher", amount},
		{"row_id", text},
	}
	good := 0
	rapid.Check(t, func(rt *rapid.T) {
		var file strings.Builder
		w := csv.NewWriter(&file)
		var names []string
		usual := map[string]string{"customer": "C1", "partner": "P1001", "product": "ecs", "charge": "usage", "amount": "0.5", "currency": "CNY", "used_at": "2024-05-01", "posted_at": "2024-05-31 23:59:59.999999"}
		for _, c := range columns {
			names = append(names, c.name)
		}
		require.NoError(rt, w.Write(names))
		for range rapid.IntRange(1, 8).Draw(rt, "rows") {
			var fields []string
			for _, c := range columns {
				v := usual[c.name]
				if rapid.IntRange(0, 4).Draw(rt, "other") == 0 { // most fields are as usual, or no row would be good
					v = c.values.Draw(rt, c.name)
				}
				fields = append(fields, v)
			}
			require.NoError(rt, w.Write(fields))
		}
		w.Flush()
		r, err := i.try(file.String(), true)
		require.NoError(rt, err)
		good += int(r.Added)
	})
	require.NotZero(t, good)
}
