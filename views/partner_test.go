package views_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/ledger"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/internal/sheet"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// answer is what one page asks, about partner p; its numbers are those of pgtest.Fill.
type answer func(r views.Reader, p string) (any, error)

// of gives a view that takes one thing of a partner by its number.
func of[T any](f func(views.Reader, string) (T, error), column string) answer {
	return func(r views.Reader, p string) (any, error) { return f(r, column+pgtest.Mark(p)) }
}

func TestGivenRowsOfTwoPartnersEverywhere_WhenAPageOfEachIsReadForAPartner_ThenNothingOfTheOtherIsInIt(t *testing.T) {
	db := pgtest.New(t)
	pgtest.Fill(t, db, "P1", "P2")
	ctx, at := t.Context(), time.Date(2025, 3, 3, 9, 0, 0, 0, calendar.Zone)
	month := incentive.Period{First: calendar.Date{Year: 2024, Month: 5, Day: 1}, Months: 1}
	pages := map[string]answer{
		"cases":          func(r views.Reader, p string) (any, error) { return r.Cases(ctx, views.CaseFilter{Partner: p}) },
		"all cases":      func(r views.Reader, p string) (any, error) { return r.Cases(ctx, views.CaseFilter{}) },
		"page of cases":  func(r views.Reader, p string) (any, error) { return r.CasePage(ctx, p, views.CaseSearch{}) },
		"case":           of(func(r views.Reader, id string) (views.CaseDetail, error) { return r.CaseDetail(ctx, id) }, "case_number"),
		"remarks":        of(func(r views.Reader, id string) ([]views.Remark, error) { return r.Remarks(ctx, id) }, "case_number"),
		"tasks":          func(r views.Reader, p string) (any, error) { return r.Tasks(ctx, views.TaskFilter{All: true}) },
		"task":           of(func(r views.Reader, id string) (views.Task, error) { return r.Task(ctx, id) }, "task_id"),
		"case documents": of(func(r views.Reader, id string) ([]views.CaseDocument, error) { return r.CaseDocuments(ctx, id) }, "case_number"),
		"balances":       func(r views.Reader, p string) (any, error) { return r.Balances(ctx, p) },
		"all balances":   func(r views.Reader, p string) (any, error) { return r.Balances(ctx, "") },
		"available":      func(r views.Reader, p string) (any, error) { return r.Available(ctx, p, at) },
		"statement": func(r views.Reader, p string) (any, error) {
			return r.Statement(ctx, ledger.Cash(p), month.First, calendar.Date{})
		},
		"month statement": func(r views.Reader, p string) (any, error) { return r.MonthStatement(ctx, ledger.Cash(p), month) },
		"sheet":           func(r views.Reader, p string) (any, error) { return r.Sheet(ctx, p, month) },
		"incentive month": func(r views.Reader, p string) (any, error) { return r.IncentiveMonth(ctx, p, month, at) },
		"estimate":        func(r views.Reader, p string) (any, error) { return r.Estimate(ctx, p, month, at) },
		"lines":           func(r views.Reader, p string) (any, error) { return r.Lines(ctx, views.LineFilter{Partner: p}, 10) },
		"all lines":       func(r views.Reader, p string) (any, error) { return r.Lines(ctx, views.LineFilter{}, 10) },
		"bills":           func(r views.Reader, p string) (any, error) { return r.Bills(ctx, views.BillFilter{Partner: p}, at) },
		"bill":            of(func(r views.Reader, id string) (views.BillDetail, error) { return r.Bill(ctx, id, at) }, "bill_id"),
		"requisitions": func(r views.Reader, p string) (any, error) {
			return r.Requisitions(ctx, views.RequisitionFilter{Partner: p})
		},
		"requisition":  of(func(r views.Reader, id string) (views.RequisitionDetail, error) { return r.Requisition(ctx, id) }, "case_number"),
		"staff":        func(r views.Reader, p string) (any, error) { return r.Staff(ctx, p, at) },
		"invoice list": of(func(r views.Reader, id string) (views.InvoiceList, error) { return r.InvoiceList(ctx, id, at) }, "case_number"),
		"owed":         func(r views.Reader, p string) (any, error) { return r.Owed(ctx, p, true) },
		"certificates": func(r views.Reader, p string) (any, error) {
			return r.Certificates(ctx, views.CertificateFilter{Partner: p}, at)
		},
		"certificate": of(func(r views.Reader, id string) (views.Certificate, error) { return r.Certificate(ctx, id, at) }, "certificate_no"),
		"solutions": func(r views.Reader, p string) (any, error) {
			return r.Solutions(ctx, views.SolutionFilter{Partner: p}, at)
		},
		"baselines":   func(r views.Reader, p string) (any, error) { return r.Baselines(ctx, p) },
		"baseline":    of(func(r views.Reader, id string) (views.Baseline, error) { return r.Baseline(ctx, id) }, "case_number"),
		"offerings":   func(r views.Reader, p string) (any, error) { return r.Offerings(ctx, p) },
		"invitations": func(r views.Reader, p string) (any, error) { return r.Invitations(ctx, p, "") },
		"invitation":  of(func(r views.Reader, id string) (views.Invitation, error) { return r.Invitation(ctx, id) }, "case_number"),
		"members":     func(r views.Reader, p string) (any, error) { return r.Members(ctx, p, "person_id"+pgtest.Mark(p), nil) },
		"specialists": func(r views.Reader, p string) (any, error) {
			return r.Specialists(ctx, p, "person_id"+pgtest.Mark(p), nil)
		},
		"specialist case": of(func(r views.Reader, id string) (views.SpecialistCase, error) { return r.SpecialistCase(ctx, id) }, "case_number"),
		"quarter": func(r views.Reader, p string) (any, error) {
			return r.Quarter(ctx, p, calendar.QuarterOf(month.First), at)
		},
		"quarters":       func(r views.Reader, p string) (any, error) { return r.Quarters(ctx, p) },
		"invoice lists":  func(r views.Reader, p string) (any, error) { return r.InvoiceLists(ctx, p, at) },
		"quarter's case": of(func(r views.Reader, id string) (views.QuarterCase, error) { return r.QuarterOfCase(ctx, id) }, "case_number"),
		"solution":       of(func(r views.Reader, id string) (views.SolutionDetail, error) { return r.Solution(ctx, id, at) }, "case_number"),
		"persons": func(r views.Reader, p string) (any, error) {
			return r.Persons(ctx, p, "person_id"+pgtest.Mark(p), views.PersonFilter{}, nil)
		},
		"person": func(r views.Reader, p string) (any, error) {
			return r.Details(ctx, "person_id"+pgtest.Mark(p), "person_id"+pgtest.Mark(p), nil)
		},
		"roles": func(r views.Reader, p string) (any, error) { return r.RolesOf(ctx, p, "person_id"+pgtest.Mark(p)) },
		"contacts": func(r views.Reader, p string) (any, error) {
			return r.Contacts(ctx, p, "person_id"+pgtest.Mark(p), []string{"email"})
		},
		"customers": func(r views.Reader, p string) (any, error) {
			return r.ManagedCustomers(ctx, "person_id"+pgtest.Mark(p), views.CustomerFilter{}, nil)
		},
		"own account": func(r views.Reader, p string) (any, error) {
			return r.AccountInformation(ctx, "person_id"+pgtest.Mark(p), "", at)
		},
		"audit log":      func(r views.Reader, p string) (any, error) { return r.AuditLog(ctx, p, "person_id"+pgtest.Mark(p), 0) },
		"qualifications": of(func(r views.Reader, id string) ([]views.Qualification, error) { return r.Qualifications(ctx, id) }, "account_id"),
		"explained line": func(r views.Reader, p string) (any, error) { return r.ExplainLine(ctx, int64(p[1]-'0'), 1, 10) },
		"company":        func(r views.Reader, p string) (any, error) { return r.CompanyOf(ctx, p, at) },
		"case entries":   of(func(r views.Reader, id string) (any, error) { return r.CaseEntries(ctx, id) }, "case_number"),
		"partner's name": func(r views.Reader, p string) (any, error) { return r.PartnerName(ctx, p) },
		"lab credits":    func(r views.Reader, p string) (any, error) { return r.LabCredits(ctx, p) },
		"lab credit":     of(func(r views.Reader, id string) (views.LabCredit, error) { return r.LabCredit(ctx, id) }, "case_number"),
		"tier upgrades":  func(r views.Reader, p string) (any, error) { return r.TierUpgrades(ctx, p) },
		"tier upgrade":   of(func(r views.Reader, id string) (views.TierUpgradeDetail, error) { return r.TierUpgradeOf(ctx, id) }, "case_number"),
	}
	read := func(as, about string, page answer) (string, error) {
		var text []byte
		err := views.Reader{DB: db}.ForPartner(ctx, as, func(r views.Reader) error {
			got, err := page(r, about)
			if err != nil {
				return err
			}
			text, err = json.Marshal(got)
			return err
		})
		return string(text), err
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			own, err := read("P1", "P1", page)
			require.NoError(t, err)
			require.NotContains(t, own, "P2")
			require.Contains(t, own, "P1")
			foreign, err := read("P2", "P1", page)
			require.Truef(t, err == nil || activities.IsNotFound(err) || activities.RefusalOf(err) != nil, "%v", err)
			require.NotContains(t, strings.ReplaceAll(foreign, `"partner":"P1"`, ""), "P1", "but for the question itself")
		})
	}
}

