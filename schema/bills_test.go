package schema_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"countersign/domain/bill"
	"countersign/domain/calendar"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// withBill is programme with a released bill B1 of P1001 for May 2024.
func withBill(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
		VALUES ('B1', 'P1001', 'A', 'monthly', '2024-05', 'resale', '2024-06-03T00:00:00Z', 300, 6, '2024-06-15', 'RELEASED', '2024-06-17T00:00:00Z')`)
	return db
}

// Rule: ENG-03
func TestGivenTheMovesOfBills_WhenTheyAreComparedWithTheDomain_ThenBothListsAreTheSame(t *testing.T) {
	db := programme(t)
	var kept []struct {
		From bill.State `db:"from_state"`
		To   bill.State `db:"to_state"`
	}
	for query, moves := range map[string][]bill.Move{
		`SELECT from_state, to_state FROM bill_moves`:                          bill.BillMoves,
		`SELECT from_state, to_state FROM moves WHERE kind = 'reconciliation'`: bill.Moves,
	} {
		kept = nil
		require.NoError(t, db.Select(&kept, query))
		var got []bill.Move
		for _, m := range kept {
			got = append(got, bill.Move{From: m.From, To: m.To})
		}
		require.ElementsMatch(t, moves, got)
	}
}

// Rule: INC-14
func TestGivenAReleasedBill_WhenItIsMovedBackOrRestored_ThenTheDatabaseRefuses(t *testing.T) {
	db := withBill(t)
	refusedBy(t, exec(db, `UPDATE bills SET state = 'TO_CONFIRM' WHERE bill_id = 'B1'`), "eng_03_bill_move")
	require.NoError(t, exec(db, `UPDATE bills SET state = 'VOID', voided_at = '2025-03-16T00:00:00+08' WHERE bill_id = 'B1'`))
	refusedBy(t, exec(db, `UPDATE bills SET state = 'RELEASED', voided_at = NULL WHERE bill_id = 'B1'`), "eng_03_bill_move")
	refusedBy(t, exec(db, `INSERT INTO bills (partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state)
		VALUES ('P1001', 'A', 'monthly', '2024-06', 'resale', now(), 1, 6, '2024-07-15', 'RELEASED')`), "inc_14_announced")
}

// Rule: INC-22
func TestGivenABill_WhenItsAccountIsChangedWithoutATransfer_ThenTheDatabaseRefuses(t *testing.T) {
	db := withBill(t)
	refusedBy(t, exec(db, `UPDATE bills SET partner_id = 'P1002' WHERE bill_id = 'B1'`), "inc_22_transfer")
	db.MustExec(`INSERT INTO bill_transfers VALUES ('k', 'B1', 'P1001', 'P1002', 300, 'letter', 'F1', now())`)
	require.NoError(t, exec(db, `UPDATE bills SET partner_id = 'P1002' WHERE bill_id = 'B1'`))
	denied(t, exec(db, `UPDATE bill_transfers SET amount = 1`))
	denied(t, exec(db, `DELETE FROM bill_transfers`))
}

// Rule: PAY-17
// Rule: PAY-18
func TestGivenAnUnpaidCycle_WhenItIsPaid_ThenBillsOfItsMonthAreFreeFromTheNextDayOn(t *testing.T) {
	db := withBill(t)
	frozen := func(period, model, at string) (is bool) {
		require.NoError(t, db.Get(&is, `SELECT bill_frozen('P1001', $1, $2, $3)`, period, model, at))
		return is
	}
	db.MustExec(`INSERT INTO unpaid_cycles (partner_id, period, association, since, amount) VALUES ('P1001', '2024-05', 'resale', '2024-06-01T00:00:00+08', 50)`)
	require.True(t, frozen("2024-05", "resale", "2024-06-12T14:00:00+08"))
	require.True(t, frozen("2024-Q2", "resale", "2024-07-12T14:00:00+08"))
	require.True(t, frozen("2024", "resale", "2025-01-12T14:00:00+08"))
	require.False(t, frozen("2024-06", "resale", "2024-07-12T14:00:00+08"))
	require.False(t, frozen("2024-05", "advisory", "2024-06-12T14:00:00+08"))
	require.False(t, frozen("2024-05", "resale", "2024-05-31T14:00:00+08"))
	db.MustExec(`UPDATE unpaid_cycles SET paid_at = '2024-06-12T15:00:00+08'`)
	require.True(t, frozen("2024-05", "resale", "2024-06-12T23:59:59.999999+08"))
	require.False(t, frozen("2024-05", "resale", "2024-06-13T00:00:00+08"))
	for _, period := range []string{"2024-05", "2024-Q1", "2024-Q4", "2024"} {
		var months []string
		require.NoError(t, db.Select(&months, `SELECT unnest(bill_months($1))`, period))
		require.Equal(t, bill.Months(period), months)
	}
}

// Rule: INC-14
// Rule: INC-15
func TestGivenAnyIdentities_WhenABillsLapseIsAsked_ThenTheDatabaseAnswersAsTheDomainDoes(t *testing.T) {
	db := programme(t)
	random := rand.New(rand.NewPCG(14, 15))
	instant := func() time.Time { // often at midnight, sometimes on 29 February
		day := calendar.Date{Year: 2023, Month: 1, Day: 1}.AddDays(random.IntN(1500)).Start()
		if random.IntN(4) == 0 {
			day = time.Date(2024, 2, 29, 0, 0, 0, 0, calendar.Zone)
		}
		return day.Add(time.Duration(random.IntN(3)) * 9 * time.Hour)
	}
	ended := 0
	for range 150 {
		partner := fmt.Sprintf("L%d", random.Uint32())
		db.MustExec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ($1, 'L', 'solution-provider', 'cloud')`, partner)
		var held []bill.Held
		for range random.IntN(4) {
			h := bill.Held{From: instant()}
			if random.IntN(5) > 0 {
				until := h.From.Add(time.Duration(1+random.IntN(9000)) * time.Hour)
				h.Until = &until
			}
			if slices.ContainsFunc(held, func(o bill.Held) bool { return o.From.Equal(h.From) }) {
				continue
			}
			plan := bill.Plans[random.IntN(len(bill.Plans))]
			db.MustExec(`INSERT INTO plan_identities (partner_id, plan, from_at, until_at) VALUES ($1, $2, $3, $4)`, partner, plan, h.From, h.Until)
			held = append(held, h)
		}
		db.MustExec(`INSERT INTO plan_identities (partner_id, plan, from_at, until_at) VALUES ($1, 'another', '2020-01-01T00:00:00Z', NULL)`, partner)
		announced := instant()
		var got *time.Time
		require.NoError(t, db.Get(&got, `SELECT bill_lapses($1, $2)`, partner, announced))
		want := bill.Lapses(announced, held)
		if want.IsZero() {
			require.Nil(t, got, "announced %s, held %v", announced, held)
			continue
		}
		ended++
		require.NotNil(t, got, "announced %s, held %v", announced, held)
		require.True(t, want.Equal(*got), "announced %s, held %v: %s, the database says %s", announced, held, want, got)
	}
	require.Greater(t, ended, 30)
}
