package workflows

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/views"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// A year of a programme with twenty partners, from the first file of consumption to the last payment: at the end of each month
// the ledger verifies, and what was paid, what is still payable and what is void add up to what was calculated.
//
// Rule: ENG-01, INC-04, INC-08, INC-14, PAY-26, PAY-27, PAY-28, QPY-05, OWE-08
func TestAYearOfAProgramme(t *testing.T) {
	y := newYear(t)
	began := time.Now()
	y.plans()
	y.env.RegisterDelayedCallback(y.goesOn, time.Microsecond)
	y.env.ExecuteWorkflow("Year")
	require.True(t, y.env.IsWorkflowCompleted(), "the year ends")
	require.NoError(t, y.env.GetWorkflowError())
	for _, sentence := range y.amiss {
		t.Error(sentence)
	}
	t.Logf("a year of %d partners, %d runs and %d messages took %s", members, len(y.children), y.messages, time.Since(began).Round(time.Second))
	y.tellsEvents()

	require.Len(t, y.months, 15)
	require.Zero(t, y.count(`SELECT count(*) FROM cases WHERE closed_at IS NULL`), "every case ended: %v",
		selects[string](y, `SELECT case_number || ' ' || state FROM cases WHERE closed_at IS NULL`))
	for n := 1; n <= members; n++ {
		var calculated money.Amount
		require.NoError(t, y.db.Get(&calculated, `SELECT sum(amount) FROM incentive_lines WHERE partner_id = $1`, memberID(n)))
		require.Equal(t, y.expected[memberID(n)].String(), calculated.String(), "%s got what it consumed at 10 and at 4 percent", memberID(n))
	}
	for _, kind := range []string{"requisition BANK", "requisition CLOUD_ACCOUNT", "requisition CLOUD_ACCOUNT_OWED", "requisition VOUCHER"} {
		require.Positive(t, y.counted[kind+" COMPLETED"], kind)
	}
	for event := range wantedEvents {
		require.Positive(t, y.counted[event], "%s; there were %v", event, y.counted)
	}
}

// wantedEvents are kinds of events without which the year would show less than it says.
var wantedEvents = map[string]bool{
	"rows of consumption": true, "negative months": true, "bill VOID": true, "reconciliation RELEASED": true, "reconciliation present present": true, "reconciliation present uphold": true,
	"confirm by the partner": true, "confirm by the deadline": true, "reject by the partner": true, "reconciliation release refuse": true,
	"automatic requisitions": true, "selected requisitions": true, "requisition review reject": true, "requisition invoice-review fail": true, "requisition invoice-review pass": true,
	"negatives taken in": true, "requisition mend retry": true, "bank orders": true, "statement line settles": true, "statement line returns": true, "statement line returns-late": true, "paid by hand": true,
	"withdrawal PAID": true, "withdrawal review reject": true, "withdrawal late-return confirm": true, "owed set off": true,
	"dedicated-staff PASSED": true, "dedicated-staff preliminary-review fail": true, "dedicated-staff sent again": true,
	"payment-application PAID": true, "payment-application review reject": true, "payment-application sent again": true, "quarters refused a second too early": true,
}

// plans lays the year out: the desks of every day, the files of every month, the ends of quarters.
func (y *year) plans() {
	done := calendar.Date{Year: 2025, Month: time.April, Day: 1}
	for d := (calendar.Date{Year: 2024, Month: time.January, Day: 1}); d.Before(done); d = d.AddDays(1) {
		hour := func(h int, does func()) { y.at(d.Start().Add(time.Duration(h)*time.Hour), does) }
		if d.Day <= 21 && d.Before(calendar.Date{Year: 2025, Month: time.February, Day: 1}) { // later in a month there is nothing for it to do
			hour(0, func() { y.starts(DailyType, "daily/"+d.String(), DailyInput{}) })
		}
		hour(10, y.vendorsDesk)
		hour(11, y.partnersDesk)
		hour(12, func() { y.states(d) })
		hour(14, y.vendorsDesk) // what is paid by hand is sent before the bank's file is made
		hour(15, func() { y.exports(d) })
		if month := d.AddDays(1); month.Day == 1 {
			y.at(d.Start().Add(24*time.Hour-time.Second), func() { y.adds(d.String()) })
		}
	}
	for m := range 12 {
		y.month(calendar.Date{Year: 2024, Month: time.Month(m + 1), Day: 1})
	}
	y.at(done.Start(), func() { y.env.SignalWorkflow(startSignal, -1) })
}

