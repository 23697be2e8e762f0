package lab

import (
	"fmt"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
)

// Notice is what people are told, in Chinese and English.
type Notice string

// The notices.
const (
	WasApproved Notice = "approved"
	WasRejected Notice = "rejected"
	WasIssued   Notice = "issued"
	NotIssued   Notice = "not-issued" // issuing failed and is tried again
	NameAnother Notice = "name-another"
	ForMember   Notice = "member" // the points are in the member's personal account (LAB-09)
)

// NoticeData is what a notice is about.
type NoticeData struct {
	Case      string
	Partner   string
	Account   string
	Points    int
	Coupon    string
	ExpiresAt *time.Time
	Note      string
}

var words = map[Notice]struct{ chinese, english, advice string }{
	WasApproved: {"审核通过，待发放", "was approved and waits to be issued", ""},
	WasRejected: {"审核不通过", "was rejected", "请按审核意见修改后重新提交。 Please edit it according to the comment and submit it again."},
	WasIssued:   {"权益已发放", "was issued", ""},
	NotIssued:   {"发放失败，将重试", "could not be issued; it is tried again", ""},
	NameAnother: {"发放失败，请更换用券人员", "could not be issued", "用券人员已解除关联，请指定其他已关联的成员。 The credit user is no longer linked; please name another linked member."},
	ForMember:   {"已发放到您的个人账号", "is in your personal account", "查看路径：控制台 > 费用中心 > 优惠折扣 > 优惠券。 You find it in the console: billing centre, discounts, coupons."},
}

// Text writes a notice.
func (n Notice) Text(d NoticeData) (subject, body string) {
	w := words[n]
	subject = fmt.Sprintf("云实验权益 %d 点%s / Lab credit of %d points %s", d.Points, w.chinese, d.Points, w.english)
	var b strings.Builder
	line := func(words, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", words, value)
		}
	}
	line("申请 application", d.Case)
	line("伙伴 partner", d.Partner)
	line("用券人员 credit user", d.Account)
	line("券号 coupon number", d.Coupon)
	if d.ExpiresAt != nil {
		line("有效期至 valid until", shown(*d.ExpiresAt))
	}
	line("说明 note", d.Note)
	body = subject + "\n\n" + b.String()
	if w.advice != "" {
		body += "\n" + w.advice + "\n"
	}
	return subject, body
}

// shown writes an instant for people.
func shown(at time.Time) string { return at.In(calendar.Zone).Format("2006-01-02 15:04:05") + " UTC+8" }

// Whole writes points: 100, where the ledger says 100.00.
func Whole(points money.Amount) string { return strings.TrimSuffix(points.String(), ".00") }
