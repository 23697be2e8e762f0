package said_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"countersign/domain/refusal"
	"countersign/domain/said"

	"github.com/stretchr/testify/require"
)

// source finds the formats of what the programme says on pages: it follows what is given to a field like Note or Memo through
// variables, parameters, sums and functions back to the texts that are written out.
type source struct {
	set   *token.FileSet
	funcs map[string][]function // by "package.name"; methods also by ".name"
	calls map[string][]call     // by "package.name"
	named map[string]ast.Expr   // constants and variables of packages, by "package.name"
	found map[string]string     // formats, with a place
}

type function struct {
	pkg  string
	decl *ast.FuncDecl
}

type call struct {
	function
	args []ast.Expr
}

// shown are the fields whose text pages show; asked are methods whose answer such a field gets, whoever's they are.
var (
	shown = []string{"Note", "note", "Memo", "Question", "Why", "Skipped", "About", "Later", "Arithmetic"}
	asked = []string{"Question", "SendQuestion", "ConfirmQuestion"}
)

func read(t *testing.T) *source {
	t.Helper()
	s := &source{set: token.NewFileSet(), funcs: map[string][]function{}, calls: map[string][]call{}, named: map[string]ast.Expr{}, found: map[string]string{}}
	files := map[*ast.File]string{}
	for _, dir := range []string{"domain", "activities", "views", "policies"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(s.set, path, nil, 0)
			if err == nil {
				files[f] = f.Name.Name
				s.index(f, f.Name.Name)
			}
			return err
		}))
	}
	for f, pkg := range files {
		for _, d := range f.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok && decl.Body != nil {
				s.look(function{pkg, decl})
			}
		}
	}
	return s
}

func (s *source) index(f *ast.File, pkg string) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			in := function{pkg, d}
			s.funcs[pkg+"."+d.Name.Name] = append(s.funcs[pkg+"."+d.Name.Name], in)
			if d.Recv != nil {
				s.funcs["."+d.Name.Name] = append(s.funcs["."+d.Name.Name], in)
			}
			if d.Body == nil {
				continue
			}
			ast.Inspect(d.Body, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					if name := called(c, pkg); name != "" {
						s.calls[name] = append(s.calls[name], call{in, c.Args})
					}
				}
				return true
			})
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for i, name := range v.Names {
						if i < len(v.Values) {
							s.named[pkg+"."+name.Name] = v.Values[i]
						}
					}
				}
			}
		}
	}
}

// called names the function of a call: one of this package, of another one, or a method of this package.
func called(c *ast.CallExpr, pkg string) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return pkg + "." + f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && x.Obj == nil {
			return x.Name + "." + f.Sel.Name
		}
		return pkg + "." + f.Sel.Name
	}
	return ""
}

// look finds what a function gives to fields that pages show.
func (s *source) look(in function) {
	keep := func(at ast.Expr, result int) {
		for _, f := range s.formats(at, in, result, 0) {
			s.found[f] = strings.TrimPrefix(s.set.Position(at.Pos()).String(), "../../")
		}
	}
	ast.Inspect(in.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.SelectorExpr); ok && name.Sel.Name == "NoticeData" {
				return false // of a message, which is written in both languages
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok && slices.Contains(shown, key.Name) {
						keep(kv.Value, 0)
					}
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if f, ok := left.(*ast.SelectorExpr); ok && slices.Contains(shown, f.Sel.Name) {
					if len(n.Lhs) > len(n.Rhs) {
						keep(n.Rhs[0], i)
						continue
					}
					if n.Tok == token.ADD_ASSIGN {
						for _, more := range s.formats(n.Rhs[i], in, 0, 0) {
							s.found["%s"+more] = strings.TrimPrefix(s.set.Position(n.Pos()).String(), "../../")
						}
						continue
					}
					keep(n.Rhs[i], 0)
				}
			}
		}
		return true
	})
}

