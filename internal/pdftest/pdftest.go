// Package pdftest reads back what the house printed.
package pdftest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

var (
	streams = regexp.MustCompile(`(?s)/Filter /FlateDecode /Length \d+>>\nstream\n(.*?)\nendstream`)
	shown   = regexp.MustCompile(`(?s)\(((?:[^\\)]|\\.)*)\) ?Tj`)
	escaped = regexp.MustCompile(`(?s)\\(.)`)
)

// Contents are the content streams of the pages.
func Contents(t testing.TB, out []byte) (pages [][]byte) {
	t.Helper()
	for _, s := range streams.FindAllSubmatch(out, -1) {
		inflater, err := zlib.NewReader(bytes.NewReader(s[1]))
		require.NoError(t, err)
		content, err := io.ReadAll(inflater)
		require.NoError(t, err)
		if bytes.Contains(content, []byte("BT ")) { // else a font
			pages = append(pages, content)
		}
	}
	return pages
}

// Texts reads what each page shows, spaces out: strings of 16-bit characters in its content stream.
func Texts(t testing.TB, out []byte) (pages []string) {
	t.Helper()
	for _, content := range Contents(t, out) {
		var page strings.Builder
		for _, show := range shown.FindAllSubmatch(content, -1) {
			text := escaped.ReplaceAllFunc(show[1], func(e []byte) []byte {
				if e[1] == 'r' {
					return []byte{'\r'}
				}
				return e[1:]
			})
			units := make([]uint16, len(text)/2)
			for i := range units {
				units[i] = binary.BigEndian.Uint16(text[2*i:])
			}
			page.WriteString(string(utf16.Decode(units)))
		}
		pages = append(pages, strings.ReplaceAll(page.String(), " ", ""))
	}
	return pages
}
