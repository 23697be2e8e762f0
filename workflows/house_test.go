package workflows

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// house is a programme on a real database, in which withdrawals run in Temporal's test environment: time is skipped, the
// activities are the real ones.
type house struct {
	t    *testing.T
	db   *sqlx.DB
	now  time.Time // when the next run starts
	act  *activities.Withdrawals
	runs int

	forged bool // a test changes data behind the engine's back, which verification finds
}

// cst reads a time of day in the programme's zone.
func cst(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// The people and partners that every test has: P1001 is "A Ltd" under the cloud company, P2002 under another entity, R1 a
// reseller. Mei administers P1001; Li Na and Zhao review; Wang holds both sides' roles; Chen is told what is overdue.
const people = `
partners:
  - {id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}
  - {id: P2002, name: B Ltd, kind: solution-provider, verified_name: B Ltd, entity: software}
  - {id: R1, name: R Ltd, kind: reseller, verified_name: R Ltd, entity: cloud}
customers:
  - {id: C1, partner: P1001}
people:
  - {id: mei, name: Mei, partner: P1001, email: mei@a.example, roles: [partner-administrator]}
  - {id: bo, name: Bo, partner: P2002, email: bo@b.example, roles: [partner-withdrawals]}
  - {id: rui, name: Rui, partner: R1, email: rui@r.example, roles: [partner-administrator]}
  - {id: lina, name: Li Na, email: lina@vendor.example, roles: [vendor-finance]}
  - {id: zhao, name: Zhao, email: zhao@vendor.example, roles: [vendor-finance]}
  - {id: wang, name: Wang, email: wang@vendor.example, roles: [ecosystem-manager, vendor-finance]}
  - {id: chen, name: Chen, email: chen@vendor.example, roles: [finance-manager]}
`

// newHouse loads people and the records of a test on a fresh database, with the default policy.
func newHouse(t *testing.T, at time.Time, records string) *house {
	h := &house{t: t, db: pgtest.New(t), now: at}
	h.act = &activities.Withdrawals{DB: h.db, Channel: activities.ByHand{}}
	h.load(people)
	h.setPolicy(withdrawal.DefaultPolicy())
	h.load(records)
	return h
}

func (h *house) load(text string) {
	h.t.Helper()
	file, err := activities.ParseProgramme([]byte(text))
	require.NoError(h.t, err)
	_, err = (&activities.Programme{DB: h.db}).Load(context.Background(), file, "test", h.now)
	require.NoError(h.t, err)
}

func (h *house) setPolicy(p withdrawal.Policy) {
	h.t.Helper()
	_, err := (&activities.Programme{DB: h.db}).SetPolicy(context.Background(), withdrawal.Kind, p, "lina", h.now)
	require.NoError(h.t, err)
}

// lot loads money onto a partner's account and returns its lot number.
func (h *house) lot(partner, key, source, payer, arrived, amount string, more ...string) string {
	h.t.Helper()
	extra := ""
	for _, m := range more {
		extra += ", " + m
	}
	h.load(fmt.Sprintf("lots:\n  - {key: %s, partner: %s, source: %s, payer: %q, payer_account: %q, arrived_at: %s, amount: %q%s}\n",
		key, partner, source, payer, "acct-"+payer, cst(arrived).Format(time.RFC3339), amount, extra))
	var no int64
	require.NoError(h.t, h.db.Get(&no, `SELECT lot_no FROM lots WHERE key = 'load/' || $1`, key))
	return withdrawal.LotNo(no).String()
}

var sixDigits = regexp.MustCompile(`[0-9]{6}`)

// code has a verification code sent and reads it from the outbox.
func (h *house) code(person, partner string, at time.Time) string {
	h.t.Helper()
	_, err := (&activities.Codes{DB: h.db}).SendCode(context.Background(), activities.SendCodeInput{Person: person, Scene: verification.Withdrawal, Target: partner, At: at})
	require.NoError(h.t, err)
	var body string
	require.NoError(h.t, h.db.Get(&body, `SELECT body FROM outbox WHERE person_id = $1 AND secret ORDER BY message_id DESC LIMIT 1`, person))
	return sixDigits.FindString(body)
}

// toBank is mei's application for P1001 by bank card to an account of "A Ltd", with a fresh code.
func (h *house) toBank(key, amount string) withdrawal.Application {
	return h.toBankBy("mei", key, amount, h.now)
}

// toBankBy is toBank of another person, and of another time.
func (h *house) toBankBy(submitter, key, amount string, at time.Time) withdrawal.Application {
	return withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: submitter, Route: withdrawal.BankCard, Amount: amount,
		Payee: withdrawal.Payee{Holder: "A Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
		Code:  h.code(submitter, "P1001", at),
	}
}

// run is one withdrawal in the test environment.
type run struct {
	h      *house
	env    *testsuite.TestWorkflowEnvironment
	opened answerOf
	result WithdrawalResult
	err    error // how the run closed
}

// environment is Temporal's test environment at a time. By itself it logs every timer and every activity, and gives up after
// three seconds.
func environment(at time.Time) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(at)
	env.SetTestTimeout(10 * time.Minute) // of waiting for something to happen; no test depends on speed
	return env
}

