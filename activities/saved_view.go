package activities

import (
	"context"
	"database/sql"
	"errors"
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

// RenameView gives a filter another name and answers the filter. Refused: one that is not there, no name or one too long, one that
// another filter has (COM-08).
func (s *SavedViews) RenameView(ctx context.Context, person, name, renamed string) (query string, err error) {
	renamed = strings.Join(strings.Fields(renamed), " ")
	return query, Final(inTx(ctx, s.DB, func(tx *sqlx.Tx) error {
		if n := utf8.RuneCountInString(renamed); n < 1 || n > 64 {
			return refusal.List{refusal.New("COM-08", "CBC.0100", "view", "A view has a name of 1 to 64 characters.")}
		}
		err := tx.GetContext(ctx, &query, `
			UPDATE saved_views v SET name = $3 WHERE person_id = $1 AND name = $2
			   AND ($2 = $3 OR NOT EXISTS (SELECT 1 FROM saved_views o WHERE o.person_id = $1 AND o.name = $3)) RETURNING query`, person, name, renamed)
		if errors.Is(err, sql.ErrNoRows) {
			return refusal.List{refusal.New("COM-08", "CBC.0100", "view", "There is no view of this name any more, or another one has the new name.")}
		}
		if err != nil {
			return fmt.Errorf("rename view: %w", err)
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
