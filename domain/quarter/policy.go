package quarter

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Policy is the programme's parameters for payment applications. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"      yaml:"review_role"`      // the payment review, where Approval has no steps
	PaymentRole    person.Role   `json:"payment_role"     yaml:"payment_role"`     // reviews invoices, sends and confirms
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term `json:"review_term"      yaml:"review_term"`      // of the payment review
	InvoiceTerm    calendar.Term `json:"invoice_term"     yaml:"invoice_term"`     // for sending the invoices, from the approval (INV-12)
	PaymentTerm    calendar.Term `json:"payment_term"     yaml:"payment_term"`     // from the accepted invoice to the payment: the expected date (QPY-13)
	ChangesTerm    calendar.Term `json:"changes_term"     yaml:"changes_term"`     // after which a rejected application is reminded of
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal

	Approval approval.Chain `json:"approval,omitzero" yaml:"approval"` // the payment review; without steps one step by ReviewRole
}

// The matters that an application puts to people.
var (
	PaymentReview = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject} // may the quarter be paid?
	Send          = approval.Matter{Name: "send", Approve: "send", Reject: "fail"}                      // release it for payment
	Confirm       = approval.Matter{Name: "confirm", Approve: "confirm", Reject: "return"}              // what the bank answered
)

// Matters lists them.
var Matters = []approval.Matter{PaymentReview, invoice.Review, Send, Confirm}

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	if i := slices.IndexFunc(Matters, func(m approval.Matter) bool { return m.Name == name }); i >= 0 {
		return Matters[i]
	}
	return approval.Matter{Name: name}
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{{Name: "amount", Type: condition.Amount, Words: "the amount"}}

// Values are an application's data for the conditions.
func Values(total money.Amount) condition.Values {
	return condition.Values{"amount": total.String()}
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: person.VendorOperations, PaymentRole: person.VendorFinance, EscalationRole: person.FinanceManager,
		ReviewTerm: calendar.MustTerm("P5WD"), InvoiceTerm: calendar.MustTerm("P30D"), PaymentTerm: calendar.MustTerm("P30D"), ChangesTerm: calendar.MustTerm("P30D"),
		DecideBySignal: true,
	}
}

