package withdrawal_test

import (
	"strings"
	"testing"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// Rule: WDL-01
// Rule: WDL-02
// Rule: WDL-03
// Rule: WDL-31
func TestGivenMoneyOfASource_WhenItIsPaidToABankCard_ThenTheSourceDecidesWhoseAccountItMustBe(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		source  withdrawal.Source
		amount  string
		holder  string
		refused string // what the sentence says; empty: accepted
	}{
		{"WDL-01", withdrawal.Alipay, "500.00", "A Ltd", `paid to an account of "Zhang San" (WDL-01); correct the account name.`},
		{"WDL-01", withdrawal.Alipay, "500.00", "Zhang San", ""},
		{"WDL-01", withdrawal.Wechat, "500.00", "A Ltd", `paid to an account of "Zhang San" (WDL-01); correct the account name.`},
		{"WDL-02", withdrawal.EbankPersonal, "500.00", "Zhang San", `paid to an account of "A Ltd" (WDL-02); correct the account name.`},
		{"WDL-02", withdrawal.EbankPersonal, "500.00", "A Ltd", ""},
		{"WDL-02", withdrawal.EbankCorporate, "500.00", "Zhang San", `paid to an account of "A Ltd" (WDL-02); correct the account name.`},
		{"WDL-03", withdrawal.TradeMode, "800.00", "A Ltd", ""},
		{"WDL-03", withdrawal.TradeMode, "800.00", "B Ltd", `paid to an account of "A Ltd" (WDL-03)`},
		{"WDL-31", withdrawal.RemitGeneral, "500.00", "A Ltd", ""},
		{"WDL-31", withdrawal.RemitGeneral, "500.00", "B Ltd", `paid to an account of "A Ltd" (WDL-31); correct the account name.`},
		{"WDL-31", withdrawal.Unionpay, "500.00", "Zhang San", `paid to an account of "A Ltd" (WDL-31); correct the account name.`},
		{"WDL-31", withdrawal.Refund, "500.00", "B Ltd", `paid to an account of "A Ltd" (WDL-31); correct the account name.`},
		{"WDL-31", withdrawal.Reclaim, "500.00", "A Ltd", ""},
	} {
		t.Run(tc.rule+" "+string(tc.source)+" to "+tc.holder, func(t *testing.T) {
			f := facts([]withdrawal.Lot{lot(tc.source, tc.amount)})
			app := paidTo(application(withdrawal.BankCard, tc.amount, withdrawal.LotChoice{Lot: "L000001", Amount: tc.amount}), tc.holder)
			if tc.refused != "" {
				judged(t, app, f, said{tc.rule, "WDR_NAME", `account name "` + tc.holder + `"`, tc.refused})
				return
			}
			plan := planned(t, app, f)
			require.Equal(t, []string{"L000001 " + tc.amount}, lines(plan))
			require.Equal(t, tc.holder, plan.Payee.Holder)
		})
	}
}

// Rule: WDL-04
func TestGivenTradeModeMoney_WhenTheHolderIsNotTheVerifiedName_ThenItIsRefusedOnSubmissionAndFailsAtPayment(t *testing.T) {
	judged(t, paidTo(application(withdrawal.BankCard, "800.00"), "A (Branch) Ltd"), facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "800.00")}),
		said{"WDL-03", "WDR_NAME", `account name "A (Branch) Ltd"`, `"A Ltd" (WDL-03), for trade-mode money only to the verified name (WDL-04); correct the account name.`})

	trade, wallet := []withdrawal.Source{withdrawal.TradeMode}, []withdrawal.Source{withdrawal.Alipay, withdrawal.Wechat}
	require.True(t, withdrawal.NameAtPayment(withdrawal.BankCard, trade, "A Ltd", "A Ltd"))
	require.False(t, withdrawal.NameAtPayment(withdrawal.BankCard, trade, "A Ltd", "A New Ltd"), "the verified name changed before payment")
	require.False(t, withdrawal.NameAtPayment(withdrawal.BankCard, append(wallet, trade...), "Zhang San", "A Ltd"), "one line is enough")
	require.True(t, withdrawal.NameAtPayment(withdrawal.BankCard, wallet, "Zhang San", "A New Ltd"), "the wallet's owner is still the wallet's owner")
	require.True(t, withdrawal.NameAtPayment(withdrawal.Original, wallet, "Zhang San", "A New Ltd"), "it goes back where it came from")
	require.False(t, withdrawal.NameAtPayment(withdrawal.Incentive, []withdrawal.Source{withdrawal.IncentivePaid}, "A Ltd", "A New Ltd"))
}

