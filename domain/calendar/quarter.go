package calendar

import (
	"fmt"
	"time"
)

// Quarter is a quarter of a calendar year. The zero Quarter means "none" and is
// "" as text. Quarters compare with ==.
type Quarter struct {
	Year int
	Q    int // 1 to 4
}

// QuarterOf is the quarter a date lies in; of an instant it is
// QuarterOf(DateOf(t)), so that UTC+8 decides (ENG-04).
func QuarterOf(d Date) Quarter { return Quarter{d.Year, (int(d.Month)-1)/3 + 1} }

// ParseQuarter reads 2026Q3 and nothing else.
func ParseQuarter(text string) (Quarter, error) {
	var q Quarter
	// Sscanf alone is lenient (signs, trailing text): only what String writes back the same is taken.
	if _, err := fmt.Sscanf(text, "%4dQ%1d", &q.Year, &q.Q); err != nil || !q.Valid() || q.String() != text {
		return Quarter{}, fmt.Errorf("%q is not a quarter: write year and quarter as in 2026Q3", text)
	}
	return q, nil
}

// IsZero says that no quarter is set.
func (q Quarter) IsZero() bool { return q == Quarter{} }

// Valid says that the quarter exists.
func (q Quarter) Valid() bool {
	return 1 <= q.Year && q.Year <= 9999 && 1 <= q.Q && q.Q <= 4
}

// Start is the first day of the quarter. Its last day is q.Next().Start().AddDays(-1).
func (q Quarter) Start() Date { return Date{q.Year, time.Month(3*q.Q - 2), 1} }

// Next is the quarter after this one.
func (q Quarter) Next() Quarter { return QuarterOf(q.Start().AddMonths(3)) }

// String is 2026Q3, and "" for the zero Quarter.
func (q Quarter) String() string {
	if q.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04dQ%d", q.Year, q.Q)
}

// MarshalText is String, refused for a quarter that does not exist.
func (q Quarter) MarshalText() ([]byte, error) {
	if !q.IsZero() && !q.Valid() {
		return nil, fmt.Errorf("%s is not a quarter", q)
	}
	return []byte(q.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (q *Quarter) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*q = Quarter{}
		return nil
	}
	*q, err = ParseQuarter(string(text))
	return err
}
