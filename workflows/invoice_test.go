package workflows

import (
	"context"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/invoice"
	"countersign/domain/owed"
	"countersign/domain/refusal"
	"countersign/domain/requisition"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Rule: INV-01, INV-07, INV-14, INV-15, INV-16, INV-17, INV-18
func TestGivenInvoicesThatFail_WhenNewOnesAreSent_ThenTheCaseGoesRoundUntilTheyPassAndOnlyThenItIsPaid(t *testing.T) {
	o := newOffice(t, "2024-11-04 10:00")
	o.bill("advisory", "2024-10", "2024-11-01 09:00", "10600.00")
	app := asks("k1", requisition.Cloud)
	r := o.start(app)
	after := func(at string) time.Duration { return cst(at).Sub(cst("2024-11-04 10:00")) }
	number := func() string { return r.opened.standing.Case }

	var sent, arrived, early, reused, again, back standingAnswer
	var due, alarmed []string
	look := func(at, query string, into *[]string) {
		r.env.RegisterDelayedCallback(func() { require.NoError(t, o.db.Select(into, query, number())) }, after(at))
	}
	send := func(at, invoiceNo string, into *standingAnswer) {
		r.update(after(at), SendInvoicesUpdate, into, func() []any {
			p := o.invoices(number(), invoiceNo)
			p.Key = at
			return []any{p}
		})
	}
	arrive := func(at string, into *standingAnswer) {
		r.update(after(at), ArrivalUpdate, into, func() []any { return []any{activities.ArrivalInput{Case: number(), Person: "lina"}} })
	}
	arrive("2024-11-05 08:00", &early)
	send("2024-11-05 10:00", "A1", &sent)
	arrive("2024-11-06 09:30", &arrived) // Wednesday
	const dueSQL = `SELECT to_char(due_at AT TIME ZONE interval '8 hours', 'YYYY-MM-DD HH24:MI') FROM tasks WHERE case_number = $1 AND matter = 'invoice-review' ORDER BY round`
	look("2024-11-06 10:00", dueSQL, &due)
	const alarmSQL = `SELECT to_char(escalated_at AT TIME ZONE interval '8 hours', 'YYYY-MM-DD HH24:MI') FROM tasks WHERE case_number = $1 AND escalated_at IS NOT NULL`
	look("2024-11-10 12:00", alarmSQL, &alarmed)
	failed := r.decides(after("2024-11-11 10:00"), "invoice-review", "lina", invoice.Fail, "the stamp is missing")
	send("2024-11-11 15:00", "A1", &reused)
	send("2024-11-12 10:00", "A2", &again)
	arrive("2024-11-13 09:30", &back)
	passed := r.decides(after("2024-11-14 10:00"), "invoice-review", "zhao", invoice.Pass)
	r.decides(after("2024-11-14 11:00"), requisition.RequisitionReview.Name, "zhao", "approve")
	r.toEnd(app)

	require.NoError(t, r.opened.err)
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(early.refused()), "nothing arrives that was not sent")
	require.NoError(t, sent.err)
	require.EqualValues(t, requisition.WaitingInvoice, sent.standing.State, "it waits until they arrive")
	require.EqualValues(t, requisition.InvoiceReview, arrived.standing.State)
	require.Equal(t, []string{"2024-11-09 00:00"}, due, "when the second working day is over")
	require.Equal(t, []string{"2024-11-09 00:00"}, alarmed, "an alarm, and the task stays open")
	require.EqualValues(t, requisition.WaitingInvoice, failed.standing.State, "decided late, it counts")
	require.Equal(t, []string{"INV-16 INV_REUSED"}, codesOf(reused.refused()))
	require.NoError(t, again.err)
	require.EqualValues(t, requisition.InvoiceReview, back.standing.State)
	require.EqualValues(t, requisition.Review, passed.standing.State, "accepted, and not paid yet")
	require.EqualValues(t, requisition.Completed, r.result.State)
	require.Equal(t, "10300.00", o.balance("P.CASH:P100"), "nothing else is deducted")

	v, err := views.Reader{DB: o.db}.InvoiceList(context.Background(), r.result.Case, cst("2024-11-15 10:00"))
	require.NoError(t, err)
	require.Equal(t, []string{"2024-11-08 fail", "2024-11-15 pass"}, []string{v.Rounds[0].ReviewOn.String() + " " + v.Rounds[0].Result, v.Rounds[1].ReviewOn.String() + " " + v.Rounds[1].Result})
	require.Contains(t, v.Progress, "waiting for payment", "INV-22")
	require.Contains(t, o.history(r.result.Case), "mei send invoices refused WAITING_INVOICE>WAITING_INVOICE INV-16")
}

