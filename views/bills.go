package views

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/money"

	"github.com/lib/pq"
)

// Bill is one incentive bill as it stands at an instant.
type Bill struct {
	bill.Bill
	Cadence       string         `db:"cadence"            json:"cadence"`
	Payable       money.Amount   `db:"-"                  json:"payable"` // what of it can be requested, signed (INC-13)
	Currency      money.Currency `db:"currency"           json:"currency"`
	OutputTaxRate money.Amount   `db:"output_tax_rate"    json:"output_tax_rate"` // percent
	GeneratedAt   time.Time      `db:"generated_at"       json:"generated_at"`
	Deadline      calendar.Date  `db:"deadline"           json:"deadline,omitzero"` // last day of the check; of its reconciliation once it is presented
	Case          string         `db:"case_number"        json:"case,omitempty"`
	AnnouncedAt   *time.Time     `db:"announced_at"       json:"announced_at,omitempty"`
	LapsesAt      *time.Time     `db:"lapses_at"          json:"lapses_at,omitempty"` // when it voids (INC-14); none: no end is in sight
	VoidedAt      *time.Time     `db:"voided_at"          json:"voided_at,omitempty"`
	Frozen        bool           `db:"frozen"             json:"frozen"`
	FreezeReason  string         `db:"-"                  json:"freeze_reason,omitempty"`
	Rejected      bool           `db:"rejected"           json:"rejected"` // by the partner; operations recalculates (INC-09)
	OpenQuestions int            `db:"open_questions"     json:"open_questions"`
	Replaces      string         `db:"replaces"           json:"replaces,omitempty"`
	VoidOf        string         `db:"void_of"            json:"void_of,omitempty"` // the bill that voided it
}

// BillFilter narrows a list of bills; what is empty does not.
type BillFilter struct {
	Partner, Period, Case string
	State                 bill.State
	Unrequested           bool // no live requisition has it

	NewestFirst bool   // by period, instead of the oldest
	After       string // with NewestFirst: the number of a bill, after which the page begins
	Limit       int    // 0: all
}

// Bills lists bills as they stand at an instant, by partner and period.
func (r Reader) Bills(ctx context.Context, f BillFilter, at time.Time) ([]Bill, error) {
	if f.Partner != "" {
		if err := r.mustExist(ctx, "partner", f.Partner, partnerExistsSQL); err != nil {
			return nil, err
		}
	}
	q := &query{args: []any{at}}
	q.text.WriteString(billSQL + ` WHERE true`)
	for _, narrow := range []struct{ column, by string }{
		{"b.partner_id", f.Partner}, {"b.period", f.Period}, {"b.case_number", f.Case}, {"b.state", string(f.State)},
	} {
		if narrow.by != "" {
			q.add(` AND `+narrow.column+` = $%d`, narrow.by)
		}
	}
	if f.Unrequested {
		q.add(` AND NOT EXISTS (SELECT 1 FROM requisition_bills rb WHERE rb.bill_id = b.bill_id AND rb.live)`)
	}
	if f.After != "" {
		q.add(` AND (b.period, b.bill_id) < ((SELECT period FROM bills WHERE bill_id = $%[1]d), $%[1]d)`, f.After)
	}
	order := ` ORDER BY b.partner_id, b.period, b.bill_id`
	if f.NewestFirst {
		order = ` ORDER BY b.period DESC, b.bill_id DESC`
	}
	q.add(order+` LIMIT $%d`, sql.NullInt64{Int64: int64(f.Limit), Valid: f.Limit > 0})
	found, err := rows[Bill](ctx, r.q(), "bills", q.text.String(), q.args...)
	for i := range found {
		found[i].complete(at)
	}
	return found, err
}

const billSQL = `
	SELECT b.bill_id, b.partner_id, b.plan_name, b.cadence, b.period, b.association, b.amount, b.state, b.currency, b.output_tax_rate, b.generated_at,
	       CASE WHEN b.case_number IS NULL THEN b.published_deadline WHEN b.state = 'TO_CONFIRM' THEN r.deadline END AS deadline,
	       coalesce(b.case_number, '') AS case_number, b.announced_at, b.voided_at, coalesce(b.replaces, '') AS replaces, coalesce(b.void_of, '') AS void_of,
	       b.rejected_at IS NOT NULL AS rejected, bill_requested(b.bill_id) AS requested,
	       CASE WHEN b.state = 'RELEASED' AND b.amount > 0 THEN bill_lapses(b.partner_id, b.announced_at) END AS lapses_at,
	       b.state <> 'VOID' AND bill_frozen(b.partner_id, b.period, b.association, $1) AS frozen,
	       (SELECT count(*) FROM bill_questions q WHERE q.case_number = b.case_number AND b.bill_id = ANY (q.bills) AND q.answered_at IS NULL) AS open_questions
	  FROM bills b LEFT JOIN reconciliations r USING (case_number)`

