package activities

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/owed"
	"countersign/domain/refusal"
	"countersign/domain/tax"

	"github.com/jmoiron/sqlx"
)

// owedAmount is money that was granted, or given back, while the invoice for it is owed.
type owedAmount struct {
	Key     string // business key of the step, also of the ledger entry
	Case    string // empty: no case
	Partner string
	Source  owed.Source
	Rate    tax.Rate // of the output tax (OWE-01)
	Amount  money.Amount
	Lot     int64 // the money it was granted with; 0: none
	At      time.Time
}

// recordOwed writes one owed entry and the memo of it, once a key (OWE-01, OWE-02). A lot that it names is tied up by it: what
// is not set off cannot be withdrawn (OWE-08, WDR-09).
func recordOwed(ctx context.Context, tx *sqlx.Tx, o owedAmount) error {
	if err := post(ctx, tx, ledger.Entry{
		Key: o.Key, Case: o.Case, Memo: "invoice owed", At: o.At, Postings: ledger.Move(o.Amount, ledger.OwedContra, ledger.Owed(o.Partner)),
	}); err != nil {
		return err
	}
	return insertOwed(ctx, tx, o)
}

// insertOwed writes the entry alone, for a memo that was posted together with its money.
func insertOwed(ctx context.Context, tx *sqlx.Tx, o owedAmount) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO owed_entries (entry_id, key, partner_id, source, tax_rate, amount, remaining, created_at, case_number, lot_no)
		SELECT numbered('OE', nextval('owed_entry_numbers')), $1, $2, $3, $4, $5, $5, $6, nullif($7, ''), nullif($8, 0)
		 WHERE NOT EXISTS (SELECT 1 FROM owed_entries WHERE key = $1)`,
		o.Key, o.Partner, o.Source, o.Rate, o.Amount, stored(o.At), o.Case, o.Lot); err != nil {
		return fmt.Errorf("record owed amount %s: %w", o.Key, err)
	}
	return nil
}

// Owed lets a partner ask the vendor for invoices; what it owes is set off first. It is instant: no case waits for it.
type Owed struct{ DB *sqlx.DB }

// RecordOwed keeps what a refund, a downgrade or an invoice on receipt of money brought about (OWE-02). The same key with the
// same content changes nothing, with other content it is refused (COM-20).
func (o *Owed) RecordOwed(ctx context.Context, r owed.Record, at time.Time) (owed.Entry, error) {
	at = stored(at)
	var e owed.Entry
	err := judged(ctx, o.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		var known bool
		if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM partners WHERE partner_id = $1)`, r.Partner); err != nil {
			return nil, fmt.Errorf("read partner: %w", err)
		}
		by, err := findPerson(ctx, tx, r.Person)
		if err != nil {
			return nil, err
		}
		rate, amount, list := owed.JudgeRecord(r, by, known)
		if len(list) > 0 {
			return list, nil
		}
		key := fmt.Sprintf("owed/%s/%s", r.Partner, r.Key)
		if err := recordOwed(ctx, tx, owedAmount{Key: key, Partner: r.Partner, Source: r.Source, Rate: rate, Amount: amount, At: at}); err != nil && !errors.Is(err, ledger.ErrOtherContent) {
			return nil, err
		}
		if err := tx.GetContext(ctx, &e, `SELECT entry_id, source, tax_rate, amount, remaining, created_at FROM owed_entries WHERE key = $1`, key); err != nil {
			return nil, fmt.Errorf("read back %s: %w", key, err)
		}
		if e.Source != r.Source || e.Rate != rate || !e.Amount.Equal(amount) {
			return refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "owed entry "+e.ID, "The request key %q was used for entry %s with other content; use a key of its own.", r.Key, e.ID)}, nil
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("owed/%s/%s/%d", r.Partner, r.Key, at.UnixMicro()), At: at, Kind: owed.Kind, Action: "record",
			Person: r.Person, Partner: r.Partner, RequestKey: r.Key,
		}, list)
		return err
	})
	return e, Final(err)
}

