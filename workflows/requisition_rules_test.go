package workflows

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/ledger"
	"countersign/domain/requisition"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// Rule: AUT-01, AUT-04, AUT-05, PAY-01
func TestGivenAnUncertifiedPartner_WhenItRequests_ThenEveryMissingPartIsNamedAndNothingOpens(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.resale("600.00")
	o.db.MustExec(`UPDATE qualifications SET valid_until = '2024-06-09'`)
	require.Equal(t, "AUT_QUALIFICATION", o.isRefused(asks("k1", requisition.Voucher)))
	o.db.MustExec(`UPDATE real_names SET status = 'expired'`)
	require.Equal(t, "AUT_REAL_NAME AUT_QUALIFICATION", o.isRefused(asks("k2", requisition.Voucher)))
	o.db.MustExec(`UPDATE real_names SET status = 'valid'`)
	o.db.MustExec(`UPDATE qualifications SET valid_until = NULL`)
	o.changes("6222-2")
	o.now = cst("2024-06-12 10:00")
	require.Equal(t, "AUT_IN_REVIEW", o.isRefused(asks("k3", requisition.Voucher)), "AUT-05: a new request on 12 June")
	require.Equal(t, "PAY_ONE_METHOD AUT_IN_REVIEW", o.isRefused(requisition.Application{
		RequestKey: "k4", PartnerID: "P100", Submitter: "mei", Methods: []requisition.Method{requisition.Voucher, requisition.Bank},
	}))
}

// Rule: PAY-26, COM-20
func TestGivenABillThatIsRequested_WhenItIsRequestedAgain_ThenItIsRefused(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	b := o.advisory("2000.00")
	first := o.gets(asks("k1", requisition.Bank, b))
	require.Equal(t, "PAY_DUPLICATE", o.isRefused(asks("k2", requisition.Bank, b)))
	require.Equal(t, first.Case, o.gets(asks("k1", requisition.Bank, b)).Case, "the same request is the same case")
	require.Equal(t, "COM_REQUEST_KEY", o.isRefused(asks("k1", requisition.Voucher, b)))
	require.Equal(t, "PAY_NOT_POSITIVE", o.isRefused(asks("k3", requisition.Voucher)), "nothing is left to request")
}

// Rule: PAY-27
func TestGivenOutstandingNegatives_WhenSomethingIsRequested_ThenTheFirstRequestTakesThemWhole(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	small, large := o.resale("500.00"), o.resale("1500.00")
	o.advisory("-600.00")
	require.Equal(t, "PAY_NOT_POSITIVE", o.isRefused(asks("k1", requisition.Voucher, small)))
	require.Equal(t, "BT0001 500.00; BT0002 1500.00; BT0003 -600.00 OUTSTANDING", o.requestable(), "nothing consumed")
	require.Equal(t, "900.00", o.gets(asks("k2", requisition.Voucher, large)).Amount.String())
	require.Equal(t, "BT0001 500.00; BT0002 1500.00 PAID; BT0003 -600.00 PAID", o.requestable())
	require.Equal(t, "500.00", o.gets(asks("k3", requisition.Voucher, small)).Amount.String(), "the second request takes none")
	require.Equal(t, "0.00", o.balance(ledger.Incentive("P100")))
	o.addsUp()
}

// Rule: PAY-17, PAY-18, INC-13
func TestGivenAnUnpaidCycle_WhenItIsPaid_ThenItsBillIsFreeOnTheNextDay(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	b := o.resale("500.00")
	o.advisory("-520.00")
	o.db.MustExec(`INSERT INTO unpaid_cycles (partner_id, period, association, since, amount) VALUES ('P100', '2024-05', 'resale', '2024-06-03T00:00:00Z', 50)`)
	require.Equal(t, "BT0001 500.00 UNPAID_CYCLE; BT0002 -520.00 OUTSTANDING", o.requestable())
	require.Equal(t, "PAY_FROZEN PAY_NOT_POSITIVE", o.isRefused(asks("k1", requisition.Voucher, b)))
	o.db.MustExec(`UPDATE unpaid_cycles SET paid_at = $1`, cst("2024-06-12 15:00"))
	o.now = cst("2024-06-12 23:59")
	require.Contains(t, o.requestable(), "UNPAID_CYCLE")
	o.now = cst("2024-06-13 00:00")
	require.Equal(t, "BT0001 500.00; BT0002 -520.00 OUTSTANDING", o.requestable())
	var payable string
	require.NoError(t, o.db.Get(&payable, `SELECT payable::numeric(20,2)::text FROM bill_requestable('P100', $1) WHERE bill_id = $2`, o.now, b))
	require.Equal(t, "-20.00", payable, "INC-13: what could be requested now")
	require.Equal(t, "PAY_NOT_POSITIVE", o.isRefused(asks("k2", requisition.Voucher, b)))
}

