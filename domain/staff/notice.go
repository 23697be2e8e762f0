package staff

import (
	"fmt"

	"countersign/domain/money"
)

// Notice is what people are told, in Chinese and English.
type Notice string

// The notices.
const (
	Submitted Notice = "submitted"
	HasPassed Notice = "passed"
	HasFailed Notice = "failed"
	Ready     Notice = "ready"  // last month's list waits for the partner (FHM-08)
	HasLapsed Notice = "lapsed" // the list was not confirmed in time
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case    string // empty for what is no case yet
	Partner string
	Month   string
	Amount  money.Amount
	Note    string
}

// NoticeOf is the notice of a request that came into a state.
func NoticeOf(s State) Notice {
	switch s {
	case InReview:
		return Submitted
	case Passed:
		return HasPassed
	case Failed:
		return HasFailed
	case Open, ToConfirm, Lapsed:
	}
	return ""
}

var words = map[Notice]struct{ chinese, english, advice string }{
	Submitted: {"已提交，初审中", "was submitted for the preliminary review", ""},
	HasPassed: {"初审通过", "passed the preliminary review", "季度内各月完成后可申请付款。 Its quarter can be requested for payment once its months are final."},
	HasFailed: {"初审未通过", "failed the preliminary review", "请在当月内修改后重新提交。 Please correct it and send it again within the same month."},
	Ready:     {"明细已生成，待确认", "is listed and waits for your confirmation", "请核对人员并提交证明材料。 Please check the people and submit their proofs."},
	HasLapsed: {"逾期未确认，已失效", "lapsed: it was not confirmed in time", ""},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("专职人员激励 %s %s / Dedicated staff of %s %s", d.Month, w.chinese, d.Month, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n金额 amount: %s %s\n", subject, d.Partner, d.Amount, money.CNY)
	if d.Case != "" {
		body += fmt.Sprintf("申请 request: %s\n", d.Case)
	}
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
