package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/requisition"
	"countersign/domain/tax"

	"github.com/jmoiron/sqlx"
)

// Requisitions records what happens to requisitions beside what Cases does for every kind of case.
type Requisitions struct{ DB *sqlx.DB }

// OpenRequisitionInput asks to open a case.
type OpenRequisitionInput struct {
	Application requisition.Application
	WorkflowID  string
	RunID       string
	At          time.Time // the request's instant
}

// OpenRequisition judges an application and opens its case: bills and outstanding negatives taken, and either the partner
// asked for its invoice or, with a method that needs none, everything granted in the same step (PAY-09).
//
// The same request key with the same body returns the first case, with another body it is refused (COM-20, PGM-10). A
// refusal opens nothing: it is a row in refusals.
func (r *Requisitions) OpenRequisition(ctx context.Context, in OpenRequisitionInput) (Standing, error) {
	in.At, in.Application = stored(in.At), in.Application.Storable()
	app := in.Application
	n := newCase{
		Kind: requisition.Kind, Prefix: "R", Partner: app.PartnerID, Submitter: app.Submitter, RequestKey: app.RequestKey, Digest: app.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: in.At,
	}
	return n.open(ctx, r.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		facts, err := requisitionFacts(ctx, tx, app.PartnerID, app.Submitter, in.At)
		if err != nil {
			return "", nil, err
		}
		plan, list := requisition.Judge(app, facts)
		if len(list) > 0 {
			return "", list, nil
		}
		return openRequisition(ctx, tx, n, plan, facts.Policy)
	})
}

// requisitionFacts collects what an application is judged by, as locked: one partner's requests queue here, so that the first
// one created takes the outstanding negatives (PAY-27).
func requisitionFacts(ctx context.Context, tx *sqlx.Tx, partner, submitter string, at time.Time) (requisition.Facts, error) {
	f := requisition.Facts{At: at}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('requisitions of ' || $1, 0))`, partner); err != nil {
		return f, fmt.Errorf("lock requisitions: %w", err)
	}
	return f, readRequisitionFacts(ctx, tx, partner, submitter, true, &f)
}

// readRequisitionFacts reads what an application is judged by, the partner's bills locked if it is judged for good.
func readRequisitionFacts(ctx context.Context, tx *sqlx.Tx, partner, submitter string, lock bool, f *requisition.Facts) (err error) {
	if f.Policy, err = requisitionPolicy(ctx, tx, 0, f.At); err != nil {
		return err
	}
	if f.Calendar, err = readCalendar(ctx, tx); err != nil {
		return err
	}
	var p requisition.Partner
	err = tx.GetContext(ctx, &p, `SELECT partner_id, kind, state FROM partners WHERE partner_id = $1 FOR SHARE`, partner)
	unknownPartner := errors.Is(err, sql.ErrNoRows)
	if err != nil && !unknownPartner {
		return fmt.Errorf("read partner %s: %w", partner, err)
	}
	if f.Submitter, err = findPerson(ctx, tx, submitter); err != nil || unknownPartner { // partners before people, as load does
		return err
	}
	f.Partner = &p
	if f.Certification, f.Business, err = certification(ctx, tx, partner, f.At); err != nil {
		return err
	}
	late := lock
	if !lock { // who only looks locks no bill, unless one's year is over and the day's run has not come
		if err := tx.GetContext(ctx, &late, `SELECT EXISTS (SELECT 1 FROM bills b WHERE b.partner_id = $2 AND `+lapsedSQL+`)`, f.At, partner); err != nil {
			return fmt.Errorf("look for lapsed bills: %w", err)
		}
	}
	if late {
		if _, err := voidLapsed(ctx, tx, partner, f.At); err != nil { // INC-16 comes before PAY-27, however late the day's run is
			return err
		}
	}
	if lock {
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM bills WHERE partner_id = $1 ORDER BY bill_id FOR NO KEY UPDATE`, partner); err != nil {
			return fmt.Errorf("lock bills: %w", err)
		}
	}
	f.Bills, err = requestableBills(ctx, tx, partner, f.At)
	return err
}

