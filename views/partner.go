package views

import (
	"context"
	"fmt"

	"countersign/domain"

	"github.com/jmoiron/sqlx"
)

// ForPartner reads as one partner's people may: in one read-only transaction, as of one instant, under a database role to
// which only this partner's rows exist. What belongs to somebody else is not found, whatever is asked for.
//
// The reader is good within read only. It tells nothing of which of the vendor's people is there; a timeline is without what
// they did among themselves.
func (r Reader) ForPartner(ctx context.Context, partner string, read func(Reader) error) error {
	if partner == "" {
		return fmt.Errorf("partner %q: %w", partner, domain.ErrNotFound)
	}
	return r.atOnce(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, asPartnerSQL, partner); err != nil {
			return fmt.Errorf("read as partner: %w", err)
		}
		return read(Reader{tx: tx, as: partner})
	})
}

// remarks is where a reader finds what was said with decisions: a partner's people not all of it.
func (r Reader) remarks() string { return remarks(r.as) }

func remarks(as string) string { return visible(as, "decisions", "remarks") }

// consumption is where a reader finds it.
func (r Reader) consumption() string { return visible(r.as, "consumption", "own_consumption") }

// Both end with the transaction.
const asPartnerSQL = `SELECT set_config('countersign.partner', $1, true), set_config('role', 'countersign_partner', true)`
