package e2e

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/requisition"
	"countersign/views"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// Rules: PERF-09, PERF-14, INC-05, INC-07, INC-10, PAY-06, INV-11, INV-15, PAY-24, PAY-28
func TestGivenAMonthsConsumption_WhenPeopleUseTheCommandLine_ThenItIsPaidByTheBanksFiles(t *testing.T) {
	p := newCertified(t, "PPAYOUT")
	month := lastMonth()
	p.consumes("106000.00")
	run := func(args ...string) string {
		t.Helper()
		said := p.s.starter(t.Context(), nil, args...)
		require.Equal(t, 0, said.code, "starter %v: %s%s", args, said.out, said.err)
		require.Empty(t, said.err)
		return said.out
	}

	require.Contains(t, run("incentive", "calculate", month, "--as", "otto"), month+" is calculated: ")
	require.Contains(t, run("performance", "show", p.id, month), "10600.00")
	b := regexp.MustCompile(`PPAYOUT +(B\d+)\n`).FindStringSubmatch(run("performance", "approve", month, "--as", "otto", "--partner", p.id))
	require.Len(t, b, 2)
	run("incentive", "reconcile", month, "--as", "otto")
	var bills []views.Bill
	eventually(t, "the presentation", func() (bool, error) {
		p.s.ask(t, 0, &bills, "bill", "list", "--partner", p.id)
		return len(bills) == 1 && bills[0].Case != "", nil
	})
	require.Equal(t, "10600.00", bills[0].Amount.String())
	run("bill", "confirm", b[1], "--as", p.mei)
	require.Contains(t, run("task", "decide", bills[0].Case+"/release", "approve", "--as", "olga"), "RELEASED")

	var r activities.Standing
	p.s.ask(t, 0, &r, "requisition", "apply", "--as", p.mei, "--partner", p.id, "--method", "BANK", "--request-key", "k")
	require.Equal(t, requisition.WaitingInvoice, r.State)
	run("invoice", "send", r.Case, "--as", p.mei, "--number", "24442000000012345678", "--date", calendar.DateOf(time.Now()).String(), "--with-list", "--carrier", "SF", "--tracking", "SF1")
	run("invoice", "arrived", r.Case, "--as", "lina")
	run("task", "decide", r.Case+"/invoice-review", "pass", "--as", "lina")
	run("task", "decide", r.Case+"/review", "approve", "--as", "zhao")
	c := &theCase{p: p, number: r.Case}
	c.exported()
	c.imported("10300.00")

	require.Contains(t, run("case", "show", r.Case), "COMPLETED")
	require.Contains(t, run("requisition", "list", "--partner", p.id), "10600.00    10300.00")
	require.Equal(t, []string{
		p.mei + " request submit >PROCESSING PAY-06", "rule rule process PROCESSING>WAITING_INVOICE INV-01", p.mei + " request send invoices WAITING_INVOICE>WAITING_INVOICE INV-11",
		"lina request invoices arrived WAITING_INVOICE>INVOICE_REVIEW INV-14", "lina request pass INVOICE_REVIEW>REQUISITION_REVIEW INV-17",
		"zhao request approve REQUISITION_REVIEW>PAYING PAY-24", "lina request send PAYING>PAYING PAY-24", "zhao request confirm PAYING>COMPLETED PAY-28",
	}, c.history())
	p.s.addsUp(t)
}

// Rules: ENG-01, PAY-09, PAY-22, PGM-10
func TestGivenARequisitionByVoucher_WhenTheWorkerIsKilledWhileItCompletes_ThenTheQuotaIsGrantedOnce(t *testing.T) {
	for name, lost := range map[string]bool{"PBEFORE": false, "PBEHIND": true} { // the commit
		p := newCertified(t, name)
		p.released("resale", "1500.00")
		app := p.asking("k", requisition.Voucher)
		committed := func() bool {
			return p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, p.id) == 1
		}
		if !lost {
			committed = nil
		}
		now := p.diesInside(fmt.Sprintf(`SELECT 1 FROM partners WHERE partner_id = '%s' FOR UPDATE`, p.id), committed,
			func() (activities.Standing, error) { return p.requests(app) })
		require.Equal(t, requisition.Completed, now.State)
		again, err := p.requests(app)
		require.NoError(t, err)
		require.Equal(t, now.Case, again.Case)
		var result workflows.CaseResult
		require.NoError(t, p.s.client.GetWorkflow(t.Context(), workflows.RequisitionID(app), "").Get(t.Context(), &result))
		require.Equal(t, workflows.CaseResult{Case: now.Case, State: requisition.Completed}, result)
		require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM quotas WHERE partner_id = $1`, p.id))
		require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM entries WHERE case_number = $1`, now.Case))
		require.Len(t, (&theCase{p: p, number: now.Case}).history(), 3)
		p.s.addsUp(t)
	}
}
