package workflows

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Rules: ENG-01, ENG-03, PGM-10, WDL-19, WDR-11, COM-20
func TestGivenAnySequenceOfRequests_WhenEachIsDoneOrRefused_ThenTheLedgerAddsUpAfterEveryStep(t *testing.T) {
	few(t, "rapid.checks", "15")
	few(t, "rapid.steps", "40")
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	checks := 0
	seen := map[string]int{}
	property := func(t *rapid.T) {
		checks++
		m := newModel(t, h, fmt.Sprintf("P%04d", checks), seen)
		t.Repeat(map[string]func(*rapid.T){
			"":                   m.addsUp,
			"apply":              m.apply,
			"decide":             m.decide,
			"move on":            m.moveOn, // often enough that cases come to their end
			"move on again":      m.moveOn,
			"and again":          m.moveOn,
			"return":             m.giveBack,
			"cancel":             m.cancel,
			"stop":               m.stop,
			"delete":             m.delete,
			"escalate":           m.escalate,
			"report late return": m.reportLateReturn,
			"repeat":             m.repeat,
		})
	}
	missing := []string{"apply done", "apply refused", "decide done", "decide refused", "cancel refused", "repeat done", "PAID", "report refused", "resubmit done"}
	for range 5 { // one round of checks is nearly always enough
		rapid.Check(t, property)
		if missing = slices.DeleteFunc(missing, func(what string) bool { return seen[what] > 0 }); len(missing) == 0 {
			break
		}
	}
	require.Empty(t, missing, "never came about: %v", seen)
	t.Log(seen)
}

// few bounds a flag of rapid that nobody has set: each step of these checks is a transaction and a verification.
func few(t *testing.T, name, value string) {
	f := flag.Lookup(name)
	if f.Value.String() != f.DefValue {
		return
	}
	require.NoError(t, f.Value.Set(value))
	t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
}

// model is what has to hold of one partner: only what its accepted requests say.
type model struct {
	h       *house
	partner string
	people  []string
	now     time.Time
	cash    money.Amount // expected in P.CASH
	cases   []*modelCase
	opened  map[string]*modelCase // by request key
	repeats []func() (activities.WithdrawalStanding, error)
	answers []activities.WithdrawalStanding
	seen    map[string]int
}

type modelCase struct {
	number string
	state  withdrawal.State
	amount money.Amount
	round  int // of the review
	app    withdrawal.Application
	tasks  []string // late returns asked about
	back   bool     // one was credited
}

// newModel loads a partner of its own with lots for every route; the verified people of the house act, and some who may not.
func newModel(t *rapid.T, h *house, id string, seen map[string]int) *model {
	m := &model{
		h: h, partner: id, now: h.now, opened: map[string]*modelCase{}, seen: seen, cash: money.Zero,
		people: []string{"mei-" + id, "wang", "lina", "zhao", "chen", "bo", "nobody"},
	}
	programme := fmt.Sprintf("partners: [{id: %s, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}]\n", id) +
		fmt.Sprintf("people: [{id: mei-%s, name: Mei, partner: %s, roles: [partner-administrator]}]\nlots:\n", id, id)
	for i, source := range []withdrawal.Source{withdrawal.EbankCorporate, withdrawal.Alipay, withdrawal.IncentivePaid, withdrawal.RemitGeneral, withdrawal.EbankCorporate} {
		amount := money.Fen(50_000 + rapid.Int64Range(1, 50_000).Draw(t, "lot"))
		m.cash = m.cash.Add(amount)
		programme += fmt.Sprintf("  - {key: %s-%d, partner: %s, source: %s, payer: A Ltd, payer_account: a, arrived_at: %s, amount: %q}\n",
			id, i, id, source, h.now.AddDate(0, 0, -30+i).UTC().Format(time.RFC3339), amount)
	}
	h.load(programme)
	return m
}

// addsUp is the invariant.
func (m *model) addsUp(t *rapid.T) {
	found, err := views.Reader{DB: m.h.db}.Verify(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Findings) > 0 {
		t.Fatalf("%+v", found.Findings)
	}
	cash, hold := m.cash, money.Zero
	for _, c := range m.cases {
		if withdrawal.Holding(c.state) {
			cash, hold = cash.Sub(c.amount), hold.Add(c.amount)
		}
		if c.state == withdrawal.Paid {
			cash = cash.Sub(c.amount)
		}
	}
	if got := m.h.balance(ledger.Cash(m.partner)); got != cash.String() {
		t.Fatalf("P.CASH is %s, %s was expected", got, cash)
	}
	if got := m.h.balance(ledger.Hold(m.partner)); got != hold.String() {
		t.Fatalf("P.HOLD is %s, the open cases add up to %s", got, hold)
	}
	if n := m.h.count(`SELECT count(*) FROM cases WHERE partner_id = $1`, m.partner); n != len(m.cases) {
		t.Fatalf("%d cases, %d were opened", n, len(m.cases))
	}
}

