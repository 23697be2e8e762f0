package console_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/document"
	"countersign/domain/solution"
	"countersign/domain/staff"
	"countersign/domain/withdrawal"
	"countersign/internal/documents"

	"github.com/stretchr/testify/require"
)

// enclose adds a picture to a case and answers its ID.
func (o *office) enclose(number, name string, at time.Time) string {
	o.t.Helper()
	var picture bytes.Buffer
	require.NoError(o.t, png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, len(name), 1))))
	store, err := documents.Open(o.db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: []string{"image/png"}})
	require.NoError(o.t, err)
	added, err := (&activities.Documents{DB: o.db, Store: store}).AddDocument(o.t.Context(), activities.AddDocumentInput{
		Case: number, Kind: document.Proof, Name: name, Content: bytes.NewReader(picture.Bytes()), Person: "alice", At: at,
	})
	require.NoError(o.t, err)
	return added.Document
}

// members lays in the partner with a solution and lab credits, and what dedicated staff needs.
func (o *office) members() {
	o.t.Helper()
	for _, text := range []string{strings.ReplaceAll(string(demo.Members), "@", ""), staffRecords} {
		file, err := activities.ParseProgramme([]byte(text))
		require.NoError(o.t, err)
		_, err = (&activities.Programme{DB: o.db}).Load(o.t.Context(), file, "test", o.at)
		require.NoError(o.t, err)
	}
}

const staffRecords = `
business:
  - partner: P1001
    real_name: {}
    qualifications: [{from: 2020-01-01}]
    information: {company_name: Alpha Cloud Ltd, code_type: USCI, code: 91440300MA5EQXAA, registered_address: Shenzhen, contact: Alice Chen, taxpayer_type: small-scale,
      tax_number: 91440300MA5EQXAA, bank_account_name: Alpha Cloud Ltd, bank_name: ICBC, branch: Shenzhen Nanshan, account_no: "6222020200112233", certified_at: 2024-01-02T10:00:00+08:00}
dedicated_staff_policy:
  {review_role: vendor-operations, escalation_role: finance-manager, review_term: P5WD, confirm_term: P14WD, cloud_months: 6, uses_per_year: 2,
   rates: {pre-sales: "20000.00", expert: "15000.00", capability-centre: "10000.00"}, decide_by_signal: true}
`

// sees that a page of a case has every text.
func (o *office) sees(who, path string, texts ...string) {
	o.t.Helper()
	status, body := o.As(who, http.MethodGet, path, nil)
	require.Equal(o.t, http.StatusOK, status, body)
	for _, text := range texts {
		require.Contains(o.t, body, text)
	}
}

// Rule: PGM-11
func TestWhoReviewsACaseAgainSeesWhatWasChangedSinceItWasReturned(t *testing.T) {
	o := newOffice(t)
	number := o.open("a", "4000.00")
	before := o.enclose(number, "first.png", o.at.Add(-time.Minute))
	o.decide(number, withdrawal.Review, approval.Decision{Person: "li", Outcome: approval.Return, Reason: "only 3,500.00 are covered"})
	again := o.at.Add(2 * time.Hour)
	app := o.application("a2", "3500.00", again)
	app.Payee.Branch = "Beijing <East>"
	_, err := o.ResubmitWithdrawal(t.Context(), activities.ResubmitWithdrawalInput{Case: number, Application: app, RunID: "run-a", At: again})
	require.NoError(t, err)
	after := o.enclose(number, "covered.png", again)
	o.sees("li", "/cases/"+number,
		"Changed since round 1", "<del>4,000.00</del>", "<ins>3,500.00</ins>", "<del>Beijing West</del>", "<ins>Beijing &lt;East&gt;</ins>",
		`Enclosed since: <a href="/cases/`+number+`/documents/`+after+`">covered.png</a>`, // and no other
		`Proof: <a href="/cases/`+number+`/documents/`+before+`">first.png</a>`,           // in the timeline, instead of the digits of its ID
		`<strong>Alice Chen</strong> resubmitted`, `<span class="amount">3,500.00 CNY</span>`,
	)
	_, body := o.As("li", http.MethodGet, "/cases/"+number, nil)
	require.NotContains(t, body, "proof: "+before)
	require.NotContains(t, body, "<del>6222")
}

