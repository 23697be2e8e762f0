// Package refusal is how the programme says no: by rule, with a code, about a record, in a sentence that says what to do.
package refusal

import (
	"fmt"
	"strings"

	"countersign/domain/person"
)

// Refusal is one guard that failed (ENG-06).
type Refusal struct {
	Rule    string `json:"rule"    db:"rule"`              // "WDL-18"
	Code    string `json:"code"    db:"code"`              // "WDR_AMOUNT"; stable, for machines
	Object  string `json:"object"  db:"object"`            // the record it is about: "partner P1001", "lot L000004"
	Message string `json:"message" db:"message"`           // a sentence for people: the unmet condition and what to do; in English
	Chinese string `json:"chinese,omitempty" db:"chinese"` // the same sentence; empty where Message alone finds it
}

// New makes a refusal; the message is formatted, in both languages. The format is written out by the caller: its Chinese one
// stands in zh.json under it.
func New(rule, code, object, format string, args ...any) Refusal {
	r := Refusal{Rule: rule, Code: code, Object: object, Message: fmt.Sprintf(format, args...)}
	if len(args) > 0 {
		r.Chinese = sentences.Say(word, format, args...)
	}
	return r
}

// In is the sentence in the reader's language, such as "zh-Hans" or "en"; what was never translated is English.
func (r Refusal) In(language string) string {
	if !strings.HasPrefix(language, "zh") {
		return person.InWords(r.Message)
	}
	if r.Chinese != "" {
		return r.Chinese
	}
	if text, ok := Sentence(r.Message); ok {
		return text
	}
	return r.Message
}

// About is the object in the reader's language: its kind is translated, its number or name stays.
func (r Refusal) About(language string) string {
	if !strings.HasPrefix(language, "zh") {
		return r.Object
	}
	for kind := r.Object; kind != ""; kind = kind[:max(0, strings.LastIndexByte(kind, ' '))] { // "owed entry O1", "owed entry", "owed"
		if text, ok := catalogue.Objects[kind]; ok {
			return text + r.Object[len(kind):]
		}
	}
	return r.Object
}

// List is a request refused: every failed guard at once, in the order caller, parameters, object, state, amount
// (PGM-08, ENG-06). It is an error; the empty list is not a refusal, see Err.
type List []Refusal

// Error joins the sentences; people are shown the list itself.
func (l List) Error() string {
	sentences := make([]string, len(l))
	for i, r := range l {
		sentences[i] = fmt.Sprintf("%s (%s, %s)", r.Message, r.Rule, r.Code)
	}
	return strings.Join(sentences, " ")
}

// Err is nil for the empty list, else the list.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Codes gives the codes in order, for logs and records.
func (l List) Codes() []string {
	codes := make([]string, len(l))
	for i, r := range l {
		codes[i] = r.Code
	}
	return codes
}
