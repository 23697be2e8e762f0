package e2e

import (
	"slices"
	"strings"
	"testing"

	"countersign/views"

	"github.com/stretchr/testify/require"
)

// What `make up` begins with: inboxes with tasks of several kinds whose answers count, and nothing twice when it begins again.
func TestGivenAnEmptyDatabase_WhenItGetsTheDemosLife_ThenItsPeopleFindTasksAndTheirCasesGoOn(t *testing.T) {
	s := elsewhere(t)
	s.ask(t, 0, nil, "migrate")
	type life struct {
		Laid bool `json:"laid"`
		Runs int  `json:"runs"`
	}
	var first, again life
	s.ask(t, 0, &first, "demo", "life")
	require.True(t, first.Laid)
	s.ask(t, 0, &again, "demo", "life")
	require.Equal(t, life{}, again, "nothing twice")
	s.startWorker(t)

	// Those whose accounts make up prints have something to do, each of a kind of their own.
	answered := func(person, seat, outcome string, more ...string) {
		t.Helper()
		var found struct {
			Tasks []views.InboxTask `json:"tasks"`
		}
		s.ask(t, 0, &found, "inbox", "--as", person)
		i := slices.IndexFunc(found.Tasks, func(task views.InboxTask) bool { return strings.HasSuffix(task.ID, "/"+seat) })
		require.GreaterOrEqual(t, i, 0, "%s is asked to %s", person, seat)
		s.ask(t, 0, nil, append([]string{"task", "decide", found.Tasks[i].ID, outcome, "--as", person}, more...)...)
	}
	answered("lina", "review", "approve")
	answered("lina", "send", "send")
	answered("lina", "invoice-review", "pass")
	answered("chen", "sign", "approve")
	answered("he", "issue", "issued", "--reference", "CP-1")
	answered("han", "certification-review", "approve")

	var repaired repairs
	s.ask(t, 0, &repaired, "case", "repair")
	require.Empty(t, repaired.Repairs, "each case that is open has its run")
	s.addsUp(t)
}
