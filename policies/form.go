package policies

import (
	"fmt"
	"reflect"
	"strings"

	"countersign/domain/condition"
)

// Field is one parameter of a policy as a form shows it, or a part of one.
type Field struct {
	Name    string // as in a policy file; of a part of a list its number, from 0
	Path    string // the name of its control: approval.steps.0.name
	Label   string // what it is, wherever it stands: approval, step-name
	Shape   Shape
	Value   string   // as in a policy file, of a list a line a value; of what has parts none
	Entry   string   // what stands in the control, if that is not the value
	Words   string   // a term or a condition as people read it; empty: it is none
	Unit    string   // of a term
	Line    bool     // a condition is entered as a line
	Choices []string // that are known, and what was chosen
	Parts   []Field  // of a group, a list, somebody who is asked
	Blank   *Field   // what a list's next part begins with
	Wrong   []Fault

	asks []condition.Field // what a condition may ask for
}

// Shape says how a field is entered.
type Shape string

// The shapes.
const (
	Text    Shape = "text"    // one line
	Number  Shape = "number"  // an amount or a rate
	Whole   Shape = "whole"   // a whole number
	Flag    Shape = "flag"    // true or false
	Role    Shape = "role"    // that somebody holds
	Term    Shape = "term"    // a number, and under .unit what it counts
	Day     Shape = "day"     // a date
	Instant Shape = "instant" // a date and the time in UTC+8
	Choice  Shape = "choice"  // one of a few
	Choices Shape = "choices" // some of a few
	Lines   Shape = "lines"   // texts or numbers, a line each
	Group   Shape = "group"   // its parts
	List    Shape = "list"    // parts that one can add, remove and move
	Asked   Shape = "asked"   // who is asked: a choice, or a person's ID

	Condition Shape = "condition" // its parts, a test each; without parts a line, in the language of policy files
)

// One tells whether a list's part is entered in a row of a table: it has a few short parts.
func (f Field) One() bool {
	if len(f.Parts) > 4 {
		return false
	}
	for _, p := range f.Parts {
		if p.Long() {
			return false
		}
	}
	return true
}

// Long tells whether a value is several lines.
func (f Field) Long() bool {
	return f.Shape == Group || f.Shape == List || f.Shape == Lines || f.Shape == Choices
}

// Rows is how many lines a text has in a form: a few to write in, and no wall.
func (f Field) Rows() int { return min(max(strings.Count(f.Value, "\n")+2, 3), 12) }

// Named is the part with a name.
func (f Field) Named(name string) *Field { return find(f.Parts, f.Path+"."+name) }

// Fields takes a policy apart; of nil come the fields of an empty one.
func Fields(kind string, p Policy) ([]Field, error) { return known[kind].fields(p) }

func fieldsOf[P Policy](p Policy, asks []condition.Field) ([]Field, error) {
	v := reflect.New(reflect.TypeFor[P]()).Elem()
	if p != nil {
		v.Set(reflect.ValueOf(p))
	}
	stands := &entered{}
	if err := stands.put(v); err != nil {
		return nil, err
	}
	return builder{asks}.parts(v.Type(), "", "", stands), nil
}

// Rearranges does what a button of the form asks for: "add approval.steps", or "remove", "up" and "down" with a part's path,
// or "line" with a condition's, which is to be entered as a line. It tells whether that was such a button's.
func Rearranges(fields []Field, button string) bool {
	verb, path, _ := strings.Cut(button, " ")
	part := find(fields, path)
	if part == nil {
		return false
	}
	switch {
	case verb == "add" && len(part.Parts) < most:
		return part.add()
	case verb == "line" && part.Shape == Condition && !part.Line:
		part.Value, part.Parts, part.Line = condition.Write(part.tests()), nil, true
		return true
	}
	list := find(fields, path[:max(strings.LastIndexByte(path, '.'), 0)])
	if list == nil || list.Shape != List && list.Shape != Condition {
		return false
	}
	i, last := 0, len(list.Parts)-1
	for list.Parts[i].Path != path {
		i++
	}
	switch {
	case verb == "remove":
		list.Parts = append(list.Parts[:i], list.Parts[i+1:]...)
	case verb == "up" && i > 0:
		list.Parts[i], list.Parts[i-1] = list.Parts[i-1], list.Parts[i]
	case verb == "down" && i < last:
		list.Parts[i], list.Parts[i+1] = list.Parts[i+1], list.Parts[i]
	default:
		return false
	}
	list.number()
	return true
}

// add gives a list its next part, and a condition a test of what was chosen.
func (f *Field) add() bool {
	switch f.Shape { //nolint:exhaustive // nothing else has more parts
	case List:
		f.Parts = append(f.Parts, *f.Blank)
	case Condition:
		chosen := f.asked(f.Entry)
		if chosen.Type == "" {
			return false
		}
		f.Parts = append(f.Parts, test(chosen, f.Path+".new", nil))
	default:
		return false
	}
	f.number()
	return true
}

// find is the field of a path; nil: there is none.
func find(fields []Field, path string) *Field {
	for i := range fields {
		f := &fields[i]
		if f.Path == path {
			return f
		}
		if strings.HasPrefix(path, f.Path+".") {
			return find(f.Parts, path)
		}
	}
	return nil
}

// number gives a list's parts the paths of where they stand now.
func (f *Field) number() {
	for i := range f.Parts {
		f.Parts[i] = f.Parts[i].at(fmt.Sprintf("%s.%d", f.Path, i))
		f.Parts[i].Name = fmt.Sprint(i)
	}
}

// at is the field under another path.
func (f Field) at(path string) Field {
	moved := f
	moved.Path, moved.Parts = path, make([]Field, len(f.Parts))
	for i, p := range f.Parts {
		moved.Parts[i] = p.at(path + strings.TrimPrefix(p.Path, f.Path))
	}
	if f.Blank != nil {
		blank := f.Blank.at(path + strings.TrimPrefix(f.Blank.Path, f.Path))
		moved.Blank = &blank
	}
	return moved
}
