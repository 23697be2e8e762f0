package tier

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Attached is one document of an application, for one requirement.
type Attached struct {
	Item     string `json:"item"`
	Document string `json:"document"` // its ID: SHA-256 in hexadecimal
}

// Application is what is applied for, as entered: nothing in it is trusted yet.
type Application struct {
	RequestKey string     `json:"request_key"`
	PartnerID  string     `json:"partner_id"`
	Submitter  string     `json:"submitter"`
	Target     Tier       `json:"target"`
	Evidence   []Attached `json:"evidence"`
}

// Digest identifies what is applied for under a request key (COM-20).
func (a Application) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", a.RequestKey, a.PartnerID, a.Submitter, a.Target, a.Evidence))
	return sum[:]
}

// most is how many requirements a tier has at most, and how many documents an application.
const most = 50

// Storable is the application with what cannot be kept marked: NUL characters and text that is too long; Judge refuses the mark.
func (a Application) Storable() Application {
	a.Evidence = slices.Clone(a.Evidence[:min(len(a.Evidence), most+1)])
	texts := []*string{&a.RequestKey, &a.PartnerID, &a.Submitter, (*string)(&a.Target)}
	for i := range a.Evidence {
		texts = append(texts, &a.Evidence[i].Item, &a.Evidence[i].Document)
	}
	for _, s := range texts {
		*s = domain.Marked(*s, 64, 64)
	}
	return a
}

// Facts is what an application is judged by: everything as locked in the deciding transaction.
type Facts struct {
	At         time.Time
	Policy     Policy
	Submitter  *person.Person // nil: unknown
	Known      bool           // the partner is
	Manager    string         // the partner's ecosystem manager; empty: none is named
	Membership *Membership    // that holds now; nil: none does
	Current    Tier
	Accounts   []Account                        // of the partner's company, the partner's own among them
	Pending    string                           // another upgrade of the membership that is under review; empty: none
	Values     map[Tier]map[string]money.Amount // of the items of a tier, by their codes
}

// Snapshot is the requirements of a tier with their values, and with what is attached for them (TIER-14).
func (f Facts) Snapshot(target Tier, evidence []Attached) []Value {
	items := f.Policy.Requirements[target]
	values := make([]Value, len(items))
	for n, i := range items {
		values[n] = Value{Item: i, Current: f.Values[target][i.Code]}
		if at := slices.IndexFunc(evidence, func(e Attached) bool { return e.Item == i.Code }); at >= 0 {
			values[n].Document = evidence[at].Document
			if i.Source == Evidence {
				values[n].Current = i.Target
			}
		}
	}
	return values
}

// Judge checks an application against the facts. Either the snapshot holds, or the list says every guard that failed, in the order
// caller, parameters, object, state (ENG-06, PGM-08).
func Judge(a Application, f Facts) ([]Value, refusal.List) {
	j := judgement{f: f, partner: "partner " + a.PartnerID}
	j.caller(a)
	j.parameters(a)
	if !f.Known {
		j.refuse("COM-17", "CBC.5001", j.partner, "There is no partner %q; check the partner's number.", a.PartnerID)
		return nil, j.list
	}
	snapshot := f.Snapshot(a.Target, a.Evidence)
	j.member()
	j.path()
	j.items(snapshot)
	j.target(a.Target)
	if a.Target == Core && (f.Submitter == nil || f.Submitter.ID != f.Manager) {
		j.byManager()
	}
	j.pending()
	return snapshot, j.list
}

type judgement struct {
	f       Facts
	partner string
	list    refusal.List
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) caller(a Application) {
	by := j.f.Submitter
	switch {
	case by == nil:
		j.refuse("COM-16", "CBC.0151", "person "+a.Submitter, "There is no person %q; speak as somebody who is registered.", a.Submitter)
	case j.f.Known && !MayAct(*by, a.PartnerID):
		j.refuse("COM-16", "CBC.0151", "person "+a.Submitter, "%s may not apply for partner %s; ask the partner's administrator.", by.Name, a.PartnerID)
	case a.Target != Core && by.OfVendor(): // the manager's part is Core (TIER-06)
		j.refuse("COM-16", "CBC.0151", "person "+a.Submitter, "Below the Core tier the partner applies itself; ask its administrator to apply.")
	}
}

