package views

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/certificate"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/internal/certificatepdf"
	"countersign/internal/invoicepdf"

	"github.com/shopspring/decimal"
)

// blankRows is how many lines a printed list has at least, to write numbers on.
const blankRows = 5

// Print makes the PDF of an invoice list with the invoices of the round that is under way or was accepted, else with those
// that are to be sent: their numbers stand on the list before it goes (INV-09). What of them cannot be read is an error.
func (v InvoiceList) Print(toSend []invoice.Entered, at time.Time) ([]byte, error) {
	l := invoicepdf.List{
		Number: v.No, Requisition: v.Case, Buyer: v.Buyer, Period: v.Period, Amount: v.Amount, Currency: v.Currency, ServiceFeeRate: decimal.RequireFromString(v.Rate.String()),
		Supplier:       invoicepdf.Supplier{Name: v.Name, TaxNumber: v.TaxNumber, Bank: strings.TrimSpace(v.Bank + " " + v.Branch), Account: v.AccountNo},
		MailingAddress: v.MailingAddress, PublicMailbox: v.PublicMailbox, Contacts: v.Contacts, Rows: blankRows, PrintedAt: at,
	}
	if n := len(v.Rounds); n > 0 && v.Rounds[n-1].Result != string(invoice.Fail) {
		for _, i := range v.Rounds[n-1].Invoices {
			l.Invoices = append(l.Invoices, invoicepdf.Invoice{Number: i.Name(), Date: i.Date, Net: i.Net, Tax: i.Tax, Total: i.Total})
		}
		return invoicepdf.Print(l)
	}
	for n, e := range toSend {
		i := invoicepdf.Invoice{Number: strings.TrimSpace(invoice.Number(e.Code) + " " + invoice.Number(e.Number))}
		var faults [4]error
		i.Date, faults[0] = calendar.ParseDate(e.Date)
		i.Net, faults[1] = money.Parse(e.Net)
		i.Tax, faults[2] = money.Parse(e.Tax)
		i.Total, faults[3] = money.Parse(e.Total)
		if err := errors.Join(faults[:]...); err != nil {
			return nil, UnreadableError{n + 1, err}
		}
		l.Invoices = append(l.Invoices, i)
	}
	return invoicepdf.Print(l)
}

// UnreadableError is an invoice whose day or amounts are none.
type UnreadableError struct {
	No  int // of the invoice, from 1
	Err error
}

func (e UnreadableError) Error() string { return fmt.Sprintf("invoice %d: %s", e.No, e.Err) }
func (e UnreadableError) Unwrap() error { return e.Err }

// Facts are the lines of what is certified, each with its label.
func (c Certificate) Facts() [][2]string {
	facts := [][2]string{
		{c.Kind.NameOf().String(), certificate.Spelt(c.Name)},
		{c.Kind.GradeOf().String(), certificate.Spelt(c.Grade)},
	}
	if c.Version != "" {
		facts = append(facts, [2]string{"版本 Version", c.Version})
	}
	return append(facts,
		[2]string{"生效 Valid from", c.Validity().FromText()},
		[2]string{"有效期至 Valid until", c.Validity().UntilText()})
}

// Print makes the certificate's PDF, with the code by which it is verified under an address (CERT-20).
func (c Certificate) Print(base string) ([]byte, error) {
	title, statement := c.Kind.Title(), c.Kind.Statement()
	return certificatepdf.Print(certificatepdf.Certificate{
		Number: c.Number, Title: [2]string{title.Chinese, title.English}, Holder: c.Holder, Statement: [2]string{statement.Chinese, statement.English},
		Facts: c.Facts(), Issuer: c.Issuer, IssuedAt: c.Issued, IssuedOn: calendar.DateOf(c.Issued).String(), Address: c.Address(base),
	})
}