// Rule: WDL-05
func TestGivenTwoNames_WhenTheyAreCompared_ThenOuterBlanksAndBracketWidthDoNotCountAndAllElseDoes(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"A(北京)Ltd", "A（北京）Ltd", true},
		{" A Ltd\t", "A Ltd", true},
		{"A［1］Ltd", "A[1]Ltd", true},
		{"A｛1｝Ltd", "A{1}Ltd", true},
		{"A Ltd", "a Ltd", false},
		{"A Ltd", "A  Ltd", false},
		{"A Ltd", "A Ltd.", false},
		{"A Ltd", "Ａ Ltd", false},
	} {
		require.Equal(t, tc.same, withdrawal.SameName(tc.a, tc.b), "%q and %q", tc.a, tc.b)
	}
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "800.00")}, func(f *withdrawal.Facts) { f.Partner.VerifiedName = "A(北京)Ltd" })
	planned(t, paidTo(application(withdrawal.BankCard, "800.00"), "A（北京）Ltd"), f)
}

// Rule: WDL-06
func TestGivenLotsOfTwoHolders_WhenOneApplicationNamesBoth_ThenItIsRefusedWithTheGroupsToApplyFor(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.Alipay, "500.00"), lot(withdrawal.TradeMode, "800.00")})
	zhang, trade := withdrawal.LotChoice{Lot: "L000001", Amount: "500.00"}, withdrawal.LotChoice{Lot: "L000002", Amount: "800.00"}
	mixed := said{"WDL-06", "ACCT.WDL.06", "lots", "apply one by one for: Zhang San 500.00 (L000001); A Ltd 800.00 (L000002)."}
	judged(t, paidTo(application(withdrawal.BankCard, "1300.00", zhang, trade), "A Ltd"), f, mixed)
	judged(t, paidTo(application(withdrawal.BankCard, "1300.00", zhang, trade), "Zhang San"), f, mixed)
	judged(t, paidTo(application(withdrawal.BankCard, "1300.00", zhang, trade), "B Ltd"), f,
		said{"WDL-01", "WDR_NAME", `account name "B Ltd"`, `"Zhang San" (WDL-01), "A Ltd" (WDL-03)`}, mixed)

	planned(t, paidTo(application(withdrawal.BankCard, "500.00", zhang), "Zhang San"), f)
	planned(t, paidTo(application(withdrawal.BankCard, "800.00", trade), "A Ltd"), f)

	f = facts([]withdrawal.Lot{lot(withdrawal.Alipay, "500.00"), lot(withdrawal.TradeMode, "800.00")}, cloudCompany, on("2026-03-01T00:00:00"))
	judged(t, application(withdrawal.BankCard, "1300.00"), f, // made by WDL-13: the newer lot first, at one instant the higher number
		said{"WDL-06", "ACCT.WDL.06", "lots", "A Ltd 800.00 (L000002); Zhang San 500.00 (L000001)."})
}

func TestGivenLotsOfTwoPayerAccounts_WhenOneOriginalRouteApplicationTakesBoth_ThenWDL06ListsTheGroups(t *testing.T) {
	other := lot(withdrawal.Alipay, "200.00")
	other.PayerAccount = "li@example.com"
	received := lot(withdrawal.Alipay, "100.00")
	received.Entity = "cloud"
	f := facts([]withdrawal.Lot{lot(withdrawal.Alipay, "500.00"), other, lot(withdrawal.Wechat, "300.00"), received})
	judged(t, application(withdrawal.Original, "1100.00"), f,
		said{"WDL-06", "ACCT.WDL.06", "lots", "ALIPAY Zhang San zhang@example.com 100.00 (L000004); WECHAT Zhang San zhang@example.com 300.00 (L000003); " +
			"ALIPAY Zhang San li@example.com 200.00 (L000002); ALIPAY Zhang San zhang@example.com 500.00 (L000001)."})
}

