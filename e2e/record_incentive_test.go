package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/invoice"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/staff"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// incentiveEndings are the ways in which everything else ends that the programme pays. Each plays one for a certified partner and
// answers its run; its name is the recorded file's.
var incentiveEndings = map[string]func(p *partner) (workflowID string){
	"requisition_voucher": func(p *partner) string { // at once (PAY-09)
		p.released("resale", "1500.00")
		c := p.requested(requisition.Voucher)
		c.is("COMPLETED")
		require.Equal(p.t, []string{p.mei + " request submit >PROCESSING PAY-06", "rule rule process PROCESSING>PAYING", "rule rule grant PAYING>COMPLETED PAY-09"}, c.history())
		return c.workflowID
	},
	"requisition_cloud_account_owed": func(p *partner) string {
		p.released("resale", "1500.00")
		c := p.requested(requisition.CloudOwed)
		c.is("COMPLETED")
		p.has("1500.00", "0.00")
		return c.workflowID
	},
	"requisition_cloud_account": func(p *partner) string {
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Cloud)
		c.invoiced()
		c.says("review", "zhao", approval.Decision{Outcome: approval.Approve})
		c.is("COMPLETED")
		p.has("10300.00", "0.00")
		return c.workflowID
	},
	"requisition_bank_after_a_failed_invoice": func(p *partner) string { // the bank's files answer send and confirm
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Bank)
		c.invoices("A1")
		require.Equal(p.t, requisition.WaitingInvoice, c.says("invoice-review", "lina", approval.Decision{Outcome: invoice.Fail, Reason: "illegible"}).State)
		c.invoices("A2")
		c.says("invoice-review@2", "lina", approval.Decision{Outcome: invoice.Pass})
		c.says("review", "zhao", approval.Decision{Outcome: approval.Approve})
		c.exported()
		c.imported("10300.00")
		c.is("COMPLETED")
		return c.workflowID
	},
	"requisition_rejected": func(p *partner) string {
		p.released("advisory", "2500.00")
		c := p.requested(requisition.Cloud)
		c.invoiced()
		c.says("review", "zhao", approval.Decision{Outcome: approval.Reject, Reason: "the rate does not fit"})
		c.is("REJECTED")
		return c.workflowID
	},
	"requisition_failed_then_mended": func(p *partner) string { // too early once, and paid once (PAY-22)
		p.released("resale", "1500.00")
		frozen := func(state string) {
			p.load(fmt.Sprintf("partners: [{id: %[1]s, name: %[1]s, kind: solution-provider, verified_name: %[1]s Ltd, entity: cloud, state: %[2]s}]\n", p.id, state))
		}
		frozen("FROZEN")
		c := p.requested(requisition.Voucher)
		c.is("FAILED")
		c.says("mend", "otto", approval.Decision{Outcome: requisition.Retry})
		c.is("FAILED")
		frozen("ACTIVE")
		c.says("mend@2", "olga", approval.Decision{Outcome: requisition.Retry})
		c.is("COMPLETED")
		require.Equal(p.t, 1, p.s.count(p.t, `SELECT count(*) FROM quotas WHERE partner_id = $1`, p.id))
		return c.workflowID
	},
	"requisition_bank_returned_then_paid": func(p *partner) string {
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Bank)
		c.invoiced()
		c.says("review", "zhao", approval.Decision{Outcome: approval.Approve})
		c.says("send", "lina", approval.Decision{Outcome: requisition.Sent})
		c.says("confirm", "zhao", approval.Decision{Outcome: requisition.Bounced, Reason: "account closed"})
		c.is("FAILED")
		c.says("mend", "otto", approval.Decision{Outcome: requisition.Retry})
		c.says("send@2", "lina", approval.Decision{Outcome: requisition.Sent})
		c.says("confirm@2", "zhao", approval.Decision{Outcome: requisition.Arrived, Amount: "10300.00", Reference: "B-" + c.number})
		c.is("COMPLETED")
		return c.workflowID
	},
	"requisition_special_case": func(p *partner) string {
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Bank)
		c.special(requisition.Special{Method: requisition.Voucher}, "PAY_METHOD_FIXED")
		c.special(requisition.Special{Method: requisition.Voucher, Reason: "no invoices left this month"})
		c.says("special", "otto", approval.Decision{Outcome: approval.Approve})
		c.is("COMPLETED")
		return c.workflowID
	},
	"requisition_taken_back": func(p *partner) string {
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Bank)
		c.special(requisition.Special{Reason: "wrong bills"})
		c.says("special", "otto", approval.Decision{Outcome: approval.Approve})
		c.is("REJECTED")
		return c.workflowID
	},
	"requisition_paused_then_completed": func(p *partner) string { // while the account is changed (AUT-05)
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Cloud)
		c.invoiced()
		p.changesAccount()
		c.says("review", "zhao", approval.Decision{Outcome: approval.Approve})
		c.is("PAYING")
		p.s.ask(p.t, 0, nil, "business", "decide", p.id, "--as", "otto", "--pass")
		c.is("COMPLETED")
		return c.workflowID
	},
	"requisition_cancelled": func(p *partner) string { // by an operator in Temporal
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Bank)
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		eventually(p.t, "the end", func() (bool, error) { return c.state() == "REJECTED", nil })
		return c.workflowID
	},
	"requisition_resumed_then_completed": func(p *partner) string { // its run was terminated
		p.released("advisory", "10600.00")
		c := p.requested(requisition.Cloud)
		c.invoices("A1")
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		c.says("invoice-review", "lina", approval.Decision{Outcome: invoice.Pass})
		c.says("review", "zhao", approval.Decision{Outcome: approval.Approve})
		c.is("COMPLETED")
		return c.workflowID
	},
	"requisition_refused_opening": func(p *partner) string {
		p.released("advisory", "999.99")
		app := p.asking("k", requisition.Bank)
		_, err := p.requests(app)
		require.Equal(p.t, []string{"PAY_MINIMUM"}, typed(p.t, err).Codes())
		return workflows.RequisitionID(app)
	},

	"reconciliation_confirmed_then_released": func(p *partner) string {
		c := p.presented(p.bill("resale", "100.00", "TO_CONFIRM", 0), p.bill("advisory", "-30.00", "TO_CONFIRM", 0))
		c.about(workflows.QuestionUpdate, workflows.BillRequest{Person: p.mei, Bills: c.bills[:1], Text: "which customer is this?"})
		c.about(workflows.ConfirmUpdate, workflows.BillRequest{Person: p.mei})
		c.says("release", "olga", approval.Decision{Outcome: approval.Approve})
		c.is("RELEASED")
		return c.workflowID
	},
	"reconciliation_stop_refused_then_released": func(p *partner) string { // bills that were presented come to their end
		c := p.presented(p.bill("resale", "100.00", "TO_CONFIRM", 0))
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		eventually(p.t, "the refused stop", func() (bool, error) { return len(c.history()) == 2, nil })
		c.about(workflows.ConfirmUpdate, workflows.BillRequest{Person: p.mei})
		c.says("release", "olga", approval.Decision{Outcome: approval.Approve})
		c.is("RELEASED")
		return c.workflowID
	},
	"reconciliation_deadline_passed": func(p *partner) string { // while its run was gone, which the clock makes good
		p.bill("resale", "100.00", "TO_CONFIRM", 20)
		set := p.set()
		opened, err := (&activities.Reconciliations{DB: p.s.views.DB}).OpenReconciliation(p.t.Context(), activities.OpenReconciliationInput{
			Presentation: set, WorkflowID: workflows.ReconciliationID(set), RunID: "lost", At: time.Now().AddDate(0, 0, -20),
		})
		require.NoError(p.t, err)
		c := &theCase{p: p, number: opened.Case, workflowID: workflows.ReconciliationID(set)}
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply", "--force")
		c.escalates(bill.Release) // that term is over as well
		c.says("release", "olga", approval.Decision{Outcome: approval.Approve})
		c.is("RELEASED")
		require.Equal(p.t, []string{
			"system rule present >TO_CONFIRM INC-10", "clock clock remind TO_CONFIRM>TO_CONFIRM", "system clock confirm TO_CONFIRM>RELEASING INC-08",
			"clock clock escalate RELEASING>RELEASING", "olga request approve RELEASING>RELEASED INC-07",
		}, c.history())
		return c.workflowID
	},
	"reconciliation_rejected_then_presented_anew": func(p *partner) string {
		c := p.presented(p.bill("resale", "100.00", "TO_CONFIRM", 0), p.bill("advisory", "30.00", "TO_CONFIRM", 0))
		c.about(workflows.RejectUpdate, workflows.BillRequest{Person: p.mei, Bills: c.bills[:1], Text: "the rate is wrong"}, "INC_REJECT_PAIR")
		c.about(workflows.RejectUpdate, workflows.BillRequest{Person: p.mei, Bills: c.bills, Text: "the rate is wrong"})
		p.bill("resale", "5.00", "TO_CONFIRM", 0) // the correction
		c.says("present", "olga", approval.Decision{Outcome: bill.Presented})
		c.about(workflows.ConfirmUpdate, workflows.BillRequest{Person: p.mei})
		c.says("release", "olga", approval.Decision{Outcome: bill.Refuse, Reason: "a contract is missing"})
		c.says("present@2", "olga", approval.Decision{Outcome: bill.Upheld, Reason: "the contract came"})
		c.about(workflows.ConfirmUpdate, workflows.BillRequest{Person: p.mei, Key: "again"})
		c.says("release@2", "olga", approval.Decision{Outcome: approval.Approve})
		c.is("RELEASED")
		return c.workflowID
	},

	"dedicated_staff_passed": func(p *partner) string {
		p.qualified()
		c := p.monthRequested()
		c.says("preliminary-review", "otto", approval.Decision{Outcome: "pass"})
		c.is("PASSED")
		return c.workflowID
	},
	"dedicated_staff_failed_then_passed": func(p *partner) string {
		p.qualified()
		c := p.monthRequested()
		c.says("preliminary-review", "otto", approval.Decision{Outcome: "fail", Reason: "the extract is missing"})
		_, err := workflows.ResubmitStaffMonth(p.t.Context(), p.s.client, c.workflowID, p.month("k2", staff.MonthOf(time.Now())))
		require.NoError(p.t, err)
		c.says("preliminary-review@2", "olga", approval.Decision{Outcome: "pass"})
		c.is("PASSED")
		return c.workflowID
	},
	"dedicated_staff_failed_after_its_month": func(p *partner) string { // whose run was gone (FHM-03)
		p.qualified()
		last := staff.MonthOf(time.Now()).Previous()
		c := p.monthOpened(last)
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply", "--force")
		c.says("preliminary-review", "otto", approval.Decision{Outcome: "fail", Reason: "the extract is missing"})
		c.is("FAILED")
		return c.workflowID
	},
	"dedicated_staff_refused_opening": func(p *partner) string {
		_, err := workflows.RequestStaffMonth(p.t.Context(), p.s.client, p.month("k", staff.MonthOf(time.Now())))
		require.Contains(p.t, typed(p.t, err).Codes(), "FHM_QUALIFICATION")
		return fmt.Sprintf("%s/%s/%s", staff.Kind, p.id, staff.MonthOf(time.Now()))
	},

	"payment_application_paid": func(p *partner) string {
		c := p.applied()
		c.says("review", "otto", approval.Decision{Outcome: approval.Approve})
		c.paidByBank()
		return c.workflowID
	},
	"payment_application_resumed_then_paid": func(p *partner) string {
		c := p.applied()
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		c.says("review", "otto", approval.Decision{Outcome: approval.Approve})
		c.paidByBank()
		return c.workflowID
	},
	"payment_application_rejected_then_paid": func(p *partner) string { // and its invoices failed once
		c := p.applied()
		c.says("review", "otto", approval.Decision{Outcome: approval.Reject, Reason: "the account is an old one"})
		_, err := workflows.ResubmitQuarter(p.t.Context(), p.s.client, c.workflowID, quarter.Application{
			RequestKey: "k2", PartnerID: p.id, Submitter: p.mei, Quarter: lastQuarter().String(), Note: "it is not",
		})
		require.NoError(p.t, err)
		c.says("review@2", "olga", approval.Decision{Outcome: approval.Approve})
		c.invoices("A0")
		c.says("invoice-review", "lina", approval.Decision{Outcome: invoice.Fail, Reason: "illegible"})
		c.invoices("A1")
		c.says("invoice-review@2", "lina", approval.Decision{Outcome: invoice.Pass})
		c.exported()
		c.imported("60000.00")
		c.is("PAID")
		return c.workflowID
	},
	"payment_application_refused_opening": func(p *partner) string {
		p.qualified()
		c := p.monthOpened(months(lastQuarter())[0])
		_, err := workflows.ApplyForQuarter(p.t.Context(), p.s.client, p.application())
		require.Equal(p.t, []string{"QPY_PRELIM_PENDING"}, typed(p.t, err).Codes())
		c.passed(months(lastQuarter())[0])
		return fmt.Sprintf("%s/%s/%s", quarter.Kind, p.id, lastQuarter())
	},

	"calculation": func(p *partner) string {
		p.consumes("1000.00")
		month, err := incentive.ParsePeriod(lastMonth())
		require.NoError(p.t, err)
		var done workflows.CalculationProgress
		run, err := workflows.StartCalculation(p.t.Context(), p.s.client, workflows.CalculationInput{Period: month, By: "otto"})
		require.NoError(p.t, err)
		require.NoError(p.t, run.Get(p.t.Context(), &done))
		require.Equal(p.t, incentive.Buckets, done.Parts)
		require.Equal(p.t, 1, p.s.count(p.t, `SELECT count(*) FROM incentive_lines WHERE partner_id = $1 AND amount = 100`, p.id))
		return run.GetID()
	},
	"lines_export": func(p *partner) string {
		p.released("resale", "1500.00")
		x, err := (&activities.Exports{DB: p.s.views.DB}).AskExport(p.t.Context(), activities.AskExportInput{
			Key: "export-" + p.id, Person: "otto", Filter: bill.LineFilter{Partner: p.id}, Format: "csv", At: time.Now(),
		})
		require.NoError(p.t, err)
		require.NoError(p.t, workflows.StartLinesExport(p.t.Context(), p.s.client, x))
		require.NoError(p.t, p.s.client.GetWorkflow(p.t.Context(), workflows.LinesExportID(x.Key), "").Get(p.t.Context(), &x))
		require.EqualValues(p.t, "DONE", x.State)
		return workflows.LinesExportID(x.Key)
	},
	"automatic_release": func(p *partner) string {
		p.released("resale", "1500.00")
		p.automatic()
		at := time.Now()
		done, err := workflows.StartAutomaticRelease(p.t.Context(), p.s.client, at)
		require.NoError(p.t, err)
		require.Len(p.t, done.Requested, 1)
		var child workflows.CaseResult
		require.NoError(p.t, p.s.client.GetWorkflow(p.t.Context(), done.Requested[0], "").Get(p.t.Context(), &child))
		require.Equal(p.t, requisition.Completed, child.State)
		return "automatic-release/" + at.UTC().Format(time.RFC3339)
	},
	"daily": func(p *partner) string { // it presents what nobody presented, and requests what is due
		p.released("resale", "1500.00")
		p.automatic()
		p.bill("resale", "100.00", "TO_CONFIRM", 2)
		run, err := p.s.client.ExecuteWorkflow(p.t.Context(), client.StartWorkflowOptions{ID: "daily/" + p.id, TaskQueue: workflows.TaskQueue}, workflows.DailyType, workflows.DailyInput{})
		require.NoError(p.t, err)
		var done workflows.DailyResult
		require.NoError(p.t, run.Get(p.t.Context(), &done))
		require.Empty(p.t, done.Failed)
		eventually(p.t, "the presentation and the request, which live on by themselves", func() (bool, error) {
			return p.s.count(p.t, `SELECT count(*) FROM cases WHERE partner_id = $1 AND state IN ('TO_CONFIRM', 'COMPLETED')`, p.id) == 2, nil
		})
		return run.GetID()
	},
}

