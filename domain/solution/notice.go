package solution

import (
	"fmt"
	"time"
)

// Notice is what people are told, in Chinese and English.
type Notice string

// The notices.
const (
	Submitted Notice = "submitted" // CERT-02
	Passed    Notice = "certified"
	NotPassed Notice = "rejected"
	RunsOut   Notice = "reminder" // CERT-22
	RanOut    Notice = "expired"
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case    string
	Partner string
	Name    string
	Version string
	Until   time.Time // of the certificate; zero: none
	Expired bool      // it is over as the notice is written
	Note    string
}

var words = map[Notice]struct{ chinese, english, advice string }{
	Submitted: {"已提交认证，审核中", "was submitted and is under review", ""},
	Passed:    {"认证通过", "is certified", ""},
	NotPassed: {"认证未通过", "was not approved", "请修改后重新提交。 Please correct it and submit it again."},
	RunsOut:   {"认证即将到期", "is certified for a short time only", "请及时重新认证。 Please apply for re-certification in time."},
	RanOut:    {"认证已到期", "is certified no more", "请重新认证。 Please apply for re-certification; there is no latest day."},
}

// Text writes a notice. A reminder of the day of expiry that comes after the instant says that the certificate has ended.
func (n Notice) Text(d NoticeData) (subject, body string) {
	if n == RunsOut && d.Expired {
		n = RanOut
	}
	w := words[n]
	subject = fmt.Sprintf("解决方案 %s %s / Solution %s %s", d.Name, w.chinese, d.Name, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n方案编号 solution: %s\n版本 version: %s\n", subject, d.Partner, d.Case, d.Version)
	if !d.Until.IsZero() {
		body += fmt.Sprintf("有效期至 valid until: %s\n", shown(d.Until))
	}
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
