package bill_test

import (
	"testing"
	"time"

	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

// cst reads a time of day in the programme's zone.
func cst(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func date(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func at(s string) *time.Time { t := cst(s); return &t }

// codes lists what a refusal says, as "RULE CODE".
func codes(list refusal.List) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

var (
	mei  = &person.Person{ID: "mei", Name: "Mei", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	bo   = &person.Person{ID: "bo", Name: "Bo", PartnerID: "P-200", Active: true, Roles: []person.Role{person.PartnerIncentives}}
	otto = &person.Person{ID: "otto", Name: "Otto", Active: true, Roles: []person.Role{person.VendorOperations}}
)

// released is a bill that may be requested.
func released(id, amount string) bill.Bill {
	return bill.Bill{ID: id, Partner: "P-100", Plan: "A", Period: "2024-05", Association: bill.Resale, Amount: money.Must(amount), State: bill.Released}
}

// may is the reconciliation of May 2024: plan A by resale and by advisory sale, plan B by resale.
func may() bill.Set {
	set := bill.Set{Case: "N000001", Partner: "P-100", Period: "2024-05", State: bill.ToConfirm, Deadline: date("2024-06-15"), Bills: []bill.Bill{
		released("B1", "100.00"), released("B2", "50.00"), released("B3", "7.00"),
	}}
	for i := range set.Bills {
		set.Bills[i].State = bill.ToConfirm
	}
	set.Bills[1].Association = bill.Advisory
	set.Bills[2].Plan = "B"
	return set
}

func says(who *person.Person, when string, text string, bills ...string) bill.Answer {
	return bill.Answer{Person: who, Name: who.ID, At: cst(when), Text: text, Bills: bills}
}

func none(t *testing.T, list refusal.List) {
	t.Helper()
	require.Empty(t, codes(list), list.Error())
}
