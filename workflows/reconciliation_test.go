package workflows

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// check is a reconciliation of P1001's May 2024 in the test environment: B1 by resale and B2 by advisory sale of plan A, to be
// checked until 15 June. Mei speaks for the partner, Otto and Olga are operations.
type check struct {
	*house
	recs   *activities.Reconciliations
	env    *testsuite.TestWorkflowEnvironment
	in     activities.Presentation
	result CaseResult
	err    error
}

const operations = `
people:
  - {id: otto, name: Otto, email: otto@vendor.example, roles: [vendor-operations]}
  - {id: olga, name: Olga, email: olga@vendor.example, roles: [vendor-operations]}
`

func newCheck(t *testing.T) *check {
	c := &check{house: newHouse(t, cst("2024-06-05 10:00"), operations), in: activities.Presentation{Partner: "P1001", Period: "2024-05", Set: 1, Bills: 2, By: "system"}}
	c.recs = &activities.Reconciliations{DB: c.db}
	c.generated("B1", "resale", "100.00")
	c.generated("B2", "advisory", "-30.00")
	c.begin()
	return c
}

// generated lays in a bill of May as the calculation does.
func (c *check) generated(id, association, amount string) {
	c.db.MustExec(`
		INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state)
		VALUES ($1, 'P1001', 'A', 'monthly', '2024-05', $2, '2024-06-03T00:00:00+08', $3, 6, '2024-06-15', 'TO_CONFIRM')`, id, association, amount)
	accrued := ledger.Entry{Key: "bill/" + id + "/accrue", Memo: "bill", Postings: bill.Accrue("P1001", money.Must(amount))}
	c.db.MustExec(`INSERT INTO accounts (account) VALUES ('V.INCENT:P1001'), ('V.INCEXP') ON CONFLICT DO NOTHING`)
	c.db.MustExec(`
		WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ($1, $2, 'bill', $4) RETURNING entry_id)
		INSERT INTO postings SELECT entry_id, account, amount FROM e, (VALUES ('V.INCEXP', -($3::numeric)), ('V.INCENT:P1001', $3::numeric)) v (account, amount)`,
		accrued.Key, accrued.Digest(), amount, c.now)
}

// begin is a fresh test environment at the house's time.
func (c *check) begin() {
	c.env = environment(c.now)
	c.env.RegisterWorkflowWithOptions(Reconciliation, workflow.RegisterOptions{Name: ReconciliationType})
	c.env.RegisterActivity(c.recs)
	c.env.RegisterActivity(&activities.Cases{DB: c.db})
}

// reply is what an update's caller got.
type reply struct {
	came     bool
	standing activities.Standing
	err      error
}

func (r *reply) codes() []string { return codesOf(activities.RefusalOf(r.err)) }

// at sends an update at an instant.
func (c *check) at(when, update string, arg any) *reply {
	into := &reply{}
	c.env.RegisterDelayedCallback(func() {
		c.env.UpdateWorkflow(update, fmt.Sprintf("%s-%s-%p", update, when, into), &testsuite.TestUpdateCallback{
			OnReject: func(err error) { *into = reply{came: true, err: err} },
			OnAccept: func() {},
			OnComplete: func(v any, err error) {
				s, _ := v.(activities.Standing)
				*into = reply{came: true, standing: s, err: err}
			},
		}, arg)
	}, cst(when).Sub(c.now))
	return into
}

// says is an update of Mei's.
func (c *check) says(when, update, text string, bills ...string) *reply {
	return c.at(when, update, BillRequest{Person: "mei", Text: text, Bills: bills})
}

// decided answers a task of operations.
func (c *check) decided(when, task, person string, outcome approval.Outcome, reason string) *reply {
	return c.at(when, DecideUpdate, approval.Decision{Task: "N000001/" + task, Person: person, Outcome: outcome, Reason: reason})
}

func (c *check) run() *check {
	c.t.Helper()
	c.env.ExecuteWorkflow(Reconciliation, ReconciliationInput{Presentation: c.in})
	require.True(c.t, c.env.IsWorkflowCompleted(), "the run ends")
	if c.err = c.env.GetWorkflowError(); c.err == nil {
		require.NoError(c.t, c.env.GetWorkflowResult(&c.result))
	}
	c.addsUp()
	return c
}

