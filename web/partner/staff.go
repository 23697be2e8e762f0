package partner

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/staff"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"
)

// staffData is the partner's dedicated staff: the qualification, the specialists, and the months that were requested.
type staffData struct {
	asked
	views.Staff
	Month   string // that the form begins with
	Schemes []staff.Scenario
	Proofs  []string
	MayAct  bool
}

func (c *Console) staff(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, now := req.Context(), time.Now()
	data := staffData{asked: a, Schemes: staff.Scenarios, Proofs: staff.Proofs, MayAct: staff.MayAct(p, p.PartnerID), Month: a.Was("month")}
	if data.Month == "" {
		data.Month = req.URL.Query().Get("month")
	}
	if data.Month == "" {
		data.Month = calendar.DateOf(now).AddMonths(-1).String()[:7]
	}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		data.Staff, err = r.Staff(ctx, p.PartnerID, now)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-staff", c.Pages.Text(req, "partner.nav.staff"), data)
	return nil
}

func (c *Console) dedicated() *activities.DedicatedStaff {
	return &activities.DedicatedStaff{DB: c.Desk.DB}
}

// qualify applies for the qualification; the vendor approves it with the signed agreement (FHM-01).
func (c *Console) qualify(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	_, err = c.dedicated().Qualify(req.Context(), activities.QualifyInput{Partner: p.PartnerID, Person: p.ID, At: time.Now()})
	return c.answered(w, req, p, form, err, c.staff, "/partner/staff", "partner.flash.qualify")
}

// days reads days of a form; one that is none is refused in its field's name.
func days(form url.Values, into map[string]*calendar.Date) (list refusal.List) {
	for field, to := range into {
		if form.Get(field) == "" {
			continue
		}
		var err error
		if *to, err = calendar.ParseDate(form.Get(field)); err != nil {
			list = append(list, refusal.New("COM-08", "CBC.0100", field, "%q is no day; enter it like 2026-11-03.", form.Get(field)))
		}
	}
	return list
}

func (c *Console) registerSpecialist(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	in := activities.SpecialistInput{
		ID: strings.TrimSpace(form.Get("id")), Partner: p.PartnerID, Name: strings.TrimSpace(form.Get("name")), Role: strings.TrimSpace(form.Get("role")), Person: p.ID, At: time.Now(),
	}
	for _, held := range strings.Split(form.Get("certificates"), ",") {
		if held = strings.TrimSpace(held); held != "" {
			in.Certificates = append(in.Certificates, held)
		}
	}
	if list := days(form, map[string]*calendar.Date{"cloud-since": &in.CloudSince, "since": &in.Since, "left-on": &in.LeftOn}); len(list) > 0 {
		err = list
	} else {
		err = c.dedicated().RegisterSpecialist(req.Context(), in)
	}
	return c.answered(w, req, p, form, err, c.staff, "/partner/staff", "partner.flash.saved")
}

// proofPrefix begins the name of a file's field; the kind of proof follows.
const proofPrefix = "proof-"

// monthEntered reads a request with the IDs of its proofs; the files are enclosed when there is a case.
func (c *Console) monthEntered(p person.Person) func(url.Values, []page.Uploaded) (staff.Request, error) {
	return func(form url.Values, files []page.Uploaded) (staff.Request, error) {
		r := staff.Request{RequestKey: form.Get("key"), PartnerID: p.PartnerID, Submitter: p.ID, Month: form.Get("month"), Scenario: staff.Scenario(form.Get("scheme"))}
		for _, id := range form["person"] {
			r.Persons = append(r.Persons, staff.Use{Person: id, Project: strings.TrimSpace(form.Get("project-" + id))})
		}
		ids, err := c.taken(files)
		for i, id := range ids {
			r.Proofs = append(r.Proofs, staff.Proof{Kind: strings.TrimPrefix(files[i].Field, proofPrefix), Document: id})
		}
		return r, err
	}
}

func (c *Console) requestMonth(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return applied(c, w, req, p, staff.Kind, c.staff, c.monthEntered(p), workflows.RequestStaffMonth)
}

// resubmitMonth sends a request that failed again.
func (c *Console) resubmitMonth(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return appliedAgain(c, w, req, p, c.monthEntered(p), workflows.ResubmitStaffMonth, func(ctx context.Context, number string, r staff.Request) (activities.Standing, error) {
		return c.dedicated().ResubmitStaffMonth(ctx, activities.ResubmitStaffMonthInput{Case: number, Request: r, At: time.Now()})
	})
}

// addStaffProof sends a proof again because a specialist's data changed; the request's state stays (FHM-09).
func (c *Console) addStaffProof(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	known, err := c.own(ctx, p, req.PathValue("case"))
	if err != nil {
		return err
	}
	in := activities.AddStaffProofInput{Case: known.Number, Key: form.Get("key"), Person: p.ID, Specialist: form.Get("specialist"), Proof: staff.Proof{Kind: form.Get("kind")}, At: time.Now()}
	if len(files) == 0 {
		err = noFile()
	} else if ids, refused := c.taken(files[:1]); refused != nil {
		err = refused
	} else {
		in.Proof.Document = ids[0]
		if _, err = c.dedicated().AddStaffProof(ctx, in); err == nil {
			err = c.addAll(ctx, p, known.Number, files[:1])
		}
	}
	return c.answered(w, req, p, form, err, c.caseOf, casePath(known.Number), "partner.flash.enclosed")
}
