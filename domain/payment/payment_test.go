package payment_test

import (
	"testing"

	"countersign/domain/money"
	"countersign/domain/payment"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func yuan(s string) *decimal.Decimal { return new(decimal.RequireFromString(s)) }

func at(state payment.State) *payment.Payment {
	p := &payment.Payment{ID: "W000001-1", Amount: money.Must("1200.00"), Currency: money.CNY, State: state, Accounts: []string{"7559"}, TakesBack: true}
	if state != payment.Ready && state != payment.ByHand && state != payment.Dropped {
		p.Order = "X000001"
	}
	return p
}

func line(kind payment.Kind, amount, reference string) payment.Line {
	l := payment.Line{Kind: kind, ID: "W000001-1", Reference: reference, Account: "7559"}
	if kind == payment.KindAccepted || kind == payment.KindRejected {
		l.Order, l.Account = "X000001", ""
	}
	if amount != "" {
		l.Amount, l.Currency = yuan(amount), "CNY"
	}
	return l
}

// Rule: ENG-03
func TestGivenAPaymentInEachState_WhenABankSpeaksOfIt_ThenOnlyWhatItWaitsForIsCarriedOut(t *testing.T) {
	const paid, returned, accepted, rejected = payment.KindPaid, payment.KindReturned, payment.KindAccepted, payment.KindRejected
	for state, want := range map[payment.State]map[payment.Kind]payment.Result{
		payment.Ready:     {paid: payment.Unexpected, returned: payment.Unexpected, accepted: payment.Unexpected, rejected: payment.Unexpected},
		payment.Exported:  {paid: payment.Settles, returned: payment.Returns, accepted: payment.Accepts, rejected: payment.Returns},
		payment.ByHand:    {paid: payment.Settles, returned: payment.Returns, accepted: payment.Unexpected, rejected: payment.Unexpected},
		payment.Accepted:  {paid: payment.Settles, returned: payment.Returns, accepted: payment.Known, rejected: payment.Returns},
		payment.Confirmed: {paid: payment.Known, returned: payment.ReturnsLate, accepted: payment.Known, rejected: payment.Unexpected},
		payment.Returned:  {paid: payment.Unexpected, returned: payment.Known, accepted: payment.Known, rejected: payment.Known},
		payment.Rejected:  {paid: payment.Unexpected, returned: payment.Unexpected, accepted: payment.Known, rejected: payment.Known},
		payment.Dropped:   {paid: payment.Unexpected, returned: payment.Unexpected, accepted: payment.Unexpected, rejected: payment.Unexpected},
	} {
		for kind, result := range want {
			got, _ := payment.Judge(line(kind, "1200.00", "B-1"), at(state), nil)
			require.Equal(t, result, got, "%s, %s", state, kind)
		}
		got, _ := payment.Judge(line(payment.KindOther, "1200.00", "B-1"), at(state), nil)
		require.Equal(t, payment.Notes, got)
		got, _ = payment.Judge(line(payment.KindUnclear, "1200.00", "B-1"), at(state), nil)
		require.Equal(t, payment.Unexpected, got)
	}
}

// Rule: WDL-16
func TestGivenAPaymentOf1200_WhenTheBankSaysAnotherAmount_ThenItDiffersToTheFenAndNothingIsSettled(t *testing.T) {
	for _, kind := range []payment.Kind{payment.KindPaid, payment.KindReturned, payment.KindRejected} {
		for _, amount := range []string{"1199.99", "1200.01", "1200.001", "12.00"} {
			got, why := payment.Judge(line(kind, amount, "B-1"), at(payment.Exported), nil)
			require.Equal(t, payment.Differs, got, "%s %s", kind, amount)
			require.Equal(t, "the bank says "+amount+" CNY, the payment is 1200.00 CNY", why)
		}
		same, _ := payment.Judge(line(kind, "1200.0", "B-1"), at(payment.Exported), nil)
		require.NotEqual(t, payment.Differs, same)
		dollars := line(kind, "1200.00", "B-1")
		dollars.Currency = "USD"
		got, why := payment.Judge(dollars, at(payment.Exported), nil)
		require.Equal(t, payment.Differs, got)
		require.Contains(t, why, "1200.00 USD")
	}
	got, _ := payment.Judge(line(payment.KindRejected, "", ""), at(payment.Exported), nil)
	require.Equal(t, payment.Returns, got, "a status report need not tell the amount")
	got, why := payment.Judge(line(payment.KindPaid, "", "B-1"), at(payment.Exported), nil)
	require.Equal(t, payment.Differs, got)
	require.Contains(t, why, "the bank says no amount")
}

// Rule: WDL-28
func TestGivenAPaidPayment_WhenMoneyComesBack_ThenUpToThePaidAmountIsALateReturnWhereTheCaseTakesItBack(t *testing.T) {
	for amount, want := range map[string]payment.Result{"1200.00": payment.ReturnsLate, "0.01": payment.ReturnsLate, "1200.01": payment.Differs, "0.00": payment.Differs, "1150.005": payment.Differs} {
		got, _ := payment.Judge(line(payment.KindReturned, amount, "R-1"), at(payment.Confirmed), nil)
		require.Equal(t, want, got, amount)
	}
	p := at(payment.Confirmed)
	p.TakesBack = false
	got, _ := payment.Judge(line(payment.KindReturned, "1200.00", "R-1"), p, nil)
	require.Equal(t, payment.Unexpected, got)
}

// Rule: ENG-01
func TestGivenALineThatSettles_WhenThePaymentIsSpokenOfAgain_ThenTheSameLineIsKnownAndAnotherIsUnexpected(t *testing.T) {
	settled := payment.Earlier{Line: line(payment.KindPaid, "1200.00", "B-1"), Result: payment.Settles}
	for _, state := range []payment.State{payment.Exported, payment.Confirmed} { // before and after it is carried out
		got, _ := payment.Judge(line(payment.KindPaid, "1200.00", "B-1"), at(state), []payment.Earlier{settled})
		require.Equal(t, payment.Known, got)
		got, why := payment.Judge(line(payment.KindPaid, "1200.00", "B-2"), at(state), []payment.Earlier{settled})
		require.Equal(t, payment.Unexpected, got)
		require.Contains(t, why, "another line")
		got, _ = payment.Judge(line(payment.KindReturned, "1200.00", "R-1"), at(state), []payment.Earlier{settled})
		require.Equal(t, payment.ReturnsLate, got)
	}
	differed := payment.Earlier{Line: line(payment.KindPaid, "900.00", "B-1"), Result: payment.Differs}
	got, _ := payment.Judge(line(payment.KindPaid, "1200.00", "B-2"), at(payment.Exported), []payment.Earlier{differed})
	require.Equal(t, payment.Unexpected, got, "two debits for one payment: people look")
	returned := payment.Earlier{Line: line(payment.KindReturned, "1200.00", "R-1"), Result: payment.Returns}
	got, _ = payment.Judge(line(payment.KindPaid, "1200.00", "B-1"), at(payment.Exported), []payment.Earlier{returned})
	require.Equal(t, payment.Unexpected, got)
}

func TestGivenALineOfNoPaymentOfOurs_WhenItIsJudged_ThenItIsUnknownOrUnexpected(t *testing.T) {
	got, why := payment.Judge(line(payment.KindPaid, "5.00", "B-1"), nil, nil)
	require.Equal(t, payment.Unknown, got)
	require.Contains(t, why, `"W000001-1"`)
	got, _ = payment.Judge(payment.Line{Kind: payment.KindPaid, Amount: yuan("5.00"), Currency: "CNY"}, nil, nil)
	require.Equal(t, payment.Unknown, got, "a bank's fee")
	got, why = payment.Judge(payment.Line{Kind: payment.KindRejected, Order: "X000009"}, nil, nil)
	require.Equal(t, payment.Unknown, got)
	require.Equal(t, "no payment left in order X000009, or not in that group of it", why)

	elsewhere := line(payment.KindPaid, "1200.00", "B-1")
	elsewhere.Account = "8888"
	got, why = payment.Judge(elsewhere, at(payment.Exported), nil)
	require.Equal(t, payment.Unexpected, got)
	require.Contains(t, why, "account 8888")

	other := line(payment.KindRejected, "", "")
	other.Order = "X000009"
	got, why = payment.Judge(other, at(payment.Exported), nil)
	require.Equal(t, payment.Unexpected, got)
	require.Equal(t, "it answers order X000009, the payment left in X000001", why)
}
