package e2e

import (
	"encoding/json"
	"testing"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

// refuses runs a command that the rules refuse, and returns "RULE CODE object" of each guard, in order; each has its sentence
// in both languages.
func (s *stack) refuses(t *testing.T, args ...string) []string {
	t.Helper()
	var said struct {
		Refused refusal.List `json:"refused"`
	}
	s.ask(t, 1, &said, args...)
	var lines []string
	for _, r := range said.Refused {
		require.NotEmpty(t, r.Message)
		require.NotEqual(t, r.Message, r.In("zh-Hans"))
		lines = append(lines, r.Rule+" "+r.Code+" "+r.Object)
	}
	return lines
}

// typed asserts the one form in which a refusal reaches the caller of an update, and returns it.
func typed(t *testing.T, err error) refusal.List {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, activities.TypeRefused, app.Type())
	require.True(t, app.NonRetryable())
	require.True(t, app.HasDetails())
	var list refusal.List
	require.NoError(t, app.Details(&list))
	require.Equal(t, list, activities.RefusalOf(err))
	return list
}

// Rules: ENG-06, PGM-08, WDL-02, WDL-18
func TestGivenAnUnlawfulApplication_WhenRefused_ThenTheCallerGetsEveryFailedGuardInOneShape(t *testing.T) {
	p := newPartner(t, "PREFUSE", lot{withdrawal.EbankCorporate, "1000.00"})
	app := p.toBank("bad", "1000.01")
	app.Payee.Holder = "Somebody Else Ltd"
	want := []string{`WDL-02 WDR_NAME account name "Somebody Else Ltd"`, "WDL-18 WDR_AMOUNT partner PREFUSE"}
	require.Equal(t, want, p.s.refuses(t, p.applyArgs(app)...))

	_, err := workflows.SubmitWithdrawal(t.Context(), p.s.client, app)
	var got []string
	for _, r := range typed(t, err) {
		require.NotEmpty(t, r.Message)
		got = append(got, r.Rule+" "+r.Code+" "+r.Object)
	}
	require.Equal(t, want, got)

	require.Zero(t, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, p.id))
	p.has("1000.00", "0.00")
	app.Amount, app.Payee.Holder = "100.00", "PREFUSE Ltd"
	p.s.ask(t, 0, nil, p.applyArgs(app)...) // a refusal spends neither key nor code
	p.has("900.00", "100.00")
}

// Rules: COM-16, ENG-02, ENG-03, PGM-07
func TestGivenATask_WhenTheWrongPersonOrTheWrongMomentDecides_ThenTheRefusalNamesIt(t *testing.T) {
	p := newPartner(t, "PDECIDE", lot{withdrawal.EbankCorporate, "1000.00"})
	app := p.toBank("k1", "100.00")
	app.Submitter, app.Code = p.wang, p.codeFor(p.wang) // holds the approving role as well
	c := p.opens(app)
	review := "task " + c.number + "/review"
	decide := func(person string, more ...string) []string {
		return append([]string{"task", "decide", c.number + "/review", "approve", "--as", person}, more...)
	}
	require.Equal(t, []string{"COM-16 CBC.0151 " + review}, p.s.refuses(t, decide(p.mei)...), "without the role")
	require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL " + review}, p.s.refuses(t, decide(p.wang)...), "the own request")
	require.Equal(t, []string{"COM-16 CBC.0151 person nobody"}, p.s.refuses(t, decide("nobody")...))
	_, err := c.decide(withdrawal.Review, approval.Decision{Person: p.wang, Outcome: approval.Approve, Key: "by update"})
	require.Equal(t, []string{"ENG_SELF_APPROVAL"}, typed(t, err).Codes())
	require.Equal(t, withdrawal.UnderReview, c.state())
	p.has("900.00", "100.00")

	p.s.ask(t, 0, nil, decide("lina", "--key", "d1")...)
	p.s.ask(t, 0, nil, decide("lina", "--key", "d1")...) // the same again
	require.Equal(t, []string{"ENG-03 ENG_STATE " + review}, p.s.refuses(t, decide("zhao")...), "decided already")
	_, err = c.decide(withdrawal.Review, approval.Decision{Person: "zhao", Outcome: approval.Reject, Reason: "late"})
	require.Contains(t, typed(t, err)[0].Message, "was decided already: approve by lina at ")
	require.Equal(t, withdrawal.Approved, c.state())
	require.Contains(t, c.history(), "wang request approve refused UNDER_REVIEW>UNDER_REVIEW ENG-02", "a refusal is an event")

	said := p.s.starter(t.Context(), nil, "task", "decide", c.number+"/nothing", "approve", "--as", "lina")
	require.Equal(t, 2, said.code)
	require.NotEmpty(t, said.err)
	c.must(withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Fail, Reason: "bank unknown"}, withdrawal.Failed)
	require.Equal(t, []string{"ENG-03 ENG_STATE task " + c.number + "/send"},
		p.s.refuses(t, "task", "decide", c.number+"/send", "send", "--as", "lina"), "also when the run has closed")
	p.s.addsUp(t)
}

