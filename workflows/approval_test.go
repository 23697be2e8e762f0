package workflows

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// chainPeople are the people whom chains ask beside those of every test: Sun reviews too, Gao is a second manager and the superior
// of Wang, who looks after P1001; Han is compliance; Ann, Ben and Cas audit; Tan holds no role.
const chainPeople = `
partners:
  - {id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud, ecosystem_manager: wang}
people:
  - {id: wang, name: Wang, email: wang@vendor.example, roles: [ecosystem-manager, vendor-finance], superior: gao}
  - {id: sun, name: Sun, email: sun@vendor.example, roles: [vendor-finance]}
  - {id: gao, name: Gao, email: gao@vendor.example, roles: [finance-manager]}
  - {id: han, name: Han, email: han@vendor.example, roles: [compliance]}
  - {id: ann, name: Ann, email: ann@vendor.example, roles: [auditor]}
  - {id: ben, name: Ben, email: ben@vendor.example, roles: [auditor]}
  - {id: cas, name: Cas, email: cas@vendor.example, roles: [auditor]}
  - {id: tan, name: Tan, email: tan@vendor.example}
`

// chained is a house whose withdrawals are reviewed by a chain; P1001 has two lots, 600.00 and the younger 400.00.
func chained(t *testing.T, chain approval.Chain) *house {
	h := newHouse(t, cst("2025-11-03 10:00"), chainPeople)
	h.review(chain)
	h.lot("P1001", "old", "EBANK_CORPORATE", "A Ltd", "2025-10-01 09:00", "600.00")
	h.lot("P1001", "young", "EBANK_CORPORATE", "A Ltd", "2025-10-02 09:00", "400.00")
	return h
}

// review sets a policy with another chain.
func (h *house) review(chain approval.Chain) {
	h.t.Helper()
	p := withdrawal.DefaultPolicy()
	p.Approval = chain
	h.setPolicy(p)
}

func steps(s ...approval.Step) approval.Chain { return approval.Chain{Steps: s} }

// step asks one question of whom "role:", "person:", "each:" (everybody who holds the role) or "relation:" name, or of the
// band that holds the amount.
func step(name string, who ...string) approval.Step {
	s := approval.Step{Name: name}
	for _, w := range who {
		kind, id, _ := strings.Cut(w, ":")
		s.Who = append(s.Who, map[string]approval.Candidate{
			"role": {Role: person.Role(id)}, "each": {Role: person.Role(id), Each: true}, "person": {Person: id},
			"relation": {Relation: approval.Relation(id)}, "band": {Band: true},
		}[kind])
	}
	return s
}

func mode(m approval.Mode, need int, s approval.Step) approval.Step {
	s.Mode, s.Need = m, need
	return s
}

func beside(s approval.Step) approval.Step {
	s.Parallel = true
	return s
}

func when(condition string, s approval.Step) approval.Step {
	s.When = condition
	return s
}

// twoSteps is finance first; from 500.00 up then a manager, and together with the manager compliance.
func twoSteps() approval.Chain {
	return steps(step("finance", "role:vendor-finance"), when("amount >= 500.00", step("manager", "role:finance-manager")), beside(step("compliance", "role:compliance")))
}

// line is one request of a script, and how it has to be answered.
type line struct {
	update string
	arg    func(*run) any
	after  time.Duration // from the start; zero: a minute after the line before
	codes  []string      // of the refusal; none: it is done
	words  []string      // that the refusal says
}

// decides is a decision on a task of the case that the script opens, named without the case: "finance", "finance@2".
func decides(task string, d approval.Decision) line {
	return line{update: DecideUpdate, arg: func(r *run) any {
		d.Task = r.opened.standing.Case + "/" + task
		return d
	}}
}

func says(task, who string, outcome approval.Outcome, reason ...string) line {
	return decides(task, approval.Decision{Person: who, Outcome: outcome, Reason: strings.Join(reason, " ")})
}

func cancels(who string) line {
	return line{update: CancelUpdate, arg: func(*run) any { return CancelRequest{Person: who, Reason: "not needed"} }}
}

func migrates(who string) line {
	return line{update: MigrateUpdate, arg: func(*run) any { return CancelRequest{Person: who} }}
}

// resubmits sends mei's application anew, with a fresh code and what is changed about it.
func resubmits(key, amount string, change ...func(*withdrawal.Application)) line {
	return line{update: ResubmitUpdate, arg: func(r *run) any {
		app := r.h.toBankBy("mei", key, amount, r.env.Now())
		for _, f := range change {
			f(&app)
		}
		return app
	}}
}

// meanwhile is something that happens without a request.
func meanwhile(f func(*run)) line { return line{arg: func(r *run) any { f(r); return nil }} }

func (l line) at(after time.Duration) line {
	l.after = after
	return l
}

// refused says that a line is refused under these "RULE CODE"s, in words.
func (l line) refused(words string, codes ...string) line {
	l.codes, l.words = codes, append(l.words, words)
	return l
}

// pays are the lines after the review, to the end.
func pays(amount string) []line {
	return []line{says("send", "lina", withdrawal.Sent), decides("confirm", approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: amount, Reference: "B-1"})}
}

// plays carries mei's application of an amount through a script to its end, and compares every answer.
func (h *house) plays(amount string, lines ...line) *run {
	h.t.Helper()
	return h.playsApplication(h.toBank(fmt.Sprintf("k%d", h.runs+1), amount), lines...)
}

func (h *house) playsApplication(app withdrawal.Application, lines ...line) *run {
	h.t.Helper()
	h.runs++
	r := h.start(app)
	answers := make([]answerOf, len(lines))
	var now time.Duration
	for i, l := range lines {
		if now += minute; l.after != 0 {
			now = l.after
		}
		if l.update == "" {
			r.env.RegisterDelayedCallback(func() { l.arg(r); answers[i].came = true }, now)
			continue
		}
		r.asks(now, l.update, &answers[i], func() any { return l.arg(r) })
	}
	r.toEnd(app)
	require.NoError(h.t, r.err)
	require.NoError(h.t, r.opened.err)
	for i, a := range answers {
		require.True(h.t, a.came, "line %d is answered", i+1)
		if lines[i].codes == nil {
			require.NoError(h.t, a.err, "line %d", i+1)
			continue
		}
		require.Equal(h.t, lines[i].codes, codesOf(a.refused()), "line %d: %v", i+1, a.err)
		for _, w := range lines[i].words {
			require.Contains(h.t, a.refused().Error(), w, "line %d", i+1)
		}
	}
	if !h.forged {
		h.addsUp()
	}
	return r
}

// tasks shows a case's tasks of its review as "task state outcome by", in the order in which they came up.
func (h *house) tasks(number string) []string {
	h.t.Helper()
	var out []string
	require.NoError(h.t, h.db.Select(&out, `
		SELECT concat_ws(' ', split_part(task_id, '/', 2), state, nullif(outcome, ''), coalesce(decided_by, nullif(how, '')), 'for ' || on_behalf)
		  FROM tasks WHERE case_number = $1 AND matter = 'review' ORDER BY round, opened_at, task_id`, number))
	return out
}

