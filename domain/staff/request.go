package staff

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Use is one specialist of a request, with the project that the month was spent on.
type Use struct {
	Person  string `json:"person"`
	Project string `json:"project,omitempty"` // one project serves one person (FHM-07)
}

// Proof is one document of a request.
type Proof struct {
	Kind     string `json:"kind"`     // see Proofs
	Document string `json:"document"` // its ID: SHA-256 in hexadecimal
}

// The kinds of proof.
const (
	Employment     = "employment"
	SocialSecurity = "social-security" // a third party's extract: name, place, unit, print date and months only
	ProjectProof   = "project"
)

// Proofs lists them.
var Proofs = []string{Employment, SocialSecurity, ProjectProof}

// Request is what a partner asks for, as entered: nothing in it is trusted yet.
type Request struct {
	RequestKey string   `json:"request_key"`
	PartnerID  string   `json:"partner_id"`
	Submitter  string   `json:"submitter"`
	Month      string   `json:"month"` // 2024-05
	Scenario   Scenario `json:"scenario"`
	Persons    []Use    `json:"persons"`
	Proofs     []Proof  `json:"proofs"`
}

// Digest identifies what is asked for under a request key (COM-20).
func (r Request) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q %q", r.RequestKey, r.PartnerID, r.Submitter, r.Month, r.Scenario, r.Persons, r.Proofs))
	return sum[:]
}

// most is how many specialists, and how many documents for each kind, one request may name.
const most = 100

// Storable is the request with what cannot be kept marked: NUL characters and text that is too long; Judge refuses the mark.
func (r Request) Storable() Request {
	r.Persons, r.Proofs = slices.Clone(r.Persons[:min(len(r.Persons), most+1)]), slices.Clone(r.Proofs[:min(len(r.Proofs), most+1)])
	texts := []*string{&r.RequestKey, &r.PartnerID, &r.Submitter, &r.Month, (*string)(&r.Scenario)}
	for i := range r.Persons {
		texts = append(texts, &r.Persons[i].Person, &r.Persons[i].Project)
	}
	for i := range r.Proofs {
		texts = append(texts, &r.Proofs[i].Kind, &r.Proofs[i].Document)
	}
	for _, s := range texts {
		*s = marked(*s)
	}
	return r
}

func marked(s string) string { return domain.Marked(s, 64, 64) }

// PastUse is one use of a specialist in another request that has not failed.
type PastUse struct {
	Case     string
	Scenario Scenario
	On       calendar.Date // when it was requested
}

// Specialist is one person as the database knows them, locked.
type Specialist struct {
	ID           string
	Name         string
	PartnerID    string // to whose account the person is bound
	Role         string
	Certificates []string
	CloudSince   calendar.Date // in cloud work since
	Since        calendar.Date // dedicated since: the funding year counts from here
	Uses         []PastUse
}

// FundingYear is the year of a specialist's funding in which a day lies, counted from the day the person started: its first
// day, and the first day after it.
func (s Specialist) FundingYear(on calendar.Date) (first, after calendar.Date) {
	n := 0
	for !on.Before(s.Since.AddMonths(12 * (n + 1))) {
		n++
	}
	return s.Since.AddMonths(12 * n), s.Since.AddMonths(12 * (n + 1))
}

// usedIn counts the pre-sales uses within a funding year.
func (s Specialist) usedIn(first, after calendar.Date) int {
	n := 0
	for _, u := range s.Uses {
		if u.Scenario == PreSales && !u.On.Before(first) && u.On.Before(after) {
			n++
		}
	}
	return n
}

// Facts is what a request is judged by: everything as locked in the deciding transaction.
type Facts struct {
	At            time.Time
	Policy        Policy
	Submitter     *person.Person // nil: unknown
	Known         bool           // the partner is
	Certification refusal.List   // what the partner's certification lacks (AUT-09)
	Qualified     bool           // qualification approved and agreement signed (FHM-01)
	Month         Record
	Quarter       string                // the quarter's payment application; empty: none (FHM-04)
	Specialists   map[string]Specialist // of those named
	Projects      map[string]string     // of those named: whom each serves already
	Resubmits     string                // the case that is sent again; empty: a first request
}

