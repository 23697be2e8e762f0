package activities

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// monday is when every case of these tests is opened.
var monday = time.Date(2025, 11, 3, 10, 0, 0, 0, calendar.Zone)

// people are Mei of P1001 and the vendor's: Li Na and Wang review, Wang applies for partners too, Chen and Gao own the
// process, Tan and Yu hold no role.
const people = `
partners: [{id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}]
people:
  - {id: mei, name: Mei, partner: P1001, roles: [partner-administrator]}
  - {id: lina, name: Li Na, roles: [vendor-finance], superior: gao}
  - {id: wang, name: Wang, roles: [ecosystem-manager, vendor-finance]}
  - {id: tan, name: Tan}
  - {id: yu, name: Yu}
  - {id: chen, name: Chen, roles: [finance-manager]}
  - {id: gao, name: Gao, roles: [finance-manager]}
lots: [{key: l1, partner: P1001, source: EBANK_CORPORATE, payer: A Ltd, payer_account: "1", arrived_at: 2025-10-01T09:00:00+08:00, amount: "900.00"}]
`

// crew is a house with these people, in which withdrawals are reviewed by a chain.
type crew struct {
	*People
	t *testing.T
}

// asks is a crew whose review has these steps: each names persons ("lina"), or a role ("role:vendor-finance").
func asks(t *testing.T, steps ...[]string) crew {
	v := crew{&People{DB: pgtest.New(t)}, t}
	v.load(people)
	policy := withdrawal.DefaultPolicy()
	policy.Approval.Resume = true
	for i, who := range steps {
		step := approval.Step{Name: fmt.Sprintf("step%d", i+1)}
		for _, w := range who {
			if role, ok := strings.CutPrefix(w, "role:"); ok {
				step.Who = append(step.Who, approval.Candidate{Role: person.Role(role)})
			} else {
				step.Who = append(step.Who, approval.Candidate{Person: w})
			}
		}
		policy.Approval.Steps = append(policy.Approval.Steps, step)
	}
	_, err := (&Programme{DB: v.DB}).SetPolicy(t.Context(), withdrawal.Kind, policy, "chen", monday)
	require.NoError(t, err)
	return v
}

func (v crew) load(text string) {
	v.t.Helper()
	file, err := ParseProgramme([]byte(text))
	require.NoError(v.t, err)
	_, err = (&Programme{DB: v.DB}).Load(v.t.Context(), file, "test", monday)
	require.NoError(v.t, err)
}

// opens applies for 100.00 of P1001.
func (v crew) opens(by string) string {
	v.t.Helper()
	key := fmt.Sprint("k", count(v.t, v.DB, `SELECT count(*) FROM cases`))
	now, err := v.act().OpenWithdrawal(v.t.Context(), OpenWithdrawalInput{WorkflowID: "withdrawal/P1001/" + key, RunID: key, At: monday, Application: v.application(by, key)})
	require.NoError(v.t, err)
	return now.Case
}

// application is one for 100.00 of P1001, with a fresh code.
func (v crew) application(by, key string) withdrawal.Application {
	v.t.Helper()
	_, err := (&Codes{DB: v.DB}).SendCode(v.t.Context(), SendCodeInput{Person: by, Scene: verification.Withdrawal, Target: "P1001", At: monday})
	require.NoError(v.t, err)
	var body string
	require.NoError(v.t, v.DB.Get(&body, `SELECT body FROM outbox WHERE person_id = $1 AND secret ORDER BY message_id DESC LIMIT 1`, by))
	return withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: by, Route: withdrawal.BankCard, Amount: "100.00", Code: regexp.MustCompile(`[0-9]{6}`).FindString(body),
		Payee: withdrawal.Payee{Holder: "A Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
	}
}

func (v crew) act() *Withdrawals { return &Withdrawals{DB: v.DB, Channel: ByHand{}} }

func (v crew) decides(task, who string, d approval.Decision) {
	v.t.Helper()
	d.Task, d.Person, d.Key = task, who, task+who+string(d.Outcome)
	_, err := v.act().DecideWithdrawal(v.t.Context(), DecideInput{Decision: d, At: monday.Add(time.Minute)})
	require.NoError(v.t, err)
}

