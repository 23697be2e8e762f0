package requisition

import (
	"fmt"
	"strings"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"
)

func cst(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// bill is a requestable one, or an outstanding negative.
func bill(id string, a Association, generated, amount string) Bill {
	b := Bill{ID: id, Association: a, Period: "2024-05", GeneratedAt: cst(generated), Amount: money.Must(amount), Rate: 600, Requestable: true}
	if b.Amount.Sign() < 0 {
		b.Requestable, b.Reason = false, Outstanding
	}
	return b
}

// resale, before and advisory are a new resale bill, a historical one, and one of advisory sale.
func resale(id, amount string) Bill   { return bill(id, Resale, "2024-06-03 10:00:00", amount) }
func before(id, amount string) Bill   { return bill(id, Resale, "2023-09-28 10:00:00", amount) }
func advisory(id, amount string) Bill { return bill(id, Advisory, "2024-06-03 10:00:00", amount) }

var mei = &person.Person{ID: "mei", Name: "Mei", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}}

func asked(m Method, bills ...string) Application {
	return Application{RequestKey: "k1", PartnerID: "P-100", Submitter: "mei", Methods: []Method{m}, Bills: bills}
}

// facts is a certified partner with these bills, on 10 June 2024.
func facts(bills ...Bill) Facts {
	info := &business.Information{Version: 1, Status: business.Passed, ServiceFeeRate: money.Must("3.00"), AccountNo: "6222-1", Currency: "CNY"}
	return Facts{
		At: cst("2024-06-10 10:00:00"), Policy: DefaultPolicy(), Submitter: mei, Partner: &Partner{ID: "P-100", Kind: "solution-provider", State: "ACTIVE"},
		Business: business.Facts{Partner: "P-100", Certified: info, Latest: info, Entity: "cloud"}, Bills: bills, Calendar: calendar.China(),
	}
}

func codes(list refusal.List) string { return strings.Join(list.Codes(), " ") }

// outcome is what an application comes to: "gross settlement", or the codes of its refusal.
func outcome(a Application, f Facts) string {
	p, list := Judge(a, f)
	if len(list) > 0 {
		return codes(list)
	}
	return fmt.Sprintf("%s %s", p.Gross, p.Settlement)
}

func rate(s string) tax.Rate {
	r, err := tax.Parse(s)
	if err != nil {
		panic(err)
	}
	return r
}
