package vendor

import (
	"net/http"

	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/views"
)

// auditPage is a search through what happened.
type auditPage struct {
	views.AuditPage
	Names  map[string]string // of people, by ID
	Filter *filter
	Kind   views.AuditKind
	Kinds  []views.AuditKind
	From   string // the first day that was looked at
	To     string // the last one, which counts in full
}

// auditDays is how many days back one looks when no day was entered.
const auditDays = 7

func (d *Desk) audit(w http.ResponseWriter, req *http.Request, _ person.Person) error {
	f := read(req)
	search := views.AuditFilter{Kind: views.AuditKind(f.Get("kind")), Person: f.text("person"), Partner: f.text("partner"), Case: f.text("case"), After: f.Get("after")}
	if search.Kind == "" {
		search.Kind = views.AuditEvents
	}
	p := auditPage{Filter: f, Kinds: views.AuditKinds}
	from, to := f.day("from"), f.day("to")
	if from.IsZero() && (search.Case == "" || search.Kind != views.AuditEvents) { // the events of a case are found however old it is; no other record has cases
		last := to
		if last.IsZero() {
			last = calendar.DateOf(now())
		}
		from = last.AddDays(1 - auditDays)
	}
	if !from.IsZero() {
		search.From, p.From = from.Start(), from.String()
	}
	if !to.IsZero() {
		search.To, p.To = to.AddDays(1).Start(), to.String()
	}
	p.Kind = search.Kind
	var err error
	if p.AuditPage, err = d.Reader.Audit(req.Context(), search, now()); err != nil {
		return err
	}
	ids := make([]string, len(p.Lines))
	for i, l := range p.Lines {
		ids[i] = l.Who
	}
	if p.Names, err = d.Reader.PeopleNames(req.Context(), ids); err != nil {
		return err
	}
	d.Pages.Render(w, req, http.StatusOK, "audit", d.Pages.Text(req, "nav.audit"), p)
	return nil
}
