package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/lab"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) labCommand() *cobra.Command {
	return group("lab", "Lab credits: points for the vendor's hands-on lab",
		h.labBenefitCommand(), h.labApplyCommand(), h.labResubmitCommand(), h.labNameUserCommand(), h.labUseCommand(), h.labListCommand(), h.labShowCommand(), h.labBalanceCommand())
}

func (h *house) labCredits(ctx context.Context) (*activities.LabCredits, error) {
	db, err := h.database(ctx)
	return &activities.LabCredits{DB: db}, err
}

func (h *house) labBenefitCommand() *cobra.Command {
	return &cobra.Command{
		Use: "benefit PARTNER", Short: "The lab among a partner's benefits: where it is, and what can be applied for", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			b, err := r.LabBenefit(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(b, func() { h.labBenefit(b) })
		},
	}
}

func (h *house) labBenefit(b views.LabBenefit) {
	address := b.Address
	if address == "" {
		address = "its address is not set; vendor operations sets it in the policy of " + lab.Kind
	}
	h.say("Lab 云实验: services are tried and verified hands-on, by manual. %s", address)
	h.say("")
	t := newTable("PATH", "STAGE", "LAB CREDITS")
	open := false
	for _, p := range b.Paths {
		may := "not open"
		if p.Open {
			may, open = "can be applied for", true
		}
		t.add(p.Path, p.Stage, may)
	}
	t.printOr(h.out, "The partner is on no development path.")
	h.say("")
	sizes := make([]string, len(b.Sizes))
	for i, s := range b.Sizes {
		sizes[i] = strconv.Itoa(s)
	}
	switch {
	case !open:
		h.say("No lab credits can be applied for: they go with the paths %s.", strings.Join(lab.OwnPaths, " and "))
	case b.Members == 0:
		h.say("%s points can be applied for once a member's personal account is linked.", strings.Join(sizes, ", "))
	default:
		h.say("%s points can be applied for, for each of %d linked member(s): starter lab apply --as PERSON --partner %s --path PATH --member ACCOUNT --points N --purpose TEXT", strings.Join(sizes, ", "), b.Members, b.Partner)
	}
}

// labFlags are the flags of an application.
func labFlags(c *cobra.Command, a *lab.Application) {
	f := c.Flags()
	f.StringVar(&a.Submitter, "as", "", "the partner's administrator who applies")
	f.StringVar(&a.Path, "path", "", "under which path: SW or SVC, or another that is open")
	f.StringVar(&a.Account, "member", "", "the personal account of the linked member who uses the points")
	f.IntVar(&a.Points, "points", 0, "10, 20, 50, 100, 250 or 500")
	f.StringVar(&a.Purpose, "purpose", "", "what the points are for, in at most 500 characters")
	f.StringVar(&a.RequestKey, "request-key", "", "key of the request (default: a new one)")
}

// submitted says that an application has arrived (LAB-04).
func (h *house) submitted(now activities.Standing, key string, err error) error {
	if err == nil && !h.json {
		h.say("申请已提交 The application was submitted.")
	}
	return h.stands(now, key, err)
}

