package withdrawal

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
)

// LotNo is a lot's number, written L000123.
type LotNo int64

var lotNo = regexp.MustCompile(`^L0*([1-9][0-9]{0,17})$`)

// ParseLotNo reads what String wrote.
func ParseLotNo(s string) (LotNo, error) {
	m := lotNo.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is not a lot number; write it like L000123", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return LotNo(n), err
}

func (n LotNo) String() string { return fmt.Sprintf("L%06d", int64(n)) }

// MarshalText writes the number as people see it.
func (n LotNo) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads it back.
func (n *LotNo) UnmarshalText(text []byte) (err error) {
	*n, err = ParseLotNo(string(text))
	return err
}

// Source is how money of a lot came in.
type Source string

// The funding sources.
const (
	Alipay         Source = "ALIPAY"
	Wechat         Source = "WECHAT"
	Unionpay       Source = "UNIONPAY"
	EbankPersonal  Source = "EBANK_PERSONAL"
	EbankCorporate Source = "EBANK_CORPORATE"
	RemitDedicated Source = "REMIT_DEDICATED"
	RemitGeneral   Source = "REMIT_GENERAL"
	IncentivePaid  Source = "INCENTIVE"
	IncentiveOwed  Source = "INCENTIVE_OWED"
	TradeMode      Source = "TRADE_MODE"
	Grant          Source = "GRANT"
	Reclaim        Source = "RECLAIM"
	Refund         Source = "REFUND"
)

// Lot is one dated part of a partner's top-up account.
type Lot struct {
	No           LotNo        `db:"lot_no"`
	Source       Source       `db:"source"`
	Payer        string       `db:"payer"`         // the subject behind the payment
	PayerAccount string       `db:"payer_account"` // wallet or bank account it was paid from
	Entity       string       `db:"entity"`        // the vendor's entity that received it (WDL-26)
	ArrivedAt    time.Time    `db:"arrived_at"`
	Remaining    money.Amount `db:"remaining"`
	OwedOpen     money.Amount `db:"owed_open"`      // part of its own owed-invoice entry not offset yet (WDR-09)
	Designated   bool         `db:"designated"`     // tied to a purpose (WDL-08)
	BankCardOnly bool         `db:"bank_card_only"` // its original route failed (WDL-28)
}

// Free is what may leave of the lot at all: nothing of designated money (WDL-08), of incentive money with an owed invoice
// only the part already offset (WDR-09, WDL-24).
func (l Lot) Free() money.Amount {
	if l.Designated {
		return money.Zero
	}
	return l.Remaining.Sub(l.OwedOpen).NotBelowZero()
}

// Pool is the one route by whose pool the lot leaves, for a partner contracted with entity, on a business date. The second
// result is the rule that says so.
func (l Lot) Pool(entity string, on calendar.Date) (Route, string) {
	within := func(months int) bool { return calendar.Within(calendar.DateOf(l.ArrivedAt), on, months) }
	switch l.Source {
	case IncentivePaid, IncentiveOwed:
		return Incentive, "WDL-23"
	case TradeMode:
		return BankCard, "WDL-09"
	case Alipay, Wechat, Unionpay, EbankPersonal, EbankCorporate, RemitDedicated, RemitGeneral, Grant, Reclaim, Refund:
	}
	if l.BankCardOnly {
		return BankCard, "WDL-28"
	}
	if entity == CloudCompany {
		switch {
		case l.Source == Alipay && within(3), l.Source == RemitDedicated, l.Source == RemitGeneral:
			return Original, "WDL-10"
		}
		return BankCard, "WDL-12"
	}
	switch {
	case (l.Source == Alipay || l.Source == Wechat) && within(11), l.Source == Unionpay && within(3):
		return Original, "WDL-11"
	}
	return BankCard, "WDL-11"
}

