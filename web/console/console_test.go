package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/documents"
	"countersign/views"
	"countersign/web/console"
	"countersign/web/page"
	"countersign/web/webtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// office is a console over the demo programme.
type office struct {
	*webtest.Site
	*activities.Withdrawals
	t  *testing.T
	db *sqlx.DB
	at time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	at := time.Now().Add(-48 * time.Hour)
	db := webtest.Loaded(t, demo.Programme, at)
	pages, err := page.New(console.Book)
	require.NoError(t, err)
	c := &console.Console{
		Reader: views.Reader{DB: db}, Views: &activities.SavedViews{DB: db}, Pages: pages, TemporalUI: func(workflowID, _ string) string { return "https://temporal.example/" + url.PathEscape(workflowID) },
		Desk: desk.Desk{DB: db, Temporal: func(context.Context) (client.Client, error) { return nil, errors.New("no Temporal here") }},
	}
	c.Documents, err = documents.Open(db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: []string{"image/png", "application/pdf"}})
	require.NoError(t, err)
	pages.Nav = c.Nav
	return &office{webtest.New(t, db, pages, c.Routes), &activities.Withdrawals{DB: db, Channel: activities.ByHand{}}, t, db, at}
}

// open applies for a withdrawal of P1001.
func (o *office) open(key, amount string) string {
	o.t.Helper()
	ctx := o.t.Context()
	now, err := o.OpenWithdrawal(ctx, activities.OpenWithdrawalInput{WorkflowID: "withdrawal/P1001/" + key, RunID: "run-" + key, At: o.at, Application: o.application(key, amount, o.at)})
	require.NoError(o.t, err)
	return now.Case
}

func (o *office) application(key, amount string, at time.Time) withdrawal.Application {
	return withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: "alice", Route: withdrawal.BankCard, Amount: amount, Code: o.SendCode("alice", "P1001", at),
		Payee: withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"},
	}
}

func (o *office) decide(number string, m approval.Matter, d approval.Decision) {
	o.t.Helper()
	d.Task = approval.TaskID(number, m.Name, 1)
	d.Key = d.Task
	_, err := o.DecideWithdrawal(o.t.Context(), activities.DecideInput{Decision: d, At: o.at.Add(time.Hour)})
	require.NoError(o.t, err)
}

// late is a paid case of which li reports that the bank gave a part back: what waits is decided without a workflow.
func (o *office) late(key string) string {
	o.t.Helper()
	number := o.open(key, "500.00")
	o.decide(number, withdrawal.Review, approval.Decision{Person: "li", Outcome: approval.Approve, Reason: "looks <b>right</b>"})
	o.decide(number, withdrawal.Send, approval.Decision{Person: "li", Outcome: withdrawal.Sent})
	o.decide(number, withdrawal.Confirm, approval.Decision{Person: "li", Outcome: withdrawal.Arrived, Amount: "500.00", Reference: "B-" + key})
	_, err := o.ReportLateReturn(o.t.Context(), activities.ReportLateReturnInput{Case: number, Person: "li", Amount: "100.00", Reference: "R-" + key, At: o.at.Add(2 * time.Hour)})
	require.NoError(o.t, err)
	return number
}

// hidden reads the hidden fields of the first form that answers a task.
func hidden(body string) url.Values { return webtest.Hidden(body, "task", "key", "seen") }

