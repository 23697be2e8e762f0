package partner_test

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/requisition"
	"countersign/internal/pgtest"
	"countersign/web/webtest"

	"github.com/stretchr/testify/require"
)

// more makes P1001 a partner that is certified, on a path, and has a plan.
const more = `
companies: [{id: C-A, name: A Ltd}]
people:
  - {id: ou, name: Ou Ting, email: ou@vendor.example, roles: [vendor-operations]}
  - {id: tina, name: Tina, email: tina@vendor.example, roles: [tier-reviewer]}
paths: [{partner: P1001, path: SW, stage: ROLE_CERTIFIED, from: 2025-04-01T09:00:00+08:00}]
business:
  - partner: P1001
    real_name: {}
    qualifications: [{from: 2020-01-01}]
    plans: [{plan: solution-provider, from: 2025-03-06T10:00:00+08:00}]
    information: {company_name: Alpha Cloud Ltd, code_type: USCI, code: 91440300MA5EQXAA, registered_address: Shenzhen, contact: Alice Chen, taxpayer_type: small-scale,
      tax_number: 91440300MA5EQXAA, bank_account_name: Alpha Cloud Ltd, bank_name: ICBC, branch: Shenzhen Nanshan, account_no: "6222020200112233", certified_at: 2024-01-02T10:00:00+08:00}
    entities: [{entity: cloud, effective_from: 2024-01-01}]
vendor_addresses: [{entity: cloud, name: "Vendor Cloud Co., Ltd.", mailing_address: "2 Vendor Street", public_mailbox: in@vendor.example}]
lab_policy: {review_role: vendor-operations, issue_role: vendor-operations, report_role: vendor-operations, escalation_role: finance-manager, remind_term: P3WD, validity: P12M,
  address: "https://lab.vendor.example", decide_by_signal: true}
invitation_policy: {term: P7D, remind_after: P5D, daily_limit: 100, lookback_months: 12, most_partners: 3, link: "https://partners.example/invitations/"}
tier_upgrade_policy:
  review_role: tier-reviewer
  escalation_role: vendor-operations
  review_term: P7D
  requirements:
    PREFERRED: [{code: path, zh: 角色认证, en: certified path, source: certified-path, target: "1.00"}]
    LEADING: [{code: plan, zh: 业务计划, en: business plan, source: evidence, target: "1.00"}]
    CORE: [{code: performance, zh: 业绩, en: performance, source: performance, months: 12, target: "500000.00"}]
`

// wide is the partners' side over the demo programme with all of that, two released bills and a linked member.
func wide(t *testing.T) *side {
	t.Helper()
	s := demoSide(t)
	file, err := activities.ParseProgramme([]byte(more))
	require.NoError(t, err)
	_, err = (&activities.Programme{DB: s.DB}).Load(t.Context(), file, "test", s.at)
	require.NoError(t, err)
	for _, insert := range []string{
		`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at) VALUES
		 ('B000001', 'P1001', 'solution-provider', 'monthly', '2024-05', 'resale',   '2024-06-03T02:00:00Z', 1500, 6, '2024-06-15', 'RELEASED', '2024-06-15T00:00:00Z'),
		 ('B000002', 'P1001', 'solution-provider', 'monthly', '2024-05', 'advisory', '2024-06-03T02:00:00Z', -600, 6, '2024-06-15', 'RELEASED', '2024-06-15T00:00:00Z')`,
		`INSERT INTO personal_accounts (account_id, account_name, name, mobile) VALUES ('A-1', 'qian', 'Qian Yu', '13800138001'), ('A-2', 'sun', 'Sun Bo', '13800138002')`,
	} {
		s.DB.MustExec(insert)
	}
	return s
}