func TestRecordIncentives(t *testing.T) {
	for ending, play := range incentiveEndings {
		t.Run(ending, func(t *testing.T) {
			p := newCertified(t, "P-"+ending)
			workflowID := play(p)
			_ = p.s.client.GetWorkflow(t.Context(), workflowID, "").Get(t.Context(), nil) // how it ends is in the history
			keep(t, ending, download(t, &theCase{p: p, workflowID: workflowID}))
		})
	}
	if the.err == nil && the.views.DB != nil {
		the.addsUp(t)
	}
}

// special asks for a special case; with codes it has to be refused.
func (c *theCase) special(s requisition.Special, codes ...string) {
	c.p.t.Helper()
	_, err := workflows.AskSpecial(c.p.t.Context(), c.p.s.client, c.workflowID, workflows.CaseRequest{Person: c.p.mei, Special: s})
	refusedOrNot(c.p.t, err, codes)
}

func refusedOrNot(t *testing.T, err error, codes []string) {
	t.Helper()
	if len(codes) == 0 {
		require.NoError(t, err)
		return
	}
	require.Equal(t, codes, typed(t, err).Codes())
}

// changesAccount puts another bank account into review.
func (p *partner) changesAccount() {
	p.t.Helper()
	file := written(p.t, "info.yaml", fmt.Sprintf(`{company_name: %[1]s Ltd, code_type: USCI, code: %[1]s, taxpayer_type: small-scale, tax_number: %[1]s, bank_account_name: %[1]s Ltd, bank_name: ICBC,
  branch: Shenzhen, account_no: "6222-2", settlement_currency: CNY, bank_letter: letter}`, p.id))
	p.s.ask(p.t, 0, nil, "business", "submit", "--as", p.mei, "--partner", p.id, "--file", file)
}

