package workflows

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/certificate"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// Rule: CERT-25
func TestCERT25GivenASavedDraft_WhenItIsRenamed_ThenTheNameIsFrozenAndADraftMadeAnewHasTheOther(t *testing.T) {
	j := newJoint(t)
	first, err := j.saves("2025-03-01 10:00", entry("X"))
	require.NoError(t, err)
	require.Equal(t, "BD000001", first.Project)
	again, err := j.saves("2025-03-01 10:00", entry("X"))
	require.NoError(t, err)
	require.Equal(t, first.Project, again.Project, "the same request")

	renamed := entry("Y")
	_, err = j.projects.Save(context.Background(), activities.SaveBaselineInput{Project: first.Project, Change: said(renamed), Person: "sol", At: cst("2025-03-02 10:00")})
	require.Equal(t, []string{"CERT-25 CERT_NAME_FROZEN"}, codesOf(activities.RefusalOf(err)))
	_, err = j.db.Exec(`UPDATE baseline_projects SET name = 'Y'`)
	require.ErrorContains(t, err, "permission denied")
	other := entry("X")
	other.Version = "2.0"
	_, err = j.projects.Save(context.Background(), activities.SaveBaselineInput{Project: first.Project, Change: said(other), Person: "sol", At: cst("2025-03-02 10:00")})
	require.NoError(t, err, "everything else changes")

	_, err = j.projects.Save(context.Background(), activities.SaveBaselineInput{Partner: "P1001", RequestKey: "none", Change: said(entry("")), Person: "sol", At: cst("2025-03-02 10:00")})
	require.Equal(t, []string{"CERT-25 CERT_INCOMPLETE"}, codesOf(activities.RefusalOf(err)), "a name is given from the first time on")
	require.NoError(t, j.projects.Delete(context.Background(), activities.BaselineInput{Project: first.Project, Person: "sol", At: cst("2025-03-02 11:00")}))
	made, err := j.saves("2025-03-02 11:00", renamed)
	require.NoError(t, err)
	require.Equal(t, "BD000002", made.Project)
	require.Equal(t, 1, j.count(`SELECT count(*) FROM baseline_projects WHERE name = 'Y'`))
}

// Rule: CERT-26
func TestCERT26GivenAFeatureList_WhenItIsUncheckedOrWrong_ThenTheProjectIsNotSubmitted(t *testing.T) {
	j := newJoint(t)
	d, err := j.saves("2025-03-01 10:00", entry("X"))
	require.NoError(t, err)
	sub := baseline.Submission{RequestKey: "k", PartnerID: "P1001", Submitter: "sol", Project: d.Project}
	submit := func() []string {
		_, err := j.submits("2025-03-02 10:00", sub)
		return codesOf(activities.RefusalOf(err))
	}
	require.Equal(t, []string{"CERT-26 CERT_INCOMPLETE"}, submit())
	j.has("2025-03-01 10:00", d.Project, baseline.Presentation, "deck.pdf", paper(t, "deck", ""))
	j.has("2025-03-01 10:00", d.Project, baseline.FeatureList, "features.csv", []byte(goodList))
	require.Equal(t, []string{"CERT-26 CERT_FEATURELIST"}, submit(), "unchecked")

	j.has("2025-03-01 11:00", d.Project, baseline.FeatureList, "features.csv", []byte("feature,description,cloud_service,status,remark\nplan,,ECS,soon,\n"))
	require.Equal(t, []string{`line 2: description is not filled in`, `line 2: status is "soon"; it is one of available, planned`}, j.checks("2025-03-01 11:00", d.Project).Files[baseline.FeatureList].Findings)
	require.Equal(t, []string{"CERT-26 CERT_FEATURELIST"}, submit(), "checked, not passed")

	j.has("2025-03-01 12:00", d.Project, baseline.FeatureList, "features.csv", []byte(goodList))
	require.Equal(t, []string{"CERT-26 CERT_FEATURELIST"}, submit(), "another content is not checked")
	require.Empty(t, j.checks("2025-03-01 12:00", d.Project).Files[baseline.FeatureList].Findings)
	require.Zero(t, j.count(`SELECT count(*) FROM cases WHERE kind = 'baseline-solution'`))
	require.Empty(t, submit())
	require.Equal(t, 1, j.count(`SELECT count(*) FROM cases WHERE kind = 'baseline-solution' AND state = 'PROJECT_REVIEW'`))
}

