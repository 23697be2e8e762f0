package schema_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// account is one line of the rule book's chart.
type account struct {
	Code     string `db:"code"`
	Side     string `db:"side"`
	Floored  bool   `db:"floored"` // may not go below 0
	Owned    bool   `db:"owned"`
	Memo     bool   `db:"memo"`
	Currency string `db:"currency"`
}

func TestGivenTheChartOfAccounts_WhenItIsRead_ThenItIsTheRuleBooks(t *testing.T) {
	const cr, dr = "Cr", "Dr"
	const floor, free = true, false
	const owned, vendors = true, false
	const memo, cash = true, false
	want := []account{
		{"C.CASH", cr, floor, owned, cash, "CNY"},
		{"C.CRED", cr, floor, owned, cash, "CNY"},
		{"C.DEBT", dr, floor, owned, cash, "CNY"},
		{"C.OWN", cr, floor, owned, cash, "CNY"},
		{"C.OWNCRED", cr, floor, owned, cash, "CNY"},
		{"K", cr, floor, owned, cash, "CPN"},
		{"K.LAPSED", cr, floor, vendors, cash, "CPN"},
		{"K.USED", cr, floor, vendors, cash, "CPN"},
		{"L", cr, floor, owned, cash, "CREDIT"}, // ours, for lab credits
		{"L.LAPSED", cr, floor, vendors, cash, "CREDIT"},
		{"L.SRC", dr, floor, vendors, cash, "CREDIT"},
		{"L.USED", cr, floor, vendors, cash, "CREDIT"},
		{"M.INVBL", cr, floor, owned, memo, "CNY"},
		{"M.INVBLX", dr, floor, vendors, memo, "CNY"},
		{"M.OWED", cr, floor, owned, memo, "CNY"},
		{"M.OWEDX", dr, floor, vendors, memo, "CNY"},
		{"M.UNPOSTED", cr, floor, owned, memo, "CNY"},    // ours, for the charges of WDL-07
		{"M.UNPOSTEDX", dr, floor, vendors, memo, "CNY"}, // and its contra
		{"P.CASH", cr, floor, owned, cash, "CNY"},
		{"P.CRED", cr, floor, owned, cash, "CNY"},
		{"P.HOLD", cr, floor, owned, cash, "CNY"},
		{"Q", cr, floor, owned, cash, "CPN"},
		{"Q.SRC", dr, floor, vendors, cash, "CPN"},
		{"V.BANK", dr, free, vendors, cash, "CNY"},
		{"V.CHAN.alipay", dr, free, vendors, cash, "CNY"},
		{"V.CHAN.ebank_corporate", dr, free, vendors, cash, "CNY"},
		{"V.CHAN.ebank_personal", dr, free, vendors, cash, "CNY"},
		{"V.CHAN.unionpay", dr, free, vendors, cash, "CNY"},
		{"V.CHAN.wechat", dr, free, vendors, cash, "CNY"},
		{"V.CREDLINE", dr, floor, vendors, cash, "CNY"},
		{"V.FEE", cr, floor, vendors, cash, "CNY"},
		{"V.FUND", cr, floor, owned, cash, "CNY"},
		{"V.INCENT", cr, free, owned, cash, "CNY"},
		{"V.INCEXP", dr, free, vendors, cash, "CNY"},
		{"V.PROMO", dr, free, vendors, cash, "CNY"},
		{"V.SALES", cr, free, vendors, cash, "CNY"},
		{"V.SUSP", cr, floor, vendors, cash, "CNY"},
		{"V.TAX", cr, free, vendors, cash, "CNY"},
	}
	var got []account
	require.NoError(t, pgtest.New(t).Select(&got, `
		SELECT code, CASE normal WHEN 1 THEN 'Cr' ELSE 'Dr' END AS side, floored, owned, memo, currency FROM chart ORDER BY code COLLATE "C"`))
	require.Equal(t, want, got)
}

// entry lays down an entry without postings and answers its number.
func entry(tx sqlx.Queryer, key string) (id int64, err error) {
	err = tx.QueryRowx(`INSERT INTO entries (key, digest, memo, at) VALUES ($1, '', '', '2025-11-03T02:00:00Z') RETURNING entry_id`, key).Scan(&id)
	return id, err
}