// set is last month's first set of the partner's bills.
func (p *partner) set() activities.Presentation {
	return activities.Presentation{Partner: p.id, Period: lastMonth(), Set: 1, By: "system"}
}

// reconciliation is bills that were presented.
type reconciliation struct {
	*theCase
	bills []string
}

func (p *partner) presented(bills ...string) reconciliation {
	p.t.Helper()
	p.s.ask(p.t, 0, nil, "incentive", "reconcile", lastMonth(), "--as", "otto")
	c := &theCase{p: p, workflowID: workflows.ReconciliationID(p.set())}
	eventually(p.t, "the presentation", func() (bool, error) {
		err := p.s.views.DB.Get(&c.number, `SELECT case_number FROM cases WHERE partner_id = $1 AND kind = $2`, p.id, bill.Kind)
		return err == nil, err
	})
	return reconciliation{c, bills}
}

// about says something about the bills; with codes it has to be refused.
func (c reconciliation) about(update string, b workflows.BillRequest, codes ...string) {
	c.p.t.Helper()
	if b.Key == "" {
		b.Key = update + strings.Join(b.Bills, " ")
	}
	_, err := workflows.AboutBills(c.p.t.Context(), c.p.s.client, c.workflowID, update, b)
	refusedOrNot(c.p.t, err, codes)
}

