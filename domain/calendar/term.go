package calendar

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Term is how long something may take, as a policy says it:
//
//	P7D        7 × 24 hours
//	P12M       12 months, same wall clock in Zone, clipped to the month's end (PGM-03)
//	P7WD       7 working days, up to 00:00 of the calendar day after the 7th (COM-05)
//	P4WH       4 working hours, from the instant itself: 09:00–12:00 and 13:00–18:00
//	           in Zone of every day that is worked, up to the instant the 4th is full
//	90s, 2h    a plain duration, for demonstrations and tests
//
// It is above zero and at most a hundred years. The zero Term means "none set"
// and is "" as text. Terms compare with ==; P1D and 24h last as long, but are
// not the same Term.
type Term struct {
	unit unit
	n    int64 // of the unit; nanoseconds for a plain duration
}

type unit string

const (
	inNanoseconds  unit = "" // the zero Term's unit: n tells them apart
	inDays         unit = "D"
	inMonths       unit = "M"
	inWorkingDays  unit = "WD"
	inWorkingHours unit = "WH"
)

// longest holds the hundred years in each unit. It keeps every product and sum
// far from overflow, and nothing in the programme comes near it.
var longest = map[unit]int64{
	inNanoseconds:  int64(36_525 * 24 * time.Hour),
	inDays:         36_525,
	inMonths:       1_200,
	inWorkingDays:  36_525,
	inWorkingHours: 36_525 * 8, // of as many working days
}

// period is strict: no sign, no leading zero, one unit.
var period = regexp.MustCompile(`^P([1-9][0-9]*)(D|M|WD|WH)$`)

// ParseTerm reads a Term; what it refuses, it answers with how to write one.
func ParseTerm(text string) (Term, error) {
	t, err := split(text)
	if err != nil {
		return Term{}, err
	}
	if t.n > longest[t.unit] {
		return Term{}, tooLong(text)
	}
	return t, nil
}

// MustTerm is ParseTerm for a text that stands in the program; it panics where
// ParseTerm refuses.
func MustTerm(text string) Term {
	t, err := ParseTerm(text)
	if err != nil {
		panic(err)
	}
	return t
}

// split reads number and unit, above zero, without looking at the upper limit.
func split(text string) (Term, error) {
	if m := period.FindStringSubmatch(text); m != nil {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil { // all digits, so only their number can be wrong
			return Term{}, tooLong(text)
		}
		return Term{unit(m[2]), n}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || text[0] == '+' {
		return Term{}, fmt.Errorf("%q is not a term: write days (P7D), months (P12M), working days (P7WD), working hours (P4WH) or a duration (90s, 2h), above zero", text)
	}
	return Term{inNanoseconds, int64(d)}, nil
}

func tooLong(text string) error {
	return fmt.Errorf("%q is too long for a term: it may last a hundred years at most", text)
}

// IsZero says that no term is set.
func (t Term) IsZero() bool { return t == Term{} }

// Closes is the deadline of a term that begins at from: the first instant at
// which it is too late (PGM-02, X-01), in Zone. Only working days and hours need
// the calendar, which may otherwise be nil; they fail with NoDataError (ENG-05).
// A zero Term has no deadline and is refused.
func (t Term) Closes(from time.Time, c *Calendar) (time.Time, error) {
	switch {
	case t.IsZero():
		return time.Time{}, errors.New("no term is set, so it has no deadline")
	case t.unit == inDays:
		return from.In(Zone).Add(time.Duration(t.n) * 24 * time.Hour), nil // n × 24 h from the instant
	case t.unit == inMonths:
		return AddMonths(from, int(t.n)), nil
	case t.unit == inWorkingDays:
		_, closes, err := c.WorkingDays(DateOf(from), int(t.n))
		return closes, err
	case t.unit == inWorkingHours:
		return c.WorkingHours(from, int(t.n))
	default:
		return from.In(Zone).Add(time.Duration(t.n)), nil
	}
}

// String is the one way to write the term: P7D, 1m30s, 2h, and "" for the zero Term.
func (t Term) String() string {
	switch {
	case t.IsZero():
		return ""
	case t.unit != inNanoseconds:
		return fmt.Sprintf("P%d%s", t.n, t.unit)
	}
	text := time.Duration(t.n).String()
	if strings.HasSuffix(text, "m0s") { // 2h0m0s reads better as 2h
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Words is the term as part of an English sentence: "7 working days", "90 seconds"; "no term" for the zero Term.
func (t Term) Words() string {
	if t.IsZero() {
		return "no term"
	}
	n, noun := t.n, map[unit]string{inDays: "day", inMonths: "month", inWorkingDays: "working day", inWorkingHours: "working hour"}[t.unit]
	if t.unit == inNanoseconds {
		size := time.Nanosecond
		for _, s := range []struct {
			noun string
			size time.Duration
		}{{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}} {
			if time.Duration(t.n)%s.size == 0 {
				noun, size = s.noun, s.size
			}
		}
		if noun == "" {
			return t.String() // 1.5s
		}
		n /= int64(size)
	}
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// MarshalText is String.
func (t Term) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes, and every other way ParseTerm takes.
func (t *Term) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*t = Term{}
		return nil
	}
	*t, err = ParseTerm(string(text))
	return err
}
