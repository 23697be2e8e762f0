package policies

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/tier"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Fault is one thing that is wrong with a policy file.
type Fault struct {
	Line  int    `json:"line,omitempty"` // from 1; 0: it is about something that is not there
	YAML  string `json:"yaml,omitempty"` // that line
	Fault string `json:"fault"`          // a sentence
	Path  string `json:"-"`              // what it is about, like approval.steps[1].when, whether it is there or not; empty: unknown
}

// Policy is a policy of any kind.
type Policy interface{ Check() error }

// Read reads a policy and finds everything that is wrong with it at once: what cannot be read, and then what the policy's own
// check says about the rest.
func Read[P Policy](text []byte) (P, []Fault) {
	var p P
	f := policyFile{lines: strings.Split(string(text), "\n"), at: map[string]int{}, unread: map[string]bool{}, checked: map[string]int{}, anchors: map[string]ast.Node{}}
	tree, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f.broken(err)
		return p, f.faults // nothing else can be looked at
	}
	for i, doc := range tree.Docs {
		if i > 0 {
			f.say(doc.Body.GetToken().Position.Line, "the file holds more than one document; a policy is one")
			break
		}
		if doc.Body != nil {
			f.walk(doc.Body, reflect.ValueOf(&p).Elem(), "")
		}
	}
	if len(f.faults) == 0 { // the same decoder has the last word
		p = *new(P)
		if err := yaml.UnmarshalWithOptions(text, &p, yaml.Strict()); err != nil {
			f.broken(err)
		}
	}
	f.check(p)
	slices.SortStableFunc(f.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return p, f.faults
}

// policyFile is a policy file as it is read. A path is written approval.steps[1].when.
type policyFile struct {
	lines   []string
	at      map[string]int  // the line of each path that the file has
	unread  map[string]bool // paths whose value was no use
	anchors map[string]ast.Node
	checked map[string]int // by chain, the step that the check's last sentence was about
	faults  []Fault
}

func (f *policyFile) say(line int, format string, args ...any) {
	found := Fault{Line: line, Fault: fmt.Sprintf(format, args...)}
	if 0 < line && line <= len(f.lines) {
		found.YAML = strings.TrimSpace(f.lines[line-1])
	}
	f.faults = append(f.faults, found)
}

// broken tells what the YAML library says, with its line.
func (f *policyFile) broken(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		f.say(at.GetToken().Position.Line, "%s", at.GetMessage())
		return
	}
	f.say(0, "%s", err)
}

// walk reads a node into a value, part by part, and goes on where one is no use.
func (f *policyFile) walk(node ast.Node, into reflect.Value, path string) {
	line := node.GetToken().Position.Line
	switch n := node.(type) {
	case *ast.AnchorNode:
		f.anchors[n.Name.String()] = n.Value
		f.walk(n.Value, into, path)
		return
	case *ast.AliasNode:
		if meant := f.anchors[n.Value.String()]; meant != nil {
			f.walk(meant, into, path)
		}
		return
	case *ast.NullNode:
		return
	}
	_, isText := into.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case isText:
		f.leaf(node, into, path)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		f.walk(node, into.Elem(), path)
	case into.Kind() == reflect.Struct:
		mapping, ok := node.(ast.MapNode)
		if !ok {
			f.useless(path, line, "%s holds named values, like name: value", cmp.Or(path, "a policy"))
			return
		}
		f.fields(mapping, into, path)
	case into.Kind() == reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			f.useless(path, line, "%s is a list: each of its parts begins with a hyphen", path)
			return
		}
		into.Set(reflect.MakeSlice(into.Type(), len(list.Values), len(list.Values)))
		for i, part := range list.Values {
			name := fmt.Sprintf("%s[%d]", path, i)
			f.at[name] = part.GetToken().Position.Line
			f.walk(part, into.Index(i), name)
		}
	case into.Kind() == reflect.Map:
		mapping, ok := node.(ast.MapNode)
		if !ok {
			f.useless(path, line, "%s holds named values, like name: value", path)
			return
		}
		f.entries(mapping, into, path)
	default:
		f.leaf(node, into, path)
	}
}

func (f *policyFile) fields(mapping ast.MapNode, into reflect.Value, path string) {
	seen := map[string]bool{}
	for pairs := mapping.MapRange(); pairs.Next(); {
		key, line := pairs.Key().GetToken().Value, pairs.Key().GetToken().Position.Line
		name := strings.TrimPrefix(path+"."+key, ".")
		i := slices.Index(keysOf(into.Type()), key)
		switch {
		case pairs.Key().IsMergeKey():
			f.walk(pairs.Value(), into, path)
		case i < 0:
			f.say(line, "there is no %s; there are: %s", name, strings.Join(named(into.Type()), ", "))
		case seen[key]:
			f.say(line, "%s is there twice", name)
		default:
			seen[key], f.at[name] = true, line
			f.walk(pairs.Value(), into.Field(i), name)
		}
	}
}

