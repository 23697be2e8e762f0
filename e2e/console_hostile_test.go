package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/browsertest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script is what an attacker writes where a text is asked for. Were it taken for part of a page, the page's content security
// policy would be violated, which fails the test.
const script = `"'><script>document.title="ran"</script><img src=x onerror="document.title='ran'">`

// post sends a form as a program does: with the reader's session, and whatever the form would not let a person enter.
func (r reader) post(path string, form url.Values, header ...string) (status int, location, body string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.c.origin+path, strings.NewReader(form.Encode()))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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

// Every form of every page meets what nobody enters: it is refused or shown harmlessly, and nothing fails.
func TestGivenEveryForm_WhenItIsFilledWithMalice_ThenItIsRefusedOrShownHarmlessly(t *testing.T) {
	c := console(t)
	p := newPartner(t, "PEVIL", lot{withdrawal.EbankCorporate, "1000.00"})
	p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}}, approval.Step{Name: "sign", Who: []approval.Candidate{{Role: "vendor-finance"}}})
	p.load(fmt.Sprintf("partners: [{id: %s, name: %q, kind: solution-provider, verified_name: PEVIL Ltd, entity: cloud}]\n", p.id, script))
	first := p.opens(p.toBank("k", "70.00"))
	first.says("review", "lina", approval.Decision{Outcome: approval.Approve}) // the second step has one to go back to
	var second *theCase                                                        // its partner takes it back, whatever the reason says
	hugo := c.signIn(t, browsertest.Options{Language: english}, "hugo")
	hugo.Go("/inbox?text=" + p.id)
	hugo.Fill(hugo.say("inbox.view-name"), script)
	hugo.Press(hugo.say("inbox.view-save"))

	status, _, _ := hugo.post("/cases/"+first.number+"/decide", url.Values{"task": {first.number + "/sign"}, "key": {"evil-1"}, "seen": {"99"}, "outcome": {"comment"}, "reason": {script}})
	require.Equal(t, http.StatusSeeOther, status)

	tried := map[string]bool{}
	proposal := p.proposed("otto")
	stranger := c.visitor(t, browsertest.Options{Language: english})
	olga := c.signIn(t, browsertest.Options{Language: english}, "olga")
	mei := c.signIn(t, browsertest.Options{Language: english}, p.mei)
	for _, name := range slices.Sorted(maps.Keys(pages)) { // the case while it is under review: then it may be approved in the inbox
		who, path, _ := strings.Cut(pages[name], " ")
		r, number := hugo, first.number
		switch who {
		case "":
			r = stranger
		case "olga":
			r = olga
		case "mei":
			if second == nil { // after the inbox, where it would be approved
				second = p.opens(p.toBank("l", "30.00"))
			}
			r, number = mei, second.number
		}
		r.Go(strings.NewReplacer("CASE", number, "PARTNER", p.id, "PROPOSAL", proposal).Replace(path))
		for _, f := range r.Forms() {
			for _, button := range append(slices.Sorted(maps.Values(f.Buttons)), "") {
				attack := fmt.Sprintf("%s %s %s", f.Method, f.Action, button)
				if len(f.Fields) == 0 || tried[attack] {
					continue // a button alone: it does as it says
				}
				if about, ok := strings.CutPrefix(f.Action, "/partner/people/"); ok && about != "uncover" && !strings.HasPrefix(about, p.team[0]+"/") {
					continue // each of the team has the same forms
				}
				tried[attack] = true
				r.attacks(name+": "+attack, f, button)
			}
		}
	}
	for _, form := range []string{
		"/sign-in", "/language", "/inbox/views", "/inbox/decide", "/cases/" + first.number + "/decide", "/account/password", "/account/second-factor",
		"/partner/withdrawals", "/partner/cases/" + second.number + "/cancel", "/partner/people", "/partner/invitations",
		"/partners/" + p.id + "/unmask", "/policies/withdrawal/edit", "/policy-proposals/" + proposal, "/calendar",
	} {
		assert.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(tried)), func(a string) bool { return strings.HasPrefix(a, "post "+form+" ") }), "%s has been attacked", form)
	}

	// What was taken is shown, by name and as text.
	for _, path := range []string{"/inbox", "/inbox?text=" + url.QueryEscape(script), "/cases/" + first.number, "/decided"} {
		require.Equal(t, 200, hugo.Go(path))
		assert.NotEqual(t, "ran", hugo.Title(), path)
	}
	hugo.Go("/cases/" + first.number)
	hugo.Sees(script)
	hugo.Accessible()
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM decisions WHERE case_number = $1 AND person_id NOT IN ('lina', 'hugo')`, first.number), "hugo acts as hugo")
	assert.Equal(t, withdrawal.Cancelled, second.state())
	p.has("930.00", "70.00")
	p.s.addsUp(t)
}

// attacks sends one form in every bad way.
func (r reader) attacks(name string, f browsertest.Form, button string) {
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
	hidden := []string{"task", "key", "seen", "query", "back", "next", "language"} // what a page sends along

	status, body := send(with(func(field, value string) string {
		if slices.Contains(hidden, field) {
			return value
		}
		return script
	}))
	harmless("script in the fields", status, body)
	status, body = send(with(func(string, string) string { return script }))
	harmless("script everywhere", status, body)
	status, body = send(with(func(string, string) string { return "\xff\xfe\x00" }))
	harmless("wrong UTF-8", status, body)
	assert.Equal(r.t, http.StatusBadRequest, status, "%s, wrong UTF-8", name)
	if f.Method == "get" {
		return // a long address is refused by the server itself
	}
	status, body = send(with(func(_, value string) string { return value + strings.Repeat("长", 10<<20/3) }))
	harmless("10 MB", status, body)
	assert.Equal(r.t, http.StatusRequestEntityTooLarge, status, "%s, 10 MB", name)
	status, _ = send(with(func(_, value string) string { return value }), "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example")
	assert.Equal(r.t, http.StatusForbidden, status, "%s, from another site", name)
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
