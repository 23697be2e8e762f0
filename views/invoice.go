package views

import (
	"context"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/owed"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/staff"

	"github.com/lib/pq"
)

// InvoiceList is what a partner invoices for one case, and how far that is.
type InvoiceList struct {
	invoice.List
	Progress string            `json:"progress"` // as its partner reads it (INV-22)
	Rounds   []InvoiceRound    `json:"rounds"`
	Findings []invoice.Finding `json:"findings"` // about the round that is under way
}

// InvoiceRound is one sending.
type InvoiceRound struct {
	Round      int               `db:"round"       json:"round"`
	SentBy     string            `db:"sent_by"     json:"sent_by"`
	SentAt     time.Time         `db:"sent_at"     json:"sent_at"`
	Carrier    string            `db:"carrier"     json:"carrier,omitempty"`
	TrackingNo string            `db:"tracking_no" json:"tracking_no,omitempty"`
	Mailbox    string            `db:"mailbox"     json:"mailbox,omitempty"`
	Late       bool              `db:"late"        json:"late"` // sent after the due date (INV-12)
	ArrivedAt  *time.Time        `db:"arrived_at"  json:"arrived_at,omitempty"`
	ReviewOn   calendar.Date     `db:"review_on"   json:"review_on,omitzero"` // second working day (INV-14)
	Result     string            `db:"result"      json:"result,omitempty"`
	Reasons    pq.StringArray    `db:"reasons"     json:"reasons,omitempty"`
	Note       string            `db:"note"        json:"note,omitempty"`
	Invoices   []invoice.Invoice `db:"-"           json:"invoices"`
}

// InvoiceList reads the list of a case, the same that the notice told of (INV-02); before it shows it is refused (INV-04).
func (r Reader) InvoiceList(ctx context.Context, number string, at time.Time) (InvoiceList, error) {
	l, err := row[invoice.List](ctx, r.q(), "invoice list of case", number, invoiceListSQL, number)
	v := InvoiceList{List: l, Progress: l.State.Words(), Findings: []invoice.Finding{}}
	if err != nil {
		return v, err
	}
	if list := l.Visible(at); len(list) > 0 {
		return v, list
	}
	if v.Rounds, err = rows[InvoiceRound](ctx, r.q(), "rounds", `
		SELECT round, sent_by, sent_at, carrier, tracking_no, mailbox, late, arrived_at, review_on, result, reasons, note
		  FROM invoice_packages WHERE list_no = $1 ORDER BY round`, l.No); err != nil {
		return v, err
	}
	for i := range v.Rounds {
		if v.Rounds[i].Invoices, err = rows[invoice.Invoice](ctx, r.q(), "invoices", `
			SELECT number, code, type, issued_on, currency, net, tax, total, tax_rate, buyer, items, coalesce(document_id, '') AS document_id
			  FROM invoices WHERE list_no = $1 AND round = $2 ORDER BY invoice_id`, l.No, v.Rounds[i].Round); err != nil {
			return v, err
		}
	}
	if n := len(v.Rounds); n > 0 && v.Rounds[n-1].Result == "" {
		v.Findings = append(v.Findings, invoice.Findings(l, v.Rounds[n-1].Invoices)...)
	}
	return v, nil
}

// InvoiceListLine is one list among a partner's.
type InvoiceListLine struct {
	No       string         `db:"list_no"           json:"list"`
	Case     string         `db:"case_number"       json:"case"`
	Kind     string         `db:"kind"              json:"kind"` // of the case
	Period   string         `db:"settlement_period" json:"settlement_period"`
	Amount   money.Amount   `db:"amount"            json:"amount"`
	Currency money.Currency `db:"currency"          json:"currency"`
	State    invoice.State  `db:"state"             json:"state"`
	Progress string         `db:"-"                 json:"progress"` // as its partner reads it (INV-22)
	Due      calendar.Date  `db:"due_date"          json:"due_date,omitzero"`
}

