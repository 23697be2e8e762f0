package withdrawal_test

import (
	"testing"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// Rule: WDL-07
func TestGivenCashAndDeductions_WhenTheWithdrawableAmountIsAsked_ThenItIsCashLessAllOfThemAndNeverBelowZero(t *testing.T) {
	for _, tc := range []struct{ name, cash, owed, unposted, debts, want string }{
		{"all deductions", "10000.00", "1200.00", "300.00", "500.00", "8000.00"},
		{"after a hold of 3,000.00, which has left the cash", "7000.00", "1200.00", "300.00", "500.00", "5000.00"},
		{"below zero", "1000.00", "1500.00", "0.00", "0.00", "0.00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := facts([]withdrawal.Lot{lot(withdrawal.RemitGeneral, tc.cash)}, func(f *withdrawal.Facts) {
				f.Owed, f.Unposted, f.Debts = money.Must(tc.owed), money.Must(tc.unposted), money.Must(tc.debts)
			})
			require.Equal(t, tc.want, f.Available().Withdrawable.String())
			require.Equal(t, tc.want, f.Available().Routes[withdrawal.BankCard].String(), "the route shows the smaller figure")
		})
	}
}

// Rule: WDR-06
func TestGivenRebateCashAndArrears_WhenTheWithdrawableAmountIsAsked_ThenOwedUnpostedAndArrearsAreOff(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.IncentivePaid, "12000.00")}, func(f *withdrawal.Facts) {
		f.Unposted, f.Debts = money.Must("500.00"), money.Must("1000.00")
	})
	require.Equal(t, [4]string{"10500.00", "0.00", "0.00", "10500.00"}, shown(f))
	f.Owed = money.Must("11000.00")
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, shown(f))
}

// Rule: COM-01
func TestGivenTenAndTwentyFen_WhenTheyAreAddedUp_ThenItIsThirtyExactly(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "0.10"), lot(withdrawal.TradeMode, "0.20")})
	require.Equal(t, [4]string{"0.30", "0.00", "0.30", "0.00"}, shown(f))
	require.Equal(t, "0.30", planned(t, application(withdrawal.BankCard, "0.30"), f).Amount.String())
}

// Rule: WDL-08
func TestGivenCreditOrDesignatedMoneyOnly_WhenTheWithdrawableAmountIsAsked_ThenItIsNothing(t *testing.T) {
	f := facts(nil) // cash 0.00, credit 50,000.00: credit is not among the facts at all
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, shown(f))
	judged(t, application(withdrawal.BankCard, "50000.00"), f,
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "ask for at most 0.00"})

	designated := lot(withdrawal.RemitGeneral, "300.00")
	designated.Designated = true
	f = facts([]withdrawal.Lot{designated, lot(withdrawal.RemitGeneral, "200.00")})
	require.Equal(t, [4]string{"200.00", "0.00", "200.00", "0.00"}, shown(f))
	judged(t, application(withdrawal.BankCard, "1.00", withdrawal.LotChoice{Lot: "L000001", Amount: "1.00"}), f,
		said{"WDL-18", "WDR_AMOUNT", "lot L000001", "Lot L000001 has 0.00 free, 1.00 was asked for; ask for at most 0.00."})
}

// Rule: WDL-09
func TestGivenTradeModeMoney_WhenTheRoutesAreAsked_ThenItLeavesByBankCardOnly(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "800.00")})
	require.Equal(t, [4]string{"800.00", "0.00", "800.00", "0.00"}, shown(f))
}