// complete works out what is not stored.
func (b *Bill) complete(at time.Time) {
	var lapses time.Time
	if b.LapsesAt != nil {
		lapses = *b.LapsesAt
	}
	b.Payable = bill.Payable(b.Bill, b.Frozen, lapses, at)
	if b.Frozen {
		b.FreezeReason = bill.UnpaidCycle
	}
}

// BillDetail is everything about one bill but its lines.
type BillDetail struct {
	Bill
	Lines     LineTotal      `json:"lines"`
	Questions []BillQuestion `json:"questions"`
	Transfers []BillTransfer `json:"transfers"`
	Timeline  []Event        `json:"timeline"` // of its reconciliation
}

// BillQuestion is what the partner asked about presented bills.
type BillQuestion struct {
	ID         int64          `db:"question_id" json:"question"`
	Bills      pq.StringArray `db:"bills"       json:"bills"`
	Question   string         `db:"question"    json:"text"`
	AskedBy    string         `db:"asked_by"    json:"asked_by"`
	AskedAt    time.Time      `db:"asked_at"    json:"asked_at"`
	Answer     string         `db:"answer"      json:"answer,omitempty"`
	AnsweredBy string         `db:"answered_by" json:"answered_by,omitempty"`
}

// BillTransfer is one move to another account.
type BillTransfer struct {
	From    string       `db:"from_partner" json:"from"`
	To      string       `db:"to_partner"   json:"to"`
	Amount  money.Amount `db:"amount"       json:"amount"`
	Reason  string       `db:"reason"       json:"reason"`
	MovedBy string       `db:"moved_by"     json:"moved_by"`
	MovedAt time.Time    `db:"moved_at"     json:"moved_at"`
}

// Bill reads one bill as it stands at an instant.
func (r Reader) Bill(ctx context.Context, id string, at time.Time) (d BillDetail, err error) {
	if d.Bill, err = row[Bill](ctx, r.q(), "bill", id, billSQL+` WHERE b.bill_id = $2`, at, id); err != nil {
		return d, err
	}
	d.complete(at)
	if d.Lines, err = r.LineTotal(ctx, LineFilter{Bill: id}); err != nil {
		return d, err
	}
	if d.Questions, err = rows[BillQuestion](ctx, r.q(), "questions", `
		SELECT question_id, bills, question, asked_by, asked_at, answer, coalesce(answered_by, '') AS answered_by
		  FROM bill_questions WHERE case_number = $1 AND $2 = ANY (bills) ORDER BY question_id`, d.Case, id); err != nil {
		return d, err
	}
	if d.Transfers, err = rows[BillTransfer](ctx, r.q(), "transfers", `
		SELECT from_partner, to_partner, amount, reason, moved_by, moved_at FROM bill_transfers WHERE bill_id = $1 ORDER BY moved_at`, id); err != nil {
		return d, err
	}
	if d.Timeline, err = rows[Event](ctx, r.q(), "timeline", eventsSQL(r.as), d.Case); err != nil {
		return d, fmt.Errorf("history of %s: %w", d.Case, err)
	}
	return d, nil
}

// Reconciliation names the run that a bill's reconciliation has.
type Reconciliation struct {
	Case       string     `db:"case_number"`
	State      bill.State `db:"state"`
	WorkflowID string     `db:"workflow_id"`
	Ended      bool       `db:"ended"`
}

// Reconciliation finds the case in which a bill was presented, by the bill's number or its own.
func (r Reader) Reconciliation(ctx context.Context, id string) (Reconciliation, error) {
	return row[Reconciliation](ctx, r.q(), "presented bill", id, `
		SELECT case_number, state, workflow_id, closed_at IS NOT NULL AS ended FROM cases
		 WHERE kind = $2 AND (case_number = $1 OR case_number = (SELECT case_number FROM bills WHERE bill_id = $1))`, id, bill.Kind)
}
