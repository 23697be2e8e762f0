package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/requisition"

	"github.com/jmoiron/sqlx"
)

// requisitionCase is what the machinery of cases asks about requisitions.
type requisitionCase struct{}

func (requisitionCase) matter(name string) approval.Matter { return requisition.MatterOf(name) }

func (requisitionCase) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	r, err := readRequisition(ctx, tx, c)
	if err != nil {
		return caseFacts{}, err
	}
	policy, err := requisitionPolicy(ctx, tx, c.PolicyVersion, c.OpenedAt)
	return caseFacts{
		Amount: r.Settlement, Signals: policy.DecideBySignal,
		OwnSide: func(p person.Person) bool { return requisition.MayAct(p, c.Partner) && !p.OfVendor() },
	}, err
}

func (requisitionCase) overdueRule(_ context.Context, _ *sqlx.Tx, _ caseRow, m approval.Matter) (string, error) {
	switch m.Name {
	case invoice.Review.Name:
		return "INV-14", nil
	case requisition.Send.Name:
		return "PAY-24", nil
	case requisition.Mend.Name:
		return "PAY-22", nil
	case requisition.SpecialCase.Name:
		return "PAY-15", nil
	}
	return "", nil
}

func (requisitionCase) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var r struct {
		Method     requisition.Method `db:"method"`
		Settlement money.Amount       `db:"settlement"`
		Currency   string             `db:"currency"`
		Bills      int                `db:"bills"`
	}
	if err := tx.GetContext(ctx, &r, `
		SELECT method, settlement, currency, (SELECT count(*) FROM requisition_bills b WHERE b.case_number = r.case_number AND b.amount > 0) AS bills
		  FROM requisitions r WHERE case_number = $1`, number); err != nil {
		return money.Zero, "", fmt.Errorf("read requisition %s: %w", number, err)
	}
	return r.Settlement, fmt.Sprintf("%s %s by %s for %s", r.Settlement, r.Currency, r.Method, billWords(r.Bills)), nil
}

// guard judges what the engine would take: a settlement step does not run while business information is changed (AUT-05), a
// transfer is confirmed to the fen (INV-18), invoices pass only when they are in order (INV-19, INV-20).
func (requisitionCase) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, _ *round, task taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	if m.Act != approval.Approve && m.Act != approval.Reject {
		return nil, nil
	}
	approved := m.Act == approval.Approve
	switch task.Matter {
	case invoice.Review.Name:
		return judgeInvoiceReview(ctx, tx, c.Number, approved)
	case requisition.Mend.Name:
		if !approved {
			return refusal.List{refusal.New("PAY-22", "ENG_STATE", "task "+task.ID, "What failed is paid again when its cause is removed; decide retry, or ask the partner to take it back as a special case.")}, nil
		}
	}
	if !approved {
		return nil, nil
	}
	r, err := readRequisition(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	switch task.Matter {
	case requisition.RequisitionReview.Name:
		f, err := businessFacts(ctx, tx, c.Partner, c.OpenedAt)
		if err != nil || f.Certified == nil {
			return nil, err
		}
		return judgeInvoiceRate(ctx, tx, c.Number, f.Certified.Taxpayer)
	case requisition.Send.Name:
		f, err := businessFacts(ctx, tx, c.Partner, c.OpenedAt)
		if err == nil && f.Changing() { // AUT-05
			return refusal.List{refusal.New("AUT-05", "AUT_IN_REVIEW", "case "+c.Number, "The partner's business information is being changed; send the transfer after the result.")}, nil
		}
		return nil, err
	case requisition.Confirm.Name:
		return requisition.JudgeArrival(d, r.Settlement), nil
	case requisition.SpecialCase.Name:
		return r.judgeSpecial(ctx, tx)
	}
	return nil, nil
}

// conclude does what the end of a round leads to.
func (p requisitionCase) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if r.matter.Name == invoice.Review.Name {
		return concludeInvoiceReview(ctx, tx, p, c, r, end)
	}
	q, err := readRequisition(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	approved, e := end.outcome == approval.Approve, end.e
	switch r.matter.Name {
	case requisition.RequisitionReview.Name:
		if !approved {
			e.Rule = "PAY-26"
			return nil, q.reject(ctx, tx, e)
		}
		e.Rule = "PAY-24"
		if err := q.set(ctx, tx, `approved_at = $2`, e.At); err != nil {
			return nil, err
		}
		return q.pay(ctx, tx, e)
	case requisition.Send.Name:
		return q.sent(ctx, tx, approved, end)
	case requisition.Confirm.Name:
		if approved {
			return nil, q.complete(ctx, tx, e, end.reference)
		}
		e.Rule = "PAY-22"
		return q.fail(ctx, tx, e, "the bank returned it: "+e.Note)
	case requisition.Mend.Name:
		e.Rule = "PAY-22"
		return q.pay(ctx, tx, e)
	}
	return q.specialAnswered(ctx, tx, approved, e)
}

