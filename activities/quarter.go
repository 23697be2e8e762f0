package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/jmoiron/sqlx"
)

// PaymentApplications records what becomes of the payment of a quarter's dedicated staff (QPY).
type PaymentApplications struct{ DB *sqlx.DB }

// OpenPaymentApplicationInput asks to open a quarter's application.
type OpenPaymentApplicationInput struct {
	Application quarter.Application
	WorkflowID  string
	RunID       string
	At          time.Time
}

// OpenPaymentApplication judges an application and opens its case, the payment review asked, in one step. The same request
// key answers the first case; a refusal opens nothing.
func (p *PaymentApplications) OpenPaymentApplication(ctx context.Context, in OpenPaymentApplicationInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	n := newCase{
		Kind: quarter.Kind, Prefix: "Q", Partner: a.PartnerID, Submitter: a.Submitter, RequestKey: a.RequestKey, Digest: a.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, p.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		plan, known, list, err := p.judge(ctx, tx, a, "", at)
		if err != nil || len(list) > 0 {
			return "", list, err
		}
		policy, err := quarterPolicy(ctx, tx, 0)
		if err != nil {
			return "", nil, err
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(quarter.Review)}, policy.Version)
		if err != nil {
			return "", nil, err
		}
		months, err := json.Marshal(plan.Months)
		if err != nil {
			return "", nil, err
		}
		i := known.Certified
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO payment_applications (case_number, partner_id, quarter, months, total, business_version, currency, holder, account_no, bank, branch, paying_entity)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			c.Number, a.PartnerID, plan.Quarter.String(), months, plan.Total, i.Version, i.Currency, i.AccountName, i.AccountNo, i.Bank, i.Branch, known.Entity); err != nil {
			return "", nil, fmt.Errorf("keep quarter: %w", err)
		}
		if err := appendEvent(ctx, tx, event{
			Case: c.Number, Key: "submit", At: at, Actor: a.Submitter, Via: viaRequest, Action: "submit", To: string(quarter.Review), Rule: "QPY-01", Amount: &plan.Total, Note: plan.Quarter.String(),
		}); err != nil {
			return "", nil, err
		}
		list, err = askPaymentReview(ctx, tx, c, policy, a, plan, at)
		return c.Number, list, err
	})
}

// ResubmitPaymentApplicationInput is an application that was corrected after its rejection.
type ResubmitPaymentApplicationInput struct {
	Case        string
	Application quarter.Application // its request key is the resubmission's own
	At          time.Time
}

// ResubmitPaymentApplication submits a rejected application again, for the next round of its review (QPY-11): judged like a
// new one, paid to what is certified then. The same request key with the same body changes nothing.
func (p *PaymentApplications) ResubmitPaymentApplication(ctx context.Context, in ResubmitPaymentApplicationInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	step := resubmitStep(p.DB, in.Case, a.RequestKey, a.Submitter, at)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if done, list, err := sentBefore(ctx, tx, c.Number, quarter.PaymentReview, a.RequestKey, a.Digest()); done || err != nil || len(list) > 0 {
			return list, err
		}
		var label string
		if err := tx.GetContext(ctx, &label, `SELECT quarter FROM payment_applications WHERE case_number = $1`, c.Number); err != nil {
			return nil, fmt.Errorf("read quarter of %s: %w", c.Number, err)
		}
		if q, err := quarter.ParseQuarter(a.Quarter); a.PartnerID != c.Partner || err == nil && q.String() != label {
			return refusal.List{refusal.New("COM-08", "CBC.0100", "case "+c.Number, "The application is about %s of partner %s; it is corrected, not changed into another one.", label, c.Partner)}, nil
		}
		plan, known, list, err := p.judge(ctx, tx, a, c.Number, at)
		if err != nil || len(list) > 0 {
			return list, err
		}
		months, err := json.Marshal(plan.Months)
		if err != nil {
			return nil, err
		}
		i := known.Certified
		if _, err := tx.ExecContext(ctx, `
			UPDATE payment_applications SET months = $2, total = $3, business_version = $4, currency = $5, holder = $6, account_no = $7, bank = $8, branch = $9, paying_entity = $10
			 WHERE case_number = $1`, c.Number, months, plan.Total, i.Version, i.Currency, i.AccountName, i.AccountNo, i.Bank, i.Branch, known.Entity); err != nil {
			return nil, fmt.Errorf("change quarter: %w", err)
		}
		policy, err := quarterPolicy(ctx, tx, c.PolicyVersion)
		if err != nil {
			return nil, err
		}
		e := step.event()
		e.Key, e.Rule, e.Note = "resubmit/"+a.RequestKey, "QPY-11", a.Note
		if err := moveCase(ctx, tx, &c, moveTo{State: string(quarter.Review), Amount: &plan.Total}, e); err != nil {
			return nil, err
		}
		return askPaymentReview(ctx, tx, c, policy, a, plan, at)
	})
}