// Plan is what an accepted request does.
type Plan struct {
	Month   Month
	Persons []Use
	Amount  money.Amount
}

// Judge checks a request against the facts. Either the plan holds, or the list says every guard that failed, in the order
// caller, parameters, object, state, amount (ENG-06, PGM-08).
func Judge(r Request, f Facts) (Plan, refusal.List) {
	j := judgement{r: r, f: f}
	j.caller()
	month, ok := j.parameters()
	if !f.Known {
		j.refuse("COM-17", "CBC.5001", j.partner(), "There is no partner %q; check the partner's number.", r.PartnerID)
		return Plan{}, j.list
	}
	j.list = append(j.list, f.Certification...) // AUT-09
	if !f.Qualified {
		j.refuse("FHM-01", "FHM_QUALIFICATION", j.partner(), "The partner has no qualification for dedicated staff with a signed agreement; apply for the qualification and sign the agreement first.")
	}
	for _, u := range r.Persons {
		j.specialist(u)
	}
	if ok {
		j.state(month)
	}
	rate, set := f.Policy.Rates[r.Scenario]
	if !set && slices.Contains(Scenarios, r.Scenario) {
		j.refuse("ENG-06", "CBC.0100", "policy "+Kind, "No rate is set for the scheme %s; ask vendor operations to set it in the policy.", r.Scenario)
	}
	if len(j.list) > 0 {
		return Plan{}, j.list
	}
	total := money.Zero
	for range r.Persons {
		total = total.Add(rate)
	}
	return Plan{Month: month, Persons: r.Persons, Amount: total}, nil
}

type judgement struct {
	r    Request
	f    Facts
	list refusal.List
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) partner() string { return "partner " + j.r.PartnerID }

func (j *judgement) caller() {
	if j.f.Submitter == nil {
		j.refuse("COM-16", "CBC.0151", "person "+j.r.Submitter, "There is no person %q; speak as somebody who is registered.", j.r.Submitter)
	} else if j.f.Known && !MayAct(*j.f.Submitter, j.r.PartnerID) {
		j.refuse("COM-16", "CBC.0151", "person "+j.r.Submitter, "%s may not request for partner %s; ask the partner's administrator for the permission.", j.f.Submitter.Name, j.r.PartnerID)
	}
}

var documentID = regexp.MustCompile(`^[0-9a-f]{64}$`)

var scenarioWords = "pre-sales, expert and capability-centre"

