// Package activities records what happens: an exported method is one Postgres transaction under one business key, so that
// a second run finds what the first one did.
package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// inTx runs f in one transaction. Whatever f returns but nil rolls it back. The violation of a constraint that repeats a
// rule, by a statement or at COMMIT, comes back as that rule's refusal.
func inTx(ctx context.Context, db *sqlx.DB, f func(tx *sqlx.Tx) error) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return byConstraint(err)
	}
	if err := tx.Commit(); err != nil {
		return byConstraint(fmt.Errorf("commit: %w", err))
	}
	committed()
	return nil
}

// judged runs one deciding transaction: f does everything, or writes nothing and answers the guards that failed. A
// refusal is recorded by record in the same transaction, so that what it costs (a try of a code) is locked and counted
// once; one that a constraint spoke is recorded in a transaction after it. The refusal comes back as the error.
func judged(ctx context.Context, db *sqlx.DB, f func(tx *sqlx.Tx) (refusal.List, error), record func(tx *sqlx.Tx, list refusal.List) error) error {
	var refused refusal.List
	err := inTx(ctx, db, func(tx *sqlx.Tx) (err error) {
		if refused, err = f(tx); err != nil || len(refused) == 0 {
			return err
		}
		return record(tx, refused)
	})
	if errors.As(err, &refused) {
		err = inTx(ctx, db, func(tx *sqlx.Tx) error { return record(tx, refused) })
	}
	if err != nil {
		return err
	}
	return refused.Err()
}

// undone runs a part of a transaction that may find out late that the rules refuse it: then nothing of it stays.
func undone(ctx context.Context, tx *sqlx.Tx, f func() (refusal.List, error)) (refusal.List, error) {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT undone`); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	list, err := f()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT undone`); err != nil {
		return nil, fmt.Errorf("undo: %w", err)
	}
	return list, nil
}

// one checks that a guarded write touched its one row; if not, otherwise says what that means.
func one(res interface{ RowsAffected() (int64, error) }, otherwise error) error {
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return otherwise
	}
	return nil
}

// stored cuts an instant to what Postgres keeps, so that what is hashed, compared and read back is the same.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
