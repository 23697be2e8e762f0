// Package quarter says when a quarter's dedicated-staff months can be paid, and what becomes of the request (QPY).
package quarter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/staff"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "payment-application"

// State is where a payment application stands.
type State = domain.State

// The states. Only Paid is an ending: a rejected application is corrected and sent again.
const (
	Review   State = "PAYMENT_REVIEW"
	Rejected State = "REJECTED"
	Approved State = "PAYMENT_APPROVED" // waits for the partner's invoice to be accepted
	Waiting  State = "WAITING_PAYMENT"
	Paid     State = "PAID"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it.
var Moves = []Move{{"", Review}, {Review, Approved}, {Review, Rejected}, {Rejected, Review}, {Approved, Waiting}, {Waiting, Paid}}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Ended tells whether nothing is waited for any more.
func Ended(s State) bool { return s == Paid }

// Month is one month of the quarter.
type Month struct {
	Month        staff.Month  `json:"month"`
	State        staff.State  `json:"state"`
	Amount       money.Amount `json:"amount"` // applied for; paid if it passed
	Case         string       `json:"case,omitempty"`
	ConfirmUntil *time.Time   `json:"confirm_until,omitempty"` // of a month to confirm
}

// Months are the months of a quarter, in order.
func Months(q calendar.Quarter) [3]staff.Month {
	var out [3]staff.Month
	for i := range out {
		out[i] = staff.MonthOf(q.Start().AddMonths(i).Start())
	}
	return out
}

// FirstDay is the first instant at which a month that was not requested no longer blocks: day 1 of the next quarter (QPY-05).
func FirstDay(q calendar.Quarter) time.Time { return q.Next().Start().Start() }

// Total is what is paid: the months that passed (QPY-06).
func Total(months []Month) money.Amount {
	total := money.Zero
	for _, m := range months {
		if m.State == staff.Passed {
			total = total.Add(m.Amount)
		}
	}
	return total
}

// Blocks says what keeps a quarter's payment from being requested at an instant: the three conditions in their order, all of
// them (QPY-01). The months' states are those of the instant.
func Blocks(q calendar.Quarter, months []Month, at time.Time) refusal.List {
	var list refusal.List
	refuse := func(rule, code, format string, args ...any) {
		list = append(list, refusal.New(rule, code, "quarter "+q.String(), format, args...))
	}
	open, rule := openMonths(q, months, at)
	if len(open) > 0 {
		refuse(rule, "QPY_MONTH_OPEN", "%s can still be requested; request it and wait for its preliminary review, or wait until %s.", strings.Join(open, ", "), shown(opens(q, months, at)))
	}
	if pending := named(months, staff.InReview); len(pending) > 0 {
		refuse("QPY-03", "QPY_PRELIM_PENDING", "%s is in preliminary review; wait for the result.", strings.Join(pending, ", "))
	} else if len(named(months, staff.Passed)) == 0 { // every month that was requested failed, or none was
		refuse("QPY-04", "QPY_NONE_PASSED", "No month of the quarter passed the preliminary review, so there is nothing to pay.")
	}
	return list
}

// openRule is the rule by which a month can still be requested; empty: it cannot. While the quarter runs: what was not requested
// yet (QPY-02), and the current month if its request failed (QPY-08). At any time: a list that waits to be confirmed (QPY-01).
func openRule(q calendar.Quarter, m Month, at time.Time) string {
	switch {
	case m.State == staff.ToConfirm:
		return "QPY-01"
	case calendar.Late(at, FirstDay(q)): // QPY-05
	case m.State == staff.Open:
		return "QPY-02"
	case m.State == staff.Failed && m.Month.Running(at):
		return "QPY-08"
	}
	return ""
}

// openMonths are those that can still be requested, with the rule behind the first.
func openMonths(q calendar.Quarter, months []Month, at time.Time) (open []string, rule string) {
	for _, m := range months {
		if why := openRule(q, m, at); why != "" {
			open, rule = append(open, m.Month.String()), cmp.Or(rule, why)
		}
	}
	return open, rule
}

// opens is when the last of the open months is over: a list with its term, every other one with its month (QPY-05).
func opens(q calendar.Quarter, months []Month, at time.Time) time.Time {
	until := at
	for _, m := range months {
		closes := m.Month.Ends()
		if m.State == staff.ToConfirm {
			closes = *m.ConfirmUntil
		}
		if openRule(q, m, at) != "" && closes.After(until) {
			until = closes
		}
	}
	return until
}

// FirstAllowed is the first instant at which the quarter can be requested if nothing else happens; false: not by waiting.
func FirstAllowed(q calendar.Quarter, months []Month, at time.Time) (time.Time, bool) {
	if len(named(months, staff.InReview)) > 0 || len(named(months, staff.Passed)) == 0 {
		return time.Time{}, false
	}
	return opens(q, months, at), true
}

func named(months []Month, s staff.State) []string {
	var out []string
	for _, m := range months {
		if m.State == s {
			out = append(out, m.Month.String())
		}
	}
	return out
}

// shown writes an instant for people.
func shown(at time.Time) string { return at.In(calendar.Zone).Format("2006-01-02 15:04:05") + " UTC+8" }

// ParseQuarter reads 2024Q2, and 2024-Q2 as forms write it.
func ParseQuarter(text string) (calendar.Quarter, error) {
	q, err := calendar.ParseQuarter(text)
	if err != nil {
		if q, second := calendar.ParseQuarter(strings.Replace(text, "-Q", "Q", 1)); second == nil {
			return q, nil
		}
		return q, fmt.Errorf("%q is not a quarter: write year and quarter as in 2024Q2", text)
	}
	return q, nil
}
