package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"

	"github.com/jmoiron/sqlx"
)

// newBill is a formal bill to be written.
type newBill struct {
	Partner       string
	Plan          string            `db:"plan_name"`
	Cadence       incentive.Cadence `db:"cadence"`
	Period        incentive.Period  `db:"-"`
	Association   string            `db:"association"`
	Amount        money.Amount      `db:"amount"`
	OutputTaxRate string            `db:"output_tax_rate"` // percent
	PublishedDays int               `db:"published_days"`  // that the partner has to check it
	Deadline      calendar.Date     `db:"-"`               // or the last of them
	At            time.Time         `db:"-"`
}

// writeBill writes a bill and accrues it; a negative one the other way (INC-12). Its amount is what INC-13 shows as the total.
func writeBill(ctx context.Context, tx *sqlx.Tx, b newBill) (string, error) {
	if b.Deadline.IsZero() {
		b.Deadline = calendar.DateOf(b.At).AddDays(b.PublishedDays)
	}
	var id string
	if err := tx.GetContext(ctx, &id, `
		INSERT INTO bills (partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, special)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'TO_CONFIRM', $5 = 'none') RETURNING bill_id`,
		b.Partner, b.Plan, b.Cadence, b.Period.String(), b.Association, b.At, b.Amount, b.OutputTaxRate, b.Deadline); err != nil {
		return "", fmt.Errorf("write bill: %w", err)
	}
	return id, post(ctx, tx, ledger.Entry{
		Key: "bill/" + id + "/accrue", Memo: fmt.Sprintf("incentive bill %s, %s %s", id, b.Plan, b.Period), At: b.At,
		Postings: ledger.Move(b.Amount, ledger.IncentiveCost, ledger.Incentive(b.Partner)),
	})
}

