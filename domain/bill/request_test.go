package bill_test

import (
	"testing"

	"countersign/domain/bill"
	"countersign/domain/money"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

// Rule: INC-13
func TestGivenABill_WhenItsPayableAmountIsAsked_ThenRequestedVoidAndFrozenCountNothing(t *testing.T) {
	at, never := cst("2024-06-12 10:00:00"), cst("9999-01-01 00:00:00")
	b := released("B1", "500.00")
	require.Equal(t, "500.00", bill.Payable(b, false, never, at).String())
	require.Equal(t, "0.00", bill.Payable(b, true, never, at).String())
	require.Equal(t, "0.00", bill.Payable(b, false, at, at).String(), "void at this instant")
	b.Requested = true
	require.Equal(t, "0.00", bill.Payable(b, false, never, at).String())
	negative := released("B2", "-600.00")
	require.Equal(t, "-600.00", bill.Payable(negative, false, at, at).String(), "what is owed does not lapse (INC-17)")
}

// Rule: PAY-17
// Rule: PAY-18
func TestGivenAnUnpaidCycle_WhenItIsPaidOn12June_ThenTheBillIsFreeFrom13JuneOn(t *testing.T) {
	unpaid := []bill.Cycle{{Since: cst("2024-06-01 00:00:00")}}
	require.True(t, bill.Frozen(unpaid, cst("2024-06-12 15:00:00")))
	require.False(t, bill.Frozen(unpaid, cst("2024-05-31 23:59:59")))

	paid := []bill.Cycle{{Since: cst("2024-06-01 00:00:00"), PaidAt: at("2024-06-12 15:00:00")}}
	require.True(t, bill.Frozen(paid, cst("2024-06-12 23:59:59")))
	require.False(t, bill.Frozen(paid, cst("2024-06-13 00:00:00")))
	require.True(t, bill.Frozen(append(paid, bill.Cycle{Since: cst("2024-06-10 00:00:00")}), cst("2024-06-13 00:00:00")), "until everything is paid")
}

// Rule: PAY-17
func TestGivenAPeriod_WhenItsBillingCyclesAreListed_ThenAQuarterHasThreeAndAYearTwelve(t *testing.T) {
	require.Equal(t, []string{"2024-05"}, bill.Months("2024-05"))
	require.Equal(t, []string{"2024-04", "2024-05", "2024-06"}, bill.Months("2024-Q2"))
	require.Equal(t, []string{"2024-10", "2024-11", "2024-12"}, bill.Months("2024-Q4"))
	require.Len(t, bill.Months("2024"), 12)
}

// Rule: INC-22
func TestGivenTwoAccountsOfACompany_WhenOperationsMovesBills_ThenItMayAndBetweenCompaniesNot(t *testing.T) {
	company := bill.Account{Known: true, Company: bill.Company{CodeType: "uscc", Code: "91-1"}}
	other := bill.Account{Known: true, Company: bill.Company{CodeType: "uscc", Code: "91-2"}}
	bills := []bill.Standing{{Bill: released("B1", "300.00")}}
	move := bill.Transfer{Person: otto, Name: "otto", From: "P-100", To: "P-101", Reason: "letter of 3 June", At: cst("2024-06-12 10:00:00")}
	p := bill.DefaultPolicy()

	none(t, bill.JudgeTransfer(move, p, company, company, bills))
	require.Equal(t, []string{"INC-22 INC_TRANSFER_ENTITY"}, codes(bill.JudgeTransfer(move, p, company, other, bills)))
	reseller := company
	reseller.Tier2 = true
	require.Equal(t, []string{"INC-19 INC_TIER2"}, codes(bill.JudgeTransfer(move, p, company, reseller, bills)))
	uncertified := bill.Account{Known: true}
	require.Equal(t, []string{"INC-22 INC_TRANSFER_ENTITY"}, codes(bill.JudgeTransfer(move, p, uncertified, uncertified, bills)), "two that are not certified are not the same")

	for _, who := range []*person.Person{mei, {ID: "li", Name: "Li", Active: true, Roles: []person.Role{person.VendorFinance}}} {
		by := move
		by.Person = who
		require.Equal(t, []string{"INC-22 CBC.0151"}, codes(bill.JudgeTransfer(by, p, company, company, bills)), who.ID)
	}
	postings := bill.Transferred("P-100", "P-101", money.Must("300.00"))
	require.Equal(t, "V.INCENT:P-100 -300.00", string(postings[0].Account)+" "+postings[0].Amount.String())
	require.Equal(t, "V.INCENT:P-101 300.00", string(postings[1].Account)+" "+postings[1].Amount.String())
}

// Rule: INC-22
// Rule: ENG-06
func TestGivenATransferThatIsWrongInEveryWay_WhenItIsJudged_ThenAllIsTold(t *testing.T) {
	company := bill.Account{Known: true, Company: bill.Company{CodeType: "uscc", Code: "91-1"}}
	p, when := bill.DefaultPolicy(), cst("2024-06-12 10:00:00")
	bills := make([]bill.Standing, 7)
	for i, id := range []string{"B1", "B2", "B3", "B4", "B5", "B6", "B7"} {
		bills[i] = bill.Standing{Bill: released(id, "1.00")}
	}
	bills[0].Partner, bills[1].State, bills[2].State, bills[3].Requested, bills[4].Lapses = "P-999", bill.Void, bill.ToConfirm, true, when
	bills[5].Frozen, bills[6].State = true, ""
	list := bill.JudgeTransfer(bill.Transfer{Name: "x", From: "P-100", To: "P-100", At: when}, p, company, company, bills)
	require.Equal(t, []string{"COM-16 CBC.0151", "INC-22 CBC.0100", "INC-22 CBC.0100", "INC-22 CBC.5001", "INC-14 INC_VOID", "INC-07 INC_NOT_RELEASED", "PAY-26 PAY_DUPLICATE", "INC-14 INC_VOID", "PAY-17 PAY_FROZEN", "COM-17 CBC.5001"}, codes(list))

	move := bill.Transfer{Person: otto, Name: "otto", From: "P-100", To: "P-404", Reason: "letter", At: when}
	require.Equal(t, []string{"COM-17 CBC.5001", "INC-22 CBC.0100"}, codes(bill.JudgeTransfer(move, p, company, bill.Account{}, nil)))
	require.Equal(t, []string{"COM-17 CBC.5001", "INC-22 CBC.0100"}, codes(bill.JudgeTransfer(move, p, bill.Account{}, company, nil)))
}

func TestGivenEveryNotice_WhenItIsWritten_ThenItSaysPeriodBillsAndAmountInBothLanguages(t *testing.T) {
	for _, n := range []bill.Notice{bill.IsPresented, bill.IsReminder, bill.WasConfirmed, bill.WasReleased, bill.WasVoided, bill.WasAnswered, bill.WasMoved, bill.IsWithVendor, bill.IsQuestioned} {
		subject, body := n.Text(bill.NoticeData{Case: "N000001", Partner: "P-100", Period: "2024-05", Bills: []string{"B1", "B2"}, Amount: money.Must("150.00"), Deadline: date("2024-06-15"), Note: "a note"})
		require.Regexp(t, `激励账单 2024-05 .+ / Incentive bills of 2024-05 .+`, subject)
		for _, part := range []string{"P-100", "B1, B2", "150.00 CNY", "2024-06-15", "a note"} {
			require.Contains(t, body, part, n)
		}
	}
}
