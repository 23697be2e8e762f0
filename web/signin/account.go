package signin

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/refusal"
	"countersign/internal/totp"
	"countersign/views"
	"countersign/web/page"

	"github.com/google/uuid"
	"rsc.io/qr"
)

// shownEvents is how many lines of an account's history its person sees.
const shownEvents = 20

// ownAccount is what a person sees of their account.
type ownAccount struct {
	*views.Holder
	History []views.AccountEvent
}

func (d *Door) accountPage(w http.ResponseWriter, r *http.Request) error {
	h := holderOf(r.Context())
	history, err := d.reader.AccountHistory(r.Context(), h.ID, shownEvents)
	if err != nil {
		return err
	}
	d.Render(w, r, http.StatusOK, "account", d.Text(r, "account.title"), ownAccount{h, history})
	return nil
}

// passwordForm is the form for a new password, after what was refused.
type passwordForm struct {
	Account string
	Initial bool   // it has to be changed before anything opens (ORG-14)
	Key     string // of the request: a double click changes it once
	Wrong   string // key of a text; empty: nothing was refused
}

func (d *Door) passwordPage(w http.ResponseWriter, r *http.Request) error {
	if !holderOf(r.Context()).HasPassword {
		return page.NotFound
	}
	d.showPassword(w, r, "")
	return nil
}

func (d *Door) showPassword(w http.ResponseWriter, r *http.Request, wrong string) {
	h := holderOf(r.Context())
	d.Render(w, r, statusOf(wrong), "account-password", d.Text(r, "account.password.title"), passwordForm{h.Account, h.MustChange, uuid.NewString(), wrong})
}

