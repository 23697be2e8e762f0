package workflows

import (
	"context"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/requisition"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Whoever owns the database can switch its guards off; verify finds a payment of incentive that is doubled, or missing.
//
// Rule: PAY-26, PAY-27, PAY-28, ENG-01
func TestGivenPaidRequisitions_WhenASuperuserTampers_ThenVerifyFindsIt(t *testing.T) {
	const again = `
		WITH e AS (INSERT INTO entries (key, digest, case_number, memo, at) SELECT key || '/again', digest, case_number, memo, at FROM entries WHERE key = 'requisition/R000001/complete' RETURNING entry_id)
		INSERT INTO postings SELECT e.entry_id, account, amount FROM e, postings JOIN entries f USING (entry_id) WHERE f.key = 'requisition/R000001/complete';
		UPDATE accounts SET balance = balance - 2000 WHERE account = 'V.INCENT:P100';
		UPDATE accounts SET balance = balance + 2000 WHERE account LIKE 'Q:%'`
	for name, test := range map[string]struct {
		tamper string
		want   []string // findings that are among those found
	}{
		"a doubled payout": {again, []string{
			"requisitions case R000001: it is COMPLETED over 2000.00, 2 entries of it paid 4000.00",
			"requisitions entry requisition/R000001/complete/again: it is said to be of a requisition, which does not have it",
			"quotas case R000001: it is COMPLETED by VOUCHER over 2000.00, its quotas are worth 2000.00, their accounts hold 4000.00",
			"payable partner P100: bills that are not void come to 5000.00, requisitions paid 5000.00, V.INCENT is -2000.00",
		}},
		"a missing payout": {`
			DELETE FROM postings WHERE entry_id = (SELECT entry_id FROM entries WHERE key = 'requisition/R000002/complete'); DELETE FROM entries WHERE key = 'requisition/R000002/complete';
			UPDATE accounts SET balance = balance + 3000 WHERE account = 'V.INCENT:P100'`, []string{
			"requisitions case R000002: it is COMPLETED over 3000.00, 0 entries of it paid 0.00",
			"payable partner P100: bills that are not void come to 5000.00, requisitions paid 5000.00, V.INCENT is 3000.00",
		}},
		"a requisition said to be completed": {`UPDATE cases SET state = 'REJECTED' WHERE case_number = 'R000002'`, []string{
			"requisitions case R000002: it is REJECTED over 3000.00, 1 entries of it paid 3000.00",
			"requisitions case R000002: it is REJECTED over 3000.00, the bills that it has come to 3000.00",
			"payment case R000002: it is REJECTED over 0.00, the bank confirmed 2915.09 in 1 payments",
		}},
		"a bill that is free again": {`UPDATE requisition_bills SET live = false WHERE case_number = 'R000001'`, []string{
			"requisitions case R000001: it is COMPLETED over 2000.00, the bills that it has come to 0.00",
		}},
		"a bill that is worth more": {`UPDATE bills SET amount = 2500 WHERE bill_id = 'BT0001'`, []string{
			"requisitions bill BT0001: requisition R000001 counts 2000.00 of it for partner P100, it is RELEASED, of P100 over 2500.00",
			"payable partner P100: bills that are not void come to 5500.00, requisitions paid 5000.00, V.INCENT is 0.00",
		}},
		"a quota that is worth more": {`UPDATE quotas SET amount = 2500`, []string{
			"quotas case R000001: it is COMPLETED by VOUCHER over 2000.00, its quotas are worth 2500.00, their accounts hold 2000.00",
		}},
		"a second transfer": {`INSERT INTO payments (end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at, state)
			SELECT 'R000002-2', case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at, state FROM payments`, []string{
			"payment case R000002: it is COMPLETED over 2915.09, the bank confirmed 5830.18 in 2 payments",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "2024-06-10 10:00")
			o.advisory("2000.00")
			o.gets(asks("k1", requisition.Voucher))
			o.advisory("3000.00")
			number := o.gets(asks("k2", requisition.Bank)).Case
			o.invoiced(number)
			o.did(o.answers(number, "review", "zhao", approval.Approve))
			o.did(o.answers(number, "send", "zhao", requisition.Sent))
			o.did(o.answers(number, "confirm", "lina", requisition.Arrived, "2915.09"))
			o.addsUp()
			require.Equal(t, 2, o.count(`SELECT count(*) FROM cases WHERE state = 'COMPLETED'`))

			tx := pgtest.Owner(t, o.db).MustBegin()
			tx.MustExec(`SET LOCAL session_replication_role = replica`) // no triggers: what only a superuser can
			tx.MustExec(`ALTER TABLE accounts DROP CONSTRAINT IF EXISTS wdl_19_floor`)
			tx.MustExec(`DROP INDEX IF EXISTS eng_01_one_payment`)
			tx.MustExec(test.tamper)
			require.NoError(t, tx.Commit())
			found, err := views.Reader{DB: o.db}.Verify(context.Background(), nil)
			require.NoError(t, err)
			var lines []string
			for _, f := range found.Findings {
				lines = append(lines, f.Check+" "+f.Object+": "+f.Message)
			}
			require.Subset(t, lines, test.want)
		})
	}
}