// Rule: CERT-26
func TestCERT26GivenAnAttachment_WhenItIsEncryptedOrSoftwareOrSource_ThenItIsForbiddenAndNothingIsKept(t *testing.T) {
	j := newJoint(t)
	d, err := j.saves("2025-03-01 10:00", entry("X"))
	require.NoError(t, err)
	archive := func(name, content string, flags uint16) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		f, err := w.CreateRaw(&zip.FileHeader{Name: name, Flags: flags, CompressedSize64: uint64(len(content)), UncompressedSize64: uint64(len(content))})
		require.NoError(t, err)
		_, err = f.Write([]byte(content))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	n := 0
	for name, content := range map[string][]byte{
		"encrypted.pdf": paper(t, "secret", "password"), "encrypted.zip": archive("a.txt", "x", 1), "source.zip": archive("core/engine.c", "int main;", 0),
		"tool.exe": append([]byte("MZ\x90\x00"), make([]byte, 600)...), "page.html": []byte("<html><body>x</body></html>"), "engine.c": []byte("int main() { return 0; }"),
	} {
		n++
		_, err := j.uploads(fmt.Sprintf("2025-03-01 10:00:%02d", n), d.Project, baseline.Presentation, name, content)
		require.Equal(t, []string{"CERT-26 CERT_FORBIDDEN_FILE"}, codesOf(activities.RefusalOf(err)), name)
	}
	_, err = j.uploads("2025-03-01 10:00", d.Project, baseline.Presentation, "empty.pdf", nil)
	require.Equal(t, []string{"CERT-26 CBC.0100"}, codesOf(activities.RefusalOf(err)))
	require.Zero(t, j.count(`SELECT count(*) FROM baseline_files`))
	require.Equal(t, 5, j.count(`SELECT count(*) FROM documents`), "only the studio's own")
	require.Equal(t, 7, j.count(`SELECT count(*) FROM refusals WHERE kind = 'baseline-solution' AND action = 'upload'`))
}

// Rule: CERT-27, PGM-07, PGM-11
func TestCERT27GivenAProject_WhenItIsRefusedWithTwoComments_ThenThePartnerIsToldCorrectsAndSubmitsItAgain(t *testing.T) {
	j := newJoint(t)
	sub := j.ready("2025-05-01 10:00", entry("X"))
	opened, err := j.submits("2025-05-02 10:00", sub)
	require.NoError(t, err)
	require.Equal(t, "BL000001", opened.Case)
	change := func(at, version string) error {
		e := entry("X")
		e.Version = version
		_, err := j.projects.Save(context.Background(), activities.SaveBaselineInput{Project: sub.Project, Change: said(e), Person: "sol", At: cst(at)})
		return err
	}
	require.Equal(t, []string{"CERT-27 CERT_PENDING"}, codesOf(activities.RefusalOf(change("2025-05-03 10:00", "1.1"))), "what is reviewed stays")
	_, err = j.decides("2025-05-05 10:00", "BL000001", "project", 1, "sol", "pass", "")
	require.Error(t, err, "nobody decides on an application of their own")
	j.says("2025-05-05 11:00", "BL000001", baseline.ProjectMatter, "cyril", approval.Comment, "the market is not named")
	refused := j.says("2025-05-06 10:00", "BL000001", baseline.ProjectMatter, "cora", "reject", "the price is missing")
	require.Equal(t, baseline.ProjectRejected, refused.State)

	v, err := views.Reader{DB: j.db}.Baseline(context.Background(), "BL000001")
	require.NoError(t, err)
	require.Equal(t, []string{"cyril: the market is not named", "cora: the price is missing"}, v.Comments)
	require.Equal(t, 1, j.count(`SELECT count(*) FROM outbox WHERE person_id = 'sol' AND written_at = $1 AND body LIKE '%the price is missing%'`, cst("2025-05-06 10:00")), "the result reaches the partner by itself")

	require.NoError(t, change("2025-05-07 10:00", "1.1"))
	again := j.does("2025-05-08 10:00", "BL000001", "mei", baseline.SubmitAgain, "")
	require.Equal(t, baseline.ProjectReview, again.State)
	require.Equal(t, 2, j.count(`SELECT count(*) FROM approvals WHERE case_number = 'BL000001' AND matter = 'project'`))
	require.Equal(t, 1, j.count(`SELECT count(*) FROM approvals WHERE case_number = 'BL000001' AND round = 1 AND application ->> 'version' = '1.0'`), "the first round is still there")
	_, err = j.asks("2025-05-08 11:00", "BL000001", "mei", baseline.SubmitAgain, "")
	require.Equal(t, []string{"CERT-27 CERT_PENDING"}, codesOf(activities.RefusalOf(err)))
	require.Equal(t, baseline.ProjectDone, j.says("2025-05-09 10:00", "BL000001", baseline.ProjectMatter, "cyril", "pass", "").State)
	require.Equal(t, []string{
		"sol submit >PROJECT_REVIEW CERT-27", "sol pass refused PROJECT_REVIEW>PROJECT_REVIEW COM-16", "cyril comment PROJECT_REVIEW>PROJECT_REVIEW",
		"cora reject PROJECT_REVIEW>PROJECT_REJECTED CERT-27", "mei submit-again PROJECT_REJECTED>PROJECT_REVIEW CERT-27",
		"mei submit-again refused PROJECT_REVIEW>PROJECT_REVIEW CERT-27", "cyril pass PROJECT_REVIEW>PROJECT_DONE CERT-27",
	}, j.history("BL000001"))
}

