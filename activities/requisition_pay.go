package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/business"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/owed"
	"countersign/domain/refusal"
	"countersign/domain/requisition"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// pauseLook is how often a paused payment looks by itself whether it may go on; the decision wakes it sooner (AUT-05).
const pauseLook = time.Hour

// pay brings a requisition to PAYING and begins its payment there.
func (r *requisitionRow) pay(ctx context.Context, tx *sqlx.Tx, e event) (refusal.List, error) {
	if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.Paying), WakeAt: r.WakeAt, Amount: &r.Settlement}, e); err != nil {
		return nil, err
	}
	r.Attempts++
	if err := r.set(ctx, tx, `attempts = $2`, r.Attempts); err != nil {
		return nil, err
	}
	return r.settle(ctx, tx, e.At)
}

// settle begins the payment of a requisition that is PAYING: quota and cash are posted, a transfer is asked for. While a change
// of the business information is in review it waits (AUT-05).
func (r *requisitionRow) settle(ctx context.Context, tx *sqlx.Tx, at time.Time) (refusal.List, error) {
	_, facts, err := certification(ctx, tx, r.Partner, at)
	if err != nil {
		return nil, err
	}
	if facts.Changing() {
		return nil, r.pause(ctx, tx, at)
	}
	if r.PausedAt != nil {
		if err := r.goOn(ctx, tx, facts, at); err != nil {
			return nil, err
		}
	}
	if r.Method.NeedsInvoice() { // INV-17
		if accepted, err := invoicesAccepted(ctx, tx, r.Number); err != nil || !accepted {
			return nil, fmt.Errorf("%w: requisition %s is paid before its invoices are accepted: %w", errDefect, r.Number, err)
		}
	}
	if r.Method == requisition.Bank {
		return r.order(ctx, tx, at)
	}
	var p requisition.Partner
	if err := tx.GetContext(ctx, &p, `SELECT partner_id, kind, state FROM partners WHERE partner_id = $1`, r.Partner); err != nil {
		return nil, fmt.Errorf("read partner %s: %w", r.Partner, err)
	}
	e := event{Key: fmt.Sprintf("granted/%d", r.Attempts), At: at, Actor: "rule", Via: viaRule, Action: "grant", Rule: "PAY-09"}
	if !p.Grants() { // PAY-22
		e.Action, e.Rule = "grant", "PAY-22"
		return r.fail(ctx, tx, e, fmt.Sprintf("the partner's account is %s, it has to be ACTIVE to be granted anything", p.State))
	}
	return nil, r.complete(ctx, tx, e, "")
}

// pause keeps a payment waiting for the result of a change of business information.
func (r *requisitionRow) pause(ctx context.Context, tx *sqlx.Tx, at time.Time) error {
	if r.PausedAt == nil {
		if err := r.set(ctx, tx, `paused_at = $2`, at); err != nil {
			return err
		}
		r.PausedAt = &at
		if err := appendEvent(ctx, tx, event{
			Case: r.Number, Key: fmt.Sprintf("paused/%d", r.Attempts), At: at, Actor: "rule", Via: viaRule, Action: "pause", From: r.State, To: r.State, Rule: "AUT-05",
			Note: "a change of the business information is in review",
		}); err != nil {
			return err
		}
	}
	return r.rewind(ctx, tx, at)
}

// goOn lets a paused payment continue.
func (r *requisitionRow) goOn(ctx context.Context, tx *sqlx.Tx, f business.Facts, at time.Time) error {
	if err := r.set(ctx, tx, `paused_at = NULL`); err != nil {
		return err
	}
	r.PausedAt = nil
	if err := appendEvent(ctx, tx, event{
		Case: r.Number, Key: fmt.Sprintf("resumed/%d", r.Attempts), At: at, Actor: "rule", Via: viaRule, Action: "resume", From: r.State, To: r.State, Rule: "AUT-05",
		Note: "the business information is " + string(f.Status()),
	}); err != nil {
		return err
	}
	return r.rewind(ctx, tx, at)
}

// order asks for the bank transfer, to the account as it was at submission (AUT-08), within the term of PAY-24.
func (r *requisitionRow) order(ctx context.Context, tx *sqlx.Tx, at time.Time) (refusal.List, error) {
	if r.Currency == string(money.CNY) { // another currency goes by hand: nothing says at which rate
		if err := orderPayment(ctx, tx, paymentOrder{Case: r.Number, Amount: r.Settlement, Currency: money.CNY, Payee: r.payee(), PayingEntity: r.Entity, At: at}); err != nil {
			return nil, err
		}
	}
	return r.ask(ctx, tx, requisition.Send, at, fmt.Sprintf("Is %s %s to %s ready to be paid by %s? Do not pay yet. Decide: send, or fail with a reason.",
		r.Settlement, r.Currency, payeeText(r.payee()), r.Entity))
}

func (r *requisitionRow) payee() withdrawal.Payee {
	return withdrawal.Payee{Holder: r.AccountName, AccountNo: r.AccountNo, Bank: r.Bank, Branch: r.Branch}
}

