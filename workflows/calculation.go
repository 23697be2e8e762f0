package workflows

import (
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/incentive"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// CalculationType is the name of the workflow, ProgressQuery asks a run how far it is.
const (
	CalculationType = "Calculation"
	ProgressQuery   = "progress"
)

// CalculationInput asks for the incentives of a month.
type CalculationInput struct {
	Period incentive.Period // none: the month before the run's start, as the schedule starts it
	By     string           // a person; empty: the clock
}

// CalculationProgress is how far a run is.
type CalculationProgress struct {
	Period   incentive.Period `json:"period"`
	Parts    int              `json:"parts"`    // through, of incentive.Buckets
	Partners int              `json:"partners"` // of these parts
	Lines    int64            `json:"lines"`    // that they added
}

// besides is how many parts run side by side.
const besides = 2

// Calculation turns a month's consumption into incentive lines: one run, one activity for each of eight parts, never one for a row. A repeat adds
// the differences only.
func Calculation(ctx workflow.Context, in CalculationInput) (CalculationProgress, error) {
	c := calculation{progress: CalculationProgress{Period: in.Period}}
	if in.Period.Months == 0 {
		c.progress.Period = incentive.MonthOf(scheduledAt(ctx)).Before() // INC-21
	}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (CalculationProgress, error) { return c.progress, nil }); err != nil {
		return c.progress, err
	}
	if in.By == "" {
		in.By = "clock"
	}
	var act *activities.Calculations // nil: it only names the methods
	run := workflow.GetInfo(ctx).WorkflowExecution
	opened, err := record[activities.Calculation](ctx, "open", act.OpenCalculation, activities.OpenCalculationInput{
		Key: run.ID + "/" + run.RunID, Period: c.progress.Period, By: in.By, At: workflow.Now(ctx),
	})
	if err != nil {
		return c.progress, err
	}
	if err := c.parts(ctx, opened); err != nil {
		return c.progress, err
	}
	opened.At = workflow.Now(ctx)
	_, err = record[any](ctx, "close", act.CloseCalculation, opened)
	return c.progress, err
}

// scheduledAt is when the run should have started: one that catches up calculates the month that was meant.
func scheduledAt(ctx workflow.Context) time.Time {
	if at, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")); ok {
		return at
	}
	return workflow.Now(ctx)
}

type calculation struct{ progress CalculationProgress }

// parts runs all parts, some side by side. The first error is the run's, after the others have ended.
func (c *calculation) parts(ctx workflow.Context, opened activities.Calculation) (failed error) {
	slots, running := workflow.NewSemaphore(ctx, besides), workflow.NewWaitGroup(ctx)
	c.show(ctx)
	for bucket := range incentive.Buckets {
		if err := slots.Acquire(ctx, 1); err != nil {
			return err
		}
		running.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer running.Done()
			defer slots.Release(1)
			var act *activities.Calculations
			done, err := part[activities.BucketReport](ctx, fmt.Sprintf("part %d of %d", bucket+1, incentive.Buckets), act.CalculateBucket,
				activities.CalculateBucketInput{Calculation: opened, Bucket: bucket})
			if err != nil {
				failed = err
				return
			}
			c.progress.Parts++
			c.progress.Partners += done.Partners
			c.progress.Lines += done.Lines
			c.show(ctx)
		})
	}
	running.Wait(ctx)
	return failed
}

func (c *calculation) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s: %d of %d parts, %d partners, %d lines added.", c.progress.Period, c.progress.Parts, incentive.Buckets, c.progress.Partners, c.progress.Lines))
}
