package main

import (
	"fmt"
	"strings"
	"time"

	"countersign/views"

	"github.com/spf13/cobra"
)

func (h *house) caseExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain CASE", Short: "What a case waits for, who may act, what happens next, and how it came so far", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			e, err := r.Explain(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(e, func() { h.explained(e) })
		},
	}
}

func (h *house) explained(e views.Explanation) {
	h.say("%s", oneLine(e.Summary))
	for _, w := range e.Waits {
		h.say("\nWaits: %s, step %s of %s, round %d, asked %s", w.Task, w.Step, w.Matter, w.Round, shown(w.OpenedAt))
		t := newTable("", "", "")
		t.w.ResetHeaders()
		addPeople(t, "may decide", w.Deciders)
		addPeople(t, "may not", w.Barred)
		for _, n := range w.Next {
			t.add("then", shown(n.At), n.Text)
		}
		for _, line := range w.Counted {
			name, words, _ := strings.Cut(line, ": ")
			t.add("counted", name, words)
		}
		if w.Note != "" {
			t.add("note", "", w.Note)
		}
		t.print(h.out)
	}
	if c := e.Changes; c != nil {
		h.say("\nReturned by %s: %s", c.By, oneLine(c.Reason))
		t := newTable("", "", "")
		t.w.ResetHeaders()
		addPeople(t, "may change it", c.People)
		if c.Until != nil {
			t.add("then", shown(*c.Until), "it is cancelled, and the money is free again")
		}
		if c.Counted != "" {
			t.add("counted", "changes", c.Counted)
		}
		t.print(h.out)
	}
	for _, r := range e.Rounds {
		h.explainedRound(r)
	}
	if len(e.Ahead) > 0 {
		h.say("\nThen, if all goes well:")
		t := newTable("MATTER", "ASKED", "TERMS")
		for _, m := range e.Ahead {
			t.add(m.Matter, m.Asked, none(m.Clock))
		}
		t.print(h.out)
	}
}

// mostShown is how many people are named; JSON has them all.
const mostShown = 12

func addPeople(t *aligned, what string, people []views.Decider) {
	for i, p := range people {
		if i == mostShown {
			t.add(what, fmt.Sprintf("and %d others", len(people)-i), "")
			break
		}
		t.add(what, fmt.Sprintf("%s (%s)", p.Name, p.Person), p.Reason)
	}
	if len(people) == 0 && what == "may decide" {
		t.add(what, "nobody", "")
	}
}

func (h *house) explainedRound(r views.Round) {
	outcome := r.Outcome
	switch outcome {
	case "":
		outcome = "undecided"
	case "rule":
		outcome = "approved by a rule, nobody was asked"
	}
	h.say("\n%s, round %d, policy version %d, from %s: %s", r.Matter, r.Round, r.PolicyVersion, shown(r.OpenedAt), outcome)
	if len(r.Steps) > 0 {
		t := newTable("STEP", "STATE", "ASKED", "WHY", "TERMS")
		for _, s := range r.Steps {
			why := s.Why
			if s.Skipped != "" {
				why = s.Skipped
			}
			t.add(s.Step, s.State, none(s.Asked), none(why), none(s.Clock))
		}
		t.print(h.out)
	}
	if len(r.Decided) == 0 {
		return
	}
	t := newTable("TIME", "SEAT", "OUTCOME", "BY", "TO", "AMOUNT>", "REASON")
	for _, d := range r.Decided {
		outcome, amount := string(d.Outcome), ""
		if d.Void {
			outcome += " (void since)"
		}
		if d.Amount != nil {
			amount = d.Amount.String()
		}
		t.add(shown(d.At), d.Seat, outcome, d.Whose(), none(d.Target), amount, none(d.Reason))
	}
	t.print(h.out)
}
