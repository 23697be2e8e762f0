// Package consumption is what customers used and how it was paid, as rows of billing files say it: which rows there may be,
// in which month one counts, and to whom.
package consumption

import (
	"fmt"
	"time"

	"countersign/domain/calendar"

	"github.com/shopspring/decimal"
)

// Charge is what a row is about. Only usage, less refunds, is payment for what was used (PERF-02): top-ups, purchases
// ahead of use and the buying of a stored-value card are not (PERF-04, PERF-05).
type Charge string

// The charges.
const (
	Usage        Charge = "usage"         // a resource was used; never negative
	Refund       Charge = "refund"        // some of what was used is given back; never positive
	Purchase     Charge = "purchase"      // paid ahead of use
	TopUp        Charge = "top-up"        // money came onto an account
	CardPurchase Charge = "card-purchase" // a stored-value card was bought
	Tax          Charge = "tax"
	Credit       Charge = "credit" // granted by the vendor: not cash (PERF-04)
	Adjustment   Charge = "adjustment"
)

// Charges lists every charge.
var Charges = []Charge{Usage, Refund, Purchase, TopUp, CardPurchase, Tax, Credit, Adjustment}

// BillingMode is when a product is paid.
type BillingMode string

// The billing modes.
const (
	Subscription   BillingMode = "subscription"
	PayPerUse      BillingMode = "pay-per-use"
	MonthlySettled BillingMode = "monthly-settled" // in the month after, for example a CDN
)

// BillingModes lists every billing mode.
var BillingModes = []BillingMode{Subscription, PayPerUse, MonthlySettled}

// Association is how a customer belongs to a partner.
type Association string

// The associations.
const (
	Resale   Association = "resale"   // the partner invoices the customer
	Advisory Association = "advisory" // the vendor does
)

// Associations lists every association.
var Associations = []Association{Resale, Advisory}

// Home is the currency in which everything is counted; rows in others need a rate.
const Home = "CNY"

// Period is the first day of the month in UTC+8 in which a row counts: that of use, and for products settled monthly that
// in which the row is posted (PERF-09, ENG-04).
func Period(mode BillingMode, used, posted time.Time) calendar.Date {
	if mode == MonthlySettled {
		return MonthOf(posted)
	}
	return MonthOf(used)
}

// MonthOf is the first day of an instant's month in UTC+8 (ENG-04).
func MonthOf(t time.Time) calendar.Date {
	d := calendar.DateOf(t)
	d.Day = 1
	return d
}

// MonthText is 2024-09.
func MonthText(d calendar.Date) string { return d.String()[:7] }

// Account is a provider's account, as billing exports name it.
type Account struct {
	Provider, BillingAccount string
	SubAccount               string // empty: the billing account itself
}

func (a Account) String() string {
	if a.SubAccount == "" {
		return fmt.Sprintf("%s, billing account %s without a sub account", a.Provider, a.BillingAccount)
	}
	return fmt.Sprintf("%s, billing account %s, sub account %s", a.Provider, a.BillingAccount, a.SubAccount)
}

// Binding is whose customer somebody is in a period.
type Binding struct {
	Partner     string
	Association Association
	Tier2       string    // the reseller whose customer it is, or empty; Partner is its tier-1 then (PERF-11)
	From        time.Time // is in
	Until       time.Time // is out; zero: it still holds
}

// Row is one row as its file says it; what the file leaves to the bindings is empty.
type Row struct {
	Line        int
	Key         [16]byte
	Account     Account // in a billing export
	Customer    string  // else
	Partner     string
	Association Association
	Tier2       string
	Order       string
	Product     string
	Mode        BillingMode
	Charge      Charge
	Region      string
	Marketplace bool
	Used        time.Time // microseconds
	Posted      time.Time
	Currency    string
	Amount      decimal.Decimal // as billed
	Parts       Parts           // that make it up, as billed
}

// Parts is how an amount was paid (PERF-04).
type Parts struct {
	Cash            decimal.Decimal
	StoredValueCard decimal.Decimal // counts like cash when it is spent (PERF-05)
	Voucher         decimal.Decimal // of the vendor
	ExcludedCoupon  decimal.Decimal // a cash coupon marked as no performance
}

// Sum is the whole amount.
func (p Parts) Sum() decimal.Decimal {
	return p.Cash.Add(p.StoredValueCard).Add(p.Voucher).Add(p.ExcludedCoupon)
}

// times makes them another currency, exactly.
func (p Parts) times(rate decimal.Decimal) Parts {
	return Parts{p.Cash.Mul(rate), p.StoredValueCard.Mul(rate), p.Voucher.Mul(rate), p.ExcludedCoupon.Mul(rate)}
}

// undivided is an amount of which nothing else is known: cash, but for a credit, which the vendor grants (PERF-04).
func undivided(charge Charge, amount decimal.Decimal) Parts {
	if charge == Credit {
		return Parts{Voucher: amount}
	}
	return Parts{Cash: amount}
}

// Fault is one reason why a row is left out.
type Fault struct {
	Line   int    `json:"line"`
	Column string `json:"column"` // empty: the row as a whole
	Reason string `json:"reason"`
}

// faults collects those of one row.
type faults struct {
	line int
	list []Fault
}

func (f *faults) add(column, format string, args ...any) {
	f.list = append(f.list, Fault{f.line, column, fmt.Sprintf(format, args...)})
}
