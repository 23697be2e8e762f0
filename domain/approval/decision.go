package approval

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Decision is what a person does about a task, as entered.
type Decision struct {
	Task      string   `json:"task"` // names the case, the step and the round
	Person    string   `json:"person"`
	Outcome   Outcome  `json:"outcome"`
	Reason    string   `json:"reason,omitempty"`
	Amount    string   `json:"amount,omitempty"`    // approve: a lower amount; a confirmation: what the bank confirms
	Lines     []string `json:"lines,omitempty"`     // approve: only these
	To        string   `json:"to,omitempty"`        // the person of transfer, delegate, add-signer and copy; the step of back
	Before    bool     `json:"before,omitempty"`    // add-signer: before oneself, not after
	Reference string   `json:"reference,omitempty"` // the bank's reference
	Key       string   `json:"key,omitempty"`       // request key: a repeat under it is the same decision
}

// WellFormed tells what a message lacks to be looked at at all; every guard of the rules is left to Judge.
func (d Decision) WellFormed() refusal.List {
	refuse := func(sentence string) refusal.List {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", "decision", "%s", sentence)}
	}
	if d.Task == "" || d.Person == "" || d.Outcome == "" {
		return refuse("A decision names task, person and outcome.")
	}
	if !Fits(64, d.Task, d.Person, string(d.Outcome), d.Amount, d.To) || !Fits(128, d.Key) || !Fits(500, d.Reason, d.Reference) || len(d.Lines) > 100 || !Fits(64, d.Lines...) {
		return refuse("A decision is text without NUL characters, at most 500 of it for reason and reference each, 64 for what else it names.")
	}
	return nil
}

// Fits tells whether a message's texts are short enough and can be kept: a refusal repeats them, and Temporal ends a run
// whose answer is too large.
func Fits(limit int, texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return utf8.RuneCountInString(s) > limit || strings.ContainsRune(s, 0) })
}