// asked is who may decide a task now.
func (h *house) asked(task string) string {
	h.t.Helper()
	var who string
	require.NoError(h.t, h.db.Get(&who, `SELECT array_to_string(candidates, ' ') FROM tasks WHERE task_id = $1`, task))
	return who
}

// told lists the task notices that a person got of a case, as "task notice".
func (h *house) told(number, who string) []string {
	h.t.Helper()
	var subjects, out []string
	require.NoError(h.t, h.db.Select(&subjects, `
		SELECT split_part(subject, ' / Task ', 2) FROM outbox WHERE person_id = $2 AND subject LIKE '% / Task ' || $1 || '/%' ORDER BY message_id`, number, who))
	for _, s := range subjects {
		out = append(out, strings.TrimPrefix(s, number+"/"))
	}
	return out
}

// stale asserts that a decision comes too late, and that it is told what happened meanwhile.
func (h *house) stale(task, who string, outcome approval.Outcome, happened string) {
	h.t.Helper()
	_, err := h.decideOn(task, approval.Decision{Person: who, Outcome: outcome, Reason: "late"})
	require.Equal(h.t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "%v", err)
	require.Contains(h.t, activities.RefusalOf(err).Error(), happened)
}

// Rule: WDR-02, ENG-03
func TestGivenAChain_WhenEveryStepOfItApproves_ThenTheMoneyMayLeave(t *testing.T) {
	t.Run("499.99: the manager is skipped, which is no approval", func(t *testing.T) {
		h := chained(t, twoSteps())
		r := h.plays("499.99", append([]line{says("finance", "lina", approval.Approve), says("compliance", "han", approval.Approve)}, pays("499.99")...)...)
		require.Equal(t, withdrawal.Paid, r.result.State)
		require.Equal(t, []string{"finance decided approve lina", "compliance decided approve han"}, h.tasks(r.result.Case))
		require.Equal(t, 1, h.count(`SELECT count(*) FROM approvals WHERE matter = 'review' AND outcome = 'approve'
			AND plan -> 'steps' -> 1 ->> 'skipped' = 'it is not so that the amount is at least 500.00'`))
	})
	t.Run("500.00: manager and compliance are asked together", func(t *testing.T) {
		h := chained(t, twoSteps())
		r := h.plays("500.00", append([]line{
			says("finance", "chen", approval.Approve).refused("does not hold the role vendor-finance", "COM-16 CBC.0151"),
			says("finance", "nobody", approval.Approve).refused("no person", "COM-16 CBC.0151"),
			says("finance", "lina", "wave").refused("takes approve, reject, return", "COM-08 CBC.0100"),
			says("finance", "lina", approval.Approve),
			meanwhile(func(r *run) {
				require.Equal(t, []string{"finance decided approve lina", "compliance open", "manager open"}, h.tasks(r.opened.standing.Case))
			}),
			says("finance", "zhao", approval.Reject, "late").refused("was decided already: approve by lina at 2025-11-03T02:04:00Z", "ENG-03 ENG_STATE"),
			says("compliance", "han", approval.Approve),
			says("manager", "chen", approval.Approve),
		}, pays("500.00")...)...)
		require.Equal(t, withdrawal.Paid, r.result.State)
		require.Equal(t, []string{"finance decided approve lina", "compliance decided approve han", "manager decided approve chen"}, h.tasks(r.result.Case))
		require.Equal(t, []string{
			"mei submit >UNDER_REVIEW WDR-02",
			"chen approve refused UNDER_REVIEW>UNDER_REVIEW COM-16", "nobody approve refused UNDER_REVIEW>UNDER_REVIEW COM-16", "lina wave refused UNDER_REVIEW>UNDER_REVIEW COM-08",
			"lina approve UNDER_REVIEW>UNDER_REVIEW", "zhao reject refused UNDER_REVIEW>UNDER_REVIEW ENG-03",
			"han approve UNDER_REVIEW>UNDER_REVIEW", "chen approve UNDER_REVIEW>APPROVED WDR-02",
			"lina send APPROVED>PAYING WDR-02", "zhao confirm PAYING>PAID WDL-16",
		}, h.history(r.result.Case))
		require.Equal(t, []string{"finance waits for you", "send waits for you", "confirm waits for you"}, h.told(r.result.Case, "sun"))
		require.Equal(t, []string{"manager waits for you"}, h.told(r.result.Case, "gao"))
		require.Equal(t, "500.00", h.balance(ledger.Cash("P1001")))
	})
}