func (c *check) states() (out []string) {
	c.t.Helper()
	require.NoError(c.t, c.db.Select(&out, `SELECT bill_id || ' ' || state || coalesce(' ' || to_char(announced_at AT TIME ZONE interval '8 hours', 'YYYY-MM-DD HH24:MI'), '') FROM bills ORDER BY bill_id`))
	return out
}

// told lists what a person was told, in order.
func (c *check) told(person string) (out []string) {
	c.t.Helper()
	require.NoError(c.t, c.db.Select(&out, `SELECT regexp_replace(subject, '.* / ', '') FROM outbox WHERE person_id = $1 ORDER BY message_id`, person))
	return out
}

// Rule: INC-07
// Rule: INC-10
func TestGivenTwoBillsOfMay_WhenThePartnerConfirmsAndOperationsApproves_ThenBothAreReleasedAndValidFromThen(t *testing.T) {
	c := newCheck(t)
	confirmed := c.says("2024-06-10 10:00", ConfirmUpdate, "", "B1")
	late := c.says("2024-06-10 11:00", ConfirmUpdate, "")
	wrong := c.decided("2024-06-10 12:00", "release", "lina", approval.Approve, "")
	released := c.decided("2024-06-11 09:00", "release", "otto", approval.Approve, "")
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, CaseResult{Case: "N000001", State: bill.Released}, c.result)
	require.NoError(t, confirmed.err)
	require.Equal(t, bill.Releasing, confirmed.standing.State)
	require.Equal(t, "70.00", confirmed.standing.Amount.String())
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, late.codes())
	require.Equal(t, []string{"COM-16 CBC.0151"}, wrong.codes())
	require.NoError(t, released.err)
	require.Equal(t, []string{"B1 RELEASED 2024-06-11 09:00", "B2 RELEASED 2024-06-11 09:00"}, c.states())
	require.Equal(t, []string{
		"system present >TO_CONFIRM INC-10", "mei confirm TO_CONFIRM>RELEASING INC-10", "mei confirm refused RELEASING>RELEASING ENG-03",
		"lina approve refused RELEASING>RELEASING COM-16", "otto approve RELEASING>RELEASED INC-07",
	}, c.history("N000001"))
	require.Equal(t, []string{"Incentive bills of 2024-05 to confirm", "Incentive bills of 2024-05 released"}, c.told("mei"), "the reminder was not needed")
	require.Zero(t, c.count(`SELECT count(*) FROM cases WHERE closed_at IS NULL`))
}

// Rule: ENG-02, INC-20. Who made a special incentive does not release it, also not in somebody's stead.
func TestGivenASpecialIncentive_WhenWhoMadeItReleasesIt_ThenAColleagueHasTo(t *testing.T) {
	c := newCheck(t)
	_, err := (&activities.Calculations{DB: c.db}).SpecialBill(t.Context(), activities.SpecialInput{
		Key: "k", Partner: "P1001", Plan: "Opportunity incentive", Period: incentive.MonthOf(cst("2024-05-10 00:00")), Amount: "50000.00", OutputTaxRate: "6",
		Deadline: calendar.DateOf(cst("2024-06-15 00:00")), Reason: "OP-7", Person: "otto", At: c.now,
	})
	require.NoError(t, err)
	c.says("2024-06-10 10:00", ConfirmUpdate, "")
	own := c.decided("2024-06-10 11:00", "release", "otto", approval.Approve, "")
	c.decided("2024-06-10 12:00", "release", "olga", approval.Approve, "")
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, own.codes())
	require.Equal(t, 3, c.count(`SELECT count(*) FROM bills WHERE state = 'RELEASED' AND announced_at = $1`, cst("2024-06-10 12:00")))
}

// Rule: INC-08
func TestGivenADeadlineOf15June_WhenNobodyConfirms_ThenTheSystemDoesAtMidnightAfterAReminder(t *testing.T) {
	c := newCheck(t)
	c.decided("2024-06-17 09:00", "release", "otto", approval.Approve, "")
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, []string{
		"system present >TO_CONFIRM INC-10", "clock remind TO_CONFIRM>TO_CONFIRM", "system confirm TO_CONFIRM>RELEASING INC-08", "otto approve RELEASING>RELEASED INC-07",
	}, c.history("N000001"))
	var reminded, confirmed time.Time
	require.NoError(t, c.db.QueryRow(`SELECT reminded_at, confirmed_at FROM reconciliations`).Scan(&reminded, &confirmed))
	require.True(t, cst("2024-06-12 00:00").Equal(reminded), "three days before")
	require.True(t, cst("2024-06-16 00:00").Equal(confirmed))
	require.Equal(t, []string{
		"Incentive bills of 2024-05 to confirm", "Incentive bills of 2024-05 still to confirm", "Incentive bills of 2024-05 confirmed by the system", "Incentive bills of 2024-05 released",
	}, c.told("mei"))
}