// parameters checks what was entered by itself; the month is answered with whether it is one.
func (j *judgement) parameters() (Month, bool) {
	r := j.r
	wrong := func(rule, object, format string, args ...any) { j.refuse(rule, "CBC.0100", object, format, args...) }
	if n := utf8.RuneCountInString(r.RequestKey); n == 0 || n > 64 || strings.Contains(r.RequestKey, domain.Mark) {
		wrong("COM-20", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	month, err := ParseMonth(r.Month)
	if err != nil {
		wrong("COM-08", "month", "%s.", capital(err.Error()))
	}
	if !slices.Contains(Scenarios, r.Scenario) {
		wrong("COM-08", "scheme", "%q is no scheme; choose one of %s.", r.Scenario, scenarioWords)
	}
	if len(r.Persons) == 0 || len(r.Persons) > most {
		wrong("ENG-06", "specialists", "A request names 1 to %d specialists.", most)
	}
	seen := map[string]bool{}
	serves := map[string]string{}
	for _, u := range r.Persons {
		if seen[u.Person] {
			wrong("ENG-06", "specialist "+u.Person, "%s is named twice; name each specialist once.", u.Person)
		}
		seen[u.Person] = true
		if other, taken := serves[u.Project]; taken && u.Project != "" && other != u.Person {
			j.projectUsed(u, other)
		}
		serves[u.Project] = u.Person
	}
	j.proofs()
	return month, err == nil
}

// proofs checks the documents: employment and social security always, project proof with a project.
func (j *judgement) proofs() {
	if len(j.r.Proofs) > most {
		j.refuse("ENG-06", "CBC.0100", "request", "A request has at most %d documents.", most)
	}
	have := map[string]bool{}
	for _, p := range j.r.Proofs {
		j.list = append(j.list, p.check()...)
		have[p.Kind] = true
	}
	need := []string{Employment, SocialSecurity}
	if slices.ContainsFunc(j.r.Persons, func(u Use) bool { return u.Project != "" }) {
		need = append(need, ProjectProof)
	}
	for _, kind := range need {
		if !have[kind] {
			j.refuse("ENG-06", "CBC.0100", "proofs", "The proof of %s is missing; enclose it.", kind)
		}
	}
}

func (p Proof) check() refusal.List {
	var list refusal.List
	if !slices.Contains(Proofs, p.Kind) {
		list = append(list, refusal.New("COM-08", "CBC.0100", "document "+p.Document, "%q is no kind of proof; the kinds are %s.", p.Kind, strings.Join(Proofs, ", ")))
	}
	if !documentID.MatchString(p.Document) {
		list = append(list, refusal.New("ENG-06", "CBC.0100", "document "+p.Document, "A document is named by its SHA-256 in 64 hexadecimal digits; store it first and name what was answered."))
	}
	return list
}

// specialist checks one person of the request.
func (j *judgement) specialist(u Use) {
	object := "specialist " + u.Person
	s, known := j.f.Specialists[u.Person]
	if !known || s.PartnerID != j.r.PartnerID {
		j.refuse("FHM-05", "FHM_PERSON_LIMIT", object, "%s is not bound to partner %s as a specialist; have the person registered there first.", u.Person, j.r.PartnerID)
		return
	}
	if i := slices.IndexFunc(s.Uses, func(p PastUse) bool { return p.Scenario != j.r.Scenario }); i >= 0 {
		j.refuse("FHM-06", "FHM_EXCLUSIVE", object, "%s is used in the scheme %s (case %s); one person serves one scheme, name somebody else.", s.Name, s.Uses[i].Scenario, s.Uses[i].Case)
	}
	if other := j.f.Projects[u.Project]; u.Project != "" && other != "" && other != u.Person {
		j.projectUsed(u, other)
	}
	on := calendar.DateOf(j.f.At)
	if on.Before(s.Since) {
		j.refuse("FHM-05", "FHM_PERSON_LIMIT", object, "%s starts on %s; request from that day on.", s.Name, s.Since)
		return
	}
	if j.r.Scenario == PreSales {
		j.preSales(s, on)
	}
	if j.r.Scenario == Expert && j.f.Month.Listed != nil && !slices.Contains(j.f.Month.Listed, u.Person) {
		j.refuse("FHM-08", "CBC.0100", object, "%s is not on the month's list; confirm those who are: %s.", s.Name, strings.Join(j.f.Month.Listed, ", "))
	}
}

func (j *judgement) projectUsed(u Use, other string) {
	j.refuse("FHM-07", "FHM_PROJECT_USED", "project "+u.Project, "Project %s is used for %s already; a project serves one person, name another project for %s.", u.Project, other, u.Person)
}

// preSales checks what a pre-sales specialist needs (FHM-05).
func (j *judgement) preSales(s Specialist, on calendar.Date) {
	limit := func(format string, args ...any) {
		j.refuse("FHM-05", "FHM_PERSON_LIMIT", "specialist "+s.ID, format, args...)
	}
	wanted := j.f.Policy.Certificates
	if !slices.ContainsFunc(s.Certificates, func(c string) bool { return len(wanted) == 0 || slices.Contains(wanted, c) }) {
		limit("%s holds no certificate that qualifies for pre-sales work; record one, or name somebody else.", s.Name)
	}
	if half := s.CloudSince.AddMonths(j.f.Policy.CloudMonths); !on.After(half) { // more than half a year
		limit("%s is in cloud work since %s; a pre-sales specialist has been for more than %d months, so from %s on.", s.Name, s.CloudSince, j.f.Policy.CloudMonths, half.AddDays(1))
	}
	if s.Role != SolutionArchitect {
		limit("%s has the role %q; a pre-sales specialist is a %s.", s.Name, s.Role, SolutionArchitect)
	}
	first, after := s.FundingYear(on)
	if n := s.usedIn(first, after); n >= j.f.Policy.UsesPerYear {
		limit("%s was used %d times in the funding year from %s to %s; name somebody else, or wait for %s.", s.Name, n, first, after.AddDays(-1), after)
	}
}

// state checks whether the month can be requested now.
func (j *judgement) state(m Month) {
	f, object := j.f, j.partner()+" month "+m.String()
	state := f.Month.StateAt(m, f.At)
	switch {
	case f.Resubmits != "" && state != Failed:
		j.refuse("ENG-03", "ENG_STATE", "case "+f.Resubmits, "The request is %s; only a failed one is sent again.", state)
	case f.Resubmits == "" && state == Failed && m.Running(f.At):
		j.refuse("FHM-02", "FHM_ONE_PER_MONTH", object, "The month has the request %s, which failed; correct it and resubmit that one.", f.Month.Case)
	case f.Resubmits == "" && (state == InReview || state == Passed):
		j.refuse("FHM-02", "FHM_ONE_PER_MONTH", object, "The month has the request %s, which is %s; there is one request a month.", f.Month.Case, state)
	}
	listed := f.Month.ConfirmUntil != nil && f.Month.Case == ""
	switch {
	case f.At.Before(m.Starts()):
		j.refuse("FHM-02", "ENG_STATE", object, "The month has not begun; request it from %s on.", m.First())
	case listed && state == Lapsed:
		j.refuse("FHM-08", "ENG_STATE", object, "The month's list could be confirmed until %s and has lapsed.", shown(*f.Month.ConfirmUntil))
	case listed && j.r.Scenario != Expert:
		j.refuse("FHM-08", "ENG_STATE", object, "The month waits for the experts' list to be confirmed until %s; only that can be requested for it.", shown(*f.Month.ConfirmUntil))
	case !listed && j.r.Scenario == Expert && f.Month.Case == "":
		j.refuse("FHM-08", "ENG_STATE", object, "The system lists a month's experts at the start of the next month; confirm that list when it is there.")
	case !listed && m.Over(f.At) && (state == Failed || f.Month.Case == ""):
		j.refuse("FHM-03", "FHM_MONTH_OVER", object, "The month ended on %s; a month is requested, and sent again after it failed, only while it runs.", m.First().AddMonths(1).AddDays(-1))
	}
	if f.Quarter != "" {
		j.refuse("FHM-04", "FHM_QUARTER_REQUESTED", object, "The payment of %s was requested with case %s; its months stay as they are.", m.Quarter(), f.Quarter)
	}
}

// shown writes an instant for people.
func shown(at time.Time) string { return at.In(calendar.Zone).Format("2006-01-02 15:04:05") + " UTC+8" }

func capital(sentence string) string { return strings.ToUpper(sentence[:1]) + sentence[1:] }

// JudgeProof checks whether a changed specialist's proof may be put beside a request (FHM-09): whatever the state, which stays.
func JudgeProof(p *person.Person, id, partnerID, caseNumber string, named []string, specialist string, proof Proof) refusal.List {
	var list refusal.List
	switch {
	case p == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id))
	case !MayAct(*p, partnerID):
		list = append(list, refusal.New("COM-16", "CBC.0151", "case "+caseNumber, "%s may not act for partner %s; ask the partner's administrator for the permission.", p.Name, partnerID))
	}
	list = append(list, proof.check()...)
	if !slices.Contains(named, specialist) {
		list = append(list, refusal.New("FHM-09", "CBC.0100", "case "+caseNumber, "The request does not name %q; it names %s.", specialist, strings.Join(named, ", ")))
	}
	return list
}
