package withdrawal

import (
	"cmp"
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

// TaskKind is a question that a withdrawal puts to vendor finance.
type TaskKind string

// The questions.
const (
	Review     TaskKind = "review"      // may the money leave? (WDR-02)
	Send       TaskKind = "send"        // release it for payment: the last checks run before any money moves
	Confirm    TaskKind = "confirm"     // pay it, and say what the bank answered
	LateReturn TaskKind = "late-return" // did the bank really give paid money back?
)

// Outcome is an answer.
type Outcome string

// The answers. Which of them a question takes is in answers.
const (
	Approve Outcome = "approve"
	Refuse  Outcome = "refuse"
	Sent    Outcome = "send"
	Fail    Outcome = "fail"
	Arrived Outcome = "confirm"
	Return  Outcome = "return"
)

type answer struct {
	outcome  Outcome
	to       State  // of the case; empty: stays
	rule     string // behind it; empty: that of the route's arrival
	reasoned bool   // needs a reason
	amount   bool   // needs the amount and the bank's reference
}

var answers = map[TaskKind][]answer{
	Review:     {{outcome: Approve, to: Approved, rule: "WDR-02"}, {outcome: Refuse, to: Refused, rule: "WDR-11", reasoned: true}},
	Send:       {{outcome: Sent, to: Paying, rule: "WDR-02"}, {outcome: Fail, to: Failed, rule: "WDR-11", reasoned: true}},
	Confirm:    {{outcome: Arrived, to: Paid, amount: true}, {outcome: Return, to: Failed, rule: "WDR-11", reasoned: true}},
	LateReturn: {{outcome: Arrived, rule: "WDL-28", amount: true}, {outcome: Refuse, rule: "ENG-06", reasoned: true}},
}

// Outcomes lists what a question takes, as people type it.
func Outcomes(k TaskKind) []Outcome {
	var out []Outcome
	for _, a := range answers[k] {
		out = append(out, a.outcome)
	}
	return out
}

// TaskID names a case's one task of a kind.
func TaskID(caseNumber string, k TaskKind) string { return caseNumber + "/" + string(k) }

// TaskState is where a task stands.
type TaskState string

// The states of a task. Closed is a question that went away undecided.
const (
	TaskOpen    TaskState = "open"
	TaskDecided TaskState = "decided"
	TaskClosed  TaskState = "closed"
)

// Task is one question as the database knows it now.
type Task struct {
	ID          string        `db:"task_id"      json:"task"`
	Case        string        `db:"case_number"  json:"case"`
	Kind        TaskKind      `db:"kind"         json:"kind"`
	Question    string        `db:"question"     json:"question"`
	Role        person.Role   `db:"role"         json:"role"`
	EscalatedTo person.Role   `db:"escalated_to" json:"escalated_to,omitempty"`
	OpenedBy    string        `db:"opened_by"    json:"opened_by"`
	State       TaskState     `db:"state"        json:"state"`
	Amount      *money.Amount `db:"amount"       json:"amount,omitempty"` // what a late return is about
	DecidedBy   *string       `db:"decided_by"   json:"decided_by,omitempty"`
	DecidedAt   *time.Time    `db:"decided_at"   json:"decided_at,omitempty"`
	Outcome     Outcome       `db:"outcome"      json:"outcome,omitempty"`
	Reference   string        `db:"reference"    json:"reference,omitempty"`
	DecisionKey *string       `db:"decision_key" json:"-"`

	DecisionDigest []byte `db:"decision_digest" json:"-"`
}

// Decision is a person's answer to a task, as entered.
type Decision struct {
	Task      string  `json:"task"`
	Person    string  `json:"person"`
	Outcome   Outcome `json:"outcome"`
	Reason    string  `json:"reason,omitempty"`
	Amount    string  `json:"amount,omitempty"`    // what the bank confirms
	Reference string  `json:"reference,omitempty"` // the bank's reference
	Key       string  `json:"key,omitempty"`       // request key: a repeat under it is the same decision
}

// WellFormed tells what a message lacks to be looked at at all; every guard of the rules is left to JudgeDecision.
func (d Decision) WellFormed() refusal.List {
	refuse := func(sentence string) refusal.List {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", "decision", "%s", sentence)}
	}
	if d.Task == "" || d.Person == "" || d.Outcome == "" {
		return refuse("A decision names task, person and outcome.")
	}
	if !Fits(64, d.Task, d.Person, string(d.Outcome), d.Amount) || !Fits(128, d.Key) || !Fits(500, d.Reason, d.Reference) {
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
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q", d.Task, d.Person, d.Outcome, d.Reason, plain(d.Amount), d.Reference))
	return sum[:]
}

// DecisionFacts is what a decision is judged by: everything as locked in the deciding transaction.
type DecisionFacts struct {
	Person    *person.Person // nil: unknown
	Submitter string
	Route     Route
	Task      Task
	CaseState State
	Amount    money.Amount // of the withdrawal, or of the late return
	BySignal  bool
	Policy    Policy
}

// Verdict is what an accepted decision leads to.
type Verdict struct {
	To   State  // the case's next state; empty: it stays
	Rule string // the rule behind it
	Note string
}

// JudgeDecision checks one decision: caller, parameters, state, amount, all failed guards at once.
func JudgeDecision(d Decision, f DecisionFacts) (Verdict, refusal.List) {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	task := "task " + f.Task.ID
	switch {
	case f.Person == nil:
		refuse("COM-16", "CBC.0151", "person "+d.Person, "There is no person %q; speak as somebody who is registered.", d.Person)
	case !f.Person.OfVendor() || !f.Person.Holds(f.Task.Role, f.Task.EscalatedTo):
		refuse("COM-16", "CBC.0151", task, "%s does not hold the role %s; somebody with that role decides.", f.Person.Name, f.Task.Role)
	}
	if d.Person == f.Submitter || d.Person == f.Task.OpenedBy {
		refuse("ENG-02", "ENG_SELF_APPROVAL", task, "You cannot decide on your own request; ask a colleague with the role %s (PGM-07).", f.Task.Role)
	}
	if f.BySignal && !f.Policy.DecideBySignal {
		refuse("COM-16", "CBC.0151", task, "This programme takes no decision by signal; decide by update or at the command line.")
	}
	i := slices.IndexFunc(answers[f.Task.Kind], func(a answer) bool { return a.outcome == d.Outcome })
	if i < 0 {
		var choices []string
		for _, o := range Outcomes(f.Task.Kind) {
			choices = append(choices, string(o))
		}
		refuse("COM-08", "CBC.0100", task, "The task %s takes %s, not %q.", f.Task.Kind, strings.Join(choices, " or "), d.Outcome)
		return Verdict{}, append(list, stateOf(f)...)
	}
	a := answers[f.Task.Kind][i]
	if a.reasoned && strings.TrimSpace(d.Reason) == "" {
		refuse("ENG-06", "CBC.0100", task, "The outcome %s needs a reason that the partner will read; enter one.", d.Outcome)
	}
	switch {
	case a.amount && strings.TrimSpace(d.Reference) == "":
		refuse("ENG-06", "CBC.0100", task, "A confirmation carries the bank's reference; enter it.")
	case a.amount && f.Task.Reference != "" && d.Reference != f.Task.Reference:
		refuse("ENG-06", "CBC.0100", task, "The task is about the bank's reference %q, not %q; look at the statement again.", f.Task.Reference, d.Reference)
	}
	list = append(list, stateOf(f)...)
	if a.amount {
		amount, err := money.ParseEntered(d.Amount)
		switch {
		case err != nil:
			refuse("COM-02", "CBC.0100", "amount", "%s.", capital(err.Error()))
		case !amount.Equal(f.Amount):
			refuse(arrivalRule(f.Route), "WDR_AMOUNT", task, "The bank confirms %s, the case is about %s; the amounts have to match, settle the difference first.", amount, f.Amount)
		}
	}
	return Verdict{To: a.to, Rule: cmp.Or(a.rule, arrivalRule(f.Route)), Note: strings.TrimSpace(d.Reason)}, list
}

// arrivalRule is the rule under which money of a route arrives.
func arrivalRule(r Route) string {
	switch r {
	case Original:
		return "WDL-17"
	case BankCard:
		return "WDL-16"
	case Incentive:
	}
	return "WDL-22"
}

func stateOf(f DecisionFacts) refusal.List {
	if f.Task.State == TaskOpen {
		return nil
	}
	what := "was closed undecided"
	if f.Task.State == TaskDecided && f.Task.DecidedBy != nil && f.Task.DecidedAt != nil {
		what = fmt.Sprintf("was decided already: %s by %s at %s", f.Task.Outcome, *f.Task.DecidedBy, f.Task.DecidedAt.UTC().Format(time.RFC3339))
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "task "+f.Task.ID, "The task %s; the case is %s.", what, f.CaseState)}
}

// JudgeCancel checks whether a person may take an application back: for the own partner, undecided.
func JudgeCancel(p *person.Person, id, partnerID, caseNumber string, state State) refusal.List {
	var list refusal.List
	switch {
	case p == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id))
	case !MayAct(*p, partnerID):
		list = append(list, refusal.New("COM-16", "CBC.0151", "case "+caseNumber, "%s may not act for partner %s; ask the partner's administrator for the permission.", p.Name, partnerID))
	}
	if state != UnderReview {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+caseNumber, "The withdrawal is %s; it can be cancelled only while it is under review.", state))
	}
	return list
}

