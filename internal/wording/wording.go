// Package wording follows texts through the source of the programme, for tests that hold that each has its Chinese: from where
// one is shown or told back to where it is written out.
package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// object is what a name stands for within one file, which is all that is asked here, and needs no types.
type object = ast.Object //nolint:staticcheck // go/types would have to compile the programme

// Source is the Go source of some folders, without tests.
type Source struct {
	root   string
	set    *token.FileSet
	files  []file
	funcs  map[string][]Scope // by "package.name"; methods also by ".name"
	calls  map[any][]Call     // by "package.name", or by the variable that holds a function
	params map[*object]parameter
	named  map[string]ast.Expr // constants and variables of packages, by "package.name"

	followed map[*object]bool // names that are being followed: one that leads back to itself brings nothing new
}

type file struct {
	*ast.File
	folder string
}

// Scope is where an expression stands: in a function of a package; without one, outside of any.
type Scope struct {
	Package string
	decl    *ast.FuncDecl
}

// Call is one call of a function.
type Call struct {
	Scope
	*ast.CallExpr
}

// parameter is one of a function's, from 0.
type parameter struct {
	of any // as calls have the function
	at int
}

// Read parses the folders, and those below them.
func Read(root string, folders ...string) (*Source, error) {
	s := &Source{root: root, set: token.NewFileSet(), funcs: map[string][]Scope{}, calls: map[any][]Call{}, params: map[*object]parameter{}, named: map[string]ast.Expr{}, followed: map[*object]bool{}}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(s.set, path, nil, 0)
			if err == nil {
				s.files = append(s.files, file{f, filepath.Dir(path)})
				s.index(f)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Each visits every node of the source with where it stands; what visit tells not to look into is left out.
func (s *Source) Each(visit func(in Scope, n ast.Node) bool) {
	for _, f := range s.files {
		for _, d := range f.Decls {
			in := Scope{Package: f.Name.Name}
			in.decl, _ = d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool { return n == nil || visit(in, n) })
		}
	}
}

// Place is the file and line of a node.
func (s *Source) Place(n ast.Node) string {
	return strings.TrimPrefix(s.set.Position(n.Pos()).String(), filepath.Clean(s.root)+"/")
}

func (s *Source) index(f *ast.File) {
	pkg := f.Name.Name
	for _, d := range f.Decls {
		in := Scope{Package: pkg}
		switch d := d.(type) {
		case *ast.FuncDecl:
			in.decl = d
			name := pkg + "." + d.Name.Name
			s.funcs[name] = append(s.funcs[name], in)
			if d.Recv != nil {
				s.funcs["."+d.Name.Name] = append(s.funcs["."+d.Name.Name], in)
			}
			s.parameters(name, d.Type)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				for i := 0; ok && i < len(v.Values); i++ {
					s.named[pkg+"."+v.Names[i].Name] = v.Values[i]
				}
			}
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, right := range n.Rhs {
					f, isFunc := right.(*ast.FuncLit)
					if held, ok := n.Lhs[i].(*ast.Ident); ok && isFunc && held.Obj != nil {
						s.parameters(held.Obj, f.Type)
					}
				}
			case *ast.CallExpr:
				if of := s.callee(n, pkg); of != nil {
					s.calls[of] = append(s.calls[of], Call{in, n})
				}
			}
			return true
		})
	}
}

func (s *Source) parameters(of any, t *ast.FuncType) {
	at := 0
	for _, field := range t.Params.List {
		for _, p := range field.Names {
			s.params[p.Obj] = parameter{of, at}
			at++
		}
	}
}

// callee is what calls has a call's function by.
func (s *Source) callee(c *ast.CallExpr, pkg string) any {
	if f, ok := c.Fun.(*ast.Ident); ok && f.Obj != nil && f.Obj.Kind == ast.Var {
		return f.Obj
	}
	if name := Called(c, pkg); name != "" {
		return name
	}
	return nil
}

