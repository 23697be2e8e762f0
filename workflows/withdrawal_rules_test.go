package workflows

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// Rule: WDL-04
func TestWDL04TradeModeMoneyGoesToTheVerifiedNameOnly(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "TRADE_MODE", "", "2025-10-01 09:00", "800.00")

	app := h.toBank("k1", "800.00")
	app.Payee.Holder = "A (Branch) Ltd"
	codes, text := h.refuses(app)
	require.Equal(t, []string{"WDL-03 WDR_NAME"}, codes)
	require.Contains(t, text, "WDL-04")
	h.nothingHappened("k1")

	number := h.opens(h.toBank("k2", "800.00")).Case
	h.approve(number)
	h.load("partners: [{id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Holding Ltd, entity: cloud}]")
	failed := h.send(number)
	require.Equal(t, withdrawal.Failed, failed.State, "the names came apart before payment")
	require.Equal(t, "800.00", h.balance(ledger.Cash("P1001")), "hold released")
	require.Contains(t, h.history(number), "lina send APPROVED>FAILED WDL-04")
	h.addsUp()
}

// Rule: WDL-06
func TestWDL06AMixedChoiceHoldsNothingAndTwoApplicationsPass(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	alipay := h.lot("P1001", "l1", "ALIPAY", "Zhang San", "2025-01-10 09:00", "500.00") // older than 3 months: bank card
	trade := h.lot("P1001", "l2", "TRADE_MODE", "", "2025-10-01 09:00", "800.00")

	codes, text := h.refuses(h.toBank("k1", "1300.00"))
	require.Equal(t, []string{"WDL-06 ACCT.WDL.06"}, codes)
	require.Contains(t, text, "Zhang San 500.00")
	require.Contains(t, text, "A Ltd 800.00")
	h.nothingHappened("k1")

	one := h.toBank("k2", "500.00")
	one.Lots, one.Payee.Holder = []withdrawal.LotChoice{{Lot: alipay, Amount: "500.00"}}, "Zhang San"
	two := h.toBank("k3", "800.00")
	two.Lots = []withdrawal.LotChoice{{Lot: trade, Amount: "800.00"}}
	one.Code = h.code("mei", "P1001", h.now)
	require.Equal(t, withdrawal.UnderReview, h.opens(one).State)
	two.Code = h.code("mei", "P1001", h.now)
	require.Equal(t, withdrawal.UnderReview, h.opens(two).State)
	require.Equal(t, "1300.00", h.balance(ledger.Hold("P1001")))
	h.addsUp()
}

// Rule: WDL-07, WDR-06
func TestWDL07WithdrawableIsCashLessOwedUnpostedAndDebts(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "10000.00")
	h.load(`memos:
  - {key: m1, kind: owed, owner: P1001, amount: "1200.00"}
  - {key: m2, kind: unposted, owner: P1001, amount: "300.00"}
  - {key: m3, kind: debt, owner: C1, amount: "500.00"}`)
	require.Equal(t, "8000.00", h.available("P1001")[0])

	h.opens(h.toBank("k1", "3000.00"))
	require.Equal(t, "5000.00", h.available("P1001")[0], "the hold has left the cash")

	h.load(`memos: [{key: m4, kind: owed, owner: P1001, amount: "6000.00"}]`)
	require.Equal(t, "0.00", h.available("P1001")[0], "never below 0")
	h.addsUp()
}

// Rule: WDL-08
func TestWDL08CreditAndDesignatedMoneyAreNeverWithdrawable(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.load(`memos: [{key: line, kind: credit, owner: P1001, amount: "50000.00"}]`)
	require.Equal(t, "50000.00", h.balance(ledger.Credit("P1001")))
	require.Equal(t, "0.00", h.available("P1001")[0], "cash 0, credit 50,000")

	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "100.00", "designated: true")
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, h.available("P1001"))
}

// Rule: WDL-13
func TestWDL13LotsAreTakenLastInFirstOutOrAsNamed(t *testing.T) {
	for _, c := range []struct {
		name          string
		named         bool
		first, second string // what remains
	}{
		{"default", false, "2500.00", "0.00"},
		{"the first lot named", true, "500.00", "2000.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, cst("2025-11-03 10:00"), "")
			first := h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "3000.00")
			second := h.lot("P1001", "l2", "EBANK_CORPORATE", "A Ltd", "2025-10-20 09:00", "2000.00")
			app := h.toBank("k1", "2500.00")
			if c.named {
				app.Lots = []withdrawal.LotChoice{{Lot: first, Amount: "2500.00"}}
			}
			h.opens(app)
			require.Equal(t, c.first, h.free(first))
			require.Equal(t, c.second, h.free(second))
			h.addsUp()
		})
	}
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	first := h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "3000.00")
	app := h.toBank("k1", "2500.00")
	app.Lots = []withdrawal.LotChoice{{Lot: first, Amount: "2000.00"}}
	codes, _ := h.refuses(app)
	require.Equal(t, []string{"WDL-13 ACCT.WDL.13"}, codes)
	h.nothingHappened("k1")
}

