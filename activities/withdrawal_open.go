package activities

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// OpenWithdrawalInput asks to open a case.
type OpenWithdrawalInput struct {
	Application withdrawal.Application
	WorkflowID  string
	RunID       string
	At          time.Time // the request's instant
}

// OpenWithdrawal judges an application and opens its case: money held, question asked, applicant told, in one step.
//
// The same request key with the same body returns the first case, with another body it is refused (COM-20, PGM-10). A
// refusal opens nothing: it is a row in refusals, and a wrong verification code has cost a try.
func (w *Withdrawals) OpenWithdrawal(ctx context.Context, in OpenWithdrawalInput) (WithdrawalStanding, error) {
	in.At, in.Application = stored(in.At), in.Application.Storable()
	var opened WithdrawalStanding
	o := opening{in: in, w: w}
	err := judged(ctx, w.DB, func(tx *sqlx.Tx) (list refusal.List, err error) {
		opened, list, err = o.run(ctx, tx)
		return list, err
	}, func(tx *sqlx.Tx, list refusal.List) error { return o.record(ctx, tx, list) })
	return opened, Final(err)
}

type opening struct {
	in     OpenWithdrawalInput
	w      *Withdrawals
	facts  withdrawal.Facts
	codeID int64

	customers []string // of the partner
}