func TestGivenASecondStep_WhenItRejects_ThenItsSiblingClosesAndTheHoldIsReleased(t *testing.T) {
	h := chained(t, twoSteps())
	r := h.plays("800.00",
		says("finance", "lina", approval.Approve),
		says("manager", "chen", approval.Reject).refused("needs a reason", "ENG-06 CBC.0100"),
		says("manager", "chen", approval.Reject, "no budget"),
	)
	require.Equal(t, withdrawal.Refused, r.result.State)
	require.Equal(t, []string{"finance decided approve lina", "compliance closed", "manager decided reject chen"}, h.tasks(r.result.Case))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM approvals WHERE outcome = 'reject' AND granted IS NULL`))
	h.released()
}

// A step of three auditors: how many answers it takes, and which.
func TestGivenAStepOfSeveralPeople_WhenTheyAnswer_ThenTheModeCounts(t *testing.T) {
	approve := func(task, who string) line { return says(task, who, approval.Approve) }
	reject := func(task, who string) line { return says(task, who, approval.Reject, "no") }
	over := func(task, who, word string) line {
		return approve(task, who).refused(word, "ENG-03 ENG_STATE")
	}
	h := chained(t, approval.Chain{})
	for _, c := range []struct {
		name  string
		step  approval.Step
		lines []line
		want  withdrawal.State
		tasks []string
	}{
		{"any: the first answer counts", step("audit", "role:auditor"), []line{approve("audit", "ben")}, withdrawal.Approved, []string{"audit decided approve ben"}},
		{
			"all: everybody approves", mode(approval.All, 0, step("audit", "each:auditor")),
			[]line{approve("audit", "ben").refused("is not asked here; somebody of these decides: ann", "COM-16 CBC.0151"), approve("audit", "ann"), approve("audit.3", "cas"), approve("audit.2", "ben")},
			withdrawal.Approved,
			[]string{"audit decided approve ann", "audit.2 decided approve ben", "audit.3 decided approve cas"},
		},
		{
			"all: one refusal ends it", mode(approval.All, 0, step("audit", "each:auditor")),
			[]line{approve("audit", "ann"), reject("audit.2", "ben")},
			withdrawal.Refused,
			[]string{"audit decided approve ann", "audit.2 decided reject ben", "audit.3 closed"},
		},
		{
			"votes: two of three approve", mode(approval.Votes, 2, step("audit", "each:auditor")),
			[]line{reject("audit", "ann"), approve("audit.2", "ben"), approve("audit.3", "cas")},
			withdrawal.Approved,
			[]string{"audit decided reject ann", "audit.2 decided approve ben", "audit.3 decided approve cas"},
		},
		{
			"votes: the third is not asked for any more", mode(approval.Votes, 2, step("audit", "each:auditor")),
			[]line{approve("audit", "ann"), approve("audit.2", "ben"), over("audit.3", "cas", "was closed undecided; the case is APPROVED")},
			withdrawal.Approved,
			[]string{"audit decided approve ann", "audit.2 decided approve ben", "audit.3 closed"},
		},
		{
			"votes: two refusals are enough", mode(approval.Votes, 2, step("audit", "each:auditor")),
			[]line{reject("audit", "ann"), reject("audit.2", "ben")},
			withdrawal.Refused,
			[]string{"audit decided reject ann", "audit.2 decided reject ben", "audit.3 closed"},
		},
		{
			"sequence: one after the other", mode(approval.Sequence, 0, step("audit", "person:cas", "role:auditor")),
			[]line{
				approve("audit.2", "ann").refused("waits", "ENG-03 ENG_STATE"), approve("audit", "cas"), approve("audit.2", "cas").refused("has decided step audit of this round already", "ENG-02 ENG_SELF_APPROVAL"), approve("audit.2", "ann"),
			},
			withdrawal.Approved,
			[]string{"audit decided approve cas", "audit.2 decided approve ann"},
		},
		{
			"sequence: the second is not asked after a refusal", mode(approval.Sequence, 0, step("audit", "person:cas", "person:ann")),
			[]line{reject("audit", "cas")},
			withdrawal.Refused,
			[]string{"audit decided reject cas", "audit.2 closed"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.review(steps(c.step))
			if c.want == withdrawal.Approved {
				c.lines = append(c.lines, says("send", "lina", withdrawal.Fail, "end"))
			}
			r := h.plays("800.00", c.lines...)
			require.Equal(t, c.tasks, h.tasks(r.result.Case))
			require.Equal(t, 1, h.count(`SELECT count(*) FROM events WHERE case_number = $1 AND from_state = 'UNDER_REVIEW' AND to_state = $2`, r.result.Case, c.want))
			h.released()
		})
	}
}

func TestGivenBands_WhenTheAmountIsPlanned_ThenTheLowestThatHoldsItIsAsked(t *testing.T) {
	limit := money.Must("500.00")
	banded := func(who ...string) approval.Chain {
		c := steps(step("sign", who...))
		c.Bands = []approval.Band{{Role: person.VendorFinance, UpTo: &limit}, {Role: person.FinanceManager}}
		return c
	}
	for _, c := range []struct{ amount, role string }{{"500.00", "role:vendor-finance"}, {"500.01", "role:finance-manager"}} {
		h := chained(t, banded("band:"))
		require.Equal(t, c.role, h.asked(h.opens(h.toBank("k1", c.amount)).Case+"/sign"), "the boundary amount is in")
	}
	h := chained(t, banded("band:", "person:lina"))
	r := h.plays("600.00",
		says("sign", "lina", approval.Approve).refused("600.00 is above what Li Na may approve", "COM-16 CBC.0151"),
		decides("sign", approval.Decision{Person: "lina", Outcome: approval.Approve, Amount: "500.01", Reason: "less"}).refused("500.01 is above", "COM-16 CBC.0151"),
		decides("sign", approval.Decision{Person: "lina", Outcome: approval.Approve, Amount: "500.00", Reason: "my limit"}),
		says("send", "lina", withdrawal.Fail, "end"),
	)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM withdrawals WHERE case_number = $1 AND amount = 500.00`, r.result.Case))
	h.released()
}

func TestGivenARelation_WhenTheRoundOpens_ThenThePersonOfTheCaseIsAsked(t *testing.T) {
	h := chained(t, steps(step("contact", "relation:ecosystem-manager"), step("boss", "relation:superior")))
	app := h.toBank("k1", "100.00")
	number := h.opens(app).Case
	require.Equal(t, "person:wang", h.asked(number+"/contact"))
	h.must(h.decideOn(number+"/contact", approval.Decision{Person: "wang", Outcome: approval.Approve}))
	require.Equal(t, "role:finance-manager", h.asked(number+"/boss"), "mei has no superior: the process owner is asked")

	app = h.toBankBy("wang", "k2", "100.00", h.now)
	number = h.opens(app).Case
	require.Equal(t, "person:wang role:finance-manager", h.asked(number+"/contact"), "wang submitted: nobody else may decide, so the owner may")
	require.Contains(t, h.history(number), "rule ask owner UNDER_REVIEW>UNDER_REVIEW")
	require.Equal(t, []string{"contact waits for you"}, h.told(number, "chen"))
	require.Empty(t, h.told(number, "wang"))
	h.must(h.decideOn(number+"/contact", approval.Decision{Person: "chen", Outcome: approval.Approve}))
	require.Equal(t, "person:gao", h.asked(number+"/boss"), "wang's superior")
}

