package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/staff"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// quarterProcess is what the machinery of cases asks about a payment application.
type quarterProcess struct{}

// quarterRow is what a payment application has beside its case.
type quarterRow struct {
	Quarter      string         `db:"quarter"`
	Business     int            `db:"business_version"`
	Total        money.Amount   `db:"total"`
	Currency     money.Currency `db:"currency"`
	Holder       string         `db:"holder"`
	AccountNo    string         `db:"account_no"`
	Bank         string         `db:"bank"`
	Branch       string         `db:"branch"`
	PayingEntity string         `db:"paying_entity"`
}

func readQuarter(ctx context.Context, tx *sqlx.Tx, number string) (quarterRow, error) {
	var q quarterRow
	if err := tx.GetContext(ctx, &q, `
		SELECT quarter, business_version, total, currency, holder, account_no, bank, branch, paying_entity FROM payment_applications WHERE case_number = $1`, number); err != nil {
		return q, fmt.Errorf("read application %s: %w", number, err)
	}
	return q, nil
}

func (q quarterRow) payee() withdrawal.Payee {
	return withdrawal.Payee{Holder: q.Holder, AccountNo: q.AccountNo, Bank: q.Bank, Branch: q.Branch}
}

func (quarterProcess) matter(name string) approval.Matter { return quarter.MatterOf(name) }

func (quarterProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := quarterPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return caseFacts{}, err
	}
	q, err := readQuarter(ctx, tx, c.Number)
	return caseFacts{Amount: q.Total, Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return staff.MayAct(p, c.Partner) && !p.OfVendor() }}, err
}

// guard is what a payment application asks beside the engine: nobody decides what they applied for, invoices pass only as
// they should be, and nothing is paid that is not what was approved, invoiced and certified.
func (quarterProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, _ taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	list, err := notOwn(ctx, tx, c, r, d, m)
	if err != nil || m.Act != approval.Approve && m.Act != approval.Reject {
		return list, err
	}
	var more refusal.List
	switch approve := m.Act == approval.Approve; {
	case r.matter.Name == invoice.Review.Name:
		more, err = guardInvoiceReview(ctx, tx, c.Number, m)
	case r.matter.Name == quarter.Send.Name && approve:
		more, err = mayPayQuarter(ctx, tx, c, d.Task)
	case r.matter.Name == quarter.Confirm.Name && approve:
		q, readErr := readQuarter(ctx, tx, c.Number)
		more, err = quarter.JudgeArrival(d, q.Total), readErr
	}
	return append(list, more...), err
}

// mayPayQuarter runs the last checks before money moves.
func mayPayQuarter(ctx context.Context, tx *sqlx.Tx, c caseRow, task string) (refusal.List, error) {
	var list refusal.List
	_, known, err := certification(ctx, tx, c.Partner, c.OpenedAt)
	if err != nil {
		return nil, err
	}
	if known.Changing() { // AUT-05
		list = append(list, refusal.New("AUT-05", "AUT_IN_REVIEW", "partner "+c.Partner, "The business information is being changed; settlement waits for the result, send the payment then."))
	}
	accepted, err := invoicesAccepted(ctx, tx, c.Number)
	if err != nil {
		return nil, err
	}
	if !accepted { // INV-17
		list = append(list, refusal.New("INV-17", "ENG_STATE", "task "+task, "The invoices are not accepted; nothing is paid before."))
	}
	var same bool
	if err := tx.GetContext(ctx, &same, `
		SELECT EXISTS (SELECT 1 FROM approvals WHERE case_number = $1 AND matter = $2 AND granted = payment_application_content($1))`, c.Number, quarter.PaymentReview.Name); err != nil {
		return nil, fmt.Errorf("compare content: %w", err)
	}
	if !same {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "task "+task, "What was approved has changed since, so its approval is void."))
	}
	return list, nil
}

