package signin_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/internal/codec"
	"countersign/internal/issuertest"
	"countersign/internal/pgtest"
	"countersign/internal/totp"
	"countersign/web/page"
	"countersign/web/signin"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// house is a console whose only page beside the door's is /desk, which names who sees it; wei of the vendor and fei of a partner have accounts.
type house struct {
	t      *testing.T
	db     *sqlx.DB
	url    string
	issuer *issuertest.Issuer
	keys   *codec.Codec

	counted   []signin.Outcome
	meanwhile func() // happens while /desk answers
}

const own = "Spring 2025 rain"

func build(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: pgtest.New(t), issuer: issuertest.New(t), meanwhile: func() {}}
	h.db.MustExec(`INSERT INTO partners (partner_id, name, kind, verified_name, entity) VALUES ('P1', 'Alpha', 'solution-provider', 'Alpha Ltd', 'cloud')`)
	h.db.MustExec(`INSERT INTO people (person_id, name, email, partner_id) VALUES ('root', 'Root', '', NULL), ('wei', 'Wei <b>', 'wei@vendor.example', NULL), ('ada', 'Ada', '', 'P1')`)
	h.db.MustExec(`INSERT INTO organisation_people (person_id, account_name) VALUES ('ada', 'ada')`)
	h.db.MustExec(`INSERT INTO person_roles VALUES ('root', 'account-administrator'), ('wei', 'vendor-finance'), ('ada', 'partner-administrator')`)
	key, err := codec.NewKey("2026")
	require.NoError(t, err)
	h.keys, err = codec.Parse(key)
	require.NoError(t, err)

	h.url = h.serve()
	return h
}

// serve starts the console and answers its address.
func (h *house) serve() string {
	h.t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := "http://" + server.Listener.Addr().String()
	server.Config.Handler = h.site(address)
	server.Start()
	h.t.Cleanup(server.Close)
	return address
}

// site is the console as browsers find it under an address.
func (h *house) site(address string) http.Handler {
	h.t.Helper()
	r, err := page.New(signin.Book)
	require.NoError(h.t, err)
	door := signin.New(h.db, h.keys, r, signin.Options{
		URL: address, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Count: func(o signin.Outcome) { h.counted = append(h.counted, o) },
		Provider: signin.Provider{Issuer: h.issuer.URL, ClientID: issuertest.ClientID, Secret: issuertest.Secret, Name: "Staff <ID>"},
	})
	mux := http.NewServeMux()
	r.Routes(mux)
	door.Routes(mux)
	mux.Handle("/desk", door.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.meanwhile()
		_, _ = io.WriteString(w, "desk of "+signin.PersonOf(r.Context()).ID+" "+r.URL.RawQuery)
	})))
	return r.Protect(door.Sessions(mux))
}

// initial gives wei an account and answers the password that is handed over.
func (h *house) initial() string {
	h.t.Helper()
	given, err := (&activities.Accounts{DB: h.db, Keys: h.keys}).Give(h.t.Context(), activities.GiveAccountInput{Person: "wei", Asked: activities.Asked{By: "root", Key: time.Now().String(), At: time.Now()}})
	require.NoError(h.t, err)
	return given.Initial
}

// ready gives wei an account with a password of their own, from before now.
func (h *house) ready() {
	h.t.Helper()
	first := h.initial()
	require.NoError(h.t, (&activities.Organisation{DB: h.db}).ChangePassword(h.t.Context(), activities.ChangePasswordInput{Account: "wei", Old: first, New: own, Key: "own", At: time.Now()}))
}

// browser keeps cookies and follows nothing.
type browser struct {
	*house
	client *http.Client
	from   string // its network, as a proxy of ours tells
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(h.t, err)
	return &browser{h, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, "192.0.2.77"}
}

type answer struct {
	*http.Response
	body string
}

func (a answer) to() string { return a.Header.Get("Location") }

func (b *browser) ask(method, path string, form url.Values, header ...string) answer {
	b.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.url + path
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("X-Forwarded-For", "203.0.113.9, "+b.from)
	r.Header.Set("Accept-Language", "en")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(b.t, err)
	return answer{got, string(body)}
}

