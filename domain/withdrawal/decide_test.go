package withdrawal_test

import (
	"testing"
	"time"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// open is an open task of case W000001 for 500.00, submitted by U1, looked at by Li Na of vendor finance.
func open(kind withdrawal.TaskKind, state withdrawal.State) withdrawal.DecisionFacts {
	who := finance
	return withdrawal.DecisionFacts{
		Person: &who, Submitter: "U1", CaseState: state, Amount: money.Must("500.00"), Policy: withdrawal.DefaultPolicy(),
		Task: withdrawal.Task{
			ID: withdrawal.TaskID("W000001", kind), Case: "W000001", Kind: kind, Role: person.VendorFinance,
			OpenedBy: "rule", State: withdrawal.TaskOpen,
		},
	}
}

func decision(f withdrawal.DecisionFacts, o withdrawal.Outcome) withdrawal.Decision {
	return withdrawal.Decision{Task: f.Task.ID, Person: f.Person.ID, Outcome: o, Reason: " because ", Amount: "500.00", Reference: "B-77"}
}

func TestGivenAnOpenTask_WhenItIsAnswered_ThenTheAnswerDecidesWhereTheCaseGoes(t *testing.T) {
	for _, tc := range []struct {
		task    withdrawal.TaskKind
		state   withdrawal.State
		outcome withdrawal.Outcome
		to      withdrawal.State
	}{
		{withdrawal.Review, withdrawal.UnderReview, withdrawal.Approve, withdrawal.Approved},
		{withdrawal.Review, withdrawal.UnderReview, withdrawal.Refuse, withdrawal.Refused},
		{withdrawal.Send, withdrawal.Approved, withdrawal.Sent, withdrawal.Paying},
		{withdrawal.Send, withdrawal.Approved, withdrawal.Fail, withdrawal.Failed},
		{withdrawal.Confirm, withdrawal.Paying, withdrawal.Arrived, withdrawal.Paid},
		{withdrawal.Confirm, withdrawal.Paying, withdrawal.Return, withdrawal.Failed},
		{withdrawal.LateReturn, withdrawal.Paid, withdrawal.Arrived, ""},
		{withdrawal.LateReturn, withdrawal.Paid, withdrawal.Refuse, ""},
	} {
		t.Run(string(tc.task)+" "+string(tc.outcome), func(t *testing.T) {
			f := open(tc.task, tc.state)
			verdict, list := withdrawal.JudgeDecision(decision(f, tc.outcome), f)
			require.Empty(t, list)
			require.Equal(t, tc.to, verdict.To)
			require.Equal(t, "because", verdict.Note)
			require.True(t, tc.to == "" || withdrawal.CanMove(tc.state, tc.to))
			require.Contains(t, withdrawal.Outcomes(tc.task), tc.outcome)
		})
	}
}

// Rule: ENG-02
func TestGivenAnOpenReview_WhenTheSubmitterOrWhoeverAsksApproves_ThenItIsRefused(t *testing.T) {
	own := said{"ENG-02", "ENG_SELF_APPROVAL", "task W000001/review", "You cannot decide on your own request; ask a colleague with the role vendor-finance (PGM-07)."}
	f := open(withdrawal.Review, withdrawal.UnderReview)
	f.Submitter = "F1"
	_, list := withdrawal.JudgeDecision(decision(f, withdrawal.Approve), f)
	refuses(t, list, own)

	f = open(withdrawal.Review, withdrawal.UnderReview)
	f.Task.OpenedBy = "F1"
	_, list = withdrawal.JudgeDecision(decision(f, withdrawal.Refuse), f)
	refuses(t, list, own)

	f = open(withdrawal.Review, withdrawal.UnderReview)
	f.Person = &administrator
	_, list = withdrawal.JudgeDecision(decision(f, withdrawal.Approve), f)
	refuses(t, list, said{"COM-16", "CBC.0151", "task W000001/review", "Wang Wei does not hold the role vendor-finance; somebody with that role decides."}, own)
}

func TestGivenAnOpenTask_WhenSomebodyWithoutTheRoleDecides_ThenCOM16Refuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*withdrawal.DecisionFacts)
		says   string
	}{
		"nobody we know":              {func(f *withdrawal.DecisionFacts) { f.Person = nil }, `There is no person "F1"; speak as somebody who is registered.`},
		"no role":                     {func(f *withdrawal.DecisionFacts) { f.Person.Roles = nil }, "somebody with that role decides."},
		"not active":                  {func(f *withdrawal.DecisionFacts) { f.Person.Active = false }, "somebody with that role decides."},
		"the role, but of a partner":  {func(f *withdrawal.DecisionFacts) { f.Person.PartnerID = "P1001" }, "somebody with that role decides."},
		"the escalation role, before": {func(f *withdrawal.DecisionFacts) { f.Person.Roles = []person.Role{person.FinanceManager} }, "somebody with that role decides."},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(withdrawal.Review, withdrawal.UnderReview)
			d := decision(f, withdrawal.Approve)
			tc.change(&f)
			object := "task W000001/review"
			if f.Person == nil {
				object = "person F1"
			}
			_, list := withdrawal.JudgeDecision(d, f)
			refuses(t, list, said{"COM-16", "CBC.0151", object, tc.says})
		})
	}
	f := open(withdrawal.Review, withdrawal.UnderReview)
	f.Person.Roles, f.Task.EscalatedTo = []person.Role{person.FinanceManager}, person.FinanceManager
	_, list := withdrawal.JudgeDecision(decision(f, withdrawal.Approve), f)
	require.Empty(t, list, "once it is overdue the escalation role may answer")
}

