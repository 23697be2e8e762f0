package workflows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// WithdrawalID names the run of an application: a partner's request key is used once.
func WithdrawalID(app withdrawal.Application) string {
	return fmt.Sprintf("%s/%s/%s", withdrawal.Kind, url.PathEscape(app.PartnerID), url.PathEscape(app.RequestKey))
}

// SubmitWithdrawal starts a withdrawal and answers whether its case opened. The same application again answers the first
// result. A refusal is found by activities.RefusalOf.
func SubmitWithdrawal(ctx context.Context, c client.Client, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	var opened activities.WithdrawalStanding
	if app.RequestKey == "" {
		return opened, errors.New("an application needs a request key")
	}
	return submitCase[activities.WithdrawalStanding](ctx, c, startOptions(app), WithdrawalType, WithdrawalInput{Application: app, OneTimer: true}, requestID(app), app)
}

func metEndedRun(err error) bool {
	var gone *serviceerror.NotFound
	var again *temporal.ApplicationError
	return errors.As(err, &gone) || errors.As(err, &again) && again.Type() == TypeSubmitAgain
}

func startOptions(app withdrawal.Application) client.StartWorkflowOptions {
	return caseOptions(withdrawal.Kind, WithdrawalID(app), app.PartnerID, fmt.Sprintf("%s withdraws %s CNY by %s", clip(app.PartnerID), clip(app.Amount), clip(string(app.Route))))
}

// caseOptions is how the run of a case of any kind starts; the summary is what lists of the Temporal UI show.
func caseOptions(kind, workflowID, partner, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       workflowID,
		TaskQueue:                TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, // a refused application does not lock out the next; 'only one' is the database's
		WorkflowTaskTimeout:      5 * time.Second,                                  // how long a worker killed inside a step goes unnoticed
		TypedSearchAttributes:    temporal.NewSearchAttributes(caseKind.ValueSet(kind), casePartner.ValueSet(partner)),
		StaticSummary:            summary,
	}
}

// resumable names the workflow of each kind of case, and its input for a case that it takes over.
var resumable = map[string]func(number string) (workflowType string, in any){
	withdrawal.Kind: func(number string) (string, any) {
		return WithdrawalType, WithdrawalInput{Resume: number, OneTimer: true}
	},
	requisition.Kind: func(number string) (string, any) { return RequisitionType, RequisitionInput{Resume: number} },
	bill.Kind:        func(number string) (string, any) { return ReconciliationType, ReconciliationInput{Resume: number} },
	staff.Kind:       func(number string) (string, any) { return DedicatedStaffType, DedicatedStaffInput{Resume: number} },
	solution.Kind:    func(number string) (string, any) { return SolutionType, SolutionInput{Resume: number} },
	baseline.Kind:    func(number string) (string, any) { return BaselineSolutionType, BaselineSolutionInput{Resume: number} },
	member.Kind: func(number string) (string, any) {
		return MemberInvitationType, MemberInvitationInput{Resume: number}
	},
	quarter.Kind: func(number string) (string, any) {
		return PaymentApplicationType, PaymentApplicationInput{Resume: number}
	},
	tier.Kind: func(number string) (string, any) { return TierUpgradeType, TierUpgradeInput{Resume: number} },
	specialist.Kind: func(number string) (string, any) {
		return ProjectSpecialistType, ProjectSpecialistInput{Resume: number}
	},
	lab.Kind: func(number string) (string, any) { return LabCreditType, LabCreditInput{Resume: number} },
}

// Owner reads kind and partner from the workflow ID of a case; of any other run both are empty.
func Owner(workflowID string) (kind, partner string) {
	kind, rest, _ := strings.Cut(workflowID, "/")
	if _, ok := resumable[kind]; !ok {
		return "", ""
	}
	partner, _, _ = strings.Cut(rest, "/")
	if plain, err := url.PathUnescape(partner); err == nil {
		partner = plain
	}
	return kind, partner
}

// Resume starts a run that carries on a case whose workflow is gone.
func Resume(ctx context.Context, c client.Client, kind, workflowID, partner, number string) error {
	of, ok := resumable[kind]
	if !ok {
		return fmt.Errorf("no workflow carries on a case of kind %q", kind)
	}
	options := caseOptions(kind, workflowID, partner, number+" of "+partner+", resumed")
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	workflowType, in := of(number)
	_, err := c.ExecuteWorkflow(ctx, options, workflowType, in)
	return err
}