// qualified has the partner's qualification approved and one specialist registered.
func (p *partner) qualified() {
	p.t.Helper()
	s, ctx, at := &activities.DedicatedStaff{DB: p.s.views.DB}, p.t.Context(), time.Now().AddDate(-1, 0, 0)
	on := calendar.DateOf(at)
	_, err := s.Qualify(ctx, activities.QualifyInput{Partner: p.id, Person: p.mei, At: at})
	require.NoError(p.t, err)
	_, err = s.Qualify(ctx, activities.QualifyInput{Partner: p.id, Person: "otto", Approve: true, Agreement: "FH-1", SignedOn: on, At: at})
	require.NoError(p.t, err)
	require.NoError(p.t, s.RegisterSpecialist(ctx, activities.SpecialistInput{
		ID: "S-" + p.id, Partner: p.id, Name: "Qian", Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: on.AddMonths(-24), Since: on.AddMonths(-12), Person: p.mei, At: at,
	}))
}

// month is a request for the specialist.
func (p *partner) month(key string, m staff.Month) staff.Request {
	document := strings.Repeat("ab", 32)
	return staff.Request{
		RequestKey: key, PartnerID: p.id, Submitter: p.mei, Month: m.String(), Scenario: staff.PreSales, Persons: []staff.Use{{Person: "S-" + p.id}},
		Proofs: []staff.Proof{{Kind: staff.Employment, Document: document}, {Kind: staff.SocialSecurity, Document: document}},
	}
}