// requestableBills reads every bill of a partner with what can be requested of it.
func requestableBills(ctx context.Context, q sqlx.QueryerContext, partner string, at time.Time) ([]requisition.Bill, error) {
	var bills []requisition.Bill
	if err := sqlx.SelectContext(ctx, q, &bills, `
		SELECT bill_id, association, period, generated_at, amount, output_tax_rate, payable, requestable, reason, bill_frozen($1, period, association, $2) AS frozen
		  FROM bill_requestable($1, $2)`, partner, at); err != nil {
		return nil, fmt.Errorf("read bills: %w", err)
	}
	return bills, nil
}

// requisitionPolicy reads one version of the policy; version 0 is the newest. Where none was set, the rule book's own numbers
// become the first version.
func requisitionPolicy(ctx context.Context, tx *sqlx.Tx, version int, at time.Time) (p requisition.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, requisition.Kind, version, &p)
	if version != 0 || !errors.Is(err, domain.ErrNotFound) {
		return p, err
	}
	p = requisition.DefaultPolicy()
	p.Version, err = setPolicy(ctx, tx, requisition.Kind, p, requisition.System, at)
	return p, err
}

// openRequisition writes an accepted application. Every guarded write has to touch its row: the facts were locked.
func openRequisition(ctx context.Context, tx *sqlx.Tx, n newCase, plan requisition.Plan, policy requisition.Policy) (string, refusal.List, error) {
	c, err := n.insert(ctx, tx, moveTo{State: string(requisition.Processing)}, policy.Version)
	if err != nil {
		return "", nil, err
	}
	if err := insertRequisition(ctx, tx, c, plan); err != nil {
		return "", nil, err
	}
	if err := appendEvent(ctx, tx, event{
		Case: c.Number, Key: "submit", At: n.At, Actor: n.Submitter, Via: viaRequest, Action: "submit", To: c.State, Rule: "PAY-06", Amount: &plan.Gross,
		Note: fmt.Sprintf("%s of %s by %s", plan.Scope, billWords(len(plan.Bills)), plan.Method),
	}); err != nil {
		return "", nil, err
	}
	row, err := readRequisition(ctx, tx, c)
	if err != nil {
		return "", nil, err
	}
	e := event{Key: "processed", At: n.At, Actor: "rule", Via: viaRule, Action: "process"}
	if !plan.Method.NeedsInvoice() { // PAY-09
		list, err := row.pay(ctx, tx, e)
		return c.Number, list, err
	}
	list, err := row.askInvoice(ctx, tx, e, n.At)
	return c.Number, list, err
}

func billWords(n int) string {
	if n == 1 {
		return "1 bill"
	}
	return fmt.Sprintf("%d bills", n)
}

