package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/domain/bill"
	"countersign/domain/ledger"
	"countersign/domain/money"

	"github.com/jmoiron/sqlx"
)

// DailyInput says up to which instant a day's work is done.
type DailyInput struct{ At time.Time }

// VoidReport counts what voided.
type VoidReport struct {
	Partners int `json:"partners"`
	Bills    int `json:"bills"` // negatives among them
}

// VoidLapsed voids the bills whose year is over at an instant (INC-14), a transaction for each partner. A second run finds
// nothing left to do; what voids has the instant of its lapse, however late the run is. One partner that fails does not keep
// the others waiting.
func (b *Bills) VoidLapsed(ctx context.Context, in DailyInput) (VoidReport, error) {
	in.At = stored(in.At)
	var partners []string
	if err := b.DB.SelectContext(ctx, &partners, `
		SELECT DISTINCT b.partner_id FROM bills b
		 WHERE `+lapsedSQL+`
		 ORDER BY 1`, in.At); err != nil {
		return VoidReport{}, fmt.Errorf("look for lapsed bills: %w", err)
	}
	var report VoidReport
	var failed []error
	for _, partner := range partners {
		n := 0
		err := inTx(ctx, b.DB, func(tx *sqlx.Tx) (err error) {
			n, err = voidLapsed(ctx, tx, partner, in.At)
			return err
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("void bills of %s: %w", partner, err))
			continue
		}
		if n > 0 {
			report.Partners, report.Bills = report.Partners+1, report.Bills+n
		}
	}
	return report, Final(errors.Join(failed...))
}

// lapsedSQL is about bills b whose year is over at $1 and that stand all the same.
const lapsedSQL = `b.state = 'RELEASED' AND b.amount > 0 AND EXISTS (SELECT 1 FROM plan_identities i WHERE i.partner_id = b.partner_id AND i.until_at <= $1)
		   AND bill_lapses(b.partner_id, b.announced_at) <= $1 AND NOT bill_requested(b.bill_id)`

// voidLapsed voids a partner's bills whose year is over at an instant, the earliest first, in a transaction of the caller's:
// what takes bills calls it before it looks at them, so that a late clock changes nothing. It answers how many voided.
func voidLapsed(ctx context.Context, tx *sqlx.Tx, partner string, at time.Time) (int, error) {
	voided := 0
	for {
		rows, err := lockBills(ctx, tx, at, `b.partner_id = $2 AND b.state = 'RELEASED'`, partner)
		if err != nil {
			return voided, err
		}
		positives, when := firstLapse(rows, at)
		if len(positives) == 0 {
			return voided, nil
		}
		var negatives []billRow // that exist at that instant (INC-17)
		for _, r := range rows {
			if r.Amount.Sign() < 0 && !r.Requested && !r.Announced.After(when) {
				negatives = append(negatives, r)
			}
		}
		slices.SortStableFunc(negatives, func(a, b billRow) int { return a.Announced.Compare(*b.Announced) })
		n, err := void(ctx, tx, positives, negatives, when)
		if err != nil {
			return voided, err
		}
		voided += n
	}
}

// firstLapse finds the positive bills that lapse first, up to an instant. One that a requisition has runs on (ENG-07).
func firstLapse(rows []billRow, at time.Time) (first []billRow, when time.Time) {
	for _, r := range rows {
		if r.Amount.Sign() <= 0 || r.Requested || r.LapsesAt == nil || r.LapsesAt.After(at) { // ENG-07
			continue
		}
		if len(first) > 0 && r.LapsesAt.After(when) {
			continue
		}
		if len(first) > 0 && r.LapsesAt.Before(when) {
			first = nil
		}
		first, when = append(first, r), *r.LapsesAt
	}
	return first, when
}

