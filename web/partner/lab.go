package partner

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/lab"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// labData is the lab among the partner's benefits, and what was applied for.
type labData struct {
	asked
	views.LabBenefit
	Found  []views.LabCredit
	More   more
	Linked memberChoice // who may use a credit
	MayAct bool
	Open   bool // a path that is open for lab credits
}

var labList = listed{"/partner/lab", "after", "#found", pageRows}

// memberChoice is the members among whom a form lets choose.
type memberChoice struct {
	Members []views.Named
	Many    bool // more than a list for choosing has: the form asks for a number
	Chosen  string
}

// offeredMembers is how many members such a list has.
const offeredMembers = 100

func choiceOf(ctx context.Context, r views.Reader, partner, chosen string) (memberChoice, error) {
	found, err := r.MemberNames(ctx, partner, offeredMembers+1)
	return memberChoice{found, len(found) > offeredMembers, chosen}, err
}

func (c *Console) lab(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx := req.Context()
	data := labData{asked: a, MayAct: lab.MayAct(p, p.PartnerID)}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.LabBenefit, err = r.LabBenefit(ctx, p.PartnerID, time.Now()); err != nil && !activities.IsNotFound(err) { // no policy yet: nothing is open
			return err
		}
		found, err := r.NewestLabCredits(ctx, p.PartnerID, labList.after(req), labList.rows+1)
		if err != nil {
			return err
		}
		data.Found, data.More = cut(req, labList, found, func(l views.LabCredit) string { return l.Case })
		data.Linked, err = choiceOf(ctx, r, p.PartnerID, a.Was("member"))
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range data.Paths {
		data.Open = data.Open || path.Open
	}
	c.Pages.Render(w, req, data.status(), "partner-lab", c.Pages.Text(req, "partner.nav.lab"), data)
	return nil
}

// labApplication reads an application; points that are no number are none, and are refused as such (LAB-03).
func labApplication(form url.Values, p person.Person) lab.Application {
	points, err := strconv.Atoi(strings.TrimSpace(form.Get("points")))
	if err != nil {
		points = 0
	}
	return lab.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Path: form.Get("path"), Account: form.Get("member"), Points: points, Purpose: form.Get("purpose")}
}

func (c *Console) applyForLab(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return applied(c, w, req, p, lab.Kind, c.lab, func(form url.Values, _ []page.Uploaded) (lab.Application, error) { return labApplication(form, p), nil }, workflows.ApplyForLabCredit)
}

func (c *Console) resubmitLab(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.submitted", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		a := labApplication(form, p)
		return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.ResubmitLabCredit(ctx, t, workflowID, a)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.LabCredits{DB: c.Desk.DB}).ResubmitLabCredit(ctx, activities.ResubmitLabCreditInput{Case: number, Application: a, At: time.Now()})
		})
	})
}

// nameLabUser names another member for a credit that could not be issued (LAB-12).
func (c *Console) nameLabUser(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.sent", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		n := lab.Naming{Person: p.ID, Account: form.Get("member"), Key: form.Get("key")}
		return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.NameLabUser(ctx, t, workflowID, n)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.LabCredits{DB: c.Desk.DB}).NameLabUser(ctx, activities.NameLabUserInput{Case: number, Naming: n, At: time.Now()})
		})
	})
}
