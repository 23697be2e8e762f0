package baseline

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Template is what a feature list is made from: its columns, in order.
type Template struct {
	Columns []Column `json:"columns" yaml:"columns"`
	Rows    int      `json:"rows"    yaml:"rows"` // at most
}

// Column is one column of the template.
type Column struct {
	Name     string   `json:"name"             yaml:"name"`
	Optional bool     `json:"optional"         yaml:"optional"` // a cell may be empty
	Values   []string `json:"values,omitempty" yaml:"values"`   // the known ones; none: any text
	Unique   bool     `json:"unique"           yaml:"unique"`   // no two rows say the same
}

// mostFindings is how many findings a check tells; the first ones show what is wrong with the rest.
const mostFindings = 20

// Header is the template's first line.
func (t Template) Header() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Checker checks a feature list row by row (CERT-26).
type Checker struct {
	template Template
	findings []string
	rows     int
	seen     map[string]int // column and value -> line
}

// NewChecker begins a check with the file's first line.
func (t Template) NewChecker(header []string) *Checker {
	c := &Checker{template: t, seen: map[string]int{}}
	if want := t.Header(); !slices.Equal(header, want) {
		c.Find(1, "the columns are %s; the template has %s", strings.Join(header, ", "), strings.Join(want, ", "))
	}
	return c
}

// Find adds a finding.
func (c *Checker) Find(line int, format string, args ...any) {
	if len(c.findings) < mostFindings {
		text := []rune(fmt.Sprintf("line %d: %s", line, fmt.Sprintf(format, args...)))
		c.findings = append(c.findings, string(text[:min(len(text), 200)]))
	}
}

// Full tells that no more findings are kept, so that nothing more need be read.
func (c *Checker) Full() bool { return len(c.findings) >= mostFindings }

// Row checks one row.
func (c *Checker) Row(line int, cells []string) {
	c.rows++
	if c.rows == c.template.Rows+1 {
		c.Find(line, "the list has more than %d features", c.template.Rows)
	}
	if len(cells) != len(c.template.Columns) {
		c.Find(line, "%d columns instead of %d", len(cells), len(c.template.Columns))
		return
	}
	for i, column := range c.template.Columns {
		value := strings.TrimSpace(cells[i])
		switch {
		case value == "" && !column.Optional:
			c.Find(line, "%s is not filled in", column.Name)
		case value == "":
		case utf8.RuneCountInString(value) > 500:
			c.Find(line, "%s has more than 500 characters", column.Name)
		case len(column.Values) > 0 && !slices.Contains(column.Values, value):
			c.Find(line, "%s is %q; it is one of %s", column.Name, value, strings.Join(column.Values, ", "))
		case column.Unique && c.seen[column.Name+"\x00"+value] > 0:
			c.Find(line, "%s %q stands in line %d already", column.Name, value, c.seen[column.Name+"\x00"+value])
		case column.Unique:
			c.seen[column.Name+"\x00"+value] = line
		}
	}
}

// End tells what was found in all; nothing: the list passed.
func (c *Checker) End() []string {
	if c.rows == 0 {
		c.Find(1, "the list names no feature")
	}
	return c.findings
}
