package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/solution"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) solutionCommand() *cobra.Command {
	g := group("solution", "Cloud software solutions and their certification",
		h.solutionDraftCommand(), h.solutionSubmitCommand(), h.solutionAgainCommand(resubmitWords), h.solutionAgainCommand(recertifyWords),
		h.solutionListCommand(), h.solutionShowCommand(), h.solutionDeleteCommand(), h.solutionCertificateCommand(), h.solutionCarryOnCommand())
	g.Long = `Cloud software solutions and their certification.

A solution is entered as a draft, in two steps: the solution, then its contact. Submitted, it is reviewed node by node; certified,
it holds for 12 months. From 60 days before their end on, and without a latest day after it, it can be certified anew.
Reviewers decide with: starter task decide`
	return g
}

func (h *house) solutionDrafts(ctx context.Context) (*activities.SolutionDrafts, error) {
	d, err := h.documents(ctx)
	if err != nil {
		return nil, err
	}
	return &activities.SolutionDrafts{DB: d.DB, Store: d.Store}, nil
}

// solutionEntry is what of a draft is entered at the command line.
type solutionEntry struct {
	in                                          activities.SolutionDraftInput
	kind, name, version, contact, mobile, email string
	materials                                   []string
}

func (e *solutionEntry) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.in.Person, "as", "", "who enters it")
	f.StringVar(&e.in.Partner, "partner", "", "whose solution it is")
	f.StringVar(&e.kind, "type", "", "CLOUD (cloud software) or ADV (advanced cloud software)")
	f.StringVar(&e.name, "name", "", "the solution's name")
	f.StringVar(&e.version, "version", "", "its version, like 2.1")
	f.StringArrayVar(&e.materials, "material", nil, "a file by type: "+strings.Join(solution.MaterialTypes, "=FILE, ")+"=FILE; may be repeated")
	f.StringVar(&e.contact, "contact", "", "the contact's name")
	f.StringVar(&e.mobile, "contact-mobile", "", "the contact's mobile")
	f.StringVar(&e.email, "contact-email", "", "the contact's email")
}

// read takes over what was said, and opens the files; the answer closes them.
func (e *solutionEntry) read(c *cobra.Command) (func(), error) {
	said := func(flag string, value *string) *string {
		if !c.Flags().Changed(flag) {
			return nil
		}
		return value
	}
	e.in.Change = solution.Change{
		Type: (*solution.Type)(said("type", &e.kind)), Name: said("name", &e.name), Version: said("version", &e.version),
		ContactName: said("contact", &e.contact), ContactMobile: said("contact-mobile", &e.mobile), ContactEmail: said("contact-email", &e.email),
	}
	var open []*os.File
	done := func() {
		for _, f := range open {
			_ = f.Close() // read only
		}
	}
	for _, m := range e.materials {
		kind, name, _ := strings.Cut(m, "=")
		file, err := os.Open(name)
		if err != nil {
			done()
			return nil, err
		}
		open = append(open, file)
		e.in.Files = append(e.in.Files, activities.SolutionFile{Type: kind, Name: filepath.Base(name), Content: file})
	}
	e.in.At = time.Now()
	if e.in.Key == "" {
		e.in.Key = uuid.NewString()
	}
	return done, nil
}

// save keeps what was entered.
func (e *solutionEntry) save(c *cobra.Command, h *house) (activities.SavedDraft, error) {
	done, err := e.read(c)
	if err != nil {
		return activities.SavedDraft{}, err
	}
	defer done()
	drafts, err := h.solutionDrafts(c.Context())
	if err != nil {
		return activities.SavedDraft{}, err
	}
	return drafts.Save(c.Context(), e.in)
}

