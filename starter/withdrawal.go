package main

import (
	"context"
	"slices"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

func (h *house) withdrawalCommand() *cobra.Command {
	return group("withdrawal", "A partner takes unused money out", h.applyCommand(), h.resubmitCommand(), h.cancelCommand(), h.deleteCommand(), h.availableCommand(), h.returnLateCommand())
}

func (h *house) applyCommand() *cobra.Command {
	var entered application
	preview := false
	c := &cobra.Command{
		Use: "apply --as PERSON --partner P --route R --amount A --code C [payee]", Short: "Apply for a withdrawal", Args: exactly(),
		Long: `Apply for a withdrawal. The rules judge what is entered, all of it at once.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.
The verification code comes from: starter code send --as PERSON --scene withdrawal --target PARTNER`,
		Example: `  starter withdrawal apply --as p1001-fin --partner P1001 --route BANK_CARD --amount 1200.00 \
    --holder "A Ltd" --account-no 6222020200112233 --bank ICBC --branch "Beijing West" --code 123456`,
		RunE: func(c *cobra.Command, _ []string) error {
			app, err := entered.read()
			if err != nil {
				return err
			}
			if preview {
				return h.preview(c.Context(), app)
			}
			return h.apply(c.Context(), app)
		},
	}
	f := c.Flags()
	entered.flags(f)
	f.StringVar(&entered.Code, "code", "", "the verification code")
	f.StringVar(&entered.RequestKey, "request-key", "", "key of the request (default: a new one)")
	f.BoolVar(&preview, "preview", false, "only say who would be asked; nothing is submitted")
	return needs(c, "as", "partner", "route", "amount")
}

func (h *house) apply(ctx context.Context, app withdrawal.Application) error {
	opened, key, err := h.submit(ctx, app)
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.WithdrawalStanding
		RequestKey string `json:"request_key"`
	}{opened, key}, func() {
		h.standing(opened)
		h.say("Request key %s", key)
	})
}

// submit applies under a key of its own when none is given; the key is answered, for a repeat.
func (h *house) submit(ctx context.Context, app withdrawal.Application) (activities.WithdrawalStanding, string, error) {
	if app.RequestKey == "" {
		app.RequestKey = uuid.NewString()
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		return activities.WithdrawalStanding{}, app.RequestKey, err
	}
	opened, err := inTime(ctx, "--request-key "+app.RequestKey, "starter case list --partner "+app.PartnerID,
		func(ctx context.Context) (activities.WithdrawalStanding, error) {
			return workflows.SubmitWithdrawal(ctx, temporal, app)
		})
	return opened, app.RequestKey, err
}

// standing prints where a case stands.
// standing says where a case stands.
func (h *house) standing(of interface{ Now() activities.Standing }) {
	s := of.Now()
	due := ""
	if s.DueAt != nil && !s.Ended {
		due = ", due " + shown(*s.DueAt)
	}
	h.say("%s is %s: %s%s", s.Case, s.State, oneLine(s.About), due)
}

func (h *house) cancelCommand() *cobra.Command {
	r := workflows.CancelRequest{}
	c := &cobra.Command{
		Use: "cancel CASE --as PERSON", Short: "Take an application back while nobody has decided it", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			now, err := h.cancel(c.Context(), args[0], r)
			if err != nil {
				return err
			}
			return h.show(now, func() { h.standing(now) })
		},
	}
	f := c.Flags()
	f.StringVar(&r.Person, "as", "", "who cancels")
	f.StringVar(&r.Reason, "reason", "", "why")
	f.StringVar(&r.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) cancel(ctx context.Context, number string, r workflows.CancelRequest) (activities.WithdrawalStanding, error) {
	if r.Key == "" {
		r.Key = uuid.NewString()
	}
	return h.send(ctx, number, "--key "+r.Key, func(ctx context.Context, workflowID string) (activities.WithdrawalStanding, error) {
		return workflows.Cancel(ctx, h.temporal, workflowID, r)
	}, func(ctx context.Context, w *activities.Withdrawals) (activities.WithdrawalStanding, error) {
		return w.CancelWithdrawal(ctx, activities.CancelWithdrawalInput{Case: number, Key: r.Key, Person: r.Person, Reason: r.Reason, At: time.Now()})
	})
}

// send hands a request to the run of a withdrawal, by h.temporal; one that has ended has none and is asked directly.
func (h *house) send(ctx context.Context, number, key string,
	running func(ctx context.Context, workflowID string) (activities.WithdrawalStanding, error),
	ended func(context.Context, *activities.Withdrawals) (activities.WithdrawalStanding, error),
) (activities.WithdrawalStanding, error) {
	return sendTo(ctx, h, number, key, running, func(ctx context.Context, _ string) (activities.WithdrawalStanding, error) {
		w, err := h.withdrawals(ctx)
		if err != nil {
			return activities.WithdrawalStanding{}, err
		}
		return ended(ctx, w)
	})
}

