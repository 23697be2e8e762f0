package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/views"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (h *house) taskCommand() *cobra.Command {
	return group("task", "Questions that wait for people", append([]*cobra.Command{
		h.taskListCommand(), h.taskShowCommand(), h.decideCommand(), h.decideAllCommand(),
	}, h.shortForms()...)...)
}

func (h *house) taskListCommand() *cobra.Command {
	var filter views.TaskFilter
	c := &cobra.Command{
		Use: "list [--as PERSON | --role R | --case C]", Short: "List open tasks; with --as those that the person may decide", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			if err := knownRole(c.Context(), r, filter.Role); err != nil {
				return err
			}
			tasks, err := r.Tasks(c.Context(), filter)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"tasks": tasks}, func() { h.taskTable(tasks).printOr(h.out, "No tasks.") })
		},
	}
	f := c.Flags()
	f.StringVar(&filter.Person, "as", "", "those that this person may decide")
	f.StringVar(&filter.Role, "role", "", "those of a role")
	f.StringVar(&filter.Case, "case", "", "those of a case")
	f.BoolVar(&filter.All, "all", false, "decided and closed ones too")
	return c
}

// knownRole refuses a role that nobody holds and no task asks for: an empty list would say that nothing waits.
func knownRole(ctx context.Context, r views.Reader, role string) error {
	if role == "" {
		return nil
	}
	roles, err := r.Roles(ctx)
	if err != nil || slices.Contains(roles, role) {
		return err
	}
	return unknownValue("role", role, roles)
}

// unknownValue names what could have been meant.
func unknownValue(what, entered string, known []string) error {
	return usageError{fmt.Errorf("there is no %s %q; there are: %s", what, entered, none(strings.Join(known, ", ")))}
}

func (h *house) taskTable(tasks []views.Task) *aligned {
	t := newTable("TASK", "PARTNER", "AMOUNT>", "WHO", "DUE", "STATE", "ANSWER")
	for _, task := range tasks {
		answer := joined(deciding(task.Outcomes()), "|")
		switch {
		case task.DecidedBy != nil && task.DecidedAt != nil:
			answer = fmt.Sprintf("%s by %s at %s", task.Outcome, *task.DecidedBy, shown(*task.DecidedAt))
			if task.OnBehalf != nil {
				answer = fmt.Sprintf("%s by %s for %s at %s", task.Outcome, *task.DecidedBy, *task.OnBehalf, shown(*task.DecidedAt))
			}
		case task.DecidedAt != nil: // never read as somebody's approval
			answer = fmt.Sprintf("%s by the %s at %s", task.Outcome, task.How, shown(*task.DecidedAt))
		case task.State == approval.TaskClosed:
			answer = "-"
		}
		t.add(task.ID, task.Partner, sum(task.Kind, task.Amount), task.Asked(), shownOr(task.DueAt, "-"), task.State, answer)
	}
	return t
}

// deciding leaves out the answers by which a task goes on to somebody else or stays as it is: a table has no room for them.
func deciding(outcomes []approval.Outcome) []approval.Outcome {
	others := []approval.Outcome{
		approval.Back, approval.AddSigner, approval.RemoveSigner, approval.Ask, approval.Transfer, approval.Delegate, approval.Comment, approval.Copy,
	}
	return slices.DeleteFunc(slices.Clone(outcomes), func(o approval.Outcome) bool { return slices.Contains(others, o) })
}

func joined(outcomes []approval.Outcome, with string) string {
	out := make([]string, len(outcomes))
	for i, o := range outcomes {
		out[i] = string(o)
	}
	return strings.Join(out, with)
}

func (h *house) taskShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show TASK", Short: "Show one task, and what it takes for an answer", Args: exactly("TASK"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			task, err := r.Task(c.Context(), args[0])
			if err != nil {
				return err
			}
			lines, err := r.BankLines(c.Context(), task.Case, false)
			if err != nil {
				return err
			}
			return h.show(struct {
				views.Task
				Takes []approval.Outcome `json:"takes"`
				Bank  []views.BankLine   `json:"bank_lines,omitempty"` // of the case, that settled nothing
			}{task, task.Outcomes(), lines}, func() {
				h.taskDetail(task)
				for _, l := range lines {
					h.say("Bank file %s, line %d: %s.", oneLine(l.File), l.Row, oneLine(l.Note))
				}
			})
		},
	}
}

func (h *house) taskDetail(task views.Task) {
	h.taskTable([]views.Task{task}).print(h.out)
	h.say("\n%s", oneLine(task.Question))
	if task.Reason != "" {
		h.say("Reason: %s", oneLine(task.Reason))
	}
	if task.Reference != "" {
		h.say("Reference: %s", oneLine(task.Reference))
	}
	if task.DecidedAt != nil || task.State == approval.TaskClosed {
		return
	}
	if task.DefaultAt != nil {
		h.say("At %s the deadline decides.", shown(*task.DefaultAt))
	}
	h.say("It takes: %s.", joined(task.Outcomes(), ", "))
}

// decisionHelp says what can be done about a task.
const decisionHelp = `What a task takes for an answer depends on what it asks; starter task show TASK lists it.

  approve             a review; with --reason also less: --amount, or only the lots of --line
  reject              a review or a late return, with --reason
  return              with --reason: a review, for changes by who applied; a confirmation, because the bank gave the money back
  back --to STEP      to an earlier step of the round, with --reason
  ask                 who applied, without deciding; the question is the --reason
  transfer --to P     to somebody else
  delegate --to P     have somebody look at it, and get it back
  add-signer --to P   ask somebody too, after oneself or --before
  remove-signer       the TASK of a signer who is not asked after all
  urge                by who applied
  comment             the comment is the --reason
  copy --to P         for somebody who should know
  send, fail          release a payment, or not
  confirm             what the bank says, with --amount and --reference: a payment has arrived, or came back late

Repeat a command whose answer was lost with the same --key: nothing happens twice.`