// Rule: WDL-14
func TestWDL14TheBranchIsAskedForOnceAnAccount(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "REMIT_GENERAL", "A Ltd", "2025-10-01 09:00", "1000.00")

	codes, _ := h.refuses(h.original("k1", "100.00"))
	require.Equal(t, []string{"WDL-14 ACCT.WDL.14"}, codes, "first withdrawal, branch empty")
	h.nothingHappened("k1")

	app := h.original("k2", "100.00")
	app.Payee.Branch = "Shenzhen"
	h.opens(app)
	require.Equal(t, withdrawal.UnderReview, h.opens(h.original("k3", "100.00")).State, "the branch is known now")
}

// Rule: WDL-15, WDR-10, and COM-15 as far as it reaches withdrawals: no code, refused, nothing posted
func TestWDL15EveryWithdrawalNeedsACodeOfItsOwn(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "INCENTIVE", "", "2025-10-01 09:00", "1000.00")

	app := h.rebate("k1", "100.00")
	right := app.Code
	app.Code = ""
	codes, _ := h.refuses(app)
	require.Equal(t, []string{"WDR-10 WDR_CODE"}, codes, "no code")
	h.nothingHappened("k1")

	wrong := "000000"
	if right == wrong {
		wrong = "111111"
	}
	app.Code = wrong
	codes, _ = h.refuses(app)
	require.Equal(t, []string{"WDR-10 WDR_CODE"}, codes, "code wrong: nothing created")
	require.Zero(t, h.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 4, h.count(`SELECT tries_left FROM verification_codes ORDER BY code_id DESC LIMIT 1`), "the try counts although the application was refused")

	app.Code = right
	opened := h.opens(app)
	require.Equal(t, withdrawal.UnderReview, opened.State, "code right: one record in review")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases`))

	second := app
	second.RequestKey = "k2"
	codes, text := h.refuses(second)
	require.Equal(t, []string{"WDR-10 WDR_CODE"}, codes, "the code is spent")
	require.Contains(t, text, "already used")

	bank := h.toBank("k3", "1.00")
	bank.Code = ""
	codes, _ = h.refuses(bank)
	require.Contains(t, codes, "WDL-15 WDR_CODE")
}

func TestGivenFiveWrongTries_WhenTheRightCodeComes_ThenItIsTooLate(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "100.00")
	right := app.Code
	for range 5 {
		app.Code = "no-code"
		h.refuses(app)
	}
	app.Code = right
	_, text := h.refuses(app)
	require.Contains(t, text, "tried too often")
}

func TestGivenACode_WhenFiveMinutesAreOver_ThenItHasExpired(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "100.00")
	h.now = h.now.Add(5 * time.Minute) // the closing instant is out
	_, text := h.refuses(app)
	require.Contains(t, text, "expired")
	app = h.toBank("k1", "100.00")
	h.now = h.now.Add(5*time.Minute - time.Microsecond)
	h.opens(app)
}

func TestGivenACodeForOnePartner_WhenAnotherIsTarget_ThenItDoesNotCount(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "100.00")
	app.Submitter, app.Code = "wang", h.code("wang", "P2002", h.now)
	_, text := h.refuses(app)
	require.Contains(t, text, "No verification code was sent")
}

// Rule: WDL-16, WDL-22, WDR-03
func TestWDL16MoneyIsDueSevenWorkingDaysAfterApproval(t *testing.T) {
	for _, c := range []struct{ rule, approved, closes string }{
		{"WDL-16", "2025-11-03 10:00", "2025-11-13 00:00"}, // by 2025-11-12
		{"WDL-22", "2025-11-03 10:00", "2025-11-13 00:00"},
		{"WDR-03", "2024-11-01 10:00", "2024-11-13 00:00"}, // due 2024-11-12
		{"WDR-03", "2024-09-30 10:00", "2024-10-16 00:00"}, // due Tue 2024-10-15
	} {
		h := newHouse(t, cst(c.approved), "")
		app := h.toBank("k1", "100.00")
		source := "TRADE_MODE"
		if c.rule != "WDL-16" {
			app.Route, source = withdrawal.Incentive, "INCENTIVE"
		}
		h.lot("P1001", "l1", source, "", "2024-08-01 09:00", "100.00")
		number := h.opens(app).Case
		approved := h.approve(number)
		require.True(t, cst(c.closes).Equal(*approved.DueAt), "%s: %s", c.rule, approved.DueAt)
		require.Equal(t, calendar.DateOf(cst(c.closes)).AddDays(-1), calendar.DateOf(approved.DueAt.Add(-time.Second)))
	}
}

// Rule: WDL-17
func TestWDL17WalletMoneyOnTheOriginalRouteIsApprovedByTheRule(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "ALIPAY", "Zhang San", "2025-10-01 09:00", "60000.00")

	opened := h.opens(h.original("k1", "500.00"))
	require.Equal(t, withdrawal.Approved, opened.State)
	require.Equal(t, []string{"mei submit >APPROVED WDL-17"}, h.history(opened.Case))
	h.send(opened.Case)
	require.Equal(t, withdrawal.Paid, h.confirm(opened.Case, "500.00").State)
	require.Equal(t, "59500.00", h.balance(ledger.ChanAlipay), "paid from the channel")
	require.Equal(t, h.now.UTC(), h.paidAt(opened.Case), "the same minute")

	flagged := h.opens(h.original("k2", "50000.00"))
	require.Equal(t, withdrawal.UnderReview, flagged.State, "the risk amount is reviewed by people")
	h.addsUp()
}

// Rule: WDL-18
func TestWDL18TheAmountIsAtMostTheRoutes(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "8000.00")
	codes, text := h.refuses(h.toBank("k1", "8000.01"))
	require.Equal(t, []string{"WDL-18 WDR_AMOUNT"}, codes)
	require.Contains(t, text, "at most 8000.00")
	h.nothingHappened("k1")
	h.opens(h.toBank("k2", "8000.00"))
}

// Rule: WDL-19
func TestWDL19HeldMoneyCannotBeSpentOrAskedForTwice(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	h.opens(h.toBank("k1", "800.00"))
	require.Equal(t, "200.00", h.available("P1001")[0])
	codes, _ := h.refuses(h.toBank("k2", "300.00"))
	require.Equal(t, []string{"WDL-18 WDR_AMOUNT"}, codes)

	_, err := h.db.Exec(`WITH a AS (INSERT INTO accounts (account) VALUES ('C.CASH:C1'))
		, e AS (INSERT INTO entries (key, digest, memo, at) VALUES ('grant', '', 'grant 300', now()) RETURNING entry_id)
		INSERT INTO postings SELECT entry_id, a, m FROM e, (VALUES ('C.CASH:C1', 300.00), ('P.CASH:P1001', -300.00)) v(a, m)`)
	require.ErrorContains(t, err, "wdl_19_floor", "grant 300 of available 200: the database refuses it")
}

// Rule: WDL-20, WDR-13
func TestWDL20RebatesCountOnceTheyAreOnTheAccount(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.load(`memos: [{key: bill, kind: incentive, owner: P1001, amount: "2000.00"}]`)
	require.Equal(t, "2000.00", h.balance(ledger.Incentive("P1001")))
	require.Equal(t, "0.00", h.available("P1001")[3], "payout approved, not yet on the account")
	codes, _ := h.refuses(h.rebate("k1", "2000.00"))
	require.Equal(t, []string{"WDR-05 WDR_AMOUNT"}, codes, "still in invoice review")
	h.lot("P1001", "l1", "INCENTIVE", "", "2025-10-01 09:00", "2000.00")
	require.Equal(t, "0.00", h.balance(ledger.Incentive("P1001")), "it moved from the payable onto the account")
	require.Equal(t, "2000.00", h.available("P1001")[3])
	h.addsUp()
}

// Rule: WDL-23, WDL-21
func TestWDL23OnlyRebatesLeaveByTheIncentiveRoute(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "INCENTIVE", "", "2025-10-01 09:00", "2000.00")
	h.lot("P1001", "l2", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "5000.00")
	require.Equal(t, "2000.00", h.available("P1001")[3])
	codes, _ := h.refuses(h.rebate("k1", "2000.01"))
	require.Equal(t, []string{"WDR-05 WDR_AMOUNT"}, codes)

	other := h.rebate("k2", "2000.00")
	other.Payee.Holder = "B Ltd"
	codes, text := h.refuses(other)
	require.Equal(t, []string{"WDR-04 WDR_NAME"}, codes)
	require.Contains(t, text, "WDL-21")

	number := h.opens(h.rebate("k3", "2000.00")).Case
	h.approve(number)
	h.send(number)
	h.confirm(number, "2000.00")
	require.Equal(t, "-2000.00", h.balance(ledger.Bank), "paid by bank transfer")
	h.addsUp()
}

// Rule: WDL-24
func TestWDL24MoneyWithOwedInvoiceDoesNotRaiseTheWithdrawable(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "INCENTIVE_OWED", "", "2025-10-01 09:00", "1000.00")
	require.Equal(t, "1000.00", h.balance(ledger.Owed("P1001")))
	require.Equal(t, "0.00", h.available("P1001")[0])
}

// Rule: WDL-25
func TestWDL25ReturningTheInvoiceFreesTheMoney(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "800.00")
	h.load(`memos: [{key: refund, kind: owed, owner: P1001, amount: "500.00"}]`)
	require.Equal(t, "300.00", h.available("P1001")[0])
	h.load(`memos: [{key: returned, kind: owed, owner: P1001, amount: "-500.00"}]`)
	require.Equal(t, "0.00", h.balance(ledger.Owed("P1001")))
	require.Equal(t, "800.00", h.available("P1001")[0])
}

// Rule: WDL-26
func TestWDL26AfterAChangeOfEntityOnlineMoneyIsPaidByTheOldOne(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	alipay := h.lot("P1001", "l1", "ALIPAY", "Zhang San", "2025-10-01 09:00", "100.00", "entity: old-entity")
	transfer := h.lot("P1001", "l2", "REMIT_GENERAL", "A Ltd", "2025-10-01 09:00", "100.00", "entity: old-entity")
	for key, c := range map[string]struct{ lot, entity string }{"k1": {alipay, "old-entity"}, "k2": {transfer, "cloud"}} {
		app := h.original(key, "100.00")
		app.Lots, app.Payee.Branch = []withdrawal.LotChoice{{Lot: c.lot, Amount: "100.00"}}, "Shenzhen"
		number := h.opens(app).Case
		require.Equal(t, 1, h.count(`SELECT count(*) FROM withdrawals WHERE case_number = $1 AND paying_entity = $2`, number, c.entity), c.lot)
	}
}

// Rule: WDL-27
func TestWDL27OnlyARefusedOneCanBeDeleted(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	paid := h.opens(h.toBank("k1", "100.00")).Case
	h.approve(paid)
	h.send(paid)
	h.confirm(paid, "100.00")
	_, err := h.act.DeleteWithdrawal(context.Background(), activities.CancelWithdrawalInput{Case: paid, Key: "d1", Person: "mei", At: h.now})
	require.Equal(t, []string{"WDL-27 ACCT.WDL.27"}, codesOf(activities.RefusalOf(err)))

	refused := h.opens(h.toBank("k2", "100.00")).Case
	h.must(h.decide(refused, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no"}))
	for range 2 { // the same key twice is one deletion
		s := h.must(h.act.DeleteWithdrawal(context.Background(), activities.CancelWithdrawalInput{Case: refused, Key: "d2", Person: "mei", At: h.now}))
		require.Equal(t, withdrawal.Deleted, s.State)
	}
	require.Len(t, h.history(refused), 3, "kept in audit")
	h.addsUp()
}

// Rule: WDL-28
func TestWDL28AFailedOriginalRouteBecomesBankCardMoney(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "ALIPAY", "Zhang San", "2025-10-01 09:00", "500.00")
	require.Equal(t, [4]string{"500.00", "500.00", "0.00", "0.00"}, h.available("P1001"))
	number := h.opens(h.original("k1", "500.00")).Case
	h.send(number)
	failed := h.must(h.decide(number, withdrawal.Confirm, approval.Decision{Person: "lina", Outcome: withdrawal.Bounced, Reason: "Alipay account closed"}))
	require.Equal(t, withdrawal.Failed, failed.State)
	require.Equal(t, [4]string{"500.00", "0.00", "500.00", "0.00"}, h.available("P1001"))
	h.addsUp()
}

// Rule: WDL-29
func TestWDL29ResellersDoNotWithdraw(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("R1", "l1", "GRANT", "", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "100.00")
	app.PartnerID, app.Submitter, app.Payee.Holder, app.Code = "R1", "rui", "R Ltd", h.code("rui", "R1", h.now)
	codes, _ := h.refuses(app)
	require.Equal(t, []string{"WDL-29 ACCT.WDL.29"}, codes)
	h.nothingHappened("k1")
}

// Rule: WDL-30
func TestWDL30AllRoutesTogetherNeverExceedTheWithdrawable(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "10000.00")
	h.load(`memos: [{key: m1, kind: owed, owner: P1001, amount: "1200.00"}]`)
	h.opens(h.toBank("k1", "8000.00"))
	codes, text := h.refuses(h.toBank("k2", "800.01"))
	require.Equal(t, []string{"WDL-18 WDR_AMOUNT"}, codes)
	require.Contains(t, text, "at most 800.00")
	h.opens(h.toBank("k3", "800.00"))
	h.addsUp()
}

// Rule: WDR-01, WDR-02
func TestWDR02NothingIsPaidBeforeApproval(t *testing.T) {
	h := newHouse(t, cst("2024-10-28 10:00"), "")
	h.lot("P1001", "l1", "INCENTIVE", "", "2024-10-01 09:00", "10300.00")
	number := h.opens(h.rebate("k1", "10300.00")).Case
	require.Equal(t, "0.00", h.balance(ledger.Bank))
	_, err := h.decide(number, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent})
	require.True(t, activities.IsNotFound(err), "there is no task to send before approval")
	require.Equal(t, "10300.00", h.balance(ledger.Hold("P1001")))
	require.Equal(t, withdrawal.Approved, h.approve(number).State)
}

// Rule: WDR-05, ENG-06
func TestENG06EveryFailedGuardIsListed(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "INCENTIVE", "", "2025-10-01 09:00", "10300.00")
	app := h.rebate("k1", "10300.01")
	app.Payee.Holder = "Other Ltd"
	codes, _ := h.refuses(app)
	require.Equal(t, []string{"WDR-04 WDR_NAME", "WDR-05 WDR_AMOUNT"}, codes)
	h.nothingHappened("k1")
}

// Rule: WDR-09
func TestWDR09OwedRebatesEnterTheirPoolByWhatIsOffset(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "granted", "INCENTIVE_OWED", "", "2025-10-01 09:00", "10600.00")
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, h.available("P1001"))
	h.load(`offsets: [{key: o1, lot: granted, amount: "4000.00"}]`)
	require.Equal(t, [4]string{"4000.00", "0.00", "0.00", "4000.00"}, h.available("P1001"))

	h = newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "granted", "INCENTIVE_OWED", "", "2025-10-01 09:00", "10600.00")
	h.lot("P1001", "other", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "5000.00")
	require.Equal(t, [4]string{"5000.00", "0.00", "5000.00", "0.00"}, h.available("P1001"))
}

// Rule: WDR-11
func TestWDR11ARejectedOrReturnedOneReleasesEverything(t *testing.T) {
	for _, ending := range []string{"rejected", "returned"} {
		h := newHouse(t, cst("2025-11-03 10:00"), "")
		lot := h.lot("P1001", "l1", "INCENTIVE", "", "2025-10-01 09:00", "10300.00")
		number := h.opens(h.rebate("k1", "10300.00")).Case
		require.Equal(t, "0.00", h.available("P1001")[3])
		if ending == "rejected" {
			h.must(h.decide(number, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "documents missing"}))
		} else {
			h.approve(number)
			h.send(number)
			h.must(h.decide(number, withdrawal.Confirm, approval.Decision{Person: "lina", Outcome: withdrawal.Bounced, Reason: "account closed"}))
		}
		require.Equal(t, "10300.00", h.available("P1001")[3], ending)
		require.Equal(t, "10300.00", h.free(lot), "the same lot, the same date")
		h.addsUp()
	}
}

// Rule: WDR-12
func TestWDR12APayoutByBankLeavesNothingToWithdraw(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.load(`memos:
  - {key: bill, kind: incentive, owner: P1001, amount: "10300.00"}
  - {key: payout, kind: payout, owner: P1001, amount: "10300.00"}`)
	require.Equal(t, "0.00", h.balance(ledger.Incentive("P1001")))
	require.Equal(t, "-10300.00", h.balance(ledger.Bank), "it has left by the bank")
	require.Equal(t, "0.00", h.available("P1001")[3])
}

// Rule: COM-20, PGM-10, ENG-01
func TestCOM20ARequestKeyIsOneApplication(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "50.00")
	first := h.opens(app)
	again := h.opens(app)
	require.Equal(t, first.Case, again.Case)
	require.Equal(t, "50.00", h.balance(ledger.Hold("P1001")), "one posting")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM entries WHERE case_number = $1`, first.Case))

	other := app
	other.Amount = "60.00"
	codes, _ := h.refuses(other)
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codes)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases`))
	h.addsUp()
}

// Rule: ENG-02, PGM-07
func TestENG02WhoSubmitsDoesNotDecide(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "100.00")
	app.Submitter, app.Code = "wang", h.code("wang", "P1001", h.now) // submits on the partner's behalf, and is of vendor finance
	number := h.opens(app).Case
	_, err := h.decide(number, withdrawal.Review, approval.Decision{Person: "wang", Outcome: approval.Approve})
	list := activities.RefusalOf(err)
	require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, codesOf(list))
	require.Equal(t, "task "+number+"/review", list[0].Object)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = 'UNDER_REVIEW'`, number))
	require.Contains(t, h.history(number), "wang approve refused UNDER_REVIEW>UNDER_REVIEW ENG-02", "a refused step is recorded (ENG-03)")
}