// monthRequested asks for the month that runs.
func (p *partner) monthRequested() *theCase {
	p.t.Helper()
	m := staff.MonthOf(time.Now())
	opened, err := workflows.RequestStaffMonth(p.t.Context(), p.s.client, p.month("k", m))
	require.NoError(p.t, err)
	return &theCase{p: p, number: opened.Case, workflowID: staffRun(p.id, m)}
}

func staffRun(partner string, m staff.Month) string {
	return fmt.Sprintf("%s/%s/%s", staff.Kind, partner, m)
}

// monthOpened is a month that was requested on its tenth day; its run is gone.
func (p *partner) monthOpened(m staff.Month) *theCase {
	p.t.Helper()
	opened, err := (&activities.DedicatedStaff{DB: p.s.views.DB}).OpenStaffMonth(p.t.Context(), activities.OpenStaffMonthInput{
		Request: p.month("k-"+m.String(), m), WorkflowID: staffRun(p.id, m), RunID: "lost-" + m.String(), At: m.Starts().AddDate(0, 0, 9),
	})
	require.NoError(p.t, err)
	return &theCase{p: p, number: opened.Case, workflowID: staffRun(p.id, m)}
}

// passed has a month pass its review two days later, its run being gone.
func (c *theCase) passed(m staff.Month) {
	c.p.t.Helper()
	_, err := (&activities.Cases{DB: c.p.s.views.DB}).Decide(c.p.t.Context(), activities.DecideInput{
		Decision: approval.Decision{Task: c.number + "/preliminary-review", Person: "otto", Outcome: "pass", Key: c.number}, At: m.Starts().AddDate(0, 0, 11),
	})
	require.NoError(c.p.t, err)
}