// ask puts a matter to people.
func (r *requisitionRow) ask(ctx context.Context, tx *sqlx.Tx, m approval.Matter, at time.Time, question string) (refusal.List, error) {
	policy, err := requisitionPolicy(ctx, tx, r.PolicyVersion, at)
	if err != nil {
		return nil, err
	}
	var kind string
	if err := tx.GetContext(ctx, &kind, `SELECT kind FROM partners WHERE partner_id = $1`, r.Partner); err != nil {
		return nil, fmt.Errorf("read partner %s: %w", r.Partner, err)
	}
	_, list, err := openRound(ctx, tx, r.caseRow, matterOpening{
		Matter: m, Chain: policy.Chain(m.Name), Question: question, OpenedBy: r.Submitter, At: at, From: at, Amount: &r.Settlement,
		Facts: approval.Facts{Fields: requisition.Fields, Values: requisition.Values(r.Settlement, r.Method, r.Scope, kind, r.Entity), Amount: r.Settlement},
	})
	return list, err
}

// complete posts everything that a requisition pays, once, and ends it (PAY-28). Each method is one entry.
func (r *requisitionRow) complete(ctx context.Context, tx *sqlx.Tx, e event, reference string) error {
	entry := ledger.Entry{Key: r.key("complete"), Case: r.Number, Memo: "incentive by requisition " + r.Number, At: e.At}
	payable := ledger.Incentive(r.Partner)
	var after func() error
	switch r.Method {
	case requisition.Voucher: // two balanced pairs: yuan, and coupon yuan
		quota, err := r.quota(ctx, tx, e.At)
		if err != nil {
			return err
		}
		entry.Postings = append(ledger.Move(r.Gross, payable, ledger.Promotion), ledger.Move(r.Gross, ledger.QuotaSource, ledger.Quota(quota))...)
	case requisition.Bank:
		if err := endPayment(ctx, tx, r.Number, true, e.At); err != nil {
			return err
		}
		entry.Postings = settled(r.Gross, r.Settlement, payable, ledger.Bank)
	case requisition.Cloud: // PAY-13: the top-up account, never the credit account
		entry.Postings = settled(r.Gross, r.Settlement, payable, ledger.Cash(r.Partner))
		after = func() error { _, err := r.lot(ctx, tx, withdrawal.IncentivePaid, r.Settlement, e.At); return err }
	case requisition.CloudOwed: // PAY-12: cash and owed invoice in one transaction
		entry.Postings = append(ledger.Move(r.Gross, payable, ledger.Cash(r.Partner)), ledger.Move(r.Gross, ledger.OwedContra, ledger.Owed(r.Partner))...)
		after = func() error { return r.owe(ctx, tx, e.At) }
	}
	if err := post(ctx, tx, entry); err != nil {
		return err
	}
	if after != nil {
		if err := after(); err != nil {
			return err
		}
	}
	if err := r.set(ctx, tx, `completed_at = $2, reference = $3, failure = ''`, e.At, reference); err != nil {
		return err
	}
	if e.Rule == "" {
		e.Rule = "PAY-28"
	}
	if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.Completed), Ended: true, Amount: &r.Settlement}, e); err != nil {
		return err
	}
	if err := closeSpecial(ctx, tx, r.Number, e.At); err != nil {
		return err
	}
	return r.notify(ctx, tx, requisition.IsPaid, "completed", reference, e.At)
}

// settled moves the gross amount out of what is payable: the settlement to where it goes, the difference to the tax
// adjustment, which is a debit when the settlement is more.
func settled(gross, settlement money.Amount, payable, to ledger.Account) []ledger.Posting {
	postings := []ledger.Posting{{Account: payable, Amount: gross.Neg()}, {Account: to, Amount: settlement}}
	if difference := gross.Sub(settlement); difference.Sign() != 0 {
		postings = append(postings, ledger.Posting{Account: ledger.TaxAdjustment, Amount: difference})
	}
	return postings
}

// quota grants a voucher quota; a requisition has one, whatever is tried again (PAY-22).
func (r *requisitionRow) quota(ctx context.Context, tx *sqlx.Tx, at time.Time) (string, error) {
	var id string
	if err := tx.GetContext(ctx, &id, `
		INSERT INTO quotas (quota_id, partner_id, case_number, amount, granted_at)
		SELECT numbered('QV', nextval('quota_numbers')), $1, $2, $3, $4 RETURNING quota_id`, r.Partner, r.Number, r.Gross, at); err != nil {
		return "", fmt.Errorf("grant quota: %w", err)
	}
	return id, nil
}