// formats are the texts that an expression may come to; what is not written out is %s. Of a call it is the result of an index.
func (s *source) formats(e ast.Expr, in function, result, depth int) []string {
	unknown := []string{"%s"}
	if depth > 12 {
		return unknown
	}
	of := func(e ast.Expr) []string { return s.formats(e, in, 0, depth+1) }
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return []string{strings.ReplaceAll(text, "%", "%%")}
		}
	case *ast.ParenExpr:
		return of(e.X)
	case *ast.BinaryExpr:
		var sums []string
		for _, left := range of(e.X) {
			for _, right := range of(e.Y) {
				sums = append(sums, left+right)
			}
		}
		return sums
	case *ast.IndexExpr: // a text of a table
		if table, ok := e.X.(*ast.CompositeLit); ok {
			return s.all(table, in, depth)
		}
	case *ast.CompositeLit:
		return s.all(e, in, depth)
	case *ast.Ident:
		return s.variable(e, in, depth)
	case *ast.CallExpr:
		return s.result(e, in, result, depth)
	}
	return unknown
}

// all are the texts of a list or table.
func (s *source) all(list *ast.CompositeLit, in function, depth int) []string {
	var found []string
	for _, e := range list.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		found = append(found, s.formats(e, in, 0, depth+1)...)
	}
	return found
}

// result is what a call comes to.
func (s *source) result(c *ast.CallExpr, in function, result, depth int) []string {
	name := called(c, in.pkg)
	switch name {
	case "fmt.Sprintf":
		var found []string
		for _, f := range s.formats(c.Args[0], in, 0, depth+1) {
			found = append(found, strings.ReplaceAll(f, "%%", "%"))
		}
		return found
	case "strings.TrimSpace", "strings.TrimSuffix":
		return s.formats(c.Args[0], in, 0, depth+1)
	case "cmp.Or", in.pkg + ".append":
		var found []string
		for _, a := range c.Args {
			found = append(found, s.formats(a, in, 0, depth+1)...)
		}
		return found
	}
	to := s.funcs[name]
	if len(to) > 1 || strings.HasSuffix(name, ".Words") { // methods of one name
		to = nil
	}
	if f, ok := c.Fun.(*ast.SelectorExpr); ok && len(to) == 0 && slices.Contains(asked, f.Sel.Name) {
		to = s.funcs["."+f.Sel.Name]
	}
	var found []string
	for _, f := range to {
		if f.decl.Body == nil {
			continue
		}
		ast.Inspect(f.decl.Body, func(n ast.Node) bool {
			if _, ok := n.(*ast.FuncLit); ok {
				return false
			}
			if r, ok := n.(*ast.ReturnStmt); ok && result < len(r.Results) {
				found = append(found, s.formats(r.Results[result], f, 0, depth+1)...)
			}
			return true
		})
	}
	if len(found) == 0 {
		return []string{"%s"}
	}
	return found
}

// variable is what was assigned to a name, or given for a parameter.
func (s *source) variable(name *ast.Ident, in function, depth int) []string {
	var found []string
	ast.Inspect(in.decl.Body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range a.Lhs {
			if l, ok := left.(*ast.Ident); !ok || l.Name != name.Name || l.Obj != name.Obj {
				continue
			}
			if len(a.Lhs) > len(a.Rhs) {
				found = append(found, s.formats(a.Rhs[0], in, i, depth+1)...)
			} else if a.Rhs[i] != ast.Expr(name) {
				found = append(found, s.formats(a.Rhs[i], in, 0, depth+1)...)
			}
		}
		return true
	})
	at := 0
	for _, field := range in.decl.Type.Params.List {
		for _, p := range field.Names {
			if p.Name == name.Name {
				for _, c := range s.calls[in.pkg+"."+in.decl.Name.Name] {
					if at < len(c.args) {
						found = append(found, s.formats(c.args[at], c.function, 0, depth+1)...)
					}
				}
			}
			at++
		}
	}
	if e, ok := s.named[in.pkg+"."+name.Name]; ok && len(found) == 0 {
		return s.formats(e, in, 0, depth+1)
	}
	if len(found) == 0 {
		return []string{"%s"}
	}
	return found
}

