package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/document"
	"countersign/domain/staff"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) staffCommand() *cobra.Command {
	return group("staff", "A partner's dedicated specialists and their months",
		h.qualifyCommand(), h.specialistCommand(), h.requestMonthCommand(), h.resubmitMonthCommand(), h.proofCommand(), h.staffShowCommand())
}

func (h *house) dedicatedStaff(ctx context.Context) (*activities.DedicatedStaff, error) {
	db, err := h.database(ctx)
	return &activities.DedicatedStaff{DB: db}, err
}

// date is a flag that takes a day.
type date struct{ to *calendar.Date }

func (d date) String() string {
	if d.to == nil {
		return ""
	}
	return d.to.String()
}

func (d date) Set(text string) (err error) {
	*d.to, err = calendar.ParseDate(text)
	return err
}

func (d date) Type() string { return "date" }

func (h *house) qualifyCommand() *cobra.Command {
	var in activities.QualifyInput
	c := &cobra.Command{
		Use: "qualify PARTNER --as PERSON [--approve --agreement NO --signed DATE]", Short: "Apply for a partner's qualification, or approve it with the signed agreement", Args: exactly("PARTNER"),
		Example: `  starter staff qualify P1001 --as p1001-admin
  starter staff qualify P1001 --as ops --approve --agreement FH-2024-17 --signed 2024-03-01`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := h.dedicatedStaff(c.Context())
			if err != nil {
				return err
			}
			in.Partner, in.At = args[0], time.Now()
			now, err := s.Qualify(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(now, func() {
				if now.ApprovedAt == nil {
					h.say("%s has applied for the qualification; vendor operations approves it with the signed agreement.", now.Partner)
					return
				}
				h.say("%s is qualified by agreement %s, signed on %s.", now.Partner, now.Agreement, now.SignedOn)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who applies or approves")
	f.BoolVar(&in.Approve, "approve", false, "approve what was applied for")
	f.StringVar(&in.Agreement, "agreement", "", "the signed agreement's number")
	f.Var(date{&in.SignedOn}, "signed", "when it was signed, like 2024-03-01")
	return needs(c, "as")
}

func (h *house) specialistCommand() *cobra.Command {
	var in activities.SpecialistInput
	c := &cobra.Command{
		Use: "specialist ID --as PERSON --partner P --name N --role R --cloud-since DATE --since DATE", Short: "Register a specialist, or enter changed data", Args: exactly("ID"),
		Example: `  starter staff specialist S-1 --as p1001-admin --partner P1001 --name "Qian Yu" --role solution-architect \
    --certificate HCIP-Cloud --cloud-since 2022-01-01 --since 2023-12-01`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := h.dedicatedStaff(c.Context())
			if err != nil {
				return err
			}
			in.ID, in.At = args[0], time.Now()
			if err := s.RegisterSpecialist(c.Context(), in); err != nil {
				return err
			}
			return h.show(in, func() {
				h.say("%s, %s, is bound to %s; the funding year counts from %s.", in.ID, in.Name, in.Partner, in.Since)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who registers")
	f.StringVar(&in.Partner, "partner", "", "to whose account the person is bound")
	f.StringVar(&in.Name, "name", "", "the person's name")
	f.StringVar(&in.Role, "role", "", "solution-architect, expert, or another role")
	f.StringArrayVar(&in.Certificates, "certificate", nil, "a certificate that the person holds; may be repeated")
	f.Var(date{&in.CloudSince}, "cloud-since", "in cloud work since, like 2022-01-01")
	f.Var(date{&in.Since}, "since", "dedicated since")
	f.Var(date{&in.LeftOn}, "left-on", "first day on which the person is dedicated no more")
	return needs(c, "as", "partner", "name", "cloud-since", "since")
}

// monthRequest is a month's request as entered.
type monthRequest struct {
	staff.Request
	persons, proofs []string
	scheme          string
}

func (m *monthRequest) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&m.Submitter, "as", "", "who requests")
	f.StringVar(&m.PartnerID, "partner", "", "whose specialists they are")
	f.StringVar(&m.Month, "month", "", "like 2024-05")
	f.StringVar(&m.scheme, "scheme", "", "pre-sales, expert or capability-centre")
	f.StringArrayVar(&m.persons, "person", nil, "a specialist, with the project after =: S-1=PR-9; may be repeated")
	f.StringArrayVar(&m.proofs, "proof", nil, "a file, or a document's ID, by kind: employment=FILE, social-security=FILE, project=FILE; may be repeated")
	f.StringVar(&m.RequestKey, "request-key", "", "key of the request (default: a new one)")
}

func (m *monthRequest) read() staff.Request {
	r := m.Request
	r.Scenario = staff.Scenario(m.scheme)
	for _, p := range m.persons {
		id, project, _ := strings.Cut(p, "=")
		r.Persons = append(r.Persons, staff.Use{Person: id, Project: project})
	}
	for _, p := range m.proofs {
		kind, document, _ := strings.Cut(p, "=")
		r.Proofs = append(r.Proofs, staff.Proof{Kind: kind, Document: document})
	}
	if r.RequestKey == "" {
		r.RequestKey = uuid.NewString()
	}
	return r
}

// uploads puts the ID of a content in the place of its file's name and answers the files; they are enclosed once their case is there.
// What is no file's name is an ID already.
func (h *house) uploads(ctx context.Context, proofs ...*staff.Proof) (files []string, err error) {
	for _, p := range proofs {
		if info, err := os.Stat(p.Document); err != nil || !info.Mode().IsRegular() {
			continue
		}
		d, err := h.documents(ctx)
		if err != nil {
			return nil, err
		}
		file, err := os.Open(p.Document)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		content, err := d.Store.Rules.Take(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Document, err)
		}
		files, p.Document = append(files, p.Document), content.ID
	}
	return files, nil
}

// enclose adds the files of a request to its case.
func (h *house) enclose(ctx context.Context, number, person string, files []string) error {
	for _, name := range files {
		d, err := h.documents(ctx)
		if err != nil {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := d.AddDocument(ctx, activities.AddDocumentInput{
			Case: number, Kind: document.Proof, Name: filepath.Base(name), Content: file, Person: person, At: time.Now(),
		}); err != nil {
			return fmt.Errorf("%s is not enclosed yet, do it with: starter document add %s %s --kind proof --as %s: %w", name, number, name, person, err)
		}
	}
	return nil
}

func pointers(proofs []staff.Proof) []*staff.Proof {
	out := make([]*staff.Proof, len(proofs))
	for i := range proofs {
		out[i] = &proofs[i]
	}
	return out
}

func (h *house) requestMonthCommand() *cobra.Command {
	var entered monthRequest
	c := &cobra.Command{
		Use: "request --as PERSON --partner P --month M --scheme S --person ID[=PROJECT] --proof KIND=DOCUMENT", Short: "Request a month's incentive, or confirm the list of its experts", Args: exactly(),
		Long: `Request a month's incentive, or confirm the list of its experts. The rules judge what is entered, all of it at once.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: `  starter staff request --as p1001-admin --partner P1001 --month 2024-05 --scheme pre-sales --person S-1=PR-9 \
    --proof employment=contract.pdf --proof social-security=extract.pdf --proof project=acceptance.pdf`,
		RunE: func(c *cobra.Command, _ []string) error {
			r := entered.read()
			files, err := h.uploads(c.Context(), pointers(r.Proofs)...)
			if err != nil {
				return err
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+r.RequestKey, "starter staff show "+r.PartnerID, func(ctx context.Context) (activities.Standing, error) {
				return workflows.RequestStaffMonth(ctx, temporal, r)
			})
			if err == nil {
				err = h.enclose(c.Context(), opened.Case, r.Submitter, files)
			}
			return h.stands(opened, r.RequestKey, err)
		},
	}
	entered.flags(c)
	return needs(c, "as", "partner", "month", "scheme", "person")
}

// stands prints where a case stands, and the request key for a repeat.
func (h *house) stands(s activities.Standing, key string, err error) error {
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.Standing
		RequestKey string `json:"request_key"`
	}{s, key}, func() {
		h.standing(s)
		h.say("Request key %s", key)
	})
}

func (h *house) resubmitMonthCommand() *cobra.Command {
	var entered monthRequest
	c := &cobra.Command{
		Use: "resubmit CASE --as PERSON --partner P --month M --scheme S --person ID[=PROJECT] --proof KIND=DOCUMENT", Short: "Send a failed request again, within the same month", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r := entered.read()
			files, err := h.uploads(c.Context(), pointers(r.Proofs)...)
			if err != nil {
				return err
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+r.RequestKey, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.ResubmitStaffMonth(ctx, h.temporal, workflowID, r)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				s, err := h.dedicatedStaff(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return s.ResubmitStaffMonth(ctx, activities.ResubmitStaffMonthInput{Case: args[0], Request: r, At: time.Now()})
			})
			if err == nil {
				err = h.enclose(c.Context(), args[0], r.Submitter, files)
			}
			return h.stands(now, r.RequestKey, err)
		},
	}
	entered.flags(c)
	return needs(c, "as", "partner", "month", "scheme", "person")
}

func (h *house) proofCommand() *cobra.Command {
	var in activities.AddStaffProofInput
	var proof string
	c := &cobra.Command{
		Use: "proof CASE --as PERSON --specialist ID --proof KIND=DOCUMENT", Short: "Upload a proof again because a specialist's data changed; the state stays", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := h.dedicatedStaff(c.Context())
			if err != nil {
				return err
			}
			in.Case, in.At = args[0], time.Now()
			in.Proof.Kind, in.Proof.Document, _ = strings.Cut(proof, "=")
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			files, err := h.uploads(c.Context(), &in.Proof)
			if err != nil {
				return err
			}
			now, err := s.AddStaffProof(c.Context(), in)
			if err == nil {
				err = h.enclose(c.Context(), in.Case, in.Person, files)
			}
			return h.stands(now, in.Key, err)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who uploads")
	f.StringVar(&in.Specialist, "specialist", "", "whose data changed")
	f.StringVar(&proof, "proof", "", "the file, or the document's ID, by kind: employment=FILE")
	f.StringVar(&in.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "specialist", "proof")
}

func (h *house) staffShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PARTNER", Short: "Qualification, specialists and months of a partner", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			s, err := r.Staff(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(s, func() { h.staffOf(s) })
		},
	}
}

func (h *house) staffOf(s views.Staff) {
	switch q := s.Qualification; {
	case q == nil:
		h.say("%s has not applied for the qualification; do it with: starter staff qualify %s --as PERSON", s.Partner, s.Partner)
	case q.ApprovedAt == nil:
		h.say("%s applied for the qualification on %s; it is not approved yet.", s.Partner, shown(q.AppliedAt))
	default:
		h.say("%s is qualified by agreement %s, signed on %s.", s.Partner, q.Agreement, q.SignedOn)
	}
	h.say("")
	t := newTable("SPECIALIST", "NAME", "ROLE", "CERTIFICATES", "CLOUD SINCE", "SINCE", "SCHEME", "USES>")
	for _, p := range s.Specialists {
		t.add(p.ID, p.Name, none(p.Role), none(strings.Join(p.Certificates, ", ")), p.CloudSince, p.Since, none(p.Scheme), p.Uses)
	}
	t.printOr(h.out, "No specialists.")
	h.say("")
	months := newTable("MONTH", "SCHEME", "STATE", "CNY>", "CASE", "SPECIALISTS", "PROOFS>", "CONFIRM UNTIL")
	for _, m := range s.Months {
		months.add(m.Month, m.Scenario, m.State, m.Amount, none(m.Case), strings.Join(m.People, ", "), fmt.Sprint(m.Proofs), shownOr(m.ConfirmUntil, "-"))
	}
	months.printOr(h.out, "No month was requested.")
}