// Rule: INC-08
func TestGivenAConfirmationAtTheDeadlinesInstant_WhenBothAreDue_ThenTheInstantDecides(t *testing.T) {
	for when, want := range map[string]struct {
		codes []string
		line  string
	}{
		"2024-06-15 23:59": {nil, "mei confirm TO_CONFIRM>RELEASING INC-10"},
		"2024-06-16 00:00": {[]string{"ENG-03 ENG_STATE"}, "system confirm TO_CONFIRM>RELEASING INC-08"},
	} {
		c := newCheck(t)
		confirmed := c.says(when, ConfirmUpdate, "")
		c.decided("2024-06-17 09:00", "release", "otto", approval.Approve, "")
		c.run()
		require.NoError(t, c.err)
		require.Equal(t, want.codes, confirmed.codes(), when)
		require.Contains(t, c.history("N000001"), want.line, when)
	}
}

// Rule: INC-08
func TestGivenAConfirmationAfterTheDeadline_WhenTheClockIsLate_ThenTheGuardStillRefuses(t *testing.T) {
	c := newCheck(t)
	opened, err := c.recs.OpenReconciliation(context.Background(), activities.OpenReconciliationInput{Presentation: c.in, WorkflowID: ReconciliationID(c.in), RunID: "r1", At: c.now})
	require.NoError(t, err)
	_, err = c.recs.ConfirmBills(context.Background(), activities.AnswerInput{Case: opened.Case, Key: "k", Person: "mei", At: cst("2024-06-16 00:00")})
	require.Equal(t, []string{"INC-08 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
	require.Equal(t, []string{"B1 TO_CONFIRM", "B2 TO_CONFIRM"}, c.states())
	cases := &activities.Cases{DB: c.db}
	for range 2 { // however late the clock is, and how often it looks
		now, err := cases.Clock(context.Background(), activities.ClockInput{Case: opened.Case, At: cst("2024-06-20 08:00")})
		require.NoError(t, err)
		require.Equal(t, bill.Releasing, now.State)
	}
	require.Equal(t, 1, c.count(`SELECT count(*) FROM events WHERE action = 'confirm' AND actor = 'system' AND at = $1`, cst("2024-06-16 00:00")))
}

// Rule: INC-09
func TestGivenBillsOfBothAssociationModels_WhenThePartnerRejects_ThenInPairsAndTheyArePresentedAnewWithTheCorrection(t *testing.T) {
	c := newCheck(t)
	c.in.By = "olga"
	only := c.says("2024-06-10 10:00", RejectUpdate, "the rate is wrong", "B1")
	both := c.says("2024-06-10 11:00", RejectUpdate, "the rate is wrong", "B1", "B2")
	waits := c.says("2024-06-10 12:00", ConfirmUpdate, "")
	nothing := c.decided("2024-06-17 09:00", "present", "otto", bill.Presented, "") // behind the old deadline: it does not run
	c.env.RegisterDelayedCallback(func() { c.generated("B3", "resale", "5.00") }, cst("2024-06-18 08:00").Sub(c.now))
	anew := c.decided("2024-06-18 09:00", "present", "otto", bill.Presented, "")
	confirmed := c.says("2024-06-24 10:00", ConfirmUpdate, "")
	own := c.decided("2024-06-24 11:00", "release", "olga", approval.Approve, "")
	c.decided("2024-06-24 12:00", "release", "otto", approval.Approve, "")
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, []string{"INC-09 INC_REJECT_PAIR"}, only.codes())
	require.NoError(t, both.err)
	require.Equal(t, bill.ToConfirm, both.standing.State)
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, waits.codes())
	require.Equal(t, []string{"INC-09 ENG_STATE"}, nothing.codes(), "nothing was calculated since")
	require.NoError(t, anew.err)
	require.True(t, cst("2024-06-26 00:00").Equal(*anew.standing.DueAt), "seven days from the presentation: the published deadline is past")
	require.NoError(t, confirmed.err)
	require.Equal(t, "75.00", confirmed.standing.Amount.String())
	require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, own.codes(), "who started it does not release it")
	require.Equal(t, []string{"B1 RELEASED 2024-06-24 12:00", "B2 RELEASED 2024-06-24 12:00", "B3 RELEASED 2024-06-24 12:00"}, c.states())
	require.Zero(t, c.count(`SELECT count(*) FROM bills WHERE rejected_at IS NOT NULL`))
}