// Digest identifies what is decided: a decision's key with another content is another decision (COM-20).
func (d Decision) Digest() []byte {
	text := fmt.Sprintf("%q %q %q %q %q %q", d.Task, d.Person, d.Outcome, d.Reason, plain(d.Amount), d.Reference)
	if len(d.Lines) > 0 || d.To != "" || d.Before { // a decision of before these were known keeps its digest
		text += fmt.Sprintf(" %q %q %t", d.Lines, d.To, d.Before)
	}
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// plain writes an amount in its one way, so that 800 and 800.00 are the same decision.
func plain(entered string) string {
	if a, err := money.ParseEntered(entered); err == nil {
		return a.String()
	}
	return entered
}

// Matter is what a chain is about, and by which words it is answered.
type Matter struct {
	Name    string  // "review", "send": names the matter of a case
	Approve Outcome // the word for approve
	Reject  Outcome // the word for reject
	Worked  bool    // people deliberate: return, back, signers and lower amounts are possible
}

// Word is what people call an answer in this matter.
func (m Matter) Word(o Outcome) Outcome {
	if o == Approve {
		return m.Approve
	}
	if o == Reject {
		return m.Reject
	}
	return o
}

// Outcomes lists what a decider may answer, as people type it.
func (m Matter) Outcomes() []Outcome {
	out := []Outcome{m.Approve, m.Reject}
	if m.Worked {
		out = append(out, Return, Back, AddSigner, RemoveSigner)
	}
	return append(out, Ask, Transfer, Delegate, Comment, Copy)
}

// act is what an entered word means; empty: the matter does not take it.
func (m Matter) act(o Outcome) Outcome {
	switch {
	case o == m.Approve:
		return Approve
	case o == m.Reject:
		return Reject
	case o == Approve || o == Reject || o == Urge:
		if o == Urge {
			return Urge
		}
		return ""
	case slices.Contains(m.Outcomes(), o):
		return o
	}
	return ""
}

// TaskState is where a task stands.
type TaskState string

// The states of a task. Closed is a question that went away undecided.
const (
	TaskOpen    TaskState = "open"
	TaskWaiting TaskState = "waiting" // a signer was put before it
	TaskDecided TaskState = "decided"
	TaskClosed  TaskState = "closed"
)

// Party is a person as a decision looks at them: with the people for whom they substitute at its instant.
type Party struct {
	person.Person
	StandsInFor []person.Person
}

// Round is what a decision is judged by: everything as locked in the deciding transaction.
type Round struct {
	Matter    Matter
	Seat      string // that the decision is about
	CaseState string
	Number    int // the round of the task
	Latest    int // the round that is open or was last
	Plan      Plan
	Moves     []Move
	Partner   string // whose case it is; empty: nobody's
	Submitter string
	OpenedBy  string   // who asked the question
	Applied   []string // everybody who applied in this or a former round
	Amount    money.Amount
	Lines     map[string]money.Amount // what may be approved separately
	Ended     bool                    // the round was closed from outside: the case was withdrawn, stopped or migrated
	Changed   bool                    // the content is not what the round was opened about
	DefaultAt *time.Time              // when the deadline decides the task
	History   func(task string) string
}

// People are those whom a decision names, as they are now.
type People struct {
	By       *Party // nil: unknown
	To       *Party // nil: unknown or not named
	OwnSide  bool   // By may act for the case's partner
	BySignal bool
	Signals  bool // the policy takes decisions by signal
}

// Judge checks one decision on a seat of a round: caller, parameters, state, amount, all failed guards at once. The
// answer is the move that it comes to.
func Judge(d Decision, at time.Time, r Round, who People) (Move, refusal.List) {
	j := judgement{d: d, r: r, who: who, object: "task " + d.Task}
	standing, err := r.Plan.Standing(r.Moves)
	if err != nil {
		panic(err) // moves are only ever accepted ones
	}
	if r.Ended {
		standing.Close()
	}
	j.standing = standing
	j.act = r.Matter.act(d.Outcome)
	j.seat = standing.Seat(r.Seat)
	if who.By == nil {
		j.list = append(j.list, refusal.New("COM-16", "CBC.0151", "person "+d.Person, "There is no person %q; speak as somebody who is registered.", d.Person))
	}
	if who.BySignal && !who.Signals {
		j.refuse("COM-16", "CBC.0151", "This programme takes no decision by signal; decide by update or at the command line.")
	}
	m := Move{Act: j.act, Seat: r.Seat, Person: d.Person}
	switch {
	case slices.Contains([]Outcome{Urge, Comment, Copy}, j.act):
		j.onlooker()
	case j.act == RemoveSigner:
		j.remover()
	default:
		m.OnBehalf = j.decider()
	}
	j.parameters(&m)
	j.state(at)
	if j.act == Approve && r.Matter.Worked && j.seat != nil && j.seat.State == Open {
		j.amounts(&m)
	}
	return m, j.list
}

type judgement struct {
	d        Decision
	r        Round
	who      People
	act      Outcome
	seat     *Seat
	standing Standing
	object   string
	opinion  bool // By is asked by a delegator, who decides
	list     refusal.List
}

// own tells whether a person applied for what is decided, in whichever round.
func (r Round) own(id string) bool {
	return id == r.Submitter || id == r.OpenedBy || slices.Contains(r.Applied, id)
}

func (j *judgement) refuse(rule, code, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, j.object, format, args...))
}

// onlooker: who submitted may urge; the submitter's side and the vendor's people may comment and copy.
func (j *judgement) onlooker() {
	by := j.who.By
	switch {
	case by == nil:
	case !by.Active:
		j.refuse("COM-16", "CBC.0151", "%s has left; only active people have a say.", by.Name)
	case j.act == Urge && !j.who.OwnSide:
		j.refuse("COM-16", "CBC.0151", "%s did not apply; who may act for the partner urges.", by.Name)
	case j.act != Urge && !j.who.OwnSide && !by.OfVendor():
		j.refuse("COM-16", "CBC.0151", "%s has no part in the case; its partner's people and the vendor's have.", by.Name)
	}
}

