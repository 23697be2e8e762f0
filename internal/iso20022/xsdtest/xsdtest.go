// Package xsdtest checks messages against the published schemas of ISO 20022, for tests. It understands the part of XML
// Schema in which these are written, and fails on any other.
package xsdtest

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

//go:embed schemas/*.xsd
var schemas embed.FS

// Check tells everything in which a message departs from the schema of its namespace; nothing: it is valid.
func Check(message []byte) []string {
	root, err := parse(message)
	if err != nil {
		return []string{err.Error()}
	}
	s, err := load(root.name.Space)
	if err != nil {
		return []string{err.Error()}
	}
	c := checker{schema: s}
	declared, ok := s.roots[root.name.Local]
	if !ok {
		return []string{fmt.Sprintf("%s is no message of %s", root.name.Local, root.name.Space)}
	}
	c.element(root, declared, root.name.Local)
	return c.faults
}

// node is an element with what is in it.
type node struct {
	name     xml.Name
	attrs    []xml.Attr
	children []*node
	text     string
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// parse reads a document into its root.
func parse(text []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	top := &node{}
	open := []*node{top}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		in := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{name: t.Name, attrs: slices.Clone(t.Attr)}
			in.children = append(in.children, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			in.text += string(t)
		}
	}
	if len(top.children) != 1 {
		return nil, fmt.Errorf("the file has %d documents", len(top.children))
	}
	return top.children[0], nil
}

// schema is one message's definitions.
type schema struct {
	space   string
	roots   map[string]string // element -> type
	complex map[string]*node
	simple  map[string]*node
}

