package requisition

import (
	"testing"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

// Rule: PAY-02, PAY-03, PAY-04, PAY-05
func TestMethodTable(t *testing.T) {
	policy := DefaultPolicy()
	for name, c := range map[string]struct {
		of        Association
		generated string
		want      []Method
	}{
		"PAY-02 resale since the cut-over":              {Resale, "2023-11-06 00:00:00", []Method{Voucher, CloudOwed}},
		"PAY-03 resale of before":                       {Resale, "2023-09-28 00:00:00", []Method{Voucher, Bank, Cloud}},
		"PAY-03 advisory sale":                          {Advisory, "2024-06-03 00:00:00", []Method{Voucher, Bank, Cloud}},
		"PAY-03 advisory sale of before":                {Advisory, "2022-06-03 00:00:00", []Method{Voucher, Bank, Cloud}},
		"PAY-04 the last second before is historical":   {Resale, "2023-09-30 23:59:59", []Method{Voucher, Bank, Cloud}},
		"PAY-04 the cut-over instant is new":            {Resale, "2023-10-01 00:00:00", []Method{Voucher, CloudOwed}},
		"PAY-05 no model follows the advisory-sale row": {NoModel, "2024-06-03 00:00:00", []Method{Voucher, Bank, Cloud}},
		"PAY-05 no model of before, the same":           {NoModel, "2022-06-03 00:00:00", []Method{Voucher, Bank, Cloud}},
	} {
		t.Run(name, func(t *testing.T) {
			g := GroupOf(c.of, cst(c.generated), policy.CutOver)
			for _, m := range Methods {
				require.Equal(t, contains(c.want, m), g.Allows(m), "%s", m)
			}
		})
	}
	require.False(t, Group("").Allows(Voucher))
}

func contains(methods []Method, m Method) bool {
	for _, one := range methods {
		if one == m {
			return true
		}
	}
	return false
}

func TestApplications(t *testing.T) {
	old := func(amount string) Bill { return before("B1", amount) }
	blocked := func(reason string) Bill {
		b := resale("B1", "500.00")
		b.Requestable, b.Reason = false, reason
		return b
	}
	for name, c := range map[string]struct {
		a    Application
		f    Facts
		want string
	}{
		"PAY-01 two methods":                                {Application{RequestKey: "k", PartnerID: "P-100", Submitter: "mei", Methods: []Method{Voucher, Bank}}, facts(old("2000.00")), "PAY_ONE_METHOD"},
		"PAY-01 none":                                       {Application{RequestKey: "k", PartnerID: "P-100", Submitter: "mei"}, facts(old("2000.00")), "PAY_ONE_METHOD"},
		"PAY-01 there is no fifth":                          {asked("CHEQUE"), facts(old("2000.00")), "CBC.0100"},
		"PAY-01 a bill that is not released":                {asked(Voucher, "B1"), facts(blocked(NotReleased)), "INC_NOT_RELEASED"},
		"PAY-02 new resale by bank":                         {asked(Bank, "B1"), facts(bill("B1", Resale, "2023-11-06 00:00:00", "2000.00")), "PAY_METHOD_NOT_ALLOWED"},
		"PAY-03 advisory with an owed invoice":              {asked(CloudOwed, "B1"), facts(advisory("B1", "2000.00")), "PAY_METHOD_NOT_ALLOWED"},
		"PAY-03 historical resale by bank":                  {asked(Bank, "B1"), facts(old("2000.00")), "2000.00 1943.40"},
		"PAY-05 no model by bank":                           {asked(Bank, "B1"), facts(bill("B1", NoModel, "2024-06-03 00:00:00", "2000.00")), "2000.00 1943.40"},
		"PAY-06 no selection made: one of 600.00":           {asked(Voucher), facts(resale("B1", "100.00"), resale("B2", "200.00"), resale("B3", "300.00")), "600.00 600.00"},
		"PAY-06 some":                                       {asked(Voucher, "B1", "B3"), facts(resale("B1", "100.00"), resale("B2", "200.00"), resale("B3", "300.00")), "400.00 400.00"},
		"PAY-06 a bill named twice":                         {asked(Voucher, "B1", "B1"), facts(resale("B1", "100.00")), "CBC.0100"},
		"PAY-06 nothing can be requested":                   {asked(Voucher), facts(), "PAY_NOT_POSITIVE"},
		"PAY-07 new resale and advisory by bank":            {asked(Bank), facts(resale("B1", "1000.00"), advisory("B2", "1000.00")), "PAY_METHOD_NOT_ALLOWED"},
		"PAY-07 the same as quota":                          {asked(Voucher), facts(resale("B1", "1000.00"), advisory("B2", "1000.00")), "2000.00 2000.00"},
		"PAY-17 a frozen bill that is named":                {asked(Voucher, "B1"), facts(blocked(Frozen)), "PAY_FROZEN"},
		"PAY-17 a frozen bill is left out of the selection": {asked(Voucher), facts(blocked(Frozen), resale("B2", "200.00")), "200.00 200.00"},
		"PAY-21 bank 999.99":                                {asked(Bank, "B1"), facts(old("999.99")), "PAY_MINIMUM"},
		"PAY-21 cloud account 999.99":                       {asked(Cloud, "B1"), facts(old("999.99")), "PAY_MINIMUM"},
		"PAY-21 bank 1000.00":                               {asked(Bank, "B1"), facts(old("1000.00")), "1000.00 971.70"},
		"PAY-21 quota 0.01":                                 {asked(Voucher, "B1"), facts(old("0.01")), "0.01 0.01"},
		"PAY-21 owed 0.01":                                  {asked(CloudOwed, "B1"), facts(resale("B1", "0.01")), "0.01 0.01"},
		"PAY-26 a bill in a running request":                {asked(Voucher, "B1"), facts(blocked(Running)), "PAY_DUPLICATE"},
		"PAY-26 a bill that was paid":                       {asked(Voucher, "B1"), facts(blocked(Paid)), "PAY_ALREADY_PAID"},
		"PAY-27 +1500.00 with -600.00 outstanding":          {asked(Voucher, "B1"), facts(resale("B1", "1500.00"), resale("B2", "-600.00")), "900.00 900.00"},
		"PAY-27 whatever its model":                         {asked(Voucher, "B1"), facts(resale("B1", "1500.00"), advisory("B2", "-600.00")), "900.00 900.00"},
		"PAY-27 +500.00 with -600.00 outstanding":           {asked(Voucher, "B1"), facts(resale("B1", "500.00"), resale("B2", "-600.00")), "PAY_NOT_POSITIVE"},
		"PAY-27 exactly nothing left":                       {asked(Voucher, "B1"), facts(resale("B1", "600.00"), resale("B2", "-600.00")), "PAY_NOT_POSITIVE"},
		"PAY-21 the minimum is of the net":                  {asked(Bank, "B1"), facts(old("1200.00"), resale("B2", "-300.00")), "PAY_MINIMUM"},
		"INC-13 amount 500.00, payable -20.00":              {asked(Voucher, "B1"), facts(resale("B1", "500.00"), resale("B2", "-520.00")), "PAY_NOT_POSITIVE"},
		"INC-13 a negative bill by itself":                  {asked(Voucher, "B2"), facts(resale("B2", "-300.00")), "PAY_NOT_POSITIVE PAY_NOT_POSITIVE"},
		"INC-14 a bill past its validity":                   {asked(Voucher, "B1"), facts(blocked(Void)), "INC_VOID"},
		"COM-17 a bill of nobody":                           {asked(Voucher, "B9"), facts(old("1.00")), "CBC.5001"},
		"INV-07 10,600.00 at 6 % output, 3 % service":       {asked(Bank, "B1"), facts(old("10600.00")), "10600.00 10300.00"},
		"INV-07 as quota":                                   {asked(Voucher, "B1"), facts(old("10600.00")), "10600.00 10600.00"},
		"INV-07 with an owed invoice":                       {asked(CloudOwed, "B1"), facts(resale("B1", "10600.00")), "10600.00 10600.00"},
		"INV-07 to the cloud account":                       {asked(Cloud, "B1"), facts(old("10600.00")), "10600.00 10300.00"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, outcome(c.a, c.f)) })
	}
}

