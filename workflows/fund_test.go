package workflows

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/staff"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// fund is a house in which P1001 may request dedicated staff: certified and qualified, with three specialists who started on
// 2023-12-01. Ou and Pan are vendor operations.
type fund struct {
	*house
	staff    *activities.DedicatedStaff
	quarters *activities.PaymentApplications
	cases    *activities.Cases
	decided  int
}

const fundRecords = `
people:
  - {id: ou, name: Ou, email: ou@vendor.example, roles: [vendor-operations]}
  - {id: pan, name: Pan, email: pan@vendor.example, roles: [vendor-operations]}
  - {id: inc, name: Inc, partner: P1001, email: inc@a.example, roles: [partner-incentives]}
business:
  - partner: P1001
    real_name: {valid_until: 2030-12-31}
    qualifications: [{from: 2024-01-01}]
    information:
      {company_name: A Ltd, code_type: USCI, code: 91A, registered_address: "Road 1", contact: Mei, taxpayer_type: small-scale, tax_number: 91A, bank_account_name: A Ltd,
       bank_name: ICBC, branch: Shenzhen, account_no: 6222-1, certified_at: 2024-01-02T10:00:00+08:00}
dedicated_staff_policy:
  {review_role: vendor-operations, escalation_role: finance-manager, review_term: P5WD, confirm_term: P14WD, cloud_months: 6, uses_per_year: 2,
   rates: {pre-sales: "20000.00", expert: "15000.00", capability-centre: "10000.00"}, decide_by_signal: true}
payment_application_policy:
  {review_role: vendor-operations, payment_role: vendor-finance, escalation_role: finance-manager, review_term: P5WD, invoice_term: P30D, payment_term: P30D,
   changes_term: P30D, decide_by_signal: true}
`

func newFund(t *testing.T, at string) *fund {
	f := &fund{house: newHouse(t, cst(at), fundRecords)}
	f.staff, f.quarters, f.cases = &activities.DedicatedStaff{DB: f.db}, &activities.PaymentApplications{DB: f.db}, &activities.Cases{DB: f.db}
	t.Cleanup(f.inOrder)
	f.db.MustExec(`INSERT INTO vendor_addresses (entity, name, mailing_address, public_mailbox) VALUES ('cloud', 'Cloud Ltd', 'Street 1', 'invoices@vendor.example')`)
	since, cloud := day("2023-12-01"), day("2022-01-01")
	for _, s := range []string{"S-1", "S-2", "S-3"} {
		require.NoError(t, f.staff.RegisterSpecialist(context.Background(), activities.SpecialistInput{
			ID: s, Partner: "P1001", Name: s, Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: cloud, Since: since, Person: "mei", At: f.now,
		}))
	}
	f.qualify()
	return f
}