// JudgeDelete checks whether an application may be hidden: refused ones only (WDL-27).
func JudgeDelete(p *person.Person, id, partnerID, caseNumber string, state State) refusal.List {
	list := JudgeCancel(p, id, partnerID, caseNumber, UnderReview) // the caller's part
	if state != Refused {
		list = append(list, refusal.New("WDL-27", "ACCT.WDL.27", "case "+caseNumber, "The withdrawal is %s; only a refused one can be deleted.", state))
	}
	return list
}

// NameAtPayment repeats the name check when the money is about to leave: a payee that has to be the verified subject must
// still be it (WDL-04, WDL-21). A false answer ends the case as FAILED.
func NameAtPayment(route Route, sources []Source, holder, verified string) bool {
	for _, s := range sources {
		want, _ := Lot{Source: s, Payer: holder}.holderOn(route, verified)
		if !SameName(want, holder) {
			return false
		}
	}
	return true
}

// JudgeLateReturn checks the report that a bank gave back money of a paid withdrawal. The same reference with the same
// amount answers the task it opened first; all reports together may not exceed what was paid.
func JudgeLateReturn(p *person.Person, id string, policy Policy, entered, reference, caseNumber string, state State, paid money.Amount, known []Task) (money.Amount, *Task, refusal.List) {
	var list refusal.List
	refuse := func(rule, code, format string, args ...any) {
		list = append(list, refusal.New(rule, code, "case "+caseNumber, format, args...))
	}
	switch {
	case p == nil:
		refuse("COM-16", "CBC.0151", "There is no person %q; speak as somebody who is registered.", id)
	case !p.OfVendor() || !p.Holds(policy.PaymentRole):
		refuse("COM-16", "CBC.0151", "%s does not hold the role %s; somebody with that role reports a return.", p.Name, policy.PaymentRole)
	}
	amount, err := money.ParseEntered(entered)
	if err != nil {
		refuse("COM-02", "CBC.0100", "%s.", capital(err.Error()))
	}
	if strings.TrimSpace(reference) == "" {
		refuse("ENG-06", "CBC.0100", "A return carries the bank's reference; enter it.")
	}
	if state != Paid {
		refuse("ENG-03", "ENG_STATE", "The withdrawal is %s; only money of a PAID one can come back late.", state)
	}
	total := amount
	for i, t := range known {
		if t.Reference == reference && t.Amount != nil && t.Outcome != Refuse { // a report refused by mistake may be made again
			if t.Amount.Equal(amount) {
				return amount, &known[i], list
			}
			refuse("COM-20", "COM_REQUEST_KEY", "The reference %q was reported with %s before; a return of another amount has another reference.", reference, *t.Amount)
		}
		if t.Amount != nil && t.Outcome != Refuse {
			total = total.Add(*t.Amount)
		}
	}
	if total.Cmp(paid) > 0 {
		refuse("WDL-18", "WDR_AMOUNT", "The returns add up to %s, only %s was paid; check the amount.", total, paid)
	}
	return amount, nil, list
}

// OriginalAccount is the account that the lots of an original-route application were paid from, as far as one can tell
// before it is judged: the branch known for it need not be entered again (WDL-14).
func OriginalAccount(app Application, f Facts) string {
	j := judgement{app: app, f: f}
	amount, err := money.ParseEntered(app.Amount)
	if err != nil {
		return ""
	}
	if chosen := j.choose(amount, true); len(chosen) > 0 {
		return chosen[0].lot.PayerAccount
	}
	return ""
}
