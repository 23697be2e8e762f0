package invoice

import (
	"fmt"
	"strings"
	"testing"

	"countersign/domain/money"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

// judged answers what is refused of a package of mei's on 21 June 2024.
func judged(p Package, taken ...Taken) []string {
	s := sent("2024-06-21 10:00:00", ToIssue)
	s.Taken = taken
	_, refused := JudgeSending(p, s)
	return codes(refused)
}

// Rule: INV-05
func TestGivenAnInvoiceType_WhenItIsSent_ThenOnlySpecialVATInvoicesAreAccepted(t *testing.T) {
	ordinary := whole()
	ordinary.Type = Ordinary
	require.Equal(t, []string{"INV-05 INV_TYPE"}, judged(parcel(ordinary)))
	unknown := whole()
	unknown.Type = "RECEIPT"
	require.Equal(t, []string{"INV-05 INV_TYPE"}, judged(parcel(unknown)))
	require.Empty(t, judged(parcel(whole())), "special, on paper")
	electronic := parcel(whole())
	electronic.Invoices[0].Type, electronic.TrackingNo, electronic.Mailbox = Electronic, "", "Invoices@vendor.example"
	require.Empty(t, judged(electronic), "special, electronic")
}

// Rule: INV-08
func TestGivenInvoicesOf10299_99_WhenTheListAsksFor10300_ThenINV08Refuses(t *testing.T) {
	short := parcel(entered("A1", "9708.74", "291.26", "10000.00"), entered("A2", "291.25", "8.74", "299.99"))
	require.Equal(t, []string{"INV-08 INV_AMOUNT"}, judged(short))
	short.Invoices[1] = entered("A2", "291.26", "8.74", "300.00")
	require.Empty(t, judged(short), "two invoices, 10,300.00 together (INV-10)")
	over := parcel(entered("A1", "10000.00", "300.01", "10300.01"))
	require.Equal(t, []string{"INV-08 INV_AMOUNT"}, judged(over), "not a fen more either")
	askew := parcel(entered("A1", "10000.00", "200.00", "10300.00"))
	require.Equal(t, []string{"INV-08 INV_AMOUNT"}, judged(askew), "each adds up by itself")
}

// Rule: INV-09
func TestGivenAnEmptyNumberList_WhenItIsSent_ThenINV09Refuses(t *testing.T) {
	require.Equal(t, []string{"INV-09 INV_NUMBER_MISSING"}, judged(parcel()))
	nameless := whole()
	nameless.Number = "  "
	require.Equal(t, []string{"INV-09 INV_NUMBER_MISSING"}, judged(parcel(nameless)))
}

// Rule: INV-10
func TestGivenAnInvoiceUsedForOneRequest_WhenItIsSentForAnother_ThenINV10Refuses(t *testing.T) {
	taken := Taken{Number: "A1", Case: "R000002", State: "used"}
	require.Equal(t, []string{"INV-10 INV_REUSED"}, judged(parcel(whole()), taken))
	lower := whole()
	lower.Number = " a1 "
	require.Equal(t, []string{"INV-10 INV_REUSED"}, judged(parcel(lower), taken), "however it is typed")
	coded := whole()
	coded.Code = "0110"
	require.Equal(t, []string{"INV-10 INV_REUSED"}, judged(parcel(coded), taken), "a code added to it makes no new number")
	taken.Code = "0110"
	require.Equal(t, []string{"INV-10 INV_REUSED"}, judged(parcel(whole()), taken), "nor a code left out")
	taken.Code = "0220"
	require.Empty(t, judged(parcel(coded), taken), "another code is another invoice")
	spaced := whole()
	spaced.Number = "A 1"
	require.Equal(t, []string{"INV-20 CBC.0100"}, judged(parcel(spaced), taken), "nor a space")
	twice := parcel(entered("A1", "5000.00", "150.00", "5150.00"), entered("A1", "5000.00", "150.00", "5150.00"))
	require.Equal(t, []string{"INV-10 INV_REUSED"}, judged(twice), "nor twice on one list")
}

// Rule: INV-16
func TestGivenAFailedNumber_WhenItIsSentAgain_ThenINV16Refuses(t *testing.T) {
	s := sent("2024-11-12 10:00:00", ToReissue)
	s.Taken = []Taken{{Number: "A1", Case: "R000001", State: "closed"}}
	_, refused := JudgeSending(parcel(whole()), s)
	require.Equal(t, []string{"INV-16 INV_REUSED"}, codes(refused))
	require.Len(t, accepted(t, parcel(entered("A2", "10000.00", "300.00", "10300.00")), s), 1, "A2 is sent (INV-15)")
}

// Rule: INV-11
func TestGivenAPackage_WhenTheListIsNotEnclosedOrItGoesElsewhere_ThenINV11Refuses(t *testing.T) {
	bare := parcel(whole())
	bare.ListEnclosed = false
	require.Equal(t, []string{"INV-11 INV_LIST_MISSING"}, judged(bare))
	untracked := parcel(whole())
	untracked.TrackingNo = ""
	require.Equal(t, []string{"INV-11 CBC.0100"}, judged(untracked), "paper is posted")
	elsewhere := parcel(whole())
	elsewhere.Invoices[0].Type, elsewhere.TrackingNo, elsewhere.Mailbox = Electronic, "", "sales@vendor.example"
	require.Equal(t, []string{"INV-11 CBC.0100"}, judged(elsewhere), "electronic ones go to the public mailbox")
	elsewhere.ListEnclosed = false
	require.Equal(t, []string{"INV-11 INV_LIST_MISSING", "INV-11 CBC.0100"}, judged(elsewhere))
}

// Rule: ENG-03
func TestGivenAListInAState_WhenInvoicesAreSent_ThenOnlyWhereTheyAreWaitedFor(t *testing.T) {
	for state, waits := range map[State]bool{ToIssue: true, ToReissue: true, InTransit: false, InReview: false, Accepted: false} {
		_, refused := JudgeSending(parcel(whole()), sent("2024-06-21 10:00:00", state))
		require.Equal(t, waits, len(refused) == 0, string(state))
	}
}

// Rule: COM-16
func TestGivenAPerson_WhenTheySendInvoices_ThenOnlyThePartnersOwnAndTheEcosystemManagerMay(t *testing.T) {
	for _, c := range []struct {
		who person.Person
		may bool
	}{
		{mei, true},
		{person.Person{ID: "wang", Active: true, Roles: []person.Role{person.EcosystemManager}}, true},
		{lina, false},
		{person.Person{ID: "bo", PartnerID: "P-200", Active: true, Roles: []person.Role{person.PartnerAdministrator}}, false},
		{person.Person{ID: "old", PartnerID: "P-100", Roles: []person.Role{person.PartnerAdministrator}}, false},
	} {
		s := sent("2024-06-21 10:00:00", ToIssue)
		s.By = &c.who
		_, refused := JudgeSending(parcel(whole()), s)
		require.Equal(t, c.may, len(refused) == 0, c.who.ID)
	}
}

// Rule: COM-03
func TestGivenADocument_WhenAnInvoiceNamesIt_ThenItLiesWithTheCase(t *testing.T) {
	i, s := whole(), sent("2024-06-21 10:00:00", ToIssue)
	i.DocumentID = strings.Repeat("a", 64)
	_, refused := JudgeSending(parcel(i), s)
	require.Equal(t, []string{"COM-03 CBC.0100"}, codes(refused))
	s.Enclosed = []string{i.DocumentID}
	require.Equal(t, i.DocumentID, accepted(t, parcel(i), s)[0].DocumentID)
}

// Rule: ENG-06, PGM-08
func TestGivenAPackageWrongInEveryWay_WhenItIsSent_ThenAllGuardsAreListedInOrder(t *testing.T) {
	p := parcel(Entered{Type: Ordinary, Date: "tomorrow", Net: "1.005", Tax: "0", Total: "-1", Rate: "x", DocumentID: "file.pdf"}, entered("A1", "1.00", "0.03", "1.03"))
	p.ListEnclosed, p.TrackingNo = false, ""
	s := sent("2024-06-01 10:00:00", InReview)
	s.By, s.Taken = nil, []Taken{{Number: "A1", State: "closed"}}
	_, refused := JudgeSending(p, s)
	require.Equal(t, []string{
		"COM-16 CBC.0151",
		"INV-09 INV_NUMBER_MISSING", "INV-05 INV_TYPE", "INV-20 CBC.0100", "INV-20 CBC.0100", "COM-02 CBC.0100", "COM-02 CBC.0100", "COM-03 CBC.0100",
		"INV-20 CBC.0100", // A1 is dated after it is sent
		"INV-11 INV_LIST_MISSING", "INV-11 CBC.0100",
		"INV-16 INV_REUSED",
		"INV-04 INV_LIST_NOT_READY", "ENG-03 ENG_STATE",
	}, codes(refused))
	for _, r := range refused {
		require.Regexp(t, `^[A-Z].*\.$|(return|add)$`, r.Message)
	}
}

func TestGivenAnInvoiceWithoutTax_WhenItIsSent_ThenItsTaxIsZero(t *testing.T) {
	free := whole()
	free.Net, free.Tax, free.Rate = "10300.00", "0.00", "0"
	invoices := accepted(t, parcel(free), sent("2024-06-21 10:00:00", ToIssue))
	require.Equal(t, "0.00", invoices[0].Tax.String())
	require.True(t, invoices[0].Total.Equal(money.Must("10300.00")))
}

// Rule: COM-20
func TestGivenAPackage_WhenAnythingInItChanges_ThenItsDigestDoesButNotByItsKey(t *testing.T) {
	p := parcel(whole())
	other := parcel(whole())
	other.Key = "k2"
	require.Equal(t, p.Digest(), other.Digest())
	other.Invoices[0].Items.Period = "2024-06"
	require.NotEqual(t, p.Digest(), other.Digest())
	require.Equal(t, "A1 by SF SF1", p.Words())
}

func TestGivenAMessageThatIsTooLarge_WhenItIsLookedAt_ThenItIsNotWellFormed(t *testing.T) {
	require.Empty(t, parcel(whole()).WellFormed())
	require.NotEmpty(t, Package{}.WellFormed())
	long := parcel(whole())
	long.Invoices[0].Items.Company = strings.Repeat("x", 201)
	require.NotEmpty(t, long.WellFormed())
	many := parcel()
	for i := range limit + 1 {
		many.Invoices = append(many.Invoices, entered(fmt.Sprint(i), "1.00", "0.00", "1.00"))
	}
	require.NotEmpty(t, many.WellFormed())
}
