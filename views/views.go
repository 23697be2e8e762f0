// Package views is what people look at: tasks, cases with their timelines, balances, statements, messages, and the check
// that everything adds up. Nothing here writes to the database.
package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"countersign/domain"

	"github.com/jmoiron/sqlx"
)

// Reader looks things up.
type Reader struct {
	DB *sqlx.DB

	tx *sqlx.Tx // of ForPartner, instead of DB
	as string   // as whose people it reads; empty: as the programme
}

// visible is a column as the programme reads it, or what a partner's people read instead.
func visible(as, column, instead string) string {
	if as == "" {
		return column
	}
	return instead
}

// q is what it asks.
func (r Reader) q() sqlx.QueryerContext {
	if r.tx != nil {
		return r.tx
	}
	return r.DB
}

// atOnce reads as of one instant. Within ForPartner all reading does.
func (r Reader) atOnce(ctx context.Context, read func(*sqlx.Tx) error) error {
	if r.tx != nil {
		return read(r.tx)
	}
	tx, err := r.DB.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return read(tx)
}

// rows reads a list; an empty one is never nil, so that JSON shows [].
func rows[T any](ctx context.Context, q sqlx.QueryerContext, what, query string, args ...any) ([]T, error) {
	found := []T{}
	if err := sqlx.SelectContext(ctx, q, &found, query, args...); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return found, nil
}

// row reads one record; what names it for people when it does not exist.
func row[T any](ctx context.Context, q sqlx.QueryerContext, what, id, query string, args ...any) (T, error) {
	var found T
	err := sqlx.GetContext(ctx, q, &found, query, args...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return found, fmt.Errorf("%s %q: %w", what, id, domain.ErrNotFound)
	case err != nil:
		return found, fmt.Errorf("read %s %s: %w", what, id, err)
	}
	return found, nil
}

// mustExist answers "not found" for a name that a list was asked for and that nobody bears.
func (r Reader) mustExist(ctx context.Context, what, id, query string) error {
	_, err := row[int](ctx, r.q(), what, id, query, id)
	return err
}

const (
	partnerExistsSQL = `SELECT 1 FROM partners WHERE partner_id = $1`
	personExistsSQL  = `SELECT 1 FROM people WHERE person_id = $1`
	caseExistsSQL    = `SELECT 1 FROM cases WHERE case_number = $1`
)