func TestGivenWhatTheVendorsPeopleSaid_WhenThePartnerReadsIt_ThenNotWhoSaidItOrForWhom(t *testing.T) {
	db := pgtest.New(t)
	pgtest.Fill(t, db, "P1")
	owner := pgtest.Owner(t, db)
	owner.SetMaxOpenConns(1) // so that the SET holds
	for _, change := range []string{
		`SET session_replication_role = replica`, `UPDATE approvals SET matter = 'project'`, `UPDATE decisions SET matter = 'project', act = 'ask', reason = 'mend it'`,
		`UPDATE events SET note = 'on behalf of li: mend it', action = 'ask'`,
	} {
		owner.MustExec(change)
	}
	number := "case_number" + pgtest.Mark("P1")
	all, err := views.Reader{DB: db}.Baseline(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, []string{"person_id" + pgtest.Mark("P1") + ": mend it"}, all.Comments)
	detail, err := views.Reader{DB: db}.CaseDetail(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, "on behalf of li: mend it", detail.Timeline[0].Note)
	require.NoError(t, views.Reader{DB: db}.ForPartner(t.Context(), "P1", func(r views.Reader) error {
		own, err := r.Baseline(t.Context(), number)
		require.Equal(t, []string{"mend it"}, own.Comments)
		require.NoError(t, err)
		detail, err := r.CaseDetail(t.Context(), number)
		require.Equal(t, "mend it", detail.Timeline[0].Note)
		return err
	}))
}

