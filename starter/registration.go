package main

import (
	"context"
	"time"

	"countersign/activities"
	"countersign/domain/verification"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) registerCommand() *cobra.Command {
	return group("register", "Register another partner account of the company, within 24 hours of the master account's verification",
		h.registerCodesCommand(), h.registerVerifyCommand(), h.registerFinishCommand())
}

func (h *house) organisationOf(ctx context.Context) (*activities.Organisation, error) {
	db, err := h.database(ctx)
	return &activities.Organisation{DB: db}, err
}

func (h *house) registerCodesCommand() *cobra.Command {
	var person string
	c := &cobra.Command{
		Use: "codes PARTNER --as PERSON", Short: "Send a code to the master account's email and one to its mobile", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			var sent []activities.SentCode
			for _, scene := range []string{verification.RegistrationEmail, verification.RegistrationMobile} {
				code, err := (&activities.Codes{DB: db}).SendCode(c.Context(), activities.SendCodeInput{Person: person, Scene: scene, Target: args[0], At: time.Now()})
				if err != nil {
					return err
				}
				sent = append(sent, code)
			}
			return h.show(sent, func() {
				h.say("Two codes are on their way to %s, by email and by text message; both hold until %s.", person, shownToTheSecond(sent[0].ExpiresAt))
			})
		},
	}
	c.Flags().StringVar(&person, "as", "", "who holds the master account")
	return needs(c, "as")
}

func (h *house) registerVerifyCommand() *cobra.Command {
	var in activities.VerifyMasterInput
	c := &cobra.Command{
		Use: "verify PARTNER --as PERSON --email-code CODE --mobile-code CODE", Short: "Verify the master account by both codes; the link is sent to it", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := h.organisationOf(c.Context())
			if err != nil {
				return err
			}
			in.Partner, in.At = args[0], time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			sent, err := o.VerifyMaster(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(sent, func() {
				h.say("The registration link was sent to %s; the registration has to be finished before %s.", in.By, shownToTheSecond(sent.ExpiresAt))
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.By, "as", "", "who holds the master account")
	f.StringVar(&in.EmailCode, "email-code", "", "the code that came by email")
	f.StringVar(&in.MobileCode, "mobile-code", "", "the code that came as a text message")
	f.StringVar(&in.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "email-code", "mobile-code")
}

func (h *house) registerFinishCommand() *cobra.Command {
	var in activities.RegisterAccountInput
	c := &cobra.Command{
		Use: "finish LINK --account NAME --name NAME --mobile NUMBER --email ADDRESS", Short: "Follow the link: open the account and its master person", Args: exactly("LINK"),
		Long:    `Follow the link: open the account and its master person; "-" reads the link from standard input, so that no list of processes shows it.`,
		Example: `  starter tier register finish x0Q… --account mei.two --name Mei --mobile 13700000001 --email mei.two@a.example`,
		RunE: func(c *cobra.Command, args []string) error {
			o, err := h.organisationOf(c.Context())
			if err != nil {
				return err
			}
			in.Link, in.At = args[0], time.Now()
			if in.Link == "-" {
				lines, err := secrets(c, "link")
				if err != nil {
					return err
				}
				in.Link = lines[0]
			}
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			made, err := o.RegisterAccount(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(made, func() {
				record(h.out, "partner account", made.Partner, "company", made.Company, "master", made.Master.ID, "account name", made.Master.Account, "initial password", made.Master.Initial)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Entry.Account, "account", "", "the account name of who holds the new account; it stays")
	f.StringVar(&in.Entry.Name, "name", "", "the person's name")
	f.StringVar(&in.Entry.Mobile, "mobile", "", "a mobile number that belongs to no account yet")
	f.StringVar(&in.Entry.Email, "email", "", "the person's email")
	f.StringVar(&in.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "account", "name", "mobile", "email")
}
