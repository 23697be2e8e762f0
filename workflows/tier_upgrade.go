package workflows

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"countersign/activities"
	"countersign/domain/tier"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// TierUpgradeType is the workflow of one tier upgrade.
const TierUpgradeType = "TierUpgrade"

// TierUpgradeInput starts one upgrade, or carries on one whose workflow is gone.
type TierUpgradeInput struct {
	Application tier.Application `json:"application"`
	Resume      string           `json:"resume,omitempty"` // case number
}

// TierUpgrade carries one application for a higher tier from the submission to its result (TIER).
//
//	        ┌─ REFUSED                     no case opened: every failed guard at once (ENG-06)
//	apply ──┴─ UNDER_REVIEW ─┬─ APPROVED   the tier rises at that instant (TIER-11)
//	                ▲        ├─ WITHDRAWN  by who filed it
//	                │        ▼
//	                └─── REJECTED          until the membership ends; then it stays rejected (TIER-15)
func TierUpgrade(ctx workflow.Context, in TierUpgradeInput) (CaseResult, error) {
	t := &tierRun{newCaseRun(in.Application.Storable().Digest())}
	if err := t.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &t.caseRun, in.Resume, tierActs.OpenTierUpgrade, activities.OpenTierUpgradeInput{
		Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return t.result(ctx, err)
	}

	// UNDER_REVIEW: tier reviewers approve or reject; REJECTED: who filed it submits it again.
	t.serve(ctx, "tier review", tier.UnderReview, tier.Rejected)

	return t.result(ctx, nil)
}

// tierRun is one run.
type tierRun struct{ caseRun[activities.Standing] }

// tierActs only names the methods; the worker has the real one.
var tierActs *activities.Tiers

func (t *tierRun) listen(ctx workflow.Context) error {
	t.follows = true
	t.waits = func(now activities.Standing) string {
		if now.State == tier.Rejected {
			return "the correction by who filed it"
		}
		return "the tier review"
	}
	for _, u := range []struct {
		name, description string
		handler           any
	}{
		{SubmitUpdate, "Apply for a higher tier; answers whether the case opened", t.submit},
		{ResubmitUpdate, "Submit a rejected upgrade again, corrected", t.resubmit},
		{CancelUpdate, "Withdraw an upgrade that is under review", t.withdraw},
	} {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handler, workflow.UpdateHandlerOptions{Description: u.description}); err != nil {
			return err
		}
	}
	return t.caseRun.listen(ctx)
}

func (t *tierRun) submit(ctx workflow.Context, a tier.Application) (activities.Standing, error) {
	return t.submitted(ctx, a.Storable().Digest(), a.RequestKey)
}

// resubmit hands a corrected application to the main line.
func (t *tierRun) resubmit(ctx workflow.Context, a tier.Application) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return t.hand(ctx, at, func() (string, any, any, error) {
		return "resubmit by " + clip(a.Submitter), tierActs.ResubmitTierUpgrade, activities.ResubmitTierUpgradeInput{Case: t.stands.Case, Application: a, At: at}, nil
	})
}

// withdraw hands a withdrawal to the main line.
func (t *tierRun) withdraw(ctx workflow.Context, r CancelRequest) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return t.hand(ctx, at, func() (string, any, any, error) {
		return "withdraw by " + clip(r.Person), tierActs.WithdrawTierUpgrade, activities.WithdrawTierUpgradeInput{Case: t.stands.Case, Key: r.Key, Person: r.Person, At: at}, nil
	})
}

// TierUpgradeID names the run of an upgrade: a partner's request key is used once.
func TierUpgradeID(a tier.Application) string {
	return fmt.Sprintf("%s/%s/%s", tier.Kind, url.PathEscape(clip(a.PartnerID)), url.PathEscape(clip(a.RequestKey)))
}

// ApplyForTier starts an upgrade and answers whether its case opened. The same application again answers the first result. A refusal
// is found by activities.RefusalOf.
func ApplyForTier(ctx context.Context, c client.Client, a tier.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("an application needs a request key")
	}
	options := caseOptions(tier.Kind, TierUpgradeID(a), clip(a.PartnerID), fmt.Sprintf("%s applies for the tier %s", clip(a.PartnerID), clip(string(a.Target))))
	return submitCase[activities.Standing](ctx, c, options, TierUpgradeType, TierUpgradeInput{Application: a}, contentID(a.RequestKey, a.Digest()), a)
}

// ResubmitTier sends a corrected application to the run of a rejected upgrade. The same again answers the first result.
func ResubmitTier(ctx context.Context, c client.Client, workflowID string, a tier.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("a resubmission needs a request key")
	}
	return update[activities.Standing](ctx, c, workflowID, ResubmitUpdate, contentID(a.RequestKey, a.Digest()), a)
}

// WithdrawTier takes an upgrade back.
func WithdrawTier(ctx context.Context, c client.Client, workflowID string, r CancelRequest) (activities.Standing, error) {
	r.Key = keyOr(r.Key)
	return update[activities.Standing](ctx, c, workflowID, CancelUpdate, r.Key, r)
}
