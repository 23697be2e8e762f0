package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// RecordLedgerCheck keeps that the ledger was recomputed as a whole, and how much did not add up, for the metrics.
func RecordLedgerCheck(ctx context.Context, db *sqlx.DB, at time.Time, findings int) error {
	if _, err := db.ExecContext(ctx, `INSERT INTO ledger_checks (at, findings) VALUES ($1, $2)`, stored(at), findings); err != nil {
		return fmt.Errorf("record ledger check: %w", err)
	}
	return nil
}
