package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

const minute = time.Minute

func TestGivenMoneyOnTheAccount_WhenApprovedSentAndConfirmed_ThenItIsPaid(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	lot := h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")

	app := h.toBank("k1", "800.00")
	r := h.start(app)
	approved := r.decides(1*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve})
	sent := r.decides(2*minute, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent, Reference: "B-1"})
	paid := r.decides(3*minute, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "B-1"})
	r.toEnd(app)

	require.NoError(t, r.err)
	require.NoError(t, r.opened.err)
	require.Equal(t, withdrawal.UnderReview, r.opened.standing.State)
	require.NoError(t, approved.err)
	require.Equal(t, withdrawal.Approved, approved.standing.State)
	require.NoError(t, sent.err)
	require.NoError(t, paid.err)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, "200.00", h.balance(ledger.Cash("P1001")))
	require.Equal(t, "0.00", h.balance(ledger.Hold("P1001")))
	require.Equal(t, "-800.00", h.balance(ledger.Bank))
	require.Equal(t, "200.00", h.free(lot))
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW WDR-02", "lina approve UNDER_REVIEW>APPROVED WDR-02", "lina send APPROVED>PAYING WDR-02", "zhao confirm PAYING>PAID WDL-16",
	}, h.history(r.result.Case))
}

// paying is a case that is approved and sent after one and two minutes.
func (r *run) paying() {
	r.decides(1*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve})
	r.decides(2*minute, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent})
}

func aLtdWithCash(t *testing.T) *house {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "1000.00")
	return h
}

// released asserts that nothing is held any more and the lots are whole.
func (h *house) released() {
	h.t.Helper()
	require.Equal(h.t, "1000.00", h.balance(ledger.Cash("P1001")))
	require.Equal(h.t, "0.00", h.balance(ledger.Hold("P1001")))
	require.Equal(h.t, "1000.00", h.available("P1001")[0])
	require.Zero(h.t, h.count(`SELECT count(*) FROM tasks WHERE state = 'open'`), "no question is left open")
	h.addsUp()
}

func TestGivenAnUnlawfulApplication_WhenSubmitted_ThenTheCallerIsRefusedAndTheRunCompletes(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "1000.01")
	app.Payee.Holder = "B Ltd"
	r := h.start(app)
	r.toEnd(app)
	require.NoError(t, r.err, "a no is a result, not a failure")
	require.Equal(t, []string{"WDL-02 WDR_NAME", "WDL-18 WDR_AMOUNT"}, codesOf(r.opened.refused()))
	require.Equal(t, r.opened.refused(), r.result.Refused)
	require.Empty(t, r.result.Case)
	h.nothingHappened("k1")
}

func TestGivenAReview_WhenRefused_ThenTheHoldIsReleased(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	noReason := r.decides(minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject})
	r.decides(2*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "documents missing"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, []string{"ENG-06 CBC.0100"}, codesOf(noReason.refused()))
	require.Equal(t, withdrawal.Refused, r.result.State)
	h.released()
}

func TestGivenAReview_WhenThePartnerCancels_ThenTheHoldIsReleased(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	var byStranger, byPartner answerOf
	r.update(1*minute, CancelUpdate, &byStranger, CancelRequest{Person: "bo"})
	r.update(2*minute, CancelUpdate, &byPartner, CancelRequest{Person: "mei", Reason: "typed wrong"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(byStranger.refused()))
	require.NoError(t, byPartner.err)
	require.Equal(t, withdrawal.Cancelled, r.result.State)
	h.released()
}

func TestGivenAnApproval_WhenItCannotBeSent_ThenTheCaseFailsAndTheHoldIsReleased(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.decides(1*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve})
	r.decides(2*minute, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Fail, Reason: "bank unknown"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, withdrawal.Failed, r.result.State)
	h.released()
}

func TestGivenAPayment_WhenTheBankReturnsIt_ThenTheCaseFailsAndTheHoldIsReleased(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.paying()
	r.decides(3*minute, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Bounced, Reason: "account closed"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, withdrawal.Failed, r.result.State)
	h.released()
}