func statusOf(wrong string) int {
	if wrong == "" {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// wrongOf is the text for what was refused, by what it is about.
func wrongOf(list refusal.List) string {
	if len(list) == 0 {
		return ""
	}
	switch list[0].Object {
	case "password":
		return "account.password.rules"
	case "code":
		return "account.factor.wrong"
	case "account":
		return "account.wrong"
	}
	return "account.again"
}

// changePassword sets a password of the person's own. Whoever else is signed in as the person is signed out by it.
func (d *Door) changePassword(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	ctx, at, h := r.Context(), time.Now(), holderOf(r.Context())
	if form.Get("new") != form.Get("again") {
		d.showPassword(w, r, "account.password.differ")
		return nil
	}
	err = d.hash(ctx, func() error {
		return d.organisation.ChangePassword(ctx, activities.ChangePasswordInput{
			Account: h.Account, Old: form.Get("old"), New: form.Get("new"), Network: networkOf(r, d.proxies), Key: form.Get("key"), At: at,
		})
	})
	if wrong := wrongOf(activities.RefusalOf(err)); wrong != "" {
		d.showPassword(w, r, wrong)
		return nil
	}
	if err != nil {
		return err
	}
	next := d.sessions.GetString(ctx, nextKey)
	if next == "" {
		next = "/account"
	}
	if err := d.begin(ctx, personKey, h.ID, at); err != nil {
		return err
	}
	page.Flash(w, r, "account.password.changed")
	http.Redirect(w, r, page.Local(next), http.StatusSeeOther)
	return nil
}

// factorForm is the form for a second factor, after what was refused, or the recovery codes once it is set.
type factorForm struct {
	Set      bool
	Left     int    // recovery codes
	Secret   string // as people type it, in groups of four
	QR       string // dark squares, as a path of SVG
	Size     int    // of the QR code, in squares
	Key      string
	Recovery []string
	Wrong    string // as in passwordForm
}

// factorPage shows a new secret each time; only the one that was shown last can be set.
func (d *Door) factorPage(w http.ResponseWriter, r *http.Request) error {
	if !holderOf(r.Context()).HasPassword {
		return page.NotFound
	}
	return d.showFactor(w, r, "")
}

func (d *Door) showFactor(w http.ResponseWriter, r *http.Request, wrong string) error {
	h := holderOf(r.Context())
	f := factorForm{Set: h.SecondFactor, Left: h.RecoveryCodes, Key: uuid.NewString(), Wrong: wrong}
	if !f.Set {
		secret, err := d.secret(r)
		if err != nil {
			return err
		}
		code, err := qr.Encode(totp.URI("Countersign", h.Account, secret), qr.M)
		if err != nil {
			return err
		}
		f.Secret, f.QR, f.Size = grouped(totp.Text(secret)), squares(code), code.Size
	}
	d.Render(w, r, statusOf(wrong), "account-factor", d.Text(r, "account.factor.title"), f)
	return nil
}

// secret is the one that is being set: drawn when the page is opened, the same after a refusal, so that the authenticator stays right.
func (d *Door) secret(r *http.Request) ([]byte, error) {
	ctx, id := r.Context(), holderOf(r.Context()).ID
	if r.Method == http.MethodPost {
		if sealed, err := base64.StdEncoding.DecodeString(d.sessions.GetString(ctx, factorKey)); err == nil && len(sealed) > 0 {
			return d.accounts.Open(id, sealed)
		}
	}
	f, err := d.accounts.DrawFactor(id)
	if err != nil {
		return nil, err
	}
	d.sessions.Put(ctx, factorKey, base64.StdEncoding.EncodeToString(f.Sealed))
	return f.Secret, nil
}

func (d *Door) setFactor(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	ctx, at, h := r.Context(), time.Now(), holderOf(r.Context())
	sealed, err := base64.StdEncoding.DecodeString(d.sessions.GetString(ctx, factorKey))
	if err != nil || len(sealed) == 0 || h.SecondFactor { // replayed, or sent from a page that is out of date
		http.Redirect(w, r, "/account/second-factor", http.StatusSeeOther)
		return nil
	}
	var recovery []string
	err = d.hash(ctx, func() (err error) {
		recovery, err = d.accounts.SetFactor(ctx, activities.SetFactorInput{
			Person: h.ID, Password: form.Get("password"), Sealed: sealed, Code: strings.ReplaceAll(form.Get("code"), " ", ""),
			Network: networkOf(r, d.proxies), Key: form.Get("key"), At: at,
		})
		return err
	})
	if wrong := wrongOf(activities.RefusalOf(err)); wrong != "" {
		return d.showFactor(w, r, wrong)
	}
	if err != nil {
		return err
	}
	if err := d.begin(ctx, personKey, h.ID, at); err != nil { // all from before are over
		return err
	}
	d.Render(w, r, http.StatusOK, "account-factor", d.Text(r, "account.factor.title"), factorForm{Set: true, Left: len(recovery), Recovery: recovery})
	return nil
}

func (d *Door) dropFactor(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	err = d.hash(ctx, func() error {
		return d.accounts.DropFactor(ctx, activities.SetFactorInput{
			Person: holderOf(ctx).ID, Password: form.Get("password"), Network: networkOf(r, d.proxies), Key: form.Get("key"), At: time.Now(),
		})
	})
	if wrong := wrongOf(activities.RefusalOf(err)); wrong != "" {
		return d.showFactor(w, r, wrong)
	}
	if err != nil {
		return err
	}
	page.Flash(w, r, "account.factor.dropped")
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

func (d *Door) signOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := d.accounts.SignOut(ctx, activities.SignOutInput{Person: PersonOf(ctx).ID, Everywhere: true, Network: networkOf(r, d.proxies), At: time.Now()}); err != nil {
		return err
	}
	return d.leave(w, r)
}

// grouped is a secret in groups of four.
func grouped(text string) string {
	var out strings.Builder
	for i, r := range text {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// squares draws the dark squares of a QR code.
func squares(c *qr.Code) string {
	var path strings.Builder
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				path.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h1v1h-1z")
			}
		}
	}
	return path.String()
}
