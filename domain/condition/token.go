package condition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

type kind int

const (
	end kind = iota
	word
	quoted
	symbol
)

// token is a word, a quoted text, a symbol, or the end of the condition.
type token struct {
	kind   kind
	text   string // without its quotes
	column int    // from 1, in characters
}

var (
	blank = regexp.MustCompile(`^\s+`)
	bare  = regexp.MustCompile(`^[\w.-]+$`)
	// What is read where. A quoted text holds nothing invisible and no broken UTF-8, so that it
	// is what it looks like.
	lexemes = []struct {
		kind kind
		at   *regexp.Regexp
	}{
		{word, regexp.MustCompile(`^([\w.-]+)`)},
		{quoted, regexp.MustCompile(`^"([^"\pC\p{Zl}\p{Zp}\x{FFFD}]*)"`)},
		{quoted, regexp.MustCompile(`^'([^'\pC\p{Zl}\p{Zp}\x{FFFD}]*)'`)},
		{symbol, regexp.MustCompile(`^(==|!=|<=|>=|[=<>(),])`)},
	}
)

func isKeyword(text string) bool {
	return slices.Contains([]string{"and", "or", "not", "in"}, strings.ToLower(text))
}

// split reads the tokens, the end last.
func split(text string) ([]token, error) {
	if n := utf8.RuneCountInString(text); n > longest {
		return nil, token{column: longest + 1}.fail("the condition is too long: it has %d characters; shorten it to %d", n, longest)
	}
	var tokens []token
	for at := 0; ; {
		at += len(blank.FindString(text[at:]))
		t, size := next(text[at:])
		t.column = utf8.RuneCountInString(text[:at]) + 1
		if size == 0 && at < len(text) {
			return nil, t.unreadable(text[at:])
		}
		tokens = append(tokens, t)
		if t.kind == end {
			return tokens, nil
		}
		at += size
	}
}

// next reads one token and says how many bytes it took; none at the end and before what cannot be read.
func next(text string) (token, int) {
	for _, l := range lexemes {
		if m := l.at.FindStringSubmatch(text); m != nil {
			return token{kind: l.kind, text: m[1]}, len(m[0])
		}
	}
	return token{}, 0
}

func (t token) unreadable(rest string) error {
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == '"' || r == '\'':
		return t.fail("the text that begins here does not end: close it with %c, on the same line and without invisible characters", r)
	case r == utf8.RuneError && size == 1:
		return t.fail("this is not UTF-8: write plain text")
	default:
		return t.fail("%q means nothing in a condition: write fields, texts, amounts, brackets, and, or, not, in, =, !=, <, <=, > or >=", string(r))
	}
}

// misplaced refuses the token where something else had to stand.
func (t token) misplaced(write string) error {
	if t.kind == end {
		return t.fail("the condition ends too early: write %s", write)
	}
	return t.fail("%q cannot stand here: write %s", t.text, write)
}

func (t token) fail(format string, args ...any) error {
	return fmt.Errorf("column %d: %s", t.column, fmt.Sprintf(format, args...))
}