// away sets an absence of some hours from monday on, by the person.
func (v crew) away(who, substitute string, from, hours int) {
	v.t.Helper()
	at := monday.Add(time.Duration(from) * time.Hour)
	require.NoError(v.t, v.SetAbsence(v.t.Context(), AbsenceInput{Person: who, Substitute: substitute, From: at, To: at.Add(time.Duration(hours) * time.Hour), By: who, At: monday}))
}

// leaves is recorded by Chen, without a successor.
func (v crew) leaves(who string) LeaveReport {
	v.t.Helper()
	report, err := v.Leave(v.t.Context(), LeaveInput{Person: who, By: "chen", At: monday})
	require.NoError(v.t, err)
	return report
}

// sweeps looks some hours after monday, and answers how many tasks it put to the owner.
func (v crew) sweeps(hours int) int {
	v.t.Helper()
	n, err := (&Sweep{DB: v.DB}).Look(v.t.Context(), monday.Add(time.Duration(hours)*time.Hour))
	require.NoError(v.t, err)
	return n
}

func (v crew) asked(task string) string {
	v.t.Helper()
	var who string
	require.NoError(v.t, v.DB.Get(&who, `SELECT array_to_string(candidates, ' ') FROM tasks WHERE task_id = $1`, task))
	return who
}

// owned asserts that a task was put to the process owner once, and that its people were told.
func (v crew) owned(task string) {
	v.t.Helper()
	require.Contains(v.t, v.asked(task), "role:finance-manager")
	require.Equal(v.t, 1, count(v.t, v.DB, `SELECT count(*) FROM events WHERE action = 'ask owner' AND actor = 'rule' AND note LIKE '% may decide ' || $1 || ';%'`, task))
	require.Equal(v.t, 1, count(v.t, v.DB, `SELECT count(*) FROM outbox WHERE person_id = 'chen' AND subject LIKE '%' || $1 || ' waits for you'`, task))
}

// notOwned asserts that no task was.
func (v crew) notOwned() {
	v.t.Helper()
	require.Zero(v.t, count(v.t, v.DB, `SELECT count(*) FROM events WHERE action = 'ask owner'`))
}

// behind changes something of which the programme is not told.
func (v crew) behind(query string, args ...any) {
	v.t.Helper()
	_, err := pgtest.Owner(v.t, v.DB).Exec(query, args...)
	require.NoError(v.t, err)
}

func TestGivenOpenTasks_WhenTheLastWhoMayDecideGoes_ThenTheProcessOwnerIsAskedAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		who  []string
		goes func(v crew)
	}{
		{"the substitute leaves", []string{"lina"}, func(v crew) {
			v.away("lina", "tan", 0, 8)
			v.notOwned()
			require.Equal(v.t, LeaveReport{ToOwner: 2}, v.leaves("tan"))
		}},
		{"the substitute is away too, and has a substitute who does not count", []string{"lina"}, func(v crew) {
			v.away("lina", "tan", 0, 8)
			v.notOwned()
			v.away("tan", "yu", 0, 8)
		}},
		{"the substitute of a role's holder leaves", []string{"role:vendor-finance"}, func(v crew) {
			v.away("lina", "tan", 0, 8)
			v.away("wang", "tan", 0, 8)
			v.notOwned()
			require.Equal(v.t, LeaveReport{ToOwner: 2}, v.leaves("tan"))
		}},
		{"a file deactivates the person", []string{"tan"}, func(v crew) { v.load("people: [{id: tan, name: Tan, inactive: true}]") }},
		{"a file deactivates the substitute", []string{"lina"}, func(v crew) {
			v.away("lina", "tan", 0, 8)
			v.load("people: [{id: tan, name: Tan, inactive: true}]")
		}},
		{"a file takes the role from all who hold it", []string{"role:vendor-finance"}, func(v crew) {
			v.load("people: [{id: lina, name: Li Na}]")
			v.notOwned()
			v.load("people: [{id: wang, name: Wang, roles: [ecosystem-manager]}]")
		}},
		{"a file makes the last holder one of a partner's", []string{"role:vendor-finance"}, func(v crew) {
			v.load("people: [{id: lina, name: Li Na}, {id: wang, name: Wang, partner: P1001, roles: [ecosystem-manager, vendor-finance]}]")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := asks(t, c.who)
			cases := []string{v.opens("mei"), v.opens("mei")}
			v.notOwned()
			c.goes(v)
			for range 2 {
				for _, number := range cases {
					v.owned(number + "/step1")
				}
				require.Zero(t, v.sweeps(0), "nothing is left to do")
			}
		})
	}
}

