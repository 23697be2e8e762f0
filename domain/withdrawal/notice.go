package withdrawal

import (
	"fmt"

	"countersign/domain/money"
)

// Notice is what people are told, in Chinese and English.
type Notice string

// The notices. Each is sent once a case; submitted and returned once a round.
const (
	Submitted    Notice = "submitted"
	WasApproved  Notice = "approved"
	WasSent      Notice = "sent"
	WasPaid      Notice = "paid"
	WasRefused   Notice = "refused"
	WasReturned  Notice = "returned" // for changes
	WasCancelled Notice = "cancelled"
	HasFailed    Notice = "failed"
	WasDeleted   Notice = "deleted"
	ReturnedLate Notice = "returned-late"
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case    string
	Partner string
	Amount  money.Amount
	Holder  string
	State   State
	Note    string // reason or reference, in the words of who decided
}

// NoticeOf is the notice of a case that came into a state.
func NoticeOf(s State) Notice {
	switch s {
	case UnderReview:
		return Submitted
	case Approved:
		return WasApproved
	case Paying:
		return WasSent
	case Paid:
		return WasPaid
	case Refused:
		return WasRefused
	case Awaiting:
		return WasReturned
	case Cancelled:
		return WasCancelled
	case Failed:
		return HasFailed
	case Deleted:
		return WasDeleted
	}
	return ""
}

var words = map[Notice]struct{ chinese, english, advice string }{
	Submitted:    {"已提交", "was submitted", "资金已冻结。 The money is held until the application is decided."},
	WasApproved:  {"审核通过", "was approved", "即将付款。 It will be paid next."},
	WasSent:      {"付款中", "is being paid", "等待银行确认。 Waits for the bank's confirmation."},
	WasPaid:      {"已到账", "was paid", ""},
	WasRefused:   {"审核未通过", "was refused", "资金已解冻。 The held money is back on the account."},
	WasReturned:  {"已退回修改", "was returned for changes", "请修改后重新提交，资金仍冻结。 Please change it and resubmit; the money stays held."},
	WasCancelled: {"已取消", "was cancelled", "资金已解冻。 The held money is back on the account."},
	HasFailed:    {"付款失败", "failed", "资金已解冻，请核对账户后重新申请。 The held money is back on the account; check the payee and apply anew."},
	WasDeleted:   {"已删除", "was deleted", ""},
	ReturnedLate: {"银行退回", "was returned by the bank", "退回金额已入账。 The returned amount is back on the account."},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("提现 %s %s / Withdrawal %s %s", d.Case, w.chinese, d.Case, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n金额 amount: %s %s\n收款人 payee: %s\n", subject, d.Partner, d.Amount, money.CNY, d.Holder)
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