// void takes bills back at an instant, with the negatives outstanding then, and lets what remains of these stand as a bill of
// its own (INC-16, INC-17, INC-18).
func void(ctx context.Context, tx *sqlx.Tx, positives, negatives []billRow, when time.Time) (int, error) {
	plain := func(rows []billRow) []bill.Bill {
		out := make([]bill.Bill, len(rows))
		for i, r := range rows {
			out[i] = r.Bill
		}
		return out
	}
	v := bill.VoidWith(plain(positives), plain(negatives))
	d := bill.NoticeData{Partner: positives[0].Partner, Period: positives[0].Period}
	for _, r := range slices.Concat(positives, negatives) {
		rule, by := "INC-14", ""
		if r.Amount.Sign() < 0 {
			rule, by = "INC-16", positives[0].ID
		}
		if err := voidBill(ctx, tx, r, by, rule, when); err != nil {
			return 0, err
		}
		if r.Amount.Sign() > 0 {
			d.Bills, d.Amount = append(d.Bills, r.ID), d.Amount.Add(r.Amount)
		}
	}
	if v.Rest.Sign() < 0 {
		id, err := restOf(ctx, tx, negatives[0], v.Rest, when)
		if err != nil {
			return 0, err
		}
		d.Note = fmt.Sprintf("与未结负激励抵销，余额见账单 %s：%s。 Set off against outstanding negatives; what remains of them is bill %s: %s.", id, v.Rest, id, v.Rest)
	}
	return len(v.Bills), tellPartner(ctx, tx, bill.WasVoided, d, "voided/"+d.Partner+"/"+when.Format(time.RFC3339), when)
}

// voidBill takes one bill back and its accrual with it; by is the bill that voided it.
func voidBill(ctx context.Context, tx *sqlx.Tx, r billRow, by, rule string, when time.Time) error {
	res, err := tx.ExecContext(ctx, `UPDATE bills SET state = 'VOID', voided_at = $2, void_of = nullif($3, '') WHERE bill_id = $1 AND state = $4`, r.ID, when, by, r.State)
	if err != nil {
		return fmt.Errorf("void bill %s: %w", r.ID, err)
	}
	if err := one(res, fmt.Errorf("%w: bill %s is not %s", errDefect, r.ID, r.State)); err != nil {
		return err
	}
	if r.Amount.Sign() != 0 {
		if err := post(ctx, tx, ledger.Entry{Key: billKey(r.ID, "void"), Memo: "void: incentive bill " + r.ID, At: when, Postings: bill.Reverse(r.Partner, r.Amount)}); err != nil {
			return err
		}
	}
	return noteOnBill(ctx, tx, r, event{Key: "void/" + r.ID, At: when, Actor: bySystem, Via: viaClock, Action: "void", Rule: rule, Amount: &r.Amount, Note: "bill " + r.ID})
}

// restOf is the bill of what remains of voided negatives: like the oldest of them, released at once (INC-16).
func restOf(ctx context.Context, tx *sqlx.Tx, oldest billRow, rest money.Amount, when time.Time) (id string, err error) {
	if err := tx.GetContext(ctx, &id, `
		INSERT INTO bills (partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, currency, published_deadline, state, case_number,
		                   announced_at, replaces, special)
		SELECT partner_id, plan_name, cadence, period, association, $2, $3, output_tax_rate, currency, published_deadline, 'RELEASED', case_number, $2, bill_id, special
		  FROM bills WHERE bill_id = $1 RETURNING bill_id`, oldest.ID, when, rest); err != nil {
		return "", fmt.Errorf("new bill for %s: %w", oldest.ID, err)
	}
	if err := post(ctx, tx, ledger.Entry{Key: billKey(id, "accrue"), Memo: "incentive bill " + id, At: when, Postings: bill.Accrue(oldest.Partner, rest)}); err != nil {
		return "", err
	}
	return id, noteOnBill(ctx, tx, oldest, event{
		Key: "rest/" + id, At: when, Actor: bySystem, Via: viaClock, Action: "carry over", Rule: "INC-16", Amount: &rest, Note: "bill " + id + " in place of " + oldest.ID,
	})
}

// billKey is the business key of a step of a bill (ENG-01).
func billKey(id, step string) string { return "bill/" + id + "/" + step }

// noteOnBill writes an event into the history of a bill's reconciliation, which it leaves as it is.
func noteOnBill(ctx context.Context, tx *sqlx.Tx, r billRow, e event) error {
	if r.CaseNumber == nil { // never presented
		return nil
	}
	return appendHere(ctx, tx, caseRow{Number: *r.CaseNumber}, e)
}

// bySystem acts where nobody does.
const bySystem = "system"
