package policies

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"countersign/domain/condition"
)

// comparisons are what a form asks of a field of each type.
var comparisons = map[condition.Type][]string{
	condition.Amount: {">=", ">", "<=", "<", "=", "!="},
	condition.Text:   {"=", "!="},
	condition.Flag:   {"=", "!="},
}

// condition takes what stands in a condition's controls: a line, or rows of which each is a test. A line that rows can say
// becomes rows.
func (f *Field) condition(asks []condition.Field, stands *entered) {
	f.asks, f.Entry, f.Value = asks, stands.part("add").text(), stands.text()
	for _, a := range asks {
		f.Choices = append(f.Choices, a.Name)
	}
	if rows := stands.list(); f.Value == "" && len(rows) > 0 {
		for _, row := range rows {
			f.Parts = append(f.Parts, test(f.asked(row.part("field").text()), f.Path+".new", row))
		}
		f.number()
		f.Value = condition.Write(f.tests())
	}
	c, err := condition.Parse(f.Value, asks)
	if f.Line = err != nil && len(f.Parts) == 0; err != nil || c.IsZero() {
		return
	}
	f.Words = c.Words()
	if len(f.Parts) > 0 {
		return
	}
	apart, ok := c.Tests()
	if f.Line = !ok; f.Line {
		return
	}
	for _, t := range apart {
		row := &entered{}
		if t.Or {
			row.make("joint").values = []string{"or"}
		}
		row.make("is").values, row.make("with").values = []string{t.Is}, t.With
		f.Parts = append(f.Parts, test(t.Field, f.Path+".new", row))
	}
	f.number()
}

// asked is what a condition may ask for by a name; without a type: there is no such thing.
func (f *Field) asked(name string) condition.Field {
	if i := slices.IndexFunc(f.asks, func(a condition.Field) bool { return a.Name == name }); i >= 0 {
		return f.asks[i]
	}
	return condition.Field{Name: name}
}

// test is a row of a condition: how it is joined to the row before, what it asks for, and how that compares with what.
func test(of condition.Field, path string, stands *entered) Field {
	part := func(name, label string, shape Shape, choices []string) Field {
		f := Field{Name: name, Path: path + "." + name, Label: label, Shape: shape, Choices: slices.Clone(choices)}
		f.leaf(stands.part(name))
		return f
	}
	with := part("with", "test-with", Lines, nil)
	switch {
	case of.Type == condition.Amount:
		with = part("with", "test-with", Number, nil)
	case len(of.Values) > 0:
		with = part("with", "test-with", Choices, of.Values)
	}
	field := Field{Name: "field", Path: path + ".field", Label: "test-field", Shape: Text, Value: of.Name}
	return Field{Path: path, Label: "test", Shape: Group, Parts: []Field{
		part("joint", "test-joint", Choice, []string{"or"}), field, part("is", "test-"+string(of.Type), Choice, comparisons[of.Type]), with,
	}}
}

// tests are what the rows of a condition say.
func (f *Field) tests() []condition.Test {
	var all []condition.Test
	for _, row := range f.Parts {
		joint, field, is, with := row.Parts[0].Value, f.asked(row.Parts[1].Value), row.Parts[2].Value, row.Parts[3].Value
		t := condition.Test{Or: joint == "or", Field: field, Is: is}
		if with != "" && field.Type != condition.Flag {
			t.With = strings.Split(with, "\n")
		}
		all = append(all, t)
	}
	return all
}

// ofColumn says where in a condition a fault is, in characters from 1.
var ofColumn = regexp.MustCompile(`column ([0-9]+): `)

// row is the row that a fault in a condition is about, and the fault without its column, which rows do not have; the field itself: it is
// no condition in rows.
func (f *Field) row(fault Fault) (*Field, Fault) {
	at := ofColumn.FindStringSubmatch(fault.Fault)
	if f.Shape != Condition || len(f.Parts) == 0 || at == nil {
		return f, fault
	}
	fault.Fault = strings.Replace(fault.Fault, at[0], "", 1)
	column, _ := strconv.Atoi(at[1]) //nolint:errcheck // digits
	all := f.tests()
	for i := range f.Parts {
		if utf8.RuneCountInString(condition.Write(all[:i+1])) >= column {
			return &f.Parts[i], fault
		}
	}
	return &f.Parts[len(f.Parts)-1], fault
}

// Lined tells whether a condition is entered as a line.
func Lined(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool { return f.Line || Lined(f.Parts) })
}
