package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Borrow registers namespace in the server at address, for the demo on a Temporal that others use too: in a shared
// namespace another worker would take the demo's tasks. The result gives it back.
func Borrow(ctx context.Context, address, namespace string) (giveBack func(context.Context) error, err error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	_, err = workflowservice.NewWorkflowServiceClient(conn).RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        namespace,
		Description:                      "a run of the Countersign demo",
		WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if err != nil {
		err = fmt.Errorf("register namespace %s at %s: %w (the demo can do without: unset TEMPORAL_ADDRESS)", namespace, address, err)
		return nil, errors.Join(err, conn.Close())
	}
	return func(ctx context.Context) error {
		defer conn.Close()
		_, err := operatorservice.NewOperatorServiceClient(conn).DeleteNamespace(ctx, &operatorservice.DeleteNamespaceRequest{Namespace: namespace})
		if err != nil {
			return fmt.Errorf("delete namespace %s: %w", namespace, err)
		}
		return nil
	}, nil
}
