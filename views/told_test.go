package views_test

import (
	"testing"

	"countersign/domain/money"
	chinese "countersign/domain/said"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func TestGivenANoteOfLongAgo_WhenItAgreesWithItsDecision_ThenItIsToldAsToday(t *testing.T) {
	most := money.Must("500.00")
	for note, tc := range map[string]struct {
		of      views.Said
		today   string
		chinese string
	}{
		"for li:please":           {views.Said{OnBehalf: "li", Reason: "please"}, "", ""},
		"for li: please":          {views.Said{OnBehalf: "li", Reason: "please"}, "on behalf of li: please", "代 li：please"},
		"for li":                  {views.Said{OnBehalf: "li"}, "on behalf of li", "代 li"},
		"to wang: away this week": {views.Said{Target: "wang", Reason: "away this week"}, "goes to wang: away this week", "转给 wang：away this week"},
		"for li: to wang: 500.00 at most: only L1, L2: here reference 26-1": {
			views.Said{OnBehalf: "li", Target: "wang", Amount: &most, Lines: []string{"L1", "L2"}, Reason: "here"},
			"on behalf of li: goes to wang: at most 500.00: only the lines L1, L2: with reference 26-1: here",
			"代 li：转给 wang：最多 500.00：仅限 L1, L2：流水号 26-1：here",
		},
		"for li: reference 26-1":   {views.Said{OnBehalf: "li"}, "on behalf of li: with reference 26-1", "代 li：流水号 26-1"},
		"to be clear: no":          {views.Said{Reason: "to be clear: no"}, "", ""},
		"for wang: please":         {views.Said{OnBehalf: "li", Reason: "please"}, "", ""},
		"for li: something else":   {views.Said{OnBehalf: "li", Reason: "please"}, "", ""},
		"to role:x: please":        {views.Said{Target: "role:x", Reason: "please"}, "", ""},
		"on behalf of li: please.": {views.Said{OnBehalf: "li", Reason: "please."}, "", ""},
	} {
		today, ok := tc.of.Told(note)
		require.Equal(t, tc.today != "", ok, note)
		if ok {
			require.Equal(t, tc.today, today)
			require.Equal(t, tc.chinese, chinese.Note("zh", today))
		}
	}
}
