package life

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/invoice"
	"countersign/domain/requisition"
	"countersign/policies"
	"countersign/views"
	"countersign/workflows"
)

// plan is what consumption earns.
const plan = `
name: Cloud incentives
plan_name: Cloud incentives
document: https://library.example/cloud-incentives
cadence: monthly
valid_from: %s
valid_to: %s
published_days: 10
output_tax_rate: 6
lines:
  - { line: compute, products: [ECS], rate: 10 }
  - { line: database, products: [RDS], rate: 6 }
  - { line: storage, products: [OBS], rate: 4 }
`

// incentives of four months: consumption comes in, is calculated, checked by the partners, released, requested and invoiced. Of the newest
// month one partner has a question, and what the other confirmed waits to be released.
func (w *World) incentives() {
	newest := incentive.MonthOf(w.now.AddDate(0, 0, -4)).Before() // it ended some days ago, whatever today is
	first := newest.First.AddMonths(-3)
	w.on(w.ago(180, 9), func(ctx context.Context, at time.Time) error {
		policy, faults := policies.Read[incentive.Policy]([]byte(fmt.Sprintf(plan, first.AddMonths(-2), first.AddMonths(9).AddDays(-1))))
		if len(faults) > 0 {
			return fmt.Errorf("the plan: %v", faults)
		}
		_, err := (&activities.Programme{DB: w.db}).SetPolicy(ctx, incentive.Kind, policy, "he", at)
		return err
	})
	for n := range 4 {
		month := incentive.Period{First: first.AddMonths(n), Months: 1}
		w.on(month.End().Add(8*time.Hour), func(ctx context.Context, at time.Time) error { return w.consumes(ctx, month, n, at) })
		w.on(month.End().Add(9*time.Hour), func(ctx context.Context, at time.Time) error { return w.calculates(ctx, month, at) })
		shown := month.End().Add(33 * time.Hour)
		if n == 3 { // so that its partners have time left, whatever today is
			shown = w.ago(2, 9)
		}
		w.on(shown, func(ctx context.Context, at time.Time) error { return w.presents(ctx, month, n == 3, at) })
	}
	w.on(w.ago(25, 10), func(ctx context.Context, at time.Time) error {
		return w.requests(ctx, "r-1", requisition.Voucher, at)
	})
	w.on(w.ago(9, 10), func(ctx context.Context, at time.Time) error {
		return w.requests(ctx, "r-2", requisition.Bank, at)
	})
}

func (w *World) consumes(ctx context.Context, month incentive.Period, n int, at time.Time) error {
	var file strings.Builder
	file.WriteString("customer,partner,product,charge,amount,currency,used_at,posted_at,row_id\n")
	row := func(customer, partner, product string, amount, on int) {
		day := month.First.AddDays(on - 1).String()
		fmt.Fprintf(&file, "%s,%s,%s,usage,%d.00,CNY,%s 10:00:00,%s 11:00:00,%s\n", customer, partner, product, amount, day, day, fmt.Sprint(customer, product, day))
	}
	for on := 3; on <= 27; on += 6 {
		row("C2001", "P1001", "ECS", 21400+1700*n+130*on, on)
		row("C2002", "P1001", "RDS", 16800+900*n+75*on, on+1)
		row("C2003", "P1001", "ECS", 9600+420*on-300*n, on)
		row("C2004", "P1003", "OBS", 30500+1100*n, on)
	}
	report, err := (&activities.Consumption{DB: w.db}).Import(ctx, activities.ImportInput{Name: month.String() + ".csv", Content: strings.NewReader(file.String()), Person: "he", At: at, Limit: 10})
	if err == nil && report.Bad > 0 {
		err = fmt.Errorf("consumption of %s: %v", month, report.Faults)
	}
	return err
}

