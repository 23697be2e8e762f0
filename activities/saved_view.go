package activities

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// SavedViews keeps the filters that people give a name. They are a person's own: no case knows of them.
type SavedViews struct{ DB *sqlx.DB }

// mostViews is how many filters a person keeps at most.
const mostViews = 20

// SaveViewInput is a filter of the inbox under a name.
type SaveViewInput struct {
	Person string
	Name   string // 1 to 64 characters
	Query  string // as in the inbox's address
	At     time.Time
}

// SaveView keeps a filter; one of the same name is replaced. Refused: no name or one too long, one filter too many (COM-08).
func (s *SavedViews) SaveView(ctx context.Context, in SaveViewInput) error {
	in.Name = strings.Join(strings.Fields(in.Name), " ")
	return Final(inTx(ctx, s.DB, func(tx *sqlx.Tx) error {
		var others int
		if err := tx.GetContext(ctx, &others, `SELECT count(*) FROM saved_views WHERE person_id = $1 AND name <> $2`, in.Person, in.Name); err != nil {
			return fmt.Errorf("count views: %w", err)
		}
		var list refusal.List
		if n := utf8.RuneCountInString(in.Name); n < 1 || n > 64 {
			list = append(list, refusal.New("COM-08", "CBC.0100", "view", "A view has a name of 1 to 64 characters."))
		}
		if utf8.RuneCountInString(in.Query) > 2000 {
			list = append(list, refusal.New("COM-08", "CBC.0100", "view", "The filter is too long; shorten the search."))
		}
		if others >= mostViews {
			list = append(list, refusal.New("COM-08", "CBC.0100", "view", "You keep %d views already; remove one first.", others))
		}
		if len(list) > 0 {
			return list
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO saved_views (person_id, name, query, saved_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (person_id, name) DO UPDATE SET query = excluded.query, saved_at = excluded.saved_at`, in.Person, in.Name, in.Query, stored(in.At)); err != nil {
			return fmt.Errorf("save view: %w", err)
		}
		return nil
	}))
}

// RemoveView forgets a filter; one that is not there is forgotten already.
func (s *SavedViews) RemoveView(ctx context.Context, person, name string) error {
	if _, err := s.DB.ExecContext(ctx, `DELETE FROM saved_views WHERE person_id = $1 AND name = $2`, person, name); err != nil {
		return fmt.Errorf("remove view: %w", err)
	}
	return nil
}
