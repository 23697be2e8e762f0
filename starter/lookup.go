package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/refusal"

	"github.com/spf13/cobra"
)

func (h *house) calendarCommand() *cobra.Command {
	var from string
	var days int
	due := &cobra.Command{
		Use: "due --from DATE --workdays N", Short: "Count working days; no server is asked", Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return h.due(from, days) },
	}
	due.Flags().StringVar(&from, "from", "", "the day that is not counted, like 2025-11-03")
	due.Flags().IntVar(&days, "workdays", 0, "how many working days")
	return group("calendar", "Working days of the People's Republic of China", needs(due, "from", "workdays"))
}

func (h *house) due(from string, days int) error {
	first, err := calendar.ParseDate(from)
	if err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	if days <= 0 {
		return usageError{errors.New("--workdays is a number above zero")}
	}
	last, closes, err := calendar.China().WorkingDays(first, days)
	var missing calendar.NoDataError
	if errors.As(err, &missing) { // as an application in that situation is refused
		return refusal.List{refusal.New("ENG-05", "PRG.ENG.05", "calendar", "%s", missing.Error())}
	}
	if err != nil {
		return err
	}
	return h.show(struct {
		From     calendar.Date `json:"from"`
		Workdays int           `json:"workdays"`
		Last     calendar.Date `json:"last"`   // the last counted day
		Closes   time.Time     `json:"closes"` // from this instant on it is late
	}{first, days, last, closes}, func() {
		record(h.out, "from", fmt.Sprintf("%s (%s)", first, first.Weekday()), "working days", days,
			"last counted day", fmt.Sprintf("%s (%s)", last, last.Weekday()), "closes", shown(closes))
	})
}

func (h *house) outboxCommand() *cobra.Command {
	var person string
	var all bool
	c := &cobra.Command{
		Use: "outbox", Short: "Read messages that are not delivered yet", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			messages, err := r.Outbox(c.Context(), person, all)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"messages": messages}, func() {
				for _, m := range messages {
					sent := "not delivered"
					if m.SentAt != nil {
						sent = "delivered " + shown(*m.SentAt)
					}
					if m.Error != "" {
						sent += fmt.Sprintf(" (%d attempts, the last failed: %s)", m.Attempts, m.Error)
					}
					h.say("%s  to %s  %s\n%s", shownToTheSecond(m.WrittenAt), oneLine(m.Person+" "+m.Email), sent, oneLine(m.Subject))
					for line := range strings.Lines(m.Body) {
						h.say("%s", oneLine("    "+line))
					}
					h.say("")
				}
				if len(messages) == 0 {
					h.say("No messages.")
				}
			})
		},
	}
	c.Flags().StringVar(&person, "person", "", "those to a person")
	c.Flags().BoolVar(&all, "all", false, "delivered ones too")
	return c
}
