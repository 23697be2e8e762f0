package owed

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"

	"github.com/stretchr/testify/require"
)

var mei = person.Person{ID: "mei", Name: "Mei", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}}

// entry is what is open of an entry made on a day of June 2024.
func entry(id string, rate tax.Rate, remaining string, day int) Entry {
	return Entry{ID: id, Source: Incentive, Rate: rate, Amount: money.Must(remaining), Remaining: money.Must(remaining), CreatedAt: time.Date(2024, 6, day, 2, 0, 0, 0, time.UTC)}
}

// ask is mei's request over "rate amount" lines.
func ask(lines ...string) Request {
	r := Request{Partner: "P-100", Person: "mei", Key: "k"}
	for _, l := range lines {
		rate, amount, _ := strings.Cut(l, " ")
		r.Selected = append(r.Selected, Selected{Rate: rate, Amount: amount})
	}
	return r
}

func facts(entries ...Entry) Facts { return Facts{By: &mei, Known: true, Entries: entries} }

func codes(list refusal.List) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code+" "+r.Object)
	}
	return out
}

// invoices lists a plan as "rate invoiced".
func invoices(t *testing.T, r Request, f Facts) []string {
	t.Helper()
	p, refused := Judge(r, f)
	require.Empty(t, refused)
	out := []string{}
	for _, l := range p.Lines {
		out = append(out, fmt.Sprintf("%s %s", l.Rate, l.Invoiced))
	}
	return out
}

func refused(r Request, f Facts) []string {
	_, list := Judge(r, f)
	return codes(list)
}

// Rule: OWE-03, OWE-04
func TestGivenOwed10600_WhenExactlyThatIsSelected_ThenOWE03RefusesAnd11000IsInvoicedWith400(t *testing.T) {
	f := facts(entry("OE1", 600, "10600.00", 3))
	require.Equal(t, []string{"OWE-03 OWE_AMOUNT partner P-100"}, refused(ask("6 10600.00"), f))
	require.Equal(t, []string{"6.00 400.00"}, invoices(t, ask("6 11000.00"), f))
	p, _ := Judge(ask("6 11000.00"), f)
	require.Equal(t, []Offset{{"OE1", money.Must("10600.00")}}, p.Offsets)
	require.Equal(t, []Line{{600, money.Must("11000.00"), money.Must("10600.00"), p.Lines[0].Invoiced}}, p.Lines)
	require.Equal(t, []string{"6.00 0.01"}, invoices(t, ask("6 10600.01"), f))
}

// Rule: OWE-05
func TestGivenOwedAt6Percent_WhenOnly13IsSelected_ThenNothingIsSetOffAndOWE05Refuses(t *testing.T) {
	f := facts(entry("OE1", 600, "10600.00", 3))
	require.Equal(t, []string{"OWE-06 OWE_OPEN owed entry OE1", "OWE-05 OWE_RATE owed entry OE1"}, refused(ask("13 11000.00"), f))
	p, _ := Judge(ask("13 11000.00"), f)
	require.Empty(t, p.Offsets)
}

// Rule: OWE-06
func TestGivenOpenEntries_WhenARequestLeavesOneOpen_ThenOWE06NamesIt(t *testing.T) {
	require.Equal(t, []string{"OWE-06 OWE_OPEN owed entry OE1", "OWE-03 OWE_AMOUNT owed entry OE1"}, refused(ask("6 4.99"), facts(entry("OE1", 600, "5.00", 3))), "too little at its rate")

	f := facts(entry("OE1", 600, "5.00", 3), entry("OE2", 1300, "100.00", 4))
	require.Equal(t, []string{"OWE-06 OWE_OPEN owed entry OE1", "OWE-05 OWE_RATE owed entry OE1"}, refused(ask("13 300.00"), f))
	require.Equal(t, []string{"6.00 15.00", "13.00 200.00"}, invoices(t, ask("13 300.00", "6 20.00"), f))
	require.Equal(t, []string{"6.00 15.00", "13.00 200.00"}, invoices(t, ask("13 100.00", "6 20.00", "13 200.00"), f), "amounts of one rate add up")
	require.Equal(t, []string{"9.00 50.00"}, invoices(t, ask("9 50.00"), facts()), "nothing is owed")

	two := facts(entry("OE2", 600, "30.00", 9), entry("OE1", 600, "20.00", 3))
	require.Equal(t, []string{"OWE-06 OWE_OPEN owed entry OE2", "OWE-03 OWE_AMOUNT owed entry OE2"}, refused(ask("6 40.00"), two), "the oldest is set off first, the younger stays open")
	p, list := Judge(ask("6 60.00"), two)
	require.Empty(t, list)
	require.Equal(t, []string{"OE1", "OE2"}, []string{p.Offsets[0].Entry, p.Offsets[1].Entry}, "oldest first")
}

// Rule: OWE-07
func TestGivenAPeriodInArrears_WhenItIsInvoiced_ThenOWE07RefusesUntilTheyArePaid(t *testing.T) {
	r := ask("6 500.00")
	r.Period = "2024-05"
	f := facts()
	f.Arrears = money.Must("100.00")
	require.Equal(t, []string{"OWE-07 OWE_ARREARS period 2024-05"}, refused(r, f), "whatever the period comes to, -20.00 or 500.00")
	f.Arrears = money.Zero
	require.Equal(t, []string{"6.00 500.00"}, invoices(t, r, f))
}