func TestGivenACaseWithTwoOpenTasksOfOnePerson_WhenTheyLeave_ThenBothAreCounted(t *testing.T) {
	v := asks(t, []string{"tan"}, []string{"tan"})
	policy := withdrawal.DefaultPolicy()
	step := func(name string, parallel bool) approval.Step {
		return approval.Step{Name: name, Who: []approval.Candidate{{Person: "tan"}}, Parallel: parallel}
	}
	policy.Approval = approval.Chain{Steps: []approval.Step{step("one", false), step("two", true)}}
	_, err := (&Programme{DB: v.DB}).SetPolicy(t.Context(), withdrawal.Kind, policy, "chen", monday)
	require.NoError(t, err)
	number := v.opens("mei")
	require.Equal(t, LeaveReport{ToOwner: 2}, v.leaves("tan"))
	v.owned(number + "/one")
	v.owned(number + "/two")
}

// Whatever nobody was told of, the sweep finds; and it leaves alone what somebody may decide.
func TestGivenTasksThatNobodyMayDecide_WhenTheSweepLooks_ThenTheProcessOwnerIsAskedOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps [][]string
		by    string                    // who applies
		until func(v crew, task string) // what happens first
		task  string
		waits int // hours until nobody is there; an hour before, all is well
	}{
		{"an absence begins whose substitute applied", [][]string{{"lina"}}, "wang", func(v crew, _ string) { v.away("lina", "wang", 2, 8) }, "step1", 2},
		{"an absence begins whose substitute is away", [][]string{{"lina"}}, "mei", func(v crew, _ string) {
			v.away("lina", "tan", 2, 8)
			v.away("tan", "lina", 1, 8)
		}, "step1", 2},
		{"a round opened while its only candidate left", [][]string{{"tan"}}, "mei", func(v crew, _ string) { v.behind(`UPDATE people SET active = false WHERE person_id = 'tan'`) }, "step1", 0},
		{"the only other one with the role applied", [][]string{{"role:vendor-finance"}}, "wang", func(v crew, _ string) {
			v.behind(`UPDATE people SET active = false WHERE person_id = 'lina'`)
		}, "step1", 0},
		{"the only other one has decided the step before", [][]string{{"lina"}, {"role:vendor-finance"}}, "mei", func(v crew, number string) {
			v.decides(number+"/step1", "lina", approval.Decision{Outcome: approval.Approve})
			v.behind(`UPDATE people SET active = false WHERE person_id = 'wang'`)
		}, "step2", 0},
		{"the only other one decided the step before for somebody", [][]string{{"lina"}, {"tan", "yu"}}, "mei", func(v crew, number string) {
			v.away("lina", "tan", 0, 8)
			v.decides(number+"/step1", "tan", approval.Decision{Outcome: approval.Approve})
			v.behind(`UPDATE people SET active = false WHERE person_id = 'yu'`)
		}, "step2", 0},
		{"the only other one decided a step of the round before, which is not asked again", [][]string{{"lina"}, {"lina", "tan"}}, "mei", func(v crew, number string) {
			v.decides(number+"/step1", "lina", approval.Decision{Outcome: approval.Approve})
			v.decides(number+"/step2", "tan", approval.Decision{Outcome: approval.Return, Reason: "typo"})
			_, err := v.act().ResubmitWithdrawal(v.t.Context(), ResubmitWithdrawalInput{Case: number, Application: v.application("mei", "again"), At: monday.Add(2 * time.Minute)})
			require.NoError(v.t, err)
			v.notOwned()
			v.behind(`UPDATE people SET active = false WHERE person_id = 'tan'`)
		}, "step2@2", 0},
		{"who got it by transfer lost the role", [][]string{{"role:vendor-finance"}}, "mei", func(v crew, number string) {
			v.decides(number+"/step1", "lina", approval.Decision{Outcome: approval.Transfer, To: "wang"})
			v.behind(`DELETE FROM person_roles WHERE person_id = 'wang'`)
		}, "step1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := asks(t, c.steps...)
			number := v.opens(c.by)
			c.until(v, number)
			if c.waits > 0 {
				require.Zero(t, v.sweeps(c.waits-1))
				v.notOwned()
			}
			require.Equal(t, 1, v.sweeps(c.waits))
			require.Zero(t, v.sweeps(c.waits))
			v.owned(number + "/" + c.task)
		})
	}
}