// Rule: CERT-28
func TestCERT28GivenARefusedProject_WhenDesignIsAppliedFor_ThenBothRunSideBySide(t *testing.T) {
	j := newJoint(t)
	sub := j.ready("2025-05-01 10:00", entry("X"))
	opened, err := j.submits("2025-05-02 10:00", sub)
	require.NoError(t, err)
	number := opened.Case
	j.says("2025-05-06 10:00", number, baseline.ProjectMatter, "cora", "reject", "no")
	now := j.does("2025-05-07 10:00", number, "sol", baseline.ApplyDesign, "")
	require.Equal(t, baseline.ProjectRejected, now.State)
	require.Equal(t, "project refused, designing", j.about(number))
	_, err = j.asks("2025-05-07 11:00", number, "sol", baseline.HandInDesign, "")
	require.Equal(t, []string{"CERT-28 CERT_INCOMPLETE"}, codesOf(activities.RefusalOf(err)))
	j.has("2025-05-07 12:00", sub.Project, baseline.DesignPaper, "design.pdf", paper(t, "design", ""))
	j.does("2025-05-07 12:00", number, "sol", baseline.HandInDesign, "")
	_, err = j.asks("2025-05-07 13:00", number, "sol", baseline.HandInDesign, "")
	require.Equal(t, []string{"CERT-28 CERT_PENDING"}, codesOf(activities.RefusalOf(err)))

	e := entry("X")
	e.Version = "1.1"
	_, err = j.projects.Save(context.Background(), activities.SaveBaselineInput{Project: sub.Project, Change: said(e), Person: "sol", At: cst("2025-05-08 10:00")})
	require.NoError(t, err)
	require.Equal(t, baseline.ProjectReview, j.does("2025-05-08 10:00", number, "sol", baseline.SubmitAgain, "").State, "resubmission stays possible")
	require.Equal(t, "project under review, designing", j.about(number))
	j.says("2025-05-09 10:00", number, baseline.DesignMatter, "ada", "reject", "no interface")
	require.Equal(t, "project under review, designing", j.about(number), "it is handed in again")
	j.does("2025-05-10 10:00", number, "sol", baseline.HandInDesign, "")
	j.says("2025-05-11 10:00", number, baseline.DesignMatter, "ada", "accept", "")
	require.Equal(t, "project under review, verifying", j.about(number))
	j.says("2025-05-20 10:00", number, baseline.ProjectMatter, "cora", "pass", "")
	require.Equal(t, "project done, verifying", j.about(number))
	j.has("2025-05-21 10:00", sub.Project, baseline.TestReport, "report.pdf", paper(t, "report", ""))
	j.does("2025-05-21 10:00", number, "sol", baseline.HandInVerification, "")
	j.says("2025-05-22 10:00", number, baseline.VerificationMatter, "ada", "verify", "")
	require.Equal(t, "project done, verified", j.about(number))
	_, err = j.asks("2025-05-23 10:00", number, "sol", baseline.ApplyDesign, "")
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
}

