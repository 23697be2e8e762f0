package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/consumption"

	"github.com/cheggaaa/pb/v3"
	"github.com/spf13/cobra"
)

func (h *house) consumptionCommand() *cobra.Command {
	return group("consumption", "What customers used: take in billing files", h.consumptionImportCommand(), h.consumptionListCommand(), h.consumptionMapCommand(),
		group("rate", "Exchange rates for what is not billed in CNY", h.rateSetCommand(), h.rateListCommand()))
}

func (h *house) consumptionImportCommand() *cobra.Command {
	in := activities.ImportInput{}
	c := &cobra.Command{
		Use: "import FILE --as PERSON", Short: "Take in a file of consumption; a second time it adds nothing", Args: exactly("FILE"),
		Long: `Take in a CSV file of consumption, however large: a FOCUS 1.0 export, or the programme's own format. FILE is - for stdin.

The programme's own format has these columns, in any order: customer, partner, product, charge, amount, currency, used_at, posted_at;
and may have: order, billing_mode, association, region, marketplace, tier2, cash, stored_value_card, voucher, excluded_coupon, row_id.
Times without an offset are in UTC+8; those of an export are in UTC.

A file is taken in as a whole. If it has bad rows, they are told with line, column and reason, and nothing is taken in; with
--partial the good ones are. A file, or a row, that was taken in before adds nothing.

Exit code 0: done, or known. 1: bad rows, or the rules refuse it. 2: anything else.`,
		Example: `  starter consumption import 2024-09.csv --as ops-he
  zcat export.csv.gz | starter consumption import - --as ops-he`,
		RunE: func(c *cobra.Command, args []string) error {
			in.Name, in.At = args[0], time.Now()
			return h.consumptionImport(c.Context(), in, c.InOrStdin())
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who takes it in")
	f.BoolVar(&in.Partial, "partial", false, "take the good rows of a file that has bad ones")
	f.IntVar(&in.Limit, "limit", 20, "of the bad rows' faults that are told; all are counted")
	return needs(c, "as")
}

func (h *house) consumptionImport(ctx context.Context, in activities.ImportInput, stdin io.Reader) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	file, done, err := seekable(ctx, in.Name, stdin)
	if err != nil {
		return err
	}
	defer done()
	if in.Name == "-" {
		in.Name = "stdin"
	}
	in.Content = file
	progress, end := h.octets()
	in.Progress = progress
	report, err := (&activities.Consumption{DB: db}).Import(ctx, in)
	end()
	if err != nil {
		return err
	}
	if err := h.show(report, func() { h.consumptionImported(report) }); err != nil {
		return err
	}
	if report.Bad > 0 {
		return stopped(1)
	}
	return nil
}

// seekable opens a file. What can be read only once, stdin or a pipe, goes through a file, since it may be larger than the
// memory; done removes that.
func seekable(ctx context.Context, name string, stdin io.Reader) (file *os.File, done func(), err error) {
	from := stdin
	if name != "-" {
		named, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		switch info, err := named.Stat(); {
		case err != nil:
			return nil, nil, errors.Join(err, named.Close())
		case info.IsDir():
			return nil, nil, errors.Join(named.Close(), fmt.Errorf("%s is a folder; name a CSV file, or - for stdin", name))
		case info.Mode().IsRegular():
			return named, func() { _ = named.Close() }, nil
		}
		defer named.Close()
		from = named
	}
	if file, err = os.CreateTemp("", "consumption-*.csv"); err != nil {
		return nil, nil, err
	}
	done = func() {
		_ = file.Close() // what was written to it is not needed any more
		os.Remove(file.Name())
	}
	copied := make(chan error, 1) // nothing may come for a long time: then an interrupt is heard
	go func() {
		_, err := io.Copy(file, from)
		copied <- err
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	return file, done, nil
}

func (h *house) consumptionImported(r activities.ImportReport) {
	switch {
	case r.Known:
		h.say("%s is known: it was taken in as import %d and adds nothing.", r.File, r.Import)
		return
	case r.Import == 0:
		h.say("Nothing of %s was taken in: bad rows: %d.", r.File, r.Bad)
	default:
		h.say("Import %d, %s (%s): %d rows added, %d known, %d repeated, %d left out.", r.Import, r.File, r.Format, r.Added, r.Old, r.Repeated, r.Bad)
	}
	h.faults(r.Faults, r.Bad)
	if r.Import == 0 {
		h.say("Mend them and repeat the command, or take the good rows with --partial.")
	}
}

// faults tells what is wrong with the rows of a file; bad is how many rows these are.
func (h *house) faults(faults []consumption.Fault, bad int64) {
	if len(faults) == 0 {
		return
	}
	t := newTable("LINE>", "COLUMN", "REASON")
	lines := map[int]bool{}
	for _, f := range faults {
		lines[f.Line] = true
		t.add(f.Line, none(f.Column), f.Reason)
	}
	t.print(h.out)
	if more := bad - int64(len(lines)); more > 0 {
		h.say("and %d more rows; --limit shows more of them.", more)
	}
}

// octets draws a bar of what was read while a person waits at a terminal, and nothing otherwise.
func (h *house) octets() (func(done, all int64), func()) {
	if !isTerminal(h.err) {
		return nil, func() {}
	}
	bar := pb.Full.New(0).SetWriter(h.err).Set(pb.Bytes, true).Set(pb.CleanOnFinish, true)
	return func(done, all int64) {
			if !bar.IsStarted() {
				bar.SetTotal(all).Start()
			}
			bar.SetCurrent(done)
		}, func() {
			if bar.IsStarted() {
				bar.Finish()
			}
		}
}

func (h *house) consumptionListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the imports, the newest first", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			imports, err := r.Imports(c.Context())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"imports": imports}, func() {
				t := newTable("IMPORT>", "FILE", "FORMAT", "ADDED>", "KNOWN>", "REPEATED>", "BAD>", "TAKEN IN")
				for _, i := range imports {
					t.add(i.Import, i.File, i.Format, i.Added, i.Old, i.Repeated, i.Bad, fmt.Sprintf("by %s at %s", i.By, shown(i.At)))
				}
				t.printOr(h.out, "No imports.")
			})
		},
	}
}

