// Package ruledoc writes docs/rules.md: each rule that the project names, where it is enforced, which test shows it.
package ruledoc

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed rules.txt
var sentences string

var ruleID = regexp.MustCompile(`\b(?:AUT|CERT|COM|ENG|FHM|INC|INV|LAB|ORG|OWE|PAY|PERF|PGM|PLN|QPY|TIER|WDL|WDR|X)-\d{2}\b`)

type places map[string]map[string]bool // rule -> where

func (p places) add(rule, where string) {
	if p[rule] == nil {
		p[rule] = map[string]bool{}
	}
	p[rule][where] = true
}

// Generate reads the Go and SQL files under root; starter only shows what others enforce. A rule that is named without a sentence in rules.txt is an error.
func Generate(root string) (string, error) {
	enforced, shown := places{}, places{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || rel == "bin" || rel == "starter" || rel == filepath.Join("internal", "ruledoc")):
			return fs.SkipDir
		case strings.HasSuffix(rel, "_test.go"):
			return goFile(path, rel, shown)
		case strings.HasSuffix(rel, ".go"):
			return goFile(path, rel, enforced)
		case strings.HasSuffix(rel, ".sql"):
			text, err := os.ReadFile(path)
			for _, rule := range ruleID.FindAllString(string(text), -1) {
				enforced.add(rule, "`"+rel+"`")
			}
			return err
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return write(enforced, shown)
}

// goFile notes each rule under the declaration that names it, in its comments or in its code.
func goFile(path, rel string, into places) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		from, name := decl.Pos(), ""
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name = "." + d.Name.Name
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		case *ast.GenDecl:
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		}
		body := text[files.Position(from).Offset:files.Position(decl.End()).Offset]
		for _, rule := range ruleID.FindAllString(string(body), -1) {
			into.add(rule, "`"+strings.TrimSuffix(rel, ".go")+name+"`")
		}
	}
	return nil
}

func write(enforced, shown places) (string, error) {
	says := map[string]string{}
	for line := range strings.Lines(sentences) {
		rule, sentence, _ := strings.Cut(strings.TrimSpace(line), "\t")
		says[rule] = sentence
	}
	named := maps.Clone(enforced)
	maps.Copy(named, shown)
	var out strings.Builder
	out.WriteString(`# Rules: where they are enforced and which test shows them

Generated from the code by ` + "`go test ./internal/ruledoc -update`" + `; a test compares. A rule stands at the declaration that names it.

| rule | in short | enforced in | shown by |
|---|---|---|---|
`)
	for _, rule := range slices.Sorted(maps.Keys(named)) {
		if says[rule] == "" {
			return "", fmt.Errorf("rule %s is named by the code and has no sentence in rules.txt", rule)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", rule, says[rule], list(enforced[rule]), list(shown[rule]))
	}
	return out.String(), nil
}

func list(where map[string]bool) string {
	if len(where) == 0 {
		return "–"
	}
	return strings.Join(slices.Sorted(maps.Keys(where)), "<br>")
}
