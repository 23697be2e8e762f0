package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Cases of any kind are paid against invoices in the same way. The functions here run inside a step of such a case, under its
// lock: they keep the list and its rounds; what the case makes of it, its state and its event, is the step's.

// invoiceOrder is what a case asks its partner to invoice.
type invoiceOrder struct {
	Case        string
	Business    business.Information // as the case keeps it: supplier, settlement currency (INV-21), service-fee rate (INV-18), when it passed (INV-04)
	RequestedAt time.Time            // when the partner applied (INV-04)
	Buyer       string               // the vendor's entity on the day of the application, which pays as well (INV-13)
	ServiceItem string               // what is invoiced: "incentive"
	Period      string               // settlement period
	Amount      money.Amount         // tax included: invoice.Amount of what was granted (INV-07)
	Due         calendar.Date        // last day for sending (INV-12)
	At          time.Time
}

// openInvoiceList makes the list of a case and tells the partner to invoice it (INV-01). A case has one list: a second call
// answers the first one. Refused where nobody has entered the addresses of the buyer (INV-03).
func openInvoiceList(ctx context.Context, tx *sqlx.Tx, o invoiceOrder) (invoice.List, refusal.List, error) {
	l, err := invoiceListOf(ctx, tx, o.Case)
	if err == nil || !IsNotFound(err) {
		return l, nil, err
	}
	at, i := stored(o.At), o.Business
	rate, err := tax.Of(i.ServiceFeeRate)
	if err != nil {
		return l, nil, fmt.Errorf("%w: business information of %s: %w", errDefect, o.Case, err)
	}
	visible := at
	if i.CertifiedAt != nil { // INV-04
		if from := stored(invoice.VisibleAt(*i.CertifiedAt, o.RequestedAt)); from.After(at) {
			visible = from
		}
	}
	s := invoice.SupplierOf(i)
	res, err := tx.ExecContext(ctx, openListSQL, o.Case, s.Name, s.Licence, s.TaxNumber, s.Address, s.AccountName, s.Bank, s.Branch, s.BankAddress, s.AccountNo, s.Taxpayer,
		o.Buyer, o.ServiceItem, o.Period, o.Amount, i.Currency, rate, at, visible, o.Due, i.Contact)
	if err != nil {
		return l, nil, fmt.Errorf("open invoice list of %s: %w", o.Case, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 { // INV-03
		return l, refusal.List{refusal.New("INV-03", "PRG.INV.03", "entity "+o.Buyer,
			"Nobody has entered where invoices to %s are sent; load its mailing address and public mailbox first.", o.Buyer)}, err
	}
	if l, err = invoiceListOf(ctx, tx, o.Case); err != nil {
		return l, nil, err
	}
	return l, nil, tellInvoicer(ctx, tx, l, invoice.Invoicing, "", l.No, at)
}

const openListSQL = `
	INSERT INTO invoice_lists (list_no, case_number, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch,
	       bank_address, account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate,
	       mailing_address, public_mailbox, contacts, opened_at, visible_at, due_date)
	SELECT numbered('IL', nextval('invoice_list_numbers')), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, v.entity, v.name, $13, $14, $15, $16, $17,
	       v.mailing_address, v.public_mailbox, concat_ws('; ', nullif($21, ''), nullif(v.contacts, '')), $18, $19, $20
	  FROM vendor_addresses v WHERE v.entity = $12`

// invoiceListOf reads the list of a case.
func invoiceListOf(ctx context.Context, tx sqlx.QueryerContext, number string) (invoice.List, error) {
	var l invoice.List
	err := sqlx.GetContext(ctx, tx, &l, listSQL, number)
	if errors.Is(err, sql.ErrNoRows) {
		return l, unknown("invoice list of case", number)
	}
	if err != nil {
		return l, fmt.Errorf("read invoice list of %s: %w", number, err)
	}
	return l, nil
}

const listSQL = `
	SELECT list_no, case_number, state, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch, bank_address,
	       account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox, contacts,
	       opened_at, visible_at, due_date
	  FROM invoice_lists WHERE case_number = $1`

// registerInvoices keeps the invoices that a partner sends and their package: the next round of the list, in transit (INV-15).
// A late one is marked (INV-12).
func registerInvoices(ctx context.Context, tx *sqlx.Tx, p invoice.Package, at time.Time) (invoice.List, refusal.List, error) {
	if list := p.WellFormed(); len(list) > 0 {
		return invoice.List{}, list, nil
	}
	l, err := invoiceListOf(ctx, tx, p.Case)
	if err != nil {
		return l, nil, err
	}
	var taken bool
	if err := tx.GetContext(ctx, &taken, `SELECT EXISTS (SELECT 1 FROM invoice_packages WHERE key = $1)`, packageKey(p)); err != nil {
		return l, nil, fmt.Errorf("look for package: %w", err)
	}
	if taken { // with other content: the same one is a step that was done
		return l, refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "case "+p.Case, "The request key %q was used for other invoices of this case; use a key of its own.", p.Key)}, nil
	}
	facts := invoice.Sending{List: l, At: stored(at)}
	if facts.By, err = findPerson(ctx, tx, p.Person); err != nil {
		return l, nil, err
	}
	if err := tx.GetContext(ctx, &facts.Partner, `SELECT partner_id FROM cases WHERE case_number = $1`, p.Case); err != nil {
		return l, nil, fmt.Errorf("read partner of %s: %w", p.Case, err)
	}
	numbers, files := make([]string, len(p.Invoices)), make([]string, len(p.Invoices))
	for i, entered := range p.Invoices {
		numbers[i], files[i] = invoice.Number(entered.Number), entered.DocumentID
	}
	if err := tx.SelectContext(ctx, &facts.Enclosed, `SELECT DISTINCT document_id FROM case_documents WHERE case_number = $1 AND document_id = ANY ($2)`, p.Case, pq.Array(files)); err != nil {
		return l, nil, fmt.Errorf("look for documents: %w", err)
	}
	if err := tx.SelectContext(ctx, &facts.Taken, `
		SELECT i.number, i.code, l.case_number, i.state FROM invoices i JOIN invoice_lists l USING (list_no) WHERE i.number = ANY ($1)`, pq.Array(numbers)); err != nil {
		return l, nil, fmt.Errorf("look for invoices: %w", err)
	}
	invoices, list := invoice.JudgeSending(p, facts)
	if len(list) > 0 {
		return l, list, nil
	}
	if err := insertPackage(ctx, tx, l, p, invoices, facts.At); err != nil {
		return l, nil, err
	}
	return l, nil, moveList(ctx, tx, &l, invoice.InTransit)
}