// Rule: INV-02, INV-04, INV-12
func TestGivenARequisitionsList_WhenItIsLookedUp_ThenItIsTheOneOfTheNoticeAndOverdueItIsRemindedOf(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.advisory("10600.00")
	s := o.gets(asks("k1", requisition.Bank))
	v, err := views.Reader{DB: o.db}.InvoiceList(context.Background(), s.Case, o.now)
	require.NoError(t, err)
	require.Equal(t, 1, o.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND body LIKE '%' || $1 || '%' AND body LIKE '%case ' || $2 || '%'`, v.No, s.Case))
	require.Equal(t, "10300.00", v.Amount.String())

	o.now = v.DueDate.AddDays(1).Start()
	now, err := o.cases.Clock(context.Background(), activities.ClockInput{Case: s.Case, At: o.now})
	require.NoError(t, err)
	require.EqualValues(t, requisition.WaitingInvoice, now.State, "it is not cancelled")
	require.Equal(t, 1, o.count(`SELECT count(*) FROM outbox WHERE key LIKE 'invoice/%overdue/mei'`))
	o.now = o.now.AddDate(0, 0, 2)
	o.sends(s.Case, "A1")
	require.Equal(t, 1, o.count(`SELECT count(*) FROM invoice_packages WHERE late`))
}

// Rule: INV-19
func TestGivenAListAt6Percent_WhenThePartnerIsCertifiedAsSmallScale_ThenItIsRejectedAndTheNewRequisitionIsAtThree(t *testing.T) {
	o := newOffice(t, "2024-06-12 10:00")
	certified := func(kind, branch, at string) {
		o.load(`business: [{partner: P100, information: {company_name: A Ltd, code_type: USCI, code: 91A, taxpayer_type: ` + kind + `, tax_number: 91A,
			registered_address: Shenzhen, bank_account_name: A Ltd, bank_name: ICBC, branch: ` + branch + `, account_no: 6222-1, certified_at: ` + at + `T10:00:00+08:00}}]`)
	}
	certified("general", "Shenzhen", "2024-06-01")
	o.advisory("10600.00")
	s := o.gets(asks("k1", requisition.Cloud))
	require.Equal(t, "10600.00", s.Amount.String(), "at 6 %")
	p := o.invoices(s.Case, "A1")
	p.Invoices[0].Rate = "6"
	o.did(o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{Package: p, At: o.now}))
	o.arrives(s.Case, "a1")
	o.did(o.answers(s.Case, "invoice-review", "lina", invoice.Pass))
	certified("small-scale", "Futian", "2024-06-13")
	o.now = cst("2024-06-14 10:00")
	_, err := o.answers(s.Case, requisition.RequisitionReview.Name, "zhao", "approve")
	require.Equal(t, []string{"INV-19 PRG.INV.19"}, codesOf(activities.RefusalOf(err)))
	s = o.did(o.answers(s.Case, requisition.RequisitionReview.Name, "zhao", "reject", "taxpayer type"))
	require.EqualValues(t, requisition.Rejected, s.State)
	s = o.gets(asks("k2", requisition.Cloud))
	require.Equal(t, "10300.00", s.Amount.String(), "at 3 %")
	require.Equal(t, []string{"INV-10 INV_REUSED"}, codesOf(o.sendsRefused(s.Case, "A1")), "A1 stays with the requisition it was sent for")
}

// sendsRefused is sends for what has to be refused.
func (o *office) sendsRefused(number, invoiceNo string) refusal.List {
	o.t.Helper()
	_, err := o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{Package: o.invoices(number, invoiceNo), At: o.now})
	list := activities.RefusalOf(err)
	require.NotEmpty(o.t, list, "refused; got %v", err)
	return list
}

// Rule: ENG-01, COM-20
func TestGivenStepsOfInvoices_WhenTheyRunTwice_ThenNothingHappensTwice(t *testing.T) {
	o := newOffice(t, "2024-06-12 10:00")
	o.advisory("10600.00")
	s := o.gets(asks("k1", requisition.Bank))
	o.sends(s.Case, "A1")
	o.sends(s.Case, "A1")
	other := o.invoices(s.Case, "A2")
	other.Key = "send-A1"
	_, err := o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{Package: other, At: o.now})
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))
	o.arrives(s.Case, "a1")
	again := o.arrives(s.Case, "a1")
	require.EqualValues(t, requisition.InvoiceReview, again.State)
	require.Equal(t, 1, o.count(`SELECT count(*) FROM invoice_packages`))
	require.Equal(t, 1, o.count(`SELECT count(*) FROM tasks WHERE matter = 'invoice-review'`))
	_, err = o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{At: o.now})
	require.Equal(t, []string{"ENG-06 CBC.0100"}, codesOf(activities.RefusalOf(err)))
}

// Rule: INV-06
func TestGivenAnOrdinaryInvoiceSentByMistake_WhenATicketAsksForItBack_ThenItNamesWhereAndThePartnerIsTold(t *testing.T) {
	o := newOffice(t, "2024-06-05 10:00")
	o.advisory("10600.00")
	s := o.gets(asks("k1", requisition.Bank))
	ctx := context.Background()
	ticket := invoice.Ticket{Case: s.Case, Person: "mei", Key: "t1", Number: "n7", Recipient: "Mei, 138"}
	_, err := o.cases.AskInvoiceBack(ctx, ticket, o.now)
	require.Equal(t, []string{"INV-06 INV_RETURN_ADDRESS"}, codesOf(activities.RefusalOf(err)))
	require.Zero(t, o.count(`SELECT count(*) FROM invoice_tickets`))
	ticket.ReturnAddress = "1 Cloud Road, Shenzhen"
	opened, err := o.cases.AskInvoiceBack(ctx, ticket, o.now)
	require.NoError(t, err)
	again, err := o.cases.AskInvoiceBack(ctx, ticket, o.now)
	require.NoError(t, err)
	require.Equal(t, opened, again)
	require.Equal(t, "IT000001 N7", opened.No+" "+opened.Number)
	ticket.Number = "N8"
	_, err = o.cases.AskInvoiceBack(ctx, ticket, o.now)
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))

	_, err = o.cases.ReturnInvoice(ctx, activities.ReturnInvoiceInput{Ticket: opened.No, Person: "mei", TrackingNo: "SF9", At: o.now})
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(activities.RefusalOf(err)))
	for range 2 {
		returned, err := o.cases.ReturnInvoice(ctx, activities.ReturnInvoiceInput{Ticket: opened.No, Person: "lina", TrackingNo: "SF9", At: o.now})
		require.NoError(t, err)
		require.Equal(t, "SF9", returned.TrackingNo)
	}
	require.Equal(t, 1, o.count(`SELECT count(*) FROM outbox WHERE key = 'invoice/IT000001/returned/mei' AND body LIKE '%N7, SF9%'`))
	_, err = o.cases.ReturnInvoice(ctx, activities.ReturnInvoiceInput{Ticket: "IT9", Person: "lina", TrackingNo: "SF9", At: o.now})
	require.True(t, activities.IsNotFound(err))
}

// Rule: OWE-08, WDR-06, WDR-09
func TestGivenCash12000AndOwed10600_WhenTheOwedAmountIsSetOff_ThenAllOfItCanBeWithdrawn(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "granted", "INCENTIVE_OWED", "", "2025-10-01 09:00", "10600.00")
	h.lot("P1001", "other", "EBANK_CORPORATE", "A Ltd", "2025-10-02 09:00", "1400.00")
	available := func() views.Available {
		a, err := views.Reader{DB: h.db}.Available(context.Background(), "P1001", h.now)
		require.NoError(t, err)
		return a
	}
	require.Equal(t, "12000.00 1400.00 0.00", available().Cash.String()+" "+available().Withdrawable.String()+" "+available().Routes[withdrawal.Incentive].String())
	_, err := (&activities.Owed{DB: h.db}).RequestInvoices(context.Background(), owed.Request{
		Partner: "P1001", Person: "mei", Key: "k1", Selected: []owed.Selected{{Rate: "6", Amount: "11000.00"}},
	}, h.now)
	require.NoError(t, err)
	require.Equal(t, "12000.00 12000.00 10600.00", available().Cash.String()+" "+available().Withdrawable.String()+" "+available().Routes[withdrawal.Incentive].String())
	v, err := views.Reader{DB: h.db}.Verify(context.Background(), nil)
	require.NoError(t, err)
	require.Empty(t, v.Findings)
}

// Rule: INV-13, INV-03
func TestGivenASigningEntityThatChangesOnTheFirstOfJuly_WhenRequisitionsAreMade_ThenEachIsInvoicedToTheEntityOfItsDay(t *testing.T) {
	o := newOffice(t, "2024-06-30 23:59")
	o.load(`business: [{partner: P100, entities: [{entity: software, effective_from: 2024-07-01}]}]`)
	first, second := o.advisory("10600.00"), o.bill("advisory", "2024-06", "2024-06-04 09:00", "2120.00")
	buyer := func(number string) string {
		v, err := views.Reader{DB: o.db}.InvoiceList(context.Background(), number, o.now)
		require.NoError(t, err)
		return v.Buyer + ", " + v.MailingAddress
	}
	june := o.gets(asks("k1", requisition.Bank, first))
	o.now = cst("2024-07-01 00:00")
	july := o.gets(asks("k2", requisition.Bank, second))
	require.Equal(t, "Cloud Co, Box 1, Shenzhen", buyer(june.Case))
	require.Equal(t, "Software Co, Box 2, Shenzhen", buyer(july.Case))
}