// judge checks an answer: done, or a refusal that is typed; nothing else ever comes back. A done step may be repeated.
func (m *model) judge(t *rapid.T, what string, c *modelCase, ask func() (activities.WithdrawalStanding, error)) bool {
	now, err := ask()
	switch {
	case err == nil:
		m.seen[what+" done"]++
		m.repeats, m.answers = append(m.repeats, ask), append(m.answers, now)
		if c != nil {
			if now.State != c.state && !withdrawal.CanMove(c.state, now.State) {
				t.Fatalf("%s moved %s from %s to %s", what, c.number, c.state, now.State)
			}
			c.state, c.amount = now.State, now.Amount
			m.seen[string(now.State)]++
		}
		return true
	case activities.RefusalOf(err) != nil, activities.IsNotFound(err):
		m.seen[what+" refused"]++
		return false
	}
	t.Fatalf("%s: %v", what, err)
	return false
}

func (m *model) person(t *rapid.T) string { return rapid.SampledFrom(m.people).Draw(t, "person") }

// tick lets up to a day pass.
func (m *model) tick(t *rapid.T) time.Time {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 24*60).Draw(t, "minutes")) * time.Minute)
	return m.now
}

func (m *model) anyCase(t *rapid.T) *modelCase {
	if len(m.cases) == 0 {
		t.Skip("no case yet")
	}
	return m.cases[rapid.IntRange(0, len(m.cases)-1).Draw(t, "case")]
}

