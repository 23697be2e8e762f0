package condition

import (
	"fmt"
	"slices"
	"strings"

	"countersign/domain/money"
)

// node is a checked expression. None means "not": Parse carries every "not" down to the comparisons, so that
// conditions and sentences never nest it.
type node interface {
	holds(v Values) (bool, error)
	words() string
	source() string
}

// group is two parts or more, joined by "and" or "or"; no part is a group of the same word.
type group struct {
	word  string
	parts []node
}

// joined flattens (a and b) and c, which is the same as a and b and c.
func joined(word string, parts []node) node {
	if len(parts) == 1 {
		return parts[0]
	}
	g := group{word: word}
	for _, part := range parts {
		if inner, ok := part.(group); ok && inner.word == word {
			g.parts = append(g.parts, inner.parts...)
		} else {
			g.parts = append(g.parts, part)
		}
	}
	return g
}

func (g group) holds(v Values) (bool, error) {
	all, any := true, false
	for _, part := range g.parts { // to the end: see Condition.Holds
		ok, err := part.holds(v)
		if err != nil {
			return false, err
		}
		all, any = all && ok, any || ok
	}
	if g.word == "and" {
		return all, nil
	}
	return any, nil
}

func (g group) words() string {
	parts := make([]string, len(g.parts))
	for i, part := range g.parts {
		parts[i] = part.words()
		if _, nested := part.(group); nested {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	text := strings.Join(parts, " "+g.word+" ")
	if g.word == "or" {
		return "either " + text
	}
	return text
}

func (g group) source() string {
	parts := make([]string, len(g.parts))
	for i, part := range g.parts {
		parts[i] = part.source()
		if _, nested := part.(group); nested && g.word == "and" { // an "or" in an "and"; the other way needs no brackets
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, " "+g.word+" ")
}

// amountTest compares exactly.
type amountTest struct {
	field Field
	op    string // a key of comparisons
	with  money.Amount
}

// comparisons are what can be asked of an amount; holds takes the outcome of Cmp.
var comparisons = map[string]struct {
	opposite, words string
	holds           func(cmp int) bool
}{
	"=":  {"!=", "is", func(cmp int) bool { return cmp == 0 }},
	"!=": {"=", "is not", func(cmp int) bool { return cmp != 0 }},
	"<":  {">=", "is less than", func(cmp int) bool { return cmp < 0 }},
	"<=": {">", "is at most", func(cmp int) bool { return cmp <= 0 }},
	">":  {"<=", "is more than", func(cmp int) bool { return cmp > 0 }},
	">=": {"<", "is at least", func(cmp int) bool { return cmp >= 0 }},
}

func (t amountTest) holds(v Values) (bool, error) {
	text, err := t.field.in(v)
	if err != nil {
		return false, err
	}
	is, err := money.Parse(text)
	if err != nil {
		return false, fmt.Errorf("field %q of the case: %w", t.field.Name, err)
	}
	return comparisons[t.op].holds(is.Cmp(t.with)), nil
}

func (t amountTest) words() string {
	return fmt.Sprintf("%s %s %s", t.field.Words, comparisons[t.op].words, t.with)
}

func (t amountTest) source() string {
	return fmt.Sprintf("%s %s %s", t.field.Name, t.op, t.with)
}

// textTest asks whether a text is among some, or not.
type textTest struct {
	field   Field
	negated bool
	among   []string // one or more
}

func (t textTest) holds(v Values) (bool, error) {
	text, err := t.field.in(v)
	if err != nil {
		return false, err
	}
	if !t.field.allows(text) {
		return false, fmt.Errorf("field %q of the case cannot be %q; it can be: %s", t.field.Name, text, choices(t.field.Values))
	}
	return slices.Contains(t.among, text) != t.negated, nil
}

func (t textTest) words() string {
	texts := written(t.among)
	last := len(texts) - 1
	switch {
	case !t.negated && last == 0:
		return t.field.Words + " is " + texts[0]
	case !t.negated:
		return t.field.Words + " is " + strings.Join(texts[:last], ", ") + " or " + texts[last]
	case last == 0:
		return t.field.Words + " is not " + texts[0]
	default:
		return t.field.Words + " is neither " + strings.Join(texts, " nor ")
	}
}

func (t textTest) source() string {
	op, texts := "in", choices(t.among)
	if t.negated {
		op = "not in"
	}
	if len(t.among) > 1 {
		return fmt.Sprintf("%s %s (%s)", t.field.Name, op, texts)
	}
	if t.negated {
		return t.field.Name + " != " + texts
	}
	return t.field.Name + " = " + texts
}

// flagTest asks whether a flag is set, or not.
type flagTest struct {
	field   Field
	negated bool
}

func (t flagTest) holds(v Values) (bool, error) {
	text, err := t.field.in(v)
	if err != nil {
		return false, err
	}
	if text != "true" && text != "false" {
		return false, fmt.Errorf(`field %q of the case cannot be %q; it can be: true, false`, t.field.Name, text)
	}
	return (text == "true") != t.negated, nil
}

func (t flagTest) words() string {
	if t.negated {
		return t.field.Words + " is not set"
	}
	return t.field.Words + " is set"
}

func (t flagTest) source() string {
	if t.negated {
		return "not " + t.field.Name
	}
	return t.field.Name
}

// in is the field's value in a case.
func (f Field) in(v Values) (string, error) {
	text, ok := v[f.Name]
	if !ok {
		return "", fmt.Errorf("the case has no field %q, and the condition asks for it", f.Name)
	}
	return text, nil
}

func (f Field) allows(text string) bool { return len(f.Values) == 0 || slices.Contains(f.Values, text) }

// written has texts as a condition writes them.
func written(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = literal(text)
	}
	return out
}

func choices(texts []string) string { return strings.Join(written(texts), ", ") }
