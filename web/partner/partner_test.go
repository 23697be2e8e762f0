package partner_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/internal/documents"
	"countersign/internal/pgtest"
	"countersign/web/console"
	"countersign/web/page"
	"countersign/web/partner"
	"countersign/web/signin"
	"countersign/web/webtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// side is the partners' side over a database.
type side struct {
	*webtest.Site
	t  *testing.T
	at time.Time // when what the tests lay in happened
}

func newSide(t *testing.T, db *sqlx.DB) *side {
	t.Helper()
	pages, err := page.New(signin.Book, console.Book, partner.Book)
	require.NoError(t, err)
	store, err := documents.Open(db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: []string{"image/png", "application/pdf"}})
	require.NoError(t, err)
	c := &partner.Console{
		Pages: pages, Codes: &activities.Codes{DB: db}, Documents: &activities.Documents{DB: db, Store: store}, Certificate: "https://certificates.example",
		Desk: desk.Desk{DB: db, Temporal: func(context.Context) (client.Client, error) { return nil, errors.New("no Temporal here") }},
	}
	pages.Nav = c.Nav
	return &side{webtest.New(t, db, pages, c.Routes), t, time.Now().Add(-48 * time.Hour)}
}

func demoSide(t *testing.T) *side {
	t.Helper()
	return newSide(t, webtest.Loaded(t, demo.Programme, time.Now().Add(-49*time.Hour)))
}

func (s *side) withdrawals() *activities.Withdrawals {
	return &activities.Withdrawals{DB: s.DB, Channel: activities.ByHand{}}
}

// colleague is somebody whom alice puts into the organisation of P1001, with these roles, and who has a password of their own.
func (s *side) colleague(account string, roles ...person.Role) string {
	s.t.Helper()
	made, err := (&activities.Organisation{DB: s.DB}).CreatePerson(s.t.Context(), activities.CreatePersonInput{
		Partner: "P1001", Entry: organisation.Entry{Account: account, Name: account, Mobile: "1380000" + fmt.Sprint(1000+len(account)+int(account[0])), Email: account + "@alpha.example", Roles: roles},
		Asked: activities.Asked{By: "alice", Key: account, At: s.at},
	})
	require.NoError(s.t, err)
	s.DB.MustExec(`UPDATE organisation_people SET must_change = false WHERE person_id = $1`, made.ID)
	return made.ID
}

// open applies for a withdrawal of P1001.
func (s *side) open(key, amount string) string {
	s.t.Helper()
	now, err := s.withdrawals().OpenWithdrawal(s.t.Context(), activities.OpenWithdrawalInput{WorkflowID: "withdrawal/P1001/" + key, RunID: "run-" + key, At: s.at, Application: withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: "alice", Route: withdrawal.BankCard, Amount: amount, Code: s.SendCode("alice", "P1001", s.at),
		Payee: withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"},
	}})
	require.NoError(s.t, err)
	return now.Case
}

func (s *side) decide(number string, m approval.Matter, d approval.Decision) {
	s.t.Helper()
	d.Task = approval.TaskID(number, m.Name, 1)
	d.Key = d.Task
	_, err := s.withdrawals().DecideWithdrawal(s.t.Context(), activities.DecideInput{Decision: d, At: s.at.Add(time.Hour)})
	require.NoError(s.t, err)
}

// returned is a case that li sent back.
func (s *side) returned(key string) string {
	s.t.Helper()
	number := s.open(key, "500.00")
	s.decide(number, withdrawal.Review, approval.Decision{Person: "li", Outcome: approval.Return, Reason: "the branch is <wrong>"})
	return number
}

// paid is a case whose money arrived.
func (s *side) paid(key string) string {
	s.t.Helper()
	number := s.open(key, "500.00")
	s.decide(number, withdrawal.Review, approval.Decision{Person: "li", Outcome: approval.Approve})
	s.decide(number, withdrawal.Send, approval.Decision{Person: "li", Outcome: withdrawal.Sent})
	s.decide(number, withdrawal.Confirm, approval.Decision{Person: "li", Outcome: withdrawal.Arrived, Amount: "500.00", Reference: "B-" + key})
	return number
}

