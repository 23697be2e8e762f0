// Package browsertest opens pages in a real Chromium, for tests: it finds what is on a page as a person with a screen reader does,
// by role and name, and fails a test whose page breaks its own content security policy, throws, or lacks a file.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what has to come; a healthy machine needs a small part of it.
const patience = 30 * time.Second

// Browser is one Chromium, which every test of a package shares.
type Browser struct {
	ctx  context.Context
	stop func()
}

// Start starts the Chromium that CHROMIUM names, or one that is on PATH.
func Start() (*Browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.WindowSize(width, height))
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	if os.Geteuid() == 0 { // Chromium's sandbox does not work as root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stopProcess := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopTab := chromedp.NewContext(ctx)
	b := &Browser{ctx: ctx, stop: func() { stopTab(); stopProcess() }}
	if err := chromedp.Do(ctx); err != nil { // the first step starts it
		b.Stop()
		return nil, fmt.Errorf("start Chromium, which `bin/local test` finds or installs: %w", err)
	}
	return b, nil
}

// Stop ends the browser.
func (b *Browser) Stop() { b.stop() }

// Options say how somebody looks at pages.
type Options struct {
	Origin   string // of the server: "http://127.0.0.1:8080"
	Language string // of the browser: "zh-CN", "en"; empty: Chromium's own
	Dark     bool   // prefers dark pages
	NoScript bool   // JavaScript is off
}

// The window, in pixels.
const width, height = 1280, 900

// Page is one tab in a profile of its own: no cookie, nothing cached.
type Page struct {
	t      testing.TB
	ctx    context.Context
	origin string
	dark   bool
	within []element // where to look; empty: the whole page

	*seen
}

// seen is what the tab reported, told by the goroutine that reads the browser.
type seen struct {
	mu       sync.Mutex
	frame    cdp.FrameID // the page itself, not what is embedded in it
	loader   cdp.LoaderID
	status   int64                              // of the last document
	requests map[network.RequestID]cdp.LoaderID // under way; those of pages that were left may never end
	began    int                                // requests for a document or by a script, so far
	loading  bool                               // a document was asked for and has not loaded
	document network.RequestID                  // by this request
	faults   []string

	axeIn    cdp.LoaderID // the document that axe has a world in
	axeWorld runtime.ExecutionContextID
}

// Open opens an empty tab. The test fails at its end when a page did something that pages must not do.
func (b *Browser) Open(t testing.TB, o Options) *Page {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	p := &Page{t: t, ctx: ctx, origin: strings.TrimSuffix(o.Origin, "/"), dark: o.Dark, seen: &seen{requests: map[network.RequestID]cdp.LoaderID{}}}
	p.must("open a tab", chromedp.Do(ctx))
	p.frame = cdp.FrameID(chromedp.FromContext(ctx).Target.TargetID)
	p.must("listen", chromedp.Listen(ctx, p.hear))
	if o.Language != "" {
		_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": o.Language}})
		p.must("set the language", err)
	}
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript})
	p.must("switch JavaScript", err)
	p.scheme(p.dark)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page is %s:\n%s", p.evaluate("location.href"), p.evaluate("document.body.innerText.slice(0, 3000)"))
		}
		for _, fault := range p.Faults() {
			t.Errorf("the page at fault: %s", fault)
		}
	})
	return p
}

// scheme is on a screen, light or dark; nothing moves, so that a look at the page is the same at any moment.
func (p *Page) scheme(dark bool) {
	p.t.Helper()
	p.media("screen", dark)
}

func (p *Page) media(media string, dark bool) {
	p.t.Helper()
	prefers := "light"
	if dark {
		prefers = "dark"
	}
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: prefers}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	p.must("prefer "+prefers, err)
}

// hear takes in what the tab reports.
func (p *Page) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests[e.RequestID] = e.LoaderID
		if e.FrameID == p.frame && string(e.LoaderID) == string(e.RequestID) {
			p.loading, p.document = true, e.RequestID
		}
		if asks(e.Type) {
			p.began++
		}
	case *network.EventResponseReceived:
		if e.FrameID == p.frame && string(e.LoaderID) == string(e.RequestID) {
			p.status = e.Response.Status
		}
		if e.Response.Status >= 500 || e.Response.Status >= 400 && !asks(e.Type) {
			p.fault("%d for %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventLoadingFinished:
		delete(p.requests, e.RequestID)
	case *network.EventLoadingFailed:
		delete(p.requests, e.RequestID)
		if e.RequestID == p.document { // a download: the page stays
			p.loading = false
		}
		if !e.Canceled { // as a download is, and what the next page does not need any more
			p.fault("%s %s: %s %s", e.Type, e.RequestID, e.ErrorText, e.BlockedReason)
		}
	case *page.EventFrameRequestedNavigation:
		p.loading = p.loading || e.FrameID == p.frame
	case *page.EventFrameNavigated:
		if e.Frame.ID == p.frame {
			p.loader = e.Frame.LoaderID
		}
	case *page.EventLoadEventFired:
		p.loading = false
	case *runtime.EventExceptionThrown:
		p.fault("%v", &chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails})
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			p.fault("console.%s: %s", e.Type, said(e.Args))
		}
	case *log.EventEntryAdded:
		known := e.Entry.Source == log.EntrySourceNetwork // told above, with more
		if !known && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			p.fault("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

// asks tells whether the answer to such a request is shown to a person, who is told of a refusal.
func asks(what network.ResourceType) bool {
	return what == network.ResourceTypeDocument || what == network.ResourceTypeXHR || what == network.ResourceTypeFetch
}

func (p *Page) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// Faults are what the pages did wrong since the last call: a test that expects some takes them away.
func (p *Page) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	faults := p.faults
	p.faults = nil
	return faults
}

