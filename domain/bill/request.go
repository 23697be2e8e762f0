package bill

import (
	"slices"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
)

// Cycle is a billing cycle with unpaid consumption.
type Cycle struct {
	Since  time.Time  `db:"since"`
	PaidAt *time.Time `db:"paid_at"` // nil: not yet
}

// Frozen tells whether a bill is frozen at an instant by one of its cycles (PAY-17): from when something in it is unpaid until
// 00:00 of the day after it was paid (PAY-18).
func Frozen(cycles []Cycle, at time.Time) bool {
	return slices.ContainsFunc(cycles, func(c Cycle) bool {
		return !at.Before(c.Since) && (c.PaidAt == nil || at.Before(FreeFrom(*c.PaidAt)))
	})
}

// FreeFrom is when a bill is free again whose cycle was paid at an instant (PAY-18).
func FreeFrom(paid time.Time) time.Time { return calendar.DateOf(paid).AddDays(1).Start() }

// UnpaidCycle is the reason that a frozen bill shows.
const UnpaidCycle = "UNPAID_CYCLE"

// Months lists the billing cycles of a period: 2024-05 is one, 2024-Q2 three, 2024 twelve.
func Months(period string) []string {
	month := func(first, n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = period[:4] + "-" + string(rune('0'+(first+i)/10)) + string(rune('0'+(first+i)%10))
		}
		return out
	}
	switch {
	case len(period) == len("2024-Q2") && period[5] == 'Q' && '1' <= period[6] && period[6] <= '4':
		return month(3*int(period[6]-'0')-2, 3)
	case len(period) == len("2024"):
		return month(1, 12)
	}
	return []string{period}
}

// Standing is what a transfer of a bill is judged by, and lists show.
type Standing struct {
	Bill
	Lapses  time.Time    // INC-14; zero: no end in sight
	Frozen  bool         // PAY-17
	Payable money.Amount // amount less requested, voided and frozen, see Payable
}

// Payable is what of a bill can be requested now, signed: nothing once it is requested, void or frozen.
func Payable(b Bill, frozen bool, lapses, at time.Time) money.Amount {
	if b.State != Released || b.Requested || frozen || !lapses.IsZero() && b.Amount.Sign() > 0 && calendar.Late(at, lapses) {
		return money.Zero
	}
	return b.Amount
}
