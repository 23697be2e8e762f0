package main

import (
	"errors"

	"countersign/activities"

	"github.com/spf13/cobra"
)

func (h *house) giveAccountCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use: "account PERSON [--account-name NAME] --as PERSON", Short: "Give a person an account, or one of the vendor's a new initial password", Args: exactly("PERSON"),
		Long: `Give a person an account with an initial password, which is shown once and must be changed at the first sign-in: until then nothing
opens and the person decides nothing. Somebody of the vendor with the role account-administrator does it.

One of the vendor's who has a password gets a new initial one: the old one is refused at once, the person is signed out everywhere and told by
mail. Nobody does that to themself. A partner's people get their first password so when they came with a programme file; later ones come from
their own administrator: starter organisation reset-password.

A first password of one's own is set in the console, or by: starter organisation change-password NAME.`,
		Example: `  starter person account fin-li --as it-he`,
	}
	c.Flags().StringVar(&name, "account-name", "", "name to sign in with (default: the present one, at first the person's ID)")
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		given, err := (&activities.Accounts{DB: o.DB}).Give(c.Context(), activities.GiveAccountInput{Person: args[0], Account: name, Asked: asked})
		words := "The account of " + args[0] + " is ready."
		if given.Account != "" {
			words = "The account of " + args[0] + " is ready: " + given.Account + "."
		}
		return given, passwordWords(activities.GivenPassword{Initial: given.Initial}, words), err
	})
}

func (h *house) forgetCommand() *cobra.Command {
	var identity, factor bool
	c := &cobra.Command{
		Use: "forget PERSON (--second-factor | --identity) --as PERSON", Short: "Let somebody sign in without what they lost", Args: exactly("PERSON"),
		Long: `Let somebody sign in who lost their authenticator and the recovery codes, or whose identity at the identity provider was replaced.
Make sure that it is them who asks. They are signed out everywhere. Somebody of the vendor with the role account-administrator does it, for
anybody but themself.`,
	}
	c.Flags().BoolVar(&factor, "second-factor", false, "the password is enough until they set another authenticator")
	c.Flags().BoolVar(&identity, "identity", false, "the next sign-in with their verified email counts as theirs")
	c.PreRunE = func(*cobra.Command, []string) error {
		if identity == factor {
			return usageError{errors.New("say one of --second-factor and --identity")}
		}
		return nil
	}
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		err := (&activities.Accounts{DB: o.DB}).Forget(c.Context(), activities.ForgetInput{Person: args[0], Identity: identity, Asked: asked})
		return map[string]any{"person": args[0], "second_factor": factor, "identity": identity}, "Done; " + args[0] + " is signed out everywhere.", err
	})
}

func (h *house) signInsCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "sign-ins PERSON [--limit N]", Short: "Show who signed in as a person, tried to, or changed the account", Args: exactly("PERSON"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			events, err := r.AccountHistory(c.Context(), args[0], limit)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"person": args[0], "events": events}, func() {
				t := newTable("AT", "EVENT", "BY", "FROM")
				for _, e := range events {
					what := e.Event
					if e.Failed {
						what += " (refused)"
					}
					t.add(shown(e.At), what, none(e.By), none(e.Network))
				}
				t.printOr(h.out, "Nothing yet.")
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "so many lines, the newest first")
	return c
}
