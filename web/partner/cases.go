package partner

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"countersign/activities"
	"countersign/domain/baseline"
	"countersign/domain/document"
	"countersign/domain/invoice"
	"countersign/domain/lab"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/internal/documents"
	"countersign/views"
	"countersign/web/page"
)

// casesData is one page of the partner's cases.
type casesData struct {
	Cases  []views.Case
	Search views.CaseSearch
	Kinds  []string
	more

	MayApply bool
	Searched int // a text was looked for among so many cases only; 0: among all
}

var caseList = listed{"/partner/cases", "after", "", pageRows}

func (c *Console) cases(w http.ResponseWriter, req *http.Request, p person.Person) error {
	query := req.URL.Query()
	data := casesData{Search: views.CaseSearch{Kind: query.Get("kind"), Open: query.Get("open") != "", Text: query.Get("text"), After: caseList.after(req)}}
	data.Kinds = c.seenKinds(req.Context())
	data.Search.Kinds, data.MayApply = data.Kinds, c.may(req.Context(), ofPayouts)
	if data.Search.Kind != "" && !slices.Contains(data.Kinds, data.Search.Kind) {
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"} // COM-08
	}
	err := c.read(req.Context(), p, func(r views.Reader) error {
		found, err := r.CasePage(req.Context(), p.PartnerID, data.Search)
		data.Cases, data.more, data.Searched = found.Cases, caseList.more(req, found.Next), found.Searched
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-cases", c.Pages.Text(req, "partner.nav.cases"), data)
	return nil
}

// caseData is one case, with what its kind has beside and what the reader may do about it.
type caseData struct {
	asked
	views.CaseDetail
	Entries   []views.CaseEntry
	Documents []views.CaseDocument
	Changes   *views.Changes
	Talk      talk

	Requisition *views.RequisitionDetail
	Quarter     *views.QuarterCase
	Awaited     *views.PaymentDetail // of a quarter that waits for its payment
	Lab         *views.LabCredit
	Members     memberChoice // who may use the credit
	Tier        *views.TierUpgradeDetail
	Named       []views.CaseDocument // as a tier's evidence, and not enclosed
	Methods     []requisition.Method
	Specialist  *views.SpecialistCase
	StaffMonth  *views.StaffMonth // of dedicated staff, with those who can be named
	Specialists []views.Specialist
	Schemes     []staff.Scenario
	Proofs      []string

	MayAct      bool
	MayProve    bool // a proof can be sent again, whatever the state (FHM-09)
	MayCancel   bool
	MayResubmit bool
	Kinds       []document.Kind // as which something may be enclosed
}

// Evidence is what documents a tier's upgrade was asked to bring.
func (d caseData) Evidence() []views.TierValue {
	if d.Tier == nil || len(d.Tier.Rounds) == 0 {
		return nil
	}
	last := d.Tier.Rounds[len(d.Tier.Rounds)-1]
	return slices.DeleteFunc(slices.Clone(last.Items), func(v views.TierValue) bool { return v.Source != tier.Evidence })
}

// Page is where a case of its kind has a page of its own, on which it is worked on; empty: it has none.
func (d caseData) Page() string {
	switch d.Kind {
	case solution.Kind:
		return solutionPath(d.Number)
	case baseline.Kind:
		return jointPath(d.Number)
	}
	return ""
}

// Opens tells whether a document can be opened by way of the case.
func (d caseData) Opens(id string) bool {
	return slices.ContainsFunc(slices.Concat(d.Documents, d.Named), func(f views.CaseDocument) bool { return f.Document == id })
}

// evidence are the documents that an own upgrade names and that are stored without being enclosed with its case.
func (c *Console) evidence(ctx context.Context, t views.TierUpgradeDetail, enclosed []views.CaseDocument) ([]views.CaseDocument, error) {
	var named []string
	for _, r := range t.Rounds {
		for _, i := range r.Items {
			if i.Document != "" && !slices.ContainsFunc(enclosed, func(f views.CaseDocument) bool { return f.Document == i.Document }) {
				named = append(named, i.Document)
			}
		}
	}
	stored, err := views.Reader{DB: c.Desk.DB}.StoredDocuments(ctx, named) // a partner's own role sees what is enclosed only
	for i := range stored {
		stored[i].Name = stored[i].Document[:8] // another's case may enclose the same content under a name of its own
	}
	return stored, err
}

func (c *Console) caseOf(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, number := req.Context(), req.PathValue("case")
	data := caseData{asked: a, Methods: requisition.Methods, Kinds: document.Kinds}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.CaseDetail, err = r.CaseDetail(ctx, number); err != nil {
			return err
		}
		if data.Entries, err = r.CaseEntries(ctx, number); err != nil {
			return err
		}
		if data.Documents, err = r.CaseDocuments(ctx, number); err != nil {
			return err
		}
		if data.Talk, err = talkOf(ctx, r, p, data.CaseDetail); err != nil {
			return err
		}
		if data.State == withdrawal.Awaiting {
			x, err := r.Explain(ctx, number, time.Now())
			if err != nil {
				return err
			}
			data.Changes = x.Changes
		}
		return data.beside(ctx, r, p)
	})
	if err != nil {
		return err
	}
	if data.Tier != nil {
		if data.Named, err = c.evidence(ctx, *data.Tier, data.Documents); err != nil {
			return err
		}
	}
	c.Pages.Render(w, req, data.status(), "partner-case", data.Number, data)
	return nil
}

