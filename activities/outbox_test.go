package activities

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/notice"
	"countersign/internal/mail"
	"countersign/internal/mailtest"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// nine is when digests leave.
var nine = time.Date(2025, 11, 4, 9, 0, 0, 0, calendar.Zone)

// house is a database with dan and dora, who want digests, and eve, who does not; its outbox leaves by a real mail server,
// which is busy for the first messages.
func house(t testing.TB, busy int) (*Outbox, *mailtest.PostOffice) {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO people (person_id, name, email, notify) VALUES
		('dan', 'Dan', 'dan@vendor.example', 'digest'), ('dora', 'Dora', 'dora@vendor.example', 'digest'), ('eve', 'Eve', 'eve@vendor.example', 'each')`)
	office := mailtest.New(t, busy)
	smtp, err := mail.NewSMTP(office.URL)
	require.NoError(t, err)
	return &Outbox{DB: db, Mail: smtp}, office
}

func write(t *testing.T, db sqlx.Execer, person, key string, at time.Time) {
	t.Helper()
	_, err := db.Exec(`INSERT INTO outbox (key, person_id, subject, body, secret, written_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		key, person, "任务 "+key+" / Task "+key, "请处理 "+key+"。\nPlease look at "+key+".\n", strings.HasPrefix(key, "code"), at)
	require.NoError(t, err)
}

// delivers makes attempts until nothing is due, and answers how many it made.
func (o *Outbox) delivers(t *testing.T, now time.Time) (attempts int) {
	t.Helper()
	for {
		found, err := o.DeliverNext(t.Context(), now)
		require.NoError(t, err)
		if !found {
			return attempts
		}
		attempts++
	}
}

func count(t *testing.T, db sqlx.Queryer, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, sqlx.Get(db, &n, query, args...))
	return n
}

// Rules: PGM-01, PGM-02
func TestGivenSomebodyWhoWantsADigest_WhenNineStrikes_ThenAllThatWaitsIsOneMailAndNotAMicrosecondEarlier(t *testing.T) {
	o, office := house(t, 0)
	write(t, o.DB, "dan", "W1", nine.Add(-23*time.Hour))
	write(t, o.DB, "dan", "W2", nine.Add(-time.Microsecond))
	write(t, o.DB, "dan", "W3", nine)
	require.Zero(t, o.delivers(t, nine.Add(-time.Microsecond)))
	require.Equal(t, 1, o.delivers(t, nine))

	letters := office.Letters()
	require.Len(t, letters, 1)
	require.Equal(t, "dan@vendor.example", letters[0].To)
	require.Equal(t, "2 条通知 / 2 notifications", letters[0].Subject)
	require.Equal(t, `2025-11-03 10:00:00 +08:00
任务 W1 / Task W1

请处理 W1。
Please look at W1.

----------------------------------------

2025-11-04 08:59:59 +08:00
任务 W2 / Task W2

请处理 W2。
Please look at W2.
`, strings.ReplaceAll(letters[0].Body, "\r\n", "\n"))
	require.Equal(t, 2, count(t, o.DB, `SELECT count(*) FROM outbox WHERE sent_at = $1 AND attempts = 1`, nine), "marked together")

	require.Zero(t, o.delivers(t, nine.Add(24*time.Hour-time.Microsecond)), "what was written at nine waits for the next nine")
	require.Equal(t, 1, o.delivers(t, nine.Add(24*time.Hour)))
	require.Equal(t, "1 条通知 / 1 notification", office.Letters()[1].Subject)
}

func TestGivenMessagesAndCodes_WhenTheyAreWritten_ThenCodesAndSinglesLeaveAtOnceAndDigestsWait(t *testing.T) {
	o, office := house(t, 0)
	at := nine.Add(-time.Hour)
	write(t, o.DB, "dan", "code/1", at)
	write(t, o.DB, "dan", "W1", at)
	write(t, o.DB, "eve", "W1/eve", at)
	write(t, o.DB, "eve", "W2/eve", at)
	require.Equal(t, 3, o.delivers(t, at))
	var subjects []string
	for _, l := range office.Letters() {
		subjects = append(subjects, l.To+" "+l.Subject)
	}
	require.Equal(t, []string{"dan@vendor.example 任务 code/1 / Task code/1", "eve@vendor.example 任务 W1/eve / Task W1/eve", "eve@vendor.example 任务 W2/eve / Task W2/eve"}, subjects)
	require.Equal(t, 1, count(t, o.DB, `SELECT count(*) FROM outbox WHERE secret AND body = '' AND digest_at IS NULL`), "a delivered code is readable nowhere")

	o.DB.MustExec(`UPDATE people SET email = '' WHERE person_id = 'dan'`)
	require.Zero(t, o.delivers(t, nine), "who has no address reads the outbox")
	require.Equal(t, 1, count(t, o.DB, `SELECT count(*) FROM outbox WHERE sent_at IS NULL AND attempts = 0 AND body <> ''`))
}