// quarterPolicy reads one version of the policy for payment applications; version 0 is the newest.
func quarterPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p quarter.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, quarter.Kind, version, &p)
	return p, err
}

// judge collects the facts, as locked, and judges an application by them. Number is the case that is sent again; empty: none.
func (p *PaymentApplications) judge(ctx context.Context, tx *sqlx.Tx, a quarter.Application, number string, at time.Time) (quarter.Plan, business.Facts, refusal.List, error) {
	f := quarter.Facts{At: at, Resubmits: number != ""}
	var known business.Facts
	if err := lockStaff(ctx, tx, a.PartnerID); err != nil {
		return quarter.Plan{}, known, nil, err
	}
	var err error
	f.Certification, known, err = certification(ctx, tx, a.PartnerID, at)
	if f.Known = !IsNotFound(err); f.Known && err != nil {
		return quarter.Plan{}, known, nil, err
	}
	if f.Submitter, err = findPerson(ctx, tx, a.Submitter); err != nil {
		return quarter.Plan{}, known, nil, err
	}
	if err := tx.GetContext(ctx, &f.Arrears, arrearsSQL, a.PartnerID, at); err != nil {
		return quarter.Plan{}, known, nil, fmt.Errorf("read arrears of %s: %w", a.PartnerID, err)
	}
	if q, err := quarter.ParseQuarter(a.Quarter); err == nil {
		if f.Months, err = quarterMonths(ctx, tx, a.PartnerID, q, at); err != nil {
			return quarter.Plan{}, known, nil, err
		}
		err = tx.QueryRowContext(ctx, `SELECT case_number, state FROM payment_applications JOIN cases USING (case_number) WHERE payment_applications.partner_id = $1 AND quarter = $2`,
			a.PartnerID, q.String()).Scan(&f.Existing, &f.ExistingState)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return quarter.Plan{}, known, nil, fmt.Errorf("look for application: %w", err)
		}
	}
	plan, list := quarter.Judge(a, f)
	return plan, known, list, nil
}

// arrearsSQL adds up a partner's overdue bills (QPY-10).
const arrearsSQL = `SELECT coalesce(sum(amount), 0)::numeric(20,2) FROM arrears WHERE partner_id = $1 AND since <= $2 AND (paid_at IS NULL OR paid_at > $2)`

// quarterMonths reads the months of a quarter with their states at an instant.
func quarterMonths(ctx context.Context, tx sqlx.QueryerContext, partner string, q calendar.Quarter, at time.Time) ([]quarter.Month, error) {
	var rows []struct {
		Month  calendar.Date `db:"month"`
		State  staff.State   `db:"state"`
		Amount money.Amount  `db:"amount"`
		Case   string        `db:"case_number"`
		Until  *time.Time    `db:"confirm_until"`
	}
	if err := sqlx.SelectContext(ctx, tx, &rows, `SELECT month, state, amount, case_number, confirm_until FROM staff_quarter($1, $2, $3) ORDER BY month`,
		partner, q.Start(), at); err != nil {
		return nil, fmt.Errorf("read months of %s: %w", q, err)
	}
	months := make([]quarter.Month, len(rows))
	for i, r := range rows {
		months[i] = quarter.Month{Month: staff.MonthOf(r.Month.Start()), State: r.State, Amount: r.Amount, Case: r.Case}
		if r.State == staff.ToConfirm {
			months[i].ConfirmUntil = r.Until
		}
	}
	return months, nil
}

