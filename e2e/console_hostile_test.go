package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/requisition"
	"countersign/domain/withdrawal"
	"countersign/internal/browsertest"
	"countersign/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script is what an attacker writes where a text is asked for. Were it taken for part of a page, the page's content security
// policy would be violated, which fails the test.
const script = `"'><script>document.title="ran"</script><img src=x onerror="document.title='ran'">`

// post sends a form as a program does: with the reader's session, and whatever the form would not let a person enter.
func (r reader) post(path string, form url.Values, header ...string) (status int, location, body string) {
	r.t.Helper()
	return r.posted(path, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded", header...)
}

func (r reader) posted(path string, body io.Reader, kind string, header ...string) (status int, location, answer string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.c.origin+path, body)
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", kind)
	return r.send(request, header...)
}

func (r reader) get(path string) (status int, location, body string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.c.origin+path, nil)
	require.NoError(r.t, err)
	return r.send(request)
}

func (r reader) send(request *http.Request, header ...string) (status int, location, body string) {
	r.t.Helper()
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	for _, c := range r.Cookies() {
		request.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer, err := http.DefaultTransport.RoundTrip(request) // no redirect is followed
	require.NoError(r.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

// Every form of every page that a link leads to meets what nobody enters, and so does every route that takes a form: it is refused or
// shown harmlessly, and nothing fails.
func TestGivenEveryForm_WhenItIsFilledWithMalice_ThenItIsRefusedOrShownHarmlessly(t *testing.T) {
	c := console(t)
	p := newCertified(t, "PEVIL", lot{withdrawal.EbankCorporate, "1000.00"})
	p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}}, approval.Step{Name: "sign", Who: []approval.Candidate{{Role: "vendor-finance"}}})
	p.load(fmt.Sprintf("partners: [{id: %s, name: %q, kind: solution-provider, verified_name: PEVIL Ltd, entity: cloud}]\n", p.id, script))
	p.presented(p.bill("resale", "1500.00", "TO_CONFIRM", 2))
	p.released("advisory", "2000.00")
	p.requested(requisition.Bank)
	p.applied() // for a quarter of dedicated staff
	p.joinsPlan(time.Now().AddDate(1, 0, 0))
	p.upgrades("k")
	people := p.members(2)
	p.applies(people[0], 100).says("review", "otto", approval.Decision{Outcome: approval.Reject, Reason: script})
	first, second := p.opens(p.toBank("k", "70.00")), p.opens(p.toBank("l", "30.00"))
	first.says("review", "lina", approval.Decision{Outcome: approval.Approve}) // the second step has one to go back to
	second.says("review", "lina", approval.Decision{Outcome: approval.Return, Reason: script})
	proposal := p.proposed("otto")
	hugo := c.signIn(t, browsertest.Options{Language: english}, "hugo")
	status, _, _ := hugo.post("/cases/"+first.number+"/decide", url.Values{"task": {first.number + "/sign"}, "key": {"evil-1"}, "seen": {"99"}, "outcome": {"comment"}, "reason": {script}})
	require.Equal(t, http.StatusSeeOther, status)
	status, _, _ = hugo.post("/inbox/views", url.Values{"name": {script[:60]}, "query": {"text=" + p.id}})
	require.Equal(t, http.StatusSeeOther, status)

	raid := raid{router: webtest.Routes(t, "../web"), tried: map[string]bool{}, met: map[string]bool{}, spared: "/" + p.mei + "/"}
	mei := c.signIn(t, browsertest.Options{Language: english}, p.mei)
	raid.goes(mei, "/partner", "/partner/cases/"+second.number) // the partner first: its cases have not been decided
	raid.goes(hugo, "/cases/"+first.number, "/inbox?text="+p.id)
	olga := c.signIn(t, browsertest.Options{Language: english}, "olga")
	raid.goes(olga, "/partners/"+p.id, "/policies/withdrawal/edit", "/policy-proposals/"+proposal, "/calendar")
	stranger := c.visitor(t, browsertest.Options{Language: english})
	raid.goes(stranger, "/sign-in")
	readers := map[string]reader{"/partner": mei, "/cases": hugo, "/inbox": hugo, "/account": hugo, "/sign-in": stranger}
	named := strings.NewReplacer("{case}", second.number, "{person}", p.team[0], "{account}", people[1].account, "{bill}", "B999999", "{act}", "reject", "{kind}", "withdrawal", "{partner}", p.id, "{proposal}", proposal)
	for _, pattern := range raid.router.Patterns { // no page has such a form now: its route takes what anybody sends
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodPost && !raid.met[pattern] {
			r := olga
			for prefix, of := range readers {
				if strings.HasPrefix(path, prefix) && !strings.HasPrefix(path, "/partners") {
					r = of
				}
			}
			fields := map[string]string{}
			for _, f := range []string{"key", "reason", "text", "do", "name", "kind", "method", "role", "status", "amount", "number", "code"} {
				fields[f] = "1"
			}
			form := browsertest.Form{Action: named.Replace(path), Method: "post", Fields: fields}
			if strings.Contains(pattern, "{") { // a case of this kind, or a draft, is perhaps not there
				r.attacks(pattern, form, "", http.StatusNotFound)
			} else {
				r.attacks(pattern, form, "")
			}
		}
	}
	require.Greater(t, len(raid.met), 25, "forms were found on pages")

	// What was taken is shown, by name and as text.
	for _, path := range []string{"/inbox", "/inbox?text=" + url.QueryEscape(script), "/cases/" + first.number, "/decided"} {
		require.Equal(t, 200, hugo.Go(path))
		assert.NotEqual(t, "ran", hugo.Title(), path)
	}
	hugo.Go("/cases/" + first.number)
	hugo.Sees(script)
	hugo.Accessible()
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM decisions WHERE case_number = $1 AND person_id NOT IN ('lina', 'hugo')`, first.number), "hugo acts as hugo")
	assert.Equal(t, withdrawal.Cancelled, second.state(), "whatever the reason says")
	p.has("930.00", "70.00")
	p.s.addsUp(t)
}

// raid goes from page to page and attacks each form once, as far as its route and fields tell forms apart.
type raid struct {
	router webtest.Router
	tried  map[string]bool // pages and attacks
	met    map[string]bool // routes whose forms were found
	spared string          // in addresses that stay as they are: who raids would lock themself out
}

func (d raid) goes(r reader, begin ...string) {
	r.t.Helper()
	for next := begin; len(next) > 0; next = next[1:] {
		path := next[0]
		kind := d.router.Of(http.MethodGet, path)
		if strings.Contains(kind, "{case}") {
			kind += path[strings.LastIndexByte(path, '/'):][:2] // W, Q and their like
		}
		if d.tried[kind] {
			continue
		}
		d.tried[kind] = true
		if _, html := r.Fetched(path); !html {
			continue // a file
		}
		r.Go(path)
		next = append(next, r.Links()...)
		for _, f := range r.Forms() {
			route := d.router.Of(strings.ToUpper(f.Method), f.Action)
			d.met[route] = true
			if len(f.Fields) == 0 || strings.Contains(f.Action+"/", d.spared) {
				continue // a button alone: it does as it says
			}
			for _, button := range append(slices.Sorted(maps.Values(f.Buttons)), "") {
				attack := fmt.Sprint(route, " ", button, slices.Sorted(maps.Keys(f.Fields)))
				if !d.tried[attack] {
					d.tried[attack] = true
					r.attacks(attack, f, button)
				}
			}
		}
	}
}

// long is 10 MB of a character that takes nine in a form.
var long = sync.OnceValue(func() string { return strings.Repeat("%E9%95%BF", 10<<20/3) })

// attacks sends one form in every bad way. What is to be refused unread may be answered otherwise, too.
func (r reader) attacks(name string, f browsertest.Form, button string, also ...int) {
	r.t.Helper()
	with := func(change func(field, value string) string) url.Values {
		form := url.Values{}
		for field, value := range f.Fields {
			form.Set(field, change(field, value))
		}
		if f.Button != "" {
			form.Set(f.Button, button)
		}
		return form
	}
	send := func(form url.Values, header ...string) (int, string) {
		if f.Method == "get" {
			status, _, body := r.get(f.Action + "?" + form.Encode())
			return status, body
		}
		status, _, body := r.post(f.Action, form, header...)
		return status, body
	}
	harmless := func(what string, status int, body string) {
		r.t.Helper()
		assert.Less(r.t, status, 500, "%s, %s", name, what)
		assert.NotContains(r.t, body, "<script>document", "%s, %s", name, what)
		assert.NotContains(r.t, body, "<img src=x", "%s, %s", name, what)
	}
	evil := func(field, value string) string {
		if slices.Contains([]string{"task", "key", "seen", "query", "back", "next", "language"}, field) { // what a page sends along
			return value
		}
		return script
	}

	status, body := send(with(evil))
	harmless("script in the fields", status, body)
	status, body = send(with(func(string, string) string { return script }))
	harmless("script everywhere", status, body)
	status, body = send(with(func(string, string) string { return "\xff\xfe\x00" }))
	harmless("wrong UTF-8", status, body)
	assert.Contains(r.t, append(also, http.StatusBadRequest), status, "%s, wrong UTF-8", name)
	if f.Method == "get" || button != "" {
		return // a long address is refused by the server itself; what is refused unread has no button
	}
	if len(f.Files) > 0 {
		status, body = r.upload(f.Action, with(evil), f.Files)
		harmless("a script as a file", status, body)
		assert.GreaterOrEqual(r.t, status, 400, "%s, a script as a file", name)
	}
	status, _, body = r.posted(f.Action, strings.NewReader(with(evil).Encode()+"&long="+long()), "application/x-www-form-urlencoded")
	harmless("10 MB", status, body)
	assert.Contains(r.t, append(also, http.StatusRequestEntityTooLarge), status, "%s, 10 MB", name)
	status, _ = send(with(func(_, value string) string { return value }), "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example")
	assert.Equal(r.t, http.StatusForbidden, status, "%s, from another site", name)
}

// upload sends a form with a file that is none, under a name that is none.
func (r reader) upload(path string, form url.Values, fields []string) (status int, body string) {
	r.t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for name, values := range form {
		require.NoError(r.t, w.WriteField(name, values[0]))
	}
	for _, field := range fields {
		part, err := w.CreateFormFile(field, script+".pdf")
		require.NoError(r.t, err)
		_, err = io.WriteString(part, "<html>"+script)
		require.NoError(r.t, err)
	}
	require.NoError(r.t, w.Close())
	status, _, body = r.posted(path, &out, w.FormDataContentType())
	return status, body
}

// A form is its reader's: who sends somebody else's answers for themself, and who sends one again changes nothing.
func TestGivenAFormThatWasSent_WhenItIsReplayedOrStolen_ThenItIsOneDecisionOfItsReader(t *testing.T) {
	c := console(t)
	p := newPartner(t, "PTHIEF", lot{withdrawal.EbankCorporate, "1000.00"})
	p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "finance-manager"}}})
	one := p.opens(p.toBank("k", "70.00"))
	chen, lina := c.signIn(t, browsertest.Options{Language: english}, "chen"), c.signIn(t, browsertest.Options{Language: english}, "lina")
	decide := "/cases/" + one.number + "/decide"
	chen.Go("/cases/" + one.number)
	forms := chen.Forms()
	i := slices.IndexFunc(forms, func(f browsertest.Form) bool { return f.Action == decide })
	require.GreaterOrEqual(t, i, 0)
	form := url.Values{"outcome": {"approve"}}
	for field, value := range forms[i].Fields {
		form.Set(field, value)
	}

	status, location, _ := c.visitor(t, browsertest.Options{}).post(decide, form)
	require.Equal(t, http.StatusSeeOther, status)
	require.Contains(t, location, "/sign-in", "nobody is signed in")
	form.Set("person", "chen") // a name in a form is nobody's
	form.Set("as", "chen")
	status, _, body := lina.post(decide, form)
	require.Equal(t, http.StatusUnprocessableEntity, status, "lina does not hold the role, whoever the form was made for")
	require.Contains(t, body, "COM-16")
	require.Equal(t, withdrawal.UnderReview, one.state())

	form.Set("seen", "99") // chen has looked: lina's try is on the case
	for range 3 {          // a double click, and a page sent again later
		status, location, _ = chen.post(decide, form)
		require.Equal(t, http.StatusSeeOther, status)
		require.Equal(t, "/cases/"+one.number, location)
	}
	require.Equal(t, withdrawal.Approved, one.state())
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM decisions WHERE case_number = $1 AND person_id = 'chen'`, one.number))
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM decisions WHERE case_number = $1 AND person_id = 'lina'`, one.number))
	status, _, _ = lina.post(decide, form) // the same key, after the decision
	require.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusConflict}, status)

	// A session that was signed out is nobody's, though its cookie was kept.
	kept := chen.Cookies()
	require.Equal(t, 200, chen.Press(chen.say("layout.sign-out")))
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, c.origin+"/inbox", nil)
	require.NoError(t, err)
	for _, k := range kept {
		request.AddCookie(&http.Cookie{Name: k.Name, Value: k.Value})
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Contains(t, answer.Header.Get("Location"), "/sign-in")
}

// proposed is the number of a policy that somebody proposes and nobody has decided on: one more person signs large withdrawals.
func (p *partner) proposed(by string) string {
	p.t.Helper()
	stored, err := p.s.views.Policy(p.t.Context(), withdrawal.Kind, 0)
	require.NoError(p.t, err)
	var policy withdrawal.Policy
	require.NoError(p.t, json.Unmarshal(stored.Body, &policy))
	policy.Version = 0
	policy.Approval.Steps = append(policy.Approval.Steps, approval.Step{Name: "second-signature", When: "amount >= 30000", Who: []approval.Candidate{{Role: "finance-manager"}}})
	number, err := (&activities.Programme{DB: p.s.views.DB}).ProposePolicy(p.t.Context(), activities.ProposePolicyInput{
		Kind: withdrawal.Kind, Policy: policy, Base: stored.Version, Note: "Large sums need a second signature.", Person: by, Key: p.id, At: time.Now(),
	})
	require.NoError(p.t, err)
	return strconv.FormatInt(number, 10)
}
