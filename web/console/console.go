// Package console is where the vendor's people work: the inbox of what waits for them, and the case with everything that
// a decision needs.
package console

import (
	"embed"
	"log/slog"
	"net/http"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/internal/documents"
	"countersign/views"
	"countersign/web/page"
)

// Book has the pages.
//
//go:embed pages parts messages.json
var Book embed.FS

// Console answers for the pages.
type Console struct {
	Reader     views.Reader
	Desk       desk.Desk
	Views      *activities.SavedViews
	Documents  *documents.Store
	Pages      *page.Renderer
	TemporalUI func(workflowID, runID string) string // where the Temporal UI shows a case; empty: there is none
}

// Routes are the console's; signedIn lets nobody else pass.
func (c *Console) Routes(mux *http.ServeMux, signedIn func(http.Handler) http.Handler) {
	for route, answer := range map[string]func(http.ResponseWriter, *http.Request, person.Person) error{
		"GET /inbox":                             c.inbox,
		"GET /waiting":                           c.inbox,
		"GET /decided":                           c.decided,
		"POST /inbox/decide":                     c.decideMany,
		"POST /inbox/views":                      c.saveView,
		"POST /inbox/views/rename":               c.renameView,
		"POST /inbox/views/remove":               c.removeView,
		"GET /cases":                             c.cases,
		"GET /cases/{case}":                      c.showCase,
		"POST /cases/{case}/decide":              c.decideOne,
		"GET /cases/{case}/documents/{document}": c.document,
	} {
		mux.Handle(route, signedIn(c.vendors(answer)))
	}
}

// vendors answers the vendor's people only; to others there is no such page.
func (c *Console) vendors(answer func(http.ResponseWriter, *http.Request, person.Person) error) http.Handler {
	return c.Pages.Handle(func(w http.ResponseWriter, r *http.Request) error {
		who := c.Pages.Person(r.Context())
		if who == nil || !who.OfVendor() {
			return page.NotFound
		}
		return page.OfCase(r.Context(), answer(w, r, *who), "error.gone")
	})
}

type countsKey struct{}

// Nav is where the vendor's people may go, with what waits there. The counts only help: without them the page is shown all the same.
func (c *Console) Nav(r *http.Request, who person.Person) []page.Link {
	if !who.OfVendor() {
		return nil
	}
	n, counted := r.Context().Value(countsKey{}).(views.InboxCounts) // by the inbox itself
	if !counted {
		var err error
		if n, err = c.Reader.InboxCounts(r.Context(), who.ID, time.Now()); err != nil {
			slog.WarnContext(r.Context(), "tasks not counted", "error", err)
		}
	}
	return []page.Link{
		{Path: "/inbox", Key: "nav.inbox", Count: n.Open},
		{Path: "/waiting", Key: "nav.waiting", Count: n.Waiting},
		{Path: "/decided", Key: "nav.decided"},
		{Path: "/cases", Key: "nav.cases"},
	}
}
