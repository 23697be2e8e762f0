package workflows

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/solution"

	"github.com/stretchr/testify/require"
)

// Rule: CERT-17
func TestCERT17GivenAReviewOverTheEnd_WhenItPassesLater_ThenTheSolutionIsExpiredInBetween(t *testing.T) {
	for _, clock := range []bool{true, false} { // whether the job runs in between
		s := newStudio(t)
		number := s.certified(solution.Cloud, "2024-03-15 10:20")
		_, err := s.sends("2025-03-10 10:00", number, s.entered("2025-03-10 10:00", number, solution.Change{Version: to("3.0")}))
		require.NoError(t, err)
		if clock {
			require.Equal(t, solution.Expiring, s.clock("2025-03-15 10:19:59", number).State)
			now := s.clock("2025-03-15 10:20:00", number)
			require.Equal(t, solution.Expired, now.State)
			require.NotNil(t, now.DueAt, "the nodes are asked all the same")
		}
		require.Equal(t, solution.Certified, s.approves("2025-03-18 09:00", number, 2).State)
		require.Equal(t, "2026-03-18 09:00:00", s.until(number))
		require.True(t, s.counts(number, "2025-03-15 10:19:59"))
		require.False(t, s.counts(number, "2025-03-15 10:20:00"))
		require.False(t, s.counts(number, "2025-03-18 08:59:59"))
		require.True(t, s.counts(number, "2025-03-18 09:00:00"))
		require.Contains(t, s.history(number), "clock expire EXPIRING>EXPIRED CERT-12")
		require.Contains(t, s.history(number), "ada approve EXPIRED>CERTIFIED CERT-10")
		require.Equal(t, 1, s.count(`SELECT count(*) FROM events WHERE action = 'expire' AND at = '2025-03-15T10:20:00+08:00'`), "effective at that instant, whenever it is recorded")
	}
}

// Rule: CERT-22, CERT-23
func TestCERT22GivenAWorkerThatWasDown_WhenItComesBack_ThenEveryReminderGoesOnceInOrder(t *testing.T) {
	want := []string{
		"2024-03-15 10:20 certified@1", "2025-01-14 10:20 remind/1/60", "2025-02-13 09:00 remind/1/30", "2025-03-08 09:00 remind/1/7", "2025-03-15 09:00 remind/1/0", "2025-03-15 10:20 expired/1",
	}
	for name, runs := range map[string][]string{
		"down for months": {"2025-06-01 10:00", "2025-06-02 10:00"},
		"in time":         {"2025-01-14 10:19:59", "2025-01-14 10:20:00", "2025-01-14 10:20:01", "2025-02-13 09:00", "2025-03-08 09:00", "2025-03-15 09:00", "2025-03-15 10:20"},
		"down for weeks":  {"2025-01-14 10:20", "2025-03-10 10:00", "2025-03-15 10:20:01"},
	} {
		s := newStudio(t)
		number := s.certified(solution.Cloud, "2024-03-15 10:20")
		for _, at := range runs {
			s.clock(at, number)
		}
		require.Equal(t, want, s.told(number, "kim@a.example"), name)
		require.Equal(t, want[1:], s.told(number, "wang"), name+": the ecosystem manager")
		require.Len(t, s.told(number, "sol"), 7, name)
		require.Nil(t, s.clock("2025-07-01 10:00", number).WakeAt)
	}
}

// Rule: CERT-22
func TestCERT22GivenAnEndBeforeNine_WhenItsDayComes_ThenTheLastReminderSaysThatItHasEnded(t *testing.T) {
	s := newStudio(t)
	number := s.certified(solution.Cloud, "2024-03-15 08:00")
	require.Equal(t, solution.Expired, s.clock("2025-03-15 08:00", number).State)
	s.clock("2025-03-15 09:00", number)
	require.Equal(t, []string{
		"2025-01-14 09:00 remind/1/60", "2025-02-13 09:00 remind/1/30", "2025-03-08 09:00 remind/1/7", "2025-03-15 08:00 expired/1", "2025-03-15 09:00 remind/1/0",
	}, s.told(number, "wang"))
	var subjects []string
	require.NoError(t, s.db.Select(&subjects, `SELECT subject FROM outbox WHERE person_id = 'wang' AND key LIKE '%/remind/1/%' ORDER BY message_id`))
	require.Contains(t, subjects[2], "is certified for a short time only")
	require.Contains(t, subjects[3], "is certified no more")
}

