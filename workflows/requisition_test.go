package workflows

import (
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/invoice"
	"countersign/domain/ledger"
	"countersign/domain/requisition"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// Rule: PAY-09, PAY-28
func TestGivenABillOf600_WhenItIsRequestedAsQuota_ThenItIsGrantedTheSameDayWithoutAnInvoiceStep(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.resale("600.00")
	app := asks("k1", requisition.Voucher)
	r := o.start(app).toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, requisition.Completed, r.opened.standing.State, "the submitter is answered that it is completed")
	require.Equal(t, CaseResult{Case: "R000001", State: "COMPLETED"}, r.result)
	require.Equal(t, []string{"Q.SRC -600.00", "Q:QV000001 600.00", "V.INCENT:P100 -600.00", "V.PROMO 600.00"}, o.postings("R000001"))
	require.Equal(t, []string{"mei submit >PROCESSING PAY-06", "rule process PROCESSING>PAYING", "rule grant PAYING>COMPLETED PAY-09"}, o.history("R000001"))
	require.Zero(t, o.count(`SELECT count(*) FROM invoice_lists`))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM outbox WHERE key LIKE 'requisition/R000001/completed/%'`))
	o.addsUp()
}

// Rule: PAY-12, PAY-13, OWE-01
func TestGivenNewResaleOf10600_WhenItIsReturnedWithAnOwedInvoice_ThenCashAndOwedRiseInOneTransaction(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.resale("10600.00")
	app := asks("k1", requisition.CloudOwed)
	r := o.start(app).toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, "COMPLETED", string(r.result.State))
	require.Equal(t, []string{"M.OWED:P100 10600.00", "M.OWEDX -10600.00", "P.CASH:P100 10600.00", "V.INCENT:P100 -10600.00"}, o.postings("R000001"))
	require.Equal(t, "0.00", o.balance(ledger.Credit("P100")), "PAY-13: never the credit account")
	require.Equal(t, 1, o.count(`SELECT count(*) FROM owed_entries WHERE partner_id = 'P100' AND amount = 10600 AND remaining = 10600 AND tax_rate = 6 AND source = 'INCENTIVE_OWED'`))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM lots WHERE source = 'INCENTIVE_OWED' AND amount = 10600 AND owed_open = 10600`))
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, o.available("P100"), "WDR-09: nothing can be withdrawn while it is owed")
	o.addsUp()
}

