package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/domain/solution"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// solutionData is one solution, or a draft of one, with the form in which it is entered.
type solutionData struct {
	asked
	views.SolutionDetail
	Action    string
	Types     []solution.Type
	Materials []string // types of material
	Enters    bool     // the form is open to the reader
	Deletes   bool
	Certified bool // was before: only version and materials change (CERT-14)
}

// Files are the materials of a type that are there.
func (d solutionData) Files(kind string) []solution.Material {
	return slices.DeleteFunc(slices.Clone(d.Entry.Materials), func(m solution.Material) bool { return m.Type != kind })
}

// solutions lists the partner's solutions and drafts, and has the form for a new one.
func (c *Console) solutions(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, now := req.Context(), time.Now()
	var data struct {
		solutionData
		Found []views.Solution
		Now   time.Time
	}
	data.Now = now
	data.solutionData = solutionData{asked: a, Action: "/partner/solutions", Types: solution.Types, Materials: solution.MaterialTypes, Enters: solution.MayAct(p, p.PartnerID)}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		data.Found, err = r.Solutions(ctx, views.SolutionFilter{Partner: p.PartnerID}, now)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-solutions", c.Pages.Text(req, "partner.nav.solutions"), data)
	return nil
}

func (c *Console) solution(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.solutionPage(w, req, p, a, req.PathValue("solution"))
}

func (c *Console) solutionPage(w http.ResponseWriter, req *http.Request, p person.Person, a asked, id string) error {
	data := solutionData{asked: a, Action: solutionPath(id), Types: solution.Types, Materials: solution.MaterialTypes}
	var err error
	if data.SolutionDetail, err = c.ownSolution(req.Context(), p, id); err != nil {
		return err
	}
	may := solution.MayAct(p, p.PartnerID) && !data.Pending
	data.Certified = len(data.Certifications) > 0
	data.Enters = may && slices.Contains([]solution.State{views.DraftState, solution.Rejected, solution.Expiring, solution.Expired}, data.State)
	data.Deletes = may && (data.State == views.DraftState || data.State == solution.Rejected && !data.Certified)
	c.Pages.Render(w, req, data.status(), "partner-solution", c.Pages.Text(req, "partner.solution", id), data)
	return nil
}

// ownSolution reads a solution of the partner by its number, or a draft by its own.
func (c *Console) ownSolution(ctx context.Context, p person.Person, id string) (views.SolutionDetail, error) {
	return own(ctx, c, p, func(r views.Reader) (views.SolutionDetail, error) { return r.Solution(ctx, id, time.Now()) })
}

func solutionPath(id string) string { return "/partner/solutions/" + url.PathEscape(id) }

// materialPrefix begins the name of a file's field; the type of material follows.
const materialPrefix = "material-"

// draftEntered reads what a form says of a draft. A contact's field that is empty leaves what is kept, which is shown masked.
func draftEntered(form url.Values) solution.Change {
	said, filled := entries(form)
	return solution.Change{
		Type: (*solution.Type)(said("type")), Name: said("name"), Version: said("version"),
		ContactName: filled("contact"), ContactMobile: filled("mobile"), ContactEmail: filled("email"),
	}
}

// save keeps a draft with its files.
func (c *Console) save(ctx context.Context, in activities.SolutionDraftInput, files []page.Uploaded) (activities.SavedDraft, error) {
	for _, f := range files {
		kind, ok := strings.CutPrefix(f.Field, materialPrefix)
		if !ok {
			continue
		}
		content, err := f.Open()
		if err != nil {
			return activities.SavedDraft{}, err
		}
		defer content.Close() //nolint:errcheck // it is only read
		in.Files = append(in.Files, activities.SolutionFile{Type: kind, Name: f.Filename, Content: content})
	}
	saved, err := (&activities.SolutionDrafts{DB: c.Desk.DB, Store: c.Documents.Store}).Save(ctx, in)
	return saved, c.ruled(ctx, solution.Kind, err)
}

