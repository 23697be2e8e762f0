package workflows

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// Whoever reads a history in the Temporal UI sees in words what each line of it is about.
func TestGivenRecordedHistories_WhenTheirEventsAreRead_ThenEachRunStepTimerAndChildHasASummary(t *testing.T) {
	named := map[enumspb.EventType]bool{
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: true, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: true,
		enumspb.EVENT_TYPE_TIMER_STARTED: true, enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: true,
	}
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	seen := map[enumspb.EventType]int{}
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		for _, e := range history.GetEvents() {
			step := e.GetMarkerRecordedEventAttributes().GetMarkerName() == "LocalActivity"
			if !step && !named[e.GetEventType()] {
				continue
			}
			started := e.GetWorkflowExecutionStartedEventAttributes()
			if started.GetContinuedExecutionRunId() != "" { // Temporal gives a run that another continues as no summary; it has current details
				continue
			}
			if started.GetWorkflowType().GetName() == DailyType { // recorded before its schedule had one
				continue
			}
			seen[e.GetEventType()]++
			if e.GetUserMetadata().GetSummary() == nil {
				t.Errorf("%s: event %d, %s, has no summary", filepath.Base(file), e.GetEventId(), e.GetEventType())
			}
		}
	}
	require.Len(t, seen, len(named)+1, "each sort of event was met")
}
