// Package gallery_test looks at every page of the console as people do, over a programme that has lived for months.
package gallery_test

import (
	"strings"
	"testing"
	"time"

	"countersign/demo/life"
	"countersign/domain/calendar"
	"countersign/internal/documents"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// world is the demo's programme with what its people did until now.
type world struct {
	*life.World
	t     *testing.T
	db    *sqlx.DB
	store *documents.Store
	now   time.Time
}

func newWorld(t *testing.T, now time.Time) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), now: now}
	var err error
	w.store, err = documents.Open(w.db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: documents.Known})
	require.NoError(t, err)
	w.World, err = life.Live(t.Context(), w.db, w.store, now, nil)
	require.NoError(t, err)
	return w
}

// named puts what only the world knows into addresses.
func (w *world) named(more ...string) *strings.Replacer {
	return strings.NewReplacer(append(more, "TALK", w.Talk, "RETURNED", w.Returned, "MONTH", calendar.DateOf(w.now).AddMonths(-2).String()[:len("2024-05")])...)
}