// remover: who added a signer, or the process owner; never on the own request.
func (j *judgement) remover() {
	by := j.who.By
	if by == nil || j.seat == nil {
		return
	}
	added, owns := by.Active && j.seat.AddedBy == by.ID, by.OfVendor() && by.Holds(j.r.Plan.Owner)
	if !added && !owns {
		j.refuse("COM-16", "CBC.0151", "%s did not add this signer and does not hold the role %s; one of these removes it.", by.Name, j.r.Plan.Owner)
	}
	if j.r.own(by.ID) {
		j.refuse("ENG-02", "ENG_SELF_APPROVAL", "You cannot choose who decides on your own request; ask somebody else with the role %s (PGM-07).", j.r.Plan.Owner)
	}
}

// decider checks authority and answers for whom a substitute acts.
func (j *judgement) decider() string {
	by := j.who.By
	if by == nil {
		return ""
	}
	if j.seat == nil {
		return ""
	}
	principal, ok := j.seat.For(*by)
	if !ok {
		j.refuse("COM-16", "CBC.0151", "%s %s; somebody of these decides: %s.", by.Name, j.seat.why(*by), j.seat.asked())
	}
	behalf := ""
	if ok && principal.ID != by.ID {
		behalf = principal.ID
	}
	j.opinion = ok && j.seat.opinion(principal.ID)
	if j.opinion && (j.act == Return || j.act == Back) {
		asker := j.seat.Delegators[len(j.seat.Delegators)-1]
		j.refuse("COM-16", "CBC.0151", "%s was asked for an opinion by %s, who decides; approve or reject with the reason.", by.Name, asker)
	}
	for _, id := range []string{by.ID, behalf} { // also through substitution and delegation
		if id == "" {
			continue
		}
		if j.r.own(id) {
			j.refuse("ENG-02", "ENG_SELF_APPROVAL", "%s; ask %s (PGM-07).", ownRequest(id == by.ID, id), j.seat.asked())
		} else if at := j.standing.signed(id, j.seat, j.r.Plan.RepeatSigners); at != "" && !j.opinion && slices.Contains(decides, j.act) {
			j.refuse("ENG-02", "ENG_SELF_APPROVAL", "%s has decided step %s of this round already; somebody else of %s decides here.", id, at, j.seat.asked())
		}
	}
	return behalf
}

// decides are the acts that a person who has decided elsewhere in the round leaves to somebody else: answers, and delegating,
// which comes back.
var decides = []Outcome{Approve, Reject, Return, Back, Delegate}

func ownRequest(own bool, id string) string {
	if own {
		return "You cannot decide on your own request"
	}
	return fmt.Sprintf("You cannot decide for %s on %s's own request", id, id)
}

// parameters checks what the act needs.
func (j *judgement) parameters(m *Move) {
	switch {
	case j.act == "":
		var words []string
		for _, o := range j.r.Matter.Outcomes() {
			words = append(words, string(o))
		}
		j.refuse("COM-08", "CBC.0100", "The task %s takes %s, not %q.", j.r.Matter.Name, strings.Join(words, ", "), j.d.Outcome)
	case slices.Contains([]Outcome{Reject, Return, Back, Ask, Comment}, j.act):
		if strings.TrimSpace(j.d.Reason) == "" {
			j.refuse("ENG-06", "CBC.0100", "The outcome %s needs a reason that others will read; enter one.", j.d.Outcome)
		}
		if j.act == Back {
			m.To = j.d.To
		}
	case slices.Contains([]Outcome{Transfer, Delegate, AddSigner, Copy}, j.act):
		m.To, m.Before = j.d.To, j.d.Before
		j.receiver()
	}
	if j.act == Back && (j.seat == nil || !j.standing.earlier(j.r.Plan, j.d.To, j.seat.Step)) {
		j.refuse("COM-08", "CBC.0100", "%q is no earlier step of the round; name one of: %s.", j.d.To, strings.Join(j.standing.before(j.r.Plan, j.seat), ", "))
	}
	if j.act == RemoveSigner && j.seat != nil && j.seat.undecided() && !j.standing.Removable(j.r.Plan, j.seat.Name) {
		j.refuse("ENG-03", "ENG_STATE", "Without this signer step %s could not be decided any more; transfer the task instead.", j.seat.Step)
	}
}

