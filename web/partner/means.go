package partner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/withdrawal"
	"countersign/views"
)

// means is what can leave the account, by which way, and what stays and why.
type means struct {
	views.Available
	Ways       []way
	Designated money.Amount // tied to a purpose: never leaves (WDL-08)
	Uninvoiced money.Amount // leaves once its invoices are there (WDR-09)
	Newest     []views.Lot  // the newest first
	More       int          // older ones that are not among them
}

// way is one route with what it gives now.
type way struct {
	Route   withdrawal.Route
	Amount  money.Amount
	Pool    money.Amount // of the money that leaves by it; more than Amount: what the partner owes lowers it
	Limited bool
}

// shownLots is how many sums of money a page lists.
const shownLots = 30

// meansOf reads what can leave a partner's account now.
func meansOf(ctx context.Context, r views.Reader, partner string) (m means, err error) {
	if m.Available, err = r.Available(ctx, partner, time.Now()); err != nil {
		return m, err
	}
	pools := map[withdrawal.Route]money.Amount{}
	for _, l := range m.Lots {
		pools[l.Pool] = pools[l.Pool].Add(l.Free)
		if l.Designated {
			m.Designated = m.Designated.Add(l.Remaining)
		} else {
			m.Uninvoiced = m.Uninvoiced.Add(l.Remaining.Sub(l.Free))
		}
	}
	for _, route := range withdrawal.Routes {
		m.Ways = append(m.Ways, way{route, m.Routes[route], pools[route], pools[route].Cmp(m.Routes[route]) > 0})
	}
	m.Newest = slices.SortedFunc(slices.Values(m.Lots), func(a, b views.Lot) int { // as they are taken (WDL-13)
		return cmp.Or(b.ArrivedAt.Compare(a.ArrivedAt), cmp.Compare(b.No, a.No))
	})
	if m.More = max(0, len(m.Newest)-shownLots); m.More > 0 {
		m.Newest = m.Newest[:shownLots]
	}
	return m, nil
}

// position is what a partner has in the programme besides its cash, and owes.
type position struct {
	Held, Incentive, Fund, Owed money.Amount
	Month                       string // the present one, for the statement
}

func positionOf(ctx context.Context, r views.Reader, partner string) (p position, err error) {
	p.Month = calendar.DateOf(time.Now()).String()[:7]
	for account, into := range map[ledger.Account]*money.Amount{ledger.Hold(partner): &p.Held, ledger.Incentive(partner): &p.Incentive, ledger.Fund(partner): &p.Fund, ledger.Owed(partner): &p.Owed} {
		if *into, err = r.Balance(ctx, account); err != nil {
			return p, err
		}
	}
	return p, nil
}
