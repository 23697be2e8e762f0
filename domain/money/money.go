// Package money is exact amounts of two decimals (COM-01): never a float, never rounded in passing.
//
// An Amount is a number; the currency stands beside it in every record that keeps one, and postings balance per currency.
package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"

	"github.com/shopspring/decimal"
)

// Currency is what an amount is counted in.
type Currency string

// The programme's currencies: yuan (COM-01), and what is no money: the coupon yuan of quotas, the points of lab credits.
const (
	CNY    Currency = "CNY"
	Coupon Currency = "CPN"
	Credit Currency = "CREDIT"
)

// Amount is an exact number with two decimals; the zero value is 0.00. It may be negative.
type Amount struct{ d decimal.Decimal }

// Zero is 0.00.
var Zero = Amount{}

var (
	written  = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,2})?$`) // what fits numeric(20,2)
	tooLarge = regexp.MustCompile(`^[0-9]{19,}(\.[0-9]{1,2})?$`)
	entered  = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,2})?$`) // ASCII digits only: no sign, no exponent, no bare point
)

// Parse reads an amount that we or a file wrote: "640.00", "-12.5". At most two decimals, at most 18 digits before the point.
func Parse(s string) (Amount, error) {
	if !written.MatchString(s) {
		return Zero, fmt.Errorf("amount %q is not a number with at most two decimals", s)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return Zero, fmt.Errorf("amount %q: %w", s, err)
	}
	return Amount{d}, nil
}

// ParseEntered reads an amount that a person entered: greater than 0 with at most two decimals (COM-02).
func ParseEntered(s string) (Amount, error) {
	if s == "" {
		return Zero, errors.New("the amount is missing; write it like 1234.50")
	}
	if tooLarge.MatchString(s) {
		return Zero, fmt.Errorf("the amount %q is larger than can be kept; enter less than 1000000000000000000", s)
	}
	if !entered.MatchString(s) {
		return Zero, fmt.Errorf("the amount %q is not written as digits with at most two decimals; write it like 1234.50", s)
	}
	a, err := Parse(s)
	if err != nil {
		return Zero, err
	}
	if a.Sign() <= 0 {
		return Zero, fmt.Errorf("the amount %q is not greater than 0; enter at least 0.01", s)
	}
	return a, nil
}

// Must is Parse for constants in programmes and tests; it panics on a malformed one.
func Must(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// Fen makes an amount of n hundredths.
func Fen(n int64) Amount { return Amount{decimal.New(n, -2)} }

// String has always two decimals: "640.00".
func (a Amount) String() string { return a.d.StringFixed(2) }

// Add, Sub and Neg are exact.
func (a Amount) Add(b Amount) Amount { return Amount{a.d.Add(b.d)} }

// Sub is a − b.
func (a Amount) Sub(b Amount) Amount { return Amount{a.d.Sub(b.d)} }

// Neg is −a.
func (a Amount) Neg() Amount { return Amount{a.d.Neg()} }

// Sign is −1, 0 or 1.
func (a Amount) Sign() int { return a.d.Sign() }

// Cmp is −1, 0 or 1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int { return a.d.Cmp(b.d) }

// Equal compares values: 640 equals 640.00.
func (a Amount) Equal(b Amount) bool { return a.d.Equal(b.d) }

// Min is the smaller one.
func Min(a, b Amount) Amount {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}

// NotBelowZero is a, or 0.00 when a is negative.
func (a Amount) NotBelowZero() Amount {
	if a.Sign() < 0 {
		return Zero
	}
	return a
}

// Sum adds up.
func Sum(amounts ...Amount) Amount {
	total := Zero
	for _, a := range amounts {
		total = total.Add(a)
	}
	return total
}

// MarshalText writes two decimals, so that JSON, keys and digests never see 640 for 640.00.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Value hands the amount to numeric(20,2) as text.
func (a Amount) Value() (driver.Value, error) { return a.String(), nil }

// Scan reads numeric(20,2).
func (a *Amount) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		return a.UnmarshalText(v)
	case string:
		return a.UnmarshalText([]byte(v))
	case int64:
		*a = Amount{decimal.NewFromInt(v)}
		return nil
	case nil:
		return errors.New("scan amount: NULL")
	default:
		return fmt.Errorf("scan amount: unexpected %T", src)
	}
}
