package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/kinds"
	"countersign/domain/organisation"
	"countersign/views"

	"github.com/spf13/cobra"
)

func (h *house) customersCommand() *cobra.Command {
	var by string
	var show []string
	list := &cobra.Command{
		Use: "list --as PERSON", Short: "List the customers that somebody manages", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			uncovered, err := h.uncover(c.Context(), "", organisation.CustomerList, show, by)
			if err != nil {
				return err
			}
			found, err := r.ManagedCustomers(c.Context(), by, views.CustomerFilter{}, uncovered)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"customers": found}, func() {
				t := newTable("CUSTOMER", "NAME", "ACCOUNT", "ACCOUNT MANAGER")
				for _, f := range found {
					t.add(f.Customer, f.Name, f.Account, none(f.Manager))
				}
				t.printOr(h.out, "No customers.")
			})
		},
	}
	list.Flags().StringVar(&by, "as", "", "who manages them")
	showFlag(list, &show, organisation.CustomerList)

	var to string
	assign := &cobra.Command{Use: "assign CUSTOMER --to MANAGER --as PERSON", Short: "Put a customer into the care of an account manager", Args: exactly("CUSTOMER")}
	assign.Flags().StringVar(&to, "to", "", "the account manager")
	h.order(assign, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		err := o.AssignCustomer(c.Context(), activities.AssignInput{What: args[0], To: to, Asked: asked})
		return map[string]any{"customer": args[0], "account_manager": to}, to + " looks after " + args[0] + ".", err
	}, "to")
	return group("customer", "Customers and who manages them", needs(list, "as"), assign)
}

func (h *house) contactCommand() *cobra.Command {
	var partner string
	var contact organisation.Contact
	add := &cobra.Command{Use: "add --partner P --name NAME [--mobile M] [--email E] --as PERSON", Short: "Keep a contact for customers, five at most", Args: exactly()}
	add.Flags().StringVar(&partner, "partner", "", "of which partner")
	add.Flags().StringVar(&contact.Name, "name", "", "the contact's name")
	add.Flags().StringVar(&contact.Mobile, "mobile", "", "the mobile number")
	add.Flags().StringVar(&contact.Email, "email", "", "the email address")
	h.order(add, func(o *activities.Organisation, c *cobra.Command, _ []string, asked activities.Asked) (any, string, error) {
		slot, err := o.AddContact(c.Context(), activities.AddContactInput{Partner: partner, Contact: contact, Asked: asked})
		return map[string]any{"contact": slot}, "Contact " + slot + " is kept; customers see it.", err
	}, "partner", "name")

	var of string
	remove := &cobra.Command{Use: "remove CONTACT --partner P --as PERSON", Short: "Take a contact away", Args: exactly("CONTACT")}
	remove.Flags().StringVar(&of, "partner", "", "of which partner")
	h.order(remove, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		slot, err := strconv.Atoi(args[0])
		if err != nil {
			return nil, "", usageError{fmt.Errorf("a contact is a number, not %q", args[0])}
		}
		err = o.RemoveContact(c.Context(), activities.RemoveContactInput{Partner: of, Slot: slot, Asked: asked})
		return map[string]any{"contact": slot}, "Contact " + args[0] + " is taken away.", err
	}, "partner")

	var by string
	var show []string
	list := &cobra.Command{
		Use: "list PARTNER --as PERSON", Short: "List the contacts that a partner keeps", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			uncovered, err := h.uncover(c.Context(), args[0], organisation.ContactList, show, by)
			if err != nil {
				return err
			}
			found, err := r.Contacts(c.Context(), args[0], by, uncovered)
			if err != nil {
				return err
			}
			return h.contacts(found, "No contacts: customers see the administrator.")
		},
	}
	list.Flags().StringVar(&by, "as", "", "who looks: an administrator")
	showFlag(list, &show, organisation.ContactList)

	seen := &cobra.Command{
		Use: "for CUSTOMER", Short: "Show what a customer sees: the contacts, or the administrator", Args: exactly("CUSTOMER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.ContactsFor(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.contacts(found, "Nobody.")
		},
	}
	return group("contact", "Contacts for a partner's customers", add, remove, needs(list, "as"), seen)
}

func (h *house) contacts(found []views.Contact, empty string) error {
	return h.show(map[string]any{"contacts": found}, func() {
		t := newTable("CONTACT", "NAME", "MOBILE", "EMAIL")
		for _, f := range found {
			number := "administrator"
			if f.Slot > 0 {
				number = strconv.Itoa(f.Slot)
			}
			t.add(number, f.Name, f.Mobile, f.Email)
		}
		t.printOr(h.out, empty)
	})
}

