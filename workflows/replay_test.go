package workflows

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/domain"
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

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The histories were recorded from a real server by TestRecord in e2e, which says how to add one. Old ones stay: runs that
// began under them may still be open.
const histories = "testdata/histories"

// ending is how a recorded run ends: by which workflow, and in which state its case.
type ending struct {
	workflow string
	state    domain.State // empty: no case
}

// endings says how each recorded run ends; an ending that nobody has recorded fails the test.
var endings = map[string]ending{
	"withdrawal_paid":                    {WithdrawalType, withdrawal.Paid},
	"withdrawal_paid_by_rule":            {WithdrawalType, withdrawal.Paid},
	"withdrawal_refused_opening":         {WithdrawalType, ""}, // no case
	"withdrawal_refused":                 {WithdrawalType, withdrawal.Refused},
	"withdrawal_refused_before_a_signal": {WithdrawalType, withdrawal.Refused},
	"withdrawal_cancelled":               {WithdrawalType, withdrawal.Cancelled},
	"withdrawal_failed_before_sending":   {WithdrawalType, withdrawal.Failed},
	"withdrawal_failed_returned":         {WithdrawalType, withdrawal.Failed},
	"withdrawal_escalated_then_paid":     {WithdrawalType, withdrawal.Paid},
	"withdrawal_stopped":                 {WithdrawalType, withdrawal.Cancelled},
	"withdrawal_stopped_approved":        {WithdrawalType, withdrawal.Failed},
	"withdrawal_stop_refused_then_paid":  {WithdrawalType, withdrawal.Paid},
	"withdrawal_resumed_then_paid":       {WithdrawalType, withdrawal.Paid},
	"withdrawal_decided_by_signal":       {WithdrawalType, withdrawal.Paid},

	// recorded since reviews are chains; those above are from before
	"withdrawal_every_decision_then_paid":         {WithdrawalType, withdrawal.Paid},
	"withdrawal_resubmitted_then_paid":            {WithdrawalType, withdrawal.Paid},
	"withdrawal_cancelled_after_return":           {WithdrawalType, withdrawal.Cancelled},
	"withdrawal_lapsed_after_return":              {WithdrawalType, withdrawal.Cancelled},
	"withdrawal_refused_by_deadline":              {WithdrawalType, withdrawal.Refused},
	"withdrawal_approved_by_deadline_then_failed": {WithdrawalType, withdrawal.Failed},
	"withdrawal_parallel_then_refused":            {WithdrawalType, withdrawal.Refused},
	"withdrawal_migrated_then_refused":            {WithdrawalType, withdrawal.Refused},

	// recorded since a withdrawal has one timer at a time
	"withdrawal_paid_with_one_timer":                {WithdrawalType, withdrawal.Paid},
	"withdrawal_escalated_with_one_timer_then_paid": {WithdrawalType, withdrawal.Paid},

	"requisition_voucher":                     {RequisitionType, requisition.Completed},
	"requisition_cloud_account_owed":          {RequisitionType, requisition.Completed},
	"requisition_cloud_account":               {RequisitionType, requisition.Completed},
	"requisition_bank_after_a_failed_invoice": {RequisitionType, requisition.Completed},
	"requisition_bank_returned_then_paid":     {RequisitionType, requisition.Completed},
	"requisition_failed_then_mended":          {RequisitionType, requisition.Completed},
	"requisition_paused_then_completed":       {RequisitionType, requisition.Completed},
	"requisition_special_case":                {RequisitionType, requisition.Completed},
	"requisition_taken_back":                  {RequisitionType, requisition.Rejected},
	"requisition_rejected":                    {RequisitionType, requisition.Rejected},
	"requisition_cancelled":                   {RequisitionType, requisition.Rejected},
	"requisition_resumed_then_completed":      {RequisitionType, requisition.Completed},
	"requisition_refused_opening":             {RequisitionType, ""},

	"reconciliation_confirmed_then_released":      {ReconciliationType, bill.Released},
	"reconciliation_stop_refused_then_released":   {ReconciliationType, bill.Released},
	"reconciliation_deadline_passed":              {ReconciliationType, bill.Released},
	"reconciliation_rejected_then_presented_anew": {ReconciliationType, bill.Released},

	"dedicated_staff_passed":                 {DedicatedStaffType, staff.Passed},
	"dedicated_staff_failed_then_passed":     {DedicatedStaffType, staff.Passed},
	"dedicated_staff_failed_after_its_month": {DedicatedStaffType, staff.Failed},
	"dedicated_staff_refused_opening":        {DedicatedStaffType, ""},

	"payment_application_paid":               {PaymentApplicationType, quarter.Paid},
	"payment_application_resumed_then_paid":  {PaymentApplicationType, quarter.Paid},
	"payment_application_rejected_then_paid": {PaymentApplicationType, quarter.Paid},
	"payment_application_refused_opening":    {PaymentApplicationType, ""},

	"member_invitation_bound":                   {MemberInvitationType, member.Bound},
	"member_invitation_sent_again_then_bound":   {MemberInvitationType, member.Bound},
	"member_invitation_reminded_then_lapsed":    {MemberInvitationType, member.Lapsed},
	"member_invitation_resumed_then_lapsed":     {MemberInvitationType, member.Lapsed},
	"member_invitation_stop_refused_then_bound": {MemberInvitationType, member.Bound},
	"member_invitation_refused_opening":         {MemberInvitationType, ""},

	"project_specialist_applied_again_then_revoked": {ProjectSpecialistType, specialist.Revoked},
	"project_specialist_withdrawn_then_cancelled":   {ProjectSpecialistType, specialist.CancelApproved},
	"project_specialist_resumed_then_revoked":       {ProjectSpecialistType, specialist.Revoked},
	"project_specialist_refused_opening":            {ProjectSpecialistType, ""},

	"lab_credit_rejected_then_used_and_lapsed": {LabCreditType, lab.Issued},
	"lab_credit_issue_failed_then_used_up":     {LabCreditType, lab.Issued},
	"lab_credit_resumed_then_used_up":          {LabCreditType, lab.Issued},
	"lab_credit_refused_opening":               {LabCreditType, ""},

	// the run of a solution lives for a certificate's time; another one carries it on
	"solution_rejected_then_certified":   {SolutionType, solution.Certified},
	"solution_window_opened":             {SolutionType, solution.Expiring},
	"solution_taken_over_then_expired":   {SolutionType, solution.Expired},
	"solution_taken_over_then_expired_2": {SolutionType, solution.Certified},
	"solution_third_certificate":         {SolutionType, solution.UnderReview}, // as its run knew it
	"solution_third_certificate_2":       {SolutionType, solution.Expired},
	"solution_third_certificate_3":       {SolutionType, solution.Certified},
	"solution_deleted":                   {SolutionType, solution.Deleted},
	"solution_refused_opening":           {SolutionType, ""},

	"baseline_solution_rejected_then_released":  {BaselineSolutionType, baseline.Released},
	"baseline_solution_resumed_then_configured": {BaselineSolutionType, baseline.Released},
	"baseline_solution_refused_opening":         {BaselineSolutionType, ""},

	"tier_upgrade_approved":               {TierUpgradeType, tier.Approved},
	"tier_upgrade_rejected_then_approved": {TierUpgradeType, tier.Approved},
	"tier_upgrade_rejected_until_the_end": {TierUpgradeType, tier.Rejected},
	"tier_upgrade_withdrawn":              {TierUpgradeType, tier.Withdrawn},
	"tier_upgrade_stopped":                {TierUpgradeType, tier.Withdrawn},
	"tier_upgrade_resumed_then_approved":  {TierUpgradeType, tier.Approved},
	"tier_upgrade_refused_opening":        {TierUpgradeType, ""},

	"calculation":       {CalculationType, ""},
	"lines_export":      {LinesExportType, "DONE"},
	"automatic_release": {AutomaticReleaseType, ""},
	"daily":             {DailyType, ""},
}