// Rule: CERT-29
func TestCERT29GivenAProject_WhenItIsDone_ThenMaterialGoodsAndConfiguratorAreAvailableAndNotBefore(t *testing.T) {
	j := newJoint(t)
	sub := j.ready("2025-05-01 10:00", entry("X"))
	opened, err := j.submits("2025-05-02 10:00", sub)
	require.NoError(t, err)
	number, r := opened.Case, views.Reader{DB: j.db}
	three := func(at string) (codes []string) {
		_, err := r.ReleaseMaterial(context.Background(), number)
		codes = append(codes, codesOf(activities.RefusalOf(err))...)
		_, err = j.asks(at, number, "dai", baseline.ListGoods, "")
		codes = append(codes, codesOf(activities.RefusalOf(err))...)
		_, err = j.asks(at, number, "sol", baseline.BeginConfigurator, "ava")
		return append(codes, codesOf(activities.RefusalOf(err))...)
	}
	open := "CERT-29 CERT_PROJECT_OPEN"
	require.Equal(t, []string{open, open, open}, three("2025-05-20 09:59:59"))
	_, err = j.db.Exec(`INSERT INTO baseline_tracks (case_number, track, state, since_at) VALUES ($1, 'GOODS', 'GOODS_LISTING', now())`, number)
	require.ErrorContains(t, err, "not done")
	_, err = j.uploads("2025-05-20 09:59:59", sub.Project, baseline.ReleaseItem("introduction"), "i.pdf", paper(t, "i", ""))
	require.Equal(t, []string{open}, codesOf(activities.RefusalOf(err)))
	j.says("2025-05-20 10:00", number, baseline.ProjectMatter, "cora", "pass", "")
	require.Empty(t, three("2025-05-20 10:00"))
	material, err := r.ReleaseMaterial(context.Background(), number)
	require.NoError(t, err)
	require.Equal(t, []string{"introduction", "方案介绍，面向客户", "what the solution does, for customers"}, material[1])

	for _, wrong := range []struct {
		by        string
		action    baseline.Action
		reference string
		code      string
	}{
		{"sol", baseline.GoodsAreListed, "G-1", "CERT-29 CBC.0151"},
		{"dai", baseline.GoodsAreListed, "", "CERT-29 CERT_INCOMPLETE"},
		{"ada", baseline.EndConfigurator, "", "CERT-29 CBC.0151"},
		{"dai", baseline.ListGoods, "", "ENG-03 ENG_STATE"},
	} {
		_, err := j.asks("2025-05-21 10:00", number, wrong.by, wrong.action, wrong.reference)
		require.Equal(t, []string{wrong.code}, codesOf(activities.RefusalOf(err)), "%+v", wrong)
	}
	j.does("2025-05-22 10:00", number, "dai", baseline.GoodsAreListed, "G-1")
	j.does("2025-05-23 10:00", number, "ava", baseline.EndConfigurator, "")
	require.Equal(t, "project done, goods listed, configurator done", j.about(number))
}

// Rule: CERT-30
func TestCERT30GivenARelease_WhenItIsCancelledAfterTwoUploads_ThenBothFilesAreGoneAndWhatIsSavedStays(t *testing.T) {
	j := newJoint(t)
	ctx := context.Background()
	number, project := j.project("2025-05-20 10:00", entry("X"))
	in := activities.BaselineInput{Project: project, Person: "sol", At: cst("2025-05-21 11:00")}
	upload := func(item string) {
		j.has("2025-05-21 10:00", project, baseline.ReleaseItem(item), item+".pdf", paper(t, item, ""))
	}
	files := func() int { return j.count(`SELECT count(*) FROM baseline_files WHERE item LIKE 'release:%'`) }
	staged := func() int { return j.count(`SELECT count(*) FROM baseline_uploads`) }
	before := j.count(`SELECT count(*) FROM documents`)
	upload("introduction")
	upload("deployment-guide")
	require.Equal(t, 2, staged())
	_, err := j.projects.CancelRelease(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, before}, []int{staged(), files(), j.count(`SELECT count(*) FROM documents`)}, "not even a content is left")

	upload("introduction")
	save := activities.SaveReleaseInput{Project: project, Note: "first", Person: "sol", At: cst("2025-05-21 12:00")}
	_, err = j.projects.SaveRelease(ctx, save)
	require.NoError(t, err)
	upload("deployment-guide")
	_, err = j.projects.CancelRelease(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, []int{staged(), files()}, "what was saved is kept")
	save.Note = "edited"
	_, err = j.projects.SaveRelease(ctx, save)
	require.NoError(t, err)
	v, err := views.Reader{DB: j.db}.Baseline(ctx, number)
	require.NoError(t, err)
	require.Equal(t, "edited", v.Release.Note)
	_, err = j.asks("2025-05-22 10:00", number, "sol", baseline.SubmitRelease, "")
	require.Equal(t, []string{"CERT-30 CERT_INCOMPLETE"}, codesOf(activities.RefusalOf(err)))
	require.ErrorContains(t, err, "verification, goods listing, deployment-guide, service-agreement")
	_, err = j.projects.DeleteRelease(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 0}, []int{staged(), files(), j.count(`SELECT count(*) FROM baseline_releases`)})
	_, err = j.db.Exec(`UPDATE cases SET state = 'RELEASE_REVIEW' WHERE case_number = $1`, number)
	require.ErrorContains(t, err, "cannot be released yet")
}

