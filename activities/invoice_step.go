package activities

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/invoice"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// invoiced is a process that is paid against invoices.
type invoiced interface {
	process
	// invoices does what follows for the case when its list came to a state: it carries the case on, or lets it stay, and
	// appends the event. In review it puts the package to people by openInvoiceReview.
	invoices(ctx context.Context, tx *sqlx.Tx, c caseRow, l invoice.List, e event) (refusal.List, error)
}

func invoicedOf(c caseRow) (invoiced, error) {
	p, ok := processes[c.Kind].(invoiced)
	if !ok {
		return nil, unknown("invoice list of case", c.Number)
	}
	return p, nil
}

// SendInvoicesInput says that a partner sent its invoices.
type SendInvoicesInput struct {
	Package invoice.Package // its Key is the request key
	At      time.Time
}

// SendInvoices registers the invoices of a case and their package. The same key with the same content again changes nothing,
// with other content it is refused (COM-20). A refusal is an event of the case.
func (s *Cases) SendInvoices(ctx context.Context, in SendInvoicesInput) (Standing, error) {
	in.At = stored(in.At)
	p := in.Package
	if list := p.WellFormed(); len(list) > 0 {
		return Standing{}, Final(list)
	}
	step := caseStep{
		db: s.DB, number: p.Case, key: "send-invoices/" + p.Key + "/" + hex.EncodeToString(p.Digest()[:8]), actor: p.Person, via: viaRequest,
		action: "send invoices", noted: true, at: in.At,
	}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		kind, err := invoicedOf(c)
		if err != nil {
			return nil, err
		}
		l, list, err := registerInvoices(ctx, tx, p, in.At)
		if IsNotFound(err) {
			return noList(c), nil
		}
		if err != nil || len(list) > 0 {
			return list, err
		}
		e := step.event()
		e.Rule, e.Amount, e.Note = "INV-11", &l.Amount, p.Words()
		return kind.invoices(ctx, tx, c, l, e)
	})
}

// ArrivalInput says that the invoices of a case arrived.
type ArrivalInput struct {
	Case   string
	Key    string
	Person string
	At     time.Time
}

// noList refuses what a case without an invoice list is sent (INV-04, ENG-03).
func noList(c caseRow) refusal.List {
	return refusal.List{refusal.New("INV-04", "INV_LIST_NOT_READY", "case "+c.Number, "The case is %s and has no invoice list; invoices are sent when the list is there.", c.State)}
}

// WellFormed tells what a message lacks to be looked at at all.
func (in ArrivalInput) WellFormed() refusal.List {
	if in.Case == "" || in.Person == "" || !approval.Fits(64, in.Case, in.Person) || !approval.Fits(128, in.Key) {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", "arrival", "An arrival names case and person, in 64 characters at most.")}
	}
	return nil
}

// RecordArrival notes the arrival of a case's invoices and puts them to review. A refusal is an event of the case.
func (s *Cases) RecordArrival(ctx context.Context, in ArrivalInput) (Standing, error) {
	in.At = stored(in.At)
	if list := in.WellFormed(); len(list) > 0 {
		return Standing{}, Final(list)
	}
	step := caseStep{db: s.DB, number: in.Case, key: "arrival/" + in.Key, actor: in.Person, via: viaRequest, action: "invoices arrived", at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		kind, err := invoicedOf(c)
		if err != nil {
			return nil, err
		}
		l, list, err := recordArrival(ctx, tx, in.Case, in.Person, in.At)
		if IsNotFound(err) {
			return noList(c), nil
		}
		if err != nil || len(list) > 0 {
			return list, err
		}
		e := step.event()
		e.Rule = "INV-14"
		return kind.invoices(ctx, tx, c, l, e)
	})
}

// guardInvoiceReview is a process's guard of an answer to the matter invoice.Review.
func guardInvoiceReview(ctx context.Context, tx *sqlx.Tx, number string, m approval.Move) (refusal.List, error) {
	if m.Act != approval.Approve && m.Act != approval.Reject {
		return nil, nil
	}
	return judgeInvoiceReview(ctx, tx, number, m.Act == approval.Approve)
}

