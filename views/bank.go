package views

import (
	"context"
	"time"

	"countersign/domain/money"
	"countersign/domain/payment"
)

// BankPayment is one transfer by a bank.
type BankPayment struct {
	ID        string         `db:"end_to_end_id" json:"end_to_end_id"`
	Case      string         `db:"case_number"   json:"case"`
	Amount    money.Amount   `db:"amount"        json:"amount"`
	Currency  money.Currency `db:"currency"      json:"currency"`
	Payee     string         `db:"payee"         json:"payee"`
	Entity    string         `db:"paying_entity" json:"paying_entity"`
	State     payment.State  `db:"state"         json:"state"`
	Order     string         `db:"message_id"    json:"order,omitempty"` // the file it left in
	OrderedAt time.Time      `db:"ordered_at"    json:"ordered_at"`
	ChangedAt time.Time      `db:"changed_at"    json:"changed_at"`
}

// BankPayments lists payments, the oldest first: those that wait for something, or all; of one case, or of all.
func (r Reader) BankPayments(ctx context.Context, number string, all bool) ([]BankPayment, error) {
	if number != "" {
		if err := r.mustExist(ctx, "case", number, caseExistsSQL); err != nil {
			return nil, err
		}
	}
	return rows[BankPayment](ctx, r.q(), "payments", `
		SELECT end_to_end_id, case_number, amount, currency, payee, paying_entity, state, coalesce(message_id, '') AS message_id, ordered_at, changed_at
		  FROM payments WHERE ($1 = '' OR case_number = $1) AND ($2 OR state IN ('READY', 'EXPORTED', 'BY_HAND', 'ACCEPTED'))
		 ORDER BY ordered_at, end_to_end_id`, number, all || number != "")
}

// BankOrder is one file for a bank.
type BankOrder struct {
	ID       string       `db:"message_id" json:"order"`
	Key      string       `db:"key"        json:"key"`
	MadeBy   string       `db:"made_by"    json:"made_by"`
	MadeAt   time.Time    `db:"made_at"    json:"made_at"`
	Written  bool         `db:"written"    json:"written"` // not: its export was not ended
	Payments int          `db:"payments"   json:"payments"`
	Sum      money.Amount `db:"sum"        json:"sum"`
}

// BankOrders lists the files for banks: those that are not written yet or are not answered in whole, or all.
func (r Reader) BankOrders(ctx context.Context, all bool) ([]BankOrder, error) {
	return rows[BankOrder](ctx, r.q(), "orders", `
		SELECT message_id, key, made_by, made_at, file IS NOT NULL AS written, count(p.amount) AS payments, coalesce(sum(p.amount), 0)::numeric(20,2) AS sum
		  FROM payment_batches b LEFT JOIN payments p USING (message_id)
		 GROUP BY b.message_id HAVING $1 OR (file IS NULL AND count(p.amount) > 0) OR bool_or(p.state IN ('EXPORTED', 'ACCEPTED')) ORDER BY message_id`, all)
}

// BankLine is a line of a bank that settled nothing.
type BankLine struct {
	File       string         `db:"file_id"       json:"file"` // the bank's message ID
	Row        int            `db:"row_no"        json:"row"`
	ID         string         `db:"end_to_end_id" json:"end_to_end_id"`
	Case       string         `db:"case_number"   json:"case"`
	Kind       payment.Kind   `db:"kind"          json:"kind"`
	Reference  string         `db:"reference"     json:"reference"`
	Result     payment.Result `db:"result"        json:"result"`
	Note       string         `db:"note"          json:"note"`
	State      payment.State  `db:"state"         json:"payment"`
	ImportedBy string         `db:"imported_by"   json:"imported_by"`
	ImportedAt time.Time      `db:"imported_at"   json:"imported_at"`
}

// BankLines lists what somebody has to look at, the newest last: what a payment does not fit is left out once it is answered,
// what nobody expected stays.
func (r Reader) BankLines(ctx context.Context, number string, all bool) ([]BankLine, error) {
	return rows[BankLine](ctx, r.q(), "bank lines", `
		SELECT f.message_id AS file_id, l.row_no, l.end_to_end_id, p.case_number, l.kind, l.reference, l.result, l.note, p.state, f.imported_by, f.imported_at
		  FROM statement_lines l JOIN statement_files f USING (content_hash) JOIN payments p ON p.end_to_end_id = l.payment_id
		 WHERE l.result IN ('differs', 'unexpected') AND ($1 = '' OR p.case_number = $1)
		   AND ($2 OR l.result = 'unexpected' OR p.state IN ('EXPORTED', 'BY_HAND', 'ACCEPTED'))
		 ORDER BY f.imported_at, l.line`, number, all || number != "")
}
