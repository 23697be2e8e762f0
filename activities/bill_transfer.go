package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/domain/bill"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// TransferBillsInput moves bills to another account of the same company.
type TransferBillsInput struct {
	Key      string // request key
	Person   string
	From, To string   // partner accounts
	Bills    []string // empty: everything that is outstanding and can be moved
	Reason   string   // whose request it is
	At       time.Time
}

// BillsTransferred is what was moved.
type BillsTransferred struct {
	From   string       `json:"from"`
	To     string       `json:"to"`
	Bills  []string     `json:"bills"`
	Amount money.Amount `json:"amount"` // of the bills together, signed
}

// TransferBills moves bills and what the vendor owes on them (INC-22). The same request again answers the first result.
func (b *Bills) TransferBills(ctx context.Context, in TransferBillsInput) (BillsTransferred, error) {
	in.At = stored(in.At)
	var moved BillsTransferred
	err := judged(ctx, b.DB, func(tx *sqlx.Tx) (list refusal.List, err error) {
		moved, list, err = transfer(ctx, tx, in)
		return list, err
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: "bill/transfer/" + in.Key + "/" + in.At.Format(time.RFC3339Nano), At: in.At, Kind: "bill", Action: "transfer",
			Person: in.Person, Partner: in.From, RequestKey: in.Key,
		}, list)
		return err
	})
	return moved, Final(err)
}

func transfer(ctx context.Context, tx *sqlx.Tx, in TransferBillsInput) (BillsTransferred, refusal.List, error) {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "bill/transfer "+in.Key); err != nil {
		return BillsTransferred{}, nil, fmt.Errorf("lock request: %w", err)
	}
	if first, list, err := transferredBefore(ctx, tx, in); err != nil || len(list) > 0 || first.From != "" {
		return first, list, err
	}
	policy, err := reconciliationPolicy(ctx, tx, 0, in.At)
	if err != nil {
		return BillsTransferred{}, nil, err
	}
	t := bill.Transfer{Name: in.Person, From: in.From, To: in.To, Reason: in.Reason, At: in.At}
	from, err := companyOf(ctx, tx, in.From)
	if err != nil {
		return BillsTransferred{}, nil, err
	}
	to, err := companyOf(ctx, tx, in.To)
	if err != nil {
		return BillsTransferred{}, nil, err
	}
	if t.Person, err = findPerson(ctx, tx, in.Person); err != nil { // partners before people, as load does
		return BillsTransferred{}, nil, err
	}
	for _, partner := range slices.Sorted(slices.Values([]string{in.From, in.To})) { // INC-16: what has lapsed voids with the negatives that were there
		if _, err := voidLapsed(ctx, tx, partner, in.At); err != nil {
			return BillsTransferred{}, nil, err
		}
	}
	rows, err := chosenBills(ctx, tx, in)
	if err != nil {
		return BillsTransferred{}, nil, err
	}
	if list := bill.JudgeTransfer(t, policy, from, to, standings(rows, in.At)); len(list) > 0 {
		return BillsTransferred{}, list, nil
	}
	moved, err := moveBills(ctx, tx, in, rows)
	return moved, nil, err
}

// transferredBefore finds what a request key moved, nothing if it is new; with other content it is refused (COM-20).
func transferredBefore(ctx context.Context, tx *sqlx.Tx, in TransferBillsInput) (BillsTransferred, refusal.List, error) {
	var first struct {
		From   string         `db:"from_partner"`
		To     string         `db:"to_partner"`
		By     string         `db:"moved_by"`
		Reason string         `db:"reason"`
		Bills  pq.StringArray `db:"bills"`
		Amount money.Amount   `db:"amount"`
	}
	err := tx.GetContext(ctx, &first, `
		SELECT from_partner, to_partner, moved_by, reason, array_agg(bill_id ORDER BY bill_id) AS bills, sum(amount) AS amount
		  FROM bill_transfers WHERE key = $1 GROUP BY from_partner, to_partner, moved_by, reason`, in.Key)
	if errors.Is(err, sql.ErrNoRows) {
		return BillsTransferred{}, nil, nil
	}
	if err != nil {
		return BillsTransferred{}, nil, fmt.Errorf("look for transfer %s: %w", in.Key, err)
	}
	if first.From != in.From || first.To != in.To || first.By != in.Person || first.Reason != in.Reason ||
		len(in.Bills) > 0 && !slices.Equal(slices.Sorted(slices.Values(in.Bills)), first.Bills) {
		return BillsTransferred{}, refusal.List{rules["com_20_request_key"]}, nil
	}
	return BillsTransferred{From: first.From, To: first.To, Bills: first.Bills, Amount: first.Amount}, nil, nil
}

