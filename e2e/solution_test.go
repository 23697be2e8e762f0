package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
)

// Rules: CERT-10, ENG-01, PGM-10
func TestGivenACertificateThatIsRenewed_WhenPeopleAskAsTheRunIsContinued_ThenEachHasAnAnswerAndNothingIsLost(t *testing.T) {
	p := newPartner(t, "PRENEW")
	p.onPath("SW", "SELECTED")
	c := p.takenOver(calendar.AddMonths(time.Now(), -11))
	c.is("EXPIRING")
	c.sends("3.0")
	c.says("certification-review", "cora", approval.Decision{Outcome: approval.Approve})

	const asking = 12
	answers := make([]error, asking)
	var people sync.WaitGroup
	for i := range asking { // before, while and after the approval ends the run
		d := approval.Decision{Task: c.number + "/architecture-review", Person: "ada", Outcome: approval.Comment, Reason: fmt.Sprintf("note %d", i), Key: fmt.Sprintf("%s-%d", c.number, i)}
		if i == 2 {
			d.Outcome, d.Reason = approval.Approve, ""
		}
		people.Go(func() { _, answers[i] = workflows.Decide(t.Context(), p.s.client, c.workflowID, d) })
		time.Sleep(20 * time.Millisecond)
	}
	people.Wait()
	for _, err := range answers {
		require.NoError(t, err)
	}
	c.is("CERTIFIED")
	require.Equal(t, asking, p.s.count(t, `SELECT count(*) FROM decisions WHERE case_number = $1 AND person_id = 'ada'`, c.number))
	require.Len(t, p.s.chain(t, c.workflowID), 2, "one run for each certificate")
	p.s.addsUp(t)
}
