package bill

import (
	"slices"
	"time"

	"countersign/domain/calendar"
)

// Plans are the plans whose identity keeps incentives valid (INC-14).
var Plans = []string{"solution-provider", "distribution"}

// Held is a stretch in which a partner held the identity of one of Plans; Until is out, nil: it holds.
type Held struct {
	From  time.Time  `db:"from_at"`
	Until *time.Time `db:"until_at"`
}

// LastValidDay is the last day on which an incentive can be used after an identity lapsed: the day of the year after, counted
// from the last day on which it held (INC-14); from 29 February it is 28 February (INC-15).
func LastValidDay(lapsed time.Time) calendar.Date {
	return calendar.DateOf(lapsed.Add(-time.Nanosecond)).AddMonths(12)
}

// Lapses is the instant at which a bill announced at an instant voids: 00:00 after the last valid day of the first stretch
// without identity that lasted so long (INC-14). Zero: no end is in sight, since the partner is in its plan, or is known in
// none. Who comes back in time loses nothing; what voided is not restored.
func Lapses(announced time.Time, held []Held) time.Time {
	held = slices.Clone(held)
	slices.SortFunc(held, func(a, b Held) int { return a.From.Compare(b.From) })
	var end time.Time // of the stretches so far
	for i, h := range held {
		if h.Until == nil {
			return time.Time{}
		}
		if h.Until.After(end) {
			end = *h.Until
		}
		var back *time.Time
		if i+1 < len(held) {
			back = &held[i+1].From
		}
		if back != nil && !back.After(end) { // no gap
			continue
		}
		closes := LastValidDay(end).AddDays(1).Start()
		if back == nil || !back.Before(closes) && announced.Before(*back) {
			if closes.Before(announced) { // announced when the year was over
				return announced
			}
			return closes
		}
	}
	return time.Time{}
}
