package bill_test

import (
	"testing"

	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/calendar"

	"github.com/stretchr/testify/require"
)

// Rule: ENG-03
func TestGivenTheMoves_WhenTheyAreFollowedFromAnOpening_ThenEveryStateIsReachedAndEndingsAreFinal(t *testing.T) {
	for moves, states := range map[*[]bill.Move][]bill.State{
		&bill.Moves:     {bill.ToConfirm, bill.Releasing, bill.Released},
		&bill.BillMoves: {bill.Estimated, bill.ToConfirm, bill.Releasing, bill.Released, bill.Void},
	} {
		reached := map[bill.State]bool{"": true}
		for range *moves {
			for _, m := range *moves {
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
	for _, m := range bill.Moves {
		require.False(t, bill.Ended(m.From), "%v", m)
	}
	require.False(t, bill.CanMove(bill.Void, bill.Released), "what is void is not restored (INC-14)")
	require.False(t, bill.CanMove(bill.ToConfirm, bill.Released), "a bill is released after it was confirmed (INC-07)")
}

// Rule: INC-10
func TestGivenTwoBillsOfAPeriod_WhenThePartnerConfirms_ThenItIsOfTheWholeSet(t *testing.T) {
	none(t, bill.JudgeConfirm(may(), says(mei, "2024-06-12 10:00:00", "", "B1")))
}

// Rule: COM-16
func TestGivenPeopleOfOthers_WhenTheyConfirm_ThenTheyMayNot(t *testing.T) {
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(bill.JudgeConfirm(may(), says(bo, "2024-06-12 10:00:00", ""))))
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(bill.JudgeConfirm(may(), says(otto, "2024-06-12 10:00:00", ""))), "the vendor does not check for the partner")
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(bill.JudgeConfirm(may(), bill.Answer{Name: "nobody", At: cst("2024-06-12 10:00:00")})))
}

// Rule: INC-08
func TestGivenADeadlineOf15June_WhenThePartnerConfirms_ThenItIsInTimeUntilTheDayIsOver(t *testing.T) {
	none(t, bill.JudgeConfirm(may(), says(mei, "2024-06-15 23:59:59", "")))
	require.Equal(t, []string{"INC-08 ENG_STATE"}, codes(bill.JudgeConfirm(may(), says(mei, "2024-06-16 00:00:00", ""))))
	require.Equal(t, cst("2024-06-16 00:00:00"), bill.Closes(date("2024-06-15")))
}

// Rule: INC-09
func TestGivenBillsOfTwoAssociationModels_WhenOnlyOneIsRejected_ThenBothHaveToBe(t *testing.T) {
	only := bill.JudgeReject(may(), says(mei, "2024-06-12 10:00:00", "the rate is wrong", "B1"))
	require.Equal(t, []string{"INC-09 INC_REJECT_PAIR"}, codes(only))
	require.Contains(t, only[0].Message, "B2")
	none(t, bill.JudgeReject(may(), says(mei, "2024-06-12 10:00:00", "the rate is wrong", "B1", "B2")))
	none(t, bill.JudgeReject(may(), says(mei, "2024-06-12 10:00:00", "not ours", "B3"))) // a plan of its own
}

// Rule: ENG-06
func TestGivenARejectionThatIsWrongInEveryWay_WhenItIsJudged_ThenAllIsTold(t *testing.T) {
	set := may()
	set.State = bill.Releasing
	list := bill.JudgeReject(set, says(bo, "2024-06-12 10:00:00", " ", "B1", "B9"))
	require.Equal(t, []string{"COM-16 CBC.0151", "ENG-06 CBC.0100", "COM-17 CBC.5001", "INC-09 INC_REJECT_PAIR", "ENG-03 ENG_STATE"}, codes(list))
	require.Contains(t, codes(bill.JudgeReject(may(), says(mei, "2024-06-12 10:00:00", "wrong"))), "ENG-06 CBC.0100", "it names bills")
}

// Rule: INC-09
func TestGivenARejectedSet_WhenThePartnerConfirmsOrRejectsAgain_ThenItWaitsForThePresentation(t *testing.T) {
	set := may()
	set.Deadline = calendar.Date{}
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codes(bill.JudgeConfirm(set, says(mei, "2024-06-12 10:00:00", ""))))
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codes(bill.JudgeReject(set, says(mei, "2024-06-12 10:00:00", "again", "B3"))))
}