func (o *opening) run(ctx context.Context, tx *sqlx.Tx) (WithdrawalStanding, refusal.List, error) {
	// One request at a time under its key. The lock outlives COMMIT: an attempt that is given up may still be committing,
	// and the next one has to find what it did.
	app := o.in.Application
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, fmt.Sprintf("%s %q %q", withdrawal.Kind, app.PartnerID, app.RequestKey)); err != nil {
		return WithdrawalStanding{}, nil, fmt.Errorf("lock request: %w", err)
	}
	number, digest, err := caseOfKey(ctx, tx, withdrawal.Kind, app.PartnerID, app.RequestKey)
	if err != nil {
		return WithdrawalStanding{}, nil, err
	}
	if number != "" {
		if !bytes.Equal(digest, app.Digest()) {
			return WithdrawalStanding{}, refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "case "+number,
				"The request key %q was used for case %s with other content; use a new key for a new application.", app.RequestKey, number)}, nil
		}
		// A repeat in another run means that the case's former run is gone: Temporal keeps one at a time under an ID.
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET run_id = $2 WHERE case_number = $1 AND closed_at IS NULL`, number, o.in.RunID); err != nil {
			return WithdrawalStanding{}, nil, fmt.Errorf("bind run: %w", err)
		}
		first, err := standing(ctx, tx, number)
		return first, nil, err
	}
	if first, err := refusedBefore(ctx, tx, o.in.RunID); err != nil || first != nil {
		return WithdrawalStanding{}, first, err
	}
	if err := o.read(ctx, tx); err != nil {
		return WithdrawalStanding{}, nil, err
	}
	plan, list := withdrawal.Judge(app, o.facts)
	if len(list) > 0 {
		return WithdrawalStanding{}, list, nil
	}
	list, err = undone(ctx, tx, func() (list refusal.List, err error) {
		number, list, err = o.write(ctx, tx, plan)
		return list, err
	})
	if err != nil || len(list) > 0 {
		return WithdrawalStanding{}, list, err
	}
	opened, err := standing(ctx, tx, number)
	return opened, nil, err
}

// read collects the facts, everything locked: balances in name order first, so that one partner's applications queue here.
func (o *opening) read(ctx context.Context, tx *sqlx.Tx) (err error) {
	app, f := o.in.Application, &o.facts
	f.At = o.in.At
	f.Code = verification.Check(nil, app.Code, f.At)
	if f.Policy, err = withdrawalPolicy(ctx, tx, 0); err != nil {
		return err
	}
	var p withdrawal.Partner
	err = tx.GetContext(ctx, &p, `SELECT partner_id, kind, state, verified_name, entity FROM partners WHERE partner_id = $1 FOR SHARE`, app.PartnerID)
	unknownPartner := errors.Is(err, sql.ErrNoRows)
	if err != nil && !unknownPartner {
		return fmt.Errorf("read partner %s: %w", app.PartnerID, err)
	}
	if f.Submitter, err = findPerson(ctx, tx, app.Submitter); err != nil || unknownPartner { // partners before people, as load does
		return err
	}
	f.Partner = &p
	if err := o.readMoney(ctx, tx); err != nil {
		return err
	}
	o.codeID, f.Code, err = enteredCode(ctx, tx, app.Submitter, verification.Withdrawal, app.PartnerID, app.Code, f.At)
	return err
}

// lockMoney locks the balances that an application is judged by, in name order: one partner's applications queue here.
func (o *opening) lockMoney(ctx context.Context, tx *sqlx.Tx) (balances map[ledger.Account]money.Amount, err error) {
	id := o.in.Application.PartnerID
	o.customers = nil
	if err := tx.SelectContext(ctx, &o.customers, `SELECT customer_id FROM customers WHERE partner_id = $1`, id); err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	accounts := []ledger.Account{ledger.Cash(id), ledger.Hold(id), ledger.Owed(id), ledger.Unposted(id)}
	for _, c := range o.customers {
		accounts = append(accounts, ledger.Debt(c))
	}
	return lockBalances(ctx, tx, accounts...)
}

func (o *opening) readMoney(ctx context.Context, tx *sqlx.Tx) error {
	id, f := o.in.Application.PartnerID, &o.facts
	balances, err := o.lockMoney(ctx, tx)
	if err != nil {
		return err
	}
	f.Cash, f.Owed, f.Unposted = balances[ledger.Cash(id)], balances[ledger.Owed(id)], balances[ledger.Unposted(id)]
	for _, c := range o.customers {
		f.Debts = f.Debts.Add(balances[ledger.Debt(c)])
	}
	if f.Lots, err = openLots(ctx, tx, id); err != nil {
		return err
	}
	if o.in.Application.Payee.Branch != "" {
		return nil
	}
	accountNo := o.in.Application.Payee.AccountNo
	if o.in.Application.Route == withdrawal.Original {
		accountNo = withdrawal.OriginalAccount(o.in.Application, *f)
	}
	err = tx.GetContext(ctx, &f.Branch, knownBranchSQL, id, accountNo)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read known branch: %w", err)
	}
	return nil
}

// openLots reads what remains of a partner's lots.
func openLots(ctx context.Context, tx sqlx.QueryerContext, partner string) ([]withdrawal.Lot, error) {
	var lots []withdrawal.Lot
	if err := sqlx.SelectContext(ctx, tx, &lots, `
		SELECT lot_no, source, payer, payer_account, entity, arrived_at, remaining, owed_open, designated, bank_card_only
		  FROM lots WHERE partner_id = $1 AND remaining > 0 ORDER BY lot_no`, partner); err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	return lots, nil
}

// knownBranchSQL finds the branch that the partner gave with an earlier withdrawal to the account (WDL-14).
const knownBranchSQL = `
	SELECT w.branch FROM withdrawals w JOIN cases c USING (case_number)
	 WHERE c.partner_id = $1 AND w.account_no = $2 AND w.branch <> '' ORDER BY c.opened_at DESC LIMIT 1`

// closes is the instant at which a term ends by the operator's calendar.
func closes(ctx context.Context, tx *sqlx.Tx, term calendar.Term, from time.Time) (time.Time, refusal.List, error) {
	c, err := readCalendar(ctx, tx)
	if err != nil {
		return time.Time{}, nil, err
	}
	return closesBy(c, term, from)
}

func closesBy(c *calendar.Calendar, term calendar.Term, from time.Time) (time.Time, refusal.List, error) {
	at, err := term.Closes(from, c)
	var missing calendar.NoDataError
	if errors.As(err, &missing) {
		return time.Time{}, refusal.List{refusal.New("ENG-05", "PRG.ENG.05", "calendar", "%s", err.Error())}, nil
	}
	return stored(at), nil, err
}

// write opens the case. Every guarded write has to touch its row: the facts were locked, so anything else is a defect.
func (o *opening) write(ctx context.Context, tx *sqlx.Tx, plan withdrawal.Plan) (string, refusal.List, error) {
	app, at := o.in.Application, o.in.At
	if err := spendCode(ctx, tx, o.codeID, at); err != nil {
		return "", nil, err
	}
	state, rule, note := withdrawal.UnderReview, "WDR-02", "waits for review"
	if plan.ApprovedByRule {
		state, rule, note = withdrawal.Approved, "WDL-17", "approved by the rule: wallet money on the original route without a risk flag"
	}
	c := lockedCase{
		Route: app.Route, Amount: plan.Amount, Holder: plan.Payee.Holder, AccountNo: plan.Payee.AccountNo, Bank: plan.Payee.Bank, Branch: plan.Payee.Branch,
		PayingEntity: plan.PayingEntity, PaidFrom: plan.PaidFrom, ApprovedByRule: plan.ApprovedByRule, policy: &o.facts.Policy,
	}
	if c.ApprovedByRule {
		c.ApprovedAt = &at
	}
	if err := tx.GetContext(ctx, &c.caseRow, openCaseSQL, withdrawal.Kind, app.PartnerID, app.Submitter, app.RequestKey, app.Digest(), state,
		o.facts.Policy.Version, o.in.WorkflowID, o.in.RunID, at); err != nil {
		return "", nil, fmt.Errorf("open case: %w", err)
	}
	number := c.Number
	if _, err := tx.ExecContext(ctx, openWithdrawalSQL, number, c.Route, c.Amount, c.Holder, c.AccountNo, c.Bank, c.Branch, c.PayingEntity, c.PaidFrom, c.ApprovedByRule,
		c.ApprovedAt); err != nil {
		return "", nil, fmt.Errorf("insert withdrawal: %w", err)
	}
	if err := insertLines(ctx, tx, number, plan.Lines); err != nil {
		return "", nil, err
	}
	if err := appendEvent(ctx, tx, event{
		Case: number, Key: "submit", At: at, Actor: app.Submitter, Via: viaRequest, Action: "submit",
		To: string(state), Rule: rule, Amount: &plan.Amount, Note: note,
	}); err != nil {
		return "", nil, err
	}
	if err := hold(ctx, tx, number, app.PartnerID, "hold", plan.Amount, at); err != nil { // WDL-19
		return "", nil, err
	}
	if plan.ApprovedByRule {
		if err := approvedByRule(ctx, tx, c, at); err != nil {
			return "", nil, err
		}
	}
	app.Code = "" // spent, and nobody's business
	if list, err := o.w.ask(ctx, tx, &c, submission{by: app.Submitter, application: app}, at); err != nil || len(list) > 0 {
		return "", list, err
	}
	if err := c.notify(ctx, tx, withdrawal.Submitted, string(withdrawal.Submitted), "", at); err != nil || !plan.ApprovedByRule {
		return number, nil, err
	}
	return number, nil, c.notify(ctx, tx, withdrawal.WasApproved, string(withdrawal.WasApproved), note, at)
}

// hold takes an amount from the account, and its parts from the lots of the case's lines.
func hold(ctx context.Context, tx *sqlx.Tx, number, partner, step string, amount money.Amount, at time.Time) error {
	if err := post(ctx, tx, ledger.Entry{
		Key: entryKey(number, step), Case: number, Memo: "held for withdrawal " + number, At: at,
		Postings: ledger.Move(amount, ledger.Cash(partner), ledger.Hold(partner)),
	}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE lots SET remaining = remaining - l.amount FROM withdrawal_lines l WHERE l.case_number = $1 AND lots.lot_no = l.lot_no`, number); err != nil {
		return fmt.Errorf("take from lots: %w", err)
	}
	return nil
}

