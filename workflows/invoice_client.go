package workflows

import (
	"context"
	"fmt"

	"countersign/activities"
	"countersign/domain/invoice"

	"go.temporal.io/sdk/client"
)

// SendInvoices sends a package to the run of its case and answers where the case stands afterwards. The package's key is the
// update's ID: the same again answers the first result.
func SendInvoices(ctx context.Context, c client.Client, workflowID string, p invoice.Package) (activities.Standing, error) {
	p.Key = keyOr(p.Key)
	return update[activities.Standing](ctx, c, workflowID, SendInvoicesUpdate, fmt.Sprintf("%s/%x", clip(p.Key), p.Digest()[:8]), p)
}

// RecordArrival tells the run of a case that its invoices arrived.
func RecordArrival(ctx context.Context, c client.Client, workflowID string, in activities.ArrivalInput) (activities.Standing, error) {
	in.Key = keyOr(in.Key)
	return update[activities.Standing](ctx, c, workflowID, ArrivalUpdate, in.Key, in)
}