// Rule: INC-07, PAY-01, PAY-17, ENG-06
func TestGivenABillToConfirm_WhenItIsRequested_ThenItHasToBeReleasedFirstAndItsFreezeIsSaidToo(t *testing.T) {
	o := newOffice(t, "2024-06-12 10:00")
	b := o.resale("500.00")
	other := o.resale("300.00")
	o.db.MustExec(`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state)
		VALUES ('BC', 'P100', 'A', 'monthly', '2024-05', 'resale', $1, 100, 6, '2024-06-15', 'TO_CONFIRM')`, cst("2024-06-03 09:00"))
	for _, state := range []string{"TO_CONFIRM", "RELEASING"} {
		o.db.MustExec(`UPDATE bills SET state = $1 WHERE bill_id = 'BC'`, state)
		require.Equal(t, "INC_NOT_RELEASED", o.isRefused(asks("k-"+state, requisition.Voucher, "BC")))
	}
	o.gets(asks("k1", requisition.CloudOwed, b))
	o.db.MustExec(`INSERT INTO unpaid_cycles (partner_id, period, association, since, amount) VALUES ('P100', '2024-05', 'resale', '2024-06-03T00:00:00Z', 50)`)
	require.Equal(t, "INC_NOT_RELEASED PAY_FROZEN PAY_FROZEN PAY_ALREADY_PAID", o.isRefused(asks("k2", requisition.Voucher, "BC", other, b)))
}

// Rule: ENG-07, INC-14
func TestGivenABillWhoseYearEnds_WhenItWasRequestedBefore_ThenItIsPaidAfterwards(t *testing.T) {
	o := newOffice(t, "2025-03-14 10:00")
	o.bill("advisory", "2024-02", "2024-03-05 09:00", "2000.00")
	late := o.bill("advisory", "2024-01", "2024-02-05 09:00", "100.00")
	o.db.MustExec(`INSERT INTO plan_identities VALUES ('P100', 'solution-provider', '2020-01-01T00:00:00Z', $1)`, cst("2024-03-16 00:00")) // last held on the 15th
	number := o.gets(asks("k1", requisition.Bank, "BT0001")).Case
	last := o.bill("advisory", "2024-01", "2024-02-05 09:00", "50.00")
	o.now = cst("2025-03-15 23:59")
	o.gets(asks("k3", requisition.Voucher, last)) // the last valid day counts in full
	o.now = cst("2025-03-16 00:00")
	require.Equal(t, "INC_VOID", o.isRefused(asks("k2", requisition.Voucher, late)))
	o.db.MustExec(`INSERT INTO unpaid_cycles (partner_id, period, association, since, amount) VALUES ('P100', '2024-01', 'advisory', '2024-06-03T00:00:00Z', 50)`)
	require.Equal(t, "INC_VOID PAY_FROZEN", o.isRefused(asks("k4", requisition.Voucher, late)), "ENG-06: every guard that fails")
	o.now = cst("2025-04-01 10:00")
	o.invoiced(number)
	o.did(o.answers(number, "review", "zhao", approval.Approve))
	o.did(o.answers(number, "send", "zhao", requisition.Sent))
	o.now = cst("2025-04-02 10:00")
	require.Equal(t, requisition.Completed, o.did(o.answers(number, "confirm", "zhao", requisition.Arrived, "1943.40")).State)
	o.addsUp()
}

// Rule: INV-13
func TestGivenASigningEntityFrom1July_WhenRequestsComeBeforeAndAfter_ThenEachIsInvoicedToItsOwn(t *testing.T) {
	o := newOffice(t, "2024-06-30 10:00")
	o.load("business:\n  - {partner: P100, entities: [{entity: software, effective_from: 2024-07-01}]}\n")
	first, second := o.advisory("2000.00"), o.advisory("3000.00")
	o.gets(asks("k1", requisition.Bank, first))
	o.now = cst("2024-07-01 00:00")
	o.gets(asks("k2", requisition.Bank, second))
	var buyers []string
	require.NoError(t, o.db.Select(&buyers, `SELECT case_number || ' ' || buyer_entity FROM invoice_lists ORDER BY 1`))
	require.Equal(t, []string{"R000001 cloud", "R000002 software"}, buyers)
}

