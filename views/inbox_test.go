package views_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/internal/inboxbench"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// chained is a house whose withdrawals are checked by finance and, from 1000.00 up, approved by a manager.
func chained(t *testing.T, chain ...approval.Step) vendor {
	v := newVendor(t)
	if len(chain) == 0 {
		chain = []approval.Step{
			{Name: "check", Who: []approval.Candidate{{Role: person.VendorFinance}}, Remind: calendar.MustTerm("P1WD"), Due: calendar.MustTerm("P2WD"), Escalate: person.FinanceManager},
			{
				Name: "manager", When: "amount >= 1000", Who: []approval.Candidate{{Role: person.FinanceManager}}, Due: calendar.MustTerm("P3WD"),
				Default: &approval.Default{After: calendar.MustTerm("P5WD"), Outcome: approval.Reject},
			},
		}
	}
	v.policy(approval.Chain{Owner: person.FinanceManager, Steps: chain, ChangesTerm: calendar.MustTerm("P5WD")})
	return v
}

func (v vendor) policy(chain approval.Chain) {
	v.t.Helper()
	p := withdrawal.DefaultPolicy()
	p.Approval = chain
	_, err := (&activities.Programme{DB: v.db}).SetPolicy(v.t.Context(), withdrawal.Kind, p, "zhao", loaded)
	require.NoError(v.t, err)
}