// companyOf reads which company an account belongs to, by its newest certified business information.
func companyOf(ctx context.Context, tx *sqlx.Tx, partner string) (bill.Account, error) {
	a := bill.Account{Known: true}
	err := tx.QueryRowContext(ctx, `
		SELECT p.kind = 'reseller', coalesce(i.code_type, ''), coalesce(i.code, '')
		  FROM partners p LEFT JOIN LATERAL (
			SELECT code_type, code FROM business_information b WHERE b.partner_id = p.partner_id AND b.status = 'passed' ORDER BY version DESC LIMIT 1) i ON true
		 WHERE p.partner_id = $1 FOR SHARE OF p`, partner).Scan(&a.Tier2, &a.Company.CodeType, &a.Company.Code)
	if errors.Is(err, sql.ErrNoRows) {
		return bill.Account{}, nil
	}
	if err != nil {
		return a, fmt.Errorf("read company of %s: %w", partner, err)
	}
	return a, nil
}

// chosenBills locks the bills that a transfer names; unknown ones come without a state. Without names they are all that can be
// moved: frozen ones stay (PAY-17).
func chosenBills(ctx context.Context, tx *sqlx.Tx, in TransferBillsInput) ([]billRow, error) {
	if len(in.Bills) == 0 {
		rows, err := lockBills(ctx, tx, in.At, `b.partner_id = $2 AND b.state = 'RELEASED'`, in.From)
		return slices.DeleteFunc(rows, func(r billRow) bool { return r.standing(in.At).Payable.Sign() == 0 }), err
	}
	rows, err := lockBills(ctx, tx, in.At, `b.bill_id = ANY ($2)`, pq.Array(in.Bills))
	for _, id := range in.Bills {
		if !slices.ContainsFunc(rows, func(r billRow) bool { return r.ID == id }) {
			rows = append(rows, billRow{Bill: bill.Bill{ID: id}})
		}
	}
	return rows, err
}

func moveBills(ctx context.Context, tx *sqlx.Tx, in TransferBillsInput, rows []billRow) (BillsTransferred, error) {
	moved := BillsTransferred{From: in.From, To: in.To}
	d := bill.NoticeData{Partner: in.From, Period: rows[0].Period, Note: fmt.Sprintf("%s → %s: %s", in.From, in.To, in.Reason)}
	for _, r := range rows {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO bill_transfers (key, bill_id, from_partner, to_partner, amount, reason, moved_by, moved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			in.Key, r.ID, in.From, in.To, r.Amount, in.Reason, in.Person, in.At); err != nil {
			return moved, fmt.Errorf("record transfer of %s: %w", r.ID, err)
		}
		res, err := tx.ExecContext(ctx, `UPDATE bills SET partner_id = $2 WHERE bill_id = $1 AND partner_id = $3 AND state = 'RELEASED'`, r.ID, in.To, in.From)
		if err != nil {
			return moved, fmt.Errorf("move bill %s: %w", r.ID, err)
		}
		if err := one(res, fmt.Errorf("%w: bill %s has moved", errDefect, r.ID)); err != nil {
			return moved, err
		}
		if r.Amount.Sign() != 0 {
			if err := post(ctx, tx, ledger.Entry{
				Key: billKey(r.ID, "transfer/"+in.Key), Memo: fmt.Sprintf("incentive bill %s from %s to %s", r.ID, in.From, in.To), At: in.At,
				Postings: bill.Transferred(in.From, in.To, r.Amount),
			}); err != nil {
				return moved, err
			}
		}
		if err := noteOnBill(ctx, tx, r, event{
			Key: "transfer/" + r.ID + "/" + in.Key, At: in.At, Actor: in.Person, Via: viaRequest, Action: "transfer", Rule: "INC-22", Amount: &r.Amount,
			Note: fmt.Sprintf("bill %s to %s: %s", r.ID, in.To, in.Reason),
		}); err != nil {
			return moved, err
		}
		moved.Bills, moved.Amount = append(moved.Bills, r.ID), moved.Amount.Add(r.Amount)
	}
	d.Bills, d.Amount = moved.Bills, moved.Amount
	if err := tellPartner(ctx, tx, bill.WasMoved, d, "transfer/"+in.Key+"/from", in.At); err != nil {
		return moved, err
	}
	d.Partner = in.To
	return moved, tellPartner(ctx, tx, bill.WasMoved, d, "transfer/"+in.Key+"/to", in.At)
}
