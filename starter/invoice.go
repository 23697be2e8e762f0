package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/views"
	"countersign/workflows"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) invoiceCommand() *cobra.Command {
	return group("invoice", "What a partner invoices to be paid: the list, sending, arrival",
		h.invoiceListCommand(), h.invoiceTemplateCommand(), h.invoiceSendCommand(), h.invoiceArrivedCommand(), h.invoiceReturnCommand(), h.invoiceReturnedCommand())
}

func (h *house) invoiceListCommand() *cobra.Command {
	var pdf, number, date, file string
	c := &cobra.Command{
		Use: "list CASE [--pdf FILE]", Short: "Show the invoice list of a case and what was sent for it; --pdf prints it", Args: exactly("CASE"),
		Long: `Show the invoice list of a case and what was sent for it. --pdf prints it, with the invoices that were sent.

The invoice numbers stand on the list before it is sent (INV-09): give the one invoice over the whole list by --number and --date,
several by --invoices and the file that starter invoice send takes, or write them onto the blank lines by hand.`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			v, err := r.InvoiceList(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			if pdf != "" {
				entered, err := notSent(v, number, date, file)
				if err != nil {
					return err
				}
				return h.invoicePDF(v, entered, pdf)
			}
			return h.show(v, func() { h.invoiceList(v) })
		},
	}
	f := c.Flags()
	f.StringVar(&pdf, "pdf", "", "file to print the list into, to be signed and sent with the invoices")
	f.StringVar(&number, "number", "", "number of the one invoice over the whole list, to be printed on it")
	f.StringVar(&date, "date", "", "the date it was issued on, like 2024-06-20")
	f.StringVar(&file, "invoices", "", "file of the invoices to be printed on it")
	return c
}

// notSent reads invoices whose numbers are to be printed on the list before it is sent (INV-09).
func notSent(v views.InvoiceList, number, date, file string) ([]invoice.Entered, error) {
	switch {
	case file != "":
		p, err := readPackage(file, invoice.Package{})
		return p.Invoices, err
	case number != "":
		return []invoice.Entered{invoice.Whole(v.List, invoice.Paper, number, "", date)}, nil
	}
	return nil, nil
}

func (h *house) invoiceList(v views.InvoiceList) {
	s := v.Supplier
	record(h.out,
		"list", v.No, "case", v.Case, "progress", v.Progress, "supplier", s.Name, "tax number", s.TaxNumber, "bank", s.Bank+" "+s.Branch, "account", s.AccountNo,
		"buyer", v.Buyer, "settlement period", v.Period, "amount, tax included", fmt.Sprintf("%s %s", v.Amount, v.Currency), "service-fee tax rate", v.Rate.Percent(),
		"mailing address", v.MailingAddress, "public mailbox", v.PublicMailbox, "contacts", v.Contacts, "send by", v.DueDate)
	if len(v.Rounds) > 0 {
		h.say("")
	}
	rounds := newTable("ROUND>", "SENT", "BY", "HOW", "", "ARRIVED", "REVIEW ON", "RESULT", "REASON")
	invoices := newTable("ROUND>", "INVOICE", "TYPE", "DATE", "NET>", "TAX>", "TOTAL>", "RATE")
	for _, r := range v.Rounds {
		late := ""
		if r.Late {
			late = "late"
		}
		how := strings.TrimSpace(strings.Join([]string{strings.TrimSpace(r.Carrier + " " + r.TrackingNo), r.Mailbox}, " "))
		rounds.add(r.Round, shown(r.SentAt), r.SentBy, how, late, shownOr(r.ArrivedAt, "-"), none(r.ReviewOn.String()), none(r.Result), strings.Join(append(r.Reasons, r.Note), " "))
		for _, i := range r.Invoices {
			invoices.add(r.Round, i.Name(), i.Type, i.Date, i.Net, i.Tax, i.Total, i.Rate.Percent())
		}
	}
	if rounds.rows > 0 {
		rounds.print(h.out)
		h.say("")
		invoices.print(h.out)
	}
	for _, f := range v.Findings {
		h.say("\nInvoice %s: %s (%s, %s)", f.Invoice, f.Words, f.Reason, f.Rule)
	}
}

