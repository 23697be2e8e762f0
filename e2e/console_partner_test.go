package e2e

import (
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/internal/browsertest"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// A partner's administrator uses the forms of the partner's side in a browser, and each process takes what they send.
func TestGivenAPartner_WhenItsAdministratorUsesTheForms_ThenEachProcessTakesThem(t *testing.T) {
	c := console(t)
	p := newCertified(t, "PWIDE")
	checked := p.bill("resale", "1500.00", "TO_CONFIRM", 2)
	p.presented(checked)
	p.released("advisory", "2000.00")
	p.qualified()
	for _, m := range months(lastQuarter()) {
		p.monthOpened(m).passed(m)
	}
	p.onPath("SW", "SELECTED")
	whom := p.persons(1)[0]
	mei := c.signIn(t, browsertest.Options{Language: english}, p.mei)
	open := func(path string) {
		t.Helper()
		require.Equal(t, 200, mei.Go(path))
	}
	press := func(key string) {
		t.Helper()
		require.Equal(t, 200, mei.Press(mei.say(key)), mei.Text())
	}
	opened := func() (number string) {
		t.Helper()
		require.True(t, strings.HasPrefix(mei.Path(), "/partner/cases/"), mei.Path()+" "+mei.Text())
		number = strings.TrimPrefix(mei.Path(), "/partner/cases/")
		mei.Sees(mei.say("partner.flash.submitted", number))
		return number
	}

	open("/partner/bills/" + checked)
	mei.Click("DisclosureTriangle", mei.say("partner.bill.otherwise"))
	mei.Fill(mei.say("partner.bill.text"), "Which orders are in it?")
	press("partner.question.send")
	mei.Sees(mei.say("partner.flash.asked-about", checked), "Which orders are in it?")
	press("partner.bill.confirm")
	mei.Sees(mei.say("partner.flash.confirmed", checked))

	open("/partner/requisitions")
	mei.Fill(mei.say("field.method"), mei.say("method.BANK"))
	press("partner.request.preview")
	mei.Sees(mei.say("partner.preview"), "2,000.00")
	press("partner.apply")
	requisition := opened()
	require.Equal(t, 200, mei.Go("/partner/invoices/"+requisition))
	mei.Fill(mei.say("partner.invoice.type"), mei.say("invoice.SPECIAL_ELECTRONIC"))
	mei.Fill(mei.say("partner.invoice.number")+" 1", "24442000000087654321")
	mei.Fill(mei.say("partner.invoice.date")+" 1", calendar.DateOf(time.Now()).String())
	require.Equal(t, 422, mei.Press(mei.say("partner.invoice.sent")), "the list is missing")
	list, err := p.s.views.InvoiceList(t.Context(), requisition, time.Now())
	require.NoError(t, err)
	mei.Fill(mei.say("partner.mailbox"), list.PublicMailbox)
	mei.Click("checkbox", mei.say("partner.invoice.enclosed"))
	press("partner.invoice.sent")
	mei.Sees(mei.say("invoices.IN_TRANSIT"), "24442000000087654321")

	open("/partner/quarters")
	press("partner.quarter.request")
	opened()

	open("/partner/people")
	mei.Fill(mei.say("partner.invite.text"), whom.mobile)
	press("partner.invite")
	mei.Sees(mei.say("partner.flash.invited"), whom.account)
	sent, err := p.s.views.Invitations(t.Context(), p.id, "")
	require.NoError(t, err)
	require.Len(t, sent, 1)
	invitation{&theCase{p: p, number: sent[0].Case, workflowID: workflows.InvitationID(p.invitation("", whom))}, whom}.accepts(1)

	open("/partner/lab")
	mei.Fill(mei.say("field.purpose"), "Verify a migration")
	press("partner.apply")
	opened()
	mei.Sees("Verify a migration", whom.account)
	p.s.addsUp(t)
}