// Rule: CERT-30, CERT-31, CERT-21, CERT-24
func TestCERT21GivenAReleasedSolution_WhenItIsLookedFor_ThenItIsPublicAnOfferingAndACertifiedCloudSolution(t *testing.T) {
	j := newJoint(t)
	ctx, r := context.Background(), views.Reader{DB: j.db}
	number, project := j.releasable("2025-03-20 10:00", entry("Atlas"))
	run := j.starts("2025-03-25 10:00")
	submitted := run.asks("2025-03-26 10:00", ActUpdate, &fundAnswer{}, func() any { return baseline.Act{RequestKey: "r1", Person: "sol", Action: baseline.SubmitRelease} })
	run.decides("2025-03-27 10:00", number, "release", 1, "cora", "reject", "the guide is old")
	run.asks("2025-03-28 09:00", ActUpdate, &fundAnswer{}, func() any {
		j.material("2025-03-28 09:00", project)
		return baseline.Act{RequestKey: "r2", Person: "sol", Action: baseline.SubmitRelease}
	})
	run.decides("2025-04-01 10:00", number, "release", 2, "cyril", "release", "")
	var child []string // the solution's own run goes on for years: here it only says that it was started
	run.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, in SolutionInput) error {
		child = append(child, workflow.GetInfo(ctx).WorkflowExecution.ID, in.Resume)
		return nil
	}, workflow.RegisterOptions{Name: SolutionType})
	run.env.ExecuteWorkflow(BaselineSolution, BaselineSolutionInput{Resume: number})

	require.True(t, run.env.IsWorkflowCompleted())
	require.NoError(t, run.env.GetWorkflowError())
	var result CaseResult
	require.NoError(t, run.env.GetWorkflowResult(&result))
	require.Equal(t, CaseResult{Case: number, State: baseline.Released}, result)
	require.Equal(t, baseline.ReleaseReview, submitted.standing.State)

	public, err := r.ReleasedBaselines(ctx)
	require.NoError(t, err)
	require.Len(t, public, 1)
	require.Equal(t, "Atlas", public[0].Name)
	require.Equal(t, "first release", public[0].Note)
	require.True(t, public[0].ReleasedAt.Equal(cst("2025-04-01 10:00")))

	offerings, err := r.Offerings(ctx, "P1001")
	require.NoError(t, err)
	require.Equal(t, []views.Offering{{Kind: "baseline-solution", Number: number, Name: "Atlas"}, {Kind: "shop-good", Number: "G-" + number, Name: "Atlas"}}, offerings)
	none, err := r.Offerings(ctx, "P2002")
	require.NoError(t, err)
	require.Empty(t, none, "another partner's own")

	var synced struct {
		Number string `db:"case_number"`
		Origin string `db:"origin"`
		Kind   string `db:"kind"`
		State  string `db:"state"`
	}
	require.NoError(t, j.db.Get(&synced, `
		SELECT s.case_number, s.origin, d.kind, c.state FROM baseline_projects p JOIN solutions s ON s.case_number = p.solution JOIN solution_drafts d USING (draft_id) JOIN cases c ON c.case_number = s.case_number WHERE p.project_id = $1`, project))
	require.Equal(t, []string{"SOL000001", "SYNCED", "CLOUD", "CERTIFIED"}, []string{synced.Number, synced.Origin, synced.Kind, synced.State})
	require.Equal(t, []string{"solution/P1001/SD000001", "SOL000001"}, child, "its run goes on by itself")
	require.Equal(t, "2026-04-01 10:00:00", j.until("SOL000001"))
	certificates, err := r.Certificates(ctx, views.CertificateFilter{Subject: "SOL000001"}, sec("2026-04-01 09:59:59"))
	require.NoError(t, err)
	require.Len(t, certificates, 1)
	require.Equal(t, certificate.Valid, certificates[0].State)
	require.True(t, certificates[0].Until.Equal(cst("2026-04-01 10:00")))
	require.Equal(t, 1, j.count(`SELECT count(*) FROM partner_paths WHERE path = 'SW' AND stage = 'ROLE_CERTIFIED' AND from_at = $1`, cst("2025-04-01 10:00")))
}

// Rule: CERT-21
func TestCERT21GivenASolutionThatTheVendorLeads_WhenItIsReleased_ThenItIsNoCertifiedSolutionOfThePartner(t *testing.T) {
	j := newJoint(t)
	e := entry("Atlas")
	e.Lead = baseline.ByVendor
	number, _ := j.releasable("2025-03-20 10:00", e)
	j.does("2025-03-26 10:00", number, "sol", baseline.SubmitRelease, "")
	require.True(t, j.says("2025-04-01 10:00", number, baseline.ReleaseMatter, "cora", "release", "").Ended)
	require.Zero(t, j.count(`SELECT count(*) FROM solutions`))
	synced, err := j.acts.Synced(context.Background(), number)
	require.NoError(t, err)
	require.Empty(t, synced.Number)
}