// concludeInvoiceReview is what a process does when the matter invoice.Review ends: the result is kept and told, the round is
// closed, and the case goes on.
func concludeInvoiceReview(ctx context.Context, tx *sqlx.Tx, kind invoiced, c caseRow, r *round, end conclusion) (refusal.List, error) {
	pass := end.outcome == approval.Approve
	l, list, err := reviewInvoices(ctx, tx, invoiceReview{Case: c.Number, Pass: pass, By: end.line.Person, Note: end.line.Reason, At: end.e.At})
	if err != nil || len(list) > 0 {
		return list, err
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	e := end.e
	if e.Rule = "INV-17"; !pass {
		e.Rule = "INV-15"
	}
	return kind.invoices(ctx, tx, c, l, e)
}

// InvoiceTicket is a ticket for an ordinary invoice that is to come back.
type InvoiceTicket struct {
	No            string `db:"ticket_no"      json:"ticket"`
	Case          string `db:"case_number"    json:"case"`
	Number        string `db:"number"         json:"number"`
	ReturnAddress string `db:"return_address" json:"return_address"`
	Recipient     string `db:"recipient"      json:"recipient"`
	TrackingNo    string `db:"tracking_no"    json:"tracking_no,omitempty"` // empty: not sent back yet
}

const invoiceTicketSQL = `SELECT ticket_no, case_number, number, return_address, recipient, tracking_no FROM invoice_tickets `

// AskInvoiceBack opens a ticket for an ordinary invoice that was sent by mistake (INV-06). The same key again answers the
// first ticket. A refusal is an event of the case.
func (s *Cases) AskInvoiceBack(ctx context.Context, t invoice.Ticket, at time.Time) (InvoiceTicket, error) {
	var ticket InvoiceTicket
	step := caseStep{db: s.DB, number: t.Case, key: "ask-invoice-back/" + t.Key, actor: t.Person, via: viaRequest, action: "ask invoice back", note: t.Words(), at: stored(at)}
	err := step.run(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		by, err := findPerson(ctx, tx, t.Person)
		if err != nil {
			return nil, err
		}
		if _, err := invoiceListOf(ctx, tx, c.Number); err != nil {
			return nil, err
		}
		if list := invoice.JudgeTicket(t, by, c.Partner); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO invoice_tickets (ticket_no, case_number, key, digest, number, return_address, recipient, opened_by, opened_at)
			VALUES (numbered('IT', nextval('invoice_ticket_numbers')), $1, $2, sha256(convert_to($3, 'UTF8')), $4, $5, $6, $7, $8)`,
			c.Number, t.Key, t.Words(), invoice.Number(t.Number), t.ReturnAddress, t.Recipient, t.Person, step.at); err != nil {
			return nil, fmt.Errorf("open ticket: %w", err)
		}
		e := step.event()
		e.From, e.To, e.Rule = c.State, c.State, "INV-06"
		return nil, appendEvent(ctx, tx, e)
	}, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &ticket, invoiceTicketSQL+`WHERE case_number = $1 AND key = $2`, t.Case, t.Key)
	})
	return ticket, err
}

// ReturnInvoiceInput says that an ordinary invoice was sent back.
type ReturnInvoiceInput struct {
	Ticket     string
	Person     string
	TrackingNo string
	At         time.Time
}

// ReturnInvoice records that the invoice of a ticket is on its way back, and tells the partner (INV-06). The same again changes
// nothing.
func (s *Cases) ReturnInvoice(ctx context.Context, in ReturnInvoiceInput) (InvoiceTicket, error) {
	in.At = stored(in.At)
	var tickets []InvoiceTicket
	if err := s.DB.SelectContext(ctx, &tickets, invoiceTicketSQL+`WHERE ticket_no = $1`, in.Ticket); err != nil {
		return InvoiceTicket{}, Final(fmt.Errorf("read ticket %s: %w", in.Ticket, err))
	}
	if len(tickets) == 0 {
		return InvoiceTicket{}, Final(unknown("ticket", in.Ticket))
	}
	ticket := tickets[0]
	step := caseStep{
		db: s.DB, number: ticket.Case, key: "return-invoice/" + in.Ticket, actor: in.Person, via: viaRequest, action: "return invoice",
		note: fmt.Sprintf("%s: %s", in.Ticket, in.TrackingNo), at: in.At,
	}
	err := step.run(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := invoice.JudgeReturned(by, in.Person, in.Ticket, in.TrackingNo); len(list) > 0 {
			return list, nil
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE invoice_tickets SET tracking_no = $2, returned_by = $3, returned_at = $4 WHERE ticket_no = $1 AND returned_at IS NULL`, in.Ticket, in.TrackingNo, in.Person, in.At)
		if err != nil {
			return nil, fmt.Errorf("return invoice: %w", err)
		}
		if err := one(res, errors.New("the ticket was answered by a step without an event")); err != nil {
			return nil, fmt.Errorf("%w: %w", errDefect, err)
		}
		e := step.event()
		e.From, e.To, e.Rule = c.State, c.State, "INV-06"
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		l, err := invoiceListOf(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		return nil, tellInvoicer(ctx, tx, l, invoice.Returned, ticket.Number+", "+in.TrackingNo, in.Ticket, in.At)
	}, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &ticket, invoiceTicketSQL+`WHERE ticket_no = $1`, in.Ticket)
	})
	return ticket, err
}
