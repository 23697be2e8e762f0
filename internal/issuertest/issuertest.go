// Package issuertest is an OpenID Connect provider in the test's process: its keys, its tokens, and where people sign in.
package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/stretchr/testify/require"
)

// ClientID and Secret are of the one application that is registered with it.
const (
	ClientID = "countersign"
	Secret   = "a secret of the test"
)

// Issuer is the provider.
type Issuer struct {
	URL string

	t       testing.TB
	private *ecdsa.PrivateKey

	mu      sync.Mutex
	claims  map[string]any // of whoever comes next; nil: they are sent back without a code
	given   map[string]granted
	endless bool // nobody can end a session
}

// granted is what a code is good for, once.
type granted struct {
	redirect, challenge string
	claims              map[string]any
}

// New starts a provider that ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i := &Issuer{t: t, private: private, given: map[string]granted{}}
	known := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: private.Public(), KeyID: "k", Algorithm: oidc.ES256}}, Algorithms: []string{oidc.ES256}}
	mux := http.NewServeMux()
	mux.Handle("/", known)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) { i.metadata(known, w, r) })
	mux.HandleFunc("GET /end", i.end)
	mux.HandleFunc("GET /auth", i.auth)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.URL = server.URL
	known.SetIssuer(i.URL)
	return i
}

// Sign makes a token of claims beside the usual ones, for an audience.
func (i *Issuer) Sign(audience string, ends time.Duration, more map[string]any) string {
	return i.SignWith(i.private, audience, ends, more)
}

// SignWith makes a token with a key of somebody's.
func (i *Issuer) SignWith(key *ecdsa.PrivateKey, audience string, ends time.Duration, more map[string]any) string {
	claims := map[string]any{"iss": i.URL, "aud": audience, "sub": "u-17", "exp": time.Now().Add(ends).Unix()}
	maps.Copy(claims, more)
	text, err := json.Marshal(claims)
	require.NoError(i.t, err)
	return oidctest.SignIDToken(key, "k", oidc.ES256, string(text))
}

// Next says who comes next to the provider's sign-in page; nil: somebody who does not sign in.
func (i *Issuer) Next(claims map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.claims = claims
}

// Endless has a provider without a page on which sessions end.
func (i *Issuer) Endless() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.endless = true
}

// metadata adds to what a provider says of itself where sessions end.
func (i *Issuer) metadata(known http.Handler, w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	said := httptest.NewRecorder()
	known.ServeHTTP(said, r)
	var pages map[string]any
	if err := json.Unmarshal(said.Body.Bytes(), &pages); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if !i.endless {
		pages["end_session_endpoint"] = i.URL + "/end"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(pages) // the caller is gone otherwise
}

// end ends the session of whoever would come next, and leads back to where an application of ours asked for.
func (i *Issuer) end(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("post_logout_redirect_uri"))
	if err != nil || !back.IsAbs() || q.Get("client_id") != ClientID {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	i.Next(nil)
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (i *Issuer) auth(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if i.claims == nil {
		answer.Set("error", "access_denied")
	} else {
		code := rand.Text()
		claims := maps.Clone(i.claims)
		if claims["nonce"] == nil {
			claims["nonce"] = q.Get("nonce")
		}
		i.given[code] = granted{q.Get("redirect_uri"), q.Get("code_challenge"), claims}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	given, known := i.given[r.FormValue("code")]
	delete(i.given, r.FormValue("code"))
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	w.Header().Set("Content-Type", "application/json")
	if !known || id != ClientID || unescaped(secret) != Secret || r.FormValue("redirect_uri") != given.redirect || base64.RawURLEncoding.EncodeToString(challenge[:]) != given.challenge {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`)) // the caller is gone otherwise
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "id_token": i.Sign(ClientID, time.Hour, given.claims)}) // the same
}

// unescaped is a secret as it stood before it was put into a header (RFC 6749, 2.3.1).
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
