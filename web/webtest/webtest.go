// Package webtest serves pages to tests, to whom the test says: signing in is another package's business.
package webtest

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/person"
	"countersign/domain/verification"
	"countersign/internal/pgtest"
	"countersign/views"
	"countersign/web/page"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// Loaded is a database into which a programme was laid at an instant.
func Loaded(t *testing.T, programme []byte, at time.Time) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	file, err := activities.ParseProgramme(programme)
	require.NoError(t, err)
	_, err = (&activities.Programme{DB: db}).Load(t.Context(), file, "test", at)
	require.NoError(t, err)
	return db
}

// Site is a server of pages.
type Site struct {
	*httptest.Server
	DB *sqlx.DB

	t *testing.T
}

type signedIn struct{}

// New serves pages and routes; pages.Person is set to whoever a request of As names.
func New(t *testing.T, db *sqlx.DB, pages *page.Renderer, routes ...func(*http.ServeMux, func(http.Handler) http.Handler)) *Site {
	t.Helper()
	pages.Person = func(ctx context.Context) *person.Person {
		p, _ := ctx.Value(signedIn{}).(*person.Person)
		return p
	}
	mux := http.NewServeMux()
	pages.Routes(mux)
	for _, add := range routes {
		add(mux, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p, err := views.Reader{DB: db}.Person(r.Context(), r.Header.Get(personHeader))
				if err == nil {
					r = r.WithContext(context.WithValue(r.Context(), signedIn{}, &p))
				}
				next.ServeHTTP(w, r)
			})
		})
	}
	s := &Site{httptest.NewServer(pages.Protect(mux)), db, t}
	t.Cleanup(s.Close)
	return s
}

const personHeader = "X-Test-Person"

// As asks for a page as a person, in English, and follows where it leads.
func (s *Site) As(who, method, path string, form url.Values) (int, string) {
	s.t.Helper()
	kind := ""
	if form != nil {
		kind = "application/x-www-form-urlencoded"
	}
	return s.send(who, "en", method, path, kind, strings.NewReader(form.Encode()))
}

// Get asks for a page in a language.
func (s *Site) Get(who, language, path string) (int, string) {
	s.t.Helper()
	return s.send(who, language, http.MethodGet, path, "", strings.NewReader(""))
}

// File is one that a form encloses.
type File struct {
	Field, Name, Text string
}

// Upload sends a form with files.
func (s *Site) Upload(who, path string, form url.Values, files ...File) (int, string) {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range form {
		for _, v := range values {
			require.NoError(s.t, w.WriteField(name, v))
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.Field, f.Name)
		require.NoError(s.t, err)
		_, err = io.WriteString(part, f.Text)
		require.NoError(s.t, err)
	}
	require.NoError(s.t, w.Close())
	return s.send(who, "en", http.MethodPost, path, w.FormDataContentType(), &body)
}

func (s *Site) send(who, language, method, path, kind string, body io.Reader) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, body)
	require.NoError(s.t, err)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	browser := http.Client{Jar: jar, Transport: named{who, language}}
	answer, err := browser.Do(req)
	require.NoError(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	if method == http.MethodGet && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		if language == "en" {
			s.send(who, "zh-CN", method, path, kind, strings.NewReader(""))
		}
		for _, said := range Unspoken(string(text)) {
			s.t.Errorf("%s as %s says to a reader of %s: %s", path, who, language, said)
		}
	}
	return answer.StatusCode, string(text)
}

// named says on every request, redirects included, who asks and in which language.
type named struct{ who, language string }

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set(personHeader, n.who)
	r.Header.Set("Accept-Language", n.language)
	return http.DefaultTransport.RoundTrip(r)
}

// Hidden reads hidden fields of a page, each as it stands there first.
func Hidden(body string, names ...string) url.Values {
	form := url.Values{}
	for _, name := range names {
		if m := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)">`).FindStringSubmatch(body); m != nil {
			form.Set(name, m[1])
		}
	}
	return form
}

var code = regexp.MustCompile(`code ([0-9]{6})`)

// Code is the newest verification code that was sent to a person.
func (s *Site) Code(who string) string {
	s.t.Helper()
	return newest(s.t, s.DB, who)
}

// SendCode sends a person a code for withdrawals of their partner, and answers it.
func (s *Site) SendCode(who, partner string, at time.Time) string {
	s.t.Helper()
	return SendCode(s.t, s.DB, who, partner, at)
}

// SendCode is the same without a site.
func SendCode(t *testing.T, db *sqlx.DB, who, partner string, at time.Time) string {
	t.Helper()
	_, err := (&activities.Codes{DB: db}).SendCode(t.Context(), activities.SendCodeInput{Person: who, Scene: verification.Withdrawal, Target: partner, At: at})
	require.NoError(t, err)
	return newest(t, db, who)
}

func newest(t *testing.T, db *sqlx.DB, who string) (sent string) {
	t.Helper()
	messages, err := views.Reader{DB: db}.Outbox(t.Context(), who, false)
	require.NoError(t, err)
	for _, m := range messages {
		if found := code.FindStringSubmatch(m.Body); found != nil {
			sent = found[1]
		}
	}
	return sent
}
