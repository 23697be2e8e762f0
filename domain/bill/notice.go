package bill

import (
	"fmt"
	"strings"

	"countersign/domain/calendar"
	"countersign/domain/money"
)

// Notice is what a partner's people are told about bills, in Chinese and English.
type Notice string

// The notices.
const (
	IsPresented  Notice = "presented" // bills to confirm
	IsReminder   Notice = "reminder"  // a few days before the deadline
	WasConfirmed Notice = "confirmed" // by the deadline
	WasReleased  Notice = "released"
	WasVoided    Notice = "voided"
	WasAnswered  Notice = "answered"
	WasMoved     Notice = "transferred"
	IsWithVendor Notice = "returned" // rejected, or not released: operations recalculates
	IsQuestioned Notice = "question" // to operations
)

var words = map[Notice]struct{ chinese, english, advice string }{
	IsPresented:  {"待确认", "to confirm", "请在公示截止日前确认或驳回，逾期系统自动确认。 Confirm or reject before the deadline is over; then the system confirms."},
	IsReminder:   {"提醒：待确认", "still to confirm", "公示即将截止，逾期系统自动确认。 The deadline is near; when it is over the system confirms."},
	WasConfirmed: {"已由系统确认", "confirmed by the system", "公示截止日已过。 The deadline is over."},
	WasReleased:  {"发放成功", "released", "可以申请发放。 The incentive may be requested."},
	WasVoided:    {"已作废", "void", "激励已超过有效期，不可恢复。 The incentive is past its validity and cannot be restored."},
	WasAnswered:  {"问题已答复", "question answered", ""},
	WasMoved:     {"已转移", "moved to another account", ""},
	IsWithVendor: {"重新核算中", "being recalculated", "重新公示后请再次确认。 Check the bills when they are presented anew."},
	IsQuestioned: {"问题反馈", "question", "请答复。 Please answer it."},
}

// NoticeData is what a notice tells.
type NoticeData struct {
	Case, Partner, Period string
	Bills                 []string
	Amount                money.Amount  // of the bills together
	Deadline              calendar.Date // zero: none
	Note                  string
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("激励账单 %s %s / Incentive bills of %s %s", d.Period, w.chinese, d.Period, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n账单 bills: %s\n金额 amount: %s %s\n", subject, d.Partner, strings.Join(d.Bills, ", "), d.Amount, money.CNY)
	if d.Case != "" {
		body += fmt.Sprintf("对账 case: %s\n", d.Case)
	}
	if !d.Deadline.IsZero() {
		body += fmt.Sprintf("公示截止日 deadline: %s\n", d.Deadline)
	}
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
