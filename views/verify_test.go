package views_test

import (
	"strings"
	"testing"

	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestGivenAHouseWithCasesInEveryStateWhenItIsVerifiedThenNothingIsFound(t *testing.T) {
	v := lived(t)
	var last, all int64
	found, err := v.Verify(t.Context(), func(done, of int64) { last, all = done, of })
	require.NoError(t, err)
	require.Empty(t, found.Findings)
	require.EqualValues(t, 5, found.Cases)
	require.NotZero(t, found.Events)
	require.Equal(t, all, last, "the progress ends at its end")
	require.Equal(t, found.Postings+found.Events, all)
}

// Rules: ENG-01, WDL-19, PGM-12. Whoever owns the database can switch its guards off; verify finds what they did.
func TestGivenTamperingByTheSuperuserWhenTheLedgerIsVerifiedThenItIsFound(t *testing.T) {
	tests := map[string]struct {
		tamper string
		want   []string // "check object: message begins", all that is found
	}{
		"a changed balance": {`UPDATE accounts SET balance = balance + 1 WHERE account = 'P.CASH:P1001'`, []string{
			"balance account P.CASH:P1001: stored balance",
		}},
		"a deleted posting": {`DELETE FROM postings WHERE account = 'V.BANK' AND entry_id = (SELECT entry_id FROM entries WHERE key = 'withdrawal/W000001/paid')`, []string{
			"entry entry withdrawal/W000001/paid: its postings do not add up to zero",
		}},
		"an amount changed on both sides": {`UPDATE postings SET amount = amount / 2 WHERE entry_id = (SELECT entry_id FROM entries WHERE key = 'withdrawal/W000004/hold')`, []string{
			"balance account P.CASH:P1001", "balance account P.HOLD:P1001", "lots partner P1001", "holds partner P1001", "step case W000004",
			"day account P.CASH:P1001, 2026-11-03: -3700.00", "day account P.HOLD:P1001, 2026-11-03: 3700.00",
			"entry entry withdrawal/W000004/hold: its case, memo or postings are not what was posted",
		}},
		"an entry without postings": {`DELETE FROM postings WHERE entry_id = (SELECT entry_id FROM entries WHERE key = 'load/memo/P1002-owed')`, []string{
			"balance account M.OWED:P1002", "day account M.OWED:P1002, 2026-11-02: 300.00 in 1 lines are added up, its postings are 0.00 in 0", "entry entry load/memo/P1002-owed: it has no postings",
		}},
		"a second payout": {`
			WITH e AS (INSERT INTO entries (key, digest, case_number, memo, at) SELECT 'again', digest, case_number, memo, at FROM entries WHERE key = 'withdrawal/W000001/paid' RETURNING entry_id),
			p AS (INSERT INTO postings SELECT e.entry_id, account, amount FROM e, (VALUES ('P.HOLD:P1001', -2000.00), ('V.BANK', 2000.00)) AS l(account, amount))
			UPDATE accounts SET balance = balance - 2000 WHERE account = 'P.HOLD:P1001'`, []string{
			"holds partner P1001: P.HOLD is -300.00, the open withdrawals add up to 1700.00", "step case W000001: entry again is no step of it",
			"step case W000001: its entries leave -2000.00 in P.HOLD, 0.00 is what it holds", "floor account P.HOLD:P1001",
			"day account P.HOLD:P1001, 2026-11-04: -2000.00 in 1 lines are added up, its postings are -4000.00 in 2",
		}},
		"a summed account below its floor": {`
			WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('x', '', '', now()) RETURNING entry_id),
			a AS (INSERT INTO accounts (account, code, currency, normal, floored) VALUES ('M.INVBLX', 'M.INVBLX', 'CNY', -1, true))
			INSERT INTO postings SELECT e.entry_id, account, amount FROM e, (VALUES ('M.OWEDX', 400.00), ('M.INVBLX', -400.00)) AS l(account, amount)`, []string{
			"floor account M.OWEDX: its postings add up to -100.00", "entry entry x: its case, memo or postings are not what was posted",
		}},
		"a changed lot": {`UPDATE lots SET remaining = remaining - 1 WHERE key = 'load/P1001-2'`, []string{
			"lots partner P1001: lots add up to",
		}},
		"a changed owed entry": {`UPDATE owed_entries SET remaining = remaining - 1 WHERE partner_id = 'P1002'`, []string{ // Rule: OWE-04
			"owed partner P1002: owed entries add up to 299.00, M.OWED is 300.00", "owed entry OE000001: 299.00 remains of 300.00, its offsets add up to 0.00",
		}},
		"a lot that nothing ties up": {`UPDATE lots SET owed_open = 1, source = 'INCENTIVE_OWED' WHERE key = 'load/P1001-3'`, []string{ // Rule: OWE-08
			"owed lot 3: tied up by 1.00, its owed entries add up to 0.00",
		}},
		"a changed line": {`UPDATE withdrawal_lines SET amount = amount + 1 WHERE case_number = 'W000001'`, []string{
			"lines case W000001: its lots add up to 2001.00, the amount is 2000.00", "granted case W000001: what is paid is not what was approved",
		}},
		"a forgotten approval": {`UPDATE approvals SET granted = NULL, outcome = 'closed' WHERE case_number = 'W000005' AND matter = 'review'`, []string{
			"granted case W000005: what is paid is not what was approved", `task case W000005: review, round 1: the decisions come to "approve", the round says "closed"`,
		}},
		"a task that nobody decided": {`UPDATE tasks SET decided_by = 'zhao' WHERE task_id = 'W000003/review'`, []string{
			"task case W000003: review, round 1: the decisions come to review decided li, the tasks say review decided zhao",
		}},
		"an amount in inboxes": {`UPDATE inbox SET amount = amount + 1 WHERE case_number = 'W000005'`, []string{
			"inbox task W000005/send: inboxes do not say of it",
		}},
		"a case said to be paid": {`UPDATE cases SET state = 'PAID' WHERE case_number = 'W000005'`, []string{
			"holds partner P1001: P.HOLD is 1700.00, the open withdrawals add up to 1000.00", "step case W000005: there is no entry withdrawal/W000005/paid",
			"payment payment W000005-1: it is READY, its case is PAID",
			"event case W000005: it is PAID, its newest event says APPROVED",
		}},
		"a changed event": {`UPDATE events SET actor = 'zhao' WHERE case_number = 'W000001' AND seq = 2`, []string{
			"event event W000001/2: its content is not what was written",
		}},
		"a changed instant of an event": {`UPDATE events SET at = at + interval '1 microsecond' WHERE case_number = 'W000001' AND seq = 2`, []string{
			"event event W000001/2: its content is not what was written",
		}},
		"a changed event with a hash that fits": {`
			UPDATE events SET note = 'nothing' WHERE case_number = 'W000003' AND seq = 1;
			UPDATE events e SET hash = sha256(prev_hash || convert_to(event_text(e), 'UTF8')) WHERE case_number = 'W000003' AND seq = 1`, []string{
			"event event W000003/2: it does not follow the event before it",
		}},
		"a deleted event in the middle": {`DELETE FROM events WHERE case_number = 'W000001' AND seq = 2`, []string{
			"event event W000001/3: the event before it is number 1",
		}},
		"a deleted newest event": {`DELETE FROM events WHERE case_number = 'W000004' AND seq = 1`, []string{
			"event case W000004: it has no events",
		}},
		"a deleted last event": {`DELETE FROM events WHERE case_number = 'W000005' AND seq = 2`, []string{
			"event case W000005: its newest event should be number 2",
		}},
	}
	v := lived(t)
	owner := pgtest.Owner(t, v.db)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tx := owner.MustBegin()
			defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
			tx.MustExec(`CREATE SCHEMA IF NOT EXISTS untouched`)
			for _, table := range touched {
				tx.MustExec(`CREATE TABLE untouched.` + table + ` AS TABLE ` + table)
			}
			tx.MustExec(`SET LOCAL session_replication_role = replica`) // no triggers: what only a superuser can
			tx.MustExec(`ALTER TABLE accounts DROP CONSTRAINT IF EXISTS wdl_19_floor`)
			tx.MustExec(test.tamper)
			require.NoError(t, tx.Commit())
			defer restore(t, v)

			found, err := v.Verify(t.Context(), nil)
			require.NoError(t, err)
			var lines []string
			for _, f := range found.Findings {
				lines = append(lines, f.Check+" "+f.Object+": "+f.Message)
			}
			require.Len(t, lines, len(test.want), strings.Join(lines, "\n"))
			for _, want := range test.want {
				require.True(t, containsPrefix(lines, want), "%s\nis not among\n%s", want, strings.Join(lines, "\n"))
			}
		})
	}
}

func containsPrefix(lines []string, prefix string) bool {
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			return true
		}
	}
	return false
}

var touched = []string{"owed_entries", "accounts", "cases", "entries", "postings", "events", "lots", "withdrawal_lines", "approvals", "tasks", "inbox"}

// restore brings back what a tampering changed, so that the next one is seen alone.
func restore(t *testing.T, v vendor) {
	t.Helper()
	tx := pgtest.Owner(t, v.db).MustBegin()
	tx.MustExec(`SET LOCAL session_replication_role = replica`)
	for _, table := range touched {
		tx.MustExec(`DELETE FROM ` + table)
		tx.MustExec(`INSERT INTO ` + table + ` OVERRIDING SYSTEM VALUE SELECT * FROM untouched.` + table)
		tx.MustExec(`DROP TABLE untouched.` + table)
	}
	require.NoError(t, tx.Commit())
}