// Rule: PAY-07
func TestAMixedSelectionNamesTheBillThatDoesNotFit(t *testing.T) {
	_, list := Judge(asked(Bank), facts(resale("B1", "1000.00"), advisory("B2", "1000.00")))
	require.Len(t, list, 1)
	require.Equal(t, "bill B1", list[0].Object)
	require.Equal(t, "PAY-02", list[0].Rule)
}

// Rule: INV-07
func TestGiven1000At6And1Percent_WhenSettled_ThenItIs952_83(t *testing.T) {
	f := facts(before("B1", "1000.00"))
	f.Business.Certified.ServiceFeeRate = money.Must("1.00")
	require.Equal(t, "1000.00 952.83", outcome(asked(Bank), f))
}

// Rule: PAY-08
func TestGivenTwoPartialRequests_WhenSettled_ThenEachHasItsOwnAmount(t *testing.T) {
	bills := []Bill{before("B1", "1000.00"), before("B2", "2000.00")}
	require.Equal(t, "1000.00 971.70", outcome(asked(Bank, "B1"), facts(bills...)))
	require.Equal(t, "2000.00 1943.40", outcome(asked(Bank, "B2"), facts(bills...)))
}

// Rule: AUT-01, AUT-05, ENG-06
func TestCertificationAndEverythingElseIsSaidAtOnce(t *testing.T) {
	f := facts(before("B1", "500.00"))
	f.Certification = refusal.List{refusal.New("AUT-05", "AUT_IN_REVIEW", "partner P-100", "…")}
	f.Business.Certified = nil
	require.Equal(t, "AUT_IN_REVIEW PAY_MINIMUM", outcome(asked(Bank, "B1"), f))
}

