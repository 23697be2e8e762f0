package schema_test

import (
	"strings"
	"testing"

	"countersign/domain/invoice"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// Rule: ENG-03
func TestGivenTheMovesOfInvoiceLists_WhenTheyAreRead_ThenTheyAreThoseOfTheDomain(t *testing.T) {
	var stored []invoice.Move
	require.NoError(t, pgtest.New(t).Select(&stored, `SELECT from_state AS "from", to_state AS "to" FROM moves WHERE kind = $1`, invoice.Kind))
	require.ElementsMatch(t, invoice.Moves, stored)
}

// lists is a programme with two cases of P1001 that have a list each over 100.00, visible from 3 November 2025, 02:00 UTC.
func lists(t *testing.T) *sqlx.DB {
	db := programme(t)
	require.NoError(t, exec(db, `INSERT INTO vendor_addresses VALUES ('cloud', 'Vendor', 'Street 1', 'in@vendor.example', '')`))
	for i, number := range []string{"W000001", "W000002"} {
		openCase(t, db, number, number, withdrawal.UnderReview)
		require.NoError(t, exec(db, listSQL, []string{"IL1", "IL2"}[i], number, invoice.ToIssue))
	}
	return db
}

const listSQL = `
	INSERT INTO invoice_lists (list_no, case_number, state, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch,
	       bank_address, account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox,
	       contacts, opened_at, visible_at, due_date)
	VALUES ($1, $2, $3, 'A', '', '', '', '', '', '', '', '', 'general', 'cloud', 'Vendor', 'service', '2025-10', 100, 'CNY', 6, 'Street 1', 'in@vendor.example', '',
	        '2025-11-03T02:00:00Z', '2025-11-03T02:00:00Z', '2025-12-01')`

const packageSQL = `
	INSERT INTO invoice_packages (list_no, round, key, digest, sent_by, sent_at, carrier, tracking_no, mailbox, list_enclosed, late)
	VALUES ($1, $2::int, $1::text || '/' || $2::int, '', 'U1', $3, 'SF', 'SF1', '', $4, false)`

const invoiceSQL = `
	INSERT INTO invoices (list_no, round, number, code, type, issued_on, currency, net, tax, total, tax_rate, buyer, items)
	VALUES ($1, $2, $3, '', $4, '2025-11-03', 'CNY', $5, $6, $7, 6, 'Vendor', '{}')`

// sendRound sends one invoice in a round.
func sendRound(t *testing.T, db *sqlx.DB, list string, round int, number string, net, tax, total string) error {
	t.Helper()
	return inTx(t, db, func(tx *sqlx.Tx) error {
		if err := exec(tx, packageSQL, list, round, "2025-11-04T02:00:00Z", true); err != nil {
			return err
		}
		return exec(tx, invoiceSQL, list, round, number, "SPECIAL_PAPER", net, tax, total)
	})
}

// Rule: INV-04, INV-05, INV-08, INV-09, INV-10, INV-11, INV-15, INV-16
func TestGivenWhatTheRulesOfInvoicesForbid_WhenItIsWritten_ThenTheDatabaseRefuses(t *testing.T) {
	db := lists(t)
	refusedBy(t, exec(db, listSQL, "IL3", "W000001", invoice.ToIssue), "inv_10_one_list")
	refusedBy(t, exec(db, packageSQL, "IL1", 1, "2025-11-03T01:59:59Z", true), "inv_04_visible")
	refusedBy(t, exec(db, packageSQL, "IL1", 1, "2025-11-04T02:00:00Z", false), "inv_11_list")
	refusedBy(t, exec(db, packageSQL, "IL1", 1, "2025-11-04T02:00:00Z", true), "inv_08_sum") // at COMMIT: without invoices they do not add up
	refusedBy(t, sendRound(t, db, "IL1", 1, "A1", "90.00", "9.99", "99.99"), "inv_08_sum")
	refusedBy(t, sendRound(t, db, "IL1", 1, "A1", "90.00", "9.00", "100.00"), "inv_08_total")
	refusedBy(t, sendRound(t, db, "IL1", 1, "", "94.00", "6.00", "100.00"), "inv_09_number")
	refusedBy(t, sendRound(t, db, "IL1", 1, "a1", "94.00", "6.00", "100.00"), "inv_09_number") // one way to write it
	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error {
		if err := exec(tx, packageSQL, "IL1", 1, "2025-11-04T02:00:00Z", true); err != nil {
			return err
		}
		return exec(tx, invoiceSQL, "IL1", 1, "A1", "ORDINARY", "94.00", "6.00", "100.00")
	}), "inv_05_type")
	require.NoError(t, sendRound(t, db, "IL1", 1, "A1", "94.00", "6.00", "100.00"))
	refusedBy(t, sendRound(t, db, "IL2", 1, "A1", "94.00", "6.00", "100.00"), "inv_10_once")
	refusedBy(t, sendRound(t, db, "IL1", 2, "A2", "94.00", "6.00", "100.00"), "inv_15_one_round_at_a_time")
	require.NoError(t, exec(db, `UPDATE invoice_packages SET arrived_at = now(), arrived_by = 'F1', review_on = '2025-11-06'`))
	require.NoError(t, exec(db, `UPDATE invoice_packages SET result = 'fail', note = 'torn', reviewed_by = 'F1', reviewed_at = now()`))
	require.NoError(t, exec(db, `UPDATE invoices SET state = 'closed'`))
	refusedBy(t, exec(db, `UPDATE invoices SET state = 'used'`), "inv_16_closed")
	refusedBy(t, sendRound(t, db, "IL1", 2, "A1", "94.00", "6.00", "100.00"), "inv_10_once")
	require.NoError(t, sendRound(t, db, "IL1", 2, "A2", "94.00", "6.00", "100.00"))

	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error { // INV-16: a code makes no new number
		if err := exec(tx, packageSQL, "IL2", 1, "2025-11-04T02:00:00Z", true); err != nil {
			return err
		}
		return exec(tx, strings.Replace(invoiceSQL, "''", "'0110'", 1), "IL2", 1, "A1", "SPECIAL_PAPER", "94.00", "6.00", "100.00")
	}), "inv_10_once")
	refusedBy(t, exec(db, `UPDATE invoice_packages SET result = 'pass' WHERE round = 1`), "inv_15_result")
	refusedBy(t, exec(db, `UPDATE invoice_packages SET arrived_at = now(), arrived_by = 'F1', review_on = '2025-11-06', result = 'pass', reviewed_by = 'U1', reviewed_at = now() WHERE round = 2`),
		"eng_02_invoice_review")
	require.NoError(t, exec(db, `UPDATE invoice_packages SET arrived_at = now(), arrived_by = 'F1', review_on = '2025-11-06' WHERE round = 2`))
	refusedBy(t, exec(db, `UPDATE invoice_packages SET review_on = '2025-12-06' WHERE round = 2`), "inv_15_result")

	denied(t, exec(db, `UPDATE invoices SET document_id = NULL`))
	denied(t, exec(db, `UPDATE invoice_lists SET amount = 1`))
	denied(t, exec(db, `UPDATE invoices SET total = 1`))
	denied(t, exec(db, `DELETE FROM invoices`))
}

