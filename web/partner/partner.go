// Package partner is the console of a partner's people: they apply, follow their cases and see their own account. What they
// read comes through views.Reader.ForPartner, so Postgres itself keeps every other partner's rows away.
package partner

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/web/page"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
)

// Book has the texts and templates of these pages.
//
//go:embed pages parts messages.json
var Book embed.FS

// Console serves a partner's people.
type Console struct {
	Pages       *page.Renderer
	Desk        desk.Desk
	Codes       *activities.Codes
	Documents   *activities.Documents
	Certificate string // where certificates are verified: printed on them, followed by number and code
}

// Nav is where a partner's people may go.
func (c *Console) Nav(_ *http.Request, who person.Person) []page.Link {
	if who.OfVendor() {
		return nil
	}
	return []page.Link{
		{Path: "/partner", Key: "partner.nav.overview"},
		{Path: "/partner/cases", Key: "partner.nav.cases"},
		{Path: "/partner/withdrawals/new", Key: "partner.nav.withdraw"},
		{Path: "/partner/account", Key: "partner.nav.account"},
		{Path: "/partner/incentives", Key: "partner.nav.incentives"},
		{Path: "/partner/requisitions", Key: "partner.nav.requisitions"},
		{Path: "/partner/quarters", Key: "partner.nav.quarters"},
		{Path: "/partner/invoices", Key: "partner.nav.invoices"},
		{Path: "/partner/certificates", Key: "partner.nav.certificates"},
		{Path: "/partner/tier", Key: "partner.nav.tier"},
		{Path: "/partner/lab", Key: "partner.nav.lab"},
		{Path: "/partner/people", Key: "partner.nav.people"},
	}
}

// handler answers a person of a partner.
type handler func(http.ResponseWriter, *http.Request, person.Person) error

func (c *Console) handlers() map[string]handler {
	return map[string]handler{
		"GET /partner":                                   c.overview,
		"GET /partner/withdrawals/new":                   c.application,
		"POST /partner/withdrawals":                      c.apply,
		"GET /partner/cases":                             c.cases,
		"GET /partner/cases/{case}":                      first(c.caseOf),
		"POST /partner/cases/{case}/cancel":              c.cancel,
		"GET /partner/cases/{case}/resubmit":             c.reapplication,
		"POST /partner/cases/{case}/resubmit":            c.resubmit,
		"GET /partner/cases/{case}/documents/{document}": c.document,
		"POST /partner/cases/{case}/documents":           c.enclose,
		"POST /partner/cases/{case}/method":              c.askMethod,
		"POST /partner/cases/{case}/quarter":             c.resubmitQuarter,
		"POST /partner/cases/{case}/lab":                 c.resubmitLab,
		"POST /partner/cases/{case}/lab-user":            c.nameLabUser,
		"POST /partner/cases/{case}/tier":                c.resubmitTier,
		"POST /partner/cases/{case}/tier-withdraw":       c.withdrawTier,
		"GET /partner/account":                           c.account,
		"GET /partner/account/statement/{format}":        c.export,
		"GET /partner/incentives":                        first(c.incentives),
		"POST /partner/incentives/questions":             c.questionMonth,
		"GET /partner/incentives/lines/{line}":           c.line,
		"GET /partner/incentives/export/{format}":        c.exportLines,
		"GET /partner/bills":                             c.bills,
		"GET /partner/bills/{bill}":                      first(c.bill),
		"POST /partner/bills/{bill}/{act}":               c.aboutBill,
		"GET /partner/requisitions":                      first(c.requisitions),
		"POST /partner/requisitions":                     c.request,
		"GET /partner/quarters":                          first(c.quarters),
		"POST /partner/quarters":                         c.requestQuarter,
		"GET /partner/invoices":                          c.invoices,
		"GET /partner/invoices/{case}":                   first(c.invoiceList),
		"POST /partner/invoices/{case}":                  c.sendInvoices,
		"GET /partner/certificates":                      c.certificates,
		"GET /partner/certificates/{number}":             c.printCertificate,
		"GET /partner/tier":                              first(c.tier),
		"POST /partner/tier":                             c.applyForTier,
		"GET /partner/lab":                               first(c.lab),
		"POST /partner/lab":                              c.applyForLab,
		"GET /partner/people":                            first(c.people),
		"POST /partner/people":                           c.createPerson,
		"POST /partner/people/uncover":                   c.uncover,
		"POST /partner/people/{person}/roles":            c.setRoles,
		"POST /partner/people/{person}/status":           c.setStatus,
		"POST /partner/people/{person}/password":         c.resetPassword,
		"POST /partner/invitations":                      c.invite,
		"POST /partner/invitations/{case}/again":         c.inviteAgain,
		"POST /partner/members/{account}/unbind":         c.unbind,
	}
}

