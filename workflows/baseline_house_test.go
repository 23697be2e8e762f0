package workflows

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/internal/documents"

	"codeberg.org/go-pdf/fpdf"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// joint is a studio in which P1001 brings joint solutions to their release. Cora and Cyril review project and release, Ada, an
// architect, design and verification, and Ava, another, helps with the configurator; Dai manages the partner's development.
type joint struct {
	*studio
	acts     *activities.BaselineSolutions
	projects *activities.BaselineProjects
	asked    atomic.Int64 // several may ask at once
}

const jointRecords = `
people:
  - {id: ava, name: Ava, email: ava@vendor.example, roles: [solution-architect]}
  - {id: dai, name: Dai, email: dai@vendor.example, roles: [partner-development]}
`

func newJoint(t *testing.T) *joint { return jointOf(t, studioRecords) }

func jointOf(t *testing.T, records string) *joint {
	j := &joint{studio: studioOf(t, records)}
	store, err := documents.Open(j.db, "postgres", documents.Keys{}, documents.Rules{Limit: 10 << 20, Types: documents.Known})
	require.NoError(t, err)
	j.acts, j.projects = &activities.BaselineSolutions{DB: j.db}, &activities.BaselineProjects{DB: j.db, Store: store}
	j.load(jointRecords)
	_, err = (&activities.Programme{DB: j.db}).SetPolicy(context.Background(), baseline.Kind, baseline.DefaultPolicy(), "lina", j.now)
	require.NoError(t, err)
	return j
}

func entry(name string) baseline.Entry {
	e := baseline.Entry{Name: name, Version: "1.0", Summary: "Plans the shop floor.", Lead: baseline.ByPartner}
	e.Contact.Name, e.Contact.Mobile, e.Contact.Email = "Kim", "13800138000", "kim@a.example"
	return e
}

// said enters all of a project.
func said(e baseline.Entry) baseline.Change {
	return baseline.Change{
		Name: &e.Name, Version: &e.Version, Summary: &e.Summary, Lead: (*string)(&e.Lead), ContactName: &e.Contact.Name, ContactMobile: &e.Contact.Mobile, ContactEmail: &e.Contact.Email,
	}
}

// saves keeps a draft, under its name as key.
func (j *joint) saves(at string, e baseline.Entry) (activities.SavedBaseline, error) {
	return j.projects.Save(context.Background(), activities.SaveBaselineInput{Partner: "P1001", RequestKey: e.Name, Change: said(e), Person: "sol", At: moment(at)})
}

// paper is a PDF with a text of its own.
func paper(t *testing.T, text, password string) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	if password != "" {
		p.SetProtection(0, password, "owner")
	}
	p.AddPage()
	p.SetTitle(text, true)
	p.SetCreationDate(time.Unix(0, 0))
	p.SetModificationDate(time.Unix(0, 0))
	var out bytes.Buffer
	require.NoError(t, p.Output(&out))
	return out.Bytes()
}

func (j *joint) uploads(at, project, item, name string, content []byte) (activities.SavedBaseline, error) {
	return j.projects.Upload(context.Background(), activities.BaselineFileInput{Project: project, Item: item, Name: name, Content: bytes.NewReader(content), Person: "sol", At: moment(at)})
}

func (j *joint) has(at, project, item, name string, content []byte) {
	j.t.Helper()
	_, err := j.uploads(at, project, item, name, content)
	require.NoError(j.t, err)
}

const goodList = "feature,description,cloud_service,status,remark\nplan,plans,ECS,available,\n"

func (j *joint) checks(at, project string) activities.SavedBaseline {
	j.t.Helper()
	now, err := j.projects.Check(context.Background(), activities.BaselineInput{Project: project, Person: "sol", At: moment(at)})
	require.NoError(j.t, err)
	return now
}

// ready is a draft that can be submitted.
func (j *joint) ready(at string, e baseline.Entry) baseline.Submission {
	j.t.Helper()
	d, err := j.saves(at, e)
	require.NoError(j.t, err)
	j.has(at, d.Project, baseline.Presentation, "deck.pdf", paper(j.t, e.Name, ""))
	j.has(at, d.Project, baseline.FeatureList, "features.csv", []byte(goodList))
	j.checks(at, d.Project)
	return baseline.Submission{RequestKey: "submit-" + d.Project, PartnerID: "P1001", Submitter: "sol", Project: d.Project}
}

