package activities

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/owed"
	"countersign/domain/tax"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// grant writes an owed entry of P1001, with a lot of the same amount when it is an incentive's.
func (b books) grant(key string, source owed.Source, rate tax.Rate, amount, on string) {
	b.t.Helper()
	require.NoError(b.t, inTx(b.ctx, b.db, func(tx *sqlx.Tx) error {
		o := owedAmount{Key: key, Partner: "P1001", Source: source, Rate: rate, Amount: money.Must(amount), At: invoiceTime(on)}
		if source == owed.Incentive {
			if err := post(b.ctx, tx, ledger.Entry{Key: key + "/cash", Memo: "granted", At: o.At, Postings: ledger.Move(o.Amount, ledger.Incentive("P1001"), ledger.Cash("P1001"))}); err != nil {
				return err
			}
			if _, err := tx.Exec(`
				INSERT INTO lots (key, partner_id, source, entity, arrived_at, amount, remaining) VALUES ($1, 'P1001', 'INCENTIVE_OWED', 'cloud', $2, $3, $3)
				ON CONFLICT (key) DO NOTHING`, key, o.At, o.Amount); err != nil {
				return err
			}
			if err := tx.Get(&o.Lot, `SELECT lot_no FROM lots WHERE key = $1`, key); err != nil {
				return err
			}
		}
		return recordOwed(b.ctx, tx, o)
	}))
}

// ask requests invoices over "rate amount" lines for P1001, by mei.
func (b books) ask(key, period string, lines ...string) (VendorInvoices, []string) {
	b.t.Helper()
	r := owed.Request{Partner: "P1001", Person: "mei", Key: key, Period: period}
	for _, l := range lines {
		rate, amount, _ := strings.Cut(l, " ")
		r.Selected = append(r.Selected, owed.Selected{Rate: rate, Amount: amount})
	}
	done, err := (&Owed{DB: b.db}).RequestInvoices(b.ctx, r, invoiceTime("2024-07-01 10:00"))
	list := RefusalOf(err)
	if list == nil {
		require.NoError(b.t, err)
	}
	return done, refusedAs(list)
}

// owes shows M.OWED, what remains of each entry, and what is open of each lot.
func (b books) owes() string {
	b.t.Helper()
	memo := b.texts(`SELECT balance::text FROM accounts WHERE account = 'M.OWED:P1001'`)
	entries := b.texts(`SELECT format('%s %s@%s', source, remaining, tax_rate) FROM owed_entries ORDER BY created_at, entry_id`)
	lots := b.texts(`SELECT owed_open::text FROM lots WHERE source = 'INCENTIVE_OWED' ORDER BY lot_no`)
	return fmt.Sprintf("%v %v %v", memo, entries, lots)
}

// Rule: OWE-01, OWE-03, OWE-04, OWE-08, WDR-09, ENG-01
func TestGivenGranted10600At6Percent_When11000IsInvoiced_ThenTheEntryTheMemoAndTheLotFallByTheOffset(t *testing.T) {
	b := newBooks(t)
	b.grant("R1/owed", owed.Incentive, 600, "10600.00", "2024-06-03 10:00")
	b.grant("R1/owed", owed.Incentive, 600, "10600.00", "2024-06-03 10:00") // the step runs twice
	require.Equal(t, "[10600.00] [INCENTIVE_OWED 10600.00@6.00] [10600.00]", b.owes())
	_, refused := b.ask("k1", "", "6 10600.00")
	require.Equal(t, []string{"OWE-03 OWE_AMOUNT"}, refused)
	require.Equal(t, "[10600.00] [INCENTIVE_OWED 10600.00@6.00] [10600.00]", b.owes(), "nothing was written")
	require.Equal(t, []string{"vendor-invoice {OWE_AMOUNT}"}, b.texts(`SELECT kind || ' ' || codes::text FROM refusals`))

	done, refused := b.ask("k1", "", "6 11000.00")
	require.Empty(t, refused)
	require.Equal(t, "VI000001", done.No)
	require.Equal(t, []string{"11000.00 10600.00 400.00"}, b.texts(`SELECT selected || ' ' || set_off || ' ' || invoiced FROM vendor_invoice_lines`))
	require.Equal(t, "[0.00] [INCENTIVE_OWED 0.00@6.00] [0.00]", b.owes())
	again, refused := b.ask("k1", "", "6 11000.00")
	require.Empty(t, refused)
	require.Equal(t, done, again, "the same key answers the first result")
	_, refused = b.ask("k1", "", "6 12000.00")
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, refused)
	require.Equal(t, []string{"1"}, b.texts(`SELECT count(*)::text FROM owed_offsets`))
}

