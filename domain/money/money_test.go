package money

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rule: COM-01
func TestCOM01AmountsAreExact(t *testing.T) {
	require.Equal(t, "0.30", Must("0.10").Add(Must("0.20")).String())
}

// Rule: COM-02
func TestCOM02EnteredAmounts(t *testing.T) {
	for _, bad := range []string{"0", "0.00", "-1", "10.005", "1e9", "+5", ".5", "5.", "١٢", "１２", "", " 1", "1 ", "1,000", "NaN", "1234567890123456789"} {
		_, err := ParseEntered(bad)
		require.Error(t, err, bad)
		require.Contains(t, err.Error(), bad, "the sentence names what was entered")
	}
	for in, want := range map[string]string{"0.01": "0.01", "5": "5.00", "8000.5": "8000.50", "007.10": "7.10"} {
		got, err := ParseEntered(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got.String())
	}
}

func TestAmountsTravelWithTwoDecimals(t *testing.T) {
	text, err := json.Marshal(struct{ A Amount }{Must("640")})
	require.NoError(t, err)
	require.JSONEq(t, `{"A":"640.00"}`, string(text))

	var back struct{ A Amount }
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, back.A.Equal(Must("640")))
	require.Error(t, json.Unmarshal([]byte(`{"A":"640.005"}`), &back), "nothing is rounded in passing")

	var scanned Amount
	require.NoError(t, scanned.Scan([]byte("-12.50")))
	require.Equal(t, "-12.50", scanned.String())
	require.Error(t, scanned.Scan(nil))
	require.Error(t, scanned.Scan(12.5))
}

func FuzzParseEntered(f *testing.F) {
	for _, s := range []string{"1", "0.01", "1e9", "-0", "٣", "999999999999999999.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseEntered(s)
		if err != nil {
			return
		}
		if a.Sign() <= 0 {
			t.Fatalf("%q gave %s", s, a)
		}
		again, err := ParseEntered(a.String())
		if err != nil || !again.Equal(a) {
			t.Fatalf("%q gave %s, which reads back as %s, %v", s, a, again, err)
		}
	})
}