// Rule: WDL-13
func TestGivenLotsOfTwoDates_WhenAnAmountIsAskedFor_ThenTheyAreTakenLastInFirstOutOrAsNamed(t *testing.T) {
	f := facts([]withdrawal.Lot{
		arrived(lot(withdrawal.TradeMode, "3000.00"), "2025-10-01T12:00:00"),
		arrived(lot(withdrawal.TradeMode, "2000.00"), "2025-10-20T12:00:00"),
	})
	require.Equal(t, []string{"L000002 2000.00", "L000001 500.00"}, lines(planned(t, application(withdrawal.BankCard, "2500.00"), f)))

	first := withdrawal.LotChoice{Lot: "L000001", Amount: "2500.00"}
	require.Equal(t, []string{"L000001 2500.00"}, lines(planned(t, application(withdrawal.BankCard, "2500.00", first), f)))

	first.Amount = "2000.00"
	judged(t, application(withdrawal.BankCard, "2500.00", first), f,
		said{"WDL-13", "ACCT.WDL.13", "lots", "The named lots add up to 2000.00, the application is for 2500.00; make them equal."})
}

func TestGivenLotsOfOneInstant_WhenAnAmountIsAskedFor_ThenWDL13TakesTheHigherNumberFirstAndOnlyTheRoutesPool(t *testing.T) {
	f := facts([]withdrawal.Lot{
		lot(withdrawal.TradeMode, "100.00"), lot(withdrawal.Alipay, "100.00"), lot(withdrawal.TradeMode, "100.00"), lot(withdrawal.IncentivePaid, "100.00"),
	})
	require.Equal(t, []string{"L000003 100.00", "L000001 0.01"}, lines(planned(t, application(withdrawal.BankCard, "100.01"), f)))
}

func TestGivenLotsNamedWrongly_WhenTheApplicationIsJudged_ThenWDL13SaysWhichOne(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "300.00")})
	choice := func(lot, amount string) withdrawal.LotChoice { return withdrawal.LotChoice{Lot: lot, Amount: amount} }
	for name, tc := range map[string]struct {
		lots []withdrawal.LotChoice
		want said
	}{
		"not a lot number":   {[]withdrawal.LotChoice{choice("3", "300.00")}, said{"WDL-13", "ACCT.WDL.13", "lot 3", `no money in a lot "3"; see the account's lots.`}},
		"somebody else's":    {[]withdrawal.LotChoice{choice("L000009", "300.00")}, said{"WDL-13", "ACCT.WDL.13", "lot L000009", "see the account's lots."}},
		"named twice":        {[]withdrawal.LotChoice{choice("L000001", "150.00"), choice("L1", "150.00")}, said{"WDL-13", "ACCT.WDL.13", "lot L1", "name it once with the whole part."}},
		"more than it holds": {[]withdrawal.LotChoice{choice("L000001", "300.01")}, said{"WDL-13", "ACCT.WDL.13", "lots", "make them equal."}},
		"a part of nothing":  {[]withdrawal.LotChoice{choice("L000001", "0")}, said{"COM-02", "CBC.0100", "lot L000001", "enter at least 0.01."}},
	} {
		t.Run(name, func(t *testing.T) {
			_, list := withdrawal.Judge(application(withdrawal.BankCard, "300.00", tc.lots...), f)
			refuses(t, list[:1], tc.want)
		})
	}
}

// Rule: WDL-14
func TestGivenTheFirstWithdrawalToABankAccount_WhenItsBranchIsEmpty_ThenTheBranchIsAskedFor(t *testing.T) {
	for route, source := range map[withdrawal.Route]withdrawal.Source{
		withdrawal.BankCard: withdrawal.TradeMode, withdrawal.Incentive: withdrawal.IncentivePaid, withdrawal.Original: withdrawal.RemitGeneral,
	} {
		f := facts([]withdrawal.Lot{lot(source, "800.00")}, cloudCompany)
		app := application(route, "800.00")
		app.Payee.Branch = " "
		judged(t, app, f, said{"WDL-14", "ACCT.WDL.14", "payee", "needs its branch; enter the branch."})

		f.Branch = "Longgang" // known from an earlier withdrawal
		require.Equal(t, "Longgang", planned(t, app, f).Payee.Branch)
	}
	f := facts([]withdrawal.Lot{lot(withdrawal.Alipay, "800.00")})
	app := application(withdrawal.Original, "800.00")
	app.Payee.Branch = ""
	plan := planned(t, app, f)
	require.Equal(t, withdrawal.Payee{Holder: "Zhang San", AccountNo: "zhang@example.com"}, plan.Payee, "a wallet has no branch; the money goes back to it")
}

