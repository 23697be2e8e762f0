package main

import (
	"context"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/refusal"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) projectSpecialistCommand() *cobra.Command {
	g := group("specialist", "A partner's project specialists: members whom the vendor recognises on a path",
		h.locateCommand(), h.applyForSpecialistCommand(), h.cancelSpecialistCommand(), h.withdrawCancellationCommand(), h.revokeCommand(), h.specialistListCommand(), h.specialistShowCommand())
	g.Long = `A partner's project specialists. The administrator applies for linked members, the vendor decides with: starter task decide.
The dedicated staff of the incentive is another thing; see: starter staff.`
	return g
}

func (h *house) projectSpecialists(ctx context.Context) (*activities.ProjectSpecialists, error) {
	db, err := h.database(ctx)
	return &activities.ProjectSpecialists{DB: db}, err
}

func (h *house) locateCommand() *cobra.Command {
	var in activities.LocateMemberInput
	c := &cobra.Command{
		Use: "locate ACCOUNT --as PERSON --partner P --location PLACE", Short: "Fill in a member's base location, which an application needs", Args: exactly("ACCOUNT"),
		Example: `  starter specialist locate A1 --as p1001-admin --partner P1001 --location Shenzhen`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := h.projectSpecialists(c.Context())
			if err != nil {
				return err
			}
			in.Account, in.At = args[0], time.Now()
			if err := s.LocateMember(c.Context(), in); err != nil {
				return err
			}
			return h.show(map[string]string{"account": in.Account, "partner": in.Partner, "base_location": in.Location}, func() {
				h.say("%s of %s works from %s.", oneLine(in.Account), in.Partner, oneLine(in.Location))
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who administers the partner")
	f.StringVar(&in.Partner, "partner", "", "whose member it is")
	f.StringVar(&in.Location, "location", "", "where the member works from")
	return needs(c, "as", "partner", "location")
}

// appliedFor is what one member's application came to, as it is printed.
type appliedFor struct {
	Account    string               `json:"account"`
	RequestKey string               `json:"request_key"`
	Standing   *activities.Standing `json:"standing,omitempty"`
	Refused    refusal.List         `json:"refused,omitempty"`
	Error      string               `json:"error,omitempty"`
}

func (h *house) applyForSpecialistCommand() *cobra.Command {
	var a specialist.Application
	var path string
	var members, materials []string
	c := &cobra.Command{
		Use: "apply --as PERSON --partner P --path PATH --member ACCOUNT --material FILE", Short: "Apply for one member or several, or again after a rejection", Args: exactly(),
		Long: `Apply for one member or several at once: each is an application of its own, which the vendor decides. What is refused for one
holds up no other. After a rejection it is the next round of the same case.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: `  starter specialist apply --as p1001-admin --partner P1001 --path SVC --member A1 --member A2 --member A3 --material contract.pdf`,
		RunE: func(c *cobra.Command, _ []string) error {
			a.Path = specialist.Path(strings.ToUpper(path))
			if a.RequestKey == "" {
				a.RequestKey = uuid.NewString()
			}
			proofs := make([]staff.Proof, len(materials))
			for i, m := range materials {
				proofs[i].Document = m
			}
			files, err := h.uploads(c.Context(), pointers(proofs)...)
			if err != nil {
				return err
			}
			for _, p := range proofs {
				a.Materials = append(a.Materials, p.Document)
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			got := workflows.ApplyForSpecialists(c.Context(), a, members, func(ctx context.Context, one specialist.Application) (activities.Standing, error) {
				now, err := inTime(ctx, "--request-key "+a.RequestKey, "starter specialist list "+a.PartnerID, func(ctx context.Context) (activities.Standing, error) {
					return workflows.ApplyForSpecialist(ctx, temporal, one)
				})
				if err == nil {
					err = h.enclose(ctx, now.Case, one.Submitter, files)
				}
				return now, err
			})
			return h.appliedFor(got, a.RequestKey)
		},
	}
	f := c.Flags()
	f.StringVar(&a.Submitter, "as", "", "who administers the partner")
	f.StringVar(&a.PartnerID, "partner", "", "whose members they are")
	f.StringVar(&path, "path", "", "SVC, SI or LRN")
	f.StringArrayVar(&members, "member", nil, "a member's account; may be repeated")
	f.StringArrayVar(&materials, "material", nil, "a file, or a document's ID; may be repeated, all go with each application")
	f.StringVar(&a.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner", "path", "member")
}

// appliedFor reports each application; the exit code is that of the worst.
func (h *house) appliedFor(got []workflows.AppliedFor, key string) error {
	worst := stopped(0)
	out := make([]appliedFor, len(got))
	for i, g := range got {
		one := appliedFor{Account: g.Account, RequestKey: g.Key}
		switch list := activities.RefusalOf(g.Err); {
		case g.Err == nil:
			one.Standing = &got[i].Standing
		case list != nil:
			one.Refused, worst = list, max(worst, 1)
		default:
			one.Error, worst = sentence(g.Err), 2
		}
		out[i] = one
	}
	if err := h.show(map[string]any{"applications": out, "request_key": key}, func() {
		t := newTable("MEMBER", "CASE", "STATE", "WHAT")
		for _, one := range out {
			switch {
			case one.Standing != nil:
				t.add(one.Account, one.Standing.Case, one.Standing.State, one.Standing.About)
			case one.Error != "":
				t.add(one.Account, "-", "-", one.Error)
			}
			for _, r := range one.Refused {
				t.add(one.Account, "-", "refused", r.Code+" ("+r.Rule+"): "+r.Message)
			}
		}
		t.print(h.out)
		h.say("Request key %s", key)
	}); err != nil || worst == 0 {
		return err
	}
	return worst
}

// specialistStep is a command that asks for one thing in a case.
func (h *house) specialistStep(use, short, update string, in *activities.SpecialistStepInput, direct func(*activities.ProjectSpecialists, context.Context, activities.SpecialistStepInput) (activities.Standing, error)) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			in.Case, in.At = args[0], time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			if in.Document != "" {
				file := staff.Proof{Document: in.Document}
				files, err := h.uploads(c.Context(), &file)
				if err == nil {
					err = h.enclose(c.Context(), in.Case, in.Person, files) // the file lies with the case before it is named
				}
				if err != nil {
					return err
				}
				in.Document = file.Document
			}
			now, err := sendTo(c.Context(), h, in.Case, "--request-key "+in.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.AskOfSpecialist(ctx, h.temporal, workflowID, update, *in)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				s, err := h.projectSpecialists(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return direct(s, ctx, *in)
			})
			return h.stands(now, in.Key, err)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who asks for it")
	f.StringVar(&in.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) cancelSpecialistCommand() *cobra.Command {
	in := &activities.SpecialistStepInput{}
	c := h.specialistStep("cancel CASE --as PERSON --reason TEXT --file FILE", "Apply to cancel a specialist; the vendor decides", workflows.CancelSpecialistUpdate, in, (*activities.ProjectSpecialists).CancelSpecialist)
	c.Flags().StringVar(&in.Reason, "reason", "", "why")
	c.Flags().StringVar(&in.Document, "file", "", "the file that shows it, or the ID of a document that lies with the case")
	return c
}

func (h *house) withdrawCancellationCommand() *cobra.Command {
	return h.specialistStep("withdraw CASE --as PERSON", "Take a cancellation back as long as it is not decided", workflows.WithdrawCancellationUpdate, &activities.SpecialistStepInput{},
		(*activities.ProjectSpecialists).WithdrawCancellation)
}

func (h *house) revokeCommand() *cobra.Command {
	in := &activities.SpecialistStepInput{}
	c := h.specialistStep("revoke CASE --as PERSON --reason TEXT", "Strike a specialist off, for the vendor", workflows.RevokeSpecialistUpdate, in, (*activities.ProjectSpecialists).RevokeSpecialist)
	c.Flags().StringVar(&in.Reason, "reason", "", "why; the partner and the member read it")
	return c
}

func (h *house) specialistListCommand() *cobra.Command {
	var show []string
	var by string
	c := &cobra.Command{
		Use: "list PARTNER [--show name --as PERSON]", Short: "The figures of a partner's members, and how each of them stands", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			uncovered, err := h.uncover(c.Context(), args[0], organisation.SpecialistList, show, by)
			if err != nil {
				return err
			}
			s, err := r.Specialists(c.Context(), args[0], by, uncovered)
			if err != nil {
				return err
			}
			return h.show(s, func() {
				h.say("%s has %d bound, %s, %d under review.", s.Partner, s.Bound, counted(s.Specialists, "specialist"), s.UnderReview)
				h.say("")
				t := newTable("MEMBER", "NAME", "LOCATION", "PATH", "STATE", "CASE", "LINKED")
				for _, m := range s.Members {
					t.add(m.Account, m.Name, none(m.Location), none(string(m.Path)), none(string(m.State)), none(m.Case), shown(m.LinkedAt))
				}
				t.printOr(h.out, "No members are bound.")
			})
		},
	}
	showFlag(c, &show, organisation.SpecialistList)
	c.Flags().StringVar(&by, "as", "", "who looks, with --show")
	return c
}

func (h *house) specialistShowCommand() *cobra.Command {
	var show []string
	var by string
	c := &cobra.Command{
		Use: "show CASE [--show COLUMN --as PERSON]", Short: "Show a specialist's case; its history is in: starter case show", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			s, err := r.SpecialistCase(c.Context(), args[0])
			if err != nil {
				return err
			}
			if uncovered, err := h.uncover(c.Context(), s.Partner, organisation.SpecialistList, show, by); err != nil {
				return err
			} else if len(uncovered) > 0 {
				if s, err = r.SpecialistCase(c.Context(), args[0], uncovered...); err != nil {
					return err
				}
			}
			return h.show(s, func() {
				record(h.out, "case", s.Case, "partner", s.Partner, "member", s.Account, "name", s.Name, "path", s.Path, "state", s.State, "location", s.Location,
					"materials", strings.Join(s.Materials, ", "), "cancelled because", s.Reason, "file", s.File, "opened", shown(s.OpenedAt), "ended", shownOr(s.EndedAt, ""))
			})
		},
	}
	showFlag(c, &show, organisation.SpecialistList)
	c.Flags().StringVar(&by, "as", "", "who looks, with --show")
	return c
}
