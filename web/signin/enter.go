package signin

import (
	"context"
	"net/http"
	"time"

	"countersign/activities"
	"countersign/views"
	"countersign/web/page"
)

// entrance is what the page says on which people sign in.
type entrance struct {
	Account  string
	Next     string // page to come back to
	Provider string // name of the identity provider; empty: none
	Wrong    string // key of a text; empty: nothing was tried
	Until    *time.Time
}

func (d *Door) signInPage(w http.ResponseWriter, r *http.Request) error {
	next := page.Local(r.URL.Query().Get("next"))
	if PersonOf(r.Context()) != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	d.showEntrance(w, r, http.StatusOK, entrance{Next: next})
	return nil
}

func (d *Door) showEntrance(w http.ResponseWriter, r *http.Request, status int, e entrance) {
	if d.provider != nil {
		e.Provider = d.provider.name
	}
	d.Render(w, r, status, "sign-in", d.Text(r, "sign-in.title"), e)
}

// signIn takes an account name and a password. What is wrong with them is told in the reader's language, and is always the same.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	ctx, at := r.Context(), time.Now()
	e := entrance{Account: form.Get("account"), Next: page.Local(form.Get("next")), Wrong: "sign-in.wrong"}
	var came activities.SignedIn
	err = d.hash(ctx, func() (err error) {
		came, err = d.organisation.SignIn(ctx, activities.SignInInput{Account: e.Account, Password: form.Get("password"), Network: networkOf(r, d.proxies), At: at})
		return err
	})
	if list := activities.RefusalOf(err); list != nil { // that an account is locked is not told: it would tell that there is one
		d.count(came, list)
		if list[0].Object == "network" {
			e.Wrong = "sign-in.network"
		}
		d.showEntrance(w, r, http.StatusUnprocessableEntity, e)
		return nil
	}
	if err != nil {
		return err
	}
	d.count(came, nil)
	key, to := personKey, e.Next
	switch {
	case came.NeedsCode:
		key, to = halfKey, "/sign-in/code"
	case came.MustChange: // ORG-14
		to = "/account/password"
	}
	if err := d.begin(ctx, key, came.Person, at); err != nil {
		return err
	}
	if key == halfKey {
		d.sessions.SetDeadline(ctx, at.Add(halfway))
	}
	if came.NeedsCode || came.MustChange {
		d.sessions.Put(ctx, nextKey, e.Next)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (d *Door) codePage(w http.ResponseWriter, r *http.Request) error {
	if d.sessions.GetString(r.Context(), halfKey) == "" {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return nil
	}
	d.Render(w, r, http.StatusOK, "sign-in-code", d.Text(r, "sign-in.code.title"), entrance{})
	return nil
}

// enterCode takes the second factor's code, within minutes of the password.
func (d *Door) enterCode(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Form(w, r)
	if err != nil {
		return err
	}
	ctx, at := r.Context(), time.Now()
	id := d.sessions.GetString(ctx, halfKey)
	if id == "" { // too late, or a replayed form
		page.Flash(w, r, "sign-in.code.late")
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return nil
	}
	came, err := d.accounts.EnterCode(ctx, activities.EnterCodeInput{Person: id, Code: form.Get("code"), Since: d.since(ctx), Network: networkOf(r, d.proxies), At: at})
	if list := activities.RefusalOf(err); list != nil {
		d.count(came, list)
		e := entrance{Wrong: "sign-in.code.wrong"}
		switch {
		case came.LockedUntil != nil: // who comes this far knows the password, and may know this
			e.Wrong, e.Until = "sign-in.locked", came.LockedUntil
		case list[0].Object == "network":
			e.Wrong = "sign-in.network"
		}
		d.Render(w, r, http.StatusUnprocessableEntity, "sign-in-code", d.Text(r, "sign-in.code.title"), e)
		return nil
	}
	if err != nil {
		return err
	}
	d.count(came, nil)
	next := d.sessions.GetString(ctx, nextKey)
	if err := d.begin(ctx, personKey, id, at); err != nil {
		return err
	}
	if came.MustChange { // ORG-14
		d.sessions.Put(ctx, nextKey, next)
		next = "/account/password"
	}
	http.Redirect(w, r, page.Local(next), http.StatusSeeOther)
	return nil
}

func (d *Door) signOut(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if p := PersonOf(ctx); p != nil {
		if err := d.accounts.SignOut(ctx, activities.SignOutInput{Person: p.ID, Network: networkOf(r, d.proxies), At: time.Now()}); err != nil {
			return err
		}
	}
	return d.leave(w, r)
}

// leave ends the session, here and then with the identity provider that it began at. Browsers let no form lead to another site
// (Content-Security-Policy form-action, redirects included), so a page of ours does.
func (d *Door) leave(w http.ResponseWriter, r *http.Request) error {
	ctx, to := r.Context(), ""
	byProvider := d.provider != nil && d.sessions.GetString(ctx, issuerKey) == d.provider.Issuer
	if err := d.sessions.Destroy(ctx); err != nil {
		return err
	}
	w.Header().Set("Clear-Site-Data", `"cache"`) // documents that the browser kept: the next person at it may be another
	if byProvider {
		to = d.provider.leaving(ctx)
	}
	page.Flash(w, r, "sign-in.out")
	if to == "" {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return nil
	}
	w.Header().Set("Refresh", "0; url="+to)
	d.Render(w, r.WithContext(context.WithValue(ctx, holderKey{}, (*views.Holder)(nil))), http.StatusOK, "sign-out", d.Text(r, "sign-out.title"), leaving{d.provider.name, to})
	return nil
}

// leaving is what the page says between the two ends of a session.
type leaving struct{ Provider, To string }
