package specialist

import "fmt"

// NoticeData is what a notice is about.
type NoticeData struct {
	Case    string
	Partner string
	Member  string // the member's name
	Path    Path
	State   State
	Note    string
}

var words = map[State]struct{ chinese, english, advice string }{
	Recognised:     {"申请专员审核通过", "was recognised", ""},
	Rejected:       {"申请专员审核未通过", "was not recognised", "请按审核意见补充材料后重新申请。 Please complete the materials according to the opinion and apply again."},
	CancelApproved: {"取消专员审核通过", "is a specialist no more, as applied for", "成员现可解绑。 The member can be unbound now."},
	CancelRejected: {"取消专员审核未通过", "stays a specialist: the cancellation was refused", ""},
	Revoked:        {"专员资格已被取消", "was struck off by the vendor", "可重新申请。 It can be applied for again."},
}

// Text writes what the vendor decided, for the administrator and the member.
func Text(d NoticeData) (subject, body string) {
	w := words[d.State]
	subject = fmt.Sprintf("项目专员 %s / Project specialist %s", w.chinese, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n成员 member: %s\n路径 path: %s\n申请 application: %s\n", subject, d.Partner, d.Member, d.Path, d.Case)
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