func TestGivenAnOriginalRouteApplication_WhenItsAccountIsAskedBeforeItIsJudged_ThenItIsThatOfTheLotsItWouldTake(t *testing.T) {
	newer := arrived(lot(withdrawal.Alipay, "100.00"), "2025-11-01T00:00:00")
	newer.PayerAccount = "li@example.com"
	f := facts([]withdrawal.Lot{lot(withdrawal.Alipay, "500.00"), newer})
	require.Equal(t, "li@example.com", withdrawal.OriginalAccount(application(withdrawal.Original, "50.00"), f))
	named := application(withdrawal.Original, "50.00", withdrawal.LotChoice{Lot: "L000001", Amount: "50.00"})
	require.Equal(t, "zhang@example.com", withdrawal.OriginalAccount(named, f))
	require.Empty(t, withdrawal.OriginalAccount(application(withdrawal.Original, "0"), f))
	require.Empty(t, withdrawal.OriginalAccount(application(withdrawal.Original, "1"), facts(nil)))
}

func TestGivenTheOriginalRoute_WhenAnotherPayeeIsNamedOrThePayerIsUnknown_ThenWDL14Refuses(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.Alipay, "500.00")})
	app := paidTo(application(withdrawal.Original, "500.00"), "A Ltd")
	judged(t, app, f, said{"WDL-14", "WDR_NAME", `account name "A Ltd"`, `returns to "Zhang San" zhang@example.com, from which it was paid; leave the payee out or apply by BANK_CARD.`})

	f.Lots[0].PayerAccount = ""
	judged(t, application(withdrawal.Original, "500.00"), f,
		said{"WDL-14", "ACCT.WDL.14", "lot L000001", "It is not known from which account lot L000001 was paid; apply by BANK_CARD."})
}

func TestGivenABankCardApplication_WhenBankOrAccountNumberIsMissing_ThenWDL14AsksForBoth(t *testing.T) {
	app := application(withdrawal.BankCard, "800.00")
	app.Payee.Bank, app.Payee.AccountNo = "", " "
	judged(t, app, facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "800.00")}),
		said{"WDL-14", "CBC.0100", "payee", "The payee's bank and account number are needed; enter both."})
}

// Rule: WDL-15
func TestGivenNoRightCode_WhenAnApplicationIsJudged_ThenItIsRefused(t *testing.T) {
	for _, tc := range []struct {
		route   withdrawal.Route
		source  withdrawal.Source
		rule    string
		verdict verification.Verdict
		says    string
	}{
		{withdrawal.BankCard, withdrawal.TradeMode, "WDL-15", verification.Missing, "The verification code is missing; ask for one and enter it."},
		{withdrawal.BankCard, withdrawal.TradeMode, "WDL-15", "", "The verification code is missing; ask for one and enter it."},
		{withdrawal.Original, withdrawal.Alipay, "WDL-15", verification.NotSent, "ask for one."},
		{withdrawal.BankCard, withdrawal.TradeMode, "WDL-15", verification.Expired, "The verification code has expired; ask for a new one."},
		{withdrawal.BankCard, withdrawal.TradeMode, "WDL-15", verification.Exhausted, "tried too often; ask for a new one."},
		{withdrawal.Incentive, withdrawal.IncentivePaid, "WDR-10", verification.Wrong, "The verification code is wrong; check it and try again."},
		{withdrawal.Incentive, withdrawal.IncentivePaid, "WDR-10", verification.Used, "already used; ask for a new one."},
	} {
		f := facts([]withdrawal.Lot{lot(tc.source, "800.00")}, func(f *withdrawal.Facts) { f.Code = tc.verdict })
		judged(t, application(tc.route, "800.00"), f, said{tc.rule, "WDR_CODE", "verification code", tc.says})
	}
}

// Rule: WDL-17
func TestGivenWalletMoneyOnTheOriginalRoute_WhenItIsAskedFor_ThenTheRuleApprovesItUnlessTheRiskFlagIsSet(t *testing.T) {
	for _, tc := range []struct {
		name   string
		source withdrawal.Source
		amount string
		byRule bool
		from   string
	}{
		{"Alipay 500 submitted 10:00", withdrawal.Alipay, "500.00", true, "V.CHAN.alipay"},
		{"WeChat below the risk amount", withdrawal.Wechat, "49999.99", true, "V.CHAN.wechat"},
		{"from the risk amount up", withdrawal.Alipay, "50000.00", false, "V.CHAN.alipay"},
		{"UnionPay is no wallet", withdrawal.Unionpay, "500.00", false, "V.CHAN.unionpay"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := planned(t, application(withdrawal.Original, tc.amount), facts([]withdrawal.Lot{lot(tc.source, tc.amount)}))
			require.Equal(t, tc.byRule, plan.ApprovedByRule)
			require.Equal(t, tc.from, string(plan.PaidFrom))
		})
	}
	require.True(t, withdrawal.CanMove("", withdrawal.Approved), "such a case opens as approved")
}

