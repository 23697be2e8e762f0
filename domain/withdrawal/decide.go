package withdrawal

import (
	"slices"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// The matters that a withdrawal puts to people.
var (
	Review     = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject, Worked: true} // may the money leave? (WDR-02)
	Send       = approval.Matter{Name: "send", Approve: Sent, Reject: Fail}                                        // release it for payment: the last checks run before any money moves
	Confirm    = approval.Matter{Name: "confirm", Approve: Arrived, Reject: Bounced}                               // pay it, and say what the bank answered
	LateReturn = approval.Matter{Name: "late-return", Approve: Arrived, Reject: approval.Reject}                   // did the bank really give paid money back?
)

// Matters lists them.
var Matters = []approval.Matter{Review, Send, Confirm, LateReturn}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if i := slices.IndexFunc(Matters, func(m approval.Matter) bool { return m.Name == name }); i >= 0 {
		return Matters[i]
	}
	return approval.Matter{Name: name}
}

// The words by which payments are answered.
const (
	Sent    approval.Outcome = "send"
	Fail    approval.Outcome = "fail"
	Arrived approval.Outcome = "confirm"
	Bounced approval.Outcome = "return" // by the bank
)

// Verdict is what a matter's outcome leads to.
type Verdict struct {
	To   State  // the case's next state; empty: it stays
	Rule string // the rule behind it
	Note string
}

// VerdictOf says what an outcome of a matter means for the case.
func VerdictOf(m approval.Matter, outcome approval.Outcome, route Route) Verdict {
	approved := outcome == approval.Approve
	switch m.Name {
	case Review.Name:
		switch {
		case approved:
			return Verdict{To: Approved, Rule: "WDR-02"}
		case outcome == approval.Return:
			return Verdict{To: Awaiting, Rule: "PGM-11"}
		}
		return Verdict{To: Refused, Rule: "WDR-11"}
	case Send.Name:
		if approved {
			return Verdict{To: Paying, Rule: "WDR-02"}
		}
		return Verdict{To: Failed, Rule: "WDR-11"}
	case Confirm.Name:
		if approved {
			return Verdict{To: Paid, Rule: arrivalRule(route)}
		}
		return Verdict{To: Failed, Rule: "WDR-11"}
	}
	if approved {
		return Verdict{Rule: "WDL-28"}
	}
	return Verdict{Rule: "ENG-06"}
}

// JudgeArrival checks what a confirmation says of the bank's answer: its reference, and the amount to the fen. Asked is the
// reference that the task is about; empty: none yet.
func JudgeArrival(d approval.Decision, route Route, amount money.Amount, asked string) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	task := "task " + d.Task
	switch {
	case strings.TrimSpace(d.Reference) == "":
		refuse("ENG-06", "CBC.0100", task, "A confirmation carries the bank's reference; enter it.")
	case asked != "" && d.Reference != asked:
		refuse("ENG-06", "CBC.0100", task, "The task is about the bank's reference %q, not %q; look at the statement again.", asked, d.Reference)
	}
	entered, err := money.ParseEntered(d.Amount)
	switch {
	case err != nil:
		refuse("COM-02", "CBC.0100", "amount", "%s.", capital(err.Error()))
	case !entered.Equal(amount):
		refuse(arrivalRule(route), "WDR_AMOUNT", task, "The bank confirms %s, the case is about %s; the amounts have to match, settle the difference first.", entered, amount)
	}
	return list
}

// OverdueRule is the rule under which a matter is overdue; empty: the policy's alone.
func OverdueRule(m approval.Matter, route Route, byRule bool) string {
	switch {
	case m.Name == Review.Name || m.Name == LateReturn.Name:
		return ""
	case byRule:
		return "WDL-17"
	case route == Incentive:
		return "WDL-22"
	}
	return "WDL-16"
}

// Cut trims a plan's lines to what was approved: the chosen lots, then from the first line on until the amount is reached.
func Cut(lines []Line, chosen []string, amount money.Amount) []Line {
	var out []Line
	for _, l := range lines {
		if chosen != nil && !slices.Contains(chosen, l.Lot.String()) || amount.Sign() <= 0 {
			continue
		}
		l.Amount = money.Min(l.Amount, amount)
		amount = amount.Sub(l.Amount)
		out = append(out, l)
	}
	return out
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

// JudgeCancel checks whether a person may take an application back: for the own partner, undecided.
func JudgeCancel(p *person.Person, id, partnerID, caseNumber string, state State) refusal.List {
	var list refusal.List
	switch {
	case p == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id))
	case !MayAct(*p, partnerID):
		list = append(list, refusal.New("COM-16", "CBC.0151", "case "+caseNumber, "%s may not act for partner %s; ask the partner's administrator for the permission.", p.Name, partnerID))
	}
	if state != UnderReview && state != Awaiting {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+caseNumber, "The withdrawal is %s; it can be cancelled only until it is decided.", state))
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
		want, _ := Lot{Source: s, Payer: holder}.HolderOn(route, verified)
		if !SameName(want, holder) {
			return false
		}
	}
	return true
}

// Return is a return that was reported before.
type Return struct {
	Task      string       `db:"task_id"`
	Amount    money.Amount `db:"amount"`
	Reference string       `db:"reference"`
	Rejected  bool         `db:"rejected"` // it was no return after all
}

// JudgeLateReturn checks the report that a bank gave back money of a paid withdrawal. The same reference with the same
// amount answers the task it opened first; all reports together may not exceed what was paid.
func JudgeLateReturn(p *person.Person, id string, policy Policy, entered, reference, caseNumber string, state State, paid money.Amount, known []Return) (money.Amount, *Return, refusal.List) {
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
		if t.Reference == reference && !t.Rejected { // a report refused by mistake may be made again
			if t.Amount.Equal(amount) {
				return amount, &known[i], list
			}
			refuse("COM-20", "COM_REQUEST_KEY", "The reference %q was reported with %s before; a return of another amount has another reference.", reference, t.Amount)
		}
		if !t.Rejected {
			total = total.Add(t.Amount)
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
