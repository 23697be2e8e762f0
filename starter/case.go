package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"countersign/domain"
	"countersign/domain/kinds"
	"countersign/domain/money"

	"countersign/activities"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
)

func (h *house) caseCommand() *cobra.Command {
	return group("case", "Applications and their history", h.caseListCommand(), h.caseShowCommand(), h.caseExplainCommand(), h.caseRepairCommand())
}

func (h *house) caseListCommand() *cobra.Command {
	var filter views.CaseFilter
	var state, before string
	c := &cobra.Command{
		Use: "list [--partner P] [--kind K] [--state S] [--open] [--due-before WHEN]", Short: "List cases", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			state = strings.ToUpper(state)
			if known := kinds.States(filter.Kind); state != "" && !slices.Contains(known, domain.State(state)) {
				return unknownValue("state", state, texts(known))
			}
			if known := kinds.Names(); filter.Kind != "" && !slices.Contains(known, filter.Kind) {
				return unknownValue("kind", filter.Kind, known)
			}
			if before != "" {
				if filter.DueBefore, err = givenTime("due-before", before, 0); err != nil {
					return err
				}
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			filter.State = domain.State(state)
			cases, err := r.Cases(c.Context(), filter)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"cases": cases}, func() {
				t := newTable("CASE", "PARTNER", "STATE", "AMOUNT>", "ABOUT", "OPENED", "DUE")
				for _, c := range cases {
					t.add(c.Number, c.Partner, c.State, none(sum(c.Kind, &c.Amount)), none(c.Subject()), shown(c.OpenedAt), shownOr(c.DueAt, "-"))
				}
				t.printOr(h.out, "No cases.")
			})
		},
	}
	f := c.Flags()
	f.StringVar(&filter.Partner, "partner", "", "those of a partner")
	f.StringVar(&filter.Kind, "kind", "", "those of a kind: "+strings.Join(kinds.Names(), ", "))
	f.StringVar(&state, "state", "", "those in a state; DELETED ones are shown only so")
	f.BoolVar(&filter.Open, "open", false, "those that wait for something")
	f.StringVar(&before, "due-before", "", "those whose step is due before a day or an instant")
	f.IntVar(&filter.Limit, "limit", 0, "the first so many; 0: all")
	return c
}

// sum is the amount that a case or task is about; empty where its kind has none.
func sum(kind string, amount *money.Amount) string {
	if amount == nil || !kinds.InMoney(kind) {
		return ""
	}
	return amount.String()
}

func texts[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, t := range of {
		out[i] = string(t)
	}
	return out
}

func (h *house) caseShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "Show a case with its timeline", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			d, err := r.CaseDetail(c.Context(), args[0])
			if err != nil {
				return err
			}
			address := h.uiAddress(d.WorkflowID, d.RunID)
			return h.show(struct {
				views.CaseDetail
				TemporalUI string `json:"temporal_ui,omitempty"`
			}{d, address}, func() { h.caseDetail(d, address) })
		},
	}
}

func (h *house) caseDetail(d views.CaseDetail, address string) {
	fields := []any{"case", d.Number, "kind", d.Kind, "state", d.State, "partner", d.Partner, "submitted by", d.Submitter, "about", d.About, "route", d.Route}
	if kinds.InMoney(d.Kind) {
		fields = append(fields, "amount", fmt.Sprintf("%s %s", d.Amount, d.Currency))
	}
	if p := d.Payment; p != nil {
		fields = append(fields, "payee", p.Holder, "account", p.AccountNo, "bank", p.Bank, "branch", p.Branch, "paid from", p.PaidFrom+" of "+p.PayingEntity,
			"approved", shownOr(p.ApprovedAt, ""), "paid", shownOr(p.PaidAt, ""), "reference", p.Reference)
	}
	record(h.out, append(fields, "opened", shown(d.OpenedAt), "due", shownOr(d.DueAt, ""), "closed", shownOr(d.ClosedAt, ""),
		"policy version", d.PolicyVersion, "request key", d.RequestKey, "Temporal UI", address)...)
	h.say("")
	if d.Payment != nil {
		lots := newTable("LOT", "SOURCE", "PAYER", "ARRIVED", "AMOUNT>")
		for _, l := range d.Lots {
			lots.add(l.Lot, l.Source, none(l.Payer), shown(l.ArrivedAt), l.Amount)
		}
		lots.print(h.out)
		h.say("")
	}
	h.taskTable(d.Tasks).print(h.out)
	h.say("")
	events := newTable("#>", "TIME", "ACTOR", "VIA", "ACTION", "STATE", "RULE", "AMOUNT>", "HASH", "NOTE")
	for _, e := range d.Timeline {
		amount, state := "", string(e.To)
		if e.Amount != nil {
			amount = e.Amount.String()
		}
		if e.From != "" && e.From != e.To {
			state = string(e.From) + " > " + string(e.To)
		}
		events.add(e.Seq, shownToTheSecond(e.At), e.Actor, e.Via, e.Action, state, e.Rule, amount, e.Hash.Prefix(), e.Note)
	}
	events.print(h.out)
}