func packageKey(p invoice.Package) string { return p.Case + "/" + p.Key }

func insertPackage(ctx context.Context, tx *sqlx.Tx, l invoice.List, p invoice.Package, invoices []invoice.Invoice, at time.Time) error {
	var round int
	if err := tx.GetContext(ctx, &round, `
		INSERT INTO invoice_packages (list_no, round, key, digest, sent_by, sent_at, carrier, tracking_no, mailbox, list_enclosed, late)
		SELECT $1, 1 + coalesce((SELECT max(round) FROM invoice_packages WHERE list_no = $1), 0), $2, $3, $4, $5::timestamptz, $6, $7, $8, $9, $10
		RETURNING round`,
		l.No, packageKey(p), p.Digest(), p.Person, at, p.Carrier, p.TrackingNo, p.Mailbox, p.ListEnclosed, invoice.Late(l.DueDate, at)); err != nil {
		return fmt.Errorf("send invoices of %s: %w", p.Case, err)
	}
	for _, i := range invoices {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO invoices (list_no, round, number, code, type, issued_on, currency, net, tax, total, tax_rate, buyer, items, document_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, nullif($14, ''))`,
			l.No, round, i.Number, i.Code, i.Type, i.Date, i.Currency, i.Net, i.Tax, i.Total, i.Rate, i.Buyer, i.Items, i.DocumentID); err != nil {
			return fmt.Errorf("register invoice %s: %w", i.Name(), err)
		}
	}
	return nil
}

// moveList carries a list to its next state.
func moveList(ctx context.Context, tx *sqlx.Tx, l *invoice.List, to invoice.State) error {
	res, err := tx.ExecContext(ctx, `UPDATE invoice_lists SET state = $3 WHERE list_no = $1 AND state = $2`, l.No, l.State, to)
	if err != nil {
		return fmt.Errorf("move list %s: %w", l.No, err)
	}
	if err := one(res, fmt.Errorf("%w: list %s left %s under its case's lock", errDefect, l.No, l.State)); err != nil {
		return err
	}
	l.State = to
	return nil
}

// recordArrival notes that the package in transit arrived: its review is due on the second working day (INV-14). The case
// then puts it to people with openInvoiceReview.
func recordArrival(ctx context.Context, tx *sqlx.Tx, number, by string, at time.Time) (invoice.List, refusal.List, error) {
	at = stored(at)
	l, err := invoiceListOf(ctx, tx, number)
	if err != nil {
		return l, nil, err
	}
	who, err := findPerson(ctx, tx, by)
	if err != nil {
		return l, nil, err
	}
	list := invoice.JudgeArrival(who, by, l)
	days, err := readCalendar(ctx, tx)
	if err != nil {
		return l, nil, err
	}
	on, err := invoice.ReviewOn(at, days)
	var missing calendar.NoDataError
	switch {
	case errors.As(err, &missing):
		list = append(list, refusal.New("ENG-05", "PRG.ENG.05", "calendar", "%s", err.Error()))
	case err != nil:
		return l, nil, err
	}
	if len(list) > 0 {
		return l, list, nil
	}
	res, err := tx.ExecContext(ctx, `
		UPDATE invoice_packages SET arrived_at = $2, arrived_by = $3, review_on = $4 WHERE list_no = $1 AND arrived_at IS NULL AND result = ''`, l.No, at, by, on)
	if err != nil {
		return l, nil, fmt.Errorf("record arrival for %s: %w", number, err)
	}
	if err := one(res, fmt.Errorf("%w: list %s has no package in transit", errDefect, l.No)); err != nil {
		return l, nil, err
	}
	return l, nil, moveList(ctx, tx, &l, invoice.InReview)
}

// openInvoiceReview puts the arrived package to the people who review it. Its term counts from the arrival; who sent it does
// not review it (ENG-02).
func openInvoiceReview(ctx context.Context, tx *sqlx.Tx, c caseRow, reviewer, owner person.Role, at time.Time) (refusal.List, error) {
	var p struct {
		Round  int       `db:"round"`
		SentBy string    `db:"sent_by"`
		At     time.Time `db:"arrived_at"`
		Words  string    `db:"words"`
	}
	if err := tx.GetContext(ctx, &p, `
		SELECT p.round, p.sent_by, p.arrived_at, format('%s invoice%s, %s %s', count(*), CASE WHEN count(*) > 1 THEN 's' END, sum(i.total), min(l.currency)) AS words
		  FROM invoice_lists l JOIN invoice_packages p USING (list_no) JOIN invoices i USING (list_no, round)
		 WHERE l.case_number = $1 AND p.arrived_at IS NOT NULL AND p.result = '' GROUP BY p.round, p.sent_by, p.arrived_at`, c.Number); err != nil {
		return nil, fmt.Errorf("read package of %s: %w", c.Number, err)
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: invoice.Review, Chain: invoice.Chain(reviewer, owner), OpenedBy: p.SentBy, At: stored(at), From: p.At,
		Question: fmt.Sprintf("Do the invoices of %s (round %d: %s) agree with the list?", c.Number, p.Round, p.Words),
	})
	return list, err
}

// judgeInvoiceReview checks an answer to a review before it is taken: a package that lacks a required item, or names another
// buyer, currency or rate, cannot pass (INV-20).
func judgeInvoiceReview(ctx context.Context, tx *sqlx.Tx, number string, pass bool) (refusal.List, error) {
	l, findings, err := invoiceFindings(ctx, tx, number)
	if err != nil {
		return nil, err
	}
	return invoice.JudgeReview(l, pass, findings), nil
}

func invoiceFindings(ctx context.Context, tx *sqlx.Tx, number string) (invoice.List, []invoice.Finding, error) {
	l, err := invoiceListOf(ctx, tx, number)
	if err != nil {
		return l, nil, err
	}
	var invoices []invoice.Invoice
	if err := tx.SelectContext(ctx, &invoices, `
		SELECT number, code, type, issued_on, currency, net, tax, total, tax_rate, buyer, items, coalesce(document_id, '') AS document_id FROM invoices i
		 WHERE list_no = $1 AND round = (SELECT max(round) FROM invoice_packages WHERE list_no = $1) ORDER BY invoice_id`, l.No); err != nil {
		return l, nil, fmt.Errorf("read invoices of %s: %w", number, err)
	}
	return l, invoice.Findings(l, invoices), nil
}

// invoiceReview is the result of one review.
type invoiceReview struct {
	Case string
	Pass bool
	By   string // empty: a rule or a deadline decided
	Note string // reason of a failure, in the reviewer's words
	At   time.Time
}

// reviewInvoices keeps the result of a review and tells the partner: accepted, or to be issued again. The numbers of a failed
// package are closed (INV-16), what was found is kept with it (INV-20).
func reviewInvoices(ctx context.Context, tx *sqlx.Tx, v invoiceReview) (invoice.List, refusal.List, error) {
	v.At = stored(v.At)
	l, findings, err := invoiceFindings(ctx, tx, v.Case)
	if err != nil {
		return l, nil, err
	}
	if list := invoice.JudgeReview(l, v.Pass, findings); len(list) > 0 {
		return l, list, nil
	}
	result, to, notice := invoice.Pass, invoice.Accepted, invoice.Passed
	if !v.Pass {
		result, to, notice = invoice.Fail, invoice.ToReissue, invoice.Failed
	}
	reasons := append([]string{}, invoice.Reasons(findings)...)
	var round int
	if err := tx.GetContext(ctx, &round, `
		UPDATE invoice_packages SET result = $2, reasons = $3, note = $4, reviewed_by = nullif($5, ''), reviewed_at = $6
		 WHERE list_no = $1 AND arrived_at IS NOT NULL AND result = '' RETURNING round`, l.No, result, pq.Array(reasons), v.Note, v.By, v.At); err != nil {
		return l, nil, fmt.Errorf("keep review of %s: %w", v.Case, err)
	}
	if !v.Pass { // INV-16
		if _, err := tx.ExecContext(ctx, `UPDATE invoices SET state = 'closed' WHERE list_no = $1 AND round = $2`, l.No, round); err != nil {
			return l, nil, fmt.Errorf("close invoices of %s: %w", v.Case, err)
		}
	}
	if err := moveList(ctx, tx, &l, to); err != nil {
		return l, nil, err
	}
	note := strings.TrimSpace(strings.Join(reasons, " ") + " " + v.Note) // INV-20: the partner reads the reason
	return l, nil, tellInvoicer(ctx, tx, l, notice, note, fmt.Sprintf("%s/%d", l.No, round), v.At)
}

// judgeInvoiceRate refuses to approve a payment whose invoices are at a rate that does not fit the partner's taxpayer type as
// certified now (INV-19).
func judgeInvoiceRate(ctx context.Context, tx *sqlx.Tx, number string, now business.Taxpayer) (refusal.List, error) {
	l, err := invoiceListOf(ctx, tx, number)
	if err != nil {
		return nil, err
	}
	return invoice.JudgeRate(l, now), nil
}

// invoicesAccepted tells whether a case may be paid: its invoices passed (INV-17).
func invoicesAccepted(ctx context.Context, tx *sqlx.Tx, number string) (bool, error) {
	l, err := invoiceListOf(ctx, tx, number)
	return l.State == invoice.Accepted, err
}

// remindOfInvoices reminds the partner of a case that sent nothing, once a round (INV-12), and answers from when on there is
// something to remind of; nil when nothing is to be sent, or was reminded of. A case sets its clock by it.
func remindOfInvoices(ctx context.Context, tx *sqlx.Tx, number string, at time.Time) (*time.Time, error) {
	l, err := invoiceListOf(ctx, tx, number)
	if err != nil || !l.State.ToSend() {
		return nil, err
	}
	var last struct {
		Rounds int        `db:"rounds"`
		Failed *time.Time `db:"failed"`
	}
	if err := tx.GetContext(ctx, &last, `SELECT count(*) AS rounds, max(reviewed_at) AS failed FROM invoice_packages WHERE list_no = $1`, l.No); err != nil {
		return nil, fmt.Errorf("read rounds of %s: %w", l.No, err)
	}
	from := stored(invoice.RemindAt(l.DueDate, last.Failed))
	if at.Before(from) {
		return &from, nil
	}
	return nil, tellInvoicer(ctx, tx, l, invoice.Overdue, "", fmt.Sprintf("%s/%d", l.No, last.Rounds), at)
}

// tellInvoicer writes to the submitter and to the partner's people who may send invoices. What is told of a list that does
// not show yet is told when it does (INV-04).
func tellInvoicer(ctx context.Context, tx *sqlx.Tx, l invoice.List, n invoice.Notice, note, key string, at time.Time) error {
	subject, body := n.Text(l, note)
	from := at
	if l.VisibleAt.After(at) {
		from = l.VisibleAt
	}
	roles := make([]string, len(invoice.Senders))
	for i, r := range invoice.Senders {
		roles[i] = string(r)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $2 || '/' || p.person_id, p.person_id, $3, $4, $5::timestamptz, $6::timestamptz FROM cases c, people p
		 WHERE c.case_number = $1 AND p.active
		   AND (p.person_id = c.submitter OR p.partner_id = c.partner_id AND held_roles(p.person_id) && $7::text[])
		ON CONFLICT (key) DO NOTHING`, l.Case, fmt.Sprintf("invoice/%s/%s", key, n), subject, body, stored(at), stored(from), pq.Array(roles)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
