package partner

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/baseline"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// jointData is one joint (baseline) solution: its project, the tracks beside it, its release (CERT-25 to CERT-30).
type jointData struct {
	asked
	views.Baseline
	Action       string
	Leads        []baseline.Lead
	Items        []string        // files of the project
	ReleaseItems [][]string      // files of a release: name, what it has in Chinese and in English; none: the project is not done
	Acts         map[string]bool // what may be asked for in this state
	Enters       bool            // the project's form is open to the reader
	Deletes      bool
}

// Of are the files that are there as an item.
func (d jointData) Of(item string) []views.BaselineFile {
	return slices.DeleteFunc(slices.Clone(d.Files), func(f views.BaselineFile) bool { return f.Item != item })
}

// OfRelease are the files that are there as an item of the release.
func (d jointData) OfRelease(name string) []views.BaselineFile {
	return d.Of(baseline.ReleaseItem(name))
}

// Staged tells whether uploads wait to be saved.
func (d jointData) Staged() bool {
	return slices.ContainsFunc(d.Files, func(f views.BaselineFile) bool { return f.Staged })
}

// joints lists the partner's joint solutions and drafts, and has the form for a new one.
func (c *Console) joints(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	var data struct {
		jointData
		Found []views.Baseline
	}
	data.jointData = jointData{asked: a, Action: "/partner/joint", Leads: []baseline.Lead{baseline.ByPartner, baseline.ByVendor}, Items: baseline.ProjectItems, Enters: baseline.MayAct(p, p.PartnerID)}
	err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		data.Found, err = r.Baselines(req.Context(), p.PartnerID)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-joints", c.Pages.Text(req, "partner.nav.joint"), data)
	return nil
}

func (c *Console) joint(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.jointPage(w, req, p, a, req.PathValue("joint"))
}

func (c *Console) jointPage(w http.ResponseWriter, req *http.Request, p person.Person, a asked, id string) error {
	data := jointData{asked: a, Action: jointPath(id), Leads: []baseline.Lead{baseline.ByPartner, baseline.ByVendor}, Items: baseline.ProjectItems}
	var err error
	if data.Baseline, err = c.ownJoint(req.Context(), p, id); err != nil {
		return err
	}
	if baseline.MayAct(p, p.PartnerID) {
		data.Deletes = data.Case == ""
		data.Enters = data.Case == "" || data.State == baseline.ProjectRejected
		data.Acts = openActs(data.Baseline)
	}
	if baseline.Done(data.State) {
		if err := c.read(req.Context(), p, func(r views.Reader) error {
			rows, err := r.ReleaseMaterial(req.Context(), data.Case)
			data.ReleaseItems = rows[min(1, len(rows)):] // without the heading
			return err
		}); err != nil && !activities.IsNotFound(err) {
			return err
		}
	}
	c.Pages.Render(w, req, data.status(), "partner-joint", c.Pages.Text(req, "partner.joint", data.Name), data)
	return nil
}

// openActs are the actions of the partner that can follow now; whether one is taken, the rules judge.
func openActs(b views.Baseline) map[string]bool {
	at := map[baseline.Track]baseline.State{}
	for _, t := range b.Tracks {
		at[t.Track] = t.State
	}
	return map[string]bool{
		string(baseline.ApplyDesign):        b.Case != "" && at[baseline.Design] == "",
		string(baseline.HandInDesign):       at[baseline.Design] == baseline.Designing,
		string(baseline.HandInVerification): at[baseline.Design] == baseline.Verifying,
		string(baseline.BeginConfigurator):  baseline.Done(b.State) && at[baseline.Configurator] == "",
		string(baseline.SubmitRelease):      b.State == baseline.ProjectDone || b.State == baseline.ReleaseRejected,
	}
}

// ownJoint reads a joint solution of the partner by its draft's number or its case's.
func (c *Console) ownJoint(ctx context.Context, p person.Person, id string) (views.Baseline, error) {
	return own(ctx, c, p, func(r views.Reader) (views.Baseline, error) { return r.Baseline(ctx, id) })
}

func jointPath(id string) string { return "/partner/joint/" + url.PathEscape(id) }

func (c *Console) jointProjects() *activities.BaselineProjects {
	return &activities.BaselineProjects{DB: c.Desk.DB, Store: c.Documents.Store}
}