func (h *house) labApplyCommand() *cobra.Command {
	var a lab.Application
	c := &cobra.Command{
		Use: "apply --as PERSON --partner P --path PATH --member ACCOUNT --points N --purpose TEXT", Short: "Apply for a lab credit", Args: exactly(),
		Long: `Apply for a lab credit. The rules judge what is entered, all of it at once.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: `  starter lab apply --as p1001-admin --partner P1001 --path SW --member A-1 --points 100 --purpose "Verify the database migration by manual"`,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.RequestKey == "" {
				a.RequestKey = uuid.NewString()
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+a.RequestKey, "starter lab list "+a.PartnerID, func(ctx context.Context) (activities.Standing, error) {
				return workflows.ApplyForLabCredit(ctx, temporal, a)
			})
			return h.submitted(opened, a.RequestKey, err)
		},
	}
	labFlags(c, &a)
	c.Flags().StringVar(&a.PartnerID, "partner", "", "who applies")
	return needs(c, "as", "partner", "path", "member", "points", "purpose")
}

func (h *house) labResubmitCommand() *cobra.Command {
	var a lab.Application
	c := &cobra.Command{
		Use: "resubmit CASE --as PERSON [--path PATH] [--member ACCOUNT] [--points N] [--purpose TEXT]", Short: "Edit a rejected application according to the comment and send it again", Args: exactly("CASE"),
		Long:    `Edit a rejected application according to the comment and send it again. What is not given stays as it was.`,
		Example: `  starter lab resubmit L000001 --as p1001-admin --points 100`,
		RunE: func(c *cobra.Command, args []string) error {
			if a.RequestKey == "" {
				a.RequestKey = uuid.NewString()
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			known, err := r.LabCredit(c.Context(), args[0])
			if err != nil {
				return err
			}
			a.PartnerID = known.Partner
			for flag, keep := range map[string]func(){
				"path": func() { a.Path = known.Path }, "member": func() { a.Account = known.Account }, "points": func() { a.Points = known.Points }, "purpose": func() { a.Purpose = known.Purpose },
			} {
				if !c.Flags().Changed(flag) {
					keep()
				}
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+a.RequestKey, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.ResubmitLabCredit(ctx, h.temporal, workflowID, a)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				l, err := h.labCredits(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return l.ResubmitLabCredit(ctx, activities.ResubmitLabCreditInput{Case: args[0], Application: a, At: time.Now()})
			})
			return h.submitted(now, a.RequestKey, err)
		},
	}
	labFlags(c, &a)
	return needs(c, "as")
}

func (h *house) labNameUserCommand() *cobra.Command {
	var n lab.Naming
	c := &cobra.Command{
		Use: "name-user CASE --as PERSON --member ACCOUNT", Short: "Name another linked member when issuing failed; the credit is issued again", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			if n.Key == "" {
				n.Key = uuid.NewString()
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+n.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.NameLabUser(ctx, h.temporal, workflowID, n)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				l, err := h.labCredits(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return l.NameLabUser(ctx, activities.NameLabUserInput{Case: args[0], Naming: n, At: time.Now()})
			})
			return h.stands(now, n.Key, err)
		},
	}
	f := c.Flags()
	f.StringVar(&n.Person, "as", "", "the partner's administrator who names them")
	f.StringVar(&n.Account, "member", "", "the personal account of another linked member")
	f.StringVar(&n.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "member")
}

func (h *house) labUseCommand() *cobra.Command {
	var u lab.Use
	c := &cobra.Command{
		Use: "use CASE --as PERSON --points N", Short: "Report points that a member used in the lab", Args: exactly("CASE"),
		Long: `Report points that a member used in the lab: whole points, never more than remain, until the credit expires.

Repeat a report whose answer was lost with the same --request-key: nothing is taken twice.`,
		RunE: func(c *cobra.Command, args []string) error {
			if u.Key == "" {
				u.Key = uuid.NewString()
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+u.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.UseLabCredit(ctx, h.temporal, workflowID, u)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				l, err := h.labCredits(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return l.UseLabCredit(ctx, activities.UseLabCreditInput{Case: args[0], Use: u, At: time.Now()})
			})
			return h.stands(now, u.Key, err)
		},
	}
	f := c.Flags()
	f.StringVar(&u.Person, "as", "", "who reports for the lab")
	f.IntVar(&u.Points, "points", 0, "how many points were used")
	f.StringVar(&u.Key, "request-key", "", "key of the report (default: a new one)")
	return needs(c, "as", "points")
}

func (h *house) labListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list PARTNER", Short: "A partner's applications with their states and comments", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			credits, err := r.LabCredits(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(map[string]any{"applications": credits}, func() {
				t := newTable("CASE", "STATE", "ROUND>", "POINTS>", "REMAIN>", "PATH", "MEMBER", "OPENED", "ISSUED", "EXPIRES", "COMMENT")
				for _, l := range credits {
					state := string(l.State)
					if l.Retry {
						state += ", retry"
					}
					t.add(l.Case, state, l.Round, l.Points, l.Remaining, l.Path, l.Account, shown(l.OpenedAt), shownOr(l.IssuedAt, "-"), shownOr(l.ExpiresAt, "-"), none(oneLine(l.Comment)))
				}
				t.printOr(h.out, "No applications for lab credits.")
			})
		},
	}
}

func (h *house) labShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "An application, and what became of its points", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			l, err := r.LabCredit(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(l, func() {
				member := l.Account
				if !l.Linked {
					member += ", no longer linked"
				}
				retry := ""
				if l.Retry {
					retry = "issuing failed and is tried again"
				}
				record(h.out, "case", l.Case, "partner", l.Partner, "path", l.Path+", "+l.Stage, "member", member, "points", l.Points, "purpose", l.Purpose, "state", l.State, "round", l.Round,
					"comment", l.Comment, "retry", retry, "opened", shown(l.OpenedAt), "issued", shownOr(l.IssuedAt, ""), "coupon", l.Coupon, "expires", shownOr(l.ExpiresAt, ""))
				if l.IssuedAt != nil {
					h.say("\n%d points issued: %d used, %d lapsed, %d remain.", l.Points, l.Used, l.Lapsed, l.Remaining)
				}
			})
		},
	}
}

func (h *house) labBalanceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "balance ACCOUNT", Short: "The lab credits in a member's personal account", Args: exactly("ACCOUNT"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			credits, err := r.MemberCredits(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			total := 0
			for _, m := range credits {
				total += m.Remaining
			}
			return h.show(map[string]any{"account": args[0], "credits": credits, "remaining": total}, func() {
				h.say("%s, console > billing centre > discounts > coupons 控制台 > 费用中心 > 优惠折扣 > 优惠券", args[0])
				h.say("")
				t := newTable("COUPON", "POINTS>", "REMAIN>", "ISSUED", "EXPIRES")
				for _, m := range credits {
					t.add(m.Coupon, m.Points, m.Remaining, shown(m.IssuedAt), shown(m.ExpiresAt))
				}
				t.printOr(h.out, "No lab credits.")
				if len(credits) > 0 {
					h.say("\n%d points remain.", total)
				}
			})
		},
	}
}
