package console

import (
	"slices"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/views"
)

// comparison is what a partner changed when it sent a case again.
type comparison struct {
	views.Submission
	Former  int // the round before
	Changes []change
	Files   []views.CaseDocument // enclosed since the round before
}

// change is a field that differs: what stood there and stands there no more, and what is new.
type change struct {
	Name          string
	Before, After []string
}

// bookkeeping is of a submission, not of what it asks for.
var bookkeeping = []string{"request_key", "key", "digest", "code", "partner_id", "submitter", "draft", "revision"}

// compared compares the newest submission of a case with the one before of the same matter; nil: there are not two.
func (r reading) compared(sent []views.Submission, files []views.CaseDocument) (*comparison, error) {
	if len(sent) < 2 {
		return nil, nil //nolint:nilnil // nothing to compare is no error
	}
	now := sent[len(sent)-1]
	i := slices.IndexFunc(sent, func(s views.Submission) bool { return s.Matter == now.Matter && s.Round == now.Round-1 })
	if i < 0 {
		return nil, nil //nolint:nilnil // as above
	}
	before, err := r.facts(sent[i].Form)
	if err != nil {
		return nil, err
	}
	after, err := r.facts(now.Form)
	if err != nil {
		return nil, err
	}
	c := &comparison{Submission: now, Former: sent[i].Round, Changes: r.differences(before, after)}
	for _, f := range files {
		if f.AddedAt.After(sent[i].At) {
			c.Files = append(c.Files, f)
		}
	}
	return c, nil
}

// differences lists the fields of two forms that differ, in their order. Personal data stays masked (PGM-05).
func (r reading) differences(before, after []fact) (found []change) {
	lines := func(facts []fact, name string) []string {
		i := slices.IndexFunc(facts, func(f fact) bool { return f.Name == name })
		if i < 0 {
			return nil
		}
		return r.lines(facts[i])
	}
	var names []string
	for _, f := range append(slices.Clone(before), after...) {
		if !slices.Contains(bookkeeping, f.Name) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	var inner []change
	for _, name := range names {
		old, now := nested(before, name), nested(after, name)
		if old != nil || now != nil { // fields of its own come after
			inner = append(inner, r.differences(old, now)...)
			continue
		}
		was, is := lines(before, name), lines(after, name)
		c := change{name, without(was, is), without(is, was)}
		if len(c.Before)+len(c.After) == 0 {
			continue
		}
		for _, text := range [][]string{c.Before, c.After} {
			for i := range text {
				if name == "mobile" || name == "email" || name == "contact" {
					text[i] = organisation.Masked(name, text[i], nil)
				}
			}
		}
		found = append(found, c)
	}
	return append(found, inner...)
}

// said is a value as people call it.
func (r reading) said(c cell) string {
	if c.Group == "" || r.word == nil {
		return c.Value
	}
	return r.word(c.Group, c.Value)
}

func nested(facts []fact, name string) []fact {
	i := slices.IndexFunc(facts, func(f fact) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return facts[i].Facts
}

// without is what one list has and the other does not.
func without(list, other []string) (left []string) {
	for _, l := range list {
		if !slices.Contains(other, l) {
			left = append(left, l)
		}
	}
	return left
}

// lines are a fact in words: a line for each row.
func (r reading) lines(f fact) (lines []string) {
	join := func(cells []cell) string {
		var words []string
		for _, c := range cells {
			if c.Value != "" {
				words = append(words, r.said(c))
			}
		}
		return strings.Join(words, " · ")
	}
	for _, row := range f.Rows {
		lines = append(lines, join(row))
	}
	for _, block := range f.Blocks {
		var words []string
		for _, field := range block {
			words = append(words, r.lines(field)...)
		}
		lines = append(lines, strings.Join(words, " · "))
	}
	for _, v := range f.Values {
		lines = append(lines, r.said(v))
	}
	return lines
}

// day is a day of a timeline, in UTC+8.
type day struct {
	At     time.Time
	Events []entry
}

// entry is one event, with the document that it is about.
type entry struct {
	views.Event
	Document *views.CaseDocument
}

// days groups a timeline. What names a document by its ID is told the document.
func days(timeline []views.Event, files []views.CaseDocument) (found []day) {
	for _, e := range timeline {
		if n := len(found); n == 0 || calendar.DateOf(found[n-1].At) != calendar.DateOf(e.At) {
			found = append(found, day{At: e.At})
		}
		line := entry{Event: e}
		for i, f := range files {
			if strings.Contains(e.Note, f.Document) {
				line.Document = &files[i]
				line.Note = strings.TrimSuffix(strings.TrimSpace(strings.Replace(e.Note, f.Document, "", 1)), ":")
			}
		}
		if line.Document != nil && line.Note == string(line.Document.Kind) {
			line.Note = ""
		}
		d := &found[len(found)-1]
		d.Events = append(d.Events, line)
	}
	return found
}
