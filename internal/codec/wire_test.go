package codec

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// cluster answers with one history, whatever is asked for, and counts.
type cluster struct {
	workflowservice.UnimplementedWorkflowServiceServer
	payload *commonpb.Payload
	asked   atomic.Int32
}

func (*cluster) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (c *cluster) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	c.asked.Add(1)
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: []*historypb.HistoryEvent{{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
			Input: &commonpb.Payloads{Payloads: []*commonpb.Payload{c.payload}},
		}},
	}}}}, nil
}

func TestGivenAnAnswerUnderAKeyThatIsNotThere_WhenAClientAsks_ThenItIsToldAtOnceAndDoesNotAskAgain(t *testing.T) {
	c := &cluster{payload: one(t, parsed(t, key(t, "lost")).Encode, &commonpb.Payload{Data: []byte("x")})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, c)
	go func() { _ = server.Serve(listener) }() // ends with the test
	t.Cleanup(server.Stop)
	options := client.Options{HostPort: listener.Addr().String()}
	require.NoError(t, parsed(t, key(t, "other")).Apply(&options))
	asks, err := client.DialContext(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(asks.Close)

	_, err = asks.GetWorkflowHistory(t.Context(), "w", "", false, 0).Next()
	require.ErrorContains(t, err, `the key "lost", which is not among PAYLOAD_KEYS`)
	var lost *serviceerror.DataLoss
	require.ErrorAs(t, err, &lost)
	require.EqualValues(t, 1, c.asked.Load())
}