// hire registers one of the vendor's people.
func (v vendor) hire(id string, roles ...person.Role) {
	v.db.MustExec(`INSERT INTO people (person_id, name, email) VALUES ($1, 'Person ' || $1, '')`, id)
	for _, r := range roles {
		v.db.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ($1, $2)`, id, r)
	}
}

func (v vendor) absent(id, substitute string, from, to time.Time) {
	v.db.MustExec(`INSERT INTO absences (person_id, substitute, from_at, to_at, set_by, set_at) VALUES ($1, $2, $3, $4, $1, $3)`, id, substitute, from, to)
}

// answer decides a task that is named in full.
func (v vendor) answer(task, by string, outcome approval.Outcome, at time.Time, more ...approval.Decision) {
	v.t.Helper()
	d := approval.Decision{}
	if len(more) > 0 {
		d = more[0]
	}
	d.Task, d.Person, d.Outcome, d.Key = task, by, outcome, fmt.Sprintf("%s %s %s %s", task, by, outcome, at.Format(time.RFC3339))
	if d.Reason == "" {
		d.Reason = "because"
	}
	_, err := v.DecideWithdrawal(v.t.Context(), activities.DecideInput{Decision: d, At: at})
	require.NoError(v.t, err)
}

// inbox lists tasks with the reason, "W000001/check role vendor-finance"; it looks at the counts as well.
func (v vendor) inbox(id string, at time.Time) []string {
	v.t.Helper()
	page, err := v.Inbox(v.t.Context(), id, views.InboxFilter{}, at)
	require.NoError(v.t, err)
	n, err := v.InboxCounts(v.t.Context(), id, at)
	require.NoError(v.t, err)
	require.Equal(v.t, len(page.Tasks), n.Open, "the counts say what the page shows")
	lines := []string{}
	for _, t := range page.Tasks {
		lines = append(lines, t.ID+" "+t.Why.String())
	}
	return lines
}

func (v vendor) waiting(id string, at time.Time) []string {
	v.t.Helper()
	page, err := v.WaitingForOthers(v.t.Context(), id, views.InboxFilter{}, at)
	require.NoError(v.t, err)
	n, err := v.InboxCounts(v.t.Context(), id, at)
	require.NoError(v.t, err)
	require.Equal(v.t, len(page.Tasks), n.Waiting, "the counts say what the page shows")
	return ids(page)
}

func ids(p views.InboxPage) []string {
	out := []string{}
	for _, t := range p.Tasks {
		out = append(out, t.ID)
	}
	return out
}

// Rules: ENG-02, PGM-07
func TestGivenOwnRequestsAndOwnDecisionsWhenAnInboxIsReadThenTheyAreNotInIt(t *testing.T) {
	v := chained(t)
	v.db.MustExec(`INSERT INTO person_roles VALUES ('li', 'finance-manager')`)
	own := v.open("wang", withdrawal.BankCard, "1200.00", "a")
	other := v.open("alice", withdrawal.BankCard, "1300.00", "b")
	at := opened.Add(time.Minute)
	require.Equal(t, []string{own + "/check role vendor-finance", other + "/check role vendor-finance"}, v.inbox("li", at))
	require.Equal(t, []string{other + "/check role vendor-finance"}, v.inbox("wang", at), "wang submitted the other one")
	require.Empty(t, v.inbox("zhao", at), "it is not the manager's turn")
	require.Empty(t, v.inbox("alice", at), "a partner decides nothing")

	v.answer(other+"/check", "li", approval.Approve, at)
	require.Equal(t, []string{own + "/check role vendor-finance"}, v.inbox("li", at), "li holds the manager's role, but has decided in this round")
	require.Equal(t, []string{other + "/manager role finance-manager"}, v.inbox("zhao", at))
	require.Equal(t, []string{other + "/manager"}, v.waiting("li", at), "li took part in it")

	// sent back to the first step, li's decision is void: li may decide again
	v.answer(other+"/manager", "zhao", approval.Back, at.Add(time.Minute), approval.Decision{To: "check"})
	require.Equal(t, []string{own + "/check role vendor-finance", other + "/check.2 role vendor-finance"}, v.inbox("li", at.Add(2*time.Minute)))
	require.Equal(t, []string{other + "/check.2"}, v.waiting("zhao", at.Add(2*time.Minute)))

	_, err := v.Inbox(t.Context(), "nobody", views.InboxFilter{}, at)
	require.True(t, activities.IsNotFound(err))
	_, err = v.InboxCounts(t.Context(), "nobody", at)
	require.True(t, activities.IsNotFound(err))
}

func TestGivenAPlanWithRepeatSignersWhenOneHasDecidedTheNextStepIsStillTheirs(t *testing.T) {
	v := newVendor(t)
	v.policy(approval.Chain{Owner: person.FinanceManager, RepeatSigners: true, Steps: []approval.Step{
		{Name: "check", Who: []approval.Candidate{{Role: person.VendorFinance}}}, {Name: "again", Who: []approval.Candidate{{Role: person.VendorFinance}}},
	}})
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	v.answer(number+"/check", "li", approval.Approve, opened.Add(time.Minute))
	require.Equal(t, []string{number + "/again role vendor-finance"}, v.inbox("li", opened.Add(time.Hour)))
}

// Rule: PGM-02
func TestGivenAnAbsenceWhenTheSubstituteLooksThenTheInboxHasTheTasksFromItsFirstInstantToBeforeItsLast(t *testing.T) {
	v := chained(t)
	v.hire("chen")
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	own := v.open("wang", withdrawal.BankCard, "100.00", "b")
	from, to := opened.Add(time.Hour), opened.Add(48*time.Hour)
	v.absent("li", "chen", from, to)
	both := []string{number + "/check role vendor-finance, standing in for li", own + "/check role vendor-finance, standing in for li"}
	for at, want := range map[time.Time][]string{from.Add(-time.Microsecond): {}, from: both, to.Add(-time.Microsecond): both, to: {}} {
		require.Equal(t, want, v.inbox("chen", at), at)
	}
	require.Len(t, v.inbox("li", from), 2, "who is away may decide all the same")

	v.hire("hu")
	v.absent("wang", "hu", from, to)
	require.Equal(t, []string{number + "/check role vendor-finance, standing in for wang"}, v.inbox("hu", from), "ENG-02: nor for wang, who submitted")
	v.db.MustExec(`UPDATE people SET active = false WHERE person_id = 'chen'`)
	require.Empty(t, v.inbox("chen", from))
}

func TestGivenATaskThatWentToSomebodyWhenTheyLookThenItIsTheirsWhileTheyHoldTheRole(t *testing.T) {
	v := chained(t)
	v.hire("chen", person.VendorFinance)
	v.hire("gu")
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	at := opened.Add(time.Minute)
	v.answer(number+"/check", "li", approval.Transfer, at, approval.Decision{To: "chen"})
	require.Equal(t, []string{number + "/check by name"}, v.inbox("chen", at))
	require.Empty(t, v.inbox("li", at))
	require.Empty(t, v.waiting("li", at), "a transfer is no decision")
	v.db.MustExec(`DELETE FROM person_roles WHERE person_id = 'chen'`)
	require.Empty(t, v.inbox("chen", at), "the role is lost")
	v.db.MustExec(`INSERT INTO person_roles VALUES ('chen', 'vendor-finance')`)

	v.answer(number+"/check", "chen", approval.Delegate, at.Add(time.Minute), approval.Decision{To: "gu"})
	require.Equal(t, []string{number + "/check by name"}, v.inbox("gu", at), "an opinion takes no role")
	require.Empty(t, v.inbox("chen", at))
	v.answer(number+"/check", "gu", approval.Approve, at.Add(2*time.Minute))
	require.Equal(t, []string{number + "/check by name"}, v.inbox("chen", at), "it has come back")
	page, err := v.Decided(t.Context(), "gu", "", 0)
	require.NoError(t, err)
	require.Len(t, page.Decisions, 1, "an opinion is among what one decided")
	require.Equal(t, []string{number + "/check"}, v.waiting("gu", at.Add(time.Hour)))
}

func TestGivenAnOverdueTaskWhenItIsEscalatedThenTheOtherRoleFindsItAndTheCountsSaySo(t *testing.T) {
	v := chained(t)
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	due := time.Date(2026, 11, 5, 16, 0, 0, 0, time.UTC) // 6 November 00:00 in UTC+8
	counts := func(at time.Time) views.InboxCounts {
		n, err := v.InboxCounts(t.Context(), "li", at)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, views.InboxCounts{Open: 1}, counts(due.Add(-25*time.Hour)))
	require.Equal(t, views.InboxCounts{Open: 1, DueToday: 1}, counts(due.Add(-24*time.Hour)), "it closes when this day is over")
	require.Equal(t, views.InboxCounts{Open: 1, DueToday: 1}, counts(due.Add(-time.Microsecond)))
	require.Equal(t, views.InboxCounts{Open: 1, Overdue: 1}, counts(due), "PGM-02: the closing instant is late")

	require.Empty(t, v.inbox("zhao", due))
	_, err := v.EscalateWithdrawal(t.Context(), activities.ClockInput{Case: number, At: due})
	require.NoError(t, err)
	require.Equal(t, []string{number + "/check role finance-manager"}, v.inbox("zhao", due))
	require.Equal(t, []string{number + "/check role vendor-finance"}, v.inbox("li", due))
}

func TestGivenManyTasksWithOneDueTimeWhenPagesAreReadThenThereIsNeitherGapNorDouble(t *testing.T) {
	v := chained(t)
	var want []string
	for i := range 7 {
		want = append(want, v.open("alice", withdrawal.BankCard, "10.00", fmt.Sprint(i))+"/check")
	}
	at := opened.Add(time.Hour)
	v.db.MustExec(`UPDATE tasks SET candidates = candidates || 'person:li'::text WHERE task_id <> $1`, want[3]) // by role and by name: once
	v.answer(want[3], "li", approval.Transfer, at, approval.Decision{To: "wang"})                               // in the middle of a page, not li's
	want = slices.Delete(want, 3, 4)
	for _, limit := range []int{1, 2, 3, 5, 6, 7} {
		var got []string
		f := views.InboxFilter{Limit: limit}
		for pages := 0; ; pages++ {
			page, err := v.Inbox(t.Context(), "li", f, at)
			require.NoError(t, err)
			got = append(got, ids(page)...)
			if page.Next == "" {
				break
			}
			require.Len(t, page.Tasks, limit, "no page is short while there is more")
			f.After = page.Next
		}
		require.Equal(t, want, got, "pages of %d", limit)
	}
	for _, bad := range []string{"x", "yesterday_W000001/check", "_"} {
		_, err := v.Inbox(t.Context(), "li", views.InboxFilter{After: bad}, at)
		require.ErrorContains(t, err, "is not where a page ends")
	}
}

func TestGivenAFilterWhenAnInboxIsReadThenOnlyWhatItNamesIsThere(t *testing.T) {
	v := chained(t)
	small, large := v.open("alice", withdrawal.BankCard, "99.99", "a"), v.open("alice", withdrawal.BankCard, "5000.00", "b")
	v.db.MustExec(`UPDATE withdrawals SET holder = '100%_sure\Ltd' WHERE case_number = $1`, small)
	amount := func(s string) *money.Amount { a := money.Must(s); return &a }
	due := time.Date(2026, 11, 5, 16, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		f    views.InboxFilter
		want []string
	}{
		"kind":             {views.InboxFilter{Kind: withdrawal.Kind}, []string{small, large}},
		"another kind":     {views.InboxFilter{Kind: "incentive"}, nil},
		"matter":           {views.InboxFilter{Matter: "review"}, []string{small, large}},
		"another matter":   {views.InboxFilter{Matter: "send"}, nil},
		"partner":          {views.InboxFilter{Partner: "P1001"}, []string{small, large}},
		"another partner":  {views.InboxFilter{Partner: "P1002"}, nil},
		"amount from":      {views.InboxFilter{AmountFrom: amount("100")}, []string{large}},
		"amount to":        {views.InboxFilter{AmountTo: amount("99.99")}, []string{small}},
		"amounts between":  {views.InboxFilter{AmountFrom: amount("99.99"), AmountTo: amount("5000")}, []string{small, large}},
		"due before":       {views.InboxFilter{DueBefore: due}, nil},
		"due before, over": {views.InboxFilter{DueBefore: due.Add(time.Second)}, []string{small, large}},
		"overdue":          {views.InboxFilter{Overdue: true}, nil},
		"case number":      {views.InboxFilter{Text: strings.ToLower(large)}, []string{large}},
		"partner's number": {views.InboxFilter{Text: "p1001"}, []string{small, large}},
		"partner's name":   {views.InboxFilter{Text: "alpha"}, []string{small, large}},
		"payee":            {views.InboxFilter{Text: "sure"}, []string{small}},
		"a percent sign":   {views.InboxFilter{Text: "100%_s"}, []string{small}},
		"no wildcard":      {views.InboxFilter{Text: "1__%"}, nil},
		"a backslash":      {views.InboxFilter{Text: `e\L`}, []string{small}},
		"all together":     {views.InboxFilter{Kind: withdrawal.Kind, Matter: "review", Partner: "P1001", AmountFrom: amount("1"), DueBefore: due.AddDate(0, 1, 0), Text: "alpha"}, []string{small, large}},
	} {
		for who, list := range map[string]func() (views.InboxPage, error){
			"li": func() (views.InboxPage, error) { return v.Inbox(t.Context(), "li", test.f, opened.Add(time.Hour)) },
			"alice": func() (views.InboxPage, error) {
				return v.WaitingForOthers(t.Context(), "alice", test.f, opened.Add(time.Hour))
			},
		} {
			page, err := list()
			require.NoError(t, err, name)
			want := []string{}
			for _, number := range test.want {
				want = append(want, number+"/check")
			}
			require.Equal(t, want, ids(page), "%s, %s", name, who)
		}
	}
	page, err := v.Inbox(t.Context(), "li", views.InboxFilter{Overdue: true}, due)
	require.NoError(t, err)
	require.Len(t, page.Tasks, 2)
	require.True(t, page.Tasks[0].Overdue)
	require.Equal(t, `100%_sure\Ltd`, page.Tasks[0].Holder)
	require.Equal(t, "Alpha Cloud", strings.TrimSuffix(page.Tasks[0].PartnerName, " Ltd"))
}

func TestGivenCasesOfAPartnerWhenItsPeopleLookThenTheySeeWhomTheyWaitFor(t *testing.T) {
	v := chained(t)
	number := v.open("wang", withdrawal.BankCard, "100.00", "a")
	at := opened.Add(time.Minute)
	require.Equal(t, []string{number + "/check"}, v.waiting("wang", at), "the submitter")
	require.Equal(t, []string{number + "/check"}, v.waiting("alice", at), "the partner's administrator acts for it, too")
	require.Empty(t, v.waiting("bob", at), "another partner's")
	require.Empty(t, v.waiting("li", at), "it is li's own to decide")
	v.answer(number+"/check", "li", approval.Approve, at)
	require.Equal(t, []string{number + "/send"}, v.waiting("alice", at))
	require.Empty(t, v.waiting("li", at), "li sends, too")
	require.Equal(t, []string{number + "/send role vendor-finance"}, v.inbox("li", at), "another round")
}

// Rule: COM-16. Who may only speak about incentives acts for the partner in their cases, and not in withdrawals.
func TestGivenCasesOfTwoKindsWhenPeopleWithOnePermissionLookThenTheySeeTheirKind(t *testing.T) {
	v := chained(t)
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	v.db.MustExec(`INSERT INTO people (person_id, name, partner_id) VALUES ('ines', 'Ines', 'P1001'), ('wido', 'Wido', 'P1001')`)
	v.db.MustExec(`INSERT INTO person_roles VALUES ('ines', 'partner-incentives'), ('wido', 'partner-withdrawals')`)
	v.db.MustExec(`
		INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state)
		VALUES ('B1', 'P1001', 'A', 'monthly', '2024-05', 'resale', $1, 10, 6, '2024-06-15', 'TO_CONFIRM')`, opened)
	recs := &activities.Reconciliations{DB: v.db}
	set, err := recs.OpenReconciliation(t.Context(), activities.OpenReconciliationInput{
		Presentation: activities.Presentation{Partner: "P1001", Period: "2024-05", Set: 1, By: "system"}, WorkflowID: "r", RunID: "r", At: opened,
	})
	require.NoError(t, err)
	_, err = recs.ConfirmBills(t.Context(), activities.AnswerInput{Case: set.Case, Key: "k", Person: "alice", At: opened})
	require.NoError(t, err)

	at := opened.Add(time.Minute)
	require.Equal(t, []string{set.Case + "/release"}, v.waiting("ines", at))
	require.Equal(t, []string{number + "/check"}, v.waiting("wido", at))
	require.ElementsMatch(t, []string{number + "/check", set.Case + "/release"}, v.waiting("alice", at), "an administrator acts in both")
	require.Empty(t, v.waiting("bob", at), "another partner's")
}

func TestGivenDecisionsWhenTheyAreListedThenTheNewestIsFirstAndSaysForWhomItWas(t *testing.T) {
	v := chained(t)
	v.hire("chen")
	a, b := v.open("alice", withdrawal.BankCard, "100.00", "a"), v.open("alice", withdrawal.BankCard, "200.00", "b")
	v.absent("li", "chen", opened, opened.Add(24*time.Hour))
	v.answer(a+"/check", "chen", approval.Approve, opened.Add(time.Minute))
	v.answer(b+"/check", "chen", approval.Return, opened.Add(time.Minute), approval.Decision{Reason: "name the branch"})
	var got []string
	after := ""
	for {
		page, err := v.Decided(t.Context(), "chen", after, 1)
		require.NoError(t, err)
		for _, d := range page.Decisions {
			got = append(got, fmt.Sprintf("%s %s for %s: %s, now %s", d.Task, d.Outcome, d.OnBehalf, d.Reason, d.CaseState))
		}
		if after = page.Next; after == "" {
			break
		}
	}
	require.Equal(t, []string{
		b + "/check return for li: name the branch, now AWAITING_CHANGES", a + "/check approve for li: because, now APPROVED",
	}, got)
	page, err := v.Decided(t.Context(), "li", "", 0)
	require.NoError(t, err)
	require.Empty(t, page.Decisions, "others decided it")
	_, err = v.Decided(t.Context(), "li", "x", 0)
	require.ErrorContains(t, err, "is not where a page ends")
	_, err = v.Decided(t.Context(), "nobody", "", 0)
	require.True(t, activities.IsNotFound(err))
}

// The list is compared with what one statement over all tasks says, slow and plain.
func TestGivenAHouseAsLargeAsTheBenchmarksInSmallWhenInboxesArePagedThenTheyAreWhatAPlainLookSays(t *testing.T) {
	db := pgtest.New(t)
	at := time.Date(2026, 11, 3, 4, 0, 0, 0, time.UTC)
	size := inboxbench.Size{Tasks: 4000, Open: 600, People: 60, Partners: 20, Roles: 8, ByRule: 200, Books: true}
	require.NoError(t, inboxbench.Fill(t.Context(), pgtest.Owner(t, db), size, at, func(string) {}))
	var tasks, open int
	require.NoError(t, db.QueryRow(`SELECT count(*), count(*) FILTER (WHERE state = 'open') FROM tasks`).Scan(&tasks, &open))
	require.InDelta(t, size.Tasks, tasks, 4)
	require.Equal(t, size.Open, open)
	var cases, largest, sum int
	require.NoError(t, db.QueryRow(`
		SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM cases WHERE partner_id = $1),
		       (SELECT count(*) FROM accounts a WHERE balance <> (SELECT sum(amount) FROM postings p WHERE p.account = a.account))`, inboxbench.Largest).Scan(&cases, &largest, &sum))
	require.InDelta(t, size.Open+size.ByRule+(size.Tasks-size.Open-size.Open/2)/4, cases, 1)
	require.InDelta(t, cases/10, largest, 1)
	require.Zero(t, sum, "balances are those of the postings")
	r, seen, waiting := views.Reader{DB: db}, 0, 0
	for n := 1; n <= size.People; n += 3 {
		id := fmt.Sprintf("p%d", n)
		var want pq.StringArray
		require.NoError(t, db.Get(&want, plainInboxSQL, id, at))
		got := []string{}
		for f := (views.InboxFilter{Limit: 23}); ; {
			page, err := r.Inbox(t.Context(), id, f, at)
			require.NoError(t, err)
			got = append(got, ids(page)...)
			if f.After = page.Next; page.Next == "" {
				break
			}
		}
		require.Equal(t, []string(want), got, id)
		counts, err := r.InboxCounts(t.Context(), id, at)
		require.NoError(t, err)
		require.Equal(t, len(want), counts.Open, id)
		seen += len(want)

		require.NoError(t, db.Get(&want, plainWaitingSQL, id, want))
		got = []string{}
		for f := (views.InboxFilter{Limit: 23}); ; {
			page, err := r.WaitingForOthers(t.Context(), id, f, at)
			require.NoError(t, err)
			got = append(got, ids(page)...)
			if f.After = page.Next; page.Next == "" {
				break
			}
		}
		require.Equal(t, []string(want), got, id)
		require.Equal(t, len(want), counts.Waiting, id)
		waiting += len(want)
	}
	require.Greater(t, waiting, 100)
	require.Greater(t, seen, 1000, "the house is not empty")

	for _, f := range []views.OverdueFilter{{Limit: 30}, {Kind: "requisition", Limit: 1}, {Escalated: true, Limit: 30}, {Kind: "withdrawal", Escalated: true, Limit: 30}} {
		var want pq.StringArray
		require.NoError(t, db.Get(&want, `
			SELECT coalesce(array_agg(task_id ORDER BY t.due_at, task_id), '{}') FROM tasks t JOIN cases c USING (case_number)
			 WHERE t.state = 'open' AND t.due_at <= $1 AND $2 IN ('', c.kind) AND (NOT $3 OR escalated_at IS NOT NULL)`, at, f.Kind, f.Escalated))
		require.Greater(t, len(want), f.Limit, "%+v", f)
		got := []string{}
		for {
			page, err := r.Overdue(t.Context(), f, at)
			require.NoError(t, err)
			for _, task := range page.Tasks {
				require.True(t, f.Kind == "" || f.Kind == task.Kind)
				got = append(got, task.ID)
			}
			if f.After = page.Next; f.After == "" {
				break
			}
		}
		require.Equal(t, []string(want), got, "%+v", f)
	}
}

// What is open in cases that somebody has a part in, but for what is theirs to decide.
const plainWaitingSQL = `
	SELECT coalesce(array_agg(task_id ORDER BY coalesce(t.due_at, 'infinity'), task_id), '{}') FROM tasks t JOIN cases c USING (case_number)
	 WHERE t.state = 'open' AND task_id <> ALL ($2::text[]) AND ($1 IN (t.opened_by, c.submitter) OR EXISTS (SELECT 1 FROM tasks d WHERE d.case_number = t.case_number AND d.decided_by = $1))`

// Nobody stands in for a submitter and holds the role besides in a way that this would see otherwise: the first principal counts.
const plainInboxSQL = `
	WITH me AS (SELECT $1 AS id, 0 AS n UNION ALL SELECT person_id, 1 FROM absences WHERE substitute = $1 AND from_at <= $2 AND $2 < to_at)
	SELECT coalesce(array_agg(task_id ORDER BY coalesce(t.due_at, 'infinity'), task_id), '{}') FROM tasks t JOIN cases c USING (case_number), LATERAL (
		SELECT me.id FROM me JOIN people p ON p.person_id = me.id
		 WHERE p.partner_id IS NULL AND ('person:' || me.id = ANY (t.candidates)
		    OR EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = me.id AND 'role:' || r.role = ANY (t.candidates)))
		 ORDER BY me.n, me.id LIMIT 1) AS principal
	 WHERE t.state = 'open' AND t.candidates && who_is($1, $2) AND $1 NOT IN (t.opened_by, c.submitter) AND principal.id NOT IN (t.opened_by, c.submitter)
	   AND NOT EXISTS (SELECT 1 FROM tasks d WHERE (d.case_number, d.matter, d.round) = (t.case_number, t.matter, t.round) AND d.decided_by IN ($1, principal.id))`

func TestGivenASessionThatMayOnlyReadWhenInboxesAndExplanationsAreAskedForThenTheyAnswer(t *testing.T) {
	v := lived(t)
	v.db.SetMaxOpenConns(1)
	v.db.MustExec(`SET default_transaction_read_only = on`)
	ctx, at := t.Context(), opened.Add(time.Hour)
	for name, view := range map[string]func() error{
		"inbox":   func() error { _, err := v.Inbox(ctx, "li", views.InboxFilter{Text: "alpha"}, at); return err },
		"waiting": func() error { _, err := v.WaitingForOthers(ctx, "alice", views.InboxFilter{}, at); return err },
		"counts":  func() error { _, err := v.InboxCounts(ctx, "li", at); return err },
		"decided": func() error { _, err := v.Decided(ctx, "li", "", 0); return err },
		"explain": func() error { _, err := v.Explain(ctx, "W000004", at); return err },
		"preview": func() error {
			_, err := v.Preview(ctx, withdrawal.Application{PartnerID: "P1001", Submitter: "alice"}, at)
			return err
		},
		"plan": func() error { _, err := v.InboxQueryPlan(ctx, "li", views.InboxFilter{}, at); return err },
	} {
		require.NoError(t, view(), name)
	}
}
