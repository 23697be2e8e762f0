package partner

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/invoice"
	"countersign/domain/person"
	"countersign/domain/requisition"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// requisitionsData is what was requested, and what can be requested now.
type requisitionsData struct {
	asked
	Found   []views.Requisition
	Now     activities.RequisitionPreview
	Methods []requisition.Method
	MayAct  bool
}

func (c *Console) requisitions(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.requestForm(w, req, p, a, requisition.Application{PartnerID: p.PartnerID, Submitter: p.ID})
}

// requestForm shows the form, with what an application would come to when a method is chosen.
func (c *Console) requestForm(w http.ResponseWriter, req *http.Request, p person.Person, a asked, app requisition.Application) error {
	ctx := req.Context()
	data := requisitionsData{asked: a, Methods: requisition.Methods, MayAct: invoice.MaySend(p, p.PartnerID)}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		data.Found, err = r.Requisitions(ctx, views.RequisitionFilter{Partner: p.PartnerID})
		return err
	})
	if err != nil {
		return err
	}
	data.Now, err = (&activities.Requisitions{DB: c.Desk.DB}).PreviewRequisition(ctx, app, time.Now()) // of the session's partner
	if err != nil {
		return err
	}
	if len(app.Methods) > 0 && len(a.Refused) == 0 {
		data.Refused = data.Now.Refused
	}
	c.Pages.Render(w, req, data.status(), "partner-requisitions", c.Pages.Text(req, "partner.nav.requisitions"), data)
	return nil
}

// request previews or sends an application.
func (c *Console) request(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	app := requisition.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Methods: []requisition.Method{requisition.Method(form.Get("method"))}, Bills: form["bill"]}
	if form.Get("do") == "preview" {
		return c.requestForm(w, req, p, again(form, nil), app)
	}
	opened, err := start(req.Context(), c, func(ctx context.Context, t client.Client) (activities.Standing, error) {
		return workflows.SubmitRequisition(ctx, t, app)
	})
	return c.answered(w, req, p, form, err, c.requisitions, casePath(opened.Case), "partner.flash.submitted", opened.Case)
}

// askMethod asks for another method of an own requisition, or to take it back, for a special reason (PAY-14, PAY-15).
func (c *Console) askMethod(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.sent", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		r := workflows.CaseRequest{Person: p.ID, Key: form.Get("key"), Special: requisition.Special{Method: requisition.Method(form.Get("method")), Reason: form.Get("reason")}}
		return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.AskSpecial(ctx, t, workflowID, r)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.Requisitions{DB: c.Desk.DB}).AskSpecial(ctx, activities.AskSpecialInput{Case: number, Person: r.Person, Key: r.Key, Special: r.Special, At: time.Now()})
		})
	})
}

// about does what a form on the page of an own case asks for, and leads back to it.
func (c *Console) about(w http.ResponseWriter, req *http.Request, p person.Person, said string, do func(ctx context.Context, number string, form url.Values) (activities.Standing, error)) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	known, err := c.own(req.Context(), p, req.PathValue("case"))
	if err != nil {
		return err
	}
	_, err = do(req.Context(), known.Number, form)
	return c.answered(w, req, p, form, err, c.caseOf, casePath(known.Number), said, known.Number)
}
