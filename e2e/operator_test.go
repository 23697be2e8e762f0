package e2e

import (
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

// repairs is what case repair answers.
type repairs struct {
	DryRun  bool `json:"dry_run"`
	Repairs []struct {
		Case  string           `json:"case"`
		State withdrawal.State `json:"state"`
		Plan  string           `json:"plan"`
		Done  string           `json:"done"`
		Error string           `json:"error"`
	} `json:"repairs"`
}

func (r repairs) of(t *testing.T, cases ...*theCase) {
	t.Helper()
	var got, want []string
	for _, one := range r.Repairs {
		require.Empty(t, one.Error)
		require.Equal(t, r.DryRun, one.Done == "")
		got = append(got, one.Case)
	}
	for _, c := range cases {
		want = append(want, c.number)
	}
	require.Equal(t, want, got)
}

func (c *theCase) terminate() {
	c.p.t.Helper()
	require.NoError(c.p.t, c.p.s.client.TerminateWorkflow(c.p.t.Context(), c.workflowID, "", "by mistake"))
}

func TestGivenTerminatedRuns_WhenCasesAreRepaired_ThenHoldsAreReleasedAndAPaymentIsCarriedOn(t *testing.T) {
	p := newPartner(t, "PMEND", lot{withdrawal.EbankCorporate, "1000.00"})
	review, approved, paying, kept := p.underReview("k1"), p.approved("k2"), p.paying("k3"), p.underReview("k4")
	for _, c := range []*theCase{review, approved, paying} {
		c.terminate()
	}
	p.has("600.00", "400.00")
	said := p.s.starter(t.Context(), nil, "task", "decide", review.number+"/review", "approve", "--as", "lina")
	require.Equal(t, 2, said.code)
	require.Contains(t, said.err, "its workflow is gone; an operator settles it with: starter case repair")

	var dry, done, nothing repairs
	p.s.ask(t, 0, &dry, "case", "repair")
	require.True(t, dry.DryRun)
	dry.of(t, review, approved, paying)
	for c, state := range map[*theCase]withdrawal.State{review: withdrawal.UnderReview, approved: withdrawal.Approved, paying: withdrawal.Paying} {
		require.Equal(t, state, c.state(), "a dry run changes nothing")
		runs, _, err := workflows.Running(t.Context(), p.s.client, c.workflowID)
		require.NoError(t, err)
		require.False(t, runs)
	}
	p.has("600.00", "400.00")

	p.s.ask(t, 0, &done, "case", "repair", "--apply")
	done.of(t, review, approved, paying)
	require.Equal(t, withdrawal.Cancelled, review.state())
	require.Equal(t, withdrawal.Failed, approved.state())
	require.Equal(t, withdrawal.Paying, paying.state())
	require.Equal(t, withdrawal.UnderReview, kept.state(), "a case whose run is there is left alone")
	p.has("800.00", "200.00")
	require.Contains(t, review.history(), "operator operator stop UNDER_REVIEW>CANCELLED")

	p.s.ask(t, 0, &nothing, "case", "repair", "--apply")
	require.Empty(t, nothing.Repairs)
	p.s.ask(t, 0, nil, "task", "decide", paying.number+"/confirm", "confirm", "--as", "zhao", "--amount", "100.00", "--reference", "B-1")
	require.Equal(t, withdrawal.Paid, paying.state())
	p.has("800.00", "100.00")
	p.s.addsUp(t)
}

// Rule: PGM-10
func TestGivenATerminatedRun_WhenTheApplicantRepeatsTheRequest_ThenTheFirstResultIsAnsweredAndRepairStillSettlesTheCase(t *testing.T) {
	p := newPartner(t, "PREPEAT", lot{withdrawal.EbankCorporate, "1000.00"})
	app := p.toBank("k1", "100.00")
	c := p.opens(app)
	c.terminate()
	now, err := p.submit(app)
	require.NoError(t, err)
	require.Equal(t, c.number, now.Case)
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, p.id))
	var done repairs
	p.s.ask(t, 0, &done, "case", "repair", "--apply")
	done.of(t, c)
	p.has("1000.00", "0.00")
	p.s.addsUp(t)
}

func TestGivenARunCancelledInTemporal_WhenTheMoneyIsStillHere_ThenTheHoldIsReleased(t *testing.T) {
	p := newPartner(t, "PCANCEL", lot{withdrawal.EbankCorporate, "1000.00"})
	for c, want := range map[*theCase]withdrawal.State{p.underReview("k1"): withdrawal.Cancelled, p.approved("k2"): withdrawal.Failed} {
		require.NoError(t, p.s.client.CancelWorkflow(t.Context(), c.workflowID, ""))
		err := p.s.client.GetWorkflow(t.Context(), c.workflowID, "").Get(t.Context(), nil)
		require.True(t, temporal.IsCanceledError(err), "Temporal shows it as cancelled: %v", err)
		require.Equal(t, want, c.state())
	}
	p.has("1000.00", "0.00")

	c := p.paying("k3")
	require.NoError(t, p.s.client.CancelWorkflow(t.Context(), c.workflowID, ""))
	eventually(t, "the refused stop", func() (bool, error) { return len(c.history()) == 4, nil })
	require.Equal(t, "operator operator stop refused PAYING>PAYING ENG-03", c.history()[3])
	c.confirm("100.00")
	p.has("900.00", "0.00")
	p.s.addsUp(t)
}

// Rules: COM-16, ENG-03
func TestGivenASignal_WhenItDecides_ThenItCountsAndARefusedOneIsAnEvent(t *testing.T) {
	p := newPartner(t, "PSIGNAL", lot{withdrawal.EbankCorporate, "1000.00"})
	c := p.underReview("k1")
	c.signals(withdrawal.Review, approval.Decision{Person: p.mei, Outcome: approval.Approve})
	c.signals(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve})
	eventually(t, "the approval", func() (bool, error) { return c.state() == withdrawal.Approved, nil })
	require.Equal(t, []string{
		p.mei + " request submit >UNDER_REVIEW WDR-02",
		p.mei + " signal approve refused UNDER_REVIEW>UNDER_REVIEW COM-16",
		"lina signal approve UNDER_REVIEW>APPROVED WDR-02",
	}, c.history())
	p.s.addsUp(t)
}

// signals sends a decision as the Temporal UI would.
func (c *theCase) signals(kind approval.Matter, d approval.Decision) {
	c.p.t.Helper()
	d.Task = approval.TaskID(c.number, kind.Name, 1)
	require.NoError(c.p.t, c.p.s.client.SignalWorkflow(c.p.t.Context(), c.workflowID, "", workflows.DecideSignal, d))
}
