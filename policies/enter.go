package policies

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/condition"
)

// Entered is a policy as somebody entered it into a form.
type Entered struct {
	Policy Policy
	Fields []Field // with what was entered, and what is wrong with it
	Faults []Fault // all of them
	Others []Fault // those that are about no field
}

// most is how many parts a list of a form has.
const most = 500

// deepest is how many steps down no part of a policy lies.
const deepest = 10

// ErrTooLong says that a list of a form has more than 500 parts.
var ErrTooLong = errors.New("a list of the form is too long")

// Form reads a form: what stands in each control, by its path. Nothing is checked yet.
func Form(kind string, form map[string][]string) ([]Field, error) {
	stands := &entered{}
	for path, values := range form {
		if strings.Count(path, ".") > deepest {
			continue // nothing lies there
		}
		at := stands
		for name := range strings.SplitSeq(path, ".") {
			at = at.make(name)
		}
		at.values = values
	}
	if stands.tooLong() {
		return nil, ErrTooLong
	}
	return known[kind].form(stands), nil
}

// Enter reads a policy from the fields of a form as from a policy file. What is left empty is not set.
func Enter(kind string, fields []Field) Entered {
	e := Entered{Fields: fields}
	e.Policy, e.Faults = ReadKind(kind, []byte(strings.Join(mapping(fields), "\n")))
	for _, fault := range e.Faults {
		fields := about(e.Fields, fault)
		for _, f := range fields {
			f, fault := f.row(fault)
			f.Wrong = append(f.Wrong, fault)
		}
		if len(fields) == 0 {
			e.Others = append(e.Others, fault)
		}
	}
	return e
}

// mapping writes fields as a policy file has them, those that are set.
func mapping(fields []Field) []string {
	var lines []string
	for _, f := range fields {
		switch value := f.lines(); {
		case len(value) == 0:
		case f.Long():
			lines = append(lines, f.Name+":")
			for _, l := range value {
				lines = append(lines, "  "+l)
			}
		default:
			lines = append(lines, f.Name+": "+value[0])
		}
	}
	return lines
}

// lines is a field's value in YAML; none: it is not set. What people enter is a value and never more: quoted, so that it
// cannot say anything else.
func (f Field) lines() []string {
	switch f.Shape { //nolint:exhaustive // the others are one value
	case Group:
		return mapping(f.Parts)
	case Asked:
		return asked(f.Parts[0].Value, f.Parts[1].Value)
	case Condition:
		if len(f.Parts) > 0 {
			f.Value = condition.Write(f.tests())
		}
	case List:
		var lines []string
		for _, p := range f.Parts {
			part := p.lines()
			if len(part) == 0 {
				part = []string{"{}"} // somebody added it
			}
			for i, l := range part {
				lead := "  "
				if i == 0 {
					lead = "- "
				}
				lines = append(lines, lead+l)
			}
		}
		return lines
	case Lines, Choices:
		var lines []string
		for v := range strings.SplitSeq(f.Value, "\n") {
			if v != "" {
				lines = append(lines, "- "+scalar(f.Shape, v))
			}
		}
		return lines
	}
	if f.Value == "" || f.Shape == Flag && f.Value == "false" {
		return nil
	}
	return []string{scalar(f.Shape, f.Value)}
}

var plain = regexp.MustCompile(`^(-?[0-9]+|true)$`)

func scalar(s Shape, value string) string {
	if (s == Whole || s == Flag || s == Lines) && plain.MatchString(value) {
		return value
	}
	quoted, err := json.Marshal(value)
	if err != nil { // a text always can
		return `""`
	}
	return string(quoted)
}

// How a form says who is asked: role:R, each:R, relation:R, band, or nothing beside a person's ID.
const (
	askRole, askEach, askRelation, askBand = "role:", "each:", "relation:", "band"
)

// Relations are the answers to who is asked that do not depend on who there is.
var Relations = []string{askRelation + string(approval.EcosystemManager), askRelation + string(approval.Superior), askBand}

// asked writes who is asked. Whoever is chosen and named as well is both, which the policy's check refuses.
func asked(ask, id string) []string {
	var lines []string
	if id != "" {
		lines = append(lines, "person: "+scalar(Text, id))
	}
	kind, name, _ := strings.Cut(ask, ":")
	switch kind += ":"; {
	case ask == "":
	case ask == askBand:
		lines = append(lines, "band: true")
	case kind == askEach:
		lines = append(lines, "role: "+scalar(Text, name), "each: true")
	case kind == askRelation:
		lines = append(lines, "relation: "+scalar(Text, name))
	default:
		lines = append(lines, "role: "+scalar(Text, name))
	}
	return lines
}

func ask(c approval.Candidate) string {
	switch {
	case c.Band:
		return askBand
	case c.Each:
		return askEach + string(c.Role)
	case c.Role != "":
		return askRole + string(c.Role)
	case c.Relation != "":
		return askRelation + string(c.Relation)
	}
	return ""
}

var index = regexp.MustCompile(`\[([0-9]+)\]`)