// receiver checks the person to whom a task goes.
func (j *judgement) receiver() {
	to := j.who.To
	switch {
	case j.d.To == "":
		j.refuse("COM-08", "CBC.0100", "The outcome %s names the person it goes to.", j.d.Outcome)
		return
	case to == nil:
		j.refuse("COM-16", "CBC.0151", "There is no person %q; name somebody who is registered.", j.d.To)
		return
	case !to.Active || !to.OfVendor() && j.act != Copy:
		j.refuse("COM-16", "CBC.0151", "%s is not one of the vendor's active people; name somebody who is.", to.Name)
		return
	}
	if j.act == Copy {
		if !to.OfVendor() && to.PartnerID != j.r.Partner { // a notice says what the case is about
			j.refuse("COM-16", "CBC.0151", "%s has no part in the case; name one of its partner's people or of the vendor's.", to.Name)
		}
		return
	}
	if to.ID == j.d.Person {
		j.refuse("COM-08", "CBC.0100", "The task is with you already; name somebody else.")
	}
	if j.r.own(to.ID) {
		j.refuse("ENG-02", "ENG_SELF_APPROVAL", "%s cannot decide on a request of their own; name somebody else (PGM-07).", to.Name)
	}
	if j.seat == nil || j.act == Delegate {
		return
	}
	if at := j.standing.signed(to.ID, j.seat, j.r.Plan.RepeatSigners); at != "" {
		j.refuse("ENG-02", "ENG_SELF_APPROVAL", "%s has decided step %s of this round already; name somebody else.", to.Name, at)
	}
	if j.standing.asks(to.ID, j.seat, j.act == AddSigner) {
		j.refuse("COM-08", "CBC.0100", "%s is asked in step %s already; name somebody else.", to.Name, j.seat.Step)
	}
	if j.act == Transfer && len(j.seat.Roles) > 0 && !to.Holds(j.seat.Roles...) {
		j.refuse("COM-16", "CBC.0151", "%s does not hold %s, which the step asks for; name somebody who does.", to.Name, rolesText(j.seat.Roles))
	} else if amount := j.standing.Granted(j.r.Amount, j.r.Lines); j.act == Transfer && j.r.Plan.Step(j.seat.Step).Banded && !j.r.Plan.band(to.Person, amount) {
		j.refuse("COM-16", "CBC.0151", "%s is above what %s may approve; name somebody with a higher band.", amount, to.Name)
	}
}

// state tells whether the task can still be decided, and what happened meanwhile if not.
func (j *judgement) state(at time.Time) {
	if j.act == Comment || j.act == Copy {
		return
	}
	if j.seat == nil || j.seat.State != Open && (j.seat.State != Waiting || j.act != RemoveSigner) {
		what := "is not open"
		if j.r.History != nil {
			what = j.r.History(j.d.Task)
		}
		round := ""
		if j.r.Latest > j.r.Number {
			round = fmt.Sprintf(" It belongs to round %d, the case is in round %d.", j.r.Number, j.r.Latest)
		}
		j.refuse("ENG-03", "ENG_STATE", "The task %s; the case is %s.%s", what, j.r.CaseState, round)
		return
	}
	if j.r.DefaultAt != nil && !at.Before(*j.r.DefaultAt) && j.act != Urge {
		j.refuse("PGM-02", "ENG_STATE", "The term closed at %s and the deadline decides; a decision at that instant is late.", j.r.DefaultAt.UTC().Format(time.RFC3339))
	}
	if j.r.Changed && j.act == Approve && j.r.Matter.Worked { // what was granted is looked at again when it is sent
		j.refuse("ENG-03", "ENG_STATE", "What is applied for has changed since the round was opened, so its approvals are void; return it for changes or refuse it.")
	}
}

