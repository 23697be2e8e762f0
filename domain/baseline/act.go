package baseline

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Action is what people ask of a case beside decisions.
type Action string

// The actions.
const (
	SubmitAgain        Action = "submit-again"        // partner: the refused project, corrected (CERT-27)
	ApplyDesign        Action = "apply-design"        // partner: joint design and verification begin (CERT-28)
	HandInDesign       Action = "hand-in-design"      // partner: the vendor is asked to accept the design
	HandInVerification Action = "hand-in-test-report" // partner: the vendor is asked to confirm the verification
	ListGoods          Action = "list-goods"          // PDM: begins to list the joint goods (CERT-29)
	GoodsAreListed     Action = "goods-listed"        // PDM: they are listed, under a number
	BeginConfigurator  Action = "begin-configurator"  // partner: with a PSA (CERT-29)
	EndConfigurator    Action = "end-configurator"    // that PSA: it is done
	SubmitRelease      Action = "submit-release"      // partner (CERT-30)
)

// Rule is under which rule an action is possible.
func (a Action) Rule() string {
	switch a {
	case SubmitAgain:
		return "CERT-27"
	case ApplyDesign, HandInDesign, HandInVerification:
		return "CERT-28"
	case ListGoods, GoodsAreListed, BeginConfigurator, EndConfigurator:
		return "CERT-29"
	case SubmitRelease:
		return "CERT-30"
	}
	return ""
}

// Act is one request about a case, as entered.
type Act struct {
	RequestKey string `json:"request_key"`
	Person     string `json:"person"`
	Action     Action `json:"action"`
	Reference  string `json:"reference,omitempty"` // goods-listed: the goods' number in the shop; begin-configurator: the PSA
}

// Digest identifies what is asked for under a request key (COM-20).
func (a Act) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", a.RequestKey, a.Person, a.Action, a.Reference))
	return sum[:]
}

// Storable is the act with what cannot be kept marked.
func (a Act) Storable() Act {
	for _, s := range []*string{&a.RequestKey, &a.Person, (*string)(&a.Action), &a.Reference} {
		*s = domain.Marked(*s, 64, 64)
	}
	return a
}

// On is where a track stands.
type On struct {
	State     State
	Reference string // the goods' number, the PSA
}

// ActFacts is what an act is judged by: everything as locked in the deciding transaction.
type ActFacts struct {
	Person  *person.Person
	Policy  Policy
	Saved   Project // with the case and its files
	Tracks  map[Track]On
	Open    []string       // matters that people are asked about now
	Release bool           // a release application is saved
	Staged  int            // uploads of it that are not saved
	Helper  *person.Person // who is named as PSA; nil: unknown
}

// Effect is what an accepted act does.
type Effect struct {
	State State           // of the main line; empty: it stays
	Track Track           // that moves on; empty: none
	To    State           // of the track
	Ask   approval.Matter // what people are asked; the zero matter: nothing
}

