package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/kinds"
	"countersign/domain/requisition"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) requisitionCommand() *cobra.Command {
	return group("requisition", "A partner asks for its released incentive: as quota, by bank, to the cloud account",
		h.requisitionPreviewCommand(), h.requisitionApplyCommand(), h.requisitionListCommand(), h.requisitionShowCommand(), h.requisitionMethodCommand(), h.automaticCommand())
}

// requests opens the activities of requisitions.
func (h *house) requisitions(ctx context.Context) (*activities.Requisitions, error) {
	db, err := h.database(ctx)
	return &activities.Requisitions{DB: db}, err
}

// wanted is an application as the command line enters it.
type wanted struct {
	requisition.Application
	methods []string
}

func (w *wanted) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&w.Submitter, "as", "", "who applies")
	f.StringVar(&w.PartnerID, "partner", "", "for which partner")
	f.StringSliceVar(&w.methods, "method", nil, "VOUCHER, BANK, CLOUD_ACCOUNT or CLOUD_ACCOUNT_OWED")
	f.StringSliceVar(&w.Bills, "bill", nil, "a bill; repeat it for several (default: all that can be requested)")
}

func (w *wanted) read() requisition.Application {
	for _, m := range w.methods {
		w.Methods = append(w.Methods, requisition.Method(strings.ToUpper(m)))
	}
	return w.Application
}

func (h *house) requisitionPreviewCommand() *cobra.Command {
	var w wanted
	c := &cobra.Command{
		Use: "preview --as PERSON --partner P [--method M] [--bill B]...", Short: "What can be requested now, by which method, and what it would come to", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := h.requisitions(c.Context())
			if err != nil {
				return err
			}
			p, err := q.PreviewRequisition(c.Context(), w.read(), time.Now())
			if err != nil {
				return err
			}
			return h.show(p, func() { h.requisitionPreviewed(p) })
		},
	}
	w.flags(c)
	return needs(c, "as", "partner")
}

func (h *house) requisitionPreviewed(p activities.RequisitionPreview) {
	t := newTable("BILL", "PERIOD", "MODEL", "AMOUNT>", "PAYABLE>", "REQUESTABLE", "METHODS")
	for _, b := range p.Bills {
		state := "yes"
		if !b.Requestable {
			state = "no: " + b.Reason
		}
		if b.Reason == requisition.Outstanding {
			state = "taken in with the next request"
		}
		t.add(b.ID, b.Period, string(b.Association), b.Amount, b.Payable, state, methodWords(p.Methods[b.ID]))
	}
	t.printOr(h.out, "No bills.")
	if p.Plan != nil {
		h.say("\n%s of %s by %s: %s, settled with %s%s.", p.Plan.Scope, counted(len(p.Plan.Bills), "bill"), p.Plan.Method, p.Plan.Gross, p.Plan.Settlement, takenIn(p.Plan))
	}
	if len(p.Refused) > 0 {
		h.say("")
		h.refused(p.Refused)
	}
}

func takenIn(p *requisition.Plan) string {
	if len(p.Negatives) == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of negative incentive taken in", requisition.Sum(p.Negatives).Neg())
}

func methodWords(methods []requisition.Method) string {
	words := make([]string, len(methods))
	for i, m := range methods {
		words[i] = string(m)
	}
	return strings.Join(words, " ")
}

