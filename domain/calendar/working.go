package calendar

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Day is an exception to "Monday to Friday are worked": a public holiday, or a
// Saturday or Sunday worked to make up for one.
type Day struct {
	Date    Date
	Working bool   // true: a make-up workday; false: a day off, also where it falls on a weekend
	Name    string // the holiday, also for the day that makes up for it
}

// Calendar says which days are worked. It never changes after New, so many may
// read it at once; a nil or empty Calendar has no year, and refuses all of them.
type Calendar struct {
	years []int // ascending
	days  []Day // ascending by date
}

// NoDataError refuses a working-day question about a year the calendar has no
// data for (ENG-05).
type NoDataError struct{ Year int }

// Error tells the clerk what to do; it is shown word for word.
func (e NoDataError) Error() string {
	return fmt.Sprintf("The working-day calendar has no data for %d. Enter the public holidays and make-up workdays of %d, then try again.", e.Year, e.Year)
}

// New is the calendar of these years and their exceptional days. To list a year
// is to say that its days are complete (ENG-05).
//
// All faults come in one error: a day that does not exist, lies outside the
// years or comes twice, and a make-up workday from Monday to Friday, which
// changes nothing and is a slip of the pen.
func New(years []int, days []Day) (*Calendar, error) {
	c := &Calendar{years: slices.Clone(years), days: slices.Clone(days)}
	slices.Sort(c.years)
	c.years = slices.Compact(c.years)
	slices.SortStableFunc(c.days, func(a, b Day) int { return a.Date.Compare(b.Date) })

	var faults []error
	for i, day := range c.days {
		switch {
		case !day.Date.Valid():
			faults = append(faults, fmt.Errorf("working-day calendar: %q is not a date", day.Date))
		case !c.covers(day.Date.Year):
			faults = append(faults, fmt.Errorf("working-day calendar: %s lies outside the years it has data for", day.Date))
		case i > 0 && day.Date == c.days[i-1].Date:
			faults = append(faults, fmt.Errorf("working-day calendar: %s comes twice", day.Date))
		case day.Working && weekdayWorked(day.Date):
			faults = append(faults, fmt.Errorf("working-day calendar: %s is a %s, worked anyway", day.Date, day.Date.Weekday()))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

// Years lists the years with data, ascending.
func (c *Calendar) Years() []int {
	if c == nil {
		return nil
	}
	return slices.Clone(c.years)
}

// Days lists the exceptional days, ascending.
func (c *Calendar) Days() []Day {
	if c == nil {
		return nil
	}
	return slices.Clone(c.days)
}

// IsWorkingDay says whether a day is worked. A year without data is a NoDataError.
func (c *Calendar) IsWorkingDay(d Date) (bool, error) {
	if !d.Valid() {
		return false, fmt.Errorf("%q is not a date", d)
	}
	if !c.covers(d.Year) {
		return false, NoDataError{d.Year} // refused, not guessed (ENG-05)
	}
	i, found := slices.BinarySearchFunc(c.days, d, func(day Day, d Date) int { return day.Date.Compare(d) })
	if found {
		return c.days[i].Working, nil // the data goes before the weekday (COM-05, ENG-05)
	}
	return weekdayWorked(d), nil
}

// WorkingDays counts n working days, n > 0: last is the n-th strictly after
// from, which never counts itself, whether worked or not (COM-05, PGM-04), and
// closes is the deadline, 00:00 of the calendar day after last, worked or not
// (PGM-04, WDL-16). Every day counted over must lie in a year with data, else
// NoDataError; the day of the deadline need not.
func (c *Calendar) WorkingDays(from Date, n int) (last Date, closes time.Time, err error) {
	if n <= 0 {
		return Date{}, time.Time{}, fmt.Errorf("count %d working days: the number must be above zero", n)
	}
	if !from.Valid() {
		return Date{}, time.Time{}, fmt.Errorf("count %d working days: %q is not a date", n, from)
	}
	last = from
	for n > 0 {
		last = last.AddDays(1)
		worked, err := c.IsWorkingDay(last)
		if err != nil {
			return Date{}, time.Time{}, err
		}
		if worked {
			n--
		}
	}
	return last, last.AddDays(1).Start(), nil
}

// covers says that the calendar has data for a year.
func (c *Calendar) covers(year int) bool {
	if c == nil {
		return false
	}
	_, found := slices.BinarySearch(c.years, year)
	return found
}

// weekdayWorked says what holds where the data names no exception.
func weekdayWorked(d Date) bool {
	return time.Monday <= d.Weekday() && d.Weekday() <= time.Friday
}
