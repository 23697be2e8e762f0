package workflows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/specialist"

	"github.com/stretchr/testify/require"
)

// both lets two go at the same moment.
func both(a, b func() error) (errs [2]error) {
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i, f := range []func() error{a, b} {
		wait.Go(func() {
			<-start
			errs[i] = f()
		})
	}
	close(start)
	wait.Wait()
	return errs
}

// Rule: ORG-43, ENG-01, ENG-03
func TestORG43GivenADecisionAndAWithdrawalInOneInstant_WhenBothCome_ThenOneWins(t *testing.T) {
	m := newTeam(t)
	ctx := context.Background()
	won := map[specialist.State]int{}
	for i := range 30 {
		account := m.member(fmt.Sprintf("A%d", i))
		number := m.recognised(account, "SVC")
		_, err := m.specialists.CancelSpecialist(ctx, m.step(number, "mei", "left", m.reasonFile(number), "2025-05-06 09:00"))
		require.NoError(t, err)
		back := m.step(number, "mei", "", "", "2025-05-07 10:00")
		d := approval.Decision{Person: "ou", Outcome: "approve", Task: approval.TaskID(number, specialist.CancelMatter.Name, 1), Key: "race" + number}
		errs := both(
			func() error {
				_, err := m.cases.Decide(ctx, activities.DecideInput{Decision: d, At: back.At})
				return err
			}, func() error {
				_, err := m.specialists.WithdrawCancellation(ctx, back)
				return err
			})
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
		require.NotEmpty(t, codes(errors.Join(errs[0], errs[1])), "the other one is told")
		want := specialist.CancelApproved
		if errs[1] == nil {
			want = specialist.Recognised
		}
		require.Equal(t, want, m.state(number))
		won[want]++
	}
	t.Log(won)
	require.Zero(t, m.count(`SELECT count(*) FROM tasks WHERE state = 'open'`))
}

// Rule: ORG-37, ORG-39, ENG-01
func TestORG37GivenAnApplicationAndAnUnbindingInOneInstant_WhenBothCome_ThenNobodyIsUnderReviewWithoutALink(t *testing.T) {
	m := newTeam(t)
	for i := range 30 {
		account := m.member(fmt.Sprintf("A%d", i))
		m.runs++
		in := activities.ApplyForSpecialistInput{Application: applies("k"+account, account, "SVC"), WorkflowID: "w", RunID: fmt.Sprintf("run-%d", m.runs), At: cst("2025-03-03 10:00")}
		errs := both(
			func() error {
				_, err := m.specialists.ApplyForSpecialist(context.Background(), in)
				return err
			}, func() error { return m.unbind(account, "2025-03-03 10:00") })
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v", errs)
	}
	require.Zero(t, m.count(`SELECT count(*) FROM project_specialists s WHERE ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM member_links l WHERE (l.account_id, l.partner_id) = (s.account_id, s.partner_id) AND unlinked_at IS NULL)`))
}

// Rule: ORG-39, PGM-09
func TestORG39GivenApplicationsAtOnce_WhenTheyAreForOneMember_ThenOneWins(t *testing.T) {
	m := newTeam(t)
	m.member("A1")
	paths := []specialist.Path{"SVC", "SI", "LRN", "SVC"}
	errs := make([]error, len(paths))
	var wait sync.WaitGroup
	for i, path := range paths {
		wait.Go(func() {
			_, errs[i] = m.specialists.ApplyForSpecialist(context.Background(), activities.ApplyForSpecialistInput{
				Application: applies(fmt.Sprint("k", i), "A1", path), WorkflowID: "w", RunID: fmt.Sprint("r", i), At: cst("2025-03-03 10:00"),
			})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"SPC_STATE"}, codes(err))
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, m.count(`SELECT count(*) FROM project_specialists`))
}