// Called names the function of a call: one of this package, of another one, or a method of this package.
func Called(c *ast.CallExpr, pkg string) string {
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

// Given are the calls in which an argument of a function is said, each with the argument's number: the function's own calls, or
// where a function hands a parameter of its own on, that one's.
func (s *Source) Given(function string, at int) []Argument {
	return s.given(parameter{function, at}, map[parameter]bool{})
}

// Argument is one of a call.
type Argument struct {
	Call
	At int
}

func (s *Source) given(p parameter, seen map[parameter]bool) (all []Argument) {
	if seen[p] {
		return nil
	}
	seen[p] = true
	for _, c := range s.calls[p.of] {
		if p.at < len(c.Args) {
			all = append(all, s.handed(Argument{c, p.at}, seen)...)
		}
	}
	return all
}

func (s *Source) handed(a Argument, seen map[parameter]bool) []Argument {
	if name, ok := a.Args[a.At].(*ast.Ident); ok {
		if p, ok := s.params[name.Obj]; ok && name.Obj != nil {
			return s.given(p, seen)
		}
	}
	return []Argument{a}
}

// Handed is where an argument is said, if it is a parameter of a function around it; else itself.
func (s *Source) Handed(a Argument) []Argument { return s.handed(a, map[parameter]bool{}) }

// Formats are the texts that an expression may come to, as formats: what is not written out is %s. Of no source it takes only
// what is written out on the spot.
func (s *Source) Formats(e ast.Expr, in Scope) []string { return s.formats(e, in, 0, 0) }

// Results are the texts that a result of a call may come to.
func (s *Source) Results(e ast.Expr, in Scope, result int) []string {
	return s.formats(e, in, result, 0)
}

func (s *Source) formats(e ast.Expr, in Scope, result, depth int) []string {
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
func (s *Source) all(list *ast.CompositeLit, in Scope, depth int) []string {
	var found []string
	for _, e := range list.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		found = append(found, s.formats(e, in, 0, depth+1)...)
	}
	return found
}

// asked are methods whose answer counts, whoever's they are.
var asked = []string{"Question", "SendQuestion", "ConfirmQuestion"}

// result is what a call comes to.
func (s *Source) result(c *ast.CallExpr, in Scope, result, depth int) []string {
	name := Called(c, in.Package)
	switch name {
	case "fmt.Sprintf":
		var found []string
		for _, f := range s.formats(c.Args[0], in, 0, depth+1) {
			found = append(found, strings.ReplaceAll(f, "%%", "%"))
		}
		return found
	case "strings.TrimSpace", "strings.TrimSuffix":
		return s.formats(c.Args[0], in, 0, depth+1)
	case "cmp.Or", in.Package + ".append":
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
func (s *Source) variable(name *ast.Ident, in Scope, depth int) []string {
	if name.Obj != nil && s.followed != nil {
		if s.followed[name.Obj] {
			return nil
		}
		s.followed[name.Obj] = true
		defer delete(s.followed, name.Obj)
	}
	found := s.assigned(name, in, depth)
	if p, ok := s.params[name.Obj]; ok && name.Obj != nil {
		for _, c := range s.calls[p.of] {
			if p.at < len(c.Args) {
				found = append(found, s.formats(c.Args[p.at], c.Scope, 0, depth+1)...)
			}
		}
	}
	if e, ok := s.named[in.Package+"."+name.Name]; ok && len(found) == 0 {
		return s.formats(e, in, 0, depth+1)
	}
	if len(found) == 0 {
		return []string{"%s"}
	}
	return found
}

func (s *Source) assigned(name *ast.Ident, in Scope, depth int) (found []string) {
	if in.decl == nil || in.decl.Body == nil {
		return nil
	}
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
	return found
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([a-zA-Z%])`)

// Letters is a format without its verbs.
func Letters(format string) string { return verb.ReplaceAllString(format, "") }

// Arguments is which arguments a format takes, each as its verb; a part in Chinese stands for a text.
func Arguments(format string) map[int]string {
	out, at := map[int]string{}, 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		at++
		if m[1] != "" {
			at, _ = strconv.Atoi(m[1]) //nolint:errcheck // digits
		}
		out[at] = strings.NewReplacer("W", "s", "K", "s", "F", "s").Replace(m[2])
	}
	return out
}

// Han tells whether a text is Chinese.
func Han(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
