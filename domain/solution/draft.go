package solution

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// The types of material.
const (
	Description  = "description"
	Deployment   = "deployment" // test and deployment
	FeatureList  = "feature-list"
	Presentation = "presentation"
	OtherPaper   = "other"
)

// MaterialTypes lists them.
var MaterialTypes = []string{Description, Deployment, FeatureList, Presentation, OtherPaper}

// Material is one file of a solution.
type Material struct {
	Type     string `json:"type"`
	Document string `json:"document"` // its ID: SHA-256 in hexadecimal
	Name     string `json:"name"`     // of the file
}

// Contact is whom the partner names for a solution. It is a person's data, and never leaves the database but to people.
type Contact struct {
	Name   string `json:"name"`
	Mobile string `json:"mobile"`
	Email  string `json:"email"`
}

// Entry is what a partner enters in the form's two steps: the solution, then the contact (CERT-02).
type Entry struct {
	Type      Type       `json:"type"`
	Name      string     `json:"name"`
	Version   string     `json:"version"`
	Materials []Material `json:"materials"`
	Contact   Contact    `json:"contact"`
}

// Missing names the parts without which an entry cannot be submitted, all of them at once (CERT-02).
func (e Entry) Missing(p Policy) []string {
	var parts []string
	part := func(missing bool, name string) {
		if missing {
			parts = append(parts, name)
		}
	}
	part(e.Name == "", "name")
	part(e.Version == "", "version")
	if part(len(e.Materials) == 0, "materials"); len(e.Materials) > 0 {
		for _, t := range p.Materials {
			part(!slices.ContainsFunc(e.Materials, func(m Material) bool { return m.Type == t }), "materials: "+t)
		}
	}
	if part(e.Contact == Contact{}, "contact"); e.Contact != (Contact{}) {
		part(e.Contact.Name == "", "contact's name")
		part(e.Contact.Mobile == "", "contact's mobile")
		part(e.Contact.Email == "", "contact's email")
	}
	return parts
}

// lockedIn names what of a certified entry differs that cannot change in a re-certification: all but version and materials
// (CERT-14, CERT-15). What was certified elsewhere may lack the contact's data, which is completed.
func (e Entry) lockedIn(certified Entry) []string {
	var parts []string
	part := func(differs bool, name string) {
		if differs {
			parts = append(parts, name)
		}
	}
	part(e.Type != certified.Type, "type")
	part(e.Name != certified.Name, "name")
	contact := false
	for _, f := range [][2]string{{certified.Contact.Name, e.Contact.Name}, {certified.Contact.Mobile, e.Contact.Mobile}, {certified.Contact.Email, e.Contact.Email}} {
		contact = contact || f[0] != "" && f[0] != f[1]
	}
	part(contact, "contact")
	return parts
}

// Change is what of a draft is entered now; nil: stays as it is.
type Change struct {
	Type      *Type      `json:"type,omitempty"`
	Name      *string    `json:"name,omitempty"`
	Version   *string    `json:"version,omitempty"`
	Materials []Material `json:"materials,omitempty"` // in the place of those of the same type

	ContactName   *string `json:"contact_name,omitempty"`
	ContactMobile *string `json:"contact_mobile,omitempty"`
	ContactEmail  *string `json:"contact_email,omitempty"`
}

// In is an entry with a change made.
func (c Change) In(e Entry) Entry {
	if c.Type != nil {
		e.Type = *c.Type
	}
	for _, f := range []struct {
		to    *string
		from  *string
		limit int
	}{
		{&e.Name, c.Name, 128},
		{&e.Version, c.Version, 32},
		{&e.Contact.Name, c.ContactName, 64},
		{&e.Contact.Mobile, c.ContactMobile, 32},
		{&e.Contact.Email, c.ContactEmail, 254},
	} {
		if f.from != nil {
			*f.to = domain.Marked(strings.TrimSpace(*f.from), f.limit, f.limit)
		}
	}
	e.Materials = slices.DeleteFunc(slices.Clone(e.Materials), func(m Material) bool {
		return slices.ContainsFunc(c.Materials, func(n Material) bool { return n.Type == m.Type })
	})
	for _, m := range c.Materials {
		m.Name = domain.Marked(m.Name, 128, 128)
		e.Materials = append(e.Materials, m)
	}
	return e
}

var (
	documentID = regexp.MustCompile(`^[0-9a-f]{64}$`)
	address    = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	mobile     = regexp.MustCompile(`^\+?[0-9][0-9 -]{4,30}$`)
)

// most is how many materials a solution may have.
const most = 50

