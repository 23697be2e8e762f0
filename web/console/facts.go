package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/baseline"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/specialist"
	"countersign/domain/tier"
	"countersign/views"
)

// forms reads what was applied for in a case of a kind, as the command line shows it: personal data masked (PGM-05). A
// withdrawal has a part of the page of its own; of other kinds the words about the case say it.
var forms = map[string]func(ctx context.Context, r views.Reader, number string) (any, error){
	requisition.Kind: func(ctx context.Context, r views.Reader, n string) (any, error) { return r.Requisition(ctx, n) },
	quarter.Kind:     func(ctx context.Context, r views.Reader, n string) (any, error) { return r.QuarterOfCase(ctx, n) },
	baseline.Kind:    func(ctx context.Context, r views.Reader, n string) (any, error) { return r.Baseline(ctx, n) },
	member.Kind:      func(ctx context.Context, r views.Reader, n string) (any, error) { return r.Invitation(ctx, n) },
	tier.Kind:        func(ctx context.Context, r views.Reader, n string) (any, error) { return r.TierUpgradeOf(ctx, n) },
	specialist.Kind:  func(ctx context.Context, r views.Reader, n string) (any, error) { return r.SpecialistCase(ctx, n) },
	lab.Kind:         func(ctx context.Context, r views.Reader, n string) (any, error) { return r.LabCredit(ctx, n) },
}

// shownElsewhere stands on every case's page already.
var shownElsewhere = []string{"case", "partner", "state", "state_chinese", "currency", "opened_at"}

// fact is one field of a form: a value, or rows of them, or fields of its own.
type fact struct {
	Name    string
	Value   string
	Columns []string
	Rows    [][]string
	Facts   []fact
}

// facts are the fields of a form in their order; those without a value are left out.
func facts(form any) ([]fact, error) {
	text, err := json.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.Join(errors.New("a form has fields"), err)
	}
	found, err := fields(d)
	return slices.DeleteFunc(found, func(f fact) bool { return slices.Contains(shownElsewhere, f.Name) }), err
}

// fields reads an object up to its end.
func fields(d *json.Decoder) (found []fact, err error) {
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		f, err := value(d)
		if err != nil {
			return nil, err
		}
		if f.Name = fmt.Sprint(name); f.Value != "" || f.Rows != nil || f.Facts != nil {
			found = append(found, f)
		}
	}
	_, err = d.Token()
	return found, err
}

// value reads whatever comes next.
func value(d *json.Decoder) (f fact, err error) {
	token, err := d.Token()
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			f.Facts, err = fields(d)
			return f, err
		}
		return list(d)
	case nil:
		return f, err
	default:
		f.Value = fmt.Sprint(v)
		return f, err
	}
}

// list reads an array: of values as one, of objects as rows under the names of their fields.
func list(d *json.Decoder) (f fact, err error) {
	var values []string
	for d.More() {
		item, err := value(d)
		if err != nil {
			return f, err
		}
		if item.Facts == nil {
			values = append(values, item.Value)
			continue
		}
		row := make([]string, len(f.Columns))
		for _, field := range item.Facts {
			i := slices.Index(f.Columns, field.Name)
			if i < 0 {
				i = len(f.Columns)
				f.Columns, row = append(f.Columns, field.Name), append(row, "")
			}
			row[i] = field.words()
		}
		f.Rows = append(f.Rows, row)
	}
	f.Value = strings.Join(values, ", ")
	_, err = d.Token()
	for i := range f.Rows { // a later row may have brought a column
		f.Rows[i] = append(f.Rows[i], make([]string, len(f.Columns)-len(f.Rows[i]))...)
	}
	return f, err
}

// words is a field in one cell.
func (f fact) words() string {
	if f.Rows == nil && f.Facts == nil {
		return f.Value
	}
	var parts []string
	for _, row := range f.Rows {
		parts = append(parts, strings.Join(slices.DeleteFunc(slices.Clone(row), func(s string) bool { return s == "" }), " "))
	}
	for _, field := range f.Facts {
		parts = append(parts, field.words())
	}
	return strings.Join(parts, "; ")
}
