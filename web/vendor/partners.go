package vendor

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/views"
	"countersign/web/page"
)

// partnersPage is the list of partners.
type partnersPage struct {
	views.PartnerPage
	Filter *filter
	Kinds  []string
	States []string
}

func (d *Desk) partners(w http.ResponseWriter, req *http.Request, _ person.Person) error {
	f := read(req)
	p := partnersPage{Filter: f, Kinds: []string{"solution-provider", "distributor", "reseller"}, States: []string{"ACTIVE", "LIMITED", "FROZEN", "CLOSED"}}
	var err error
	p.PartnerPage, err = d.Reader.Partners(req.Context(), views.PartnerSearch{Text: f.text("text"), Kind: f.Get("kind"), State: f.Get("state"), After: f.Get("after")}, now())
	if err != nil {
		return err
	}
	d.Pages.Render(w, req, http.StatusOK, "partners", d.Pages.Text(req, "nav.partners"), p)
	return nil
}

// partnerPage is one partner.
type partnerPage struct {
	views.PartnerRecord
	Available views.Available
	Accounts  []views.Balance
	Cases     views.CasePage
	CasesNext string
	People    []views.PartnerPerson
	Customers []views.ManagedCustomer
	MayUnmask bool
	Open      map[string]bool // lists whose columns are uncovered on this page
	Most      int
}

func (d *Desk) partner(w http.ResponseWriter, req *http.Request, who person.Person) error {
	return d.showPartner(w, req, who, "")
}

// unmask answers with the page itself, one list uncovered. Nothing keeps that: the page's address shows it masked again (COM-10).
func (d *Desk) unmask(w http.ResponseWriter, req *http.Request, who person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	list := organisation.List(form.Get("list"))
	if !slices.Contains([]organisation.List{organisation.PersonList, organisation.CustomerList}, list) {
		return refusal.List{refusal.New("COM-08", "CBC.0100", "list", "There is no list %q on this page.", list)}
	}
	partner := req.PathValue("partner")
	if _, err := d.Reader.PartnerName(req.Context(), partner); err != nil {
		return err
	}
	if err := d.Organisation.Unmask(req.Context(), activities.UnmaskInput{Person: who.ID, Partner: partner, List: list, Columns: list.Columns(), At: now()}); err != nil {
		return err
	}
	return d.showPartner(w, req, who, list)
}

// masked leads whoever comes back to an uncovered page, by changing the language on it, to the page as it is.
func masked(w http.ResponseWriter, req *http.Request, _ person.Person) error {
	http.Redirect(w, req, "/partners/"+url.PathEscape(req.PathValue("partner")), http.StatusSeeOther)
	return nil
}

func (d *Desk) showPartner(w http.ResponseWriter, req *http.Request, who person.Person, uncovered organisation.List) error {
	ctx, id, at := req.Context(), req.PathValue("partner"), now()
	p := partnerPage{MayUnmask: activities.MayUnmask(who), Open: map[string]bool{string(uncovered): true}, Most: views.MostShown}
	columns := func(list organisation.List) []string {
		if list == uncovered {
			return list.Columns()
		}
		return nil
	}
	for _, look := range []func() error{
		func() (err error) { p.PartnerRecord, err = d.Reader.Partner(ctx, id, at); return err },
		func() (err error) { p.Available, err = d.Reader.Available(ctx, id, at); return err },
		func() (err error) { p.Accounts, err = d.Reader.Balances(ctx, id); return err },
		func() (err error) {
			p.Cases, err = d.Reader.CasePage(ctx, id, views.CaseSearch{After: req.URL.Query().Get("after"), Limit: 20})
			return err
		},
		func() (err error) {
			p.People, err = d.Reader.PartnerPeople(ctx, id, columns(organisation.PersonList))
			return err
		},
		func() (err error) {
			p.Customers, err = d.Reader.PartnerCustomers(ctx, id, columns(organisation.CustomerList))
			return err
		},
	} {
		if err := look(); err != nil {
			return err
		}
	}
	p.CasesNext = (&filter{path: "/partners/" + url.PathEscape(id)}).Next(p.Cases.Next)
	d.Pages.Render(w, req, http.StatusOK, "partner", p.Name, p)
	return nil
}

// overduePage is what is overdue, whoever is asked.
type overduePage struct {
	views.OverduePage
	Filter *filter
	Kinds  []string
	Now    time.Time
	span   func(time.Duration) string
}

// Late is for how long a task is overdue.
func (p overduePage) Late(t views.OverdueTask) string { return p.span(p.Now.Sub(*t.DueAt)) }