// line is "P.HOLD:P1001 800.00": an account and what moves it.
func postings(tx sqlx.Execer, id int64, lines ...string) error {
	accounts, amounts := make([]string, len(lines)), make([]string, len(lines))
	for i, line := range lines {
		if _, err := fmt.Sscan(line, &accounts[i], &amounts[i]); err != nil {
			panic(err)
		}
	}
	if _, err := tx.Exec(`INSERT INTO accounts (account) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, pq.Array(accounts)); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO postings (entry_id, account, amount) SELECT $1, * FROM unnest($2::text[], $3::numeric[])`,
		id, pq.Array(accounts), pq.Array(amounts))
	return err
}

// post books a whole entry in a transaction of its own.
func post(t *testing.T, db *sqlx.DB, key string, lines ...string) error {
	t.Helper()
	return inTx(t, db, func(tx *sqlx.Tx) error {
		id, err := entry(tx, key)
		if err != nil {
			return err
		}
		return postings(tx, id, lines...)
	})
}

// balance is what the account shows on its normal side.
func balance(t *testing.T, db *sqlx.DB, account string) string {
	t.Helper()
	var b money.Amount
	require.NoError(t, db.Get(&b, `SELECT balance * normal FROM accounts WHERE account = $1`, account))
	return b.String()
}

func count(t *testing.T, db *sqlx.DB, table string) (n int) {
	t.Helper()
	require.NoError(t, db.Get(&n, `SELECT count(*) FROM `+table))
	return n
}

func TestGivenAnEntryOutOfBalance_WhenItIsCommitted_ThenTheDatabaseRefusesAndNothingStays(t *testing.T) {
	db := programme(t)
	for name, lines := range map[string][]string{
		"one fen too much":                      {"V.BANK -100.00", "P.HOLD:P1001 100.01"},
		"one side only":                         {"P.HOLD:P1001 100.00"},
		"no posting":                            {},
		"a memo that only money balances":       {"V.BANK -100.00", "M.OWED:P1001 100.00"},
		"money and memo that balance across":    {"V.BANK -100.00", "P.HOLD:P1001 60.00", "M.OWED:P1001 40.00"},
		"yuan and coupon yuan":                  {"V.BANK -100.00", "Q:Q1 100.00"},
		"two halves, each out, together in":     {"P.HOLD:P1001 50.00", "P.HOLD:P1002 50.00", "M.UNPOSTED:P1001 100.00", "Q.SRC -200.00"},
		"an entry whose memo part is unmatched": {"V.BANK -100.00", "P.HOLD:P1001 100.00", "M.OWED:P1001 40.00"},
	} {
		t.Run(name, func(t *testing.T) {
			tx := db.MustBegin()
			defer tx.Rollback() //nolint:errcheck // it failed already
			id, err := entry(tx, "e")
			require.NoError(t, err)
			if len(lines) > 0 {
				require.NoError(t, postings(tx, id, lines...), "only COMMIT looks at the whole entry")
			}
			refusedBy(t, tx.Commit(), "ledger_balanced")
			require.Zero(t, count(t, db, "entries"))
			require.Zero(t, count(t, db, "postings"))
		})
	}
	require.NoError(t, post(t, db, "e", "V.BANK -100.00", "P.HOLD:P1001 100.00", "M.INVBLX -40.00", "M.INVBL:P1001 40.00"))
	require.Equal(t, "100.00", balance(t, db, "P.HOLD:P1001"))
	require.Equal(t, "40.00", balance(t, db, "M.INVBL:P1001"))
}

func TestGivenABalanceAtItsFloor_WhenOneFenMoreIsTaken_ThenWDL19RefusesOnCreditAndOnDebitSideAccounts(t *testing.T) {
	db := programme(t)
	require.NoError(t, post(t, db, "in", "V.BANK -100.00", "P.HOLD:P1001 100.00"))
	require.NoError(t, post(t, db, "charge", "C.DEBT:C1 -70.00", "V.SALES 70.00"))
	require.Equal(t, "70.00", balance(t, db, "C.DEBT:C1"), "a debit account is shown negated")

	refusedBy(t, post(t, db, "out", "P.HOLD:P1001 -100.01", "V.BANK 100.01"), "wdl_19_floor")
	refusedBy(t, post(t, db, "paid", "C.DEBT:C1 70.01", "V.SALES -70.01"), "wdl_19_floor")
	require.Equal(t, "100.00", balance(t, db, "P.HOLD:P1001"))
	require.Equal(t, "70.00", balance(t, db, "C.DEBT:C1"))

	require.NoError(t, post(t, db, "out", "P.HOLD:P1001 -100.00", "V.BANK 100.00"))
	require.NoError(t, post(t, db, "paid", "C.DEBT:C1 70.00", "V.SALES -70.00"))
	require.NoError(t, post(t, db, "negative bill", "V.INCENT:P1001 -5.00", "V.INCEXP 5.00"), "incentives may fall below zero")
	require.Equal(t, "-5.00", balance(t, db, "V.INCENT:P1001"))
}

