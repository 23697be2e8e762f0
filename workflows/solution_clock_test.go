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

// Rule: CERT-06, CERT-12, CERT-17, CERT-23
func TestCERT17GivenTheVeryInstantOfTheEnd_WhenTheLastNodeApproves_ThenItEndedAndIsCertifiedAtOnce(t *testing.T) {
	for at, want := range map[string][]string{ // the clock was down for weeks
		"2025-03-15 10:19:59": {"ada approve EXPIRING>CERTIFIED CERT-10"},
		"2025-03-15 10:20:00": {"clock expire EXPIRING>EXPIRED CERT-12", "ada approve EXPIRED>CERTIFIED CERT-10"},
		"2025-03-15 10:20:01": {"clock expire EXPIRING>EXPIRED CERT-12", "ada approve EXPIRED>CERTIFIED CERT-10"},
	} {
		s := newStudio(t)
		number := s.certified(solution.Cloud, "2024-03-15 10:20")
		_, err := s.sends("2025-02-01 10:00", number, s.entered("2025-02-01 10:00", number, solution.Change{Version: to("3.0")}))
		require.NoError(t, err)
		now := s.approves(at, number, 2)
		require.Equal(t, []any{solution.Certified, 2}, []any{now.State, now.Cycle})
		history := s.history(number)
		require.Equal(t, want, history[len(history)-len(want):], at)
		require.Equal(t, len(want)-1, s.count(`SELECT count(*) FROM events WHERE action = 'expire'`), at)
		require.Equal(t, at != "2025-03-15 10:20:01", s.counts(number, "2025-03-15 10:20:00"), at)
		require.Equal(t, moment(at).AddDate(1, 0, 0).UTC(), now.DueAt.UTC())
		last := now
		for range 2 {
			last = s.clock("2025-06-01 10:00", number)
		}
		require.Equal(t, now, last, "nothing is left of the old certificate")
		require.Len(t, s.told(number, "wang"), 3+len(want), "four reminders, and the end where it came")
	}
}

// Rule: CERT-22, CERT-23
func TestCERT22GivenAnEndInTheFirstHours_WhenItIsCertifiedAnewBeforeNine_ThenTheDaysReminderIsNotSent(t *testing.T) {
	s := newStudio(t)
	midnight, renewed := s.certified(solution.Cloud, "2024-03-15 00:00"), s.certified(solution.Cloud, "2024-03-15 08:00")
	for _, at := range []string{"2025-01-13 23:59:59", "2025-01-14 00:00:00"} {
		now := s.clock(at, midnight)
		require.Equal(t, map[bool]solution.State{true: solution.Certified, false: solution.Expiring}[at < "2025-01-14"], now.State)
	}
	require.Empty(t, s.told(midnight, "wang"), "the window is open since midnight; the reminder goes at 09:00")
	s.clock("2025-03-15 09:00:00", midnight)
	require.Equal(t, []string{
		"2025-01-14 09:00 remind/1/60", "2025-02-13 09:00 remind/1/30", "2025-03-08 09:00 remind/1/7", "2025-03-15 00:00 expired/1", "2025-03-15 09:00 remind/1/0",
	}, s.told(midnight, "wang"))

	_, err := s.sends("2025-03-10 10:00", renewed, s.entered("2025-03-10 10:00", renewed, solution.Change{Version: to("3.0")}))
	require.NoError(t, err)
	now := s.approves("2025-03-15 08:30", renewed, 2)
	require.Equal(t, "2026-01-14 08:30", now.WakeAt.In(moment("2025-03-15 08:30").Location()).Format("2006-01-02 15:04"))
	s.clock("2025-04-01 10:00", renewed)
	require.Equal(t, []string{"2025-01-14 09:00 remind/1/60", "2025-02-13 09:00 remind/1/30", "2025-03-08 09:00 remind/1/7", "2025-03-15 08:00 expired/1"}, s.told(renewed, "wang"))
}