// lot puts cash onto the top-up account as a lot of the rebate pool (PAY-11).
func (r *requisitionRow) lot(ctx context.Context, tx *sqlx.Tx, source withdrawal.Source, amount money.Amount, at time.Time) (int64, error) {
	var no int64
	if err := tx.GetContext(ctx, &no, `
		INSERT INTO lots (key, partner_id, source, payer, entity, arrived_at, amount, remaining)
		SELECT $1, p.partner_id, $3, p.verified_name, $4, $5, $6, $6 FROM partners p WHERE p.partner_id = $2 RETURNING lot_no`,
		requisition.Kind+"/"+r.Number, r.Partner, source, r.Entity, at, amount); err != nil {
		return 0, fmt.Errorf("add lot: %w", err)
	}
	return no, nil
}

// owe writes the owed entries of cash without invoice, one for each output tax rate, tied to its lot (OWE-01).
func (r *requisitionRow) owe(ctx context.Context, tx *sqlx.Tx, at time.Time) error {
	no, err := r.lot(ctx, tx, withdrawal.IncentiveOwed, r.Gross, at)
	if err != nil {
		return err
	}
	parts, err := r.parts(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := insertOwed(ctx, tx, owedAmount{
			Key: r.key("owed/" + p.Rate.String()), Case: r.Number, Partner: r.Partner, Source: owed.Incentive, Rate: p.Rate, Amount: p.Amount, Lot: no, At: at,
		}); err != nil {
			return err
		}
	}
	return nil
}

// fail keeps why a payment failed and asks customer service to mend it: their answer pays it, once (PAY-22).
func (r *requisitionRow) fail(ctx context.Context, tx *sqlx.Tx, e event, reason string) (refusal.List, error) {
	e.Note = reason
	if err := endPayment(ctx, tx, r.Number, false, e.At); err != nil {
		return nil, err
	}
	if err := r.set(ctx, tx, `failure = $2, sent_at = NULL`, reason); err != nil {
		return nil, err
	}
	r.SentAt = nil
	if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.Failed), WakeAt: r.WakeAt, Amount: &r.Settlement}, e); err != nil {
		return nil, err
	}
	if list, err := r.ask(ctx, tx, requisition.Mend, e.At, fmt.Sprintf("%s of %s to %s failed: %s. When the cause is removed, decide: retry.", r.Method, r.Settlement, r.Partner, reason)); err != nil || len(list) > 0 {
		return list, err
	}
	return nil, r.notify(ctx, tx, requisition.HasFailed, fmt.Sprintf("failed/%d", r.Attempts), reason, e.At)
}

// reject frees the bills of a requisition, and the negatives it took in (PAY-26, PAY-27).
func (r *requisitionRow) reject(ctx context.Context, tx *sqlx.Tx, e event) error {
	if _, err := tx.ExecContext(ctx, `UPDATE requisition_bills SET live = false WHERE case_number = $1`, r.Number); err != nil {
		return fmt.Errorf("free bills: %w", err)
	}
	if err := endPayment(ctx, tx, r.Number, false, e.At); err != nil {
		return err
	}
	if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.Rejected), Ended: true, Amount: &r.Gross}, e); err != nil {
		return err
	}
	if err := closeSpecial(ctx, tx, r.Number, e.At); err != nil {
		return err
	}
	return r.notify(ctx, tx, requisition.WasRejected, "rejected", e.Note, e.At)
}

// rewind sets the case's own clock: when it looks whether a paused payment may go on (AUT-05), reminds of invoices (INV-12),
// or alarms (PAY-25).
func (r *requisitionRow) rewind(ctx context.Context, tx *sqlx.Tx, at time.Time) error {
	wake, err := r.nextWake(ctx, tx, at)
	if err != nil {
		return err
	}
	var due *time.Time // the partner's turn is due when its invoices are; open tasks say it for all others
	if r.state() == requisition.WaitingInvoice {
		due = r.dueOf()
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET wake_at = $2, due_at = coalesce($3, due_at) WHERE case_number = $1 AND closed_at IS NULL`, r.Number, wake, due); err != nil {
		return fmt.Errorf("set clock of %s: %w", r.Number, err)
	}
	r.WakeAt = wake
	return nil
}

func (r *requisitionRow) nextWake(ctx context.Context, tx *sqlx.Tx, at time.Time) (*time.Time, error) {
	var next *time.Time
	sooner := func(t time.Time) {
		if t = stored(t); next == nil || t.Before(*next) {
			next = &t
		}
	}
	if r.state() == requisition.WaitingInvoice {
		remind, err := remindOfInvoices(ctx, tx, r.Number, at)
		if err != nil {
			return nil, err
		}
		if remind != nil {
			sooner(*remind)
		}
	}
	if r.PausedAt != nil {
		sooner(at.Add(pauseLook))
	}
	if r.ReceivedAt != nil && r.AlarmedAt == nil {
		policy, err := requisitionPolicy(ctx, tx, r.PolicyVersion, at)
		if err != nil {
			return nil, err
		}
		sooner(policy.AlarmAt(*r.ReceivedAt))
	}
	return next, nil
}

// dueOf is until when the partner is expected to send its invoices: the date shown counts in full (INV-12).
func (r *requisitionRow) dueOf() *time.Time {
	due := r.InvoiceDue.AddDays(1).Start()
	return &due
}
