package workflows

import (
	"context"
	"net/url"

	"countersign/activities"
	"countersign/domain/bill"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// LinesExportType is the name of the workflow.
const LinesExportType = "LinesExport"

// LinesExportInput names an export that was asked for.
type LinesExportInput struct{ Key string }

// exports only names the methods; the worker has the real one.
var exports *activities.Exports

// LinesExport writes what a search of the incentive detail finds into a file, and tells whoever asked for it (INC-11).
//
//	RUNNING ─┬─ DONE
//	         └─ FAILED   too large, or stopped
//
// A file that cannot be is a result; an error means that the run was stopped.
func LinesExport(ctx workflow.Context, in LinesExportInput) (activities.Export, error) {
	workflow.SetCurrentDetails(ctx, "Writes the file.")
	problem, stopped := part[string](ctx, "write the file", exports.WriteExport, in.Key)
	if stopped != nil {
		problem = "It was stopped before the file was there; ask for it again."
	}
	ended, err := record[activities.Export](ctx, "close", exports.CloseExport, activities.CloseExportInput{Key: in.Key, Problem: problem, At: workflow.Now(ctx)})
	if stopped != nil {
		return ended, stopped
	}
	if err == nil {
		workflow.SetCurrentDetails(ctx, "Ended: "+string(ended.State)+".")
	}
	return ended, err
}

// LinesExportID names the run of an export: a request key is used once.
func LinesExportID(key string) string { return bill.ExportKind + "/" + url.PathEscape(key) }

// StartLinesExport starts the run of an export that was asked for. One that runs already is left alone; one that runs again finds what the first did.
func StartLinesExport(ctx context.Context, c client.Client, x activities.Export) error {
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: LinesExportID(x.Key), TaskQueue: TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "incentive detail as " + string(x.Format) + " for " + clip(x.AskedBy),
	}, LinesExportType, LinesExportInput{Key: x.Key})
	return err
}