func (b *browser) get(path string, header ...string) answer {
	return b.ask(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, fields ...string) answer {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.ask(http.MethodPost, path, form)
}

func (b *browser) signIn(password string) answer {
	return b.post("/sign-in", "account", "wei", "password", password, "next", "/desk?x=1")
}

// in tells whether the desk opens.
func (b *browser) in() bool { return b.get("/desk").StatusCode == http.StatusOK }

// cookie is the one that signs the browser in.
func (b *browser) cookie() string {
	u, err := url.Parse(b.url)
	require.NoError(b.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "countersign-session" {
			return c.Value
		}
	}
	return ""
}

// field is the value of a form's field.
func (a answer) field(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	require.NotNil(t, found, a.body)
	return html.UnescapeString(found[1])
}

// Rule: ORG-14
func TestGivenAnInitialPassword_WhenSomebodySignsIn_ThenTheySetTheirOwnAndComeToThePageTheyWanted(t *testing.T) {
	h := build(t)
	first := h.initial()
	b := h.browser()
	away := b.get("/desk?x=1")
	require.Equal(t, http.StatusSeeOther, away.StatusCode)
	require.Equal(t, "/sign-in?next=%2Fdesk%3Fx%3D1", away.to())
	form := b.get(away.to())
	require.Equal(t, "/desk?x=1", form.field(t, "next"))
	require.Contains(t, form.body, `action="/sign-in"`)
	require.Empty(t, b.cookie(), "who only looks has no session")

	wrong := b.signIn("wrong")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Contains(t, wrong.body, "The account name or the password is wrong, or the account is locked")
	require.NotContains(t, wrong.body, `value="wrong"`)
	require.Equal(t, "/desk?x=1", wrong.field(t, "next"))

	entered := b.signIn(first)
	require.Equal(t, "/account/password", entered.to())
	require.Equal(t, "/account/password", b.get("/desk").to(), "nothing opens")
	set := b.get("/account/password")
	require.Contains(t, set.body, "Your password is the initial one")
	before := b.cookie()
	key := set.field(t, "key")
	require.Contains(t, b.post("/account/password", "key", key, "old", first, "new", own, "again", "another").body, "not typed the same twice")
	require.Contains(t, b.post("/account/password", "key", key, "old", first, "new", "short", "again", "short").body, "class=\"refused\"")
	require.Contains(t, b.post("/account/password", "key", key, "old", "wrong", "new", own, "again", own).body, "The password is wrong, or the account is locked")
	done := b.post("/account/password", "key", key, "old", first, "new", own, "again", own)
	require.Equal(t, "/desk?x=1", done.to(), done.body)
	require.NotEqual(t, before, b.cookie())
	require.Equal(t, "desk of wei x=1", b.get("/desk?x=1").body)

	var networks []string
	require.NoError(t, h.db.Select(&networks, `SELECT DISTINCT network::text FROM account_events WHERE network IS NOT NULL`))
	require.Equal(t, []string{"192.0.2.0/24"}, networks, "as our proxy tells, not as the caller wrote before it")
}

func TestGivenASession_WhenItBeginsEndsOrIsStolen_ThenItsTokenIsGoodOnlyInBetween(t *testing.T) {
	h := build(t)
	h.ready()
	b := h.browser()
	entered := b.signIn(own)
	require.Equal(t, "/desk?x=1", entered.to())
	require.Regexp(t, `countersign-session=[^;]+; Path=/; HttpOnly; SameSite=Lax$`, entered.Header.Get("Set-Cookie"))
	require.True(t, b.in())
	require.Equal(t, "/", b.get("/sign-in").to())
	var stored string
	require.NoError(t, h.db.Get(&stored, `SELECT token || data FROM sessions`))
	require.Equal(t, 1, count(t, h.db, `SELECT count(*) FROM sessions`))
	require.NotContains(t, stored, b.cookie(), "the database keeps a hash")

	first := b.cookie()
	safely := httptest.NewRequest(http.MethodPost, "https://console.example/sign-in", strings.NewReader(url.Values{"account": {"wei"}, "password": {own}}.Encode()))
	safely.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	over := httptest.NewRecorder()
	h.site("https://console.example").ServeHTTP(over, safely)
	require.Regexp(t, `^__Host-countersign-session=[^;]+; Path=/; HttpOnly; Secure; SameSite=Lax$`, over.Header().Get("Set-Cookie"))
	require.Equal(t, http.StatusSeeOther, b.signIn(own).StatusCode)
	require.NotEqual(t, first, b.cookie(), "who signs in gets a new token")
	thief := h.browser()
	require.Equal(t, http.StatusSeeOther, thief.get("/desk", "Cookie", "countersign-session="+first).StatusCode)
	last := b.cookie()
	require.Equal(t, http.StatusOK, thief.get("/desk", "Cookie", "countersign-session="+last).StatusCode)
	out := b.post("/sign-out")
	require.Equal(t, "/sign-in", out.to())
	require.Equal(t, `"cache"`, out.Header.Get("Clear-Site-Data"), "documents that the browser kept")
	require.Contains(t, b.get("/sign-in").body, "You are signed out.")
	require.Equal(t, http.StatusSeeOther, thief.get("/desk", "Cookie", "countersign-session="+last).StatusCode)
	require.Equal(t, http.StatusSeeOther, b.post("/sign-out").StatusCode, "a replayed form")
}

func TestGivenSessionsInSeveralBrowsers_WhenThePasswordChangesOrThePersonLeaves_ThenTheOthersAreOver(t *testing.T) {
	h := build(t)
	h.ready()
	here, there := h.browser(), h.browser()
	here.signIn(own)
	there.signIn(own)
	require.True(t, here.in() && there.in())
	form := here.get("/account/password")
	require.Equal(t, "/account", here.post("/account/password", "key", form.field(t, "key"), "old", own, "new", "Summer 2025 sun", "again", "Summer 2025 sun").to())
	require.True(t, here.in())
	require.False(t, there.in(), "its password is another's now")

	there.signIn("Summer 2025 sun")
	require.Equal(t, "/sign-in", here.post("/account/sign-out-everywhere").to())
	require.False(t, here.in() || there.in())

	here.signIn("Summer 2025 sun")
	require.True(t, here.in())
	h.initial() // somebody resets it
	require.False(t, here.in())
	h.db.MustExec(`UPDATE organisation_people SET must_change = false, password_set_at = now() - interval '1 day'`)
	h.db.MustExec(`UPDATE people SET signed_out_at = NULL`)
	staff := h.browser()
	h.issuer.Next(map[string]any{"email": "wei@vendor.example", "email_verified": true})
	require.Equal(t, "/", staff.through("/sign-in/provider").to())
	require.True(t, staff.in())
	h.db.MustExec(`UPDATE people SET active = false, left_at = now() WHERE person_id = 'wei'`)
	require.False(t, staff.in())
}

func TestGivenASessionThatNobodyUses_WhenItsTimeIsOver_ThenItIsAndAPageThatRefreshesItselfProlongsNothing(t *testing.T) {
	h := build(t)
	h.ready()
	b := h.browser()
	b.signIn(own)
	left := func() (minutes float64) {
		require.NoError(t, h.db.Get(&minutes, `SELECT extract(epoch FROM expires_at - now()) / 60 FROM sessions`))
		return minutes
	}
	require.InDelta(t, 30, left(), 1)
	h.db.MustExec(`UPDATE sessions SET expires_at = now() + interval '10 minutes'`)
	require.Equal(t, http.StatusOK, b.get("/desk", "Countersign-Background", "1").StatusCode)
	require.InDelta(t, 10, left(), 1)
	h.meanwhile = func() {
		h.db.MustExec(`UPDATE sessions SET data = jsonb_set(data::jsonb, '{values,next}', '"/other"')::text`)
	}
	require.True(t, b.in())
	h.meanwhile = func() {}
	require.InDelta(t, 30, left(), 1)
	require.Equal(t, 1, count(t, h.db, `SELECT count(*) FROM sessions WHERE data LIKE '%/other%'`), "who only prolongs a session writes nothing else of it")
	h.db.MustExec(`UPDATE sessions SET expires_at = now() - interval '1 second'`)
	require.False(t, b.in())

	b.signIn(own) // the absolute end: whoever works on is asked again
	require.Zero(t, count(t, h.db, `SELECT count(*) FROM sessions WHERE expires_at < now()`), "old ones are swept")
	h.db.MustExec(`UPDATE sessions SET data = jsonb_set(data::jsonb, '{deadline}', to_jsonb(to_char(now() AT TIME ZONE 'UTC' + interval '5 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))::text, expires_at = now() + interval '1 minute'`)
	require.True(t, b.in())
	require.InDelta(t, 5, left(), 1)
}

func TestGivenASecondFactor_WhenItIsSetInTheBrowser_ThenTheNextSignInAsksForACode(t *testing.T) {
	h := build(t)
	h.ready()
	b := h.browser()
	b.signIn(own)
	elsewhere := h.browser()
	elsewhere.signIn(own)
	require.True(t, elsewhere.in())
	form := b.get("/account/second-factor")
	require.Contains(t, form.body, "<svg")
	secret := strings.ReplaceAll(regexp.MustCompile(`<code>([A-Z2-7 ]+)</code>`).FindStringSubmatch(form.body)[1], " ", "")
	raw := decoded(t, secret)
	wrong := b.post("/account/second-factor", "key", form.field(t, "key"), "code", "000000", "password", own)
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Contains(t, strings.ReplaceAll(wrong.body, " ", ""), secret, "the secret stays while it is tried")
	step := totp.Step(time.Now())
	set := b.post("/account/second-factor", "key", wrong.field(t, "key"), "code", totp.Code(raw, step), "password", own)
	require.Equal(t, http.StatusOK, set.StatusCode, set.body)
	require.True(t, b.in())
	require.False(t, elsewhere.in(), "where a password was enough")
	recovery := regexp.MustCompile(`<code>([a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4})</code>`).FindAllStringSubmatch(set.body, -1)
	require.Len(t, recovery, 10)
	require.Equal(t, "/account/second-factor", b.post("/account/second-factor", "key", wrong.field(t, "key"), "code", "1").to(), "a replayed form")
	require.Regexp(t, `(?s)on, 10 recovery codes left.*two-step sign-in turned on</td><td>wei</td><td>192\.0\.2\.0/24</td>.*signed in</td>.*password changed</td><td>wei</td><td>command line</td>`, b.get("/account").body)

	b = h.browser()
	require.Equal(t, "/sign-in", b.get("/sign-in/code").to())
	require.Equal(t, "/sign-in", b.post("/sign-in/code", "code", recovery[0][1]).to(), "without the password before")
	require.Equal(t, "/sign-in/code", b.signIn(own).to())
	require.False(t, b.in(), "halfway is not in")
	half := b.cookie()
	require.Contains(t, b.get("/sign-in/code").body, "six digits")
	wrong = b.post("/sign-in/code", "code", totp.Code(raw, step))
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Contains(t, wrong.body, "The code is wrong or was used.")
	require.Equal(t, "/desk?x=1", b.post("/sign-in/code", "code", recovery[0][1]).to())
	require.NotEqual(t, half, b.cookie())
	require.True(t, b.in())
	drop := b.get("/account/second-factor")
	require.Contains(t, drop.body, "9 recovery codes left")
	require.Contains(t, b.post("/account/second-factor/drop", "key", drop.field(t, "key"), "password", "wrong").body, "The password is wrong")
	require.Equal(t, "/account", b.post("/account/second-factor/drop", "key", drop.field(t, "key"), "password", own).to())
	var told []string
	require.NoError(t, h.db.Select(&told, `SELECT subject FROM outbox WHERE person_id = 'wei' AND body LIKE '%192.0.2.0/24%' ORDER BY written_at`))
	require.Equal(t, []string{"两步验证已开启 / Two-step sign-in is on", "两步验证已关闭 / Two-step sign-in is off"}, told)
	require.Equal(t, "/desk?x=1", h.browser().signIn(own).to())
}

// through follows to the provider and back, and answers what the console says then.
func (b *browser) through(path string) answer {
	b.t.Helper()
	there := b.get(path)
	require.Equal(b.t, http.StatusSeeOther, there.StatusCode, there.body)
	require.True(b.t, strings.HasPrefix(there.to(), b.issuer.URL+"/auth?"), there.to())
	back := b.get(there.to())
	require.Equal(b.t, http.StatusFound, back.StatusCode, back.body)
	return b.get(back.to())
}

func TestGivenAnIdentityProvider_WhenSomebodyComesBackFromIt_ThenOnlyWhoWentAndIsKnownIsIn(t *testing.T) {
	h := build(t)
	wei := map[string]any{"sub": "s-1", "email": "wei@vendor.example", "email_verified": true}
	b := h.browser()
	require.Contains(t, b.get("/sign-in?next=/desk").body, `href="/sign-in/provider?next=%2fdesk">Sign in with Staff &lt;ID&gt;</a>`)
	h.issuer.Next(wei)
	require.Equal(t, "/desk", b.through("/sign-in/provider?next=/desk").to())
	require.True(t, b.in())
	require.Contains(t, b.get("/account").body, "kept by your identity provider")
	require.Equal(t, http.StatusNotFound, b.get("/account/password").StatusCode)

	for name, c := range map[string]struct {
		claims map[string]any
		text   string
	}{
		"nobody":              {nil, "did not confirm who you are"},
		"an unknown address":  {map[string]any{"sub": "s-2", "email": "who@vendor.example", "email_verified": true}, "Nobody here is known by your identity"},
		"an unverified one":   {map[string]any{"sub": "s-3", "email": "root@vendor.example"}, "Nobody here is known by your identity"},
		"for another sign-in": {map[string]any{"sub": "s-1", "nonce": "another"}, "did not confirm who you are"},
		"an expired token":    {map[string]any{"sub": "s-1", "exp": 1}, "did not confirm who you are"},
		"another's token":     {map[string]any{"sub": "s-1", "aud": "payroll"}, "did not confirm who you are"},
	} {
		t.Run(name, func(t *testing.T) {
			b := h.browser()
			h.issuer.Next(c.claims)
			require.Contains(t, b.through("/sign-in/provider").body, c.text)
			require.False(t, b.in())
		})
	}
	h.issuer.Next(wei)
	victim, attacker := h.browser(), h.browser()
	there := attacker.get("/sign-in/provider")
	code := attacker.get(there.to())
	require.Contains(t, victim.get(code.to()).body, "out of date", "a link that somebody else began")
	require.False(t, victim.in())
	require.False(t, attacker.in())
	there = attacker.get("/sign-in/provider")
	code = attacker.get(there.to())
	require.Contains(t, attacker.get(code.to()+"&iss=https://another.example").body, "out of date", "what another provider says")
	require.False(t, attacker.in())
	there = attacker.get("/sign-in/provider")
	code = attacker.get(there.to())
	require.Equal(t, "/", attacker.get(code.to()+"&iss="+url.QueryEscape(h.issuer.URL)).to())
	require.Equal(t, http.StatusForbidden, attacker.get(code.to()).StatusCode, "a code is good once")
}

func TestGivenASessionByAnIdentityProvider_WhenItsPersonSignsOut_ThenItEndsThereToo(t *testing.T) {
	h := build(t)
	h.ready()
	wei := map[string]any{"sub": "s-1", "email": "wei@vendor.example", "email_verified": true}
	end := h.issuer.URL + "/end?client_id=countersign&post_logout_redirect_uri=" + url.QueryEscape(h.url+"/sign-in")
	for _, form := range []string{"/sign-out", "/account/sign-out-everywhere"} {
		b := h.browser()
		h.issuer.Next(wei)
		require.Equal(t, "/", b.through("/sign-in/provider").to())
		out := b.post(form)
		require.Equal(t, http.StatusOK, out.StatusCode, "a form may not lead to another site")
		require.Equal(t, "0; url="+end, out.Header.Get("Refresh"))
		require.Contains(t, out.body, `href="`+html.EscapeString(end)+`">Sign out of Staff &lt;ID&gt;</a>`, "for a browser that goes nowhere by itself")
		require.NotContains(t, out.body, "Wei", "nobody is signed in any more")
		require.Equal(t, `"cache"`, out.Header.Get("Clear-Site-Data"))
		require.False(t, b.in())
		back := b.get(end)
		require.Equal(t, h.url+"/sign-in", back.to())
		require.Contains(t, b.get(back.to()).body, "You are signed out.")
		require.Contains(t, b.through("/sign-in/provider").body, "did not confirm who you are", "nobody is signed in there")
	}
	b := h.browser()
	b.signIn(own)
	require.Equal(t, "/sign-in", b.post("/sign-out").to(), "a password is no business of the provider")

	h.issuer.Endless()
	h.url = h.serve() // one that asks the provider anew
	b = h.browser()
	h.issuer.Next(wei)
	require.Equal(t, "/", b.through("/sign-in/provider").to())
	require.Equal(t, "/sign-in", b.post("/sign-out").to(), "where no session can be ended, ours is")
	require.False(t, b.in())
}

func TestGivenHostileForms_WhenTheyComeToTheDoor_ThenTheyAreRefusedOrShownHarmlessly(t *testing.T) {
	h := build(t)
	h.ready()
	b := h.browser()
	shown := b.post("/sign-in", "account", `"><script>alert(1)</script>`, "password", "x")
	require.NotContains(t, shown.body, "<script>alert")
	for _, next := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		require.Equal(t, "/", h.browser().post("/sign-in", "account", "wei", "password", own, "next", next).to(), next)
	}
	require.Equal(t, http.StatusBadRequest, b.post("/sign-in", "account", "\xff\xfe", "password", "x").StatusCode)
	require.Equal(t, http.StatusBadRequest, b.post("/sign-in", "account", "a\x00", "password", "x").StatusCode)
	require.Equal(t, http.StatusRequestEntityTooLarge, b.post("/sign-in", "account", "wei", "password", strings.Repeat("x", 10<<20)).StatusCode)
	require.Equal(t, http.StatusForbidden, b.ask(http.MethodPost, "/sign-in", url.Values{"account": {"wei"}, "password": {own}}, "Sec-Fetch-Site", "cross-site").StatusCode)
	require.Equal(t, http.StatusSeeOther, b.get("/desk", "Cookie", "countersign-session="+strings.Repeat("x", 4000)).StatusCode)

	part := b.get("/desk", "HX-Request", "true", "Referer", h.url+"/desk?y=2")
	require.Equal(t, http.StatusUnauthorized, part.StatusCode)
	require.Equal(t, "/sign-in?next=%2Fdesk%3Fy%3D2", part.Header.Get("HX-Redirect"))
	require.Equal(t, "/sign-in?next=%2F", b.ask(http.MethodPost, "/desk", url.Values{"a": {"b"}}, "Referer", "https://evil.example/x").to())
	locked := b.signIn(own)
	require.Equal(t, "/desk?x=1", locked.to())
	b = h.browser()
	for range 5 {
		b.signIn("wrong")
	}
	nobody := h.browser().post("/sign-in", "account", "nobody", "password", "x", "next", "/desk?x=1")
	require.Contains(t, nobody.body, "The account name or the password is wrong")
	require.Equal(t, strings.ReplaceAll(nobody.body, "nobody", "wei"), h.browser().signIn(own).body, "that an account is locked would tell that it exists")
	require.Equal(t, 1, count(t, h.db, `SELECT count(*) FROM outbox WHERE person_id = 'wei' AND subject LIKE '%Account locked'`), "its person is told")
	require.Equal(t, []signin.Outcome{"in", "refused", "refused", "refused", "refused", "locked", "refused", "refused"}, h.counted[5:], "as metrics have it")
	h.db.MustExec(`INSERT INTO account_events (at, event, failed, network) SELECT now(), 'unknown account', true, '192.0.2.0/24' FROM generate_series(1, 60)`)
	require.Contains(t, b.post("/sign-in", "account", "nobody", "password", "x").body, "from your network")
	require.Equal(t, signin.Network, h.counted[len(h.counted)-1])
	b.from = "198.51.100.1"
	require.Contains(t, b.post("/sign-in", "account", "nobody", "password", "x").body, "The account name or the password is wrong")
}
