// Package tax is tax rates: percentages with at most two decimals, which can be compared and be keys.
package tax

import (
	"database/sql/driver"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"countersign/domain/money"
)

// Rate is a tax rate in hundredths of a percent: 600 is 6 %.
type Rate int

var written = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,2})?$`)

// Parse reads a percentage from 0 to 100: "6", "6.00", "13".
func Parse(s string) (Rate, error) {
	if written.MatchString(s) {
		whole, part, _ := strings.Cut(s, ".")
		n, err := strconv.Atoi(whole + (part + "00")[:2])
		if err == nil && n <= 10000 {
			return Rate(n), nil
		}
	}
	return 0, fmt.Errorf("the tax rate %q is not a percentage; write it like 6 or 6.5", s)
}

// Of is the rate of a percentage that is kept as an amount.
func Of(percent money.Amount) (Rate, error) { return Parse(percent.String()) }

// String is the percentage with two decimals: "6.00".
func (r Rate) String() string { return fmt.Sprintf("%d.%02d", r/100, r%100) }

// Percent is how people read it: "6 %", "6.5 %".
func (r Rate) Percent() string {
	return strings.TrimSuffix(strings.TrimRight(r.String(), "0"), ".") + " %"
}

// Factor is 1 + rate.
func (r Rate) Factor() *big.Rat { return big.NewRat(10000+int64(r), 10000) }

// MarshalText writes two decimals.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what Parse reads.
func (r *Rate) UnmarshalText(text []byte) (err error) {
	*r, err = Parse(string(text))
	return err
}

// Value hands the rate to numeric(5,2) as text.
func (r Rate) Value() (driver.Value, error) { return r.String(), nil }

// Scan reads numeric(5,2).
func (r *Rate) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		return r.UnmarshalText(v)
	case string:
		return r.UnmarshalText([]byte(v))
	}
	return fmt.Errorf("scan tax rate: unexpected %T", src)
}