// Rule: WDL-16
func TestWDL16WithoutConfirmationItEscalatesOnceWhenTheTermCloses(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.paying()
	closes := cst("2025-11-13 00:00").Sub(h.now)
	early := r.decides(closes-time.Second, withdrawal.Confirm, approval.Decision{Person: "chen", Outcome: withdrawal.Bounced, Reason: "not mine yet"})
	r.decides(closes+48*time.Hour, withdrawal.Confirm, approval.Decision{Person: "chen", Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "B-1"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(early.refused()), "before the term closes the manager has no say")
	require.Equal(t, withdrawal.Paid, r.result.State)

	var escalated []struct {
		At   time.Time `db:"at"`
		Rule string    `db:"rule"`
	}
	require.NoError(t, h.db.Select(&escalated, `SELECT at, rule FROM events WHERE action = 'escalate'`))
	require.Len(t, escalated, 1, "once")
	require.True(t, cst("2025-11-13 00:00").Equal(escalated[0].At), "at 00:00 of the day after the 7th working day: %s", escalated[0].At)
	require.Equal(t, "WDL-16", escalated[0].Rule)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM outbox WHERE person_id = 'chen'`), "the manager was told")
	h.addsUp()
}

func TestGivenAReview_WhenItsTermCloses_ThenTheManagerMayDecide(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.decides(cst("2025-11-06 00:01").Sub(h.now), withdrawal.Review, approval.Decision{Person: "chen", Outcome: approval.Reject, Reason: "overdue"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, withdrawal.Refused, r.result.State)
	require.Contains(t, h.history(r.result.Case), "clock escalate UNDER_REVIEW>UNDER_REVIEW")
	h.released()
}

func TestGivenATerm_WhenTheOperatorAddsAHoliday_ThenTheTermIsLonger(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.paying()
	r.env.RegisterDelayedCallback(func() {
		_, err := h.db.Exec(`INSERT INTO calendar_days (day, year, working, name) VALUES ('2025-11-11', 2025, false, 'declared')`)
		require.NoError(t, err)
	}, time.Hour)
	r.decides(cst("2025-11-14 00:01").Sub(h.now), withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "B-1"})
	r.toEnd(app)
	require.NoError(t, r.err)
	var at time.Time
	require.NoError(t, h.db.Get(&at, `SELECT at FROM events WHERE action = 'escalate'`))
	require.True(t, cst("2025-11-14 00:00").Equal(at), "%s", at)
}

func TestGivenASignal_WhenItDecides_ThenItCountsLikeAnUpdateAndTheEventSaysSo(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	signal := func(after time.Duration, d approval.Decision) {
		r.env.RegisterDelayedCallback(func() {
			d.Task = approval.TaskID(r.opened.standing.Case, withdrawal.Review.Name, 1)
			r.env.SignalWorkflow(DecideSignal, d)
		}, after)
	}
	signal(1*minute, approval.Decision{Person: "mei", Outcome: approval.Approve}) // the submitter, without the role
	signal(2*minute, approval.Decision{Outcome: approval.Approve})                // malformed: dropped
	signal(3*minute, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, withdrawal.Refused, r.result.State)
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW WDR-02", "mei approve refused UNDER_REVIEW>UNDER_REVIEW COM-16", "lina reject UNDER_REVIEW>REFUSED WDR-11",
	}, h.history(r.result.Case))
	require.Equal(t, 2, h.count(`SELECT count(*) FROM events WHERE via = 'signal'`))
	h.released()
}

func TestGivenAPolicyWithoutSignals_WhenOneDecides_ThenItIsRefused(t *testing.T) {
	h := aLtdWithCash(t)
	p := withdrawal.DefaultPolicy()
	p.DecideBySignal = false
	h.setPolicy(p)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.env.RegisterDelayedCallback(func() {
		r.env.SignalWorkflow(DecideSignal, approval.Decision{Task: approval.TaskID(r.opened.standing.Case, withdrawal.Review.Name, 1), Person: "lina", Outcome: approval.Approve})
	}, minute)
	r.decides(2*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "by update"})
	r.toEnd(app)
	require.Contains(t, h.history(r.result.Case), "lina approve refused UNDER_REVIEW>UNDER_REVIEW COM-16")
	require.Equal(t, withdrawal.Refused, r.result.State)
}

func TestGivenAPolicyChange_WhenACaseIsInFlight_ThenItKeepsItsOwn(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.env.RegisterDelayedCallback(func() {
		p := withdrawal.DefaultPolicy()
		p.ReviewRole, p.ArrivalTerm = "somebody-else", calendar.MustTerm("P1WD")
		h.setPolicy(p)
	}, 30*time.Second)
	approved := r.decides(minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve})
	r.decides(2*minute, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Fail, Reason: "end"})
	r.toEnd(app)
	require.NoError(t, approved.err)
	require.True(t, cst("2025-11-13 00:00").Equal(*approved.standing.DueAt))
}

func TestGivenACancelledRun_WhenTheMoneyIsStillHere_ThenTheHoldIsReleased(t *testing.T) {
	for _, approved := range []bool{false, true} {
		h := aLtdWithCash(t)
		app := h.toBank("k1", "800.00")
		r := h.start(app)
		want := withdrawal.Cancelled
		if approved {
			want = withdrawal.Failed
			r.decides(minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve})
		}
		r.env.RegisterDelayedCallback(r.env.CancelWorkflow, 2*minute)
		r.toEnd(app)
		require.True(t, temporal.IsCanceledError(r.err), "Temporal shows it as cancelled: %v", r.err)
		require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE state = $1 AND closed_at IS NOT NULL`, want))
		h.released()
	}
}