func TestGivenSomebodyWhoChangesTheirMind_WhenMoreIsWritten_ThenOnlyThatLeavesTheNewWay(t *testing.T) {
	o, office := house(t, 0)
	at := nine.Add(-time.Hour)
	write(t, o.DB, "dan", "W1", at)
	require.NoError(t, o.SetNotify(t.Context(), "dan", Each))
	write(t, o.DB, "dan", "W2", at)
	require.Equal(t, 1, o.delivers(t, at))
	require.Equal(t, "任务 W2 / Task W2", office.Letters()[0].Subject)
	require.Equal(t, 1, o.delivers(t, nine))

	require.True(t, IsNotFound(o.SetNotify(t.Context(), "nobody", Digest)))
	require.Error(t, o.SetNotify(t.Context(), "dan", "weekly"))
	require.Equal(t, 1, count(t, o.DB, `SELECT count(*) FROM people WHERE person_id = 'dan' AND notify = 'each'`))
}

// Rule: PGM-13
func TestGivenABusyMailServer_WhenADigestFails_ThenItUndoesNothingAndIsTriedAgainTogether(t *testing.T) {
	o, office := house(t, 2)
	write(t, o.DB, "dan", "W1", nine.Add(-2*time.Hour))
	write(t, o.DB, "dan", "W2", nine.Add(-time.Hour))
	for attempt, now := range []time.Time{nine, nine.Add(2 * time.Second)} {
		require.Zero(t, o.delivers(t, now.Add(-time.Microsecond)))
		require.Equal(t, 1, o.delivers(t, now))
		require.Equal(t, 2, count(t, o.DB, `SELECT count(*) FROM outbox WHERE sent_at IS NULL AND attempts = $1 AND error LIKE '%451%' AND next_at = $2 AND body <> ''`,
			attempt+1, now.Add(time.Second<<(attempt+1))))
	}
	require.Empty(t, office.Letters())

	write(t, o.DB, "dan", "W3", nine.Add(-time.Minute)) // its transaction took long: it joins what is due when it comes
	now := nine.Add(6 * time.Second)
	require.Equal(t, 1, o.delivers(t, now))
	require.Equal(t, "3 条通知 / 3 notifications", office.Letters()[0].Subject)
	require.Equal(t, 3, count(t, o.DB, `SELECT count(*) FROM outbox WHERE sent_at = $1 AND error = ''`, now))
}

func TestGivenASenderThatDied_WhenItsClaimLapses_ThenTheDigestLeavesWithAnother(t *testing.T) {
	o, office := house(t, 0)
	write(t, o.DB, "dan", "W1", nine.Add(-2*time.Hour))
	write(t, o.DB, "dan", "W2", nine.Add(-time.Hour))
	var claimed []outgoing
	require.NoError(t, o.DB.Select(&claimed, claimMessagesSQL, nine, nine.Add(claim), ""))
	require.Len(t, claimed, 2)
	require.Zero(t, o.delivers(t, nine.Add(claim-time.Microsecond)))
	require.Equal(t, 1, o.delivers(t, nine.Add(claim)))
	require.Equal(t, "2 条通知 / 2 notifications", office.Letters()[0].Subject)
}

func TestGivenManySendersAtOnce_WhenTheyDeliver_ThenNothingIsLostOrDoubledAndADigestIsOneMail(t *testing.T) {
	const each = 30
	o, office := house(t, 0)
	for i := range each {
		for _, person := range []string{"dan", "dora", "eve"} {
			write(t, o.DB, person, fmt.Sprintf("%s-%d.", person, i), nine.Add(-time.Hour))
		}
	}
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for {
				found, err := o.DeliverNext(context.Background(), nine)
				if err != nil {
					t.Error(err)
				}
				if !found || err != nil {
					return
				}
			}
		})
	}
	senders.Wait()
	letters := office.Letters()
	require.Len(t, letters, each+2)
	seen := map[string]int{}
	for _, l := range letters {
		for _, found := range regexp.MustCompile(`look at (\w+-\d+)\.`).FindAllStringSubmatch(l.Body, -1) {
			seen[found[1]]++
		}
	}
	require.Len(t, seen, 3*each)
	for key, times := range seen {
		require.Equal(t, 1, times, key)
	}
	require.Equal(t, 3*each, count(t, o.DB, `SELECT count(*) FROM outbox WHERE sent_at = $1 AND attempts = 1`, nine))
}

