// Package signin is the console's door: who may come in, and as whom. A request's person comes from its session, and from nowhere else.
package signin

import (
	"context"
	"embed"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/codec"
	"countersign/views"
	"countersign/web/page"

	"github.com/alexedwards/scs/v2"
	"github.com/jmoiron/sqlx"
)

// Book is the pages and texts of this package, for page.New.
//
//go:embed pages messages.json
var Book embed.FS

// Options are what the door is told from outside.
type Options struct {
	URL      string         // where browsers find the console; with https cookies go over TLS alone
	Proxies  []netip.Prefix // whose X-Forwarded-For counts
	Provider Provider       // by whom the vendor's people may sign in, beside passwords
	Count    func(Outcome)  // is told how each try ended; nil: nobody counts
}

// Outcome is how a try to sign in ended.
type Outcome string

const (
	In        Outcome = "in"
	CodeAsked Outcome = "code asked" // the password was right
	Refused   Outcome = "refused"    // a wrong name, password, code or identity, or an account that is locked
	Locked    Outcome = "locked"     // refused, and the account is locked by it
	Network   Outcome = "network"    // not looked at: too many failed from there
)

// Outcomes are all there are.
var Outcomes = []Outcome{In, CodeAsked, Refused, Locked, Network}

// Door lets people in. Its pages are /sign-in, /sign-out and /account.
type Door struct {
	*page.Renderer

	organisation activities.Organisation
	accounts     activities.Accounts
	reader       views.Reader
	sessions     *scs.SessionManager
	store        store
	provider     *provider // nil: none
	proxies      []netip.Prefix
	secure       bool
	outcome      func(Outcome)
	hashing      chan struct{} // a look at a password takes 19 MiB: this many at once
}

// New makes the door; keys seal the secrets of authenticators. From then on the renderer shows who is signed in, and knows whether it is by https.
func New(db *sqlx.DB, keys *codec.Codec, renderer *page.Renderer, o Options) *Door {
	d := &Door{
		Renderer: renderer, organisation: activities.Organisation{DB: db}, accounts: activities.Accounts{DB: db, Keys: keys}, reader: views.Reader{DB: db},
		store: store{db}, proxies: o.Proxies, secure: strings.HasPrefix(o.URL, "https:"), hashing: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		outcome: o.Count,
	}
	if d.outcome == nil {
		d.outcome = func(Outcome) {}
	}
	d.sessions = manager(db, d.secure)
	d.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) { renderer.Fail(w, r, err) }
	if o.Provider.Issuer != "" {
		d.provider = newProvider(o.Provider, o.URL)
	}
	renderer.Person, renderer.Secure = PersonOf, d.secure
	return d
}

// count tells how a try ended; the list is why nobody was let in.
func (d *Door) count(came activities.SignedIn, list refusal.List) {
	switch {
	case list == nil && came.NeedsCode:
		d.outcome(CodeAsked)
	case list == nil:
		d.outcome(In)
	case list[0].Object == "network":
		d.outcome(Network)
	case came.Locked:
		d.outcome(Locked)
	default:
		d.outcome(Refused)
	}
}

// Routes adds the door's pages.
func (d *Door) Routes(mux *http.ServeMux) {
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, d.Handle(h))
	}
	handle("GET /sign-in", d.signInPage)
	handle("POST /sign-in", d.signIn)
	handle("GET /sign-in/code", d.codePage)
	handle("POST /sign-in/code", d.enterCode)
	handle("POST /sign-out", d.signOut)
	if d.provider != nil {
		handle("GET /sign-in/provider", d.toProvider)
		handle("GET /sign-in/provider/back", d.fromProvider)
	}
	own := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, d.signedIn(d.Handle(h), true))
	}
	own("GET /account", d.accountPage)
	own("GET /account/password", d.passwordPage)
	own("POST /account/password", d.changePassword)
	own("GET /account/second-factor", d.factorPage)
	own("POST /account/second-factor", d.setFactor)
	own("POST /account/second-factor/drop", d.dropFactor)
	own("POST /account/sign-out-everywhere", d.signOutEverywhere)
}

// Sessions puts the session of each request, and its person, into the context. A page that refreshes itself keeps no session alive.
func (d *Door) Sessions(next http.Handler) http.Handler {
	known := d.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if id := d.sessions.GetString(ctx, personKey); id != "" {
			h, err := d.reader.SessionHolder(ctx, id)
			if err != nil {
				d.Fail(w, r, err)
				return
			}
			if h == nil || h.Since != nil && d.since(ctx).Before(*h.Since) { // left, a new password, or signed out everywhere
				if err := d.sessions.Destroy(ctx); err != nil {
					d.Fail(w, r, err)
					return
				}
			} else {
				r = r.WithContext(context.WithValue(ctx, holderKey{}, h))
			}
		}
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		known.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, &visit{background: r.Header.Get(page.Background) != ""})))
	})
}

// since is when the session's person signed in.
func (d *Door) since(ctx context.Context) time.Time {
	at, err := time.Parse(time.RFC3339Nano, d.sessions.GetString(ctx, sinceKey))
	if err != nil {
		return time.Time{} // before everything: the session is over
	}
	return at
}

type holderKey struct{}

func holderOf(ctx context.Context) *views.Holder {
	h, _ := ctx.Value(holderKey{}).(*views.Holder)
	return h
}

// PersonOf is who makes a request; nil: nobody is signed in.
func PersonOf(ctx context.Context) *person.Person {
	if h := holderOf(ctx); h != nil {
		return &h.Person
	}
	return nil
}

// Require lets only people in who are signed in with a password of their own; others are led to where they sign in, and come back.
func (d *Door) Require(next http.Handler) http.Handler { return d.signedIn(next, false) }

func (d *Door) signedIn(next http.Handler, initial bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := holderOf(r.Context())
		switch {
		case h == nil:
			lead(w, r, "/sign-in?next="+url.QueryEscape(wanted(r)))
		case h.MustChange && !initial: // ORG-14
			lead(w, r, "/account/password")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// wanted is the page to come back to: this one, or the one whose form was sent.
func wanted(r *http.Request) string {
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		return page.Local(r.URL.RequestURI())
	}
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host || from.Path == "" {
		return "/"
	}
	return page.Local(from.RequestURI())
}

// lead brings a browser to another page, also where htmx asks for a part of one.
func lead(w http.ResponseWriter, r *http.Request, to string) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// begin makes a session of somebody's; a token that was known before is good for nothing from now on.
func (d *Door) begin(ctx context.Context, key, id string, at time.Time) error {
	if err := d.sessions.Clear(ctx); err != nil {
		return err
	}
	if err := d.sessions.RenewToken(ctx); err != nil {
		return err
	}
	d.sessions.Put(ctx, key, id)
	d.sessions.Put(ctx, sinceKey, at.Format(time.RFC3339Nano))
	return d.store.sweep(ctx)
}

// hash runs f, which looks at passwords, when there is room for it.
func (d *Door) hash(ctx context.Context, f func() error) error {
	select {
	case d.hashing <- struct{}{}:
		defer func() { <-d.hashing }()
		return f()
	case <-time.After(5 * time.Second):
		return page.Error{Status: http.StatusServiceUnavailable, Key: "sign-in.busy"}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cookie is one of the door's own that is no session.
func (d *Door) cookie(name string, content any, age time.Duration) *http.Cookie {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // text and nothing else
	}
	return &http.Cookie{
		Name: page.CookieName(name, d.secure), Value: encoded(text), Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteLaxMode,
	}
}
