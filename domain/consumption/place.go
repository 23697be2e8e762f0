package consumption

import (
	"time"

	"countersign/domain/calendar"

	"github.com/shopspring/decimal"
)

// Known is what the house knows before a file comes.
type Known struct {
	Accounts map[Account]string       // customers
	Bindings map[string][]Binding     // of each customer, without overlap; a customer without any is there, too
	Rates    map[Rate]decimal.Decimal // CNY for one unit
}

// Rate names the exchange rate of a currency for what counts in a month.
type Rate struct {
	Currency string
	Month    calendar.Date // its first day
}

// Placed is what a row counts for.
type Placed struct {
	Period   calendar.Date // first day of the month
	Customer string
	Binding  Binding
	Rate     decimal.Decimal
	Parts    Parts // in CNY, not rounded
}

// Place says for whom a row counts, in which month, and in CNY; or everything that stands against it. Partner,
// association and tier-2 are those that the customer had when it used the product (PERF-01, PERF-11).
func (k Known) Place(r *Row, format Format) (Placed, []Fault) {
	f := faults{line: r.Line}
	p := Placed{Period: Period(r.Mode, r.Used, r.Posted), Customer: r.Customer}
	k.bind(r, format, &p, &f)
	k.convert(r, format, &p, &f)
	return p, f.list
}

func (k Known) bind(r *Row, format Format, p *Placed, f *faults) {
	column := format.column("customer")
	if format == Focus {
		customer, ok := k.Accounts[r.Account]
		if !ok {
			f.add(column, "no customer is known for %s; name one with: starter consumption map", r.Account)
			return
		}
		p.Customer = customer
	}
	bindings, ok := k.Bindings[p.Customer]
	if !ok {
		f.add(column, "there is no customer %q", p.Customer)
		return
	}
	b := bindingAt(bindings, r.Used)
	if b == nil {
		f.add(column, "customer %s belonged to no partner on %s; say to which with: starter consumption map", p.Customer, shown(r.Used))
		return
	}
	p.Binding = *b
	if r.Partner != "" && r.Partner != b.Partner {
		f.add("partner", "customer %s belonged to %s on %s, not to %s", p.Customer, b.Partner, shown(r.Used), r.Partner)
	}
	if r.Association != "" && r.Association != b.Association {
		f.add("association", "customer %s was associated by %s on %s, not by %s", p.Customer, b.Association, shown(r.Used), r.Association)
	}
	if r.Tier2 != "" && r.Tier2 != b.Tier2 {
		f.add("tier2", "customer %s was not a customer of reseller %s on %s", p.Customer, r.Tier2, shown(r.Used))
	}
}

func bindingAt(bindings []Binding, at time.Time) *Binding {
	for i, b := range bindings {
		if !at.Before(b.From) && (b.Until.IsZero() || at.Before(b.Until)) { // PGM-02
			return &bindings[i]
		}
	}
	return nil
}

// convert makes CNY of the parts, not rounded: incentives are rounded once, when they are calculated.
func (k Known) convert(r *Row, format Format, p *Placed, f *faults) {
	p.Rate, p.Parts = decimal.NewFromInt(1), r.Parts
	if r.Currency == Home {
		return
	}
	rate, ok := k.Rates[Rate{r.Currency, p.Period}]
	if !ok {
		month := MonthText(p.Period)
		f.add(format.column("currency"), "no rate of %s is known for %s; set it with: starter consumption rate set %s %s RATE", r.Currency, month, r.Currency, month)
		return
	}
	p.Rate, p.Parts = rate, r.Parts.times(rate)
}