func TestGivenATaskDecidedOrClosed_WhenItIsDecidedAgain_ThenENG03SaysWhoDecidedAndWhereTheCaseIs(t *testing.T) {
	f := open(withdrawal.Review, withdrawal.Approved)
	by, at := "F2", time.Date(2025, 11, 3, 3, 0, 0, 0, time.UTC)
	f.Task.State, f.Task.DecidedBy, f.Task.DecidedAt, f.Task.Outcome = withdrawal.TaskDecided, &by, &at, withdrawal.Approve
	_, list := withdrawal.JudgeDecision(decision(f, withdrawal.Refuse), f)
	refuses(t, list, said{"ENG-03", "ENG_STATE", "task W000001/review", "The task was decided already: approve by F2 at 2025-11-03T03:00:00Z; the case is APPROVED."})

	f = open(withdrawal.Review, withdrawal.Cancelled)
	f.Task.State = withdrawal.TaskClosed
	_, list = withdrawal.JudgeDecision(decision(f, withdrawal.Approve), f)
	refuses(t, list, said{"ENG-03", "ENG_STATE", "task W000001/review", "The task was closed undecided; the case is CANCELLED."})
}

func TestGivenAnAnswerThatLacksSomething_WhenItIsJudged_ThenEveryGapIsNamed(t *testing.T) {
	f := open(withdrawal.Confirm, withdrawal.Paying)
	const task = "task W000001/confirm"
	d := decision(f, withdrawal.Return)
	d.Reason = "  "
	_, list := withdrawal.JudgeDecision(d, f)
	refuses(t, list, said{"ENG-06", "CBC.0100", task, "The outcome return needs a reason that the partner will read; enter one."})

	d = decision(f, withdrawal.Arrived)
	d.Reference, d.Amount = "", "500.005"
	_, list = withdrawal.JudgeDecision(d, f)
	refuses(t, list, said{"ENG-06", "CBC.0100", task, "A confirmation carries the bank's reference; enter it."}, said{"COM-02", "CBC.0100", "amount", "write it like 1234.50."})

	d = decision(f, withdrawal.Arrived)
	d.Amount = "499.99"
	for route, rule := range map[withdrawal.Route]string{withdrawal.Original: "WDL-17", withdrawal.BankCard: "WDL-16", withdrawal.Incentive: "WDL-22"} {
		f.Route = route
		_, list = withdrawal.JudgeDecision(d, f)
		refuses(t, list, said{rule, "WDR_AMOUNT", task, "The bank confirms 499.99, the case is about 500.00; the amounts have to match, settle the difference first."})
	}

	d = decision(f, withdrawal.Approve)
	verdict, list := withdrawal.JudgeDecision(d, f)
	refuses(t, list, said{"COM-08", "CBC.0100", task, `The task confirm takes confirm or return, not "approve".`})
	require.Empty(t, verdict)
}

func TestGivenADecisionBySignal_WhenThePolicyTakesNone_ThenItIsRefused(t *testing.T) {
	f := open(withdrawal.Review, withdrawal.UnderReview)
	f.BySignal = true
	_, list := withdrawal.JudgeDecision(decision(f, withdrawal.Approve), f)
	require.Empty(t, list)
	f.Policy.DecideBySignal = false
	_, list = withdrawal.JudgeDecision(decision(f, withdrawal.Approve), f)
	refuses(t, list, said{"COM-16", "CBC.0151", "task W000001/review", "takes no decision by signal; decide by update or at the command line."})
}

func TestGivenAMessage_WhenTaskPersonOrOutcomeIsMissing_ThenItIsNotWellFormed(t *testing.T) {
	whole := withdrawal.Decision{Task: "W000001/review", Person: "F1", Outcome: withdrawal.Approve}
	require.Empty(t, whole.WellFormed())
	for _, d := range []withdrawal.Decision{{}, {Task: whole.Task, Person: "F1"}, {Task: whole.Task, Outcome: "approve"}, {Person: "F1", Outcome: "approve"}} {
		require.NotEmpty(t, d.WellFormed())
	}
}

