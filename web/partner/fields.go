package partner

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/domain/refusal"

	"github.com/google/uuid"
)

// asked is what a page with a form carries: the key of what is asked for and, when that was refused, why and what was entered.
type asked struct {
	Key     string
	Refused refusal.List            // every reason
	Wrong   map[string]refusal.List // those that a field can put right, by field
	Empty   []string                // fields that were left empty and may not be
	Entered url.Values
	action  string // where the form was sent; empty: it was not
}

func fresh() asked { return asked{Key: uuid.NewString(), Entered: url.Values{}} }

// again is a form that was refused. It keeps its key: nothing was done under it.
func again(req *http.Request, form url.Values, list refusal.List) asked {
	a := asked{Key: cmp.Or(form.Get("key"), uuid.NewString()), Refused: list, Wrong: map[string]refusal.List{}, Entered: form, action: req.URL.Path}
	for _, r := range list {
		fields := spotsOf[req.Pattern].of(r)
		if len(fields) == 1 {
			a.Wrong[fields[0]] = append(a.Wrong[fields[0]], r)
			continue
		}
		for _, f := range fields {
			if strings.TrimSpace(form.Get(f)) == "" && !uploaded(req, f) {
				a.Empty = append(a.Empty, f)
			}
		}
	}
	return a
}

func uploaded(req *http.Request, field string) bool {
	return req.MultipartForm != nil && len(req.MultipartForm.File[field]) > 0
}

// For is what was asked by one of a page's forms, known by where it is sent; the others begin anew.
func (a asked) For(action string) asked {
	if a.action == action {
		return a
	}
	return asked{Key: cmp.Or(a.Key, uuid.NewString()), Entered: url.Values{}}
}

// Tried tells that the form was sent, and refused.
func (a asked) Tried() bool { return a.action != "" }

// Was is what was entered in a field.
func (a asked) Was(field string) string { return a.Entered.Get(field) }

// Or is what was entered in a field of a form that was sent, else what stands there at first.
func (a asked) Or(field, first string) string {
	if a.Entered.Has(field) {
		return a.Was(field)
	}
	return first
}

// Chose tells whether a value of a field was chosen.
func (a asked) Chose(field, value string) bool { return slices.Contains(a.Entered[field], value) }

// told is what is said to one field.
type told struct {
	Field   string
	Reasons refusal.List
	Empty   bool // and may not be
}

// entries read a form's fields into changes: said is what was entered, nil where the form has no such field; filled is nil for
// what was left empty, too, as a field is that is shown masked.
func entries(form url.Values) (said, filled func(field string) *string) {
	said = func(field string) *string {
		if !form.Has(field) {
			return nil
		}
		text := strings.TrimSpace(form.Get(field))
		return &text
	}
	filled = func(field string) *string {
		if text := said(field); text != nil && *text != "" {
			return text
		}
		return nil
	}
	return said, filled
}

// Told is what is said to a field.
func (a asked) Told(field string) told {
	return told{field, a.Wrong[field], slices.Contains(a.Empty, field)}
}

// Mark is what a field to which something is said has among its attributes.
func (a asked) Mark(field string) template.HTMLAttr {
	if len(a.Wrong[field]) == 0 && !slices.Contains(a.Empty, field) {
		return ""
	}
	return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + template.HTMLEscapeString(field) + `-wrong"`) //nolint:gosec // fields are named by us, and escaped all the same
}

// Field is the field that a refusal is told to; empty: none.
func (a asked) Field(r refusal.Refusal) string {
	for field, list := range a.Wrong {
		if slices.Contains(list, r) {
			return field
		}
	}
	return ""
}

