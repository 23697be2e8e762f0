package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/views"

	"github.com/spf13/cobra"
)

// inboxAsk is what the flags of an inbox come to.
type inboxAsk struct {
	views.InboxFilter
	person           string
	decided, waiting bool
	from, to, before string
}

func (h *house) inboxCommand() *cobra.Command {
	var in inboxAsk
	c := &cobra.Command{
		Use: "inbox --as PERSON [--decided | --waiting]", Short: "What a person may decide, the most urgent first", Args: exactly(),
		Long: `What a person may decide, the most urgent first: by role, by name, and for those they stand in for.

With --decided what they decided, the newest first; with --waiting what others have to decide in cases they have a part in.`,
		Example: `  starter inbox --as fin-li --overdue
  starter inbox --as fin-li --search alpha --limit 20
  starter inbox --as p1001-fin --waiting`,
		RunE: func(c *cobra.Command, _ []string) error {
			if in.decided && in.waiting {
				return usageError{fmt.Errorf("--decided and --waiting are two lists; ask for one")}
			}
			if err := in.read(); err != nil {
				return usageError{err}
			}
			return h.inbox(c.Context(), in, time.Now())
		},
	}
	f := c.Flags()
	f.StringVar(&in.person, "as", "", "whose inbox it is")
	f.BoolVar(&in.decided, "decided", false, "what the person decided")
	f.BoolVar(&in.waiting, "waiting", false, "what waits for others")
	f.StringVar(&in.Kind, "kind", "", "of this kind of case, like withdrawal")
	f.StringVar(&in.Matter, "matter", "", "of this matter, like review or confirm")
	f.StringVar(&in.Partner, "partner", "", "of this partner")
	f.StringVar(&in.from, "amount-from", "", "of this amount and more")
	f.StringVar(&in.to, "amount-to", "", "of this amount and less")
	f.StringVar(&in.before, "due-before", "", "due before this day begins, like 2026-11-03")
	f.BoolVar(&in.Overdue, "overdue", false, "overdue ones only")
	f.StringVar(&in.Text, "search", "", "part of a case number, a partner's number or name, or a payee")
	f.IntVar(&in.Limit, "limit", 0, "lines of a page (default 50, at most 200)")
	f.StringVar(&in.After, "after", "", "where the page before ended")
	return needs(c, "as")
}

func (in *inboxAsk) read() error {
	for _, a := range []struct {
		flag, text string
		into       **money.Amount
	}{{"amount-from", in.from, &in.AmountFrom}, {"amount-to", in.to, &in.AmountTo}} {
		if a.text == "" {
			continue
		}
		amount, err := money.Parse(a.text)
		if err != nil {
			return fmt.Errorf("--%s: %w", a.flag, err)
		}
		*a.into = &amount
	}
	if in.before != "" {
		day, err := calendar.ParseDate(in.before)
		if err != nil {
			return fmt.Errorf("--due-before: %w", err)
		}
		in.DueBefore = day.Start()
	}
	return nil
}

func (h *house) inbox(ctx context.Context, in inboxAsk, at time.Time) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	counts, err := r.InboxCounts(ctx, in.person, at)
	if err != nil {
		return err
	}
	if in.decided {
		page, err := r.Decided(ctx, in.person, in.After, in.Limit)
		if err != nil {
			return err
		}
		return h.show(struct {
			views.DecidedPage
			Counts views.InboxCounts `json:"counts"`
		}{page, counts}, func() {
			h.decidedTable(page.Decisions)
			h.countsLine(counts, page.Next)
		})
	}
	list, empty := r.Inbox, "Nothing waits for you."
	if in.waiting {
		list, empty = r.WaitingForOthers, "Nothing waits for others."
	}
	page, err := list(ctx, in.person, in.InboxFilter, at)
	if err != nil {
		return err
	}
	return h.show(struct {
		views.InboxPage
		Counts views.InboxCounts `json:"counts"`
	}{page, counts}, func() {
		h.inboxTable(page.Tasks, in.waiting).printOr(h.out, empty)
		h.countsLine(counts, page.Next)
	})
}

func (h *house) inboxTable(tasks []views.InboxTask, waiting bool) *aligned {
	last := "WHY"
	if waiting {
		last = "WAITS FOR"
	}
	t := newTable("TASK", "MATTER", "PARTNER", "NAME", "AMOUNT>", "PAYEE", "DUE", last)
	for _, task := range tasks {
		due, why := shownOr(task.DueAt, "-"), task.Asked()
		if task.Overdue {
			due += " overdue"
		}
		if !waiting && task.Why != nil {
			why = task.Why.String()
		}
		t.add(task.ID, task.Matter, task.Partner, task.PartnerName, sum(task.Kind, task.Amount), none(task.Holder), due, why)
	}
	return t
}

func (h *house) decidedTable(decisions []views.Decision) {
	t := newTable("TIME", "TASK", "OUTCOME", "FOR", "PARTNER", "CASE NOW", "REASON")
	for _, d := range decisions {
		t.add(shown(d.At), d.Task, d.Outcome, none(d.OnBehalf), d.Partner, d.CaseState, none(d.Reason))
	}
	t.printOr(h.out, "Nothing was decided.")
}

func (h *house) countsLine(n views.InboxCounts, next string) {
	h.say("\n%d open, %d of them overdue, %d due today; %d wait for others.", n.Open, n.Overdue, n.DueToday, n.Waiting)
	if next != "" {
		h.say("More with: --after %s", strings.TrimSpace(next))
	}
}
