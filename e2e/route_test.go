package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// standing is what the command line answers.
type standing struct {
	activities.WithdrawalStanding
	RequestKey string `json:"request_key"`
	Key        string `json:"key"`
}

// applyArgs is a partner's application as a command line.
func (p *partner) applyArgs(app withdrawal.Application) []string {
	return []string{
		"withdrawal", "apply", "--as", app.Submitter, "--partner", app.PartnerID, "--route", string(app.Route), "--amount", app.Amount, "--code", app.Code,
		"--holder", app.Payee.Holder, "--account-no", app.Payee.AccountNo, "--bank", app.Payee.Bank, "--branch", app.Payee.Branch, "--request-key", app.RequestKey,
	}
}

func TestGivenMoneyFromABank_WhenPeopleUseTheCommandLine_ThenItIsPaidByBankCard(t *testing.T) {
	p := newPartner(t, "PROUTE", lot{withdrawal.EbankCorporate, "1000.00"})

	p.s.ask(t, 0, nil, "code", "send", "--as", p.mei, "--target", p.id)
	var outbox struct {
		Messages []views.Message `json:"messages"`
	}
	p.s.ask(t, 0, &outbox, "outbox", "--person", p.mei)
	app := withdrawal.Application{
		RequestKey: "r1", PartnerID: p.id, Submitter: p.mei, Route: withdrawal.BankCard, Amount: "640.50", Code: codeIn(t, outbox.Messages),
		Payee: withdrawal.Payee{Holder: "PROUTE Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
	}
	var opened standing
	p.s.ask(t, 0, &opened, p.applyArgs(app)...)
	require.Equal(t, withdrawal.UnderReview, opened.State)
	require.Equal(t, "r1", opened.RequestKey)
	require.NotNil(t, opened.DueAt)
	p.has("359.50", "640.50")

	var inbox struct {
		Tasks []views.Task `json:"tasks"`
	}
	p.s.ask(t, 0, &inbox, "task", "list", "--as", "lina")
	require.True(t, slices.ContainsFunc(inbox.Tasks, func(task views.Task) bool { return task.ID == opened.Case+"/review" }), "the reviewer finds the task")

	for _, step := range []struct {
		args  []string
		state withdrawal.State
	}{
		{[]string{"review", "approve", "--as", "lina"}, withdrawal.Approved},
		{[]string{"send", "send", "--as", "lina", "--reference", "B-77"}, withdrawal.Paying},
		{[]string{"confirm", "confirm", "--as", "zhao", "--amount", "640.50", "--reference", "B-77"}, withdrawal.Paid},
	} {
		var now standing
		p.s.ask(t, 0, &now, append([]string{"task", "decide", opened.Case + "/" + step.args[0]}, step.args[1:]...)...)
		require.Equal(t, step.state, now.State)
	}
	p.has("359.50", "0.00")

	var shown views.CaseDetail
	p.s.ask(t, 0, &shown, "case", "show", opened.Case)
	require.Equal(t, withdrawal.Paid, shown.State)
	require.Equal(t, "B-77", shown.Payment.Reference)
	c := theCase{p: p, number: opened.Case}
	require.Equal(t, []string{
		p.mei + " request submit >UNDER_REVIEW WDR-02", "lina request approve UNDER_REVIEW>APPROVED WDR-02", "lina request send APPROVED>PAYING WDR-02", "zhao request confirm PAYING>PAID WDL-16",
	}, c.history())
	p.s.addsUp(t)
}

// Rule: COM-20
func TestGivenARequestKey_WhenTheSameApplicationComesAgain_ThenItsNumberIsAnsweredEvenAfterTheRunClosed(t *testing.T) {
	p := newPartner(t, "PAGAIN", lot{withdrawal.EbankCorporate, "1000.00"})
	app := p.toBank("same", "100.00")
	c := p.opens(app)
	again := func(want withdrawal.State) {
		t.Helper()
		var now standing
		p.s.ask(t, 0, &now, p.applyArgs(app)...)
		require.Equal(t, c.number, now.Case)
		require.Equal(t, want, now.State)
	}
	again(withdrawal.UnderReview) // Temporal answers what it answered first
	c.must(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no papers"}, withdrawal.Refused)
	require.NoError(t, p.s.client.GetWorkflow(t.Context(), c.workflowID, "").Get(t.Context(), nil), "the run has closed")
	var now standing
	p.s.ask(t, 0, &now, p.applyArgs(app)...)
	require.Equal(t, c.number, now.Case)

	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, p.id))
	require.Equal(t, 2, p.s.count(t, `SELECT count(*) FROM entries JOIN cases USING (case_number) WHERE partner_id = $1`, p.id), "held once, released once")
	p.has("1000.00", "0.00")
	p.s.addsUp(t)
}

