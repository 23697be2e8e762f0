package console

import (
	"cmp"
	"context"
	"maps"
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
	Saved   bool     // the filter in force is one of them
	More    bool     // a part of the filter is in force that is folded away otherwise
	Sort    string   // column; with "-" in front: from the largest on; empty: as due
	Columns []column // that one may sort by
	First   int      // only that many of the most urgent were sorted; 0: all of them
	Address string   // of this page
	Query   string   // of the filter alone
	Next    string   // address of the page after; empty: there is none
	Begin   string   // address of the first page; empty: this is it
	Key     string
}

// column is one by which the list may be sorted.
type column struct {
	Name    string
	Address string // sorted by it, the other way round if it is already
	Sorted  string // ascending or descending; empty: not by it
}

// sorting is how the columns compare. What is due comes in order by itself.
var sorting = map[string]func(a, b task) int{
	"case": func(a, b task) int { return cmp.Compare(a.Case, b.Case) },
	"step": func(a, b task) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Matter, b.Matter), cmp.Compare(a.Step, b.Step))
	},
	"partner": func(a, b task) int {
		return cmp.Or(cmp.Compare(a.PartnerName, b.PartnerName), cmp.Compare(a.Partner, b.Partner))
	},
	"amount": func(a, b task) int { return cmpAmount(a.Amount, b.Amount) },
	"due":    func(task, task) int { return 0 },
}

// columns are the sorted ones, from left to right.
var columns = []string{"case", "step", "partner", "amount", "due"}

// cmpAmount puts what is about no amount first.
func cmpAmount(a, b *money.Amount) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Cmp(*b)
}

// sortable is how many of the most urgent tasks are sorted by another column: the index has them by due time.
const sortable = 200

// sortBy reads by which column to sort; a list sorted by another one than the due time is as long as can be.
func (p *inboxPage) sortBy(q url.Values, path string, f *views.InboxFilter) {
	name, down := strings.CutPrefix(q.Get("sort"), "-")
	if name = strings.TrimSpace(name); sorting[name] != nil && name != "due" {
		p.Sort, f.Limit = q.Get("sort"), sortable
	} else {
		name, down = "due", false
	}
	for _, c := range columns {
		q := filterValues(p.Entered)
		col, sort := column{Name: c}, c
		if c == name {
			col.Sorted, sort = "ascending", "-"+c
			if down {
				col.Sorted, sort = "descending", c
			}
		}
		if c != "due" {
			q.Set("sort", sort)
		}
		col.Address = address(path, q.Encode())
		p.Columns = append(p.Columns, col)
	}
}

// sort puts the lines in the order asked for.
func (p *inboxPage) sort() {
	name, down := strings.CutPrefix(p.Sort, "-")
	by := sorting[name]
	if by == nil {
		return
	}
	slices.SortStableFunc(p.Tasks, func(a, b task) int {
		if down {
			a, b = b, a
		}
		return by(a, b)
	})
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
func filterQuery(q url.Values) string { return filterValues(q).Encode() }

func filterValues(q url.Values) url.Values {
	kept := url.Values{}
	for _, name := range filterFields {
		if v := strings.TrimSpace(q.Get(name)); v != "" {
			kept.Set(name, v)
		}
	}
	return kept
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
	p.More = slices.ContainsFunc([]string{"partner", "from", "to", "before"}, func(name string) bool { return p.Entered.Get(name) != "" })
	p.sortBy(p.Entered, r.URL.Path, &filter)
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
	p.sort()
	again := filterValues(p.Entered)
	if p.Sort != "" {
		again.Set("sort", p.Sort)
	}
	if filter.After != "" {
		p.Begin = address(r.URL.Path, again.Encode())
	}
	if found.Next != "" {
		if p.Sort != "" {
			p.First = len(p.Tasks)
		}
		next := maps.Clone(again)
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
		here := p.Narrow && s.Query == p.Query
		p.Saved = p.Saved || here
		p.Views = append(p.Views, savedView{s, address("/inbox", s.Query), here})
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

// renameView gives a kept filter another name.
func (c *Console) renameView(w http.ResponseWriter, r *http.Request, who person.Person) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	query, err := c.Views.RenameView(r.Context(), who.ID, form.Get("name"), form.Get("new"))
	if err != nil {
		return err
	}
	page.Flash(w, r, "inbox.view-renamed")
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
