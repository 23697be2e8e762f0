package workflows

import "go.temporal.io/sdk/workflow"

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

// Register makes all workflows known to a worker, or to a replayer.
func Register(r interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
},
) {
	for name, w := range Types {
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
}