// InvoiceFilter narrows a list of invoice lists; what is empty does not.
type InvoiceFilter struct {
	Open  bool   // only those of open cases
	After string // the number of a case, after whose list the page begins
	Limit int    // 0: all
}

// InvoiceLists lists what a partner has been asked to invoice, the newest case first: lists that it may see at an instant (INV-04).
func (r Reader) InvoiceLists(ctx context.Context, partner string, at time.Time) ([]InvoiceListLine, error) {
	return r.SomeInvoiceLists(ctx, partner, InvoiceFilter{}, at)
}

// SomeInvoiceLists lists those of them that a filter lets through.
func (r Reader) SomeInvoiceLists(ctx context.Context, partner string, f InvoiceFilter, at time.Time) ([]InvoiceListLine, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	q := newest(partner, []string{requisition.Kind, staff.Kind, quarter.Kind}, f.Limit, func(q *query) {
		if f.Open {
			q.add(` AND c.closed_at IS NULL`)
		}
		q.after(f.After)
		q.add(` AND EXISTS (SELECT 1 FROM invoice_lists l WHERE l.case_number = c.case_number AND l.visible_at <= $%d)`, at)
	}).in(`
		SELECT l.list_no, l.case_number, c.kind, l.settlement_period, l.amount, l.currency, l.state, l.due_date
		  FROM cases c JOIN invoice_lists l USING (case_number)`)
	found, err := rows[InvoiceListLine](ctx, r.q(), "invoice lists", q.text.String(), q.args...)
	for i := range found {
		found[i].Progress = found[i].State.Words()
	}
	return found, err
}

const invoiceListSQL = `
	SELECT list_no, case_number, state, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch, bank_address,
	       account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox, contacts,
	       opened_at, visible_at, due_date
	  FROM invoice_lists WHERE case_number = $1`

// OwedEntry is one owed amount with its state.
type OwedEntry struct {
	owed.Entry
	Case  string     `db:"case_number" json:"case,omitempty"`
	State owed.State `db:"-"           json:"state"`
}

// OwedRequest is one request of a partner for invoices of the vendor.
type OwedRequest struct {
	No     string    `db:"request_no"   json:"request"`
	Period string    `db:"period"       json:"period,omitempty"`
	By     string    `db:"requested_by" json:"by"`
	At     time.Time `db:"requested_at" json:"at"`
	owed.Line
}

// Owed is what a partner owes invoices for, and what it had set off.
type Owed struct {
	Partner  string        `json:"partner"`
	Entries  []OwedEntry   `json:"entries"`
	Requests []OwedRequest `json:"requests"` // a line for each invoice
}

// Owed reads what a partner owes invoices for, the oldest first; cleared entries as well when all is true.
func (r Reader) Owed(ctx context.Context, partner string, all bool) (Owed, error) {
	v := Owed{Partner: partner}
	err := r.mustExist(ctx, "partner", partner, partnerExistsSQL)
	if err != nil {
		return v, err
	}
	if v.Entries, err = rows[OwedEntry](ctx, r.q(), "owed entries", `
		SELECT entry_id, source, tax_rate, amount, remaining, created_at, coalesce(case_number, '') AS case_number
		  FROM owed_entries WHERE partner_id = $1 AND (remaining > 0 OR $2) ORDER BY created_at, entry_id`, partner, all); err != nil {
		return v, err
	}
	for i := range v.Entries {
		v.Entries[i].State = v.Entries[i].Entry.State()
	}
	v.Requests, err = rows[OwedRequest](ctx, r.q(), "requests", `
		SELECT request_no, period, requested_by, requested_at, tax_rate, selected, set_off, invoiced
		  FROM vendor_invoices JOIN vendor_invoice_lines USING (request_no) WHERE partner_id = $1 ORDER BY requested_at, request_no, tax_rate`, partner)
	return v, err
}
