package page_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/web/page"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// site is a book with pages that greet, take a form and fail.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	r, err := page.New(fstest.MapFS{
		"pages/greeting.html": {Data: []byte(`<h1>{{t "greeting" .}}</h1>`)},
		"messages.json":       {Data: []byte(`{"greeting": ["%s，您好", "Good day, %s"]}`)},
	})
	require.NoError(t, err)
	r.Person = func(context.Context) *person.Person { return &person.Person{ID: "li", Name: "李 <b>"} }
	r.Nav = func(*http.Request, person.Person) []page.Link {
		return []page.Link{{Path: "/here", Key: "error.front", Count: 7}}
	}
	r.Notice = "测试 & trial"
	mux := http.NewServeMux()
	r.Routes(mux)
	mux.Handle("GET /here", r.Handle(func(w http.ResponseWriter, req *http.Request) error {
		r.Render(w, req, http.StatusOK, "greeting", "G", "Li <script>")
		return nil
	}))
	mux.Handle("POST /form", r.Handle(func(w http.ResponseWriter, req *http.Request) error {
		form, err := page.Form(w, req)
		if err != nil {
			return err
		}
		page.Flash(w, req, "greeting", form.Get("name"))
		http.Redirect(w, req, "/here", http.StatusSeeOther)
		return nil
	}))
	mux.Handle("GET /refused", r.Handle(func(http.ResponseWriter, *http.Request) error {
		return refusal.List{refusal.New("ENG-02", "ENG_SELF_APPROVAL", "task", "Ask a <i>colleague</i>.")}
	}))
	mux.Handle("GET /broken", r.Handle(func(http.ResponseWriter, *http.Request) error { return errors.New("secret cause") }))
	server := httptest.NewServer(r.Protect(mux))
	t.Cleanup(server.Close)
	return server
}

// answered is an answer without its body.
type answered struct {
	StatusCode int
	Header     http.Header
	Cookies    []*http.Cookie
}

func ask(t *testing.T, method, address string, form url.Values, header ...string) (answered, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answered{answer.StatusCode, answer.Header, answer.Cookies()}, string(body)
}

func TestAPageIsInTheReadersLanguageWithLayoutAndHeaders(t *testing.T) {
	s := site(t)
	answer, body := ask(t, http.MethodGet, s.URL+"/here", nil)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Contains(t, body, `<html lang="zh-Hans">`)
	require.Contains(t, body, `<h1>Li &lt;script&gt;，您好</h1>`)
	require.Contains(t, body, `李 &lt;b&gt;`)
	require.Contains(t, body, `<p class="banner">测试 &amp; trial</p>`)
	require.Regexp(t, `<a href="/here" aria-current="page">回到首页 <span class="count">7</span>`, body)
	require.NotContains(t, answer.Header.Get("Content-Security-Policy"), "unsafe")
	require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	require.NotRegexp(t, `(?i)<[^>]* (style|on[a-z]+)=`, body)

	_, body = ask(t, http.MethodGet, s.URL+"/here", nil, "Accept-Language", "en-GB,zh;q=0.5")
	require.Contains(t, body, `<html lang="en">`)
	require.Contains(t, body, "Good day, Li")

	answer, _ = ask(t, http.MethodPost, s.URL+"/language", url.Values{"language": {"en"}, "back": {"/here?x=1"}})
	require.Equal(t, "/here?x=1", answer.Header.Get("Location"))
	_, body = ask(t, http.MethodGet, s.URL+"/here", nil, "Cookie", answer.Cookies[0].String(), "Accept-Language", "zh")
	require.Contains(t, body, "Good day, Li")
}

