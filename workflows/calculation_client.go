package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/incentive"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// CalculationID names the run over a month: only one at a time.
func CalculationID(p incentive.Period) string { return "calculation/" + p.String() }

// StartCalculation starts a run, or finds the one that is under way.
func StartCalculation(ctx context.Context, c client.Client, in CalculationInput) (client.WorkflowRun, error) {
	if !in.Period.IsMonth() {
		return nil, errors.New("a calculation is about a month")
	}
	return c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: CalculationID(in.Period), TaskQueue: TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "incentives of " + in.Period.String(),
	}, CalculationType, in)
}

// LookAtCalculation answers how far a run is, the parts that are under way among it.
func LookAtCalculation(ctx context.Context, c client.Client, run client.WorkflowRun) (CalculationProgress, []activities.BucketReport, error) {
	var now CalculationProgress
	answer, err := c.QueryWorkflow(ctx, run.GetID(), run.GetRunID(), ProgressQuery)
	if err != nil {
		return now, nil, err
	}
	if err := answer.Get(&now); err != nil {
		return now, nil, err
	}
	described, err := c.DescribeWorkflowExecution(ctx, run.GetID(), run.GetRunID())
	if err != nil {
		return now, nil, err
	}
	var parts []activities.BucketReport
	for _, a := range described.GetPendingActivities() {
		var p activities.BucketReport
		if converter.GetDefaultDataConverter().FromPayloads(a.GetHeartbeatDetails(), &p) == nil {
			parts = append(parts, p)
		}
	}
	return now, parts, nil
}

// calculationSchedule is the schedule's ID.
const calculationSchedule = "calculation"

// ScheduleCalculation sees to it that the month before is calculated on each of the first five days of a month at 09:00 UTC+8 (INC-21): the first run is in time, the
// others add what was settled since. A run that nobody could start is caught up. It may be called again at any time.
func ScheduleCalculation(ctx context.Context, c client.Client) (created bool, err error) {
	spec := client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{{
		Hour: []client.ScheduleRange{{Start: 1}}, DayOfMonth: []client.ScheduleRange{{Start: 1, End: 5}}, // 01:00 UTC is the same day's 09:00 UTC+8
		Comment: "09:00 UTC+8 on the days 1 to 5",
	}}}
	action := &client.ScheduleWorkflowAction{
		ID: "calculation/monthly", Workflow: CalculationType, Args: []any{CalculationInput{}}, TaskQueue: TaskQueue, StaticSummary: "incentives of the month before",
	}
	const catchUp = 31 * 24 * time.Hour
	_, err = c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: calculationSchedule, Spec: spec, Action: action, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, CatchupWindow: catchUp,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err == nil, err
	}
	err = c.ScheduleClient().GetHandle(ctx, calculationSchedule).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &spec, action
			s.Policy = &client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, CatchupWindow: catchUp}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
	if err != nil {
		return false, fmt.Errorf("update schedule: %w", err)
	}
	return false, nil
}
