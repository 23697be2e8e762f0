package workflows

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/requisition"

	"github.com/stretchr/testify/require"
)

// Whatever is requested, decided, failed and taken back, in whichever order: nothing is paid twice, and what was paid, what is
// still payable and what is void add up to what was calculated.
//
// Rule: PAY-26, PAY-27, PAY-28, ENG-01
func TestRandomRequisitionsAddUp(t *testing.T) {
	paid := 0
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			o := newOffice(t, "2024-06-10 10:00")
			for i := range 120 {
				o.now = o.now.Add(time.Duration(1+r.IntN(90)) * time.Minute)
				o.somethingHappens(r, i)
				if i%20 == 19 {
					o.incentiveAddsUp()
				}
			}
			o.incentiveAddsUp()
			paid += o.count(`SELECT count(*) FROM cases WHERE state = 'COMPLETED'`)
		})
	}
	require.Greater(t, paid, 3, "something was paid")
}

// somethingHappens does one thing; the rules may refuse it.
func (o *office) somethingHappens(r *rand.Rand, i int) {
	o.t.Helper()
	switch r.IntN(10) {
	case 0, 1:
		amount := money.Fen(int64(r.IntN(400000) - 100000))
		if amount.Sign() != 0 {
			o.bill([]string{"resale", "advisory", "none"}[r.IntN(3)], "2024-05", "2024-06-03 09:00", amount.String())
		}
	case 2, 3:
		method := requisition.Methods[r.IntN(4)]
		var bills []string
		if r.IntN(2) == 0 {
			require.NoError(o.t, o.db.Select(&bills, `SELECT bill_id FROM bills ORDER BY md5(bill_id || $1) LIMIT 2`, fmt.Sprint(i)))
		}
		_, err := o.requests(asks(fmt.Sprint("k", i), method, bills...))
		o.refusedAtMost(err)
	case 4:
		state := []string{"ACTIVE", "FROZEN"}[r.IntN(2)]
		o.db.MustExec(`UPDATE partners SET state = $1 WHERE partner_id = 'P100'`, state)
	default:
		o.aCaseGoesOn(r, i)
	}
}

// aCaseGoesOn does with some open requisition what its state allows, or something else.
func (o *office) aCaseGoesOn(r *rand.Rand, i int) {
	o.t.Helper()
	var open []struct {
		Number string `db:"case_number"`
		State  string `db:"state"`
		List   string `db:"list"`
	}
	require.NoError(o.t, o.db.Select(&open, `
		SELECT case_number, c.state, coalesce(l.state, '') AS list FROM cases c LEFT JOIN invoice_lists l USING (case_number) WHERE closed_at IS NULL ORDER BY case_number`))
	if len(open) == 0 {
		return
	}
	c := open[r.IntN(len(open))]
	yes := r.IntN(4) > 0
	choose := func(a, b approval.Outcome) approval.Outcome {
		if yes {
			return a
		}
		return b
	}
	var err error
	switch {
	case r.IntN(12) == 0:
		_, err = o.reqs.AskSpecial(context.Background(), activities.AskSpecialInput{
			Case: c.Number, Person: "mei", Key: fmt.Sprint(i), At: o.now,
			Special: requisition.Special{Method: append(requisition.Methods, "")[r.IntN(5)], Reason: "r"},
		})
	case r.IntN(6) == 0:
		_, err = o.answers(c.Number, "special", "otto", choose(approval.Approve, approval.Reject), "as asked")
	case c.State == "WAITING_INVOICE" && c.List != "IN_TRANSIT":
		_, err = o.cases.SendInvoices(context.Background(), activities.SendInvoicesInput{Package: o.invoices(c.Number, fmt.Sprint("A", i)), At: o.now})
	case c.State == "WAITING_INVOICE":
		_, err = o.cases.RecordArrival(context.Background(), activities.ArrivalInput{Case: c.Number, Person: "lina", Key: fmt.Sprint(i), At: o.now})
	case c.State == "INVOICE_REVIEW":
		_, err = o.answers(c.Number, "invoice-review", "lina", choose(invoice.Pass, invoice.Fail), "illegible")
	case c.State == "REQUISITION_REVIEW":
		_, err = o.answers(c.Number, "review", "zhao", choose(approval.Approve, approval.Reject), "why")
	case c.State == "FAILED":
		_, err = o.answers(c.Number, "mend", "otto", requisition.Retry)
	case o.count(`SELECT count(*) FROM requisitions WHERE case_number = $1 AND sent_at IS NULL`, c.Number) == 1:
		_, err = o.answers(c.Number, "send", "zhao", choose(requisition.Sent, requisition.Fail), "")
	default:
		var due money.Amount
		require.NoError(o.t, o.db.Get(&due, `SELECT settlement FROM requisitions WHERE case_number = $1`, c.Number))
		_, err = o.answers(c.Number, "confirm", "zhao", choose(requisition.Arrived, requisition.Bounced), due.String())
	}
	o.refusedAtMost(err)
}

// refusedAtMost requires that the rules refused, or that there was nothing to decide; everything else is a defect.
func (o *office) refusedAtMost(err error) {
	o.t.Helper()
	if err != nil && len(activities.RefusalOf(err)) == 0 && !activities.IsNotFound(err) {
		require.NoError(o.t, err)
	}
}

// incentiveAddsUp asserts paid + payable + void = calculated, one entry for each completed requisition and no other, and what
// holds for every ledger.
func (o *office) incentiveAddsUp() {
	o.t.Helper()
	var sums struct {
		Calculated money.Amount `db:"calculated"`
		Paid       money.Amount `db:"paid"`
		Payable    money.Amount `db:"payable"`
		Void       money.Amount `db:"void"`
		Consumed   money.Amount `db:"consumed"`
	}
	require.NoError(o.t, o.db.Get(&sums, `
		SELECT coalesce((SELECT sum(amount) FROM bills WHERE partner_id = 'P100'), 0)::numeric(20,2) AS calculated,
		       coalesce((SELECT sum(amount) FROM bills WHERE partner_id = 'P100' AND state = 'VOID'), 0)::numeric(20,2) AS void,
		       coalesce((SELECT sum(gross) FROM requisitions JOIN cases USING (case_number) WHERE state = 'COMPLETED'), 0)::numeric(20,2) AS paid,
		       coalesce((SELECT sum(b.amount) FROM requisition_bills b JOIN cases USING (case_number) WHERE state = 'COMPLETED' AND live), 0)::numeric(20,2) AS consumed,
		       coalesce((SELECT balance FROM accounts WHERE account = 'V.INCENT:P100'), 0)::numeric(20,2) AS payable`))
	require.Equal(o.t, sums.Calculated.String(), sums.Paid.Add(sums.Payable).Add(sums.Void).String(), "paid + payable + void = calculated: %+v", sums)
	require.Equal(o.t, sums.Paid.String(), sums.Consumed.String(), "what was paid is what the bills were")
	require.Zero(o.t, o.count(`
		SELECT count(*) FROM cases c FULL JOIN entries e ON e.key = 'requisition/' || c.case_number || '/complete'
		 WHERE c.kind = 'requisition' AND (c.state = 'COMPLETED') <> (e.key IS NOT NULL) OR c.case_number IS NULL AND e.key LIKE 'requisition/%'`))
	require.Zero(o.t, o.count(`SELECT count(*) FROM (SELECT bill_id FROM requisition_bills WHERE live GROUP BY bill_id HAVING count(*) > 1) twice`))
	require.Zero(o.t, o.count(`SELECT count(*) FROM requisition_bills b JOIN cases USING (case_number) WHERE live = (state = 'REJECTED')`))
	o.addsUp()
}
