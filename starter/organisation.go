package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/views"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) organisationCommand() *cobra.Command {
	g := group("organisation", "The people of a partner: accounts, roles, passwords, what they share",
		h.personsCommand(), h.personShowCommand(), h.personCreateCommand(), h.personChangeCommand(), h.setRolesCommand(),
		h.statusCommand("disable", "Disable an account", organisation.Disabled), h.statusCommand("enable", "Enable an account again", organisation.Active),
		h.statusCommand("delete", "Delete a person; the row stays, since cases name it", organisation.Deleted),
		h.rolesCommand(), h.roleCommand(), h.directorCommand(), h.qualificationCommand(), h.identityCommand(),
		h.signInCommand(), h.changePasswordCommand(), h.resetPasswordCommand(), h.resetMasterCommand(), h.ownAccountCommand(), h.openCommand(),
		h.customersCommand(), h.contactCommand(), h.companyCommand(), h.draftCommand(), h.auditCommand())
	g.Long = `The people of a partner: accounts, roles, passwords, what they share.

The master account and people with the role partner-administrator look after the organisation. Lists mask mobile numbers, emails and
what identifies customers; --show names columns to see in full, and each look is written to the audit log. Passwords are read from
standard input, a line each, and never from the command line.`
	return g
}

func (h *house) organisation(ctx context.Context) (*activities.Organisation, error) {
	db, err := h.database(ctx)
	return &activities.Organisation{DB: db}, err
}

// asking adds who asks and under which key, and answers how to read them.
func asking(c *cobra.Command) func() activities.Asked {
	by := c.Flags().String("as", "", "who asks")
	key := c.Flags().String("request-key", "", "key of the request (default: a new one)")
	return func() activities.Asked {
		asked := activities.Asked{By: *by, Key: *key, At: time.Now()}
		if asked.Key == "" {
			asked.Key = uuid.NewString()
		}
		return asked
	}
}

// order is a command that changes something of an organisation: its flags, what it does, and what it says then.
func (h *house) order(c *cobra.Command, do func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (answer any, words string, err error), needed ...string) *cobra.Command {
	asked := asking(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		o, err := h.organisation(c.Context())
		if err != nil {
			return err
		}
		answer, words, err := do(o, c, args, asked())
		if err != nil {
			return err
		}
		return h.show(answer, func() { h.say("%s", words) })
	}
	return needs(c, append(needed, "as")...)
}

// secrets reads so many lines of standard input, for what nobody writes on a command line.
func secrets(c *cobra.Command, names ...string) ([]string, error) {
	in := bufio.NewReader(c.InOrStdin())
	out := make([]string, len(names))
	for i, name := range names {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if out[i] = strings.TrimRight(line, "\r\n"); out[i] == "" {
			return nil, usageError{fmt.Errorf("%s is missing; it is line %d of standard input", name, i+1)}
		}
	}
	return out, nil
}

// uncover writes down that columns of a partner's list are seen in full, before they are (PGM-06); without a partner it is the own one's.
func (h *house) uncover(ctx context.Context, partner string, list organisation.List, columns []string, by string) ([]string, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	o, err := h.organisation(ctx)
	if err != nil {
		return nil, err
	}
	return o.Uncover(ctx, activities.UncoverInput{Partner: partner, List: list, Columns: columns, Person: by, At: time.Now()})
}

func showFlag(c *cobra.Command, into *[]string, list organisation.List) {
	c.Flags().StringSliceVar(into, "show", nil, "masked columns to see in full: "+strings.Join(list.Columns(), ", "))
}