func insertRequisition(ctx context.Context, tx *sqlx.Tx, c caseRow, p requisition.Plan) error {
	i := p.Information
	account := []any{"", "", "", ""}
	if p.Method == requisition.Bank { // AUT-08: the account is kept as it is now
		account = []any{i.AccountName, i.Bank, i.Branch, i.AccountNo}
	}
	args := append([]any{c.Number, p.Method, p.Scope, p.Gross, p.Settlement, p.ServiceRate, i.Currency, p.Entity, c.Partner, i.Version, periodWords(p.Bills), p.InvoiceDue}, account...)
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO requisitions (case_number, method, scope, gross, settlement, service_fee_tax_rate, currency, signing_entity, partner_id, business_version,
		       settlement_period, invoice_due_date, bank_account_name, bank_name, branch, account_no)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`, args...); err != nil {
		return fmt.Errorf("insert requisition: %w", err)
	}
	for _, part := range p.Parts {
		if _, err := tx.ExecContext(ctx, `INSERT INTO requisition_parts (case_number, output_tax_rate, amount) VALUES ($1, $2, $3)`, c.Number, part.Rate, part.Amount); err != nil {
			return fmt.Errorf("insert part: %w", err)
		}
	}
	for _, b := range slices.Concat(p.Bills, p.Negatives) { // PAY-26, PAY-27
		if _, err := tx.ExecContext(ctx, `INSERT INTO requisition_bills (case_number, bill_id, amount) VALUES ($1, $2, $3)`, c.Number, b.ID, b.Amount); err != nil {
			return fmt.Errorf("take bill %s: %w", b.ID, err)
		}
	}
	return nil
}

// periodWords is what the invoice calls the settlement period: the bills' periods, each once.
func periodWords(bills []requisition.Bill) string {
	var periods []string
	for _, b := range bills {
		periods = append(periods, b.Period)
	}
	slices.Sort(periods)
	return strings.Join(slices.Compact(periods), ", ")
}

// requisitionRow is a requisition under its case's lock.
type requisitionRow struct {
	caseRow
	Method      requisition.Method `db:"method"`
	Scope       requisition.Scope  `db:"scope"`
	Gross       money.Amount       `db:"gross"`
	Settlement  money.Amount       `db:"settlement"`
	ServiceRate tax.Rate           `db:"service_fee_tax_rate"`
	Currency    string             `db:"currency"`
	Entity      string             `db:"signing_entity"`
	Version     int                `db:"business_version"`
	AccountName string             `db:"bank_account_name"`
	Bank        string             `db:"bank_name"`
	Branch      string             `db:"branch"`
	AccountNo   string             `db:"account_no"`
	Period      string             `db:"settlement_period"`
	InvoiceDue  calendar.Date      `db:"invoice_due_date"` // zero: the method needs no invoice
	ReceivedAt  *time.Time         `db:"received_at"`
	PausedAt    *time.Time         `db:"paused_at"`
	SentAt      *time.Time         `db:"sent_at"`
	AlarmedAt   *time.Time         `db:"alarmed_at"`
	Attempts    int                `db:"attempts"`
	Failure     string             `db:"failure"`
}

const requisitionSQL = `
	SELECT method, scope, gross, settlement, service_fee_tax_rate, currency, signing_entity, business_version, bank_account_name, bank_name, branch, account_no,
	       settlement_period, invoice_due_date, received_at, paused_at, sent_at, alarmed_at, attempts, failure
	  FROM requisitions WHERE case_number = $1`

// readRequisition reads what a requisition has beside a case.
func readRequisition(ctx context.Context, tx *sqlx.Tx, c caseRow) (*requisitionRow, error) {
	r := &requisitionRow{caseRow: c}
	if err := tx.GetContext(ctx, r, requisitionSQL, c.Number); err != nil {
		return nil, fmt.Errorf("read requisition %s: %w", c.Number, err)
	}
	return r, nil
}

func (r *requisitionRow) state() requisition.State { return requisition.State(r.State) }

// parts reads the gross amount by output tax rate.
func (r *requisitionRow) parts(ctx context.Context, tx *sqlx.Tx) ([]requisition.Part, error) {
	var parts []requisition.Part
	if err := tx.SelectContext(ctx, &parts, `SELECT output_tax_rate, amount FROM requisition_parts WHERE case_number = $1 ORDER BY output_tax_rate`, r.Number); err != nil {
		return nil, fmt.Errorf("read parts: %w", err)
	}
	return parts, nil
}

// set writes columns of the requisition; the assignments are a fixed fragment.
func (r *requisitionRow) set(ctx context.Context, tx *sqlx.Tx, assignments string, args ...any) error {
	if _, err := tx.ExecContext(ctx, `UPDATE requisitions SET `+assignments+` WHERE case_number = $1`, append([]any{r.Number}, args...)...); err != nil {
		return fmt.Errorf("keep requisition %s: %w", r.Number, err)
	}
	return nil
}

// notify tells the partner's people who may apply for it.
func (r *requisitionRow) notify(ctx context.Context, tx *sqlx.Tx, n requisition.Notice, step, note string, at time.Time) error {
	subject, body := n.Text(r.notice(note))
	return notifyPartner(ctx, tx, r.caseRow, requisition.Applicants, subject, body, r.key(step), at)
}

func (r *requisitionRow) notice(note string) requisition.NoticeData {
	return requisition.NoticeData{Case: r.Number, Partner: r.Partner, Method: r.Method, Settlement: r.Settlement, Currency: r.Currency, Note: note}
}

// key is a business key of the case (ENG-01).
func (r *requisitionRow) key(step string) string {
	return requisition.Kind + "/" + r.Number + "/" + step
}
