package activities

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/notice"
	"countersign/domain/refusal"
	"countersign/internal/zone"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Mailer delivers one message; an error means that it did not arrive and is tried again.
type Mailer interface {
	Deliver(ctx context.Context, address, subject, body string) error
}

// Outbox delivers what transactions wrote for people. A message may arrive twice when a sender dies between delivery and
// record; it is never lost, and a failed delivery undoes nothing (PGM-13).
type Outbox struct {
	DB   *sqlx.DB
	Mail Mailer

	TextGateway string // the domain of a gateway that turns mails to number@domain into text messages; empty: these stay in the outbox
}

// Notify is how a person wants messages.
type Notify string

// The ways. Codes always go at once.
const (
	Each   Notify = "each"   // a mail each, at once
	Digest Notify = "digest" // one mail a day, at 09:00 UTC+8
)

// SetNotify changes how a person is told from now on; messages that wait already leave as they would have.
func (o *Outbox) SetNotify(ctx context.Context, person string, how Notify) error {
	res, err := o.DB.ExecContext(ctx, `UPDATE people SET notify = $2 WHERE person_id = $1`, person, how)
	if err != nil {
		return Final(fmt.Errorf("set notify of %s: %w", person, err))
	}
	return Final(one(res, unknown("person", person)))
}

// SetReader changes the language and the time zone of somebody's messages, of a person or of a natural person with an account;
// what is empty stays. What is not delivered yet arrives in the new way (PGM-15).
func (o *Outbox) SetReader(ctx context.Context, id string, r notice.Reader) error {
	var list refusal.List
	if _, err := zone.Find(r.Zone); r.Zone != "" && err != nil {
		list = append(list, refusal.New("PGM-15", "CBC.0100", "time zone", "%q is no time zone; write it like Asia/Bangkok or UTC+7.", r.Zone))
	}
	if !slices.Contains([]string{"", "zh", "en"}, r.Language) {
		list = append(list, refusal.New("PGM-15", "CBC.0100", "language", "Messages are in zh or en, not in %q.", r.Language))
	}
	if len(list) > 0 {
		return Final(list)
	}
	var found int
	err := o.DB.GetContext(ctx, &found, `
		WITH p AS (UPDATE people SET language = coalesce(nullif($2, ''), language), time_zone = coalesce(nullif($3, ''), time_zone) WHERE person_id = $1 RETURNING 1),
		a AS (UPDATE personal_accounts SET language = coalesce(nullif($2, ''), language), time_zone = coalesce(nullif($3, ''), time_zone) WHERE account_id = $1 RETURNING 1)
		SELECT (SELECT count(*) FROM p) + (SELECT count(*) FROM a)`, id, r.Language, r.Zone)
	switch {
	case err != nil:
		return Final(fmt.Errorf("set reader %s: %w", id, err))
	case found == 0:
		return Final(unknown("person", id))
	}
	return nil
}

// outgoing is one message, alone or in a digest.
type outgoing struct {
	ID        int64     `db:"message_id"`
	Address   string    `db:"email"`
	Subject   string    `db:"subject"`
	Body      string    `db:"body"`
	WrittenAt time.Time `db:"written_at"`
	Attempts  int       `db:"attempts"`
	Digest    bool      `db:"digest"`
	notice.Reader
}

// Run delivers until the context ends; what is under way then is finished.
func (o *Outbox) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		drain(ctx, "outbox waits", func(now time.Time) (bool, error) { return o.DeliverNext(ctx, now) })
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// drain delivers until nothing is due, or until something is wrong with ourselves.
func drain(ctx context.Context, waits string, next func(now time.Time) (bool, error)) {
	for ctx.Err() == nil {
		sent, err := next(time.Now())
		if err != nil && ctx.Err() == nil {
			slog.Error(waits, "error", err)
		}
		if err != nil || !sent {
			return
		}
	}
}