func TestGivenNoPartner_WhenSomethingIsReadForIt_ThenNothingIs(t *testing.T) {
	err := views.Reader{DB: pgtest.New(t)}.ForPartner(t.Context(), "", func(views.Reader) error { panic("not reached") })
	require.True(t, activities.IsNotFound(err))
}

// The house of the demo, with cases that lived: what a partner's page shows of them.
func TestGivenCasesThatLived_WhenTheirPartnerReadsThem_ThenItIsToldWhatBecameOfThemAndNotWhoOfTheVendorIsThere(t *testing.T) {
	v := lived(t)
	alice := func(read func(views.Reader) error) {
		t.Helper()
		require.NoError(t, v.ForPartner(t.Context(), "P1001", read))
	}
	alice(func(r views.Reader) error {
		d, err := r.CaseDetail(t.Context(), "W000003")
		require.NoError(t, err)
		require.Equal(t, withdrawal.Refused, d.State)
		require.Equal(t, "papers are missing", d.Tasks[0].Reason)
		require.Equal(t, "reject", d.Timeline[1].Action)
		require.Empty(t, d.Timeline[1].Hash)

		e, err := r.Explain(t.Context(), "W000004", opened)
		require.NoError(t, err)
		require.Contains(t, e.Summary, "waits for W000004/review (role vendor-finance)")
		require.Empty(t, e.Waits[0].Deciders)

		p, err := r.Preview(t.Context(), withdrawal.Application{
			PartnerID: "P1001", Submitter: "alice", Route: withdrawal.Incentive, Amount: "10.00",
			Payee: withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"},
		}, opened)
		require.NoError(t, err)
		require.Empty(t, p.Refused)
		require.NotEmpty(t, p.Steps)
		require.Empty(t, p.Warnings)
		require.Contains(t, p.Steps[0].Asked, "role ")

		member, err := r.Tier(t.Context(), "P1001", opened)
		require.NoError(t, err)
		require.Empty(t, member)
		_, err = r.Tier(t.Context(), "P1002", opened)
		require.True(t, activities.IsNotFound(err))

		_, err = r.Preview(t.Context(), withdrawal.Application{PartnerID: "P1002", Submitter: "alice"}, opened)
		require.NoError(t, err, "refused as an unknown partner's")
		own, err := r.Available(t.Context(), "P1001", opened.Add(48*time.Hour))
		require.NoError(t, err)
		require.Equal(t, "12800.00", own.Withdrawable.String(), "as the programme works it out")
		return nil
	})
	require.ErrorContains(t, v.ForPartner(t.Context(), "P1001", func(r views.Reader) error {
		_, err := r.Outbox(t.Context(), "alice", true)
		return err
	}), "permission denied")
	var who string
	require.NoError(t, v.db.Get(&who, `SELECT current_user || coalesce(current_setting('countersign.partner', true), '')`))
	require.Equal(t, "countersign_programme", who, "the connection goes back as it came")
}

