package life_test

import (
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/demo/life"
	"countersign/domain/calendar"
	"countersign/internal/documents"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Whoever tries the programme does so on any day: this one ends a year, a quarter and a month, and is a holiday.
func TestGivenTheYearsTurn_WhenTheLifeBeforeItIsLaidIn_ThenItIsWholeAddsUpAndIsNotLaidInTwice(t *testing.T) {
	db := pgtest.New(t)
	store, err := documents.Open(db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: documents.Known})
	require.NoError(t, err)
	there, err := life.Lived(t.Context(), db)
	require.NoError(t, err)
	require.False(t, there)

	world, err := life.Live(t.Context(), db, store, time.Date(2027, time.January, 1, 10, 30, 0, 0, calendar.Zone), nil)
	require.NoError(t, err)
	require.NotEmpty(t, world.Talk)
	require.NotEmpty(t, world.Returned)
	there, err = life.Lived(t.Context(), db)
	require.NoError(t, err)
	require.True(t, there)
	found, err := views.Reader{DB: db}.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, found.Findings)
	var asked []string
	require.NoError(t, db.Select(&asked, `SELECT DISTINCT kind || ' ' || matter FROM tasks JOIN cases USING (case_number) WHERE tasks.state = 'open'`))
	require.Subset(t, asked, []string{
		"withdrawal review", "withdrawal send", "withdrawal confirm", "reconciliation release", "requisition invoice-review", "lab-credit issue", "project-specialist review", "solution certification", "tier-upgrade review",
	})
}

func TestGivenAnotherProgramme_WhenTheLifeIsAskedFor_ThenItIsLeftAlone(t *testing.T) {
	db := pgtest.New(t)
	file, err := activities.ParseProgramme(demo.Programme)
	require.NoError(t, err)
	_, err = (&activities.Programme{DB: db}).Load(t.Context(), file, "operator", time.Now())
	require.NoError(t, err)
	there, err := life.Lived(t.Context(), db)
	require.ErrorIs(t, err, life.ErrOther)
	require.False(t, there)
}
