package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"countersign/activities"
	"countersign/domain/notice"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/views"
)

// personData is all that is kept about somebody of the organisation: about oneself (ORG-15), for the administrator about anybody
// (ORG-01).
type personData struct {
	asked
	views.PersonDetails
	Action    string
	Own       bool
	Directors []views.Named // under whom an account manager can be put
	Reviewed  []person.Role // roles that ask for a qualification, which can be submitted now (ORG-08)
}

// ownData is the page of one's own data, which is open to everybody (ORG-12).
func (c *Console) ownData(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.personPage(w, req, p, personData{asked: a, Action: "/partner/own", Own: true}, p.ID)
}

func (c *Console) person(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	id := req.PathValue("person")
	return c.personPage(w, req, p, personData{asked: a, Action: "/partner/people/" + url.PathEscape(id)}, id)
}

func (c *Console) personPage(w http.ResponseWriter, req *http.Request, p person.Person, data personData, id string) error {
	ctx := req.Context()
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.PersonDetails, err = r.Details(ctx, id, p.ID, nil); err != nil {
			return err
		}
		slices.Reverse(data.History)
		if !data.Own && slices.Contains(data.Roles, person.PartnerAccountManager) {
			data.Directors, err = r.WithRole(ctx, p.PartnerID, person.PartnerAccountDirector)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, role := range []person.Role{person.PartnerAccountManager, person.PartnerArchitect} {
		if slices.Contains(data.Roles, role) && !slices.Contains(data.Locked, role) {
			data.Reviewed = append(data.Reviewed, role)
		}
	}
	title := c.Pages.Text(req, "partner.nav.data")
	if !data.Own {
		title = data.Account
	}
	c.Pages.Render(w, req, data.status(), "partner-person", title, data)
	return nil
}

// changeOwn changes one's own data (ORG-15).
func (c *Console) changeOwn(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.ordered(w, req, p, c.ownData, "/partner/own", func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked) error {
		said, _ := entries(form)
		_, err := o.ChangePerson(ctx, activities.ChangePersonInput{Person: p.ID, Change: organisation.Change{Name: said("name"), Mobile: said("mobile"), Email: said("email")}, Asked: asked})
		return err
	})
}

// changeMessages chooses the language and the time zone of one's own messages (PGM-15).
func (c *Console) changeMessages(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.ordered(w, req, p, c.ownData, "/partner/own", func(ctx context.Context, _ *activities.Organisation, form url.Values, _ activities.Asked) error {
		return (&activities.Outbox{DB: c.Desk.DB}).SetReader(ctx, p.ID, notice.Reader{Language: form.Get("language"), Zone: form.Get("zone")})
	})
}

// aboutPerson does what a form on a colleague's page asks for.
func (c *Console) aboutPerson(do func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked, id string) error) handler {
	return func(w http.ResponseWriter, req *http.Request, p person.Person) error {
		id := req.PathValue("person")
		return c.ordered(w, req, p, c.person, "/partner/people/"+url.PathEscape(id), func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked) error {
			if err := c.colleague(ctx, p, id); err != nil {
				return err
			}
			return do(ctx, o, form, asked, id)
		})
	}
}

// changeData changes a colleague's data, as the administrator (ORG-02). What is empty stays: it is shown masked.
func changeData(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked, id string) error {
	_, filled := entries(form)
	_, err := o.ChangePerson(ctx, activities.ChangePersonInput{Person: id, Change: organisation.Change{Name: filled("name"), Mobile: filled("mobile"), Email: filled("email")}, Asked: asked})
	return err
}

// assignDirector puts an account manager under a director (ORG-10).
func assignDirector(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked, id string) error {
	return o.AssignDirector(ctx, activities.AssignInput{What: id, To: form.Get("director"), Asked: asked})
}

// submitQualification puts a qualification under review; the role is locked until the result (ORG-08).
func submitQualification(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked, id string) error {
	return o.SubmitQualification(ctx, activities.SubmitQualificationInput{Person: id, Role: person.Role(form.Get("reviewed")), Asked: asked})
}