// amounts checks an approval of less, and the deciding person's band.
func (j *judgement) amounts(m *Move) {
	amount, known := j.standing.Granted(j.r.Amount, j.r.Lines), true
	for _, l := range j.d.Lines {
		if _, ok := j.r.Lines[l]; !ok {
			known = false
			j.refuse("COM-08", "CBC.0100", "The application has no line %q.", l)
		}
	}
	m.Lines = j.d.Lines
	if len(j.d.Lines) > 0 && known {
		narrowed := j.standing
		narrowed.Lines = common(narrowed.Lines, j.d.Lines)
		if amount = narrowed.Granted(j.r.Amount, j.r.Lines); amount.Sign() <= 0 {
			j.refuse("COM-08", "CBC.0100", "Nothing of what others approved is among these lines; reject it with a reason.")
		}
	}
	if j.d.Amount != "" {
		less, err := money.ParseEntered(j.d.Amount)
		switch {
		case err != nil:
			j.refuse("COM-02", "CBC.0100", "%s.", capital(err.Error()))
		case less.Cmp(amount) > 0:
			j.refuse("COM-08", "CBC.0100", "%s is more than the %s that can be approved; approve that or less.", less, amount)
		default:
			m.Amount, amount = &less, less
		}
	}
	if (m.Amount != nil && !m.Amount.Equal(j.r.Amount) || len(m.Lines) > 0) && strings.TrimSpace(j.d.Reason) == "" {
		j.refuse("ENG-06", "CBC.0100", "Approving less than was asked for needs a reason that others will read; enter one.")
	}
	if step := j.r.Plan.Step(j.seat.Step); step.Banded && !j.opinion && !j.mayApprove(amount) {
		j.refuse("COM-16", "CBC.0151", "%s is above what %s may approve; transfer it to somebody with a higher band.", amount, j.who.By.Name)
	}
}

// mayApprove tells whether the person, or the one they stand in for, has a band that holds the amount. The process owner
// decides what nobody else can, whatever the bands. Who may not decide at all was told so.
func (j *judgement) mayApprove(amount money.Amount) bool {
	if j.who.By == nil {
		return true
	}
	principal, ok := j.seat.For(*j.who.By)
	return !ok || j.r.Plan.band(principal, amount)
}

func (p Plan) band(by person.Person, amount money.Amount) bool {
	return by.Holds(p.Owner) || slices.ContainsFunc(p.Bands, func(b Band) bool { return b.holds(amount) && by.Holds(b.Role) })
}

// For finds in whose place a person may decide a seat: their own first, then one for whom they stand in. Only the vendor's
// active people stand in for somebody.
func (s Seat) For(by Party) (person.Person, bool) {
	if s.names(by.Person) {
		return by.Person, true
	}
	if by.Active && by.OfVendor() {
		for _, p := range by.StandsInFor {
			if s.names(p) {
				return p, true
			}
		}
	}
	return person.Person{}, false
}

func (s Seat) names(p person.Person) bool {
	if !p.Active {
		return false
	}
	for _, w := range s.Who {
		if w.Person() == p.ID && (len(s.Roles) == 0 || s.opinion(p.ID) || p.OfVendor() && p.Holds(s.Roles...)) { // the role is held now
			return true
		}
		if role := w.Role(); role != "" && p.OfVendor() && p.Holds(role) {
			return true
		}
	}
	return false
}

