package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/desk"
	"countersign/workflows"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// unversioned stands for the workers that are no version of the deployment.
const unversioned = "(unversioned)"

func (h *house) deploymentCommand() *cobra.Command {
	g := group("deployment", "The builds of the workers: which one serves, which may stop", h.deploymentShowCommand(), h.deploymentPromoteCommand(), h.deploymentDrainedCommand())
	g.Long = `With WORKER_VERSIONING=true each build of the worker is a version of the deployment ` + workflows.Deployment + `. Temporal starts new runs on the
current version. Cases move to it with their next step; short runs (Daily, Calculation, AutomaticRelease, LinesExport) end
where they began. A rollout: replay --running, start the new workers, promote, wait until the old build is drained, stop it.`
	return g
}

// buildVersion is one build of the workers.
type buildVersion struct {
	BuildID string     `json:"build_id"`
	Status  string     `json:"status"` // current, ramping, draining, drained, inactive
	Ramp    float32    `json:"ramp_percent,omitempty"`
	Since   *time.Time `json:"since,omitempty"` // of the status
	Open    int64      `json:"open"`            // runs whose last step was there
	Pinned  int64      `json:"pinned"`          // of these: runs that end there
}

func (h *house) deploymentShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "The builds that Temporal knows, and what runs on each", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			current, versions, err := h.builds(c.Context())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"deployment": workflows.Deployment, "current": current, "versions": versions}, func() {
				h.say("New runs start on: %s\n", current)
				t := newTable("BUILD", "STATUS", "SINCE", "OPEN>", "PINNED>")
				for _, v := range versions {
					status := v.Status
					if v.Ramp > 0 {
						status += fmt.Sprintf(" %g%%", v.Ramp)
					}
					t.add(v.BuildID, status, shownOr(v.Since, "-"), v.Open, v.Pinned)
				}
				t.printOr(h.out, "Temporal knows no version; workers become one with WORKER_VERSIONING=true.")
			})
		},
	}
}

// builds describes every version; a deployment that nobody started yet has none.
func (h *house) builds(ctx context.Context) (current string, versions []buildVersion, err error) {
	c, err := h.cluster(ctx)
	if err != nil {
		return "", nil, err
	}
	versions = []buildVersion{}
	handle := c.WorkerDeploymentClient().GetHandle(workflows.Deployment)
	described, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return unversioned, versions, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("describe the deployment: %w", err)
	}
	current = unversioned
	if v := described.Info.RoutingConfig.CurrentVersion; v != nil {
		current = v.BuildID
	}
	for _, summary := range described.Info.VersionSummaries {
		v, err := h.build(ctx, c, summary.Version.BuildID)
		if err != nil {
			return "", nil, err
		}
		versions = append(versions, v)
	}
	return current, versions, nil
}

func (h *house) build(ctx context.Context, c client.Client, id string) (v buildVersion, err error) {
	described, err := c.WorkerDeploymentClient().GetHandle(workflows.Deployment).DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: id})
	if err != nil {
		return v, fmt.Errorf("describe build %s: %w", id, err)
	}
	info := described.Info
	v = buildVersion{BuildID: id, Status: "inactive", Ramp: info.RampPercentage}
	since := info.RoutingChangedTime
	switch {
	case !info.CurrentSinceTime.IsZero():
		v.Status, since = "current", info.CurrentSinceTime
	case !info.RampingSinceTime.IsZero():
		v.Status, since = "ramping", info.RampingSinceTime
	case info.DrainageInfo != nil && info.DrainageInfo.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDraining:
		v.Status, since = "draining", info.DrainageInfo.LastChangedTime
	case info.DrainageInfo != nil && info.DrainageInfo.DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDrained:
		v.Status, since = "drained", info.DrainageInfo.LastChangedTime
	}
	if !since.IsZero() {
		v.Since = &since
	}
	on := fmt.Sprintf("ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '%s:%s'", workflows.Deployment, id)
	if v.Open, err = h.countRuns(ctx, c, on); err != nil {
		return v, err
	}
	v.Pinned, err = h.countRuns(ctx, c, on+" AND TemporalWorkflowVersioningBehavior = 'Pinned'")
	return v, err
}

func (h *house) countRuns(ctx context.Context, c client.Client, query string) (int64, error) {
	counted, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: h.namespace, Query: query})
	if err != nil {
		return 0, fmt.Errorf("count runs: %w", err)
	}
	return counted.GetCount(), nil
}

