package baseline

import (
	"fmt"

	"countersign/domain/approval"
)

// Notice is what people are told, in Chinese and English.
type Notice string

// Submitted is the notice of a project that was submitted; that of a decision is NoticeOf.
const Submitted Notice = "submitted"

// NoticeOf is the notice of a decided matter (CERT-27).
func NoticeOf(m approval.Matter, o approval.Outcome) Notice { return Notice(m.Name + "/" + string(o)) }

// NoticeData is what a notice is about.
type NoticeData struct {
	Case, Partner, Name string
	Note                string // the reviewers' comment
}

var notices = map[Notice]struct{ chinese, english, advice string }{
	Submitted:              {"联合项目已提交，审核中", "was submitted as a joint project", ""},
	"project/approve":      {"联合项目审核通过", "is a joint project now", "可上架联合商品、开发配置器并准备发布材料。 Goods can be listed, the configurator developed, the release prepared."},
	"project/reject":       {"联合项目审核未通过", "was refused as a joint project", "请修改后重新提交。 Please correct it and submit it again."},
	"design/approve":       {"联合设计已接受，进入验证", "has its joint design accepted; verification follows", ""},
	"design/reject":        {"联合设计未接受", "has its joint design refused", "请修改后重新提交设计。 Please correct the design and hand it in again."},
	"verification/approve": {"联合验证通过", "is verified", ""},
	"verification/reject":  {"联合验证未通过", "is not verified", "请修改后重新提交验证报告。 Please correct it and hand the test report in again."},
	"release/approve":      {"已发布", "is released", "已在公开页面展示，可在商机中选用。 It is shown on the public site and can be attached to opportunities."},
	"release/reject":       {"发布未通过", "has its release refused", "请修改后重新提交发布。 Please correct the release and submit it again."},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := notices[n]
	subject = fmt.Sprintf("基线解决方案 %s %s / Joint solution %s %s", d.Case, w.chinese, d.Case, w.english)
	body = fmt.Sprintf("%s\n\n方案 solution: %s\n伙伴 partner: %s\n", subject, d.Name, d.Partner)
	if d.Note != "" {
		body += fmt.Sprintf("说明 note: %s\n", d.Note)
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
