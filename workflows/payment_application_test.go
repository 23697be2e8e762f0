package workflows

import (
	"context"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/quarter"
	"countersign/domain/staff"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func (r *fundRun) number() string { return r.opened.standing.Case }

// sends has mei send one invoice over the list, which lina records as arrived two hours later.
func (r *fundRun) sends(at, invoiceNo, key string) (sent, arrived *fundAnswer) {
	sent = r.update(at, SendInvoicesUpdate, func() any { return r.f.invoices(r.number(), invoiceNo, key) })
	arrived = r.asks(cst(at).Add(2*time.Hour), ArrivalUpdate, &fundAnswer{}, func() any { return activities.ArrivalInput{Case: r.number(), Person: "lina", Key: key} })
	return sent, arrived
}

// paid has the payment released and confirmed, in a round.
func (r *fundRun) paid(sendAt, confirmAt string, round int) (sent, confirmed *fundAnswer) {
	sent = r.decides(sendAt, quarter.Send, round, approval.Decision{Person: "lina", Outcome: "send"})
	confirmed = r.decides(confirmAt, quarter.Confirm, round, approval.Decision{Person: "zhao", Outcome: "confirm", Amount: "60000.00", Reference: "B-1"})
	return sent, confirmed
}

var approves = approval.Decision{Person: "ou", Outcome: approval.Approve}

// Rule: QPY-07, QPY-12, QPY-13, ENG-01, ENG-03
func TestQPY12GivenAQuarterWhoseMonthsPassed_WhenApprovedAndInvoiced_ThenItIsPaidOnceAndTheLedgerBalances(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	run := f.starts("2024-06-25 10:00", q2("k1"))
	duplicate := run.update("2024-06-26 10:00", SubmitUpdate, func() any { return q2("k2") })
	early := run.update("2024-06-26 11:00", SendInvoicesUpdate, func() any {
		return invoice.Package{Case: run.number(), Person: "mei", Key: "x"}
	})
	inReview := run.decides("2024-06-26 12:00", quarter.Send, 1, approval.Decision{Person: "lina", Outcome: "send"})
	approved := run.decides("2024-06-27 10:00", quarter.PaymentReview, 1, approves)
	unpaid := run.decides("2024-06-28 10:00", quarter.Send, 1, approval.Decision{Person: "lina", Outcome: "send"})
	sent, arrived := run.sends("2024-07-05 10:00", "A1", "i1")
	accepted := run.decides("2024-07-08 10:00", invoice.Review, 1, approval.Decision{Person: "zhao", Outcome: "pass"})
	released, confirmed := run.paid("2024-07-09 10:00", "2024-07-10 10:00", 1)
	run.toEnd(q2("k1"))

	require.NoError(t, run.opened.err)
	require.Equal(t, "60000.00", run.opened.standing.Amount.String())
	require.Equal(t, []string{"QPY_DUPLICATE"}, duplicate.refused().Codes())
	require.Equal(t, []string{"INV_LIST_NOT_READY"}, early.refused().Codes())
	require.Equal(t, quarter.Approved, approved.standing.State)
	require.Equal(t, []string{"ENG_STATE"}, unpaid.refused().Codes(), "nothing is paid before the invoices are accepted")
	require.Equal(t, []string{"ENG_STATE"}, inReview.refused().Codes(), "nor while the quarter is in review")
	require.NoError(t, sent.err)
	require.NoError(t, arrived.err)
	require.NoError(t, accepted.err)
	require.Equal(t, quarter.Waiting, accepted.standing.State)
	require.NoError(t, released.err)
	require.Equal(t, quarter.Waiting, released.standing.State)
	require.NoError(t, confirmed.err)
	require.Equal(t, CaseResult{Case: "Q000001", State: quarter.Paid}, run.result)

	require.Equal(t, "60000.00", f.balance("V.INCEXP"))
	require.Equal(t, "0.00", f.balance("V.FUND:P1001"))
	require.Equal(t, "-60000.00", f.balance("V.BANK"))
	require.Equal(t, []string{"payment-application/Q000001/accrue", "payment-application/Q000001/pay"}, f.keys())
	require.Equal(t, 1, f.count(`SELECT count(*) FROM payments WHERE case_number = 'Q000001' AND state = 'CONFIRMED'`))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM payment_applications WHERE reference = 'B-1' AND expected_on = '2024-08-07' AND paid_at = '2024-07-10T10:00:00+08:00'`))
	require.Equal(t, []string{
		"mei submit >PAYMENT_REVIEW QPY-01", "mei send invoices refused PAYMENT_REVIEW>PAYMENT_REVIEW INV-04", "lina send refused PAYMENT_REVIEW>PAYMENT_REVIEW ENG-03",
		"ou approve PAYMENT_REVIEW>PAYMENT_APPROVED QPY-12", "lina send refused PAYMENT_APPROVED>PAYMENT_APPROVED ENG-03",
		"mei send invoices PAYMENT_APPROVED>PAYMENT_APPROVED INV-11", "lina invoices arrived PAYMENT_APPROVED>PAYMENT_APPROVED INV-14",
		"zhao pass PAYMENT_APPROVED>WAITING_PAYMENT INV-17", "lina send WAITING_PAYMENT>WAITING_PAYMENT QPY-13", "zhao confirm WAITING_PAYMENT>PAID QPY-13",
	}, f.history("Q000001"))
	for _, n := range []string{"submitted", "approved", "waits for payment", "was paid"} {
		require.Equal(t, 1, f.count(`SELECT count(*) FROM outbox WHERE person_id = 'inc' AND subject LIKE '%2024Q2%' || $1 || '%'`, n), n)
	}

	_, err := f.apply(q2("k3"), cst("2024-08-01 10:00"))
	require.Equal(t, []string{"QPY_DUPLICATE"}, codes(err), "a quarter is paid once")
	_, err = f.request(preSales("late", "2024-06", "S-3", ""), "2024-06-30 10:00")
	require.Equal(t, []string{"FHM_ONE_PER_MONTH", "FHM_QUARTER_REQUESTED"}, codes(err))
}

// keys lists the entries of payment applications.
func (f *fund) keys() []string {
	f.t.Helper()
	var keys []string
	require.NoError(f.t, f.db.Select(&keys, `SELECT key FROM entries WHERE key LIKE 'payment-application/%' ORDER BY key`))
	return keys
}

// Rule: QPY-11, AUT-08
func TestQPY11GivenARejection_WhenCorrectedAndSubmittedAgain_ThenItIsReviewedAgainAndPaid(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	run := f.starts("2024-07-01 00:00", q2("k1"))
	reason := run.decides("2024-07-05 10:00", quarter.PaymentReview, 1, approval.Decision{Person: "ou", Outcome: approval.Reject})
	rejected := run.decides("2024-07-08 10:00", quarter.PaymentReview, 1, approval.Decision{Person: "ou", Outcome: approval.Reject, Reason: "the account is an old one"})
	again := q2("k2")
	again.Note = "the account was changed"
	resubmitted := run.update("2024-07-10 10:00", ResubmitUpdate, func() any {
		f.db.MustExec(`INSERT INTO business_information (partner_id, version, company_name, code_type, code, registered_address, contact, taxpayer_type, service_fee_tax_rate, tax_number,
			bank_account_name, bank_name, branch, account_no, settlement_currency, status, submitted_by, submitted_at, request_key, request_digest, decided_by, decided_at, certified_at)
			SELECT partner_id, version + 1, company_name, code_type, code, registered_address, contact, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch,
			'6222-2', settlement_currency, 'passed', 'mei', '2024-07-09T10:00:00+08:00', 'change', '', 'ou', '2024-07-09T12:00:00+08:00', '2024-07-09T12:00:00+08:00' FROM business_information`)
		return again
	})
	run.decides("2024-07-11 10:00", quarter.PaymentReview, 2, approval.Decision{Person: "pan", Outcome: approval.Approve})
	run.sends("2024-07-12 10:00", "A1", "i1")
	run.decides("2024-07-15 10:00", invoice.Review, 1, approval.Decision{Person: "zhao", Outcome: "pass"})
	run.paid("2024-07-16 10:00", "2024-07-17 10:00", 1)
	run.toEnd(q2("k1"))

	require.Equal(t, []string{"CBC.0100"}, reason.refused().Codes(), "a rejection has an opinion")
	require.Equal(t, quarter.Rejected, rejected.standing.State)
	require.NoError(t, resubmitted.err)
	require.Equal(t, quarter.Review, resubmitted.standing.State)
	require.Equal(t, CaseResult{Case: "Q000001", State: quarter.Paid}, run.result)
	require.Equal(t, 1, f.count(`SELECT count(*) FROM payments WHERE account_no = '6222-2'`), "paid to what was certified when it was submitted again")
	require.Equal(t, 1, f.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND body LIKE '%the account is an old one%' AND subject LIKE '%rejected%'`))
	require.Equal(t, 2, f.count(`SELECT count(*) FROM approvals WHERE case_number = 'Q000001' AND matter = 'review'`))
}

