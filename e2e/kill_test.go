package e2e

import (
	"fmt"
	"sync"
	"syscall"
	"testing"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// plan is how one case is decided, and where it has to end.
type plan struct {
	decisions []approval.Decision // to review, send and confirm
	ends      withdrawal.State
	entries   int
}

var (
	approve = approval.Decision{Person: "lina", Outcome: approval.Approve}
	sent    = approval.Decision{Person: "lina", Outcome: withdrawal.Sent}
	plans   = []plan{
		{[]approval.Decision{approve, sent, {Person: "zhao", Outcome: withdrawal.Arrived, Amount: "10.00", Reference: "B"}}, withdrawal.Paid, 2},
		{[]approval.Decision{{Person: "zhao", Outcome: approval.Reject, Reason: "no"}}, withdrawal.Refused, 2},
		{[]approval.Decision{approve, sent, {Person: "zhao", Outcome: withdrawal.Bounced, Reason: "closed"}}, withdrawal.Failed, 2},
		{[]approval.Decision{approve, {Person: "zhao", Outcome: withdrawal.Fail, Reason: "unknown bank"}}, withdrawal.Failed, 2},
	}
	kinds = []approval.Matter{withdrawal.Review, withdrawal.Send, withdrawal.Confirm}
)

// underFire carries cases from application to end, side by side, while fire is called at chosen moments: after so many
// requests have left, whatever became of them. Callers repeat under their key what got no answer. In the end each case has
// ended as decided and nothing happened twice.
func underFire(t *testing.T, id string, cases int, moments []int, fire func()) {
	p := newPartner(t, id, lot{withdrawal.EbankCorporate, "1000.00"})
	apps := make([]withdrawal.Application, cases)
	for i := range apps {
		apps[i] = p.toBank(fmt.Sprintf("k%d", i), "10.00")
		apps[i].Submitter = p.team[i]
		apps[i].Code = p.codeFor(p.team[i])
	}

	left := make(chan struct{}, 4*cases) // a request leaves; nobody waits for fire
	opened := make([]*theCase, cases)
	failures := make([]error, cases)
	var callers sync.WaitGroup
	for i := range cases {
		callers.Go(func() {
			left <- struct{}{}
			now, err := p.submit(apps[i])
			if err != nil {
				failures[i] = err
				return
			}
			opened[i] = &theCase{p: p, number: now.Case, workflowID: "withdrawal/" + id + "/" + apps[i].RequestKey}
			for step, d := range plans[i%len(plans)].decisions {
				left <- struct{}{}
				if _, err = opened[i].decide(kinds[step], d); err != nil {
					failures[i] = fmt.Errorf("%s of %s: %w", d.Outcome, opened[i].number, err)
					return
				}
			}
		})
	}
	go func() { callers.Wait(); close(left) }()
	requests := 0
	for range left {
		if requests++; len(moments) > 0 && requests == moments[0] {
			moments = moments[1:]
			fire()
		}
	}
	for _, err := range failures {
		require.NoError(t, err)
	}
	require.Empty(t, moments, "there were only %d requests", requests)

	paid := 0
	for i, c := range opened {
		want := plans[i%len(plans)]
		require.Equal(t, want.ends, c.state(), c.number)
		if want.ends == withdrawal.Paid {
			paid++
		}
		require.Equal(t, want.entries, p.s.count(t, `SELECT count(*) FROM entries WHERE case_number = $1`, c.number), "entries of %s", c.number)
		require.Equal(t, 1+len(want.decisions), p.s.count(t, `SELECT count(*) FROM events WHERE case_number = $1`, c.number), "events of %s: %v", c.number, c.history())
		var result struct {
			State withdrawal.State `json:"state"`
		}
		require.NoError(t, p.s.client.GetWorkflow(t.Context(), c.workflowID, "").Get(t.Context(), &result), "the run has ended as well")
		require.Equal(t, want.ends, result.State)
	}
	require.Equal(t, cases, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = $1`, id))
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM (SELECT key FROM outbox WHERE key LIKE 'withdrawal/%' GROUP BY key HAVING count(*) > 1) AS twice`))
	p.has(fmt.Sprintf("%d.00", 1000-10*paid), "0.00")
	p.s.addsUp(t)
}

// Rules: ENG-01, PGM-10
func TestGivenCasesInFlight_WhenTheWorkerIsKilledAgainAndAgain_ThenNothingIsLostAndNothingHappensTwice(t *testing.T) {
	s := running(t)
	// With the first application just sent; among the openings; among decisions; near the end.
	underFire(t, "PWORKER", 8, []int{1, 8, 15, 24}, func() {
		s.killWorker()
		s.startWorker(t)
	})
}

// Rules: ENG-01, PGM-10
func TestGivenCasesInFlight_WhenPostgresIsKilled_ThenTheyGoOnAndTheLedgerIsInOrder(t *testing.T) {
	s := running(t)
	underFire(t, "PPOSTGRES", 8, []int{5, 18}, func() { s.killPostgres(t) })
}