func TestGivenOriginalRouteMoney_WhenThePartnerNamesItForTheBankCard_ThenWDL09AllowsIt(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.Alipay, "500.00")})
	require.Equal(t, [4]string{"500.00", "500.00", "0.00", "0.00"}, shown(f), "a lot is in one pool")
	app := paidTo(application(withdrawal.BankCard, "500.00", withdrawal.LotChoice{Lot: "L000001", Amount: "500.00"}), "Zhang San")
	plan := planned(t, app, f)
	require.Equal(t, []string{"L000001 500.00"}, lines(plan))
	require.Equal(t, "V.BANK", string(plan.PaidFrom))
	require.False(t, plan.ApprovedByRule, "wallet money on the bank card is reviewed")
	judged(t, paidTo(application(withdrawal.BankCard, "500.00"), "Zhang San"), f, // not named: the default takes the route's pool
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "0.00 can leave by the route BANK_CARD"})
}

// Rule: WDL-10
// Rule: WDL-11
// Rule: WDL-12
// Rule: WDL-28
func TestGivenALotAndItsAge_WhenItsPoolIsAsked_ThenEntityChannelAndDateDecide(t *testing.T) {
	closed := lot(withdrawal.Alipay, "500.00")
	closed.BankCardOnly = true
	for _, tc := range []struct {
		rule, name string
		lot        withdrawal.Lot
		entity     string
		arrived    string
		on         string
		want       withdrawal.Route
	}{
		{"WDL-10", "Alipay on the last day of three months", lot(withdrawal.Alipay, "1"), "cloud", "2025-08-15T23:59:59", "2025-11-15T23:59:59", withdrawal.Original},
		{"WDL-12", "Alipay the day after", lot(withdrawal.Alipay, "1"), "cloud", "2025-08-15T00:00:00", "2025-11-16T00:00:00", withdrawal.BankCard},
		{"WDL-10", "a transfer to a dedicated account, however old", lot(withdrawal.RemitDedicated, "1"), "cloud", "2020-01-01T00:00:00", "2025-11-16T00:00:00", withdrawal.Original},
		{"WDL-10", "a transfer to a general account", lot(withdrawal.RemitGeneral, "1"), "cloud", "2025-08-15T00:00:00", "2025-11-16T00:00:00", withdrawal.Original},
		{"WDL-12", "WeChat", lot(withdrawal.Wechat, "1"), "cloud", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.BankCard},
		{"WDL-12", "UnionPay", lot(withdrawal.Unionpay, "1"), "cloud", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.BankCard},
		{"WDL-11", "WeChat on the last day of eleven months", lot(withdrawal.Wechat, "1"), "software", "2024-12-31T12:00:00", "2025-11-30T23:59:59", withdrawal.Original},
		{"WDL-11", "WeChat the day after", lot(withdrawal.Wechat, "1"), "software", "2024-12-31T12:00:00", "2025-12-01T00:00:00", withdrawal.BankCard},
		{"WDL-11", "Alipay within eleven months", lot(withdrawal.Alipay, "1"), "software", "2024-12-31T12:00:00", "2025-11-30T00:00:00", withdrawal.Original},
		{"WDL-11", "UnionPay within three months", lot(withdrawal.Unionpay, "1"), "software", "2025-08-15T12:00:00", "2025-11-15T00:00:00", withdrawal.Original},
		{"WDL-11", "UnionPay after them", lot(withdrawal.Unionpay, "1"), "software", "2025-08-15T12:00:00", "2025-11-16T00:00:00", withdrawal.BankCard},
		{"WDL-11", "a transfer", lot(withdrawal.RemitGeneral, "1"), "software", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.BankCard},
		{"WDL-28", "Alipay whose account is closed", closed, "cloud", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.BankCard},
		{"WDL-09", "trade-mode money", lot(withdrawal.TradeMode, "1"), "cloud", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.BankCard},
		{"WDL-23", "a rebate", lot(withdrawal.IncentivePaid, "1"), "cloud", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.Incentive},
		{"WDL-23", "a rebate with an owed invoice", lot(withdrawal.IncentiveOwed, "1"), "software", "2025-11-01T00:00:00", "2025-11-02T00:00:00", withdrawal.Incentive},
	} {
		t.Run(tc.rule+" "+tc.name, func(t *testing.T) {
			route, rule := arrived(tc.lot, tc.arrived).Pool(tc.entity, calendar.DateOf(beijing(tc.on)))
			require.Equal(t, tc.want, route)
			require.Equal(t, tc.rule, rule)
		})
	}
	f := facts([]withdrawal.Lot{closed})
	require.Equal(t, [4]string{"500.00", "0.00", "500.00", "0.00"}, shown(f), "WDL-28: bank-card amount 500")
}