func TestGivenACancelledRun_WhenThePaymentIsUnderWay_ThenOnlyTheBanksAnswerEndsIt(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.paying()
	r.env.RegisterDelayedCallback(r.env.CancelWorkflow, 3*minute)
	confirmed := r.decides(4*minute, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "B-1"})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.NoError(t, confirmed.err)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Contains(t, h.history(r.result.Case), "operator stop refused PAYING>PAYING ENG-03")
	h.addsUp()
}

// Rule: COM-20
func TestCOM20TheSameKeyWithAnotherBodyIsRefusedByTheRunningCase(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "50.00")
	other := app
	other.Amount = "60.00"
	r := h.start(app)
	var same, changed answerOf
	r.update(1*minute, SubmitUpdate, &same, app)
	r.update(2*minute, SubmitUpdate, &changed, other)
	r.decides(3*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "end"})
	r.toEnd(app)
	require.NoError(t, same.err)
	require.Equal(t, r.opened.standing.Case, same.standing.Case)
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(changed.refused()))
}

func TestGivenATaskOfAnotherCase_WhenDecidedHere_ThenItIsNotFound(t *testing.T) {
	h := aLtdWithCash(t)
	other := h.opens(h.toBank("other", "10.00")).Case
	app := h.toBank("k1", "50.00")
	r := h.start(app)
	var stray answerOf
	r.update(minute, DecideUpdate, &stray, approval.Decision{Task: approval.TaskID(other, withdrawal.Review.Name, 1), Person: "lina", Outcome: approval.Approve})
	r.decides(2*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "end"})
	r.toEnd(app)
	require.True(t, activities.IsNotFound(stray.err), "%v", stray.err)
	require.Len(t, h.history(other), 1, "the other case is untouched")
}

func TestGivenACaseWhoseRunIsGone_WhenResumed_ThenTheBanksAnswerEndsIt(t *testing.T) {
	h := aLtdWithCash(t)
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.approve(number)
	h.send(number) // and now the run is terminated

	r := h.start(withdrawal.Application{})
	r.opened.standing.Case = number
	paid := r.decides(minute, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "B-1"})
	r.env.ExecuteWorkflow(Withdrawal, WithdrawalInput{Resume: number})
	require.NoError(t, r.env.GetWorkflowError())
	require.NoError(t, paid.err)
	require.Equal(t, withdrawal.Paid, paid.standing.State)
	h.addsUp()
}

