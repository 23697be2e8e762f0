package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/ledger"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// partner is one test's own: nobody else moves its money.
type partner struct {
	s    *stack
	t    *testing.T
	id   string
	mei  string   // its administrator
	team []string // more people who may apply, so that several do at once
	wang string   // the vendor's, may apply for the partner
}

// lot is money that a new partner has.
type lot struct {
	source withdrawal.Source
	amount string
}

// newPartner loads a partner "<ID> Ltd" with money that came in ten days ago.
func newPartner(t *testing.T, id string, lots ...lot) *partner {
	t.Helper()
	p := &partner{s: running(t), t: t, id: id, mei: "mei-" + id, wang: "wang"}
	var b strings.Builder
	fmt.Fprintf(&b, "partners: [{id: %s, name: %s, kind: solution-provider, verified_name: %s Ltd, entity: cloud}]\npeople:\n", id, id, id)
	fmt.Fprintf(&b, "  - {id: %s, name: Mei, partner: %s, roles: [partner-administrator]}\n", p.mei, id)
	for i := range 8 {
		p.team = append(p.team, fmt.Sprintf("%s-%d", p.mei, i+1))
		fmt.Fprintf(&b, "  - {id: %s, name: Mei %d, partner: %s, roles: [partner-withdrawals]}\n", p.team[i], i+1, id)
	}
	b.WriteString("lots:\n")
	for i, l := range lots {
		fmt.Fprintf(&b, "  - {key: %s-%d, partner: %s, source: %s, payer: %s Ltd, payer_account: acct-%s, arrived_at: %s, amount: %q}\n",
			id, i, id, l.source, id, id, time.Now().AddDate(0, 0, -10).UTC().Format(time.RFC3339), l.amount)
	}
	p.load(b.String())
	return p
}

func (p *partner) load(programme string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "programme.yaml")
	require.NoError(p.t, os.WriteFile(file, []byte(programme), 0o600))
	p.s.ask(p.t, 0, nil, "load", file)
}

// setPolicy changes the policy until the test ends.
func (s *stack) setPolicy(t *testing.T, change func(*withdrawal.Policy)) {
	t.Helper()
	before, err := s.views.Policy(t.Context(), withdrawal.Kind, 0)
	require.NoError(t, err)
	set := func(change func(*withdrawal.Policy)) {
		var policy withdrawal.Policy
		require.NoError(t, json.Unmarshal(before.Body, &policy))
		change(&policy)
		text, err := yaml.Marshal(policy)
		require.NoError(t, err)
		file := filepath.Join(s.Dir, "policy.yaml")
		require.NoError(t, os.WriteFile(file, text, 0o600))
		said := s.starter(context.Background(), nil, "policy", "set", withdrawal.Kind, file, "--as", "chen")
		require.Equal(t, 0, said.code, said.err)
	}
	t.Cleanup(func() { set(func(*withdrawal.Policy) {}) })
	set(change)
}

var codeInMail = regexp.MustCompile(`code ([0-9]{6})\b`)

// codeFor sends a verification code and reads it where the mail would go.
func (p *partner) codeFor(person string) string {
	p.t.Helper()
	_, err := (&activities.Codes{DB: p.s.views.DB}).SendCode(p.t.Context(), activities.SendCodeInput{Person: person, Scene: verification.Withdrawal, Target: p.id, At: time.Now()})
	require.NoError(p.t, err)
	messages, err := p.s.views.Outbox(p.t.Context(), person, false)
	require.NoError(p.t, err)
	return codeIn(p.t, messages)
}

// codeIn is the newest code among messages.
func codeIn(t *testing.T, messages []views.Message) string {
	t.Helper()
	for i := len(messages) - 1; i >= 0; i-- {
		if found := codeInMail.FindStringSubmatch(messages[i].Body); found != nil {
			return found[1]
		}
	}
	t.Fatal("no code is in the outbox")
	return ""
}

// toBank is an application by bank card, with a fresh code.
func (p *partner) toBank(key, amount string) withdrawal.Application {
	p.t.Helper()
	return withdrawal.Application{
		RequestKey: key, PartnerID: p.id, Submitter: p.mei, Route: withdrawal.BankCard, Amount: amount, Code: p.codeFor(p.mei),
		Payee: withdrawal.Payee{Holder: p.id + " Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
	}
}

func (p *partner) submit(app withdrawal.Application) (activities.WithdrawalStanding, error) {
	return insist(func(ctx context.Context) (activities.WithdrawalStanding, error) {
		return workflows.SubmitWithdrawal(ctx, p.s.client, app)
	})
}

// opens applies and has to be accepted.
func (p *partner) opens(app withdrawal.Application) *theCase {
	p.t.Helper()
	opened, err := p.submit(app)
	require.NoError(p.t, err)
	return &theCase{p: p, number: opened.Case, workflowID: workflows.WithdrawalID(app)}
}

// theCase is one accepted application.
type theCase struct {
	p          *partner
	number     string
	workflowID string
}

// under review, approved and paying are the states in which a case waits.
func (p *partner) underReview(key string) *theCase { return p.opens(p.toBank(key, "100.00")) }

func (p *partner) approved(key string) *theCase {
	c := p.underReview(key)
	c.must(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve}, withdrawal.Approved)
	return c
}

func (p *partner) paying(key string) *theCase {
	c := p.approved(key)
	c.must(withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent}, withdrawal.Paying)
	return c
}

// decide sends one decision through the Go client.
func (c *theCase) decide(kind approval.Matter, d approval.Decision) (activities.Standing, error) {
	d.Task = approval.TaskID(c.number, kind.Name, 1)
	if d.Key == "" {
		d.Key = d.Task + "/" + d.Person + "/" + string(d.Outcome)
	}
	return insist(func(ctx context.Context) (activities.Standing, error) {
		return workflows.Decide(ctx, c.p.s.client, c.workflowID, d)
	})
}

func (c *theCase) must(kind approval.Matter, d approval.Decision, state withdrawal.State) {
	c.p.t.Helper()
	now, err := c.decide(kind, d)
	require.NoError(c.p.t, err)
	require.Equal(c.p.t, state, now.State)
}

func (c *theCase) confirm(amount string) {
	c.p.t.Helper()
	c.must(withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: amount, Reference: "B-" + c.number}, withdrawal.Paid)
}

func (c *theCase) state() withdrawal.State {
	c.p.t.Helper()
	now, err := c.p.s.views.Case(c.p.t.Context(), c.number)
	require.NoError(c.p.t, err)
	return now.State
}

// history is the case's timeline as "actor via action from>to rule".
func (c *theCase) history() []string {
	c.p.t.Helper()
	d, err := c.p.s.views.CaseDetail(c.p.t.Context(), c.number)
	require.NoError(c.p.t, err)
	var lines []string
	for _, e := range d.Timeline {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s>%s %s", e.Actor, e.Via, e.Action, e.From, e.To, e.Rule)))
	}
	return lines
}

// has asserts what lies on the partner's account and what is held.
func (p *partner) has(cash, hold string) {
	p.t.Helper()
	for account, want := range map[ledger.Account]string{ledger.Cash(p.id): cash, ledger.Hold(p.id): hold} {
		balance, err := p.s.views.Balance(p.t.Context(), account)
		require.NoError(p.t, err)
		require.Equal(p.t, want, balance.String(), account)
	}
}
