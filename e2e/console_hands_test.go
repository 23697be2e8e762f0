package e2e

import (
	"strings"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/browsertest"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The inbox by keyboard alone, several tasks at once, a list that refreshes itself, and a page that others overtook.
func TestGivenAnInbox_WhenItIsWorkedByKeyboard_ThenManyAreDecidedAndAStalePageIsTold(t *testing.T) {
	c := console(t)
	p := newPartner(t, "PHANDS", lot{withdrawal.EbankCorporate, "1000.00"})
	p.chain(approval.Step{Name: "review", Who: []approval.Candidate{{Role: "vendor-finance"}}})
	own := p.toBank("k0", "10.00")
	own.Submitter, own.Code = p.wang, p.codeFor(p.wang)
	cases := []*theCase{p.opens(own), p.opens(p.toBank("k1", "20.00")), p.opens(p.toBank("k2", "30.00"))}

	wang := c.signIn(t, browsertest.Options{Language: english}, "wang")
	list := "/inbox?partner=" + p.id
	wang.Go(list)
	assert.NotContains(t, wang.Text(), cases[0].number, "wang applied for it")
	require.Contains(t, wang.Text(), cases[1].number)

	wang.Key("j")
	wang.Key("x")
	wang.Key("j")
	wang.Key("x")
	here := wang.Focused()
	require.Contains(t, here, cases[2].number, "j leads to the next line")
	chosen := func() (n int) {
		for _, box := range wang.Checked() {
			if strings.Contains(box, "/review") {
				n++
			}
		}
		return n
	}
	require.Equal(t, 2, chosen())

	// Another task comes: the list has it, and what was chosen stays so.
	cases = append(cases, p.opens(p.toBank("k3", "40.00")))
	wang.Refresh()
	wang.Sees(cases[3].number)
	require.Equal(t, 2, chosen())
	require.Equal(t, here, wang.Focused())

	// Zhao is quicker with one of the two.
	cases[1].says("review", "zhao", approval.Decision{Outcome: approval.Approve})
	wang.Key("a")
	require.Contains(t, wang.Focused(), wang.say("outcome.approve"), "a leads to the button, nothing is decided by one key")
	require.Equal(t, 200, wang.Enter())
	wang.Sees(wang.say("many.counts", wang.say("outcome.approve"), 1, 1, 0), "ENG-03")
	wang.Accessible()
	require.Equal(t, withdrawal.Approved, cases[2].state())

	// A page that was open while somebody else acted: the answer is held back, what was entered stays.
	wang.Go("/cases/" + cases[3].number)
	wang.Fill(wang.say("decide.reason"), "looks right")
	cases[3].says("review", "zhao", approval.Decision{Outcome: approval.Comment, Reason: "the invoice is a copy"})
	require.Equal(t, 409, wang.Press(wang.say("outcome.approve")))
	wang.Sees(wang.say("case.stale"), "the invoice is a copy")
	wang.Accessible()
	require.Equal(t, "looks right", wang.Value(wang.say("decide.reason")))
	require.Equal(t, withdrawal.UnderReview, cases[3].state())
	require.Equal(t, 200, wang.Press(wang.say("outcome.approve")))
	require.Equal(t, withdrawal.Approved, cases[3].state())

	// By the keyboard from the top of a page: the first stop leads past the navigation.
	wang.Go(list)
	wang.Key(kb.Tab)
	require.Contains(t, wang.Focused(), wang.say("layout.skip"))
}