// Rule: WDL-18
func TestGivenARouteAmount_WhenOneFenMoreIsAskedFor_ThenItIsRefused(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "8000.00")})
	planned(t, application(withdrawal.BankCard, "8000.00"), f)
	judged(t, application(withdrawal.BankCard, "8000.01"), f,
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "8000.01 was asked for, 8000.00 can leave by the route BANK_CARD"})
}

// Rule: COM-02
func TestGivenAnAmountAsEntered_WhenItIsNoAmount_ThenItIsRefusedInOneSentence(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "8000.00")})
	const write, least = "write it like 1234.50.", "enter at least 0.01."
	for entered, todo := range map[string]string{
		"0": least, "0.00": least, "-1": write, "10.005": write, "1e9": write, "+5": write, ".5": write, "١٢": write, "1,000": write, "NaN": write,
	} {
		_, list := withdrawal.Judge(application(withdrawal.BankCard, entered), f)
		refuses(t, list, said{"COM-02", "CBC.0100", "amount", todo})
		require.Contains(t, list[0].Message, `"`+entered+`"`, "it says what was entered")
	}
	_, list := withdrawal.Judge(application(withdrawal.BankCard, ""), f)
	refuses(t, list, said{"COM-02", "CBC.0100", "amount", "The amount is missing; write it like 1234.50."})
	_, list = withdrawal.Judge(application(withdrawal.BankCard, "99999999999999999999"), f)
	require.Contains(t, list[0].Message, "larger than can be kept")
	require.Equal(t, "0.01", planned(t, application(withdrawal.BankCard, "0.01"), f).Amount.String())
}

// Rule: WDL-21
func TestGivenARebate_WhenThePayeeIsNotTheVerifiedName_ThenItIsRefused(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.IncentivePaid, "2000.00")})
	require.Equal(t, "V.BANK", string(planned(t, paidTo(application(withdrawal.Incentive, "2000.00"), "A Ltd"), f).PaidFrom))
	judged(t, paidTo(application(withdrawal.Incentive, "2000.00"), "B Ltd"), f,
		said{"WDR-04", "WDR_NAME", `account name "B Ltd"`, `paid to an account of the verified name "A Ltd" (WDL-03, WDL-21); correct the account name.`})
}

// Rule: WDR-01
// Rule: WDR-04
// Rule: WDR-05
// Rule: ENG-06
func TestGivenARebateOf10300_WhenItIsAskedFor_ThenAllOfItMayGoToTheRealNameAndNotAFenMore(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.IncentivePaid, "10300.00")}, func(f *withdrawal.Facts) { f.Partner.VerifiedName = "Alpha Cloud Ltd" })
	ask := func(amount, holder string) withdrawal.Application {
		return paidTo(application(withdrawal.Incentive, amount), holder)
	}
	require.Equal(t, "10300.00", planned(t, ask("10300.00", "Alpha Cloud Ltd"), f).Amount.String())
	planned(t, ask("10300.00", "  Alpha Cloud Ltd "), f)

	name := said{"WDR-04", "WDR_NAME", `account name "Alpha Cloud Limited"`, `the verified name "Alpha Cloud Ltd"`}
	amount := said{"WDR-05", "WDR_AMOUNT", "partner P1001", "10300.01 was asked for, 10300.00 can leave by the route INCENTIVE"}
	judged(t, ask("10300.00", "Alpha Cloud Limited"), f, name)
	judged(t, ask("10300.01", "Alpha Cloud Ltd"), f, amount)
	judged(t, ask("10300.01", "Alpha Cloud Limited"), f, name, amount)
}

// Rule: WDR-08
func TestGivenIncentiveMoneyAndAnAlipayTopUp_WhenTheIncentiveIsWithdrawn_ThenOnlyTheRealNameWillDo(t *testing.T) {
	f := facts([]withdrawal.Lot{lot(withdrawal.IncentivePaid, "500.00"), lot(withdrawal.Alipay, "500.00")})
	planned(t, paidTo(application(withdrawal.Incentive, "500.00"), "A Ltd"), f)
	judged(t, paidTo(application(withdrawal.Incentive, "500.00"), "Zhang San"), f,
		said{"WDR-04", "WDR_NAME", `account name "Zhang San"`, `"A Ltd" (WDL-03, WDL-21); correct the account name.`})
}

