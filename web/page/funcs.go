package page

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/internal/documents"

	"golang.org/x/text/language"
)

// funcs are what templates may call beside their data.
func funcs(tag language.Tag, t translate, m messages) template.FuncMap {
	return template.FuncMap{
		"t":         t,
		"language":  tag.String,
		"programme": func(text string) string { return refusal.Text(tag.String(), text) }, // what the rules say, as in a refusal
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
		"money":     sum,
		"plain":     func(text string) (any, error) { return plain(t, text) },
		"size":      documents.Octets,
		"candidate": func(who string) (string, error) { return candidate(t, m, who) },
		"slug":      slug,
		"list":      func(items ...string) []string { return items },
		"has":       slices.Contains[[]string],
		"dict":      dict,
		"add":       func(a, b int) int { return a + b },
	}
}

// word is what people call a name of the programme: a state, an outcome, a role. A name without a word, like a role that
// a policy brings, stands for itself.
func word(t translate, m messages, group, name string) (string, error) {
	key := group + "." + name
	if _, ok := m.texts[key]; !ok || name == "" {
		return name, nil
	}
	return t(key)
}

// deed is what was done, as a timeline tells it: "approved", and of what the rules refused "Approve: refused".
func deed(t translate, m messages, name string) (string, error) {
	tried, refused := strings.CutSuffix(name, " refused")
	if !refused {
		return word(t, m, "action", name)
	}
	text, err := word(t, m, "outcome", tried)
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

// when shows an instant in UTC+8 with the zone; nothing for none.
func when(at any, layout string) template.HTML {
	var instant time.Time
	switch v := at.(type) {
	case time.Time:
		instant = v
	case *time.Time:
		if v == nil {
			return ""
		}
		instant = *v
	}
	if instant.IsZero() {
		return ""
	}
	local := instant.In(calendar.Zone)
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s&nbsp;UTC+8</time>`, local.Format(time.RFC3339), strings.Replace(local.Format(layout), " ", "&nbsp;", 1))) //nolint:gosec // digits only
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

// sum is the amount that a case or task is about; empty where its kind has none.
func sum(kind string, amount *money.Amount) string {
	if amount == nil || !kinds.InMoney(kind) {
		return ""
	}
	return amount.String()
}

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