// Rule: WDL-18, COM-02, COM-08
func TestGivenAnApprovalOfLess_WhenTheRoundEnds_ThenTheRestIsGivenBackAndTheLeastIsPaid(t *testing.T) {
	h := chained(t, twoSteps())
	less := func(task, who, amount, reason string) line {
		return decides(task, approval.Decision{Person: who, Outcome: approval.Approve, Amount: amount, Reason: reason})
	}
	r := h.plays("800.00", append([]line{
		less("finance", "lina", "800.01", "more").refused("800.01 is more than the 800.00", "COM-08 CBC.0100"),
		less("finance", "lina", "0", "none").refused("0", "COM-02 CBC.0100"),
		less("finance", "lina", "700.00", "").refused("needs a reason", "ENG-06 CBC.0100"),
		less("finance", "lina", "700.00", "part of it is disputed"),
		meanwhile(func(*run) { require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")), "held until the round ends") }),
		less("manager", "chen", "700.01", "more").refused("700.01 is more than the 700.00 that can be approved", "COM-08 CBC.0100"),
		less("manager", "chen", "250.00", "the rest next month"),
		says("compliance", "han", approval.Approve),
		meanwhile(func(r *run) {
			require.Equal(t, "250.00", h.balance(ledger.Hold("P1001")))
			require.Equal(t, "750.00", h.balance(ledger.Cash("P1001")))
			require.Equal(t, "600.00", h.free("L000001"), "given back whole")
			require.Equal(t, "150.00", h.free("L000002"), "the last in is the first out (WDL-13)")
			h.addsUp()
		}),
	}, pays("250.00")...)...)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, "-250.00", h.balance(ledger.Bank))
	require.Equal(t, "750.00", h.balance(ledger.Cash("P1001")))
	require.Equal(t, "0.00", h.balance(ledger.Hold("P1001")))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM entries WHERE key = 'withdrawal/' || $1 || '/not-approved'`, r.result.Case))
}

func TestGivenAnApprovalOfSomeLines_WhenTheRoundEnds_ThenOnlyTheirLotsArePaid(t *testing.T) {
	h := chained(t, twoSteps())
	lots := func(task, who, reason string, lots ...string) line {
		return decides(task, approval.Decision{Person: who, Outcome: approval.Approve, Lines: lots, Reason: reason})
	}
	app := h.toBank("k1", "800.00")
	app.Lots = []withdrawal.LotChoice{{Lot: "L000001", Amount: "500.00"}, {Lot: "L000002", Amount: "300.00"}}
	r := h.playsApplication(app, append([]line{
		lots("finance", "lina", "some", "L000009").refused(`no line "L000009"`, "COM-08 CBC.0100"),
		lots("finance", "lina", "", "L000001").refused("needs a reason", "ENG-06 CBC.0100"),
		lots("finance", "lina", "the other is disputed", "L000001"),
		lots("manager", "chen", "some", "L000002").refused("Nothing of what others approved", "COM-08 CBC.0100"),
		lots("manager", "chen", "both", "L000002", "L000001"),
		decides("compliance", approval.Decision{Person: "han", Outcome: approval.Approve, Amount: "500.00"}).refused("needs a reason", "ENG-06 CBC.0100"),
		says("compliance", "han", approval.Approve),
	}, pays("500.00")...)...)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, "100.00", h.free("L000001"))
	require.Equal(t, "400.00", h.free("L000002"), "given back whole")
	require.Equal(t, "500.00", h.balance(ledger.Cash("P1001")))
}

func TestGivenAQuestion_WhenTheApplicantAnswers_ThenBothSidesAreToldAndTheTaskStaysOpen(t *testing.T) {
	h := chained(t, twoSteps())
	r := h.plays("800.00",
		says("finance", "lina", approval.Ask).refused("needs a reason", "ENG-06 CBC.0100"),
		says("finance", "chen", approval.Ask, "which contract?").refused("does not hold", "COM-16 CBC.0151"),
		says("finance", "lina", approval.Ask, "which contract?"),
		says("finance", "bo", approval.Comment, "mine").refused("has no part in the case", "COM-16 CBC.0151"),
		says("finance", "mei", approval.Comment).refused("needs a reason", "ENG-06 CBC.0100"),
		says("finance", "mei", approval.Comment, "contract 7"),
		says("finance", "tan", approval.Comment, "seen it"),
		says("finance", "lina", approval.Urge).refused("who may act for the partner urges", "COM-16 CBC.0151"),
		says("finance", "mei", approval.Urge),
		says("finance", "mei", approval.Urge).refused("it can be urged again an hour later", "ENG-03 ENG_STATE"),
		says("finance", "lina", approval.Copy).refused("names the person it goes to", "COM-08 CBC.0100"),
		decides("finance", approval.Decision{Person: "lina", Outcome: approval.Copy, To: "tan", Reason: "as agreed"}),
		says("finance", "lina", approval.Reject, "no"),
	)
	number := r.result.Case
	h.now = h.now.Add(2 * time.Hour)
	h.stale(number+"/finance", "mei", approval.Urge, "was decided already: reject by lina at 2025-11-03T02:13:00Z; the case is REFUSED")
	require.Equal(t, []string{"finance needs information", "finance has a new comment"}, h.told(number, "mei"))
	require.Equal(t, []string{"finance waits for you", "finance has a new comment", "finance is urged"}, h.told(number, "zhao"))
	require.Equal(t, []string{"finance for your information"}, h.told(number, "tan"))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND body LIKE '%which contract?%'`))
	require.Equal(t, 5, h.count(`SELECT count(*) FROM decisions WHERE act IN ('ask', 'comment', 'urge', 'copy')`), "the refused ones are none")
	h.released()
}

func TestGivenAnUrgedTask_WhenItIsUrgedAgain_ThenOnlyAnHourLater(t *testing.T) {
	h := chained(t, twoSteps())
	number := h.opens(h.toBank("k1", "800.00")).Case
	urge := func(key string, after time.Duration) []string {
		_, err := h.act.DecideWithdrawal(context.Background(), activities.DecideInput{
			Decision: approval.Decision{Task: number + "/finance", Person: "mei", Outcome: approval.Urge, Key: key}, At: h.now.Add(after),
		})
		return codesOf(activities.RefusalOf(err))
	}
	require.Empty(t, urge("1", 0))
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, urge("2", time.Hour-time.Microsecond))
	require.Empty(t, urge("3", time.Hour))
	require.Equal(t, []string{"finance waits for you", "finance is urged", "finance is urged"}, h.told(number, "lina"))
	require.Equal(t, 2, h.count(`SELECT count(*) FROM decisions WHERE act = 'urge'`))
}