func (m *model) apply(t *rapid.T) {
	at := m.tick(t)
	app := withdrawal.Application{
		RequestKey: fmt.Sprintf("k%d", rapid.IntRange(1, 12).Draw(t, "key")), PartnerID: m.partner, Submitter: m.people[0],
		Route:  rapid.SampledFrom(withdrawal.Routes).Draw(t, "route"),
		Amount: rapid.SampledFrom([]string{"0.01", "10.00", "33.33", "120.00", "700.00"}).Draw(t, "amount"),
		Payee:  withdrawal.Payee{Holder: "A Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
	}
	if app.Route == withdrawal.Original {
		app.Payee = withdrawal.Payee{}
	}
	fault := rapid.IntRange(0, 15).Draw(t, "fault")
	switch fault {
	case 1:
		app.Submitter = m.person(t)
	case 2:
		app.Payee.Holder = "B Ltd"
	case 3:
		app.Amount = "10.005"
	}
	app.Code = "no"
	if fault != 4 && (app.Submitter == m.people[0] || app.Submitter == "wang") {
		app.Code = m.h.code(app.Submitter, m.partner, at)
	}
	first := m.opened[app.RequestKey]
	m.h.runs++
	in := activities.OpenWithdrawalInput{Application: app, WorkflowID: WithdrawalID(app), RunID: fmt.Sprintf("run-%d", m.h.runs), At: at}
	var opened activities.WithdrawalStanding
	if !m.judge(t, "apply", nil, func() (now activities.WithdrawalStanding, err error) {
		now, err = m.h.act.OpenWithdrawal(context.Background(), in)
		opened = now
		return now, err
	}) {
		return
	}
	if first != nil { // Rule: COM-20
		if opened.Case != first.number || string(app.Digest()) != string(first.app.Digest()) {
			t.Fatalf("key %s opened %s for %v before, now it answers %s to %v", app.RequestKey, first.number, first.app, opened.Case, app)
		}
		return
	}
	c := &modelCase{number: opened.Case, state: opened.State, amount: opened.Amount, round: 1, app: app}
	m.cases, m.opened[app.RequestKey] = append(m.cases, c), c
}

func (m *model) decide(t *rapid.T) {
	c := m.anyCase(t)
	matter, round := rapid.SampledFrom([]approval.Matter{withdrawal.Review, withdrawal.Send, withdrawal.Confirm}).Draw(t, "task"), 1
	if matter.Name == withdrawal.Review.Name {
		round = rapid.IntRange(1, c.round).Draw(t, "round")
	}
	task := approval.TaskID(c.number, matter.Name, round)
	if len(c.tasks) > 0 && rapid.Bool().Draw(t, "about a late return") {
		task = rapid.SampledFrom(c.tasks).Draw(t, "late return")
	}
	m.decideOn(t, c, approval.Decision{
		Task: task, Person: m.person(t), Key: fmt.Sprintf("%s-%d", m.partner, rapid.IntRange(1, 9).Draw(t, "key")),
		Outcome: rapid.SampledFrom([]approval.Outcome{
			approval.Approve, approval.Reject, approval.Return, approval.Ask, approval.Comment, approval.Urge,
			withdrawal.Sent, withdrawal.Fail, withdrawal.Arrived, withdrawal.Bounced,
		}).Draw(t, "outcome"),
		Reason:    rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason"),
		Amount:    rapid.SampledFrom([]string{c.amount.String(), "1.00"}).Draw(t, "amount"),
		Reference: rapid.SampledFrom([]string{"B-1", "B-2", ""}).Draw(t, "reference"),
	}, rapid.Bool().Draw(t, "by signal"))
}

// moveOn is a decision that the case waits for.
func (m *model) moveOn(t *rapid.T) {
	c := m.anyCase(t)
	d := approval.Decision{Person: "zhao", Reason: "because", Amount: c.amount.String(), Reference: "B-1"}
	d.Key = fmt.Sprintf("%s-on-%d", m.partner, len(m.repeats))
	switch c.state {
	case withdrawal.UnderReview:
		d.Task = approval.TaskID(c.number, withdrawal.Review.Name, c.round)
		d.Outcome = rapid.SampledFrom([]approval.Outcome{approval.Approve, approval.Approve, approval.Approve, approval.Return, approval.Reject}).Draw(t, "outcome")
		d.Amount = rapid.SampledFrom([]string{"", c.amount.String(), "0.01"}).Draw(t, "approved")
	case withdrawal.Awaiting:
		m.resubmit(t, c)
		return
	case withdrawal.Approved:
		d.Task, d.Outcome = approval.TaskID(c.number, withdrawal.Send.Name, 1), withdrawal.Sent
	case withdrawal.Paying:
		d.Task, d.Outcome = approval.TaskID(c.number, withdrawal.Confirm.Name, 1), rapid.SampledFrom([]approval.Outcome{withdrawal.Arrived, withdrawal.Arrived, withdrawal.Bounced}).Draw(t, "outcome")
	case withdrawal.Paid: // and a part comes back
		if len(c.tasks) == 0 {
			m.report(t, c, activities.ReportLateReturnInput{Case: c.number, Person: "lina", Amount: "0.01", Reference: "B-1"})
			return
		}
		if c.back {
			t.Skip("came back already")
		}
		d.Task, d.Outcome, d.Amount = c.tasks[0], withdrawal.Arrived, "0.01"
	case withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
		t.Skip("ended")
	}
	if done := m.decideOn(t, c, d, false); !done && c.state != withdrawal.Paid {
		t.Fatalf("%v was refused in %s", d, c.state)
	}
}

// giveBack returns a case for changes, which come at once or later.
func (m *model) giveBack(t *rapid.T) {
	for _, c := range m.cases {
		if c.state == withdrawal.UnderReview {
			m.decideOn(t, c, approval.Decision{
				Task: approval.TaskID(c.number, withdrawal.Review.Name, c.round), Person: "zhao", Outcome: approval.Return, Reason: "because", Key: fmt.Sprintf("%s-back-%d", c.number, c.round),
			}, false)
			return
		}
		if c.state == withdrawal.Awaiting {
			m.resubmit(t, c)
			return
		}
	}
	t.Skip("none under review")
}

// resubmit changes what was returned and puts it up again.
func (m *model) resubmit(t *rapid.T, c *modelCase) {
	app := c.app
	app.RequestKey, app.Amount = fmt.Sprintf("%s-%d", c.number, c.round+1), rapid.SampledFrom([]string{"0.01", "9.99"}).Draw(t, "changed")
	at := m.tick(t)
	app.Code = m.h.code(app.Submitter, m.partner, at)
	in := activities.ResubmitWithdrawalInput{Case: c.number, Application: app, At: at}
	if m.judge(t, "resubmit", c, func() (activities.WithdrawalStanding, error) {
		return m.h.act.ResubmitWithdrawal(context.Background(), in)
	}) {
		c.round++
	}
}

func (m *model) decideOn(t *rapid.T, c *modelCase, d approval.Decision, bySignal bool) bool {
	in := activities.DecideInput{Decision: d, BySignal: bySignal, At: m.tick(t)}
	lots := m.h.count(`SELECT count(*) FROM lots WHERE partner_id = $1`, m.partner)
	done := m.judge(t, "decide", c, func() (activities.WithdrawalStanding, error) {
		return m.h.act.DecideWithdrawal(context.Background(), in)
	})
	if slices.Contains(c.tasks, d.Task) && m.h.count(`SELECT count(*) FROM lots WHERE partner_id = $1`, m.partner) > lots {
		amount, err := money.Parse(d.Amount)
		if !done || err != nil {
			t.Fatalf("a lot came from %v", d)
		}
		m.cash, c.back = m.cash.Add(amount), true
		m.seen["late return"]++
	}
	return done
}

func (m *model) cancel(t *rapid.T) {
	c := m.anyCase(t)
	in := activities.CancelWithdrawalInput{Case: c.number, Key: fmt.Sprintf("c%d", rapid.IntRange(1, 3).Draw(t, "key")), Person: m.person(t), At: m.tick(t)}
	m.judge(t, "cancel", c, func() (activities.WithdrawalStanding, error) {
		return m.h.act.CancelWithdrawal(context.Background(), in)
	})
}

func (m *model) delete(t *rapid.T) {
	c := m.anyCase(t)
	in := activities.CancelWithdrawalInput{Case: c.number, Key: fmt.Sprintf("x%d", rapid.IntRange(1, 3).Draw(t, "key")), Person: m.person(t), At: m.tick(t)}
	m.judge(t, "delete", c, func() (activities.WithdrawalStanding, error) {
		return m.h.act.DeleteWithdrawal(context.Background(), in)
	})
}

// stop is an operator's cancellation of the run, or a repair.
func (m *model) stop(t *rapid.T) {
	c := m.anyCase(t)
	if rapid.IntRange(0, 3).Draw(t, "rather not") > 0 {
		t.Skip("it would end most cases early")
	}
	in := activities.StopInput{Case: c.number, Key: "run", Reason: "stopped", At: m.tick(t)}
	m.judge(t, "stop", c, func() (activities.WithdrawalStanding, error) { return m.h.act.StopWithdrawal(context.Background(), in) })
}

func (m *model) escalate(t *rapid.T) {
	c := m.anyCase(t)
	in := activities.ClockInput{Case: c.number, At: m.tick(t)}
	m.judge(t, "escalate", c, func() (activities.WithdrawalStanding, error) {
		return m.h.act.EscalateWithdrawal(context.Background(), in)
	})
}

func (m *model) reportLateReturn(t *rapid.T) {
	c := m.anyCase(t)
	m.report(t, c, activities.ReportLateReturnInput{
		Case: c.number, Person: rapid.SampledFrom([]string{"lina", "wang", "chen", m.people[0]}).Draw(t, "person"),
		Amount:    rapid.SampledFrom([]string{c.amount.String(), "1.00", "0.01", "1e9"}).Draw(t, "amount"),
		Reference: rapid.SampledFrom([]string{"B-1", "B-2", ""}).Draw(t, "reference"),
	})
}

func (m *model) report(t *rapid.T, c *modelCase, in activities.ReportLateReturnInput) {
	in.At = m.tick(t)
	m.judge(t, "report", c, func() (activities.WithdrawalStanding, error) {
		task, err := m.h.act.ReportLateReturn(context.Background(), in)
		if err == nil && !slices.Contains(c.tasks, task.Task) {
			c.tasks = append(c.tasks, task.Task)
		}
		return activities.WithdrawalStanding{Case: c.number, State: c.state, Amount: c.amount}, err
	})
}

// repeat runs a done step once more with the very same input: the case stays where it is by now.
func (m *model) repeat(t *rapid.T) {
	if len(m.repeats) == 0 {
		t.Skip("nothing done yet")
	}
	i := rapid.IntRange(0, len(m.repeats)-1).Draw(t, "step")
	events := m.h.count(`SELECT count(*) FROM events`)
	now, err := m.repeats[i]()
	if err != nil || now.Case != m.answers[i].Case {
		t.Fatalf("a repeat of %+v answers %+v, %v", m.answers[i], now, err)
	}
	if n := m.h.count(`SELECT count(*) FROM events`); n != events {
		t.Fatalf("a repeat of %+v wrote %d events", m.answers[i], n-events)
	}
	m.seen["repeat done"]++
}
