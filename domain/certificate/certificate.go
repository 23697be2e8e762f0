// Package certificate says what a partner's certificate certifies, how its validity is written, and what whoever verifies it is told.
package certificate

import (
	"cmp"
	"time"

	"countersign/domain/calendar"
)

// Kind is what is certified.
type Kind string

// The kinds; the schema repeats them.
const (
	Solution Kind = "solution" // a solution, whose number is the subject (CERT-20)
	Plan     Kind = "plan"     // membership of a plan, which is the subject (PLN-41)
)

// State is what a certificate is at an instant.
type State string

// The states.
const (
	Valid    State = "VALID"
	NotYet   State = "NOT_YET_VALID"
	Expired  State = "EXPIRED"
	Replaced State = "REPLACED" // another one was issued in its place
	Ended    State = "ENDED"    // what it certifies ended before its time
	Unknown  State = "UNKNOWN"  // there is none of that number and code
)

// Validity is when a certificate holds: From in, Until out.
type Validity struct {
	From, Until time.Time
	ReplacedAt  *time.Time // when the one in its place was issued; nil: none was
	EndedAt     *time.Time // when what it certifies ended; nil: it did not
}

// At is the state at an instant (PGM-02).
func (v Validity) At(at time.Time) State {
	reached := func(t *time.Time) bool { return t != nil && !at.Before(*t) }
	switch {
	case reached(v.ReplacedAt):
		return Replaced
	case !at.Before(v.Until):
		return Expired
	case reached(v.EndedAt):
		return Ended
	case at.Before(v.From):
		return NotYet
	}
	return Valid
}

// FromText is the first instant as it is printed: the day where the validity counts in days, as that of plans does, else to the second.
func (v Validity) FromText() string {
	if v.inDays() {
		return calendar.DateOf(v.From).String()
	}
	return instant(v.From)
}

// UntilText is the last day of a validity that ends with a day (PLN-41), else the closing instant, which is out.
func (v Validity) UntilText() string {
	if v.inDays() {
		return calendar.DateOf(v.Until).AddDays(-1).String() + "（含当日 that day included）"
	}
	return instant(v.Until) + "（不含 exclusive）"
}

func (v Validity) inDays() bool { return v.Until.Equal(calendar.DateOf(v.Until).Start()) }

func instant(t time.Time) string { return t.In(calendar.Zone).Format("2006-01-02 15:04:05") + " UTC+8" }

// Words are what a certificate says about itself, in Chinese and English.
type Words struct{ Chinese, English string }

// String is both.
func (w Words) String() string { return w.Chinese + " " + w.English }

// Title is what kind of certificate it is.
func (k Kind) Title() Words {
	if k == Plan {
		return Words{"合作伙伴计划证书", "Partner Plan Certificate"}
	}
	return Words{"解决方案认证证书", "Solution Certificate"}
}

// Statement is the sentence under the holder's name.
func (k Kind) Statement() Words {
	if k == Plan {
		return Words{"已加入下列伙伴计划，并持有所示等级，特发此证。", "is a member of the partner plan below, at the tier shown."}
	}
	return Words{"所提交的下列解决方案已通过认证，特发此证。", "has had the solution below certified."}
}

// NameOf labels what is certified, GradeOf its kind or tier.
func (k Kind) NameOf() Words {
	if k == Plan {
		return Words{"伙伴计划", "Partner plan"}
	}
	return Words{"方案名称", "Solution"}
}

// GradeOf labels the grade.
func (k Kind) GradeOf() Words {
	if k == Plan {
		return Words{"伙伴等级", "Tier"}
	}
	return Words{"方案类型", "Kind"}
}

var words = map[string]Words{
	"CLOUD":             {"云软件方案", "Cloud software solution"},
	"ADV":               {"先进云软件方案", "Advanced cloud software solution"},
	"STANDARD":          {"标准", "Standard"},
	"PREFERRED":         {"优选", "Preferred"},
	"LEADING":           {"领先", "Leading"},
	"CORE":              {"核心", "Core"},
	"solution-provider": {"解决方案提供商", "Solution provider"},
}

// Spelt writes a code, of a kind of solution, a tier or a plan, as people read it; one without words stays as it is.
func Spelt(code string) string {
	w, known := words[code]
	if !known {
		return code
	}
	return w.String()
}

// Said is a sentence on what a verified certificate is.
func (s State) Said() Words {
	return map[State]Words{
		Valid:    {"证书有效", "The certificate is valid."},
		NotYet:   {"证书尚未生效", "The certificate is not valid yet."},
		Expired:  {"证书已过期", "The certificate has expired."},
		Replaced: {"证书已被替换", "The certificate was replaced by a later one."},
		Ended:    {"所证明的资格已提前终止", "What the certificate certifies ended early."},
		Unknown:  {"查无此证书", "There is no such certificate; check number and code."},
	}[cmp.Or(s, Unknown)]
}