// about are the fields that a fault stands with: those beside its place that its sentence names and that are empty, or that
// of its place; none: it is about the whole.
func about(fields []Field, fault Fault) []*Field {
	over := func(path string) string { return path[:max(strings.LastIndexByte(path, '.'), 0)] }
	path := index.ReplaceAllString(fault.Path, ".$1")
	found := find(fields, path)
	for ; found == nil && path != ""; found = find(fields, path) {
		path = over(path)
	}
	beside := fields
	switch group := find(fields, over(path)); {
	case found == nil:
	case found.Shape == Group:
		beside = found.Parts
	case len(found.lines()) == 0:
		return []*Field{found}
	case group != nil:
		beside = group.Parts
	}
	empty, set := mentioned(beside, fault.Fault)
	switch {
	case len(empty) > 0:
		return empty
	case found != nil && found.Shape != Group || len(set) == 0 && found != nil:
		return []*Field{found}
	}
	return set[:min(len(set), 1)]
}

// mentioned are the fields that a sentence names, once it has said where it is.
func mentioned(fields []Field, sentence string) (empty, set []*Field) {
	if _, rest, ok := strings.Cut(sentence, ": "); ok {
		sentence = rest
	}
	for i, word := range ofField.FindAllString(sentence, -1) {
		n := slices.IndexFunc(fields, func(f Field) bool { return f.Name == word })
		if n < 0 || word == "of" && i > 0 { // which is a field's name, and a word
			continue
		}
		if f := &fields[n]; len(f.lines()) == 0 {
			empty = append(empty, f)
		} else {
			set = append(set, f)
		}
	}
	return empty, set
}

// entered is what stands in the controls of a form, part by part.
type entered struct {
	values []string
	parts  map[string]*entered
}

func (e *entered) part(name string) *entered {
	if e == nil {
		return nil
	}
	return e.parts[name]
}

func (e *entered) make(name string) *entered {
	if e.parts == nil {
		e.parts = map[string]*entered{}
	}
	if e.parts[name] == nil {
		e.parts[name] = &entered{}
	}
	return e.parts[name]
}

// text is one value without blanks around it.
func (e *entered) text() string {
	if e == nil || len(e.values) == 0 {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(e.values[0], "\r\n", "\n"))
}

// all are the values, of which each line is one.
func (e *entered) all() []string {
	if e == nil {
		return nil
	}
	var all []string
	for _, v := range e.values {
		for line := range strings.Lines(v) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

// list has the parts of a list in their order.
func (e *entered) list() []*entered {
	if e == nil {
		return nil
	}
	var numbers []int
	for name := range e.parts {
		if n, err := strconv.Atoi(name); err == nil && strconv.Itoa(n) == name {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var list []*entered
	for _, n := range numbers {
		list = append(list, e.parts[strconv.Itoa(n)])
	}
	return list
}

func (e *entered) tooLong() bool {
	for _, p := range e.parts {
		if len(p.list()) > most || p.tooLong() {
			return true
		}
	}
	return false
}

// put fills in what a policy says.
func (e *entered) put(v reflect.Value) error {
	t := v.Type()
	if c, ok := v.Interface().(approval.Candidate); ok {
		e.make("ask").values, e.make("person").values = []string{ask(c)}, []string{c.Person}
		return nil
	}
	switch kind := t.Kind(); {
	case t.Implements(isText) || kind == reflect.String || kind == reflect.Bool || v.CanInt():
		return e.write(v)
	case kind == reflect.Pointer && v.IsNil():
		return nil
	case kind == reflect.Pointer:
		return e.put(v.Elem())
	case kind == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			if err := e.make(strconv.Itoa(i)).put(v.Index(i)); err != nil {
				return err
			}
		}
	case kind == reflect.Slice:
		for i := range v.Len() {
			part := &entered{}
			if err := part.write(v.Index(i)); err != nil {
				return err
			}
			e.values = append(e.values, part.values...)
		}
	case kind == reflect.Map:
		for _, key := range v.MapKeys() {
			if err := e.make(key.String()).put(v.MapIndex(key)); err != nil {
				return err
			}
		}
	default:
		for i, name := range keysOf(t) {
			if omitted := strings.Contains(t.Field(i).Tag.Get("json"), ",omit") && v.Field(i).IsZero(); name == "-" || omitted {
				continue
			}
			if err := e.make(name).put(v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// write puts a single value as a policy file has it. It goes by way of JSON, in which a policy is stored.
func (e *entered) write(v reflect.Value) error {
	if v.IsZero() && !v.CanInt() {
		return nil
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return err
	}
	value := string(text)
	if text[0] == '"' {
		if err := json.Unmarshal(text, &value); err != nil {
			return err
		}
	}
	e.values = []string{value}
	return nil
}

// Roles are those that the fields of a form name.
func Roles(fields []Field) []string {
	var all []string
	for _, f := range fields {
		switch {
		case f.Shape == Asked:
			if kind, name, _ := strings.Cut(f.Parts[0].Value, ":"); kind+":" == askRole || kind+":" == askEach {
				all = append(all, name)
			}
		case f.Shape == Role && f.Value != "":
			all = append(all, f.Value)
		default:
			all = append(all, Roles(f.Parts)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
