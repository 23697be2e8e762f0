package gallery_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/internal/browsertest"
	"countersign/internal/codec"
	"countersign/internal/totp"
	"countersign/web"
	"countersign/web/webtest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// keys seal what the test's people keep secret.
const keys = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// gallery is the whole console over a world. Runs are not there: nothing here asks for one.
type gallery struct {
	*world
	*httptest.Server
	browser   *browsertest.Browser
	passwords map[string]string
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	w := newWorld(t, time.Now())
	sealing, err := codec.Parse(keys)
	require.NoError(t, err)
	pages, err := web.New(web.Parts{
		DB: w.db, Documents: w.store, Keys: sealing, Certificate: "https://certificates.example",
		Desk:       desk.Desk{DB: w.db, Temporal: func(context.Context) (client.Client, error) { return nil, errors.New("no run is asked here") }},
		TemporalUI: func(workflowID, _ string) string { return "https://temporal.example/" + url.PathEscape(workflowID) },
	})
	require.NoError(t, err)
	g := &gallery{world: w, Server: httptest.NewServer(pages), passwords: map[string]string{}}
	t.Cleanup(g.Close)
	g.browser, err = browsertest.Start()
	require.NoError(t, err)
	t.Cleanup(g.browser.Stop)
	return g
}

// account gives somebody a password of their own.
func (g *gallery) account(who string) string {
	g.t.Helper()
	if g.passwords[who] != "" {
		return g.passwords[who]
	}
	at := time.Now()
	given, err := (&activities.Accounts{DB: g.db}).Give(g.t.Context(), activities.GiveAccountInput{Person: who, Asked: activities.Asked{By: "tang", Key: "give " + who, At: at}})
	require.NoError(g.t, err)
	own := "Own-" + given.Initial
	require.NoError(g.t, (&activities.Organisation{DB: g.db}).ChangePassword(g.t.Context(), activities.ChangePasswordInput{
		Account: who, Old: given.Initial, New: own, Key: "own " + who, At: at,
	}))
	g.passwords[who] = own
	return own
}

// twoSteps has somebody be asked for a code, too.
func (g *gallery) twoSteps(who string) {
	g.t.Helper()
	sealing, err := codec.Parse(keys)
	require.NoError(g.t, err)
	accounts := &activities.Accounts{DB: g.db, Keys: sealing}
	password := g.account(who)
	factor, err := accounts.DrawFactor(who)
	require.NoError(g.t, err)
	at := time.Now()
	_, err = accounts.SetFactor(g.t.Context(), activities.SetFactorInput{
		Person: who, Password: password, Sealed: factor.Sealed, Code: totp.Code(factor.Secret, totp.Step(at)), Key: "factor " + who, At: at,
	})
	require.NoError(g.t, err)
}

// reader is somebody who looks at pages.
type reader struct {
	*browsertest.Page
	*gallery
	language string
}

// texts of the console, in Chinese and English.
var texts = sync.OnceValue(func() map[string][2]string { return webtest.Texts("..") })

// say is one in the reader's language.
func (r reader) say(key string) string {
	r.t.Helper()
	require.Contains(r.t, texts(), key)
	if r.language == "en" {
		return texts()[key][1]
	}
	return texts()[key][0]
}

// signIn lets somebody in by the form; nobody is the visitor.
func (g *gallery) signIn(t *testing.T, who, language string, dark bool) reader {
	t.Helper()
	r := reader{g.browser.Open(t, browsertest.Options{Origin: g.URL, Language: language, Dark: dark}), g, language}
	if who != "" {
		r.Go("/sign-in")
		r.Fill(r.say("sign-in.account"), who)
		r.Fill(r.say("sign-in.password"), g.account(who))
		require.Equal(t, http.StatusOK, r.Press(r.say("sign-in.submit")))
	}
	return r
}
