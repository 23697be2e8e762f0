package vendor_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/approval"
	"countersign/domain/person"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/views"
	"countersign/web/console"
	"countersign/web/page"
	"countersign/web/signin"
	"countersign/web/vendor"
	"countersign/web/webtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

type signedIn struct{}

// office is the vendor's pages over the demo programme. Who asks is told by the test: signing in is another package's business.
type office struct {
	*httptest.Server
	t  *testing.T
	db *sqlx.DB
	at time.Time // when the programme was loaded
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db := pgtest.New(t)
	at := time.Now().Add(-9 * 24 * time.Hour)
	file, err := activities.ParseProgramme(demo.Programme)
	require.NoError(t, err)
	_, err = (&activities.Programme{DB: db}).Load(t.Context(), file, "test", at)
	require.NoError(t, err)
	db.MustExec(`INSERT INTO people (person_id, name, email) VALUES ('he', 'He Qing', 'he@vendor.example'), ('kai', 'Kai <b>', '')`)
	db.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ('he', 'vendor-operations'), ('kai', 'auditor')`)
	db.MustExec(`INSERT INTO customers (customer_id, partner_id, name, account, account_manager) VALUES ('C9', 'P1001', '张三科技', 'zhangsan', 'alice')`)
	pages, err := page.New(signin.Book, console.Book, vendor.Book)
	require.NoError(t, err)
	desk := &vendor.Desk{Reader: views.Reader{DB: db}, Programme: &activities.Programme{DB: db}, Organisation: &activities.Organisation{DB: db}, Pages: pages}
	pages.Nav = desk.Nav
	pages.Person = func(ctx context.Context) *person.Person {
		p, _ := ctx.Value(signedIn{}).(*person.Person)
		return p
	}
	mux := http.NewServeMux()
	pages.Routes(mux)
	desk.Routes(mux, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p, err := desk.Reader.Person(r.Context(), r.Header.Get("X-Test-Person")); err == nil {
				r = r.WithContext(context.WithValue(r.Context(), signedIn{}, &p))
			}
			next.ServeHTTP(w, r)
		})
	})
	o := &office{httptest.NewServer(pages.Protect(mux)), t, db, at}
	t.Cleanup(o.Close)
	return o
}

// in asks for a page in a language and answers its status, its text and where it leads.
func (o *office) in(language, who, method, path string, form url.Values) (int, string, string) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.URL+path, strings.NewReader(form.Encode()))
	require.NoError(o.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", language)
	req.Header.Set("X-Test-Person", who)
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.Do(req)
	require.NoError(o.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(o.t, err)
	if method == http.MethodGet && language == "en" {
		o.in("zh", who, method, path, form)
	}
	for _, said := range webtest.Unspoken(string(body)) {
		o.t.Errorf("%s as %s says to a reader of %s: %s", path, who, language, said)
	}
	require.NotRegexp(o.t, `(?i)<[^>]* (style|on[a-z]+)=`, string(body), "nothing that the page's own policy forbids")
	return answer.StatusCode, string(body), answer.Header.Get("Location")
}

func (o *office) as(who, method, path string, form url.Values) (int, string) {
	o.t.Helper()
	status, body, _ := o.in("en", who, method, path, form)
	return status, body
}

func (o *office) see(who, path string) string {
	o.t.Helper()
	status, body := o.as(who, http.MethodGet, path, nil)
	require.Equal(o.t, http.StatusOK, status, "%s %s: %s", who, path, heading.FindString(body))
	return body
}

var heading = regexp.MustCompile(`(?s)<h1>.*?</p>`)

var code = regexp.MustCompile(`code ([0-9]{6})`)

// open applies for a withdrawal of P1001; its review is overdue by now.
func (o *office) open(key, amount string) string {
	o.t.Helper()
	ctx := o.t.Context()
	_, err := (&activities.Codes{DB: o.db}).SendCode(ctx, activities.SendCodeInput{Person: "alice", Scene: verification.Withdrawal, Target: "P1001", At: o.at})
	require.NoError(o.t, err)
	messages, err := views.Reader{DB: o.db}.Outbox(ctx, "alice", false)
	require.NoError(o.t, err)
	var sent string
	for _, m := range messages {
		if found := code.FindStringSubmatch(m.Body); found != nil {
			sent = found[1]
		}
	}
	now, err := (&activities.Withdrawals{DB: o.db, Channel: activities.ByHand{}}).OpenWithdrawal(ctx, activities.OpenWithdrawalInput{WorkflowID: "withdrawal/P1001/" + key, RunID: "run-" + key, At: o.at, Application: withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: "alice", Route: withdrawal.BankCard, Amount: amount, Code: sent,
		Payee: withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"},
	}})
	require.NoError(o.t, err)
	return now.Case
}

var everyPage = []string{"/partners", "/partners/P1001", "/overdue", "/figures", "/policies", "/policies/withdrawal", "/policies/withdrawal/edit", "/calendar", "/calendar?year=2099", "/audit"}

func TestEachPageIsThereForWhoMaySeeItInBothLanguages(t *testing.T) {
	o := newOffice(t)
	o.open("a", "800.00")
	for _, path := range everyPage {
		for _, language := range []string{"zh", "en"} {
			status, body, _ := o.in(language, "he", http.MethodGet, path, nil)
			require.Equal(t, http.StatusOK, status, "%s: %s", path, heading.FindString(body))
			require.NotContains(t, body, "%!", path)
			require.NotRegexp(t, `>(vendor|nav|chart|policy-field|partner-kind|partner-state|record)\.[a-z]`, body, path)
		}
	}
	_, body, _ := o.in("zh", "he", http.MethodGet, "/partners/P1001", nil)
	require.Contains(t, body, "显示完整内容")
}

func TestWhoMayNotSeeAPageFindsNeitherItNorTheWayToIt(t *testing.T) {
	o := newOffice(t)
	number := o.open("a", "800.00")
	for _, who := range []string{"", "alice", "bob"} {
		for _, path := range append(everyPage, "/policy-proposals/1") {
			status, body := o.as(who, http.MethodGet, path, nil)
			require.Equal(t, http.StatusNotFound, status, "%s %s", who, path)
			require.NotContains(t, body, number)
			require.NotContains(t, body, `href="/audit"`)
		}
		for _, path := range []string{"/partners/P1001/unmask", "/policies/withdrawal/edit", "/policy-proposals/1", "/calendar"} {
			status, _ := o.as(who, http.MethodPost, path, url.Values{"list": {"persons"}})
			require.Equal(t, http.StatusNotFound, status, "%s %s", who, path)
		}
	}
	for who, pages := range map[string][]string{"kai": {"/overdue", "/figures", "/policies", "/audit"}, "li": {"/audit", "/policies/withdrawal/edit"}, "wang": {"/audit"}} {
		seen := o.see(who, "/partners")
		for _, path := range pages {
			status, _ := o.as(who, http.MethodGet, path, nil)
			require.Equal(t, http.StatusNotFound, status, "%s %s", who, path)
			require.NotContains(t, seen, `href="`+path+`"`)
		}
	}
	require.Contains(t, o.see("zhao", "/partners"), `href="/audit"`)
	require.NotContains(t, o.see("li", "/policies/withdrawal"), "/edit")
	status, _ := o.as("zhao", http.MethodPost, "/calendar", url.Values{"year": {"2027"}, "days": {"date,kind,name\n"}})
	require.Equal(t, http.StatusNotFound, status)
}

func TestPartnersAreListedSearchedAndShown(t *testing.T) {
	o := newOffice(t)
	number := o.open("a", "800.00")
	body := o.see("li", "/partners")
	require.Contains(t, body, `href="/partners/P1001"`)
	require.Contains(t, body, `href="/partners/P1002"`)
	require.Contains(t, body, `<td class="amount">1</td>`)
	for filter, shown := range map[string][]string{"text=alpha": {"P1001"}, "text=P1002": {"P1002"}, "text=%25": nil, "state=FROZEN": nil, "text=%3Cscript%3E": nil} {
		body := o.see("li", "/partners?"+filter)
		for _, id := range []string{"P1001", "P1002"} {
			require.Equal(t, shown != nil && shown[0] == id, strings.Contains(body, `href="/partners/`+id+`"`), filter)
		}
		require.NotContains(t, body, "<script>")
	}
	body = o.see("li", "/partners/P1001")
	for _, text := range []string{"Alpha Cloud", `href="/cases/` + number + `"`, "800.00", "P.CASH:P1001", "Alice Chen", "Partner administrator"} {
		require.Contains(t, body, text)
	}
	status, _ := o.as("li", http.MethodGet, "/partners/P9999", nil)
	require.Equal(t, http.StatusNotFound, status)
}

// COM-09, COM-10, COM-11: masked at first, shown by the eye with one line of the audit log, masked again by the page's own address.
func TestMaskedColumnsAreShownByTheEyeOnceAndWrittenDown(t *testing.T) {
	o := newOffice(t)
	body := o.see("wang", "/partners/P1001")
	require.Contains(t, body, "a***@alpha.example")
	require.NotContains(t, body, "alice@alpha.example")
	require.Contains(t, body, "张***")
	require.NotContains(t, body, "张三科技")
	require.NotContains(t, o.see("li", "/partners/P1001"), "/unmask", "who may not press the eye does not see it")
	status, _ := o.as("li", http.MethodPost, "/partners/P1001/unmask", url.Values{"list": {"persons"}})
	require.Equal(t, http.StatusNotFound, status)

	status, body = o.as("wang", http.MethodPost, "/partners/P1001/unmask", url.Values{"list": {"persons"}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "alice@alpha.example")
	require.NotContains(t, body, "张三科技", "the other list stays masked")
	_, body = o.as("wang", http.MethodPost, "/partners/P1001/unmask", url.Values{"list": {"customers"}})
	require.Contains(t, body, "张三科技")
	require.NotContains(t, body, "alice@alpha.example", "it is not remembered")
	require.NotContains(t, o.see("wang", "/partners/P1001"), "张三科技")
	status, _ = o.as("wang", http.MethodPost, "/partners/P1001/unmask", url.Values{"list": {"solutions"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _, to := o.in("en", "wang", http.MethodGet, "/partners/P1001/unmask", nil)
	require.Equal(t, []any{http.StatusSeeOther, "/partners/P1001"}, []any{status, to}, "changing the language leads back, masked")
	status, _ = o.as("wang", http.MethodPost, "/partners/P9999/unmask", url.Values{"list": {"persons"}})
	require.Equal(t, http.StatusNotFound, status)

	var lines []string
	require.NoError(t, o.db.Select(&lines, `SELECT person_id || ' ' || list || ' ' || column_name || ' ' || of_partner FROM audit_log ORDER BY audit_id`))
	require.Equal(t, []string{"wang persons mobile P1001", "wang persons email P1001", "wang customers name P1001", "wang customers account P1001"}, lines)
	body = o.see("zhao", "/audit?kind=unmasking&partner=P1001")
	require.Equal(t, 4, strings.Count(body, `<div class="soft">wang</div></td>`))
	require.NotContains(t, body, "alice@alpha.example")
}

func TestWhatIsOverdueIsSeenByWhoeverLeads(t *testing.T) {
	o := newOffice(t)
	require.Contains(t, o.see("zhao", "/overdue"), "Nothing is overdue.")
	number := o.open("a", "800.00")
	body := o.see("zhao", "/overdue")
	require.Contains(t, body, `href="/cases/`+number+`"`)
	require.Contains(t, body, "1 overdue, 0 of them escalated")
	require.Contains(t, o.see("zhao", "/overdue?escalated=1"), "Nothing that is overdue fits")
	_, err := (&activities.Withdrawals{DB: o.db, Channel: activities.ByHand{}}).EscalateWithdrawal(t.Context(), activities.ClockInput{Case: number, At: time.Now()})
	require.NoError(t, err)
	body = o.see("zhao", "/overdue?escalated=1&kind=withdrawal")
	require.Contains(t, body, `href="/cases/`+number+`"`)
	require.Contains(t, body, "Finance manager", "who may decide as well by now")
	status, _ := o.as("zhao", http.MethodGet, "/overdue?after=nonsense", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = o.as("zhao", http.MethodGet, "/overdue?after=0000-01-01T00:00:00Z_x", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status, "the database has no year 0")
}

func TestFiguresAreDrawnAndSaidInATable(t *testing.T) {
	o := newOffice(t)
	require.Contains(t, o.see("zhao", "/figures"), "No case is open.")
	o.open("a", "800.00")
	decided := o.open("b", "1200.00")
	d := approval.Decision{Task: approval.TaskID(decided, withdrawal.Review.Name, 1), Key: "d1", Person: "li", Outcome: approval.Approve}
	_, err := (&activities.Withdrawals{DB: o.db, Channel: activities.ByHand{}}).DecideWithdrawal(t.Context(), activities.DecideInput{Decision: d, At: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	body := o.see("zhao", "/figures")
	require.Equal(t, 3, strings.Count(body, "<svg class=\"chart\""))
	for _, text := range []string{`<text class="head" x="0" y="17">Withdrawal</text>`, "Under review</text></a>", "/cases?kind=withdrawal&amp;open=1&amp;state=", "7 to 30 days: 1", "800.00 CNY (1)", "1,200.00 CNY (1)", "median: 9.0 d"} {
		require.Contains(t, body, text)
	}
	require.NotContains(t, o.see("zhao", "/figures?kind=requisition"), "7 to 30 days: 1")
}

func TestTheCalendarIsShownAndLoaded(t *testing.T) {
	o := newOffice(t)
	body := o.see("he", "/calendar?year=2026")
	require.Contains(t, body, "2026-10-01")
	require.Equal(t, 12, strings.Count(body, `<table class="month">`))
	require.Contains(t, o.see("he", "/calendar?year=2031"), "are not known")
	bad := url.Values{"year": {"2031"}, "days": {"date,kind,name\n2030-01-01,holiday,New Year\n2031-01-06,workday,<b>\n"}}
	status, body := o.as("he", http.MethodPost, "/calendar", bad)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "2030-01-01 lies outside the years")
	require.Contains(t, body, "2031-01-06 is a Monday, worked anyway")
	require.Contains(t, body, "2031-01-06,workday,&lt;b&gt;", "what was entered is not lost")
	status, _, to := o.in("en", "he", http.MethodPost, "/calendar", url.Values{"year": {"2031"}, "days": {"date,kind,name\r\n2031-01-01,holiday,\"元旦, New Year\"\r\n2031-01-04,workday,元旦\r\n"}})
	require.Equal(t, http.StatusSeeOther, status)
	body = o.see("he", to)
	require.Contains(t, body, "元旦, New Year")
	require.Contains(t, body, "261 working days")
	var days int
	require.NoError(t, o.db.Get(&days, `SELECT count(*) FROM calendar_days WHERE year = 2031`))
	require.Equal(t, 2, days)
}

func TestAuditFindsEventsRefusalsSignInsAndPolicies(t *testing.T) {
	o := newOffice(t)
	number := o.open("a", "800.00")
	o.db.MustExec(`INSERT INTO account_events (at, person_id, event, failed, network) VALUES (now(), 'li', 'wrong password', true, '10.0.0.0/24')`)
	require.NotContains(t, o.see("zhao", "/audit"), number, "a week is looked at")
	body := o.see("zhao", "/audit?case="+number)
	require.Contains(t, body, `<td><a href="/cases/`+number+`">`)
	require.Contains(t, body, "submitted")
	require.Contains(t, o.see("zhao", "/audit?person=alice&from="+o.at.Format(time.DateOnly)), number)
	body = o.see("zhao", "/audit?kind=sign-ins&person=li")
	require.Contains(t, body, "wrong password")
	require.Contains(t, body, "from 10.0.0.0/24")
	require.Regexp(t, `name="from" value="2[0-9-]{9}"`, o.see("zhao", "/audit?kind=sign-ins&case="+number), "what has no cases is not read from the beginning")
	require.Contains(t, o.see("zhao", "/audit?kind=policies&from=2020-01-01"), "withdrawal 1")
	require.Contains(t, o.see("zhao", "/audit?kind=refusals"), "Nothing fits in these days")
	_, err := (&activities.Withdrawals{DB: o.db, Channel: activities.ByHand{}}).OpenWithdrawal(t.Context(), activities.OpenWithdrawalInput{WorkflowID: "w", RunID: "r", At: time.Now(), Application: withdrawal.Application{
		RequestKey: "refused", PartnerID: "P1001", Submitter: "li", Route: withdrawal.BankCard, Amount: "1.005", Payee: withdrawal.Payee{Holder: "Beta Ltd", AccountNo: "1", Bank: "ICBC"},
	}})
	require.Error(t, err)
	require.Contains(t, o.see("zhao", "/audit?kind=refusals"), "write it like 1234.50")
	_, body, _ = o.in("zh", "zhao", http.MethodGet, "/audit?kind=refusals", nil)
	require.Contains(t, body, "请按 1234.50 的格式填写")
	require.Contains(t, o.see("zhao", "/audit?from=yesterday"), "Enter a day, like")
	status, _ := o.as("zhao", http.MethodGet, "/audit?kind=secrets", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = o.as("zhao", http.MethodGet, "/audit?after=x", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = o.as("zhao", http.MethodGet, "/audit?after=0000-01-01T00:00:00Z_x", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status, "the database has no year 0")
}
