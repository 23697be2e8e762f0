package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/payment"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"
	"countersign/internal/iso20022"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// An export has three parts: an order is opened, each payment joins it by the decision "send" on its own case, which runs
// that case's last checks, and the order is written. Whatever is killed between is carried on under the same key.

// OpenOrderInput begins a bank file.
type OpenOrderInput struct {
	Key    string // request key
	Person string // who releases
	At     time.Time
}

// BankOrder is one file for a bank.
type BankOrder struct {
	MessageID string            `json:"order"`
	File      string            `json:"-"`        // its text, once it is written
	Payments  []ReleasedPayment `json:"payments"` // that may join it; of a written one those that are in it
	Left      []LeftPayment     `json:"left,omitempty"`
}

// ReleasedPayment is a payment in a file, or on its way into one.
type ReleasedPayment struct {
	ID       string         `db:"end_to_end_id" json:"end_to_end_id"`
	Case     string         `db:"case_number"   json:"case"`
	Task     string         `db:"task_id"       json:"task,omitempty"`
	Amount   money.Amount   `db:"amount"        json:"amount"`
	Currency money.Currency `db:"currency"      json:"currency"`
	Payee    string         `db:"payee"         json:"payee"`
	Account  string         `db:"account_no"    json:"account_no"`
	Bank     string         `db:"bank"          json:"bank"`
	Branch   string         `db:"branch"        json:"branch"`
	Entity   string         `db:"paying_entity" json:"paying_entity"`
	Refused  int            `db:"refused"       json:"-"` // how often its release into this order was
}

// LeftPayment is one that no file can carry.
type LeftPayment struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

// Send is the decision by which a payment joins an order; its key is the payment's and the order's, after a refusal the next.
func (p ReleasedPayment) Send(order, person string) approval.Decision {
	return approval.Decision{Task: p.Task, Person: person, Outcome: withdrawal.Sent, Reference: order, Key: fmt.Sprintf("bank/%s/%s/%d", order, p.Task, p.Refused)}
}

func (p ReleasedPayment) transfer() iso20022.Transfer {
	return iso20022.Transfer{
		EndToEndID: p.ID, Amount: decimal.RequireFromString(p.Amount.String()), Currency: string(p.Currency), Name: p.Payee, Number: p.Account, Bank: p.Bank, Branch: p.Branch, Text: p.Case,
	}
}

// OpenOrder opens an order for whatever waits to be sent and the person may send, or finds the one of the key: written, it
// is answered as it is. An entity without an account refuses the whole; a payment that no file can carry is left out, and
// said so.
func (b *Bank) OpenOrder(ctx context.Context, in OpenOrderInput) (BankOrder, error) {
	in.At = stored(in.At)
	var o BankOrder
	err := inTx(ctx, b.DB, func(tx *sqlx.Tx) error {
		o = BankOrder{}
		list, err := vendorPayer(ctx, tx, in.Person)
		if err != nil {
			return err
		}
		if in.Key == "" || !approval.Fits(64, in.Key) {
			list = append(list, refusal.New("COM-20", "COM_REQUEST_KEY", "request key", "An export has a request key of 1 to 64 characters."))
		}
		if len(list) > 0 {
			return list
		}
		known, err := findOrder(ctx, tx, in, &o)
		if err != nil || o.File != "" {
			return err
		}
		if err := b.waiting(ctx, tx, in, &o); err != nil {
			return err
		}
		if known {
			return nil
		}
		if len(o.Payments) == 0 {
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", "bank", "No payment waits for a bank file that %s may send.%s", in.Person, leftOut(o.Left))}
		}
		if err := tx.GetContext(ctx, &o.MessageID, `INSERT INTO payment_batches (key, made_by, made_at) VALUES ($1, $2, $3) RETURNING message_id`, in.Key, in.Person, in.At); err != nil {
			return fmt.Errorf("open order: %w", err)
		}
		return nil
	})
	return o, Final(err)
}

func leftOut(left []LeftPayment) string {
	var text strings.Builder
	for _, l := range left {
		fmt.Fprintf(&text, " %s: %s.", l.Case, l.Why)
	}
	return text.String()
}

// findOrder reads the order of a key; a written one with its file and payments. The key of somebody else is refused (COM-20).
func findOrder(ctx context.Context, tx *sqlx.Tx, in OpenOrderInput, o *BankOrder) (bool, error) {
	var by string
	err := tx.QueryRowContext(ctx, `SELECT message_id, made_by, coalesce(file, '') FROM payment_batches WHERE key = $1`, in.Key).Scan(&o.MessageID, &by, &o.File)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for order: %w", err)
	case by != in.Person:
		return false, refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "order "+o.MessageID, "The request key is taken by an export of %s; use a key of your own.", by)}
	case o.File == "":
		return true, nil
	}
	o.Payments, err = inOrder(ctx, tx, o.MessageID, true)
	return true, err
}

// inOrder reads the payments of a written order, or those that are to be written: what people have answered meanwhile is not.
func inOrder(ctx context.Context, tx *sqlx.Tx, id string, written bool) ([]ReleasedPayment, error) {
	var found []ReleasedPayment
	lock := " FOR NO KEY UPDATE"
	if written { // it stays as it is; an import locks its payments in another order
		lock = ""
	}
	if err := tx.SelectContext(ctx, &found, `
		SELECT end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity
		  FROM payments WHERE message_id = $1 AND CASE WHEN $2 THEN group_id IS NOT NULL ELSE state = $3 END ORDER BY paying_entity, end_to_end_id`+lock,
		id, written, payment.Exported); err != nil {
		return nil, fmt.Errorf("read payments of %s: %w", id, err)
	}
	return found, nil
}