// Rule: PGM-11, COM-20, WDL-15
func TestPGM11AReturnedApplicationIsResubmittedAsTheNextRoundOfTheSameCase(t *testing.T) {
	h := chained(t, twoSteps())
	noCode := func(a *withdrawal.Application) { a.Code = "" }
	wrongCode := func(a *withdrawal.Application) { a.Code = "wrong" }
	otherPartner := func(a *withdrawal.Application) { a.PartnerID, a.Submitter, a.Code = "P2002", "bo", "" }
	var number string
	r := h.plays("800.00", append([]line{
		says("finance", "lina", approval.Comment, "the branch looks odd"),
		resubmits("k2", "300.00").refused("only one that was returned for changes", "ENG-03 ENG_STATE"),
		says("finance", "lina", approval.Approve),
		says("manager", "chen", approval.Return).refused("needs a reason", "ENG-06 CBC.0100"),
		says("manager", "chen", approval.Return, "300.00 is enough"),
		meanwhile(func(r *run) {
			number = r.opened.standing.Case
			require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")), "it stays held")
			require.Equal(t, []string{"finance decided approve lina", "compliance closed", "manager decided return chen"}, h.tasks(number))
			require.Equal(t, []string{"submitted", "returned"}, h.notices(number))
		}),
		says("manager", "gao", approval.Approve).refused("was decided already: return by chen at", "ENG-03 ENG_STATE"),
		says("compliance", "han", approval.Approve).refused("was closed undecided; the case is AWAITING_CHANGES", "ENG-03 ENG_STATE"),
		resubmits("k2", "1000.01").refused("at most 1000.00", "WDL-18 WDR_AMOUNT"),
		resubmits("k2", "300.00", noCode).refused("code", "WDL-15 WDR_CODE"),
		resubmits("k2", "300.00", wrongCode).refused("code", "WDL-15 WDR_CODE"),
		meanwhile(func(*run) {
			require.Equal(t, 4, h.count(`SELECT tries_left FROM verification_codes ORDER BY code_id DESC LIMIT 1`), "a wrong code costs a try")
		}),
		resubmits("k2", "300.00", otherPartner).refused("apply anew for another partner", "COM-08 CBC.0100"),
		resubmits("k1", "300.00").refused("is taken by another request", "COM-20 COM_REQUEST_KEY"),
		meanwhile(func(*run) {
			require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")), "a refused resubmission changes nothing")
			require.Zero(t, h.count(`SELECT count(*) FROM entries WHERE key LIKE '%release%'`))
		}),
		resubmits("k2", "900.00"),
		meanwhile(func(*run) {
			require.Equal(t, "900.00", h.balance(ledger.Hold("P1001")), "held anew")
			require.Equal(t, "100.00", h.balance(ledger.Cash("P1001")))
		}),
		resubmits("k2", "900.00"), // a repeat is the first answer
		resubmits("k2", "901.00").refused("is taken by another request", "COM-20 COM_REQUEST_KEY"),
		says("finance", "zhao", approval.Approve).refused("It belongs to round 1, the case is in round 2.", "ENG-03 ENG_STATE"),
		says("finance@2", "lina", approval.Return, "still odd"),
		resubmits("k3", "300.00"),
		says("finance@3", "lina", approval.Approve),
		says("compliance@3", "han", approval.Approve),
	}, pays("300.00")...)...)
	require.Equal(t, number, r.result.Case, "the number stays")
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, "700.00", h.balance(ledger.Cash("P1001")))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE round = 1 AND act = 'comment' AND reason = 'the branch looks odd'`))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE round = 1 AND act = 'return' AND reason = '300.00 is enough'`))
	var amounts []string
	require.NoError(t, h.db.Select(&amounts, `SELECT round || ' ' || (application ->> 'amount') || ' ' || outcome FROM approvals WHERE matter = 'review' ORDER BY round`))
	require.Equal(t, []string{"1 800.00 return", "2 900.00 return", "3 300.00 approve"}, amounts, "every round as it was applied for")
	require.Zero(t, h.count(`SELECT count(*) FROM approvals WHERE application ->> 'code' <> ''`), "a code is kept nowhere")
	require.Equal(t, []string{"submitted", "returned", "submitted@2", "returned@2", "submitted@3", "approved", "sent", "paid"}, h.notices(number))
	require.Equal(t, []string{
		"withdrawal/" + number + "/hold", "withdrawal/" + number + "/release@1", "withdrawal/" + number + "/hold@2",
		"withdrawal/" + number + "/release@2", "withdrawal/" + number + "/hold@3", "withdrawal/" + number + "/paid",
	}, h.entries(number))
}

func (h *house) entries(number string) []string {
	h.t.Helper()
	var keys []string
	require.NoError(h.t, h.db.Select(&keys, `SELECT key FROM entries WHERE case_number = $1 ORDER BY entry_id`, number))
	return keys
}

// Rule: PGM-12
func TestPGM12SubmitReturnResubmitApproveAreFourEntries(t *testing.T) {
	h := chained(t, approval.Chain{})
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.must(h.decide(number, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Return, Reason: "typo"}))
	again := activities.ResubmitWithdrawalInput{Case: number, Application: h.toBank("k2", "800.00"), RunID: "r", At: h.now}
	first := h.must(h.act.ResubmitWithdrawal(context.Background(), again))
	require.Equal(t, first, h.must(h.act.ResubmitWithdrawal(context.Background(), again)), "the same key twice is one round")
	h.must(h.decideOn(number+"/review@2", approval.Decision{Person: "lina", Outcome: approval.Approve}))
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW WDR-02", "lina return UNDER_REVIEW>AWAITING_CHANGES PGM-11", "mei resubmit AWAITING_CHANGES>UNDER_REVIEW PGM-11", "lina approve UNDER_REVIEW>APPROVED WDR-02",
	}, h.history(number))
	h.addsUp()
}

// Rule: WDL-15
func TestGivenAResubmission_WhenFiveWrongCodesCame_ThenTheRightOneIsTooLate(t *testing.T) {
	h := chained(t, approval.Chain{})
	number := h.opens(h.toBank("k1", "800.00")).Case
	h.must(h.decide(number, withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Return, Reason: "typo"}))
	app := h.toBank("k2", "700.00")
	right := app.Code
	try := func(code string) []string {
		h.now = h.now.Add(time.Second)
		app.Code = code
		in := activities.ResubmitWithdrawalInput{Case: number, Application: app, RunID: "r", At: h.now}
		var first, again error
		_, first = h.act.ResubmitWithdrawal(context.Background(), in)
		_, again = h.act.ResubmitWithdrawal(context.Background(), in) // the step may run twice: still one try
		require.Equal(t, codesOf(activities.RefusalOf(first)), codesOf(activities.RefusalOf(again)))
		return codesOf(activities.RefusalOf(first))
	}
	for left := 4; left >= 0; left-- {
		require.Equal(t, []string{"WDL-15 WDR_CODE"}, try("wrong"))
		require.Equal(t, left, h.count(`SELECT tries_left FROM verification_codes ORDER BY code_id DESC LIMIT 1`))
	}
	require.Equal(t, []string{"WDL-15 WDR_CODE"}, try(right))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM cases WHERE state = 'AWAITING_CHANGES'`))
	require.Equal(t, 6, h.count(`SELECT count(*) FROM events WHERE action = 'resubmit refused'`), "each try is an event")
	require.Equal(t, "800.00", h.balance(ledger.Hold("P1001")))
	h.addsUp()
}

func TestGivenAPolicyThatResumes_WhenResubmitted_ThenItGoesStraightToTheStepThatReturnedIt(t *testing.T) {
	chain := twoSteps()
	chain.Resume = true
	h := chained(t, chain)
	r := h.plays("800.00", append([]line{
		says("finance", "lina", approval.Approve),
		says("compliance", "han", approval.Approve),
		says("manager", "chen", approval.Return, "which invoice?"),
		resubmits("k2", "800.00"),
		meanwhile(func(r *run) {
			require.Equal(t, []string{
				"finance decided approve lina", "compliance decided approve han", "manager decided return chen", "compliance@2 open", "manager@2 open",
			}, h.tasks(r.opened.standing.Case), "with the step that returned it those beside it")
		}),
		says("manager@2", "chen", approval.Approve),
		says("compliance@2", "han", approval.Approve),
	}, pays("800.00")...)...)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM approvals WHERE round = 2 AND plan -> 'steps' -> 0 ->> 'skipped' LIKE '%manager, which returned it'`))
}