func TestEachPageSaysWhatThereIsAndWhatToDo(t *testing.T) {
	s := wide(t)
	for path, texts := range map[string][2][]string{
		"/partner/incentives":                {{"激励", "上个月"}, {"Incentives", "There is nothing to estimate yet."}},
		"/partner/incentives?month=2024-05":  {{"B000001", "可请款"}, {"B000001", "Released", "-600.00"}},
		"/partner/bills":                     {{"激励账单", "1,500.00"}, {"B000002", "Resale", "1,500.00"}},
		"/partner/bills/B000001":             {{"B000001", "可请款"}, {"solution-provider", "1,500.00 CNY"}},
		"/partner/requisitions":              {{"申请激励款", "负激励，下次请款时抵扣"}, {"Voucher quota", "Negative: taken in with the next request", "B000001"}},
		"/partner/quarters":                  {{"季度付款"}, {"No quarter was requested yet.", "What keeps the payment from being requested"}},
		"/partner/quarters?quarter=2024Q2":   {{"2024Q2"}, {"2024Q2", "2024-04"}},
		"/partner/invoices":                  {{"目前没有需要开具的发票"}, {"There is nothing to invoice now."}},
		"/partner/certificates":              {{"还没有证书"}, {"There are no certificates yet."}},
		"/partner/tier":                      {{"角色认证", "优选"}, {"certified path", "Preferred", "Apply for this tier", "TIER-06"}},
		"/partner/lab":                       {{"可申请实验积分", "请先邀请成员"}, {"open for lab credits", "Invite a member first", "https://lab.vendor.example"}},
		"/partner/people":                    {{"组织人员", "还没有邀请"}, {"Alice Chen", "Partner administrator", "There are no invitations."}},
		"/partner/withdrawals/new":           {{"提现方式"}, {"Route", "CNY"}},
		"/partner/incentives/lines/1":        {nil, nil},
		"/partner/incentives/lines/x":        {nil, nil},
		"/partner/bills/B999999":             {nil, nil},
		"/partner/invoices/W999999":          {nil, nil},
		"/partner/certificates/CERT-0":       {nil, nil},
		"/partner/incentives/export/exe":     {nil, nil},
		"/partner/cases/W999999/documents/x": {nil, nil},
	} {
		for i, language := range []string{"zh", "en"} {
			status, body := s.Get("alice", language, path)
			if texts[i] == nil {
				require.Equal(t, http.StatusNotFound, status, path)
				continue
			}
			require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
			has(t, body, texts[i]...)
		}
	}
	for _, path := range []string{"/partner/incentives?month=x", "/partner/incentives?month=2024-Q2", "/partner/quarters?quarter=Q"} {
		status, _ := s.As("alice", http.MethodGet, path, nil)
		require.Equal(t, http.StatusBadRequest, status, path)
	}
	role, err := (&activities.Organisation{DB: s.DB}).CreateRole(t.Context(), activities.CreateRoleInput{
		Partner: "P1001", Name: "Members", Permissions: []organisation.Permission{organisation.Members}, Asked: activities.Asked{By: "alice", Key: "r", At: s.at},
	})
	require.NoError(t, err)
	_, body := s.As(s.colleague("carl", person.Role(role)), http.MethodGet, "/partner/people", nil) // no administrator
	has(t, body, "Ask yours for a change.")
	require.NotContains(t, body, "alice@alpha.example")
}

// Rule: PAY-06, PAY-27
func TestWhoLooksAtWhatCanBeRequestedLocksNoBill(t *testing.T) {
	s := wide(t)
	lockers := func() (by []string) {
		require.NoError(t, s.DB.Select(&by, `SELECT xmax::text FROM bills WHERE partner_id = 'P1001' ORDER BY bill_id`))
		return by
	}
	before := lockers()
	require.NotEmpty(t, before)
	status, body := s.As("alice", http.MethodGet, "/partner/requisitions", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "B000001")
	require.Equal(t, before, lockers(), "a partner may have bills by the thousand, and a lock is a write")
}

