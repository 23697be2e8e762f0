package browsertest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// element is something on the page as the browser tells it to a screen reader.
type element struct {
	roles []string // any of them
	name  string   // empty: whatever it is called
}

func (e element) String() string { return fmt.Sprintf("%s %q", strings.Join(e.roles, " or "), e.name) }

// In is the page within one element: a row, a form, a region. Its name is what a screen reader says.
func (p *Page) In(role, name string) *Page {
	inner := *p
	inner.within = append(append([]element(nil), p.within...), element{[]string{role}, name})
	return &inner
}

// Has tells whether there is such an element now.
func (p *Page) Has(role, name string) bool {
	p.t.Helper()
	found, err := p.look(element{[]string{role}, name})
	p.must("look", err)
	return len(found) > 0
}

// Names are the names of all elements of a role, in the page's order.
func (p *Page) Names(role string) (names []string) {
	p.t.Helper()
	found, err := p.query(p.root(), role, "")
	p.must("look", err)
	for _, n := range found {
		names = append(names, text(n.Name))
	}
	return names
}

// find waits for an element, and fails the test when there are several: a person would not know which one is meant.
func (p *Page) find(roles []string, name string) runtime.RemoteObjectID {
	p.t.Helper()
	e := element{roles, name}
	var node *accessibility.Node
	p.await(e.String(), func() (bool, error) {
		found, err := p.look(e)
		if err != nil || len(found) == 0 {
			return false, err
		}
		if len(found) > 1 {
			return false, fmt.Errorf("there are %d", len(found))
		}
		node = found[0]
		return true, nil
	})
	return p.object(node)
}

func (p *Page) look(e element) (found []*accessibility.Node, err error) {
	root, err := p.inner()
	if err != nil || root == "" {
		return nil, err
	}
	for _, role := range e.roles {
		some, err := p.query(root, role, e.name)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// root is the element that the page is confined to.
func (p *Page) root() (root runtime.RemoteObjectID) {
	p.t.Helper()
	p.await(fmt.Sprint(p.within), func() (_ bool, err error) {
		root, err = p.inner()
		return root != "", err
	})
	return root
}

// inner is the same without waiting; empty: not there.
func (p *Page) inner() (runtime.RemoteObjectID, error) {
	document, err := chromedp.Run(p.ctx, chromedp.Evaluate[*runtime.RemoteObject]("document"))
	if err != nil {
		return "", err
	}
	root := document.ObjectID
	for _, e := range p.within {
		found, err := p.query(root, e.roles[0], e.name)
		if err != nil || len(found) == 0 {
			return "", err
		}
		if len(found) > 1 {
			return "", fmt.Errorf("there are %d: %s", len(found), e)
		}
		root = p.object(found[0])
	}
	return root, nil
}

func (p *Page) query(root runtime.RemoteObjectID, role, name string) ([]*accessibility.Node, error) {
	found, err := chromedp.Call(p.ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{ObjectID: root, Role: role})
	if err != nil {
		return nil, err
	}
	var shown []*accessibility.Node
	for _, n := range found.Nodes {
		if !n.Ignored && text(n.Role) == role && (name == "" || text(n.Name) == name) {
			shown = append(shown, n)
		}
	}
	return shown, nil
}

func (p *Page) object(n *accessibility.Node) runtime.RemoteObjectID {
	p.t.Helper()
	resolved, err := chromedp.Call(p.ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: cdp.BackendNodeID(n.BackendDOMNodeID)})
	p.must("resolve "+text(n.Name), err)
	return resolved.Object.ObjectID
}

// call runs a function on an element and answers its text.
func (p *Page) call(on runtime.RemoteObjectID, function string, args ...any) string {
	p.t.Helper()
	result, err := chromedp.Run(p.ctx, chromedp.CallFunctionOn[string](function, func(c *runtime.CallFunctionOnParams) { c.ObjectID = on }, args...))
	p.must("call", err)
	return result
}

func text(v *accessibility.Value) (s string) {
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return "" // no text: a number, or nothing
	}
	return strings.Join(strings.Fields(s), " ") // as it is read
}