// Routes are the pages; signedIn lets nobody else pass. To the vendor's people none of them is there.
func (c *Console) Routes(mux *http.ServeMux, signedIn func(http.Handler) http.Handler) {
	for pattern, h := range c.handlers() {
		mux.Handle(pattern, signedIn(c.Pages.Handle(func(w http.ResponseWriter, req *http.Request) error {
			p := c.Pages.Person(req.Context())
			if p == nil || p.OfVendor() {
				return page.NotFound
			}
			return h(w, req, *p)
		})))
	}
}

// asked is what a page with a form carries: the key of what is asked for and, when that was refused, why and what was entered.
type asked struct {
	Key     string
	Refused refusal.List
	Entered url.Values
}

func fresh() asked { return asked{Key: uuid.NewString(), Entered: url.Values{}} }

// again is a form that was refused. It keeps its key: nothing was done under it.
func again(form url.Values, list refusal.List) asked {
	return asked{form.Get("key"), list, form}
}

// Was is what was entered in a field.
func (a asked) Was(field string) string { return a.Entered.Get(field) }

// Chose tells whether a value of a field was chosen.
func (a asked) Chose(field, value string) bool { return slices.Contains(a.Entered[field], value) }

func (a asked) status() int {
	if len(a.Refused) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// shown is a page with a form.
type shown func(http.ResponseWriter, *http.Request, person.Person, asked) error

// first is such a page before anything was asked on it.
func first(show shown) handler {
	return func(w http.ResponseWriter, req *http.Request, p person.Person) error { return show(w, req, p, fresh()) }
}

// answered leads on when what a form asks for was done, and says so. What the rules refuse is shown on the page of the form.
func (c *Console) answered(w http.ResponseWriter, req *http.Request, p person.Person, form url.Values, err error, show shown, to, said string, args ...string) error {
	if list := activities.RefusalOf(err); list != nil {
		return show(w, req, p, again(form, list))
	}
	if err != nil {
		return late(err)
	}
	page.Flash(w, req, said, args...)
	http.Redirect(w, req, to, http.StatusSeeOther)
	return nil
}

// start brings a new application to Temporal.
func start[S any](ctx context.Context, c *Console, submit func(context.Context, client.Client) (S, error)) (S, error) {
	temporal, err := c.Desk.Temporal(ctx)
	if err != nil {
		var nothing S
		return nothing, err
	}
	return desk.InTime(ctx, func(ctx context.Context) (S, error) { return submit(ctx, temporal) })
}

// casePath is where a case is shown.
func casePath(number string) string { return "/partner/cases/" + url.PathEscape(number) }

// read reads as the person's partner.
func (c *Console) read(ctx context.Context, p person.Person, look func(views.Reader) error) error {
	return views.Reader{DB: c.Desk.DB}.ForPartner(ctx, p.PartnerID, look)
}

// overviewData is the front page.
type overviewData struct {
	Partner   string
	Available views.Available
	Routes    []withdrawal.Route
	Waiting   []views.Case // returned to the partner
	Open      []views.Case
	MayApply  bool
}

// shownOpen is how many open cases the front page lists.
const shownOpen = 10

func (c *Console) overview(w http.ResponseWriter, req *http.Request, p person.Person) error {
	data := overviewData{Routes: withdrawal.Routes, MayApply: withdrawal.MayAct(p, p.PartnerID)}
	err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		if data.Partner, err = r.PartnerName(req.Context(), p.PartnerID); err != nil {
			return err
		}
		if data.Available, err = r.Available(req.Context(), p.PartnerID, time.Now()); err != nil {
			return err
		}
		open, err := r.Cases(req.Context(), views.CaseFilter{Partner: p.PartnerID, Open: true})
		for _, one := range open {
			if one.State == withdrawal.Awaiting {
				data.Waiting = append(data.Waiting, one)
			} else if len(data.Open) < shownOpen {
				data.Open = append(data.Open, one)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-overview", c.Pages.Text(req, "partner.nav.overview"), data)
	return nil
}

// late is the answer when none came in time, or when the case has no run to answer.
func late(err error) error {
	var gone desk.GoneError
	switch {
	case errors.Is(err, desk.ErrLate):
		return page.Error{Status: http.StatusServiceUnavailable, Key: "error.503"}
	case errors.As(err, &gone):
		return page.Error{Status: http.StatusConflict, Key: "partner.gone"}
	}
	return err
}
