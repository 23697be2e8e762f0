package incentive

import (
	"time"

	"countersign/domain/calendar"
)

// OrderReadable is when the estimate of a prepaid order may be read: two hours after it was paid (PERF-10).
func OrderReadable(paid time.Time) time.Time { return paid.Add(2 * time.Hour) }

// DayReadable is when a day's performance may be read: when the first working day after it begins (PERF-10).
func DayReadable(c *calendar.Calendar, day calendar.Date) (time.Time, error) {
	next, _, err := c.WorkingDays(day, 1)
	if err != nil {
		return time.Time{}, err
	}
	return next.Start(), nil
}

// StartBy is the last day on which the reconciliation of a month has to start: the fifth working day after it (INC-21).
func StartBy(c *calendar.Calendar, p Period) (calendar.Date, error) {
	last, _, err := c.WorkingDays(p.After().AddDays(-1), 5)
	return last, err
}