func TestGivenAReviewWithAnOpinion_WhenThePartnerReadsTheCase_ThenItHearsTheVerdictAndTheCommentOnly(t *testing.T) {
	v := newVendor(t)
	number := v.open("alice", withdrawal.BankCard, "100.00", "a")
	at := opened.Add(time.Minute)
	v.decide(number, withdrawal.Review, approval.Decision{Key: "1", Outcome: approval.Comment, Reason: "the invoice is awaited"}, at)
	v.decide(number, withdrawal.Review, approval.Decision{Key: "2", Outcome: approval.Delegate, To: "wang", Reason: "is this one a friend?"}, at.Add(time.Minute))
	v.decide(number, withdrawal.Review, approval.Decision{Key: "3", Person: "wang", Outcome: approval.Reject, Reason: "never seen them"}, at.Add(2*time.Minute))
	v.decide(number, withdrawal.Review, approval.Decision{Key: "4", Outcome: approval.Reject, Reason: "papers are missing"}, at.Add(3*time.Minute))
	read := func(r views.Reader) string {
		d, err := r.CaseDetail(t.Context(), number)
		require.NoError(t, err)
		e, err := r.Explain(t.Context(), number, at)
		require.NoError(t, err)
		text, err := json.Marshal([]any{d, e})
		require.NoError(t, err)
		return string(text)
	}
	all := read(v.Reader)
	require.NoError(t, v.ForPartner(t.Context(), "P1001", func(r views.Reader) error {
		told := read(r)
		for _, said := range []string{"the invoice is awaited", "papers are missing"} {
			require.Contains(t, told, said)
		}
		for _, said := range []string{"is this one a friend?", "never seen them"} {
			require.Contains(t, all, said)
			require.NotContains(t, told, said)
		}
		return nil
	}))
}

// A connection keeps its statements prepared, and Postgres the plans of those that were asked often: they must not outlive the role.
func TestGivenOneConnection_WhenTwoPartnersAndTheProgrammeTakeTurns_ThenEachGetsItsOwnAnswer(t *testing.T) {
	v := lived(t)
	v.db.SetMaxOpenConns(1)
	found := func(r views.Reader) bool {
		c, err := r.Case(t.Context(), "W000001")
		require.True(t, err == nil && c.Number == "W000001" || activities.IsNotFound(err), "%v", err)
		return err == nil
	}
	for range 8 {
		for partner, sees := range map[string]bool{"P1001": true, "P1002": false, "P9999": false} {
			require.NoError(t, v.ForPartner(t.Context(), partner, func(r views.Reader) error {
				require.Equal(t, sees, found(r), partner)
				return nil
			}))
		}
		require.True(t, found(v.Reader))
	}
}