// Rule: QPY-11
func TestQPY11GivenARejection_WhenNobodyCorrectsIt_ThenThePartnerIsRemindedEveryTerm(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	s, err := f.apply(q2("k1"), cst("2024-07-01 00:00"))
	require.NoError(t, err)
	now, err := f.answer(s.Case, quarter.PaymentReview, 1, approval.Decision{Person: "ou", Outcome: approval.Reject, Reason: "no"}, "2024-07-08 10:00")
	require.NoError(t, err)
	require.Equal(t, cst("2024-08-07 10:00").UTC(), now.WakeAt.UTC())
	for range 2 {
		now, err = f.cases.Clock(context.Background(), activities.ClockInput{Case: s.Case, At: cst("2024-08-07 10:00")})
		require.NoError(t, err)
	}
	require.Equal(t, cst("2024-09-06 10:00").UTC(), now.WakeAt.UTC())
	require.Equal(t, quarter.Rejected, now.State)
	require.Equal(t, 1, f.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND subject LIKE '%still waits%'`))
	_, err = f.cases.Stop(context.Background(), activities.StopInput{Case: s.Case, Key: "x", Reason: "cancelled", At: cst("2024-08-08 10:00")})
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
}

// Rule: QPY-12, INV-15, INV-16
func TestQPY12GivenAFailedInvoice_WhenANewOneIsSent_ThenTheQuarterIsPaidAfterItsAcceptance(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	run := f.starts("2024-07-01 00:00", q2("k1"))
	run.decides("2024-07-03 10:00", quarter.PaymentReview, 1, approves)
	run.sends("2024-07-05 10:00", "A1", "i1")
	failed := run.decides("2024-07-08 10:00", invoice.Review, 1, approval.Decision{Person: "zhao", Outcome: "fail", Reason: "illegible"})
	reused, _ := run.sends("2024-07-09 10:00", "A1", "i2")
	run.sends("2024-07-10 10:00", "A2", "i3")
	own := run.decides("2024-07-11 09:00", invoice.Review, 2, approval.Decision{Person: "mei", Outcome: "pass"})
	run.decides("2024-07-11 10:00", invoice.Review, 2, approval.Decision{Person: "zhao", Outcome: "pass"})
	run.paid("2024-07-12 10:00", "2024-07-15 10:00", 1)
	run.toEnd(q2("k1"))

	require.NoError(t, failed.err)
	require.Equal(t, quarter.Approved, failed.standing.State)
	require.Equal(t, []string{"INV_REUSED"}, reused.refused().Codes())
	require.NotEmpty(t, own.refused())
	require.Equal(t, CaseResult{Case: "Q000001", State: quarter.Paid}, run.result)
}

// Rule: QPY-13, AUT-05, ENG-01
func TestQPY13GivenAPaymentThatCameBack_WhenItIsOrderedAnew_ThenItIsPaidOnce(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	run := f.starts("2024-07-01 00:00", q2("k1"))
	run.decides("2024-07-03 10:00", quarter.PaymentReview, 1, approves)
	run.sends("2024-07-05 10:00", "A1", "i1")
	run.decides("2024-07-08 10:00", invoice.Review, 1, approval.Decision{Person: "zhao", Outcome: "pass"})
	unready := run.decides("2024-07-09 10:00", quarter.Send, 1, approval.Decision{Person: "lina", Outcome: "fail", Reason: "no money on the account"})
	run.decides("2024-07-10 10:00", quarter.Send, 2, approval.Decision{Person: "lina", Outcome: "send"})
	wrong := run.decides("2024-07-11 10:00", quarter.Confirm, 1, approval.Decision{Person: "zhao", Outcome: "confirm", Amount: "59999.99", Reference: "B-0"})
	back := run.decides("2024-07-12 10:00", quarter.Confirm, 1, approval.Decision{Person: "zhao", Outcome: "return", Reason: "account closed"})
	paused := run.update("2024-07-15 10:00", DecideUpdate, func() any {
		f.db.MustExec(`INSERT INTO business_information (partner_id, version, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch,
			account_no, settlement_currency, status, submitted_by, submitted_at, request_key, request_digest)
			SELECT partner_id, version + 1, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch, '6222-2', 'CNY', 'in-review',
			'mei', '2024-07-14T10:00:00+08:00', 'change', '' FROM business_information`)
		return approval.Decision{Task: run.number() + "/send@3", Person: "lina", Outcome: "send"}
	})
	resumed := run.update("2024-07-16 10:00", DecideUpdate, func() any {
		f.db.MustExec(`UPDATE business_information SET status = 'passed', decided_by = 'ou', decided_at = '2024-07-16T09:00:00+08:00', certified_at = '2024-07-16T09:00:00+08:00' WHERE version = 2`)
		return approval.Decision{Task: run.number() + "/send@3", Person: "lina", Outcome: "send"}
	})
	confirmed := run.decides("2024-07-17 10:00", quarter.Confirm, 2, approval.Decision{Person: "zhao", Outcome: "confirm", Amount: "60000.00", Reference: "B-2"})
	run.toEnd(q2("k1"))

	require.NoError(t, unready.err)
	require.Equal(t, []string{"CBC.0100"}, wrong.refused().Codes())
	require.NoError(t, back.err)
	require.Equal(t, quarter.Waiting, back.standing.State)
	require.Equal(t, []string{"AUT_IN_REVIEW"}, paused.refused().Codes())
	require.NoError(t, resumed.err)
	require.NoError(t, confirmed.err)
	require.Equal(t, CaseResult{Case: "Q000001", State: quarter.Paid}, run.result)
	require.Equal(t, []string{"payment-application/Q000001/accrue", "payment-application/Q000001/pay"}, f.keys())
	require.Equal(t, "-60000.00", f.balance("V.BANK"))
	require.Equal(t, 3, f.count(`SELECT count(*) FROM payments`))
	require.Equal(t, 1, f.count(`SELECT count(*) FROM payments WHERE state = 'CONFIRMED'`))
}

// Rule: QPY-02, QPY-05, QPY-06, QPY-08
func TestQPY05GivenASkippedMonth_WhenTheQuarterIsRequestedAtItsBoundary_ThenTheInstantDecides(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.month("2024-04", "S-1", true)
	f.month("2024-05", "S-1", true)
	_, err := f.apply(q2("k0"), cst("2024-05-20 10:00"))
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, codes(err))
	_, err = f.apply(q2("k1"), cst("2024-06-30 23:59").Add(59*time.Second))
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, codes(err))
	s, err := f.apply(q2("k2"), cst("2024-07-01 00:00"))
	require.NoError(t, err)
	require.Equal(t, "40000.00", s.Amount.String())
	require.Equal(t, 1, f.count(`SELECT count(*) FROM payment_applications WHERE months -> 2 ->> 'state' = 'LAPSED' AND total = 40000`))
}

// Rule: QPY-01, QPY-03, QPY-04, QPY-10
func TestQPY03GivenBlockingConditionsInTheDatabase_WhenTheQuarterIsRequested_ThenEachIsSaid(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	failed := f.month("2024-04", "S-1", false)
	_, err := f.apply(q2("k1"), cst("2024-07-01 00:00"))
	require.Equal(t, []string{"QPY_NONE_PASSED"}, codes(err))
	_, err = f.staff.ResubmitStaffMonth(context.Background(), activities.ResubmitStaffMonthInput{Case: failed, Request: preSales("again", "2024-04", "S-1", ""), At: cst("2024-04-30 23:59")})
	require.NoError(t, err)
	_, err = f.apply(q2("k2"), cst("2024-07-03 00:00"))
	require.Equal(t, []string{"QPY_PRELIM_PENDING"}, codes(err))
	_, err = f.answer(failed, staff.Review, 2, approval.Decision{Person: "ou", Outcome: "pass"}, "2024-07-03 10:00")
	require.NoError(t, err)
	f.load("business:\n  - {partner: P1001, arrears: [{reference: B-1, since: 2024-06-01T00:00:00+08:00, amount: \"10.00\"}]}\n")
	_, err = f.apply(q2("k3"), cst("2024-07-04 00:00"))
	require.Equal(t, []string{"AUT_ARREARS"}, codes(err))
	f.load("business:\n  - {partner: P1001, arrears: [{reference: B-1, since: 2024-06-01T00:00:00+08:00, amount: \"10.00\", paid_at: 2024-07-05T00:00:00+08:00}]}\n")
	s, err := f.apply(q2("k4"), cst("2024-07-05 00:00"))
	require.NoError(t, err)
	require.Equal(t, "20000.00", s.Amount.String())
	require.Equal(t, 3, f.count(`SELECT count(*) FROM refusals WHERE kind = 'payment-application'`))
}

// Rule: QPY-09, PGM-09
func TestQPY09GivenTwoApplicationsAtOnce_WhenTheyWantOneQuarter_ThenOneWins(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = f.quarters.OpenPaymentApplication(context.Background(), activities.OpenPaymentApplicationInput{
				Application: q2(string(rune('a' + i))), WorkflowID: "w", RunID: string(rune('a' + i)), At: cst("2024-07-01 00:00"),
			})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"QPY_DUPLICATE"}, codes(err))
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, f.count(`SELECT count(*) FROM payment_applications`))
}

// Rule: FHM-04, QPY-09
func TestFHM04GivenAFailedMonthAndItsQuarter_WhenBothAreSentAtOnce_ThenNeverBoth(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.month("2024-04", "S-1", true)
	failed := f.month("2024-06", "S-2", false)
	for _, apply := range []bool{true, false} { // before the month's end by the request's instant, after it by the application's
		var wait sync.WaitGroup
		wait.Go(func() {
			if apply {
				_, _ = f.apply(q2("k"), cst("2024-07-01 00:00"))
			}
		})
		wait.Go(func() {
			_, _ = f.staff.ResubmitStaffMonth(context.Background(), activities.ResubmitStaffMonthInput{Case: failed, Request: preSales("again", "2024-06", "S-2", ""), At: cst("2024-06-30 23:59")})
		})
		wait.Wait()
	}
	requested := f.count(`SELECT count(*) FROM payment_applications`)
	inReview := f.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = 'PRELIMINARY_REVIEW'`, failed)
	require.Equal(t, 1, requested+inReview)
	if requested == 1 {
		_, err := f.staff.ResubmitStaffMonth(context.Background(), activities.ResubmitStaffMonthInput{Case: failed, Request: preSales("more", "2024-06", "S-2", ""), At: cst("2024-06-30 23:59")})
		require.Equal(t, []string{"FHM_QUARTER_REQUESTED"}, codes(err))
	}
}

