package workflows

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/solution"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// studio is a house whose partner P1001 is on the software path. Cora and Cyril review certifications, Ada is the architect, Wang
// the partner's ecosystem manager; Sol enters solutions for the partner.
type studio struct {
	*house
	solutions *activities.Solutions
	drafts    *activities.SolutionDrafts
	cases     *activities.Cases
	papers    map[string]string // type of material -> document
	n         int
}

const studioRecords = `
partners:
  - {id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud, ecosystem_manager: wang}
people:
  - {id: sol, name: Sol, partner: P1001, email: sol@a.example, roles: [partner-solutions]}
  - {id: cora, name: Cora, email: cora@vendor.example, roles: [certification-reviewer]}
  - {id: cyril, name: Cyril, email: cyril@vendor.example, roles: [certification-reviewer]}
  - {id: ada, name: Ada, email: ada@vendor.example, roles: [solution-architect]}
solution_policy:
  {review_role: certification-reviewer, architect_role: solution-architect, escalation_role: vendor-operations, review_term: P14D, months: 12, window_days: 60,
   reminder_days: [60, 30, 7, 0], materials: [description, deployment], decide_by_signal: true}
`

func newStudio(t *testing.T) *studio { return studioOf(t, studioRecords) }

func studioOf(t *testing.T, records string) *studio {
	s := &studio{house: newHouse(t, cst("2023-01-02 09:00"), records), papers: map[string]string{}}
	s.solutions, s.drafts, s.cases = &activities.Solutions{DB: s.db}, &activities.SolutionDrafts{DB: s.db}, &activities.Cases{DB: s.db}
	s.path("SW", "SELECTED")
	for _, m := range solution.MaterialTypes {
		var id string
		require.NoError(t, s.db.Get(&id, `
			INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
			SELECT encode(sha256(c), 'hex'), 'application/pdf', octet_length(c), 'postgres', c, 'mei', $2 FROM (SELECT convert_to($1, 'UTF8') AS c) x RETURNING document_id`, m, s.now))
		s.papers[m] = id
	}
	t.Cleanup(func() {
		found, err := views.Reader{DB: s.db}.Verify(context.Background(), nil)
		require.NoError(t, err)
		require.Empty(t, found.Findings)
	})
	return s
}

func (s *studio) path(path, stage string) {
	s.db.MustExec(`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('P1001', $1, $2, $3)`, path, stage, s.now)
}

// sec reads an instant with seconds.
func sec(text string) time.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return at
}

// moment reads an instant with or without seconds.
func moment(text string) time.Time {
	if strings.Count(text, ":") == 2 {
		return sec(text)
	}
	return cst(text)
}

func to[T any](v T) *T { return &v }

// whole is everything that a submission needs.
func (s *studio) whole(t solution.Type, version string) solution.Change {
	return solution.Change{
		Type: &t, Name: to("Atlas"), Version: &version, ContactName: to("Kim"), ContactMobile: to("13800138000"), ContactEmail: to("kim@a.example"),
		Materials: []solution.Material{
			{Type: solution.Description, Document: s.papers[solution.Description], Name: "atlas.pdf"},
			{Type: solution.Deployment, Document: s.papers[solution.Deployment], Name: "run.pdf"},
		},
	}
}

// draft saves a new draft; the case is empty for a new solution.
func (s *studio) draft(at, number string, change solution.Change) (activities.SavedDraft, error) {
	s.n++
	return s.drafts.Save(context.Background(), activities.SolutionDraftInput{Case: number, Partner: "P1001", Key: fmt.Sprintf("draft-%d", s.n), Change: change, Person: "sol", At: moment(at)})
}

// entered is draft for what has to be taken.
func (s *studio) entered(at, number string, change solution.Change) solution.Submission {
	s.t.Helper()
	d, err := s.draft(at, number, change)
	require.NoError(s.t, err)
	return submission(d)
}

func submission(d activities.SavedDraft) solution.Submission {
	return solution.Submission{RequestKey: fmt.Sprintf("submit-%s-%d", d.Draft, d.Revision), PartnerID: d.Partner, Submitter: "sol", Draft: d.Draft, Revision: d.Revision}
}

// open asks the opening activity directly.
func (s *studio) submits(at string, sub solution.Submission) (activities.Standing, error) {
	s.runs++
	return s.solutions.OpenSolution(context.Background(), activities.OpenSolutionInput{
		Submission: sub, WorkflowID: oneLiveID(solution.Kind, sub.PartnerID, sub.Draft), RunID: fmt.Sprintf("run-%d", s.runs), At: moment(at),
	})
}

// sends asks for a case's next round directly.
func (s *studio) sends(at, number string, sub solution.Submission) (activities.Standing, error) {
	return s.solutions.SendSolution(context.Background(), activities.SendSolutionInput{Case: number, Submission: sub, At: moment(at)})
}

// decides answers a node of a round directly.
func (s *studio) decides(at, number, node string, round int, by string, outcome approval.Outcome, reason string) (activities.Standing, error) {
	s.n++
	return s.cases.Decide(context.Background(), activities.DecideInput{At: moment(at), Decision: approval.Decision{
		Task: approval.TaskID(number, node, round), Key: fmt.Sprintf("d%d", s.n), Person: by, Outcome: outcome, Reason: reason,
	}})
}

