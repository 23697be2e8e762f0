package console

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"countersign/domain/money"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

func TestAFormIsShownFieldByFieldInItsOrder(t *testing.T) {
	at := time.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC)
	found, err := facts(struct {
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
	}{
		Case: "R000001", Name: "<b>", Live: true, Who: []string{"li", "wang"}, At: at,
		Bills: []map[string]any{{"bill": "B1"}, {"bill": "B2", "items": []map[string]string{{"code": "X", "n": "1"}}}},
	})
	require.NoError(t, err)
	require.Equal(t, []fact{
		{Name: "name", Value: "<b>"}, {Name: "amount", Value: "0.00"}, {Name: "live", Value: "true"}, {Name: "who", Value: "li, wang"},
		{Name: "bills", Columns: []string{"bill", "items"}, Rows: [][]string{{"B1", ""}, {"B2", "X 1"}}},
		{Name: "at", Value: "2026-11-03T02:00:00Z"},
	}, found)
	_, err = facts("no object")
	require.Error(t, err)
}

// Each field of each form has a word in both languages.
func TestEveryFieldOfAFormHasAWord(t *testing.T) {
	text, err := Book.ReadFile("messages.json")
	require.NoError(t, err)
	var known map[string][2]string
	require.NoError(t, json.Unmarshal(text, &known))
	names := map[string]bool{}
	for _, form := range []any{
		views.RequisitionDetail{}, views.QuarterCase{}, views.Baseline{}, views.Invitation{}, views.TierUpgradeDetail{}, views.SpecialistCase{}, views.LabCredit{},
	} {
		collect(reflect.TypeOf(form), names, map[reflect.Type]bool{})
	}
	for _, name := range shownElsewhere {
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
