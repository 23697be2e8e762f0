package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
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

// Accessible holds the page against WCAG 2.2 AA, as far as axe-core can: everything in light, and the contrasts in dark again;
// and on a small screen nothing has to be read by moving the page sideways (1.4.10).
func (p *Page) Accessible() {
	p.t.Helper()
	p.settled()
	found, err := p.broken()
	p.must("axe", err)
	for _, f := range found {
		p.t.Error(f)
	}
	const small = 320
	p.must("make the window small", chromedp.Do(p.ctx, chromedp.EmulateViewport(small, 640)))
	if wide := p.evaluate(`String(document.documentElement.scrollWidth)`); wide != fmt.Sprint(small) {
		p.t.Errorf("%s is %s pixels wide on a screen of %d", p.Path(), wide, small)
	}
	p.must("make it large again", chromedp.Do(p.ctx, chromedp.ResetViewport()))
}

func (p *Page) broken() (all []string, err error) {
	p.t.Helper()
	for _, look := range []struct {
		name, rules string
		dark        bool
	}{
		{"dark", `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`, true},
		{"light", `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}`, false},
	} {
		p.scheme(look.dark)
		found, err := chromedp.Run(p.ctx, violations(look.rules))
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			all = append(all, fmt.Sprintf("%s in %s breaks %s", p.Path(), look.name, v))
		}
	}
	return all, nil
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