func (h *house) deploymentPromoteCommand() *cobra.Command {
	var ramp float32
	var back bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "promote [BUILD_ID | --unversioned] [--ramp PERCENT]", Short: "Send new runs, and the next steps of cases, to a build; an older one is a rollback", Args: atMost(1),
		Long: `Make a build the current version, or let it have a part of the runs first (--ramp). It waits until workers of the build were
seen. Without --ramp any ramp ends. Promote the build before to roll back: cases go back with their next step, so what the new build wrote into their
histories has to be known to the old one, too: starter replay --running of the old binary tells.`,
		RunE: func(c *cobra.Command, args []string) error {
			ramped := c.Flags().Changed("ramp")
			switch {
			case (len(args) == 1) == back:
				return usageError{errors.New("name the build, or --unversioned for workers without WORKER_VERSIONING")}
			case ramped && (ramp < 0 || ramp > 100):
				return usageError{errors.New("--ramp is a number from 0 to 100")}
			}
			build := ""
			if len(args) == 1 {
				build = args[0]
			}
			return h.promote(c.Context(), build, ramped, ramp, wait)
		},
	}
	c.Flags().Float32Var(&ramp, "ramp", 0, "percent of the runs that go to the build; the others stay where they are")
	c.Flags().BoolVar(&back, "unversioned", false, "back to workers without versions")
	c.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long its workers are waited for")
	return c
}

// promote repeats the request while Temporal has not seen workers of the build on every queue.
func (h *house) promote(ctx context.Context, build string, ramped bool, ramp float32, wait time.Duration) error {
	c, err := h.cluster(ctx)
	if err != nil {
		return err
	}
	handle := c.WorkerDeploymentClient().GetHandle(workflows.Deployment)
	name := build
	if build == "" {
		name = unversioned
	}
	err = until(ctx, wait, func(ctx context.Context) (bool, error) {
		var err error
		if ramped {
			_, err = handle.SetRampingVersion(ctx, client.WorkerDeploymentSetRampingVersionOptions{BuildID: build, Percentage: ramp})
		} else {
			_, err = handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		}
		var early *serviceerror.FailedPrecondition
		var unknown *serviceerror.NotFound
		return err == nil || !errors.As(err, &early) && !errors.As(err, &unknown), err
	})
	if err != nil {
		return fmt.Errorf("%s is not promoted; do its workers run, with WORKER_VERSIONING=true and WORKER_BUILD_ID=%s? Temporal says: %w", name, build, err)
	}
	if !ramped {
		if err := endRamp(ctx, handle); err != nil {
			return fmt.Errorf("%s is current, but the ramp of another build may go on; promote it again: %w", name, err)
		}
	}
	return h.show(map[string]any{"build_id": build, "ramped": ramped, "ramp_percent": ramp}, func() {
		if ramped {
			h.say("%s gets %g%% of the runs.", name, ramp)
			return
		}
		h.say("%s is current: new runs start there, and cases move there with their next step.", name)
	})
}

// endRamp takes back what a ramp still gives to another build: to promote the build before is a rollback, and a part of the
// runs must not go on to the bad one.
func endRamp(ctx context.Context, handle client.WorkerDeploymentHandle) error {
	ctx, cancel := context.WithTimeout(ctx, desk.Patience)
	defer cancel()
	described, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return err
	}
	if routing := described.Info.RoutingConfig; routing.RampingVersion == nil && routing.RampingVersionPercentage == 0 {
		return nil
	}
	_, err = handle.SetRampingVersion(ctx, client.WorkerDeploymentSetRampingVersionOptions{})
	return err
}

func (h *house) deploymentDrainedCommand() *cobra.Command {
	var wait time.Duration
	c := &cobra.Command{
		Use: "drained BUILD_ID [--wait DURATION]", Short: "Tell whether the workers of a build may stop; exit code 2: not yet", Args: exactly("BUILD_ID"),
		RunE: func(c *cobra.Command, args []string) error { return h.drained(c.Context(), args[0], wait) },
	}
	c.Flags().DurationVar(&wait, "wait", 0, "wait as long for it, like 30m")
	return c
}

// drained asks Temporal, which looks every few minutes.
func (h *house) drained(ctx context.Context, id string, wait time.Duration) error {
	c, err := h.cluster(ctx)
	if err != nil {
		return err
	}
	var v buildVersion
	err = until(ctx, wait, func(ctx context.Context) (bool, error) {
		var err error
		v, err = h.build(ctx, c, id)
		return err != nil || v.mayStop() || v.Status == "current", err
	})
	if err != nil {
		return err
	}
	if err := h.show(map[string]any{"build_id": id, "status": v.Status, "may_stop": v.mayStop(), "open": v.Open, "pinned": v.Pinned}, func() {
		switch {
		case v.mayStop():
			h.say("%s is %s: its workers may stop.", id, v.Status)
		case v.Status == "draining":
			h.say("%s is draining: %d runs have to end there.", id, v.Pinned)
		default:
			h.say("%s is %s: promote another build first.", id, v.Status)
		}
	}); err != nil {
		return err
	}
	if !v.mayStop() {
		return stopped(2)
	}
	return nil
}

// mayStop tells that no run waits for workers of the build: none new, and none that has to end there.
func (v buildVersion) mayStop() bool {
	return v.Status == "drained" || v.Status == "inactive" && v.Pinned == 0
}

// until asks again, every second, until the answer is final or the time is over; the last answer counts.
func until(ctx context.Context, wait time.Duration, ask func(context.Context) (final bool, err error)) error {
	for end := time.Now().Add(wait); ; {
		bounded, cancel := context.WithTimeout(ctx, desk.Patience)
		final, err := ask(bounded)
		cancel()
		if final || !time.Now().Before(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