// Whatever is applied for, decided, withdrawn, struck off and unbound, in whichever order: a member has one live case a path, a
// case that waits has one open round, whoever is a specialist or under review is linked, and an end is an end.
//
// Rule: ORG-37, ORG-41, ORG-42, ORG-43, ENG-03
func TestRandomLivesOfSpecialistsHoldTogether(t *testing.T) {
	seen := map[specialist.State]int{}
	for seed := range uint64(3) {
		m := newTeam(t)
		r := rand.New(rand.NewPCG(seed, 19))
		members := []string{m.member("A1"), m.member("A2")}
		for i := range 120 {
			m.now = m.now.Add(time.Duration(1+r.IntN(3000)) * time.Minute)
			m.something(r, i, members[r.IntN(2)])
			require.Zero(t, m.count(`SELECT count(*) FROM (SELECT 1 FROM project_specialists WHERE ended_at IS NULL GROUP BY partner_id, account_id, path HAVING count(*) > 1) d`))
			require.Zero(t, m.count(`
				SELECT count(*) FROM cases c WHERE kind = 'project-specialist' AND (SELECT count(*) FROM approvals a WHERE a.case_number = c.case_number AND outcome = '') <> (state IN ('SPECIALIST_REVIEW', 'CANCEL_REVIEW'))::int`))
			require.Zero(t, m.count(`
				SELECT count(*) FROM cases c JOIN project_specialists s USING (case_number) WHERE state IN ('SPECIALIST_REVIEW', 'SPECIALIST', 'CANCEL_REVIEW', 'CANCEL_REJECTED')
				   AND NOT EXISTS (SELECT 1 FROM member_links l WHERE (l.account_id, l.partner_id) = (s.account_id, s.partner_id) AND unlinked_at IS NULL)`))
			require.Zero(t, m.count(`SELECT count(*) FROM cases JOIN project_specialists USING (case_number) WHERE closed_at IS DISTINCT FROM ended_at OR (closed_at IS NULL) = (state IN ('CANCEL_APPROVED', 'CANCELLED_BY_VENDOR'))`))
		}
		var states []specialist.State
		require.NoError(t, m.db.Select(&states, `SELECT to_state FROM events WHERE from_state <> to_state`))
		for _, s := range states {
			seen[s]++
		}
	}
	for _, move := range specialist.Moves {
		require.Positive(t, seen[move.To], "%s came about: %v", move.To, seen)
	}
}

// something happens to a member; the rules may refuse it.
func (m *team) something(r *rand.Rand, i int, account string) {
	m.t.Helper()
	ctx := context.Background()
	path := specialist.Paths[r.IntN(2)]
	var cases []string
	require.NoError(m.t, m.db.Select(&cases, `SELECT case_number FROM project_specialists WHERE account_id = $1 ORDER BY ended_at IS NULL, case_number`, account))
	number := ""
	if len(cases) > 0 {
		number = cases[len(cases)-1-min(r.IntN(3), len(cases)-1)/2]
	}
	at := m.now.In(calendar.Zone).Format("2006-01-02 15:04")
	var err error
	switch n := r.IntN(12); {
	case n < 3 || number == "":
		_, err = m.apply(applies(fmt.Sprint("k", i), account, path), at)
	case n < 7:
		matter := specialist.Matters[r.IntN(2)]
		d := approval.Decision{Person: []string{"ou", "pan"}[r.IntN(2)], Outcome: []approval.Outcome{"approve", "reject"}[r.IntN(2)], Reason: "so"}
		var round int
		require.NoError(m.t, m.db.Get(&round, `SELECT coalesce(max(round), 1) FROM approvals WHERE case_number = $1 AND matter = $2`, number, matter.Name))
		_, err = m.answers(number, matter, round, d, at)
	case n < 9:
		_, err = m.specialists.CancelSpecialist(ctx, m.step(number, "mei", "left", m.reasonFile(number), at))
	case n < 10:
		_, err = m.specialists.WithdrawCancellation(ctx, m.step(number, "mei", "", "", at))
	case n < 11:
		_, err = m.specialists.RevokeSpecialist(ctx, m.step(number, "pan", "over", "", at))
	case m.unbind(account, at) == nil:
		m.bound(account, "P1001", at)
	}
	if err != nil && len(codes(err)) == 0 && !activities.IsNotFound(err) {
		require.NoError(m.t, err)
	}
}
