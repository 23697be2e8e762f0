package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/activities"

	"github.com/spf13/cobra"
)

func (h *house) webhookCommand() *cobra.Command {
	g := group("webhook", "Other systems that are told of events",
		h.webhookAddCommand(), h.webhookListCommand(),
		h.webhookChangeCommand("remove", "End a webhook for good; what still waits for it is not sent", "removed", (*activities.Webhooks).RemoveWebhook),
		h.webhookChangeCommand("resume", "Tell a webhook again that its receiver stopped with 410 Gone", "active", (*activities.Webhooks).ResumeWebhook),
		h.webhookDeadCommand(), h.webhookReplayCommand())
	g.Long = `Other systems that are told of every event of a case, signed by the Standard Webhooks scheme (standardwebhooks.com).

A delivery that fails is tried eight times within a day and then goes to the dead-letter list, from which it can be
replayed. A receiver may be told twice, with the same webhook-id, and in another order than things happened.`
	return g
}

func (h *house) webhooks(ctx context.Context) (*activities.Webhooks, error) {
	db, err := h.database(ctx)
	return &activities.Webhooks{DB: db}, err
}

func (h *house) webhookAddCommand() *cobra.Command {
	var in activities.AddWebhookInput
	c := &cobra.Command{
		Use: "add URL [--kind K ...] --as PERSON", Short: "Have a system told of events from now on; its secret is shown once", Args: exactly("URL"),
		Long: `Have a system told of events from now on. The address is https; plain http is for loopback addresses only. Redirects are
not followed. The secret, by which the receiver checks signatures, is shown now and never again.`,
		RunE: func(c *cobra.Command, args []string) error {
			w, err := h.webhooks(c.Context())
			if err != nil {
				return err
			}
			in.URL, in.At = args[0], time.Now()
			added, err := w.AddWebhook(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(added, func() {
				h.say("Webhook %d tells %s of %s.", added.ID, oneLine(added.URL), ofKinds(added.Kinds))
				h.say("Its secret, shown only now: %s", added.Secret)
			})
		},
	}
	c.Flags().StringArrayVar(&in.Kinds, "kind", nil, "only cases of this kind; may be repeated (default: all)")
	c.Flags().StringVar(&in.By, "as", "", "who adds it: a finance manager of the vendor")
	return needs(c, "as")
}

func ofKinds(kinds []string) string {
	if len(kinds) == 0 {
		return "all cases"
	}
	return "cases of kind " + strings.Join(kinds, ", ")
}

func (h *house) webhookListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List webhooks, without their secrets", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			webhooks, err := r.Webhooks(c.Context())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"webhooks": webhooks}, func() {
				t := newTable("WEBHOOK>", "URL", "TOLD OF", "STATE", "WAITING>", "DEAD>", "ADDED")
				for _, w := range webhooks {
					t.add(w.ID, w.URL, ofKinds(w.Kinds), w.State, w.Waiting, w.Dead, fmt.Sprintf("by %s at %s", w.CreatedBy, shown(w.CreatedAt)))
				}
				t.printOr(h.out, "No webhooks.")
			})
		},
	}
}

// webhookChangeCommand moves one webhook into another state.
func (h *house) webhookChangeCommand(name, short, state string, change func(*activities.Webhooks, context.Context, int, string, time.Time) error) *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: name + " WEBHOOK --as PERSON", Short: short, Args: exactly("WEBHOOK"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.Atoi(args[0])
			if err != nil {
				return usageError{fmt.Errorf("WEBHOOK is a number, not %q; look with: starter webhook list", args[0])}
			}
			w, err := h.webhooks(c.Context())
			if err != nil {
				return err
			}
			if err := change(w, c.Context(), id, by, time.Now()); err != nil {
				return err
			}
			return h.show(map[string]any{"webhook": id, "state": state}, func() { h.say("Webhook %d is %s.", id, state) })
		},
	}
	c.Flags().StringVar(&by, "as", "", "who asks: a finance manager of the vendor")
	return needs(c, "as")
}

func (h *house) webhookDeadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "dead", Short: "List deliveries that failed for good; --json shows their bodies", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			dead, err := r.DeadDeliveries(c.Context())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"dead": dead}, func() {
				t := newTable("DELIVERY", "URL", "TYPE", "WRITTEN", "DEAD SINCE", "ATTEMPTS>", "ERROR")
				for _, d := range dead {
					t.add(d.ID, d.URL, d.Type, shown(d.WrittenAt), shown(d.DeadAt), d.Attempts, d.Error)
				}
				t.printOr(h.out, "No dead deliveries.")
			})
		},
	}
}

func (h *house) webhookReplayCommand() *cobra.Command {
	var by string
	var all bool
	c := &cobra.Command{
		Use: "replay [DELIVERY | --all] --as PERSON", Short: "Send dead deliveries again, under the same webhook-id", Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(args) == 1) || len(args) == 1 && args[0] == "" {
				return usageError{errors.New("name one DELIVERY, or all of active webhooks with --all")}
			}
			w, err := h.webhooks(c.Context())
			if err != nil {
				return err
			}
			replayed, err := w.Replay(c.Context(), strings.Join(args, ""), by, time.Now())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"replayed": replayed}, func() { h.say("Back in the queue: %d.", replayed) })
		},
	}
	c.Flags().StringVar(&by, "as", "", "who asks: a finance manager of the vendor")
	c.Flags().BoolVar(&all, "all", false, "all whose webhook is active")
	return needs(c, "as")
}
