package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// talk is what was asked and said about a case, and the questions to which the reader may say something.
type talk struct {
	Said []views.Remark
	Open []views.Task // none: nothing is open, or the reader does not act in such cases
}

func talkOf(ctx context.Context, r views.Reader, p person.Person, d views.CaseDetail) (t talk, err error) {
	t.Said, err = r.Remarks(ctx, d.Number)
	if p.ID != d.Submitter && !slices.Contains(kinds.ActedIn(p, d.Partner), d.Kind) {
		return t, err
	}
	for _, task := range d.Tasks {
		if task.State == approval.TaskOpen {
			t.Open = append(t.Open, task)
		}
	}
	return t, err
}

// say answers a question about an own case, says something about it, or urges whoever decides.
func (c *Console) say(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.sent", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		d := approval.Decision{
			Task: form.Get("task"), Person: p.ID, Outcome: approval.Outcome(form.Get("do")), Key: form.Get("key"), Reason: strings.TrimSpace(strings.ReplaceAll(form.Get("text"), "\r\n", "\n")),
		}
		if approval.CaseOf(d.Task) != number {
			return activities.Standing{}, page.NotFound
		}
		if d.Outcome != approval.Comment && d.Outcome != approval.Urge { // what else there is, the vendor's people say
			return activities.Standing{}, page.Error{Status: http.StatusBadRequest, Key: "error.400"}
		}
		if list := d.WellFormed(); len(list) > 0 {
			return activities.Standing{}, list
		}
		return c.Desk.Decide(ctx, d)
	})
}