func (h *house) companyCommand() *cobra.Command {
	show := &cobra.Command{
		Use: "show PARTNER", Short: "Show the company of a partner account, and its other accounts", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			company, err := r.CompanyOf(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(company, func() {
				record(h.out, "company", company.ID, "name", company.Name, "address", company.Address, "country", company.Country)
				h.say("")
				t := newTable("ACCOUNT", "NAME", "PLANS", "PATHS")
				for _, a := range company.Accounts {
					t.add(a.Partner, a.Name, none(strings.Join(a.Plans, ", ")), none(strings.Join(a.Paths, ", ")))
				}
				t.print(h.out)
			})
		},
	}
	var in activities.ChangeCompanyInput
	change := &cobra.Command{Use: "change PARTNER [--name N] [--address A] --as PERSON", Short: "Change a company through one of its accounts; all of them show it", Args: exactly("PARTNER")}
	change.Flags().StringVar(&in.Name, "name", "", "the company's name (default: as before)")
	change.Flags().StringVar(&in.Address, "address", "", "the company's address (default: as before)")
	h.order(change, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		in.Partner, in.Asked = args[0], asked
		err := o.ChangeCompany(c.Context(), in)
		return map[string]any{"partner": args[0]}, "The company is changed, for all of its accounts.", err
	})
	return group("company", "The company of a partner account", show, change)
}

func (h *house) draftCommand() *cobra.Command {
	var in activities.SaveDraftInput
	save := &cobra.Command{
		Use: "save --partner P --kind KIND --title TITLE [--draft N] --as PERSON", Short: "Save a draft for the organisation; its text is read from standard input", Args: exactly(),
		Long: "Save a draft of an application. Whoever of the organisation may act in cases of the kind sees and changes it. Kinds: " + strings.Join(kinds.Names(), ", ") + ".",
	}
	save.Flags().StringVar(&in.Partner, "partner", "", "of which partner")
	save.Flags().StringVar(&in.Kind, "kind", "", "of the case that it is to become")
	save.Flags().StringVar(&in.Title, "title", "", "its title")
	save.Flags().Int64Var(&in.ID, "draft", 0, "the draft to change (default: a new one)")
	h.order(save, func(o *activities.Organisation, c *cobra.Command, _ []string, asked activities.Asked) (any, string, error) {
		text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), 1<<20))
		if err != nil {
			return nil, "", err
		}
		in.Body, in.Asked = string(text), asked
		id, err := o.SaveDraft(c.Context(), in)
		return map[string]any{"draft": id}, fmt.Sprintf("Draft %d is saved.", id), err
	}, "partner", "kind", "title")

	var by string
	list := &cobra.Command{
		Use: "list --as PERSON", Short: "List the drafts of one's organisation that one may carry on", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.Drafts(c.Context(), by)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"drafts": found}, func() {
				t := newTable("DRAFT>", "KIND", "TITLE", "BY", "WRITTEN", "TEXT")
				for _, d := range found {
					first, _, _ := strings.Cut(d.Body, "\n")
					t.add(d.ID, d.Kind, d.Title, d.WrittenBy, shown(d.WrittenAt), first)
				}
				t.printOr(h.out, "No drafts.")
			})
		},
	}
	list.Flags().StringVar(&by, "as", "", "who looks")

	remove := &cobra.Command{Use: "delete DRAFT --as PERSON", Short: "Throw a draft away", Args: exactly("DRAFT")}
	h.order(remove, func(o *activities.Organisation, c *cobra.Command, args []string, asked activities.Asked) (any, string, error) {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return nil, "", usageError{fmt.Errorf("a draft is a number, not %q", args[0])}
		}
		err = o.DeleteDraft(c.Context(), activities.DeleteDraftInput{ID: id, Asked: asked})
		return map[string]any{"draft": id}, "Draft " + args[0] + " is thrown away.", err
	})
	return group("draft", "Applications that are being written", save, needs(list, "as"), remove)
}

func (h *house) auditCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "audit PARTNER --as PERSON", Short: "List who saw which masked columns in full", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.AuditLog(c.Context(), args[0], by, 0)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"audit": found}, func() {
				t := newTable("TIME", "PERSON", "COLUMN", "LIST")
				for _, a := range found {
					t.add(shownToTheSecond(a.At), a.Person, a.Column, a.List)
				}
				t.printOr(h.out, "Nobody uncovered anything.")
			})
		},
	}
	c.Flags().StringVar(&by, "as", "", "who looks: an administrator, or the vendor's operations")
	return needs(c, "as")
}
