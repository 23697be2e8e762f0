package partner_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/solution"
	"countersign/web/webtest"

	"github.com/stretchr/testify/require"
)

// Rule: AUT-03, AUT-05, AUT-07
func TestCompanyInformationIsChangedAndAFailureAskedAbout(t *testing.T) {
	s := wide(t)
	status, body := s.As("alice", http.MethodGet, "/partner/company", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Everything is certified", "91440300MA5EQXAA")
	change := url.Values{"key": {"c1"}, "company_name": {"Alpha Cloud Ltd"}, "code_type": {"USCI"}, "company_code": {"<b>"}, "taxpayer_type": {"general"}, "settlement_currency": {"CNY"}}
	status, body = s.As("alice", http.MethodPost, "/partner/company", change)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "AUT-03", `value="<b>"`)
	require.NotContains(t, body, "<b>")
	for field, value := range map[string]string{"company_code": "91440300MA5EQXAA", "tax_number": "91440300MA5EQXAA", "bank_account_name": "Alpha Cloud Ltd", "bank_name": "ICBC", "bank_branch": "Shenzhen Nanshan", "bank_account_no": "6222020200112233", "bank_letter": "L-1"} {
		change.Set(field, value)
	}
	status, body = s.As("alice", http.MethodPost, "/partner/company", change)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "The business information is in review.", "settlement waits for the result")
	_, body = s.As("alice", http.MethodGet, "/partner", nil)
	has(t, body, "AUT-05")

	s.DB.MustExec(`INSERT INTO people (person_id, name, email) VALUES ('ops', 'Ou', 'ops@vendor.example')`)
	s.DB.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ('ops', 'vendor-operations')`)
	_, err := (&activities.Businesses{DB: s.DB}).DecideBusiness(t.Context(), activities.DecideBusinessInput{Partner: "P1001", Person: "ops", Reason: "the letter <is> missing", Key: "d", At: time.Now()})
	require.NoError(t, err)
	_, body = s.As("alice", http.MethodGet, "/partner/company", nil)
	has(t, body, "Not certified", "the letter <is> missing")
	status, body = s.As("alice", http.MethodPost, "/partner/company/tickets", url.Values{"key": {"t"}, "question": {"Which <letter>?"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Which <letter>?")
	status, _ = s.As("alice", http.MethodPost, "/partner/company/tickets", url.Values{"key": {"t2"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
}

// Rule: ORG-12, ORG-13
func TestAnAdministratorMakesRolesAndGivesThemUp(t *testing.T) {
	s := wide(t)
	status, body := s.As("alice", http.MethodPost, "/partner/roles", url.Values{"key": {"r1"}, "role-name": {"Money <b>"}, "permission": {"bills", "withdrawals"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Money <b>", "Bills and accounts")
	require.NotContains(t, body, "Money <b>")
	var role person.Role
	require.NoError(t, s.DB.Get(&role, `SELECT role_id FROM custom_roles`))
	eve := s.colleague("eve", role)
	status, _ = s.As(eve, http.MethodGet, "/partner/withdrawals/new", nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = s.As(eve, http.MethodGet, "/partner/solutions", nil)
	require.Equal(t, http.StatusNotFound, status)
	status, body = s.As("alice", http.MethodPost, "/partner/roles/"+string(role)+"/delete", url.Values{"key": {"r2"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "ORG-13")
	status, _ = s.As("bob", http.MethodPost, "/partner/roles/"+string(role)+"/delete", url.Values{"key": {"r3"}})
	require.Equal(t, http.StatusNotFound, status)
	status, _ = s.As("alice", http.MethodPost, "/partner/roles", url.Values{"key": {"r4"}, "role-name": {"x"}, "permission": {"everything"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	_, err := (&activities.Organisation{DB: s.DB}).SetStatus(t.Context(), activities.SetStatusInput{Person: eve, Status: organisation.Disabled, Asked: activities.Asked{By: "alice", Key: "x", At: time.Now()}})
	require.NoError(t, err)
	status, _ = s.As(eve, http.MethodGet, "/partner", nil)
	require.Equal(t, http.StatusNotFound, status, "who is disabled opens nothing")
}

// Rule: PAY-23, FHM-01, ORG-38
func TestWhatAPartnerKeepsForItselfIsEnteredOnItsPages(t *testing.T) {
	s := wide(t)
	automatic := url.Values{"group": {"others"}, "automatic": {"CLOUD_ACCOUNT"}}
	status, body := s.As("alice", http.MethodPost, "/partner/requisitions/automatic", automatic)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `<option value="CLOUD_ACCOUNT" selected>`)
	automatic.Set("automatic", "BY <b>")
	status, _ = s.As("alice", http.MethodPost, "/partner/requisitions/automatic", automatic)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	automatic.Set("automatic", "")
	_, body = s.As("alice", http.MethodPost, "/partner/requisitions/automatic", automatic)
	require.NotContains(t, body, `<option value="CLOUD_ACCOUNT" selected>`)

	status, body = s.As("alice", http.MethodPost, "/partner/staff/qualification", url.Values{"key": {"q"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Applied for, waiting for the vendor")
	specialist := url.Values{"key": {"s"}, "id": {"S-1"}, "name": {"Qian <Yu>"}, "role": {"expert"}, "certificates": {"HCIP, HCIE"}, "cloud-since": {"someday"}, "since": {"2023-12-01"}}
	status, body = s.As("alice", http.MethodPost, "/partner/staff/specialists", specialist)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `"someday" is no day; enter it like 2026-11-03.`, `value="Qian <Yu>"`)
	specialist.Set("cloud-since", "2022-01-01")
	status, body = s.As("alice", http.MethodPost, "/partner/staff/specialists", specialist)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Qian <Yu>", "HCIE", "2023-12-01")
	status, body = s.Upload("alice", "/partner/staff/months", url.Values{"key": {"m"}, "month": {"2024-05"}, "scheme": {"expert"}, "person": {"S-1"}}, webtest.File{Field: "proof-employment", Name: "a.pdf", Text: "MZ\x90"})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "X-02")

	status, body = s.As("alice", http.MethodPost, "/partner/specialists", url.Values{"key": {"a"}, "path": {"SVC"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "Choose the members to apply for.")
	status, _ = s.As("alice", http.MethodPost, "/partner/members/A-1/location", url.Values{"location": {"Shenzhen"}})
	require.Equal(t, http.StatusNotFound, status, "who is not linked is not there")

	status, body = s.As("alice", http.MethodPost, "/partner/invoices", url.Values{"key": {"o"}, "rate": {"6", "", ""}, "amount": {"<1>", "", ""}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `value="<1>"`)
	require.NotContains(t, body, "<1>")
}

// Rule: CERT-02, CERT-03
func TestASolutionIsEnteredAsADraftWithItsFilesAndKeptWhenItCannotBeSubmitted(t *testing.T) {
	s := wide(t)
	s.DB.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('solution', 1, '{"version": 1}', 'li', now())`)
	form := url.Values{"key": {"d1"}, "type": {"CLOUD"}, "name": {"Atlas <b>"}, "version": {"2.1"}, "contact": {"Qian Yu"}, "mobile": {"13800138000"}, "email": {"qian@a.example"}, "do": {"save"}}
	status, body := s.Upload("alice", "/partner/solutions", form, webtest.File{Field: "material-description", Name: "atlas <1>.png", Text: picture(t)})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "SD000001 is saved.", "Atlas <b>", "atlas <1>.png", "Go on with the draft")
	require.NotContains(t, body, "<b>")
	require.NotContains(t, body, "13800138000", "the contact is masked")
	_, body = s.As("alice", http.MethodGet, "/partner", nil)
	has(t, body, "Complete and submit the draft Atlas <b>")

	change := url.Values{"key": {"d2"}, "revision": {"1"}, "type": {"CLOUD"}, "name": {"Atlas"}, "version": {"2.2"}, "contact": {""}, "mobile": {""}, "email": {""}, "do": {"save"}}
	status, body = s.As("alice", http.MethodPost, "/partner/solutions/SD000001", change)
	require.Equal(t, http.StatusOK, status, body)
	var mobile string
	require.NoError(t, s.DB.Get(&mobile, `SELECT contact_mobile FROM solution_drafts WHERE version = '2.2'`))
	require.Equal(t, "13800138000", mobile, "what is left empty stays")
	status, _ = s.As("alice", http.MethodPost, "/partner/solutions/SD000001", change)
	require.Equal(t, http.StatusUnprocessableEntity, status, "a colleague changed it meanwhile")
	status, body = s.Upload("alice", "/partner/solutions", form, webtest.File{Field: "material-description", Name: "a.pdf", Text: "MZ\x90"})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "X-02", `value="2.1"`)
	status, _ = s.As("alice", http.MethodPost, "/partner/solutions/SD000001/delete", url.Values{"key": {"d3"}})
	require.Equal(t, http.StatusOK, status)
	status, _ = s.As("alice", http.MethodGet, "/partner/solutions/SD000001", nil)
	require.Equal(t, http.StatusNotFound, status)
}

