package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

func (h *house) incentiveCommand() *cobra.Command {
	return group("incentive", "Incentives: calculating them, presenting the bills, and why a line is what it is",
		h.incentiveCalculateCommand(), h.incentiveScheduleCommand(), h.incentiveExplainCommand(), h.incentiveEstimateCommand(), h.incentiveAttainCommand(), h.incentiveSpecialCommand(),
		h.reconcileCommand(), h.linesCommand(), h.exportsCommand(), h.fetchExportCommand())
}

// periodFlag reads a period of an argument or flag.
func periodArg(text string) (incentive.Period, error) {
	p, err := incentive.ParsePeriod(text)
	if err != nil {
		return p, usageError{err}
	}
	return p, nil
}

func monthArg(text string) (incentive.Period, error) {
	p, err := periodArg(text)
	if err == nil && !p.IsMonth() {
		err = usageError{fmt.Errorf("%s is not a month; write it like 2024-05", text)}
	}
	return p, err
}

func (h *house) incentiveCalculateCommand() *cobra.Command {
	var by string
	var detach bool
	c := &cobra.Command{
		Use: "calculate MONTH --as PERSON", Short: "Turn a month's consumption into incentive lines; a repeat adds the differences only", Args: exactly("MONTH"),
		Long: `Turn a month's consumption into incentive lines, and show how far it is. A month that is not over gives estimates. Repeating it adds
nothing, unless rows came or policies changed: then the differences. Interrupting the command does not stop the run.`,
		RunE: func(c *cobra.Command, args []string) error {
			p, err := monthArg(args[0])
			if err != nil {
				return err
			}
			return h.incentiveCalculate(c.Context(), workflows.CalculationInput{Period: p, By: by}, detach)
		},
	}
	c.Flags().StringVar(&by, "as", "", "who asks for it")
	c.Flags().BoolVar(&detach, "detach", false, "start it and do not wait")
	return needs(c, "as")
}

func (h *house) incentiveCalculate(ctx context.Context, in workflows.CalculationInput, detach bool) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	if err := (&activities.Calculations{DB: db}).MayCalculate(ctx, in.By); err != nil {
		return err
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		return err
	}
	run, err := workflows.StartCalculation(ctx, temporal, in)
	if err != nil {
		return err
	}
	if detach {
		return h.show(map[string]string{"workflow": run.GetID(), "run": run.GetRunID()}, func() { h.say("The calculation of %s runs: %s.", in.Period, run.GetID()) })
	}
	done, err := h.watchCalculation(ctx, temporal, run)
	if err != nil {
		return err
	}
	return h.show(done, func() {
		h.say("%s is calculated: %s, %s added. Look with: starter performance show PARTNER %s", done.Period, counted(done.Partners, "partner"), counted(done.Lines, "line"), done.Period)
	})
}

// watchCalculation waits for the end of a run and shows a bar meanwhile, where people look on.
func (h *house) watchCalculation(ctx context.Context, c client.Client, run client.WorkflowRun) (done workflows.CalculationProgress, err error) {
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, &done) }()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	bar := isTerminal(h.err) && !h.json
	for {
		select {
		case err := <-ended:
			if bar {
				fmt.Fprint(h.err, "\r\033[K")
			}
			return done, err
		case <-look.C:
			if !bar {
				continue
			}
			if now, parts, err := workflows.LookAtCalculation(ctx, c, run); err == nil { // else it is shown at the next look
				fmt.Fprintf(h.err, "\r\033[K%s", progressBar(now, parts))
			}
		}
	}
}

// progressBar draws how far a run is: each part is an eighth, of which its partners are shares.
func progressBar(now workflows.CalculationProgress, parts []activities.BucketReport) string {
	const width = 32
	share, partners := float64(now.Parts), now.Partners
	for _, p := range parts {
		if p.Partners > 0 {
			share += float64(p.Done) / float64(p.Partners)
			partners += p.Done
		}
	}
	filled := min(int(share/incentive.Buckets*width), width)
	return fmt.Sprintf("[%s%s] %3.0f %%  %d of %d parts, %d partners", strings.Repeat("#", filled), strings.Repeat(".", width-filled), 100*share/incentive.Buckets, now.Parts, incentive.Buckets, partners)
}

func (h *house) incentiveScheduleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schedule", Short: "See to it that each month is calculated in the first days of the next one, and that each day's work begins; repeating it changes nothing", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			created, err := workflows.ScheduleCalculation(c.Context(), temporal)
			if err != nil {
				return err
			}
			if err := workflows.ScheduleDaily(c.Context(), temporal); err != nil {
				return err
			}
			return h.show(map[string]bool{"created": created}, func() {
				h.say("On the days 1 to 5 of each month, at 09:00 UTC+8, the month before is calculated (INC-21). The schedule %s.",
					map[bool]string{true: "is new", false: "was there and is up to date"}[created])
				h.say("At 00:00 UTC+8 of each day what lapsed voids, bills that nobody presented are presented, lists of experts and quarters are looked after, and the automatic release looks.")
			})
		},
	}
}

