package requisition

import (
	"fmt"

	"countersign/domain/money"
)

// Notice is what people are told of a requisition, in Chinese and English.
type Notice string

// The notices.
const (
	Invoicing    Notice = "invoice"   // waits for the partner's invoice
	IsPaid       Notice = "completed" // the amount reached its target (PAY-28)
	HasFailed    Notice = "failed"
	WasRejected  Notice = "rejected"
	TakesLong    Notice = "alarm"   // to the vendor's operations (PAY-25)
	SpecialAsked Notice = "special" // answer to a special case
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case, Partner string
	Method        Method
	Settlement    money.Amount
	Currency      string
	Note          string
}

var words = map[Notice]struct{ chinese, english, advice string }{
	Invoicing:    {"待伙伴开票", "waits for your invoice", "请查看开票清单并寄送发票。 See the invoice list, issue the invoices and send them with it."},
	IsPaid:       {"已完成", "is completed", "金额已到达。 The amount has reached its target."},
	HasFailed:    {"发放异常", "failed", "客服将处理，无需重新申请。 Customer service will complete it; do not apply again."},
	WasRejected:  {"申付被拒绝", "was rejected", "账单可重新申请。 Its bills can be requested again."},
	TakesLong:    {"付款超期", "is not paid in time", "收到正确发票已超过期限，请处理。 The days since a correct invoice was received are over; see what it waits for."},
	SpecialAsked: {"特殊申请已答复", "has the answer to its special case", ""},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("申付单 %s %s / Requisition %s %s", d.Case, w.chinese, d.Case, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n方式 method: %s\n金额 amount: %s %s\n", subject, d.Partner, d.Method, d.Settlement, d.Currency)
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
