package partner

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/document"
	"countersign/domain/invoice"
	"countersign/domain/owed"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// invoicesData is what the partner was asked to invoice, what it owes invoices for, and what it asked the vendor to invoice.
type invoicesData struct {
	asked
	Lists []views.InvoiceListLine
	More  more
	Owed  views.Owed
	Rows  []owed.Selected // of the form
	Asks  bool            // the form is open to the reader
	Goes  bool            // so are requisitions
}

// owedRows is how many tax rates the form has room for.
const owedRows = 3

var invoiceLists = listed{"/partner/invoices", "after", "", pageRows}

func (c *Console) invoices(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx := req.Context()
	data := invoicesData{asked: a, Rows: make([]owed.Selected, owedRows), Asks: p.Holds(owed.Applicants...), Goes: c.may(req.Context(), ofIncentive)}
	for i := range data.Rows {
		data.Rows[i] = owed.Selected{Rate: nth(a.Entered["rate"], i), Amount: nth(a.Entered["amount"], i)}
	}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if c.may(ctx, ofIncentive) {
			found, err := r.SomeInvoiceLists(ctx, p.PartnerID, views.InvoiceFilter{After: invoiceLists.after(req), Limit: invoiceLists.rows + 1}, time.Now())
			if err != nil {
				return err
			}
			data.Lists, data.More = cut(req, invoiceLists, found, func(l views.InvoiceListLine) string { return l.Case })
		}
		data.Owed, err = r.Owed(ctx, p.PartnerID, false)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-invoices", c.Pages.Text(req, "partner.nav.invoices"), data)
	return nil
}

// nth is one of several values of a field; empty: there are not so many.
func nth(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}

// askForInvoices asks the vendor for invoices, an amount for each tax rate; what is owed is set off first (OWE).
func (c *Console) askForInvoices(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	asked := owed.Request{Partner: p.PartnerID, Person: p.ID, Key: form.Get("key"), Period: form.Get("period")}
	for i, amount := range form["amount"] {
		if rate := nth(form["rate"], i); rate+amount != "" {
			asked.Selected = append(asked.Selected, owed.Selected{Rate: strings.TrimSuffix(strings.TrimSpace(rate), "%"), Amount: strings.TrimSpace(amount)})
		}
	}
	done, err := (&activities.Owed{DB: c.Desk.DB}).RequestInvoices(req.Context(), asked, time.Now())
	return c.answered(w, req, p, form, err, c.invoices, "/partner/invoices#asked", "partner.flash.sent", done.No)
}

// invoiceData is one list with the form in which its invoices are entered.
type invoiceData struct {
	asked
	views.InvoiceList
	Rows  []map[string]string // the lines of the form, by field
	More  int                 // lines of the form with another one
	Sends bool                // the form is open to the reader
	Types []invoice.Type
}

// invoiceFields are what a line of the form has; all lines send all of them.
var invoiceFields = []string{"number", "code", "date", "net", "tax", "total"}

// maximumRows is how many lines the form has at most; more invoices go in as a file at the command line.
const maximumRows = 20

// rowsOf are the lines of a form as they were entered, at least so many.
func rowsOf(form url.Values, least int) []map[string]string {
	n := max(1, least)
	for _, f := range invoiceFields {
		n = max(n, len(form[f]))
	}
	rows := make([]map[string]string, min(n, maximumRows))
	for i := range rows {
		rows[i] = map[string]string{}
		for _, f := range invoiceFields {
			if i < len(form[f]) {
				rows[i][f] = form[f][i]
			}
		}
	}
	return rows
}

func (c *Console) invoiceList(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx := req.Context()
	least, err := strconv.Atoi(req.URL.Query().Get("rows"))
	if err != nil {
		least = 1
	}
	data := invoiceData{asked: a, Rows: rowsOf(a.Entered, min(least, maximumRows)), Types: invoice.Types}
	if len(data.Rows) < maximumRows {
		data.More = len(data.Rows) + 1
	}
	if data.InvoiceList, err = c.ownList(ctx, p, req.PathValue("case")); err != nil {
		return err
	}
	data.Sends = data.State.ToSend() && invoice.MaySend(p, p.PartnerID)
	c.Pages.Render(w, req, data.status(), "partner-invoice", data.No, data)
	return nil
}

