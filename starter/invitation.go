package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"time"

	"countersign/activities"
	"countersign/domain"
	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) invitationCommand() *cobra.Command {
	return group("invitation", "Invitations of natural persons to a partner",
		h.inviteCommand(), h.inviteAgainCommand(), h.acceptCommand(), h.consentCommand(), h.invitationShowCommand(), h.invitationListCommand())
}

func (h *house) memberCommand() *cobra.Command {
	return group("member", "Natural persons who are linked to a partner", h.unbindCommand(), h.memberListCommand())
}

func (h *house) members(ctx context.Context) (*activities.Members, error) {
	db, err := h.database(ctx)
	return &activities.Members{DB: db}, err
}

func (h *house) inviteCommand() *cobra.Command {
	var in activities.FindAccountInput
	var key, mobile, email, name string
	c := &cobra.Command{
		Use: "send PARTNER --as PERSON (--mobile M | --email E | --account-name N) [--account ID]", Short: "Invite a natural person, found by mobile, email or account name", Args: exactly("PARTNER"),
		Long: `Invite a natural person, found by mobile, email or account name. The link goes to the person alone and holds for seven days.

Whoever was invited already and did not answer gets a new link; the old one is void at once.
Repeat a command whose answer was lost with the same --request-key: nothing is sent twice.`,
		Example: `  starter invitation send P1001 --as p1001-admin --mobile 13800138000
  starter invitation send P1001 --as p1001-admin --email li@home.example --account A-17`,
		RunE: func(c *cobra.Command, args []string) error {
			n := 0
			for by, text := range map[member.By]string{member.ByMobile: mobile, member.ByEmail: email, member.ByName: name} {
				if text != "" {
					in.By, in.Text = by, text
					n++
				}
			}
			if n != 1 {
				return usageError{errors.New("say by one of --mobile, --email and --account-name whom you mean")}
			}
			m, err := h.members(c.Context())
			if err != nil {
				return err
			}
			in.Partner, in.At = args[0], time.Now()
			account, err := m.FindAccount(c.Context(), in)
			if err != nil {
				return err
			}
			return h.invite(c.Context(), member.Invitation{RequestKey: key, PartnerID: in.Partner, Submitter: in.Person, AccountID: account, By: in.By})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who invites")
	f.StringVar(&mobile, "mobile", "", "the person's mobile number")
	f.StringVar(&email, "email", "", "the person's email")
	f.StringVar(&name, "account-name", "", "the name of the person's account")
	f.StringVar(&in.Account, "account", "", "which account, where several have that mobile or email")
	f.StringVar(&key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

// invite sends one invitation, or its link again.
func (h *house) invite(ctx context.Context, i member.Invitation) error {
	if i.RequestKey == "" {
		i.RequestKey = uuid.NewString()
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		return err
	}
	now, err := inTime(ctx, "--request-key "+i.RequestKey, "starter invitation list "+i.PartnerID, func(ctx context.Context) (activities.Standing, error) {
		return workflows.Invite(ctx, temporal, i)
	})
	return h.stands(now, i.RequestKey, err)
}

func (h *house) inviteAgainCommand() *cobra.Command {
	var person, key string
	c := &cobra.Command{
		Use: "resend CASE --as PERSON", Short: "Invite the member of an invitation again: a new link, a new term", Args: exactly("CASE"),
		Long: `Invite the member of an invitation again: a new link, a new term; the old link is void at once.

An invitation that lapsed, or whose member was unbound, is followed by a new one.`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			i, err := r.Invitation(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.invite(c.Context(), member.Invitation{RequestKey: key, PartnerID: i.Partner, Submitter: person, AccountID: i.Account, By: i.FoundBy})
		},
	}
	c.Flags().StringVar(&person, "as", "", "who invites")
	c.Flags().StringVar(&key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) acceptCommand() *cobra.Command {
	var a member.Acceptance
	c := &cobra.Command{
		Use: "accept LINK --account ID --notice VERSION", Short: "Accept an invitation as the member: follow the link of the message", Args: exactly("LINK"),
		Long: `Accept an invitation as the member: follow the link of the message; "-" reads it from standard input, so that no list of processes shows it.

The notice is read with: starter invitation notice. Naming its version ticks it.`,
		RunE: func(c *cobra.Command, args []string) error {
			link := args[0]
			if link == "-" {
				text, err := bufio.NewReader(os.Stdin).ReadString('\n')
				if text == "" {
					return err
				}
				link = text
			}
			m, err := h.members(c.Context())
			if err != nil {
				return err
			}
			followed, err := m.FollowLink(c.Context(), link)
			if err != nil {
				return err
			}
			if a.Key == "" {
				a.Key = uuid.NewString()
			}
			a.Case, a.Proof = followed.Case, member.Proof(followed.Hash, followed.Case, a.Account)
			now, err := sendTo(c.Context(), h, a.Case, "--key "+a.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.AcceptInvitation(ctx, h.temporal, workflowID, a)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				i := &activities.Invitations{DB: h.db}
				return i.Accept(ctx, activities.AcceptInput{Acceptance: a, At: time.Now()})
			})
			if err != nil {
				return err
			}
			return h.show(now, func() { h.standing(now) })
		},
	}
	f := c.Flags()
	f.StringVar(&a.Account, "account", "", "the account with which the member signed in")
	f.StringVar(&a.Notice, "notice", "", "version of the notice that the member ticked")
	f.StringVar(&a.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "account")
}

func (h *house) consentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "notice", Short: "Show the notice that a member ticks before linking", Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			n := member.CurrentNotice()
			return h.show(n, func() { h.say("Version %s\n\n%s\n\n%s", n.Version, n.Chinese, n.English) })
		},
	}
}

func (h *house) invitationShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "Show one invitation; its history: starter case show", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			i, err := r.Invitation(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(i, func() {
				h.say("%s is %s: account %s, found by %s %s, invited to %s", i.Case, i.State, i.Account, i.FoundBy, i.Target, i.Partner)
				h.say("Sent %d time(s), last by %s on %s; that link holds until %s", i.Sendings, i.SentBy, shownToTheSecond(i.SentAt), shownToTheSecond(i.ExpiresAt))
				if i.LinkedAt != nil {
					h.say("Linked from %s until %s", shownToTheSecond(*i.LinkedAt), shownOr(i.UnlinkedAt, "now"))
				}
			})
		},
	}
}