// Rule: INC-07
func TestGivenAConfirmedSet_WhenOperationsRefusesTheReleaseAndUpholdsItLater_ThenThePartnerChecksAgain(t *testing.T) {
	c := newCheck(t)
	c.says("2024-06-07 10:00", ConfirmUpdate, "")
	silent := c.decided("2024-06-10 09:00", "release", "otto", bill.Refuse, "")
	refused := c.decided("2024-06-10 10:00", "release", "otto", bill.Refuse, "a contract is missing")
	c.decided("2024-06-11 09:00", "present", "otto", bill.Upheld, "the contract came")
	c.at("2024-06-19 09:00", DecideUpdate, approval.Decision{Task: "N000001/release@2", Person: "otto", Outcome: approval.Approve})
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, []string{"ENG-06 CBC.0100"}, silent.codes(), "a refusal has a reason")
	require.NoError(t, refused.err)
	require.Equal(t, []string{
		"system present >TO_CONFIRM INC-10", "mei confirm TO_CONFIRM>RELEASING INC-10", "otto refuse refused RELEASING>RELEASING ENG-06", "otto refuse RELEASING>TO_CONFIRM INC-07",
		"otto uphold TO_CONFIRM>TO_CONFIRM INC-09", "clock remind TO_CONFIRM>TO_CONFIRM", "system confirm TO_CONFIRM>RELEASING INC-08", "otto approve RELEASING>RELEASED INC-07",
	}, c.history("N000001"))
	require.Equal(t, []string{"to confirm", "being recalculated", "to confirm", "still to confirm", "confirmed by the system", "released"}, trimmed(c.told("mei"), "Incentive bills of 2024-05 "))
	require.Equal(t, []string{"B1 RELEASED 2024-06-19 09:00", "B2 RELEASED 2024-06-19 09:00"}, c.states())
}

func trimmed(lines []string, prefix string) (out []string) {
	for _, l := range lines {
		out = append(out, l[len(prefix):])
	}
	return out
}

func TestGivenAQuestion_WhenItIsAskedAndAnswered_ThenTheDeadlineRunsOnAndBothSidesAreTold(t *testing.T) {
	c := newCheck(t)
	empty := c.says("2024-06-06 10:00", QuestionUpdate, " ", "B1")
	asked := c.says("2024-06-06 11:00", QuestionUpdate, "which customer is this?", "B1")
	answered := c.at("2024-06-07 09:00", ReplyUpdate, BillRequest{Person: "otto", Question: 1, Text: "customer C1"})
	again := c.at("2024-06-07 10:00", ReplyUpdate, BillRequest{Person: "olga", Question: 1, Text: "no, C2"})
	none := c.at("2024-06-07 11:00", ReplyUpdate, BillRequest{Person: "olga", Question: 9, Text: "which?"})
	c.decided("2024-06-17 09:00", "release", "otto", approval.Approve, "")
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, []string{"ENG-06 CBC.0100"}, empty.codes())
	require.NoError(t, asked.err)
	require.NoError(t, answered.err)
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, again.codes())
	require.True(t, activities.IsNotFound(none.err), "%v", none.err)
	require.Contains(t, c.history("N000001"), "system confirm TO_CONFIRM>RELEASING INC-08")
	require.Contains(t, c.told("otto"), "Incentive bills of 2024-05 question")
	require.Contains(t, c.told("mei"), "Incentive bills of 2024-05 question answered")
	require.Equal(t, 1, c.count(`SELECT count(*) FROM bill_questions WHERE answer = 'customer C1' AND answered_by = 'otto'`))
}

func TestGivenARunThatIsCancelled_WhenBillsWait_ThenTheCaseGoesOn(t *testing.T) {
	c := newCheck(t)
	c.env.RegisterDelayedCallback(c.env.CancelWorkflow, cst("2024-06-06 10:00").Sub(c.now))
	confirmed := c.says("2024-06-07 10:00", ConfirmUpdate, "")
	c.decided("2024-06-08 10:00", "release", "otto", approval.Approve, "")
	c.run()
	require.NoError(t, c.err)
	require.NoError(t, confirmed.err)
	require.Contains(t, c.history("N000001"), "operator stop refused TO_CONFIRM>TO_CONFIRM ENG-03")
	require.Equal(t, bill.Released, c.result.State)
}