func (h *house) personsCommand() *cobra.Command {
	var f views.PersonFilter
	var by, role, status string
	var show []string
	c := &cobra.Command{
		Use: "persons PARTNER --as PERSON", Short: "List the people of a partner", Args: exactly("PARTNER"),
		Example: `  starter organisation persons P1001 --role partner-account-manager --status ACTIVE --as alice
  starter organisation persons P1001 --show mobile --as alice`,
		RunE: func(c *cobra.Command, args []string) error {
			f.Role, f.Status = person.Role(role), organisation.Status(strings.ToUpper(status))
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			uncovered, err := h.uncover(c.Context(), args[0], organisation.PersonList, show, by)
			if err != nil {
				return err
			}
			found, err := r.Persons(c.Context(), args[0], by, f, uncovered)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"persons": found}, func() {
				t := newTable("PERSON", "ACCOUNT", "NAME", "MOBILE", "EMAIL", "STATUS", "ROLES", "DIRECTOR")
				for _, p := range found {
					roles := strings.Join(p.Roles, ", ")
					for _, locked := range p.Locked {
						roles = strings.Replace(roles, locked, locked+" (locked)", 1)
					}
					if p.Master {
						roles = "master; " + roles
					}
					t.add(p.Person, p.Account, p.Name, p.Mobile, p.Email, p.Status, roles, none(p.Director))
				}
				t.printOr(h.out, "Nobody.")
			})
		},
	}
	c.Flags().StringVar(&by, "as", "", "who looks: an administrator")
	c.Flags().StringVar(&role, "role", "", "those with a role")
	c.Flags().StringVar(&status, "status", "", "ACTIVE, DISABLED or DELETED")
	c.Flags().StringVar(&f.Name, "name", "", "a part of the name")
	c.Flags().StringVar(&f.Account, "account", "", "a part of the account name")
	c.Flags().BoolVar(&f.WithoutDirector, "without-director", false, "account managers whose director is open")
	showFlag(c, &show, organisation.PersonList)
	return needs(c, "as")
}

func (h *house) personShowCommand() *cobra.Command {
	var by string
	var show []string
	c := &cobra.Command{
		Use: "show PERSON --as PERSON", Short: "Show a person: their roles, what these open, and what was done", Args: exactly("PERSON"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			if by == args[0] {
				show = nil // one's own data is not masked
			}
			d, err := r.Details(c.Context(), args[0], by, nil)
			if err != nil {
				return err
			}
			if uncovered, err := h.uncover(c.Context(), d.Partner, organisation.PersonList, show, by); err != nil {
				return err
			} else if len(uncovered) > 0 {
				if d, err = r.Details(c.Context(), args[0], by, uncovered); err != nil {
					return err
				}
			}
			return h.show(d, func() {
				record(h.out, "person", d.ID, "account name", d.Account, "name", d.Name, "mobile", d.Mobile, "email", d.Email, "status", d.Status,
					"roles", commas(d.Roles), "locked", commas(d.Locked), "director", d.Director, "opens", commas(d.Permissions), "messages", d.Language+", "+d.Zone)
				if len(d.History) > 0 {
					h.say("")
					t := newTable("TIME", "WHAT", "BY")
					for _, c := range d.History {
						t.add(shownToTheSecond(c.At), c.Action, c.By)
					}
					t.print(h.out)
				}
			})
		},
	}
	c.Flags().StringVar(&by, "as", "", "who looks: the person or an administrator")
	showFlag(c, &show, organisation.PersonList)
	return needs(c, "as")
}

func commas[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

func roles(words []string) []person.Role {
	out := make([]person.Role, len(words))
	for i, w := range words {
		out[i] = person.Role(w)
	}
	return out
}

func (h *house) personCreateCommand() *cobra.Command {
	var e organisation.Entry
	var partner string
	var held []string
	c := &cobra.Command{
		Use: "create --partner P --account NAME --name NAME --role R[,R] --as PERSON", Short: "Create a person with one to three roles", Args: exactly(),
		Long: `Create a person with one to three roles. The account name stays for ever. The initial password is shown once: hand it over; it
must be changed at the first sign-in.`,
	}
	f := c.Flags()
	f.StringVar(&partner, "partner", "", "of which partner")
	f.StringVar(&e.Account, "account", "", "the account name")
	f.StringVar(&e.Name, "name", "", "the person's name")
	f.StringVar(&e.Mobile, "mobile", "", "the mobile number")
	f.StringVar(&e.Email, "email", "", "the email address")
	f.StringSliceVar(&held, "role", nil, "roles, see: starter organisation roles")
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, _ []string, asked activities.Asked) (any, string, error) {
		e.Roles = roles(held)
		given, err := o.CreatePerson(c.Context(), activities.CreatePersonInput{Partner: partner, Entry: e, Asked: asked})
		return given, passwordWords(given, fmt.Sprintf("%s is %s of %s.", given.Account, given.ID, partner)), err
	}, "partner", "account", "name")
}