// billPlans bills what is final and not billed yet of a partner's months in a period: one bill for each plan of the cadence and association model, over all
// their lines (INC-05). What adds up to nothing waits for the next correction: there is nothing to pay or to owe.
func billPlans(ctx context.Context, tx *sqlx.Tx, partner string, p incentive.Period, c incentive.Cadence, at time.Time) ([]string, error) {
	var plans []newBill
	if err := tx.SelectContext(ctx, &plans, `
		SELECT plan_name, cadence, association, sum(amount) AS amount,
		       (array_agg(output_tax_rate ORDER BY version DESC))[1] AS output_tax_rate, (array_agg(published_days ORDER BY version DESC))[1] AS published_days
		  FROM (`+unbilledSQL+`) l GROUP BY plan_name, cadence, association HAVING sum(amount) <> 0 ORDER BY plan_name, association`,
		partner, p.First, p.After(), c, incentive.Kind); err != nil {
		return nil, fmt.Errorf("sum unbilled lines: %w", err)
	}
	var ids []string
	for _, b := range plans {
		b.Partner, b.Period, b.At = partner, p, at
		id, err := writeBill(ctx, tx, b)
		if err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE incentive_lines SET bill_id = $6 WHERE data_id IN (SELECT data_id FROM (`+unbilledSQL+`) l WHERE plan_name = $7 AND association = $8)`,
			partner, p.First, p.After(), c, incentive.Kind, id, b.Plan, b.Association); err != nil {
			return nil, fmt.Errorf("bill lines: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// unbilledSQL is the lines of final sheets that came from a policy and are on no bill (PERF-14).
const unbilledSQL = `
	SELECT l.data_id, l.association, l.amount, p.version, p.body ->> 'plan_name' AS plan_name, p.body ->> 'cadence' AS cadence,
	       p.body ->> 'output_tax_rate' AS output_tax_rate, (p.body ->> 'published_days')::int AS published_days
	  FROM incentive_lines l
	  JOIN policies p ON p.kind = $5 AND p.version = l.policy_version AND p.body ->> 'cadence' = $4
	  JOIN performance_sheets s ON s.partner_id = l.partner_id AND s.period = l.period AND s.state = 'final'
	 WHERE l.partner_id = $1 AND l.period >= $2 AND l.period < $3 AND l.kind = 'performance' AND l.bill_id IS NULL`

// SpecialInput is an incentive that does not come from performance (INC-20).
type SpecialInput struct {
	Key           string // the same again makes no second bill
	Partner       string
	Plan          string
	Period        incentive.Period
	Amount        string // as entered
	OutputTaxRate string // percent
	Deadline      calendar.Date
	Reason        string
	Person        string
	At            time.Time
}

func (in SpecialInput) digest() []byte {
	in.At = time.Time{}
	text, err := json.Marshal(in)
	if err != nil {
		panic(err) // it is text and dates
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// BillReport names the bills that a command made.
type BillReport struct {
	Partner string   `json:"partner"`
	Bills   []string `json:"bills"`
	Waits   string   `json:"waits,omitempty"` // why there is none yet
}

// SpecialBill makes a bill without association model (INC-20). The same key with the same content answers the first bill, with another one it is refused.
func (c *Calculations) SpecialBill(ctx context.Context, in SpecialInput) (BillReport, error) {
	in.At = stored(in.At)
	report := BillReport{Partner: in.Partner}
	err := c.command(ctx, incentiveCommand{Action: "special bill", Person: in.Person, Partner: in.Partner, Key: in.Key, At: in.At}, func(tx *sqlx.Tx, who *person.Person) (refusal.List, error) {
		list := mustOperate(who, in.Person)
		amount, err := money.ParseEntered(in.Amount)
		if err != nil {
			list = append(list, refusal.New("COM-02", "CBC.0100", "amount", "%s.", capitalised(err.Error())))
		}
		if in.Reason == "" || in.Plan == "" || utf8.RuneCountInString(in.Plan) > 128 || in.Key == "" {
			list = append(list, refusal.New("INC-20", "CBC.0100", "bill", "A special bill has a name of at most 128 characters, a reason and a request key; say all of them."))
		}
		if _, err := tax.Parse(in.OutputTaxRate); err != nil {
			list = append(list, refusal.New("COM-08", "CBC.0100", "output tax rate", "%s.", capitalised(err.Error())))
		}
		var kind string
		err = tx.GetContext(ctx, &kind, `SELECT kind FROM partners WHERE partner_id = $1`, in.Partner)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			list = append(list, refusal.New("COM-17", "CBC.5001", "partner "+in.Partner, "There is no partner %q; check the partner's number.", in.Partner))
		case err != nil:
			return nil, fmt.Errorf("read partner: %w", err)
		case kind == "reseller":
			list = append(list, refusal.New("INC-19", "INC_TIER2", "partner "+in.Partner, "A tier-2 reseller receives no incentive of the vendor: its tier-1 does."))
		}
		if len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('special/' || $1))`, in.Key); err != nil {
			return nil, fmt.Errorf("lock key: %w", err)
		}
		var known struct {
			Digest []byte `db:"digest"`
			Bill   string `db:"bill_id"`
		}
		err = tx.GetContext(ctx, &known, `SELECT digest, bill_id FROM special_incentives WHERE key = $1`, in.Key)
		switch {
		case err == nil && !bytes.Equal(known.Digest, in.digest()):
			return refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "request key", "The request key %s is taken by another special bill; use a key of its own.", in.Key)}, nil
		case err == nil:
			report.Bills = []string{known.Bill}
			return nil, nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("look for key: %w", err)
		}
		id, err := writeSpecial(ctx, tx, in, amount)
		if err != nil {
			return nil, err
		}
		report.Bills = []string{id}
		if _, err := tx.ExecContext(ctx, `INSERT INTO special_incentives (key, digest, bill_id, set_by, set_at) VALUES ($1, $2, $3, $4, $5)`,
			in.Key, in.digest(), id, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("keep key: %w", err)
		}
		return nil, nil
	})
	return report, err
}

// writeSpecial writes a special bill with its one line, in the transaction of whoever grants it.
func writeSpecial(ctx context.Context, tx *sqlx.Tx, in SpecialInput, amount money.Amount) (string, error) {
	id, err := writeBill(ctx, tx, newBill{
		Partner: in.Partner, Plan: in.Plan, Cadence: incentive.OneOff, Period: in.Period, Association: incentive.None, Amount: amount,
		OutputTaxRate: in.OutputTaxRate, Deadline: in.Deadline, At: in.At,
	})
	if err != nil {
		return "", err
	}
	var line int64
	if err := tx.GetContext(ctx, &line, `
		INSERT INTO incentive_lines (kind, partner_id, period, usage_month, association, detail, base, amount) VALUES ('special', $1, $2, $2, 'none', $3, $4, $4) RETURNING data_id`,
		in.Partner, in.Period.First, in.Reason, amount); err != nil {
		return "", fmt.Errorf("write line: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE incentive_lines SET bill_id = $2 WHERE data_id = $1`, line, id); err != nil {
		return "", fmt.Errorf("bill line: %w", err)
	}
	return id, nil
}
