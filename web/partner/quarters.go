package partner

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// quartersData is one quarter of dedicated staff, and what was requested for others.
type quartersData struct {
	asked
	Now    views.Quarter
	Found  []views.QuarterCase
	Before calendar.Quarter
	After  calendar.Quarter // zero: it has not begun
}

func (c *Console) quarters(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, now := req.Context(), time.Now()
	today := calendar.DateOf(now)
	shown := calendar.QuarterOf(today.AddMonths(-3)) // the last one that is over
	name := req.URL.Query().Get("quarter")
	if req.Method == http.MethodPost {
		name = a.Was("quarter")
	}
	if name != "" {
		q, err := quarter.ParseQuarter(name)
		if err != nil {
			return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
		}
		shown = q
	}
	data := quartersData{asked: a, Before: calendar.QuarterOf(shown.Start().AddMonths(-3))}
	if next := shown.Next(); !next.Start().Start().After(now) {
		data.After = next
	}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.Found, err = r.Quarters(ctx, p.PartnerID); err != nil {
			return err
		}
		data.Now, err = r.Quarter(ctx, p.PartnerID, shown, now)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-quarters", c.Pages.Text(req, "partner.nav.quarters"), data)
	return nil
}

func (c *Console) requestQuarter(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return applied(c, w, req, p, quarter.Kind, c.quarters, func(form url.Values, _ []page.Uploaded) (quarter.Application, error) {
		return quarter.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Quarter: form.Get("quarter")}, nil
	}, workflows.ApplyForQuarter)
}

func (c *Console) resubmitQuarter(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.submitted", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		var known views.QuarterCase
		if err := c.read(ctx, p, func(r views.Reader) (err error) {
			known, err = r.QuarterOfCase(ctx, number)
			return err
		}); err != nil {
			return activities.Standing{}, err
		}
		a := quarter.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Quarter: known.Quarter, Note: form.Get("note")}
		return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.ResubmitQuarter(ctx, t, workflowID, a)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.PaymentApplications{DB: c.Desk.DB}).ResubmitPaymentApplication(ctx, activities.ResubmitPaymentApplicationInput{Case: number, Application: a, At: time.Now()})
		})
	})
}
