package refusal

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed zh.json
var zhJSON []byte

// catalogue is the Chinese of what the programme refuses with. Sentences are by the format that reaches New; their verbs are
// those of the English, with indexes where the order differs, and %W where a text comes that is itself of the programme. Words
// are such texts: a state, a role, a reason. Those with verbs are formats, too; their Chinese takes
// the parts by %s and %W alone. Objects are the kinds of records that a refusal is about.
var catalogue = func() (c struct{ Sentences, Words, Objects map[string]string }) {
	if err := json.Unmarshal(zhJSON, &c); err != nil {
		panic(fmt.Errorf("zh.json: %w", err))
	}
	return c
}()

// pattern finds a word that was formatted, with its parts.
type pattern struct {
	english *regexp.Regexp
	chinese string
}

var verbs = regexp.MustCompile(`%[a-z]`)

// patterns are the words with verbs, the longest first: the more a pattern says, the surer it is.
var patterns = func() []pattern {
	var formats []string
	for format := range catalogue.Words {
		if verbs.MatchString(format) {
			formats = append(formats, format)
		}
	}
	slices.SortFunc(formats, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	out := make([]pattern, len(formats))
	for i, format := range formats {
		text := verbs.ReplaceAllStringFunc(regexp.QuoteMeta(format), func(verb string) string {
			switch verb {
			case "%q":
				return `("(?:[^"\\]|\\.)*")`
			case "%d":
				return `(-?[0-9]+)`
			}
			return `(.+?)`
		})
		out[i] = pattern{regexp.MustCompile(`(?s)^` + text + `$`), catalogue.Words[format]}
	}
	return out
}()

// chinese is the sentence of a format; empty: it has none.
func chinese(format string, args []any) string {
	text, ok := catalogue.Sentences[format]
	if !ok {
		return ""
	}
	return say(text, args)
}

func say[T any](chinese string, args []T) string {
	parts := make([]any, len(args))
	for i, a := range args {
		parts[i] = part{a}
	}
	return fmt.Sprintf(chinese, parts...)
}

// part is an argument that says itself in Chinese where the format asks for that (%W).
type part struct{ any }

// Format is for package fmt.
func (p part) Format(f fmt.State, verb rune) {
	if verb == 'W' {
		_, _ = fmt.Fprint(f, word(fmt.Sprint(p.any)))
		return
	}
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), p.any)
}

// Text is what the programme itself says, a reason or a finding, in the reader's language; what was never translated stays.
func Text(language, text string) string {
	if strings.HasPrefix(language, "zh") {
		return word(text)
	}
	return text
}

// separators join texts to a list, the loosest first.
var separators = []struct{ english, chinese string }{{"; ", "；"}, {" or ", " 或 "}, {", ", "、"}, {" and the ", "和"}, {" and ", "和"}}

// word is a text of the programme in Chinese: as it stands, made by a format, or a list of such. Others stay as they are: names.
func word(text string) string {
	if out, ok := lone(text); ok {
		return out
	}
	for _, s := range separators {
		if list := strings.Split(text, s.english); len(list) > 1 {
			for i, one := range list {
				list[i] = word(one)
			}
			return strings.Join(list, s.chinese)
		}
	}
	return text
}

// lone is the Chinese of a single text, which may begin with a capital letter as sentences do.
func lone(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	for _, t := range []string{text, strings.ToLower(text[:1]) + text[1:]} {
		if out, ok := catalogue.Words[t]; ok {
			return out, true
		}
		for _, p := range patterns {
			if m := p.english.FindStringSubmatch(t); m != nil {
				return say(p.chinese, m[1:]), true
			}
		}
	}
	return "", false
}