// invoicePDF prints the list with the invoices of the round that is under way or was accepted, else with those that are to be sent.
func (h *house) invoicePDF(v views.InvoiceList, entered []invoice.Entered, file string) error {
	printed, err := v.Print(entered, time.Now())
	var unreadable views.UnreadableError
	if errors.As(err, &unreadable) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, printed, 0o600); err != nil {
		return err
	}
	return h.show(map[string]string{"list": v.No, "file": file}, func() { h.say("List %s is printed into %s.", v.No, file) })
}

func (h *house) invoiceTemplateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "template CASE", Short: "Write the file for invoice send: one invoice over the whole list, its number to be filled in", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			v, err := r.InvoiceList(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			text, err := yaml.Marshal(invoice.Package{
				Invoices: []invoice.Entered{invoice.Whole(v.List, invoice.Paper, "", "", calendar.DateOf(time.Now()).String())}, ListEnclosed: true,
			})
			if err != nil {
				return err
			}
			_, err = h.out.Write(text)
			return err
		},
	}
}

// sending is what the command line says about a package.
type sending struct {
	p                        invoice.Package
	number, code, date, kind string
}

func (h *house) invoiceSendCommand() *cobra.Command {
	var s sending
	c := &cobra.Command{
		Use: "send CASE [FILE.yaml] --as PERSON", Short: "Register the invoices of a case and how they were sent", Args: atMost(2),
		Long: `Register the invoices of a case and how they were sent.

Several invoices, or one that differs from the list, stand in a file; starter invoice template CASE writes one. What it
leaves out is missing on the invoice, and the review fails for it. Without a file the flags say the one invoice over the
whole list: its number is written on the list before it is sent (INV-09).

Paper is posted together with the list: --with-list, --carrier, --tracking. Electronic invoices go to the public mailbox of
the list, with the list: --type electronic, --with-list, --mailbox.

Repeat a command whose answer was lost with the same --key: nothing happens twice.`,
		Example: `  starter invoice send R000001 --as alice --number 24442000000012345678 --date 2024-06-20 --with-list --carrier SF --tracking SF1234567890
  starter invoice template R000001 > invoices.yaml
  starter invoice send R000001 invoices.yaml --as alice --tracking SF1234567890`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("CASE is missing")}
			}
			s.p.Case = args[0]
			return h.invoiceSend(c.Context(), s, args[1:])
		},
	}
	f := c.Flags()
	f.StringVar(&s.p.Person, "as", "", "who sends")
	f.StringVar(&s.p.Key, "key", "", "key of the request (default: a new one)")
	f.StringVar(&s.number, "number", "", "the invoice's number")
	f.StringVar(&s.code, "code", "", "the invoice's code, of paper forms that have one")
	f.StringVar(&s.date, "date", "", "the date it was issued on, like 2024-06-20")
	f.StringVar(&s.kind, "type", "paper", "paper, electronic or ordinary")
	f.BoolVar(&s.p.ListEnclosed, "with-list", false, "the list is enclosed")
	f.StringVar(&s.p.Carrier, "carrier", "", "who carries the paper")
	f.StringVar(&s.p.TrackingNo, "tracking", "", "the carrier's tracking number")
	f.StringVar(&s.p.Mailbox, "mailbox", "", "the mailbox that electronic invoices were sent to")
	return needs(c, "as")
}

var invoiceTypes = map[string]invoice.Type{"paper": invoice.Paper, "electronic": invoice.Electronic, "ordinary": invoice.Ordinary}

func (h *house) invoiceSend(ctx context.Context, s sending, files []string) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	v, err := r.InvoiceList(ctx, s.p.Case, time.Now())
	if err != nil {
		return err
	}
	if len(files) > 0 {
		if s.p, err = readPackage(files[0], s.p); err != nil {
			return err
		}
	} else {
		t, known := invoiceTypes[s.kind]
		if !known {
			return usageError{fmt.Errorf("--type is paper, electronic or ordinary, not %q", s.kind)}
		}
		s.p.Invoices = []invoice.Entered{invoice.Whole(v.List, t, s.number, s.code, s.date)}
	}
	if s.p.Key == "" {
		s.p.Key = uuid.NewString()
	}
	now, err := sendTo(ctx, h, s.p.Case, "--key "+s.p.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
		return workflows.SendInvoices(ctx, h.temporal, workflowID, s.p)
	}, func(ctx context.Context, _ string) (activities.Standing, error) {
		return (&activities.Cases{DB: r.DB}).SendInvoices(ctx, activities.SendInvoicesInput{Package: s.p, At: time.Now()})
	})
	return h.invoiced(now, s.p.Key, err)
}