// Rule: WDL-19
func TestGivenCashOf1000_When800AreHeld_Then200AreLeftAndAGrantOf300IsRefused(t *testing.T) {
	db := programme(t)
	lot := func(tx *sqlx.Tx, remaining string) error {
		return exec(tx, `UPDATE lots SET remaining = $1 WHERE key = 'in'`, remaining)
	}
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		id, err := entry(tx, "in")
		require.NoError(t, err)
		require.NoError(t, exec(tx, lotSQL, "in", "1000.00", "1000.00"))
		return postings(tx, id, "V.BANK -1000.00", "P.CASH:P1001 1000.00")
	}))
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		id, err := entry(tx, "withdrawal/W000001/hold")
		require.NoError(t, err)
		require.NoError(t, lot(tx, "200.00"))
		return postings(tx, id, "P.CASH:P1001 -800.00", "P.HOLD:P1001 800.00")
	}))
	require.Equal(t, "200.00", balance(t, db, "P.CASH:P1001"))
	refusedBy(t, post(t, db, "grant", "P.CASH:P1001 -300.00", "C.CASH:C1 300.00"), "wdl_19_floor")
	require.Equal(t, "200.00", balance(t, db, "P.CASH:P1001"))
}

const lotSQL = `INSERT INTO lots (key, partner_id, source, entity, arrived_at, amount, remaining)
	VALUES ($1, 'P1001', 'REMIT_GENERAL', 'software', '2025-11-01T00:00:00Z', $2, $3)`

func TestGivenLots_WhenTheyDoNotAddUpToTheCash_ThenCommitRefuses(t *testing.T) {
	db := programme(t)
	refusedBy(t, post(t, db, "in", "V.BANK -100.00", "P.CASH:P1001 100.00"), "ledger_lots")
	refusedBy(t, exec(db, lotSQL, "in", "100.00", "100.00"), "ledger_lots")
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		id, err := entry(tx, "in")
		require.NoError(t, err)
		require.NoError(t, postings(tx, id, "V.BANK -100.00", "P.CASH:P1001 100.00"))
		return exec(tx, lotSQL, "in", "100.00", "100.00")
	}))
	refusedBy(t, exec(db, `UPDATE lots SET remaining = 99.99`), "ledger_lots")
	refusedBy(t, post(t, db, "out", "P.CASH:P1001 -100.00", "V.BANK 100.00"), "ledger_lots")

	refusedBy(t, exec(db, `UPDATE lots SET remaining = -0.01`), "wdl_19_lot")
	refusedBy(t, exec(db, `UPDATE lots SET remaining = 100.01`), "wdl_19_lot")
	refusedBy(t, exec(db, lotSQL, "in", "100.00", "100.00"), "eng_01_lot_key")
	denied(t, exec(db, `UPDATE lots SET amount = 200`))
	denied(t, exec(db, `UPDATE lots SET source = 'INCENTIVE'`))
	denied(t, exec(db, `DELETE FROM lots`))
}

func TestGivenAnEntry_WhenAPostingIsAddedLater_ThenItIsComplete(t *testing.T) {
	db := programme(t)
	require.NoError(t, post(t, db, "in", "V.BANK -100.00", "P.HOLD:P1001 100.00"))
	var id int64
	require.NoError(t, db.Get(&id, `SELECT entry_id FROM entries`))
	refusedBy(t, postings(db, id, "V.SALES -5.00", "P.HOLD:P1002 5.00"), "ledger_complete")

	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error { // in its own transaction, after the entry was checked on request
		id, err := entry(tx, "second")
		require.NoError(t, err)
		require.NoError(t, postings(tx, id, "V.BANK -100.00", "P.HOLD:P1001 100.00"))
		tx.MustExec(`SET CONSTRAINTS ALL IMMEDIATE`)
		return postings(tx, id, "P.HOLD:P1002 1000.00")
	}), "ledger_complete")
	require.Equal(t, 1, count(t, db, "entries"))
	require.Equal(t, 2, count(t, db, "postings"))
}

// Rule: ENG-01
func TestGivenTheCompletionOfR1_WhenItIsPostedTwice_ThenThereIsOneEntry(t *testing.T) {
	db := programme(t)
	require.NoError(t, post(t, db, "requisition/R-1/completed", "V.INCENT:P1001 -10.00", "V.BANK 10.00"))
	refusedBy(t, post(t, db, "requisition/R-1/completed", "V.INCENT:P1001 -10.00", "V.BANK 10.00"), "eng_01_entry_key")
	require.Equal(t, 1, count(t, db, "entries"))
	require.Equal(t, "-10.00", balance(t, db, "V.INCENT:P1001"))
}