// Rule: ENG-03
func TestENG03OnlyListedStepsExistAndOthersAreRecorded(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	number := h.opens(h.toBank("k1", "100.00")).Case
	h.approve(number)

	_, err := h.act.CancelWithdrawal(context.Background(), activities.CancelWithdrawalInput{Case: number, Key: "c1", Person: "mei", At: h.now})
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
	_, err = h.decide(number, withdrawal.Review, approval.Decision{Person: "zhao", Outcome: approval.Reject, Reason: "too late"})
	list := activities.RefusalOf(err)
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(list), "a task already decided")
	require.Contains(t, list[0].Message, "approve by lina", "the refusal says what happened meanwhile")
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW WDR-02", "lina approve UNDER_REVIEW>APPROVED WDR-02",
		"mei cancel refused APPROVED>APPROVED ENG-03", "zhao reject refused APPROVED>APPROVED ENG-03",
	}, h.history(number))
	h.addsUp()
}

// Rule: ENG-05
func TestENG05ADeadlineInAYearWithoutDataIsRefused(t *testing.T) {
	h := newHouse(t, cst("2026-12-31 10:00"), "")
	h.lot("P1001", "l1", "TRADE_MODE", "", "2026-10-01 09:00", "1000.00")
	codes, text := h.refuses(h.toBank("k1", "100.00"))
	require.Equal(t, []string{"ENG-05 PRG.ENG.05"}, codes)
	require.Contains(t, text, "2027")
	h.nothingHappened("k1")
	h.load("calendar: [{year: 2027, days: [{date: 2027-01-01, name: New Year}]}]")
	h.opens(h.toBank("k2", "100.00"))
}

