package workflows

import (
	"context"
	"net"
	"testing"

	"countersign/activities"
	"countersign/domain/bill"
	"countersign/domain/lab"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// without is a cluster without the operators' service, as Temporal Cloud is.
type without struct {
	workflowservice.UnimplementedWorkflowServiceServer
}

func (without) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func TestGivenAClusterThatKeepsSearchAttributesToItself_WhenTheyAreRegistered_ThenTheCommandIsSaid(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, without{})
	go func() { _ = server.Serve(listener) }() // ends with the test
	t.Cleanup(server.Stop)
	c, err := client.Dial(client.Options{HostPort: listener.Addr().String(), Logger: silent{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)

	err = RegisterSearchAttributes(t.Context(), c, "countersign.a2dd6")
	require.ErrorAs(t, err, &AttributesElsewhereError{})
	require.ErrorContains(t, err, "tcld namespace search-attributes add --namespace countersign.a2dd6 --sa CaseDue=Datetime --sa CaseKind=Keyword --sa CaseNumber=Keyword --sa CasePartner=Keyword --sa CaseState=Keyword")
}

func TestTheOwnerOfACaseIsReadFromItsWorkflowID(t *testing.T) {
	for id, want := range map[string][2]string{
		WithdrawalID(withdrawal.Application{PartnerID: "P/1 é", RequestKey: "k/1"}): {withdrawal.Kind, "P/1 é"},
		ReconciliationID(activities.Presentation{Partner: "P1", Set: 2}):            {bill.Kind, "P1"},
		oneLiveID(lab.Kind, "P1", "k"):                                              {lab.Kind, "P1"},
		"daily-2026-01-01T00:00:00Z":                                                {},
		LinesExportID("k"):                                                          {},
	} {
		kind, partner := Owner(id)
		require.Equal(t, want, [2]string{kind, partner}, id)
	}
}