// conclude does what the end of a round leads to.
func (quarterProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if r.matter.Name == invoice.Review.Name {
		return concludeInvoiceReview(ctx, tx, quarterProcess{}, c, r, end)
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	s, err := stepOfQuarter(ctx, tx, &c, end.e)
	if err != nil {
		return nil, err
	}
	s.end = end
	s.e.Rule = quarter.VerdictOf(r.matter, end.outcome).Rule
	approved := end.outcome == approval.Approve
	switch r.matter.Name {
	case quarter.Send.Name:
		return s.sent(ctx, approved)
	case quarter.Confirm.Name:
		return s.answered(ctx, approved)
	}
	if approved {
		return s.approved(ctx)
	}
	return s.rejected(ctx, r.number)
}

// quarterStep is one step of a payment application.
type quarterStep struct {
	tx     *sqlx.Tx
	c      *caseRow
	q      quarterRow
	policy quarter.Policy
	end    conclusion
	e      event
}

func stepOfQuarter(ctx context.Context, tx *sqlx.Tx, c *caseRow, e event) (quarterStep, error) {
	s := quarterStep{tx: tx, c: c, e: e}
	var err error
	if s.q, err = readQuarter(ctx, tx, c.Number); err != nil {
		return s, err
	}
	s.policy, err = quarterPolicy(ctx, tx, c.PolicyVersion)
	return s, err
}

func (s quarterStep) move(ctx context.Context, to quarter.State, wake *time.Time, key, note string) error {
	next := moveTo{State: string(to), Ended: quarter.Ended(to), WakeAt: wake, Amount: &s.q.Total}
	if to == quarter.Rejected {
		next.DueAt = wake
	}
	if err := moveCase(ctx, s.tx, s.c, next, s.e); err != nil {
		return err
	}
	return tellQuarter(ctx, s.tx, *s.c, quarter.NoticeOf(to), key, note, s.e.At)
}

// approved accrues the fund and asks the partner to invoice it (QPY-12).
func (s quarterStep) approved(ctx context.Context) (refusal.List, error) {
	if err := post(ctx, s.tx, ledger.Entry{
		Key: quarter.Kind + "/" + s.c.Number + "/accrue", Case: s.c.Number, Memo: "dedicated staff of " + s.q.Quarter, At: s.e.At,
		Postings: ledger.Move(s.q.Total, ledger.IncentiveCost, ledger.Fund(s.c.Partner)),
	}); err != nil {
		return nil, err
	}
	if _, err := s.tx.ExecContext(ctx, `UPDATE payment_applications SET approved_at = $2 WHERE case_number = $1`, s.c.Number, s.e.At); err != nil {
		return nil, fmt.Errorf("keep approval: %w", err)
	}
	if list, err := s.orderInvoices(ctx); err != nil || len(list) > 0 {
		return list, err
	}
	wake, err := remindOfInvoices(ctx, s.tx, s.c.Number, s.e.At)
	if err != nil {
		return nil, err
	}
	return nil, s.move(ctx, quarter.Approved, wake, "approved", s.end.line.Reason)
}

// orderInvoices makes the invoice list: what is paid is what was applied for, tax included, in the name of the company as it
// was certified at the application, to the entity of that day (AUT-08, INV-13).
func (s quarterStep) orderInvoices(ctx context.Context) (refusal.List, error) {
	known, err := informationVersion(ctx, s.tx, s.c.Partner, s.q.Business)
	if err != nil {
		return nil, err
	}
	due, list, err := closes(ctx, s.tx, s.policy.InvoiceTerm, s.e.At)
	if err != nil || len(list) > 0 {
		return list, err
	}
	_, list, err = openInvoiceList(ctx, s.tx, invoiceOrder{
		Case: s.c.Number, Business: known, RequestedAt: s.c.OpenedAt, Buyer: s.q.PayingEntity, ServiceItem: "dedicated staff", Period: s.q.Quarter, Amount: s.q.Total,
		Due: calendar.DateOf(due.Add(-time.Nanosecond)), At: s.e.At,
	})
	return list, err
}

// rejected waits for the partner's correction (QPY-11).
func (s quarterStep) rejected(ctx context.Context, round int) (refusal.List, error) {
	wake, list, err := closes(ctx, s.tx, s.policy.ChangesTerm, s.e.At)
	if err != nil || len(list) > 0 {
		return list, err
	}
	return nil, s.move(ctx, quarter.Rejected, &wake, fmt.Sprintf("rejected@%d", round), s.end.line.Reason)
}

// invoices follows the list: sent and arrived invoices are reviewed, failed ones issued anew (INV-15), accepted ones make the
// quarter payable (QPY-12).
func (quarterProcess) invoices(ctx context.Context, tx *sqlx.Tx, c caseRow, l invoice.List, e event) (refusal.List, error) {
	s, err := stepOfQuarter(ctx, tx, &c, e)
	if err != nil {
		return nil, err
	}
	if l.State == invoice.Accepted {
		return s.payable(ctx)
	}
	if err := s.stay(ctx); err != nil {
		return nil, err
	}
	if l.State == invoice.InReview {
		if list, err := openInvoiceReview(ctx, tx, c, s.policy.PaymentRole, s.policy.EscalationRole, e.At); err != nil || len(list) > 0 {
			return list, err
		}
	}
	return nil, wakeForInvoices(ctx, tx, c.Number, e.At)
}

// payable orders the payment and says by when it is expected (QPY-13).
func (s quarterStep) payable(ctx context.Context) (refusal.List, error) {
	until, list, err := closes(ctx, s.tx, s.policy.PaymentTerm, s.e.At)
	if err != nil || len(list) > 0 {
		return list, err
	}
	if _, err := s.tx.ExecContext(ctx, `UPDATE payment_applications SET expected_on = $2 WHERE case_number = $1`, s.c.Number, calendar.DateOf(until.Add(-time.Nanosecond))); err != nil {
		return nil, fmt.Errorf("keep expected date: %w", err)
	}
	if err := s.move(ctx, quarter.Waiting, nil, "waiting", ""); err != nil {
		return nil, err
	}
	return s.order(ctx)
}

// stay keeps the state; the history says what happened.
func (s quarterStep) stay(ctx context.Context) error {
	s.e.From, s.e.To = s.c.State, s.c.State
	return appendEvent(ctx, s.tx, s.e)
}

// order makes the payment ready and asks vendor finance to release it.
func (s quarterStep) order(ctx context.Context) (refusal.List, error) {
	if _, err := s.tx.ExecContext(ctx, `UPDATE payment_applications SET payment_round = payment_round + 1 WHERE case_number = $1`, s.c.Number); err != nil {
		return nil, fmt.Errorf("count orders: %w", err)
	}
	if err := orderPayment(ctx, s.tx, paymentOrder{
		Case: s.c.Number, Amount: s.q.Total, Currency: s.q.Currency, Payee: s.q.payee(), PayingEntity: s.q.PayingEntity, At: s.e.At,
	}); err != nil {
		return nil, err
	}
	return s.ask(ctx, quarter.Send, ByHand{}.SendQuestion(s.byHand()))
}

func (s quarterStep) byHand() PaymentOrder {
	return PaymentOrder{Case: s.c.Number, Amount: s.q.Total, Currency: s.q.Currency, Payee: s.q.payee(), PayingEntity: s.q.PayingEntity, PaidFrom: ledger.Bank}
}

// ask puts a question of the payment to vendor finance, in the name of who applied.
func (s quarterStep) ask(ctx context.Context, m approval.Matter, question string) (refusal.List, error) {
	_, list, err := openRound(ctx, s.tx, *s.c, matterOpening{
		Matter: m, Chain: s.policy.Chain(m.Name), Facts: approval.Facts{Fields: quarter.Fields, Values: quarter.Values(s.q.Total), Amount: s.q.Total},
		Question: question, OpenedBy: s.c.Submitter, At: s.e.At, From: s.e.At,
	})
	return list, err
}

// sent releases the payment, or orders it anew.
func (s quarterStep) sent(ctx context.Context, released bool) (refusal.List, error) {
	if err := s.stay(ctx); err != nil {
		return nil, err
	}
	if !released {
		return s.again(ctx)
	}
	if list, err := releasePayment(ctx, s.tx, s.c.Number, s.end.reference, s.e.At); err != nil || len(list) > 0 {
		return list, err
	}
	return s.ask(ctx, quarter.Confirm, ByHand{}.ConfirmQuestion(s.byHand()))
}

// answered takes the bank's answer: the quarter is paid, or the money came back.
func (s quarterStep) answered(ctx context.Context, paid bool) (refusal.List, error) {
	if !paid {
		if err := s.stay(ctx); err != nil {
			return nil, err
		}
		return s.again(ctx)
	}
	if err := post(ctx, s.tx, ledger.Entry{
		Key: quarter.Kind + "/" + s.c.Number + "/pay", Case: s.c.Number, Memo: "paid: dedicated staff of " + s.q.Quarter, At: s.e.At,
		Postings: ledger.Move(s.q.Total, ledger.Fund(s.c.Partner), ledger.Bank),
	}); err != nil {
		return nil, err
	}
	if err := endPayment(ctx, s.tx, s.c.Number, true, s.e.At); err != nil {
		return nil, err
	}
	if _, err := s.tx.ExecContext(ctx, `UPDATE payment_applications SET reference = $2, paid_at = $3 WHERE case_number = $1`, s.c.Number, s.end.reference, s.e.At); err != nil {
		return nil, fmt.Errorf("keep payment: %w", err)
	}
	return nil, s.move(ctx, quarter.Paid, nil, "paid", "")
}

// again orders a payment that was not sent, or came back: to the account that is certified now.
func (s quarterStep) again(ctx context.Context) (refusal.List, error) {
	if err := endPayment(ctx, s.tx, s.c.Number, false, s.e.At); err != nil {
		return nil, err
	}
	_, known, err := certification(ctx, s.tx, s.c.Partner, s.e.At)
	if err != nil {
		return nil, err
	}
	if i := known.Certified; i != nil {
		if _, err := s.tx.ExecContext(ctx, `UPDATE payment_applications SET business_version = $2, holder = $3, account_no = $4, bank = $5, branch = $6 WHERE case_number = $1`,
			s.c.Number, i.Version, i.AccountName, i.AccountNo, i.Bank, i.Branch); err != nil {
			return nil, fmt.Errorf("change payee: %w", err)
		}
		s.q.Holder, s.q.AccountNo, s.q.Bank, s.q.Branch = i.AccountName, i.AccountNo, i.Bank, i.Branch
	}
	return s.order(ctx)
}

func (quarterProcess) overdueRule(_ context.Context, _ *sqlx.Tx, _ caseRow, m approval.Matter) (string, error) {
	if m.Name == invoice.Review.Name {
		return "INV-14", nil
	}
	return "", nil
}

// clock reminds the partner: of invoices that were not sent (INV-12), of an application that was not corrected (QPY-11).
func (quarterProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, now time.Time) (refusal.List, error) {
	if c.State == string(quarter.Approved) {
		return nil, wakeForInvoices(ctx, tx, c.Number, now)
	}
	if c.State != string(quarter.Rejected) {
		return nil, setWake(ctx, tx, c.Number, nil)
	}
	policy, err := quarterPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return nil, err
	}
	next, list, err := closes(ctx, tx, policy.ChangesTerm, now)
	if err != nil || len(list) > 0 {
		return list, err
	}
	e.Case, e.Key, e.At, e.Action, e.Rule, e.Note = c.Number, "remind/"+c.WakeAt.UTC().Format(time.RFC3339Nano), *c.WakeAt, "remind", "QPY-11", "the rejected application waits for its correction"
	if err := appendEvent(ctx, tx, e); err != nil {
		return nil, err
	}
	if err := setWake(ctx, tx, c.Number, &next); err != nil {
		return nil, err
	}
	return nil, tellQuarter(ctx, tx, c, quarter.Correct, e.Key, "", now)
}

