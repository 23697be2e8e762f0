package workflows

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// endings says how each recorded run ends; an ending that nobody has recorded fails the test.
var endings = map[string]withdrawal.State{
	"paid":                    withdrawal.Paid,
	"paid_by_rule":            withdrawal.Paid,
	"refused_opening":         "", // no case
	"refused":                 withdrawal.Refused,
	"refused_before_a_signal": withdrawal.Refused,
	"cancelled":               withdrawal.Cancelled,
	"failed_before_sending":   withdrawal.Failed,
	"failed_returned":         withdrawal.Failed,
	"escalated_then_paid":     withdrawal.Paid,
	"stopped":                 withdrawal.Cancelled,
	"stopped_approved":        withdrawal.Failed,
	"stop_refused_then_paid":  withdrawal.Paid,
	"resumed_then_paid":       withdrawal.Paid,
	"decided_by_signal":       withdrawal.Paid,

	// recorded since reviews are chains; those above are from before
	"every_decision_then_paid":         withdrawal.Paid,
	"resubmitted_then_paid":            withdrawal.Paid,
	"cancelled_after_return":           withdrawal.Cancelled,
	"lapsed_after_return":              withdrawal.Cancelled,
	"refused_by_deadline":              withdrawal.Refused,
	"approved_by_deadline_then_failed": withdrawal.Failed,
	"parallel_then_refused":            withdrawal.Refused,
	"migrated_then_refused":            withdrawal.Refused,
}

func recorded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no recorded histories")
	return files
}

// replay runs a history against a workflow, registered as the worker does it.
func replay(file string, w any) error {
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: WithdrawalType})
	return r.ReplayWorkflowHistoryFromJSONFile(silent{}, file)
}

func TestReplay(t *testing.T) {
	files := recorded(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { require.NoError(t, replay(file, Withdrawal)) })
	}
	for ending := range endings {
		require.Contains(t, files, filepath.Join(histories, "withdrawal_"+ending+".json"), "a recorded history for each way to end")
	}
}

func TestGivenAChangedWorkflow_WhenHistoriesAreReplayed_ThenEachTellsThatItsRunWouldBlock(t *testing.T) {
	oneActivityMore := func(ctx workflow.Context, in WithdrawalInput) (WithdrawalResult, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		workflow.ExecuteActivity(ctx, func(context.Context) error { return nil })
		return Withdrawal(ctx, in)
	}
	anotherEnd := func(ctx workflow.Context, in WithdrawalInput) (WithdrawalResult, error) {
		result, err := Withdrawal(ctx, in)
		_ = workflow.Sleep(ctx, time.Minute)
		return result, err
	}
	for _, file := range recorded(t) {
		require.ErrorContains(t, replay(file, oneActivityMore), "nondeterministic", file)
		if !strings.Contains(file, "stopped") { // a cancelled run does not sleep
			require.Error(t, replay(file, anotherEnd), file)
		}
	}
}

// What a name promises is in the file: the last event, and the state in the result or the last search attribute.
func TestGivenRecordedHistories_WhenTheyAreRead_ThenEachEndsAsItsNameSays(t *testing.T) {
	for ending, want := range endings {
		f, err := os.Open(filepath.Join(histories, "withdrawal_"+ending+".json"))
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
		require.NoError(t, f.Close())
		require.NoError(t, err)
		last := history.GetEvents()[len(history.GetEvents())-1]
		var state withdrawal.State
		if strings.HasPrefix(ending, "stopped") {
			require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, last.GetEventType(), ending)
			state = stateAttribute(t, history)
		} else {
			require.Equal(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, last.GetEventType(), ending)
			var result WithdrawalResult
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(last.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &result))
			state = result.State
			require.Equal(t, want == "", len(result.Refused) > 0, ending)
		}
		require.Equal(t, want, state, ending)
	}
}

// stateAttribute is the last value of CaseState.
func stateAttribute(t *testing.T, history *historypb.History) withdrawal.State {
	t.Helper()
	for _, e := range slices.Backward(history.GetEvents()) {
		if payload := e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()[caseState.GetName()]; payload != nil {
			var state withdrawal.State
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
func TestAPaidCaseCostsNoMoreEventsThanItDid(t *testing.T) {
	text, err := os.ReadFile("testdata/histories/withdrawal_paid.json")
	require.NoError(t, err)
	var history struct {
		Events []json.RawMessage `json:"events"`
	}
	require.NoError(t, json.Unmarshal(text, &history))
	require.LessOrEqual(t, len(history.Events), 31)
}