func TestTheInboxShowsWhatWaitsForItsReader(t *testing.T) {
	o := newOffice(t)
	small, large := o.open("a", "800.00"), o.open("b", "1900.00")

	status, body := o.As("li", http.MethodGet, "/inbox", nil)
	require.Equal(t, http.StatusOK, status)
	for _, text := range []string{small, large, "800.00", "1,900.00", "Alpha Cloud", "Vendor finance", "UTC+8", "2 open, 0 of them overdue", `My tasks <span class="count">2</span>`} {
		require.Contains(t, body, text)
	}
	for filter, shown := range map[string][]string{
		"from=1000": {large}, "to=800": {small}, "text=" + small: {small}, "kind=requisition": nil, "matter=review&partner=P1001": {small, large}, "overdue=1": nil,
		"before=2020-01-01": nil, "text=%25": nil,
	} {
		status, body := o.As("li", http.MethodGet, "/inbox?"+filter, nil)
		require.Equal(t, http.StatusOK, status, filter)
		for _, number := range []string{small, large} {
			require.Equal(t, contains(shown, number), strings.Contains(body, `href="/cases/`+number+`"`), "%s: %s", filter, number)
		}
		if shown == nil {
			require.Contains(t, body, "No task fits this filter.")
		}
	}
	_, body = o.As("li", http.MethodGet, "/inbox?from=abc&before=yesterday&text=%3Cscript%3Ealert(1)%3C/script%3E", nil)
	require.Contains(t, body, "Enter an amount above 0")
	require.Contains(t, body, "Enter a day, like")
	require.Contains(t, body, "&lt;script&gt;alert(1)")
	require.NotContains(t, body, "<script>alert")

	_, body = o.As("zhao", http.MethodGet, "/inbox", nil)
	require.Contains(t, body, "Nothing waits for you.")
	_, body = o.As("zhao", http.MethodGet, "/waiting", nil)
	require.Contains(t, body, "Nothing waits for others.")
	status, _ = o.As("li", http.MethodGet, "/inbox?after=nonsense", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = o.As("li", http.MethodGet, "/inbox?after=0000-01-01T00:00:00Z_x", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status, "the database has no year 0")
}

func TestTheInboxIsSortedByAColumn(t *testing.T) {
	o := newOffice(t)
	middle, small, large := o.open("a", "800.00"), o.open("b", "90.00"), o.open("c", "1900.00")
	numbers := regexp.MustCompile(`href="/cases/(W\d+)"`)
	for sort, want := range map[string][]string{"": {middle, small, large}, "amount": {small, middle, large}, "-amount": {large, middle, small}, "-case": {large, small, middle}, "nonsense": {middle, small, large}} {
		_, body := o.As("li", http.MethodGet, "/inbox?from=1&sort="+sort, nil)
		var shown []string
		for _, m := range numbers.FindAllStringSubmatch(body, -1) {
			shown = append(shown, m[1])
		}
		require.Equal(t, want, shown, sort)
	}
	_, body := o.As("li", http.MethodGet, "/inbox?from=1&sort=amount", nil)
	require.Contains(t, body, `<th scope="col" class="amount" aria-sort="ascending"><a href="/inbox?from=1&amp;sort=-amount">`)
	require.Contains(t, body, `<input type="hidden" name="sort" value="amount">`, "a filter keeps the order")
}

func TestAnyCaseIsFoundByItsNumberItsPartnerAndWhereItStands(t *testing.T) {
	o := newOffice(t)
	first, second := o.open("a", "800.00"), o.late("b")
	_, body := o.As("zhao", http.MethodGet, "/cases", nil)
	require.Regexp(t, `(?s)`+second+`.*`+first, body, "the newest first")
	for filter, shown := range map[string][]string{
		"text=alpha": {first, second}, "text=P1001": {first, second}, "text=nobody": nil, "state=UNDER_REVIEW&open=1": {first}, "kind=withdrawal": {first, second}, "kind=requisition": nil,
		"to=2020-01-01": nil, "from=2020-01-01": {first, second}, "text=%25": nil, "from=yesterday": {first, second},
	} {
		status, body := o.As("zhao", http.MethodGet, "/cases?"+filter, nil)
		require.Equal(t, http.StatusOK, status, filter)
		for _, number := range []string{first, second} {
			require.Equal(t, contains(shown, number), strings.Contains(body, `href="/cases/`+number+`"`), "%s: %s", filter, number)
		}
	}
	status, body := o.As("zhao", http.MethodGet, "/cases?text=+"+strings.ToLower(first), nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "What is asked", "a number leads to the case")
	status, _ = o.As("zhao", http.MethodGet, "/cases?after=nonsense", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = o.As("zhao", http.MethodGet, "/cases?after=0000-01-01T00:00:00Z_x", nil)
	require.Equal(t, http.StatusUnprocessableEntity, status, "the database has no year 0")
	status, _ = o.As("alice", http.MethodGet, "/cases", nil)
	require.Equal(t, http.StatusNotFound, status)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestOnlyTheVendorsPeopleGetThesePages(t *testing.T) {
	o := newOffice(t)
	number := o.open("a", "800.00")
	for _, who := range []string{"", "alice", "bob"} {
		for _, path := range []string{"/", "/inbox", "/waiting", "/decided", "/cases/" + number} {
			status, body := o.As(who, http.MethodGet, path, nil)
			require.Equal(t, http.StatusNotFound, status, "%s %s", who, path)
			require.NotContains(t, body, "800.00")
		}
		status, _ := o.As(who, http.MethodPost, "/cases/"+number+"/decide", url.Values{"task": {number + "/review"}, "outcome": {"approve"}})
		require.Equal(t, http.StatusNotFound, status)
	}
}

func TestAFilterIsKeptUnderAName(t *testing.T) {
	o := newOffice(t)
	_, body := o.As("li", http.MethodPost, "/inbox/views", url.Values{"name": {" Large  <ones> "}, "query": {"from=1000&after=x&unknown=1"}})
	require.Contains(t, body, "The view is saved.")
	require.Contains(t, body, `<a href="/inbox?from=1000" aria-current="true">Large &lt;ones&gt;</a>`)
	_, body = o.As("wang", http.MethodGet, "/inbox", nil)
	require.NotContains(t, body, "Large")
	status, body := o.As("li", http.MethodPost, "/inbox/views", url.Values{"name": {"  "}, "query": {""}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "A view has a name of 1 to 64 characters.")
	_, body = o.As("li", http.MethodPost, "/inbox/views/rename", url.Values{"name": {"Large <ones>"}, "new": {" Much "}})
	require.Contains(t, body, `<a href="/inbox?from=1000" aria-current="true">Much</a>`)
	_, body = o.As("li", http.MethodPost, "/inbox/views", url.Values{"name": {"Other"}, "query": {"kind=requisition"}})
	require.Contains(t, body, "Other")
	for _, to := range []string{"Other", " ", strings.Repeat("x", 65)} {
		status, _ = o.As("li", http.MethodPost, "/inbox/views/rename", url.Values{"name": {"Much"}, "new": {to}})
		require.Equal(t, http.StatusUnprocessableEntity, status, to)
	}
	status, _ = o.As("wang", http.MethodPost, "/inbox/views/rename", url.Values{"name": {"Much"}, "new": {"Mine"}})
	require.Equal(t, http.StatusUnprocessableEntity, status, "a view is a person's own")
	_, body = o.As("li", http.MethodPost, "/inbox/views/rename", url.Values{"name": {"Much"}, "new": {"Large <ones>"}})
	require.Contains(t, body, "The view is renamed.")
	_, _ = o.As("li", http.MethodPost, "/inbox/views/remove", url.Values{"name": {"Other"}})
	_, body = o.As("li", http.MethodPost, "/inbox/views/remove", url.Values{"name": {"Large <ones>"}})
	require.Contains(t, body, "The view is removed.")
	require.NotContains(t, body, "Large")
}

func TestACaseShowsWhatIsAskedWhoDecidesAndWhatHappened(t *testing.T) {
	o := newOffice(t)
	number := o.late("a")
	status, body := o.As("wang", http.MethodGet, "/cases/"+number, nil)
	require.Equal(t, http.StatusOK, status)
	for _, text := range []string{
		"Alpha Cloud Ltd", "6222020200112233", "ICBC, Beijing West", "500.00 CNY", "Lot", // what is asked
		"Late return", "It waits for you:", "Li Na", "looks &lt;b&gt;right&lt;/b&gt;", "WDR-02", // the chain, the timeline and its rules
		"P.CASH", "https://temporal.example/withdrawal%2FP1001%2Fa",
	} {
		require.Contains(t, body, text)
	}
	_, body = o.As("li", http.MethodGet, "/cases/"+number, nil)
	require.Contains(t, body, "You may not decide this one:")
	require.NotContains(t, body, `value="confirm"`)
	status, _ = o.As("li", http.MethodGet, "/cases/W999999", nil)
	require.Equal(t, http.StatusNotFound, status)

	o.db.MustExec(`INSERT INTO people (person_id, name, email) SELECT 'new' || n, 'New ' || n, '' FROM generate_series(1, 40) n`)
	o.db.MustExec(`INSERT INTO person_roles SELECT 'new' || n, 'vendor-finance' FROM generate_series(1, 40) n`)
	_, body = o.As("new40", http.MethodGet, "/cases/"+number, nil)
	require.Contains(t, body, "It waits for you:")
	require.Regexp(t, `Next: .*New 10</strong>.* and \d\d others`, body, "of many who may decide the first are named")
	require.NotContains(t, body, "<strong>New 30</strong>")
}

func TestADecisionOnItsPageIsTakenOnceHoweverOftenTheFormIsSent(t *testing.T) {
	o := newOffice(t)
	number := o.late("a")
	_, body := o.As("wang", http.MethodGet, "/cases/"+number, nil)
	form := hidden(body)
	form.Set("outcome", "confirm")
	form.Set("person", "zhao") // who decides is who is signed in

	status, body := o.As("wang", http.MethodPost, "/cases/"+number+"/decide", form)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "Refused, for these reasons")
	require.Contains(t, body, "COM-02")

	form.Set("amount", "100.00")
	form.Set("reference", "R-a")
	form.Set("seen", hidden(body).Get("seen")) // the refusal is an event that the page showed
	status, body = o.As("wang", http.MethodPost, "/cases/"+number+"/decide", form)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `class="flash"`)
	status, _ = o.As("wang", http.MethodPost, "/cases/"+number+"/decide", form)
	require.Equal(t, http.StatusOK, status, "the same form again is the same decision")
	var n int
	require.NoError(t, o.db.Get(&n, `SELECT count(*) FROM decisions WHERE matter = 'late-return' AND person_id = 'wang'`))
	require.Equal(t, 1, n)
	_, body = o.As("wang", http.MethodGet, "/decided", nil)
	require.Contains(t, body, number)
}

func TestWhoDecidesOnAnOldPageIsToldFirstWhatHappened(t *testing.T) {
	o := newOffice(t)
	number := o.late("a")
	_, body := o.As("wang", http.MethodGet, "/cases/"+number, nil)
	old := hidden(body)

	_, body = o.As("zhao", http.MethodGet, "/cases/"+number, nil)
	comment := hidden(body)
	comment.Set("outcome", "comment")
	comment.Set("reason", `look twice <script>alert(1)</script>`)
	status, body := o.As("zhao", http.MethodPost, "/cases/"+number+"/decide", comment)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, "look twice &lt;script&gt;")

	_, body = o.As("wang", http.MethodGet, "/cases/"+number+"?seen="+old.Get("seen"), nil)
	require.Contains(t, body, "What happened since you opened the page")

	old.Set("outcome", "reject")
	old.Set("reason", "not on the statement")
	status, body = o.As("wang", http.MethodPost, "/cases/"+number+"/decide", old)
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "Your answer was not taken yet.")
	require.Contains(t, body, ">not on the statement</textarea>")
	old.Set("seen", hidden(body).Get("seen"))
	status, _ = o.As("wang", http.MethodPost, "/cases/"+number+"/decide", old)
	require.Equal(t, http.StatusOK, status)
}

