// Package domain holds what every concept of the programme shares.
//
// The packages below it say what the programme's rules are: pure Go, no I/O, no clock, no Temporal, no SQL.
package domain

import (
	"errors"
	"strings"
)

// ErrNotFound says that the named record does not exist. It is neither a refusal nor a defect: a caller shows "not found".
var ErrNotFound = errors.New("not found")

// State is where a case stands, as its process calls it; the text is what the database stores.
type State string

// Mark stands for what cannot be kept of an entered text; whoever judges it refuses the mark.
const Mark = "\uFFFD"

// Marked is a text without NUL characters; one of more than limit characters is cut to keep of them. Both leave the mark.
func Marked(s string, limit, keep int) string {
	s = strings.ReplaceAll(s, "\x00", Mark)
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:keep]) + Mark
	}
	return s
}
