package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// shownElsewhere stands on every case's page already.
var shownElsewhere = []string{"case", "partner", "state", "state_chinese", "currency", "opened_at"}

// cell is one value of a form.
type cell struct {
	Value string
	Group string // of the word by which people know the value; "money": an amount; empty: as it is
	Link  string // to the document or case that it names
}

// fact is one field of a form: values, or rows of them, or fields of its own, or several objects one after the other.
type fact struct {
	Name    string
	Values  []cell
	Columns []string
	Rows    [][]cell
	Facts   []fact
	Blocks  [][]fact
}

// Large tells that a fact takes the whole width.
func (f fact) Large() bool { return f.Rows != nil || f.Facts != nil || f.Blocks != nil }

// Empty tells that nothing was entered.
func (f fact) Empty() bool { return !f.Large() && len(f.Values) == 0 }

// groups are the words of a field's values: by the field's name, or first by that of what it belongs to and its own.
var groups = map[string]string{
	"method": "method", "association": "association", "model": "association", "scenario": "scenario", "track": "track", "outcome": "outcome", "result": "outcome",
	"node": "matter", "step": "matter", "who": "candidate", "from": "tier", "target": "tier", "invoices": "invoices", "found_by": "found-by",
	"route": "route", "origin": "origin", "source": "requirement",
	"months.state": "staff", "bills.state": "bill", "list.state": "invoices", "type": "certified", "invoices.type": "invoice", "proofs.kind": "proof", "nodes.state": "node",
	"amount": "money", "gross": "money", "settlement": "money", "total": "money", "net": "money", "tax": "money", "payable": "money", "items.target": "money", "items.current": "money", "service_fee_tax_rate": "percent",
	"submitter": "person", "by": "person", "opened_by": "person", "submitted_by": "person", "sent_by": "person", "saved_by": "person", "asked_by": "person", "answered_by": "person", "confirmed_by": "person",
	"materials.type": "material", "persons.role": "specialist-role", "nodes.role": "role", "solution": "case", "document": "document", "cancel_document": "document", "materials": "document",
}

// reading turns a form into facts.
type reading struct {
	*json.Decoder
	english   bool              // a field's words in two languages: this one
	documents map[string]string // names by ID of the documents that can be opened
	people    map[string]string // names by ID
	path      string            // address under which documents are
	word      func(group, name string) string
}

// facts are the fields of a form in their order; those without a value are left out.
func (r reading) facts(form any) ([]fact, error) {
	text, err := json.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	r.Decoder = json.NewDecoder(bytes.NewReader(text))
	r.UseNumber()
	if start, err := r.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.Join(errors.New("a form has fields"), err)
	}
	found, err := r.fields("")
	return slices.DeleteFunc(found, func(f fact) bool { return slices.Contains(shownElsewhere, f.Name) }), err
}

// fields reads an object up to its end. A document that has a name beside its ID is linked by it.
func (r reading) fields(of string) (found []fact, err error) {
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return nil, err
		}
		name := fmt.Sprint(token)
		f, err := r.value(of, name)
		if err != nil {
			return nil, err
		}
		if f.Name = name; !f.Empty() {
			found = append(found, f)
		}
	}
	_, err = r.Token()
	at := func(name string) int { return slices.IndexFunc(found, func(f fact) bool { return f.Name == name }) }
	if name, document := at("name"), at("document"); name >= 0 && document >= 0 {
		found[name].Values[0].Link = found[document].Values[0].Link
		found = slices.Delete(found, document, document+1)
	}
	if chinese, english := at("zh"), at("en"); chinese >= 0 && english >= 0 {
		kept, other := chinese, english
		if r.english {
			kept, other = english, chinese
		}
		found[kept].Name = "requirement"
		found = slices.Delete(found, other, other+1)
	}
	return found, err
}

// value reads whatever comes next.
func (r reading) value(of, name string) (f fact, err error) {
	token, err := r.Token()
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			f.Facts, err = r.fields(name)
			return f, err
		}
		return r.list(of, name)
	case nil:
		return f, err
	default:
		if text := fmt.Sprint(v); text != "" {
			f.Values = []cell{r.cell(of, name, text)}
		}
		return f, err
	}
}

var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// cell is a value with its word or its link.
func (r reading) cell(of, name, text string) cell {
	c := cell{Value: text, Group: cmp.Or(groups[of+"."+name], groups[name])}
	switch c.Group {
	case "person":
		c.Value, c.Group = cmp.Or(r.people[text], text), ""
	case "case":
		c.Link, c.Group = "/cases/"+text, ""
	case "document":
		c.Group = ""
		if !hash.MatchString(text) {
			return c
		}
		c.Value = text[:8] + "…"
		if known, ok := r.documents[text]; ok {
			c.Value, c.Link = cmp.Or(known, c.Value), r.path+text
		}
	}
	return c
}

// list reads an array: of values, of objects as rows under the names of their fields, or of objects that hold lists as blocks.
func (r reading) list(of, name string) (f fact, err error) {
	var items [][]fact
	large := false
	for r.More() {
		item, err := r.value(of, name)
		if err != nil {
			return f, err
		}
		if item.Facts == nil {
			f.Values = append(f.Values, item.Values...)
			continue
		}
		items = append(items, item.Facts)
		large = large || slices.ContainsFunc(item.Facts, fact.Large)
	}
	if _, err = r.Token(); err != nil || items == nil {
		return f, err
	}
	if large {
		f.Blocks = items
		return f, nil
	}
	for _, item := range items {
		for _, field := range item {
			if !slices.Contains(f.Columns, field.Name) {
				f.Columns = append(f.Columns, field.Name)
			}
		}
	}
	for _, item := range items {
		row := make([]cell, len(f.Columns))
		for _, field := range item {
			row[slices.Index(f.Columns, field.Name)] = joined(field.Values)
		}
		f.Rows = append(f.Rows, row)
	}
	return f, nil
}

// joined is several values in one cell.
func joined(values []cell) cell {
	if len(values) == 1 {
		return values[0]
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.Value
	}
	return cell{Value: strings.Join(texts, ", ")}
}

// named lists the documents that a form names by their ID, with the names that it has for them.
func named(form any) (map[string]string, error) {
	text, err := json.Marshal(form)
	if err != nil {
		return nil, err
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	found := map[string]string{}
	addNamed(read, "", found)
	return found, nil
}

func addNamed(from any, name string, found map[string]string) {
	switch v := from.(type) {
	case map[string]any:
		called, _ := v["name"].(string) //nolint:errcheck // without a name it is called nothing
		for _, field := range v {
			addNamed(field, called, found)
		}
	case []any:
		for _, item := range v {
			addNamed(item, "", found)
		}
	case string:
		if hash.MatchString(v) {
			found[v] = cmp.Or(name, found[v])
		}
	}
}