func TestGivenALotTooOldForTheOriginalRoute_WhenItIsNamed_ThenTheRefusalOffersTheBankCard(t *testing.T) {
	old := arrived(lot(withdrawal.Alipay, "500.00"), "2025-08-15T12:00:00")
	f := facts([]withdrawal.Lot{old, lot(withdrawal.Alipay, "500.00")}, cloudCompany, on("2025-11-16T08:00:00"))
	judged(t, application(withdrawal.Original, "500.00", withdrawal.LotChoice{Lot: "L000001", Amount: "500.00"}), f,
		said{"WDL-12", "ACCT.WDL.12", "lot L000001", "Lot L000001 cannot leave by the route ORIGINAL; apply for it by BANK_CARD."})
}

// Rule: WDL-20
// Rule: WDR-13
func TestGivenAPayoutThatIsNotYetOnTheAccount_WhenItIsAskedFor_ThenTheIncentiveAmountIsNothing(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.RemitGeneral, "5000.00")}) // the requisition is in invoice review: no lot yet
	require.Equal(t, "0.00", f.Available().Routes[withdrawal.Incentive].String())
	judged(t, application(withdrawal.Incentive, "0.01"), f,
		said{"WDR-05", "WDR_AMOUNT", "partner P1001", "0.00 can leave by the route INCENTIVE"})
}

// Rule: WDR-12
func TestGivenARebatePaidByBankTransfer_WhenTheRebatePoolIsAsked_ThenItIsEmpty(t *testing.T) {
	f := facts(nil) // BANK 10,300.00 went to the partner's bank, nothing to the top-up account
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, shown(f))
	judged(t, application(withdrawal.Incentive, "10300.00"), f,
		said{"WDR-05", "WDR_AMOUNT", "partner P1001", "ask for at most 0.00"})
}

// Rule: WDL-23
func TestGivenRebatesAndNoOwedInvoice_WhenTheyAreAskedFor_ThenAllOfThemAndNothingElseLeavesByTheIncentiveRoute(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.IncentivePaid, "2000.00"), lot(withdrawal.RemitGeneral, "700.00")})
	plan := planned(t, application(withdrawal.Incentive, "2000.00"), f)
	require.Equal(t, []string{"L000001 2000.00"}, lines(plan))
	require.Equal(t, "V.BANK", string(plan.PaidFrom), "by bank transfer")
	require.False(t, plan.ApprovedByRule, "after approval")
	judged(t, application(withdrawal.Incentive, "2000.01"), f,
		said{"WDR-05", "WDR_AMOUNT", "partner P1001", "ask for at most 2000.00"})
	judged(t, application(withdrawal.Incentive, "700.00", withdrawal.LotChoice{Lot: "L000002", Amount: "700.00"}), f,
		said{"WDL-23", "ACCT.WDL.23", "lot L000002", "apply for it by BANK_CARD"})
	judged(t, application(withdrawal.BankCard, "100.00", withdrawal.LotChoice{Lot: "L000001", Amount: "100.00"}), f,
		said{"WDL-23", "ACCT.WDL.23", "lot L000001", "apply for it by INCENTIVE"})
}

// Rule: WDL-24
func TestGivenMoneyGrantedWithAnOwedInvoice_WhenTheWithdrawableAmountIsAsked_ThenItDoesNotRise(t *testing.T) {
	granted := lot(withdrawal.IncentiveOwed, "1000.00")
	granted.OwedOpen = money.Must("1000.00")
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, shown(facts([]withdrawal.Lot{granted}, owed("1000.00"))))
}

