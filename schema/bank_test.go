package schema_test

import (
	"fmt"
	"testing"

	"countersign/domain/payment"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// paid is a database with a case, an open order X000001 and a written one X000002.
func paid(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	db.MustExec(`INSERT INTO payment_batches (key, made_by, made_at) VALUES ('k1', 'F1', now()), ('k2', 'F1', now())`)
	db.MustExec(`UPDATE payment_batches SET file = 'x', hash = '\x01', written_at = now() WHERE message_id = 'X000002'`)
	return db
}

const paySQL = `INSERT INTO payments (end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at)
	VALUES ($1, 'W000001', 100, 'CNY', 'A Ltd', '6222', 'ICBC', '', 'cloud', now(), now())`

func pay(db sqlx.Execer, id string, to payment.State, order any) error {
	return exec(db, `UPDATE payments SET state = $2, message_id = $3 WHERE end_to_end_id = $1`, id, to, order)
}

// Rule: ENG-03
func TestGivenAPaymentInEachState_WhenItIsMoved_ThenTheDatabaseKnowsTheMovesOfTheDomain(t *testing.T) {
	db := paid(t)
	paths := map[payment.State][]payment.State{payment.Ready: {}}
	for range payment.Moves {
		for _, m := range payment.Moves {
			if path, there := paths[m.From]; there && paths[m.To] == nil && m.To != payment.Ready {
				paths[m.To] = append(append([]payment.State{}, path...), m.To)
			}
		}
	}
	require.Len(t, paths, len(payment.States))
	n := 0
	for from, path := range paths {
		for _, to := range payment.States {
			if to == from {
				continue
			}
			n++
			tx, err := db.Beginx()
			require.NoError(t, err)
			id := fmt.Sprintf("W000001-%d", n)
			require.NoError(t, exec(tx, paySQL, id))
			var order any
			for _, s := range append(append([]payment.State{}, path...), to) {
				if s == payment.Exported {
					order = "X000001"
				}
				if err = pay(tx, id, s, order); s != to {
					require.NoError(t, err, "%s on the way to %s", s, from)
				}
			}
			if payment.CanMove(from, to) {
				require.NoError(t, err, "%s to %s", from, to)
			} else {
				refusedBy(t, err, "eng_03_payment_move")
			}
			require.NoError(t, tx.Rollback())
		}
	}
}

// Rule: ENG-01
func TestGivenAPaymentOfACase_WhenASecondIsOrderedWhileItLives_ThenTheDatabaseRefuses(t *testing.T) {
	db := paid(t)
	require.NoError(t, exec(db, paySQL, "W000001-1"))
	refusedBy(t, exec(db, paySQL, "W000001-2"), "eng_01_one_payment")
	require.NoError(t, pay(db, "W000001-1", payment.ByHand, nil))
	refusedBy(t, exec(db, paySQL, "W000001-2"), "eng_01_one_payment")
	require.NoError(t, pay(db, "W000001-1", payment.Returned, nil))
	require.NoError(t, exec(db, paySQL, "W000001-2"))
}

func TestGivenAWrittenOrder_WhenAPaymentJoinsItOrItsFileChanges_ThenTheDatabaseRefuses(t *testing.T) {
	db := paid(t)
	require.NoError(t, exec(db, paySQL, "W000001-1"))
	refusedBy(t, pay(db, "W000001-1", payment.Exported, "X000002"), "eng_03_order_written")
	refusedBy(t, exec(db, `UPDATE payment_batches SET file = 'y' WHERE message_id = 'X000002'`), "eng_03_order_written")
	require.NoError(t, pay(db, "W000001-1", payment.Exported, "X000001"))
	refusedBy(t, exec(db, `UPDATE payments SET message_id = 'X000002' WHERE end_to_end_id = 'W000001-1'`), "eng_03_payment_move")
	denied(t, exec(db, `UPDATE payments SET amount = 1`))
	denied(t, exec(db, `DELETE FROM payments`))
	refusedBy(t, exec(db, `INSERT INTO payment_batches (key, made_by, made_at) VALUES ('k1', 'F1', now())`), "com_20_export_key")
}

// Rule: ENG-01
func TestGivenALineThatSettlesAPayment_WhenASecondOneWouldSettleIt_ThenTheDatabaseRefuses(t *testing.T) {
	db := paid(t)
	require.NoError(t, exec(db, paySQL, "W000001-1"))
	require.NoError(t, exec(db, `INSERT INTO statement_files (content_hash, name, schema, message_id, lines, imported_by, imported_at)
		VALUES (sha256('a'), 'a.xml', 's', 'm', 2, 'F1', now())`))
	const line = `INSERT INTO statement_lines (content_hash, line, row_no, kind, end_to_end_id, payment_id, amount, currency, result)
		VALUES (sha256('a'), $1, 1, 'paid', 'W000001-1', 'W000001-1', 100, 'CNY', $2)`
	require.NoError(t, exec(db, line, 1, payment.Settles))
	refusedBy(t, exec(db, line, 2, payment.Settles), "eng_01_settled_once")
	require.NoError(t, exec(db, line, 2, payment.Unexpected))
	denied(t, exec(db, `UPDATE statement_lines SET result = 'settles'`))
	denied(t, exec(db, `DELETE FROM statement_lines`))
	refusedBy(t, asOwner(t, db, `UPDATE statement_lines SET line = 3`), "pgm_12_append_only")
}

func TestGivenWithdrawalsInFlight_WhenPaymentsComeToBe_ThenWhatIsNotSentIsReadyAndWhatWasSentIsByHand(t *testing.T) {
	db := pgtest.Empty(t)
	migrateTo(t, db.DB, 3)
	db.MustExec(`SET session_replication_role = replica`) // the money behind these cases does not matter here
	for _, statement := range []string{
		`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1001', 'A', 'solution-provider', 'cloud')`,
		`INSERT INTO people (person_id, name, partner_id) VALUES ('U1', 'Mei', 'P1001')`,
		`INSERT INTO policies VALUES ('withdrawal', 1, '{}', 'U1', now())`,
		`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		 SELECT n, 'withdrawal', 'P1001', 'U1', n, '', s, 1, n, n, '2025-11-03T02:00:00Z'
		   FROM (VALUES ('W1', 'UNDER_REVIEW'), ('W2', 'APPROVED'), ('W3', 'PAYING'), ('W4', 'PAID'), ('W5', 'APPROVED')) v(n, s)`,
		`INSERT INTO withdrawals SELECT case_number, 'BANK_CARD', 500, 'CNY', 'A Ltd', '6222', 'ICBC', 'X', 'cloud', CASE case_number WHEN 'W5' THEN 'V.CHAN.alipay' ELSE 'V.BANK' END,
		 false, '2025-11-04T02:00:00Z', '', NULL FROM cases`,
	} {
		db.MustExec(statement)
	}
	db.MustExec(`SET session_replication_role = origin`)
	migrateTo(t, db.DB, 12)
	var payments []string
	require.NoError(t, db.Select(&payments, `SELECT concat_ws(' ', end_to_end_id, amount, state, payee) FROM payments ORDER BY 1`))
	require.Equal(t, []string{"W2-1 500.00 READY A Ltd", "W3-1 500.00 BY_HAND A Ltd"}, payments)
}