// Rule: PGM-12
func TestPGM12TheHistoryIsExactlyWhatHappened(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	number := h.opens(h.toBank("k1", "100.00")).Case
	h.approve(number)
	h.send(number)
	h.confirm(number, "100.00")
	require.Len(t, h.history(number), 4)
	require.Equal(t, []string{"submitted", "approved", "sent", "paid"}, h.notices(number))
}

func TestGivenAConfirmation_WhenTheAmountDiffers_ThenItIsRefused(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.approve(number)
	h.send(number)
	_, err := h.decide(number, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "799.00", Reference: "B-1"})
	require.Equal(t, []string{"WDL-16 WDR_AMOUNT"}, codesOf(activities.RefusalOf(err)))
	require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")))
}

func TestBadInputGetsOneClearSentenceAndLosesNothing(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	change := func(f func(*withdrawal.Application)) withdrawal.Application {
		app := h.toBank("bad", "100.00")
		f(&app)
		return app
	}
	for _, c := range []struct {
		name string
		app  withdrawal.Application
		want string
	}{
		{"empty name", change(func(a *withdrawal.Application) { a.Payee.Holder = "" }), "WDL-02 WDR_NAME"},
		{"payee of another company", change(func(a *withdrawal.Application) { a.Payee.Holder = "B Ltd" }), "WDL-02 WDR_NAME"},
		{"65 characters, Rule: COM-03", change(func(a *withdrawal.Application) { a.PartnerID = strings.Repeat("P", 65) }), "COM-03 CBC.0100"},
		{"unknown partner", change(func(a *withdrawal.Application) { a.PartnerID = "P9" }), "COM-17 CBC.5001"},
		{"unknown person", change(func(a *withdrawal.Application) { a.Submitter = "nobody" }), "COM-16 CBC.0151"},
		{"a person of another partner", change(func(a *withdrawal.Application) { a.Submitter = "bo" }), "COM-16 CBC.0151"},
		{"a NUL character", change(func(a *withdrawal.Application) { a.Payee.Bank = "IC\x00BC" }), "ENG-06 CBC.0100"},
		{"unknown route", change(func(a *withdrawal.Application) { a.Route = "CHEQUE" }), "COM-08 CBC.0100"},
		{"unknown lot", change(func(a *withdrawal.Application) {
			a.Lots = []withdrawal.LotChoice{{Lot: "L999999", Amount: "100.00"}}
		}), "WDL-13 ACCT.WDL.13"},
	} {
		codes, text := h.refuses(c.app)
		require.Contains(t, codes, c.want, c.name)
		require.True(t, strings.HasSuffix(strings.Split(text, " (")[0], "."), "%s: a sentence: %s", c.name, text)
	}
	h.now = h.now.Add(verification.Window)                                          // only so many codes may wait unused within one
	for _, amount := range []string{"0", "-1", "10.005", "1e9", "+5", ".5", "١٢"} { // Rule: COM-02
		codes, text := h.refuses(change(func(a *withdrawal.Application) { a.Amount = amount }))
		require.Contains(t, codes, "COM-02 CBC.0100", amount)
		require.Contains(t, text, amount)
	}
	require.Zero(t, h.count(`SELECT count(*) FROM cases`))
	require.Equal(t, "1000.00", h.available("P1001")[0])

	h.load("partners: [{id: P1001, name: A Ltd, kind: solution-provider, verified_name: A(北京)Ltd, entity: cloud}]")
	wide := h.toBank("wide", "100.00")
	wide.Payee.Holder = "A（北京）Ltd " // Rule: WDL-05
	h.opens(wide)
}

