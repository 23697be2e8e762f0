package workflows

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/solution"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func (s *studio) shows(id, at string) views.SolutionDetail {
	s.t.Helper()
	d, err := views.Reader{DB: s.db}.Solution(context.Background(), id, moment(at))
	require.NoError(s.t, err)
	return d
}

func (s *studio) lists(at string, state solution.State) (lines []string) {
	s.t.Helper()
	found, err := views.Reader{DB: s.db}.Solutions(context.Background(), views.SolutionFilter{Partner: "P1001", State: state}, moment(at))
	require.NoError(s.t, err)
	for _, f := range found {
		lines = append(lines, fmt.Sprintf("%s%s %s", f.Case, map[bool]string{true: f.Draft}[f.Case == ""], f.State))
	}
	return lines
}

// Rule: CERT-01
func TestCERT01GivenAnAccountOnTheServicePathOnly_WhenASolutionIsCreated_ThenTheSoftwarePathIsMissing(t *testing.T) {
	s := newStudio(t)
	pgtest.Owner(t, s.db).MustExec(`UPDATE partner_paths SET path = 'SVC'`)
	_, err := s.draft("2025-03-03 10:00", "", s.whole(solution.Cloud, "2.1"))
	require.Equal(t, []string{"CERT_NO_SW_PATH"}, codes(err))
	require.Zero(t, s.count(`SELECT count(*) FROM solution_drafts`))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM refusals WHERE kind = 'solution' AND codes = '{CERT_NO_SW_PATH}'`))

	s.path("SW", "SELECTED")
	sub := s.entered("2025-03-03 11:00", "", s.whole(solution.Advanced, "2.1"))
	s.db.MustExec(`UPDATE partner_paths SET until_at = $1 WHERE path = 'SW'`, moment("2025-03-04 10:00"))
	_, err = s.submits("2025-03-04 10:00", sub)
	require.Equal(t, []string{"CERT_NO_SW_PATH"}, codes(err), "it has left the path at this instant")
	require.Zero(t, s.count(`SELECT count(*) FROM cases`))
}

// Rule: CERT-02, PGM-10
func TestCERT02GivenTheFormsFirstStep_WhenItIsSubmitted_ThenTheContactIsMissing(t *testing.T) {
	s := newStudio(t)
	step1 := s.whole(solution.Cloud, "2.1")
	step1.ContactName, step1.ContactMobile, step1.ContactEmail = nil, nil, nil
	d, err := s.draft("2025-03-03 10:00", "", step1)
	require.NoError(t, err)
	require.Equal(t, []string{"contact"}, d.Missing)
	_, err = s.submits("2025-03-03 10:05", submission(d))
	require.Equal(t, []string{"CERT_INCOMPLETE"}, codes(err))
	require.ErrorContains(t, err, "These parts are missing: contact.")

	step2 := solution.Change{ContactName: to("Kim"), ContactMobile: to("13800138000"), ContactEmail: to("kim@a.example")}
	d2, err := s.drafts.Save(context.Background(), activities.SolutionDraftInput{Draft: d.Draft, Partner: "P1001", Change: step2, Person: "mei", At: moment("2025-03-03 10:10")})
	require.NoError(t, err, "a colleague goes on with it")
	require.Empty(t, d2.Missing)
	require.Equal(t, 2, d2.Revision)
	_, err = s.submits("2025-03-03 10:15", submission(d))
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "revision 1 is not what is there now")
	now, err := s.submits("2025-03-03 10:20", submission(d2))
	require.NoError(t, err)
	again, err := s.submits("2025-03-03 10:25", submission(d2))
	require.NoError(t, err)
	require.Equal(t, now, again, "the same request key answers the first case")
	require.Equal(t, []string{"2025-03-03 10:20 submitted@1"}, s.told(now.Case, "sol"))
	require.Empty(t, s.told(now.Case, "kim@a.example"), "the contact is told of decisions")
	_, err = s.drafts.Save(context.Background(), activities.SolutionDraftInput{Draft: d.Draft, Partner: "P1001", Change: step2, Person: "mei", At: moment("2025-03-03 10:30")})
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "what was sent stays as it is")
	_, err = s.db.Exec(`UPDATE solution_drafts SET name = 'x' WHERE draft_id = $1`, d.Draft)
	require.ErrorContains(t, err, "was sent", "the database says so too")
}

// Rule: CERT-03
func TestCERT03GivenADraft_WhenItIsSaved_ThenItIsListedSharedCountedAndDeletable(t *testing.T) {
	s := newStudio(t)
	recorded := func(kind solution.Type) (yes bool) {
		require.NoError(t, s.db.Get(&yes, `SELECT solution_recorded('P1001', $1)`, kind))
		return yes
	}
	require.False(t, recorded(solution.Advanced))
	d, err := s.draft("2025-03-03 10:00", "", solution.Change{Type: to(solution.Advanced)})
	require.NoError(t, err)
	require.Equal(t, []string{"SD000001 DRAFT"}, s.lists("2025-03-03 10:00", ""))
	require.True(t, recorded(solution.Advanced))
	require.False(t, recorded(solution.Cloud))

	remove := activities.SolutionDraftInput{Draft: d.Draft, Partner: "P1001", Person: "bo", At: moment("2025-03-04 10:00")}
	require.Equal(t, []string{"CBC.0151"}, codes(s.drafts.Delete(context.Background(), remove)))
	remove.Person = "mei"
	require.NoError(t, s.drafts.Delete(context.Background(), remove))
	require.Empty(t, s.lists("2025-03-04 10:00", ""))
	require.False(t, recorded(solution.Advanced))
	remove.At = moment("2025-03-04 11:00")
	require.Equal(t, []string{"CBC.0100"}, codes(s.drafts.Delete(context.Background(), remove)))

	n, err := s.submits("2025-03-05 10:00", s.entered("2025-03-05 10:00", "", s.whole(solution.Cloud, "2.1")))
	require.NoError(t, err)
	_, err = s.decides("2025-03-06 10:00", n.Case, node1, 1, "cora", approval.Reject, "no test report")
	require.NoError(t, err)
	require.True(t, recorded(solution.Cloud), "a rejected one is a record")
	gone, err := s.solutions.DeleteSolution(context.Background(), activities.DeleteSolutionInput{Case: n.Case, Key: "x", Person: "sol", At: moment("2025-03-07 10:00")})
	require.NoError(t, err)
	require.True(t, gone.Ended)
	require.Equal(t, solution.Deleted, gone.State)
	require.False(t, recorded(solution.Cloud))
	require.Empty(t, s.lists("2025-03-07 10:00", ""))
	require.Equal(t, []string{"SOL000001 DELETED"}, s.lists("2025-03-07 10:00", solution.Deleted))
}

// Rule: CERT-03
func TestCERT03GivenACertifiedSolution_WhenItIsDeleted_ThenItStays(t *testing.T) {
	s := newStudio(t)
	number := s.certified(solution.Cloud, "2024-03-15 10:20")
	_, err := s.solutions.DeleteSolution(context.Background(), activities.DeleteSolutionInput{Case: number, Key: "x", Person: "sol", At: moment("2024-04-01 10:00")})
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
}

// Rule: CERT-04, CERT-05
func TestCERT04GivenASubmission_WhenItsDetailsAreShown_ThenEachNodeHasRoleDecisionCommentAndTime(t *testing.T) {
	s := newStudio(t)
	cloud, err := s.submits("2025-03-03 10:00", s.entered("2025-03-03 10:00", "", s.whole(solution.Cloud, "2.1")))
	require.NoError(t, err)
	advanced, err := s.submits("2025-03-03 11:00", s.entered("2025-03-03 11:00", "", s.whole(solution.Advanced, "1.0")))
	require.NoError(t, err)
	_, err = s.decides("2025-03-04 10:00", cloud.Case, node1, 1, "cora", approval.Approve, "complete")
	require.NoError(t, err)

	nodes := s.shows(cloud.Case, "2025-03-04 12:00").Rounds[0].Nodes
	require.Len(t, nodes, 2)
	require.Equal(t, []any{1, "certification-reviewer", "approved", "cora", "complete", moment("2025-03-04 10:00").UTC()}, []any{nodes[0].Node, nodes[0].Role, nodes[0].State, nodes[0].By, nodes[0].Comment, nodes[0].At.UTC()})
	require.Equal(t, []any{2, "solution-architect", "under review", "", moment("2025-03-04 10:00").UTC()}, []any{nodes[1].Node, nodes[1].Role, nodes[1].State, nodes[1].By, nodes[1].OpenedAt.UTC()})
	require.Nil(t, nodes[1].At)

	nodes = s.shows(advanced.Case, "2025-03-04 12:00").Rounds[0].Nodes
	require.Equal(t, []any{1, "under review", 2, "not asked yet"}, []any{nodes[0].Node, nodes[0].State, nodes[1].Node, nodes[1].State})

	_, err = s.decides("2025-03-05 10:00", advanced.Case, node1, 1, "cyril", approval.Reject, "no test report")
	require.NoError(t, err)
	round := s.shows(advanced.Case, "2025-03-05 12:00").Rounds[0]
	require.Equal(t, []any{approval.Reject, "rejected", "no test report", "not asked"}, []any{round.Outcome, round.Nodes[0].State, round.Nodes[0].Comment, round.Nodes[1].State})
	require.Equal(t, []string{"2025-03-05 10:00 rejected@1"}, s.told(advanced.Case, "kim@a.example"))
}

// Rule: ENG-02, PGM-07
func TestENG02GivenWhoSubmitted_WhenTheyReview_ThenSomebodyElseHasTo(t *testing.T) {
	s := newStudio(t)
	s.load("people:\n  - {id: both, name: Both, email: both@vendor.example, roles: [ecosystem-manager, certification-reviewer, solution-architect]}\n")
	sub := s.entered("2025-03-03 10:00", "", s.whole(solution.Cloud, "2.1"))
	sub.Submitter = "both"
	n, err := s.submits("2025-03-03 10:00", sub)
	require.NoError(t, err)
	_, err = s.decides("2025-03-04 10:00", n.Case, node1, 1, "both", approval.Approve, "")
	require.Contains(t, codes(err), "ENG_SELF_APPROVAL")
	_, err = s.decides("2025-03-04 11:00", n.Case, node1, 1, "cora", approval.Reject, "no")
	require.NoError(t, err)
	_, err = s.sends("2025-03-05 10:00", n.Case, s.entered("2025-03-05 10:00", n.Case, solution.Change{Version: to("2.2")}))
	require.NoError(t, err)
	_, err = s.decides("2025-03-06 10:00", n.Case, node1, 2, "both", approval.Approve, "")
	require.Contains(t, codes(err), "ENG_SELF_APPROVAL", "in no round")
}

// Rule: CERT-06, CERT-07, CERT-12
func TestCERT06GivenTheLastNodesApproval_WhenTheYearEnds_ThenTheSolutionCountsUntilTheInstantBefore(t *testing.T) {
	s := newStudio(t)
	cloud, advanced := s.certified(solution.Cloud, "2024-03-15 10:20"), s.certified(solution.Advanced, "2024-02-29 09:00")
	require.Equal(t, "2025-03-15 10:20:00", s.until(cloud))
	require.Equal(t, "2025-02-28 09:00:00", s.until(advanced))
	for at, want := range map[string]bool{
		"2024-03-15 10:19:59": false, "2024-03-15 10:20:00": true, "2024-03-15 10:20:01": true, "2025-03-15 10:19:59": true, "2025-03-15 10:20:00": false, "2025-03-15 10:20:01": false,
	} {
		require.Equal(t, want, s.counts(cloud, at), at)
	}
	for at, want := range map[string]bool{"2024-02-29 08:59:59": false, "2024-02-29 09:00:00": true, "2025-02-28 08:59:59": true, "2025-02-28 09:00:00": false} {
		require.Equal(t, want, s.counts(advanced, at), at)
	}
	require.Equal(t, solution.Expired, s.shows(cloud, "2025-03-15 10:20:00").State, "lists do not wait for the clock")
	require.Equal(t, solution.Expiring, s.shows(cloud, "2025-03-15 10:19:59").State)
	require.Equal(t, solution.Expiring, s.shows(cloud, "2025-01-14 10:20:00").State)
	require.Equal(t, solution.Certified, s.shows(cloud, "2025-01-14 10:19:59").State)
}

// Rule: CERT-08, CERT-09, CERT-16
func TestCERT08GivenTheWindow_WhenTheClockHasNotRun_ThenTheInstantDecides(t *testing.T) {
	s := newStudio(t)
	cloud, advanced := s.certified(solution.Cloud, "2024-03-15 10:20"), s.certified(solution.Advanced, "2024-02-29 09:00")
	sub := s.entered("2025-01-14 10:00", cloud, solution.Change{Version: to("3.0")})
	_, err := s.sends("2025-01-14 10:19:59", cloud, sub)
	require.Equal(t, []string{"CERT_WINDOW_NOT_OPEN"}, codes(err))
	require.ErrorContains(t, err, "Re-certification opens on 2025-01-14 10:20:00")
	now, err := s.sends("2025-01-14 10:20:00", cloud, sub)
	require.NoError(t, err)
	require.Equal(t, solution.Expiring, now.State)
	require.Equal(t, []string{
		"sol resubmit refused CERTIFIED>CERTIFIED CERT-08", "clock open the window CERTIFIED>EXPIRING CERT-08", "clock remind EXPIRING>EXPIRING CERT-22",
		"sol apply for re-certification EXPIRING>EXPIRING CERT-11",
	}, s.history(cloud)[3:], "what the clock had to do came first, with its own instants")
	same, err := s.sends("2025-01-14 10:21:00", cloud, sub)
	require.NoError(t, err, "the same request again")
	require.Equal(t, now, same)
	other := sub
	other.RequestKey = "second"
	_, err = s.sends("2025-01-14 10:25:00", cloud, other)
	require.Equal(t, []string{"CERT_PENDING"}, codes(err))
	_, err = s.draft("2025-01-14 10:30", cloud, solution.Change{Version: to("4.0")})
	require.Equal(t, []string{"CERT_PENDING"}, codes(err))
	_, err = s.submits("2025-01-14 10:35:00", other)
	require.Contains(t, codes(err), "CERT_PENDING")

	sub = s.entered("2024-12-30 08:00", advanced, solution.Change{Version: to("3.0")})
	_, err = s.sends("2024-12-30 08:59:59", advanced, sub)
	require.Equal(t, []string{"CERT_WINDOW_NOT_OPEN"}, codes(err))
	_, err = s.sends("2024-12-30 09:00:00", advanced, sub)
	require.NoError(t, err)
	_, err = s.db.Exec(`
		INSERT INTO solution_drafts (draft_id, partner_id, request_key, case_number, kind, name, version, materials, contact_name, contact_mobile, contact_email, created_at, saved_by, saved_at)
		SELECT 'SDx', partner_id, 'x', case_number, kind, 'Boreas', version, materials, contact_name, contact_mobile, contact_email, created_at, saved_by, saved_at FROM solution_drafts WHERE draft_id = 'SD000004'`)
	require.NoError(t, err)
	_, err = s.db.Exec(`INSERT INTO solution_rounds (case_number, round, cert_round, cert_try, draft_id) VALUES ($1, 2, 2, 7, 'SDx')`, advanced)
	require.ErrorContains(t, err, "locked", "the database guards CERT-14")
}

// Rule: CERT-10, CERT-11, CERT-19
func TestCERT10GivenAReCertification_WhenItPasses_ThenAYearBeginsAtThatInstant(t *testing.T) {
	s := newStudio(t)
	early, late, years := s.certified(solution.Cloud, "2024-03-15 10:20"), s.certified(solution.Cloud, "2024-03-15 10:20"), s.certified(solution.Advanced, "2024-03-15 10:20")
	renew := func(number, submitted, passed string) {
		_, err := s.sends(submitted, number, s.entered(submitted, number, solution.Change{Version: to("3.0")}))
		require.NoError(t, err)
		require.Equal(t, solution.Certified, s.approves(passed, number, 2).State)
	}
	renew(early, "2025-02-09 10:00", "2025-02-10 16:00")
	require.Equal(t, "2026-02-10 16:00:00", s.until(early), "CERT-10: the days left are not added")
	renew(late, "2025-05-05 10:00", "2025-05-06 11:00")
	require.Equal(t, "2026-05-06 11:00:00", s.until(late), "CERT-11: expired since 2025-03-15")
	renew(years, "2027-01-10 10:00", "2027-01-20 10:00")
	require.Equal(t, "2028-01-20 10:00:00", s.until(years), "CERT-19: there is no latest day")

	require.False(t, s.counts(late, "2025-04-01 10:00"), "CERT-12: between expiry and re-certification it does not count")
	require.False(t, s.counts(late, "2025-05-06 10:59:59"))
	require.True(t, s.counts(late, "2025-05-06 11:00:00"))
	require.True(t, s.counts(early, "2025-03-15 10:20:00"))
	require.Equal(t, 2, s.shows(early, "2025-03-01 10:00").CertRound)
	require.Equal(t, "3.0", s.shows(early, "2025-03-01 10:00").Version)
}

// Rule: CERT-13
func TestCERT13GivenASyncedAdvancedSolution_WhenReCertificationIsApplied_ThenItIsNotNew(t *testing.T) {
	s := newStudio(t)
	s.now = moment("2025-01-10 10:00")
	s.load("solutions:\n  - {key: a, partner: P1001, type: ADV, origin: SYNCED, name: Atlas, version: '2.1', certified_at: 2024-02-29T09:00:00+08:00}\n")
	require.Equal(t, []string{"SOL000001 EXPIRING"}, s.lists("2025-01-10 10:00", ""))
	change := s.whole(solution.Advanced, "3.0")
	_, err := s.sends("2025-01-10 10:05", "SOL000001", s.entered("2025-01-10 10:00", "SOL000001", change))
	require.Equal(t, []string{"CERT_NOT_NEW"}, codes(err))
}

// Rule: CERT-14, CERT-15
func TestCERT14GivenAReCertification_WhenMoreThanVersionAndMaterialsChange_ThenItIsRefused(t *testing.T) {
	s := newStudio(t)
	cloud, advanced := s.certified(solution.Cloud, "2024-03-15 10:20"), s.certified(solution.Advanced, "2024-02-29 09:00")
	_, err := s.sends("2025-02-10 10:00", advanced, s.entered("2025-02-10 10:00", advanced, solution.Change{Name: to("Boreas")}))
	require.Equal(t, []string{"CERT_FIELD_LOCKED"}, codes(err))
	_, err = s.sends("2025-02-10 10:00", cloud, s.entered("2025-02-10 10:00", cloud, solution.Change{ContactMobile: to("13900139000")}))
	require.Equal(t, []string{"CERT_FIELD_LOCKED"}, codes(err))

	fixed, err := s.drafts.Save(context.Background(), activities.SolutionDraftInput{
		Draft: "SD000003", Partner: "P1001", Person: "sol", At: moment("2025-02-10 11:00"),
		Change: solution.Change{Name: to("Atlas"), Version: to("3.0"), Materials: []solution.Material{{Type: solution.Deployment, Document: s.papers[solution.FeatureList], Name: "new.pdf"}}},
	})
	require.NoError(t, err)
	_, err = s.sends("2025-02-10 11:05", advanced, submission(fixed))
	require.NoError(t, err, "version 2.1 to 3.0 and other materials")
	require.Equal(t, "2.1", s.shows(advanced, "2025-02-10 12:00").Version, "what is certified stays so until the review has passed")
	s.approves("2025-02-11 10:00", advanced, 2)
	d := s.shows(advanced, "2025-02-11 12:00")
	require.Equal(t, "3.0", d.Version)
	require.Equal(t, "new.pdf", d.Entry.Materials[1].Name)
}

// Rule: CERT-18, PGM-11
func TestCERT18GivenARejectedReCertification_WhenItIsCorrected_ThenTheOldValidityStaysAndTheNextRoundBegins(t *testing.T) {
	s := newStudio(t)
	number := s.certified(solution.Cloud, "2024-03-15 10:20")
	_, err := s.sends("2025-01-20 10:00", number, s.entered("2025-01-20 10:00", number, solution.Change{Version: to("3.0")}))
	require.NoError(t, err)
	rejected, err := s.decides("2025-02-01 10:00", number, node1, 2, "cora", approval.Reject, "the test report is old")
	require.NoError(t, err)
	require.Equal(t, solution.Expiring, rejected.State)
	require.Equal(t, "2025-03-15 10:20:00", s.until(number))
	require.Equal(t, moment("2025-02-13 09:00").UTC(), rejected.WakeAt.UTC(), "its reminders go on")
	_, err = s.sends("2025-02-03 10:00", number, s.entered("2025-02-03 10:00", number, solution.Change{Version: to("3.1")}))
	require.NoError(t, err)
	rounds := s.shows(number, "2025-02-03 10:00").Rounds
	require.Equal(t, []any{1, 1, 2, 1, 2, 2}, []any{rounds[0].CertRound, rounds[0].Try, rounds[1].CertRound, rounds[1].Try, rounds[2].CertRound, rounds[2].Try}, "round 2 of the second certificate")
	require.Equal(t, "the test report is old", rounds[1].Nodes[0].Comment)
	_, err = s.decides("2025-03-20 10:00", number, node1, 3, "cora", approval.Reject, "still")
	require.NoError(t, err)
	require.Equal(t, solution.Expired, s.shows(number, "2025-03-20 10:00").State, "as the clock says")
	require.Contains(t, s.history(number), "cora reject EXPIRED>EXPIRED CERT-18")
}

// Rule: CERT-20
func TestCERT20GivenACertifiedSolution_WhenItsCertificateIsDownloaded_ThenItIsThere(t *testing.T) {
	s := newStudio(t)
	r := views.Reader{DB: s.db}
	number := s.certified(solution.Cloud, "2024-03-15 10:20")
	paper, err := r.SolutionCertificate(context.Background(), number, moment("2025-03-15 10:19:59"))
	require.NoError(t, err)
	require.Equal(t, []any{"CERT-2024-000001", number, "Atlas", "CLOUD", "2.1", "A Ltd"}, []any{paper.Number, paper.Subject, paper.Name, paper.Grade, paper.Version, paper.Holder})
	require.Equal(t, moment("2025-03-15 10:20").UTC(), paper.Until.UTC())
	_, err = r.SolutionCertificate(context.Background(), number, moment("2025-03-15 10:20:00"))
	require.Equal(t, []string{"CERT_NO_CERTIFICATE"}, codes(err))

	n, err := s.submits("2025-03-03 10:00", s.entered("2025-03-03 10:00", "", s.whole(solution.Cloud, "2.1")))
	require.NoError(t, err)
	_, err = s.decides("2025-03-04 10:00", n.Case, node1, 1, "cora", approval.Reject, "no")
	require.NoError(t, err)
	_, err = r.SolutionCertificate(context.Background(), n.Case, moment("2025-03-05 10:00"))
	require.Equal(t, []string{"CERT_NO_CERTIFICATE"}, codes(err))
}

// Rule: CERT-24
func TestCERT24GivenThePathWithItsRoleSelected_WhenACloudSolutionPasses_ThenTheRoleIsCertifiedAndStays(t *testing.T) {
	s := newStudio(t)
	stage := func(at string) (stage string) {
		require.NoError(t, s.db.Get(&stage, `SELECT path_stage('P1001', 'SW', $1)`, moment(at)))
		return stage
	}
	s.certified(solution.Advanced, "2024-02-29 09:00")
	require.Equal(t, "SELECTED", stage("2024-02-29 09:00"), "only cloud software does")
	number := s.certified(solution.Cloud, "2024-03-15 10:20")
	require.Equal(t, "SELECTED", stage("2024-03-15 10:19:59"))
	require.Equal(t, "ROLE_CERTIFIED", stage("2024-03-15 10:20:00"))
	s.clock("2025-03-15 10:20", number)
	require.Equal(t, "ROLE_CERTIFIED", stage("2025-03-15 10:20"), "the only solution has expired; a review decides about the role")
	s.certified(solution.Cloud, "2025-05-06 11:00")
	require.Equal(t, 2, s.count(`SELECT count(*) FROM partner_paths WHERE path = 'SW'`))

	s.db.MustExec(`UPDATE partner_paths SET stage = 'DIFFERENTIATED' WHERE until_at IS NULL`)
	s.certified(solution.Cloud, "2025-07-06 11:00")
	require.Equal(t, "DIFFERENTIATED", stage("2025-08-01 10:00"), "a higher stage is not lowered")
}

// Rule: CERT-24
func TestCERT24GivenASelectionOfThatVeryInstant_WhenTheSolutionPasses_ThenTheStageBeginsCertifiedAndEndsWithTheSpan(t *testing.T) {
	s := newStudio(t)
	n, err := s.submits("2024-03-03 10:00", s.entered("2024-03-03 10:00", "", s.whole(solution.Cloud, "2.1")))
	require.NoError(t, err)
	pgtest.Owner(t, s.db).MustExec(`UPDATE partner_paths SET from_at = $1, until_at = $2`, moment("2024-03-15 10:20"), moment("2024-12-31 10:00"))
	s.approves("2024-03-15 10:20", n.Case, 1)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM partner_paths WHERE stage = 'ROLE_CERTIFIED' AND from_at = $1 AND until_at = $2`, moment("2024-03-15 10:20"), moment("2024-12-31 10:00")))

	s.db.MustExec(`UPDATE partner_paths SET stage = 'SELECTED'`)
	second, err := s.submits("2024-04-03 10:00", s.entered("2024-04-03 10:00", "", s.whole(solution.Cloud, "2.1")))
	require.NoError(t, err)
	s.approves("2024-04-15 10:20", second.Case, 1)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM partner_paths WHERE stage = 'ROLE_CERTIFIED' AND from_at = $1 AND until_at = $2`, moment("2024-04-15 10:20"), moment("2024-12-31 10:00")))
	require.Equal(t, 1, s.count(`SELECT count(*) FROM partner_paths WHERE stage = 'SELECTED' AND until_at = $1`, moment("2024-04-15 10:20")))
}

// Two reviewers, two submitters and the clock at once: one of each takes effect, whatever the order.
//
// Rule: CERT-16, ENG-01
func TestCERT16GivenSeveralAtOnce_WhenTheyActOnOneSolution_ThenEachStepHappensOnce(t *testing.T) {
	s := newStudio(t)
	number := s.certified(solution.Cloud, "2024-03-15 10:20")
	sub := s.entered("2025-03-01 10:00", number, solution.Change{Version: to("3.0")})
	at := func(n int, f func(i int)) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { f(i) })
		}
		all.Wait()
	}
	at(6, func(i int) {
		if i%2 == 0 {
			s.cases.Clock(context.Background(), activities.ClockInput{Case: number, At: moment("2025-03-20 10:00")}) //nolint:errcheck // counted below
			return
		}
		other := sub
		other.RequestKey = fmt.Sprint("k", i)
		s.sends("2025-03-20 10:00", number, other) //nolint:errcheck // likewise
	})
	require.Equal(t, 2, s.count(`SELECT count(*) FROM approvals WHERE case_number = $1`, number), "one new round")
	require.Len(t, s.told(number, "wang"), 5, "each reminder and the end once")
	at(4, func(i int) {
		s.cases.Decide(context.Background(), activities.DecideInput{At: moment("2025-03-21 10:00"), Decision: approval.Decision{ //nolint:errcheck // likewise
			Task: approval.TaskID(number, node1, 2), Key: fmt.Sprint("race", i), Person: []string{"cora", "cyril"}[i%2], Outcome: approval.Approve,
		}})
	})
	require.Equal(t, 1, s.count(`SELECT count(*) FROM decisions WHERE case_number = $1 AND round = 2`, number))
	at(3, func(i int) {
		s.cases.Decide(context.Background(), activities.DecideInput{At: moment("2025-03-22 10:00"), Decision: approval.Decision{ //nolint:errcheck // likewise
			Task: approval.TaskID(number, node2, 2), Key: "last", Person: "ada", Outcome: approval.Approve,
		}})
	})
	require.Equal(t, 2, s.count(`SELECT count(*) FROM solution_certifications WHERE case_number = $1`, number))
	require.Equal(t, 2, s.count(`SELECT count(*) FROM certificates WHERE case_number = $1`, number))
}

// Rule: CERT-06, CERT-23, COM-20
func TestGivenSolutionsThatWereCertifiedBefore_WhenTheyAreTakenOver_ThenTheyAreWhereTheClockHasThem(t *testing.T) {
	s := newStudio(t)
	s.now = moment("2025-02-01 10:00")
	text := `