// askPaymentReview asks whether the quarter may be paid, and tells the partner.
func askPaymentReview(ctx context.Context, tx *sqlx.Tx, c caseRow, policy quarter.Policy, a quarter.Application, plan quarter.Plan, at time.Time) (refusal.List, error) {
	application, err := sent(a, a.Digest())
	if err != nil {
		return nil, err
	}
	r, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: quarter.PaymentReview, Chain: policy.Chain(quarter.PaymentReview.Name), OpenedBy: a.Submitter, At: at, From: at, Application: application,
		Facts:    approval.Facts{Fields: quarter.Fields, Values: quarter.Values(plan.Total), Amount: plan.Total},
		Question: fmt.Sprintf("May the dedicated staff of %s be paid to %s: %s %s?", plan.Quarter, c.Partner, plan.Total, money.CNY),
	})
	if err != nil || len(list) > 0 {
		return list, err
	}
	return nil, tellQuarter(ctx, tx, c, quarter.Submitted, fmt.Sprintf("submitted@%d", r.number), "", at)
}

// RemindQuarters tells partners whose last quarter can be paid and is not requested, on the first day on which that is so,
// once. It runs every day.
func (p *PaymentApplications) RemindQuarters(ctx context.Context, in DailyInput) (told int, err error) {
	at := stored(in.At)
	now := calendar.QuarterOf(calendar.DateOf(at))
	last := calendar.QuarterOf(now.Start().AddDays(-1))
	err = inTx(ctx, p.DB, func(tx *sqlx.Tx) error {
		var rows []struct {
			Partner string       `db:"partner_id"`
			Total   money.Amount `db:"total"`
		}
		if err := tx.SelectContext(ctx, &rows, payableSQL, last.Start(), last.String(), at); err != nil {
			return fmt.Errorf("look for payable quarters: %w", err)
		}
		var letters partnerLetters
		for _, r := range rows {
			subject, body := quarter.Reminder.Text(quarter.NoticeData{Partner: r.Partner, Quarter: last.String(), Amount: r.Total})
			letters.add(r.Partner, fmt.Sprintf("%s/%s/%s/%s", quarter.Kind, r.Partner, last, quarter.Reminder), subject, body)
		}
		told = len(rows)
		return letters.write(ctx, tx, staff.Applicants, at)
	})
	return told, Final(err)
}

// payableSQL finds whose quarter nothing blocks (QPY-01 to QPY-04, QPY-10), and nobody has requested (QPY-09).
const payableSQL = `
	SELECT p.partner_id, sum(q.amount) FILTER (WHERE q.state = 'PASSED') AS total
	  FROM (SELECT DISTINCT partner_id FROM staff_months WHERE month >= $1::date AND month < $1::date + interval '3 months') p, staff_quarter(p.partner_id, $1, $3) q
	 WHERE NOT EXISTS (SELECT 1 FROM payment_applications a WHERE a.partner_id = p.partner_id AND a.quarter = $2)
	   AND NOT EXISTS (SELECT 1 FROM arrears d WHERE d.partner_id = p.partner_id AND d.since <= $3 AND (d.paid_at IS NULL OR d.paid_at > $3))
	 GROUP BY p.partner_id
	HAVING bool_or(q.state = 'PASSED') AND NOT bool_or(q.state IN ('PRELIMINARY_REVIEW', 'TO_CONFIRM', 'OPEN'))
	 ORDER BY p.partner_id`
