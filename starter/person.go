package main

import (
	"context"
	"time"

	"countersign/activities"

	"github.com/spf13/cobra"
)

func (h *house) personCommand() *cobra.Command {
	return group("person", "People of the programme", h.personNotifyCommand(), h.personMessagesCommand(), h.personLeaveCommand(),
		h.giveAccountCommand(), h.forgetCommand(), h.signInsCommand())
}

func (h *house) personLeaveCommand() *cobra.Command {
	var in activities.LeaveInput
	c := &cobra.Command{
		Use: "leave PERSON [--successor S] --as P", Short: "Take a leaver's authority away and hand their open tasks over", Args: exactly("PERSON"),
		Long: `Take a leaver's authority away, at once, and hand over the open tasks that were put to them by name: to the successor, and
without one, or where the successor may not decide, to the process owner. The person's superior or the process owner does it.
What is put to a role stays with the role.

A command that was interrupted may be repeated: what was handed over stays so.`,
		Example: `  starter person leave fin-li --successor fin-wang --as fin-zhao`,
		RunE: func(c *cobra.Command, args []string) error {
			in.Person, in.At = args[0], time.Now()
			return h.personLeave(c.Context(), in)
		},
	}
	c.Flags().StringVar(&in.Successor, "successor", "", "who takes the tasks over (default: the process owner)")
	c.Flags().StringVar(&in.By, "as", "", "who says so")
	return needs(c, "as")
}

func (h *house) personLeave(ctx context.Context, in activities.LeaveInput) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	left, err := (&activities.People{DB: db}).Leave(ctx, in)
	if err != nil {
		return err
	}
	return h.show(struct {
		Person    string `json:"person"`
		Successor string `json:"successor,omitempty"`
		activities.LeaveReport
	}{in.Person, in.Successor, left}, func() {
		h.say("%s has left and decides nothing any more. Handed over to %s: %d tasks. For the process owner, since nobody else may decide: %d.",
			in.Person, none(in.Successor), left.HandedOver, left.ToOwner)
	})
}
