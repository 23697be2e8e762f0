package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// DailyType names the workflow of the programme's day.
const DailyType = "Daily"

// DailyInput says which day it is; the zero instant means the day on which it runs.
type DailyInput struct {
	At time.Time `json:"at,omitzero"`
}

// DailyResult is how a day went.
type DailyResult struct {
	At     time.Time `json:"at"`     // 00:00 of the day in UTC+8
	Failed []string  `json:"failed"` // steps that did not come through; the next day's do the same and more
}

// bills only names the methods; the worker has the real one.
var bills *activities.Bills

// daily is what is done at the beginning of a day, in this order. Each step takes activities.DailyInput, looks for itself
// what is due up to that instant, does it once, and has nothing to do when it runs again.
var daily = []struct {
	summary string
	step    any
}{
	{"void what lapsed (INC-14)", bills.VoidLapsed},
	{"present bills that nobody presented (INC-21)", recs.PresentFresh},
	{"list last month's experts (FHM-08)", staffActs.ListExperts},
	{"lapse lists that nobody confirmed (FHM-08)", staffActs.LapseMonths},
	{"remind of quarters that can be paid (QPY-05)", quarterActs.RemindQuarters},
}

// Daily does a day's work. No rule waits for it: whoever asks earlier or later than it runs is judged by the instant. A step
// that fails does not keep the others from running.
func Daily(ctx workflow.Context, in DailyInput) (DailyResult, error) {
	if in.At.IsZero() {
		in.At = workflow.Now(ctx)
	}
	done := DailyResult{At: calendar.DateOf(in.At).Start(), Failed: []string{}}
	for _, d := range daily {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s: %s.", calendar.DateOf(done.At), d.summary))
		if err := job(ctx, d.summary, d.step, activities.DailyInput{At: done.At}); err != nil {
			if temporal.IsCanceledError(err) {
				return done, err
			}
			workflow.GetLogger(ctx).Error("a day's step failed", "step", d.summary, "error", err)
			done.Failed = append(done.Failed, d.summary)
		}
	}
	if _, err := releaseAutomatically(ctx, done.At); err != nil { // PAY-19: at 00:00 of the day
		if temporal.IsCanceledError(err) {
			return done, err
		}
		workflow.GetLogger(ctx).Error("a day's step failed", "step", "automatic release", "error", err)
		done.Failed = append(done.Failed, "automatic release (PAY-19)")
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s: done, %d steps failed.", calendar.DateOf(done.At), len(done.Failed)))
	return done, nil
}

// DailySchedule is the ID of the schedule that starts Daily.
const DailySchedule = "daily"

// ScheduleDaily has Daily started at 00:00 in UTC+8; a schedule that is there already stays.
func ScheduleDaily(ctx context.Context, c client.Client) error {
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: DailySchedule,
		Spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{{ // 16:00 UTC is 00:00 in UTC+8
			Hour: []client.ScheduleRange{{Start: 16}}, Comment: "00:00 in UTC+8",
		}}},
		Action:        &client.ScheduleWorkflowAction{ID: DailySchedule, Workflow: DailyType, Args: []any{DailyInput{}}, TaskQueue: TaskQueue, StaticSummary: "the day's work"},
		CatchupWindow: 24 * time.Hour, // a run does what the days before it left
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return nil
	}
	return err
}