func TestGivenAFrozenAccount_WhenApplied_ThenTheStateIsTheReason(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	h.load("partners: [{id: P1001, name: A Ltd, kind: solution-provider, state: FROZEN, verified_name: A Ltd, entity: cloud}]")
	codes, text := h.refuses(h.toBank("k1", "100.00"))
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codes)
	require.Contains(t, text, "FROZEN")
}

func TestEveryStepMayRunTwice(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	app := h.toBank("k1", "100.00")
	in := activities.OpenWithdrawalInput{Application: app, WorkflowID: WithdrawalID(app), RunID: "r", At: h.now}
	ctx := context.Background()
	number := ""
	twice := func(step func() (activities.WithdrawalStanding, error)) {
		t.Helper()
		first := h.must(step())
		again := h.must(step())
		require.Equal(t, first, again)
		number = first.Case
	}
	twice(func() (activities.WithdrawalStanding, error) { return h.act.OpenWithdrawal(ctx, in) })
	twice(func() (activities.WithdrawalStanding, error) {
		return h.act.EscalateWithdrawal(ctx, activities.ClockInput{Case: number, At: cst("2025-11-06 00:00")})
	})
	for _, d := range []struct {
		kind approval.Matter
		d    approval.Decision
	}{
		{withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve}},
		{withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent}},
		{withdrawal.Confirm, approval.Decision{Person: "lina", Outcome: withdrawal.Arrived, Amount: "100.00", Reference: "B"}},
	} {
		twice(func() (activities.WithdrawalStanding, error) { return h.decide(number, d.kind, d.d) })
	}
	require.Equal(t, 2, h.count(`SELECT count(*) FROM entries WHERE case_number = $1`, number), "hold and payment, once each")
	require.Len(t, h.history(number), 5)
	require.Equal(t, 4+3*3+4, h.count(`SELECT count(*) FROM outbox WHERE NOT secret`), "four notices to who applied, three questions to three people each, one escalation to them and the manager")

	bad := app
	bad.RequestKey, bad.Code = "k2", "no-code"
	h.now = h.now.Add(time.Minute)
	bad.Code = h.code("mei", "P1001", h.now)[:5] + "x"
	in = activities.OpenWithdrawalInput{Application: bad, WorkflowID: "w", RunID: "refused-run", At: h.now}
	for range 2 {
		_, err := h.act.OpenWithdrawal(ctx, in)
		require.Equal(t, []string{"WDL-15 WDR_CODE"}, codesOf(activities.RefusalOf(err)))
	}
	require.Equal(t, 1, h.count(`SELECT count(*) FROM refusals WHERE request_key = 'k2'`))
	require.Equal(t, 4, h.count(`SELECT tries_left FROM verification_codes ORDER BY code_id DESC LIMIT 1`), "one try")
	h.addsUp()
}

