// Package chinese finds the Chinese of what the programme says in English: by the format that a text is made with, or that it was
// made with some time ago.
package chinese

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Word says a part of a text in Chinese, and whether it is known; what is not known stays as it is: a name, what somebody entered.
type Word func(english string) (chinese string, known bool)

// Book has Chinese formats by English ones, {"%s of %s is missing": "缺少 %[2]s 的%[1]W"}. In the Chinese, %W is a part in Chinese if it
// is known; %K is the same, but without it a finished text is not taken for one of this format, and so is %F, which has a figure.
type Book struct {
	chinese  map[string][]piece
	patterns []*pattern // of formats with verbs, those that say most first
}

// New makes a book.
func New(formats map[string]string) *Book {
	b := &Book{chinese: make(map[string][]piece, len(formats))}
	for english, chinese := range formats {
		b.chinese[english] = pieces(chinese)
		if p := newPattern(english); p != nil {
			b.patterns = append(b.patterns, p)
		}
	}
	slices.SortFunc(b.patterns, func(a, b *pattern) int {
		return cmp.Or(b.says-a.says, strings.Compare(a.english, b.english))
	})
	return b
}

// Say is the Chinese of a format with its arguments; empty: the book has none.
func (b *Book) Say(word Word, english string, args ...any) string {
	found, ok := b.chinese[english]
	if !ok {
		return ""
	}
	text, _, _ := say(word, found, args)
	return text
}

// Find is the Chinese of a finished text. All tells whether each of its parts is known, too.
func (b *Book) Find(word Word, text string) (chinese string, found, all bool) {
	if found, ok := b.chinese[text]; ok {
		return say(word, found, nil)
	}
	for _, p := range b.patterns {
		if args := p.match(text); args != nil {
			if out, ok, all := say(word, b.chinese[p.english], args); ok {
				return out, true, all
			}
		}
	}
	return "", false, false
}

// say puts arguments in; not ok: one that has to be known is not.
func say(word Word, chinese []piece, args []any) (text string, ok, all bool) {
	var out []string
	ok, all = true, true
	for _, p := range chinese {
		switch {
		case p.verb == "":
			out = append(out, p.text)
		case p.arg >= len(args):
			out = append(out, p.verb)
		case p.verb == "%W", p.verb == "%K":
			text, known := word(fmt.Sprint(args[p.arg]))
			ok, all = ok && (known || p.verb == "%W"), all && known
			out = append(out, text)
		case p.verb == "%F":
			text := fmt.Sprint(args[p.arg])
			ok = ok && strings.ContainsAny(text, "0123456789")
			out = append(out, text)
		default:
			if _, finished := args[p.arg].(part); finished {
				out = append(out, fmt.Sprint(args[p.arg]))
				continue
			}
			out = append(out, fmt.Sprintf(p.verb, args[p.arg]))
		}
	}
	return strings.Join(out, ""), ok, all
}

// piece is text, or a verb with the argument that it shows.
type piece struct {
	text string
	verb string // "%d"
	arg  int
}

var verbs = regexp.MustCompile(`%(?:\[(\d+)\])?([a-zA-Z%])`)

// pieces takes a format apart.
func pieces(format string) []piece {
	var found []piece
	text := func(s string) {
		if n := len(found); n > 0 && found[n-1].verb == "" {
			found[n-1].text += s
		} else if s != "" {
			found = append(found, piece{text: s})
		}
	}
	last, next := 0, 0
	for _, m := range verbs.FindAllStringSubmatchIndex(format, -1) {
		text(format[last:m[0]])
		last = m[1]
		if format[m[4]:m[5]] == "%" {
			text("%")
			continue
		}
		if m[2] >= 0 {
			next, _ = strconv.Atoi(format[m[2]:m[3]]) //nolint:errcheck // digits
			next--
		}
		found = append(found, piece{verb: "%" + format[m[4]:m[5]], arg: next})
		next++
	}
	text(format[last:])
	return found
}

// pattern finds a text that was made with a format, and its arguments.
type pattern struct {
	english        string
	says           int // octets that are not arguments
	args           int
	prefix, suffix string // these and the texts between are quick to look for
	between        []string
	found          []int // the argument of each group
	expression     func() *regexp.Regexp
}

// part is an argument in a finished text.
type part string

// newPattern reads a format; nil: it has no verbs.
func newPattern(format string) *pattern {
	all := pieces(format)
	p := &pattern{english: format}
	var text strings.Builder
	for i, piece := range all {
		switch piece.verb {
		case "":
			p.says += len(piece.text)
			text.WriteString(regexp.QuoteMeta(piece.text))
			if i == 0 {
				p.prefix = piece.text
			}
			if i == len(all)-1 {
				p.suffix = piece.text
			}
			p.between = append(p.between, piece.text)
			continue
		case "%q":
			text.WriteString(`("(?:[^"\\]|\\.)*")`)
		case "%d":
			text.WriteString(`(-?[0-9]+)`)
		default:
			if last := i == len(all)-1; last && i > 0 && strings.HasSuffix(all[i-1].text, ".") { // one more sentence, or none
				text.WriteString(`(.*)`)
				break
			}
			text.WriteString(`(.+?)`)
		}
		p.found, p.args = append(p.found, piece.arg), max(p.args, piece.arg+1)
	}
	if p.args == 0 {
		return nil
	}
	p.expression = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)^` + text.String() + `$`) })
	return p
}

// match gives the arguments of a text that was made with the format; nil: it was not.
func (p *pattern) match(text string) []any {
	if p.says == 0 || len(text) < p.says || !strings.HasPrefix(text, p.prefix) || !strings.HasSuffix(text, p.suffix) {
		return nil
	}
	for _, literal := range p.between {
		if !strings.Contains(text, literal) {
			return nil
		}
	}
	m := p.expression().FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	args, whole := make([]any, p.args), closed(text)
	for i, arg := range p.found {
		if whole && !closed(m[i+1]) { // it was cut within brackets
			return nil
		}
		args[arg] = part(m[i+1])
	}
	return args
}

// closed tells whether a text closes all brackets that it opens.
func closed(text string) bool {
	open := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			open++
		case ')':
			if open--; open < 0 {
				return false
			}
		}
	}
	return open == 0
}
