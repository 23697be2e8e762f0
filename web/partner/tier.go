package partner

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/domain/tier"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// tierData is the page of a partner's tier: what each higher one asks for, and what was applied for (TIER-07, TIER-08).
type tierData struct {
	asked
	tier.Page
	Found  []views.TierUpgrade
	MayAct bool
}

func (c *Console) tier(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx := req.Context()
	data := tierData{asked: a, MayAct: tier.MayAct(p, p.PartnerID)}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		data.Found, err = r.TierUpgrades(ctx, p.PartnerID)
		return err
	})
	if err != nil {
		return err
	}
	if data.Page, err = (&activities.Tiers{DB: c.Desk.DB}).PreviewTier(ctx, p.PartnerID, time.Now()); err != nil && !activities.IsNotFound(err) { // of the session's partner; without a policy there are no offers
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-tier", c.Pages.Text(req, "partner.nav.tier"), data)
	return nil
}

// evidencePrefix begins the name of a file's field; the requirement's code follows.
const evidencePrefix = "evidence-"

// tierApplication reads an application with the IDs of its files; they are enclosed when there is a case.
func (c *Console) tierApplication(p person.Person, target tier.Tier) func(url.Values, []page.Uploaded) (tier.Application, error) {
	return func(form url.Values, files []page.Uploaded) (tier.Application, error) {
		a := tier.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Target: cmp.Or(target, tier.Tier(form.Get("target")))}
		ids, err := c.taken(files)
		for i, id := range ids {
			a.Evidence = append(a.Evidence, tier.Attached{Item: strings.TrimPrefix(files[i].Field, evidencePrefix), Document: id})
		}
		return a, err
	}
}

func (c *Console) applyForTier(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return applied(c, w, req, p, tier.Kind, c.tier, c.tierApplication(p, ""), workflows.ApplyForTier)
}

func (c *Console) resubmitTier(w http.ResponseWriter, req *http.Request, p person.Person) error {
	known, err := own(req.Context(), c, p, func(r views.Reader) (views.TierUpgradeDetail, error) {
		return r.TierUpgradeOf(req.Context(), req.PathValue("case"))
	})
	if err != nil {
		return err
	}
	return appliedAgain(c, w, req, p, c.tierApplication(p, known.Target), workflows.ResubmitTier, func(ctx context.Context, number string, a tier.Application) (activities.Standing, error) {
		return (&activities.Tiers{DB: c.Desk.DB}).ResubmitTierUpgrade(ctx, activities.ResubmitTierUpgradeInput{Case: number, Application: a, At: time.Now()})
	})
}

func (c *Console) withdrawTier(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.about(w, req, p, "partner.flash.cancelled", func(ctx context.Context, number string, form url.Values) (activities.Standing, error) {
		r := workflows.CancelRequest{Person: p.ID, Key: form.Get("key")}
		return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.WithdrawTier(ctx, t, workflowID, r)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.Tiers{DB: c.Desk.DB}).WithdrawTierUpgrade(ctx, activities.WithdrawTierUpgradeInput{Case: number, Key: r.Key, Person: r.Person, At: time.Now()})
		})
	})
}
