package page

import (
	"slices"
	"testing"

	"countersign/domain"
	"countersign/domain/kinds"

	"github.com/stretchr/testify/require"
)

func TestGivenAState_WhenItIsShown_ThenItsColourSaysHowItStandsAndNoColourIsForAStateThatIsNot(t *testing.T) {
	for state, want := range map[domain.State]string{"PAID": "done", "AWAITING_CHANGES": "waits", "PROJECT_REJECTED": "failed", "CANCELLED": "over", "UNDER_REVIEW": "under-way"} {
		require.Equal(t, want, tone(state))
	}
	for state := range tones {
		require.True(t, slices.ContainsFunc(kinds.All, func(k kinds.Kind) bool { return slices.Contains(k.States, domain.State(state)) }), state)
	}
}
