package payment

import (
	"fmt"
	"slices"

	"countersign/domain/money"

	"github.com/shopspring/decimal"
)

// Kind is what a bank's line says.
type Kind string

// The kinds of lines.
const (
	KindPaid     Kind = "paid"
	KindReturned Kind = "returned"
	KindAccepted Kind = "accepted"
	KindRejected Kind = "rejected"
	KindUnclear  Kind = "unclear" // people have to look
	KindOther    Kind = "other"   // it settles nothing
)

// Result is what a line means for our payments.
type Result string

// The results. Settles, Returns and ReturnsLate are carried out by a decision on the case; Differs and Unexpected wait for people.
const (
	Settles     Result = "settles"
	Returns     Result = "returns"
	ReturnsLate Result = "returns-late" // it was paid before
	Accepts     Result = "accepts"
	Notes       Result = "notes"      // the bank is still at it
	Differs     Result = "differs"    // in its amount: nothing is settled
	Unexpected  Result = "unexpected" // the payment does not wait for it
	Known       Result = "known"      // told before
	Unknown     Result = "unknown"    // of no payment of ours
)

// NeedsPeople tells whether somebody has to look.
func (r Result) NeedsPeople() bool { return r == Differs || r == Unexpected }

// Line is one line of a bank's answer.
type Line struct {
	Kind      Kind
	ID        string           // end-to-end; empty: it names no payment
	Order     string           // the message that is answered; empty: a statement
	Amount    *decimal.Decimal // nil: it tells none
	Currency  string
	Account   string // whose statement it is; empty: a status report
	Reference string // the bank's
}

// Earlier is a line of the same payment that was recorded before.
type Earlier struct {
	Line
	Result Result
}

// Judge tells what a line means, and why in words where people have to look. A payment is settled by one line only (ENG-01),
// and only to the fen; an earlier line for it counts even while its case has not been answered yet.
func Judge(l Line, p *Payment, earlier []Earlier) (Result, string) {
	switch {
	case l.ID == "" && l.Order != "":
		return Unknown, fmt.Sprintf("no payment left in order %s, or not in that group of it", l.Order)
	case l.ID == "":
		return Unknown, "the line names no payment"
	case p == nil:
		return Unknown, fmt.Sprintf("no payment has the end-to-end ID %q", l.ID)
	case slices.ContainsFunc(earlier, func(e Earlier) bool { return e.tells(l) }):
		return Known, ""
	case l.Order != "" && l.Order != p.Order:
		return Unexpected, fmt.Sprintf("it answers order %s, the payment %s", l.Order, left(p.Order))
	case l.Account != "" && !slices.Contains(p.Accounts, l.Account):
		return Unexpected, fmt.Sprintf("it is booked on account %s, which is none of the entity that pays", l.Account)
	}
	j := judgement{l: l, p: *p, earlier: earlier, state: p.State}
	if p.State.UnderWay() { // what was recorded is being carried out
		switch {
		case j.told(Settles):
			j.state = Confirmed
		case j.told(Returns):
			j.state = Returned
		}
	}
	switch l.Kind {
	case KindPaid:
		return j.paid()
	case KindReturned:
		return j.returned()
	case KindRejected:
		return j.rejected()
	case KindAccepted:
		return j.accepted()
	case KindUnclear:
		return Unexpected, "only people can tell what the line means for the payment, which is " + string(j.state)
	case KindOther:
	}
	return Notes, ""
}

// tells whether an earlier line is this one again, in another file.
func (e Earlier) tells(l Line) bool {
	return e.Kind == l.Kind && e.Reference == l.Reference && e.Order == l.Order && e.Currency == l.Currency &&
		(e.Amount == nil) == (l.Amount == nil) && (e.Amount == nil || e.Amount.Equal(*l.Amount)) && e.Kind != KindOther
}

func left(order string) string {
	if order == "" {
		return "left in none"
	}
	return "left in " + order
}

type judgement struct {
	l       Line
	p       Payment
	earlier []Earlier
	state   State // as it will be when the lines before are carried out
}

func (j judgement) told(r Result) bool {
	return slices.ContainsFunc(j.earlier, func(e Earlier) bool { return e.Result == r })
}

// before tells whether a line of these kinds spoke of the payment already.
func (j judgement) before(kinds ...Kind) bool {
	return slices.ContainsFunc(j.earlier, func(e Earlier) bool { return slices.Contains(kinds, e.Kind) })
}

// cmp compares with the payment's amount; another currency is no comparison.
func (j judgement) cmp() (int, bool) {
	if j.l.Amount == nil || j.l.Currency != string(j.p.Currency) {
		return 0, false
	}
	return j.l.Amount.Cmp(decimal.RequireFromString(j.p.Amount.String())), true
}

func (j judgement) same() bool {
	n, comparable := j.cmp()
	return comparable && n == 0
}

func (j judgement) differs() (Result, string) {
	says := "no amount"
	if j.l.Amount != nil {
		says = j.l.Amount.StringFixed(max(2, -j.l.Amount.Exponent())) + " " + j.l.Currency
	}
	return Differs, fmt.Sprintf("the bank says %s, the payment is %s %s", says, j.p.Amount, j.p.Currency)
}

func (j judgement) unexpected() (Result, string) {
	return Unexpected, fmt.Sprintf("the bank says %s, the payment is %s", j.l.Kind, j.state)
}

func (j judgement) paid() (Result, string) {
	switch {
	case j.before(KindPaid):
		return Unexpected, "another line has told before that the payment was paid"
	case j.state.UnderWay() && j.same():
		return Settles, ""
	case j.state == Confirmed && j.same():
		return Known, "it was confirmed by hand before"
	case j.state.UnderWay() || j.state == Confirmed:
		return j.differs()
	}
	return j.unexpected()
}

func (j judgement) returned() (Result, string) {
	n, comparable := j.cmp()
	switch {
	case j.state.UnderWay() && j.same():
		return Returns, ""
	case j.state.UnderWay() || j.state == Confirmed && (!comparable || n > 0):
		return j.differs()
	case j.state == Confirmed && (j.l.Amount.Sign() == 0 || !j.l.Amount.Equal(j.l.Amount.Round(2))): // nothing, or less than a fen
		return j.differs()
	case j.state == Confirmed && j.p.TakesBack:
		return ReturnsLate, ""
	case j.state == Returned && j.same() && !j.before(KindReturned, KindRejected):
		return Known, "it was returned by hand before"
	}
	return j.unexpected()
}

// rejected: a status report may tell no amount; a payment that was released by hand is in no order.
func (j judgement) rejected() (Result, string) {
	switch {
	case j.l.Amount != nil && !j.same():
		return j.differs()
	case j.state == Exported || j.state == Accepted:
		return Returns, ""
	case j.state == Returned || j.state == Rejected:
		return Known, ""
	}
	return j.unexpected()
}

func (j judgement) accepted() (Result, string) {
	switch {
	case j.l.Amount != nil && !j.same():
		return j.differs()
	case j.state == Exported:
		return Accepts, ""
	}
	return Known, ""
}

// AmountOf is a line's amount as money; only a line that settles is asked for it.
func (l Line) AmountOf() (money.Amount, error) { return money.Parse(l.Amount.StringFixed(2)) }
