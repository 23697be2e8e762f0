package policies

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/incentive"
	"countersign/domain/lab"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/solution"
	"countersign/domain/staff"
	"countersign/domain/tier"
)

// labels names the parts of policies by their types.
var labels = map[reflect.Type]string{
	reflect.TypeFor[approval.Chain]():     "chain",
	reflect.TypeFor[approval.Step]():      "step",
	reflect.TypeFor[approval.Candidate](): "asked",
	reflect.TypeFor[approval.Default]():   "default",
	reflect.TypeFor[approval.Band]():      "band",
	reflect.TypeFor[incentive.Line]():     "line",
	reflect.TypeFor[incentive.Ladder]():   "ladder",
	reflect.TypeFor[incentive.Step]():     "rung",
	reflect.TypeFor[baseline.Template]():  "features",
	reflect.TypeFor[baseline.Column]():    "column",
	reflect.TypeFor[baseline.Item]():      "file",
	reflect.TypeFor[tier.Item]():          "item",
}

// choices has what single fields may say, by their label. A field without a mode asks any one, so "any" is not among them.
var choices = map[string][]string{
	"step-mode":          {string(approval.All), string(approval.Votes), string(approval.Sequence)},
	"default-outcome":    {string(approval.Approve), string(approval.Reject)},
	"cadence":            {string(incentive.Monthly), string(incentive.Quarterly), string(incentive.Yearly)},
	"line-associations":  {incentive.Resale, incentive.Advisory},
	"line-billing_modes": {"subscription", "pay-per-use", "monthly-settled"},
	"ladder-base":        {string(incentive.Performance), string(incentive.Growth)},
	"ladder-threshold":   {string(incentive.Performance), string(incentive.Growth), string(incentive.GrowthPercent)},
	"item-source":        texts(tier.Sources),
	"materials":          solution.MaterialTypes,
	"other_paths":        lab.Paths[len(lab.OwnPaths):],
}

// keys has the names in a policy's maps.
var keys = map[reflect.Type][]string{
	reflect.TypeFor[tier.Tier]():      texts(tier.Tiers[1:]),
	reflect.TypeFor[staff.Scenario](): texts(staff.Scenarios),
}

func texts[S ~string](all []S) []string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

var isText = reflect.TypeFor[encoding.TextMarshaler]()

// shapeOf says how values of a type are entered.
func shapeOf(t reflect.Type, label string) Shape {
	kind := t.Kind()
	switch t {
	case reflect.TypeFor[string]():
		if label == "step-when" {
			return Condition
		}
	case reflect.TypeFor[person.Role]():
		return Role
	case reflect.TypeFor[calendar.Term]():
		return Term
	case reflect.TypeFor[calendar.Date]():
		return Day
	case reflect.TypeFor[time.Time]():
		return Instant
	case reflect.TypeFor[approval.Candidate]():
		return Asked
	case reflect.TypeFor[money.Amount](), reflect.TypeFor[*money.Amount](), reflect.TypeFor[incentive.Percent](), reflect.TypeFor[incentive.Number]():
		return Number
	}
	switch {
	case t.Implements(isText):
		return Text
	case kind == reflect.String && choices[label] != nil:
		return Choice
	case kind == reflect.String:
		return Text
	case kind == reflect.Bool:
		return Flag
	case kind == reflect.Int || kind == reflect.Int64:
		return Whole
	case kind == reflect.Slice && choices[label] != nil:
		return Choices
	case kind == reflect.Slice && t.Elem().Kind() != reflect.Struct:
		return Lines
	case kind == reflect.Slice:
		return List
	}
	return Group // a struct, one that may be missing, or a map
}

// builder makes the fields of a kind's policies.
type builder struct {
	asks []condition.Field // what their conditions may ask for
}

// parts are the fields of a struct or a map with what stands in them.
func (b builder) parts(t reflect.Type, path, label string, stands *entered) []Field {
	under := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	var parts []Field
	if t.Kind() == reflect.Map {
		for _, key := range keys[t.Key()] {
			parts = append(parts, b.field(t.Elem(), key, under(key), label+"-"+key, stands.part(key)))
		}
		return parts
	}
	for _, name := range named(t) {
		is := strings.TrimPrefix(labels[t]+"-"+name, "-")
		parts = append(parts, b.field(t.Field(fieldNamed(t, name)).Type, name, under(name), is, stands.part(name)))
	}
	return parts
}

