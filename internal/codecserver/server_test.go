package codecserver

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"countersign/internal/codec"
	"countersign/internal/issuertest"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const ui = "http://127.0.0.1:8233"

// desk is a codec server, an encrypted payload, and what the server logged.
type desk struct {
	t      *testing.T
	url    string
	sealed []byte
	log    *bytes.Buffer
	client *http.Client
}

func open(t *testing.T, gate Gate) *desk {
	t.Helper()
	key, err := codec.NewKey("2026")
	require.NoError(t, err)
	c, err := codec.Parse(key)
	require.NoError(t, err)
	payloads, err := c.Encode([]*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"张三"`)}})
	require.NoError(t, err)
	sealed, err := protojson.Marshal(&commonpb.Payloads{Payloads: payloads})
	require.NoError(t, err)
	d := &desk{t: t, sealed: sealed, log: &bytes.Buffer{}}
	server := httptest.NewServer((&Server{Codec: c, Origin: ui, Gate: gate, Log: slog.New(slog.NewJSONHandler(d.log, nil))}).Handler())
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	d.url, d.client = server.URL, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return d
}

// ask sends what the UI does: POST /decode with the namespace and, where it passes tokens, both of them.
func (d *desk) ask(origin, bearer, extra string) (*http.Response, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+"/decode?preserveStorageRefs=true", bytes.NewReader(d.sealed))
	require.NoError(d.t, err)
	for name, value := range map[string]string{"Origin": origin, "Content-Type": "application/json", "X-Namespace": "default", "Authorization": bearer, "Authorization-Extras": extra} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return d.do(r)
}

func (d *desk) do(r *http.Request) (*http.Response, string) {
	d.t.Helper()
	answer, err := d.client.Do(r)
	require.NoError(d.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(d.t, err)
	return answer, string(body)
}

func (d *desk) decodes(origin, bearer, extra string) {
	d.t.Helper()
	answer, body := d.ask(origin, bearer, extra) //nolint:bodyclose // it was read to its end
	require.Equal(d.t, http.StatusOK, answer.StatusCode, body)
	var payloads commonpb.Payloads
	require.NoError(d.t, protojson.Unmarshal([]byte(body), &payloads))
	require.Equal(d.t, `"张三"`, string(payloads.Payloads[0].Data))
	require.Equal(d.t, "json/plain", string(payloads.Payloads[0].Metadata["encoding"]))
	require.Equal(d.t, origin, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(d.t, "no-store", answer.Header.Get("Cache-Control"))
}

func (d *desk) refuses(status int, origin, bearer, extra string) {
	d.t.Helper()
	answer, body := d.ask(origin, bearer, extra) //nolint:bodyclose // it was read to its end
	require.Equal(d.t, status, answer.StatusCode, body)
	require.NotContains(d.t, body, "payloads")
}

// signIn opens a link.
func (d *desk) signIn(link string) int {
	d.t.Helper()
	_, query, _ := strings.Cut(link, "?")
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+"/sign-in?"+query, nil)
	require.NoError(d.t, err)
	answer, _ := d.do(r) //nolint:bodyclose // the same
	if answer.StatusCode == http.StatusSeeOther {
		require.Equal(d.t, ui, answer.Header.Get("Location"))
		cookie := answer.Cookies()[0]
		require.True(d.t, cookie.HttpOnly)
		require.Equal(d.t, http.SameSiteStrictMode, cookie.SameSite)
	}
	return answer.StatusCode
}

func TestGivenTheUIsPage_WhenItsBrowserAsksBefore_ThenItMayAndAnotherPageMayNot(t *testing.T) {
	d := open(t, NewLinks("http://127.0.0.1:8234", func(string) {}))
	for origin, status := range map[string]int{ui: http.StatusNoContent, "http://evil.example": http.StatusForbidden, "http://127.0.0.1:9999": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, d.url+"/decode", nil)
		require.NoError(t, err)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,authorization-extras,content-type,x-namespace")
		answer, _ := d.do(r) //nolint:bodyclose // the same
		require.Equal(t, status, answer.StatusCode)
		if status != http.StatusNoContent {
			require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"))
			continue
		}
		require.Equal(t, ui, answer.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "true", answer.Header.Get("Access-Control-Allow-Credentials"))
		for _, header := range []string{"Authorization", "Authorization-Extras", "Content-Type", "X-Namespace"} {
			require.Contains(t, answer.Header.Get("Access-Control-Allow-Headers"), header)
		}
	}
}

func TestGivenALinkOfTheConsole_WhenABrowserOpensIt_ThenThatBrowserDecodesAndTheLinkIsSpent(t *testing.T) {
	var shown []string
	d := open(t, NewLinks("http://127.0.0.1:8234/", func(link string) { shown = append(shown, link) }))
	require.True(t, strings.HasPrefix(shown[0], "http://127.0.0.1:8234/sign-in?key="))
	d.refuses(http.StatusUnauthorized, ui, "", "")
	require.Equal(t, http.StatusForbidden, d.signIn("?key=guess"))
	require.Equal(t, http.StatusSeeOther, d.signIn(shown[0]))
	d.decodes(ui, "", "")
	d.refuses(http.StatusForbidden, "http://evil.example", "", "")

	require.Len(t, shown, 2)
	require.Equal(t, http.StatusForbidden, d.signIn(shown[0]), "good once")
	require.Equal(t, http.StatusSeeOther, d.signIn(shown[1]))
	d.decodes(ui, "", "")
	logged := d.log.String()
	require.Contains(t, logged, `"msg":"payloads decoded","by":"link 1","namespace":"default"`)
	require.Contains(t, logged, `"by":"link 2"`)
	require.Contains(t, logged, `"msg":"decoding refused","namespace":"default","why":"no sign-in"`)
	for _, link := range shown {
		_, key, _ := strings.Cut(link, "key=")
		require.NotContains(t, logged, key)
	}
}

func TestGivenASignInThatIsOver_WhenItsBrowserAsks_ThenItIsRefused(t *testing.T) {
	var shown []string
	links := NewLinks("http://127.0.0.1:8234", func(link string) { shown = append(shown, link) })
	d := open(t, links)
	require.Equal(t, http.StatusSeeOther, d.signIn(shown[0]))
	for token, s := range links.sessions {
		s.ends = time.Now()
		links.sessions[token] = s
	}
	d.refuses(http.StatusUnauthorized, ui, "", "")
}

func TestGivenALinkThatNobodyOpenedInTime_WhenItIsOpened_ThenItIsRefusedAndTheConsoleShowsTheNext(t *testing.T) {
	var shown []string
	links := NewLinks("http://127.0.0.1:8234", func(link string) { shown = append(shown, link) })
	d := open(t, links)
	links.ends = time.Now()
	require.Equal(t, http.StatusForbidden, d.signIn("?key=guess"))
	require.Len(t, shown, 1, "only who has the link is shown another one")
	require.Equal(t, http.StatusForbidden, d.signIn(shown[0]))
	d.refuses(http.StatusUnauthorized, ui, "", "")
	require.Len(t, shown, 2)
	require.Equal(t, http.StatusSeeOther, d.signIn(shown[1]))
	d.decodes(ui, "", "")
}

func TestGivenAnAddressOfTheUI_WhenItsOriginIsAskedFor_ThenItIsWrittenAsBrowsersDo(t *testing.T) {
	for address, want := range map[string]string{
		"https://Temporal.Example.com":            "https://temporal.example.com",
		"https://temporal.example.com:443/ui?x=1": "https://temporal.example.com",
		"HTTP://temporal.example.com:80/":         "http://temporal.example.com",
		"http://127.0.0.1:8233":                   "http://127.0.0.1:8233",
		"http://temporal.example.com:443":         "http://temporal.example.com:443",
		"https://[::1]:443":                       "https://[::1]",
	} {
		got, err := Origin(address)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, wrong := range []string{"", "temporal.example.com", "ftp://temporal.example.com", "http://", "http://a b"} {
		_, err := Origin(wrong)
		require.Error(t, err, wrong)
	}
}

func TestGivenAnIssuer_WhenTokensComeAlong_ThenTheOnesForUsWithTheClaimPass(t *testing.T) {
	issuer := issuertest.New(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sign := func(audience string, ends time.Duration, groups any) string {
		return issuer.Sign(audience, ends, map[string]any{"groups": groups})
	}
	operator := []string{"staff", "temporal-operators"}
	good := sign("temporal-ui", time.Hour, operator)

	gate, err := NewTokens(t.Context(), issuer.URL, "temporal-ui", "groups=temporal-operators")
	require.NoError(t, err)
	d := open(t, gate)
	d.decodes(ui, "Bearer "+good, "")
	d.decodes(ui, "Bearer opaque", good)
	d.decodes(ui, "Bearer "+sign("temporal-ui", time.Hour, "temporal-operators"), "")
	require.Contains(t, d.log.String(), `"by":"u-17"`)
	for name, token := range map[string]string{
		"none":                    "",
		"nonsense":                "Bearer x",
		"for somebody else":       "Bearer " + sign("payroll", time.Hour, operator),
		"over":                    "Bearer " + sign("temporal-ui", -time.Hour, operator),
		"without the claim":       "Bearer " + sign("temporal-ui", time.Hour, nil),
		"with another claim":      "Bearer " + sign("temporal-ui", time.Hour, []string{"staff"}),
		"signed by somebody else": "Bearer " + issuer.SignWith(stranger, "temporal-ui", time.Hour, map[string]any{"groups": operator}),
	} {
		t.Run(name, func(t *testing.T) { d.refuses(http.StatusUnauthorized, ui, token, "") })
	}
	require.NotContains(t, d.log.String(), good)

	_, err = NewTokens(t.Context(), issuer.URL, "", "")
	require.ErrorContains(t, err, "audience")
	_, err = NewTokens(t.Context(), issuer.URL, "temporal-ui", "groups")
	require.ErrorContains(t, err, "groups=temporal-operators")
	anybody, err := NewTokens(t.Context(), issuer.URL, "temporal-ui", "")
	require.NoError(t, err)
	open(t, anybody).decodes("", "Bearer "+sign("temporal-ui", time.Hour, nil), "") // a program, which has no origin
}

func TestGivenTheServer_WhenItIsAskedToEncryptOrForTooMuch_ThenItRefuses(t *testing.T) {
	var link string
	d := open(t, NewLinks("http://127.0.0.1:8234", func(l string) { link = l }))
	require.Equal(t, http.StatusSeeOther, d.signIn(link))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/encode", strings.NewReader("{}"))
	require.NoError(t, err)
	answer, _ := d.do(r) //nolint:bodyclose // the same
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	d.sealed = bytes.Repeat([]byte(" "), maxRequest+1)
	d.refuses(http.StatusBadRequest, ui, "", "")
}

func TestGivenTheServer_WhenItsContextEnds_ThenItStopsWithoutAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := &Server{Codec: &codec.Codec{}, Origin: ui, Gate: NewLinks("http://127.0.0.1", func(string) {}), Log: slog.New(slog.DiscardHandler)}
	go func() { ended <- s.Serve(ctx, listener, "", "") }()
	answer, err := http.Get("http://" + listener.Addr().String() + "/healthz") //nolint:noctx // the server's end is tested
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	cancel()
	require.NoError(t, <-ended)
}
