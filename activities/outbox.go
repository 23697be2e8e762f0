package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
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
}

type outgoing struct {
	ID       int64  `db:"message_id"`
	Address  string `db:"email"`
	Subject  string `db:"subject"`
	Body     string `db:"body"`
	Attempts int    `db:"attempts"`
}

// Run delivers until the context ends.
func (o *Outbox) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		for {
			sent, err := o.DeliverNext(ctx, time.Now())
			if err != nil && ctx.Err() == nil {
				slog.Error("outbox waits", "error", err)
			}
			if err != nil || !sent {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// DeliverNext delivers the oldest message that is due, if there is one. It is claimed first, so that several senders share
// the outbox and no transaction waits for a mail server; a claim whose sender died lapses.
func (o *Outbox) DeliverNext(ctx context.Context, now time.Time) (bool, error) {
	var m outgoing
	err := o.DB.GetContext(ctx, &m, claimMessageSQL, now, now.Add(claim))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim message: %w", err)
	}
	if failed := o.Mail.Deliver(ctx, m.Address, m.Subject, m.Body); failed != nil {
		wait := min(time.Second<<min(m.Attempts, 12), time.Hour)
		_, err = o.DB.ExecContext(ctx, `UPDATE outbox SET next_at = $2, error = $3 WHERE message_id = $1`, m.ID, now.Add(wait), failed.Error())
	} else {
		_, err = o.DB.ExecContext(ctx, `
			UPDATE outbox SET sent_at = $2, error = '', body = CASE WHEN secret THEN '' ELSE body END WHERE message_id = $1`, m.ID, now)
	}
	if err != nil {
		return true, fmt.Errorf("record delivery of %d: %w", m.ID, err)
	}
	return true, nil
}

const claim = 2 * time.Minute // longer than a mail server may take

const claimMessageSQL = `
	UPDATE outbox SET attempts = attempts + 1, next_at = $2 FROM people
	 WHERE people.person_id = outbox.person_id AND message_id = (
		SELECT message_id FROM outbox JOIN people USING (person_id)
		 WHERE sent_at IS NULL AND next_at <= $1 AND email <> '' ORDER BY next_at, message_id LIMIT 1 FOR UPDATE OF outbox SKIP LOCKED)
	RETURNING message_id, email, subject, body, attempts`
