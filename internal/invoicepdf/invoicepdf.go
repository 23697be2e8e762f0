// Package invoicepdf prints the list that a partner sends along with its invoices (开票清单), in Chinese and English. What
// it prints is handed in whole; the same list prints the same octets.
package invoicepdf

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/internal/pdf"

	"github.com/shopspring/decimal"
)

// List is what one invoice list says. An empty text prints as an empty cell.
type List struct {
	Number      string // of the list
	Requisition string // number of the case that is invoiced

	Supplier Supplier
	Buyer    string // the vendor's signing entity, in whose name the invoices are issued
	Period   string // settlement period: "2024-05", "2024-Q2"

	Amount         money.Amount    // to be invoiced, tax included
	Currency       money.Currency  // of the supplier's business information (INV-21)
	ServiceFeeRate decimal.Decimal // percent: 3 prints as 3%

	MailingAddress string // where paper invoices go (INV-03)
	PublicMailbox  string // where electronic ones go (INV-03)
	Contacts       string // the supplier's financial contact

	Invoices []Invoice // those registered so far, in order
	Rows     int       // rows at least, the missing ones blank to write the numbers on (INV-09)

	PrintedAt time.Time // shown as a date, and the file's creation date
}

// Supplier is the partner as its business information has it.
type Supplier struct{ Name, TaxNumber, Bank, Account string }

// Invoice is one line of the list.
type Invoice struct {
	Number          string
	Date            calendar.Date
	Net, Tax, Total money.Amount
}

// Print makes the PDF. The only error that lies in the list is *pdf.Missing.
func Print(l List) ([]byte, error) {
	_, pages, err := layOut(l, 0)
	if err != nil {
		return nil, err
	}
	out, _, err := layOut(l, pages) // how many pages there are is known by now
	return out, err
}

// layOut makes the PDF and counts its pages.
func layOut(l List, pages int) ([]byte, int, error) {
	page, err := pdf.New(pdf.Sheet{Title: "开票清单 " + l.Number, PrintedAt: l.PrintedAt, Foot: func(n int) string {
		return fmt.Sprintf("%s    第 %d 页，共 %d 页    Page %d of %d", l.Number, n, pages, n, pages)
	}})
	if err != nil {
		return nil, 0, err
	}
	p := printer{page}
	p.title(l)
	p.fields(l)
	p.invoices(l)
	p.closing()
	return p.Bytes()
}

// printer is a list being printed.
type printer struct{ *pdf.Page }

func (p printer) title(l List) {
	p.Size(17)
	p.Line("开票清单", 9, "C")
	p.Size(11)
	p.Line("Invoice List", 6, "C")
	p.Size(9)
	p.Line("清单编号 List no.: "+l.Number, 5, "L")
	p.SetY(p.GetY() - 5)
	p.Line("打印日期 Printed on: "+calendar.DateOf(l.PrintedAt).String(), 5, "R")
	p.Ln(1.5)
}

func (p printer) fields(l List) {
	p.Size(9.5)
	for _, f := range [][2]string{
		{"申请单号 Requisition no.", l.Requisition},
		{"结算周期 Settlement period", l.Period},
		{"供应商名称 Supplier", l.Supplier.Name},
		{"纳税人识别号 Tax number", l.Supplier.TaxNumber},
		{"开户银行 Bank", l.Supplier.Bank},
		{"银行账号 Account", l.Supplier.Account},
		{"购买方（签约主体） Buyer (signing entity)", l.Buyer},
		{"币种 Currency", string(l.Currency)},
		{"服务费税率 Service-fee tax rate", l.ServiceFeeRate.String() + "%"},
		{"开票金额（含税） Amount, tax included", grouped(l.Amount)},
		{"大写金额 Amount in capital numerals", named(l.Currency) + l.Amount.Capital()},
		{"邮寄地址 Mailing address", l.MailingAddress},
		{"公共邮箱 Public mailbox", l.PublicMailbox},
		{"联系人 Contacts", l.Contacts},
	} {
		p.Row([]pdf.Cell{{Text: f[0], Width: 70, Align: "L"}, {Text: f[1], Width: p.Width - 70, Align: "L"}}, 6.5)
	}
	p.Ln(4)
}

// The columns of the invoices, in millimetres.
var columns = []float64{12, 52, 26, 30, 28, 32}

func (p printer) invoices(l List) {
	p.Room(20) // for the header and a line: what breaks the page in the header prints it twice
	p.Header = func() {
		p.Size(8.5)
		p.Fill = "F"
		p.Row([]pdf.Cell{
			{Text: "序号\nNo.", Width: columns[0], Align: "C"},
			{Text: "发票号码\nInvoice number", Width: columns[1], Align: "C"},
			{Text: "开票日期\nDate", Width: columns[2], Align: "C"},
			{Text: "不含税金额\nExcluding tax", Width: columns[3], Align: "C"},
			{Text: "税额\nTax", Width: columns[4], Align: "C"},
			{Text: "价税合计\nTotal", Width: columns[5], Align: "C"},
		}, 10)
		p.Fill = ""
		p.Size(9)
	}
	p.Header()
	var net, tax, total money.Amount
	for i, v := range l.Invoices {
		net, tax, total = net.Add(v.Net), tax.Add(v.Tax), total.Add(v.Total)
		p.invoice(fmt.Sprint(i+1), v.Number, v.Date.String(), grouped(v.Net), grouped(v.Tax), grouped(v.Total))
	}
	for i := len(l.Invoices); i < l.Rows; i++ {
		p.invoice(fmt.Sprint(i+1), "", "", "", "", "")
	}
	p.Room(7.5 + closingHeight) // what is signed stands under the total
	if len(l.Invoices) == 0 {   // the sums are written by hand, too
		p.invoice("", "合计 Total", "", "", "", "")
	} else {
		p.invoice("", "合计 Total", "", grouped(net), grouped(tax), grouped(total))
	}
	p.Header = nil
}

func (p printer) invoice(texts ...string) {
	cells := make([]pdf.Cell, len(columns))
	for i, w := range columns {
		cells[i] = pdf.Cell{Text: texts[i], Width: w, Align: []string{"C", "L", "C", "R", "R", "R"}[i]}
	}
	p.Row(cells, 7.5)
}

const closingHeight = 30

// closing follows the total on its page.
func (p printer) closing() {
	p.Ln(4)
	p.Size(9)
	p.Line("请将发票号码填写在本清单上，并将清单与发票一并寄出。", 5, "L")
	p.Line("Write the invoice numbers on this list and send the list together with the invoices.", 5, "L")
	p.Ln(6)
	p.Line("供应商（盖章） Supplier's seal: ____________________        日期 Date: ____________________", 6, "L")
}

// grouped sets a comma at each thousand: "10,300.00".
func grouped(a money.Amount) string {
	sign, digits := "", a.String()
	if a.Sign() < 0 {
		sign, digits = "-", digits[1:]
	}
	whole, cents, _ := strings.Cut(digits, ".")
	var groups []string
	for len(whole) > 3 {
		groups, whole = append(groups, whole[len(whole)-3:]), whole[:len(whole)-3]
	}
	slices.Reverse(groups)
	return sign + strings.Join(append([]string{whole}, groups...), ",") + "." + cents
}

// named begins the capital numerals with what they count.
func named(c money.Currency) string {
	if c == money.CNY {
		return "人民币"
	}
	return string(c) + " "
}
