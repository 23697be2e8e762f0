package consumption

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// readFocus reads a row of a FOCUS 1.0 export. Its times are in UTC. It names accounts; the customer and the partner come
// from elsewhere.
func (l *Layout) readFocus() {
	r := &l.row
	r.Account = Account{l.text("ProviderName", 1, longText), l.text("BillingAccountId", 1, longText), l.text("SubAccountId", 0, longText)}
	r.Product = l.text("ServiceName", 1, longText)
	r.Region = l.text("RegionId", 0, identifier)
	r.Mode = l.focusMode()
	r.Marketplace = l.fromThirdParty()
	r.Used = l.instant("ChargePeriodStart", time.UTC)
	r.Posted = l.instant("ChargePeriodEnd", time.UTC)
	r.Currency = l.currency("BillingCurrency")
	r.Charge, r.Amount = l.focusCharge()
	r.Parts = undivided(r.Charge, r.Amount)
}

// focusMode reads how often a charge comes. An export does not tell which products are settled monthly.
func (l *Layout) focusMode() BillingMode {
	switch v := l.field("ChargeFrequency"); strings.ToLower(v) { // providers write Usage-Based and Usage-based
	case "recurring", "one-time":
		return Subscription
	case "usage-based", "":
	default:
		l.faults.add("ChargeFrequency", "%q is not one of Usage-Based, Recurring, One-Time", v)
	}
	return PayPerUse
}

// fromThirdParty tells goods of a marketplace: neither the provider nor who sends the invoice made them (PERF-07).
func (l *Layout) fromThirdParty() bool {
	publisher := l.field("PublisherName")
	return publisher != "" && publisher != l.field("ProviderName") && publisher != l.field("InvoiceIssuerName")
}

// focusCharge reads what is charged and how much. A commitment that is used counts by what its use is worth, since it was
// paid before; one that is bought or stays unused brings nothing (PERF-02).
func (l *Layout) focusCharge() (Charge, decimal.Decimal) {
	billed, effective := l.amount("BilledCost"), l.amount("EffectiveCost")
	correction := false
	switch v := l.field("ChargeClass"); v {
	case "":
	case "Correction":
		correction = true
	default:
		l.faults.add("ChargeClass", "%q is not Correction", v)
	}
	switch v := l.field("ChargeCategory"); v {
	case "Usage":
		cost := billed
		if l.field("CommitmentDiscountStatus") == "Used" {
			cost = effective
		}
		if cost.IsNegative() {
			return Refund, cost
		}
		return Usage, cost
	case "Adjustment":
		if correction && billed.IsNegative() {
			return Refund, billed
		}
		return Adjustment, billed
	case "Purchase":
		return Purchase, billed
	case "Tax":
		return Tax, billed
	case "Credit":
		return Credit, billed
	default:
		l.faults.add("ChargeCategory", "%q is not one of Usage, Purchase, Tax, Credit, Adjustment", v)
		return "", billed
	}
}