// wakeForInvoices reminds of invoices where that is due, and sets the case's clock to the next time.
func wakeForInvoices(ctx context.Context, tx *sqlx.Tx, number string, at time.Time) error {
	next, err := remindOfInvoices(ctx, tx, number, at)
	if err != nil {
		return err
	}
	return setWake(ctx, tx, number, next)
}

func setWake(ctx context.Context, tx *sqlx.Tx, number string, at *time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET wake_at = $2 WHERE case_number = $1`, number, at); err != nil {
		return fmt.Errorf("set clock of %s: %w", number, err)
	}
	return nil
}

// stop: a quarter is requested once, and what was approved is owed; so the case goes on until it is paid.
func (quarterProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The quarter is requested once, so its case is not stopped; the review rejects it, and what was approved is paid.")}, nil
}

func (quarterProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	q, err := readQuarter(ctx, tx, number)
	return q.Total, fmt.Sprintf("dedicated staff of %s, %s %s to %s", q.Quarter, q.Total, q.Currency, q.Holder), err
}

// tellQuarter tells the partner's people what became of an application (QPY-11).
func tellQuarter(ctx context.Context, tx *sqlx.Tx, c caseRow, n quarter.Notice, step, note string, at time.Time) error {
	q, err := readQuarter(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	subject, body := n.Text(quarter.NoticeData{Case: c.Number, Partner: c.Partner, Quarter: q.Quarter, Amount: q.Total, Note: note})
	return notifyPartner(ctx, tx, c, staff.Applicants, subject, body, fmt.Sprintf("%s/%s/%s", quarter.Kind, c.Number, step), at)
}
