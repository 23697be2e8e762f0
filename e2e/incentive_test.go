package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/requisition"
	"countersign/domain/staff"
	"countersign/internal/iso20022/xsdtest"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// newCertified loads a partner that may request what the programme pays: certified, small-scale at 3 %, in the plan. What the
// rules ask of a year's working days is known for this year and the next.
func newCertified(t *testing.T, id string, lots ...lot) *partner {
	t.Helper()
	p := newPartner(t, id, lots...)
	p.load(fmt.Sprintf(`
business:
  - partner: %[1]s
    real_name: {}
    qualifications: [{from: 2020-01-01}]
    information:
      {company_name: %[1]s Ltd, code_type: USCI, code: %[1]s, taxpayer_type: small-scale, tax_number: %[1]s, registered_address: Shenzhen, bank_account_name: %[1]s Ltd,
       bank_name: ICBC, branch: Shenzhen, account_no: "6222-1", certified_at: 2023-01-02T10:00:00+08:00}
    plans: [{plan: solution-provider, from: 2020-01-01T00:00:00+08:00}]
    entities: [{entity: cloud, effective_from: 2020-01-01}]
`, id))
	p.s.calendar(t)
	return p
}

// calendar makes the working days of this year and the next known, where nobody has entered them yet.
func (s *stack) calendar(t *testing.T) {
	t.Helper()
	for year := time.Now().Year(); year <= time.Now().Year()+1; year++ {
		if s.count(t, `SELECT count(*) FROM calendar_years WHERE year = $1`, year) == 0 {
			(&partner{s: s, t: t}).load(fmt.Sprintf("calendar: [{year: %d, days: []}]\n", year))
		}
	}
}

// lastMonth is the month before this one, as periods are written.
func lastMonth() string {
	return calendar.DateOf(time.Now()).AddMonths(-1).String()[:len("2024-05")]
}

// bill is one of last month that was generated some days ago, to be checked within five, and what it accrued; the answer is
// its number.
func (p *partner) bill(association, amount, state string, daysAgo int) string {
	p.t.Helper()
	at := time.Now().AddDate(0, 0, -daysAgo).Truncate(time.Microsecond)
	tx, err := p.s.views.DB.Beginx()
	require.NoError(p.t, err)
	defer tx.Rollback()
	var id string
	require.NoError(p.t, tx.Get(&id, `
		INSERT INTO bills (partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
		VALUES ($1, 'Cloud', 'monthly', $2, $3, $4, $5, 6, $6, $7, CASE WHEN $7 = 'RELEASED' THEN $4::timestamptz END) RETURNING bill_id`,
		p.id, lastMonth(), association, at, amount, calendar.DateOf(at).AddDays(5), state))
	accrued := ledger.Entry{Key: "bill/" + id + "/accrue", Memo: "bill", Postings: ledger.Move(money.Must(amount), ledger.IncentiveCost, ledger.Incentive(p.id))}
	tx.MustExec(`INSERT INTO accounts (account) VALUES ($1), ($2) ON CONFLICT DO NOTHING`, ledger.IncentiveCost, ledger.Incentive(p.id))
	tx.MustExec(`
		WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ($1, $2, $3, $4) RETURNING entry_id)
		INSERT INTO postings SELECT entry_id, account, amount FROM e, (VALUES ($5, -($7::numeric)), ($6, $7::numeric)) v (account, amount)`,
		accrued.Key, accrued.Digest(), accrued.Memo, at, ledger.IncentiveCost, ledger.Incentive(p.id), amount)
	require.NoError(p.t, tx.Commit())
	return id
}

// released is a bill that can be requested.
func (p *partner) released(association, amount string) string {
	p.t.Helper()
	return p.bill(association, amount, "RELEASED", 10)
}

func (p *partner) asking(key string, m requisition.Method) requisition.Application {
	return requisition.Application{RequestKey: key, PartnerID: p.id, Submitter: p.mei, Methods: []requisition.Method{m}}
}

func (p *partner) requests(app requisition.Application) (activities.Standing, error) {
	return insist(func(ctx context.Context) (activities.Standing, error) {
		return workflows.SubmitRequisition(ctx, p.s.client, app)
	})
}

// requested is a requisition that opened.
func (p *partner) requested(m requisition.Method) *theCase {
	p.t.Helper()
	app := p.asking("k", m)
	opened, err := p.requests(app)
	require.NoError(p.t, err)
	return &theCase{p: p, number: opened.Case, workflowID: workflows.RequisitionID(app)}
}