func (a asked) status() int {
	if len(a.Refused) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// spots are the fields of a form in which refusals can be put right: by a refusal's code, by what it is about, by the kind of
// that ("lot" of "lot L000004"), by its rule; what it is about and its code together come first. Of several fields it is those
// that were left empty.
type spots map[string][]string

func (s spots) of(r refusal.Refusal) []string {
	for _, by := range []string{r.Object + " " + r.Code, r.Code} {
		if fields, ok := s[by]; ok {
			return fields
		}
	}
	for object := r.Object; object != ""; {
		if fields, ok := s[object]; ok {
			return fields
		}
		object = object[:max(0, strings.LastIndexByte(object, ' '))]
	}
	return s[r.Rule]
}

func at(field string) []string { return []string{field} }

// spotsOf are the spots of the forms, by their routes.
var spotsOf = map[string]spots{
	"POST /partner/withdrawals":                    ofWithdrawals,
	"POST /partner/cases/{case}/resubmit":          ofWithdrawals,
	"POST /partner/cases/{case}/documents":         {"document": at("file"), "kind": at("kind")},
	"POST /partner/cases/{case}/method":            {"PAY-01": at("method"), "PAY-07": at("method"), "PAY-21": at("method"), "ENG-06": at("reason"), "PAY-14": at("reason")},
	"POST /partner/cases/{case}/lab":               ofLab,
	"POST /partner/cases/{case}/lab-user":          ofLab,
	"POST /partner/cases/{case}/specialist-cancel": {"SPC_REASON_FILE": {"reason", "document"}, "document": at("document")},
	"POST /partner/cases/{case}/staff-month":       ofStaff,
	"POST /partner/incentives/questions":           {"question": at("question"), "COM-08": at("question"), "ENG-06": at("question")},
	"POST /partner/bills/{bill}/{act}":             {"ENG-06": at("text")},
	"POST /partner/requisitions":                   {"PAY_METHOD_NOT_ALLOWED": at("method"), "method": at("method"), "bill": at("bill"), "PAY_MINIMUM": at("bill"), "PAY_NOT_POSITIVE": at("bill")},
	"POST /partner/requisitions/automatic":         {"row group": at("automatic")},
	"POST /partner/staff/specialists":              {"day": at("since"), "cloud-since": at("cloud-since"), "since": at("since"), "left-on": at("left-on"), "FHM_PERSON_LIMIT": at("id"), "specialist": {"id", "name", "cloud-since", "since"}},
	"POST /partner/staff/months":                   ofStaff,
	"POST /partner/specialists":                    {"member": at("member"), "materials": at("material"), "document": at("material"), "path": at("path")},
	"POST /partner/members/{account}/location":     {"member": at("location")},
	"POST /partner/invoices":                       {"amount": at("amount"), "tax rate": at("amount"), "owed entry": at("amount"), "OWE_AMOUNT": at("amount"), "period": at("period")},
	"POST /partner/invoices/{case}": {
		"invoice": at("number"), "INV_NUMBER_MISSING": at("number"), "INV_AMOUNT": at("number"), "INV_TYPE": at("type"), "INV_LIST_MISSING": at("enclosed"),
		"tracking number": at("tracking"), "mailbox": at("mailbox"), "document": at("number"),
	},
	"POST /partner/solutions":                     ofSolution,
	"POST /partner/solutions/{solution}":          ofSolution,
	"POST /partner/joint":                         ofJoint,
	"POST /partner/joint/{joint}":                 ofJoint,
	"POST /partner/joint/{joint}/acts":            {"person": at("with"), "file": at("file")},
	"POST /partner/joint/{joint}/release":         {"release": at("note"), "file": at("file")},
	"POST /partner/own":                           ofPerson,
	"POST /partner/own/messages":                  {"language": at("language"), "time zone": at("zone")},
	"POST /partner/people/{person}":               ofPerson,
	"POST /partner/people/{person}/director":      {"person": at("director"), "ORG-10": at("director")},
	"POST /partner/people/{person}/qualification": {"role": at("reviewed"), "PGM-09": at("reviewed")},
	"POST /partner/customers/{customer}/manager":  {"person": at("to"), "customer": at("to")},
	"POST /partner/contacts":                      {"name": at("name"), "contact": {"mobile", "email"}, "mobile": at("mobile"), "email": at("email")},
	"POST /partner/drafts":                        ofDraft,
	"POST /partner/drafts/{draft}":                ofDraft,
	"POST /partner/registration":                  {"email code": at("email-code"), "mobile code": at("mobile-code"), "link": at("link"), "account name": at("account"), "name": at("name"), "mobile": at("mobile"), "email": at("email"), "ORG_EMAIL_TAKEN": at("email")},
	"POST /partner/cases/{case}/staff-proof":      {"case": at("specialist"), "document": at("proof")},
	"POST /partner/company": {
		"AUT_FIELD_MISSING": {"company_name", "code_type", "company_code", "taxpayer_type", "tax_number", "bank_account_name", "bank_name", "bank_branch", "bank_account_no", "settlement_currency"},
		"AUT_REAL_NAME":     at("company_name"), "AUT_BANK_LETTER": at("bank_letter"), "document": at("bank_letter"),
		"taxpayer type": at("taxpayer_type"), "settlement currency": at("settlement_currency"), "service-fee tax rate": at("service_fee_tax_rate"),
	},
	"POST /partner/company/tickets":       {"question": at("question")},
	"POST /partner/people":                ofPerson,
	"POST /partner/people/{person}/roles": ofPerson,
	"POST /partner/roles":                 {"role": at("role-name"), "permission": at("permission")},
	"POST /partner/invitations":           {"INV_CHOOSE": at("account"), "mobile": at("text"), "email": at("text"), "name": at("text"), "account": at("text")},
	"POST /partner/lab":                   ofLab,
}

var (
	ofWithdrawals = spots{
		"amount": at("amount"), "WDR_AMOUNT": at("amount"), "route": at("route"), "lots": at("lots"), "lot": at("lots"), "verification code": at("code"), "PRG.SEC.01": at("code"),
		"WDR_NAME": at("holder"), "account name": at("holder"), "payee ACCT.WDL.14": at("branch"), "payee": {"account_no", "bank"},
	}
	ofLab   = spots{"purpose": at("purpose"), "points": at("points"), "LAB_STAGE": at("path"), "account": at("member")}
	ofStaff = spots{"month": at("month"), "scheme": at("scheme"), "specialist": at("person"), "specialists": at("person"), "project": at("person"), "proofs": at("proofs"), "document": at("proofs")}

	ofSolution = spots{
		"solution type": at("type"), "solution name": at("name"), "version": at("version"), "materials": at("materials"), "document": at("materials"),
		"contact": at("contact"), "mobile": at("mobile"), "email": at("email"),
	}
	ofJoint  = spots{"solution name": at("name"), "CERT_NAME_FROZEN": at("name"), "summary": at("summary"), "lead": at("lead"), "CERT_FEATURELIST": at("feature-list"), "file": at("file")}
	ofDraft  = spots{"draft": at("title"), "person": at("kind")}
	ofPerson = spots{"ORG_EMAIL_TAKEN": at("email"), "account name": at("account"), "name": at("name"), "mobile": at("mobile"), "email": at("email"), "person": at("role")}
)
