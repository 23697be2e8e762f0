package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/payment"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"
	"countersign/internal/iso20022"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/shopspring/decimal"
)

// RecordAnswerInput is a file of a bank.
type RecordAnswerInput struct {
	Name   string // of the file
	File   []byte
	Person string // who imports
	At     time.Time
}

// BankAnswer is a file of a bank with what its lines mean.
type BankAnswer struct {
	Hash      string       `json:"hash"`
	Schema    string       `json:"schema"`
	MessageID string       `json:"message"`
	Known     bool         `json:"known"` // it was imported before: nothing new is recorded
	Lines     []AnswerLine `json:"lines"`
}

// AnswerLine is one line of a bank's file, and where its payment stands.
type AnswerLine struct {
	Hash      []byte           `db:"content_hash"  json:"-"`
	Line      int              `db:"line"          json:"line"`
	Row       int              `db:"row_no"        json:"row"`
	Kind      payment.Kind     `db:"kind"          json:"kind"`
	ID        string           `db:"end_to_end_id" json:"end_to_end_id"`
	Order     string           `db:"order_id"      json:"order,omitempty"` // that a status report answers
	Case      string           `db:"case_number"   json:"case,omitempty"`
	Amount    *decimal.Decimal `db:"amount"        json:"amount,omitempty"`
	Currency  string           `db:"currency"      json:"currency,omitempty"`
	Booked    string           `db:"booked"        json:"booked,omitempty"`
	Reference string           `db:"reference"     json:"reference"`
	Reason    string           `db:"reason"        json:"reason,omitempty"`
	Result    payment.Result   `db:"result"        json:"result"`
	Note      string           `db:"note"          json:"note,omitempty"`
	State     payment.State    `db:"state"         json:"payment,omitempty"` // of its payment now
	Task      string           `db:"task_id"       json:"task,omitempty"`    // that asks for the bank's answer, while it is open
	Late      string           `db:"late_task"     json:"late_return,omitempty"`
	Refused   int              `db:"refused"       json:"-"` // how often its decision was
}

// Waits tells whether the line is to be carried out still.
func (l AnswerLine) Waits() bool {
	switch l.Result {
	case payment.Settles, payment.Returns:
		return l.State.UnderWay()
	case payment.ReturnsLate:
		return l.Late == ""
	case payment.Accepts, payment.Notes, payment.Differs, payment.Unexpected, payment.Known, payment.Unknown:
	}
	return false
}

// Decision is the answer to the case's task by which a line that settles or returns is carried out. Its key is the line's
// and the person's: an import that is repeated decides nothing twice. After a refusal it is the next one: Temporal would
// answer the old key with the old refusal.
func (l AnswerLine) Decision(person string) approval.Decision {
	d := approval.Decision{Task: l.Task, Person: person, Reference: l.Reference, Key: fmt.Sprintf("%s/%s/%d", l.key(), person, l.Refused)}
	if l.Result == payment.Settles {
		d.Outcome, d.Amount = withdrawal.Arrived, l.Amount.StringFixed(2)
		return d
	}
	d.Outcome, d.Reason = withdrawal.Bounced, cmp.Or(l.Reason, "the bank gave the money back")
	return d
}

// LateReturn is the report by which a line is carried out that gives paid money back.
func (l AnswerLine) LateReturn(person string, at time.Time) ReportLateReturnInput {
	return ReportLateReturnInput{Case: l.Case, Person: person, Amount: l.Amount.StringFixed(2), Reference: l.Reference, At: at}
}

func (l AnswerLine) key() string {
	return fmt.Sprintf("bank/%s/%d", hex.EncodeToString(l.Hash[:8]), l.Line)
}

// RecordAnswer reads a status report or a statement and records its lines with what they mean, all or none. The same file
// again records nothing and answers the lines as they were recorded, so that what a killed import left is carried out.
func (b *Bank) RecordAnswer(ctx context.Context, in RecordAnswerInput) (BankAnswer, error) {
	in.At = stored(in.At)
	read, err := iso20022.Read(in.File)
	if err != nil {
		return BankAnswer{}, fmt.Errorf("the file %s, %w", in.Name, err)
	}
	r := recording{in: in, file: read}
	sum := sha256.Sum256(in.File)
	r.hash = sum[:]
	answer := BankAnswer{Hash: hex.EncodeToString(r.hash), Schema: read.Schema, MessageID: read.ID}
	err = inTx(ctx, b.DB, func(tx *sqlx.Tx) error {
		answer.Known, r.lines, r.payments, r.earlier = false, nil, nil, nil
		known, err := r.run(ctx, tx)
		if err != nil {
			return err
		}
		answer.Known = known
		answer.Lines, err = answerLines(ctx, tx, r.hash)
		return err
	})
	return answer, Final(err)
}

