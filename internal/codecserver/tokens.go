package codecserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Tokens lets those pass who signed in to the UI by OpenID Connect: the UI sends its access token along, and its ID token
// beside it.
type Tokens struct {
	verifier    *oidc.IDTokenVerifier
	claim, want string // claim: empty when everybody with a token may
}

// NewTokens asks the issuer for its keys. Tokens have to be for the audience, and to have the claim, NAME=VALUE, if one is
// named; a claim with several values has to hold it.
func NewTokens(ctx context.Context, issuer, audience, claim string) (*Tokens, error) {
	if audience == "" {
		return nil, errors.New("without an audience tokens for any other application would pass")
	}
	t := &Tokens{}
	var ok bool
	if t.claim, t.want, ok = strings.Cut(claim, "="); claim != "" && (!ok || t.claim == "" || t.want == "") {
		return nil, fmt.Errorf("the claim %q is not written like groups=temporal-operators", claim)
	}
	ctx = oidc.ClientContext(ctx, &http.Client{Timeout: 10 * time.Second})
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer %s: %w", issuer, err)
	}
	t.verifier = provider.VerifierContext(context.WithoutCancel(ctx), &oidc.Config{ClientID: audience})
	return t, nil
}

// Who is the token's subject, by which the issuer knows the person.
func (t *Tokens) Who(r *http.Request) (string, error) {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", errors.New("no token")
	}
	token, err := t.verifier.Verify(r.Context(), bearer)
	if extra := r.Header.Get("Authorization-Extras"); err != nil && extra != "" { // some issuers' access tokens are for themselves only
		token, err = t.verifier.Verify(r.Context(), extra)
	}
	if err != nil {
		return "", fmt.Errorf("the token is not accepted: %w", err)
	}
	if t.claim == "" {
		return token.Subject, nil
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return "", err
	}
	if !holds(claims[t.claim], t.want) {
		return "", fmt.Errorf("%s lacks the claim %s=%s", token.Subject, t.claim, t.want)
	}
	return token.Subject, nil
}

func holds(claim any, want string) bool {
	if values, ok := claim.([]any); ok {
		for _, v := range values {
			if v == want {
				return true
			}
		}
	}
	return claim == want
}