func TestGivenAnAccount_WhenItIsNotInTheChart_ThenItIsRefused(t *testing.T) {
	db := programme(t)
	for _, name := range []string{"", ":", "X.CASH:P1001", "P.CASH", "P.CASH:", "V.BANK:P1001", "v.bank", "V.CHAN", "V.CHAN.paypal", " V.BANK"} {
		refusedBy(t, exec(db, `INSERT INTO accounts (account) VALUES ($1)`, name), "ledger_chart")
		refusedBy(t, exec(db, `SELECT ledger_lock(ARRAY[$1])`, name), "ledger_chart")
	}
	for _, a := range []ledger.Account{
		ledger.Bank, ledger.ChanAlipay, ledger.ChanWechat, ledger.ChanUnionpay, ledger.ChanEbankPers, ledger.ChanEbankCorp, ledger.Sales,
		ledger.OwedContra, ledger.UnpostedContra, ledger.CreditLine, ledger.Cash("P"), ledger.Hold("P"), ledger.Credit("P"), ledger.Owed("P"), ledger.Unposted("P"),
		ledger.Debt("C"), ledger.Incentive("P"),
	} {
		require.NoError(t, exec(db, `INSERT INTO accounts (account) VALUES ($1)`, string(a)), "an account that Go names")
	}
}

func TestGivenABalance_WhenTheProgrammeWritesItDirectly_ThenItMayNot(t *testing.T) {
	db := programme(t)
	require.NoError(t, post(t, db, "in", "V.BANK -100.00", "P.HOLD:P1001 100.00"))
	denied(t, exec(db, `UPDATE accounts SET balance = 1000000`))
	denied(t, exec(db, `UPDATE accounts SET floored = false`))
	denied(t, exec(db, `INSERT INTO accounts (account, balance) VALUES ('P.HOLD:P1002', 1000000)`))
	denied(t, exec(db, `DELETE FROM accounts`))
	denied(t, exec(db, `UPDATE chart SET floored = false`))
	denied(t, exec(db, `INSERT INTO entries (entry_id, key, digest, memo, at) OVERRIDING SYSTEM VALUE VALUES (1, 'x', '', '', now())`))
	require.Equal(t, "100.00", balance(t, db, "P.HOLD:P1001"))
}

func TestGivenTemporaryTablesOfOurNames_WhenTheProgrammePosts_ThenOurTablesAreLookedAt(t *testing.T) {
	db := programme(t)
	shadowed := func(f func(tx *sqlx.Tx) error) error {
		return inTx(t, db, func(tx *sqlx.Tx) error {
			for _, table := range []string{"chart", "accounts", "postings", "cases", "moves", "lots"} {
				tx.MustExec(`CREATE TEMPORARY TABLE ` + table + ` ON COMMIT DROP AS SELECT * FROM public.` + table)
			}
			tx.MustExec(`UPDATE pg_temp.chart SET floored = false`)
			tx.MustExec(`INSERT INTO pg_temp.chart VALUES ('X', 'mine', true, 1, false, false, 'CNY')`)
			return f(tx)
		})
	}
	refusedBy(t, shadowed(func(tx *sqlx.Tx) error {
		return exec(tx, `INSERT INTO public.accounts (account) VALUES ('X:me')`)
	}), "ledger_chart")
	require.NoError(t, shadowed(func(tx *sqlx.Tx) error {
		tx.MustExec(`INSERT INTO public.accounts (account) VALUES ('V.BANK'), ('P.HOLD:P1001')`)
		id, err := entry(tx, "in")
		require.NoError(t, err)
		return exec(tx, `INSERT INTO public.postings VALUES ($1, 'V.BANK', -100), ($1, 'P.HOLD:P1001', 100)`, id)
	}))
	require.Equal(t, "100.00", balance(t, db, "P.HOLD:P1001"))
	refusedBy(t, shadowed(func(tx *sqlx.Tx) error {
		id, err := entry(tx, "out")
		require.NoError(t, err)
		return exec(tx, `INSERT INTO public.postings VALUES ($1, 'P.HOLD:P1001', -200), ($1, 'V.BANK', 200)`, id)
	}), "wdl_19_floor")
}

