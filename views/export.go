package views

import (
	"context"
	"encoding/json"
	"time"

	"countersign/domain"
	"countersign/domain/bill"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Export is a search of the detail that was exported in the background.
type Export struct {
	ID      int64             `db:"export_id" json:"export"`
	AskedBy string            `db:"asked_by"  json:"asked_by"`
	Filter  json.RawMessage   `db:"filter"    json:"filter"`
	Format  bill.ExportFormat `db:"format"    json:"format"`
	State   domain.State      `db:"state"     json:"state"`
	Lines   *int64            `db:"lines"     json:"lines,omitempty"` // of the file; none before it is there
	Amount  *money.Amount     `db:"amount"    json:"amount,omitempty"`
	Size    *int64            `db:"size"      json:"size,omitempty"` // in octets
	AskedAt time.Time         `db:"asked_at"  json:"asked_at"`
	DoneAt  *time.Time        `db:"done_at"   json:"done_at,omitempty"`
	Error   string            `db:"error"     json:"error,omitempty"`
}

// Exports lists the exports that a person may have (INC-11), the newest first: their own, and to vendor operations all.
// Without a person they are all.
func (r Reader) Exports(ctx context.Context, who string) ([]Export, error) {
	if who != "" {
		if err := r.mustExist(ctx, "person", who, personExistsSQL); err != nil {
			return nil, err
		}
	}
	return rows[Export](ctx, r.q(), "exports", `
		SELECT export_id, asked_by, filter, format, state, lines, amount, octet_length(content)::bigint AS size, asked_at, done_at, error FROM exports
		 WHERE $1 IN ('', asked_by) OR EXISTS (SELECT 1 FROM people JOIN person_roles USING (person_id) WHERE person_id = $1 AND active AND partner_id IS NULL AND role = $2)
		 ORDER BY export_id DESC`, who, person.VendorOperations)
}
