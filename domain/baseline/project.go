package baseline

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/solution"
)

// Lead is who leads a joint solution: what the partner leads counts as its own cloud software solution once it is released (CERT-21).
type Lead string

// The leads.
const (
	ByPartner Lead = "partner"
	ByVendor  Lead = "vendor"
)

// Entry is a joint project as entered: nothing in it is trusted yet. The contact is a person's data and goes nowhere but into the
// database.
type Entry struct {
	Name    string           `json:"name"`
	Version string           `json:"version"`
	Summary string           `json:"summary"` // what it does, for the public list too
	Lead    Lead             `json:"lead"`
	Contact solution.Contact `json:"contact"`
}

// Change is what of a project is entered; nil leaves it as it is.
type Change struct{ Name, Version, Summary, Lead, ContactName, ContactMobile, ContactEmail *string }

// In is an entry with the change.
func (c Change) In(e Entry) Entry {
	for _, f := range []struct{ to, from *string }{
		{&e.Name, c.Name},
		{&e.Version, c.Version},
		{&e.Summary, c.Summary},
		{(*string)(&e.Lead), c.Lead},
		{&e.Contact.Name, c.ContactName},
		{&e.Contact.Mobile, c.ContactMobile},
		{&e.Contact.Email, c.ContactEmail},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return e.Storable()
}

// Storable is the entry with what cannot be kept marked; JudgeSave refuses the mark.
func (e Entry) Storable() Entry {
	for s, limit := range map[*string]int{&e.Name: 128, &e.Version: 32, &e.Summary: 2000, (*string)(&e.Lead): 16, &e.Contact.Name: 64, &e.Contact.Mobile: 32, &e.Contact.Email: 128} {
		*s = domain.Marked(strings.TrimSpace(*s), limit, limit)
	}
	return e
}

// Project is a saved project, as the database knows it.
type Project struct {
	ID      string
	Partner string
	Entry
	Case  string // empty: a draft
	State State  // of the case
	Files map[string]File
}

// File is one that a project has, by what it is.
type File struct {
	Document string   `json:"document"` // SHA-256 of the content
	Name     string   `json:"name"`
	Checked  bool     `json:"checked,omitempty"`  // of a feature list: whether the check was run on this content
	Findings []string `json:"findings,omitempty"` // what it found; none: it passed
}

// What a project has files as.
const (
	Presentation  = "presentation"
	FeatureList   = "feature-list"
	DesignPaper   = "design"
	TestReport    = "test-report"
	releasePrefix = "release:"
)

// ProjectItems are the files that a project is submitted with.
var ProjectItems = []string{Presentation, FeatureList}

// ReleaseItem names a file of a release.
func ReleaseItem(name string) string { return releasePrefix + name }

// OfRelease tells a file of a release, and what it is called there.
func OfRelease(item string) (string, bool) { return strings.CutPrefix(item, releasePrefix) }

// judgement collects the guards that failed.
type judgement struct{ list refusal.List }

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) caller(p *person.Person, id, partner string) {
	switch {
	case p == nil:
		j.refuse("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)
	case !MayAct(*p, partner):
		j.refuse("COM-16", "CBC.0151", "person "+id, "%s may not act for partner %s; ask the partner's administrator for the permission.", p.Name, partner)
	}
}

func (j *judgement) incomplete(rule, object string, missing []string) {
	if len(missing) > 0 {
		j.refuse(rule, "CERT_INCOMPLETE", object, "These parts are missing: %s. Add them and submit again.", strings.Join(missing, ", "))
	}
}

func (j *judgement) underReview(object string, s State) {
	switch s {
	case ProjectReview, ReleaseReview:
		j.refuse("CERT-27", "CERT_PENDING", object, "This solution is already under review; wait for the result.")
	default:
		j.refuse("ENG-03", "ENG_STATE", object, "The solution is %s; that is not possible now.", stateWords[s])
	}
}

// editable tells whether the project's data may change: before it is submitted, and when it was refused (CERT-27).
func (p Project) editable() bool { return p.Case == "" || p.State == ProjectRejected }

func (p Project) object() string {
	if p.Case != "" {
		return "case " + p.Case
	}
	return "draft " + p.ID
}

// SaveFacts is what saving a project is judged by.
type SaveFacts struct {
	Person  *person.Person
	By      string
	Partner string   // whose project it is
	Known   bool     // the partner is
	Saved   *Project // what is saved already; nil: it is new
}

// JudgeSave checks a project that is to be saved. The name is given from the first time on, and stays (CERT-25).
func JudgeSave(e Entry, f SaveFacts) refusal.List {
	j := judgement{}
	j.caller(f.Person, f.By, f.Partner)
	if !f.Known {
		j.refuse("COM-17", "CBC.5001", "partner "+f.Partner, "There is no partner %q; check the partner's number.", f.Partner)
	}
	j.list = append(j.list, solution.Entry{Type: solution.Cloud, Name: e.Name, Version: e.Version, Contact: e.Contact}.Check("project")...) // which it may become (CERT-21)
	if strings.Contains(e.Summary, domain.Mark) {
		j.refuse("ENG-06", "CBC.0100", "summary", "A summary has at most 2000 characters.")
	}
	if e.Lead != ByPartner && e.Lead != ByVendor {
		j.refuse("COM-08", "CBC.0100", "lead", "%q leads nothing; the lead is partner or vendor.", e.Lead)
	}
	if e.Name == "" {
		j.incomplete("CERT-25", "solution name", []string{"name"})
	}
	if p := f.Saved; p != nil {
		if !p.editable() {
			j.underReview(p.object(), p.State)
		}
		if e.Name != "" && e.Name != p.Name {
			j.frozen(p.object())
		}
	}
	return j.list
}

func (j *judgement) frozen(object string) {
	j.refuse("CERT-25", "CERT_NAME_FROZEN", object, "The name of a saved draft cannot change; delete the draft and create it again.")
}

// JudgeDelete checks whether a draft may go: what was submitted stays.
func JudgeDelete(p Project, by *person.Person, id string) refusal.List {
	j := judgement{}
	j.caller(by, id, p.Partner)
	if p.Case != "" {
		j.refuse("CERT-25", "ENG_STATE", p.object(), "The project was submitted as case %s; only drafts are deleted.", p.Case)
	}
	return j.list
}

// JudgeCheck checks whether a feature list may be checked now (CERT-26).
func JudgeCheck(p Project, by *person.Person, id string) refusal.List {
	j := judgement{}
	j.caller(by, id, p.Partner)
	if p.Files[FeatureList].Document == "" {
		j.incomplete("CERT-26", p.object(), []string{"feature list"})
	}
	if !p.editable() {
		j.underReview(p.object(), p.State)
	}
	return j.list
}

// Submission asks to open a project's case. It says which project, not what is in it.
type Submission struct {
	RequestKey string `json:"request_key"`
	PartnerID  string `json:"partner_id"`
	Submitter  string `json:"submitter"`
	Project    string `json:"project"` // the draft's number
}

// Digest identifies what is asked for under a request key (COM-20).
func (s Submission) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", s.RequestKey, s.PartnerID, s.Submitter, s.Project))
	return sum[:]
}

