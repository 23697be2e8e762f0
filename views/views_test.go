package views_test

import (
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func TestGivenTasksWhenAPersonLooksThenOnlyThoseThatThePersonMayDecideAreListed(t *testing.T) {
	v := lived(t)
	ids := func(f views.TaskFilter) []string {
		tasks, err := v.Tasks(t.Context(), f)
		require.NoError(t, err)
		out := []string{}
		for _, task := range tasks {
			out = append(out, task.ID)
		}
		return out
	}
	require.Equal(t, []string{"W000004/review", "W000005/send"}, ids(views.TaskFilter{}))
	require.Equal(t, []string{"W000004/review", "W000005/send"}, ids(views.TaskFilter{Person: "li"}))
	require.Equal(t, []string{"W000005/send"}, ids(views.TaskFilter{Person: "wang"}), "ENG-02: wang submitted W000004")
	require.Empty(t, ids(views.TaskFilter{Person: "zhao"}), "nothing is escalated")
	require.Empty(t, ids(views.TaskFilter{Person: "alice"}), "a partner decides nothing")
	require.Empty(t, ids(views.TaskFilter{Role: "finance-manager"}))
	require.Len(t, ids(views.TaskFilter{Case: "W000001", All: true}), 4)

	_, err := v.EscalateWithdrawal(t.Context(), activities.ClockInput{Case: "W000004", At: opened.AddDate(0, 0, 30)})
	require.NoError(t, err)
	require.Equal(t, []string{"W000004/review"}, ids(views.TaskFilter{Person: "zhao"}))
	require.Equal(t, []string{"W000004/review"}, ids(views.TaskFilter{Role: "finance-manager"}))

	_, err = v.Tasks(t.Context(), views.TaskFilter{Person: "nobody"})
	require.True(t, activities.IsNotFound(err))
	_, err = v.Task(t.Context(), "W000004/nothing")
	require.True(t, activities.IsNotFound(err))
}

func TestGivenCasesWhenTheyAreListedThenDeletedOnesAreHidden(t *testing.T) {
	v := lived(t)
	count := func(f views.CaseFilter) int {
		cases, err := v.Cases(t.Context(), f)
		require.NoError(t, err)
		return len(cases)
	}
	require.Equal(t, 5, count(views.CaseFilter{}))
	require.Equal(t, 2, count(views.CaseFilter{Open: true}))
	require.Equal(t, 1, count(views.CaseFilter{State: withdrawal.Refused}))
	require.Equal(t, 0, count(views.CaseFilter{Partner: "P1002"}))
	require.Equal(t, 1, count(views.CaseFilter{Open: true, Limit: 1}))

	open, err := v.Cases(t.Context(), views.CaseFilter{Open: true, DueBefore: opened.AddDate(1, 0, 0)})
	require.NoError(t, err)
	require.NotEmpty(t, open)
	first := *open[0].DueAt
	require.Zero(t, count(views.CaseFilter{DueBefore: first}), "due then is not due before")
	require.NotZero(t, count(views.CaseFilter{DueBefore: first.Add(time.Second)}))

	// Rule: WDL-27
	_, err = v.DeleteWithdrawal(t.Context(), activities.CancelWithdrawalInput{Case: "W000003", Key: "k", Person: "alice", At: opened})
	require.NoError(t, err)
	require.Equal(t, 4, count(views.CaseFilter{}))
	require.Equal(t, 1, count(views.CaseFilter{State: withdrawal.Deleted}))
	found, err := v.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, found.Findings, "a deleted case keeps its release")
}

