package calendar

import (
	"fmt"
	"time"
)

// workingHours is the working time of every day that is worked, a make-up workday
// included: 09:00–12:00 and 13:00–18:00 in Zone, half-open as all windows are
// (PGM-02), eight hours together.
var workingHours = [...]struct{ opens, closes time.Duration }{ // since 00:00
	{9 * time.Hour, 12 * time.Hour},
	{13 * time.Hour, 18 * time.Hour},
}

// WorkingHours counts n working hours, n > 0, and answers the instant at which
// the n-th is full: there it is too late (PGM-02).
//
// The count begins at from itself, not on the next day; time outside working
// hours does not count. An hour that is full when work ends closes at that
// instant, 12:00 or 18:00, never when work begins again. Every day counted on
// must lie in a year with data, else NoDataError (ENG-05); FirstCounted is the
// first of them, the day of the deadline the last.
func (c *Calendar) WorkingHours(from time.Time, n int) (time.Time, error) {
	if most := longest[inWorkingHours]; n <= 0 || int64(n) > most {
		return time.Time{}, fmt.Errorf("count %d working hours: the number must be from 1 to %d", n, most)
	}
	left := time.Duration(n) * time.Hour
	for day := FirstCounted(from); ; day = day.AddDays(1) {
		worked, err := c.IsWorkingDay(day)
		if err != nil {
			return time.Time{}, err
		}
		if !worked {
			continue
		}
		for _, h := range workingHours {
			opens, span := clip(day, h.opens, h.closes, from, day.AddDays(1).Start())
			if left <= span { // not <: an hour that is full at 18:00 closes there
				return opens.Add(left), nil
			}
			left -= span
		}
	}
}

// WorkingTime is how much working time lies between two instants, zero where to
// is not after from. It needs the same data as WorkingHours (ENG-05).
func (c *Calendar) WorkingTime(from, to time.Time) (time.Duration, error) {
	var sum time.Duration
	for day := FirstCounted(from); day.Start().Add(workingHours[0].opens).Before(to); day = day.AddDays(1) {
		worked, err := c.IsWorkingDay(day)
		if err != nil {
			return 0, err
		}
		if !worked {
			continue
		}
		for _, h := range workingHours {
			_, span := clip(day, h.opens, h.closes, from, to)
			sum += span
		}
	}
	return sum, nil
}

// FirstCounted is the first day on which working hours from an instant can
// count, worked or not: its own until 18:00, from then on the next.
func FirstCounted(from time.Time) Date {
	day := DateOf(from)
	if Late(from, day.Start().Add(workingHours[len(workingHours)-1].closes)) {
		return day.AddDays(1)
	}
	return day
}

// clip is the part of a day's hours that lies between two instants: its begin, in Zone, and how long it is.
func clip(d Date, opens, closes time.Duration, from, to time.Time) (time.Time, time.Duration) {
	begin, end := d.Start().Add(opens), d.Start().Add(closes)
	if from.After(begin) {
		begin = from.In(Zone)
	}
	if to.Before(end) {
		end = to
	}
	return begin, max(0, end.Sub(begin))
}