var documentID = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (j *judgement) parameters(a Application) {
	wrong := func(rule, object, format string, args ...any) { j.refuse(rule, "CBC.0100", object, format, args...) }
	if n := utf8.RuneCountInString(a.RequestKey); n == 0 || n > 64 || strings.Contains(a.RequestKey, domain.Mark) {
		wrong("COM-20", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	if a.Target.Rank() == 0 {
		wrong("COM-08", "tier", "%q is no tier; choose one of PREFERRED, LEADING and CORE.", a.Target)
	}
	if len(a.Evidence) > most {
		wrong("ENG-06", "request", "An application has at most %d documents.", most)
	}
	seen := map[string]bool{}
	for _, e := range a.Evidence {
		known := slices.ContainsFunc(j.f.Policy.Requirements[a.Target], func(i Item) bool { return i.Code == e.Item })
		switch {
		case !known && a.Target.Rank() > 0:
			wrong("COM-08", "evidence", "The tier %s has no requirement %q; attach a document for one of its own.", a.Target, e.Item)
		case seen[e.Item]:
			wrong("COM-08", "evidence", "The requirement %q has two documents; attach one file for each.", e.Item)
		}
		seen[e.Item] = true
		if !documentID.MatchString(e.Document) {
			wrong("COM-08", "evidence", "%q is no document; name the file, or the document's ID of 64 hexadecimal digits.", e.Document)
		}
	}
}

// member: the membership is active (TIER-02).
func (j *judgement) member() {
	if j.f.Membership == nil || !j.f.Membership.Holds(j.f.At) {
		j.refuse("TIER-02", "TIER_NO_MEMBERSHIP", j.partner, "The solution provider plan is not active; join or renew it first.")
	}
}

// path: one account of the company, whichever, has completed the role certification of a path that counts (TIER-03).
func (j *judgement) path() {
	if slices.ContainsFunc(j.f.Accounts, func(a Account) bool { return slices.ContainsFunc(a.Paths, Path.certified) }) {
		return
	}
	rule := "TIER-03"
	if slices.ContainsFunc(j.f.Accounts, func(a Account) bool {
		return slices.ContainsFunc(a.Paths, func(p Path) bool {
			return p.Stage != "SELECTED" && !slices.Contains(Qualifying, p.Path)
		})
	}) {
		rule = "TIER-04" // something is certified, but it does not count
	}
	j.refuse(rule, "TIER_NO_CERTIFIED_PATH", j.partner,
		"No account of your company has completed role certification on the software, service or integration path; switch to such an account or register a new one.")
}

// items: every requirement is met (TIER-05).
func (j *judgement) items(values []Value) {
	var open []string
	for _, v := range values {
		if !v.Met() {
			open = append(open, fmt.Sprintf("%s %s (%s of %s)", v.Chinese, v.English, v.Shown(v.Current), v.Shown(v.Target)))
		}
	}
	if len(open) > 0 {
		j.refuse("TIER-05", "TIER_ITEMS_OPEN", j.partner, "These requirements are not met: %s.", strings.Join(open, "; "))
	}
}

// target: above the current tier, and it may skip one (TIER-10).
func (j *judgement) target(t Tier) {
	if t.Rank() > 0 && j.f.Membership != nil && !t.Above(j.f.Current) {
		j.refuse("TIER-10", "TIER_NOT_HIGHER", j.partner, "The current tier is %s; choose a tier above it.", j.f.Current)
	}
}

// byManager: only the partner's own ecosystem manager applies for Core (TIER-06).
func (j *judgement) byManager() {
	whose := "no one is named as such; ask vendor operations to name one"
	if j.f.Manager != "" {
		whose = fmt.Sprintf("that is %s", j.f.Manager)
	}
	j.refuse("TIER-06", "TIER_CORE_BY_MANAGER", j.partner, "The Core tier is applied for by your ecosystem manager: %s.", whose)
}

// pending: one upgrade of a membership at a time (TIER-12).
func (j *judgement) pending() {
	if j.f.Pending != "" {
		j.refuse("TIER-12", "TIER_PENDING", "case "+j.f.Pending, "An upgrade is already under review: %s; wait for its result or withdraw it.", j.f.Pending)
	}
}

// JudgeApproval checks again what may have changed while the upgrade was under review: the membership that it is about holds, and
// the target is still above its tier. No membership: it is not the partner's present one.
func JudgeApproval(partner string, target Tier, member *Membership, current Tier, at time.Time) refusal.List {
	j := judgement{f: Facts{At: at, Membership: member, Current: current}, partner: "partner " + partner}
	j.member()
	j.target(target)
	return j.list
}

// JudgeFiler tells whether a person may withdraw an upgrade or submit it again: whose side filed it does (4.5).
func JudgeFiler(by *person.Person, id, number, partner, manager string, target Tier) refusal.List {
	switch {
	case by == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)}
	case !MayAct(*by, partner), target == Core && by.ID != manager, target != Core && by.OfVendor():
		return refusal.List{refusal.New("COM-16", "CBC.0151", "case "+number, "%s did not file the upgrade; who filed it may: the partner's administrator, for Core its ecosystem manager.", by.Name)}
	}
	return nil
}

