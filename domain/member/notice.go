package member

import (
	"fmt"
	"time"

	"countersign/domain/calendar"
)

// Consent is one version of the notice that a member ticks: the vendor may tell the partner's company the member's personal data,
// for which that company answers from then on (ORG-35).
type Consent struct {
	Version string `json:"version"`
	Chinese string `json:"zh"`
	English string `json:"en"`
}

// Consents lists the versions; the last one is asked for. A link keeps the version that was ticked, so none is ever changed.
var Consents = []Consent{{
	Version: "2025-01",
	Chinese: "关于将个人账号关联至伙伴公司的告知：关联后，您授权云服务商向该伙伴公司披露您的个人信息，包括账号名、姓名、联系方式、任职、证书、培训和项目经历。" +
		"伙伴公司获得这些信息后，由其负责保护。您可以请伙伴的管理员解除关联；解除后不再共享。",
	English: "Notice on linking your personal account to a partner company. By linking it you authorise the vendor to disclose your personal data to that company: the account name, your name and contact data, " +
		"employment, certificates, trainings and projects. The company is responsible for the protection of what it received. You may ask the partner's administrator to unbind the account; nothing is shared from then on.",
}}

// CurrentNotice is the version that is asked for now.
func CurrentNotice() Consent { return Consents[len(Consents)-1] }

// Notice is what people are told, in Chinese and English.
type Notice string

// The notices.
const (
	InvitationSent Notice = "invitation" // with the link
	Reminder       Notice = "reminder"
	HasBound       Notice = "bound"
	HasLapsed      Notice = "lapsed"
	HasUnbound     Notice = "unbound"
)

// NoticeData is what a notice is about. Nothing in it names the member but the account's number.
type NoticeData struct {
	Case      string
	Partner   string // number and name
	Account   string
	ExpiresAt time.Time
	Link      string // of an invitation only
}

var words = map[Notice]struct{ chinese, english, advice string }{
	InvitationSent: {
		"邀请您关联个人账号", "invites you to link your personal account",
		"请用被邀请的个人账号登录，打开链接，阅读并勾选告知后确认。 Sign in with the account that was invited, follow the link, read and tick the notice, and confirm.",
	},
	Reminder: {
		"关联邀请即将到期", "has an invitation for you that ends soon",
		"请使用最近一封邀请消息中的链接；如找不到，请联系伙伴的管理员重新发送。 Use the link in the newest message with the invitation; if you cannot find it, ask the partner's administrator to send it again.",
	},
	HasBound:   {"个人账号已关联", "and the personal account are linked", ""},
	HasLapsed:  {"关联邀请已失效", "has an invitation that lapsed: it was not accepted in time", "可以重新邀请。 The member can be invited again."},
	HasUnbound: {"个人账号已解除关联", "and the personal account are no longer linked", "成员的资质信息不再共享。 The member's qualification data is no longer shared."},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("%s：%s / %s %s", d.Partner, w.chinese, d.Partner, w.english)
	body = fmt.Sprintf("%s\n\n伙伴 partner: %s\n邀请 invitation: %s\n账号 account: %s\n", subject, d.Partner, d.Case, d.Account)
	if d.Link != "" {
		body += fmt.Sprintf("链接 link: %s\n", d.Link)
	}
	if n == InvitationSent || n == Reminder {
		body += fmt.Sprintf("有效期至 valid until: %s\n", calendar.Shown(d.ExpiresAt))
	}
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}
