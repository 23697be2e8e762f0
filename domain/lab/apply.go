package lab

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Application is what a partner asks for, as entered: nothing in it is trusted yet.
type Application struct {
	RequestKey string `json:"request_key"`
	PartnerID  string `json:"partner_id"`
	Submitter  string `json:"submitter"`
	Path       string `json:"path"`    // under which it is applied for: SW
	Account    string `json:"account"` // the personal account of who uses the credit
	Points     int    `json:"points"`
	Purpose    string `json:"purpose"`
}

// Digest identifies what is asked for under a request key (COM-20).
func (a Application) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %d %q", a.RequestKey, a.PartnerID, a.Submitter, a.Path, a.Account, a.Points, a.Purpose))
	return sum[:]
}

// purposeLimit is how many characters a purpose has at most.
const purposeLimit = 500

// Storable is the application with what cannot be kept marked; Judge refuses the mark.
func (a Application) Storable() Application {
	for _, s := range []*string{&a.RequestKey, &a.PartnerID, &a.Submitter, &a.Path, &a.Account} {
		*s = domain.Marked(*s, 64, 64)
	}
	a.Purpose = domain.Marked(a.Purpose, purposeLimit, purposeLimit)
	return a
}

// Facts is what an application is judged by: everything as locked in the deciding transaction.
type Facts struct {
	Policy    Policy
	Submitter *person.Person // nil: unknown
	Known     bool           // the partner is
	Stage     string         // of the path when it is applied for; empty: the partner is not on it
	Linked    bool           // the named account is a member of the partner
	Other     string         // another application for the same member that people have to do with; empty: none (PGM-09)
	Edits     *Credit        // the application that is edited; nil: a first one
}

// Judge checks an application against the facts: every guard that failed, in the order caller, parameters, and then that of the
// rule book's refusals (ENG-06, PGM-08).
func Judge(a Application, f Facts) refusal.List {
	list := judgeCaller(f.Submitter, a.Submitter, a.PartnerID, f.Known)
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	partner := "partner " + a.PartnerID
	list = append(list, judgeKey(a.RequestKey)...)
	if strings.TrimSpace(a.Purpose) == "" || utf8.RuneCountInString(a.Purpose) > purposeLimit || strings.Contains(a.Purpose, domain.Mark) {
		refuse("COM-08", "CBC.0100", "purpose", "Say in 1 to %d characters what the points are for.", purposeLimit)
	}
	if !f.Known {
		refuse("COM-17", "CBC.5001", partner, "There is no partner %q; check the partner's number.", a.PartnerID)
	}
	if f.Edits != nil && f.Edits.Partner != a.PartnerID {
		refuse("COM-08", "CBC.0100", "case "+f.Edits.Case, "The application is of partner %s; it is edited, not changed into another one.", f.Edits.Partner)
	}
	if !slices.Contains(Sizes, a.Points) { // LAB-03
		refuse("LAB-03", "LAB_SIZE", "points", "Choose 10, 20, 50, 100, 250 or 500 points, not %d.", a.Points)
	}
	list = append(list, judgeStage(a, f)...)
	list = append(list, judgeUser(a.Account, a.PartnerID, f.Linked, f.Other)...)
	if f.Edits != nil && f.Edits.State != Rejected { // LAB-08
		refuse("LAB-08", "LAB_STATE", "case "+f.Edits.Case, "Only a rejected application can be edited; this one is %s.", f.Edits.State)
	}
	return list
}

func judgeCaller(p *person.Person, id, partnerID string, known bool) refusal.List {
	switch {
	case p == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)}
	case known && !MayAct(*p, partnerID):
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "%s is no administrator of partner %s; have one of them do it.", p.Name, partnerID)}
	}
	return nil
}

func judgeKey(key string) refusal.List {
	if n := utf8.RuneCountInString(key); n > 0 && n <= 64 && !strings.Contains(key, domain.Mark) {
		return nil
	}
	return refusal.List{refusal.New("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")}
}

// judgeStage: software and service partners may apply at any stage of their path (LAB-02), those on other paths where the
// policy opens them (LAB-13).
func judgeStage(a Application, f Facts) refusal.List {
	refuse := func(rule, format string, args ...any) refusal.List {
		return refusal.List{refusal.New(rule, "LAB_STAGE", "partner "+a.PartnerID, format, args...)}
	}
	switch {
	case !slices.Contains(Paths, a.Path):
		return refuse("LAB-02", "Your path or stage does not include lab credits: %q is no path; name one of %s.", a.Path, strings.Join(f.Policy.Paths(), ", "))
	case !slices.Contains(f.Policy.Paths(), a.Path):
		return refuse("LAB-13", "Your path or stage does not include lab credits: the path %s is not open for them; apply under %s.", a.Path, strings.Join(f.Policy.Paths(), " or "))
	case f.Stage == "":
		return refuse("LAB-02", "Your path or stage does not include lab credits: the partner is not on the path %s; select it first.", a.Path)
	}
	return nil
}