// why says why a person may not decide a seat.
func (s Seat) why(by Party) string {
	switch {
	case !by.Active:
		return "has left"
	case slices.Contains(s.Who, PersonWho(by.ID)):
		return fmt.Sprintf("does not hold %s any more", rolesText(s.Roles))
	case len(s.Roles) > 0 && (!by.OfVendor() || !by.Holds(s.Roles...)):
		return fmt.Sprintf("does not hold the role %s", rolesText(s.Roles))
	}
	return "is not asked here"
}

// asked lists whom a seat is put to, for people.
func (s Seat) asked() string {
	var who []string
	for _, w := range s.Who {
		if r := w.Role(); r != "" {
			who = append(who, fmt.Sprintf("the role %s", r))
		} else {
			who = append(who, w.Person())
		}
	}
	return strings.Join(who, " or ")
}

func (s Seat) undecided() bool { return s.State == Open || s.State == Waiting }

// signed finds the step in which a person has a say already that bars them from this seat; empty: none.
func (s Standing) signed(id string, seat *Seat, repeat bool) string {
	for _, x := range s.Seats {
		if x.Void || x.Name == seat.Name || x.State != Approved && x.State != Rejected || x.Person != id && x.OnBehalf != id {
			continue
		}
		if x.Step == seat.Step || !repeat {
			return x.Step
		}
	}
	for _, c := range s.carried {
		if !repeat && (c.Person == id || c.OnBehalf == id) {
			return c.Step
		}
	}
	return ""
}

// asks tells whether an open question of a seat's step is put to a person by name: deciding two seats of a step is barred.
// A signer is not asked in the seat beside which they are added either.
func (s Standing) asks(id string, seat *Seat, own bool) bool {
	return slices.ContainsFunc(s.Seats, func(x Seat) bool {
		if x.Name == seat.Name && !own || x.Step != seat.Step || !x.undecided() {
			return false
		}
		return slices.Contains(x.Who, PersonWho(id)) || slices.Contains(x.Delegators, id)
	})
}

// Signed lists who has decided a seat of the round that counts: they do not decide another one.
func (s Standing) Signed(seat string, repeat bool) []string {
	at := s.Seat(seat)
	var all, ids []string
	for _, x := range s.Seats {
		all = append(all, x.Person, x.OnBehalf)
	}
	for _, c := range s.carried {
		all = append(all, c.Person, c.OnBehalf)
	}
	for _, id := range all {
		if id != "" && at != nil && !at.opinion(id) && s.signed(id, at, repeat) != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// before lists the steps to which a seat may be sent back.
func (s Standing) before(p Plan, seat *Seat) []string {
	var names []string
	for _, step := range p.Steps {
		if seat != nil && s.earlier(p, step.Name, seat.Step) {
			names = append(names, step.Name)
		}
	}
	return names
}

func (s Standing) earlier(p Plan, name, than string) bool {
	r := round{plan: p, groups: p.groups()}
	at := r.groupOf(name)
	return at >= 0 && at < r.groupOf(than)
}

func rolesText(roles []person.Role) string {
	var out []string
	for _, r := range roles {
		out = append(out, string(r))
	}
	return strings.Join(out, " or ")
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// TaskID names a seat's task: W000001/review, W000001/review.2, in a later round W000001/review@2.
func TaskID(caseNumber, seat string, round int) string {
	if round > 1 {
		return fmt.Sprintf("%s/%s@%d", caseNumber, seat, round)
	}
	return caseNumber + "/" + seat
}

// SeatOf is the first part of a seat in the name of a task: the matter, where the seat is named after it.
func SeatOf(task string) string {
	_, seat, _ := strings.Cut(task, "/")
	if i := strings.IndexAny(seat, ".@"); i >= 0 {
		seat = seat[:i]
	}
	return seat
}

// CaseOf is the case that a task belongs to.
func CaseOf(task string) string {
	number, _, _ := strings.Cut(task, "/")
	return number
}
