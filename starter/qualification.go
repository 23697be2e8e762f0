package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/qualification"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) memberQualificationCommand() *cobra.Command {
	g := group("qualification", "Members' employment, certificates, trainings and projects",
		h.qualificationAddCommand(), h.qualificationEditCommand(), h.qualificationRemoveCommand(), h.qualificationListCommand(), h.qualificationCountCommand())
	g.Long = `Members' employment, certificates, trainings and projects. A member speaks by --member ACCOUNT, the programme's people by --as PERSON.
What the vendor made is changed only through the ecosystem manager; administrators read while the member is bound.`
	return g
}

// speaker are the flags of who speaks: one of them.
func speaker(c *cobra.Command, member, person *string) *cobra.Command {
	positional := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if err := positional(c, args); err != nil {
			return err
		}
		if (*member == "") == (*person == "") {
			return usageError{errors.New("who speaks is missing, or said twice: --member ACCOUNT or --as PERSON")}
		}
		return nil
	}
	c.Flags().StringVar(member, "member", "", "who speaks, as a natural person: the account")
	c.Flags().StringVar(person, "as", "", "who speaks, as one of the programme's people")
	return c
}

// qualificationChange is a command that writes a record.
func (h *house) qualificationChange(use, short, what string, in *activities.ChangeQualificationInput, prepare func(c *cobra.Command, arg string) error) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: exactly(what),
		RunE: func(c *cobra.Command, args []string) error {
			if err := prepare(c, args[0]); err != nil {
				return err
			}
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			in.At = time.Now()
			now, err := (&activities.MemberQualifications{DB: db}).ChangeQualification(c.Context(), *in)
			if err != nil {
				return err
			}
			return h.show(now, func() {
				done := "is kept"
				if now.Removed {
					done = "is removed"
				}
				h.say("%s, %s %q of %s, %s (version %d, made by the %s).", now.Record, now.Kind, oneLine(now.Title), oneLine(now.Account), done, now.Version, now.Origin)
			})
		},
	}
	c.Flags().StringVar(&in.Key, "request-key", "", "key of the request (default: a new one)")
	return speaker(c, &in.Member, &in.Person)
}

func contentFlags(c *cobra.Command, content *qualification.Content) *cobra.Command {
	f := c.Flags()
	f.StringVar(&content.Title, "title", "", "the position, certificate, training or project")
	f.StringVar(&content.Organisation, "organisation", "", "the employer, issuer, trainer or customer")
	f.StringVar(&content.Level, "level", "", "of a certificate: by it the member counts for the partner")
	f.Var(date{&content.From}, "from", "first day, like 2024-03-01")
	f.Var(date{&content.Until}, "until", "last day, which counts in full; left out: open")
	return c
}

func (h *house) qualificationAddCommand() *cobra.Command {
	in := &activities.ChangeQualificationInput{}
	var kind string
	c := h.qualificationChange("add ACCOUNT (--member ACCOUNT | --as PERSON) --kind KIND --title TEXT --from DATE", "Add a record", "ACCOUNT", in, func(_ *cobra.Command, account string) error {
		in.Account, in.Kind = account, qualification.Kind(kind)
		return nil
	})
	c.Example = `  starter qualification add A1 --member A1 --kind certificate --title "Cloud architect" --level HCIP --from 2024-03-01 --until 2027-02-28`
	var kinds []string
	for _, k := range qualification.Kinds {
		kinds = append(kinds, string(k))
	}
	c.Flags().StringVar(&kind, "kind", "", strings.Join(kinds, ", "))
	return needs(contentFlags(c, &in.Content), "kind", "title", "from")
}

func (h *house) qualificationEditCommand() *cobra.Command {
	in := &activities.ChangeQualificationInput{}
	var entered qualification.Content
	c := h.qualificationChange("edit RECORD (--member ACCOUNT | --as PERSON)", "Change a record; what is not given stays", "RECORD", in, func(c *cobra.Command, number string) error {
		r, err := h.reader(c.Context())
		if err != nil {
			return err
		}
		now, err := r.Qualification(c.Context(), number)
		if err != nil {
			return err
		}
		in.Record, in.Content = number, entered
		keep := func(flag string, is func()) {
			if !c.Flags().Changed(flag) {
				is()
			}
		}
		keep("title", func() { in.Content.Title = now.Title })
		keep("organisation", func() { in.Content.Organisation = now.Organisation })
		keep("level", func() { in.Content.Level = now.Level })
		keep("from", func() { in.Content.From = now.From })
		keep("until", func() { in.Content.Until = now.Until })
		return nil
	})
	return contentFlags(c, &entered)
}

func (h *house) qualificationRemoveCommand() *cobra.Command {
	in := &activities.ChangeQualificationInput{Remove: true}
	return h.qualificationChange("remove RECORD (--member ACCOUNT | --as PERSON)", "Take a record out of the list; its history stays", "RECORD", in, func(_ *cobra.Command, number string) error {
		in.Record = number
		return nil
	})
}

func (h *house) qualificationListCommand() *cobra.Command {
	var member, person string
	c := &cobra.Command{
		Use: "list ACCOUNT (--member ACCOUNT | --as PERSON)", Short: "List a member's records", Args: exactly("ACCOUNT"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			if err := (&activities.MemberQualifications{DB: r.DB}).MayReadQualification(c.Context(), args[0], member, person); err != nil {
				return err
			}
			found, err := r.Qualifications(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(map[string]any{"records": found}, func() {
				t := newTable("RECORD", "KIND", "TITLE", "ORGANISATION", "LEVEL", "FROM", "UNTIL", "MADE BY", "CHANGED")
				for _, q := range found {
					t.add(q.Record, q.Kind, q.Title, none(q.Organisation), none(q.Level), q.From, none(q.Until.String()), q.Origin, shown(q.ChangedAt))
				}
				t.printOr(h.out, "No records.")
			})
		},
	}
	return speaker(c, &member, &person)
}

func (h *house) qualificationCountCommand() *cobra.Command {
	return &cobra.Command{
		Use: "count PARTNER", Short: "How many bound members count for a partner, by the level of their certificates", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.CertifiedStaff(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"partner": args[0], "certified": found}, func() {
				t := newTable("LEVEL", "MEMBERS>")
				for _, l := range found {
					t.add(l.Level, fmt.Sprint(l.Staff))
				}
				t.printOr(h.out, "No bound member has a certificate that holds today.")
			})
		},
	}
}