func (h *house) incentiveExplainCommand() *cobra.Command {
	page, size := 1, 20
	c := &cobra.Command{
		Use: "explain LINE", Short: "Say what made an incentive line: rows, policy line, rule, arithmetic, earlier lines", Args: exactly("LINE"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || page < 1 || size < 1 {
				return usageError{fmt.Errorf("LINE is the data ID of a line, a number; pages count from 1")}
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			l, err := r.ExplainLine(c.Context(), id, page, size)
			if err != nil {
				return err
			}
			return h.show(l, func() { h.lineExplained(l, page, size) })
		},
	}
	c.Flags().IntVar(&page, "page", page, "which page of its rows")
	c.Flags().IntVar(&size, "size", size, "rows of a page")
	return c
}

func (h *house) lineExplained(l views.ExplainedLine, page, size int) {
	bill := "none"
	if l.Bill != nil {
		bill = *l.Bill
	}
	record(h.out, "line", l.ID, "partner", l.Partner, "period from", l.Month, "used in", incentive.Period{First: l.UsageMonth, Months: 1}, "customer", l.Customer, "order", l.Order, "product", l.Product,
		"association", l.Association, "billing mode", l.BillingMode, "region", l.Region, "tier-2", l.Tier2, "charge", l.Charge, "amount", l.Amount, "bill", bill)
	h.say("\n%s (%s)", l.Why, l.Rule)
	if l.Policy != "" {
		h.say("Policy: %s", oneLine(l.Policy))
	}
	for _, a := range l.Arithmetic {
		h.say("%s", a)
	}
	if len(l.Earlier) > 0 {
		h.say("\nEarlier lines of the same thing:")
		t := newTable("LINE>", "CALCULATION>", "AT", "COUNTED>", "AMOUNT>")
		for _, e := range l.Earlier {
			t.add(e.ID, e.Calculation, shown(e.At), e.Counted, e.Amount)
		}
		t.print(h.out)
	}
	if l.RowCount == 0 {
		return
	}
	h.say("\nRows %d to %d of %d:", min((page-1)*size+1, l.RowCount), min(page*size, l.RowCount), l.RowCount)
	t := newTable("IMPORT>", "LINE>", "USED", "GROSS>", "CASH>", "CARD>", "VOUCHER>", "EXCLUDED COUPON>")
	for _, r := range l.Rows {
		t.add(r.Import, r.Line, shownToTheSecond(r.UsedAt), r.Gross, r.Cash, r.StoredValueCard, r.Voucher, r.ExcludedCoupon)
	}
	t.print(h.out)
}

func (h *house) incentiveEstimateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "estimate PARTNER MONTH", Short: "What a running month promises, as far as it may be read already", Args: exactly("PARTNER", "MONTH"),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := monthArg(args[1])
			if err != nil {
				return err
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			e, err := r.Estimate(c.Context(), args[0], p, time.Now())
			if err != nil {
				return err
			}
			return h.show(e, func() { h.estimate(e) })
		},
	}
}

func (h *house) estimate(e views.Estimate) {
	h.say("Estimates of %s for %s. Vouchers that are used later lower what is paid (PERF-15).\n", e.Partner, e.Period)
	t := newTable("ORDER", "PRODUCT", "PAID", "PRICE>", "RATE %>", "ESTIMATE>")
	for _, o := range e.Orders {
		t.add(o.Order, o.Product, shown(o.PaidAt), o.Price, o.Rate, o.Amount)
	}
	t.printOr(h.out, "No prepaid orders.")
	h.say("")
	t = newTable("DAY", "PERFORMANCE>", "ESTIMATE>")
	for _, d := range e.Days {
		t.add(d.Day, d.Counted, d.Amount)
	}
	t.printOr(h.out, "No performance that may be read yet.")
	for _, l := range e.Later {
		h.say("%s", l)
	}
}

func (h *house) incentiveAttainCommand() *cobra.Command {
	in := activities.AttainInput{}
	c := &cobra.Command{
		Use: "attain PLAN PERIOD --as PERSON [--partner P]", Short: "Bill a threshold plan for a quarter or a year; a repeat bills the differences only", Args: exactly("PLAN", "PERIOD"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if in.Period, err = periodArg(args[1]); err != nil {
				return err
			}
			in.Plan, in.At = args[0], time.Now()
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			reports, err := (&activities.Calculations{DB: db}).AttainPlan(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(reports, func() { h.billed(reports) })
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who bills it")
	c.Flags().StringVar(&in.Partner, "partner", "", "only this one (default: all)")
	return needs(c, "as")
}

func (h *house) billed(reports []activities.BillReport) {
	t := newTable("PARTNER", "BILLS")
	for _, r := range reports {
		switch {
		case len(r.Bills) > 0:
			t.add(r.Partner, strings.Join(r.Bills, ", "))
		case r.Waits != "":
			t.add(r.Partner, "none yet: "+r.Waits)
		default:
			t.add(r.Partner, "none")
		}
	}
	t.printOr(h.out, "No partner has performance in it.")
}

func (h *house) incentiveSpecialCommand() *cobra.Command {
	in := activities.SpecialInput{}
	var month, deadline string
	c := &cobra.Command{
		Use: "special --as PERSON --partner P --name NAME --period MONTH --amount A --deadline DATE --reason TEXT", Short: "Make a bill that does not come from performance", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if in.Period, err = periodArg(month); err != nil {
				return err
			}
			if in.Deadline, err = calendar.ParseDate(deadline); err != nil {
				return usageError{fmt.Errorf("--deadline: %w", err)}
			}
			in.At = time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			report, err := (&activities.Calculations{DB: db}).SpecialBill(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(report, func() {
				h.say("Bill %s over %s CNY is made for %s.", strings.Join(report.Bills, ", "), in.Amount, in.Partner)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who makes it")
	f.StringVar(&in.Partner, "partner", "", "whose it is")
	f.StringVar(&in.Plan, "name", "", "what it is called")
	f.StringVar(&month, "period", "", "a month, quarter or year like 2024-05, 2024-Q2 or 2024")
	f.StringVar(&in.Amount, "amount", "", "like 1234.50, output tax included")
	f.StringVar(&in.OutputTaxRate, "tax-rate", "6", "output tax in percent")
	f.StringVar(&deadline, "deadline", "", "the last day to check it")
	f.StringVar(&in.Reason, "reason", "", "what it is for")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner", "name", "period", "amount", "deadline", "reason")
}