// entries reads values whose names are the policy's own.
func (f *policyFile) entries(mapping ast.MapNode, into reflect.Value, path string) {
	into.Set(reflect.MakeMap(into.Type()))
	for pairs := mapping.MapRange(); pairs.Next(); {
		key := reflect.New(into.Type().Key()).Elem()
		key.SetString(pairs.Key().GetToken().Value)
		name, line := path+"."+key.String(), pairs.Key().GetToken().Position.Line
		if into.MapIndex(key).IsValid() {
			f.say(line, "%s is there twice", name)
			continue
		}
		f.at[name] = line
		value := reflect.New(into.Type().Elem()).Elem()
		f.walk(pairs.Value(), value, name)
		into.SetMapIndex(key, value)
	}
}

// keysOf lists a struct's names in YAML, field by field; "-" has none.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("yaml")
	}
	return keys
}

func named(t reflect.Type) []string {
	return slices.DeleteFunc(keysOf(t), func(k string) bool { return k == "-" })
}

func (f *policyFile) leaf(node ast.Node, into reflect.Value, path string) {
	line := node.GetToken().Position.Line
	if _, ok := node.(ast.ScalarNode); !ok {
		f.useless(path, line, "%s is one value", path)
		return
	}
	err := yaml.NodeToValue(node, into.Addr().Interface())
	switch text := node.GetToken().Value; {
	case err == nil:
	case into.Kind() == reflect.Int:
		f.useless(path, line, "%s: %q is not a whole number", path, text)
	case into.Kind() == reflect.Bool:
		f.useless(path, line, "%s: %q is neither true nor false", path, text)
	default:
		f.useless(path, line, "%s: %s", path, err)
	}
}

func (f *policyFile) useless(path string, line int, format string, args ...any) {
	f.unread[path] = true
	f.say(line, format, args...)
	f.faults[len(f.faults)-1].Path = path
}

// check adds what the policy's check says, with the line that each sentence is about. What only follows from a value that
// could not be read is left out.
func (f *policyFile) check(p Policy) {
	for _, err := range parts(p.Check()) {
		path, follows := f.locate(err.Error(), p)
		if !follows {
			f.say(f.line(path), "%s", err)
			f.faults[len(f.faults)-1].Path = path
		}
	}
}

// line is that of a place, or of what the place should be in.
func (f *policyFile) line(path string) int {
	for path != "" && f.at[path] == 0 {
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return f.at[path]
}

// parts takes joined errors apart, also those that say together where they are: "design: " and what is wrong with it.
func parts(err error) []error {
	if err == nil {
		return nil
	}
	var all []error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, parts(e)...)
		}
		return all
	}
	inner := errors.Unwrap(err)
	several := parts(inner)
	if len(several) < 2 {
		return []error{err}
	}
	where := strings.TrimSuffix(err.Error(), inner.Error())
	for _, e := range several {
		all = append(all, errors.New(where+e.Error()))
	}
	return all
}

// How the sentences of a check name what they are about.
var (
	ofChain     = regexp.MustCompile(`^([a-z]+): `)
	ofStep      = regexp.MustCompile(`^step (?:"([^"]*)"|([0-9]+))`)
	ofBand      = regexp.MustCompile(`^band ([0-9]+)`)
	ofCandidate = regexp.MustCompile(`candidate ([0-9]+)`)
	ofItem      = regexp.MustCompile(`^(?:the )?item "?([^" ]*)"? of ([A-Z]+)`)
	ofField     = regexp.MustCompile(`[a-z_]+`)
	ofPath      = regexp.MustCompile(`^[a-z_]+(\[[0-9]+\])?(\.[a-z_]+(\[[0-9]+\])?)*`) // lines[2].rate
)

// ofPlace has the sentences that say a place in their own words.
var ofPlace = []struct {
	says *regexp.Regexp
	path string
}{
	{regexp.MustCompile(`^requirements of ([A-Z]+)`), "requirements.$1"},
	{regexp.MustCompile(`^([A-Z]+) asks for the same as`), "requirements.$1"},
	{regexp.MustCompile(`^the rate of ([a-z-]+)`), "rates.$1"},
	{regexp.MustCompile(`^the columns of features`), "features.columns"},
}