// answerOf is what an update's caller got.
type answerOf struct {
	came     bool
	standing activities.WithdrawalStanding
	err      error
}

func (a answerOf) refused() refusal.List { return activities.RefusalOf(a.err) }

func (h *house) start(app withdrawal.Application) *run {
	r := &run{h: h, env: environment(h.now)}
	r.env.RegisterWorkflowWithOptions(Withdrawal, workflow.RegisterOptions{Name: WithdrawalType})
	r.env.RegisterActivity(h.act)
	r.update(0, SubmitUpdate, &r.opened, app)
	return r
}

// update sends an update after a time from the start.
func (r *run) update(after time.Duration, name string, into *answerOf, arg any) {
	r.asks(after, name, into, func() any { return arg })
}

// asks is update for what is known only when its time comes.
func (r *run) asks(after time.Duration, name string, into *answerOf, arg func() any) {
	r.env.RegisterDelayedCallback(func() {
		r.env.UpdateWorkflow(name, fmt.Sprintf("%s-%s-%p", name, after, into), &testsuite.TestUpdateCallback{
			OnReject:   func(err error) { *into = answerOf{came: true, err: err} },
			OnAccept:   func() {},
			OnComplete: func(v any, err error) { *into = answerOf{came: true, standing: standingOf(v), err: err} },
		}, arg())
	}, after)
}

func standingOf(v any) activities.WithdrawalStanding {
	s, _ := v.(activities.WithdrawalStanding)
	return s
}

// decides sends a decision after a time; the task is named by its kind, the case by what opened.
func (r *run) decides(after time.Duration, kind approval.Matter, d approval.Decision) *answerOf {
	into := &answerOf{}
	r.asks(after, DecideUpdate, into, func() any {
		d.Task = approval.TaskID(r.opened.standing.Case, kind.Name, 1)
		return d
	})
	return into
}

// toEnd runs to the end; the application is the run's input, as the starter gives it.
func (r *run) toEnd(app withdrawal.Application) *run {
	r.env.ExecuteWorkflow(Withdrawal, WithdrawalInput{Application: app, OneTimer: true})
	require.True(r.h.t, r.env.IsWorkflowCompleted(), "the run ends")
	if r.err = r.env.GetWorkflowError(); r.err == nil {
		require.NoError(r.h.t, r.env.GetWorkflowResult(&r.result))
	}
	return r
}

// balance is an account's balance on its normal side.
func (h *house) balance(account ledger.Account) string {
	h.t.Helper()
	var amount money.Amount
	require.NoError(h.t, h.db.Get(&amount, `
		SELECT coalesce(sum(p.amount * c.normal), 0)::numeric(20,2) FROM postings p JOIN accounts a USING (account) JOIN chart c USING (code) WHERE account = $1`, account))
	return amount.String()
}

// free is what remains of a lot.
func (h *house) free(lot string) string {
	h.t.Helper()
	no, err := withdrawal.ParseLotNo(lot)
	require.NoError(h.t, err)
	var amount money.Amount
	require.NoError(h.t, h.db.Get(&amount, `SELECT remaining FROM lots WHERE lot_no = $1`, int64(no)))
	return amount.String()
}

// history is a case's events as "actor action from>to rule".
func (h *house) history(number string) []string {
	h.t.Helper()
	var lines []string
	require.NoError(h.t, h.db.Select(&lines, `
		SELECT concat_ws(' ', actor, action, from_state || '>' || to_state, nullif(rule, '')) FROM events WHERE case_number = $1 ORDER BY seq`, number))
	return lines
}

func (h *house) count(query string, args ...any) int {
	h.t.Helper()
	var n int
	require.NoError(h.t, h.db.Get(&n, query, args...))
	return n
}

// codesOf lists what a refusal says, as "RULE CODE".
func codesOf(list refusal.List) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