// passwordWords say an initial password, once.
func passwordWords(given activities.GivenPassword, done string) string {
	if given.Initial == "" {
		return done + " The initial password was told before; reset it if it was lost."
	}
	return done + " Initial password, shown once: " + given.Initial
}

func (h *house) personChangeCommand() *cobra.Command {
	var change organisation.Change
	c := &cobra.Command{
		Use: "change PERSON [--name N] [--mobile M] [--email E] --as PERSON", Short: "Change a person's data: one's own, or as the administrator", Args: exactly("PERSON"),
	}
	account, name := c.Flags().String("account", "", "the account name, which cannot be changed"), c.Flags().String("name", "", "the person's name")
	mobile, email := c.Flags().String("mobile", "", "the mobile number"), c.Flags().String("email", "", "the email address")
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		for flag, field := range map[string]struct {
			text *string
			into **string
		}{"account": {account, &change.Account}, "name": {name, &change.Name}, "mobile": {mobile, &change.Mobile}, "email": {email, &change.Email}} {
			if c.Flags().Changed(flag) {
				*field.into = field.text
			}
		}
		p, err := o.ChangePerson(c.Context(), activities.ChangePersonInput{Person: args[0], Change: change, Asked: asked})
		return p, "The data of " + args[0] + " is saved.", err
	})
}

func (h *house) setRolesCommand() *cobra.Command {
	var held []string
	c := &cobra.Command{Use: "set-roles PERSON --role R[,R] --as PERSON", Short: "Give a person these roles and no others", Args: exactly("PERSON")}
	c.Flags().StringSliceVar(&held, "role", nil, "all roles, see: starter organisation roles")
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		p, err := o.SetRoles(c.Context(), activities.SetRolesInput{Person: args[0], Roles: roles(held), Asked: asked})
		return p, fmt.Sprintf("%s has the roles: %s.", args[0], commas(p.Roles)), err
	})
}

func (h *house) statusCommand(word, short string, to organisation.Status) *cobra.Command {
	c := &cobra.Command{Use: word + " PERSON --as PERSON", Short: short, Args: exactly("PERSON")}
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		p, err := o.SetStatus(c.Context(), activities.SetStatusInput{Person: args[0], Status: to, Asked: asked})
		return p, fmt.Sprintf("The account of %s is %s.", args[0], p.Status), err
	})
}

func (h *house) rolesCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "roles PARTNER --as PERSON", Short: "List roles: those of the programme and of the partner's own making", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.RolesOf(c.Context(), args[0], by)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"roles": found}, func() {
				t := newTable("ROLE", "NAME", "KIND", "PERSONS>", "OPENS, BESIDE THE DEFAULT PAGES")
				for _, role := range found {
					t.add(role.ID, role.Name, role.Kind, role.Persons, strings.Join(role.Permissions, ", "))
				}
				t.print(h.out)
			})
		},
	}
	c.Flags().StringVar(&by, "as", "", "who looks: an administrator")
	return needs(c, "as")
}