// repair is what is done about one open case whose workflow is gone.
type repair struct {
	Case  string       `json:"case"`
	State domain.State `json:"state"`
	Plan  string       `json:"plan"`
	Done  string       `json:"done,omitempty"` // empty in a dry run
	Error string       `json:"error,omitempty"`

	kind, workflowID, partner, runID string
}

func (h *house) caseRepairCommand() *cobra.Command {
	var apply, force bool
	c := &cobra.Command{
		Use: "repair [--apply]", Short: "Find open cases whose workflow is gone, and settle them", Args: exactly(),
		Long: `Find open cases whose workflow is gone (terminated, or lost with its cluster), and settle them.

Of withdrawals UNDER_REVIEW is cancelled and APPROVED fails, their holds are released; PAYING gets a new run, because the
money may be on its way and only the bank's answer ends the case. A case of another kind gets a new run that carries it
on where it stands. Without --apply nothing changes.`,
		RunE: func(c *cobra.Command, _ []string) error { return h.repair(c.Context(), apply, force) },
	}
	c.Flags().BoolVar(&apply, "apply", false, "do it")
	c.Flags().BoolVar(&force, "force", false, "do it although the namespace knows none of the cases")
	return c
}

func (h *house) repair(ctx context.Context, apply, force bool) error {
	repairs, known, err := h.gone(ctx)
	if err != nil {
		return err
	}
	failed := false
	if apply && len(repairs) > 0 && !known && !force {
		return fmt.Errorf("the namespace %s knows none of the open cases; is TEMPORAL_NAMESPACE right? After the loss of a cluster repeat with --force", h.namespace)
	}
	if apply {
		w, err := h.withdrawals(ctx)
		if err != nil {
			return err
		}
		for i := range repairs {
			if err := repairs[i].do(ctx, w, h.temporal); err != nil {
				repairs[i].Error, failed = sentence(err), true
			}
		}
	}
	if err := h.show(map[string]any{"dry_run": !apply, "repairs": repairs}, func() {
		t := newTable("CASE", "STATE", "PLAN", "DONE")
		for _, r := range repairs {
			t.add(r.Case, r.State, r.Plan, none(r.Done+r.Error))
		}
		t.printOr(h.out, "Every open case has its workflow; nothing to repair.")
		if !apply && len(repairs) > 0 {
			h.say("\nA dry run: nothing was changed. Do it with: starter case repair --apply")
		}
	}); err != nil {
		return err
	}
	if failed {
		return stopped(2)
	}
	return nil
}

// gone lists the open cases that no run carries, and whether the namespace knows any open case at all.
func (h *house) gone(ctx context.Context) ([]repair, bool, error) {
	r, err := h.reader(ctx)
	if err != nil {
		return nil, false, err
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		return nil, false, err
	}
	open, err := r.Cases(ctx, views.CaseFilter{Open: true})
	if err != nil {
		return nil, false, err
	}
	found, anyKnown := make([]*repair, len(open)), atomic.Bool{}
	if err := h.sideBySide(ctx, len(open), 16, func(ctx context.Context, i int) error {
		c := open[i]
		running, known, err := workflows.Running(ctx, temporal, c.WorkflowID)
		if err != nil {
			return fmt.Errorf("look for the workflow of case %s: %w", c.Number, err)
		}
		if known {
			anyKnown.Store(true)
		}
		if !running {
			found[i] = &repair{Case: c.Number, State: c.State, Plan: repairPlan(c), kind: c.Kind, workflowID: c.WorkflowID, partner: c.Partner, runID: c.RunID}
		}
		return nil
	}); err != nil {
		return nil, false, err
	}
	repairs := []repair{}
	for _, r := range found {
		if r != nil {
			repairs = append(repairs, *r)
		}
	}
	return repairs, anyKnown.Load(), nil
}

// repairPlan says what is done about a case whose workflow is gone.
func repairPlan(c views.Case) string {
	switch {
	case c.Kind != withdrawal.Kind:
		return "start a new run that carries it on"
	case c.State == withdrawal.Approved:
		return "let it fail, release the hold"
	case c.State == withdrawal.Paying:
		return "start a new run: the money may be on its way"
	}
	return "cancel it, release the hold"
}

func (r *repair) do(ctx context.Context, w *activities.Withdrawals, temporal client.Client) error {
	if running, _, err := workflows.Running(ctx, temporal, r.workflowID); err != nil || running {
		r.Done = "its workflow runs again"
		return err
	}
	if r.kind != withdrawal.Kind || r.State == withdrawal.Paying {
		if err := workflows.Resume(ctx, temporal, r.kind, r.workflowID, r.partner, r.Case); err != nil {
			return err
		}
		r.Done = "a new run carries it on"
		return nil
	}
	now, err := w.StopWithdrawal(ctx, activities.StopInput{
		Case: r.Case, Key: "repair/" + r.runID,
		Reason: "its workflow was gone; settled by case repair", At: time.Now(),
	})
	if err != nil {
		return err
	}
	r.Done = "it is " + string(now.State) + ", the hold is released"
	return nil
}