// Rule: AUT-08
func TestGivenARequestOf3June_WhenTheAccountChangesOn10June_ThenTheOldOneIsPaid(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	number := o.gets(asks("k1", requisition.Bank, o.advisory("10600.00"))).Case
	o.now = cst("2024-06-10 10:00")
	o.changes("6222-2")
	o.now = cst("2024-06-11 10:00")
	o.passes()
	o.invoiced(number)
	o.did(o.answers(number, "review", "zhao", approval.Approve))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM payments WHERE case_number = $1 AND account_no = '6222-1'`, number))
}

// Rule: INV-21
func TestGivenAnotherSettlementCurrency_WhenItIsRequestedByBank_ThenTheListIsInItAndNoBankFileTakesIt(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	o.load(strings.Replace(requisitionPeople, "certified_at: 2023-01-02", "settlement_currency: USD, certified_at: 2023-01-03", 1))
	number := o.gets(asks("k1", requisition.Bank, o.advisory("10600.00"))).Case
	require.Equal(t, 1, o.count(`SELECT count(*) FROM invoice_lists WHERE case_number = $1 AND currency = 'USD'`, number))
	o.invoiced(number)
	o.did(o.answers(number, "review", "zhao", approval.Approve))
	require.Zero(t, o.count(`SELECT count(*) FROM payments`), "a bank file is in yuan: people settle it")
	require.Contains(t, o.task(number, "send"), number)
}

// Rule: PAY-04, PAY-21
func TestGivenAPolicyWithOtherNumbers_WhenItIsLoaded_ThenNewRequestsFollowIt(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	o.load(`
requisition_policy: {cut_over: 2024-07-01T00:00:00+08:00, minimum: "500.00", automatic_days: 5, invoice_term: P30D, review_role: vendor-finance, payment_role: vendor-finance,
  service_role: vendor-operations, escalation_role: finance-manager, review_term: P2WD, start_term: P2WD, arrival_term: P7WD, alarm_days: 30, answer_term: P2WD, decide_by_signal: true}
`)
	require.Equal(t, requisition.WaitingInvoice, o.gets(asks("k1", requisition.Bank, o.resale("500.00"))).State, "historical by this cut-over, and not below this minimum")
	require.Equal(t, "PAY_MINIMUM", o.isRefused(asks("k2", requisition.Bank, o.resale("499.99"))))
}

// Rule: AUT-05
func TestGivenATransferThatWaitsToBeSent_WhenInformationIsChanged_ThenItIsSentAfterTheResult(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	number := o.gets(asks("k1", requisition.Bank, o.advisory("10600.00"))).Case
	o.invoiced(number)
	o.did(o.answers(number, "review", "zhao", approval.Approve))
	o.changes("6222-2")
	_, err := o.answers(number, "send", "zhao", requisition.Sent)
	require.Equal(t, []string{"AUT_IN_REVIEW"}, activities.RefusalOf(err).Codes())
	require.Contains(t, o.history(number), "zhao send refused PAYING>PAYING AUT-05")
	o.now = o.now.Add(24 * time.Hour)
	o.passes()
	require.Equal(t, requisition.Paying, o.did(o.answers(number, "send", "zhao", requisition.Sent)).State)
}

// Rule: INV-19
func TestGivenAListAt6Percent_WhenThePartnerIsSmallScale_ThenItIsRejectedAndAppliedForAnew(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	o.db.MustExec(`INSERT INTO business_information
		SELECT partner_id, 2, company_name, code_type, code, registered_address, contact, 'general', 6, tax_number, bank_account_name, bank_name, branch, account_no, settlement_currency,
		       bank_letter, status, failure_reason, submitted_by, submitted_at, 'k-general', request_digest, decided_by, decided_at, decision_key, certified_at FROM business_information WHERE version = 1 AND partner_id = 'P100'`)
	number := o.gets(asks("k1", requisition.Cloud, o.advisory("10600.00"))).Case
	p := o.invoices(number, "A1")
	p.Invoices[0].Rate = "6"
	o.did(o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{Package: p, At: o.now}))
	o.arrives(number, "a")
	o.did(o.answers(number, "invoice-review", "lina", "pass"))
	o.now = o.now.Add(time.Hour)
	o.changes("6222-1") // corrects the taxpayer type to small-scale, 3 %
	o.passes()
	_, err := o.answers(number, "review", "zhao", approval.Approve)
	require.NotEmpty(t, activities.RefusalOf(err), "an invoice at 6 %% does not fit a small-scale taxpayer")
	require.Equal(t, requisition.Rejected, o.did(o.answers(number, "review", "zhao", approval.Reject, "rate 6 % does not fit")).State)
	require.Equal(t, "10300.00", o.gets(asks("k2", requisition.Cloud)).Amount.String(), "the new one is at 3 %")
}

// Rule: PAY-15
func TestGivenACompletedRequest_WhenAnotherMethodIsAskedFor_ThenMoneyHasMoved(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	o.resale("600.00")
	number := o.gets(asks("k1", requisition.Voucher)).Case
	_, err := o.reqs.AskSpecial(context.Background(), activities.AskSpecialInput{Case: number, Person: "mei", Key: "s", Special: requisition.Special{Method: requisition.CloudOwed, Reason: "r"}, At: o.now})
	require.Contains(t, activities.RefusalOf(err).Codes(), "PAY_ALREADY_PAID")
	require.Zero(t, o.count(`SELECT count(*) FROM method_requests`))
}

// Rule: PAY-15
func TestGivenABankRequestUnderReview_WhenTheCloudAccountIsGranted_ThenItsReviewIsAskedAnew(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	number := o.gets(asks("k1", requisition.Bank, o.advisory("10600.00"))).Case
	o.invoiced(number)
	ask := func(key string, s requisition.Special) {
		o.did(o.reqs.AskSpecial(context.Background(), activities.AskSpecialInput{Case: number, Person: "mei", Key: key, Special: s, At: o.now}))
		o.now = o.now.Add(time.Minute)
	}
	ask("s1", requisition.Special{Reason: "changed our mind"})
	require.Equal(t, requisition.Review, o.did(o.answers(number, "special", "otto", approval.Reject, "no special reason")).State)
	ask("s2", requisition.Special{Method: requisition.Cloud, Reason: "the bank account closes"})
	require.Equal(t, requisition.Review, o.did(o.answers(number, "special", "otto", approval.Approve)).State)
	require.Equal(t, 2, o.count(`SELECT count(*) FROM approvals WHERE case_number = $1 AND matter = 'review'`, number))
	require.Equal(t, requisition.Completed, o.did(o.answers(number, "review", "zhao", approval.Approve)).State)
	require.Equal(t, []string{"P.CASH:P100 10300.00", "V.INCENT:P100 -10600.00", "V.TAX 300.00"}, o.postings(number))
	o.addsUp()
}

// Rule: PAY-15
func TestGivenATransferThatIsNotSent_WhenItIsTakenBack_ThenItsPaymentIsDropped(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	number := o.gets(asks("k1", requisition.Bank, o.advisory("10600.00"))).Case
	o.invoiced(number)
	o.did(o.answers(number, "review", "zhao", approval.Approve))
	for range 2 { // the same key asks once
		o.did(o.reqs.AskSpecial(context.Background(), activities.AskSpecialInput{Case: number, Person: "mei", Key: "s", Special: requisition.Special{Reason: "r"}, At: o.now}))
	}
	require.Equal(t, 1, o.count(`SELECT count(*) FROM method_requests`))
	require.Equal(t, requisition.Rejected, o.did(o.answers(number, "special", "otto", approval.Approve)).State)
	require.Equal(t, 1, o.count(`SELECT count(*) FROM payments WHERE state = 'DROPPED'`))
	require.Equal(t, "BT0001 10600.00", o.requestable())
	o.addsUp()
}

// Rule: ENG-02, ENG-03
func TestGivenARequest_WhenItsOwnSubmitterDecides_ThenItMayNot(t *testing.T) {
	o := newOffice(t, "2024-06-03 10:00")
	number := o.gets(asks("k1", requisition.Bank, o.advisory("10600.00"))).Case
	o.invoiced(number)
	_, err := o.answers(number, "review", "mei", approval.Approve)
	require.Contains(t, activities.RefusalOf(err).Codes(), "ENG_SELF_APPROVAL")
	_, err = o.cases.RecordArrival(context.Background(), activities.ArrivalInput{Case: number, Person: "lina", Key: "again", At: o.now})
	require.Equal(t, []string{"ENG_STATE"}, activities.RefusalOf(err).Codes())
}

// Rule: PAY-19, PAY-20, PAY-23
func TestGivenTheSwitchIsOn_WhenTheFifthDayBegins_ThenEachRowGroupIsRequestedOnce(t *testing.T) {
	o := newOffice(t, "2024-06-01 10:00")
	on := func(g requisition.Group, m requisition.Method, person string) error {
		_, err := o.reqs.SwitchAutomatic(context.Background(), activities.SwitchAutomaticInput{Partner: "P100", Person: person, Group: g, Method: m, At: o.now})
		return err
	}
	require.NoError(t, on(requisition.NewResale, requisition.Voucher, "mei"))
	require.NoError(t, on(requisition.Others, requisition.Bank, "mei"))
	require.NoError(t, on(requisition.Others, requisition.Bank, "mei"), "again changes nothing")
	require.Equal(t, []string{"CBC.0151"}, activities.RefusalOf(on(requisition.Others, requisition.Cloud, "otto")).Codes())
	require.Equal(t, []string{"PAY_METHOD_NOT_ALLOWED"}, activities.RefusalOf(on(requisition.NewResale, requisition.Bank, "mei")).Codes())
	switches, err := o.reqs.Automatic(context.Background(), "P100")
	require.NoError(t, err)
	require.Len(t, switches, 2)
	o.resale("50.00")
	o.advisory("999.99")

	require.Empty(t, o.releases("2024-06-07 23:59"), "not before the fifth day")
	require.Equal(t, []string{"requisition/P100/automatic%2Fnew-resale%2F2024-06-08"}, o.releasedByRun("2024-06-08 00:00"), "PAY-20: 999.99 by bank waits")
	require.Equal(t, "system submit >PROCESSING PAY-06", o.history("R000001")[0])
	require.Empty(t, o.releases("2024-06-08 00:10"), "once")

	o.bill("advisory", "2024-06", "2024-07-03 09:00", "0.01")
	require.Equal(t, []string{"requisition/P100/automatic%2Fothers%2F2024-07-08"}, o.releases("2024-07-08 00:00"), "PAY-20: July adds 0.01")
	require.Equal(t, 1, o.count(`SELECT count(*) FROM requisitions WHERE gross = 1000 AND scope = 'automatic' AND method = 'BANK'`))

	require.NoError(t, on(requisition.NewResale, "", "mei"))
	o.bill("resale", "2024-07", "2024-08-03 09:00", "70.00")
	require.Empty(t, o.releases("2024-08-08 00:00"), "switched off")
}

// releases looks at an instant, opens what is due and answers its workflow IDs.
func (o *office) releases(at string) []string {
	o.t.Helper()
	o.now = cst(at)
	due, err := o.reqs.AutomaticRelease(context.Background(), activities.AutomaticInput{At: o.now})
	require.NoError(o.t, err)
	again, err := o.reqs.AutomaticRelease(context.Background(), activities.AutomaticInput{At: o.now})
	require.NoError(o.t, err)
	require.Equal(o.t, due, again, "what is not started yet is answered again")
	ids := []string{}
	for _, app := range due {
		o.gets(app)
		ids = append(ids, RequisitionID(app))
	}
	return ids
}

// releasedByRun is releases by the run that does it every day.
func (o *office) releasedByRun(at string) []string {
	o.t.Helper()
	o.now = cst(at)
	env := environment(o.now)
	env.RegisterWorkflowWithOptions(AutomaticRelease, workflow.RegisterOptions{Name: AutomaticReleaseType})
	env.RegisterWorkflowWithOptions(Requisition, workflow.RegisterOptions{Name: RequisitionType})
	env.RegisterActivity(o.reqs)
	env.RegisterActivity(o.cases)
	env.ExecuteWorkflow(AutomaticRelease, AutomaticReleaseInput{})
	require.True(o.t, env.IsWorkflowCompleted())
	require.NoError(o.t, env.GetWorkflowError())
	var result AutomaticReleaseResult
	require.NoError(o.t, env.GetWorkflowResult(&result))
	return result.Requested
}

// Rule: PAY-26, PAY-27
func TestRaceOfTwoRequisitionsForOneBill(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	b := o.advisory("2000.00")
	o.advisory("-300.00")
	const many = 8
	errs := make([]error, many)
	var wait sync.WaitGroup
	for i := range many {
		wait.Go(func() {
			app := asks(fmt.Sprintf("k%d", i), requisition.Bank, b)
			_, errs[i] = o.reqs.OpenRequisition(context.Background(), activities.OpenRequisitionInput{Application: app, WorkflowID: RequisitionID(app), RunID: app.RequestKey, At: o.now})
		})
	}
	wait.Wait()
	opened := 0
	for _, err := range errs {
		if err == nil {
			opened++
			continue
		}
		require.Equal(t, "PAY_DUPLICATE", strings.Join(activities.RefusalOf(err).Codes(), " "), "%v", err)
	}
	require.Equal(t, 1, opened)
	require.Equal(t, 1, o.count(`SELECT count(*) FROM requisitions WHERE gross = 1700`))
	o.addsUp()
}

// Rule: PAY-22, ENG-01
func TestRaceOfTwoRetries(t *testing.T) {
	o := newOffice(t, "2024-06-10 10:00")
	o.resale("600.00")
	o.db.MustExec(`UPDATE partners SET state = 'CLOSED' WHERE partner_id = 'P100'`)
	number := o.gets(asks("k1", requisition.Voucher)).Case
	o.db.MustExec(`UPDATE partners SET state = 'ACTIVE' WHERE partner_id = 'P100'`)
	var wait sync.WaitGroup
	answers, task := make(chan error, 2), o.task(number, "mend")
	for _, person := range []string{"otto", "olga"} {
		wait.Go(func() {
			_, err := o.cases.Decide(context.Background(), activities.DecideInput{
				At:       o.now,
				Decision: approval.Decision{Task: task, Person: person, Outcome: requisition.Retry, Key: person},
			})
			answers <- err
		})
	}
	wait.Wait()
	var late []string
	for range 2 {
		if err := <-answers; err != nil {
			late = append(late, activities.RefusalOf(err).Codes()...)
			require.NotEmpty(t, late, "%v", err)
		}
	}
	require.Equal(t, []string{"ENG_STATE"}, late, "one is too late")
	require.Equal(t, 1, o.count(`SELECT count(*) FROM quotas`))
	require.Equal(t, "600.00", o.balance(ledger.Quota("QV000001")))
	o.addsUp()
}

// Rule: INC-16, PAY-27. The year of the +200.00 ended on 2025-03-16, but no day's run has come since: what the partner requests
// later is netted with the -400.00 that is left of the -600.00, not with all of it.
func TestGivenALateDay_WhenARequestNetsNegatives_ThenWhatLapsedHasVoidedBefore(t *testing.T) {
	o := newOffice(t, "2025-06-10 10:00")
	o.db.MustExec(`INSERT INTO plan_identities VALUES ('P100', 'solution-provider', '2020-01-01T00:00:00Z', '2024-03-16T00:00:00+08:00'),
		('P100', 'solution-provider', '2025-05-01T00:00:00+08:00', NULL)`)
	old, negative := o.bill("resale", "2024-02", "2024-03-05 09:00", "200.00"), o.bill("resale", "2024-01", "2024-02-05 09:00", "-600.00")
	o.bill("resale", "2025-05", "2025-06-03 09:00", "500.00")

	preview, err := o.reqs.PreviewRequisition(context.Background(), asks("", requisition.Voucher), o.now)
	require.NoError(t, err)
	require.Equal(t, "100.00", preview.Plan.Gross.String())
	require.Equal(t, 2, o.count(`SELECT count(*) FROM bills WHERE state = 'RELEASED' AND bill_id = ANY ($1)`, pq.Array([]string{old, negative})), "a preview writes nothing")

	require.Equal(t, "100.00", o.gets(asks("k1", requisition.Voucher)).Amount.String())
	require.Equal(t, 2, o.count(`SELECT count(*) FROM bills WHERE state = 'VOID' AND voided_at = '2025-03-16T00:00:00+08:00' AND bill_id = ANY ($1)`, pq.Array([]string{old, negative})))
}
