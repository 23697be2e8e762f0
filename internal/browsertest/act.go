package browsertest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Follow clicks a link and answers the status of the page that it leads to.
func (p *Page) Follow(name string) int {
	p.t.Helper()
	target := p.find([]string{"link"}, name)
	return p.asking("follow "+name, func() error { return p.click(target) })
}

// Press clicks a button that asks the server, and waits for the answer's end: a new page, or what a script put into this one.
func (p *Page) Press(name string) int {
	p.t.Helper()
	target := p.find([]string{"button"}, name)
	return p.asking("press "+name, func() error { return p.click(target) })
}

// Click clicks what asks nobody: a check box, a summary that unfolds.
func (p *Page) Click(role, name string) {
	p.t.Helper()
	p.must("click "+name, p.click(p.find([]string{role}, name)))
}

// click is the mouse's: what is hidden or covered cannot be met.
func (p *Page) click(target runtime.RemoteObjectID) error {
	if _, err := chromedp.Call(p.ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{ObjectID: target}); err != nil {
		return err
	}
	place, err := chromedp.Call(p.ctx, dom.GetContentQuads, dom.GetContentQuadsParams{ObjectID: target})
	if err != nil {
		return err
	}
	if len(place.Quads) == 0 {
		return fmt.Errorf("it is not shown")
	}
	q := place.Quads[0]
	x, y := (q[0]+q[4])/2, (q[1]+q[5])/2
	if cover := p.call(target, `function(x, y) { const e = document.elementFromPoint(x, y);
		return e === null || this.contains(e) || e.contains(this) || (this.labels && [...this.labels].some(l => l.contains(e))) ? "" : e.outerHTML.slice(0, 200) }`, x, y); cover != "" {
		return fmt.Errorf("it is covered by %s", cover)
	}
	return chromedp.Do(p.ctx, chromedp.MouseClickXY(x, y))
}

// Met tells whether something can be clicked as the window stands: it is inside, and nothing covers it.
func (p *Page) Met(role, name string) bool {
	p.t.Helper()
	return p.call(p.find([]string{role}, name), `function() { const b = this.getBoundingClientRect(), e = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2)
		return e !== null && this.contains(e) ? "yes" : "" }`) == "yes"
}

// fields take text. A date takes it as "2026-11-22", a number as "1234.50".
var fields = []string{"textbox", "searchbox", "spinbutton", "combobox", "Date", "DateTime", "InputTime"}

// Fill writes a value into the field with the label, over what was there. In a list it chooses the option with this text.
func (p *Page) Fill(label, value string) {
	p.t.Helper()
	field := p.find(fields, label)
	kind := p.call(field, `function() { return this.tagName === "SELECT" ? "select" : this.tagName === "INPUT" ? this.type : "text" }`)
	switch kind {
	case "select":
		p.choose(field, label, value)
	case "date", "datetime-local", "time", "month", "number": // typing depends on the browser's own language
		p.set(field, value)
	default:
		_, err := chromedp.Call(p.ctx, dom.Focus, dom.FocusParams{ObjectID: field})
		p.must("focus "+label, err)
		p.call(field, `function() { this.select(); return "" }`)
		if value == "" {
			p.set(field, "")
			return
		}
		_, err = chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: value})
		p.must("write into "+label, err)
	}
}

// Force sets what a person could not enter: the value of any field by its name, past list, length and type.
func (p *Page) Force(name, value string) {
	p.t.Helper()
	p.call(p.root(), `function(name, value) {
		const field = this.querySelector('[name="' + CSS.escape(name) + '"]')
		if (field.tagName === "SELECT") field.add(new Option(value, value))
		field.removeAttribute("maxlength"); field.removeAttribute("pattern"); field.required = false
		if (field.tagName === "INPUT" && field.type !== "hidden") field.type = "text"
		field.value = value
		return "" }`, name, value)
}

func (p *Page) set(field runtime.RemoteObjectID, value string) {
	p.t.Helper()
	p.call(field, `function(value) { this.value = value
		this.dispatchEvent(new Event("input", {bubbles: true})); this.dispatchEvent(new Event("change", {bubbles: true})); return "" }`, value)
}

func (p *Page) choose(list runtime.RemoteObjectID, label, option string) {
	p.t.Helper()
	if among := p.call(list, `function(text) {
		const found = [...this.options].filter(o => o.text.trim() === text)
		if (found.length !== 1) return [...this.options].map(o => o.text.trim()).join(", ")
		this.value = found[0].value
		this.dispatchEvent(new Event("input", {bubbles: true})); this.dispatchEvent(new Event("change", {bubbles: true}))
		return "" }`, option); among != "" {
		p.t.Fatalf("%q cannot be chosen in %q, but one of: %s", option, label, among)
	}
}