// Way is what an account can do that cannot upgrade (TIER-08).
type Way string

// The ways.
const (
	SwitchAccount   Way = "switch account"       // to one of the company that completes role certification
	RegisterAccount Way = "register new account" // by quick registration (TIER-09)
)

// Ways lists both, in the order in which they are shown.
var Ways = []Way{SwitchAccount, RegisterAccount}

// Offer is one tier on the upgrade page.
type Offer struct {
	Target   Tier         `json:"target"`
	Items    []Value      `json:"items"`
	Possible bool         `json:"possible"` // but for the documents that are attached with the application
	Reasons  refusal.List `json:"reasons"`
}

// Page is the upgrade page of a partner.
type Page struct {
	Partner    string      `json:"partner"`
	Membership *Membership `json:"membership,omitempty"`
	Current    Tier        `json:"current,omitempty"`
	Offers     []Offer     `json:"offers"` // the tiers above the current one
	Accounts   []Account   `json:"accounts"`
	Ways       []Way       `json:"ways,omitempty"` // where no account of the company is certified
	Advised    Way         `json:"advised,omitempty"`
}

// Preview is the page as a partner opens it. A tier above the current one is possible when nothing is missing but documents; Core
// shows that the ecosystem manager applies for it.
func Preview(partner string, f Facts) Page {
	p := Page{Partner: partner, Membership: f.Membership, Current: f.Current, Offers: []Offer{}, Accounts: f.Accounts}
	for _, t := range Tiers {
		if !t.Above(f.Current) || t == Standard {
			continue
		}
		j := judgement{f: f, partner: "partner " + partner}
		o := Offer{Target: t, Items: f.Snapshot(t, nil)}
		j.member()
		j.path()
		j.items(slices.DeleteFunc(slices.Clone(o.Items), func(v Value) bool { return v.Source == Evidence }))
		if t == Core {
			j.byManager()
		}
		j.pending()
		o.Reasons, o.Possible = append(refusal.List{}, j.list...), len(j.list) == 0
		p.Offers = append(p.Offers, o)
	}
	j := judgement{f: f}
	if j.path(); len(j.list) > 0 { // TIER-08
		p.Ways, p.Advised = Ways, RegisterAccount
		if slices.ContainsFunc(f.Accounts, func(a Account) bool {
			return slices.ContainsFunc(a.Paths, func(p Path) bool { return slices.Contains(Qualifying, p.Path) })
		}) {
			p.Advised = SwitchAccount
		}
	}
	return p
}