// submits asks the opening activity directly.
func (j *joint) submits(at string, sub baseline.Submission) (activities.Standing, error) {
	j.runs++
	return j.acts.OpenBaseline(context.Background(), activities.OpenBaselineInput{
		Submission: sub, WorkflowID: oneLiveID(baseline.Kind, sub.PartnerID, sub.Project), RunID: fmt.Sprintf("run-%d", j.runs), At: moment(at),
	})
}

func (j *joint) asks(at, number, by string, action baseline.Action, reference string) (activities.Standing, error) {
	n := j.asked.Add(1)
	return j.acts.ActBaseline(context.Background(), activities.ActBaselineInput{Case: number, At: moment(at), Act: baseline.Act{
		RequestKey: fmt.Sprintf("a%d", n), Person: by, Action: action, Reference: reference,
	}})
}

// does is asks for what has to be taken.
func (j *joint) does(at, number, by string, action baseline.Action, reference string) activities.Standing {
	j.t.Helper()
	now, err := j.asks(at, number, by, action, reference)
	require.NoError(j.t, err)
	return now
}

// says decides a matter's latest round; the word is the matter's own.
func (j *joint) says(at, number string, m approval.Matter, by string, word approval.Outcome, reason string) activities.Standing {
	j.t.Helper()
	now, err := j.decides(at, number, m.Name, j.count(`SELECT max(round) FROM approvals WHERE case_number = $1 AND matter = $2`, number, m.Name), by, word, reason)
	require.NoError(j.t, err)
	return now
}

// project is a joint project that is done.
func (j *joint) project(at string, e baseline.Entry) (number, project string) {
	j.t.Helper()
	sub := j.ready(at, e)
	now, err := j.submits(at, sub)
	require.NoError(j.t, err)
	require.Equal(j.t, baseline.ProjectDone, j.says(at, now.Case, baseline.ProjectMatter, "cora", "pass", "").State)
	return now.Case, sub.Project
}

// verified carries the design track to its end.
func (j *joint) verified(at, number, project string) {
	j.t.Helper()
	j.does(at, number, "sol", baseline.ApplyDesign, "")
	j.has(at, project, baseline.DesignPaper, "design.pdf", paper(j.t, "design", ""))
	j.does(at, number, "sol", baseline.HandInDesign, "")
	j.says(at, number, baseline.DesignMatter, "ada", "accept", "")
	j.has(at, project, baseline.TestReport, "report.pdf", paper(j.t, "report", ""))
	j.does(at, number, "sol", baseline.HandInVerification, "")
	j.says(at, number, baseline.VerificationMatter, "ada", "verify", "")
}

func (j *joint) listed(at, number, goods string) {
	j.t.Helper()
	j.does(at, number, "dai", baseline.ListGoods, "")
	j.does(at, number, "dai", baseline.GoodsAreListed, goods)
}

// material uploads and saves everything that a release needs.
func (j *joint) material(at, project string) {
	j.t.Helper()
	for _, i := range baseline.DefaultPolicy().ReleaseItems {
		j.has(at, project, baseline.ReleaseItem(i.Name), i.Name+".pdf", paper(j.t, i.Name, ""))
	}
	_, err := j.projects.SaveRelease(context.Background(), activities.SaveReleaseInput{Project: project, Note: "first release", Person: "sol", At: moment(at)})
	require.NoError(j.t, err)
}

// releasable is a solution whose release can be submitted.
func (j *joint) releasable(at string, e baseline.Entry) (number, project string) {
	j.t.Helper()
	number, project = j.project(at, e)
	j.verified(at, number, project)
	j.listed(at, number, "G-"+number)
	j.material(at, project)
	return number, project
}

// about is what lists say of a case.
func (j *joint) about(number string) string {
	j.t.Helper()
	var about string
	require.NoError(j.t, j.db.Get(&about, `SELECT about FROM cases WHERE case_number = $1`, number))
	_, said, _ := strings.Cut(about, ": ")
	return said
}

// starts readies a run in the test environment.
func (j *joint) starts(at string) *solutionTest {
	r := &solutionTest{s: j.studio, env: environment(moment(at)), start: moment(at)}
	r.env.RegisterWorkflowWithOptions(BaselineSolution, workflow.RegisterOptions{Name: BaselineSolutionType})
	for _, a := range []any{j.acts, j.cases} {
		r.env.RegisterActivity(a)
	}
	return r
}
