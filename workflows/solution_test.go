package workflows

import (
	"testing"

	"countersign/domain/approval"
	"countersign/domain/solution"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// Rule: CERT-04, CERT-06, CERT-08, CERT-10, CERT-22, CERT-23
func TestGivenASubmission_WhenItIsCertifiedAgainAndAgain_ThenEachCertificateIsARunOfItsOwn(t *testing.T) {
	s := newStudio(t)
	sub := s.entered("2024-03-03 09:00", "", s.whole(solution.Cloud, "2.1"))
	run := s.starts("2024-03-03 10:00")
	opened := run.asks("2024-03-03 10:00", SubmitUpdate, &fundAnswer{}, func() any { return sub })
	first := run.decides("2024-03-04 10:00", "SOL000001", node1, 1, "cora", approval.Approve, "complete")
	certified := run.decides("2024-03-15 10:20", "SOL000001", node2, 1, "ada", approval.Approve, "")
	early := run.sends("2025-01-14 10:19:59", "SOL000001", solution.Change{Version: to("3.0")})
	run.asks("2025-02-09 10:00", ResubmitUpdate, &fundAnswer{}, func() any { // the draft that was too early
		return solution.Submission{RequestKey: "now", PartnerID: "P1001", Submitter: "sol", Draft: "SD000002", Revision: 1}
	})
	run.decides("2025-02-10 15:00", "SOL000001", node1, 2, "cora", approval.Approve, "")
	renewed := run.decides("2025-02-10 16:00", "SOL000001", node2, 2, "ada", approval.Approve, "")
	run.toEnd(SolutionInput{Submission: sub})

	require.NoError(t, opened.err)
	require.Equal(t, solution.UnderReview, opened.standing.State)
	require.Equal(t, solution.UnderReview, first.standing.State)
	require.Equal(t, solution.Certified, certified.standing.State)
	require.Equal(t, 1, certified.standing.Cycle)
	require.Equal(t, []string{"CERT_WINDOW_NOT_OPEN"}, early.refused().Codes())
	require.NoError(t, renewed.err)
	require.Equal(t, solution.Certified, renewed.standing.State)
	require.Equal(t, 2, renewed.standing.Cycle)
	require.True(t, workflow.IsContinueAsNewError(run.err), "the second cycle is a run of its own: %v", run.err)
	require.Equal(t, "2026-02-10 16:00:00", s.until("SOL000001"))

	second := s.starts("2025-02-10 16:00")
	second.sends("2026-03-01 10:00", "SOL000001", solution.Change{Version: to("4.0")})
	second.decides("2026-03-02 10:00", "SOL000001", node1, 3, "cyril", approval.Approve, "")
	third := second.decides("2026-03-03 11:00", "SOL000001", node2, 3, "ada", approval.Approve, "")
	second.toEnd(SolutionInput{Resume: "SOL000001"})
	require.NoError(t, third.err)
	require.Equal(t, 3, third.standing.Cycle)
	require.True(t, workflow.IsContinueAsNewError(second.err))
	require.Equal(t, "2027-03-03 11:00:00", s.until("SOL000001"))

	require.Equal(t, []string{
		"2024-03-03 10:00 submitted@1", "2024-03-15 10:20 certified@1",
		"2025-01-14 10:20 remind/1/60", "2025-02-09 10:00 submitted@2", "2025-02-10 16:00 certified@2",
		"2025-12-12 16:00 remind/2/60", "2026-01-11 09:00 remind/2/30", "2026-02-03 09:00 remind/2/7", "2026-02-10 09:00 remind/2/0", "2026-02-10 16:00 expired/2",
		"2026-03-01 10:00 submitted@3", "2026-03-03 11:00 certified@3",
	}, s.told("SOL000001", "sol"))
	require.Equal(t, []string{
		"sol submit >UNDER_REVIEW CERT-02", "cora approve UNDER_REVIEW>UNDER_REVIEW", "ada approve UNDER_REVIEW>CERTIFIED CERT-06",
		"sol resubmit refused CERTIFIED>CERTIFIED CERT-08",
		"clock open the window CERTIFIED>EXPIRING CERT-08", "clock remind EXPIRING>EXPIRING CERT-22",
		"sol apply for re-certification EXPIRING>EXPIRING CERT-11", "cora approve EXPIRING>EXPIRING", "ada approve EXPIRING>CERTIFIED CERT-10",
		"clock open the window CERTIFIED>EXPIRING CERT-08", "clock remind EXPIRING>EXPIRING CERT-22", "clock remind EXPIRING>EXPIRING CERT-22", "clock remind EXPIRING>EXPIRING CERT-22",
		"clock remind EXPIRING>EXPIRING CERT-22", "clock expire EXPIRING>EXPIRED CERT-12",
		"sol apply for re-certification EXPIRED>EXPIRED CERT-11", "cyril approve EXPIRED>EXPIRED", "ada approve EXPIRED>CERTIFIED CERT-10",
	}, s.history("SOL000001"))
}
