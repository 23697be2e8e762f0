package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/bill"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) billCommand() *cobra.Command {
	return group("bill", "Incentive bills: what a partner earned, checks and may request", h.billListCommand(), h.billShowCommand(), h.billConfirmCommand(),
		h.billRejectCommand(), h.billQuestionCommand(), h.billAnswerCommand(), h.billTransferCommand())
}

func (h *house) billListCommand() *cobra.Command {
	f := views.BillFilter{}
	c := &cobra.Command{
		Use: "list [--partner P] [--period 2024-05] [--state S]", Short: "Bills with their amount and what of it can be requested", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			f.State = bill.State(strings.ToUpper(string(f.State)))
			found, err := r.Bills(c.Context(), f, time.Now())
			if err != nil {
				return err
			}
			return h.show(found, func() { h.bills(found) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Partner, "partner", "", "only this partner's")
	flags.StringVar(&f.Period, "period", "", "only of this period: 2024-05, 2024-Q2 or 2024")
	flags.StringVar(&f.Case, "case", "", "only of this reconciliation")
	flags.StringVar((*string)(&f.State), "state", "", "only in this state: TO_CONFIRM, RELEASING, RELEASED or VOID")
	return c
}

func (h *house) bills(found []views.Bill) {
	t := newTable("BILL", "PARTNER", "PLAN", "PERIOD", "ASSOCIATION", "AMOUNT>", "PAYABLE>", "STATE", "NOTE")
	for _, b := range found {
		t.add(b.ID, b.Partner, b.Plan, b.Period, association(b.Association), b.Amount, b.Payable, b.State, none(billNote(b)))
	}
	t.printOr(h.out, "There is no such bill.")
}

// association writes the model as bills show it.
func association(a bill.Association) string {
	if a == bill.None {
		return "--"
	}
	return string(a)
}

// billNote says in a few words what a state alone does not.
func billNote(b views.Bill) string {
	var parts []string
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(b.State == bill.ToConfirm && b.Case == "", "not presented yet")
	add(b.State == bill.ToConfirm && b.Case != "" && !b.Deadline.IsZero(), "confirm by %s", b.Deadline)
	add(b.State == bill.ToConfirm && b.Case != "" && b.Deadline.IsZero(), "with operations")
	add(b.Rejected, "rejected")
	add(b.OpenQuestions > 0, "open question")
	add(b.Frozen, "frozen: %s", b.FreezeReason)
	add(b.Requested, "requested")
	add(b.LapsesAt != nil, "void from %s", shownOr(b.LapsesAt, ""))
	add(b.Replaces != "", "in place of %s", b.Replaces)
	add(b.VoidOf != "", "set off against %s", b.VoidOf)
	return strings.Join(parts, ", ")
}

func (h *house) billShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show BILL", Short: "One bill: amounts, deadline, validity, questions, history", Args: exactly("BILL"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			d, err := r.Bill(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(d, func() { h.billDetail(d) })
		},
	}
}

func (h *house) billDetail(d views.BillDetail) {
	record(h.out, "bill", d.ID, "state", d.State, "note", billNote(d.Bill), "partner", d.Partner, "plan", d.Plan, "period", d.Period+", "+d.Cadence,
		"association", association(d.Association), "amount", fmt.Sprintf("%s %s", d.Amount, d.Currency), "payable", fmt.Sprintf("%s %s", d.Payable, d.Currency),
		"output tax rate", d.OutputTaxRate.String()+" %", "generated", shown(d.GeneratedAt), "reconciliation", d.Case, "released", shownOr(d.AnnouncedAt, ""),
		"voided", shownOr(d.VoidedAt, ""), "lines", fmt.Sprintf("%d, %s %s; see: starter incentive lines --bill %s", d.Lines.Lines, d.Lines.Amount, d.Currency, d.ID))
	for _, q := range d.Questions {
		h.say("\nQuestion %d by %s at %s: %s", q.ID, q.AskedBy, shown(q.AskedAt), oneLine(q.Question))
		if q.AnsweredBy != "" {
			h.say("  %s answers: %s", q.AnsweredBy, oneLine(q.Answer))
		}
	}
	for _, m := range d.Transfers {
		h.say("\nMoved from %s to %s by %s at %s: %s", m.From, m.To, m.MovedBy, shown(m.MovedAt), oneLine(m.Reason))
	}
	if len(d.Timeline) == 0 {
		return
	}
	h.say("")
	t := newTable("AT", "ACTOR", "ACTION", "STATE", "RULE", "NOTE")
	for _, e := range d.Timeline {
		t.add(shownToTheSecond(e.At), e.Actor, e.Action, e.To, none(e.Rule), e.Note)
	}
	t.print(h.out)
}

func (h *house) billConfirmCommand() *cobra.Command {
	b := workflows.BillRequest{}
	c := &cobra.Command{
		Use: "confirm BILL --as PERSON", Short: "Confirm a bill and all that were presented with it", Args: exactly("BILL"),
		RunE: func(c *cobra.Command, args []string) error {
			return h.aboutBills(c.Context(), args[0], workflows.ConfirmUpdate, b)
		},
	}
	billFlags(c, &b, "")
	return needs(c, "as")
}

