package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) taskCommand() *cobra.Command {
	return group("task", "Questions that wait for people", h.taskListCommand(), h.taskShowCommand(), h.decideCommand())
}

func (h *house) taskListCommand() *cobra.Command {
	var filter views.TaskFilter
	var role string
	c := &cobra.Command{
		Use: "list [--as PERSON | --role R | --case C]", Short: "List open tasks; with --as those that the person may decide", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			filter.Role = person.Role(role)
			tasks, err := r.Tasks(c.Context(), filter)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"tasks": tasks}, func() { h.taskTable(tasks).printOr(h.out, "No tasks.") })
		},
	}
	f := c.Flags()
	f.StringVar(&filter.Person, "as", "", "those that this person may decide")
	f.StringVar(&role, "role", "", "those of a role")
	f.StringVar(&filter.Case, "case", "", "those of a case")
	f.BoolVar(&filter.All, "all", false, "decided and closed ones too")
	return c
}

func (h *house) taskTable(tasks []views.Task) *aligned {
	t := newTable("TASK", "PARTNER", "AMOUNT>", "ROLE", "DUE", "STATE", "ANSWER")
	for _, task := range tasks {
		role := string(task.Role)
		if task.EscalatedTo != "" {
			role += " or " + string(task.EscalatedTo)
		}
		amount, answer := "", joined(task.Outcomes(), "|")
		if task.Amount != nil {
			amount = task.Amount.String()
		}
		switch {
		case task.DecidedBy != nil && task.DecidedAt != nil:
			answer = fmt.Sprintf("%s by %s at %s", task.Outcome, *task.DecidedBy, shown(*task.DecidedAt))
		case task.State == withdrawal.TaskClosed:
			answer = "-"
		}
		t.add(task.ID, task.Partner, amount, role, shownOr(task.DueAt, "-"), task.State, answer)
	}
	return t
}

func joined(outcomes []withdrawal.Outcome, with string) string {
	out := make([]string, len(outcomes))
	for i, o := range outcomes {
		out[i] = string(o)
	}
	return strings.Join(out, with)
}

func (h *house) taskShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show TASK", Short: "Show one task", Args: exactly("TASK"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			task, err := r.Task(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(task, func() {
				h.taskTable([]views.Task{task}).print(h.out)
				h.say("\n%s", oneLine(task.Question))
				if task.Reason != "" {
					h.say("Reason: %s", oneLine(task.Reason))
				}
				if task.Reference != "" {
					h.say("Reference: %s", oneLine(task.Reference))
				}
			})
		},
	}
}

func (h *house) decideCommand() *cobra.Command {
	var d withdrawal.Decision
	var outcome string
	c := &cobra.Command{
		Use: "decide TASK OUTCOME --as PERSON", Short: "Answer a task: approve, refuse, send, fail, confirm or return", Args: atMost(2),
		Example: `  starter task decide W000001/review approve --as fin-li
  starter task decide W000001/confirm confirm --as fin-li --amount 1200.00 --reference BANK-20251103-1
  starter task decide W000001/confirm return --as fin-li --reason "account closed"`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 2 && outcome != "" && outcome != args[1] {
				return usageError{fmt.Errorf("two outcomes are named: %s and %s", args[1], outcome)}
			}
			if len(args) == 2 {
				outcome = args[1]
			}
			switch {
			case len(args) == 0:
				return usageError{fmt.Errorf("TASK is missing")}
			case outcome == "":
				return usageError{fmt.Errorf("OUTCOME is missing")}
			}
			d.Task, d.Outcome = args[0], withdrawal.Outcome(outcome)
			now, key, err := h.decide(c.Context(), d)
			if err != nil {
				return err
			}
			return h.show(struct {
				activities.WithdrawalStanding
				Key string `json:"key"`
			}{now, key}, func() { h.standing(now) })
		},
	}
	f := c.Flags()
	f.StringVar(&d.Person, "as", "", "who decides")
	f.StringVar(&outcome, "outcome", "", "the answer, if not given as OUTCOME")
	f.StringVar(&d.Reason, "reason", "", "why; the partner reads it")
	f.StringVar(&d.Amount, "amount", "", "what the bank confirms")
	f.StringVar(&d.Reference, "reference", "", "the bank's reference")
	f.StringVar(&d.Key, "key", "", "key of the decision (default: a new one)")
	return needs(c, "as")
}

// decide sends one decision under a key of its own when none is given; the key is answered, for a repeat.
func (h *house) decide(ctx context.Context, d withdrawal.Decision) (activities.WithdrawalStanding, string, error) {
	if d.Key == "" {
		d.Key = uuid.NewString()
	}
	r, err := h.reader(ctx)
	if err != nil {
		return activities.WithdrawalStanding{}, d.Key, err
	}
	task, err := r.Task(ctx, d.Task)
	if err != nil {
		return activities.WithdrawalStanding{}, d.Key, err
	}
	now, err := h.send(ctx, task.Case, "--key "+d.Key, func(ctx context.Context, workflowID string) (activities.WithdrawalStanding, error) {
		return workflows.Decide(ctx, h.temporal, workflowID, d)
	}, func(ctx context.Context, w *activities.Withdrawals) (activities.WithdrawalStanding, error) {
		return w.DecideWithdrawal(ctx, activities.DecideWithdrawalInput{Decision: d, At: time.Now()})
	})
	return now, d.Key, err
}
