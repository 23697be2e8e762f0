package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/demo/life"
	"countersign/workflows"

	"github.com/spf13/cobra"
)

func (h *house) demoLifeCommand() *cobra.Command {
	var ifEmpty bool
	c := &cobra.Command{
		Use: "life [--if-empty]", Short: "Fill an empty database with a programme that has lived for months", Args: exactly(),
		Long: `Fill an empty database with a programme that has lived for months: ten partners, withdrawals in all states, incentives, bills,
quarters, a certified solution, and whose turn it is today. All of it is made up, and it is for trying the console only: it is
refused where there is a programme already. What is open goes on as any case does, once a worker runs. Repeating it adds nothing.`,
		RunE: func(c *cobra.Command, _ []string) error { return h.demoLife(c.Context(), ifEmpty) },
	}
	c.Flags().BoolVar(&ifEmpty, "if-empty", false, "leave a database that has another programme as it is, without an error")
	return c
}

// lifeReport says what a database has of the demo's life.
type lifeReport struct {
	Whole    bool           `json:"whole"`  // false: another programme was left as it is
	Laid     bool           `json:"laid"`   // now; else it was there already
	Runs     int            `json:"runs"`   // started now, for cases that wait for somebody
	Keeper   string         `json:"keeper"` // who gives people their accounts
	Accounts []life.Account `json:"accounts"`
	Seconds  float64        `json:"seconds"`
}

func (h *house) demoLife(ctx context.Context, ifEmpty bool) error {
	began := time.Now()
	kept, err := h.documents(ctx)
	if err != nil {
		return err
	}
	if _, err := h.cluster(ctx); err != nil { // before anything is laid in
		return err
	}
	report := lifeReport{Keeper: life.Keeper, Accounts: life.Accounts}
	switch report.Whole, err = life.Lived(ctx, kept.DB); {
	case errors.Is(err, life.ErrOther) && ifEmpty:
		return h.show(report, func() { h.say("There is another programme already; it is left as it is.") })
	case err != nil:
		return err
	case !report.Whole:
		told, done := h.progress()
		_, err := life.Live(ctx, kept.DB, kept.Store, began, told)
		done()
		if err != nil {
			return err
		}
		report.Whole, report.Laid = true, true
	}
	if report.Runs, err = h.runsOfLife(ctx); err != nil {
		return err
	}
	report.Seconds = time.Since(began).Seconds()
	return h.show(report, func() {
		if report.Laid {
			h.say("The demo's programme has lived for months, in %.0f seconds; %d cases are open. Accounts come with: starter person account PERSON --as %s", report.Seconds, report.Runs, life.Keeper)
		} else {
			h.say("The demo's life is there already: nothing is added.")
		}
		t := newTable("PERSON", "WHO")
		for _, a := range life.Accounts {
			t.add(a.ID, a.About)
		}
		t.print(h.out)
	})
}

// runsOfLife starts a run for each open case that has none, and answers how many.
func (h *house) runsOfLife(ctx context.Context) (int, error) {
	open, _, err := h.gone(ctx)
	if err != nil {
		return 0, err
	}
	return len(open), h.sideBySide(ctx, len(open), 16, func(ctx context.Context, i int) error {
		c := open[i]
		if err := workflows.Resume(ctx, h.temporal, c.kind, c.workflowID, c.partner, c.Case); err != nil {
			return fmt.Errorf("start the run of %s: %w", c.Case, err)
		}
		return nil
	})
}