// Rules: ENG-01, PGM-10
func TestGivenCasesInFlight_WhenTemporalIsKilled_ThenTheyGoOnAndTheLedgerIsInOrder(t *testing.T) {
	s := running(t)
	underFire(t, "PTEMPORAL", 8, []int{5, 18}, func() { s.killTemporal(t) })
}

// Rules: ENG-01, PGM-10
func TestGivenACommittedStep_WhenTheWorkerDiesBeforeItCanSaySo_ThenTheNextOneFindsWhatWasDone(t *testing.T) {
	p := newPartner(t, "PCOMMIT", lot{withdrawal.EbankCorporate, "1000.00"})
	app := p.toBank("k1", "100.00")
	now := p.diesInside(`SELECT 1 FROM partners WHERE partner_id = 'PCOMMIT' FOR UPDATE`, func() bool {
		return p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = 'PCOMMIT'`) == 1
	}, func() (activities.Standing, error) { now, err := p.submit(app); return now.Now(), err })
	require.Equal(t, withdrawal.UnderReview, now.State)

	c := &theCase{p: p, number: now.Case, workflowID: workflows.WithdrawalID(app)}
	now = p.diesInside(`SELECT 1 FROM cases WHERE partner_id = 'PCOMMIT' FOR UPDATE`, func() bool { return c.state() == withdrawal.Approved },
		func() (activities.Standing, error) { return c.decide(withdrawal.Review, approve) })
	require.Equal(t, withdrawal.Approved, now.State)

	now = p.diesInside(`SELECT 1 FROM cases WHERE partner_id = 'PCOMMIT' FOR UPDATE`, nil, // before the commit
		func() (activities.Standing, error) { return c.decide(withdrawal.Send, sent) })
	require.Equal(t, withdrawal.Paying, now.State)

	require.Len(t, c.history(), 3, "%v", c.history())
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM cases WHERE partner_id = 'PCOMMIT'`))
	require.Equal(t, 1, p.s.count(t, `SELECT count(*) FROM entries WHERE case_number = $1`, c.number))
	p.has("900.00", "100.00")
	p.s.addsUp(t)
}

// diesInside sends a request and kills the worker inside the step's transaction, which a lock holds up, or between its
// commit and the report to Temporal, which is stopped meanwhile. The answer is what the caller gets in the end.
func (p *partner) diesInside(lock string, committed func() bool, ask func() (activities.Standing, error)) activities.Standing {
	t, s := p.t, p.s
	t.Helper()
	holder, err := s.views.DB.Beginx()
	require.NoError(t, err)
	defer holder.Rollback()
	_, err = holder.Exec(lock)
	require.NoError(t, err)

	answered := make(chan error, 1)
	var now activities.Standing
	go func() {
		var err error
		now, err = ask()
		answered <- err
	}()
	eventually(t, "the step that waits for the lock", func() (bool, error) {
		return s.count(t, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0, nil
	})
	if committed != nil {
		require.NoError(t, syscall.Kill(s.Now.TemporalPID, syscall.SIGSTOP))
		defer syscall.Kill(s.Now.TemporalPID, syscall.SIGCONT) //nolint:errcheck // it runs already where all went well
		require.NoError(t, holder.Rollback())
		eventually(t, "the commit", func() (bool, error) { return committed(), nil })
	}
	s.killWorker()
	require.NoError(t, syscall.Kill(s.Now.TemporalPID, syscall.SIGCONT))
	_ = holder.Rollback() // may be over
	s.startWorker(t)
	require.NoError(t, <-answered)
	return now
}

// Rules: ENG-01, PGM-10
func TestGivenAStepThatPostgresHoldsUp_WhenAnAttemptTimesOut_ThenALaterOneDoesItOnce(t *testing.T) {
	p := newPartner(t, "PSLOW", lot{withdrawal.EbankCorporate, "1000.00"})
	c := p.underReview("k1")
	holder, err := p.s.views.DB.Beginx()
	require.NoError(t, err)
	defer holder.Rollback()
	_, err = holder.Exec(`SELECT 1 FROM cases WHERE case_number = $1 FOR UPDATE`, c.number)
	require.NoError(t, err)

	answered := make(chan error, 1)
	go func() {
		_, err := c.decide(withdrawal.Review, approve)
		answered <- err
	}()
	waits := func(want bool) func() (bool, error) {
		return func() (bool, error) {
			return p.s.count(t, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0 == want, nil
		}
	}
	eventually(t, "an attempt", waits(true))
	eventually(t, "its end", waits(false))
	require.NoError(t, holder.Rollback())
	require.NoError(t, <-answered)
	require.Equal(t, withdrawal.Approved, c.state())
	require.Len(t, c.history(), 2)
	p.s.addsUp(t)
}
