package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/webhook"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Webhooks tells other systems what happens to cases, by the Standard Webhooks scheme. The database writes a delivery for
// each active webhook in the transaction of the event (tell_webhooks), so that what was rolled back is never told and what
// was committed is never lost.
//
// A receiver may be told twice, under the same webhook-id, and in another order than things happened: data.seq orders the
// events of one case, events of different cases have no order.
type Webhooks struct{ DB *sqlx.DB }

// AddWebhookInput names a receiver.
type AddWebhookInput struct {
	URL   string   // https, or http on loopback
	Kinds []string // kinds of cases; none means all
	By    string
	At    time.Time
}

// AddedWebhook is shown once: nobody reads the secret again.
type AddedWebhook struct {
	ID     int      `json:"webhook"`
	URL    string   `json:"url"`
	Kinds  []string `json:"kinds"` // empty: all
	Secret string   `json:"secret"`
}

// AddWebhook registers a receiver, which is told of events from now on. Refused: who is not a finance manager of the
// vendor (COM-16), kinds that do not exist (COM-08).
func (w *Webhooks) AddWebhook(ctx context.Context, in AddWebhookInput) (AddedWebhook, error) {
	added := AddedWebhook{URL: in.URL, Kinds: append([]string{}, in.Kinds...)}
	if err := webhook.CheckURL(in.URL); err != nil {
		return added, err
	}
	var err error
	if added.Secret, err = webhook.NewSecret(); err != nil {
		return added, err
	}
	err = inTx(ctx, w.DB, func(tx *sqlx.Tx) error {
		refused, err := judgeWebhooks(ctx, tx, in.By)
		if err != nil {
			return err
		}
		for _, k := range added.Kinds {
			if !slices.Contains(kinds.Names(), k) {
				refused = append(refused, refusal.New("COM-08", "CBC.0100", "kind", "There is no kind of case %q; there are: %s.", k, strings.Join(kinds.Names(), ", ")))
			}
		}
		if len(refused) > 0 {
			return refused
		}
		return tx.GetContext(ctx, &added.ID, `
			INSERT INTO webhooks (url, secret, kinds, created_by, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING webhook_id`,
			in.URL, added.Secret, pq.Array(added.Kinds), in.By, stored(in.At))
	})
	if err != nil {
		return AddedWebhook{}, Final(err)
	}
	return added, nil
}

func judgeWebhooks(ctx context.Context, tx *sqlx.Tx, by string) (refusal.List, error) {
	who, err := findPerson(ctx, tx, by)
	if err != nil || who != nil && who.OfVendor() && who.Holds(person.FinanceManager) {
		return nil, err
	}
	return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+by, "Only a finance manager of the vendor has a say in webhooks, and %q is none; ask one of them.", by)}, nil
}

// RemoveWebhook ends a webhook for good and forgets its secret. What still waits for it is not sent.
func (w *Webhooks) RemoveWebhook(ctx context.Context, id int, by string, at time.Time) error {
	return w.change(ctx, id, by, `
		UPDATE webhooks SET state = 'removed', secret = '', changed_by = $2, changed_at = $3 WHERE webhook_id = $1 AND state <> 'removed'`, at)
}

// ResumeWebhook has a webhook told again that its receiver stopped (410 Gone). What died meanwhile is replayed on demand.
func (w *Webhooks) ResumeWebhook(ctx context.Context, id int, by string, at time.Time) error {
	return w.change(ctx, id, by, `
		UPDATE webhooks SET state = 'active', changed_by = $2, changed_at = $3 WHERE webhook_id = $1 AND state <> 'removed'`, at)
}

func (w *Webhooks) change(ctx context.Context, id int, by, statement string, at time.Time) error {
	return Final(inTx(ctx, w.DB, func(tx *sqlx.Tx) error {
		refused, err := judgeWebhooks(ctx, tx, by)
		if err != nil {
			return err
		}
		if len(refused) > 0 {
			return refused
		}
		res, err := tx.ExecContext(ctx, statement, id, by, stored(at))
		if err != nil {
			return fmt.Errorf("change webhook %d: %w", id, err)
		}
		return one(res, unknown("webhook", fmt.Sprint(id)))
	}))
}

// Replay puts a dead delivery back into the queue, or with an empty name all whose webhook is active, and answers how
// many. They are sent as they were, under the same webhook-id.
func (w *Webhooks) Replay(ctx context.Context, delivery, by string, at time.Time) (int, error) {
	var replayed int64
	err := inTx(ctx, w.DB, func(tx *sqlx.Tx) error {
		refused, err := judgeWebhooks(ctx, tx, by)
		if err != nil {
			return err
		}
		if delivery != "" {
			var state string
			if err := tx.GetContext(ctx, &state, `
				SELECT coalesce((SELECT state FROM webhook_deliveries JOIN webhooks USING (webhook_id) WHERE delivery_id = $1 AND dead_at IS NOT NULL), '')`, delivery); err != nil {
				return fmt.Errorf("look for delivery %s: %w", delivery, err)
			}
			switch state {
			case "":
				return unknown("dead delivery", delivery)
			case webhookActive:
			default:
				refused = append(refused, refusal.New("ENG-03", "ENG_STATE", "delivery "+delivery, "Its webhook is %s; resume the webhook, or add one anew if it is removed.", state))
			}
		}
		if len(refused) > 0 {
			return refused
		}
		res, err := tx.ExecContext(ctx, replaySQL, delivery, by, stored(at))
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		replayed, err = res.RowsAffected()
		return err
	})
	return int(replayed), Final(err)
}

const webhookActive = "active" // webhooks.state

const replaySQL = `
	UPDATE webhook_deliveries d SET dead_at = NULL, attempts = 0, next_at = $3, replayed_by = $2 FROM webhooks w
	 WHERE w.webhook_id = d.webhook_id AND w.state = 'active' AND dead_at IS NOT NULL AND ($1 = '' OR delivery_id = $1)`
