package quarter_test

import (
	"testing"
	"time"

	"countersign/domain/money"
	"countersign/domain/quarter"
	"countersign/domain/staff"

	"pgregory.net/rapid"
)

// anyRecord is a month with or without a request, listed or not.
func anyRecord(t *rapid.T, m staff.Month, at time.Time) staff.Record {
	switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
	case kind == 0 || at.Before(m.Starts()) || kind == 1 && !m.Over(at):
		return staff.Record{}
	case kind == 1:
		until := m.Ends().Add(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour)
		return staff.Record{ConfirmUntil: &until, Amount: money.Must("15000.00"), Listed: []string{"S-1"}}
	}
	return staff.Record{Case: "S", CaseState: rapid.SampledFrom([]staff.State{staff.InReview, staff.Passed, staff.Failed}).Draw(t, "state"), Amount: money.Must("20000.00")}
}

func monthsAt(records [3]staff.Record, at time.Time) []quarter.Month {
	var out []quarter.Month
	for i, m := range quarter.Months(q2) {
		r := records[i]
		out = append(out, quarter.Month{Month: m, State: r.StateAt(m, at), Amount: r.Amount, Case: r.Case, ConfirmUntil: r.ConfirmUntil})
	}
	return out
}

// Rule: QPY-01, QPY-05, QPY-06
func TestWhateverTheMonthsAreAQuarterOpensAtTheInstantThatIsSaidAndPaysWhatPassed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := q2.Start().Start().Add(time.Duration(rapid.IntRange(0, 150*24*60).Draw(t, "minutes")) * time.Minute)
		var records [3]staff.Record
		for i, m := range quarter.Months(q2) {
			records[i] = anyRecord(t, m, at)
		}
		months := monthsAt(records, at)
		blocked := quarter.Blocks(q2, months, at)
		total := money.Zero
		for _, r := range records {
			if r.CaseState == staff.Passed {
				total = total.Add(r.Amount)
			}
		}
		if !quarter.Total(months).Equal(total) {
			t.Fatalf("pays %s, %s passed", quarter.Total(months), total)
		}
		if len(blocked) == 0 && total.Sign() <= 0 {
			t.Fatal("nothing passed, and nothing blocks")
		}
		first, ok := quarter.FirstAllowed(q2, months, at)
		if !ok {
			if len(blocked) == 0 {
				t.Fatal("nothing blocks, but waiting is said not to help")
			}
			return
		}
		if (len(blocked) == 0) != first.Equal(at) {
			t.Fatalf("blocked by %v, first allowed at %s, it is %s", blocked.Codes(), first, at)
		}
		if left := quarter.Blocks(q2, monthsAt(records, first), first); len(left) > 0 {
			t.Fatalf("still blocked at %s: %v", first, left.Codes())
		}
		if before := first.Add(-time.Second); before.After(at) && len(quarter.Blocks(q2, monthsAt(records, before), before)) == 0 {
			t.Fatalf("open before %s", first)
		}
	})
}
