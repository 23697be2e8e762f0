package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/activities"
	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// peopleData is the people of the partner's organisation, for its administrators, and the natural persons who are linked to it.
type peopleData struct {
	asked
	People      []views.OrganisationPerson
	Filter      views.PersonFilter
	Roles       []views.Role
	Invitations []views.Invitation
	Members     []views.Member
	MemberText  string // of the search for members
	At          string // the end of the page's address: its filters, and where its lists go on

	MorePeople, MoreInvitations, MoreMembers more

	Uncovered   []views.Uncovering // who saw masked columns in full, the newest first (PGM-06)
	Looks       bool               // as an administrator
	Self        string
	PersonShown []string // masked columns that are shown in full on this page
	MemberShown []string
	Given       *activities.GivenPassword // shown this once
	Ways        []member.By
	Permissions []organisation.Permission // that a role can give
}

func (c *Console) people(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.peoplePage(w, req, p, peopleData{asked: a})
}

// shownUncoverings is how many lines of the audit log the page has.
const shownUncoverings = 50

var (
	peopleList     = listed{"/partner/people", "people", "#people", formRows}
	memberList     = listed{"/partner/people", "members", "#members", formRows}
	invitationList = listed{"/partner/people", "invitations", "#invitations", formRows}
)

// personFilter is what the list of people is narrowed to (ORG-01).
func personFilter(query url.Values) views.PersonFilter {
	return views.PersonFilter{Name: query.Get("name"), Account: query.Get("account"), Role: person.Role(query.Get("role")), Status: organisation.Status(query.Get("status"))}
}

func (c *Console) peoplePage(w http.ResponseWriter, req *http.Request, p person.Person, data peopleData) error {
	ctx, query := req.Context(), req.URL.Query()
	data.Self, data.Ways, data.Permissions = p.ID, []member.By{member.ByMobile, member.ByEmail, member.ByName}, organisation.Grantable
	data.Filter, data.MemberText, data.At = personFilter(query), query.Get("member"), queried(query)
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		asked := data.Filter
		asked.After, asked.Limit = peopleList.after(req), peopleList.rows+1
		found, err := r.Persons(ctx, p.PartnerID, p.ID, asked, data.PersonShown)
		switch {
		case err == nil:
			data.Looks = true
			data.People, data.MorePeople = cut(req, peopleList, found, func(p views.OrganisationPerson) string { return p.Person })
			if data.Roles, err = r.RolesOf(ctx, p.PartnerID, p.ID); err != nil {
				return err
			}
			if data.Uncovered, err = r.AuditLog(ctx, p.PartnerID, p.ID, shownUncoverings); err != nil {
				return err
			}
		case activities.RefusalOf(err) == nil: // who is no administrator sees the members only (ORG-01)
			return err
		}
		invitations, err := r.InvitationPage(ctx, p.PartnerID, invitationList.after(req), invitationList.rows)
		if err != nil {
			return err
		}
		data.Invitations, data.MoreInvitations = invitations.Invitations, invitationList.more(req, invitations.Next)
		members, err := r.SomeMembers(ctx, p.PartnerID, p.ID, views.MemberFilter{Text: data.MemberText, After: memberList.after(req), Limit: memberList.rows + 1}, data.MemberShown)
		data.Members, data.MoreMembers = cut(req, memberList, members, func(m views.Member) string { return m.Account })
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-people", c.Pages.Text(req, "partner.nav.people"), data)
	return nil
}

// uncover shows one masked column of a list on the page that it answers, and nowhere after it; who looked is written down
// first (PGM-05, PGM-06).
func (c *Console) uncover(w http.ResponseWriter, req *http.Request, p person.Person) error {
	lists := []organisation.List{organisation.PersonList, organisation.MemberList}
	return c.uncovered(w, req, p, lists, c.people, func(list organisation.List, columns []string) error {
		data := peopleData{asked: fresh()}
		if list == organisation.PersonList {
			data.PersonShown = columns
		} else {
			data.MemberShown = columns
		}
		return c.peoplePage(w, req, p, data)
	})
}

func (c *Console) order(form url.Values, p person.Person) (*activities.Organisation, activities.Asked) {
	return &activities.Organisation{DB: c.Desk.DB}, activities.Asked{By: p.ID, Key: form.Get("key"), At: time.Now()}
}

func rolesOf(form url.Values) []person.Role {
	var roles []person.Role
	for _, r := range form["role"] {
		roles = append(roles, person.Role(r))
	}
	return roles
}

// given shows an initial password this once: it stands nowhere, so the page that answers has it.
func (c *Console) given(w http.ResponseWriter, req *http.Request, p person.Person, form url.Values, given activities.GivenPassword, err error) error {
	if list := activities.RefusalOf(err); list != nil {
		return c.people(w, req, p, again(req, form, list))
	}
	if err != nil {
		return err
	}
	return c.peoplePage(w, req, p, peopleData{asked: fresh(), Given: &given})
}

func (c *Console) createPerson(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	o, asked := c.order(form, p)
	given, err := o.CreatePerson(req.Context(), activities.CreatePersonInput{Partner: p.PartnerID, Asked: asked, Entry: organisation.Entry{
		Account: form.Get("account"), Name: form.Get("name"), Mobile: form.Get("mobile"), Email: form.Get("email"), Roles: rolesOf(form),
	}})
	return c.given(w, req, p, form, given, err)
}

// colleague finds somebody of the partner's own organisation; of another one nobody is there.
func (c *Console) colleague(ctx context.Context, p person.Person, id string) error {
	return c.read(ctx, p, func(r views.Reader) error {
		_, err := r.Details(ctx, id, p.ID, nil)
		return err
	})
}