// Rule: OWE-02, COM-20
func TestGivenARefundADowngradeAndAnInvoiceOnReceipt_WhenTheyAreRecorded_ThenEachIsAnEntryOfItsOwn(t *testing.T) {
	b := newBooks(t)
	record := func(person, key string, source owed.Source, rate, amount string) []string {
		_, err := (&Owed{DB: b.db}).RecordOwed(b.ctx, owed.Record{Partner: "P1001", Person: person, Key: key, Source: source, Rate: rate, Amount: amount}, invoiceTime("2024-06-03 10:00"))
		list := RefusalOf(err)
		if list == nil {
			require.NoError(t, err)
		}
		return refusedAs(list)
	}
	for range 2 {
		require.Empty(t, record("lina", "refund", owed.Refund, "6", "300.00"))
		require.Empty(t, record("lina", "downgrade", owed.Downgrade, "6", "20.00"))
		require.Empty(t, record("lina", "receipt", owed.OnReceipt, "13", "5.00"))
	}
	require.Equal(t, "[325.00] [REFUND 300.00@6.00 DOWNGRADE 20.00@6.00 INVOICE_ON_RECEIPT 5.00@13.00] []", b.owes())
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, record("lina", "refund", owed.Refund, "6", "301.00"))
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, record("lina", "refund", owed.Refund, "13", "300.00"))
	require.Equal(t, []string{"COM-16 CBC.0151"}, record("mei", "k", owed.Refund, "6", "1.00"))
	require.Equal(t, []string{"COM-16 CBC.0151", "COM-20 CBC.0100", "COM-08 CBC.0100", "COM-08 CBC.0100", "COM-02 CBC.0100"}, record("nobody", "", owed.Incentive, "x", "0"), "an incentive is recorded by what grants it")
	require.Equal(t, "[325.00] [REFUND 300.00@6.00 DOWNGRADE 20.00@6.00 INVOICE_ON_RECEIPT 5.00@13.00] []", b.owes())
}

// Rule: OWE-05, OWE-06
func TestGivenEntriesAtTwoRates_WhenOneIsLeftOut_ThenNothingIsSetOffAndOtherwiseBothAre(t *testing.T) {
	b := newBooks(t)
	b.grant("a", owed.Refund, 600, "5.00", "2024-06-03 10:00")
	b.grant("b", owed.Refund, 1300, "100.00", "2024-06-04 10:00")
	_, refused := b.ask("k1", "", "13 300.00")
	require.Equal(t, []string{"OWE-06 OWE_OPEN", "OWE-05 OWE_RATE"}, refused)
	require.Equal(t, "[105.00] [REFUND 5.00@6.00 REFUND 100.00@13.00] []", b.owes())
	done, refused := b.ask("k1", "", "13 300.00", "6 20.00")
	require.Empty(t, refused)
	require.Equal(t, []string{"15.00", "200.00"}, []string{done.Lines[0].Invoiced.String(), done.Lines[1].Invoiced.String()})
	require.Equal(t, "[0.00] [REFUND 0.00@6.00 REFUND 0.00@13.00] []", b.owes())
}

// Rule: OWE-07
func TestGivenAPeriodInArrears_WhenItIsInvoicedByPeriod_ThenOWE07RefusesUntilItIsPaid(t *testing.T) {
	b := newBooks(t, `business: [{partner: P1001, unpaid_cycles: [
		{period: 2024-05, association: resale, since: 2024-06-03T00:00:00+08:00, amount: "100.00"},
		{period: 2024-04, association: advisory, since: 2024-06-03T00:00:00+08:00, amount: "9.00"}]}]`)
	_, refused := b.ask("k1", "2024-05", "6 500.00")
	require.Equal(t, []string{"OWE-07 OWE_ARREARS"}, refused)
	_, refused = b.ask("k2", "2024-04", "6 500.00")
	require.Empty(t, refused, "what customers owe the vendor themselves is not the partner's arrears")
	_, refused = b.ask("k3", "", "6 500.00")
	require.Empty(t, refused, "not by period")
	b.load(`business: [{partner: P1001, unpaid_cycles: [
		{period: 2024-05, association: resale, since: 2024-06-03T00:00:00+08:00, amount: "100.00", paid_at: 2024-06-12T15:00:00+08:00}]}]`)
	_, refused = b.ask("k1", "2024-05", "6 500.00")
	require.Empty(t, refused)
}

