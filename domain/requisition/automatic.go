package requisition

import (
	"fmt"

	"countersign/domain/calendar"
	"countersign/domain/money"
)

// The outcomes of a look of the automatic release.
const (
	Requested    = "requested"
	BelowMinimum = "below-minimum" // waits for the next period's data (PAY-20)
	Nothing      = "nothing"
)

// Look is what the automatic release finds for one row group.
type Look struct {
	Group   Group
	Method  Method
	Total   money.Amount // what the requisition would ask for (PAY-20)
	Outcome string
}

// LookAt totals a partner's requestable bills by row group, in the order of Groups: the first requisition takes in all
// outstanding negatives, the second none (PAY-27).
func LookAt(p Policy, switches map[Group]Method, bills []Bill) []Look {
	negatives := money.Zero
	for _, b := range bills {
		if b.Reason == Outstanding {
			negatives = negatives.Add(b.Amount)
		}
	}
	var looks []Look
	for _, g := range Groups {
		m, on := switches[g]
		if !on {
			continue
		}
		l := Look{Group: g, Method: m, Outcome: Nothing}
		some := false
		for _, b := range bills {
			if b.Requestable && GroupOf(b.Association, b.GeneratedAt, p.CutOver) == g {
				l.Total, some = l.Total.Add(b.Amount), true
			}
		}
		if some {
			l.Total = l.Total.Add(negatives)
		}
		switch {
		case l.Total.Sign() <= 0:
		case m.HasMinimum() && l.Total.Cmp(p.Minimum) < 0:
			l.Outcome = BelowMinimum
		default:
			l.Outcome, negatives = Requested, money.Zero
		}
		looks = append(looks, l)
	}
	return looks
}

// AutomaticApplication is what the system submits for a partner on a day (PAY-19). Its key is the day's, so that it happens once.
func AutomaticApplication(partner string, g Group, m Method, day calendar.Date) Application {
	return Application{RequestKey: fmt.Sprintf("automatic/%s/%s", g, day), PartnerID: partner, Submitter: System, Methods: []Method{m}, Group: g}
}