func TestGivenAPartnersStatement_WhenItIsExported_ThenBothFormatsHoldItsLinesAndTextStaysText(t *testing.T) {
	v := lived(t)
	pgtest.Owner(t, v.db).MustExec(`ALTER TABLE entries DISABLE TRIGGER USER; UPDATE entries SET memo = '=1+1' WHERE case_number = 'W000003' AND memo LIKE 'held%'`)
	var s views.Statement
	require.NoError(t, v.ForPartner(t.Context(), "P1001", func(r views.Reader) (err error) {
		s, err = r.MonthStatement(t.Context(), "P.CASH:P1001", incentive.Period{First: calendar.DateOf(opened).AddDays(-2), Months: 1})
		return err
	}))
	require.Equal(t, "2026-11-01 2026-11-30 0.00 12800.00", fmt.Sprint(s.From, " ", s.To, " ", s.Opening, " ", s.Closing))
	var text, book bytes.Buffer
	require.NoError(t, s.Write(&text, sheet.CSV, views.StatementColumns, "opening", "closing"))
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	require.Equal(t, "\ufefftime (UTC+8),entry,case,what for,amount,balance", lines[0])
	require.Equal(t, "2026-11-01,,,opening,,0.00", lines[1])
	require.Contains(t, text.String(), ",W000003,'=1+1,-100.00,")
	require.Equal(t, "2026-11-30,,,closing,,12800.00", lines[len(lines)-1])

	require.NoError(t, s.Write(&book, sheet.XLSX, []string{"时间", "分录", "申请", "事由", "金额", "余额"}, "期初", "期末"))
	f, err := excelize.OpenReader(&book)
	require.NoError(t, err)
	defer f.Close()
	cells, err := f.GetRows("Sheet1")
	require.NoError(t, err)
	require.Len(t, cells, len(s.Lines)+3)
	require.Equal(t, []string{"时间", "分录", "申请", "事由", "金额", "余额"}, cells[0])
	require.Equal(t, "12,800.00", cells[len(cells)-1][5])
}

func TestGivenAPartnersCases_WhenTheyAreListedByPage_ThenTheNewestComeFirstAndFiltersNarrow(t *testing.T) {
	v := lived(t)
	list := func(f views.CaseSearch) (numbers []string, next string) {
		t.Helper()
		require.NoError(t, v.ForPartner(t.Context(), "P1001", func(r views.Reader) error {
			page, err := r.CasePage(t.Context(), "P1001", f)
			for _, c := range page.Cases {
				numbers = append(numbers, c.Number)
			}
			next = page.Next
			return err
		}))
		return numbers, next
	}
	all, next := list(views.CaseSearch{})
	require.Equal(t, []string{"W000005", "W000004", "W000003", "W000002", "W000001"}, all)
	require.Empty(t, next)
	first, next := list(views.CaseSearch{Limit: 2})
	require.Equal(t, all[:2], first)
	second, next := list(views.CaseSearch{Limit: 2, After: next})
	require.Equal(t, all[2:4], second)
	last, next := list(views.CaseSearch{Limit: 2, After: next})
	require.Equal(t, all[4:], last)
	require.Empty(t, next)
	day := calendar.DateOf(opened)
	for _, c := range []struct {
		search views.CaseSearch
		want   []string
	}{
		{views.CaseSearch{State: withdrawal.Refused}, []string{"W000003"}},
		{views.CaseSearch{State: withdrawal.Paid, Kind: withdrawal.Kind}, []string{"W000001"}},
		{views.CaseSearch{Open: true}, []string{"W000005", "W000004"}},
		{views.CaseSearch{Open: true, From: day, To: day, Text: "ALPHA"}, []string{"W000005", "W000004"}},
		{views.CaseSearch{Text: "0002"}, []string{"W000002"}},
		{views.CaseSearch{Kind: "requisition"}, nil},
		{views.CaseSearch{From: day.AddDays(1)}, nil},
	} {
		found, _ := list(c.search)
		require.Equal(t, c.want, found, "%+v", c.search)
	}
	_, err := v.CasePage(t.Context(), "P1001", views.CaseSearch{After: "'; DROP"})
	refusedWith(t, err, "COM-08", "CBC.0100")
	_, err = v.CasePage(t.Context(), "P9999", views.CaseSearch{})
	require.True(t, activities.IsNotFound(err))
}
