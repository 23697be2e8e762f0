package main

import (
	"strings"
	"time"

	"countersign/activities"
	"countersign/views"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) performanceCommand() *cobra.Command {
	return group("performance", "Performance sheets: showing, questioning, approving them", h.performanceShowCommand(), h.performanceQuestionCommand(), h.performanceApproveCommand())
}

func (h *house) performanceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PARTNER MONTH", Short: "Show a partner's performance of a month", Args: exactly("PARTNER", "MONTH"),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := monthArg(args[1])
			if err != nil {
				return err
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			s, err := r.Sheet(c.Context(), args[0], p)
			if err != nil {
				return err
			}
			return h.show(s, func() { h.sheet(s) })
		},
	}
}

func (h *house) sheet(s views.Sheet) {
	reviewed := ""
	if s.ReviewedBy != nil && s.ReviewedAt != nil {
		reviewed = *s.ReviewedBy + ", " + shown(*s.ReviewedAt)
	}
	record(h.out, "partner", s.Partner, "month", s.Period, "state", s.State, "consumption", s.Gross, "performance", s.Counted, "not cash", s.NonCash, "no incentive", s.NoIncentive,
		"counts later", s.NextPeriod, "incentive", s.Amount, "calculated", shown(s.CalculatedAt), "reviewed", reviewed)
	h.say("")
	t := newTable("PRODUCT", "ASSOCIATION", "REASON", "LINES>", "CONSUMPTION>", "PERFORMANCE>", "INCENTIVE>")
	for _, p := range s.Parts {
		t.add(p.Product, p.Association, none(strings.TrimSpace(p.Reason+" "+p.Detail)), p.Lines, p.Gross, p.Counted, p.Amount)
	}
	t.printOr(h.out, "No lines.")
	for _, q := range s.Questions {
		h.say("\n%s asked on %s: %s (closed: %s)", q.By, shown(q.At), oneLine(q.Question), shownOr(q.ClosedAt, "no"))
	}
}

func (h *house) performanceQuestionCommand() *cobra.Command {
	in := activities.PerformanceQuestion{}
	c := &cobra.Command{
		Use: "question PARTNER MONTH --text TEXT --as PERSON", Short: "Ask about a first draft; the review closes the question", Args: exactly("PARTNER", "MONTH"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if in.Period, err = monthArg(args[1]); err != nil {
				return err
			}
			in.Partner, in.At = args[0], time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			if err := (&activities.Calculations{DB: db}).AskAboutPerformance(c.Context(), in); err != nil {
				return err
			}
			return h.show(map[string]string{"key": in.Key}, func() { h.say("The question about %s of %s is kept.", in.Period, in.Partner) })
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who asks")
	c.Flags().StringVar(&in.Question, "text", "", "what the question is")
	c.Flags().StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as", "text")
}

func (h *house) performanceApproveCommand() *cobra.Command {
	in := activities.ReviewInput{}
	c := &cobra.Command{
		Use: "approve MONTH --as PERSON [--partner P]", Short: "Make first drafts final and bill them; a repeat bills corrections only", Args: exactly("MONTH"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if in.Period, err = monthArg(args[0]); err != nil {
				return err
			}
			in.At = time.Now()
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			reports, err := (&activities.Calculations{DB: db}).ApprovePerformance(c.Context(), in)
			if err != nil { // who was done before it is done: repeating it goes on
				return err
			}
			return h.show(reports, func() { h.billed(reports) })
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who approves")
	c.Flags().StringVar(&in.Partner, "partner", "", "only this one (default: all)")
	return needs(c, "as")
}