// VendorInvoices is what a request came to.
type VendorInvoices struct {
	No      string        `json:"request"`
	Partner string        `json:"partner"`
	Period  string        `json:"period,omitempty"`
	Lines   []owed.Line   `json:"lines"`   // an invoice each
	Offsets []owed.Offset `json:"offsets"` // in the order in which they were set off
}

// RequestInvoices judges a request and sets off what is owed, in one step. The same key with the same content answers the
// first result, with other content it is refused (COM-20). A refusal is a row in refusals and nothing else.
func (o *Owed) RequestInvoices(ctx context.Context, r owed.Request, at time.Time) (VendorInvoices, error) {
	at = stored(at)
	var done VendorInvoices
	err := judged(ctx, o.DB, func(tx *sqlx.Tx) (list refusal.List, err error) {
		done, list, err = requestInvoices(ctx, tx, r, at)
		return list, err
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("%s/%s/%s/%d", owed.Kind, r.Partner, r.Key, at.UnixMicro()), At: at, Kind: owed.Kind, Action: "request",
			Person: r.Person, Partner: r.Partner, RequestKey: r.Key,
		}, list)
		return err
	})
	return done, Final(err)
}

func requestInvoices(ctx context.Context, tx *sqlx.Tx, r owed.Request, at time.Time) (VendorInvoices, refusal.List, error) {
	var none VendorInvoices
	f, err := owedFacts(ctx, tx, r)
	if err != nil {
		return none, nil, err
	}
	var first struct {
		No     string `db:"request_no"`
		Digest []byte `db:"digest"`
	}
	err = tx.GetContext(ctx, &first, `SELECT request_no, digest FROM vendor_invoices WHERE partner_id = $1 AND request_key = $2`, r.Partner, r.Key)
	switch {
	case err == nil && !bytes.Equal(first.Digest, r.Digest()):
		return none, refusal.List{invoiceRules["com_20_vendor_request"]}, nil
	case err == nil:
		done, err := vendorInvoices(ctx, tx, first.No)
		return done, nil, err
	case !errors.Is(err, sql.ErrNoRows):
		return none, nil, fmt.Errorf("look for request %s: %w", r.Key, err)
	}
	plan, list := owed.Judge(r, f)
	if len(list) > 0 {
		return none, list, nil
	}
	var number string
	if err := tx.GetContext(ctx, &number, `
		INSERT INTO vendor_invoices (request_no, partner_id, request_key, digest, period, requested_by, requested_at)
		VALUES (numbered('VI', nextval('vendor_invoice_numbers')), $1, $2, $3, $4, $5, $6) RETURNING request_no`,
		r.Partner, r.Key, r.Digest(), r.Period, r.Person, at); err != nil {
		return none, nil, fmt.Errorf("request invoices: %w", err)
	}
	for _, l := range plan.Lines {
		if _, err := tx.ExecContext(ctx, `INSERT INTO vendor_invoice_lines (request_no, tax_rate, selected, set_off, invoiced) VALUES ($1, $2, $3, $4, $5)`,
			number, l.Rate, l.Selected, l.SetOff, l.Invoiced); err != nil {
			return none, nil, fmt.Errorf("request invoices: %w", err)
		}
	}
	if err := setOff(ctx, tx, r.Partner, owed.Kind+"/"+number, number, plan.Offsets, at); err != nil {
		return none, nil, err
	}
	done, err := vendorInvoices(ctx, tx, number)
	return done, nil, err
}

