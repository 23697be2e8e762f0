package partner_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/qualification"
	"countersign/views"
	"countersign/web/webtest"

	"github.com/stretchr/testify/require"
)

// Rule: ORG-09, ORG-20, PGM-05, PGM-06
func TestCustomersAreAssignedAndSeeTheContactsThatArePutDown(t *testing.T) {
	s := wide(t)
	s.DB.MustExec(`INSERT INTO customers (customer_id, partner_id, name, account) VALUES ('C-77', 'P1001', 'Seven <Seas>', 'seven'), ('C-88', 'P1002', 'Eight', 'eight')`)
	mia := s.colleague("mia", person.PartnerAccountManager)
	status, body := s.As("alice", http.MethodGet, "/partner/customers", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "C-77", "customers see the administrator")
	require.NotContains(t, body, "Seven")
	require.NotContains(t, body, "C-88")
	status, body = s.As("alice", http.MethodPost, "/partner/customers/uncover", url.Values{"list": {"customers"}, "column": {"name"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Seven <Seas>")
	_, body = s.As("alice", http.MethodGet, "/partner/people", nil)
	has(t, body, "Who saw masked columns in full")
	for address, form := range map[string]url.Values{"/partner/customers/C-88/manager": {"to": {mia}}, "/partner/customers/C-77/manager": {"to": {"bob"}}} {
		status, _ = s.As("alice", http.MethodPost, address, form)
		require.Equal(t, http.StatusNotFound, status, address)
	}
	status, body = s.As("alice", http.MethodPost, "/partner/customers/C-77/manager", url.Values{"key": {"m0"}, "to": {"alice"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "is no account manager", `id="to-wrong"`)
	_, body = s.As(mia, http.MethodGet, "/partner/customers", nil)
	has(t, body, "There are no customers yet.")
	status, body = s.As("alice", http.MethodPost, "/partner/customers/C-77/manager", url.Values{"key": {"m1"}, "to": {mia}})
	require.Equal(t, http.StatusOK, status, body)
	_, body = s.As(mia, http.MethodGet, "/partner/customers?text=seven", nil)
	has(t, body, "C-77")
	require.NotContains(t, body, "Contacts for customers", "the administrator's")

	status, body = s.As("alice", http.MethodPost, "/partner/contacts", url.Values{"key": {"c0"}, "name": {"Kim <i>"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "A contact has a mobile number or an email address.", `value="Kim <i>"`, `id="mobile-wrong"`, `id="email-wrong"`)
	require.NotContains(t, body, "<i>")
	status, body = s.As("alice", http.MethodPost, "/partner/contacts", url.Values{"key": {"c1"}, "name": {"Kim <i>"}, "email": {"kim@alpha.example"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Kim <i>")
	require.NotContains(t, body, "kim@alpha.example", "it is masked")
	status, body = s.As("alice", http.MethodPost, "/partner/contacts/1/remove", url.Values{"key": {"c2"}})
	require.Equal(t, http.StatusOK, status, body)
	require.NotContains(t, body, "Kim")
}

// Rule: ORG-01, ORG-02, ORG-08, ORG-10, ORG-15
func TestEverybodyKeepsTheirOwnDataAndTheAdministratorEverybodys(t *testing.T) {
	s := wide(t)
	mia, dora := s.colleague("mia", person.PartnerAccountManager), s.colleague("dora", person.PartnerAccountDirector)
	status, body := s.As(mia, http.MethodGet, "/partner/own", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "mia@alpha.example", "Partner account manager")
	status, body = s.As(mia, http.MethodPost, "/partner/own", url.Values{"key": {"o1"}, "name": {"Mia Lin"}, "mobile": {"none"}, "email": {"mia.lin@alpha.example"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `id="mobile-wrong"`, `value="Mia Lin"`)
	status, body = s.As(mia, http.MethodPost, "/partner/own", url.Values{"key": {"o2"}, "name": {"Mia Lin"}, "mobile": {""}, "email": {"mia.lin@alpha.example"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "mia.lin@alpha.example", "What was done")
	status, body = s.As(mia, http.MethodPost, "/partner/own/messages", url.Values{"language": {"en"}, "zone": {"Nowhere"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `id="zone-wrong"`, `value="Nowhere"`)
	status, _ = s.As(mia, http.MethodPost, "/partner/own/messages", url.Values{"language": {"en"}, "zone": {"Asia/Bangkok"}})
	require.Equal(t, http.StatusOK, status)
	status, _ = s.As(mia, http.MethodGet, "/partner/people/"+dora, nil)
	require.Equal(t, http.StatusNotFound, status)

	status, body = s.As("alice", http.MethodGet, "/partner/people/"+mia, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Mia Lin")
	require.NotContains(t, body, "mia.lin@alpha.example")
	status, body = s.As("alice", http.MethodPost, "/partner/people/"+mia, url.Values{"key": {"p1"}, "name": {""}, "mobile": {"13800138009"}, "email": {""}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Mia Lin", "138****8009")
	status, body = s.As("alice", http.MethodPost, "/partner/people/"+mia+"/director", url.Values{"key": {"p2"}, "director": {dora}})
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `value="`+dora+`" selected`)
	status, body = s.As("alice", http.MethodPost, "/partner/people/"+mia+"/qualification", url.Values{"key": {"p3"}, "reviewed": {string(person.PartnerAccountManager)}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "qualification under review")
	status, body = s.As("alice", http.MethodPost, "/partner/people/"+mia+"/roles", url.Values{"key": {"p4"}, "role": {"partner-finance", "partner-administrator"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "ORG_ROLE_ADMIN_ALONE", `id="role-wrong"`)
	status, _ = s.As("bob", http.MethodGet, "/partner/people/"+mia, nil)
	require.Equal(t, http.StatusNotFound, status)
}

// Rule: ORG-11
func TestADraftIsSharedByWhoMayActInCasesOfItsKind(t *testing.T) {
	s := wide(t)
	dora := s.colleague("dora", person.PartnerArchitect)
	draft := url.Values{"key": {"d1"}, "kind": {"withdrawal"}, "title": {""}, "body": {"amount: <b>"}}
	status, body := s.As("alice", http.MethodPost, "/partner/drafts", draft)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `id="title-wrong"`, "amount: <b>")
	draft.Set("title", "May")
	status, body = s.As("alice", http.MethodPost, "/partner/drafts", draft)
	require.Equal(t, http.StatusOK, status, body)
	var id string
	require.NoError(t, s.DB.Get(&id, `SELECT draft_id::text FROM drafts`))
	status, body = s.As("alice", http.MethodGet, "/partner/drafts/"+id, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "amount: <b>")
	require.NotContains(t, body, "<b>")
	for who, method := range map[string]string{dora: http.MethodGet, "bob": http.MethodPost} {
		status, _ = s.As(who, method, "/partner/drafts/"+id, url.Values{"kind": {"withdrawal"}, "title": {"x"}})
		require.Equal(t, http.StatusNotFound, status, who)
	}
	draft.Set("key", "d2")
	draft.Set("title", "June")
	status, body = s.As("alice", http.MethodPost, "/partner/drafts/"+id, draft)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "June")
	status, body = s.As("alice", http.MethodPost, "/partner/drafts/"+id+"/delete", url.Values{"key": {"d3"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "There are no drafts.")
}

// Rule: ORG-45
func TestTheAdministratorReadsWhatALinkedMemberKeeps(t *testing.T) {
	s := wide(t)
	status, _ := s.As("alice", http.MethodGet, "/partner/members/A-1", nil)
	require.Equal(t, http.StatusNotFound, status, "not linked")
	s.DB.MustExec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ('A-1', 'P1001', $1, '1', now())`, s.open("i", "100.00")) // any case stands for the invitation
	_, err := (&activities.MemberQualifications{DB: s.DB}).ChangeQualification(t.Context(), activities.ChangeQualificationInput{
		Key: "q", Account: "A-1", Member: "A-1", Kind: qualification.Kinds[1], Content: qualification.Content{Title: "Cloud <architect>", Level: "HCIP", From: calendar.DateOf(s.at)}, At: time.Now(),
	})
	require.NoError(t, err)
	status, body := s.As("alice", http.MethodGet, "/partner/members/A-1", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Cloud <architect>", "HCIP", "The member")
	status, _ = s.As("bob", http.MethodGet, "/partner/members/A-1", nil)
	require.Equal(t, http.StatusNotFound, status)
}

// Rule: TIER-09
func TestAnotherAccountOfTheCompanyIsRegistered(t *testing.T) {
	s := wide(t)
	s.DB.MustExec(`UPDATE partners SET company_id = 'C-A', master = CASE partner_id WHEN 'P1001' THEN 'alice' ELSE 'bob' END WHERE partner_id IN ('P1001', 'P1002')`)
	s.DB.MustExec(`UPDATE organisation_people SET mobile = '13800000001' WHERE person_id = 'alice'`)
	carl := s.colleague("carl", person.PartnerArchitect)
	_, body := s.As(carl, http.MethodGet, "/partner/registration", nil)
	has(t, body, "The holder of the master account does this.")
	status, body := s.As("alice", http.MethodPost, "/partner/registration", url.Values{"key": {"r0"}, "do": {"verify"}, "email-code": {"1"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `id="email-code-wrong"`, `id="mobile-code-wrong"`)
	status, body = s.As("alice", http.MethodPost, "/partner/registration", url.Values{"key": {"r1"}, "do": {"codes"}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "A code was sent")
	byMail, byText := sixTimes.FindString(s.message("by email")), sixTimes.FindString(s.message("by mobile"))
	status, body = s.As("alice", http.MethodPost, "/partner/registration", url.Values{"key": {"r2"}, "do": {"verify"}, "email-code": {byMail}, "mobile-code": {byText}})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "The link was sent to the master account")
	finish := url.Values{"key": {"r3"}, "do": {"finish"}, "link": {linkSaid.FindStringSubmatch(s.message("链接 link: "))[1]}, "account": {"alice.two"}, "name": {"Alice Two"}, "mobile": {"13700000001"}, "email": {"two@alpha.example"}}
	status, body = s.As("bob", http.MethodPost, "/partner/registration", finish)
	require.Equal(t, http.StatusUnprocessableEntity, status, "the link is not theirs")
	has(t, body, `id="link-wrong"`)
	status, body = s.As("alice", http.MethodPost, "/partner/registration", finish)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "is open.", "alice.two")
}

// Rule: AUT-06
func TestABankLetterIsUploadedWithTheInformationAndOpensToItsPartner(t *testing.T) {
	s := wide(t)
	change := url.Values{
		"key": {"l1"}, "company_name": {"Alpha Cloud Ltd"}, "code_type": {"USCI"}, "company_code": {"91440300MA5EQXAA"}, "taxpayer_type": {"general"}, "settlement_currency": {"CNY"},
		"tax_number": {"91440300MA5EQXAA"}, "bank_account_name": {"Alpha Cloud Ltd"}, "bank_name": {"ICBC"}, "bank_branch": {"Shenzhen Nanshan"}, "bank_account_no": {"6222020200119999"},
	}
	status, body := s.Upload("alice", "/partner/company", change)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "AUT_BANK_LETTER", `id="bank_letter-wrong"`, `value="6222020200119999"`)
	status, body = s.Upload("alice", "/partner/company", change, webtest.File{Field: "bank_letter", Name: "a.pdf", Text: "MZ\x90"})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "X-02", `id="bank_letter-wrong"`)
	status, body = s.Upload("alice", "/partner/company", change, webtest.File{Field: "bank_letter", Name: "letter.png", Text: picture(t)})
	require.Equal(t, http.StatusOK, status, body)
	letter := found(t, letterAt, body)
	status, _ = s.As("alice", http.MethodGet, letter, nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = s.As("bob", http.MethodGet, letter, nil)
	require.Equal(t, http.StatusNotFound, status)
}

var (
	letterAt = regexp.MustCompile(`/partner/company/letters/[0-9a-f]{64}`)
	sixTimes = regexp.MustCompile(`[0-9]{6}`)
	linkSaid = regexp.MustCompile(`链接 link: (\S+)`)
)

// message is the newest message to alice that says something.
func (s *side) message(saying string) (body string) {
	s.t.Helper()
	messages, err := views.Reader{DB: s.DB}.Outbox(s.t.Context(), "alice", false)
	require.NoError(s.t, err)
	for _, m := range messages {
		if strings.Contains(m.Body, saying) {
			body = m.Body
		}
	}
	require.NotEmpty(s.t, body, saying)
	return body
}
