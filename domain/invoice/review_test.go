package invoice

import (
	"testing"

	"countersign/domain/business"
	"countersign/domain/person"
	"countersign/domain/tax"

	"github.com/stretchr/testify/require"
)

// Rule: INV-20
func TestGivenAnInvoiceWithoutRequisitionNumber_WhenItIsReviewed_ThenItFailsWithThatReason(t *testing.T) {
	bare := whole()
	bare.Items.Requisition = ""
	findings := Findings(list(InReview), accepted(t, parcel(bare), sent("2024-06-21 10:00:00", ToIssue)))
	require.Equal(t, []string{"MISSING_REQUISITION_NO"}, Reasons(findings))
	require.Equal(t, []string{"INV-20 PRG.INV.20"}, codes(JudgeReview(list(InReview), true, findings)), "it cannot pass")
	require.Empty(t, JudgeReview(list(InReview), false, findings), "it fails")
	require.Empty(t, Findings(list(InReview), accepted(t, parcel(whole()), sent("2024-06-21 10:00:00", ToIssue))))
}

// Rule: INV-20
func TestGivenAnInvoiceWithNothingOnIt_WhenItIsReviewed_ThenEveryRequiredItemIsNamed(t *testing.T) {
	empty := whole()
	empty.Items, empty.Buyer, empty.Currency = Items{}, "", ""
	findings := Findings(list(InReview), accepted(t, parcel(empty), sent("2024-06-21 10:00:00", ToIssue)))
	require.Equal(t, []string{
		"MISSING_COMPANY", "MISSING_LICENCE", "MISSING_ACCOUNT", "MISSING_BANK", "MISSING_BANK_ADDRESS", "MISSING_REGISTERED_ADDRESS", "MISSING_TAX_NUMBER",
		"MISSING_REQUISITION_NO", "MISSING_SERVICE_ITEM", "MISSING_SETTLEMENT_PERIOD", "MISSING_UNIT_PRICE", "MISSING_SUBTOTAL", "MISSING_BUYER", "MISSING_CURRENCY",
	}, Reasons(findings), "number, date, rate and amounts are asked for when it is sent")
}

// Rule: INV-13
func TestGivenAnInvoiceToAnotherEntity_WhenItIsReviewed_ThenItFails(t *testing.T) {
	other := whole()
	other.Buyer, other.Items.Requisition = "Vendor Software Co., Ltd.", "R000009"
	findings := Findings(list(InReview), accepted(t, parcel(other), sent("2024-06-21 10:00:00", ToIssue)))
	require.Equal(t, []string{"WRONG_BUYER", "WRONG_REQUISITION_NO"}, Reasons(findings))
	require.Equal(t, []string{"INV-13 PRG.INV.13", "INV-20 PRG.INV.20"}, codes(JudgeReview(list(InReview), true, findings)))
}

// Rule: INV-18
func TestGivenAnInvoiceAtAnotherRateThanTheList_WhenItIsReviewed_ThenItFails(t *testing.T) {
	other := entered("A1", "9716.98", "583.02", "10300.00")
	other.Rate = "6"
	findings := Findings(list(InReview), accepted(t, parcel(other), sent("2024-06-21 10:00:00", ToIssue)))
	require.Equal(t, []string{"WRONG_RATE"}, Reasons(findings))
}

// Rule: INV-19
func TestGivenAListAt6Percent_WhenThePartnerIsSmallScale_ThenThePaymentIsNotApprovedAndAtThreeItIs(t *testing.T) {
	l := list(Accepted)
	l.Rate = 600
	require.Equal(t, []string{"INV-19 PRG.INV.19"}, codes(JudgeRate(l, business.SmallScale)))
	require.Empty(t, JudgeRate(list(Accepted), business.SmallScale))
	require.Empty(t, JudgeRate(l, business.General))
	for rate, fitsSmall := range map[tax.Rate]bool{100: true, 300: true, 301: false, 600: false, 1300: false} {
		require.Equal(t, fitsSmall, fits(business.SmallScale, rate))
		require.Equal(t, !fitsSmall, fits(business.General, rate))
	}
}

// Rule: ENG-03
func TestGivenAListInAState_WhenItIsReviewedOrArrives_ThenOnlyWhereThatIsDue(t *testing.T) {
	for _, state := range []State{ToIssue, InTransit, InReview, Accepted, ToReissue} {
		require.Equal(t, state == InReview, len(JudgeReview(list(state), true, nil)) == 0, string(state))
		require.Equal(t, state == InTransit, len(JudgeArrival(&lina, "lina", list(state))) == 0, string(state))
	}
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(JudgeArrival(&mei, "mei", list(InTransit))), "the vendor's finance receives")
	require.Equal(t, []string{"COM-16 CBC.0151", "ENG-03 ENG_STATE"}, codes(JudgeArrival(nil, "x", list(ToIssue))))
}

// Rule: INV-06
func TestGivenATicketForAnOrdinaryInvoice_WhenItLacksAddressOrRecipient_ThenINV06Refuses(t *testing.T) {
	whole := Ticket{Case: "R000001", Person: "mei", Key: "k", Number: "N1", ReturnAddress: "1 Cloud Road, Shenzhen", Recipient: "Mei, 138"}
	require.Empty(t, JudgeTicket(whole, &mei, "P-100"))
	require.Equal(t, "invoice N1 back to Mei, 138, 1 Cloud Road, Shenzhen", whole.Words())
	without := whole
	without.ReturnAddress = " "
	require.Equal(t, []string{"INV-06 INV_RETURN_ADDRESS"}, codes(JudgeTicket(without, &mei, "P-100")))
	without = whole
	without.Recipient = ""
	require.Equal(t, []string{"INV-06 INV_RETURN_ADDRESS"}, codes(JudgeTicket(without, &mei, "P-100")))
	require.Equal(t, []string{"COM-16 CBC.0151", "INV-06 INV_NUMBER_MISSING", "INV-06 INV_RETURN_ADDRESS"}, codes(JudgeTicket(Ticket{}, &lina, "P-100")))
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(JudgeTicket(whole, nil, "P-100")))

	require.Empty(t, JudgeReturned(&lina, "lina", "IT000001", "SF2"))
	require.Equal(t, []string{"COM-16 CBC.0151", "INV-06 CBC.0100"}, codes(JudgeReturned(&person.Person{ID: "x", Name: "X"}, "x", "IT000001", " ")))
}
