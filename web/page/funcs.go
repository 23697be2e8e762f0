package page

import (
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/money"
	"countersign/domain/said"
	"countersign/internal/documents"

	"github.com/shopspring/decimal"
	"golang.org/x/text/language"
)

// funcs are what templates may call beside their data.
func funcs(tag language.Tag, t translate, m messages) template.FuncMap {
	return template.FuncMap{
		"t":         t,
		"language":  tag.String,
		"programme": func(text string) string { return said.In(tag.String(), text) },   // what the programme says
		"note":      func(text string) string { return said.Note(tag.String(), text) }, // what the programme says, or somebody
		"fault":     func(text string) string { return said.Fault(tag.String(), text) },
		"word":      func(group string, name any) (string, error) { return word(t, m, group, fmt.Sprint(name)) },
		"deed":      func(name any) (string, error) { return deed(t, m, fmt.Sprint(name)) },
		"flash":     func(f flash) (string, error) { return shownFlash(t, m, f) },
		"static":    staticPath,
		"when":      func(at any) template.HTML { return when(at, "2006-01-02 15:04") },
		"whenexactly": func(at any) template.HTML {
			return when(at, "2006-01-02 15:04:05")
		},
		"day": func(at any) template.HTML {
			return when(at, "2006-01-02")
		},
		"clock": func(at any) template.HTML { return bare(at, "15:04:05") },
		"left":  func(at any) (string, error) { return left(t, at, time.Now()) },
		"money": func(amount any, currency ...any) (string, error) { return moneyText(t, m, amount, currency...) },
		"sum": func(kind string, amount any, currency ...any) (string, error) {
			return sum(t, m, kind, amount, currency...)
		},
		"plain":     func(text string) (any, error) { return plain(t, text) },
		"size":      documents.Octets,
		"brief":     func(text string) string { return hash.ReplaceAllString(text, "$1…") },
		"candidate": func(who string) (string, error) { return candidate(t, m, who) },
		"slug":      slug,
		"tone":      tone,
		"list":      func(items ...string) []string { return items },
		"has":       slices.Contains[[]string],
		"dict":      dict,
		"add":       func(a, b int) int { return a + b },
	}
}

// word is what people call a name of the programme: a state, an outcome, a role. A name without a word, like a role that
// a policy brings, stands for itself.
func word(t translate, m messages, group, name string) (string, error) {
	if name == "" || !m.has(group, name) {
		return name, nil
	}
	return t(group + "." + name)
}

// deed is what was done, as a timeline tells it: "approved", and of what the rules refused "Approve: refused".
func deed(t translate, m messages, name string) (string, error) {
	tried, refused := strings.CutSuffix(name, " refused")
	switch {
	case m.has("action", name):
		return word(t, m, "action", name)
	case !refused:
		return word(t, m, "outcome", name)
	}
	text, err := word(t, m, "outcome", tried)
	if !m.has("outcome", tried) {
		text, err = word(t, m, "action", tried)
	}
	if err != nil {
		return "", err
	}
	return t("deed.refused", text)
}

// shownFlash is a flash as text; one that no page of ours wrote says nothing.
func shownFlash(t translate, m messages, f flash) (string, error) {
	text, ok := m.texts[f.Key]
	if !ok || strings.Count(text[0], "%") != len(f.Args) {
		return "", nil
	}
	args := make([]any, len(f.Args))
	for i, a := range f.Args {
		args[i] = a
	}
	return t(f.Key, args...)
}

// bare shows an instant in UTC+8 where the zone stands above it.
func bare(at any, layout string) template.HTML {
	instant := instantOf(at)
	if instant.IsZero() {
		return ""
	}
	local := instant.In(calendar.Zone)
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, local.Format(time.RFC3339), local.Format(layout))) //nolint:gosec // digits only
}

// left says how long it is until an instant, or how long ago it passed; nothing for none.
func left(t translate, at any, now time.Time) (string, error) {
	instant := instantOf(at)
	if instant.IsZero() {
		return "", nil
	}
	group, span := "left.", instant.Sub(now)
	if span <= 0 {
		group, span = "late.", -span
	}
	switch {
	case span < time.Hour:
		return t(group+"minutes", int(span.Minutes()))
	case span < 48*time.Hour:
		return t(group+"hours", int(span.Hours()))
	}
	return t(group+"days", int(span.Hours()/24))
}

