package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// races is how often each of the four kinds of race is run: a thousand times in all.
const races = 250

// racer is one of two who want a case at the same moment.
type racer struct {
	does  func(number string) error
	state withdrawal.State // where the case stands when it wins; empty: it never wins
	task  string           // and its task
	told  []string         // what the other one is told then: one of these
	quiet bool             // when it loses, there is nothing to tell it
}

// Rule: ENG-01, ENG-02, ENG-03, PGM-02
func TestENG03OfTwoWhoActInOneInstantExactlyOneWinsAndTheOtherIsTold(t *testing.T) {
	s := step("finance", "role:vendor-finance")
	s.Default = &approval.Default{After: calendar.MustTerm("P4WD"), Outcome: approval.Approve} // at the instant defaulted
	h := chained(t, steps(s))
	h.lot("P1001", "much", "EBANK_CORPORATE", "A Ltd", "2025-10-03 09:00", "1000000.00")

	decides := func(who string, at time.Time, d approval.Decision) racer {
		return racer{
			does: func(number string) error {
				d := d
				d.Task, d.Person, d.Reason, d.Key = number+"/finance", who, "race", number+"-"+who
				_, err := h.act.DecideWithdrawal(context.Background(), activities.DecideInput{Decision: d, At: at})
				return err
			},
			state: map[approval.Outcome]withdrawal.State{approval.Approve: withdrawal.Approved, approval.Reject: withdrawal.Refused}[d.Outcome],
			task:  fmt.Sprintf("finance decided %s %s", d.Outcome, who),
			told:  []string{fmt.Sprintf("was decided already: %s by %s at %s; the case is ", d.Outcome, who, at.UTC().Truncate(time.Second).Format(time.RFC3339))},
		}
	}
	approves := decides("lina", h.now, approval.Decision{Outcome: approval.Approve})
	approves.told = append(approves.told, "The withdrawal is APPROVED; it can be cancelled only until it is decided.")
	rejects := decides("zhao", h.now, approval.Decision{Outcome: approval.Reject})
	justInTime := decides("zhao", defaulted.Add(-time.Microsecond), approval.Decision{Outcome: approval.Reject})
	tooLate := decides("zhao", defaulted, approval.Decision{Outcome: approval.Reject}) // at the instant
	tooLate.state = ""
	transfers := decides("zhao", h.now, approval.Decision{Outcome: approval.Transfer, To: "sun"})
	transfers.state, transfers.task, transfers.told = withdrawal.UnderReview, "finance open", []string{"Li Na is not asked here; somebody of these decides: sun."}
	cancels := racer{
		does: func(number string) error {
			_, err := h.act.CancelWithdrawal(context.Background(), activities.CancelWithdrawalInput{Case: number, Key: number, Person: "mei", At: h.now})
			return err
		},
		state: withdrawal.Cancelled, task: "finance closed", told: []string{"The task was closed undecided; the case is CANCELLED."},
	}
	clock := racer{
		does: func(number string) error {
			_, err := h.act.EscalateWithdrawal(context.Background(), activities.ClockInput{Case: number, At: defaulted})
			return err
		},
		state: withdrawal.Approved, task: "finance decided approve deadline", quiet: true,
		told: []string{
			"was decided already: approve by the deadline at 2025-11-07T16:00:00Z; the case is APPROVED.",
			"The term closed at 2025-11-07T16:00:00Z and the deadline decides; a decision at that instant is late.",
		},
	}

	t.Run("all at once", func(t *testing.T) {
		for i, kind := range []struct {
			name string
			a, b racer
			odd  racer // in place of a in every other race
		}{
			{"an approval and a rejection", approves, rejects, approves},
			{"a decision at the deadline and the clock", justInTime, clock, tooLate},
			{"a transfer and an approval", transfers, approves, transfers},
			{"a cancellation and an approval", cancels, approves, cancels},
		} {
			k := *h // with a submitter of its own: only the newest code of each counts
			k.runs = i * races
			who := fmt.Sprintf("clerk-%d", i)
			h.load(fmt.Sprintf("people: [{id: %s, name: Clerk, partner: P1001, email: %s@a.example, roles: [partner-administrator]}]", who, who))
			t.Run(kind.name, func(t *testing.T) {
				t.Parallel()
				k.t = t
				first := 0
				for n := range races {
					a := kind.a
					if n%2 == 1 {
						a = kind.odd
					}
					app := k.toBankBy(who, fmt.Sprintf("%s-%d", who, n), "1.00", k.now)
					if k.race(k.opens(app).Case, a, kind.b) {
						first++
					}
				}
				t.Logf("%d of %d went to the first", first, races)
			})
		}
	})

	h.addsUp()
	require.Equal(t, 4*races, h.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 4*races, h.count(`SELECT count(*) FROM entries WHERE key LIKE '%/hold'`))
	require.Equal(t, h.count(`SELECT count(*) FROM cases WHERE closed_at IS NOT NULL`), h.count(`SELECT count(*) FROM entries WHERE key LIKE '%/release'`), "released once")
	require.Zero(t, h.count(`SELECT count(*) FROM (SELECT 1 FROM decisions WHERE act IN ('approve', 'reject') GROUP BY case_number, round, seat HAVING count(*) > 1) d`), "one answer to a task")
	require.Zero(t, h.count(`SELECT count(*) FROM (SELECT 1 FROM events WHERE from_state = 'UNDER_REVIEW' AND to_state <> from_state GROUP BY case_number HAVING count(*) > 1) e`), "one next state")
}

// race lets both go at the same moment and looks at who won; it answers whether the first one did.
func (h *house) race(number string, a, b racer) bool {
	start := make(chan struct{})
	var errs [2]error
	var both sync.WaitGroup
	for i, r := range []racer{a, b} {
		both.Go(func() {
			<-start
			errs[i] = r.does(number)
		})
	}
	close(start)
	both.Wait()

	first := errs[0] == nil
	won, lost, other := a, b, errs[1]
	if !first {
		require.NoError(h.t, errs[1], "one of them wins")
		won, lost, other = b, a, errs[0]
	}
	require.Equal(h.t, 1, h.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = $2`, number, won.state), "%s is %s", number, won.state)
	require.Equal(h.t, []string{won.task}, h.tasks(number))
	if lost.quiet {
		require.NoError(h.t, other)
		return first
	}
	text := activities.RefusalOf(other).Error()
	require.True(h.t, slices.ContainsFunc(won.told, func(sentence string) bool { return strings.Contains(text, sentence) }), "%s: %v", number, other)
	require.Equal(h.t, 1, h.count(`SELECT count(*) FROM events WHERE case_number = $1 AND action LIKE '% refused'`, number), "and it is recorded")
	return first
}
