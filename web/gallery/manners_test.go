package gallery_test

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/web/webtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unlinked is what no page leads to by a link.
var unlinked = []string{
	"GET /{$}", "GET /static/{name}", "GET /sign-in", "GET /sign-in/provider", "GET /sign-in/provider/back", // the door's
	"GET /partners/{partner}/unmask",          // where a reload of the uncovered page leads
	"GET /partner/company/letters/{document}", // a file
}

type visit struct {
	who   string
	begin []string
}

// visits are where people begin, from where links lead on; addresses with a filter show what a list without one does not.
var visits = []visit{
	{"", []string{"/sign-in"}},
	{"zhao", []string{"/sign-in/code"}}, // who is asked for a second step
	{"lina", []string{"/inbox", "/inbox?text=nowhere", "/inbox?text=aurora&from=much", "/cases/TALK", "/account", "/nowhere"}},
	{"he", []string{"/overdue", "/partners", "/partners/P1001", "/policies/withdrawal", "/policies/withdrawal/edit", "/audit?partner=P1001", "/figures", "/calendar"}},
	{"mei", []string{"/partner", "/partner/cases", "/partner/cases?text=nowhere", "/partner/cases/TALK", "/partner/cases/RETURNED/resubmit", "/partner/incentives?month=MONTH"}},
}

// Every page that a link leads to is there for those who use a screen reader, see poorly, have a small screen, prefer the dark or
// work by keyboard, in both languages, and breaks neither its own content security policy nor a script (which the browser tells of
// each page that a test opens).
func TestGivenThePages_WhenTheyAreHeldAgainstWCAG_ThenNoneBreaksARule(t *testing.T) {
	g := newGallery(t)
	g.twoSteps("zhao")
	named := g.named()
	t.Run("on a phone", func(t *testing.T) { g.byThumb(t, named.Replace("/cases/TALK")) })
	router := webtest.Routes(t, "..")
	for language, dark := range map[string]bool{"zh-CN": false, "en": true} {
		t.Run(language, func(t *testing.T) {
			tour := &tour{router: router, seen: map[string]bool{}}
			for _, v := range visits {
				tour.reader, tour.titles = g.signIn(t, v.who, language, dark), map[string]string{}
				for _, path := range v.begin {
					tour.next = append(tour.next, named.Replace(path))
				}
				tour.begin = len(tour.next)
				tour.goes(t)
			}
			for _, pattern := range router.Patterns {
				if strings.HasPrefix(pattern, "GET ") && !slices.Contains(unlinked, pattern) {
					assert.True(t, tour.seen[pattern], "%s has been looked at", pattern)
				}
			}
		})
	}
}

// byThumb decides on a phone: what is needed for it is at hand wherever the page stands.
func (g *gallery) byThumb(t *testing.T, talk string) {
	t.Helper()
	finance := g.signIn(t, "lina", "en", false)
	finance.Phone()
	finance.Go("/inbox")
	assert.False(t, finance.Met("button", "Approve"), "the answers are below the tasks")
	boxes := finance.Names("checkbox")
	first := slices.IndexFunc(boxes, func(name string) bool { return strings.HasPrefix(name, "Choose W") })
	require.GreaterOrEqual(t, first, 0, boxes)
	finance.Click("checkbox", boxes[first])
	assert.True(t, finance.Met("button", "Approve"), "until one is chosen")
	finance.Click("button", "Menu 14")
	assert.True(t, finance.Met("link", "Cases"))

	manager := g.signIn(t, "chen", "en", false)
	manager.Phone()
	manager.Go(talk)
	assert.True(t, manager.Met("link", "To the decision"))
	manager.Click("link", "To the decision")
	assert.True(t, manager.Met("button", "Approve"))
}

// tour goes from page to page.
type tour struct {
	reader
	router webtest.Router
	next   []string
	begin  int               // how many of these are where a reader begins: with a filter each is a page of its own
	seen   map[string]bool   // patterns, and those with the kind of thing that an address names
	titles map[string]string // pattern of the page with this title
}

var digits = regexp.MustCompile(`[0-9].*`)

// goes looks at one page of each kind, and has its links followed.
func (o *tour) goes(t *testing.T) {
	t.Helper()
	for len(o.next) > 0 {
		path := o.next[0]
		o.next = o.next[1:]
		pattern := o.router.Of(http.MethodGet, path)
		kind := cmp.Or(pattern, path)
		if strings.Contains(pattern, "{case}") { // one of each: W, N, Q and their like
			kind += " " + digits.ReplaceAllString(strings.TrimPrefix(path, pattern[len("GET "):strings.Index(pattern, "{")]), "")
		}
		if o.begin > 0 {
			_, query, _ := strings.Cut(path, "?")
			kind += query
			o.begin--
		}
		if o.seen[kind] || path == "/" { // which leads to the first page of the navigation
			continue
		}
		o.seen[kind], o.seen[pattern] = true, true
		if status, html := o.Fetched(path); !html {
			assert.Equal(t, http.StatusOK, status, path)
			continue // a file
		}
		o.looks(t, path, pattern)
		for _, link := range o.Links() {
			if at := strings.IndexByte(link, '#'); at >= 0 {
				link = link[:at]
			}
			o.next = append(o.next, link)
		}
	}
}

// looks holds one page against everything.
func (o *tour) looks(t *testing.T, path, pattern string) {
	t.Helper()
	o.Go(path)
	if path != "/nowhere" {
		require.Equal(t, http.StatusOK, o.Status(), "%s: %s", path, o.Text())
	}
	title := o.Title()
	if before, known := o.titles[title]; known {
		assert.Equal(t, before, pattern, "%q is the title of both", title)
	}
	o.titles[title] = pattern
	assert.Equal(t, strings.HasPrefix(o.language, "zh"), strings.HasPrefix(o.Language(), "zh"), path)
	if o.language == "en" { // where the keys lead does not depend on it
		o.Walked()
	}
	assert.Empty(t, o.Calm(), path)
	o.Accessible()
	o.OnPaper()
}