// Who approved something else, or only a part, or nothing, has not approved this.
func TestGivenAPolicyThatResumes_WhenTheContentChangedOrApprovalsWereNotWhole_ThenTheStepsAreAskedAgain(t *testing.T) {
	finance := says("finance", "lina", approval.Approve)
	for name, c := range map[string]struct {
		first  line
		amount string
		change func(*withdrawal.Application)
		open   string
	}{
		"more":            {finance, "900.00", nil, "finance@2 open"},
		"less":            {finance, "700.00", nil, "finance@2 open"},
		"another account": {finance, "800.00", func(a *withdrawal.Application) { a.Payee.AccountNo = "6222-9" }, "finance@2 open"},
		"only a part":     {decides("finance", approval.Decision{Person: "lina", Outcome: approval.Approve, Amount: "300.00", Reason: "the rest is disputed"}), "800.00", nil, "finance@2 open"},
		"the same":        {finance, "800.00", nil, "compliance@2 open"},
	} {
		t.Run(name, func(t *testing.T) {
			chain := twoSteps()
			chain.Resume = true
			h := chained(t, chain)
			change := []func(*withdrawal.Application){}
			if c.change != nil {
				change = append(change, c.change)
			}
			h.plays("800.00", c.first, says("manager", "chen", approval.Return, "which invoice?"), resubmits("k2", c.amount, change...),
				meanwhile(func(r *run) { require.Contains(t, h.tasks(r.opened.standing.Case), c.open) }), cancels("mei"))
		})
	}
}

// Rule: ENG-02
func TestENG02WhoAppliedInAnyRoundDoesNotDecide(t *testing.T) {
	h := chained(t, steps(step("finance", "role:vendor-finance")))
	byWang := func(a *withdrawal.Application) {
		a.Submitter, a.Payee.AccountNo, a.Code = "wang", "6222-9", h.code("wang", "P1001", h.now.Add(150*time.Second))
	}
	r := h.plays("800.00",
		says("finance", "lina", approval.Return, "which account?"),
		resubmits("k2", "800.00", byWang),
		says("finance@2", "wang", approval.Approve).refused("You cannot decide on your own request", "ENG-02 ENG_SELF_APPROVAL"),
		says("finance@2", "lina", approval.Return, "which account, once more?"),
		resubmits("k3", "800.00"),
		says("finance@3", "wang", approval.Approve).refused("You cannot decide on your own request", "ENG-02 ENG_SELF_APPROVAL"),
		says("finance@3", "lina", approval.Reject, "no"),
	)
	require.Equal(t, withdrawal.Refused, r.result.State)
}

func TestGivenAnApplicationThatWasReturned_WhenThePartnerCancels_ThenTheHoldIsReleased(t *testing.T) {
	h := chained(t, twoSteps())
	r := h.plays("800.00",
		says("finance", "lina", approval.Return, "typo"),
		cancels("bo").refused("may not act for partner P1001", "COM-16 CBC.0151"),
		cancels("mei"),
	)
	_, err := h.act.ResubmitWithdrawal(context.Background(), activities.ResubmitWithdrawalInput{Case: r.result.Case, Application: h.toBank("k2", "800.00"), At: h.now})
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
	require.Equal(t, withdrawal.Cancelled, r.result.State)
	require.Equal(t, []string{"submitted", "returned", "cancelled"}, h.notices(r.result.Case))
	h.released()
}

