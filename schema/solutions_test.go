package schema_test

import (
	"testing"

	"countersign/domain/solution"
	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// Rule: ENG-03
func TestGivenTheMovesOfSolutions_WhenTheyAreReadBack_ThenTheyAreTheDomains(t *testing.T) {
	var stored []struct {
		From solution.State `db:"from"`
		To   solution.State `db:"to"`
	}
	require.NoError(t, pgtest.New(t).Select(&stored, `SELECT from_state AS "from", to_state AS "to" FROM moves WHERE kind = $1`, solution.Kind))
	var got []solution.Move
	for _, m := range stored {
		got = append(got, solution.Move{From: m.From, To: m.To})
	}
	require.ElementsMatch(t, solution.Moves, got)
}
