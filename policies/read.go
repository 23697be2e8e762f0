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
	"countersign/domain/withdrawal"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Fault is one thing that is wrong with a policy file.
type Fault struct {
	Line  int    `json:"line,omitempty"` // from 1; 0: it is about something that is not there
	YAML  string `json:"yaml,omitempty"` // that line
	Fault string `json:"fault"`          // a sentence
}

// Policy is a policy of any kind.
type Policy interface{ Check() error }

// Read reads a policy and finds everything that is wrong with it at once: what cannot be read, and then what the policy's own
// check says about the rest.
func Read[P Policy](text []byte) (P, []Fault) {
	var p P
	f := policyFile{lines: strings.Split(string(text), "\n"), at: map[string]int{}, unread: map[string]bool{}, anchors: map[string]ast.Node{}}
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
	checked int // the step that the check's last sentence was about
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
		if err := yaml.NodeToValue(node, into.Addr().Interface(), yaml.Strict()); err != nil {
			f.useless(path, line, "%s: %s", path, err)
		}
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
}

// check adds what the policy's check says, with the line that each sentence is about. What only follows from a value that
// could not be read is left out.
func (f *policyFile) check(p Policy) {
	for _, err := range parts(p.Check()) {
		line, follows := f.locatePath(err.Error())
		if w, ok := p.(withdrawal.Policy); ok {
			line, follows = f.locate(err.Error(), w)
		}
		if !follows {
			f.say(line, "%s", err)
		}
	}
}

// parts takes joined errors apart.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}

// How the sentences of a check name what they are about.
var (
	ofStep      = regexp.MustCompile(`^step (?:"([^"]*)"|([0-9]+))`)
	ofBand      = regexp.MustCompile(`^band ([0-9]+)`)
	ofCandidate = regexp.MustCompile(`candidate ([0-9]+)`)
	ofField     = regexp.MustCompile(`[a-z_]+`)
)

// ofPath is how a sentence begins that says where: lines[2].rate.
var ofPath = regexp.MustCompile(`^[a-z_]+(\[[0-9]+\])?(\.[a-z_]+(\[[0-9]+\])?)*`)

// locatePath finds the line of a sentence that begins with its place, or of what the place should be in.
func (f *policyFile) locatePath(sentence string) (line int, follows bool) {
	place := ofPath.FindString(sentence)
	for path := place; path != ""; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
		if f.at[path] > 0 {
			return f.at[path], path == place && f.unreadIn(path)
		}
	}
	return 0, false
}

// locate finds the line that a sentence of the check is about, and whether it only follows from what could not be read.
func (f *policyFile) locate(sentence string, p withdrawal.Policy) (line int, follows bool) {
	base, fields, rest := "", reflect.TypeFor[withdrawal.Policy](), sentence
	if m := ofStep.FindStringSubmatch(sentence); m != nil {
		base, fields, rest = f.step(m[1], m[2], sentence, p), reflect.TypeFor[approval.Step](), sentence[len(m[0]):]
		if m := ofCandidate.FindStringSubmatch(rest); m != nil {
			base, fields = base+".who"+part(m[1]), reflect.TypeFor[approval.Candidate]()
		}
	} else if m := ofBand.FindStringSubmatch(sentence); m != nil {
		base, fields = "approval.bands"+part(m[1]), reflect.TypeFor[approval.Band]()
	}
	line = f.at[base]
	missing := false
	for _, word := range slices.Backward(ofField.FindAllString(rest, -1)) { // the first one wins
		path := strings.TrimPrefix(base+"."+word, ".")
		switch {
		case !slices.Contains(named(fields), word):
		case f.at[path] == 0:
			missing = true
		default:
			line = f.at[path]
			follows = follows || f.unreadIn(path)
		}
	}
	return line, follows && !missing
}

// step is the path of the step that a sentence names, by name or by number from 1. The check goes through the steps in order,
// so of two with one name it is about the next one.
func (f *policyFile) step(name, number, sentence string, p withdrawal.Policy) string {
	if number != "" {
		return "approval.steps" + part(number)
	}
	from := f.checked
	if strings.HasSuffix(sentence, " is there twice") {
		from++ // not the first of the two
	}
	for i, s := range p.Approval.Steps {
		if s.Name == name && i >= from {
			f.checked = i
			return fmt.Sprintf("approval.steps[%d]", i)
		}
	}
	return ""
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
