package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/money"
	"countersign/domain/payment"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Bank exchanges files with banks: orders leave, status reports and statements come back. What a file means for a case is
// carried out by a decision on the case's own task, so that a person answers for it and nothing is settled twice.
type Bank struct{ DB *sqlx.DB }

// paymentOrder is one approved payment that a bank shall make.
type paymentOrder struct {
	Case         string
	Amount       money.Amount
	Currency     money.Currency
	Payee        withdrawal.Payee // as it was when the case was submitted
	PayingEntity string
	At           time.Time
}

// orderPayment makes a payment ready, in the step in which its case becomes payable. A case has one live payment (ENG-01);
// one whose payment came back gets the next, with an end-to-end ID of its own.
func orderPayment(ctx context.Context, tx *sqlx.Tx, o paymentOrder) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO payments (end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at)
		SELECT $1 || '-' || 1 + (SELECT count(*) FROM payments WHERE case_number = $1), $1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $9::timestamptz
		 WHERE NOT EXISTS (SELECT 1 FROM payments WHERE case_number = $1 AND state <> ALL ($10)
		                      AND (amount, currency, payee, account_no, bank, branch, paying_entity) = ($2, $3, $4, $5, $6, $7, $8))`,
		o.Case, o.Amount, o.Currency, o.Payee.Holder, o.Payee.AccountNo, o.Payee.Bank, o.Payee.Branch, o.PayingEntity, o.At, pq.Array(over)); err != nil {
		return fmt.Errorf("order payment of %s: %w", o.Case, err)
	}
	return nil
}

// over are the endings after which a case may be paid anew.
var over = []string{string(payment.Returned), string(payment.Rejected), string(payment.Dropped)}

// releasePayment lets a payment go, in the step in which its case is sent: into the bank file that the decision names by its
// message ID, or to people. It is one conditional write, so that no payment goes both ways. A case that no bank pays has none.
func releasePayment(ctx context.Context, tx *sqlx.Tx, number, reference string, at time.Time) (refusal.List, error) {
	var written bool
	err := sql.ErrNoRows
	if reference != "" {
		err = tx.GetContext(ctx, &written, `SELECT file IS NOT NULL FROM payment_batches WHERE message_id = $1 FOR SHARE`, reference)
	}
	file := err == nil // before the payment is locked: who writes a file locks it first, too
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("look for order: %w", err)
	case written:
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "order "+reference, "The order %s is written, nothing can join it; export anew, or send without its ID as the reference.", reference)}, nil
	}
	to, order := payment.ByHand, sql.NullString{}
	if file {
		if list, err := fitsFile(ctx, tx, number); err != nil || len(list) > 0 {
			return list, err
		}
		to, order = payment.Exported, sql.NullString{String: reference, Valid: true}
	}
	res, err := tx.ExecContext(ctx, `UPDATE payments SET state = $2, message_id = $3, changed_at = $4 WHERE case_number = $1 AND state = $5`, number, to, order, at, payment.Ready)
	if err != nil {
		return nil, fmt.Errorf("release payment of %s: %w", number, err)
	}
	n, err := res.RowsAffected()
	if err != nil || n == 1 || !file {
		return nil, err
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+number, "No payment of this case waits for a bank file; send it by hand, without the order's ID as the reference.")}, nil
}

// fitsFile refuses what no file can carry: one such payment would keep its whole order from being written.
func fitsFile(ctx context.Context, tx *sqlx.Tx, number string) (refusal.List, error) {
	var p ReleasedPayment
	err := tx.GetContext(ctx, &p, `
		SELECT end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity FROM payments WHERE case_number = $1 AND state = $2`, number, payment.Ready)
	if errors.Is(err, sql.ErrNoRows) { // the write tells
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read payment of %s: %w", number, err)
	}
	accounts, err := payingAccounts(ctx, tx)
	if err != nil {
		return nil, err
	}
	fault := p.transfer().Check()
	if _, ok := accounts[p.Entity]; !ok {
		fault = errors.Join(fault, fmt.Errorf("the entity %s has no bank account here", p.Entity))
	}
	if fault == nil {
		return nil, nil
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+number, "No bank file can carry the payment: %s; send it by hand, without the order's ID as the reference.",
		strings.ReplaceAll(fault.Error(), "\n", ", "))}, nil
}

// leftIn is the order that a case's payment was released into; empty: none.
func leftIn(ctx context.Context, tx *sqlx.Tx, number string) (string, error) {
	var order string
	if err := tx.GetContext(ctx, &order, `SELECT coalesce(max(message_id), '') FROM payments WHERE case_number = $1 AND state IN ('EXPORTED', 'ACCEPTED')`, number); err != nil {
		return "", fmt.Errorf("look for order of %s: %w", number, err)
	}
	return order, nil
}

// endPayment keeps a case's payment in step with its case, in the step in which this is paid, or will not be: by the bank's
// word, which a rejection in a status report is too, or because it was never released. A recorded line of the bank that says
// the opposite refuses it (ENG-01), for what was paid would be given back, too; where the bank has said both, people decide.
func endPayment(ctx context.Context, tx *sqlx.Tx, number string, paid bool, at time.Time) error {
	opposite, says, same := payment.Settles, "paid", []payment.Kind{payment.KindReturned, payment.KindRejected}
	if paid {
		opposite, says, same = payment.Returns, "given back", []payment.Kind{payment.KindPaid}
	}
	var contradicted bool
	if err := tx.GetContext(ctx, &contradicted, `
		SELECT EXISTS (SELECT 1 FROM payments p JOIN statement_lines l ON l.payment_id = p.end_to_end_id
		                WHERE p.case_number = $1 AND p.state IN ('EXPORTED', 'ACCEPTED', 'BY_HAND') AND l.result = $2
		                  AND NOT EXISTS (SELECT 1 FROM statement_lines s WHERE s.payment_id = p.end_to_end_id AND s.kind = ANY ($3)))`, number, opposite, pq.Array(same)); err != nil {
		return fmt.Errorf("look for lines of %s: %w", number, err)
	}
	if contradicted {
		return refusal.List{refusal.New("ENG-01", "ENG_STATE", "case "+number, "A line of the bank has told that the payment was %s; import its file again, that carries it out.", says)}
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE payments p SET changed_at = $3, state = CASE
			WHEN $2 THEN 'CONFIRMED' WHEN state = 'READY' THEN 'DROPPED'
			WHEN EXISTS (SELECT 1 FROM statement_lines l WHERE l.payment_id = p.end_to_end_id AND l.result = 'returns' AND l.kind = 'rejected') THEN 'REJECTED'
			ELSE 'RETURNED' END
		 WHERE case_number = $1 AND state IN ('READY', 'EXPORTED', 'ACCEPTED', 'BY_HAND')`, number, paid, at); err != nil {
		return fmt.Errorf("end payment of %s: %w", number, err)
	}
	return nil
}

// vendorPayer answers what keeps a person from exchanging files with a bank.
func vendorPayer(ctx context.Context, tx *sqlx.Tx, id string) (refusal.List, error) {
	p, err := findPerson(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	policy, err := withdrawalPolicy(ctx, tx, 0)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)}, nil
	case !p.OfVendor() || !p.Holds(policy.PaymentRole):
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "%s does not hold the role %s; somebody with that role exchanges files with the bank.", p.Name, policy.PaymentRole)}, nil
	}
	return nil, nil
}
