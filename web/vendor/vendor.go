// Package vendor is what the vendor's people look at beside their inbox: partners, policies, the calendar, what is overdue, figures,
// and what happened. Who may not see a page does not find it in the navigation, and nothing is there for them.
package vendor

import (
	"embed"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// Book has the pages.
//
//go:embed pages parts messages.json
var Book embed.FS

// Desk answers for the pages.
type Desk struct {
	Reader       views.Reader
	Programme    *activities.Programme
	Organisation *activities.Organisation
	Pages        *page.Renderer

	kept keptFigures
}

// may is who may see a page.
type may func(person.Person) bool

func anybody(p person.Person) bool { return p.OfVendor() && p.Active }

func holding(roles ...person.Role) may {
	return func(p person.Person) bool { return p.OfVendor() && p.Holds(roles...) }
}

// Who sees what.
var (
	seesPartners may = anybody
	seesOverdue      = holding(person.VendorFinance, person.FinanceManager, person.VendorOperations, person.EcosystemManager)
	seesFigures      = holding(person.VendorFinance, person.FinanceManager, person.VendorOperations)
	seesPolicies     = holding(person.VendorFinance, person.FinanceManager, person.VendorOperations)
	seesCalendar may = anybody
	seesAudit        = holding(person.FinanceManager, person.VendorOperations)

	setsPolicies may = activities.MaySetPolicies
	setsCalendar     = holding(person.VendorOperations)
)

// Nav is where somebody may go.
func (d *Desk) Nav(_ *http.Request, who person.Person) []page.Link {
	var links []page.Link
	for _, l := range []struct {
		sees may
		link page.Link
	}{
		{seesOverdue, page.Link{Path: "/overdue", Key: "nav.overdue"}},
		{seesPartners, page.Link{Path: "/partners", Key: "nav.partners"}},
		{seesFigures, page.Link{Path: "/figures", Key: "nav.figures"}},
		{seesPolicies, page.Link{Path: "/policies", Key: "nav.policies"}},
		{seesCalendar, page.Link{Path: "/calendar", Key: "nav.calendar"}},
		{seesAudit, page.Link{Path: "/audit", Key: "nav.audit"}},
	} {
		if l.sees(who) {
			links = append(links, l.link)
		}
	}
	return links
}

// Routes are the pages; signedIn lets nobody else pass.
func (d *Desk) Routes(mux *http.ServeMux, signedIn func(http.Handler) http.Handler) {
	for _, r := range []struct {
		route string
		sees  may
		show  func(http.ResponseWriter, *http.Request, person.Person) error
	}{
		{"GET /partners", seesPartners, d.partners},
		{"GET /partners/{partner}", seesPartners, d.partner},
		{"POST /partners/{partner}/unmask", activities.MayUnmask, d.unmask},
		{"GET /partners/{partner}/unmask", seesPartners, masked},
		{"GET /overdue", seesOverdue, d.overdue},
		{"GET /figures", seesFigures, d.figures},
		{"GET /policies", seesPolicies, d.policies},
		{"GET /policies/{kind}", seesPolicies, d.policy},
		{"GET /policies/{kind}/edit", setsPolicies, d.editPolicy},
		{"POST /policies/{kind}/edit", setsPolicies, d.enterPolicy},
		{"GET /policy-proposals/{proposal}", seesPolicies, d.proposal},
		{"POST /policy-proposals/{proposal}", setsPolicies, d.decideProposal},
		{"GET /calendar", seesCalendar, d.calendar},
		{"POST /calendar", setsCalendar, d.loadCalendar},
		{"GET /audit", seesAudit, d.audit},
	} {
		mux.Handle(r.route, signedIn(d.Pages.Handle(func(w http.ResponseWriter, req *http.Request) error {
			who := d.Pages.Person(req.Context())
			if who == nil || !r.sees(*who) {
				return page.NotFound
			}
			return r.show(w, req, *who)
		})))
	}
}

// filter is a list's filter as it stands in the address.
type filter struct {
	url.Values
	path  string
	Wrong []string // fields whose value is no use
}

func read(req *http.Request) *filter { return &filter{Values: req.URL.Query(), path: req.URL.Path} }

// text is a field without blanks around it.
func (f *filter) text(name string) string { return strings.TrimSpace(f.Get(name)) }

// day reads a day; a wrong one is remembered and taken for none.
func (f *filter) day(name string) calendar.Date {
	if f.text(name) == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(f.text(name))
	if err != nil {
		f.Wrong = append(f.Wrong, name)
	}
	return d
}

// With is the address of this list with another value of one field, from the first page on.
func (f *filter) With(name, value string) string {
	q := url.Values{}
	for k, v := range f.Values {
		if k != "after" && k != name && len(v) > 0 && v[0] != "" {
			q[k] = v
		}
	}
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return f.path
	}
	return f.path + "?" + q.Encode()
}

// Next is the address of the next page; empty: there is none.
func (f *filter) Next(after string) string {
	if after == "" {
		return ""
	}
	return f.With("after", after)
}

// Begin is the address of the first page; empty: this is it.
func (f *filter) Begin() string {
	if f.Get("after") == "" {
		return ""
	}
	return f.With("after", "")
}

// Path is the list without any filter.
func (f *filter) Path() string { return f.path }

// Narrow tells whether the list is narrowed.
func (f *filter) Narrow() bool {
	for k, v := range f.Values {
		if k != "after" && len(v) > 0 && v[0] != "" {
			return true
		}
	}
	return false
}

func now() time.Time { return time.Now() }
