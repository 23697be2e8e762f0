package refusal_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"countersign/internal/wording"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sayings are what the programme says when it refuses: the formats and objects that reach refusal.New, through whichever
// function, and every text at all, each with a place where it stands.
type sayings struct {
	formats, objects, texts map[string]string
	unknown                 []string // places where a format is not written out
}

const object, format = 2, 3 // arguments of refusal.New

func read(t *testing.T) sayings {
	t.Helper()
	source, err := wording.Read("../..", "domain", "activities", "views", "workflows", "web", "server", "starter", "worker", "internal")
	require.NoError(t, err)
	s := sayings{formats: map[string]string{}, objects: map[string]string{}, texts: map[string]string{}}
	source.Each(func(_ wording.Scope, n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text, err := strconv.Unquote(n.Value)
				require.NoError(t, err)
				s.texts[text] = source.Place(n)
			}
		case *ast.KeyValueExpr:
			key, ok := n.Key.(*ast.Ident)
			text, is := literal(n.Value)
			switch {
			case !ok || !is:
			case key.Name == "Message":
				s.formats[text] = source.Place(n)
			case key.Name == "Object":
				s.objects[text] = source.Place(n)
			}
		}
		return true
	})
	for _, a := range source.Given("refusal.New", object) {
		if kind, ok := literal(first(a.Args[a.At])); ok {
			s.objects[strings.TrimSuffix(kind, " ")] = source.Place(a)
		}
	}
	s.follow(source, source.Given("refusal.New", format))
	return s
}

// follow takes the formats that are written out. After "%s" comes a whole sentence, which may be a function's to give.
func (s *sayings) follow(source *wording.Source, given []wording.Argument) {
	for _, a := range given {
		text, ok := literal(a.Args[a.At])
		if !ok {
			s.unknown = append(s.unknown, source.Place(a))
			continue
		}
		s.formats[text] = source.Place(a)
		if sentence := (wording.Argument{Call: a.Call, At: a.At + 1}); text == "%s" && sentence.At < len(a.Args) {
			if handed := source.Handed(sentence); len(handed) != 1 || handed[0].CallExpr != a.CallExpr {
				s.follow(source, handed)
			}
		}
	}
}

// begins tells whether some text of the programme begins so.
func (s sayings) begins(with string) bool {
	for text := range s.texts {
		if strings.HasPrefix(text, with) {
			return true
		}
	}
	return false
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

// literal is a text that is written out, also in several parts.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, also := literal(e.Y)
		return left + right, ok && also
	}
	return "", false
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
		assert.NotContains(t, sentence, "starter ", "pages say it, too: say what to do, the command line adds how")
		assert.Truef(t, said.formats[sentence] != "", "nobody says %q", sentence)
		assert.Equal(t, wording.Arguments(sentence), wording.Arguments(chinese), "the arguments of %q", sentence)
	}
	for word, chinese := range zh.Words {
		assert.Truef(t, said.texts[word] != "", "nobody uses the word %q", word)
		for at, verb := range wording.Arguments(chinese) {
			assert.Equal(t, "s", verb, "the parts of %q are texts by now", word)
			assert.Contains(t, wording.Arguments(word), at, "the parts of %q", word)
		}
	}
}
