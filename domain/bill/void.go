package bill

import (
	"countersign/domain/ledger"
	"countersign/domain/money"
)

// Voiding is what comes of positive bills that void while the partner has the negatives: all of Bills void, and when the
// negatives were larger, Rest stands for what is left of them.
type Voiding struct {
	Bills []Bill
	Rest  money.Amount // of the new bill, negative; zero: none
}

// VoidWith says what becomes of bills that void at one instant, and of the negatives outstanding then. Smaller positives void
// with the negatives and leave the difference as a new negative (INC-16); without negatives they are simply lost, also
// against what appears later (INC-17); larger ones clear the negatives and the rest is lost (INC-18).
func VoidWith(positives, negatives []Bill) Voiding {
	v := Voiding{Bills: append([]Bill(nil), positives...)}
	if len(positives) == 0 || len(negatives) == 0 {
		return v
	}
	v.Bills = append(v.Bills, negatives...)
	total := money.Zero
	for _, b := range v.Bills {
		total = total.Add(b.Amount)
	}
	if total.Sign() < 0 {
		v.Rest = total
	}
	return v
}

// Accrue are the postings of a bill that comes into being: debit incentive expense, credit incentive payable; a negative
// bill the other way.
func Accrue(partner string, amount money.Amount) []ledger.Posting {
	return ledger.Move(amount, ledger.IncentiveCost, ledger.Incentive(partner))
}

// Reverse are the postings of a bill that voids: its accrual taken back.
func Reverse(partner string, amount money.Amount) []ledger.Posting {
	return Accrue(partner, amount.Neg())
}

// Transferred are the postings of a bill that moves from one account of a company to another (INC-22).
func Transferred(from, to string, amount money.Amount) []ledger.Posting {
	return ledger.Move(amount, ledger.Incentive(from), ledger.Incentive(to))
}
