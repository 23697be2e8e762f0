package desk_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

func TestEachOfManyTasksIsJudgedByItselfUnderAKeyOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]string{}
	decide := func(_ context.Context, d approval.Decision) (activities.Standing, error) {
		mu.Lock()
		defer mu.Unlock()
		keys[d.Task] = d.Key
		switch d.Task {
		case "W2/review":
			return activities.Standing{}, refusal.List{refusal.New("ENG-03", "ENG_STATE", "task", "It was answered.")}
		case "W3/review":
			return activities.Standing{}, errors.New("broken")
		}
		return activities.Standing{Case: approval.CaseOf(d.Task)}, nil
	}
	var heard int64
	items := desk.DecideAll(t.Context(), approval.Decision{Key: "k"}, []string{"W1/review", "W2/review", "W3/review"}, decide, func(done, all int64) {
		heard = done
		require.EqualValues(t, 3, all)
	})
	require.EqualValues(t, 3, heard)
	require.Equal(t, map[string]string{"W1/review": "k/W1/review", "W2/review": "k/W2/review", "W3/review": "k/W3/review"}, keys)
	require.Equal(t, []string{desk.Done, desk.Refused, desk.Failed}, []string{items[0].Result, items[1].Result, items[2].Result})
	require.Equal(t, "W1", items[0].Now.Case)
	require.Equal(t, "ENG_STATE", items[1].Refused[0].Code)
	require.EqualError(t, items[2].Err, "broken")
}

func TestGivenNobodyWhoAnswersOrAnInterruptionThenTheRestIsNotTried(t *testing.T) {
	tried := 0
	late := func(context.Context, approval.Decision) (activities.Standing, error) {
		tried++
		return activities.Standing{}, fmt.Errorf("%w within a moment", desk.ErrLate)
	}
	var tasks []string // of one case, so one after the other
	for i := range desk.AtOnce + 2 {
		tasks = append(tasks, fmt.Sprintf("W1/step-%d", i))
	}
	items := desk.DecideAll(t.Context(), approval.Decision{}, tasks, late, nil)
	require.Equal(t, desk.AtOnce, tried)
	require.Equal(t, desk.Item{Task: tasks[desk.AtOnce], Result: desk.NotTried, Err: desk.ErrSilent}, items[desk.AtOnce])

	over, stop := context.WithCancel(t.Context())
	stop()
	items = desk.DecideAll(over, approval.Decision{}, tasks[:1], late, nil)
	require.Equal(t, []desk.Item{{Task: tasks[0], Result: desk.NotTried, Err: context.Canceled}}, items)
}