// enterJoint keeps a new draft with its files.
func (c *Console) enterJoint(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	said, filled := entries(form)
	saved, err := c.jointProjects().Save(req.Context(), activities.SaveBaselineInput{
		Partner: p.PartnerID, RequestKey: form.Get("key"), Person: p.ID, At: time.Now(),
		Change: baseline.Change{
			Name: said("name"), Version: said("version"), Summary: said("summary"), Lead: said("lead"),
			ContactName: filled("contact"), ContactMobile: filled("mobile"), ContactEmail: filled("email"),
		},
	})
	if err != nil {
		return c.answered(w, req, p, form, err, c.joints, "", "")
	}
	return c.savedJoint(w, req, p, form, files, saved)
}

// changeJoint keeps what was changed of a draft or a refused project. The name stays as it was first saved (CERT-25).
func (c *Console) changeJoint(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	known, err := c.ownJoint(req.Context(), p, req.PathValue("joint"))
	if err != nil {
		return err
	}
	said, filled := entries(form)
	saved, err := c.jointProjects().Save(req.Context(), activities.SaveBaselineInput{
		Project: known.Project, RequestKey: form.Get("key"), Person: p.ID, At: time.Now(),
		Change: baseline.Change{
			Version: said("version"), Summary: said("summary"), Lead: said("lead"), ContactName: filled("contact"), ContactMobile: filled("mobile"), ContactEmail: filled("email"),
		},
	})
	if err != nil {
		return c.answered(w, req, p, form, err, c.joint, "", "")
	}
	return c.savedJoint(w, req, p, form, files, saved)
}

// savedJoint takes the files of a project that was kept, has its feature list checked (CERT-26), and submits it when that is asked
// for. What is refused of that is shown with the project, which is kept all the same.
func (c *Console) savedJoint(w http.ResponseWriter, req *http.Request, p person.Person, form url.Values, files []page.Uploaded, saved activities.SavedBaseline) error {
	ctx, b := req.Context(), c.jointProjects()
	now, err := c.uploadJoint(ctx, p, saved.Project, "", files)
	if err == nil && len(files) > 0 {
		saved = now
	}
	if list := saved.Files[baseline.FeatureList]; err == nil && list.Document != "" && !list.Checked {
		saved, err = b.Check(ctx, activities.BaselineInput{Project: saved.Project, Person: p.ID, At: time.Now()})
	}
	id, told := saved.Project, "partner.flash.draft"
	if err == nil && form.Get("do") == "submit" {
		var opened activities.Standing
		if saved.Case == "" {
			opened, err = start(ctx, c, baseline.Kind, func(ctx context.Context, t client.Client) (activities.Standing, error) {
				return workflows.SubmitBaseline(ctx, t, baseline.Submission{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Project: saved.Project})
			})
		} else {
			opened, err = c.actJoint(ctx, saved.Case, baseline.Act{RequestKey: form.Get("key"), Person: p.ID, Action: baseline.SubmitAgain})
		}
		if err == nil {
			id, told = opened.Case, "partner.flash.submitted"
		}
	}
	err = c.ruled(ctx, baseline.Kind, err)
	if list := activities.RefusalOf(err); list != nil {
		return c.jointPage(w, req, p, again(req, url.Values{"key": form["key"]}, list), id)
	}
	return c.answered(w, req, p, form, err, c.joint, jointPath(id), told, id)
}

// uploadJoint takes the files of a form into a project, by their fields' names, which begin with a prefix. It answers the project as it
// is after the last.
func (c *Console) uploadJoint(ctx context.Context, p person.Person, project, prefix string, files []page.Uploaded) (now activities.SavedBaseline, err error) {
	for _, f := range files {
		content, err := f.Open()
		if err != nil {
			return now, err
		}
		now, err = c.jointProjects().Upload(ctx, activities.BaselineFileInput{Project: project, Item: prefix + f.Field, Name: f.Filename, Content: content, Person: p.ID, At: time.Now()})
		content.Close() //nolint:errcheck // it was only read
		if err != nil {
			return now, err
		}
	}
	return now, nil
}

// actJoint asks for something in the case of a joint solution.
func (c *Console) actJoint(ctx context.Context, number string, a baseline.Act) (activities.Standing, error) {
	if number == "" { // a draft is no case
		return activities.Standing{}, page.NotFound
	}
	return desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
		return workflows.ActBaseline(ctx, t, workflowID, a)
	}, func(ctx context.Context, _ string) (activities.Standing, error) {
		return (&activities.BaselineSolutions{DB: c.Desk.DB}).ActBaseline(ctx, activities.ActBaselineInput{Case: number, Act: a, At: time.Now()})
	})
}

