package refusal

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"countersign/domain/chinese"
	"countersign/domain/person"
)

//go:embed zh.json
var zhJSON []byte

// catalogue is the Chinese of what the programme refuses with. Sentences are by the format that reaches New; their verbs are
// those of the English, with indexes where the order differs, and %W where a text comes that is itself of the programme. Words
// are such texts: a state, a role, a reason. Those with verbs are formats, too; their Chinese takes
// the parts by %s and %W alone. Objects are the kinds of records that a refusal is about. Former are sentences that are said no more, as records
// have them.
var catalogue = func() (c struct{ Sentences, Words, Objects, Former map[string]string }) {
	if err := json.Unmarshal(zhJSON, &c); err != nil {
		panic(fmt.Errorf("zh.json: %w", err))
	}
	return c
}()

var (
	sentences = chinese.New(catalogue.Sentences)
	words     = chinese.New(catalogue.Words)
	telling   = chinese.New(tellingSentences()) // a finished sentence is looked for among these
)

// tellingSentences are those that say something without their arguments; "%s." or "The %s: %s." may be anything.
func tellingSentences() map[string]string {
	telling := maps.Clone(catalogue.Former)
	for english, text := range catalogue.Sentences {
		if letters := letter.FindAllString(verb.ReplaceAllString(english, ""), -1); len(letters) > 5 {
			telling[english] = text
		}
	}
	return telling
}

var (
	verb   = regexp.MustCompile(`%(\[[0-9]+\])?[a-z]`)
	letter = regexp.MustCompile(`[A-Za-z]`)
)

// Text is what the programme itself says, a reason or a finding, in the reader's language; what was never translated stays.
func Text(language, text string) string {
	if !strings.HasPrefix(language, "zh") {
		return person.InWords(text)
	}
	text, _ = word(text)
	return text
}

// Word is a text of the programme in Chinese, as refusals say it, and whether it is one.
func Word(text string) (string, bool) { return word(text) }

// Sentence is a finished sentence of a refusal in Chinese, and whether it is one.
func Sentence(text string) (string, bool) {
	for _, book := range []*chinese.Book{telling, words} {
		if out, ok, _ := book.Find(word, text); ok {
			return out, true
		}
	}
	if said, ok := strings.CutSuffix(text, "."); ok { // a text of the programme, told as a sentence
		if out, ok, _ := lone(said); ok {
			return out + "。", true
		}
	}
	return "", false
}

// separators join texts to a list, the loosest first.
var separators = []struct{ english, chinese string }{{"; ", "；"}, {" or ", " 或 "}, {", ", "、"}, {" and the ", "和"}, {" and ", "和"}}

// word is a text of the programme in Chinese: as it stands, made by a format, or a list of such. Others stay as they are: names.
func word(text string) (string, bool) {
	if out, ok, all := lone(text); ok {
		return out, all
	}
	for _, s := range separators {
		if list := strings.Split(text, s.english); len(list) > 1 {
			known := true
			for i, one := range list {
				out, ok := word(one)
				list[i], known = out, known && ok
			}
			return strings.Join(list, s.chinese), known
		}
	}
	return text, false
}

// lone is the Chinese of a single text, which may begin with a capital letter as sentences do.
func lone(text string) (chinese string, ok, all bool) {
	if text == "" {
		return "", true, true
	}
	for _, t := range []string{text, strings.ToLower(text[:1]) + text[1:]} {
		if out, ok, all := words.Find(word, t); ok {
			return out, true, all
		}
	}
	return "", false, false
}