func load(space string) (*schema, error) {
	text, err := schemas.ReadFile(path.Join("schemas", strings.TrimPrefix(space, "urn:iso:std:iso:20022:tech:xsd:")+".xsd"))
	if err != nil {
		return nil, fmt.Errorf("there is no schema of the namespace %q", space)
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	if target := root.attr("targetNamespace"); target != space {
		return nil, fmt.Errorf("the schema is of %q, not of %q", target, space)
	}
	s := &schema{space: space, roots: map[string]string{}, complex: map[string]*node{}, simple: map[string]*node{}}
	for _, n := range root.children {
		switch n.name.Local {
		case "element":
			s.roots[n.attr("name")] = n.attr("type")
		case "complexType":
			s.complex[n.attr("name")] = n
		case "simpleType":
			s.simple[n.attr("name")] = n
		default:
			return nil, fmt.Errorf("the schema has %s, which is not understood", n.name.Local)
		}
	}
	return s, nil
}

type checker struct {
	schema *schema
	faults []string
}

func (c *checker) fault(at, format string, args ...any) {
	c.faults = append(c.faults, at+": "+fmt.Sprintf(format, args...))
}

// element checks one element against its type.
func (c *checker) element(n *node, typeName, at string) {
	if n.name.Space != c.schema.space {
		c.fault(at, "it is in the namespace %q", n.name.Space)
		return
	}
	if _, simple := c.schema.simple[typeName]; simple || strings.HasPrefix(typeName, "xs:") {
		c.attributes(n, nil, at)
		c.leaf(n, typeName, at)
		return
	}
	definition, ok := c.schema.complex[typeName]
	if !ok || len(definition.children) != 1 {
		c.fault(at, "the type %q is not understood", typeName)
		return
	}
	switch content := definition.children[0]; content.name.Local {
	case "sequence":
		c.attributes(n, nil, at)
		c.sequence(n, content, at)
	case "choice":
		c.attributes(n, nil, at)
		c.choice(n, content, at)
	case "simpleContent":
		extension := content.children[0]
		if extension.name.Local != "extension" {
			c.fault(at, "%s is not understood", extension.name.Local)
			return
		}
		c.attributes(n, extension.children, at)
		c.leaf(n, extension.attr("base"), at)
	default:
		c.fault(at, "%s is not understood", content.name.Local)
	}
}

// attributes checks that all that are declared and none but these are there.
func (c *checker) attributes(n *node, declared []*node, at string) {
	for _, d := range declared {
		value := n.attr(d.attr("name"))
		if value == "" && d.attr("use") == "required" {
			c.fault(at, "the attribute %s is missing", d.attr("name"))
		} else if value != "" {
			c.value(value, d.attr("type"), at+"/@"+d.attr("name"))
		}
	}
	for _, a := range n.attrs {
		ours := a.Name.Local == "xmlns" || a.Name.Space == "xmlns" || a.Name.Space == "http://www.w3.org/2001/XMLSchema-instance"
		if !ours && !slices.ContainsFunc(declared, func(d *node) bool { return d.attr("name") == a.Name.Local }) {
			c.fault(at, "the attribute %s is not declared", a.Name.Local)
		}
	}
}

// sequence checks that the elements come in their order, each as often as it may.
func (c *checker) sequence(n, content *node, at string) {
	c.noText(n, at)
	left := n.children
	for _, d := range content.children {
		least, most := occurs(d)
		found := 0
		for len(left) > 0 && found < most && (d.name.Local == "any" || left[0].name.Local == d.attr("name")) {
			if d.name.Local == "element" {
				c.element(left[0], d.attr("type"), at+"/"+left[0].name.Local)
			}
			left = left[1:]
			found++
		}
		if d.name.Local != "element" && d.name.Local != "any" {
			c.fault(at, "%s is not understood", d.name.Local)
		}
		if found < least {
			c.fault(at, "%s comes %d times, at least %d are wanted", d.attr("name"), found, least)
		}
	}
	for _, n := range left {
		c.fault(at, "%s is not expected here", n.name.Local)
	}
}

// choice checks that there is one of the elements.
func (c *checker) choice(n, content *node, at string) {
	c.noText(n, at)
	if len(n.children) != 1 {
		c.fault(at, "it has %d elements, one is wanted", len(n.children))
		return
	}
	chosen := n.children[0]
	for _, d := range content.children {
		if least, most := occurs(d); d.name.Local != "element" || least != 1 || most != 1 {
			c.fault(at, "%s of a choice is not understood", d.name.Local)
		}
		if d.attr("name") == chosen.name.Local {
			c.element(chosen, d.attr("type"), at+"/"+chosen.name.Local)
			return
		}
	}
	c.fault(at, "%s is none of the choice", chosen.name.Local)
}

func (c *checker) noText(n *node, at string) {
	if strings.TrimSpace(n.text) != "" {
		c.fault(at, "it has the text %q among its elements", strings.TrimSpace(n.text))
	}
}

func occurs(d *node) (least, most int) {
	number := func(s string) int {
		switch s {
		case "":
			return 1
		case "unbounded":
			return 1 << 30
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return n
	}
	return number(d.attr("minOccurs")), number(d.attr("maxOccurs"))
}

// leaf checks an element without elements.
func (c *checker) leaf(n *node, typeName, at string) {
	if len(n.children) > 0 {
		c.fault(at, "%s is not expected here", n.children[0].name.Local)
	}
	c.value(n.text, typeName, at)
}

// value checks a text against a simple type and the types that this restricts.
func (c *checker) value(s, typeName, at string) {
	builtin, ok := strings.CutPrefix(typeName, "xs:")
	if ok {
		if !lexical(builtin, s) {
			c.fault(at, "%q is no %s", s, builtin)
		}
		return
	}
	definition := c.schema.simple[typeName]
	if definition == nil || len(definition.children) != 1 || definition.children[0].name.Local != "restriction" {
		c.fault(at, "the type %q is not understood", typeName)
		return
	}
	restriction := definition.children[0]
	c.value(s, restriction.attr("base"), at)
	var allowed []string
	for _, f := range restriction.children {
		if f.name.Local == "enumeration" {
			allowed = append(allowed, f.attr("value"))
		} else if !facet(f.name.Local, f.attr("value"), s) {
			c.fault(at, "%q breaks %s %s", s, f.name.Local, f.attr("value"))
		}
	}
	if len(allowed) > 0 && !slices.Contains(allowed, s) {
		c.fault(at, "%q is none of %s", s, strings.Join(allowed, ", "))
	}
}

// facet tells whether a value obeys one restriction; one that is not known obeys none.
func facet(name, limit, s string) bool {
	if name == "pattern" {
		return regexp.MustCompile(`^(?:` + limit + `)$`).MatchString(s)
	}
	bound, err := decimal.NewFromString(limit)
	if err != nil {
		return false
	}
	switch name {
	case "minLength":
		return utf8.RuneCountInString(s) >= int(bound.IntPart())
	case "maxLength":
		return utf8.RuneCountInString(s) <= int(bound.IntPart())
	}
	d, err := decimal.NewFromString(strings.TrimSpace(s))
	if err != nil {
		return false
	}
	switch name {
	case "fractionDigits":
		return -d.Exponent() <= int32(bound.IntPart())
	case "totalDigits":
		return d.NumDigits() <= int(bound.IntPart())
	case "minInclusive":
		return d.GreaterThanOrEqual(bound)
	}
	return false
}

var decimalForm = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)

// lexical tells whether a text is one of a built-in type; of one that is not known none is.
func lexical(builtin, s string) bool {
	word := strings.TrimSpace(s)
	switch builtin {
	case "string":
		return true
	case "decimal":
		return decimalForm.MatchString(word)
	case "boolean":
		return slices.Contains([]string{"true", "false", "1", "0"}, word)
	case "base64Binary":
		_, err := base64.StdEncoding.DecodeString(word)
		return err == nil
	}
	layouts := map[string][]string{
		"date":       {"2006-01-02", "2006-01-02Z07:00"},
		"dateTime":   {"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00"},
		"gYearMonth": {"2006-01", "2006-01Z07:00"},
	}
	return slices.ContainsFunc(layouts[builtin], func(layout string) bool {
		_, err := time.Parse(layout, word)
		return err == nil
	})
}
