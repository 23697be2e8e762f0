package e2e

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/withdrawal"
	"countersign/internal/browsertest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages of the console, by the name of their picture. Who looks is the first word. CASE stands for a case in its second round, PARTNER
// for its partner, PROPOSAL for a proposed policy that is not the reader's own.
var pages = map[string]string{
	"sign-in":  " /sign-in",
	"inbox":    "lina /inbox",
	"empty":    "lina /inbox?text=nowhere",
	"narrowed": "lina /inbox?text=aurora&from=much",
	"waiting":  "lina /waiting",
	"decided":  "lina /decided",
	"case":     "lina /cases/CASE",
	"account":  "lina /account",
	"password": "lina /account/password",
	"factor":   "lina /account/second-factor",
	"missing":  "lina /nowhere",

	"partners":      "olga /partners",
	"partner-facts": "olga /partners/PARTNER",
	"overdue":       "olga /overdue",
	"figures":       "olga /figures",
	"policies":      "olga /policies",
	"policy":        "olga /policies/withdrawal",
	"policy-edit":   "olga /policies/withdrawal/edit",
	"proposal":      "olga /policy-proposals/PROPOSAL",
	"calendar":      "olga /calendar",
	"audit":         "olga /audit?partner=PARTNER",

	"partner":              "mei /partner",
	"partner-cases":        "mei /partner/cases",
	"partner-case":         "mei /partner/cases/CASE",
	"partner-withdrawal":   "mei /partner/withdrawals/new",
	"partner-account":      "mei /partner/account",
	"partner-incentives":   "mei /partner/incentives",
	"partner-bills":        "mei /partner/bills",
	"partner-requisitions": "mei /partner/requisitions",
	"partner-quarters":     "mei /partner/quarters",
	"partner-invoices":     "mei /partner/invoices",
	"partner-certificates": "mei /partner/certificates",
	"partner-tier":         "mei /partner/tier",
	"partner-lab":          "mei /partner/lab",
	"partner-people":       "mei /partner/people",
}

// Every page is there for those who use a screen reader, see poorly, have a small screen or prefer the dark, in both languages, and
// breaks neither its own content security policy nor a script (the browser's own check of each page that a test opens).
func TestGivenThePages_WhenTheyAreHeldAgainstWCAG_ThenNoneBreaksARule(t *testing.T) {
	c := console(t)
	p := newPartner(t, "PAURORA", lot{withdrawal.EbankCorporate, "30000.00"}, lot{withdrawal.EbankCorporate, "20000.00"})
	p.load("partners: [{id: PAURORA, name: Aurora Cloud, kind: solution-provider, verified_name: PAURORA Ltd, entity: cloud}]\n")
	p.chain(approval.Step{Name: "review", Due: calendar.MustTerm("24h"), Who: []approval.Candidate{{Role: "vendor-finance"}}},
		approval.Step{Name: "sign", When: "amount >= 500", Who: []approval.Candidate{{Role: "finance-manager"}}})
	number := p.discussed()
	p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}, Due: calendar.MustTerm("1s"), Escalate: "finance-manager"})
	late := p.opens(p.toBank("k3", "90.00"))
	eventually(t, "the escalation", func() (bool, error) {
		task, err := p.s.views.Task(t.Context(), late.number+"/review")
		return task.Escalated != nil, err
	})
	proposal := p.proposed("otto")
	for _, o := range []browsertest.Options{{Language: chinese}, {Language: english, Dark: true}} {
		readers := map[string]reader{"": c.visitor(t, o), "lina": c.signIn(t, o, "lina"), "mei": c.signIn(t, o, p.mei), "olga": c.signIn(t, o, "olga")}
		lina, olga := readers["lina"], readers["olga"]
		for name, page := range pages {
			who, path, _ := strings.Cut(page, " ")
			r := readers[who]
			path = strings.NewReplacer("CASE", number, "PARTNER", p.id, "PROPOSAL", proposal).Replace(path)
			r.Go(path)
			require.Contains(t, []int{200, 404}, r.Status(), path)
			r.held(name)
		}
		lina.Go("/cases/" + number)
		paper := lina.Printed()
		assert.Contains(t, paper, number)
		assert.NotContains(t, paper, lina.say("layout.sign-out"), "paper has no buttons")
		assert.NotContains(t, paper, lina.say("decide.say"))
		require.Equal(t, 422, lina.Press(lina.say("outcome.reject")), "a rejection needs a reason")
		lina.held("case-refused")
		lina.Go("/inbox?partner=" + p.id)
		lina.Click("checkbox", lina.say("task.choose")+" "+number+"/review@2")
		require.Equal(t, 200, lina.Press(lina.say("outcome.reject")))
		lina.held("results")

		olga.Go("/policies/withdrawal/edit")
		olga.Fill(olga.say("policy-field.code_tries")+" code_tries", "none")
		require.Equal(t, 422, olga.Press(olga.say("vendor.policy.check")))
		olga.held("policy-refused")
		olga.Fill(olga.say("policy-field.code_tries")+" code_tries", "7")
		require.Equal(t, 200, olga.Press(olga.say("vendor.policy.check")))
		olga.held("policy-preview")
	}
}