func TestGivenAnOlderMessageThatIsCommittedLate_WhenTheDigestIsBeingClaimed_ThenItLeavesAloneAndNothingTwice(t *testing.T) {
	o, office := house(t, 0)
	late := o.DB.MustBegin()
	write(t, late, "dan", "W0", nine.Add(-2*time.Hour)) // the first number, the last to be seen
	write(t, o.DB, "dan", "W1", nine.Add(-time.Hour))

	other := o.DB.MustBegin() // another sender, on the way to its COMMIT
	var claimed []outgoing
	require.NoError(t, sqlx.Select(other, &claimed, claimMessagesSQL, nine, nine.Add(claim), ""))
	require.Len(t, claimed, 1)
	require.NoError(t, late.Commit())

	done := make(chan error, 1)
	go func() {
		_, err := o.DeliverNext(context.Background(), nine)
		done <- err
	}()
	owner := pgtest.Owner(t, o.DB) // who sees what sessions wait for
	require.Eventually(t, func() bool {
		return count(t, owner, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, other.Commit())
	require.NoError(t, <-done)
	letters := office.Letters()
	require.Len(t, letters, 1)
	require.Equal(t, "1 条通知 / 1 notification", letters[0].Subject)
	require.Contains(t, letters[0].Body, "W0")
	require.Equal(t, 1, count(t, o.DB, `SELECT count(*) FROM outbox WHERE key = 'W1' AND attempts = 1 AND sent_at IS NULL`), "that is the other sender's")
}

// Rule: PGM-15
func TestGivenAReaderInAnotherZone_WhenMailIsDelivered_ThenItTellsTheReadersTimeAndTheDeadlineIsUnchanged(t *testing.T) {
	o, office := house(t, 0)
	o.DB.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name, email, time_zone) VALUES ('N1', 'nina', 'Nina', 'nina@home.example', 'Asia/Tokyo')`)
	require.NoError(t, o.SetReader(t.Context(), "eve", notice.Reader{Language: "en", Zone: "UTC+7"}))
	require.NoError(t, o.SetReader(t.Context(), "dan", notice.Reader{Zone: "Asia/Bangkok"}))
	require.NoError(t, o.SetReader(t.Context(), "N1", notice.Reader{Language: "en"}))
	require.True(t, IsNotFound(o.SetReader(t.Context(), "nobody", notice.Reader{Language: "en"})))
	require.Len(t, RefusalOf(o.SetReader(t.Context(), "eve", notice.Reader{Language: "la", Zone: "Mars"})), 2)

	deadline := time.Date(2025, 9, 30, 0, 0, 0, 0, calendar.Zone)
	at := deadline.Add(-15 * time.Hour) // 2025-09-29 09:00
	body := "任务 / Task\n\n到期 due: " + calendar.Shown(deadline) + "\n"
	for person, account := range map[string]string{"dan": "", "dora": "", "eve": "", "": "N1"} {
		_, err := o.DB.Exec(`INSERT INTO outbox (key, person_id, account_id, subject, body, written_at, next_at) VALUES ($1, nullif($2, ''), nullif($3, ''), '任务 / Task', $4, $5, $5)`,
			"m/"+person+account, person, account, body, at)
		require.NoError(t, err)
	}
	o.delivers(t, at.Add(24*time.Hour))
	got := map[string]string{}
	for _, l := range office.Letters() {
		got[l.To] = l.Subject + "|" + strings.ReplaceAll(l.Body, "\r\n", "\n")
	}
	require.Equal(t, map[string]string{
		"eve@vendor.example":  "Task / 任务|Task / 任务\n\n到期 due: 2025-09-29 23:00 (UTC+7)\n",
		"nina@home.example":   "Task / 任务|Task / 任务\n\n到期 due: 2025-09-30 01:00 (UTC+9)\n",
		"dan@vendor.example":  "1 条通知 / 1 notification|2025-09-29 08:00:00 +07:00\n任务 / Task\n\n任务 / Task\n\n到期 due: 2025-09-29 23:00 (UTC+7)\n",
		"dora@vendor.example": "1 条通知 / 1 notification|2025-09-29 09:00:00 +08:00\n任务 / Task\n\n任务 / Task\n\n到期 due: 2025-09-30 00:00:00 (UTC+8)\n",
	}, got)
	require.Equal(t, 4, count(t, o.DB, `SELECT count(*) FROM outbox WHERE body = $1`, body), "what was written stays: the deadline is unchanged")
}

// BenchmarkOutbox is how many messages a second one sender hands to a mail server that takes them at once. docs/limits.md has the figure:
//
//	go test ./activities -run XXX -bench Outbox -benchtime 2000x
func BenchmarkOutbox(b *testing.B) {
	o, _ := house(b, 0)
	o.DB.MustExec(`INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT 'W' || n, 'eve', '任务 / Task', '请处理。' || chr(10) || 'Please decide. ' || repeat('What is asked, by whom, until when. ', 10), $1, $1 FROM generate_series(1, $2::int) n`, nine, b.N)
	for b.ResetTimer(); ; {
		found, err := o.DeliverNext(b.Context(), nine)
		require.NoError(b, err)
		if !found {
			break
		}
	}
	var sent int
	require.NoError(b, o.DB.Get(&sent, `SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL`))
	require.Equal(b, b.N, sent)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