func TestTwoDecisionsInOneInstantAreOne(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	number := h.opens(h.toBank("k1", "100.00")).Case
	errs := make(chan error, 2)
	for _, d := range []approval.Decision{{Person: "lina", Outcome: approval.Approve}, {Person: "zhao", Outcome: approval.Reject, Reason: "no"}} {
		go func() {
			_, err := h.decide(number, withdrawal.Review, d)
			errs <- err
		}()
	}
	refused := 0
	for range 2 {
		if err := <-errs; err != nil {
			require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
			refused++
		}
	}
	require.Equal(t, 1, refused)
	h.addsUp()
}

func TestManyApplicationsAtOnceNeverTakeMoreThanThereIs(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	var inputs []activities.OpenWithdrawalInput
	for _, who := range []string{"wang", "mei"} { // two people, one partner; only the newest code of each counts
		for _, key := range []string{"a", "b", "c"} {
			app := h.toBank(who+key, "400.00")
			app.Submitter, app.Code = who, h.code(who, "P1001", h.now)
			inputs = append(inputs, activities.OpenWithdrawalInput{Application: app, WorkflowID: who + key, RunID: who + key, At: h.now})
		}
	}
	errs := make(chan error, len(inputs))
	for _, in := range inputs {
		go func() {
			_, err := h.act.OpenWithdrawal(context.Background(), in)
			errs <- err
		}()
	}
	for range inputs {
		if err := <-errs; err != nil {
			require.NotEmpty(t, activities.RefusalOf(err), "refused, not failed: %v", err)
		}
	}
	require.Equal(t, 2, h.count(`SELECT count(*) FROM cases`), "each person's newest code served once, and 3 x 400 do not fit")
	require.Equal(t, "200.00", h.balance(ledger.Cash("P1001")))
	h.addsUp()
}

