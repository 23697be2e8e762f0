package incentive

import (
	"fmt"
	"time"

	"countersign/domain/calendar"
)

// Period is a month, a quarter or a year in UTC+8: "2024-05", "2024-Q2", "2024". Periods compare with ==.
type Period struct {
	First  calendar.Date // its first day
	Months int           // 1, 3 or 12
}

// ParsePeriod reads what String writes and nothing else.
func ParsePeriod(text string) (Period, error) {
	for _, p := range []struct {
		layout string
		months int
	}{{"%4d-%2d", 1}, {"%4d-Q%1d", 3}, {"%4d", 12}} {
		var year int
		n := 1
		if _, err := fmt.Sscanf(text, p.layout, &year, &n); err != nil && p.months < 12 {
			continue
		}
		found := Period{calendar.Date{Year: year, Month: time.Month((n-1)*p.months + 1), Day: 1}, p.months}
		if found.First.Valid() && found.String() == text { // Sscanf alone is lenient
			return found, nil
		}
	}
	return Period{}, fmt.Errorf("%q is not a period: write a month like 2024-05, a quarter like 2024-Q2 or a year like 2024", text)
}

// MonthOf is the month of an instant (ENG-04, PERF-09).
func MonthOf(t time.Time) Period {
	d := calendar.DateOf(t)
	d.Day = 1
	return Period{d, 1}
}

// Of is the period of a cadence that a month lies in.
func (p Period) Of(c Cadence) Period {
	months := map[Cadence]int{Monthly: 1, Quarterly: 3, Yearly: 12}[c]
	if months < p.Months {
		return p
	}
	first := p.First
	first.Month -= (first.Month - 1) % time.Month(months)
	return Period{first, months}
}

// Before is the period just before, of the same length.
func (p Period) Before() Period { return Period{p.First.AddMonths(-p.Months), p.Months} }

// YearBefore is the same period of the year before.
func (p Period) YearBefore() Period { return Period{p.First.AddMonths(-12), p.Months} }

// End is the instant at which it is over.
func (p Period) End() time.Time { return p.After().Start() }

// After is the day after its last one.
func (p Period) After() calendar.Date { return p.First.AddMonths(p.Months) }

// IsMonth tells whether it is a month.
func (p Period) IsMonth() bool { return p.Months == 1 }

// String is how it is written: "2024-05", "2024-Q2", "2024"; "" for none.
func (p Period) String() string {
	switch p.Months {
	case 1:
		return fmt.Sprintf("%04d-%02d", p.First.Year, p.First.Month)
	case 3:
		return fmt.Sprintf("%04d-Q%d", p.First.Year, (p.First.Month-1)/3+1)
	case 12:
		return fmt.Sprintf("%04d", p.First.Year)
	}
	return ""
}

// MarshalText is String.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (p *Period) UnmarshalText(text []byte) (err error) {
	*p = Period{}
	if len(text) > 0 {
		*p, err = ParsePeriod(string(text))
	}
	return err
}
