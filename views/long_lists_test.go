package views_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/internal/inboxbench"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// One house as the benchmark's, in small: what pages read of long lists is what the whole lists say.
func TestGivenAPartnerWithManyCases_WhenItsListsAreReadInPages_ThenTheyAreTheWholeLists(t *testing.T) {
	db := pgtest.New(t)
	ctx, at := t.Context(), time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	size := inboxbench.Size{Tasks: 4000, Open: 600, People: 60, Partners: 20, Roles: 8, ByRule: 30_000, Books: true}
	require.NoError(t, inboxbench.Fill(ctx, pgtest.Owner(t, db), size, at, func(string) {}))
	const p = inboxbench.Largest
	r := views.Reader{DB: db}

	t.Run("the days of accounts and the inboxes are what the triggers keep", func(t *testing.T) {
		found, err := r.Verify(ctx, nil)
		require.NoError(t, err)
		for _, f := range found.Findings {
			require.NotContains(t, []string{"day", "inbox"}, f.Check, f.Message)
		}
	})
	require.NoError(t, r.ForPartner(ctx, p, func(r views.Reader) error {
		first, last := calendar.Date{Year: 2026, Month: 10, Day: 1}, calendar.Date{Year: 2026, Month: 10, Day: 31}
		whole, err := r.Statement(ctx, "P.CASH:"+p, first, last)
		require.NoError(t, err)
		require.Greater(t, len(whole.Lines), 100)
		var lines []views.Movement
		const size = 5
		within := false
		for after, pages := (views.StatementPlace{}), 0; ; pages++ {
			page, err := r.StatementPage(ctx, "P.CASH:"+p, first, last, after, size)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Lines), size)
			if len(lines) > 0 {
				require.Equal(t, lines[len(lines)-1].Balance, page.Opening)
			}
			require.Equal(t, len(whole.Lines), page.Count)
			require.Equal(t, []string{whole.Opening.String(), whole.Closing.String()}, []string{page.Whole.Opening.String(), page.Whole.Closing.String()})
			lines = append(lines, page.Lines...)
			require.Equal(t, page.Closing, lines[len(lines)-1].Balance)
			if page.Next.IsZero() {
				require.Greater(t, pages, 3)
				break
			}
			within = within || page.Next.After > 0
			after, err = views.ParseStatementPlace(page.Next.String())
			require.NoError(t, err)
			require.Equal(t, page.Next, after)
		}
		require.Equal(t, whole.Lines, lines)
		require.True(t, within, "a day is longer than a page")
		_, err = views.ParseStatementPlace("2026-11-03_x")
		require.Error(t, err)

		all, err := r.Balances(ctx, p)
		require.NoError(t, err)
		parts, err := r.OwnBalances(ctx, p)
		require.NoError(t, err)
		for after := ledger.Account(""); ; {
			some, err := r.CustomerBalances(ctx, p, after, 250)
			require.NoError(t, err)
			if len(some) == 0 {
				break
			}
			parts, after = append(parts, some...), some[len(some)-1].Account
		}
		require.ElementsMatch(t, all, parts)
		require.Greater(t, len(parts), 600)

		credits, err := r.LabCredits(ctx, p)
		require.NoError(t, err)
		newest, err := r.NewestLabCredits(ctx, p, "", 3)
		require.NoError(t, err)
		require.Len(t, newest, 3)
		require.Equal(t, credits[len(credits)-1], newest[0])
		invitations, err := r.Invitations(ctx, p, "")
		require.NoError(t, err)
		begun, err := r.InvitationPage(ctx, p, "", 5)
		require.NoError(t, err)
		require.Equal(t, invitations[:5], begun.Invitations)
		var seen []views.Invitation
		for after, pages := "", 0; ; pages++ {
			page, err := r.InvitationPage(ctx, p, after, 50)
			require.NoError(t, err)
			seen = append(seen, page.Invitations...)
			if after = page.Next; after == "" {
				require.Greater(t, pages, 1)
				break
			}
		}
		require.Equal(t, invitations, seen)

		members, err := r.Members(ctx, p, inboxbench.Administrator, nil)
		require.NoError(t, err)
		next, err := r.SomeMembers(ctx, p, inboxbench.Administrator, views.MemberFilter{After: members[1].Account, Limit: 2}, nil)
		require.NoError(t, err)
		require.Equal(t, members[2:4], next)
		number := members[3].Account[1:]
		for text, want := range map[string][]views.Member{members[3].Account: members[3:4], " MEMBER " + number + " ": members[3:4], "member-" + number: members[3:4], "mber " + number: {}} {
			found, err := r.SomeMembers(ctx, p, inboxbench.Administrator, views.MemberFilter{Text: text}, nil)
			require.NoError(t, err)
			require.Equal(t, want, found, text)
		}
		specialists, err := r.Specialists(ctx, p, inboxbench.Administrator, nil)
		require.NoError(t, err)
		some, err := r.SomeSpecialists(ctx, p, inboxbench.Administrator, views.MemberFilter{After: members[1].Account, Limit: 2}, nil)
		require.NoError(t, err)
		require.Equal(t, specialists.Members[2:4], some.Members)
		require.Equal(t, specialists.SpecialistFigures, some.SpecialistFigures)

		people, err := r.Persons(ctx, p, inboxbench.Administrator, views.PersonFilter{}, nil)
		require.NoError(t, err)
		after, err := r.Persons(ctx, p, inboxbench.Administrator, views.PersonFilter{After: people[19].Person, Limit: 20}, nil)
		require.NoError(t, err)
		require.Equal(t, people[20:40], after)
		return nil
	}))
	const other = "P2"
	require.NoError(t, r.ForPartner(ctx, other, func(r views.Reader) error {
		all, err := r.Bills(ctx, views.BillFilter{Partner: other, NewestFirst: true}, at)
		require.NoError(t, err)
		page, err := r.Bills(ctx, views.BillFilter{Partner: other, NewestFirst: true, After: all[1].ID, Limit: 2}, at)
		require.NoError(t, err)
		require.Equal(t, all[2:4], page)
		free, err := r.Bills(ctx, views.BillFilter{Partner: other, Unrequested: true}, at)
		require.NoError(t, err)
		require.NotEmpty(t, free)
		for _, b := range free {
			require.False(t, b.Requested, b.ID)
		}
		require.Less(t, len(free), len(all))

		requisitions, err := r.NewestRequisitions(ctx, other, "", 0)
		require.NoError(t, err)
		some, err := r.NewestRequisitions(ctx, other, requisitions[0].Case, 1)
		require.NoError(t, err)
		require.Equal(t, requisitions[1:2], some)
		oldest, err := r.Requisitions(ctx, views.RequisitionFilter{Partner: other})
		require.NoError(t, err)
		slices.Reverse(oldest)
		require.Equal(t, requisitions, oldest)
		lists, err := r.InvoiceLists(ctx, other, at)
		require.NoError(t, err)
		listed, err := r.SomeInvoiceLists(ctx, other, views.InvoiceFilter{After: lists[0].Case, Limit: 1}, at)
		require.NoError(t, err)
		require.Equal(t, lists[1:2], listed)
		open, err := r.SomeInvoiceLists(ctx, other, views.InvoiceFilter{Open: true}, at)
		require.NoError(t, err)
		require.Less(t, len(open), len(lists))

		return nil
	}))

	t.Run("a search goes through 2,000 cases at once, and says so", func(t *testing.T) {
		var oldest string
		require.NoError(t, db.Get(&oldest, `SELECT case_number FROM cases WHERE partner_id = $1 ORDER BY opened_at LIMIT 1`, p))
		found, err := r.CasePage(ctx, p, views.CaseSearch{Text: oldest})
		require.NoError(t, err)
		require.Len(t, found.Cases, 1, "a whole number is found however old the case is")
		search := views.CaseSearch{Text: oldest[:len(oldest)-1]} // a part of it
		first, err := r.CasePage(ctx, p, search)
		require.NoError(t, err)
		require.Equal(t, 2000, first.Searched)
		seen := 0
		for pages := 0; ; pages++ {
			page, err := r.CasePage(ctx, p, search)
			require.NoError(t, err)
			seen += len(page.Cases)
			if search.After = page.Next; search.After == "" {
				require.Zero(t, page.Searched)
				break
			}
			require.Less(t, pages, 5)
		}
		var want int
		require.NoError(t, db.Get(&want, `SELECT count(*) FROM cases WHERE partner_id = $1 AND case_number LIKE $2 || '%'`, p, oldest[:len(oldest)-1]))
		require.Equal(t, want, seen)
	})
	t.Run("cases of all partners are found by whatever narrows them", func(t *testing.T) {
		day := calendar.Date{Year: 2026, Month: 10, Day: 1}
		for _, f := range []views.CaseSearch{
			{},
			{Kind: "lab-credit"},
			{State: "PAID"},
			{Open: true},
			{Kind: "invitation", State: "BOUND", Open: true},
			{State: "UNDER_REVIEW"},
			{Kind: "tier-upgrade"},
			{Kind: "withdrawal", State: "BOUND"},
			{State: "nothing"},
			{Text: "alpha"},
			{Text: "P7", Kind: "reconciliation"},
			{Text: "P2", Open: true},
			{Text: "beta", State: "COMPLETED"},
			{Text: "nobody"},
			{From: day, To: day.AddDays(2)},
			{Kind: "requisition", From: day},
			{Text: "gamma", To: day},
		} {
			instant := func(d calendar.Date, days int) sql.NullTime {
				return sql.NullTime{Time: d.AddDays(days).Start(), Valid: !d.IsZero()}
			}
			var want []string
			require.NoError(t, db.Select(&want, `
				SELECT case_number FROM cases c JOIN partners p USING (partner_id)
				 WHERE $1 IN ('', c.kind) AND $2 IN ('', c.state) AND (NOT $3 OR closed_at IS NULL) AND (p.partner_id ILIKE '%' || $4 || '%' OR name ILIKE '%' || $4 || '%')
				   AND ($5::timestamptz IS NULL OR opened_at >= $5) AND ($6::timestamptz IS NULL OR opened_at < $6) ORDER BY opened_at DESC, case_number DESC LIMIT 70`,
				f.Kind, f.State, f.Open, f.Text, instant(f.From, 0), instant(f.To, 1)))
			var got []string
			for f.Limit = 30; len(got) < 70; {
				page, err := r.AnyCases(ctx, f)
				require.NoError(t, err)
				for _, c := range page.Cases {
					got = append(got, c.Number)
				}
				if f.After = page.Next; f.After == "" {
					break
				}
			}
			require.Equal(t, want, got[:min(len(got), 70)], "%+v", f)
		}
	})
	t.Run("events are found however far back the search goes", func(t *testing.T) {
		var who string
		require.NoError(t, db.Get(&who, `SELECT submitter FROM cases WHERE submitter LIKE 'P7-%' LIMIT 1`))
		for _, f := range []views.AuditFilter{{Person: who}, {Partner: "P7"}, {Partner: "P7", Person: "rule", To: at.AddDate(0, 0, -100)}} {
			f.From, f.Limit = at.AddDate(0, 0, -200), 200
			before := f.To
			if before.IsZero() {
				before = at
			}
			want, seen := []string{}, []string{}
			require.NoError(t, db.Select(&want, `
				SELECT case_number || ' ' || action || ' ' || partner_id FROM events JOIN cases USING (case_number)
				 WHERE $1 IN ('', actor) AND $2 IN ('', partner_id) AND at >= $3 AND at < $4 ORDER BY at DESC, case_number DESC, seq DESC`, f.Person, f.Partner, f.From, before))
			for {
				page, err := r.Audit(ctx, f, at)
				require.NoError(t, err)
				for _, l := range page.Lines {
					seen = append(seen, l.Object+" "+l.What+" "+l.Partner)
				}
				if f.After = page.Next; f.After == "" {
					break
				}
			}
			require.Equal(t, want, seen)
			require.Greater(t, len(want), 400, "%+v", f)
		}
	})
}