func (h *house) roleCommand() *cobra.Command {
	var partner, name string
	var opens []string
	create := &cobra.Command{Use: "create --partner P --name NAME [--permission X,Y] --as PERSON", Short: "Make a role of the partner's own", Args: exactly()}
	create.Flags().StringVar(&partner, "partner", "", "of which partner")
	create.Flags().StringVar(&name, "name", "", "its name")
	create.Flags().StringSliceVar(&opens, "permission", nil, "what it opens beside the default pages: "+commas(organisation.Grantable))
	h.order(create, func(o *activities.Organisation, c *cobra.Command, _ []string, asked activities.Asked) (any, string, error) {
		in := activities.CreateRoleInput{Partner: partner, Name: name, Asked: asked}
		for _, p := range opens {
			in.Permissions = append(in.Permissions, organisation.Permission(p))
		}
		id, err := o.CreateRole(c.Context(), in)
		return map[string]any{"role": id}, "The role " + id + " can be assigned.", err
	}, "partner", "name")

	var of string
	remove := &cobra.Command{Use: "delete ROLE --partner P --as PERSON", Short: "Delete a role of the partner's own that nobody has", Args: exactly("ROLE")}
	remove.Flags().StringVar(&of, "partner", "", "of which partner")
	h.order(remove, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		err := o.DeleteRole(c.Context(), activities.DeleteRoleInput{Partner: of, Role: person.Role(args[0]), Asked: asked})
		return map[string]any{"role": args[0]}, "The role " + args[0] + " is deleted.", err
	}, "partner")
	return group("role", "Roles of a partner's own making", create, remove)
}

func (h *house) directorCommand() *cobra.Command {
	var to string
	c := &cobra.Command{Use: "director MANAGER --to DIRECTOR --as PERSON", Short: "Put an account manager under a director", Args: exactly("MANAGER")}
	c.Flags().StringVar(&to, "to", "", "the account manager director")
	return h.order(c, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		err := o.AssignDirector(c.Context(), activities.AssignInput{What: args[0], To: to, Asked: asked})
		return map[string]any{"person": args[0], "director": to}, to + " is the director of " + args[0] + ".", err
	}, "to")
}

func (h *house) qualificationCommand() *cobra.Command {
	var role string
	submit := &cobra.Command{Use: "submit PERSON --role R --as PERSON", Short: "Submit a person's qualification for a role; the role is locked until the result", Args: exactly("PERSON")}
	submit.Flags().StringVar(&role, "role", "", fmt.Sprintf("%s or %s", person.PartnerAccountManager, person.PartnerArchitect))
	h.order(submit, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		err := o.SubmitQualification(c.Context(), activities.SubmitQualificationInput{Person: args[0], Role: person.Role(role), Asked: asked})
		return map[string]any{"person": args[0], "role": role, "locked": true}, "The qualification is under review; the role is locked until the result.", err
	}, "role")

	var of string
	var pass, fail bool
	decide := &cobra.Command{Use: "decide PERSON --role R (--pass | --fail) --as PERSON", Short: "Record the result of a review", Args: exactly("PERSON")}
	decide.Flags().StringVar(&of, "role", "", "the role")
	decide.Flags().BoolVar(&pass, "pass", false, "it passed")
	decide.Flags().BoolVar(&fail, "fail", false, "it failed")
	h.order(decide, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		if pass == fail {
			return nil, "", usageError{errors.New("give either --pass or --fail")}
		}
		err := o.DecideQualification(c.Context(), activities.DecideQualificationInput{Person: args[0], Role: person.Role(of), Passed: pass, Asked: asked})
		return map[string]any{"person": args[0], "role": of, "passed": pass}, "The result is recorded; the role is locked no more.", err
	}, "role")
	return group("qualification", "Qualifications under review", submit, decide)
}

func (h *house) identityCommand() *cobra.Command {
	remove := &cobra.Command{Use: "delete USER --as PERSON", Short: "Delete a user of the identity service, which frees their email", Args: exactly("USER")}
	h.order(remove, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		err := o.DeleteIdentityUser(c.Context(), activities.DeleteIdentityUserInput{User: args[0], Asked: asked})
		return map[string]any{"user": args[0]}, "The identity user " + args[0] + " is deleted.", err
	})
	return group("identity", "Users made in the identity service only", remove)
}