// Rule: CERT-28, CERT-29, PGM-10, COM-20
func TestGivenAProjectsRun_WhenTracksGoOnBesideIt_ThenTheCaseEndsWithTheLastOfThem(t *testing.T) {
	j := newJoint(t)
	sub := j.ready("2025-05-01 10:00", entry("X"))
	run := j.starts("2025-05-02 10:00")
	act := func(at, by string, action baseline.Action, reference string, first func()) *fundAnswer {
		return run.asks(at, ActUpdate, &fundAnswer{}, func() any {
			if first != nil {
				first()
			}
			return baseline.Act{RequestKey: string(action) + at, Person: by, Action: action, Reference: reference}
		})
	}
	number := "BL000001"
	again := run.asks("2025-05-02 11:00", SubmitUpdate, &fundAnswer{}, func() any { return sub })
	other := run.asks("2025-05-02 12:00", SubmitUpdate, &fundAnswer{}, func() any {
		o := sub
		o.RequestKey = "k2"
		return o
	})
	act("2025-05-03 10:00", "sol", baseline.ApplyDesign, "", nil)
	act("2025-05-04 10:00", "sol", baseline.HandInDesign, "", func() {
		j.has("2025-05-04 10:00", sub.Project, baseline.DesignPaper, "d.pdf", paper(t, "d", ""))
	})
	run.decides("2025-05-05 10:00", number, "design", 1, "ada", "accept", "")
	run.decides("2025-05-06 10:00", number, "project", 1, "cora", "pass", "")
	act("2025-05-07 10:00", "sol", baseline.HandInVerification, "", func() {
		j.has("2025-05-07 10:00", sub.Project, baseline.TestReport, "r.pdf", paper(t, "r", ""))
	})
	run.decides("2025-05-08 10:00", number, "verification", 1, "ada", "verify", "")
	act("2025-05-09 10:00", "dai", baseline.ListGoods, "", nil)
	act("2025-05-10 10:00", "dai", baseline.GoodsAreListed, "G-1", nil)
	act("2025-05-11 10:00", "sol", baseline.BeginConfigurator, "ava", nil)
	act("2025-05-12 10:00", "sol", baseline.SubmitRelease, "", func() { j.material("2025-05-12 10:00", sub.Project) })
	released := run.decides("2025-05-13 10:00", number, "release", 1, "cora", "release", "")
	done := act("2025-05-20 10:00", "ava", baseline.EndConfigurator, "", nil)
	run.env.RegisterWorkflowWithOptions(func(workflow.Context, SolutionInput) error { return nil }, workflow.RegisterOptions{Name: SolutionType})
	run.env.RegisterDelayedCallback(func() { run.env.CancelWorkflow() }, cst("2025-05-15 10:00").Sub(run.start)) // refused, and the case goes on
	run.env.ExecuteWorkflow(BaselineSolution, BaselineSolutionInput{Submission: sub})

	require.True(t, run.env.IsWorkflowCompleted())
	require.NoError(t, run.env.GetWorkflowError())
	require.NoError(t, again.err)
	require.Equal(t, number, again.standing.Case)
	require.Equal(t, []string{"CERT_PENDING"}, other.refused().Codes(), "one case of a project")
	require.Equal(t, baseline.Released, released.standing.State)
	require.False(t, released.standing.Ended, "the configurator is in the making")
	require.True(t, done.standing.Ended)
	require.Equal(t, "released, verified, goods listed, configurator done", j.about(number))
	require.Equal(t, []string{
		"sol submit >PROJECT_REVIEW CERT-27", "sol apply-design PROJECT_REVIEW>PROJECT_REVIEW CERT-28", "sol hand-in-design PROJECT_REVIEW>PROJECT_REVIEW CERT-28",
		"ada accept PROJECT_REVIEW>PROJECT_REVIEW CERT-28", "cora pass PROJECT_REVIEW>PROJECT_DONE CERT-27", "sol hand-in-test-report PROJECT_DONE>PROJECT_DONE CERT-28",
		"ada verify PROJECT_DONE>PROJECT_DONE CERT-28", "dai list-goods PROJECT_DONE>PROJECT_DONE CERT-29", "dai goods-listed PROJECT_DONE>PROJECT_DONE CERT-29",
		"sol begin-configurator PROJECT_DONE>PROJECT_DONE CERT-29", "sol save release PROJECT_DONE>PROJECT_DONE CERT-30", "sol submit-release PROJECT_DONE>RELEASE_REVIEW CERT-30", "cora release RELEASE_REVIEW>RELEASED CERT-30",
		"operator stop refused RELEASED>RELEASED ENG-03", "ava end-configurator RELEASED>RELEASED CERT-29",
	}, j.history(number))
}

// Rule: PGM-10, COM-20
func TestGivenEveryStepOfAJointSolution_WhenItRunsTwice_ThenItHappenedOnce(t *testing.T) {
	j := newJoint(t)
	sub := j.ready("2025-05-01 10:00", entry("X"))
	for range 2 {
		now, err := j.submits("2025-05-02 10:00", sub)
		require.NoError(t, err)
		require.Equal(t, "BL000001", now.Case)
	}
	in := activities.ActBaselineInput{Case: "BL000001", At: cst("2025-05-03 10:00"), Act: baseline.Act{RequestKey: "k", Person: "sol", Action: baseline.ApplyDesign}}
	for range 2 {
		_, err := j.acts.ActBaseline(context.Background(), in)
		require.NoError(t, err)
	}
	in.Act.Person = "mei"
	_, err := j.acts.ActBaseline(context.Background(), in)
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))
	require.Len(t, j.history("BL000001"), 3)
	in.Act = baseline.Act{RequestKey: strings.Repeat("k", 65), Person: "nobody", Action: "dance"}
	_, err = j.acts.ActBaseline(context.Background(), in)
	require.Equal(t, []string{"COM-20 CBC.0100", "COM-08 CBC.0100"}, codesOf(activities.RefusalOf(err)))
}