// Rule: INC-19, COM-16, COM-17
func TestWhoMayApply(t *testing.T) {
	f := facts(before("B1", "500.00"))
	for name, c := range map[string]struct {
		by   person.Person
		want string
	}{
		"the administrator":         {*mei, "500.00 500.00"},
		"who holds the permission":  {person.Person{PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerIncentives}}, "500.00 500.00"},
		"another partner's":         {person.Person{PartnerID: "P-200", Active: true, Roles: []person.Role{person.PartnerAdministrator}}, "CBC.0151"},
		"the ecosystem manager":     {person.Person{Active: true, Roles: []person.Role{person.EcosystemManager}}, "500.00 500.00"},
		"the vendor's finance":      {person.Person{Active: true, Roles: []person.Role{person.VendorFinance}}, "CBC.0151"},
		"the system, not by itself": {person.Person{ID: System, Active: true}, "CBC.0151"},
	} {
		t.Run(name, func(t *testing.T) {
			f.Submitter = &c.by
			require.Equal(t, c.want, outcome(asked(Voucher), f))
		})
	}
	f.Submitter = nil
	require.Equal(t, "CBC.0151", outcome(asked(Voucher), f))
	f.Submitter, f.Partner.Kind = mei, "reseller"
	require.Equal(t, "INC_TIER2", outcome(asked(Voucher), f))
	f.Partner = nil
	require.Equal(t, "CBC.5001", outcome(asked(Voucher), f))
}

// Rule: PAY-19, PAY-23
func TestAnAutomaticRequestTakesItsRowGroup(t *testing.T) {
	f := facts(resale("B1", "100.00"), advisory("B2", "2000.00"), before("B3", "500.00"))
	f.Submitter = &person.Person{ID: System, Name: "The programme", Active: true}
	day, err := calendar.ParseDate("2024-06-08")
	require.NoError(t, err)
	p, list := Judge(AutomaticApplication("P-100", NewResale, Voucher, day), f)
	require.Empty(t, list)
	require.Equal(t, Automatic, p.Scope)
	require.Equal(t, "100.00", p.Gross.String())
	p, list = Judge(AutomaticApplication("P-100", Others, Bank, day), f)
	require.Empty(t, list)
	require.Equal(t, "2500.00", p.Gross.String())
}

// Rule: INV-12, INV-13, AUT-08
func TestGivenASubmission_WhenItIsAccepted_ThenEntityAccountAndDueDateAreThoseOfTheDay(t *testing.T) {
	f := facts(before("B1", "2000.00"))
	f.At = cst("2024-06-05 10:00:00")
	p, list := Judge(asked(Bank), f)
	require.Empty(t, list)
	require.Equal(t, "cloud", p.Entity)
	require.Equal(t, "6222-1", p.Information.AccountNo)
	require.Equal(t, "2024-07-05", p.InvoiceDue.String())
}

func TestNegativesReduceTheirOwnRateFirst(t *testing.T) {
	at := func(r, amount string) Bill {
		b := resale("B"+r+amount, amount)
		b.Rate = rate(r)
		return b
	}
	require.Equal(t, []Part{{rate("6"), money.Must("900.00")}, {rate("13"), money.Must("500.00")}},
		ByRate([]Bill{at("6", "1000.00"), at("13", "500.00")}, []Bill{at("6", "-100.00")}))
	require.Equal(t, []Part{{rate("13"), money.Must("300.00")}}, ByRate([]Bill{at("6", "1000.00"), at("13", "500.00")}, []Bill{at("6", "-1200.00")}))
	require.Equal(t, []Part{{rate("6"), money.Must("400.00")}}, ByRate([]Bill{at("6", "1000.00")}, []Bill{at("13", "-600.00")}))
}

// Rule: COM-20
func TestTheOrderOfBillsIsNotAnotherRequest(t *testing.T) {
	require.Equal(t, asked(Bank, "B1", "B2").Digest(), asked(Bank, "B2", "B1").Digest())
	require.NotEqual(t, asked(Bank, "B1").Digest(), asked(Cloud, "B1").Digest())
	require.Equal(t, "CBC.0100", outcome(asked(Voucher, "B\x001").Storable(), facts(before("B1", "1.00")))[:8])
}
