package workflows

import (
	"countersign/activities"
	"countersign/domain/invoice"

	"go.temporal.io/sdk/workflow"
)

// How the invoices of a case reach its run, whatever its kind. Their review is a task like any other, answered by decide.
const (
	SendInvoicesUpdate = "send-invoices" // the partner sent them
	ArrivalUpdate      = "arrival"       // they arrived
)

// listenForInvoices takes the two updates for a kind of case that is paid against invoices.
func listenForInvoices(ctx workflow.Context, r *caseRun[activities.Standing]) error {
	if err := workflow.SetUpdateHandlerWithOptions(ctx, SendInvoicesUpdate, func(ctx workflow.Context, p invoice.Package) (activities.Standing, error) {
		if p.Key == "" {
			p.Key = workflow.GetCurrentUpdateInfo(ctx).ID
		}
		at := workflow.Now(ctx)
		return r.hand(ctx, at, func() (string, any, any, error) {
			p.Case = r.stands.Case // whoever reached this run means its case
			return "invoices sent by " + p.Person, cases.SendInvoices, activities.SendInvoicesInput{Package: p, At: at}, nil
		})
	}, workflow.UpdateHandlerOptions{
		Description: "Send the invoices of the list: numbers, amounts, how they travel",
		Validator:   func(_ workflow.Context, p invoice.Package) error { return activities.Final(p.WellFormed().Err()) },
	}); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, ArrivalUpdate, func(ctx workflow.Context, in activities.ArrivalInput) (activities.Standing, error) {
		if in.Key == "" {
			in.Key = workflow.GetCurrentUpdateInfo(ctx).ID
		}
		in.At = workflow.Now(ctx)
		return r.hand(ctx, in.At, func() (string, any, any, error) {
			in.Case = r.stands.Case
			return "arrival of invoices by " + in.Person, cases.RecordArrival, in, nil
		})
	}, workflow.UpdateHandlerOptions{
		Description: "Record that the invoices arrived: their review is due on the second working day",
		Validator: func(_ workflow.Context, in activities.ArrivalInput) error {
			return activities.Final(in.WellFormed().Err())
		},
	})
}
