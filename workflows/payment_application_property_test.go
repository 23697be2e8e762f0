package workflows

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"

	"github.com/stretchr/testify/require"
)

// Whatever is decided, failed, returned and sent again, in whichever order and however often: a quarter is owed once when it is
// approved, paid once when the bank confirms it, and what is owed is never negative.
//
// Rule: QPY-09, QPY-12, QPY-13, ENG-01
func TestRandomPaymentApplicationsAddUp(t *testing.T) {
	paid := 0
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 13))
			f := newFund(t, "2024-04-01 09:00")
			f.secondQuarter()
			f.now = cst("2024-07-05 10:00")
			s, err := f.apply(q2("k1"), f.now)
			require.NoError(t, err)
			for i := range 60 {
				f.now = f.now.Add(time.Duration(1+r.IntN(600)) * time.Minute)
				f.somethingHappens(r, s.Case, i)
				if i%10 == 9 {
					f.inOrder()
					require.LessOrEqual(t, f.count(`SELECT count(*) FROM entries WHERE key LIKE 'payment-application/%/accrue'`), 1)
					require.Equal(t, f.count(`SELECT count(*) FROM cases WHERE state = 'PAID'`), f.count(`SELECT count(*) FROM entries WHERE key LIKE 'payment-application/%/pay'`))
					require.Zero(t, f.count(`SELECT count(*) FROM accounts WHERE code = 'V.FUND' AND balance < 0`))
				}
			}
			paid += f.count(`SELECT count(*) FROM cases WHERE state = 'PAID'`)
		})
	}
	require.Positive(t, paid, "something was paid")
}

// somethingHappens answers some task of the application, whether it is open or not, or sends papers; the rules may refuse it.
func (f *fund) somethingHappens(r *rand.Rand, number string, i int) {
	f.t.Helper()
	ctx := context.Background()
	type answer struct {
		matter string
		d      approval.Decision
	}
	answers := []answer{
		{"review", approval.Decision{Person: "ou", Outcome: approval.Approve}},
		{"review", approval.Decision{Person: "pan", Outcome: approval.Reject, Reason: "an old account"}},
		{"invoice-review", approval.Decision{Person: "zhao", Outcome: "pass"}},
		{"invoice-review", approval.Decision{Person: "zhao", Outcome: "fail", Reason: "illegible"}},
		{"send", approval.Decision{Person: "lina", Outcome: "send"}},
		{"send", approval.Decision{Person: "lina", Outcome: "fail", Reason: "no money"}},
		{"confirm", approval.Decision{Person: "zhao", Outcome: "confirm", Amount: "60000.00", Reference: "B"}},
		{"confirm", approval.Decision{Person: "zhao", Outcome: "confirm", Amount: "59999.99", Reference: "B"}},
		{"confirm", approval.Decision{Person: "zhao", Outcome: "return", Reason: "account closed"}},
	}
	var open []string
	require.NoError(f.t, f.db.Select(&open, `SELECT matter FROM tasks WHERE state = 'open' ORDER BY matter`))
	if r.IntN(3) > 0 { // mostly it is what is asked, or papers if nothing is
		answers = slices.DeleteFunc(answers, func(a answer) bool { return !slices.Contains(open, a.matter) })
	}
	var err error
	switch n := r.IntN(len(answers) + 3); {
	case n < len(answers):
		a := answers[n]
		a.d.Key = fmt.Sprint("d", i)
		require.NoError(f.t, f.db.Get(&a.d.Task, `SELECT coalesce((SELECT task_id FROM tasks WHERE case_number = $1 AND matter = $2 ORDER BY round DESC LIMIT 1), $1 || '/' || $2)`, number, a.matter))
		for range 1 + r.IntN(2) { // some messages come twice
			_, err = f.cases.Decide(ctx, activities.DecideInput{Decision: a.d, At: f.now})
		}
	case n == len(answers):
		again := q2(fmt.Sprint("again", i))
		again.Note = "corrected"
		_, err = f.quarters.ResubmitPaymentApplication(ctx, activities.ResubmitPaymentApplicationInput{Case: number, Application: again, At: f.now})
	case n == len(answers)+1:
		_, err = f.cases.RecordArrival(ctx, activities.ArrivalInput{Case: number, Person: "lina", Key: fmt.Sprint("a", i), At: f.now})
	case f.count(`SELECT count(*) FROM invoice_lists`) > 0:
		_, err = f.cases.SendInvoices(ctx, activities.SendInvoicesInput{Package: f.invoices(number, fmt.Sprint("I", i), fmt.Sprint("i", i)), At: f.now})
	}
	if err != nil && len(activities.RefusalOf(err)) == 0 && !activities.IsNotFound(err) {
		require.NoError(f.t, err)
	}
}