func fieldNamed(t reflect.Type, name string) int { return slices.Index(keysOf(t), name) }

func (b builder) field(t reflect.Type, name, path, label string, stands *entered) Field {
	f := Field{Name: name, Path: path, Label: label, Shape: shapeOf(t, label)}
	f.Choices = slices.Clone(choices[label])
	switch f.Shape { //nolint:exhaustive // the others are leaves
	case Group:
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		f.Parts = b.parts(t, path, label, stands)
	case List:
		blank := b.field(t.Elem(), "", path+".new", labels[t.Elem()], nil)
		if who := blank.Named("who"); who != nil { // a new step asks somebody
			who.Parts = []Field{*who.Blank}
			who.number()
		}
		f.Blank = &blank
		for i, part := range stands.list() {
			f.Parts = append(f.Parts, b.field(t.Elem(), strconv.Itoa(i), fmt.Sprintf("%s.%d", path, i), blank.Label, part))
		}
	case Asked:
		for _, name := range []string{"ask", "person"} {
			f.Parts = append(f.Parts, Field{Name: name, Path: path + "." + name, Label: "asked-" + name, Shape: Text, Value: stands.part(name).text()})
		}
		f.Parts[0].Shape = Choice
	case Condition:
		f.condition(b.asks, stands)
	default:
		f.leaf(stands)
	}
	return f
}

// leaf takes what stands in a control.
func (f *Field) leaf(stands *entered) {
	f.Value = stands.text()
	switch f.Shape { //nolint:exhaustive // the others stand as they are, or are no leaves
	case Flag:
		f.Value = cmp.Or(f.Value, "false")
	case Whole:
		f.Value = strings.Join(strings.Fields(f.Value), " ")
	case Term:
		f.term(stands.part("unit").text())
	case Instant:
		f.instant()
	case Choice:
		if f.Value != "" && !slices.Contains(f.Choices, f.Value) {
			f.Choices = append(f.Choices, f.Value)
		}
	case Lines:
		f.Value = strings.Join(stands.all(), "\n")
	case Choices:
		chosen := stands.all()
		f.Value = strings.Join(chosen, "\n")
		rest := slices.DeleteFunc(f.Choices, func(c string) bool { return slices.Contains(chosen, c) })
		f.Choices = append(chosen, rest...) // so that their order lasts
	}
}

// Chosen tells whether a choice was made.
func (f Field) Chosen(choice string) bool {
	return slices.Contains(strings.Split(f.Value, "\n"), choice)
}

var (
	digits = regexp.MustCompile(`^[0-9]+$`)
	ofTerm = regexp.MustCompile(`^(?:P([1-9][0-9]*)(D|M|WD|WH)|([1-9][0-9]*)(h|m|s))$`)
)

// Units are what a term may count: working days and hours, days, months, hours, minutes, seconds.
var Units = []string{"WD", "WH", "D", "M", "h", "m", "s"}

// term reads a number of a unit, or a term as a policy file has it, and takes that apart again.
func (f *Field) term(unit string) {
	if digits.MatchString(f.Value) && slices.Contains(Units, unit) {
		f.Value += unit
		if strings.ToUpper(unit) == unit {
			f.Value = "P" + f.Value
		}
	}
	f.Entry, f.Unit = f.Value, unit
	if m := ofTerm.FindStringSubmatch(f.Value); m != nil {
		f.Entry, f.Unit = m[1]+m[3], m[2]+m[4]
	}
	if term, err := calendar.ParseTerm(f.Value); err == nil && f.Value != "" {
		f.Words = term.Words()
	}
}

// instant reads what a browser sends for a date with its time, or an instant as a policy file has it.
func (f *Field) instant() {
	const local = "2006-01-02T15:04:05"
	f.Entry = f.Value
	for _, layout := range []string{local, "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, f.Value, calendar.Zone); err == nil {
			f.Value = at.Format(time.RFC3339Nano)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, f.Value); err == nil {
		f.Entry = at.In(calendar.Zone).Format(local + ".999")
	}
}
