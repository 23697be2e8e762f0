package policies

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Field is one parameter of a policy as a form shows it.
type Field struct {
	Name  string // as in a policy file
	Shape Shape
	Value string // as in a policy file; of parts without the name
}

// Shape says how a field is entered.
type Shape string

// The shapes.
const (
	Text  Shape = "text"  // one line: a term, an amount, a role
	Whole Shape = "whole" // a whole number
	Flag  Shape = "flag"  // true or false
	Parts Shape = "parts" // several lines in YAML: a chain, lines of rates
)

// Fields takes a policy apart; of nil come the fields of an empty one.
func Fields(kind string, p Policy) ([]Field, error) { return known[kind].fields(p) }

var isText = reflect.TypeFor[encoding.TextMarshaler]()

func fieldsOf[P Policy](p Policy) ([]Field, error) {
	v := reflect.New(reflect.TypeFor[P]()).Elem()
	if p != nil {
		v.Set(reflect.ValueOf(p))
	}
	var fields []Field
	for i, name := range keysOf(v.Type()) {
		if name == "-" {
			continue
		}
		f, err := fieldOf(name, v.Field(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// fieldOf shows a value as a policy file has it. It goes by way of JSON, in which a policy says nothing of what it leaves out.
func fieldOf(name string, v reflect.Value) (Field, error) {
	f := Field{Name: name, Shape: Text}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return f, err
	}
	switch kind := v.Kind(); {
	case v.Type().Implements(isText) || kind == reflect.String:
	case kind == reflect.Bool:
		f.Shape = Flag
	case v.CanInt():
		f.Shape = Whole
	default:
		f.Shape = Parts
	}
	switch {
	case v.IsZero() && f.Shape != Flag && f.Shape != Whole:
		return f, nil
	case f.Shape == Parts:
		lines, err := yaml.JSONToYAML(text)
		f.Value = strings.TrimRight(string(lines), "\n")
		return f, err
	case text[0] == '"':
		err := json.Unmarshal(text, &f.Value)
		return f, err
	}
	f.Value = string(text)
	return f, nil
}

// Entered is a policy as somebody entered it into a form.
type Entered struct {
	Policy Policy
	Fields []Field            // with what was entered
	Faults map[string][]Fault // by field; those about none of them under ""
}

// Enter reads a form: what stands in each field, by name. A field left empty is not set.
func Enter(kind string, entered func(name string) string) (Entered, error) {
	fields, err := Fields(kind, nil)
	if err != nil {
		return Entered{}, err
	}
	var text strings.Builder
	var begins []int // the line at which each field begins, from 1
	line := 1
	for i, f := range fields {
		value := strings.TrimRight(strings.ReplaceAll(entered(f.Name), "\r\n", "\n"), " \n")
		fields[i].Value = value
		begins = append(begins, line)
		if strings.TrimSpace(value) == "" {
			continue
		}
		part := f.Name + ": " + scalar(f.Shape, value) + "\n"
		if f.Shape == Parts {
			part = f.Name + ":\n  " + strings.ReplaceAll(value, "\n", "\n  ") + "\n"
		}
		text.WriteString(part)
		line += strings.Count(part, "\n")
	}
	e := Entered{Fields: fields, Faults: map[string][]Fault{}}
	var faults []Fault
	e.Policy, faults = ReadKind(kind, []byte(text.String()))
	for _, f := range faults {
		about := ""
		if f.Line > 0 {
			last := max(0, slices.IndexFunc(begins, func(b int) bool { return b > f.Line }))
			if last == 0 {
				last = len(fields)
			}
			for last--; last > 0 && fields[last].Value == ""; last-- { // a field that was left empty has no line
			}
			about = fields[last].Name
			f.Line -= begins[last]
		} else if missing := slices.IndexFunc(fields, func(x Field) bool { return strings.Contains(f.Fault, x.Name) }); missing >= 0 {
			about = fields[missing].Name
		}
		e.Faults[about] = append(e.Faults[about], f)
	}
	return e, nil
}

// scalar is a line as YAML has it. What people enter is a value and never more: quoted, so that it cannot say anything else.
func scalar(s Shape, value string) string {
	if s == Text {
		quoted, err := json.Marshal(value)
		if err == nil {
			return string(quoted)
		}
	}
	return strings.Join(strings.Fields(value), " ")
}

// Change is a parameter that two policies have differently.
type Change struct{ Name, Before, After string }

// Changes compares two policies of a kind; of none before, everything is new.
func Changes(kind string, before, after Policy) ([]Change, error) {
	old, err := Fields(kind, before)
	if err != nil {
		return nil, err
	}
	now, err := Fields(kind, after)
	if err != nil {
		return nil, err
	}
	var out []Change
	for i, f := range now {
		was := old[i].Value
		if before == nil {
			was = ""
		}
		if was != f.Value {
			out = append(out, Change{f.Name, was, f.Value})
		}
	}
	return out, nil
}