// approvedByRule pins what a rule approved: a review in which nobody was asked.
func approvedByRule(ctx context.Context, tx *sqlx.Tx, c lockedCase, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO approvals (case_number, matter, round, plan, content, granted, policy_version, opened_by, opened_at, outcome, closed_at)
		SELECT $1, $2, 1, '{"owner": "", "steps": []}', withdrawal_content($1), withdrawal_content($1), $3, $4, $5, 'rule', $5`,
		c.Number, withdrawal.Review.Name, c.PolicyVersion, c.Submitter, at); err != nil {
		return fmt.Errorf("pin approval: %w", err)
	}
	return nil
}

const openCaseSQL = `
	INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
	VALUES (numbered('W', nextval('withdrawal_numbers')), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
	RETURNING case_number, kind, partner_id, submitter, state, due_at, wake_at, policy_version, opened_at`

const openWithdrawalSQL = `
	INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule, approved_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// record keeps a refused opening and lets a wrong code cost a try.
func (o *opening) record(ctx context.Context, tx *sqlx.Tx, list refusal.List) error {
	app := o.in.Application
	added, err := recordRefusal(ctx, tx, refusedRequest{
		Key: o.in.RunID, At: o.in.At, Kind: withdrawal.Kind, Action: "submit",
		Person: app.Submitter, Partner: app.PartnerID, RequestKey: app.RequestKey,
	}, list)
	if err != nil || !added {
		return err
	}
	return o.countTry(ctx, tx)
}

// countTry lets a wrong code cost a try.
func (o *opening) countTry(ctx context.Context, tx *sqlx.Tx) error {
	return countTry(ctx, tx, o.codeID, o.facts.Code)
}
