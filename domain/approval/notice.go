package approval

import (
	"fmt"
	"time"

	"countersign/domain/calendar"
)

// Notice is what people are told about a task.
type Notice string

// The notices.
const (
	TaskOpened  Notice = "opened"    // you may decide
	TaskRemind  Notice = "reminder"  // you still may
	TaskOverdue Notice = "escalated" // it is overdue, and you may decide as well
	TaskAsked   Notice = "asked"     // a decider asks the applicant for information
	TaskSaid    Notice = "comment"   //
	TaskUrged   Notice = "urged"     // the applicant asks for haste
	TaskCopied  Notice = "copied"    // for your information
	RoundOver   Notice = "decided"   // what you took part in was decided
)

var noticeWords = map[Notice]struct{ chinese, english, advice string }{
	TaskOpened:  {"待您处理", "waits for you", "请处理。 Please decide it."},
	TaskRemind:  {"提醒：尚待您处理", "still waits for you", "请在到期前处理。 Please decide it before it is due."},
	TaskOverdue: {"已超期", "is overdue", "请处理。 Please see to it."},
	TaskAsked:   {"需要补充信息", "needs information", "请以评论回复。 Please answer with a comment."},
	TaskSaid:    {"有新评论", "has a new comment", ""},
	TaskUrged:   {"催办", "is urged", "申请人请您尽快处理。 The applicant asks for haste."},
	RoundOver:   {"所属审批已有结果", "is part of what was decided", ""},
	TaskCopied:  {"抄送", "for your information", ""},
}

// NoticeData is what a notice tells.
type NoticeData struct {
	Task, Case, Partner, Question string
	DueAt                         *time.Time // shown in UTC+8
	By, Note                      string     // who said it and what
}

// Text writes a notice in Chinese and English.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := noticeWords[n]
	subject = fmt.Sprintf("任务 %s %s / Task %s %s", d.Task, w.chinese, d.Task, w.english)
	body = fmt.Sprintf("%s\n\n事项 case: %s\n伙伴 partner: %s\n", subject, d.Case, d.Partner)
	if d.DueAt != nil {
		body += fmt.Sprintf("到期 due: %s\n", calendar.Shown(*d.DueAt))
	}
	if d.By != "" {
		body += fmt.Sprintf("来自 by: %s\n", d.By)
	}
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if d.Question != "" {
		body += "\n" + d.Question + "\n"
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