func (h *house) solutionDraftCommand() *cobra.Command {
	var e solutionEntry
	c := &cobra.Command{
		Use:   "draft [DRAFT] --as PERSON --partner P [--type T --name N --version V --material TYPE=FILE] [--contact N --contact-mobile M --contact-email E]",
		Short: "Enter a solution, or change what was entered", Args: atMost(1),
		Long: `Enter a solution, or change what was entered. It need not be complete: a draft is kept until it is deleted, and shared by the
partner's people. What is not said stays as it is; a material takes the place of the others of its type.`,
		Example: `  starter solution draft --as p1001-admin --partner P1001 --type CLOUD --name Atlas --version 2.1 \
    --material description=atlas.pdf --material deployment=tests.pdf
  starter solution draft SD000001 --as p1001-admin --partner P1001 --contact "Qian Yu" --contact-mobile 13800138000 --contact-email qian@a.example`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				e.in.Draft = args[0]
			}
			saved, err := e.save(c, h)
			if err != nil {
				return err
			}
			return h.show(saved, func() { h.savedDraft(saved) })
		},
	}
	e.flags(c)
	c.Flags().StringVar(&e.in.Key, "request-key", "", "key of a new draft (default: a new one)")
	c.Flags().IntVar(&e.in.Revision, "revision", 0, "the revision that you looked at; another one is refused")
	return needs(c, "as", "partner")
}