// held holds what the reader sees against the rules, and pictures it when that was asked for.
func (r reader) held(name string) {
	r.t.Helper()
	r.Accessible()
	if *pictures == "" {
		return
	}
	require.NoError(r.t, os.MkdirAll(*pictures, 0o755))
	require.NoError(r.t, os.WriteFile(filepath.Join(*pictures, name+"-"+r.lang+".png"), r.Picture(), 0o644))
}

// proposed is the number of a policy that somebody proposes and nobody has decided on: one more person signs large withdrawals.
func (p *partner) proposed(by string) string {
	p.t.Helper()
	stored, err := p.s.views.Policy(p.t.Context(), withdrawal.Kind, 0)
	require.NoError(p.t, err)
	var policy withdrawal.Policy
	require.NoError(p.t, json.Unmarshal(stored.Body, &policy))
	policy.Version = 0
	policy.Approval.Steps = append(policy.Approval.Steps, approval.Step{Name: "second-signature", When: "amount >= 30000", Who: []approval.Candidate{{Role: "finance-manager"}}})
	number, err := (&activities.Programme{DB: p.s.views.DB}).ProposePolicy(p.t.Context(), activities.ProposePolicyInput{
		Kind: withdrawal.Kind, Policy: policy, Note: "Large sums need a second signature.", Person: by, Key: p.id, At: time.Now(),
	})
	require.NoError(p.t, err)
	return strconv.FormatInt(number, 10)
}

// discussed is a case with everything that a page may show: a round that was returned, a comment, a document.
func (p *partner) discussed() string {
	p.t.Helper()
	one := p.opens(p.toBank("k1", "40000.00"))
	one.says("review", "lina", approval.Decision{Outcome: approval.Return, Reason: "Only 35,000.00 are covered by invoices."})
	again := p.toBank("k2", "35000.00")
	p.s.ask(p.t, 0, nil, append([]string{"withdrawal", "resubmit", one.number}, p.applyArgs(again)[2:]...)...)
	one.says("review@2", p.mei, approval.Decision{Outcome: approval.Comment, Reason: "The invoices are enclosed."})
	scan := filepath.Join(p.t.TempDir(), "invoices.png")
	var content bytes.Buffer
	page := image.NewGray(image.Rect(0, 0, 480, 120))
	for i := range page.Pix { // lines, as of a text
		page.Pix[i] = 0xee - uint8(i/page.Stride%12/9*0x70)
	}
	require.NoError(p.t, png.Encode(&content, page))
	require.NoError(p.t, os.WriteFile(scan, content.Bytes(), 0o600))
	p.s.ask(p.t, 0, nil, "document", "add", one.number, scan, "--kind", "invoice", "--as", p.mei)
	return one.number
}