// goesOn are the histories of runs that wait for months; when they were recorded they lay still.
var goesOn = []string{"solution_rejected_then_certified", "solution_window_opened", "solution_taken_over_then_expired_2", "solution_third_certificate_3"}

// carriedOn names the next run of each that was continued as new.
var carriedOn = map[string]string{
	"solution_taken_over_then_expired": "solution_taken_over_then_expired_2",
	"solution_third_certificate":       "solution_third_certificate_2",
	"solution_third_certificate_2":     "solution_third_certificate_3",
}

func recorded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no recorded histories")
	return files
}

// replay runs a history against the workflows as the worker registers them, but for those given in their place.
func replay(file string, instead map[string]any) error {
	r := worker.NewWorkflowReplayer()
	for name, w := range Types {
		if other, ok := instead[name]; ok {
			w = other
		}
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	return r.ReplayWorkflowHistoryFromJSONFile(silent{}, file)
}

func TestReplay(t *testing.T) {
	files := recorded(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { require.NoError(t, replay(file, nil)) })
		require.Contains(t, endings, strings.TrimSuffix(filepath.Base(file), ".json"), "a recorded history of which nobody says how it ends")
	}
	of := map[string]bool{}
	for name, e := range endings {
		require.Contains(t, files, filepath.Join(histories, name+".json"), "a recorded history for each way to end")
		of[e.workflow] = true
	}
	for name := range Types {
		require.True(t, of[name], "no history of the workflow %s is recorded", name)
	}
}