func TestGivenAQuestion_WhenItHasNoText_ThenItIsRefusedAndWithOneItStopsNothing(t *testing.T) {
	require.Equal(t, []string{"ENG-06 CBC.0100"}, codes(bill.JudgeQuestion(may(), says(mei, "2024-06-12 10:00:00", "  ", "B1"))))
	none(t, bill.JudgeQuestion(may(), says(mei, "2024-06-12 10:00:00", "which customer is this?", "B1")))
	confirmed := may()
	confirmed.State = bill.Releasing
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codes(bill.JudgeQuestion(confirmed, says(mei, "2024-06-12 10:00:00", "which?", "B1"))))
}

func TestGivenAnOpenQuestion_WhenItIsAnswered_ThenByOperationsAndOnce(t *testing.T) {
	p := bill.DefaultPolicy()
	none(t, bill.JudgeReply(may(), p, says(otto, "2024-06-12 11:00:00", "customer C1"), false))
	require.Equal(t, []string{"COM-16 CBC.0151", "ENG-06 CBC.0100", "ENG-03 ENG_STATE"}, codes(bill.JudgeReply(may(), p, says(mei, "2024-06-12 11:00:00", ""), true)))
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(bill.JudgeReply(may(), p, bill.Answer{Name: "x", Text: "t", At: cst("2024-06-12 11:00:00")}, false)))
}

// Rule: INC-07
func TestGivenTheMatters_WhenTheyAreAnswered_ThenOnlyAnApprovedReleaseReleases(t *testing.T) {
	for _, c := range []struct {
		matter  approval.Matter
		outcome approval.Outcome
		to      bill.State
	}{
		{bill.Release, approval.Approve, bill.Released},
		{bill.Release, approval.Reject, bill.ToConfirm},
		{bill.Present, approval.Approve, bill.ToConfirm},
		{bill.Present, approval.Reject, bill.ToConfirm},
	} {
		require.Equal(t, c.to, bill.VerdictOf(c.matter, c.outcome).To, c.matter.Name)
		require.Equal(t, c.matter, bill.MatterOf(c.matter.Name))
	}
}

// Rule: INC-09
func TestGivenASetThatCameBack_WhenNothingWasCalculatedSince_ThenItCanOnlyBeUpheld(t *testing.T) {
	require.Equal(t, []string{"INC-09 ENG_STATE"}, codes(bill.JudgePresent(may(), approval.Approve, 0)))
	none(t, bill.JudgePresent(may(), approval.Approve, 1))
	none(t, bill.JudgePresent(may(), approval.Reject, 0))
}

func TestGivenTheDefaultPolicy_WhenItIsChecked_ThenItIsInOrderAndItsChainsAsk(t *testing.T) {
	p := bill.DefaultPolicy()
	require.NoError(t, p.Check())
	for _, m := range bill.Matters {
		require.Len(t, p.Chain(m.Name).Steps, 1)
		require.NotEmpty(t, p.Chain(m.Name).Owner)
	}
	require.Error(t, bill.Policy{}.Check())
}

func TestGivenADeadline_WhenTheReminderIsPlanned_ThenItIsThreeDaysBeforeUnlessItIsPast(t *testing.T) {
	require.Equal(t, cst("2024-06-12 00:00:00"), bill.RemindAt(date("2024-06-15"), 3, cst("2024-06-03 10:00:00")))
	require.True(t, bill.RemindAt(date("2024-06-15"), 3, cst("2024-06-12 00:00:00")).IsZero(), "presented when it would have been sent")
	require.True(t, bill.RemindAt(date("2024-06-15"), 0, cst("2024-06-03 10:00:00")).IsZero())
}

// Rule: INC-08
func TestGivenPublishedDeadlines_WhenBillsArePresented_ThenTheLatestHoldsAndALateOneIsPutOff(t *testing.T) {
	presented := cst("2024-06-05 10:00:00")
	require.Equal(t, date("2024-06-15"), bill.Deadline([]calendar.Date{date("2024-06-10"), date("2024-06-15")}, presented, 7))
	require.Equal(t, date("2024-06-12"), bill.Deadline([]calendar.Date{date("2024-06-04")}, presented, 7), "it was over before anybody saw the bill")
	require.Equal(t, date("2024-06-12"), bill.Deadline(nil, presented, 7))
}
