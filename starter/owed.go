package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/owed"
	"countersign/views"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) owedCommand() *cobra.Command {
	return group("owed", "Invoices that are owed for money granted before, and requests that set them off", h.owedListCommand(), h.owedRequestCommand(), h.owedRecordCommand())
}

func (h *house) owedListCommand() *cobra.Command {
	all := false
	c := &cobra.Command{
		Use: "list PARTNER", Short: "Show what a partner owes invoices for, and what it asked to be invoiced", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			v, err := r.Owed(c.Context(), args[0], all)
			if err != nil {
				return err
			}
			return h.show(v, func() { h.owed(v) })
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also what is set off")
	return c
}

func (h *house) owed(v views.Owed) {
	t := newTable("ENTRY", "SINCE", "SOURCE", "CASE", "RATE", "AMOUNT>", "REMAINING>", "STATE")
	for _, e := range v.Entries {
		t.add(e.ID, shown(e.CreatedAt), e.Source, none(e.Case), e.Rate.Percent(), e.Amount, e.Remaining, e.State)
	}
	t.printOr(h.out, "Nothing is owed.")
	if len(v.Requests) == 0 {
		return
	}
	h.say("")
	requests := newTable("REQUEST", "TIME", "BY", "PERIOD", "RATE", "SELECTED>", "SET OFF>", "INVOICED>")
	for _, r := range v.Requests {
		requests.add(r.No, shown(r.At), r.By, none(r.Period), r.Rate.Percent(), r.Selected, r.SetOff, r.Invoiced)
	}
	requests.print(h.out)
}

func (h *house) owedRequestCommand() *cobra.Command {
	var r owed.Request
	var selected []string
	c := &cobra.Command{
		Use: "request PARTNER --select RATE=AMOUNT --as PERSON", Short: "Ask the vendor for invoices; what is owed is set off first", Args: exactly("PARTNER"),
		Long: `Ask the vendor for invoices over consumption, an amount for each tax rate. What is owed is set off first, at its own rate
and all of it; only the rest is invoiced.

Repeat a command whose answer was lost with the same --key: nothing happens twice.`,
		Example: `  starter owed request P1001 --select 6=11000.00 --as alice
  starter owed request P1001 --select 6=20.00 --select 13=300.00 --period 2024-05 --as alice`,
		RunE: func(c *cobra.Command, args []string) error {
			r.Partner, r.Selected = args[0], nil
			for _, s := range selected {
				rate, amount, found := strings.Cut(s, "=")
				if !found {
					return usageError{fmt.Errorf("--select is written like 6=11000.00, not %q", s)}
				}
				r.Selected = append(r.Selected, owed.Selected{Rate: strings.TrimSuffix(rate, "%"), Amount: amount})
			}
			return h.owedRequest(c.Context(), r)
		},
	}
	f := c.Flags()
	f.StringVar(&r.Person, "as", "", "who asks")
	f.StringArrayVar(&selected, "select", nil, "tax rate in percent and amount, like 6=11000.00; may be repeated")
	f.StringVar(&r.Period, "period", "", "the billing period that is invoiced, like 2024-05")
	f.StringVar(&r.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as", "select")
}

func (h *house) owedRequest(ctx context.Context, r owed.Request) error {
	if r.Key == "" {
		r.Key = uuid.NewString()
	}
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	done, err := (&activities.Owed{DB: db}).RequestInvoices(ctx, r, time.Now())
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.VendorInvoices
		Key string `json:"key"`
	}{done, r.Key}, func() {
		h.say("Request %s of %s:\n", done.No, done.Partner)
		t := newTable("RATE", "SELECTED>", "SET OFF>", "INVOICED>")
		for _, l := range done.Lines {
			t.add(l.Rate.Percent(), l.Selected, l.SetOff, l.Invoiced)
		}
		t.print(h.out)
		for _, o := range done.Offsets {
			h.say("%s of %s is set off.", o.Amount, o.Entry)
		}
	})
}

func (h *house) owedRecordCommand() *cobra.Command {
	var r owed.Record
	var source string
	c := &cobra.Command{
		Use: "record PARTNER --source S --rate R --amount A --as PERSON", Short: "Record what a refund, a downgrade or an invoice on receipt of money left owed", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			if r.Key == "" {
				r.Key = uuid.NewString()
			}
			r.Partner, r.Source = args[0], owed.Source(source)
			e, err := (&activities.Owed{DB: db}).RecordOwed(c.Context(), r, time.Now())
			if err != nil {
				return err
			}
			return h.show(struct {
				owed.Entry
				Key string `json:"key"`
			}{e, r.Key}, func() {
				h.say("Entry %s: %s owes an invoice over %s at %s.", e.ID, r.Partner, e.Amount, e.Rate.Percent())
			})
		},
	}
	f := c.Flags()
	f.StringVar(&r.Person, "as", "", "who records it")
	f.StringVar(&source, "source", "", "REFUND, DOWNGRADE or INVOICE_ON_RECEIPT")
	f.StringVar(&r.Rate, "rate", "", "tax rate in percent")
	f.StringVar(&r.Amount, "amount", "", "the amount, tax included")
	f.StringVar(&r.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as", "source", "rate", "amount")
}
