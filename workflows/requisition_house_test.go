package workflows

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/business"
	"countersign/domain/invoice"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/requisition"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// The partner of requisitions: P100 is certified, small-scale at 3 %, and mei administers it. Li Na and Zhao are finance, Otto
// and Olga operations.
const requisitionPeople = `
partners:
  - {id: P100, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}
people:
  - {id: mei, name: Mei, partner: P100, email: mei@a.example, roles: [partner-administrator]}
  - {id: lina, name: Li Na, email: lina@vendor.example, roles: [vendor-finance]}
  - {id: zhao, name: Zhao, email: zhao@vendor.example, roles: [vendor-finance]}
  - {id: otto, name: Otto, email: otto@vendor.example, roles: [vendor-operations]}
  - {id: olga, name: Olga, email: olga@vendor.example, roles: [vendor-operations]}
  - {id: chen, name: Chen, email: chen@vendor.example, roles: [finance-manager]}
business:
  - partner: P100
    real_name: {}
    qualifications: [{from: 2020-01-01}]
    information:
      {company_name: A Ltd, code_type: USCI, code: 91A, taxpayer_type: small-scale, tax_number: 91A, registered_address: Shenzhen, bank_account_name: A Ltd, bank_name: ICBC,
       branch: Shenzhen, account_no: 6222-1, certified_at: 2023-01-02T10:00:00+08:00}
    entities: [{entity: cloud, effective_from: 2020-01-01}]
`

// office is a house in which requisitions run.
type office struct {
	*house
	reqs  *activities.Requisitions
	cases *activities.Cases
	biz   *activities.Businesses
	bills int
}

func newOffice(t *testing.T, at string) *office {
	h := newHouse(t, cst(at), "")
	h.load(requisitionPeople)
	h.db.MustExec(`INSERT INTO vendor_addresses (entity, name, mailing_address, public_mailbox, contacts) VALUES
		('cloud', 'Cloud Co', 'Box 1, Shenzhen', 'invoice@vendor.example', ''), ('software', 'Software Co', 'Box 2, Shenzhen', 'invoice@vendor.example', '')`)
	return &office{house: h, reqs: &activities.Requisitions{DB: h.db}, cases: &activities.Cases{DB: h.db}, biz: &activities.Businesses{DB: h.db}}
}

// bill generates a released bill of P100 and accrues it; the answer is its number.
func (o *office) bill(association, period, generated, amount string) string {
	o.t.Helper()
	o.bills++
	id := fmt.Sprintf("BT%04d", o.bills)
	at := cst(generated)
	o.db.MustExec(`
		INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
		VALUES ($1, 'P100', 'A', 'monthly', $2, $3, $4, $5, 6, $6::date, 'RELEASED', $4)`, id, period, association, at, amount, at)
	o.db.MustExec(`INSERT INTO accounts (account) VALUES ('V.INCENT:P100'), ('V.INCEXP') ON CONFLICT DO NOTHING`)
	accrued := ledger.Entry{Key: "bill/" + id + "/accrue", Memo: "bill", Postings: ledger.Move(money.Must(amount), ledger.IncentiveCost, ledger.Incentive("P100"))}
	o.db.MustExec(`
		WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ($1, $2, 'bill', $4) RETURNING entry_id)
		INSERT INTO postings SELECT entry_id, account, amount FROM e, (VALUES ('V.INCEXP', -($3::numeric)), ('V.INCENT:P100', $3::numeric)) v (account, amount)`,
		accrued.Key, accrued.Digest(), amount, at)
	return id
}

// resale and advisory are bills of May 2024.
func (o *office) resale(amount string) string {
	return o.bill("resale", "2024-05", "2024-06-03 09:00", amount)
}

func (o *office) advisory(amount string) string {
	return o.bill("advisory", "2024-05", "2024-06-03 09:00", amount)
}

func asks(key string, m requisition.Method, bills ...string) requisition.Application {
	return requisition.Application{RequestKey: key, PartnerID: "P100", Submitter: "mei", Methods: []requisition.Method{m}, Bills: bills}
}

// requests opens a requisition directly.
func (o *office) requests(app requisition.Application) (activities.Standing, error) {
	o.runs++
	return o.reqs.OpenRequisition(context.Background(), activities.OpenRequisitionInput{
		Application: app, WorkflowID: RequisitionID(app), RunID: fmt.Sprintf("run-%d", o.runs), At: o.now,
	})
}

// gets is requests for what has to be accepted.
func (o *office) gets(app requisition.Application) activities.Standing {
	o.t.Helper()
	s, err := o.requests(app)
	require.NoError(o.t, err)
	return s
}

