package invoice

import (
	"fmt"
	"strings"
)

// Notice is what a partner is told about its invoices, in Chinese and English.
type Notice string

// The notices.
const (
	Invoicing Notice = "invoicing" // once a list
	Passed    Notice = "accepted"
	Failed    Notice = "failed" // once a round
	Overdue   Notice = "overdue"
	Returned  Notice = "returned" // an ordinary invoice is on its way back
)

var words = map[Notice]struct{ chinese, english, advice string }{
	Invoicing: {"开票通知", "please invoice", "请打印开票清单，填写发票号码，与发票一并寄出。 Print the list, write the invoice numbers on it and send both together."},
	Passed:    {"发票审核通过", "the invoices were accepted", "等待付款。 Wait for the payment."},
	Failed:    {"发票审核不通过", "the invoices failed their review", "请重新开具新号码的发票并再次寄出。 Issue new invoices with new numbers and send them again."},
	Overdue:   {"发票逾期未寄", "the invoices are overdue", "申请不会自动取消，请尽快寄出。 The request is not cancelled; send the invoices as soon as you can."},
	Returned:  {"普通发票已退回", "an ordinary invoice is sent back", "请改开增值税专用发票。 Issue a special VAT invoice instead."},
}

// Text writes a notice. It names the list, where it opens, and both addresses (INV-01, INV-03).
func (n Notice) Text(l List, note string) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("%s %s / %s: %s", w.chinese, l.Case, l.Case, w.english)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s\n", subject)
	line("开票清单 invoice list: %s, 单据 case %s", l.No, l.Case)
	line("购买方 buyer: %s", l.Buyer)
	line("开票金额 amount, tax included: %s %s", l.Amount, l.Currency)
	line("税率 tax rate: %s", l.Rate.Percent())
	line("寄出期限 send by: %s", l.DueDate)
	line("邮寄地址 mailing address: %s", l.MailingAddress)
	line("公共邮箱 public mailbox: %s", l.PublicMailbox)
	if note != "" {
		line("说明 note: %s", note)
	}
	line("\n%s", w.advice)
	return subject, b.String()
}