// Rule: PGM-05, CERT-02
func TestASolutionIsShownAsItWasSentWithItsMaterials(t *testing.T) {
	o := newOffice(t)
	o.members()
	other := o.open("a", "800.00")
	description, deployment := o.enclose(other, "description.png", o.at), o.enclose(other, "deployment-plan.png", o.at) // they are stored
	name, version, contact, mobile, email, kind := "Atlas <1>", "2.1", "Kim", "13800138000", "kim@a.example", solution.Cloud
	draft, err := (&activities.SolutionDrafts{DB: o.db}).Save(t.Context(), activities.SolutionDraftInput{Partner: "P3001", Key: "d1", Person: "shen", At: o.at, Change: solution.Change{
		Type: &kind, Name: &name, Version: &version, ContactName: &contact, ContactMobile: &mobile, ContactEmail: &email,
		Materials: []solution.Material{{Type: "description", Document: description, Name: "atlas.png"}, {Type: "deployment", Document: deployment, Name: "run.png"}},
	}})
	require.NoError(t, err)
	opened, err := (&activities.Solutions{DB: o.db}).OpenSolution(t.Context(), activities.OpenSolutionInput{
		Submission: solution.Submission{RequestKey: "s1", PartnerID: "P3001", Submitter: "shen", Draft: draft.Draft, Revision: draft.Revision}, WorkflowID: "solution/s1", RunID: "run-s1", At: o.at,
	})
	require.NoError(t, err)
	page := "/cases/" + opened.Case
	o.sees("han", page, "Atlas &lt;1&gt;", "2.1", "138****8000", "Entered here", `<a href="`+page+"/documents/"+description+`">atlas.png</a>`, "run.png", "under review", "Shen Mei")
	_, body := o.As("han", http.MethodGet, page, nil)
	require.NotContains(t, body, "13800138000")
	require.NotContains(t, body, "kim@a.example")
	status, _ := o.As("han", http.MethodGet, page+"/documents/"+deployment, nil)
	require.Equal(t, http.StatusOK, status, "what a form names is enclosed nowhere else")
}

func TestAMonthOfDedicatedStaffIsShownWithItsPeopleProjectsAndProofs(t *testing.T) {
	o := newOffice(t)
	o.members()
	team := &activities.DedicatedStaff{DB: o.db}
	year := calendar.DateOf(o.at).AddMonths(-24)
	require.NoError(t, team.RegisterSpecialist(t.Context(), activities.SpecialistInput{
		ID: "S-1", Partner: "P1001", Name: "Tang Yi", Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: year, Since: year, Person: "alice", At: o.at,
	}))
	_, err := team.Qualify(t.Context(), activities.QualifyInput{Partner: "P1001", Person: "alice", At: o.at})
	require.NoError(t, err)
	_, err = team.Qualify(t.Context(), activities.QualifyInput{Partner: "P1001", Person: "he", Approve: true, Agreement: "FH-1", SignedOn: calendar.DateOf(o.at), At: o.at.Add(time.Minute)})
	require.NoError(t, err)
	other := o.open("a", "800.00")
	paper, unknown := o.enclose(other, "contract.png", o.at), strings.Repeat("ab", 32)
	opened, err := team.OpenStaffMonth(t.Context(), activities.OpenStaffMonthInput{WorkflowID: "staff/1", RunID: "run-1", At: o.at.Add(time.Hour), Request: staff.Request{
		RequestKey: "k", PartnerID: "P1001", Submitter: "alice", Month: calendar.DateOf(o.at).String()[:7], Scenario: staff.PreSales, Persons: []staff.Use{{Person: "S-1", Project: "PR-9"}},
		Proofs: []staff.Proof{{Kind: staff.Employment, Document: paper}, {Kind: staff.SocialSecurity, Document: unknown}, {Kind: staff.ProjectProof, Document: paper}},
	}})
	require.NoError(t, err)
	o.sees("gu", "/cases/"+opened.Case, "Pre-sales", "Tang Yi", "PR-9", "HCIP", "FH-1", "Social security", "abababab…", `<a href="/cases/`+opened.Case+"/documents/"+paper, "20,000.00")
}
