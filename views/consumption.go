package views

import (
	"context"
	"time"
)

// Import is a file of consumption that was taken in.
type Import struct {
	Import   int64     `db:"import_id"     json:"import"`
	File     string    `db:"file_name"     json:"file"`
	Format   string    `db:"format"        json:"format"`
	Added    int64     `db:"rows_added"    json:"added"`
	Old      int64     `db:"rows_known"    json:"old"`
	Repeated int64     `db:"rows_repeated" json:"repeated"`
	Bad      int64     `db:"rows_bad"      json:"bad"`
	By       string    `db:"imported_by"   json:"by"`
	At       time.Time `db:"imported_at"   json:"at"`
}

// Imports lists what was taken in, the newest first.
func (r Reader) Imports(ctx context.Context) ([]Import, error) {
	return rows[Import](ctx, r.q(), "imports", `
		SELECT import_id, file_name, format, rows_added, rows_known, rows_repeated, rows_bad, imported_by, imported_at
		  FROM consumption_imports ORDER BY import_id DESC`)
}

// Rate is what one unit of a currency is in CNY, for what counts in a month.
type Rate struct {
	Currency string    `db:"currency" json:"currency"`
	Month    string    `db:"month"    json:"month"` // 2024-09
	Rate     string    `db:"rate"     json:"rate"`
	Used     bool      `db:"used"     json:"used"` // then it stays
	By       string    `db:"set_by"   json:"by"`
	At       time.Time `db:"set_at"   json:"at"`
}

// Rates lists the exchange rates, the newest month first.
func (r Reader) Rates(ctx context.Context) ([]Rate, error) {
	return rows[Rate](ctx, r.q(), "rates", `
		SELECT currency, to_char(month, 'YYYY-MM') AS month, rate::text AS rate, first_import IS NOT NULL AS used, set_by, set_at
		  FROM exchange_rates ORDER BY exchange_rates.month DESC, currency`)
}