// invoices sends one invoice over the whole list of a case, and has it arrive.
func (c *theCase) invoices(invoiceNo string) {
	c.p.t.Helper()
	v, err := c.p.s.views.InvoiceList(c.p.t.Context(), c.number, time.Now())
	require.NoError(c.p.t, err)
	_, err = workflows.SendInvoices(c.p.t.Context(), c.p.s.client, c.workflowID, invoice.Package{
		Case: c.number, Person: c.p.mei, Key: invoiceNo, ListEnclosed: true, Mailbox: v.PublicMailbox,
		Invoices: []invoice.Entered{invoice.Whole(v.List, invoice.Electronic, invoiceNo+"-"+c.number, "", calendar.DateOf(time.Now()).String())},
	})
	require.NoError(c.p.t, err)
	_, err = workflows.RecordArrival(c.p.t.Context(), c.p.s.client, c.workflowID, activities.ArrivalInput{Case: c.number, Person: "lina", Key: invoiceNo})
	require.NoError(c.p.t, err)
}

// invoiced brings a case from its invoice to what comes after it.
func (c *theCase) invoiced() {
	c.p.t.Helper()
	c.invoices("A1")
	c.says("invoice-review", "lina", approval.Decision{Outcome: invoice.Pass})
}

// is asserts where a case stands.
func (c *theCase) is(state string) {
	c.p.t.Helper()
	require.Equal(c.p.t, state, string(c.state()))
}

// exported releases what waits to be sent, the case's payment among it, into a file for the bank.
func (c *theCase) exported() {
	c.p.t.Helper()
	c.exportedBy("lina", filepath.Join(c.p.t.TempDir(), "order.xml"))
}

func (c *theCase) exportedBy(person, file string, more ...string) {
	c.p.t.Helper()
	said := c.p.s.starter(c.p.t.Context(), nil, append([]string{"bank", "export", "--as", person, "--out", file, "--json"}, more...)...)
	var order struct {
		Payments []activities.ReleasedPayment `json:"payments"`
	}
	require.NoError(c.p.t, json.Unmarshal([]byte(said.out), &order), said.out+said.err) // the exit code speaks of other tests' payments, too
	require.True(c.p.t, slices.ContainsFunc(order.Payments, func(r activities.ReleasedPayment) bool { return r.Case == c.number }), said.out)
	text, err := os.ReadFile(file)
	require.NoError(c.p.t, err)
	require.Empty(c.p.t, xsdtest.Check(text))
	require.Contains(c.p.t, string(text), c.number+"-1")
}

// imported reads the bank's statement.
func (c *theCase) imported(amount string) {
	c.p.t.Helper()
	c.p.s.ask(c.p.t, 0, nil, "bank", "import", c.statement(amount), "--as", "zhao")
}

// statement is a file which says that the case's payment left the account.
func (c *theCase) statement(amount string) (file string) {
	c.p.t.Helper()
	statement := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>S-%[1]s</MsgId><CreDtTm>%[3]s</CreDtTm></GrpHdr>
<Stmt><Id>S-%[1]s</Id><Acct><Id><Othr><Id>7559000011112222</Id></Othr></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>%[4]s</Dt></Dt></Bal>
<Ntry><Amt Ccy="CNY">%[2]s</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><AcctSvcrRef>B-%[1]s</AcctSvcrRef><BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>%[1]s-1</EndToEndId></Refs></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>
`, c.number, amount, time.Now().In(calendar.Zone).Format("2006-01-02T15:04:05-07:00"), calendar.DateOf(time.Now()))
	require.Empty(c.p.t, xsdtest.Check([]byte(statement)))
	return written(c.p.t, "statement.xml", statement)
}

// consumes takes in what a customer of the partner used last month, under a plan that gives 10 %.
func (p *partner) consumes(cash string) {
	p.t.Helper()
	p.load(fmt.Sprintf("customers: [{id: C-%[1]s, partner: %[1]s}]\nbindings: [{customer: C-%[1]s, partner: %[1]s, association: advisory, from: 2023-01-01T00:00:00+08:00}]\n", p.id))
	first := staff.MonthOf(time.Now()).Previous().First()
	p.s.ask(p.t, 0, nil, "policy", "set", "incentive", written(p.t, "policy.yaml", fmt.Sprintf(`name: %[1]s
plan_name: Cloud
document: https://library.example/cloud
cadence: monthly
valid_from: %[2]s
valid_to: %[3]s
published_days: 5
output_tax_rate: 6
lines: [{line: all, products: ["*"], rate: 10}]
`, p.id, first, first.AddMonths(1).AddDays(-1))), "--as", "otto")
	p.s.ask(p.t, 0, nil, "consumption", "import", written(p.t, "usage.csv", fmt.Sprintf(
		"customer,partner,product,charge,amount,currency,used_at,posted_at\nC-%[1]s,%[1]s,ECS,usage,%[2]s,CNY,%[3]s 10:00:00,%[3]s 11:00:00\n", p.id, cash, first.AddDays(4))), "--as", "otto")
}

// written is a file with this text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}