// Rule: INV-01, INV-17, INV-18, PAY-24, AUT-08, WDR-12
func TestGivenHistoricalResaleOf10600_WhenItIsRequestedByBank_ThenInvoiceReviewsAndTransferFollow(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.bill("resale", "2023-08", "2023-09-28 09:00", "10600.00")
	app := asks("k1", requisition.Bank)
	r := o.start(app)
	sent, arrived, passed := r.invoiced(24 * time.Hour)
	reviewed := r.decides(30*time.Hour, "review", "zhao", approval.Approve)
	released := r.decides(31*time.Hour, "send", "zhao", requisition.Sent)
	confirmed := r.decides(48*time.Hour, "confirm", "zhao", requisition.Arrived, "10300.00")
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, requisition.WaitingInvoice, r.opened.standing.State)
	for _, a := range []*standingAnswer{sent, arrived, passed, reviewed, released, confirmed} {
		require.True(t, a.came)
		require.NoError(t, a.err)
	}
	require.Equal(t, CaseResult{Case: "R000001", State: "COMPLETED"}, r.result)
	require.Equal(t, []string{"V.BANK 10300.00", "V.INCENT:P100 -10600.00", "V.TAX 300.00"}, o.postings("R000001"))
	require.Equal(t, []string{
		"mei submit >PROCESSING PAY-06", "rule process PROCESSING>WAITING_INVOICE INV-01", "mei send invoices WAITING_INVOICE>WAITING_INVOICE INV-11",
		"lina invoices arrived WAITING_INVOICE>INVOICE_REVIEW INV-14", "lina pass INVOICE_REVIEW>REQUISITION_REVIEW INV-17", "zhao approve REQUISITION_REVIEW>PAYING PAY-24",
		"zhao send PAYING>PAYING PAY-24", "zhao confirm PAYING>COMPLETED PAY-28",
	}, o.history("R000001"))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM payments WHERE case_number = 'R000001' AND state = 'CONFIRMED' AND amount = 10300 AND account_no = '6222-1' AND paying_entity = 'cloud'`))
	require.Equal(t, [4]string{"0.00", "0.00", "0.00", "0.00"}, o.available("P100"), "WDR-12: nothing to withdraw")
	o.addsUp()
}

// Rule: PAY-11, PAY-13, PAY-16
func TestGivenAdvisoryOf10600_WhenItIsReturnedToTheCloudAccount_ThenItCanBeWithdrawnAfterwards(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	r.invoiced(24 * time.Hour)
	r.decides(30*time.Hour, "review", "zhao", approval.Approve)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, "COMPLETED", string(r.result.State))
	require.Equal(t, []string{"P.CASH:P100 10300.00", "V.INCENT:P100 -10600.00", "V.TAX 300.00"}, o.postings("R000001"))
	require.Equal(t, "10300.00", o.available("P100")[3], "the rebate pool")
	o.now = o.now.Add(72 * time.Hour)
	withdrawal := withdrawal.Application{
		RequestKey: "w1", PartnerID: "P100", Submitter: "mei", Route: withdrawal.Incentive, Amount: "10300.00",
		Payee: withdrawal.Payee{Holder: "A Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"}, Code: o.code("mei", "P100", o.now),
	}
	require.Equal(t, "UNDER_REVIEW", string(o.opens(withdrawal).State), "PAY-16: the standing way for a wrong choice")
	o.addsUp()
}

// Rule: PAY-26, PAY-27
func TestGivenARequestUnderReview_WhenItIsRejected_ThenBillsAndNegativesAreFreeAgain(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.advisory("2500.00")
	o.advisory("-600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	r.invoiced(24 * time.Hour)
	r.decides(30*time.Hour, "review", "zhao", approval.Reject, "the invoice's rate does not fit")
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, CaseResult{Case: "R000001", State: "REJECTED"}, r.result)
	require.Empty(t, o.postings("R000001"))
	require.Equal(t, "BT0001 2500.00; BT0002 -600.00 OUTSTANDING", o.requestable())
	require.Equal(t, "1900.00", o.balance(ledger.Incentive("P100")))
	again := asks("k2", requisition.Voucher)
	require.Equal(t, "1900.00", o.gets(again).Amount.String(), "applied anew")
	o.addsUp()
}

// Rule: PAY-22, ENG-01
func TestGivenAFrozenAccount_WhenAQuotaIsGranted_ThenTheStateShowsItAndCustomerServiceCompletesItOnce(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.resale("600.00")
	o.db.MustExec(`UPDATE partners SET state = 'FROZEN' WHERE partner_id = 'P100'`)
	app := asks("k1", requisition.Voucher)
	r := o.start(app)
	tooEarly := r.decides(time.Hour, "mend", "otto", requisition.Retry)
	r.env.RegisterDelayedCallback(func() { o.db.MustExec(`UPDATE partners SET state = 'ACTIVE' WHERE partner_id = 'P100'`) }, 2*time.Hour)
	never := r.decides(150*time.Minute, "mend", "otto", approval.Reject, "no")
	mended := r.decides(3*time.Hour, "mend", "olga", requisition.Retry)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, requisition.Failed, r.opened.standing.State)
	require.Equal(t, requisition.Failed, tooEarly.standing.State, "the account is still frozen")
	require.Equal(t, []string{"ENG_STATE"}, never.refused().Codes())
	require.Equal(t, requisition.Completed, mended.standing.State)
	require.Equal(t, 1, o.count(`SELECT count(*) FROM quotas WHERE amount = 600`))
	require.Equal(t, "600.00", o.balance(ledger.Quota("QV000001")))
	require.Equal(t, []string{
		"mei submit >PROCESSING PAY-06", "rule process PROCESSING>PAYING", "rule grant PAYING>FAILED PAY-22", "otto retry FAILED>PAYING PAY-22", "rule grant PAYING>FAILED PAY-22",
		"otto reject refused FAILED>FAILED PAY-22", "olga retry FAILED>PAYING PAY-22", "rule grant PAYING>COMPLETED PAY-09",
	}, o.history("R000001"))
	o.addsUp()
}

// Rule: PAY-22, WDR-11
func TestGivenATransferThatTheBankReturns_WhenItIsMended_ThenItIsPaidOnce(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Bank)
	r := o.start(app)
	r.invoiced(24 * time.Hour)
	r.decides(30*time.Hour, "review", "zhao", approval.Approve)
	r.decides(31*time.Hour, "send", "zhao", requisition.Sent)
	r.decides(32*time.Hour, "confirm", "zhao", requisition.Bounced, "account closed")
	r.decides(33*time.Hour, "mend", "otto", requisition.Retry)
	r.decides(34*time.Hour, "send", "zhao", requisition.Sent)
	r.decides(35*time.Hour, "confirm", "zhao", requisition.Arrived, "10300.00")
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, "COMPLETED", string(r.result.State))
	require.Equal(t, []string{"V.BANK 10300.00", "V.INCENT:P100 -10600.00", "V.TAX 300.00"}, o.postings("R000001"))
	require.Equal(t, 2, o.count(`SELECT count(*) FROM payments WHERE case_number = 'R000001' AND state IN ('RETURNED', 'CONFIRMED')`))
	o.addsUp()
}

// Rule: AUT-05, AUT-08
func TestGivenAChangeInReview_WhenThePaymentIsDue_ThenItWaitsAndGoesOnAfterTheResult(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	r.invoiced(24 * time.Hour)
	r.env.RegisterDelayedCallback(func() { o.now = r.env.Now(); o.changes("6222-2") }, 7*24*time.Hour)        // 2024-06-10 10:00
	paused := r.decides(8*24*time.Hour, "review", "zhao", approval.Approve)                                   // 2024-06-11: the payment is planned
	r.env.RegisterDelayedCallback(func() { o.now = r.env.Now(); o.passes() }, 10*24*time.Hour+10*time.Minute) // 2024-06-13
	woken := &standingAnswer{}
	r.update(10*24*time.Hour+10*time.Minute+time.Second, GoOnUpdate, woken, func() []any { return []any{CaseRequest{Person: "otto"}} })
	r.toEnd(app)
	require.NoError(t, r.err)
	require.NoError(t, paused.err)
	require.Equal(t, requisition.Paying, paused.standing.State)
	require.True(t, woken.came)
	require.NoError(t, woken.err)
	require.Equal(t, requisition.Completed, woken.standing.State)
	var at time.Time
	require.NoError(t, o.db.Get(&at, `SELECT completed_at FROM requisitions`))
	require.True(t, at.Equal(cst("2024-06-13 10:10").Add(time.Second)), "the payment planned for 11 June runs on 13 June")
	require.Contains(t, o.history("R000001"), "rule pause PAYING>PAYING AUT-05")
	require.Contains(t, o.history("R000001"), "rule resume PAYING>PAYING AUT-05")
	o.addsUp()
}

// Rule: AUT-05
func TestGivenAPausedPayment_WhenNobodyWakesIt_ThenItLooksByItselfEveryHour(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	r.invoiced(24 * time.Hour)
	r.env.RegisterDelayedCallback(func() { o.now = r.env.Now(); o.changes("6222-2") }, 28*time.Hour)
	r.decides(29*time.Hour, "review", "zhao", approval.Approve)
	r.env.RegisterDelayedCallback(func() { o.now = r.env.Now(); o.passes() }, 30*time.Hour+30*time.Minute)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, "COMPLETED", string(r.result.State))
	var at time.Time
	require.NoError(t, o.db.Get(&at, `SELECT completed_at FROM requisitions`))
	require.True(t, at.Equal(cst("2024-06-04 17:00")), "31 hours after the start, got %s", at)
}

// Rule: INV-15, INV-16, PAY-10, INV-12
func TestGivenInvoicesThatFail_WhenNewOnesAreSent_ThenThereIsAnotherRound(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	sent, arrived := &standingAnswer{}, &standingAnswer{}
	r.update(24*time.Hour, SendInvoicesUpdate, sent, func() []any { return []any{o.invoices("R000001", "A1")} })
	r.update(25*time.Hour, ArrivalUpdate, arrived, func() []any { return []any{activities.ArrivalInput{Case: "R000001", Person: "lina"}} })
	failed := r.decides(26*time.Hour, "invoice-review", "lina", invoice.Fail, "illegible")
	reused := &standingAnswer{}
	r.update(27*time.Hour, SendInvoicesUpdate, reused, func() []any { p := o.invoices("R000001", "A1"); p.Key = "again"; return []any{p} })
	r.update(60*24*time.Hour, SendInvoicesUpdate, &standingAnswer{}, func() []any { return []any{o.invoices("R000001", "A2")} }) // INV-12: late, and accepted
	r.update(61*24*time.Hour, ArrivalUpdate, &standingAnswer{}, func() []any { return []any{activities.ArrivalInput{Case: "R000001", Person: "lina", Key: "b"}} })
	r.decides(62*24*time.Hour, "invoice-review", "lina", invoice.Pass)
	r.decides(63*24*time.Hour, "review", "zhao", approval.Approve)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, requisition.WaitingInvoice, failed.standing.State, "PAY-10: it waits, and is not paid")
	require.Equal(t, []string{"INV_REUSED"}, reused.refused().Codes())
	require.Equal(t, "COMPLETED", string(r.result.State))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM invoice_packages WHERE late AND result = 'pass'`))
	require.Positive(t, o.count(`SELECT count(*) FROM outbox WHERE key LIKE 'invoice/%'`))
	o.addsUp()
}