// Rule: WDL-26
func TestGivenAChangedContractingEntity_WhenOlderMoneyLeaves_ThenOnlineMoneyIsPaidByTheOldAndTransfersByTheNewOne(t *testing.T) {
	online, transfer := lot(withdrawal.Alipay, "500.00"), lot(withdrawal.RemitGeneral, "700.00")
	online.Entity, transfer.Entity = "software", "software"
	f := facts([]withdrawal.Lot{online, transfer}, cloudCompany)
	name := func(no string, amount string) withdrawal.LotChoice {
		return withdrawal.LotChoice{Lot: no, Amount: amount}
	}

	plan := planned(t, application(withdrawal.Original, "500.00", name("L000001", "500.00")), f)
	require.Equal(t, "software", plan.PayingEntity)
	require.Equal(t, "V.CHAN.alipay", string(plan.PaidFrom))

	plan = planned(t, application(withdrawal.Original, "700.00", name("L000002", "700.00")), f)
	require.Equal(t, "cloud", plan.PayingEntity)
	require.Equal(t, "V.BANK", string(plan.PaidFrom))

	plan = planned(t, paidTo(application(withdrawal.BankCard, "500.00", name("L000001", "500.00")), "Zhang San"), f)
	require.Equal(t, "cloud", plan.PayingEntity, "by bank card the present entity pays")
}

// Rule: WDL-29
func TestGivenAReseller_WhenItAsksForMoney_ThenItIsPointedToTheReclaim(t *testing.T) {
	judged(t, application(withdrawal.BankCard, "100.00"),
		facts([]withdrawal.Lot{lot(withdrawal.Grant, "100.00")}, func(f *withdrawal.Facts) { f.Partner.Kind = withdrawal.Reseller }),
		said{"WDL-29", "ACCT.WDL.29", "partner P1001", "goes back by reclaim; ask the distributor."})
}

func TestGivenAPartnerThatMayNotWithdrawNow_WhenItAsks_ThenStateAndRealNameAreRefused(t *testing.T) {
	judged(t, application(withdrawal.BankCard, "100.00"),
		facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "100.00")}, func(f *withdrawal.Facts) { f.Partner.State = "FROZEN" }),
		said{"ENG-03", "ENG_STATE", "partner P1001", "The account is FROZEN; it has to be ACTIVE to withdraw, ask the vendor for the cause."})
	judged(t, application(withdrawal.BankCard, "100.00"),
		facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "100.00")}, func(f *withdrawal.Facts) { f.Partner.VerifiedName = "" }),
		said{"AUT-04", "AUT_REAL_NAME", "partner P1001", "complete the real-name authentication first."})
}