// Rule: CERT-23
func TestCERT23GivenAReCertification_WhenItPasses_ThenTheOldRemindersAreNotSent(t *testing.T) {
	s := newStudio(t)
	number := s.certified(solution.Cloud, "2024-03-15 10:20")
	_, err := s.sends("2025-02-09 10:00", number, s.entered("2025-02-09 10:00", number, solution.Change{Version: to("3.0")}))
	require.NoError(t, err)
	now := s.approves("2025-02-10 16:00", number, 2)
	require.Equal(t, moment("2025-12-12 16:00").UTC(), now.WakeAt.UTC())
	s.clock("2025-04-01 10:00", number)
	require.Equal(t, []string{"2025-01-14 10:20 remind/1/60"}, s.told(number, "wang"), "no mail on 2025-02-13 and 2025-03-08")
}

// Whatever is sent, decided and clocked, in whichever order and however late the job is: a solution is expired exactly from the
// end of its newest certificate on, it counts exactly while one holds, and every event of the clock has its own instant.
//
// Rule: CERT-06, CERT-12, CERT-17, CERT-22
func TestRandomSolutionsAreExpiredExactlyFromTheirEndOn(t *testing.T) {
	renewed, expired := 0, 0
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 20))
			s := newStudio(t)
			number := s.certified(solution.Cloud, "2024-02-29 09:00")
			at, round := moment("2024-02-29 09:00"), 1
			for range 40 {
				at = at.Add(time.Duration(1+r.IntN(45*24*60)) * time.Minute)
				text := at.In(cst("2024-01-01 00:00").Location()).Format("2006-01-02 15:04")
				switch r.IntN(5) {
				case 0:
					if d, err := s.draft(text, number, solution.Change{Version: to(fmt.Sprint(round))}); err == nil {
						if _, err := s.sends(text, number, submission(d)); err == nil {
							round++
						} else {
							require.NoError(t, s.drafts.Delete(context.Background(), activities.SolutionDraftInput{Draft: d.Draft, Partner: "P1001", Person: "sol", At: at}))
						}
					}
				case 1:
					s.decides(text, number, node1, round, "cora", approval.Approve, "") //nolint:errcheck // the rules may refuse it
				case 2:
					s.decides(text, number, node2, round, "ada", approval.Approve, "") //nolint:errcheck // likewise
				case 3:
					s.decides(text, number, node2, round, "ada", approval.Reject, "no") //nolint:errcheck // likewise
				case 4:
					require.NotEmpty(t, s.clock(text, number).Case)
				}
				var until, from time.Time
				require.NoError(t, s.db.QueryRow(`SELECT certified_at, valid_until FROM solution_certifications WHERE case_number = $1 ORDER BY cert_round DESC LIMIT 1`, number).Scan(&from, &until))
				require.Equal(t, !at.Before(until), s.shows(number, text).State == solution.Expired, "at %s, valid until %s", text, until)
				require.Equal(t, at.Before(until), s.counts(number, text))
			}
			renewed += s.count(`SELECT count(*) FROM solution_certifications WHERE cert_round > 1`)
			expired += s.count(`SELECT count(*) FROM events WHERE action = 'expire'`)
			require.Zero(t, s.count(`SELECT count(*) FROM events e JOIN solution_certifications v ON v.case_number = e.case_number AND e.key = 'EXPIRED/' || v.cert_round WHERE e.at <> v.valid_until`))
			require.Zero(t, s.count(`SELECT count(*) FROM events a JOIN events b USING (case_number) WHERE a.actor = 'clock' AND b.actor = 'clock' AND a.action <> 'escalate' AND b.action <> 'escalate' AND a.seq < b.seq AND a.at > b.at`), "in order")
		})
	}
	require.Positive(t, renewed)
	require.Positive(t, expired)
}