const (
	node1 = "certification-review"
	node2 = "architecture-review"
)

// approves lets both nodes of a round approve, the second at the instant.
func (s *studio) approves(at, number string, round int) activities.Standing {
	s.t.Helper()
	_, err := s.decides(at, number, node1, round, "cora", approval.Approve, "")
	require.NoError(s.t, err)
	now, err := s.decides(at, number, node2, round, "ada", approval.Approve, "")
	require.NoError(s.t, err)
	return now
}

// certified is a solution of a type that passed at an instant.
func (s *studio) certified(t solution.Type, passed string) string {
	s.t.Helper()
	now, err := s.submits(passed, s.entered(passed, "", s.whole(t, "2.1")))
	require.NoError(s.t, err)
	s.approves(passed, now.Case, 1)
	return now.Case
}

// clock runs the job as late as at.
func (s *studio) clock(at, number string) activities.Standing {
	s.t.Helper()
	now, err := s.cases.Clock(context.Background(), activities.ClockInput{Case: number, At: moment(at)})
	require.NoError(s.t, err)
	return now
}

// counts asks whether a solution counts as certified at an instant.
func (s *studio) counts(number, at string) bool {
	s.t.Helper()
	var yes bool
	require.NoError(s.t, s.db.Get(&yes, `SELECT solution_certified($1, $2)`, number, moment(at)))
	return yes
}

// until is the end of a solution's present certificate, in UTC+8.
func (s *studio) until(number string) string {
	s.t.Helper()
	var at time.Time
	require.NoError(s.t, s.db.Get(&at, `SELECT valid_until FROM solution_certifications WHERE case_number = $1 ORDER BY cert_round DESC LIMIT 1`, number))
	return at.In(calendar.Zone).Format("2006-01-02 15:04:05")
}

// told lists what a reader was told of a solution, as "instant step"; the reader is a person or an address.
func (s *studio) told(number, reader string) []string {
	s.t.Helper()
	var rows []struct {
		At  time.Time `db:"written_at"`
		Key string    `db:"key"`
	}
	require.NoError(s.t, s.db.Select(&rows, `
		SELECT written_at, key FROM outbox WHERE key LIKE 'solution/' || $1 || '/%' AND key NOT LIKE 'solution/' || $1 || '/%-review%' AND coalesce(person_id, address) = $2 ORDER BY message_id`, number, reader))
	var lines []string
	for _, r := range rows {
		step := strings.TrimPrefix(r.Key, "solution/"+number+"/")
		lines = append(lines, r.At.In(calendar.Zone).Format("2006-01-02 15:04")+" "+step[:strings.LastIndex(step, "/")])
	}
	return lines
}

// solutionRun is one run in the test environment.
type solutionTest struct {
	s      *studio
	env    *testsuite.TestWorkflowEnvironment
	start  time.Time
	result CaseResult
	err    error
	n      int
}

func (s *studio) starts(at string) *solutionTest {
	r := &solutionTest{s: s, env: environment(moment(at)), start: moment(at)}
	r.env.RegisterWorkflowWithOptions(Solution, workflow.RegisterOptions{Name: SolutionType})
	r.env.RegisterActivity(s.solutions)
	r.env.RegisterActivity(s.cases)
	return r
}

// asks sends an update at an instant; what it says is found out then.
func (r *solutionTest) asks(at, name string, into *fundAnswer, arg func() any) *fundAnswer {
	r.n++
	id := fmt.Sprintf("%s-%d-%s", name, r.n, at) // the key of a decision: another run's is another
	r.env.RegisterDelayedCallback(func() {
		r.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnReject: func(err error) { *into = fundAnswer{came: true, err: err} },
			OnAccept: func() {},
			OnComplete: func(v any, err error) {
				s, _ := v.(activities.Standing)
				*into = fundAnswer{came: true, standing: s, err: err}
			},
		}, arg())
	}, moment(at).Sub(r.start))
	return into
}

func (r *solutionTest) decides(at, number, node string, round int, by string, outcome approval.Outcome, reason string) *fundAnswer {
	return r.asks(at, DecideUpdate, &fundAnswer{}, func() any {
		return approval.Decision{Task: approval.TaskID(number, node, round), Person: by, Outcome: outcome, Reason: reason}
	})
}

// sends saves a draft of a case and sends it to the run.
func (r *solutionTest) sends(at, number string, change solution.Change) *fundAnswer {
	return r.asks(at, ResubmitUpdate, &fundAnswer{}, func() any { return r.s.entered(at, number, change) })
}

// toEnd runs to the end of the run, which is the case's or the cycle's.
func (r *solutionTest) toEnd(in SolutionInput) *solutionTest {
	r.env.ExecuteWorkflow(Solution, in)
	require.True(r.s.t, r.env.IsWorkflowCompleted(), "the run ends")
	if r.err = r.env.GetWorkflowError(); r.err == nil {
		require.NoError(r.s.t, r.env.GetWorkflowResult(&r.result))
	}
	return r
}