// Rule: PAY-25
func TestGivenAnInvoiceOf3June_WhenItIsUnpaidAfter30Days_ThenOperationsAreAlarmedOn4July(t *testing.T) {
	o := newOffice(t, "2024-06-02 10:00")
	o.bill("advisory", "2024-04", "2024-05-06 09:00", "10600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	r.invoiced(23 * time.Hour) // arrives on 2024-06-03 10:00
	r.decides(40*24*time.Hour, "review", "zhao", approval.Approve)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, "COMPLETED", string(r.result.State), "an alarm, not a refusal")
	var at time.Time
	require.NoError(t, o.db.Get(&at, `SELECT at FROM events WHERE case_number = 'R000001' AND rule = 'PAY-25'`))
	require.True(t, at.Equal(cst("2024-07-04 00:00")), "got %s", at)
	require.Equal(t, 2, o.count(`SELECT count(*) FROM outbox WHERE key LIKE 'requisition/R000001/alarm/%'`), "Otto and Olga")
	o.addsUp()
}

// Rule: PAY-14, PAY-15
func TestGivenABankRequest_WhenAnotherMethodIsGrantedAsASpecialCase_ThenItGoesOnByThat(t *testing.T) {
	o := newOffice(t, "2024-11-13 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Bank)
	r := o.start(app)
	fixed, asked, second := &standingAnswer{}, &standingAnswer{}, &standingAnswer{}
	r.update(23*time.Hour, SpecialUpdate, fixed, func() []any {
		return []any{CaseRequest{Person: "mei", Special: requisition.Special{Method: requisition.Voucher}}}
	})
	r.update(24*time.Hour, SpecialUpdate, asked, func() []any {
		return []any{CaseRequest{Person: "mei", Special: requisition.Special{Method: requisition.Voucher, Reason: "we have no invoices left this month"}}}
	})
	r.update(25*time.Hour, SpecialUpdate, second, func() []any { return []any{CaseRequest{Person: "mei", Special: requisition.Special{Reason: "no"}}} })
	self := r.decides(26*time.Hour, "special", "mei", approval.Approve)
	granted := r.decides(27*time.Hour, "special", "otto", approval.Approve)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, []string{"PAY_METHOD_FIXED"}, fixed.refused().Codes(), "PAY-14: the next day")
	require.NoError(t, asked.err)
	require.True(t, asked.standing.DueAt.Equal(cst("2024-11-19 00:00")), "PAY-15: asked on Thursday the 14th, due on the 18th; got %s", asked.standing.DueAt)
	require.Equal(t, []string{"ENG_STATE"}, second.refused().Codes())
	require.NotEmpty(t, self.refused())
	require.Equal(t, requisition.Completed, granted.standing.State)
	require.Equal(t, []string{"Q.SRC -10600.00", "Q:QV000001 10600.00", "V.INCENT:P100 -10600.00", "V.PROMO 10600.00"}, o.postings("R000001"))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM method_requests WHERE state = 'granted'`))
	o.addsUp()
}

// Rule: PAY-15
func TestGivenARequest_WhenItIsTakenBackAsASpecialCase_ThenItsBillsAreFree(t *testing.T) {
	o := newOffice(t, "2024-11-13 10:00")
	o.advisory("10600.00")
	app := asks("k1", requisition.Bank)
	r := o.start(app)
	r.update(time.Hour, SpecialUpdate, &standingAnswer{}, func() []any {
		return []any{CaseRequest{Person: "mei", Special: requisition.Special{Reason: "wrong bills"}}}
	})
	r.decides(2*time.Hour, "special", "otto", approval.Approve)
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, "REJECTED", string(r.result.State))
	require.Equal(t, "BT0001 10600.00", o.requestable())
	o.addsUp()
}

// Rule: ENG-06, COM-20
func TestGivenARefusedApplication_WhenTheRunEnds_ThenNothingOpened(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.advisory("999.99")
	app := asks("k1", requisition.Bank)
	r := o.start(app).toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, []string{"PAY_MINIMUM"}, r.opened.refused().Codes(), "PAY-21")
	require.Equal(t, []string{"PAY_MINIMUM"}, r.result.Refused.Codes())
	require.Zero(t, o.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM refusals WHERE kind = 'requisition' AND codes = '{PAY_MINIMUM}'`))
}

func TestGivenARunThatIsCancelled_WhenNoMoneyIsUnderWay_ThenTheBillsAreFree(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.advisory("2000.00")
	app := asks("k1", requisition.Bank)
	r := o.start(app)
	r.env.RegisterDelayedCallback(r.env.CancelWorkflow, time.Hour)
	r.toEnd(app)
	require.Error(t, r.err, "Temporal shows it as cancelled")
	require.Equal(t, "BT0001 2000.00", o.requestable())
	require.Equal(t, 1, o.count(`SELECT count(*) FROM cases WHERE state = 'REJECTED' AND closed_at IS NOT NULL`))
}