// sendTo hands a request to the run of a case of any kind; one that has ended has no run and is asked directly.
func sendTo[S any](ctx context.Context, h *house, number, key string,
	running func(ctx context.Context, workflowID string) (S, error), ended func(ctx context.Context, kind string) (S, error),
) (S, error) {
	d, err := h.desk(ctx)
	if err != nil {
		var nothing S
		return nothing, err
	}
	now, err := desk.Send(ctx, d, number, func(ctx context.Context, _ client.Client, workflowID string) (S, error) {
		return running(ctx, workflowID)
	}, ended)
	return now, toldLate(err, key, "starter case show "+number)
}

func (h *house) deleteCommand() *cobra.Command {
	in := activities.CancelWithdrawalInput{}
	c := &cobra.Command{
		Use: "delete CASE --as PERSON", Short: "Hide a refused application; everything about it is kept", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			w, err := h.withdrawals(c.Context())
			if err != nil {
				return err
			}
			in.Case, in.At = args[0], time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			now, err := w.DeleteWithdrawal(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(now, func() { h.standing(now) })
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who deletes")
	f.StringVar(&in.Reason, "reason", "", "why")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) availableCommand() *cobra.Command {
	return &cobra.Command{
		Use: "available PARTNER", Short: "What a partner may withdraw now, and from which lots", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			a, err := r.Available(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(a, func() { h.available(a) })
		},
	}
}

func (h *house) available(a views.Available) {
	t := newTable("PARTNER "+a.Partner, "CNY>")
	for _, l := range []struct {
		name   string
		amount any
	}{{"cash", a.Cash}, {"less owed invoices", a.Owed}, {"less charges not posted", a.Unposted}, {"less customers' debts", a.Debts}, {"withdrawable", a.Withdrawable}} {
		t.add(l.name, l.amount)
	}
	for _, route := range withdrawal.Routes {
		t.add("  by "+string(route), a.Routes[route])
	}
	t.print(h.out)
	h.say("")
	lots := newTable("LOT", "SOURCE", "PAYER", "ARRIVED", "REMAINING>", "FREE>", "LEAVES BY", "RULE")
	for _, l := range slices.Backward(a.Lots) { // the order in which they are taken (WDL-13)
		lots.add(l.No, l.Source, none(l.Payer), shown(l.ArrivedAt), l.Remaining, l.Free, l.Pool, l.Rule)
	}
	lots.printOr(h.out, "No lot has money left.")
}

func (h *house) returnLateCommand() *cobra.Command {
	in := activities.ReportLateReturnInput{}
	c := &cobra.Command{
		Use: "return-late CASE --as PERSON --amount A --reference R", Short: "Report that a bank gave back money of a paid withdrawal", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			w, err := h.withdrawals(c.Context())
			if err != nil {
				return err
			}
			in.Case, in.At = args[0], time.Now()
			reported, err := w.ReportLateReturn(c.Context(), in)
			if err != nil {
				return err
			}
			task, err := views.Reader{DB: w.DB}.Task(c.Context(), reported.Task)
			if err != nil {
				return err
			}
			return h.show(task, func() { h.say("Task %s asks %s: %s", task.ID, task.Asked(), task.Question) })
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who reports it")
	f.StringVar(&in.Amount, "amount", "", "what came back")
	f.StringVar(&in.Reference, "reference", "", "the bank's reference of the return")
	return needs(c, "as", "amount", "reference")
}

func (h *house) codeCommand() *cobra.Command {
	in := activities.SendCodeInput{}
	c := &cobra.Command{
		Use: "send --as PERSON --target PARTNER", Short: "Send a verification code to oneself", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			in.At = time.Now()
			sent, err := (&activities.Codes{DB: db}).SendCode(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(sent, func() {
				h.say("A code is on its way to %s; it holds until %s. While no mail server is set it can be read with: starter outbox --person %s",
					sent.Person, shownToTheSecond(sent.ExpiresAt), sent.Person)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who asks and receives")
	f.StringVar(&in.Scene, "scene", verification.Withdrawal, "what it is for: "+verification.Withdrawal+", "+verification.Password)
	f.StringVar(&in.Target, "target", "", "the partner whose money leaves, or whose master account it is")
	return group("code", "Verification codes", needs(c, "as", "target"))
}