// DeliverNext delivers the oldest message that is due, if there is one, or the person's whole digest that it belongs to.
// They are claimed first, so that several senders share the outbox and no transaction waits for a mail server; a claim
// whose sender died lapses.
func (o *Outbox) DeliverNext(ctx context.Context, now time.Time) (bool, error) {
	now = stored(now)
	var mail []outgoing
	if err := o.DB.SelectContext(ctx, &mail, claimMessagesSQL, now, now.Add(claim), o.TextGateway); err != nil {
		return false, fmt.Errorf("claim message: %w", err)
	}
	if len(mail) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sending) // what has begun is finished
	defer cancel()
	for i, m := range mail {
		mail[i].Subject, mail[i].Body = m.Text(m.Subject, m.Body, zone.Or(m.Zone, calendar.Zone)) // PGM-15
	}
	subject, body := mail[0].Subject, mail[0].Body
	if mail[0].Digest {
		subject, body = digest(mail)
	}
	failed := o.Mail.Deliver(ctx, mail[0].Address, subject, body)

	ids, attempts := make([]int64, len(mail)), 0
	for i, m := range mail {
		ids[i], attempts = m.ID, max(attempts, m.Attempts)
	}
	wait := min(time.Second<<min(attempts, 12), time.Hour)
	record, cancel := context.WithTimeout(context.WithoutCancel(ctx), sending)
	defer cancel()
	if _, err := o.DB.ExecContext(record, recordMessagesSQL, pq.Array(ids), failed == nil, now, now.Add(wait), readable(failed)); err != nil {
		return true, fmt.Errorf("record delivery of %v: %w", ids, err)
	}
	return true, nil
}

const (
	claim   = 2 * time.Minute  // longer than sending and recording
	sending = 30 * time.Second // all that a mail server may take
)

// A digest is claimed as one: its first message stands for it, and who holds that one's lock has the others. The last WHERE
// looks again, at rows that another sender claimed while this one waited for them.
const claimMessagesSQL = `
	WITH first AS (
		SELECT message_id, m.person_id, CASE WHEN m.mobile <> '' THEN translate(m.mobile, ' -()', '') || '@' || $3 ELSE coalesce(m.address, p.email, a.email) END AS email, digest_at IS NOT NULL AS digest,
		       coalesce(p.language, a.language, 'zh') AS language, coalesce(p.time_zone, a.time_zone, 'Asia/Shanghai') AS time_zone
		  FROM outbox m LEFT JOIN people p USING (person_id) LEFT JOIN personal_accounts a ON a.account_id = m.account_id
		 WHERE sent_at IS NULL AND NOT without_address AND next_at <= $1 AND CASE WHEN m.mobile <> '' THEN $3 ELSE coalesce(m.address, p.email, a.email) END <> ''
		   AND (digest_at IS NULL OR NOT EXISTS (
			SELECT 1 FROM outbox e WHERE e.person_id = m.person_id AND e.digest_at IS NOT NULL AND e.sent_at IS NULL
			    AND e.next_at <= $1 AND e.message_id < m.message_id))
		 ORDER BY next_at, message_id LIMIT 1 FOR UPDATE OF m SKIP LOCKED),
	together AS (
		SELECT message_id FROM first
		UNION
		SELECT m.message_id FROM outbox m JOIN first USING (person_id)
		 WHERE digest AND m.digest_at IS NOT NULL AND m.sent_at IS NULL AND m.next_at <= $1),
	claimed AS (
		UPDATE outbox SET attempts = attempts + 1, next_at = $2
		 WHERE message_id IN (SELECT message_id FROM together) AND sent_at IS NULL AND next_at <= $1
		RETURNING message_id, subject, body, written_at, attempts)
	SELECT c.message_id, email, c.subject, c.body, c.written_at, c.attempts, digest, language, time_zone FROM claimed c, first ORDER BY c.written_at, c.message_id`

const recordMessagesSQL = `
	UPDATE outbox
	   SET sent_at = CASE WHEN $2 THEN $3::timestamptz END, next_at = CASE WHEN $2 THEN next_at ELSE $4 END, error = $5,
	       body = CASE WHEN $2 AND secret THEN '' ELSE body END
	 WHERE message_id = ANY ($1)`

// digest is several messages as one, in the order they were written.
func digest(mail []outgoing) (subject, body string) {
	plural := "s"
	if len(mail) == 1 {
		plural = ""
	}
	var b strings.Builder
	for i, m := range mail {
		if i > 0 {
			b.WriteString("\n----------------------------------------\n\n")
		}
		fmt.Fprintf(&b, "%s\n%s\n\n%s\n", m.WrittenAt.In(zone.Or(m.Zone, calendar.Zone)).Format("2006-01-02 15:04:05 -07:00"), m.Subject, strings.TrimSpace(m.Body))
	}
	subject, _ = mail[0].Text(fmt.Sprintf("%d 条通知 / %d notification%s", len(mail), len(mail), plural), "", calendar.Zone)
	return subject, b.String()
}

// readable is an error as Postgres takes it, whatever a foreign server said; empty for none.
func readable(err error) string {
	if err == nil {
		return ""
	}
	return strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "?")
}