func TestGivenAnApplication_WhenItIsCancelled_ThenOnlyItsPartnerMayAndOnlyUnderReview(t *testing.T) {
	stranger := person.Person{ID: "U2", Name: "Chen Jie", PartnerID: "P2002", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	require.Empty(t, withdrawal.JudgeCancel(&administrator, "U1", "P1001", "W000001", withdrawal.UnderReview))
	refuses(t, withdrawal.JudgeCancel(nil, "U9", "P1001", "W000001", withdrawal.UnderReview),
		said{"COM-16", "CBC.0151", "person U9", `There is no person "U9"; speak as somebody who is registered.`})
	refuses(t, withdrawal.JudgeCancel(&stranger, "U2", "P1001", "W000001", withdrawal.Approved),
		said{"COM-16", "CBC.0151", "case W000001", "Chen Jie may not act for partner P1001; ask the partner's administrator for the permission."},
		said{"ENG-03", "ENG_STATE", "case W000001", "The withdrawal is APPROVED; it can be cancelled only while it is under review."})
}

// Rule: WDL-27
func TestGivenAnApplication_WhenItIsDeleted_ThenOnlyARefusedOneCanBe(t *testing.T) {
	require.Empty(t, withdrawal.JudgeDelete(&administrator, "U1", "P1001", "W000001", withdrawal.Refused))
	for _, state := range states {
		if state == withdrawal.Refused {
			continue
		}
		refuses(t, withdrawal.JudgeDelete(&administrator, "U1", "P1001", "W000001", state),
			said{"WDL-27", "ACCT.WDL.27", "case W000001", "The withdrawal is " + string(state) + "; only a refused one can be deleted."})
	}
	refuses(t, withdrawal.JudgeDelete(&finance, "F1", "P1001", "W000001", withdrawal.Refused),
		said{"COM-16", "CBC.0151", "case W000001", "Li Na may not act for partner P1001"})
}

func TestGivenAPaidWithdrawal_WhenTheBankGivesMoneyBackLater_ThenEachReferenceIsReportedOnceAndNeverMoreThanWasPaid(t *testing.T) {
	report := func(p *person.Person, amount, reference string, state withdrawal.State, known ...withdrawal.Task) (money.Amount, *withdrawal.Task, []said) {
		got, first, list := withdrawal.JudgeLateReturn(p, "F1", withdrawal.DefaultPolicy(), amount, reference, "W000001", state, money.Must("500.00"), known)
		var texts []said
		for _, r := range list {
			texts = append(texts, said{r.Rule, r.Code, r.Object, r.Message})
		}
		return got, first, texts
	}
	part := money.Must("300.00")
	known := withdrawal.Task{ID: "W000001/late-return-1", Amount: &part, Reference: "R-1"}

	amount, first, list := report(&finance, "500.00", "R-1", withdrawal.Paid)
	require.Empty(t, list)
	require.Nil(t, first)
	require.Equal(t, "500.00", amount.String())

	_, first, list = report(&finance, "300", "R-1", withdrawal.Paid, known)
	require.Empty(t, list)
	require.Equal(t, known.ID, first.ID, "the same again answers the first")

	_, _, list = report(&finance, "200.01", "R-2", withdrawal.Paid, known)
	require.Equal(t, []said{{"WDL-18", "WDR_AMOUNT", "case W000001", "The returns add up to 500.01, only 500.00 was paid; check the amount."}}, list)
	_, _, list = report(&finance, "100.00", "R-1", withdrawal.Paid, known)
	require.Equal(t, []said{{"COM-20", "COM_REQUEST_KEY", "case W000001", `The reference "R-1" was reported with 300.00 before; a return of another amount has another reference.`}}, list)
	known.Outcome = withdrawal.Refuse
	_, _, list = report(&finance, "500.00", "R-2", withdrawal.Paid, known)
	require.Empty(t, list, "what turned out to be no return does not count")

	_, _, list = report(&administrator, "x", " ", withdrawal.Paying)
	require.Equal(t, []said{
		{"COM-16", "CBC.0151", "case W000001", "Wang Wei does not hold the role vendor-finance; somebody with that role reports a return."},
		{"COM-02", "CBC.0100", "case W000001", `The amount "x" is not written as digits with at most two decimals; write it like 1234.50.`},
		{"ENG-06", "CBC.0100", "case W000001", "A return carries the bank's reference; enter it."},
		{"ENG-03", "ENG_STATE", "case W000001", "The withdrawal is PAYING; only money of a PAID one can come back late."},
	}, list)
	_, _, list = report(nil, "1", "R", withdrawal.Paid)
	require.Equal(t, []said{{"COM-16", "CBC.0151", "case W000001", `There is no person "F1"; speak as somebody who is registered.`}}, list)
}