// recording is one file on its way into the database.
type recording struct {
	in       RecordAnswerInput
	file     iso20022.Answer
	hash     []byte
	lines    []iso20022.Line // each of one payment at most
	payments map[string]*paymentRow
	earlier  map[string][]payment.Earlier
	accounts map[string][]string // of an entity, those it paid from before too
}

// paymentRow is a payment with what its case is.
type paymentRow struct {
	ID       string         `db:"end_to_end_id"`
	Case     string         `db:"case_number"`
	Kind     string         `db:"kind"`
	Amount   money.Amount   `db:"amount"`
	Currency money.Currency `db:"currency"`
	Entity   string         `db:"paying_entity"`
	State    payment.State  `db:"state"`
	Order    string         `db:"message_id"` // the written one that carries it
}

func (r *recording) run(ctx context.Context, tx *sqlx.Tx) (known bool, err error) {
	if list, err := vendorPayer(ctx, tx, r.in.Person); err != nil || len(list) > 0 {
		return false, cmp.Or(err, list.Err())
	}
	if err := r.readAccounts(ctx, tx); err != nil {
		return false, err
	}
	if err := r.spread(ctx, tx); err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO statement_files (content_hash, name, schema, message_id, lines, imported_by, imported_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (content_hash) DO NOTHING`, r.hash, r.in.Name, r.file.Schema, r.file.ID, len(r.lines), r.in.Person, r.in.At)
	if err != nil {
		return false, fmt.Errorf("record file: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return true, err
	}
	if err := r.load(ctx, tx); err != nil {
		return false, err
	}
	judged := make([]judgedLine, len(r.lines))
	for i, l := range r.lines {
		judged[i] = r.judge(i+1, l)
	}
	text, err := json.Marshal(judged)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, recordLinesSQL, r.hash, text); err != nil { // all at once: a statement may be long
		return false, fmt.Errorf("record lines: %w", err)
	}
	for _, l := range judged {
		if err := r.follow(ctx, tx, l); err != nil {
			return false, err
		}
	}
	return false, nil
}

const recordLinesSQL = `
	INSERT INTO statement_lines (content_hash, line, row_no, kind, end_to_end_id, order_id, payment_id, amount, currency, booked, reference, account_no, reason, result, note)
	SELECT $1, line, row_no, kind, end_to_end_id, order_id, payment_id, amount, currency, nullif(booked, '')::date, reference, account_no, reason, result, note
	  FROM jsonb_to_recordset($2) AS l (line int, row_no int, kind text, end_to_end_id text, order_id text, payment_id text, amount numeric, currency text, booked text,
	                                   reference text, account_no text, reason text, result text, note text)`

// judgedLine is a line with what it means, as it is stored.
type judgedLine struct {
	Line      int              `json:"line"`
	Row       int              `json:"row_no"`
	Kind      payment.Kind     `json:"kind"`
	ID        string           `json:"end_to_end_id"`
	Order     string           `json:"order_id"`
	Payment   *string          `json:"payment_id"`
	Amount    *decimal.Decimal `json:"amount"`
	Currency  string           `json:"currency"`
	Booked    string           `json:"booked"`
	Reference string           `json:"reference"`
	Account   string           `json:"account_no"`
	Reason    string           `json:"reason"`
	Result    payment.Result   `json:"result"`
	Note      string           `json:"note"`
}

// readAccounts refuses a statement of an account that is none of ours.
func (r *recording) readAccounts(ctx context.Context, tx *sqlx.Tx) error {
	var rows []PayingAccountRecord
	if err := tx.SelectContext(ctx, &rows, `SELECT entity, account_no FROM paying_accounts`); err != nil {
		return fmt.Errorf("read paying accounts: %w", err)
	}
	r.accounts = map[string][]string{}
	ours := map[string]bool{"": true}
	for _, a := range rows {
		r.accounts[a.Entity] = append(r.accounts[a.Entity], a.AccountNo)
		ours[a.AccountNo] = true
	}
	for _, l := range r.file.Lines {
		if !ours[l.Account] {
			return refusal.List{refusal.New("ENG-06", "CBC.0100", "account "+l.Account, "The statement is of account %s, from which no entity pays; look whether it is the right file, or add the account under paying_accounts of the programme file.", l.Account)}
		}
	}
	return nil
}

// spread makes one line for each payment of what is said of a whole order or group, but not of those that are named.
func (r *recording) spread(ctx context.Context, tx *sqlx.Tx) error {
	named := map[string]bool{}
	for _, l := range r.file.Lines {
		if l.EndToEndID != "" || l.Message == "" {
			named[l.Message+"/"+l.EndToEndID] = true
			r.lines = append(r.lines, l)
			continue
		}
		var ids []string
		if err := tx.SelectContext(ctx, &ids, `
			SELECT end_to_end_id FROM payments WHERE message_id = $1 AND group_id IS NOT NULL AND ($2 = '' OR group_id = $2) ORDER BY end_to_end_id`, l.Message, l.Group); err != nil {
			return fmt.Errorf("read payments of %s: %w", l.Message, err)
		}
		if len(ids) == 0 {
			r.lines = append(r.lines, l)
		}
		for _, id := range ids {
			if !named[l.Message+"/"+id] {
				named[l.Message+"/"+id] = true
				l.EndToEndID = id
				r.lines = append(r.lines, l)
			}
		}
	}
	return nil
}

// load locks the cases that are spoken of, in the order of their numbers, and reads their payments and what was said of them.
func (r *recording) load(ctx context.Context, tx *sqlx.Tx) error {
	ids := make([]string, len(r.lines))
	for i, l := range r.lines {
		ids[i] = l.EndToEndID
	}
	if _, err := tx.ExecContext(ctx, `
		SELECT 1 FROM cases WHERE case_number IN (SELECT case_number FROM payments WHERE end_to_end_id = ANY ($1)) ORDER BY case_number FOR NO KEY UPDATE`, pq.Array(ids)); err != nil {
		return fmt.Errorf("lock cases: %w", err)
	}
	var rows []*paymentRow
	if err := tx.SelectContext(ctx, &rows, `
		SELECT p.end_to_end_id, p.case_number, c.kind, p.amount, p.currency, p.paying_entity, p.state,
		       CASE WHEN p.group_id IS NULL THEN '' ELSE p.message_id END AS message_id
		  FROM payments p JOIN cases c USING (case_number) WHERE p.end_to_end_id = ANY ($1)`, pq.Array(ids)); err != nil {
		return fmt.Errorf("read payments: %w", err)
	}
	r.payments, r.earlier = map[string]*paymentRow{}, map[string][]payment.Earlier{}
	for _, p := range rows {
		r.payments[p.ID] = p
	}
	var said []struct {
		ID        string           `db:"payment_id"`
		Kind      payment.Kind     `db:"kind"`
		Order     string           `db:"order_id"`
		Amount    *decimal.Decimal `db:"amount"`
		Currency  string           `db:"currency"`
		Account   string           `db:"account_no"`
		Reference string           `db:"reference"`
		Result    payment.Result   `db:"result"`
	}
	if err := tx.SelectContext(ctx, &said, `
		SELECT payment_id, kind, order_id, amount, currency, account_no, reference, result FROM statement_lines WHERE payment_id = ANY ($1)`, pq.Array(ids)); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	for _, s := range said {
		r.earlier[s.ID] = append(r.earlier[s.ID], payment.Earlier{
			Line:   payment.Line{Kind: s.Kind, ID: s.ID, Order: s.Order, Amount: s.Amount, Currency: s.Currency, Account: s.Account, Reference: s.Reference},
			Result: s.Result,
		})
	}
	return nil
}

// judge tells what a line means by what was said before it, in this file and in others.
func (r *recording) judge(n int, l iso20022.Line) judgedLine {
	j := judgedLine{
		Line: n, Row: l.Row, Kind: payment.Kind(l.Kind), ID: l.EndToEndID, Order: l.Message, Amount: l.Amount, Currency: l.Currency, Booked: l.Booked,
		Reference: l.Reference, Account: l.Account, Reason: l.Reason,
	}
	line := payment.Line{Kind: j.Kind, ID: j.ID, Order: j.Order, Amount: j.Amount, Currency: j.Currency, Account: j.Account, Reference: j.Reference}
	p := r.payments[j.ID]
	if p == nil {
		j.Result, j.Note = payment.Judge(line, nil, nil)
		return j
	}
	j.Payment = &p.ID
	j.Result, j.Note = payment.Judge(line, &payment.Payment{
		ID: p.ID, Amount: p.Amount, Currency: p.Currency, State: p.State, Order: p.Order, Accounts: r.accounts[p.Entity], TakesBack: p.Kind == withdrawal.Kind,
	}, r.earlier[p.ID])
	if j.Kind == payment.KindUnclear && j.Result.NeedsPeople() {
		j.Note = cmp.Or(j.Reason, "-") + ": " + j.Note
	}
	r.earlier[p.ID] = append(r.earlier[p.ID], payment.Earlier{Line: line, Result: j.Result})
	if j.Result == payment.Accepts {
		p.State = payment.Accepted
	}
	return j
}

// follow does what follows from a line at once: a payment is accepted, or people are told.
func (r *recording) follow(ctx context.Context, tx *sqlx.Tx, l judgedLine) error {
	switch {
	case l.Result == payment.Accepts:
		if _, err := tx.ExecContext(ctx, `UPDATE payments SET state = $2, changed_at = $3 WHERE end_to_end_id = $1`, l.ID, payment.Accepted, r.in.At); err != nil {
			return fmt.Errorf("accept payment %s: %w", l.ID, err)
		}
	case l.Result.NeedsPeople():
		return r.tell(ctx, tx, *r.payments[l.ID], l)
	}
	return nil
}

// tell makes a line that settles nothing an event of its case, and tells whoever may answer for the payment. What the case
// asks stays open.
func (r *recording) tell(ctx context.Context, tx *sqlx.Tx, p paymentRow, l judgedLine) error {
	c, err := readCase(ctx, tx, p.Case)
	if err != nil {
		return err
	}
	policy, err := withdrawalPolicy(ctx, tx, 0)
	if err != nil {
		return err
	}
	key := AnswerLine{Hash: r.hash, Line: l.Line}.key()
	note := fmt.Sprintf("%s, line %d, reference %s: %s; nothing is settled", r.file.ID, l.Row, cmp.Or(l.Reference, "-"), l.Note)
	if err := appendEvent(ctx, tx, event{
		Case: c.Number, Key: key, At: r.in.At, Actor: r.in.Person, Via: viaRequest, Action: "bank line", From: c.State, To: c.State, Rule: "ENG-03", Note: note,
	}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4::timestamptz, $4::timestamptz
		  FROM deciders(coalesce((SELECT candidates FROM tasks WHERE case_number = $5 AND matter = $6 AND state = 'open' LIMIT 1), ARRAY['role:' || $7]), '{}', $4)
		ON CONFLICT (key) DO NOTHING`,
		key, fmt.Sprintf("%s 银行对账不符 / bank line does not fit", c.Number),
		fmt.Sprintf("付款 %s：%s\n请核对银行流水后处理。\n\nPayment %s: %s.\nLook at the statement, then answer the case's task.\n", p.ID, note, p.ID, note),
		r.in.At, c.Number, withdrawal.Confirm.Name, string(policy.PaymentRole)); err != nil {
		return fmt.Errorf("tell of line %d: %w", l.Line, err)
	}
	return nil
}