// isRefused is requests for what has to be refused; it answers the codes.
func (o *office) isRefused(app requisition.Application) string {
	o.t.Helper()
	cases := o.count(`SELECT count(*) FROM cases`)
	_, err := o.requests(app)
	list := activities.RefusalOf(err)
	require.NotEmpty(o.t, list, "refused; got %v", err)
	require.Equal(o.t, cases, o.count(`SELECT count(*) FROM cases`), "nothing opens")
	return strings.Join(list.Codes(), " ")
}

// answers decides the newest task of a matter.
func (o *office) answers(number, matter, person string, word approval.Outcome, more ...string) (activities.Standing, error) {
	d := approval.Decision{Task: o.task(number, matter), Person: person, Outcome: word, Key: fmt.Sprintf("%s/%s/%s/%s", number, matter, word, o.now.Format(time.RFC3339Nano))}
	if len(more) > 0 {
		d.Reason = more[0]
	}
	if word == requisition.Arrived {
		d.Reason, d.Reference, d.Amount = "", "B-1", more[0]
	}
	return o.cases.Decide(context.Background(), activities.DecideInput{Decision: d, At: o.now})
}

func (o *office) task(number, matter string) string {
	var id string
	require.NoError(o.t, o.db.Get(&id, `SELECT coalesce(max(task_id), '') FROM tasks WHERE case_number = $1 AND matter = $2 AND round = (SELECT max(round) FROM tasks WHERE case_number = $1 AND matter = $2)`, number, matter))
	if id == "" {
		return number + "/" + matter + "/1"
	}
	return id
}

func (o *office) did(s activities.Standing, err error) activities.Standing {
	o.t.Helper()
	require.NoError(o.t, err, "%v", activities.RefusalOf(err))
	return s
}

// invoices is a package of one electronic invoice over the list of a case.
func (o *office) invoices(number, invoiceNo string) invoice.Package {
	o.t.Helper()
	var l struct {
		Amount money.Amount `db:"amount"`
		Buyer  string       `db:"buyer_name"`
		Cur    string       `db:"currency"`
		Period string       `db:"settlement_period"`
	}
	require.NoError(o.t, o.db.Get(&l, `SELECT amount, buyer_name, currency, settlement_period FROM invoice_lists WHERE case_number = $1`, number))
	net := l.Amount.Sub(money.Must("1.00"))
	return invoice.Package{
		Case: number, Person: "mei", Key: "send-" + invoiceNo, ListEnclosed: true, Mailbox: "invoice@vendor.example",
		Invoices: []invoice.Entered{{
			Number: invoiceNo, Type: invoice.Electronic, Date: "2024-05-31", Currency: l.Cur, Net: net.String(), Tax: "1.00", Total: l.Amount.String(), Rate: "3", Buyer: l.Buyer,
			Items: invoice.Items{
				Company: "A Ltd", Licence: "91A", Account: "6222-1", Bank: "ICBC Shenzhen", BankAddress: "Shenzhen", Address: "Shenzhen", TaxNumber: "91A", Requisition: number,
				Service: "incentive", Period: l.Period, UnitPrice: net.String(), Subtotal: net.String(),
			},
		}},
	}
}

// sends registers invoices, arrives records their arrival.
func (o *office) sends(number, invoiceNo string) activities.Standing {
	o.t.Helper()
	return o.did(o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{Package: o.invoices(number, invoiceNo), At: o.now}))
}

func (o *office) arrives(number, key string) activities.Standing {
	o.t.Helper()
	return o.did(o.cases.RecordArrival(context.Background(), activities.ArrivalInput{Case: number, Person: "lina", Key: key, At: o.now}))
}

// invoiced brings a requisition to its own review.
func (o *office) invoiced(number string) activities.Standing {
	o.t.Helper()
	o.sends(number, "A-"+number)
	o.arrives(number, "a1")
	return o.did(o.answers(number, "invoice-review", "lina", invoice.Pass))
}

// changes puts another account into review; passes decides it.
func (o *office) changes(account string) {
	o.t.Helper()
	_, err := o.biz.SubmitBusiness(context.Background(), activities.SubmitBusinessInput{At: o.now, Submission: business.Submission{
		RequestKey: "change-" + account, Partner: "P100", Submitter: "mei", Company: "A Ltd", CodeType: "USCI", Code: "91A", Taxpayer: business.SmallScale, TaxNumber: "91A",
		AccountName: "A Ltd", Bank: "ICBC", Branch: "Shenzhen", AccountNo: account, Currency: "CNY", Letter: "letter",
	}})
	require.NoError(o.t, err)
}