// Rule: OWE-01, OWE-04, OWE-08
func TestGivenAnyGrantsAndRequests_WhenTheyAreRecorded_ThenTheOwedMemoIsWhatRemainsAndNothingFallsBelowZero(t *testing.T) {
	b := newBooks(t)
	r := rand.New(rand.NewPCG(20, 24))
	rates := []string{"3", "6", "13"}
	sources := []owed.Source{owed.Incentive, owed.Refund, owed.Downgrade, owed.OnReceipt}
	granted, accepted := 0, 0
	for i := range 60 {
		if r.IntN(2) == 0 {
			rate, err := tax.Parse(rates[r.IntN(len(rates))])
			require.NoError(t, err)
			b.grant(fmt.Sprintf("g%d", i), sources[r.IntN(len(sources))], rate, money.Fen(1+r.Int64N(300)).String(), fmt.Sprintf("2024-06-%02d 10:00", 1+r.IntN(28)))
			granted++
		} else {
			var lines []string
			for _, rate := range rates[:1+r.IntN(len(rates))] {
				lines = append(lines, rate+" "+money.Fen(1+r.Int64N(2000)).String())
			}
			if _, refused := b.ask(fmt.Sprintf("r%d", i), "", lines...); len(refused) == 0 {
				accepted++
			}
		}
		require.Equal(t, []string{"t t t t"}, b.texts(`
			SELECT concat_ws(' ', coalesce((SELECT balance FROM accounts WHERE account = 'M.OWED:P1001'), 0) = coalesce(sum(remaining), 0),
			       coalesce(bool_and(remaining = amount - coalesce((SELECT sum(o.amount) FROM owed_offsets o WHERE o.entry_id = e.entry_id), 0) AND remaining >= 0), true),
			       coalesce((SELECT sum(set_off) FROM vendor_invoice_lines), 0) = coalesce((SELECT sum(amount) FROM owed_offsets), 0),
			       coalesce((SELECT bool_and(l.owed_open = (SELECT sum(x.remaining) FROM owed_entries x WHERE x.lot_no = l.lot_no)) FROM lots l), true)) FROM owed_entries e`))
	}
	require.Greater(t, granted, 15)
	require.Greater(t, accepted, 5)
}

// Rule: OWE-06
func TestGivenTwoRequestsInOneInstant_WhenOneEntryIsOpen_ThenOnlyOneSetsItOff(t *testing.T) {
	b := newBooks(t)
	b.grant("a", owed.Refund, 600, "5.00", "2024-06-03 10:00")
	done := make(chan string, 2)
	for i := range 2 {
		go func() {
			v, err := (&Owed{DB: b.db}).RequestInvoices(b.ctx, owed.Request{Partner: "P1001", Person: "mei", Key: fmt.Sprint(i), Selected: []owed.Selected{{Rate: "6", Amount: "20.00"}}}, time.Now())
			if err != nil {
				done <- err.Error()
				return
			}
			done <- v.Lines[0].Invoiced.String()
		}()
	}
	require.ElementsMatch(t, []string{"15.00", "20.00"}, []string{<-done, <-done})
	require.Equal(t, "[0.00] [REFUND 0.00@6.00] []", b.owes())
}

// Rule: OWE-02, WDL-25
func TestGivenOwedMemosOfAFile_WhenTheyAreLoaded_ThenTheyAreEntriesAndNegativeOnesTakeTheOldestBack(t *testing.T) {
	b := newBooks(t, `
lots: [{key: l1, partner: P1001, source: INCENTIVE_OWED, arrived_at: 2024-06-01T09:00:00+08:00, amount: "100.00", tax_rate: 13}]
memos:
  - {key: m1, kind: owed, owner: P1001, amount: "300.00"}
  - {key: m2, kind: owed, owner: P1001, amount: "50.00", source: DOWNGRADE, tax_rate: 6.5}
offsets: [{key: o1, lot: l1, amount: "40.00"}]
`)
	require.Equal(t, "[410.00] [INCENTIVE_OWED 60.00@13.00 REFUND 300.00@6.00 DOWNGRADE 50.00@6.50] [60.00]", b.owes())
	b.load(`memos: [{key: m3, kind: owed, owner: P1001, amount: "-320.00"}]`)
	b.load(`memos: [{key: m3, kind: owed, owner: P1001, amount: "-320.00"}]`)
	require.Equal(t, "[90.00] [INCENTIVE_OWED 60.00@13.00 REFUND 0.00@6.00 DOWNGRADE 30.00@6.50] [60.00]", b.owes())
	file, err := ParseProgramme([]byte(`memos: [{key: m4, kind: owed, owner: P1001, amount: "-30.01"}]`))
	require.NoError(t, err)
	_, err = (&Programme{DB: b.db}).Load(b.ctx, file, "op", invoiceTime("2024-07-01 09:00"))
	require.Equal(t, []string{"OWE-04 OWE_AMOUNT"}, refusedAs(RefusalOf(err)))
}