// month plans what a month's consumption leads to in the next, and what dedicated staff do in the month itself.
func (y *year) month(month calendar.Date) {
	next := month.AddMonths(1)
	on := func(day, hour int, does func()) {
		y.at(next.AddDays(day-1).Start().Add(time.Duration(hour)*time.Hour), does)
	}
	number := int(month.Month)
	name := month.String()[:7]
	on(1, 8, func() { y.consumes(month, false) })
	on(1, 9, func() { y.calculates(month, 1) })
	on(1, 10, func() { y.approves(month) })
	on(3, 11, func() { y.partnersCheck(number) })
	if number%3 == 2 { // corrections come while the bills are checked
		on(3, 13, func() { y.consumes(month, true) })
		on(3, 14, func() { y.calculates(month, 2) })
		on(3, 16, func() { y.approves(month) })
	}
	on(18, 11, func() {
		for n := 1; n <= members; n++ {
			y.request(n, name)
		}
	})
	on(25, 13, func() {
		if number%2 == 0 {
			y.setsOff(name)
		}
	})
	on(26, 9, func() {
		for n := 1; n <= members; n++ {
			y.withdraws(n, name)
		}
	})

	quarter := fmt.Sprintf("2024Q%d", (number+2)/3)
	lastOf := number%3 == 0
	for i, n := range employers {
		partner := memberID(n)
		open := i == 1 && lastOf && number%6 == 3 // nobody asks for March and September
		if !open {
			y.at(month.AddDays(9).Start(), func() { y.asksStaff(partner, name) })
		}
		switch first := next.Start(); {
		case !lastOf:
		case i == 0: // as soon as the last month has passed
			y.at(month.AddDays(19).Start(), func() { y.asksQuarter(partner, quarter, quarter) })
		default: // QPY-05: the last month is open until the quarter's end
			if open {
				y.at(first.Add(-time.Second), func() { y.asksQuarter(partner, quarter, quarter+"/early") })
			}
			y.at(first, func() { y.asksQuarter(partner, quarter, quarter) })
		}
	}
}

// adds asserts at a month's end that the ledger verifies and that for each partner paid + payable + void = calculated.
func (y *year) adds(month string) {
	y.t.Helper()
	found, err := views.Reader{DB: y.db}.Verify(context.Background(), nil)
	require.NoError(y.t, err)
	require.Empty(y.t, found.Findings, month)
	for _, s := range selects[struct {
		Partner string `db:"partner_id"`
		incentiveSums
	}](y, incentiveSumsSQL) {
		require.Equal(y.t, s.Calculated.String(), s.Paid.Add(s.Payable).Add(s.Void).String(), "%s, %s: paid + payable + void = calculated: %+v", month, s.Partner, s)
		require.Equal(y.t, s.Lines.String(), s.Generated.String(), "%s, %s: its bills are what its lines are: %+v", month, s.Partner, s)
		require.Equal(y.t, s.Paid.String(), s.Consumed.String(), "%s, %s: what was paid is what the bills were: %+v", month, s.Partner, s)
	}
	y.months = append(y.months, month)
}

// incentiveSums is where a partner's incentive is.
type incentiveSums struct {
	Lines      money.Amount `db:"lines"`      // that were billed
	Generated  money.Amount `db:"generated"`  // bills of them
	Calculated money.Amount `db:"calculated"` // all bills, those for what remained of voided negatives too
	Void       money.Amount `db:"void"`
	Paid       money.Amount `db:"paid"`
	Consumed   money.Amount `db:"consumed"`
	Payable    money.Amount `db:"payable"` // by the ledger
}

