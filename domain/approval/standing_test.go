package approval_test

import (
	"encoding/json"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/money"

	"github.com/stretchr/testify/require"
)

func TestGivenAChainAndDecisions_WhenTheyAreReplayed_ThenItIsClearWhatIsOpenNowOrTheOutcome(t *testing.T) {
	one := chain(step("review", approval.Any, "finance"))
	two := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"))
	three := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"), step("manager", approval.Any, "manager"))
	all := chain(step("board", approval.All, "F1", "F2", "F3"))
	vote := chain(votes("board", 2, "F1", "F2", "F3"))
	row := chain(step("board", approval.Sequence, "F1", "F2", "F3"))
	fork := chain(step("review", approval.Any, "finance"), beside(step("legal", approval.Any, "legal")), step("manager", approval.Any, "manager"))
	twice := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"), beside(step("risk", approval.Any, "finance")), step("manager", approval.Any, "manager"))

	for _, tc := range []struct {
		name  string
		chain approval.Chain
		moves string
		want  string
	}{
		// any (或签)
		{"given any of several, when nothing was decided, then one task is put to all of them", chain(step("review", approval.Any, "finance", "L1")), "", "review open finance|L1"},
		{"given any of several, when one approves, then the round is approved", one, "F1 approve review", "review approved; = approve"},
		{"given any of several, when one rejects, then the round is rejected at the step", one, "F1 reject review", "review rejected; = reject at review"},
		{"given two steps, when the first is approved, then the second opens", two, "F1 approve review", "review approved; legal open legal"},
		{"given two steps, when the second rejects, then the round is rejected", two, "F1 approve review; L1 reject legal", "review approved; legal rejected; = reject at legal"},
		{"given a deadline, when the clock approves, then the step passes", two, "clock approve review", "review approved; legal open legal"},
		{"given a deadline, when the clock rejects, then the round is rejected", two, "clock reject review", "review rejected; = reject at review"},

		// all (会签)
		{"given all of three, when nothing was decided, then each has a task", all, "", "board open F1; board.2 open F2; board.3 open F3"},
		{"given all of three, when two approve, then the third is waited for", all, "F1 approve board; F3 approve board.3", "board approved; board.2 open F2; board.3 approved"},
		{"given all of three, when all approve, then the round is approved", all, "F2 approve board.2; F1 approve board; F3 approve board.3", "board approved; board.2 approved; board.3 approved; = approve"},
		{"given all of three, when one rejects, then the others close undecided", all, "F1 approve board; F2 reject board.2", "board approved; board.2 rejected; board.3 closed; = reject at board"},
		{"given all of three, when one is removed, then two are enough", all, "O1 remove-signer board.2; F1 approve board; F3 approve board.3", "board approved; board.2 closed; board.3 approved; = approve"},
		{"given all of three two of whom approved, when the third is removed, then the round is approved", all, "F1 approve board; F3 approve board.3; O1 remove-signer board.2", "board approved; board.2 closed; board.3 approved; = approve"},
		{"given all of three and one removed, when one of the rest rejects, then the round is rejected", all, "O1 remove-signer board.2; F1 approve board; F3 reject board.3", "board approved; board.2 closed; board.3 rejected; = reject at board"},

		// votes (票签)
		{"given two of three, when two approve, then the third is not asked any more", vote, "F3 approve board.3; F1 approve board", "board approved; board.2 closed; board.3 approved; = approve"},
		{"given two of three, when one rejects, then two can still be reached", vote, "F1 reject board; F2 approve board.2", "board rejected; board.2 approved; board.3 open F3"},
		{"given two of three, when one rejects and two approve, then the round is approved", vote, "F1 reject board; F2 approve board.2; F3 approve board.3", "board rejected; board.2 approved; board.3 approved; = approve"},
		{"given two of three, when two reject, then two cannot be reached and the round is rejected", vote, "F1 reject board; F3 reject board.3", "board rejected; board.2 closed; board.3 rejected; = reject at board"},
		{"given two of three, when one is removed and one rejects, then two cannot be reached", vote, "O1 remove-signer board.2; F1 reject board", "board rejected; board.2 closed; board.3 closed; = reject at board"},
		{"given two of three, when one is removed, then the other two are needed", vote, "O1 remove-signer board; F2 approve board.2", "board closed; board.2 approved; board.3 open F3"},

		// sequence (依次)
		{"given one after another, when nothing was decided, then only the first is asked", row, "", "board open F1; board.2 waiting F2; board.3 waiting F3"},
		{"given one after another, when the first approves, then the second is asked", row, "F1 approve board", "board approved; board.2 open F2; board.3 waiting F3"},
		{"given one after another, when the second rejects, then the third is never asked", row, "F1 approve board; F2 reject board.2", "board approved; board.2 rejected; board.3 closed; = reject at board"},
		{"given one after another, when all approve, then the round is approved", row, "F1 approve board; F2 approve board.2; F3 approve board.3", "board approved; board.2 approved; board.3 approved; = approve"},
		{"given one after another, when the first is removed, then the second is asked", row, "O1 remove-signer board", "board closed; board.2 open F2; board.3 waiting F3"},
		{"given one after another, when one who waits is removed, then the one behind is asked next", row, "O1 remove-signer board.2; F1 approve board", "board approved; board.2 closed; board.3 open F3"},
		{"given one after another, when the last is removed, then the rest decide", row, "F1 approve board; O1 remove-signer board.3; F2 approve board.2", "board approved; board.2 approved; board.3 closed; = approve"},
		{"given one after another, when the first adds a signer after, then that one comes before the second", row, "F1 add-after board X1; F1 approve board", "board approved; board.2 waiting F2; board.3 waiting F3; board.4 open X1"},
		{"given one after another and a signer added after the first, when that one approves, then the second is asked", row, "F1 add-after board X1; F1 approve board; X1 approve board.4", "board approved; board.2 open F2; board.3 waiting F3; board.4 approved"},
		{"given one after another, when the first has a signer before and is removed, then the signer decides before the second", row, "F1 add-before board X1; O1 remove-signer board", "board closed; board.2 waiting F2; board.3 waiting F3; board.4 open X1"},
		{"given one after another and such an orphan, when the signer approves, then the second is asked", row, "F1 add-before board X1; O1 remove-signer board; X1 approve board.4", "board closed; board.2 open F2; board.3 waiting F3; board.4 approved"},

		// parallel steps
		{"given parallel steps, when nothing was decided, then both are open and the next is not there", fork, "", "review open finance; legal open legal"},
		{"given parallel steps, when one passes, then the other is waited for", fork, "L1 approve legal", "review open finance; legal approved"},
		{"given parallel steps, when both pass, then the next opens", fork, "L1 approve legal; F1 approve review", "review approved; legal approved; manager open manager"},
		{"given parallel steps, when the later one rejects first, then the round is rejected at once", fork, "L1 reject legal", "review closed; legal rejected; = reject at legal"},
		{"given parallel steps, when the earlier one rejects first, then the round is rejected at once", fork, "F1 reject review", "review rejected; legal closed; = reject at review"},
		{
			"given a sequence beside an open step, when its first approves, then its second is asked without waiting",
			chain(step("review", approval.Any, "finance"), beside(step("board", approval.Sequence, "F1", "F2"))), "F1 approve board",
			"review open finance; board approved; board.2 open F2",
		},
		{
			"given a vote beside an open step, when it has passed, then its rest closes without waiting",
			chain(step("review", approval.Any, "finance"), beside(votes("board", 1, "F1", "F2"))), "F1 approve board",
			"review open finance; board approved; board.2 closed",
		},

		// signers before and after
		{"given a signer before, when nothing more was decided, then the task waits for them", two, "F1 add-before review X1", "review waiting finance; review.2 open X1"},
		{"given a signer before, when they approve, then the task opens again and still has to be decided", two, "F1 add-before review X1; X1 approve review.2", "review open finance; review.2 approved"},
		{"given a signer before, when they reject, then the round is rejected", two, "F1 add-before review X1; X1 reject review.2", "review closed; review.2 rejected; = reject at review"},
		{"given a signer before, when they are removed, then the task goes on", two, "F1 add-before review X1; F1 remove-signer review.2", "review open finance; review.2 closed"},
		{"given a signer before who put one before themselves, when it goes well, then each waits for the other", two, "F1 add-before review X1; X1 add-before review.2 X2", "review waiting finance; review.2 waiting X1; review.3 open X2"},
		{"given nested signers before, when the innermost approves, then the next one is asked", two, "F1 add-before review X1; X1 add-before review.2 X2; X2 approve review.3", "review waiting finance; review.2 open X1; review.3 approved"},
		{"given nested signers before, when the middle one is removed, then the innermost still has to approve", one, "F1 add-before review X1; X1 add-before review.2 X2; F1 remove-signer review.2; F1 approve review", "review approved; review.2 closed; review.3 open X2"},
		{"given a signer after, when the task is open, then they wait", two, "F1 add-after review X1", "review open finance; review.2 waiting X1"},
		{"given a signer after, when the task is approved, then they are asked before the next step", two, "F1 add-after review X1; F1 approve review", "review approved; review.2 open X1"},
		{"given a signer after, when they approve, then the next step opens", two, "F1 add-after review X1; F1 approve review; X1 approve review.2", "review approved; review.2 approved; legal open legal"},
		{"given a signer after, when they reject, then the round is rejected", two, "F1 add-after review X1; F1 approve review; X1 reject review.2", "review approved; review.2 rejected; = reject at review"},
		{"given a signer after, when the task is rejected, then they are never asked", vote, "F1 add-after board X1; F1 reject board", "board rejected; board.2 open F2; board.3 open F3; board.4 closed"},
		{"given a signer after who waits, when they are removed, then the step passes without them", two, "F1 add-after review X1; F1 remove-signer review.2; F1 approve review", "review approved; review.2 closed; legal open legal"},
		{"given a signer after who is asked, when they are removed, then the next step opens", two, "F1 add-after review X1; F1 approve review; F1 remove-signer review.2", "review approved; review.2 closed; legal open legal"},
		{"given a signer after who adds one after themselves, when both approve, then the next step opens", two, "F1 add-after review X1; F1 approve review; X1 add-after review.2 X2; X1 approve review.2; X2 approve review.3", "review approved; review.2 approved; review.3 approved; legal open legal"},
		{"given a vote with a signer before one of them, when the others are enough, then the signer is still waited for", vote, "F1 add-before board X1; F2 approve board.2; F3 approve board.3", "board waiting F1; board.2 approved; board.3 approved; board.4 open X1"},
		{"given such a vote, when the signer approves, then the one behind is not needed any more", vote, "F1 add-before board X1; F2 approve board.2; F3 approve board.3; X1 approve board.4", "board closed; board.2 approved; board.3 approved; board.4 approved; = approve"},
		{"given all and a signer, when the signer approves, then it is no approval of the plan's", all, "F1 add-before board X1; X1 approve board.4; F2 approve board.2; F3 approve board.3", "board open F1; board.2 approved; board.3 approved; board.4 approved"},

		// transfer, hand-over, delegate
		{"given a transfer, when nothing more was decided, then the task is the other's alone", one, "F1 transfer review F2", "review open F2"},
		{"given a hand-over of a task that waits, when its turn comes, then the other is asked", row, "clock hand-over board.2 X1; F1 approve board", "board approved; board.2 open X1; board.3 waiting F3"},
		{"given a delegation, when nothing more was decided, then the task is with the other", one, "F1 delegate review X1", "review open X1 for F1"},
		{"given a delegation, when the other approves, then it is back and undecided", one, "F1 delegate review X1; X1 approve review 1.00", "review open F1"},
		{"given a delegation, when the other rejects, then it is back and undecided", one, "F1 delegate review X1; X1 reject review", "review open F1"},
		{"given a delegation that came back, when the delegator approves, then the round is approved", one, "F1 delegate review X1; X1 reject review; F1 approve review", "review approved; = approve"},
		{"given a delegation delegated on, when the last answers, then it goes back one by one", one, "F1 delegate review X1; X1 delegate review X2", "review open X2 for X1 for F1"},
		{"given a delegation delegated on, when the last has answered, then the first delegate is asked", one, "F1 delegate review X1; X1 delegate review X2; X2 approve review", "review open X1 for F1"},
		{"given a delegation delegated on, when both have answered, then the delegator is asked", one, "F1 delegate review X1; X1 delegate review X2; X2 approve review; X1 approve review", "review open F1"},
		{"given a delegation by a substitute, when it is answered, then it goes back to whom they stand in for", one, "X2/F1 delegate review X1; X1 approve review", "review open F1"},
		{"given a delegation, when a substitute of the delegate answers, then it goes back as well", one, "F1 delegate review X1; X2/X1 approve review", "review open F1"},
		{"given a delegation, when the delegate transfers it, then it still goes back", one, "F1 delegate review X1; X1 transfer review F2; F2 approve review", "review open F1"},
		{"given a delegation, when the deadline decides, then it counts", two, "F1 delegate review X1; clock approve review", "review approved; legal open legal"},
		{"given a delegation, when the deadline rejects, then the round is rejected", one, "F1 delegate review X1; clock reject review", "review rejected; = reject at review"},

		// somebody may decide as well
		{"given an overdue task, when a role is involved, then it may decide beside the others", one, "clock involve review role:manager", "review open finance|manager"},
		{"given an overdue task, when the same role is involved again, then nothing changes", one, "clock involve review role:manager; clock involve review role:manager", "review open finance|manager"},
		{"given an involved role, when the task is transferred, then the role stays involved", one, "clock involve review role:manager; F1 transfer review F2", "review open F2|manager"},
		{"given an involved role and a delegation, when somebody of the role approves, then it counts", one, "F1 delegate review X1; clock involve review role:manager; M1 approve review", "review approved; = approve"},
		{"given an involved role and a delegation, when the delegate answers, then the role stays involved", one, "clock involve review role:manager; F1 delegate review X1; X1 approve review", "review open F1|manager"},

		// back and return
		{"given a return, when it is accepted, then the round is over and everything else closes", fork, "F1 return review", "review sent-back; legal closed; = return at review"},
		{"given a later step, when it goes back to the first, then that is asked again and its approval is void", two, "F1 approve review; L1 back legal review", "review approved void; legal sent-back void; review.2 open finance"},
		{"given a step asked again, when all approve, then the round is approved by the second answers", two, "F1 approve review; L1 back legal review; F2 approve review.2; L1 approve legal.2", "review approved void; legal sent-back void; review.2 approved; legal.2 approved; = approve"},
		{"given three steps, when the last goes back to the first, then the one between is void too", three, "F1 approve review; L1 approve legal; M1 back manager review; F1 approve review.2", "review approved void; legal approved void; manager sent-back void; review.2 approved; legal.2 open legal"},
		{"given three steps, when the last goes back to the second, then the first stays approved", three, "F1 approve review; L1 approve legal; M1 back manager legal; L1 approve legal.2", "review approved; legal approved void; manager sent-back void; legal.2 approved; manager.2 open manager"},
		{"given a lowered amount, when a later step goes back before it, then the lower amount is void", two, "F1 approve review 100.00; L1 back legal review; F1 approve review.2 200.00; L1 approve legal.2", "review approved void; legal sent-back void; review.2 approved; legal.2 approved; = approve 200.00"},
		{"given chosen lines, when a later step goes back before them, then the choice is void", two, "F1 approve review only:A; L1 back legal review; F1 approve review.2; L1 approve legal.2", "review approved void; legal sent-back void; review.2 approved; legal.2 approved; = approve"},
		{"given parallel steps, when a later one goes back to one of them, then the sibling stays approved", fork, "F1 approve review; L1 approve legal 9.00; M1 back manager review", "review approved void; legal approved; manager sent-back void; review.2 open finance"},
		{"given that sibling, when the step asked again passes, then the later one opens and the sibling's amount counts", fork, "F1 approve review; L1 approve legal 9.00; M1 back manager review; F1 approve review.2; M1 approve manager.2", "review approved void; legal approved; manager sent-back void; review.2 approved; manager.2 approved; = approve 9.00"},
		{"given parallel steps, when one goes back, then the other closes", twice, "F1 approve review; L1 back legal review", "review approved void; legal sent-back void; risk closed void; review.2 open finance"},
		{"given parallel steps one of which has passed, when the other goes back, then what passed is void", twice, "F1 approve review; F2 approve risk; L1 back legal review; F1 approve review.2", "review approved void; legal sent-back void; risk approved void; review.2 approved; legal.2 open legal; risk.2 open finance"},
		{"given a sequence, when it is asked again, then it begins with its first", chain(step("board", approval.Sequence, "F1", "F2"), step("legal", approval.Any, "legal")), "F1 approve board; F2 approve board.2; L1 back legal board", "board approved void; board.2 approved void; legal sent-back void; board.3 open F1; board.4 waiting F2"},
		{"given a removed signer, when the step is asked again, then the signer is asked again", chain(step("board", approval.All, "F1", "F2"), step("legal", approval.Any, "legal")), "O1 remove-signer board.2; F1 approve board; L1 back legal board", "board approved void; board.2 closed void; legal sent-back void; board.3 open F1; board.4 open F2"},
		{"given an added signer, when the step is asked again, then only the plan's people are", two, "F1 add-after review X1; F1 approve review; X1 approve review.2; L1 back legal review", "review approved void; review.2 approved void; legal sent-back void; review.3 open finance"},
		{"given open signers, when their task goes back, then they close", two, "F1 approve review; L1 add-after legal X1; L1 back legal review", "review approved void; legal sent-back void; legal.2 closed void; review.2 open finance"},

		// less than was asked for
		{"given two steps, when both lower the amount, then the lower one counts", two, "F1 approve review 300.00; L1 approve legal 200.00", "review approved; legal approved; = approve 200.00"},
		{"given two steps, when the first lowers it more, then the first counts", two, "F1 approve review 200.00; L1 approve legal 300.00", "review approved; legal approved; = approve 200.00"},
		{"given two steps, when both choose lines, then what both chose counts", two, "F1 approve review only:C,A,B; L1 approve legal only:B,C,D", "review approved; legal approved; = approve of [B C]"},
		{"given a signer after, when they lower the amount, then it counts as well", one, "F1 add-after review X1; F1 approve review; X1 approve review.2 5.00", "review approved; review.2 approved; = approve 5.00"},
		{"given a vote that passed, when one of them lowered the amount, then it counts", vote, "F1 approve board 7.00; F2 approve board.2", "board approved; board.2 approved; board.3 closed; = approve 7.00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := planned(t, tc.chain, approval.Facts{})
			s, err := p.Standing(moves(tc.moves))
			require.NoError(t, err)
			require.Equal(t, tc.want, shown(s))

			text, err := json.Marshal(p) // the pinned plan
			require.NoError(t, err)
			var pinned approval.Plan
			require.NoError(t, json.Unmarshal(text, &pinned))
			again, err := pinned.Standing(moves(tc.moves))
			require.NoError(t, err)
			require.Equal(t, s, again, "a plan that was kept comes to the same")
		})
	}
}

