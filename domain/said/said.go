// Package said gives the Chinese of what the programme keeps in English: questions, notes of events, memos of postings, reasons, how
// days are counted, policies in words. It is found by the format of the text, so what was written long ago is found, too.
package said

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"countersign/domain/chinese"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

//go:embed zh.json
var zhJSON []byte

// catalogue is the Chinese of the programme's texts by their English formats, as package chinese reads them. Texts are whole, and
// such that nobody enters by chance; decisions begin notes about one; headings begin
// lines that count days; faults are of an operator's files; parts stand in other texts only, or where somebody's own
// words cannot stand; comparisons and fields make conditions.
var catalogue = func() (c struct{ Texts, Decisions, Headings, Faults, Parts, Comparisons, Fields map[string]string }) {
	if err := json.Unmarshal(zhJSON, &c); err != nil {
		panic(fmt.Errorf("zh.json: %w", err))
	}
	return c
}()

var (
	texts       = chinese.New(catalogue.Texts)
	decisions   = chinese.New(catalogue.Decisions)
	faults      = chinese.New(catalogue.Faults)
	headings    = chinese.New(catalogue.Headings)
	parts       = chinese.New(catalogue.Parts)
	comparisons = chinese.New(catalogue.Comparisons)
)

// In is a text of the programme in the reader's language, such as "zh-Hans" or "en". What is not the programme's, like names,
// stays as it is.
func In(language, text string) string {
	if !strings.HasPrefix(language, "zh") {
		return person.InWords(text)
	}
	out, _ := part(text)
	return out
}

// Note is a text in the reader's language that the programme or somebody wrote. It is translated as a whole or not at all:
// people's own words stay theirs.
func Note(language, text string) string {
	if !strings.HasPrefix(language, "zh") {
		return text
	}
	out, _ := note(text)
	return out
}

// Fault is what is wrong with a file of an operator's, a policy or a calendar, in the reader's language.
func Fault(language, text string) string {
	if !strings.HasPrefix(language, "zh") {
		return person.InWords(text)
	}
	out, _ := fault(text)
	return out
}

func fault(text string) (string, bool) {
	if out, ok, all := faults.Find(fault, text); ok {
		return out, all
	}
	return refusal.Word(text)
}

func note(text string) (string, bool) {
	if out, ok, all := texts.Find(part, text); ok {
		return out, all
	}
	if out, ok, all := decisions.Find(note, text); ok {
		return out, all
	}
	if figure.MatchString(text) {
		return text, true
	}
	return refused(text)
}

// ofRule ends a sentence that refuses, in a list of them: " (WDL-18, WDR_AMOUNT)".
var ofRule = regexp.MustCompile(` \([A-Z]{1,5}-[0-9]+, [A-Z][A-Z0-9_.]+\)(?: |$)`)

// refused is what the rules refused, as refusal.List writes it, or one sentence of it.
func refused(text string) (string, bool) {
	at, out := 0, strings.Builder{}
	for _, m := range ofRule.FindAllStringIndex(text, -1) {
		sentence, ok := refusal.Sentence(text[at:m[0]])
		if !ok {
			return text, false
		}
		out.WriteString(sentence + text[m[0]:m[1]])
		at = m[1]
	}
	if at == len(text) {
		return out.String(), true
	}
	if at > 0 {
		return text, false
	}
	if !strings.HasSuffix(text, ".") { // a word of the programme may be anybody's
		return text, false
	}
	if sentence, ok := refusal.Sentence(text); ok {
		return sentence, true
	}
	return text, false
}

// separators join texts to a list, the loosest first.
var separators = []struct{ english, chinese string }{{"; ", "；"}, {", then ", "，然后 "}, {" or ", " 或 "}, {" nor ", "、"}, {", ", "、"}, {" and ", " 和 "}}

