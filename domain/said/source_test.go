package said_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"countersign/domain/refusal"
	"countersign/domain/said"
	"countersign/internal/wording"

	"github.com/stretchr/testify/require"
)

// shown are the fields whose text pages show.
var shown = []string{"Note", "note", "Memo", "Question", "Why", "Skipped", "About", "Later", "Arithmetic"}

// shownTexts are the formats of what the programme says on pages, each with a place: what is given to a field that is shown.
func shownTexts(t *testing.T) map[string]string {
	t.Helper()
	source, err := wording.Read("../..", "domain", "activities", "views", "policies")
	require.NoError(t, err)
	found := map[string]string{}
	keep := func(before string, at ast.Expr, in wording.Scope, result int) {
		for _, f := range source.Results(at, in, result) {
			rest := wording.Letters(f)
			if !wording.Han(rest) && strings.ContainsFunc(rest, unicode.IsLetter) { // it says something in English by itself
				found[before+f] = source.Place(at)
			}
		}
	}
	source.Each(func(in wording.Scope, n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.SelectorExpr); ok && name.Sel.Name == "NoticeData" {
				return false // of a message, which is written in both languages
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok && slices.Contains(shown, key.Name) {
						keep("", kv.Value, in, 0)
					}
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				f, ok := left.(*ast.SelectorExpr)
				switch {
				case !ok || !slices.Contains(shown, f.Sel.Name):
				case len(n.Lhs) > len(n.Rhs):
					keep("", n.Rhs[0], in, i)
				case n.Tok == token.ADD_ASSIGN:
					keep("%s", n.Rhs[i], in, 0)
				default:
					keep("", n.Rhs[i], in, 0)
				}
			}
		}
		return true
	})
	return found
}

func TestEveryTextThatAPageShowsHasItsChinese(t *testing.T) {
	var zh struct{ Texts, Decisions, Headings, Faults, Parts, Comparisons, Fields map[string]string }
	text, err := os.ReadFile("zh.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &zh))
	shown := shownTexts(t)
	require.Greater(t, len(shown), 100, "the formats are found")
	for format, place := range shown {
		if _, word := refusal.Word(format); zh.Texts[format] == "" && !word {
			t.Errorf("%s: zh.json lacks the text %q", place, format)
		}
	}
	for _, section := range []map[string]string{zh.Texts, zh.Decisions, zh.Headings, zh.Faults, zh.Parts, zh.Comparisons, zh.Fields} {
		for english, chinese := range section {
			require.Equal(t, wording.Arguments(english), wording.Arguments(chinese), "the arguments of %q", english)
			require.True(t, wording.Han(chinese) || strings.ContainsFunc(chinese, unicode.IsPunct) && len(wording.Letters(english)) < 10, "%q is not Chinese", chinese)
		}
	}
}

// faulting are functions that say what is wrong with a file.
var faulting = regexp.MustCompile(`\.(fault|say|useless|fail|misplaced)$`)

// What is wrong with a policy or a calendar is found by its sentence, with whatever it is about.
func TestEveryFaultOfAnOperatorsFileHasItsChinese(t *testing.T) {
	sample := strings.NewReplacer("%s", "x", "%d", "1", "%q", `"x"`, "%c", `"`, "%v", "[x]", "%w", "who names at least one candidate")
	source, err := wording.Read("../..", "domain", "policies")
	require.NoError(t, err)
	found, spot := 0, &wording.Source{}
	source.Each(func(_ wording.Scope, n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok || !faulting.MatchString(wording.Called(c, "")) || strings.HasPrefix(source.Place(n), "domain/consumption/") {
			return true
		}
		for _, a := range c.Args {
			for _, english := range spot.Formats(a, wording.Scope{}) {
				english = strings.ReplaceAll(english, "%%", "%")
				fault := sample.Replace(english)
				if !strings.Contains(strings.TrimSpace(fault), " ") || !strings.ContainsFunc(wording.Letters(english), unicode.IsLetter) {
					continue
				}
				found++
				if !wording.Han(said.Fault("zh", fault)) {
					t.Errorf("%s: zh.json lacks the fault %q", source.Place(a), english)
				}
			}
		}
		return true
	})
	require.Greater(t, found, 100)
}