// Rule: ENG-03
func TestGivenAnInvoiceList_WhenItIsMoved_ThenOnlyListedStepsExist(t *testing.T) {
	db := lists(t)
	openCase(t, db, "W000003", "k3", withdrawal.UnderReview)
	refusedBy(t, exec(db, listSQL, "IL3", "W000003", invoice.Accepted), "eng_03_list")
	move := func(to invoice.State) error {
		return exec(db, `UPDATE invoice_lists SET state = $1 WHERE list_no = 'IL1'`, to)
	}
	refusedBy(t, move(invoice.Accepted), "eng_03_list")
	said := func(query string) {
		require.NoError(t, exec(db, `UPDATE invoice_packages SET `+query+` WHERE result = ''`))
	}
	arrived, failed, passed := `arrived_at = now(), arrived_by = 'F1', review_on = '2025-11-06'`, `result = 'fail', note = 'torn', reviewed_at = now()`, `result = 'pass', reviewed_at = now()`
	refusedBy(t, move(invoice.InTransit), "eng_03_list") // nothing was sent
	for round, end := range []string{failed, passed} {
		require.NoError(t, sendRound(t, db, "IL1", round+1, []string{"A1", "A2"}[round], "94.00", "6.00", "100.00"))
		require.NoError(t, move(invoice.InTransit))
		refusedBy(t, move(invoice.InReview), "eng_03_list") // nothing arrived
		said(arrived)
		require.NoError(t, move(invoice.InReview))
		refusedBy(t, move(invoice.Accepted), "eng_03_list") // INV-17: nobody passed it
		said(end)
		require.NoError(t, move([]invoice.State{invoice.ToReissue, invoice.Accepted}[round]))
	}
	refusedBy(t, move(invoice.InTransit), "eng_03_list")
}