// beside reads what a case of its kind has more than others.
func (d *caseData) beside(ctx context.Context, r views.Reader, p person.Person) (err error) {
	switch d.Kind {
	case withdrawal.Kind:
		d.MayAct = withdrawal.MayAct(p, d.Partner)
		d.MayResubmit = d.State == withdrawal.Awaiting
		d.MayCancel = withdrawal.CanMove(d.State, withdrawal.Cancelled)
	case requisition.Kind:
		d.Requisition, err = read(r.Requisition(ctx, d.Number))
		d.MayAct = invoice.MaySend(p, d.Partner) && d.ClosedAt == nil
	case quarter.Kind:
		if d.Quarter, err = read(r.QuarterOfCase(ctx, d.Number)); err != nil {
			return err
		}
		d.MayAct = d.State == quarter.Rejected
		if d.State == quarter.Waiting { // QPY-13
			d.Awaited, err = read(r.PaymentDetail(ctx, d.Number))
		}
	case lab.Kind:
		if d.Lab, err = read(r.LabCredit(ctx, d.Number)); err != nil {
			return err
		}
		d.MayAct = lab.MayAct(p, d.Partner) && (d.State == lab.Rejected || d.State == lab.Approved)
		d.Members, err = choiceOf(ctx, r, d.Partner, cmp.Or(d.Was("member"), d.Lab.Account))
	case specialist.Kind:
		found, err := r.SpecialistCase(ctx, d.Number)
		if err != nil {
			return err
		}
		d.Specialist, d.MayAct = &found, p.Holds(specialist.Applicants...) && d.ClosedAt == nil
	case staff.Kind:
		return d.staffMonth(ctx, r, p)
	case tier.Kind:
		d.Tier, err = read(r.TierUpgradeOf(ctx, d.Number))
		d.MayAct = tier.MayAct(p, d.Partner) && d.ClosedAt == nil
	}
	return err
}

// staffMonth reads the month that a case of dedicated staff is about.
func (d *caseData) staffMonth(ctx context.Context, r views.Reader, p person.Person) error {
	all, err := r.Staff(ctx, d.Partner, time.Now())
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all.Months, func(m views.StaffMonth) bool { return m.Case == d.Number }); i >= 0 {
		d.StaffMonth, d.Specialists, d.Schemes, d.Proofs = &all.Months[i], all.Specialists, staff.Scenarios, staff.Proofs
		d.MayProve = staff.MayAct(p, d.Partner)
		d.MayAct = d.MayProve && d.State == staff.Failed
	}
	return nil
}

// read is a pointer to what was read.
func read[T any](found T, err error) (*T, error) { return &found, err }

// document answers a file that is enclosed with an own case, or that an own upgrade names as evidence.
func (c *Console) document(w http.ResponseWriter, req *http.Request, p person.Person) error {
	ctx, number := req.Context(), req.PathValue("case")
	var found []views.CaseDocument
	var upgrade views.TierUpgradeDetail
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if found, err = r.CaseDocuments(ctx, number); err != nil {
			return err
		}
		if upgrade, err = r.TierUpgradeOf(ctx, number); activities.IsNotFound(err) { // a case of another kind
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	named, err := c.evidence(ctx, upgrade, found)
	if err != nil {
		return err
	}
	found = append(found, named...)
	i := slices.IndexFunc(found, func(d views.CaseDocument) bool { return d.Document == req.PathValue("document") })
	if i < 0 { // also what another case encloses
		return page.NotFound
	}
	_, content, err := c.Documents.Store.Get(ctx, found[i].Document)
	if err != nil {
		return err
	}
	defer content.Close()
	return page.File(w, req, found[i].MediaType, found[i].Name, found[i].Document, content)
}

// enclose adds files to an own case.
func (c *Console) enclose(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	known, err := c.own(req.Context(), p, req.PathValue("case"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		err = noFile()
	}
	for _, f := range files {
		if _, err = c.add(req.Context(), p, known.Number, document.Kind(form.Get("kind")), f); err != nil {
			break
		}
	}
	return c.answered(w, req, p, form, err, c.caseOf, casePath(known.Number)+"#documents", "partner.flash.enclosed")
}

// noFile refuses a form without the file that it is about.
func noFile() error {
	return refusal.List{refusal.New("COM-08", "CBC.0100", "document", "Choose a file first.")}
}

// taken are the IDs under which uploaded files would be kept; they are enclosed when there is a case.
func (c *Console) taken(files []page.Uploaded) ([]string, error) {
	ids := make([]string, 0, len(files))
	for _, f := range files {
		taken, err := c.take(f)
		if err != nil {
			return nil, err
		}
		ids = append(ids, taken.ID)
	}
	return ids, nil
}

// addAll encloses files as proofs.
func (c *Console) addAll(ctx context.Context, p person.Person, number string, files []page.Uploaded) error {
	for _, f := range files {
		if _, err := c.add(ctx, p, number, document.Proof, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *Console) take(f page.Uploaded) (*documents.Document, error) {
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // it is only read
	return c.Documents.Take(f.Filename, content)
}

// add encloses one uploaded file and answers its ID.
func (c *Console) add(ctx context.Context, p person.Person, number string, kind document.Kind, f page.Uploaded) (string, error) {
	content, err := f.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	added, err := c.Documents.AddDocument(ctx, activities.AddDocumentInput{Case: number, Kind: kind, Name: f.Filename, Content: content, Person: p.ID, At: time.Now()})
	return added.Document, err
}
