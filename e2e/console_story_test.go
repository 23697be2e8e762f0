package e2e

import (
	"strings"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/browsertest"
	"countersign/views"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A partner applies, two approvers decide from their inboxes, one returns it, the partner resubmits, finance confirms, the
// statement shows it: in Chinese, without JavaScript, in English.
func TestGivenAnApplication_WhenApproversWorkInTheirBrowsers_ThenItIsReturnedApprovedAndPaid(t *testing.T) {
	for name, o := range map[string]browsertest.Options{
		"in Chinese": {Language: chinese}, "without JavaScript": {Language: chinese, NoScript: true}, "in English": {Language: english, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := console(t)
			p := newPartner(t, "PWEB"+strings.ToUpper(strings.ReplaceAll(name[len(name)-7:], " ", "")), lot{withdrawal.EbankCorporate, "1000.00"})
			p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}}, approval.Step{Name: "sign", Who: []approval.Candidate{{Role: "finance-manager"}}})
			var opened standing
			p.s.ask(t, 0, &opened, p.applyArgs(p.toBank("w1", "700.00"))...)

			lina := c.signIn(t, o, "lina")
			lina.opens(opened.Case)
			lina.Fill(lina.say("decide.reason"), "only 600.00 are invoiced")
			lina.decides("return", withdrawal.Awaiting)
			p.has("300.00", "700.00")

			var now standing
			p.s.ask(t, 0, &now, append([]string{"withdrawal", "resubmit", opened.Case}, p.applyArgs(p.toBank("w2", "600.00"))[2:]...)...)
			require.Equal(t, withdrawal.UnderReview, now.State)

			lina.opens(opened.Case)
			lina.Sees("only 600.00 are invoiced", p.mei) // the first round stays on the page
			lina.Fill(lina.say("decide.lower"), "550")
			lina.Fill(lina.say("decide.reason"), "50.00 are disputed")
			lina.decides("approve", withdrawal.UnderReview)

			chen := c.signIn(t, o, "chen")
			chen.opens(opened.Case)
			chen.decides("approve", withdrawal.Approved)
			p.has("450.00", "550.00")

			lina.opens(opened.Case)
			lina.decides("send", withdrawal.Paying)
			zhao := c.signIn(t, o, "zhao")
			zhao.opens(opened.Case)
			zhao.Fill(zhao.say("decide.arrived"), "550.00")
			zhao.Fill(zhao.say("decide.reference"), "B-1")
			zhao.decides("confirm", withdrawal.Paid)
			p.has("450.00", "0.00")

			zhao.Go("/decided")
			assert.Contains(t, zhao.Text(), opened.Case)
			var statement views.Statement
			p.s.ask(t, 0, &statement, "account", "statement", "P.CASH:"+p.id)
			assert.Equal(t, "450.00", statement.Closing.String())
			p.s.addsUp(t)
		})
	}
}

// opens goes to a case by the inbox, as people do.
func (r reader) opens(number string) {
	r.t.Helper()
	require.Equal(r.t, 200, r.Go("/inbox"))
	r.Fill(r.say("filter.text"), number)
	require.Equal(r.t, 200, r.Press(r.say("filter.apply")))
	require.Equal(r.t, 200, r.Follow(number))
	require.Equal(r.t, "/cases/"+number, r.Path())
}

// decides presses a case's button, and has to be told of the state that comes of it.
func (r reader) decides(outcome string, state withdrawal.State) {
	r.t.Helper()
	require.Equal(r.t, 200, r.Press(r.say("outcome."+outcome)))
	r.Sees(r.say("case.done", r.Names("heading")[0][:7], r.say("outcome."+outcome), r.say("state."+string(state))))
}
