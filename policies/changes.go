package policies

import (
	"slices"
	"strings"
)

// Change is what two policies have differently: a parameter, or a part of one.
type Change struct {
	Where         []Field // from the parameter down to what differs, which is the last one
	Before, After *Field  // nil: it was not set, or is not any more
}

// Changes compares two policies of a kind; of none before, every parameter that is set is new.
func Changes(kind string, before, after Policy) ([]Change, error) {
	now, err := Fields(kind, after)
	if err != nil {
		return nil, err
	}
	if before == nil {
		var all []Change
		for _, f := range now {
			if f.Set() {
				all = append(all, Change{Where: []Field{f}, After: &f})
			}
		}
		return all, nil
	}
	old, err := Fields(kind, before)
	if err != nil {
		return nil, err
	}
	return compare(nil, old, now), nil
}

// compare tells what differs between the parts of two fields of one type.
func compare(where []Field, before, after []Field) []Change {
	var all []Change
	for i := range after {
		was, is := &before[i], &after[i]
		in := append(slices.Clip(where), *is)
		switch {
		case is.Shape == Group:
			all = append(all, compare(in, was.Parts, is.Parts)...)
		case is.Shape == List && is.Blank.Shape != Asked:
			all = append(all, compareLists(in, was, is)...)
		case was.same(is):
		default:
			all = append(all, Change{in, was.orNone(), is.orNone()})
		}
	}
	return all
}

// compareLists compares part with part, by their names where no two of a list have the same, else by where they stand.
func compareLists(where []Field, before, after *Field) []Change {
	was, is := before.titles(), after.titles()
	if !distinct(was) || !distinct(is) {
		for i := range was {
			was[i] = before.Parts[i].Name
		}
		for i := range is {
			is[i] = after.Parts[i].Name
		}
	}
	var all []Change
	for i := range before.Parts {
		if !slices.Contains(is, was[i]) {
			all = append(all, Change{Where: append(slices.Clip(where), before.Parts[i]), Before: &before.Parts[i]})
		}
	}
	for i := range after.Parts {
		in := append(slices.Clip(where), after.Parts[i])
		if j := slices.Index(was, is[i]); j >= 0 {
			all = append(all, compare(in, before.Parts[j].Parts, after.Parts[i].Parts)...)
		} else {
			all = append(all, Change{Where: in, After: &after.Parts[i]})
		}
	}
	both := func(names, others []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(others, n) })
	}
	if stood, stand := both(was, is), both(is, was); !slices.Equal(stood, stand) {
		all = append(all, Change{where, before.order(was), after.order(is)})
	}
	return all
}

func distinct(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return !slices.Contains(names, "") && len(slices.Compact(sorted)) == len(names)
}

// titles are those of a list's parts.
func (f *Field) titles() []string {
	var all []string
	for _, p := range f.Parts {
		all = append(all, p.Title())
	}
	return all
}

// order is a list by the names of its parts alone.
func (f *Field) order(names []string) *Field {
	return &Field{Name: f.Name, Path: f.Path, Label: f.Label, Shape: Lines, Value: strings.Join(names, "\n")}
}

// same tells whether two fields say the same, however it is written.
func (f *Field) same(as *Field) bool {
	if f.Words != "" || as.Words != "" {
		return f.Words == as.Words
	}
	return slices.Equal(f.lines(), as.lines())
}

func (f *Field) orNone() *Field {
	if f.Set() || f.Shape == Flag {
		return f
	}
	return nil
}