// Rule: INC-10
func TestGivenNothingToPresent_WhenARunStarts_ThenItIsRefusedAndTheNextSetWaitsForTheOneBefore(t *testing.T) {
	c := newCheck(t)
	open := func(set int, by string) refusal.List {
		in := activities.Presentation{Partner: "P1001", Period: "2024-05", Set: set, By: by}
		_, err := c.recs.OpenReconciliation(context.Background(), activities.OpenReconciliationInput{Presentation: in, WorkflowID: ReconciliationID(in), RunID: fmt.Sprintf("run-%d-%s", set, by), At: c.now})
		return activities.RefusalOf(err)
	}
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(open(1, "mei")))
	require.Empty(t, open(1, "system"))
	require.Empty(t, open(1, "olga"), "the same set again is the same case")
	require.Equal(t, []string{"INC-10 ENG_STATE"}, codesOf(open(2, "system")))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM cases`))
	c.in.Period = "2024-06"
	c.run()
	require.NoError(t, c.err)
	require.Equal(t, []string{"INC-10 ENG_STATE"}, codesOf(c.result.Refused))
}

// Rule: INC-10
func TestGivenFreshBillsOfManyPartners_WhenReconciliationsAreStarted_ThenASetForEachThatHasNoneRunning(t *testing.T) {
	c := newCheck(t)
	var started []string
	var mu sync.Mutex
	c.recs.Run = func(_ context.Context, p activities.Presentation) error {
		mu.Lock()
		defer mu.Unlock()
		started = append(started, ReconciliationID(p))
		if p.Partner == "P2002" {
			return errors.New("no connection")
		}
		_, err := c.recs.OpenReconciliation(context.Background(), activities.OpenReconciliationInput{Presentation: p, WorkflowID: ReconciliationID(p), RunID: ReconciliationID(p), At: c.now})
		return err
	}
	c.db.MustExec(`INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state)
		VALUES ('B7', 'P2002', 'A', 'monthly', '2024-05', 'resale', '2024-06-03T00:00:00+08', 7, 6, '2024-06-15', 'TO_CONFIRM'), ('B8', 'P1001', 'A', 'quarterly', '2024-Q1', 'resale', '2024-06-03T00:00:00+08', 7, 6, '2024-06-15', 'TO_CONFIRM')`)
	_, err := c.recs.StartReconciliations(context.Background(), activities.StartInput{Period: "2024-05", By: "mei", At: c.now})
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(activities.RefusalOf(err)))
	require.Empty(t, started)
	report, err := c.recs.StartReconciliations(context.Background(), activities.StartInput{Period: "2024-05", By: "system", At: c.now})
	require.ErrorContains(t, err, "P2002")
	require.Equal(t, activities.StartReport{Sets: 1, Bills: 2}, report)
	c.generated("B3", "resale", "1.00")
	started = nil
	_, err = c.recs.PresentFresh(context.Background(), activities.DailyInput{At: c.now})
	require.Error(t, err)
	require.ElementsMatch(t, []string{"reconciliation/P1001/2024-Q1", "reconciliation/P2002/2024-05"}, started, "May of P1001 runs; its correction waits")

	cases := &activities.Cases{DB: c.db}
	_, err = cases.Clock(context.Background(), activities.ClockInput{Case: "N000001", At: cst("2024-06-16 00:00")})
	require.NoError(t, err)
	_, err = cases.Decide(context.Background(), activities.DecideInput{Decision: approval.Decision{Task: "N000001/release", Person: "otto", Outcome: approval.Approve, Key: "k"}, At: cst("2024-06-16 09:00")})
	require.NoError(t, err)
	started = nil
	_, err = c.recs.StartReconciliations(context.Background(), activities.StartInput{Period: "2024-05", By: "otto", At: c.now})
	require.Error(t, err)
	require.ElementsMatch(t, []string{"reconciliation/P1001/2024-05/2", "reconciliation/P2002/2024-05"}, started)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM cases WHERE request_key = '2024-05/2' AND submitter = 'otto'`))
}