func TestGivenAChainHalfWay_WhenThePartnerWithdraws_ThenEverythingOpenCloses(t *testing.T) {
	h := chained(t, twoSteps())
	r := h.plays("800.00",
		says("finance", "lina", approval.Approve),
		cancels("mei"),
	)
	h.stale(r.result.Case+"/manager", "chen", approval.Approve, "was closed undecided; the case is CANCELLED")
	require.Equal(t, withdrawal.Cancelled, r.result.State)
	require.Equal(t, []string{"finance decided approve lina", "compliance closed", "manager closed"}, h.tasks(r.result.Case))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM approvals WHERE outcome = 'closed'`))
	h.released()
}

func TestGivenALaterStep_WhenItSendsBack_ThenTheEarlierOneIsAskedAgainAndSiblingsClose(t *testing.T) {
	h := chained(t, twoSteps())
	back := func(task, who, to, reason string) line {
		return decides(task, approval.Decision{Person: who, Outcome: approval.Back, To: to, Reason: reason})
	}
	r := h.plays("800.00", append([]line{
		back("finance", "lina", "finance", "again").refused("no earlier step", "COM-08 CBC.0100"),
		says("finance", "lina", approval.Approve),
		back("manager", "chen", "compliance", "again").refused("name one of: finance", "COM-08 CBC.0100"),
		back("manager", "chen", "finance", "").refused("needs a reason", "ENG-06 CBC.0100"),
		back("manager", "chen", "finance", "check the payee"),
		says("compliance", "han", approval.Approve).refused("was closed undecided; the case is UNDER_REVIEW", "ENG-03 ENG_STATE"),
		says("finance", "zhao", approval.Approve).refused("approve by lina", "ENG-03 ENG_STATE"),
		says("finance.2", "lina", approval.Approve), // her former answer is void
		says("compliance.2", "han", approval.Approve),
		says("manager.2", "chen", approval.Approve),
	}, pays("800.00")...)...)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, []string{
		"finance decided approve lina", "compliance closed", "manager decided back chen", "finance.2 decided approve lina", "compliance.2 decided approve han", "manager.2 decided approve chen",
	}, h.tasks(r.result.Case))
	require.Contains(t, h.history(r.result.Case), "chen back UNDER_REVIEW>UNDER_REVIEW")
}

func TestGivenATask_WhenItIsTransferred_ThenOnlyTheOtherPersonDecides(t *testing.T) {
	h := chained(t, twoSteps())
	transfer := func(who, to string) line {
		return decides("finance", approval.Decision{Person: who, Outcome: approval.Transfer, To: to, Reason: "on leave"})
	}
	r := h.plays("100.00",
		transfer("lina", "").refused("names the person it goes to", "COM-08 CBC.0100"),
		transfer("lina", "nobody").refused("no person", "COM-16 CBC.0151"),
		transfer("lina", "bo").refused("not one of the vendor's", "COM-16 CBC.0151"),
		transfer("lina", "lina").refused("with you already", "COM-08 CBC.0100"),
		transfer("lina", "chen").refused("does not hold vendor-finance", "COM-16 CBC.0151"),
		transfer("lina", "zhao"),
		says("finance", "lina", approval.Approve).refused("is not asked here; somebody of these decides: zhao", "COM-16 CBC.0151"),
		meanwhile(func(r *run) {
			require.Equal(t, "person:zhao", h.asked(r.opened.standing.Case+"/finance"))
			h.load("people: [{id: zhao, name: Zhao, email: zhao@vendor.example, roles: []}]")
		}),
		says("finance", "zhao", approval.Approve).refused("does not hold vendor-finance or finance-manager any more", "COM-16 CBC.0151"),
		meanwhile(func(*run) {
			h.load("people: [{id: zhao, name: Zhao, email: zhao@vendor.example, roles: [vendor-finance]}]")
		}),
		says("finance", "zhao", approval.Reject, "no"),
	)
	require.Equal(t, []string{"finance decided reject zhao"}, h.tasks(r.result.Case)[:1])
	require.Equal(t, []string{"finance waits for you", "finance waits for you"}, h.told(r.result.Case, "zhao"))
	h.released()
}

func TestGivenATask_WhenItIsDelegated_ThenItComesBackWithTheOpinion(t *testing.T) {
	h := chained(t, twoSteps())
	r := h.plays("100.00",
		decides("finance", approval.Decision{Person: "lina", Outcome: approval.Delegate, To: "tan", Reason: "what do you think?"}),
		says("finance", "zhao", approval.Approve).refused("is not asked here; somebody of these decides: tan", "COM-16 CBC.0151"),
		says("finance", "tan", approval.Return, "mine").refused("was asked for an opinion by lina, who decides", "COM-16 CBC.0151"),
		says("finance", "tan", approval.Reject, "I would not"),
		meanwhile(func(r *run) {
			require.Equal(t, "person:lina", h.asked(r.opened.standing.Case+"/finance"))
			require.Equal(t, []string{"finance open"}, h.tasks(r.opened.standing.Case))
		}),
		says("finance", "lina", approval.Approve),
		says("compliance", "han", approval.Reject, "end"),
	)
	require.Equal(t, []string{"finance decided approve lina", "compliance decided reject han"}, h.tasks(r.result.Case))
	require.Equal(t, []string{"finance waits for you", "finance waits for you", "compliance is part of what was decided"}, h.told(r.result.Case, "lina"))
	h.released()
}

func TestGivenATask_WhenSignersAreAdded_ThenTheyDecideBeforeOrAfter(t *testing.T) {
	h := chained(t, twoSteps())
	add := func(to string, before bool) line {
		return decides("finance", approval.Decision{Person: "lina", Outcome: approval.AddSigner, To: to, Before: before})
	}
	r := h.plays("100.00", append([]line{
		add("mei", true).refused("not one of the vendor's", "COM-16 CBC.0151"),
		add("tan", true),
		says("finance", "lina", approval.Approve).refused("waits for a signer who was put before it", "ENG-03 ENG_STATE"),
		says("finance.2", "tan", approval.Approve),
		add("gao", false),
		says("finance", "lina", approval.Approve),
		meanwhile(func(r *run) {
			require.Equal(t, []string{"finance decided approve lina", "finance.2 decided approve tan", "finance.3 open"}, h.tasks(r.opened.standing.Case))
		}),
		says("finance.3", "gao", approval.Approve),
		says("compliance", "han", approval.Approve),
	}, pays("100.00")...)...)
	require.Equal(t, withdrawal.Paid, r.result.State)
}

func TestGivenAnAddedSigner_WhenRemoved_ThenTheTaskGoesOnWithoutThem(t *testing.T) {
	h := chained(t, steps(mode(approval.All, 0, step("audit", "each:auditor"))))
	remove := func(task, who string) line { return says(task, who, approval.RemoveSigner) }
	r := h.plays("100.00",
		decides("audit", approval.Decision{Person: "ann", Outcome: approval.AddSigner, To: "tan", Before: true}),
		remove("audit.4", "ben").refused("did not add this signer and does not hold the role finance-manager", "COM-16 CBC.0151"),
		remove("audit.4", "ann"),
		says("audit.4", "tan", approval.Approve).refused("was closed undecided", "ENG-03 ENG_STATE"),
		remove("audit.2", "chen"), // the process owner removes those of the plan
		remove("audit.3", "chen"),
		remove("audit", "chen").refused("could not be decided any more", "ENG-03 ENG_STATE"),
		says("audit", "ann", approval.Approve),
		says("send", "lina", withdrawal.Fail, "end"),
	)
	require.Equal(t, []string{"audit decided approve ann", "audit.2 closed", "audit.3 closed", "audit.4 closed"}, h.tasks(r.result.Case))
	h.released()
}

// Rule: ENG-02, PGM-07
func TestENG02FourEyesAlsoThroughSubstitutionAndDelegation(t *testing.T) {
	h := chained(t, steps(step("finance", "role:vendor-finance", "role:finance-manager")))
	h.absent("lina", "wang", h.now, h.now.Add(48*time.Hour)) // wang substitutes, and submits
	h.absent("wang", "tan", h.now, h.now.Add(48*time.Hour))
	app := h.toBankBy("wang", "k1", "100.00", h.now)
	to := func(who string, outcome approval.Outcome, to string) line {
		return decides("finance", approval.Decision{Person: who, Outcome: outcome, To: to})
	}
	r := h.playsApplication(app,
		says("finance", "wang", approval.Approve).refused("cannot decide on your own request", "ENG-02 ENG_SELF_APPROVAL"),
		says("finance", "tan", approval.Approve).refused("You cannot decide for wang on wang's own request", "ENG-02 ENG_SELF_APPROVAL"),
		to("zhao", approval.Transfer, "wang").refused("cannot decide on a request of their own", "ENG-02 ENG_SELF_APPROVAL"),
		to("zhao", approval.Delegate, "wang").refused("cannot decide on a request of their own", "ENG-02 ENG_SELF_APPROVAL"),
		to("zhao", approval.AddSigner, "wang").refused("cannot decide on a request of their own", "ENG-02 ENG_SELF_APPROVAL"),
		says("finance", "chen", approval.Reject, "end"),
	)
	require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions`), "nothing but the refusal at the end")
	require.Equal(t, []string{"finance decided reject chen"}, h.tasks(r.result.Case))
	h.released()
}

// Rule: ENG-02
func TestENG02WhoDecidedOneStepDoesNotDecideTheNextUnlessThePolicySaysSo(t *testing.T) {
	chain := steps(step("first", "role:vendor-finance"), step("second", "role:vendor-finance"))
	h := chained(t, chain)
	h.plays("100.00",
		says("first", "lina", approval.Approve),
		says("second", "lina", approval.Approve).refused("has decided step first of this round already", "ENG-02 ENG_SELF_APPROVAL"),
		says("second", "zhao", approval.Reject, "end"),
	)
	h.released()

	chain.RepeatSigners = true
	h = chained(t, chain)
	r := h.plays("100.00", says("first", "lina", approval.Approve), says("second", "lina", approval.Approve), says("send", "lina", withdrawal.Fail, "end"))
	require.Equal(t, []string{"first decided approve lina", "second decided approve lina"}, h.tasks(r.result.Case))
	h.released()
}

func TestGivenOneCandidateWhoDecidedBefore_WhenTheNextStepOpens_ThenTheOwnerIsAsked(t *testing.T) {
	h := chained(t, steps(step("first", "person:lina"), step("second", "person:lina")))
	number := h.opens(h.toBank("k1", "100.00")).Case
	h.must(h.decideOn(number+"/first", approval.Decision{Person: "lina", Outcome: approval.Approve}))
	require.Equal(t, "person:lina role:finance-manager", h.asked(number+"/second"))
	require.Equal(t, []string{"second waits for you"}, h.told(number, "chen"))
	require.Equal(t, []string{"first waits for you"}, h.told(number, "lina"))
	require.Equal(t, withdrawal.Approved, h.must(h.decideOn(number+"/second", approval.Decision{Person: "chen", Outcome: approval.Approve})).State)
	h.addsUp()
}

