package webhook

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGivenAnAddress_WhenItIsChecked_ThenOnlyLoopbackMayDoWithoutTLS(t *testing.T) {
	for _, good := range []string{"https://receiver.example/hooks?a=b", "http://127.0.0.1:8080/", "http://localhost:8080/x", "http://[::1]:1"} {
		require.NoError(t, CheckURL(good), good)
	}
	for _, unsafe := range []string{"http://receiver.example/hooks", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"} {
		require.ErrorContains(t, CheckURL(unsafe), "https", unsafe)
	}
	for _, bad := range []string{"", "receiver.example", "https://", "ftp://127.0.0.1", "https://user:secret@receiver.example", "https://a.example/#b", "https://a b"} {
		require.ErrorContains(t, CheckURL(bad), "malformed", bad)
	}
}

func TestGivenTwoSecrets_WhenTheyAreRead_ThenEachHas256BitsOfItsOwn(t *testing.T) {
	one, err := NewSecret()
	require.NoError(t, err)
	other, err := NewSecret()
	require.NoError(t, err)
	require.NotEqual(t, one, other)
	text, found := strings.CutPrefix(one, "whsec_")
	require.True(t, found)
	key, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	require.Len(t, key, 32)
}

// The receiver's recipe of the scheme: the sender's library has no part in it.
func TestGivenTheSchemesPublishedExample_WhenABodyIsSent_ThenItIsSignedAsTheExampleSays(t *testing.T) {
	var got *http.Request
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer receiver.Close()
	status, err := Send(t.Context(), receiver.URL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), `{"test": 2432232314}`)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, "msg_p5jXN8AQM9LWM0D4loKWxJek", got.Header.Get("webhook-id"))
	require.Equal(t, "1614265330", got.Header.Get("webhook-timestamp"))
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got.Header.Get("webhook-signature"))
}

func TestGivenAReceiverThatTalksForEver_WhenItIsToldSomething_ThenOnlyALittleIsRead(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for chunk := make([]byte, 1<<20); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer receiver.Close()
	status, err := Send(t.Context(), receiver.URL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_1", time.Unix(1614265330, 0), `{}`)
	require.NoError(t, err)
	require.Equal(t, 200, status)
}
