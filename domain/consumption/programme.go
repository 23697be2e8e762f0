package consumption

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"countersign/domain/calendar"

	"github.com/shopspring/decimal"
)

// readProgramme reads a row of the programme's own format.
func (l *Layout) readProgramme() {
	r := &l.row
	r.Customer = l.text("customer", 1, identifier)
	r.Partner = l.text("partner", 1, identifier)
	r.Tier2 = l.text("tier2", 0, identifier)
	r.Order = l.text("order", 0, identifier)
	r.Product = l.text("product", 1, longText)
	r.Region = l.text("region", 0, identifier)
	r.Mode = choice(l, "billing_mode", PayPerUse, BillingModes)
	r.Charge = choice(l, "charge", "", Charges)
	r.Association = choice(l, "association", "", Associations)
	r.Marketplace = l.yes("marketplace")
	r.Used = l.instant("used_at", calendar.Zone)
	r.Posted = l.instant("posted_at", calendar.Zone)
	r.Currency = l.currency("currency")
	l.text("row_id", 0, longText)
	l.readParts()
}

// readParts reads the amount and how it was paid. The parts make up the amount and have its sign (PERF-02, PERF-03).
func (l *Layout) readParts() {
	r := &l.row
	before := len(l.faults.list)
	r.Amount = l.amount("amount")
	switch {
	case len(l.faults.list) > before:
		return
	case r.Charge == Usage && r.Amount.IsNegative():
		l.faults.add("amount", "usage is not negative; what is given back is a refund")
	case r.Charge == Refund && r.Amount.IsPositive():
		l.faults.add("amount", "a refund is not positive; what is paid for use is usage")
	}
	divided := false
	for _, part := range l.parts() {
		if l.field(part.column) == "" {
			continue
		}
		divided = true
		*part.amount = l.amount(part.column)
		if (r.Charge == Usage || r.Charge == Refund) && part.amount.Sign()*r.Amount.Sign() < 0 {
			l.faults.add(part.column, "%s has another sign than the amount, %s", part.amount, r.Amount)
		}
	}
	switch {
	case len(l.faults.list) > before:
	case !divided:
		r.Parts = undivided(r.Charge, r.Amount)
	case !r.Parts.Sum().Equal(r.Amount):
		l.faults.add("amount", "cash, stored_value_card, voucher and excluded_coupon make %s, not %s", r.Parts.Sum(), r.Amount)
	case (r.Charge == Usage || r.Charge == Refund) && r.Amount.IsZero() && !l.allZero():
		l.faults.add("amount", "the amount is 0 and its parts are not")
	}
}

// parts are the columns that divide an amount.
func (l *Layout) parts() [4]part {
	p := &l.row.Parts
	return [4]part{{"cash", &p.Cash}, {"stored_value_card", &p.StoredValueCard}, {"voucher", &p.Voucher}, {"excluded_coupon", &p.ExcludedCoupon}}
}

type part struct {
	column string
	amount *decimal.Decimal
}

func (l *Layout) allZero() bool {
	p := l.row.Parts
	return p.Cash.IsZero() && p.StoredValueCard.IsZero() && p.Voucher.IsZero() && p.ExcludedCoupon.IsZero()
}

// key names the row. Who imports a file again, with its columns in another order or its numbers written another way, has
// the same rows; a row_id is the row's name whatever else it says, within the month and partner in which it counts.
func (l *Layout) key() [16]byte {
	b := append(l.buffer[:0], l.Format...)
	if l.Format == Focus {
		b = l.appendFields(b)
	} else if id := l.field("row_id"); id != "" {
		b = appendPart(append(b, " row_id "...), id)
	} else {
		b = l.row.appendContent(append(b, " content "...))
	}
	l.buffer = b
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

func (r *Row) appendContent(b []byte) []byte {
	for _, text := range [...]string{
		r.Customer, r.Order, r.Product, string(r.Mode), string(r.Charge), r.Region, r.Currency, AmountText(r.Parts.Cash),
		AmountText(r.Parts.StoredValueCard), AmountText(r.Parts.Voucher), AmountText(r.Parts.ExcludedCoupon),
	} {
		b = appendPart(b, text)
	}
	b = strconv.AppendBool(b, r.Marketplace)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Used.UnixMicro()))
	return binary.BigEndian.AppendUint64(b, uint64(r.Posted.UnixMicro()))
}

// appendFields takes all that an export says: what only its provider understands may tell two rows apart.
func (l *Layout) appendFields(b []byte) []byte {
	for n, i := range l.byName {
		if f := l.fields[i]; f != "" && f != null {
			b = appendPart(append(b, l.prefixes[n]...), f)
		}
	}
	return b
}

// appendPart writes a text behind its length, so that no two lists of texts are the same octets.
func appendPart(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