func TestGivenTasksThatSomebodyMayDecide_WhenTheSweepLooks_ThenNoCaseIsTouched(t *testing.T) {
	v := asks(t, []string{"role:vendor-finance"}, []string{"lina", "tan"})
	stuck := func() []string {
		cases, err := (&Sweep{DB: v.DB}).stuck(t.Context(), monday.Add(time.Hour))
		require.NoError(t, err)
		return cases
	}
	v.opens("mei")
	own := v.opens("wang") // Li Na is there for it
	away := v.opens("mei")
	v.decides(own+"/step1", "lina", approval.Decision{Outcome: approval.Approve})
	v.decides(away+"/step1", "lina", approval.Decision{Outcome: approval.Delegate, To: "yu"}) // an opinion needs no role
	require.Equal(t, []string{away}, stuck(), "one that is not so, looked at exactly")
	require.Zero(t, v.sweeps(1))
	v.decides(away+"/step1", "yu", approval.Decision{Outcome: approval.Approve, Reason: "fine"})
	v.away("lina", "tan", 0, 8)
	require.Empty(t, stuck())
	require.Zero(t, v.sweeps(1))
	v.notOwned()
}

func TestGivenSeveralWorkers_WhenTheySweepAtOnce_ThenEachTaskIsPutToTheOwnerOnce(t *testing.T) {
	v := asks(t, []string{"tan"})
	var cases []string
	for range 4 {
		cases = append(cases, v.opens("mei"))
	}
	v.behind(`UPDATE people SET active = false WHERE person_id = 'tan'`)
	var wg sync.WaitGroup
	var total int
	var mu sync.Mutex
	for range 4 {
		wg.Go(func() {
			n, err := (&Sweep{DB: v.DB}).Look(context.Background(), monday)
			mu.Lock()
			defer mu.Unlock()
			total += n
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, len(cases), total)
	for _, number := range cases {
		v.owned(number + "/step1")
	}
}

func TestGivenACaseThatCannotBeRead_WhenTheSweepLooks_ThenTheOthersAreSeenToAllTheSame(t *testing.T) {
	v := asks(t, []string{"tan"})
	broken, other := v.opens("mei"), v.opens("mei")
	v.behind(`UPDATE people SET active = false WHERE person_id = 'tan'`)
	v.behind(`UPDATE approvals SET plan = jsonb_set(plan, '{steps,0,mode}', '7') WHERE case_number = $1`, broken)
	n, err := (&Sweep{DB: v.DB}).Look(t.Context(), monday)
	require.ErrorContains(t, err, "look at case "+broken)
	require.Equal(t, 1, n)
	v.owned(other + "/step1")
}

func TestGivenTheSweepOfAWorker_WhenItsContextEnds_ThenItHasLookedAndStops(t *testing.T) {
	v := asks(t, []string{"tan"})
	number := v.opens("mei")
	v.behind(`UPDATE people SET active = false WHERE person_id = 'tan'`)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&Sweep{DB: v.DB}).Run(ctx, 10*time.Millisecond)
	}()
	require.Eventually(t, func() bool { return strings.Contains(v.asked(number+"/step1"), "role:finance-manager") }, 10*time.Second, 10*time.Millisecond)
	stop()
	<-done
	v.owned(number + "/step1")
}