func TestTheMovesOfJointSolutionsAreThoseOfTheDatabase(t *testing.T) {
	j := newJoint(t)
	moves := func(kind string) (stored []baseline.Move) {
		rows, err := j.db.Query(`SELECT from_state, to_state FROM moves WHERE kind = $1`, kind)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var m baseline.Move
			require.NoError(t, rows.Scan(&m.From, &m.To))
			stored = append(stored, m)
		}
		require.NoError(t, rows.Err())
		return stored
	}
	require.ElementsMatch(t, baseline.Moves, moves(baseline.Kind))
	for _, track := range baseline.Tracks {
		require.ElementsMatch(t, baseline.TrackMoves[track], moves(baseline.Kind+"/"+string(track)), track)
	}
}

// Rule: CERT-28, PGM-11
func TestCERT28GivenADesignThatWasHandedIn_WhenItsFileIsReplaced_ThenItStaysUntilItIsDecidedAndOnceItIsAccepted(t *testing.T) {
	j := newJoint(t)
	number, project := j.project("2025-05-20 10:00", entry("X"))
	replace := func(at, item string) []string {
		_, err := j.uploads(at, project, item, "other.pdf", paper(t, at+item, ""))
		return codesOf(activities.RefusalOf(err))
	}
	j.does("2025-05-21 10:00", number, "sol", baseline.ApplyDesign, "")
	j.has("2025-05-21 10:01", project, baseline.DesignPaper, "design.pdf", paper(t, "design", ""))
	j.does("2025-05-21 10:02", number, "sol", baseline.HandInDesign, "")
	require.Equal(t, []string{"CERT-28 CERT_PENDING"}, replace("2025-05-21 10:03", baseline.DesignPaper))
	_, err := j.db.Exec(`UPDATE baseline_files SET name = 'x' WHERE item = 'design'`)
	require.ErrorContains(t, err, "is under review", "the database says so too")
	require.Empty(t, replace("2025-05-21 10:04", baseline.TestReport), "nobody is asked about that one")
	j.says("2025-05-22 10:00", number, baseline.DesignMatter, "ada", "reject", "no interface")
	require.Empty(t, replace("2025-05-22 10:01", baseline.DesignPaper), "it is corrected")
	j.does("2025-05-22 10:02", number, "sol", baseline.HandInDesign, "")
	j.says("2025-05-23 10:00", number, baseline.DesignMatter, "ada", "accept", "")
	require.Equal(t, []string{"CERT-28 ENG_STATE"}, replace("2025-05-23 10:01", baseline.DesignPaper))

	j.does("2025-05-23 10:02", number, "sol", baseline.HandInVerification, "")
	require.Equal(t, []string{"CERT-28 CERT_PENDING"}, replace("2025-05-23 10:03", baseline.TestReport))
	j.says("2025-05-24 10:00", number, baseline.VerificationMatter, "ada", "verify", "")
	require.Equal(t, []string{"CERT-28 ENG_STATE"}, replace("2025-05-24 10:01", baseline.TestReport))
	require.Equal(t, []string{"CERT-28 ENG_STATE"}, replace("2025-05-24 10:02", baseline.DesignPaper))
}

