package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"

	"github.com/google/uuid"
)

// inboxPage is a list of tasks, with what narrows it.
type inboxPage struct {
	List    string     // inbox or waiting
	Entered url.Values // the filter as it was entered
	Wrong   []string   // fields of it that cannot be read; they do not narrow
	Narrow  bool       // there is a filter
	Tasks   []task
	Counts  views.InboxCounts
	Words   []word // answers that many tasks may be given at once
	Kinds   []string
	Matters []string
	Views   []savedView
	Address string // of this page
	Query   string // of the filter alone
	Next    string // address of the page after; empty: there is none
	Begin   string // address of the first page; empty: this is it
	Key     string
}

// task is one line.
type task struct {
	views.InboxTask
	Approve approval.Outcome
	Reject  approval.Outcome
}

// word is an answer, and the key that gives it.
type word struct {
	Outcome approval.Outcome
	Hotkey  string
	Harsh   bool
}

// savedView is a filter that the reader keeps.
type savedView struct {
	views.SavedView
	Address string
	Here    bool // it is the one in force
}

// filterFields are the parts of an inbox's address that narrow it.
var filterFields = []string{"text", "kind", "matter", "partner", "from", "to", "before", "overdue"}

// readFilter reads a filter from an address. What cannot be read is named and does not narrow.
func readFilter(q url.Values) (f views.InboxFilter, wrong []string) {
	f = views.InboxFilter{
		Text: strings.TrimSpace(q.Get("text")), Kind: q.Get("kind"), Matter: q.Get("matter"), Partner: strings.TrimSpace(q.Get("partner")),
		Overdue: q.Get("overdue") != "", After: q.Get("after"),
	}
	for name, into := range map[string]**money.Amount{"from": &f.AmountFrom, "to": &f.AmountTo} {
		entered := strings.TrimSpace(q.Get(name))
		if entered == "" {
			continue
		}
		amount, err := money.ParseEntered(entered)
		if err != nil {
			wrong = append(wrong, name)
			continue
		}
		*into = &amount
	}
	if entered := strings.TrimSpace(q.Get("before")); entered != "" {
		day, err := calendar.ParseDate(entered)
		if err != nil {
			wrong = append(wrong, "before")
		} else {
			f.DueBefore = day.Start()
		}
	}
	if !approval.Fits(200, f.Text, f.Kind, f.Matter, f.Partner) {
		wrong = append(wrong, "text")
		f.Text, f.Kind, f.Matter, f.Partner = "", "", "", ""
	}
	slices.Sort(wrong)
	return f, wrong
}

// filterQuery is the filter of an address without the place in the list.
func filterQuery(q url.Values) string {
	kept := url.Values{}
	for _, name := range filterFields {
		if v := strings.TrimSpace(q.Get(name)); v != "" {
			kept.Set(name, v)
		}
	}
	return kept.Encode()
}

func address(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

func (c *Console) inbox(w http.ResponseWriter, r *http.Request, who person.Person) error {
	p := inboxPage{List: strings.TrimPrefix(r.URL.Path, "/"), Entered: r.URL.Query(), Kinds: kinds.Names(), Matters: matters, Address: r.URL.RequestURI(), Key: uuid.NewString()}
	var filter views.InboxFilter
	filter, p.Wrong = readFilter(p.Entered)
	p.Query = filterQuery(p.Entered)
	p.Narrow = p.Query != ""
	list, at := c.Reader.Inbox, time.Now()
	if p.List == "waiting" {
		list = c.Reader.WaitingForOthers
	}
	found, err := list(r.Context(), who.ID, filter, at)
	if err != nil {
		return err
	}
	for _, t := range found.Tasks {
		p.add(t)
	}
	if filter.After != "" {
		p.Begin = address(r.URL.Path, p.Query)
	}
	if found.Next != "" {
		next := url.Values{}
		for _, name := range filterFields {
			if v := p.Entered.Get(name); v != "" {
				next.Set(name, v)
			}
		}
		next.Set("after", found.Next)
		p.Next = address(r.URL.Path, next.Encode())
	}
	if p.Counts, err = c.Reader.InboxCounts(r.Context(), who.ID, at); err != nil {
		return err
	}
	r = r.WithContext(context.WithValue(r.Context(), countsKey{}, p.Counts))
	saved, err := c.Reader.SavedViews(r.Context(), who.ID)
	if err != nil {
		return err
	}
	for _, s := range saved {
		p.Views = append(p.Views, savedView{s, address("/inbox", s.Query), s.Query == p.Query})
	}
	c.Pages.Render(w, r, http.StatusOK, "inbox", c.Pages.Text(r, "nav."+p.List), p)
	return nil
}

// add takes in a line, and the answers that it takes when many are answered at once: a confirmation is not among them, since
// each has an amount and a reference of its own.
func (p *inboxPage) add(t views.InboxTask) {
	m := kinds.MatterOf(t.Kind, t.Matter)
	line := task{InboxTask: t, Approve: m.Approve, Reject: m.Reject}
	for i, o := range []approval.Outcome{m.Approve, m.Reject} {
		if o == "" || o == "confirm" || o == "return" || slices.ContainsFunc(p.Words, func(w word) bool { return w.Outcome == o }) {
			continue
		}
		p.Words = append(p.Words, word{o, []string{"a", "r"}[i], i == 1})
	}
	p.Tasks = append(p.Tasks, line)
}

// matters are what cases of any kind put to people, for the filter.
var matters = []string{
	"review", "send", "confirm", "late-return", "invoice-review", "preliminary-review", "release", "present", "mend", "special", "certification",
	"project", "design", "verification", "cancellation", "issue",
}

// decidedPage is what the reader decided, the newest first.
type decidedPage struct {
	views.DecidedPage
	Begin, After string // addresses
}

func (c *Console) decided(w http.ResponseWriter, r *http.Request, who person.Person) error {
	after := r.URL.Query().Get("after")
	found, err := c.Reader.Decided(r.Context(), who.ID, after, 0)
	if err != nil {
		return err
	}
	p := decidedPage{DecidedPage: found}
	if after != "" {
		p.Begin = r.URL.Path
	}
	if found.Next != "" {
		p.After = address(r.URL.Path, url.Values{"after": {found.Next}}.Encode())
	}
	c.Pages.Render(w, r, http.StatusOK, "decided", c.Pages.Text(r, "nav.decided"), p)
	return nil
}

// saveView keeps the filter in force under a name.
func (c *Console) saveView(w http.ResponseWriter, r *http.Request, who person.Person) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	kept, err := url.ParseQuery(form.Get("query"))
	if err != nil {
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	query := filterQuery(kept)
	if err := c.Views.SaveView(r.Context(), activities.SaveViewInput{Person: who.ID, Name: form.Get("name"), Query: query, At: time.Now()}); err != nil {
		return err
	}
	page.Flash(w, r, "inbox.view-saved")
	http.Redirect(w, r, address("/inbox", query), http.StatusSeeOther)
	return nil
}

func (c *Console) removeView(w http.ResponseWriter, r *http.Request, who person.Person) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	if err := c.Views.RemoveView(r.Context(), who.ID, form.Get("name")); err != nil {
		return err
	}
	page.Flash(w, r, "inbox.view-removed")
	http.Redirect(w, r, "/inbox", http.StatusSeeOther)
	return nil
}