// Rule: CERT-06, CERT-14
func TestCERT06GivenTheProgrammesOwnRole_WhenACertificateIsWrittenPastTheReview_ThenTheDatabaseRefusesIt(t *testing.T) {
	s := newStudio(t)
	n, err := s.submits("2025-03-03 10:00", s.entered("2025-03-03 10:00", "", s.whole(solution.Cloud, "2.1")))
	require.NoError(t, err)
	const write = `INSERT INTO solution_certifications (case_number, cert_round, draft_id, certified_at, window_opens_at, valid_until)
		SELECT $1, $2, draft_id, $3::timestamptz, $3::timestamptz + interval '300 days', $3::timestamptz + interval '360 days' FROM solution_drafts WHERE draft_id = $4`
	refused := func(round int, at, draft string) {
		_, err := s.db.Exec(write, n.Case, round, moment(at), draft)
		require.ErrorContains(t, err, "was not approved")
	}
	refused(1, "2025-03-04 10:00", "SD000001")
	s.approves("2025-03-05 10:00", n.Case, 1)
	other, err := s.draft("2026-02-01 10:00", n.Case, solution.Change{Version: to("3.0")})
	require.NoError(t, err)
	refused(2, "2026-02-01 10:00", other.Draft)
	refused(2, "2025-03-05 10:00", "SD000001")
}

// Rule: COM-20
func TestCOM20GivenAPartnersKey_WhenAnothersSolutionIsTakenOverUnderIt_ThenItIs(t *testing.T) {
	s := newStudio(t)
	sub := s.entered("2025-03-03 10:00", "", s.whole(solution.Cloud, "2.1"))
	sub.RequestKey = "a"
	_, err := s.submits("2025-03-03 10:00", sub)
	require.NoError(t, err)
	s.now = moment("2025-03-04 10:00")
	text := "solutions:\n  - {key: a, partner: P3003, type: CLOUD, name: Boreas, version: '1', certified_at: 2024-12-15T10:20:00+08:00, submitter: otto}\n"
	s.load("partners:\n  - {id: P3003, name: C Ltd, kind: solution-provider, verified_name: C Ltd, entity: cloud}\npeople:\n  - {id: otto, name: Otto, partner: P3003, email: o@c.example, roles: [partner-solutions]}\n")
	s.load(text)
	s.load(text)
	require.Equal(t, 1, s.count(`SELECT count(*) FROM solutions WHERE case_number = 'SOL000002' AND cert_round = 1`))
	require.Equal(t, 2, s.count(`SELECT count(*) FROM cases`))
}

// Rule: CERT-20
func TestCERT20GivenANameThatNoCertificateCouldBePrintedWith_WhenItIsEntered_ThenItIsRefusedBeforeAnybodyReviewsIt(t *testing.T) {
	j := newJoint(t)
	_, err := j.draft("2025-03-03 10:00", "", solution.Change{Type: to(solution.Cloud), Name: to("𠮷野排产")})
	require.Equal(t, []string{"CBC.0100"}, codes(err))
	require.ErrorContains(t, err, "the font has no sign for 𠮷 (U+20BB7)")
	_, err = j.draft("2025-03-03 10:01", "", solution.Change{Type: to(solution.Cloud), Name: to("云帆智能排产"), Version: to("2.1 🚀")})
	require.Equal(t, []string{"CBC.0100"}, codes(err))
	_, err = j.draft("2025-03-03 10:02", "", solution.Change{Type: to(solution.Cloud), Name: to("云帆智能排产 龘靐"), Version: to("2.1")})
	require.NoError(t, err, "signs that are rare, but there")
	_, err = j.saves("2025-03-03 10:03", entry("𠮷野排产"))
	require.Equal(t, []string{"CBC.0100"}, codes(err))
	require.Zero(t, j.count(`SELECT count(*) FROM baseline_projects`))
}
