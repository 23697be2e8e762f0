package partner

import (
	"net/http"
	"slices"

	"countersign/activities"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// memberData is what an own member keeps of their qualification: employment, certificates, trainings, projects (ORG-45).
type memberData struct {
	views.Member
	Records []views.Qualification
}

// member shows the records of an own member. They are read by the partner's administrator while the member is bound, and changed by
// the member alone.
func (c *Console) member(w http.ResponseWriter, req *http.Request, p person.Person) error {
	ctx, account := req.Context(), req.PathValue("account")
	found, err := own(ctx, c, p, func(r views.Reader) ([]views.Member, error) {
		return r.SomeMembers(ctx, p.PartnerID, p.ID, views.MemberFilter{Text: account}, nil)
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(found, func(m views.Member) bool { return m.Account == account })
	if i < 0 {
		return page.NotFound
	}
	if err := (&activities.MemberQualifications{DB: c.Desk.DB}).MayReadQualification(ctx, account, "", p.ID); err != nil {
		return err
	}
	data := memberData{Member: found[i]}
	err = c.read(ctx, p, func(r views.Reader) (err error) {
		data.Records, err = r.Qualifications(ctx, account)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-member", c.Pages.Text(req, "partner.member.title", account), data)
	return nil
}
