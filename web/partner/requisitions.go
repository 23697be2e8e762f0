package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
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
	Found    []views.Requisition
	More     more
	Now      activities.RequisitionPreview
	Methods  []requisition.Method
	Switches []automatic
	MayAct   bool
}

// automatic is a row group with its switch (PAY-19, PAY-23).
type automatic struct {
	Group   requisition.Group
	Methods []requisition.Method        // that it allows
	On      *activities.AutomaticSwitch // nil: off
}

var requisitionList = listed{"/partner/requisitions", "after", "", pageRows}

// Automatic tells whether a method is chosen for a row group: as it was sent and refused, else as it is.
func (d requisitionsData) Automatic(s automatic, method string) bool {
	if d.Was("group") == string(s.Group) {
		return d.Chose("automatic", method)
	}
	return s.On != nil && string(s.On.Method) == method
}

func (c *Console) requisitions(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.requestForm(w, req, p, a, requisition.Application{PartnerID: p.PartnerID, Submitter: p.ID})
}

// requestForm shows the form, with what an application would come to when a method is chosen.
func (c *Console) requestForm(w http.ResponseWriter, req *http.Request, p person.Person, a asked, app requisition.Application) error {
	ctx := req.Context()
	data := requisitionsData{asked: a, Methods: requisition.Methods, MayAct: invoice.MaySend(p, p.PartnerID)}
	err := c.read(ctx, p, func(r views.Reader) error {
		found, err := r.NewestRequisitions(ctx, p.PartnerID, requisitionList.after(req), requisitionList.rows+1)
		data.Found, data.More = cut(req, requisitionList, found, func(r views.Requisition) string { return r.Case })
		return err
	})
	if err != nil {
		return err
	}
	data.Now, err = (&activities.Requisitions{DB: c.Desk.DB}).PreviewRequisition(ctx, app, time.Now()) // of the session's partner
	if err != nil {
		return err
	}
	if data.Switches, err = c.switches(ctx, p); err != nil {
		return err
	}
	if len(app.Methods) > 0 && len(a.Refused) == 0 {
		data.asked = again(req, a.Entered, data.Now.Refused)
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
		return c.requestForm(w, req, p, again(req, form, nil), app)
	}
	opened, err := start(req.Context(), c, requisition.Kind, func(ctx context.Context, t client.Client) (activities.Standing, error) {
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

// switches are the row groups with what is released by itself.
func (c *Console) switches(ctx context.Context, p person.Person) ([]automatic, error) {
	on, err := (&activities.Requisitions{DB: c.Desk.DB}).Automatic(ctx, p.PartnerID) // of the session's partner
	if err != nil {
		return nil, err
	}
	var all []automatic
	for _, g := range requisition.Groups {
		one := automatic{Group: g, Methods: g.Allowed()}
		if i := slices.IndexFunc(on, func(s activities.AutomaticSwitch) bool { return s.Group == g }); i >= 0 {
			one.On = &on[i]
		}
		all = append(all, one)
	}
	return all, nil
}

// switchAutomatic turns the automatic release of a row group on, to another method, or off (PAY-23).
func (c *Console) switchAutomatic(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	_, err = (&activities.Requisitions{DB: c.Desk.DB}).SwitchAutomatic(req.Context(), activities.SwitchAutomaticInput{
		Partner: p.PartnerID, Person: p.ID, Group: requisition.Group(form.Get("group")), Method: requisition.Method(form.Get("automatic")), At: time.Now(),
	})
	return c.answered(w, req, p, form, err, c.requisitions, "/partner/requisitions#automatic", "partner.flash.saved")
}