// nothingHappened asserts that a refused application left no trace but its refusal.
func (h *house) nothingHappened(requestKey string) {
	h.t.Helper()
	require.Zero(h.t, h.count(`SELECT count(*) FROM cases WHERE request_key = $1`, requestKey))
	require.Zero(h.t, h.count(`SELECT count(*) FROM entries WHERE key LIKE 'withdrawal/%'`), "no hold")
	require.Equal(h.t, 1, h.count(`SELECT count(*) FROM refusals WHERE request_key = $1`, requestKey))
}

// open asks the opening activity directly, as a run of its own.
func (h *house) open(app withdrawal.Application) (activities.WithdrawalStanding, error) {
	h.runs++
	return h.act.OpenWithdrawal(context.Background(), activities.OpenWithdrawalInput{
		Application: app, WorkflowID: WithdrawalID(app), RunID: fmt.Sprintf("run-%d", h.runs), At: h.now,
	})
}

// opens is open for an application that has to be accepted.
func (h *house) opens(app withdrawal.Application) activities.WithdrawalStanding {
	h.t.Helper()
	s, err := h.open(app)
	require.NoError(h.t, err)
	return s
}

// refuses is open for an application that has to be refused; it answers "RULE CODE" of each guard and the sentences.
func (h *house) refuses(app withdrawal.Application) ([]string, string) {
	h.t.Helper()
	_, err := h.open(app)
	list := activities.RefusalOf(err)
	require.NotEmpty(h.t, list, "refused; got %v", err)
	return codesOf(list), list.Error()
}

// decide asks the deciding activity directly.
func (h *house) decide(number string, kind approval.Matter, d approval.Decision) (activities.WithdrawalStanding, error) {
	return h.decideOn(approval.TaskID(number, kind.Name, 1), d)
}

func (h *house) decideOn(task string, d approval.Decision) (activities.WithdrawalStanding, error) {
	d.Task = task
	if d.Key == "" {
		d.Key = fmt.Sprintf("%s-%s-%s", d.Task, d.Person, d.Outcome)
	}
	return h.act.DecideWithdrawal(context.Background(), activities.DecideInput{Decision: d, At: h.now})
}

// must is for steps that have to succeed.
func (h *house) must(s activities.WithdrawalStanding, err error) activities.WithdrawalStanding {
	h.t.Helper()
	require.NoError(h.t, err)
	return s
}

// approve, send and confirm carry a case on.
func (h *house) approve(number string) activities.WithdrawalStanding {
	h.t.Helper()
	return h.must(h.decide(number, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve}))
}

func (h *house) send(number string) activities.WithdrawalStanding {
	h.t.Helper()
	return h.must(h.decide(number, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent}))
}

func (h *house) confirm(number, amount string) activities.WithdrawalStanding {
	h.t.Helper()
	return h.must(h.decide(number, withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: amount, Reference: "B-1"}))
}

// rebate is mei's application for P1001's incentive money.
func (h *house) rebate(key, amount string) withdrawal.Application {
	app := h.toBank(key, amount)
	app.Route = withdrawal.Incentive
	return app
}

// original is mei's application by the original route; the payee follows from the lots.
func (h *house) original(key, amount string) withdrawal.Application {
	app := h.toBank(key, amount)
	app.Route, app.Payee = withdrawal.Original, withdrawal.Payee{}
	return app
}

// available is what P1001 can withdraw: over all routes, then by ORIGINAL, BANK_CARD and INCENTIVE.
func (h *house) available(partner string) [4]string {
	h.t.Helper()
	a, err := views.Reader{DB: h.db}.Available(context.Background(), partner, h.now)
	require.NoError(h.t, err)
	return [4]string{a.Withdrawable.String(), a.Routes[withdrawal.Original].String(), a.Routes[withdrawal.BankCard].String(), a.Routes[withdrawal.Incentive].String()}
}

// addsUp asserts what holds at every instant: balances, floors, lots, holds and every chain of events.
func (h *house) addsUp() {
	h.t.Helper()
	found, err := views.Reader{DB: h.db}.Verify(context.Background(), nil)
	require.NoError(h.t, err)
	require.Empty(h.t, found.Findings)
}

// paidAt is when a case was paid.
func (h *house) paidAt(number string) time.Time {
	h.t.Helper()
	var at time.Time
	require.NoError(h.t, h.db.Get(&at, `SELECT paid_at FROM withdrawals WHERE case_number = $1`, number))
	return at.UTC()
}

// notices lists what mei was told of a case, in order.
func (h *house) notices(number string) []string {
	h.t.Helper()
	var steps []string
	require.NoError(h.t, h.db.Select(&steps, `SELECT split_part(key, '/', 3) FROM outbox WHERE key LIKE 'withdrawal/' || $1 || '/%' AND person_id = 'mei' ORDER BY message_id`, number))
	return steps
}
