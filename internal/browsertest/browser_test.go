package browsertest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var browser *Browser

func TestMain(m *testing.M) {
	var err error
	if browser, err = Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	browser.Stop()
	os.Exit(code)
}

const formPage = `<!DOCTYPE html><html lang="en"><head><title>Form</title><meta name="viewport" content="width=device-width"></head><body>
<main><h1>Form</h1><p id="script">no script</p>
<form method="post" action="/answer" aria-label="Application">
<label>Name <input name="name" value="old"></label>
<label>Amount <input name="amount" type="number" step="0.01"></label>
<label for="day">Day</label><input id="day" name="day" type="date">
<label>Route <select name="route"><option value="B">Bank card</option><option value="W">Wallet</option></select></label>
<label><input type="checkbox" name="sure"> Sure</label>
<label>Comment <textarea name="comment"></textarea></label>
<button>Send</button></form>
<form method="post" action="/answer" aria-label="Other"><button>Other</button></form>
<table><caption>Cases</caption><thead><tr><th>Case</th><th>Amount</th></tr></thead><tbody><tr><td>W1</td><td>1.00</td></tr></tbody></table>
<p><a href="/form?again">Again</a> <a href="/file">File</a></p></main></body></html>`

// site has one page of each kind that a test has to tell apart.
func site(t *testing.T) string {
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, ".js") {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			}
			fmt.Fprint(w, body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /form", page(strings.Replace(formPage, "</body>", `<script src="/script.js"></script></body>`, 1)))
	mux.HandleFunc("GET /script.js", page(`document.getElementById("script").textContent = "script"`))
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment")
		fmt.Fprint(w, "a,b")
	})
	mux.HandleFunc("GET /favicon.ico", page(""))
	mux.HandleFunc("POST /answer", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusUnprocessableEntity) // refused, and told
		fmt.Fprintf(w, "<p>%s</p><p>%s</p>", html.EscapeString(r.PostForm.Encode()), r.Header.Get("Accept-Language"))
	})
	mux.HandleFunc("GET /inline", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		fmt.Fprint(w, `<p style="color: red">inline</p><script>document.title = "ran"</script>`)
	})
	mux.HandleFunc("GET /throws", page(`<script>throw new Error("torn")</script>`))
	mux.HandleFunc("GET /lacks", page(`<link rel="stylesheet" href="/gone.css"><p>lacks</p>`))
	mux.HandleFunc("GET /fails", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", http.StatusInternalServerError) })
	mux.HandleFunc("GET /pale", page(`<!DOCTYPE html><html lang="en"><head><title>Pale</title><style>@media (prefers-color-scheme: dark) { p { color: #222; background: #111 } }</style></head>
		<body><main><h1>Pale</h1><p>words</p><input></main></body></html>`))
	mux.HandleFunc("GET /fetches", page(`<button id="b">More</button><p id="p"></p><script>b.onclick = () => {
		b.classList.add("htmx-request")
		fetch("/script.js").then(r => r.text()).then(text => setTimeout(() => { p.textContent = "came: " + text; b.classList.remove("htmx-request") }, 50)) }</script>`))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAFormIsFilledByItsLabelsWithAndWithoutJavaScript(t *testing.T) {
	origin := site(t)
	for _, noScript := range []bool{false, true} {
		p := browser.Open(t, Options{Origin: origin, NoScript: noScript, Language: "zh-CN"})
		assert.Equal(t, 200, p.Go("/form"))
		assert.Equal(t, noScript, strings.Contains(p.Text(), "no script"))
		assert.Equal(t, [][]string{{"Case", "Amount"}, {"W1", "1.00"}}, p.Table("Cases"))
		assert.Equal(t, 200, p.Follow("Again"))
		assert.Equal(t, "/form?again", p.Path())
		p.Follow("File")
		assert.Equal(t, "/form?again", p.Path(), "a download leaves the page where it is")
		form := p.In("form", "Application")
		form.Fill("Name", `林 & <b>`)
		form.Fill("Amount", "12.30")
		form.Fill("Day", "2026-11-22")
		form.Fill("Route", "Wallet")
		form.Click("checkbox", "Sure")
		form.Fill("Comment", "one\ntwo")
		assert.Equal(t, "12.30", form.Value("Amount"))
		assert.True(t, form.Has("button", "Send"))
		assert.False(t, form.Has("button", "Other"))
		assert.Equal(t, 422, form.Press("Send"))
		p.Sees("amount=12.30&comment=one%0D%0Atwo&day=2026-11-22&name=%E6%9E%97+%26+%3Cb%3E&route=W&sure=on", "zh-CN")
	}
}

func TestWhatAScriptFetchesIsWaitedFor(t *testing.T) {
	p := browser.Open(t, Options{Origin: site(t)})
	p.Go("/fetches")
	p.Press("More")
	assert.Contains(t, p.Text(), "came: document")
}

func TestAPageAtFaultIsToldOf(t *testing.T) {
	p := browser.Open(t, Options{Origin: site(t)})
	for path, want := range map[string]string{
		"/inline": "Content Security Policy", "/throws": "torn", "/lacks": "gone.css", "/fails": "500 for",
	} {
		p.Go(path)
		assert.Contains(t, strings.Join(p.Faults(), "\n"), want, path)
	}
	assert.NotEqual(t, "ran", p.evaluate("document.title"))
}

func TestWhoCannotSeeOrSeesPoorlyIsStoodUpFor(t *testing.T) {
	origin := site(t)
	for dark, want := range map[bool][]string{false: {"label"}, true: {"color-contrast", "label"}} {
		p := browser.Open(t, Options{Origin: origin, Dark: dark})
		p.Go("/pale")
		var broken []string
		for _, v := range p.broken() {
			broken = append(broken, v.ID)
		}
		assert.Equal(t, want, broken)
		p.Go("/form")
		p.Accessible()
	}
}

func TestAPictureIsThere(t *testing.T) {
	p := browser.Open(t, Options{Origin: site(t)})
	p.Go("/form")
	assert.Equal(t, "\x89PNG", string(p.Picture()[:4]))
}

// The sums are what axe-core's own package says of the file, and what its licences were.
func TestTheVendoredFilesAreAsTheirAuthorsMadeThem(t *testing.T) {
	for name, want := range map[string]string{
		"axe.min.js":            "KTSJmUUM3yhJqOcLeRL8LahahJ2jnA0NU5T1HUqe2Vw=",
		"LICENSE":               "rxdbnZbuk8IaA2FS4bkFsLlTBNSujCySHHYJEAuo334=",
		"LICENSE-3RD-PARTY.txt": "T4Vjhw0Pyji7w+ALb2cMt/qfOAup8mp/fRGEprGLFlM=",
	} {
		file, err := os.ReadFile(filepath.Join("axe", name))
		require.NoError(t, err)
		sum := sha256.Sum256(file)
		assert.Equal(t, want, base64.StdEncoding.EncodeToString(sum[:]), name)
	}
}