func said(args []*runtime.RemoteObject) string {
	var text []string
	for _, a := range args {
		text = append(text, string(a.Value)+a.Description)
	}
	return strings.Join(text, " ")
}

// await asks again and again until the answer is yes.
func (p *Page) await(what string, come func() (bool, error)) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		done, err := come()
		if done && err == nil {
			return
		}
		if p.ctx.Err() != nil || time.Now().After(end) {
			p.t.Fatal(strings.TrimSpace(fmt.Sprintf("%s does not come: %v", what, errors.Join(err, p.ctx.Err()))))
		}
	}
}

func (p *Page) must(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// evaluate is the text that an expression comes to, which page scripts see nothing of.
func (p *Page) evaluate(expression string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil && !p.t.Failed() {
		p.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return text
}

// settled waits until everything that was asked for is there, and htmx has put it in its place.
func (p *Page) settled() {
	p.t.Helper()
	p.await("the end of loading", func() (bool, error) {
		// Asked first: what it reports comes after all that happened before it.
		busy, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](
			`document.readyState !== "complete" || document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added") !== null`))
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, loader := range p.requests {
			busy = busy || loader == p.loader
		}
		return !busy && !p.loading, err
	})
}

// asking does something that asks the server, and waits for the answer's end.
func (p *Page) asking(what string, do func() error) int {
	p.t.Helper()
	p.mu.Lock()
	before := p.began
	p.mu.Unlock()
	p.must(what, do())
	p.await("a request after "+what, func() (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.began > before, nil
	})
	p.settled()
	return p.Status()
}

// Status is that of the last document.
func (p *Page) Status() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.status)
}

// Go opens a path of the server and answers the status.
func (p *Page) Go(path string) int {
	p.t.Helper()
	return p.asking("open "+path, func() error { return chromedp.Do(p.ctx, chromedp.Navigate(p.origin+path)) })
}

// Path is where the page is, with its query.
func (p *Page) Path() string {
	p.t.Helper()
	return p.evaluate("location.pathname + location.search")
}

// Title is the page's.
func (p *Page) Title() string {
	p.t.Helper()
	return p.evaluate("document.title")
}

// Text is what a person reads of the page, or of the part that In chose.
func (p *Page) Text() string {
	p.t.Helper()
	if len(p.within) == 0 {
		return p.evaluate("document.body.innerText")
	}
	return p.call(p.root(), "function() { return this.innerText }")
}

// Sees waits for texts.
func (p *Page) Sees(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.await(fmt.Sprintf("%q", text), func() (bool, error) { return strings.Contains(p.Text(), text), nil })
	}
}

// Printed is what is left of the page on paper.
func (p *Page) Printed() string {
	p.t.Helper()
	p.media("print", p.dark)
	defer p.scheme(p.dark)
	return p.evaluate("document.body.innerText")
}

// Picture is the whole page as PNG: in a window as high as it is, so that what sticks to the window's edge is where the page ends.
func (p *Page) Picture() []byte {
	p.t.Helper()
	p.settled()
	var wide, high, whole int64
	_, err := fmt.Sscan(p.evaluate(`[innerWidth, innerHeight, document.documentElement.scrollHeight].join(" ")`), &wide, &high, &whole)
	p.must("measure", err)
	p.window(wide, whole)
	defer p.window(wide, high)
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.must("picture", err)
	return png
}

// Fetched reads an address as who looks at the page would, beside it, and tells whether it is a page and not a file.
func (p *Page) Fetched(path string) (status int, html bool) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.origin+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range p.Cookies() {
		request.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it is only read
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html")
}

// Cookies are those of the page's server, with what a script may not read.
func (p *Page) Cookies() []*network.Cookie {
	p.t.Helper()
	found, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{p.origin}})
	p.must("cookies", err)
	return slices.Clip(found.Cookies)
}
