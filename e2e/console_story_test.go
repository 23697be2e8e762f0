package e2e

import (
	"strings"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/browsertest"

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
			mei := c.signIn(t, o, p.mei)
			number := mei.applies(p, "/partner/withdrawals/new", "700.00", "partner.apply")
			mei.Fill(mei.say("partner.say.text"), "the invoice follows on Monday")
			require.Equal(t, 200, mei.Press(mei.say("partner.say.send")))
			mei.Sees(mei.say("partner.flash.sent", number), "the invoice follows on Monday")

			lina := c.signIn(t, o, "lina")
			lina.opens(number)
			lina.Sees("the invoice follows on Monday")
			lina.Fill(lina.say("decide.reason"), "only 600.00 are invoiced")
			lina.decides("return", withdrawal.Awaiting)
			p.has("300.00", "700.00")

			mei.Go("/partner")
			mei.Sees(mei.say("partner.waiting"))
			require.Equal(t, 200, mei.Follow(number))
			mei.Sees("only 600.00 are invoiced")
			mei.applies(p, "/partner/cases/"+number+"/resubmit", "600.00", "partner.send-again")

			lina.opens(number)
			lina.Sees("only 600.00 are invoiced", p.mei) // the first round stays on the page
			lina.Fill(lina.say("decide.lower"), "550")
			lina.Fill(lina.say("decide.reason"), "50.00 are disputed")
			lina.decides("approve", withdrawal.UnderReview)

			chen := c.signIn(t, o, "chen")
			chen.opens(number)
			chen.decides("approve", withdrawal.Approved)
			p.has("450.00", "550.00")

			lina.opens(number)
			lina.decides("send", withdrawal.Paying)
			zhao := c.signIn(t, o, "zhao")
			zhao.opens(number)
			zhao.Fill(zhao.say("decide.arrived"), "550.00")
			zhao.Fill(zhao.say("decide.reference"), "B-1")
			zhao.decides("confirm", withdrawal.Paid)
			p.has("450.00", "0.00")

			zhao.Go("/decided")
			assert.Contains(t, zhao.Text(), number)
			require.Equal(t, 200, mei.Go("/partner/account"))
			mei.Sees(number, "450.00")
			p.s.addsUp(t)
		})
	}
}

// applies fills in an application for a withdrawal, with a code, looks at who will decide, and sends it; it answers the case.
func (r reader) applies(p *partner, form, amount, button string) (number string) {
	r.t.Helper()
	require.Equal(r.t, 200, r.Go(form))
	r.Fill(r.say("partner.field.amount"), amount)
	r.Fill(r.say("partner.field.holder"), p.id+" Ltd")
	r.Fill(r.say("partner.field.account_no"), "6222-1")
	r.Fill(r.say("partner.field.bank"), "ICBC")
	r.Fill(r.say("partner.field.branch"), "Shenzhen")
	require.Equal(r.t, 200, r.Press(r.say("partner.code.send")))
	messages, err := p.s.views.Outbox(r.t.Context(), p.mei, false)
	require.NoError(r.t, err)
	sent := codeIn(r.t, messages)
	require.Equal(r.t, 422, r.Press(r.say(button)), "the code is missing")
	r.Fill(r.say("partner.field.code"), sent)
	if button == "partner.apply" {
		require.Equal(r.t, 200, r.Press(r.say("partner.preview.show")))
		r.Sees(r.say("partner.preview"))
	}
	require.Equal(r.t, 200, r.Press(r.say(button)))
	number = strings.TrimPrefix(r.Path(), "/partner/cases/")
	r.Sees(r.say("partner.flash.submitted", number))
	return number
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