func (h *house) decideCommand() *cobra.Command {
	var d approval.Decision
	var outcome string
	c := &cobra.Command{
		Use: "decide TASK OUTCOME --as PERSON", Short: "Answer a task: approve, reject, return, transfer, send, confirm and others", Args: atMost(2),
		Long: "Answer a task, or do something else about it.\n\n" + decisionHelp,
		Example: `  starter task decide W000001/review approve --as fin-li
  starter task decide W000001/review approve --as fin-li --amount 800.00 --reason "the rest next month"
  starter task decide W000001/review transfer --as fin-li --to fin-wang
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
				return usageError{errors.New("TASK is missing")}
			case outcome == "":
				return usageError{errors.New("OUTCOME is missing")}
			}
			d.Task, d.Outcome = args[0], approval.Outcome(outcome)
			return h.decided(c.Context(), d)
		},
	}
	f := c.Flags()
	decisionFlags(f, &d)
	f.StringVar(&outcome, "outcome", "", "the answer, if not given as OUTCOME")
	f.StringVar(&d.Amount, "amount", "", "approve: a lower amount; confirm: what the bank says")
	f.StringArrayVar(&d.Lines, "line", nil, "approve only this lot of the application, like L000001; may be repeated")
	f.StringVar(&d.Reference, "reference", "", "the bank's reference")
	toFlags(f, &d)
	return needs(c, "as")
}

func decisionFlags(f *pflag.FlagSet, d *approval.Decision) {
	f.StringVar(&d.Person, "as", "", "who decides")
	f.StringVar(&d.Reason, "reason", "", "why; others read it, the partner too")
	f.StringVar(&d.Key, "key", "", "key of the decision (default: a new one)")
}

func toFlags(f *pflag.FlagSet, d *approval.Decision) {
	f.StringVar(&d.To, "to", "", "the person it goes to; back: the step")
	f.BoolVar(&d.Before, "before", false, "add-signer: before oneself, not after")
}

// shortForms are answers as commands of their own; decide takes all of them.
func (h *house) shortForms() []*cobra.Command {
	return []*cobra.Command{
		h.shortForm(approval.Return, "Return an application for changes, or a payment that the bank gave back", "reason"),
		h.shortForm(approval.Back, "Send a task back to an earlier step", "to", "reason"),
		h.shortForm(approval.Transfer, "Give a task to somebody else", "to"),
		h.shortForm(approval.Delegate, "Have somebody look at a task, and get it back", "to"),
		h.shortForm(approval.AddSigner, "Ask somebody too, after oneself or before", "to"),
		h.shortForm(approval.RemoveSigner, "Take away the task of a signer who has not decided"),
		h.shortForm(approval.Ask, "Ask who applied, without deciding", "reason"),
		h.shortForm(approval.Urge, "Remind those who may decide; for who applied"),
		h.shortForm(approval.Comment, "Say something about a task", "reason"),
		h.shortForm(approval.Copy, "Let somebody know", "to"),
	}
}

// shortForm is "decide TASK outcome" with the flags that the outcome has.
func (h *house) shortForm(outcome approval.Outcome, short string, flags ...string) *cobra.Command {
	d := approval.Decision{Outcome: outcome}
	use := string(outcome) + " TASK --as PERSON"
	words := map[string]string{"to": " --to PERSON", "reason": " --reason TEXT"}
	if outcome == approval.Back {
		words["to"] = " --to STEP"
	}
	for _, f := range flags {
		use += words[f]
	}
	if outcome == approval.AddSigner {
		use += " [--before]"
	}
	c := &cobra.Command{
		Use: use, Short: short, Args: exactly("TASK"),
		Long: fmt.Sprintf("%s. The same as: starter task decide TASK %s", short, outcome),
		RunE: func(c *cobra.Command, args []string) error {
			d.Task = args[0]
			return h.decided(c.Context(), d)
		},
	}
	decisionFlags(c.Flags(), &d)
	if slices.Contains(flags, "to") {
		c.Flags().StringVar(&d.To, "to", "", "the "+strings.ToLower(strings.TrimPrefix(words["to"], " --to "))+" it goes to")
	}
	if outcome == approval.AddSigner {
		c.Flags().BoolVar(&d.Before, "before", false, "before oneself, not after")
	}
	return needs(c, append([]string{"as"}, flags...)...)
}

// decided decides and shows where the case stands then.
func (h *house) decided(ctx context.Context, d approval.Decision) error {
	now, key, err := h.decide(ctx, d)
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.Standing
		Key string `json:"key"`
	}{now, key}, func() { h.standing(now) })
}

// decide sends one decision under a key of its own when none is given; the key is answered, for a repeat.
func (h *house) decide(ctx context.Context, d approval.Decision) (activities.Standing, string, error) {
	if d.Key == "" {
		d.Key = uuid.NewString()
	}
	reach, err := h.desk(ctx)
	if err != nil {
		return activities.Standing{}, d.Key, err
	}
	now, err := reach.Decide(ctx, d)
	err = toldLate(err, "--key "+d.Key, "starter case show "+approval.CaseOf(d.Task))
	return now, d.Key, err
}