// Rule: ENG-02, PGM-07
func TestENG02NobodyGivesThemselfTheSeatOfSomebodyElse(t *testing.T) {
	v := asks(t, []string{"lina"})
	number := v.opens("mei")
	absence := func(who, substitute, by string) []string {
		return codes(v.SetAbsence(t.Context(), AbsenceInput{Person: who, Substitute: substitute, From: monday, To: monday.Add(time.Hour), By: by, At: monday}))
	}
	leave := func(successor, by string) []string {
		_, err := v.Leave(t.Context(), LeaveInput{Person: "lina", Successor: successor, By: by, At: monday})
		return codes(err)
	}
	self := []string{"ENG-02 ENG_SELF_APPROVAL"}
	require.Equal(t, self, absence("lina", "chen", "chen"), "the process owner")
	require.Equal(t, self, absence("lina", "gao", "gao"), "the superior")
	require.Equal(t, self, leave("chen", "chen"))
	require.Equal(t, self, leave("gao", "gao"))
	require.Zero(t, count(t, v.DB, `SELECT count(*) FROM absences`))
	require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM people WHERE person_id = 'lina' AND active AND left_at IS NULL`))

	require.Empty(t, absence("lina", "chen", "lina"), "she may name whom she wants")
	require.Equal(t, self, absence("lina", "chen", "chen"), "but the other does not move its end")
	require.Empty(t, absence("lina", "gao", "chen"), "one owner names another")
	require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM absences WHERE substitute = 'gao' AND set_by = 'chen'`))
	require.Empty(t, leave("gao", "chen"))
	require.Equal(t, "person:gao", v.asked(number+"/step1"))
	require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM events WHERE actor = 'chen' AND action = 'hand over' AND note LIKE '%: to gao, lina left'`))
}

// codes lists what a refusal says, as "RULE CODE".
func codes(err error) (out []string) {
	for _, r := range RefusalOf(err) {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

func TestGivenAPersonWhoLeft_WhenYesterdaysFileIsLoadedAgain_ThenTheyStayGoneAndNothingIsReported(t *testing.T) {
	v := asks(t, []string{"lina"})
	number := v.opens("mei")
	v.leaves("lina")
	file, err := ParseProgramme([]byte(people))
	require.NoError(t, err)
	for range 2 {
		report, err := (&Programme{DB: v.DB}).Load(t.Context(), file, "test", monday)
		require.NoError(t, err)
		require.Zero(t, report.Records)
		require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM people WHERE person_id = 'lina' AND NOT active AND left_at = $1`, monday))
	}
	_, err = v.Leave(t.Context(), LeaveInput{Person: "lina", By: "chen", At: monday.Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM people WHERE left_at = $1`, monday), "the first time counts")
	v.owned(number + "/step1")
	_, err = v.DB.Exec(`UPDATE people SET active = true WHERE person_id = 'lina'`)
	require.ErrorContains(t, err, "people_left")

	v.load("people: [{id: tan, name: Tan, inactive: true}]")
	v.load("people: [{id: tan, name: Tan}]")
	require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM people WHERE person_id = 'tan' AND active`), "who was only switched off comes back")
	v.load("people: [{id: lina, name: Li Na Wu, roles: [vendor-finance], superior: gao}]")
	require.Equal(t, 1, count(t, v.DB, `SELECT count(*) FROM people WHERE name = 'Li Na Wu' AND NOT active`), "a name may change")
}

func TestGivenTwoWhoLetPeopleLeaveAtOnce_WhenTheyAreTheSameOrEachOther_ThenNoneOfThemFails(t *testing.T) {
	v := asks(t, []string{"lina"})
	v.opens("mei")
	for i := range 10 {
		v.behind(`UPDATE people SET active = true, left_at = NULL`)
		ends := []LeaveInput{{Person: "lina", Successor: "tan", By: "chen"}, {Person: "lina", Successor: "tan", By: "gao"}, {Person: "tan", Successor: "lina", By: "chen"}}
		errs := make([]error, len(ends))
		var wg sync.WaitGroup
		for j, in := range ends {
			wg.Go(func() {
				in.At = monday.Add(time.Duration(i) * time.Hour)
				_, errs[j] = v.Leave(context.Background(), in)
			})
		}
		wg.Wait()
		for _, err := range errs {
			if RefusalOf(err) == nil { // who left meanwhile cannot take over
				require.NoError(t, err)
			}
		}
		require.NotZero(t, count(t, v.DB, `SELECT count(*) FROM people WHERE NOT active AND left_at IS NOT NULL`))
	}
}