// waiting finds what the person may send, by the tasks that ask for it.
func (b *Bank) waiting(ctx context.Context, tx *sqlx.Tx, in OpenOrderInput, o *BankOrder) error {
	var all []ReleasedPayment
	if err := tx.SelectContext(ctx, &all, `
		SELECT p.end_to_end_id, p.case_number, t.task_id, p.amount, p.currency, p.payee, p.account_no, p.bank, p.branch, p.paying_entity,
		       (SELECT count(*) FROM events e WHERE e.case_number = p.case_number AND starts_with(e.key, 'refused/decide/bank/' || $4 || '/' || t.task_id || '/')) AS refused
		  FROM payments p JOIN tasks t USING (case_number) JOIN cases c USING (case_number)
		 WHERE p.state = 'READY' AND t.state = 'open' AND t.matter = $3 AND t.candidates && who_is($1, $2) AND $1 NOT IN (t.opened_by, c.submitter)
		 ORDER BY p.ordered_at, p.end_to_end_id`, in.Person, in.At, withdrawal.Send.Name, o.MessageID); err != nil {
		return fmt.Errorf("read payments: %w", err)
	}
	accounts, err := payingAccounts(ctx, tx)
	if err != nil {
		return err
	}
	var list refusal.List
	refused := map[string]bool{}
	for _, p := range all {
		if _, ok := accounts[p.Entity]; !ok && !refused[p.Entity] {
			refused[p.Entity] = true
			list = append(list, refusal.New("ENG-06", "CBC.0100", "entity "+p.Entity,
				"The entity %s, which pays %s, has no bank account here; add it under paying_accounts of the programme file and load that.", p.Entity, p.Case))
		}
		if err := p.transfer().Check(); err != nil {
			o.Left = append(o.Left, LeftPayment{Case: p.Case, Why: strings.ReplaceAll(err.Error(), "\n", ", ") + "; send it by hand"})
			continue
		}
		o.Payments = append(o.Payments, p)
	}
	return list.Err()
}

// payingAccounts reads from where each entity pays now.
func payingAccounts(ctx context.Context, tx *sqlx.Tx) (map[string]iso20022.Account, error) {
	var rows []PayingAccountRecord
	if err := tx.SelectContext(ctx, &rows, `SELECT DISTINCT ON (entity) entity, name, account_no, bic FROM paying_accounts ORDER BY entity, account_id DESC`); err != nil {
		return nil, fmt.Errorf("read paying accounts: %w", err)
	}
	accounts := map[string]iso20022.Account{}
	for _, r := range rows {
		accounts[r.Entity] = iso20022.Account{Name: r.Name, Number: r.AccountNo, BIC: r.BIC}
	}
	return accounts, nil
}

// WriteOrderInput ends a bank file.
type WriteOrderInput struct {
	MessageID string
	At        time.Time
}

// WriteOrder writes the file of an order, once: what joined it and is still on its way. From then on it never changes.
func (b *Bank) WriteOrder(ctx context.Context, in WriteOrderInput) (BankOrder, error) {
	in.At = stored(in.At)
	o := BankOrder{MessageID: in.MessageID}
	err := inTx(ctx, b.DB, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &o.File, `SELECT coalesce(file, '') FROM payment_batches WHERE message_id = $1 FOR UPDATE`, in.MessageID)
		if errors.Is(err, sql.ErrNoRows) {
			return unknown("order", in.MessageID)
		}
		if err != nil {
			return fmt.Errorf("lock order: %w", err)
		}
		if o.Payments, err = inOrder(ctx, tx, in.MessageID, o.File != ""); err != nil || o.File != "" {
			return err
		}
		if len(o.Payments) == 0 {
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", "order "+in.MessageID, "No payment joined the order; nothing is written.")}
		}
		file, err := fileOf(ctx, tx, in, o.Payments)
		if err != nil {
			return err
		}
		o.File = string(file)
		if _, err := tx.ExecContext(ctx, `UPDATE payment_batches SET file = $2, hash = sha256(convert_to($2, 'UTF8')), written_at = $3 WHERE message_id = $1`, in.MessageID, o.File, in.At); err != nil {
			return fmt.Errorf("write order: %w", err)
		}
		return nil
	})
	return o, Final(err)
}

// fileOf makes the text: a group for each entity.
func fileOf(ctx context.Context, tx *sqlx.Tx, in WriteOrderInput, payments []ReleasedPayment) ([]byte, error) {
	accounts, err := payingAccounts(ctx, tx)
	if err != nil {
		return nil, err
	}
	order := iso20022.Order{ID: in.MessageID, At: in.At.In(calendar.Zone)} // to be paid on that day in UTC+8 (ENG-04)
	for _, each := range byEntity(payments) {
		g := iso20022.Group{ID: fmt.Sprintf("%s-%d", in.MessageID, len(order.Groups)+1), From: accounts[each[0].Entity]}
		for _, p := range each {
			g.Transfers = append(g.Transfers, p.transfer())
			if _, err := tx.ExecContext(ctx, `UPDATE payments SET group_id = $2 WHERE end_to_end_id = $1`, p.ID, g.ID); err != nil {
				return nil, fmt.Errorf("write payment %s: %w", p.ID, err)
			}
		}
		order.Groups = append(order.Groups, g)
	}
	file, err := order.Write()
	if err != nil {
		return nil, fmt.Errorf("%w: order %s: %w", errDefect, in.MessageID, err)
	}
	return file, nil
}

// byEntity parts payments, which come in the order of entities.
func byEntity(payments []ReleasedPayment) [][]ReleasedPayment {
	var parts [][]ReleasedPayment
	for i, p := range payments {
		if i == 0 || payments[i-1].Entity != p.Entity {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], p)
	}
	return parts
}