func TestARequisitionIsPreviewedAndShowsWhatItComesTo(t *testing.T) {
	s := wide(t)
	preview := url.Values{"key": {"k"}, "do": {"preview"}, "method": {"VOUCHER"}}
	status, body := s.As("alice", http.MethodPost, "/partner/requisitions", preview)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Preview: nothing is submitted yet", "900.00 CNY", "B000002 (-600.00)")
	require.Contains(t, body, `<option value="VOUCHER" selected>`)
	preview.Set("method", "BANK")
	preview.Set("bill", "B000001")
	status, body = s.As("alice", http.MethodPost, "/partner/requisitions", preview)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "PAY_METHOD_NOT_ALLOWED")
	require.Contains(t, body, `value="B000001" aria-label="Choose B000001" checked`)

	opened, err := (&activities.Requisitions{DB: s.DB}).OpenRequisition(t.Context(), activities.OpenRequisitionInput{
		Application: requisition.Application{RequestKey: "k", PartnerID: "P1001", Submitter: "alice", Methods: []requisition.Method{requisition.Voucher}},
		WorkflowID:  "requisition/P1001/k", RunID: "run-k", At: time.Now(),
	})
	require.NoError(t, err)
	status, body = s.As("alice", http.MethodGet, "/partner/cases/"+opened.Case, nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Voucher quota", "900.00 CNY", "QV000001", "-600.00", "Completed")
	_, body = s.As("alice", http.MethodGet, "/partner/requisitions", nil)
	has(t, body, opened.Case, "Paid")
	status, body = s.As("alice", http.MethodPost, "/partner/cases/"+opened.Case+"/method", url.Values{"key": {"m"}, "method": {"CLOUD_ACCOUNT_OWED"}, "reason": {"changed <our> mind"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "PAY_ALREADY_PAID")
	require.NotContains(t, body, "<our>")
}

// invoiced is a case of P1001 with an invoice list over 10,300.00.
func (s *side) invoiced() string {
	s.t.Helper()
	number := s.open("a", "500.00")
	owner := pgtest.Owner(s.t, s.DB)
	owner.SetMaxOpenConns(1) // so that the SET holds
	owner.MustExec(`SET session_replication_role = replica`)
	owner.MustExec(`UPDATE cases SET kind = 'requisition' WHERE case_number = $1`, number) // withdrawals have no invoices
	s.DB.MustExec(`
		INSERT INTO policies (kind, version, body, set_by, set_at) SELECT 'requisition', version, body, set_by, set_at FROM policies WHERE kind = 'withdrawal' ON CONFLICT DO NOTHING`)
	pgtest.Owner(s.t, s.DB).MustExec(`UPDATE cases SET kind = 'requisition' WHERE case_number = $1`, number)
	s.DB.MustExec(`
		INSERT INTO invoice_lists (list_no, case_number, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch, bank_address,
		       account_no, taxpayer, buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox, contacts,
		       opened_at, visible_at, due_date)
		SELECT 'IL000001', $1, 'Alpha Cloud Ltd', '91A', '91A', 'Shenzhen', 'Alpha Cloud Ltd', 'ICBC', 'Nanshan', 'Nanshan', '6222-1', 'small-scale', entity, name,
		       'incentive', '2024-05', 10300, 'CNY', 3, mailing_address, public_mailbox, contacts, '2024-06-05T02:00:00Z', '2024-06-05T02:00:00Z', '2024-07-05' FROM vendor_addresses`, number)
	return number
}

// picture is a PNG of one point.
func picture(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, image.NewGray(image.Rect(0, 0, 1, 1))))
	return out.String()
}

// Rule: INV-03, INV-09
func TestTheInvoiceListIsPrintedWithTheNumbersThatWereEntered(t *testing.T) {
	s := wide(t)
	number := s.invoiced()
	page := "/partner/invoices/" + number
	status, body := s.As("alice", http.MethodGet, page+"?rows=3", nil)
	require.Equal(t, http.StatusOK, status)
	has(t, body, "IL000001", "10,300.00 CNY", "2 Vendor Street", "in@vendor.example", "2024-07-05", "Waiting for your invoice")
	require.Equal(t, 3, strings.Count(body, `name="number"`))
	require.Contains(t, body, "?rows=4")
	_, body = s.As("alice", http.MethodGet, page+"?rows=100000", nil)
	require.Equal(t, 20, strings.Count(body, `name="number"`))

	_, blank := s.As("alice", http.MethodPost, page, url.Values{"do": {"print"}, "number": {""}, "date": {""}})
	require.True(t, strings.HasPrefix(blank, "%PDF-"))
	_, filled := s.As("alice", http.MethodPost, page, url.Values{"do": {"print"}, "number": {"24442000000012345678"}, "date": {"2024-06-20"}})
	require.True(t, strings.HasPrefix(filled, "%PDF-"))
	require.NotEqual(t, len(blank), len(filled), "the number stands on it")
	status, body = s.As("alice", http.MethodPost, page, url.Values{"do": {"print"}, "number": {"1", "2<b>"}, "date": {"2024-06-20", "yesterday"}, "net": {"1", "x"}, "tax": {"1", ""}, "total": {"2", ""}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "INV-09", `value="2<b>"`)
	require.NotContains(t, body, "2<b>")

	status, body = s.Upload("alice", page, url.Values{"do": {"send"}, "number": {"1"}, "date": {"2024-06-20"}, "key": {"k"}}, webtest.File{Field: "0", Name: "invoice.html", Text: "<html><script>alert(1)</script>"})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, "X-02", `value="1"`)
	_, body = s.As("alice", http.MethodGet, "/partner/invoices", nil)
	has(t, body, "IL000001", number)
}