func TestGivenADay_WhenAStepOfItFails_ThenTheOthersRunAllTheSame(t *testing.T) {
	c := newCheck(t)
	c.db.MustExec(`INSERT INTO plan_identities VALUES ('P1001', 'solution-provider', '2020-01-01T00:00:00Z', '2024-03-15T18:00:00+08')`)
	c.db.MustExec(`UPDATE bills SET state = 'RELEASING' WHERE bill_id = 'B1'`)
	c.db.MustExec(`UPDATE bills SET state = 'RELEASED', announced_at = '2024-06-10T00:00:00Z' WHERE bill_id = 'B1'`)
	env := environment(cst("2025-03-16 00:00").Add(3 * time.Second))
	env.RegisterWorkflowWithOptions(Daily, workflow.RegisterOptions{Name: DailyType})
	env.RegisterActivity(&activities.Bills{DB: c.db})
	env.RegisterActivity(&activities.DedicatedStaff{DB: c.db})
	env.RegisterActivity(&activities.PaymentApplications{DB: c.db})
	env.RegisterActivity(&activities.Requisitions{DB: c.db})
	var tried atomic.Int32
	env.RegisterActivity(&activities.Reconciliations{DB: c.db, Run: func(context.Context, activities.Presentation) error {
		tried.Add(1)
		return activities.Final(refusal.List{refusal.New("X", "X", "x", "no")})
	}})
	env.ExecuteWorkflow(Daily, DailyInput{})
	require.NoError(t, env.GetWorkflowError())
	var done DailyResult
	require.NoError(t, env.GetWorkflowResult(&done))
	require.True(t, cst("2025-03-16 00:00").Equal(done.At))
	require.Equal(t, []string{"present bills that nobody presented (INC-21)"}, done.Failed)
	require.Positive(t, tried.Load())
	require.Contains(t, c.states(), "B1 VOID 2024-06-10 08:00")
}

// Rule: INC-08
// Rule: INC-10
func TestGivenAConfirmationAndTheDeadlineAtOnce_WhenBothComeManyTimes_ThenOneOfThemConfirms(t *testing.T) {
	for range 3 {
		c := newCheck(t)
		opened, err := c.recs.OpenReconciliation(context.Background(), activities.OpenReconciliationInput{Presentation: c.in, WorkflowID: ReconciliationID(c.in), RunID: "r1", At: c.now})
		require.NoError(t, err)
		cases := &activities.Cases{DB: c.db}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				_, err := c.recs.ConfirmBills(context.Background(), activities.AnswerInput{Case: opened.Case, Key: fmt.Sprintf("k%d", i), Person: "mei", At: cst("2024-06-15 23:59")})
				if list := activities.RefusalOf(err); list != nil {
					require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(list))
				}
			})
			all.Go(func() {
				_, err := cases.Clock(context.Background(), activities.ClockInput{Case: opened.Case, At: cst("2024-06-16 00:00")})
				require.NoError(t, err)
			})
		}
		all.Wait()
		require.Equal(t, 1, c.count(`SELECT count(*) FROM events WHERE from_state = 'TO_CONFIRM' AND to_state = 'RELEASING'`))
		require.Equal(t, 1, c.count(`SELECT count(*) FROM approvals WHERE matter = 'release'`))
		require.Equal(t, []string{"B1 RELEASING", "B2 RELEASING"}, c.states())
		c.addsUp()
	}
}

// Rule: COM-20
func TestGivenARequestAboutBills_WhenItIsRepeated_ThenItIsDoneOnceAndItsKeyIsForNothingElse(t *testing.T) {
	c := newCheck(t)
	ctx := context.Background()
	opened, err := c.recs.OpenReconciliation(ctx, activities.OpenReconciliationInput{Presentation: c.in, WorkflowID: ReconciliationID(c.in), RunID: "r1", At: c.now})
	require.NoError(t, err)
	in := activities.AnswerInput{Case: opened.Case, Key: "k", Person: "mei", Bills: []string{"B1", "B2"}, Text: "the rate is wrong", At: c.now}
	for range 2 {
		now, err := c.recs.RejectBills(ctx, in)
		require.NoError(t, err)
		require.Equal(t, bill.ToConfirm, now.State)
	}
	in.Text = "something else"
	_, err = c.recs.RejectBills(ctx, in)
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM approvals WHERE matter = 'present'`))
	require.Equal(t, 2, c.count(`SELECT count(*) FROM bills WHERE rejected_at = $1`, c.now))
	now, err := (&activities.Cases{DB: c.db}).Clock(ctx, activities.ClockInput{Case: opened.Case, At: cst("2024-07-16 00:00")})
	require.NoError(t, err)
	require.Equal(t, bill.ToConfirm, now.State, "the deadline stopped")
}
