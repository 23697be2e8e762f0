package main

import (
	"context"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/quarter"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) quarterCommand() *cobra.Command {
	return group("quarter", "The payment of a quarter's dedicated staff", h.quarterStatusCommand(), h.quarterApplyCommand(), h.quarterResubmitCommand(), h.quarterShowCommand(), h.quarterPaymentCommand())
}

func (h *house) quarterStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status PARTNER QUARTER", Short: "What a quarter could be paid with, what keeps it from being requested, and from when on it can be", Args: exactly("PARTNER", "QUARTER"),
		Example: `  starter quarter status P1001 2024Q2`,
		RunE: func(c *cobra.Command, args []string) error {
			q, err := quarter.ParseQuarter(args[1])
			if err != nil {
				return usageError{err}
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			s, err := r.Quarter(c.Context(), args[0], q, time.Now())
			if err != nil {
				return err
			}
			return h.show(s, func() { h.quarterOf(s) })
		},
	}
}

func (h *house) quarterOf(s views.Quarter) {
	t := newTable("MONTH", "STATE", "CNY>", "CASE")
	for _, m := range s.Months {
		t.add(m.Month, m.State, m.Amount, none(m.Case))
	}
	t.add("passed", "", s.Total, "")
	t.print(h.out)
	h.say("")
	if a := s.Application; a != nil {
		h.say("%s is requested with %s, which is %s: %s CNY.", s.Quarter, a.Case, a.State, a.Total)
		return
	}
	for _, b := range s.Blocked {
		h.say("%s (%s): %s", b.Code, b.Rule, b.Message)
	}
	switch {
	case len(s.Blocked) == 0:
		h.say("The payment can be requested now: starter quarter apply --as PERSON --partner %s --quarter %s", s.Partner, s.Quarter)
	case s.FirstAllowed != nil:
		h.say("If nothing else happens, the payment can be requested from %s on.", shownToTheSecond(*s.FirstAllowed))
	default:
		h.say("Waiting alone does not open the request.")
	}
}

func (h *house) quarterApplyCommand() *cobra.Command {
	var a quarter.Application
	c := &cobra.Command{
		Use: "apply --as PERSON --partner P --quarter Q", Short: "Request the payment of a quarter", Args: exactly(),
		Long: `Request the payment of a quarter: the months that passed. What keeps it from being requested is said all at once.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: `  starter quarter apply --as p1001-admin --partner P1001 --quarter 2024Q2`,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.RequestKey == "" {
				a.RequestKey = uuid.NewString()
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+a.RequestKey, "starter quarter status "+a.PartnerID+" "+a.Quarter, func(ctx context.Context) (activities.Standing, error) {
				return workflows.ApplyForQuarter(ctx, temporal, a)
			})
			return h.stands(opened, a.RequestKey, err)
		},
	}
	f := c.Flags()
	f.StringVar(&a.Submitter, "as", "", "who requests")
	f.StringVar(&a.PartnerID, "partner", "", "who is paid")
	f.StringVar(&a.Quarter, "quarter", "", "like 2024Q2")
	f.StringVar(&a.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner", "quarter")
}

func (h *house) quarterResubmitCommand() *cobra.Command {
	var a quarter.Application
	c := &cobra.Command{
		Use: "resubmit CASE --as PERSON [--note TEXT]", Short: "Submit a rejected application again, corrected according to the opinion", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			if a.RequestKey == "" {
				a.RequestKey = uuid.NewString()
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			known, err := r.QuarterOfCase(c.Context(), args[0])
			if err != nil {
				return err
			}
			a.PartnerID, a.Quarter = known.Partner, known.Quarter
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+a.RequestKey, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.ResubmitQuarter(ctx, h.temporal, workflowID, a)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				db, err := h.database(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return (&activities.PaymentApplications{DB: db}).ResubmitPaymentApplication(ctx, activities.ResubmitPaymentApplicationInput{Case: args[0], Application: a, At: time.Now()})
			})
			return h.stands(now, a.RequestKey, err)
		},
	}
	f := c.Flags()
	f.StringVar(&a.Submitter, "as", "", "who submits")
	f.StringVar(&a.Note, "note", "", "what was corrected")
	f.StringVar(&a.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) quarterShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "Show an application with its months", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			a, err := r.QuarterOfCase(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(a, func() {
				record(h.out, "case", a.Case, "partner", a.Partner, "quarter", a.Quarter, "state", a.State, "total", fmt.Sprintf("%s %s", a.Total, a.Currency),
					"opened", shown(a.OpenedAt), "approved", shownOr(a.ApprovedAt, ""), "invoice list", a.List, "invoices", a.Invoices, "paid", shownOr(a.PaidAt, ""), "reference", a.Reference)
				h.say("")
				t := newTable("MONTH", "STATE", "CNY>", "CASE")
				for _, m := range a.Months {
					t.add(m.Month, m.State, m.Amount, none(m.Case))
				}
				t.print(h.out)
			})
		},
	}
}

func (h *house) quarterPaymentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "payment CASE", Short: "The detail of a payment that is waited for: payee, amount, expected date", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			d, err := r.PaymentDetail(c.Context(), args[0])
			if err != nil {
				return activities.Final(err)
			}
			return h.show(d, func() {
				record(h.out, "case", d.Case, "payee", d.Holder, "account", d.AccountNo, "bank", d.Bank, "branch", d.Branch, "paid by", d.Entity,
					"amount", fmt.Sprintf("%s %s", d.Amount, d.Currency), "expected on", d.ExpectedOn)
			})
		},
	}
}
