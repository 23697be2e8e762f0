// Package csvfile reads CSV files of any size record by record, in memory that does not grow with the file.
package csvfile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Longest is how many octets a record may have, quoted line breaks included. A file in which a quotation mark is missing
// would else be one record.
const Longest = 1 << 20

// Reader reads records. It takes a byte order mark, both kinds of line ends and line breaks in quotes, and skips empty lines.
type Reader struct {
	Header []string
	csv    *csv.Reader
	limit  *limit
	line   int // where the last record began
}

// BadRecord is a record that cannot be read; those after it can.
type BadRecord struct {
	Line   int
	Column string // empty: the record as a whole
	Reason string
}

func (b *BadRecord) Error() string { return fmt.Sprintf("line %d: %s", b.Line, b.Reason) }

// NewReader reads the header, too. Its error is a sentence for people.
func NewReader(from io.Reader) (*Reader, error) {
	start := bufio.NewReaderSize(from, 1<<16)
	if mark, err := start.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = start.Discard(3) // peeked: it is there
	}
	r := &Reader{limit: &limit{from: start, left: Longest}}
	r.csv = csv.NewReader(r.limit)
	r.csv.FieldsPerRecord = -1
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty; its first line names the columns")
	case errors.Is(err, errTooLong):
		return nil, fmt.Errorf("the first line has more than %d octets: this is no CSV file", Longest)
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("the first line is not CSV: %w", syntax.Err)
	case err != nil:
		return nil, err
	}
	for i, name := range header {
		if fault(name) != "" {
			return nil, fmt.Errorf("the name of column %d %s: write the file as CSV in UTF-8", i+1, fault(name))
		}
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, fmt.Errorf("column %d has no name in the first line", i+1)
		}
		if slices.Contains(r.Header, name) {
			return nil, fmt.Errorf("the first line names the column %s twice", name)
		}
		r.Header = append(r.Header, name)
	}
	r.limit.left, r.line = Longest, 1
	return r, nil
}

// Read gives the next record and the line at which it begins. The slice is valid until the next call. A *BadRecord is
// about one record; io.EOF and any other error end the file.
func (r *Reader) Read() ([]string, int, error) {
	fields, err := r.csv.Read()
	r.limit.left = Longest
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		r.line = syntax.StartLine
		reason := "a quotation mark is missing, or one too many"
		if syntax.Line > syntax.StartLine {
			reason += fmt.Sprintf("; the row was read as far as line %d", syntax.Line)
		}
		return nil, r.line, &BadRecord{Line: r.line, Reason: reason}
	case errors.Is(err, errTooLong):
		return nil, 0, fmt.Errorf("a row after line %d has more than %d octets; a quotation mark may be missing there", r.line, Longest)
	case err != nil:
		return nil, 0, err
	}
	r.line, _ = r.csv.FieldPos(0)
	if len(fields) != len(r.Header) {
		return nil, r.line, &BadRecord{Line: r.line, Reason: fmt.Sprintf("the row has %d fields, the first line names %d", len(fields), len(r.Header))}
	}
	for i, f := range fields {
		if reason := fault(f); reason != "" {
			return nil, r.line, &BadRecord{Line: r.line, Column: r.Header[i], Reason: "the field " + reason}
		}
	}
	return fields, r.line, nil
}

// fault says what no text may hold; empty: it is in order.
func fault(text string) string {
	switch {
	case !utf8.ValidString(text):
		return "is not valid UTF-8"
	case strings.IndexByte(text, 0) >= 0:
		return "has a NUL octet"
	}
	return ""
}

// limit ends the reading of a record that is too long. What is read ahead counts for the record, which is why the true
// limit is a buffer less.
type limit struct {
	from io.Reader
	left int
}

var errTooLong = errors.New("the record is too long")

func (l *limit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.from.Read(p)
	l.left -= n
	return n, err
}
