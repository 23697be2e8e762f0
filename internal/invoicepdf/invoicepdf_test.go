package invoicepdf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/internal/pdf"
	"countersign/internal/pdftest"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func sample() List {
	return List{
		Number:      "L000001",
		Requisition: "R000001",
		Supplier: Supplier{
			Name: "上海云帆信息技术有限公司", TaxNumber: "91310000MA1K35XY2Q", Bank: "招商银行股份有限公司上海分行营业部", Account: "6225 8812 0045 7719",
		},
		Buyer:          "华云软件技术有限公司",
		Period:         "2024-05",
		Amount:         money.Must("10300.00"),
		Currency:       money.CNY,
		ServiceFeeRate: decimal.NewFromInt(3),
		MailingAddress: "广东省深圳市龙岗区坂田街道五和大道南 2 号 财务共享中心 票据组（收）518129，请在信封上注明申请单号 R000001",
		PublicMailbox:  "invoices@vendor.example",
		Contacts:       "王伟 Wang Wei, 138 0013 8000, wang.wei@partner.example",
		Invoices: []Invoice{
			{"24312000000012345678", calendar.Date{Year: 2024, Month: 6, Day: 7}, money.Must("9708.74"), money.Must("291.26"), money.Must("10000.00")},
			{"24312000000012345679", calendar.Date{Year: 2024, Month: 6, Day: 7}, money.Must("291.26"), money.Must("8.74"), money.Must("300.00")},
		},
		Rows:      6,
		PrintedAt: time.Date(2024, 6, 7, 17, 0, 0, 0, time.UTC),
	}
}

// printed prints a list and reads the text of each page back, spaces out.
func printed(t *testing.T, l List) []string {
	t.Helper()
	out, err := Print(l)
	require.NoError(t, err)
	if file := os.Getenv("INVOICE_LIST_PDF"); file != "" { // to look at
		require.NoError(t, os.WriteFile(file, out, 0o600))
	}
	require.Contains(t, string(out), "/ToUnicode", "what is printed can be searched and copied")
	return pdftest.Texts(t, out)
}

// Rule: INV-03 INV-07 INV-21
func TestGivenAList_WhenItIsPrinted_ThenEveryFieldCanBeReadBothInFiguresAndInCapitalNumerals(t *testing.T) {
	pages := printed(t, sample())
	require.Len(t, pages, 1)
	for _, text := range []string{
		"开票清单", "Invoice List", "L000001", "R000001", "上海云帆信息技术有限公司", "91310000MA1K35XY2Q", "招商银行股份有限公司上海分行营业部",
		"6225 8812 0045 7719", "华云软件技术有限公司", "2024-05", "10,300.00", "人民币壹万零叁佰元整", "3%", "CNY", "518129", "invoices@vendor.example",
		"王伟 Wang Wei", "24312000000012345678", "2024-06-07", "9,708.74", "10,000.00", "300.00",
		"打印日期 Printed on: 2024-06-08", // 17:00 UTC is the next day in UTC+8
		"第 1 页，共 1 页", "Page 1 of 1",
	} {
		require.Contains(t, pages[0], strings.ReplaceAll(text, " ", ""))
	}

	dollars := sample()
	dollars.Currency, dollars.Amount = "USD", money.Must("952.83")
	require.Contains(t, printed(t, dollars)[0], "USD玖佰伍拾贰元捌角叁分")
	require.NotContains(t, printed(t, dollars)[0], "人民币")
}

// Rule: INV-09
func TestGivenAListWithoutInvoices_WhenItIsPrinted_ThenItHasLinesToWriteTheNumbersOn(t *testing.T) {
	l := sample()
	l.Invoices = nil
	text := printed(t, l)[0]
	require.Contains(t, text, "123456合计Total", "six numbered lines and nothing in them")
	require.NotContains(t, text, "0.00供应商", "no sum is printed of what is not known")
}