// Rule: WDL-25
func TestGivenMoneyOwedAnInvoiceAfterARefund_WhenTheInvoiceIsReturned_ThenItCanBeWithdrawn(t *testing.T) {
	lots := []withdrawal.Lot{lot(withdrawal.Refund, "500.00")}
	require.Equal(t, "0.00", facts(lots, owed("500.00")).Available().Withdrawable.String())
	require.Equal(t, "500.00", facts(lots, owed("0.00")).Available().Withdrawable.String())
}

// Rule: WDR-09
func TestGivenMoneyGrantedWithAnOwedInvoice_WhenItsEntryIsOffset_ThenTheRebatePoolRisesByThatPart(t *testing.T) {
	granted := lot(withdrawal.IncentiveOwed, "10600.00")
	granted.OwedOpen = money.Must("10600.00")
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, shown(facts([]withdrawal.Lot{granted}, owed("10600.00"))))

	topUp := lot(withdrawal.RemitGeneral, "5000.00")
	f := facts([]withdrawal.Lot{granted, topUp}, owed("10600.00"))
	require.Equal(t, [4]string{"5000.00", "0.00", "5000.00", "0.00"}, shown(f), "the entry is open in full")

	granted.OwedOpen = money.Must("6600.00") // 4,000.00 offset
	f = facts([]withdrawal.Lot{granted}, owed("6600.00"))
	require.Equal(t, [4]string{"4000.00", "0.00", "0.00", "4000.00"}, shown(f))
	judged(t, application(withdrawal.Incentive, "4000.01", withdrawal.LotChoice{Lot: "L000001", Amount: "4000.01"}), f,
		said{"WDR-05", "WDR_AMOUNT", "lot L000001", "has 4000.00 free, 4000.01 was asked for"},
		said{"WDR-05", "WDR_AMOUNT", "partner P1001", "ask for at most 4000.00"})
	require.Equal(t, []string{"L000001 4000.00"}, lines(planned(t, application(withdrawal.Incentive, "4000.00"), f)))
}

// Rule: WDR-07
func TestGivenRebatesAndOtherTopUps_WhenARebateIsAskedFor_ThenTheSmallerOfPoolAndFigureIsTheMost(t *testing.T) {
	rebate := lot(withdrawal.IncentivePaid, "300.00")
	f := facts([]withdrawal.Lot{rebate, lot(withdrawal.RemitGeneral, "5000.00")})
	require.Equal(t, "300.00", f.Available().Routes[withdrawal.Incentive].String())
	require.Equal(t, "5300.00", f.Available().Withdrawable.String(), "the figure counts the cash of all pools")

	f = facts([]withdrawal.Lot{rebate}, owed("250.00"))
	require.Equal(t, "50.00", f.Available().Routes[withdrawal.Incentive].String())
	judged(t, application(withdrawal.Incentive, "50.01"), f, said{"WDR-05", "WDR_AMOUNT", "partner P1001", "ask for at most 50.00"})
}

// Rule: WDL-30
func TestGivenEarlierHolds_WhenMoreIsAskedFor_ThenHeldAndAskedNeverExceedTheWithdrawableAmount(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "2000.00")}, owed("1200.00")) // lots 10,000.00 of which 8,000.00 are held
	planned(t, application(withdrawal.BankCard, "800.00"), f)
	judged(t, application(withdrawal.BankCard, "800.01"), f,
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "(WDL-30: cash 2000.00 less owed invoices 1200.00, charges not posted 0.00, customers' debts 0.00); ask for at most 800.00."})
	judged(t, application(withdrawal.BankCard, "800.01", withdrawal.LotChoice{Lot: "L000001", Amount: "800.01"}), f, // the lot alone would allow more
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "800.00 is withdrawable over all routes"})
}
