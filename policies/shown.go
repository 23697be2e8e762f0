package policies

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"countersign/domain/approval"
)

// Set tells whether anything was entered.
func (f Field) Set() bool { return len(f.lines()) > 0 }

// Item tells whether a field is a part of a list.
func (f Field) Item() bool { return digits.MatchString(f.Name) }

// Title is what a part of a list is known by: what stands in its first field.
func (f Field) Title() string {
	if len(f.Parts) == 0 {
		return f.Value
	}
	return f.Parts[0].Value
}

// Chain tells whether the parts of a field are those of an approval chain.
func (f Field) Chain() bool {
	steps := f.Named("steps")
	return steps != nil && steps.Label == "chain-steps"
}

// Values are the lines of a list of texts.
func (f Field) Values() []string {
	if f.Value == "" {
		return nil
	}
	return strings.Split(f.Value, "\n")
}

// Asked is who is asked: "role", "each", "relation" or "person" with its name, or "band".
func (f Field) Asked() struct{ As, Name string } {
	ask := f.Parts[0].Value
	if ask == "" {
		return struct{ As, Name string }{"person", f.Parts[1].Value}
	}
	as, name, _ := strings.Cut(ask, ":")
	return struct{ As, Name string }{as, name}
}

// Flat tells whether a list's parts have no parts of their own.
func (f Field) Flat() bool {
	return !slices.ContainsFunc(f.Blank.Parts, func(p Field) bool { return p.Nested() })
}

// Columns are those of a flat list of which some part has something.
func (f Field) Columns() (all []int) {
	for i := range f.Blank.Parts {
		if slices.ContainsFunc(f.Parts, func(p Field) bool { return p.Parts[i].Set() }) {
			all = append(all, i)
		}
	}
	return all
}

// Whole is a whole number; 0: it is none.
func (f Field) Whole() int64 {
	n, _ := strconv.ParseInt(f.Value, 10, 64) //nolint:errcheck // 0
	return n
}

// Clocked tells whether a step's time has an end, or somebody is reminded.
func (f Field) Clocked() bool {
	for _, name := range []string{"remind", "due", "escalate", "default"} {
		if part := f.Named(name); part != nil && part.Set() {
			return true
		}
	}
	return false
}

// Round is whom a policy asks about one matter.
type Round struct {
	Matter string
	Chain  Field
}

// Plain tells whether a matter is one step that bears its name.
func (r Round) Plain() bool {
	steps := r.Chain.Named("steps").Parts
	return len(steps) == 1 && steps[0].Title() == r.Matter
}

// Rounds are the matters of a kind with whom a policy asks about each, also where it says so by roles and terms alone.
func Rounds(kind string, p Policy) ([]Round, error) {
	var all []Round
	for _, m := range known[kind].matters {
		var c approval.Chain
		switch p := p.(type) {
		case interface{ Chain() approval.Chain }:
			c = p.Chain()
		case interface {
			Chain(matter string) approval.Chain
		}:
			c = p.Chain(m.Name)
		case interface {
			Chain(m approval.Matter) approval.Chain
		}:
			c = p.Chain(m)
		}
		stands := &entered{}
		if err := stands.put(reflect.ValueOf(c)); err != nil {
			return nil, err
		}
		all = append(all, Round{m.Name, builder{known[kind].asks}.field(reflect.TypeOf(c), m.Name, m.Name, m.Name, stands)})
	}
	return all, nil
}

// Nested tells whether a field has parts that are shown one by one.
func (f Field) Nested() bool { return f.Shape == Group || f.Shape == List }