func TestGivenACase_WhenAnOperatorLooksAtTemporal_ThenItIsFoundByItsNumberAndSaysWhereItStands(t *testing.T) {
	p := newPartner(t, "PSEEN", lot{withdrawal.EbankCorporate, "1000.00"})
	c := p.underReview("k1")

	described, err := p.s.client.DescribeWorkflow(t.Context(), c.workflowID, "")
	require.NoError(t, err)
	attributes := map[string]string{}
	for key, value := range described.TypedSearchAttributes.GetUntypedValues() {
		attributes[key.GetName()] = fmt.Sprint(value)
	}
	require.NotEmpty(t, attributes["CaseDue"])
	delete(attributes, "CaseDue")
	delete(attributes, "BuildIds") // Temporal's own
	require.Equal(t, map[string]string{"CaseKind": "withdrawal", "CasePartner": p.id, "CaseNumber": c.number, "CaseState": "OPEN"}, attributes)
	summary, err := described.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "PSEEN withdraws 100.00 CNY by BANK_CARD", summary)

	answered, err := p.s.client.QueryWorkflow(t.Context(), c.workflowID, "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, answered.Get(&metadata))
	require.Contains(t, metadata.GetCurrentDetails(), "**"+c.number+"** is UNDER_REVIEW: 100.00 CNY of PSEEN by BANK_CARD to PSEEN Ltd. Waits for the vendor's people until ")

	list := func(query string) func() (bool, error) {
		return func() (bool, error) {
			found, err := p.s.client.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", Query: query})
			return len(found.GetExecutions()) == 1 && found.GetExecutions()[0].GetExecution().GetWorkflowId() == c.workflowID, err
		}
	}
	eventually(t, "the open case in the list", list(fmt.Sprintf("CaseNumber = '%s' AND CaseState = 'OPEN' AND CasePartner = 'PSEEN' AND CaseKind = 'withdrawal' AND CaseDue > '2020-01-01T00:00:00Z'", c.number)))
	_, err = workflows.Cancel(t.Context(), p.s.client, c.workflowID, workflows.CancelRequest{Person: p.mei})
	require.NoError(t, err)
	eventually(t, "the ended case in the list", list(fmt.Sprintf("CaseNumber = '%s' AND CaseState = 'CANCELLED'", c.number)))
}

func TestGivenANewBuild_WhenHistoriesAreReplayedBeforeItIsDeployed_ThenRecordedAndRunningCasesPass(t *testing.T) {
	p := newPartner(t, "PREPLAY", lot{withdrawal.EbankCorporate, "1000.00"})
	c := p.underReview("k1")
	nowhere := p.s.starter(t.Context(), []string{"TEMPORAL_NAMESPACE=temporal-system"}, "replay", "--running")
	require.Equal(t, 2, nowhere.code)
	require.Contains(t, nowhere.err, "Nothing runs in the namespace temporal-system")
	nowhere = p.s.starter(t.Context(), []string{"TEMPORAL_NAMESPACE=temporal-system"}, "replay", "--running", "--none-is-fine")
	require.Equal(t, 0, nowhere.code, nowhere.err)
	eventually(t, "the case in the list", func() (bool, error) {
		var said struct {
			Failed   int              `json:"failed"`
			Replayed []map[string]any `json:"replayed"`
		}
		p.s.ask(t, 0, &said, "replay", "--running", "--none-is-fine", filepath.Join("..", "workflows", "testdata", "histories"))
		require.Zero(t, said.Failed)
		require.Greater(t, len(said.Replayed), 10)
		return slices.ContainsFunc(said.Replayed, func(r map[string]any) bool { return r["history"] == c.workflowID }), nil
	})
}
