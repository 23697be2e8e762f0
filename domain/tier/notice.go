package tier

import (
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case    string
	Partner string
	Target  Tier
	At      time.Time  // of the decision
	Until   *time.Time // of the membership; nil: no end is known
	Note    string
}

// Notice writes what people are told of an upgrade that came into a state, in Chinese and English: of approval and rejection.
func Notice(s State, d NoticeData) (subject, body string) {
	chinese, english := "审核通过", "was approved"
	if s == Rejected {
		chinese, english = "审核未通过", "was rejected"
	}
	zh, en, _ := strings.Cut(d.Target.Words(), " ")
	subject = fmt.Sprintf("伙伴等级升级%s：%s / Tier upgrade to %s %s", chinese, zh, en, english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n申请 application: %s\n", subject, d.Partner, d.Case)
	if s == Approved {
		body += fmt.Sprintf("生效 in effect from: %s\n", calendar.Shown(d.At))
		if d.Until != nil { // the certificate's last day (TIER-11)
			body += fmt.Sprintf("证书有效期至 certificate valid until: %s\n", LastDay(*d.Until))
		}
	}
	if d.Note != "" {
		body += fmt.Sprintf("审核意见 opinion: %s\n", d.Note)
	}
	if s == Rejected {
		body += "\n等级保持不变，可修改后重新提交。 The tier stays as it is; correct the application and submit it again.\n"
	}
	return subject, body
}

// LastDay is the last day before a membership ends.
func LastDay(until time.Time) calendar.Date { return calendar.DateOf(until.Add(-time.Microsecond)) }