func TestGivenAMoveThatDoesNotFit_WhenItIsReplayed_ThenItIsAnErrorThatNamesIt(t *testing.T) {
	fork := planned(t, chain(step("review", approval.Any, "finance"), beside(step("legal", approval.Any, "legal")), step("manager", approval.Any, "manager")), approval.Facts{})
	vote := planned(t, chain(votes("board", 2, "F1", "F2")), approval.Facts{})
	for _, tc := range []struct {
		plan         approval.Plan
		moves, wrong string
	}{
		{fork, "F1 reject review; L1 approve legal", "move 2, approve of legal: the round has ended: reject"},
		{fork, "M1 approve manager", "there is no such seat"},
		{fork, "F1 approve review; F2 approve review", "it is approved"},
		{fork, "L1 back legal review", `"review" is no earlier step`},
		{fork, "L1 back legal nowhere", `"nowhere" is no earlier step`},
		{fork, "F1 add-before review X1; F1 approve review", "it is waiting"},
		{fork, "F1 ask review", "it is no move"},
		{fork, "O1 remove-signer review", "the step would have nobody left to ask"},
		{vote, "O1 remove-signer board", "the step would have nobody left to ask"},
	} {
		_, err := tc.plan.Standing(moves(tc.moves))
		require.ErrorContains(t, err, tc.wrong, tc.moves)
	}
}

