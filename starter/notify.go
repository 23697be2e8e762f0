package main

import (
	"context"
	"fmt"

	"countersign/activities"

	"github.com/spf13/cobra"
)

func (h *house) personNotifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "notify PERSON each|digest", Short: "Choose mail for each message, or one digest a day at 09:00 UTC+8", Args: exactly("PERSON", "each|digest"),
		Long: `Choose how a person gets messages: a mail for each, at once, or one digest a day at 09:00 UTC+8. Verification codes
always go at once. Messages that wait already leave as they would have.`,
		RunE: func(c *cobra.Command, args []string) error {
			return h.personNotify(c.Context(), args[0], activities.Notify(args[1]))
		},
	}
}

func (h *house) personNotify(ctx context.Context, person string, how activities.Notify) error {
	if how != activities.Each && how != activities.Digest {
		return usageError{fmt.Errorf("messages come as %s or %s, not %q", activities.Each, activities.Digest, how)}
	}
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	if err := (&activities.Outbox{DB: db}).SetNotify(ctx, person, how); err != nil {
		return err
	}
	return h.show(map[string]any{"person": person, "notify": how}, func() {
		if how == activities.Digest {
			h.say("%s gets one digest a day, at 09:00 UTC+8; codes go at once.", person)
			return
		}
		h.say("%s gets every message at once.", person)
	})
}
