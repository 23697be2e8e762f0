package withdrawal_test

import (
	"testing"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

var states = []withdrawal.State{
	withdrawal.UnderReview, withdrawal.Awaiting, withdrawal.Approved, withdrawal.Paying, withdrawal.Paid,
	withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted,
}

func TestGivenTheMoves_WhenTheyAreFollowedFromAnOpening_ThenEveryStateIsReachedAndNoOther(t *testing.T) {
	reached := map[withdrawal.State]bool{"": true}
	for range withdrawal.Moves {
		for _, m := range withdrawal.Moves {
			if reached[m.From] {
				reached[m.To] = true
			}
		}
	}
	delete(reached, "")
	require.Len(t, reached, len(states))
	for _, s := range states {
		require.True(t, reached[s], s)
	}
}

func TestGivenAnEndedCase_WhenItIsMoved_ThenNothingButDeletingARefusedOneIsLawful(t *testing.T) {
	for _, from := range states {
		exits := 0
		for _, to := range states {
			if !withdrawal.CanMove(from, to) {
				continue
			}
			exits++
			if withdrawal.Ended(from) {
				require.Equal(t, withdrawal.Move{From: withdrawal.Refused, To: withdrawal.Deleted}, withdrawal.Move{From: from, To: to})
			}
		}
		require.Equal(t, !withdrawal.Ended(from) || from == withdrawal.Refused, exits > 0, "%s has %d ways out", from, exits)
		require.Equal(t, !withdrawal.Ended(from), withdrawal.Holding(from), "the amount is held exactly while the case is open: %s", from)
		require.False(t, withdrawal.CanMove(from, from))
	}
}

// Rule: WDL-16
// Rule: WDL-22
// Rule: WDR-03
func TestGivenAnApproval_WhenSevenWorkingDaysAreOver_ThenTheMoneyIsOverdueFromTheNextMidnight(t *testing.T) {
	for approved, last := range map[string]string{
		"2025-11-03T15:00:00": "2025-11-12",
		"2024-11-01T15:00:00": "2024-11-12",
		"2024-09-30T15:00:00": "2024-10-15", // holiday 1 to 7 October, Saturday 12 October worked
	} {
		closes, err := withdrawal.DefaultPolicy().ArrivalTerm.Closes(beijing(approved), calendar.China())
		require.NoError(t, err)
		day, err := calendar.ParseDate(last)
		require.NoError(t, err)
		require.Equal(t, day.AddDays(1).Start(), closes, "approved %s", approved)
	}
}

func TestGivenEachState_WhenACaseComesIntoIt_ThenANoticeTellsItInBothLanguages(t *testing.T) {
	seen := map[withdrawal.Notice]bool{}
	for _, s := range states {
		notice := withdrawal.NoticeOf(s)
		require.False(t, seen[notice], "%s has a notice of its own", s)
		seen[notice] = true
		subject, body := notice.Text(withdrawal.NoticeData{Case: "W000001", Partner: "P1001", Amount: money.Must("640"), Holder: "A Ltd", State: s, Note: "account closed"})
		require.Regexp(t, `^提现 W000001 \S+ / Withdrawal W000001 (was|is|failed)`, subject)
		for _, told := range []string{subject, "P1001", "640.00 CNY", "A Ltd", "account closed"} {
			require.Contains(t, body, told)
		}
	}
	require.Empty(t, withdrawal.NoticeOf("SOMEWHERE"))
}
