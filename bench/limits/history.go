package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
)

// cost is what the histories of one kind came to, the mean of a case that opened.
type cost struct {
	histories int
	runs      float64
	events    float64
	bytes     float64
	actions   float64 // as Temporal Cloud bills them
	steps     float64 // transactions of ours: markers of local activities, and activities
	updates   float64 // requests of people
}

// prefixes tells the kind of a history by its file's name.
var prefixes = map[string]string{
	"withdrawal_": "withdrawal", "requisition_": "requisition", "reconciliation_": "reconciliation", "dedicated_staff_": "dedicated-staff",
	"payment_application_": "payment-application", "member_invitation_": "invitation", "project_specialist_": "project-specialist",
	"solution_": "solution", "baseline_solution_": "baseline-solution", "tier_upgrade_": "tier-upgrade", "lab_credit_": "lab-credit",
}

// readHistories sums the recorded histories up by kind. Refused openings are no cases; a later run of a case adds to it.
func readHistories(dir string) (map[string]cost, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	sums := map[string]cost{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		kind := ""
		for prefix, k := range prefixes {
			if strings.HasPrefix(name, prefix) {
				kind = k
			}
		}
		if kind == "" || strings.HasSuffix(name, "refused_opening") {
			continue
		}
		c, err := costOf(file)
		if err != nil {
			return nil, err
		}
		sum := sums[kind]
		if !strings.HasSuffix(name, "_2") && !strings.HasSuffix(name, "_3") {
			sum.histories++
		}
		sum.runs++
		sum.events, sum.bytes, sum.actions, sum.steps, sum.updates = sum.events+c.events, sum.bytes+c.bytes, sum.actions+c.actions, sum.steps+c.steps, sum.updates+c.updates
		sums[kind] = sum
	}
	for kind, s := range sums {
		n := float64(s.histories)
		sums[kind] = cost{s.histories, s.runs / n, s.events / n, s.bytes / n, s.actions / n, s.steps / n, s.updates / n}
	}
	return sums, nil
}

func costOf(path string) (c cost, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	c.bytes = float64(proto.Size(history))
	local := map[int64]bool{} // workflow tasks with local activities: one action each, however many
	for _, e := range history.GetEvents() {
		c.events++
		switch e.GetEventType() { //nolint:exhaustive // the others are not billed
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			c.actions++
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
			c.actions++
			c.updates++
		case enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
			c.actions++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			c.actions++
			c.steps++
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			m := e.GetMarkerRecordedEventAttributes()
			if m.GetMarkerName() == "LocalActivity" {
				c.steps++
				if !local[m.GetWorkflowTaskCompletedEventId()] {
					local[m.GetWorkflowTaskCompletedEventId()] = true
					c.actions++
				}
			}
		}
	}
	return c, nil
}