func counted[N ~int | ~int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (h *house) requisitionApplyCommand() *cobra.Command {
	var w wanted
	c := &cobra.Command{
		Use: "apply --as PERSON --partner P --method M [--bill B]...", Short: "Request released incentive; without --bill all that can be requested", Args: exactly(),
		Long: `Request released incentive. The rules judge what is entered, all of it at once.

Quota, and the cloud account with an owed invoice, are granted at once. By bank, and to the cloud account, the partner is asked
for its invoice first: see starter invoice list CASE. After submission the method is fixed.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: "  starter requisition apply --as p1001-fin --partner P1001 --method BANK --bill B000001 --bill B000002",
		RunE: func(c *cobra.Command, _ []string) error {
			app := w.read()
			if app.RequestKey == "" {
				app.RequestKey = uuid.NewString()
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+app.RequestKey, "starter requisition list --partner "+app.PartnerID,
				func(ctx context.Context) (activities.Standing, error) {
					return workflows.SubmitRequisition(ctx, temporal, app)
				})
			if err != nil {
				return err
			}
			return h.show(struct {
				activities.Standing
				RequestKey string `json:"request_key"`
			}{opened, app.RequestKey}, func() {
				h.standing(opened)
				h.say("Request key %s", app.RequestKey)
			})
		},
	}
	w.flags(c)
	c.Flags().StringVar(&w.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner", "method")
}

func (h *house) requisitionListCommand() *cobra.Command {
	var filter views.RequisitionFilter
	var state string
	c := &cobra.Command{
		Use: "list [--partner P] [--state S]", Short: "List requisitions with their progress", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if known := kinds.States(requisition.Kind); state != "" && !slices.Contains(known, domain.State(state)) {
				return unknownValue("state", state, texts(known))
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			filter.State = domain.State(state)
			found, err := r.Requisitions(c.Context(), filter)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"requisitions": found}, func() {
				t := newTable("CASE", "PARTNER", "STATE", "", "METHOD", "GROSS>", "SETTLEMENT>", "PERIOD", "OPENED", "COMPLETED")
				for _, q := range found {
					t.add(q.Case, q.Partner, q.State, q.Chinese, q.Method, q.Gross, q.Settlement, q.Period, shown(q.OpenedAt), shownOr(q.CompletedAt, "-"))
				}
				t.printOr(h.out, "No requisitions.")
			})
		},
	}
	f := c.Flags()
	f.StringVar(&filter.Partner, "partner", "", "those of a partner")
	f.StringVar(&state, "state", "", "those in a state")
	return c
}

func (h *house) requisitionShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "Show a requisition: what it asks for, what it comes to, where it goes", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			d, err := r.Requisition(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(d, func() { h.requisitionRecord(d) })
		},
	}
}

func (h *house) requisitionRecord(d views.RequisitionDetail) {
	account, paused := "", ""
	if d.AccountNo != "" {
		account = strings.Join([]string{d.AccountName, d.Bank, d.AccountNo}, ", ")
	}
	if d.PausedAt != nil {
		paused = "since " + shown(*d.PausedAt) + ", until the change of business information is decided"
	}
	record(h.out, "case", d.Case, "partner", d.Partner, "state", strings.TrimSpace(string(d.State)+" "+d.Chinese), "method", d.Method, "scope", d.Scope, "gross", d.Gross,
		"settlement", fmt.Sprintf("%s %s", d.Settlement, d.Currency), "service-fee tax rate", d.ServiceRate.Percent(), "signing entity", d.Entity, "account", account,
		"invoice list", d.List, "invoice due", d.InvoiceDue, "quota", d.Quota, "waits", paused, "failure", d.Failure, "reference", d.Reference,
		"opened", shown(d.OpenedAt), "completed", shownOr(d.CompletedAt, ""))
	h.say("")
	t := newTable("BILL", "PERIOD", "MODEL", "AMOUNT>", "")
	for _, b := range d.Bills {
		note := ""
		if !b.Live {
			note = "free again"
		}
		t.add(b.Bill, b.Period, b.Model, b.Amount, note)
	}
	t.print(h.out)
}

func (h *house) requisitionMethodCommand() *cobra.Command {
	var r workflows.CaseRequest
	var to string
	back := false
	c := &cobra.Command{
		Use: "method CASE --as PERSON (--to METHOD | --take-back) --reason R", Short: "Ask for another method, or to take the request back, for a special reason", Args: exactly("CASE"),
		Long: `Ask for another method, or to take the request back. After submission the method is fixed: only for a special reason, and only
while no money has moved, vendor operations may change it. They answer within two working days, by the task that opens.`,
		RunE: func(c *cobra.Command, args []string) error {
			if back == (to != "") {
				return usageError{fmt.Errorf("give either --to METHOD or --take-back")}
			}
			r.Special.Method = requisition.Method(strings.ToUpper(to))
			if r.Key == "" {
				r.Key = uuid.NewString()
			}
			now, err := sendTo(c.Context(), h, args[0], "--key "+r.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.AskSpecial(ctx, h.temporal, workflowID, r)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				q, err := h.requisitions(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return q.AskSpecial(ctx, activities.AskSpecialInput{Case: args[0], Person: r.Person, Key: r.Key, Special: r.Special, At: time.Now()})
			})
			if err != nil {
				return err
			}
			return h.show(now, func() { h.standing(now) })
		},
	}
	f := c.Flags()
	f.StringVar(&r.Person, "as", "", "who asks")
	f.StringVar(&to, "to", "", "the method that is wanted")
	f.BoolVar(&back, "take-back", false, "take the request back")
	f.StringVar(&r.Special.Reason, "reason", "", "the special reason")
	f.StringVar(&r.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) automaticCommand() *cobra.Command {
	return group("automatic", "The automatic release: on the fifth day after data was generated",
		h.automaticSwitchCommand("on"), h.automaticSwitchCommand("off"), h.automaticShowCommand(), h.automaticRunCommand())
}

func (h *house) automaticSwitchCommand(way string) *cobra.Command {
	var in activities.SwitchAutomaticInput
	var g, m string
	c := &cobra.Command{
		Use: way + " --as PERSON --partner P --group G", Short: "Turn it " + way + " for a row group: new-resale, or others", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := h.requisitions(c.Context())
			if err != nil {
				return err
			}
			in.Group, in.Method, in.At = requisition.Group(g), requisition.Method(strings.ToUpper(m)), time.Now()
			switches, err := q.SwitchAutomatic(c.Context(), in)
			if err != nil {
				return err
			}
			return h.switches(in.Partner, switches)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who switches")
	f.StringVar(&in.Partner, "partner", "", "of which partner")
	f.StringVar(&g, "group", "", "new-resale: resale since the cut-over; others: everything else")
	if way == "off" {
		return needs(c, "as", "partner", "group")
	}
	c.Use += " --method M"
	f.StringVar(&m, "method", "", "a method of the row group")
	return needs(c, "as", "partner", "group", "method")
}

func (h *house) switches(partner string, switches []activities.AutomaticSwitch) error {
	return h.show(map[string]any{"partner": partner, "automatic": switches}, func() {
		t := newTable("GROUP", "METHOD", "SINCE", "BY")
		for _, s := range switches {
			t.add(string(s.Group), string(s.Method), shown(s.Since), s.SetBy)
		}
		t.printOr(h.out, "The automatic release of "+partner+" is off.")
	})
}

func (h *house) automaticShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PARTNER", Short: "Show what is switched on", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			q, err := h.requisitions(c.Context())
			if err != nil {
				return err
			}
			switches, err := q.Automatic(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.switches(args[0], switches)
		},
	}
}

func (h *house) automaticRunCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Look now, and request what is due; nothing is requested twice", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			result, err := workflows.StartAutomaticRelease(c.Context(), temporal, time.Now())
			if err != nil {
				return err
			}
			return h.show(result, func() {
				if len(result.Requested) == 0 {
					h.say("Nothing is due.")
				}
				for _, id := range result.Requested {
					h.say("Requested: %s", id)
				}
			})
		},
	}
}
