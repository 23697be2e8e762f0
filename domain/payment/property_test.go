package payment_test

import (
	"testing"

	"countersign/domain/payment"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Rule: ENG-01
func TestGivenAnyLinesOfABank_WhenTheyAreJudgedOneAfterTheOther_ThenAPaymentIsSettledOrReturnedOnceAndToTheFen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := at(rapid.SampledFrom([]payment.State{payment.Exported, payment.Accepted, payment.ByHand}).Draw(t, "state"))
		var earlier []payment.Earlier
		done := map[payment.Result]int{}
		for range rapid.IntRange(1, 8).Draw(t, "lines") {
			l := line(rapid.SampledFrom([]payment.Kind{payment.KindPaid, payment.KindReturned, payment.KindAccepted, payment.KindRejected, payment.KindUnclear, payment.KindOther}).Draw(t, "kind"),
				rapid.SampledFrom([]string{"1200.00", "1200.01", "1199.99", "0.01"}).Draw(t, "amount"), rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "reference"))
			r, why := payment.Judge(l, p, earlier)
			require.Equal(t, r.NeedsPeople(), r.NeedsPeople() && why != "", "people are told why")
			if r == payment.Settles || r == payment.Returns {
				require.Equal(t, "1200", l.Amount.String())
			}
			if r == payment.ReturnsLate {
				require.Equal(t, 1, done[payment.Settles], "only what was paid comes back late")
			}
			done[r]++
			earlier = append(earlier, payment.Earlier{Line: l, Result: r})
			if rapid.Bool().Draw(t, "carried out") && p.State.UnderWay() { // the decision on the case may come at any time after
				switch {
				case done[payment.Settles] > 0:
					p.State = payment.Confirmed
				case done[payment.Returns] > 0:
					p.State = payment.Returned
				}
			}
		}
		require.LessOrEqual(t, done[payment.Settles]+done[payment.Returns], 1)
	})
}
