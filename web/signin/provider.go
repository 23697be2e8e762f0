package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"countersign/activities"
	"countersign/web/page"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Provider is an OpenID Connect identity provider with which the console is registered.
type Provider struct {
	Issuer           string // empty: none
	ClientID, Secret string
	Name             string // on the button; empty: the issuer
}

// patience is how long somebody waits for the provider, and how long the provider may take with somebody.
const (
	patience = 10 * time.Second
	errand   = 10 * time.Minute
	rest     = 5 * time.Second // a provider that did not answer is left alone, and who comes meanwhile is told at once
)

// provider asks the issuer where its pages are when somebody comes first: the console starts without it.
type provider struct {
	Provider
	name   string
	base   string // where browsers find the console
	client *http.Client

	mu       sync.Mutex
	config   *oauth2.Config
	verifier *oidc.IDTokenVerifier
	end      *url.URL // where browsers end their session there; nil: it has no such page
	failed   error    // the last time, before config is known
	failedAt time.Time
}

func newProvider(o Provider, base string) *provider {
	return &provider{Provider: o, name: cmp.Or(o.Name, o.Issuer), base: strings.TrimRight(base, "/"), client: &http.Client{Timeout: patience}}
}

func (p *provider) known(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.config == nil && p.failed != nil && time.Since(p.failedAt) < rest {
		return nil, nil, p.failed
	}
	if p.config == nil {
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer) // others wait for it, too
		if err != nil {
			p.failed, p.failedAt = fmt.Errorf("ask the identity provider: %w", err), time.Now()
			return nil, nil, p.failed
		}
		p.end = endOf(ctx, found)
		p.config = &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: found.Endpoint(), RedirectURL: p.base + "/sign-in/provider/back", Scopes: []string{oidc.ScopeOpenID, "email"}}
		p.verifier = found.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), p.client), &oidc.Config{ClientID: p.ClientID})
	}
	return p.config, p.verifier, nil
}

// endOf is where the provider says that browsers end their session with it.
func endOf(ctx context.Context, found *oidc.Provider) *url.URL {
	var pages struct {
		End string `json:"end_session_endpoint"`
	}
	if err := found.Claims(&pages); err != nil || pages.End == "" {
		return nil
	}
	end, err := url.Parse(pages.End)
	if err != nil || end.Scheme != "https" && end.Scheme != "http" || end.Host == "" {
		slog.WarnContext(ctx, "identity provider's end_session_endpoint is no address", "error", err)
		return nil
	}
	return end
}

// leaving is where a browser ends its session with the provider and comes back from to the sign-in page (OpenID Connect RP-Initiated
// Logout 1.0); empty: nowhere. No ID token goes into the address: the provider may ask its person once.
func (p *provider) leaving(ctx context.Context) string {
	if _, _, err := p.known(ctx); err != nil {
		slog.WarnContext(ctx, "identity provider out of reach", "error", err)
		return ""
	}
	if p.end == nil {
		return ""
	}
	to, query := *p.end, p.end.Query()
	query.Set("client_id", p.ClientID)
	query.Set("post_logout_redirect_uri", p.base+"/sign-in")
	to.RawQuery = query.Encode()
	return to.String()
}

// sent is what a browser keeps while it is at the provider: only the browser that went comes back.
type sent struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
}

const errandCookie = "errand"

func encoded(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// toProvider leads a browser to the provider.
func (d *Door) toProvider(w http.ResponseWriter, r *http.Request) error {
	config, _, err := d.provider.known(r.Context())
	if err != nil {
		slog.WarnContext(r.Context(), "identity provider out of reach", "error", err)
		return page.Error{Status: http.StatusServiceUnavailable, Key: "sign-in.provider.away"}
	}
	s := sent{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), page.Local(r.URL.Query().Get("next"))}
	http.SetCookie(w, d.cookie(errandCookie, s, errand))
	http.Redirect(w, r, config.AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), http.StatusSeeOther)
	return nil
}

// fromProvider takes what the provider says about who came back.
func (d *Door) fromProvider(w http.ResponseWriter, r *http.Request) error {
	ctx, at := r.Context(), time.Now()
	s := d.errand(r)
	http.SetCookie(w, d.cookie(errandCookie, nil, -time.Second))
	query := r.URL.Query()
	from := cmp.Or(query.Get("iss"), d.provider.Issuer) // who names itself has to be who was asked (RFC 9207)
	if s == nil || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(s.State)) != 1 || from != d.provider.Issuer {
		return page.Error{Status: http.StatusForbidden, Key: "sign-in.provider.stale"}
	}
	identity, err := d.provider.identify(ctx, query.Get("code"), *s)
	if err != nil {
		slog.WarnContext(ctx, "sign-in by identity provider failed", "error", err)
		return page.Error{Status: http.StatusForbidden, Key: "sign-in.provider.failed"}
	}
	identity.Network, identity.At = networkOf(r, d.proxies), at
	came, err := d.accounts.SignInByIdentity(ctx, identity)
	if list := activities.RefusalOf(err); list != nil {
		d.count(came, list)
		d.showEntrance(w, r, http.StatusUnprocessableEntity, entrance{Next: s.Next, Wrong: "sign-in.provider.unknown"})
		return nil
	}
	if err != nil {
		return err
	}
	d.count(came, nil)
	if err := d.begin(ctx, personKey, came.Person, at); err != nil {
		return err
	}
	d.sessions.Put(ctx, issuerKey, identity.Issuer)
	http.Redirect(w, r, page.Local(s.Next), http.StatusSeeOther)
	return nil
}

func (d *Door) errand(r *http.Request) *sent {
	cookie, err := r.Cookie(page.CookieName(errandCookie, d.secure))
	if err != nil {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	var s sent
	if err != nil || json.Unmarshal(text, &s) != nil || s.State == "" || s.Nonce == "" {
		return nil
	}
	return &s
}

// identify asks the provider whose code it is.
func (p *provider) identify(ctx context.Context, code string, s sent) (activities.Identity, error) {
	config, verifier, err := p.known(ctx)
	if err != nil {
		return activities.Identity{}, err
	}
	if code == "" {
		return activities.Identity{}, errors.New("the provider let nobody in")
	}
	token, err := config.Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		var answered *oauth2.RetrieveError
		if errors.As(err, &answered) { // its text holds all that the provider wrote
			return activities.Identity{}, fmt.Errorf("the provider took no code: %s", cmp.Or(answered.ErrorCode, answered.Response.Status))
		}
		return activities.Identity{}, fmt.Errorf("exchange code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return activities.Identity{}, errors.New("the provider gave no ID token")
	}
	verified, err := verifier.Verify(ctx, raw)
	if err != nil {
		return activities.Identity{}, fmt.Errorf("the ID token is not accepted: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(s.Nonce)) != 1 {
		return activities.Identity{}, errors.New("the ID token is for another sign-in")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // some write it as text
	}
	if err := verified.Claims(&claims); err != nil {
		return activities.Identity{}, fmt.Errorf("read ID token: %w", err)
	}
	return activities.Identity{Issuer: verified.Issuer, Subject: verified.Subject, Email: claims.Email, Verified: claims.Verified == true || claims.Verified == "true"}, nil
}