// judgeUser: the credit's user is a linked member (LAB-05), for whom nothing else is under way (PGM-09).
func judgeUser(account, partnerID string, linked bool, other string) refusal.List {
	var list refusal.List
	if !linked {
		list = append(list, refusal.New("LAB-05", "LAB_USER", "account "+account, "Choose a member whose personal account is linked to your company: %q is not linked to partner %s.", account, partnerID))
	}
	if other != "" {
		list = append(list, refusal.New("PGM-09", "ENG_STATE", "account "+account, "An application for this member is under way already: %s. Wait until it is rejected or issued.", other))
	}
	return list
}

// Naming names another member for a credit that could not be issued, as entered.
type Naming struct {
	Person  string `json:"person"`
	Account string `json:"account"`
	Key     string `json:"key"`
}

// Storable is the naming with what cannot be kept marked.
func (n Naming) Storable() Naming {
	for _, s := range []*string{&n.Person, &n.Account, &n.Key} {
		*s = domain.Marked(*s, 64, 64)
	}
	return n
}

// JudgeNaming checks whether another member may be named (LAB-12): after the approval, when issuing failed or the member is not
// linked any more. Still tells whether the present one is linked.
func JudgeNaming(n Naming, by *person.Person, c Credit, still, linked bool, other string) refusal.List {
	list := append(judgeCaller(by, n.Person, c.Partner, true), judgeKey(n.Key)...)
	list = append(list, judgeUser(n.Account, c.Partner, linked, other)...)
	switch {
	case c.State != Approved:
		list = append(list, refusal.New("LAB-12", "LAB_STATE", "case "+c.Case, "Only an approved application gets another user, and only a rejected one can be edited; this one is %s.", c.State))
	case !c.Retry && still:
		list = append(list, refusal.New("LAB-12", "LAB_STATE", "case "+c.Case, "%s is linked and nothing has failed; another user is named when issuing fails.", c.Account))
	}
	return list
}

// Use is what the lab reports of a credit, as entered.
type Use struct {
	Person string `json:"person"` // who reports
	Points int    `json:"points"`
	Key    string `json:"key"`
}

// Storable is the report with what cannot be kept marked.
func (u Use) Storable() Use {
	u.Person, u.Key = domain.Marked(u.Person, 64, 64), domain.Marked(u.Key, 64, 64)
	return u
}

// JudgeUse checks whether points may be used at an instant: by the lab's report, of an issued credit, before it expires and
// never more than there are.
func JudgeUse(u Use, at time.Time, by *person.Person, p Policy, c Credit) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	object := "case " + c.Case
	switch {
	case by == nil:
		refuse("COM-16", "CBC.0151", "person "+u.Person, "There is no person %q; speak as somebody who is registered.", u.Person)
	case !by.OfVendor() || !by.Holds(p.ReportRole):
		refuse("COM-16", "CBC.0151", "person "+u.Person, "%s does not report for the lab; somebody of the vendor with the role %s does.", by.Name, p.ReportRole)
	}
	list = append(list, judgeKey(u.Key)...)
	if u.Points < 1 {
		refuse("ENG-06", "CBC.0100", "points", "Points are used in whole numbers from 1 on, not %d.", u.Points)
	}
	switch {
	case c.IssuedAt == nil: // LAB-09
		refuse("LAB-09", "ENG_STATE", object, "The application is %s; there are no points before the credit is issued.", c.State)
	case at.Before(*c.IssuedAt): // LAB-09
		refuse("LAB-09", "ENG_STATE", object, "The credit was issued at %s; there were no points before.", shown(*c.IssuedAt))
	case !at.Before(*c.ExpiresAt): // PGM-02: at the very instant it is over, whether the clock has run or not
		refuse("PGM-02", "ENG_STATE", object, "The credit expired at %s; what was left of it has lapsed, apply for another one.", shown(*c.ExpiresAt))
	case u.Points > c.Points || c.Remaining.Cmp(Amount(max(0, u.Points))) < 0: // LAB-11; the first also before it is multiplied
		refuse("LAB-11", "PRG.LAB.01", object, "%d points are more than the credit has: %s of %d remain.", u.Points, Whole(c.Remaining), c.Points)
	}
	return list
}
