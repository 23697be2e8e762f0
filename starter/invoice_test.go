package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/domain/invoice"
	"countersign/schema"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// listed is a case of P1001 with an invoice list over 10,300.00, on a database of the demo programme.
func listed(t *testing.T) (url, number string) {
	url = programme(t)
	number = open(t, url)
	file := filepath.Join(t.TempDir(), "addresses.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`vendor_addresses: [{entity: cloud, name: "Vendor Cloud Co., Ltd.", mailing_address: "2 Vendor Street", public_mailbox: in@vendor.example}]`), 0o600))
	require.Equal(t, 0, ask(t, url, "load", file).code)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`
		INSERT INTO invoice_lists (list_no, case_number, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch, bank_address,
		       account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox, contacts,
		       opened_at, visible_at, due_date)
		SELECT 'IL000001', $1, 'Alpha Cloud Ltd', '91A', '91A', 'Shenzhen', 'Alpha Cloud Ltd', 'ICBC', 'Nanshan', 'Nanshan', '6222-1', 'small-scale', entity, name,
		       'incentive', '2024-05', 10300, 'CNY', 3, mailing_address, public_mailbox, contacts, '2024-06-05T02:00:00Z', '2024-06-05T02:00:00Z', '2024-07-05' FROM vendor_addresses`, number)
	return url, number
}

// Rule: INV-02, INV-03, INV-09
func TestGivenACaseWithAnInvoiceListWhenItIsLookedUpThenListPDFAndTemplateSayTheSame(t *testing.T) {
	url, number := listed(t)
	text := ask(t, url, "invoice", "list", number).out
	for _, part := range []string{"IL000001", "waiting for your invoice", "10300.00 CNY", "2 Vendor Street", "in@vendor.example", "2024-07-05"} {
		require.Contains(t, text, part)
	}
	require.Equal(t, "IL000001", decoded(t, ask(t, url, "invoice", "list", number, "--json").out)["list_no"])

	pdf := filepath.Join(t.TempDir(), "list.pdf")
	got := ask(t, url, "invoice", "list", number, "--pdf", pdf)
	require.Equal(t, answer{0, "List IL000001 is printed into " + pdf + ".\n", ""}, got)
	printed, err := os.ReadFile(pdf)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(printed), "%PDF-"))

	file := filepath.Join(t.TempDir(), "invoices.yaml")
	template := ask(t, url, "invoice", "template", number).out
	require.NoError(t, os.WriteFile(file, []byte(template), 0o600))
	p, err := readPackage(file, invoice.Package{Case: number, Person: "alice", TrackingNo: "SF1"})
	require.NoError(t, err)
	require.True(t, p.ListEnclosed)
	require.Equal(t, "SF1 10300.00 10000.00 "+number, strings.Join([]string{p.TrackingNo, p.Invoices[0].Total, p.Invoices[0].Net, p.Invoices[0].Items.Requisition}, " "))
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	v, err := views.Reader{DB: db}.InvoiceList(context.Background(), number, time.Now())
	require.NoError(t, err)
	filled, err := notSent(v, "n7", "2024-06-20", "") // INV-09: the number stands on it before it is sent
	require.NoError(t, err)
	require.Equal(t, "n7 2024-06-20 10000.00 300.00 10300.00", fmt.Sprint(filled[0].Number, " ", filled[0].Date, " ", filled[0].Net, " ", filled[0].Tax, " ", filled[0].Total))
	require.Equal(t, 0, ask(t, url, "invoice", "list", number, "--pdf", pdf, "--number", "N7", "--date", "2024-06-20").code)
	require.Equal(t, 0, ask(t, url, "invoice", "list", number, "--pdf", pdf, "--invoices", file).code)
	numbered, err := os.ReadFile(pdf)
	require.NoError(t, err)
	require.NotEqual(t, printed, numbered)
	require.Contains(t, ask(t, url, "invoice", "list", number, "--pdf", pdf, "--number", "N7").err, "Invoice 1: ")
	require.NoError(t, os.WriteFile(file, []byte(template+"colour: red\n"), 0o600))
	_, err = readPackage(file, invoice.Package{})
	require.ErrorContains(t, err, "colour")

	require.Equal(t, 2, ask(t, url, "invoice", "list", "W999999").code)
	require.Contains(t, ask(t, url, "invoice", "send", number, "--as", "alice", "--type", "paperback").err, "--type is paper, electronic or ordinary")
	require.Contains(t, ask(t, url, "invoice", "send", "--as", "alice").err, "CASE is missing")
	require.Equal(t, 2, ask(t, url, "invoice", "arrived", number, "--as", "li").code, "it needs Temporal: the case is open")
}

// Rule: INV-06
func TestGivenAnOrdinaryInvoiceWhenATicketIsOpenedThenItNeedsAddressAndRecipient(t *testing.T) {
	url, number := listed(t)
	got := ask(t, url, "invoice", "return", number, "--number", "N7", "--recipient", "Alice", "--as", "alice")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "INV_RETURN_ADDRESS")
	got = ask(t, url, "invoice", "return", number, "--number", "n7", "--recipient", "Alice", "--address", "1 Cloud Road", "--as", "alice")
	require.Equal(t, answer{0, "Ticket IT000001 asks for invoice N7 back to Alice, 1 Cloud Road.\n", ""}, got)
	got = ask(t, url, "invoice", "returned", "IT000001", "--tracking", "SF9", "--as", "li")
	require.Equal(t, answer{0, "Invoice N7 of ticket IT000001 is on its way back: SF9.\n", ""}, got)
	require.Contains(t, ask(t, url, "outbox", "--person", "alice").out, "普通发票已退回")
}

// Rule: OWE-03, OWE-04
func TestGivenOwed300WhenMoreIsRequestedThenTheRestIsInvoiced(t *testing.T) {
	url := programme(t)
	require.Regexp(t, `OE000001 .* REFUND +- +6 % +300\.00 +300\.00 +open`, ask(t, url, "owed", "list", "P1002").out)
	got := ask(t, url, "owed", "request", "P1002", "--select", "6=300.00", "--as", "bob")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "OWE_AMOUNT")
	got = ask(t, url, "owed", "request", "P1002", "--select", "6=320.00", "--select", "13=50.00", "--as", "bob", "--key", "k1")
	require.Equal(t, answer{0, `Request VI000001 of P1002:

RATE  SELECTED  SET OFF  INVOICED
6 %     320.00   300.00     20.00
13 %     50.00     0.00     50.00
300.00 of OE000001 is set off.
`, ""}, got)
	require.Equal(t, "k1", decoded(t, ask(t, url, "owed", "request", "P1002", "--select", "6=320.00", "--select", "13=50.00", "--as", "bob", "--key", "k1", "--json").out)["key"])
	require.Contains(t, ask(t, url, "owed", "list", "P1002").out, "Nothing is owed.")
	require.Contains(t, ask(t, url, "owed", "list", "P1002", "--all").out, "cleared")
	require.Contains(t, ask(t, url, "owed", "request", "P1002", "--select", "6", "--as", "bob").err, "--select is written like 6=11000.00")
	require.Equal(t, 2, ask(t, url, "owed", "list", "P9").code)
	got = ask(t, url, "owed", "record", "P1002", "--source", "REFUND", "--rate", "6", "--amount", "200", "--as", "li")
	require.Equal(t, answer{0, "Entry OE000002: P1002 owes an invoice over 200.00 at 6 %.\n", ""}, got) // Rule: OWE-02
	require.Contains(t, ask(t, url, "ledger", "verify").out, "The ledger is in order")
}