// inOrder verifies ledger, tasks, events and what payment applications stand for, after every test.
func (f *fund) inOrder() {
	found, err := views.Reader{DB: f.db}.Verify(context.Background(), nil)
	require.NoError(f.t, err)
	if !f.forged {
		require.Empty(f.t, found.Findings)
	}
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// qualify applies and approves: two people, as always.
func (f *fund) qualify() {
	f.t.Helper()
	_, err := f.staff.Qualify(context.Background(), activities.QualifyInput{Partner: "P1001", Person: "mei", At: cst("2024-01-10 10:00")})
	require.NoError(f.t, err)
	_, err = f.staff.Qualify(context.Background(), activities.QualifyInput{Partner: "P1001", Person: "ou", Approve: true, Agreement: "FH-1", SignedOn: day("2024-01-10"), At: cst("2024-01-10 11:00")})
	require.NoError(f.t, err)
}

var document = strings.Repeat("ab", 32)

// preSales is mei's request for one pre-sales specialist.
func preSales(key, month, person, project string) staff.Request {
	return staff.Request{
		RequestKey: key, PartnerID: "P1001", Submitter: "mei", Month: month, Scenario: staff.PreSales, Persons: []staff.Use{{Person: person, Project: project}},
		Proofs: []staff.Proof{{Kind: staff.Employment, Document: document}, {Kind: staff.SocialSecurity, Document: document}, {Kind: staff.ProjectProof, Document: document}},
	}
}

// request asks the opening activity directly, as a run of its own.
func (f *fund) request(r staff.Request, at string) (activities.Standing, error) {
	f.runs++
	return f.staff.OpenStaffMonth(context.Background(), activities.OpenStaffMonthInput{
		Request: r, WorkflowID: oneLiveID(staff.Kind, r.PartnerID, r.Month), RunID: fmt.Sprintf("run-%d", f.runs), At: cst(at),
	})
}

// apply asks for a quarter directly.
func (f *fund) apply(a quarter.Application, at time.Time) (activities.Standing, error) {
	f.runs++
	return f.quarters.OpenPaymentApplication(context.Background(), activities.OpenPaymentApplicationInput{
		Application: a, WorkflowID: oneLiveID(quarter.Kind, a.PartnerID, a.Quarter), RunID: fmt.Sprintf("run-%d", f.runs), At: at,
	})
}

// answer decides a task of a case directly.
func (f *fund) answer(number string, m approval.Matter, round int, d approval.Decision, at string) (activities.Standing, error) {
	f.decided++
	d.Task, d.Key = approval.TaskID(number, m.Name, round), fmt.Sprintf("d%d", f.decided)
	return f.cases.Decide(context.Background(), activities.DecideInput{Decision: d, At: cst(at)})
}

// month requests a month of 2024 on its 10th and has it pass or fail on its 12th.
func (f *fund) month(month, person string, pass bool) string {
	f.t.Helper()
	s, err := f.request(preSales("k-"+month, month, person, "PR-"+month), month+"-10 10:00")
	require.NoError(f.t, err)
	d := approval.Decision{Person: "ou", Outcome: "pass"}
	if !pass {
		d = approval.Decision{Person: "ou", Outcome: "fail", Reason: "no extract"}
	}
	_, err = f.answer(s.Case, staff.Review, 1, d, month+"-12 10:00")
	require.NoError(f.t, err)
	return s.Case
}

// secondQuarter has April, May and June 2024 passed.
func (f *fund) secondQuarter() {
	f.t.Helper()
	f.month("2024-04", "S-1", true)
	f.month("2024-05", "S-1", true)
	f.month("2024-06", "S-2", true)
}

func q2(key string) quarter.Application {
	return quarter.Application{RequestKey: key, PartnerID: "P1001", Submitter: "mei", Quarter: "2024Q2"}
}

func codes(err error) []string { return activities.RefusalOf(err).Codes() }

// fundRun is one run of a month or quarter in the test environment; times are instants.
type fundRun struct {
	f      *fund
	env    *testsuite.TestWorkflowEnvironment
	start  time.Time
	opened fundAnswer
	result CaseResult
	n      int
}

// fundAnswer is what an update's caller got.
type fundAnswer struct {
	came     bool
	standing activities.Standing
	err      error
}

func (a fundAnswer) refused() refusal.List { return activities.RefusalOf(a.err) }

func (f *fund) starts(at string, application any) *fundRun {
	r := &fundRun{f: f, env: environment(cst(at)), start: cst(at)}
	r.env.RegisterWorkflowWithOptions(DedicatedStaff, workflow.RegisterOptions{Name: DedicatedStaffType})
	r.env.RegisterWorkflowWithOptions(PaymentApplication, workflow.RegisterOptions{Name: PaymentApplicationType})
	r.env.RegisterActivity(f.staff)
	r.env.RegisterActivity(f.quarters)
	r.env.RegisterActivity(f.cases)
	r.asks(r.start, SubmitUpdate, &r.opened, func() any { return application })
	return r
}

// asks sends an update at an instant.
func (r *fundRun) asks(at time.Time, name string, into *fundAnswer, arg func() any) *fundAnswer {
	r.n++
	id := fmt.Sprintf("%s-%d", name, r.n)
	r.env.RegisterDelayedCallback(func() {
		r.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnReject: func(err error) { *into = fundAnswer{came: true, err: err} },
			OnAccept: func() {},
			OnComplete: func(v any, err error) {
				s, _ := v.(activities.Standing)
				*into = fundAnswer{came: true, standing: s, err: err}
			},
		}, arg())
	}, at.Sub(r.start))
	return into
}

func (r *fundRun) update(at, name string, arg func() any) *fundAnswer {
	return r.asks(cst(at), name, &fundAnswer{}, arg)
}

// decides answers the task of a matter's round.
func (r *fundRun) decides(at string, m approval.Matter, round int, d approval.Decision) *fundAnswer {
	return r.update(at, DecideUpdate, func() any {
		d.Task = approval.TaskID(r.opened.standing.Case, m.Name, round)
		return d
	})
}

// toEnd runs to the end.
func (r *fundRun) toEnd(in any) *fundRun {
	switch in := in.(type) {
	case staff.Request:
		r.env.ExecuteWorkflow(DedicatedStaff, DedicatedStaffInput{Request: in})
	case quarter.Application:
		r.env.ExecuteWorkflow(PaymentApplication, PaymentApplicationInput{Application: in})
	}
	require.True(r.f.t, r.env.IsWorkflowCompleted(), "the run ends")
	require.NoError(r.f.t, r.env.GetWorkflowError())
	require.NoError(r.f.t, r.env.GetWorkflowResult(&r.result))
	return r
}

// invoices is one invoice over the whole list of a case, as the list asks for it.
func (f *fund) invoices(number, invoiceNo, key string) invoice.Package {
	f.t.Helper()
	var l invoice.List
	require.NoError(f.t, f.db.Get(&l, `
		SELECT list_no, case_number, state, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch, bank_address,
		       account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox, contacts,
		       opened_at, visible_at, due_date
		  FROM invoice_lists WHERE case_number = $1`, number))
	require.Equal(f.t, "60000.00", l.Amount.String())
	return invoice.Package{
		Case: number, Person: "mei", Key: key, ListEnclosed: true, Mailbox: l.PublicMailbox,
		Invoices: []invoice.Entered{{
			Number: invoiceNo, Type: invoice.Electronic, Date: "2024-07-04", Currency: "CNY", Net: "58252.43", Tax: "1747.57", Total: "60000.00", Rate: "3", Buyer: l.Buyer,
			Items: invoice.ItemsOf(l, "58252.43"),
		}},
	}
}