// has asserts that a page says something, however it is escaped.
func has(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.Contains(t, html.UnescapeString(body), text)
	}
}

// application is what alice enters.
func application(pairs ...string) url.Values {
	form := url.Values{
		"key": {"k1"}, "route": {"BANK_CARD"}, "amount": {"500.00"}, "holder": {"Alpha Cloud Ltd"}, "account_no": {"6222020200112233"}, "bank": {"ICBC"}, "branch": {"Beijing West"}, "do": {"preview"},
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func TestTheFrontPageSaysWhatCanBeWithdrawnAndWhatIsOpen(t *testing.T) {
	s := demoSide(t)
	open, back := s.open("a", "800.00"), s.returned("b")
	status, body := s.As("alice", http.MethodGet, "/partner", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Alpha Cloud", open, back, "Waiting for you", "14,700.00 CNY", "UTC+8", "Apply for a withdrawal")
	status, body = s.Get("alice", "zh", "/partner")
	require.Equal(t, http.StatusOK, status)
	has(t, body, "可提现合计", "待您处理")
	_, body = s.As("bob", http.MethodGet, "/partner", nil)
	has(t, body, "Beta Integration", "Nothing is open.")
	require.NotContains(t, body, open)
}

func TestAPreviewDrawsWhoWillDecideAndRefusalsStandNextToTheirFields(t *testing.T) {
	s := demoSide(t)
	status, body := s.As("alice", http.MethodGet, "/partner/withdrawals/new", nil)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, webtest.Hidden(body, "key").Get("key"))

	status, body = s.As("alice", http.MethodPost, "/partner/withdrawals", application("do", "code"))
	require.Equal(t, http.StatusOK, status)
	has(t, body, "A code was sent")
	require.Contains(t, body, `value="500.00"`, "what was entered stays")
	sent := s.Code("alice")
	require.Len(t, sent, 6)

	status, body = s.As("alice", http.MethodPost, "/partner/withdrawals", application("code", sent))
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Preview: nothing is submitted yet", "500.00 CNY", "Review")

	wrong := application("amount", "1.234", "route", "PIGEON", "holder", "Somebody <else>", "branch", "", "code", "000000")
	status, body = s.As("alice", http.MethodPost, "/partner/withdrawals", wrong)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Regexp(t, `(?s)<input id="amount"[^>]* aria-invalid="true"[^>]*>.{0,400}id="amount-wrong"><p class="wrong"`, body)
	require.Regexp(t, `<fieldset class="field" aria-invalid="true" aria-describedby="route-wrong"`, body)
	require.Contains(t, body, `href="#amount-wrong"`, "the list of all reasons leads to the field")
	require.NotContains(t, body, "<else>")
	require.Contains(t, body, `value="1.234"`)
	var cases int
	require.NoError(t, s.DB.Get(&cases, `SELECT count(*) FROM cases`))
	require.Zero(t, cases)
}

func TestACaseTellsItsPartnerWhereItStandsAndNotWhoOfTheVendorIsThere(t *testing.T) {
	s := demoSide(t)
	number := s.returned("a")
	status, body := s.As("alice", http.MethodGet, "/partner/cases/"+number, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, number, "500.00 CNY", "Alpha Cloud Ltd", "the branch is <wrong>", "This was returned to you", "Change and send again", "Take it back")
	require.NotContains(t, body, "Li Na")

	status, body = s.As("alice", http.MethodGet, "/partner/cases/"+number+"/resubmit", nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `value="500.00"`)
	require.Contains(t, body, `action="/partner/cases/`+number+`/resubmit"`)
	has(t, body, "The 500.00 CNY that this case holds can be used again.")
	status, body = s.As("alice", http.MethodPost, "/partner/cases/"+number+"/resubmit", application("amount", "8000.00")) // 7500.00 and what is held
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Preview: nothing is submitted yet", "8,000.00 CNY")
	status, body = s.As("alice", http.MethodPost, "/partner/cases/"+number+"/resubmit", application("amount", "8000.01"))
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "WDL-18")

	ended := s.paid("b")
	status, body = s.As("alice", http.MethodGet, "/partner/cases/"+ended, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "B-b", "Cash")
	require.NotContains(t, body, "Take it back")
	status, body = s.As("alice", http.MethodPost, "/partner/cases/"+ended+"/cancel", url.Values{"key": {"c1"}, "reason": {"changed our mind"}})
	require.Equal(t, http.StatusUnprocessableEntity, status, "it has ended")
	has(t, body, "Refused, for these reasons")
	status, body = s.As("alice", http.MethodPost, "/partner/cases/"+ended+"/resubmit", application("do", "apply", "code", s.SendCode("alice", "P1001", time.Now())))
	require.Equal(t, http.StatusUnprocessableEntity, status, body)
}

func TestWhatIsAskedAboutACaseIsAnsweredOnItsPage(t *testing.T) {
	s := demoSide(t)
	open := s.open("a", "500.00")
	task := approval.TaskID(open, withdrawal.Review.Name, 1)
	_, err := s.withdrawals().DecideWithdrawal(t.Context(), activities.DecideInput{Decision: approval.Decision{Task: task, Key: "ask", Person: "li", Outcome: approval.Ask, Reason: "which <contract>?"}, At: s.at.Add(time.Hour)})
	require.NoError(t, err)
	_, body := s.As("alice", http.MethodGet, "/partner/cases/"+open, nil)
	has(t, body, "Questions and comments", "The vendor", "which <contract>?", `name="task" value="`+task+`"`, "Urge")
	require.NotContains(t, body, "<contract>")
	require.NotContains(t, body, "Li Na")
	_, body = s.As(s.colleague("carl", person.PartnerFinance), http.MethodGet, "/partner/cases/"+open, nil)
	has(t, body, "which <contract>?")
	require.NotContains(t, body, "/say", "who may not act for the partner only reads")

	ended := s.paid("b")
	task = approval.TaskID(ended, withdrawal.Review.Name, 1)
	_, body = s.As("alice", http.MethodGet, "/partner/cases/"+ended, nil)
	require.NotContains(t, body, "/say", "nothing is open")
	say := func(pairs ...string) (int, string) {
		form := url.Values{"key": {"k"}, "task": {task}, "do": {"comment"}, "text": {"thank\r\nyou"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return s.As("alice", http.MethodPost, "/partner/cases/"+ended+"/say", form)
	}
	for range 2 { // a double click says it once
		status, body := say()
		require.Equal(t, http.StatusOK, status, body)
		has(t, body, ended+": sent.", "Alice Chen", "thank\nyou")
		require.Equal(t, 2, strings.Count(body, "thank\nyou"), "among what was said, and in the timeline")
	}
	for _, c := range []struct {
		field, value string
		status       int
	}{
		{"task", approval.TaskID(open, withdrawal.Review.Name, 1), http.StatusNotFound},
		{"task", "", http.StatusNotFound},
		{"do", "approve", http.StatusBadRequest},
		{"text", strings.Repeat("x", 501), http.StatusUnprocessableEntity},
		{"do", "urge", http.StatusUnprocessableEntity},
	} {
		status, body := say(c.field, c.value, "key", "other")
		require.Equal(t, c.status, status, "%s %s: %s", c.field, c.value, body)
	}
}

func TestTheListOfCasesIsNarrowedAndPaged(t *testing.T) {
	s := demoSide(t)
	open, paid := s.open("a", "100.00"), s.paid("b")
	for query, shown := range map[string][]string{
		"": {open, paid}, "?open=1": {open}, "?kind=withdrawal&text=" + paid: {paid}, "?kind=requisition": nil, "?text=%25": nil,
	} {
		status, body := s.As("alice", http.MethodGet, "/partner/cases"+query, nil)
		require.Equal(t, http.StatusOK, status)
		for _, number := range []string{open, paid} {
			require.Equal(t, strings.Contains(strings.Join(shown, " "), number), strings.Contains(body, `href="/partner/cases/`+number+`"`), "%s: %s", query, number)
		}
		if shown == nil {
			has(t, body, "There is no such case.")
		}
	}
	status, _ := s.As("alice", http.MethodGet, "/partner/cases?kind=<script>", nil)
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = s.As("alice", http.MethodGet, "/partner/cases?after=nonsense", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = s.As("alice", http.MethodGet, "/partner/cases?after=0000-01-01T00:00:00Z_x", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status, "the database has no year 0")
}

func TestTheAccountShowsBalancesAndAMonthAndExportsIt(t *testing.T) {
	s := demoSide(t)
	number := s.paid("a")
	month := s.at.In(time.FixedZone("", 8*3600)).Format("2006-01")
	status, body := s.As("alice", http.MethodGet, "/partner/account?month="+month, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Opening balance", "16,000.00", number, "15,500.00", "Month before")
	status, body = s.As("alice", http.MethodGet, "/partner/account?month=2020-01", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Nothing moved in this month.", "Next month")
	status, body = s.As("alice", http.MethodGet, "/partner/account/statement/csv?month="+month, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Opening balance", number, "15500.00")
	_, body = s.Get("alice", "zh", "/partner/account/statement/csv?month="+month)
	require.Empty(t, webtest.Unspoken(`<html lang="zh">`+body), "a file says nothing in English to a Chinese reader")
	status, body = s.As("alice", http.MethodGet, "/partner/account/statement/xlsx?month="+month, nil)
	require.Equal(t, http.StatusOK, status)
	require.True(t, strings.HasPrefix(body, "PK"))
	for _, path := range []string{"/partner/account/statement/exe", "/partner/account?account=P.CASH:P1002", "/partner/account/statement/csv?account=P.CASH:P1002", "/partner/account?account='"} {
		status, _ = s.As("alice", http.MethodGet, path, nil)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	status, _ = s.As("alice", http.MethodGet, "/partner/account?month=202x", nil)
	require.Equal(t, http.StatusBadRequest, status)
}

func TestHostileFormsOfAPartnerAreRefusedAndChangeNothing(t *testing.T) {
	s := demoSide(t)
	number := s.returned("a")
	for name, c := range map[string]struct {
		path   string
		form   url.Values
		status int
	}{
		"10 MB":                  {"/partner/withdrawals", application("holder", strings.Repeat("x", 10<<20)), http.StatusRequestEntityTooLarge},
		"wrong UTF-8":            {"/partner/withdrawals", application("holder", "\xff"), http.StatusBadRequest},
		"a NUL":                  {"/partner/cases/" + number + "/cancel", url.Values{"reason": {"a\x00"}}, http.StatusBadRequest},
		"a name too long":        {"/partner/withdrawals", application("holder", strings.Repeat("长", 1000)), http.StatusUnprocessableEntity},
		"script in every field":  {"/partner/withdrawals", application("amount", "<script>", "route", "<script>", "holder", "<script>", "account_no", "<script>", "bank", "<script>", "branch", "<script>", "code", "<script>"), http.StatusUnprocessableEntity},
		"another's partner, ID":  {"/partner/withdrawals", application("partner", "P1002", "submitter", "bob", "amount", "no"), http.StatusUnprocessableEntity},
		"an empty form":          {"/partner/withdrawals", url.Values{"do": {"preview"}}, http.StatusUnprocessableEntity},
		"a resubmission, 10 MB":  {"/partner/cases/" + number + "/resubmit", application("holder", strings.Repeat("x", 10<<20)), http.StatusRequestEntityTooLarge},
		"a cancellation, 10 MB":  {"/partner/cases/" + number + "/cancel", url.Values{"reason": {strings.Repeat("x", 10<<20)}}, http.StatusRequestEntityTooLarge},
		"a case that is no text": {"/partner/cases/%00/cancel", url.Values{"key": {"x"}}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := s.As("alice", http.MethodPost, c.path, c.form)
			require.Equal(t, c.status, status, body)
			require.NotContains(t, body, "<script>")
		})
	}
	var n int
	require.NoError(t, s.DB.Get(&n, `SELECT count(*) FROM cases WHERE state <> 'AWAITING_CHANGES'`))
	require.Zero(t, n)
}

// Rule: ORG-12
func TestAPageOpensToWhoseRolesPermitIt(t *testing.T) {
	s := demoSide(t)
	carl, dora := s.colleague("carl", person.PartnerFinance), s.colleague("dora", person.PartnerArchitect)
	number := s.returned("a")
	for path, status := range map[string][2]int{
		"/partner":                       {http.StatusOK, http.StatusOK},
		"/partner/cases":                 {http.StatusOK, http.StatusOK},
		"/partner/cases/" + number:       {http.StatusOK, http.StatusNotFound},
		"/partner/account":               {http.StatusOK, http.StatusNotFound},
		"/partner/incentives":            {http.StatusOK, http.StatusNotFound},
		"/partner/withdrawals/new":       {http.StatusNotFound, http.StatusNotFound},
		"/partner/solutions":             {http.StatusNotFound, http.StatusOK},
		"/partner/people":                {http.StatusNotFound, http.StatusNotFound},
		"/partner/account/statement/csv": {http.StatusOK, http.StatusNotFound},
	} {
		for i, who := range []string{carl, dora} {
			got, body := s.As(who, http.MethodGet, path, nil)
			require.Equal(t, status[i], got, "%s as %s: %s", path, who, body)
			if strings.HasSuffix(path, "csv") {
				continue
			}
			require.NotContains(t, body, `href="/partner/people"`)
			require.Equal(t, who == carl, strings.Contains(body, `href="/partner/account"`), "%s as %s", path, who)
		}
	}
	_, body := s.As(carl, http.MethodGet, "/partner/cases/"+number, nil)
	require.NotContains(t, body, "Take it back")
	_, body = s.As(dora, http.MethodGet, "/partner", nil)
	require.NotContains(t, body, "Withdrawable")
	require.NotContains(t, body, number)
	eve := s.colleague("eve", person.PartnerAccountManager) // sees no kind of case
	for _, path := range []string{"/partner", "/partner/cases", "/partner/cases?open=1", "/partner/cases?text=" + number} {
		status, body := s.As(eve, http.MethodGet, path, nil)
		require.Equal(t, http.StatusOK, status, path)
		require.NotContains(t, body, `href="/partner/cases/`+number, path)
	}
	status, _ := s.As(carl, http.MethodPost, "/partner/withdrawals", application())
	require.Equal(t, http.StatusNotFound, status)
}

// The vendor's own readers look with the programme's role, so nothing of these pages may be theirs.
func TestToTheVendorsPeopleAndToNobodyThereIsNoPartnersSide(t *testing.T) {
	s := demoSide(t)
	for _, who := range []string{"", "li", "nobody"} {
		for _, path := range []string{"/partner", "/partner/cases", "/partner/withdrawals/new", "/partner/account", "/partner/account/statement/csv"} {
			status, _ := s.As(who, http.MethodGet, path, nil)
			require.Equal(t, http.StatusNotFound, status, "%s %s", who, path)
		}
	}
}

// webtestFilled is a database with a row of P1 and of P2 in every table that is kept apart.
func webtestFilled(t *testing.T) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	pgtest.Fill(t, db, "P1", "P2")
	return db
}