func TestGiven80Invoices_WhenTheyArePrinted_ThenTheTableGoesOnUnderItsHeaderAndEachLineStandsOnce(t *testing.T) {
	l := sample()
	l.Invoices = nil
	for i := range 80 {
		l.Invoices = append(l.Invoices, Invoice{fmt.Sprintf("A%05d", i), calendar.Date{Year: 2024, Month: 6, Day: 7}, money.Must("970.87"), money.Must("29.13"), money.Must("1000.00")})
	}
	pages := printed(t, l)
	require.Len(t, pages, 4)
	for i, page := range pages {
		require.Contains(t, page, fmt.Sprintf("L000001第%d页，共4页", i+1))
		require.Equal(t, 1, strings.Count(page, "Invoicenumber"), "page %d", i+1)
	}
	all := strings.Join(pages, "")
	for i := range 80 {
		require.Equal(t, 1, strings.Count(all, fmt.Sprintf("A%05d2024", i)))
	}
	require.Contains(t, pages[3], "77,669.602,330.4080,000.00")
	require.Contains(t, pages[3], "Supplier'sseal")
}

func TestGivenTheSameList_WhenItIsPrintedTwice_ThenTheFilesAreTheSame(t *testing.T) {
	first, err := Print(sample())
	require.NoError(t, err)
	var all sync.WaitGroup // at once, too: the font is shared
	again, errs := make([][]byte, 4), make([]error, 4)
	for i := range again {
		all.Go(func() { again[i], errs[i] = Print(sample()) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, a := range again {
		require.True(t, bytes.Equal(first, a))
	}
	later := sample()
	later.PrintedAt = later.PrintedAt.Add(24 * time.Hour)
	other, err := Print(later)
	require.NoError(t, err)
	require.False(t, bytes.Equal(first, other))
	require.Less(t, len(first), 200_000, "only the signs in use are embedded")
}

func TestGivenASignThatTheFontHasNot_WhenTheListIsPrinted_ThenItIsNamedAndNothingIsPrinted(t *testing.T) {
	for name, want := range map[string]string{
		"𠮷野家有限公司":      "𠮷 (U+20BB7)",
		"Søn 😀 \uE000": "\uE000 (U+E000), 😀 (U+1F600)",
		"한국 주식회사":      "국 (U+AD6D), 사 (U+C0AC), 식 (U+C2DD), 주 (U+C8FC), 한 (U+D55C), 회 (U+D68C)",
	} {
		l := sample()
		l.Supplier.Name = name
		out, err := Print(l)
		var missing *pdf.Missing
		require.ErrorAs(t, err, &missing)
		require.ErrorContains(t, err, want)
		require.Nil(t, out)
	}
}

func TestGivenRareNamesAndBreaks_WhenTheyArePrinted_ThenNoSignIsLost(t *testing.T) {
	l := sample()
	l.Supplier.Name = strings.Repeat("䶮喆玥彧镕堃Ltd", 12) + "，Unit 7 " + strings.Repeat("x", 200)
	l.MailingAddress = "第一行\n第二行\t\u200b完"
	text := printed(t, l)[0]
	require.Contains(t, text, strings.ReplaceAll(l.Supplier.Name, " ", ""))
	require.Contains(t, text, "第一行第二行完")
}

func TestFiguresHaveACommaAtEachThousand(t *testing.T) {
	for in, want := range map[string]string{"0.00": "0.00", "999.99": "999.99", "1000.00": "1,000.00", "-1234567.80": "-1,234,567.80", "-999.00": "-999.00"} {
		require.Equal(t, want, grouped(money.Must(in)))
	}
}

func TestGivenFieldsThatFillThePage_WhenTheListIsPrinted_ThenTheTableHasItsHeaderOnceOnEachPage(t *testing.T) {
	for lines := 20; lines < 40; lines++ {
		l := sample()
		l.Contacts = strings.Repeat("王\n", lines) + "王"
		for n, page := range printed(t, l) {
			require.LessOrEqual(t, strings.Count(page, "发票号码Invoicenumber"), 1, "%d lines, page %d", lines, n+1)
		}
	}
}