// Rule: QPY-05
func TestQPY05GivenAPayableQuarterThatNobodyRequested_WhenTheNextOneBegins_ThenThePartnerIsRemindedOnce(t *testing.T) {
	ctx := context.Background()
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	told, err := f.quarters.RemindQuarters(ctx, activities.DailyInput{At: cst("2024-06-30 23:59")})
	require.NoError(t, err)
	require.Zero(t, told, "the quarter still runs")
	for range 2 {
		_, err = f.quarters.RemindQuarters(ctx, activities.DailyInput{At: cst("2024-07-01 00:00")})
		require.NoError(t, err)
	}
	require.Equal(t, 2, f.count(`SELECT count(*) FROM outbox WHERE key LIKE 'payment-application/P1001/2024Q2/reminder/%' AND body LIKE '%60000.00%'`), "mei and inc, once")
	_, err = f.apply(q2("k1"), cst("2024-07-01 10:00"))
	require.NoError(t, err)
	told, err = f.quarters.RemindQuarters(ctx, activities.DailyInput{At: cst("2024-07-02 00:00")})
	require.NoError(t, err)
	require.Zero(t, told)
}

func TestTheMovesOfPaymentApplicationsAreThoseOfTheDatabase(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	var stored []quarter.Move
	rows, err := f.db.Query(`SELECT from_state, to_state FROM moves WHERE kind = $1`, quarter.Kind)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var m quarter.Move
		require.NoError(t, rows.Scan(&m.From, &m.To))
		stored = append(stored, m)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, quarter.Moves, stored)
}