// Check says what of an entry cannot be kept as it is, whatever is missing: each about the object, or about its field where that is
// empty.
func (e Entry) Check(object string) (list refusal.List) {
	wrong := func(is bool, rule, field, format string, args ...any) {
		if is {
			list = append(list, refusal.New(rule, "CBC.0100", field, format, args...))
		}
	}
	wrong(!slices.Contains(Types, e.Type), "COM-08", "solution type", "%q is no type of solution; choose one of CLOUD and ADV.", e.Type)
	wrong(strings.Contains(e.Name, domain.Mark), "CERT-02", "solution name", "A solution's name has 1 to 128 characters.")
	wrong(strings.Contains(e.Version, domain.Mark), "CERT-02", "version", "A version has 1 to 32 characters.")
	wrong(len(e.Materials) > most, "CERT-02", "materials", "A solution has at most %d materials.", most)
	for _, m := range e.Materials {
		wrong(!slices.Contains(MaterialTypes, m.Type), "COM-08", "materials", "%q is no type of material; the types are %s.", m.Type, strings.Join(MaterialTypes, ", "))
		wrong(!documentID.MatchString(m.Document), "CERT-02", "materials", "A document is named by its SHA-256 in 64 hexadecimal digits; upload the file.")
	}
	c := e.Contact
	wrong(strings.Contains(c.Name, domain.Mark), "CERT-02", "contact", "The contact's name has at most 64 characters.")
	wrong(c.Mobile != "" && !mobile.MatchString(c.Mobile), "CERT-02", "mobile", "The contact's mobile is no phone number.")
	wrong(c.Email != "" && !address.MatchString(c.Email), "CERT-02", "email", "The contact's email is no address.")
	if object != "" {
		for i := range list {
			list[i].Object = object
		}
	}
	return list
}

// Draft is what a partner's people entered, and share.
type Draft struct {
	ID       string
	Partner  string
	Case     string // whose next round it is for, or was; empty: of a solution that was never submitted
	Revision int
	Sent     bool // it is the content of a round, and stays as it is
	Entry
}

// DraftFacts is what entering a draft is judged by.
type DraftFacts struct {
	At      time.Time
	By      *person.Person // nil: unknown
	Person  string
	Partner string
	Known   bool // the partner is
	Path    bool // the partner is on the software path (CERT-01)
	Draft   *Draft
	Wanted  string    // the draft that was named; empty: a new one
	Seen    int       // the revision that the person looked at; 0: whichever it is
	Case    *Solution // whose next round it is for; nil: none
}

// JudgeDraft checks whether a draft may be entered or changed. It need not be complete (CERT-03).
func JudgeDraft(e Entry, f DraftFacts) refusal.List {
	j := judgement{partner: f.Partner}
	j.caller(f.By, f.Person, f.Known)
	j.list = append(j.list, e.Check("")...)
	if !f.Known {
		j.refuse("COM-17", "CBC.5001", "partner "+f.Partner, "There is no partner %q; check the partner's number.", f.Partner)
		return j.list
	}
	if f.Wanted == "" && f.Case == nil && !f.Path {
		j.noPath()
	}
	switch {
	case f.Case != nil && f.Case.Pending:
		j.pending(f.Case.Case)
	case f.Case != nil && f.Case.State == Deleted:
		j.refuse("ENG-03", "ENG_STATE", "case "+f.Case.Case, "The solution was deleted; enter a new one.")
	}
	j.revision(f.Draft, f.Wanted, f.Seen)
	return j.list
}

// JudgeDeletion checks whether a draft may be deleted (CERT-03).
func JudgeDeletion(f DraftFacts) refusal.List {
	j := judgement{partner: f.Partner}
	j.caller(f.By, f.Person, f.Known)
	j.revision(f.Draft, f.Wanted, f.Seen)
	return j.list
}

type judgement struct {
	partner string
	list    refusal.List
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) caller(p *person.Person, id string, known bool) {
	if p == nil {
		j.refuse("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)
	} else if known && !MayAct(*p, j.partner) {
		j.refuse("COM-16", "CBC.0151", "person "+id, "%s may not act for partner %s; ask the partner's administrator for the permission.", p.Name, j.partner)
	}
}

// noPath refuses who is not on the software path (CERT-01).
func (j *judgement) noPath() {
	j.refuse("CERT-01", "CERT_NO_SW_PATH", "partner "+j.partner, "Join the software path first: cloud software and advanced solutions are certified for partners on it.")
}

// pending refuses a second review beside the first (CERT-16).
func (j *judgement) pending(number string) {
	j.refuse("CERT-16", "CERT_PENDING", "case "+number, "This solution is already under review; wait for its result.")
}

// revision refuses a draft that is not there, is sent, or was changed by a colleague meanwhile.
func (j *judgement) revision(d *Draft, wanted string, seen int) {
	switch {
	case wanted == "":
	case d == nil || d.Partner != j.partner:
		j.refuse("COM-08", "CBC.0100", "draft "+wanted, "Partner %s has no draft %q; list its drafts.", j.partner, wanted)
	case d.Sent:
		j.refuse("ENG-03", "ENG_STATE", "draft "+wanted, "The draft was submitted and stays as it is; enter changes as a new draft of %s.", d.Case)
	case seen != 0 && seen != d.Revision:
		j.refuse("ENG-03", "ENG_STATE", "draft "+wanted, "The draft was changed meanwhile and is at revision %d; look at it and try again.", d.Revision)
	}
}

func count(s string) int { return utf8.RuneCountInString(s) }
