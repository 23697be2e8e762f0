package tax

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRatesAreReadAndWrittenAsPercentages(t *testing.T) {
	for text, want := range map[string]Rate{"6": 600, "6.00": 600, "6.5": 650, "0": 0, "13": 1300, "100.00": 10000} {
		got, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "-6", "6 %", "6.001", "100.01", "0x6", "6."} {
		_, err := Parse(text)
		require.ErrorContains(t, err, "percentage", text)
	}
	require.Equal(t, []string{"6.00", "6 %", "6.5 %", "0 %", "100 %"}, []string{Rate(600).String(), Rate(600).Percent(), Rate(650).Percent(), Rate(0).Percent(), Rate(10000).Percent()})
	text, err := json.Marshal(map[Rate]Rate{600: 300})
	require.NoError(t, err)
	require.JSONEq(t, `{"6.00": "3.00"}`, string(text))
	var back map[Rate]Rate
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, map[Rate]Rate{600: 300}, back)
	var r Rate
	require.NoError(t, r.Scan([]byte("13.00")))
	require.Equal(t, Rate(1300), r)
	require.Error(t, r.Scan(13))
}
