package condition

import "strings"

// Test is one comparison of a condition, as a row of a form has it.
type Test struct {
	Or    bool   // it begins another alternative; else it has to hold together with the test before it
	Field Field  // of which Write needs no more than name and type
	Is    string // of an amount =, !=, <, <=, > or >=; of a text among some, or a flag, = or !=
	With  []string
}

// Tests takes a condition apart, a test a comparison; not ok: it has an "or" within an "and", which rows cannot say.
func (c Condition) Tests() (tests []Test, ok bool) {
	if c.IsZero() {
		return nil, true
	}
	return rows(c.root)
}

func rows(n node) ([]Test, bool) {
	is := func(negated bool) string {
		if negated {
			return "!="
		}
		return "="
	}
	switch n := n.(type) {
	case amountTest:
		return []Test{{Field: n.field, Is: n.op, With: []string{n.with.String()}}}, true
	case textTest:
		return []Test{{Field: n.field, Is: is(n.negated), With: n.among}}, true
	case flagTest:
		return []Test{{Field: n.field, Is: is(n.negated)}}, true
	}
	of, ok := n.(group)
	var all []Test
	for i, part := range of.parts {
		within, flat := rows(part)
		if !flat || of.word == "and" && len(within) > 1 {
			return nil, false
		}
		within[0].Or = of.word == "or" && i > 0
		all = append(all, within...)
	}
	return all, ok
}

// Write writes tests as a condition. What cannot stand where it is entered is written in quotes, or so that a quote does not
// end: Parse finds fault with it and reads nothing else.
func Write(tests []Test) string {
	var text strings.Builder
	for i, t := range tests {
		switch {
		case i == 0:
		case t.Or:
			text.WriteString(" or ")
		default:
			text.WriteString(" and ")
		}
		text.WriteString(t.source())
	}
	return text.String()
}

func (t Test) source() string {
	name, is := literal(t.Field.Name), t.Is
	if _, known := comparisons[is]; !known {
		is = literal(is)
	}
	among := make([]string, len(t.With))
	for i, text := range t.With {
		among[i] = literal(text)
	}
	with := strings.Join(among, ", ")
	switch {
	case t.Field.Type == Flag && is == "=":
		return name
	case t.Field.Type == Flag && is == "!=":
		return "not " + name
	case t.Field.Type == Amount && with == "":
		return name + " " + is + ` ""`
	case t.Field.Type == Amount, len(among) == 1:
		return name + " " + is + " " + with
	case is == "=":
		return name + " in (" + with + ")"
	case is == "!=":
		return name + " not in (" + with + ")"
	}
	return name + " " + is + " (" + with + ")"
}

// literal quotes what cannot stand bare. What no quotes can hold gets one that does not end.
func literal(text string) string {
	switch double, single := strings.Contains(text, `"`), strings.Contains(text, "'"); {
	case double && single:
		return "\"\n"
	case bare.MatchString(text) && !isKeyword(text):
		return text
	case double: // then it has no single one
		return "'" + text + "'"
	}
	return `"` + text + `"`
}