func TestGivenBadInput_WhenAnApplicationIsJudged_ThenOneSentenceSaysWhatIsWrongAndNothingIsPlanned(t *testing.T) {
	lots := []withdrawal.Lot{lot(withdrawal.TradeMode, "800.00")}
	for name, tc := range map[string]struct {
		app    func(*withdrawal.Application)
		change with
		want   said
	}{
		"an empty name": {
			app:  func(a *withdrawal.Application) { a.Payee.Holder = "" },
			want: said{"WDL-03", "WDR_NAME", `account name ""`, `an account of "A Ltd" (WDL-03)`},
		},
		"blanks as a name": {
			app:  func(a *withdrawal.Application) { a.Payee.Holder = "  " },
			want: said{"WDL-03", "WDR_NAME", `account name "  "`, "correct the account name."},
		},
		"a name with a full-width bracket that is not the name": {
			app:  func(a *withdrawal.Application) { a.Payee.Holder = "A（Branch）Ltd" },
			want: said{"WDL-03", "WDR_NAME", `account name "A（Branch）Ltd"`, `an account of "A Ltd" (WDL-03)`},
		},
		"a payee of another company": {
			app:  func(a *withdrawal.Application) { a.Payee.Holder = "B Ltd" },
			want: said{"WDL-03", "WDR_NAME", `account name "B Ltd"`, `an account of "A Ltd" (WDL-03)`},
		},
		"an unknown partner": {
			app: func(a *withdrawal.Application) {}, change: func(f *withdrawal.Facts) { f.Partner = nil },
			want: said{"COM-17", "CBC.5001", "partner P1001", `There is no partner "P1001"; check the partner's number.`},
		},
		"an unknown person": {
			app: func(a *withdrawal.Application) {}, change: func(f *withdrawal.Facts) { f.Submitter = nil },
			want: said{"COM-16", "CBC.0151", "person U1", `There is no person "U1"; speak as somebody who is registered.`},
		},
		"a person of another partner": {
			app: func(a *withdrawal.Application) {}, change: func(f *withdrawal.Facts) { f.Submitter.PartnerID = "P2002" },
			want: said{"COM-16", "CBC.0151", "person U1", "Wang Wei may not withdraw for partner P1001; ask the partner's administrator"},
		},
		"a person without the permission": {
			app: func(a *withdrawal.Application) {}, change: func(f *withdrawal.Facts) { f.Submitter.Roles = nil },
			want: said{"COM-16", "CBC.0151", "person U1", "for the permission."},
		},
		"an unknown route": {
			app:  func(a *withdrawal.Application) { a.Route = "CASH" },
			want: said{"COM-08", "CBC.0100", "route", `There is no route "CASH"; choose ORIGINAL, BANK_CARD or INCENTIVE.`},
		},
		"no request key": {
			app:  func(a *withdrawal.Application) { a.RequestKey = "" },
			want: said{"COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters"},
		},
		"a request key of 65 characters": {
			app:  func(a *withdrawal.Application) { a.RequestKey = strings.Repeat("k", 65) },
			want: said{"COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, f := application(withdrawal.BankCard, "800.00"), facts(lots)
			tc.app(&app)
			if tc.change != nil {
				tc.change(&f)
			}
			judged(t, app, f, tc.want)
		})
	}
	app := application(withdrawal.BankCard, "800.00")
	app.RequestKey = strings.Repeat("键", 64)
	planned(t, app, facts(lots)) // characters count, not octets
}

func TestGivenAnApplicationWithEverythingWrong_WhenItIsJudged_ThenAllGuardsAreListedInTheOrderOfPGM08(t *testing.T) {
	app := paidTo(application(withdrawal.BankCard, "900.00", withdrawal.LotChoice{Lot: "L000001", Amount: "801.00"}, withdrawal.LotChoice{Lot: "L000007", Amount: "x"}), "B Ltd")
	app.RequestKey, app.Payee.Bank, app.Payee.Branch = "", "", ""
	f := facts([]withdrawal.Lot{lot(withdrawal.TradeMode, "800.00")}, func(f *withdrawal.Facts) {
		f.Submitter.Roles, f.Code, f.Partner.State = nil, verification.Wrong, "LIMITED"
	})
	judged(t, app, f,
		said{"COM-16", "CBC.0151", "person U1", "ask the partner's administrator"}, // caller
		said{"COM-20", "CBC.0100", "request", "a key of 1 to 64 characters"},       // parameters
		said{"COM-02", "CBC.0100", "lot L000007", "write it like 1234.50"},
		said{"WDL-15", "WDR_CODE", "verification code", "check it and try again"},
		said{"WDL-14", "CBC.0100", "payee", "enter both"},
		said{"WDL-14", "ACCT.WDL.14", "payee", "enter the branch"},
		said{"WDL-13", "ACCT.WDL.13", "lot L000007", "see the account's lots"}, // object
		said{"WDL-03", "WDR_NAME", `account name "B Ltd"`, "correct the account name"},
		said{"ENG-03", "ENG_STATE", "partner P1001", "The account is LIMITED"},                           // state
		said{"WDL-18", "WDR_AMOUNT", "lot L000001", "Lot L000001 has 800.00 free, 801.00 was asked for"}, // amount
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "ask for at most 800.00"})
}