// when shows an instant in UTC+8 with the zone; nothing for none.
func when(at any, layout string) template.HTML {
	instant := instantOf(at)
	if instant.IsZero() {
		return ""
	}
	local := instant.In(calendar.Zone)
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s&nbsp;<span class="zone">UTC+8</span></time>`, local.Format(time.RFC3339), strings.Replace(local.Format(layout), " ", "&nbsp;", 1))) //nolint:gosec // digits only
}

// instantOf is an instant, or the one that is pointed to; zero: there is none.
func instantOf(at any) time.Time {
	switch v := at.(type) {
	case time.Time:
		return v
	case *time.Time:
		if v != nil {
			return *v
		}
	}
	return time.Time{}
}

// dict gives a part several things: {{template "x" dict "Task" . "Open" true}}.
func dict(pairs ...any) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[key] = pairs[i+1]
	}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: a value is missing")
	}
	return out, nil
}

// plain is a value of a form as people read it: an instant in UTC+8, yes or no, else as it is.
func plain(t translate, text string) (any, error) {
	switch text {
	case "true":
		return t("yes")
	case "false":
		return t("no")
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return when(at, "2006-01-02 15:04"), nil
	}
	return text, nil
}

// Money is an amount of yuan as people read it: "1,234,567.80 CNY" or "1,234,567.80 元".
func (r *Renderer) Money(req *http.Request, amount money.Amount) string {
	return grouped(amount.String()) + " " + r.Word(req, "currency", string(money.CNY))
}

// moneyText is an amount as people read it, with its currency where one is given; nothing for none. The programme's own
// form without commas stays in fields that one may edit, and in files.
func moneyText(t translate, m messages, amount any, currency ...any) (string, error) {
	var text string
	switch v := amount.(type) {
	case nil:
	case *money.Amount:
		if v != nil {
			text = v.String()
		}
	case decimal.Decimal: // what was consumed may have more digits than cents have
		_, digits, _ := strings.Cut(v.String(), ".")
		text = v.StringFixed(max(2, int32(len(digits))))
	default:
		text = fmt.Sprint(v)
	}
	text = grouped(text)
	if text == "" || len(currency) == 0 {
		return text, nil
	}
	name, err := word(t, m, "currency", fmt.Sprint(currency[0]))
	return text + " " + name, err
}

var number = regexp.MustCompile(`^-?[0-9]+\.[0-9]{2,}$`)

// grouped puts commas between the thousands of an amount; other text, like a number of an account, stays as it is.
func grouped(text string) string {
	if !number.MatchString(text) {
		return text
	}
	whole, rest, point := strings.Cut(text, ".")
	sign := ""
	if whole[0] == '-' {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + rest
	}
	return sign + whole
}

// sum is the amount that a case or task is about; empty where its kind is about none.
func sum(t translate, m messages, kind string, amount any, currency ...any) (string, error) {
	if a, ok := amount.(money.Amount); !kinds.InMoney(kind) || ok && a.Sign() == 0 {
		return "", nil
	}
	return moneyText(t, m, amount, currency...)
}

// hash is the ID of a document, of which a few digits are enough for people.
var hash = regexp.MustCompile(`\b([0-9a-f]{8})[0-9a-f]{56}\b`)

// candidate says who is asked: "role:vendor-finance" by its role's word, "person:li" by the ID.
func candidate(t translate, m messages, who string) (string, error) {
	if role := approval.Who(who).Role(); role != "" {
		return word(t, m, "role", string(role))
	}
	_, id, _ := strings.Cut(who, ":")
	return id, nil
}

// slug is a name as part of an attribute: "to come" is "to-come", "W1/review" is "W1-review".
func slug(name any) string { return slugs.Replace(fmt.Sprint(name)) }

var slugs = strings.NewReplacer(" ", "-", "/", "-", ".", "-")