solutions:
  - {key: a, partner: P1001, type: CLOUD, name: Atlas, version: "1", certified_at: 2024-12-15T10:20:00+08:00, contact: {name: Kim, mobile: "13800138000", email: kim@a.example}}
  - {key: b, partner: P1001, type: CLOUD, name: Boreas, version: "1", certified_at: 2024-03-15T10:20:00+08:00}
  - {key: c, partner: P1001, type: ADV, name: Cetus, version: "1", certified_at: 2023-03-15T10:20:00+08:00, submitter: sol}
`
	s.load(text)
	s.load(text)
	require.Equal(t, []string{"SOL000001 CERTIFIED", "SOL000002 EXPIRING", "SOL000003 EXPIRED"}, s.lists("2025-02-01 10:00", ""))
	require.Equal(t, 3, s.count(`SELECT count(*) FROM cases`))
	require.Zero(t, s.count(`SELECT count(*) FROM outbox`), "what has passed is not told")
	waiting, err := views.Reader{DB: s.db}.WithoutRun(context.Background())
	require.NoError(t, err)
	require.Len(t, waiting, 3)

	run := s.starts("2025-02-01 11:00")
	run.env.RegisterDelayedCallback(run.env.CancelWorkflow, moment("2025-04-01 10:00").Sub(run.start)) // which is refused
	renewed := run.sends("2025-04-02 10:00", "SOL000002", s.whole(solution.Cloud, "2"))
	named := run.sends("2025-04-03 10:00", "SOL000002", solution.Change{Name: to("Boreas")})
	run.decides("2025-04-04 10:00", "SOL000002", node1, 1, "cora", approval.Approve, "")
	run.decides("2025-04-05 10:00", "SOL000002", node2, 1, "ada", approval.Approve, "")
	run.toEnd(SolutionInput{Resume: "SOL000002"})
	require.Equal(t, []string{"CERT_FIELD_LOCKED"}, renewed.refused().Codes(), "the name; the contact was not known")
	require.NoError(t, named.err, "the draft is changed, and kept the contact")
	require.Equal(t, "2026-04-05 10:00:00", s.until("SOL000002"))
	require.Equal(t, []string{"2025-02-13 09:00 remind/1/30", "2025-03-08 09:00 remind/1/7", "2025-03-15 09:00 remind/1/0", "2025-03-15 10:20 expired/1"}, s.told("SOL000002", "wang"))
	waiting, err = views.Reader{DB: s.db}.WithoutRun(context.Background())
	require.NoError(t, err)
	require.Len(t, waiting, 2, "a run has taken it over")

	file, err := activities.ParseProgramme([]byte("solutions:\n  - {key: a, partner: P1001, type: CLOUD, name: Other, version: '1', certified_at: 2024-12-15T10:20:00+08:00}\n"))
	require.NoError(t, err)
	_, err = (&activities.Programme{DB: s.db}).Load(context.Background(), file, "test", s.now)
	require.Equal(t, []string{"COM_REQUEST_KEY"}, codes(err))
	paper, err := views.Reader{DB: s.db}.SolutionCertificate(context.Background(), "SOL000001", moment("2025-02-02 10:00"))
	require.NoError(t, err)
	require.Equal(t, moment("2024-12-15 10:20").UTC(), paper.From.UTC())
}

func TestGivenHundredsOfSolutions_WhenTheyAreTakenOver_ThenItTakesAFewStatements(t *testing.T) {
	s := newStudio(t)
	s.now = moment("2025-02-01 10:00")
	var f activities.ProgrammeFile
	for i := range 500 {
		f.Solutions = append(f.Solutions, activities.SolutionRecord{
			Key: fmt.Sprint(i), Partner: "P1001", Type: solution.Cloud, Name: "Atlas", Version: "1", CertifiedAt: moment("2024-03-01 10:00").Add(time.Duration(i) * time.Hour),
		})
	}
	_, err := (&activities.Programme{DB: s.db}).Load(context.Background(), f, "test", s.now)
	require.NoError(t, err)
	require.Equal(t, 500, s.count(`SELECT count(*) FROM solution_certifications WHERE solution_certified(case_number, '2025-02-01T10:00:00+08:00')`))
	require.Equal(t, 500, s.count(`SELECT count(*) FROM cases WHERE wake_at > '2025-02-01T10:00:00+08:00'`))
}

// Rule: CERT-03
func TestGivenARejectedSolution_WhenItIsDeleted_ThenTheRunEnds(t *testing.T) {
	s := newStudio(t)
	sub := s.entered("2025-03-03 09:00", "", s.whole(solution.Cloud, "2.1"))
	run := s.starts("2025-03-03 10:00")
	run.asks("2025-03-03 10:00", SubmitUpdate, &fundAnswer{}, func() any { return sub })
	second := run.asks("2025-03-03 11:00", SubmitUpdate, &fundAnswer{}, func() any {
		other := sub
		other.RequestKey = "other"
		return other
	})
	early := run.asks("2025-03-03 12:00", DeleteUpdate, &fundAnswer{}, func() any { return activities.DeleteSolutionInput{Key: "d1", Person: "sol"} })
	run.decides("2025-03-04 10:00", "SOL000001", node1, 1, "cora", approval.Reject, "no test report")
	run.sends("2025-03-05 10:00", "SOL000001", solution.Change{Name: to("Boreas"), ContactName: to("Lou")}) // everything can change
	run.decides("2025-03-06 10:00", "SOL000001", node1, 2, "cora", approval.Approve, "")
	run.decides("2025-03-07 10:00", "SOL000001", node2, 2, "ada", approval.Reject, "no")
	run.asks("2025-03-08 10:00", DeleteUpdate, &fundAnswer{}, func() any { return activities.DeleteSolutionInput{Key: "d2", Person: "mei"} })
	run.toEnd(SolutionInput{Submission: sub})
	require.Equal(t, []string{"CERT_PENDING"}, second.refused().Codes())
	require.Equal(t, []string{"CERT_PENDING"}, early.refused().Codes(), "it is under review")
	require.Equal(t, CaseResult{Case: "SOL000001", State: solution.Deleted}, run.result)
	require.Equal(t, "Boreas", s.shows("SOL000001", "2025-03-09 10:00").Name)
}
