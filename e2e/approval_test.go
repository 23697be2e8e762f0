package e2e

import (
	"slices"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Rules: PGM-11, ENG-02, ENG-03, COM-16
func TestGivenAChain_WhenPeopleUseTheCommandLine_ThenEachAnswersTheirPartUntilItIsPaid(t *testing.T) {
	p := newPartner(t, "PCHAIN", lot{withdrawal.EbankCorporate, "1000.00"})
	p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}}, approval.Step{Name: "sign", When: "amount >= 500", Who: []approval.Candidate{{Role: "finance-manager"}}})

	var preview views.Preview
	app := p.toBank("c1", "700.00")
	p.s.ask(t, 0, &preview, append(p.applyArgs(app), "--preview")...)
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = 'PCHAIN'`), "a preview opens nothing")

	var opened, now standing
	p.s.ask(t, 0, &opened, p.applyArgs(app)...)
	task := func(seat string) string { return opened.Case + "/" + seat }
	p.s.ask(t, 0, &now, "task", "return", task("review"), "--as", "lina", "--reason", "only 600.00 are invoiced")
	require.Equal(t, withdrawal.Awaiting, now.State)
	p.has("300.00", "700.00")

	again := p.toBank("c2", "600.00")
	p.s.ask(t, 0, &now, append([]string{"withdrawal", "resubmit", opened.Case}, p.applyArgs(again)[2:]...)...)
	require.Equal(t, withdrawal.UnderReview, now.State)
	p.has("400.00", "600.00")
	require.Equal(t, []string{"ENG-03 ENG_STATE task " + task("review")}, p.s.refuses(t, "task", "decide", task("review"), "approve", "--as", "lina"))

	p.s.ask(t, 0, &now, "task", "decide", task("review@2"), "approve", "--as", "lina", "--amount", "550", "--reason", "50.00 are disputed")
	var inbox views.InboxPage
	p.s.ask(t, 0, &inbox, "inbox", "--as", "chen", "--partner", p.id)
	require.Len(t, inbox.Tasks, 1)
	require.Equal(t, task("sign@2"), inbox.Tasks[0].ID)
	var explained views.Explanation
	p.s.ask(t, 0, &explained, "case", "explain", opened.Case)
	require.Equal(t, []string{"COM-16 CBC.0151 task " + task("sign@2"), "ENG-02 ENG_SELF_APPROVAL task " + task("sign@2")}, p.s.refuses(t, "task", "decide", task("sign@2"), "approve", "--as", "lina"), "each answers their own part")

	p.s.ask(t, 0, nil, "task", "decide-all", "approve", task("sign@2"), "--as", "chen", "--key", "monday")
	p.s.ask(t, 0, nil, "task", "decide-all", "approve", task("sign@2"), "--as", "chen", "--key", "monday")
	p.has("450.00", "550.00")
	c := theCase{p: p, number: opened.Case}
	require.Equal(t, withdrawal.Approved, c.state())

	for _, args := range [][]string{
		{task("send"), "send", "--as", "lina"}, {task("confirm"), "confirm", "--as", "zhao", "--amount", "550", "--reference", "B-1"},
	} {
		p.s.ask(t, 0, &now, append([]string{"task", "decide"}, args...)...)
	}
	require.Equal(t, withdrawal.Paid, now.State)
	p.has("450.00", "0.00")
	require.Equal(t, []string{
		p.mei + " request submit >UNDER_REVIEW WDR-02", "lina request return UNDER_REVIEW>AWAITING_CHANGES PGM-11", p.mei + " request resubmit AWAITING_CHANGES>UNDER_REVIEW PGM-11",
		"lina request approve refused UNDER_REVIEW>UNDER_REVIEW ENG-03", "lina request approve UNDER_REVIEW>UNDER_REVIEW", "lina request approve refused UNDER_REVIEW>UNDER_REVIEW COM-16",
		"chen request approve UNDER_REVIEW>APPROVED WDR-02", "lina request send APPROVED>PAYING WDR-02", "zhao request confirm PAYING>PAID WDL-16",
	}, c.history())
	p.s.addsUp(t)
}

func TestGivenManyTasks_WhenOneCommandDecidesThem_ThenEachIsJudgedByItself(t *testing.T) {
	p := newPartner(t, "PBULK", lot{withdrawal.EbankCorporate, "1000.00"})
	args := []string{"task", "decide-all", "approve", "--as", "wang", "--key", "tuesday"}
	var numbers []string
	for _, key := range []string{"b1", "b2", "b3"} {
		app := p.toBank(key, "10.00")
		if key == "b2" { // wang applies, and does not decide on it
			app.Submitter, app.Code = p.wang, p.codeFor(p.wang)
		}
		c := p.opens(app)
		numbers = append(numbers, c.number)
		args = append(args, c.number+"/review")
	}
	p.s.ask(t, 1, nil, args...)
	var states []string
	require.NoError(t, p.s.views.DB.Select(&states, `SELECT state FROM cases WHERE partner_id = 'PBULK' ORDER BY case_number`))
	require.Equal(t, []string{"APPROVED", "UNDER_REVIEW", "APPROVED"}, states)
	slices.Sort(numbers)

	now := standing{}
	p.chain(approval.Step{Name: "check", Who: []approval.Candidate{{Role: "finance-manager"}}})
	p.s.ask(t, 0, &now, "policy", "migrate", numbers[1], "--as", "chen")
	p.s.ask(t, 0, &now, "task", "decide", numbers[1]+"/check@2", "approve", "--as", "chen")
	require.Equal(t, withdrawal.Approved, now.State)
	p.s.addsUp(t)
}
