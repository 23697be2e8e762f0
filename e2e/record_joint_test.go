package e2e

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/solution"
	"countersign/internal/documents"
	"countersign/workflows"

	"codeberg.org/go-pdf/fpdf"
	"github.com/stretchr/testify/require"
)

// jointEndings are the ways in which a joint solution ends.
var jointEndings = map[string]func(p *partner) (workflowID string){
	"baseline_solution_rejected_then_released": func(p *partner) string { // twice; its certified solution lives on
		c := p.projects(baseline.ByPartner)
		c.says("project", "cora", approval.Decision{Outcome: "reject", Reason: "the price is missing"})
		c.asks(p.mei, baseline.SubmitAgain, "")
		c.says("project@2", "cyril", approval.Decision{Outcome: "pass"})
		c.releasable()
		c.says("release", "cora", approval.Decision{Outcome: "reject", Reason: "illegible"})
		c.asks(p.mei, baseline.SubmitRelease, "")
		c.says("release@2", "cyril", approval.Decision{Outcome: "release"})
		c.is("RELEASED")
		c.closes()
		s := solutionCase{&theCase{p: p}}
		require.NoError(p.t, p.s.views.DB.QueryRow(`SELECT case_number, workflow_id FROM cases WHERE partner_id = $1 AND kind = $2`, p.id, solution.Kind).Scan(&s.number, &s.workflowID))
		s.is("CERTIFIED")
		eventually(p.t, "the run of the certified solution", func() (bool, error) {
			runs, _, err := workflows.Running(p.t.Context(), p.s.client, s.workflowID)
			return runs, err
		})
		return c.workflowID
	},
	"baseline_solution_resumed_then_configured": func(p *partner) string { // released, led by the vendor; the configurator is done later
		c := p.projects(baseline.ByVendor)
		c.says("project", "cora", approval.Decision{Outcome: "pass"})
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		c.asks(p.mei, baseline.BeginConfigurator, "ada")
		c.releasable()
		c.says("release", "cora", approval.Decision{Outcome: "release"})
		c.is("RELEASED")
		c.asks("ada", baseline.EndConfigurator, "")
		c.closes()
		return c.workflowID
	},
	"baseline_solution_refused_opening": func(p *partner) string { // the feature list was not checked
		sub := p.project(baseline.ByPartner, false)
		_, err := workflows.SubmitBaseline(p.t.Context(), p.s.client, sub)
		require.Equal(p.t, []string{"CERT_FEATURELIST"}, typed(p.t, err).Codes())
		return fmt.Sprintf("%s/%s/%s", baseline.Kind, p.id, sub.Project)
	},
}

// jointCase is a joint project that was submitted.
type jointCase struct {
	*theCase
	project string
	asked   *int
}

func (p *partner) baselines() *activities.BaselineProjects {
	store, err := documents.Open(p.s.views.DB, "postgres", documents.Keys{}, documents.Rules{Limit: 100_000, Types: documents.Known})
	require.NoError(p.t, err)
	return &activities.BaselineProjects{DB: p.s.views.DB, Store: store}
}

// paper is a PDF with a text of its own.
func paper(t *testing.T, text string) []byte {
	t.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.AddPage()
	f.SetTitle(text, true)
	var out bytes.Buffer
	require.NoError(t, f.Output(&out))
	return out.Bytes()
}

func (p *partner) uploads(project, item, name string, content []byte) {
	p.t.Helper()
	_, err := p.baselines().Upload(p.t.Context(), activities.BaselineFileInput{Project: project, Item: item, Name: name, Content: bytes.NewReader(content), Person: p.mei, At: time.Now()})
	require.NoError(p.t, err)
}

// project is a draft that can be submitted, once its feature list is checked.
func (p *partner) project(lead baseline.Lead, checked bool) baseline.Submission {
	p.t.Helper()
	p.onPath("SW", "SELECTED")
	version, mobile, email, led := "1.0", "13800138000", "kim@"+p.id+".example", string(lead)
	d, err := p.baselines().Save(p.t.Context(), activities.SaveBaselineInput{Partner: p.id, RequestKey: "k", Person: p.mei, At: time.Now(), Change: baseline.Change{
		Name: &p.id, Version: &version, Summary: &p.id, Lead: &led, ContactName: &p.mei, ContactMobile: &mobile, ContactEmail: &email,
	}})
	require.NoError(p.t, err)
	p.uploads(d.Project, baseline.Presentation, "deck.pdf", paper(p.t, p.id))
	p.uploads(d.Project, baseline.FeatureList, "features.csv", []byte("feature,description\nplan,plans\n"))
	if checked {
		_, err = p.baselines().Check(p.t.Context(), activities.BaselineInput{Project: d.Project, Person: p.mei, At: time.Now()})
		require.NoError(p.t, err)
	}
	return baseline.Submission{RequestKey: "submit", PartnerID: p.id, Submitter: p.mei, Project: d.Project}
}

// projects is a joint project under review.
func (p *partner) projects(lead baseline.Lead) jointCase {
	p.t.Helper()
	sub := p.project(lead, true)
	opened, err := workflows.SubmitBaseline(p.t.Context(), p.s.client, sub)
	require.NoError(p.t, err)
	return jointCase{&theCase{p: p, number: opened.Case, workflowID: fmt.Sprintf("%s/%s/%s", baseline.Kind, p.id, sub.Project)}, sub.Project, new(int)}
}

func (c jointCase) asks(person string, action baseline.Action, reference string) {
	c.p.t.Helper()
	*c.asked++
	_, err := workflows.ActBaseline(c.p.t.Context(), c.p.s.client, c.workflowID, baseline.Act{RequestKey: fmt.Sprintf("a%d", *c.asked), Person: person, Action: action, Reference: reference})
	require.NoError(c.p.t, err)
}

// releasable carries design and goods to their ends and submits the release.
func (c jointCase) releasable() {
	c.p.t.Helper()
	c.asks(c.p.mei, baseline.ApplyDesign, "")
	c.p.uploads(c.project, baseline.DesignPaper, "design.pdf", paper(c.p.t, "design of "+c.number))
	c.asks(c.p.mei, baseline.HandInDesign, "")
	c.says("design", "ada", approval.Decision{Outcome: "accept"})
	c.p.uploads(c.project, baseline.TestReport, "report.pdf", paper(c.p.t, "report of "+c.number))
	c.asks(c.p.mei, baseline.HandInVerification, "")
	c.says("verification", "ada", approval.Decision{Outcome: "verify"})
	c.asks("dai", baseline.ListGoods, "")
	c.asks("dai", baseline.GoodsAreListed, "G-"+c.number)
	c.p.uploads(c.project, baseline.ReleaseItem("introduction"), "introduction.pdf", paper(c.p.t, "introduction of "+c.number))
	_, err := c.p.baselines().SaveRelease(c.p.t.Context(), activities.SaveReleaseInput{Project: c.project, Note: "first release", Person: c.p.mei, At: time.Now()})
	require.NoError(c.p.t, err)
	c.asks(c.p.mei, baseline.SubmitRelease, "")
}