func TestGivenAStanding_WhenARoundIsClosedFromOutside_ThenNothingIsAskedAnyMore(t *testing.T) {
	s, err := planned(t, chain(step("board", approval.Sequence, "F1", "F2", "F3")), approval.Facts{}).Standing(moves("F1 approve board"))
	require.NoError(t, err)
	s.Close()
	require.Equal(t, "board approved; board.2 closed; board.3 closed", shown(s))
	require.Empty(t, s.Outcome, "it was not decided")
}

func TestGivenWhatWasApproved_WhenItIsGranted_ThenTheLeastCounts(t *testing.T) {
	lines := map[string]money.Amount{"A": money.Must("300"), "B": money.Must("200")}
	less := money.Must("250")
	for _, tc := range []struct {
		standing approval.Standing
		want     string
	}{
		{approval.Standing{}, "500.00"},
		{approval.Standing{Amount: &less}, "250.00"},
		{approval.Standing{Lines: []string{"B"}}, "200.00"},
		{approval.Standing{Lines: []string{"A"}, Amount: &less}, "250.00"},
		{approval.Standing{Lines: []string{}}, "0.00"},
	} {
		require.Equal(t, tc.want, tc.standing.Granted(money.Must("500"), lines).String())
	}
}

func TestGivenAnAct_WhenItIsRecorded_ThenOnlyAMoveChangesTheStanding(t *testing.T) {
	for _, o := range []approval.Outcome{approval.Ask, approval.Urge, approval.Comment, approval.Copy, approval.Remind} {
		require.False(t, o.IsMove(), o)
	}
	for _, o := range []approval.Outcome{
		approval.Approve, approval.Reject, approval.Return, approval.Back, approval.Transfer, approval.Delegate,
		approval.AddSigner, approval.RemoveSigner, approval.Involve, approval.HandOver,
	} {
		require.True(t, o.IsMove(), o)
	}
}

