package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/chromedp/cdproto/cdp"
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

// Accessible holds the page as its reader sees it, light or dark, against WCAG 2.2 AA as far as axe-core can; and on a small
// screen nothing has to be read by moving the page sideways (1.4.10).
func (p *Page) Accessible() {
	p.t.Helper()
	p.settled()
	for _, v := range p.broken() {
		p.t.Errorf("%s breaks %s", p.Path(), v)
	}
	p.must("make the window small", chromedp.Do(p.ctx, chromedp.EmulateViewport(320, 640)))
	if wide := p.evaluate(`String(document.documentElement.scrollWidth)`); wide != "320" {
		p.t.Errorf("%s is %s pixels wide on a screen of 320", p.Path(), wide)
	}
	for _, v := range p.breaks(`{type: "rule", values: ["scrollable-region-focusable"]}`) { // tables may move by themselves, by the keyboard too
		p.t.Errorf("%s on a small screen breaks %s", p.Path(), v)
	}
	p.must("make it large again", chromedp.Do(p.ctx, chromedp.EmulateViewport(width, height)))
}

func (p *Page) broken() []violation {
	p.t.Helper()
	return p.breaks(`["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`)
}

func (p *Page) breaks(rules string) []violation {
	p.t.Helper()
	found, err := chromedp.Run(p.ctx, violations(rules))
	p.must("axe", err)
	return found
}

// violations runs axe in a world of its own, where the page's content security policy does not hold and its scripts see nothing.
func violations(rules string) chromedp.Action[[]violation] {
	return func(ctx context.Context, t *chromedp.Target) ([]violation, error) {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return nil, err
		}
		world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
		if err != nil {
			return nil, err
		}
		yes := true
		result, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{
			Expression: axe + `;axe.run(document, {runOnly: ` + rules + `, resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`,
			ContextID:  world.ExecutionContextID, AwaitPromise: &yes, ReturnByValue: &yes,
		})
		if err != nil {
			return nil, err
		}
		if e := result.ExceptionDetails; e != nil {
			return nil, &chromedp.ExceptionError{ExceptionDetails: e}
		}
		var text string
		var found []violation
		if err := json.Unmarshal(result.Result.Value, &text); err != nil {
			return nil, err
		}
		return found, json.Unmarshal([]byte(text), &found)
	}
}