func (h *house) consumptionMapCommand() *cobra.Command {
	in := activities.MapInput{}
	c := &cobra.Command{
		Use: "map FILE.csv --as PERSON", Short: "Say which customers accounts belong to, and whose customers they are", Args: exactly("FILE.csv"),
		Long: `Say which customers the accounts of a billing export belong to, and whose customers they are. Each row names an account, a binding
or both; the columns, in any order: customer; provider, billing_account, sub_account; partner, association (resale or advisory), tier2,
rebound (true or false), bound_from, bound_until.

Repeating it changes nothing. The same customer and bound_from again mend a binding or end it. What consumption was counted by stays.`,
		Example: `  starter consumption map accounts.csv --as ops-he`,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			in.Name, in.Content, in.At = args[0], file, time.Now()
			return h.consumptionMap(c.Context(), in)
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who says it")
	return needs(c, "as")
}

func (h *house) consumptionMap(ctx context.Context, in activities.MapInput) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	report, err := (&activities.Consumption{DB: db}).Map(ctx, in)
	if err != nil {
		return err
	}
	if err := h.show(report, func() {
		if len(report.Faults) > 0 {
			h.say("Nothing of %s was taken in:", in.Name)
			h.faults(report.Faults, 0)
			return
		}
		h.say("Accounts and bindings changed: %d and %d.", report.Accounts, report.Bindings)
	}); err != nil {
		return err
	}
	if len(report.Faults) > 0 {
		return stopped(1)
	}
	return nil
}

func (h *house) rateSetCommand() *cobra.Command {
	in := activities.SetRateInput{}
	c := &cobra.Command{
		Use: "set CURRENCY MONTH RATE --as PERSON", Short: "Say how many CNY one unit of a currency is, for what counts in a month", Args: exactly("CURRENCY", "MONTH", "RATE"),
		Long: `Say how many CNY one unit of a currency is, for what counts in a month of UTC+8. A rate that an import used stays; another one
can be set anew.`,
		Example: `  starter consumption rate set USD 2024-09 7.05 --as ops-he`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			in.Currency, in.At = args[0], time.Now()
			if in.Month, err = calendar.ParseDate(args[1] + "-01"); err != nil {
				return usageError{fmt.Errorf("MONTH: %q is not a month; write it like 2024-09", args[1])}
			}
			var ok bool
			if in.Rate, ok = consumption.ParseAmount(args[2]); !ok {
				return usageError{fmt.Errorf("RATE: %q is not a number; write it like 7.05", args[2])}
			}
			return h.rateSet(c.Context(), in)
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who sets it")
	return needs(c, "as")
}

func (h *house) rateSet(ctx context.Context, in activities.SetRateInput) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	if err := (&activities.Consumption{DB: db}).SetRate(ctx, in); err != nil {
		return err
	}
	month := consumption.MonthText(in.Month)
	return h.show(map[string]string{"currency": in.Currency, "month": month, "rate": in.Rate.String()}, func() {
		h.say("In %s one %s is %s %s.", month, in.Currency, in.Rate, consumption.Home)
	})
}

func (h *house) rateListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the exchange rates, the newest month first", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			rates, err := r.Rates(c.Context())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"rates": rates}, func() {
				t := newTable("CURRENCY", "MONTH", "RATE>", "STATE", "SET")
				for _, rate := range rates {
					state := "not used yet"
					if rate.Used {
						state = "used: it stays"
					}
					t.add(rate.Currency, rate.Month, rate.Rate, state, fmt.Sprintf("by %s at %s", rate.By, shown(rate.At)))
				}
				t.printOr(h.out, "No rates.")
			})
		},
	}
}
