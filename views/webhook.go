package views

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lib/pq"
)

// Webhook is a receiver of events. Its secret is shown nowhere.
type Webhook struct {
	ID        int            `db:"webhook_id" json:"webhook"`
	URL       string         `db:"url"        json:"url"`
	Kinds     pq.StringArray `db:"kinds"      json:"kinds"`   // of cases; empty: all
	State     string         `db:"state"      json:"state"`   // active, or stopped: the receiver answered 410 Gone
	Waiting   int            `db:"waiting"    json:"waiting"` // deliveries that are not through and not dead
	Dead      int            `db:"dead"       json:"dead"`
	CreatedBy string         `db:"created_by" json:"created_by"`
	CreatedAt time.Time      `db:"created_at" json:"created_at"`
}

// Webhooks lists those that are not removed.
func (r Reader) Webhooks(ctx context.Context) ([]Webhook, error) {
	return rows[Webhook](ctx, r.q(), "webhooks", `
		SELECT webhook_id, url, kinds, state, created_by, created_at,
		       (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id AND delivered_at IS NULL AND dead_at IS NULL) AS waiting,
		       (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id AND dead_at IS NOT NULL) AS dead
		  FROM webhooks w WHERE state <> 'removed' ORDER BY webhook_id`)
}

// DeadDelivery is an event that a webhook could not be told.
type DeadDelivery struct {
	ID        string          `db:"delivery_id" json:"delivery"` // the webhook-id
	Webhook   int             `db:"webhook_id"  json:"webhook"`
	URL       string          `db:"url"         json:"url"`
	Case      string          `db:"case_number" json:"case"`
	Seq       int             `db:"seq"         json:"seq"`
	Type      string          `db:"type"        json:"type"`
	WrittenAt time.Time       `db:"written_at"  json:"written_at"`
	DeadAt    time.Time       `db:"dead_at"     json:"dead_at"`
	Attempts  int             `db:"attempts"    json:"attempts"`
	Status    int             `db:"status"      json:"status"` // of the last attempt; 0: no answer
	Error     string          `db:"error"       json:"error"`
	Body      json.RawMessage `db:"body"        json:"body"`
}

// DeadDeliveries lists what waits for a replay, oldest first; what belonged to a removed webhook is nobody's any more.
func (r Reader) DeadDeliveries(ctx context.Context) ([]DeadDelivery, error) {
	return rows[DeadDelivery](ctx, r.q(), "dead deliveries", `
		SELECT delivery_id, webhook_id, url, case_number, seq, type, written_at, dead_at, attempts, status, error, body::json AS body
		  FROM webhook_deliveries JOIN webhooks USING (webhook_id)
		 WHERE dead_at IS NOT NULL AND state <> 'removed' ORDER BY written_at, case_number, seq, webhook_id`)
}
