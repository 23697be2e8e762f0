package ledger_test

import (
	"testing"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"

	"github.com/stretchr/testify/require"
)

func entry(postings ...ledger.Posting) ledger.Entry {
	return ledger.Entry{Key: "withdrawal/W000001/hold", Case: "W000001", Memo: "hold", At: time.Date(2025, 11, 3, 2, 0, 0, 0, time.UTC), Postings: postings}
}

func TestGivenAnEntry_WhenItIsChecked_ThenMistakesAreNamed(t *testing.T) {
	x := money.Must("800.00")
	require.NoError(t, entry(ledger.Move(x, ledger.Cash("P1001"), ledger.Hold("P1001"))...).Check())
	require.Equal(t, []ledger.Posting{{Account: "P.CASH:P1001", Amount: x.Neg()}, {Account: "P.HOLD:P1001", Amount: x}},
		ledger.Move(x, ledger.Cash("P1001"), ledger.Hold("P1001")), "a debit is negative, a credit positive")

	keyless := entry(ledger.Move(x, ledger.Bank, ledger.Sales)...)
	keyless.Key = ""
	for want, e := range map[string]ledger.Entry{
		"needs a key":              keyless,
		"at least two postings":    entry(ledger.Posting{Account: ledger.Bank, Amount: x}),
		"moved by zero":            entry(ledger.Move(money.Zero, ledger.Bank, ledger.Sales)...),
		"or twice":                 entry(ledger.Move(x, ledger.Bank, ledger.Bank)...),
		"out of balance by -0.01":  entry(ledger.Posting{Account: ledger.Bank, Amount: money.Must("-800.01")}, ledger.Posting{Account: ledger.Sales, Amount: x}),
		"account V.BANK is moved ": entry(ledger.Move(money.Zero, ledger.Bank, ledger.Sales)...),
	} {
		require.ErrorContains(t, e.Check(), want)
	}
}

func TestGivenAnEntry_WhenItsDigestIsTaken_ThenTheContentCountsAndNeitherTheInstantNorTheOrder(t *testing.T) {
	first := entry(ledger.Move(money.Must("800.00"), ledger.Cash("P1001"), ledger.Hold("P1001"))...)
	same := entry(first.Postings[1], first.Postings[0])
	same.At = same.At.Add(time.Hour)
	require.Equal(t, first.Digest(), same.Digest())
	require.Equal(t, ledger.Account("P.CASH:P1001"), first.Postings[0].Account, "the digest leaves the postings in their order")

	for name, change := range map[string]func(*ledger.Entry){
		"amount": func(e *ledger.Entry) {
			e.Postings = ledger.Move(money.Must("800.01"), ledger.Cash("P1001"), ledger.Hold("P1001"))
		},
		"account": func(e *ledger.Entry) {
			e.Postings = ledger.Move(money.Must("800.00"), ledger.Cash("P1002"), ledger.Hold("P1001"))
		},
		"side": func(e *ledger.Entry) {
			e.Postings = ledger.Move(money.Must("800.00"), ledger.Hold("P1001"), ledger.Cash("P1001"))
		},
		"case": func(e *ledger.Entry) { e.Case = "W000002" },
		"memo": func(e *ledger.Entry) { e.Memo = "held" },
	} {
		other := first
		change(&other)
		require.NotEqual(t, first.Digest(), other.Digest(), name)
	}
}

func TestGivenAnOwner_WhenAnAccountIsNamed_ThenItIsTheChartsCodeAndTheOwner(t *testing.T) {
	for want, got := range map[ledger.Account]ledger.Account{
		"P.CASH:P1": ledger.Cash("P1"), "P.HOLD:P1": ledger.Hold("P1"), "P.CRED:P1": ledger.Credit("P1"), "M.OWED:P1": ledger.Owed("P1"),
		"M.UNPOSTED:P1": ledger.Unposted("P1"), "C.DEBT:C1": ledger.Debt("C1"), "V.INCENT:P1": ledger.Incentive("P1"),
	} {
		require.Equal(t, want, got)
	}
}
