package partner

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/document"
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
func (c *Console) tierApplication(form url.Values, p person.Person, target tier.Tier, files []page.Uploaded) (tier.Application, error) {
	a := tier.Application{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Target: target}
	for _, f := range files {
		id, err := c.taken(f)
		if err != nil {
			return a, err
		}
		a.Evidence = append(a.Evidence, tier.Attached{Item: strings.TrimPrefix(f.Field, evidencePrefix), Document: id})
	}
	return a, nil
}

// addAll encloses files as proofs.
func (c *Console) addAll(ctx context.Context, p person.Person, number string, files []page.Uploaded) error {
	for _, f := range files {
		if _, err := c.add(ctx, p, number, document.Proof, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *Console) applyForTier(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	a, err := c.tierApplication(form, p, tier.Tier(form.Get("target")), files)
	var opened activities.Standing
	if err == nil {
		opened, err = start(ctx, c, func(ctx context.Context, t client.Client) (activities.Standing, error) {
			return workflows.ApplyForTier(ctx, t, a)
		})
	}
	if err == nil {
		err = c.addAll(ctx, p, opened.Case, files)
	}
	return c.answered(w, req, p, form, err, c.tier, casePath(opened.Case), "partner.flash.submitted", opened.Case)
}

func (c *Console) resubmitTier(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	var known views.TierUpgradeDetail
	if err := c.read(ctx, p, func(r views.Reader) (err error) {
		known, err = r.TierUpgradeOf(ctx, req.PathValue("case"))
		return err
	}); err != nil {
		return err
	}
	a, err := c.tierApplication(form, p, known.Target, files)
	if err == nil {
		_, err = desk.Send(ctx, c.Desk, known.Case, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.ResubmitTier(ctx, t, workflowID, a)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.Tiers{DB: c.Desk.DB}).ResubmitTierUpgrade(ctx, activities.ResubmitTierUpgradeInput{Case: known.Case, Application: a, At: time.Now()})
		})
	}
	if err == nil {
		err = c.addAll(ctx, p, known.Case, files)
	}
	return c.answered(w, req, p, form, err, c.caseOf, casePath(known.Case), "partner.flash.submitted", known.Case)
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