// HolderOn is the name that the receiving account must bear when the lot leaves by the route, and the rule that says so: the
// source of the money decides (WDR-08).
func (l Lot) HolderOn(route Route, verified string) (string, string) {
	switch route {
	case Original:
		return l.Payer, "WDL-14"
	case Incentive:
		return verified, "WDR-04" // with WDL-03 and WDL-21, which say the same
	case BankCard:
	}
	switch l.Source {
	case Alipay, Wechat:
		return l.Payer, "WDL-01"
	case EbankPersonal, EbankCorporate:
		return verified, "WDL-02"
	case TradeMode, IncentivePaid, IncentiveOwed:
		return verified, "WDL-03"
	case Unionpay, RemitDedicated, RemitGeneral, Grant, Reclaim, Refund:
	}
	return verified, "WDL-31"
}

// online tells whether money came through a payment channel and goes back through it.
func (s Source) online() bool { return s == Alipay || s == Wechat || s == Unionpay }

// wallet tells whether the channel pays at once (WDL-17).
func (s Source) wallet() bool { return s == Alipay || s == Wechat }

// paidFrom is the account credited when a lot of this source has left by the route.
func (s Source) paidFrom(route Route) ledger.Account {
	if route == Original {
		switch s {
		case Alipay:
			return ledger.ChanAlipay
		case Wechat:
			return ledger.ChanWechat
		case Unionpay:
			return ledger.ChanUnionpay
		case EbankPersonal, EbankCorporate, RemitDedicated, RemitGeneral, IncentivePaid, IncentiveOwed, TradeMode, Grant, Reclaim, Refund:
		}
	}
	return ledger.Bank
}

var brackets = strings.NewReplacer("（", "(", "）", ")", "［", "[", "］", "]", "｛", "{", "｝", "}")

// SameName compares two account names: outer blanks do not count, full-width and half-width brackets are alike, all else
// counts exactly (WDL-05).
func SameName(a, b string) bool { return foldName(a) == foldName(b) }

func foldName(s string) string { return brackets.Replace(strings.TrimSpace(s)) }

// lastInFirstOut orders lots for taking: latest arrival first, at one instant the higher number first (WDL-13).
func lastInFirstOut(lots []Lot) []Lot {
	return slices.SortedStableFunc(slices.Values(lots), func(a, b Lot) int {
		return cmp.Or(b.ArrivedAt.Compare(a.ArrivedAt), cmp.Compare(b.No, a.No))
	})
}

// group is lots that can be applied for together, one group after the other (WDL-06).
type group struct {
	title  string
	lots   []LotNo
	amount money.Amount
}

func (g group) String() string {
	names := make([]string, len(g.lots))
	for i, n := range g.lots {
		names[i] = n.String()
	}
	return fmt.Sprintf("%s %s (%s)", g.title, g.amount, strings.Join(names, ", "))
}

// groups sorts what was chosen by what one payment can carry: on the original route one payer account, channel and paying
// entity; on the others one required holder (WDL-06).
func groups(chosen []taken, route Route, p Partner) []group {
	var out []group
	at := map[string]int{}
	for _, t := range chosen {
		holder, _ := t.lot.HolderOn(route, p.VerifiedName)
		key, title := foldName(holder), holder
		if route == Original {
			title = fmt.Sprintf("%s %s", t.lot.Source, holder)
			if t.lot.PayerAccount != "" {
				title += " " + t.lot.PayerAccount
			}
			key = fmt.Sprintf("%q %q %q %q", t.lot.Source, foldName(holder), t.lot.PayerAccount, payingEntity(t.lot, route, p))
		}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, group{title: title})
		}
		out[i].lots = append(out[i].lots, t.lot.No)
		out[i].amount = out[i].amount.Add(t.amount)
	}
	return out
}

// payingEntity is which of the vendor's entities pays: online money goes back from the entity that received it, all other
// money comes from the partner's present contracting entity (WDL-26).
func payingEntity(l Lot, route Route, p Partner) string {
	if route == Original && l.Source.online() {
		return l.Entity
	}
	return p.Entity
}
