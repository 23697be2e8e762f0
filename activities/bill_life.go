package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/bill"
	"countersign/domain/person"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Bills records what happens to incentive bills outside of their reconciliation: they lapse, they move to another account.
type Bills struct{ DB *sqlx.DB }

// billRow is a bill under its lock, as it stands at an instant.
type billRow struct {
	bill.Bill
	CaseNumber *string    `db:"case_number"`
	Announced  *time.Time `db:"announced_at"`
	LapsesAt   *time.Time `db:"lapses_at"` // nil: no end in sight
	IsFrozen   bool       `db:"frozen"`
}

// standing is what rules look at.
func (b billRow) standing(at time.Time) bill.Standing {
	s := bill.Standing{Bill: b.Bill, Frozen: b.IsFrozen}
	if b.LapsesAt != nil {
		s.Lapses = *b.LapsesAt
	}
	s.Payable = bill.Payable(s.Bill, s.Frozen, s.Lapses, at)
	return s
}

func standings(rows []billRow, at time.Time) []bill.Standing {
	out := make([]bill.Standing, len(rows))
	for i, b := range rows {
		out[i] = b.standing(at)
	}
	return out
}

// lockBills locks bills in the order of their numbers and reads them as they stand at an instant. Two statements: the first
// may wait, and what it had read would be from before its wait. Where is a condition on bills b with the arguments from $2 on.
func lockBills(ctx context.Context, tx *sqlx.Tx, at time.Time, where string, args ...any) ([]billRow, error) {
	args = append([]any{at}, args...)
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM bills b WHERE $1::timestamptz IS NOT NULL AND `+where+` ORDER BY bill_id FOR NO KEY UPDATE`, args...); err != nil {
		return nil, fmt.Errorf("lock bills: %w", err)
	}
	var rows []billRow
	if err := tx.SelectContext(ctx, &rows, billSQL+where+` ORDER BY bill_id`, args...); err != nil {
		return nil, fmt.Errorf("read bills: %w", err)
	}
	return rows, nil
}

const billSQL = `
	SELECT b.bill_id, b.partner_id, b.plan_name, b.period, b.association, b.amount, b.state, b.case_number, b.announced_at,
	       bill_requested(b.bill_id) AS requested, bill_lapses(b.partner_id, b.announced_at) AS lapses_at,
	       bill_frozen(b.partner_id, b.period, b.association, $1) AS frozen
	  FROM bills b WHERE `

// tellPartner tells the partner's people who may speak about its bills.
func tellPartner(ctx context.Context, tx *sqlx.Tx, n bill.Notice, d bill.NoticeData, key string, at time.Time) error {
	return tell(ctx, tx, n, d, key, at, d.Partner, bill.Deciders)
}

// tell writes a notice to the people of a partner, or of the vendor, who hold one of the roles.
func tell(ctx context.Context, tx *sqlx.Tx, n bill.Notice, d bill.NoticeData, key string, at time.Time, partner string, roles []person.Role) error {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	subject, body := n.Text(d)
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people p
		 WHERE active AND coalesce(partner_id, '') = $5 AND held_roles(p.person_id) && $6::text[]
		ON CONFLICT (key) DO NOTHING`, "bill/"+key, subject, body, at, partner, pq.Array(names)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
