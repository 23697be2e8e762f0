package console

import (
	"net/http"
	"net/url"
	"strings"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/views"
)

// casesPage is a list of cases, with what narrows it.
type casesPage struct {
	views.CasePage
	Entered     url.Values
	Names       map[string]string // of partners
	Wrong       []string
	Narrow      bool
	Kinds       []string
	States      []domain.State
	Begin, More string // addresses
}

// caseFields are the parts of the address that narrow the list.
var caseFields = []string{"text", "kind", "state", "open", "from", "to"}

// cases finds cases of any partner, whoever decides them. The number of one leads to it.
func (c *Console) cases(w http.ResponseWriter, r *http.Request, _ person.Person) error {
	p := casesPage{Entered: r.URL.Query(), Kinds: kinds.Names(), States: kinds.States("")}
	text := strings.TrimSpace(p.Entered.Get("text"))
	switch found, err := c.Reader.Case(r.Context(), strings.ToUpper(text)); {
	case err == nil:
		http.Redirect(w, r, "/cases/"+url.PathEscape(found.Number), http.StatusSeeOther)
		return nil
	case !activities.IsNotFound(err):
		return err
	}
	f := views.CaseSearch{Text: text, Kind: p.Entered.Get("kind"), State: domain.State(p.Entered.Get("state")), Open: p.Entered.Get("open") != "", After: p.Entered.Get("after")}
	for name, into := range map[string]*calendar.Date{"from": &f.From, "to": &f.To} {
		var err error
		if entered := strings.TrimSpace(p.Entered.Get(name)); entered != "" {
			if *into, err = calendar.ParseDate(entered); err != nil {
				p.Wrong = append(p.Wrong, name)
			}
		}
	}
	var err error
	if p.CasePage, err = c.Reader.AnyCases(r.Context(), f); err != nil {
		return err
	}
	ids := make([]string, len(p.Cases))
	for i, known := range p.Cases {
		ids[i] = known.Partner
	}
	if p.Names, err = c.Reader.PartnerNames(r.Context(), ids); err != nil {
		return err
	}
	again := url.Values{}
	for _, name := range caseFields {
		if v := strings.TrimSpace(p.Entered.Get(name)); v != "" {
			again.Set(name, v)
		}
	}
	p.Narrow = len(again) > 0
	if f.After != "" {
		p.Begin = address(r.URL.Path, again.Encode())
	}
	if p.Next != "" {
		again.Set("after", p.Next)
		p.More = address(r.URL.Path, again.Encode())
	}
	c.Pages.Render(w, r, http.StatusOK, "cases", c.Pages.Text(r, "nav.cases"), p)
	return nil
}