func TestFilesAreEnclosedWithACaseAndReadAgain(t *testing.T) {
	s := wide(t)
	number := s.open("a", "500.00")
	to := "/partner/cases/" + number + "/documents"
	status, body := s.Upload("alice", to, url.Values{"kind": {"proof"}}, webtest.File{Field: "file", Name: `photo "<1>".png`, Text: picture(t)})
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "The file is enclosed.", "Proof", `photo "<1>".png`)
	require.NotContains(t, body, "<1>")
	var id string
	require.NoError(t, s.DB.Get(&id, `SELECT document_id FROM case_documents WHERE case_number = $1`, number))
	status, body = s.As("alice", http.MethodGet, to+"/"+id, nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, picture(t), body)
	status, _ = s.As("bob", http.MethodGet, to+"/"+id, nil)
	require.Equal(t, http.StatusNotFound, status)
	for name, c := range map[string]struct {
		form   url.Values
		files  []webtest.File
		status int
	}{
		"nothing chosen":       {url.Values{"kind": {"proof"}}, nil, http.StatusUnprocessableEntity},
		"no kind":              {url.Values{"kind": {"<b>"}}, []webtest.File{{Field: "file", Name: "a.png", Text: picture(t)}}, http.StatusUnprocessableEntity},
		"an executable":        {url.Values{"kind": {"proof"}}, []webtest.File{{Field: "file", Name: "a.pdf", Text: "MZ\x90"}}, http.StatusUnprocessableEntity},
		"more than is taken":   {url.Values{"kind": {"proof"}}, []webtest.File{{Field: "file", Name: "a.png", Text: strings.Repeat("x", 2<<20)}}, http.StatusUnprocessableEntity},
		"wrong UTF-8":          {url.Values{"kind": {"\xff"}}, []webtest.File{{Field: "file", Name: "a.png", Text: picture(t)}}, http.StatusBadRequest},
		"a field of 80 MB":     {url.Values{"kind": {strings.Repeat("x", 80<<20)}}, nil, http.StatusRequestEntityTooLarge},
		"a form of many files": {url.Values{"kind": {"proof"}}, slicesOf(webtest.File{Field: "file", Name: "a.png", Text: "x"}, 22), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := s.Upload("alice", to, c.form, c.files...)
			require.Equal(t, c.status, status, body)
		})
	}
	var n int
	require.NoError(t, s.DB.Get(&n, `SELECT count(*) FROM case_documents`))
	require.Equal(t, 1, n)
}

func slicesOf[T any](one T, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = one
	}
	return all
}