// locate finds what a sentence of the check is about, and whether it only follows from what could not be read.
func (f *policyFile) locate(sentence string, p Policy) (path string, follows bool) {
	for _, place := range ofPlace {
		if m := place.says.FindStringSubmatchIndex(sentence); m != nil {
			path = string(place.says.ExpandString(nil, place.path, sentence, m))
			return path, f.unreadIn(path)
		}
	}
	if m := ofItem.FindStringSubmatch(sentence); m != nil {
		return f.item("requirements."+m[2], m[1], p)
	}
	if place := ofPath.FindString(sentence); strings.ContainsAny(place, ".[") {
		return place, f.unreadIn(place)
	}
	base, fields, rest := f.inChain(sentence, p)
	path = base
	missing := false
	for _, word := range slices.Backward(ofField.FindAllString(rest, -1)) { // the first one wins
		name := strings.TrimPrefix(base+"."+word, ".")
		switch {
		case !slices.Contains(named(fields), word):
		case f.at[name] == 0:
			missing = true
		default:
			path = name
			follows = follows || f.unreadIn(name)
		}
	}
	return path, follows && !missing
}

// inChain is the part of a chain that a sentence is about, what that part may have, and the rest of the sentence; without one
// it is about the policy.
func (f *policyFile) inChain(sentence string, p Policy) (base string, fields reflect.Type, rest string) {
	chains := chainsOf(p)
	if m := ofChain.FindStringSubmatch(sentence); m != nil && slices.ContainsFunc(chains, func(c chain) bool { return c.name == m[1] }) {
		chains = slices.DeleteFunc(chains, func(c chain) bool { return c.name != m[1] })
		sentence = sentence[len(m[0]):]
	}
	if m := ofStep.FindStringSubmatch(sentence); m != nil {
		base, fields, rest = f.step(m[1], m[2], sentence, chains), reflect.TypeFor[approval.Step](), sentence[len(m[0]):]
		if m := ofCandidate.FindStringSubmatch(rest); m != nil && base != "" {
			base, fields = base+".who"+part(m[1]), reflect.TypeFor[approval.Candidate]()
		}
		return base, fields, rest
	}
	if m := ofBand.FindStringSubmatch(sentence); m != nil && len(chains) > 0 {
		return chains[0].name + ".bands" + part(m[1]), reflect.TypeFor[approval.Band](), sentence
	}
	return "", reflect.TypeOf(p), sentence
}

// chain is one of a policy's chains, by its name in a file.
type chain struct {
	name string
	approval.Chain
}

func chainsOf(p Policy) (all []chain) {
	v := reflect.ValueOf(p)
	for i, name := range keysOf(v.Type()) {
		if c, ok := v.Field(i).Interface().(approval.Chain); ok {
			all = append(all, chain{name, c})
		}
	}
	return all
}

// step is the path of the step that a sentence names, by name or by number from 1. The check goes through the steps in order,
// so of two with one name it is about the next one.
func (f *policyFile) step(name, number, sentence string, chains []chain) string {
	for _, c := range chains {
		if number != "" {
			n, err := strconv.Atoi(number)
			if err == nil && n <= len(c.Steps) && strings.HasSuffix(sentence, strconv.Quote(c.Steps[n-1].Name)) {
				return c.name + ".steps" + part(number)
			}
			continue
		}
		from := f.checked[c.name]
		if strings.HasSuffix(sentence, " is there twice") {
			from++ // not the first of the two
		}
		for i, s := range c.Steps {
			if s.Name == name && i >= from {
				f.checked[c.name] = i
				return fmt.Sprintf("%s.steps[%d]", c.name, i)
			}
		}
	}
	return ""
}

// item is the path of a tier's requirement, by its code.
func (f *policyFile) item(list, code string, p Policy) (path string, follows bool) {
	t, ok := p.(tier.Policy)
	if !ok {
		return "", false
	}
	items := t.Requirements[tier.Tier(strings.TrimPrefix(list, "requirements."))]
	for i := len(items) - 1; i >= 0; i-- { // of two the later one
		if items[i].Code == code {
			path = fmt.Sprintf("%s[%d]", list, i)
			return path, f.unreadIn(path)
		}
	}
	return list, false
}

// part writes a number of a sentence, which counts from 1, as an index.
func part(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("[%d]", n-1)
}

func (f *policyFile) unreadIn(path string) bool {
	for name := range f.unread {
		if name == path || strings.HasPrefix(name, path+".") || strings.HasPrefix(name, path+"[") {
			return true
		}
	}
	return false
}
