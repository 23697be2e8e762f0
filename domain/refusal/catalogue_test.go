package refusal_test

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is what the programme says when it refuses: the formats that reach refusal.New, through whichever function, and every
// text at all, each with a place where it stands.
type source struct {
	formats, objects, texts map[string]string
	unknown                 []string // places where a format is not written out
}

const object, format = 2, 3 // arguments of refusal.New

func read(t *testing.T) source {
	t.Helper()
	s := source{formats: map[string]string{}, objects: map[string]string{}, texts: map[string]string{}}
	for _, dir := range []string{"domain", "activities", "views", "workflows", "web", "server", "starter", "worker", "internal"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			s.readPackage(t, path)
			return nil
		}))
	}
	return s
}

// begins tells whether some text of the programme begins so.
func (s source) begins(with string) bool {
	for text := range s.texts {
		if strings.HasPrefix(text, with) {
			return true
		}
	}
	return false
}

func (s source) place(set *token.FileSet, n ast.Node) string {
	return strings.TrimPrefix(set.Position(n.Pos()).String(), "../../")
}

func (s *source) readPackage(t *testing.T, dir string) {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		require.NoError(t, err)
		files = append(files, f)
	}
	known, about := map[any]int{}, map[any]int{} // by declaration; of methods and functions by name
	for again := true; again; {
		again = false
		s.unknown = slices.DeleteFunc(s.unknown, func(p string) bool { return strings.HasPrefix("../../"+p, dir+"/") })
		for _, f := range files {
			w := walker{source: s, set: set, known: known, about: about, again: &again}
			ast.Walk(w, f)
		}
	}
}

// walker follows the formats of one file; within are the functions around a call, the innermost last.
type walker struct {
	*source
	set    *token.FileSet
	known  map[any]int // which argument of a refuser is the format
	about  map[any]int // which one is the object
	within []function
	again  *bool
}

type function struct {
	of     any // what known has it by
	params *ast.FieldList
}

func (w walker) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FuncDecl:
		w.within = append(slices.Clone(w.within), function{n.Name.Name, n.Type.Params})
	case *ast.AssignStmt:
		if f, ok := n.Rhs[0].(*ast.FuncLit); ok && len(n.Lhs) == 1 {
			if name, ok := n.Lhs[0].(*ast.Ident); ok && name.Obj != nil {
				w.within = append(slices.Clone(w.within), function{name.Obj, f.Type.Params})
			}
		}
	case *ast.BasicLit:
		if text, ok := literal(n); ok {
			w.texts[text] = w.place(w.set, n)
		}
	case *ast.KeyValueExpr:
		key, _ := n.Key.(*ast.Ident)
		text, ok := literal(n.Value)
		switch {
		case !ok || key == nil:
		case key.Name == "Message":
			w.formats[text] = w.place(w.set, n)
		case key.Name == "Object":
			w.objects[text] = w.place(w.set, n)
		}
	case *ast.CallExpr:
		w.call(n)
	}
	return w
}

func (w walker) call(n *ast.CallExpr) {
	if at, ok := w.refuser(n.Fun, w.about, object); ok && at < len(n.Args) {
		if kind, ok := literal(first(n.Args[at])); ok {
			w.objects[strings.TrimSuffix(kind, " ")] = w.place(w.set, n)
		} else {
			w.passed(n.Args[at], w.about)
		}
	}
	at, ok := w.refuser(n.Fun, w.known, format)
	if !ok || at >= len(n.Args) {
		return
	}
	if text, ok := literal(n.Args[at]); ok {
		w.formats[text] = w.place(w.set, n)
		if text == "%s" && at+1 < len(n.Args) { // a function that is given whole sentences
			w.passed(n.Args[at+1], w.known)
		}
	} else if !w.passed(n.Args[at], w.known) {
		w.unknown = append(w.unknown, w.place(w.set, n))
	}
}

// first is what an expression begins with.
func first(e ast.Expr) ast.Expr {
	for {
		sum, ok := e.(*ast.BinaryExpr)
		if !ok {
			return e
		}
		e = sum.X
	}
}

// passed tells whether an argument is a parameter of a function around the call, which is then a refuser itself.
func (w walker) passed(argument ast.Expr, known map[any]int) bool {
	name, ok := argument.(*ast.Ident)
	if !ok {
		return false
	}
	for _, f := range slices.Backward(w.within) {
		at := 0
		for _, field := range f.params.List {
			for _, p := range field.Names {
				if p.Name == name.Name {
					if _, ok := known[f.of]; !ok {
						known[f.of], *w.again = at, true
					}
					return true
				}
				at++
			}
		}
	}
	return false
}

// refuser tells which argument of a function is known for what refusal.New has at this place.
func (w walker) refuser(fun ast.Expr, known map[any]int, ofNew int) (int, bool) {
	switch f := fun.(type) {
	case *ast.Ident:
		if f.Obj != nil && f.Obj.Kind == ast.Var {
			at, ok := known[f.Obj]
			return at, ok
		}
		at, ok := known[f.Name]
		return at, ok
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && x.Name == "refusal" && f.Sel.Name == "New" {
			return ofNew, true
		}
		at, ok := known[f.Sel.Name]
		return at, ok
	}
	return 0, false
}

// literal is a text that is written out, also in several parts.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, also := literal(e.Y)
		return left + right, ok && also
	}
	return "", false
}

var verb = regexp.MustCompile(`%(\[(\d+)\])?([a-zA-Z%])`)

// arguments is which arguments a format takes, each as its verb; a Chinese word (%W) stands for a text.
func arguments(format string) map[int]string {
	out, at := map[int]string{}, 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[3] == "%" {
			continue
		}
		at++
		if m[2] != "" {
			at, _ = strconv.Atoi(m[2])
		}
		out[at] = strings.NewReplacer("W", "s").Replace(m[3])
	}
	return out
}

func TestEverySentenceThatRefusesHasItsChineseOne(t *testing.T) {
	said := read(t)
	require.Empty(t, said.unknown, "write the format out where it is given, so that it can be translated")
	require.Greater(t, len(said.formats), 400, "the formats are found")

	text, err := os.ReadFile("zh.json")
	require.NoError(t, err)
	var zh struct{ Sentences, Words, Objects map[string]string }
	require.NoError(t, json.Unmarshal(text, &zh))

	for object := range zh.Objects {
		assert.Truef(t, said.objects[object] != "" || said.begins(object+" "), "nothing is refused about %q", object)
	}
	for object, place := range said.objects {
		assert.NotEmptyf(t, zh.Objects[object], "%s: zh.json lacks the object %q", place, object)
	}
	for sentence, place := range said.formats {
		if zh.Sentences[sentence] == "" && zh.Words[sentence] == "" {
			t.Errorf("%s: zh.json lacks %q", place, sentence)
		}
	}
	for sentence, chinese := range zh.Sentences {
		assert.Truef(t, said.formats[sentence] != "", "nobody says %q", sentence)
		assert.Equal(t, arguments(sentence), arguments(chinese), "the arguments of %q", sentence)
	}
	for word, chinese := range zh.Words {
		assert.Truef(t, said.texts[word] != "", "nobody uses the word %q", word)
		for at, verb := range arguments(chinese) {
			assert.Equal(t, "s", verb, "the parts of %q are texts by now", word)
			assert.Contains(t, arguments(word), at, "the parts of %q", word)
		}
	}
}