// Rule: ENG-06, PGM-08
func TestGivenARequestWrongInEveryWay_WhenItIsJudged_ThenAllGuardsAreListedInOrder(t *testing.T) {
	r := ask("6 5.00", "x 1", "13 0")
	r.Period, r.Key, r.Partner = "May", "", "P-200"
	f := facts(entry("OE1", 600, "10.00", 3))
	f.Known, f.Arrears = false, money.Must("1.00")
	require.Equal(t, []string{
		"COM-16 CBC.0151 partner P-200", "COM-17 CBC.5001 partner P-200", "COM-20 CBC.0100 request", "COM-08 CBC.0100 period", "COM-08 CBC.0100 tax rate", "COM-02 CBC.0100 amount",
		"OWE-07 OWE_ARREARS period May",
	}, refused(r, f))
	good := ask("6 5.00")
	good.Period = "2024-05"
	f = facts(entry("OE1", 600, "10.00", 3))
	f.Arrears = money.Must("1.00")
	require.Equal(t, []string{"OWE-07 OWE_ARREARS period 2024-05", "OWE-06 OWE_OPEN owed entry OE1", "OWE-03 OWE_AMOUNT owed entry OE1"}, refused(good, f), "state before amount")
	require.Equal(t, []string{"COM-02 CBC.0100 amount"}, refused(ask(), facts()))
}

// Rule: COM-16
func TestGivenAPerson_WhenTheyAskForInvoices_ThenOnlyThePartnersOwnAndTheEcosystemManagerMay(t *testing.T) {
	for _, c := range []struct {
		who person.Person
		may bool
	}{
		{mei, true},
		{person.Person{ID: "wang", Active: true, Roles: []person.Role{person.EcosystemManager}}, true},
		{person.Person{ID: "lina", Active: true, Roles: []person.Role{person.VendorFinance}}, false},
		{person.Person{ID: "bo", PartnerID: "P-200", Active: true, Roles: []person.Role{person.PartnerAdministrator}}, false},
		{person.Person{ID: "gone", PartnerID: "P-100", Roles: []person.Role{person.PartnerAdministrator}}, false},
	} {
		f := facts()
		f.By = &c.who
		require.Equal(t, c.may, len(refused(ask("6 1.00"), f)) == 0, c.who.ID)
	}
	f := facts()
	f.By = nil
	require.Equal(t, []string{"COM-16 CBC.0151 person mei"}, refused(ask("6 1.00"), f))
}

// Rule: OWE-01
func TestGivenAnEntry_WhenPartsOfItAreSetOff_ThenItGoesFromOpenToCleared(t *testing.T) {
	e := entry("OE1", 600, "10600.00", 3)
	require.Equal(t, Open, e.State())
	e.Remaining = money.Must("6600.00")
	require.Equal(t, Partly, e.State())
	e.Remaining = money.Zero
	require.Equal(t, Cleared, e.State())
}

func TestGivenAnAmountTakenBackByHand_WhenItIsSetOff_ThenTheOldestGoFirstWhateverTheirRate(t *testing.T) {
	entries := []Entry{entry("OE2", 1300, "30.00", 9), entry("OE1", 600, "20.00", 3)}
	offsets, left := Oldest(money.Must("25.00"), entries)
	require.Equal(t, "0.00", left.String())
	require.Equal(t, []string{"OE1 20.00", "OE2 5.00"}, []string{offsets[0].Entry + " " + offsets[0].Amount.String(), offsets[1].Entry + " " + offsets[1].Amount.String()})
	_, left = Oldest(money.Must("50.01"), entries)
	require.Equal(t, "0.01", left.String())
}

// Rule: OWE-03, OWE-04, OWE-05, OWE-06
func TestGivenAnyEntriesAndAnyRequest_WhenItIsAccepted_ThenEveryEntryIsCoveredByItsOwnRateAndTheRestIsPositive(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 13))
	rates := []tax.Rate{300, 600, 1300}
	accepted := 0
	for range 3000 {
		f := facts()
		owed := map[tax.Rate]money.Amount{}
		for i := range r.IntN(5) {
			rate := rates[r.IntN(len(rates))]
			e := entry(fmt.Sprintf("OE%d", i), rate, money.Fen(1+r.Int64N(500)).String(), 1+r.IntN(28))
			f.Entries = append(f.Entries, e)
			owed[rate] = owed[rate].Add(e.Remaining)
		}
		request, selected := ask(), map[tax.Rate]money.Amount{}
		for range 1 + r.IntN(3) {
			rate, amount := rates[r.IntN(len(rates))], money.Fen(1+r.Int64N(1500))
			request.Selected = append(request.Selected, Selected{rate.String(), amount.String()})
			selected[rate] = selected[rate].Add(amount)
		}
		lawful := true
		for _, rate := range rates {
			if chosen, any := selected[rate]; owed[rate].Sign() > 0 && (!any || chosen.Cmp(owed[rate]) <= 0) {
				lawful = false
			}
		}
		p, list := Judge(request, f)
		require.Equal(t, lawful, len(list) == 0, "%v %v: %v", f.Entries, request.Selected, list)
		if !lawful {
			require.Empty(t, p.Lines)
			continue
		}
		accepted++
		offsets := map[string]money.Amount{}
		for _, o := range p.Offsets {
			offsets[o.Entry] = offsets[o.Entry].Add(o.Amount)
		}
		for _, e := range f.Entries {
			require.True(t, offsets[e.ID].Equal(e.Remaining), "nothing stays open, nothing falls below zero")
		}
		for _, l := range p.Lines {
			require.True(t, l.SetOff.Equal(owed[l.Rate]))
			require.Equal(t, 1, l.Invoiced.Sign())
			require.True(t, l.Selected.Equal(l.SetOff.Add(l.Invoiced)))
		}
	}
	require.Greater(t, accepted, 300)
}
