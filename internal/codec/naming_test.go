package codec

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
)

// sent is what would go to Temporal.
type sent struct {
	interceptor.ClientOutboundInterceptorBase
	ids []string
}

func (s *sent) UpdateWorkflow(_ context.Context, in *interceptor.ClientUpdateWorkflowInput) (client.WorkflowUpdateHandle, error) {
	s.ids = append(s.ids, in.UpdateID)
	return nil, nil
}

func (s *sent) UpdateWithStartWorkflow(_ context.Context, in *interceptor.ClientUpdateWithStartWorkflowInput) (client.WorkflowUpdateHandle, error) {
	s.ids = append(s.ids, in.UpdateOptions.UpdateID)
	return nil, nil
}

func TestGivenAnUpdate_WhenItIsSent_ThenItsIDIsAKeyedHashThatIsTheSameForTheSameAgainAndAsksForTheKey(t *testing.T) {
	first, second := key(t, "first"), key(t, "second")
	idsUnder := func(keys string) []string {
		options := client.Options{}
		require.NoError(t, parsed(t, keys).Apply(&options))
		out := &sent{}
		if len(options.Interceptors) == 0 {
			return nil
		}
		through := options.Interceptors[0].InterceptClient(out)
		for _, id := range []string{"k-1/0a1b", "k-1/0a1b", "k-1/0a1c", ""} {
			given := client.UpdateWorkflowOptions{UpdateID: id}
			_, err := through.UpdateWorkflow(t.Context(), &interceptor.ClientUpdateWorkflowInput{UpdateID: id})
			require.NoError(t, err)
			_, err = through.UpdateWithStartWorkflow(t.Context(), &interceptor.ClientUpdateWithStartWorkflowInput{UpdateOptions: &given})
			require.NoError(t, err)
			require.Equal(t, id, given.UpdateID, "the caller's own stays, to be sent again")
		}
		return out.ids
	}
	ids := idsUnder(first)
	require.Regexp(t, `^[0-9a-f]{32}$`, ids[0])
	require.Equal(t, []string{ids[0], ids[0], ids[0], ids[0]}, ids[:4])
	require.NotEqual(t, ids[0], ids[4])
	require.Equal(t, []string{"", ""}, ids[6:], "the SDK draws one")
	require.Equal(t, ids, idsUnder(first+","+second), "the first key names")
	require.NotEqual(t, ids[0], idsUnder(second)[0])
	require.Empty(t, idsUnder(Off+","+first), "nothing is hidden")
}