// Rule: INV-06
func TestGivenATicketWithoutReturnAddress_WhenItIsWritten_ThenINV06Refuses(t *testing.T) {
	db := lists(t)
	const ticket = `INSERT INTO invoice_tickets (ticket_no, case_number, key, digest, number, return_address, recipient, opened_by, opened_at)
		VALUES ($1, 'W000001', $1, '', 'N1', $2, $3, 'U1', now())`
	refusedBy(t, exec(db, ticket, "IT1", " ", "Mei"), "inv_06_address")
	refusedBy(t, exec(db, ticket, "IT1", "Street", ""), "inv_06_recipient")
	require.NoError(t, exec(db, ticket, "IT1", "Street", "Mei"))
}

const entrySQL = `INSERT INTO owed_entries (entry_id, key, partner_id, source, tax_rate, amount, remaining, created_at) VALUES ($1, $1, 'P1001', 'REFUND', $2, $3, $3, now())`

// owe lays down an entry with its memo.
func owe(t *testing.T, db *sqlx.DB, id string, rate, amount string) {
	t.Helper()
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		e, err := entry(tx, id)
		if err != nil {
			return err
		}
		if err := postings(tx, e, "M.OWEDX -"+amount, "M.OWED:P1001 "+amount); err != nil {
			return err
		}
		return exec(tx, entrySQL, id, rate, amount)
	}))
}

// Rule: OWE-03, OWE-04, OWE-05, OWE-06
func TestGivenWhatTheRulesOfOwedInvoicesForbid_WhenItIsWritten_ThenTheDatabaseRefuses(t *testing.T) {
	db := programme(t)
	owe(t, db, "OE1", "6", "50.00")
	refusedBy(t, exec(db, entrySQL, "OE2", "6", "1.00"), "ledger_owed") // an entry without its memo
	refusedBy(t, post(t, db, "e", "M.OWEDX -1.00", "M.OWED:P1001 1.00"), "ledger_owed")
	denied(t, exec(db, `UPDATE owed_entries SET remaining = 0`))
	denied(t, exec(db, `DELETE FROM owed_offsets`))

	request := func(tx *sqlx.Tx, selected, setOff, invoiced string) error {
		if err := exec(tx, `INSERT INTO vendor_invoices (request_no, partner_id, request_key, digest, period, requested_by, requested_at) VALUES ('VI1', 'P1001', 'k', '', '', 'U1', now())`); err != nil {
			return err
		}
		return exec(tx, `INSERT INTO vendor_invoice_lines VALUES ('VI1', 6, $1, $2, $3)`, selected, setOff, invoiced)
	}
	offset := func(tx *sqlx.Tx, key, amount string) error {
		return exec(tx, `INSERT INTO owed_offsets (key, entry_id, request_no, amount, at) VALUES ($1, 'OE1', 'VI1', $2, now())`, key, amount)
	}
	memo := func(tx *sqlx.Tx, amount string) error {
		e, err := entry(tx, "offset")
		if err != nil {
			return err
		}
		return postings(tx, e, "M.OWED:P1001 -"+amount, "M.OWEDX "+amount)
	}
	for constraint, f := range map[string]func(tx *sqlx.Tx) error{
		"owe_03_greater": func(tx *sqlx.Tx) error { return request(tx, "50.00", "50.00", "0.00") },
		"owe_04_rest":    func(tx *sqlx.Tx) error { return request(tx, "60.00", "50.00", "11.00") },
		"owe_06_open":    func(tx *sqlx.Tx) error { return request(tx, "60.00", "0.00", "60.00") },
		"owe_05_rate":    func(tx *sqlx.Tx) error { return request(tx, "60.00", "50.00", "10.00") }, // set off in words only
		"owe_04_remaining": func(tx *sqlx.Tx) error {
			if err := request(tx, "60.00", "50.01", "9.99"); err != nil {
				return err
			}
			return offset(tx, "o", "50.01")
		},
		"ledger_owed": func(tx *sqlx.Tx) error { // without the memo
			if err := request(tx, "60.00", "50.00", "10.00"); err != nil {
				return err
			}
			return offset(tx, "o", "50.00")
		},
	} {
		refusedBy(t, inTx(t, db, f), constraint)
	}
	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error { // what another partner owes is not set off
		if err := exec(tx, `INSERT INTO vendor_invoices (request_no, partner_id, request_key, digest, period, requested_by, requested_at) VALUES ('VI1', 'P1002', 'k', '', '', 'U2', now())`); err != nil {
			return err
		}
		if err := exec(tx, `INSERT INTO vendor_invoice_lines VALUES ('VI1', 6, 60, 50, 10)`); err != nil {
			return err
		}
		if err := memo(tx, "50.00"); err != nil {
			return err
		}
		return offset(tx, "o", "50.00")
	}), "owe_05_rate")
	require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
		if err := request(tx, "60.00", "50.00", "10.00"); err != nil {
			return err
		}
		if err := memo(tx, "50.00"); err != nil {
			return err
		}
		if err := offset(tx, "o1", "20.00"); err != nil {
			return err
		}
		return offset(tx, "o2", "30.00")
	}))
	require.Equal(t, "0.00", balance(t, db, "M.OWED:P1001"))
	denied(t, exec(db, `UPDATE owed_offsets SET amount = 1`))
	refusedBy(t, asOwner(t, db, `UPDATE owed_offsets SET amount = 1`), "pgm_12_append_only")
}

