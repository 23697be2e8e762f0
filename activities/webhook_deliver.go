package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"countersign/internal/webhook"
)

// delivery is one event on its way to one webhook.
type delivery struct {
	ID       string `db:"delivery_id"`
	URL      string `db:"url"`
	Secret   string `db:"secret"`
	State    string `db:"state"` // of the webhook
	Body     string `db:"body"`
	Attempts int    `db:"attempts"` // this one included
}

// retries are the waits after each attempt but the last: eight attempts within a day, then the delivery is dead.
var retries = [...]time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 4 * time.Hour, 7 * time.Hour, 10 * time.Hour}

// Run delivers until the context ends; what is under way then is finished. Each webhook has its own turn, so that a
// receiver that does not answer keeps no other one waiting.
func (w *Webhooks) Run(ctx context.Context, every time.Duration) {
	var turns sync.WaitGroup
	defer turns.Wait()
	var busy sync.Map // webhook IDs
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		due, err := w.due(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			slog.Error("webhooks wait", "error", err)
		}
		for _, id := range due {
			if _, taken := busy.LoadOrStore(id, true); taken {
				continue
			}
			turns.Go(func() {
				defer busy.Delete(id)
				drain(ctx, "webhooks wait", func(now time.Time) (bool, error) { return w.DeliverNext(ctx, id, now) })
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// due names the webhooks that something waits for.
func (w *Webhooks) due(ctx context.Context, now time.Time) ([]int, error) {
	var ids []int
	if err := w.DB.SelectContext(ctx, &ids, `
		SELECT webhook_id FROM webhooks w
		 WHERE EXISTS (SELECT 1 FROM webhook_deliveries d
		                WHERE d.webhook_id = w.webhook_id AND delivered_at IS NULL AND dead_at IS NULL AND next_at <= $1)`, now); err != nil {
		return nil, fmt.Errorf("look for due webhooks: %w", err)
	}
	return ids, nil
}

// DeliverNext makes one attempt for the oldest delivery of a webhook that is due, if there is one. It is claimed first, as
// in the outbox. 2xx is a success, 410 Gone stops the webhook; anything else is tried again and in the end dead.
func (w *Webhooks) DeliverNext(ctx context.Context, webhookID int, now time.Time) (bool, error) {
	now = stored(now)
	var d delivery
	err := w.DB.GetContext(ctx, &d, claimDeliverySQL, webhookID, now, now.Add(claim))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim delivery: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sending) // what has begun is finished
	defer cancel()
	status, failed := 0, errors.New("the webhook is "+d.State)
	if d.State == webhookActive {
		status, failed = webhook.Send(ctx, d.URL, d.Secret, d.ID, now, d.Body)
	}
	var delivered, dead *time.Time
	next := now
	switch {
	case failed == nil:
		delivered = &now
	case status == http.StatusGone, d.State != webhookActive, d.Attempts > len(retries):
		dead = &now
	default:
		next = now.Add(retries[d.Attempts-1])
	}
	if _, err := w.DB.ExecContext(ctx, recordDeliverySQL, d.ID, now, status, readable(failed), delivered, dead, next); err != nil {
		return true, fmt.Errorf("record delivery %s: %w", d.ID, err)
	}
	return true, nil
}

// A webhook that is not active costs no attempt: it is only put aside.
const claimDeliverySQL = `
	WITH first AS (
		SELECT delivery_id FROM webhook_deliveries
		 WHERE webhook_id = $1 AND delivered_at IS NULL AND dead_at IS NULL AND next_at <= $2
		 ORDER BY next_at, case_number, seq LIMIT 1 FOR UPDATE SKIP LOCKED)
	UPDATE webhook_deliveries d SET attempts = attempts + (state = 'active')::int, next_at = $3
	  FROM first, webhooks w WHERE d.delivery_id = first.delivery_id AND w.webhook_id = d.webhook_id
	RETURNING d.delivery_id, url, secret, state, body, attempts`

const recordDeliverySQL = `
	WITH gone AS (
		UPDATE webhooks SET state = 'stopped', changed_by = 'receiver', changed_at = $2
		 WHERE $3 = 410 AND state = 'active' AND webhook_id = (SELECT webhook_id FROM webhook_deliveries WHERE delivery_id = $1))
	UPDATE webhook_deliveries SET status = $3, error = $4, delivered_at = $5, dead_at = $6, next_at = $7 WHERE delivery_id = $1`
