package views

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"countersign/domain/calendar"
)

var workingTerm = regexp.MustCompile(`^P([0-9]+)WD$`)

// closing counts a term out by the operator's calendar: when it closes, and how one gets there: "2 working days from Mon 3
// Nov: Tue 4, Wed 5 → closes Thu 6 Nov 00:00". Without data for the year there is no instant, and the words say so (ENG-05).
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
	n := workingTerm.FindStringSubmatch(term.String())
	if n == nil {
		return &at, fmt.Sprintf("%s from %s → closes %s", term.Words(), clockWords(from), clockWords(at)), nil
	}
	days, err := strconv.Atoi(n[1])
	if err != nil {
		return nil, "", err
	}
	counted, err := countedDays(calendar.DateOf(from), days, c)
	return &at, fmt.Sprintf("%s from %s: %s → closes %s", term.Words(), dayWords(calendar.DateOf(from)), counted, clockWords(at)), err
}

// mostNamed is how many days are named one by one; of more the first ones and the last.
const mostNamed = 10

// countedDays names the working days after a day, and what the calendar says about those that are not as the week has them.
func countedDays(from calendar.Date, n int, c *calendar.Calendar) (string, error) {
	var named, apart []string
	month := from.Month
	last := from
	for i := 0; i < n; {
		last = last.AddDays(1)
		worked, err := c.IsWorkingDay(last)
		if err != nil {
			return "", err
		}
		weekend := last.Weekday() == time.Saturday || last.Weekday() == time.Sunday
		if worked == weekend {
			apart = append(apart, exception(last, c))
		}
		if !worked {
			continue
		}
		i++
		text := last.Start().Format("Mon 2")
		if last.Month != month {
			month, text = last.Month, dayWords(last)
		}
		switch {
		case i <= mostNamed || i == n:
			named = append(named, text)
		case i == mostNamed+1:
			named = append(named, "…")
		}
	}
	text := strings.Join(named, ", ")
	if len(apart) > 0 {
		text += " (" + strings.Join(apart, ", ") + ")"
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