func TestGivenAPaidCaseWhenItIsShownThenEverythingAboutItIsThere(t *testing.T) {
	v := lived(t)
	d, err := v.CaseDetail(t.Context(), "W000001")
	require.NoError(t, err)
	require.Equal(t, withdrawal.Paid, d.State)
	require.Equal(t, "2000.00", d.Amount.String())
	require.Equal(t, "B-1", d.Payment.Reference)
	require.Equal(t, "V.BANK", d.Payment.PaidFrom)
	require.Len(t, d.Lots, 1)
	require.Equal(t, withdrawal.IncentivePaid, d.Lots[0].Source)
	var actions []string
	for _, e := range d.Timeline {
		actions = append(actions, string(e.From)+" "+e.Action+" "+string(e.To)+" by "+e.Actor)
	}
	require.Equal(t, []string{
		" submit UNDER_REVIEW by alice", "UNDER_REVIEW approve APPROVED by li", "APPROVED send PAYING by li", "PAYING confirm PAID by li",
		"PAID report late return PAID by li", "PAID confirm PAID by wang",
	}, actions)
	require.Len(t, d.Timeline[0].Hash, 32)
	_, err = v.CaseDetail(t.Context(), "W999999")
	require.True(t, activities.IsNotFound(err))
}

func TestGivenPostingsWhenBalancesAreShownThenTheyStandOnTheirNormalSide(t *testing.T) {
	v := lived(t)
	for account, want := range map[ledger.Account]string{
		"P.CASH:P1001": "12800.00", "P.HOLD:P1001": "1700.00", "V.BANK": "1500.00", // 3000 remitted, 2000 paid, 500 came back
		"M.OWED:P1002": "300.00", "M.OWEDX": "300.00", "C.DEBT:C5001": "150.00", "V.FEE": "0.00",
	} {
		got, err := v.Balance(t.Context(), account)
		require.NoError(t, err)
		require.Equal(t, want, got.String(), account)
	}
	_, err := v.Balance(t.Context(), "X.NONE")
	require.True(t, activities.IsNotFound(err))

	balances, err := v.Balances(t.Context(), "P1002")
	require.NoError(t, err)
	shown := map[ledger.Account]string{}
	for _, b := range balances {
		shown[b.Account] = b.Balance.String()
	}
	require.Equal(t, "150.00", shown["C.DEBT:C5001"], "a customer's accounts stand with the partner's")
	require.Equal(t, "3300.00", shown["P.CASH:P1002"])
	require.NotContains(t, shown, ledger.Account("V.BANK"))

	all, err := v.Balances(t.Context(), "")
	require.NoError(t, err)
	require.Greater(t, len(all), len(balances))
	_, err = v.Balances(t.Context(), "P9999")
	require.True(t, activities.IsNotFound(err))
}

// Rules: WDL-07, WDL-28, WDL-30
func TestGivenLotsAndMemosWhenAskedWhatIsAvailableThenItIsWhatAnApplicationIsJudgedBy(t *testing.T) {
	v := lived(t)
	a, err := v.Available(t.Context(), "P1001", opened.Add(48*time.Hour))
	require.NoError(t, err)
	require.Equal(t, "12800.00", a.Withdrawable.String())
	require.Equal(t, "0.00", a.Routes[withdrawal.Original].String())
	require.Equal(t, "9300.00", a.Routes[withdrawal.BankCard].String())  // 6300 of online banking, 3000 whose way back failed
	require.Equal(t, "3500.00", a.Routes[withdrawal.Incentive].String()) // a late return stays in its pool

	b, err := v.Available(t.Context(), "P1002", opened)
	require.NoError(t, err)
	require.Equal(t, "2850.00", b.Withdrawable.String()) // 3300 less 300 owed and 150 of debts
	require.Len(t, b.Lots, 2)
	_, err = v.Available(t.Context(), "P9999", opened)
	require.True(t, activities.IsNotFound(err))
}

