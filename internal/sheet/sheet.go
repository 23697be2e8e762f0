// Package sheet writes long tables row by row, as an Excel workbook or as CSV. A file appears under its name only when it is
// whole.
package sheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Number is a cell that is a number, as text: "1234.50". Everything else is text, whatever it looks like.
type Number string

// Format is how a table is written.
type Format string

// The formats.
const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
)

// Writer takes the rows of one table.
type Writer interface {
	Row(cells ...any) error
	Close() error   // writes what is left
	Abandon() error // leaves nothing behind; after Close it does nothing
}

// To begins a table under these column names that goes to out. A workbook is written by Close, CSV as it comes.
func To(out io.Writer, f Format, columns ...string) (Writer, error) {
	switch f {
	case XLSX:
		return newWorkbook(out, columns)
	case CSV:
		return newCSV(out, columns)
	}
	return nil, fmt.Errorf("a table is written as %s or %s, not %q", XLSX, CSV, f)
}

// Create begins a table in a file. The ending of its name says how it is written: .xlsx or .csv.
func Create(path string, columns ...string) (Writer, error) {
	f := Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), "."))
	if f != XLSX && f != CSV {
		return nil, fmt.Errorf("%s: name a file that ends in .xlsx or .csv", path)
	}
	out, err := os.Create(path + ".part")
	if err != nil {
		return nil, err
	}
	w, err := To(out, f, columns...)
	if err != nil {
		return nil, errors.Join(err, out.Close(), os.Remove(out.Name()))
	}
	return &file{Writer: w, path: path, out: out}, nil
}

// file gets its name when it is whole.
type file struct {
	Writer
	path   string
	out    *os.File
	closed bool
}

func (f *file) Close() error {
	if err := errors.Join(f.Writer.Close(), f.out.Close()); err != nil {
		return err
	}
	f.closed = true
	return os.Rename(f.out.Name(), f.path)
}

func (f *file) Abandon() error {
	if f.closed {
		return nil
	}
	f.closed = true
	err := f.out.Close()
	if errors.Is(err, os.ErrClosed) { // Close broke off
		err = nil
	}
	return errors.Join(f.Writer.Abandon(), err, os.Remove(f.out.Name()))
}

// MaxRows is how many rows one sheet of a workbook holds, its heading among them; more rows go on the next sheet.
const MaxRows = excelize.TotalRows

type workbook struct {
	out     io.Writer
	columns []any
	file    *excelize.File
	stream  *excelize.StreamWriter
	sheets  int
	row     int // of the present sheet
	limit   int
	amount  int // style of numbers
	bold    int
	closed  bool
}

func newWorkbook(out io.Writer, columns []string) (*workbook, error) {
	w := &workbook{out: out, file: excelize.NewFile(), limit: MaxRows}
	for _, c := range columns {
		w.columns = append(w.columns, c)
	}
	var err error
	if w.amount, err = w.file.NewStyle(&excelize.Style{NumFmt: 4}); err != nil { // #,##0.00
		return nil, err
	}
	if w.bold, err = w.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err != nil {
		return nil, err
	}
	return w, w.nextSheet()
}

func (w *workbook) nextSheet() error {
	if w.stream != nil {
		if err := w.stream.Flush(); err != nil {
			return err
		}
	}
	w.sheets++
	name := "Sheet" + strconv.Itoa(w.sheets)
	if w.sheets > 1 {
		if _, err := w.file.NewSheet(name); err != nil {
			return err
		}
	}
	var err error
	if w.stream, err = w.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := w.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	w.row = 1
	return w.stream.SetRow("A1", w.columns, excelize.RowOpts{StyleID: w.bold})
}

// exact is the number of digits that a spreadsheet keeps; a longer number is written as text.
const exact = 15

func (w *workbook) Row(cells ...any) error {
	if w.row == w.limit {
		if err := w.nextSheet(); err != nil {
			return err
		}
	}
	w.row++
	values := make([]any, len(cells))
	for i, c := range cells {
		n, ok := c.(Number)
		if !ok {
			values[i] = fmt.Sprint(c) // inline text, never a formula
			continue
		}
		if digits := strings.Trim(string(n), "-."); len(digits) > exact+1 {
			values[i] = string(n)
			continue
		}
		f, err := strconv.ParseFloat(string(n), 64) // what a spreadsheet counts with; ours does not pass through it
		if err != nil {
			return fmt.Errorf("cell %d: %w", i+1, err)
		}
		values[i] = excelize.Cell{Value: f, StyleID: w.amount}
	}
	return w.stream.SetRow("A"+strconv.Itoa(w.row), values)
}

func (w *workbook) Close() error {
	if err := w.stream.Flush(); err != nil {
		return err
	}
	if err := w.file.Write(w.out); err != nil {
		return err
	}
	w.closed = true
	return w.file.Close()
}

func (w *workbook) Abandon() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.file.Close()
}

type csvTable struct{ rows *csv.Writer }

func newCSV(out io.Writer, columns []string) (*csvTable, error) {
	if _, err := io.WriteString(out, "\ufeff"); err != nil { // without the mark spreadsheets take Chinese for something else
		return nil, err
	}
	w := &csvTable{csv.NewWriter(out)}
	heading := make([]any, len(columns))
	for i, c := range columns {
		heading[i] = c
	}
	return w, w.Row(heading...)
}

func (w *csvTable) Row(cells ...any) error {
	record := make([]string, len(cells))
	for i, c := range cells {
		if n, ok := c.(Number); ok {
			record[i] = string(n)
			continue
		}
		record[i] = plain(fmt.Sprint(c))
	}
	return w.rows.Write(record)
}

// plain keeps a spreadsheet from taking text for a formula: what begins like one gets an apostrophe.
func plain(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (w *csvTable) Close() error {
	w.rows.Flush()
	return w.rows.Error()
}

func (w *csvTable) Abandon() error { return nil }
