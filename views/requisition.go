package views

import (
	"context"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/requisition"
	"countersign/domain/tax"
)

// Requisition is one requisition as lists show it.
type Requisition struct {
	Case        string             `db:"case_number"          json:"case"`
	Partner     string             `db:"partner_id"           json:"partner"`
	State       domain.State       `db:"state"                json:"state"`
	Chinese     string             `db:"-"                    json:"state_chinese"`
	Method      requisition.Method `db:"method"               json:"method"`
	Scope       requisition.Scope  `db:"scope"                json:"scope"`
	Gross       money.Amount       `db:"gross"                json:"gross"`
	Settlement  money.Amount       `db:"settlement"           json:"settlement"`
	Currency    string             `db:"currency"             json:"currency"`
	ServiceRate tax.Rate           `db:"service_fee_tax_rate" json:"service_fee_tax_rate"`
	Entity      string             `db:"signing_entity"       json:"signing_entity"`
	Period      string             `db:"settlement_period"    json:"settlement_period"`
	InvoiceDue  calendar.Date      `db:"invoice_due_date"     json:"invoice_due_date,omitzero"`
	OpenedAt    time.Time          `db:"opened_at"            json:"opened_at"`
	CompletedAt *time.Time         `db:"completed_at"         json:"completed_at,omitempty"`
	PausedAt    *time.Time         `db:"paused_at"            json:"paused_at,omitempty"` // waits for business information (AUT-05)
	AccountName string             `db:"bank_account_name"    json:"bank_account_name,omitempty"`
	Bank        string             `db:"bank_name"            json:"bank_name,omitempty"`
	AccountNo   string             `db:"account_no"           json:"account_no,omitempty"`
	Reference   string             `db:"reference"            json:"reference,omitempty"`
	Failure     string             `db:"failure"              json:"failure,omitempty"`
	List        string             `db:"list_no"              json:"list_no,omitempty"`
	Quota       string             `db:"quota_id"             json:"quota,omitempty"`
}

// RequisitionFilter narrows a list of requisitions; what is empty does not.
type RequisitionFilter struct {
	Partner string
	State   domain.State
}

const requisitionSQL = `
	SELECT r.case_number, r.partner_id, c.state, r.method, r.scope, r.gross, r.settlement, r.currency, r.service_fee_tax_rate, r.signing_entity, r.settlement_period,
	       r.invoice_due_date, c.opened_at, r.completed_at, r.paused_at, r.bank_account_name, r.bank_name, r.account_no, r.reference, r.failure,
	       coalesce(l.list_no, '') AS list_no, coalesce(q.quota_id, '') AS quota_id
	  FROM requisitions r JOIN cases c USING (case_number) LEFT JOIN invoice_lists l USING (case_number) LEFT JOIN quotas q USING (case_number)`

// Requisitions lists requisitions, the oldest first.
func (r Reader) Requisitions(ctx context.Context, f RequisitionFilter) ([]Requisition, error) {
	if f.Partner != "" {
		if err := r.mustExist(ctx, "partner", f.Partner, partnerExistsSQL); err != nil {
			return nil, err
		}
	}
	q := &query{}
	q.text.WriteString(requisitionSQL + ` WHERE true`)
	if f.Partner != "" {
		q.add(` AND r.partner_id = $%d`, f.Partner)
	}
	if f.State != "" {
		q.add(` AND c.state = $%d`, f.State)
	}
	q.text.WriteString(` ORDER BY c.opened_at, c.case_number`)
	return r.requisitions(ctx, q)
}

// NewestRequisitions lists some of a partner's, the newest first, after that of a case if one is named.
func (r Reader) NewestRequisitions(ctx context.Context, partner, after string, limit int) ([]Requisition, error) {
	return r.requisitions(ctx, newest(partner, []string{requisition.Kind}, limit, func(q *query) { q.after(after) }).in(requisitionSQL))
}

func (r Reader) requisitions(ctx context.Context, q *query) ([]Requisition, error) {
	found, err := rows[Requisition](ctx, r.q(), "requisitions", q.text.String(), q.args...)
	for i := range found {
		found[i].Chinese = requisition.Chinese(found[i].State)
	}
	return found, err
}

// RequisitionBill is one bill of a requisition; a negative one was taken in (PAY-27).
type RequisitionBill struct {
	Bill   string       `db:"bill_id" json:"bill"`
	Period string       `db:"period"  json:"period"`
	Model  string       `db:"association" json:"association"`
	Amount money.Amount `db:"amount"  json:"amount"`
	Live   bool         `db:"live"    json:"live"` // false: free again
}

// RequisitionDetail is a requisition with its bills.
type RequisitionDetail struct {
	Requisition
	Bills []RequisitionBill `json:"bills"`
}

// Requisition answers one requisition.
func (r Reader) Requisition(ctx context.Context, number string) (RequisitionDetail, error) {
	var d RequisitionDetail
	var err error
	if d.Requisition, err = row[Requisition](ctx, r.q(), "requisition", number, requisitionSQL+` WHERE r.case_number = $1`, number); err != nil {
		return d, err
	}
	d.Chinese = requisition.Chinese(d.State)
	d.Bills, err = rows[RequisitionBill](ctx, r.q(), "bills", `
		SELECT b.bill_id, b.period, b.association, rb.amount, rb.live FROM requisition_bills rb JOIN bills b USING (bill_id) WHERE rb.case_number = $1 ORDER BY rb.amount < 0, b.bill_id`, number)
	return d, err
}