func lastQuarter() calendar.Quarter {
	return calendar.QuarterOf(calendar.QuarterOf(calendar.DateOf(time.Now())).Start().AddMonths(-3))
}

func months(q calendar.Quarter) (all []staff.Month) {
	for i := range 3 {
		all = append(all, staff.MonthOf(q.Start().AddMonths(i).Start()))
	}
	return all
}

func (p *partner) application() quarter.Application {
	return quarter.Application{RequestKey: "k", PartnerID: p.id, Submitter: p.mei, Quarter: lastQuarter().String()}
}

// applied is an application for last quarter, whose three months have passed.
func (p *partner) applied() *theCase {
	p.t.Helper()
	p.qualified()
	for _, m := range months(lastQuarter()) {
		p.monthOpened(m).passed(m)
	}
	opened, err := workflows.ApplyForQuarter(p.t.Context(), p.s.client, p.application())
	require.NoError(p.t, err)
	return &theCase{p: p, number: opened.Case, workflowID: fmt.Sprintf("%s/%s/%s", quarter.Kind, p.id, lastQuarter())}
}

// paidByBank invoices an application and has people send and confirm it.
func (c *theCase) paidByBank() {
	c.p.t.Helper()
	c.invoiced()
	c.says("send", "lina", approval.Decision{Outcome: "send"})
	c.says("confirm", "zhao", approval.Decision{Outcome: "confirm", Amount: "60000.00", Reference: "B-" + c.number})
	c.is("PAID")
}

// automatic switches the automatic release of resale on, as of a month ago.
func (p *partner) automatic() {
	p.t.Helper()
	_, err := (&activities.Requisitions{DB: p.s.views.DB}).SwitchAutomatic(p.t.Context(), activities.SwitchAutomaticInput{
		Partner: p.id, Person: p.mei, Group: requisition.NewResale, Method: requisition.Voucher, At: time.Now().AddDate(0, -1, 0),
	})
	require.NoError(p.t, err)
}
