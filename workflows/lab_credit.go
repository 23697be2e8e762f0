package workflows

import (
	"context"
	"errors"
	"fmt"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/lab"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// LabCreditType is the workflow of one application with the credit that it yields.
const LabCreditType = "LabCredit"

// How people and the lab reach a lab credit.
const (
	NameUserUpdate = "name-user"
	UseUpdate      = "use"
)

// LabCreditInput starts one application, or carries on one whose workflow is gone or has become long.
type LabCreditInput struct {
	Application lab.Application `json:"application"`
	Resume      string          `json:"resume,omitempty"` // case number
}

// LabCredit carries a lab credit from the application to its last point (LAB).
//
//	        ┌─ REFUSED                      no case opened: every failed guard at once (ENG-06)
//	apply ──┴─ UNDER_REVIEW ── APPROVED ──── ISSUED ── used up, or what is left lapses when it expires
//	                ▲  ▼        issued by hand, as often as it takes (LAB-09, LAB-12)
//	                REJECTED    edited and sent again (LAB-07)
func LabCredit(ctx workflow.Context, in LabCreditInput) (CaseResult, error) {
	l := &labRun{newCaseRun(in.Application.Storable().Digest())}
	if err := l.listen(ctx); err != nil { // first, or an early message is lost
		return CaseResult{}, err
	}
	info := workflow.GetInfo(ctx).WorkflowExecution
	if err := openRun(ctx, &l.caseRun, in.Resume, labActs.OpenLabCredit, activities.OpenLabCreditInput{
		Application: in.Application, WorkflowID: info.ID, RunID: info.RunID, At: workflow.Now(ctx),
	}); err != nil {
		return l.result(ctx, err)
	}

	// Reviewers decide, the administrator edits what was rejected, operations issue by hand.
	l.serve(ctx, "review and issue", lab.UnderReview, lab.Rejected, lab.Approved)

	// ISSUED: the lab reports what is used; up to a year, and up to a report for each point.
	l.serveCycle(ctx, "validity")
	if !l.stands.Ended {
		return CaseResult{}, l.again(ctx, LabCreditType, LabCreditInput{Resume: l.stands.Case})
	}
	return l.result(ctx, nil)
}

// labRun is one run.
type labRun struct{ caseRun[activities.Standing] }

// labActs only names the methods; the worker has the real one.
var labActs *activities.LabCredits

func (l *labRun) listen(ctx workflow.Context) error {
	l.follows = true // operators look for credits by state and expiry
	waits := map[domain.State]string{lab.Rejected: "the administrator's changes", lab.Approved: "operations to issue it", lab.Issued: "its points to be used"}
	l.waits = func(now activities.Standing) string {
		if whose, ok := waits[now.State]; ok {
			return whose
		}
		return "the review"
	}
	for _, u := range []struct {
		name, description string
		handler           any
	}{
		{SubmitUpdate, "Apply for a lab credit; answers whether the case opened", l.submit},
		{ResubmitUpdate, "Send a rejected application again, edited", l.resubmit},
		{NameUserUpdate, "Name another linked member when issuing failed (LAB-12)", l.nameUser},
		{UseUpdate, "Report used points", l.use},
	} {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handler, workflow.UpdateHandlerOptions{Description: u.description}); err != nil {
			return err
		}
	}
	return l.caseRun.listen(ctx)
}

func (l *labRun) submit(ctx workflow.Context, a lab.Application) (activities.Standing, error) {
	return l.submitted(ctx, a.Storable().Digest(), a.RequestKey)
}

// resubmit, nameUser and use hand what was entered to the main line.
func (l *labRun) resubmit(ctx workflow.Context, a lab.Application) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return l.hand(ctx, at, func() (string, any, any, error) {
		return "resubmit by " + clip(a.Submitter), labActs.ResubmitLabCredit, activities.ResubmitLabCreditInput{Case: l.stands.Case, Application: a, At: at}, nil
	})
}

func (l *labRun) nameUser(ctx workflow.Context, n lab.Naming) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return l.hand(ctx, at, func() (string, any, any, error) {
		return "user named by " + clip(n.Person), labActs.NameLabUser, activities.NameLabUserInput{Case: l.stands.Case, Naming: n, At: at}, nil
	})
}

func (l *labRun) use(ctx workflow.Context, u lab.Use) (activities.Standing, error) {
	at := workflow.Now(ctx)
	return l.hand(ctx, at, func() (string, any, any, error) {
		return fmt.Sprintf("%d points used", u.Points), labActs.UseLabCredit, activities.UseLabCreditInput{Case: l.stands.Case, Use: u, At: at}, nil
	})
}

// LabCreditID names the run of an application: a partner's request key is used once.
func LabCreditID(a lab.Application) string { return oneLiveID(lab.Kind, a.PartnerID, a.RequestKey) }

// ApplyForLabCredit starts an application and answers whether its case opened. The same application again answers the first
// result. A refusal is found by activities.RefusalOf.
func ApplyForLabCredit(ctx context.Context, c client.Client, a lab.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("an application needs a request key")
	}
	options := caseOptions(lab.Kind, LabCreditID(a), clip(a.PartnerID), fmt.Sprintf("%s applies for %d lab points under %s", clip(a.PartnerID), a.Points, clip(a.Path)))
	return submitCase[activities.Standing](ctx, c, options, LabCreditType, LabCreditInput{Application: a}, contentID(a.RequestKey, a.Digest()), a)
}

// ResubmitLabCredit sends an edited application to the run of a rejected one. The same again answers the first result.
func ResubmitLabCredit(ctx context.Context, c client.Client, workflowID string, a lab.Application) (activities.Standing, error) {
	if a.RequestKey == "" {
		return activities.Standing{}, errors.New("a resubmission needs a request key")
	}
	return update[activities.Standing](ctx, c, workflowID, ResubmitUpdate, contentID(a.RequestKey, a.Digest()), a)
}

// NameLabUser names another member for a credit that could not be issued. The same key again answers the first result.
func NameLabUser(ctx context.Context, c client.Client, workflowID string, n lab.Naming) (activities.Standing, error) {
	return update[activities.Standing](ctx, c, workflowID, NameUserUpdate, contentID(n.Key, fmt.Appendf(nil, "%q %q", n.Person, n.Account)), n)
}

// UseLabCredit reports used points. The same key again answers the first result.
func UseLabCredit(ctx context.Context, c client.Client, workflowID string, u lab.Use) (activities.Standing, error) {
	return update[activities.Standing](ctx, c, workflowID, UseUpdate, contentID(u.Key, fmt.Appendf(nil, "%q %d", u.Person, u.Points)), u)
}