// invoiced shows where a case stands after a step with its invoices.
func (h *house) invoiced(now activities.Standing, key string, err error) error {
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.Standing
		Key string `json:"key"`
	}{now, key}, func() { h.standing(now) })
}

// readPackage reads a file; flags that are given go before it.
func readPackage(file string, flags invoice.Package) (invoice.Package, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return flags, err
	}
	var p invoice.Package
	if err := yaml.UnmarshalWithOptions(text, &p, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return flags, fmt.Errorf("the file of invoices is not in order:\n%s", yaml.FormatError(err, false, true))
	}
	p.Case, p.Person, p.Key = flags.Case, flags.Person, flags.Key
	p.ListEnclosed = p.ListEnclosed || flags.ListEnclosed
	for _, f := range []struct {
		from string
		into *string
	}{{flags.Carrier, &p.Carrier}, {flags.TrackingNo, &p.TrackingNo}, {flags.Mailbox, &p.Mailbox}} {
		if f.from != "" {
			*f.into = f.from
		}
	}
	return p, nil
}

func (h *house) invoiceArrivedCommand() *cobra.Command {
	in := activities.ArrivalInput{}
	c := &cobra.Command{
		Use: "arrived CASE --as PERSON", Short: "Record that the invoices of a case arrived; their review is due on the second working day", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			in.Case = args[0]
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			now, err := sendTo(c.Context(), h, in.Case, "--key "+in.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.RecordArrival(ctx, h.temporal, workflowID, in)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				db, err := h.database(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				in.At = time.Now()
				return (&activities.Cases{DB: db}).RecordArrival(ctx, in)
			})
			return h.invoiced(now, in.Key, err)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who received them")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) invoiceReturnCommand() *cobra.Command {
	t := invoice.Ticket{}
	c := &cobra.Command{
		Use: "return CASE --number N --address A --recipient R --as PERSON", Short: "Ask for an ordinary invoice back that was sent by mistake", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			t.Case = args[0]
			if t.Key == "" {
				t.Key = uuid.NewString()
			}
			ticket, err := (&activities.Cases{DB: db}).AskInvoiceBack(c.Context(), t, time.Now())
			if err != nil {
				return err
			}
			return h.show(ticket, func() {
				h.say("Ticket %s asks for invoice %s back to %s, %s.", ticket.No, ticket.Number, oneLine(ticket.Recipient), oneLine(ticket.ReturnAddress))
			})
		},
	}
	f := c.Flags()
	f.StringVar(&t.Person, "as", "", "who asks")
	f.StringVar(&t.Number, "number", "", "the number of the ordinary invoice")
	f.StringVar(&t.ReturnAddress, "address", "", "where it is sent back to")
	f.StringVar(&t.Recipient, "recipient", "", "who receives it there")
	f.StringVar(&t.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) invoiceReturnedCommand() *cobra.Command {
	in := activities.ReturnInvoiceInput{}
	c := &cobra.Command{
		Use: "returned TICKET --tracking T --as PERSON", Short: "Record that the ordinary invoice of a ticket is on its way back", Args: exactly("TICKET"),
		RunE: func(c *cobra.Command, args []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			in.Ticket, in.At = args[0], time.Now()
			ticket, err := (&activities.Cases{DB: db}).ReturnInvoice(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(ticket, func() {
				h.say("Invoice %s of ticket %s is on its way back: %s.", ticket.Number, ticket.No, oneLine(ticket.TrackingNo))
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who sends it back")
	f.StringVar(&in.TrackingNo, "tracking", "", "the carrier's tracking number")
	return needs(c, "as", "tracking")
}