func (h *house) billRejectCommand() *cobra.Command {
	b := workflows.BillRequest{}
	c := &cobra.Command{
		Use: "reject BILL... --as PERSON --reason TEXT", Short: "Reject bills; of one plan and period those of both association models go together", Args: atLeastOne("BILL"),
		RunE: func(c *cobra.Command, args []string) error {
			b.Bills = args
			return h.aboutBills(c.Context(), args[0], workflows.RejectUpdate, b)
		},
	}
	billFlags(c, &b, "reason")
	return needs(c, "as", "reason")
}

func (h *house) billQuestionCommand() *cobra.Command {
	b := workflows.BillRequest{}
	c := &cobra.Command{
		Use: "question BILL... --as PERSON --text TEXT", Short: "Ask the vendor's operations about bills; the deadline runs on", Args: atLeastOne("BILL"),
		RunE: func(c *cobra.Command, args []string) error {
			b.Bills = args
			return h.aboutBills(c.Context(), args[0], workflows.QuestionUpdate, b)
		},
	}
	billFlags(c, &b, "text")
	return needs(c, "as", "text")
}

func (h *house) billAnswerCommand() *cobra.Command {
	b := workflows.BillRequest{}
	c := &cobra.Command{
		Use: "answer BILL --as PERSON --question N --text TEXT", Short: "Answer a partner's question", Args: exactly("BILL"),
		RunE: func(c *cobra.Command, args []string) error {
			return h.aboutBills(c.Context(), args[0], workflows.ReplyUpdate, b)
		},
	}
	c.Flags().Int64Var(&b.Question, "question", 0, "the question's number, see: starter bill show")
	billFlags(c, &b, "text")
	return needs(c, "as", "question", "text")
}

// billFlags are those of every request about bills; text names the flag of its text, which not every one has.
func billFlags(c *cobra.Command, b *workflows.BillRequest, text string) {
	f := c.Flags()
	f.StringVar(&b.Person, "as", "", "who speaks")
	f.StringVar(&b.Key, "key", "", "key of the request (default: a new one)")
	if text != "" {
		f.StringVar(&b.Text, text, "", "what there is to say")
	}
}

// aboutBills hands a request to the run of a reconciliation; one that has ended is asked directly, so that the refusal is kept.
func (h *house) aboutBills(ctx context.Context, id, update string, b workflows.BillRequest) error {
	if b.Key == "" {
		b.Key = uuid.NewString()
	}
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	c, err := r.Reconciliation(ctx, id)
	if err != nil {
		return err
	}
	now, err := h.askReconciliation(ctx, c, update, b)
	if err != nil {
		return err
	}
	found, err := r.Bills(ctx, views.BillFilter{Case: c.Case}, time.Now())
	if err != nil {
		return err
	}
	return h.show(map[string]any{"reconciliation": now, "bills": found}, func() {
		h.say("%s is %s: %s", now.Case, now.State, now.About)
		h.bills(found)
	})
}

func (h *house) askReconciliation(ctx context.Context, c views.Reconciliation, update string, b workflows.BillRequest) (activities.Standing, error) {
	if !c.Ended {
		temporal, err := h.cluster(ctx)
		if err != nil {
			return activities.Standing{}, err
		}
		now, err := inTime(ctx, "--key "+b.Key, "starter bill list --case "+c.Case, func(ctx context.Context) (activities.Standing, error) {
			return workflows.AboutBills(ctx, temporal, c.WorkflowID, update, b)
		})
		if !desk.Gone(err) {
			return now, err
		}
	}
	db, err := h.database(ctx)
	if err != nil {
		return activities.Standing{}, err
	}
	r := &activities.Reconciliations{DB: db}
	ask := map[string]func(context.Context, activities.AnswerInput) (activities.Standing, error){
		workflows.ConfirmUpdate: r.ConfirmBills, workflows.RejectUpdate: r.RejectBills, workflows.QuestionUpdate: r.AskAboutBills, workflows.ReplyUpdate: r.ReplyAboutBills,
	}[update]
	if !c.Ended {
		return activities.Standing{}, fmt.Errorf("case %s is %s, but its workflow is gone; an operator settles it with: starter case repair", c.Case, c.State)
	}
	return ask(ctx, activities.AnswerInput{Case: c.Case, Key: b.Key, Person: b.Person, Bills: b.Bills, Text: b.Text, Question: b.Question, At: time.Now()})
}

func (h *house) billTransferCommand() *cobra.Command {
	in := activities.TransferBillsInput{}
	c := &cobra.Command{
		Use: "transfer [BILL...] --from PARTNER --to PARTNER --as PERSON --reason TEXT", Short: "Move released bills to another account of the same company",
		Long: `Move released bills to another account of the same company, on its request. Only the vendor's operations do it.

Without bills everything is moved that is outstanding, valid and not frozen.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			in.Bills, in.At = args, time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			moved, err := (&activities.Bills{DB: db}).TransferBills(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(moved, func() {
				h.say("Moved %s CNY from %s to %s: %s.", moved.Amount, moved.From, moved.To, strings.Join(moved.Bills, ", "))
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who moves them")
	f.StringVar(&in.From, "from", "", "the account that has them")
	f.StringVar(&in.To, "to", "", "the account that gets them")
	f.StringVar(&in.Reason, "reason", "", "whose request it is")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as", "from", "to", "reason")
}

// atLeastOne asks for one argument or more.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{fmt.Errorf("%s is missing", name)}
		}
		return nil
	}
}