// Value is what a field holds.
func (p *Page) Value(label string) string {
	p.t.Helper()
	return p.call(p.find(fields, label), "function() { return this.value }")
}

// Attach chooses files of this machine.
func (p *Page) Attach(label string, files ...string) {
	p.t.Helper()
	field := p.find([]string{"button"}, label) // what Chromium tells of a field for files
	_, err := chromedp.Call(p.ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: files, ObjectID: field})
	p.must("attach to "+label, err)
}

// Key presses keys, one after the other: "j", "\r", kb.Tab.
func (p *Page) Key(keys string) {
	p.t.Helper()
	p.must("press "+keys, chromedp.Do(p.ctx, chromedp.KeyEvent(keys)))
}

// Enter presses the Enter key on what asks the server, and waits for the answer's end.
func (p *Page) Enter() int {
	p.t.Helper()
	return p.asking("press Enter", func() error { return chromedp.Do(p.ctx, chromedp.KeyEvent("\r")) })
}

// Refresh is what brings a page up to date when its tab comes to the front.
func (p *Page) Refresh() {
	p.t.Helper()
	p.asking("come to the front", func() error {
		return chromedp.Do(p.ctx, chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new Event("visibilitychange"))`))
	})
}

// Checked are the values of the boxes that are ticked.
func (p *Page) Checked() []string {
	p.t.Helper()
	return strings.Fields(p.evaluate(`[...document.querySelectorAll("input:checked")].map(b => b.value).join("\n")`))
}

// Focused is the role-free description of what has the focus: its tag, name and text, in short.
func (p *Page) Focused() string {
	p.t.Helper()
	return p.evaluate(`(e => e === null ? "" : [e.tagName.toLowerCase(), e.id, e.getAttribute("name") ?? "", e.innerText.trim().slice(0, 80)].join("|"))(document.activeElement)`)
}

// Table is the table of a name, its caption or label: rows of cells as a person reads them, the head first.
func (p *Page) Table(name string) (rows [][]string) {
	p.t.Helper()
	table := p.find([]string{"table", "grid"}, name)
	cells := p.call(table, `function() { return JSON.stringify([...this.rows].map(r => [...r.cells].map(c => c.innerText.trim()))) }`)
	p.must("read "+name, json.Unmarshal([]byte(cells), &rows))
	return rows
}

// Href is where a link leads.
func (p *Page) Href(link string) string {
	p.t.Helper()
	return p.call(p.find([]string{"link"}, link), "function() { return this.href }")
}

// Links are the paths on this server that the page leads to, each once.
func (p *Page) Links() []string {
	p.t.Helper()
	all := p.evaluate(`[...new Set([...document.querySelectorAll("a[href]")].map(a => new URL(a.getAttribute("href"), document.baseURI)).filter(u => u.origin === location.origin).map(u => u.pathname + u.search))].join("\n")`)
	return strings.Fields(all)
}

// Form is a form of the page as a program sees it.
type Form struct {
	Action  string            `json:"action"`  // where it goes, an address on this server
	Method  string            `json:"method"`  // get or post
	Fields  map[string]string `json:"fields"`  // what a press of no button would send
	Buttons map[string]string `json:"buttons"` // value of each button by its text; the name is that of the last
	Button  string            `json:"button"`  // name of the buttons; empty: they have none
	Files   []string          `json:"files"`   // names of the fields for files
}

// Forms are the page's forms, those that are folded away included.
func (p *Page) Forms() (forms []Form) {
	p.t.Helper()
	found := p.evaluate(`JSON.stringify([...document.forms].map(f => {
		const buttons = [...f.elements].filter(e => e.type === "submit")
		return {action: new URL(f.getAttribute("action") ?? "", location).pathname, method: f.getAttribute("method") ?? "get", // its properties may be fields
			fields: Object.fromEntries([...f.elements].filter(e => e.name && e.type !== "submit" && e.type !== "file").map(e => [e.name, e.value])),
			buttons: Object.fromEntries(buttons.map(b => [b.innerText.trim(), b.value])), button: buttons.at(-1)?.name ?? "",
			files: [...f.elements].filter(e => e.type === "file").map(e => e.name)} }))`)
	p.must("read the forms", json.Unmarshal([]byte(found), &forms))
	return forms
}
