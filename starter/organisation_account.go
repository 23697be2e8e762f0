package main

import (
	"time"

	"countersign/activities"
	"countersign/domain/notice"
	"countersign/domain/organisation"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) signInCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sign-in ACCOUNT", Short: "Sign in as a sub-user; the password is read from standard input", Args: exactly("ACCOUNT"),
		Example: `  starter organisation sign-in li.lei < password.txt`,
		RunE: func(c *cobra.Command, args []string) error {
			entered, err := secrets(c, "the password")
			if err != nil {
				return err
			}
			o, err := h.organisation(c.Context())
			if err != nil {
				return err
			}
			came, err := o.SignIn(c.Context(), activities.SignInInput{Account: args[0], Password: entered[0], At: time.Now()})
			if err != nil {
				return err
			}
			return h.show(came, func() {
				if came.NeedsCode {
					h.say("Welcome, %s. The password is right; the console asks for the code of your authenticator beside it.", came.Person)
					return
				}
				if came.MustChange {
					h.say("Welcome, %s. The password is the initial one: nothing opens before you set your own, with: starter organisation change-password %s", came.Person, args[0])
					return
				}
				h.say("Welcome, %s. Open to you: %s.", came.Person, commas(came.Pages))
			})
		},
	}
}

func (h *house) changePasswordCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "change-password ACCOUNT", Short: "Set a password of one's own; the present one and the new one are read from standard input", Args: exactly("ACCOUNT"),
		Long: `Set a password of one's own. Standard input has the present password in its first line and the new one in its second. A password has 10 to
64 characters, three of: small letters, capitals, digits, other signs; nothing of the account in it; and it is another one than before.`,
		RunE: func(c *cobra.Command, args []string) error {
			entered, err := secrets(c, "the present password", "the new password")
			if err != nil {
				return err
			}
			o, err := h.organisation(c.Context())
			if err != nil {
				return err
			}
			if key == "" {
				key = uuid.NewString()
			}
			if err := o.ChangePassword(c.Context(), activities.ChangePasswordInput{Account: args[0], Old: entered[0], New: entered[1], Key: key, At: time.Now()}); err != nil {
				return err
			}
			return h.show(map[string]any{"account_name": args[0]}, func() { h.say("The new password is valid.") })
		},
	}
	c.Flags().StringVar(&key, "request-key", "", "key of the request (default: a new one)")
	return c
}

func (h *house) resetPasswordCommand() *cobra.Command {
	c := &cobra.Command{Use: "reset-password PERSON --as PERSON", Short: "Give a person a new initial password, as the administrator", Args: exactly("PERSON")}
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		given, err := o.ResetPassword(c.Context(), activities.ResetPasswordInput{Person: args[0], Asked: asked})
		return given, passwordWords(given, "The password of "+args[0]+" is reset, the person is told."), err
	})
}

func (h *house) resetMasterCommand() *cobra.Command {
	var code string
	c := &cobra.Command{
		Use: "reset-master --code CODE --as PERSON", Short: "Set a new password of the master account, verified by a code; it is read from standard input", Args: exactly(),
		Long: `Set a new password of the master account, which is valid at once. The holder is verified by a code, which comes from:
starter code send --as PERSON --scene account-password --target PARTNER. Standard input has the new password.`,
	}
	c.Flags().StringVar(&code, "code", "", "the verification code")
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, _ []string, asked activities.Asked) (any, string, error) {
		entered, err := secrets(c, "the new password")
		if err != nil {
			return nil, "", err
		}
		err = o.ResetMaster(c.Context(), activities.ResetMasterInput{Code: code, New: entered[0], Asked: asked})
		return map[string]any{"person": asked.By}, "The new password of the master account is valid.", err
	}, "code")
}

func (h *house) ownAccountCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "account --as PERSON", Short: "Show one's own account, and where its password is managed", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := h.config()
			if err != nil {
				return err
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			info, err := r.AccountInformation(c.Context(), by, config.AccountSiteURL, time.Now())
			if err != nil {
				return err
			}
			return h.show(info, func() {
				set := "never"
				if info.PasswordSetAt != nil {
					set = shown(*info.PasswordSetAt)
				}
				if info.ShouldChange {
					set += "; change it, passwords should be changed regularly"
				}
				record(h.out, "person", info.ID, "account name", info.Account, "name", info.Name, "mobile", info.Mobile, "email", info.Email,
					"roles", commas(info.Roles), "messages", info.Language+", "+info.Zone, "password set", set, "manage", info.Manage, "how to change it", info.HowTo)
			})
		},
	}
	c.Flags().StringVar(&by, "as", "", "whose account")
	return needs(c, "as")
}

func (h *house) openCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "open PAGE --as PERSON", Short: "Tell whether a page opens to somebody", Args: exactly("PAGE"),
		Example: `  starter organisation open opportunities --as alice`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			if err := r.OpenPage(c.Context(), by, organisation.Permission(args[0])); err != nil {
				return err
			}
			return h.show(map[string]any{"page": args[0], "person": by}, func() { h.say("%s opens to %s.", args[0], by) })
		},
	}
	c.Flags().StringVar(&by, "as", "", "a person, or a user of the identity service")
	return needs(c, "as")
}

func (h *house) personMessagesCommand() *cobra.Command {
	var r notice.Reader
	c := &cobra.Command{
		Use: "messages PERSON [--language zh|en] [--zone ZONE]", Short: "Choose the language and the time zone of somebody's messages", Args: exactly("PERSON"),
		Long: `Choose the language with which messages begin, and the zone in which they tell times, like Asia/Bangkok or UTC+7. Deadlines are
what they were: the rules run on UTC+8. The account of a natural person has the same choice.`,
		RunE: func(c *cobra.Command, args []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			if err := (&activities.Outbox{DB: db}).SetReader(c.Context(), args[0], r); err != nil {
				return err
			}
			return h.show(map[string]any{"person": args[0], "language": r.Language, "zone": r.Zone}, func() { h.say("The messages of %s come that way from now on.", args[0]) })
		},
	}
	c.Flags().StringVar(&r.Language, "language", "", "zh or en (default: as before)")
	c.Flags().StringVar(&r.Zone, "zone", "", "the time zone (default: as before)")
	return c
}
