package withdrawal

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/verification"

	"pgregory.net/rapid"
)

var (
	anySource = rapid.SampledFrom([]Source{
		Alipay, Wechat, Unionpay, EbankPersonal, EbankCorporate, RemitDedicated, RemitGeneral,
		IncentivePaid, IncentiveOwed, TradeMode, Grant, Reclaim, Refund,
	})
	anyName   = rapid.SampledFrom([]string{"A Ltd", " A Ltd", "A(1)Ltd", "A（1）Ltd", "Zhang San", ""})
	anyEntity = rapid.SampledFrom([]string{CloudCompany, "software"})
	anyRoute  = rapid.SampledFrom(Routes)
	newYear   = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
)

func fen(t *rapid.T, label string, from, to int64) money.Amount {
	return money.Fen(rapid.Int64Range(from, to).Draw(t, label))
}

func hundredths(a money.Amount) int64 {
	n, err := strconv.ParseInt(strings.ReplaceAll(a.String(), ".", ""), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// anyFacts are those of an active partner with up to six lots; the cash is what the lots hold.
func anyFacts(t *rapid.T) Facts {
	f := Facts{
		At: newYear.AddDate(1, 0, 0), Policy: DefaultPolicy(), Code: verification.Right, Branch: "Longgang",
		Submitter: &person.Person{ID: "U1", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerAdministrator}},
		Partner:   &Partner{ID: "P1001", State: AccountActive, VerifiedName: anyName.Draw(t, "verified"), Entity: anyEntity.Draw(t, "entity")},
		Unposted:  fen(t, "unposted", 0, 500), Debts: fen(t, "debts", 0, 500),
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "lots") {
		l := Lot{
			No: LotNo(i + 1), Source: anySource.Draw(t, "source"), Payer: anyName.Draw(t, "payer"), Entity: anyEntity.Draw(t, "received by"),
			PayerAccount: rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "payer account"),
			ArrivedAt:    newYear.AddDate(0, 0, rapid.IntRange(0, 365).Draw(t, "day")), Remaining: fen(t, "remaining", 1, 3000),
			Designated: rapid.IntRange(0, 9).Draw(t, "designated") == 0, BankCardOnly: rapid.IntRange(0, 9).Draw(t, "bank card only") == 0,
		}
		if l.Source == IncentiveOwed {
			l.OwedOpen = fen(t, "owed", 0, 4000)
			f.Owed = f.Owed.Add(l.OwedOpen)
		}
		f.Lots, f.Cash = append(f.Lots, l), f.Cash.Add(l.Remaining)
	}
	return f
}

// anyApplication asks for up to 60.00, half of the time from lots that it names. Every second one aims at what may be
// withdrawn, by a route that has it and in a name that fits, so that acceptance is tried as often as refusal.
func anyApplication(t *rapid.T, f Facts) Application {
	app := Application{
		RequestKey: "k1", PartnerID: "P1001", Submitter: "U1", Route: anyRoute.Draw(t, "route"),
		Payee: Payee{Holder: anyName.Draw(t, "holder"), AccountNo: "6222-0001", Bank: "ICBC"},
	}
	most := int64(6000)
	if a := f.Available(); rapid.Bool().Draw(t, "aimed") {
		for _, r := range Routes {
			if free := min(6000, hundredths(a.Routes[r])); free > 0 {
				app.Route, most = r, free
				break
			}
		}
		if f.Partner.VerifiedName != "" {
			app.Payee.Holder = f.Partner.VerifiedName
		}
	}
	amount := fen(t, "amount", 1, most)
	if app.Route == Original {
		app.Payee = Payee{}
	}
	if len(f.Lots) > 0 && rapid.Bool().Draw(t, "named") {
		amount = money.Zero
		for i := range rapid.IntRange(1, 3).Draw(t, "choices") {
			part := fen(t, "part", 1, 2000)
			app.Lots = append(app.Lots, LotChoice{Lot: LotNo(i + 1).String(), Amount: part.String()})
			amount = amount.Add(part)
		}
	}
	app.Amount = amount.String()
	return app
}

