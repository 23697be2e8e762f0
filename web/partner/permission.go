package partner

import (
	"context"
	"net/http"
	"slices"

	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/kinds"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/web/page"
)

// opens are the permissions of which any opens a page (ORG-12); to whom none was given, it does not exist.
type opens []organisation.Permission

var (
	everybody   = opens{organisation.Home} // with any role at all
	ofMoney     = opens{organisation.Withdrawals, organisation.Bills}
	ofPayouts   = opens{organisation.Withdrawals}
	ofIncentive = opens{organisation.Incentives, organisation.Bills}
	ofInvoices  = opens{organisation.Incentives, organisation.Bills, organisation.Withdrawals} // who may ask for an invoice (OWE)
	ofProgramme = opens{organisation.Solutions}
	ofMembers   = opens{organisation.Members, organisation.Organisation}
	ofPeople    = opens{organisation.Organisation, organisation.Members}
)

// ofKind is who sees the cases of a kind.
var ofKind = map[string]opens{
	withdrawal.Kind: ofMoney, requisition.Kind: ofIncentive, quarter.Kind: ofIncentive, staff.Kind: ofIncentive, bill.Kind: ofIncentive,
	solution.Kind: ofProgramme, baseline.Kind: ofProgramme, tier.Kind: ofProgramme,
	member.Kind: ofMembers, specialist.Kind: ofMembers, lab.Kind: ofMembers,
}

// formOf is the kind of case that a form is about; for cases of other kinds there is no such form.
var formOf = map[string]string{
	"GET /partner/cases/{case}/resubmit": withdrawal.Kind, "POST /partner/cases/{case}/resubmit": withdrawal.Kind, "POST /partner/cases/{case}/cancel": withdrawal.Kind,
	"POST /partner/cases/{case}/method": requisition.Kind, "POST /partner/cases/{case}/quarter": quarter.Kind, "POST /partner/cases/{case}/staff-month": staff.Kind, "POST /partner/cases/{case}/staff-proof": staff.Kind,
	"POST /partner/cases/{case}/lab": lab.Kind, "POST /partner/cases/{case}/lab-user": lab.Kind,
	"POST /partner/cases/{case}/tier": tier.Kind, "POST /partner/cases/{case}/tier-withdraw": tier.Kind,
	"POST /partner/cases/{case}/specialist-cancel": specialist.Kind, "POST /partner/cases/{case}/specialist-keep": specialist.Kind,
}

// place is a page, or something that is done on one.
type place struct {
	answer handler
	opens  opens
}

type permissionsKey struct{}

// permissions are what the roles of whoever asks permit.
func (c *Console) permissions(ctx context.Context, p person.Person) ([]organisation.Permission, error) {
	if known, ok := ctx.Value(permissionsKey{}).([]organisation.Permission); ok {
		return known, nil
	}
	held, err := views.Reader{DB: c.Desk.DB}.PermissionsOf(ctx, p.ID)
	if p.Holds(solution.Operator) { // who enters solutions sees them
		held = append(held, organisation.Solutions)
	}
	return held, err
}

// may tells whether somebody's permissions open something. The page was opened, so they are known.
func (c *Console) may(ctx context.Context, to opens) bool {
	known, _ := ctx.Value(permissionsKey{}).([]organisation.Permission)
	return to.to(known)
}

func (o opens) to(held []organisation.Permission) bool {
	return slices.ContainsFunc(o, func(p organisation.Permission) bool { return slices.Contains(held, p) })
}

// seenKinds are the kinds of cases that whoever asks may see.
func (c *Console) seenKinds(ctx context.Context) []string {
	seen := []string{} // never nil, which would be all
	for _, k := range kinds.All {
		if c.may(ctx, ofKind[k.Name]) {
			seen = append(seen, k.Name)
		}
	}
	return seen
}

// enter lets in whom the place is open to, and to a case only who sees its kind, to a form about it if it is of that kind.
func (c *Console) enter(to place) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		p := c.Pages.Person(req.Context())
		if p == nil || p.OfVendor() {
			return page.NotFound
		}
		held, err := c.permissions(req.Context(), *p)
		if err != nil {
			return err
		}
		if !to.opens.to(held) {
			return page.NotFound
		}
		ctx := context.WithValue(req.Context(), permissionsKey{}, held)
		if number := req.PathValue("case"); number != "" {
			var known views.Case
			if err := c.read(ctx, *p, func(r views.Reader) (err error) {
				known, err = r.Case(ctx, number)
				return err
			}); err != nil {
				return err
			}
			if kind, ok := formOf[req.Pattern]; !c.may(ctx, ofKind[known.Kind]) || ok && known.Kind != kind {
				return page.NotFound
			}
		}
		return page.OfCase(ctx, to.answer(w, req.WithContext(ctx), *p), "partner.gone")
	}
}
