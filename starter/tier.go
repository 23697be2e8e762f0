package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) tierCommand() *cobra.Command {
	return group("tier", "The tier of a solution provider, and its upgrade",
		h.tierPreviewCommand(), h.tierApplyCommand(), h.tierResubmitCommand(), h.tierWithdrawCommand(), h.tierListCommand(), h.tierShowCommand(), h.registerCommand())
}

func (h *house) tiers(ctx context.Context) (*activities.Tiers, error) {
	db, err := h.database(ctx)
	return &activities.Tiers{DB: db}, err
}

func (h *house) tierPreviewCommand() *cobra.Command {
	return &cobra.Command{
		Use: "preview PARTNER", Short: "The upgrade page: current tier, what each higher tier asks for, and what keeps the partner from it", Args: exactly("PARTNER"),
		Example: `  starter tier preview P1001`,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := h.tiers(c.Context())
			if err != nil {
				return err
			}
			page, err := t.PreviewTier(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(page, func() { h.tierPage(page) })
		},
	}
}

func (h *house) tierPage(p tier.Page) {
	if p.Membership == nil {
		h.say("%s is no active solution provider.", p.Partner)
	} else {
		h.say("%s is a solution provider of the tier %s, member since %s, until %s.", p.Partner, p.Current.Words(), shown(p.Membership.From), shownOr(p.Membership.Until, "further notice"))
	}
	for _, o := range p.Offers {
		h.say("\n%s", o.Target.Words())
		t := newTable("ITEM", "REQUIREMENT", "TARGET>", "CURRENT>", "MET")
		for _, v := range o.Items {
			met := "no"
			switch {
			case v.Met():
				met = "yes"
			case v.Source == tier.Evidence:
				met = "attach it"
			}
			t.add(v.Code, v.Chinese+" "+v.English, v.Shown(v.Target), v.Shown(v.Current), met)
		}
		t.print(h.out)
		for _, r := range o.Reasons {
			h.say("%s (%s): %s", r.Code, r.Rule, r.Message)
		}
		if o.Possible {
			h.say("Possible: starter tier apply --as PERSON --partner %s --target %s", p.Partner, o.Target)
		}
	}
	if len(p.Ways) == 0 {
		return
	}
	h.say("\nNo account of the company is certified on a path that counts. Two ways, of which %q is advised:", p.Advised)
	h.say("  %s: use an account of the company that completes role certification: %s", tier.SwitchAccount, accountsOf(p.Accounts))
	h.say("  %s: starter tier register --help", tier.RegisterAccount)
}

func accountsOf(accounts []tier.Account) string {
	var words []string
	for _, a := range accounts {
		paths := []string{"no path"}
		if len(a.Paths) > 0 {
			paths = paths[:0]
		}
		for _, p := range a.Paths {
			paths = append(paths, p.Path+" "+p.Stage)
		}
		words = append(words, fmt.Sprintf("%s (%s)", a.ID, strings.Join(paths, ", ")))
	}
	return strings.Join(words, "; ")
}

// tierApplication is an upgrade's application as entered.
type tierApplication struct {
	tier.Application
	target   string
	evidence []string
}

func (a *tierApplication) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.Submitter, "as", "", "who applies")
	f.StringArrayVar(&a.evidence, "evidence", nil, "a file, or a document's ID, by the requirement's code: plan=FILE; may be repeated")
	f.StringVar(&a.RequestKey, "request-key", "", "key of the request (default: a new one)")
}

// read answers the application with the IDs of its documents, and the files to enclose.
func (a *tierApplication) read(ctx context.Context, h *house) (tier.Application, []string, error) {
	proofs := make([]staff.Proof, len(a.evidence))
	for n, e := range a.evidence {
		proofs[n].Kind, proofs[n].Document, _ = strings.Cut(e, "=")
	}
	files, err := h.uploads(ctx, pointers(proofs)...)
	if err != nil {
		return a.Application, nil, err
	}
	app := a.Application
	if a.target != "" {
		app.Target = tier.Tier(strings.ToUpper(a.target))
	}
	for _, p := range proofs {
		app.Evidence = append(app.Evidence, tier.Attached{Item: p.Kind, Document: p.Document})
	}
	if app.RequestKey == "" {
		app.RequestKey = uuid.NewString()
	}
	return app, files, nil
}