// part is a text of the programme in Chinese: as it stands, made by a format, a condition, or a list of such.
func part(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	if out, ok, all := texts.Find(part, text); ok {
		return out, all
	}
	if out, ok, all := headings.Find(part, text); ok {
		return out, all
	}
	if out, ok, all := condition(text); ok {
		return out, all
	}
	for _, find := range []func(string) (string, bool){day, refused} {
		if out, ok := find(text); ok {
			return out, true
		}
	}
	if len(split(text, "; ")) > 1 {
		return list(text, "; ", "；")
	}
	if out, ok := refusal.Word(text); ok {
		return out, true
	}
	if out, ok, all := parts.Find(part, text); ok {
		return out, all
	}
	if figure.MatchString(text) {
		return text, true
	}
	for _, s := range separators {
		if len(split(text, s.english)) > 1 {
			return list(text, s.english, s.chinese)
		}
	}
	return text, false
}

// figure is what is the same in both languages: amounts, days, codes, numbers of records, addresses; and lists of them.
var figure = regexp.MustCompile(`^(?:(?:[^\s,]*[0-9][^\s,]*(?: [A-Z]{3})?|[A-Z][A-Z_]+|[^\s,@]+@[^\s,@]+)(?:, |$))+$`)

// list is a list in Chinese, and whether all its texts are known.
func list(text, english, chinese string) (string, bool) {
	all := split(text, english)
	known := true
	for i, one := range all {
		out, ok := part(one)
		all[i], known = out, known && ok
	}
	return strings.Join(all, chinese), known
}

// split takes a list apart where no brackets are open.
func split(text, separator string) []string {
	var all []string
	open, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '(':
			open++
		case text[i] == ')':
			open--
		case open == 0 && strings.HasPrefix(text[i:], separator):
			all = append(all, text[from:i])
			i += len(separator) - 1
			from = i + 1
		}
	}
	return append(all, text[from:])
}

// condition is a condition in words, as package condition says it: "the amount is at least 500.00 and the route is ORIGINAL".
// All tells whether what it compares with is known, too.
func condition(text string) (chinese string, ok, all bool) {
	text = strings.TrimPrefix(text, "either ")
	for _, join := range []struct{ english, chinese string }{{" and ", "，且"}, {" or ", "，或"}} {
		var tests []string
		for _, one := range split(text, join.english) {
			if n := len(tests); n > 0 && !strings.Contains(one, " is ") { // "the route is ORIGINAL or BANK_CARD" is one test
				tests[n-1] += join.english + one
				continue
			}
			tests = append(tests, one)
		}
		if len(tests) == 1 {
			continue
		}
		all = true
		for i, one := range tests {
			out, ok, known := condition(one)
			if !ok {
				return "", false, false
			}
			tests[i], all = out, all && known
		}
		return strings.Join(tests, join.chinese), true, all
	}
	if strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") {
		inner, ok, all := condition(text[1 : len(text)-1])
		return "（" + inner + "）", ok, all
	}
	for field := range catalogue.Fields {
		if strings.HasPrefix(text, field+" is ") {
			return comparisons.Find(compared, text)
		}
	}
	return "", false, false
}

// compared is a field of a condition in Chinese, or a value of one.
func compared(text string) (string, bool) {
	if name, ok := catalogue.Fields[text]; ok {
		return name, true
	}
	return part(text)
}

// A day in words, as terms are counted out: "Mon 3", "Tue 4 Nov 2h30m", "Thu 6 Nov 09:00".
var (
	days     = regexp.MustCompile(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([0-9]{1,2})(?: (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))?(?: ([0-9]{2}:[0-9]{2}))?(?: (?:([0-9]+)h)?(?:([0-9]+)m)?)?$`)
	weekdays = map[string]string{"Mon": "周一", "Tue": "周二", "Wed": "周三", "Thu": "周四", "Fri": "周五", "Sat": "周六", "Sun": "周日"}
)

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

func day(text string) (string, bool) {
	m := days.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	out := m[2] + "日（" + weekdays[m[1]] + "）"
	if m[3] != "" {
		out = fmt.Sprintf("%d月%s", strings.Index(months, m[3])/3+1, out)
	}
	out += m[4]
	if m[5] != "" {
		out += m[5] + "小时"
	}
	if m[6] != "" {
		out += m[6] + "分钟"
	}
	return out, true
}
