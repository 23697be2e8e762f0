package main

import (
	"context"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/baseline"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) baselineCommand() *cobra.Command {
	g := group("baseline", "Joint (baseline) solutions: project, tracks, release",
		h.baselineSaveCommand(), h.baselineTemplateCommand(), h.baselineUploadCommand(), h.baselineCheckCommand(), h.baselineDeleteCommand(), h.baselineSubmitCommand(),
		h.baselineActCommand("resubmit", "", "Submit a refused project again", baseline.SubmitAgain, ""),
		h.baselineActCommand("apply-design", "", "Apply for joint design and verification, whatever the project's state", baseline.ApplyDesign, ""),
		h.baselineActCommand("hand-in-design", "", "Hand in the uploaded design to be accepted", baseline.HandInDesign, ""),
		h.baselineActCommand("hand-in-report", "", "Hand in the uploaded test report to be verified", baseline.HandInVerification, ""),
		h.baselineActCommand("list-goods", "", "Begin to list the joint goods (PDM)", baseline.ListGoods, ""),
		h.baselineActCommand("goods-listed", " --goods NUMBER", "Say under which number the goods are listed (PDM)", baseline.GoodsAreListed, "goods"),
		h.baselineActCommand("configurator", " --with PSA", "Begin the configurator with one of the vendor's solution architects", baseline.BeginConfigurator, "with"),
		h.baselineActCommand("configurator-done", "", "Confirm that the configurator is done (that PSA)", baseline.EndConfigurator, ""),
		h.baselineMaterialCommand(), h.baselineReleaseCommand(),
		h.baselineListCommand(), h.baselineShowCommand(), h.baselineReleasedCommand(), h.baselineOfferingsCommand())
	g.Long = `Joint (baseline) solutions: project, tracks, release.

A draft is saved, gets its files, has its feature list checked and is submitted. The vendor reviews the project; beside it run design and
verification, and once the project is done the goods' listing and the configurator. Then the release: released, it is public, an offering,
and, where the partner leads, a certified cloud software solution. Reviewers decide with: starter task decide`
	return g
}

func (h *house) baselines(ctx context.Context) (*activities.BaselineProjects, error) {
	d, err := h.documents(ctx)
	if err != nil {
		return nil, err
	}
	return &activities.BaselineProjects{DB: d.DB, Store: d.Store}, nil
}

// savedBaseline says what a project has, and what is still to be done.
func (h *house) savedBaseline(s activities.SavedBaseline, err error) error {
	if err != nil {
		return err
	}
	return h.show(s, func() {
		h.say("%s, %s, of %s", s.Project, oneLine(s.Name), s.Partner)
		for _, item := range slices.Sorted(maps.Keys(s.Files)) {
			f := s.Files[item]
			h.say("  %s: %s%s", item, f.Name, checkWords(item, f.Checked, f.Findings))
		}
	})
}

func checkWords(item string, checked bool, findings []string) string {
	switch {
	case item != baseline.FeatureList:
		return ""
	case !checked:
		return ", not checked"
	case len(findings) == 0:
		return ", passed the check"
	}
	return ", did not pass the check:\n    " + strings.Join(findings, "\n    ")
}

