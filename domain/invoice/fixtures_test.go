package invoice

import (
	"testing"
	"time"

	"countersign/domain/business"
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

func day(s string) calendar.Date { return calendar.DateOf(cst(s + " 00:00:00")) }

var (
	mei  = person.Person{ID: "mei", Name: "Mei", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	lina = person.Person{ID: "lina", Name: "Li Na", Active: true, Roles: []person.Role{person.VendorFinance}}
)

// list asks P-100 for 10,300.00 at 3 % by 5 July 2024.
func list(state State) List {
	return List{
		No: "IL000001", Case: "R000001", State: state,
		Supplier: SupplierOf(business.Information{
			Company: "Alpha Cloud Ltd", Code: "9144", TaxNumber: "T-9144", RegisteredAddress: "1 Cloud Road, Shenzhen",
			AccountName: "Alpha Cloud Ltd", Bank: "ICBC", Branch: "Shenzhen Nanshan", AccountNo: "6222-1", Taxpayer: business.SmallScale,
		}),
		BuyerEntity: "cloud", Buyer: "Vendor Cloud Co., Ltd.", ServiceItem: "incentive service fee", Period: "2024-05",
		Amount: money.Must("10300.00"), Currency: money.CNY, Rate: 300,
		MailingAddress: "2 Vendor Street, Guiyang", PublicMailbox: "invoices@vendor.example",
		OpenedAt: cst("2024-06-05 10:00:00"), VisibleAt: cst("2024-06-05 10:00:00"), DueDate: day("2024-07-05"),
	}
}

// entered is an invoice that keeps to the list.
func entered(number, net, vat, total string) Entered {
	return Entered{
		Number: number, Type: Paper, Date: "2024-06-20", Currency: "CNY", Net: net, Tax: vat, Total: total, Rate: "3",
		Buyer: "Vendor Cloud Co., Ltd.", Items: ItemsOf(list(ToIssue), net),
	}
}

// parcel is what mei sends by post.
func parcel(invoices ...Entered) Package {
	return Package{Case: "R000001", Person: "mei", Key: "k1", Invoices: invoices, ListEnclosed: true, Carrier: "SF", TrackingNo: "SF1"}
}

func whole() Entered { return entered("A1", "10000.00", "300.00", "10300.00") }

func sent(at string, state State) Sending {
	return Sending{By: &mei, Partner: "P-100", List: list(state), At: cst(at)}
}

// codes lists a refusal as "RULE CODE".
func codes(list refusal.List) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

// accepted requires that a package was accepted and answers its invoices.
func accepted(t *testing.T, p Package, s Sending) []Invoice {
	t.Helper()
	invoices, refused := JudgeSending(p, s)
	require.Empty(t, refused)
	return invoices
}