// enterSolution keeps a new draft, and submits it when that is asked for.
func (c *Console) enterSolution(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	saved, err := c.save(req.Context(), activities.SolutionDraftInput{
		Partner: p.PartnerID, Key: form.Get("key"), Change: draftEntered(form), Person: p.ID, At: time.Now(),
	}, files)
	if err != nil {
		return c.answered(w, req, p, form, err, c.solutions, "", "")
	}
	return c.saved(w, req, p, form, saved, "")
}

// changeSolution keeps what was changed of a draft, or for the next round of a solution, and submits it when that is asked for.
func (c *Console) changeSolution(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	known, err := c.ownSolution(ctx, p, req.PathValue("solution"))
	if err != nil {
		return err
	}
	if id := req.PathValue("solution"); known.Case != "" && id != known.Case && id != known.Draft && form.Get("do") == "submit" { // it was sent: the answer came too late
		page.Flash(w, req, "partner.flash.submitted", known.Case)
		http.Redirect(w, req, solutionPath(known.Case), http.StatusSeeOther)
		return nil
	}
	in := activities.SolutionDraftInput{Draft: known.Draft, Case: known.Case, Partner: p.PartnerID, Key: form.Get("key"), Change: draftEntered(form), Person: p.ID, At: time.Now()}
	if known.Case == "" { // a colleague may have changed it meanwhile
		if in.Revision, err = strconv.Atoi(form.Get("revision")); err != nil {
			return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
		}
	}
	saved, err := c.save(ctx, in, files)
	if err != nil {
		return c.answered(w, req, p, form, err, c.solution, "", "")
	}
	return c.saved(w, req, p, form, saved, known.Case)
}

// saved leads on after a draft was kept: to its page, or with the submission to the solution's.
func (c *Console) saved(w http.ResponseWriter, req *http.Request, p person.Person, form url.Values, saved activities.SavedDraft, number string) error {
	id := saved.Draft
	if number != "" {
		id = number
	}
	if form.Get("do") != "submit" {
		page.Flash(w, req, "partner.flash.draft", id)
		http.Redirect(w, req, solutionPath(id), http.StatusSeeOther)
		return nil
	}
	ctx := req.Context()
	sub := solution.Submission{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Draft: saved.Draft, Revision: saved.Revision}
	var opened activities.Standing
	var err error
	if number == "" {
		opened, err = start(ctx, c, solution.Kind, func(ctx context.Context, t client.Client) (activities.Standing, error) {
			return workflows.SubmitSolution(ctx, t, sub)
		})
	} else {
		opened, err = desk.Send(ctx, c.Desk, number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.SendSolution(ctx, t, workflowID, sub)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return (&activities.Solutions{DB: c.Desk.DB}).SendSolution(ctx, activities.SendSolutionInput{Case: number, Submission: sub, At: time.Now()})
		})
	}
	if list := activities.RefusalOf(err); list != nil { // it is kept all the same
		return c.solutionPage(w, req, p, asked{Key: form.Get("key"), Refused: list}, id)
	}
	return c.answered(w, req, p, form, err, c.solution, solutionPath(opened.Case), "partner.flash.submitted", opened.Case)
}

// deleteSolution deletes a draft, or a rejected solution that was never certified.
func (c *Console) deleteSolution(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	known, err := c.ownSolution(ctx, p, req.PathValue("solution"))
	if err != nil {
		return err
	}
	if known.Case == "" {
		err = (&activities.SolutionDrafts{DB: c.Desk.DB, Store: c.Documents.Store}).Delete(ctx, activities.SolutionDraftInput{Draft: known.Draft, Partner: p.PartnerID, Person: p.ID, At: time.Now()})
	} else {
		gone := activities.DeleteSolutionInput{Case: known.Case, Key: form.Get("key"), Person: p.ID}
		_, err = desk.Send(ctx, c.Desk, known.Case, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return workflows.DeleteSolution(ctx, t, workflowID, gone)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			gone.At = time.Now()
			return (&activities.Solutions{DB: c.Desk.DB}).DeleteSolution(ctx, gone)
		})
	}
	return c.answered(w, req, p, url.Values{"key": form["key"]}, err, c.solution, "/partner/solutions", "partner.flash.deleted", req.PathValue("solution"))
}