func TestByHttpsCookiesAreOfThisHostAloneWhateverARequestSaysOfItself(t *testing.T) {
	r, err := page.New()
	require.NoError(t, err)
	mux := http.NewServeMux()
	r.Routes(mux)
	choose := func() http.Header {
		req := httptest.NewRequest(http.MethodPost, "/language", strings.NewReader("language=en&back=/here"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		r.Protect(mux).ServeHTTP(w, req)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), "an answer that leads on is nobody else's, too")
		return w.Header()
	}
	plain := choose()
	require.Regexp(t, `^countersign-language=en; `, plain.Get("Set-Cookie"))
	require.Empty(t, plain.Get("Strict-Transport-Security"))
	r.Secure = true
	safe := choose()
	require.Regexp(t, `^__Host-countersign-language=en; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax$`, safe.Get("Set-Cookie"))
	require.NotEmpty(t, safe.Get("Strict-Transport-Security"))
}

type copied struct{}

func TestUploadedFilesHaveNamesThatAreTextAndAreGoneWhenTheRequestEnds(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	r, err := page.New()
	require.NoError(t, err)
	lying := func() int {
		files, err := os.ReadDir(folder)
		require.NoError(t, err)
		return len(files)
	}
	during := 0
	server := httptest.NewServer(r.Protect(r.Handle(func(w http.ResponseWriter, req *http.Request) error {
		_, files, err := page.Upload(w, req.WithContext(context.WithValue(req.Context(), copied{}, true))) // a copy, as middleware makes
		if during = lying(); err != nil {
			return err
		}
		_, err = fmt.Fprint(w, files[0].Filename, files[0].Size)
		return err
	})))
	t.Cleanup(server.Close)
	send := func(name string) (int, string) {
		var body strings.Builder
		form := multipart.NewWriter(&body)
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}})
		require.NoError(t, err)
		_, err = io.WriteString(part, strings.Repeat("x", 12<<20)) // more than is kept in memory
		require.NoError(t, err)
		require.NoError(t, form.Close())
		answer, err := http.Post(server.URL, form.FormDataContentType(), strings.NewReader(body.String()))
		require.NoError(t, err)
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(said)
	}
	status, said := send("scan.pdf")
	require.Equal(t, http.StatusOK, status, said)
	require.Equal(t, "scan.pdf12582912", said)
	require.Equal(t, 1, during, "it lies in a file meanwhile")
	require.Eventually(t, func() bool { return lying() == 0 }, time.Minute, 10*time.Millisecond)
	status, _ = send("a\xff.pdf")
	require.Equal(t, http.StatusBadRequest, status)
	require.Eventually(t, func() bool { return lying() == 0 }, time.Minute, 10*time.Millisecond)
}

// What a form asks for is recognised by its digest (COM-20), and its files are part of that.
func TestFilesOfAFormComeInTheSameOrderEachTimeItIsSent(t *testing.T) {
	fields := []string{"proof-project", "proof-employment", "9", "proof-social-security", "10"}
	for range 20 {
		var body strings.Builder
		form := multipart.NewWriter(&body)
		for _, field := range fields {
			for _, name := range []string{"b.pdf", "a.pdf"} {
				_, err := form.CreateFormFile(field, name)
				require.NoError(t, err)
			}
		}
		require.NoError(t, form.Close())
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body.String()))
		req.Header.Set("Content-Type", form.FormDataContentType())
		_, files, err := page.Upload(httptest.NewRecorder(), req)
		require.NoError(t, err)
		var came []string
		for _, f := range files {
			came = append(came, f.Field+" "+f.Filename)
		}
		require.Equal(t, []string{
			"10 b.pdf", "10 a.pdf", "9 b.pdf", "9 a.pdf", "proof-employment b.pdf", "proof-employment a.pdf", "proof-project b.pdf", "proof-project a.pdf",
			"proof-social-security b.pdf", "proof-social-security a.pdf",
		}, came)
	}
}

// clock is a connection that remembers until when it may be read and written.
type clock struct {
	*httptest.ResponseRecorder
	read, write time.Duration // from now
}

func (c *clock) SetReadDeadline(at time.Time) error { c.read = time.Until(at); return nil }

func (c *clock) SetWriteDeadline(at time.Time) error { c.write = time.Until(at); return nil }

