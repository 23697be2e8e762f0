package browsertest

import (
	"encoding/json"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Walked goes through a page that has just been opened by the Tab key alone. The test fails where something that may be used is not
// reached, comes out of its order, does not show that it has the focus (2.4.7), or is covered (2.4.11).
func (p *Page) Walked() {
	p.t.Helper()
	p.settled()
	var stops int
	p.must("count the stops", json.Unmarshal([]byte(p.apart(watch)), &stops))
	p.must("press Tab", chromedp.Do(p.ctx, chromedp.KeyEvent(strings.Repeat(kb.Tab, stops))))
	if wrong := p.apart(`wrong()`); wrong != "" {
		p.t.Errorf("%s, by the Tab key: %s", p.Path(), wrong)
	}
}

// watch notes each stop as it gets the focus. One of several radio buttons stands for all of them.
const watch = `
	const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
		.filter(e => !e.disabled && e.type !== "hidden" && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}))
	const met = new Set(), faults = []
	const named = e => e.cloneNode().outerHTML.slice(0, 160) + e.textContent.trim().slice(0, 40)
	const group = e => e.type === "radio" ? e.name : null
	let last = -1
	document.body.tabIndex = -1 // from the top, whatever has the focus now
	document.body.focus()
	document.body.removeAttribute("tabindex")
	document.addEventListener("focusin", ({target: e}) => {
		const at = stops.indexOf(e), style = getComputedStyle(e)
		if (met.has(e)) return
		met.add(e)
		if (at >= 0 && at < last) faults.push("out of order: " + named(e))
		last = Math.max(last, at)
		if ((style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1) && style.boxShadow === "none") faults.push("shows no focus: " + named(e))
		e.scrollIntoView({block: "nearest"})
		const box = e.getClientRects()[0], top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, innerHeight / 2))
		if (top !== null && !e.contains(top) && !top.contains(e) && ![...e.labels ?? []].some(l => l.contains(top))) faults.push("covered by " + named(top) + ": " + named(e))
	})
	function wrong() {
		const reached = e => met.has(e) || group(e) !== null && [...met].some(m => group(m) === group(e))
		return [...stops.filter(e => e.tabIndex > 0).map(e => "has an order of its own: " + named(e)),
			...stops.filter(e => !reached(e)).map(e => "not reached: " + named(e)), ...faults].slice(0, 5).join("\n    ")
	}
	String(stops.length + 4 * stops.filter(e => ["date", "month", "datetime-local", "time"].includes(e.type)).length + 10)` // a date has stops within; what scrolls has one

// Calm tells what moves on the page although its reader asked for less motion; empty: nothing.
func (p *Page) Calm() string {
	p.t.Helper()
	return p.evaluate(`[...document.querySelectorAll("*")].filter(e => { const s = getComputedStyle(e)
		return [s.transitionDuration, s.animationDuration].some(d => d.split(",").some(x => parseFloat(x) > 0.01)) || s.scrollBehavior === "smooth" })
		.slice(0, 3).map(e => e.cloneNode().outerHTML).join(" ")`)
}

// OnPaper holds what is printed of the page against what paper is: it has no navigation and no buttons, its ground is white, and what
// stands on it can be read.
func (p *Page) OnPaper() {
	p.t.Helper()
	p.media("print", p.dark)
	defer p.scheme(p.dark)
	if wrong := p.evaluate(`[...[...document.querySelectorAll("nav, button, .skip")].filter(e => e.checkVisibility({visibilityProperty: true})).map(e => e.cloneNode().outerHTML),
		...[document.documentElement, document.body].filter(e => !["rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"].includes(getComputedStyle(e).backgroundColor)).map(e => e.tagName + " is dark")]
		.slice(0, 3).join(" ")`); wrong != "" {
		p.t.Errorf("%s on paper: %s", p.Path(), wrong)
	}
	for _, v := range p.breaks(colours) {
		p.t.Errorf("%s on paper breaks %s", p.Path(), v)
	}
}

// Language is the page's own.
func (p *Page) Language() string {
	p.t.Helper()
	return p.evaluate("document.documentElement.lang")
}