// Chain is the chain of a matter. Invoice review, send and confirm are one step each, by the payment role.
func (p Policy) Chain(matter string) approval.Chain {
	one := func(role person.Role, due calendar.Term) approval.Chain {
		return approval.Chain{Owner: p.EscalationRole, Steps: []approval.Step{{Name: matter, Who: []approval.Candidate{{Role: role}}, Due: due, Escalate: p.EscalationRole}}}
	}
	switch matter {
	case invoice.Review.Name:
		return invoice.Chain(p.PaymentRole, p.EscalationRole)
	case Send.Name, Confirm.Name:
		return one(p.PaymentRole, p.PaymentTerm)
	}
	c := p.Approval
	if len(c.Steps) == 0 {
		c.Steps = one(p.ReviewRole, p.ReviewTerm).Steps
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, sentence string) {
		if wrong {
			faults = append(faults, errors.New(sentence))
		}
	}
	fault((p.ReviewRole == "" && len(p.Approval.Steps) == 0) || p.PaymentRole == "" || p.EscalationRole == "", "review_role, payment_role and escalation_role name a role each")
	fault(p.ReviewTerm.IsZero() || p.InvoiceTerm.IsZero() || p.PaymentTerm.IsZero() || p.ChangesTerm.IsZero(),
		"review_term, invoice_term, payment_term and changes_term are terms such as P5WD or P30D")
	if err := p.Chain(PaymentReview.Name).Check(Fields, invoice.Review.Name, Send.Name, Confirm.Name, "owner"); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Verdict is what a matter's outcome leads to.
type Verdict struct {
	To   State  // the case's next state; empty: it stays
	Rule string // the rule behind it
}

// VerdictOf says what an outcome of a matter means for the case. A failed invoice is issued anew (INV-15); a payment that could
// not be sent, or that the bank gave back, is ordered anew: the quarter stays waiting for payment until it is paid.
func VerdictOf(m approval.Matter, outcome approval.Outcome) Verdict {
	approved := outcome == approval.Approve
	switch {
	case m.Name == PaymentReview.Name && approved:
		return Verdict{Approved, "QPY-12"}
	case m.Name == PaymentReview.Name:
		return Verdict{Rejected, "QPY-11"}
	case m.Name == invoice.Review.Name && approved:
		return Verdict{Waiting, "QPY-12"}
	case m.Name == invoice.Review.Name:
		return Verdict{"", "INV-15"}
	case m.Name == Confirm.Name && approved:
		return Verdict{Paid, "QPY-13"}
	}
	return Verdict{"", "QPY-13"}
}

// Notice is what people are told, in Chinese and English (QPY-11).
type Notice string

// The notices.
const (
	Submitted   Notice = "submitted"
	WasApproved Notice = "approved"
	WasRejected Notice = "rejected"
	IsWaiting   Notice = "waiting"
	WasPaid     Notice = "paid"
	Reminder    Notice = "reminder" // the quarter is payable and nobody has requested it
	Correct     Notice = "correct"  // a rejected application still waits
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case    string // empty for a reminder
	Partner string
	Quarter string
	Amount  money.Amount
	Note    string
}

// NoticeOf is the notice of a case that came into a state.
func NoticeOf(s State) Notice {
	switch s {
	case Review:
		return Submitted
	case Approved:
		return WasApproved
	case Rejected:
		return WasRejected
	case Waiting:
		return IsWaiting
	case Paid:
		return WasPaid
	}
	return ""
}

var words = map[Notice]struct{ chinese, english, advice string }{
	Submitted:   {"付款申请已提交，审核中", "payment application was submitted", ""},
	WasApproved: {"付款申请审核通过", "payment application was approved", "请打印开票清单，填写发票号码并寄送。 Please print the invoice list, fill in the invoice numbers and post both."},
	WasRejected: {"付款申请被驳回", "payment application was rejected", "请按审核意见修改后重新提交。 Please correct it according to the opinion and submit it again."},
	IsWaiting:   {"待付款", "waits for payment", "付款详情可查看。 The payment detail can be opened now."},
	WasPaid:     {"已付款", "was paid", ""},
	Reminder:    {"可申请付款", "can be requested for payment", "尚未提交付款申请。 Nobody has requested the payment yet."},
	Correct:     {"付款申请待修改", "payment application still waits for its correction", "请按审核意见修改后重新提交。 Please correct it according to the opinion and submit it again."},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("季度付款 %s %s / Quarterly payment %s %s", d.Quarter, w.chinese, d.Quarter, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n金额 amount: %s %s\n", subject, d.Partner, d.Amount, money.CNY)
	if d.Case != "" {
		body += fmt.Sprintf("申请 application: %s\n", d.Case)
	}
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}

// JudgeArrival checks what a confirmation says of the bank's answer: its reference, and the amount to the fen.
func JudgeArrival(d approval.Decision, total money.Amount) refusal.List {
	var list refusal.List
	if strings.TrimSpace(d.Reference) == "" {
		list = append(list, refusal.New("ENG-06", "CBC.0100", "task "+d.Task, "A confirmation carries the bank's reference; enter it."))
	}
	entered, err := money.ParseEntered(d.Amount)
	switch {
	case err != nil:
		list = append(list, refusal.New("COM-02", "CBC.0100", "amount", "%s.", capital(err.Error())))
	case !entered.Equal(total):
		list = append(list, refusal.New("QPY-06", "CBC.0100", "task "+d.Task, "The bank confirms %s, the quarter is paid with %s; the amounts have to match, settle the difference first.", entered, total))
	}
	return list
}