// Rules: COM-20, WDL-15
func TestGivenAKeyAndACode_WhenUsedForAnotherApplication_ThenItIsRefused(t *testing.T) {
	p := newPartner(t, "PTWICE", lot{withdrawal.EbankCorporate, "1000.00"})
	app := p.toBank("k1", "100.00")
	c := p.opens(app)

	other := app
	other.Amount = "200.00"
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY case " + c.number}, p.s.refuses(t, p.applyArgs(other)...))
	_, err := workflows.SubmitWithdrawal(t.Context(), p.s.client, other)
	require.Equal(t, []string{"COM_REQUEST_KEY"}, typed(t, err).Codes())

	second := app
	second.RequestKey = "k2"
	require.Equal(t, []string{"WDL-15 WDR_CODE verification code"}, p.s.refuses(t, p.applyArgs(second)...), "a code used twice")

	c.must(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "end"}, withdrawal.Refused)
	require.NoError(t, p.s.client.GetWorkflow(t.Context(), c.workflowID, "").Get(t.Context(), nil))
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY case " + c.number}, p.s.refuses(t, p.applyArgs(other)...), "also after the run closed")
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, p.id))
	p.has("1000.00", "0.00")
}

// Rules: COM-02, WDL-05, ENG-06
func TestGivenBadInput_WhenItComesByTheCommandLine_ThenOneSentenceSaysSoAndNothingHappens(t *testing.T) {
	p := newPartner(t, "PBAD", lot{withdrawal.EbankCorporate, "1000.00"})
	good := p.toBank("k1", "100.00")
	for entered, want := range map[string]string{
		"0": "COM-02", "-1": "COM-02", "10.005": "COM-02", "1e9": "COM-02", "+5": "COM-02", ".5": "COM-02", "١٢": "COM-02",
	} {
		app := good
		app.Amount = entered
		said := p.s.starter(t.Context(), nil, append(p.applyArgs(app), "--json")...)
		require.Equal(t, 1, said.code, "%s: %s", entered, said.err)
		var answer struct {
			Refused refusal.List `json:"refused"`
		}
		require.NoError(t, json.Unmarshal([]byte(said.out), &answer))
		require.Len(t, answer.Refused, 1)
		require.Equal(t, want, answer.Refused[0].Rule, entered)
	}
	for _, name := range []string{"", "B Ltd", "ＰＢＡＤ Ltd"} {
		app := good
		app.Payee.Holder = name
		require.Len(t, p.s.refuses(t, p.applyArgs(app)...), 1, name)
	}
	app := good
	app.PartnerID = "P-NOBODY"
	require.Contains(t, p.s.refuses(t, p.applyArgs(app)...), "COM-17 CBC.5001 partner P-NOBODY")
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, p.id))
	p.has("1000.00", "0.00")
	p.s.ask(t, 0, nil, p.applyArgs(good)...)
}