func (o *office) passes() activities.BusinessStanding {
	o.t.Helper()
	now, err := o.biz.DecideBusiness(context.Background(), activities.DecideBusinessInput{Partner: "P100", Person: "otto", Pass: true, Key: o.now.Format(time.RFC3339), At: o.now})
	require.NoError(o.t, err)
	return now
}

// outstanding is what can be requested: "BT0001 1500.00; BT0002 -600.00 OUTSTANDING".
func (o *office) requestable() string {
	o.t.Helper()
	var lines []string
	require.NoError(o.t, o.db.Select(&lines, `SELECT concat_ws(' ', bill_id, amount, nullif(reason, '')) FROM bill_requestable('P100', $1) ORDER BY bill_id`, o.now))
	return strings.Join(lines, "; ")
}

// postings are the lines of a requisition's entry, in name order.
func (o *office) postings(number string) []string {
	o.t.Helper()
	var lines []string
	require.NoError(o.t, o.db.Select(&lines, `
		SELECT account || ' ' || amount FROM postings JOIN entries USING (entry_id) WHERE key = 'requisition/' || $1 || '/complete' ORDER BY account`, number))
	return lines
}

// payRun is one requisition in the test environment.
type payRun struct {
	o      *office
	env    *testsuite.TestWorkflowEnvironment
	opened standingAnswer
	result CaseResult
	err    error
}

// standingAnswer is what an update's caller got.
type standingAnswer struct {
	came     bool
	standing activities.Standing
	err      error
}

func (a standingAnswer) refused() refusal.List { return activities.RefusalOf(a.err) }

func (o *office) start(app requisition.Application) *payRun {
	r := &payRun{o: o, env: environment(o.now)}
	r.env.RegisterWorkflowWithOptions(Requisition, workflow.RegisterOptions{Name: RequisitionType})
	r.env.RegisterActivity(o.reqs)
	r.env.RegisterActivity(o.cases)
	r.update(0, SubmitUpdate, &r.opened, func() []any { return []any{app} })
	return r
}

// update sends an update after a time from the start; its arguments are known when its time comes.
func (r *payRun) update(after time.Duration, name string, into *standingAnswer, args func() []any) {
	r.env.RegisterDelayedCallback(func() {
		r.env.UpdateWorkflow(name, fmt.Sprintf("%s-%s-%p", name, after, into), &testsuite.TestUpdateCallback{
			OnReject:   func(err error) { *into = standingAnswer{came: true, err: err} },
			OnAccept:   func() {},
			OnComplete: func(v any, err error) { s, _ := v.(activities.Standing); *into = standingAnswer{true, s, err} },
		}, args()...)
	}, after)
}

// decides answers the newest task of a matter after a time.
func (r *payRun) decides(after time.Duration, matter, person string, word approval.Outcome, more ...string) *standingAnswer {
	into := &standingAnswer{}
	r.update(after, DecideUpdate, into, func() []any {
		d := approval.Decision{Task: r.o.task(r.opened.standing.Case, matter), Person: person, Outcome: word}
		if len(more) > 0 {
			d.Reason = more[0]
		}
		if word == requisition.Arrived {
			d.Reason, d.Reference, d.Amount = "", "B-1", more[0]
		}
		return []any{d}
	})
	return into
}

// invoiced sends invoices an hour after the time given, records their arrival an hour later and passes them after another.
func (r *payRun) invoiced(after time.Duration) (sent, arrived, passed *standingAnswer) {
	sent, arrived = &standingAnswer{}, &standingAnswer{}
	r.update(after, SendInvoicesUpdate, sent, func() []any { return []any{r.o.invoices(r.opened.standing.Case, "A1")} })
	r.update(after+time.Hour, ArrivalUpdate, arrived, func() []any { return []any{activities.ArrivalInput{Case: r.opened.standing.Case, Person: "lina"}} })
	return sent, arrived, r.decides(after+2*time.Hour, "invoice-review", "lina", invoice.Pass)
}

func (r *payRun) toEnd(app requisition.Application) *payRun {
	r.o.t.Helper()
	r.env.ExecuteWorkflow(Requisition, RequisitionInput{Application: app})
	require.True(r.o.t, r.env.IsWorkflowCompleted(), "the run ends")
	if r.err = r.env.GetWorkflowError(); r.err == nil {
		require.NoError(r.o.t, r.env.GetWorkflowResult(&r.result))
	}
	return r
}
