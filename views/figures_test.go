package views_test

import (
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func TestGivenAnOpenWithdrawalOfLongAgo_WhenFiguresAreRead_ThenItsCaseAndTaskAreOpenOverdueAndPastTheirClock(t *testing.T) {
	v := newVendor(t)
	v.open("wang", withdrawal.BankCard, "100.00", "k-1")
	_, err := v.db.Exec(`UPDATE tasks SET due_at = now() - interval '2 hours'`)
	require.NoError(t, err)

	f, err := v.Figures(t.Context())
	require.NoError(t, err)
	require.Equal(t, []views.CaseFigure{{Kind: "withdrawal", State: "UNDER_REVIEW", Open: 1, Late: 1}}, f.Cases)
	require.Len(t, f.Tasks, 1)
	require.InDelta(t, 7200, f.Tasks[0].Oldest, 60)
	f.Tasks[0].Oldest = 0
	require.Equal(t, []views.TaskFigure{{Kind: "withdrawal", Matter: "review", Open: 1, Overdue: 1}}, f.Tasks)
	require.Positive(t, f.Outbox.Waiting)
	require.Zero(t, f.Check)

	accounts, err := v.Clearing(t.Context())
	require.NoError(t, err)
	held := map[string]string{}
	for _, a := range accounts {
		held[a.Account] = a.Balance.StringFixed(2)
	}
	require.Equal(t, "100.00", held["P.HOLD"])
	require.Contains(t, held, "V.BANK")
}

func TestGivenALedgerThatWasVerified_WhenFiguresAreRead_ThenTheyTellOfTheLastTime(t *testing.T) {
	v := newVendor(t)
	at := time.Date(2026, 11, 4, 1, 0, 0, 0, time.UTC)
	require.NoError(t, activities.RecordLedgerCheck(t.Context(), v.db, at.Add(-time.Hour), 2))
	require.NoError(t, activities.RecordLedgerCheck(t.Context(), v.db, at, 0))
	f, err := v.Figures(t.Context())
	require.NoError(t, err)
	require.True(t, at.Equal(f.Check.At))
	require.Zero(t, f.Check.Findings)
}
