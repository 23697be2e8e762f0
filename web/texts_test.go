// Package web_test holds what is true of the texts of all pages.
package web_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"countersign/domain/baseline"
	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/domain/said"
	"countersign/web/console"
	"countersign/web/page"
	"countersign/web/partner"
	"countersign/web/signin"
	"countersign/web/vendor"

	"github.com/stretchr/testify/require"
)

// texts are the messages of all packages, by key: Chinese, English.
func texts(t *testing.T) map[string][2]string {
	t.Helper()
	all := map[string][2]string{}
	files, err := filepath.Glob("*/messages.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		var some map[string][2]string
		require.NoError(t, json.Unmarshal(text, &some), f)
		for k, v := range some {
			require.NotContains(t, all, k, f)
			all[k] = v
		}
	}
	return all
}

// read gives every file below this folder with an ending.
func read(t *testing.T, ending string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ending) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	}))
	require.NotEmpty(t, found)
	return found
}

var verb = regexp.MustCompile(`%[a-z]`)

func TestEveryTextIsThereInChineseAndEnglishWithTheSameArguments(t *testing.T) {
	for key, text := range texts(t) {
		require.NotEmpty(t, strings.TrimSpace(text[0]), key)
		require.NotEmpty(t, strings.TrimSpace(text[1]), key)
		require.Equal(t, verb.FindAllString(text[0], -1), verb.FindAllString(text[1], -1), key)
		if key != "layout.other-language" { // it is written in the language that it leads to
			require.True(t, strings.ContainsFunc(text[0], func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s is not Chinese: %q", key, text[0])
			require.False(t, strings.ContainsFunc(text[1], func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s is not English: %q", key, text[1])
		}
	}
}

var (
	action     = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tag        = regexp.MustCompile(`(?s)<[^>]*>`)
	spoken     = regexp.MustCompile(`(?:title|placeholder|aria-label|alt)="([^"]*)"`)
	asked      = regexp.MustCompile(`\bt "([^"]+)"`)
	everywhere = regexp.MustCompile(`Countersign|\b[A-Z]{3}-\d\d\b`) // the same in both languages: the name, and rules
	asWords    = regexp.MustCompile(`\bword "([^"]+)"`)
)

func TestNoTemplateHasATextOfItsOwnAndEveryTextItAsksForIsThere(t *testing.T) {
	known := texts(t)
	groups := map[string]bool{}
	for key := range known {
		groups[key[:max(0, strings.LastIndexByte(key, '.'))]] = true
	}
	letters := func(s string) bool {
		return strings.ContainsFunc(everywhere.ReplaceAllString(s, ""), unicode.IsLetter)
	}
	for file, text := range read(t, ".html") {
		for _, key := range asked.FindAllStringSubmatch(text, -1) {
			require.Contains(t, known, key[1], file)
		}
		for _, group := range asWords.FindAllStringSubmatch(text, -1) {
			require.True(t, groups[group[1]], "%s: no word of group %q", file, group[1])
		}
		bare := action.ReplaceAllString(text, "")
		for _, said := range spoken.FindAllStringSubmatch(bare, -1) {
			require.False(t, letters(said[1]), "%s says %q in one language", file, said[1])
		}
		rest := regexp.MustCompile(`&[a-z]+;`).ReplaceAllString(tag.ReplaceAllString(bare, ""), "")
		for line := range strings.Lines(rest) {
			require.False(t, letters(line), "%s says %q in one language", file, strings.TrimSpace(line))
		}
	}
}

// A page loads nothing that its policy forbids: scripts and styles stand in files of their own, served by us.
func TestNoTemplateRunsOrStylesAnythingByItself(t *testing.T) {
	for file, text := range read(t, ".html") {
		require.NotRegexp(t, `(?i)<style|<script>| style=| on[a-z]+="|javascript:`, text, file)
		require.NotRegexp(t, `(?:src|href|action)="(?:https?:)?//`, text, file)
	}
}

func TestEveryTextIsUsed(t *testing.T) {
	var all strings.Builder
	for _, text := range read(t, ".html") {
		all.WriteString(text)
	}
	for _, text := range read(t, ".go") {
		all.WriteString(text)
	}
	used := all.String()
	groups := map[string]bool{} // to which the rest of a key is put while a page is written
	for _, pattern := range []string{`[wW]ord(?:\((?:\w+, )*| )"([a-z.-]+)"`, `"([a-z.-]+)\."`, `"[a-z_.]+": +"([a-z-]+)"`} {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(used, -1) {
			groups[m[1]] = true
		}
	}
	spoken := func(key string) bool {
		return groups[key[:max(0, strings.LastIndexByte(key, '.'))]] || strings.Contains(used, `"`+key+`"`)
	}
	for key := range texts(t) {
		if strings.HasPrefix(key, "error.") { // in stock for every package
			continue
		}
		if !spoken(key) && !spoken(strings.TrimSuffix(key, ".title")) { // a page of an error adds it
			t.Errorf("nobody says %q", key)
		}
	}
}

// What the programme calls by a name of its own has a word for people.
func TestEveryStateKindMatterAndAnswerHasAWord(t *testing.T) {
	known := texts(t)
	for _, kind := range kinds.All {
		require.Contains(t, known, "kind."+kind.Name)
		for _, s := range kind.States {
			require.Contains(t, known, "state."+string(s))
		}
		for _, name := range mattersIn(t) {
			m := kind.MatterOf(name)
			if m.Approve == "" {
				continue
			}
			require.Contains(t, known, "matter."+name)
			for _, o := range m.Outcomes() {
				require.Contains(t, known, "outcome."+string(o), "%s, %s", kind.Name, name)
			}
		}
	}
}

// A role that is known by itself has a word wherever the programme says it: on pages, and in sentences.
func TestEveryRoleAndStepHasAWordOnPagesAndInSentences(t *testing.T) {
	known := texts(t)
	for _, role := range person.Known {
		require.Contains(t, known, "role."+string(role))
		require.NotEqual(t, string(role), said.In("zh", string(role)))
	}
	for key := range known {
		if step, ok := strings.CutPrefix(key, "matter."); ok {
			require.NotEqual(t, step, said.In("zh", step))
		}
	}
}

// What a timeline and the audit tell has a word, too: whatever is given for an action.
func TestEveryActionHasAWord(t *testing.T) {
	known := texts(t)
	found := 0
	files, err := filepath.Glob("../activities/*.go")
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		action := func(value ast.Expr) {
			literal, ok := value.(*ast.BasicLit)
			if !ok {
				return
			}
			name, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			found++
			_, outcome := known["outcome."+name]
			if _, ok := known["action."+name]; !ok && !outcome {
				t.Errorf("%s: no word for the action %q", path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && strings.EqualFold(key.Name, "action") {
					action(n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if field, ok := left.(*ast.SelectorExpr); ok && field.Sel.Name == "Action" && len(n.Lhs) == len(n.Rhs) {
						action(n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	require.Greater(t, found, 60)
	for _, name := range []baseline.Action{
		baseline.SubmitAgain, baseline.ApplyDesign, baseline.HandInDesign, baseline.HandInVerification, baseline.ListGoods, baseline.GoodsAreListed,
		baseline.BeginConfigurator, baseline.EndConfigurator, baseline.SubmitRelease,
	} {
		require.Contains(t, known, "action."+string(name))
	}
}

// mattersIn reads the names of all matters from the domain's source.
func mattersIn(t *testing.T) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir("../domain", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if s, ok := literal.Type.(*ast.SelectorExpr); !ok || s.Sel.Name != "Matter" {
				return true
			}
			for _, e := range literal.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Name" { //nolint:forcetypeassert // fields of a struct
					if value, ok := kv.Value.(*ast.BasicLit); ok {
						name, err := strconv.Unquote(value.Value)
						require.NoError(t, err)
						names = append(names, name)
					}
				}
			}
			return true
		})
		return nil
	}))
	require.Contains(t, names, "review")
	require.Greater(t, len(names), 10)
	return names
}

func TestAllBooksMakeOneConsole(t *testing.T) {
	_, err := page.New(signin.Book, console.Book, partner.Book, vendor.Book)
	require.NoError(t, err)
}