func TestGivenAppendOnlyTables_WhenTheyAreChanged_ThenTheProgrammeMayNotAndTheOwnerIsRefused(t *testing.T) {
	db := programme(t)
	require.NoError(t, post(t, db, "in", "V.BANK -100.00", "P.HOLD:P1001 100.00"))
	openCase(t, db, "W000001", "k1", "UNDER_REVIEW")
	event(t, db, "open", nil, "")
	for table, tc := range map[string]struct{ constraint, update, truncate string }{
		"entries":  {"ledger_append_only", `UPDATE entries SET memo = 'x'`, `TRUNCATE entries CASCADE`},
		"postings": {"ledger_append_only", `UPDATE postings SET amount = amount * 2`, `TRUNCATE postings`},
		"events":   {"pgm_12_append_only", `UPDATE events SET note = 'x'`, `TRUNCATE events`},
		"refusals": {"pgm_12_append_only", `UPDATE refusals SET action = 'x'`, `TRUNCATE refusals`},
	} {
		for _, change := range []string{tc.update, `DELETE FROM ` + table, tc.truncate} {
			denied(t, exec(db, change))
			refusedBy(t, asOwner(t, db, change), tc.constraint)
		}
		denied(t, exec(db, `ALTER TABLE `+table+` DISABLE TRIGGER USER`))
		denied(t, exec(db, `DROP TABLE `+table+` CASCADE`))
	}
	denied(t, exec(db, `DROP TRIGGER ledger_append_only ON entries`))
	denied(t, exec(db, `SET session_replication_role = replica`))
	denied(t, exec(db, `CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`))
	require.Equal(t, []int{1, 2, 1}, []int{count(t, db, "entries"), count(t, db, "postings"), count(t, db, "events")})
}

func TestGivenTwoWritersInOppositeOrder_WhenTheyPostToTheSameAccounts_ThenTheyNeverDeadlock(t *testing.T) {
	const each = 50
	for name, before := range map[string]func(tx *sqlx.Tx, first, second string) error{
		"posting at once": func(*sqlx.Tx, string, string) error { return nil },
		"locking first": func(tx *sqlx.Tx, first, second string) error {
			return exec(tx, `SELECT account FROM ledger_lock(ARRAY[$1, $2])`, first, second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := programme(t)
			require.NoError(t, post(t, db, "in", "V.BANK -2000.00", "P.HOLD:P1001 1000.00", "P.HOLD:P1002 1000.00"))
			errs := make(chan error, 2*each)
			var writers sync.WaitGroup
			for _, order := range [][2]string{{"P.HOLD:P1001", "P.HOLD:P1002"}, {"P.HOLD:P1002", "P.HOLD:P1001"}} {
				writers.Go(func() {
					for i := range each {
						errs <- func() error {
							tx, err := db.Beginx()
							if err != nil {
								return err
							}
							defer tx.Rollback() //nolint:errcheck // after COMMIT it has nothing to do
							err = before(tx, order[0], order[1])
							id, err2 := entry(tx, fmt.Sprintf("%s/%d", order[0], i))
							err3 := postings(tx, id, order[0]+" -1.00", order[1]+" 1.00")
							return errors.Join(err, err2, err3, tx.Commit())
						}()
					}
				})
			}
			writers.Wait()
			close(errs)
			for err := range errs {
				require.NoError(t, err)
			}
			require.Equal(t, 2*each+1, count(t, db, "entries"))
			require.Equal(t, "1000.00", balance(t, db, "P.HOLD:P1001"))
			require.Equal(t, "1000.00", balance(t, db, "P.HOLD:P1002"))
		})
	}
}

// Rule: COM-02
func TestGivenAnAmountOfZero_WhenItIsStored_ThenTheDatabaseRefuses(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", "UNDER_REVIEW")
	withdrawal := `INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule)
		VALUES ('W000001', 'BANK_CARD', $1, 'A Ltd', '6222', 'ICBC', 'Longgang', 'software', 'V.BANK', false)`
	for _, none := range []string{"0", "-1"} {
		refusedBy(t, exec(db, lotSQL, "none", none, "0"), "com_02_amount")
		refusedBy(t, exec(db, withdrawal, none), "com_02_amount")
	}
	require.NoError(t, exec(db, withdrawal, "0.01"))
	refusedBy(t, exec(db, `INSERT INTO withdrawal_lines (case_number, lot_no, amount) VALUES ('W000001', 1, 0)`), "com_02_amount")
	refusedBy(t, post(t, db, "zero", "V.BANK 0", "P.HOLD:P1001 0"), "postings_amount_check")
}