// Storable is the submission with what cannot be kept marked.
func (s Submission) Storable() Submission {
	for _, t := range []*string{&s.RequestKey, &s.PartnerID, &s.Submitter, &s.Project} {
		*t = domain.Marked(*t, 64, 64)
	}
	return s
}

// SubmitFacts is what a submission is judged by.
type SubmitFacts struct {
	At     time.Time
	Person *person.Person
	Known  bool     // the partner is
	Saved  *Project // nil: there is none of that number
}

// JudgeSubmission checks whether a draft becomes a case (CERT-26, CERT-27).
func JudgeSubmission(s Submission, f SubmitFacts) refusal.List {
	j := judgement{}
	j.caller(f.Person, s.Submitter, s.PartnerID)
	if n := utf8.RuneCountInString(s.RequestKey); n == 0 || n > 64 || strings.Contains(s.RequestKey, domain.Mark) {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	switch p := f.Saved; {
	case !f.Known:
		j.refuse("COM-17", "CBC.5001", "partner "+s.PartnerID, "There is no partner %q; check the partner's number.", s.PartnerID)
	case p == nil || p.Partner != s.PartnerID:
		j.refuse("COM-17", "CBC.5001", "draft "+s.Project, "Partner %s has no draft %q; save one first.", s.PartnerID, s.Project)
	case p.Case != "":
		j.refuse("PGM-09", "CERT_PENDING", p.object(), "The project was submitted as case %s; there is one of a project.", p.Case)
	default:
		j.complete(*p)
	}
	return j.list
}

// complete checks what a project is submitted with, for the first time or again.
func (j *judgement) complete(p Project) {
	var missing []string
	for _, part := range []struct {
		name string
		is   bool
	}{
		{"version", p.Version != ""},
		{"summary", p.Summary != ""},
		{"contact", p.Contact.Name != "" && p.Contact.Mobile != "" && p.Contact.Email != ""},
	} {
		if !part.is {
			missing = append(missing, part.name)
		}
	}
	for _, item := range ProjectItems {
		if p.Files[item].Document == "" {
			missing = append(missing, strings.ReplaceAll(item, "-", " "))
		}
	}
	j.incomplete("CERT-26", p.object(), missing)
	list := p.Files[FeatureList]
	switch {
	case list.Document == "": // missing, which is said
	case !list.Checked:
		j.refuse("CERT-26", "CERT_FEATURELIST", p.object(), "The feature list has not passed the check: it was not checked since it was uploaded; check it first.")
	case len(list.Findings) > 0:
		j.refuse("CERT-26", "CERT_FEATURELIST", p.object(), "The feature list has not passed the check: %s. Correct it, upload it and check it again.", strings.Join(list.Findings, "; "))
	}
}