// Rule: COM-20
func TestGivenARequestKey_WhenTheRequestIsRepeated_ThenOnlyTheSameBodyHasTheSameDigest(t *testing.T) {
	first := application(withdrawal.BankCard, "50.00", withdrawal.LotChoice{Lot: "L000001", Amount: "50.00"})
	first.Code = "123456"
	again := application(withdrawal.BankCard, "50", withdrawal.LotChoice{Lot: "L1", Amount: "50.0"})
	require.Equal(t, first.Digest(), again.Digest(), "the code is spent by the first answer; 50 is 50.00")
	require.Equal(t, "L1", again.Lots[0].Lot, "asking for the digest changes nothing")

	for name, change := range map[string]func(*withdrawal.Application){
		"no amount":       func(a *withdrawal.Application) { a.Amount = "1e9" },
		"60.00":           func(a *withdrawal.Application) { a.Amount = "60.00" },
		"another route":   func(a *withdrawal.Application) { a.Route = withdrawal.Incentive },
		"another payee":   func(a *withdrawal.Application) { a.Payee.Holder = "B Ltd" },
		"another lot":     func(a *withdrawal.Application) { a.Lots = []withdrawal.LotChoice{{Lot: "L000002", Amount: "50.00"}} },
		"no lots":         func(a *withdrawal.Application) { a.Lots = nil },
		"another partner": func(a *withdrawal.Application) { a.PartnerID = "P2002" },
	} {
		other := first
		change(&other)
		require.NotEqual(t, first.Digest(), other.Digest(), name)
	}
}

func TestGivenAPerson_WhenTheyActForAPartner_ThenItIsTheirOwnOrTheyAreItsEcosystemManager(t *testing.T) {
	role := func(p string, roles ...person.Role) person.Person {
		return person.Person{ID: "U", PartnerID: p, Active: true, Roles: roles}
	}
	for name, tc := range map[string]struct {
		who person.Person
		may bool
	}{
		"the administrator":                           {role("P1001", person.PartnerAdministrator), true},
		"an operator with the permission":             {role("P1001", person.PartnerWithdrawals), true},
		"an operator without it":                      {role("P1001"), false},
		"another partner's administrator":             {role("P2002", person.PartnerAdministrator), false},
		"the vendor's ecosystem manager":              {role("", person.EcosystemManager), true},
		"vendor finance":                              {role("", person.VendorFinance), false},
		"a partner's person with the vendor's role":   {role("P1001", person.EcosystemManager), false},
		"a vendor's person with the partner's role":   {role("", person.PartnerAdministrator), false},
		"the administrator, who is not active longer": {person.Person{PartnerID: "P1001", Roles: []person.Role{person.PartnerAdministrator}}, false},
	} {
		require.Equal(t, tc.may, withdrawal.MayAct(tc.who, "P1001"), name)
	}
}

func TestGivenWalletMoneyOfAnUnknownPayer_WhenItIsPaidToABankCard_ThenWDL01SaysThatThePayerIsNotKnown(t *testing.T) {
	nobody := lot(withdrawal.Wechat, "100.00")
	nobody.Payer = ""
	choice := withdrawal.LotChoice{Lot: "L000001", Amount: "100.00"}
	for _, holder := range []string{"", "A Ltd"} {
		judged(t, paidTo(application(withdrawal.BankCard, "100.00", choice), holder), facts([]withdrawal.Lot{nobody}),
			said{"WDL-01", "WDR_NAME", `account name "` + holder + `"`, "paid to an account of its payer, who is not known (WDL-01); correct the account name."})
	}
}

func TestGivenALotNumber_WhenItIsWrittenAndRead_ThenItIsTheSame(t *testing.T) {
	require.Equal(t, "L000123", withdrawal.LotNo(123).String())
	for _, text := range []string{"L000123", "L123"} {
		n, err := withdrawal.ParseLotNo(text)
		require.NoError(t, err)
		require.Equal(t, withdrawal.LotNo(123), n)
	}
	for _, text := range []string{"", "123", "L0", "L-1", "l000123", "L000123 ", "L9999999999999999999", "L١٢"} {
		_, err := withdrawal.ParseLotNo(text)
		require.ErrorContains(t, err, "write it like L000123", text)
	}
	text, err := withdrawal.LotNo(7).MarshalText()
	require.NoError(t, err)
	var back withdrawal.LotNo
	require.NoError(t, back.UnmarshalText(text))
	require.Equal(t, withdrawal.LotNo(7), back)
}

func TestGivenDesignatedCash_WhenTheAmountIsRefused_ThenTheFiguresInTheSentenceAddUp(t *testing.T) {
	tied := lot(withdrawal.TradeMode, "300.00")
	tied.Designated = true
	f := facts([]withdrawal.Lot{tied, lot(withdrawal.TradeMode, "200.00")}, func(f *withdrawal.Facts) { f.Debts = money.Must("50.00") })
	judged(t, application(withdrawal.BankCard, "500.00"), f,
		said{"WDL-18", "WDR_AMOUNT", "partner P1001", "cash 200.00 less owed invoices 0.00, charges not posted 0.00, customers' debts 50.00); ask for at most 150.00."})
}