// JudgeAct checks an act against the facts. Either the effect holds, or the list says every guard that failed, in the order of
// the chapter's refusals (PGM-08).
func JudgeAct(a Act, f ActFacts) (Effect, refusal.List) {
	j := judgement{}
	if n := utf8.RuneCountInString(a.RequestKey); n == 0 || n > 64 || strings.Contains(a.RequestKey, domain.Mark) {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	object, s := f.Saved.object(), f.Saved.State
	var e Effect
	switch a.Action {
	case SubmitAgain:
		j.caller(f.Person, a.Person, f.Saved.Partner)
		if e = (Effect{State: ProjectReview, Ask: ProjectMatter}); s != ProjectRejected {
			j.underReview(object, s)
			break
		}
		j.complete(f.Saved)
	case ApplyDesign: // whatever the project's state (CERT-28)
		j.caller(f.Person, a.Person, f.Saved.Partner)
		e = j.track(f, Effect{Track: Design, To: Designing})
	case HandInDesign:
		e = j.handIn(a, f, Designing, DesignPaper, DesignMatter)
	case HandInVerification:
		e = j.handIn(a, f, Verifying, TestReport, VerificationMatter)
	case ListGoods:
		j.vendor(a, f, f.Policy.PDMRole, "PDM")
		e = j.track(f, Effect{Track: Goods, To: GoodsListing})
		j.project(f.Saved)
	case GoodsAreListed:
		j.vendor(a, f, f.Policy.PDMRole, "PDM")
		if a.Reference == "" || strings.Contains(a.Reference, domain.Mark) {
			j.incomplete("CERT-29", object, []string{"the goods' number"})
		}
		e = j.track(f, Effect{Track: Goods, To: GoodsListed})
		j.project(f.Saved)
	case BeginConfigurator:
		j.caller(f.Person, a.Person, f.Saved.Partner)
		if f.Helper == nil || !f.Helper.OfVendor() || !f.Helper.Holds(f.Policy.PSARole) {
			j.refuse("CERT-29", "CBC.0151", "person "+a.Reference, "%q is none of the vendor's solution architects (role %s); name the one who helps.", a.Reference, f.Policy.PSARole)
		}
		e = j.track(f, Effect{Track: Configurator, To: ConfiguratorInProgress})
		j.project(f.Saved)
	case EndConfigurator:
		if f.Person == nil || f.Person.ID != f.Tracks[Configurator].Reference || !f.Person.Active {
			j.refuse("CERT-29", "CBC.0151", "person "+a.Person, "The solution architect who helps confirms the configurator; %q is not that one.", a.Person)
		}
		e = j.track(f, Effect{Track: Configurator, To: ConfiguratorDone})
		j.project(f.Saved)
	case SubmitRelease:
		j.caller(f.Person, a.Person, f.Saved.Partner)
		e = j.release(f)
	default:
		j.refuse("COM-08", "CBC.0100", object, "%q is nothing that can be asked of a joint solution.", a.Action)
	}
	if len(j.list) > 0 {
		return Effect{}, j.list
	}
	return e, nil
}

// After is what the end of a matter leads to; the zero effect: everything stays, and the partner hands in again (CERT-27, CERT-28,
// CERT-30).
func After(m approval.Matter, approved bool) Effect {
	switch {
	case m == ProjectMatter && approved:
		return Effect{State: ProjectDone}
	case m == ProjectMatter:
		return Effect{State: ProjectRejected}
	case m == DesignMatter && approved:
		return Effect{Track: Design, To: Verifying}
	case m == VerificationMatter && approved:
		return Effect{Track: Design, To: Verified}
	case m == ReleaseMatter && approved:
		return Effect{State: Released}
	case m == ReleaseMatter:
		return Effect{State: ReleaseRejected}
	}
	return Effect{}
}

// RuleOf is under which rule a matter is decided.
func RuleOf(m approval.Matter) string {
	return map[approval.Matter]string{ProjectMatter: "CERT-27", DesignMatter: "CERT-28", VerificationMatter: "CERT-28", ReleaseMatter: "CERT-30"}[m]
}

// vendor checks one of the vendor's people by role.
func (j *judgement) vendor(a Act, f ActFacts, role person.Role, called string) {
	if f.Person == nil || !f.Person.OfVendor() || !f.Person.Holds(role) {
		j.refuse("CERT-29", "CBC.0151", "person "+a.Person, "The %s lists the joint goods; %q does not hold the role %s.", called, a.Person, role)
	}
}

// project refuses what comes after the joint project (CERT-29).
func (j *judgement) project(p Project) {
	if !Done(p.State) {
		j.refuse("CERT-29", "CERT_PROJECT_OPEN", p.object(), "The joint project must be completed first; it is %s.", stateWords[p.State])
	}
}

// track checks one lawful step of a track (ENG-03).
func (j *judgement) track(f ActFacts, e Effect) Effect {
	if from := f.Tracks[e.Track].State; !CanTrack(e.Track, from, e.To) {
		j.refuse("ENG-03", "ENG_STATE", f.Saved.object(), "%s does not follow on %s.", capital(stateWords[e.To]), orNothing(stateWords[from]))
	}
	return e
}

// handIn checks what the vendor is asked about on the design track: the file is there, the track has come there, nobody is asked yet.
func (j *judgement) handIn(a Act, f ActFacts, at State, item string, m approval.Matter) Effect {
	j.caller(f.Person, a.Person, f.Saved.Partner)
	if f.Saved.Files[item].Document == "" {
		j.incomplete("CERT-28", f.Saved.object(), []string{strings.ReplaceAll(item, "-", " ")})
	}
	switch now := f.Tracks[Design].State; {
	case now != at:
		j.refuse("ENG-03", "ENG_STATE", f.Saved.object(), "The solution is %s; this is handed in while it is %s.", orNothing(stateWords[now]), stateWords[at])
	case slices.Contains(f.Open, m.Name):
		j.refuse("CERT-28", "CERT_PENDING", f.Saved.object(), "This solution is already under review: what was handed in is not decided yet.")
	}
	return Effect{Ask: m}
}

// release checks a release application: project done, verified, goods listed, all its material saved (CERT-30).
func (j *judgement) release(f ActFacts) Effect {
	p := f.Saved
	var missing []string
	if f.Tracks[Design].State != Verified {
		missing = append(missing, "verification")
	}
	if f.Tracks[Goods].State != GoodsListed {
		missing = append(missing, "goods listing")
	}
	if !f.Release {
		missing = append(missing, "release application")
	}
	for _, item := range f.Policy.ReleaseItems {
		if p.Files[ReleaseItem(item.Name)].Document == "" {
			missing = append(missing, item.Name)
		}
	}
	if f.Staged > 0 {
		missing = append(missing, "saving what was uploaded")
	}
	j.incomplete("CERT-30", p.object(), missing)
	if p.State == ReleaseReview || p.State == Released {
		j.underReview(p.object(), p.State)
	}
	j.project(p)
	return Effect{State: ReleaseReview, Ask: ReleaseMatter}
}

// releaseOpen refuses to work on a release before the project is done, while it is reviewed and when it is out (CERT-29, CERT-30).
func (j *judgement) releaseOpen(p Project) {
	if p.State == ReleaseReview || p.State == Released {
		j.underReview(p.object(), p.State)
	}
	j.project(p)
}

// JudgeRelease checks whether a release application may be saved, cancelled or deleted now.
func JudgeRelease(p Project, by *person.Person, id string) refusal.List {
	j := judgement{}
	j.caller(by, id, p.Partner)
	j.releaseOpen(p)
	return j.list
}

// JudgeMaterial checks whether the release material may be downloaded (CERT-29).
func JudgeMaterial(p Project) refusal.List {
	j := judgement{}
	j.project(p)
	return j.list
}

func orNothing(words string) string {
	if words == "" {
		return "not begun"
	}
	return words
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
