package main

import (
	"context"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/views"

	"github.com/spf13/cobra"
)

func (h *house) absenceCommand() *cobra.Command {
	return group("absence", "Who stands in for whom", h.absenceSetCommand(), h.absenceListCommand())
}

func (h *house) absenceSetCommand() *cobra.Command {
	var in activities.AbsenceInput
	var from, to string
	c := &cobra.Command{
		Use: "set PERSON --substitute S --from TIME --to TIME --as P", Short: "Let a substitute decide for a person in a period", Args: exactly("PERSON"),
		Long: `Let a substitute decide for a person in a period. The person, their superior or the process owner sets it.

TIME is in UTC+8: 2026-11-23T09:00, or a day such as 2026-11-23. A day counts in full: --from begins at its 00:00, --to ends at the
next 00:00. At that instant the substitute may decide no more. The same person, substitute and --from again moves the end: who is
back early sets an earlier --to.`,
		Example: `  starter absence set fin-li --substitute fin-wang --from 2026-11-23 --to 2026-11-27 --as fin-li`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			in.Person, in.At = args[0], time.Now()
			if in.From, err = givenTime("from", from, 0); err != nil {
				return err
			}
			if in.To, err = givenTime("to", to, 1); err != nil {
				return err
			}
			return h.absenceSet(c.Context(), in)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Substitute, "substitute", "", "who decides in the person's place")
	f.StringVar(&from, "from", "", "when it begins, like 2026-11-23 or 2026-11-23T09:00")
	f.StringVar(&to, "to", "", "when it ends; a day counts in full")
	f.StringVar(&in.By, "as", "", "who sets it")
	return needs(c, "substitute", "from", "to", "as")
}

func (h *house) absenceSet(ctx context.Context, in activities.AbsenceInput) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	if err := (&activities.People{DB: db}).SetAbsence(ctx, in); err != nil {
		return err
	}
	return h.show(map[string]any{"person": in.Person, "substitute": in.Substitute, "from": in.From, "to": in.To}, func() {
		h.say("%s may decide for %s from %s until %s.", in.Substitute, in.Person, shown(in.From), shown(in.To))
	})
}

func (h *house) absenceListCommand() *cobra.Command {
	var f views.AbsenceFilter
	c := &cobra.Command{
		Use: "list [--person P] [--all]", Short: "List absences that are not over", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			absences, err := r.Absences(c.Context(), f, time.Now())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"absences": absences}, func() {
				t := newTable("PERSON", "SUBSTITUTE", "FROM", "UNTIL", "STATE", "SET")
				for _, a := range absences {
					t.add(a.Person, a.Substitute, shown(a.From), shown(a.To), a.State, fmt.Sprintf("by %s at %s", a.SetBy, shown(a.SetAt)))
				}
				t.printOr(h.out, "No absences.")
			})
		},
	}
	c.Flags().StringVar(&f.Person, "person", "", "those of a person, absent or standing in")
	c.Flags().BoolVar(&f.All, "all", false, "past ones too")
	return c
}