func TestFilesMayTakeLongerThanForms(t *testing.T) {
	ends, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	var body strings.Builder
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("reason", "x"))
	require.NoError(t, form.Close())
	up := httptest.NewRequestWithContext(ends, http.MethodPost, "/", strings.NewReader(body.String()))
	up.Header.Set("Content-Type", form.FormDataContentType())
	plain := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("reason=x"))
	plain.Header.Set("Content-Type", "application/x-www-form-urlencoded")

	w := &clock{ResponseRecorder: httptest.NewRecorder()}
	for _, req := range []*http.Request{plain, up} {
		require.Zero(t, w.read)
		fields, _, err := page.Upload(w, req)
		require.NoError(t, err)
		require.Equal(t, "x", fields.Get("reason"))
	}
	require.Greater(t, w.read, 5*time.Minute)
	require.Greater(t, w.write, w.read, "and the answer comes after it")
	w = &clock{ResponseRecorder: httptest.NewRecorder()}
	require.NoError(t, page.File(w, httptest.NewRequest(http.MethodGet, "/", nil), "application/pdf", "a.pdf", "", strings.NewReader("%PDF")))
	require.Greater(t, w.write, 5*time.Minute)
}

func TestAFlashIsShownOnce(t *testing.T) {
	s := site(t)
	answer, _ := ask(t, http.MethodPost, s.URL+"/form", url.Values{"name": {"<b>Wang"}})
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	require.Equal(t, "/here", answer.Header.Get("Location"))
	cookie := answer.Cookies[0]
	answer, body := ask(t, http.MethodGet, s.URL+"/here", nil, "Cookie", cookie.Name+"="+cookie.Value, page.Background, "1")
	require.NotContains(t, body, "flash\"")
	require.Empty(t, answer.Cookies, "a page that refreshes itself in another window leaves it")
	answer, body = ask(t, http.MethodGet, s.URL+"/here", nil, "Cookie", cookie.Name+"="+cookie.Value)
	require.Contains(t, body, `<p class="flash" role="status">&lt;b&gt;Wang，您好</p>`)
	require.Negative(t, answer.Cookies[0].MaxAge)
	_, body = ask(t, http.MethodGet, s.URL+"/here", nil, "Cookie", cookie.Name+"=bm9uc2Vuc2U")
	require.NotContains(t, body, "flash\"")
}

func TestWhatFailsIsToldByItsKind(t *testing.T) {
	s := site(t)
	for _, c := range []struct {
		name, method, path string
		form               url.Values
		header             []string
		status             int
		text               string
	}{
		{name: "a refusal in its own words", method: http.MethodGet, path: "/refused", status: 422, text: "Ask a &lt;i&gt;colleague&lt;/i&gt;."},
		{name: "nothing there", method: http.MethodGet, path: "/nowhere", status: 404, text: "没有这个页面"},
		{name: "a defect, without its cause", method: http.MethodGet, path: "/broken", status: 500, text: "请将编号"},
		{name: "another site's form", method: http.MethodPost, path: "/form", form: url.Values{"name": {"x"}}, header: []string{"Sec-Fetch-Site", "cross-site"}, status: 403, text: "来自其他网站"},
		{name: "another origin", method: http.MethodPost, path: "/form", form: url.Values{"name": {"x"}}, header: []string{"Origin", "https://evil.example"}, status: 403, text: "来自其他网站"},
		{name: "wrong UTF-8", method: http.MethodPost, path: "/form", form: url.Values{"name": {"\xff\xfe"}}, status: 400, text: "不是有效文本"},
		{name: "a NUL", method: http.MethodPost, path: "/form", form: url.Values{"name": {"a\x00b"}}, status: 400, text: "不是有效文本"},
		{name: "wrong UTF-8 in the address", method: http.MethodGet, path: "/here?q=%ff", status: 400, text: "不是有效文本"},
		{name: "a NUL in the address", method: http.MethodGet, path: "/a%00b", status: 400, text: "不是有效文本"},
		{name: "10 MB", method: http.MethodPost, path: "/form", form: url.Values{"name": {strings.Repeat("x", 10<<20)}}, status: 413, text: "内容太长"},
		{name: "a language that is none", method: http.MethodPost, path: "/language", form: url.Values{"language": {"!!"}}, status: 400, text: "不是有效文本"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, body := ask(t, c.method, s.URL+c.path, c.form, c.header...)
			require.Equal(t, c.status, answer.StatusCode)
			require.Contains(t, body, c.text)
			require.NotContains(t, body, "secret cause")
		})
	}
}