func TestGivenASeatsStep_WhenASignerIsRemoved_ThenEnoughOfThePlansPeopleHaveToStay(t *testing.T) {
	for _, tc := range []struct {
		name, moves, seat string
		chain             approval.Chain
		removable         bool
	}{
		{"the only one", "", "review", chain(step("review", approval.Any, "finance")), false},
		{"one of all", "", "board.2", chain(step("board", approval.All, "F1", "F2")), true},
		{"the last of all", "O1 remove-signer board", "board.2", chain(step("board", approval.All, "F1", "F2")), false},
		{"the last of all, beside an added one", "O1 remove-signer board; F2 add-after board.2 X1", "board.2", chain(step("board", approval.All, "F1", "F2")), false},
		{"the last of all who has not approved", "F1 approve board", "board.2", chain(step("board", approval.All, "F1", "F2")), true},
		{"a vote that is not needed", "", "board", chain(votes("board", 2, "F1", "F2", "F3")), true},
		{"a vote that is needed", "F1 reject board", "board.2", chain(votes("board", 2, "F1", "F2", "F3")), false},
		{"an added one", "F1 add-before review X1", "review.2", chain(step("review", approval.Any, "finance")), true},
		{"one who has decided", "F1 approve board", "board", chain(step("board", approval.All, "F1", "F2")), false},
		{"nobody", "", "nowhere", chain(step("board", approval.All, "F1", "F2")), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := planned(t, tc.chain, approval.Facts{})
			s, err := p.Standing(moves(tc.moves))
			require.NoError(t, err)
			require.Equal(t, tc.removable, s.Removable(p, tc.seat))
		})
	}
}

func TestGivenThoseWhoSigned_WhenTheyAreListedForASeat_ThenWhoDecidesThereIsNotAmongThemUnlessThePolicyAllowsIt(t *testing.T) {
	p := planned(t, chain(step("review", approval.Any, "finance"), step("board", approval.All, "F1", "F2", "F3")), approval.Facts{})
	s, err := p.Standing(moves("X1/F1 approve review; F2 approve board.2"))
	require.NoError(t, err)
	require.Equal(t, []string{"F1", "F2", "X1"}, s.Signed("board.3", false), "the substitute and who they stood in for")
	require.Equal(t, []string{"F2"}, s.Signed("board.3", true), "never twice in one step")
	require.Empty(t, s.Signed("nowhere", false))

	s, err = p.Standing(moves("X1/F1 approve review; F2 approve board.2; F3 delegate board.3 X1"))
	require.NoError(t, err)
	require.Equal(t, []string{"F1", "F2"}, s.Signed("board.3", false), "X1 only gives an opinion there")
}
