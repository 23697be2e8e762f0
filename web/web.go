// Package web puts the console's pages together.
package web

import (
	"net/http"
	"slices"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/internal/codec"
	"countersign/internal/documents"
	"countersign/views"
	"countersign/web/console"
	"countersign/web/page"
	"countersign/web/partner"
	"countersign/web/signin"
	"countersign/web/vendor"

	"github.com/jmoiron/sqlx"
)

// Parts is what the console stands on.
type Parts struct {
	DB          *sqlx.DB
	Desk        desk.Desk
	Documents   *documents.Store
	Keys        *codec.Codec // seals what people keep secret
	SignIn      signin.Options
	TemporalUI  func(workflowID, runID string) string // where a case's run is shown; empty: nowhere
	Certificate string                                // where certificates are verified
	Notice      string                                // above each page; empty: none
}

// Site is the whole console.
type Site struct {
	http.Handler
	Routes *http.ServeMux // by patterns, as Handler serves them
	Pages  *page.Renderer
}

// New puts all pages together.
func New(p Parts) (Site, error) {
	pages, err := page.New(signin.Book, console.Book, partner.Book, vendor.Book)
	if err != nil {
		return Site{}, err
	}
	pages.Notice = p.Notice
	door := signin.New(p.DB, p.Keys, pages, p.SignIn)
	reader := views.Reader{DB: p.DB}
	desks := &console.Console{Reader: reader, Views: &activities.SavedViews{DB: p.DB}, Documents: p.Documents, Pages: pages, Desk: p.Desk, TemporalUI: p.TemporalUI}
	house := &vendor.Desk{Reader: reader, Programme: &activities.Programme{DB: p.DB}, Organisation: &activities.Organisation{DB: p.DB}, Pages: pages}
	partners := &partner.Console{
		Pages: pages, Desk: p.Desk, Codes: &activities.Codes{DB: p.DB}, Documents: &activities.Documents{DB: p.DB, Store: p.Documents}, Certificate: p.Certificate,
	}
	pages.Nav = func(r *http.Request, who person.Person) []page.Link {
		return slices.Concat(desks.Nav(r, who), house.Nav(r, who), partners.Nav(r, who))
	}

	mux := http.NewServeMux()
	pages.Routes(mux)
	door.Routes(mux)
	desks.Routes(mux, door.Require)
	house.Routes(mux, door.Require)
	partners.Routes(mux, door.Require)
	mux.Handle("GET /{$}", door.Require(pages.Handle(func(w http.ResponseWriter, r *http.Request) error {
		first := "/account" // of who has nothing else to open
		if nav := pages.Nav(r, *pages.Person(r.Context())); len(nav) > 0 {
			first = nav[0].Path
		}
		http.Redirect(w, r, first, http.StatusSeeOther)
		return nil
	})))
	return Site{Handler: pages.Protect(door.Sessions(mux)), Routes: mux, Pages: pages}, nil
}
