package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/views"

	"github.com/cheggaaa/pb/v3"
	"github.com/spf13/cobra"
)

func (h *house) accountCommand() *cobra.Command {
	balances := &cobra.Command{
		Use: "balances [PARTNER]", Short: "Show balances on their normal side; with a partner what it may withdraw", Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error { return h.balances(c.Context(), strings.Join(args, "")) },
	}

	var from, to string
	statement := &cobra.Command{
		Use: "statement ACCOUNT [--from DATE] [--to DATE]", Short: "Show an account's movements with the balance after each", Args: exactly("ACCOUNT"),
		RunE: func(c *cobra.Command, args []string) error { return h.statement(c.Context(), args[0], from, to) },
	}
	statement.Flags().StringVar(&from, "from", "", "first day, like 2025-11-03")
	statement.Flags().StringVar(&to, "to", "", "last day, which counts in full")
	return group("account", "Balances and statements", balances, statement)
}

func (h *house) balances(ctx context.Context, partner string) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	balances, err := r.Balances(ctx, partner)
	if err != nil {
		return err
	}
	answer := struct {
		Balances  []views.Balance  `json:"balances"`
		Available *views.Available `json:"available,omitempty"`
	}{Balances: balances}
	if partner != "" {
		a, err := r.Available(ctx, partner, time.Now())
		if err != nil {
			return err
		}
		answer.Available = &a
	}
	return h.show(answer, func() {
		t := newTable("ACCOUNT", "TITLE", "BALANCE>", "")
		for _, b := range balances {
			unit := string(b.Currency)
			if b.Memo {
				unit += " memo"
			}
			t.add(b.Account, b.Title, b.Balance, unit)
		}
		t.printOr(h.out, "No account is in use.")
		if answer.Available != nil {
			h.say("\nWithdrawable now: %s CNY; see: starter withdrawal available %s", answer.Available.Withdrawable, partner)
		}
	})
}

func (h *house) statement(ctx context.Context, account, from, to string) error {
	var first, last calendar.Date
	if err := first.UnmarshalText([]byte(from)); err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	if err := last.UnmarshalText([]byte(to)); err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	if !last.IsZero() && last.Before(first) {
		return usageError{errors.New("--to lies before --from")}
	}
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	s, err := r.Statement(ctx, ledger.Account(account), first, last)
	if err != nil {
		return err
	}
	return h.show(s, func() {
		h.say("%s, %s\n", s.Account, s.Title)
		t := newTable("TIME", "ENTRY", "WHAT", "AMOUNT>", "BALANCE>")
		t.add(s.From, "", "opening balance", "", s.Opening)
		for _, l := range s.Lines {
			t.add(shownToTheSecond(l.At), l.Key, l.Memo, l.Amount, l.Balance)
		}
		t.add(s.To, "", "closing balance", "", s.Closing)
		t.print(h.out)
	})
}

func (h *house) ledgerCommand() *cobra.Command {
	verify := &cobra.Command{
		Use: "verify", Short: "Recompute every balance, floor, entry, lot, hold and hash chain", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return h.verify(c.Context()) },
	}
	return group("ledger", "The ledger as a whole", verify)
}

// verify exits with 2 when something does not add up.
func (h *house) verify(ctx context.Context) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	progress, end := h.progress()
	v, err := r.Verify(ctx, progress)
	end()
	if err != nil {
		return err
	}
	if err := h.show(struct {
		OK bool `json:"ok"`
		views.Verification
	}{len(v.Findings) == 0, v}, func() { h.verification(v) }); err != nil {
		return err
	}
	if err := activities.RecordLedgerCheck(ctx, h.db, time.Now(), len(v.Findings)); err != nil {
		return err
	}
	if len(v.Findings) > 0 {
		return stopped(2)
	}
	return nil
}

func (h *house) verification(v views.Verification) {
	looked := fmt.Sprintf("%d accounts, %d entries with %d postings, %d lots, %d cases with %d events", v.Accounts, v.Entries, v.Postings, v.Lots, v.Cases, v.Events)
	if len(v.Findings) == 0 {
		h.say("The ledger is in order: %s.", looked)
		return
	}
	h.say("The ledger is NOT in order. Looked at %s; found %d:\n", looked, len(v.Findings))
	t := newTable("CHECK", "OBJECT", "FINDING")
	for _, f := range v.Findings {
		t.add(f.Check, f.Object, f.Message)
	}
	t.print(h.out)
}

// progress draws a bar while a person waits at a terminal, and nothing otherwise.
func (h *house) progress() (views.Progress, func()) {
	if !isTerminal(h.err) {
		return nil, func() {}
	}
	bar := pb.Full.New(0).SetWriter(h.err)
	bar.Set(pb.CleanOnFinish, true)
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
