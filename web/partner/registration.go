package partner

import (
	"net/http"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/verification"
	"countersign/views"
	"countersign/web/page"
)

// ofRegistration is who sees how another account of the company is registered; the holder of the master account does it (TIER-09).
var ofRegistration = opens{organisation.Organisation, organisation.Solutions}

// registrationData is the quick registration: codes, verification, and the link that is followed within 24 hours (TIER-09).
type registrationData struct {
	asked
	Master bool
	Codes  *time.Time                    // two codes are on their way, and hold until then
	Sent   *activities.SentLink          // the link is
	Made   *activities.RegisteredAccount // with the initial password, shown this once
}

func (c *Console) registration(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.registrationPage(w, req, p, registrationData{asked: a})
}

func (c *Console) registrationPage(w http.ResponseWriter, req *http.Request, p person.Person, data registrationData) error {
	err := c.read(req.Context(), p, func(r views.Reader) error {
		own, err := r.Details(req.Context(), p.ID, p.ID, nil)
		data.Master = own.Master
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-registration", c.Pages.Text(req, "partner.registration"), data)
	return nil
}

// register does the step of the registration that was asked for.
func (c *Console) register(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	var data registrationData
	switch form.Get("do") {
	case "codes":
		data.Codes, err = c.registrationCodes(req, p)
	case "verify":
		o, asked := c.order(form, p)
		var sent activities.SentLink
		sent, err = o.VerifyMaster(req.Context(), activities.VerifyMasterInput{Partner: p.PartnerID, EmailCode: form.Get("email-code"), MobileCode: form.Get("mobile-code"), Asked: asked})
		data.Sent = &sent
	case "finish":
		var made activities.RegisteredAccount
		made, err = c.registerAccount(req, p, form)
		data.Made = &made
	default:
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	if list := activities.RefusalOf(err); list != nil {
		return c.registration(w, req, p, again(req, form, list))
	}
	if err != nil {
		return err
	}
	data.asked = fresh()
	return c.registrationPage(w, req, p, data)
}

// registrationCodes sends one code to the master account's email and one to its mobile.
func (c *Console) registrationCodes(req *http.Request, p person.Person) (*time.Time, error) {
	var until time.Time
	for _, scene := range []string{verification.RegistrationEmail, verification.RegistrationMobile} {
		sent, err := c.Codes.SendCode(req.Context(), activities.SendCodeInput{Person: p.ID, Scene: scene, Target: p.PartnerID, At: time.Now()})
		if err != nil {
			return nil, err
		}
		until = sent.ExpiresAt
	}
	return &until, nil
}

func (c *Console) registerAccount(req *http.Request, p person.Person, form url.Values) (activities.RegisteredAccount, error) {
	return (&activities.Organisation{DB: c.Desk.DB}).RegisterAccount(req.Context(), activities.RegisterAccountInput{
		Link: form.Get("link"), By: p.ID, Key: form.Get("key"), At: time.Now(),
		Entry: organisation.Entry{Account: form.Get("account"), Name: form.Get("name"), Mobile: form.Get("mobile"), Email: form.Get("email")},
	})
}
