package organisation

import (
	"maps"
	"slices"
	"strings"

	"countersign/domain/refusal"
)

// List is a list with columns that are masked until somebody uncovers them (PGM-05).
type List string

// The lists.
const (
	PersonList     List = "persons"
	CustomerList   List = "customers"
	ContactList    List = "contacts"
	MemberList     List = "members"
	SpecialistList List = "specialists"
	SolutionList   List = "solutions"
)

// lists says which columns of a list are masked, and by which permission they are uncovered.
var lists = map[List]struct {
	columns []string
	page    Permission
}{
	PersonList:     {[]string{"mobile", "email"}, Organisation},
	CustomerList:   {[]string{"name", "account"}, Customers},
	ContactList:    {[]string{"mobile", "email"}, Organisation},
	MemberList:     {[]string{"account_name", "name", "mobile", "email"}, Organisation},
	SpecialistList: {[]string{"name"}, Organisation},
	SolutionList:   {[]string{"contact", "mobile", "email"}, Solutions},
}

// Columns are the masked columns of a list.
func (l List) Columns() []string { return lists[l].columns }

// JudgeUncover checks that somebody may see columns of a partner's list in full (PGM-05, PGM-06).
func JudgeUncover(p *Person, id, partner string, l List, columns []string) refusal.List {
	var j judging
	known, ok := lists[l]
	if !ok {
		j.refuse("COM-08", "CBC.0100", "list "+string(l), "There is no list %q; there are: %s.", l, strings.Join(slices.Sorted(maps.Keys(named())), ", "))
		return j.list
	}
	if j.caller(p, id) && (p.Partner != partner || !p.May(known.page)) {
		j.forbid("PGM-05", "list "+string(l), "%s may not uncover columns of this list; ask the administrator.", p.Name)
	}
	for _, c := range columns {
		if !slices.Contains(known.columns, c) {
			j.refuse("COM-08", "CBC.0100", "column "+c, "The list masks no column %q; it masks: %s.", c, strings.Join(known.columns, ", "))
		}
	}
	return j.list
}

func named() map[string]bool {
	out := map[string]bool{}
	for l := range lists {
		out[string(l)] = true
	}
	return out
}

// Masked hides a value unless its column was uncovered.
func Masked(column, value string, uncovered []string) string {
	if value == "" || slices.Contains(uncovered, column) {
		return value
	}
	r := []rune(value)
	at := strings.LastIndex(value, "@")
	switch {
	case column == "mobile" && len(r) >= 9: // 138****8000
		return string(r[:3]) + "****" + string(r[len(r)-4:])
	case column == "mobile" && len(r) >= 6:
		return "****" + string(r[len(r)-2:])
	case column == "email" && at > 0:
		return string(r[:1]) + "***" + value[at:]
	case len(r) == 1:
		return "***"
	}
	return string(r[:1]) + "***"
}