func TestGivenMovementsWhenAStatementIsAskedForDaysThenItOpensAndClosesWithThem(t *testing.T) {
	v := lived(t)
	day := calendar.DateOf(opened)
	s, err := v.Statement(t.Context(), "P.CASH:P1001", day, day)
	require.NoError(t, err)
	require.Equal(t, "16000.00", s.Opening.String())
	var balances []string
	for _, l := range s.Lines {
		balances = append(balances, l.Amount.String()+" > "+l.Balance.String())
	}
	require.Equal(t, []string{ // five holds in one instant, then two are released; the late return is of the next day
		"-2000.00 > 14000.00", "-3000.00 > 11000.00", "-100.00 > 10900.00", "-1000.00 > 9900.00", "-700.00 > 9200.00", "100.00 > 9300.00", "3000.00 > 12300.00",
	}, balances)
	require.Equal(t, "12300.00", s.Closing.String())

	next, err := v.Statement(t.Context(), "P.CASH:P1001", day.AddDays(1), calendar.Date{})
	require.NoError(t, err)
	require.Equal(t, "12300.00", next.Opening.String())
	require.Equal(t, "12800.00", next.Closing.String())

	bank, err := v.Statement(t.Context(), "V.BANK", calendar.Date{}, calendar.Date{})
	require.NoError(t, err)
	require.Equal(t, "1500.00", bank.Closing.String(), "a debit account is shown negated")
	_, err = v.Statement(t.Context(), "P.CASH:P9999", day, day)
	require.True(t, activities.IsNotFound(err))
}

func TestGivenMessagesWhenTheOutboxIsReadThenDeliveredOnesAreLeftOut(t *testing.T) {
	v := newVendor(t)
	v.open("alice", withdrawal.BankCard, "100.00", "a")
	waiting, err := v.Outbox(t.Context(), "alice", false)
	require.NoError(t, err)
	require.Len(t, waiting, 2, "the code and the notice")
	v.db.MustExec(`UPDATE outbox SET sent_at = now() WHERE message_id = $1`, waiting[0].ID)
	waiting, err = v.Outbox(t.Context(), "", false)
	require.NoError(t, err)
	require.Len(t, waiting, 3, "and the two whom the task asks")
	all, err := v.Outbox(t.Context(), "alice", true)
	require.NoError(t, err)
	require.Len(t, all, 2)
	_, err = v.Outbox(t.Context(), "nobody", true)
	require.True(t, activities.IsNotFound(err))
}

func TestGivenTwoVersionsOfAPolicyWhenOneIsAskedForThenItIsThatOne(t *testing.T) {
	v := newVendor(t)
	p := withdrawal.DefaultPolicy()
	p.CodeTries = 3
	version, err := (&activities.Programme{DB: v.db}).SetPolicy(t.Context(), withdrawal.Kind, p, "zhao", opened)
	require.NoError(t, err)
	require.Equal(t, 2, version)
	newest, err := v.Policy(t.Context(), withdrawal.Kind, 0)
	require.NoError(t, err)
	require.Equal(t, 2, newest.Version)
	require.Equal(t, "zhao", newest.SetBy)
	first, err := v.Policy(t.Context(), withdrawal.Kind, 1)
	require.NoError(t, err)
	require.Contains(t, string(first.Body), `"code_tries": 5`)
	_, err = v.Policy(t.Context(), withdrawal.Kind, 9)
	require.True(t, activities.IsNotFound(err))
}

func TestGivenASessionThatMayOnlyReadWhenEveryViewIsAskedThenItAnswers(t *testing.T) {
	v := lived(t)
	v.db.SetMaxOpenConns(1)
	v.db.MustExec(`SET default_transaction_read_only = on`)
	_, err := v.db.Exec(`UPDATE outbox SET attempts = 1`)
	require.ErrorContains(t, err, "read-only")
	ctx := t.Context()
	for name, view := range map[string]func() error{
		"tasks":     func() error { _, err := v.Tasks(ctx, views.TaskFilter{}); return err },
		"cases":     func() error { _, err := v.Cases(ctx, views.CaseFilter{}); return err },
		"case":      func() error { _, err := v.CaseDetail(ctx, "W000001"); return err },
		"balances":  func() error { _, err := v.Balances(ctx, "P1001"); return err },
		"available": func() error { _, err := v.Available(ctx, "P1001", opened); return err },
		"statement": func() error {
			_, err := v.Statement(ctx, "V.BANK", calendar.Date{}, calendar.Date{})
			return err
		},
		"outbox": func() error { _, err := v.Outbox(ctx, "", true); return err },
		"verify": func() error { _, err := v.Verify(ctx, nil); return err },
	} {
		require.NoError(t, view(), name)
	}
}
