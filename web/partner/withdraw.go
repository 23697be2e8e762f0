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
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
)

// applicationForm is an application as somebody fills it in, with what the rules say to it.
type applicationForm struct {
	Action    string // where it is sent
	Case      string // of one that was returned; empty: a new one
	Held      string // what it holds, which it can use again
	Entered   withdrawal.Application
	Means     means
	Wrong     map[string]refusal.List // by field
	Refused   refusal.List            // what no field is at fault for
	Preview   *views.Preview
	CodeUntil *time.Time // a code was sent, and holds until then
}

// fields in which a refusal can be put right.
const (
	fieldRoute   = "route"
	fieldAmount  = "amount"
	fieldHolder  = "holder"
	fieldAccount = "account_no"
	fieldBank    = "bank"
	fieldBranch  = "branch"
	fieldCode    = "code"
	fieldLots    = "lots"
)

// takePrefix begins the name of a field that says how much to take of a sum of money; its number follows (WDL-13).
const takePrefix = "take-"

// fieldOf is where a refusal is shown; empty: above the form.
func fieldOf(r refusal.Refusal) string {
	switch {
	case r.Object == "amount", r.Code == "WDR_AMOUNT":
		return fieldAmount
	case r.Object == "route":
		return fieldRoute
	case r.Object == "lots", strings.HasPrefix(r.Object, "lot "):
		return fieldLots
	case r.Object == "verification code":
		return fieldCode
	case r.Code == "WDR_NAME", strings.HasPrefix(r.Object, "account name"):
		return fieldHolder
	case r.Object == "payee" && r.Code == "CBC.0100":
		return fieldAccount
	case r.Object == "payee":
		return fieldBranch
	}
	return ""
}

// judged puts each refusal next to its field.
func (f *applicationForm) judged(list refusal.List) {
	f.Wrong = map[string]refusal.List{}
	for _, r := range list {
		if field := fieldOf(r); field != "" {
			f.Wrong[field] = append(f.Wrong[field], r)
		} else {
			f.Refused = append(f.Refused, r)
		}
	}
}

// Taken is what was entered to be taken of a sum of money.
func (f applicationForm) Taken(lot string) string {
	for _, l := range f.Entered.Lots {
		if l.Lot == lot {
			return l.Amount
		}
	}
	return ""
}

// entered reads an application. Who applies, and for whom, is not asked of the form.
func entered(form url.Values, p person.Person) withdrawal.Application {
	app := withdrawal.Application{
		RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID,
		Route: withdrawal.Route(form.Get(fieldRoute)), Amount: strings.TrimSpace(form.Get(fieldAmount)), Code: strings.TrimSpace(form.Get(fieldCode)),
		Payee: withdrawal.Payee{Holder: form.Get(fieldHolder), AccountNo: form.Get(fieldAccount), Bank: form.Get(fieldBank), Branch: form.Get(fieldBranch)},
	}
	for _, field := range slices.Sorted(maps.Keys(form)) {
		if lot, ok := strings.CutPrefix(field, takePrefix); ok && strings.TrimSpace(form.Get(field)) != "" {
			app.Lots = append(app.Lots, withdrawal.LotChoice{Lot: lot, Amount: strings.TrimSpace(form.Get(field))})
		}
	}
	return app
}

func (c *Console) application(w http.ResponseWriter, req *http.Request, p person.Person) error {
	f := applicationForm{Action: "/partner/withdrawals", Entered: withdrawal.Application{RequestKey: uuid.NewString(), Route: withdrawal.BankCard}}
	return c.form(w, req, p, http.StatusOK, f)
}

// form shows the form with what may be taken out now.
func (c *Console) form(w http.ResponseWriter, req *http.Request, p person.Person, status int, f applicationForm) error {
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
	c.Pages.Render(w, req, status, "partner-withdraw", title, f)
	return nil
}

func (c *Console) apply(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.answer(w, req, p, applicationForm{Action: "/partner/withdrawals"}, func(ctx context.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
		return start(ctx, c, func(ctx context.Context, t client.Client) (activities.WithdrawalStanding, error) {
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
	f.Entered = entered(form, p)
	ctx := req.Context()
	switch form.Get("do") {
	case "code":
		sent, err := c.Codes.SendCode(ctx, activities.SendCodeInput{Person: p.ID, Scene: verification.Withdrawal, Target: p.PartnerID, At: time.Now()})
		if list := activities.RefusalOf(err); list != nil {
			f.Wrong = map[string]refusal.List{fieldCode: list}
			return c.form(w, req, p, http.StatusUnprocessableEntity, f)
		}
		if err != nil {
			return err
		}
		f.CodeUntil = &sent.ExpiresAt
		return c.form(w, req, p, http.StatusOK, f)
	case "preview":
		preview, err := c.preview(ctx, f)
		if err != nil {
			return err
		}
		if len(preview.Refused) > 0 {
			f.judged(preview.Refused)
			return c.form(w, req, p, http.StatusUnprocessableEntity, f)
		}
		f.Preview = &preview
		return c.form(w, req, p, http.StatusOK, f)
	}
	opened, err := submit(ctx, f.Entered)
	if list := activities.RefusalOf(err); list != nil {
		f.judged(list)
		return c.form(w, req, p, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return late(err)
	}
	page.Flash(w, req, "partner.flash.submitted", opened.Case)
	http.Redirect(w, req, casePath(opened.Case), http.StatusSeeOther)
	return nil
}

// preview says what would become of an application. Who would decide stands in the vendor's rows, so it is not read as the
// partner; whose application and case it is comes from the session.
func (c *Console) preview(ctx context.Context, f applicationForm) (views.Preview, error) {
	r := views.Reader{DB: c.Desk.DB}
	if f.Case != "" {
		return r.PreviewAgain(ctx, f.Case, f.Entered, time.Now())
	}
	return r.Preview(ctx, f.Entered, time.Now())
}

// own finds a case of the person's partner.
func (c *Console) own(ctx context.Context, p person.Person, number string) (known views.CaseDetail, err error) {
	err = c.read(ctx, p, func(r views.Reader) (err error) {
		known, err = r.CaseDetail(ctx, number)
		return err
	})
	return known, err
}

func (c *Console) reapplication(w http.ResponseWriter, req *http.Request, p person.Person) error {
	known, err := c.own(req.Context(), p, req.PathValue("case"))
	if err != nil {
		return err
	}
	if known.Payment == nil {
		return page.NotFound // other kinds are corrected on their case's page
	}
	f := applicationForm{Action: casePath(known.Number) + "/resubmit", Case: known.Number, Held: known.Amount.String(), Entered: withdrawal.Application{
		RequestKey: uuid.NewString(), Route: known.Route, Amount: known.Amount.String(), Payee: withdrawal.Payee{Holder: known.Payment.Holder, AccountNo: known.Payment.AccountNo, Bank: known.Payment.Bank, Branch: known.Payment.Branch},
	}}
	return c.form(w, req, p, http.StatusOK, f)
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
		return late(err)
	}
	page.Flash(w, req, "partner.flash.cancelled", now.Case)
	http.Redirect(w, req, casePath(known.Number), http.StatusSeeOther)
	return nil
}
