package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"
)

// Types are all workflows by the names under which they run.
var Types = map[string]any{
	WithdrawalType:         Withdrawal,
	RequisitionType:        Requisition,
	AutomaticReleaseType:   AutomaticRelease,
	ReconciliationType:     Reconciliation,
	DailyType:              Daily,
	CalculationType:        Calculation,
	DedicatedStaffType:     DedicatedStaff,
	PaymentApplicationType: PaymentApplication,
	ProjectSpecialistType:  ProjectSpecialist,
	TierUpgradeType:        TierUpgrade,
	MemberInvitationType:   MemberInvitation,
	LinesExportType:        LinesExport,
	SolutionType:           Solution,
	BaselineSolutionType:   BaselineSolution,
	LabCreditType:          LabCredit,
}

// Deployment names the workers of this programme to Temporal; each build is a version of it.
const Deployment = "countersign"

// pinned are the runs that end on the build on which they began, when workers are versioned: they last seconds, hours at
// most, and nobody writes to them, so the build before is kept that long. Every case moves to the current build instead:
// it lives for days to years, across more builds than anybody keeps running, and what a build changes in the order of its
// steps stands behind workflow.GetVersion and is replayed before it is deployed.
var pinned = []string{DailyType, CalculationType, AutomaticReleaseType, LinesExportType}

// Versioning tells how runs of a type meet a new build.
func Versioning(workflowType string) workflow.VersioningBehavior {
	if slices.Contains(pinned, workflowType) {
		return workflow.VersioningBehaviorPinned
	}
	return workflow.VersioningBehaviorAutoUpgrade
}

// Register makes all workflows known to a worker, or to a replayer.
func Register(r interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
},
) {
	for name, w := range Types {
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name, VersioningBehavior: Versioning(name)})
	}
}