func TestAmountsAreWrittenTheSameOnEveryPage(t *testing.T) {
	nothing := (*money.Amount)(nil)
	r, err := page.New(fstest.MapFS{
		"pages/sums.html": {Data: []byte(`{{range .}}[{{money .}}|{{money . "CNY"}}|{{sum "withdrawal" .}}|{{sum "tier_upgrade" .}}]{{end}}`)},
		"messages.json":   {Data: []byte(`{}`)},
	})
	require.NoError(t, err)
	for language, sums := range map[string]string{
		"zh": "[0.50|0.50 元|0.50|][-1,234.00|-1,234.00 元|-1,234.00|][999.99|999.99 元|999.99|][12,345,678.90|12,345,678.90 元|12,345,678.90|][|||][a 1000|a 1000 元|a 1000|][308,875.00|308,875.00 元|308,875.00|][1,234.56789|1,234.56789 元|1,234.56789|]",
		"en": "[0.50|0.50 CNY|0.50|][-1,234.00|-1,234.00 CNY|-1,234.00|][999.99|999.99 CNY|999.99|][12,345,678.90|12,345,678.90 CNY|12,345,678.90|][|||][a 1000|a 1000 CNY|a 1000|][308,875.00|308,875.00 CNY|308,875.00|][1,234.56789|1,234.56789 CNY|1,234.56789|]",
	} {
		w, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set("Accept-Language", language)
		r.Render(w, req, http.StatusOK, "sums", "sums", []any{money.Must("0.5"), money.Must("-1234"), money.Must("999.99"), money.Must("12345678.9"), nothing, "a 1000", decimal.RequireFromString("308875.00000000"), decimal.RequireFromString("1234.56789")})
		require.Contains(t, w.Body.String(), sums)
	}
}

func TestNobodyIsLedToAnotherSite(t *testing.T) {
	for address, led := range map[string]string{
		"/inbox?a=b": "/inbox?a=b", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "inbox": "/",
		"/%2Fevil.example": "/", "///evil.example": "/", "/\tevil.example": "/", " //evil.example": "/", "https:/evil.example": "/", "//user@evil.example/inbox": "/", "/a%5Cb": "/a%5Cb",
	} {
		require.Equal(t, led, page.Local(address), address)
	}
}

func TestStaticFilesAreServedForEverUnderTheirHash(t *testing.T) {
	s := site(t)
	_, body := ask(t, http.MethodGet, s.URL+"/here", nil)
	files := regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(body, -1)
	require.Len(t, files, 4)
	for _, f := range files {
		answer, _ := ask(t, http.MethodGet, s.URL+f[1], nil)
		require.Equal(t, http.StatusOK, answer.StatusCode, f[1])
		require.Contains(t, answer.Header.Get("Cache-Control"), "immutable")
	}
	answer, _ := ask(t, http.MethodGet, s.URL+"/static/console.css", nil)
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
}

// htmx is kept as its authors released it: https://github.com/bigskysoftware/htmx, v2.0.11, dist/htmx.min.js.
func TestHtmxIsTheReleasedFile(t *testing.T) {
	text, err := os.ReadFile("static/htmx-2.0.11.min.js")
	require.NoError(t, err)
	require.Equal(t, "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717", fmt.Sprintf("%x", sha256.Sum256(text)))
	licence, err := os.ReadFile("static/htmx-2.0.11.LICENSE")
	require.NoError(t, err)
	require.Contains(t, string(licence), "Zero-Clause BSD")
}
