package browsertest

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe-core, see axe/README.md.
//
//go:embed axe/axe.min.js
var axe string

// violation is one rule that elements of the page break.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v violation) String() string {
	text := v.ID + ": " + v.Help
	for _, n := range v.Nodes {
		text += "\n    " + n.HTML + "\n        " + strings.ReplaceAll(n.Summary, "\n", "\n        ")
	}
	return text
}

// Accessible holds the page against WCAG 2.2 AA as far as axe-core can: with all rules as its reader sees it, its colours in the other
// scheme too, and on small screens, where nothing has to be read by moving the page sideways (1.4.10).
func (p *Page) Accessible() {
	p.t.Helper()
	p.settled()
	where := p.Path()
	told := func(how string, violations []violation) {
		p.t.Helper()
		for _, v := range violations {
			p.t.Errorf("%s%s breaks %s", where, how, v)
		}
	}
	told("", p.broken())
	p.scheme(!p.dark)
	told(" in the other scheme", p.breaks(colours))
	p.scheme(p.dark)
	for _, small := range []int64{zoomed, phone, reflow} {
		p.window(small, 800)
		if wide := p.evaluate(`String(document.documentElement.scrollWidth)`); wide != strconv.FormatInt(small, 10) {
			p.t.Errorf("%s is %s pixels wide on a screen of %d: %s", where, wide, small, p.evaluate(wider))
		}
		if small == phone { // tables may move by themselves, by the keyboard too
			told(" on a phone", p.breaks(`{type: "rule", values: ["scrollable-region-focusable", "target-size", "color-contrast"]}`))
		}
	}
	p.Desktop()
}

// Widths of screens in pixels: ours at 200 %, a phone's, ours at 400 %.
const zoomed, phone, reflow = width / 2, 390, width / 4

// colours are the rules that look at them.
const colours = `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`

// wider names what makes a page wider than its screen.
const wider = `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.parentElement.closest("[tabindex]"))
	.slice(0, 3).map(e => e.cloneNode().outerHTML).join(" ")`

// Phone makes the window as small as a phone's, Desktop makes it large again.
func (p *Page) Phone() {
	p.t.Helper()
	p.window(phone, 844)
}

// Desktop is the window that every page is opened in.
func (p *Page) Desktop() {
	p.t.Helper()
	p.window(width, height)
}

func (p *Page) window(wide, high int64) {
	p.t.Helper()
	p.must("change the window", chromedp.Do(p.ctx, chromedp.EmulateViewport(wide, high)))
}

// broken are all rules that the page breaks as it stands.
func (p *Page) broken() []violation {
	p.t.Helper()
	return p.breaks(`["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`)
}

func (p *Page) breaks(rules string) []violation {
	p.t.Helper()
	var found []violation
	text := p.apart(`axe.run(document, {runOnly: ` + rules + `, resultTypes: ["violations"], preload: false, iframes: false}).then(r => JSON.stringify(r.violations))`)
	p.must("axe", json.Unmarshal([]byte(text), &found))
	return found
}

// apart is the text that an expression comes to in a world of its own, which has axe: the page's content security policy does not
// hold there, and its scripts see nothing of it. Later documents of the tab get axe by themselves: it is long.
func (p *Page) apart(expression string) string {
	p.t.Helper()
	p.mu.Lock()
	fresh := p.axeIn != p.loader
	p.axeIn = p.loader
	p.mu.Unlock()
	if fresh {
		world, err := chromedp.Call(p.ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: p.frame, WorldName: "axe"})
		p.must("make a world", err)
		p.axeWorld = world.ExecutionContextID
		if p.inWorld(`typeof axe`) == "undefined" {
			_, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: axe, WorldName: "axe"})
			p.must("keep axe", err)
			p.inWorld(axe + `;""`)
		}
	}
	return p.inWorld(expression)
}

func (p *Page) inWorld(expression string) (text string) {
	p.t.Helper()
	yes := true
	result, err := chromedp.Call(p.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: p.axeWorld, AwaitPromise: &yes, ReturnByValue: &yes})
	p.must("evaluate", err)
	if e := result.ExceptionDetails; e != nil {
		p.t.Fatal(&chromedp.ExceptionError{ExceptionDetails: e})
	}
	p.must("read", json.Unmarshal(result.Result.Value, &text))
	return text
}