// toColleague reads a form about a colleague and does what it asks for.
func (c *Console) toColleague(w http.ResponseWriter, req *http.Request, p person.Person, said string, do func(form url.Values, id string) error) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	id := req.PathValue("person")
	if err = c.colleague(req.Context(), p, id); err == nil {
		err = do(form, id)
	}
	return c.answered(w, req, p, form, err, c.people, "/partner/people"+queried(req.URL.Query())+"#people", said)
}

func (c *Console) setRoles(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toColleague(w, req, p, "partner.flash.saved", func(form url.Values, id string) error {
		o, asked := c.order(form, p)
		_, err := o.SetRoles(req.Context(), activities.SetRolesInput{Person: id, Roles: rolesOf(form), Asked: asked})
		return err
	})
}

func (c *Console) setStatus(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toColleague(w, req, p, "partner.flash.saved", func(form url.Values, id string) error {
		status := organisation.Status(form.Get("status"))
		if !slices.Contains([]organisation.Status{organisation.Active, organisation.Disabled, organisation.Deleted}, status) {
			return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
		}
		o, asked := c.order(form, p)
		_, err := o.SetStatus(req.Context(), activities.SetStatusInput{Person: id, Status: status, Asked: asked})
		return err
	})
}

func (c *Console) resetPassword(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	id := req.PathValue("person")
	var given activities.GivenPassword
	if err = c.colleague(req.Context(), p, id); err == nil {
		o, asked := c.order(form, p)
		given, err = o.ResetPassword(req.Context(), activities.ResetPasswordInput{Person: id, Asked: asked})
	}
	return c.given(w, req, p, form, given, err)
}

// invite sends a natural person a link, found by what the form says.
func (c *Console) invite(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	ctx, by := req.Context(), member.By(form.Get("by"))
	account, err := (&activities.Members{DB: c.Desk.DB}).FindAccount(ctx, activities.FindAccountInput{
		Partner: p.PartnerID, Person: p.ID, By: by, Text: form.Get("text"), Account: form.Get("account"), At: time.Now(),
	})
	if err == nil {
		err = c.sendInvitation(ctx, p, member.Invitation{RequestKey: form.Get("key"), AccountID: account, By: by})
	}
	return c.answered(w, req, p, form, err, c.people, "/partner/people#invitations", "partner.flash.invited")
}

func (c *Console) sendInvitation(ctx context.Context, p person.Person, i member.Invitation) error {
	i.PartnerID, i.Submitter = p.PartnerID, p.ID
	_, err := start(ctx, c, member.Kind, func(ctx context.Context, t client.Client) (activities.Standing, error) {
		return workflows.Invite(ctx, t, i)
	})
	return err
}

// inviteAgain sends a new link for an own invitation; the old one is void.
func (c *Console) inviteAgain(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	var known views.Invitation
	err = c.read(ctx, p, func(r views.Reader) (err error) {
		known, err = r.Invitation(ctx, req.PathValue("case"))
		return err
	})
	if err == nil {
		err = c.sendInvitation(ctx, p, member.Invitation{RequestKey: form.Get("key"), AccountID: known.Account, By: known.FoundBy})
	}
	return c.answered(w, req, p, form, err, c.people, "/partner/people#invitations", "partner.flash.invited")
}

// unbind ends the link of an own member; nothing about them is shared from then on (ORG-37).
func (c *Console) unbind(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	ctx, account := req.Context(), req.PathValue("account")
	if err := c.linked(ctx, p, account); err != nil {
		return err
	}
	_, err = (&activities.Members{DB: c.Desk.DB}).Unbind(ctx, activities.UnbindInput{Key: form.Get("key"), Partner: p.PartnerID, Account: account, Person: p.ID, Reason: form.Get("reason"), At: time.Now()})
	return c.answered(w, req, p, form, err, c.people, "/partner/people"+queried(req.URL.Query())+"#members", "partner.flash.unbound")
}

// linked finds a member of the partner; of another one nobody is there.
func (c *Console) linked(ctx context.Context, p person.Person, account string) error {
	var found bool
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		found, err = r.IsMember(ctx, p.PartnerID, account)
		return err
	})
	if err == nil && !found {
		return page.NotFound
	}
	return err
}

// createRole makes a role of the partner's own (ORG-12).
func (c *Console) createRole(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.ordered(w, req, p, c.people, "/partner/people#roles", func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked) error {
		in := activities.CreateRoleInput{Partner: p.PartnerID, Name: form.Get("role-name"), Asked: asked}
		for _, permission := range form["permission"] {
			in.Permissions = append(in.Permissions, organisation.Permission(permission))
		}
		_, err := o.CreateRole(ctx, in)
		return err
	})
}

// deleteRole gives up a role of the partner's own that nobody has (ORG-13).
func (c *Console) deleteRole(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	ctx, role := req.Context(), person.Role(req.PathValue("role"))
	var own []views.Role
	if err := c.read(ctx, p, func(r views.Reader) (err error) {
		own, err = r.RolesOf(ctx, p.PartnerID, p.ID)
		return err
	}); err != nil {
		return err
	}
	if !slices.ContainsFunc(own, func(r views.Role) bool { return r.ID == role }) {
		return page.NotFound
	}
	o, asked := c.order(form, p)
	err = o.DeleteRole(ctx, activities.DeleteRoleInput{Partner: p.PartnerID, Role: role, Asked: asked})
	return c.answered(w, req, p, url.Values{"key": form["key"]}, err, c.people, "/partner/people#roles", "partner.flash.saved")
}
