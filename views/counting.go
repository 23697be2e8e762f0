package views

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
)

// closing counts a term out by the operator's calendar: when it closes, and how one gets there: "2 working days from Mon 3
// Nov: Tue 4, Wed 5 → closes Thu 6 Nov 00:00", "4 working hours from Mon 3 Nov 16:00: Mon 3 2h, Tue 4 2h → closes Tue 4 Nov
// 11:00". Without data for the year there is no instant, and the words say so (ENG-05).
func closing(term calendar.Term, from time.Time, c *calendar.Calendar) (*time.Time, string, error) {
	at, err := term.Closes(from, c)
	at = at.UTC()
	var missing calendar.NoDataError
	switch {
	case errors.As(err, &missing):
		return nil, missing.Error(), nil
	case err != nil:
		return nil, "", err
	}
	begin, counted := clockWords(from), ""
	switch text := term.String(); {
	case strings.HasSuffix(text, "WD"):
		first := calendar.DateOf(from)
		begin = dayWords(first)
		counted, err = countedDays(first, first.AddDays(1), calendar.DateOf(at).AddDays(-1), c, wholeDay)
	case strings.HasSuffix(text, "WH"):
		counted, err = countedDays(calendar.DateOf(from), calendar.FirstCounted(from), calendar.DateOf(at), c, hoursBetween(from, at, c))
	}
	if err != nil {
		return nil, "", err
	}
	if counted != "" {
		counted = ": " + counted
	}
	return &at, fmt.Sprintf("%s from %s%s → closes %s", term.Words(), begin, counted, clockWords(at)), nil
}

// wholeDay is the share of a term in working days, which goes without saying.
func wholeDay(calendar.Date) (string, error) { return "", nil }

// hoursBetween says how much of a day's working time lies between two instants: " 2h30m". Both are taken to the minute, as
// their clocks are shown; from the begin to the close of a term it is a whole number of hours all the same.
func hoursBetween(from, to time.Time, c *calendar.Calendar) func(calendar.Date) (string, error) {
	from, to = from.Truncate(time.Minute), to.Truncate(time.Minute)
	return func(day calendar.Date) (string, error) {
		begin, end := day.Start(), day.AddDays(1).Start()
		if from.After(begin) {
			begin = from
		}
		if to.Before(end) {
			end = to
		}
		span, err := c.WorkingTime(begin, end)
		switch hours, minutes := int(span.Hours()), int(span.Minutes())%60; {
		case minutes == 0 && hours > 0:
			return fmt.Sprintf(" %dh", hours), err
		case hours == 0:
			return fmt.Sprintf(" %dm", minutes), err
		default:
			return fmt.Sprintf(" %dh%dm", hours, minutes), err
		}
	}
}

// mostNamed is how many days are named one by one; of more the first ones and the last.
const mostNamed = 10

// countedDays names the working days from first to last, each with its share if there is one to say, and what the calendar
// says about those that are not as the week has them. The month is said where it changes from that of begin.
func countedDays(begin, first, last calendar.Date, c *calendar.Calendar, share func(calendar.Date) (string, error)) (string, error) {
	var named, apart []string
	month, i := begin.Month, 0
	for day := first; !day.After(last); day = day.AddDays(1) {
		worked, err := c.IsWorkingDay(day)
		if err != nil {
			return "", err
		}
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		if worked == weekend {
			apart = append(apart, exception(day, c))
		}
		if !worked {
			continue
		}
		i++
		text := day.Start().Format("Mon 2")
		if day.Month != month {
			month, text = day.Month, dayWords(day)
		}
		switch {
		case i <= mostNamed || day == last:
			hours, err := share(day)
			if err != nil {
				return "", err
			}
			named = append(named, text+hours)
		case i == mostNamed+1:
			named = append(named, "…")
		}
	}
	text := strings.Join(named, ", ")
	if len(apart) > 0 {
		text += " (" + strings.Join(apart, "; ") + ")"
	}
	return text, nil
}

// exception names a day that the calendar holds apart from the week.
func exception(day calendar.Date, c *calendar.Calendar) string {
	for _, d := range c.Days() {
		if d.Date == day && d.Working {
			return fmt.Sprintf("%s is worked for %s", dayWords(day), d.Name)
		} else if d.Date == day {
			return fmt.Sprintf("not %s, %s", dayWords(day), d.Name)
		}
	}
	return dayWords(day)
}

func dayWords(d calendar.Date) string { return d.Start().Format("Mon 2 Jan") }

func clockWords(t time.Time) string { return t.In(calendar.Zone).Format("Mon 2 Jan 15:04") }