// Rule: ORG-01, ORG-14, PGM-05, PGM-06
func TestAnAdministratorLooksAfterThePeople(t *testing.T) {
	s := wide(t)
	form := url.Values{"key": {"k1"}, "account": {"dan"}, "name": {"Dan <b>"}, "mobile": {"13900139000"}, "email": {"dan@alpha.example"}, "role": {"partner-withdrawals"}}
	status, _ := s.As("bob", http.MethodPost, "/partner/people", form)
	require.Equal(t, http.StatusNotFound, status)
	status, body := s.As("alice", http.MethodPost, "/partner/people", url.Values{"key": {"k0"}, "name": {"No <account>"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `value="No <account>"`)
	require.NotContains(t, body, "No <account>")

	status, body = s.As("alice", http.MethodPost, "/partner/people", form)
	require.Equal(t, http.StatusOK, status, body)
	has(t, body, "Initial password of dan", "It is shown this once.", "Dan <b>")
	require.NotContains(t, body, "13900139000")
	require.Regexp(t, `<code>\S{8,}</code>`, body)
	_, body = s.As("alice", http.MethodPost, "/partner/people", form)
	has(t, body, "It was shown before")
	_, body = s.As("alice", http.MethodGet, "/partner/people", nil)
	require.NotRegexp(t, `<code>`, body)

	var dan string
	require.NoError(t, s.DB.Get(&dan, `SELECT person_id FROM organisation_people WHERE account_name = 'dan'`))
	_, body = s.As("alice", http.MethodPost, "/partner/people/uncover", url.Values{"list": {"persons"}, "column": {"mobile"}})
	require.Contains(t, body, "13900139000")
	require.NotContains(t, body, "dan@alpha.example", "each column by itself")
	var looks int
	require.NoError(t, s.DB.Get(&looks, `SELECT count(*) FROM audit_log WHERE person_id = 'alice' AND column_name = 'mobile' AND list = 'persons'`))
	require.Equal(t, 1, looks)
	_, body = s.As("alice", http.MethodGet, "/partner/people", nil)
	require.NotContains(t, body, "13900139000", "it is forgotten when the page is left")
	for _, wrong := range []url.Values{{"list": {"customers"}, "column": {"name"}}, {"list": {"nonsense"}}} {
		status, _ = s.As("alice", http.MethodPost, "/partner/people/uncover", wrong)
		require.Equal(t, http.StatusBadRequest, status)
	}
	status, _ = s.As("alice", http.MethodPost, "/partner/people/uncover", url.Values{"list": {"persons"}, "column": {"password"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = s.As("bob", http.MethodPost, "/partner/people/uncover", url.Values{"list": {"persons"}, "column": {"mobile"}})
	require.Equal(t, http.StatusNotFound, status)

	to := "/partner/people/" + url.PathEscape(dan)
	status, body = s.As("alice", http.MethodPost, to+"/roles", url.Values{"key": {"k2"}, "role": {"partner-incentives", "partner-finance"}})
	require.Equal(t, http.StatusOK, status)
	has(t, body, "Saved.")
	_, body = s.As("alice", http.MethodPost, to+"/password", url.Values{"key": {"k3"}})
	require.Regexp(t, `<code>\S{8,}</code>`, body)
	_, body = s.As("alice", http.MethodPost, to+"/status", url.Values{"key": {"k4"}, "status": {"DISABLED"}})
	has(t, body, "Saved.", "Disabled")
	status, _ = s.As("alice", http.MethodPost, to+"/status", url.Values{"key": {"k5"}, "status": {"<b>"}})
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = s.As("alice", http.MethodPost, "/partner/people/bob/status", url.Values{"key": {"k6"}, "status": {"DISABLED"}})
	require.Equal(t, http.StatusNotFound, status)
	status, _ = s.As("alice", http.MethodPost, "/partner/people/nobody/roles", url.Values{"key": {"k7"}})
	require.Equal(t, http.StatusNotFound, status)
}

// Rule: ORG-01
func TestThePeopleOfALargeOrganisationAreFilteredAndPaged(t *testing.T) {
	s := wide(t)
	for n := range 24 {
		s.colleague(fmt.Sprintf("p%02d", n), person.PartnerFinance)
	}
	s.colleague("withdrawer", person.PartnerWithdrawals)
	_, body := s.As("alice", http.MethodGet, "/partner/people", nil)
	require.Contains(t, body, "<td>p00</td>")
	require.NotContains(t, body, "<td>p20</td>")
	next := regexp.MustCompile(`href="(/partner/people\?people=[^"]+#people)"`).FindStringSubmatch(body)
	require.NotNil(t, next, body)
	at, _, _ := strings.Cut(html.UnescapeString(next[1]), "#")
	_, body = s.As("alice", http.MethodGet, at, nil)
	require.NotContains(t, body, "<td>p00</td>")
	has(t, body, "<td>p20</td>", "First page")
	require.Contains(t, body, `action="`+strings.Replace(at, "people?", "people/uncover?", 1)+`"`, "who looks at a column stays on the page")
	_, body = s.As("alice", http.MethodPost, strings.Replace(at, "people?", "people/uncover?", 1), url.Values{"list": {"persons"}, "column": {"mobile"}})
	has(t, body, "<td>p20</td>")
	require.Contains(t, body, `href="/partner/people#people"`, "and gets back to the list")

	_, body = s.As("alice", http.MethodGet, "/partner/people?role=partner-withdrawals&status=ACTIVE&account=draw", nil)
	has(t, body, "<td>withdrawer</td>")
	require.NotContains(t, body, "<td>p00</td>")
	_, body = s.As("alice", http.MethodGet, "/partner/people?name=nobody&member=nobody", nil)
	has(t, body, "Nobody is found.", "No member is found.")
}

// Rule: ORG-29, ORG-37
func TestWhoCannotBeFoundIsNotInvitedAndWhoIsNotLinkedNotUnbound(t *testing.T) {
	s := wide(t)
	status, body := s.As("alice", http.MethodPost, "/partner/invitations", url.Values{"key": {"k"}, "by": {"mobile"}, "text": {"<100>"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	has(t, body, `value="<100>"`)
	require.NotContains(t, body, "<100>")
	status, _ = s.As("alice", http.MethodPost, "/partner/invitations", url.Values{"key": {"k"}, "by": {"star sign"}, "text": {"x"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	status, _ = s.As("alice", http.MethodPost, "/partner/members/A-1/unbind", url.Values{"key": {"k"}})
	require.Equal(t, http.StatusNotFound, status)
	status, _ = s.As("alice", http.MethodPost, "/partner/invitations/I999999/again", url.Values{"key": {"k"}})
	require.Equal(t, http.StatusNotFound, status)
}
