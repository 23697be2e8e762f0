package consumption

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain/calendar"

	"github.com/shopspring/decimal"
)

// oldest is the first instant of which consumption is kept.
var oldest = calendar.Date{Year: 2000, Month: time.January, Day: 1}.Start()

// text reads a field of limited length (COM-03).
func (l *Layout) text(column string, least, most int) string {
	v := l.field(column)
	switch n := utf8.RuneCountInString(v); {
	case n < least:
		l.faults.add(column, "it is empty")
	case n > most:
		l.faults.add(column, "it has %d characters, at most %d are allowed", n, most)
	}
	return v
}

const (
	identifier = 64 // characters of an identifier at most (COM-03)
	longText   = 256
)

// choice reads one of several words; an empty field stands for otherwise.
func choice[T ~string](l *Layout, column string, otherwise T, of []T) T {
	v := T(l.field(column))
	if v == "" && slices.Contains(optional, column) {
		return otherwise
	}
	if !slices.Contains(of, v) { // COM-08
		words := make([]string, len(of))
		for i, w := range of {
			words[i] = string(w)
		}
		l.faults.add(column, "%q is not one of %s", string(v), strings.Join(words, ", "))
	}
	return v
}

func (l *Layout) yes(column string) bool {
	switch v := l.field(column); v {
	case "", "false":
		return false
	case "true":
		return true
	default:
		l.faults.add(column, "%q is neither true nor false", v)
		return false
	}
}

func (l *Layout) currency(column string) string {
	v := l.field(column)
	if !IsCurrency(v) {
		l.faults.add(column, "%q is not a currency, write it like CNY or USD", v)
	}
	return v
}

// IsCurrency tells whether a text may be the code of a currency.
func IsCurrency(text string) bool {
	return len(text) == 3 && !strings.ContainsFunc(text, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// amount reads a decimal number; the limits keep a short text from standing for a number of a billion digits.
func (l *Layout) amount(column string) decimal.Decimal {
	v := l.field(column)
	d, ok := ParseAmount(v)
	if !ok {
		l.faults.add(column, "%q is not an amount, write it like 1234.56: at most 15 digits before the point and %d after it", v, fraction)
	}
	return d
}

const (
	whole    = 15
	fraction = 18
)

// ParseAmount reads 1234.56, -0.5 or 8E-7 exactly, with at most 15 digits before and 18 after the point.
func ParseAmount(text string) (decimal.Decimal, bool) {
	if len(text) == 0 || len(text) > 2*(whole+fraction) {
		return decimal.Zero, false
	}
	mantissa, exponent, scientific := strings.Cut(text, "E")
	if !scientific {
		mantissa, exponent, scientific = strings.Cut(text, "e")
	}
	if scientific && (!digits(strings.TrimPrefix(strings.TrimPrefix(exponent, "-"), "+")) || len(exponent) > 3) {
		return decimal.Zero, false
	}
	before, after, point := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	if !digits(before) || point && !digits(after) {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero, false
	}
	if d.Exponent() < -fraction { // zeros at the end are no digits
		cut := d.Truncate(fraction)
		if !cut.Equal(d) {
			return decimal.Zero, false
		}
		d = cut
	}
	if scientific || len(before) > whole {
		if d.Abs().Cmp(tooMuch) >= 0 {
			return decimal.Zero, false
		}
	}
	return d, true
}

var tooMuch = decimal.New(1, whole)

// AmountText writes an amount exactly, without zeros at its end. Most parts of amounts are zero, for which it need not
// reckon.
func AmountText(d decimal.Decimal) string {
	if d.IsZero() {
		return "0"
	}
	return d.String()
}

func digits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// instant reads a time; without an offset it is in the zone. Postgres keeps microseconds.
func (l *Layout) instant(column string, zone *time.Location) time.Time {
	v := l.field(column)
	t, ok := ParseInstant(v, zone)
	if !ok {
		l.faults.add(column, "%q is not a time, write it like 2024-09-30T22:00:00Z or 2024-09-30 22:00:00", v)
	}
	return t
}

// ParseInstant reads a time such as 2024-09-30T22:00:00Z; without an offset it is in the zone, and a plain day is its 00:00 there.
func ParseInstant(text string, zone *time.Location) (time.Time, bool) {
	layout := time.DateTime
	switch n := len(text); {
	case n == len(time.DateOnly):
		layout = time.DateOnly
	case n > len(time.DateOnly) && text[len(time.DateOnly)] == 'T':
		layout = "2006-01-02T15:04:05"
		fallthrough
	default:
		if strings.HasSuffix(text, "Z") || n > len(time.DateTime) && strings.ContainsAny(text[len(time.DateTime):], "+-") {
			layout += "Z07:00"
		}
	}
	t, err := time.ParseInLocation(layout, text, zone)
	return t.UTC().Truncate(time.Microsecond), err == nil && t.Year() > 0 && t.Year() < 10000
}

func shown(t time.Time) string { return t.In(calendar.Zone).Format("2006-01-02 15:04:05 -07:00") }
