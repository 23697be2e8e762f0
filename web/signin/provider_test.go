package signin

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/issuertest"

	"github.com/stretchr/testify/require"
)

func TestGivenAnIdentityProviderThatFails_WhenPeopleCome_ThenItIsLeftAloneForAWhileAndThenAskedAgain(t *testing.T) {
	issuer := issuertest.New(t)
	var asked atomic.Int32
	var well atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, issuer.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(front.Close)
	p := newProvider(Provider{Issuer: front.URL, ClientID: issuertest.ClientID}, "https://console.example")
	known := func() error {
		_, _, err := p.known(t.Context())
		return err
	}
	require.ErrorContains(t, known(), "503")
	well.Store(true)
	p.failedAt = time.Now().Add(time.Hour) // however long the test takes
	require.ErrorContains(t, known(), "503", "who comes meanwhile is told at once")
	require.Empty(t, p.leaving(t.Context()), "who leaves meanwhile does not wait")
	require.EqualValues(t, 1, asked.Load())
	p.failedAt = time.Now().Add(-rest)
	require.ErrorContains(t, known(), "did not match the issuer", "it is asked again, and believed only as who it is")
	require.EqualValues(t, 2, asked.Load())

	p.Issuer, p.failedAt = issuer.URL, time.Now().Add(-rest)
	require.NoError(t, known())
	require.NotEmpty(t, p.leaving(t.Context()))
}