var verb = regexp.MustCompile(`%(\[\d+\])?[a-zA-Z%]`)

// sentences are the formats that say something in English by themselves.
func (s *source) sentences() map[string]string {
	out := map[string]string{}
	for f, place := range s.found {
		rest := verb.ReplaceAllString(f, "")
		if !han(rest) && strings.ContainsFunc(rest, unicode.IsLetter) {
			out[f] = place
		}
	}
	return out
}

// arguments is which arguments a format takes, each as its verb; a Chinese word stands for a text.
func arguments(format string) map[int]string {
	out, at := map[int]string{}, 0
	for _, m := range regexp.MustCompile(`%(\[(\d+)\])?([a-zA-Z%])`).FindAllStringSubmatch(format, -1) {
		if m[3] == "%" {
			continue
		}
		at++
		if m[2] != "" {
			at, _ = strconv.Atoi(m[2])
		}
		out[at] = strings.NewReplacer("W", "s", "K", "s", "F", "s").Replace(m[3])
	}
	return out
}

// han tells whether a text is Chinese.
func han(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func TestEveryTextThatAPageShowsHasItsChinese(t *testing.T) {
	var zh struct{ Texts, Decisions, Headings, Faults, Parts, Comparisons, Fields map[string]string }
	text, err := os.ReadFile("zh.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &zh))
	shown := read(t).sentences()
	require.Greater(t, len(shown), 100, "the formats are found")
	for format, place := range shown {
		if _, word := refusal.Word(format); zh.Texts[format] == "" && !word {
			t.Errorf("%s: zh.json lacks the text %q", place, format)
		}
	}
	for _, section := range []map[string]string{zh.Texts, zh.Decisions, zh.Headings, zh.Faults, zh.Parts, zh.Comparisons, zh.Fields} {
		for english, chinese := range section {
			require.Equal(t, arguments(english), arguments(chinese), "the arguments of %q", english)
			rest := verb.ReplaceAllString(english, "")
			require.True(t, han(chinese) || strings.ContainsFunc(chinese, unicode.IsPunct) && len(rest) < 10, "%q is not Chinese", chinese)
		}
	}
}

// faulting are functions that say what is wrong with a file; nowhere is outside of any function.
var (
	faulting = regexp.MustCompile(`\.(fault|say|useless|fail|misplaced)$`)
	nowhere  = function{decl: &ast.FuncDecl{Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{}}}
)

// What is wrong with a policy or a calendar is found by its sentence, with whatever it is about.
func TestEveryFaultOfAnOperatorsFileHasItsChinese(t *testing.T) {
	sample := strings.NewReplacer("%s", "x", "%d", "1", "%q", `"x"`, "%c", `"`, "%v", "[x]", "%w", "who names at least one candidate")
	found := 0
	for _, dir := range []string{"domain", "policies"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "domain/consumption/") {
				return err
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok || !faulting.MatchString(called(c, "")) {
					return true
				}
				for _, a := range c.Args {
					for _, english := range (&source{}).formats(a, nowhere, 0, 0) {
						english = strings.ReplaceAll(english, "%%", "%")
						fault := sample.Replace(english)
						if !strings.Contains(strings.TrimSpace(fault), " ") || !strings.ContainsFunc(verb.ReplaceAllString(english, ""), unicode.IsLetter) {
							continue
						}
						found++
						if !han(said.Fault("zh", fault)) {
							t.Errorf("%s: zh.json lacks the fault %q", set.Position(a.Pos()), english)
						}
					}
				}
				return true
			})
			return nil
		}))
	}
	require.Greater(t, found, 100)
}
