package partner

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// applicationForm is an application as somebody fills it in, with what the rules say to it.
type applicationForm struct {
	asked
	Action    string // where it is sent
	Case      string // of one that was returned; empty: a new one
	Held      string // what it holds, which it can use again
	Means     means
	Preview   *views.Preview
	CodeUntil *time.Time // a code was sent, and holds until then
}

// takePrefix begins the name of a field that says how much to take of a sum of money; its number follows (WDL-13).
const takePrefix = "take-"

// Takes tells whether sums of money to take from were named.
func (f applicationForm) Takes() bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(f.Entered)), func(field string) bool { return strings.HasPrefix(field, takePrefix) && f.Was(field) != "" })
}

// entered reads an application. Who applies, and for whom, is not asked of the form.
func entered(form url.Values, p person.Person) withdrawal.Application {
	app := withdrawal.Application{
		RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID,
		Route: withdrawal.Route(form.Get("route")), Amount: strings.TrimSpace(form.Get("amount")), Code: strings.TrimSpace(form.Get("code")),
		Payee: withdrawal.Payee{Holder: form.Get("holder"), AccountNo: form.Get("account_no"), Bank: form.Get("bank"), Branch: form.Get("branch")},
	}
	for _, field := range slices.Sorted(maps.Keys(form)) {
		if lot, ok := strings.CutPrefix(field, takePrefix); ok && strings.TrimSpace(form.Get(field)) != "" {
			app.Lots = append(app.Lots, withdrawal.LotChoice{Lot: lot, Amount: strings.TrimSpace(form.Get(field))})
		}
	}
	return app
}

func (c *Console) application(w http.ResponseWriter, req *http.Request, p person.Person) error {
	f := applicationForm{Action: "/partner/withdrawals", asked: fresh()}
	f.Entered.Set("route", string(withdrawal.BankCard))
	return c.form(w, req, p, f)
}

// form shows the form with what may be taken out now.
func (c *Console) form(w http.ResponseWriter, req *http.Request, p person.Person, f applicationForm) error {
	err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		f.Means, err = meansOf(req.Context(), r, p.PartnerID)
		return err
	})
	if err != nil {
		return err
	}
	title := c.Pages.Text(req, "partner.nav.withdraw")
	if f.Case != "" {
		title = c.Pages.Text(req, "partner.resubmit", f.Case)
	}
	c.Pages.Render(w, req, f.status(), "partner-withdraw", title, f)
	return nil
}

func (c *Console) apply(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.answer(w, req, p, applicationForm{Action: "/partner/withdrawals"}, func(ctx context.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
		return start(ctx, c, withdrawal.Kind, func(ctx context.Context, t client.Client) (activities.WithdrawalStanding, error) {
			return workflows.SubmitWithdrawal(ctx, t, app)
		})
	})
}

// answer does what the pressed button says: a code, a preview, or the application itself. What the rules refuse is shown in
// the form, which keeps what was entered.
func (c *Console) answer(w http.ResponseWriter, req *http.Request, p person.Person, f applicationForm, submit func(context.Context, withdrawal.Application) (activities.WithdrawalStanding, error)) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	f.asked = again(req, form, nil)
	app, ctx := entered(form, p), req.Context()
	switch form.Get("do") {
	case "code":
		sent, err := c.Codes.SendCode(ctx, activities.SendCodeInput{Person: p.ID, Scene: verification.Withdrawal, Target: p.PartnerID, At: time.Now()})
		if list := activities.RefusalOf(err); list != nil {
			f.asked = again(req, form, list)
			return c.form(w, req, p, f)
		}
		if err != nil {
			return err
		}
		f.CodeUntil = &sent.ExpiresAt
		return c.form(w, req, p, f)
	case "preview":
		preview, err := c.preview(ctx, f.Case, app)
		if err != nil {
			return err
		}
		if f.asked = again(req, form, preview.Refused); len(preview.Refused) == 0 {
			f.Preview = &preview
		}
		return c.form(w, req, p, f)
	}
	opened, err := submit(ctx, app)
	if list := activities.RefusalOf(err); list != nil {
		f.asked = again(req, form, list)
		return c.form(w, req, p, f)
	}
	if err != nil {
		return err
	}
	page.Flash(w, req, "partner.flash.submitted", opened.Case)
	http.Redirect(w, req, casePath(opened.Case), http.StatusSeeOther)
	return nil
}

