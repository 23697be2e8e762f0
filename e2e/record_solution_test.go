package e2e

import (
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/solution"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// solutionEndings are the ways in which a run of a solution ends: with its certificate's time, after which another run carries it
// on. The newest run of a certified solution goes on.
var solutionEndings = map[string]func(p *partner) (workflowID string){
	"solution_rejected_then_certified": func(p *partner) string {
		c := p.submits("k")
		c.says("certification-review", "cora", approval.Decision{Outcome: approval.Approve})
		c.says("architecture-review", "ada", approval.Decision{Outcome: approval.Reject, Reason: "the deployment is missing"})
		c.is("REJECTED")
		c.sends("2.2")
		c.passes(2)
		c.is("CERTIFIED")
		return c.workflowID
	},
	"solution_deleted": func(p *partner) string {
		c := p.submits("k")
		c.says("certification-review", "cora", approval.Decision{Outcome: approval.Reject, Reason: "not a product"})
		_, err := workflows.DeleteSolution(p.t.Context(), p.s.client, c.workflowID, activities.DeleteSolutionInput{Person: p.mei})
		require.NoError(p.t, err)
		c.is("DELETED")
		return c.workflowID
	},
	"solution_refused_opening": func(p *partner) string {
		nobody := p.whole("2.1")
		nobody.ContactName = nil
		sub := p.draft("", "k", nobody, time.Now())
		_, err := workflows.SubmitSolution(p.t.Context(), p.s.client, sub)
		require.Equal(p.t, []string{"CERT_INCOMPLETE"}, typed(p.t, err).Codes())
		return solutionRun(sub)
	},
	"solution_taken_over_then_expired": func(p *partner) string { // and certified anew, by the next run
		c := p.takenOver(calendar.AddMonths(time.Now(), -12).Add(5 * time.Second))
		c.is("EXPIRING")
		eventually(p.t, "the end of the certificate", func() (bool, error) { return c.state() == solution.Expired, nil })
		require.Equal(p.t, 1, p.s.count(p.t, `SELECT count(*) FROM events JOIN solution_certifications USING (case_number) WHERE case_number = $1 AND action = 'expire' AND at = valid_until`, c.number))
		c.sends("3.0")
		c.passes(1)
		c.is("CERTIFIED")
		return c.workflowID
	},
	"solution_window_opened": func(p *partner) string {
		c := p.takenOver(calendar.AddMonths(time.Now().AddDate(0, 0, 60), -12).Add(5 * time.Second))
		c.is("CERTIFIED")
		eventually(p.t, "the window", func() (bool, error) { return c.state() == solution.Expiring, nil })
		return c.workflowID
	},
	"solution_third_certificate": func(p *partner) string { // the second one went by while the run waited for the first
		p.s.tunes(p.t, solution.Kind, map[string]any{"review_term": "30000h"})
		ago := func(months, days int) time.Time { return time.Now().AddDate(0, -months, days) }
		sub := p.draft("", "k", p.whole("2.1"), ago(30, 0))
		c := &solutionCase{&theCase{p: p, workflowID: solutionRun(sub)}}
		opened, err := (&activities.Solutions{DB: p.s.views.DB}).OpenSolution(p.t.Context(), activities.OpenSolutionInput{Submission: sub, WorkflowID: c.workflowID, RunID: "lost", At: ago(30, 1)})
		require.NoError(p.t, err)
		c.number = opened.Case
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply", "--force")
		c.passed(1, ago(30, 2))
		_, err = (&activities.Solutions{DB: p.s.views.DB}).SendSolution(p.t.Context(), activities.SendSolutionInput{Case: c.number, Submission: p.draft(c.number, "k2", solution.Change{}, ago(16, 0)), At: ago(16, 1)})
		require.NoError(p.t, err)
		c.passed(2, ago(16, 2))
		c.sends("3.0") // its run learns that another certificate has come, and ends
		c.passes(3)
		c.is("CERTIFIED")
		return c.workflowID
	},
}

// solutionCase is a solution that was submitted.
type solutionCase struct{ *theCase }

func solutionRun(sub solution.Submission) string {
	return fmt.Sprintf("%s/%s/%s", solution.Kind, sub.PartnerID, sub.Draft)
}

// onPath has the partner on a development path for years.
func (p *partner) onPath(path, stage string) {
	p.t.Helper()
	p.load(fmt.Sprintf("paths: [{partner: %s, path: %s, stage: %s, from: 2020-01-01T00:00:00+08:00}]\n", p.id, path, stage))
}

// whole is everything that a submission needs.
func (p *partner) whole(version string) solution.Change {
	p.onPath("SW", "SELECTED")
	var document string
	require.NoError(p.t, p.s.views.DB.Get(&document, `
		INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
		SELECT encode(sha256(c), 'hex'), 'application/pdf', octet_length(c), 'postgres', c, $1, $2 FROM (SELECT convert_to($1, 'UTF8') AS c) x RETURNING document_id`, p.mei, time.Now()))
	kind, name, mobile, email := solution.Cloud, p.id, "13800138000", "kim@"+p.id+".example"
	return solution.Change{
		Type: &kind, Name: &name, Version: &version, ContactName: &name, ContactMobile: &mobile, ContactEmail: &email,
		Materials: []solution.Material{{Type: solution.Description, Document: document, Name: "atlas.pdf"}},
	}
}

// draft saves a draft for a case's next round, or for a new solution.
func (p *partner) draft(number, key string, change solution.Change, at time.Time) solution.Submission {
	p.t.Helper()
	d, err := (&activities.SolutionDrafts{DB: p.s.views.DB}).Save(p.t.Context(), activities.SolutionDraftInput{Case: number, Partner: p.id, Key: key, Change: change, Person: p.mei, At: at})
	require.NoError(p.t, err)
	return solution.Submission{RequestKey: "submit-" + key, PartnerID: p.id, Submitter: p.mei, Draft: d.Draft, Revision: d.Revision}
}

// submits is a new solution under review.
func (p *partner) submits(key string) solutionCase {
	p.t.Helper()
	sub := p.draft("", key, p.whole("2.1"), time.Now())
	opened, err := workflows.SubmitSolution(p.t.Context(), p.s.client, sub)
	require.NoError(p.t, err)
	return solutionCase{&theCase{p: p, number: opened.Case, workflowID: solutionRun(sub)}}
}

// sends submits a new version: a rejected solution again, or for re-certification.
func (c solutionCase) sends(version string) {
	c.p.t.Helper()
	change := solution.Change{Version: &version}
	if c.state() == solution.Expired || c.state() == solution.Expiring { // a loaded one has neither contact nor materials
		change = c.p.whole(version)
		change.Type, change.Name = nil, nil
	}
	_, err := workflows.SendSolution(c.p.t.Context(), c.p.s.client, c.workflowID, c.p.draft(c.number, version, change, time.Now()))
	require.NoError(c.p.t, err)
}

var nodes = []struct{ name, person string }{{"certification-review", "cora"}, {"architecture-review", "ada"}}

// passes has both nodes of a round approve.
func (c solutionCase) passes(round int) {
	c.p.t.Helper()
	for _, n := range nodes {
		_, seat, _ := strings.Cut(approval.TaskID(c.number, n.name, round), "/")
		c.says(seat, n.person, approval.Decision{Outcome: approval.Approve})
	}
}

// passed is passes at an instant of the past, of which the run learns with the next request.
func (c solutionCase) passed(round int, at time.Time) {
	c.p.t.Helper()
	for _, n := range nodes {
		task := approval.TaskID(c.number, n.name, round)
		_, err := (&activities.Cases{DB: c.p.s.views.DB}).Decide(c.p.t.Context(), activities.DecideInput{Decision: approval.Decision{Task: task, Person: n.person, Outcome: approval.Approve, Key: task}, At: at})
		require.NoError(c.p.t, err)
	}
}

// takenOver is a solution that was certified elsewhere, carried on by a run.
func (p *partner) takenOver(certified time.Time) solutionCase {
	p.t.Helper()
	p.load(fmt.Sprintf("solutions: [{key: %[1]s, partner: %[1]s, type: CLOUD, name: %[1]s, version: \"1.0\", certified_at: %[2]s}]\n", p.id, certified.UTC().Format(time.RFC3339)))
	p.s.ask(p.t, 0, nil, "solution", "carry-on")
	c := solutionCase{&theCase{p: p}}
	require.NoError(p.t, p.s.views.DB.QueryRow(`SELECT case_number, workflow_id FROM cases WHERE partner_id = $1 AND kind = $2`, p.id, solution.Kind).Scan(&c.number, &c.workflowID))
	return c
}