// invoicesAccepted goes on to the requisition's own review (INV-17).
func (r *requisitionRow) invoicesAccepted(ctx context.Context, tx *sqlx.Tx, l invoice.List, e event) (refusal.List, error) {
	var received time.Time
	if err := tx.GetContext(ctx, &received, `SELECT max(arrived_at) FROM invoice_packages WHERE list_no = $1 AND result = 'pass'`, l.No); err != nil {
		return nil, fmt.Errorf("read arrival: %w", err)
	}
	r.ReceivedAt = &received // PAY-25: from the receipt of the correct invoice
	if err := r.set(ctx, tx, `received_at = $2`, received); err != nil {
		return nil, err
	}
	if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.Review), Amount: &r.Settlement}, e); err != nil {
		return nil, err
	}
	if err := r.rewind(ctx, tx, e.At); err != nil {
		return nil, err
	}
	return r.askReview(ctx, tx, e.At)
}

func (r *requisitionRow) askReview(ctx context.Context, tx *sqlx.Tx, at time.Time) (refusal.List, error) {
	return r.ask(ctx, tx, requisition.RequisitionReview, at, fmt.Sprintf("May requisition %s be paid: %s %s to %s by %s? Its invoices are accepted.",
		r.Number, r.Settlement, r.Currency, r.Partner, r.Method))
}

// sent notes that the transfer left, and asks what the bank answers; or why it could not be sent.
func (r *requisitionRow) sent(ctx context.Context, tx *sqlx.Tx, yes bool, end conclusion) (refusal.List, error) {
	e := end.e
	if !yes {
		e.Rule = "PAY-22"
		return r.fail(ctx, tx, e, "it could not be sent: "+e.Note)
	}
	if list, err := releasePayment(ctx, tx, r.Number, end.reference, e.At); err != nil || len(list) > 0 {
		return list, err
	}
	if err := r.set(ctx, tx, `sent_at = $2`, e.At); err != nil {
		return nil, err
	}
	e.Rule, e.Amount = "PAY-24", &r.Settlement
	if err := appendEvent(ctx, tx, e); err != nil {
		return nil, err
	}
	return r.ask(ctx, tx, requisition.Confirm, e.At, fmt.Sprintf(
		"Pay %s %s to %s from %s of %s now, once, remittance text %s. When the bank answers, decide: confirm with its amount and reference, or return with its reason.",
		r.Settlement, r.Currency, payeeText(r.payee()), "V.BANK", r.Entity, r.Number))
}

// clock looks whether a paused payment may go on (AUT-05), reminds of invoices (INV-12), and alarms operations when the days
// since the receipt of a correct invoice are over (PAY-25).
func (requisitionCase) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, now time.Time) (refusal.List, error) {
	r, err := readRequisition(ctx, tx, c)
	if err != nil || requisition.Ended(r.state()) {
		return nil, err
	}
	if err := r.alarm(ctx, tx, e, now); err != nil {
		return nil, err
	}
	if r.state() == requisition.Paying && r.PausedAt != nil {
		return r.settle(ctx, tx, now)
	}
	return nil, r.rewind(ctx, tx, now)
}

func (r *requisitionRow) alarm(ctx context.Context, tx *sqlx.Tx, e event, now time.Time) error {
	if r.ReceivedAt == nil || r.AlarmedAt != nil {
		return nil
	}
	policy, err := requisitionPolicy(ctx, tx, r.PolicyVersion, now)
	if err != nil {
		return err
	}
	due := stored(policy.AlarmAt(*r.ReceivedAt))
	if now.Before(due) {
		return nil
	}
	r.AlarmedAt = &due
	if err := r.set(ctx, tx, `alarmed_at = $2`, due); err != nil {
		return err
	}
	e.Key, e.At, e.Action, e.Rule, e.From, e.To = "alarm", due, "alarm", "PAY-25", r.State, r.State
	e.Note = fmt.Sprintf("not paid %d days after a correct invoice was received", policy.AlarmDays)
	if err := appendEvent(ctx, tx, e); err != nil {
		return err
	}
	subject, body := requisition.TakesLong.Text(r.notice(e.Note))
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people JOIN person_roles USING (person_id) WHERE active AND partner_id IS NULL AND role = $5
		ON CONFLICT (key) DO NOTHING`, r.key("alarm"), subject, body, now, policy.ServiceRole); err != nil {
		return fmt.Errorf("alarm: %w", err)
	}
	return nil
}

// stop ends a requisition for an operator who cancelled its run: its bills are free again. Once it is being paid it goes on.
func (requisitionCase) stop(ctx context.Context, tx *sqlx.Tx, c caseRow, e event) (refusal.List, error) {
	r, err := readRequisition(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	if !requisition.CanMove(r.state(), requisition.Rejected) || r.SentAt != nil {
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The requisition is %s; once its money is under way it runs to its end.", r.State)}, nil
	}
	e.Rule = "PAY-26"
	return nil, r.reject(ctx, tx, e)
}
