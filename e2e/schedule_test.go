package e2e

import (
	"fmt"
	"strings"
	"testing"

	"countersign/workflows"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// Rules: INC-21, PAY-19
func TestGivenTheSchedules_WhenTheyFire_ThenLastMonthIsCalculatedAndTheDaysWorkIsDone(t *testing.T) {
	p := newCertified(t, "PSCHEDULE")
	p.consumes("500.00")
	var made struct {
		Created bool `json:"created"`
	}
	for _, want := range []bool{true, false} { // a repeat changes nothing
		p.s.ask(t, 0, &made, "incentive", "schedule")
		require.Equal(t, want, made.Created)
	}
	ids := []string{}
	list, err := p.s.client.ScheduleClient().List(t.Context(), client.ScheduleListOptions{})
	require.NoError(t, err)
	for list.HasNext() {
		s, err := list.Next()
		require.NoError(t, err)
		ids = append(ids, s.ID)
	}
	require.Len(t, ids, 2)
	for _, id := range ids {
		h := p.s.client.ScheduleClient().GetHandle(t.Context(), id)
		require.NoError(t, h.Trigger(t.Context(), client.ScheduleTriggerOptions{}))
		defer func() { require.NoError(t, h.Delete(t.Context())) }()
	}

	var month workflows.CalculationProgress
	require.NoError(t, p.s.client.GetWorkflow(t.Context(), p.s.started(t, workflows.CalculationType, "calculation/monthly"), "").Get(t.Context(), &month))
	require.Equal(t, lastMonth(), month.Period.String())
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM incentive_lines WHERE partner_id = $1 AND amount = 50`, p.id))
	var day workflows.DailyResult
	require.NoError(t, p.s.client.GetWorkflow(t.Context(), p.s.started(t, workflows.DailyType, workflows.DailySchedule), "").Get(t.Context(), &day))
	require.Empty(t, day.Failed)
	p.s.addsUp(t)
}

// started is the workflow ID of a schedule's run.
func (s *stack) started(t *testing.T, workflowType, prefix string) (id string) {
	t.Helper()
	eventually(t, "the run of "+prefix, func() (bool, error) {
		found, err := s.client.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowType = '%s'", workflowType)})
		for _, e := range found.GetExecutions() {
			if name := e.GetExecution().GetWorkflowId(); strings.HasPrefix(name, prefix+"-") {
				id = name
			}
		}
		return id != "", err
	})
	return id
}