// Rule: CERT-30, PGM-12
func TestCERT30GivenUploadsThatNobodySaves_WhenTheirWeekIsOver_ThenTheyAreGoneAndTheHistorySaysSo(t *testing.T) {
	j := newJoint(t)
	ctx := context.Background()
	number, project := j.project("2025-05-20 10:00", entry("X"))
	sweep := func(at string) int {
		_, err := (&activities.Sweep{DB: j.db}).Look(ctx, moment(at))
		require.NoError(t, err)
		return j.count(`SELECT count(*) FROM baseline_uploads`)
	}
	j.has("2025-05-21 10:00", project, baseline.ReleaseItem("introduction"), "i.pdf", paper(t, "i", ""))
	_, err := j.projects.SaveRelease(ctx, activities.SaveReleaseInput{Project: project, Person: "sol", At: cst("2025-05-21 11:00")})
	require.NoError(t, err)
	j.has("2025-05-21 12:00", project, baseline.ReleaseItem("deployment-guide"), "d.pdf", paper(t, "d", ""))
	j.has("2025-05-22 12:00", project, baseline.ReleaseItem("service-agreement"), "s.pdf", paper(t, "s", ""))
	require.Equal(t, 2, sweep("2025-05-28 11:59:59"))
	require.Equal(t, 1, sweep("2025-05-28 12:00:00"))
	require.Equal(t, 1, sweep("2025-05-28 12:00:01"))
	require.Zero(t, sweep("2025-07-01 10:00"), "a job that was down for weeks")
	require.Equal(t, 1, j.count(`SELECT count(*) FROM baseline_files WHERE item LIKE 'release:%'`), "what was saved is kept")

	at := func(text string) activities.BaselineInput {
		return activities.BaselineInput{Project: project, Person: "sol", At: cst(text)}
	}
	_, err = j.projects.CancelRelease(ctx, at("2025-07-02 10:00"))
	require.NoError(t, err)
	_, err = j.projects.DeleteRelease(ctx, at("2025-07-02 11:00"))
	require.NoError(t, err)
	require.Equal(t, []string{
		"sol save release PROJECT_DONE>PROJECT_DONE CERT-30", "clock drop upload PROJECT_DONE>PROJECT_DONE CERT-30", "clock drop upload PROJECT_DONE>PROJECT_DONE CERT-30",
		"sol cancel release PROJECT_DONE>PROJECT_DONE CERT-30", "sol delete release PROJECT_DONE>PROJECT_DONE CERT-30",
	}, j.history(number)[2:])
	require.Equal(t, 1, j.count(`SELECT count(*) FROM events WHERE action = 'drop upload' AND at = $1`, cst("2025-05-29 12:00")), "at the instant, not when the job ran")
}

// Rule: CERT-21
func TestCERT21GivenAProgrammeWithoutAPolicyForSolutions_WhenAReleaseIsDecided_ThenItSaysWhatIsMissing(t *testing.T) {
	records, policy, _ := strings.Cut(studioRecords, "solution_policy:")
	j := jointOf(t, records)
	number, _ := j.releasable("2025-03-20 10:00", entry("Atlas"))
	j.does("2025-03-26 10:00", number, "sol", baseline.SubmitRelease, "")
	_, err := j.decides("2025-03-27 10:00", number, "release", 1, "cora", "release", "")
	require.Equal(t, []string{"CERT-21 CBC.0100"}, codesOf(activities.RefusalOf(err)))
	require.ErrorContains(t, err, "no policy for solutions yet")
	_, err = j.draft("2025-03-27 11:00", "", j.whole("CLOUD", "1"))
	require.Error(t, err)
	j.load("solution_policy:" + policy)
	require.True(t, j.says("2025-04-01 10:00", number, baseline.ReleaseMatter, "cora", "release", "").Ended)
	require.Equal(t, "2026-04-01 10:00:00", j.until("SOL000001"))
	require.Equal(t, 1, j.count(`SELECT count(*) FROM certificates WHERE subject = 'SOL000001'`))
}

// Rule: CERT-21, COM-20
func TestCERT21GivenAPartnerWhoTookTheKeyOfARelease_WhenItIsReleased_ThenItIsReleasedAllTheSame(t *testing.T) {
	j := newJoint(t)
	number, _ := j.releasable("2025-03-20 10:00", entry("Atlas"))
	_, err := j.drafts.Save(context.Background(), activities.SolutionDraftInput{Partner: "P1001", Key: "baseline-solution/" + number, Change: j.whole("CLOUD", "1"), Person: "sol", At: cst("2025-03-21 10:00")})
	require.NoError(t, err)
	j.does("2025-03-26 10:00", number, "sol", baseline.SubmitRelease, "")
	require.True(t, j.says("2025-04-01 10:00", number, baseline.ReleaseMatter, "cora", "release", "").Ended)
	require.Equal(t, 1, j.count(`SELECT count(*) FROM solutions WHERE origin = 'SYNCED'`))
}

// People of the partner who enter, and requests about the case, lock in one order: neither waits for the other for ever.
//
// Rule: CERT-27, ENG-01
func TestGivenEntriesAndRequestsAtOnce_WhenTheyMeet_ThenNoneIsADeadlock(t *testing.T) {
	j := newJoint(t)
	number, project := j.project("2025-05-20 10:00", entry("X"))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 25 {
				at := cst("2025-05-21 10:00").Add(time.Duration(100*i+n) * time.Second)
				var err error
				if i%2 == 0 {
					_, err = j.projects.Save(context.Background(), activities.SaveBaselineInput{Project: project, Change: said(entry("Y")), Person: "sol", At: at})
				} else {
					_, err = j.asks(at.Format("2006-01-02 15:04:05"), number, "sol", baseline.SubmitAgain, "")
				}
				if activities.RefusalOf(err) == nil {
					t.Errorf("%v", err)
				}
			}
		})
	}
	all.Wait()
}