// Decide sends one decision to the run of its case, of whatever kind, and answers where the case stands afterwards. The
// decision's key is the update's ID: the same again answers the first result.
func Decide(ctx context.Context, c client.Client, workflowID string, d approval.Decision) (activities.Standing, error) {
	d.Key = keyOr(d.Key)
	now, err := update[struct {
		activities.Standing
		Route  withdrawal.Route `json:"route"`
		Holder string           `json:"holder"`
	}](ctx, c, workflowID, DecideUpdate, d.Key, d)
	if now.Kind == "" && now.Case != "" { // a withdrawal says it in its own way
		s := now.Standing
		return activities.WithdrawalStanding{
			Case: s.Case, Partner: s.Partner, Route: now.Route, Amount: s.Amount, Holder: now.Holder, State: s.State, DueAt: s.DueAt, WakeAt: s.WakeAt,
		}.Now(), err
	}
	return now.Standing, err
}

// Cancel takes an application back.
func Cancel(ctx context.Context, c client.Client, workflowID string, r CancelRequest) (activities.WithdrawalStanding, error) {
	r.Key = keyOr(r.Key)
	return update[activities.WithdrawalStanding](ctx, c, workflowID, CancelUpdate, r.Key, r)
}

// Resubmit sends a changed application to the run of a case that was returned. The same again answers the first result.
func Resubmit(ctx context.Context, c client.Client, workflowID string, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	if app.RequestKey == "" {
		return activities.WithdrawalStanding{}, errors.New("a resubmission needs a request key")
	}
	return update[activities.WithdrawalStanding](ctx, c, workflowID, ResubmitUpdate, requestID(app), app)
}

// MigratePolicy moves a case in flight to the newest policy.
func MigratePolicy(ctx context.Context, c client.Client, workflowID string, r CancelRequest) (activities.WithdrawalStanding, error) {
	r.Key = keyOr(r.Key)
	return update[activities.WithdrawalStanding](ctx, c, workflowID, MigrateUpdate, r.Key, r)
}

// requestID names an application as an update. The key alone would answer another body with the first result, and without
// the code a refusal of a wrong code would be the answer for as long as Temporal remembers.
func requestID(app withdrawal.Application) string {
	content := sha256.Sum256(append(app.Digest(), app.Code...))
	return clip(app.RequestKey) + "/" + hex.EncodeToString(content[:8])
}

// update asks a running case for one step.
func update[S any](ctx context.Context, c client.Client, workflowID, name, id string, arg any) (S, error) {
	var now S
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, UpdateID: id, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{arg},
	})
	if err != nil {
		return now, err
	}
	return now, handle.Get(ctx, &now)
}

// keyOr is the key of a request, or one of its own for a request without.
func keyOr(key string) string {
	if key == "" {
		return uuid.NewString()
	}
	return key
}

// clip keeps what a person entered short enough for Temporal; the application itself is refused for it.
func clip(s string) string {
	if runes := []rune(s); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return s
}

// Running tells whether a workflow ID has an open run, and whether the namespace knows it at all.
func Running(ctx context.Context, c client.Client, workflowID string) (running, known bool, err error) {
	described, err := c.DescribeWorkflowExecution(ctx, workflowID, "")
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, true, nil
}

// AttributesElsewhereError means that a cluster lets only its own tools create search attributes, as Temporal Cloud does.
type AttributesElsewhereError struct{ Namespace string }

func (e AttributesElsewhereError) Error() string {
	var list strings.Builder
	wanted := wantedSearchAttributes()
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		fmt.Fprintf(&list, " --sa %s=%s", name, wanted[name])
	}
	return fmt.Sprintf("this cluster creates search attributes by its own tools only; in Temporal Cloud run, once: tcld namespace search-attributes add --namespace %s%s", e.Namespace, &list)
}

// RegisterSearchAttributes makes the search attributes of cases known to a namespace; those it knows stay.
func RegisterSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	missing, err := missingSearchAttributes(ctx, c, namespace)
	var unimplemented *serviceerror.Unimplemented
	var denied *serviceerror.PermissionDenied
	if errors.As(err, &unimplemented) || errors.As(err, &denied) {
		return AttributesElsewhereError{namespace}
	}
	if err != nil || len(missing) == 0 {
		return err
	}
	if _, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing}); err != nil {
		return fmt.Errorf("add search attributes: %w", err)
	}
	return nil
}

// MissingSearchAttributes names what a namespace lacks: without it the first step of every case would block.
func MissingSearchAttributes(ctx context.Context, c client.Client, namespace string) ([]string, error) {
	missing, err := missingSearchAttributes(ctx, c, namespace)
	return slices.Sorted(maps.Keys(missing)), err
}

func wantedSearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		caseKind.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		casePartner.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		caseNumber.GetName():  enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		caseState.GetName():   enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		caseDue.GetName():     enumspb.INDEXED_VALUE_TYPE_DATETIME,
	}
}

func missingSearchAttributes(ctx context.Context, c client.Client, namespace string) (map[string]enumspb.IndexedValueType, error) {
	wanted := wantedSearchAttributes()
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list search attributes: %w", err)
	}
	for name := range known.GetCustomAttributes() {
		delete(wanted, name)
	}
	return wanted, nil
}