func (h *house) tierApplyCommand() *cobra.Command {
	var entered tierApplication
	c := &cobra.Command{
		Use: "apply --as PERSON --partner P --target TIER [--evidence ITEM=FILE]", Short: "Apply for a higher tier; for core its ecosystem manager does", Args: exactly(),
		Long: `Apply for a higher tier. The requirements are read again and kept with the application; what is missing is said all at once. For the
tier core the partner's ecosystem manager applies.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: `  starter tier apply --as p1001-admin --partner P1001 --target preferred
  starter tier apply --as wang --partner P1001 --target core --evidence plan=plan.pdf`,
		RunE: func(c *cobra.Command, _ []string) error {
			a, files, err := entered.read(c.Context(), h)
			if err != nil {
				return err
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+a.RequestKey, "starter tier list "+a.PartnerID, func(ctx context.Context) (activities.Standing, error) {
				return workflows.ApplyForTier(ctx, temporal, a)
			})
			if err == nil {
				err = h.enclose(c.Context(), opened.Case, a.Submitter, files)
			}
			return h.stands(opened, a.RequestKey, err)
		},
	}
	entered.flags(c)
	c.Flags().StringVar(&entered.PartnerID, "partner", "", "whose tier it is")
	c.Flags().StringVar(&entered.target, "target", "", "preferred, leading or core")
	return needs(c, "as", "partner", "target")
}

func (h *house) tierResubmitCommand() *cobra.Command {
	var entered tierApplication
	c := &cobra.Command{
		Use: "resubmit CASE --as PERSON [--evidence ITEM=FILE]", Short: "Submit a rejected upgrade again; its requirements are read anew", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			known, err := r.TierUpgradeOf(c.Context(), args[0])
			if err != nil {
				return err
			}
			entered.PartnerID, entered.Target = known.Partner, known.Target
			a, files, err := entered.read(c.Context(), h)
			if err != nil {
				return err
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+a.RequestKey, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.ResubmitTier(ctx, h.temporal, workflowID, a)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				t, err := h.tiers(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return t.ResubmitTierUpgrade(ctx, activities.ResubmitTierUpgradeInput{Case: args[0], Application: a, At: time.Now()})
			})
			if err == nil {
				err = h.enclose(c.Context(), args[0], a.Submitter, files)
			}
			return h.stands(now, a.RequestKey, err)
		},
	}
	entered.flags(c)
	return needs(c, "as")
}

func (h *house) tierWithdrawCommand() *cobra.Command {
	var r workflows.CancelRequest
	c := &cobra.Command{
		Use: "withdraw CASE --as PERSON", Short: "Take an upgrade back that is under review; who filed it may", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			if r.Key == "" {
				r.Key = uuid.NewString()
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+r.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.WithdrawTier(ctx, h.temporal, workflowID, r)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				t, err := h.tiers(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return t.WithdrawTierUpgrade(ctx, activities.WithdrawTierUpgradeInput{Case: args[0], Key: r.Key, Person: r.Person, At: time.Now()})
			})
			return h.stands(now, r.Key, err)
		},
	}
	f := c.Flags()
	f.StringVar(&r.Person, "as", "", "who withdraws it")
	f.StringVar(&r.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) tierListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list PARTNER", Short: "A partner's upgrades with where each stands and who is asked now", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			list, err := r.TierUpgrades(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(list, func() {
				t := newTable("CASE", "FROM", "TARGET", "STATE", "SINCE", "NODE", "ASKED")
				for _, u := range list {
					t.add(u.Case, u.From, u.Target, u.State, shown(u.Since), none(u.Node), none(strings.Join(u.Who, ", ")))
				}
				t.printOr(h.out, "No upgrade was applied for.")
			})
		},
	}
}

func (h *house) tierShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "An upgrade with the requirements as they were read at each submission", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			u, err := r.TierUpgradeOf(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(u, func() { h.tierUpgrade(u) })
		},
	}
}

func (h *house) tierUpgrade(u views.TierUpgradeDetail) {
	record(h.out, "case", u.Case, "partner", u.Partner, "from", u.From.Words(), "target", u.Target.Words(), "state", u.State, "since", shown(u.Since),
		"node", u.Node, "asked", strings.Join(u.Who, ", "), "in effect from", shownOr(u.EffectiveAt, ""), "certificate", u.Certificate)
	for _, r := range u.Rounds {
		h.say("\nRound %d, submitted by %s at %s: %s", r.Round, r.Submitter, shown(r.At), none(r.Outcome))
		if r.Opinion != "" {
			h.say("Opinion: %s", oneLine(r.Opinion))
		}
		t := newTable("ITEM", "REQUIREMENT", "TARGET>", "VALUE>", "DOCUMENT")
		for _, i := range r.Items {
			of := tier.Item{Source: i.Source}
			t.add(i.Code, i.Chinese+" "+i.English, of.Shown(i.Target), of.Shown(i.Current), none(clipped(i.Document)))
		}
		t.print(h.out)
	}
}