// Rule: PGM-13
func TestPGM13AFailedMailUndoesNothingAndIsTriedAgain(t *testing.T) {
	h := aLtdWithCash(t)
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.approve(number)
	server := &postOffice{down: true}
	outbox := activities.Outbox{DB: h.db, Mail: server}
	waiting := h.count(`SELECT count(*) FROM outbox WHERE sent_at IS NULL`)
	found, err := outbox.DeliverNext(t.Context(), h.now)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM outbox WHERE attempts = 1 AND error <> '' AND next_at > $1`, h.now))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE state = 'APPROVED'`), "state stays Approved")

	server.down = false
	for range waiting {
		_, err := outbox.DeliverNext(t.Context(), h.now.Add(time.Hour))
		require.NoError(t, err)
	}
	require.Len(t, server.delivered, waiting)
	require.Zero(t, h.count(`SELECT count(*) FROM outbox WHERE sent_at IS NULL`))
	require.Zero(t, h.count(`SELECT count(*) FROM outbox WHERE secret AND body <> ''`), "a delivered code is readable nowhere")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM outbox WHERE attempts = 2 AND sent_at = $1`, h.now.Add(time.Hour)), "both times are kept")
}

// postOffice stands for a foreign mail server.
type postOffice struct {
	down      bool
	delivered []string
}

func (p *postOffice) Deliver(_ context.Context, address, subject, _ string) error {
	if p.down {
		return errors.New("connection refused")
	}
	p.delivered = append(p.delivered, address+": "+subject)
	return nil
}

func TestGivenACommitThatIsStillGoingOn_WhenTheStepRunsAgain_ThenItFindsTheCase(t *testing.T) {
	h := aLtdWithCash(t)
	owner := pgtest.Owner(t, h.db)
	owner.MustExec(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$`)
	owner.MustExec(`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON cases DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
	app := h.toBank("k1", "800.00")
	in := activities.OpenWithdrawalInput{Application: app, WorkflowID: "w", RunID: "r", At: h.now}
	answers := make(chan activities.WithdrawalStanding, 2)
	for range 2 { // the second attempt begins while the first one commits
		go func() {
			s, err := h.act.OpenWithdrawal(t.Context(), in)
			if err != nil {
				t.Error(err)
			}
			answers <- s
		}()
	}
	require.Equal(t, (<-answers).Case, (<-answers).Case)
	require.Zero(t, h.count(`SELECT count(*) FROM refusals`))
	require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")))
	h.addsUp()
}

func TestGivenASignalBehindTheLastDecision_WhenTheRunEnds_ThenItIsJudgedAndRecorded(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	r.env.RegisterDelayedCallback(func() {
		task := approval.TaskID(r.opened.standing.Case, withdrawal.Review.Name, 1)
		r.env.SignalWorkflow(DecideSignal, approval.Decision{Task: task, Person: "lina", Outcome: approval.Reject, Reason: "no"})
		r.env.SignalWorkflow(DecideSignal, approval.Decision{Task: task, Person: "zhao", Outcome: approval.Approve})
	}, minute)
	r.toEnd(app)
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW WDR-02", "lina reject UNDER_REVIEW>REFUSED WDR-11", "zhao approve refused REFUSED>REFUSED ENG-03",
	}, h.history(r.result.Case))
}

func TestGivenADecisionAtTheClosingInstant_WhenBothCome_ThenTheTermIsOver(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	byManager := r.decides(cst("2025-11-06 00:00").Sub(h.now), withdrawal.Review, approval.Decision{Person: "chen", Outcome: approval.Reject, Reason: "overdue"})
	r.decides(cst("2025-11-07 00:00").Sub(h.now), withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "end"})
	r.toEnd(app)
	require.NoError(t, byManager.err, "the closing instant is out (PGM-02)")
}

func TestARepeatUnderAKeyIsTheSameRequestOrRefused(t *testing.T) {
	h := aLtdWithCash(t)
	number := h.opens(h.toBank("k1", "800.00")).Case
	cancel := func(person, reason string) error {
		_, err := h.act.CancelWithdrawal(t.Context(), activities.CancelWithdrawalInput{Case: number, Key: "c1", Person: person, Reason: reason, At: h.now})
		return err
	}
	require.NoError(t, cancel("mei", "typed wrong"))
	require.NoError(t, cancel("mei", "typed wrong"))
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(cancel("bo", "typed wrong"))))
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(cancel("mei", "another reason"))))

	number = h.opens(h.toBank("k2", "100.00")).Case
	h.approve(number)
	_, err := h.decide(number, withdrawal.Send, approval.Decision{Person: "mei", Outcome: "nonsense", Key: number + "/review"})
	require.Equal(t, []string{"COM-16 CBC.0151", "ENG-02 ENG_SELF_APPROVAL", "COM-08 CBC.0100"}, codesOf(activities.RefusalOf(err)),
		"a key that reads like a task's name is a key like any other")
	_, err = h.decide(number, withdrawal.Send, approval.Decision{Person: "lina", Outcome: approval.Outcome(strings.Repeat("x", 1<<20))})
	require.Equal(t, []string{"ENG-06 CBC.0100"}, codesOf(activities.RefusalOf(err)))
	require.Less(t, len(err.Error()), 1000, "a refusal never repeats what is too long")
}

func TestGivenAResumedCase_WhenTheApplicantRepeatsTheRequest_ThenItIsTheFirstResult(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	number := h.opens(app).Case
	h.approve(number)
	h.send(number)
	r := h.start(app) // its update meets the resumed run
	r.decides(minute, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "800.00", Reference: "B-1"})
	r.env.ExecuteWorkflow(Withdrawal, WithdrawalInput{Resume: number})
	require.NoError(t, r.env.GetWorkflowError())
	require.NoError(t, r.opened.err)
	require.Equal(t, number, r.opened.standing.Case)
}

func TestGivenADefect_WhenSomebodyDecides_ThenTheyAreToldAndTheCaseWaitsForTheMend(t *testing.T) {
	h := aLtdWithCash(t)
	app := h.toBank("k1", "800.00")
	r := h.start(app)
	owner := pgtest.Owner(t, h.db)
	r.env.RegisterDelayedCallback(func() { owner.MustExec(`UPDATE policies SET body = jsonb_set(body, '{code_tries}', '"many"')`) }, 30*time.Second)
	told := r.decides(1*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no"})
	r.env.RegisterDelayedCallback(func() { owner.MustExec(`UPDATE policies SET body = jsonb_set(body, '{code_tries}', '5')`) }, 2*minute)
	again := r.decides(3*minute, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no"})
	r.toEnd(app)
	var defect *temporal.ApplicationError
	require.ErrorAs(t, told.err, &defect)
	require.Equal(t, activities.TypeDefect, defect.Type())
	require.NoError(t, again.err)
	require.Equal(t, withdrawal.Refused, r.result.State)
	h.released()
}