// owedFacts reads what a request is judged by. The memo's balance is the lock: whoever changes what is owed moves it.
func owedFacts(ctx context.Context, tx *sqlx.Tx, r owed.Request) (owed.Facts, error) {
	var f owed.Facts
	err := tx.GetContext(ctx, &f.Known, `SELECT true FROM partners WHERE partner_id = $1 FOR SHARE`, r.Partner)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return f, fmt.Errorf("read partner: %w", err)
	}
	if f.By, err = findPerson(ctx, tx, r.Person); err != nil || !f.Known {
		return f, err
	}
	if _, err := lockBalances(ctx, tx, ledger.Owed(r.Partner)); err != nil {
		return f, err
	}
	if f.Entries, err = openOwed(ctx, tx, r.Partner); err != nil {
		return f, err
	}
	if err := tx.GetContext(ctx, &f.Arrears, `
		SELECT coalesce(sum(amount), 0) FROM unpaid_cycles WHERE partner_id = $1 AND period = $2 AND association <> 'advisory' AND paid_at IS NULL`, // what customers pay themselves is not the partner's arrears
		r.Partner, r.Period); err != nil {
		return f, fmt.Errorf("read arrears: %w", err)
	}
	return f, nil
}

func openOwed(ctx context.Context, tx *sqlx.Tx, partner string) ([]owed.Entry, error) {
	var entries []owed.Entry
	if err := tx.SelectContext(ctx, &entries, `
		SELECT entry_id, source, tax_rate, amount, remaining, created_at FROM owed_entries WHERE partner_id = $1 AND remaining > 0 ORDER BY created_at, entry_id`, partner); err != nil {
		return nil, fmt.Errorf("read owed entries: %w", err)
	}
	return entries, nil
}

// setOff posts what is set off and writes from which entries; the database takes it from them, and frees their lots (OWE-04, OWE-08).
func setOff(ctx context.Context, tx *sqlx.Tx, partner, key, request string, offsets []owed.Offset, at time.Time) error {
	total := money.Zero
	for _, o := range offsets {
		total = total.Add(o.Amount)
	}
	if total.Sign() == 0 {
		return nil
	}
	if err := post(ctx, tx, ledger.Entry{
		Key: key + "/set-off", Memo: "owed invoices set off", At: at, Postings: ledger.Move(total, ledger.Owed(partner), ledger.OwedContra),
	}); err != nil {
		return err
	}
	return insertOffsets(ctx, tx, key, request, offsets, at)
}

// insertOffsets writes the offsets alone, for a memo that was posted by itself.
func insertOffsets(ctx context.Context, tx *sqlx.Tx, key, request string, offsets []owed.Offset, at time.Time) error {
	for _, o := range offsets {
		if _, err := tx.ExecContext(ctx, `INSERT INTO owed_offsets (key, entry_id, request_no, amount, at) VALUES ($1, $2, nullif($3, ''), $4, $5)`,
			key+"/"+o.Entry, o.Entry, request, o.Amount, at); err != nil {
			return fmt.Errorf("set off %s: %w", o.Entry, err)
		}
	}
	return nil
}

func vendorInvoices(ctx context.Context, tx *sqlx.Tx, number string) (VendorInvoices, error) {
	v := VendorInvoices{No: number, Lines: []owed.Line{}, Offsets: []owed.Offset{}}
	if err := tx.QueryRowxContext(ctx, `SELECT partner_id, period FROM vendor_invoices WHERE request_no = $1`, number).Scan(&v.Partner, &v.Period); err != nil {
		return v, fmt.Errorf("read request %s: %w", number, err)
	}
	if err := tx.SelectContext(ctx, &v.Lines, `SELECT tax_rate, selected, set_off, invoiced FROM vendor_invoice_lines WHERE request_no = $1 ORDER BY tax_rate`, number); err != nil {
		return v, fmt.Errorf("read request %s: %w", number, err)
	}
	if err := tx.SelectContext(ctx, &v.Offsets, `SELECT entry_id, amount FROM owed_offsets WHERE request_no = $1 ORDER BY offset_id`, number); err != nil {
		return v, fmt.Errorf("read request %s: %w", number, err)
	}
	return v, nil
}