func (w *World) calculates(ctx context.Context, month incentive.Period, at time.Time) error {
	c := &activities.Calculations{DB: w.db}
	run, err := c.OpenCalculation(ctx, activities.OpenCalculationInput{Key: "calculation/" + month.String(), Period: month, By: "clock", At: at})
	if err != nil {
		return err
	}
	for bucket := range incentive.Buckets {
		if _, err := c.CalculateBucket(ctx, activities.CalculateBucketInput{Calculation: run, Bucket: bucket}); err != nil {
			return err
		}
	}
	if err := c.CloseCalculation(ctx, run); err != nil {
		return err
	}
	_, err = c.ApprovePerformance(ctx, activities.ReviewInput{Period: month, Person: "he", At: at.Add(time.Hour)})
	return err
}

// presents shows a month's bills to its partners, who confirm them; they are released on the next day, the newest ones not yet.
func (w *World) presents(ctx context.Context, month incentive.Period, newest bool, at time.Time) error {
	r := &activities.Reconciliations{DB: w.db}
	r.Run = func(ctx context.Context, p activities.Presentation) error {
		id := workflows.ReconciliationID(p)
		opened, err := r.OpenReconciliation(ctx, activities.OpenReconciliationInput{Presentation: p, WorkflowID: id, RunID: "run-" + id, At: at})
		if err != nil {
			return err
		}
		answer := activities.AnswerInput{Case: opened.Case, Key: "answer", Person: administrators[p.Partner][0], At: at.Add(3 * time.Hour)}
		if newest && p.Partner == "P1001" {
			answer.Text = "Is the storage of the last week in it?"
			if err := w.db.SelectContext(ctx, &answer.Bills, `SELECT bill_id FROM bills WHERE case_number = $1`, opened.Case); err != nil {
				return err
			}
			_, err = r.AskAboutBills(ctx, answer)
			return err
		}
		if !newest {
			w.says(at.Add(30*time.Hour), opened.Case, "release", "gu", approval.Decision{Outcome: approval.Approve})
		}
		_, err = r.ConfirmBills(ctx, answer)
		return err
	}
	by := "he"
	if newest {
		by = "gu" // so that he may release it (ENG-02)
	}
	_, err := r.StartReconciliations(ctx, activities.StartInput{Period: month.String(), By: by, At: at})
	return err
}

// requests has the first partner ask for what can be requested by a method, if there is any.
func (w *World) requests(ctx context.Context, key string, method requisition.Method, at time.Time) error {
	of := map[requisition.Method]string{requisition.Voucher: "resale", requisition.Bank: "advisory"}[method] // PAY-02
	var bills []string
	if err := w.db.SelectContext(ctx, &bills, `SELECT bill_id FROM bill_requestable($1, $2) r WHERE requestable AND r.association = $3`, "P1001", at, of); err != nil || bills == nil {
		return err
	}
	app := requisition.Application{RequestKey: key, PartnerID: "P1001", Submitter: "mei", Methods: []requisition.Method{method}, Bills: bills}
	opened, err := (&activities.Requisitions{DB: w.db}).OpenRequisition(ctx, activities.OpenRequisitionInput{Application: app, WorkflowID: workflows.RequisitionID(app), RunID: "run-" + key, At: at})
	if err == nil && method == requisition.Bank {
		w.on(w.ago(5, 11), func(ctx context.Context, at time.Time) error { return w.invoices(ctx, opened.Case, at) })
		w.on(w.ago(3, 16), func(ctx context.Context, at time.Time) error {
			_, err := (&activities.Cases{DB: w.db}).RecordArrival(ctx, activities.ArrivalInput{Case: opened.Case, Person: "lina", Key: "arrival", At: at})
			return err
		})
	}
	return err
}

// invoices sends the invoice of a case by post, with its list.
func (w *World) invoices(ctx context.Context, number string, at time.Time) error {
	asked, err := views.Reader{DB: w.db}.InvoiceList(ctx, number, at)
	if err != nil {
		return err
	}
	_, err = (&activities.Cases{DB: w.db}).SendInvoices(ctx, activities.SendInvoicesInput{At: at, Package: invoice.Package{
		Case: number, Person: "mei", Key: "invoices", ListEnclosed: true, Carrier: "SF", TrackingNo: "SF1402233445566",
		Invoices: []invoice.Entered{invoice.Whole(asked.List, invoice.Paper, "24442000000012345678", "", calendar.DateOf(at).String())},
	}})
	return err
}
