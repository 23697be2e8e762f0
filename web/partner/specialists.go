package partner

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/specialist"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// specialistsData is the partner's members and which of them the vendor recognises as specialists (ORG-44).
type specialistsData struct {
	asked
	views.Specialists
	Text   string // of the search
	At     string // the end of the list's address
	More   more
	Paths  []specialist.Path
	Came   []outcome // what an application for several members came to
	MayAct bool
}

// outcome is what one member's application came to.
type outcome struct {
	Account, Case string
	Refused       refusal.List
	Late          bool // no answer came in time
}

func (c *Console) specialists(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.specialistsPage(w, req, p, specialistsData{asked: a})
}

var specialistList = listed{"/partner/specialists", "after", "#members", formRows}

// cut is one part of the list, in which a member may have several rows.
func (d specialistsData) cut(req *http.Request) ([]views.MemberSpecialist, more) {
	members := 0
	for i, m := range d.Members {
		if i > 0 && m.Account == d.Members[i-1].Account {
			continue
		}
		if members++; members > specialistList.rows {
			return d.Members[:i], specialistList.more(req, d.Members[i-1].Account)
		}
	}
	return d.Members, specialistList.more(req, "")
}

func (c *Console) specialistsPage(w http.ResponseWriter, req *http.Request, p person.Person, data specialistsData) error {
	data.Paths, data.MayAct = specialist.Paths, p.Holds(specialist.Applicants...)
	data.Text, data.At = req.URL.Query().Get("text"), queried(req.URL.Query())
	err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		data.Specialists, err = r.SomeSpecialists(req.Context(), p.PartnerID, p.ID, views.MemberFilter{Text: data.Text, After: specialistList.after(req), Limit: specialistList.rows + 1}, nil)
		data.Members, data.More = data.cut(req)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-specialists", c.Pages.Text(req, "partner.nav.specialists"), data)
	return nil
}

func (c *Console) projectSpecialists() *activities.ProjectSpecialists {
	return &activities.ProjectSpecialists{DB: c.Desk.DB}
}

// applyForSpecialists applies for members, each for itself, and says what became of each (ORG-38).
func (c *Console) applyForSpecialists(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	a := specialist.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Path: specialist.Path(form.Get("path"))}
	if a.Materials, err = c.taken(files); err != nil {
		return c.answered(w, req, p, form, err, c.specialists, "", "")
	}
	if len(form["member"]) == 0 {
		err := refusal.List{refusal.New("ORG-38", "CBC.0100", "member", "Choose the members to apply for.")}
		return c.answered(w, req, p, form, err, c.specialists, "", "")
	}
	data := specialistsData{asked: fresh()}
	for _, got := range workflows.ApplyForSpecialists(ctx, a, form["member"], func(ctx context.Context, one specialist.Application) (activities.Standing, error) {
		now, err := start(ctx, c, specialist.Kind, func(ctx context.Context, t client.Client) (activities.Standing, error) {
			return workflows.ApplyForSpecialist(ctx, t, one)
		})
		if err == nil {
			err = c.addAll(ctx, p, now.Case, files)
		}
		return now, err
	}) {
		one := outcome{Account: got.Account, Case: got.Standing.Case, Refused: activities.RefusalOf(got.Err)}
		if got.Err != nil && one.Refused == nil {
			if !errors.Is(got.Err, desk.ErrLate) {
				return got.Err
			}
			one.Late = true
		}
		data.Came = append(data.Came, one)
	}
	return c.specialistsPage(w, req, p, data)
}

// locate keeps where a member works from, which an application needs (ORG-39).
func (c *Console) locate(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	account := req.PathValue("account")
	if err := c.linked(req.Context(), p, account); err != nil {
		return err
	}
	err = c.projectSpecialists().LocateMember(req.Context(), activities.LocateMemberInput{Partner: p.PartnerID, Account: account, Location: form.Get("location"), Person: p.ID, At: time.Now()})
	return c.answered(w, req, p, form, err, c.specialists, "/partner/specialists"+queried(req.URL.Query())+"#members", "partner.flash.saved")
}

// askOfSpecialist asks for one thing in a specialist's case.
func (c *Console) askOfSpecialist(ctx context.Context, number, update string, in activities.SpecialistStepInput, direct func(*activities.ProjectSpecialists, context.Context, activities.SpecialistStepInput) (activities.Standing, error)) (activities.Standing, error) {
	in.Case, in.At = number, time.Now()
	return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
		return workflows.AskOfSpecialist(ctx, t, workflowID, update, in)
	}, func(ctx context.Context, _ string) (activities.Standing, error) {
		return direct(c.projectSpecialists(), ctx, in)
	})
}

// cancelSpecialist applies to cancel a specialist, with the file that shows why; the vendor decides.
func (c *Console) cancelSpecialist(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	known, err := c.own(ctx, p, req.PathValue("case"))
	if err != nil {
		return err
	}
	in := activities.SpecialistStepInput{Key: form.Get("key"), Person: p.ID, Reason: form.Get("reason")}
	if len(files) > 0 {
		var ids []string
		if ids, err = c.taken(files[:1]); err == nil {
			in.Document, err = ids[0], c.addAll(ctx, p, known.Number, files[:1]) // the file lies with the case before it is named
		}
	}
	if err == nil {
		_, err = c.askOfSpecialist(ctx, known.Number, workflows.CancelSpecialistUpdate, in, (*activities.ProjectSpecialists).CancelSpecialist)
	}
	return c.answered(w, req, p, form, err, c.caseOf, casePath(known.Number), "partner.flash.sent", known.Number)
}

// keepSpecialist takes a cancellation back that is not decided.
func (c *Console) keepSpecialist(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.sent", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		return c.askOfSpecialist(ctx, number, workflows.WithdrawCancellationUpdate, activities.SpecialistStepInput{Key: form.Get("key"), Person: p.ID}, (*activities.ProjectSpecialists).WithdrawCancellation)
	})
}