// answerLines reads the lines of a file with where their payments stand now.
func answerLines(ctx context.Context, tx *sqlx.Tx, hash []byte) ([]AnswerLine, error) {
	lines := []AnswerLine{}
	if err := tx.SelectContext(ctx, &lines, `
		SELECT l.content_hash, l.line, l.row_no, l.kind, l.end_to_end_id, l.order_id, coalesce(p.case_number, '') AS case_number, l.amount, l.currency,
		       coalesce(l.booked::text, '') AS booked, l.reference, l.reason, l.result, l.note, coalesce(p.state, '') AS state,
		       coalesce((SELECT min(task_id) FROM tasks t WHERE t.case_number = p.case_number AND matter = $2 AND t.state = 'open'), '') AS task_id,
		       coalesce((SELECT min(task_id) FROM tasks t WHERE t.case_number = p.case_number AND matter = $3 AND t.reference = l.reference AND t.amount = l.amount), '') AS late_task,
		       (SELECT count(*) FROM events e
		         WHERE e.case_number = p.case_number AND starts_with(e.key, 'refused/decide/bank/' || left(encode(l.content_hash, 'hex'), 16) || '/' || l.line || '/')) AS refused
		  FROM statement_lines l LEFT JOIN payments p ON p.end_to_end_id = l.payment_id
		 WHERE l.content_hash = $1 ORDER BY l.line`, hash, withdrawal.Confirm.Name, withdrawal.LateReturn.Name); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	return lines, nil
}
