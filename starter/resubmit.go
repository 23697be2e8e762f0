package main

import (
	"context"
	"time"

	"countersign/activities"
	"countersign/domain/withdrawal"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) resubmitCommand() *cobra.Command {
	var entered application
	c := &cobra.Command{
		Use: "resubmit CASE --as PERSON --route R --amount A --code C [payee]", Short: "Enter an application anew that was returned for changes", Args: exactly("CASE"),
		Long: `Enter an application anew that was returned for changes. It is entered as a whole and judged like a new one, with a code of
its own; what was held is held anew. Number, comments and former rounds stay.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.
The verification code comes from: starter code send --as PERSON --scene withdrawal --target PARTNER`,
		Example: `  starter withdrawal resubmit W000001 --as p1001-fin --route BANK_CARD --amount 900.00 \
    --holder "A Ltd" --account-no 6222020200112233 --bank ICBC --branch "Beijing West" --code 123456`,
		RunE: func(c *cobra.Command, args []string) error {
			app, err := entered.read()
			if err != nil {
				return err
			}
			return h.resubmit(c.Context(), args[0], app)
		},
	}
	f := c.Flags()
	entered.flags(f)
	f.StringVar(&entered.Code, "code", "", "the verification code")
	f.StringVar(&entered.RequestKey, "request-key", "", "key of the request (default: a new one)")
	f.Lookup("partner").Usage = "whose money it is (default: the case's partner)"
	return needs(c, "as", "route", "amount")
}

func (h *house) resubmit(ctx context.Context, number string, app withdrawal.Application) error {
	if app.RequestKey == "" {
		app.RequestKey = uuid.NewString()
	}
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	known, err := r.Case(ctx, number)
	if err != nil {
		return err
	}
	if app.PartnerID == "" {
		app.PartnerID = known.Partner
	}
	now, err := h.send(ctx, number, "--request-key "+app.RequestKey, func(ctx context.Context, workflowID string) (activities.WithdrawalStanding, error) {
		return workflows.Resubmit(ctx, h.temporal, workflowID, app)
	}, func(ctx context.Context, w *activities.Withdrawals) (activities.WithdrawalStanding, error) {
		return w.ResubmitWithdrawal(ctx, activities.ResubmitWithdrawalInput{Case: number, Application: app, At: time.Now()})
	})
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.WithdrawalStanding
		RequestKey string `json:"request_key"`
	}{now, app.RequestKey}, func() {
		h.standing(now)
		h.say("Request key %s", app.RequestKey)
	})
}
