package activities

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"countersign/domain"
	"countersign/domain/refusal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

func TestEachKindOfErrorIsToldApartByItsType(t *testing.T) {
	list := refusal.List{refusal.New("WDL-18", "WDR_AMOUNT", "partner P1", "Too much.")}
	for _, c := range []struct {
		name         string
		err          error
		wantType     string
		nonRetryable bool
	}{
		{"a refusal, however deep", fmt.Errorf("open: %w", list), TypeRefused, true},
		{"not found", fmt.Errorf("case W1: %w", domain.ErrNotFound), TypeNotFound, true},
		{"bad data", fmt.Errorf("insert: %w", &pq.Error{Code: "22021"}), TypeDefect, false},
		{"a constraint without a rule", &pq.Error{Code: "23505", Constraint: "eng_01_entry_key"}, TypeDefect, false},
		{"wrong SQL", &pq.Error{Code: "42703"}, TypeDefect, false},
		{"a mistake of ours", fmt.Errorf("%w: no balance", errDefect), TypeDefect, false},
	} {
		var app *temporal.ApplicationError
		require.ErrorAs(t, Final(c.err), &app, c.name)
		require.Equal(t, c.wantType, app.Type(), c.name)
		require.Equal(t, c.nonRetryable, app.NonRetryable(), c.name)
	}
	for _, transient := range []error{errors.New("connection refused"), &pq.Error{Code: "40P01"}, &pq.Error{Code: "57P01"}, context.Canceled} {
		require.Equal(t, transient, Final(transient), "retried as it is, never shown as a refusal")
	}
	require.NoError(t, Final(nil))
	require.Equal(t, list, RefusalOf(Final(fmt.Errorf("open: %w", list))), "word for word, through Temporal")
	require.Nil(t, RefusalOf(errors.New("connection refused")))
	require.True(t, IsNotFound(Final(domain.ErrNotFound)))
}

func TestALogLearnsWhereAnErrorCameFromAndNothingThatSomebodyEntered(t *testing.T) {
	dialed := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, c := range []struct {
		name string
		err  error
		want Cause
	}{
		{"a refusal", refusal.List{refusal.New("R1", "NAME", "张三", "张三 is not the subject.")}, Cause{Type: TypeRefused}},
		{"bad data", fmt.Errorf("insert 张三: %w", &pq.Error{Code: "22P02", Message: `invalid input syntax: "张三"`}), Cause{Type: TypeDefect, SQLState: "22P02"}},
		{"a constraint", &pq.Error{Code: "23514", Constraint: "c", Message: `violates check constraint "c"`, Detail: "Failing row contains (张三)."}, Cause{Type: TypeDefect, SQLState: "23514", Constraint: "c", Text: `violates check constraint "c"`}},
		{"a deadlock", &pq.Error{Code: "40P01", Message: "deadlock detected"}, Cause{Type: "postgres", SQLState: "40P01", Text: "deadlock detected"}},
		{"no Postgres", fmt.Errorf("open the case of 张三: %w", dialed), Cause{Type: "connection", Text: dialed.Error()}},
		{"too slow", fmt.Errorf("open the case of 张三: %w", context.DeadlineExceeded), Cause{Type: "connection", Text: "context deadline exceeded"}},
		{"anything else", fmt.Errorf("张三: %w", errors.New("张三")), Cause{Type: "*errors.errorString"}},
	} {
		require.Equal(t, c.want, CauseOf(Final(c.err)), c.name)
	}
}

func TestEveryConstraintWithARefusalExists(t *testing.T) {
	db := pgtest.New(t)
	var names []string
	require.NoError(t, db.Select(&names, `
		SELECT conname FROM pg_constraint UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION SELECT relname FROM pg_class WHERE relkind = 'i'
		UNION SELECT (regexp_matches(prosrc, 'CONSTRAINT = ''(\w+)''', 'g'))[1] FROM pg_proc WHERE pronamespace = 'public'::regnamespace`))
	for _, known := range constraintRules {
		for constraint := range known {
			require.Contains(t, names, constraint)
		}
	}
}

func TestAViolationAtCommitIsItsRulesRefusal(t *testing.T) {
	db := pgtest.New(t)
	ctx := context.Background()
	err := inTx(ctx, db, func(tx *sqlx.Tx) error {
		_, err := tx.Exec(`INSERT INTO entries (key, digest, memo, at) VALUES ('empty', '', 'no postings', now())`)
		return err
	})
	require.Error(t, err)
	require.Nil(t, RefusalOf(err), "an unbalanced entry is no rule's refusal")
	var app *temporal.ApplicationError
	require.ErrorAs(t, Final(err), &app)
	require.Equal(t, TypeDefect, app.Type(), "it is a defect, spoken at COMMIT")

	kept := false
	err = judged(ctx, db, func(*sqlx.Tx) (refusal.List, error) {
		return nil, byConstraint(&pq.Error{Code: "23514", Constraint: "wdl_19_floor"})
	}, func(*sqlx.Tx, refusal.List) error { kept = true; return nil })
	require.Equal(t, "WDL-19", RefusalOf(err)[0].Rule)
	require.True(t, kept, "recorded in a transaction after it")
}
