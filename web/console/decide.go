package console

import (
	"cmp"
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/views"
	"countersign/web/page"
)

// mostAtOnce is how many tasks one form may answer.
const mostAtOnce = 200

// decisionOf reads a decision from a form. Who decides is who is signed in, whatever the form says.
func decisionOf(form url.Values, who person.Person) approval.Decision {
	d := approval.Decision{
		Task: form.Get("task"), Person: who.ID, Outcome: approval.Outcome(form.Get("outcome")), Reason: strings.TrimSpace(strings.ReplaceAll(form.Get("reason"), "\r\n", "\n")),
		Amount: strings.TrimSpace(form.Get("amount")), Lines: form["line"], Reference: strings.TrimSpace(form.Get("reference")),
	}
	switch o := d.Outcome; {
	case o == approval.Back:
		d.To = form.Get("step")
	case slices.Contains([]approval.Outcome{approval.Transfer, approval.Delegate, approval.AddSigner, approval.Copy}, o):
		d.To = form.Get("to")
	case o == addSignerBefore:
		d.Outcome, d.To, d.Before = approval.AddSigner, form.Get("to"), true
	}
	d.Key = keyed(form.Get("key"), d)
	return d
}

// addSignerBefore is the button that asks a signer before oneself.
const addSignerBefore approval.Outcome = "add-signer-before"

// keyed is the key of a form's decision. A form that is sent twice is one decision, and one that was changed in between is
// another: its content is in the key.
func keyed(form string, d approval.Decision) string {
	return form + "-" + hex.EncodeToString(d.Digest()[:8])
}

// decideOne answers a task of a case and leads back to it.
func (c *Console) decideOne(w http.ResponseWriter, r *http.Request, who person.Person) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	number := r.PathValue("case")
	d := decisionOf(form, who)
	if approval.CaseOf(d.Task) != number {
		return page.NotFound
	}
	if list := d.WellFormed(); len(list) > 0 {
		return c.again(w, r, who, http.StatusUnprocessableEntity, number, form, list)
	}
	repeat, err := c.Reader.DecidedUnder(r.Context(), d.Key)
	if err != nil {
		return err
	}
	if !repeat { // a decision is about what was on the page: who saw less looks again first
		since, err := c.since(r.Context(), number, form.Get("seen"))
		if err != nil {
			return err
		}
		if len(since) > 0 {
			return c.again(w, r, who, http.StatusConflict, number, form, nil)
		}
	}
	now, err := c.Desk.Decide(r.Context(), d)
	if list := activities.RefusalOf(err); list != nil {
		return c.again(w, r, who, http.StatusUnprocessableEntity, number, form, list)
	}
	if err != nil {
		return err
	}
	page.Flash(w, r, "case.done", now.Case, c.word(r, "outcome", form.Get("outcome")), c.word(r, "state", string(now.State)))
	http.Redirect(w, r, "/cases/"+url.PathEscape(number), http.StatusSeeOther)
	return nil
}

// word is a name of the programme in the reader's language.
func (c *Console) word(r *http.Request, group, name string) string {
	return c.Pages.Word(r, group, name)
}

// since lists what happened to a case after the event that a page has seen; a page that says nothing has seen nothing.
func (c *Console) since(ctx context.Context, number, seen string) ([]views.Event, error) {
	detail, err := c.Reader.CaseDetail(ctx, number)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(seen)
	if err != nil {
		n = 0
	}
	return after(detail.Timeline, n), nil
}

// after is the end of a timeline.
func after(timeline []views.Event, seen int) []views.Event {
	i := slices.IndexFunc(timeline, func(e views.Event) bool { return e.Seq > seen })
	if i < 0 {
		return nil
	}
	return timeline[i:]
}

// result is how one of many tasks fared.
type result struct {
	views.Task
	Result  string // done, refused, failed or not tried
	State   domain.State
	Refused refusal.List
}

// manyPage tells how many tasks fared.
type manyPage struct {
	Outcome approval.Outcome
	Reason  string
	Results []result // those that were not done first
	Count   map[string]int
	Back    string
	Key     string // under which what was not done is tried again
}

// Again lists the tasks that had no answer.
func (p manyPage) Again() (tasks []string) {
	for _, r := range p.Results {
		if r.Result == desk.Failed || r.Result == desk.NotTried {
			tasks = append(tasks, r.ID)
		}
	}
	return tasks
}

// decideMany gives the chosen tasks one answer. Each is judged by itself. The page may be loaded again: nothing happens twice.
func (c *Console) decideMany(w http.ResponseWriter, r *http.Request, who person.Person) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	tasks := slices.Clone(form["task"])
	slices.Sort(tasks)
	tasks = slices.Compact(tasks)
	back := page.Local(form.Get("back"))
	switch {
	case len(tasks) == 0:
		page.Flash(w, r, "inbox.none-chosen")
		http.Redirect(w, r, back, http.StatusSeeOther)
		return nil
	case len(tasks) > mostAtOnce, len(form.Get("key")) > 40:
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	form.Del("task")
	d := decisionOf(form, who)
	p := manyPage{Outcome: d.Outcome, Reason: d.Reason, Count: map[string]int{}, Back: back, Key: form.Get("key")}
	if d.Outcome == "confirm" || d.Outcome == "" { // each has an amount and a reference of its own
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	for _, i := range desk.DecideAll(r.Context(), d, tasks, c.decideFor, nil) {
		line := result{Result: i.Result, State: i.Now.State, Refused: i.Refused}
		if line.Task, err = c.Reader.Task(r.Context(), i.Task); activities.IsNotFound(err) {
			line.Task = views.Task{ID: i.Task, Case: approval.CaseOf(i.Task)}
		} else if err != nil {
			return err
		}
		p.Count[i.Result]++
		p.Results = append(p.Results, line)
		logFailure(r.Context(), i)
	}
	slices.SortStableFunc(p.Results, func(a, b result) int { return cmp.Compare(order(a.Result), order(b.Result)) })
	c.Pages.Render(w, r, http.StatusOK, "many", c.Pages.Text(r, "many.title"), p)
	return nil
}

// order puts first what somebody has to look at.
func order(result string) int {
	return slices.Index([]string{desk.Refused, desk.Failed, desk.NotTried, desk.Done}, result)
}

// decideFor answers one of many tasks: each has a key of its own.
func (c *Console) decideFor(ctx context.Context, d approval.Decision) (activities.Standing, error) {
	if list := d.WellFormed(); len(list) > 0 {
		return activities.Standing{}, list
	}
	return c.Desk.Decide(ctx, d)
}