// preview says what would become of an application. Who would decide stands in the vendor's rows, so it is not read as the
// partner; whose application and case it is comes from the session.
func (c *Console) preview(ctx context.Context, number string, app withdrawal.Application) (views.Preview, error) {
	r := views.Reader{DB: c.Desk.DB}
	if number != "" {
		return r.PreviewAgain(ctx, number, app, time.Now())
	}
	return r.Preview(ctx, app, time.Now())
}

// own finds a case of the person's partner.
func (c *Console) own(ctx context.Context, p person.Person, number string) (views.CaseDetail, error) {
	return own(ctx, c, p, func(r views.Reader) (views.CaseDetail, error) { return r.CaseDetail(ctx, number) })
}

func (c *Console) reapplication(w http.ResponseWriter, req *http.Request, p person.Person) error {
	known, err := c.own(req.Context(), p, req.PathValue("case"))
	if err != nil {
		return err
	}
	if known.Payment == nil {
		return page.NotFound // other kinds are corrected on their case's page
	}
	f := applicationForm{Action: casePath(known.Number) + "/resubmit", Case: known.Number, Held: known.Amount.String(), asked: fresh()}
	payee := known.Payment
	for field, was := range map[string]string{"route": string(known.Route), "amount": f.Held, "holder": payee.Holder, "account_no": payee.AccountNo, "bank": payee.Bank, "branch": payee.Branch} {
		f.Entered.Set(field, was)
	}
	return c.form(w, req, p, f)
}

func (c *Console) resubmit(w http.ResponseWriter, req *http.Request, p person.Person) error {
	known, err := c.own(req.Context(), p, req.PathValue("case"))
	if err != nil {
		return err
	}
	f := applicationForm{Action: req.URL.Path, Case: known.Number, Held: known.Amount.String()}
	return c.answer(w, req, p, f, func(ctx context.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
		return desk.Send(ctx, c.Desk, known.Number, func(ctx context.Context, t client.Client, workflowID string) (activities.WithdrawalStanding, error) {
			return workflows.Resubmit(ctx, t, workflowID, app)
		}, func(ctx context.Context, _ string) (activities.WithdrawalStanding, error) {
			return (&activities.Withdrawals{DB: c.Desk.DB, Channel: activities.ByHand{}}).ResubmitWithdrawal(ctx, activities.ResubmitWithdrawalInput{Case: known.Number, Application: app, At: time.Now()})
		})
	})
}

func (c *Console) cancel(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	known, err := c.own(req.Context(), p, req.PathValue("case"))
	if err != nil {
		return err
	}
	r := workflows.CancelRequest{Person: p.ID, Reason: form.Get("reason"), Key: form.Get("key")}
	now, err := desk.Send(req.Context(), c.Desk, known.Number, func(ctx context.Context, t client.Client, workflowID string) (activities.WithdrawalStanding, error) {
		return workflows.Cancel(ctx, t, workflowID, r)
	}, func(ctx context.Context, _ string) (activities.WithdrawalStanding, error) {
		return (&activities.Withdrawals{DB: c.Desk.DB, Channel: activities.ByHand{}}).CancelWithdrawal(ctx,
			activities.CancelWithdrawalInput{Case: known.Number, Key: r.Key, Person: r.Person, Reason: r.Reason, At: time.Now()})
	})
	if err != nil {
		return err
	}
	page.Flash(w, req, "partner.flash.cancelled", now.Case)
	http.Redirect(w, req, casePath(known.Number), http.StatusSeeOther)
	return nil
}
