package partner_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/web/webtest"

	"github.com/stretchr/testify/require"
)

const featureList = "feature,description,cloud_service,status,remark\nplan,plans,ECS,available,\n"

// joint is a project of P1001 that was submitted and done.
func (s *side) joint(project string) string {
	s.t.Helper()
	acts := &activities.BaselineSolutions{DB: s.DB}
	now, err := acts.OpenBaseline(s.t.Context(), activities.OpenBaselineInput{
		Submission: baseline.Submission{RequestKey: "o", PartnerID: "P1001", Submitter: "alice", Project: project}, WorkflowID: "baseline-solution/P1001/" + project, RunID: "run", At: time.Now(),
	})
	require.NoError(s.t, err)
	s.DB.MustExec(`INSERT INTO people (person_id, name, email) VALUES ('cora', 'Cora', 'cora@vendor.example')`)
	s.DB.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ('cora', 'certification-reviewer')`)
	_, err = (&activities.Cases{DB: s.DB}).Decide(s.t.Context(), activities.DecideInput{At: time.Now(), Decision: approval.Decision{
		Task: approval.TaskID(now.Case, baseline.ProjectMatter.Name, 1), Key: "d", Person: "cora", Outcome: "pass", Reason: "Plan approved",
	}})
	require.NoError(s.t, err)
	return now.Case
}

// Rule: CERT-25, CERT-26, CERT-28, CERT-29, CERT-30
func TestAJointSolutionIsEnteredCheckedAndPreparedForItsRelease(t *testing.T) {
	s := wide(t)
	form := url.Values{"key": {"j1"}, "name": {"Atlas <b>"}, "version": {"1.0"}, "lead": {"partner"}, "summary": {"plans <i>"}, "contact": {"Qian Yu"}, "mobile": {"13800138000"}, "email": {"q@a.example"}, "do": {"save"}}
	file := func(field, name, text string) webtest.File { return webtest.File{Field: field, Name: name, Text: text} }
	status, body := s.Upload("alice", "/partner/joint", form, file("presentation", "deck.png", picture(t)))
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "The vendor has set no rules for this yet")
	status, _ = s.As("alice", http.MethodGet, "/partner/joint/template", nil)
	require.Equal(t, http.StatusNotFound, status)
	_, err := (&activities.Programme{DB: s.DB}).SetPolicy(t.Context(), baseline.Kind, baseline.DefaultPolicy(), "ou", s.at)
	require.NoError(t, err)

	status, body = s.Upload("alice", "/partner/joint", url.Values{"key": {"j0"}, "version": {"1.0"}, "lead": {"nobody"}, "summary": {strings.Repeat("x", 2001)}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	for _, field := range []string{"name", "lead", "summary"} {
		require.Contains(t, body, `id="`+field+`-wrong"`)
		require.Contains(t, body, `href="#`+field+`-wrong"`)
	}
	form.Set("key", "j2")
	status, body = s.Upload("alice", "/partner/joint", form, file("presentation", "deck.png", picture(t)), file("feature-list", "list.csv", "feature\nplan\n"))
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Atlas <b>", "plans <i>", "deck.png", "did not pass the check", "Go on with the draft")
	require.NotContains(t, body, "<b>")
	require.NotContains(t, body, "13800138000", "the contact is masked")
	id := found(t, draftID, body)

	status, body = s.As("alice", http.MethodGet, "/partner/joint/template", nil)
	require.Equal(t, http.StatusOK, status)
	require.True(t, strings.HasPrefix(strings.TrimPrefix(body, "\ufeff"), "feature,"))
	status, body = s.Upload("alice", "/partner/joint/"+id, url.Values{"key": {"j3"}, "version": {"1.1"}, "contact": {""}, "do": {"save"}}, file("feature-list", "list.csv", featureList))
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "passed the check", "1.1")
	status, body = s.Upload("alice", "/partner/joint/"+id, url.Values{"key": {"j4"}, "do": {"save"}}, file("presentation", "tool.exe", "MZ\x90\x00"))
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "CERT_FORBIDDEN_FILE", "deck.png")
	_, body = s.As("alice", http.MethodGet, "/partner/joint", nil)
	has(t, body, id, "Atlas <b>", "1.1")

	number := s.joint(id)
	status, body = s.As("alice", http.MethodGet, "/partner/joint/"+number, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Project done", "What the reviewers say", "Plan approved", "Apply for joint design and verification", "Begin the configurator", "Save and submit the release")
	require.NotContains(t, body, "Go on with the draft")
	require.NotContains(t, body, "cora", "who of the vendor said it is not for the partner")
	status, body = s.As("alice", http.MethodGet, "/partner/joint/"+number+"/material", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "deployment-guide")
	_, body = s.As("alice", http.MethodGet, "/partner/cases/"+number, nil)
	has(t, body, `href="/partner/joint/`+number+`"`)

	guide := file("deployment-guide", "guide.png", picture(t))
	status, body = s.Upload("alice", "/partner/joint/"+number+"/release", url.Values{"key": {"r1"}, "note": {"out <now>"}, "do": {"save"}}, guide)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "guide.png", "out <now>", "Delete the release application")
	guideAt := strings.TrimSuffix(found(t, opened, body), `">guide`)
	status, _ = s.As("alice", http.MethodGet, guideAt, nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = s.As("bob", http.MethodGet, guideAt, nil)
	require.Equal(t, http.StatusNotFound, status)
	status, body = s.Upload("alice", "/partner/joint/"+number+"/release", url.Values{"key": {"r2"}, "note": {strings.Repeat("x", 2001)}, "do": {"save"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, `id="note-wrong"`)
	status, body = s.As("alice", http.MethodPost, "/partner/joint/"+number+"/release", url.Values{"key": {"r3"}, "do": {"delete"}})
	require.Equal(t, http.StatusOK, status, body)
	require.NotContains(t, body, "guide.png")
	for _, who := range []string{"bob", "li"} {
		status, _ = s.As(who, http.MethodGet, "/partner/joint/"+number, nil)
		require.Equal(t, http.StatusNotFound, status, who)
	}
}

var (
	draftID = regexp.MustCompile(`BD[0-9]{6}`)
	opened  = regexp.MustCompile(`/partner/joint/[A-Z0-9]+/files/[0-9a-f]{64}">guide`)
)

// found is what of a page is matched.
func found(t *testing.T, by *regexp.Regexp, body string) string {
	t.Helper()
	text := by.FindString(body)
	require.NotEmpty(t, text, body)
	return text
}