// changed is every workflow with something more before it, or behind it.
func changed(before, behind func(workflow.Context)) map[string]any {
	return map[string]any{
		WithdrawalType:         around(Withdrawal, before, behind),
		RequisitionType:        around(Requisition, before, behind),
		AutomaticReleaseType:   around(AutomaticRelease, before, behind),
		ReconciliationType:     around(Reconciliation, before, behind),
		DailyType:              around(Daily, before, behind),
		CalculationType:        around(Calculation, before, behind),
		DedicatedStaffType:     around(DedicatedStaff, before, behind),
		PaymentApplicationType: around(PaymentApplication, before, behind),
		LinesExportType:        around(LinesExport, before, behind),
		SolutionType:           around(Solution, before, behind),
		BaselineSolutionType:   around(BaselineSolution, before, behind),
		TierUpgradeType:        around(TierUpgrade, before, behind),
		MemberInvitationType:   around(MemberInvitation, before, behind),
		ProjectSpecialistType:  around(ProjectSpecialist, before, behind),
		LabCreditType:          around(LabCredit, before, behind),
	}
}

func around[I, R any](w func(workflow.Context, I) (R, error), before, behind func(workflow.Context)) func(workflow.Context, I) (R, error) {
	return func(ctx workflow.Context, in I) (R, error) {
		before(ctx)
		result, err := w(ctx, in)
		behind(ctx)
		return result, err
	}
}

func TestGivenAChangedWorkflow_WhenHistoriesAreReplayed_ThenEachTellsThatItsRunWouldBlock(t *testing.T) {
	nothing := func(workflow.Context) {}
	oneActivityMore := changed(func(ctx workflow.Context) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		workflow.ExecuteActivity(ctx, func(context.Context) error { return nil })
	}, nothing)
	anotherEnd := changed(nothing, func(ctx workflow.Context) { _ = workflow.Sleep(ctx, time.Minute) })
	require.Len(t, anotherEnd, len(Types))
	for _, file := range recorded(t) {
		require.ErrorContains(t, replay(file, oneActivityMore), "TMPRL1100", file)                    // Temporal's code for it
		cancelled := lastOf(t, file).GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED // it does not sleep
		if !cancelled && !slices.Contains(goesOn, strings.TrimSuffix(filepath.Base(file), ".json")) {
			require.Error(t, replay(file, anotherEnd), file)
		}
	}
}

// historyOf reads a recorded file.
func historyOf(t *testing.T, file string) *historypb.History {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history
}

func lastOf(t *testing.T, file string) *historypb.HistoryEvent {
	t.Helper()
	events := historyOf(t, file).GetEvents()
	return events[len(events)-1]
}

// What a name promises is in the file: the workflow, the last event, and the state in the result or the last search attribute.
func TestGivenRecordedHistories_WhenTheyAreRead_ThenEachEndsAsItsNameSays(t *testing.T) {
	for name, want := range endings {
		history := historyOf(t, filepath.Join(histories, name+".json"))
		require.Equal(t, want.workflow, history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName(), name)
		last := history.GetEvents()[len(history.GetEvents())-1]
		switch last.GetEventType() { //nolint:exhaustive // all others say COMPLETED
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
			require.Contains(t, []string{"withdrawal_stopped", "withdrawal_stopped_approved", "requisition_cancelled", "tier_upgrade_stopped"}, name)
			require.Equal(t, want.state, stateAttribute(t, history), name)
			continue
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
			require.Equal(t, want.state, stateAttribute(t, history), name)
			next := historyOf(t, filepath.Join(histories, carriedOn[name]+".json")).GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
			require.Equal(t, last.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId(), next.GetOriginalExecutionRunId(), name)
			continue
		default:
			if slices.Contains(goesOn, name) {
				require.Equal(t, want.state, stateAttribute(t, history), name)
				continue
			}
		}
		require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, last.GetEventType(), name)
		var result CaseResult // of runs that are no cases it is empty
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(last.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &result))
		require.Equal(t, want.state, result.State, name)
		require.Equal(t, strings.Contains(name, "refused_opening"), len(result.Refused) > 0, name)
	}
}

// stateAttribute is the last value of CaseState.
func stateAttribute(t *testing.T, history *historypb.History) domain.State {
	t.Helper()
	for _, e := range slices.Backward(history.GetEvents()) {
		if payload := e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()[caseState.GetName()]; payload != nil {
			var state domain.State
			require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &state))
			return state
		}
	}
	return ""
}

// silent keeps the replayer's log out of the tests' output.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// What a case costs is mostly its history: a level of approval is seven events (a workflow task, the update's two, the
// step's marker, the next term's timer).
func TestACaseCostsNoMoreEventsThanItDid(t *testing.T) {
	for name, most := range map[string]int{"withdrawal_paid_with_one_timer": 29, "requisition_voucher": 10, "requisition_cloud_account": 37, "calculation": 58} {
		require.LessOrEqual(t, len(historyOf(t, filepath.Join(histories, name+".json")).GetEvents()), most, name)
	}
}