// deleteJoint deletes a draft with its files.
func (c *Console) deleteJoint(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toJoint(w, req, p, "/partner/joint", "partner.flash.deleted", func(ctx context.Context, known views.Baseline, _ url.Values, _ []page.Uploaded) error {
		return c.jointProjects().Delete(ctx, activities.BaselineInput{Project: known.Project, Person: p.ID, At: time.Now()})
	})
}

// askOfJoint asks for a step of the tracks beside the project, with the file that it is about (CERT-28, CERT-29).
func (c *Console) askOfJoint(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toJoint(w, req, p, "", "partner.flash.sent", func(ctx context.Context, known views.Baseline, form url.Values, files []page.Uploaded) error {
		act := baseline.Act{RequestKey: form.Get("key"), Person: p.ID, Action: baseline.Action(form.Get("do")), Reference: strings.TrimSpace(form.Get("with"))}
		if _, err := c.uploadJoint(ctx, p, known.Project, "", files); err != nil {
			return err
		}
		_, err := c.actJoint(ctx, known.Case, act)
		return err
	})
}

// releaseJoint keeps, drops or submits a release application (CERT-30).
func (c *Console) releaseJoint(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toJoint(w, req, p, "", "partner.flash.saved", func(ctx context.Context, known views.Baseline, form url.Values, files []page.Uploaded) error {
		b, in := c.jointProjects(), activities.BaselineInput{Project: known.Project, Person: p.ID, At: time.Now()}
		switch form.Get("do") {
		case "cancel":
			_, err := b.CancelRelease(ctx, in)
			return err
		case "delete":
			_, err := b.DeleteRelease(ctx, in)
			return err
		}
		_, err := c.uploadJoint(ctx, p, known.Project, baseline.ReleaseItem(""), files)
		if err == nil {
			_, err = b.SaveRelease(ctx, activities.SaveReleaseInput{Project: known.Project, Note: form.Get("note"), Person: p.ID, At: time.Now()})
		}
		if err == nil && form.Get("do") == "submit" {
			_, err = c.actJoint(ctx, known.Case, baseline.Act{RequestKey: form.Get("key"), Person: p.ID, Action: baseline.SubmitRelease})
		}
		return err
	})
}

// toJoint does what a form on the page of an own joint solution asks for, and leads on; to its own page when nothing else is said.
func (c *Console) toJoint(w http.ResponseWriter, req *http.Request, p person.Person, to, said string, do func(ctx context.Context, known views.Baseline, form url.Values, files []page.Uploaded) error) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	known, err := c.ownJoint(req.Context(), p, req.PathValue("joint"))
	if err != nil {
		return err
	}
	if to == "" {
		to = jointPath(req.PathValue("joint"))
	}
	var args []string
	if said != "partner.flash.saved" {
		args = []string{req.PathValue("joint")}
	}
	return c.answered(w, req, p, form, do(req.Context(), known, form, files), c.joint, to, said, args...)
}

// featureTemplate answers the file from which feature lists are made (CERT-26).
func (c *Console) featureTemplate(w http.ResponseWriter, req *http.Request, p person.Person) error {
	var header []string
	err := c.read(req.Context(), p, func(r views.Reader) error {
		t, err := r.FeatureTemplate(req.Context())
		header = t.Header()
		return err
	})
	if err != nil {
		return err
	}
	return answerCSV(w, "feature-list.csv", [][]string{header})
}

// releaseMaterial answers what a release is prepared from, once the project is done (CERT-29).
func (c *Console) releaseMaterial(w http.ResponseWriter, req *http.Request, p person.Person) error {
	known, err := c.ownJoint(req.Context(), p, req.PathValue("joint"))
	if err != nil {
		return err
	}
	var rows [][]string
	if err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		rows, err = r.ReleaseMaterial(req.Context(), known.Case)
		return err
	}); err != nil {
		return err
	}
	return answerCSV(w, "release-"+known.Case+".csv", rows)
}

// answerCSV answers a short table as a file that Excel reads, too.
func answerCSV(w http.ResponseWriter, name string, rows [][]string) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if _, err := w.Write([]byte("\ufeff")); err != nil {
		return err
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// jointFile answers a file of an own joint solution.
func (c *Console) jointFile(w http.ResponseWriter, req *http.Request, p person.Person) error {
	known, err := c.ownJoint(req.Context(), p, req.PathValue("joint"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(known.Files, func(f views.BaselineFile) bool { return f.Document != "" && f.Document == req.PathValue("document") })
	if i < 0 {
		return page.NotFound
	}
	info, content, err := c.Documents.Store.Get(req.Context(), known.Files[i].Document)
	if err != nil {
		return err
	}
	defer content.Close()
	return page.File(w, req, info.MediaType, known.Files[i].Name, info.ID, content)
}