// ownList reads the invoice list of an own case.
func (c *Console) ownList(ctx context.Context, p person.Person, number string) (views.InvoiceList, error) {
	return own(ctx, c, p, func(r views.Reader) (views.InvoiceList, error) { return r.InvoiceList(ctx, number, time.Now()) })
}

// invoicesEntered reads the lines of the form that have something, a file too, and answers which line each invoice stands in.
// The one line without amounts is the invoice over the whole list; of others the amounts are as entered and all else as the
// list has it.
func invoicesEntered(l invoice.List, form url.Values, files []page.Uploaded) (entered []invoice.Entered, lines []int) {
	rows := rowsOf(form, 1)
	for i, row := range rows {
		typed := slices.ContainsFunc(invoiceFields, func(f string) bool { return row[f] != "" })
		if typed || slices.ContainsFunc(files, func(f page.Uploaded) bool { return f.Field == strconv.Itoa(i) }) {
			lines = append(lines, i)
		}
	}
	for _, i := range lines {
		row := rows[i]
		e := invoice.Whole(l, invoice.Type(cmp.Or(form.Get("type"), string(invoice.Paper))), row["number"], row["code"], row["date"])
		if len(lines) > 1 || row["net"]+row["tax"]+row["total"] != "" {
			e.Net, e.Tax, e.Total = row["net"], row["tax"], row["total"]
			e.Items = invoice.ItemsOf(l, e.Net)
		}
		entered = append(entered, e)
	}
	return entered, lines
}

// sendInvoices prints the list with the numbers that were entered, or encloses the files and sends.
func (c *Console) sendInvoices(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	v, err := c.ownList(ctx, p, req.PathValue("case"))
	if err != nil {
		return err
	}
	entered, lines := invoicesEntered(v.List, form, files)
	if form.Get("do") == "print" {
		printed, err := v.Print(entered, time.Now())
		var unreadable views.UnreadableError
		if errors.As(err, &unreadable) {
			return c.invoiceList(w, req, p, again(req, form, refusal.List{refusal.New("INV-09", "CBC.0100", fmt.Sprintf("invoice %d", unreadable.No), "Enter the invoice's date like 2026-11-03, and its amounts with at most two decimals.")}))
		}
		if err != nil {
			return err
		}
		return page.File(w, req, "application/pdf", v.No+".pdf", "", bytes.NewReader(printed))
	}
	for _, f := range files {
		kind, of := document.InvoiceList, -1
		if i, err := strconv.Atoi(f.Field); err == nil { // the file of a line
			kind, of = document.Invoice, slices.Index(lines, i)
		}
		id, err := c.add(ctx, p, v.Case, kind, f)
		if err != nil {
			return c.answered(w, req, p, form, err, c.invoiceList, "", "")
		}
		if of >= 0 {
			entered[of].DocumentID = id
		}
	}
	sent := invoice.Package{
		Case: v.Case, Person: p.ID, Key: form.Get("key"), Invoices: entered, ListEnclosed: form.Get("enclosed") != "",
		Carrier: form.Get("carrier"), TrackingNo: form.Get("tracking"), Mailbox: form.Get("mailbox"),
	}
	_, err = desk.Send(ctx, c.Desk, v.Case, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
		return workflows.SendInvoices(ctx, t, workflowID, sent)
	}, func(ctx context.Context, _ string) (activities.Standing, error) {
		return (&activities.Cases{DB: c.Desk.DB}).SendInvoices(ctx, activities.SendInvoicesInput{Package: sent, At: time.Now()})
	})
	return c.answered(w, req, p, form, err, c.invoiceList, "/partner/invoices/"+url.PathEscape(v.Case), "partner.flash.sent", v.Case)
}
