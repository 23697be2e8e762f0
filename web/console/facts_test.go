package console

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"countersign/domain/money"
	"countersign/domain/quarter"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

var scan = strings.Repeat("ab", 32)

func TestAFormIsShownFieldByFieldInItsOrder(t *testing.T) {
	at := time.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC)
	found, err := reading{people: map[string]string{"li": "Li Na"}, documents: map[string]string{scan: "scan.pdf"}, path: "/d/"}.facts(struct {
		Case   string       `json:"case"`
		Name   string       `json:"name"`
		Amount money.Amount `json:"amount"`
		None   *time.Time   `json:"none"`
		Live   bool         `json:"live"`
		Who    []string     `json:"who"`
		Lead   struct {
			Name string `json:"name"`
		} `json:"lead"`
		Bills []map[string]any `json:"bills"`
		At    time.Time        `json:"at"`
		By    string           `json:"submitter"`
		Files []map[string]any `json:"materials"`
		Items []map[string]any `json:"items"`
	}{
		Case: "R000001", Name: "<b>", Live: true, Who: []string{"li", "wang"}, At: at,
		Bills: []map[string]any{{"bill": "B1"}, {"bill": "B2", "n": 1}}, By: "li",
		Files: []map[string]any{{"document": scan, "name": "plan"}, {"document": strings.Repeat("0", 64)}},
		Items: []map[string]any{{"en": "Performance", "zh": "业绩", "lines": []map[string]string{{"code": "X"}}}},
	})
	require.NoError(t, err)
	one := func(text string) []cell { return []cell{{Value: text}} }
	require.Equal(t, []fact{
		{Name: "name", Values: one("<b>")},
		{Name: "amount", Values: []cell{{Value: "0.00", Group: "money"}}},
		{Name: "live", Values: one("true")},
		{Name: "who", Values: []cell{{Value: "li", Group: "candidate"}, {Value: "wang", Group: "candidate"}}},
		{Name: "bills", Columns: []string{"bill", "n"}, Rows: [][]cell{{{Value: "B1"}, {}}, {{Value: "B2"}, {Value: "1"}}}},
		{Name: "at", Values: one("2026-11-03T02:00:00Z")},
		{Name: "submitter", Values: one("Li Na")},
		{Name: "materials", Columns: []string{"name", "document"}, Rows: [][]cell{{{Value: "plan", Link: "/d/" + scan}, {}}, {{}, {Value: "00000000…"}}}},
		{Name: "items", Blocks: [][]fact{{{Name: "lines", Columns: []string{"code"}, Rows: [][]cell{one("X")}}, {Name: "requirement", Values: one("业绩")}}}},
	}, found)
	_, err = reading{}.facts("no object")
	require.Error(t, err)
}

func TestWhatWasChangedBetweenTwoRoundsIsToldFieldByField(t *testing.T) {
	sent := func(round int, form string) views.Submission {
		return views.Submission{Matter: "review", Round: round, At: time.Date(2026, 11, round, 0, 0, 0, 0, time.UTC), Form: json.RawMessage(form)}
	}
	first := sent(1, `{"request_key": "a", "code": "123456", "amount": "40000.00", "payee": {"holder": "Alpha", "account_no": "62"}, "lots": [{"lot": 1, "amount": "1.00"}], "mobile": "13800138000", "route": "BANK_CARD"}`)
	second := sent(2, `{"request_key": "b", "code": "654321", "amount": "35000.00", "payee": {"holder": "Alpha", "account_no": "63"}, "lots": [{"lot": 1, "amount": "1.00"}, {"lot": 2, "amount": "3.00"}], "mobile": "13900139000", "route": "BANK_CARD", "note": "less"}`)
	late, early := views.CaseDocument{Name: "new", AddedAt: second.At}, views.CaseDocument{Name: "old", AddedAt: first.At}
	c, err := reading{}.compared([]views.Submission{first, second}, []views.CaseDocument{early, late})
	require.NoError(t, err)
	require.Equal(t, []change{
		{"amount", []string{"40000.00"}, []string{"35000.00"}},
		{"lots", nil, []string{"2 · 3.00"}},
		{"mobile", []string{"138****8000"}, []string{"139****9000"}},
		{"note", nil, []string{"less"}},
		{"account_no", []string{"62"}, []string{"63"}},
	}, c.Changes)
	require.Equal(t, []views.CaseDocument{late}, c.Files)
	c, err = reading{}.compared([]views.Submission{first}, nil)
	require.NoError(t, err)
	require.Nil(t, c)
}

// Each field of each form has a word in both languages.
func TestEveryFieldOfAFormHasAWord(t *testing.T) {
	text, err := Book.ReadFile("messages.json")
	require.NoError(t, err)
	var known map[string][2]string
	require.NoError(t, json.Unmarshal(text, &known))
	names := map[string]bool{}
	for _, form := range []any{
		requisitionForm{},
		quarterForm{},
		views.Baseline{},
		views.Invitation{},
		views.TierUpgradeDetail{},
		views.SpecialistCase{},
		views.LabCredit{},
		views.StaffCase{},
		solutionEntry{},
		presented{},
		withdrawal.Application{},
		staff.Request{},
		tier.Application{},
		quarter.Application{},
	} {
		collect(reflect.TypeOf(form), names, map[reflect.Type]bool{})
	}
	for _, name := range append(bookkeeping, "state_chinese") { // of no form, or of a machine
		delete(names, name)
	}
	require.Greater(t, len(names), 40)
	for name := range names {
		if _, ok := known["field."+name]; !ok {
			t.Errorf("the field %q has no word", name)
		}
	}
}

// collect names the JSON fields of a struct and of what it holds.
func collect(of reflect.Type, names map[string]bool, seen map[reflect.Type]bool) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Array {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || seen[of] || of.Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(of).Implements(reflect.TypeFor[json.Marshaler]()) {
		return
	}
	if _, text := of.MethodByName("MarshalText"); text {
		return
	}
	seen[of] = true
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case name == "" && f.Anonymous:
		case name == "":
			names[f.Name] = true
		default:
			names[name] = true
		}
		collect(f.Type, names, seen)
	}
}

func TestColleaguesAreOptionsOfAListWhateverTheyAreCalled(t *testing.T) {
	f := taskForm{Task: views.Task{ID: "W1/review"}, P: &casePage{
		Colleagues: []views.Named{{ID: "li", Name: "Li Na"}, {ID: `x"y`, Name: "<b>"}}, Entered: url.Values{"task": {"W1/review"}, "to": {"li"}},
	}}
	require.EqualValues(t, `<option value="li" selected>Li Na (li)</option><option value="x&#34;y">&lt;b&gt; (x&#34;y)</option>`, f.Receivers())
}