func (h *house) baselineSaveCommand() *cobra.Command {
	var in activities.SaveBaselineInput
	var e struct{ name, version, summary, lead, contact, mobile, email string }
	c := &cobra.Command{
		Use:   "save [DRAFT] --as PERSON --partner P [--name N --version V --summary S --lead partner|vendor] [--contact N --contact-mobile M --contact-email E]",
		Short: "Save a project as a draft, or change what was saved", Args: atMost(1),
		Long: `Save a project as a draft, or change what was saved. It need not be complete; what is not said stays as it is. Its name stays as it was
first saved: to rename it, delete the draft and save it anew. A refused project can be changed, too.`,
		Example: `  starter baseline save --as p1001-admin --partner P1001 --name Atlas --version 1.0 --summary "Plans the shop floor"
  starter baseline save BD000001 --as p1001-admin --contact "Qian Yu" --contact-mobile 13800138000 --contact-email qian@a.example`,
		RunE: func(c *cobra.Command, args []string) error {
			said := func(flag string, value *string) *string {
				if !c.Flags().Changed(flag) {
					return nil
				}
				return value
			}
			in.Change = baseline.Change{
				Name: said("name", &e.name), Version: said("version", &e.version), Summary: said("summary", &e.summary), Lead: said("lead", &e.lead),
				ContactName: said("contact", &e.contact), ContactMobile: said("contact-mobile", &e.mobile), ContactEmail: said("contact-email", &e.email),
			}
			if len(args) == 1 {
				in.Project = args[0]
			}
			if in.RequestKey == "" {
				in.RequestKey = uuid.NewString()
			}
			in.At = time.Now()
			b, err := h.baselines(c.Context())
			if err != nil {
				return err
			}
			return h.savedBaseline(b.Save(c.Context(), in))
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who saves it")
	f.StringVar(&in.Partner, "partner", "", "whose a new draft is")
	f.StringVar(&e.name, "name", "", "the solution's name, which stays")
	f.StringVar(&e.version, "version", "", "its version, like 1.0")
	f.StringVar(&e.summary, "summary", "", "what it does, for the public list, too")
	f.StringVar(&e.lead, "lead", "", "who leads it: partner (the default) or vendor")
	f.StringVar(&e.contact, "contact", "", "the contact's name")
	f.StringVar(&e.mobile, "contact-mobile", "", "the contact's mobile")
	f.StringVar(&e.email, "contact-email", "", "the contact's email")
	f.StringVar(&in.RequestKey, "request-key", "", "key of a new draft (default: a new one)")
	return needs(c, "as")
}

func (h *house) baselineTemplateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "template", Short: "Write the template of the feature list: a CSV file to be filled in", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			t, err := r.FeatureTemplate(c.Context())
			if err != nil {
				return err
			}
			return writeCSV(h, [][]string{t.Header()})
		},
	}
}

// writeCSV answers with a file.
func writeCSV(h *house, rows [][]string) error {
	w := csv.NewWriter(h.out)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return w.Error()
}