func (h *house) invitationListCommand() *cobra.Command {
	var state string
	c := &cobra.Command{
		Use: "list PARTNER [--state S]", Short: "List a partner's invitations with their states", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			list, err := r.Invitations(c.Context(), args[0], domain.State(state))
			if err != nil {
				return err
			}
			return h.show(map[string]any{"invitations": list}, func() { h.invitationTable(list) })
		},
	}
	c.Flags().StringVar(&state, "state", "", "those in a state: INVITED, BOUND, LAPSED or UNBOUND")
	return c
}

func (h *house) invitationTable(list []views.Invitation) {
	t := newTable("CASE", "ACCOUNT", "FOUND BY", "TARGET", "STATE", "SPECIALIST", "SENT>", "LAST SENT", "EXPIRES", "LINKED", "UNBOUND")
	for _, i := range list {
		t.add(i.Case, i.Account, i.FoundBy, i.Target, i.State, none(i.Specialist), i.Sendings, shown(i.SentAt), shown(i.ExpiresAt), shownOr(i.LinkedAt, "-"), shownOr(i.UnlinkedAt, "-"))
	}
	t.printOr(h.out, "No invitations.")
}

func (h *house) unbindCommand() *cobra.Command {
	var in activities.UnbindInput
	c := &cobra.Command{
		Use: "unbind PARTNER ACCOUNT --as PERSON [--reason R]", Short: "End the link of a member; nothing about the member is shared from then on", Args: exactly("PARTNER", "ACCOUNT"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := h.members(c.Context())
			if err != nil {
				return err
			}
			in.Partner, in.Account, in.At = args[0], args[1], time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			now, err := m.Unbind(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(now, func() { h.standing(now) })
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who unbinds")
	f.StringVar(&in.Reason, "reason", "", "why")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) memberListCommand() *cobra.Command {
	var show []string
	var by string
	c := &cobra.Command{
		Use: "list PARTNER [--show COLUMN --as PERSON]", Short: "List who is linked to a partner, masked unless somebody uncovers it", Args: exactly("PARTNER"),
		Example: `  starter member list P1001
  starter member list P1001 --show mobile --as p1001-admin`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			uncovered, err := h.uncover(c.Context(), args[0], organisation.MemberList, show, by)
			if err != nil {
				return err
			}
			list, err := r.Members(c.Context(), args[0], by, uncovered)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"members": list}, func() {
				t := newTable("ACCOUNT", "ACCOUNT NAME", "NAME", "MOBILE", "EMAIL", "SPECIALIST", "LINKED", "NOTICE", "CASE")
				for _, m := range list {
					t.add(m.Account, m.AccountName, m.Name, none(m.Mobile), none(m.Email), none(m.Specialist), shown(m.LinkedAt), m.Notice, m.Case)
				}
				t.printOr(h.out, "No members.")
			})
		},
	}
	showFlag(c, &show, organisation.MemberList)
	c.Flags().StringVar(&by, "as", "", "who looks, with --show")
	return c
}
