package bill

import (
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Company is who stands behind an account: its certified code, or nothing.
type Company struct{ CodeType, Code string }

// Same tells whether two accounts belong to the same company; what is not certified belongs to nobody.
func (c Company) Same(other Company) bool { return c == other && c.Code != "" }

// Transfer moves bills to another account of the same company, as asked.
type Transfer struct {
	Person   *person.Person // nil: unknown
	Name     string         // as given
	From, To string
	Reason   string // the company's request, for the record
	At       time.Time
}

// Account is one side of a transfer.
type Account struct {
	Known   bool
	Tier2   bool // a reseller's
	Company Company
}

// JudgeTransfer checks a transfer (INC-22): by the vendor's operations alone, on a stated request, between two accounts of one
// company; the bills are released, outstanding,
// valid and not frozen.
func JudgeTransfer(t Transfer, p Policy, from, to Account, bills []Standing) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch {
	case t.Person == nil:
		list = append(list, unknownPerson(t.Name))
	case !t.Person.OfVendor() || !t.Person.Holds(p.OperationsRole): // INC-22
		refuse("INC-22", "CBC.0151", "person "+t.Name, "%s does not hold the role %s; only the vendor's operations move incentives between accounts.", t.Person.Name, p.OperationsRole)
	}
	if strings.TrimSpace(t.Reason) == "" {
		refuse("INC-22", "CBC.0100", "transfer", "Incentives are moved on request; enter whose and when as the reason.")
	}
	switch {
	case t.From == t.To:
		refuse("INC-22", "CBC.0100", "partner "+t.To, "The bills are on account %s already; name another account.", t.To)
	case !from.Known:
		refuse("COM-17", "CBC.5001", "partner "+t.From, "There is no partner %q; check the partner's number.", t.From)
	case !to.Known:
		refuse("COM-17", "CBC.5001", "partner "+t.To, "There is no partner %q; check the partner's number.", t.To)
	case !from.Company.Same(to.Company): // INC-22
		refuse("INC-22", "INC_TRANSFER_ENTITY", "partner "+t.To, "The accounts %s and %s do not belong to the same company by their certified business information.", t.From, t.To)
	}
	if to.Tier2 { // INC-19
		refuse("INC-19", "INC_TIER2", "partner "+t.To, "Account %s is a tier-2 reseller's, which receives no vendor incentive; name another account.", t.To)
	}
	if len(bills) == 0 {
		refuse("INC-22", "CBC.0100", "partner "+t.From, "Account %s has no outstanding bill to move.", t.From)
	}
	for _, b := range bills {
		object := "bill " + b.ID
		switch {
		case b.State == "":
			refuse("COM-17", "CBC.5001", object, "There is no bill %q; check the bill's number.", b.ID)
		case b.Partner != t.From:
			refuse("INC-22", "CBC.5001", object, "Bill %s is not of account %s.", b.ID, t.From)
		case b.State == Void || b.State == Released && !b.Lapses.IsZero() && b.Amount.Sign() > 0 && calendar.Late(t.At, b.Lapses):
			refuse("INC-14", "INC_VOID", object, "The incentive of bill %s is past its validity and cannot be moved.", b.ID)
		case b.State != Released:
			refuse("INC-07", "INC_NOT_RELEASED", object, "Bill %s is %s; it can be moved once it is confirmed and released.", b.ID, b.State)
		case b.Requested:
			refuse("PAY-26", "PAY_DUPLICATE", object, "Bill %s is part of a requisition, running or paid; it cannot be moved.", b.ID)
		case b.Frozen: // or moving it would thaw it
			refuse("PAY-17", "PAY_FROZEN", object, "Bill %s is frozen (%s): period %s has unpaid consumption. It can be moved from the day after it is paid.", b.ID, UnpaidCycle, b.Period)
		}
	}
	return list
}
