package invoice

import (
	"math/big"

	"countersign/domain/money"
	"countersign/domain/tax"
)

// Granted is a part of an incentive at one output tax rate, that tax included.
type Granted struct {
	Amount money.Amount
	Rate   tax.Rate
}

// Amount is what the partner invoices for an incentive, tax included: each part without its output tax, with the tax of the
// service fee instead. It is rounded once, half up, for all parts together (INV-07). Parts may be negative, their sum is not.
func Amount(parts []Granted, service tax.Rate) money.Amount {
	total := new(big.Rat)
	for _, p := range parts {
		part, ok := new(big.Rat).SetString(p.Amount.String())
		if !ok {
			panic("an amount is a number")
		}
		total.Add(total, part.Quo(part, p.Rate.Factor()))
	}
	return money.Must(total.Mul(total, service.Factor()).FloatString(2)) // halves away from zero, which is up
}

// Whole is one special invoice over the whole list that keeps to it; number, code and date are what its paper says. The amount
// without tax is rounded half up, the tax is the rest.
func Whole(l List, t Type, number, code, date string) Entered {
	total, ok := new(big.Rat).SetString(l.Amount.String())
	if !ok {
		panic("an amount is a number")
	}
	net := money.Must(total.Quo(total, l.Rate.Factor()).FloatString(2))
	return Entered{
		Number: number, Code: code, Type: t, Date: date, Currency: string(l.Currency), Net: net.String(), Tax: l.Amount.Sub(net).String(), Total: l.Amount.String(),
		Rate: l.Rate.String(), Buyer: l.Buyer, Items: ItemsOf(l, net.String()),
	}
}