func (h *house) baselineUploadCommand() *cobra.Command {
	var in activities.BaselineFileInput
	c := &cobra.Command{
		Use: "upload DRAFT FILE --item ITEM --as PERSON", Short: "Upload a file of a project or release, instead of the one it has", Args: exactly("DRAFT", "FILE"),
		Long: `Upload a file of a project or release, instead of the one it has.

Items: presentation, feature-list (from: starter baseline template), design, test-report, and of a release those of: starter baseline
material, written release:introduction. What contains source code, software or anything encrypted is refused. Files of a release wait until
the release is saved.`,
		Example: `  starter baseline upload BD000001 deck.pdf --item presentation --as p1001-admin`,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := os.Open(args[1])
			if err != nil {
				return err
			}
			defer file.Close()
			in.Project, in.Name, in.Content, in.At = args[0], filepath.Base(args[1]), file, time.Now()
			b, err := h.baselines(c.Context())
			if err != nil {
				return err
			}
			return h.savedBaseline(b.Upload(c.Context(), in))
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who uploads")
	c.Flags().StringVar(&in.Item, "item", "", "what the file is")
	return needs(c, "as", "item")
}

// baselineOn is a command about a project that only says who asks.
func (h *house) baselineOn(use, short string, do func(ctx context.Context, b *activities.BaselineProjects, in activities.BaselineInput) error) *cobra.Command {
	var in activities.BaselineInput
	c := &cobra.Command{
		Use: use + " DRAFT --as PERSON", Short: short, Args: exactly("DRAFT"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := h.baselines(c.Context())
			if err != nil {
				return err
			}
			in.Project, in.At = args[0], time.Now()
			return do(c.Context(), b, in)
		},
	}
	c.Flags().StringVar(&in.Person, "as", "", "who asks")
	return needs(c, "as")
}

func (h *house) baselineCheckCommand() *cobra.Command {
	return h.baselineOn("check", "Check the uploaded feature list against the template", func(ctx context.Context, b *activities.BaselineProjects, in activities.BaselineInput) error {
		return h.savedBaseline(b.Check(ctx, in))
	})
}

func (h *house) baselineDeleteCommand() *cobra.Command {
	return h.baselineOn("delete", "Delete a draft with its files", func(ctx context.Context, b *activities.BaselineProjects, in activities.BaselineInput) error {
		if err := b.Delete(ctx, in); err != nil {
			return err
		}
		return h.show(map[string]string{"deleted": in.Project}, func() { h.say("%s is deleted.", in.Project) })
	})
}

func (h *house) baselineSubmitCommand() *cobra.Command {
	var sub baseline.Submission
	c := &cobra.Command{
		Use: "submit DRAFT --as PERSON --partner P", Short: "Submit a draft as a joint project", Args: exactly("DRAFT"),
		Long: `Submit a draft as a joint project. The rules judge what was saved, all of it at once.

Repeat a command whose answer was lost with the same --request-key: nothing happens twice.`,
		RunE: func(c *cobra.Command, args []string) error {
			sub.Project = args[0]
			if sub.RequestKey == "" {
				sub.RequestKey = uuid.NewString()
			}
			temporal, err := h.cluster(c.Context())
			if err != nil {
				return err
			}
			opened, err := inTime(c.Context(), "--request-key "+sub.RequestKey, "starter baseline show "+sub.Project, func(ctx context.Context) (activities.Standing, error) {
				return workflows.SubmitBaseline(ctx, temporal, sub)
			})
			return h.stands(opened, sub.RequestKey, err)
		},
	}
	f := c.Flags()
	f.StringVar(&sub.Submitter, "as", "", "who submits")
	f.StringVar(&sub.PartnerID, "partner", "", "whose solution it is")
	f.StringVar(&sub.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner")
}

// baselineActCommand asks something of a case; the flag, if it has one, is the act's reference.
func (h *house) baselineActCommand(use, usage, short string, action baseline.Action, flag string) *cobra.Command {
	a := baseline.Act{Action: action}
	c := &cobra.Command{
		Use: use + " CASE --as PERSON" + usage, Short: short, Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			if a.RequestKey == "" {
				a.RequestKey = uuid.NewString()
			}
			now, err := sendTo(c.Context(), h, args[0], "--request-key "+a.RequestKey, func(ctx context.Context, workflowID string) (activities.Standing, error) {
				return workflows.ActBaseline(ctx, h.temporal, workflowID, a)
			}, func(ctx context.Context, _ string) (activities.Standing, error) {
				db, err := h.database(ctx)
				if err != nil {
					return activities.Standing{}, err
				}
				return (&activities.BaselineSolutions{DB: db}).ActBaseline(ctx, activities.ActBaselineInput{Case: args[0], Act: a, At: time.Now()})
			})
			return h.stands(now, a.RequestKey, err)
		},
	}
	c.Flags().StringVar(&a.Person, "as", "", "who asks")
	c.Flags().StringVar(&a.RequestKey, "request-key", "", "key of the request (default: a new one)")
	if flag == "" {
		return needs(c, "as")
	}
	c.Flags().StringVar(&a.Reference, flag, "", map[string]string{"goods": "the goods' number in the shop", "with": "the solution architect who helps"}[flag])
	return needs(c, "as", flag)
}

func (h *house) baselineMaterialCommand() *cobra.Command {
	return &cobra.Command{
		Use: "material CASE", Short: "Download the release material: which files a release takes, and what belongs in them", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			rows, err := r.ReleaseMaterial(c.Context(), args[0])
			if err != nil {
				return err
			}
			return writeCSV(h, rows)
		},
	}
}

func (h *house) baselineReleaseCommand() *cobra.Command {
	var in activities.SaveReleaseInput
	save := &cobra.Command{
		Use: "save DRAFT --as PERSON [--note TEXT]", Short: "Save the release application with what was uploaded for it", Args: exactly("DRAFT"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := h.baselines(c.Context())
			if err != nil {
				return err
			}
			in.Project, in.At = args[0], time.Now()
			return h.savedBaseline(b.SaveRelease(c.Context(), in))
		},
	}
	save.Flags().StringVar(&in.Person, "as", "", "who saves it")
	save.Flags().StringVar(&in.Note, "note", "", "what the public site says about the release")
	return group("release", "The release application of a joint solution", needs(save, "as"),
		h.baselineOn("cancel", "Drop what was uploaded and not saved", func(ctx context.Context, b *activities.BaselineProjects, in activities.BaselineInput) error {
			return h.savedBaseline(b.CancelRelease(ctx, in))
		}),
		h.baselineOn("delete", "Delete the saved release application with its files", func(ctx context.Context, b *activities.BaselineProjects, in activities.BaselineInput) error {
			return h.savedBaseline(b.DeleteRelease(ctx, in))
		}),
		h.baselineActCommand("submit", "", "Submit the release, for the first time or again", baseline.SubmitRelease, ""))
}