func TestGivenAnyLotsAndAmount_WhenAPlanIsAccepted_ThenItTakesWhatWasAskedForFromLotsThatMayLeave(t *testing.T) {
	accepted := 0
	property := func(t *rapid.T) {
		f := anyFacts(t)
		app := anyApplication(t, f)
		plan, list := Judge(app, f)
		if len(list) > 0 {
			if len(plan.Lines) > 0 || plan.Amount.Sign() != 0 {
				t.Fatalf("refused with %v, but planned %v", list, plan)
			}
			return
		}
		accepted++
		total := money.Zero
		for _, line := range plan.Lines {
			l := f.Lots[line.Lot-1]
			total = total.Add(line.Amount)
			if line.Amount.Sign() <= 0 || line.Amount.Cmp(l.Free()) > 0 {
				t.Fatalf("%s of lot %s, of which %s is free", line.Amount, l.No, l.Free())
			}
			pool, _ := l.Pool(f.Partner.Entity, calendar.DateOf(f.At))
			byChoice := app.Route == BankCard && pool == Original && len(app.Lots) > 0 // WDL-09
			if pool != app.Route && !byChoice {
				t.Fatalf("lot %s of pool %s left by %s", l.No, pool, app.Route)
			}
			if want, rule := l.HolderOn(app.Route, f.Partner.VerifiedName); !SameName(want, plan.Payee.Holder) || foldName(want) == "" {
				t.Fatalf("lot %s went to %q, %s wants %q", l.No, plan.Payee.Holder, rule, want)
			}
		}
		if total.String() != app.Amount || !plan.Amount.Equal(total) {
			t.Fatalf("asked for %s, planned %s in lines of %s", app.Amount, plan.Amount, total)
		}
		a := f.Available()
		if total.Cmp(a.Withdrawable) > 0 || len(app.Lots) == 0 && total.Cmp(a.Routes[app.Route]) > 0 {
			t.Fatalf("%s left, available %v", total, a)
		}
		if plan.PaidFrom == "" || plan.PayingEntity == "" {
			t.Fatalf("nobody pays: %v", plan)
		}
	}
	for range 20 { // about every tenth application is accepted, far fewer where the drawn numbers stay small
		if rapid.Check(t, property); accepted >= 20 {
			return
		}
	}
	t.Fatalf("%d applications were accepted: the property was not tried", accepted)
}

func TestGivenAnyLots_WhenTheRoutesAreShown_ThenNoneIsBelowZeroOrAboveTheWithdrawableAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyFacts(t).Available()
		for _, r := range Routes {
			if a.Routes[r].Sign() < 0 || a.Routes[r].Cmp(a.Withdrawable) > 0 {
				t.Fatalf("%s: %v", r, a)
			}
		}
	})
}

func TestGivenAnyNames_WhenTheyAreCompared_ThenSameNameIsAnEquivalence(t *testing.T) {
	name := rapid.StringOfN(rapid.SampledFrom([]rune("A( （)）[［]］{｛}｝\t\u3000京")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		if !SameName(a, a) || SameName(a, b) != SameName(b, a) || SameName(a, b) && SameName(b, c) && !SameName(a, c) {
			t.Fatalf("%q, %q, %q", a, b, c)
		}
	})
}

func TestGivenAnyChosenLots_WhenTheyAreGrouped_ThenWDL06PutsEachIntoOneGroupWithItsAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, route := anyFacts(t), anyRoute.Draw(t, "route")
		var chosen []taken
		total := money.Zero
		for _, l := range f.Lots {
			chosen = append(chosen, taken{l, l.Remaining})
			total = total.Add(l.Remaining)
		}
		seen, sum := map[LotNo]bool{}, money.Zero
		for _, g := range groups(chosen, route, *f.Partner) {
			first := f.Lots[g.lots[0]-1]
			want, _ := first.HolderOn(route, f.Partner.VerifiedName)
			for _, no := range g.lots {
				got, _ := f.Lots[no-1].HolderOn(route, f.Partner.VerifiedName)
				if seen[no] || !SameName(want, got) {
					t.Fatalf("lot %s stands twice, or beside another holder: %s", no, g)
				}
				if payingEntity(first, route, *f.Partner) != payingEntity(f.Lots[no-1], route, *f.Partner) {
					t.Fatalf("two entities would pay: %s", g)
				}
				seen[no] = true
			}
			sum = sum.Add(g.amount)
		}
		if len(seen) != len(chosen) || !sum.Equal(total) {
			t.Fatalf("%d of %d lots, %s of %s", len(seen), len(chosen), sum, total)
		}
	})
}

func TestGivenLotsThatWDL06Refuses_WhenEachGroupIsAppliedForAlone_ThenNoneIsMixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, route := anyFacts(t), anyRoute.Draw(t, "route")
		var chosen []taken
		for _, l := range f.Lots {
			chosen = append(chosen, taken{l, l.Remaining})
		}
		for _, g := range groups(chosen, route, *f.Partner) {
			var alone []taken
			for _, no := range g.lots {
				alone = append(alone, chosen[no-1])
			}
			if n := len(groups(alone, route, *f.Partner)); n != 1 {
				t.Fatalf("%s falls into %d groups", g, n)
			}
		}
	})
}