// What people approve is pinned: somebody who goes behind the engine's back gains nothing.
func TestGivenAPayeeChangedBehindTheEnginesBack_WhenReviewedOrSent_ThenNothingLeaves(t *testing.T) {
	forge := func(h *house) line {
		return meanwhile(func(*run) { pgtest.Owner(t, h.db).MustExec(`UPDATE withdrawals SET account_no = '6222-9'`) })
	}
	t.Run("before the review", func(t *testing.T) {
		h := chained(t, twoSteps())
		h.plays("800.00",
			forge(h),
			says("finance", "lina", approval.Approve).refused("has changed since the round was opened", "ENG-03 ENG_STATE"),
			says("finance", "lina", approval.Return, "somebody changed the payee"),
			resubmits("k2", "800.00"),
			says("finance@2", "lina", approval.Approve),
			says("manager@2", "lina", approval.Approve).refused("does not hold", "COM-16 CBC.0151", "ENG-02 ENG_SELF_APPROVAL"),
			says("manager@2", "chen", approval.Reject, "end"),
		)
		h.released()
	})
	t.Run("between two steps", func(t *testing.T) {
		h := chained(t, twoSteps())
		h.plays("800.00",
			says("finance", "lina", approval.Approve),
			forge(h),
			says("compliance", "han", approval.Approve).refused("its approvals are void", "ENG-03 ENG_STATE"),
			says("manager", "chen", approval.Reject, "forged"),
		)
		h.released()
	})
	t.Run("before the deadline that approves", func(t *testing.T) {
		h := chained(t, timed(approval.Approve))
		r := h.plays("800.00", forge(h), meanwhile(func(*run) {}).at(defaulted.Sub(h.now)-time.Second))
		require.Equal(t, withdrawal.Refused, r.result.State)
		require.Equal(t, []string{"finance decided reject deadline"}, h.tasks(r.result.Case))
		require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE reason LIKE '%has changed since the round was opened'`))
		h.released()
	})
	t.Run("before the last signer is removed", func(t *testing.T) {
		h := chained(t, steps(mode(approval.All, 0, step("audit", "person:ann", "person:ben"))))
		h.plays("800.00",
			says("audit", "ann", approval.Approve),
			forge(h),
			says("audit.2", "chen", approval.RemoveSigner).refused("its approvals are void", "ENG-03 ENG_STATE"),
			says("audit.2", "ben", approval.Reject, "forged"),
		)
		h.released()
	})
	t.Run("after the approval", func(t *testing.T) {
		h := chained(t, twoSteps())
		r := h.plays("400.00",
			says("finance", "lina", approval.Approve), says("compliance", "han", approval.Approve),
			forge(h),
			says("send", "lina", withdrawal.Sent),
		)
		require.Equal(t, withdrawal.Failed, r.result.State)
		require.Equal(t, 1, h.count(`SELECT count(*) FROM events WHERE to_state = 'FAILED' AND note LIKE 'not sent: what was approved has changed since%'`))
		h.released()
	})
	t.Run("after it was sent, the bank's answer still counts", func(t *testing.T) {
		h := chained(t, twoSteps())
		lines := pays("400.00")
		h.forged = true
		r := h.plays("400.00", says("finance", "lina", approval.Approve), says("compliance", "han", approval.Approve), lines[0], forge(h), lines[1])
		require.Equal(t, withdrawal.Paid, r.result.State)
		found, err := views.Reader{DB: h.db}.Verify(context.Background(), nil)
		require.NoError(t, err)
		require.Len(t, found.Findings, 1)
		require.Equal(t, "what is paid is not what was approved", found.Findings[0].Message)
	})
}

// Rule: ENG-01, COM-20
func TestGivenEveryKindOfDecision_WhenItComesTwiceUnderItsKey_ThenNothingMoreHappens(t *testing.T) {
	h := chained(t, steps(step("finance", "role:vendor-finance")))
	for i, d := range []approval.Decision{
		{Outcome: approval.Approve},
		{Outcome: approval.Approve, Amount: "3.00"},
		{Outcome: approval.Approve, Lines: []string{"L000002"}},
		{Outcome: approval.Reject},
		{Outcome: approval.Return},
		{Outcome: approval.Ask},
		{Outcome: approval.Comment},
		{Outcome: approval.Urge, Person: "mei"},
		{Outcome: approval.Copy, To: "tan"},
		{Outcome: approval.Transfer, To: "zhao"},
		{Outcome: approval.Delegate, To: "zhao"},
		{Outcome: approval.AddSigner, To: "tan"},
		{Outcome: approval.AddSigner, To: "tan", Before: true},
	} {
		t.Run(fmt.Sprintf("%s %s%s%v%t", d.Outcome, d.To, d.Amount, d.Lines, d.Before), func(t *testing.T) {
			number := h.opens(h.toBank(fmt.Sprintf("k%d", i), "8.00")).Case
			d.Person, d.Reason, d.Key = cmp.Or(d.Person, "lina"), "because", fmt.Sprintf("key-%d", i)
			size := func() [5]int {
				return [5]int{
					h.count(`SELECT count(*) FROM decisions WHERE case_number = $1`, number), h.count(`SELECT count(*) FROM events WHERE case_number = $1`, number),
					h.count(`SELECT count(*) FROM outbox`), h.count(`SELECT count(*) FROM entries`), h.count(`SELECT count(*) FROM tasks`),
				}
			}
			first := h.must(h.decideOn(number+"/finance", d))
			once := size()
			require.Equal(t, [2]int{1, 2}, [2]int(once[:2]), "one decision, and its event beside the application's")
			require.Equal(t, first, h.must(h.decideOn(number+"/finance", d)))
			require.Equal(t, once, size())

			d.Reason = "something else"
			_, err := h.decideOn(number+"/finance", d)
			require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))
			require.Equal(t, 1, h.count(`SELECT count(*) FROM decisions WHERE case_number = $1`, number))
		})
	}
	h.addsUp()
}

// Policies that cannot work are refused before a case meets them.
func TestGivenAChainThatCannotWork_WhenItIsSet_ThenTheReasonIsSaid(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	for _, c := range []struct {
		step approval.Step
		want string
	}{
		{step("send", "role:vendor-finance"), `needs a name`},
		{step("finance"), "who names at least one candidate"},
		{when("colour = 1", step("finance", "role:vendor-finance")), "when:"},
		{mode(approval.Votes, 2, step("finance", "person:lina")), "2 approvals of 1 candidates cannot be reached"},
	} {
		p := withdrawal.DefaultPolicy()
		p.Approval = steps(c.step)
		_, err := (&activities.Programme{DB: h.db}).SetPolicy(context.Background(), withdrawal.Kind, p, "lina", h.now)
		require.ErrorContains(t, err, c.want)
	}
	require.Equal(t, 1, h.count(`SELECT count(*) FROM policies`))
}