// What was owed before there were entries becomes entries: of each lot what it ties up, of memos the rest, what was taken back
// from the oldest.
func TestGivenOwedBalances_WhenEntriesComeIn_ThenTheyAddUpToTheMemoAndTieUpTheSameLots(t *testing.T) {
	db := pgtest.Empty(t)
	migrateTo(t, db.DB, 6)
	for _, statement := range []string{
		`SET ROLE countersign_programme`,
		`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1001', 'A', 'solution-provider', 'cloud')`,
		`WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('load/lot/l1', '', '', '2025-10-01T02:00:00Z') RETURNING entry_id),
		      a AS (INSERT INTO accounts (account) VALUES ('V.INCENT:P1001'), ('P.CASH:P1001'), ('M.OWEDX'), ('M.OWED:P1001')),
		      l AS (INSERT INTO lots (key, partner_id, source, entity, arrived_at, amount, remaining, owed_open) VALUES ('load/l1', 'P1001', 'INCENTIVE_OWED', 'cloud', '2025-10-01T02:00:00Z', 100, 100, 60))
		 INSERT INTO postings SELECT entry_id, v.* FROM e, (VALUES ('V.INCENT:P1001', -100), ('P.CASH:P1001', 100), ('M.OWEDX', -100), ('M.OWED:P1001', 100)) v`,
		`WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('load/offset/o1', '', '', '2025-10-02T02:00:00Z') RETURNING entry_id)
		 INSERT INTO postings SELECT entry_id, v.* FROM e, (VALUES ('M.OWEDX', 40), ('M.OWED:P1001', -40)) v`,
		`WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('load/memo/m1', '', '', '2025-10-03T02:00:00Z') RETURNING entry_id)
		 INSERT INTO postings SELECT entry_id, v.* FROM e, (VALUES ('M.OWEDX', -30), ('M.OWED:P1001', 30)) v`,
		`WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('load/memo/m2', '', '', '2025-10-04T02:00:00Z') RETURNING entry_id)
		 INSERT INTO postings SELECT entry_id, v.* FROM e, (VALUES ('M.OWEDX', -20), ('M.OWED:P1001', 20)) v`,
		`WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('load/memo/m3', '', '', '2025-10-05T02:00:00Z') RETURNING entry_id)
		 INSERT INTO postings SELECT entry_id, v.* FROM e, (VALUES ('M.OWEDX', 35), ('M.OWED:P1001', -35)) v`,
		`RESET ROLE`,
	} {
		db.MustExec(statement)
	}
	migrateTo(t, db.DB, 10)
	var entries []string
	require.NoError(t, db.Select(&entries, `SELECT concat_ws(' ', entry_id, key, source, tax_rate, amount, remaining, lot_no) FROM owed_entries ORDER BY entry_id`))
	require.Equal(t, []string{
		"OE000001 load/lot/l1 INCENTIVE_OWED 6.00 100.00 60.00 1", "OE000002 load/memo/m1 REFUND 6.00 30.00 0.00", "OE000003 load/memo/m2 REFUND 6.00 20.00 15.00",
	}, entries)
	var same bool
	require.NoError(t, db.Get(&same, `SELECT (SELECT sum(remaining) FROM owed_entries) = (SELECT balance FROM accounts WHERE account = 'M.OWED:P1001')
		AND (SELECT owed_open FROM lots) = 60 AND (SELECT sum(amount) FROM owed_offsets) = 75`))
	require.True(t, same)
}