func TestGivenAPaidWithdrawal_WhenTheBankReturnsItLate_ThenATaskMakesANewLot(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	number := h.opens(h.toBank("k1", "800.00")).Case
	report := func(person, amount, reference string) (activities.LateReturnReport, error) {
		return h.act.ReportLateReturn(context.Background(), activities.ReportLateReturnInput{Case: number, Person: person, Amount: amount, Reference: reference, At: h.now})
	}
	_, err := report("lina", "800.00", "R-1")
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "not paid yet: %v", err)
	h.approve(number)
	h.send(number)
	h.confirm(number, "800.00")

	task, err := report("lina", "800.00", "R-1")
	require.NoError(t, err)
	same, err := report("lina", "800.00", "R-1")
	require.NoError(t, err)
	require.Equal(t, task.Task, same.Task, "one task for a reference")
	_, err = report("lina", "800.00", "R-2")
	require.Equal(t, []string{"WDL-18 WDR_AMOUNT"}, codesOf(activities.RefusalOf(err)), "no more than was paid")

	sweep := &activities.Sweep{DB: h.db}
	for _, at := range []time.Time{cst("2025-11-05 23:59"), cst("2025-11-06 00:00"), cst("2025-11-06 00:01")} { // reported on the 3rd, two working days
		_, err := sweep.Look(context.Background(), at)
		require.NoError(t, err)
		overdue := 0
		if !at.Before(cst("2025-11-06 00:00")) {
			overdue = 1
		}
		require.Equal(t, overdue, h.count(`SELECT count(*) FROM events WHERE case_number = $1 AND actor = 'clock' AND action = 'escalate' AND at = '2025-11-06 00:00+08'`, number), at)
	}
	require.Equal(t, 1, h.count(`SELECT count(*) FROM tasks WHERE task_id = $1 AND candidates = '{role:vendor-finance,role:finance-manager}'`, task.Task))

	answer := func(person string) error {
		_, err := h.act.DecideWithdrawal(context.Background(), activities.DecideInput{At: h.now, Decision: approval.Decision{
			Task: task.Task, Person: person, Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "R-1", Key: "late-" + person,
		}})
		return err
	}
	require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, codesOf(activities.RefusalOf(answer("lina"))), "who reports does not confirm")
	require.NoError(t, answer("zhao"))
	require.NoError(t, answer("zhao"))
	require.Equal(t, [4]string{"1000.00", "0.00", "1000.00", "0.00"}, h.available("P1001"))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = 'PAID'`, number), "PAID is final")
	require.Equal(t, "0.00", h.balance(ledger.Bank))
	h.addsUp()
}
