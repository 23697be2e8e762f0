package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// application is what the flags of an application come to.
type application struct {
	withdrawal.Application
	route string
	lots  []string
}

func (a *application) flags(f *pflag.FlagSet) {
	f.StringVar(&a.Submitter, "as", "", "who applies")
	f.StringVar(&a.PartnerID, "partner", "", "whose money it is")
	f.StringVar(&a.route, "route", "", "ORIGINAL, BANK_CARD or INCENTIVE")
	f.StringVar(&a.Amount, "amount", "", "like 1234.50")
	f.StringVar(&a.Payee.Holder, "holder", "", "name of the payee's account")
	f.StringVar(&a.Payee.AccountNo, "account-no", "", "number of the payee's account")
	f.StringVar(&a.Payee.Bank, "bank", "", "the payee's bank")
	f.StringVar(&a.Payee.Branch, "branch", "", "its branch; once for each account")
	f.StringArrayVar(&a.lots, "lot", nil, "take this part of a lot, like L000001=500.00; may be repeated (default: last in, first out)")
}

// read makes the application of what was entered.
func (a *application) read() (withdrawal.Application, error) {
	app := a.Application
	app.Route = withdrawal.Route(a.route)
	for _, l := range a.lots {
		lot, amount, ok := strings.Cut(l, "=")
		if !ok {
			return app, usageError{fmt.Errorf("--lot %q is not written like L000001=500.00", l)}
		}
		app.Lots = append(app.Lots, withdrawal.LotChoice{Lot: lot, Amount: amount})
	}
	return app, nil
}

func (h *house) approvalCommand() *cobra.Command {
	return group("approval", "Who would be asked", h.previewCommand())
}

func (h *house) previewCommand() *cobra.Command {
	var a application
	c := &cobra.Command{
		Use: "preview --as PERSON --partner P --route R --amount A [payee]", Short: "Who would be asked about a withdrawal, in which order, why, and by when", Args: exactly(),
		Long: `Who would be asked about a withdrawal that is submitted now, in which order, why, and by when. It is judged first; no
verification code is needed. Nothing is submitted and nothing is kept.`,
		RunE: func(c *cobra.Command, _ []string) error {
			app, err := a.read()
			if err != nil {
				return err
			}
			return h.preview(c.Context(), app)
		},
	}
	a.flags(c.Flags())
	return needs(c, "as", "partner", "route", "amount")
}

// preview exits as a submission would that the rules refuse.
func (h *house) preview(ctx context.Context, app withdrawal.Application) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	p, err := r.Preview(ctx, app, time.Now())
	if err != nil {
		return err
	}
	if len(p.Refused) > 0 {
		if err := h.show(p, func() { h.refused(p.Refused) }); err != nil {
			return err
		}
		return stopped(1)
	}
	return h.show(p, func() { h.previewed(p) })
}

func (h *house) previewed(p views.Preview) {
	h.say("%s CNY of %s by %s to %s, submitted now by %s, policy version %d:", p.Amount, p.Partner, p.Route, none(oneLine(p.Payee.Holder)), p.Submitter, p.PolicyVersion)
	if p.ByRule {
		h.say("Nobody reviews it: %s approves wallet money that leaves by its original route below the risk amount.", p.Rule)
	}
	for _, s := range p.Steps {
		name := s.Matter
		if s.Step != s.Matter {
			name += ", step " + s.Step
		}
		if s.Skipped != "" {
			h.say("\n%s: skipped, %s", name, s.Skipped)
			continue
		}
		opens := s.Opens
		if s.OpensBy != nil && s.Opens != "now" {
			opens += ", " + shown(*s.OpensBy) + " at the latest"
		}
		due := "never: no term is set"
		if s.DueAt != nil {
			due = shown(*s.DueAt) + " at the latest"
		}
		h.say("\n%s", name)
		t := newTable("", "", "")
		t.w.ResetHeaders()
		t.add("asked", s.Asked, "")
		if s.Why != "" {
			t.add("because", s.Why, "")
		}
		if s.PolicyLine != "" {
			t.add("policy", fmt.Sprintf("version %d, line %s", p.PolicyVersion, s.PolicyLine), "")
		}
		t.add("opens", opens, "")
		t.add("due", due, "")
		if s.Counted != "" {
			t.add("counted", s.Counted, "")
		}
		t.add("could decide", fmt.Sprintf("%d now: %s", len(s.Deciders), peopleNames(s.Deciders)), "")
		t.print(h.out)
	}
	if len(p.Warnings) > 0 {
		h.say("\nBeware:")
	}
	for _, w := range p.Warnings {
		h.say("  %s.", capital(w))
	}
}

func peopleNames(people []views.Decider) string {
	var names []string
	for i, p := range people {
		if i == mostShown {
			names = append(names, fmt.Sprintf("and %d others", len(people)-i))
			break
		}
		name := p.Name
		if p.OnBehalf != "" {
			name += " for " + p.OnBehalf
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}
