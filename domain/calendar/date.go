package calendar

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"time"
)

// Zone is the programme's zone, UTC+8 without daylight saving (COM-04, ENG-04,
// PGM-01). It is fixed here so that no machine's zone files can move a
// deadline; nobody assigns to it.
var Zone = time.FixedZone("CST", 8*60*60)

// Date is a day of the programme, without a time. The zero Date means "none":
// it is NULL in the database and "" as text. Dates compare with ==.
type Date struct {
	Year  int // 1 to 9999, so that it always has four digits
	Month time.Month
	Day   int
}

// DateOf is the business date of an instant (COM-04, ENG-04, PGM-01).
func DateOf(t time.Time) Date {
	year, month, day := t.In(Zone).Date()
	return Date{year, month, day}
}

// ParseDate reads 2025-11-03 and nothing else: all digits, and a day that exists.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	d := Date{t.Year(), t.Month(), t.Day()}
	if err != nil || !d.Valid() {
		return Date{}, fmt.Errorf("%q is not a date: write year, month and day as in 2025-11-03", text)
	}
	return d, nil
}

// IsZero says that no date is set.
func (d Date) IsZero() bool { return d == Date{} }

// Valid says that the day exists; a literal such as 30 February does not.
func (d Date) Valid() bool {
	return 1 <= d.Year && d.Year <= 9999 && d.AddDays(0) == d
}

// String is 2025-11-03, and "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// Start is the instant at which the day begins, 00:00 in Zone.
func (d Date) Start() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, Zone) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.Start().Weekday() }

// AddDays is n calendar days on, or back.
func (d Date) AddDays(n int) Date {
	year, month, day := time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, Zone).Date()
	return Date{year, month, day}
}

// AddMonths is the same day n months on, or back, and the last day of a month
// that has no such day (COM-06, PGM-03). Two steps of one month may therefore
// end earlier than one step of two: a rule counts from its own start, once.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, Zone)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// AddMonths is the instant n months on, or back: the wall clock in Zone stays,
// and the day falls back to the last of a shorter month (PGM-03).
func AddMonths(t time.Time, n int) time.Time {
	t = t.In(Zone)
	d := DateOf(t).AddMonths(n)
	return time.Date(d.Year, d.Month, d.Day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), Zone)
}

// Within is the rule of dates (COM-06, WDL-10, WDL-11): on lies within so many
// months of start. The starting date is not counted, so a month from the 15th
// reaches the next 15th, and that last day counts in full. The start itself is
// within, a day before it is not.
func Within(start, on Date, months int) bool {
	return !on.Before(start) && !on.After(start.AddMonths(months))
}

// Compare is -1, 0 or +1 as d is before, on or after other.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// Before says that d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After says that d is a later day than other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// MarshalText is String, refused for a day that does not exist.
func (d Date) MarshalText() ([]byte, error) {
	if !d.IsZero() && !d.Valid() {
		return nil, fmt.Errorf("%s is not a day of the calendar", d)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}

// Value stores the Date in a column of type date, the zero Date as NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	text, err := d.MarshalText()
	return string(text), err // as text: a time.Time would be converted to the session's zone first
}

// Scan reads a column of type date. A time of day in it means that the column
// holds an instant, whose date is DateOf, and is refused.
func (d *Date) Scan(column any) error {
	switch v := column.(type) {
	case nil:
		*d = Date{}
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	case time.Time:
		if v.Hour() != 0 || v.Minute() != 0 || v.Second() != 0 || v.Nanosecond() != 0 {
			return fmt.Errorf("scan date: %s is an instant, not a date", v.Format(time.RFC3339Nano))
		}
		year, month, day := v.Date() // in its own zone: the driver's midnight is not ours
		*d = Date{year, month, day}
		return nil
	default:
		return fmt.Errorf("scan date: a %T is not a date", column)
	}
}