func (h *house) savedDraft(d activities.SavedDraft) {
	h.say("Draft %s of %s, revision %d: %s", d.Draft, d.Partner, d.Revision, oneLine(strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", d.Type, d.Name, d.Version)), " ")))
	if len(d.Missing) > 0 {
		h.say("Still missing: %s", strings.Join(d.Missing, ", "))
		return
	}
	h.say("Complete; submit it with: starter solution submit %s --as PERSON --partner %s", d.Draft, d.Partner)
}

func (h *house) solutionSubmitCommand() *cobra.Command {
	var sub solution.Submission
	c := &cobra.Command{
		Use: "submit DRAFT --as PERSON --partner P", Short: "Submit a draft for certification", Args: exactly("DRAFT"),
		Long: `Submit a draft for certification.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		Example: `  starter solution submit SD000001 --as p1001-admin --partner P1001`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			sub.Draft = args[0]
			if sub.Revision == 0 {
				if sub.Revision, err = r.DraftRevision(c.Context(), sub.Draft); err != nil {
					return err
				}
			}
			if sub.RequestKey == "" {
				sub.RequestKey = uuid.NewString()
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+sub.RequestKey, "starter solution list --partner "+sub.PartnerID, func(ctx context.Context) (activities.Standing, error) {
				return workflows.SubmitSolution(ctx, temporal, sub)
			})
			return h.solutionSubmitted(opened, sub.RequestKey, err)
		},
	}
	f := c.Flags()
	f.StringVar(&sub.Submitter, "as", "", "who submits")
	f.StringVar(&sub.PartnerID, "partner", "", "whose solution it is")
	f.IntVar(&sub.Revision, "revision", 0, "the revision that you looked at (default: the newest)")
	f.StringVar(&sub.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner")
}

// solutionSubmitted prints the success message (CERT-02).
func (h *house) solutionSubmitted(s activities.Standing, key string, err error) error {
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.Standing
		RequestKey string `json:"request_key"`
	}{s, key}, func() {
		h.say("Submitted: the solution %s is under review.", s.Case)
		h.standing(s)
		h.say("Request key %s", key)
	})
}

// againWords are the words of a command that sends a case's next round.
type againWords struct{ use, short, example string }

var (
	resubmitWords  = againWords{"resubmit", "Correct a rejected solution and submit it again", `  starter solution resubmit SOL000001 --as p1001-admin --material deployment=tests2.pdf`}
	recertifyWords = againWords{
		"recertify", "Apply for the re-certification of a solution that expires or has expired",
		`  starter solution recertify SOL000001 --as p1001-admin --version 3.0 --material description=atlas3.pdf`,
	}
)

func (h *house) solutionAgainCommand(words againWords) *cobra.Command {
	var e solutionEntry
	var key string
	c := &cobra.Command{
		Use: words.use + " CASE --as PERSON [--version V] [--material TYPE=FILE]", Short: words.short, Args: exactly("CASE"),
		Long: words.short + `. What is not said stays as it was. In a re-certification only version and materials can change.

What is entered is kept as a draft of the solution, also when the submission is refused. Repeat a command whose answer was lost with
the same --request-key: nothing happens twice.`,
		Example: words.example,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			now, err := r.Solution(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			if key == "" {
				key = uuid.NewString()
			}
			sub := solution.Submission{RequestKey: key, PartnerID: now.Partner, Submitter: e.in.Person}
			if sub.Draft, sub.Revision, err = r.SentDraft(c.Context(), args[0], key); err != nil {
				return err
			}
			if sub.Draft == "" { // not a repeat
				e.in.Case, e.in.Partner, e.in.Draft, e.in.Key = args[0], now.Partner, now.Draft, draftKey(key)
				saved, err := e.save(c, h)
				if err != nil {
					return err
				}
				sub.Draft, sub.Revision = saved.Draft, saved.Revision
			}
			sent, err := sendTo(c.Context(), h, args[0], "--request-key "+key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.SendSolution(ctx, h.temporal, workflowID, sub)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				return h.solutions(ctx, func(s *activities.Solutions) (activities.Standing, error) {
					return s.SendSolution(ctx, activities.SendSolutionInput{Case: args[0], Submission: sub, At: time.Now()})
				})
			})
			return h.solutionSubmitted(sent, key, err)
		},
	}
	e.flags(c)
	c.Flags().StringVar(&key, "request-key", "", "key of the request (default: a new one)")
	c.Flags().Lookup("partner").Hidden = true
	return needs(c, "as")
}

// draftKey is the key of the draft that a request enters before it submits it.
func draftKey(key string) string { return "draft/" + key[:min(len(key), 58)] }

func (h *house) solutions(ctx context.Context, f func(*activities.Solutions) (activities.Standing, error)) (activities.Standing, error) {
	db, err := h.database(ctx)
	if err != nil {
		return activities.Standing{}, err
	}
	return f(&activities.Solutions{DB: db})
}

func (h *house) solutionListCommand() *cobra.Command {
	var f views.SolutionFilter
	var state string
	c := &cobra.Command{
		Use: "list [--partner P] [--state S]", Short: "List solutions and drafts", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			known := append([]solution.State{views.DraftState}, solutionStates()...)
			if err := oneOf("state", state, texts(known)); err != nil {
				return err
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			f.State = solution.State(state)
			found, err := r.Solutions(c.Context(), f, time.Now())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"solutions": found}, func() {
				t := newTable("SOLUTION", "PARTNER", "TYPE", "NAME", "VERSION", "STATE", "REVIEW", "CERTIFIED UNTIL", "RE-CERTIFY FROM", "DRAFT")
				for _, s := range found {
					review := "-"
					if s.Pending {
						review = "open"
					}
					t.add(none(s.Case), s.Partner, s.Type, none(s.Name), none(s.Version), s.State, review, shownOr(s.Until, "-"), shownOr(s.WindowAt, "-"), none(s.Draft))
				}
				t.printOr(h.out, "No solutions.")
			})
		},
	}
	c.Flags().StringVar(&f.Partner, "partner", "", "those of a partner")
	c.Flags().StringVar(&state, "state", "", "those in a state; DELETED ones are shown only so")
	return c
}

func solutionStates() []solution.State {
	return []solution.State{solution.UnderReview, solution.Rejected, solution.Certified, solution.Expiring, solution.Expired, solution.Deleted}
}

func oneOf(what, value string, known []string) error {
	for _, k := range known {
		if value == "" || value == k {
			return nil
		}
	}
	return unknownValue(what, value, known)
}

func (h *house) solutionShowCommand() *cobra.Command {
	var show []string
	var by string
	c := &cobra.Command{
		Use: "show SOLUTION [--show COLUMN --as PERSON]", Short: "Show a solution, or a draft, with its approval progress and certificates", Args: exactly("SOLUTION"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			d, err := r.Solution(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			if uncovered, err := h.uncover(c.Context(), d.Partner, organisation.SolutionList, show, by); err != nil {
				return err
			} else if len(uncovered) > 0 {
				if d, err = r.Solution(c.Context(), args[0], time.Now(), uncovered...); err != nil {
					return err
				}
			}
			return h.show(d, func() { h.solutionOf(d) })
		},
	}
	showFlag(c, &show, organisation.SolutionList)
	c.Flags().StringVar(&by, "as", "", "who looks, with --show")
	return c
}

func (h *house) solutionOf(d views.SolutionDetail) {
	revision := ""
	if d.Revision > 0 {
		revision = fmt.Sprint(d.Revision)
	}
	contact := strings.Join(strings.Fields(d.Entry.Contact.Name+" "+d.Entry.Contact.Mobile+" "+d.Entry.Contact.Email), " ")
	record(h.out, "solution", d.Case, "draft", d.Draft, "revision", revision, "partner", d.Partner, "type", d.Type, "origin", d.Origin, "name", d.Name, "version", d.Version, "state", d.State,
		"certified until", shownOr(d.Until, ""), "re-certify from", shownOr(d.WindowAt, ""), "contact", contact)
	for _, m := range d.Entry.Materials {
		h.say("%s: %s (%s)", capital(m.Type), oneLine(m.Name), m.Document[:12])
	}
	if d.Case == "" {
		return
	}
	h.say("")
	nodes := newTable("CERTIFICATE>", "ROUND>", "VERSION", "NODE>", "NAME", "ROLE", "STATE", "BY", "AT", "COMMENT")
	for _, r := range d.Rounds {
		for _, n := range r.Nodes {
			nodes.add(r.CertRound, r.Try, r.Version, n.Node, n.Name, n.Role, n.State, none(n.By), shownOr(n.At, "-"), none(n.Comment))
		}
	}
	nodes.printOr(h.out, "It was certified before; no round of review here.")
	if len(d.Certifications) == 0 {
		return
	}
	h.say("")
	certified := newTable("CERTIFICATE>", "NUMBER", "VERSION", "CERTIFIED", "UNTIL")
	for _, v := range d.Certifications {
		certified.add(v.CertRound, none(v.Paper), v.Version, shown(v.From), shown(v.Until))
	}
	certified.print(h.out)
}

func (h *house) solutionDeleteCommand() *cobra.Command {
	var in activities.SolutionDraftInput
	c := &cobra.Command{
		Use: "delete SOLUTION --as PERSON", Short: "Delete a draft, or a rejected solution that was never certified", Args: exactly("SOLUTION"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			of, err := r.Solution(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			if of.Draft == args[0] {
				drafts, err := h.solutionDrafts(c.Context())
				if err != nil {
					return err
				}
				in.Draft, in.Partner, in.At = args[0], of.Partner, time.Now()
				if err := drafts.Delete(c.Context(), in); err != nil {
					return err
				}
				return h.show(map[string]string{"deleted": args[0]}, func() { h.say("The draft %s is deleted.", args[0]) })
			}
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			gone := activities.DeleteSolutionInput{Case: args[0], Key: in.Key, Person: in.Person}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+in.Key, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.DeleteSolution(ctx, h.temporal, workflowID, gone)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				return h.solutions(ctx, func(s *activities.Solutions) (activities.Standing, error) {
					gone.At = time.Now()
					return s.DeleteSolution(ctx, gone)
				})
			})
			return h.stands(now, in.Key, err)
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who deletes")
	c.Flags().StringVar(&in.Key, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) solutionCertificateCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "certificate SOLUTION -o FILE.pdf", Short: "Download the certificate of a certified solution", Args: exactly("SOLUTION"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			paper, err := r.SolutionCertificate(c.Context(), args[0], time.Now())
			if err == nil {
				err = vacant(file)
			}
			if err != nil {
				return err
			}
			return h.printCertificate(paper, file)
		},
	}
	c.Flags().StringVarP(&file, "out", "o", "", "the file to write")
	return needs(c, "out")
}

func (h *house) solutionCarryOnCommand() *cobra.Command {
	return &cobra.Command{
		Use: "carry-on", Short: "Start the workflows of solutions that were certified before and loaded with the programme", Args: exactly(),
		Long: "Start the workflows of solutions that were certified before and loaded with the programme. From then on their windows open, reminders go, and they expire by themselves.",
		RunE: func(c *cobra.Command, _ []string) error {
			started, err := h.carryOn(c.Context(), 16)
			if err != nil {
				return err
			}
			return h.show(map[string]int64{"started": started}, func() { h.say("%d solutions are carried on.", started) })
		},
	}
}

// carryOn starts the workflows of solutions that were laid in without one, several side by side, and counts them.
func (h *house) carryOn(ctx context.Context, side int) (int64, error) {
	r, err := h.reader(ctx)
	if err != nil {
		return 0, err
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		return 0, err
	}
	taken, err := r.WithoutRun(ctx)
	if err != nil {
		return 0, err
	}
	var started atomic.Int64
	err = h.sideBySide(ctx, len(taken), side, func(ctx context.Context, i int) error {
		s := taken[i]
		if err := workflows.Resume(ctx, temporal, solution.Kind, s.WorkflowID, s.Partner, s.Number); err != nil {
			return fmt.Errorf("solution %s: %w", s.Number, err)
		}
		started.Add(1)
		return nil
	})
	return started.Load(), err
}