// Rule: QPY-13, QPY-02, INV-22
func TestQPY13GivenAnApplication_WhenItsPaymentIsLookedAt_ThenTheDetailOpensOnlyWhileItIsWaitedFor(t *testing.T) {
	ctx := context.Background()
	f := newFund(t, "2024-04-01 09:00")
	reader := views.Reader{DB: f.db}
	f.month("2024-04", "S-1", true)
	f.month("2024-05", "S-1", true)

	running, err := reader.Quarter(ctx, "P1001", q2of2024, cst("2024-06-20 10:00"))
	require.NoError(t, err)
	require.Equal(t, "40000.00", running.Total.String())
	require.Equal(t, []string{"QPY_MONTH_OPEN"}, running.Blocked.Codes())
	require.Equal(t, cst("2024-07-01 00:00"), running.FirstAllowed.In(calendar.Zone))
	f.month("2024-06", "S-2", true)
	free, err := reader.Quarter(ctx, "P1001", q2of2024, cst("2024-06-20 10:00"))
	require.NoError(t, err)
	require.Empty(t, free.Blocked)

	s, err := f.apply(q2("k1"), cst("2024-07-01 00:00"))
	require.NoError(t, err)
	_, err = f.answer(s.Case, quarter.PaymentReview, 1, approves, "2024-07-03 10:00")
	require.NoError(t, err)
	_, err = reader.PaymentDetail(ctx, s.Case)
	require.Equal(t, []string{"ENG_STATE"}, activities.RefusalOf(err).Codes())
	p := f.invoices(s.Case, "A1", "i1")
	_, err = f.cases.SendInvoices(ctx, activities.SendInvoicesInput{Package: p, At: cst("2024-07-05 10:00")})
	require.NoError(t, err)
	_, err = f.cases.RecordArrival(ctx, activities.ArrivalInput{Case: s.Case, Key: "a", Person: "lina", At: cst("2024-07-05 12:00")})
	require.NoError(t, err)
	_, err = f.answer(s.Case, invoice.Review, 1, approval.Decision{Person: "zhao", Outcome: "pass"}, "2024-07-08 10:00")
	require.NoError(t, err)

	detail, err := reader.PaymentDetail(ctx, s.Case)
	require.NoError(t, err)
	require.Equal(t, "A Ltd 6222-1 60000.00 2024-08-07", detail.Holder+" "+detail.AccountNo+" "+detail.Amount.String()+" "+detail.ExpectedOn.String())
	waiting, err := reader.Quarter(ctx, "P1001", q2of2024, cst("2024-07-09 10:00"))
	require.NoError(t, err)
	require.Equal(t, quarter.Waiting, waiting.Application.State)
	require.Equal(t, string(invoice.Accepted), waiting.Application.Invoices)
	shown, err := reader.QuarterOfCase(ctx, s.Case)
	require.NoError(t, err)
	require.Equal(t, staff.Passed, shown.Months[2].State)

	known, err := reader.Staff(ctx, "P1001", cst("2024-07-09 10:00"))
	require.NoError(t, err)
	require.Equal(t, "FH-1", known.Qualification.Agreement)
	require.Len(t, known.Months, 3)
	require.Equal(t, 2, known.Specialists[0].Uses)
	require.Equal(t, string(staff.PreSales), known.Specialists[0].Scheme)
}

// Rule: QPY-06, QPY-09
func TestQPY06GivenAnApplicationThatWasChangedBehindTheEngine_WhenTheLedgerIsVerified_ThenItIsFound(t *testing.T) {
	f := newFund(t, "2024-04-01 09:00")
	f.secondQuarter()
	s, err := f.apply(q2("k1"), cst("2024-07-01 00:00"))
	require.NoError(t, err)
	_, err = f.answer(s.Case, quarter.PaymentReview, 1, approves, "2024-07-03 10:00")
	require.NoError(t, err)
	f.inOrder()
	f.forged = true
	f.db.MustExec(`UPDATE payment_applications SET total = 60000.01`)
	found, err := views.Reader{DB: f.db}.Verify(context.Background(), nil)
	require.NoError(t, err)
	require.Len(t, found.Findings, 1)
	require.Contains(t, found.Findings[0].Message, "60000.01, its months that passed come to 60000.00; its entries owed 60000.00")
}

var q2of2024 = calendar.Quarter{Year: 2024, Q: 2}
