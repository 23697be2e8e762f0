// Package tier says how the tier of a solution-provider membership rises (TIER): what each tier asks for, who applies for it, and
// what becomes of the application.
package tier

import (
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "tier-upgrade"

// Plan is the plan whose membership has a tier.
const Plan = "solution-provider"

// PlanWords is the plan as its certificate names it.
const PlanWords = "解决方案提供商 Solution provider"

// State is where an upgrade stands.
type State = domain.State

// The states.
const (
	UnderReview State = "UNDER_REVIEW"
	Approved    State = "APPROVED"
	Rejected    State = "REJECTED" // can be submitted again while the membership holds
	Withdrawn   State = "WITHDRAWN"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step (ENG-03); the table "moves" repeats it.
var Moves = []Move{{"", UnderReview}, {UnderReview, Approved}, {UnderReview, Rejected}, {UnderReview, Withdrawn}, {Rejected, UnderReview}}

// Tier is how a solution provider is ranked; the text is what the database stores.
type Tier string

// The tiers (TIER-01).
const (
	Standard  Tier = "STANDARD"
	Preferred Tier = "PREFERRED"
	Leading   Tier = "LEADING"
	Core      Tier = "CORE"
)

// Tiers lists them, rising.
var Tiers = []Tier{Standard, Preferred, Leading, Core}

// Rank is 1 for Standard to 4 for Core; 0: no tier.
func (t Tier) Rank() int { return slices.Index(Tiers, t) + 1 }

// Above tells whether a tier is higher than another one.
func (t Tier) Above(other Tier) bool { return t.Rank() > other.Rank() }

// Level is the tier as a partner's level, by which incentives are looked up.
func (t Tier) Level() string { return strings.ToLower(string(t)) }

var tierWords = map[Tier]string{Standard: "标准 Standard", Preferred: "优选 Preferred", Leading: "领先 Leading", Core: "核心 Core"}

// Words is the tier as people read it.
func (t Tier) Words() string { return tierWords[t] }

// Membership is a partner's membership in the plan: one row of plan_identities.
type Membership struct {
	From  time.Time  `json:"from"            db:"from_at"`
	Until *time.Time `json:"until,omitempty" db:"until_at"` // term_end, this instant out; nil: no end is known
}

// Holds tells whether it is active at an instant.
func (m Membership) Holds(at time.Time) bool {
	return !at.Before(m.From) && (m.Until == nil || calendar.Open(at, *m.Until))
}

// Account is one partner account of a company, with the development paths that it is on.
type Account struct {
	ID    string `json:"partner"`
	Paths []Path `json:"paths"`
}

// Path is a development path that an account is on.
type Path struct {
	Path  string `json:"path"`
	Stage string `json:"stage"`
}

// Qualifying are the paths of which one must be certified: software, service, integration. The learning and the distributor path
// do not count (TIER-04).
var Qualifying = []string{"SW", "SVC", "SI"}

// certified tells whether the role certification of a path that counts is completed (TIER-03); who is differentiated has it.
func (p Path) certified() bool {
	return slices.Contains(Qualifying, p.Path) && (p.Stage == "ROLE_CERTIFIED" || p.Stage == "DIFFERENTIATED")
}

// PathsOf counts the certified paths of a company's accounts, of those that the item names: a path once, whichever account is on it.
func (i Item) PathsOf(accounts []Account) money.Amount {
	have := map[string]bool{}
	for _, a := range accounts {
		for _, p := range a.Paths {
			if p.certified() && (len(i.Of) == 0 || slices.Contains(i.Of, p.Path)) {
				have[p.Path] = true
			}
		}
	}
	return money.Fen(int64(len(have)) * 100)
}

// Source says where the present value of a requirement comes from.
type Source string

// The sources.
const (
	CertifiedPath    Source = "certified-path"    // paths of the company with role certification
	Performance      Source = "performance"       // cash performance in CNY of the company over some months (TIER-13)
	CertifiedStaff   Source = "certified-staff"   // certified people linked to accounts of the company
	CapabilityLabels Source = "capability-labels" // labels of the company that are valid
	Evidence         Source = "evidence"          // a document that is attached, which the reviewer checks
)

// Sources lists them.
var Sources = []Source{CertifiedPath, Performance, CertifiedStaff, CapabilityLabels, Evidence}

// Item is one requirement of a tier.
type Item struct {
	Code    string       `json:"code"             yaml:"code"`
	Chinese string       `json:"zh"               yaml:"zh"`
	English string       `json:"en"               yaml:"en"`
	Source  Source       `json:"source"           yaml:"source"`
	Target  money.Amount `json:"target"           yaml:"target"` // CNY of a performance, else a whole number
	Months  int          `json:"months,omitempty" yaml:"months"` // of a performance: the complete months before that of the submission
	Of      []string     `json:"of,omitempty"     yaml:"of"`     // the only paths or labels that count, none: all; the level of certified staff
}

// Shown writes a value of the item: CNY with two decimals, or a number.
func (i Item) Shown(v money.Amount) string {
	if i.Source == Performance {
		return v.String() + " " + string(money.CNY)
	}
	return strings.TrimSuffix(v.String(), ".00")
}

// Value is a requirement with its value at an instant: a line of the snapshot that an application keeps (TIER-14).
type Value struct {
	Item
	Current  money.Amount `json:"current"`
	Document string       `json:"document,omitempty"` // the evidence that was attached
}

// Met tells whether the requirement is met: at the target it is.
func (v Value) Met() bool { return v.Current.Cmp(v.Target) >= 0 }

// Applicants apply for their own partner, up to Leading; for Core the partner's ecosystem manager does (TIER-06).
var Applicants = []person.Role{person.PartnerAdministrator}

// MayAct tells whether a person may act for a partner in such cases (COM-16, PGM-07).
func MayAct(p person.Person, partnerID string) bool {
	if p.OfVendor() {
		return p.Holds(person.EcosystemManager)
	}
	return p.PartnerID == partnerID && p.Holds(Applicants...)
}
