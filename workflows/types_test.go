package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// A new type has to be thought about: a case that were pinned would keep its build running for years.
func TestGivenAllWorkflowTypes_WhenWorkersAreVersioned_ThenRunsThatEndSoonStayAndCasesMoveOn(t *testing.T) {
	got := map[workflow.VersioningBehavior][]string{}
	for name := range Types {
		got[Versioning(name)] = append(got[Versioning(name)], name)
	}
	require.Len(t, got, 2)
	require.ElementsMatch(t, []string{"AutomaticRelease", "Calculation", "Daily", "LinesExport"}, got[workflow.VersioningBehaviorPinned])
	require.ElementsMatch(t, []string{
		"BaselineSolution", "DedicatedStaff", "LabCredit", "MemberInvitation", "PaymentApplication", "ProjectSpecialist", "Reconciliation", "Requisition", "Solution",
		"TierUpgrade", "Withdrawal",
	}, got[workflow.VersioningBehaviorAutoUpgrade])
}