const incentiveSumsSQL = `
	SELECT p.partner_id,
	       coalesce((SELECT sum(amount) FROM incentive_lines l WHERE l.partner_id = p.partner_id AND bill_id IS NOT NULL), 0)::numeric(20,2) AS lines,
	       coalesce(sum(b.amount) FILTER (WHERE b.replaces IS NULL), 0)::numeric(20,2) AS generated, coalesce(sum(b.amount), 0)::numeric(20,2) AS calculated,
	       coalesce(sum(b.amount) FILTER (WHERE b.state = 'VOID'), 0)::numeric(20,2) AS void,
	       coalesce((SELECT sum(gross) FROM requisitions r JOIN cases c USING (case_number) WHERE c.partner_id = p.partner_id AND c.state = 'COMPLETED'), 0)::numeric(20,2) AS paid,
	       coalesce((SELECT sum(r.amount) FROM requisition_bills r JOIN cases c USING (case_number) WHERE c.partner_id = p.partner_id AND c.state = 'COMPLETED' AND r.live), 0)::numeric(20,2) AS consumed,
	       coalesce((SELECT balance FROM accounts WHERE account = 'V.INCENT:' || p.partner_id), 0)::numeric(20,2) AS payable
	  FROM partners p LEFT JOIN bills b USING (partner_id) GROUP BY p.partner_id ORDER BY p.partner_id`

// tellsEvents counts what the database knows of the year, and shows all counts.
func (y *year) tellsEvents() {
	y.t.Helper()
	for _, c := range selects[struct {
		Event string `db:"event"`
		Count int    `db:"count"`
	}](y, `
		SELECT kind || ' ' || state AS event, count(*) AS count FROM cases WHERE kind <> 'requisition' GROUP BY 1
		UNION ALL SELECT 'requisition ' || method || ' ' || state, count(*) FROM requisitions JOIN cases USING (case_number) GROUP BY 1
		UNION ALL SELECT 'bill ' || state, count(*) FROM bills GROUP BY 1
		UNION ALL SELECT 'automatic requisitions', count(*) FROM cases WHERE kind = 'requisition' AND request_key LIKE 'automatic/%'
		UNION ALL SELECT 'selected requisitions', count(*) FROM requisitions WHERE scope = 'selected'
		UNION ALL SELECT 'negatives taken in', count(*) FROM requisition_bills WHERE amount < 0
		UNION ALL SELECT CASE actor WHEN 'system' THEN 'confirm by the deadline' ELSE 'confirm by the partner' END, count(*) FROM events JOIN cases USING (case_number)
			WHERE kind = 'reconciliation' AND action = 'confirm' GROUP BY 1
		UNION ALL SELECT 'reject by the partner', count(*) FROM events JOIN cases USING (case_number) WHERE kind = 'reconciliation' AND action = 'reject'
		UNION ALL SELECT 'payment ' || state, count(*) FROM payments GROUP BY 1
		UNION ALL SELECT 'paid by hand', count(*) FROM payments WHERE message_id IS NULL AND state = 'CONFIRMED'
		UNION ALL SELECT 'owed set off', count(*) FROM owed_offsets
		UNION ALL SELECT 'quarters refused a second too early', count(*) FROM refusals WHERE kind = 'payment-application' AND codes = '{QPY_MONTH_OPEN}'
		UNION ALL SELECT 'refusals ' || kind || ' ' || codes::text, count(*) FROM refusals GROUP BY 1
		UNION ALL SELECT 'ledger entries', count(*) FROM entries
		UNION ALL SELECT 'events', count(*) FROM events`) {
		y.counted[c.Event] += c.Count
	}
	for _, event := range slices.Sorted(maps.Keys(y.counted)) {
		y.t.Logf("%6d %s", y.counted[event], event)
	}
}

func decimalOf(a money.Amount) decimal.Decimal { return decimal.RequireFromString(a.String()) }