func TestManyTasksAreAnsweredAtOnceEachWithItsResult(t *testing.T) {
	o := newOffice(t)
	first, second := o.late("a"), o.late("b")
	form := url.Values{"key": {"k1"}, "outcome": {"reject"}, "reason": {"not on the statement"}, "back": {"https://evil.example/"}, "task": {first + "/late-return", second + "/late-return", first + "/review"}}
	status, body := o.As("wang", http.MethodPost, "/inbox/decide", form)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Reject: 2 done, 1 refused, 0 not done.")
	require.Contains(t, body, "ENG_STATE")
	require.NotContains(t, body, "evil")
	_, again := o.As("wang", http.MethodPost, "/inbox/decide", form)
	require.Contains(t, again, "Reject: 2 done, 1 refused")
	_, body = o.As("wang", http.MethodPost, "/inbox/decide", url.Values{"key": {"k2"}, "outcome": {"reject"}, "back": {"/inbox"}})
	require.Contains(t, body, "Choose tasks first")
	status, _ = o.As("wang", http.MethodPost, "/inbox/decide", url.Values{"key": {"k2"}, "outcome": {"confirm"}, "task": {first + "/late-return"}})
	require.Equal(t, http.StatusBadRequest, status)
}

func TestHostileFormsAreRefusedAndChangeNothing(t *testing.T) {
	o := newOffice(t)
	number, other := o.late("a"), o.late("b")
	_, body := o.As("wang", http.MethodGet, "/cases/"+number, nil)
	form := hidden(body)
	with := func(pairs ...string) url.Values {
		changed := url.Values{}
		for k, v := range form {
			changed[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			changed.Set(pairs[i], pairs[i+1])
		}
		return changed
	}
	for name, c := range map[string]struct {
		changes []string
		status  int
	}{
		"another case's task":     {[]string{"outcome", "reject", "reason", "x", "task", other + "/late-return"}, http.StatusNotFound},
		"no outcome":              {[]string{}, http.StatusUnprocessableEntity},
		"an outcome that is none": {[]string{"outcome", "<script>"}, http.StatusUnprocessableEntity},
		"a reason too long":       {[]string{"outcome", "reject", "reason", strings.Repeat("长", 501)}, http.StatusUnprocessableEntity},
		"10 MB":                   {[]string{"outcome", "reject", "reason", strings.Repeat("x", 10<<20)}, http.StatusRequestEntityTooLarge},
		"wrong UTF-8":             {[]string{"outcome", "reject", "reason", "\xff"}, http.StatusBadRequest},
		"a key too long":          {[]string{"outcome", "reject", "reason", "x", "key", strings.Repeat("k", 200)}, http.StatusUnprocessableEntity},
		"to nobody":               {[]string{"outcome", "transfer", "to", "nobody'--"}, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := o.As("wang", http.MethodPost, "/cases/"+number+"/decide", with(c.changes...))
			require.Equal(t, c.status, status, body)
			require.NotContains(t, body, "<script>\"")
			_, body = o.As("wang", http.MethodGet, "/cases/"+number, nil)
			form.Set("seen", hidden(body).Get("seen"))
		})
	}
	var n int
	require.NoError(t, o.db.Get(&n, `SELECT count(*) FROM decisions WHERE matter = 'late-return'`))
	require.Zero(t, n)
}