func (h *house) baselineListCommand() *cobra.Command {
	var partner string
	c := &cobra.Command{
		Use: "list [--partner P]", Short: "List joint solutions and drafts", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			all, err := r.Baselines(c.Context(), partner)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"joint_solutions": all}, func() {
				t := newTable("DRAFT", "CASE", "PARTNER", "NAME", "VERSION", "STATE", "SAVED")
				for _, b := range all {
					t.add(b.Project, none(b.Case), b.Partner, b.Name, none(b.Version), stateOr(b.State, "DRAFT"), shown(b.SavedAt))
				}
				t.printOr(h.out, "No joint solutions.")
			})
		},
	}
	c.Flags().StringVar(&partner, "partner", "", "those of a partner")
	return c
}

func stateOr(s baseline.State, other string) string {
	if s == "" {
		return other
	}
	return string(s)
}

func (h *house) baselineShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show DRAFT|CASE", Short: "Show a joint solution: files, tracks, release, the reviewers' comments", Args: exactly("DRAFT|CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			b, err := r.Baseline(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(b, func() { h.baselineOf(b) })
		},
	}
}

func (h *house) baselineOf(b views.Baseline) {
	h.say("%s %s, %s %s, of %s, led by the %s: %s", b.Project, b.Case, oneLine(b.Name), b.Version, b.Partner, b.Lead, stateOr(b.State, "DRAFT"))
	files := newTable("ITEM", "FILE", "")
	for _, f := range b.Files {
		note := checkWords(f.Item, f.Checked, f.Findings)
		if f.Staged {
			note = "not saved"
		}
		files.add(f.Item, f.Name, strings.TrimPrefix(note, ", "))
	}
	tracks := newTable("TRACK", "STATE", "SINCE", "")
	for _, t := range b.Tracks {
		tracks.add(t.Track, t.State, shown(t.Since), t.Reference)
	}
	for _, t := range []*aligned{files, tracks} {
		if t.rows > 0 {
			h.say("")
			t.print(h.out)
		}
	}
	if b.Release != nil {
		h.say("\nRelease saved by %s on %s: %s", b.Release.SavedBy, shown(b.Release.SavedAt), none(oneLine(b.Release.Note)))
	}
	for _, c := range b.Comments {
		h.say("Comment of %s", oneLine(c))
	}
	if b.ReleasedAt != nil {
		h.say("Released on %s%s.", shown(*b.ReleasedAt), prefixed(" as the certified solution ", b.Solution))
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func (h *house) baselineReleasedCommand() *cobra.Command {
	return &cobra.Command{
		Use: "released", Short: "List what the public site shows: released joint solutions", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			all, err := r.ReleasedBaselines(c.Context())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"released": all}, func() {
				t := newTable("SOLUTION", "NAME", "VERSION", "PARTNER", "GOODS", "RELEASED", "ABOUT")
				for _, s := range all {
					t.add(s.Number, s.Name, s.Version, s.Partner, s.Goods, shown(s.ReleasedAt), oneLine(s.Summary))
				}
				t.printOr(h.out, "No joint solution is released.")
			})
		},
	}
}

func (h *house) baselineOfferingsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "offerings PARTNER", Short: "List what a partner can attach to an opportunity", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			all, err := r.Offerings(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(map[string]any{"offerings": all}, func() {
				t := newTable("OFFERING", "NUMBER", "NAME")
				for _, o := range all {
					t.add(o.Kind, o.Number, o.Name)
				}
				t.printOr(h.out, "No offerings.")
			})
		},
	}
}
