package main

import (
	"context"
	"errors"
	"time"

	"countersign/activities"
	"countersign/views"
	"countersign/workflows"

	"github.com/spf13/cobra"
)

// reconcileCommand presents a period's bills to all partners.
func (h *house) reconcileCommand() *cobra.Command {
	in := activities.StartInput{}
	c := &cobra.Command{
		Use: "reconcile PERIOD --as PERSON", Short: "Present the bills of a period to the partners; repeating it presents nothing twice", Args: exactly("PERIOD"),
		RunE: func(c *cobra.Command, args []string) error {
			in.Period, in.At = args[0], time.Now()
			return h.reconcile(c.Context(), in)
		},
	}
	c.Flags().StringVar(&in.By, "as", "", "who presents them")
	return needs(c, "as")
}

func (h *house) reconcile(ctx context.Context, in activities.StartInput) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		return err
	}
	r := &activities.Reconciliations{DB: db, Run: func(ctx context.Context, p activities.Presentation) error {
		return workflows.StartReconciliation(ctx, temporal, p)
	}}
	started, err := r.StartReconciliations(ctx, in)
	if err != nil {
		return err
	}
	return h.show(started, func() {
		h.say("%s of %s started, with %s. Look with: starter bill list --period %s", counted(started.Sets, "reconciliation"), in.Period, counted(started.Bills, "bill"), in.Period)
	})
}

// linesCommand searches the detail behind the bills.
func (h *house) linesCommand() *cobra.Command {
	ask, limit, file, background := activities.AskExportInput{}, 0, "", false
	f := &ask.Filter
	c := &cobra.Command{
		Use: "lines [filters] [--export FILE.xlsx|FILE.csv | --background --format xlsx|csv --as PERSON]", Short: "Search the incentive detail; the total is of all lines that match", Args: exactly(),
		Example: `  starter incentive lines --partner P1001 --year 2024 --product ECS
  starter incentive lines --bill B000001 --export may.xlsx
  starter incentive lines --year 2024 --background --format csv --as alice`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case background && file != "":
				return usageError{errors.New("--export writes a file now, --background has a worker do it; choose one")}
			case background:
				ask.At = time.Now()
				return h.exportInBackground(c.Context(), ask)
			case ask.Person != "" || ask.Format != "" || ask.Key != "":
				return usageError{errors.New("--as, --format and --key are about --background; say it, too")}
			case file != "":
				return h.exportLines(c.Context(), *f, file)
			}
			return h.lines(c.Context(), *f, limit)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Partner, "partner", "", "partner")
	flags.IntVar(&f.Year, "year", 0, "year")
	flags.StringVar(&f.Period, "period", "", "period: 2024-05, 2024-Q2 or 2024")
	flags.StringVar(&f.Plan, "plan", "", "plan name, or a part of it")
	flags.StringVar(&f.Order, "order", "", "order number")
	flags.StringVar(&f.CustomerName, "customer-name", "", "customer's name, or a part of it")
	flags.StringVar(&f.CustomerAccount, "customer-account", "", "customer's account name")
	flags.StringVar(&f.AccountManager, "account-manager", "", "account manager, or a part of the name")
	flags.StringVar(&f.Product, "product", "", "product type")
	flags.StringVar((*string)(&f.Association), "association", "", "association model: resale, advisory or none")
	flags.StringVar(&f.BillingMode, "billing-mode", "", "billing mode: subscription, pay-per-use or monthly-settled")
	flags.StringVar((*string)(&f.Status), "status", "", "status: ESTIMATED, TO_CONFIRM, RELEASING, RELEASED or VOID")
	flags.StringVar(&f.Bill, "bill", "", "bill")
	flags.Int64Var(&f.DataID, "data-id", 0, "the line's own number")
	flags.StringVar(&f.Tier2, "tier2", "", "tier-2 reseller's name, or a part of it")
	flags.IntVar(&limit, "limit", 100, "how many lines are shown")
	flags.StringVar(&file, "export", "", "write all lines that match to this file instead")
	flags.BoolVar(&background, "background", false, "have a worker write all lines that match to a file, and answer its number at once")
	flags.StringVar((*string)(&ask.Format), "format", "", "how that file is written: xlsx or csv")
	flags.StringVar(&ask.Person, "as", "", "who asks for that file; a partner's person has their own partner's lines only")
	flags.StringVar(&ask.Key, "key", "", "key of that request (default: a new one)")
	return c
}

func (h *house) lines(ctx context.Context, f views.LineFilter, limit int) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	total, err := r.LineTotal(ctx, f)
	if err != nil {
		return err
	}
	found, err := r.Lines(ctx, f, max(0, limit))
	if err != nil {
		return err
	}
	return h.show(map[string]any{"total": total, "lines": found}, func() {
		t := newTable("DATA ID", "PERIOD", "BILL", "CUSTOMER", "ORDER", "PRODUCT", "ASSOCIATION", "MODE", "COUNTED>", "RATE>", "AMOUNT>", "STATUS")
		for _, l := range found {
			t.add(l.DataID, l.Period, none(l.Bill), none(customer(l)), none(l.Order), l.Product, association(l.Association), none(l.BillingMode), l.Counted, l.Rate, l.Amount, l.Status)
		}
		t.printOr(h.out, "No line matches.")
		h.say("\n%d lines in all, %s CNY.", total.Lines, total.Amount)
	})
}

// customer is the name where it is known.
func customer(l views.DetailLine) string {
	if l.CustomerName != "" {
		return l.CustomerName
	}
	return l.Customer
}

// exportLines writes a file row by row; it appears when it is whole.
func (h *house) exportLines(ctx context.Context, f views.LineFilter, file string) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	found, err := r.LineTotal(ctx, f)
	if err != nil {
		return err
	}
	progress, end := h.progress()
	shownAt := time.Time{}
	written, err := r.WriteLines(ctx, f, file, func(lines int64) error {
		if progress != nil && time.Since(shownAt) > 100*time.Millisecond {
			progress(lines, found.Lines)
			shownAt = time.Now()
		}
		return nil
	})
	end()
	if err != nil {
		return err
	}
	return h.show(map[string]any{"file": file, "lines": written.Lines, "amount": written.Amount}, func() {
		h.say("%s holds %d lines, %s CNY.", file, written.Lines, written.Amount)
	})
}