func TestASolutionThatIsSentAgainAfterALateAnswerIsTheOneThatWasSubmitted(t *testing.T) {
	s := wide(t)
	policy := solution.DefaultPolicy()
	policy.Version = 1
	body, err := json.Marshal(policy)
	require.NoError(t, err)
	s.DB.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('solution', 1, $1, 'li', now())`, body)
	form := url.Values{"key": {"d1"}, "type": {"CLOUD"}, "name": {"Atlas"}, "version": {"2.1"}, "contact": {"Qian Yu"}, "mobile": {"13800138000"}, "email": {"qian@a.example"}, "do": {"save"}}
	status, page := s.Upload("alice", "/partner/solutions", form, webtest.File{Field: "material-description", Name: "atlas.png", Text: picture(t)}, webtest.File{Field: "material-deployment", Name: "steps.png", Text: picture(t)})
	require.Equal(t, http.StatusOK, status, page)
	opened, err := (&activities.Solutions{DB: s.DB}).OpenSolution(t.Context(), activities.OpenSolutionInput{
		Submission: solution.Submission{RequestKey: "d2", PartnerID: "P1001", Submitter: "alice", Draft: "SD000001", Revision: 1},
		WorkflowID: "solution/P1001/SD000001", RunID: "run", At: time.Now(),
	})
	require.NoError(t, err)
	again := url.Values{"key": {"d2"}, "revision": {"1"}, "type": {"CLOUD"}, "name": {"Atlas"}, "version": {"2.1"}, "do": {"submit"}}
	status, page = s.As("alice", http.MethodPost, "/partner/solutions/SD000001", again)
	require.Equal(t, http.StatusOK, status, page)
	has(t, page, opened.Case+" is submitted.", "Atlas")
	status, _ = s.As("bob", http.MethodPost, "/partner/solutions/SD000001", again)
	require.Equal(t, http.StatusNotFound, status, "it is another partner's")
}
